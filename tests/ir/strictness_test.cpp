// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <cstdlib>
#include <cstring>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

// "" if it is accepted.
std::string said(const Bytes& bytes, Strictness strictness, std::string* remark = nullptr) {
  const auto valid = validate(bytes, {strictness, remark});
  return valid ? "" : valid.failure().sentence;
}

Bytes with_version(Bytes bytes, std::uint32_t minor) {
  const std::uint32_t word = 0x00010000 | minor << 8;
  std::memcpy(bytes.data() + 4, &word, 4);
  return bytes;
}

constexpr std::string_view kBuffer = R"(
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %buffer DescriptorSet 0
OpDecorate %buffer Binding 0
%void = OpTypeVoid
%fn = OpTypeFunction %void
%u32 = OpTypeInt 32 0
%u1 = OpConstant %u32 1
%block = OpTypeStruct %u32
%ptr = OpTypePointer StorageBuffer %block
%ptr_u32 = OpTypePointer StorageBuffer %u32
%buffer = OpVariable %ptr StorageBuffer
%u0 = OpConstant %u32 0
%main = OpFunction %void None %fn
%entry = OpLabel
%at = OpAccessChain %ptr_u32 %buffer %u0
OpStore %at %u1
OpReturn
OpFunctionEnd
)";

std::string main_with(std::string_view declarations, std::string_view annotations,
                      std::string_view capabilities) {
  return compute_module(
      annotations, declarations,
      "%main = OpFunction %void None %void_fn\n%entry = OpLabel\nOpReturn\nOpFunctionEnd",
      capabilities);
}

// A Workgroup array of %length elements.
std::string sized_by(std::string_view length, std::string_view decorations) {
  return main_with(
      fmt::format("%u64 = OpTypeInt 64 0\n%length = {}\n%array = OpTypeArray %u32 %length\n"
                  "%pointer = OpTypePointer Workgroup %array\n"
                  "%shared = OpVariable %pointer Workgroup",
                  length),
      decorations, "OpCapability Int64");
}

// A module with an address, or an array of them, in a variable or a parameter.
std::string held_in(std::string_view held, std::string_view variable, std::string_view parameter) {
  std::string text = fmt::format(R"(OpCapability Shader
OpCapability PhysicalStorageBufferAddresses
OpExtension "SPV_KHR_physical_storage_buffer"
OpMemoryModel PhysicalStorageBuffer64 GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
%void = OpTypeVoid
%void_fn = OpTypeFunction %void
%u32 = OpTypeInt 32 0
%u2 = OpConstant %u32 2
%block = OpTypeStruct %u32
%address = OpTypePointer PhysicalStorageBuffer %block
%addresses = OpTypeArray %address %u2
%pointer = OpTypePointer Function {}
)",
                                 held);
  const bool is_parameter = !parameter.empty();
  if (is_parameter) {
    text += fmt::format("%callee_fn = OpTypeFunction %void {}\n",
                        parameter.substr(parameter.rfind(' ') + 1));
    text += fmt::format(
        "%callee = OpFunction %void None %callee_fn\n%given = {}\n%start = OpLabel\nOpReturn\n"
        "OpFunctionEnd\n",
        parameter);
  }
  text += "%main = OpFunction %void None %void_fn\n%entry = OpLabel\n";
  if (!variable.empty()) text += fmt::format("%held = {}\n", variable);
  return text + "OpReturn\nOpFunctionEnd\n";
}

// A module that has bytes for storage buffers only, and a constant of them.
std::string with_bytes(std::string_view body, std::string_view declarations = "") {
  return compute_module(
      "OpDecorate %bytes Block\nOpMemberDecorate %bytes 0 Offset 0\n"
      "OpDecorate %buffer DescriptorSet 0\nOpDecorate %buffer Binding 0",
      fmt::format("%u8 = OpTypeInt 8 0\n%seven = OpConstant %u8 7\n%bytes = OpTypeStruct %u8\n"
                  "%pointer = OpTypePointer StorageBuffer %bytes\n"
                  "%to_byte = OpTypePointer StorageBuffer %u8\n"
                  "%buffer = OpVariable %pointer StorageBuffer\n{}",
                  declarations),
      fmt::format("%main = OpFunction %void None %void_fn\n%entry = OpLabel\n"
                  "%place = OpAccessChain %to_byte %buffer %u0\n{}\nOpFunctionEnd",
                  body),
      "OpCapability StorageBuffer8BitAccess\nOpExtension \"SPV_KHR_8bit_storage\"\n"
      "OpExtension \"SPV_KHR_storage_buffer_storage_class\"");
}

