// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/piece_trace.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <sokr/substrate/compile_span.hpp>

namespace sokr::cpu {
namespace {

constexpr const char* kSubstrate = "cpu";
constexpr const char* kKinds[] = {"worker", "compiler"};  // by Kind

// Empty: of none of them. It lies in the thread itself: a trace takes no memory.
thread_local std::array<char, 24> thread_name{};

std::uint64_t ns(PieceTrace::Time at) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

const char* name_of_thread() {
  return thread_name[0] == 0 ? nullptr : thread_name.data();
}

}  // namespace

void PieceTrace::name_this_thread(Kind kind) {
  static std::array<std::atomic<std::uint32_t>, std::size(kKinds)> threads{};
  const auto which = static_cast<std::size_t>(kind);
  if (thread_name[0] != 0) return;
  const auto written = fmt::format_to_n(thread_name.data(), thread_name.size() - 1, "{} {}",
                                        kKinds[which], ++threads[which]);
  *written.out = 0;
}

void PieceTrace::add_compilation(Time begin, Time end) const noexcept {
  if (is_on_) substrate::CompileSpan::tell(host_, kSubstrate, name_of_thread(), ns(begin), ns(end));
}

void PieceTrace::add(const Piece& piece, Time begin, Time end) const noexcept {
  SokrTraceSlice slice{};
  slice.substrate = kSubstrate;
  slice.thread = name_of_thread();
  slice.name = piece.kernel;
  slice.plugin_token = piece.token;
  slice.begin_ns = ns(begin);
  slice.end_ns = ns(end);
  slice.first_group = piece.first_group;
  slice.group_count = piece.group_count;
  host_.trace(slice);
}

}  // namespace sokr::cpu
