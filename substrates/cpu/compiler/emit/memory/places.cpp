// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/places.hpp"

#include <llvm/Analysis/ValueTracking.h>

namespace sokr::cpu {

using llvm::ConstantInt;

// Is one test of the first and of the last chunk enough for all?
bool Places::has_even_rows(const Address& address) const {
  return b_.has(Part::kChunkRows) && address.even && address.step && address.unwrapped &&
         address.limit && address.offset.s.affine && address.offset.s.chunk && g_.chunks > 2;
}

LlvmValue* Places::last_offset(const Address& address) {
  return b_.CreateAdd(address.offset.v[0], b_.CreateMul(address.step, b_.getInt64(g_.chunks - 1)));
}

LlvmValue* Places::element_pointer(const Address& address, unsigned chunk, std::int64_t offset) {
  LlvmValue* at = b_.CreateAdd(b_.base_of(address.offset, chunk),
                               b_.getInt64(static_cast<std::uint64_t>(offset)));
  if (address.space == Space::kPhysical) return b_.CreateIntToPtr(at, b_.getPtrTy());
  LlvmValue* base = address.base
                        ? address.base
                        : b_.CreateIntToPtr(b_.base_of(address.begin, chunk), b_.getPtrTy());
  return b_.CreateGEP(b_.getInt8Ty(), base, at);
}

// The same for one chunk after the other, where range_in_bounds was true: with even steps, one
// addition from the chunk before.
LlvmValue* Places::row_pointer(const Address& address, unsigned chunk, std::int64_t offset,
                               LlvmValue* before) {
  return chunk && has_even_rows(address) ? b_.CreateGEP(b_.getInt8Ty(), before, address.step)
                                         : element_pointer(address, chunk, offset);
}

LlvmValue* Places::lane_pointers(const Address& address, unsigned chunk, std::int64_t offset) {
  LlvmType* i8 = b_.getInt8Ty();
  if (address.scale) {
    LlvmValue* start = element_pointer(address, chunk, offset);
    auto* step = llvm::ArrayType::get(i8, static_cast<std::uint64_t>(address.scale));
    return b_.CreateGEP(step, start, b_.vector_of(address.index, chunk));
  }
  LlvmValue* at = b_.CreateAdd(
      b_.vector_of(address.offset, chunk),
      ConstantInt::get(b_.wide(b_.getInt64Ty()), static_cast<std::uint64_t>(offset), true));
  if (address.space == Space::kDynamic)
    return b_.CreateIntToPtr(b_.CreateAdd(b_.vector_of(address.begin, chunk), at),
                             b_.wide(b_.getPtrTy()));
  if (address.space == Space::kPhysical) return b_.CreateIntToPtr(at, b_.wide(b_.getPtrTy()));
  return b_.CreateGEP(i8, address.base, at);
}

// How many offsets are good for an access of `span` bytes: limit - span + 1, or 0.
LlvmValue* Places::room(LlvmValue* limit, std::int64_t span) {
  LlvmValue* wide_span = ConstantInt::get(limit->getType(), static_cast<std::uint64_t>(span));
  LlvmValue* left =
      b_.CreateAdd(b_.CreateSub(limit, wide_span), ConstantInt::get(limit->getType(), 1));
  LlvmValue* enough = b_.CreateICmpUGE(limit, wide_span);
  return b_.CreateSelect(enough, left, llvm::Constant::getNullValue(limit->getType()));
}

// Are the bytes [low, high) beside every invocation's offset in range? One compare for
// each base, or one for the first and the last of them. For affine and scalar addresses with one
// object.
LlvmValue* Places::range_in_bounds(const Address& address, std::int64_t low, std::int64_t high) {
  if (is_inside(address, low, high)) return b_.getTrue();
  const Shape& s = address.offset.s;
  auto stretch = [&](std::int64_t by) { by < 0 ? low += by : high += by; };
  stretch(s.ls * (g_.width - 1));
  if (!s.chunk) {
    const auto [least, most] = s.chunk_span(g_.chunks);
    stretch(least);
    stretch(most);
  }
  bool one_object = address.limit != nullptr, even = has_even_rows(address);
  LlvmValue* good = even ? address.unwrapped : nullptr;
  unsigned count = even ? 2 : s.chunk || !one_object ? g_.chunks : 1;
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* limit = one_object ? address.limit : b_.base_of(address.size, c);
    LlvmValue* base = even && c == 1 ? last_offset(address)
                      : s.chunk      ? address.offset.v[c]
                                     : address.offset.v[0];
    LlvmValue* at = b_.CreateAdd(base, b_.getInt64(static_cast<std::uint64_t>(low)));
    LlvmValue* one = b_.CreateICmpULT(at, room(limit, high - low));
    good = good ? b_.CreateAnd(good, one) : one;
  }
  return good;
}

// Are the bytes [low, high) beside every lane's offset known to be in range?
bool Places::is_inside(const Address& address, std::int64_t low, std::int64_t high) const {
  auto* limit = llvm::dyn_cast_or_null<ConstantInt>(address.limit);
  if (!limit || !address.reach) return false;
  const auto first = static_cast<std::int64_t>(address.reach->low) + low;
  const auto last = static_cast<std::int64_t>(address.reach->high) + high;
  return first >= 0 && last >= 0 && static_cast<std::uint64_t>(last) <= limit->getZExtValue();
}

