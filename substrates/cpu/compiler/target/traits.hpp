// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What emission knows of the processor that it makes code for.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_

#include <sokr/cpu/kernel.hpp>

namespace sokr::cpu {

struct TargetTraits {
  Isa isa = Isa::kSse4;
  bool wide_masks = false;     // masks live in mask registers (AVX-512)
  bool masked_memory = false;  // masked loads and stores are instructions
  bool gathers = false;
  bool fma = false;
  bool half = false;       // conversions between half and float
  bool byte_dots = false;  // sums of four products of bytes (VNNI)

  // Are masked loads and stores of elements of `size` bytes instructions?
  bool masks(unsigned size) const { return masked_memory && (size >= 4 || isa == Isa::kAvx512); }
};

// Of this machine's processor, if it has the instruction set; else of any that has it.
TargetTraits traits_of(Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TRAITS_HPP_
