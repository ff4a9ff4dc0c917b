// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <sokr/limits.hpp>
#include <sokr/substrate/launch_check.hpp>

#include "launch_builder.hpp"

namespace sokr::substrate {
namespace {

using testing_support::LaunchBuilder;

ir::Binding storage(std::uint32_t set, std::uint32_t binding, const char* name,
                    std::uint32_t access, std::uint64_t min_size, std::uint32_t stride = 0) {
  ir::Binding b;
  b.set = set, b.binding = binding, b.name = name, b.access = access;
  b.kind = SOKR_IR_STORAGE_BUFFER, b.min_size = min_size, b.runtime_stride = stride;
  b.data_size = min_size - stride;
  return b;
}

// x[] is read, y is { uint n; uint pad[3]; float v[]; } and written, a uniform block that
// ends with a vec3. Of the push constants { uint n; uint unread; uint16_t last; uint other[4]; }
// the code reads n and last.
ir::EntryReflection kernel() {
  ir::EntryReflection entry;
  entry.name = "main";
  entry.local_size = {64, 1, 1};
  entry.workgroup_bytes = 1024;
  entry.push_constant_size = 28;
  entry.push_constants = {{"n", 0, 4, "u32", 4},
                          {"unread", 4, 4, "u32", 0},
                          {"last", 8, 2, "u16", 10},
                          {"other", 12, 16, "u32[4]", 0}};
  entry.bindings = {storage(0, 0, "x", SOKR_IR_READ, 4, 4),
                    storage(0, 2, "y", SOKR_IR_READ | SOKR_IR_WRITE, 20, 4),
                    storage(1, 0, "", SOKR_IR_READ, 32)};
  entry.bindings[2].kind = SOKR_IR_UNIFORM_BUFFER;
  entry.bindings[2].data_size = 28;
  return entry;
}

SokrComputeLimits limits() {
  SokrComputeLimits l{};
  l.struct_size = sizeof l;
  l.max_group_count[0] = 1000, l.max_group_count[1] = l.max_group_count[2] = 100;
  l.max_local_size[0] = 256, l.max_local_size[1] = 256, l.max_local_size[2] = 64;
  l.max_local_invocations = 256;
  l.max_shared_memory = 4096;
  l.max_push_constant_size = 128;
  l.subgroup_size = 16, l.min_subgroup_size = 8, l.max_subgroup_size = 32;
  l.max_descriptor_sets = 4;
  l.max_binding_size = 1 << 20;
  return l;
}

LaunchBuilder launch() {
  LaunchBuilder b;
  b.bind(0, 0, 4, SOKR_ACCESS_READ).bind(0, 2, 16).bind(1, 0, 32, SOKR_ACCESS_READ);
  b.push.resize(12);
  return b;
}

// The bytes outlive the resolved launch, which borrows them.
struct Checked {
  std::vector<std::uint8_t> bytes;
  Result<ResolvedLaunch> result;
};

Checked check(LaunchBuilder b, const ir::EntryReflection& entry = kernel(),
              const SokrComputeLimits& l = limits(), std::uint32_t substrate = 5,
              Bounds bounds = Bounds::kRobust) {
  std::vector<std::uint8_t> bytes = b.bytes();
  const auto view = LaunchView::parse(bytes.data(), bytes.size());
  if (!view) return {bytes, view.failure()};
  auto result = check_launch(*view, entry, l, substrate, bounds);
  return {std::move(bytes), std::move(result)};
}

void expect_refused(const Checked& checked, const std::string& sentence) {
  ASSERT_FALSE(checked.result) << "expected: " << sentence;
  EXPECT_EQ(checked.result.code(), SOKR_INVALID_INPUT);
  EXPECT_EQ(checked.result.failure().sentence, sentence);
}

TEST(LaunchCheck, ResolvesInTheOrderOfTheReflection) {
  LaunchBuilder b = launch();
  std::swap(b.bindings[0], b.bindings[2]);
  b.bindings[0].offset = 16;
  b.launch.groups[0] = 3;
  b.launch.subgroup_size = 8;
  const Checked checked = check(b);
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  const ResolvedLaunch& r = *checked.result;
  ASSERT_EQ(r.bindings.size(), 3u);
  EXPECT_EQ(r.bindings[0].binding, 0u);
  EXPECT_EQ(r.bindings[1].binding, 2u);
  EXPECT_EQ(r.bindings[2].set, 1u);
  EXPECT_EQ(r.bindings[2].kind, SOKR_IR_UNIFORM_BUFFER);
  EXPECT_EQ(r.bindings[2].offset, 16u);
  EXPECT_TRUE(r.bindings[1].writes());
  EXPECT_FALSE(r.bindings[0].writes());
  EXPECT_EQ(r.elements(1).size(), 1u);
  EXPECT_EQ(r.elements(1)[0].size, 16u);
  EXPECT_EQ(r.groups[0], 3u);
  EXPECT_EQ(r.local_size[0], 64u);
  EXPECT_EQ(r.subgroup_size, 8u);
  EXPECT_EQ(r.push.size(), 12u);
  EXPECT_FALSE(r.empty);
}

TEST(LaunchCheck, WorkgroupsEndWithinTheLimitWhereverTheyStart) {
  LaunchBuilder b = launch();
  b.launch.groups[0] = 400;
  b.launch.base_groups[0] = 600;
  b.launch.base_groups[2] = 99;
  const Checked good = check(b);
  ASSERT_TRUE(good.result) << good.result.failure().sentence;
  EXPECT_EQ(good.result->base_groups, (std::array<std::uint32_t, 3>{600, 0, 99}));
  EXPECT_EQ(good.result->groups[0], 400u);
  b.launch.base_groups[2] = 100;
  expect_refused(check(b),
                 "1 workgroups in z that start at 100 (base_groups) end beyond the limit of 100");
  b.launch.base_groups[2] = 0;
  b.launch.base_groups[0] = UINT32_MAX - 399;
  expect_refused(check(b),
                 "400 workgroups in x that start at 4294966896 (base_groups) end beyond the limit "
                 "of 1000");
  SokrComputeLimits none = limits();
  none.max_group_count[0] = 0;
  expect_refused(check(b, kernel(), none),
                 "400 workgroups in x that start at 4294966896 (base_groups) end beyond the limit "
                 "of 4294967295");
  b.launch.base_groups[0] -= 1;
  EXPECT_TRUE(check(b, kernel(), none).result);
  b.launch.groups[0] = 0;
  b.launch.base_groups[0] = 1001;
  EXPECT_FALSE(check(b).result);
  b.launch.base_groups[0] = 1000;
  EXPECT_TRUE(check(b).result->empty);
}

TEST(LaunchCheck, ASubstrateMayStartEveryLaunchAtZero) {
  LaunchBuilder b = launch();
  const auto refusal = [&] {
    const auto bytes = b.bytes();
    return refuse_base_groups(*LaunchView::parse(bytes.data(), bytes.size()));
  };
  EXPECT_TRUE(refusal());
  b.launch.base_groups[1] = 3;
  const auto refused = refusal();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("starts at workgroup 0,3,0 (base_groups)"),
            std::string::npos);
}

TEST(LaunchCheck, AZeroGroupCountLaunchesNothing) {
  LaunchBuilder b = launch();
  b.launch.groups[1] = 0;
  const Checked checked = check(b);
  ASSERT_TRUE(checked.result);
  EXPECT_TRUE(checked.result->empty);
  b.launch.indirect = 4;
  b.launch.groups[0] = UINT32_MAX;
  const Checked indirect = check(b);
  ASSERT_TRUE(indirect.result) << indirect.result.failure().sentence;
  EXPECT_FALSE(indirect.result->empty);
}

TEST(LaunchCheck, RefusesMissingAndDoubleBindings) {
  LaunchBuilder b = launch();
  b.bindings.erase(b.bindings.begin() + 1);
  expect_refused(check(b),
                 "binding 0.2 (y) is missing: the kernel reads and writes a storage buffer");
  b = launch();
  b.bind(0, 2, 64);
  expect_refused(check(b), "binding 0.2 (y) is bound twice");
  b = launch();
  b.bind_null(0, 2);
  expect_refused(check(b), "binding 0.2 (y) is bound twice");
}

TEST(LaunchCheck, WhatTheEntryPointDoesNotUseIsIgnored) {
  LaunchBuilder b = launch();
  b.bind(3, 1, UINT64_C(1) << 40).bind(0, 1, 1, SOKR_ACCESS_WRITE).bind_null(0, 7, 65535);
  b.bind(0, 2, 16, SOKR_ACCESS_READ, 3);  // no element of what is no array
  b.bindings.insert(b.bindings.begin(), b.bindings.back());
  b.bindings.pop_back();
  const Checked checked = check(b);
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  EXPECT_EQ(checked.result->bindings.size(), 3u);
  EXPECT_EQ(checked.result->bindings[1].index, 0u);
  ir::EntryReflection empty;
  empty.name = "empty";
  EXPECT_TRUE(check(b, empty).result);
}

TEST(LaunchCheck, WhatNoEntryPointCouldUseIsRefused) {
  LaunchBuilder b = launch();
  b.bind(4, 1, 4);
  expect_refused(check(b), "binding 4.1 is in set 4, over the limit of 4 sets");
  b = launch();
  b.bind_null(3, 1, 1u << 20);
  expect_refused(check(b),
                 "binding 3.1 is named with index 1048576; the largest possible is 1048575");
  b = launch();
  for (std::uint32_t i = 0; i < 20; ++i) b.bind(3, 100 - i, 4);
  EXPECT_TRUE(check(b).result);
  b.bind_null(3, 90);
  expect_refused(check(b), "binding 3.90 is bound twice");
  b = launch();
  b.bind(3, 1, 4, 1, 2).bind(3, 1, 4, 1, 1).bind(3, 1, 8, 1, 2);
  expect_refused(check(b), "binding 3.1[2] is bound twice");
}

TEST(LaunchCheck, NullBindingsCount) {
  LaunchBuilder b;
  b.bind_null(0, 0).bind_null(0, 2).bind_null(1, 0);
  b.push.resize(12);
  const Checked checked = check(b);
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  for (const ResolvedBinding& r : checked.result->bindings) {
    EXPECT_EQ(r.source, SOKR_BINDING_NULL);
    EXPECT_EQ(r.size, 0u);
  }
}

TEST(LaunchCheck, AccessMustCoverWhatTheKernelDoes) {
  LaunchBuilder b = launch();
  b.bindings[1].access = SOKR_ACCESS_READ;
  expect_refused(check(b), "the kernel writes binding 0.2 (y), but it is bound for reading only");
  b = launch();
  b.bindings[0].access = SOKR_ACCESS_WRITE;
  expect_refused(check(b), "the kernel reads binding 0.0 (x), but it is bound for writing only");
  ir::EntryReflection unused = kernel();
  unused.bindings[0].access = 0;
  EXPECT_TRUE(check(b, unused).result);
}

TEST(LaunchCheck, BindingsMayBeSmallerThanTheBlock) {
  LaunchBuilder b = launch();
  b.bindings[0].size = 1;
  b.bindings[1].size = 15;
  b.bindings[2].size = 3;
  const Checked checked = check(b);
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  EXPECT_EQ(checked.result->bindings[1].size, 15u);
  b.bindings[0].size = (1 << 20) + 1;
  expect_refused(check(b), "binding 0.0 (x) has 1048577 bytes, over the limit of 1048576");
}

TEST(LaunchCheck, UncheckedAccessesNeedAllDataOfTheBlock) {
  const auto unchecked = [](const LaunchBuilder& b) {
    return check(b, kernel(), limits(), 5, Bounds::kUnchecked);
  };
  LaunchBuilder b = launch();
  b.bindings[0].size = 1;   // a runtime array alone may be empty or end within an element
  b.bindings[2].size = 28;  // without padding
  EXPECT_TRUE(unchecked(b).result);
  b.bindings[2].size = 27;
  expect_refused(unchecked(b),
                 "binding 1.0 has 27 bytes; the kernel's block needs at least 28 where accesses "
                 "are not checked");
  b = launch();
  b.bindings[1].size = 15;
  EXPECT_FALSE(unchecked(b).result);
  b.bindings[1].binding = 9;  // not used
  b.bind_null(0, 2);
  EXPECT_TRUE(unchecked(b).result);
}

TEST(LaunchCheck, PushConstantsHoldWhatIsRead) {
  LaunchBuilder b = launch();
  for (std::size_t size : {12u, 16u, 28u}) {
    b.push.resize(size);
    const Checked checked = check(b);
    ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
    EXPECT_EQ(checked.result->push.size(), size);
  }
  b.push.resize(128);
  const Checked longer = check(b);
  ASSERT_TRUE(longer.result) << longer.result.failure().sentence;
  EXPECT_EQ(longer.result->push.size(), 28u) << "what is beyond the block reaches nobody";
  b.push.resize(132);
  expect_refused(check(b), "132 bytes of push constants were given, over the limit of 128");
  b.push.resize(8);
  expect_refused(check(b),
                 "8 bytes of push constants were given; entry point \"main\" reads member last "
                 "(u16 at offset 8), up to byte 10");
  b.push.clear();
  expect_refused(check(b),
                 "0 bytes of push constants were given; entry point \"main\" reads member n (u32 "
                 "at offset 0), up to byte 4");
  ir::EntryReflection none = kernel();
  none.push_constant_size = 0;
  none.push_constants.clear();
  EXPECT_TRUE(check(b, none).result);
  b.push.resize(4);
  const Checked unneeded = check(b, none);
  ASSERT_TRUE(unneeded.result) << unneeded.result.failure().sentence;
  EXPECT_TRUE(unneeded.result->push.empty());
}

TEST(LaunchCheck, LimitsHold) {
  LaunchBuilder b = launch();
  b.launch.groups[0] = 1001;
  expect_refused(check(b), "1001 workgroups in x are over the limit of 1000");
  b.launch.groups[0] = 1, b.launch.groups[2] = 101;
  expect_refused(check(b), "101 workgroups in z are over the limit of 100");

  ir::EntryReflection e = kernel();
  e.local_size = {1, 1, 65};
  expect_refused(check(launch(), e), "the workgroup size 1,1,65 is over the limit of 64 in z");
  e.local_size = {32, 32, 1};
  expect_refused(check(launch(), e),
                 "the workgroup size 32,32,1 has more than the limit of 256 invocations");
  e.local_size = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
  SokrComputeLimits only_total{};
  only_total.max_local_invocations = 256;
  EXPECT_FALSE(check(launch(), e, only_total).result) << "the product must not wrap";
  e = kernel();
  e.workgroup_bytes = 4097;
  expect_refused(check(launch(), e),
                 "entry point \"main\" needs 4097 bytes of shared memory, over the limit of 4096");
  e = kernel();
  e.push_constant_size = 132;
  expect_refused(check(launch(), e),
                 "entry point \"main\" needs 132 bytes of push constants, over the limit of 128");
  e = kernel();
  e.bindings[2].set = 4;
  expect_refused(check(launch(), e),
                 "binding 4.0 is in set 4, over the limit of 4 descriptor sets");
  e = kernel();
  e.bindings[0].kind = SOKR_IR_STORAGE_IMAGE;
  expect_refused(
      check(launch(), e),
      "binding 0.0 (x) is a storage image; only storage and uniform buffers can be bound");

  b = launch();
  b.launch.local_size[0] = 16, b.launch.local_size[1] = 32, b.launch.local_size[2] = 1;
  expect_refused(check(b), "the workgroup size 16,32,1 has more than the limit of 256 invocations");
}

TEST(LaunchCheck, ZeroLimitsAreNone) {
  LaunchBuilder b = launch();
  b.launch.groups[0] = UINT32_MAX;
  EXPECT_TRUE(check(b, kernel(), SokrComputeLimits{}).result);
}

TEST(LaunchCheck, SubgroupSizes) {
  LaunchBuilder b = launch();
  for (std::uint32_t size : {8u, 16u, 32u}) {
    b.launch.subgroup_size = size;
    EXPECT_TRUE(check(b).result) << size;
  }
  for (std::uint32_t size : {1u, 4u, 12u, 64u, 0x80000000u}) {
    b.launch.subgroup_size = size;
    expect_refused(check(b),
                   fmt::format("subgroup size {} is not supported; supported are 8, 16, 32", size));
  }
  b.launch.subgroup_size = 4;
  expect_refused(
      check(b, kernel(), SokrComputeLimits{}),
      "subgroup size 4 was asked for, but this substrate's cannot be chosen; leave it 0");
}

TEST(LaunchCheck, WaitsAreTokensOfThisSubstrate) {
  LaunchBuilder b = launch();
  b.waits = {sokr_token_encode(5, 1), sokr_token_encode(6, 1)};
  expect_refused(
      check(b),
      "wait 1 is a token of substrate 6, but this is substrate 5; wait for it on the host "
      "before the launch");
  EXPECT_TRUE(check(b, kernel(), limits(), 0).result);
}

// A launch changed at one place or at several, into others that fit and into those that do not.
LaunchBuilder changed_launch(std::uint64_t seed) {
  LaunchBuilder b = launch();
  const auto next = [&seed](std::uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
  };
  for (std::uint64_t changes = next(3); changes > 0; --changes) {
    SokrBinding& binding = b.bindings[next(b.bindings.size())];
    constexpr std::uint32_t kNumbers[] = {0, 1, 2, 3, 4, 64, 100, 101, 1001, UINT32_MAX};
    const std::uint32_t number = kNumbers[next(std::size(kNumbers))];
    switch (next(15)) {
      case 0:
        b.launch.groups[next(3)] = number;
        break;
      case 1:
        b.launch.local_size[0] = 64, b.launch.local_size[1] = 1, b.launch.local_size[2] = 1;
        b.launch.local_size[next(3)] = std::max(number, 1u);
        break;
      case 2:
        b.launch.subgroup_size = number;
        break;
      case 3:
        b.launch.base_groups[next(3)] = number;
        break;
      case 4:
        b.launch.indirect = number, b.launch.indirect_offset = 4;
        break;
      case 5:
        b.push.resize(4 * next(40));
        break;
      case 6:
        b.waits.push_back(sokr_token_encode(4 + next(3), 1 + next(9)));
        break;
      case 7:
        binding.set = number;
        break;
      case 8:
        binding.binding = number;
        break;
      case 9:
        binding.index = number;
        break;
      case 10:
        binding.access = 1 + static_cast<std::uint32_t>(next(3));
        break;
      case 11:
        binding.size = std::uint64_t{number} + 1;
        break;
      case 12:
        binding = {binding.set, binding.binding, binding.index, SOKR_BINDING_NULL, 0, 0, 0, 0, 0};
        break;
      case 13:
        b.bindings.push_back(binding);
        if (next(2) != 0) b.bindings.back().set = 1 + number % 8;
        break;
      default:
        std::swap(b.bindings[0], b.bindings[next(b.bindings.size())]);
        if (next(2) != 0 && b.bindings.size() > 1) b.bindings.pop_back();
    }
  }
  return b;
}

// That it is one is told sooner, and means the same.
TEST(LaunchCheck, APlainLaunchIsAcceptedAsItIs) {
  ir::EntryReflection with_array = kernel();
  with_array.bindings[1].count = 0;
  SokrComputeLimits none{};
  int plain = 0, accepted = 0, refused = 0, more_than_used = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(seed);
    const auto& entry = seed % 8 == 0 ? with_array : kernel();
    const SokrComputeLimits& l = seed % 5 == 0 ? none : limits();
    const Bounds bounds = seed % 3 == 0 ? Bounds::kUnchecked : Bounds::kRobust;
    const std::uint32_t substrate = seed % 7 == 0 ? 0 : 5;
    const auto bytes = changed_launch(seed).bytes();
    const auto view = LaunchView::parse(bytes.data(), bytes.size());
    if (!view) continue;
    const auto result = check_launch_alone(*view, entry, l, substrate, bounds);
    ++(result ? accepted : refused);
    PlainBindings used;
    if (!is_plain_launch(*view, entry, l, substrate, bounds, used)) continue;
    ++plain;
    ASSERT_TRUE(result) << result.failure().sentence;
    EXPECT_EQ(result->groups, view->groups());
    EXPECT_EQ(result->base_groups, (std::array<std::uint32_t, 3>{}));
    EXPECT_EQ(result->local_size, entry.local_size);
    EXPECT_EQ(result->subgroup_size, 0u);
    const auto push = push_for(*view, entry);
    EXPECT_TRUE(push.data() == result->push.data() && push.size() == result->push.size());
    ASSERT_EQ(result->bindings.size(), used.size());
    for (std::size_t i = 0; i < used.size(); ++i) {
      EXPECT_EQ(result->bindings[i].given, used[i]);
      EXPECT_NE(result->bindings[i].source, SOKR_BINDING_NULL);
    }
    more_than_used += view->binding_count() > used.size();
  }
  EXPECT_GT(more_than_used, 100);
  EXPECT_GT(plain, 6000);
  EXPECT_GT(accepted, plain + 1000);
  EXPECT_GT(refused, 3000);
}

