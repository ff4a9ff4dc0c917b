// SPDX-License-Identifier: MIT OR Apache-2.0
#include "narrow.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <sokr/spirv/instructions.hpp>
#include <span>
#include <utility>

namespace sokr::spirv {
namespace {

using spv::Capability;
using spv::StorageClass;
using Capabilities = std::set<Capability>;

// Types that a module may have for storage only, and the capability with which it may compute.
struct NarrowType {
  spv::Op op;
  std::uint32_t width;
  Capability capability;
};
constexpr NarrowType kTypes[] = {{spv::Op::OpTypeInt, 8, Capability::Int8},
                                 {spv::Op::OpTypeInt, 16, Capability::Int16},
                                 {spv::Op::OpTypeFloat, 16, Capability::Float16}};

// Where variables of them may be, and the capability that says so.
struct Storage {
  StorageClass storage;
  std::uint32_t width;
  Capability capability;
};
constexpr Storage kStorage[] = {
    {StorageClass::StorageBuffer, 8, Capability::StorageBuffer8BitAccess},
    {StorageClass::StorageBuffer, 8, Capability::UniformAndStorageBuffer8BitAccess},
    {StorageClass::PhysicalStorageBuffer, 8, Capability::StorageBuffer8BitAccess},
    {StorageClass::PhysicalStorageBuffer, 8, Capability::UniformAndStorageBuffer8BitAccess},
    {StorageClass::Uniform, 8, Capability::UniformAndStorageBuffer8BitAccess},
    {StorageClass::PushConstant, 8, Capability::StoragePushConstant8},
    {StorageClass::Workgroup, 8, Capability::WorkgroupMemoryExplicitLayout8BitAccessKHR},
    {StorageClass::StorageBuffer, 16, Capability::StorageBuffer16BitAccess},
    {StorageClass::StorageBuffer, 16, Capability::UniformAndStorageBuffer16BitAccess},
    {StorageClass::PhysicalStorageBuffer, 16, Capability::StorageBuffer16BitAccess},
    {StorageClass::PhysicalStorageBuffer, 16, Capability::UniformAndStorageBuffer16BitAccess},
    {StorageClass::Uniform, 16, Capability::UniformAndStorageBuffer16BitAccess},
    {StorageClass::PushConstant, 16, Capability::StoragePushConstant16},
    {StorageClass::Input, 16, Capability::StorageInputOutput16},
    {StorageClass::Output, 16, Capability::StorageInputOutput16},
    {StorageClass::Workgroup, 16, Capability::WorkgroupMemoryExplicitLayout16BitAccessKHR},
};

class Narrow {
 public:
  explicit Narrow(const Module& decoded) : m_(decoded) {}

  Capabilities needs(const Stripped& module) {
    for_each_instruction(module.words, [&](spv::Op op, auto operands, auto, std::size_t) {
      if (operands.empty()) return;
      find_type(op, operands);
      if (is_constant(op)) add(needed_, of(operands[0]));
    });
    if (needed_.empty()) return needed_;
    for (const Capability capability : needed_)
      if (!may_store(std::nullopt, capability)) misused_.insert(capability);
    for (const Variable& variable : m_.variables())
      judge_variable(variable.pointee, variable.storage);
    for (const Function& function : m_.functions()) judge(function);
    Capabilities good;
    std::ranges::set_difference(needed_, misused_, std::inserter(good, good.end()));
    return good;
  }

 private:
  static void add(Capabilities& to, const Capabilities& what) {
    to.insert(what.begin(), what.end());
  }

  bool has(Capability capability) const {
    return std::ranges::find(m_.capabilities(), capability) != m_.capabilities().end();
  }

  // What computing with a type needs that is not there.
  const Capabilities& of(Id type) const {
    static const Capabilities kNothing;
    const auto found = types_.find(type);
    return found == types_.end() ? kNothing : found->second;
  }

