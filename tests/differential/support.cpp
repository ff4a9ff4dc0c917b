// SPDX-License-Identifier: MIT OR Apache-2.0
#include "support.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace sokr::differential {
namespace {

std::array<char, 256> note{};
std::array<struct sigaction, 32> previous{};  // by signal number

void write_text(const char* text) {
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

void on_signal(int signal) {
  write_text("\nfatal signal ");
  const std::array<char, 3> digits{static_cast<char>('0' + signal / 10),
                                   static_cast<char>('0' + signal % 10), '\0'};
  write_text(digits.data());
  write_text(" ");
  write_text(note.data());
  write_text("\n");
  // What was there before, a sanitizer's report or the end, meets the same fault again.
  sigaction(signal, &previous[static_cast<std::size_t>(signal)], nullptr);
}

// True if the processor has what this value of SOKR_CPU_ISA needs.
bool has_isa(std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "sse4") return __builtin_cpu_supports("sse4.2");
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512")
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return true;
#else
  return isa != "sse4" && isa != "avx2" && isa != "avx512";
#endif
}

bool mentions(const SokrSubstrateInfo& info, std::string_view word) {
  if (std::string_view(info.description).find(word) != std::string_view::npos) return true;
  for (std::uint32_t i = 0; i < info.fact_count; ++i)
    if (std::string_view(info.facts[i].value).find(word) != std::string_view::npos) return true;
  return false;
}

}  // namespace

const std::vector<std::uint64_t> kLavapipeWrong = {};

std::optional<Substrate> find_substrate(const Context& context, const std::string& name) {
  const char* isa = std::getenv("SOKR_CPU_ISA");
  if (name == "cpu" && isa != nullptr && !has_isa(isa)) {
    fmt::print("skipped: this processor does not have {}\n", isa);
    return std::nullopt;
  }
  if (name != "vulkan") return context.substrate(name);
  for (const Substrate& substrate : context.substrates())
    if (substrate.name().starts_with("vulkan:")) return substrate;
  fmt::print("skipped: there is no Vulkan device\n");
  return std::nullopt;
}

bool is_packaged_lavapipe(const Substrate& substrate) {
  return substrate.name().starts_with("vulkan") && mentions(substrate.info(), "llvmpipe") &&
         mentions(substrate.info(), "Mesa 22.3");
}

void report_crashes() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    sigaction(signal, &action, &previous[static_cast<std::size_t>(signal)]);
}

void crash_note(std::string_view what) {
  const std::size_t size = std::min(what.size(), note.size() - 1);
  std::memcpy(note.data(), what.data(), size);
  note[size] = '\0';
}

}  // namespace sokr::differential