ir::EntryReflection arrays(std::uint32_t count) {
  ir::EntryReflection e;
  e.name = "main";
  e.bindings = {storage(0, 0, "", SOKR_IR_READ, 4, 4), storage(0, 1, "many", SOKR_IR_READ, 4, 4)};
  e.bindings[1].count = count;
  return e;
}

TEST(LaunchCheck, DescriptorArraysAreFlattened) {
  LaunchBuilder b;
  b.bind(0, 1, 12, 1, 2).bind(0, 1, 10, 1, 0).bind(0, 0, 99, 1).bind_null(0, 1, 1);
  const Checked checked = check(b, arrays(3));
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  const auto elements = checked.result->elements(1);
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(elements[0].size, 10u);
  EXPECT_EQ(elements[1].source, SOKR_BINDING_NULL);
  EXPECT_EQ(elements[2].size, 12u);
  EXPECT_EQ(elements[2].index, 2u);
  EXPECT_EQ(checked.result->elements(0)[0].size, 99u);

  b.bind_null(0, 1, 3);  // one more than the kernel has
  EXPECT_TRUE(check(b, arrays(3)).result);
}

TEST(LaunchCheck, EveryElementOfASizedArrayIsNamed) {
  LaunchBuilder b;
  b.bind(0, 0, 4, 1).bind(0, 1, 4, 1, 0).bind(0, 1, 4, 1, 2);
  expect_refused(check(b, arrays(3)),
                 "binding 0.1[1] (many) is missing: the kernel reads a storage buffer");
  // A huge claim of the module costs nothing.
  expect_refused(check(b, arrays(UINT32_MAX)),
                 "binding 0.1[1] (many) is missing: the kernel reads a storage buffer");
}

