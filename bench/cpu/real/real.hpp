// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels as other libraries write them, one row each: what a launch of a given size is made of,
// what it must give, what it must compute and move at least, and who else can do it.
#ifndef SOKR_BENCH_CPU_REAL_REAL_HPP_
#define SOKR_BENCH_CPU_REAL_REAL_HPP_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../peer.hpp"
#include "../workload.hpp"

namespace sokr::bench::real {

// As people write it: "500x333x777".
class Size {
 public:
  // Throws unless it is 1 to 4 numbers from 1 to 2^24.
  explicit Size(std::string_view text);
  std::uint32_t operator[](std::size_t i) const { return of_[i]; }
  std::size_t count() const { return count_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::array<std::uint32_t, 4> of_{};
  std::size_t count_ = 0;
};

// Of one launch: operations on numbers, and bytes to and from memory if each is moved once.
struct Cost {
  double operations, bytes;
};

// By buffer; empty for those that are not written.
using Results = std::vector<Bytes>;

// A function of a library that is looked for at run time. Throws, saying what is not there.
struct LibraryRow {
  const char* name;  // "openblas", "fftw"
  BufferFunction (*make)(const Size& size);
};

struct Kernel {
  const char* name;        // of the module
  const char* dimensions;  // "m x n x k"
  // What is measured, in short, and what is only compared: edges that tiles do not fit.
  const char *sizes, *quick, *ragged;
  Workload (*make)(const Size&);  // throws where the kernel cannot have that size
  // In plain C++ and double precision, to be compared as the workload's buffers say.
  Results (*expected)(const Size&, const Workload&);
  Cost (*cost)(const Size&);
  void (*handwritten)(const Size&, std::byte* const* buffers);  // null: nobody wrote it
  LibraryRow external{};
};

// The rows of each file.
std::span<const Kernel> inference_kernels();
std::span<const Kernel> transform_kernels();
std::span<const Kernel> layer_kernels();
std::span<const Kernel> image_kernels();
std::span<const Kernel> integer_kernels();

std::vector<const Kernel*> kernels();
const Kernel* find_kernel(std::string_view name);

// "512x512x512 500x333x777" as sizes.
std::vector<Size> sizes_of(std::string_view text);
// One size; throws a sentence that says which dimensions the kernel has.
Workload make(const Kernel& kernel, const Size& size);

}  // namespace sokr::bench::real

#endif  // SOKR_BENCH_CPU_REAL_REAL_HPP_
