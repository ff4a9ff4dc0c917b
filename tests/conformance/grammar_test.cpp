// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every capability and every execution mode of the installed grammar, asked of every substrate: it
// is refused with its own name, or a kernel of the suite that holds it is run for right results.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <sokr/sokr.hpp>
#include <sokr/spirv/module.hpp>
#include <string_view>

#include "case.hpp"
#include "grammar_rows.hpp"

namespace sokr::conformance {
namespace {

using spirv::EnumKind;
using spirv::test::GrammarRow;
using Words = std::vector<std::uint32_t>;

// Which kernel of the conformance suite holds it.
struct Held {
  std::string_view name, module;
};

constexpr Held kCapabilities[] = {
    {"Matrix", "declared"},
    {"Shader", "saxpy"},
    {"Float16", "float16_arithmetic"},
    {"Float64", "float64_arithmetic"},
    {"Int8", "int8_arithmetic"},
    {"Int16", "int16_arithmetic"},
    {"Int64", "int64_arithmetic"},
    {"Int64Atomics", "atomics_int64"},
    {"DeviceGroup", "declared"},
    {"UniformBufferArrayDynamicIndexing", "declared"},
    {"StorageBufferArrayDynamicIndexing", "declared"},
    {"ShaderNonUniform", "descriptor_nonuniform"},
    {"UniformBufferArrayNonUniformIndexing", "descriptor_nonuniform"},
    {"StorageBufferArrayNonUniformIndexing", "descriptor_nonuniform"},
    {"RuntimeDescriptorArray", "declared"},
    {"StorageBuffer16BitAccess", "float16_arithmetic"},
    {"UniformAndStorageBuffer16BitAccess", "storage_8_16"},
    {"StoragePushConstant16", "storage_8_16"},
    {"StorageBuffer8BitAccess", "int8_arithmetic"},
    {"UniformAndStorageBuffer8BitAccess", "storage_8_16"},
    {"StoragePushConstant8", "push_bytes"},
    {"WorkgroupMemoryExplicitLayoutKHR", "workgroup_bytes"},
    {"WorkgroupMemoryExplicitLayout8BitAccessKHR", "workgroup_bytes"},
    {"WorkgroupMemoryExplicitLayout16BitAccessKHR", "workgroup_bytes"},
    {"VulkanMemoryModel", "memory_model"},
    {"VulkanMemoryModelDeviceScope", "atomics_device"},
    {"GroupNonUniform", "subgroup_arithmetic"},
    {"GroupNonUniformVote", "subgroup_ballot"},
    {"GroupNonUniformArithmetic", "subgroup_arithmetic"},
    {"GroupNonUniformBallot", "subgroup_ballot"},
    {"GroupNonUniformShuffle", "subgroup_shuffle"},
    {"GroupNonUniformShuffleRelative", "subgroup_shuffle"},
    {"GroupNonUniformClustered", "subgroup_clusters"},
    {"GroupNonUniformQuad", "subgroup_clusters"},
    {"GroupNonUniformRotateKHR", "subgroup_rotate"},
    {"SubgroupBallotKHR", "subgroup_khr"},
    {"SubgroupVoteKHR", "subgroup_khr"},
    {"AtomicFloat16AddEXT", "atomics_float_all"},
    {"AtomicFloat32AddEXT", "atomics_float_all"},
    {"AtomicFloat64AddEXT", "atomics_float_all"},
    {"AtomicFloat16MinMaxEXT", "atomics_float_all"},
    {"AtomicFloat32MinMaxEXT", "atomics_float_all"},
    {"AtomicFloat64MinMaxEXT", "atomics_float_all"},
    {"DotProduct", "dot_products"},
    {"DotProductInputAll", "dot_products"},
    {"DotProductInput4x8Bit", "dot_products"},
    {"DotProductInput4x8BitPacked", "dot_products"},
    {"DenormPreserve", "float_preserve32"},
    {"DenormFlushToZero", "float_flush32"},
    {"SignedZeroInfNanPreserve", "float_signed_zero32"},
    {"RoundingModeRTE", "float_rte32"},
    {"RoundingModeRTZ", "float_rtz32"},
    {"ExpectAssumeKHR", "expect_assume"},
    {"ShaderClockKHR", "shader_clock"},
    {"Sampled1D", "declared"},
    {"Image1D", "declared"},
    {"SampledBuffer", "declared"},
    {"ImageBuffer", "declared"},
    {"ImageQuery", "declared"},
};

constexpr Held kModes[] = {
    {"LocalSize", "saxpy"},
    {"LocalSizeId", "local_size_id"},
    {"DenormPreserve", "float_preserve16"},
    {"DenormFlushToZero", "float_flush16"},
    {"SignedZeroInfNanPreserve", "float_signed_zero16"},
    {"RoundingModeRTE", "float_rte16"},
    {"RoundingModeRTZ", "float_rtz16"},
    {"SubgroupUniformControlFlowKHR", "subgroup_uniform_flow"},
};

// Tested for right results elsewhere: tests/substrates/cpu/compiler/pointers_test.cpp,
// tests/substrates/reference (addresses.comp) and tests/substrates/vulkan/matrix_test.cpp.
constexpr std::string_view kElsewhere[] = {"VariablePointersStorageBuffer", "VariablePointers",
                                           "PhysicalStorageBufferAddresses", "CooperativeMatrixKHR",
                                           "FloatControls2"};

const Held* find_held(std::span<const Held> table, const std::vector<const GrammarRow*>& rows) {
  for (const Held& held : table)
    for (const GrammarRow* row : rows)
      if (held.name == row->name) return &held;
  return nullptr;
}

bool is_elsewhere(const std::vector<const GrammarRow*>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const GrammarRow* row) {
    return std::find(std::begin(kElsewhere), std::end(kElsewhere), row->name) !=
           std::end(kElsewhere);
  });
}

