// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Bit operations of values, constants and what is just read, and choices between their results and
// one of the values: an instruction for all of it may number its truth table wrong.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "same_results.hpp"

namespace sokr::cpu::test {
namespace {

// In workgroups of one register at most: a constant that several registers meet is in one itself.
constexpr std::uint32_t kInvocations = 96, kWorkgroup = 16, kInputs = 3;

class Texts {
 public:
  Texts(std::uint32_t seed, unsigned bits) : random_(seed), bits_(bits) {}

  // Each invocation reads its own `kInputs` and writes `results`.
  std::string kernel(std::uint32_t results) {
    std::string body;
    for (std::uint32_t i = 0; i < kInputs; ++i) body += load(fmt::format("in{}", i), i);
    for (std::uint32_t i = 0; i < results; ++i) {
      const std::string kept = fmt::format("%in{}", below(2));
      const std::string made = operations(1 + below(3), kept);
      const std::string condition = name();
      body_ += fmt::format("%{} = OpULessThan %bool %in{} %in{}\n", condition, below(2), 2);
      const bool first = below(2) == 0;
      body_ += fmt::format("%r{} = OpSelect %word %{} {} {}\n", i, condition, first ? made : kept,
                           first ? kept : made);
      body_ +=
          fmt::format("%to{0} = OpAccessChain %place %out %zero %i{0}\nOpStore %to{0} %r{0}\n", i);
      body += fmt::format("%i{0} = OpIAdd %uint %first %n{0}\n", i);
      constants_ += fmt::format("%n{0} = OpConstant %uint {0}\n", i);
    }
    const std::string wide = bits_ == 64 ? "%word = OpTypeInt 64 0\n" : "";
    std::string text = fmt::format(R"(
OpCapability Shader
{0}OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %index %in %out
OpExecutionMode %main LocalSize {1} 1 1
OpDecorate %index BuiltIn GlobalInvocationId
OpDecorate %words ArrayStride {2}
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %in DescriptorSet 0
OpDecorate %in Binding 0
OpDecorate %in NonWritable
OpDecorate %out DescriptorSet 0
OpDecorate %out Binding 1
%void = OpTypeVoid
%bool = OpTypeBool
%uint = OpTypeInt 32 0
{3}%function = OpTypeFunction %void
%words = OpTypeRuntimeArray %word
%block = OpTypeStruct %words
%to_block = OpTypePointer StorageBuffer %block
%place = OpTypePointer StorageBuffer %word
%three = OpTypeVector %uint 3
%to_input = OpTypePointer Input %three
%in = OpVariable %to_block StorageBuffer
%out = OpVariable %to_block StorageBuffer
%index = OpVariable %to_input Input
%zero = OpConstant %uint 0
%inputs = OpConstant %uint {4}
%results = OpConstant %uint {5}
{6}%main = OpFunction %void None %function
%start = OpLabel
%place_of = OpLoad %three %index
%own = OpCompositeExtract %uint %place_of 0
%base = OpIMul %uint %own %inputs
%first = OpIMul %uint %own %results
{7}{8}OpReturn
OpFunctionEnd
)",
                                   bits_ == 64 ? "OpCapability Int64\n" : "", kWorkgroup, bits_ / 8,
                                   wide, kInputs, results, constants_, body, body_);
    if (bits_ == 32)
      for (std::size_t at; (at = text.find("%word ")) != std::string::npos ||
                           (at = text.find("%word\n")) != std::string::npos;)
        text.replace(at, 5, "%uint");
    return text;
  }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_()) % n; }
  std::string name() { return fmt::format("v{}", names_++); }

  std::string load(const std::string& to, std::uint32_t number) {
    const std::string at = name(), place = name(), constant = name();
    constants_ += fmt::format("%{} = OpConstant %uint {}\n", constant, number);
    return fmt::format(
        "%{0} = OpIAdd %uint %base %{1}\n%{2} = OpAccessChain %place %in %zero %{0}\n"
        "%{3} = OpLoad %word %{2}\n",
        at, constant, place, to);
  }

  std::uint64_t any_bits() {
    if (below(2) == 0) return below(2) == 0 ? 7 : ~std::uint64_t{7};
    return std::uint64_t{random_()} << 32 | random_();
  }

  std::string constant(std::uint64_t value) {
    const std::string id = name();
    if (bits_ == 32) value &= 0xFFFFFFFF;
    constants_ += fmt::format("%{} = OpConstant %word {}\n", id, value);
    return "%" + id;
  }

  std::string leaf(const std::string& kept) {
    switch (below(6)) {
      case 0:
      case 1:
        return kept;
      case 2:
        return constant(any_bits());
      case 3: {
        const std::string id = name();
        body_ += load(id, below(kInputs));
        return "%" + id;
      }
      default:
        return fmt::format("%in{}", below(kInputs));
    }
  }

  // Some bits of one, the others of the other.
  std::string merge(const std::string& one, const std::string& other) {
    const std::uint64_t bits = any_bits();
    const std::string id = name(), of_one = constant(bits), of_other = constant(~bits);
    body_ += fmt::format(
        "%{0}_1 = OpBitwiseAnd %word {1} {2}\n%{0}_2 = OpBitwiseAnd %word {3} {4}\n"
        "%{0} = OpBitwiseOr %word %{0}_1 %{0}_2\n",
        id, one, of_one, other, of_other);
    return "%" + id;
  }

  std::string operations(std::uint32_t depth, const std::string& kept) {
    if (depth == 0) return leaf(kept);
    if (below(2) == 0) return merge(operations(depth - 1, kept), leaf(kept));
    const std::string left = operations(depth - 1, kept), right = leaf(kept), id = name();
    constexpr const char* kOps[] = {"OpBitwiseAnd", "OpBitwiseOr", "OpBitwiseXor"};
    const bool turned = below(2) == 0;
    body_ += fmt::format("%{} = {} %word {} {}\n", id, kOps[below(3)], turned ? right : left,
                         turned ? left : right);
    if (below(4) != 0) return "%" + id;
    const std::string inverse = name();
    body_ += fmt::format("%{} = OpNot %word %{}\n", inverse, id);
    return "%" + inverse;
  }

  std::mt19937 random_;
  unsigned bits_;
  std::uint32_t names_ = 0;
  std::string constants_, body_;
};

TEST(Logic, AndChoicesOfItsOperands) {
  constexpr std::uint32_t kResults = 24;
  for (const unsigned bits : {32u, 64u})
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(fmt::format("{} bits, seed {}", bits, seed));
      const Bytes module = assemble(Texts(seed, bits).kernel(kResults));
      std::mt19937 random(seed);
      std::vector<std::uint32_t> in(std::size_t{kInvocations} * kInputs * bits / 32);
      for (std::uint32_t& word : in) word = static_cast<std::uint32_t>(random());
      TestLaunch launch;
      launch.buffers = {{0, 0, bytes_of(in)},
                        {0, 1, Bytes(std::size_t{kInvocations} * kResults * bits / 8, 0xCD)}};
      launch.groups = {kInvocations / kWorkgroup, 1, 1};
      ASSERT_NO_FATAL_FAILURE(expect_same(module, launch));
    }
}

}  // namespace
}  // namespace sokr::cpu::test
