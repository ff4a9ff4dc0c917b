// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Digests, ciphers, large integers, and what sorting and scanning is made of.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "handwritten/handwritten.hpp"
#include "make.hpp"

namespace sokr::bench::real {
namespace {

// ---- messages
// ---------------------------------------------------------------------------------------------

Workload sha256(const Size& size) {
  const std::uint32_t n = size[0];
  Workload workload{"sha256",
                    {ceil_div(n, 64), 1, 1},
                    {64, 1, 1},
                    push(n),
                    {in(words(std::size_t{n} * 16)), out(std::size_t{n} * 32, Match::kBits)}};
  workload.specialization = {{0, 64}};
  return workload;
}

// The first 32 bits behind the point of the cube roots of the first 64 primes.
std::array<std::uint32_t, 64> sha256_constants() {
  std::array<std::uint32_t, 64> constants{};
  std::size_t count = 0;
  for (unsigned candidate = 2; count < 64; ++candidate) {
    bool is_prime = true;
    for (unsigned i = 2; i * i <= candidate; ++i) is_prime = is_prime && candidate % i != 0;
    if (!is_prime) continue;
    const long double root = std::cbrt(static_cast<long double>(candidate));
    constants[count++] = static_cast<std::uint32_t>((root - std::floor(root)) * 0x1p32L);
  }
  return constants;
}

std::uint32_t turned_right(std::uint32_t x, int by) {
  return std::rotr(x, by);
}

void sha256_block(std::array<std::uint32_t, 8>& state, const std::array<std::uint32_t, 16>& block) {
  static const std::array<std::uint32_t, 64> constants = sha256_constants();
  std::array<std::uint32_t, 64> w{};
  std::ranges::copy(block, w.begin());
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turned_right(a, 7) ^ turned_right(a, 18) ^ a >> 3) + w[i - 7] +
           (turned_right(b, 17) ^ turned_right(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t t1 = h + (turned_right(e, 6) ^ turned_right(e, 11) ^ turned_right(e, 25)) +
                             ((e & f) ^ (~e & g)) + constants[i] + w[i];
    const std::uint32_t t2 = (turned_right(a, 2) ^ turned_right(a, 13) ^ turned_right(a, 22)) +
                             ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::uint32_t added[] = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
}

Results sha256_expected(const Size& size, const Workload& workload) {
  const std::vector<std::uint32_t> messages = initial<std::uint32_t>(workload, 0);
  std::vector<std::uint32_t> digests;
  for (std::uint32_t i = 0; i < size[0]; ++i) {
    std::array<std::uint32_t, 8> state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint32_t, 16> block{};
    for (std::size_t j = 0; j < 16; ++j)
      block[j] = __builtin_bswap32(messages[std::size_t{i} * 16 + j]);
    sha256_block(state, block);
    block = {0x80000000u};
    block[15] = 512;
    sha256_block(state, block);
    for (const std::uint32_t word : state) digests.push_back(__builtin_bswap32(word));
  }
  return {{}, bytes_of(digests)};
}

// ---- blocks of 64 bytes
// -------------------------------------------------------------------------------------

constexpr std::uint32_t kCounter = 0xFFFFFFF0u, kNonce[] = {0x09000000, 0x4A000000, 0x31415927};

Workload chacha20(const Size& size) {
  const std::uint32_t n = size[0];
  Workload workload{"chacha20",
                    {ceil_div(n, 64), 1, 1},
                    {64, 1, 1},
                    push(n, kCounter, kNonce[0], kNonce[1], kNonce[2]),
                    {in(words(8)), in_out(words(std::size_t{n} * 16), Match::kBits)}};
  workload.consumes_input = true;
  workload.specialization = {{0, 64}};
  return workload;
}

Results chacha20_expected(const Size& size, const Workload& workload) {
  const std::vector<std::uint32_t> key = initial<std::uint32_t>(workload, 0);
  std::vector<std::uint32_t> text = initial<std::uint32_t>(workload, 1);
  for (std::uint32_t block = 0; block < size[0]; ++block) {
    std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    std::ranges::copy(key, start.begin() + 4);
    start[12] = kCounter + block;
    std::ranges::copy(kNonce, start.begin() + 13);
    std::array<std::uint32_t, 16> x = start;
    const auto quarter = [&x](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
      x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 16);
      x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 12);
      x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 8);
      x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 7);
    };
    for (int round = 0; round < 10; ++round) {
      for (std::size_t i = 0; i < 4; ++i) quarter(i, i + 4, i + 8, i + 12);
      for (std::size_t i = 0; i < 4; ++i)
        quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (std::size_t i = 0; i < 16; ++i) text[std::size_t{block} * 16 + i] ^= x[i] + start[i];
  }
  return {{}, bytes_of(text)};
}

