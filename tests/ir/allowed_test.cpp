// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cctype>
#include <cstring>
#include <sokr/spirv/allowed.hpp>

#include "grammar_rows.hpp"
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

using test::GrammarRow;
using WordList = std::vector<std::uint32_t>;

constexpr std::uint32_t kUnknown = 0x4000000;  // no grammar has it; one bit for masks

Bytes with_instruction(Bytes bytes, spv::Op op, const WordList& operands) {
  WordList words{static_cast<std::uint32_t>(op) | static_cast<std::uint32_t>(operands.size() + 1)
                                                      << 16};
  words.insert(words.end(), operands.begin(), operands.end());
  const std::size_t at = bytes.size();
  bytes.resize(at + words.size() * 4);
  std::memcpy(bytes.data() + at, words.data(), words.size() * 4);
  return bytes;
}

std::string sentence_of(const Result<void>& result) {
  if (result) return "";
  EXPECT_EQ(result.code(), SOKR_CAPABILITY_DENIED);
  return result.failure().sentence;
}

std::string entry_sentence(const std::string& text) {
  const auto module = decode_ok(assemble(text, SPV_ENV_UNIVERSAL_1_3));
  return module ? sentence_of(check_allowed(*module, module->entry_points()[0])) : "not decoded";
}

// The sentence about a module that names the enumerant; empty if it is accepted.
std::string sentence_about(EnumKind kind, std::uint32_t value) {
  static const Bytes base = assemble(compute_main("OpReturn"));
  static const Id main = decode_ok(base)->entry_points()[0].function;
  const auto with = [&](spv::Op op, const WordList& operands) {
    return sentence_of(check_allowed(with_instruction(base, op, operands)));
  };
  switch (kind) {
    case EnumKind::kAddressingModel:
      return with(spv::Op::OpMemoryModel, {value, 1});
    case EnumKind::kMemoryModel:
      return with(spv::Op::OpMemoryModel, {0, value});
    case EnumKind::kCapability:
      return with(spv::Op::OpCapability, {value});
    case EnumKind::kDecoration:
      return with(spv::Op::OpDecorate, {main, value, 0});
    case EnumKind::kFPRoundingMode:
      return with(spv::Op::OpDecorate,
                  {main, static_cast<std::uint32_t>(spv::Decoration::FPRoundingMode), value});
    case EnumKind::kFPFastMathMode:
      return with(spv::Op::OpDecorate,
                  {main, static_cast<std::uint32_t>(spv::Decoration::FPFastMathMode), value});
    case EnumKind::kExecutionMode:
      return with(spv::Op::OpExecutionMode, {main, value, 1, 1, 1});
    case EnumKind::kFunctionControl:
      return with(spv::Op::OpFunction, {1, 2, value, 1});
    case EnumKind::kGroupOperation:
      return with(spv::Op::OpGroupNonUniformIAdd, {1, 2, 3, value, 4});
    case EnumKind::kLoopControl:
      return with(spv::Op::OpLoopMerge, {1, 2, value, 1, 1, 1});
    case EnumKind::kSelectionControl:
      return with(spv::Op::OpSelectionMerge, {1, value});
    case EnumKind::kMemoryAccess:
      return with(spv::Op::OpLoad, {1, 2, 3, value, 4, 5, 6});
    case EnumKind::kPackedVectorFormat:
      return with(spv::Op::OpSDotKHR, {1, 2, 3, 4, value});
    case EnumKind::kStorageClass:
      return with(spv::Op::OpTypePointer, {1, value, 2});
    case EnumKind::kScope:
      return entry_sentence(compute_main("OpMemoryBarrier %scope %u0\nOpReturn",
                                         fmt::format("%scope = OpConstant %u32 {}", value)));
    case EnumKind::kMemorySemantics:
      return entry_sentence(compute_main("OpMemoryBarrier %u1 %semantics\nOpReturn",
                                         fmt::format("%semantics = OpConstant %u32 {}", value)));
    case EnumKind::kBuiltIn: {
      const Bytes bytes = replace_operand(
          assemble(compute_main("%w = OpLoad %u32 %in\nOpReturn",
                                "%to = OpTypePointer Input %u32\n%in = OpVariable %to Input",
                                "OpDecorate %in BuiltIn LocalInvocationIndex")),
          spv::Op::OpDecorate, 3, static_cast<std::uint32_t>(spv::BuiltIn::LocalInvocationIndex),
          value);
      const auto module = decode(bytes);
      if (!module) return module.failure().sentence;
      return sentence_of(check_allowed(**module, (*module)->entry_points()[0]));
    }
  }
  return "no module for it";
}

