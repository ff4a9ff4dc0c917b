// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Subgroup operations. A subgroup is several chunks, or part of one; it always moves
// together, so that each operation is plain data movement under the current mask.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::Constant;
using llvm::ConstantInt;

namespace {

bool is_group_arithmetic(spv::Op op) {
  return op >= spv::Op::OpGroupNonUniformIAdd && op <= spv::Op::OpGroupNonUniformLogicalXor;
}

LlvmValue* combine(llvm::IRBuilder<>& b, spv::Op op, LlvmValue* x, LlvmValue* y) {
  auto choose = [&](LlvmValue* y_wins) {
    LlvmValue* take = b.CreateOr(y_wins, b.CreateFCmpUNO(x, x));
    return b.CreateSelect(take, y, x);
  };
  switch (op) {
    case spv::Op::OpGroupNonUniformIAdd:
      return b.CreateAdd(x, y);
    case spv::Op::OpGroupNonUniformFAdd:
      return b.CreateFAdd(x, y);
    case spv::Op::OpGroupNonUniformIMul:
      return b.CreateMul(x, y);
    case spv::Op::OpGroupNonUniformFMul:
      return b.CreateFMul(x, y);
    case spv::Op::OpGroupNonUniformSMin:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, y);
    case spv::Op::OpGroupNonUniformUMin:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, x, y);
    case spv::Op::OpGroupNonUniformSMax:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, y);
    case spv::Op::OpGroupNonUniformUMax:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::umax, x, y);
    case spv::Op::OpGroupNonUniformFMin:
      return choose(b.CreateFCmpOLT(y, x));
    case spv::Op::OpGroupNonUniformFMax:
      return choose(b.CreateFCmpOLT(x, y));
    case spv::Op::OpGroupNonUniformBitwiseAnd:
    case spv::Op::OpGroupNonUniformLogicalAnd:
      return b.CreateAnd(x, y);
    case spv::Op::OpGroupNonUniformBitwiseOr:
    case spv::Op::OpGroupNonUniformLogicalOr:
      return b.CreateOr(x, y);
    default:
      return b.CreateXor(x, y);
  }
}

Constant* identity(spv::Op op, LlvmType* type) {
  unsigned bits = type->getScalarSizeInBits();
  switch (op) {
    case spv::Op::OpGroupNonUniformIMul:
      return ConstantInt::get(type, 1);
    case spv::Op::OpGroupNonUniformFMul:
      return llvm::ConstantFP::get(type, 1.0);
    case spv::Op::OpGroupNonUniformFAdd:
      return llvm::ConstantFP::get(type, -0.0);
    case spv::Op::OpGroupNonUniformFMin:
      return llvm::ConstantFP::getInfinity(type);
    case spv::Op::OpGroupNonUniformFMax:
      return llvm::ConstantFP::getInfinity(type, true);
    case spv::Op::OpGroupNonUniformSMin:
      return ConstantInt::get(type, llvm::APInt::getSignedMaxValue(bits));
    case spv::Op::OpGroupNonUniformSMax:
      return ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
    case spv::Op::OpGroupNonUniformUMin:
    case spv::Op::OpGroupNonUniformBitwiseAnd:
    case spv::Op::OpGroupNonUniformLogicalAnd:
      return Constant::getAllOnesValue(type);
    default:
      return Constant::getNullValue(type);
  }
}

}  // namespace

// What the subgroup's number is in LLVM values: chunks of one subgroup, and lanes of a
// segment within a chunk.
unsigned Emitter::subgroup_chunks() const {
  return std::clamp(g_.subgroup / g_.width, 1u, g_.chunks);
}
unsigned Emitter::subgroup_lanes() const {
  return std::min(g_.subgroup, g_.width);
}

Val Emitter::subgroup_lane() {
  return builtin_leaf(spv::BuiltIn::SubgroupLocalInvocationId, 0);
}

Shape Emitter::subgroup_shape() const {
  if (g_.subgroup < g_.width) return Shape::varying(g_.chunks > 1);
  return g_.chunks <= subgroup_chunks() ? Shape::uniform() : Shape::by_chunk(0);
}

