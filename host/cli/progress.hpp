// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One line on a terminal's standard error that says how far a long run is. Nothing where
// standard error is no terminal, and nothing for what is over soon.
#ifndef SOKR_CLI_PROGRESS_HPP_
#define SOKR_CLI_PROGRESS_HPP_

#include <chrono>
#include <cstdint>
#include <sokr/sokr.hpp>

namespace sokr::cli {

class Progress {
 public:
  Progress();
  // Takes the line away.
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` dispatches are over, of `wanted`; 0 = as many as there is time for.
  void at(const Substrate& substrate, std::size_t done, std::uint32_t wanted);
  // Before anything else is written to the terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_ = false, shown_ = false;
  Clock::time_point begin_ = Clock::now(), last_ = begin_;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_PROGRESS_HPP_
