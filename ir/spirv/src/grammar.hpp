// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the SPIR-V grammar says of an instruction: whether it has a result type and
// a result, and which of its words are ids or enumerants; and the names of enumerants.
#ifndef SOKR_SPIRV_SRC_GRAMMAR_HPP_
#define SOKR_SPIRV_SRC_GRAMMAR_HPP_

#include <bit>
#include <cstdint>
#include <optional>
#include <sokr/spirv/allowed.hpp>
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

// A capability, and one that it declares implicitly.
struct ImpliedRow {
  std::uint32_t capability = 0, implied = 0;
};

// Null if the grammar does not know it.
const OpcodeRow* opcode_row(std::uint32_t opcode);

// Null if the grammar does not know it.
const char* find_enumerant(EnumKind kind, std::uint32_t value);
const char* find_glsl_std_450(std::uint32_t instruction);

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

// Calls visit(letter, word index in args) for every id, scope, memory semantics and
// enumerant among the operands; literals and what follows an enumerant with free operands are
// passed over. False if there are too few words. `number_words`: words of a context-dependent
// literal.
template <class Visit>
bool visit_operands(const char* operands, std::span<const std::uint32_t> args,
                    std::uint32_t number_words, Visit&& visit) {
  std::size_t at = 0;
  const auto take = [&](std::size_t ids, std::size_t literals) {
    if (args.size() - at < ids + literals) return false;
    for (std::size_t i = 0; i < ids; ++i) visit('i', at++);
    at += literals;
    return true;
  };
  const auto take_named = [&](char letter) {
    if (at == args.size()) return false;
    visit(letter, at++);
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
        if (!take_named(letter)) return false;
        const std::uint32_t mask = args[at - 1];
        for (const MaskOperand& operand : mask_operands(letter)) {
          if ((mask & operand.bit) != 0 && !take(operand.ids, operand.literals)) return false;
        }
        return true;
      }
      case 'D':
      case 'E':
      case 'L':
      case 'x': {
        const bool some = take_named(letter);
        at = args.size();
        return some;
      }
      default:
        return take_named(letter);
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

// visit(word index in args) for the ids alone.
template <class Visit>
bool visit_ids(const char* operands, std::span<const std::uint32_t> args,
               std::uint32_t number_words, Visit&& visit) {
  return visit_operands(operands, args, number_words, [&](char letter, std::size_t at) {
    if (letter == 'i' || letter == 'k' || letter == 'n') visit(at);
  });
}

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_GRAMMAR_HPP_