// ---- Modules ------------------------------------------------------------------------------

class Writer {
 public:
  Writer() : words_{spv::MagicNumber, 0x00010500, 0, 6, 0} {}
  Writer& add(spv::Op op, const Words& operands, std::string_view text = {},
              const Words& behind = {}) {
    Words all = operands;
    if (!text.empty()) {
      const std::size_t at = all.size();
      all.resize(at + text.size() / 4 + 1);
      std::memcpy(all.data() + at, text.data(), text.size());
    }
    all.insert(all.end(), behind.begin(), behind.end());
    words_.push_back(static_cast<std::uint32_t>(op) | static_cast<std::uint32_t>(all.size() + 1)
                                                          << 16);
    words_.insert(words_.end(), all.begin(), all.end());
    return *this;
  }
  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> all(words_.size() * 4);
    std::memcpy(all.data(), words_.data(), all.size());
    return all;
  }

 private:
  Words words_;
};

// An empty kernel that declares a capability, or whose entry point has a mode.
std::vector<std::uint8_t> module_with(const GrammarRow* capability, const GrammarRow* mode) {
  constexpr std::uint32_t kMain = 1, kVoid = 2, kFunction = 3, kLabel = 4;
  Writer writer;
  writer.add(spv::Op::OpCapability, {1});
  const auto bring = [&](const GrammarRow& row) {
    if (*row.extension) writer.add(spv::Op::OpExtension, {}, row.extension);
  };
  if (capability != nullptr) writer.add(spv::Op::OpCapability, {capability->value});
  if (capability != nullptr) bring(*capability);
  if (mode != nullptr) bring(*mode);
  const bool vulkan =
      capability != nullptr && std::string_view(capability->name).starts_with("VulkanMemoryModel");
  if (vulkan) writer.add(spv::Op::OpCapability, {5345});
  writer.add(spv::Op::OpMemoryModel, {0, vulkan ? 3u : 1u});
  writer.add(spv::Op::OpEntryPoint, {5, kMain}, "main");
  writer.add(spv::Op::OpExecutionMode, {kMain, 17, 1, 1, 1});
  if (mode != nullptr) {
    Words operands{kMain, mode->value};
    operands.resize(2 + static_cast<std::size_t>(mode->parameters), 1);
    writer.add(mode->takes_ids ? spv::Op::OpExecutionModeId : spv::Op::OpExecutionMode, operands);
  }
  writer.add(spv::Op::OpTypeVoid, {kVoid}).add(spv::Op::OpTypeFunction, {kFunction, kVoid});
  writer.add(spv::Op::OpFunction, {kVoid, kMain, 0, kFunction}).add(spv::Op::OpLabel, {kLabel});
  writer.add(spv::Op::OpReturn, {}).add(spv::Op::OpFunctionEnd, {});
  return writer.bytes();
}

