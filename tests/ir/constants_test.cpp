// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstring>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

constexpr const char* kMain = R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd
)";

Bytes with_constants(const std::string& declarations, const std::string& annotations = "",
                     const std::string& capabilities = "") {
  return assemble(compute_module(annotations, declarations, kMain, capabilities));
}

// Bits of the constant that carries this name.
std::uint64_t bits_of(const Module& module, std::string_view name) {
  for (const Constant& constant : module.constants()) {
    if (module.name(constant.id) == name) return constant.bits;
  }
  ADD_FAILURE() << name;
  return 0;
}

const Constant& named(const Module& module, std::string_view name) {
  static const Constant kMissing;
  for (const Constant& constant : module.constants()) {
    if (module.name(constant.id) == name) return constant;
  }
  ADD_FAILURE() << name;
  return kMissing;
}

std::vector<std::uint64_t> parts_of(const Module& module, std::string_view name) {
  std::vector<std::uint64_t> bits;
  for (const Id part : named(module, name).parts) bits.push_back(module.constant(part)->bits);
  return bits;
}

TEST(Constants, ScalarsKeepTheLowBitsOfTheirWidth) {
  const auto module = decode_ok(with_constants(
      R"(
%i8 = OpTypeInt 8 1
%u16 = OpTypeInt 16 0
%i64 = OpTypeInt 64 1
%f16 = OpTypeFloat 16
%f64 = OpTypeFloat 64
%a = OpConstant %i8 -1
%b = OpConstant %u16 65535
%c = OpConstant %i64 -2
%d = OpConstant %f16 -1
%e = OpConstant %f64 1
%f = OpConstantNull %i64
%g = OpConstantFalse %bool)",
      "OpName %a \"a\"\nOpName %b \"b\"\nOpName %c \"c\"\nOpName %d \"d\"\nOpName %e \"e\"\n"
      "OpName %f \"f\"\nOpName %g \"g\"",
      "OpCapability Int8\nOpCapability Int16\nOpCapability Int64\nOpCapability "
      "Float16\nOpCapability Float64"));
  EXPECT_EQ(bits_of(*module, "a"), 0xFFu);
  EXPECT_EQ(bits_of(*module, "b"), 0xFFFFu);
  EXPECT_EQ(bits_of(*module, "c"), UINT64_MAX - 1);
  EXPECT_EQ(bits_of(*module, "d"), 0xBC00u);
  EXPECT_EQ(bits_of(*module, "e"), 0x3FF0000000000000u);
  EXPECT_TRUE(named(*module, "f").is_null);
  EXPECT_EQ(bits_of(*module, "g"), 0u);
}

constexpr const char* kSpecs = R"(
%s = OpSpecConstant %u32 5
%twin = OpSpecConstant %i32 9
%flag = OpSpecConstantTrue %bool
%scale = OpSpecConstant %f32 1.5
%sum = OpSpecConstantOp %u32 IAdd %s %u2
%quotient = OpSpecConstantOp %u32 UDiv %u1 %s
%chosen = OpSpecConstantOp %u32 Select %flag %sum %u0
%arr = OpTypeArray %u32 %sum
%ptr = OpTypePointer Private %arr
%var = OpVariable %ptr Private)";
constexpr const char* kSpecIds = R"(
OpName %s "s"
OpName %twin "twin"
OpName %flag "flag"
OpName %scale "scale"
OpName %sum "sum"
OpName %quotient "quotient"
OpName %chosen "chosen"
OpDecorate %s SpecId 3
OpDecorate %twin SpecId 3
OpDecorate %flag SpecId 7
OpDecorate %scale SpecId 1000)";

TEST(Constants, DefaultsAreFolded) {
  const auto module = decode_ok(with_constants(kSpecs, kSpecIds));
  EXPECT_EQ(bits_of(*module, "sum"), 7u);
  EXPECT_EQ(bits_of(*module, "chosen"), 7u);
  EXPECT_EQ(bits_of(*module, "scale"), 0x3FC00000u);
  EXPECT_EQ(module->type(module->variables()[0].pointee)->count, 7u);
  EXPECT_EQ(named(*module, "s").spec_id, 3u);
  EXPECT_TRUE(named(*module, "sum").is_spec);
  EXPECT_EQ(named(*module, "sum").spec_id, UINT32_MAX);
}

