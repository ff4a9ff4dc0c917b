// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

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

// A module that does nothing, with two declarations that the cases below overwrite.
Bytes module_to_change(std::string_view extension = "SPV_KHR_maximal_reconvergence") {
  return assemble(
      compute_module("OpExecutionMode %main LocalSizeHint 1 1 1", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                     fmt::format("OpCapability Sampled1D\nOpExtension \"{}\"", extension)));
}

// What the validator does not know, but this reader does.
TEST(Validate, UnderstoodExecutionModesAreAccepted) {
  Bytes bytes = assemble(compute_module("", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                                        "OpExtension \"SPV_KHR_maximal_reconvergence\""));
  const std::uint32_t main = decode_ok(bytes)->entry_points()[0].function;
  bytes =
      insert_words(bytes, spv::Op::OpTypeVoid,
                   {3u << 16 | static_cast<std::uint32_t>(spv::Op::OpExecutionMode), main, 6023});
  EXPECT_EQ(accepted(bytes), "");
  EXPECT_TRUE(decode_ok(bytes)->entry_points()[0].maximally_reconverges);
}

// The sentence of both readers, which is that of a module that is right but newer.
std::string newer(const Bytes& bytes) {
  const auto valid = validate(bytes);
  if (valid) {
    ADD_FAILURE() << "the module was accepted";
    return {};
  }
  EXPECT_EQ(valid.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(refusal(bytes, {}, SOKR_CAPABILITY_DENIED), valid.failure().sentence);
  return valid.failure().sentence;
}

TEST(Validate, NewerCapabilitiesAreNamed) {
  EXPECT_EQ(newer(replace_operand(module_to_change(), spv::Op::OpCapability, 1, 43, 65001)),
            "instruction 2 (OpCapability, word 7): Capability 65001 is not known to this build");
  EXPECT_EQ(newer(replace_operand(module_to_change("SPV_XYZ_tomorrow"), spv::Op::OpCapability, 1,
                                  43, 65001)),
            "instruction 2 (OpCapability, word 7): it uses SPV_XYZ_tomorrow, which this build does "
            "not know: Capability 65001");
}

TEST(Validate, NewerInstructionsAreNamed) {
  const Bytes bytes =
      insert_words(module_to_change("SPV_XYZ_tomorrow"), spv::Op::OpReturn, {1u << 16 | 60001});
  const std::string sentence = newer(bytes);
  EXPECT_NE(sentence.find("it uses SPV_XYZ_tomorrow, which this build does not know: op 60001"),
            std::string::npos)
      << sentence;
  EXPECT_EQ(sentence.find("instruction "), 0u) << sentence;
  EXPECT_NE(sentence.find(" (word "), std::string::npos) << sentence;
}

// The module's names are somebody else's text.
TEST(Validate, SentencesAreOfOneLine) {
  const Bytes bytes =
      insert_words(module_to_change("SPV_a\nb\tc"), spv::Op::OpReturn, {1u << 16 | 60001});
  const std::string sentence = newer(bytes);
  EXPECT_NE(sentence.find("it uses SPV_a b c, which this build does not know: op 60001"),
            std::string::npos)
      << sentence;
}

TEST(Validate, NewerEnumerantsAndFormsAreNamed) {
  const Bytes bytes = module_to_change("SPV_XYZ_tomorrow");
  const Id main = decode_ok(bytes)->entry_points()[0].function;
  const auto first = [](spv::Op op, std::uint32_t words) {
    return words << 16 | static_cast<std::uint32_t>(op);
  };
  const std::string decoration =
      newer(insert_words(bytes, spv::Op::OpTypeVoid, {first(spv::Op::OpDecorate, 3), main, 65002}));
  EXPECT_NE(decoration.find("does not know: Decoration 65002"), std::string::npos) << decoration;
  const std::string mode = newer(
      insert_words(bytes, spv::Op::OpTypeVoid, {first(spv::Op::OpExecutionMode, 3), main, 65003}));
  EXPECT_NE(mode.find("does not know: ExecutionMode 65003"), std::string::npos) << mode;
  // A float with an encoding of its own, as bfloat16 has.
  const std::string form =
      newer(insert_words(raise_bound(bytes), spv::Op::OpTypeVoid,
                         {first(spv::Op::OpTypeBool, 3), decode_ok(bytes)->bound(), 7}));
  EXPECT_NE(form.find("does not know: a form of it with 3 words"), std::string::npos) << form;
}

TEST(Validate, ADeclaredExtensionAloneIsNoReason) {
  EXPECT_EQ(accepted(assemble(compute_module("", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                                             "OpExtension \"SPV_XYZ_tomorrow\""))),
            "");
}

// Every place where an instruction that only people and tools read can stand: @ in turn.
TEST(Validate, NonSemanticInstructionsStandAnywhere) {
  constexpr std::string_view kText = R"(
OpCapability Shader
OpExtension "SPV_KHR_non_semantic_info"
%set = OpExtInstImport "NonSemantic.Unheard.Of"
%glsl = OpExtInstImport "GLSL.std.450"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %global
OpExecutionMode %main LocalSize 1 1 1
%file = OpString "a.comp"
%void = OpTypeVoid
@
%bool = OpTypeBool
%u32 = OpTypeInt 32 0
@
%f32 = OpTypeFloat 32
%fn = OpTypeFunction %void
%callee_type = OpTypeFunction %u32 %u32 %u32
%u1 = OpConstant %u32 1
@
%f1 = OpConstant %f32 1
%true = OpConstantTrue %bool
%ptr = OpTypePointer Private %u32
%global = OpVariable %ptr Private
%local = OpTypePointer Function %u32
@
%callee = OpFunction %u32 None %callee_type
@
%a = OpFunctionParameter %u32
@
%b = OpFunctionParameter %u32
@
%c0 = OpLabel
@
%sum = OpIAdd %u32 %a %b
OpReturnValue %sum
@
OpFunctionEnd
@
%main = OpFunction %void None %fn
%entry = OpLabel
@
%variable = OpVariable %local Function
@
%called = OpFunctionCall %u32 %callee %u1 %u1
OpSelectionMerge %merge None
@
OpBranchConditional %true %then %merge
@
%then = OpLabel
@
OpBranch %merge
%merge = OpLabel
@
%p = OpPhi %u32 %u1 %entry %called %then
@
%q = OpPhi %u32 %u1 %entry %called %then
@
%root = OpExtInst %f32 %glsl Sqrt %f1
OpStore %global %p
OpReturn
@
OpFunctionEnd
@
)";
  const std::size_t places = static_cast<std::size_t>(std::count(kText.begin(), kText.end(), '@'));
  ASSERT_EQ(places, 20u);
  for (const std::string_view kind :
       {"OpLine %file 7 1", "OpNoLine", "OpNop", "%n5 = OpExtInst %void %set 4711 %u1 %later",
        "%n5 = OpExtInst %void %set 1"}) {
    for (std::size_t place = 0; place < places; ++place) {
      std::string text;
      std::size_t at = 0;
      for (const char c : kText) {
        if (c != '@')
          text.push_back(c);
        else if (at++ == place)
          text += kind;
      }
      const Bytes bytes = assemble(text);
      EXPECT_EQ(accepted(bytes), "") << kind << " at place " << place;
      const auto module = decode_ok(bytes);
      ASSERT_NE(module, nullptr) << kind << " at place " << place;
      ASSERT_EQ(module->functions().size(), 2u);
      const Function& main = module->functions()[1];
      ASSERT_EQ(main.blocks.size(), 3u);
      EXPECT_EQ(main.blocks[0].body.size(), 1u) << kind << " at place " << place;
      EXPECT_EQ(main.blocks[2].phis.size(), 2u);
      EXPECT_EQ(main.blocks[2].body.size(), 2u) << kind << " at place " << place;
      EXPECT_EQ(module->functions()[0].blocks[0].body.size(), 1u);
    }
  }
}

