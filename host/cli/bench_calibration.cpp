// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_calibration.hpp"

#include <fmt/format.h>

#include <chrono>
#include <span>

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

struct Row {
  std::span<const unsigned char> bytes;
  std::uint32_t threads;
  bool reads;
};

// In the order of kCalibrationParts. Elements are floats. Sizes that take tens of microseconds on a
// few cores.
constexpr Row kRows[] = {
    {kDispatch, 64, false}, {kMemory, 1u << 18, true}, {kArithmetic, 1u << 14, false}};

}  // namespace

struct Calibration::Part {
  Kernel kernel;
  Launch launch;
  PageBuffer out, in;
};

Calibration::Calibration(const Context& context, const Substrate& substrate)
    : substrate_(substrate) {
  for (const Row& row : kRows) {
    Part& part = parts_.emplace_back();
    part.kernel = context.kernel(std::as_bytes(row.bytes));
    if (const auto reason = substrate.why_not(part.kernel)) {
      throw Error(SOKR_CAPABILITY_DENIED,
                  fmt::format("--relative-to calibration: {} cannot run its kernels: {}",
                              substrate.name(), *reason));
    }
    part.out = PageBuffer(std::uint64_t{4} * row.threads);
    part.launch.threads(row.threads);
    const std::span<std::byte> out = part.out.bytes();
    part.launch.bind(0, 0, sokr::write(out));
    if (row.reads) {
      part.in = PageBuffer(std::uint64_t{4} * row.threads);
      part.launch.bind(0, 1, sokr::read(std::as_const(part.in).bytes()));
    }
    substrate_.dispatch(part.kernel, part.launch).wait();
  }
}

Calibration::~Calibration() = default;
Calibration::Calibration(Calibration&&) noexcept = default;

void Calibration::measure(std::size_t part, std::uint32_t count, std::vector<double>& ns) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto start = Clock::now();
    substrate_.dispatch(parts_[part].kernel, parts_[part].launch).wait();
    ns.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
}

}  // namespace sokr::cli
