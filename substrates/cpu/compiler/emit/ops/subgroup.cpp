// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Subgroup operations. A subgroup is several chunks, or part of one; it always moves
// together, so that each operation is plain data movement under the current mask.
#include "compiler/analysis/transfer.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/emit/ops/operations.hpp"

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

// What the subgroup's number is in LLVM values: chunks of one subgroup, and lanes of a
// segment within a chunk.
unsigned subgroup_chunks(VectorBuilder& ir) {
  return std::clamp(ir.geometry.subgroup / ir.geometry.width, 1u, ir.geometry.chunks);
}
unsigned subgroup_lanes(VectorBuilder& ir) {
  return std::min(ir.geometry.subgroup, ir.geometry.width);
}

Val subgroup_lane(const Operations& ops) {
  return ops.invocation.builtin_leaf(spv::BuiltIn::SubgroupLocalInvocationId, 0);
}

Shape subgroup_shape(VectorBuilder& ir) {
  if (ir.geometry.subgroup < ir.geometry.width) return Shape::varying(ir.geometry.chunks > 1);
  return ir.geometry.chunks <= subgroup_chunks(ir) ? Shape::uniform() : Shape::by_chunk(0);
}

// The bits of a predicate over the active invocations of each subgroup: two words.
std::array<Val, 2> ballot(VectorBuilder& ir, const Val& predicate) {
  Val active = ir.mask_and(ir.at.mask, predicate);
  Shape shape = subgroup_shape(ir);
  std::array<Val, 2> out;
  out[0].s = out[1].s = shape;
  LlvmType *i32 = ir.getInt32Ty(), *i64 = ir.getInt64Ty();
  unsigned group = subgroup_chunks(ir);
  if (ir.geometry.subgroup < ir.geometry.width) {
    for (unsigned c = 0; c < (shape.chunk ? ir.geometry.chunks : 1); ++c) {
      LlvmValue* bits = ir.CreateZExt(ir.mask_bits(ir.vector_of(active, c)), i32);
      llvm::SmallVector<Constant*, 16> shifts;
      for (unsigned l = 0; l < ir.geometry.width; ++l)
        shifts.push_back(ir.getInt32(l / ir.geometry.subgroup * ir.geometry.subgroup));
      LlvmValue* own = ir.CreateLShr(ir.CreateVectorSplat(ir.geometry.width, bits),
                                     llvm::ConstantVector::get(shifts));
      out[0].v.push_back(ir.CreateAnd(
          own, ir.integer_like(ir.wide(i32), (UINT64_C(1) << ir.geometry.subgroup) - 1)));
      out[1].v.push_back(Constant::getNullValue(ir.wide(i32)));
    }
    return out;
  }
  for (unsigned first = 0; first < ir.geometry.chunks; first += group) {
    LlvmValue* bits = ir.getInt64(0);
    for (unsigned k = 0; k < group && first + k < ir.geometry.chunks; ++k) {
      LlvmValue* part = ir.CreateZExt(ir.mask_bits(ir.vector_of(active, first + k)), i64);
      bits =
          ir.CreateOr(bits, ir.CreateShl(part, ir.getInt64(std::uint64_t{k} * ir.geometry.width)));
    }
    LlvmValue* low = ir.CreateTrunc(bits, i32);
    LlvmValue* high = ir.CreateTrunc(ir.CreateLShr(bits, ir.getInt64(32)), i32);
    for (unsigned k = 0; k < (shape.chunk ? group : 1); ++k) {
      out[0].v.push_back(low);
      out[1].v.push_back(high);
    }
  }
  return out;
}

