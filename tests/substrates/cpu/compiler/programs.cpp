// SPDX-License-Identifier: MIT OR Apache-2.0
#include "programs.hpp"

#include <fmt/format.h>

#include <regex>
#include <spirv-tools/libspirv.hpp>
#include <stdexcept>

#include "compiler/program/calls.hpp"

namespace sokr::cpu::test {
namespace {

std::string names_of(const std::string& body) {
  static const std::regex made(R"(%(\w+) = Op)");
  std::string out;
  for (auto it = std::sregex_iterator(body.begin(), body.end(), made); it != std::sregex_iterator();
       ++it)
    out += fmt::format("OpName %{0} \"{0}\"\n", (*it)[1].str());
  return out;
}

constexpr const char* kDecorations = R"(
OpDecorate %grid BuiltIn GlobalInvocationId
OpDecorate %local BuiltIn LocalInvocationId
OpDecorate %numbers ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %in DescriptorSet 0
OpDecorate %in Binding 0
OpDecorate %out DescriptorSet 0
OpDecorate %out Binding 1
)";

constexpr const char* kDeclarations = R"(
%void = OpTypeVoid
%fn = OpTypeFunction %void
%bool = OpTypeBool
%uint = OpTypeInt 32 0
%int = OpTypeInt 32 1
%uvec3 = OpTypeVector %uint 3
%in_uvec3 = OpTypePointer Input %uvec3
%in_uint = OpTypePointer Input %uint
%grid = OpVariable %in_uvec3 Input
%local = OpVariable %in_uvec3 Input
%numbers = OpTypeRuntimeArray %uint
%block = OpTypeStruct %numbers
%buffer = OpTypePointer StorageBuffer %block
%number = OpTypePointer StorageBuffer %uint
%in = OpVariable %buffer StorageBuffer
%out = OpVariable %buffer StorageBuffer
%u0 = OpConstant %uint 0
%u1 = OpConstant %uint 1
%u2 = OpConstant %uint 2
%u3 = OpConstant %uint 3
%u4 = OpConstant %uint 4
)";

constexpr const char* kStart = R"(
%main = OpFunction %void None %fn
%start = OpLabel
%x_place = OpAccessChain %in_uint %grid %u0
%x = OpLoad %uint %x_place
%l_place = OpAccessChain %in_uint %local %u0
%l = OpLoad %uint %l_place
%same_place = OpAccessChain %number %in %u0 %u0
%same = OpLoad %uint %same_place
%own_place = OpAccessChain %number %in %u0 %x
%own = OpLoad %uint %own_place
%out_place = OpAccessChain %number %out %u0 %x
)";

}  // namespace

Id Lowered::value(std::string_view name) const {
  for (const auto& block : program.blocks) {
    for (const auto& phi : block.phis)
      if (module->name(phi.origin) == name) return phi.id;
    for (const auto& inst : block.body)
      if (inst.id && module->name(inst.origin) == name) return inst.id;
  }
  return 0;
}

Lowered lower_text(const std::string& text) {
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_3);
  std::string message;
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t& at, const char* what) {
        message = fmt::format("{}: {}", at.line, what);
      });
  std::vector<std::uint32_t> words;
  if (!tools.Assemble(text, &words)) throw std::runtime_error(message + "\n" + text);
  auto module = spirv::decode(
      {reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * sizeof(words[0])});
  if (!module.ok()) throw std::runtime_error(module.failure().sentence + "\n" + text);
  Lowered out;
  out.module = *module;
  const auto entry = out.module->entry_point("");
  const auto plan = plan_calls(*out.module, **entry);
  if (!plan.ok()) throw std::runtime_error(plan.failure().sentence);
  auto program = lower(*out.module, **entry, *plan);
  if (!program.ok()) throw std::runtime_error(program.failure().sentence);
  out.program = std::move(*program);
  return out;
}

std::string kernel_text(std::uint32_t size, const std::string& body, const std::string& declared) {
  return fmt::format(
      "OpCapability Shader\n"
      "OpCapability GroupNonUniform\n"
      "OpCapability GroupNonUniformVote\n"
      "OpMemoryModel Logical GLSL450\n"
      "OpEntryPoint GLCompute %main \"main\" %grid %local %in %out{}\n"
      "OpExecutionMode %main LocalSize {} 1 1\n{}{}{}{}{}{}OpReturn\nOpFunctionEnd\n",
      declared.find("%shared =") == std::string::npos ? "" : " %shared", size,
      names_of(kStart + body), kDecorations, kDeclarations, declared, kStart, body);
}

}  // namespace sokr::cpu::test
