// SPDX-License-Identifier: MIT OR Apache-2.0
#include "newer_kernels.hpp"
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

using Size = std::array<std::uint32_t, 3>;

const char* const kHead = R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
)";
const char* const kTypes = R"(
%void = OpTypeVoid
%u32 = OpTypeInt 32 0
%v3 = OpTypeVector %u32 3
%void_fn = OpTypeFunction %void
%x = OpSpecConstant %u32 16
%y = OpSpecConstant %u32 2
%one = OpConstant %u32 1
%size = OpSpecConstantComposite %v3 %x %y %one
%double = OpSpecConstantOp %u32 CompositeExtract %size 0
)";
const char* const kBody = R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd
)";

TEST(EntryPoints, LiteralLocalSize) {
  const auto module = decode_ok(assemble(compute_main("OpReturn")));
  const EntryPoint& entry = module->entry_points()[0];
  EXPECT_EQ(entry.name, "main");
  EXPECT_EQ(entry.local_size, (Size{8, 4, 2}));
  EXPECT_EQ(entry.local_size_source, LocalSizeSource::kLiteral);
  EXPECT_EQ(entry.local_size_spec_ids, (Size{UINT32_MAX, UINT32_MAX, UINT32_MAX}));
}

Bytes with_local_size_id() {
  return assemble(std::string(kHead) + R"(
OpEntryPoint GLCompute %main "main"
OpExecutionModeId %main LocalSizeId %x %y %one
OpDecorate %x SpecId 10
OpDecorate %y SpecId 11
)" + kTypes + kBody,
                  SPV_ENV_UNIVERSAL_1_6);
}

TEST(EntryPoints, LocalSizeIdFollowsSpecialization) {
  const auto plain = decode_ok(with_local_size_id());
  EXPECT_EQ(plain->version(), 0x00010600u);
  EXPECT_EQ(plain->entry_points()[0].local_size, (Size{16, 2, 1}));
  EXPECT_EQ(plain->entry_points()[0].local_size_source, LocalSizeSource::kId);
  EXPECT_EQ(plain->entry_points()[0].local_size_spec_ids, (Size{10, 11, UINT32_MAX}));
  const SokrIrSpecValue value{11, 4, 9};
  const auto given = decode_ok(with_local_size_id(), {.specializations = {&value, 1}});
  EXPECT_EQ(given->entry_points()[0].local_size, (Size{16, 9, 1}));
}

TEST(EntryPoints, ZeroLocalSizeIsTheCallersFault) {
  const SokrIrSpecValue value{10, 4, 0};
  EXPECT_EQ(refusal(with_local_size_id(), {.specializations = {&value, 1}}, SOKR_INVALID_INPUT),
            "the workgroup size of 'main' is 0x2x1, every number has to be at least 1");
}

Bytes with_workgroup_size() {
  return assemble(std::string(kHead) + R"(
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpName %double "double"
OpDecorate %x SpecId 0
OpDecorate %y SpecId 1
OpDecorate %size BuiltIn WorkgroupSize
)" + kTypes + kBody);
}

std::uint64_t folded_x(const Module& module) {
  for (const Constant& constant : module.constants()) {
    if (module.name(constant.id) == "double") return constant.bits;
  }
  return 0;
}

TEST(EntryPoints, WorkgroupSizeConstantOverridesLocalSize) {
  const auto plain = decode_ok(with_workgroup_size());
  EXPECT_EQ(plain->entry_points()[0].local_size, (Size{16, 2, 1}));
  EXPECT_EQ(plain->entry_points()[0].local_size_source, LocalSizeSource::kBuiltInConstant);
  EXPECT_EQ(plain->entry_points()[0].local_size_spec_ids, (Size{0, 1, UINT32_MAX}));
  const SokrIrSpecValue value{0, 4, 64};
  const auto given = decode_ok(with_workgroup_size(), {.specializations = {&value, 1}});
  EXPECT_EQ(given->entry_points()[0].local_size, (Size{64, 2, 1}));
  EXPECT_EQ(folded_x(*given), 64u);
}