// The number of the lowest bit set in two words; of the highest if `highest`.
Val find_bit(VectorBuilder& ir, const Val& low, const Val& high, bool highest, const Shape& shape) {
  return ir.apply(shape, {&low, &high}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType();
    LlvmValue* zero = ir.integer_like(type, 0);
    if (!highest) {
      LlvmValue* in_low = ir.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[0], ir.getFalse());
      LlvmValue* in_high = ir.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[1], ir.getFalse());
      return ir.CreateSelect(ir.CreateICmpNE(v[0], zero), in_low,
                             ir.CreateAdd(in_high, ir.integer_like(type, 32)));
    }
    LlvmValue* in_low = ir.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v[0], ir.getFalse());
    LlvmValue* in_high = ir.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v[1], ir.getFalse());
    LlvmValue* leading = ir.CreateSelect(ir.CreateICmpNE(v[1], zero), in_high,
                                         ir.CreateAdd(in_low, ir.integer_like(type, 32)));
    return ir.CreateSub(ir.integer_like(type, 63), leading);
  });
}

// value[source lane of the subgroup], 0 from inactive lanes and from beyond.
Val shuffle(const Operations& ops, const Val& value, const Val& source, const Shape& shape) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  // Words at least: those there are gathers for.
  const unsigned bits = type->getScalarSizeInBits();
  LlvmType* narrow = bits < 32 ? ops.ir.getIntNTy(bits) : nullptr;
  LlvmType* stored = narrow ? ops.ir.getInt32Ty() : type;
  LlvmType* row = ops.ir.wide(stored);
  llvm::AllocaInst* memory = ops.ir.temporary(llvm::ArrayType::get(row, ops.ir.geometry.chunks));
  memory->setAlignment(llvm::Align(64));
  for (unsigned c = 0; c < ops.ir.geometry.chunks; ++c) {
    LlvmValue* v = ops.ir.vector_of(value, c);
    v = ops.ir.CreateSelect(ops.ir.mask_vector(c), v, Constant::getNullValue(v->getType()));
    if (narrow) v = ops.ir.CreateZExt(ops.ir.CreateBitCast(v, ops.ir.wide(narrow)), row);
    ops.ir.CreateStore(v, ops.ir.CreateConstGEP2_32(memory->getAllocatedType(), memory, 0, c));
  }
  auto finish = [&](LlvmValue* v) {
    if (!narrow) return v;
    v = ops.ir.CreateTrunc(v, v->getType()->getWithNewType(narrow));
    return ops.ir.CreateBitCast(v, v->getType()->getWithNewType(type));
  };
  unsigned group = subgroup_chunks(ops.ir);
  Val out;
  out.s = shape;
  for (unsigned c = 0; c < (shape.chunk ? ops.ir.geometry.chunks : 1); ++c) {
    LlvmValue* first = ops.ir.getInt32(c / group * group * ops.ir.geometry.width);
    auto place = [&](LlvmValue* index, LlvmValue* base) {
      LlvmValue* inside = ops.ir.CreateICmpULT(
          index, ops.ir.integer_like(index->getType(), ops.ir.geometry.subgroup));
      LlvmValue* limit =
          ops.ir.integer_like(index->getType(), std::uint64_t{ops.ir.geometry.lanes()});
      LlvmValue* at = ops.ir.CreateAdd(index, base);
      inside = ops.ir.CreateAnd(inside, ops.ir.CreateICmpULT(at, limit));
      return std::pair(ops.ir.CreateSelect(inside, at, ops.ir.integer_like(index->getType(), 0)),
                       inside);
    };
    if (shape.affine) {
      auto [at, inside] =
          place(ops.ir.CreateZExtOrTrunc(ops.ir.base_of(source, c), ops.ir.getInt32Ty()), first);
      LlvmValue* v = ops.ir.CreateLoad(
          stored, ops.ir.CreateGEP(stored, memory, ops.ir.CreateZExt(at, ops.ir.getInt64Ty())));
      out.v.push_back(finish(ops.ir.CreateSelect(inside, v, Constant::getNullValue(stored))));
      continue;
    }
    LlvmValue* base = ops.ir.CreateVectorSplat(ops.ir.geometry.width, first);
    if (ops.ir.geometry.subgroup < ops.ir.geometry.width) {
      llvm::SmallVector<Constant*, 16> own;
      for (unsigned l = 0; l < ops.ir.geometry.width; ++l)
        own.push_back(ops.ir.getInt32(c * ops.ir.geometry.width +
                                      l / ops.ir.geometry.subgroup * ops.ir.geometry.subgroup));
      base = llvm::ConstantVector::get(own);
    }
    LlvmValue* index = ops.ir.vector_of(source, c);
    index = ops.ir.CreateZExtOrTrunc(index, ops.ir.wide(ops.ir.getInt32Ty()));
    auto [at, inside] = place(index, base);
    LlvmValue* pointers = ops.ir.CreateGEP(stored, memory, at);
    out.v.push_back(finish(ops.lanes.load_places_of(pointers, stored, inside)));
  }
  return out;
}