  void find_type(spv::Op op, std::span<const std::uint32_t> operands) {
    Capabilities needs;
    const auto take = [&](std::span<const std::uint32_t> parts) {
      for (const Id part : parts) add(needs, of(part));
    };
    switch (op) {
      case spv::Op::OpTypeInt:
      case spv::Op::OpTypeFloat:
        for (const NarrowType& row : kTypes)
          if (row.op == op && row.width == operands[1] && !has(row.capability))
            needs.insert(row.capability);
        break;
      case spv::Op::OpTypeVector:
      case spv::Op::OpTypeMatrix:
      case spv::Op::OpTypeArray:
      case spv::Op::OpTypeRuntimeArray:
        take(operands.subspan(1, 1));
        break;
      case spv::Op::OpTypeStruct:
        take(operands.subspan(1));
        break;
      default:
        return;
    }
    if (!needs.empty()) types_.emplace(operands[0], std::move(needs));
  }

  static bool is_constant(spv::Op op) {
    switch (op) {
      case spv::Op::OpConstant:
      case spv::Op::OpConstantComposite:
      case spv::Op::OpConstantNull:
      case spv::Op::OpSpecConstant:
      case spv::Op::OpSpecConstantComposite:
      case spv::Op::OpSpecConstantOp:
      case spv::Op::OpUndef:
        return true;
      default:
        return false;
    }
  }

  void judge_variable(Id pointee, StorageClass storage) {
    for (const Capability capability : of(pointee))
      if (!may_store(storage_of(pointee, storage), capability)) misused_.insert(capability);
  }
  // A BufferBlock is a storage buffer of another name.
  StorageClass storage_of(Id pointee, StorageClass storage) const {
    const Type* type = m_.type(pointee);
    while (type != nullptr &&
           (type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray))
      type = m_.type(type->element);
    const bool is_buffer =
        storage == StorageClass::Uniform && type != nullptr && type->buffer_block;
    return is_buffer ? StorageClass::StorageBuffer : storage;
  }
  // In this storage class; in any, if none is given.
  bool may_store(std::optional<StorageClass> storage, Capability computing) const {
    const std::uint32_t width = computing == Capability::Int8 ? 8 : 16;
    return std::ranges::any_of(kStorage, [&](const Storage& row) {
      return row.storage == storage.value_or(row.storage) && row.width == width &&
             has(row.capability);
    });
  }

  void judge(const Function& function) {
    add(misused_, of(function.return_type));
    for (const Parameter& parameter : function.parameters) add(misused_, of(parameter.type));
    for (const Instruction& variable : function.variables)
      if (const Type* pointer = m_.type(variable.type); pointer != nullptr)
        judge_variable(pointer->element, StorageClass::Function);
    for (const Block& block : function.blocks) {
      for (const Instruction& phi : block.phis) judge(phi);
      for (const Instruction& one : block.body) judge(one);
      judge(block.terminator);
    }
  }

  void judge(const Instruction& one) {
    if (one.op == spv::Op::OpUndef) return;
    if (one.op == spv::Op::OpCopyMemory || one.op == spv::Op::OpCopyMemorySized) {
      const Type* pointer = m_.type(m_.type_of(one.args[0]));
      return add(misused_, of(pointer != nullptr ? pointer->element : 0));
    }
    judge_use(one.op, one.type);
    for (std::size_t i = 0; i < one.args.size(); ++i)
      if (operand_kind(one.op, i) != OperandKind::kLiteral)
        judge_use(one.op, m_.type_of(one.args[i]));
  }
  // A value of such a type in an instruction: its result, or what it is given.
  void judge_use(spv::Op op, Id type) {
    const Capabilities& needs = of(type);
    if (needs.empty()) return;
    switch (op) {
      case spv::Op::OpLoad:
      case spv::Op::OpStore:
      case spv::Op::OpCopyObject:
      case spv::Op::OpFConvert:
      case spv::Op::OpSConvert:
      case spv::Op::OpUConvert:
        if (is_single(type)) return;
        break;
      default:
        break;
    }
    add(misused_, needs);
  }
  // Structures and arrays are not loaded and stored as wholes.
  bool is_single(Id id) const {
    const Type* type = m_.type(id);
    return type != nullptr && (type->kind == TypeKind::kInt || type->kind == TypeKind::kFloat ||
                               type->kind == TypeKind::kVector || type->kind == TypeKind::kMatrix);
  }

  const Module& m_;
  std::map<Id, Capabilities> types_;
  Capabilities needed_, misused_;
};

}  // namespace

std::set<Capability> needs_of_constants(const Stripped& module, const Module& decoded) {
  return Narrow(decoded).needs(module);
}

}  // namespace sokr::spirv
