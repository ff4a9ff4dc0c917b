// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the tests of the SPIR-V reader share: assembling text, reading the modules
// that the build compiled, and an independent check of a function's structure.
#ifndef SOKR_TESTS_IR_SPIRV_SUPPORT_HPP_
#define SOKR_TESTS_IR_SPIRV_SUPPORT_HPP_

#include <gtest/gtest.h>
#include <spirv-tools/libspirv.h>

#include <sokr/spirv/module.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::spirv {

using Bytes = std::vector<std::uint8_t>;

// Numeric ids keep their numbers. Fails the test on a syntax error.
Bytes assemble(std::string_view text, spv_target_env env = SPV_ENV_UNIVERSAL_1_5);

// The words of one that changes bytes to the other byte order.
Bytes swap_words(Bytes bytes);

// Every instruction `op` whose word `index` is `from` gets `to` there: for what the
// assembler does not know.
Bytes replace_operand(Bytes bytes, spv::Op op, std::size_t index, std::uint32_t from,
                      std::uint32_t to);

// `words` before the first instruction `op`, or at the end if there is none: for what the
// assembler does not know, or writes in another order.
Bytes insert_words(const Bytes& bytes, spv::Op op, const std::vector<std::uint32_t>& words);
// Word `index` of the first instruction `op`; 0 if there is none.
std::uint32_t word_of(const Bytes& bytes, spv::Op op, std::size_t index);
// Has room for 16 ids more.
Bytes raise_bound(Bytes bytes);

struct NamedModule {
  std::string name;
  Bytes bytes;
};
// Everything that the build compiled for these tests, sorted by name.
const std::vector<NamedModule>& compiled_modules();
Bytes compiled_module(const std::string& name);

std::shared_ptr<const Module> decode_ok(const Bytes& bytes, const DecodeOptions& options = {});
// The sentence of a refusal; "" and a failed test if it is accepted.
std::string refusal(const Bytes& bytes, const DecodeOptions& options = {},
                    SokrResult code = SOKR_INVALID_IR);

// The start of every compute module here: capabilities, entry point %main, types and a
// void function type. `annotations` and `declarations` go where they belong.
std::string compute_module(std::string_view annotations, std::string_view declarations,
                           std::string_view functions, std::string_view capabilities = "");
// compute_module with `body` as the blocks of %main after the first OpLabel %entry.
std::string compute_main(std::string_view body, std::string_view declarations = "",
                         std::string_view annotations = "");

// Empty if every property that module.hpp promises of a function's blocks holds.
// Uses nothing but the public model.
std::string structure_problem(const Module& module, const Function& function);

}  // namespace sokr::spirv

#endif  // SOKR_TESTS_IR_SPIRV_SUPPORT_HPP_
