// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The core's calls one by one under Google Benchmark, for a look by hand:
//   bin/explore_core --benchmark_filter=dispatch
#include <benchmark/benchmark.h>
#include <sokr/sokr.h>

#include <vector>

#include "../idle_plugin.hpp"

namespace {

using sokr::bench::kIdlePlugin;

SokrResult deny(const SokrCapabilityQuery*, SokrCapabilityResponse*) {
  return SOKR_CAPABILITY_DENIED;
}

// `deniers` substrates that decline, then one that accepts.
class Plugged {
 public:
  explicit Plugged(int64_t deniers) {
    for (int64_t i = 0; i <= deniers; ++i) {
      SokrSubstratePlugin plugin = kIdlePlugin;
      if (i < deniers) plugin.capability_fn = deny;
      ids_.push_back(0);
      sokr_register_substrate(&plugin, &ids_.back());
    }
  }
  ~Plugged() {
    for (uint32_t id : ids_) sokr_deregister_substrate(id);
  }
  uint32_t id() const { return ids_.back(); }

 private:
  std::vector<uint32_t> ids_;
};

void dispatch_and_completion(benchmark::State& state) {
  static Plugged* plugged;
  if (state.thread_index() == 0) plugged = new Plugged(0);
  for (auto _ : state) {
    const SokrDispatchRequest request = {{{0}}, plugged->id(), nullptr, 0, nullptr, 0};
    SokrDispatchResponse response;
    sokr_dispatch(&request, &response);
    const SokrCompletionQuery query = {response.completion_token, 0};
    SokrCompletionSignal signal;
    benchmark::DoNotOptimize(sokr_completion(&query, &signal));
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) delete plugged;
}
BENCHMARK(dispatch_and_completion)->ThreadRange(1, 4)->UseRealTime();

void capability(benchmark::State& state) {
  Plugged plugged(state.range(0));
  const SokrCapabilityQuery query = {{{0}}, SOKR_IR_SPIRV, nullptr, 0};
  for (auto _ : state) {
    SokrCapabilityResponse response;
    benchmark::DoNotOptimize(sokr_capability(&query, &response));
  }
}
BENCHMARK(capability)->Arg(0)->Arg(4)->Arg(16);

void register_and_deregister(benchmark::State& state) {
  for (auto _ : state) Plugged plugged(0);
}
BENCHMARK(register_and_deregister)->Iterations(10'000);  // each takes an id for good

}  // namespace

BENCHMARK_MAIN();