// ---- Arithmetic -------------------------------------------------------------------------------

LlvmValue* lanes_moved(VectorBuilder& ir, LlvmValue* v, llvm::function_ref<int(int)> source,
                       LlvmValue* otherwise) {
  llvm::SmallVector<int, 32> pick;
  for (unsigned l = 0; l < ir.geometry.width; ++l) {
    int from = source(static_cast<int>(l));
    pick.push_back(from < 0 ? static_cast<int>(ir.geometry.width + l) : from);
  }
  return ir.CreateShuffleVector(v, otherwise, pick);
}

// Every invocation gets the result of its cluster of `size`.
Val reduce_clusters(VectorBuilder& ir, spv::Op op, const Val& value, unsigned size,
                    const Shape& shape) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  Constant* nothing = identity(op, ir.wide(type));
  LlvmValues all;
  for (unsigned c = 0; c < ir.geometry.chunks; ++c) {
    LlvmValue* v = ir.CreateSelect(ir.mask_vector(c), ir.vector_of(value, c), nothing);
    for (unsigned d = 1; d < std::min(size, ir.geometry.width); d *= 2)
      v = combine(ir, op, v, lanes_moved(ir, v, [&](int l) { return l ^ static_cast<int>(d); }, v));
    all.push_back(v);
  }
  unsigned span = std::clamp(size / ir.geometry.width, 1u, ir.geometry.chunks);
  for (unsigned first = 0; first < ir.geometry.chunks; first += span) {
    LlvmValue* sum = all[first];
    for (unsigned k = 1; k < span && first + k < ir.geometry.chunks; ++k)
      sum = combine(ir, op, sum, all[first + k]);
    for (unsigned k = 0; k < span && first + k < ir.geometry.chunks; ++k) all[first + k] = sum;
  }
  Val whole{Shape::varying(ir.geometry.chunks > 1), all};
  return ir.convert(whole, shape);
}

Val scan(VectorBuilder& ir, spv::Op op, const Val& value, bool exclusive) {
  LlvmType* type = value.v[0]->getType()->getScalarType();
  Constant* nothing = identity(op, ir.wide(type));
  auto segment = static_cast<int>(subgroup_lanes(ir));
  unsigned group = subgroup_chunks(ir);
  Val out;
  out.s = Shape::varying(ir.geometry.chunks > 1);
  LlvmValue* carry = nullptr;  // of the subgroup's chunks so far
  for (unsigned c = 0; c < ir.geometry.chunks; ++c) {
    if (c % group == 0) carry = nullptr;
    LlvmValue* v = ir.CreateSelect(ir.mask_vector(c), ir.vector_of(value, c), nothing);
    for (int d = 1; d < segment; d *= 2)
      v = combine(
          ir, op,
          lanes_moved(ir, v, [&](int l) { return l % segment < d ? -1 : l - d; }, nothing), v);
    LlvmValue* before = carry ? ir.CreateVectorSplat(ir.geometry.width, carry) : nullptr;
    LlvmValue* inclusive = before ? combine(ir, op, before, v) : v;
    LlvmValue* start = before ? before : nothing;
    LlvmValue* result = inclusive;
    if (exclusive) {
      result =
          lanes_moved(ir, inclusive, [&](int l) { return l % segment == 0 ? -1 : l - 1; }, start);
      // Begins with 0, not with -0, which changes nothing in a sum.
      if (op == spv::Op::OpGroupNonUniformFAdd)
        result = ir.CreateFAdd(result, Constant::getNullValue(result->getType()));
    }
    out.v.push_back(result);
    carry = ir.CreateExtractElement(inclusive, ir.geometry.width - 1);
  }
  return out;
}

