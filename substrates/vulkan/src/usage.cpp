// SPDX-License-Identifier: MIT OR Apache-2.0
#include "usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace sokr::vulkan {
namespace {

using spirv::Id;
using spirv::Type;
using spirv::TypeKind;
using spv::Op;
using spv::StorageClass;

// ---- Layouts ------------------------------------------------------------------------------

enum class Rules { kStandard430, kStandard140 };

// Does a type keep the alignment rules of a standard layout, relaxed as Vulkan 1.1 has them? Each
// type is looked at once: members may be of one type, forty deep, and each access of an address
// names its block.
class LayoutCheck {
 public:
  LayoutCheck(const spirv::Module& module, Rules rules) : m_(module), rules_(rules) {}

  bool keeps(Id id, bool row_major = false) {
    if (const auto known = kept_.find({id, row_major}); known != kept_.end()) return known->second;
    const bool found = look_whether_it_keeps(id, row_major);
    return kept_[{id, row_major}] = found;
  }

 private:
  using Key = std::pair<Id, bool>;

  bool look_whether_it_keeps(Id id, bool row_major) {
    const Type* type = m_.type(id);
    if (type == nullptr) return true;
    switch (type->kind) {
      case TypeKind::kArray:
      case TypeKind::kRuntimeArray:
        return (type->stride == 0 || type->stride % alignment(id, row_major) == 0) &&
               keeps(type->element, row_major);
      case TypeKind::kStruct:
        return keeps_members(*type);
      default:
        return true;
    }
  }

  std::uint64_t extended(std::uint64_t alignment) const {
    return rules_ == Rules::kStandard140 ? (alignment + 15) & ~std::uint64_t{15} : alignment;
  }

  std::uint64_t alignment(Id id, bool row_major = false) {
    const auto known = alignments_.find({id, row_major});
    if (known != alignments_.end()) return known->second;
    const std::uint64_t found = look_at_alignment(id, row_major);
    return alignments_[{id, row_major}] = found;
  }

  // A matrix is an array of its columns, or of its rows.
  std::uint64_t look_at_alignment(Id id, bool row_major) {
    const Type* type = m_.type(id);
    if (type == nullptr) return 1;
    switch (type->kind) {
      case TypeKind::kVector:
        return alignment(type->element) * (type->count == 2 ? 2 : 4);
      case TypeKind::kMatrix:
        return extended(row_major ? alignment(m_.scalar_type(id).id) * (type->count == 2 ? 2 : 4)
                                  : alignment(type->element));
      case TypeKind::kArray:
      case TypeKind::kRuntimeArray:
        return extended(alignment(type->element, row_major));
      case TypeKind::kStruct: {
        std::uint64_t most = 1;
        for (const spirv::Member& member : type->members)
          most = std::max(most, alignment(member.type, member.row_major));
        return extended(most);
      }
      case TypeKind::kPointer:
        return 8;
      default:
        return std::max(type->width / 8, 1u);
    }
  }

  static bool is_composite(const Type& type) {
    return type.kind == TypeKind::kStruct || type.kind == TypeKind::kArray ||
           type.kind == TypeKind::kMatrix;
  }

  // Members may be declared in any order; the rules are of that in which they lie.
  bool keeps_members(const Type& type) {
    std::vector<const spirv::Member*> members;
    for (const spirv::Member& member : type.members) members.push_back(&member);
    std::ranges::stable_sort(members, {}, [](const spirv::Member* member) {
      return member->has_offset ? member->offset : 0;
    });
    std::uint64_t free = 0;  // where the next member may begin
    for (const spirv::Member* at : members) {
      const spirv::Member& member = *at;
      const Type* part = m_.type(member.type);
      if (part == nullptr || !member.has_offset) continue;
      const std::uint64_t own = alignment(member.type, member.row_major);
      const std::uint64_t size =
          m_.explicit_size(member.type, {member.matrix_stride, member.row_major});
      if (member.offset < free) return false;
      if (part->kind == TypeKind::kVector) {
        const std::uint64_t scalar = alignment(part->element);
        const std::uint64_t last = member.offset + size - 1;
        const bool straddles =
            size > 16 ? member.offset % 16 != 0 : member.offset / 16 != last / 16;
        if (member.offset % scalar != 0 || straddles) return false;
      } else if (member.offset % own != 0) {
        return false;
      }
      if (member.matrix_stride != 0 && member.matrix_stride % own != 0) return false;
      free = member.offset + size;
      if (is_composite(*part)) free = (free + own - 1) / own * own;
      if (!keeps(member.type, member.row_major)) return false;
    }
    return true;
  }

