// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Digests, ciphers, large integers, counts, orders, running sums, particles.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "../make.hpp"
#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {

using Range = tbb::blocked_range<std::size_t>;

namespace {

constexpr std::uint32_t kRounds[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u,
    0xab1c5ed5u, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu,
    0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu,
    0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u,
    0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
    0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u, 0xa2bfe8a1u, 0xa81a664bu,
    0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u,
    0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u,
    0xc67178f2u};

inline U turned_right(U x, unsigned by) {
  return x >> by | x << (32 - by);
}
inline U turned_left(U x, unsigned by) {
  return x << by | x >> (32 - by);
}

// A message in each lane.
void compress(U (&state)[8], U (&w)[16]) {
  U a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5],
    g = state[6], h = state[7];
#pragma GCC unroll 64
  for (std::size_t i = 0; i < 64; ++i) {
    if (i >= 16) {
      const U x = w[(i + 1) & 15], y = w[(i + 14) & 15];
      w[i & 15] += (turned_right(x, 7) ^ turned_right(x, 18) ^ x >> 3) + w[(i + 9) & 15] +
                   (turned_right(y, 17) ^ turned_right(y, 19) ^ y >> 10);
    }
    const U t1 = h + (turned_right(e, 6) ^ turned_right(e, 11) ^ turned_right(e, 25)) +
                 (g ^ (e & (f ^ g))) + kRounds[i] + w[i & 15];
    const U t2 = (turned_right(a, 2) ^ turned_right(a, 13) ^ turned_right(a, 22)) +
                 ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const U added[8] = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
}

}  // namespace

void sha256(const Size& size, Buffers buffers) {
  const std::size_t n = size[0];
  const std::uint32_t* messages = at<std::uint32_t>(buffers, 0);
  std::uint32_t* digests = at<std::uint32_t>(buffers, 1);
  tbb::parallel_for(Range(0, (n + kWidth - 1) / kWidth, 16), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      const std::size_t first = block * kWidth, count = std::min<std::size_t>(kWidth, n - first);
      U state[8], w[16] = {};
      constexpr std::uint32_t kStart[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
      for (std::size_t i = 0; i < 8; ++i) state[i] = broadcast(kStart[i]);
      for (std::size_t lane = 0; lane < count; ++lane)
        for (std::size_t i = 0; i < 16; ++i)
          w[i][lane] = __builtin_bswap32(messages[(first + lane) * 16 + i]);
      compress(state, w);
      for (std::size_t i = 0; i < 16; ++i)
        w[i] = broadcast(i == 0 ? 0x80000000u : i == 15 ? 512u : 0u);
      compress(state, w);
      for (std::size_t lane = 0; lane < count; ++lane)
        for (std::size_t i = 0; i < 8; ++i)
          digests[(first + lane) * 8 + i] = __builtin_bswap32(state[i][lane]);
    }
  });
}

// A block of the stream in each lane.
void chacha20(const Size& size, Buffers buffers) {
  const std::size_t n = size[0];
  const std::uint32_t* key = at<std::uint32_t>(buffers, 0);
  std::uint32_t* text = at<std::uint32_t>(buffers, 1);
  tbb::parallel_for(Range(0, (n + kWidth - 1) / kWidth, 32), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      const std::size_t first = block * kWidth, count = std::min<std::size_t>(kWidth, n - first);
      U start[16];
      constexpr std::uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
      for (std::size_t i = 0; i < 4; ++i) start[i] = broadcast(kConstants[i]);
      for (std::size_t i = 0; i < 8; ++i) start[4 + i] = broadcast(key[i]);
      start[12] = iota<U>() + (0xFFFFFFF0u + static_cast<std::uint32_t>(first));
      start[13] = broadcast(0x09000000u);
      start[14] = broadcast(0x4A000000u);
      start[15] = broadcast(0x31415927u);
      U x[16];
      for (std::size_t i = 0; i < 16; ++i) x[i] = start[i];
      const auto quarter = [&x](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        x[a] += x[b], x[d] = turned_left(x[d] ^ x[a], 16);
        x[c] += x[d], x[b] = turned_left(x[b] ^ x[c], 12);
        x[a] += x[b], x[d] = turned_left(x[d] ^ x[a], 8);
        x[c] += x[d], x[b] = turned_left(x[b] ^ x[c], 7);
      };
      for (int round = 0; round < 10; ++round) {
        quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15);
        quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14);
      }
      alignas(64) std::uint32_t stream[16][kWidth];
      for (std::size_t i = 0; i < 16; ++i) store(stream[i], x[i] + start[i]);
      for (std::size_t lane = 0; lane < count; ++lane)
        for (std::size_t i = 0; i < 16; ++i) text[(first + lane) * 16 + i] ^= stream[i][lane];
    }
  });
}

