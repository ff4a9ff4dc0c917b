// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate behind the plugin's tables: tokens, waits, memory, unplugging.
#include "substrate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support.hpp"

namespace sokr::reference::test {
namespace {

struct Dispatch {
  std::vector<std::uint8_t> ir;
  SokrLaunch launch{};
  std::vector<SokrBinding> bindings;
  std::vector<std::uint32_t> push;
  std::vector<SokrSpecialization> specializations;
  std::vector<SokrCompletionToken> waits;
  SokrComputationId id{};

  explicit Dispatch(const std::string& shader) : ir(read_shader(shader)) {
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  }
  Dispatch& bind_host(std::uint32_t binding, void* data, std::size_t size) {
    bindings.push_back({0, binding, 0, SOKR_BINDING_HOST, SOKR_ACCESS_READ_WRITE, 0,
                        reinterpret_cast<std::uint64_t>(data), 0, size});
    return *this;
  }
  Result<std::uint64_t> on(ReferenceSubstrate& substrate) {
    launch.bindings = bindings.data();
    launch.binding_count = static_cast<std::uint32_t>(bindings.size());
    launch.push = push.data();
    launch.push_size = static_cast<std::uint32_t>(push.size() * 4);
    launch.specializations = specializations.data();
    launch.specialization_count = static_cast<std::uint32_t>(specializations.size());
    launch.waits = waits.data();
    launch.wait_count = static_cast<std::uint32_t>(waits.size());
    std::vector<std::uint8_t> params(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    return substrate.dispatch({id, 1, ir.data(), ir.size(), params.data(), params.size()});
  }
};

std::unique_ptr<ReferenceSubstrate> make(OutOfBounds policy = OutOfBounds::kIgnore) {
  return std::make_unique<ReferenceSubstrate>(substrate::Host(), SubstrateOptions{2, policy});
}

void expect_complete(ReferenceSubstrate& substrate, const Result<std::uint64_t>& token) {
  ASSERT_TRUE(token) << token.failure().sentence;
  EXPECT_EQ(substrate.tokens().completion(*token, UINT64_MAX),
            (substrate::CompletionAnswer{SOKR_OK, SOKR_COMPLETION_COMPLETE}))
      << substrate.tokens().error(*token);
}

TEST(Substrate, RunsInPlaceOnHostMemory) {
  const auto substrate = make();
  std::vector<std::uint32_t> data(1000, 5);
  Dispatch dispatch("add_one");
  dispatch.bind_host(0, data.data(), data.size() * 4).push = {3};
  dispatch.specializations = {{3, 4, 10}};
  dispatch.launch.groups[0] = 32;
  dispatch.launch.flags = SOKR_LAUNCH_PROFILE;
  const auto token = dispatch.on(*substrate);
  expect_complete(*substrate, token);
  EXPECT_EQ(data, std::vector<std::uint32_t>(1000, 53));
  const auto timing = substrate->tokens().timing(*token);
  ASSERT_TRUE(timing);
  EXPECT_GT(timing->device_ns, 0u);
  EXPECT_EQ(timing->ended_ns - timing->began_ns, timing->device_ns);
}

TEST(Substrate, ChainsOfWaitsRunInOrder) {
  const auto substrate = make();
  std::vector<std::uint32_t> data(64, 1);
  Result<std::uint64_t> last = std::uint64_t{0};
  std::uint32_t expected = 1;
  for (std::uint32_t i = 0; i < 20; ++i) {
    Dispatch dispatch("add_one");
    dispatch.bind_host(0, data.data(), data.size() * 4).push = {i};
    dispatch.specializations = {{3, 4, 3}};
    dispatch.launch.groups[0] = 2;
    if (i > 0) dispatch.waits = {sokr_token_encode(1, *last)};
    last = dispatch.on(*substrate);
    ASSERT_TRUE(last) << last.failure().sentence;
    expected = expected * 3 + i;
  }
  expect_complete(*substrate, last);
  EXPECT_EQ(data, std::vector<std::uint32_t>(64, expected));
}

TEST(Substrate, AFailedLaunchFailsThoseThatWaitForIt) {
  const auto substrate = make();
  std::vector<std::uint32_t> flags{0, 1, 0, 1}, data(4);
  Dispatch bad("divergent_barrier");
  const auto first = bad.bind_host(0, flags.data(), 16).on(*substrate);
  ASSERT_TRUE(first) << first.failure().sentence;
  Dispatch good("add_one");
  good.bind_host(0, data.data(), 16).push = {1};
  good.waits = {sokr_token_encode(1, *first)};
  const auto second = good.on(*substrate);
  ASSERT_TRUE(second);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(substrate->tokens().completion(*second, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
    EXPECT_EQ(substrate->tokens().completion(*first, 0).signal, SOKR_COMPLETION_FAILED);
  }
  EXPECT_NE(substrate->tokens().error(*first).find("divergent barrier"), std::string::npos);
  EXPECT_NE(substrate->tokens().error(*second), "");
  EXPECT_EQ(data, std::vector<std::uint32_t>(4, 0));
}

TEST(Substrate, AnExpiredWaitLeavesTheWorkRunningAndUnpluggingAbandonsIt) {
  auto substrate = make();
  std::vector<std::uint32_t> data(3);
  Dispatch dispatch("endless");
  const auto token = dispatch.bind_host(0, data.data(), 12).on(*substrate);
  ASSERT_TRUE(token) << token.failure().sentence;
  EXPECT_EQ(substrate->tokens().completion(*token, 0),
            (substrate::CompletionAnswer{SOKR_OK, SOKR_COMPLETION_PENDING}));
  EXPECT_EQ(substrate->tokens().completion(*token, 1000000),
            (substrate::CompletionAnswer{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT}));
  Dispatch waits("endless");
  waits.bind_host(0, data.data(), 12).waits = {sokr_token_encode(1, *token)};
  ASSERT_TRUE(waits.on(*substrate));
  substrate.reset();  // returns, though the kernel would not
}

TEST(Substrate, ConcurrentDispatchesDoNotMixUp) {
  const auto substrate = make();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::uint32_t> data(100);
      for (std::uint32_t i = 0; i < 25; ++i) {
        std::fill(data.begin(), data.end(), i);
        Dispatch dispatch("add_one");
        dispatch.bind_host(0, data.data(), 400).push = {t};
        dispatch.specializations = {{3, 4, t + 1}};  // one id, several kernels
        dispatch.launch.groups[0] = 4;
        const auto token = dispatch.on(*substrate);
        if (!token ||
            substrate->tokens().completion(*token, UINT64_MAX).signal != SOKR_COMPLETION_COMPLETE ||
            data != std::vector<std::uint32_t>(100, i * (t + 1) + t))
          ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Substrate, GroupCountsComeFromABuffer) {
  const auto substrate = make();
  const std::uint32_t counts[] = {9, 2, 1, 1};
  const auto buffer = substrate->memory().create(16, SOKR_BUFFER_DEFAULT);
  ASSERT_TRUE(buffer);
  ASSERT_TRUE(substrate->memory().write(*buffer, 0, counts, 16));
  std::vector<std::uint32_t> data(100);
  Dispatch dispatch("add_one");
  dispatch.bind_host(0, data.data(), 400).push = {1};
  dispatch.launch.indirect = *buffer;
  dispatch.launch.indirect_offset = 4;
  expect_complete(*substrate, dispatch.on(*substrate));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(data[i], i < 64 ? 1u : 0u);
}

TEST(Substrate, AddressesAreFollowedAndChecked) {
  const auto substrate = make(OutOfBounds::kFail);
  struct Node {
    std::uint32_t value, pad;
    std::uint64_t next;
  };
  const auto buffer = substrate->memory().create(3 * sizeof(Node), SOKR_BUFFER_ADDRESS);
  ASSERT_TRUE(buffer);
  const auto address = substrate->memory().address(*buffer);
  ASSERT_TRUE(address) << address.failure().sentence;
  Node nodes[3] = {{5, 0, *address + 32}, {6, 0, 0}, {7, 0, *address + 16}};
  ASSERT_TRUE(substrate->memory().write(*buffer, 0, nodes, sizeof nodes));
  struct {
    std::uint32_t sum, pad;
    std::uint64_t first;
  } data{0, 0, *address};
  Dispatch dispatch("addresses");
  expect_complete(*substrate, dispatch.bind_host(0, &data, sizeof data).on(*substrate));
  EXPECT_EQ(data.sum, 18u);
  ASSERT_TRUE(substrate->memory().read(*buffer, 0, nodes, sizeof nodes));
  EXPECT_EQ(nodes[2].value, 0u);
  data.first = 4096;  // nobody's memory
  const auto bad = Dispatch("addresses").bind_host(0, &data, sizeof data).on(*substrate);
  ASSERT_TRUE(bad);
  EXPECT_EQ(substrate->tokens().completion(*bad, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_NE(substrate->tokens().error(*bad).find("address 0x1000"), std::string::npos)
      << substrate->tokens().error(*bad);
}

TEST(Substrate, BadLaunchesAreRefused) {
  const auto substrate = make();
  std::vector<std::uint32_t> data(4);
  EXPECT_EQ(Dispatch("add_one").on(*substrate).code(), SOKR_INVALID_INPUT);  // binding missing
  Dispatch unknown_wait("add_one");
  unknown_wait.bind_host(0, data.data(), 16).push = {1};
  unknown_wait.waits = {sokr_token_encode(1, 4711)};
  EXPECT_EQ(unknown_wait.on(*substrate).code(), SOKR_INVALID_INPUT);
  Dispatch unknown_constant("add_one");
  unknown_constant.bind_host(0, data.data(), 16).push = {1};
  unknown_constant.specializations = {{99, 4, 1}};
  expect_complete(*substrate, unknown_constant.on(*substrate));
  Dispatch subgroup("add_one");
  subgroup.bind_host(0, data.data(), 16).push = {1};
  subgroup.launch.subgroup_size = 256;
  EXPECT_EQ(subgroup.on(*substrate).code(), SOKR_INVALID_INPUT);
  const std::uint8_t junk[16] = {};
  EXPECT_EQ(substrate->capability({{}, SOKR_IR_SPIRV, junk, 16}).code(), SOKR_INVALID_IR);
  EXPECT_EQ(substrate->capability({{}, SOKR_IR_PTX, junk, 16}).code(), SOKR_CAPABILITY_DENIED);
  const auto good = read_shader("add_one");
  EXPECT_TRUE(substrate->capability({{}, SOKR_IR_SPIRV, good.data(), good.size()}));
  EXPECT_EQ(substrate->tokens().completion(12345678, 0).result, SOKR_NOT_FOUND);
}

// A launch that is to wait for what comes next, perhaps itself.
TEST(Substrate, TokensThatAreYetToComeCannotBeWaitedFor) {
  const auto substrate = make();
  std::vector<std::uint32_t> data(32);
  Dispatch launch("add_one");
  launch.bind_host(0, data.data(), 128).push = {1};
  const auto first = launch.on(*substrate);
  expect_complete(*substrate, first);
  for (std::uint64_t ahead = 1; ahead <= 64; ++ahead) {
    for (const bool twice : {false, true}) {
      launch.waits = {sokr_token_encode(1, *first + ahead)};
      if (twice) launch.waits.insert(launch.waits.begin(), sokr_token_encode(1, *first));
      EXPECT_EQ(launch.on(*substrate).code(), SOKR_INVALID_INPUT) << ahead;
    }
  }
}

TEST(Substrate, NothingIsPreparedOrKeptForALaunchThatIsRefused) {
  auto substrate = make();
  std::vector<std::uint32_t> data(32);
  for (int i = 0; i < 50; ++i) {
    Dispatch unbound("add_one"), freed("add_one"), astray("add_one");
    for (Dispatch* refused : {&unbound, &freed, &astray}) {
      refused->bind_host(0, data.data(), 128).push = {1};
      refused->id.bytes[0] = static_cast<std::uint8_t>(i);
    }
    unbound.bindings.clear();
    freed.bindings[0].kind = SOKR_BINDING_BUFFER;
    freed.bindings[0].resource = 123456;
    astray.waits = {sokr_token_encode(1, 123456)};
    for (Dispatch* refused : {&unbound, &freed, &astray})
      EXPECT_EQ(refused->on(*substrate).code(), SOKR_INVALID_INPUT);
  }
  EXPECT_EQ(substrate->kernels().builds, 0u);
  EXPECT_EQ(substrate->kernels().entries, 0u);
  Dispatch right("add_one");
  right.bind_host(0, data.data(), 128).push = {1};
  expect_complete(*substrate, right.on(*substrate));
  EXPECT_EQ(substrate->kernels().entries, 1u);
}

TEST(Substrate, ProgramsAndLaunchesUnderWayAreBounded) {
  SubstrateOptions options{2};
  options.kernel_bytes = 1;
  options.in_flight = {3, std::chrono::milliseconds(20)};
  // The endless kernel may read until the substrate is gone.
  std::vector<std::uint32_t> data(32), endless_data{0, 0, 0};
  ReferenceSubstrate substrate(substrate::Host(), options);
  Dispatch endless("endless"), after("add_one");
  endless.bind_host(0, endless_data.data(), 12);
  const auto gate = endless.on(substrate);
  ASSERT_TRUE(gate) << gate.failure().sentence;
  after.bind_host(0, data.data(), 128).push = {1};
  after.waits = {sokr_token_encode(1, *gate)};
  const auto second = after.on(substrate), third = after.on(substrate);
  ASSERT_TRUE(second) << second.failure().sentence;
  ASSERT_TRUE(third) << third.failure().sentence;
  const auto refused = after.on(substrate);
  EXPECT_EQ(refused.code(), SOKR_DISPATCH_FAILED);
  EXPECT_NE(refused.failure().sentence.find("3 launches are under way"), std::string::npos);
  EXPECT_EQ(substrate.kernels().entries, 1u) << "the newest";
  EXPECT_EQ(substrate.kernels().evictions, 1u);
  substrate.retire();
  EXPECT_EQ(substrate.tokens().completion(*third, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(substrate.tokens().completion(*gate, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(substrate.tokens().error(*gate),
            "the substrate was deregistered while the launch was under way");
}

}  // namespace
}  // namespace sokr::reference::test
