#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""clang-tidy on some files of the tree, on all processors.

    tidy.py CLANG_TIDY FOLDER FILE...

FOLDER has the compile_commands.json that lists every source by itself; FILE is relative to the
current folder. Most of what clang-tidy takes is reading headers, so up to eight sources that are
compiled with the same flags are read as one: a file in FOLDER/together that includes them. Where they
cannot be (two have a function of one name that nobody else sees), each is read by itself. A header is
judged by a source that includes it, or a header that does, and so on.

Exits with 1 if there is a finding, with 2 for wrong arguments. A file that nothing compiles here is no
file that can be judged: it is named.
"""

import collections
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

MOST_TOGETHER = 8
HEADERS = (".h", ".hpp")


def read_commands(folder):
    """{file: (folder, arguments without the file and its output)}, the first of each file."""
    commands = {}
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as text:
        for entry in json.load(text):
            arguments = shlex.split(entry["command"])
            for flag in ("-o", "-c"):
                if flag in arguments:
                    at = arguments.index(flag)
                    del arguments[at:at + 2]
            commands.setdefault(entry["file"], (entry["directory"], tuple(arguments)))
    return commands


def includers(header, sources):
    """The sources that include the header, by the end of its path: those beside it first."""
    parts = header.split(os.sep)
    tails = "|".join(re.escape("/".join(parts[at:])) for at in range(len(parts)))
    include = re.compile(r'^\s*#\s*include\s*[<"](?:\.\./|\./)*(?:' + tails + r')[>"]', re.MULTILINE)
    for source in sorted(sources, key=lambda name: -len(os.path.commonprefix([name, header]))):
        with open(source, encoding="utf-8", errors="replace") as text:
            if include.search(text.read()):
                yield source


def source_of(header, sources, headers, chosen):
    """A source that includes the header, by way of others if need be; one of `chosen`, if there is."""
    seen, level = {header}, [header]
    while level:
        users = [user for name in level for user in includers(name, sources)]
        if users:
            return next((user for user in users if user in chosen), users[0])
        level = [user for name in level for user in includers(name, headers) if user not in seen]
        seen.update(level)
    return None


def choose(files, sources):
    """The sources to be read for the files, and the files that no source here says anything of."""
    headers = {os.path.join(folder, name) for top in {source.split(os.sep)[0] for source in sources}
               for folder, _, names in os.walk(top) for name in names if name.endswith(HEADERS)}
    chosen, nowhere = {}, []
    for name in files:
        if not name.endswith(HEADERS):
            found = name if name in sources else None
        else:
            found = source_of(name, sources, headers, chosen)
        if found:
            chosen[found] = None
        else:
            nowhere.append(name)
    return list(chosen), nowhere


def groups_of(chosen, commands):
    by_flags = collections.defaultdict(list)
    for name in chosen:
        by_flags[commands[name] + (os.path.splitext(name)[1],)].append(name)
    for names in by_flags.values():
        for at in range(0, len(names), MOST_TOGETHER):
            yield names[at:at + MOST_TOGETHER]


def run(tidy, folder, source):
    return subprocess.run([tidy, "-quiet", "-p", folder, source], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def write_together(folder, groups, commands):
    """A file and a command for each group of more than one. Returns the files, None for a single."""
    place = os.path.join(folder, "together")
    os.makedirs(place, exist_ok=True)
    entries, files = [], []
    for number, names in enumerate(groups):
        if len(names) == 1:
            files.append(None)
            continue
        directory, arguments = commands[names[0]]
        path = os.path.abspath(os.path.join(place, f"{number}{os.path.splitext(names[0])[1]}"))
        with open(path, "w", encoding="utf-8") as text:
            text.writelines(f'#include "{os.path.abspath(name)}"\n' for name in names)
        entries.append({"directory": directory, "file": path,
                        "arguments": [*arguments, "-c", path]})
        files.append(path)
    with open(os.path.join(place, "compile_commands.json"), "w", encoding="utf-8") as text:
        json.dump(entries, text)
    return place, files


def judge(tidy, folder, place, together, names):
    """What clang-tidy says of a group that is not clean."""
    if together:
        result = run(tidy, place, together)
        if result.returncode == 0:
            return ""
        if "clang-diagnostic-error" not in result.stdout:
            return result.stdout
    said = [run(tidy, folder, name) for name in names]
    return "".join(result.stdout for result in said if result.returncode)


def main(tidy, folder, files):
    commands = {os.path.relpath(name): command for name, command in read_commands(folder).items()}
    sources = {name for name in commands if not name.startswith((os.pardir, "build" + os.sep))}
    chosen, nowhere = choose(files, sources)
    groups = list(groups_of(chosen, commands))
    place, together = write_together(folder, groups, commands)
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        said = list(pool.map(lambda group: judge(tidy, folder, place, *group), zip(together, groups)))
    print("".join(said), end="", flush=True)
    if nowhere:
        print("clang-tidy: not compiled here, and passed over: " + " ".join(nowhere), file=sys.stderr)
    if any(said):
        return 1
    print(f"clang-tidy: {len(files) - len(nowhere)} files are clean", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
