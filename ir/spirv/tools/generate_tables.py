#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the opcode, capability and extended-instruction tables of the reader.

usage: generate_tables.py <core grammar> <GLSL.std.450 grammar> <output>

Each opcode row is {value, name, has type, has result, operands}. The operands
follow result type and result id, one letter each, `?` and `*` as in the grammar:
  i id    k id of a scope    n id of memory semantics
  l one literal word    s string    c number of the result type
  P literal and id of a switch    Q id and literal    R two ids
and enumerants: those of one word
  A addressing model    C capability    F function control    G group operation
  M memory model    S storage class    T selection control    V packed vector format
with operands that the mask says
  m memory access    g image operands
and with free operands
  D decoration    E execution mode    L loop control    x any other
"""
import json
import sys

import added

PLAIN = {"IdRef": "i", "IdScope": "k", "IdMemorySemantics": "n", "LiteralString": "s",
         "LiteralContextDependentNumber": "c", "MemoryAccess": "m", "ImageOperands": "g",
         "PairLiteralIntegerIdRef": "P", "PairIdRefLiteralInteger": "Q", "PairIdRefIdRef": "R",
         "LiteralSpecConstantOpInteger": "x", "AddressingModel": "A", "Capability": "C",
         "Decoration": "D", "ExecutionMode": "E", "FunctionControl": "F", "GroupOperation": "G",
         "LoopControl": "L", "MemoryModel": "M", "StorageClass": "S", "SelectionControl": "T",
         "PackedVectorFormat": "V"}
# Enumerants whose names are kept.
NAMED = ("AddressingModel", "BuiltIn", "Capability", "Decoration", "ExecutionMode",
         "FPFastMathMode", "FPRoundingMode", "FunctionControl", "GroupOperation", "LoopControl",
         "MemoryAccess", "MemoryModel", "MemorySemantics", "PackedVectorFormat", "Scope",
         "SelectionControl", "StorageClass")


def with_parameters(kinds):
    return {k["kind"] for k in kinds
            if any("parameters" in e for e in k.get("enumerants", ()))}


def unique(rows):
    return sorted({value: row for value, row in reversed(rows)}.items())


def operand_letters(operands, free):
    letters = ""
    for operand in operands:
        kind = operand["kind"]
        if kind in ("IdResultType", "IdResult"):
            continue
        letters += PLAIN.get(kind, "x" if kind in free else "l") + operand.get("quantifier", "")
    return letters


def enumerants(core, kind):
    for k in core["operand_kinds"]:
        if k["kind"] == kind:
            return [(int(str(e["value"]), 0), e["enumerant"]) for e in k["enumerants"]]
    raise SystemExit(f"{sys.argv[1]} has no {kind}")


def implied(core):
    """What each capability declares implicitly, by number."""
    kind = next(k for k in core["operand_kinds"] if k["kind"] == "Capability")
    value_of = {e["enumerant"]: int(str(e["value"]), 0) for e in kind["enumerants"]}
    pairs = {(value_of[e["enumerant"]], value_of[other])
             for e in kind["enumerants"] for other in e.get("capabilities", ()) if other in value_of}
    return [(pair, "{%d, %d}" % pair) for pair in sorted(pairs)]


def main():
    with open(sys.argv[1]) as file:
        core = added.extend(json.load(file))
    with open(sys.argv[2]) as file:
        glsl = json.load(file)
    free = with_parameters(core["operand_kinds"])
    opcodes = []
    for op in core["instructions"]:
        operands = op.get("operands", ())
        kinds = [o["kind"] for o in operands]
        opcodes.append((op["opcode"], '{%d, "%s", %s, %s, "%s"}' % (
            op["opcode"], op["opname"], str("IdResultType" in kinds).lower(),
            str("IdResult" in kinds).lower(), operand_letters(operands, free))))
    tables = [("OpcodeRow", "kOpcodeRows", unique(opcodes))]
    for kind in NAMED:
        rows = [(v, '{%d, "%s"}' % (v, n)) for v, n in enumerants(core, kind)]
        tables.append(("NameRow", f"k{kind}Rows", unique(rows)))
    tables.append(("ImpliedRow", "kImpliedRows", implied(core)))
    rows = [(i["opcode"], '{%d, "%s"}' % (i["opcode"], i["opname"])) for i in glsl["instructions"]]
    tables.append(("NameRow", "kGlslStd450Rows", unique(rows)))
    with open(sys.argv[3], "w") as out:
        for type_name, name, rows in tables:
            if not rows:
                out.write(f"constexpr std::span<const {type_name}> {name};\n")
                continue
            out.write(f"constexpr {type_name} {name}[] = {{\n")
            for _, row in rows:
                out.write(f"    {row},\n")
            out.write("};\n")


if __name__ == "__main__":
    main()
