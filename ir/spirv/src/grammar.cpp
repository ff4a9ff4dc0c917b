// SPDX-License-Identifier: MIT OR Apache-2.0
#include "grammar.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <sokr/spirv/module.hpp>

#include "physical_layout.hpp"

namespace sokr::spirv {
namespace {

#include "spirv_tables.inc"

// Opcodes are found by index.
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

const char* find_enumerant(EnumKind kind, std::uint32_t value) {
  switch (kind) {
#define SOKR_KIND(name, text) \
  case EnumKind::k##name:     \
    return find_name(k##name##Rows, value);
    SOKR_ENUM_KINDS(SOKR_KIND)
#undef SOKR_KIND
  }
  return nullptr;
}

const char* find_glsl_std_450(std::uint32_t instruction) {
  return find_name(kGlslStd450Rows, instruction);
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

std::string enumerant_name(EnumKind kind, std::uint32_t value) {
  const char* name = find_enumerant(kind, value);
  return name != nullptr ? std::string(name) : fmt::format("{} {}", kind_name(kind), value);
}

std::string capability_name(spv::Capability capability) {
  return enumerant_name(EnumKind::kCapability, static_cast<std::uint32_t>(capability));
}

std::vector<spv::Capability> with_implied(std::span<const spv::Capability> declared) {
  std::vector<spv::Capability> all;
  const auto add = [&](spv::Capability one) {
    if (std::ranges::find(all, one) == all.end()) all.push_back(one);
  };
  std::ranges::for_each(declared, add);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const ImpliedRow& row : kImpliedRows)
      if (row.capability == static_cast<std::uint32_t>(all[i]))
        add(static_cast<spv::Capability>(row.implied));
  }
  return all;
}

std::string storage_class_name(spv::StorageClass storage) {
  return enumerant_name(EnumKind::kStorageClass, static_cast<std::uint32_t>(storage));
}

std::string glsl_std_450_name(std::uint32_t instruction) {
  const char* name = find_glsl_std_450(instruction);
  return name != nullptr ? std::string(name)
                         : fmt::format("GLSL.std.450 instruction {}", instruction);
}

}  // namespace sokr::spirv
