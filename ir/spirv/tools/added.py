# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the reader understands and the grammars that distributions package do not have yet."""

def _operands(*kinds):
    return [{"kind": k.rstrip("?"), **({"quantifier": "?"} if k.endswith("?") else {})}
            for k in kinds]


def _cooperative(name, opcode, *kinds):
    return {"opname": f"Op{name}KHR", "opcode": opcode, "version": "None",
            "operands": _operands(*kinds)}


OPCODES = [
    _cooperative("TypeCooperativeMatrix", 4456, "IdResult", "IdRef", "IdScope", "IdRef", "IdRef",
                 "IdRef"),
    _cooperative("CooperativeMatrixLoad", 4457, "IdResultType", "IdResult", "IdRef", "IdRef",
                 "IdRef?", "MemoryAccess?"),
    _cooperative("CooperativeMatrixStore", 4458, "IdRef", "IdRef", "IdRef", "IdRef?",
                 "MemoryAccess?"),
    _cooperative("CooperativeMatrixMulAdd", 4459, "IdResultType", "IdResult", "IdRef", "IdRef",
                 "IdRef", "CooperativeMatrixOperands?"),
    _cooperative("CooperativeMatrixLength", 4460, "IdResultType", "IdResult", "IdRef"),
    {"opname": "OpExtInstWithForwardRefsKHR", "opcode": 4433, "version": "None",
     "extensions": ["SPV_KHR_relaxed_extended_instruction"],
     "operands": [{"kind": "IdResultType"}, {"kind": "IdResult"}, {"kind": "IdRef"},
                  {"kind": "LiteralExtInstInteger"}, {"kind": "IdRef", "quantifier": "*"}]}]

ENUMERANTS = {
    "Capability": [
        {"enumerant": "CooperativeMatrixKHR", "value": 6022, "version": "None",
         "extensions": ["SPV_KHR_cooperative_matrix"]},
        {"enumerant": "FloatControls2", "value": 6029, "version": "None",
         "extensions": ["SPV_KHR_float_controls2"]}],
    "CooperativeMatrixOperands": [
        {"enumerant": "NoneKHR", "value": 0x0, "version": "None"},
        {"enumerant": "MatrixASignedComponentsKHR", "value": 0x1, "version": "None"},
        {"enumerant": "MatrixBSignedComponentsKHR", "value": 0x2, "version": "None"},
        {"enumerant": "MatrixCSignedComponentsKHR", "value": 0x4, "version": "None"},
        {"enumerant": "MatrixResultSignedComponentsKHR", "value": 0x8, "version": "None"},
        {"enumerant": "SaturatingAccumulationKHR", "value": 0x10, "version": "None"}],
    "FPFastMathMode": [
        {"enumerant": "AllowContract", "value": 0x10000, "version": "None"},
        {"enumerant": "AllowReassoc", "value": 0x20000, "version": "None"},
        {"enumerant": "AllowTransform", "value": 0x40000, "version": "None"}],
    "ExecutionMode": [
        {"enumerant": "FPFastMathDefault", "value": 6028, "version": "None",
         "parameters": _operands("IdRef", "IdRef")},
        {"enumerant": "MaximallyReconvergesKHR", "value": 6023, "version": "None",
         "extensions": ["SPV_KHR_maximal_reconvergence"]}]}


# Kinds of operands that a grammar may lack altogether.
KINDS = {"CooperativeMatrixOperands": "BitEnum"}


def extend(core):
    """Adds what is missing to a core grammar; what was added has a true member "added"."""
    known = {op["opcode"] for op in core["instructions"]}
    core["instructions"] += [dict(op, added=True) for op in OPCODES if op["opcode"] not in known]
    kinds = {kind["kind"] for kind in core["operand_kinds"]}
    core["operand_kinds"] += [{"category": category, "kind": name, "enumerants": []}
                              for name, category in KINDS.items() if name not in kinds]
    for kind in core["operand_kinds"]:
        known = {int(str(e["value"]), 0) for e in kind.get("enumerants", ())}
        for e in ENUMERANTS.get(kind["kind"], ()):
            if e["value"] not in known:
                kind["enumerants"].append(dict(e, added=True))
    return core
