// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <stdexcept>
#include <thread>

namespace sokr::substrate {
namespace {

std::string last_error_of(const Exported& e) {
  char out[256];
  e.diagnostics->last_error(out, sizeof out);
  return out;
}

// What the first IR byte asks for.
enum Ask : std::uint8_t { kWork, kPending, kRefuse, kThrow, kNoMemory, kNoToken, kFailLater };

class Sample {
 public:
  explicit Sample(std::uint64_t latency, int* destroyed = nullptr)
      : latency_(latency), destroyed_(destroyed) {}
  ~Sample() {
    table_.abandon_all("destroyed");
    if (destroyed_ != nullptr) ++*destroyed_;
  }
  Result<std::uint64_t> capability(const SokrCapabilityQuery& query) {
    SOKR_TRY(act(query.ir_data));
    return latency_;
  }
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request) {
    SOKR_TRY(act(request.ir_data));
    if (*request.ir_data == kNoToken) return std::uint64_t{0};
    if (*request.ir_data == kWork) return table_.issue_complete();
    const std::uint64_t token = table_.begin();
    if (*request.ir_data == kFailLater) (void)table_.fail(token, "it was asked to");
    return token;
  }
  CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns) {
    return table_.completion(token, timeout_ns);
  }
  std::string completion_error(std::uint64_t token) { return table_.error(token); }
  std::optional<Timing> timing(std::uint64_t token) {
    if (token != 1) return std::nullopt;
    Timing timing(55);
    timing.began_ns = 1000;
    timing.ended_ns = 1055;
    return timing;
  }
  HostMemory& memory() { return memory_; }
  void statistics(StatisticList& list) {
    list.level("buffers", memory_.buffer_count());
    list.kernels({.builds = 7, .evictions = 4, .entries = 3, .bytes = 99});
  }

 private:
  static Result<void> act(const std::uint8_t* ir) {
    if (*ir == kRefuse) return fail(SOKR_CAPABILITY_DENIED, "refused as asked");
    if (*ir == kThrow) throw std::runtime_error("thrown");
    if (*ir == kNoMemory) throw std::bad_alloc();
    return {};
  }
  std::uint64_t latency_;
  int* destroyed_;
  InFlightTable table_;
  HostMemory memory_;
};

SokrResult ask(const Exported& e, std::uint8_t what, SokrDispatchResponse* response) {
  SokrDispatchRequest request{};
  request.ir_data = &what;
  request.ir_data_len = 1;
  return e.plugin->dispatch_fn(&request, response);
}

SokrResult capability(const Exported& e, std::uint8_t what, SokrCapabilityResponse* response) {
  SokrCapabilityQuery query{};
  query.ir_data = &what;
  query.ir_data_len = 1;
  return e.plugin->capability_fn(&query, response);
}

