// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <latch>
#include <set>
#include <string_view>
#include <thread>

#include "null_mock.hpp"

namespace sokr {
namespace {

using namespace testing_support;

constexpr Completed kPendingAnswer{SOKR_OK, SOKR_COMPLETION_PENDING};
constexpr Completed kCompleteAnswer{SOKR_OK, SOKR_COMPLETION_COMPLETE};
constexpr Completed kFailedAnswer{SOKR_OK, SOKR_COMPLETION_FAILED};
constexpr Completed kTimedOutAnswer{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT};
constexpr Completed kUnknownAnswer{SOKR_NOT_FOUND, SOKR_COMPLETION_FAILED};

class NullTest : public testing::Test {
 protected:
  void SetUp() override { (void)null_substrate(); }
  void TearDown() override { null_plugin.destroy_fn(); }
};

SokrResult capability(std::uint32_t format, const std::string& ir) {
  const SokrCapabilityQuery query{
      {}, format, reinterpret_cast<const std::uint8_t*>(ir.data()), ir.size()};
  SokrCapabilityResponse response{};
  response.estimated_latency_ns = 99;
  const SokrResult result = null_plugin.capability_fn(&query, &response);
  EXPECT_EQ(response.result, result);
  EXPECT_EQ(response.estimated_latency_ns, 0u);
  return result;
}

TEST_F(NullTest, DescribesItself) {
  const SokrSubstrateInfo& info = null_substrate();
  EXPECT_STREQ(info.name, "null");
  EXPECT_EQ(info.kind, static_cast<std::uint32_t>(SOKR_KIND_OTHER));
  ASSERT_EQ(info.ir_format_count, 1u);
  EXPECT_EQ(info.ir_formats[0], NULL_IR_FORMAT);
  SokrHostInfo host{};
  host.struct_size = sizeof host;
  host.compute_version = SOKR_COMPUTE_VERSION + 5;
  EXPECT_NE(sokr_plugin_main(&host), nullptr);
  host.compute_version += 0x10000;
  EXPECT_EQ(sokr_plugin_main(&host), nullptr);
}

TEST_F(NullTest, AcceptsNoRealKernel) {
  for (std::uint32_t format : {SOKR_IR_SPIRV, SOKR_IR_PTX, SOKR_IR_OPENQASM3, SOKR_IR_SPIKE_GRAPH,
                               SOKR_IR_OPTICAL_CIRCUIT, SOKR_IR_NATIVE, UINT32_C(0)}) {
    EXPECT_EQ(capability(format, "NULL"), SOKR_CAPABILITY_DENIED) << std::hex << format;
  }
  EXPECT_EQ(capability(NULL_IR_FORMAT, "NULL"), SOKR_OK);
  EXPECT_EQ(capability(NULL_IR_FORMAT, "NULL and more"), SOKR_OK);
  for (const char* bad : {"", "NUL", "null", "\x03\x02\x23\x07"}) {
    EXPECT_EQ(capability(NULL_IR_FORMAT, bad), SOKR_INVALID_IR) << bad;
    EXPECT_EQ(null_run({}, bad).result, SOKR_INVALID_IR) << bad;
  }
  EXPECT_EQ(null_last_sentence(), "a null computation starts with the bytes \"NULL\"");
}

TEST_F(NullTest, CompletesAtOnce) {
  const Dispatched d = null_run({});
  ASSERT_EQ(d.result, SOKR_OK);
  EXPECT_EQ(null_wait_for(d.token, 0), kCompleteAnswer);
  EXPECT_EQ(null_wait_for(d.token, UINT64_MAX), kCompleteAnswer);
  const Dispatched f = null_run(null_params(NULL_FAIL));
  EXPECT_EQ(null_wait_for(f.token, UINT64_MAX), kFailedAnswer);
  char out[64];
  null_diagnostics.completion_error(f.token, out, sizeof out);
  EXPECT_STREQ(out, "the launch asked to fail");
  EXPECT_EQ(null_diagnostics.completion_error(d.token, out, sizeof out), 0u);
}

TEST_F(NullTest, StaysPendingUntilReleased) {
  const Dispatched good = null_run(null_params(NULL_PENDING_COMPLETE));
  const Dispatched bad = null_run(null_params(NULL_PENDING_FAIL));
  for (const Dispatched& d : {good, bad}) {
    ASSERT_EQ(d.result, SOKR_OK);
    EXPECT_EQ(null_wait_for(d.token, 0), kPendingAnswer);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(null_wait_for(d.token, 5'000'000), kTimedOutAnswer);
    EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(5));
  }
  // The core's token, substrate and all, may be given as it is.
  const auto release = null_params(NULL_RELEASE, sokr_token_encode(7, bad.token));
  EXPECT_EQ(null_run(release).result, SOKR_OK);
  EXPECT_EQ(null_wait_for(bad.token, 0), kFailedAnswer);
  EXPECT_EQ(null_wait_for(good.token, 0), kPendingAnswer);
  EXPECT_EQ(null_run(release).result, SOKR_INVALID_INPUT) << "released already";
  EXPECT_EQ(null_last_sentence(), "the token to release is not pending");
  EXPECT_EQ(null_run(null_params(NULL_RELEASE, good.token)).result, SOKR_OK);
  EXPECT_EQ(null_wait_for(good.token, UINT64_MAX), kCompleteAnswer);
}

TEST_F(NullTest, SeveralThreadsWaitForOneToken) {
  const Dispatched d = null_run(null_params(NULL_PENDING_COMPLETE));
  std::latch started(4);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (std::uint64_t timeout : {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2, UINT64_C(1) << 50}) {
    threads.emplace_back([&, timeout] {
      started.count_down();
      if (null_wait_for(d.token, timeout) == kCompleteAnswer) ++right;
    });
  }
  started.wait();
  EXPECT_EQ(null_run(null_params(NULL_RELEASE, d.token)).result, SOKR_OK);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST_F(NullTest, KnowsOnlyTokensThatItGaveOut) {
  const Dispatched d = null_run({});
  for (std::uint64_t token : {UINT64_C(0), UINT64_C(1), UINT64_C(2), UINT64_C(3), d.token + 4,
                              d.token + 1, UINT64_MAX, SOKR_PLUGIN_TOKEN_MAX}) {
    if (token == d.token) continue;
    EXPECT_EQ(null_wait_for(token, UINT64_MAX), kUnknownAnswer) << token;
  }
}

// As a later writer would write it: version 2, with a header that is longer than ours.
TEST_F(NullTest, ReadsLaunchesOfEveryVersion) {
  SokrLaunch launch{};
  const std::uint32_t behaviour = NULL_FAIL;
  launch.push = &behaviour;
  launch.push_size = sizeof behaviour;
  launch.base_groups[2] = 1;
  std::vector<std::uint8_t> bytes(sokr_launch_size(&launch));
  sokr_launch_write(&launch, bytes.data(), bytes.size());
  EXPECT_EQ(null_run(bytes).result, SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(null_last_sentence(), "null starts every launch at workgroup 0,0,0");
  SokrLaunchHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  ASSERT_EQ(header.version, 2u);
  header.base_groups[2] = 0;
  header.header_size += 16;
  header.push_offset += 16;
  header.total_size += 16;
  std::vector<std::uint8_t> later(bytes.size() + 16);
  std::memcpy(later.data(), &header, sizeof header);
  std::memcpy(later.data() + sizeof header + 16, &behaviour, sizeof behaviour);
  const Dispatched failed = null_run(later);
  ASSERT_EQ(failed.result, SOKR_OK) << null_last_sentence();
  EXPECT_EQ(null_wait_for(failed.token, UINT64_MAX), kFailedAnswer);
  later[sizeof header + 15] = 1;
  EXPECT_EQ(null_run(later).result, SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(null_last_sentence(), "the launch parameters ask for something that is not known here");
}

TEST_F(NullTest, RefusesBadLaunches) {
  EXPECT_EQ(null_run(null_params(NULL_REFUSE)).result, SOKR_DISPATCH_FAILED);
  EXPECT_EQ(null_last_sentence(), "the launch asked to be refused");
  EXPECT_EQ(null_run(null_params(6)).result, SOKR_INVALID_INPUT);
  EXPECT_EQ(null_run(null_params(UINT32_MAX)).result, SOKR_INVALID_INPUT);

  const std::vector<std::uint8_t> good = null_params(NULL_FAIL);
  for (std::size_t size = 1; size < good.size(); ++size) {
    const std::vector<std::uint8_t> cut(good.begin(), good.begin() + static_cast<long>(size));
    EXPECT_EQ(null_run(cut).result, SOKR_INVALID_INPUT) << size;
  }
  std::vector<std::uint8_t> bytes = good;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    const Dispatched d = null_run(bytes);
    EXPECT_EQ(d.result == SOKR_OK, d.token != 0);
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  }
  const SokrCompletionToken wait = 1;
  SokrLaunch launch{};
  launch.waits = &wait;
  launch.wait_count = 1;
  bytes.resize(sokr_launch_size(&launch));
  sokr_launch_write(&launch, bytes.data(), bytes.size());
  EXPECT_EQ(null_run(bytes).result, SOKR_INVALID_INPUT);
  EXPECT_EQ(null_last_sentence(), "null orders no launches; wait on the host instead");
}

// The skeleton is copied: what it lets pass, others will.
TEST_F(NullTest, ChecksAllOfALaunch) {
  const std::vector<std::uint8_t> good = null_params(NULL_COMPLETE);
  ASSERT_EQ(null_run(good).result, SOKR_OK);
  const auto with = [&](std::size_t offset, auto value) {
    std::vector<std::uint8_t> changed = good;
    std::memcpy(changed.data() + offset, &value, sizeof value);
    return null_run(changed).result;
  };
  using Header = SokrLaunchHeader;
  EXPECT_EQ(with(offsetof(Header, version), 3u), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, flags), 0x80000000u), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, flags), 1u), SOKR_OK) << "profile";
  EXPECT_EQ(with(offsetof(Header, binding_count), UINT32_MAX), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, entry_size), 4u), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, specialization_count), 1u), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, local_size), 4u), SOKR_INVALID_INPUT);
  EXPECT_EQ(with(offsetof(Header, indirect), std::uint64_t{1}), SOKR_INVALID_INPUT);
  EXPECT_EQ(null_last_sentence(), "null has no buffers that group counts could be in");
}

