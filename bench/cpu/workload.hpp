// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The kernels of the CPU benchmark: inputs, launch, and how far two results may differ.
// Who runs them is in peer.hpp.
#ifndef SOKR_BENCH_CPU_WORKLOAD_HPP_
#define SOKR_BENCH_CPU_WORKLOAD_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::bench {

using Bytes = std::vector<std::byte>;

// How the results of two peers in one buffer are compared.
enum class Match {
  kInput,   // never written, not compared
  kBits,    // the same bytes
  kFloats,  // f32: no difference larger than `tolerance` times the largest magnitude
  kHalves,  // f16: the same
  kTotal,   // f32: only the sums, within `tolerance` times the sum
  kMostly,  // u32: at most a share of `tolerance` of the elements differ
};

// A buffer of set 0; its binding is its place in Workload::buffers, unless there are views.
struct BufferSpec {
  Bytes initial;
  Match match = Match::kInput;
  double tolerance = 0;
  bool read = true;  // false: its initial content does not matter
};

// What a binding of set 0 sees of a buffer; several may see the same bytes.
struct View {
  std::size_t buffer = 0;
  std::uint64_t offset = 0, size = 0;  // bytes; size 0 = to the end
};

// A specialization constant of four bytes.
struct Specialization {
  std::uint32_t id, word;
};

struct Workload {
  std::string name;  // of the module, of the OpenCL file and of the hand-written function
  std::array<std::uint32_t, 3> groups{1, 1, 1}, local{1, 1, 1};
  Bytes push;  // words of four bytes
  std::vector<BufferSpec> buffers;
  bool consumes_input = false;  // a launch leaves different work to the next one
  std::vector<Specialization> specialization{};
  std::vector<View> views{};  // by binding; none: one of each buffer, whole

  std::vector<View> bindings() const;
};

struct WorkloadEntry {
  const char* name;
  bool compute_bound;  // arithmetic, not memory, limits it: it should scale with cores
  Workload (*make)(bool quick);
};

// All kernels of the table.
std::span<const WorkloadEntry> workload_table();
const WorkloadEntry* find_workload(std::string_view name);
// saxpy on `n` elements, for the latency of small launches.
Workload small_saxpy(std::uint32_t n);
// The whole set in n x n pixels.
Workload small_mandelbrot(std::uint32_t n);

// Empty if `actual` is as good a result as `expected`, otherwise the first difference.
std::string difference(const BufferSpec& spec, std::span<const std::byte> expected,
                       std::span<const std::byte> actual);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_WORKLOAD_HPP_
