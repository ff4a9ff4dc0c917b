// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is only read is written by nobody, and an array of buffers is no value: whoever judges.
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

constexpr Strictness kEveryStrictness[] = {Strictness::kStrict, Strictness::kRelaxed,
                                           Strictness::kOff};

std::string judged(const Bytes& bytes, Strictness strictness) {
  const auto valid = validate(bytes, {strictness});
  return valid ? "" : valid.failure().sentence;
}

constexpr std::string_view kWriteAnnotations = R"(
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpMemberDecorate %block 1 Offset 4
OpDecorate %fixed_block Block
OpMemberDecorate %fixed_block 0 Offset 0
OpMemberDecorate %fixed_block 0 NonWritable
OpDecorate %buffer DescriptorSet 0
OpDecorate %buffer Binding 0
OpDecorate %uniform DescriptorSet 0
OpDecorate %uniform Binding 1
OpDecorate %fixed DescriptorSet 0
OpDecorate %fixed Binding 2
OpDecorate %fixed NonWritable
OpDecorate %members DescriptorSet 0
OpDecorate %members Binding 3
OpDecorate %many DescriptorSet 0
OpDecorate %many Binding 4
OpDecorate %others DescriptorSet 0
OpDecorate %others Binding 5
OpDecorate %id BuiltIn GlobalInvocationId)";

constexpr std::string_view kWriteDeclarations = R"(
%f1 = OpConstant %f32 1
%v3 = OpTypeVector %u32 3
%to_input = OpTypePointer Input %v3
%to_input_part = OpTypePointer Input %u32
%id = OpVariable %to_input Input
%block = OpTypeStruct %u32 %f32
%to_push = OpTypePointer PushConstant %block
%push = OpVariable %to_push PushConstant
%push_word = OpTypePointer PushConstant %u32
%push_float = OpTypePointer PushConstant %f32
%to_uniform = OpTypePointer Uniform %block
%uniform = OpVariable %to_uniform Uniform
%uniform_word = OpTypePointer Uniform %u32
%to_block = OpTypePointer StorageBuffer %block
%buffer = OpVariable %to_block StorageBuffer
%fixed = OpVariable %to_block StorageBuffer
%fixed_block = OpTypeStruct %u32
%to_fixed = OpTypePointer StorageBuffer %fixed_block
%members = OpVariable %to_fixed StorageBuffer
%word = OpTypePointer StorageBuffer %u32
%number = OpTypePointer StorageBuffer %f32
%array = OpTypeArray %block %u2
%to_array = OpTypePointer StorageBuffer %array
%many = OpVariable %to_array StorageBuffer
%others = OpVariable %to_array StorageBuffer
%callee_fn = OpTypeFunction %void %word
%same_fn = OpTypeFunction %word %word)";

Bytes module_with(std::string_view body) {
  return assemble(compute_module(
      kWriteAnnotations, kWriteDeclarations,
      fmt::format("%main = OpFunction %void None %void_fn\n%entry = OpLabel\n{}\nOpReturn\n"
                  "OpFunctionEnd\n%callee = OpFunction %void None %callee_fn\n"
                  "%given = OpFunctionParameter %word\n%begin = OpLabel\nOpStore %given %u1\n"
                  "OpReturn\nOpFunctionEnd\n%same = OpFunction %word None %same_fn\n"
                  "%this = OpFunctionParameter %word\n%only = OpLabel\nOpReturnValue %this\n"
                  "OpFunctionEnd",
                  body),
      "OpCapability VariablePointersStorageBuffer\n"
      "%glsl = OpExtInstImport \"GLSL.std.450\""));
}

TEST(Writes, WhatMayBeWrittenIs) {
  for (const std::string_view body : {
           "%p = OpAccessChain %word %buffer %u0\nOpStore %p %u1",
           "%p = OpAccessChain %word %buffer %u0\n%c = OpCopyObject %word %p\n"
           "%x = OpAtomicIAdd %u32 %c %u1 %u0 %u1",
           "%p = OpAccessChain %word %many %u1 %u0\nOpStore %p %u1",
           "%p = OpAccessChain %word %buffer %u0\n%x = OpFunctionCall %void %callee %p",
           "%p = OpAccessChain %to_block %many %u0\n%x = OpLoad %block %p\nOpStore %buffer %x",
           "%p = OpAccessChain %number %buffer %u1\n%x = OpExtInst %f32 %glsl Modf %f1 %p",
           "%p = OpAccessChain %word %fixed %u0\n%x = OpLoad %u32 %p",
           "%p = OpAccessChain %uniform_word %uniform %u0\n%x = OpLoad %u32 %p",
           // A function that returns what it was given, written through for one call only.
           "%p = OpAccessChain %word %buffer %u0\n%q = OpAccessChain %word %fixed %u0\n"
           "%r = OpFunctionCall %word %same %p\n%s = OpFunctionCall %word %same %q\n"
           "%x = OpLoad %u32 %s\nOpStore %r %u1",
       }) {
    EXPECT_EQ(judged(module_with(body), Strictness::kRelaxed), "") << body;
    EXPECT_EQ(judged(module_with(body), Strictness::kOff), "") << body;
  }
}