// The bits of a predicate over the active invocations of each subgroup: two words.
std::array<Val, 2> Emitter::ballot(const Val& predicate) {
  Val active = mask_and(mask_, predicate);
  Shape shape = subgroup_shape();
  std::array<Val, 2> out;
  out[0].s = out[1].s = shape;
  LlvmType *i32 = b_.getInt32Ty(), *i64 = b_.getInt64Ty();
  unsigned group = subgroup_chunks();
  if (g_.subgroup < g_.width) {
    for (unsigned c = 0; c < (shape.chunk ? g_.chunks : 1); ++c) {
      LlvmValue* bits = b_.CreateZExt(mask_bits(vector_of(active, c)), i32);
      llvm::SmallVector<Constant*, 16> shifts;
      for (unsigned l = 0; l < g_.width; ++l)
        shifts.push_back(b_.getInt32(l / g_.subgroup * g_.subgroup));
      LlvmValue* own =
          b_.CreateLShr(b_.CreateVectorSplat(g_.width, bits), llvm::ConstantVector::get(shifts));
      out[0].v.push_back(
          b_.CreateAnd(own, integer_like(wide(i32), (UINT64_C(1) << g_.subgroup) - 1)));
      out[1].v.push_back(Constant::getNullValue(wide(i32)));
    }
    return out;
  }
  for (unsigned first = 0; first < g_.chunks; first += group) {
    LlvmValue* bits = b_.getInt64(0);
    for (unsigned k = 0; k < group && first + k < g_.chunks; ++k) {
      LlvmValue* part = b_.CreateZExt(mask_bits(vector_of(active, first + k)), i64);
      bits = b_.CreateOr(bits, b_.CreateShl(part, b_.getInt64(std::uint64_t{k} * g_.width)));
    }
    LlvmValue* low = b_.CreateTrunc(bits, i32);
    LlvmValue* high = b_.CreateTrunc(b_.CreateLShr(bits, b_.getInt64(32)), i32);
    for (unsigned k = 0; k < (shape.chunk ? group : 1); ++k) {
      out[0].v.push_back(low);
      out[1].v.push_back(high);
    }
  }
  return out;
}

// The number of the lowest bit set in two words; of the highest if `highest`.
Val Emitter::find_bit(const Val& low, const Val& high, bool highest, const Shape& shape) {
  return apply(shape, {&low, &high}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType();
    LlvmValue* zero = integer_like(type, 0);
    if (!highest) {
      LlvmValue* in_low = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[0], b_.getFalse());
      LlvmValue* in_high = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[1], b_.getFalse());
      return b_.CreateSelect(b_.CreateICmpNE(v[0], zero), in_low,
                             b_.CreateAdd(in_high, integer_like(type, 32)));
    }
    LlvmValue* in_low = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v[0], b_.getFalse());
    LlvmValue* in_high = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v[1], b_.getFalse());
    LlvmValue* leading = b_.CreateSelect(b_.CreateICmpNE(v[1], zero), in_high,
                                         b_.CreateAdd(in_low, integer_like(type, 32)));
    return b_.CreateSub(integer_like(type, 63), leading);
  });
}

