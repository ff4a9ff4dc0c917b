// SPDX-License-Identifier: MIT OR Apache-2.0
#include "latency.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "core_launch.hpp"
#include "inputs.hpp"
#include "remote.hpp"

namespace sokr::bench {
namespace {

constexpr std::uint32_t kMarker = 0x5EED5EED;  // the constant that makes a module unseen

template <class Launch>
std::function<double()> median_of(int count, Launch launch) {
  return [=]() mutable {
    std::vector<double> times;
    for (int i = 0; i < count; ++i) times.push_back(launch());
    return median(std::move(times));
  };
}

// The module with its marker replaced, so that nobody has compiled it before.
std::vector<std::byte> unseen(std::vector<std::byte> module, std::uint32_t marker = kMarker) {
  static std::uint32_t serial = 0;
  const std::uint32_t fresh = marker + ++serial;
  bool found = false;
  for (std::size_t at = 20; at + 4 <= module.size(); at += 4) {
    if (std::memcmp(&module[at], &marker, 4) != 0) continue;
    std::memcpy(&module[at], &fresh, 4);
    found = true;
  }
  if (!found) throw std::runtime_error("the module has no marker to make it an unseen one");
  return module;
}

// From the bytes of an unseen module to the end of its first launch.
double first_launch(Peer& peer, const Workload& workload, const std::vector<std::byte>& module,
                    std::uint32_t marker = kMarker) {
  const std::vector<std::byte> fresh = unseen(module, marker);
  const double begin = now_ns();
  const std::unique_ptr<Runner> runner = peer.prepare(workload, fresh);
  runner->launch();
  return now_ns() - begin;
}

// One workgroup of each kernel whose first dispatch is measured.
struct FirstDispatch {
  std::string figure;
  std::vector<std::byte> module;
  std::uint32_t marker = 0;  // a constant of it, whose neighbours do as well
  Workload workload;
};

std::vector<FirstDispatch> first_dispatches() {
  const auto words = [](std::initializer_list<float> floats,
                        std::initializer_list<std::uint32_t> integers) {
    std::vector<std::uint32_t> all(integers);
    for (const float x : floats) all.push_back(std::bit_cast<std::uint32_t>(x));
    return bytes_of(all);
  };
  const auto pixels = [](std::size_t count) { return BufferSpec{Bytes(16 * count)}; };
  return {{"first_dispatch", own_module("small_kernel"), kMarker, small_workload("small_kernel")},
          {"first_dispatch_develop",
           module_of("develop"),
           std::bit_cast<std::uint32_t>(0.2126f),
           {"develop",
            {1, 1, 1},
            {16, 16, 1},
            words({0.5f, 0.25f, 0.25f, 0.5f}, {16, 16}),
            {pixels(256), pixels(256), pixels(256), BufferSpec{Bytes(1024), Match::kBits}}}},
          {"first_dispatch_blur",
           module_of("blur"),
           std::bit_cast<std::uint32_t>(-0.5f),
           {"blur",
            {1, 1, 1},
            {128, 1, 1},
            words({2.0f}, {128, 1, 4, 0}),
            {pixels(128), BufferSpec{Bytes(2048), Match::kBits}}}}};
}

}  // namespace

void measure_dispatch(const Subject& subject, Peer* lavapipe, const Effort& effort,
                      Figures& figures) {
  const int count = effort.quick ? 300 : 1000;
  const Workload empty = empty_workload(), saxpy = small_saxpy(64);
  CoreLaunch core_empty(subject, own_module("empty"), empty);
  CoreLaunch core_saxpy(subject, module_of("saxpy"), saxpy);
  const Kernel kernel = subject.context.kernel(own_module("empty"));
  Launch launch;
  launch.groups(1);
  const auto through_host = [&] {
    const double begin = now_ns();
    subject.substrate.dispatch(kernel, launch).wait();
    return now_ns() - begin;
  };
  std::vector<std::function<double()>> sides{median_of(count, [&] { return core_empty.launch(); }),
                                             median_of(count, [&] { return core_saxpy.launch(); }),
                                             median_of(count, through_host)};
  std::unique_ptr<Runner> theirs;
  if (lavapipe) {
    theirs = lavapipe->prepare(empty, own_module("empty"));
    sides.push_back(median_of(count / 10, [&] {
      const double begin = now_ns();
      theirs->launch();
      return now_ns() - begin;
    }));
  }
  for (const auto& side : sides) side();
  const Rounds rounds = alternate(effort.rounds, sides);
  const std::string& prefix = subject.prefix;
  figures.add(prefix + ".null_dispatch_ns", median(rounds[0]));
  figures.add(prefix + ".saxpy64_ns", median(rounds[1]));
  figures.add(prefix + ".null_dispatch.host_ns", median(rounds[2]));
  fmt::print(stderr,
             "\nempty dispatch: {:.0f} ns, through the C++ API {:.0f} ns; saxpy of 64: {:.0f} ns",
             median(rounds[0]), median(rounds[2]), median(rounds[1]));
  if (lavapipe) {
    figures.add(prefix + ".null_dispatch.vs_lavapipe", ratio(rounds[3], rounds[0]));
    fmt::print(stderr, "; empty on lavapipe: {:.0f} ns, ratio {:.1f}", median(rounds[3]),
               ratio(rounds[3], rounds[0]));
  }
  fmt::print(stderr, "\n");
}

void measure_prepared(const Subject& subject, const Effort& effort, Figures& figures) {
  const int count = effort.quick ? 300 : 1000;
  const Workload empty = empty_workload();
  // Launches of no workgroups, with the same bindings: what is left is to find the kernel, and to
  // check and bind.
  Workload none = small_workload("none");
  none.groups = {0, 1, 1};
  // The empty kernel ignores the bindings; the small one has them checked, as the large one.
  const std::vector<std::byte> small = own_module("empty"), large = own_module("quantised_60k");
  CoreLaunch plain(subject, small, empty), prepared(subject, small, empty);
  CoreLaunch small_plain(subject, small, none), small_prepared(subject, small, none);
  CoreLaunch large_plain(subject, large, none), large_prepared(subject, large, none);
  CoreLaunch alike_prepared(subject, own_module("small_kernel"), none);
  prepared.prepare(subject), small_prepared.prepare(subject), large_prepared.prepare(subject);
  alike_prepared.prepare(subject);
  std::vector<std::function<double()>> sides;
  for (CoreLaunch* side : {&plain, &prepared, &small_plain, &small_prepared, &large_plain,
                           &large_prepared, &alike_prepared})
    sides.push_back(median_of(count, [side] { return side->launch(); }));
  for (const auto& side : sides) side();
  const Rounds rounds = alternate(effort.rounds, sides);
  const std::string& prefix = subject.prefix;
  figures.add(prefix + ".null_dispatch.prepared_ns", median(rounds[1]));
  figures.add(prefix + ".prepared.vs_plain", ratio(rounds[1], rounds[0]));
  figures.add(prefix + ".prepared_60k.vs_empty", ratio(rounds[5], rounds[3]));
  figures.add(prefix + ".prepared_60k.vs_small", ratio(rounds[5], rounds[6]));
  figures.add(prefix + ".plain_60k.vs_empty", ratio(rounds[4], rounds[2]));
  fmt::print(stderr,
             "empty dispatch, prepared: {:.0f} ns, {:.2f} of one that is not; a module of {} bytes "
             "takes {:.2f} times an empty one, which looks at no binding, {:.2f} times one of {} "
             "bytes that binds the same, and {:.2f} times an empty one if not prepared\n",
             median(rounds[1]), ratio(rounds[1], rounds[0]), large.size(),
             ratio(rounds[5], rounds[3]), ratio(rounds[5], rounds[6]),
             own_module("small_kernel").size(), ratio(rounds[4], rounds[2]));
}

void measure_waiting(const Subject& subject, const Effort& effort, Figures& figures) {
  // Arithmetic in loops, so that nobody knows how long a workgroup takes. Some tens of
  // milliseconds: to wake a thread, on a machine that has others to run, is little beside it.
  const Kernel busy = subject.context.kernel(own_module("busy"));
  std::vector<float> data(std::size_t{64} * 512, 0.5f);
  Launch long_one;
  long_one.groups(512).bind(0, 0, read_write(data)).set_push(8'000u, 1u);
  const auto timed = [&](auto wait) {
    return median_of(effort.quick ? 3 : 5, [=, &subject, &busy, &long_one] {
      const double begin = now_ns();
      wait(subject.substrate.dispatch(busy, long_one));
      return now_ns() - begin;
    });
  };
  const Kernel empty = subject.context.kernel(own_module("empty"));
  constexpr int kLength = 2000;
  const auto chain = [&](Completion last) {
    Launch step;
    step.groups(1);
    if (last.token() != 0) step.after(last);
    for (int i = 0; i < kLength; ++i) {
      last = subject.substrate.dispatch(empty, step);
      step.clear_after().after(last);
    }
    return last;
  };
  const Rounds rounds =
      alternate(effort.rounds,
                {timed([](const Completion& launch) { launch.wait(); }),
                 timed([](const Completion& launch) { launch.wait_for(std::chrono::hours(1)); }),
                 timed([](const Completion& launch) {
                   while (!launch.poll())
                     std::this_thread::sleep_for(std::chrono::microseconds(50));
                 }),
                 [&] {
                   const double begin = now_ns();
                   Launch step;
                   step.groups(1);
                   for (int i = 0; i < kLength; ++i) subject.substrate.dispatch(empty, step).wait();
                   return (now_ns() - begin) / kLength;
                 },
                 [&] {
                   const double begin = now_ns();
                   chain({}).wait();
                   return (now_ns() - begin) / kLength;
                 },
                 [&] {
                   const Completion gate = subject.substrate.dispatch(busy, long_one);
                   const Completion last = chain(gate);
                   gate.wait();
                   const double begin = now_ns();
                   last.wait();
                   return (now_ns() - begin) / kLength;
                 }});
  const std::string& prefix = subject.prefix;
  figures.add(prefix + ".wait_for.vs_wait", ratio(rounds[1], rounds[0]));
  figures.add(prefix + ".poll.vs_wait", ratio(rounds[2], rounds[0]));
  figures.add(prefix + ".chain_ns", median(rounds[4]));
  figures.add(prefix + ".chain.vs_wait", ratio(rounds[4], rounds[3]));
  figures.add(prefix + ".chain_behind_ns", median(rounds[5]));
  fmt::print(
      stderr,
      "a kernel with loops: {:.2f} ms; with wait_for {:.2f} times as long, with polls {:.2f}\n"
      "a launch after another: {:.0f} ns, {:.2f} times one with a wait between; behind one "
      "that runs {:.0f} ns\n",
      median(rounds[0]) / 1e6, ratio(rounds[1], rounds[0]), ratio(rounds[2], rounds[0]),
      median(rounds[4]), ratio(rounds[4], rounds[3]), median(rounds[5]));
}

void measure_first_dispatch(const Subject& subject, Peer* lavapipe, const Effort& effort,
                            Figures& figures) {
  const auto ours = make_substrate_peer(subject.context, subject.substrate);
  for (const FirstDispatch& row : first_dispatches()) {
    const std::vector<std::byte>& module = row.module;
    std::vector<std::function<double()>> sides{
        [&] { return first_launch(*ours, row.workload, module, row.marker); }};
    if (lavapipe)
      sides.push_back([&] { return first_launch(*lavapipe, row.workload, module, row.marker); });
    for (const auto& side : sides) side();
    const Rounds rounds = alternate(effort.rounds, sides);
    const std::string figure = fmt::format("{}.{}", subject.prefix, row.figure);
    figures.add(figure + "_ms", median(rounds[0]) / 1e6);
    fmt::print(stderr, "first dispatch of {}, {} bytes: {:.2f} ms", row.workload.name,
               module.size(), median(rounds[0]) / 1e6);
    if (lavapipe) {
      figures.add(figure + ".vs_lavapipe", ratio(rounds[1], rounds[0]));
      fmt::print(stderr, "; lavapipe: {:.2f} ms, ratio {:.2f}", median(rounds[1]) / 1e6,
                 ratio(rounds[1], rounds[0]));
    }
    fmt::print(stderr, "\n");
  }
}

void measure_compilation(const Subject& subject, const Effort& effort, Figures& figures) {
  const auto peer = make_substrate_peer(subject.context, subject.substrate);
  std::vector<double> sizes, times;
  for (const char* name : {"quantised_15k", "quantised_30k", "quantised_60k"}) {
    const std::vector<std::byte> module = own_module(name);
    const Workload workload = small_workload(name);
    const Rounds rounds =
        alternate(effort.quick ? 1 : 3, {[&] { return first_launch(*peer, workload, module); }});
    sizes.push_back(static_cast<double>(module.size()));
    times.push_back(median(rounds[0]));
    fmt::print(stderr, "compiling {} bytes: {:.0f} ms\n", module.size(), times.back() / 1e6);
  }
  figures.add(subject.prefix + ".compile_60k_ms", times[2] / 1e6);
  // The exponent of the growth: 1 is linear, 2 quadratic.
  figures.add(subject.prefix + ".compile_growth",
              std::log(times[2] / times[0]) / std::log(sizes[2] / sizes[0]));
}

}  // namespace sokr::bench
