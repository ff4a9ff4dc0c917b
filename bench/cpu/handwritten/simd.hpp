// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One register of the processor that this is compiled for, in the compiler's vector
// extensions. Intrinsics only where the extensions cannot say it.
#ifndef SOKR_BENCH_CPU_HANDWRITTEN_SIMD_HPP_
#define SOKR_BENCH_CPU_HANDWRITTEN_SIMD_HPP_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace sokr::bench::handwritten {

#if defined(__AVX512F__)
inline constexpr std::uint32_t kWidth = 16, kRegisters = 32;
#elif defined(__AVX2__)
inline constexpr std::uint32_t kWidth = 8, kRegisters = 16;
#else
inline constexpr std::uint32_t kWidth = 4, kRegisters = 16;
#endif
using F = float __attribute__((vector_size(4 * kWidth)));
using I = std::int32_t __attribute__((vector_size(4 * kWidth)));
using U = std::uint32_t __attribute__((vector_size(4 * kWidth)));

template <class V>
inline V load(const void* from) {
  V value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class V>
inline void store(void* to, V value) {
  std::memcpy(to, &value, sizeof value);
}

// x - 0 is x for every x, and the compiler knows it.
inline F broadcast(float x) {
  return x - F{};
}
inline U broadcast(std::uint32_t x) {
  return x - U{};
}
template <class V, std::size_t... kLanes>
inline V iota(std::index_sequence<kLanes...>) {
  return V{kLanes...};
}
// 0, 1, 2, ...
template <class V>
inline V iota() {
  return iota<V>(std::make_index_sequence<kWidth>());
}

// Lane i is lane at(i) of a, or of b after those of a.
template <class At, std::size_t... kLanes>
inline U shuffled(U a, U b, At, std::index_sequence<kLanes...>) {
  return __builtin_shufflevector(a, b, At()(kLanes)...);
}
template <class At>
inline U shuffled(U a, U b, At at) {
  return shuffled(a, b, at, std::make_index_sequence<kWidth>());
}

inline float sum(F v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(v);
#else
  float result = v[0];
  for (std::uint32_t i = 1; i < kWidth; ++i) result += v[i];
  return result;
#endif
}

// The result of a comparison for each element; masks are joined with |.
#if defined(__AVX512F__)
using Mask = __mmask16;
inline Mask at_most(F a, F b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
inline bool any(Mask mask) {
  return mask != 0;
}
// One more where the mask is set.
inline U counted(U count, Mask mask) {
  const __m512i old = reinterpret_cast<__m512i>(count);
  return reinterpret_cast<U>(_mm512_mask_add_epi32(old, mask, old, _mm512_set1_epi32(1)));
}
#else
using Mask = I;
inline Mask at_most(F a, F b) {
  return a <= b;
}
inline bool any(Mask mask) {
#if defined(__AVX2__)
  return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0;
#else
  std::int32_t result = 0;
  for (std::uint32_t i = 0; i < kWidth; ++i) result |= mask[i];
  return result != 0;
#endif
}
inline U counted(U count, Mask mask) {
  return count - reinterpret_cast<U>(mask);
}
#endif

inline U min(U a, U b) {
#if defined(__AVX512F__)
  return reinterpret_cast<U>(
      _mm512_min_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<U>(
      _mm256_min_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  return a < b ? a : b;
#endif
}
inline U max(U a, U b) {
#if defined(__AVX512F__)
  return reinterpret_cast<U>(
      _mm512_max_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<U>(
      _mm256_max_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  return a < b ? b : a;
#endif
}

// 1 / sqrt(x) to a few ULP, for normal x > 0.
inline F inverse_sqrt(F x) {
#if defined(__AVX512F__)
  const F estimate = _mm512_rsqrt14_ps(x);
  return estimate * (1.5f - 0.5f * x * estimate * estimate);
#elif defined(__AVX2__)
  const F estimate = _mm256_rsqrt_ps(x);
  return estimate * (1.5f - 0.5f * x * estimate * estimate);
#else
  for (std::uint32_t i = 0; i < kWidth; ++i) x[i] = std::sqrt(x[i]);
  return 1.0f / x;
#endif
}

// 1 / x to a few ULP, for normal x.
inline F inverse(F x) {
#if defined(__AVX512F__)
  const F estimate = _mm512_rcp14_ps(x);
  return estimate * (2.0f - x * estimate);
#elif defined(__AVX2__)
  const F estimate = _mm256_rcp_ps(x);
  return estimate * (2.0f - x * estimate);
#else
  return 1.0f / x;
#endif
}

inline F abs(F x) {
  return reinterpret_cast<F>(reinterpret_cast<U>(x) & 0x7FFFFFFFu);
}

// e^x to about 1 ULP for x in [-87, 88], the nearer end outside.
inline F exp(F x) {
  x = x < -87.0f ? broadcast(-87.0f) : x;
  x = x > 88.0f ? broadcast(88.0f) : x;
  constexpr float kRound = 0x1.8p23f;
  const F shifted = x * 1.44269504f + kRound;
  const F n = shifted - kRound;
  const F r = x - n * 0.693359375f + n * 2.12194440e-4f;
  F p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const I exponent = reinterpret_cast<I>(shifted) << 23;
  return reinterpret_cast<F>(reinterpret_cast<I>(p) + exponent);
}

// ln x to about 1 ULP for normal x > 0.
inline F log(F x) {
  I bits = reinterpret_cast<I>(x) - 0x3F3504F3;  // mantissa in [sqrt(1/2), sqrt(2))
  const F e = __builtin_convertvector(bits >> 23, F);
  const F m = reinterpret_cast<F>((bits & 0x007FFFFF) + 0x3F3504F3) - 1.0f;
  const F m2 = m * m;
  F p = broadcast(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  F result = p * m * m2 - e * 2.12194440e-4f;
  result = result - 0.5f * m2 + m;
  return result + e * 0.693359375f;
}

}  // namespace sokr::bench::handwritten

#endif  // SOKR_BENCH_CPU_HANDWRITTEN_SIMD_HPP_