// value[source lane of the subgroup], 0 from inactive lanes and from beyond.
Val Emitter::shuffle(const Val& value, const Val& source, const Shape& shape) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  // Words at least: those there are gathers for.
  const unsigned bits = type->getScalarSizeInBits();
  LlvmType* narrow = bits < 32 ? b_.getIntNTy(bits) : nullptr;
  LlvmType* stored = narrow ? b_.getInt32Ty() : type;
  LlvmType* row = wide(stored);
  llvm::IRBuilder<> top(entry_, entry_->begin());
  auto* memory = top.CreateAlloca(llvm::ArrayType::get(row, g_.chunks));
  memory->setAlignment(llvm::Align(64));
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v = vector_of(value, c);
    v = b_.CreateSelect(mask_vector(c), v, Constant::getNullValue(v->getType()));
    if (narrow) v = b_.CreateZExt(b_.CreateBitCast(v, wide(narrow)), row);
    b_.CreateStore(v, b_.CreateConstGEP2_32(memory->getAllocatedType(), memory, 0, c));
  }
  auto finish = [&](LlvmValue* v) {
    if (!narrow) return v;
    v = b_.CreateTrunc(v, v->getType()->getWithNewType(narrow));
    return b_.CreateBitCast(v, v->getType()->getWithNewType(type));
  };
  unsigned group = subgroup_chunks();
  Val out;
  out.s = shape;
  for (unsigned c = 0; c < (shape.chunk ? g_.chunks : 1); ++c) {
    LlvmValue* first = b_.getInt32(c / group * group * g_.width);
    auto place = [&](LlvmValue* index, LlvmValue* base) {
      LlvmValue* inside = b_.CreateICmpULT(index, integer_like(index->getType(), g_.subgroup));
      LlvmValue* limit = integer_like(index->getType(), std::uint64_t{g_.lanes()});
      LlvmValue* at = b_.CreateAdd(index, base);
      inside = b_.CreateAnd(inside, b_.CreateICmpULT(at, limit));
      return std::pair(b_.CreateSelect(inside, at, integer_like(index->getType(), 0)), inside);
    };
    if (shape.affine) {
      auto [at, inside] = place(b_.CreateZExtOrTrunc(base_of(source, c), b_.getInt32Ty()), first);
      LlvmValue* v =
          b_.CreateLoad(stored, b_.CreateGEP(stored, memory, b_.CreateZExt(at, b_.getInt64Ty())));
      out.v.push_back(finish(b_.CreateSelect(inside, v, Constant::getNullValue(stored))));
      continue;
    }
    LlvmValue* base = b_.CreateVectorSplat(g_.width, first);
    if (g_.subgroup < g_.width) {
      llvm::SmallVector<Constant*, 16> own;
      for (unsigned l = 0; l < g_.width; ++l)
        own.push_back(b_.getInt32(c * g_.width + l / g_.subgroup * g_.subgroup));
      base = llvm::ConstantVector::get(own);
    }
    LlvmValue* index = vector_of(source, c);
    index = b_.CreateZExtOrTrunc(index, wide(b_.getInt32Ty()));
    auto [at, inside] = place(index, base);
    LlvmValue* pointers = b_.CreateGEP(stored, memory, at);
    out.v.push_back(finish(load_places_of(pointers, stored, inside)));
  }
  return out;
}

// ---- Arithmetic -------------------------------------------------------------------------------

LlvmValue* Emitter::lanes_moved(LlvmValue* v, llvm::function_ref<int(int)> source,
                                LlvmValue* otherwise) {
  llvm::SmallVector<int, 32> pick;
  for (unsigned l = 0; l < g_.width; ++l) {
    int from = source(static_cast<int>(l));
    pick.push_back(from < 0 ? static_cast<int>(g_.width + l) : from);
  }
  return b_.CreateShuffleVector(v, otherwise, pick);
}

// Every invocation gets the result of its cluster of `size`.
Val Emitter::reduce_clusters(spv::Op op, const Val& value, unsigned size, const Shape& shape) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  Constant* nothing = identity(op, wide(type));
  LlvmValues all;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v = b_.CreateSelect(mask_vector(c), vector_of(value, c), nothing);
    for (unsigned d = 1; d < std::min(size, g_.width); d *= 2)
      v = combine(b_, op, v, lanes_moved(v, [&](int l) { return l ^ static_cast<int>(d); }, v));
    all.push_back(v);
  }
  unsigned span = std::clamp(size / g_.width, 1u, g_.chunks);
  for (unsigned first = 0; first < g_.chunks; first += span) {
    LlvmValue* sum = all[first];
    for (unsigned k = 1; k < span && first + k < g_.chunks; ++k)
      sum = combine(b_, op, sum, all[first + k]);
    for (unsigned k = 0; k < span && first + k < g_.chunks; ++k) all[first + k] = sum;
  }
  Val whole{Shape::varying(g_.chunks > 1), all};
  return convert(whole, shape);
}

