// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/builder/vector_builder.hpp"

#include <llvm/Analysis/ValueTracking.h>

#include "compiler/analysis/transfer.hpp"
#include "compiler/codegen/builtins.hpp"
#include "compiler/program/float_modes.hpp"
#include "compiler/target/instructions.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using spirv::TypeKind;

VectorBuilder::VectorBuilder(llvm::Module& to, const Program& of, const Analysis& known,
                             const Geometry& shape, const CompileOptions& chosen,
                             const TargetTraits& machine)
    : llvm::IRBuilder<>(to.getContext()),
      module(to),
      context(to.getContext()),
      program(of),
      analysis(known),
      geometry(shape),
      options(chosen),
      target(machine),
      bound(of.module->bound()) {}

namespace {

constexpr std::uint64_t kMostTemporaryBytes = 65536;

}  // namespace

// Each its own while they are few, so that LLVM sees what is written and read in which.
llvm::AllocaInst* VectorBuilder::temporary(LlvmType* type, unsigned use) {
  llvm::AllocaInst*& last = temporaries_[{type, use}];
  const std::uint64_t bytes = module.getDataLayout().getTypeAllocSize(type);
  if (last && temporary_bytes_ + bytes > kMostTemporaryBytes) return last;
  temporary_bytes_ += bytes;
  llvm::IRBuilder<> top(at.entry, at.entry->begin());
  return last = top.CreateAlloca(type);
}

// The indices in a vector as 64 bits each. What is known to be small leaves it several at a
// time.
LlvmValues VectorBuilder::lanes_of(LlvmValue* indices) {
  unsigned active =
      llvm::computeKnownBits(indices, module.getDataLayout()).getMaxValue().getActiveBits();
  unsigned bits = active <= 8 ? 8 : active <= 16 ? 16 : 32;
  unsigned word = std::min(64u, geometry.width * bits);
  LlvmValue* packed = CreateTrunc(indices, wide(getIntNTy(bits)));
  LlvmValue* words = CreateBitCast(
      packed, llvm::FixedVectorType::get(getIntNTy(word), geometry.width * bits / word));
  LlvmValues out;
  for (unsigned bit = 0; bit < geometry.width * bits; bit += bits) {
    LlvmValue* one = CreateExtractElement(words, std::uint64_t{bit / word});
    one = CreateLShr(CreateZExt(one, getInt64Ty()), bit % word);
    out.push_back(CreateAnd(one, (UINT64_C(1) << bits) - 1));
  }
  return out;
}

Val VectorBuilder::equals(const Val& selector, std::uint64_t literal) {
  return apply(shape_of(divergence_of(selector.s)), {&selector}, [&](llvm::ArrayRef<LlvmValue*> v) {
    return CreateICmpEQ(v[0], integer_like(v[0]->getType(), literal));
  });
}

LlvmValue* VectorBuilder::splat_like(LlvmValue* scalar, LlvmType* type) {
  return type->isVectorTy() ? CreateVectorSplat(geometry.width, scalar) : scalar;
}

LlvmValue* VectorBuilder::integer_like(LlvmType* type, std::uint64_t value) {
  unsigned bits = type->getScalarSizeInBits();
  return ConstantInt::get(type, llvm::APInt(64, value).zextOrTrunc(bits));
}

void VectorBuilder::note_construct(std::uint32_t construct, const char* decision) const {
  if (options.trace) options.trace->construct(construct, decision);
}

void VectorBuilder::note_variable(Id variable, const char* decision) const {
  if (options.trace) options.trace->variable(variable, decision);
}

// Words of a vector, those that `from` numbers.
LlvmValue* VectorBuilder::permuted(LlvmValue* v, LlvmValue* from) {
  LlvmType* type = v->getType();
  const bool is_mask = type->getScalarType()->isIntegerTy(1);
  LlvmType* words = wide(getInt32Ty());
  v = is_mask ? CreateSExt(v, words) : CreateBitCast(v, words);
  v = permuted_words(*this, v, from);
  return is_mask ? CreateICmpNE(v, llvm::Constant::getNullValue(words)) : CreateBitCast(v, type);
}

