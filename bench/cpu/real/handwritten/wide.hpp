// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One register more: what these functions need beside handwritten/simd.hpp.
#ifndef SOKR_BENCH_CPU_REAL_HANDWRITTEN_WIDE_HPP_
#define SOKR_BENCH_CPU_REAL_HANDWRITTEN_WIDE_HPP_

#include "../../handwritten/simd.hpp"
#include "../../inputs.hpp"

namespace sokr::bench::real::handwritten {

using namespace sokr::bench::handwritten;

template <class T>
T* at(std::byte* const* buffers, std::size_t buffer) {
  return reinterpret_cast<T*>(buffers[buffer]);
}

inline F larger(F a, F b) {
  return a > b ? a : b;
}
inline float largest(F v) {
  float result = v[0];
  for (std::uint32_t i = 1; i < kWidth; ++i) result = v[i] > result ? v[i] : result;
  return result;
}

// kWidth numbers of 16 or 8 bits as floats.
inline F from_halves(const std::uint16_t* from) {
#if defined(__AVX512F__)
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(__AVX2__) && defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  F result;
  for (std::uint32_t i = 0; i < kWidth; ++i) {
    const std::uint32_t bits = (from[i] & 0x8000u) << 16 | (from[i] & 0x7FFFu) << 13;
    float scaled;
    std::memcpy(&scaled, &bits, sizeof scaled);
    result[i] = scaled * 0x1p112f;
  }
  return result;
#endif
}
inline float from_half(std::uint16_t half) {
  const std::uint32_t bits = (half & 0x8000u) << 16 | (half & 0x7FFFu) << 13;
  float scaled;
  std::memcpy(&scaled, &bits, sizeof scaled);
  return scaled * 0x1p112f;
}

inline std::uint16_t to_half(float value) {
#if defined(__F16C__)
  return static_cast<std::uint16_t>(_cvtss_sh(value, 0));
#else
  return half_of(double{value});
#endif
}
inline void to_halves(std::uint16_t* to, F values) {
#if defined(__AVX512F__)
  store(to, _mm512_cvtps_ph(values, 0));
#elif defined(__AVX2__) && defined(__F16C__)
  store(to, _mm256_cvtps_ph(values, 0));
#else
  for (std::uint32_t i = 0; i < kWidth; ++i) to[i] = to_half(values[i]);
#endif
}

// To turn a mask round with ^.
inline Mask all_lanes() {
#if defined(__AVX512F__)
  return 0xFFFF;
#else
  return Mask{} - 1;
#endif
}

using B16 = std::uint8_t __attribute__((vector_size(16)));
// Bytes `part * kWidth` and on of 16.
template <std::uint32_t kPart>
inline F widened(B16 bytes) {
#if defined(__AVX512F__)
  static_assert(kPart == 0);
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(reinterpret_cast<__m128i>(bytes)));
#elif defined(__AVX2__)
  return _mm256_cvtepi32_ps(
      _mm256_cvtepu8_epi32(_mm_srli_si128(reinterpret_cast<__m128i>(bytes), 8 * kPart)));
#else
  F result;
  for (std::uint32_t i = 0; i < kWidth; ++i) result[i] = bytes[kPart * kWidth + i];
  return result;
#endif
}

// The square root of x, for normal x > 0, to a few ULP.
inline F square_root(F x) {
#if defined(__AVX512F__)
  return _mm512_sqrt_ps(x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#else
  for (std::uint32_t i = 0; i < kWidth; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

}  // namespace sokr::bench::real::handwritten

#endif  // SOKR_BENCH_CPU_REAL_HANDWRITTEN_WIDE_HPP_
