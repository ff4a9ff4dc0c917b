// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What an entry point's float controls ask of the code that is made for it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FLOAT_MODES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FLOAT_MODES_HPP_

#include <cstdint>
#include <sokr/base/result.hpp>
#include <sokr/spirv/module.hpp>

namespace sokr::cpu {

struct FloatModes {
  bool toward_zero = false;       // f32 and f64
  bool half_toward_zero = false;  // f16
  std::uint8_t flush = 0;         // widths, as spirv::FloatControls
  // Halves have to be rounded by integer operations, from results without an error of their own.
  bool exact_halves() const { return toward_zero || half_toward_zero; }
  bool flushes(std::uint32_t width) const {
    return (flush & (width == 16 ? 1 : width == 32 ? 2 : width == 64 ? 4 : 0)) != 0;
  }
  // May products and sums of this width be rounded as one?
  bool contracts(std::uint32_t width) const {
    return !toward_zero && !(width == 16 && half_toward_zero) && !flushes(width);
  }
};

FloatModes float_modes(const spirv::EntryPoint& entry);

// SOKR_CAPABILITY_DENIED for modes that the processor does not have together.
Result<void> check_float_modes(const spirv::EntryPoint& entry);

// May the processor flush denormals of f32 and f64 as well: are all floats of the module flushed?
bool processor_may_flush(const spirv::Module& module, const spirv::EntryPoint& entry);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FLOAT_MODES_HPP_
