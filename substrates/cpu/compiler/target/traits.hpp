// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What code depends on of the processor that it is made for: one row for each instruction set. No
// LLVM here, and no name of an instruction set anywhere behind it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_

#include <cstdint>
#include <sokr/cpu/kernel.hpp>

namespace sokr::cpu {

// How rounding and denormals are controlled.
enum class FloatControl : std::uint8_t { kMxcsr = 1, kFpcr };

struct TargetTraits {
  Isa isa{};
  // ---- What LLVM is asked for: the least processor that has the instruction set
  const char* triple = nullptr;
  const char* cpu = nullptr;
  const char* features = nullptr;
  bool features_vary = false;  // among processors of one name: this machine's are listed to LLVM
  // Does LLVM's quickest selector, which is tried before the others in a draft, leave addresses of
  // vectors to them? AArch64's makes scalars of those that a call takes.
  bool quick_selector = false;

  // ---- Registers of vectors
  std::uint32_t lanes = 0;      // words of one
  std::uint32_t registers = 0;  // of them
  bool wide_masks = false;      // masks live in registers of their own, a bit for each lane
  bool halves_kept = false;     // a call keeps the lower halves of some, and not the upper ones
  bool joins_blends = false;  // bit operations and a choice are one instruction: codegen/blends.hpp

  // ---- Memory
  std::uint32_t least_masked = 0;   // bytes of the smallest element of masked loads and stores
  bool slow_masked_stores = false;  // a row that is read, blended and written takes less
  // Where such an instruction is no faster than loads one by one, it counts as not there: what LLVM
  // makes of it for a processor whose tuning says so is a test and a jump for each lane (AVX2).
  bool gathers = false, scatters = false;

  // ---- Arithmetic
  FloatControl control{};
  bool fma = false;
  bool half = false;           // conversions between half and float
  bool saturates = false;      // conversions to integers give the nearest one
  bool scales = false;         // x * 2^n, rounded once: times_power_of_two of instructions.hpp
  bool permutes = false;       // words of a register by numbers: permuted_words
  bool pair_products = false;  // sums of two products of 16 bits: pair_products
  bool byte_dots = false;  // sums of four products of bytes: byte_dot; not in any least processor

  std::uint32_t vector_bits() const { return 32 * lanes; }
  // Are masked loads and stores of elements of `size` bytes instructions?
  bool masks(unsigned size) const { return least_masked != 0 && size >= least_masked; }
};

// Of any processor that has the instruction set.
const TargetTraits& least_traits(Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_
