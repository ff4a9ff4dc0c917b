// SPDX-License-Identifier: MIT OR Apache-2.0
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

std::string invalid(const Bytes& bytes) {
  const auto valid = validate(bytes);
  if (valid) {
    ADD_FAILURE() << "the module was accepted";
    return {};
  }
  EXPECT_EQ(valid.code(), SOKR_INVALID_IR);
  EXPECT_EQ(valid.failure().sentence.find('\n'), std::string::npos);
  return valid.failure().sentence;
}

std::string accepted(const Bytes& bytes) {
  const auto valid = validate(bytes);
  return valid ? "" : valid.failure().sentence;
}

TEST(Validate, EveryCompiledModuleIsValid) {
  for (const NamedModule& named : compiled_modules()) {
    EXPECT_EQ(accepted(named.bytes), "") << named.name;
  }
}

TEST(Validate, EveryVersionIsAccepted) {
  for (const auto env : {SPV_ENV_UNIVERSAL_1_0, SPV_ENV_UNIVERSAL_1_3, SPV_ENV_UNIVERSAL_1_4,
                         SPV_ENV_UNIVERSAL_1_6}) {
    EXPECT_EQ(accepted(assemble(compute_main("OpReturn"), env)), "");
  }
}

TEST(Validate, SentenceNamesTheInstruction) {
  const std::string sentence =
      invalid(assemble(compute_main("%a = OpIAdd %u32 %u1 %true\nOpReturn")));
  EXPECT_EQ(sentence.find("instruction "), 0u) << sentence;
  EXPECT_NE(sentence.find("(OpIAdd %"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(", word "), std::string::npos) << sentence;
}

TEST(Validate, PositionIsThatOfTheOriginalModule) {
  // Two instructions that are taken out before the validator sees the module.
  const std::string text =
      compute_module("OpName %set \"set\"", "%note = OpExtInst %void %set 1 %u1", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
%a = OpIAdd %u32 %u1 %true
OpReturn
OpFunctionEnd)",
                     "OpExtension \"SPV_KHR_non_semantic_info\"\n%set = OpExtInstImport "
                     "\"NonSemantic.Unheard.Of\"");
  const Bytes bytes = assemble(text);
  const std::string by_validator = invalid(bytes);
  const auto module = decode_ok(bytes);
  const Instruction& add = module->functions()[0].blocks[0].body[0];
  EXPECT_NE(by_validator.find(fmt::format("(OpIAdd %{}, word {})", add.id, add.word)),
            std::string::npos)
      << by_validator;
}

TEST(Validate, NonSemanticSetsAreAccepted) {
  EXPECT_EQ(accepted(assemble(compute_module("OpName %note \"note\"",
                                             "%note = OpExtInst %void %set 99 %u1", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
%other = OpExtInst %void %set 7 %u1 %u2
OpReturn
OpFunctionEnd)",
                                             "OpExtension \"SPV_KHR_non_semantic_info\"\n%set = "
                                             "OpExtInstImport \"NonSemantic.Unheard.Of\""))),
            "");
}

TEST(Validate, UnknownSourceLanguageIsAccepted) {
  const Bytes known = assemble(compute_module("OpSource HLSL 4711", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)"));
  const Bytes unknown = replace_operand(known, spv::Op::OpSource, 1, 5, 200);
  ASSERT_NE(known, unknown);
  EXPECT_EQ(accepted(unknown), "");
  EXPECT_NE(decode_ok(unknown), nullptr);
}

TEST(Validate, NewerExecutionModesAndCapabilitiesAreLeftOut) {
  const Bytes base = assemble(
      compute_module("", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                     "OpCapability Sampled1D\nOpExtension \"SPV_KHR_maximal_reconvergence\""));
  // Sampled1D becomes a capability from the future.
  const Bytes newer = replace_operand(base, spv::Op::OpCapability, 1, 43, 6029);
  EXPECT_EQ(accepted(newer), "");
  const auto module = decode_ok(newer);
  EXPECT_EQ(capability_name(module->capabilities()[1]), "capability 6029");
}

TEST(Validate, RelaxedLayoutsAndLocalSizeIdAreAccepted) {
  EXPECT_EQ(accepted(assemble(R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %var
OpExecutionModeId %main LocalSizeId %one %one %one
OpDecorate %arr ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 4
OpMemberDecorate %block 1 Offset 16
OpDecorate %var DescriptorSet 0
OpDecorate %var Binding 0
%void = OpTypeVoid
%f32 = OpTypeFloat 32
%u32 = OpTypeInt 32 0
%one = OpConstant %u32 1
%vec3 = OpTypeVector %f32 3
%arr = OpTypeArray %f32 %one
%block = OpTypeStruct %vec3 %arr
%ptr = OpTypePointer Uniform %block
%var = OpVariable %ptr Uniform
%fn = OpTypeFunction %void
%main = OpFunction %void None %fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                              SPV_ENV_UNIVERSAL_1_6)),
            "");
}

TEST(Validate, BytesThatAreNoModule) {
  EXPECT_EQ(invalid({}),
            "0 bytes are not a SPIR-V module, which is a whole number of 4-byte words, 5 at least");
  EXPECT_NE(invalid(Bytes(21)).find("21 bytes are not a SPIR-V module"), std::string::npos);
  EXPECT_EQ(invalid(Bytes(20)), "the magic number is 0x00000000, SPIR-V starts with 0x07230203");
  const Bytes bytes = assemble(compute_main("OpReturn"));
  EXPECT_NE(invalid(Bytes(bytes.begin(), bytes.end() - 4)).size(), 0u);
  EXPECT_EQ(refusal(Bytes(7)), "7 bytes are too few for a SPIR-V module, its header takes 20");
  EXPECT_EQ(refusal(Bytes(22)),
            "a SPIR-V module is a whole number of 4-byte words, this has 22 bytes");
}

}  // namespace
}  // namespace sokr::spirv