  const spirv::Module& m_;
  Rules rules_;
  std::map<Key, bool> kept_;
  std::map<Key, std::uint64_t> alignments_;
};

// ---- Code ---------------------------------------------------------------------------------

class Usage {
 public:
  Usage(const spirv::Module& module, const spirv::EntryPoint& entry) : m_(module), e_(entry) {}

  std::vector<Need> run() {
    for (const Id id : e_.globals)
      if (const spirv::Variable* variable = m_.variable(id)) look_at_variable(*variable);
    for (const Id id : e_.functions)
      for (const spirv::Block& block : m_.function(id)->blocks)
        for (const spirv::Instruction& instruction : block.body) look_at(instruction);
    return std::move(needs_);
  }

 private:
  void need(std::string feature, std::string alternative = {}) {
    Need one{std::move(feature), std::move(alternative)};
    if (std::find(needs_.begin(), needs_.end(), one) == needs_.end())
      needs_.push_back(std::move(one));
  }

  // ---- Memory
  void look_at_variable(const spirv::Variable& variable) {
    const Type* block = m_.type(variable.pointee);
    while (block != nullptr &&
           (block->kind == TypeKind::kArray || block->kind == TypeKind::kRuntimeArray)) {
      block = m_.type(block->element);
    }
    if (block == nullptr || block->kind != TypeKind::kStruct) return;
    switch (variable.storage) {
      case StorageClass::Uniform:
        return look_at_layout(*block,
                              block->buffer_block ? Rules::kStandard430 : Rules::kStandard140);
      case StorageClass::StorageBuffer:
      case StorageClass::PushConstant:
        return look_at_layout(*block, Rules::kStandard430);
      case StorageClass::Workgroup:
        if (block->block && !standard430_.keeps(block->id))
          need("workgroupMemoryExplicitLayoutScalarBlockLayout");
        return;
      default:
        return;
    }
  }

  void look_at_layout(const Type& block, Rules rules) {
    if ((rules == Rules::kStandard140 ? standard140_ : standard430_).keeps(block.id)) return;
    if (rules == Rules::kStandard140 && standard430_.keeps(block.id))
      return need("uniformBufferStandardLayout", "scalarBlockLayout");
    need("scalarBlockLayout");
  }

  // ---- Instructions
  void look_at(const spirv::Instruction& i) {
    const std::string name = spirv::op_name(i.op);
    if (name.starts_with("OpAtomic") && !i.args.empty()) return look_at_atomic(i);
    if (name.starts_with("OpGroupNonUniform") || i.op == Op::OpSubgroupFirstInvocationKHR ||
        i.op == Op::OpSubgroupReadInvocationKHR || i.op == Op::OpSubgroupAllEqualKHR)
      return look_at_group(i);
    switch (i.op) {
      case Op::OpReadClockKHR:
        return look_at_clock(i);
      case Op::OpAccessChain:
      case Op::OpInBoundsAccessChain:
      case Op::OpPtrAccessChain:
        return look_at_chain(i);
      case Op::OpLoad:
      case Op::OpStore:
        if (!i.args.empty()) look_at_address(m_.type(m_.type_of(i.args[0])));
        return;
      default:
        return;
    }
  }

  static std::optional<std::string> operation_of(Op op) {
    switch (op) {
      case Op::OpAtomicFAddEXT:
        return "AtomicAdd";
      case Op::OpAtomicFMinEXT:
      case Op::OpAtomicFMaxEXT:
        return "AtomicMinMax";
      case Op::OpAtomicLoad:
      case Op::OpAtomicStore:
      case Op::OpAtomicExchange:
        return "Atomics";
      default:
        return std::nullopt;
    }
  }

