// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a substrate keeps: nothing of launches that it refuses, kernels up to a bound, and so many
// launches under way.
#include <gtest/gtest.h>

#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

using namespace std::chrono_literals;

Dispatch scale_by(std::uint32_t factor, std::vector<std::uint32_t>& data) {
  Dispatch scale("scale");
  scale.bind(0, data).groups(2).push = {1};
  scale.specializations = {{3, 4, factor}};
  return scale;
}

TEST(Bounds, NothingIsCompiledOrKeptForALaunchThatIsRefused) {
  auto substrate = make();
  std::vector<std::uint32_t> data(64, 1);
  for (std::uint32_t i = 0; i < 100; ++i) {
    Dispatch unbound = scale_by(i, data), freed = scale_by(i, data), astray = scale_by(i, data),
             many = scale_by(i, data), indirect = scale_by(i, data);
    unbound.bindings.clear();
    freed.bindings[0].kind = SOKR_BINDING_BUFFER;
    freed.bindings[0].resource = 123456;
    astray.waits = {sokr_token_encode(1, 123456)};
    many.groups(65536, 65536);
    indirect.launch.indirect = 123456;
    for (Dispatch* refused : {&unbound, &freed, &astray, &many, &indirect})
      EXPECT_EQ(refused->on(*substrate).code(), SOKR_INVALID_INPUT);
  }
  EXPECT_EQ(substrate->kernels().builds, 0u);
  EXPECT_EQ(substrate->kernels().entries, 0u);
  expect_complete(*substrate, scale_by(3, data).on(*substrate));
  EXPECT_EQ(substrate->kernels().builds, 1u);
  EXPECT_EQ(data[0], 4u);
}

// Whatever it says of memory that the kernel has nothing to do with.
TEST(Bounds, ABindingThatIsNotUsedMayHaveAnySize) {
  auto substrate = make();
  std::vector<std::uint32_t> data(64, 1);
  Dispatch plain = scale_by(3, data);
  const std::vector<std::uint8_t> ir = plain.ir;
  const SokrSpecialization by{3, 4, 3};
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = ir.data();
  info.ir_size = ir.size();
  info.entry = "main";
  info.specializations = &by;
  info.specialization_count = 1;
  info.specialization_size = sizeof by;
  const SokrKernelInfo* all[] = {&info};
  SokrKernel kernel = 0;
  const Result<void> made = substrate->prepare(all, &kernel);
  ASSERT_TRUE(made) << made.failure().sentence;
  const SokrPreparedIr prepared = sokr_prepared_ir(kernel);
  const std::uint64_t page = 0x1000;
  std::uint32_t expected = 1;
  for (const std::uint64_t size : {UINT64_C(1) << 31, UINT64_C(1) << 48, UINT64_C(1) << 62,
                                   UINT64_C(1) << 63, UINT64_MAX - page}) {
    for (const bool is_prepared : {false, true}) {
      Dispatch dispatch = scale_by(3, data);
      dispatch.bind(9, reinterpret_cast<void*>(page), size);
      SokrDispatchRequest request = dispatch.request();
      if (is_prepared) {
        dispatch.specializations.clear();
        request = dispatch.request();
        request.ir_data = reinterpret_cast<const std::uint8_t*>(&prepared);
        request.ir_data_len = sizeof prepared;
      }
      expect_complete(*substrate, substrate->dispatch(request));
      expected = expected * 3 + 1;
      EXPECT_EQ(data[63], expected) << size;
      Dispatch used = scale_by(3, data);
      used.bindings[0].resource = page;
      used.bindings[0].size = size;
      if (size > UINT64_C(1) << 47) {
        EXPECT_EQ(used.on(*substrate).code(), SOKR_INVALID_INPUT) << size;
      }
    }
  }
  // The usual one, and for two steps of size one that is prepared and one that is not.
  EXPECT_LE(substrate->kernels().builds, 5u);
}

