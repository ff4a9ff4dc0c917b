// SPDX-License-Identifier: MIT OR Apache-2.0
#include "grammar.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <sokr/spirv/module.hpp>

namespace sokr::spirv {
namespace {

#include "spirv_tables.inc"

// Opcodes below this are found by index; all that the grammar has are.
constexpr std::uint32_t kOpcodeSpace = 8192;

constexpr auto kOpcodeIndex = [] {
  std::array<std::uint16_t, kOpcodeSpace> index{};
  std::uint16_t next = 1;
  for (const OpcodeRow& row : kOpcodeRows) {
    if (row.value < kOpcodeSpace) index[row.value] = next;
    ++next;
  }
  return index;
}();

template <std::size_t size>
const char* find_name(const NameRow (&rows)[size], std::uint32_t value) {
  const auto* row = std::lower_bound(std::begin(rows), std::end(rows), value,
                                     [](const NameRow& r, std::uint32_t v) { return r.value < v; });
  return row != std::end(rows) && row->value == value ? row->name : nullptr;
}

template <std::size_t size>
std::string name_or(const NameRow (&rows)[size], std::uint32_t value, const char* what) {
  const char* name = find_name(rows, value);
  return name != nullptr ? std::string(name) : fmt::format("{} {}", what, value);
}

constexpr MaskOperand kMemoryAccess[] = {
    {0x2, 0, 1}, {0x8, 1, 0}, {0x10, 1, 0}, {0x10000, 1, 0}, {0x20000, 1, 0}};
constexpr MaskOperand kImageOperands[] = {
    {0x1, 1, 0},  {0x2, 1, 0},  {0x4, 2, 0},   {0x8, 1, 0},   {0x10, 1, 0},   {0x20, 1, 0},
    {0x40, 1, 0}, {0x80, 1, 0}, {0x100, 1, 0}, {0x200, 1, 0}, {0x10000, 1, 0}};

}  // namespace

const OpcodeRow* opcode_row(std::uint32_t opcode) {
  if (opcode >= kOpcodeSpace || kOpcodeIndex[opcode] == 0) return nullptr;
  return &kOpcodeRows[kOpcodeIndex[opcode] - 1];
}

bool is_known_capability(std::uint32_t capability) {
  return find_name(kCapabilityRows, capability) != nullptr;
}

bool is_known_execution_mode(std::uint32_t mode) {
  return find_name(kExecutionModeRows, mode) != nullptr;
}

std::span<const MaskOperand> mask_operands(char letter) {
  if (letter == 'm') return kMemoryAccess;
  return kImageOperands;
}

std::uint32_t string_words(std::span<const std::uint32_t> words) {
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    const std::uint32_t word = words[i];
    if (((word - 0x01010101u) & ~word & 0x80808080u) != 0) return i + 1;
  }
  return 0;
}

std::string read_string(std::span<const std::uint32_t> words) {
  std::string text;
  for (const std::uint32_t word : words) {
    for (int shift = 0; shift < 32; shift += 8) {
      const char byte = static_cast<char>(word >> shift);
      if (byte == 0) return text;
      text.push_back(byte);
    }
  }
  return text;
}

std::string op_name(spv::Op op) {
  const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(op));
  return row != nullptr ? std::string(row->name)
                        : fmt::format("op {}", static_cast<std::uint32_t>(op));
}

std::string capability_name(spv::Capability capability) {
  return name_or(kCapabilityRows, static_cast<std::uint32_t>(capability), "capability");
}

std::string storage_class_name(spv::StorageClass storage) {
  return name_or(kStorageClassRows, static_cast<std::uint32_t>(storage), "storage class");
}

std::string glsl_std_450_name(std::uint32_t instruction) {
  return name_or(kGlslStd450Rows, instruction, "GLSL.std.450 instruction");
}

}  // namespace sokr::spirv
