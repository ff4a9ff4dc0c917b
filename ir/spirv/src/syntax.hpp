// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The syntax of an instruction's operands to the last word, and what brings an opcode or an
// enumerant: a version or an extension. Says of a module that is newer than this build what
// it is that is not known.
#ifndef SOKR_SPIRV_SRC_SYNTAX_HPP_
#define SOKR_SPIRV_SRC_SYNTAX_HPP_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "grammar.hpp"

namespace sokr::spirv {

// SyntaxRow::version of what no version has without an extension.
inline constexpr std::uint8_t kNoVersion = 0xFF;

// An opcode or an enumerant.
struct SyntaxRow {
  std::uint32_t value = 0;
  const char* name = "";
  const char* operands = "";    // letters as in tools/generate_syntax.py
  std::uint8_t version = 0;     // the minor version that has it without an extension
  const char* extensions = "";  // those that bring it, separated by spaces
  bool added = false;           // understood here, not yet in the packaged grammar
};

struct EnumerantKind {
  const char* name = "";
  bool is_mask = false;
  std::span<const SyntaxRow> rows;  // sorted by value
};

// Null if the grammar does not know it.
const SyntaxRow* find_syntax(std::uint32_t opcode);
const SyntaxRow* find_enumerant(const EnumerantKind& kind, std::uint32_t value);
const EnumerantKind& enumerant_kind(char letter);

// Does `list`, separated by spaces, hold `name`?
bool lists(std::string_view list, std::string_view name);

// "it uses SPV_KHR_x, which this build does not know: Capability 4711"; without an unknown
// extension among the OpExtension of `words` "Capability 4711 is not known to this build".
std::string not_known(std::span<const std::uint32_t> words, std::string_view what);

// How a walk over operands ended.
struct OperandEnd {
  enum class Status : std::uint8_t { kComplete, kTooFew, kTooMany, kUnknownEnumerant };
  Status status = Status::kComplete;
  std::size_t at = 0;                   // the word in args where it ended
  const EnumerantKind* kind = nullptr;  // kUnknownEnumerant
};

template <class Ids, class Enumerants>
class OperandWalk {
 public:
  OperandWalk(std::span<const std::uint32_t> args, std::uint32_t number_words, Ids& ids,
              Enumerants& enumerants)
      : args_(args), number_words_(number_words), ids_(ids), enumerants_(enumerants) {}

  OperandEnd run(const char* operands) {
    if (walk(operands) && at_ < args_.size()) end_.status = OperandEnd::Status::kTooMany;
    end_.at = at_;
    return end_;
  }

 private:
  bool walk(const char* letters) {
    for (const char* letter = letters; *letter != 0; ++letter) {
      const char quantifier = letter[1];
      if (quantifier != '?' && quantifier != '*') {
        if (!take_one(*letter)) return false;
        continue;
      }
      while (at_ < args_.size()) {
        if (!take_one(*letter)) return false;
        if (quantifier == '?') break;
      }
      ++letter;
    }
    return true;
  }

  bool stop(OperandEnd::Status status) {
    end_.status = status;
    return false;
  }

  bool take(std::size_t ids, std::size_t literals) {
    if (args_.size() - at_ < ids + literals) return stop(OperandEnd::Status::kTooFew);
    for (std::size_t i = 0; i < ids; ++i) ids_(at_++);
    at_ += literals;
    return true;
  }

  bool take_one(char letter) {
    switch (letter) {
      case 'i':
        return take(1, 0);
      case 'l':
        return take(0, 1);
      case 'c':
        return take(0, number_words_);
      case 'P':
        return take(0, number_words_) && take(1, 0);
      case 'Q':
        return take(1, 1);
      case 'R':
        return take(2, 0);
      case 's': {
        const std::uint32_t words = string_words(args_.subspan(at_));
        at_ += words;
        return words != 0 || stop(OperandEnd::Status::kTooFew);
      }
      case 'x': {
        if (at_ == args_.size()) return stop(OperandEnd::Status::kTooFew);
        at_ = args_.size();
        return true;
      }
      default:
        return take_enumerant(enumerant_kind(letter));
    }
  }

  // What a mask brings follows it in the order of its bits.
  bool take_enumerant(const EnumerantKind& kind) {
    if (at_ == args_.size()) return stop(OperandEnd::Status::kTooFew);
    const std::size_t place = at_++;
    const std::uint32_t value = args_[place];
    if (!kind.is_mask) return take_row(kind, value, place);
    for (std::uint32_t bits = value; bits != 0; bits &= bits - 1) {
      if (!take_row(kind, bits & (~bits + 1), place)) return false;
    }
    return true;
  }

  bool take_row(const EnumerantKind& kind, std::uint32_t value, std::size_t place) {
    const SyntaxRow* row = find_enumerant(kind, value);
    if (row == nullptr) {
      at_ = place;
      end_.kind = &kind;
      return stop(OperandEnd::Status::kUnknownEnumerant);
    }
    enumerants_(kind, *row);
    return walk(row->operands);
  }

  std::span<const std::uint32_t> args_;
  std::uint32_t number_words_;
  Ids& ids_;
  Enumerants& enumerants_;
  std::size_t at_ = 0;
  OperandEnd end_;
};

// Calls ids(word index in args) for every id and enumerants(kind, row) for every enumerant
// among the operands. `number_words`: words of a context-dependent literal.
template <class Ids, class Enumerants>
OperandEnd walk_operands(const SyntaxRow& row, std::span<const std::uint32_t> args,
                         std::uint32_t number_words, Ids&& ids, Enumerants&& enumerants) {
  return OperandWalk(args, number_words, ids, enumerants).run(row.operands);
}

template <class Ids>
OperandEnd walk_operands(const SyntaxRow& row, std::span<const std::uint32_t> args,
                         std::uint32_t number_words, Ids&& ids) {
  const auto ignore = [](const EnumerantKind&, const SyntaxRow&) {};
  return OperandWalk(args, number_words, ids, ignore).run(row.operands);
}

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_SYNTAX_HPP_
