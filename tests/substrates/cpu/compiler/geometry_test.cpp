// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How invocations are laid out in registers: what holds of every choice, and what is chosen.
#include "compiler/analysis/geometry.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "compiler/analysis/trace.hpp"
#include "compiler/target/traits.hpp"
#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

constexpr const char* kPlain = "%n = OpIAdd %uint %x %own\nOpStore %out_place %n\n";
constexpr const char* kVote =
    "%c = OpULessThan %bool %own %u4\n%any = OpGroupNonUniformAny %bool %u3 %c\n"
    "%n = OpSelect %uint %any %x %own\nOpStore %out_place %n\n";
constexpr const char* kBarrier =
    "%cell = OpAccessChain %cell_place %shared %l\nOpStore %cell %own\n"
    "OpControlBarrier %u2 %u2 %u264\n%n = OpLoad %uint %cell\nOpStore %out_place %n\n";
// A walk along links, which each leaves when it comes to an end.
constexpr const char* kWander =
    "OpBranch %head\n%head = OpLabel\n%at = OpPhi %uint %own %start %far %next\n"
    "%sum = OpPhi %uint %u0 %start %sum_new %next\nOpLoopMerge %after %next None\n"
    "OpBranch %tests\n%tests = OpLabel\n%goes = OpINotEqual %bool %at %u0\n"
    "OpBranchConditional %goes %round %after\n%round = OpLabel\n"
    "%near_place = OpAccessChain %number %in %u0 %at\n%near = OpLoad %uint %near_place\n"
    "%far_place = OpAccessChain %number %in %u0 %near\n%far = OpLoad %uint %far_place\n"
    "%sum_new = OpIAdd %uint %sum %near\nOpBranch %next\n%next = OpLabel\nOpBranch %head\n"
    "%after = OpLabel\nOpStore %out_place %sum\n";

Geometry geometry_of(const char* body, std::uint32_t size, const CompileOptions& options) {
  const std::string shared = fmt::format(
      "%u264 = OpConstant %uint 264\n%size = OpConstant %uint {}\n%row = OpTypeArray %uint %size\n"
      "%row_place = OpTypePointer Workgroup %row\n%cell_place = OpTypePointer Workgroup %uint\n"
      "%shared = OpVariable %row_place Workgroup\n",
      size);
  const Lowered lowered = lower_text(kernel_text(size, body, shared));
  return choose_geometry(lowered.program, options);
}

// A name that is given, and no place among all: nothing would ask for it.
TEST(Isas, AllThatHaveANameAreListed) {
  for (unsigned number = 0; number < 256; ++number) {
    const bool listed = std::ranges::find(kIsas, static_cast<Isa>(number)) != kIsas.end();
    EXPECT_EQ(isa_name(static_cast<Isa>(number)) != std::string_view("unknown"), listed) << number;
  }
}

TEST(Geometry, EveryInvocationHasALaneInOnePass) {
  for (Isa isa : kIsas)
    for (const char* body : {kPlain, kVote, kBarrier, kWander})
      for (std::uint32_t size : {1u, 3u, 7u, 16u, 17u, 60u, 64u, 100u, 128u, 1000u, 1024u})
        for (std::uint32_t interleave : {0u, 1u, 3u, 4u, 64u}) {
          CompileOptions options;
          options.isa = isa;
          options.interleave = interleave;
          const Geometry g = geometry_of(body, size, options);
          SCOPED_TRACE(
              fmt::format("{} {} {}: {} x {}", isa_name(isa), size, interleave, g.width, g.chunks));
          EXPECT_GE(g.passes() * g.lanes(), size);
          EXPECT_LT((g.passes() - 1) * g.lanes(), size);
          EXPECT_EQ(g.has_tail(), size % g.lanes() != 0);
          EXPECT_TRUE(g.width == 1 || g.width >= 4);
          EXPECT_LE(g.width, least_traits(isa).lanes);
        }
}

TEST(Geometry, ASubgroupIsNeverCut) {
  for (Isa isa : kIsas)
    for (std::uint32_t subgroup : {4u, 8u, 16u, 32u, 64u})
      for (std::uint32_t interleave : {0u, 1u, 2u, 3u}) {
        CompileOptions options;
        options.isa = isa;
        options.subgroup_size = subgroup;
        options.interleave = interleave;
        const Geometry g = geometry_of(kVote, 128, options);
        EXPECT_EQ(g.subgroup, subgroup);
        if (subgroup >= g.width) {
          EXPECT_EQ(g.lanes() % subgroup, 0u);
        }
      }
}

TEST(Geometry, WhatIsAskedForIsDone) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  for (std::uint32_t interleave : {1u, 2u, 4u, 8u}) {
    options.interleave = interleave;
    EXPECT_EQ(geometry_of(kPlain, 128, options).chunks, interleave);
  }
  options.interleave = 100;
  EXPECT_EQ(geometry_of(kPlain, 128, options).chunks, 8u) << "no more than there are";
  options.interleave = 0;
  options.max_interleave = 1;
  EXPECT_EQ(geometry_of(kBarrier, 128, options).chunks, 1u);
}

TEST(Geometry, AWorkgroupWithBarriersIsOnePassWhereItFits) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  EXPECT_EQ(geometry_of(kBarrier, 256, options).passes(), 1u);
  EXPECT_GT(geometry_of(kBarrier, 1024, options).passes(), 1u);
  options.isa = Isa::kSse4;
  EXPECT_GT(geometry_of(kBarrier, 256, options).passes(), 1u);
}

// A loop over passes between each two barriers costs more than what one pass keeps in memory.
TEST(Geometry, ManyBarriersAreWorthOnePassOfMoreChunksThanRegisters) {
  std::string body = "%cell = OpAccessChain %cell_place %shared %l\nOpStore %cell %own\n";
  std::string one =
      "OpControlBarrier %u2 %u2 %u264\n%n{0} = OpLoad %uint %cell\nOpStore %cell %n{0}\n";
  CompileOptions options;
  options.isa = Isa::kAvx2;
  for (int barriers = 1; barriers <= 8; ++barriers) {
    body += fmt::format(fmt::runtime(one), barriers);
    const Geometry g = geometry_of(body.c_str(), 256, options);
    EXPECT_EQ(g.passes() == 1, barriers >= 6) << barriers;
    if (barriers >= 6) {
      EXPECT_EQ(g.chunks, 32u);
    }
  }
  EXPECT_GT(geometry_of(body.c_str(), 512, options).passes(), 1u);
}

TEST(Geometry, StrangersThatWanderGoOneByOne) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  EXPECT_EQ(geometry_of(kWander, 64, options).lanes(), 1u);
  options.without = UINT64_C(1) << static_cast<unsigned>(Part::kScalarMode);
  EXPECT_EQ(geometry_of(kWander, 64, options).width, 16u);
}

TEST(Geometry, OneByOneIsOnlyForStrangers) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  options.scalar_mode = true;
  EXPECT_EQ(geometry_of(kPlain, 64, options).lanes(), 1u);
  EXPECT_EQ(geometry_of(kVote, 64, options).width, 16u);
  EXPECT_EQ(geometry_of(kBarrier, 64, options).width, 16u);
}

TEST(Geometry, SmallWorkgroupsHaveSmallRegisters) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  EXPECT_EQ(geometry_of(kPlain, 1, options).width, 4u);
  EXPECT_EQ(geometry_of(kPlain, 5, options).width, 8u);
  EXPECT_EQ(geometry_of(kPlain, 9, options).width, 16u);
}

}  // namespace
}  // namespace sokr::cpu::test
