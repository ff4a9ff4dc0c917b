// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tried.hpp"

#include <algorithm>

namespace sokr::substrate {
namespace {

template <class T>
std::optional<T> companion(const T* from) {
  if (from == nullptr) return std::nullopt;
  T copy{};
  (void)sokr_copy_sized(&copy, sizeof copy, from, from->struct_size);
  return copy;
}

// Threads may write at once: what is read is of one of them, or of several.
template <class... Args>
void note(std::span<char> doing, fmt::format_string<Args...> format, Args&&... args) {
  if (doing.empty()) return;
  const auto end =
      fmt::format_to_n(doing.data(), doing.size() - 1, format, std::forward<Args>(args)...);
  *end.out = 0;
}

}  // namespace

std::string code_text(SokrResult code) {
  constexpr const char* kNames[] = {"SOKR_OK",
                                    "SOKR_CAPABILITY_DENIED",
                                    "SOKR_DISPATCH_FAILED",
                                    "SOKR_TIMEOUT",
                                    "SOKR_VERSION_MISMATCH",
                                    "SOKR_NO_CAPABLE_SUBSTRATE",
                                    "SOKR_INVALID_INPUT",
                                    "SOKR_INVALID_IR",
                                    "SOKR_NOT_FOUND",
                                    "SOKR_REGISTRY_FULL"};
  const auto number = static_cast<std::uint32_t>(code);
  return number < std::size(kNames) ? kNames[number] : fmt::format("the code {}", number);
}

std::string signal_text(SokrCompletionSignal signal) {
  constexpr const char* kNames[] = {"PENDING", "COMPLETE", "FAILED", "TIMEDOUT"};
  const auto number = static_cast<std::uint32_t>(signal);
  if (signal == SOKR_COMPLETION_FORCE_32) return "no signal";
  return number < std::size(kNames) ? kNames[number] : fmt::format("the signal {}", number);
}

std::string text(const Completed& answer) {
  return fmt::format("{} with {}", code_text(answer.code), signal_text(answer.signal));
}

Tried::Tried(const SokrPlugin& library, std::uint32_t index, std::span<char> doing)
    : doing_(doing) {
  const SokrSubstrateInfo* from = library.substrates[index];
  if (from == nullptr) return;
  (void)sokr_copy_sized(&info_, sizeof info_, from, from->struct_size);
  if (info_.plugin != nullptr) table_ = *info_.plugin;
  memory_ = companion(info_.memory);
  diagnostics_ = companion(info_.diagnostics);
  kernels_ = companion(info_.kernels);
  if (kernels_ && (kernels_->prepare == nullptr || kernels_->release == nullptr)) kernels_.reset();
  if (diagnostics_ && diagnostics_->last_error == nullptr) diagnostics_.reset();
}

bool Tried::is_usable() const {
  return info_.plugin != nullptr && table_.version.major == SOKR_VERSION_MAJOR &&
         table_.capability_fn != nullptr && table_.dispatch_fn != nullptr &&
         table_.completion_fn != nullptr && table_.destroy_fn != nullptr;
}

std::span<const std::uint32_t> Tried::formats() const {
  if (info_.ir_formats == nullptr) return {};
  return {info_.ir_formats, info_.ir_format_count};
}

bool Tried::takes(std::uint32_t format) const {
  const auto all = formats();
  return std::find(all.begin(), all.end(), format) != all.end();
}

SokrResult Tried::capability(std::uint32_t format, Bytes ir, const SokrComputationId& id) const {
  const SokrCapabilityQuery query{id, format, ir.data(), ir.size()};
  SokrCapabilityResponse response{};
  note(doing_, "capability_fn of {} bytes of IR", ir.size());
  return table_.capability_fn(&query, &response);
}

Started Tried::dispatch(Bytes ir, Bytes params, const SokrComputationId& id) const {
  const SokrDispatchRequest request{
      id, 0, ir.data(), ir.size(), params.empty() ? nullptr : params.data(), params.size()};
  SokrDispatchResponse response{};
  Started started;
  note(doing_, "dispatch_fn of {} bytes of IR with {} bytes of parameters", ir.size(),
       params.size());
  started.code = table_.dispatch_fn(&request, &response);
  if (started.code == SOKR_OK) started.token = response.completion_token;
  return started;
}

Completed Tried::complete(std::uint64_t token, std::uint64_t timeout_ns) const {
  const SokrCompletionQuery query{token, timeout_ns};
  Completed answer;
  note(doing_, "completion_fn of the token {:#x} with a timeout of {} ns", token, timeout_ns);
  answer.code = table_.completion_fn(&query, &answer.signal);
  return answer;
}

void Tried::at(const char* what) const {
  note(doing_, "{}", what);
}

std::string Tried::last_error() const {
  if (!diagnostics_) return {};
  char sentence[2048] = "";
  (void)diagnostics_->last_error(sentence, sizeof sentence);
  sentence[sizeof sentence - 1] = 0;
  return sentence;
}

std::string Tried::reason() const {
  const std::string sentence = last_error();
  return sentence.empty() ? sentence : ": " + sentence;
}

const Sample* Check::quick() {
  for (const Sample& sample : subject.samples)
    if (!sample.takes_long && !sample.fails) return &sample;
  not_tried("no computation of its formats is known here; give one with --seed");
  return nullptr;
}

const Sample* Check::slow() {
  for (const Sample& sample : subject.samples)
    if (sample.takes_long) return &sample;
  return quick();
}

std::optional<std::uint64_t> Check::start(const Sample& sample) {
  const Started started = tried.dispatch(sample);
  if (started.code == SOKR_OK) return started.token;
  found("dispatch refuses '{}' with {}{}", sample.name, code_text(started.code), tried.reason());
  return std::nullopt;
}

void Check::run(const Sample& sample) {
  const auto token = start(sample);
  if (!token) return;
  const Completed end = tried.wait(*token);
  const auto right = sample.fails ? SOKR_COMPLETION_FAILED : SOKR_COMPLETION_COMPLETE;
  expect(end == Completed{SOKR_OK, right}, "'{}' ends as {}, not as {}", sample.name, text(end),
         signal_text(right));
}

std::vector<std::vector<std::uint8_t>> garbage() {
  std::vector<std::vector<std::uint8_t>> all;
  std::uint64_t state = 0x534F4B52;
  for (const std::size_t size : {0, 1, 2, 3, 4, 5, 7, 8, 16, 20, 64, 257, 4096}) {
    if (size == 0) {
      all.emplace_back();
      continue;
    }
    all.emplace_back(size, std::uint8_t{0});
    all.emplace_back(size, std::uint8_t{0xFF});
    auto& random = all.emplace_back(size);
    for (std::uint8_t& byte : random) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<std::uint8_t>(state >> 56);
    }
  }
  return all;
}

}  // namespace sokr::substrate