// ---- Every enumerant of the grammar -----------------------------------------------------

class AllowedKind : public testing::TestWithParam<EnumKind> {};

TEST_P(AllowedKind, EveryEnumerantHasARowOrIsRefusedByName) {
  const EnumKind kind = GetParam();
  std::size_t allowed = 0, refused = 0;
  for (const auto& [value, rows] : test::grammar_of(kind)) {
    const std::string sentence = sentence_about(kind, value);
    if (is_allowed(kind, value)) {
      EXPECT_EQ(sentence, "") << rows[0]->name;
      ++allowed;
      continue;
    }
    ++refused;
    EXPECT_TRUE(test::is_named(sentence, rows)) << rows[0]->name << ": " << sentence;
    EXPECT_NE(sentence.find(kind_name(kind)), std::string::npos) << sentence;
  }
  EXPECT_GT(allowed, 0u);
  if (kind != EnumKind::kPackedVectorFormat && kind != EnumKind::kSelectionControl &&
      kind != EnumKind::kMemorySemantics) {
    EXPECT_GT(refused, 0u);
  }
}

TEST_P(AllowedKind, ANumberThatNobodyKnowsIsRefusedByItself) {
  const std::string sentence = sentence_about(GetParam(), kUnknown);
  EXPECT_NE(sentence.find(fmt::to_string(kUnknown)), std::string::npos) << sentence;
}

constexpr EnumKind kKinds[] = {
#define SOKR_KIND(name, text) EnumKind::k##name,
    SOKR_ENUM_KINDS(SOKR_KIND)
#undef SOKR_KIND
};

INSTANTIATE_TEST_SUITE_P(Kinds, AllowedKind, testing::ValuesIn(kKinds), [](const auto& given) {
  std::string name = kind_name(given.param);
  std::erase_if(name, [](char c) { return !isalnum(c); });
  return name;
});

// ---- What kernels reach ------------------------------------------------------------------

std::string body_sentence(const std::string& body, const std::string& declarations = "") {
  return entry_sentence(compute_main(body + "\nOpReturn", declarations));
}

TEST(Allowed, ClustersArePowersOfTwoThatAreKnown) {
  const std::string types = "%three = OpConstant %u32 3\n%four = OpConstant %u32 4\n";
  const std::string add = "%r = OpGroupNonUniformIAdd %u32 %three ClusteredReduce %u1 ";
  EXPECT_EQ(body_sentence(add + "%four", types), "");
  EXPECT_NE(body_sentence(add + "%three", types).find("power of two"), std::string::npos);
  EXPECT_NE(body_sentence(add + "%u0", types).find("power of two"), std::string::npos);
  EXPECT_NE(body_sentence(add, types).find("cluster size is not"), std::string::npos);
  EXPECT_NE(body_sentence(add + "%sel", types).find("cluster size is not"), std::string::npos);
  const std::string vector = types + "%v4 = OpTypeVector %u32 4\n%mask = OpUndef %v4";
  EXPECT_NE(body_sentence("%r = OpGroupNonUniformBallotBitCount %u32 %three ClusteredReduce %mask",
                          vector)
                .find("OpGroupNonUniformBallotBitCount"),
            std::string::npos);
}

TEST(Allowed, ScopesFitTheirInstruction) {
  const std::string types = "%three = OpConstant %u32 3\n%four = OpConstant %u32 4\n";
  EXPECT_EQ(body_sentence("OpControlBarrier %u2 %u2 %u0", types), "");
  EXPECT_EQ(body_sentence("OpControlBarrier %three %u2 %u0", types), "");
  EXPECT_NE(body_sentence("OpControlBarrier %u1 %u2 %u0", types).find("Device"), std::string::npos);
  EXPECT_NE(body_sentence("OpControlBarrier %four %u2 %u0", types).find("Invocation"),
            std::string::npos);
  EXPECT_NE(body_sentence("OpControlBarrier %sel %u2 %u0", types).find("its scope is not"),
            std::string::npos);
  EXPECT_NE(
      body_sentence("%r = OpGroupNonUniformElect %bool %u2", types).find("has to be Subgroup"),
      std::string::npos);
  EXPECT_NE(body_sentence("OpMemoryBarrier %u1 %sel", types).find("memory semantics"),
            std::string::npos);
}

TEST(Allowed, AQuadIsSwappedInOneOfThreeDirections) {
  const std::string types = "%three = OpConstant %u32 3\n";
  EXPECT_EQ(body_sentence("%r = OpGroupNonUniformQuadSwap %u32 %three %u1 %u2", types), "");
  EXPECT_NE(body_sentence("%r = OpGroupNonUniformQuadSwap %u32 %three %u1 %three", types)
                .find("direction is 3"),
            std::string::npos);
}

