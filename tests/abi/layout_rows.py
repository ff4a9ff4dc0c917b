#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""layout_rows.py HEADERS OUT.c: a program that prints, of every structure and enumerator in these
headers, size, and offset and size of each member, one a line."""
import os
import re
import sys

headers, out = sys.argv[1:]
lines = []
names = []
for name in sorted(os.listdir(headers)):
    with open(os.path.join(headers, name), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    names.append(name)
    structures = re.findall(r"typedef struct \{(.*?)\}\s*(\w+);", text, flags=re.S)
    structures += [(body, tag) for tag, body in re.findall(r"\nstruct (\w+) \{(.*?)\n\};", text, flags=re.S)]
    for body, structure in structures:
        lines.append(f'  printf("size {structure} %zu\\n", sizeof({structure}));')
        for declaration in body.split(";"):
            function = re.search(r"\(\*(\w+)\)\s*\(", declaration)
            if function:
                members = [function.group(1)]
            else:
                # The type, and then one member or several.
                first, *rest = declaration.split(",")
                members = re.findall(r"(\w+)\s*(?:\[\w+\])?\s*$", first.strip())
                members += re.findall(r"\b(\w+)\b(?:\[\w+\])?", " ".join(re.sub(r"\[\w+\]", "", one) for one in rest))
            for member in members:
                lines.append(f'  printf("member {structure}.{member} %zu %zu\\n", '
                             f"offsetof({structure}, {member}), sizeof((({structure} *)0)->{member}));")
    for body in re.findall(r"typedef enum \{(.*?)\}\s*\w+;", text, flags=re.S):
        for enumerator in re.findall(r"(SOKR_\w+)\s*=", body):
            lines.append(f'  printf("value {enumerator} %lld\\n", (long long){enumerator});')
if len(lines) < 100:
    raise SystemExit(f"{headers}: only {len(lines)} structures, members and values were found")
with open(out, "w", encoding="utf-8") as file:
    file.write("#include <stddef.h>\n#include <stdio.h>\n")
    file.writelines(f"#include <sokr/{name}>\n" for name in names)
    file.write("\nint main(void) {\n" + "\n".join(lines) + "\n  return 0;\n}\n")