LlvmType* VectorBuilder::scalar_type(Id type) {
  const spirv::Type* t = program.module->type(type);
  if (!t) return getInt32Ty();
  switch (t->kind) {
    case TypeKind::kBool:
      return getInt1Ty();
    case TypeKind::kInt:
      return getIntNTy(t->width);
    case TypeKind::kFloat:
      return t->width == 16 ? getHalfTy() : t->width == 64 ? getDoubleTy() : getFloatTy();
    case TypeKind::kVector:
    case TypeKind::kMatrix:
    case TypeKind::kArray:
      return scalar_type(t->element);
    default:
      return getInt64Ty();  // pointer leaves
  }
}

LlvmValue* VectorBuilder::base_of(const Val& value, unsigned chunk) {
  LlvmValue* v = value.v[value.s.chunk ? chunk : 0];
  if (!value.s.affine) return CreateExtractElement(v, std::uint64_t{0});
  const std::int64_t by = value.s.chunk ? 0 : value.s.chunk_offset(chunk);
  if (by == 0) return v;
  return CreateAdd(v, ConstantInt::get(v->getType(), static_cast<std::uint64_t>(by), true));
}

LlvmValue* VectorBuilder::vector_of(const Val& value, unsigned chunk) {
  if (!value.s.affine) return value.v[value.s.chunk ? chunk : 0];
  LlvmValue* splat = CreateVectorSplat(geometry.width, base_of(value, chunk));
  if (value.s.ls == 0) return splat;
  llvm::SmallVector<llvm::Constant*, 16> steps;
  LlvmType* type = splat->getType()->getScalarType();
  for (unsigned l = 0; l < geometry.width; ++l)
    steps.push_back(ConstantInt::get(type, static_cast<std::uint64_t>(value.s.ls * l), true));
  return CreateAdd(splat, llvm::ConstantVector::get(steps));
}

Val VectorBuilder::apply(const Shape& shape, llvm::ArrayRef<const Val*> operands, ScalarFn fn) {
  Val out;
  out.s = shape;
  unsigned count = shape.chunk ? geometry.chunks : 1;
  LlvmValues registers;
  for (unsigned c = 0; c < count; ++c) {
    registers.clear();
    for (const Val* operand : operands)
      registers.push_back(shape.affine ? base_of(*operand, c) : vector_of(*operand, c));
    out.v.push_back(fn(registers));
  }
  return out;
}

Val VectorBuilder::convert(const Val& value, const Shape& shape) {
  if (value.s.affine == shape.affine && value.s.chunk == shape.chunk && value.s.ls == shape.ls &&
      value.s.cs == shape.cs && value.s.rs == shape.rs && value.s.turn == shape.turn)
    return {shape, value.v};
  return apply(shape, {&value}, [](llvm::ArrayRef<LlvmValue*> v) { return v[0]; });
}

Val VectorBuilder::zero_val(const Shape& shape, LlvmType* scalar) {
  Val out;
  out.s = shape;
  LlvmType* type = shape.affine ? scalar : wide(scalar);
  out.v.assign(shape.chunk ? geometry.chunks : 1, llvm::Constant::getNullValue(type));
  return out;
}

// Where the value differs less than the mask, those who are there came together.
LlvmValue* VectorBuilder::blend_mask(const Val& mask, const Shape& shape, unsigned chunk) {
  bool lanes = !shape.affine;
  if (shape.chunk || !mask.s.varies_by_chunk()) {
    if (lanes) return vector_of(mask, chunk);
    if (!mask.s.varies_by_lane()) return base_of(mask, chunk);
    LlvmValue* bits = mask_bits(vector_of(mask, chunk));
    return CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
  }
  if (!lanes) return any(mask);
  LlvmValue* sum = vector_of(mask, 0);
  for (unsigned c = 1; c < geometry.chunks; ++c) sum = CreateOr(sum, vector_of(mask, c));
  return sum;
}

