// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <thread>

#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

void expect_refused(const Result<std::uint64_t>& result, SokrResult code, const std::string& text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.code(), code) << result.failure().sentence;
  EXPECT_NE(result.failure().sentence.find(text), std::string::npos) << result.failure().sentence;
}

TEST(Refusal, NamesTheMissingFeature) {
  Bench bench(OptionList{{"vulkan.disable", "shaderInt64,bufferDeviceAddress"}});
  expect_refused(bench.capability(shader("int64")), SOKR_CAPABILITY_DENIED,
                 "needs shaderInt64; " + bench.name() + " does not have it");
  expect_refused(bench.capability(shader("address")), SOKR_CAPABILITY_DENIED,
                 "needs bufferDeviceAddress; " + bench.name() + " does not have it");
  EXPECT_TRUE(bench.capability(shader("saxpy")));
}

TEST(Refusal, WithTheFeatureItRuns) {
  Bench bench;
  if (!bench.physical().usable.has("shaderInt64")) GTEST_SKIP() << "no shaderInt64";
  std::vector<std::uint64_t> v{0x100000001};
  SokrBinding binding = host_binding(0, 0, v);
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  bench.run(shader("int64"), launch);
  EXPECT_EQ(v[0], 0x300000003u);
}

TEST(Refusal, OtherFormatsAndBrokenModules) {
  Bench bench;
  auto ir = shader("saxpy");
  SokrCapabilityQuery query{};
  query.ir_format = SOKR_IR_PTX;
  query.ir_data = ir.data();
  query.ir_data_len = ir.size();
  expect_refused(bench->capability(query), SOKR_CAPABILITY_DENIED, "not SPIR-V");
  ir.resize(ir.size() - 8);
  auto result = bench.capability(ir);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.code(), SOKR_INVALID_IR);
  EXPECT_FALSE(result.failure().sentence.empty());
  Saxpy saxpy(10);
  auto dispatched = bench.dispatch(ir, saxpy.launch);
  ASSERT_FALSE(dispatched);
  EXPECT_EQ(dispatched.code(), SOKR_INVALID_IR);
}

TEST(Refusal, TooManyDescriptors) {
  Bench bench;
  const VkPhysicalDeviceLimits& limits = bench.physical().properties.limits;
  const auto result = bench.capability(shader("many"));
  if (std::min({limits.maxPerStageDescriptorStorageBuffers, limits.maxDescriptorSetStorageBuffers,
                limits.maxPerStageResources}) < 100'000) {
    expect_refused(result, SOKR_CAPABILITY_DENIED, "100000");
  } else {
    EXPECT_TRUE(result) << result.failure().sentence;
  }
}

TEST(Refusal, LocalSizes) {
  Bench bench;
  Saxpy saxpy(10);
  saxpy.local.value = 1u << 20;
  expect_refused(bench.dispatch(shader("saxpy"), saxpy.launch), SOKR_INVALID_INPUT, "1048576");
  Saxpy twice(10);
  twice.launch.local_size[0] = 32;
  twice.launch.local_size[1] = twice.launch.local_size[2] = 1;
  expect_refused(bench.dispatch(shader("saxpy"), twice.launch), SOKR_INVALID_INPUT, "contradicts");
  std::vector<std::uint32_t> v(4);
  std::vector<SokrBinding> bindings{host_binding(0, 0, v), host_binding(0, 1, v)};
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = bindings.data();
  launch.binding_count = 2;
  launch.local_size[0] = 8;
  launch.local_size[1] = launch.local_size[2] = 1;
  expect_refused(bench.dispatch(shader("null"), launch), SOKR_CAPABILITY_DENIED,
                 "fixed size 4,1,1");
}

TEST(Refusal, SubgroupSizes) {
  Bench bench;
  Saxpy saxpy(10);
  saxpy.launch.subgroup_size = 4096;
  auto result = bench.dispatch(shader("saxpy"), saxpy.launch);
  expect_refused(result, SOKR_INVALID_INPUT, bench.physical().subgroup_sizes());
  Saxpy good(10);
  good.launch.subgroup_size = bench.physical().limits().subgroup_size;
  bench.run(shader("saxpy"), good.launch);
  EXPECT_EQ(good.wrong(), -1);
}

