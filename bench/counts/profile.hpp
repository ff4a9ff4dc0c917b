// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Reads what callgrind writes: one profile, which a client request named.
#ifndef SOKR_BENCH_COUNTS_PROFILE_HPP_
#define SOKR_BENCH_COUNTS_PROFILE_HPP_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sokr::bench {

struct Profile {
  std::string trigger;             // what the request said; empty: it was no request
  std::uint64_t instructions = 0;  // all that were executed
  std::uint64_t in_file = 0;       // those in the files that were asked for
};

// `file`: part of the names of the object files whose instructions are wanted. Nothing if the text
// is no profile of callgrind of instructions alone.
std::optional<Profile> read_profile(std::string_view text, std::string_view file);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_COUNTS_PROFILE_HPP_
