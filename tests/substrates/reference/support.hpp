// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Running SPIR-V in the interpreter: from assembly text, or from files that the build made.
#ifndef SOKR_TESTS_REFERENCE_SUPPORT_HPP_
#define SOKR_TESTS_REFERENCE_SUPPORT_HPP_

#include <cstdint>
#include <sokr/reference/interpreter.hpp>
#include <string>
#include <vector>

namespace sokr::reference::test {

std::vector<std::uint8_t> assemble(const std::string& text);
std::vector<std::uint8_t> read_shader(const std::string& name);

// Validates, decodes and prepares; the only entry point, or "main".
Result<std::shared_ptr<const Program>> prepare_bytes(const std::vector<std::uint8_t>& bytes,
                                                     std::span<const SokrIrSpecValue> values = {},
                                                     std::uint32_t subgroup_size = 32);

template <class T>
Descriptor bind(std::uint32_t set, std::uint32_t binding, std::vector<T>& data,
                std::uint32_t index = 0) {
  return {set, binding, index, data.data(), data.size() * sizeof(T)};
}

// A module whose invocation i loads element i of each input array as %a, %b and %c, runs
// `body`, and stores %r as element i of the output. Types: u8 i8 u16 i16 f16 u32 i32 f32 u64
// i64 f64, and v2..v4 of them as v3f32. `globals` are further declarations.
std::string element_module(const std::vector<std::string>& inputs, const std::string& output,
                           const std::string& body, const std::string& globals = "");

// Runs an element module of `count` invocations.
void run_elements(const std::string& module, std::uint32_t count,
                  const std::vector<Descriptor>& descriptors);

// One function of one to three inputs over whole arrays.
template <class Out, class... In>
std::vector<Out> map_elements(const std::vector<std::string>& types, const std::string& output,
                              const std::string& body, std::vector<In>... inputs) {
  const std::size_t count = std::max({inputs.size()...});
  std::vector<Out> result(count);
  std::vector<Descriptor> descriptors;
  std::uint32_t binding = 0;
  (descriptors.push_back(bind(0, binding++, inputs)), ...);
  descriptors.push_back(bind(0, binding, result));
  run_elements(element_module(types, output, body), static_cast<std::uint32_t>(count), descriptors);
  return result;
}

}  // namespace sokr::reference::test

#endif  // SOKR_TESTS_REFERENCE_SUPPORT_HPP_
