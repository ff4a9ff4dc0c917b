// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One launch on one substrate, in the ways that `sokr bench` measures it: one after the other,
// several in flight, and in chains of which only the end is waited for. Each way has memory of
// its own, so that none changes what another computes.
#ifndef SOKR_CLI_BENCH_SIDES_HPP_
#define SOKR_CLI_BENCH_SIDES_HPP_

#include <memory>
#include <optional>
#include <sokr/sokr.hpp>
#include <string>
#include <vector>

#include "bench_calibration.hpp"
#include "engine.hpp"
#include "plan.hpp"

namespace sokr::cli {

inline constexpr std::uint32_t kInFlight = 4;  // of what is pipelined
inline constexpr std::uint32_t kBatch = 16;    // dispatches in a chain

// Where the time of a dispatch goes, medians of some that were profiled, in ns. What only a
// substrate that tells moments, or durations, can say is empty for others.
struct Split {
  double submit = 0;              // in the call that starts it, until the kernel begins
  std::optional<double> queue;    // from there until the kernel begins
  std::optional<double> execute;  // on the device
  std::optional<double> notice;   // from its end until the caller knows
  double rest = 0;                // queue and notice
};

class BenchSubject {
 public:
  // All of these outlive it.
  BenchSubject(const Substrate& substrate, const Kernel& kernel, const Plan& plan);

  // The first dispatch of this process, which the others follow; its time in ns.
  double first();
  // The buffers of the ways that wait for each, as the last dispatch left them: one for each
  // planned buffer.
  std::vector<PageBuffer>& memory() { return memory_; }

  // Dispatch to completion, each after the one before it.
  void warm(std::uint32_t count, std::vector<double>& ns);
  // kInFlight independent ones at once; a measurement is the time until all are complete, over
  // their number.
  void pipelined(std::uint32_t count, std::vector<double>& ns);
  // kBatch, each after the one before it, submitted without waiting; likewise.
  void batched(std::uint32_t count, std::vector<double>& ns);
  Split split();
  // Itself, for a calibration that is to be as long.
  Calibrated calibrated();

  // Tries the two others once. What cannot be is a sentence; empty if it can.
  std::string try_pipelined();
  std::string try_batched();

  const Substrate& substrate() const { return substrate_; }

 private:
  struct Slot {
    Launch launch;
    std::vector<PageBuffer> memory;
  };
  double once();

  const Substrate substrate_;
  const Kernel& kernel_;
  const Plan& plan_;
  Launch launch_;
  std::vector<PageBuffer> memory_;
  bool started_ = false;
  std::vector<Slot> slots_;  // of what is pipelined
  std::unique_ptr<Slot> chain_;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_SIDES_HPP_
