#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the tables of operand syntax: all words of an instruction, and what brings it.

usage: generate_syntax.py <core grammar> <output>

Each opcode row is {value, name, operands, version, extensions, added}; enumerant rows are the
same, with the operands that follow the enumerant. The operands of an opcode follow result type
and result id, one letter each, `?` and `*` as in the grammar:
  i id    l one literal word    s string    c number of the result type
  P literal and id of a switch    Q id and literal    R two ids
  x an opcode with free operands    a byte from \\200 on: an enumerant of the kind with that
  index in kEnumerantKinds, followed by what its row says
`version` is the minor version that has it without an extension, kNoVersion if none has;
`extensions` are those that bring it, separated by spaces. An `added` row stands for what this
reader understands and the grammar does not have yet.
"""
import json
import sys

import added

PLAIN = {"LiteralString": "s", "LiteralContextDependentNumber": "c",
         "PairLiteralIntegerIdRef": "P", "PairIdRefLiteralInteger": "Q", "PairIdRefIdRef": "R",
         "LiteralSpecConstantOpInteger": "x"}
CATEGORIES = {"Id": "i", "Literal": "l"}
NO_OPERANDS = ("IdResultType", "IdResult")
ENUM = ("BitEnum", "ValueEnum")


def escaped(letters):
    return "".join(c if ord(c) < 128 else "\\%03o" % ord(c) for c in letters)


class Letters:
    """A letter for each kind of operand. Newer grammars have kinds that this has not heard of:
    ids and literals are one word each, and what has any other is left out of the tables, as if
    the grammar did not know it."""

    def __init__(self, kinds, enumerant_kinds):
        self.of = {k["kind"]: CATEGORIES[k["category"]] for k in kinds
                   if k["category"] in CATEGORIES}
        self.of.update(PLAIN)
        for index, kind in enumerate(enumerant_kinds):
            self.of[kind["kind"]] = chr(128 + index)

    def can_write(self, operands):
        return all(o["kind"] in self.of for o in operands)

    def write(self, operands):
        return escaped("".join(self.of[o["kind"]] + o.get("quantifier", "") for o in operands
                               if o["kind"] not in NO_OPERANDS))


def version_of(item):
    text = item.get("version", "1.0")
    return "kNoVersion" if text == "None" else text.split(".")[1]


def merged(items, value):
    """Rows sorted by value; of aliases the first, with the extensions of all."""
    rows = {}
    for item in items:
        row = rows.setdefault(int(str(item[value]), 0), dict(item, extensions=[]))
        row["extensions"] += [e for e in item.get("extensions", ()) if e not in row["extensions"]]
    return sorted(rows.items())


def requirements(item):
    return '%s, "%s", %s' % (version_of(item), " ".join(item["extensions"]),
                             str(item.get("added", False)).lower())


def enum_rows(kind, letters):
    rows = []
    for value, e in merged(kind["enumerants"], "value"):
        if not letters.can_write(e.get("parameters", ())):
            continue
        rows.append('{%d, "%s", "%s", %s}' % (value, e["enumerant"],
                                              letters.write(e.get("parameters", ())),
                                              requirements(e)))
    return rows


def opcode_rows(core, letters):
    rows = []
    for value, op in merged(core["instructions"], "opcode"):
        if not letters.can_write(op.get("operands", ())):
            continue
        rows.append('{%d, "%s", "%s", %s}' % (
            value, op["opname"], letters.write(op.get("operands", ())), requirements(op)))
    return rows


def main():
    with open(sys.argv[1]) as file:
        core = added.extend(json.load(file))
    kinds = [k for k in core["operand_kinds"] if k["category"] in ENUM]
    letters = Letters(core["operand_kinds"], kinds)
    tables = [("SyntaxRow", "kOpcodeSyntax", opcode_rows(core, letters))]
    tables += [("SyntaxRow", f"k{k['kind']}Syntax", enum_rows(k, letters)) for k in kinds]
    tables.append(("EnumerantKind", "kEnumerantKinds", [
        '{"%s", %s, k%sSyntax}' % (k["kind"], str(k["category"] == "BitEnum").lower(), k["kind"])
        for k in kinds]))
    with open(sys.argv[2], "w") as out:
        for type_name, name, rows in tables:
            if not rows:
                out.write(f"constexpr std::span<const {type_name}> {name};\n")
                continue
            out.write(f"constexpr {type_name} {name}[] = {{\n")
            for row in rows:
                out.write(f"    {row},\n")
            out.write("};\n")


if __name__ == "__main__":
    main()