Val VectorBuilder::mask_of_any_chunk(const Val& mask) {
  const Shape same = Shape::varying(false);
  return {same, {blend_mask(mask, same, 0)}};
}

void VectorBuilder::internal_error(std::string sentence) {
  if (!failure)
    failure = fail(SOKR_DISPATCH_FAILED, "the code generator cannot go on: {}", sentence);
}

bool VectorBuilder::is_full(const Val& mask) const {
  auto* c = mask.s.is_uniform() ? llvm::dyn_cast<ConstantInt>(mask.v[0]) : nullptr;
  return c && c->isOne();
}

LlvmValue* VectorBuilder::mask_bits(LlvmValue* mask) {
  return CreateBitCast(mask, getIntNTy(geometry.width));
}

LlvmValue* VectorBuilder::any(const Val& mask) {
  LlvmValue* sum = nullptr;
  for (LlvmValue* v : mask.v) sum = sum ? CreateOr(sum, v) : v;
  if (mask.s.affine) return sum;
  if (auto* known = llvm::dyn_cast<llvm::Constant>(sum)) return getInt1(!known->isNullValue());
  LlvmValue* bits = mask_bits(sum);
  return CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
}

LlvmValue* VectorBuilder::all(const Val& mask) {
  LlvmValue* sum = nullptr;
  for (LlvmValue* v : mask.v) sum = sum ? CreateAnd(sum, v) : v;
  if (mask.s.affine) return sum;
  if (auto* known = llvm::dyn_cast<llvm::Constant>(sum)) return getInt1(known->isAllOnesValue());
  LlvmValue* bits = mask_bits(sum);
  return CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
}

Val VectorBuilder::mask_and(const Val& a, const Val& b) {
  if (is_full(a)) return b;
  if (is_full(b)) return a;
  return apply(shape_of(merged(divergence_of(a.s), divergence_of(b.s))), {&a, &b},
               [&](llvm::ArrayRef<LlvmValue*> v) { return CreateAnd(v[0], v[1]); });
}

Val VectorBuilder::mask_or(const Val& a, const Val& b) {
  return apply(shape_of(merged(divergence_of(a.s), divergence_of(b.s))), {&a, &b},
               [&](llvm::ArrayRef<LlvmValue*> v) { return CreateOr(v[0], v[1]); });
}

Val VectorBuilder::mask_not(const Val& a) {
  return apply(a.s, {&a}, [&](llvm::ArrayRef<LlvmValue*> v) { return CreateNot(v[0]); });
}

// Bytes or halves of a word, the first one lowest.
LlvmValue* VectorBuilder::pack_word(llvm::ArrayRef<LlvmValue*> parts) {
  LlvmValue* word = nullptr;
  LlvmType* i32 = parts[0]->getType()->getWithNewType(getInt32Ty());
  unsigned bits = parts[0]->getType()->getScalarSizeInBits();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    LlvmType* integer = parts[i]->getType()->getWithNewType(getIntNTy(bits));
    LlvmValue* part = CreateZExt(CreateBitCast(parts[i], integer), i32);
    part = CreateShl(part, integer_like(i32, bits * i));
    word = word ? CreateOr(word, part) : part;
  }
  return word;
}

// Not where float controls are declared: then the processor's modes are others, or LLVM is told so.
bool VectorBuilder::is_builtin(std::string_view name) const {
  if (!options.builtins || options.effort != Effort::kDraft) return false;
  const FloatModes modes = float_modes(*program.entry);
  return !modes.toward_zero && !modes.half_toward_zero && modes.flush == 0 &&
         options.builtins->has(name);
}

}  // namespace sokr::cpu
