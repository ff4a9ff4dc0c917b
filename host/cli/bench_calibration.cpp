// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>
#include <system_error>

#include "estimates.hpp"
#include "page_buffer.hpp"

namespace sokr::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned char kDispatch[] = {
#include "calibration_dispatch.inc"
};
constexpr unsigned char kMemory[] = {
#include "calibration_memory.inc"
};
constexpr unsigned char kArithmetic[] = {
#include "calibration_arithmetic.inc"
};

constexpr unsigned char kChain[] = {
#include "calibration_chain.inc"
};

struct Row {
  std::span<const unsigned char> bytes;
  bool has_loop, reads;
};

// In the order of kCalibrationParts.
constexpr Row kRows[kCalibrationCount] = {{kDispatch, false, false},
                                          {kMemory, true, true},
                                          {kArithmetic, true, false},
                                          {kChain, true, false}};

constexpr std::uint32_t kLocalSize = 64;
// More workgroups than these are spread as these are.
constexpr std::uint64_t kMostGroups = 4096;
// Of what memory reads, in bytes: beyond the caches, there is no difference any more.
constexpr std::uint64_t kLeastMemory = std::uint64_t{1} << 14, kMostMemory = std::uint64_t{1} << 26;
constexpr std::uint32_t kMostTurns = 1u << 30;
// For one look at how long a loop is: so many pairs of dispatches, or so long.
constexpr int kPairs = 31;
constexpr std::chrono::milliseconds kLook{50};

std::uint32_t groups_like(const Plan& plan) {
  std::uint64_t groups = 1;
  for (const std::uint32_t extent : plan.groups) groups = std::min(groups * extent, kMostGroups);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, groups));
}

// A power of two that holds what the launch is bound to.
std::uint64_t memory_like(const Plan& plan) {
  std::uint64_t bytes = 0;
  for (const PlannedBuffer& buffer : plan.buffers) bytes += std::min(buffer.size, kMostMemory);
  return std::bit_ceil(std::clamp(bytes, kLeastMemory, kMostMemory));
}

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

}  // namespace

std::uint32_t fit_turns(const std::function<double(std::uint32_t turns)>& slower) {
  // What a launch costs by itself is in every time, so that the first guess is not the last.
  constexpr int kGuesses = 8;
  constexpr double kAlike = 1.1, kStride = 64;
  double turns = 64;
  for (int i = 0; i < kGuesses; ++i) {
    const double factor = slower(static_cast<std::uint32_t>(std::lround(turns)));
    turns = std::clamp(turns * std::clamp(factor, 1 / kStride, kStride), 1.0, double{kMostTurns});
    if (factor < kAlike && factor > 1 / kAlike) break;
  }
  const double steps = std::round(2 * std::log2(turns));
  return static_cast<std::uint32_t>(std::lround(std::exp2(steps / 2)));
}

std::string turns_text(std::span<const CalibrationTurns> all) {
  std::string text;
  for (const CalibrationTurns& turns : all) {
    text += fmt::format("{}{}", text.empty() ? "" : ";", fmt::join(turns, ","));
  }
  return text;
}

std::vector<CalibrationTurns> parse_turns(std::string_view text) {
  std::vector<CalibrationTurns> all;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    CalibrationTurns& turns = all.emplace_back();
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (i > 0 && (at == end || *at++ != ',')) return {};
      const auto [next, error] = std::from_chars(at, end, turns[i]);
      if (error != std::errc() || turns[i] == 0) return {};
      at = next;
    }
    if (at == end) return all;
    if (*at++ != ';') return {};
  }
}

struct Calibration::Part {
  Kernel kernel;
  Launch launch;
  PageBuffer out, in;
};

Calibration::Calibration(const Context& context, const Substrate& substrate,
                         const Calibrated& launch, const CalibrationTurns* turns)
    : substrate_(substrate) {
  for (std::size_t i = 0; i < kCalibrationCount; ++i) {
    const Row& row = kRows[i];
    Part& part = parts_.emplace_back();
    part.kernel = context.kernel(std::as_bytes(row.bytes));
    if (const auto reason = substrate.why_not(part.kernel)) {
      throw Error(SOKR_CAPABILITY_DENIED,
                  fmt::format("--relative-to calibration: {} cannot run its kernels: {}",
                              substrate.name(), *reason));
    }
    const std::uint32_t groups = row.has_loop ? groups_like(launch.plan) : 1;
    part.out = PageBuffer(std::uint64_t{4} * kLocalSize * groups);
    part.launch.groups(groups);
    const std::span<std::byte> out = part.out.bytes();
    part.launch.bind(0, 0, sokr::write(out));
    if (row.reads) {
      part.in = PageBuffer(memory_like(launch.plan));
      part.launch.bind(0, 1, sokr::read(std::as_const(part.in).bytes()));
    }
    turns_[i] = !row.has_loop ? 1 : turns ? (*turns)[i] : fitting_turns(part, launch);
    if (row.has_loop) set_turns(part, turns_[i]);
    (void)once(part);
  }
}

Calibration::~Calibration() = default;
Calibration::Calibration(Calibration&&) noexcept = default;

double Calibration::once(const Part& part) const {
  const auto start = Clock::now();
  substrate_.dispatch(part.kernel, part.launch).wait();
  return since(start);
}

void Calibration::set_turns(Part& part, std::uint32_t turns) const {
  const std::size_t elements = part.in.bytes().size() / 4;
  if (elements == 0) {
    part.launch.set_push(turns);
  } else {
    part.launch.set_push(turns, static_cast<std::uint32_t>(elements - 1));
  }
}

std::uint32_t Calibration::fitting_turns(Part& part, const Calibrated& launch) const {
  return fit_turns([&](std::uint32_t turns) {
    set_turns(part, turns);
    (void)once(part);
    std::vector<double> ratios;
    const auto start = Clock::now();
    do {
      const double theirs = launch.once();
      ratios.push_back(theirs / once(part));
    } while (ratios.size() < kPairs && Clock::now() - start < kLook);
    return measure::median(std::move(ratios));
  });
}

void Calibration::measure(std::size_t part, std::uint32_t count, std::vector<double>& ns) {
  for (std::uint32_t i = 0; i < count; ++i) ns.push_back(once(parts_[part]));
}

}  // namespace sokr::cli
