// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/spirv/reflection.hpp>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

constexpr std::uint32_t kRead = SOKR_IR_READ, kWrite = SOKR_IR_WRITE;

ir::Reflection reflect_text(const std::string& text) {
  return reflect(*decode_ok(assemble(text)));
}

ir::Binding binding_of(const ir::Reflection& reflection, std::uint32_t set, std::uint32_t binding) {
  for (const ir::Binding& one : reflection.entry_points.at(0).bindings) {
    if (one.set == set && one.binding == binding) return one;
  }
  ADD_FAILURE() << "no binding " << set << "." << binding;
  return {};
}

TEST(Reflection, ReadsWhatTheShaderDeclares) {
  const ir::Reflection reflection = reflect(*decode_ok(compiled_module("interface")));
  ASSERT_EQ(reflection.entry_points.size(), 1u);
  const ir::EntryReflection& entry = reflection.entry_points[0];
  EXPECT_EQ(entry.name, "main");
  EXPECT_EQ(entry.local_size, (std::array<std::uint32_t, 3>{32, 2, 1}));
  EXPECT_EQ(entry.local_size_spec_ids[0], 20u);
  EXPECT_EQ(entry.local_size_spec_ids[1], UINT32_MAX);
  ASSERT_EQ(entry.bindings.size(), 8u);

  const ir::Binding input = binding_of(reflection, 0, 0);
  EXPECT_EQ(input.kind, SOKR_IR_STORAGE_BUFFER);
  EXPECT_EQ(input.access, kRead);
  EXPECT_EQ(input.name, "source");
  EXPECT_EQ(binding_of(reflection, 0, 1).name, "Output");
  EXPECT_EQ(input.runtime_stride, 16u);
  EXPECT_EQ(input.min_size, 32u);
  const ir::Binding output = binding_of(reflection, 0, 1);
  EXPECT_EQ(output.access, kWrite);
  EXPECT_EQ(binding_of(reflection, 0, 2).access, kRead | kWrite);
  EXPECT_EQ(binding_of(reflection, 0, 3).access, 0u);
  const ir::Binding params = binding_of(reflection, 1, 0);
  EXPECT_EQ(params.kind, SOKR_IR_UNIFORM_BUFFER);
  EXPECT_EQ(params.access, kRead);
  EXPECT_EQ(params.min_size, 16u + 3 * 16u);
  const ir::Binding many = binding_of(reflection, 1, 1);
  EXPECT_EQ(many.count, 3u);
  EXPECT_EQ(many.access, kRead | kWrite);
  const ir::Binding image = binding_of(reflection, 2, 0);
  EXPECT_EQ(image.kind, SOKR_IR_STORAGE_IMAGE);
  EXPECT_EQ(image.access, kWrite);
  EXPECT_EQ(image.dimension, SOKR_IMAGE_2D);
  EXPECT_EQ(image.image_format, SOKR_IMAGE_RGBA8);
  EXPECT_EQ(image.sampled_type, SOKR_IR_F32);
  EXPECT_EQ(input.dimension, SOKR_IMAGE_NONE);
  const ir::Binding texture = binding_of(reflection, 2, 1);
  EXPECT_EQ(texture.kind, SOKR_IR_COMBINED_IMAGE_SAMPLER);
  EXPECT_EQ(texture.access, kRead);
  EXPECT_EQ(texture.dimension, SOKR_IMAGE_2D);
  EXPECT_EQ(texture.image_format, SOKR_IMAGE_FORMAT_NONE);
  EXPECT_EQ(texture.image_flags, 0u);

  ASSERT_EQ(entry.push_constants.size(), 5u);
  EXPECT_EQ(entry.push_constants[0].name, "count");
  EXPECT_EQ(entry.push_constants[0].type, "u32");
  EXPECT_EQ(entry.push_constants[1].type, "vec2");
  EXPECT_EQ(entry.push_constants[1].offset, 8u);
  EXPECT_EQ(entry.push_constants[2].type, "mat2x3");
  EXPECT_EQ(entry.push_constants[2].size, 32u);
  EXPECT_EQ(entry.push_constants[3].type, "i32[3]");
  EXPECT_EQ(entry.push_constants[3].size, 12u);
  EXPECT_EQ(entry.push_constants[4].type, "ivec4");
  EXPECT_EQ(entry.push_constant_size, 80u);
  std::vector<std::uint32_t> read_ends;
  for (const ir::PushConstantMember& member : entry.push_constants)
    read_ends.push_back(member.read_end);
  EXPECT_EQ(read_ends, (std::vector<std::uint32_t>{4, 16, 44, 60, 68}));
  EXPECT_EQ(params.data_size, 16u + 2 * 16u + 4u);

  ASSERT_EQ(reflection.spec_constants.size(), 3u);
  EXPECT_EQ(reflection.spec_constants[0].id, 2u);
  EXPECT_EQ(reflection.spec_constants[0].name, "kScale");
  EXPECT_EQ(reflection.spec_constants[0].type, SOKR_IR_F32);
  EXPECT_EQ(reflection.spec_constants[0].default_value, 0x40200000u);
  EXPECT_EQ(reflection.spec_constants[1].type, SOKR_IR_BOOL);
  EXPECT_EQ(reflection.spec_constants[2].id, 20u);
  EXPECT_EQ(reflection.capabilities, (std::vector<std::string>{"Shader"}));
}

