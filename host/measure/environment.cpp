// SPDX-License-Identifier: MIT OR Apache-2.0
#include "environment.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>

#include "estimates.hpp"

namespace sokr::measure {
namespace {

namespace fs = std::filesystem;

// The first line; empty if there is none.
std::string line_of(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// "key : value" of proc/cpuinfo, the first of this key.
std::string cpu_info(const fs::path& root, std::string_view key) {
  std::ifstream in(root / "proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return {};
}

// As the system calls it, or, where it has numbers alone, as on 64-bit ARM, these.
std::string name_of_cpu(const fs::path& root) {
  if (std::string name = cpu_info(root, "model name"); !name.empty()) return name;
  std::string text;
  for (const char* key : {"CPU implementer", "CPU part", "CPU variant", "CPU revision"}) {
    const std::string value = cpu_info(root, key);
    if (!value.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value);
  }
  return text;
}

std::string local_date() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (!::localtime_r(&now, &local)) return {};
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local);
  std::string date(text, size);
  if (date.size() > 5) date.insert(date.size() - 2, ":");  // +0100 to +01:00
  return date;
}

unsigned usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

void look_at_clock(Environment& environment) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::max();
  std::vector<double> costs;
  for (int round = 0; round < 9; ++round) {
    constexpr int kAsked = 200;
    const auto begin = Clock::now();
    auto last = begin;
    for (int i = 0; i < kAsked; ++i) {
      const auto now = Clock::now();
      const double step = std::chrono::duration<double, std::nano>(now - last).count();
      if (step > 0) least = std::min(least, step);
      last = now;
    }
    costs.push_back(std::chrono::duration<double, std::nano>(last - begin).count() / kAsked);
  }
  environment.clock_cost_ns = median(costs);
  environment.clock_tick_ns = least < 1e9 ? least : 0;
}

// The "cpu0", "cpu1" ... of proc/stat: those whose time is in its first line.
unsigned cores_counted(const fs::path& root) {
  std::ifstream in(root / "proc/stat");
  unsigned count = 0;
  for (std::string line; std::getline(in, line);) {
    count += line.size() > 3 && line.starts_with("cpu") && line[3] >= '0' && line[3] <= '9';
  }
  return count;
}

}  // namespace

Environment look_around(const fs::path& root) {
  Environment found;
  found.date = local_date();
  utsname names{};
  if (::uname(&names) == 0) {
    found.host_name = names.nodename;
    found.kernel = fmt::format("{} {}", names.sysname, names.release);
  }
  found.cpu = name_of_cpu(root);
  found.cores = usable_cores();
  found.mhz = std::strtod(cpu_info(root, "cpu MHz").c_str(), nullptr);
  const std::string flags = ' ' + cpu_info(root, "flags") + ' ';
  found.is_virtual = flags.find(" hypervisor ") != std::string::npos;
  const fs::path cpus = root / "sys/devices/system/cpu";
  found.governor = line_of(cpus / "cpu0/cpufreq/scaling_governor");
  found.may_boost =
      line_of(cpus / "cpufreq/boost") == "1" || line_of(cpus / "intel_pstate/no_turbo") == "0";
  std::istringstream load(line_of(root / "proc/loadavg"));
  for (double& one : found.load) load >> one;
  look_at_clock(found);
  return found;
}

Watch::Watch(fs::path root) : root_(std::move(root)), begin_(now()) {}

Watch::Times Watch::now() const {
  Times times;
  times.wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  // cpu user nice system idle iowait irq softirq steal
  std::istringstream line(line_of(root_ / "proc/stat"));
  std::string name;
  line >> name;
  std::array<double, 8> ticks{};
  for (double& one : ticks) line >> one;
  const double second = static_cast<double>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  times.busy = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / second;
  times.stolen = ticks[7] / second;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (::getrusage(who, &usage) != 0) continue;
    for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
      times.own += static_cast<double>(part.tv_sec) + static_cast<double>(part.tv_usec) * 1e-6;
    }
  }
  return times;
}

Watch::Seen Watch::seen() const {
  const Times end = now();
  Seen seen;
  seen.seconds = end.wall - begin_.wall;
  seen.machine = cores_counted(root_);
  if (seen.seconds <= 0) return seen;
  const double own = end.own - begin_.own;
  seen.others = std::max(0.0, (end.busy - begin_.busy - own) / seen.seconds);
  seen.stolen = std::max(0.0, (end.stolen - begin_.stolen) / seen.seconds);
  return seen;
}

std::vector<std::string> warnings(const Environment& environment, const Watch::Seen& seen,
                                  double smallest_ns) {
  std::vector<std::string> found;
  if (!environment.governor.empty() && environment.governor != "performance") {
    found.push_back(
        fmt::format("the clock rate changes with the load (governor {}); 'performance' keeps it",
                    environment.governor));
  }
  if (environment.may_boost) {
    found.push_back("the processor may boost its clock rate while it is cool: later is slower");
  }
  // /proc/stat counts hundredths of a second.
  if (seen.seconds >= 0.2 && seen.others >= 0.1) {
    found.push_back(fmt::format("the machine was busy: others used {:.1f} of {} cores meanwhile",
                                seen.others, std::max(seen.machine, environment.cores)));
  }
  if (seen.seconds >= 0.2 && seen.stolen >= 0.02) {
    found.push_back(
        fmt::format("the hypervisor gave {:.0f} % of a core to other machines", 100 * seen.stolen));
  }
  if (environment.cores <= 2) {
    found.push_back(fmt::format("{} core{}: whatever else runs takes one from the kernel",
                                environment.cores, environment.cores == 1 ? "" : "s"));
  }
  const double tick = std::max(environment.clock_tick_ns, environment.clock_cost_ns);
  if (smallest_ns > 0 && tick * 20 > smallest_ns) {
    found.push_back(
        fmt::format("the clock is coarse for {:.0f} ns: it takes {:.0f} ns and moves by {:.0f} ns",
                    smallest_ns, environment.clock_cost_ns, environment.clock_tick_ns));
  }
  return found;
}

}  // namespace sokr::measure
