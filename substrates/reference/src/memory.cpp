// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Access chains, loads, stores and copies.
#include "memory.hpp"

#include <algorithm>

#include "lowering.hpp"

namespace sokr::reference {

using spirv::Id;
using spirv::Instruction;
using spirv::Type;
using spirv::TypeKind;

namespace {

// ---- Access chains ---------------------------------------------------------------------------

constexpr std::uint64_t kFarAway = std::uint64_t{1} << 63;  // in no range

// Signed, and of so many bits. An unsigned index of 32 bits or fewer is what its type says where
// the memory has so many elements.
constexpr std::uint32_t kUnsigned = 0x80;

std::uint64_t scaled(Slot index, std::uint32_t bits, std::uint64_t stride, std::uint64_t size) {
  if (bits & kUnsigned) {
    bits &= ~kUnsigned;
    if (stride != 0 && size / stride > INT32_MAX) bits = 64;
  }
  const unsigned up = 64 - bits;
  const std::int64_t value = static_cast<std::int64_t>(index << up) >> up;
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(value, static_cast<std::int64_t>(stride), &bytes)) return kFarAway;
  return static_cast<std::uint64_t>(bytes);
}

// The pointer to one element of a descriptor array; an index out of range is a null
// descriptor.
void choose_descriptor(Lane& lane, const Chain& chain, const Slot* from, Slot* to) {
  const Slot index = lane.slot(chain.descriptor);
  const bool negative = (index >> (chain.descriptor_bits - 1)) & 1;
  const auto* table = reinterpret_cast<const Range*>(from[0]);
  const bool inside = !negative && index < from[1];
  to[0] = inside ? table[index].data : 0;
  to[1] = inside ? table[index].size : 0;
  to[2] = 0;
  to[3] = from[3];
}

void walk_chain(Lane& lane, const Step& step) {
  const Chain& chain = lane.worker->program.chains[step.extra];
  const Slot* from = lane.slots(step.a);
  Slot* to = lane.slots(step.dst);
  if (chain.descriptor != kNoRef) {
    choose_descriptor(lane, chain, from, to);
  } else {
    std::memcpy(to, from, sizeof(Pointer));
  }
  std::uint64_t offset = to[2] + static_cast<std::uint64_t>(chain.offset);
  if (chain.sets_strides) to[3] = chain.strides;
  for (const ChainStep& part : chain.steps) {
    const std::uint64_t stride = part.unit == ChainStep::kBytes       ? part.stride
                                 : part.unit == ChainStep::kComponent ? to[3] & 0xFFFFFFFFu
                                                                      : to[3] >> 32;
    const std::uint64_t bytes = scaled(lane.slot(part.index), part.bits, stride, to[1]);
    offset = bytes == kFarAway ? kFarAway : offset + bytes;
  }
  to[2] = offset;
}

// The usual case: constant offset, at most one dynamic index with a stride in bytes
// (`n` = bits, `c` = stride, b = index).
void walk_short(Lane& lane, const Step& step) {
  const Chain& chain = lane.worker->program.chains[step.extra];
  const Slot* from = lane.slots(step.a);
  Slot* to = lane.slots(step.dst);
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2] + static_cast<std::uint64_t>(chain.offset) +
          (step.n ? scaled(lane.slot(step.b), step.n, step.c, from[1]) : 0);
  to[3] = chain.sets_strides ? chain.strides : from[3];
}

// Follows an access chain through the types.
class ChainBuilder {
 public:
  ChainBuilder(Lowerer& lowerer, const Type& pointer)
      : l_(lowerer), explicit_(lowerer.is_explicit(pointer.storage)), type_(pointer.element) {}

  void pointer_element(Id index, const Type& pointer) {
    std::uint64_t stride = pointer.stride;
    if (!explicit_) stride = std::uint64_t{l_.slots(pointer.element)} * sizeof(Slot);
    if (explicit_ && stride == 0) stride = l_.module().explicit_size(pointer.element);
    add(index, ChainStep::kBytes, stride, true);
  }

  void descriptor(Id index) {
    chain_.descriptor = l_.ref(index);
    chain_.descriptor_bits = static_cast<std::uint8_t>(bits(index));
    type_ = l_.type(type_).element;
  }