TEST(LaunchCheck, RuntimeSizedArraysEndAtTheHighestIndex) {
  LaunchBuilder b;
  b.bind(0, 0, 4, 1).bind(0, 1, 4, 1, 5);
  const Checked checked = check(b, arrays(0));
  ASSERT_TRUE(checked.result) << checked.result.failure().sentence;
  ASSERT_EQ(checked.result->elements(1).size(), 6u);
  EXPECT_EQ(checked.result->elements(1)[4].source, SOKR_BINDING_NULL);
  EXPECT_EQ(checked.result->elements(1)[5].source, SOKR_BINDING_HOST);
  b.bindings[1].index = UINT32_MAX;
  expect_refused(
      check(b, arrays(0)),
      "binding 0.1 (many) is named with index 4294967295; the largest possible is 1048575");
  b.bindings.pop_back();
  const Checked none = check(b, arrays(0));
  ASSERT_TRUE(none.result) << none.result.failure().sentence;
  ASSERT_EQ(none.result->elements(1).size(), 1u);
  EXPECT_EQ(none.result->elements(1)[0].source, SOKR_BINDING_NULL);
}

// In bytes, of this process so far.
std::uint64_t peak_memory() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

ir::EntryReflection many_arrays(std::uint32_t arrays, std::uint32_t count) {
  ir::EntryReflection e;
  e.name = "main";
  for (std::uint32_t i = 0; i < arrays; ++i) {
    e.bindings.push_back(storage(0, i, "", SOKR_IR_READ, 4, 4));
    e.bindings.back().count = count;
  }
  return e;
}