Val Emitter::scan(spv::Op op, const Val& value, bool exclusive) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  Constant* nothing = identity(op, wide(type));
  auto segment = static_cast<int>(subgroup_lanes());
  unsigned group = subgroup_chunks();
  Val out;
  out.s = Shape::varying(g_.chunks > 1);
  LlvmValue* carry = nullptr;  // of the subgroup's chunks so far
  for (unsigned c = 0; c < g_.chunks; ++c) {
    if (c % group == 0) carry = nullptr;
    LlvmValue* v = b_.CreateSelect(mask_vector(c), vector_of(value, c), nothing);
    for (int d = 1; d < segment; d *= 2)
      v = combine(b_, op,
                  lanes_moved(v, [&](int l) { return l % segment < d ? -1 : l - d; }, nothing), v);
    LlvmValue* before = carry ? b_.CreateVectorSplat(g_.width, carry) : nullptr;
    LlvmValue* inclusive = before ? combine(b_, op, before, v) : v;
    LlvmValue* start = before ? before : nothing;
    out.v.push_back(
        exclusive ? lanes_moved(
                        inclusive, [&](int l) { return l % segment == 0 ? -1 : l - 1; }, start)
                  : inclusive);
    carry = b_.CreateExtractElement(inclusive, g_.width - 1);
  }
  return out;
}

Leaves Emitter::group_arithmetic(const Op& op) {
  const Inst& inst = op.inst;
  auto operation = static_cast<spv::GroupOperation>(inst.args[1]);
  unsigned size = g_.subgroup;
  if (operation == spv::GroupOperation::ClusteredReduce && inst.args.size() > 3)
    if (const auto* c = p_.constant(inst.args[3]))
      size = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(c->bits), 1, g_.subgroup);
  Leaves out;
  for (std::size_t i = 0; i < op.args[2].size(); ++i) {
    Val value = op.args[2][i];
    LlvmType* scalar = value.v[0]->getType()->getScalarType();
    bool half = scalar->isHalfTy();
    if (half)
      value =
          apply(value.s, {&value}, [&](llvm::ArrayRef<LlvmValue*> v) { return widen_half(v[0]); });
    Val result;
    if (operation == spv::GroupOperation::InclusiveScan)
      result = scan(inst.op, value, false);
    else if (operation == spv::GroupOperation::ExclusiveScan)
      result = scan(inst.op, value, true);
    else
      result = reduce_clusters(inst.op, value, size, shape_of_leaf(op, i));
    if (half)
      result = apply(result.s, {&result},
                     [&](llvm::ArrayRef<LlvmValue*> v) { return narrow_half(v[0]); });
    out.push_back(result);
  }
  return out;
}

// ---- Everything else
// ------------------------------------------------------------------------------

Val Emitter::count_bits(const Val& low, const Val& high, const Val* limit, bool inclusive,
                        const Shape& shape) {
  Val zero = constant_val(b_.getInt32(0));
  return apply(
      shape, {&low, &high, limit ? limit : &zero}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* type = v[0]->getType();
        LlvmValue* sum = nullptr;
        for (unsigned word = 0; word < 2; ++word) {
          LlvmValue* bits = v[word];
          if (limit) {
            LlvmValue* end = inclusive ? b_.CreateAdd(v[2], integer_like(type, 1)) : v[2];
            LlvmValue* count = b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, end,
                                                        integer_like(type, word * 32));
            LlvmValue* whole = b_.CreateICmpUGE(count, integer_like(type, 32));
            LlvmValue* some = b_.CreateSub(
                b_.CreateShl(integer_like(type, 1), b_.CreateAnd(count, integer_like(type, 31))),
                integer_like(type, 1));
            bits = b_.CreateAnd(bits, b_.CreateSelect(whole, integer_like(type, UINT32_MAX), some));
          }
          LlvmValue* one = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, bits);
          sum = sum ? b_.CreateAdd(sum, one) : one;
        }
        return sum;
      });
}

