// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A set of kernels that comes with this program: what a substrate takes for a dispatch of next to
// nothing, for memory and for arithmetic. How fast a machine is, today, to compare with.
#ifndef SOKR_CLI_BENCH_CALIBRATION_HPP_
#define SOKR_CLI_BENCH_CALIBRATION_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sokr/sokr.hpp>
#include <string_view>
#include <vector>

namespace sokr::cli {

// What --relative-to calls it.
inline constexpr std::string_view kCalibration = "calibration";

inline constexpr const char* kCalibrationParts[] = {"dispatch", "memory", "arithmetic"};

class Calibration {
 public:
  // Compiles them. Throws an Error if the substrate cannot run them.
  Calibration(const Context& context, const Substrate& substrate);
  ~Calibration();
  Calibration(Calibration&&) noexcept;
  // As measure::Side::measure, of one of kCalibrationParts.
  void measure(std::size_t part, std::uint32_t count, std::vector<double>& ns);

 private:
  struct Part;
  Substrate substrate_;
  std::vector<Part> parts_;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_CALIBRATION_HPP_
