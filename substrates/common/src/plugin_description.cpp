// SPDX-License-Identifier: MIT OR Apache-2.0
#include <charconv>
#include <cstddef>
#include <mutex>
#include <sokr/substrate/keep_loaded.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <system_error>

namespace sokr::substrate {
struct PluginDescription::Substrate {
  SubstrateDescription text;
  std::vector<SokrFact> facts;
  SokrSubstrateInfo info{};
};

void Host::log_line(SokrLogLevel level, std::string_view line) const noexcept {
  if (!logs(level)) return;
  try {
    const std::string terminated(line);
    info_->log(info_->log_context, static_cast<std::uint32_t>(level), terminated.c_str());
  } catch (...) {
    info_->log(info_->log_context, static_cast<std::uint32_t>(level), "out of memory");
  }
}

void Host::trace(SokrTraceSlice slice) const noexcept {
  slice.struct_size = sizeof slice;
  info_->trace(info_->trace_context, &slice);
}

std::optional<std::string_view> Host::option(std::string_view key) const noexcept {
  if (info_ == nullptr) return std::nullopt;
  const auto options = detail::options_of(*info_);
  if (!options) return std::nullopt;  // the library offers nothing then
  for (std::uint32_t i = 0; i < options->size(); ++i) {
    const SokrFact option = (*options)[i];
    if (option.key != nullptr && option.value != nullptr && key == option.key) return option.value;
  }
  return std::nullopt;
}

Result<std::uint64_t> Host::number_option(std::string_view key, std::uint64_t fallback,
                                          std::uint64_t least, std::uint64_t most) const {
  const std::optional<std::string_view> text = option(key);
  if (!text) return fallback;
  std::uint64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    return fail(SOKR_INVALID_INPUT, "option {} is \"{}\"; it must be a whole number from {} to {}",
                key, *text, least, most);
  }
  return value;
}

Result<bool> Host::flag_option(std::string_view key, bool fallback) const {
  const std::optional<std::string_view> text = option(key);
  if (!text) return fallback;
  for (std::string_view yes : {"1", "true", "on", "yes"}) {
    if (*text == yes) return true;
  }
  for (std::string_view no : {"0", "false", "off", "no"}) {
    if (*text == no) return false;
  }
  return fail(SOKR_INVALID_INPUT, "option {} is \"{}\"; it must be on or off", key, *text);
}

PluginDescription::PluginDescription(std::string name, std::string version)
    : name_(std::move(name)), version_(std::move(version)) {}

PluginDescription::~PluginDescription() = default;

void PluginDescription::add(SubstrateDescription substrate, const Exported& exported) {
  auto owned = std::make_unique<Substrate>();
  owned->text = std::move(substrate);
  SubstrateDescription& text = owned->text;
  for (const auto& [key, value] : text.facts) {
    owned->facts.push_back({key.c_str(), value.c_str()});
  }
  if (text.limits) text.limits->struct_size = sizeof(SokrComputeLimits);
  owned->info = {sizeof(SokrSubstrateInfo),
                 static_cast<std::uint32_t>(text.kind),
                 text.name.c_str(),
                 text.description.c_str(),
                 exported.plugin,
                 text.ir_formats.data(),
                 static_cast<std::uint32_t>(text.ir_formats.size()),
                 static_cast<std::uint32_t>(owned->facts.size()),
                 owned->facts.data(),
                 text.limits ? &*text.limits : nullptr,
                 exported.memory,
                 exported.diagnostics,
                 sizeof(SokrFact),
                 0,
                 exported.kernels};
  substrates_.push_back(std::move(owned));
}

void PluginDescription::add_unavailable(std::string name, std::string reason) {
  unavailable_.push_back({std::move(name), std::move(reason)});
}

const SokrPlugin* PluginDescription::c_plugin() {
  c_substrates_.clear();
  c_unavailable_.clear();
  for (const auto& substrate : substrates_) c_substrates_.push_back(&substrate->info);
  for (const Unavailable& u : unavailable_) {
    c_unavailable_.push_back({u.name.c_str(), u.reason.c_str()});
  }
  c_plugin_ = {sizeof(SokrPlugin),
               SOKR_COMPUTE_VERSION,
               name_.c_str(),
               version_.c_str(),
               c_substrates_.data(),
               c_unavailable_.data(),
               static_cast<std::uint32_t>(c_substrates_.size()),
               static_cast<std::uint32_t>(c_unavailable_.size()),
               sizeof(SokrUnavailable),
               0};
  return &c_plugin_;
}

namespace detail {

const SokrPlugin* keep_for_ever(std::unique_ptr<PluginDescription> description) {
  // Never destroyed: hosts read names and facts for as long as the process lives, in destructors of
  // static objects and on threads that are still there while it ends. So the library stays, too.
  keep_loaded();
  static std::mutex& mutex = *new std::mutex;
  static auto& kept = *new std::vector<std::unique_ptr<PluginDescription>>;
  const SokrPlugin* plugin = description->c_plugin();
  std::lock_guard lock(mutex);
  kept.push_back(std::move(description));
  return plugin;
}

void add_unavailable_noexcept(PluginDescription& description, const char* name,
                              Failure failure) noexcept {
  try {
    description.add_unavailable(name, std::move(failure.sentence));
  } catch (...) {
  }
}

bool speaks_our_version(const SokrHostInfo* info) noexcept {
  if (info == nullptr) return true;
  return SOKR_HAS(SokrHostInfo, info, log_level) &&
         info->compute_version >> 16 == SOKR_COMPUTE_VERSION >> 16;
}

Result<Elements<SokrFact>> options_of(const SokrHostInfo& info) {
  if (!SOKR_HAS(SokrHostInfo, &info, options)) return Elements<SokrFact>();
  const bool says_size = SOKR_HAS(SokrHostInfo, &info, option_size);
  return Elements<SokrFact>::of(info.options, info.option_count,
                                says_size ? info.option_size : SOKR_FACT_SIZE_1_0,
                                SOKR_FACT_SIZE_1_0, "SokrFact of an option");
}

SokrResult gone(std::size_t slot) noexcept {
  try {
    record_error(slot, is_forked() ? kForkedSentence : "this substrate is destroyed");
  } catch (...) {
    record_error(slot, {});
  }
  return is_forked() ? SOKR_DISPATCH_FAILED : SOKR_NOT_FOUND;
}

SokrResult bad_argument(std::size_t slot, const char* what) noexcept {
  try {
    record_error(slot, fmt::format("{} is null", what));
  } catch (...) {
    record_error(slot, {});
  }
  return SOKR_INVALID_INPUT;
}

}  // namespace detail

}  // namespace sokr::substrate
