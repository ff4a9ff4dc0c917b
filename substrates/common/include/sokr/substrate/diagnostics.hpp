// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The last error of each thread and substrate, and the writing of sentences into
// a caller's memory as <sokr/compute.h> says. A substrate is named by its slot
// (exporter.hpp). Nothing here throws; when memory is short, the sentence is
// "out of memory". Works until the process is gone, in destructors of static
// objects, too.
#ifndef SOKR_SUBSTRATE_DIAGNOSTICS_HPP_
#define SOKR_SUBSTRATE_DIAGNOSTICS_HPP_

#include <sokr/compute.h>

#include <cstddef>
#include <sokr/base/result.hpp>
#include <string>
#include <string_view>

namespace sokr::substrate {

// Keeps the sentence as the calling thread's last error for this slot.
void record_error(std::size_t slot, std::string sentence) noexcept;
// The same, and hands the code on: `return record_failure(slot, failure);`
SokrResult record_failure(std::size_t slot, Failure failure) noexcept;
// Forgets the calling thread's last error, for a slot that gets a new owner.
void clear_error(std::size_t slot) noexcept;
// Empty if none. Valid until the thread's next record_error.
std::string_view last_error(std::size_t slot) noexcept;

// Writes at most `capacity` bytes, a final 0 included, cut at a whole UTF-8
// character; line breaks and other control characters become spaces. Returns the
// bytes of the whole sentence without the 0. `out` may be null if capacity is 0.
std::size_t write_sentence(std::string_view sentence, char* out, std::size_t capacity) noexcept;

// The failure that stands for the exception being handled: inside a catch (...).
Failure failure_from_exception() noexcept;

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_DIAGNOSTICS_HPP_
