// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Building and taking apart vectors, matrices, arrays and structs.
#include <cstring>

#include "lowering.hpp"

namespace sokr::reference {

using spirv::Id;
using spirv::Instruction;
using spirv::Type;
using spirv::TypeKind;

namespace {

// Follows literal indices from argument `first` on: the slot offset and type of the part.
struct Part {
  std::uint32_t offset = 0;
  Id type = 0;
};

Part find_part(Lowerer& l, const Instruction& i, Id composite, std::size_t first) {
  Part part{0, composite};
  for (std::size_t k = first; k < i.args.size() && !l.failed(); ++k) {
    const Type& t = l.type(part.type);
    const std::uint32_t index = i.args[k];
    const std::size_t count = t.kind == TypeKind::kStruct ? t.members.size() : t.count;
    // Before values are known such an array may become long enough; this is run with values only.
    if (index >= count && t.spec_length && l.module().for_any_values()) {
      part.type = t.element;
      continue;
    }
    if (index >= count) {
      l.deny(
          SOKR_INVALID_IR,
          fmt::format("{} at word {}: index {} is outside of type {} with {} elements",
                      spirv::op_name(i.op), i.word, index, l.module().describe(part.type), count));
      break;
    }
    if (t.kind == TypeKind::kStruct) {
      part.offset += l.member_slot(t, index);
      part.type = t.members[index].type;
    } else {
      part.offset += index * l.slots(t.element);
      part.type = t.element;
    }
  }
  return part;
}

void lower_construct(Lowerer& l, const Instruction& i) {
  Ref to = l.ref(i.id);
  for (const std::uint32_t part : i.args) {
    const std::uint32_t count = l.slots(l.module().type_of(part));
    l.emit_copy(i, to, l.ref(part), count);
    to += count;
  }
}

void lower_extract(Lowerer& l, const Instruction& i) {
  const Part part = find_part(l, i, l.module().type_of(l.arg(i, 0)), 1);
  l.emit_copy(i, l.ref(i.id), l.operand(i, 0) + part.offset, l.slots(part.type));
}

void lower_insert(Lowerer& l, const Instruction& i) {
  const Part part = find_part(l, i, i.type, 2);
  l.emit_copy(i, l.ref(i.id), l.operand(i, 1), l.slots(i.type));
  l.emit_copy(i, l.ref(i.id) + part.offset, l.operand(i, 0), l.slots(part.type));
}

void lower_shuffle(Lowerer& l, const Instruction& i) {
  const std::uint32_t first = l.components(l.module().type_of(l.arg(i, 0)));
  const std::uint32_t second = l.components(l.module().type_of(l.arg(i, 1)));
  Ref to = l.ref(i.id);
  for (std::size_t k = 2; k < i.args.size(); ++k, ++to) {
    const std::uint32_t index = i.args[k];
    if (index == UINT32_MAX) {
      const Slot zero = 0;
      l.emit_copy(i, to, l.pool_value({&zero, 1}), 1);
    } else if (index < first + second) {
      l.emit_copy(i, to, index < first ? l.operand(i, 0) + index : l.operand(i, 1) + index - first,
                  1);
    } else {
      l.deny(SOKR_INVALID_IR, fmt::format("OpVectorShuffle at word {}: component {} of {}", i.word,
                                          index, first + second));
    }
  }
}

// a: vector of n components, b: index.
void extract_dynamic(Lane& lane, const Step& step) {
  const Slot index = lane.slot(step.b);
  lane.slot(step.dst) = index < step.n ? lane.slots(step.a)[index] : 0;
}
void lower_extract_dynamic(Lowerer& l, const Instruction& i) {
  l.emit(straight<extract_dynamic>, i, l.components(l.module().type_of(l.arg(i, 0))),
         {l.operand(i, 0), l.operand(i, 1)});
}

void insert_dynamic(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  std::memcpy(to, lane.slots(step.a), step.n * sizeof(Slot));
  const Slot index = lane.slot(step.c);
  if (index < step.n) to[index] = lane.slot(step.b);
}
void lower_insert_dynamic(Lowerer& l, const Instruction& i) {
  l.emit(straight<insert_dynamic>, i, l.components(i.type),
         {l.operand(i, 0), l.operand(i, 1), l.operand(i, 2)});
}

// Types of equal shape have equal slots.
void lower_copy(Lowerer& l, const Instruction& i) {
  l.emit_copy(i, l.ref(i.id), l.operand(i, 0), l.slots(i.type));
}

constexpr OpRow kRows[] = {
    {spv::Op::OpCompositeConstruct, lower_construct},
    {spv::Op::OpCompositeExtract, lower_extract},
    {spv::Op::OpCompositeInsert, lower_insert},
    {spv::Op::OpVectorShuffle, lower_shuffle},
    {spv::Op::OpVectorExtractDynamic, lower_extract_dynamic},
    {spv::Op::OpVectorInsertDynamic, lower_insert_dynamic},
    {spv::Op::OpCopyObject, lower_copy},
    {spv::Op::OpCopyLogical, lower_copy},
    {spv::Op::OpExpectKHR, lower_copy},
};

}  // namespace

std::span<const OpRow> composite_rows() {
  return kRows;
}

}  // namespace sokr::reference
