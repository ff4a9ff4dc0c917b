// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What this machine can do at most, whoever asks it: memory copied, and multiplications with
// additions in registers, on all cores. The best of many rounds, as a limit is.
//
//   roof.copy_gbs      10^9 bytes a second read and written by memcpy, of 64 MiB
//   roof.fma_gflops    10^9 operations a second, of vectors of floats; a multiplication with an
//                      addition is two
#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "../alternate.hpp"

namespace {

using namespace sokr::bench;

// As wide as the registers of the machine that it is compiled for.
#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

constexpr std::size_t kBytes = std::size_t{64} << 20, kPart = std::size_t{1} << 20;
// More chains than a unit has steps under way, fewer than there are registers.
constexpr int kChains = 12, kTurns = 100'000;

float fma_chains(float seed) {
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + (seed + static_cast<float>(i));
  const Vector factor = Vector{} + 0.999f, term = Vector{} + 0.001f;
  for (int k = 0; k < kTurns; ++k) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * factor + term;
  }
  float sum = 0;
  for (const Vector& one : sums) sum += one[0];
  return sum;
}

double best(const std::vector<double>& ns) {
  return *std::ranges::min_element(ns);
}

}  // namespace

int main() {
  std::vector<char> from(kBytes, 1), to(kBytes, 2);
  const int threads = tbb::this_task_arena::max_concurrency();
  std::vector<float> sums(static_cast<std::size_t>(threads));
  const Rounds rounds =
      alternate(41, {[&] {
                       return time_of([&] {
                         tbb::parallel_for(std::size_t{0}, kBytes / kPart, [&](std::size_t i) {
                           std::memcpy(&to[i * kPart], &from[i * kPart], kPart);
                         });
                       });
                     },
                     [&] {
                       return time_of([&] {
                         tbb::parallel_for(0, threads, [&](int i) {
                           sums[static_cast<std::size_t>(i)] = fma_chains(static_cast<float>(i));
                         });
                       });
                     }});
  const double operations = 2.0 * kLanes * kChains * kTurns * threads;
  if (sums[0] == 0) return 1;  // they are computed
  fmt::print("{{\"roof.copy_gbs\": {:.4g}, \"roof.fma_gflops\": {:.4g}}}\n",
             2.0 * kBytes / best(rounds[0]), operations / best(rounds[1]));
  return 0;
}