// A launch that is to wait for what comes next, perhaps itself.
TEST(Bounds, TokensThatAreYetToComeCannotBeWaitedFor) {
  auto substrate = make();
  Endless gate(*substrate);
  std::vector<std::uint32_t> data(64);
  Dispatch after = scale_by(1, data);
  for (std::uint64_t ahead = 1; ahead <= 64; ++ahead) {
    for (const bool twice : {false, true}) {
      after.waits = {sokr_token_encode(1, gate.token() + ahead)};
      if (twice) after.waits.insert(after.waits.begin(), gate.wait());
      EXPECT_EQ(after.on(*substrate).code(), SOKR_INVALID_INPUT) << ahead;
    }
  }
  gate.stop();
  expect_complete(*substrate, gate.token());
}

TEST(Bounds, KernelsThatWereNotUsedForLongestMakeRoom) {
  KernelStoreOptions few = options();
  few.kernel_bytes = 100'000;
  CpuSubstrate substrate(substrate::Host(), few, 2);
  std::vector<std::uint32_t> data(64);
  for (std::uint32_t round = 0; round < 2; ++round)
    for (std::uint32_t factor = 1; factor <= 16; ++factor) {
      std::fill(data.begin(), data.end(), 5);
      expect_complete(substrate, scale_by(factor, data).on(substrate));
      EXPECT_EQ(data, std::vector<std::uint32_t>(64, 5 * factor + 1));
      EXPECT_LE(substrate.kernels().bytes, few.kernel_bytes);
      EXPECT_GE(substrate.kernels().entries, 1u);
    }
  EXPECT_GT(substrate.kernels().evictions, 0u);
}

TEST(Bounds, OfTooManyLaunchesTheLastIsRefusedWithASentence) {
  constexpr std::size_t kMost = 20;
  CpuSubstrate substrate(substrate::Host(), options(), 2, {kMost, 20ms});
  Endless gate(substrate);
  std::vector<std::uint32_t> data(64);
  Dispatch after = scale_by(1, data);
  after.waits = {gate.wait()};
  Result<std::uint64_t> last = gate.token();
  for (std::size_t i = 1; i < kMost; ++i) {
    last = after.on(substrate);
    ASSERT_TRUE(last) << i << last.failure().sentence;
  }
  for (int again = 0; again < 3; ++again) {
    const auto refused = after.on(substrate);
    EXPECT_EQ(refused.code(), SOKR_DISPATCH_FAILED);
    EXPECT_EQ(refused.failure().sentence,
              "20 launches are under way, as many as may be at once, and none of them ended within "
              "20 ms; wait for some before dispatching more");
  }
  gate.stop();
  expect_complete(substrate, last);
  expect_complete(substrate, gate.token());
  after.waits.clear();
  expect_complete(substrate, after.on(substrate));
}

// More launches than may be at once, by a thread that waits for none of them.
TEST(Bounds, ADispatchWaitsForRoom) {
  constexpr std::uint32_t kLaunches = 1000;
  CpuSubstrate substrate(substrate::Host(), options(), 2, {4, 1000s});
  std::vector<std::uint32_t> data(64 * 100);
  Dispatch rounds("rounds");
  rounds.bind(0, data).groups(100).push = {1};
  Result<std::uint64_t> last = rounds.on(substrate);
  for (std::uint32_t i = 1; i < kLaunches; ++i) {
    rounds.waits = {sokr_token_encode(1, *last)};
    last = rounds.on(substrate);
    ASSERT_TRUE(last) << last.failure().sentence;
  }
  expect_complete(substrate, last);
  EXPECT_EQ(data[0], [] {
    std::uint32_t x = 0;
    for (std::uint32_t i = 0; i < kLaunches; ++i) x = x * 1664525u + 1013904223u;
    return x;
  }());
}

}  // namespace
}  // namespace sokr::cpu::test