TEST(EntryPoints, ForAnyValuesSizesThatTheyDecideAreOne) {
  for (const Bytes& bytes : {with_local_size_id(), with_workgroup_size()}) {
    const auto module = decode_ok(bytes, {.any_values = true});
    EXPECT_EQ(module->entry_points()[0].local_size, (Size{1, 1, 1}));
    EXPECT_NE(module->entry_points()[0].local_size_spec_ids[0], UINT32_MAX);
  }
  const auto literal = decode_ok(assemble(compute_main("OpReturn")), {.any_values = true});
  EXPECT_EQ(literal->entry_points()[0].local_size, (Size{8, 4, 2}));
}

// Also by an expression, and where a vector as a whole is chosen: no id says so.
TEST(EntryPoints, AxesThatALaunchDecidesAreOpen) {
  using test::MatrixKernel;
  const auto open = [](const Bytes& bytes) {
    EXPECT_EQ(decode_ok(bytes)->entry_points()[0].open_local_size, 0);
    return decode_ok(bytes, {.any_values = true})->entry_points()[0].open_local_size;
  };
  EXPECT_EQ(open(assemble(compute_main("OpReturn"))), 0b000);
  EXPECT_EQ(open(with_local_size_id()), 0b011);
  EXPECT_EQ(open(with_workgroup_size()), 0b011);
  EXPECT_EQ(open(MatrixKernel{.size = MatrixKernel::Size::kExpression}.bytes()), 0b001);
  EXPECT_EQ(open(MatrixKernel{.size = MatrixKernel::Size::kChosen}.bytes()), 0b111);
}

TEST(EntryPoints, CallersLocalSizeOverridesAndReachesTheConstant) {
  const auto module = decode_ok(with_workgroup_size(), {.local_size = {7, 1, 3}});
  EXPECT_EQ(module->entry_points()[0].local_size, (Size{7, 1, 3}));
  EXPECT_EQ(module->entry_points()[0].local_size_source, LocalSizeSource::kOverride);
  EXPECT_EQ(folded_x(*module), 7u);
  EXPECT_EQ(refusal(with_workgroup_size(), {.local_size = {7, 0, 3}}, SOKR_INVALID_INPUT),
            "the workgroup size of 'main' is 7x0x3, every number has to be at least 1");
}

TEST(EntryPoints, AreFoundByName) {
  const auto module = decode_ok(assemble(std::string(kHead) + R"(
OpEntryPoint GLCompute %main "first"
OpEntryPoint GLCompute %other "second"
OpExecutionMode %main LocalSize 1 1 1
OpExecutionMode %other LocalSize 4 1 1
)" + kTypes + kBody + R"(
%other = OpFunction %void None %void_fn
%label = OpLabel
OpReturn
OpFunctionEnd)"));
  const auto second = module->entry_point("second");
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->local_size[0], 4u);
  EXPECT_EQ(module->entry_point("").failure().sentence,
            "the module has 2 entry points, name one of 'first', 'second'");
  EXPECT_EQ(module->entry_point("third").failure().sentence,
            "the module has no compute entry point 'third'; it has 'first', 'second'");
}

