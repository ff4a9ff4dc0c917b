// SPDX-License-Identifier: MIT OR Apache-2.0
#include "calls.hpp"

#include <algorithm>
#include <cstdio>
#include <sokr/ir/conformance.hpp>

namespace sokr::ir {
namespace {

constexpr std::size_t kSentence = 1024;

}  // namespace

std::string Reflected::facts() const {
  return reflection ? launch_facts(*reflection) : std::string();
}

Calls::Calls(const SokrIrPlugin& plugin, std::span<char> doing) : doing_(doing) {
  (void)sokr_copy_sized(&table_, sizeof table_, &plugin, plugin.struct_size);
}

// Threads may write at once: what is read is of one of them, or of several.
void Calls::note(const char* function, std::size_t size) const {
  if (!doing_.empty())
    (void)std::snprintf(doing_.data(), doing_.size(), "%s of %zu bytes", function, size);
}

SokrIrRequest Calls::request(Bytes bytes, const With& with) const {
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = bytes.data();
  request.size = bytes.size();
  request.specializations = with.values.data();
  request.specialization_count = static_cast<std::uint32_t>(with.values.size());
  request.specialization_size = sizeof(SokrIrSpecValue);
  request.option_size = sizeof(SokrIrOption);
  std::copy_n(with.local_size, 3, request.local_size);
  request.target = with.target;
  return request;
}

Answer Calls::validate(Bytes bytes) const {
  note("validate", bytes.size());
  char sentence[kSentence] = "";
  Answer answer;
  if (table_.validate_request != nullptr) {
    const SokrIrRequest asked = request(bytes, {});
    answer.code = table_.validate_request(&asked, sentence, sizeof sentence);
  } else if (table_.validate_with != nullptr) {
    answer.code =
        table_.validate_with(bytes.data(), bytes.size(), nullptr, 0, sentence, sizeof sentence);
  } else {
    answer.code = table_.validate(bytes.data(), bytes.size(), sentence, sizeof sentence);
  }
  answer.sentence = sentence;
  return answer;
}

Reflected Calls::reflect(Bytes bytes, const With& with) const {
  note("reflect", bytes.size());
  char sentence[kSentence] = "";
  const SokrIrReflection* out = nullptr;
  Reflected answer;
  if (table_.reflect_request != nullptr) {
    const SokrIrRequest asked = request(bytes, with);
    answer.code = table_.reflect_request(&asked, &out, sentence, sizeof sentence);
  } else {
    answer.code = table_.reflect(bytes.data(), bytes.size(), with.values.data(),
                                 static_cast<std::uint32_t>(with.values.size()), with.local_size,
                                 &out, sentence, sizeof sentence);
  }
  answer.sentence = sentence;
  answer.reflection = {out, table_.free_reflection};
  return answer;
}

Reflected Calls::reflect_1_0(Bytes bytes) const {
  note("reflect of version 1.0", bytes.size());
  char sentence[kSentence] = "";
  const SokrIrReflection* out = nullptr;
  Reflected answer;
  answer.code = SOKR_NOT_FOUND;
  if (table_.reflect == nullptr) return answer;
  answer.code = table_.reflect(bytes.data(), bytes.size(), nullptr, 0, nullptr, &out, sentence,
                               sizeof sentence);
  answer.sentence = sentence;
  answer.reflection = {out, table_.free_reflection};
  return answer;
}

Lowered Calls::lower(Bytes bytes, const With& with) const {
  note("lower", bytes.size());
  char sentence[kSentence] = "";
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  Lowered answer;
  if (table_.lower_request != nullptr) {
    const SokrIrRequest asked = request(bytes, with);
    answer.code = table_.lower_request(&asked, &out, &size, sentence, sizeof sentence);
  } else {
    answer.code = table_.lower(bytes.data(), bytes.size(), with.target, &out, &size, sentence,
                               sizeof sentence);
  }
  answer.sentence = sentence;
  answer.is_null = out == nullptr;
  if (out != nullptr) {
    answer.bytes.assign(out, out + size);
    table_.free_lowered(out);
  }
  return answer;
}

}  // namespace sokr::ir
