// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomic updates of floats under the modes of the float controls: what is stored is rounded and
// flushed as what any other instruction makes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

constexpr std::uint32_t kThreads = 64;

struct Update {
  std::uint64_t memory, by, stored;
};

struct Row {
  std::uint32_t width;
  const char* mode;
  const char* op;
  const char* capability;  // beside the width's number
  std::array<Update, 3> updates;
};

// 1 plus three quarters of a unit, and of less than half of one, and a number without a rest; sums
// of two that nearly cancel each other; the lesser and greater of a denormal and something else.
constexpr Row kRows[] = {
    {16,
     "RoundingModeRTZ",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x3C00, 0x1200, 0x3C00}, {0x3C00, 0x0F00, 0x3C00}, {0xBC00, 0x9200, 0xBC00}}}},
    {32,
     "RoundingModeRTZ",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x3F800000, 0x33C00000, 0x3F800000},
       {0x3F800000, 0x34000000, 0x3F800001},
       {0xBF800000, 0xB3C00000, 0xBF800000}}}},
    {64,
     "RoundingModeRTZ",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x3FF0000000000000, 0x3CA8000000000000, 0x3FF0000000000000},
       {0x3FF0000000000000, 0x3CB0000000000000, 0x3FF0000000000001},
       {0xBFF0000000000000, 0xBCA8000000000000, 0xBFF0000000000000}}}},
    {16,
     "RoundingModeRTE",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x3C00, 0x1200, 0x3C01}, {0x3C00, 0x0F00, 0x3C00}, {0xBC00, 0x9200, 0xBC01}}}},
    {16,
     "DenormFlushToZero",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x0600, 0x8500, 0}, {0x8600, 0x0500, 0x8000}, {0x3C00, 0x3C00, 0x4000}}}},
    {32,
     "DenormFlushToZero",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x00900000, 0x80800000, 0},
       {0x80900000, 0x00800000, 0x80000000},
       {0x3F800000, 0x3F800000, 0x40000000}}}},
    {64,
     "DenormFlushToZero",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x0018000000000000, 0x8010000000000000, 0},
       {0x8018000000000000, 0x0010000000000000, 0x8000000000000000},
       {0x3FF0000000000000, 0x3FF0000000000000, 0x4000000000000000}}}},
    {16,
     "DenormPreserve",
     "OpAtomicFAddEXT",
     "Add",
     {{{0x0600, 0x8500, 0x0100}, {0x8600, 0x0500, 0x8100}, {0x3C00, 0x3C00, 0x4000}}}},
    {16,
     "DenormFlushToZero",
     "OpAtomicFMinEXT",
     "MinMax",
     {{{0x0001, 0x3C00, 0}, {0x3C00, 0x8001, 0x8000}, {0x4000, 0x3C00, 0x3C00}}}},
    {32,
     "DenormFlushToZero",
     "OpAtomicFMaxEXT",
     "MinMax",
     {{{0x00000001, 0xBF800000, 0},
       {0xBF800000, 0x80000001, 0x80000000},
       {0x3F800000, 0x40000000, 0x40000000}}}},
    {64,
     "DenormFlushToZero",
     "OpAtomicFMinEXT",
     "MinMax",
     {{{1, 0x3FF0000000000000, 0},
       {0x3FF0000000000000, 0x8000000000000001, 0x8000000000000000},
       {0x4000000000000000, 0x3FF0000000000000, 0x3FF0000000000000}}}},
};

