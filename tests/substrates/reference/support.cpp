// SPDX-License-Identifier: MIT OR Apache-2.0
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <spirv-tools/libspirv.hpp>

namespace sokr::reference::test {

std::vector<std::uint8_t> assemble(const std::string& text) {
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_3);
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t& at, const char* message) {
        ADD_FAILURE() << "line " << at.line << ": " << message << "\n" << text;
      });
  std::vector<std::uint32_t> words;
  EXPECT_TRUE(tools.Assemble(text, &words, SPV_TEXT_TO_BINARY_OPTION_PRESERVE_NUMERIC_IDS));
  std::vector<std::uint8_t> bytes(words.size() * 4);
  if (!words.empty()) std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::vector<std::uint8_t> read_shader(const std::string& name) {
  std::ifstream file(std::string(SOKR_TEST_SHADERS) + "/" + name + ".spv", std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<std::shared_ptr<const Program>> prepare_bytes(const std::vector<std::uint8_t>& bytes,
                                                     std::span<const SokrIrSpecValue> values,
                                                     std::uint32_t subgroup_size) {
  SOKR_TRY(spirv::validate(bytes));
  SOKR_ASSIGN(auto module, spirv::decode(bytes, {.specializations = values}));
  SOKR_ASSIGN(const spirv::EntryPoint* entry, module->entry_point(""));
  return prepare(module, *entry, subgroup_size);
}

namespace {

const char* const kPrelude = R"(
%void = OpTypeVoid
%main_type = OpTypeFunction %void
%bool = OpTypeBool
%u8 = OpTypeInt 8 0
%i8 = OpTypeInt 8 1
%u16 = OpTypeInt 16 0
%i16 = OpTypeInt 16 1
%u32 = OpTypeInt 32 0
%i32 = OpTypeInt 32 1
%u64 = OpTypeInt 64 0
%i64 = OpTypeInt 64 1
%f16 = OpTypeFloat 16
%f32 = OpTypeFloat 32
%f64 = OpTypeFloat 64
%zero = OpConstant %u32 0
%one = OpConstant %u32 1
%v3u32 = OpTypeVector %u32 3
%id_pointer = OpTypePointer Input %v3u32
%id = OpVariable %id_pointer Input
)";

std::uint32_t bytes_of(const std::string& type) {
  const bool vector = type[0] == 'v';
  const std::uint32_t scalar =
      static_cast<std::uint32_t>(std::stoul(type.substr(vector ? 3 : 1))) / 8;
  const std::uint32_t count = vector ? static_cast<std::uint32_t>(type[1] - '0') : 1;
  return scalar * (count == 3 ? 4 : count);
}

}  // namespace

std::string element_module(const std::vector<std::string>& inputs, const std::string& output,
                           const std::string& body, const std::string& globals) {
  std::string decorations, types, variables, interface, loads;
  std::vector<std::string> all = inputs;
  all.push_back(output);
  std::set<std::string> declared{"v3u32"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& type = all[i];
    if (type[0] == 'v' && declared.insert(type).second)
      types += fmt::format("%{} = OpTypeVector %{} {}\n", type, type.substr(2), type[1]);
    decorations += fmt::format(
        "OpDecorate %array{0} ArrayStride {1}\nOpDecorate %block{0} Block\n"
        "OpMemberDecorate %block{0} 0 Offset 0\nOpDecorate %buffer{0} DescriptorSet 0\n"
        "OpDecorate %buffer{0} Binding {0}\n",
        i, bytes_of(type));
    variables += fmt::format(
        "%array{0} = OpTypeRuntimeArray %{1}\n%block{0} = OpTypeStruct %array{0}\n"
        "%block_pointer{0} = OpTypePointer StorageBuffer %block{0}\n"
        "%pointer{0} = OpTypePointer StorageBuffer %{1}\n"
        "%buffer{0} = OpVariable %block_pointer{0} StorageBuffer\n",
        i, type);
    interface += fmt::format(" %buffer{}", i);
    if (i + 1 < all.size())
      loads += fmt::format(
          "%at{0} = OpAccessChain %pointer{0} %buffer{0} %zero %i\n"
          "%{2} = OpLoad %{1} %at{0}\n",
          i, type, static_cast<char>('a' + i));
  }
  const std::size_t last = inputs.size();
  const std::string capabilities =
      "OpCapability Shader\nOpCapability Int8\nOpCapability Int16\nOpCapability Int64\n"
      "OpCapability Float16\nOpCapability Float64\nOpCapability StorageBuffer8BitAccess\n"
      "OpCapability StorageBuffer16BitAccess\nOpCapability DotProduct\n"
      "OpCapability DotProductInput4x8Bit\nOpCapability DotProductInput4x8BitPacked\n"
      "OpCapability DotProductInputAll\n";
  return fmt::format(
      "{}%glsl = OpExtInstImport \"GLSL.std.450\"\nOpMemoryModel Logical GLSL450\n"
      "OpEntryPoint GLCompute %main \"main\" %id{}\nOpExecutionMode %main LocalSize 1 1 1\n"
      "OpDecorate %id BuiltIn GlobalInvocationId\n{}{}{}{}{}\n"
      "%main = OpFunction %void None %main_type\n%entry = OpLabel\n"
      "%id3 = OpLoad %v3u32 %id\n%i = OpCompositeExtract %u32 %id3 0\n{}{}\n"
      "%out = OpAccessChain %pointer{} %buffer{} %zero %i\nOpStore %out %r\nOpReturn\n"
      "OpFunctionEnd\n",
      capabilities, interface, decorations, kPrelude, types, variables, globals, loads, body, last,
      last);
}

void run_elements(const std::string& module, std::uint32_t count,
                  const std::vector<Descriptor>& descriptors) {
  const auto program = prepare_bytes(assemble(module));
  ASSERT_TRUE(program) << program.failure().sentence << "\n" << module;
  Launch launch;
  launch.groups = {count, 1, 1};
  launch.descriptors = descriptors;
  launch.out_of_bounds = OutOfBounds::kFail;
  const auto report = run(**program, launch);
  ASSERT_TRUE(report) << report.failure().sentence;
}

}  // namespace sokr::reference::test
