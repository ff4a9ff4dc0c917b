// SPDX-License-Identifier: MIT OR Apache-2.0
#include "counters.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <system_error>

namespace sokr::measure {
namespace {

struct Row {
  CounterKind kind;
  std::uint32_t type;
  std::uint64_t config;
};

// task-clock is processor time on all threads, which the system has without any hardware.
constexpr Row kRows[] = {
    {{"instructions", ""}, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {{"cycles", ""}, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {{"cache-misses", ""}, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {{"task-clock", "ns"}, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
};

const Row* find(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.kind.name == name) return &row;
  }
  return nullptr;
}

std::string reason_of(int code) {
  if (code == ENOENT || code == EOPNOTSUPP || code == ENODEV) {
    return "this machine has no such counter, as virtual machines often have none";
  }
  if (code == EACCES || code == EPERM) {
    std::string level;
    std::ifstream("/proc/sys/kernel/perf_event_paranoid") >> level;
    return fmt::format(
        "this user may not count: /proc/sys/kernel/perf_event_paranoid is {}, and at most 2 or "
        "CAP_PERFMON would be needed",
        level.empty() ? "not to be read" : level);
  }
  if (code == ENOSYS) return "this system has no perf_event_open, or forbids it";
  return "perf_event_open: " + std::generic_category().message(code);
}

int open(const Row& row) {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = row.type;
  wanted.config = row.config;
  wanted.inherit = 1;
  wanted.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  wanted.exclude_kernel = 1;
  wanted.exclude_hv = 1;
  return static_cast<int>(::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

// As read_format says.
struct Reading {
  std::uint64_t value = 0, enabled_ns = 0, running_ns = 0;
};

Reading reading_of(int descriptor) {
  Reading reading;
  if (::read(descriptor, &reading, sizeof reading) != sizeof reading) return {};
  return reading;
}

}  // namespace

std::span<const CounterKind> counter_kinds() {
  static const std::vector<CounterKind> kinds = [] {
    std::vector<CounterKind> all;
    for (const Row& row : kRows) all.push_back(row.kind);
    return all;
  }();
  return kinds;
}

Counters::Counters(std::span<const std::string> names) {
  for (const std::string& name : names) {
    One& one = counters_.emplace_back();
    one.name = name;
    const Row* const row = find(name);
    if (!row) {
      one.reason = "there is no such counter";
      continue;
    }
    one.descriptor = open(*row);
    if (one.descriptor < 0) one.reason = reason_of(errno);
  }
}

Counters::~Counters() {
  for (const One& one : counters_) {
    if (one.descriptor >= 0) ::close(one.descriptor);
  }
}

void Counters::read(std::vector<double>& values) const {
  values.clear();
  for (const One& one : counters_) {
    if (one.descriptor < 0) continue;
    values.push_back(static_cast<double>(reading_of(one.descriptor).value));
  }
}

std::vector<std::string> Counters::interrupted() const {
  std::vector<std::string> names;
  for (const One& one : counters_) {
    if (one.descriptor < 0) continue;
    const Reading reading = reading_of(one.descriptor);
    if (reading.running_ns < reading.enabled_ns) names.push_back(one.name);
  }
  return names;
}

std::vector<std::string> Counters::available() const {
  std::vector<std::string> names;
  for (const One& one : counters_) {
    if (one.descriptor >= 0) names.push_back(one.name);
  }
  return names;
}

}  // namespace sokr::measure
