// SPDX-License-Identifier: MIT OR Apache-2.0
//
// For layers above SOKR that have ways of their own to tell people something: lines of its log for
// them, and slices of theirs for its trace. Any thread.
#ifndef SOKR_OBSERVE_HPP_
#define SOKR_OBSERVE_HPP_

#include <cstdint>
#include <sokr/sokr.hpp>

namespace sokr {

// Called with every line that contexts and their plugins log, as far as SOKR_LOG lets them, behind
// its being written to stderr, on the thread that logs it. The line ends with the call.
using LogObserver = void (*)(SokrLogLevel level, const char* line);

// One for the process, from now on; null for nobody.
SOKR_HOST_API void observe_log(LogObserver observer) noexcept;

// Whether SOKR_TRACE names a file, which was read when the library was loaded.
SOKR_HOST_API bool is_traced() noexcept;

// A slice in that file, on the lane of this name; nothing where there is no file. Times are those
// of std::chrono::steady_clock since its epoch, in nanoseconds. Slices of a lane lie side by side,
// or one within the other.
SOKR_HOST_API void trace_slice(const char* lane, const char* name, std::uint64_t begin_ns,
                               std::uint64_t end_ns) noexcept;

}  // namespace sokr

#endif  // SOKR_OBSERVE_HPP_