TEST(Refusal, BadLaunches) {
  Bench bench;
  const auto ir = shader("saxpy");
  Saxpy missing(10);
  missing.launch.binding_count = 1;
  expect_refused(bench.dispatch(ir, missing.launch), SOKR_INVALID_INPUT, "0.1");
  Saxpy unaligned(10);
  auto buffer = bench->memory().create(4096, 0);
  ASSERT_TRUE(buffer);
  unaligned.bindings[1] = buffer_binding(0, 1, *buffer, 40, 1);
  if (bench.physical().properties.limits.minStorageBufferOffsetAlignment > 1) {
    expect_refused(bench.dispatch(ir, unaligned.launch), SOKR_INVALID_INPUT, "not a multiple of");
  }
  // A range that has to be copied, and another on it.
  if (bench.physical().properties.limits.minStorageBufferOffsetAlignment > 4) {
    unaligned.bindings[0] = buffer_binding(0, 0, *buffer, 40, 256);
    unaligned.bindings[1] = buffer_binding(0, 1, *buffer, 40, 292);
    expect_refused(bench.dispatch(ir, unaligned.launch), SOKR_INVALID_INPUT,
                   "0.1 and 0.0 overlap in buffer");
  }
  unaligned.bindings[1] = buffer_binding(0, 1, *buffer, 4096, 256);
  expect_refused(bench.dispatch(ir, unaligned.launch), SOKR_INVALID_INPUT, "end beyond buffer");
  Saxpy waits(10);
  SokrCompletionToken token = sokr_token_encode(1, 123456);
  waits.launch.waits = &token;
  waits.launch.wait_count = 1;
  expect_refused(bench.dispatch(ir, waits.launch), SOKR_INVALID_INPUT,
                 "token 123456 to wait for, number 0 of 1, was never issued");
  // Some devices take as many as a number can say.
  const std::uint32_t most = bench.physical().limits().max_group_count[1];
  Saxpy groups(10);
  groups.launch.groups[1] = most + 1;
  if (most != UINT32_MAX)
    expect_refused(bench.dispatch(ir, groups.launch), SOKR_INVALID_INPUT, std::to_string(most + 1));
}

TEST(Refusal, WrittenHostMemoryThatIsBoundTwice) {
  Bench bench;
  Saxpy same(100);
  same.bindings[0].resource = same.bindings[1].resource + 4 * 50;
  same.bindings[0].size = 4 * 50;
  same.launch.groups[0] = 1;
  expect_refused(bench.dispatch(shader("saxpy"), same.launch), SOKR_INVALID_INPUT,
                 "overlap in host memory");
}

TEST(Refusal, NewerSpirvThanTheDeviceTakes) {
  Bench bench(OptionList{{"vulkan.api", "1.1"}, {"vulkan.disable", "VK_KHR_spirv_1_4"}});
  auto ir = shader("saxpy");
  ir[5 + 1] = ir[5 + 1];
  ir[5] = 0;
  ir[6] = 1;
  ir[4] = 0;
  ir[5] = 6;  // version word 0x00010600, little-endian
  auto result = bench.capability(ir);
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.failure().sentence.empty());
}

TEST(Refusal, NothingIsBuiltOrKeptForALaunchThatIsRefused) {
  Bench bench;
  const auto ir = shader("saxpy");
  for (std::uint32_t i = 1; i <= 100; ++i) {
    Saxpy unbound(64), astray(64), freed(64);
    for (Saxpy* refused : {&unbound, &astray, &freed}) refused->local.value = i;
    unbound.launch.binding_count = 1;
    const SokrCompletionToken token = sokr_token_encode(1, 123456);
    astray.launch.waits = &token;
    astray.launch.wait_count = 1;
    freed.bindings[0].kind = SOKR_BINDING_BUFFER;
    freed.bindings[0].resource = 123456;
    for (Saxpy* refused : {&unbound, &astray, &freed})
      EXPECT_EQ(bench.dispatch(ir, refused->launch).code(), SOKR_INVALID_INPUT);
  }
  auto session = bench->session();
  ASSERT_TRUE(session);
  EXPECT_EQ((*session)->pipelines().builds, 0u);
  EXPECT_EQ((*session)->pipelines().entries, 0u);
  EXPECT_EQ((*session)->recordings().recorded(), 0u);
  EXPECT_EQ(bench->modules().entries, 0u);
  Saxpy right(64);
  bench.run(ir, right.launch);
  EXPECT_EQ((*session)->pipelines().builds, 1u);
  EXPECT_EQ(bench->modules().entries, 1u);
}

