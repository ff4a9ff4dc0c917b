// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Whole processes: `sokr run --on cpu` against a program with nothing but Vulkan on
// lavapipe, both with warm caches, measured in turns. saxpy from files to a file.
//
//   cpu.process_ms, cpu.process_mib                    of `sokr run`; peak memory
//   cpu.process.vs_lavapipe, cpu.process.memory.vs_lavapipe
//       how many times more the Vulkan program takes: above 1 is good
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <system_error>

#include "../lavapipe.hpp"
#include "measure.hpp"

namespace {

using namespace sokr::bench;
namespace fs = std::filesystem;

constexpr std::size_t kCount = 1 << 20;

struct Cost {
  double ns = 0, bytes = 0;
};

// Runs the program to its end. `icd`, if not empty, is the only Vulkan driver it sees.
Cost run(const std::vector<std::string>& words, const std::string& icd) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const double begin = now_ns();
  // fork and not vfork: the peak of a process counts the memory that it shared before exec.
  const pid_t process = fork();
  if (process == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (!std::getenv("SOKR_LOG")) setenv("SOKR_LOG", "error", 1);
    if (!icd.empty()) {
      setenv("VK_ICD_FILENAMES", icd.c_str(), 1);
      setenv("VK_DRIVER_FILES", icd.c_str(), 1);
    }
    if (const int null = open("/dev/null", O_WRONLY); null >= 0) dup2(null, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (process < 0 || wait4(process, &status, 0, &usage) != process)
    throw std::runtime_error(fmt::format("cannot start {}", words[0]));
  const double end = now_ns();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(
        fmt::format("{} failed; the command was: {}", words[0], fmt::join(words, " ")));
  return {end - begin, static_cast<double>(usage.ru_maxrss) * 1024};
}

void write_file(const fs::path& path, float first) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) throw std::runtime_error(fmt::format("cannot write {}", path.string()));
  for (std::size_t i = 0; i < kCount; ++i) {
    const float value = first + static_cast<float>(i % 1000);
    std::fwrite(&value, sizeof value, 1, file);
  }
  std::fclose(file);
}

bool equal_files(const fs::path& a, const fs::path& b) {
  const std::string left = a.string(), right = b.string();
  std::FILE *one = std::fopen(left.c_str(), "rb"), *two = std::fopen(right.c_str(), "rb");
  bool equal = one && two;
  for (std::size_t i = 0; equal && i < kCount; ++i) {
    float x = 0, y = 0;
    equal = std::fread(&x, 4, 1, one) == 1 && std::fread(&y, 4, 1, two) == 1 &&
            std::abs(x - y) <= 1e-6f * std::abs(x);
  }
  if (one) std::fclose(one);
  if (two) std::fclose(two);
  return equal;
}

// A side of the measurement, which notes the peak memory of each process.
std::function<double()> side(const std::vector<std::string>& words, const std::string& icd,
                             std::vector<double>& bytes) {
  return [&words, &bytes, icd] {
    const Cost cost = run(words, icd);
    bytes.push_back(cost.bytes);
    return cost.ns;
  };
}

void measure(int rounds) {
  const PrivateCaches caches;
  const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path x = caches.folder() / "x", y = caches.folder() / "y";
  const fs::path our_result = caches.folder() / "ours", their_result = caches.folder() / "theirs";
  const std::string module = SOKR_BENCH_SHADERS "/saxpy.spv";
  write_file(x, 1);
  write_file(y, -3);
  const std::vector<std::string> ours{programs / "sokr",
                                      "run",
                                      module,
                                      "--on",
                                      "cpu",
                                      "--threads",
                                      std::to_string(kCount),
                                      "--push",
                                      fmt::format("u32:{},f32:1.5", kCount),
                                      "--in",
                                      "0.0=" + x.string(),
                                      "--in",
                                      "0.1=" + y.string(),
                                      "--out",
                                      "0.1=" + our_result.string()};
  const std::vector<std::string> theirs{programs / "cpu_raw_vulkan", module, x, y, their_result};
  const std::string manifest = lavapipe_manifest();
  run(ours, {});  // fills its cache
  Figures figures;
  bool with_lavapipe = fs::exists(theirs[0]);
  if (!with_lavapipe) fmt::print(stderr, "there is no cpu_raw_vulkan: lavapipe is left out\n");
  try {
    if (with_lavapipe) run(theirs, manifest);
  } catch (const std::exception& error) {
    fmt::print(stderr, "lavapipe is left out: {}\n", error.what());
    with_lavapipe = false;
  }
  if (with_lavapipe && !equal_files(our_result, their_result))
    throw std::runtime_error("sokr run and the Vulkan program disagree");
  std::vector<double> our_bytes, their_bytes;
  std::vector<std::function<double()>> sides{side(ours, {}, our_bytes)};
  if (with_lavapipe) sides.push_back(side(theirs, manifest, their_bytes));
  const Rounds times = alternate(rounds, sides);
  const double ns = median(times[0]), bytes = median(our_bytes);
  figures.add("cpu.process_ms", ns / 1e6);
  figures.add("cpu.process_mib", bytes / 1048576);
  fmt::print(stderr, "sokr run --on cpu: {:.1f} ms, {:.1f} MiB", ns / 1e6, bytes / 1048576);
  if (with_lavapipe) {
    const double slower = ratio(times[1], times[0]), larger = median(their_bytes) / bytes;
    figures.add("cpu.process.vs_lavapipe", slower);
    figures.add("cpu.process.memory.vs_lavapipe", larger);
    fmt::print(stderr, "; Vulkan on lavapipe: {:.1f} ms, {:.1f} MiB; ratios {:.2f}, {:.2f}",
               median(times[1]) / 1e6, median(their_bytes) / 1048576, slower, larger);
  }
  fmt::print(stderr, "\n");
  fmt::print("{}\n", figures.json());
}

}  // namespace

int main(int argc, char** argv) {
  const char* variable = std::getenv("SOKR_BENCH_QUICK");
  const bool quick = (argc == 2 && std::strcmp(argv[1], "--quick") == 0) ||
                     (variable && std::strcmp(variable, "1") == 0);
  if (!quick && argc != 1) {
    fmt::print(stderr, "usage: bench_cpu_process [--quick]\n");
    return 2;
  }
  if (!fs::exists(SOKR_BENCH_CPU_PLUGIN)) {
    fmt::print(stderr, "there is no plugin {}: nothing is measured\n", SOKR_BENCH_CPU_PLUGIN);
    fmt::print("{{}}\n");
    return 0;
  }
  try {
    measure(quick ? 7 : 31);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_cpu_process: {}\n", error.what());
    return 1;
  }
}