Leaves group_arithmetic(VectorBuilder& ir, const Op& op) {
  const Inst& inst = op.inst;
  auto operation = static_cast<spv::GroupOperation>(inst.args[1]);
  unsigned size = ir.geometry.subgroup;
  if (operation == spv::GroupOperation::ClusteredReduce && inst.args.size() > 3)
    if (const auto* c = ir.program.constant(inst.args[3]))
      size =
          std::clamp<std::uint32_t>(static_cast<std::uint32_t>(c->bits), 1, ir.geometry.subgroup);
  Leaves out;
  for (std::size_t i = 0; i < op.args[2].size(); ++i) {
    Val value = op.args[2][i];
    LlvmType* scalar = value.v[0]->getType()->getScalarType();
    bool half = scalar->isHalfTy();
    if (half)
      value = ir.apply(value.s, {&value},
                       [&](llvm::ArrayRef<LlvmValue*> v) { return widen_half(ir, v[0]); });
    Val result;
    if (operation == spv::GroupOperation::InclusiveScan)
      result = scan(ir, inst.op, value, false);
    else if (operation == spv::GroupOperation::ExclusiveScan)
      result = scan(ir, inst.op, value, true);
    else
      result = reduce_clusters(ir, inst.op, value, size, op.shape(i));
    if (half)
      result = ir.apply(result.s, {&result},
                        [&](llvm::ArrayRef<LlvmValue*> v) { return narrow_half(ir, v[0]); });
    out.push_back(result);
  }
  return out;
}

// ---- Everything else ------------------------------------------------------------------------

Val count_bits(VectorBuilder& ir, const Val& low, const Val& high, const Val* limit, bool inclusive,
               const Shape& shape) {
  Val zero = ir.constant_val(ir.getInt32(0));
  return ir.apply(
      shape, {&low, &high, limit ? limit : &zero}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* type = v[0]->getType();
        LlvmValue* sum = nullptr;
        for (unsigned word = 0; word < 2; ++word) {
          LlvmValue* bits = v[word];
          if (limit) {
            LlvmValue* end = inclusive ? ir.CreateAdd(v[2], ir.integer_like(type, 1)) : v[2];
            LlvmValue* count = ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, end,
                                                        ir.integer_like(type, word * 32));
            LlvmValue* whole = ir.CreateICmpUGE(count, ir.integer_like(type, 32));
            LlvmValue* some =
                ir.CreateSub(ir.CreateShl(ir.integer_like(type, 1),
                                          ir.CreateAnd(count, ir.integer_like(type, 31))),
                             ir.integer_like(type, 1));
            bits =
                ir.CreateAnd(bits, ir.CreateSelect(whole, ir.integer_like(type, UINT32_MAX), some));
          }
          LlvmValue* one = ir.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, bits);
          sum = sum ? ir.CreateAdd(sum, one) : one;
        }
        return sum;
      });
}

// The words of a ballot operand, without the bits beyond the subgroup.
std::array<Val, 2> ballot_words(VectorBuilder& ir, const Leaves& value) {
  std::array<Val, 2> out{value[0], value[1]};
  for (unsigned word = 0; word < 2; ++word) {
    std::uint64_t bits = ir.geometry.subgroup >= 32 * (word + 1) ? UINT32_MAX
                         : ir.geometry.subgroup <= 32 * word
                             ? 0
                             : (UINT64_C(1) << (ir.geometry.subgroup - 32 * word)) - 1;
    Shape shape = shape_of(divergence_of(out[word].s));
    out[word] = ir.apply(shape, {&out[word]}, [&](llvm::ArrayRef<LlvmValue*> v) {
      return ir.CreateAnd(v[0], ir.integer_like(v[0]->getType(), bits));
    });
  }
  return out;
}

}  // namespace

