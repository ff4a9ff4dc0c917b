// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/threads.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sokr/base/small_file.hpp>
#include <sstream>
#include <string>
#include <thread>

namespace sokr::cpu {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMaxThreads = 4096;
constexpr std::size_t kMaxFile = 65536;  // of those that the kernel writes about groups

// Empty if it cannot be read.
std::istringstream contents(const fs::path& path) {
  Result<std::string> text = read_small_file(path, kMaxFile);
  return std::istringstream(text ? *std::move(text) : std::string());
}

unsigned affinity_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    if (int count = CPU_COUNT(&set); count > 0) return static_cast<unsigned>(count);
  return std::max(1u, std::thread::hardware_concurrency());
}

// Microseconds of processor time in each period.
std::optional<unsigned> processors_of(double granted, double period) {
  if (!(granted > 0) || !(period > 0) || granted / period > kMaxThreads) return std::nullopt;
  return std::max(1u, static_cast<unsigned>(std::ceil(granted / period)));
}

// cgroup v2: "max 100000" or "150000 100000".
std::optional<unsigned> quota(const fs::path& group) {
  std::istringstream in = contents(group / "cpu.max");
  std::string granted;
  double period = 0;
  if (!(in >> granted >> period) || granted == "max") return std::nullopt;
  return processors_of(std::strtod(granted.c_str(), nullptr), period);
}

// cgroup v1: -1 is no limit.
std::optional<unsigned> quota_v1(const fs::path& group) {
  std::istringstream granted_in = contents(group / "cpu.cfs_quota_us"),
                     period_in = contents(group / "cpu.cfs_period_us");
  double granted = 0, period = 0;
  if (!(granted_in >> granted) || !(period_in >> period)) return std::nullopt;
  return processors_of(granted, period);
}

Result<unsigned> parse(std::string_view text, std::string_view source) {
  unsigned count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMaxThreads)
    return fail(SOKR_INVALID_INPUT, "{} is '{}'; it must be a number from 1 to {}", source, text,
                kMaxThreads);
  return count;
}

}  // namespace

unsigned cgroup_processors(const fs::path& membership, const fs::path& mounts) {
  std::istringstream in = contents(membership);
  unsigned least = kMaxThreads;
  for (std::string line; std::getline(in, line);) {
    // "0::/group" for v2, "4:cpu,cpuacct:/group" for v1.
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v1 = !controllers.empty();
    if (v1 && (',' + controllers + ',').find(",cpu,") == std::string::npos) continue;
    const fs::path root = v1 ? mounts / controllers : mounts;
    // A group cannot have more than those around it.
    for (fs::path group = line.substr(second + 1);; group = group.parent_path()) {
      const fs::path folder = root / group.relative_path();
      if (auto processors = v1 ? quota_v1(folder) : quota(folder))
        least = std::min(least, *processors);
      if (!group.has_relative_path()) break;
    }
  }
  return least;
}

unsigned available_processors() {
  return std::max(1u, std::min(affinity_processors(),
                               cgroup_processors("/proc/self/cgroup", "/sys/fs/cgroup")));
}

Result<unsigned> thread_count(const substrate::Host& host) {
  if (auto option = host.option("cpu.threads")) return parse(*option, "the option cpu.threads");
  if (const char* variable = std::getenv("SOKR_CPU_THREADS"); variable && *variable)
    return parse(variable, "SOKR_CPU_THREADS");
  return available_processors();
}

}  // namespace sokr::cpu
