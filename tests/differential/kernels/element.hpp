// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One instruction, or a few, applied to every element of some buffers:
//
//     r[i] = op(a[i], b[i], c[i])      on all combinations of edge values
//
// A row gives the lines of assembly that define %r from %a, %b and %c, and a C++ function
// that says what r must be. Values travel as bit patterns in 64-bit words.
#ifndef SOKR_TESTS_DIFFERENTIAL_ELEMENT_HPP_
#define SOKR_TESTS_DIFFERENTIAL_ELEMENT_HPP_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sokr::differential {

using Bits = std::uint64_t;
using Arguments = std::span<const Bits>;

// What the last operand must be where SPIR-V is to define the result.
enum class Last : std::uint8_t { kAny, kNonZero, kBelowWidth };

struct Row {
  std::string name;
  std::vector<std::string> inputs;  // the types of %a, %b, %c: "u32", "f16", ...
  std::string output;               // the type of %r
  // In the body and in the globals, scalar and vector types (%u8, %v3f32, %v2bool) and
  // constants (%c_u32_7, %c_f32_m0p5 for -0.5) need no declaration.
  std::string body;
  std::function<Bits(Arguments)> expect;
  int ulp = 0;  // how far a float may be off
  Last last = Last::kAny;
  bool defined = true;                         // SPIR-V defines the result for ordinary values
  std::string globals = {};                    // further types and variables
  std::vector<std::vector<Bits>> values = {};  // instead of edge values, for each input
  std::string lavapipe_fault = {};             // what the packaged driver gets wrong here
  std::string capabilities = {};               // lines of the module, extensions behind them
  std::string decorations = {};
  // Vulkan leaves to the driver what comes of denormals, infinities and NaN, as long as a module
  // does not ask for them to be kept.
  bool only_ordinary = false;
  bool as_compiled = false;  // an optimiser may change what comes out
  bool own_place = false;    // has memory of its own for each invocation of a workgroup
};

std::vector<Row> integer_rows();
std::vector<Row> bit_rows();
std::vector<Row> conversion_rows();
std::vector<Row> float_rows();
std::vector<Row> extended_rows();  // GLSL.std.450
std::vector<Row> function_rows();  // more of it
std::vector<Row> composite_rows();
std::vector<Row> memory_rows();
std::vector<Row> control_rows();
std::vector<Row> flow_rows();  // more of it
std::vector<Row> all_rows();

// ---- Values ----------------------------------------------------------------------------

unsigned width_of(const std::string& type);
inline bool is_float_type(const std::string& type) {
  return type[0] == 'f';
}

// Bits of a float type and numbers; to_bits rounds to nearest even.
double to_number(const std::string& float_type, Bits bits);
// A zero or a normal number: no denormal, infinity or NaN.
bool is_ordinary(const std::string& float_type, Bits bits);
Bits to_bits(const std::string& float_type, double value);

// With `edges`: zeros, extremes, infinities, NaN, denormals as well.
std::vector<Bits> values_of(const std::string& type, bool edges);

// Equal, or floats of which both are NaN or that are at most `ulp` representable numbers
// apart.
bool agrees(const std::string& type, Bits expected, Bits got, int ulp);

// All combinations of the row's values for each operand, one list for each operand.
std::vector<std::vector<Bits>> combinations(const Row& row, bool edges);

// ---- Modules ------------------------------------------------------------------------------

// How the operands differ between the invocations of a workgroup, which decides whether a compiler
// computes numbers, vectors, or one from the other.
enum class Operands : std::uint8_t {
  kVarying,  // element i for invocation i
  kUniform,  // element i for all of workgroup i
  kMixed,    // as kVarying; %a is what the first invocation of the workgroup has
};
inline constexpr Operands kAllOperands[] = {Operands::kVarying, Operands::kUniform,
                                            Operands::kMixed};
const char* name_of(Operands operands);
// Does the row look different so?
inline bool has_operands(const Row& row, Operands operands) {
  if (row.own_place) return operands == Operands::kVarying;
  return operands != Operands::kMixed || row.inputs.size() > 1;
}
// Of which element operand `input` of element `n` is.
std::size_t source_of(Operands operands, std::uint32_t local_size, std::size_t n,
                      std::size_t input);
// Workgroups for `count` elements.
std::uint32_t groups_for(Operands operands, std::uint32_t local_size, std::size_t count);

// Elements of bindings 0 to n - 1 are read, binding n is written; nothing is done for elements from
// `count` on.
std::string element_module(const Row& row, std::uint32_t local_size, std::uint32_t count,
                           Operands operands = Operands::kVarying);
// The words of an assembly text; throws std::runtime_error with the line that is wrong.
std::vector<std::uint32_t> assemble(const std::string& text);

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_ELEMENT_HPP_
