// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/threads.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sokr/base/small_file.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace sokr::cpu {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMaxThreads = 4096;
constexpr std::size_t kMaxFile = 65536;  // of those that the kernel writes about groups

// Empty if it cannot be read.
std::string contents(const fs::path& path) {
  Result<std::string> text = read_small_file(path, kMaxFile);
  return text ? *std::move(text) : std::string();
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
std::optional<unsigned> quota(const std::string& group, const ReadText& read) {
  std::istringstream in(read(group + "/cpu.max"));
  std::string granted;
  double period = 0;
  if (!(in >> granted >> period) || granted == "max") return std::nullopt;
  return processors_of(std::strtod(granted.c_str(), nullptr), period);
}

// cgroup v1: -1 is no limit.
std::optional<unsigned> quota_v1(const std::string& group, const ReadText& read) {
  std::istringstream granted_in(read(group + "/cpu.cfs_quota_us")),
      period_in(read(group + "/cpu.cfs_period_us"));
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
  return cgroup_processors(contents(membership), mounts.string(), contents);
}

unsigned cgroup_processors(std::string_view membership, const std::string& mounts,
                           const ReadText& read) {
  unsigned least = kMaxThreads;
  while (!membership.empty()) {
    // "0::/group" for v2, "4:cpu,cpuacct:/group" for v1.
    const std::string_view line = membership.substr(0, membership.find('\n'));
    membership.remove_prefix(std::min(membership.size(), line.size() + 1));
    const auto first = line.find(':'), second = line.find(':', first + 1);
    // The kernel names no group whose path it would not take.
    if (first == line.npos || second == line.npos || line.size() > PATH_MAX) continue;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    const bool v1 = !controllers.empty();
    if (v1 && (',' + controllers + ',').find(",cpu,") == std::string::npos) continue;
    const std::string root = v1 ? mounts + '/' + controllers : mounts;
    // A group cannot have more than those around it.
    std::string_view group = line.substr(second + 1);
    group.remove_prefix(std::min(group.find_first_not_of('/'), group.size()));
    for (;;) {
      const std::string folder = group.empty() ? root : fmt::format("{}/{}", root, group);
      if (auto processors = v1 ? quota_v1(folder, read) : quota(folder, read))
        least = std::min(least, *processors);
      if (group.empty()) break;
      const std::size_t slash = group.rfind('/');
      group = group.substr(0, slash == group.npos ? 0 : slash);
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