TEST(Constants, GivenValuesReachEveryConstantWithTheIdAndAllThatFollows) {
  const SokrIrSpecValue values[] = {{3, 4, 0}, {7, 4, 0}, {1000, 4, 0x40000000}};
  const auto module = decode_ok(with_constants(kSpecs, kSpecIds), {.specializations = values});
  EXPECT_EQ(bits_of(*module, "s"), 0u);
  EXPECT_EQ(bits_of(*module, "twin"), 0u);
  EXPECT_EQ(named(*module, "twin").default_bits, 9u);
  EXPECT_EQ(bits_of(*module, "flag"), 0u);
  EXPECT_EQ(bits_of(*module, "scale"), 0x40000000u);
  EXPECT_EQ(bits_of(*module, "sum"), 2u);
  EXPECT_EQ(bits_of(*module, "quotient"), 0u);
  EXPECT_EQ(bits_of(*module, "chosen"), 0u);
  EXPECT_EQ(module->type(module->variables()[0].pointee)->count, 2u);
}

TEST(Constants, UndeclaredSpecializationsAreIgnored) {
  const SokrIrSpecValue values[] = {{4, 8, 1}, {3, 4, 5}, {UINT32_MAX, 1, 1}};
  const auto module = decode_ok(with_constants(kSpecs, kSpecIds), {.specializations = values});
  EXPECT_EQ(bits_of(*module, "s"), 5u);
  EXPECT_EQ(bits_of(*module, "flag"), 1u);
  decode_ok(with_constants(""), {.specializations = values});
}

TEST(Constants, WrongSizeNamesTheType) {
  const SokrIrSpecValue wide{3, 8, 1}, narrow{7, 1, 1};
  EXPECT_EQ(refusal(with_constants(kSpecs, kSpecIds), {.specializations = {&wide, 1}},
                    SOKR_INVALID_INPUT),
            "the value for specialization constant 3 has 8 bytes, its type u32 takes 4");
  EXPECT_EQ(refusal(with_constants(kSpecs, kSpecIds), {.specializations = {&narrow, 1}},
                    SOKR_INVALID_INPUT),
            "the value for specialization constant 7 has 1 bytes, its type bool takes 4");
}

TEST(Constants, ZeroLengthArrayIsRefused) {
  const SokrIrSpecValue value{3, 4, UINT32_MAX - 1};
  const std::string sentence = refusal(with_constants(kSpecs, kSpecIds),
                                       {.specializations = {&value, 1}}, SOKR_INVALID_INPUT);
  EXPECT_NE(sentence.find("; decided by specialization constant 3 (s)"), std::string::npos)
      << sentence;
  EXPECT_NE(sentence.find("its length is 0, it has to be 1 to"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("OpTypeArray"), std::string::npos) << sentence;
}

// An array of %n / %by elements in Workgroup memory, of arrays of %deep.
Bytes with_lengths(const char* n, const char* by, const char* deep) {
  return with_constants(fmt::format(R"(
%n = OpSpecConstant %i32 {}
%by = OpSpecConstant %i32 {}
%deep = OpSpecConstant %u32 {}
%length = OpSpecConstantOp %i32 SDiv %n %by
%inner = OpTypeArray %u32 %deep
%arr = OpTypeArray %inner %length
%ptr = OpTypePointer Workgroup %arr
%var = OpVariable %ptr Workgroup)",
                                    n, by, deep),
                        "OpName %n \"kSize\"\nOpDecorate %n SpecId 1\nOpDecorate %by SpecId 2\n"
                        "OpDecorate %deep SpecId 3");
}

