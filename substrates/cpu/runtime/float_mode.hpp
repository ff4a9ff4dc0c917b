// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The floating-point modes that a kernel runs in.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_FLOAT_MODE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_FLOAT_MODE_HPP_

#include <cstdint>
#include <sokr/cpu/kernel.hpp>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace sokr::cpu {

// The rounding and subnormal modes of this thread for the time of a kernel.
class FloatMode {
 public:
  explicit FloatMode(std::uint32_t flags) : saved_(read()) {
    std::uint64_t wanted = of(flags);
    changed_ = (saved_ & kMask) != wanted;
    if (changed_) write((saved_ & ~kMask) | wanted);
  }
  ~FloatMode() {
    // A kernel raises flags; reading is cheaper than writing.
    if (changed_ || read() != saved_) write(saved_);
  }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
#if defined(__x86_64__)
  // MXCSR: DAZ 6, exception masks 7-12 (all masked), rounding 13-14, FTZ 15.
  static constexpr std::uint64_t kMask = 0xffc0;
  static std::uint64_t of(std::uint32_t flags) {
    return 0x1f80u | (flags & kKernelFlushDenormals ? 0x8040u : 0u) |
           (flags & kKernelRoundTowardZero ? 0x6000u : 0u);
  }
  static std::uint64_t read() { return _mm_getcsr(); }
  static void write(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
  // FPCR: FZ16 19, rounding 22-23, FZ 24, DN 25.
  static constexpr std::uint64_t kMask = 0x3c80000;
  static std::uint64_t of(std::uint32_t flags) {
    return (flags & kKernelFlushDenormals ? 0x1080000u : 0u) |
           (flags & kKernelRoundTowardZero ? 0xc00000u : 0u);
  }
  static std::uint64_t read() {
    std::uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#endif
  std::uint64_t saved_;
  bool changed_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_FLOAT_MODE_HPP_
