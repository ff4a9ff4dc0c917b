// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The copy of a module that SPIRV-Tools' validator sees, and where its instructions came from.
#ifndef SOKR_SPIRV_SRC_STRIP_HPP_
#define SOKR_SPIRV_SRC_STRIP_HPP_

#include <sokr/spirv/module.hpp>

#include "physical_layout.hpp"

namespace sokr::spirv {

struct Stripped {
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> origins;  // per instruction: its word in the module; 0 = it has none
  std::vector<std::uint32_t> numbers;  // per instruction: its number in the module, from 1

  void append(std::span<const std::uint32_t> whole, std::uint32_t origin, std::uint32_t number) {
    words.insert(words.end(), whole.begin(), whole.end());
    origins.push_back(origin);
    numbers.push_back(number);
  }
};

// Calls visit(op, words after the first, all words, word index) for each instruction. `words`
// are those of a module that was decoded: its instructions are whole.
template <class Visit>
void for_each_instruction(std::span<const std::uint32_t> words, Visit&& visit) {
  for (std::size_t at = kHeaderWords; at < words.size();) {
    const auto whole = words.subspan(at, words[at] >> 16);
    visit(static_cast<spv::Op>(words[at] & 0xFFFF), whole.subspan(1), whole, at);
    at += whole.size();
  }
}

// `words` without what has no meaning: the validator may be older than the module's source
// languages, debug information and what else this reader understands.
Stripped strip(std::span<const std::uint32_t> words);

// `module` as it would have to be for a strict reader: see validate(). Nothing else is
// changed, so that what is wrong with it otherwise stays wrong. `decoded`: the module that
// it was made from.
Stripped normalise(const Stripped& module, const Module& decoded);

// The words of an OpEntryPoint, with all variables that it uses in its interface, each once;
// before version 1.4, which `minor` is of, its inputs and outputs only.
std::vector<std::uint32_t> complete_interface(std::span<const std::uint32_t> whole,
                                              const Module& decoded, std::uint32_t minor);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_STRIP_HPP_