struct Tolerated {
  const char* name;
  Bytes bytes;
};

std::vector<Tolerated> tolerated() {
  std::vector<Tolerated> all;
  const std::string wrap =
      compute_main("%sum = OpIAdd %u32 %u1 %u2\nOpReturn", "",
                   "OpDecorate %sum NoSignedWrap\nOpDecorate %sum NoUnsignedWrap");
  all.push_back({"a decoration of a newer version", with_version(assemble(wrap), 3)});
  // Older instructions in a way that a newer version lets them be used.
  for (const auto& [body, declarations, annotations] :
       {std::array{"%r = OpSelect %pair %true %some %some\nOpReturn",
                   "%pair = OpTypeStruct %u32 %f32\n%some = OpUndef %pair", ""},
        std::array{"%r = OpSelect %list %true %some %some\nOpReturn",
                   "%list = OpTypeArray %u32 %u2\n%some = OpUndef %list", ""},
        std::array{"%r = OpSelect %v2 %true %some %some\nOpReturn",
                   "%v2 = OpTypeVector %u32 2\n%some = OpUndef %v2", ""},
        std::array{"%from = OpVariable %own Function\n%to = OpVariable %own Function\n"
                   "OpCopyMemory %to %from Volatile Volatile\nOpReturn",
                   "%own = OpTypePointer Function %u32", ""},
        std::array{"%from = OpVariable %own Function\n%to = OpVariable %own Function\n"
                   "OpCopyMemory %to %from Aligned 4 None\nOpReturn",
                   "%own = OpTypePointer Function %u32", ""},
        std::array{"%table = OpVariable %own Function\nOpReturn",
                   "%own = OpTypePointer Function %u32", "OpDecorate %table NonWritable"},
        std::array{"OpReturn",
                   "%own = OpTypePointer Private %u32\n%table = OpVariable %own Private %u1",
                   "OpDecorate %table NonWritable"}})
    for (const std::uint32_t minor : {0u, 3u})
      all.push_back({"an older instruction in a newer way",
                     with_version(assemble(compute_main(body, declarations, annotations)), minor)});
  const std::string chosen = compute_module(
      "", "%u3 = OpConstant %u32 3\n%fn1 = OpTypeFunction %void %u32",
      "%main = OpFunction %void None %void_fn\n%entry = OpLabel\n%none = OpFunctionCall %void %of "
      "%u1\nOpReturn\nOpFunctionEnd\n%of = OpFunction %void None %fn1\n%who = "
      "OpFunctionParameter %u32\n%start = OpLabel\n%got = OpGroupNonUniformBroadcast %u32 %u3 "
      "%u2 %who\nOpReturn\nOpFunctionEnd",
      "OpCapability GroupNonUniformBallot");
  all.push_back({"a broadcast from a computed invocation", with_version(assemble(chosen), 3)});
  const std::string copies =
      compute_main("%copied = OpCopyLogical %b %a_value\nOpReturn",
                   "%a = OpTypeStruct %u32 %u32\n%b = OpTypeStruct %u32 %u32\n%a_value = "
                   "OpConstantComposite %a %u1 %u2",
                   "OpMemberDecorate %b 0 Offset 0\nOpMemberDecorate %b 1 Offset 4");
  for (const std::uint32_t minor : {0u, 1u, 3u})
    all.push_back({"an instruction of a newer version", with_version(assemble(copies), minor)});
  all.push_back(
      {"a storage class without its extension",
       with_version(assemble(fmt::format("OpCapability Shader{}", kBuffer), SPV_ENV_UNIVERSAL_1_3),
                    0)});
  all.push_back({"a capability without its extension",
                 assemble(compute_module("", "",
                                         "%main = OpFunction %void None %void_fn\n%entry = "
                                         "OpLabel\nOpReturn\nOpFunctionEnd",
                                         "OpCapability ExpectAssumeKHR"))});
  all.push_back({"an interface that lacks variables",
                 assemble(fmt::format("OpCapability Shader{}", kBuffer))});
  const std::string used = compute_main(
      "%x = OpLoad %v3 %id\nOpReturn",
      "%v3 = OpTypeVector %u32 3\n%in = OpTypePointer Input %v3\n%id = OpVariable %in Input",
      "OpDecorate %id BuiltIn GlobalInvocationId");
  all.push_back({"an interface that lacks an input", with_version(assemble(used), 3)});
  all.push_back(
      {"a conversion of floats to their own type",
       assemble(compute_main("%same = OpFConvert %f32 %f1\nOpReturn", "%f1 = OpConstant %f32 1"))});
  const std::string folded = main_with(
      "%u16 = OpTypeInt 16 0\n%short = OpSpecConstant %u16 3\n%long = OpSpecConstantOp %u32 "
      "UConvert %short\n%array = OpTypeArray %u32 %long\n%pointer = OpTypePointer Workgroup "
      "%array\n%shared = OpVariable %pointer Workgroup",
      "OpDecorate %short SpecId 3", "OpCapability Int16");
  all.push_back({"a folded conversion of a newer version", with_version(assemble(folded), 3)});
  std::string block(kBuffer);
  block.replace(block.find("%block Block"), 12, "%block BufferBlock");
  for (std::size_t at; (at = block.find("StorageBuffer")) != std::string::npos;)
    block.replace(at, 13, "Uniform");
  for (const std::uint32_t minor : {4u, 5u, 6u})
    all.push_back(
        {"a decoration of an older version",
         with_version(assemble(fmt::format("OpCapability Shader{}", block), SPV_ENV_UNIVERSAL_1_3),
                      minor)});
  for (const char* length : {"%u32 0", "%i32 -1", "%u64 0"})
    all.push_back({"an array's length that a launch gives",
                   assemble(sized_by(fmt::format("OpSpecConstant {}", length),
                                     "OpDecorate %length SpecId 0"))});
  all.push_back({"a conversion of integers to their own width",
                 assemble(compute_main("%same = OpUConvert %u32 %u1\n%other = OpSConvert %u32 %i1\n"
                                       "OpReturn",
                                       "%i1 = OpConstant %i32 1"))});
  // As optimisers leave it of a conversion to a type that the module has for storage only.
  for (const char* value : {"%byte = OpTypeInt 8 0\n%folded = OpConstant %byte 200",
                            "%half = OpTypeFloat 16\n%folded = OpConstant %half 1.5",
                            "%half = OpTypeFloat 16\n%pair = OpTypeVector %half 2\n"
                            "%folded = OpConstantNull %pair",
                            "%short = OpTypeInt 16 1\n%both = OpTypeStruct %u32 %short\n"
                            "%folded = OpUndef %both"})
    all.push_back({"a constant of a type for storage",
                   assemble(main_with(value, "",
                                      "OpCapability StorageBuffer8BitAccess\n"
                                      "OpCapability StorageBuffer16BitAccess"))});
  for (const char* body :
       {"OpStore %place %seven\nOpReturn", "%wide = OpUConvert %u32 %seven\nOpReturn",
        "%same = OpCopyObject %u8 %seven\nOpStore %place %same\nOpReturn",
        "%is = OpLoad %u8 %place\nOpStore %place %is\nOpReturn"})
    all.push_back({"a constant of a type for storage that is stored or converted",
                   assemble(with_bytes(body))});
  for (const char* type : {"%address", "%addresses"})
    all.push_back({"a variable of addresses without a word on aliases",
                   assemble(held_in(type, "OpVariable %pointer Function", ""))});
  all.push_back({"a parameter that is an address without a word on aliases",
                 assemble(held_in("%address", "", "OpFunctionParameter %address"))});
  all.push_back({"a parameter that points to an address without a word on aliases",
                 assemble(held_in("%address", "", "OpFunctionParameter %pointer"))});
  return all;
}

