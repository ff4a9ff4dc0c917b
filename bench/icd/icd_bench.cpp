// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The Vulkan driver against lavapipe: the same program on both, in turns, through the same loader.
// Medians over rounds.
//
//   icd.dispatch_ns                 a command buffer with one dispatch, from submit to fence
//   icd.dispatch.vs_lavapipe        how many times longer lavapipe takes
//   icd.barrier_ns                  one of 1,000 dispatches with barriers in one command buffer
//   icd.barrier.vs_lavapipe
//   icd.process_ms                  a process of one dispatch, with compiled kernels on disk
//   icd.process.vs_lavapipe
//
// With --loop COUNT it measures nothing, and repeats the 1,000 dispatches for a profiler.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "../clock.hpp"
#include "../lavapipe.hpp"
#include "gpu.hpp"

namespace {

using sokr::bench::Gpu;
using sokr::bench::median, sokr::bench::now_ns;

constexpr int kRounds = 31, kLaunches = 200, kMany = 1000, kProcesses = 15;

// What the loader shall open.
void use_drivers(const std::string& manifests) {
  setenv("VK_DRIVER_FILES", manifests.c_str(), 1);
  setenv("VK_ICD_FILENAMES", manifests.c_str(), 1);
  setenv("SOKR_PLUGIN_PATH", SOKR_BENCH_PLUGINS, 0);
}

struct Figures {
  double dispatch_ns = 0, barrier_ns = 0, process_ms = 0;
};

// One driver, and what was measured of it.
struct Side {
  explicit Side(VkPhysicalDevice physical)
      : gpu(std::make_unique<Gpu>(physical)), one(gpu->record(1)), many(gpu->record(kMany)) {}
  std::unique_ptr<Gpu> gpu;
  VkCommandBuffer one, many;
  std::vector<double> ones, manies;

  void round() {
    std::vector<double> times;
    for (int i = 0; i < kLaunches; ++i) times.push_back(gpu->run(one));
    ones.push_back(median(times));
    manies.push_back(gpu->run(many) / kMany);
  }
  Figures figures() const { return {median(ones), median(manies), 0}; }
};

bool is_ours(VkPhysicalDevice physical) {
  return sokr::bench::name_of(physical).rfind("SOKR", 0) == 0;
}

// Milliseconds of a process of this program that makes one dispatch on the driver.
double process_ms(const char* self, const std::string& manifest) {
  const double begin = now_ns();
  const pid_t child = fork();
  if (child == 0) {
    use_drivers(manifest);
    execl(self, self, "--once", nullptr);
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "bench: a process of one dispatch failed\n");
    std::exit(1);
  }
  return (now_ns() - begin) / 1e6;
}

int once() {
  Gpu gpu(sokr::bench::all_devices().at(0));
  gpu.run(gpu.record(1));
  return gpu.first_word() == 1 ? 0 : 1;
}

// For a profiler: the many dispatches, and nothing else, on the driver of the environment.
int loop(int count) {
  Gpu gpu(sokr::bench::all_devices().at(0));
  const VkCommandBuffer many = gpu.record(kMany);
  for (int i = 0; i < count; ++i) gpu.run(many);
  return 0;
}

void print(const Figures& ours, const Figures* theirs) {
  const struct {
    const char *name, *unit;
    double Figures::* value;
  } kRows[] = {{"dispatch", "ns", &Figures::dispatch_ns},
               {"barrier", "ns", &Figures::barrier_ns},
               {"process", "ms", &Figures::process_ms}};
  std::printf("{");
  const char* separator = "";
  for (const auto& row : kRows) {
    std::printf("%s\"icd.%s_%s\": %.3f", separator, row.name, row.unit, ours.*row.value);
    separator = ", ";
    if (theirs) {
      std::printf(", \"icd.%s.vs_lavapipe\": %.3f", row.name, theirs->*row.value / ours.*row.value);
    }
  }
  std::printf("}\n");
}

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "--once") == 0) return once();
  if (count > 2 && std::strcmp(words[1], "--loop") == 0) return loop(std::atoi(words[2]));
  const std::string lavapipe = sokr::bench::lavapipe_manifest(), manifest = SOKR_BENCH_MANIFEST;
  if (lavapipe.empty()) {
    std::fprintf(stderr, "bench: no lavapipe (mesa-vulkan-drivers): its ratios are left out\n");
  }
  std::vector<double> processes, their_processes;
  // Which may compile, and once more: what comes again is made better.
  for (int i = 0; i < 2; ++i) process_ms(words[0], manifest);
  for (int i = 0; i < kProcesses; ++i) {
    processes.push_back(process_ms(words[0], manifest));
    if (!lavapipe.empty()) their_processes.push_back(process_ms(words[0], lavapipe));
  }
  use_drivers(lavapipe.empty() ? manifest : manifest + ":" + lavapipe);
  std::unique_ptr<Side> ours, theirs;
  for (VkPhysicalDevice physical : sokr::bench::all_devices()) {
    auto& side = is_ours(physical) ? ours : theirs;
    if (!side) side = std::make_unique<Side>(physical);
  }
  if (!ours) {
    std::fprintf(stderr, "bench: the driver offers no device\n");
    return 1;
  }
  for (int i = 0; i < kRounds; ++i) {
    ours->round();
    if (theirs) theirs->round();
  }
  if (ours->gpu->first_word() != kRounds * (kLaunches + kMany)) {
    std::fprintf(stderr, "bench: the driver's results are wrong\n");
    return 1;
  }
  Figures figures = ours->figures(), other;
  figures.process_ms = median(processes);
  if (theirs) {
    other = theirs->figures();
    other.process_ms = median(their_processes);
  }
  print(figures, theirs ? &other : nullptr);
  return 0;
}
