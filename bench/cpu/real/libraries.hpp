// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Libraries that are opened at run time where they are: nothing here is built against them.
#ifndef SOKR_BENCH_CPU_REAL_LIBRARIES_HPP_
#define SOKR_BENCH_CPU_REAL_LIBRARIES_HPP_

#include "real.hpp"

namespace sokr::bench::real {

// cblas_sgemm with as many threads as it takes by itself.
BufferFunction openblas_matmul_f32(const Size& size);
// One measured plan, transforms spread over threads with oneTBB.
BufferFunction fftw_1024(const Size& size);
BufferFunction fftw_4096(const Size& size);

}  // namespace sokr::bench::real

#endif  // SOKR_BENCH_CPU_REAL_LIBRARIES_HPP_