  // False if the type cannot be indexed.
  bool index(Id id) {
    const Type& t = l_.type(type_);
    switch (t.kind) {
      case TypeKind::kStruct:
        return member(t, id);
      case TypeKind::kArray:
      case TypeKind::kRuntimeArray:
        add(id, ChainStep::kBytes,
            explicit_ ? t.stride : std::uint64_t{l_.slots(t.element)} * sizeof(Slot));
        break;
      case TypeKind::kMatrix:
        add(id, ChainStep::kColumn, std::uint64_t{l_.slots(t.element)} * sizeof(Slot));
        break;
      case TypeKind::kVector:
        add(id, ChainStep::kComponent, sizeof(Slot));
        break;
      default:
        return false;
    }
    type_ = t.element;
    return true;
  }

  Chain finish() {
    if (explicit_ && !chain_.sets_strides && passed_member_) {
      chain_.sets_strides = true;
      chain_.strides = l_.default_strides(type_);
    }
    return std::move(chain_);
  }

 private:
  std::uint32_t bits(Id index) const {
    const std::uint32_t width = l_.type_of(index).width;
    return width ? width : 32;
  }

  bool member(const Type& t, Id id) {
    const auto index = l_.constant_bits(id, UINT64_MAX);
    if (index >= t.members.size()) return false;
    const spirv::Member& member = t.members[index];
    if (explicit_) {
      chain_.offset += member.offset;
      set_strides(member);
    } else {
      chain_.offset += std::int64_t{l_.member_slot(t, static_cast<std::uint32_t>(index))} *
                       static_cast<std::int64_t>(sizeof(Slot));
    }
    type_ = member.type;
    return true;
  }

  // A struct says how the matrices in its member are laid out; nothing dynamic precedes
  // that depends on strides.
  void set_strides(const spirv::Member& member) {
    passed_member_ = true;
    chain_.sets_strides = member.matrix_stride != 0;
    const std::uint32_t bytes = l_.scalar(bottom(member.type)).width / 8;
    chain_.strides = member.row_major ? make_strides(member.matrix_stride, bytes)
                                      : make_strides(bytes, member.matrix_stride);
  }

  Id bottom(Id id) const {
    const Type& t = l_.type(id);
    const bool array = t.kind == TypeKind::kArray || t.kind == TypeKind::kRuntimeArray;
    return array ? bottom(t.element) : id;
  }

  // Steps of a pointer have a sign, whatever their type.
  void add(Id id, ChainStep::Unit unit, std::uint64_t slot_stride, bool is_step = false) {
    const Type& type = l_.type_of(id);
    const std::uint32_t sign = !is_step && !type.is_signed && type.width <= 32 ? kUnsigned : 0;
    ChainStep step{l_.ref(id), static_cast<std::uint8_t>(bits(id) | sign), ChainStep::kBytes,
                   slot_stride};
    if (explicit_ && unit != ChainStep::kBytes) {
      // Strides that this chain sets are known now; others come with the pointer.
      const bool known = chain_.sets_strides || passed_member_;
      const Slot strides = chain_.sets_strides ? chain_.strides : l_.default_strides(type_);
      step.unit = known ? ChainStep::kBytes : unit;
      step.stride = unit == ChainStep::kComponent ? strides & 0xFFFFFFFFu : strides >> 32;
    }
    const bool is_far = sign != 0 && l_.constant_bits(id) > INT32_MAX;
    if (step.unit == ChainStep::kBytes && l_.module().constant(id) && !is_far) {
      const std::uint64_t bytes = scaled(l_.constant_bits(id), step.bits, step.stride, 0);
      if (bytes != kFarAway) {
        chain_.offset += static_cast<std::int64_t>(bytes);
        return;
      }
    }
    chain_.steps.push_back(step);
  }

  Lowerer& l_;
  bool explicit_;
  Id type_;
  bool passed_member_ = false;
  Chain chain_;
};

void emit_chain(Lowerer& l, const Instruction& i, Chain chain) {
  const bool one = chain.steps.size() == 1 && chain.steps[0].unit == ChainStep::kBytes &&
                   chain.steps[0].stride <= UINT32_MAX;
  const bool is_short = chain.descriptor == kNoRef && (chain.steps.empty() || one);
  Step& step = l.emit(straight<walk_chain>, i, 0, {l.operand(i, 0)});
  if (is_short) {
    step.run = straight<walk_short>;
    if (one) {
      step.n = chain.steps[0].bits;
      step.b = chain.steps[0].index;
      step.c = static_cast<std::uint32_t>(chain.steps[0].stride);
    }
  }
  step.extra = static_cast<std::uint32_t>(l.program().chains.size());
  l.program().chains.push_back(std::move(chain));
}

