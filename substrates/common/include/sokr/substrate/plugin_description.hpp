// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a plugin library tells the host, built from ordinary strings, and what the
// host tells the library. A plugin's main.cpp is then
//
//     extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* info) {
//       return sokr::substrate::plugin_main(info, "cpu", SOKR_PROJECT_VERSION,
//           [](const Host& host, PluginDescription& plugin) -> Result<void> {
//             host.log_debug("looking at {} cores", n);
//             SOKR_ASSIGN(auto exported, Exporter<CpuSubstrate, 4>::install(...));
//             plugin.add({.name = "cpu", .kind = SOKR_KIND_CPU, ...}, exported);
//             return {};
//           });
//     }
#ifndef SOKR_SUBSTRATE_PLUGIN_DESCRIPTION_HPP_
#define SOKR_SUBSTRATE_PLUGIN_DESCRIPTION_HPP_

#include <fmt/format.h>
#include <sokr/compute.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <sokr/base/elements.hpp>
#include <sokr/base/result.hpp>
#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/fork_watch.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sokr::substrate {

// The host, as the plugin sees it: a log, options, and a trace. Cheap to copy; valid as long as
// the library. Any thread. A null SokrHostInfo logs nothing, has no options and traces nothing.
class Host {
 public:
  explicit Host(const SokrHostInfo* info = nullptr) : info_(info) {}

  bool logs(SokrLogLevel level) const {
    return info_ != nullptr && info_->log != nullptr &&
           static_cast<std::uint32_t>(level) <= info_->log_level;
  }
  // The arguments are formatted only if somebody listens. Never throws.
  template <class... Args>
  void log_error(fmt::format_string<Args...> format, Args&&... args) const noexcept {
    log(SOKR_LOG_ERROR, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void log_warning(fmt::format_string<Args...> format, Args&&... args) const noexcept {
    log(SOKR_LOG_WARNING, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void log_info(fmt::format_string<Args...> format, Args&&... args) const noexcept {
    log(SOKR_LOG_INFO, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void log_debug(fmt::format_string<Args...> format, Args&&... args) const noexcept {
    log(SOKR_LOG_DEBUG, format, std::forward<Args>(args)...);
  }
  void log_line(SokrLogLevel level, std::string_view line) const noexcept;

  // By full key: "cpu.threads". Empty if it is not given.
  std::optional<std::string_view> option(std::string_view key) const noexcept;
  // A whole number from `least` to `most`; `fallback` if not given. SOKR_INVALID_INPUT with
  // a sentence otherwise.
  Result<std::uint64_t> number_option(std::string_view key, std::uint64_t fallback,
                                      std::uint64_t least, std::uint64_t most) const;
  // "1", "true", "on", "yes" or "0", "false", "off", "no".
  Result<bool> flag_option(std::string_view key, bool fallback) const;

  // The same answer as long as the library: if not, nobody need read a clock for a slice.
  bool traces() const {
    return info_ != nullptr && SOKR_HAS(SokrHostInfo, info_, trace_context) &&
           info_->trace != nullptr;
  }
  // Of the calling thread; only if it traces. struct_size is filled in.
  void trace(SokrTraceSlice slice) const noexcept;

 private:
  template <class... Args>
  void log(SokrLogLevel level, fmt::format_string<Args...> format, Args&&... args) const noexcept {
    if (!logs(level)) return;
    try {
      log_line(level, fmt::format(format, std::forward<Args>(args)...));
    } catch (...) {
      log_line(level, "out of memory while writing a log line");
    }
  }
  const SokrHostInfo* info_;
};

struct SubstrateDescription {
  std::string name;         // "vulkan:0"
  std::string description;  // for people
  SokrSubstrateKind kind = SOKR_KIND_OTHER;
  std::vector<std::uint32_t> ir_formats;
  std::vector<std::pair<std::string, std::string>> facts;
  std::optional<SokrComputeLimits> limits;  // struct_size is filled in
};

class PluginDescription {
 public:
  PluginDescription(std::string name, std::string version);
  ~PluginDescription();
  PluginDescription(const PluginDescription&) = delete;
  PluginDescription& operator=(const PluginDescription&) = delete;

  void add(SubstrateDescription substrate, const Exported& exported);
  void add_unavailable(std::string name, std::string reason);

  // The C form, with addresses that stay as long as this object. Nothing may be
  // added afterwards.
  const SokrPlugin* c_plugin();

 private:
  struct Substrate;
  struct Unavailable {
    std::string name, reason;
  };
  std::string name_, version_;
  std::vector<std::unique_ptr<Substrate>> substrates_;
  std::vector<Unavailable> unavailable_;
  std::vector<const SokrSubstrateInfo*> c_substrates_;
  std::vector<SokrUnavailable> c_unavailable_;
  SokrPlugin c_plugin_{};
};

namespace detail {
const SokrPlugin* keep_for_ever(std::unique_ptr<PluginDescription> description);
void add_unavailable_noexcept(PluginDescription& description, const char* name,
                              Failure failure) noexcept;
bool speaks_our_version(const SokrHostInfo* info) noexcept;
// What the host passed, whatever its version. SOKR_INVALID_INPUT if its sizes make no sense.
Result<Elements<SokrFact>> options_of(const SokrHostInfo& info);
}  // namespace detail

// Runs `find(host, description)`, which returns Result<void>, and publishes the
// description for as long as the library lives. A failure or exception becomes an
// "unavailable" entry; what was added before it stays. Null for a host of another major
// version, or when memory ran out. A child that was forked after substrates had been made is
// offered none.
template <class Find>
const SokrPlugin* plugin_main(const SokrHostInfo* info, const char* name, const char* version,
                              Find&& find) noexcept {
  if (!detail::speaks_our_version(info)) return nullptr;
  try {
    auto description = std::make_unique<PluginDescription>(name, version);
    try {
      Result<void> found;
      if (is_forked()) {
        found = Failure{SOKR_CAPABILITY_DENIED, kForkedSentence};
      } else if (Result<Elements<SokrFact>> options =
                     info ? detail::options_of(*info) : Elements<SokrFact>();
                 !options) {
        found = std::move(options).failure();
      } else {
        found = find(Host(info), *description);
      }
      if (!found) detail::add_unavailable_noexcept(*description, name, std::move(found).failure());
    } catch (...) {
      detail::add_unavailable_noexcept(*description, name, failure_from_exception());
    }
    return detail::keep_for_ever(std::move(description));
  } catch (...) {
    return nullptr;
  }
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_PLUGIN_DESCRIPTION_HPP_
