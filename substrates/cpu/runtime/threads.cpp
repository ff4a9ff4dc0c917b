// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/threads.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace sokr::cpu {
namespace {

constexpr unsigned kMaxThreads = 4096;

unsigned affinity_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    if (int count = CPU_COUNT(&set); count > 0) return static_cast<unsigned>(count);
  return std::max(1u, std::thread::hardware_concurrency());
}

// "max 100000" or "150000 100000": microseconds of processor time in each period.
std::optional<unsigned> quota(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string granted;
  double period = 0;
  if (!(in >> granted >> period) || granted == "max" || period <= 0) return std::nullopt;
  double processors = std::strtod(granted.c_str(), nullptr) / period;
  if (processors <= 0 || processors > kMaxThreads) return std::nullopt;
  auto whole = static_cast<unsigned>(processors);
  return std::max(1u, whole + (processors > whole ? 1 : 0));
}

// Control groups nest: the tightest one up to the root counts (cgroup v2).
unsigned cgroup_processors() {
  std::ifstream in("/proc/self/cgroup");
  unsigned least = kMaxThreads;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("0::/")) continue;
    const std::filesystem::path root = "/sys/fs/cgroup";
    for (std::filesystem::path group = line.substr(3);; group = group.parent_path()) {
      if (auto processors = quota(root / group.relative_path() / "cpu.max"))
        least = std::min(least, *processors);
      if (!group.has_relative_path()) break;
    }
  }
  return least;
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

unsigned available_processors() {
  return std::max(1u, std::min(affinity_processors(), cgroup_processors()));
}

Result<unsigned> thread_count(const substrate::Host& host) {
  if (auto option = host.option("cpu.threads")) return parse(*option, "the option cpu.threads");
  if (const char* variable = std::getenv("SOKR_CPU_THREADS"); variable && *variable)
    return parse(variable, "SOKR_CPU_THREADS");
  return available_processors();
}

}  // namespace sokr::cpu