void lower_chain_from(Lowerer& l, const Instruction& i, std::size_t first) {
  const Type& pointer = l.type_of(l.arg(i, 0));
  ChainBuilder builder(l, pointer);
  if (first == 2) builder.pointer_element(l.arg(i, 1), pointer);
  if (l.is_descriptor_array(pointer) && first < i.args.size())
    builder.descriptor(l.arg(i, first++));
  for (; first < i.args.size(); ++first)
    if (!builder.index(l.arg(i, first)))
      return l.deny(SOKR_INVALID_IR,
                    fmt::format("{} at word {}: index {} does not fit the type it is applied to",
                                spirv::op_name(i.op), i.word, l.module().describe(i.args[first])));
  emit_chain(l, i, builder.finish());
}

void lower_chain(Lowerer& l, const Instruction& i) {
  lower_chain_from(l, i, 1);
}
void lower_pointer_chain(Lowerer& l, const Instruction& i) {
  lower_chain_from(l, i, 2);
}

// ---- Loads and stores ---------------------------------------------------------------------------

template <class T>
void load_scalar(Lane& lane, const Step& step) {
  const std::uint8_t* at = resolve(lane, step, lane.slots(step.a), 0, sizeof(T), false);
  lane.slot(step.dst) = at ? load_raw<T>(at) : 0;
}
template <class T>
void store_scalar(Lane& lane, const Step& step) {
  std::uint8_t* at = resolve(lane, step, lane.slots(step.a), 0, sizeof(T), true);
  if (at) store_raw<T>(at, static_cast<T>(lane.slot(step.b)));
}

template <class T>
void load_vector(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  Slot* to = lane.slots(step.dst);
  const std::uint64_t stride = pointer[3] & 0xFFFFFFFFu;
  for (std::uint32_t i = 0; i < step.n; ++i) {
    const std::uint8_t* at = resolve(lane, step, pointer, i * stride, sizeof(T), false);
    to[i] = at ? load_raw<T>(at) : 0;
  }
}
template <class T>
void store_vector(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  const Slot* from = lane.slots(step.b);
  const std::uint64_t stride = pointer[3] & 0xFFFFFFFFu;
  for (std::uint32_t i = 0; i < step.n; ++i) {
    std::uint8_t* at = resolve(lane, step, pointer, i * stride, sizeof(T), true);
    if (at) store_raw<T>(at, static_cast<T>(from[i]));
  }
}

Slot load_bytes(const std::uint8_t* at, std::uint32_t bytes) {
  switch (bytes) {
    case 1:
      return load_raw<std::uint8_t>(at);
    case 2:
      return load_raw<std::uint16_t>(at);
    case 4:
      return load_raw<std::uint32_t>(at);
    default:
      return load_raw<std::uint64_t>(at);
  }
}
void store_bytes(std::uint8_t* at, std::uint32_t bytes, Slot value) {
  switch (bytes) {
    case 1:
      return store_raw(at, static_cast<std::uint8_t>(value));
    case 2:
      return store_raw(at, static_cast<std::uint16_t>(value));
    case 4:
      return store_raw(at, static_cast<std::uint32_t>(value));
    default:
      return store_raw(at, std::uint64_t{value});
  }
}

std::uint64_t leaf_offset(const Leaf& leaf, const Slot* pointer) {
  return leaf.offset + leaf.row * (pointer[3] & 0xFFFFFFFFu) + leaf.column * (pointer[3] >> 32);
}

// `extra` = first leaf, n = leaves.
void load_leaves(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  const Leaf* leaf = &lane.worker->program.leaves[step.extra];
  Slot* to = lane.slots(step.dst);
  for (std::uint32_t i = 0; i < step.n; ++i, ++leaf) {
    const std::uint8_t* at =
        resolve(lane, step, pointer, leaf_offset(*leaf, pointer), leaf->bytes, false);
    const Slot value = at ? load_bytes(at, leaf->bytes) : 0;
    if (!leaf->is_pointer) {
      *to++ = value;
      continue;
    }
    to[0] = kPhysicalBase;
    to[1] = 0;
    to[2] = value;
    to[3] = leaf->strides;
    to += kPointerSlots;
  }
}
void store_leaves(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  const Leaf* leaf = &lane.worker->program.leaves[step.extra];
  const Slot* from = lane.slots(step.b);
  for (std::uint32_t i = 0; i < step.n; ++i, ++leaf) {
    std::uint8_t* at = resolve(lane, step, pointer, leaf_offset(*leaf, pointer), leaf->bytes, true);
    const Slot value = leaf->is_pointer ? from[2] : *from;
    if (at) store_bytes(at, leaf->bytes, value);
    from += leaf->is_pointer ? kPointerSlots : 1;
  }
}

