// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any module is refused with a sentence or compiled; see mutants.hpp.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mutants.hpp"

using sokr::cpu::test::compile_mutant;
using sokr::cpu::test::mutate_module;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxSize = 1 << 16;
  if (size > kMaxSize) return 0;
  const std::string wrong = compile_mutant({data, size}).wrong;
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::abort();
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max, unsigned seed) {
  std::vector<std::uint32_t> words(size / 4);
  if (words.size() < 8 || seed % 16 == 0) return LLVMFuzzerMutate(data, size, max);
  std::memcpy(words.data(), data, words.size() * 4);
  mutate_module(words, seed);
  const std::size_t written = words.size() * 4;
  if (written > max) return size;
  std::memcpy(data, words.data(), written);
  return written;
}