constexpr std::uint32_t set(std::initializer_list<SokrIrScalar> types) {
  std::uint32_t held = 0;
  for (const SokrIrScalar type : types) held |= 1u << type;
  return held;
}

TEST(Reflection, TellsWhichScalarsLieInABlockAndWhere) {
  const ir::Reflection reflection = reflect(*decode_ok(compiled_module("interface")));
  EXPECT_EQ(binding_of(reflection, 0, 0).scalars, set({SOKR_IR_U32, SOKR_IR_F32}));
  EXPECT_EQ(binding_of(reflection, 0, 1).scalars, set({SOKR_IR_F32}));
  EXPECT_EQ(binding_of(reflection, 1, 1).scalars, set({SOKR_IR_U32}));
  EXPECT_EQ(binding_of(reflection, 2, 0).scalars, 0u);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
  for (const SokrIrPushScalar& scalar : reflection.entry_points[0].push_scalars) {
    places.emplace_back(scalar.offset, scalar.type);
  }
  // count, origin, the two columns of turn, steps, box.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{{0, SOKR_IR_U32}};
  for (const std::uint32_t at : {8, 12, 16, 20, 24, 32, 36, 40}) {
    expected.emplace_back(at, SOKR_IR_F32);
  }
  for (const std::uint32_t at : {48, 52, 56, 64, 68, 72, 76}) {
    expected.emplace_back(at, SOKR_IR_I32);
  }
  EXPECT_EQ(places, expected);
}

// Pointers, nested arrays of structures, a row-major matrix, narrow types, and members that
// are not in the order of their offsets.
TEST(Reflection, PlacesScalarsOfNestedPushConstants) {
  const ir::Reflection reflection = reflect(*decode_ok(compiled_module("push_types")));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
  for (const SokrIrPushScalar& scalar : reflection.entry_points[0].push_scalars) {
    places.emplace_back(scalar.offset, scalar.type);
  }
  EXPECT_EQ(places, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, SOKR_IR_U8},
                                                                          {2, SOKR_IR_F16},
                                                                          {4, SOKR_IR_U8},
                                                                          {6, SOKR_IR_F16},
                                                                          {16, SOKR_IR_F32},
                                                                          {20, SOKR_IR_F32},
                                                                          {24, SOKR_IR_F32},
                                                                          {28, SOKR_IR_F32},
                                                                          {32, SOKR_IR_F32},
                                                                          {36, SOKR_IR_F32},
                                                                          {64, SOKR_IR_U64}}));
}

// Two members of the same type each, forty deep: 2^40 scalars, or none at all.
TEST(Reflection, SharedNestedTypesCostNothing) {
  for (const bool empty : {false, true}) {
    std::string types = "%u32 = OpTypeInt 32 0\n";
    types += empty ? "%s0 = OpTypeStruct\n" : "%s0 = OpTypeStruct %u32\n";
    std::string offsets = empty ? "" : "OpMemberDecorate %s0 0 Offset 0\n";
    for (int i = 1; i <= 40; ++i) {
      types += fmt::format("%s{0} = OpTypeStruct %s{1} %s{1}\n", i, i - 1);
      offsets +=
          fmt::format("OpMemberDecorate %s{0} 0 Offset 0\nOpMemberDecorate %s{0} 1 Offset 4\n", i);
    }
    std::string text = R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %push %buffer
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %buffer DescriptorSet 0
OpDecorate %buffer Binding 0
OpDecorate %s40 Block
)" + offsets + types + R"(%void = OpTypeVoid
%function = OpTypeFunction %void
%pointer = OpTypePointer PushConstant %s40
%storage = OpTypePointer StorageBuffer %s40
%push = OpVariable %pointer PushConstant
%buffer = OpVariable %storage StorageBuffer
%main = OpFunction %void None %function
%entry = OpLabel
%a = OpLoad %s40 %push
%b = OpLoad %s40 %buffer
OpReturn
OpFunctionEnd
)";
    const auto module = decode(assemble(text));
    if (!module) continue;  // a refusal is as good
    const ir::Reflection reflection = reflect(**module);
    const ir::EntryReflection& entry = reflection.entry_points.at(0);
    EXPECT_EQ(entry.push_scalars.size(), empty ? 0 : ir::kMaxPushScalars);
    EXPECT_EQ(entry.bindings.at(0).scalars, empty ? 0 : set({SOKR_IR_U32}));
  }
}

