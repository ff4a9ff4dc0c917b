// SPDX-License-Identifier: MIT OR Apache-2.0
//
// SPIRV-Tools validates a copy of the module in which everything without meaning is
// gone: it may be older than the module's source languages, debug information,
// capabilities and execution modes.
#include <spirv-tools/libspirv.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <sokr/spirv/module.hpp>

#include "decoder.hpp"
#include "grammar.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

constexpr std::size_t kHeaderWords = 5;
constexpr std::size_t kMaxMessage = 600;

struct ContextDeleter {
  void operator()(spv_context context) const { spvContextDestroy(context); }
};
struct OptionsDeleter {
  void operator()(spv_validator_options options) const { spvValidatorOptionsDestroy(options); }
};
struct DiagnosticDeleter {
  void operator()(spv_diagnostic diagnostic) const { spvDiagnosticDestroy(diagnostic); }
};
using Context = std::unique_ptr<spv_context_t, ContextDeleter>;
using Options = std::unique_ptr<spv_validator_options_t, OptionsDeleter>;
using Diagnostic = std::unique_ptr<spv_diagnostic_t, DiagnosticDeleter>;

// The module without what has no meaning, and where each instruction came from.
struct Stripped {
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> origins;  // per kept instruction: index of its first word
  std::vector<std::uint32_t> numbers;  // per kept instruction: its number in the module, from 1
};

// `words` are those of a module that was decoded: its instructions are whole.
class Stripper {
 public:
  explicit Stripper(std::span<const std::uint32_t> words)
      : words_(words), is_gone_(words[3]), is_set_(words[3]) {}

  Stripped run() {
    for_each([&](spv::Op op, auto operands, auto) { note(op, operands); });
    out_.words.assign(words_.begin(), words_.begin() + kHeaderWords);
    for_each([&](spv::Op op, auto operands, auto whole) {
      ++number_;
      if (is_meaningless(op, operands)) return;
      out_.origins.push_back(static_cast<std::uint32_t>(whole.data() - words_.data()));
      out_.numbers.push_back(number_);
      out_.words.insert(out_.words.end(), whole.begin(), whole.end());
      // Source language 0 is "unknown", which every version knows.
      if (op == spv::Op::OpSource && whole.size() > 1) {
        out_.words[out_.words.size() - whole.size() + 1] = 0;
      }
    });
    return std::move(out_);
  }

 private:
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t at = kHeaderWords; at < words_.size(); at += words_[at] >> 16) {
      const auto whole = words_.subspan(at, words_[at] >> 16);
      visit(static_cast<spv::Op>(words_[at] & 0xFFFF), whole.subspan(1), whole);
    }
  }

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

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
      if (!line.empty() && line.back() != ' ') line.push_back(' ');
    } else {
      line.push_back(c);
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  if (line.size() > kMaxMessage) line = line.substr(0, kMaxMessage) + " ...";
  return line;
}

// "instruction 12 (OpLoad %34, word 210)"; empty for a problem of the whole module.
std::string describe_position(const Stripped& module, std::size_t index) {
  if (index == 0 || index > module.origins.size()) return {};
  std::size_t at = kHeaderWords;
  for (std::size_t i = 1; i < index; ++i) at += module.words[at] >> 16;
  const OpcodeRow* row = opcode_row(module.words[at] & 0xFFFF);
  std::string id;
  if (row != nullptr && row->has_result && at + 1 + row->has_type < module.words.size()) {
    id = fmt::format(" %{}", module.words[at + 1 + row->has_type]);
  }
  return fmt::format("instruction {} ({}{}, word {}): ", module.numbers[index - 1],
                     op_name(static_cast<spv::Op>(module.words[at] & 0xFFFF)), id,
                     module.origins[index - 1]);
}

Options make_options() {
  Options options(spvValidatorOptionsCreate());
  if (options == nullptr) return options;
  spvValidatorOptionsSetScalarBlockLayout(options.get(), true);
  spvValidatorOptionsSetUniformBufferStandardLayout(options.get(), true);
  spvValidatorOptionsSetWorkgroupScalarBlockLayout(options.get(), true);
  spvValidatorOptionsSetAllowLocalSizeId(options.get(), true);
  return options;
}

}  // namespace

Result<void> validate(std::span<const std::uint8_t> bytes) {
  try {
    SOKR_ASSIGN(const std::shared_ptr<const Module> decoded,
                Decoder({.any_values = true}).decode(bytes));
    Stripped module = Stripper(decoded->words()).run();
    const Context context(spvContextCreate(SPV_ENV_VULKAN_1_3));
    const Options options = make_options();
    if (context == nullptr || options == nullptr) {
      return fail(SOKR_DISPATCH_FAILED, "out of memory while validating a SPIR-V module");
    }
    spv_const_binary_t binary{module.words.data(), module.words.size()};
    spv_diagnostic raw_diagnostic = nullptr;
    const spv_result_t result =
        spvValidateWithOptions(context.get(), options.get(), &binary, &raw_diagnostic);
    const Diagnostic diagnostic(raw_diagnostic);
    if (result == SPV_SUCCESS) return {};
    if (diagnostic == nullptr || diagnostic->error == nullptr) {
      return fail(SOKR_INVALID_IR, "the SPIR-V module is not valid for Vulkan (error {})",
                  static_cast<int>(result));
    }
    return fail(SOKR_INVALID_IR, "{}{}", describe_position(module, diagnostic->position.index),
                one_line(diagnostic->error));
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory while validating a SPIR-V module");
  }
}

}  // namespace sokr::spirv
