// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What an expert writes for this machine for the tasks of the table: oneTBB over independent
// parts, explicit vectors inside, in a way of its own that need not be the kernel's. Buffers are
// those of the workload, by their places.
#ifndef SOKR_BENCH_CPU_REAL_HANDWRITTEN_HANDWRITTEN_HPP_
#define SOKR_BENCH_CPU_REAL_HANDWRITTEN_HANDWRITTEN_HPP_

#include "../real.hpp"

namespace sokr::bench::real::handwritten {

using Buffers = std::byte* const*;

void matmul_f32(const Size& size, Buffers buffers);
void matvec_q4(const Size& size, Buffers buffers);
void attention(const Size& size, Buffers buffers);
void softmax_rows(const Size& size, Buffers buffers);
void rms_norm(const Size& size, Buffers buffers);
void argsort_rows(const Size& size, Buffers buffers);
void fft_1024(const Size& size, Buffers buffers);
void nbody_pow(const Size& size, Buffers buffers);
void matmul_f16(const Size& size, Buffers buffers);
void matmul_i8(const Size& size, Buffers buffers);
void matvec_q4k(const Size& size, Buffers buffers);
void layer_norm(const Size& size, Buffers buffers);
void rotary(const Size& size, Buffers buffers);
void quantise_q8(const Size& size, Buffers buffers);
void adam(const Size& size, Buffers buffers);
void wkv(const Size& size, Buffers buffers);
void conv3x3(const Size& size, Buffers buffers);
void depthwise(const Size& size, Buffers buffers);
void transpose_tiled(const Size& size, Buffers buffers);
void permute_4d(const Size& size, Buffers buffers);
void stencil3d(const Size& size, Buffers buffers);
void bilateral(const Size& size, Buffers buffers);
void dct_8x8(const Size& size, Buffers buffers);
void sha256(const Size& size, Buffers buffers);
void chacha20(const Size& size, Buffers buffers);
void bigint_mul_add(const Size& size, Buffers buffers);
void radix_histogram(const Size& size, Buffers buffers);
void radix_scatter(const Size& size, Buffers buffers);
void topk_rows(const Size& size, Buffers buffers);
void cumsum_rows(const Size& size, Buffers buffers);
void particles(const Size& size, Buffers buffers);
void fft_4096(const Size& size, Buffers buffers);

}  // namespace sokr::bench::real::handwritten

#endif  // SOKR_BENCH_CPU_REAL_HANDWRITTEN_HANDWRITTEN_HPP_