// An array of 2^32 elements whose offsets are beyond what can be said.
TEST(Reflection, ScalarsBeyondAllOffsetsCostNothing) {
  const std::string text = R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %push
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %array ArrayStride 65532
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 4294967292
%u32 = OpTypeInt 32 0
%many = OpConstant %u32 4294967295
%array = OpTypeArray %u32 %many
%block = OpTypeStruct %array
%void = OpTypeVoid
%function = OpTypeFunction %void
%pointer = OpTypePointer PushConstant %block
%word = OpTypePointer PushConstant %u32
%push = OpVariable %pointer PushConstant
%zero = OpConstant %u32 0
%main = OpFunction %void None %function
%entry = OpLabel
%first = OpAccessChain %word %push %zero %zero
%value = OpLoad %u32 %first
OpReturn
OpFunctionEnd
)";
  const auto module = decode(assemble(text));
  ASSERT_TRUE(module) << module.failure().sentence;
  EXPECT_EQ(reflect(**module).entry_points.at(0).push_scalars.size(), 1u);
}

// What has no scalars is looked at all the same, in each element anew: it counts.
TEST(Reflection, MembersWithoutScalarsCount) {
  std::string members;
  for (int i = 0; i < 8000; ++i) members += " %none";
  const std::string text = R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %push
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %array ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpMemberDecorate %element 0 Offset 0
%u32 = OpTypeInt 32 0
%none = OpTypeStruct
%many = OpConstant %u32 4000
%element = OpTypeStruct %u32)" +
                           members + R"(
%array = OpTypeArray %element %many
%block = OpTypeStruct %array
%void = OpTypeVoid
%function = OpTypeFunction %void
%pointer = OpTypePointer PushConstant %block
%word = OpTypePointer PushConstant %u32
%push = OpVariable %pointer PushConstant
%zero = OpConstant %u32 0
%main = OpFunction %void None %function
%entry = OpLabel
%first = OpAccessChain %word %push %zero %zero %zero
%value = OpLoad %u32 %first
OpReturn
OpFunctionEnd
)";
  const auto module = decode(assemble(text));
  ASSERT_TRUE(module) << module.failure().sentence;
  const std::size_t found = reflect(**module).entry_points.at(0).push_scalars.size();
  EXPECT_GE(found, 1u);
  EXPECT_LE(found, 3u);
}

const char* const kOldStyle = R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpName %a "a"
OpDecorate %s1 SpecId 4
OpDecorate %s2 SpecId 4
OpDecorate %ra ArrayStride 4
OpDecorate %rb ArrayStride 16
OpDecorate %ba BufferBlock
OpDecorate %bb BufferBlock
OpMemberDecorate %ba 0 Offset 0
OpMemberDecorate %ba 1 Offset 8
OpMemberDecorate %bb 0 Offset 0
OpDecorate %a DescriptorSet 0
OpDecorate %a Binding 3
OpDecorate %b DescriptorSet 0
OpDecorate %b Binding 3
OpDecorate %unused DescriptorSet 0
OpDecorate %unused Binding 4
%void = OpTypeVoid
%u32 = OpTypeInt 32 0
%u0 = OpConstant %u32 0
%u1 = OpConstant %u32 1
%s1 = OpSpecConstant %u32 6
%s2 = OpSpecConstant %u32 7
%v4 = OpTypeVector %u32 4
%ra = OpTypeRuntimeArray %u32
%rb = OpTypeRuntimeArray %v4
%ba = OpTypeStruct %u32 %ra
%bb = OpTypeStruct %rb
%pa = OpTypePointer Uniform %ba
%pb = OpTypePointer Uniform %bb
%pu = OpTypePointer Uniform %u32
%a = OpVariable %pa Uniform
%b = OpVariable %pb Uniform
%unused = OpVariable %pa Uniform
%void_fn = OpTypeFunction %void
%callee_fn = OpTypeFunction %void %pu
%callee = OpFunction %void None %callee_fn
%p = OpFunctionParameter %pu
%l = OpLabel
OpStore %p %u1
OpReturn
OpFunctionEnd
%main = OpFunction %void None %void_fn
%entry = OpLabel
%ca = OpAccessChain %pu %a %u1 %u0
%va = OpLoad %u32 %ca
%cb = OpAccessChain %pu %b %u0 %u1 %u0
%call = OpFunctionCall %void %callee %cb
OpReturn
OpFunctionEnd
)";

