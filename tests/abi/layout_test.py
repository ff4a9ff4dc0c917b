#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""layout_test.py OLD NEW: the rows of layout_rows.py as an old version's headers and today's have
them. Members and values are the same; structures are as large, or larger."""
import subprocess
import sys


def rows(program):
    text = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {tuple(line.split()[:2]): line.split()[2:] for line in text.splitlines()}


old, new = (rows(program) for program in sys.argv[1:])
wrong = []
for (kind, name), was in old.items():
    now = new[kind, name]
    same = int(now[0]) >= int(was[0]) if kind == "size" else now == was
    if not same:
        wrong.append(f"{kind} {name}: {' '.join(was)}, now {' '.join(now)}")
print("\n".join(wrong) if wrong else f"{len(old)} rows are as they were")
sys.exit(bool(wrong))
