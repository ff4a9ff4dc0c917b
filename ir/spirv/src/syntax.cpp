// SPDX-License-Identifier: MIT OR Apache-2.0
#include "syntax.hpp"

#include <algorithm>
#include <iterator>
#include <sokr/base/sentence.hpp>
#include <sokr/spirv/module.hpp>
#include <vector>

#include "physical_layout.hpp"

namespace sokr::spirv {
namespace {

#include "spirv_syntax.inc"

constexpr std::uint32_t kEnumerantLetters = 0x80;  // the first letter of an enumerant's kind

// Extensions that bring no opcode and no enumerant.
constexpr std::string_view kWithoutRows[] = {
    "SPV_KHR_16bit_storage",
    "SPV_KHR_8bit_storage",
    "SPV_KHR_non_semantic_info",
    "SPV_KHR_relaxed_extended_instruction",
    "SPV_KHR_storage_buffer_storage_class",
    "SPV_KHR_variable_pointers",
    "SPV_AMD_gcn_shader",
    "SPV_AMD_shader_trinary_minmax",
    "SPV_AMD_texture_gather_bias_lod",
    "SPV_AMD_gpu_shader_half_float",
    "SPV_AMD_gpu_shader_int16",
    "SPV_EXT_relaxed_printf_string_address_space",
    "SPV_VALIDATOR_ignore_type_decl_unique",
};

const SyntaxRow* find_row(std::span<const SyntaxRow> rows, std::uint32_t value) {
  const auto row = std::lower_bound(rows.begin(), rows.end(), value,
                                    [](const auto& r, std::uint32_t v) { return r.value < v; });
  return row != rows.end() && row->value == value ? &*row : nullptr;
}

bool is_known_extension(std::string_view name) {
  const auto brings = [&](const SyntaxRow& row) { return lists(row.extensions, name); };
  return std::find(std::begin(kWithoutRows), std::end(kWithoutRows), name) !=
             std::end(kWithoutRows) ||
         std::any_of(std::begin(kOpcodeSyntax), std::end(kOpcodeSyntax), brings) ||
         std::any_of(std::begin(kEnumerantKinds), std::end(kEnumerantKinds), [&](const auto& kind) {
           return std::any_of(kind.rows.begin(), kind.rows.end(), brings);
         });
}

constexpr std::size_t kMaxListed = 4;

// The declared extensions that nothing here knows, in the module's order.
std::vector<std::string> unknown_extensions(std::span<const std::uint32_t> words) {
  std::vector<std::string> unknown;
  for (std::size_t at = kHeaderWords; at < words.size() && unknown.size() < kMaxListed;) {
    const std::size_t count = words[at] >> 16;
    const auto op = static_cast<spv::Op>(words[at] & 0xFFFF);
    if (count == 0 || count > words.size() - at || op == spv::Op::OpMemoryModel) break;
    const auto operands = words.subspan(at + 1, count - 1);
    at += count;
    if (op != spv::Op::OpExtension || string_words(operands) == 0) continue;
    std::string name = read_string(operands);
    if (is_known_extension(name)) continue;
    std::ranges::transform(name, name.begin(), on_one_line);
    unknown.push_back(std::move(name));
  }
  return unknown;
}

}  // namespace

const SyntaxRow* find_syntax(std::uint32_t opcode) {
  return find_row(kOpcodeSyntax, opcode);
}

const SyntaxRow* find_enumerant(const EnumerantKind& kind, std::uint32_t value) {
  return find_row(kind.rows, value);
}

const EnumerantKind& enumerant_kind(char letter) {
  return kEnumerantKinds[static_cast<unsigned char>(letter) - kEnumerantLetters];
}

bool lists(std::string_view list, std::string_view name) {
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

std::string not_known(std::span<const std::uint32_t> words, std::string_view what) {
  const std::vector<std::string> unknown = unknown_extensions(words);
  if (unknown.empty()) return fmt::format("{} is not known to this build", what);
  return fmt::format("it uses {}, which this build does not know: {}", fmt::join(unknown, " or "),
                     what);
}

}  // namespace sokr::spirv
