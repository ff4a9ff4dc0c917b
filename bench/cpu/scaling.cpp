// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How well the CPU substrate spreads one launch over its threads: the same launch with one
// thread and with two, in turns, in one process. For looking at, not for the gate.
//
//   groups  cost     alone us  both us  ratio  work  caller  idle  joined
//
// cost: the last workgroup against the first. alone, both: the best launches; with two threads
// only those in which the second one got a core before everything was done, which joined is
// the part of. Where other programs keep all cores busy, that part is small: the system wakes
// the second thread on the core of the first. The rest tells how the work was shared: how much
// processor time both took for what one does alone, which part of it the waiting thread did,
// and in which part of two threads' time nothing was done.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "measure.hpp"
#include "runtime/substrate.hpp"

namespace {

using namespace sokr;
using namespace sokr::bench;

double clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

template <class T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(result.failure().sentence);
  return *std::move(result);
}

// Of one launch, in nanoseconds.
struct Cost {
  double wall = 0, process = 0, caller = 0;
};

class Busy {
 public:
  Busy(std::uint32_t groups, std::uint32_t steps, std::uint32_t more)
      : module_(read_file(SOKR_BENCH_OWN_SHADERS "/busy.spv")),
        data_(std::size_t{groups} * 64, 0.5f),
        push_{steps, more} {
    SokrBinding binding{};
    binding.kind = SOKR_BINDING_HOST;
    binding.access = SOKR_ACCESS_READ_WRITE;
    binding.resource = reinterpret_cast<std::uintptr_t>(data_.data());
    binding.size = data_.size() * sizeof(float);
    SokrLaunch launch{};
    launch.groups[0] = groups;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    launch.push = push_;
    launch.push_size = sizeof push_;
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
  }

  Cost run(cpu::CpuSubstrate& substrate) const {
    SokrDispatchRequest request{};
    request.substrate_id = 1;
    request.ir_data = reinterpret_cast<const std::uint8_t*>(module_.data());
    request.ir_data_len = module_.size();
    request.params = params_.data();
    request.params_len = params_.size();
    const double process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    const double caller = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    const double begin = now_ns();
    const std::uint64_t token = expect(substrate.dispatch(request));
    const auto answer = substrate.completion(token, UINT64_MAX);
    const double end = now_ns();
    if (answer.signal != SOKR_COMPLETION_COMPLETE)
      throw std::runtime_error(substrate.tokens().error(token));
    return {end - begin, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process,
            clock_ns(CLOCK_THREAD_CPUTIME_ID) - caller};
  }

 private:
  std::vector<std::byte> module_;
  mutable std::vector<float> data_;
  std::uint32_t push_[2];
  std::vector<unsigned char> params_;
};

// What the best tenth of the launches cost on average; there is at least one.
Cost best(std::vector<Cost> costs) {
  std::sort(costs.begin(), costs.end(),
            [](const Cost& a, const Cost& b) { return a.wall < b.wall; });
  costs.resize((costs.size() + 9) / 10);
  Cost mean;
  for (const Cost& cost : costs) {
    mean.wall += cost.wall / static_cast<double>(costs.size());
    mean.process += cost.process / static_cast<double>(costs.size());
    mean.caller += cost.caller / static_cast<double>(costs.size());
  }
  return mean;
}

// The second thread did something, too.
bool is_joined(const Cost& cost) {
  return cost.caller < 0.9 * cost.process;
}

void compare(cpu::CpuSubstrate& one, cpu::CpuSubstrate& two, std::uint32_t groups,
             std::uint32_t steps, std::uint32_t more) {
  constexpr double kEnough = 400e6;  // nanoseconds
  constexpr int kInRow = 10;
  const Busy busy(groups, steps, more);
  std::vector<Cost> alone, both;
  double spent = 0;
  for (int i = 0; i < 3; ++i) busy.run(one), busy.run(two);
  // Some launches of the same substrate in a row: a thread that looks for work in one of them
  // is not there for the other.
  const auto add = [&](cpu::CpuSubstrate& substrate, std::vector<Cost>& costs) {
    for (int i = 0; i < kInRow; ++i) {
      costs.push_back(busy.run(substrate));
      spent += costs.back().wall;
    }
  };
  while (spent < kEnough) {
    add(one, alone);
    add(two, both);
  }
  const Cost a = best(alone);
  std::vector<Cost> joined;
  std::copy_if(both.begin(), both.end(), std::back_inserter(joined), is_joined);
  fmt::print("{:>6} {:>5} {:>12.1f}", groups, more, a.wall / 1e3);
  if (joined.empty()) {
    fmt::print("  the second thread never got a core in time\n");
    return;
  }
  const Cost b = best(joined);
  fmt::print(" {:>8.1f} {:>6.2f} {:>5.2f} {:>7.2f} {:>5.2f} {:>7.2f}\n", b.wall / 1e3,
             a.wall / b.wall, b.process / a.process, b.caller / b.process,
             std::max(0.0, 1 - b.process / (2 * b.wall)),
             static_cast<double>(joined.size()) / static_cast<double>(both.size()));
}

}  // namespace

int main() {
  const auto options = [] {
    return cpu::KernelStoreOptions{.isa = cpu::host_isa(),
                                   .compiler_library = SOKR_BENCH_CPU_COMPILER};
  };
  try {
    cpu::CpuSubstrate one(substrate::Host(), options(), 1), two(substrate::Host(), options(), 2);
    fmt::print("groups  cost     alone us  both us  ratio  work  caller  idle  joined\n");
    for (const std::uint32_t more : {1u, 4u}) {
      for (const std::uint32_t groups : {2u, 8u, 64u, 1024u}) {
        // About 0.05, 0.2, 1 and 5 ms of one thread.
        for (const std::uint32_t steps : {50'000u, 200'000u, 1'000'000u, 5'000'000u}) {
          compare(one, two, groups, steps / groups, more);
        }
      }
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cpu_scaling: {}\n", error.what());
    return 1;
  }
}