// OpExtInstWithForwardRefsKHR, which the assembler does not know.
TEST(Validate, ForwardReferencesAreForNonSemanticSetsOnly) {
  const auto module = [](std::string_view set) {
    return assemble(compute_module("", "", R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd)",
                                   fmt::format("%set = OpExtInstImport \"{}\"", set)));
  };
  const auto with_note = [](const Bytes& bytes, spv::Op before) {
    const auto decoded = decode_ok(bytes);
    const Id set = word_of(bytes, spv::Op::OpExtInstImport, 1);
    const Id type = decoded->functions()[0].return_type;
    return insert_words(raise_bound(bytes), before,
                        {6u << 16 | 4433u, type, decoded->bound(), set, 3, decoded->bound() + 7});
  };
  EXPECT_EQ(accepted(with_note(module("NonSemantic.X"), spv::Op::OpReturn)), "");
  EXPECT_EQ(accepted(with_note(module("NonSemantic.X"), spv::Op::Max)), "");
  EXPECT_NE(decode_ok(with_note(module("NonSemantic.X"), spv::Op::Max)), nullptr);
  const Bytes wrong =
      insert_words(raise_bound(module("GLSL.std.450")), spv::Op::OpReturn,
                   {5u << 16 | 4433u, decode_ok(module("GLSL.std.450"))->functions()[0].return_type,
                    decode_ok(module("GLSL.std.450"))->bound(),
                    word_of(module("GLSL.std.450"), spv::Op::OpExtInstImport, 1), 3});
  EXPECT_NE(refusal(wrong).find("is not a NonSemantic instruction set"), std::string::npos);
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
  EXPECT_EQ(refusal(Bytes(7)),
            "7 bytes are not a SPIR-V module, which is a whole number of 4-byte words, 5 at least");
  EXPECT_EQ(refusal(Bytes(22)).find("22 bytes are not a SPIR-V module"), 0u);
}

}  // namespace
}  // namespace sokr::spirv
