// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integer, conversion and comparison instructions on edge values, at every width.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <sokr/reference/float16.hpp>
#include <sokr/substrate/edge_semantics.hpp>

#include "support.hpp"

namespace sokr::reference::test {
namespace {

__extension__ using Wide = __int128;
__extension__ using UWide = unsigned __int128;

// Every pair of edge values of a signed type.
template <class S>
void edge_pairs(std::vector<S>& a, std::vector<S>& b) {
  using Limits = std::numeric_limits<S>;
  const S values[] = {0,
                      1,
                      -1,
                      2,
                      -2,
                      3,
                      -3,
                      7,
                      -7,
                      31,
                      32,
                      33,
                      100,
                      -100,
                      Limits::max(),
                      Limits::min(),
                      static_cast<S>(Limits::max() - 1),
                      static_cast<S>(Limits::min() + 1)};
  for (const S x : values)
    for (const S y : values) {
      a.push_back(x);
      b.push_back(y);
    }
}

// What an instruction gives, written with wide integers and from the table of decisions.
template <class S>
struct Expect {
  using U = std::make_unsigned_t<S>;
  static constexpr int kBits = sizeof(S) * 8;
  static S sdiv(S a, S b) { return b == 0 ? S{0} : static_cast<S>(Wide{a} / b); }
  static S srem(S a, S b) { return b == 0 ? S{0} : static_cast<S>(Wide{a} % b); }
  static S smod(S a, S b) {
    if (b == 0) return 0;
    const Wide remainder = Wide{a} % b;
    return static_cast<S>(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder);
  }
  static S udiv(S a, S b) { return b == 0 ? S{0} : static_cast<S>(Wide{U(a)} / U(b)); }
  static S umod(S a, S b) { return b == 0 ? S{0} : static_cast<S>(Wide{U(a)} % U(b)); }
  static S add(S a, S b) { return static_cast<S>(Wide{a} + b); }
  static S sub(S a, S b) { return static_cast<S>(Wide{a} - b); }
  static S mul(S a, S b) { return static_cast<S>(static_cast<UWide>(a) * static_cast<UWide>(b)); }
  static int amount(S b) { return static_cast<int>(Wide{U(b)} % kBits); }
  static S shl(S a, S b) { return static_cast<S>(static_cast<UWide>(U(a)) << amount(b)); }
  static S shr(S a, S b) { return static_cast<S>(Wide{U(a)} >> amount(b)); }
  static S sar(S a, S b) { return static_cast<S>(Wide{a} >> amount(b)); }
};

template <class S>
void check_binary(const char* type, const char* op, S (*expected)(S, S)) {
  std::vector<S> a, b;
  edge_pairs(a, b);
  const std::string t = type;
  const auto got =
      map_elements<S>({t, t}, t, "%r = " + std::string(op) + " %" + t + " %a %b", a, b);
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(got[i], expected(a[i], b[i])) << op << " " << t << " " << +a[i] << " " << +b[i];
}

template <class S>
void check_all_binary(const char* type) {
  using E = Expect<S>;
  check_binary<S>(type, "OpIAdd", E::add);
  check_binary<S>(type, "OpISub", E::sub);
  check_binary<S>(type, "OpIMul", E::mul);
  check_binary<S>(type, "OpSDiv", E::sdiv);
  check_binary<S>(type, "OpSRem", E::srem);
  check_binary<S>(type, "OpSMod", E::smod);
  check_binary<S>(type, "OpShiftLeftLogical", E::shl);
  check_binary<S>(type, "OpShiftRightLogical", E::shr);
  check_binary<S>(type, "OpShiftRightArithmetic", E::sar);
}

TEST(Integer, SignedEdgeValuesAtEveryWidth) {
  check_all_binary<std::int8_t>("i8");
  check_all_binary<std::int16_t>("i16");
  check_all_binary<std::int32_t>("i32");
  check_all_binary<std::int64_t>("i64");
}

TEST(Integer, UnsignedDivisionAtEveryWidth) {
  check_binary<std::int8_t>("u8", "OpUDiv", Expect<std::int8_t>::udiv);
  check_binary<std::int16_t>("u16", "OpUMod", Expect<std::int16_t>::umod);
  check_binary<std::int32_t>("u32", "OpUDiv", Expect<std::int32_t>::udiv);
  check_binary<std::int32_t>("u32", "OpUMod", Expect<std::int32_t>::umod);
  check_binary<std::int64_t>("u64", "OpUDiv", Expect<std::int64_t>::udiv);
  check_binary<std::int64_t>("u64", "OpUMod", Expect<std::int64_t>::umod);
}

TEST(Integer, ExtendedMultiplicationAndCarry) {
  std::vector<std::int32_t> a, b;
  edge_pairs(a, b);
  const auto run_pair = [&](const std::string& op, const std::string& type, int member) {
    std::vector<std::int32_t> result(a.size());
    run_elements(element_module({type, type}, type,
                                "%p = " + op + " %pair %a %b\n%r = OpCompositeExtract %" + type +
                                    " %p " + std::to_string(member),
                                "%pair = OpTypeStruct %" + type + " %" + type),
                 static_cast<std::uint32_t>(a.size()),
                 {bind(0, 0, a), bind(0, 1, b), bind(0, 2, result)});
    return result;
  };
  const auto signed_high = run_pair("OpSMulExtended", "i32", 1);
  const auto unsigned_high = run_pair("OpUMulExtended", "u32", 1);
  const auto carry = run_pair("OpIAddCarry", "u32", 1);
  const auto borrow = run_pair("OpISubBorrow", "u32", 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto ua = static_cast<std::uint32_t>(a[i]), ub = static_cast<std::uint32_t>(b[i]);
    EXPECT_EQ(signed_high[i], static_cast<std::int32_t>((std::int64_t{a[i]} * b[i]) >> 32));
    EXPECT_EQ(static_cast<std::uint32_t>(unsigned_high[i]), (std::uint64_t{ua} * ub) >> 32);
    EXPECT_EQ(static_cast<std::uint32_t>(carry[i]), (std::uint64_t{ua} + ub) >> 32);
    EXPECT_EQ(borrow[i], ua < ub ? 1 : 0);
  }
}

TEST(Integer, SixtyFourBitProducts) {
  namespace edge = substrate::edge;
  std::vector<std::int64_t> a, b;
  edge_pairs(a, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto ua = static_cast<std::uint64_t>(a[i]), ub = static_cast<std::uint64_t>(b[i]);
    EXPECT_EQ(edge::umul_extended(ua, ub).high,
              static_cast<std::uint64_t>((static_cast<UWide>(ua) * ub) >> 64));
    EXPECT_EQ(edge::smul_extended(ua, ub).high,
              static_cast<std::uint64_t>((Wide{a[i]} * b[i]) >> 64));
  }
}

TEST(Integer, BitFieldsBeyondTheWidth) {
  const std::vector<std::uint32_t> base{0xFFFFFFFF, 0x80000001, 0xA5A5A5A5, 0x12345678,
                                        0xFFFFFFFF, 0xF0000000, 0xFFFFFFFF};
  const std::vector<std::uint32_t> offset{0, 28, 4, 32, 40, 28, 31};
  const std::vector<std::uint32_t> count{32, 8, 0, 4, 1, 100, 1};
  const auto u = map_elements<std::uint32_t>(
      {"u32", "u32", "u32"}, "u32", "%r = OpBitFieldUExtract %u32 %a %b %c", base, offset, count);
  EXPECT_EQ(u, (std::vector<std::uint32_t>{0xFFFFFFFF, 0x8, 0, 0, 0, 0xF, 1}));
  const auto s = map_elements<std::int32_t>(
      {"i32", "u32", "u32"}, "i32", "%r = OpBitFieldSExtract %i32 %a %b %c", base, offset, count);
  EXPECT_EQ(s, (std::vector<std::int32_t>{-1, -8, 0, 0, 0, -1, -1}));
  const auto inserted =
      map_elements<std::uint32_t>({"u32", "u32", "u32"}, "u32",
                                  "%r = OpBitFieldInsert %u32 %a %zero %b %c", base, offset, count);
  EXPECT_EQ(inserted, (std::vector<std::uint32_t>{0, 0x00000001, 0xA5A5A5A5, 0x12345678, 0xFFFFFFFF,
                                                  0, 0x7FFFFFFF}));
}

TEST(Integer, BitScans) {
  const std::vector<std::uint32_t> values{0, 1, 2, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x00F0};
  const auto scan = [&](const std::string& body) {
    return map_elements<std::int32_t>({"u32"}, "i32", body, values);
  };
  using V = std::vector<std::int32_t>;
  EXPECT_EQ(scan("%r = OpExtInst %i32 %glsl FindILsb %a"), (V{-1, 0, 1, 31, 0, 1, 4}));
  EXPECT_EQ(scan("%r = OpExtInst %i32 %glsl FindUMsb %a"), (V{-1, 0, 1, 31, 31, 31, 7}));
  EXPECT_EQ(scan("%r = OpExtInst %i32 %glsl FindSMsb %a"), (V{-1, 0, 1, 30, -1, 0, 7}));
  EXPECT_EQ(scan("%r = OpBitCount %i32 %a"), (V{0, 1, 1, 1, 32, 31, 4}));
  const auto reversed =
      map_elements<std::uint32_t>({"u32"}, "u32", "%r = OpBitReverse %u32 %a", values);
  EXPECT_EQ(reversed, (std::vector<std::uint32_t>{0, 0x80000000, 0x40000000, 1, 0xFFFFFFFF,
                                                  0x7FFFFFFF, 0x0F000000}));
}

TEST(Conversion, FloatToIntegerSaturates) {
  const float inf = INFINITY, nan = NAN;
  const std::vector<float> values{
      0, -0.0f, 1.9f, -1.9f, 2147483648.0f, -2147483648.0f, 4294967296.0f, inf, -inf, nan, 3e9f};
  const auto s = map_elements<std::int32_t>({"f32"}, "i32", "%r = OpConvertFToS %i32 %a", values);
  EXPECT_EQ(s, (std::vector<std::int32_t>{0, 0, 1, -1, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MAX,
                                          INT32_MIN, 0, INT32_MAX}));
  const auto u = map_elements<std::uint32_t>({"f32"}, "u32", "%r = OpConvertFToU %u32 %a", values);
  EXPECT_EQ(u, (std::vector<std::uint32_t>{0, 0, 1, 0, 0x80000000u, 0, UINT32_MAX, UINT32_MAX, 0, 0,
                                           3000000000u}));
  const auto narrow = map_elements<std::int8_t>({"f32"}, "i8", "%r = OpConvertFToS %i8 %a", values);
  EXPECT_EQ(narrow[4], 127);
  EXPECT_EQ(narrow[5], -128);
  const auto wide =
      map_elements<std::int64_t>({"f32"}, "i64", "%r = OpConvertFToS %i64 %a", values);
  EXPECT_EQ(wide[6], 4294967296);
  EXPECT_EQ(wide[7], INT64_MAX);
  EXPECT_EQ(wide[8], INT64_MIN);
}

TEST(Conversion, IntegersBetweenWidths) {
  const std::vector<std::int8_t> values{0, 1, -1, 127, -128};
  EXPECT_EQ(map_elements<std::int32_t>({"i8"}, "i32", "%r = OpSConvert %i32 %a", values),
            (std::vector<std::int32_t>{0, 1, -1, 127, -128}));
  EXPECT_EQ(map_elements<std::uint64_t>({"u8"}, "u64", "%r = OpUConvert %u64 %a", values),
            (std::vector<std::uint64_t>{0, 1, 255, 127, 128}));
  EXPECT_EQ(map_elements<float>({"i8"}, "f32", "%r = OpConvertSToF %f32 %a", values),
            (std::vector<float>{0, 1, -1, 127, -128}));
  const std::vector<std::uint64_t> large{UINT64_MAX, (1ull << 24) + 1,
                                         (1ull << 54) + (1ull << 30) + 1};
  EXPECT_EQ(map_elements<float>({"u64"}, "f32", "%r = OpConvertUToF %f32 %a", large),
            (std::vector<float>{0x1p64f, 0x1p24f, 0x1.000002p54f}));
}

TEST(Conversion, BitcastSplitsLowBitsFirst) {
  std::vector<std::uint64_t> in{0x1122334455667788};
  std::vector<std::uint32_t> out(2);
  run_elements(element_module({"u64"}, "v2u32", "%r = OpBitcast %v2u32 %a"), 1,
               {bind(0, 0, in), bind(0, 1, out)});
  EXPECT_EQ(out, (std::vector<std::uint32_t>{0x55667788, 0x11223344}));
  std::vector<std::uint64_t> back(1);
  run_elements(element_module({"v2u32"}, "u64", "%r = OpBitcast %u64 %a"), 1,
               {bind(0, 0, out), bind(0, 1, back)});
  EXPECT_EQ(back, in);
}

// A struct without members takes no place in what holds it.
TEST(Composite, ConstantsHoldStructsWithoutMembers) {
  std::vector<std::uint32_t> in{0}, out{0};
  run_elements(element_module({"u32"}, "u32",
                              "%x = OpCompositeExtract %u32 %both 1\n"
                              "%y = OpCompositeExtract %u32 %both 3\n"
                              "%z = OpIMul %u32 %x %ten\n%r = OpIAdd %u32 %z %y",
                              "%empty = OpTypeStruct\n%outer = OpTypeStruct %empty\n"
                              "%type = OpTypeStruct %empty %u32 %outer %u32\n"
                              "%seven = OpConstant %u32 7\n%eight = OpConstant %u32 8\n"
                              "%ten = OpConstant %u32 10\n%none = OpConstantComposite %empty\n"
                              "%held = OpConstantComposite %outer %none\n"
                              "%both = OpConstantComposite %type %none %seven %held %eight\n"),
               1, {bind(0, 0, in), bind(0, 1, out)});
  EXPECT_EQ(out[0], 78u);
}

TEST(Comparison, OrderedAndUnordered) {
  const float nan = NAN;
  const std::vector<float> a{1, 2, nan, 1, nan, 0.0f}, b{2, 1, 1, nan, nan, -0.0f};
  const auto test = [&](const std::string& op) {
    return map_elements<std::uint32_t>(
        {"f32", "f32"}, "u32", "%t = " + op + " %bool %a %b\n%r = OpSelect %u32 %t %one %zero", a,
        b);
  };
  using V = std::vector<std::uint32_t>;
  EXPECT_EQ(test("OpFOrdEqual"), (V{0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(test("OpFUnordEqual"), (V{0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(test("OpFOrdNotEqual"), (V{1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(test("OpFUnordNotEqual"), (V{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(test("OpFOrdLessThan"), (V{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(test("OpFUnordLessThan"), (V{1, 0, 1, 1, 1, 0}));
  EXPECT_EQ(test("OpFOrdGreaterThanEqual"), (V{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(test("OpFUnordGreaterThanEqual"), (V{0, 1, 1, 1, 1, 1}));
}

TEST(DotProduct, PackedAndSaturating) {
  const std::vector<std::uint32_t> a{0x01020304, 0x80FF7F01, 0x7F7F7F7F};
  const std::vector<std::uint32_t> b{0x05060708, 0x80FF7F01, 0x7F7F7F7F};
  EXPECT_EQ(
      map_elements<std::int32_t>({"u32", "u32"}, "i32",
                                 "%r = OpSDot %i32 %a %b PackedVectorFormat4x8Bit", a, b),
      (std::vector<std::int32_t>{5 + 12 + 21 + 32, 128 * 128 + 1 + 127 * 127 + 1, 4 * 127 * 127}));
  EXPECT_EQ(map_elements<std::uint32_t>({"u32", "u32"}, "u32",
                                        "%r = OpUDot %u32 %a %b PackedVectorFormat4x8Bit", a, b),
            (std::vector<std::uint32_t>{70, 128 * 128 + 255 * 255 + 127 * 127 + 1, 4 * 127 * 127}));
  const std::vector<std::int32_t> accumulator{0, INT32_MAX - 5, INT32_MIN};
  EXPECT_EQ(map_elements<std::int32_t>({"u32", "u32", "i32"}, "i32",
                                       "%r = OpSDotAccSat %i32 %a %b %c PackedVectorFormat4x8Bit",
                                       a, b, accumulator),
            (std::vector<std::int32_t>{70, INT32_MAX, INT32_MIN + 4 * 127 * 127}));
}

}  // namespace
}  // namespace sokr::reference::test
