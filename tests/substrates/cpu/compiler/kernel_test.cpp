// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Small kernels of every pitfall, compiled for every register width of this machine with
// several jam factors, against the reference interpreter, bit by bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

// Binding 0 is read, binding 1 written, both u32[count]; push constant n.
TestLaunch standard_launch(std::uint32_t count, std::uint32_t local, std::uint32_t seed = 1) {
  TestLaunch launch;
  std::mt19937 random(seed);
  std::vector<std::uint32_t> in(count);
  for (auto& x : in) x = random() % 4 == 0 ? random() : random() % 64;
  launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(count * 4, 0xCD)}};
  launch.push = bytes_of<std::uint32_t>({count});
  launch.groups = {(count + local - 1) / local, 1, 1};
  return launch;
}

void expect_same(const Bytes& module, const TestLaunch& launch, std::uint32_t subgroup = 32) {
  TestLaunch expected = launch;
  auto reference = run_reference(module, expected, subgroup);
  ASSERT_TRUE(reference.ok()) << reference.failure().sentence;
  for (auto options : all_options()) {
    options.subgroup_size = subgroup;
    TestLaunch actual = launch;
    auto result = run_compiled(module, options, actual);
    ASSERT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
    for (std::size_t k = 0; k < launch.buffers.size(); ++k) {
      auto want = values_of<std::uint32_t>(expected.buffers[k].data);
      auto got = values_of<std::uint32_t>(actual.buffers[k].data);
      for (std::size_t i = 0; i < want.size(); ++i)
        ASSERT_EQ(want[i], got[i]) << describe(options) << ", buffer " << k << ", element " << i;
    }
  }
}

class Shader : public testing::TestWithParam<const char*> {};

TEST_P(Shader, AgreesWithTheReference) {
  Bytes module = read_shader(GetParam());
  for (std::uint32_t count : {1u, 31u, 100u, 257u}) expect_same(module, standard_launch(count, 64));
}

INSTANTIATE_TEST_SUITE_P(Kernels, Shader,
                         testing::Values("masks", "loops", "switches", "returns", "privates",
                                         "tables", "regions", "barrier_loop", "barrier_call",
                                         "private_across_barriers", "indices", "subgroups",
                                         "subgroups_diverged", "atomics", "counters",
                                         "narrow_types", "rows", "odd_local_size", "structs",
                                         "matrices", "byte_dots", "held", "wander", "gaps",
                                         "byte_sums", "strides"));

TEST(Held, WhateverTheLaunchSays) {
  Bytes module = read_shader("held");
  for (std::uint32_t count : {38u, 39u, 41u, 64u, 128u, 130u})
    expect_same(module, standard_launch(count, 64, count));
}

TEST(Gaps, OfEveryKind) {
  Bytes module = read_shader("gaps");
  for (std::uint32_t count : {60u, 61u, 62u, 63u, 64u, 120u, 121u, 122u, 123u})
    expect_same(module, standard_launch(count, 64, count));
}

// Distances that stay inside, that leave at one row or another, and that wrap.
TEST(EvenRows, AtEveryDistance) {
  Bytes module = read_shader("even_rows");
  for (std::uint32_t pitch : {0u, 1u, 16u, 17u, 40u, 0xFFFF'FFF0u, 0xFFFF'FFFFu, 0x1000'0000u,
                              0x2000'0001u, 0x4000'0000u, 0x8000'0000u, 0x7FFF'FFFFu})
    for (std::uint32_t base : {0u, 5u, 200u, 0xFFFF'FF00u}) {
      SCOPED_TRACE(fmt::format("pitch {:#x}, base {}", pitch, base));
      TestLaunch launch = standard_launch(300, 128, pitch);
      launch.buffers.push_back({0, 2, Bytes(400 * 4, 0xAB)});
      launch.push = bytes_of<std::uint32_t>({300, pitch, base});
      expect_same(module, launch);
    }
}

TEST(Subgroups, OfEverySize) {
  Bytes module = read_shader("subgroups_diverged");
  for (std::uint32_t size : {4u, 8u, 16u, 64u}) {
    SCOPED_TRACE(size);
    expect_same(module, standard_launch(150, 64), size);
  }
}

TEST(Bounds, ReadsBeyondAreZeroAndWritesAreDropped) {
  Bytes module = read_shader("bounds");
  for (std::uint32_t count : {0u, 1u, 5u, 16u, 63u, 64u, 65u}) {
    TestLaunch launch = standard_launch(128, 64);
    launch.buffers[0].data.resize(count * 4);
    launch.buffers[1].data.resize(count * 4);
    expect_same(module, launch);
  }
}

TEST(Bounds, CountersBeyondAreDropped) {
  Bytes module = read_shader("counters");
  for (std::uint32_t count : {0u, 1u, 7u, 16u, 63u, 64u}) {
    SCOPED_TRACE(count);
    TestLaunch launch = standard_launch(128, 64);
    launch.buffers[1].data.resize(count * 4);
    expect_same(module, launch);
  }
}

TEST(Image, SurvivesOnlyIntact) {
  auto decoded = spirv::decode(read_shader("masks"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  ASSERT_TRUE(entry.ok());
  auto kernel = compile(**decoded, **entry, {});
  ASSERT_TRUE(kernel.ok()) << kernel.failure().sentence;
  Bytes bytes = kernel->serialise();
  EXPECT_TRUE(CompiledKernel::deserialise(bytes).ok());
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    Bytes damaged = bytes;
    damaged[at] ^= 1u << (at % 8);
    EXPECT_FALSE(CompiledKernel::deserialise(damaged).ok()) << "byte " << at;
    EXPECT_FALSE(CompiledKernel::deserialise(std::span(bytes).first(at)).ok()) << "first " << at;
  }
}

TEST(Image, IsTheSameEveryTime) {
  auto decoded = spirv::decode(read_shader("loops"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto first = compile(**decoded, **entry, {});
  auto second = compile(**decoded, **entry, {});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->serialise(), second->serialise());
}

TEST(Abort, EndsAnEndlessKernel) {
  auto decoded = spirv::decode(read_shader("endless"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto kernel = compile(**decoded, **entry, {});
  ASSERT_TRUE(kernel.ok()) << kernel.failure().sentence;
  auto code = MappedKernel::map(*kernel);
  ASSERT_TRUE(code.ok());
  std::vector<std::uint32_t> in(64, 0), out(64, 0);
  KernelBinding bindings[] = {{in.data(), 256}, {out.data(), 256}};
  std::uint32_t push[16] = {64}, abort = 1;
  alignas(64) static std::uint8_t scratch[65536];
  ASSERT_LE(kernel->scratch_size, sizeof scratch);
  KernelContext context;
  context.bindings = bindings;
  context.push_constants = push;
  context.abort = &abort;
  code->entry()(&context, 0, 1, scratch);
}

TEST(Check, NamesWhatItRefuses) {
  Bytes module = read_shader("image");
  auto decoded = spirv::decode(module);
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto result = check(**decoded, **entry);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(result.failure().sentence.find("binding 0.0 is an image"), std::string::npos)
      << result.failure().sentence;
}

}  // namespace
}  // namespace sokr::cpu::test