namespace {

__extension__ using Wide = unsigned __int128;

// Limbs of 64 bits.
void multiply_add(const std::uint32_t* a, const std::uint32_t* b, const std::uint32_t* c,
                  std::size_t limbs, std::uint32_t* r) {
  std::uint64_t mine[64] = {}, factors[32], others[32];
  std::memcpy(mine, c, limbs * 8);
  std::memcpy(factors, a, limbs * 8);
  std::memcpy(others, b, limbs * 8);
  for (std::size_t i = 0; i < limbs; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < limbs; ++j) {
      const Wide sum = Wide{factors[i]} * others[j] + mine[i + j] + carry;
      mine[i + j] = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
    mine[i + limbs] = carry;
  }
  std::memcpy(r, mine, limbs * 16);
}

}  // namespace

void bigint_mul_add(const Size& size, Buffers buffers) {
  const std::size_t limbs = size[1];
  const std::uint32_t *a = at<std::uint32_t>(buffers, 0), *b = at<std::uint32_t>(buffers, 1),
                      *c = at<std::uint32_t>(buffers, 2);
  std::uint32_t* r = at<std::uint32_t>(buffers, 3);
  tbb::parallel_for(Range(0, size[0], 512), [=](const Range& range) {
    for (std::size_t i = range.begin(); i < range.end(); ++i) {
      const std::size_t from = i * limbs;
      if (limbs % 2 == 0) {
        multiply_add(a + from, b + from, c + from, limbs / 2, r + 2 * from);
        continue;
      }
      std::uint32_t* to = r + 2 * from;
      std::copy_n(c + from, limbs, to);
      for (std::size_t j = 0; j < limbs; ++j) {
        std::uint64_t carry = 0;
        for (std::size_t l = 0; l < limbs; ++l) {
          carry += std::uint64_t{a[from + j]} * b[from + l] + to[j + l];
          to[j + l] = static_cast<std::uint32_t>(carry);
          carry >>= 32;
        }
        to[j + limbs] = static_cast<std::uint32_t>(carry);
      }
    }
  });
}

// Four tables, so that equal keys do not wait for each other.
void radix_histogram(const Size& size, Buffers buffers) {
  const std::size_t n = size[0], groups = size[1], each = (n + groups - 1) / groups;
  const std::uint32_t* keys = at<std::uint32_t>(buffers, 0);
  std::uint32_t* counts = at<std::uint32_t>(buffers, 1);
  tbb::parallel_for(std::size_t{0}, groups, [=](std::size_t group) {
    std::uint32_t bins[4][256] = {};
    std::size_t i = std::min(n, group * each);
    const std::size_t last = std::min(n, i + each);
    for (; i + 4 <= last; i += 4)
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) ++bins[j][keys[i + j] >> 8 & 255];
    for (; i < last; ++i) ++bins[0][keys[i] >> 8 & 255];
    for (std::size_t bin = 0; bin < 256; ++bin)
      counts[bin * groups + group] = bins[0][bin] + bins[1][bin] + bins[2][bin] + bins[3][bin];
  });
}

void radix_scatter(const Size& size, Buffers buffers) {
  const std::size_t n = size[0], groups = size[1], each = (n + groups - 1) / groups;
  const std::uint32_t *keys = at<std::uint32_t>(buffers, 0),
                      *places = at<std::uint32_t>(buffers, 1);
  std::uint32_t* sorted = at<std::uint32_t>(buffers, 2);
  tbb::parallel_for(std::size_t{0}, groups, [=](std::size_t group) {
    std::uint32_t next[256];
    for (std::size_t bin = 0; bin < 256; ++bin) next[bin] = places[bin * groups + group];
    const std::size_t first = std::min(n, group * each), last = std::min(n, first + each);
    for (std::size_t i = first; i < last; ++i) sorted[next[keys[i] >> 8 & 255]++] = keys[i];
  });
}

