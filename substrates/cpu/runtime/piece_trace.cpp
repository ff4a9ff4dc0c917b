// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/piece_trace.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;

// Empty: not of the crew. It lies in the thread itself: a trace takes no memory.
thread_local std::array<char, 24> thread_name{};

std::uint64_t ns(Clock::time_point at) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

}  // namespace

void PieceTrace::name_this_thread() {
  static std::atomic<std::uint32_t> threads{0};
  if (thread_name[0] != 0) return;
  *fmt::format_to_n(thread_name.data(), thread_name.size() - 1, "worker {}", ++threads).out = 0;
}

void PieceTrace::add(const Piece& piece, Clock::time_point begin,
                     Clock::time_point end) const noexcept {
  SokrTraceSlice slice{};
  slice.substrate = "cpu";
  slice.thread = thread_name[0] == 0 ? nullptr : thread_name.data();
  slice.name = piece.kernel;
  slice.plugin_token = piece.token;
  slice.begin_ns = ns(begin);
  slice.end_ns = ns(end);
  slice.first_group = piece.first_group;
  slice.group_count = piece.group_count;
  host_.trace(slice);
}

}  // namespace sokr::cpu