Leaves emit_subgroup(const Operations& ops, const Op& op) {
  const Inst& inst = op.inst;
  if (is_group_arithmetic(inst.op)) return group_arithmetic(ops.ir, op);
  Val everyone = ops.ir.constant_val(ops.ir.getTrue());
  Shape shape = op.shapes->empty() ? Shape::varying() : op.shape(0);
  Shape own = subgroup_shape(ops.ir);
  auto compare_words = [&](const std::array<Val, 2>& words, bool some) {
    return ops.ir.apply(
        own, {&words[0], &words[1]}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
          LlvmValue* sum = ops.ir.CreateOr(v[0], v[1]);
          LlvmValue* zero = ops.ir.integer_like(sum->getType(), 0);
          return some ? ops.ir.CreateICmpNE(sum, zero) : ops.ir.CreateICmpEQ(sum, zero);
        });
  };
  auto shuffled = [&](auto source_of) {
    Val lane = subgroup_lane(ops);
    Val by = op.args.size() > 2 && !op.args[2].empty() ? op.args[2][0]
                                                       : ops.ir.constant_val(ops.ir.getInt32(0));
    Divergence d = merged(divergence_of(lane.s), divergence_of(by.s));
    Val source =
        ops.ir.apply(shape_of(d), {&lane, &by}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
          LlvmValue* amount = ops.ir.CreateZExtOrTrunc(v[1], v[0]->getType());
          return source_of(v[0], amount, [&](std::uint64_t n) {
            return ops.ir.integer_like(v[0]->getType(), n);
          });
        });
    Leaves out;
    for (std::size_t i = 0; i < op.args[1].size(); ++i)
      out.push_back(shuffle(ops, op.args[1][i], source, op.shape(i)));
    return out;
  };
  switch (inst.op) {
    case spv::Op::OpGroupNonUniformElect: {
      auto words = ballot(ops.ir, everyone);
      Val first = find_bit(ops.ir, words[0], words[1], false, own);
      Val lane = subgroup_lane(ops);
      return {ops.ir.apply(shape, {&first, &lane}, [&](llvm::ArrayRef<LlvmValue*> v) {
        return ops.ir.CreateICmpEQ(v[0], v[1]);
      })};
    }
    case spv::Op::OpGroupNonUniformAny:
      return {compare_words(ballot(ops.ir, op.args[1][0]), true)};
    case spv::Op::OpGroupNonUniformAll:
      return {compare_words(ballot(ops.ir, ops.ir.mask_not(op.args[1][0])), false)};
    case spv::Op::OpGroupNonUniformAllEqual: {
      auto words = ballot(ops.ir, everyone);
      Val first = find_bit(ops.ir, words[0], words[1], false, own);
      Val same = everyone;
      for (const auto& leaf : op.args[1]) {
        Val reference = shuffle(ops, leaf, first, own);
        Divergence d = merged(divergence_of(leaf.s), divergence_of(own));
        Val equal =
            ops.ir.apply(shape_of(d), {&leaf, &reference}, [&](llvm::ArrayRef<LlvmValue*> v) {
              return v[0]->getType()->isFPOrFPVectorTy() ? ops.ir.CreateFCmpOEQ(v[0], v[1])
                                                         : ops.ir.CreateICmpEQ(v[0], v[1]);
            });
        same = ops.ir.mask_and(same, equal);
      }
      return {compare_words(ballot(ops.ir, ops.ir.mask_not(same)), false)};
    }
    case spv::Op::OpGroupNonUniformBroadcastFirst: {
      auto words = ballot(ops.ir, everyone);
      Val first = find_bit(ops.ir, words[0], words[1], false, own);
      Leaves out;
      for (std::size_t i = 0; i < op.args[1].size(); ++i)
        out.push_back(shuffle(ops, op.args[1][i], first, op.shape(i)));
      return out;
    }
    case spv::Op::OpGroupNonUniformBroadcast:
    case spv::Op::OpGroupNonUniformShuffle: {
      Leaves out;
      for (std::size_t i = 0; i < op.args[1].size(); ++i)
        out.push_back(shuffle(ops, op.args[1][i], op.args[2][0], op.shape(i)));
      return out;
    }
    case spv::Op::OpGroupNonUniformShuffleXor:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return ops.ir.CreateXor(l, by); });
    case spv::Op::OpGroupNonUniformShuffleUp:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return ops.ir.CreateSub(l, by); });
    case spv::Op::OpGroupNonUniformShuffleDown:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto) { return ops.ir.CreateAdd(l, by); });
    case spv::Op::OpGroupNonUniformRotateKHR: {
      std::uint32_t size = ops.ir.geometry.subgroup;
      if (inst.args.size() > 3)
        if (const auto* c = ops.ir.program.constant(inst.args[3]))
          size = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(c->bits), 1,
                                           ops.ir.geometry.subgroup);
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        LlvmValue* inner = ops.ir.CreateAnd(ops.ir.CreateAdd(l, by), n(size - 1));
        return ops.ir.CreateOr(inner, ops.ir.CreateAnd(l, n(~std::uint64_t{size - 1})));
      });
    }
    case spv::Op::OpGroupNonUniformQuadBroadcast:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        return ops.ir.CreateOr(ops.ir.CreateAnd(l, n(~UINT64_C(3))), ops.ir.CreateAnd(by, n(3)));
      });
    case spv::Op::OpGroupNonUniformQuadSwap:
      return shuffled([&](LlvmValue* l, LlvmValue* by, auto n) {
        return ops.ir.CreateXor(l, ops.ir.CreateAdd(ops.ir.CreateAnd(by, n(3)), n(1)));
      });
    case spv::Op::OpGroupNonUniformBallot: {
      auto words = ballot(ops.ir, op.args[1][0]);
      Val zero = ops.ir.constant_val(ops.ir.getInt32(0));
      return {words[0], words[1], zero, zero};
    }
    case spv::Op::OpGroupNonUniformInverseBallot:
    case spv::Op::OpGroupNonUniformBallotBitExtract: {
      Val lane =
          inst.op == spv::Op::OpGroupNonUniformInverseBallot ? subgroup_lane(ops) : op.args[2][0];
      return {ops.ir.apply(
          shape, {&op.args[1][0], &op.args[1][1], &lane},
          [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
            LlvmType* type = v[0]->getType();
            LlvmValue* at = ops.ir.CreateZExtOrTrunc(v[2], type);
            LlvmValue* word = ops.ir.CreateSelect(
                ops.ir.CreateICmpULT(at, ops.ir.integer_like(type, 32)), v[0], v[1]);
            LlvmValue* bit = ops.ir.CreateAnd(
                ops.ir.CreateLShr(word, ops.ir.CreateAnd(at, ops.ir.integer_like(type, 31))),
                ops.ir.integer_like(type, 1));
            LlvmValue* inside =
                ops.ir.CreateICmpULT(at, ops.ir.integer_like(type, ops.ir.geometry.subgroup));
            return ops.ir.CreateAnd(inside, ops.ir.CreateICmpNE(bit, ops.ir.integer_like(type, 0)));
          })};
    }
    case spv::Op::OpGroupNonUniformBallotBitCount: {
      auto words = ballot_words(ops.ir, op.args[2]);
      auto operation = static_cast<spv::GroupOperation>(inst.args[1]);
      if (operation == spv::GroupOperation::Reduce)
        return {count_bits(ops.ir, words[0], words[1], nullptr, false, shape)};
      Val lane = subgroup_lane(ops);
      return {count_bits(ops.ir, words[0], words[1], &lane,
                         operation == spv::GroupOperation::InclusiveScan, shape)};
    }
    case spv::Op::OpGroupNonUniformBallotFindLSB:
    case spv::Op::OpGroupNonUniformBallotFindMSB: {
      auto words = ballot_words(ops.ir, op.args[1]);
      return {find_bit(ops.ir, words[0], words[1],
                       inst.op == spv::Op::OpGroupNonUniformBallotFindMSB, shape)};
    }
    default:
      ops.ir.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
      return {};
  }
}

}  // namespace sokr::cpu
