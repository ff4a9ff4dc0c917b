// SPDX-License-Identifier: MIT OR Apache-2.0
#include "libraries.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <stdexcept>

#include "make.hpp"

namespace sokr::bench::real {
namespace {

// Libraries stay open: their threads would not outlive them.
template <class Function>
Function* find(const char* library, const char* package, const char* function) {
  void* const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw std::runtime_error(fmt::format("there is no {} ({})", library, package));
  void* const address = dlsym(handle, function);
  if (!address) throw std::runtime_error(fmt::format("{} has no {}", library, function));
  return reinterpret_cast<Function*>(address);
}

using Sgemm = void(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                   const float* a, int stride_a, const float* b, int stride_b, float beta, float* c,
                   int stride_c);
constexpr int kRowMajor = 101, kAsIs = 111, kTransposed = 112;

using Complex = float[2];
using PlanOf = void*(int n, Complex* in, Complex* out, int sign, unsigned flags);
using Execute = void(void* plan, Complex* in, Complex* out);
constexpr unsigned kMeasure = 0;

}  // namespace

BufferFunction openblas_matmul_f32(const Size& size) {
  const auto sgemm = find<Sgemm>("libopenblas.so.0", "libopenblas0-pthread", "cblas_sgemm");
  const int m = static_cast<int>(size[0]), n = static_cast<int>(size[1]),
            stride = static_cast<int>(round_up(size[2], 16));
  return [=](std::byte* const* buffers) {
    sgemm(kRowMajor, kAsIs, kTransposed, n, m, stride, 1,
          reinterpret_cast<const float*>(buffers[1]), stride,
          reinterpret_cast<const float*>(buffers[0]), stride, 0,
          reinterpret_cast<float*>(buffers[2]), m);
  };
}

namespace {

BufferFunction fftw(std::uint32_t batch, std::uint32_t points) {
  constexpr const char *kLibrary = "libfftw3f.so.3", *kPackage = "libfftw3-single3";
  const auto plan_of = find<PlanOf>(kLibrary, kPackage, "fftwf_plan_dft_1d");
  const auto execute = find<Execute>(kLibrary, kPackage, "fftwf_execute_dft");
  // Planning writes to its arrays. The plan is for others at the same distance from a page.
  const HostMemory from(sizeof(Complex) * points), to(sizeof(Complex) * points);
  void* const plan =
      plan_of(static_cast<int>(points), reinterpret_cast<Complex*>(from.bytes().data()),
              reinterpret_cast<Complex*>(to.bytes().data()), -1, kMeasure);
  if (!plan) throw std::runtime_error("FFTW made no plan");
  return [=](std::byte* const* buffers) {
    tbb::parallel_for(std::uint32_t{0}, batch, [=](std::uint32_t i) {
      execute(plan, reinterpret_cast<Complex*>(buffers[0]) + std::size_t{i} * points,
              reinterpret_cast<Complex*>(buffers[1]) + std::size_t{i} * points);
    });
  };
}

}  // namespace

BufferFunction fftw_1024(const Size& size) {
  return fftw(size[0], 1024);
}

BufferFunction fftw_4096(const Size& size) {
  return fftw(size[0], size[1]);
}

}  // namespace sokr::bench::real