// The substrate's own answer, not the IR plugin's; empty = yes.
std::string answer(const Substrate& substrate, const std::vector<std::uint8_t>& bytes) {
  const SokrSubstrateInfo& info = substrate.info();
  SokrCapabilityQuery query{};
  query.ir_format = SOKR_IR_SPIRV;
  query.ir_data = bytes.data();
  query.ir_data_len = bytes.size();
  SokrCapabilityResponse response{};
  if (info.plugin->capability_fn(&query, &response) == SOKR_OK) return "";
  std::string sentence(2000, 0);
  sentence.resize(info.diagnostics->last_error(sentence.data(), sentence.size()));
  return sentence.empty() ? "refused without a reason" : sentence;
}

bool holds(std::string_view kernel, EnumKind kind, const std::vector<const GrammarRow*>& rows) {
  const Bytes file =
      read_file(std::filesystem::path(SOKR_TEST_SHADERS) / (std::string(kernel) + ".spv"));
  const auto module =
      spirv::decode({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  if (!module) return false;
  const auto words = (*module)->words();
  const bool is_mode = kind == EnumKind::kExecutionMode;
  for (std::size_t at = 5; at < words.size(); at += words[at] >> 16) {
    const auto op = static_cast<spv::Op>(words[at] & 0xFFFF);
    const bool named = is_mode ? op == spv::Op::OpExecutionMode || op == spv::Op::OpExecutionModeId
                               : op == spv::Op::OpCapability;
    if (named && words[at + (is_mode ? 2 : 1)] == rows[0]->value) return true;
  }
  return false;
}

bool is_case(std::string_view kernel) {
  const auto all = all_cases();
  return std::any_of(all.begin(), all.end(), [&](const Entry& e) { return kernel == e.module; });
}

// ---- The walk -----------------------------------------------------------------------------

void walk(EnumKind kind, std::span<const Held> table) {
  const Context context;
  ASSERT_FALSE(context.substrates().empty());
  const bool is_mode = kind == EnumKind::kExecutionMode;
  for (const auto& [value, rows] : spirv::test::grammar_of(kind)) {
    SCOPED_TRACE(rows[0]->name);
    const Held* held = find_held(table, rows);
    if (held != nullptr) {
      EXPECT_TRUE(is_case(held->module)) << held->module << " is no case of the suite";
      EXPECT_TRUE(holds(held->module, kind, rows)) << held->module << " does not hold it";
      continue;
    }
    if (!is_mode && is_elsewhere(rows)) continue;
    const auto bytes = module_with(is_mode ? nullptr : rows[0], is_mode ? rows[0] : nullptr);
    for (const Substrate& substrate : context.substrates()) {
      const std::string sentence = answer(substrate, bytes);
      EXPECT_TRUE(spirv::test::is_named(sentence, rows))
          << substrate.name() << " says: " << (sentence.empty() ? "yes" : sentence);
    }
  }
}

TEST(Grammar, EveryCapabilityIsTestedOrRefusedByName) {
  walk(EnumKind::kCapability, kCapabilities);
}

// Whatever grammar is installed: what only devices have is refused by the project's own substrates.
TEST(Grammar, WhatOnlyDevicesHaveIsRefusedByName) {
  const GrammarRow rows[] = {
      {EnumKind::kCapability, "CooperativeMatrixKHR", 6022, 0, false, "SPV_KHR_cooperative_matrix"},
      {EnumKind::kCapability, "FloatControls2", 6029, 0, false, "SPV_KHR_float_controls2"},
  };
  const Context context;
  std::size_t asked = 0;
  for (const GrammarRow& row : rows)
    for (const Substrate& substrate : context.substrates()) {
      if (std::string_view(substrate.name()).starts_with("vulkan")) continue;
      ++asked;
      const std::string sentence = answer(substrate, module_with(&row, nullptr));
      EXPECT_TRUE(spirv::test::is_named(sentence, {&row}))
          << substrate.name() << " says: " << (sentence.empty() ? "yes" : sentence);
    }
  EXPECT_GT(asked, 0u);
}

TEST(Grammar, EveryExecutionModeIsTestedOrRefusedByName) {
  walk(EnumKind::kExecutionMode, kModes);
}

}  // namespace
}  // namespace sokr::conformance
