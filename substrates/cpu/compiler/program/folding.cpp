// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/folding.hpp"

namespace sokr::cpu {
namespace {

std::uint64_t low_bits(unsigned width) {
  return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

}  // namespace

std::int64_t signed_value(std::uint64_t bits, unsigned width) {
  unsigned drop = 64 - width;
  return static_cast<std::int64_t>(bits << drop) >> drop;
}

std::optional<std::uint64_t> folded(spv::Op op, unsigned width, unsigned result_width,
                                    std::span<const std::uint64_t> in) {
  std::uint64_t a = in[0], b = in.size() > 1 ? in[1] : 0;
  std::int64_t sa = signed_value(a, width), sb = signed_value(b, width);
  auto cut = [&](std::uint64_t bits) { return bits & low_bits(result_width); };
  switch (op) {
    case spv::Op::OpCopyObject:
      return a;
    case spv::Op::OpIAdd:
      return cut(a + b);
    case spv::Op::OpISub:
      return cut(a - b);
    case spv::Op::OpIMul:
      return cut(a * b);
    case spv::Op::OpUDiv:
      if (b == 0) return std::nullopt;
      return a / b;
    case spv::Op::OpUMod:
      if (b == 0) return std::nullopt;
      return a % b;
    case spv::Op::OpSDiv:
      if (b == 0 || sb == -1) return std::nullopt;
      return cut(static_cast<std::uint64_t>(sa / sb));
    case spv::Op::OpSNegate:
      return cut(0 - a);
    case spv::Op::OpNot:
      return cut(~a);
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalAnd:
      return a & b;
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpLogicalOr:
      return a | b;
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpLogicalNotEqual:
      return a ^ b;
    case spv::Op::OpLogicalNot:
      return a ^ 1;
    case spv::Op::OpShiftLeftLogical:
      if (b >= width) return std::nullopt;
      return cut(a << b);
    case spv::Op::OpShiftRightLogical:
      if (b >= width) return std::nullopt;
      return a >> b;
    case spv::Op::OpShiftRightArithmetic:
      if (b >= width) return std::nullopt;
      return cut(static_cast<std::uint64_t>(sa >> b));
    case spv::Op::OpSelect:
      return a ? in[1] : in[2];
    case spv::Op::OpIEqual:
    case spv::Op::OpLogicalEqual:
      return a == b;
    case spv::Op::OpINotEqual:
      return a != b;
    case spv::Op::OpUGreaterThan:
      return a > b;
    case spv::Op::OpUGreaterThanEqual:
      return a >= b;
    case spv::Op::OpULessThan:
      return a < b;
    case spv::Op::OpULessThanEqual:
      return a <= b;
    case spv::Op::OpSGreaterThan:
      return sa > sb;
    case spv::Op::OpSGreaterThanEqual:
      return sa >= sb;
    case spv::Op::OpSLessThan:
      return sa < sb;
    case spv::Op::OpSLessThanEqual:
      return sa <= sb;
    default:
      return std::nullopt;
  }
}

}  // namespace sokr::cpu