TEST(Strictness, RelaxedAcceptsWhatDriversDo) {
  for (const Tolerated& one : tolerated()) {
    const std::string strict = said(one.bytes, Strictness::kStrict);
    // Of a length that a constant decides newer validators say nothing, of an invocation that is
    // computed some older ones.
    if (one.name != std::string_view("an array's length that a launch gives") &&
        one.name != std::string_view("a broadcast from a computed invocation")) {
      EXPECT_NE(strict, "") << one.name;
    }
    std::string remark = "unwritten";
    EXPECT_EQ(said(one.bytes, Strictness::kRelaxed, &remark), "") << one.name;
    EXPECT_EQ(remark, strict) << one.name;
    EXPECT_EQ(said(one.bytes, Strictness::kOff, &remark), "") << one.name;
    EXPECT_EQ(remark, "");
    EXPECT_TRUE(decode(one.bytes, {.any_values = true}).ok()) << one.name;
  }
}

TEST(Strictness, NothingIsSaidOfAValidModule) {
  std::string remark = "unwritten";
  EXPECT_EQ(said(assemble(compute_main("OpReturn")), Strictness::kRelaxed, &remark), "");
  EXPECT_EQ(remark, "");
}

// That a constant is tolerated lets nobody compute with its type, or keep it where it may not be.
TEST(Strictness, AConstantForStorageLetsNobodyCompute) {
  struct {
    const char *body, *declarations;
  } const kCases[] = {
      {"%sum = OpIAdd %u8 %seven %seven\nOpReturn", ""},
      {"%is = OpLoad %u8 %place\n%sum = OpIAdd %u8 %is %is\nOpStore %place %sum\nOpReturn", ""},
      {"%one = OpSelect %u8 %true %seven %seven\nOpStore %place %one\nOpReturn", ""},
      {"%is = OpIEqual %bool %seven %seven\nOpReturn", ""},
      {"%as = OpConvertUToF %f32 %seven\nOpReturn", ""},
      {"%pair = OpCompositeConstruct %v2 %seven %seven\nOpReturn", "%v2 = OpTypeVector %u8 2"},
      {"%one = OpCompositeExtract %u8 %sevens 1\nOpReturn",
       "%v2 = OpTypeVector %u8 2\n%sevens = OpConstantComposite %v2 %seven %seven"},
      {"OpReturn", "%own = OpTypePointer Private %u8\n%kept = OpVariable %own Private"},
      {"OpReturn", "%own = OpTypePointer Private %u8\n%kept = OpVariable %own Private %seven"},
      {"OpReturn", "%shared = OpTypePointer Workgroup %u8\n%kept = OpVariable %shared Workgroup"},
      {"%kept = OpVariable %own Function\nOpReturn", "%own = OpTypePointer Function %u8"},
      {"OpReturn", "%short = OpTypeInt 16 0\n%other = OpConstant %short 7"},
  };
  for (const auto& [body, declarations] : kCases) {
    std::string main = with_bytes(body, declarations);
    // A function's variables come first.
    const std::string chain = "%place = OpAccessChain %to_byte %buffer %u0\n";
    if (std::string_view(body).starts_with("%kept")) main.erase(main.find(chain), chain.size());
    EXPECT_NE(said(assemble(main), Strictness::kRelaxed), "") << body << declarations;
  }
}