// Of a process in which another thread may hold the mutex.
TEST_F(NullTest, AChildOfForkIsToldSo) {
  const Dispatched done = null_run({});
  ASSERT_EQ(done.result, SOKR_OK);
  pthread_mutex_lock(&null_mutex);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // if it is kept waiting
    int wrong = 0;
    const auto told = [&](SokrResult result) {
      wrong += result != SOKR_DISPATCH_FAILED || null_last_sentence() != NULL_FORKED;
    };
    told(capability(NULL_IR_FORMAT, "NULL"));
    SokrDispatchRequest request{};
    request.ir_data = reinterpret_cast<const std::uint8_t*>("NULL");
    request.ir_data_len = 4;
    SokrDispatchResponse response{};
    told(null_plugin.dispatch_fn(&request, &response));
    const Completed answer = null_wait_for(done.token, UINT64_MAX);
    told(answer.result);
    wrong += answer.signal != SOKR_COMPLETION_FAILED || response.completion_token != 0;
    char sentence[128];
    null_diagnostics.completion_error(done.token, sentence, sizeof sentence);
    wrong += std::string_view(sentence) != NULL_FORKED;
    const SokrPlugin* again = sokr_plugin_main(nullptr);
    wrong += again->substrate_count != 0 || again->unavailable_count != 1 ||
             std::string_view(again->unavailable[0].reason) != NULL_FORKED;
    null_plugin.destroy_fn();
    ::_exit(wrong);
  }
  pthread_mutex_unlock(&null_mutex);
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(null_run({}).result, SOKR_OK);
}

