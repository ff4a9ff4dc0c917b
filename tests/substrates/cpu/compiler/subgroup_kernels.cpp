// SPDX-License-Identifier: MIT OR Apache-2.0
#include "subgroup_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

namespace sokr::cpu::test {
namespace {

using Word = std::uint32_t;

// `body` makes %r of %a, the invocation's word, and of %lane.
std::string kernel(const std::string& body) {
  std::string constants;
  for (const int n : {0, 1, 2, 3, 4, 7, 16})
    constants += fmt::format("%c{0} = OpConstant %u {0}\n", n);
  return R"(
    OpCapability Shader
    OpCapability GroupNonUniformArithmetic
    OpCapability GroupNonUniformBallot
    OpCapability GroupNonUniformClustered
    OpCapability GroupNonUniformRotateKHR
    OpExtension "SPV_KHR_subgroup_rotate"
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %id %in_lane %in_size %x %y
    OpExecutionMode %main LocalSize 64 1 1
    OpDecorate %id BuiltIn LocalInvocationIndex
    OpDecorate %in_lane BuiltIn SubgroupLocalInvocationId
    OpDecorate %in_size BuiltIn SubgroupSize
    OpDecorate %array ArrayStride 4
    OpMemberDecorate %block 0 Offset 0
    OpDecorate %block Block
    OpDecorate %x DescriptorSet 0
    OpDecorate %x Binding 0
    OpDecorate %y DescriptorSet 0
    OpDecorate %y Binding 1
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %u = OpTypeInt 32 0
    %n = OpTypeInt 32 1
    %f = OpTypeFloat 32
    %u4 = OpTypeVector %u 4
    %array = OpTypeRuntimeArray %u
    %block = OpTypeStruct %array
    %to_block = OpTypePointer StorageBuffer %block
    %to_word = OpTypePointer StorageBuffer %u
    %to_input = OpTypePointer Input %u
    )" + constants +
         R"(
    %x = OpVariable %to_block StorageBuffer
    %y = OpVariable %to_block StorageBuffer
    %id = OpVariable %to_input Input
    %in_lane = OpVariable %to_input Input
    %in_size = OpVariable %to_input Input
    %main = OpFunction %void None %function
    %start = OpLabel
    %i = OpLoad %u %id
    %lane = OpLoad %u %in_lane
    %size = OpLoad %u %in_size
    %from = OpAccessChain %to_word %x %c0 %i
    %to = OpAccessChain %to_word %y %c0 %i
    %a = OpLoad %u %from
    )" + body +
         "\nOpStore %to %r\nOpReturn\nOpFunctionEnd\n";
}

Word of_float(double x) {
  return std::bit_cast<Word>(static_cast<float>(x));
}
double float_of(Word x) {
  return std::bit_cast<float>(x);
}
std::int32_t signed_of(Word x) {
  return static_cast<std::int32_t>(x);
}

// How operands come from words, and words from results.
enum class As : std::uint8_t { kUnsigned, kSigned, kFloat, kBool };

struct Operation {
  const char* op;
  As as;
  Word identity;
  Word (*combine)(Word, Word);
};

const Operation kOperations[] = {
    {"IAdd", As::kUnsigned, 0, [](Word a, Word b) { return a + b; }},
    {"FAdd", As::kFloat, 0, [](Word a, Word b) { return of_float(float_of(a) + float_of(b)); }},
    {"IMul", As::kUnsigned, 1, [](Word a, Word b) { return a * b; }},
    {"FMul", As::kFloat, 0x3F800000,
     [](Word a, Word b) { return of_float(float_of(a) * float_of(b)); }},
    {"SMin", As::kSigned, 0x7FFFFFFF,
     [](Word a, Word b) { return signed_of(a) < signed_of(b) ? a : b; }},
    {"UMin", As::kUnsigned, 0xFFFFFFFF, [](Word a, Word b) { return std::min(a, b); }},
    {"FMin", As::kFloat, 0x7F800000,
     [](Word a, Word b) { return float_of(a) < float_of(b) ? a : b; }},
    {"SMax", As::kSigned, 0x80000000,
     [](Word a, Word b) { return signed_of(a) > signed_of(b) ? a : b; }},
    {"UMax", As::kUnsigned, 0, [](Word a, Word b) { return std::max(a, b); }},
    {"FMax", As::kFloat, 0xFF800000,
     [](Word a, Word b) { return float_of(a) > float_of(b) ? a : b; }},
    {"BitwiseAnd", As::kUnsigned, 0xFFFFFFFF, [](Word a, Word b) { return a & b; }},
    {"BitwiseOr", As::kUnsigned, 0, [](Word a, Word b) { return a | b; }},
    {"BitwiseXor", As::kUnsigned, 0, [](Word a, Word b) { return a ^ b; }},
    {"LogicalAnd", As::kBool, 1, [](Word a, Word b) { return a & b; }},
    {"LogicalOr", As::kBool, 0, [](Word a, Word b) { return a | b; }},
    {"LogicalXor", As::kBool, 0, [](Word a, Word b) { return a ^ b; }},
};

