// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loads of one element for all lanes, or of one for each chunk.
#include "compiler/emit/memory/scalars.hpp"

#include "compiler/codegen/llvm_versions.hpp"

namespace sokr::cpu {

using llvm::Align;

// Several components are checked together; where that fails, each by itself.
Leaves Scalars::load_uniform_parts(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock* whole = BasicBlock::Create(cx_, "inside", at_.function);
  BasicBlock* parts = BasicBlock::Create(cx_, "parts", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
  b_.CreateCondBr(places_.range_in_bounds(address, e.low, e.high), whole, parts,
                  likely_weights(cx_));
  b_.SetInsertPoint(whole);
  Address unchecked = address;
  unchecked.limit = nullptr;
  Leaves out = load_uniform(unchecked, leaves);
  BasicBlock* whole_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(parts);
  Leaves robust;
  for (const auto& leaf : leaves) robust.push_back(load_uniform(address, {leaf})[0]);
  BasicBlock* parts_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    for (unsigned c = 0; c < out[i].v.size(); ++c) {
      auto* phi = b_.CreatePHI(out[i].v[c]->getType(), 2);
      phi->addIncoming(out[i].v[c], whole_end);
      phi->addIncoming(robust[i].v[c], parts_end);
      out[i].v[c] = phi;
    }
  return out;
}

// For one invocation after the other: branches that are never taken cost less than choosing
// an address each time.
Leaves Scalars::load_lone(const Address& address, const PlacedLeaf& leaf) {
  auto low = static_cast<std::int64_t>(leaf.offset);
  unsigned size = scalar_size(*p_.module, leaf.type);
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* inside = BasicBlock::Create(cx_, "inside", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
  LlvmValue *good = nullptr, *at = nullptr;
  if (address.counted && !address.element.v.empty() && address.element_stride > 0) {
    // How many indices are good; below 2^31, so that none of them is negative.
    const std::int64_t first = address.element_offset + low;
    LlvmValue* room =
        b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, address.limit,
                                 b_.getInt64(static_cast<std::uint64_t>(first + size - 1)));
    auto stride = static_cast<std::uint64_t>(address.element_stride);
    LlvmValue* count =
        b_.CreateUDiv(b_.CreateAdd(room, b_.getInt64(stride - 1)), b_.getInt64(stride));
    count = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count, b_.getInt64(INT32_MAX));
    good = b_.CreateICmpULT(address.element.v[0], b_.CreateTrunc(count, b_.getInt32Ty()));
    LlvmValue* index = b_.CreateZExt(address.element.v[0], b_.getInt64Ty());
    at = b_.CreateGEP(b_.getInt8Ty(), address.base, b_.getInt64(static_cast<std::uint64_t>(first)));
    at = b_.CreateGEP(llvm::ArrayType::get(b_.getInt8Ty(), stride), at, index);
  } else {
    good = places_.range_in_bounds(address, low, low + size);
    at = places_.element_pointer(address, 0, low);
  }
  b_.CreateCondBr(good, inside, done, likely_weights(cx_));
  b_.SetInsertPoint(inside);
  LlvmType* type = places_.memory_type(leaf.type);
  auto* load = places_.annotate(b_.CreateAlignedLoad(type, at, Align(std::min(size, 4u))), address);
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  auto* phi = b_.CreatePHI(type, 2);
  phi->addIncoming(llvm::Constant::getNullValue(type), before);
  phi->addIncoming(load, inside);
  return {b_.constant_val(places_.from_memory(phi, leaf.type))};
}

Leaves Scalars::load_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  if (g_.lanes() == 1 && leaves.size() == 1 && address.limit && b_.is_full(at_.mask) && !steady_)
    return load_lone(address, leaves[0]);
  if (leaves.size() > 1 && address.limit) return load_uniform_parts(address, leaves);
  bool physical_guard = address.space == Space::kPhysical && !b_.is_full(at_.mask);
  if (leaves.size() > 1 && (address.space == Space::kDynamic || physical_guard)) {
    Leaves each;
    for (const auto& leaf : leaves) each.push_back(load_uniform(address, {leaf})[0]);
    return each;
  }
  Extent e = extent_of(*p_.module, leaves);
  bool by_chunk = address.offset.s.varies_by_chunk() ||
                  (address.space == Space::kDynamic &&
                   (address.begin.s.varies_by_chunk() || address.size.s.varies_by_chunk()));
  Shape shape = by_chunk ? Shape::by_chunk(0) : Shape::uniform();
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = shape;
  bool checked = address.limit || address.space == Space::kDynamic || physical_guard;
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
    LlvmValue* inside = nullptr;
    LlvmValue* start = places_.element_pointer(address, c, e.low);
    if (physical_guard) {
      inside = b_.blend_mask(at_.mask, shape, c);
    } else if (checked) {
      Address one = address;
      one.offset = b_.constant_val(b_.base_of(address.offset, c));
      if (!one.limit) one.limit = b_.base_of(address.size, c);
      inside = places_.range_in_bounds(one, e.low, e.high);
    }
    if (checked) start = b_.CreateSelect(inside, start, frame_.zeros());
    LlvmValues values;
    for (const auto& leaf : leaves) {
      LlvmValue* at = b_.CreateConstGEP1_64(b_.getInt8Ty(), start,
                                            leaf.offset - static_cast<std::uint64_t>(e.low));
      unsigned size = scalar_size(*p_.module, leaf.type);
      auto* load =
          b_.CreateAlignedLoad(places_.memory_type(leaf.type), at, Align(std::min(size, 4u)));
      Address plain = address;
      if (checked) plain.invariant = false;
      values.push_back(places_.from_memory(places_.annotate(load, plain), leaf.type));
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i].v.push_back(values[i]);
  }
  return out;
}