template <int kOperations, int kBytes>
Cost each_cost(const Size& size) {
  return {double{kOperations} * size[0], double{kBytes} * size[0]};
}

// ---- numbers x limbs
// ------------------------------------------------------------------------------------------

Workload bigint_mul_add(const Size& size) {
  const std::uint32_t n = size[0], limbs = size[1];
  demand(limbs <= 64, "at most 64 limbs");
  const std::size_t count = std::size_t{n} * limbs;
  Workload workload{
      "bigint_mul_add",
      {ceil_div(n, 64), 1, 1},
      {64, 1, 1},
      push(n),
      {in(words(count)), in(words(count + 1)), in(words(count + 2)), out(count * 8, Match::kBits)}};
  workload.specialization = {{0, 64}, {1, limbs}};
  return workload;
}

__extension__ using Wide = unsigned __int128;

Results bigint_expected(const Size& size, const Workload& workload) {
  const std::size_t limbs = size[1];
  const std::vector<std::uint32_t> a = initial<std::uint32_t>(workload, 0),
                                   b = initial<std::uint32_t>(workload, 1),
                                   c = initial<std::uint32_t>(workload, 2);
  std::vector<std::uint32_t> r;
  for (std::size_t at = 0; at < a.size(); at += limbs) {
    // Column by column, which the kernel does not.
    Wide carry = 0;
    for (std::size_t column = 0; column < 2 * limbs; ++column) {
      if (column < limbs) carry += c[at + column];
      for (std::size_t i = 0; i < limbs; ++i)
        if (column >= i && column - i < limbs) carry += Wide{a[at + i]} * b[at + column - i];
      r.push_back(static_cast<std::uint32_t>(carry));
      carry >>= 32;
    }
  }
  return {{}, {}, {}, bytes_of(r)};
}

Cost bigint_cost(const Size& size) {
  const double n = size[0], limbs = size[1];
  return {3 * n * limbs * limbs, 20 * n * limbs};
}

// ---- keys x groups
// ----------------------------------------------------------------------------------------------

constexpr std::uint32_t kShift = 8;

std::vector<std::uint32_t> counted(const Size& size, const std::vector<std::uint32_t>& keys) {
  const std::uint32_t groups = size[1], each = ceil_div(size[0], groups);
  std::vector<std::uint32_t> counts(std::size_t{256} * groups);
  for (std::size_t i = 0; i < keys.size(); ++i)
    ++counts[(keys[i] >> kShift & 255) * groups + i / each];
  return counts;
}

Workload radix_histogram(const Size& size) {
  const std::uint32_t n = size[0], groups = size[1];
  Workload workload{"radix_histogram",
                    {groups, 1, 1},
                    {256, 1, 1},
                    push(n, kShift, ceil_div(n, groups)),
                    {in(words(n)), out(std::size_t{1024} * groups, Match::kBits)}};
  workload.specialization = {{0, 256}};
  return workload;
}

