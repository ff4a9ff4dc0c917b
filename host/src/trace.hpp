// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a process did, in the format of Chrome's traces, which Perfetto opens: SOKR_TRACE names the
// file. Every capability that is asked, preparation, dispatch and wait is a slice on its thread;
// arrows lead from a dispatch to where its end became known; each substrate that tells device time
// has a lane of its own. What a plugin tells of its threads (SokrHostInfo::trace), such as that one
// compiled, is a slice on that thread, too.
//
// The file is begun by the first event and ended with the process. Any thread. Where the variable
// is not set it costs one load for each call.
#ifndef SOKR_HOST_TRACE_HPP_
#define SOKR_HOST_TRACE_HPP_

#include <sokr/compute.h>
#include <sokr/sokr.h>

#include <cstdint>

namespace sokr::host::trace {

extern const bool is_on;  // read when the library is loaded

// What the calling thread did for a substrate; `id` is that of the core, 0 if the slice is of no
// launch. Only where it is on.
void add_slice(const SokrTraceSlice& slice, const char* substrate, std::uint32_t id);

// From its construction to its end: a slice of the calling thread. What it is given outlives it.
class Span {
 public:
  Span(const char* what, const SokrSubstrateInfo& info, const SokrComputationId* computation) {
    if (is_on) begin(what, info, computation);
  }
  ~Span() {
    if (info_) end();
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  // It started this dispatch.
  void started(SokrCompletionToken token) {
    if (info_) token_ = token;
  }
  // A dispatch whose end it learned of; that it failed, if it did.
  void ended(SokrCompletionToken token, bool failed) {
    if (info_) learn(token, failed);
  }

 private:
  void begin(const char* what, const SokrSubstrateInfo& info, const SokrComputationId* computation);
  void end() noexcept;
  void learn(SokrCompletionToken token, bool failed);

  const SokrSubstrateInfo* info_ = nullptr;  // null: nothing is written
  const char* what_ = nullptr;
  const SokrComputationId* computation_ = nullptr;  // null: of none
  std::uint64_t begin_ns_ = 0;
  SokrCompletionToken token_ = 0;
};

}  // namespace sokr::host::trace

#endif  // SOKR_HOST_TRACE_HPP_
