// SPDX-License-Identifier: MIT OR Apache-2.0
#include "diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sokr/base/ir_format.hpp>

#include "log.hpp"

namespace sokr::host {
namespace {

constexpr std::array<const char*, 10> kResults{
    "it succeeded",
    "the substrate cannot fulfil this computation",
    "the substrate could not start the work",
    "the wait ran out",
    "the plugin was built for another major version",
    "no substrate accepts this computation",
    "the launch parameters are invalid",
    "the kernel is malformed",
    "there is no such substrate or dispatch",
    "the registry is full",
};

// What is read of a sentence. A plugin may claim any length.
constexpr std::size_t kLongestSentence = 65536;

// `get(out, capacity)` returns the size of the whole sentence.
template <class Get>
std::string sentence(Get get) {
  std::string text(512, '\0');
  std::size_t size = std::min(get(text.data(), text.size()), kLongestSentence);
  if (size >= text.size()) {
    text.assign(size + 1, '\0');
    size = std::min(get(text.data(), text.size()), size);
  }
  text.resize(size);
  return one_line(text);
}

}  // namespace

const char* describe(SokrResult result) {
  const auto index = static_cast<std::size_t>(result);
  return index < kResults.size() ? kResults[index] : "it gave an answer that is not a SokrResult";
}

std::string last_error(const SokrSubstrateInfo& info, SokrResult result) {
  std::string text;
  if (info.diagnostics && info.diagnostics->last_error)
    text = sentence(info.diagnostics->last_error);
  return text.empty() ? describe(result) : text;
}

std::string completion_error(const SokrSubstrateInfo& info, SokrCompletionToken token) {
  std::string text;
  if (info.diagnostics && info.diagnostics->completion_error) {
    text = sentence([&](char* out, std::size_t capacity) {
      return info.diagnostics->completion_error(sokr_token_plugin_token(token), out, capacity);
    });
  }
  return text.empty() ? "the launch failed, and the substrate does not say why" : text;
}

std::optional<SokrTiming> timing_of(const SokrSubstrateInfo& info, SokrCompletionToken token) {
  if (!info.diagnostics || !info.diagnostics->timing) return std::nullopt;
  SokrTiming timing{};
  timing.struct_size = sizeof timing;
  if (info.diagnostics->timing(sokr_token_plugin_token(token), &timing) != SOKR_OK)
    return std::nullopt;
  return timing;
}

std::string format_name(std::uint32_t format) {
  const char* known = known_ir_format(format);
  return known ? known : fmt::format("format {:#010x}", format);
}

}  // namespace sokr::host