// Memory whose layout is that of values: one slot a component. Only the invocations of
// one workgroup see it, and they run on one thread. Partly out of bounds is wholly out.
void load_slots(Lane& lane, const Step& step) {
  const std::uint8_t* at = resolve(lane, step, lane.slots(step.a), 0, step.n * sizeof(Slot), false);
  Slot* to = lane.slots(step.dst);
  if (!at) {
    std::memset(to, 0, step.n * sizeof(Slot));
  } else {
    const Slot* from = reinterpret_cast<const Slot*>(at);
    for (std::uint32_t i = 0; i < step.n; ++i) to[i] = from[i];
  }
}
void store_slots(Lane& lane, const Step& step) {
  std::uint8_t* at = resolve(lane, step, lane.slots(step.a), 0, step.n * sizeof(Slot), true);
  if (!at) return;
  const Slot* from = lane.slots(step.b);
  Slot* to = reinterpret_cast<Slot*>(at);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = from[i];
}

Handler scalar_load(std::uint32_t bits) {
  return bits == 8    ? straight<load_scalar<std::uint8_t>>
         : bits == 16 ? straight<load_scalar<std::uint16_t>>
         : bits == 32 ? straight<load_scalar<std::uint32_t>>
                      : straight<load_scalar<std::uint64_t>>;
}
Handler scalar_store(std::uint32_t bits) {
  return bits == 8    ? straight<store_scalar<std::uint8_t>>
         : bits == 16 ? straight<store_scalar<std::uint16_t>>
         : bits == 32 ? straight<store_scalar<std::uint32_t>>
                      : straight<store_scalar<std::uint64_t>>;
}
Handler vector_load(std::uint32_t bits) {
  return bits == 8    ? straight<load_vector<std::uint8_t>>
         : bits == 16 ? straight<load_vector<std::uint16_t>>
         : bits == 32 ? straight<load_vector<std::uint32_t>>
                      : straight<load_vector<std::uint64_t>>;
}
Handler vector_store(std::uint32_t bits) {
  return bits == 8    ? straight<store_vector<std::uint8_t>>
         : bits == 16 ? straight<store_vector<std::uint16_t>>
         : bits == 32 ? straight<store_vector<std::uint32_t>>
                      : straight<store_vector<std::uint64_t>>;
}

bool is_number(const Type& t) {
  return t.kind == TypeKind::kInt || t.kind == TypeKind::kFloat;
}

// The handler, count and `extra` for one access.
Step access(Lowerer& l, const Type& pointer, bool store) {
  Step step;
  const Type& t = l.type(pointer.element);
  if (!l.is_explicit(pointer.storage)) {
    step.run = store ? straight<store_slots> : straight<load_slots>;
    step.n = l.slots(pointer.element);
  } else if (is_number(t)) {
    step.run = store ? scalar_store(t.width) : scalar_load(t.width);
  } else if (t.kind == TypeKind::kVector && is_number(l.type(t.element))) {
    step.run = store ? vector_store(l.scalar(t.id).width) : vector_load(l.scalar(t.id).width);
    step.n = t.count;
  } else {
    step.run = store ? straight<store_leaves> : straight<load_leaves>;
    std::tie(step.extra, step.n) = l.plan(pointer.element);
  }
  return step;
}

void lower_load(Lowerer& l, const Instruction& i) {
  l.emit_load(i, l.ref(i.id), l.operand(i, 0), l.type_of(l.arg(i, 0)));
}
void lower_store(Lowerer& l, const Instruction& i) {
  l.emit_store(i, l.operand(i, 0), l.operand(i, 1), l.type_of(l.arg(i, 0)));
}
void lower_copy_memory(Lowerer& l, const Instruction& i) {
  const Type& to = l.type_of(l.arg(i, 0));
  const Type& from = l.type_of(l.arg(i, 1));
  const Ref value = l.temporary(l.slots(from.element));
  l.emit_load(i, value, l.operand(i, 1), from);
  l.emit_store(i, l.operand(i, 0), value, to);
}