TEST(Constants, BadLengthsAreTheCallersAndNamed) {
  const auto refused = [](std::vector<SokrIrSpecValue> values) {
    const std::string sentence =
        refusal(with_lengths("8", "2", "4"), {.specializations = values}, SOKR_INVALID_INPUT);
    return sentence.substr(sentence.find(": ") + 2);
  };
  EXPECT_EQ(refused({{1, 4, 1}}),
            "its length is 0, it has to be 1 to 4294967295; decided by specialization constants 1 "
            "(kSize), 2");
  EXPECT_EQ(refused({{2, 4, UINT32_MAX}}),
            "its length is -8, it has to be 1 to 4294967295; decided by specialization constants 1 "
            "(kSize), 2");
  EXPECT_EQ(refused({{2, 4, 0}}),
            "its length is 0, it has to be 1 to 4294967295; decided by specialization constants 1 "
            "(kSize), 2");
  EXPECT_EQ(refused({{1, 4, INT32_MAX}, {3, 4, UINT32_MAX}}),
            "the type takes more than 2^48 bytes with the values of the specialization constants; "
            "decided by specialization constants 1 (kSize), 2");
  const SokrIrSpecValue good[] = {{1, 4, 1 << 20}, {3, 4, 1 << 20}};
  const auto large = decode_ok(with_lengths("8", "2", "4"), {.specializations = good});
  EXPECT_TRUE(large->type(large->variables()[0].pointee)->spec_length);
  EXPECT_EQ(large->type(large->variables()[0].pointee)->count, 1u << 19);
}

TEST(Constants, ForAnyValuesNoLengthIsBad) {
  const auto count = [](const char* n, const char* by, const char* deep) {
    const auto module = decode_ok(with_lengths(n, by, deep), {.any_values = true});
    const Type& type = *module->type(module->variables()[0].pointee);
    EXPECT_TRUE(type.spec_length);
    EXPECT_TRUE(type.spec_sized);
    return std::pair(type.count, module->type(type.element)->count);
  };
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  EXPECT_EQ(count("8", "2", "4"), Pair(4, 4)) << "the module's own, where they are good";
  EXPECT_EQ(count("8", "0", "4"), Pair(1, 4));
  EXPECT_EQ(count("8", "-1", "4"), Pair(1, 4));
  EXPECT_EQ(count("2000000000", "1", "0"), Pair(1, 1));
  EXPECT_EQ(count("2000000000", "1", "4000000000"), Pair(1, 1));
}

TEST(Constants, VectorsFoldByComponent) {
  const auto module = decode_ok(with_constants(
      R"(
%v3 = OpTypeVector %u32 3
%b3 = OpTypeVector %bool 3
%v2 = OpTypeVector %u32 2
%s = OpSpecConstant %u32 5
%v = OpSpecConstantComposite %v3 %s %u1 %u2
%w = OpConstantNull %v3
%sum = OpSpecConstantOp %v3 IAdd %v %v
%less = OpSpecConstantOp %b3 ULessThan %v %sum
%mixed = OpSpecConstantOp %v3 Select %less %v %w
%x = OpSpecConstantOp %u32 CompositeExtract %sum 0
%zero = OpSpecConstantOp %u32 CompositeExtract %w 2
%put = OpSpecConstantOp %v3 CompositeInsert %u2 %w 1
%shuffle = OpSpecConstantOp %v2 VectorShuffle %sum %put 4 0
)",
      "OpName %sum \"sum\"\nOpName %less \"less\"\nOpName %mixed \"mixed\"\nOpName %x \"x\"\n"
      "OpName %zero \"zero\"\nOpName %put \"put\"\nOpName %shuffle \"shuffle\"\nOpDecorate %s "
      "SpecId 0"));
  using Values = std::vector<std::uint64_t>;
  EXPECT_EQ(parts_of(*module, "sum"), (Values{10, 2, 4}));
  EXPECT_EQ(parts_of(*module, "less"), (Values{1, 1, 1}));
  EXPECT_EQ(parts_of(*module, "mixed"), (Values{5, 1, 2}));
  EXPECT_EQ(bits_of(*module, "x"), 10u);
  EXPECT_EQ(bits_of(*module, "zero"), 0u);
  EXPECT_EQ(parts_of(*module, "put"), (Values{0, 2, 0}));
  EXPECT_EQ(parts_of(*module, "shuffle"), (Values{2, 10}));
}