Results histogram_expected(const Size& size, const Workload& workload) {
  return {{}, bytes_of(counted(size, initial<std::uint32_t>(workload, 0)))};
}

Workload radix_scatter(const Size& size) {
  const std::uint32_t n = size[0], groups = size[1];
  const Bytes keys = words(n);
  std::vector<std::uint32_t> places = counted(size, elements<std::uint32_t>(keys));
  std::exclusive_scan(places.begin(), places.end(), places.begin(), 0u);
  Workload workload{"radix_scatter",
                    {groups, 1, 1},
                    {256, 1, 1},
                    push(n, kShift, ceil_div(n, groups)),
                    {in(keys), in(bytes_of(places)), out(std::size_t{n} * 4, Match::kBits)}};
  workload.specialization = {{0, 256}};
  return workload;
}

Results scatter_expected(const Size&, const Workload& workload) {
  std::vector<std::uint32_t> keys = initial<std::uint32_t>(workload, 0);
  std::ranges::stable_sort(keys, {}, [](std::uint32_t key) { return key >> kShift & 255; });
  return {{}, {}, bytes_of(keys)};
}

// ---- rows
// ---------------------------------------------------------------------------------------------------------

Workload topk_rows(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1], k = size[2];
  demand(k <= columns, "k is at most the number of columns");
  Random random(rows + columns);
  std::vector<float> x(std::size_t{rows} * columns);
  // Of few values, so that many are equal.
  for (float& value : x) value = std::floor(random.f32(-100, 100));
  Workload workload{"topk_rows",
                    {rows, 1, 1},
                    {128, 1, 1},
                    push(columns, k),
                    {in(bytes_of(x)), out(std::size_t{rows} * k * 4, Match::kFloats),
                     out(std::size_t{rows} * k * 4, Match::kBits)}};
  workload.specialization = {{0, 128}};
  return workload;
}

Results topk_expected(const Size& size, const Workload& workload) {
  const std::vector<float> x = initial<float>(workload, 0);
  std::vector<float> values;
  std::vector<std::uint32_t> places;
  for (std::size_t row = 0; row < x.size(); row += size[1]) {
    std::vector<std::uint32_t> order(size[1]);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::stable_sort(order, std::greater<>(), [&](std::uint32_t i) { return x[row + i]; });
    for (std::uint32_t i = 0; i < size[2]; ++i) {
      values.push_back(x[row + order[i]]);
      places.push_back(order[i]);
    }
  }
  return {{}, bytes_of(values), bytes_of(places)};
}

Cost topk_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {cells * 2, 4 * cells};
}

Workload cumsum_rows(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1];
  const std::size_t cells = std::size_t{rows} * columns;
  Workload workload{"cumsum_rows",
                    {rows, 1, 1},
                    {128, 1, 1},
                    push(columns),
                    {in(floats(cells, 0, 1)), out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 128}, {1, 4}};
  return workload;
}

Results cumsum_expected(const Size& size, const Workload& workload) {
  std::vector<double> sums = doubles(initial<float>(workload, 0));
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (i % size[1] != 0) sums[i] += sums[i - 1];
  return {{}, floats_of(sums)};
}

Cost cumsum_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {cells, 8 * cells};
}

// ---- particles
// -------------------------------------------------------------------------------------------------------

constexpr std::size_t kParticle = 12;  // floats

