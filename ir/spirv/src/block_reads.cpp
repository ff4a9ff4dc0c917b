// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "access.hpp"
#include "grammar.hpp"

namespace sokr::spirv {
namespace {

// What a pointer into the block may point at: `type` at [begin, begin + spread].
struct Place {
  Id type = 0;
  MatrixLayout matrix;
  std::uint64_t begin = 0, spread = 0;
  std::uint32_t member = kNone;  // of the block
  // A part of a vector or matrix that lies across rows: all that `whole` is counts as read.
  Id whole = 0;
};

class BlockReader {
 public:
  BlockReader(const Module& module, const Variable& variable)
      : module_(module), block_(*module.type(variable.pointee)), ends_(block_.members.size(), 0) {
    places_[variable.id] = {block_.id, {}, 0, 0, kNone, 0};
  }

  std::vector<std::uint64_t> run(const EntryPoint& entry) {
    for (const Id id : entry.functions) {
      for (const Block& block : module_.function(id)->blocks) {
        for (const Instruction& phi : block.phis) visit_unknown(phi);
        for (const Instruction& instruction : block.body) visit(instruction);
        visit_unknown(block.terminator);
      }
    }
    return std::move(ends_);
  }

 private:
  // By value: what is added moves the others.
  std::optional<Place> find(Id id) const {
    const auto found = places_.find(id);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }

  void visit(const Instruction& instruction) {
    switch (instruction.op) {
      case spv::Op::OpAccessChain:
      case spv::Op::OpInBoundsAccessChain:
        if (const auto base = find(instruction.args[0])) {
          places_[instruction.id] = step(*base, instruction.args.subspan(1));
        }
        return;
      case spv::Op::OpCopyObject:
        if (const auto base = find(instruction.args[0])) places_[instruction.id] = *base;
        return;
      case spv::Op::OpLoad:
        return read(instruction.args[0]);
      default:
        return visit_unknown(instruction);
    }
  }

  // Whatever it is, it may read all that its operands point at.
  void visit_unknown(const Instruction& instruction) {
    const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(instruction.op));
    if (row == nullptr) return;
    visit_ids(row->operands, instruction.args, 1,
              [&](std::size_t at) { read(instruction.args[at]); });
  }

  Place step(Place place, std::span<const std::uint32_t> indices) const {
    for (const Id index : indices) {
      const Type* type = module_.type(place.type);
      if (type == nullptr || place.whole != 0) break;
      const Constant* constant = module_.constant(index);
      const std::uint64_t at = constant != nullptr ? constant->bits : 0;
      switch (type->kind) {
        case TypeKind::kStruct:
          if (constant == nullptr || at >= type->members.size()) return place;
          enter(place, *type, static_cast<std::uint32_t>(at));
          break;
        case TypeKind::kArray: {
          const std::uint64_t stride = type->stride != 0
                                           ? std::uint64_t{type->stride}
                                           : module_.explicit_size(type->element, place.matrix);
          advance(place, constant != nullptr, at, stride, type->count);
          place.type = type->element;
          break;
        }
        case TypeKind::kMatrix:
          if (place.matrix.row_major || constant == nullptr) {
            place.whole = type->id;
            return place;
          }
          advance(place, true, at, place.matrix.stride, type->count);
          place.type = type->element;
          break;
        case TypeKind::kVector:
          advance(place, constant != nullptr, at, module_.explicit_size(type->element),
                  type->count);
          place.type = type->element;
          break;
        default:
          return place;
      }
    }
    return place;
  }

  void enter(Place& place, const Type& type, std::uint32_t index) const {
    const Member& member = type.members[index];
    if (place.member == kNone) place.member = index;
    place.begin += member.offset;
    place.matrix = {member.matrix_stride, member.row_major};
    place.type = member.type;
  }

  // An index beyond the end reads nothing that the block has.
  static void advance(Place& place, bool known, std::uint64_t at, std::uint64_t stride,
                      std::uint32_t count) {
    const std::uint64_t last = std::max(count, 1u) - 1;
    if (known) {
      place.begin += std::min(at, last) * stride;
    } else {
      place.spread += last * stride;
    }
  }

  void read(Id pointer) {
    const auto place = find(pointer);
    if (!place) return;
    if (place->member != kNone) return note(*place);
    for (std::uint32_t i = 0; i < block_.members.size(); ++i) {
      Place member{block_.id, {}, 0, 0, kNone, 0};
      enter(member, block_, i);
      note(member);
    }
  }

  void note(const Place& place) {
    const Id type = place.whole != 0 ? place.whole : place.type;
    const std::uint64_t size = module_.data_size(type, place.matrix);
    if (size == 0) return;
    ends_[place.member] = std::max(ends_[place.member], place.begin + place.spread + size);
  }

  const Module& module_;
  const Type& block_;
  std::vector<std::uint64_t> ends_;  // by member
  std::unordered_map<Id, Place> places_;
};

}  // namespace

std::vector<std::uint64_t> find_block_reads(const Module& module, const EntryPoint& entry,
                                            const Variable& variable) {
  return BlockReader(module, variable).run(entry);
}

}  // namespace sokr::spirv