TEST_F(NullTest, RefusesNullPointers) {
  SokrCapabilityResponse capability_response{};
  SokrDispatchResponse dispatch_response{};
  SokrCompletionSignal signal{};
  EXPECT_EQ(null_plugin.capability_fn(nullptr, &capability_response), SOKR_INVALID_INPUT);
  EXPECT_EQ(null_plugin.dispatch_fn(nullptr, &dispatch_response), SOKR_INVALID_INPUT);
  EXPECT_EQ(null_plugin.completion_fn(nullptr, &signal), SOKR_INVALID_INPUT);
}

TEST_F(NullTest, BoundsWhatIsPending) {
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < NULL_MAX_PENDING; ++i) {
    tokens.push_back(null_run(null_params(NULL_PENDING_COMPLETE)).token);
  }
  EXPECT_EQ(null_run(null_params(NULL_PENDING_COMPLETE)).result, SOKR_DISPATCH_FAILED);
  EXPECT_EQ(null_run({}).result, SOKR_OK);
  EXPECT_EQ(null_run(null_params(NULL_RELEASE, tokens[30])).result, SOKR_OK);
  EXPECT_EQ(null_run(null_params(NULL_PENDING_FAIL)).result, SOKR_OK);
}

TEST_F(NullTest, AfterDestroyNothingIsFound) {
  const std::uint64_t done = null_run({}).token;
  const std::uint64_t pending = null_run(null_params(NULL_PENDING_COMPLETE)).token;
  null_plugin.destroy_fn();
  for (std::uint64_t token : {done, pending})
    EXPECT_EQ(null_wait_for(token, UINT64_MAX), kUnknownAnswer);
  SokrDispatchRequest request{};
  request.ir_data = reinterpret_cast<const std::uint8_t*>("NULL");
  request.ir_data_len = 4;
  SokrDispatchResponse response{};
  EXPECT_EQ(null_plugin.dispatch_fn(&request, &response), SOKR_NOT_FOUND);
  // Loaded once more: old tokens stay dead, new ones are new.
  (void)null_substrate();
  for (std::uint64_t token : {done, pending}) EXPECT_EQ(null_wait_for(token, 0), kUnknownAnswer);
  EXPECT_NE(null_run({}).token, done);
}

TEST_F(NullTest, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<std::vector<std::uint64_t>> tokens(4);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        const Dispatched d = null_run(null_params(i % 4));
        ASSERT_EQ(d.result, SOKR_OK);
        tokens[t].push_back(d.token);
        if (i % 4 >= 2) {
          ASSERT_EQ(null_wait_for(d.token, 0), kPendingAnswer);
          ASSERT_EQ(null_run(null_params(NULL_RELEASE, d.token)).result, SOKR_OK);
        }
        ASSERT_EQ(null_wait_for(d.token, UINT64_MAX), i % 2 == 0 ? kCompleteAnswer : kFailedAnswer);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& list : tokens) all.insert(list.begin(), list.end());
  EXPECT_EQ(all.size(), 1600u);
}

}  // namespace
}  // namespace sokr