// The words of a ballot operand, without the bits beyond the subgroup.
std::array<Val, 2> Emitter::ballot_words(const Leaves& value) {
  std::array<Val, 2> out{value[0], value[1]};
  for (unsigned word = 0; word < 2; ++word) {
    std::uint64_t bits = g_.subgroup >= 32 * (word + 1) ? UINT32_MAX
                         : g_.subgroup <= 32 * word
                             ? 0
                             : (UINT64_C(1) << (g_.subgroup - 32 * word)) - 1;
    Shape shape = shape_of(divergence_of(out[word].s));
    out[word] = apply(shape, {&out[word]}, [&](llvm::ArrayRef<LlvmValue*> v) {
      return b_.CreateAnd(v[0], integer_like(v[0]->getType(), bits));
    });
  }
  return out;
}

Leaves Emitter::emit_subgroup(const Op& op) {
  const Inst& inst = op.inst;
  if (is_group_arithmetic(inst.op)) return group_arithmetic(op);
  Val everyone = constant_val(b_.getTrue());
  Shape shape = op.shapes->empty() ? Shape::varying() : shape_of_leaf(op, 0);
  Shape own = subgroup_shape();
  auto compare_words = [&](const std::array<Val, 2>& words, bool some) {
    return apply(own, {&words[0], &words[1]}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      LlvmValue* sum = b_.CreateOr(v[0], v[1]);
      LlvmValue* zero = integer_like(sum->getType(), 0);
      return some ? b_.CreateICmpNE(sum, zero) : b_.CreateICmpEQ(sum, zero);
    });
  };
  auto shuffled = [&](auto source_of) {
    Val lane = subgroup_lane();
    Val by =
        op.args.size() > 2 && !op.args[2].empty() ? op.args[2][0] : constant_val(b_.getInt32(0));
    Divergence d = merged(divergence_of(lane.s), divergence_of(by.s));
    Val source = apply(shape_of(d), {&lane, &by}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      LlvmValue* amount = b_.CreateZExtOrTrunc(v[1], v[0]->getType());
      return source_of(v[0], amount,
                       [&](std::uint64_t n) { return integer_like(v[0]->getType(), n); });
    });
    Leaves out;
    for (std::size_t i = 0; i < op.args[1].size(); ++i)
      out.push_back(shuffle(op.args[1][i], source, shape_of_leaf(op, i)));
    return out;
  };
  switch (inst.op) {
    case spv::Op::OpGroupNonUniformElect: {
      auto words = ballot(everyone);
      Val first = find_bit(words[0], words[1], false, own);
      Val lane = subgroup_lane();
      return {apply(shape, {&first, &lane},
                    [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateICmpEQ(v[0], v[1]); })};
    }
    case spv::Op::OpGroupNonUniformAny:
      return {compare_words(ballot(op.args[1][0]), true)};
    case spv::Op::OpGroupNonUniformAll:
      return {compare_words(ballot(mask_not(op.args[1][0])), false)};
    case spv::Op::OpGroupNonUniformAllEqual: {
      auto words = ballot(everyone);
      Val first = find_bit(words[0], words[1], false, own);
      Val same = everyone;
      for (const auto& leaf : op.args[1]) {
        Val reference = shuffle(leaf, first, own);
        Divergence d = merged(divergence_of(leaf.s), divergence_of(own));
        Val equal = apply(shape_of(d), {&leaf, &reference}, [&](llvm::ArrayRef<LlvmValue*> v) {
          return v[0]->getType()->isFPOrFPVectorTy() ? b_.CreateFCmpOEQ(v[0], v[1])
                                                     : b_.CreateICmpEQ(v[0], v[1]);
        });
        same = mask_and(same, equal);
      }
      return {compare_words(ballot(mask_not(same)), false)};
    }
    case spv::Op::OpGroupNonUniformBroadcastFirst: {
      auto words = ballot(everyone);
      Val first = find_bit(words[0], words[1], false, own);
      Leaves out;
      for (std::size_t i = 0; i < op.args[1].size(); ++i)
        out.push_back(shuffle(op.args[1][i], first, shape_of_leaf(op, i)));
      return out;
    }
    case spv::Op::OpGroupNonUniformBroadcast:
    case spv::Op::OpGroupNonUniformShuffle: {
      Leaves out;
      for (std::size_t i = 0; i < op.args[1].size(); ++i)
        out.push_back(shuffle(op.args[1][i], op.args[2][0], shape_of_leaf(op, i)));
      return out;
    }
    case spv::Op::OpGroupNonUniformShuffleXor:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return b_.CreateXor(l, by); });
    case spv::Op::OpGroupNonUniformShuffleUp:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return b_.CreateSub(l, by); });
    case spv::Op::OpGroupNonUniformShuffleDown:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return b_.CreateAdd(l, by); });
    case spv::Op::OpGroupNonUniformRotateKHR: {
      std::uint32_t size = g_.subgroup;
      if (inst.args.size() > 3)
        if (const auto* c = p_.constant(inst.args[3]))
          size = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(c->bits), 1, g_.subgroup);
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        LlvmValue* inner = b_.CreateAnd(b_.CreateAdd(l, by), n(size - 1));
        return b_.CreateOr(inner, b_.CreateAnd(l, n(~std::uint64_t{size - 1})));
      });
    }
    case spv::Op::OpGroupNonUniformQuadBroadcast:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        return b_.CreateOr(b_.CreateAnd(l, n(~UINT64_C(3))), b_.CreateAnd(by, n(3)));
      });
    case spv::Op::OpGroupNonUniformQuadSwap:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        return b_.CreateXor(l, b_.CreateAdd(b_.CreateAnd(by, n(3)), n(1)));
      });
    case spv::Op::OpGroupNonUniformBallot: {
      auto words = ballot(op.args[1][0]);
      Val zero = constant_val(b_.getInt32(0));
      return {words[0], words[1], zero, zero};
    }
    case spv::Op::OpGroupNonUniformInverseBallot:
    case spv::Op::OpGroupNonUniformBallotBitExtract: {
      Val lane =
          inst.op == spv::Op::OpGroupNonUniformInverseBallot ? subgroup_lane() : op.args[2][0];
      return {apply(shape, {&op.args[1][0], &op.args[1][1], &lane},
                    [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
                      LlvmType* type = v[0]->getType();
                      LlvmValue* at = b_.CreateZExtOrTrunc(v[2], type);
                      LlvmValue* word =
                          b_.CreateSelect(b_.CreateICmpULT(at, integer_like(type, 32)), v[0], v[1]);
                      LlvmValue* bit = b_.CreateAnd(
                          b_.CreateLShr(word, b_.CreateAnd(at, integer_like(type, 31))),
                          integer_like(type, 1));
                      LlvmValue* inside = b_.CreateICmpULT(at, integer_like(type, g_.subgroup));
                      return b_.CreateAnd(inside, b_.CreateICmpNE(bit, integer_like(type, 0)));
                    })};
    }
    case spv::Op::OpGroupNonUniformBallotBitCount: {
      auto words = ballot_words(op.args[2]);
      auto operation = static_cast<spv::GroupOperation>(inst.args[1]);
      if (operation == spv::GroupOperation::Reduce)
        return {count_bits(words[0], words[1], nullptr, false, shape)};
      Val lane = subgroup_lane();
      return {count_bits(words[0], words[1], &lane, operation == spv::GroupOperation::InclusiveScan,
                         shape)};
    }
    case spv::Op::OpGroupNonUniformBallotFindLSB:
    case spv::Op::OpGroupNonUniformBallotFindMSB: {
      auto words = ballot_words(op.args[1]);
      return {
          find_bit(words[0], words[1], inst.op == spv::Op::OpGroupNonUniformBallotFindMSB, shape)};
    }
    default:
      internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
      return {};
  }
}

}  // namespace sokr::cpu