// Are the bytes [low, high) beside each chunk's offset in range, where the offsets are known by
// parts? The lowest and the highest of those that differ stay the same in most loops around the
// access.
LlvmValue* Scalars::parts_in_bounds(const Address& address, std::int64_t low, std::int64_t high) {
  LlvmValue* common = address.common ? address.common : b_.getInt64(0);
  LlvmValue *lowest = address.own.v[0], *highest = address.own.v[0];
  for (LlvmValue* v : address.own.v) {
    lowest = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, lowest, v);
    highest = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, highest, v);
  }
  // Limits are below 2^62, and the parts below 2^61: nothing wraps here.
  LlvmValue* first = b_.CreateAdd(lowest, b_.getInt64(static_cast<std::uint64_t>(low)));
  LlvmValue* last = b_.CreateAdd(highest, b_.getInt64(static_cast<std::uint64_t>(high)));
  LlvmValue* inside = b_.CreateICmpSGE(common, b_.CreateNeg(first));
  inside = b_.CreateAnd(inside, b_.CreateICmpSLE(common, b_.CreateSub(address.limit, last)));
  return address.sums ? b_.CreateAnd(inside, address.sums) : inside;
}

// One element for each chunk, at even distances or at offsets that are known by parts: one test for
// all.
Leaves Scalars::load_rows(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
  BasicBlock* slow = BasicBlock::Create(cx_, "edge", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
  const bool even = places_.has_even_rows(address);
  LlvmValue* inside = even ? places_.range_in_bounds(address, e.low, e.high)
                           : parts_in_bounds(address, e.low, e.high);
  b_.CreateCondBr(inside, fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  LlvmValue* row = nullptr;
  const auto next_row = [&](unsigned chunk) {
    if (even) return places_.row_pointer(address, chunk, 0, row);
    row = b_.CreateGEP(b_.getInt8Ty(), address.base, address.own.v[chunk]);
    return address.common ? b_.CreateGEP(b_.getInt8Ty(), row, address.common) : row;
  };
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::by_chunk(0);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    row = next_row(c);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmValue* at = b_.CreateConstGEP1_64(b_.getInt8Ty(), row, leaves[i].offset);
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      auto* load =
          b_.CreateAlignedLoad(places_.memory_type(leaves[i].type), at, Align(std::min(size, 4u)));
      out[i].v.push_back(places_.from_memory(places_.annotate(load, address), leaves[i].type));
    }
  }
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  Leaves robust = load_uniform(address, leaves);
  // Of two loads LLVM would make one behind both, from an address that is either.
  for (auto& leaf : robust)
    for (auto& value : leaf.v) value = b_.CreateFreeze(value);
  BasicBlock* slow_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    for (unsigned c = 0; c < g_.chunks; ++c) {
      auto* phi = b_.CreatePHI(out[i].v[c]->getType(), 2);
      phi->addIncoming(out[i].v[c], fast);
      phi->addIncoming(robust[i].v[c], slow_end);
      out[i].v[c] = phi;
    }
  return out;
}

// Everyone writes one place: one of those who are there wins.
void Scalars::store_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  bool checked = address.limit || address.space == Space::kDynamic;
  if (leaves.size() > 1 && checked) {
    for (std::size_t i = 0; i < leaves.size(); ++i) store_uniform(address, {leaves[i]}, {value[i]});
    return;
  }
  Extent e = extent_of(*p_.module, leaves);
  bool by_chunk = address.offset.s.varies_by_chunk() || at_.mask.s.varies_by_chunk();
  bool by_lane = false;
  if (address.space == Space::kDynamic)
    by_chunk |= address.begin.s.varies_by_chunk() || address.size.s.varies_by_chunk();
  for (const auto& leaf : value) {
    by_chunk |= leaf.s.varies_by_chunk();
    by_lane |= leaf.s.varies_by_lane();
  }
  bool one_value = !by_lane && !address.offset.s.varies_by_chunk();
  for (const auto& leaf : value) one_value &= !leaf.s.varies_by_chunk();
  if (address.space == Space::kDynamic) one_value &= address.begin.s.is_uniform();
  for (unsigned c = 0; c < (by_chunk && !one_value ? g_.chunks : 1); ++c) {
    LlvmValue* good = nullptr;
    LlvmValue* lane = nullptr;
    if (!b_.is_full(at_.mask)) {
      if (one_value) {
        good = b_.any(at_.mask);
      } else {
        LlvmValue* bits = b_.mask_bits(b_.mask_vector(c));
        good = b_.CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
        if (by_lane) lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getFalse());
      }
    }
    if (address.limit || address.space == Space::kDynamic) {
      Address one = address;
      one.offset = b_.constant_val(b_.base_of(address.offset, c));
      if (!one.limit) one.limit = b_.base_of(address.size, c);
      LlvmValue* inside = places_.range_in_bounds(one, e.low, e.high);
      good = good ? b_.CreateAnd(good, inside) : inside;
    }
    BasicBlock* done = nullptr;
    if (good) {
      BasicBlock* write = BasicBlock::Create(cx_, "inside", at_.function);
      done = BasicBlock::Create(cx_, "written", at_.function);
      b_.CreateCondBr(good, write, done);
      b_.SetInsertPoint(write);
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmValue* v = nullptr;
      if (lane && value[i].s.varies_by_lane())
        v = b_.CreateExtractElement(b_.vector_of(value[i], c), lane);
      else
        v = b_.base_of(value[i], c);
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      places_.annotate(
          b_.CreateAlignedStore(
              places_.to_memory(v),
              places_.element_pointer(address, c, static_cast<std::int64_t>(leaves[i].offset)),
              Align(std::min(size, 4u))),
          address);
    }
    if (done) {
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
    }
  }
}

}  // namespace sokr::cpu
