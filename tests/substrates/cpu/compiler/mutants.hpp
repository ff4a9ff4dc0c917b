// SPDX-License-Identifier: MIT OR Apache-2.0
//
// SPIR-V modules changed in ways that often leave them valid: byte by byte, nearly every
// change ends at the validator. And what the compiler owes to any module whatever.
#ifndef SOKR_TESTS_CPU_MUTANTS_HPP_
#define SOKR_TESTS_CPU_MUTANTS_HPP_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sokr::cpu::test {

// One to four changes of instructions or of their operands; the same for the same seed.
// The generator's word of the header, which nobody reads, becomes the choice of options.
void mutate_module(std::vector<std::uint32_t>& words, std::uint32_t seed);

struct MutantOutcome {
  bool compiled = false;  // otherwise refused, by the validator as a rule
  std::string wrong;      // empty if nothing is
};

// Compiles every entry point with the options of the generator's word: to LLVM IR that its
// verifier accepts, one module in 16 to machine code. Wrong is a failure of the compiler
// itself, a refusal without a sentence, and a refusal of what check() accepts.
MutantOutcome compile_mutant(std::span<const std::uint8_t> module);

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_MUTANTS_HPP_
