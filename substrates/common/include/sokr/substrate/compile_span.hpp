// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tells the host's trace that the calling thread compiles, from its construction to its end: a
// slice `compile`. Whoever compiles says so, for nobody else knows which thread it was and for how
// long.
#ifndef SOKR_SUBSTRATE_COMPILE_SPAN_HPP_
#define SOKR_SUBSTRATE_COMPILE_SPAN_HPP_

#include <chrono>
#include <cstdint>
#include <sokr/substrate/plugin_description.hpp>
#include <string>
#include <utility>

namespace sokr::substrate {

class CompileSpan {
 public:
  // The substrate's name, as the plugin offers it.
  CompileSpan(const Host& host, std::string substrate)
      : host_(host), substrate_(std::move(substrate)), begin_ns_(host.traces() ? now_ns() : 0) {}
  ~CompileSpan() {
    if (begin_ns_ != 0) tell(host_, substrate_.c_str(), nullptr, begin_ns_, now_ns());
  }
  CompileSpan(const CompileSpan&) = delete;
  CompileSpan& operator=(const CompileSpan&) = delete;

  // The slice itself, where its ends are known already. `thread` as in SokrTraceSlice.
  static void tell(const Host& host, const char* substrate, const char* thread,
                   std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
    SokrTraceSlice slice{};
    slice.substrate = substrate;
    slice.thread = thread;
    slice.name = "compile";
    slice.begin_ns = begin_ns;
    slice.end_ns = end_ns;
    host.trace(slice);
  }

 private:
  static std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
  }

  const Host host_;
  const std::string substrate_;
  const std::uint64_t begin_ns_;  // 0: the host does not trace
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_COMPILE_SPAN_HPP_
