// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What short launches cost on all threads beside loops of oneTBB that do the same: the part of a
// launch that is not its work. For looking at, not for the gate. A table for people goes to
// standard error, one JSON object to standard output:
//
//   cpu.launches.KERNEL.WAY.vs_handwritten   the loop's time over a launch's; WAY: each, order,
//   last, chain cpu.launches.KERNEL.loop_us              of the loop
//
// SOKR_BENCH_QUICK=1 takes fewer rounds.
//
// With one of the last four words it measures nothing and repeats launches of 20 us of one kind
// that way, 2,000 times 32, for who counts what the system is asked for (`order` for the second).
//
// loop: the hand-written loop, again and again. The others are that time over the one of a launch:
// a wait for each; so many dispatched at once and waited for in order, or the last one first; so
// many that each wait for the one before, and one wait for the last. Each launch of a row writes
// memory of its own.
#include <fmt/format.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

#include <bit>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "handwritten/simd.hpp"
#include "measure.hpp"
#include "runtime/substrate.hpp"
#include "runtime/threads.hpp"

namespace {

using namespace sokr;
using namespace sokr::bench;
using namespace sokr::bench::handwritten;

constexpr std::uint32_t kInRow = 32;  // launches
const int kRounds = std::getenv("SOKR_BENCH_QUICK") ? 3 : 21;

template <class T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(result.failure().sentence);
  return *std::move(result);
}

class Launched {
 public:
  Launched(std::filesystem::path module, std::uint32_t groups, std::vector<std::uint32_t> push,
           std::vector<std::span<float>> buffers)
      : module_(read_file(module)), groups_(groups), push_(std::move(push)) {
    for (std::uint32_t i = 0; i < buffers.size(); ++i) {
      SokrBinding binding{};
      binding.binding = i;
      binding.kind = SOKR_BINDING_HOST;
      binding.access = SOKR_ACCESS_READ_WRITE;
      binding.resource = reinterpret_cast<std::uintptr_t>(buffers[i].data());
      binding.size = buffers[i].size_bytes();
      bindings_.push_back(binding);
    }
  }

