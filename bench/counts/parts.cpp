// SPDX-License-Identifier: MIT OR Apache-2.0
#include "parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "../cpu/core_launch.hpp"
#include "../cpu/remote.hpp"
#include "../idle_plugin.hpp"
#include "../lavapipe.hpp"
#include "region.hpp"
#if SOKR_BENCH_COUNTS_DRIVER
#include "../icd/gpu.hpp"
#endif

namespace sokr::bench {
namespace {

// ---- As many as are known, to see that they are counted ---------------------------------------

void count_known() {
  Counter().count("known_2000", 1, 1, [] {
    long turns = 1000;  // of two instructions each
#if defined(__x86_64__)
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
#elif defined(__aarch64__)
    __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
#endif
  });
}

// ---- The core, over a plugin that does nothing ---------------------------------------------

void count_core() {
  std::uint32_t id = 0;
  if (sokr_register_substrate(&kIdlePlugin, &id) != SOKR_OK)
    throw std::runtime_error("the core takes no substrate");
  const SokrDispatchRequest request = {{{0}}, id, nullptr, 0, nullptr, 0};
  const Counter counter;
  counter.count_repeated("core.dispatch", [&] {
    SokrDispatchResponse response;
    SokrCompletionSignal signal;
    SokrResult result = sokr_dispatch(&request, &response);
    const SokrCompletionQuery query = {response.completion_token, UINT64_MAX};
    result = result == SOKR_OK ? sokr_completion(&query, &signal) : result;
    if (result != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) std::abort();
  });
  sokr_deregister_substrate(id);
}

// ---- Launches of next to nothing -------------------------------------------------------------

Substrate substrate_named(const Context& context, std::string_view name) {
  for (const Substrate& substrate : context.substrates())
    if (substrate.name() == name) return substrate;
  throw std::runtime_error(fmt::format("there is no substrate {}", name));
}

// What a kernel does is nothing here, so that the version that is compiled in no time will do.
void count_cpu() {
  const Context context;
  const Subject cpu{context, substrate_named(context, "cpu"), "cpu"};
  const Workload empty = empty_workload();
  Workload none = small_workload("none");
  none.groups = {0, 1, 1};
  CoreLaunch plain(cpu, own_module("empty"), empty), prepared(cpu, own_module("empty"), empty);
  CoreLaunch large_plain(cpu, own_module("quantised_60k"), none);
  CoreLaunch large(cpu, own_module("quantised_60k"), none);
  prepared.prepare(cpu), large.prepare(cpu);
  const Kernel kernel = context.kernel(own_module("empty"));
  Launch launch;
  launch.groups(1);
  const Counter counter;
  counter.count_repeated("cpu.empty", [&] { plain.launch(); });
  counter.count_repeated("cpu.empty.prepared", [&] { prepared.launch(); });
  counter.count_repeated("cpu.empty.host", [&] { cpu.substrate.dispatch(kernel, launch).wait(); });
  counter.count_repeated("cpu.two_bindings_60k", [&] { large_plain.launch(); });
  counter.count_repeated("cpu.two_bindings_60k.prepared", [&] { large.launch(); });
  Completion last = cpu.substrate.dispatch(kernel, launch);
  counter.count_repeated("cpu.chain", [&] {
    launch.clear_after().after(last);
    last = cpu.substrate.dispatch(kernel, launch);
  });
  last.wait();
}

void count_reference() {
  const Context context;
  const Subject reference{context, substrate_named(context, "reference"), "reference"};
  CoreLaunch empty(reference, own_module("empty"), empty_workload());
  CoreLaunch saxpy(reference, module_of("saxpy"), small_saxpy(64));
  const Counter counter;
  counter.count_repeated("reference.empty", [&] { empty.launch(); });
  counter.count_repeated("reference.saxpy64", [&] { saxpy.launch(); });
}

// ---- The kernels of the table, compiled ------------------------------------------------------

// The first workgroups of the quick inputs: so few that they are one piece of work, for how many
// pieces a launch has depends on how long they take. Those of Mandelbrot's set leave its loop at
// once, so that a small picture of all of it takes their place.
Workload few_groups(const WorkloadEntry& entry) {
  Workload workload = entry.make(true);
  if (workload.name == "mandelbrot") return small_mandelbrot(32);
  std::uint32_t left = 8;
  for (std::uint32_t& groups : workload.groups) {
    groups = std::min(groups, left);
    left /= groups;
  }
  return workload;
}

// Every other kernel, from this one on: halves may be compiled at the same time.
void count_kernels(std::size_t first) {
  const Context context;
  const Substrate cpu = substrate_named(context, "cpu");
  const std::unique_ptr<Peer> peer = make_substrate_peer(context, cpu);
  std::vector<std::pair<Workload, std::unique_ptr<Runner>>> all;
  const auto table = workload_table();
  for (std::size_t i = first; i < table.size(); i += 2) {
    Workload workload = few_groups(table[i]);
    std::unique_ptr<Runner> runner = peer->prepare(workload, module_of(workload.name));
    restore(workload, *runner);
    runner->launch();
    all.emplace_back(std::move(workload), std::move(runner));
  }
  const Counter counter(Threads::kAll);
  for (const auto& [workload, runner] : all) {
    restore(workload, *runner);
    counter.count(fmt::format("kernel.{}", workload.name), 1, 1, [&] { runner->launch(); });
  }
}

// From the bytes of a kernel to the end of its first launch, when the compiler's library is open.
void count_first() {
  const Context context;
  const std::unique_ptr<Peer> peer = make_substrate_peer(context, substrate_named(context, "cpu"));
  peer->prepare(empty_workload(), own_module("empty"))->launch();
  const Workload workload = small_workload("small_kernel");
  const std::vector<std::byte> module = own_module("small_kernel");
  const Counter counter;
  counter.count("cpu.first", 1, 1, [&] { peer->prepare(workload, module)->launch(); });
}

// ---- Vulkan on either side ---------------------------------------------------------------------

void count_vulkan() {
  const Context context;
  const Subject vulkan{context, substrate_named(context, "vulkan:0"), "vulkan"};
  CoreLaunch empty(vulkan, own_module("empty"), empty_workload());
  CoreLaunch prepared(vulkan, own_module("empty"), empty_workload());
  prepared.prepare(vulkan);
  const Counter counter;
  counter.count_repeated("vulkan.empty", [&] { empty.launch(); });
  counter.count_repeated("vulkan.empty.prepared", [&] { prepared.launch(); });
}

#if SOKR_BENCH_COUNTS_DRIVER
void count_driver() {
  Gpu gpu(all_devices().at(0));
  constexpr int kMany = 1000;
  const VkCommandBuffer one = gpu.record(1), many = gpu.record(kMany);
  gpu.run(many);
  const Counter counter(Threads::kAll);
  counter.count_repeated("icd.dispatch", [&] { gpu.run(one); });
  gpu.run(many);
  counter.count("icd.barrier", 1, kMany, [&] { gpu.run(many); });
}
#endif

std::vector<Part> make_parts() {
  // One thread and instructions that every processor of today has, so that counts are the same.
  const std::vector<std::string> fixed{"SOKR_CPU_THREADS=1", "SOKR_CPU_ISA=avx2",
                                       "SOKR_CPU_TIER=full"};
  std::vector<Part> all{{.name = "known", .run = count_known}, {.name = "core", .run = count_core}};
  all.push_back({.name = "reference", .fills_caches = true, .run = count_reference});
#if SOKR_BENCH_COUNTS_CPU
  std::vector<std::string> quick = fixed;
  quick.back() = "SOKR_CPU_TIER=quick";
  const auto kernels = [&](const char* name, void (*run)()) {
    return Part{.name = name,
                .environment = fixed,
                .counted_in = kNoFile,
                .threads = Threads::kAll,
                .fills_caches = true,
                .run = run};
  };
  all.push_back(kernels("kernels_0", [] { count_kernels(0); }));
  all.push_back(kernels("kernels_1", [] { count_kernels(1); }));
  all.push_back({.name = "first", .environment = quick, .run = count_first});
  all.push_back({.name = "cpu", .environment = quick, .fills_caches = true, .run = count_cpu});
#endif
#if SOKR_BENCH_COUNTS_DRIVER
  std::vector<std::string> ours = fixed;
  ours.push_back("VK_DRIVER_FILES=" SOKR_BENCH_MANIFEST);
  ours.push_back("VK_ICD_FILENAMES=" SOKR_BENCH_MANIFEST);
  ours.push_back("SOKR_PLUGIN_PATH=" SOKR_BENCH_PLUGINS);
  all.push_back({.name = "icd",
                 .environment = ours,
                 .counted_in = "libsokr_vulkan.so",
                 .threads = Threads::kAll,
                 .fills_caches = true,
                 .run = count_driver});
#endif
#if SOKR_BENCH_COUNTS_VULKAN
  if (const std::string manifest = lavapipe_manifest(); !manifest.empty()) {
    all.push_back({.name = "vulkan",
                   .environment = {"VK_DRIVER_FILES=" + manifest, "VK_ICD_FILENAMES=" + manifest},
                   .counted_in = "sokr-vulkan.so",
                   .run = count_vulkan});
  }
#endif
  return all;
}

}  // namespace

std::span<const Part> parts() {
  static const std::vector<Part> all = make_parts();
  return all;
}

}  // namespace sokr::bench
