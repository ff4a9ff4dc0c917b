// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The tables of the substrate that is tried, copied as far as they reach, and its functions called
// directly, without the core between that would put answers right.
#ifndef SOKR_SUBSTRATE_CONFORMANCE_TRIED_HPP_
#define SOKR_SUBSTRATE_CONFORMANCE_TRIED_HPP_

#include <fmt/format.h>

#include <optional>
#include <sokr/base/fenced.hpp>
#include <sokr/substrate/conformance.hpp>
#include <string_view>
#include <utility>

namespace sokr::substrate {

using Bytes = std::span<const std::uint8_t>;

// "SOKR_INVALID_INPUT", or the number.
std::string code_text(SokrResult code);
std::string signal_text(SokrCompletionSignal signal);

struct Started {
  SokrResult code = SOKR_OK;
  std::uint64_t token = 0;
};
struct Completed {
  SokrResult code = SOKR_OK;
  SokrCompletionSignal signal = SOKR_COMPLETION_FORCE_32;
  bool operator==(const Completed&) const = default;
  bool is_terminal() const {
    return code == SOKR_OK &&
           (signal == SOKR_COMPLETION_COMPLETE || signal == SOKR_COMPLETION_FAILED);
  }
};
std::string text(const Completed& answer);

class Tried {
 public:
  // Of a table that another call of `main` returned, too.
  Tried(const SokrPlugin& library, std::uint32_t index, std::span<char> doing = {});

  // False if its vtable is out of reach, or lacks a function.
  bool is_usable() const;
  const SokrSubstrateInfo& info() const { return info_; }
  const SokrSubstratePlugin& table() const { return table_; }
  const std::optional<SokrMemoryTable>& memory() const { return memory_; }
  const std::optional<SokrDiagnosticsTable>& diagnostics() const { return diagnostics_; }
  const std::optional<SokrKernelTable>& kernels() const { return kernels_; }
  std::span<const std::uint32_t> formats() const;
  bool takes(std::uint32_t format) const;

  SokrResult capability(std::uint32_t format, Bytes ir, const SokrComputationId& id = {}) const;
  Started dispatch(Bytes ir, Bytes params, const SokrComputationId& id = {}) const;
  Started dispatch(const Sample& sample) const { return dispatch(sample.ir, sample.params); }
  Completed complete(std::uint64_t token, std::uint64_t timeout_ns) const;
  Completed wait(std::uint64_t token) const { return complete(token, UINT64_MAX); }
  // Notes what is called next.
  void at(const char* what) const;
  // Empty without a diagnostics table.
  std::string last_error() const;
  // ": the sentence", or nothing.
  std::string reason() const;

 private:
  std::span<char> doing_;
  SokrSubstrateInfo info_{};
  SokrSubstratePlugin table_{};
  std::optional<SokrMemoryTable> memory_;
  std::optional<SokrDiagnosticsTable> diagnostics_;
  std::optional<SokrKernelTable> kernels_;
};

// One check of one rule.
class Check {
 public:
  Check(const Subject& of, Outcome& out)
      : subject(of), tried(*of.plugin, of.index, of.doing), out_(out) {}

  const Subject& subject;
  const Tried tried;

  bool is_done() const { return out_.found.size() >= kMost; }
  template <class... Args>
  void found(fmt::format_string<Args...> format, Args&&... args) {
    if (!is_done()) out_.found.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  // True if it is so.
  template <class... Args>
  bool expect(bool is_so, fmt::format_string<Args...> format, Args&&... args) {
    if (!is_so) found(format, std::forward<Args>(args)...);
    return is_so;
  }
  void not_tried(std::string_view why) { out_.not_tried = why; }

  // The first sample that ends at once, or takes long; null, and noted as the reason why the rule
  // is not tried, if there is none.
  const Sample* quick();
  const Sample* slow();
  // Starts it, and says so if it does not start.
  std::optional<std::uint64_t> start(const Sample& sample);
  // Starts it, waits, and compares how it ended.
  void run(const Sample& sample);

 private:
  static constexpr std::size_t kMost = 4;
  Outcome& out_;
};

// What is no computation in any format.
std::vector<std::vector<std::uint8_t>> garbage();

void check_structures(Check& check);
void check_functions(Check& check);
void check_version(Check& check);
void check_null_capability(Check& check);
void check_borrowed_ir(Check& check);
void check_promises(Check& check);
void check_null_dispatch(Check& check);
void check_token_range(Check& check);
void check_unique_tokens(Check& check);
void check_computation_id(Check& check);
void check_bounds(Check& check);
void check_handles(Check& check);
void check_params(Check& check);
void check_null_completion(Check& check);
void check_blocking(Check& check);
void check_signals(Check& check);
void check_sticky(Check& check);
void check_waits_end(Check& check);
void check_unknown_tokens(Check& check);
void check_sentences(Check& check);
void check_sentence_memory(Check& check);
void check_sentence_threads(Check& check);
void check_unknown_diagnostics(Check& check);
void check_buffers(Check& check);
void check_bad_buffers(Check& check);
void check_buffer_handles(Check& check);
void check_threads(Check& check);
void check_left_threads(Check& check);
void check_retires(Check& check);
void check_forked(Check& check);
void check_gone(Check& check);
void check_again(Check& check);

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_CONFORMANCE_TRIED_HPP_
