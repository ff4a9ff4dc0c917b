// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One line on a terminal's standard error that says how far a long run is. Where standard error is
// no terminal it is a plain line every ten seconds. Nothing for what is over soon.
#ifndef SOKR_CLI_PROGRESS_HPP_
#define SOKR_CLI_PROGRESS_HPP_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace sokr::cli {

// What takes longer says where it is, instead of only where it was.
inline constexpr std::chrono::milliseconds kPatience{500};

class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = Clock::time_point (*)();

  Progress();
  // For tests: writes to `out` whatever that is, and asks `now` for the time.
  Progress(std::FILE* out, Now now, bool is_terminal = true)
      : out_(out), now_(now), is_terminal_(is_terminal) {}
  // Takes the line away.
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` dispatches are over, of `wanted`; 0 = as many as there is time for. Or what else is
  // counted: `unit`, of which the plural ends in s. `part` of everything, 0 to 1, is a bar; below
  // 0 there is none.
  void at(std::string_view substrate, std::size_t done, std::uint32_t wanted,
          std::string_view unit = {}, double part = -1);
  // Before anything else is written to the terminal.
  void clear();

 private:
  std::FILE* out_;  // null: nobody is there to read
  Now now_;
  bool is_terminal_ = true;
  bool shown_ = false;
  Clock::time_point begin_ = now_(), last_ = begin_;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_PROGRESS_HPP_
