#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""frozen_test.py SOURCE: the newest frozen headers are those of the tree, but for comments and
spaces, each folder is named after the version that its headers say, and older ones are as
checksums.txt has them (sha256sum [0-9]*.[0-9]*/launch_reader.h [0-9]*.[0-9]*/sokr/*)."""
import hashlib
import os
import re
import sys

source = sys.argv[1]
frozen = os.path.join(source, "tests", "abi")
PLACES = ("sokr-core/include", "substrates/include", "ir/include", "host/include")
MACROS = {"compute.h": "SOKR_COMPUTE_VERSION", "ir.h": "SOKR_IR_VERSION"}


def tokens(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    return re.findall(r'"[^"\n]*"|\w+|\S', text)


def in_tree(name):
    for place in PLACES:
        path = os.path.join(source, place, "sokr", name)
        if os.path.exists(path):
            return path
    raise SystemExit(f"tests/abi has a copy of sokr/{name}, and the tree has no such header")


versions = sorted((name for name in os.listdir(frozen) if re.fullmatch(r"\d+\.\d+", name)),
                  key=lambda name: [int(part) for part in name.split(".")])
wrong = []
for version in versions:
    major, minor = (int(part) for part in version.split("."))
    for header, macro in MACROS.items():
        text = " ".join(tokens(os.path.join(frozen, version, "sokr", header)))
        said = int(re.search(macro + r" UINT32_C \( (0x[0-9A-Fa-f]+) \)", text).group(1), 16)
        if said != major << 16 | minor:
            wrong.append(f"{version}/sokr/{header} says that it is {said >> 16}.{said & 0xFFFF}")

with open(os.path.join(frozen, "checksums.txt"), encoding="utf-8") as file:
    checksums = dict(reversed(line.split()) for line in file)
for version in versions[:-1]:
    for folder, _, files in os.walk(os.path.join(frozen, version)):
        for name in files:
            path = os.path.join(folder, name)
            known = os.path.relpath(path, frozen)
            with open(path, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != checksums.pop(known, None):
                    wrong.append(f"{known} is not as checksums.txt has it: what was published "
                                 "does not change")
for known in checksums:
    if known.split("/")[0] != versions[-1]:
        wrong.append(f"{known} is gone; programs that were built with it are not")

newest = os.path.join(frozen, versions[-1], "sokr")
names = set(os.listdir(newest))
for place in ("substrates/include", "ir/include"):
    names |= {name for name in os.listdir(os.path.join(source, place, "sokr")) if name.endswith(".h")}
for name in sorted(names | {"growth.h", "host.h"}):
    copy = os.path.join(newest, name)
    if not os.path.exists(copy) or tokens(copy) != tokens(in_tree(name)):
        wrong.append(f"sokr/{name} is not what tests/abi/{versions[-1]} has. A change of a header "
                     "that was published is a new version: raise the version in compute.h and "
                     "ir.h, and put a copy of all headers into a new folder there")
reader = os.path.join(frozen, versions[-1], "launch_reader.h")
if tokens(reader) != tokens(os.path.join(source, "substrates/null/launch_reader.h")):
    wrong.append(f"tests/abi/{versions[-1]}/launch_reader.h is not that of substrates/null")
for line in wrong:
    print(line)
sys.exit(bool(wrong))