TEST(Exporter, EachSlotHasItsOwnTables) {
  using Devices = Exporter<Sample, 3>;
  int destroyed = 0;
  const Exported a = *Devices::install(std::make_unique<Sample>(11, &destroyed));
  const Exported b = *Devices::install(std::make_unique<Sample>(22, &destroyed));
  const Exported c = *Devices::install(std::make_unique<Sample>(33, &destroyed));
  const auto full = Devices::install(std::make_unique<Sample>(44, &destroyed));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.code(), SOKR_REGISTRY_FULL);
  EXPECT_EQ(destroyed, 1);

  SokrCapabilityResponse response{};
  EXPECT_EQ(capability(a, kWork, &response), SOKR_OK);
  EXPECT_EQ(response.estimated_latency_ns, 11u);
  EXPECT_EQ(capability(c, kWork, &response), SOKR_OK);
  EXPECT_EQ(response.estimated_latency_ns, 33u);
  EXPECT_EQ(capability(b, kRefuse, &response), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(response.estimated_latency_ns, 0u);
  EXPECT_EQ(response.result, SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(last_error_of(b), "refused as asked");
  EXPECT_EQ(last_error_of(a), "");

  b.plugin->destroy_fn();
  EXPECT_EQ(destroyed, 2);
  EXPECT_EQ(capability(b, kWork, &response), SOKR_NOT_FOUND);
  EXPECT_EQ(last_error_of(b), "this substrate is destroyed");
  EXPECT_EQ(capability(a, kWork, &response), SOKR_OK) << "others go on";
  const Exported again = *Devices::install(std::make_unique<Sample>(55, &destroyed));
  EXPECT_EQ(again.plugin, b.plugin) << "a free slot is used again";
  EXPECT_EQ(last_error_of(again), "");
  EXPECT_EQ(capability(again, kWork, &response), SOKR_OK);
  EXPECT_EQ(response.estimated_latency_ns, 55u);
  for (const Exported& e : {a, again, c}) e.plugin->destroy_fn();
  a.plugin->destroy_fn();
  EXPECT_EQ(destroyed, 5) << "a second destroy changes nothing";
}

TEST(Exporter, FailuresAndExceptionsBecomeCodes) {
  const Exported e = *Exporter<Sample, 1>::install(std::make_unique<Sample>(0));
  SokrDispatchResponse response{};
  response.completion_token = 99;
  EXPECT_EQ(ask(e, kRefuse, &response), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(response.completion_token, 0u);
  EXPECT_EQ(ask(e, kThrow, &response), SOKR_DISPATCH_FAILED);
  EXPECT_EQ(last_error_of(e), "thrown");
  EXPECT_EQ(ask(e, kNoMemory, &response), SOKR_DISPATCH_FAILED);
  EXPECT_EQ(last_error_of(e), "out of memory");
  EXPECT_EQ(ask(e, kNoToken, &response), SOKR_DISPATCH_FAILED);
  EXPECT_NE(last_error_of(e).find("used up"), std::string::npos);
  EXPECT_EQ(e.plugin->dispatch_fn(nullptr, &response), SOKR_INVALID_INPUT);
  EXPECT_EQ(e.plugin->capability_fn(nullptr, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(e.plugin->completion_fn(nullptr, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(last_error_of(e), "the query or signal is null");

  EXPECT_EQ(ask(e, kFailLater, &response), SOKR_OK);
  SokrCompletionQuery query{response.completion_token, UINT64_MAX};
  SokrCompletionSignal signal{};
  EXPECT_EQ(e.plugin->completion_fn(&query, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  char out[64];
  EXPECT_EQ(e.diagnostics->completion_error(response.completion_token, out, sizeof out), 15u);
  EXPECT_STREQ(out, "it was asked to");
  query.completion_token = 123457;
  EXPECT_EQ(e.plugin->completion_fn(&query, &signal), SOKR_NOT_FOUND);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  e.plugin->destroy_fn();
}

// Its table answers what a class does not.
TEST(Exporter, ATableOfTokensAnswersForItsClass) {
  struct Small {
    Result<std::uint64_t> capability(const SokrCapabilityQuery&) { return std::uint64_t{0}; }
    Result<std::uint64_t> dispatch(const SokrDispatchRequest& request) {
      const std::uint64_t token = table.begin();
      table.record_timing(token, 77);
      if (*request.ir_data == kFailLater)
        (void)table.fail(token, "it was asked to");
      else
        (void)table.finish(token);
      return token;
    }
    InFlightTable& tokens() { return table; }
    InFlightTable table;
  };
  const Exported e = *Exporter<Small, 1>::install(std::make_unique<Small>());
  EXPECT_EQ(e.memory, nullptr);
  SokrDispatchResponse good{}, bad{};
  ASSERT_EQ(ask(e, kWork, &good), SOKR_OK);
  ASSERT_EQ(ask(e, kFailLater, &bad), SOKR_OK);
  SokrCompletionSignal signal{};
  SokrCompletionQuery query{good.completion_token, UINT64_MAX};
  EXPECT_EQ(e.plugin->completion_fn(&query, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  query.completion_token = bad.completion_token;
  EXPECT_EQ(e.plugin->completion_fn(&query, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  char out[64];
  EXPECT_EQ(e.diagnostics->completion_error(bad.completion_token, out, sizeof out), 15u);
  EXPECT_STREQ(out, "it was asked to");
  SokrTiming timing{sizeof(SokrTiming), 0, 0, 0, 0};
  ASSERT_NE(e.diagnostics->timing, nullptr);
  EXPECT_EQ(e.diagnostics->timing(good.completion_token, &timing), SOKR_OK);
  EXPECT_EQ(timing.device_ns, 77u);
  EXPECT_EQ(timing.ended_ns, 0u) << "it knows how long it took, and not when";
  EXPECT_EQ(e.diagnostics->timing(bad.completion_token, &timing), SOKR_NOT_FOUND);
  e.plugin->destroy_fn();
}

TEST(Exporter, MemoryAndTimingTables) {
  const Exported e = *Exporter<Sample, 2>::install(std::make_unique<Sample>(0));
  ASSERT_NE(e.memory, nullptr);
  EXPECT_EQ(e.memory->struct_size, sizeof(SokrMemoryTable));
  SokrBuffer buffer = 77;
  EXPECT_EQ(e.memory->create(0, 0, &buffer), SOKR_INVALID_INPUT);
  EXPECT_EQ(buffer, 0u);
  EXPECT_NE(last_error_of(e).find("at least 1 byte"), std::string::npos);
  EXPECT_EQ(e.memory->create(4, 0, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(e.memory->create(8, SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS, &buffer), SOKR_OK);
  std::uint64_t in = 42, out = 0;
  EXPECT_EQ(e.memory->write(buffer, 0, &in, 8), SOKR_OK);
  EXPECT_EQ(e.memory->read(buffer, 0, &out, 8), SOKR_OK);
  EXPECT_EQ(out, 42u);
  void* mapped = nullptr;
  EXPECT_EQ(e.memory->map(buffer, &mapped), SOKR_OK);
  EXPECT_EQ(*static_cast<std::uint64_t*>(mapped), 42u);
  std::uint64_t address = 0;
  EXPECT_EQ(e.memory->address(buffer, &address), SOKR_OK);
  EXPECT_EQ(address, reinterpret_cast<std::uintptr_t>(mapped));
  EXPECT_EQ(e.memory->free(buffer), SOKR_OK);
  EXPECT_EQ(e.memory->free(buffer), SOKR_INVALID_INPUT);

  SokrTiming timing{sizeof(SokrTiming), 0, 0, 0, 0};
  EXPECT_EQ(e.diagnostics->timing(1, &timing), SOKR_OK);
  EXPECT_EQ(timing.device_ns, 55u);
  EXPECT_EQ(timing.began_ns, 1000u);
  EXPECT_EQ(timing.ended_ns, 1055u);
  // That of a caller of before has no room for moments.
  SokrTiming older{offsetof(SokrTiming, began_ns), 0, 0, 7, 7};
  EXPECT_EQ(e.diagnostics->timing(1, &older), SOKR_OK);
  EXPECT_EQ(older.device_ns, 55u);
  EXPECT_EQ(older.began_ns, 7u);
  EXPECT_EQ(older.ended_ns, 7u);
  EXPECT_EQ(e.diagnostics->timing(2, &timing), SOKR_NOT_FOUND);
  timing.struct_size = 8;
  EXPECT_EQ(e.diagnostics->timing(1, &timing), SOKR_INVALID_INPUT);
  e.plugin->destroy_fn();
  EXPECT_EQ(e.memory->create(8, 0, &buffer), SOKR_NOT_FOUND);
  EXPECT_EQ(e.diagnostics->timing(1, &timing), SOKR_NOT_FOUND);
  char text[8] = "x";
  EXPECT_EQ(e.diagnostics->completion_error(1, text, sizeof text), 0u);
  EXPECT_STREQ(text, "");
}

TEST(Exporter, CopiesAndNamesWhatThereIsNot) {
  const Exported e = *Exporter<Sample, 1>::install(std::make_unique<Sample>(0));
  SokrBuffer from = 0, to = 0;
  ASSERT_EQ(e.memory->create(8, 0, &from), SOKR_OK);
  ASSERT_EQ(e.memory->create(16, 0, &to), SOKR_OK);
  std::uint64_t in = 42, out = 0;
  EXPECT_EQ(e.memory->write(from, 0, &in, 8), SOKR_OK);
  EXPECT_EQ(e.memory->copy(from, 0, to, 8, 8), SOKR_OK);
  EXPECT_EQ(e.memory->read(to, 8, &out, 8), SOKR_OK);
  EXPECT_EQ(out, 42u);
  EXPECT_EQ(e.memory->copy(from, 0, to, 12, 8), SOKR_INVALID_INPUT);

  const SokrImageInfo image{sizeof(SokrImageInfo), 2, 1, 1, {4, 4, 1}, 1, 1, 1};
  const SokrSamplerInfo sampler{sizeof(SokrSamplerInfo)};
  SokrImage made = 9;
  EXPECT_EQ(e.memory->create_image(&image, &made), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(made, 0u);
  EXPECT_EQ(last_error_of(e), "this substrate has no images; it has buffers only");
  made = 9;
  EXPECT_EQ(e.memory->create_sampler(&sampler, &made), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(made, 0u);
  EXPECT_EQ(last_error_of(e), "this substrate has no samplers; it has buffers only");
  EXPECT_EQ(e.memory->free_image(1), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(e.memory->write_image(1, nullptr, &in, 8), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(e.memory->read_image(1, nullptr, &out, 8), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(e.memory->free_sampler(1), SOKR_CAPABILITY_DENIED);
  e.plugin->destroy_fn();
  EXPECT_EQ(e.memory->copy(from, 0, to, 8, 8), SOKR_NOT_FOUND);
  EXPECT_EQ(e.memory->create_image(&image, &made), SOKR_NOT_FOUND);
}

TEST(Exporter, CountsByName) {
  const Exported e = *Exporter<Sample, 1>::install(std::make_unique<Sample>(0));
  std::vector<SokrStatistic> read(8);
  SokrStatistics asked{sizeof asked, sizeof(SokrStatistic), read.data(), 8, 0};
  ASSERT_EQ(e.diagnostics->statistics(&asked), SOKR_OK);
  ASSERT_EQ(asked.count, 5u);
  EXPECT_STREQ(read[0].name, "buffers");
  EXPECT_EQ(read[0].kind, std::uint32_t{SOKR_STATISTIC_LEVEL});
  EXPECT_STREQ(read[2].name, "kernel_bytes");
  EXPECT_EQ(read[2].value, 99u);
  EXPECT_STREQ(read[4].name, "kernels_evicted");
  EXPECT_EQ(read[4].value, 4u);
  EXPECT_EQ(read[4].kind, std::uint32_t{SOKR_STATISTIC_TOTAL});

  // As many as there is room for; how many there are is told.
  read.assign(8, {});
  asked.capacity = 2;
  ASSERT_EQ(e.diagnostics->statistics(&asked), SOKR_OK);
  EXPECT_EQ(asked.count, 5u);
  EXPECT_NE(read[1].name, nullptr);
  EXPECT_EQ(read[2].name, nullptr);
  asked.capacity = 0;
  asked.statistics = nullptr;
  EXPECT_EQ(e.diagnostics->statistics(&asked), SOKR_OK);

  // A caller of a later version: the rest of its elements is zero.
  struct Longer {
    SokrStatistic known;
    std::uint64_t more;
  };
  std::vector<Longer> longer(5, {{nullptr, 1, 1, 1}, 1});
  asked.statistics = &longer[0].known;
  asked.statistic_size = sizeof(Longer);
  asked.capacity = 5;
  ASSERT_EQ(e.diagnostics->statistics(&asked), SOKR_OK);
  EXPECT_STREQ(longer[3].known.name, "kernels_built");
  EXPECT_EQ(longer[3].known.value, 7u);
  EXPECT_EQ(longer[3].more, 0u);

  asked.statistic_size = 8;
  EXPECT_EQ(e.diagnostics->statistics(&asked), SOKR_INVALID_INPUT);
  asked.struct_size = 16;
  EXPECT_EQ(e.diagnostics->statistics(&asked), SOKR_INVALID_INPUT);
  EXPECT_EQ(last_error_of(e), "SokrStatistics.struct_size is 16, which has no room for count");
  EXPECT_EQ(e.diagnostics->statistics(nullptr), SOKR_INVALID_INPUT);
  e.plugin->destroy_fn();
  EXPECT_EQ(e.diagnostics->statistics(&asked), SOKR_NOT_FOUND);
}

struct Plain {
  Result<std::uint64_t> capability(const SokrCapabilityQuery&) { return std::uint64_t{0}; }
  Result<std::uint64_t> dispatch(const SokrDispatchRequest&) { return std::uint64_t{1}; }
  CompletionAnswer completion(std::uint64_t, std::uint64_t) { throw 1; }
  std::string completion_error(std::uint64_t) { throw std::bad_alloc(); }
};

TEST(Exporter, OptionalPartsMayBeMissing) {
  const Exported e = *Exporter<Plain, 1>::install(std::make_unique<Plain>());
  EXPECT_EQ(e.memory, nullptr);
  EXPECT_EQ(e.diagnostics->timing, nullptr);
  EXPECT_EQ(e.diagnostics->statistics, nullptr);
  const SokrCompletionQuery query{1, 0};
  SokrCompletionSignal signal{};
  EXPECT_EQ(e.plugin->completion_fn(&query, &signal), SOKR_DISPATCH_FAILED);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  char out[32];
  e.diagnostics->completion_error(1, out, sizeof out);
  EXPECT_STREQ(out, "out of memory");
  e.plugin->destroy_fn();
}

TEST(Exporter, DestroyWaitsForMemoryCalls) {
  using Devices = Exporter<Sample, 1>;
  for (int round = 0; round < 30; ++round) {
    const Exported e = *Devices::install(std::make_unique<Sample>(0));
    std::atomic<int> worked{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        SokrBuffer buffer = 0;
        SokrResult result;
        while ((result = e.memory->create(64, 0, &buffer)) == SOKR_OK) {
          ++worked;
          const SokrResult freed = e.memory->free(buffer);
          ASSERT_TRUE(freed == SOKR_OK || freed == SOKR_NOT_FOUND);
          char out[16];
          (void)e.diagnostics->completion_error(1, out, sizeof out);
        }
        ASSERT_EQ(result, SOKR_NOT_FOUND);
      });
    }
    while (worked < 10) std::this_thread::yield();
    e.plugin->destroy_fn();
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace sokr::substrate
