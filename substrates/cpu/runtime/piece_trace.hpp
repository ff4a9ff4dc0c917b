// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tells the host's trace which thread ran which workgroups of a launch, or compiled, and when. Any
// thread.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_PIECE_TRACE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_PIECE_TRACE_HPP_

#include <chrono>
#include <cstdint>
#include <sokr/substrate/plugin_description.hpp>

namespace sokr::cpu {

class PieceTrace {
 public:
  // Some workgroups of a launch.
  struct Piece {
    const char* kernel;   // the name of its entry point
    std::uint64_t token;  // of the launch
    std::uint32_t first_group, group_count;
  };

  explicit PieceTrace(const substrate::Host& host) : host_(host), is_on_(host.traces()) {}

  bool is_on() const { return is_on_; }
  // The calling thread is one of the crew, or of those that compile, and has a number from now on:
  // the first of its kind that says so is 1. Another one, which waits for a launch, is the caller's
  // and needs no name.
  enum class Kind : std::uint8_t { kWorker, kCompiler };
  static void name_this_thread(Kind kind);
  using Time = std::chrono::steady_clock::time_point;
  // The calling thread ran it. Only if it is on.
  void add(const Piece& piece, Time begin, Time end) const noexcept;
  // The calling thread compiled. Does nothing if it is not on.
  void add_compilation(Time begin, Time end) const noexcept;

 private:
  substrate::Host host_;
  bool is_on_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_PIECE_TRACE_HPP_