// None of the arrays is larger than the launch; all of them are.
TEST(LaunchCheck, ManyArraysTakeNoMoreMemoryThanTheLaunchNames) {
  constexpr std::uint32_t kArrays = 3000;
  LaunchBuilder b;
  for (std::uint32_t i = 0; i < kArrays; ++i) b.bind(0, 0, 4, SOKR_ACCESS_READ, i);
  const std::uint64_t before = peak_memory();
  expect_refused(check(b, many_arrays(kArrays, kArrays)),
                 "binding 0.1[0] is missing: the kernel reads a storage buffer");
  b.bindings[2000].binding = 1;
  expect_refused(check(b, many_arrays(kArrays, kArrays)),
                 "binding 0.0[2000] is missing: the kernel reads a storage buffer");
  EXPECT_LT(peak_memory() - before, 64u << 20);
}

TEST(LaunchCheck, RuntimeSizedArraysShareTheirLargestCount) {
  LaunchBuilder b;
  b.bind(0, 1, 4, SOKR_ACCESS_READ, kMaxRuntimeDescriptors - 3);
  b.bind(0, 2, 4, SOKR_ACCESS_READ, 1);
  expect_refused(check(b, many_arrays(3, 0)),
                 "binding 0.2 is named up to index 1, which makes 1048577 elements of "
                 "runtime-sized arrays up to this one; 1048576 are possible");
  b.bindings.pop_back();
  const Checked most = check(b, many_arrays(3, 0));
  ASSERT_TRUE(most.result) << most.result.failure().sentence;
  EXPECT_EQ(most.result->bindings.size(), kMaxRuntimeDescriptors);
}

