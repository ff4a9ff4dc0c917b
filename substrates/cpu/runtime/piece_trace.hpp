// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tells the host's trace which thread ran which workgroups of a launch, and when. Any thread.
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
  // The calling thread is one of the crew, and has a number from now on: the first one that says so
  // is 1. Another one, which waits for a launch, is the caller's and needs no name.
  static void name_this_thread();
  // The calling thread ran it. Only if it is on.
  void add(const Piece& piece, std::chrono::steady_clock::time_point begin,
           std::chrono::steady_clock::time_point end) const noexcept;

 private:
  substrate::Host host_;
  bool is_on_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_PIECE_TRACE_HPP_