TEST(Refusal, PipelinesThatWereNotUsedForLongestMakeRoom) {
  Bench bench(OptionList{{"vulkan.kernel_bytes", "500000"}});
  const auto ir = shader("saxpy");
  for (int round = 0; round < 2; ++round)
    for (std::uint32_t size : {1u, 2u, 4u, 8u, 16u, 32u, 64u}) {
      Saxpy saxpy(64);
      saxpy.local.value = size;
      saxpy.launch.groups[0] = 64 / size;
      bench.run(ir, saxpy.launch);
      EXPECT_EQ(saxpy.wrong(), -1);
      EXPECT_LE((*bench->session())->pipelines().bytes, 500'000u);
    }
  EXPECT_GT((*bench->session())->pipelines().evictions, 0u);
}

TEST(Refusal, ADispatchWaitsForRoomAmongLaunchesUnderWay) {
  for (const char* bound : {"vulkan.in_flight", "vulkan.in_flight_bytes"}) {
    Bench bench(OptionList{{bound, "2"}});
    const auto ir = shader("saxpy");
    std::vector<std::unique_ptr<Saxpy>> launches;
    std::vector<std::uint64_t> tokens;
    for (int i = 0; i < 100; ++i) {
      launches.push_back(std::make_unique<Saxpy>(1000));
      auto token = bench.dispatch(ir, launches.back()->launch);
      ASSERT_TRUE(token) << token.failure().sentence;
      tokens.push_back(*token);
    }
    for (std::size_t i = tokens.size(); i-- > 0;) {
      EXPECT_EQ(bench->completion(tokens[i], UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
      EXPECT_EQ(launches[i]->wrong(), -1);
    }
  }
}

TEST(Refusal, WithoutRoomAndPatienceItSaysSo) {
  Bench bench(Gate::options({{"vulkan.in_flight", "1"}, {"vulkan.patience_ms", "0"}}));
  Gate gate(bench);
  const std::uint64_t first = gate.start();
  expect_refused(bench.dispatch(shader("gate"), gate.launch), SOKR_DISPATCH_FAILED,
                 "and none of them ended within 0 ms; wait for some");
  gate.open();
  EXPECT_EQ(bench->completion(first, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
}

// The device goes on with it, but nobody is kept waiting, and nobody's memory is written to once
// he was told that it failed. Without imports: what a kernel uses in place cannot be taken from it.
TEST(Refusal, WhoWaitsIsLetGoWhenTheSubstrateRetires) {
  Bench bench(Gate::options({{"vulkan.disable", "VK_EXT_external_memory_host"}}));
  Gate gate(bench, 2'000, 15 * Gate::kRounds);
  const std::uint64_t token = gate.start();
  SokrCompletionSignal seen{};
  std::thread waiter([&] { seen = bench->completion(token, UINT64_MAX).signal; });
  bench->retire();
  waiter.join();
  if (seen == SOKR_COMPLETION_COMPLETE && !bench.runs_on_software())
    GTEST_SKIP() << "the device was through with it before the substrate's patience was";
  EXPECT_EQ(seen, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(bench->completion_error(token),
            "the substrate was deregistered while the launch was under way");
  std::ranges::fill(gate.out, 7u);
  gate.open();
  bench.verify_clean();
  EXPECT_EQ(std::ranges::count(gate.out, 7u), std::ssize(gate.out));
}

}  // namespace
}  // namespace sokr::vulkan::test