// What is said of a group of decorations is said of its members.
TEST(Strictness, AGroupSaysWhetherOthersPointThere) {
  std::string text = held_in("%address", "OpVariable %pointer Function", "");
  const auto add_before = [&](std::string_view where, std::string_view what) {
    text.insert(text.find(where), what);
  };
  add_before("%void = ",
             "OpDecorate %group RestrictPointer\n%group = OpDecorationGroup\n"
             "OpGroupDecorate %group %held\n");
  add_before("OpReturn", "%other = OpVariable %pointer Function\n");
  EXPECT_NE(said(assemble(text), Strictness::kStrict), "") << "nothing is said of %other";
  EXPECT_EQ(said(assemble(text), Strictness::kRelaxed), "");
}

// Drivers leave out what is not in an interface, and die of it.
TEST(Strictness, DriversGetWholeInterfaces) {
  int interfaces = 0;
  for (const Tolerated& one : tolerated()) {
    if (!std::string_view(one.name).starts_with("an interface")) continue;
    ++interfaces;
    const std::vector<std::uint32_t> words = specialized_words(*decode_ok(one.bytes));
    Bytes bytes(words.size() * 4);
    std::memcpy(bytes.data(), words.data(), bytes.size());
    EXPECT_EQ(said(bytes, Strictness::kStrict), "") << one.name;
  }
  EXPECT_EQ(interfaces, 2);
}