// n = offset of the array in the block, c = its stride.
void array_length(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  const std::uint64_t begin = pointer[2] + step.n;
  const std::uint64_t bytes = begin < pointer[1] ? pointer[1] - begin : 0;
  lane.slot(step.dst) = step.c ? std::min<std::uint64_t>(bytes / step.c, UINT32_MAX) : 0;
}
void lower_array_length(Lowerer& l, const Instruction& i) {
  const Type& block = l.type(l.type_of(l.arg(i, 0)).element);
  const std::uint32_t member = l.arg(i, 1);
  if (member >= block.members.size())
    return l.deny(SOKR_INVALID_IR,
                  fmt::format("OpArrayLength at word {}: no member {}", i.word, member));
  l.emit(straight<array_length>, i, block.members[member].offset,
         {l.operand(i, 0), 0, l.type(block.members[member].type).stride});
}

// ---- Pointers as values -------------------------------------------------------------------------

bool same_place(const Slot* a, const Slot* b) {
  return a[0] + a[2] == b[0] + b[2];
}
void pointers_equal(Lane& lane, const Step& step) {
  lane.slot(step.dst) = same_place(lane.slots(step.a), lane.slots(step.b)) ? 1 : 0;
}
void pointers_differ(Lane& lane, const Step& step) {
  lane.slot(step.dst) = same_place(lane.slots(step.a), lane.slots(step.b)) ? 0 : 1;
}
// c = stride, n = bits of the result.
void pointer_difference(Lane& lane, const Step& step) {
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  const auto bytes = static_cast<std::int64_t>((a[0] + a[2]) - (b[0] + b[2]));
  const auto elements = static_cast<Slot>(step.c ? bytes / static_cast<std::int64_t>(step.c) : 0);
  lane.slot(step.dst) = step.n >= 64 ? elements : elements & ((Slot{1} << step.n) - 1);
}

void lower_equal(Lowerer& l, const Instruction& i) {
  l.emit(straight<pointers_equal>, i, 1, {l.operand(i, 0), l.operand(i, 1)});
}
void lower_differ(Lowerer& l, const Instruction& i) {
  l.emit(straight<pointers_differ>, i, 1, {l.operand(i, 0), l.operand(i, 1)});
}
void lower_difference(Lowerer& l, const Instruction& i) {
  const Type& pointer = l.type_of(l.arg(i, 0));
  const std::uint64_t stride = !l.is_explicit(pointer.storage)
                                   ? std::uint64_t{l.slots(pointer.element)} * sizeof(Slot)
                               : pointer.stride ? pointer.stride
                                                : l.module().explicit_size(pointer.element);
  l.emit(straight<pointer_difference>, i, l.type(i.type).width,
         {l.operand(i, 0), l.operand(i, 1), static_cast<Ref>(stride)});
}

constexpr OpRow kRows[] = {
    {spv::Op::OpAccessChain, lower_chain},
    {spv::Op::OpInBoundsAccessChain, lower_chain},
    {spv::Op::OpPtrAccessChain, lower_pointer_chain},
    {spv::Op::OpInBoundsPtrAccessChain, lower_pointer_chain},
    {spv::Op::OpLoad, lower_load},
    {spv::Op::OpStore, lower_store},
    {spv::Op::OpCopyMemory, lower_copy_memory},
    {spv::Op::OpArrayLength, lower_array_length},
    {spv::Op::OpPtrEqual, lower_equal},
    {spv::Op::OpPtrNotEqual, lower_differ},
    {spv::Op::OpPtrDiff, lower_difference},
};

}  // namespace

std::span<const OpRow> memory_rows() {
  return kRows;
}

void Lowerer::emit_load(const Instruction& instruction, Ref dst, Ref pointer,
                        const Type& pointer_type) {
  const Step chosen = access(*this, pointer_type, false);
  Step& step = emit(chosen.run, instruction, chosen.n, {pointer});
  step.dst = dst;
  step.extra = chosen.extra;
}

void Lowerer::emit_store(const Instruction& instruction, Ref pointer, Ref value,
                         const Type& pointer_type) {
  const Step chosen = access(*this, pointer_type, true);
  emit(chosen.run, instruction, chosen.n, {pointer, value}).extra = chosen.extra;
}

}  // namespace sokr::reference