TEST(Reflection, AliasedBindingsAreJoinedAndWritesThroughCallsCount) {
  const ir::Reflection reflection = reflect_text(kOldStyle);
  ASSERT_EQ(reflection.entry_points.at(0).bindings.size(), 1u);
  const ir::Binding binding = binding_of(reflection, 0, 3);
  EXPECT_EQ(binding.kind, SOKR_IR_STORAGE_BUFFER);
  EXPECT_EQ(binding.access, kRead | kWrite);
  EXPECT_EQ(binding.min_size, 16u);
  EXPECT_EQ(binding.name, "a");
}

TEST(Reflection, ConstantsWithOneIdAreOneEntry) {
  const ir::Reflection reflection = reflect_text(kOldStyle);
  ASSERT_EQ(reflection.spec_constants.size(), 1u);
  EXPECT_EQ(reflection.spec_constants[0].declarations, 2u);
  EXPECT_EQ(reflection.spec_constants[0].default_value, 6u);
}

TEST(Reflection, OnlyTheWrittenAliasIsWritten) {
  const auto module = decode_ok(assemble(kOldStyle));
  std::string text = kOldStyle;
  text.replace(text.find("OpDecorate %b Binding 3"), 23, "OpDecorate %b Binding 5");
  const ir::Reflection reflection = reflect_text(text);
  EXPECT_EQ(binding_of(reflection, 0, 3).access, kRead);
  EXPECT_EQ(binding_of(reflection, 0, 5).access, kWrite);
}

// Who may only read a binding binds memory that nobody may write.
TEST(Reflection, CodeThatWritesWhatIsNotWritableIsRefused) {
  std::string text = kOldStyle;
  const auto judged = [&] { return validate(assemble(text), {Strictness::kOff}); };
  ASSERT_TRUE(judged().ok()) << judged().failure().sentence;
  text.insert(text.find("OpDecorate %a Binding"), "OpDecorate %a NonReadable\n");
  ASSERT_TRUE(judged().ok()) << judged().failure().sentence;
  EXPECT_EQ(binding_of(reflect_text(text), 0, 3).access, kWrite);
  text.insert(text.find("OpDecorate %b Binding"), "OpMemberDecorate %bb 0 NonWritable\n");
  const Result<void> refused = judged();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.failure().sentence.find("NonWritable"), std::string::npos)
      << refused.failure().sentence;
}

// Pointers that are kept in memory are not told apart: who binds memory for one that is written
// binds memory that may be written, whatever its variable says.
TEST(Reflection, PointersThatAreKeptMayBeWrittenThrough) {
  const auto access = [](std::string_view body) {
    const ir::Reflection reflection = reflect_text(compute_module(
        "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n"
        "OpDecorate %fixed DescriptorSet 0\nOpDecorate %fixed Binding 0\n"
        "OpDecorate %fixed NonWritable\nOpDecorate %other DescriptorSet 0\n"
        "OpDecorate %other Binding 1",
        "%block = OpTypeStruct %u32\n%to_block = OpTypePointer StorageBuffer %block\n"
        "%word = OpTypePointer StorageBuffer %u32\n%to_word = OpTypePointer Function %word\n"
        "%fixed = OpVariable %to_block StorageBuffer\n"
        "%other = OpVariable %to_block StorageBuffer",
        fmt::format("%main = OpFunction %void None %void_fn\n%entry = OpLabel\n"
                    "%kept = OpVariable %to_word Function\n"
                    "%p = OpAccessChain %word %fixed %u0\n%q = OpAccessChain %word %other %u0\n"
                    "{}\nOpReturn\nOpFunctionEnd",
                    body),
        "OpCapability VariablePointersStorageBuffer"));
    return std::pair(binding_of(reflection, 0, 0).access, binding_of(reflection, 0, 1).access);
  };
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  EXPECT_EQ(access("OpStore %kept %q\n%r = OpLoad %word %kept\nOpStore %r %u1\n"
                   "%x = OpLoad %u32 %p"),
            Pair(kRead, kWrite));
  EXPECT_EQ(access("OpStore %kept %p\n%r = OpLoad %word %kept\n%x = OpLoad %u32 %r\n"
                   "OpStore %q %u1"),
            Pair(kRead, kWrite));
  EXPECT_EQ(access("OpStore %kept %p\n%r = OpLoad %word %kept\nOpStore %r %u1\n"
                   "%x = OpLoad %u32 %q"),
            Pair(kWrite, kRead));
}