// Nobody can give what has no SpecId.
TEST(Strictness, AnArrayNeedsALength) {
  for (const char* length : {"OpSpecConstant %u32 0", "OpConstant %u32 0", "OpConstantNull %u32"})
    EXPECT_NE(said(assemble(sized_by(length, "")), Strictness::kRelaxed), "") << length;
  const Bytes bytes = assemble(sized_by("OpSpecConstant %u32 0", "OpDecorate %length SpecId 7"));
  const auto unsaid = decode(bytes);
  ASSERT_FALSE(unsaid.ok());
  EXPECT_NE(unsaid.failure().sentence.find("specialization constant 7"), std::string::npos)
      << unsaid.failure().sentence;
}

// What is wrong otherwise stays wrong, also beside what is tolerated; positions are the module's.
TEST(Strictness, RelaxedRefusesTheRest) {
  const Bytes bytes = with_version(
      assemble(compute_main("%sum = OpIAdd %u32 %u1 %u2\n%bad = OpIAdd %u32 %u1 %true\nOpReturn",
                            "", "OpDecorate %sum NoSignedWrap")),
      3);
  const std::string sentence = said(bytes, Strictness::kRelaxed);
  const auto module = decode_ok(bytes);
  const Instruction& bad = module->functions()[0].blocks[0].body[1];
  EXPECT_NE(sentence.find(fmt::format("(OpIAdd %{}, word {})", bad.id, bad.word)),
            std::string::npos)
      << sentence;
}

TEST(Strictness, EveryCompiledModulePassesWithoutTheValidator) {
  for (const NamedModule& named : compiled_modules()) {
    const std::string sentence = said(named.bytes, Strictness::kOff);
    if (named.name == "interface") {  // images, which no reader of the model has
      EXPECT_NE(sentence.find("is checked by the validator only"), std::string::npos) << sentence;
    } else {
      EXPECT_EQ(sentence, "") << named.name;
    }
  }
}

