// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A set of kernels that comes with this program: what a substrate takes for a dispatch of next to
// nothing, for memory, for arithmetic, and for arithmetic of which each step waits for the one
// before. How fast a machine is, today, to compare with.
//
// What slows a machine (neighbours, a lower clock, a core that is taken away) slows alike only what
// is alike. So those with loops have as many workgroups as the launch that is measured, and
// work on as much memory, and their loops are as long as makes them last as long as it does.
#ifndef SOKR_CLI_BENCH_CALIBRATION_HPP_
#define SOKR_CLI_BENCH_CALIBRATION_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "estimates.hpp"
#include "plan.hpp"

namespace sokr::cli {

// What --relative-to calls it.
inline constexpr std::string_view kCalibration = "calibration";
// The kernel that a baseline was measured with, which it brings along.
inline constexpr std::string_view kOldKernel = "kernel";

inline constexpr const char* kCalibrationParts[] = {"dispatch", "memory", "arithmetic", "chain"};
inline constexpr std::size_t kCalibrationCount = std::size(kCalibrationParts);

// Turns of the loop of each part; that of the dispatch has none, and 1 here.
using CalibrationTurns = std::array<std::uint32_t, kCalibrationCount>;

// What one process measured of a launch on one substrate for --relative-to: turns, in ns, and
// beside each those of kCalibrationParts, where they are asked for.
struct BenchRound {
  measure::Blocks blocks;
  std::vector<measure::Blocks> calibration;
  bool on_one_processor = false;  // its process had no other one
};

// Beside whom it runs: a launch, and how long one of its dispatches takes now, in ns.
struct Calibrated {
  const Plan& plan;
  std::function<double()> once;
};

class Calibration {
 public:
  // Compiles them, and makes their loops as long as those of an earlier run or, where `turns` is
  // null, as fits the launch. Throws an Error if the substrate cannot run them.
  Calibration(const Context& context, const Substrate& substrate, const Calibrated& launch,
              const CalibrationTurns* turns);
  ~Calibration();
  Calibration(Calibration&&) noexcept;
  // As measure::Side::measure, of one of kCalibrationParts.
  void measure(std::size_t part, std::uint32_t count, std::vector<double>& ns);
  const CalibrationTurns& turns() const { return turns_; }

 private:
  struct Part;
  double once(const Part& part) const;
  void set_turns(Part& part, std::uint32_t turns) const;
  std::uint32_t fitting_turns(Part& part, const Calibrated& launch) const;
  Substrate substrate_;
  std::vector<Part> parts_;
  CalibrationTurns turns_{};
};

// "1,91,1024,1448;1,64,724,1024": of each substrate, for another process of this program.
std::string turns_text(std::span<const CalibrationTurns> all);
// Empty if it is none.
std::vector<CalibrationTurns> parse_turns(std::string_view text);

// How long a loop has to be that is as long as a launch, where `slower(turns)` tells how many times
// longer than one of so many turns the launch takes. The next power of the square root of two, so
// that runs that differ little agree.
std::uint32_t fit_turns(const std::function<double(std::uint32_t turns)>& slower);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_CALIBRATION_HPP_
