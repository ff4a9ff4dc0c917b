# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the reader understands and the grammars that distributions package do not have yet."""

OPCODES = [
    {"opname": "OpExtInstWithForwardRefsKHR", "opcode": 4433, "version": "None",
     "extensions": ["SPV_KHR_relaxed_extended_instruction"],
     "operands": [{"kind": "IdResultType"}, {"kind": "IdResult"}, {"kind": "IdRef"},
                  {"kind": "LiteralExtInstInteger"}, {"kind": "IdRef", "quantifier": "*"}]}]

ENUMERANTS = {
    "ExecutionMode": [
        {"enumerant": "MaximallyReconvergesKHR", "value": 6023, "version": "None",
         "extensions": ["SPV_KHR_maximal_reconvergence"]}]}


def extend(core):
    """Adds what is missing to a core grammar; what was added has a true member "added"."""
    known = {op["opcode"] for op in core["instructions"]}
    core["instructions"] += [dict(op, added=True) for op in OPCODES if op["opcode"] not in known]
    for kind in core["operand_kinds"]:
        known = {int(str(e["value"]), 0) for e in kind.get("enumerants", ())}
        for e in ENUMERANTS.get(kind["kind"], ()):
            if e["value"] not in known:
                kind["enumerants"].append(dict(e, added=True))
    return core
