// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the installed SPIR-V grammar has, read by the build with a script of the tests' own: every
// name of every enumerant that has a row in <sokr/spirv/allowed.hpp> or might have one.
#ifndef SOKR_TESTS_IR_GRAMMAR_ROWS_HPP_
#define SOKR_TESTS_IR_GRAMMAR_ROWS_HPP_

#include <cstdint>
#include <map>
#include <sokr/spirv/allowed.hpp>
#include <string>
#include <vector>

namespace sokr::spirv::test {

struct GrammarRow {
  EnumKind kind;
  const char* name;
  std::uint32_t value;
  int parameters;         // words or strings that follow it
  bool takes_ids;         // among the parameters
  const char* extension;  // one of those that bring it; empty if none has to
};

inline constexpr GrammarRow kGrammarRows[] = {
#include "grammar_rows.inc"
};

// All names of each value of a kind, in the order of the grammar.
inline std::map<std::uint32_t, std::vector<const GrammarRow*>> grammar_of(EnumKind kind) {
  std::map<std::uint32_t, std::vector<const GrammarRow*>> found;
  for (const GrammarRow& row : kGrammarRows)
    if (row.kind == kind) found[row.value].push_back(&row);
  return found;
}

// Does the sentence name it, by any of its names?
inline bool is_named(const std::string& sentence, const std::vector<const GrammarRow*>& rows) {
  for (const GrammarRow* row : rows) {
    const std::string name = row->name;
    for (auto at = sentence.find(name); at != std::string::npos; at = sentence.find(name, at + 1)) {
      const auto is_letter = [&](std::size_t i) {
        return i < sentence.size() && (isalnum(static_cast<unsigned char>(sentence[i])) != 0);
      };
      if (!is_letter(at + name.size()) && (at == 0 || !is_letter(at - 1))) return true;
    }
  }
  return false;
}

}  // namespace sokr::spirv::test

#endif  // SOKR_TESTS_IR_GRAMMAR_ROWS_HPP_
