// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program.hpp"

namespace sokr::cpu {

bool operand_is_value(spv::Op op, std::size_t index, std::span<const std::uint32_t> args) {
  switch (op) {
    case spv::Op::OpExtInst:
      return index >= 2;
    case spv::Op::OpCompositeExtract:
    case spv::Op::OpLoad:
    case spv::Op::OpArrayLength:
      return index == 0;
    case spv::Op::OpCompositeInsert:
    case spv::Op::OpVectorShuffle:
    case spv::Op::OpStore:
    case spv::Op::OpCopyMemory:
    case spv::Op::OpSDotKHR:
    case spv::Op::OpUDotKHR:
    case spv::Op::OpSUDotKHR:
      return index <= 1;
    case spv::Op::OpCopyMemorySized:
    case spv::Op::OpSDotAccSatKHR:
    case spv::Op::OpUDotAccSatKHR:
    case spv::Op::OpSUDotAccSatKHR:
      return index <= 2;
    case spv::Op::OpGroupNonUniformBallotBitCount:
      return index != 1;
    default:
      if (op >= spv::Op::OpGroupNonUniformIAdd && op <= spv::Op::OpGroupNonUniformLogicalXor)
        return index != 1;
      return index < args.size();
  }
}

Id element_type(const spirv::Module& module, Id type, std::uint32_t index) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  if (t->kind == spirv::TypeKind::kStruct)
    return index < t->members.size() ? t->members[index].type : 0;
  return t->element;
}

std::uint32_t leaf_count(const spirv::Module& module, Id type) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  switch (t->kind) {
    case spirv::TypeKind::kVoid:
      return 0;
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray:
      return t->count * leaf_count(module, t->element);
    case spirv::TypeKind::kStruct: {
      std::uint32_t sum = 0;
      for (const auto& member : t->members) sum += leaf_count(module, member.type);
      return sum;
    }
    case spirv::TypeKind::kPointer:
      return t->storage == spv::StorageClass::PhysicalStorageBuffer ? 1 : kPointerLeaves;
    default:
      return 1;
  }
}

std::uint32_t leaf_offset(const spirv::Module& module, Id type, std::uint32_t index) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  if (t->kind != spirv::TypeKind::kStruct) return index * leaf_count(module, t->element);
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < index && i < t->members.size(); ++i)
    sum += leaf_count(module, t->members[i].type);
  return sum;
}

void leaf_types(const spirv::Module& module, Id type, std::vector<Id>& out) {
  const spirv::Type* t = module.type(type);
  if (!t || t->kind == spirv::TypeKind::kVoid) return;
  switch (t->kind) {
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray: {
      std::vector<Id> one;
      leaf_types(module, t->element, one);
      for (std::uint32_t i = 0; i < t->count; ++i) out.insert(out.end(), one.begin(), one.end());
      return;
    }
    case spirv::TypeKind::kStruct:
      for (const auto& member : t->members) leaf_types(module, member.type, out);
      return;
    default:
      out.insert(out.end(), leaf_count(module, type), type);
  }
}

std::string to_text(const Program& program) {
  std::string out;
  for (std::uint32_t b = 0; b < program.blocks.size(); ++b) {
    const Block& block = program.blocks[b];
    out += fmt::format("block {} (construct {}):\n", b, block.construct);
    for (const auto& phi : block.phis) {
      out += fmt::format("  %{} = phi", phi.id);
      for (const auto& in : phi.incoming) out += fmt::format(" [%{}, {}]", in.value, in.block);
      out += '\n';
    }
    for (const auto& inst : block.body) {
      out += inst.id ? fmt::format("  %{} = {}", inst.id, spirv::op_name(inst.op))
                     : fmt::format("  {}", spirv::op_name(inst.op));
      for (std::size_t i = 0; i < inst.args.size(); ++i)
        out +=
            fmt::format(" {}{}", operand_is_value(inst.op, i, inst.args) ? "%" : "", inst.args[i]);
      out += '\n';
    }
    out += fmt::format("  to %{} ->", block.condition);
    for (auto target : block.targets) out += fmt::format(" {}", target);
    for (const auto& one : block.cases) out += fmt::format(" {}:{}", one.literal, one.target);
    out += block.barrier_after ? " (barrier)\n" : "\n";
  }
  return out;
}

}  // namespace sokr::cpu
