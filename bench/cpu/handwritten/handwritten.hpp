// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What an expert writes for this machine in the shape of each kernel's algorithm: oneTBB
// over the workgroups, explicit vectors inside. Sizes are those of the workload table:
// multiples of the vector blocks, which no code here checks.
#ifndef SOKR_BENCH_CPU_HANDWRITTEN_HPP_
#define SOKR_BENCH_CPU_HANDWRITTEN_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sokr::bench {

// The buffers in the order of their bindings, the push constants, and the launch.
struct HandwrittenCall {
  std::byte* const* buffers;
  const std::byte* push;
  std::uint32_t groups;

  template <class T>
  T* buffer(std::size_t binding) const {
    return reinterpret_cast<T*>(buffers[binding]);
  }
  // The push constant in word `index`.
  template <class T = std::uint32_t>
  T word(std::size_t index) const {
    static_assert(sizeof(T) == 4);
    T value;
    std::memcpy(&value, push + 4 * index, 4);
    return value;
  }
};

using HandwrittenFunction = void (*)(const HandwrittenCall&);

namespace handwritten {
void saxpy(const HandwrittenCall&);
void reduce(const HandwrittenCall&);
void stencil(const HandwrittenCall&);
void mandelbrot(const HandwrittenCall&);
void nbody(const HandwrittenCall&);
void black_scholes(const HandwrittenCall&);
void matmul_naive(const HandwrittenCall&);
void matmul_tiled(const HandwrittenCall&);
void matvec_f16(const HandwrittenCall&);
void matvec_int8_dot(const HandwrittenCall&);
void spmv(const HandwrittenCall&);
void scan(const HandwrittenCall&);
void histogram_shared(const HandwrittenCall&);
void histogram_global(const HandwrittenCall&);
void bitonic_sort(const HandwrittenCall&);
}  // namespace handwritten

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_HANDWRITTEN_HPP_