// No height is so near the floor that rounding would decide.
Workload particles(const Size& size) {
  const std::uint32_t n = size[0];
  Random random(n);
  std::vector<float> p;
  for (std::uint32_t i = 0; i < n; ++i) {
    const float height = random.f32(0.5f, 2);
    const float one[kParticle] = {random.f32(-1, 1), i % 3 == 0 ? -height : height,
                                  random.f32(-1, 1), static_cast<float>(random.u32() % 64) / 16,
                                  random.f32(-2, 2), random.f32(-2, 2),
                                  random.f32(-2, 2), random.f32(0.5f, 2),
                                  random.f32(0, 1),  random.f32(0, 1),
                                  random.f32(0, 1),  1};
    p.insert(p.end(), std::begin(one), std::end(one));
  }
  Workload workload{"particles",
                    {ceil_div(n, 64), 1, 1},
                    {64, 1, 1},
                    push(0.0f, -9.81f, 0.0f, 0.0f, 1.0f, 0.0f, 0.5f, 0.0f, n, 0.0625f, 0.1f, 0.5f),
                    {in_out(bytes_of(p), Match::kFloats, 1e-5)}};
  workload.consumes_input = true;
  workload.specialization = {{0, 64}};
  return workload;
}

void move(double* p, std::size_t i) {
  constexpr double kStep = 0.0625, kDrag = 0.1f, kBounce = 0.5;
  const double gravity[] = {0, -9.81f, 0}, wind[] = {1, 0, 0.5};
  p[3] -= kStep;
  if (p[3] <= 0) {
    const double born[kParticle] = {
        0, 1, 0, 4, double(i & 15) / 8 - 1, 2, double(i >> 4 & 15) / 8 - 1, p[7], 1, 1, 1, 1};
    std::copy(std::begin(born), std::end(born), p);
    return;
  }
  double relative[3], square = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    relative[axis] = wind[axis] - p[4 + axis];
    square += relative[axis] * relative[axis];
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    p[4 + axis] += kStep * (gravity[axis] + relative[axis] * std::sqrt(square) * kDrag / p[7]);
    p[axis] += kStep * p[4 + axis];
  }
  if (p[1] < 0) {
    p[1] *= -kBounce;
    for (std::size_t axis = 0; axis < 3; ++axis) p[4 + axis] *= axis == 1 ? -kBounce : kBounce;
  }
  const double blue[] = {0, 0, 1, 0};
  for (std::size_t j = 0; j < 4; ++j) p[8 + j] = p[8 + j] * (1 - kStep) + blue[j] * kStep;
}

Results particles_expected(const Size& size, const Workload& workload) {
  std::vector<double> p = doubles(initial<float>(workload, 0));
  for (std::size_t i = 0; i < size[0]; ++i) move(&p[i * kParticle], i);
  return {floats_of(p)};
}

constexpr Kernel kKernels[] = {
    {"sha256", "messages", "65536", "4096", "1 77", sha256, sha256_expected, each_cost<3200, 96>,
     handwritten::sha256},
    {"chacha20", "blocks", "131072", "8192", "1 77", chacha20, chacha20_expected,
     each_cost<1000, 128>, handwritten::chacha20},
    {"bigint_mul_add", "numbers x limbs", "65536x8", "4096x8", "7x3 33x16 5x1", bigint_mul_add,
     bigint_expected, bigint_cost, handwritten::bigint_mul_add},
    {"radix_histogram", "keys x groups", "4194304x64", "131072x16", "1000x3 5x2", radix_histogram,
     histogram_expected, each_cost<2, 4>, handwritten::radix_histogram},
    {"radix_scatter", "keys x groups", "1048576x64", "65536x16", "1000x3 5x2", radix_scatter,
     scatter_expected, each_cost<4, 8>, handwritten::radix_scatter},
    {"topk_rows", "rows x columns x k", "256x4096x8", "32x1024x8", "3x333x5 2x7x7", topk_rows,
     topk_expected, topk_cost, handwritten::topk_rows},
    {"cumsum_rows", "rows x columns", "128x16384", "16x16384", "3x333 5x7", cumsum_rows,
     cumsum_expected, cumsum_cost, handwritten::cumsum_rows},
    {"particles", "particles", "262144", "16384", "1 77", particles, particles_expected,
     each_cost<40, 96>, handwritten::particles},
};

}  // namespace

std::span<const Kernel> integer_kernels() {
  return kKernels;
}

}  // namespace sokr::bench::real
