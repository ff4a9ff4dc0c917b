// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the SPIR-V grammar says of an instruction: whether it has a result type and
// a result, and which of its words are ids.
#ifndef SOKR_SPIRV_SRC_GRAMMAR_HPP_
#define SOKR_SPIRV_SRC_GRAMMAR_HPP_

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <spirv/unified1/spirv.hpp11>
#include <string>

namespace sokr::spirv {

struct OpcodeRow {
  std::uint32_t value = 0;
  const char* name = "";
  bool has_type = false;
  bool has_result = false;
  const char* operands = "";  // letters as in tools/generate_tables.py
};

struct NameRow {
  std::uint32_t value = 0;
  const char* name = "";
};

// Null if the grammar does not know it.
const OpcodeRow* opcode_row(std::uint32_t opcode);

bool is_known_capability(std::uint32_t capability);
bool is_known_execution_mode(std::uint32_t mode);

// Words that a literal string takes, its terminating 0 included; 0 = it has no end.
std::uint32_t string_words(std::span<const std::uint32_t> words);
// The string at the start of `words`, which has an end.
std::string read_string(std::span<const std::uint32_t> words);

// How many ids and literals follow a mask, bit by bit.
struct MaskOperand {
  std::uint32_t bit;
  std::uint8_t ids, literals;
};
std::span<const MaskOperand> mask_operands(char letter);

// Calls visit(word index in args) for every id among the operands. False if there
// are too few words. `number_words`: words of a context-dependent literal.
template <class Visit>
bool visit_ids(const char* operands, std::span<const std::uint32_t> args,
               std::uint32_t number_words, Visit&& visit) {
  std::size_t at = 0;
  const auto take = [&](std::size_t ids, std::size_t literals) {
    if (args.size() - at < ids + literals) return false;
    for (std::size_t i = 0; i < ids; ++i) visit(at++);
    at += literals;
    return true;
  };
  const auto take_one = [&](char letter) {
    switch (letter) {
      case 'i':
        return take(1, 0);
      case 'l':
        return take(0, 1);
      case 'c':
        return take(0, number_words);
      case 'P':
        return take(0, number_words) && take(1, 0);
      case 'Q':
        return take(1, 1);
      case 'R':
        return take(2, 0);
      case 's': {
        const std::uint32_t words = string_words(args.subspan(at));
        at += words;
        return words != 0;
      }
      case 'm':
      case 'g': {
        if (at == args.size()) return false;
        const std::uint32_t mask = args[at++];
        for (const MaskOperand& operand : mask_operands(letter)) {
          if ((mask & operand.bit) != 0 && !take(operand.ids, operand.literals)) return false;
        }
        return true;
      }
      default: {
        if (at == args.size()) return false;
        at = args.size();
        return true;
      }
    }
  };
  for (const char* letter = operands; *letter != 0; ++letter) {
    const char quantifier = letter[1];
    if (quantifier == '?' || quantifier == '*') {
      while (at < args.size()) {
        if (!take_one(*letter)) return false;
        if (quantifier == '?') break;
      }
      ++letter;
    } else if (!take_one(*letter)) {
      return false;
    }
  }
  return true;
}

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_GRAMMAR_HPP_