  void look_at_atomic(const spirv::Instruction& i) {
    const Type* pointer = m_.type(m_.type_of(i.args[0]));
    const Type* value = pointer != nullptr ? m_.type(pointer->element) : nullptr;
    if (value == nullptr) return;
    const bool is_shared = pointer->storage == StorageClass::Workgroup;
    const char* where = is_shared ? "Shared" : "Buffer";
    if (value->kind == TypeKind::kInt && value->width == 64)
      return need(fmt::format("shader{}Int64Atomics", where));
    const auto operation = operation_of(i.op);
    if (value->kind == TypeKind::kFloat && operation)
      need(fmt::format("shader{}Float{}{}", where, value->width, *operation));
  }

  void look_at_group(const spirv::Instruction& i) {
    constexpr std::size_t kClusterSize = 3;
    if (i.op == Op::OpGroupNonUniformRotateKHR && i.args.size() > kClusterSize)
      need("shaderSubgroupRotateClustered");
    const auto is_extended = [&](Id type) {
      const Type& scalar = m_.scalar_type(type);
      return (scalar.kind == TypeKind::kInt && scalar.width != 32) ||
             (scalar.kind == TypeKind::kFloat && scalar.width == 16);
    };
    // Results are of the type of the value, or bool, or words of 32 bits.
    const bool votes = i.op == Op::OpGroupNonUniformAllEqual || i.op == Op::OpSubgroupAllEqualKHR;
    const std::size_t value = i.op == Op::OpSubgroupAllEqualKHR ? 0 : 1;
    if (is_extended(i.type) ||
        (votes && i.args.size() > value && is_extended(m_.type_of(i.args[value]))))
      need("shaderSubgroupExtendedTypes");
  }

  void look_at_clock(const spirv::Instruction& i) {
    const spirv::Constant* scope = i.args.empty() ? nullptr : m_.constant(i.args[0]);
    const bool is_subgroup =
        scope != nullptr && static_cast<spv::Scope>(scope->bits) == spv::Scope::Subgroup;
    need(is_subgroup ? "shaderSubgroupClock" : "shaderDeviceClock");
  }

  void look_at_chain(const spirv::Instruction& i) {
    if (i.args.size() < 2) return;
    const spirv::Variable* variable = m_.variable(i.args[0]);
    look_at_address(m_.type(m_.type_of(i.args[0])));
    if (variable == nullptr) return;
    const Type* array = m_.type(variable->pointee);
    if (array == nullptr ||
        (array->kind != TypeKind::kArray && array->kind != TypeKind::kRuntimeArray))
      return;
    const Type* block = m_.type(array->element);
    const bool is_uniform =
        variable->storage == StorageClass::Uniform && block != nullptr && !block->buffer_block;
    if (!is_uniform && variable->storage != StorageClass::StorageBuffer &&
        variable->storage != StorageClass::Uniform)
      return;
    const std::string kind = is_uniform ? "Uniform" : "Storage";
    if (m_.decorations(i.args[1]).non_uniform || m_.decorations(i.id).non_uniform)
      return need(fmt::format("shader{}BufferArrayNonUniformIndexing", kind));
    if (m_.constant(i.args[1]) == nullptr)
      need(fmt::format("shader{}BufferArrayDynamicIndexing", kind));
  }

  // What lies at an address has the layout of a storage buffer.
  void look_at_address(const Type* pointer) {
    if (pointer == nullptr || pointer->kind != TypeKind::kPointer ||
        pointer->storage != StorageClass::PhysicalStorageBuffer)
      return;
    const Type* block = m_.type(pointer->element);
    if (block != nullptr && block->kind == TypeKind::kStruct)
      look_at_layout(*block, Rules::kStandard430);
  }

  const spirv::Module& m_;
  const spirv::EntryPoint& e_;
  std::vector<Need> needs_;
  LayoutCheck standard430_{m_, Rules::kStandard430}, standard140_{m_, Rules::kStandard140};
};

}  // namespace

std::vector<Need> needs_of(const spirv::Module& module, const spirv::EntryPoint& entry) {
  return Usage(module, entry).run();
}

}  // namespace sokr::vulkan
