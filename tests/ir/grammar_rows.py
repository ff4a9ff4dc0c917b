#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the enumerants of the SPIR-V grammar as rows for tests (grammar_rows.hpp).

usage: grammar_rows.py <core grammar> <output>
"""
import json
import sys

KINDS = ("AddressingModel", "BuiltIn", "Capability", "Decoration", "ExecutionMode",
         "FPFastMathMode", "FPRoundingMode", "FunctionControl", "GroupOperation", "LoopControl",
         "MemoryAccess", "MemoryModel", "MemorySemantics", "PackedVectorFormat", "Scope", "SelectionControl",
         "StorageClass")


def main():
    with open(sys.argv[1]) as file:
        core = json.load(file)
    with open(sys.argv[2], "w") as out:
        for kind in core["operand_kinds"]:
            if kind["kind"] not in KINDS:
                continue
            for e in kind["enumerants"]:
                parameters = e.get("parameters", ())
                takes_ids = any(p["kind"].startswith("Id") for p in parameters)
                extensions = [x for x in e.get("extensions", ()) if x]
                out.write('{EnumKind::k%s, "%s", %du, %d, %s, "%s"},\n' % (
                    kind["kind"], e["enumerant"], int(str(e["value"]), 0), len(parameters),
                    str(takes_ids).lower(), extensions[0] if extensions else ""))


if __name__ == "__main__":
    main()
