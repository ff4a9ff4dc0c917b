// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The Vulkan driver against lavapipe: the same program on both, in turns, through the same loader.
// Medians over rounds.
//
//   icd.dispatch_ns                 a command buffer with one dispatch, from submit to fence
//   icd.dispatch.vs_step            the same in steps of ordinary code (step.hpp)
//   icd.dispatch.vs_lavapipe        how many times longer lavapipe takes
//   icd.barrier_ns                  one of 1,000 dispatches with barriers in one command buffer
//   icd.barrier.vs_step
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

#include "../alternate.hpp"
#include "../lavapipe.hpp"
#include "../step.hpp"
#include "gpu.hpp"

namespace {

using sokr::bench::alternate, sokr::bench::median, sokr::bench::now_ns;
using sokr::bench::Gpu;
using sokr::bench::ratio, sokr::bench::Rounds;

constexpr int kRounds = 31, kLaunches = 200, kMany = 1000, kProcesses = 15;

// What the loader shall open.
void use_drivers(const std::string& manifests) {
  setenv("VK_DRIVER_FILES", manifests.c_str(), 1);
  setenv("VK_ICD_FILENAMES", manifests.c_str(), 1);
  setenv("SOKR_PLUGIN_PATH", SOKR_BENCH_PLUGINS, 0);
}

// One driver, and what was measured of it.
struct Side {
  explicit Side(VkPhysicalDevice physical)
      : gpu(std::make_unique<Gpu>(physical)), one(gpu->record(1)), many(gpu->record(kMany)) {}
  std::unique_ptr<Gpu> gpu;
  VkCommandBuffer one, many;

  double dispatch_ns() {
    std::vector<double> times;
    for (int i = 0; i < kLaunches; ++i) times.push_back(gpu->run(one));
    return median(times);
  }
  double barrier_ns() { return gpu->run(many) / kMany; }
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

// `ours`, in the unit that the name says, and over others of the same rounds.
struct Figure {
  std::string name, unit;
  const std::vector<double>& ours;
  const std::vector<double>* theirs;  // null: lavapipe is not here
  const std::vector<double>* steps;   // null: not to be counted in those
};

void print(const std::vector<Figure>& figures) {
  std::string text;
  const auto add = [&](const std::string& name, double value) {
    char number[32];
    std::snprintf(number, sizeof number, "%.3f", value);
    text += (text.empty() ? "" : ", ") + ("\"icd." + name + "\": ") + number;
  };
  for (const Figure& one : figures) {
    add(one.name + "_" + one.unit, median(one.ours));
    if (one.steps) add(one.name + ".vs_step", ratio(one.ours, *one.steps));
    if (one.theirs) add(one.name + ".vs_lavapipe", ratio(*one.theirs, one.ours));
  }
  std::printf("{%s}\n", text.c_str());
}

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "--once") == 0) return once();
  if (count > 2 && std::strcmp(words[1], "--loop") == 0) return loop(std::atoi(words[2]));
  const std::string lavapipe = sokr::bench::lavapipe_manifest(), manifest = SOKR_BENCH_MANIFEST;
  if (lavapipe.empty()) {
    std::fprintf(stderr, "bench: no lavapipe (mesa-vulkan-drivers): its ratios are left out\n");
  }
  // Which may compile, and once more: what comes again is made better.
  for (int i = 0; i < 2; ++i) process_ms(words[0], manifest);
  std::vector<std::function<double()>> sides{[&] { return process_ms(words[0], manifest); }};
  if (!lavapipe.empty()) sides.push_back([&] { return process_ms(words[0], lavapipe); });
  const Rounds processes = alternate(kProcesses, sides);
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
  sokr::bench::Steps steps;
  sides = {[&] { return ours->dispatch_ns(); }, [&] { return ours->barrier_ns(); },
           [&] { return steps.measure(); }};
  if (theirs) {
    sides.push_back([&] { return theirs->dispatch_ns(); });
    sides.push_back([&] { return theirs->barrier_ns(); });
  }
  const Rounds rounds = alternate(kRounds, sides);
  if (ours->gpu->first_word() != kRounds * (kLaunches + kMany)) {
    std::fprintf(stderr, "bench: the driver's results are wrong\n");
    return 1;
  }
  // A sum that nobody can foretell, so that the steps are taken.
  if (steps.sum() == 0) std::fprintf(stderr, "bench: the steps led nowhere\n");
  print({{"dispatch", "ns", rounds[0], theirs ? &rounds[3] : nullptr, &rounds[2]},
         {"barrier", "ns", rounds[1], theirs ? &rounds[4] : nullptr, &rounds[2]},
         {"process", "ms", processes[0], processes.size() > 1 ? &processes[1] : nullptr, nullptr}});
  return 0;
}
