// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the core costs: dispatch and completion through it against the plugin's own
// functions, and two threads on one substrate against one. Short rounds alternate, so
// that both sides see the same machine. Prints one flat JSON object.
//
//   core.direct_ns, core.dispatch_completion_ns, core.dispatch_completion.added_ns
//   core.dispatch_completion.added.vs_step    what is added, in steps (step.hpp)
//   core.two_thread_scaling                   two threads' work over one's in the same time
//   core.two_thread_scaling.vs_direct         over the same for calls that share nothing
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sched.h>
#include <sokr/sokr.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "../alternate.hpp"
#include "../idle_plugin.hpp"
#include "../step.hpp"

namespace {

using sokr::bench::kIdlePlugin, sokr::bench::median;
using Clock = std::chrono::steady_clock;

// ---- The two loops that are compared ---------------------------------------------------

using Dispatch = decltype(SokrSubstratePlugin::dispatch_fn);
using Completion = decltype(SokrSubstratePlugin::completion_fn);

struct Span {
  Clock::time_point begin, end;
};
double seconds(Span span) {
  return std::chrono::duration<double>(span.end - span.begin).count();
}

// One dispatch and one completion for each iteration, through pointers that the
// compiler cannot see through.
__attribute__((noinline)) Span run(Dispatch dispatch_fn, Completion completion_fn,
                                   uint32_t substrate_id, int iterations) {
  benchmark::DoNotOptimize(dispatch_fn);
  benchmark::DoNotOptimize(completion_fn);
  const SokrDispatchRequest request = {{{0}}, substrate_id, nullptr, 0, nullptr, 0};
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < iterations; ++i) {
    SokrDispatchResponse response;
    SokrCompletionSignal signal;
    SokrResult result = dispatch_fn(&request, &response);
    const SokrCompletionQuery query = {response.completion_token, UINT64_MAX};
    result = result == SOKR_OK ? completion_fn(&query, &signal) : result;
    if (result != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) std::abort();
  }
  return {begin, Clock::now()};
}

struct Cost {
  double direct_ns, core_ns, added_steps;
};

Cost measure_cost(uint32_t id) {
  constexpr int kRounds = 201, kIterations = 10'000;
  constexpr double kToNs = 1e9 / kIterations;
  sokr::bench::Steps steps;
  const sokr::bench::Rounds rounds = sokr::bench::alternate(
      kRounds,
      {[&] {
         return kToNs *
                seconds(run(kIdlePlugin.dispatch_fn, kIdlePlugin.completion_fn, id, kIterations));
       },
       [&] { return kToNs * seconds(run(sokr_dispatch, sokr_completion, id, kIterations)); },
       [&] { return steps.measure(); }});
  benchmark::DoNotOptimize(steps.sum());
  std::vector<double> added;
  for (int i = 0; i < kRounds; ++i) added.push_back((rounds[1][i] - rounds[0][i]) / rounds[2][i]);
  return {median(rounds[0]), median(rounds[1]), median(added)};
}

// ---- Two threads against one -------------------------------------------------------------

std::vector<int> usable_processors() {
  cpu_set_t set;
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) processors.push_back(i);
  }
  return processors;
}

void pin_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

// Two threads of a round meet here; both are running when the count is reached.
struct Gate {
  std::atomic<int> arrived = 0;
  void pass(int expected) {
    ++arrived;
    while (arrived.load(std::memory_order_acquire) < expected) {
    }
  }
};

// A way to dispatch and complete, and as many iterations as make a short round.
struct Way {
  Dispatch dispatch_fn;
  Completion completion_fn;
  int iterations;
};

struct Scaling {
  double core, direct;
};

// The best of many short rounds: what the machine does when nobody else runs. Where others keep
// both processors busy, no round of few may have had both, so more are made until both ways scale
// alike or time is up: each is a minimum, which more rounds bring nearer to what it is. Both
// threads are made here: stacks of one size side by side never share a stripe, while
// the main thread's stack may, once in 64 runs. In between, the same for calls that share nothing
// at all: virtual processors may be two halves of one core, for which both have to do with less.
Scaling measure_scaling(uint32_t id, const std::vector<int>& processors) {
  constexpr int kRounds = 120, kMostTimes = 40;
  constexpr double kAlike = 0.95;
  const Way ways[] = {{sokr_dispatch, sokr_completion, 20'000},
                      {kIdlePlugin.dispatch_fn, kIdlePlugin.completion_fn, 100'000}};
  struct Best {
    double one = 1e9, two = 1e9;
    double scaling() const { return 2 * one / two; }
  };
  Best best[2];
  for (int times = 0; times < kMostTimes; ++times) {
    struct Rounds {
      std::vector<Gate> begins = std::vector<Gate>(kRounds), ends = std::vector<Gate>(kRounds);
      std::vector<Span> alone = std::vector<Span>(kRounds), first = alone, second = alone;
    };
    Rounds of_way[2];
    auto take_part = [&](int processor, bool is_first) {
      pin_to(processor);
      for (int round = 0; round < kRounds; ++round)
        for (int w = 0; w < 2; ++w) {
          const auto measure = [&way = ways[w], id] {
            return run(way.dispatch_fn, way.completion_fn, id, way.iterations);
          };
          Rounds& rounds = of_way[w];
          if (is_first) rounds.alone[round] = measure();
          rounds.begins[round].pass(2);
          (is_first ? rounds.first : rounds.second)[round] = measure();
          rounds.ends[round].pass(2);
        }
    };
    std::thread a([&] { take_part(processors[0], true); });
    std::thread b([&] { take_part(processors[1], false); });
    a.join();
    b.join();
    for (int w = 0; w < 2; ++w) {
      const Rounds& rounds = of_way[w];
      for (int round = 0; round < kRounds; ++round) {
        best[w].one = std::min(best[w].one, seconds(rounds.alone[round]));
        // From the first begin to the last end: threads that ran in turns gain nothing.
        best[w].two = std::min(
            best[w].two, seconds({std::min(rounds.first[round].begin, rounds.second[round].begin),
                                  std::max(rounds.first[round].end, rounds.second[round].end)}));
      }
    }
    if (best[0].scaling() >= kAlike * best[1].scaling()) break;
  }
  return {best[0].scaling(), best[1].scaling()};
}

}  // namespace

int main() {
  uint32_t id = 0;
  if (sokr_register_substrate(&kIdlePlugin, &id) != SOKR_OK) return 1;
  const Cost cost = measure_cost(id);
  std::printf("{\"core.direct_ns\": %.2f, \"core.dispatch_completion_ns\": %.2f, ", cost.direct_ns,
              cost.core_ns);
  const std::vector<int> processors = usable_processors();
  if (processors.size() < 2) {
    std::fprintf(stderr, "bench: one processor only: core.two_thread_scaling is left out\n");
  } else {
    const Scaling scaling = measure_scaling(id, processors);
    std::printf("\"core.two_thread_scaling\": %.3f, \"core.two_thread_scaling.vs_direct\": %.3f, ",
                scaling.core, scaling.core / scaling.direct);
  }
  std::printf(
      "\"core.dispatch_completion.added_ns\": %.2f, "
      "\"core.dispatch_completion.added.vs_step\": %.3f}\n",
      cost.core_ns - cost.direct_ns, cost.added_steps);
  return sokr_deregister_substrate(id) == SOKR_OK ? 0 : 1;
}
