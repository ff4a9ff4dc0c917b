// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The scalar types of --push, --spec and .npy files: sizes, and values as
// bit patterns in the low bytes of a 64-bit word.
#ifndef SOKR_CLI_SCALAR_HPP_
#define SOKR_CLI_SCALAR_HPP_

#include <sokr/ir.h>

#include <cstdint>
#include <optional>
#include <sokr/sokr.hpp>
#include <string>
#include <string_view>

namespace sokr::cli {

// Their names are sokr::scalar_name's.
std::optional<SokrIrScalar> scalar_from_name(std::string_view name);
// "i8, u8, i16, ...": everything but bool.
std::string scalar_names();
std::uint32_t scalar_size(SokrIrScalar type);  // bytes; bool: 4
bool scalar_is_float(SokrIrScalar type);
bool scalar_is_signed(SokrIrScalar type);
// As NumPy calls it: "float32".
const char* scalar_numpy_name(SokrIrScalar type);

// The value as the shortest text that reads back to the same bits.
std::string scalar_text(std::uint32_t type, std::uint64_t bits);

// Decimal, 0x hexadecimal, true and false for bool, inf and nan for floats. The text must
// be a value of the type: a float that is rounded, once, is, as is one that becomes 0; an integer
// out of range is not. Throws UsageError; `where` begins its sentence.
std::uint64_t parse_scalar(SokrIrScalar type, std::string_view text, std::string_view where);

// The number that the bits are, exactly. NaN and infinities stay what they are.
long double scalar_value(SokrIrScalar type, std::uint64_t bits);

// IEEE 754 binary16, to nearest, ties to even.
std::uint16_t half_from_double(double value);
double double_from_half(std::uint16_t bits);

}  // namespace sokr::cli

#endif  // SOKR_CLI_SCALAR_HPP_