// What no reader of the module could stand.
TEST(Strictness, OffChecksWhatSafetyNeeds) {
  constexpr std::string_view kDeclarations = R"(
%v2 = OpTypeVector %f32 2
%v3 = OpTypeVector %f32 3
%m2 = OpTypeMatrix %v2 2
%pair = OpTypeStruct %u32 %f32
%f1 = OpConstant %f32 1
%fv2 = OpConstantComposite %v2 %f1 %f1
%matrix = OpConstantComposite %m2 %fv2 %fv2
%both = OpConstantComposite %pair %u1 %f1
%private = OpTypePointer Private %u32
%global = OpVariable %private Private
%private_f = OpTypePointer Private %f32
%private_pair = OpTypePointer Private %pair
%pair_global = OpVariable %private_pair Private
%spec = OpSpecConstant %u32 1)";
  for (const std::string_view body : {
           "%a = OpIAdd %u32 %u1 %f1\nOpReturn",
           "%a = OpIAdd %u32 %u1 %void\nOpReturn",
           "%a = OpIAdd %u32 %entry %u1\nOpReturn",
           "%a = OpFAdd %v2 %fv2 %f1\nOpReturn",
           "%a = OpIEqual %u32 %u1 %u1\nOpReturn",
           "%a = OpConvertFToS %i32 %fv2\nOpReturn",
           "%a = OpBitcast %v2 %u1\nOpReturn",
           "%a = OpSelect %u32 %u1 %u1 %u1\nOpReturn",
           "%a = OpLoad %f32 %global\nOpReturn",
           "%a = OpLoad %u32 %u1\nOpReturn",
           "OpStore %global %f1\nOpReturn",
           "%a = OpAccessChain %private_f %pair_global %u0\nOpReturn",
           "%a = OpAccessChain %private_f %pair_global %u2\nOpReturn",
           "%a = OpAccessChain %private_f %pair_global %spec\nOpReturn",
           "%a = OpAccessChain %private %pair_global %sel\nOpReturn",
           "%a = OpCompositeExtract %f32 %both 0\nOpReturn",
           "%a = OpCompositeExtract %f32 %both 5\nOpReturn",
           "%a = OpCompositeConstruct %v3 %fv2\nOpReturn",
           "%a = OpVectorShuffle %v2 %fv2 %fv2 0 4\nOpReturn",
           "%a = OpMatrixTimesVector %v3 %matrix %fv2\nOpReturn",
           "%a = OpDot %f32 %fv2 %f1\nOpReturn",
           "%a = OpAtomicIAdd %u32 %pair_global %u1 %u0 %u1\nOpReturn",
           "%a = OpUMulExtended %pair %u1 %u1\nOpReturn",
           "OpReturnValue %u1",
           "OpSelectionMerge %m None\nOpBranchConditional %u1 %m %m\n%m = OpLabel\nOpReturn",
           "OpSelectionMerge %m None\nOpSwitch %f1 %m\n%m = OpLabel\nOpReturn",
           // A value that is not there on every way.
           "%a = OpIAdd %u32 %b %u1\n%b = OpIAdd %u32 %u1 %u1\nOpReturn",
           "OpSelectionMerge %m None\nOpBranchConditional %true %t %m\n%t = OpLabel\n"
           "%a = OpIAdd %u32 %u1 %u1\nOpBranch %m\n%m = OpLabel\n%b = OpIAdd %u32 %a %u1\nOpReturn",
           "OpSelectionMerge %m None\nOpBranchConditional %true %t %m\n%t = OpLabel\n"
           "OpBranch %m\n%m = OpLabel\n%b = OpPhi %u32 %u1 %t\nOpReturn",
           "OpSelectionMerge %m None\nOpBranchConditional %true %t %m\n%t = OpLabel\n"
           "OpBranch %m\n%m = OpLabel\n%b = OpPhi %u32 %u1 %t %f1 %entry\nOpReturn",
       }) {
    const Bytes bytes = assemble(compute_main(body, kDeclarations));
    EXPECT_NE(said(bytes, Strictness::kStrict), "") << body;
    EXPECT_NE(said(bytes, Strictness::kRelaxed), "") << body;
    EXPECT_NE(said(bytes, Strictness::kOff), "") << body;
  }
}

