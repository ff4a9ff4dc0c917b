// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How much of the product of everything that they vary the suites go through:
//
//   SOKR_EXTENT=all    all of it (./dev test cross)
//   SOKR_EXTENT=less   a small sample (under AddressSanitizer, which sees no compiled code)
//
// and a larger sample without it.
#ifndef SOKR_TESTS_DIFFERENTIAL_EXTENT_HPP_
#define SOKR_TESTS_DIFFERENTIAL_EXTENT_HPP_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace sokr::differential {

enum class Extent : std::uint8_t { kLess, kUsual, kAll };

inline Extent extent() {
  const char* text = std::getenv("SOKR_EXTENT");
  const std::string_view wanted = text == nullptr ? "" : text;
  return wanted == "all" ? Extent::kAll : wanted == "less" ? Extent::kLess : Extent::kUsual;
}

// Of `usual` members one after the other the sample holds one: the one whose turn it is; of `less`
// members where the sample is small.
inline bool is_its_turn(std::size_t n, std::size_t turn, std::size_t usual, std::size_t less) {
  if (extent() == Extent::kAll) return true;
  const std::size_t turns = extent() == Extent::kLess ? less : usual;
  return n % turns == turn % turns;
}

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_EXTENT_HPP_