// Floats are 1 or 2: no product of a subgroup of them rounds.
Word operand_of(As as, Word word) {
  return as == As::kFloat ? of_float(1 + (word & 1)) : as == As::kBool ? word >> 1 & 1 : word;
}

std::string operand_text(As as) {
  switch (as) {
    case As::kFloat:
      return "%a1 = OpBitwiseAnd %u %a %c1\n%a2 = OpIAdd %u %a1 %c1\n%v = OpConvertUToF %f %a2\n";
    case As::kBool:
      return "%a1 = OpBitwiseAnd %u %a %c2\n%v = OpINotEqual %bool %a1 %c0\n";
    case As::kSigned:
      return "%v = OpBitcast %n %a\n";
    default:
      return "%v = OpCopyObject %u %a\n";
  }
}

SubgroupKernel arithmetic(const Operation& o, const std::string& kind) {
  const char* const types[] = {"%u", "%n", "%f", "%bool"};
  const std::string type = types[static_cast<std::size_t>(o.as)];
  std::string body = operand_text(o.as);
  body += fmt::format("%s = OpGroupNonUniform{} {} %c3 {} %v{}\n", o.op, type, kind,
                      kind == "ClusteredReduce" ? " %c4" : "");
  body += o.as == As::kBool       ? "%r = OpSelect %u %s %c1 %c0"
          : o.as == As::kUnsigned ? "%r = OpCopyObject %u %s"
          // The sign of a sum of nothing is not defined.
          : std::string_view(o.op) == "FAdd"
              ? "%nothing = OpConvertUToF %f %c0\n%sum = OpFAdd %f %s %nothing\n"
                "%r = OpBitcast %u %sum"
              : "%r = OpBitcast %u %s";
  return {fmt::format("OpGroupNonUniform{} {}", o.op, kind), kernel(body),
          [o, kind](std::span<const Word> words, Word lane) {
            Word first = 0, end = static_cast<Word>(words.size());
            if (kind == "InclusiveScan") end = lane + 1;
            if (kind == "ExclusiveScan") end = lane;
            if (kind == "ClusteredReduce") {
              first = lane / 4 * 4;
              end = first + 4;
            }
            Word result = o.identity;
            for (Word k = first; k < end; ++k)
              result = o.combine(result, operand_of(o.as, words[k]));
            return result;
          }};
}

}  // namespace

std::vector<SubgroupKernel> subgroup_kernels() {
  std::vector<SubgroupKernel> kernels;
  for (const Operation& o : kOperations)
    for (const char* kind : {"Reduce", "InclusiveScan", "ExclusiveScan", "ClusteredReduce"})
      kernels.push_back(arithmetic(o, kind));
  kernels.push_back(
      {"OpGroupNonUniformRotateKHR", kernel("%r = OpGroupNonUniformRotateKHR %u %c3 %a %c7"),
       [](std::span<const Word> words, Word lane) { return words[(lane + 7) % words.size()]; }});
  kernels.push_back({"OpGroupNonUniformRotateKHR in clusters",
                     kernel("%r = OpGroupNonUniformRotateKHR %u %c3 %a %c3 %c4"),
                     [](std::span<const Word> words, Word lane) {
                       return words[lane / 4 * 4 + (lane + 3) % 4];
                     }});
  kernels.push_back(
      {"OpGroupNonUniformBallotBitExtract",
       kernel("%a1 = OpBitwiseAnd %u %a %c1\n%t = OpIEqual %bool %a1 %c1\n"
              "%b = OpGroupNonUniformBallot %u4 %c3 %t\n%l7 = OpIMul %u %lane %c7\n"
              "%k = OpUMod %u %l7 %size\n%e = OpGroupNonUniformBallotBitExtract %bool %c3 %b %k\n"
              "%r = OpSelect %u %e %c1 %c0"),
       [](std::span<const Word> words, Word lane) { return words[lane * 7 % words.size()] & 1; }});
  return kernels;
}

}  // namespace sokr::cpu::test