// Is even the largest index that the index can be in range?
bool Places::always_inside(const Address& address, unsigned chunk, LlvmValue* start,
                           std::int64_t span) {
  auto* first = llvm::dyn_cast<ConstantInt>(start);
  auto* limit = llvm::dyn_cast<ConstantInt>(address.limit);
  if (!first || !limit) return false;
  std::uint64_t index =
      llvm::computeKnownBits(b_.vector_of(address.index, chunk), m_.getDataLayout())
          .getMaxValue()
          .getZExtValue();
  if (index > INT32_MAX || first->getZExtValue() > limit->getZExtValue()) return false;
  return first->getZExtValue() + index * static_cast<std::uint64_t>(address.scale) +
             static_cast<std::uint64_t>(span) <=
         limit->getZExtValue();
}

LlvmValue* Places::lane_in_bounds(const Address& address, unsigned chunk, std::int64_t low,
                                  std::int64_t high) {
  if (address.space == Space::kPhysical) return nullptr;
  std::int64_t span = high - low;
  LlvmType* i64 = b_.getInt64Ty();
  if (address.scale && address.limit) {
    const auto beside = [&](std::int64_t bytes) {
      return b_.CreateAdd(b_.base_of(address.offset, chunk),
                          b_.getInt64(static_cast<std::uint64_t>(bytes)));
    };
    if (always_inside(address, chunk, beside(low), span))
      return llvm::Constant::getAllOnesValue(b_.wide(b_.getInt1Ty()));
    const std::int64_t further = elements_before(address, low);
    LlvmValue* start = beside(low - further * address.scale);
    LlvmValue* places = room(address.limit, span);  // offsets [0, places) are good
    LlvmValue* some = b_.CreateICmpULT(start, places);
    LlvmValue* last = b_.CreateUDiv(b_.CreateSub(b_.CreateSub(places, start), b_.getInt64(1)),
                                    b_.getInt64(static_cast<std::uint64_t>(address.scale)));
    LlvmValue* count = b_.CreateSelect(some, b_.CreateAdd(last, b_.getInt64(1)), b_.getInt64(0));
    LlvmValue* most = b_.getInt64(INT32_MAX);
    count = b_.CreateSelect(b_.CreateICmpULT(count, most), count, most);
    LlvmValue* bound = b_.CreateVectorSplat(g_.width, b_.CreateTrunc(count, b_.getInt32Ty()));
    LlvmValue* index = b_.vector_of(address.index, chunk);
    if (further != 0)
      index = b_.CreateAdd(index,
                           b_.integer_like(index->getType(), static_cast<std::uint64_t>(further)));
    return b_.CreateICmpULT(index, bound);
  }
  LlvmValue* at = b_.vector_of(address.offset, chunk);
  if (address.scale) {
    LlvmValue* index = b_.CreateSExt(b_.vector_of(address.index, chunk), b_.wide(i64));
    at = b_.CreateAdd(
        at, b_.CreateMul(
                index, ConstantInt::get(b_.wide(i64), static_cast<std::uint64_t>(address.scale))));
  }
  at = b_.CreateAdd(at, ConstantInt::get(b_.wide(i64), static_cast<std::uint64_t>(low), true));
  LlvmValue* limit = address.limit ? b_.CreateVectorSplat(g_.width, address.limit)
                                   : b_.vector_of(address.size, chunk);
  return b_.CreateICmpULT(at, room(limit, span));
}

LlvmType* Places::memory_type(Id scalar) const {
  LlvmType* type = b_.scalar_type(scalar);
  if (type->isHalfTy() && !t_.half) return b_.getInt16Ty();  // halves would pass through calls
  return type->isIntegerTy(1) ? b_.getInt32Ty() : type;
}

LlvmValue* Places::to_memory(LlvmValue* value) {
  if (value->getType()->getScalarType()->isHalfTy() && !t_.half)
    return b_.CreateBitCast(value, value->getType()->getWithNewType(b_.getInt16Ty()));
  if (!value->getType()->getScalarType()->isIntegerTy(1)) return value;
  return b_.CreateZExt(value, value->getType()->getWithNewBitWidth(32));
}

LlvmValue* Places::from_memory(LlvmValue* value, Id scalar) {
  LlvmType* type = b_.scalar_type(scalar);
  if (type->isHalfTy()) return b_.CreateBitCast(value, value->getType()->getWithNewType(type));
  if (!type->isIntegerTy(1)) return value;
  return b_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
}

template <class Instruction>
Instruction* Places::annotate(Instruction* inst, const Address& address) {
  frame_.annotate_scope(*inst, address.alias_scope);
  if (auto* load = llvm::dyn_cast<llvm::LoadInst>(inst)) {
    if (address.invariant && !address.is_volatile)
      load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(cx_, {}));
    load->setVolatile(address.is_volatile);
  }
  if (auto* store = llvm::dyn_cast<llvm::StoreInst>(inst)) store->setVolatile(address.is_volatile);
  return inst;
}

template llvm::LoadInst* Places::annotate(llvm::LoadInst* inst, const Address& address);
template llvm::StoreInst* Places::annotate(llvm::StoreInst* inst, const Address& address);
template llvm::CallInst* Places::annotate(llvm::CallInst* inst, const Address& address);

}  // namespace sokr::cpu
