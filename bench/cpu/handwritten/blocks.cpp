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
  return shuffled(a, b, [](std::size_t lane) { return 2 * lane; });
}
inline U odd(U a, U b) {
  return shuffled(a, b, [](std::size_t lane) { return 2 * lane + 1; });
}
inline U low_pairs(U a, U b) {
  return shuffled(a, b, [](std::size_t lane) { return lane / 2 + lane % 2 * kWidth; });
}
inline U high_pairs(U a, U b) {
  return shuffled(a, b, [](std::size_t lane) { return kWidth / 2 + lane / 2 + lane % 2 * kWidth; });
}
// v moved up by kBy places, zeros behind.
template <std::size_t kBy>
inline U moved_up(U v) {
  return shuffled(U{}, v, [](std::size_t lane) { return kWidth - kBy + lane; });
}

template <std::size_t kBy = 1>
inline U running_sums(U v) {
  v += moved_up<kBy>(v);
  if constexpr (2 * kBy < kWidth) v = running_sums<2 * kBy>(v);
  return v;
}

// The tree of the kernel with each level stored densely: on the way up the sums of pairs,
// of which the way down needs the left members. The last ones are done in a register.
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
  const U sums = running_sums(level[0]);
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

namespace {

// A table for each byte of a word: equal neighbours do not wait for each other.
void count_bytes(const std::uint32_t* words, std::size_t begin, std::size_t end,
                 std::uint32_t* bins) {
  std::uint32_t counts[4][256] = {};
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint32_t word = words[i];
    ++counts[0][word & 255];
    ++counts[1][word >> 8 & 255];
    ++counts[2][word >> 16 & 255];
    ++counts[3][word >> 24];
  }
  for (std::size_t bin = 0; bin < 256; ++bin) {
    const std::uint32_t count = counts[0][bin] + counts[1][bin] + counts[2][bin] + counts[3][bin];
    std::atomic_ref(bins[bin]).fetch_add(count, std::memory_order_relaxed);
  }
}

}  // namespace

void histogram_shared(const HandwrittenCall& call) {
  const std::size_t part = call.word(0) / call.groups;
  const std::uint32_t* words = call.buffer<std::uint32_t>(0);
  std::uint32_t* bins = call.buffer<std::uint32_t>(1);
  tbb::parallel_for(Range(0, call.groups), [=](const Range& range) {
    count_bytes(words, range.begin() * part, range.end() * part, bins);
  });
}

// Nobody who writes this by hand adds to the shared bins a byte at a time.
void histogram_global(const HandwrittenCall& call) {
  const std::uint32_t* words = call.buffer<std::uint32_t>(0);
  std::uint32_t* bins = call.buffer<std::uint32_t>(1);
  tbb::parallel_for(Range(0, call.word(0), 16384), [=](const Range& range) {
    count_bytes(words, range.begin(), range.end(), bins);
  });
}

// ---- Bitonic sort -----------------------------------------------------------------------

namespace {

constexpr std::uint32_t kKeys = kBlock / kWidth;  // vectors in a block

// Each lane's element of the lane that is kStride away.
template <std::size_t kStride>
inline U exchanged(U v) {
  return shuffled(v, v, [](std::size_t lane) { return lane ^ kStride; });
}

// Lanes that keep the smaller of two elements, in vector `index` of the block.
template <std::uint32_t kSize, std::uint32_t kStride>
inline I keeps_smaller(std::uint32_t index) {
  const I lane = iota<I>();
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