TEST(Constants, InsertGoesThroughNestedComposites) {
  const auto module = decode_ok(
      with_constants(R"(
%v2 = OpTypeVector %u32 2
%arr = OpTypeArray %v2 %u2
%st = OpTypeStruct %arr %f32
%s = OpSpecConstant %u32 5
%null = OpConstantNull %st
%a = OpSpecConstantOp %st CompositeInsert %s %null 0 1 0
%b = OpSpecConstantOp %u32 CompositeExtract %a 0 1 0
%c = OpSpecConstantOp %u32 CompositeExtract %a 0 0 1
%d = OpSpecConstantOp %v2 CompositeExtract %a 0 1)",
                     "OpName %b \"b\"\nOpName %c \"c\"\nOpName %d \"d\"\nOpDecorate %s SpecId 0"));
  EXPECT_EQ(bits_of(*module, "b"), 5u);
  EXPECT_EQ(bits_of(*module, "c"), 0u);
  EXPECT_EQ(parts_of(*module, "d"), (std::vector<std::uint64_t>{5, 0}));
}

struct Refusal {
  const char* name;
  const char* declarations;
  const char* sentence;
};

class ConstantRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(ConstantRefusal, NamesTheInstruction) {
  const std::string sentence =
      refusal(with_constants(GetParam().declarations, "OpName %bad \"bad\""));
  EXPECT_NE(sentence.find(GetParam().sentence), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("instruction "), 0u) << sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ConstantRefusal,
    testing::Values(
        Refusal{"ExtractOutside",
                "%v = OpTypeVector %u32 2\n%n = OpConstantNull %v\n"
                "%bad = OpSpecConstantOp %u32 CompositeExtract %n 2",
                "index 2 is outside of the 2 parts"},
        Refusal{"InsertOutside",
                "%v = OpTypeVector %u32 2\n%n = OpConstantNull %v\n"
                "%bad = OpSpecConstantOp %v CompositeInsert %u1 %n 9",
                "index 9 is outside of the 2 parts"},
        Refusal{"ShuffleOutside",
                "%v = OpTypeVector %u32 2\n%n = OpConstantNull %v\n"
                "%bad = OpSpecConstantOp %v VectorShuffle %n %n 0 4",
                "component 4 is outside of the 4"},
        Refusal{"MixedWidths", "%bad = OpSpecConstantOp %u32 LogicalAnd %u1 %true",
                "the operand types do not suit OpLogicalAnd"},
        Refusal{"BoolOfASum", "%bad = OpSpecConstantOp %bool IAdd %u1 %u1",
                "the operand types do not suit OpIAdd"},
        Refusal{"NumberOfAComparison", "%bad = OpSpecConstantOp %u32 IEqual %u1 %u1",
                "the operand types do not suit OpIEqual"},
        Refusal{"Unfoldable", "%bad = OpSpecConstantOp %f32 FAdd %u1 %u1",
                "OpFAdd cannot be folded in a specialization constant"},
        Refusal{"NotAConstant", "%bad = OpSpecConstantOp %u32 IAdd %u1 %f32",
                "is not a constant declared before it"},
        Refusal{"TooFewConstituents",
                "%v = OpTypeVector %u32 3\n%bad = OpConstantComposite %v %u1 %u1",
                "it has 2 constituents, its type has 3"},
        Refusal{"WrongConstituent",
                "%v = OpTypeVector %u32 2\n%bad = OpConstantComposite %v %u1 %true", "has type"},
        Refusal{"LengthNotConstant", "%bad = OpTypeArray %u32 %f32", "is not an integer constant"},
        Refusal{"HugeType",
                "%k = OpConstant %u32 4000000000\n%a = OpTypeArray %u32 %k\n"
                "%bad = OpTypeArray %a %k",
                "the type takes more than 2^48 bytes"}),
    [](const auto& test) { return std::string(test.param.name); });