// Each invocation updates an element of its own by that of another buffer; `shared`: in a Workgroup
// variable, from where it goes back.
std::string text_of(const Row& row, bool shared) {
  std::string widths = fmt::format("OpCapability AtomicFloat{}{}EXT\n", row.width, row.capability);
  if (row.width == 16)
    widths += "OpCapability Float16\nOpCapability StorageBuffer16BitAccess\n";
  else if (row.width == 64)
    widths += "OpCapability Float64\n";
  const bool sums = std::string_view(row.capability) == "Add";
  const char* extension = sums && row.width == 16 ? "SPV_EXT_shader_atomic_float16_add"
                          : sums                  ? "SPV_EXT_shader_atomic_float_add"
                                                  : "SPV_EXT_shader_atomic_float_min_max";
  const std::string update = shared ? fmt::format(R"(
    %value = OpLoad %t %place
    %mine = OpAccessChain %shared_place %shared %index
    OpStore %mine %value
    %old = {} %t %mine %u1 %u0 %by
    %new = OpLoad %t %mine
    OpStore %place %new)",
                                                  row.op)
                                    : fmt::format("%old = {} %t %place %u1 %u0 %by", row.op);
  return fmt::format(
      R"(
    OpCapability Shader
    OpCapability {mode}
    {widths}
    OpExtension "SPV_KHR_float_controls"
    OpExtension "{extension}"
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %id %memory %others {interface}
    OpExecutionMode %main LocalSize {threads} 1 1
    OpExecutionMode %main {mode} {width}
    OpDecorate %id BuiltIn LocalInvocationIndex
    OpDecorate %array ArrayStride {stride}
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    OpDecorate %memory DescriptorSet 0
    OpDecorate %memory Binding 0
    OpDecorate %others DescriptorSet 0
    OpDecorate %others Binding 1
    %void = OpTypeVoid
    %fn = OpTypeFunction %void
    %u = OpTypeInt 32 0
    %t = OpTypeFloat {width}
    %u0 = OpConstant %u 0
    %u1 = OpConstant %u 1
    %count = OpConstant %u {threads}
    %array = OpTypeRuntimeArray %t
    %block = OpTypeStruct %array
    %buffer = OpTypePointer StorageBuffer %block
    %element = OpTypePointer StorageBuffer %t
    %memory = OpVariable %buffer StorageBuffer
    %others = OpVariable %buffer StorageBuffer
    %values = OpTypeArray %t %count
    %shared_values = OpTypePointer Workgroup %values
    %shared_place = OpTypePointer Workgroup %t
    {variable}
    %input = OpTypePointer Input %u
    %id = OpVariable %input Input
    %main = OpFunction %void None %fn
    %entry = OpLabel
    %index = OpLoad %u %id
    %place = OpAccessChain %element %memory %u0 %index
    %other = OpAccessChain %element %others %u0 %index
    %by = OpLoad %t %other
    {update}
    OpReturn
    OpFunctionEnd
    )",
      fmt::arg("mode", row.mode), fmt::arg("widths", widths), fmt::arg("extension", extension),
      fmt::arg("threads", kThreads), fmt::arg("width", row.width),
      fmt::arg("stride", row.width / 8), fmt::arg("interface", shared ? "%shared" : ""),
      fmt::arg("variable", shared ? "%shared = OpVariable %shared_values Workgroup" : ""),
      fmt::arg("update", update));
}

template <class F>
Bytes elements(const Row& row, F value) {
  const std::size_t size = row.width / 8;
  Bytes bytes(kThreads * size);
  for (std::uint32_t i = 0; i < kThreads; ++i) {
    const std::uint64_t bits = value(row.updates[i % row.updates.size()]);
    std::memcpy(bytes.data() + i * size, &bits, size);
  }
  return bytes;
}

// How many invocations move together makes no difference to an update.
std::vector<CompileOptions> one_of_each_set() {
  std::vector<CompileOptions> all = all_options();
  if (all.size() > 1)
    std::erase_if(all, [](const CompileOptions& one) { return one.interleave != 0; });
  return all;
}

TEST(FloatAtomics, RoundAndFlushAsTheKernelAsks) {
  for (const Row& row : kRows)
    for (const bool shared : {false, true}) {
      const std::string what = fmt::format("{} of {} bits, {}, {}", row.op, row.width, row.mode,
                                           shared ? "Workgroup memory" : "a buffer");
      const Bytes module = assemble(text_of(row, shared));
      TestLaunch launch;
      launch.buffers = {{0, 0, elements(row, [](const Update& u) { return u.memory; })},
                        {0, 1, elements(row, [](const Update& u) { return u.by; })}};
      const Bytes expected = elements(row, [](const Update& u) { return u.stored; });
      TestLaunch interpreted = launch;
      const auto reference = run_reference(module, interpreted);
      ASSERT_TRUE(reference) << what << ": " << reference.failure().sentence;
      EXPECT_EQ(interpreted.buffers[0].data, expected) << what << ", interpreted";
      for (const CompileOptions& options : one_of_each_set()) {
        TestLaunch compiled = launch;
        const auto ran = run_compiled(module, options, compiled);
        ASSERT_TRUE(ran) << what << ", " << describe(options) << ": " << ran.failure().sentence;
        EXPECT_EQ(compiled.buffers[0].data, expected) << what << ", " << describe(options);
      }
    }
}

}  // namespace
}  // namespace sokr::cpu::test
