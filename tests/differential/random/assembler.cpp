// SPDX-License-Identifier: MIT OR Apache-2.0
#include "assembler.hpp"

namespace sokr::differential {
namespace {

constexpr std::uint32_t kVersion15 = 0x00010500;

// Little-endian, zero-terminated, padded to whole words.
void append_string(Assembler::Words& words, std::string_view text) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : 0);
    word |= std::uint32_t{c} << (i % 4 * 8);
    if (i % 4 == 3 || i == text.size()) {
      words.push_back(word);
      word = 0;
    }
  }
}

}  // namespace

void Assembler::put(Words& section, spv::Op op, const Words& operands) {
  section.push_back(static_cast<std::uint32_t>(operands.size() + 1) << 16 |
                    static_cast<std::uint32_t>(op));
  section.insert(section.end(), operands.begin(), operands.end());
}

void Assembler::entry_point(Id function, std::string_view name, const Words& interface) {
  Words operands{static_cast<std::uint32_t>(spv::ExecutionModel::GLCompute), function};
  append_string(operands, name);
  operands.insert(operands.end(), interface.begin(), interface.end());
  put(entry_, spv::Op::OpEntryPoint, operands);
}

void Assembler::local_size(Id function, std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  put(modes_, spv::Op::OpExecutionMode,
      {function, static_cast<std::uint32_t>(spv::ExecutionMode::LocalSize), x, y, z});
}

void Assembler::decorate(Id target, spv::Decoration decoration,
                         std::initializer_list<std::uint32_t> more) {
  Words operands{target, static_cast<std::uint32_t>(decoration)};
  operands.insert(operands.end(), more);
  put(decorations_, spv::Op::OpDecorate, operands);
}

void Assembler::member_offset(Id structure, std::uint32_t member, std::uint32_t offset) {
  put(decorations_, spv::Op::OpMemberDecorate,
      {structure, member, static_cast<std::uint32_t>(spv::Decoration::Offset), offset});
}

Assembler::Id Assembler::type(spv::Op op, const Words& operands) {
  Words key{static_cast<std::uint32_t>(op)};
  key.insert(key.end(), operands.begin(), operands.end());
  auto [at, is_new] = known_.try_emplace(key, 0);
  if (is_new) at->second = distinct_type(op, operands);
  return at->second;
}

Assembler::Id Assembler::distinct_type(spv::Op op, const Words& operands) {
  const Id result = id();
  Words all{result};
  all.insert(all.end(), operands.begin(), operands.end());
  put(types_, op, all);
  return result;
}

Assembler::Id Assembler::constant(Id type_id, std::uint32_t value) {
  auto [at, is_new] =
      known_.try_emplace({static_cast<std::uint32_t>(spv::Op::OpConstant), type_id, value}, 0);
  if (is_new) {
    at->second = id();
    put(types_, spv::Op::OpConstant, {type_id, at->second, value});
  }
  return at->second;
}

Assembler::Id Assembler::null(Id type_id) {
  auto [at, is_new] =
      known_.try_emplace({static_cast<std::uint32_t>(spv::Op::OpConstantNull), type_id}, 0);
  if (is_new) {
    at->second = id();
    put(types_, spv::Op::OpConstantNull, {type_id, at->second});
  }
  return at->second;
}

Assembler::Id Assembler::global(spv::StorageClass storage, Id type_id, Id initializer) {
  const Id result = id();
  Words operands{pointer(storage, type_id), result, static_cast<std::uint32_t>(storage)};
  if (initializer != 0) operands.push_back(initializer);
  put(types_, spv::Op::OpVariable, operands);
  return result;
}

Assembler::Id Assembler::op(spv::Op opcode, Id type_id, const Words& operands) {
  const Id result = id();
  Words all{type_id, result};
  all.insert(all.end(), operands.begin(), operands.end());
  put(code_, opcode, all);
  return result;
}

Assembler::Id Assembler::extended(std::uint32_t instruction, Id type_id, const Words& operands) {
  if (glsl_ == 0) glsl_ = id();
  Words all{glsl_, instruction};
  all.insert(all.end(), operands.begin(), operands.end());
  return op(spv::Op::OpExtInst, type_id, all);
}

Assembler::Id Assembler::begin_function(Id result_type, Id function_type, Id function) {
  if (function == 0) function = id();
  put(code_, spv::Op::OpFunction, {result_type, function, 0, function_type});
  return function;
}

Assembler::Words Assembler::finish() const {
  Words words{spv::MagicNumber, kVersion15, 0, next_, 0};
  const auto append = [&](const Words& section) {
    words.insert(words.end(), section.begin(), section.end());
  };
  append(head_);
  if (glsl_ != 0) {
    Words import{glsl_};
    append_string(import, "GLSL.std.450");
    put(words, spv::Op::OpExtInstImport, import);
  }
  put(words, spv::Op::OpMemoryModel,
      {static_cast<std::uint32_t>(spv::AddressingModel::Logical),
       static_cast<std::uint32_t>(spv::MemoryModel::GLSL450)});
  append(entry_);
  append(modes_);
  append(decorations_);
  append(types_);
  append(code_);
  return words;
}

}  // namespace sokr::differential