  std::uint64_t start(cpu::CpuSubstrate& substrate, std::uint64_t after = 0) const {
    SokrLaunch launch{};
    launch.groups[0] = groups_;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = bindings_.data();
    launch.binding_count = static_cast<std::uint32_t>(bindings_.size());
    launch.push = push_.data();
    launch.push_size = static_cast<std::uint32_t>(push_.size() * 4);
    const SokrCompletionToken waits[] = {sokr_token_encode(1, after)};
    if (after != 0) {
      launch.waits = waits;
      launch.wait_count = 1;
    }
    std::vector<unsigned char> params(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    SokrDispatchRequest request{};
    request.substrate_id = 1;
    request.ir_data = reinterpret_cast<const std::uint8_t*>(module_.data());
    request.ir_data_len = module_.size();
    request.params = params.data();
    request.params_len = params.size();
    return expect(substrate.dispatch(request));
  }

 private:
  std::vector<std::byte> module_;
  std::uint32_t groups_;
  std::vector<std::uint32_t> push_;
  std::vector<SokrBinding> bindings_;
};

void await(cpu::CpuSubstrate& substrate, std::uint64_t token) {
  if (substrate.completion(token, UINT64_MAX).signal != SOKR_COMPLETION_COMPLETE)
    throw std::runtime_error(substrate.tokens().error(token));
}

struct Way {
  const char* name;
  void (*run)(cpu::CpuSubstrate& substrate, std::span<const Launched> launches);
};

template <bool kLastFirst>
void all_at_once(cpu::CpuSubstrate& substrate, std::span<const Launched> launches) {
  std::vector<std::uint64_t> tokens;
  for (const Launched& launch : launches) tokens.push_back(launch.start(substrate));
  if (kLastFirst) await(substrate, tokens.back());
  for (const std::uint64_t token : tokens) await(substrate, token);
}

constexpr Way kWays[] = {
    {"each",
     [](cpu::CpuSubstrate& substrate, std::span<const Launched> launches) {
       for (const Launched& launch : launches) await(substrate, launch.start(substrate));
     }},
    {"order", all_at_once<false>},
    {"last", all_at_once<true>},
    {"chain", [](cpu::CpuSubstrate& substrate, std::span<const Launched> launches) {
       std::uint64_t last = 0;
       for (const Launched& launch : launches) last = launch.start(substrate, last);
       await(substrate, last);
     }}};

void measure(cpu::CpuSubstrate& substrate, Figures& figures, const std::string& name,
             std::span<const Launched> launches, const std::function<void(std::uint32_t)>& loop) {
  const auto timed = [](auto work) {
    return [work] {
      const double begin = now_ns();
      work();
      return (now_ns() - begin) / kInRow;
    };
  };
  std::vector<std::function<double()>> sides{timed([&] {
    for (std::uint32_t i = 0; i < kInRow; ++i) loop(i);
  })};
  for (const Way& way : kWays) sides.push_back(timed([&] { way.run(substrate, launches); }));
  for (int i = 0; i < 10; ++i) await(substrate, launches[0].start(substrate));
  substrate.await_better_kernels();
  for (const auto& side : sides) side();
  const Rounds rounds = alternate(kRounds, sides);
  const double loop_us = median(rounds[0]) / 1e3;
  fmt::print(stderr, "{:<16} {:>8.1f} {:>6.2f} {:>9.2f} {:>6.2f} {:>6.2f}\n", name, loop_us,
             ratio(rounds[0], rounds[1]), ratio(rounds[0], rounds[2]), ratio(rounds[0], rounds[3]),
             ratio(rounds[0], rounds[4]));
  const std::string figure = "cpu.launches." + name + '.';
  figures.add(figure + "loop_us", loop_us);
  for (std::size_t way = 0; way < std::size(kWays); ++way) {
    figures.add(fmt::format("{}{}.vs_handwritten", figure, kWays[way].name),
                ratio(rounds[0], rounds[way + 1]));
  }
}

void saxpy(cpu::CpuSubstrate& substrate, Figures& figures, std::uint32_t n) {
  std::vector<float> x(n, 0.5f);
  std::vector<std::vector<float>> ys(kInRow, std::vector<float>(n, 0.25f));
  const float a = 0.001f;
  std::vector<Launched> launches;
  for (std::vector<float>& y : ys)
    launches.emplace_back(SOKR_BENCH_SHADERS "/saxpy.spv", (n + 255) / 256,
                          std::vector<std::uint32_t>{n, std::bit_cast<std::uint32_t>(a)},
                          std::vector<std::span<float>>{x, y});
  measure(substrate, figures, fmt::format("saxpy_{}k", n / 128), launches,
          [&](std::uint32_t which) {
            std::vector<float>& y = ys[which];
            using Range = tbb::blocked_range<std::size_t>;
            tbb::parallel_for(Range(0, n / kWidth, 4096), [&](const Range& range) {
              for (std::size_t i = range.begin() * kWidth; i < range.end() * kWidth; i += kWidth)
                store(y.data() + i, a * load<F>(x.data() + i) + load<F>(y.data() + i));
            });
          });
}

std::vector<Launched> busy_launches(std::vector<std::vector<float>>& all, std::uint32_t groups,
                                    std::uint32_t steps) {
  std::vector<Launched> launches;
  for (std::vector<float>& data : all)
    launches.emplace_back(SOKR_BENCH_OWN_SHADERS "/busy.spv", groups,
                          std::vector<std::uint32_t>{steps, 1},
                          std::vector<std::span<float>>{data});
  return launches;
}

void busy(cpu::CpuSubstrate& substrate, Figures& figures, std::uint32_t groups,
          std::uint32_t steps) {
  std::vector<std::vector<float>> all(kInRow, std::vector<float>(std::size_t{groups} * 64, 0.5f));
  const std::vector<Launched> launches = busy_launches(all, groups, steps);
  measure(substrate, figures, fmt::format("busy_{}x{}", groups, steps), launches,
          [&](std::uint32_t which) {
            std::vector<float>& data = all[which];
            tbb::parallel_for(std::uint32_t{0}, groups, [&](std::uint32_t group) {
              constexpr std::size_t kRegisters = 64 / kWidth;
              F x[kRegisters];
              for (std::size_t i = 0; i < kRegisters; ++i)
                x[i] = load<F>(&data[group * 64 + i * kWidth]);
              for (std::uint32_t step = 0; step < steps; ++step)
                for (F& one : x) one = one * 0.999f + 0.001f;
              for (std::size_t i = 0; i < kRegisters; ++i)
                store(&data[group * 64 + i * kWidth], x[i]);
            });
          });
}

// For who counts from outside.
void repeat(cpu::CpuSubstrate& substrate, const Way& way) {
  std::vector<std::vector<float>> all(kInRow, std::vector<float>(128 * 64, 0.5f));
  const std::vector<Launched> launches = busy_launches(all, 128, 234);
  for (int i = 0; i < 2000; ++i) way.run(substrate, launches);
}

}  // namespace

int main(int count, char** words) {
  try {
    cpu::CpuSubstrate substrate(
        substrate::Host(), {.isa = cpu::host_isa(), .compiler_library = SOKR_BENCH_CPU_COMPILER},
        cpu::available_processors());
    for (const Way& way : kWays)
      if (count > 1 && std::string_view(words[1]) == way.name) return repeat(substrate, way), 0;
    Figures figures;
    fmt::print(stderr, "kernel            loop us   each  in order   last  chain\n");
    for (const std::uint32_t n : {64u << 10, 256u << 10, 1u << 20}) saxpy(substrate, figures, n);
    for (const std::uint32_t groups : {16u, 128u, 1024u})
      for (const std::uint32_t steps : {30'000u, 150'000u, 750'000u})
        busy(substrate, figures, groups, steps / groups);
    fmt::print("{}\n", figures.json());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cpu_launches: {}\n", error.what());
    return 1;
  }
}