// Those that are larger than the least of the best so far are few.
void topk_rows(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1], k = size[2];
  const float* x = at<float>(buffers, 0);
  float* values = at<float>(buffers, 1);
  std::uint32_t* places = at<std::uint32_t>(buffers, 2);
  tbb::parallel_for(Range(0, size[0], 4), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float* from = x + row * columns;
      float* best = values + row * k;
      std::uint32_t* best_at = places + row * k;
      std::size_t have = 0;
      const auto consider = [&](std::size_t i) {
        if (have == k && from[i] <= best[k - 1]) return;
        std::size_t place = have < k ? have++ : k - 1;
        for (; place > 0 && best[place - 1] < from[i]; --place) {
          best[place] = best[place - 1];
          best_at[place] = best_at[place - 1];
        }
        best[place] = from[i];
        best_at[place] = static_cast<std::uint32_t>(i);
      };
      std::size_t i = 0;
      for (; i < k; ++i) consider(i);
      for (; i + kWidth <= columns; i += kWidth)
        if (any(at_most(load<F>(from + i), broadcast(best[k - 1])) ^ all_lanes()))
          for (std::size_t j = 0; j < kWidth; ++j) consider(i + j);
      for (; i < columns; ++i) consider(i);
    }
  });
}

namespace {

// Lanes moved up by kBy, zeros below.
template <std::uint32_t kBy>
inline F moved_up(F v) {
  struct From {
    constexpr int operator()(std::size_t lane) const {
      return static_cast<int>(kWidth + lane - kBy);
    }
  };
  return reinterpret_cast<F>(shuffled(U{}, reinterpret_cast<U>(v), From()));
}

}  // namespace

void cumsum_rows(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1];
  const float* x = at<float>(buffers, 0);
  float* y = at<float>(buffers, 1);
  tbb::parallel_for(Range(0, size[0], 1), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float* from = x + row * columns;
      float* to = y + row * columns;
      float before = 0;
      std::size_t i = 0;
      for (; i + kWidth <= columns; i += kWidth) {
        F v = load<F>(from + i);
        v += moved_up<1>(v);
        v += moved_up<2>(v);
        if constexpr (kWidth > 4) v += moved_up<4>(v);
        if constexpr (kWidth > 8) v += moved_up<8 % kWidth>(v);
        store(to + i, v + before);
        before += v[kWidth - 1];
      }
      for (; i < columns; ++i) to[i] = before += from[i];
    }
  });
}

// A particle's vectors are registers of four.
void particles(const Size& size, Buffers buffers) {
  using Four = float __attribute__((vector_size(16)));
  float* all = at<float>(buffers, 0);
  tbb::parallel_for(Range(0, size[0], 2048), [=](const Range& range) {
    constexpr float kStep = 0.0625f, kDrag = 0.1f, kBounce = 0.5f;
    constexpr Four kGravity = {0, -9.81f, 0, 0}, kWind = {1, 0, 0.5f, 0}, kBlue = {0, 0, 1, 0};
    for (std::size_t i = range.begin(); i < range.end(); ++i) {
      float* p = all + i * 12;
      const float life = p[3] - kStep, mass = p[7];
      if (life <= 0) {
        const float born[12] = {0,
                                1,
                                0,
                                4,
                                static_cast<float>(i & 15) * 0.125f - 1,
                                2,
                                static_cast<float>(i >> 4 & 15) * 0.125f - 1,
                                mass,
                                1,
                                1,
                                1,
                                1};
        std::memcpy(p, born, sizeof born);
        continue;
      }
      Four place = load<Four>(p), speed = load<Four>(p + 4);
      const Four relative = kWind - speed, squares = relative * relative;
      const float length = std::sqrt(squares[0] + squares[1] + squares[2]);
      speed += kStep * (kGravity + relative * (length * kDrag / mass));
      place += kStep * speed;
      if (place[1] < 0) {
        place[1] *= -kBounce;
        speed *= kBounce;
        speed[1] = -speed[1];
      }
      place[3] = life;
      speed[3] = mass;
      store(p, place);
      store(p + 4, speed);
      store(p + 8, load<Four>(p + 8) * (1 - kStep) + kBlue * kStep);
    }
  });
}

}  // namespace sokr::bench::real::handwritten