TEST(EntryPoints, OtherStagesAreDecodedButNotOffered) {
  const auto module = decode_ok(assemble(std::string(kHead) + R"(
OpEntryPoint Fragment %main "main"
OpExecutionMode %main OriginUpperLeft
)" + kTypes + kBody));
  EXPECT_TRUE(module->entry_points().empty());
  EXPECT_EQ(module->functions().size(), 1u);
  EXPECT_EQ(module->entry_point("main").failure().sentence,
            "the module has no compute entry point; an OpEntryPoint GLCompute is needed");
  EXPECT_EQ(module->entry_point("").code(), SOKR_INVALID_INPUT);
}

TEST(EntryPoints, ExecutionModes) {
  Bytes bytes = assemble(std::string(R"(
OpCapability Shader
OpCapability DenormPreserve
OpCapability DenormFlushToZero
OpCapability SignedZeroInfNanPreserve
OpCapability RoundingModeRTE
OpCapability RoundingModeRTZ
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpExecutionMode %main DenormPreserve 16
OpExecutionMode %main DenormPreserve 64
OpExecutionMode %main DenormFlushToZero 32
OpExecutionMode %main SignedZeroInfNanPreserve 32
OpExecutionMode %main RoundingModeRTE 16
OpExecutionMode %main RoundingModeRTZ 32
OpExecutionMode %main SubgroupSize 16
OpExecutionMode %main SubgroupUniformControlFlowKHR
OpExecutionMode %main Xfb
)") + kTypes + kBody);
  // MaximallyReconvergesKHR, which the assembler does not know, takes the place of Xfb.
  bytes = replace_operand(std::move(bytes), spv::Op::OpExecutionMode, 2,
                          static_cast<std::uint32_t>(spv::ExecutionMode::Xfb), 6023);
  const auto module = decode_ok(bytes);
  const EntryPoint& entry = module->entry_points()[0];
  EXPECT_EQ(entry.float_controls.denorm_preserve, 1 | 4);
  EXPECT_EQ(entry.float_controls.denorm_flush_to_zero, 2);
  EXPECT_EQ(entry.float_controls.signed_zero_inf_nan_preserve, 2);
  EXPECT_EQ(entry.float_controls.rounding_rte, 1);
  EXPECT_EQ(entry.float_controls.rounding_rtz, 2);
  EXPECT_EQ(entry.required_subgroup_size, 16u);
  EXPECT_TRUE(entry.maximally_reconverges);
  EXPECT_TRUE(entry.subgroup_uniform_control_flow);
}

TEST(EntryPoints, OneHasOneWorkgroupSize) {
  const auto with = [](const std::string& modes) {
    return assemble(R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
)" + modes + kTypes +
                    kBody);
  };
  const std::string size = "OpExecutionMode %main LocalSize 32 1 1\n";
  EXPECT_EQ(decode_ok(with(size + size))->entry_points()[0].local_size[0], 32u);
  const std::string by_id = "OpExecutionModeId %main LocalSizeId %x %y %one\n";
  for (const std::string& both : {size + "OpExecutionMode %main LocalSize 16 1 1\n", size + by_id,
                                  by_id + size, by_id + by_id})
    EXPECT_NE(refusal(with(both)).find("the workgroup size of 'main' is given twice"),
              std::string::npos)
        << both;
}

// A constant that is converted, and one or two kernels with modes.
std::string converted(const std::string& modes) {
  return R"(
OpCapability Shader
OpCapability Float16
OpCapability Float64
OpCapability RoundingModeRTZ
OpCapability DenormFlushToZero
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpEntryPoint GLCompute %second "second"
)" + modes +
         R"(
%void = OpTypeVoid
%f16 = OpTypeFloat 16
%f64 = OpTypeFloat 64
%wide = OpSpecConstant %f64 2047.9
%half = OpSpecConstantOp %f16 FConvert %wide
%fn = OpTypeFunction %void
%main = OpFunction %void None %fn
%one = OpLabel
OpReturn
OpFunctionEnd
%second = OpFunction %void None %fn
%two = OpLabel
OpReturn
OpFunctionEnd
)";
}

std::uint64_t half_of(const Module& module) {
  for (const Constant& constant : module.constants())
    if (module.type(constant.type)->width == 16) return constant.bits;
  return 0;
}

