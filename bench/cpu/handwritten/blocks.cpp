// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels that work on blocks in shared memory, here in the first-level cache: prefix sums,
// histograms, sorting.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>

#include "handwritten.hpp"
#include "simd.hpp"

namespace sokr::bench::handwritten {

using Range = tbb::blocked_range<std::size_t>;

namespace {

constexpr std::size_t kBlock = 512;

inline U even(U a, U b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
inline U odd(U a, U b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
inline U low_pairs(U a, U b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline U high_pairs(U a, U b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
}

// v moved up by kBy places, zeros behind.
template <int kBy>
inline U moved_up(U v) {
  return __builtin_shufflevector(U{}, v, 16 - kBy, 17 - kBy, 18 - kBy, 19 - kBy, 20 - kBy, 21 - kBy,
                                 22 - kBy, 23 - kBy, 24 - kBy, 25 - kBy, 26 - kBy, 27 - kBy,
                                 28 - kBy, 29 - kBy, 30 - kBy, 31 - kBy);
}

// The tree of the kernel with each level stored densely: on the way up the sums of pairs,
// of which the way down needs the left members. The last 16 are done in a register.
std::uint32_t scan_block(const std::uint32_t* in, std::uint32_t* out) {
  constexpr std::size_t kVectors = kBlock / kWidth;
  U left[kVectors], level[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i) level[i] = load<U>(in + i * kWidth);
  U* top = left;
  for (std::size_t half = kVectors / 2; half > 0; top += half, half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      top[i] = even(level[2 * i], level[2 * i + 1]);
      level[i] = top[i] + odd(level[2 * i], level[2 * i + 1]);
    }
  }
  U sums = level[0];
  sums += moved_up<1>(sums);
  sums += moved_up<2>(sums);
  sums += moved_up<4>(sums);
  sums += moved_up<8>(sums);
  level[0] = moved_up<1>(sums);
  for (std::size_t half = 1; half < kVectors; half *= 2) {
    top -= half;
    for (std::size_t i = half; i-- > 0;) {
      const U before = level[i], between = before + top[i];
      level[2 * i] = low_pairs(before, between);
      level[2 * i + 1] = high_pairs(before, between);
    }
  }
  for (std::size_t i = 0; i < kVectors; ++i) store(out + i * kWidth, level[i]);
  return sums[kWidth - 1];
}

}  // namespace

void scan(const HandwrittenCall& call) {
  const std::uint32_t* values = call.buffer<std::uint32_t>(0);
  std::uint32_t *sums = call.buffer<std::uint32_t>(1), *totals = call.buffer<std::uint32_t>(2);
  tbb::parallel_for(Range(0, call.groups, 64), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block)
      totals[block] = scan_block(values + block * kBlock, sums + block * kBlock);
  });
}

// A table for each byte of a word: equal neighbours do not wait for each other.
void histogram_shared(const HandwrittenCall& call) {
  const std::size_t part = call.word(0) / call.groups;
  const std::uint32_t* words = call.buffer<std::uint32_t>(0);
  std::uint32_t* bins = call.buffer<std::uint32_t>(1);
  tbb::parallel_for(Range(0, call.groups), [=](const Range& range) {
    std::uint32_t counts[4][256] = {};
    for (std::size_t i = range.begin() * part; i < range.end() * part; ++i) {
      const std::uint32_t word = words[i];
      ++counts[0][word & 255];
      ++counts[1][word >> 8 & 255];
      ++counts[2][word >> 16 & 255];
      ++counts[3][word >> 24];
    }
    for (std::size_t bin = 0; bin < 256; ++bin) {
      const std::uint32_t count =
          counts[0][bin] + counts[1][bin] + counts[2][bin] + counts[3][bin];
      std::atomic_ref(bins[bin]).fetch_add(count, std::memory_order_relaxed);
    }
  });
}

void histogram_global(const HandwrittenCall& call) {
  const std::size_t n = call.word(0);
  const std::uint32_t* words = call.buffer<std::uint32_t>(0);
  std::uint32_t* bins = call.buffer<std::uint32_t>(1);
  tbb::parallel_for(Range(0, n, 4096), [=](const Range& range) {
    const auto count = [=](std::uint32_t bin) {
      std::atomic_ref(bins[bin]).fetch_add(1, std::memory_order_relaxed);
    };
    for (std::size_t i = range.begin(); i < range.end(); ++i) {
      const std::uint32_t word = words[i];
      count(word & 255);
      count(word >> 8 & 255);
      count(word >> 16 & 255);
      count(word >> 24);
    }
  });
}

// ---- Bitonic sort -----------------------------------------------------------------------

namespace {

constexpr std::uint32_t kKeys = kBlock / kWidth;  // vectors in a block

// Each lane's element of the lane that is kStride away.
template <int kStride>
inline U exchanged(U v) {
  return __builtin_shufflevector(v, v, 0 ^ kStride, 1 ^ kStride, 2 ^ kStride, 3 ^ kStride,
                                 4 ^ kStride, 5 ^ kStride, 6 ^ kStride, 7 ^ kStride, 8 ^ kStride,
                                 9 ^ kStride, 10 ^ kStride, 11 ^ kStride, 12 ^ kStride,
                                 13 ^ kStride, 14 ^ kStride, 15 ^ kStride);
}

// Lanes that keep the smaller of two elements, in vector `index` of the block.
template <std::uint32_t kSize, std::uint32_t kStride>
inline I keeps_smaller(std::uint32_t index) {
  const I lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const I low = (lane & static_cast<std::int32_t>(kStride)) == 0;
  if constexpr (kSize < kWidth) {
    const I ascending = (lane & static_cast<std::int32_t>(kSize)) == 0;
    return low == ascending;
  } else {
    return index * kWidth & kSize ? ~low : low;
  }
}

template <std::uint32_t kSize, std::uint32_t kStride>
inline U sorted_within(U v, std::uint32_t index) {
  const U other = exchanged<kStride>(v);
  v = keeps_smaller<kSize, kStride>(index) ? min(v, other) : max(v, other);
  if constexpr (kStride > 1) v = sorted_within<kSize, kStride / 2>(v, index);
  return v;
}

template <std::uint32_t kSize, std::uint32_t kStride>
inline void exchange_vectors(U* keys) {
  constexpr std::uint32_t kApart = kStride / kWidth;
  for (std::uint32_t first = 0; first < kKeys; first += 2 * kApart) {
    for (std::uint32_t i = first; i < first + kApart; ++i) {
      const U smaller = min(keys[i], keys[i + kApart]), larger = max(keys[i], keys[i + kApart]);
      const bool ascending = (i * kWidth & kSize) == 0;
      keys[i] = ascending ? smaller : larger;
      keys[i + kApart] = ascending ? larger : smaller;
    }
  }
  if constexpr (kStride > kWidth) exchange_vectors<kSize, kStride / 2>(keys);
}

template <std::uint32_t kSize>
inline void merge(U* keys) {
  if constexpr (kSize > kWidth) exchange_vectors<kSize, kSize / 2>(keys);
  constexpr std::uint32_t kStride = std::min(kSize, kWidth) / 2;
  for (std::uint32_t i = 0; i < kKeys; ++i) keys[i] = sorted_within<kSize, kStride>(keys[i], i);
}

template <std::uint32_t kSize = 2>
inline void sort_block(U* keys) {
  merge<kSize>(keys);
  if constexpr (kSize < kBlock) sort_block<2 * kSize>(keys);
}

}  // namespace

void bitonic_sort(const HandwrittenCall& call) {
  std::uint32_t* all = call.buffer<std::uint32_t>(0);
  tbb::parallel_for(Range(0, call.groups, 16), [=](const Range& range) {
    U keys[kKeys];
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      std::memcpy(keys, all + block * kBlock, sizeof keys);
      sort_block(keys);
      std::memcpy(all + block * kBlock, keys, sizeof keys);
    }
  });
}

}  // namespace sokr::bench::handwritten
