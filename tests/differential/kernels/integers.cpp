// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integer, comparison and bit instructions at 8, 16, 32 and 64 bits.
#include <fmt/format.h>

#include <bit>
#include <sokr/substrate/edge_semantics.hpp>

#include "element.hpp"

namespace sokr::differential {
namespace {

namespace edge = substrate::edge;

template <class U>
using Binary = U (*)(U, U);
template <class U>
using S = std::make_signed_t<U>;

template <class U>
std::string type_name(char letter = 'u') {
  return fmt::format("{}{}", letter, sizeof(U) * 8);
}

template <class U>
Row binary(const std::string& op, Binary<U> expect, Last last = Last::kAny, bool defined = true) {
  const std::string t = type_name<U>();
  return {
      op + "/" + t,
      {t, t},
      t,
      fmt::format("%r = {} %{} %a %b", op, t),
      [expect](Arguments x) { return Bits{expect(static_cast<U>(x[0]), static_cast<U>(x[1]))}; },
      0,
      last,
      defined};
}

template <class U>
Row compare(const std::string& op, bool (*expect)(U, U)) {
  const std::string t = type_name<U>();
  return {
      op + "/" + t,
      {t, t},
      "u32",
      fmt::format("%t = {} %bool %a %b\n%r = OpSelect %u32 %t %c_u32_1 %c_u32_0", op),
      [expect](Arguments x) { return Bits{expect(static_cast<U>(x[0]), static_cast<U>(x[1]))}; }};
}

template <class U>
Row unary(const std::string& op, U (*expect)(U)) {
  const std::string t = type_name<U>();
  return {op + "/" + t, {t}, t, fmt::format("%r = {} %{} %a", op, t), [expect](Arguments x) {
            return Bits{expect(static_cast<U>(x[0]))};
          }};
}

template <class U>
void arithmetic(std::vector<Row>& rows) {
  rows.push_back(binary<U>("OpIAdd", [](U a, U b) { return static_cast<U>(a + b); }));
  rows.push_back(binary<U>("OpISub", [](U a, U b) { return static_cast<U>(a - b); }));
  rows.push_back(binary<U>("OpIMul", [](U a, U b) { return static_cast<U>(Bits{a} * b); }));
  rows.push_back(binary<U>("OpUDiv", edge::udiv<U>, Last::kNonZero));
  rows.push_back(binary<U>("OpSDiv", edge::sdiv<U>, Last::kNonZero));
  rows.push_back(binary<U>("OpUMod", edge::umod<U>, Last::kNonZero));
  rows.push_back(binary<U>("OpSRem", edge::srem<U>, Last::kNonZero));
  rows.push_back(binary<U>("OpSMod", edge::smod<U>, Last::kNonZero));
  rows.push_back(binary<U>("OpBitwiseAnd", [](U a, U b) { return static_cast<U>(a & b); }));
  rows.push_back(binary<U>("OpBitwiseOr", [](U a, U b) { return static_cast<U>(a | b); }));
  rows.push_back(binary<U>("OpBitwiseXor", [](U a, U b) { return static_cast<U>(a ^ b); }));
  rows.push_back(binary<U>(
      "OpShiftLeftLogical", [](U a, U b) { return edge::shift_left(a, b); }, Last::kBelowWidth));
  rows.push_back(binary<U>(
      "OpShiftRightLogical", [](U a, U b) { return edge::shift_right_logical(a, b); },
      Last::kBelowWidth));
  rows.push_back(binary<U>(
      "OpShiftRightArithmetic", [](U a, U b) { return edge::shift_right_arithmetic(a, b); },
      Last::kBelowWidth));
  rows.push_back(unary<U>("OpSNegate", [](U a) { return static_cast<U>(0 - a); }));
  rows.push_back(unary<U>("OpNot", [](U a) { return static_cast<U>(~a); }));
}

template <class U>
void comparisons(std::vector<Row>& rows) {
  rows.push_back(compare<U>("OpIEqual", [](U a, U b) { return a == b; }));
  rows.push_back(compare<U>("OpINotEqual", [](U a, U b) { return a != b; }));
  rows.push_back(compare<U>("OpULessThan", [](U a, U b) { return a < b; }));
  rows.push_back(compare<U>("OpULessThanEqual", [](U a, U b) { return a <= b; }));
  rows.push_back(compare<U>("OpUGreaterThan", [](U a, U b) { return a > b; }));
  rows.push_back(compare<U>("OpUGreaterThanEqual", [](U a, U b) { return a >= b; }));
  rows.push_back(compare<U>("OpSLessThan", [](U a, U b) { return S<U>(a) < S<U>(b); }));
  rows.push_back(compare<U>("OpSLessThanEqual", [](U a, U b) { return S<U>(a) <= S<U>(b); }));
  rows.push_back(compare<U>("OpSGreaterThan", [](U a, U b) { return S<U>(a) > S<U>(b); }));
  rows.push_back(compare<U>("OpSGreaterThanEqual", [](U a, U b) { return S<U>(a) >= S<U>(b); }));
}

// A product, sum or difference of twice the width: element `member` of the struct.
template <class U>
Row extended(const std::string& op, int member, Binary<U> expect) {
  const std::string t = type_name<U>();
  Row row = binary<U>(op, expect);
  row.name += member == 0 ? "/low" : "/high";
  row.globals = fmt::format("%pair = OpTypeStruct %{0} %{0}\n", t);
  row.body = fmt::format("%p = {} %pair %a %b\n%r = OpCompositeExtract %{} %p {}", op, t, member);
  return row;
}

template <class U>
void wide(std::vector<Row>& rows) {
  rows.push_back(
      extended<U>("OpUMulExtended", 0, [](U a, U b) { return edge::umul_extended(a, b).low; }));
  rows.push_back(
      extended<U>("OpUMulExtended", 1, [](U a, U b) { return edge::umul_extended(a, b).high; }));
  rows.push_back(
      extended<U>("OpSMulExtended", 0, [](U a, U b) { return edge::smul_extended(a, b).low; }));
  rows.push_back(
      extended<U>("OpSMulExtended", 1, [](U a, U b) { return edge::smul_extended(a, b).high; }));
  rows.push_back(
      extended<U>("OpIAddCarry", 1, [](U a, U b) { return U(static_cast<U>(a + b) < a); }));
  rows.push_back(extended<U>("OpISubBorrow", 1, [](U a, U b) { return U(a < b); }));
}

}  // namespace

std::vector<Row> integer_rows() {
  std::vector<Row> rows;
  arithmetic<std::uint8_t>(rows);
  arithmetic<std::uint16_t>(rows);
  arithmetic<std::uint32_t>(rows);
  arithmetic<std::uint64_t>(rows);
  comparisons<std::uint8_t>(rows);
  comparisons<std::uint16_t>(rows);
  comparisons<std::uint32_t>(rows);
  comparisons<std::uint64_t>(rows);
  wide<std::uint8_t>(rows);
  wide<std::uint16_t>(rows);
  wide<std::uint32_t>(rows);
  wide<std::uint64_t>(rows);
  return rows;
}

std::vector<Row> bit_rows() {
  using U = std::uint32_t;
  std::vector<Row> rows;
  rows.push_back(unary<U>("OpBitReverse", edge::bit_reverse<U>));
  rows.push_back(unary<U>("OpBitCount", edge::bit_count<U>));
  // Offsets and counts on and beyond the edges of the word.
  const std::vector<Bits> places{0, 1, 7, 16, 31, 32, 33, 0xFFFFFFFF};
  const std::vector<Bits> words{0, 1, 0x80000000, 0xFFFFFFFF, 0xAAAAAAAA, 0x12345678};
  const std::vector<std::vector<Bits>> three{words, places, places};
  const auto part = [](Arguments x, std::size_t i) { return static_cast<U>(x[i]); };
  rows.push_back(
      {"OpBitFieldUExtract",
       {"u32", "u32", "u32"},
       "u32",
       "%r = OpBitFieldUExtract %u32 %a %b %c",
       [=](Arguments x) { return Bits{edge::bit_field_uextract(part(x, 0), x[1], x[2])}; },
       0,
       Last::kAny,
       false,
       {},
       three});
  rows.push_back(
      {"OpBitFieldSExtract",
       {"u32", "u32", "u32"},
       "u32",
       "%r = OpBitFieldSExtract %u32 %a %b %c",
       [=](Arguments x) { return Bits{edge::bit_field_sextract(part(x, 0), x[1], x[2])}; },
       0,
       Last::kAny,
       false,
       {},
       three});
  rows.push_back({"OpBitFieldInsert",
                  {"u32", "u32", "u32"},
                  "u32",
                  "%r = OpBitFieldInsert %u32 %a %c_u32_2863311530 %b %c",
                  [=](Arguments x) {
                    return Bits{edge::bit_field_insert(part(x, 0), U{0xAAAAAAAA}, x[1], x[2])};
                  },
                  0,
                  Last::kAny,
                  false,
                  {},
                  three});
  // A shift amount of another width than the value.
  rows.push_back({"OpShiftLeftLogical/u64 by u32",
                  {"u64", "u32"},
                  "u64",
                  "%r = OpShiftLeftLogical %u64 %a %b",
                  [](Arguments x) { return edge::shift_left(x[0], x[1]); },
                  0,
                  Last::kAny,
                  false});
  rows.push_back({"OpShiftRightArithmetic/u8 by u32",
                  {"u8", "u32"},
                  "u8",
                  "%r = OpShiftRightArithmetic %u8 %a %b",
                  [](Arguments x) {
                    return Bits{
                        edge::shift_right_arithmetic(static_cast<std::uint8_t>(x[0]), x[1])};
                  },
                  0,
                  Last::kAny,
                  false});
  return rows;
}

}  // namespace sokr::differential