TEST(EntryPoints, ConstantsAreRoundedAsTheModesSay) {
  EXPECT_EQ(half_of(*decode_ok(assemble(converted("")))), 0x6800u);
  EXPECT_EQ(half_of(*decode_ok(assemble(converted("OpExecutionMode %main RoundingModeRTZ 16\n"
                                                  "OpExecutionMode %second RoundingModeRTZ 16")))),
            0x67FFu);
  EXPECT_EQ(half_of(*decode_ok(assemble(converted("OpExecutionMode %main RoundingModeRTZ 32")))),
            0x6800u);
  const std::string sentence = refusal(
      assemble(converted("OpExecutionMode %main RoundingModeRTZ 16")), {}, SOKR_CAPABILITY_DENIED);
  EXPECT_NE(sentence.find("entry points differ"), std::string::npos) << sentence;
}

TEST(EntryPoints, FloatControlsAreOfThreeWidths) {
  EXPECT_NE(refusal(assemble(converted("OpExecutionMode %main RoundingModeRTZ 8")))
                .find("RoundingModeRTZ is of floats of 16, 32 or 64 bits, not 8"),
            std::string::npos);
}

const char* const kCalls = R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpEntryPoint GLCompute %other "other"
OpExecutionMode %main LocalSize 1 1 1
OpExecutionMode %other LocalSize 1 1 1
OpName %used "used"
OpName %deep "deep"
OpName %lonely "lonely"
%void = OpTypeVoid
%u32 = OpTypeInt 32 0
%void_fn = OpTypeFunction %void
%u2 = OpConstant %u32 2
%u264 = OpConstant %u32 264
%u0 = OpConstant %u32 0
%arr = OpTypeArray %u32 %u2
%wg = OpTypePointer Workgroup %u32
%wga = OpTypePointer Workgroup %arr
%used = OpVariable %wg Workgroup
%deep = OpVariable %wga Workgroup
%lonely = OpVariable %wg Workgroup
%main = OpFunction %void None %void_fn
%m = OpLabel
OpStore %used %u0
%c1 = OpFunctionCall %void %middle
%c2 = OpFunctionCall %void %middle
OpReturn
OpFunctionEnd
%middle = OpFunction %void None %void_fn
%n = OpLabel
%c3 = OpFunctionCall %void %leaf
OpReturn
OpFunctionEnd
%leaf = OpFunction %void None %void_fn
%o = OpLabel
%p = OpAccessChain %wg %deep %u0
OpStore %p %u0
OpControlBarrier %u2 %u2 %u264
OpReturn
OpFunctionEnd
%other = OpFunction %void None %void_fn
%q = OpLabel
OpStore %lonely %u0
OpReturn
OpFunctionEnd
)";

TEST(EntryPoints, GlobalsAndBarriersFollowTheCalls) {
  const auto module = decode_ok(assemble(kCalls));
  const EntryPoint& main = **module->entry_point("main");
  const EntryPoint& other = **module->entry_point("other");
  ASSERT_EQ(main.globals.size(), 2u);
  EXPECT_EQ(module->name(main.globals[0]), "used");
  EXPECT_EQ(module->name(main.globals[1]), "deep");
  EXPECT_EQ(main.workgroup_bytes, 12u);
  ASSERT_EQ(other.globals.size(), 1u);
  EXPECT_EQ(module->name(other.globals[0]), "lonely");
  EXPECT_EQ(other.workgroup_bytes, 4u);
  EXPECT_TRUE(module->function(main.function)->has_barrier);
  EXPECT_FALSE(module->function(other.function)->has_barrier);
  EXPECT_EQ(module->function(main.function)->callees.size(), 1u);
}

TEST(EntryPoints, RecursionIsRefused) {
  std::string text = kCalls;
  const std::string barrier = "OpControlBarrier %u2 %u2 %u264";
  text.replace(text.find(barrier), barrier.size(), "%c4 = OpFunctionCall %void %middle");
  EXPECT_NE(refusal(assemble(text)).find("recursion is not allowed"), std::string::npos);
}

}  // namespace
}  // namespace sokr::spirv
