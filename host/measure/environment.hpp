// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The machine that was measured on, and what of it makes times differ from run to run. What a
// system does not tell is empty or 0, and is no fault.
#ifndef SOKR_MEASURE_ENVIRONMENT_HPP_
#define SOKR_MEASURE_ENVIRONMENT_HPP_

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sokr::measure {

struct Environment {
  std::string date;  // local, ISO 8601 with the zone
  std::string host_name, cpu, kernel;
  unsigned cores = 0;    // that this process may run on
  double mhz = 0;        // of the first, at the time
  std::string governor;  // of frequency scaling; empty: none is told
  bool may_boost = false;
  bool is_virtual = false;
  std::array<double, 3> load{};  // the last 1, 5 and 15 minutes
  double clock_tick_ns = 0;      // the smallest step of the clock that was seen
  double clock_cost_ns = 0;      // of asking it
};

// Looks below `root`, which holds proc/ and sys/.
Environment look_around(const std::filesystem::path& root = "/");

// Processor time of the whole machine and of this process with its children that ended.
class Watch {
 public:
  explicit Watch(std::filesystem::path root = "/");
  struct Seen {
    double seconds = 0;
    double others = 0;     // cores that others kept busy, on average
    double stolen = 0;     // cores that the hypervisor gave to other machines
    unsigned machine = 0;  // cores that it has, whoever may run on them; 0 if it does not tell
  };
  // Since the construction.
  Seen seen() const;

 private:
  struct Times {
    double busy = 0, stolen = 0, own = 0, wall = 0;  // seconds
  };
  Times now() const;
  std::filesystem::path root_;
  Times begin_;
};

// One sentence each for what is likely to disturb measurements whose smallest median is
// `smallest_ns`, with what was seen. Empty if there is nothing.
std::vector<std::string> warnings(const Environment& environment, const Watch::Seen& seen,
                                  double smallest_ns);

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_ENVIRONMENT_HPP_
