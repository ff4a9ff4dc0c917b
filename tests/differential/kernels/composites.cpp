// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Composites, dynamic indices, matrices, phis and structured control flow, each small
// enough to be checked by reading. Some GLSL.std.450 functions on integers and vectors too.
#include <cmath>
#include <regex>
#include <sokr/substrate/edge_semantics.hpp>

#include "element.hpp"

namespace sokr::differential {
namespace {

namespace edge = substrate::edge;
using U = std::uint32_t;
using I = std::int32_t;

Row words(const std::string& name, std::size_t inputs, const std::string& body,
          std::function<U(U, U)> expect, const std::string& globals = {}, bool defined = true) {
  return {name,
          std::vector<std::string>(inputs, "u32"),
          "u32",
          body,
          [inputs, expect](Arguments x) {
            return Bits{expect(static_cast<U>(x[0]), inputs > 1 ? static_cast<U>(x[1]) : 0)};
          },
          0,
          Last::kAny,
          defined,
          globals};
}

// Of floats of each width: where the text says f32 stands the type.
void reals(std::vector<Row>& rows, const std::string& name, const std::string& body,
           double (*expect)(double, double), const std::string& globals = {}, int ulp = 0) {
  static const std::regex kFloat(R"(f32(?![0-9]))");
  for (const std::string t : {"f32", "f16", "f64"}) {
    Row row{t == "f32" ? name : name + "/" + t,
            {t, t},
            t,
            std::regex_replace(body, kFloat, t),
            [t, expect](Arguments x) {
              return to_bits(t, expect(to_number(t, x[0]), to_number(t, x[1])));
            },
            ulp,
            Last::kAny,
            t == "f32",  // the others are not left to packaged drivers
            std::regex_replace(globals, kFloat, t)};
    // Quarters: sums and products are exact, in whatever order they are made.
    std::vector<Bits> values;
    for (int i = -9; i < 9; ++i) values.push_back(to_bits(t, i * 0.25));
    row.values = {values, values};
    rows.push_back(std::move(row));
  }
}

const char* const kArray =
    "%array = OpTypeArray %u32 %c_u32_4\n%array_pointer = OpTypePointer Private %array\n"
    "%word_pointer = OpTypePointer Private %u32\n"
    "%table = OpConstantComposite %array %c_u32_10 %c_u32_20 %c_u32_30 %c_u32_40\n"
    "%private = OpVariable %array_pointer Private %table\n";

const char* const kMatrix = "%m2 = OpTypeMatrix %v2f32 2\n%m2x3 = OpTypeMatrix %v3f32 2\n";

U pick(U index, U size) {
  return index % size;
}

}  // namespace

std::vector<Row> composite_rows() {
  std::vector<Row> rows;
  rows.push_back(
      words("OpCompositeConstruct, OpCompositeExtract", 2,
            "%v = OpCompositeConstruct %v3u32 %a %b %a\n%r = OpCompositeExtract %u32 %v 1",
            [](U, U b) { return b; }));
  rows.push_back(
      words("OpCompositeInsert", 2,
            "%v = OpCompositeConstruct %v2u32 %a %a\n%w = OpCompositeInsert %v2u32 %b %v 1\n"
            "%x = OpCompositeExtract %u32 %w 0\n%y = OpCompositeExtract %u32 %w 1\n"
            "%r = OpISub %u32 %x %y",
            [](U a, U b) { return a - b; }));
  rows.push_back(words(
      "OpVectorShuffle", 2,
      "%v = OpCompositeConstruct %v2u32 %a %b\n%k = OpCompositeConstruct %v2u32 %c_u32_3 %c_u32_5\n"
      "%w = OpVectorShuffle %v4u32 %v %k 3 1 0 2\n%x = OpCompositeExtract %u32 %w 0\n"
      "%y = OpCompositeExtract %u32 %w 1\n%z = OpCompositeExtract %u32 %w 2\n"
      "%xy = OpIMul %u32 %x %y\n%r = OpIAdd %u32 %xy %z",
      [](U a, U b) { return 5 * b + a; }));
  rows.push_back(words("OpVectorExtractDynamic", 2,
                       "%v = OpCompositeConstruct %v4u32 %a %c_u32_11 %c_u32_12 %c_u32_13\n"
                       "%n = OpUMod %u32 %b %c_u32_4\n%r = OpVectorExtractDynamic %u32 %v %n",
                       [](U a, U b) { return b % 4 == 0 ? a : 10 + b % 4; }));
  rows.push_back(words(
      "OpVectorExtractDynamic beyond the end", 2,
      "%v = OpCompositeConstruct %v3u32 %a %a %a\n%r = OpVectorExtractDynamic %u32 %v %b",
      [](U a, U b) { return b < 3 ? a : 0; }, {}, false));
  rows.push_back(words(
      "OpVectorInsertDynamic", 2,
      "%v = OpCompositeConstruct %v2u32 %c_u32_7 %c_u32_9\n%n = OpBitwiseAnd %u32 %b %c_u32_1\n"
      "%w = OpVectorInsertDynamic %v2u32 %v %a %n\n%x = OpCompositeExtract %u32 %w 0\n"
      "%y = OpCompositeExtract %u32 %w 1\n%xx = OpIMul %u32 %x %c_u32_3\n%r = OpIAdd %u32 %xx %y",
      [](U a, U b) { return b & 1 ? 21 + a : 3 * a + 9; }));
  rows.push_back(words("OpCopyObject", 1, "%r = OpCopyObject %u32 %a", [](U a, U) { return a; }));
  rows.push_back(
      words("OpUndef is a value", 1,
            "%u = OpUndef %u32\n%x = OpBitwiseAnd %u32 %u %c_u32_0\n%r = OpIAdd %u32 %x %a",
            [](U a, U) { return a; }));
  rows.push_back(words(
      "OpCopyLogical, OpCopyMemory", 1,
      "%s = OpCompositeConstruct %one %a\n%t = OpCopyLogical %other %s\n%r = OpCompositeExtract "
      "%u32 %t 0",
      [](U a, U) { return a; }, "%one = OpTypeStruct %u32\n%other = OpTypeStruct %u32\n"));
  rows.push_back(words(
      "OpAccessChain into a Private array, read", 1,
      "%n = OpUMod %u32 %a %c_u32_4\n%p = OpAccessChain %word_pointer %private %n\n"
      "%r = OpLoad %u32 %p",
      [](U a, U) { return 10 * (pick(a, 4) + 1); }, kArray));
  rows.push_back(words(
      "OpAccessChain into a Private array, write", 2,
      "%n = OpUMod %u32 %a %c_u32_4\n%m = OpUMod %u32 %b %c_u32_4\n"
      "%p = OpAccessChain %word_pointer %private %n\nOpStore %p %b\n"
      "%q = OpAccessChain %word_pointer %private %m\n%r = OpLoad %u32 %q",
      [](U a, U b) { return pick(a, 4) == pick(b, 4) ? b : 10 * (pick(b, 4) + 1); }, kArray));
  rows.push_back(words(
      "OpLoad and OpStore of a whole array", 1,
      "%w = OpLoad %array %private\n%x = OpCompositeInsert %array %a %w 2\nOpStore %private %x\n"
      "%n = OpUMod %u32 %a %c_u32_4\n%p = OpInBoundsAccessChain %word_pointer %private %n\n%r = "
      "OpLoad %u32 %p",
      [](U a, U) { return a % 4 == 2 ? a : 10 * (a % 4 + 1); }, kArray));
  rows.push_back(words("OpIAdd of vectors", 2,
                       "%v = OpCompositeConstruct %v3u32 %a %b %a\n%w = OpIAdd %v3u32 %v %v\n"
                       "%r = OpCompositeExtract %u32 %w 2",
                       [](U a, U) { return a + a; }));
  rows.push_back(
      words("OpSelect of vectors by a vector", 2,
            "%x = OpULessThan %bool %a %b\n%y = OpLogicalNot %bool %x\n"
            "%t = OpCompositeConstruct %v2bool %x %y\n%v = OpCompositeConstruct %v2u32 %a %a\n"
            "%w = OpCompositeConstruct %v2u32 %b %b\n%s = OpSelect %v2u32 %t %v %w\n"
            "%s0 = OpCompositeExtract %u32 %s 0\n%s1 = OpCompositeExtract %u32 %s 1\n"
            "%h = OpShiftLeftLogical %u32 %s1 %c_u32_3\n%r = OpBitwiseXor %u32 %s0 %h",
            [](U a, U b) { return a < b ? a ^ (b << 3) : b ^ (a << 3); }));
  for (const bool all : {false, true})
    rows.push_back(
        words(all ? "OpAll" : "OpAny", 2,
              std::string("%x = OpULessThan %bool %a %b\n%y = OpIEqual %bool %a %c_u32_1\n"
                          "%t = OpCompositeConstruct %v2bool %x %y\n%u = ") +
                  (all ? "OpAll" : "OpAny") + " %bool %t\n%r = OpSelect %u32 %u %c_u32_1 %c_u32_0",
              [all](U a, U b) -> U { return all ? a < b && a == 1 : a < b || a == 1; }));
  struct Logic {
    const char* op;
    bool (*f)(bool, bool);
  };
  const Logic logic[] = {{"OpLogicalAnd", [](bool a, bool b) { return a && b; }},
                         {"OpLogicalOr", [](bool a, bool b) { return a || b; }},
                         {"OpLogicalEqual", [](bool a, bool b) { return a == b; }},
                         {"OpLogicalNotEqual", [](bool a, bool b) { return a != b; }}};
  for (const Logic& l : logic)
    rows.push_back(
        words(l.op, 2,
              std::string("%x = OpULessThan %bool %a %c_u32_5\n%y = OpULessThan %bool %b %c_u32_5\n"
                          "%t = ") +
                  l.op + " %bool %x %y\n%r = OpSelect %u32 %t %c_u32_1 %c_u32_0",
              [l](U a, U b) -> U { return l.f(a < 5, b < 5); }));
  reals(rows, "OpDot",
        "%v = OpCompositeConstruct %v3f32 %a %b %c_f32_2\n"
        "%w = OpCompositeConstruct %v3f32 %b %b %a\n%r = OpDot %f32 %v %w",
        [](double a, double b) { return a * b + b * b + 2 * a; });
  reals(rows, "OpVectorTimesScalar",
        "%v = OpCompositeConstruct %v2f32 %a %b\n%w = OpVectorTimesScalar %v2f32 %v %b\n"
        "%r = OpCompositeExtract %f32 %w 0",
        [](double a, double b) { return a * b; });
  const std::string square =
      "%v = OpCompositeConstruct %v2f32 %a %b\n%w = OpCompositeConstruct %v2f32 %c_f32_3 %a\n"
      "%m = OpCompositeConstruct %m2 %v %w\n";  // columns (a, b) and (3, a)
  reals(
      rows, "OpMatrixTimesVector",
      square + "%x = OpMatrixTimesVector %v2f32 %m %w\n%r = OpCompositeExtract %f32 %x 1",
      [](double a, double b) { return b * 3 + a * a; }, kMatrix);
  reals(
      rows, "OpVectorTimesMatrix",
      square + "%x = OpVectorTimesMatrix %v2f32 %w %m\n%r = OpCompositeExtract %f32 %x 0",
      [](double a, double b) { return 3 * a + a * b; }, kMatrix);
  reals(
      rows, "OpMatrixTimesMatrix",
      square + "%x = OpMatrixTimesMatrix %m2 %m %m\n%r = OpCompositeExtract %f32 %x 1 0",
      [](double a, double) { return a * 3 + 3 * a; }, kMatrix);
  reals(
      rows, "OpMatrixTimesScalar, OpTranspose",
      square +
          "%t = OpTranspose %m2 %m\n%x = OpMatrixTimesScalar %m2 %t %b\n%r = "
          "OpCompositeExtract %f32 %x 0 1",
      [](double, double b) { return 3 * b; }, kMatrix);
  reals(
      rows, "OpOuterProduct",
      "%v = OpCompositeConstruct %v3f32 %a %b %a\n%w = OpCompositeConstruct %v2f32 %b %a\n"
      "%x = OpOuterProduct %m2x3 %v %w\n%r = OpCompositeExtract %f32 %x 1 1",
      [](double a, double b) { return b * a; }, kMatrix);
  reals(
      rows, "Determinant", square + "%r = OpExtInst %f32 %glsl Determinant %m",
      [](double a, double b) { return a * a - 3 * b; }, kMatrix);
  rows.back().ulp = 64;  // f64: the interpreter eliminates, and some of it cancels
  reals(rows, "Cross",
        "%v = OpCompositeConstruct %v3f32 %a %b %c_f32_1\n"
        "%w = OpCompositeConstruct %v3f32 %b %a %c_f32_2\n"
        "%x = OpExtInst %v3f32 %glsl Cross %v %w\n%r = OpCompositeExtract %f32 %x 2",
        [](double a, double b) { return a * a - b * b; });
  reals(rows, "FMix", "%r = OpExtInst %f32 %glsl FMix %a %b %c_f32_0p5",
        [](double a, double b) { return a * 0.5 + b * 0.5; });
  reals(rows, "FClamp", "%r = OpExtInst %f32 %glsl FClamp %a %c_f32_m1 %c_f32_1",
        [](double a, double) { return std::fmin(std::fmax(a, -1.0), 1.0); });
  reals(
      rows, "Length", "%v = OpCompositeConstruct %v2f32 %a %b\n%r = OpExtInst %f32 %glsl Length %v",
      [](double a, double b) { return std::sqrt(a * a + b * b); }, {}, 2);
  return rows;
}

std::vector<Row> control_rows() {
  std::vector<Row> rows;
  rows.push_back(words(
      "OpPhi after a selection", 2,
      "%t = OpULessThan %bool %a %b\nOpSelectionMerge %join None\nOpBranchConditional %t %yes %no\n"
      "%yes = OpLabel\n%x = OpISub %u32 %b %a\nOpBranch %join\n%no = OpLabel\n%y = OpISub %u32 %a "
      "%b\n"
      "OpBranch %join\n%join = OpLabel\n%r = OpPhi %u32 %x %yes %y %no",
      [](U a, U b) { return a < b ? b - a : a - b; }));
  rows.push_back(words("two phis that swap in a loop", 2,
                       "%n = OpUMod %u32 %b %c_u32_7\nOpBranch %head\n%head = OpLabel\n"
                       "%p = OpPhi %u32 %a %work %q %next\n%q = OpPhi %u32 %b %work %p %next\n%k = "
                       "OpPhi %u32 %c_u32_0 %work %k1 %next\n"
                       "%t = OpULessThan %bool %k %n\nOpLoopMerge %done %next "
                       "None\nOpBranchConditional %t %next %done\n"
                       "%next = OpLabel\n%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %head\n%done = "
                       "OpLabel\n%r = OpCopyObject %u32 %p",
                       [](U a, U b) { return b % 7 % 2 ? b : a; }));
  rows.push_back(words("a value that leaves a loop when each invocation does", 1,
                       "%n = OpUMod %u32 %a %c_u32_31\nOpBranch %head\n%head = OpLabel\n"
                       "%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n%s = OpIMul %u32 %k %k\n"
                       "OpLoopMerge %done %next None\nOpBranch %body\n%body = OpLabel\n%t = "
                       "OpUGreaterThanEqual %bool %k %n\n"
                       "OpBranchConditional %t %done %next\n%next = OpLabel\n%k1 = OpIAdd %u32 %k "
                       "%c_u32_1\nOpBranch %head\n"
                       "%done = OpLabel\n%r = OpPhi %u32 %s %body",
                       [](U a, U) { return (a % 31) * (a % 31); }));
  rows.push_back(words("OpSwitch that falls through, default in the middle", 1,
                       "%n = OpUMod %u32 %a %c_u32_5\nOpSelectionMerge %join None\nOpSwitch %n "
                       "%other 0 %zero 3 %three\n"
                       "%zero = OpLabel\nOpBranch %other\n%other = OpLabel\n%x = OpPhi %u32 "
                       "%c_u32_100 %zero %c_u32_7 %work\n"
                       "OpBranch %three\n%three = OpLabel\n%y = OpPhi %u32 %x %other %c_u32_3 "
                       "%work\nOpBranch %join\n"
                       "%join = OpLabel\n%r = OpIAdd %u32 %y %n",
                       [](U a, U) {
                         return (a % 5 == 0 ? 100 : a % 5 == 3 ? 3 : 7) + a % 5;
                       }));
  rows.push_back(
      words("OpSwitch with a default only", 1,
            "OpSelectionMerge %join None\nOpSwitch %a %only\n%only = OpLabel\nOpBranch %join\n"
            "%join = OpLabel\n%r = OpIAdd %u32 %a %c_u32_1",
            [](U a, U) { return a + 1; }));
  rows.push_back(
      {"OpSwitch on 64 bits",
       {"u64"},
       "u32",
       "OpSelectionMerge %join None\nOpSwitch %a %other 1 %one 18446744073709551615 %all\n"
       "%one = OpLabel\nOpBranch %join\n%all = OpLabel\nOpBranch %join\n%other = OpLabel\nOpBranch "
       "%join\n"
       "%join = OpLabel\n%r = OpPhi %u32 %c_u32_1 %one %c_u32_2 %all %c_u32_3 %other",
       [](Arguments x) -> Bits { return x[0] == 1          ? 1
                                        : x[0] == ~Bits{0} ? 2
                                                           : 3; }});
  struct Extended {
    const char* name;
    std::size_t operands;
    U (*f)(U, U);
  };
  const Extended table[] = {
      {"UMin", 2, [](U a, U b) { return a < b ? a : b; }},
      {"UMax", 2, [](U a, U b) { return a > b ? a : b; }},
      {"SMin", 2, [](U a, U b) { return I(a) < I(b) ? a : b; }},
      {"SMax", 2, [](U a, U b) { return I(a) > I(b) ? a : b; }},
      {"SAbs", 1, [](U a, U) { return I(a) < 0 ? 0 - a : a; }},
      {"SSign", 1, [](U a, U) { return a == 0     ? 0
                                       : I(a) < 0 ? ~U{0}
                                                  : U{1}; }},
      {"FindILsb", 1, [](U a, U) { return edge::find_lsb(a); }},
      {"FindUMsb", 1, [](U a, U) { return edge::find_umsb(a); }},
      {"FindSMsb", 1, [](U a, U) { return edge::find_smsb(a); }}};
  for (const Extended& e : table)
    rows.push_back(words(
        e.name, e.operands,
        std::string("%r = OpExtInst %u32 %glsl ") + e.name + (e.operands == 2 ? " %a %b" : " %a"),
        e.f));
  return rows;
}

}  // namespace sokr::differential