TEST(Allowed, PartitionedGroupOperationsAreNoReductions) {
  const std::string sentence =
      body_sentence("%r = OpGroupNonUniformIAdd %u32 %three PartitionedReduceNV %u1 %mask",
                    "%three = OpConstant %u32 3\n%v4 = OpTypeVector %u32 4\n%mask = OpUndef %v4");
  EXPECT_NE(sentence.find("group operation PartitionedReduceNV"), std::string::npos) << sentence;
}

TEST(Allowed, OnlyNarrowingToHalfSaysHowItRounds) {
  const auto sentence = [](const char* type, const char* mode) {
    return entry_sentence(
        compute_main(fmt::format("%r = OpFConvert %{} %d\nOpReturn", type),
                     "%f16 = OpTypeFloat 16\n%f64 = OpTypeFloat 64\n%d = OpConstant %f64 1",
                     fmt::format("OpDecorate %r FPRoundingMode {}", mode)));
  };
  EXPECT_EQ(sentence("f16", "RTZ"), "");
  EXPECT_EQ(sentence("f16", "RTE"), "");
  EXPECT_NE(sentence("f32", "RTZ").find("only an OpFConvert to 16 bits"), std::string::npos);
  EXPECT_NE(sentence("f16", "RTP").find("RTP"), std::string::npos);
}

TEST(Allowed, ModesDoNotContradictEachOther) {
  const auto sentence = [](const std::string& modes) {
    return entry_sentence(
        compute_main("OpReturn", "", "OpExecutionMode %main RoundingModeRTZ 16\n" + modes));
  };
  EXPECT_EQ(sentence("OpExecutionMode %main RoundingModeRTE 32"), "");
  EXPECT_NE(sentence("OpExecutionMode %main RoundingModeRTE 16")
                .find("both RoundingModeRTE and RoundingModeRTZ for 16 bits"),
            std::string::npos);
  EXPECT_NE(sentence("OpExecutionMode %main DenormPreserve 64\n"
                     "OpExecutionMode %main DenormFlushToZero 64")
                .find("both DenormPreserve and DenormFlushToZero for 64 bits"),
            std::string::npos);
}

TEST(Allowed, InstructionSetsAreKnown) {
  const auto sentence = [](const char* set, const char* number) {
    return entry_sentence(fmt::format(R"(
OpCapability Shader
%set = OpExtInstImport "{}"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
%void = OpTypeVoid
%f32 = OpTypeFloat 32
%one = OpConstant %f32 1
%fn = OpTypeFunction %void
%main = OpFunction %void None %fn
%entry = OpLabel
%r = OpExtInst %f32 %set {} %one
OpReturn
OpFunctionEnd)",
                                      set, number));
  };
  EXPECT_EQ(sentence("GLSL.std.450", "FAbs"), "");
  EXPECT_NE(sentence("SPV_AMD_gcn_shader", "CubeFaceIndexAMD").find("SPV_AMD_gcn_shader"),
            std::string::npos);
  EXPECT_NE(sentence("GLSL.std.450", "InterpolateAtCentroid").find("InterpolateAtCentroid"),
            std::string::npos);
}

TEST(Allowed, OtherStagesOfAModuleDoNotMatter) {
  const Bytes bytes = assemble(R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint Fragment %other "other" %colour
OpEntryPoint GLCompute %main "main"
OpExecutionMode %other OriginUpperLeft
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %colour Location 0
OpDecorate %colour Flat
%void = OpTypeVoid
%f32 = OpTypeFloat 32
%one = OpConstant %f32 1
%to = OpTypePointer Output %f32
%colour = OpVariable %to Output
%fn = OpTypeFunction %void
%other = OpFunction %void None %fn
%first = OpLabel
OpStore %colour %one
OpReturn
OpFunctionEnd
%main = OpFunction %void None %fn
%entry = OpLabel
OpReturn
OpFunctionEnd)");
  EXPECT_EQ(sentence_of(check_allowed(bytes)), "");
  EXPECT_EQ(sentence_of(check_allowed(swap_words(bytes))), "");
  const auto module = decode_ok(bytes);
  EXPECT_EQ(sentence_of(check_allowed(*module, module->entry_points()[0])), "");
}

TEST(Allowed, WhatIsNoModuleIsNotJudged) {
  const Bytes good = assemble(compute_main("OpReturn"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(check_allowed(std::span(good).first(size))) << size;
  }
}

}  // namespace
}  // namespace sokr::spirv