// SPIRV-Tools has no rule for these.
TEST(Strictness, WhatTheValidatorLeavesOutIsCheckedAlways) {
  const std::string dots = "%i8 = OpTypeInt 8 0\n%b4 = OpTypeVector %i8 4\n";
  const std::string extensions =
      "OpCapability Int8\nOpCapability DotProduct\nOpCapability DotProductInput4x8Bit\n"
      "OpExtension \"SPV_KHR_integer_dot_product\"";
  const auto dot = [&](const std::string& operands) {
    return assemble(compute_module("", dots,
                                   "%main = OpFunction %void None %void_fn\n%entry = OpLabel\n"
                                   "%v = OpBitcast %b4 %u1\n%r = OpUDotKHR %u32 " +
                                       operands + "\nOpReturn\nOpFunctionEnd",
                                   extensions));
  };
  const auto matrix = [](const std::string& stride) {
    return assemble(compute_module(
        "OpMemberDecorate %block 0 Offset 0\nOpMemberDecorate %block 1 Offset 16\n"
        "OpMemberDecorate %block 1 ColMajor\nOpDecorate %many ArrayStride 16\n" +
            stride,
        "%v2 = OpTypeVector %f32 2\n%m2 = OpTypeMatrix %v2 2\n%n3 = OpConstant %u32 3\n"
        "%many = OpTypeArray %m2 %n3\n%block = OpTypeStruct %u32 %many\n",
        "%main = OpFunction %void None %void_fn\n%entry = OpLabel\nOpReturn\nOpFunctionEnd"));
  };
  for (const Strictness how : {Strictness::kStrict, Strictness::kRelaxed, Strictness::kOff}) {
    EXPECT_EQ(said(dot("%v %v"), how), "");
    EXPECT_NE(said(dot("%u1 %v"), how).find("OpUDot"), std::string::npos);
    EXPECT_NE(said(dot("%u1 %u1"), how).find("OpUDot"), std::string::npos);
    EXPECT_EQ(said(matrix("OpMemberDecorate %block 1 MatrixStride 8"), how), "");
    const std::string sentence = said(matrix(""), how);
    EXPECT_NE(sentence.find("member 1 of"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("MatrixStride"), std::string::npos) << sentence;
  }
}

// The packaged version lets these through.
TEST(Strictness, TypesOfWhatSubgroupsDoAreCheckedAlways) {
  const auto subgroup = [](const std::string& body) {
    return assemble(compute_module(
        "", "%three = OpConstant %u32 3\n%f1 = OpConstant %f32 1\n%v2 = OpTypeVector %u32 2\n",
        "%main = OpFunction %void None %void_fn\n%entry = OpLabel\n%r = " + body +
            "\nOpReturn\nOpFunctionEnd",
        "OpCapability GroupNonUniform\nOpCapability GroupNonUniformArithmetic\n"
        "OpCapability GroupNonUniformShuffle"));
  };
  for (const Strictness how : {Strictness::kStrict, Strictness::kRelaxed, Strictness::kOff}) {
    EXPECT_EQ(said(subgroup("OpGroupNonUniformIAdd %u32 %three Reduce %u1"), how), "");
    EXPECT_EQ(said(subgroup("OpGroupNonUniformFAdd %f32 %three Reduce %f1"), how), "");
    EXPECT_EQ(said(subgroup("OpGroupNonUniformShuffle %f32 %three %f1 %u1"), how), "");
    for (const std::string bad : {"OpGroupNonUniformFAdd %u32 %three Reduce %u1",
                                  "OpGroupNonUniformIAdd %f32 %three Reduce %f1",
                                  "OpGroupNonUniformLogicalAnd %u32 %three Reduce %u1",
                                  "OpGroupNonUniformIAdd %v2 %three Reduce %u1",
                                  "OpGroupNonUniformShuffle %u32 %three %f1 %u1",
                                  "OpGroupNonUniformShuffle %f32 %three %f1 %f1"})
      EXPECT_NE(said(subgroup(bad), how), "") << bad;
  }
}

TEST(Strictness, ComesFromTheOptionThenTheEnvironment) {
  ASSERT_EQ(::unsetenv("SOKR_VALIDATE"), 0);
  EXPECT_EQ(*strictness_from(std::nullopt), Strictness::kRelaxed);
  ASSERT_EQ(::setenv("SOKR_VALIDATE", "off", 1), 0);
  EXPECT_EQ(*strictness_from(std::nullopt), Strictness::kOff);
  EXPECT_EQ(*strictness_from("strict"), Strictness::kStrict);
  EXPECT_EQ(*strictness_from("relaxed"), Strictness::kRelaxed);
  ASSERT_EQ(::setenv("SOKR_VALIDATE", "lax", 1), 0);
  EXPECT_EQ(strictness_from(std::nullopt).failure().sentence,
            "SOKR_VALIDATE is 'lax'; it can be strict, relaxed or off");
  EXPECT_EQ(strictness_from("never").failure().sentence,
            "the option spirv.validate is 'never'; it can be strict, relaxed or off");
  ASSERT_EQ(::unsetenv("SOKR_VALIDATE"), 0);
}

// A logical pointer has no bits, which the validator of SPIRV-Tools does not say.
TEST(Strictness, BitsOfPointersWithoutAnAddressAreInvalidWhoeverJudges) {
  const auto with = [](std::string_view after) {
    std::string text = std::string("OpCapability Shader\n") + std::string(kBuffer);
    const std::string_view store = "OpStore %at %u1\n";
    return assemble(text.insert(text.find(store) + store.size(), after), SPV_ENV_UNIVERSAL_1_3);
  };
  for (const Strictness strictness :
       {Strictness::kOff, Strictness::kRelaxed, Strictness::kStrict}) {
    EXPECT_EQ("", said(with("%same = OpBitcast %u32 %u1\n"), strictness));
    const std::string sentence = said(with("%bits = OpBitcast %u32 %at\n"), strictness);
    EXPECT_NE(std::string::npos, sentence.find("OpBitcast")) << sentence;
  }
}

}  // namespace
}  // namespace sokr::spirv