// What the operation of OpSpecConstantOp takes is read to the last word.
TEST(Constants, OperationsTakeTheirWordsAndNoMore) {
  const Bytes bytes = raise_bound(with_constants(""));
  const std::uint32_t u32 = word_of(bytes, spv::Op::OpTypeInt, 1);
  const std::uint32_t zero = word_of(bytes, spv::Op::OpConstant, 2);
  std::uint32_t bound = 0;
  std::memcpy(&bound, bytes.data() + 12, 4);
  const auto with = [&](spv::Op op, std::vector<std::uint32_t> operands) {
    std::vector<std::uint32_t> words{static_cast<std::uint32_t>(operands.size() + 4) << 16 |
                                         static_cast<std::uint32_t>(spv::Op::OpSpecConstantOp),
                                     u32, bound - 1, static_cast<std::uint32_t>(op)};
    words.insert(words.end(), operands.begin(), operands.end());
    return insert_words(bytes, spv::Op::OpFunction, words);
  };
  EXPECT_NE(decode_ok(with(spv::Op::OpIAdd, {zero, zero})), nullptr);
  EXPECT_NE(refusal(with(spv::Op::OpIAdd, {zero, zero, zero}), {}, SOKR_CAPABILITY_DENIED)
                .find("a form of it with 7 words"),
            std::string::npos);
  EXPECT_NE(refusal(with(spv::Op::OpIAdd, {zero})).find("too few"), std::string::npos);
  EXPECT_NE(refusal(with(spv::Op::OpIAdd, {zero, bound + 7})).find("which nothing defines"),
            std::string::npos);
  EXPECT_NE(refusal(with(spv::Op::OpNot, {zero, zero}), {}, SOKR_CAPABILITY_DENIED)
                .find("a form of it with 6 words"),
            std::string::npos);
}

// What a pointer adds that is declared behind them counts: 5 * 2^47 bytes without a layout.
TEST(Constants, SizesThatPointersDeclaredLaterChangeAreBounded) {
  EXPECT_NE(refusal(with_constants(
                        "OpTypeForwardPointer %p PhysicalStorageBuffer\n%cell = OpTypeStruct %p\n"
                        "%k = OpConstant %u32 4194304\n%row = OpTypeArray %cell %k\n"
                        "%plane = OpTypeArray %row %k\n"
                        "%all = OpTypeStruct %plane %plane %plane %plane %plane\n"
                        "%p = OpTypePointer PhysicalStorageBuffer %cell",
                        "OpMemberDecorate %all 0 Offset 0\nOpMemberDecorate %all 1 Offset 0\n"
                        "OpMemberDecorate %all 2 Offset 0\nOpMemberDecorate %all 3 Offset 0\n"
                        "OpMemberDecorate %all 4 Offset 0"))
                .find("the type takes more than 2^48 bytes"),
            std::string::npos);
}

// Copies of large composites cannot use up memory.
TEST(Constants, PartsAreBounded) {
  std::string declarations =
      "%k = OpConstant %u32 1000000\n%a = OpTypeArray %u32 %k\n%c0 = OpConstantNull %a\n";
  for (int i = 0; i < 100; ++i) {
    declarations +=
        fmt::format("%c{} = OpSpecConstantOp %a CompositeInsert %u1 %c{} {}\n", i + 1, i, i);
  }
  EXPECT_NE(
      refusal(with_constants(declarations)).find("the module's constants have too many parts"),
      std::string::npos);
}

// They stand before all functions, whether the validator looks or not.
TEST(Constants, InsideAFunctionTheyAreRefused) {
  for (const char* text : {"%five = OpConstant %u32 5", "%two = OpSpecConstant %u32 2",
                           "%sum = OpSpecConstantOp %u32 IAdd %u1 %u1", "%i64 = OpTypeInt 64 1"}) {
    const Bytes bytes = assemble(compute_main(std::string(text) + "\nOpReturn"));
    EXPECT_NE(refusal(bytes).find("it stands before all functions"), std::string::npos) << text;
  }
  (void)decode_ok(assemble(compute_main("%none = OpUndef %u32\nOpReturn")));
}

}  // namespace
}  // namespace sokr::spirv