TEST(Reflection, TheFixedPartEndsBehindAllMembersWhereverTheyLie) {
  std::string text = kOldStyle;
  text.replace(text.find("%ba 0 Offset 0"), 14, "%ba 0 Offset 64");
  text.replace(text.find("OpDecorate %b Binding 3"), 23, "OpDecorate %b Binding 5");
  EXPECT_EQ(binding_of(reflect_text(text), 0, 3).min_size, 68u);
}

TEST(Reflection, AnEntryPointHasOneBlockOfPushConstants) {
  const auto with = [](std::string_view body) {
    return assemble(compute_main(
        std::string(body) + "\nOpReturn",
        "%block = OpTypeStruct %u32\n%to = OpTypePointer PushConstant %block\n"
        "%word = OpTypePointer PushConstant %u32\n%first = OpVariable %to PushConstant\n"
        "%second = OpVariable %to PushConstant",
        "OpName %second \"second\"\nOpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0"));
  };
  const char* const kOne = "%a = OpAccessChain %word %first %u0\n%x = OpLoad %u32 %a\n";
  const char* const kOther = "%b = OpAccessChain %word %second %u0\n%y = OpLoad %u32 %b\n";
  EXPECT_NE(decode_ok(with(kOne)), nullptr);
  EXPECT_NE(decode_ok(with(kOther)), nullptr);
  const std::string sentence = refusal(with(std::string(kOne) + kOther));
  EXPECT_NE(sentence.find("two variables of push constants"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("(second)"), std::string::npos) << sentence;
}

// %2 is the buffer; the literal 2 of the extraction and the shuffle is not.
TEST(Reflection, LiteralsThatEqualAnIdAreNoUseOfIt) {
  const ir::Reflection reflection = reflect_text(R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %1 "main"
    OpExecutionMode %1 LocalSize 1 1 1
    OpDecorate %3 ArrayStride 4
    OpMemberDecorate %4 0 Offset 0
    OpDecorate %4 Block
    OpDecorate %2 DescriptorSet 0
    OpDecorate %2 Binding 0
    %5 = OpTypeVoid
    %6 = OpTypeFunction %5
    %7 = OpTypeInt 32 0
    %8 = OpTypeVector %7 3
    %3 = OpTypeRuntimeArray %7
    %4 = OpTypeStruct %3
    %9 = OpTypePointer StorageBuffer %4
    %10 = OpTypePointer StorageBuffer %7
    %11 = OpConstant %7 0
    %12 = OpConstantComposite %8 %11 %11 %11
    %2 = OpVariable %9 StorageBuffer
    %1 = OpFunction %5 None %6
    %13 = OpLabel
    %14 = OpVectorShuffle %8 %12 %12 2 1 2
    %15 = OpCompositeExtract %7 %14 2
    %16 = OpAccessChain %10 %2 %11 %11
    OpStore %16 %15
    OpReturn
    OpFunctionEnd
  )");
  EXPECT_EQ(binding_of(reflection, 0, 0).access, kWrite);
}

TEST(Reflection, RuntimeDescriptorArraysCountZero) {
  std::string text = kOldStyle;
  text.replace(text.find("%a = OpVariable %pa Uniform"), 27,
               "%many = OpTypeRuntimeArray %ba\n%pm = OpTypePointer Uniform %many\n"
               "%a = OpVariable %pm Uniform");
  text.replace(text.find("%a %u1 %u0"), 10, "%a %u1 %u1 %u0");
  text.replace(text.find("OpDecorate %b Binding 3"), 23, "OpDecorate %b Binding 5");
  const ir::Binding binding = binding_of(reflect_text(text), 0, 3);
  EXPECT_EQ(binding.count, 0u);
  EXPECT_EQ(binding.access, kRead);
  EXPECT_EQ(binding.min_size, 12u);
}

}  // namespace
}  // namespace sokr::spirv