TEST(Writes, WhatIsOnlyReadIsNotWritten) {
  struct {
    const char *body, *says;
  } const kCases[] = {
      {"%p = OpAccessChain %to_input_part %id %u0\nOpStore %p %u1", "storage class Input"},
      {"%p = OpAccessChain %push_word %push %u0\nOpStore %p %u1", "storage class PushConstant"},
      {"%p = OpAccessChain %push_word %push %u0\n%x = OpAtomicIAdd %u32 %p %u1 %u0 %u1",
       "storage class PushConstant"},
      {"%p = OpAccessChain %push_word %push %u0\n%q = OpAccessChain %word %buffer %u0\n"
       "OpCopyMemory %p %q",
       "storage class PushConstant"},
      {"%p = OpAccessChain %push_float %push %u1\n%x = OpExtInst %f32 %glsl Modf %f1 %p",
       "storage class PushConstant"},
      {"%p = OpAccessChain %uniform_word %uniform %u0\nOpStore %p %u1", "a uniform buffer"},
      {"%p = OpAccessChain %uniform_word %uniform %u0\n%c = OpCopyObject %uniform_word %p\n"
       "OpAtomicStore %c %u1 %u0 %u1",
       "a uniform buffer"},
      {"%p = OpAccessChain %word %fixed %u0\nOpStore %p %u1", "NonWritable"},
      {"%p = OpAccessChain %word %members %u0\nOpStore %p %u1", "NonWritable"},
      {"%p = OpAccessChain %word %fixed %u0\n%x = OpAtomicIAdd %u32 %p %u1 %u0 %u1", "NonWritable"},
      {"%p = OpAccessChain %number %fixed %u1\n%x = OpExtInst %f32 %glsl Modf %f1 %p",
       "NonWritable"},
      {"%p = OpAccessChain %word %fixed %u0\n%q = OpAccessChain %word %buffer %u0\n"
       "%c = OpSelect %word %true %q %p\nOpStore %c %u1",
       "NonWritable"},
      {"%p = OpAccessChain %word %fixed %u0\n%x = OpFunctionCall %void %callee %p", "NonWritable"},
      {"%p = OpAccessChain %word %fixed %u0\n%r = OpFunctionCall %word %same %p\n"
       "%s = OpFunctionCall %word %same %r\nOpStore %s %u1",
       "NonWritable"},
  };
  for (const auto& [body, says] : kCases) {
    for (const Strictness how : kEveryStrictness)
      EXPECT_NE(judged(module_with(body), how), "") << body;
    const std::string sentence = judged(module_with(body), Strictness::kOff);
    EXPECT_NE(sentence.find(says), std::string::npos) << sentence;
  }
}

TEST(Writes, AnArrayOfBuffersIsNoValue) {
  for (const std::string_view body :
       {"%x = OpLoad %array %many", "%x = OpUndef %array\nOpStore %many %x",
        "OpCopyMemory %many %others", "%c = OpCopyObject %to_array %many\n%x = OpLoad %array %c"}) {
    for (const Strictness how : kEveryStrictness) {
      const std::string sentence = judged(module_with(body), how);
      EXPECT_NE(sentence, "") << body;
      if (how == Strictness::kOff) {
        EXPECT_NE(sentence.find("all buffers of the array"), std::string::npos) << sentence;
      }
    }
  }
}

// Nobody but the validator looks at variables otherwise.
TEST(Writes, InitializersHaveTheTypeOfTheirVariable) {
  const auto with = [](std::string_view variable) {
    return judged(assemble(compute_main(
                      "OpReturn", fmt::format("%shared_to = OpTypePointer Workgroup %u32\n"
                                              "%shared = OpVariable %shared_to Workgroup\n"
                                              "%four = OpConstant %u32 4\n"
                                              "%array = OpTypeArray %u32 %four\n"
                                              "%own_to = OpTypePointer Private %array\n"
                                              "%zeros = OpConstantNull %array\n"
                                              "%word_to = OpTypePointer Private %u32\n"
                                              "%input_to = OpTypePointer Input %u32\n"
                                              "%push_to = OpTypePointer PushConstant %u32\n{}",
                                              variable))),
                  Strictness::kOff);
  };
  EXPECT_EQ(with("%own = OpVariable %own_to Private %zeros"), "");
  EXPECT_EQ(with("%own = OpVariable %word_to Private %u1"), "");
  EXPECT_NE(with("%own = OpVariable %own_to Private %shared"), "");
  EXPECT_NE(with("%given = OpVariable %input_to Input %u1"), "");
  EXPECT_NE(with("%given = OpVariable %push_to PushConstant %u1"), "");
}

}  // namespace
}  // namespace sokr::spirv