// One place says how a limit is read, for substrates and for programs that ask before.
TEST(Limits, AreReadInOnePlace) {
  EXPECT_TRUE(is_within(UINT64_MAX, 0)) << "0 is no limit";
  EXPECT_TRUE(is_within(7, 7));
  EXPECT_FALSE(is_within(8, 7));
  SokrComputeLimits limits{};
  limits.max_group_count[0] = 4, limits.max_group_count[2] = 2;
  const auto axis = [&](std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    const std::uint32_t groups[] = {x, y, z};
    return axis_over_limit(limits, groups);
  };
  EXPECT_EQ(axis(4, UINT32_MAX, 2), 3u);
  EXPECT_EQ(axis(5, 0, 3), 0u);
  EXPECT_EQ(axis(0, 0, 3), 2u);

  const auto sizes = [&](std::uint32_t least, std::uint32_t most) {
    limits.min_subgroup_size = least, limits.max_subgroup_size = most;
    std::vector<std::uint32_t> all;
    for (std::uint32_t size = 0; (size = next_subgroup_size(limits, size)) != 0;)
      all.push_back(size);
    for (const std::uint64_t size : {0ull, 1ull, 2ull, 3ull, 4ull, 6ull, 8ull, 16ull, 32ull, 64ull,
                                     128ull, 1ull << 31, (1ull << 31) + 1, 0xFFFFFFFFull}) {
      const bool is_listed = std::ranges::count(all, size) != 0;
      EXPECT_EQ(is_subgroup_size(limits, static_cast<std::uint32_t>(size)) != 0,
                size == 0 || is_listed)
          << size << " of " << least << " to " << most;
    }
    return all;
  };
  using Sizes = std::vector<std::uint32_t>;
  EXPECT_EQ(sizes(4, 64), (Sizes{4, 8, 16, 32, 64}));
  EXPECT_EQ(sizes(32, 32), (Sizes{32}));
  EXPECT_EQ(sizes(0, 0), Sizes{}) << "none can be chosen";
  EXPECT_EQ(sizes(0, 2), (Sizes{1, 2}));
  EXPECT_EQ(sizes(64, 32), Sizes{});
  EXPECT_EQ(sizes(1u << 31, UINT32_MAX), (Sizes{1u << 31}));
}

}  // namespace
}  // namespace sokr::substrate
