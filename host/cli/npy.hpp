// SPDX-License-Identifier: MIT OR Apache-2.0
//
// NumPy's .npy files, format versions 1, 2 and 3. Arrays are flat here: the shape counts
// elements, in C order; a Fortran-ordered array with more than one axis is refused.
#ifndef SOKR_CLI_NPY_HPP_
#define SOKR_CLI_NPY_HPP_

#include <sokr/ir.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::cli {

struct NpyHeader {
  std::string descr;            // "<f4"
  SokrIrScalar type{};          // of the numbers: a bool is a u8, a complex number two floats
  std::uint32_t item_size = 0;  // bytes
  bool swapped = false;         // items are in the other byte order
  std::vector<std::uint64_t> shape;
  std::size_t data_offset = 0;  // bytes
  std::uint64_t data_size = 0;
};

// Does it begin with the magic bytes?
bool is_npy(std::span<const std::byte> file);

// Reads the header and checks that the data is all there and nothing behind it. Throws an
// Error whose sentence begins with `name`.
NpyHeader read_npy_header(std::span<const std::byte> file, std::string_view name);

// The data, a part of `file`, put into this machine's byte order in place.
std::span<std::byte> read_npy(std::span<std::byte> file, std::string_view name);

// "float32", "bool", "complex64": the type as NumPy calls it.
std::string npy_type_name(const NpyHeader& header);

// A version 1 header for an array of this type and shape, little-endian, in C order.
std::string npy_header(SokrIrScalar type, std::span<const std::uint64_t> shape);

}  // namespace sokr::cli

#endif  // SOKR_CLI_NPY_HPP_
