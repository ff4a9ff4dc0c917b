// SPDX-License-Identifier: MIT OR Apache-2.0
#include "strip.hpp"

#include "decoder.hpp"
#include "grammar.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

class Stripper {
 public:
  explicit Stripper(std::span<const std::uint32_t> words)
      : words_(words), is_gone_(words[3]), is_set_(words[3]) {}

  Stripped run() {
    for_each_instruction(words_,
                         [&](spv::Op op, auto operands, auto, std::size_t) { note(op, operands); });
    out_.words.assign(words_.begin(), words_.begin() + kHeaderWords);
    for_each_instruction(words_, [&](spv::Op op, auto operands, auto whole, std::size_t at) {
      ++number_;
      count_work(whole.size());
      if (is_meaningless(op, operands)) return;
      out_.append(whole, static_cast<std::uint32_t>(at), number_);
      // Source language 0 is "unknown", which every version knows.
      if (op == spv::Op::OpSource && whole.size() > 1) {
        out_.words[out_.words.size() - whole.size() + 1] = 0;
      }
    });
    return std::move(out_);
  }

 private:
  void note(spv::Op op, std::span<const std::uint32_t> operands) {
    if (op == spv::Op::OpExtInstImport && string_words(operands.subspan(1)) != 0 &&
        read_string(operands.subspan(1)).starts_with("NonSemantic.")) {
      is_gone_[operands[0]] = is_set_[operands[0]] = true;
    }
    if (is_non_semantic(op, operands)) is_gone_[operands[1]] = true;
  }

  bool is_non_semantic(spv::Op op, std::span<const std::uint32_t> operands) const {
    return is_extended(op) && operands.size() > 2 && operands[2] < is_set_.size() &&
           is_set_[operands[2]];
  }

  bool is_meaningless(spv::Op op, std::span<const std::uint32_t> operands) const {
    const auto is_gone = [&](std::size_t index) {
      return index < operands.size() && operands[index] < is_gone_.size() &&
             is_gone_[operands[index]];
    };
    switch (op) {
      case spv::Op::OpLine:
      case spv::Op::OpNoLine:
      case spv::Op::OpNop:
        return true;
      case spv::Op::OpExtInstImport:
      case spv::Op::OpName:
      case spv::Op::OpDecorate:
        return is_gone(0);
      case spv::Op::OpExecutionMode:
      case spv::Op::OpExecutionModeId:
        return is_added(op, operands);
      default:
        return is_non_semantic(op, operands);
    }
  }

  static bool is_added(spv::Op op, std::span<const std::uint32_t> operands) {
    bool added = false;
    walk_operands(
        *find_syntax(static_cast<std::uint32_t>(op)), operands, 1, [](std::size_t) {},
        [&](const EnumerantKind&, const SyntaxRow& row) { added = added || row.added; });
    return added;
  }

  std::span<const std::uint32_t> words_;
  std::vector<bool> is_gone_;  // per id: the result of a NonSemantic instruction or its set
  std::vector<bool> is_set_;   // per id: a NonSemantic instruction set
  std::uint32_t number_ = 0;
  Stripped out_;
};

}  // namespace

Stripped strip(std::span<const std::uint32_t> words) {
  return Stripper(words).run();
}

}  // namespace sokr::spirv
