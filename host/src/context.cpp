// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <set>
#include <system_error>

#include "diagnostics.hpp"
#include "kernel_state.hpp"
#include "log.hpp"
#include "raise.hpp"

namespace sokr {
namespace {

namespace fs = std::filesystem;

// Best first. A software GPU comes after our own CPU code: it must never be picked
// by accident.
constexpr std::array kOrder{
    SOKR_KIND_DISCRETE_GPU, SOKR_KIND_INTEGRATED_GPU, SOKR_KIND_VIRTUAL_GPU, SOKR_KIND_CPU,
    SOKR_KIND_SOFTWARE_GPU, SOKR_KIND_OTHER,          SOKR_KIND_REFERENCE,
};

std::size_t rank(std::uint32_t kind) {
  auto at = std::find(kOrder.begin(), kOrder.end(), static_cast<SokrSubstrateKind>(kind));
  if (at == kOrder.end()) at = std::find(kOrder.begin(), kOrder.end(), SOKR_KIND_OTHER);
  return static_cast<std::size_t>(at - kOrder.begin());
}

std::string first_bytes(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 8))) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace

struct Context::State {
  explicit State(const ContextOptions& options);

  std::vector<host::PluginRef> plugins;
  std::vector<Substrate> substrates;
  std::vector<Unavailable> unavailable;

 private:
  void load(const fs::path& path, const host::Options& options);
  void offer(const host::PluginRef& plugin);
  void pass_over(std::string name, std::string reason, SokrLogLevel level);

  std::set<host::FileId> files_;
};

Context::State::State(const ContextOptions& options) {
  host::read_log_level();
  for (const fs::path& place : host::plugin_places(options.plugin_paths)) {
    for (const fs::path& file : host::plugin_files(place)) load(file, options.options);
  }
  std::stable_sort(substrates.begin(), substrates.end(),
                   [](const Substrate& a, const Substrate& b) {
                     return rank(a.info().kind) < rank(b.info().kind);
                   });
}

void Context::State::pass_over(std::string name, std::string reason, SokrLogLevel level) {
  host::log(level, "{}: {}", name, reason);
  unavailable.push_back({std::move(name), std::move(reason)});
}

void Context::State::load(const fs::path& path, const host::Options& options) {
  host::log(SOKR_LOG_DEBUG, "plugins: {}: trying", path.string());
  const auto file = host::check_library_file(path);
  if (!file) return pass_over(path.string(), file.failure().sentence, SOKR_LOG_WARNING);
  if (!files_.insert(*file).second) {
    host::log(SOKR_LOG_DEBUG, "plugins: {}: left out: the same file is loaded already",
              path.string());
    return;
  }
  auto plugin = host::acquire_plugin(path, *file, options);
  if (!plugin) return pass_over(path.string(), plugin.failure().sentence, SOKR_LOG_WARNING);
  plugins.push_back(*plugin);
  offer(*plugin);
}

void Context::State::offer(const host::PluginRef& plugin) {
  if (plugin->ir()) {
    host::log(SOKR_LOG_DEBUG, "plugins: {}: IR plugin '{}' {} reads {}", plugin->path(),
              plugin->ir()->name, plugin->ir()->version, host::format_name(plugin->ir()->format));
  }
  for (const host::NamedReason& missing : plugin->unavailable()) {
    pass_over(missing.name, missing.reason, SOKR_LOG_INFO);
  }
  for (const auto& offered : plugin->offers()) {
    const std::string_view name = offered->info.name;
    const auto same = std::find_if(substrates.begin(), substrates.end(),
                                   [&](const Substrate& other) { return other.name() == name; });
    if (same != substrates.end()) {
      host::log(
          SOKR_LOG_INFO,
          "plugins: {}: its substrate '{}' is left out: another plugin offered that name first",
          plugin->path(), name);
      continue;
    }
    if (auto registered = host::register_with_core(*plugin, *offered); !registered) {
      pass_over(std::string(name), registered.failure().sentence, SOKR_LOG_WARNING);
      continue;
    }
    Substrate substrate;
    substrate.info_ = &offered->info;
    substrate.id_ = offered->id;
    substrates.push_back(substrate);
    host::log(SOKR_LOG_DEBUG, "plugins: {}: offers '{}' ({}), registered as {}", plugin->path(),
              name, offered->info.description, offered->id);
  }
}

Context::Context(const ContextOptions& options) : state_(std::make_unique<State>(options)) {}

Context::~Context() {
  while (!state_->plugins.empty()) state_->plugins.pop_back();
}

std::span<const Substrate> Context::substrates() const {
  return state_->substrates;
}

std::span<const Unavailable> Context::unavailable() const {
  return state_->unavailable;
}

Substrate Context::substrate(std::string_view name) const {
  std::string names;
  for (const Substrate& candidate : state_->substrates) {
    if (candidate.name() == name) return candidate;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", candidate.name());
  }
  std::string sentence = fmt::format("there is no substrate '{}'; there is {}",
                                     host::one_line(name), names.empty() ? "none" : names);
  // "vulkan" says why there is no "vulkan:0".
  const std::string_view family = name.substr(0, name.find(':'));
  for (const Unavailable& missing : state_->unavailable) {
    if (missing.name != name && missing.name != family) continue;
    sentence += fmt::format(" ({}: {})", missing.name, missing.reason);
  }
  throw Error(SOKR_NOT_FOUND, sentence);
}

Substrate Context::choose(const Kernel& kernel, std::vector<Candidate>* candidates) const {
  return choose(kernel, std::span<const Substrate>(), candidates);
}

Substrate Context::choose(const Kernel& kernel, std::span<const Substrate> except,
                          std::vector<Candidate>* candidates) const {
  const auto is_excepted = [&](const Substrate& candidate) {
    return std::any_of(except.begin(), except.end(),
                       [&](const Substrate& other) { return other.id() == candidate.id(); });
  };
  std::vector<Candidate> looked_at;
  const Substrate* chosen = nullptr;
  // As it is first; a translation only if nobody takes that.
  for (const bool passthrough : {true, false}) {
    for (const Substrate& candidate : state_->substrates) {
      if (kernel.state_->passes_through(candidate.info()) != passthrough) continue;
      if (is_excepted(candidate)) continue;
      const auto reason = candidate.why_not(kernel);
      looked_at.push_back({std::string(candidate.name()), reason.value_or("")});
      host::log(SOKR_LOG_DEBUG, "routing: {}: {}", candidate.name(),
                reason ? "passed over: " + *reason : "chosen");
      if (reason) continue;
      chosen = &candidate;
      break;
    }
    if (chosen) break;
  }
  std::string reasons;
  for (const Candidate& candidate : looked_at) {
    reasons +=
        fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", candidate.name, candidate.reason);
  }
  if (candidates) *candidates = std::move(looked_at);
  if (chosen) return *chosen;
  throw Error(SOKR_NO_CAPABLE_SUBSTRATE,
              reasons.empty()
                  ? "no substrate can run this kernel: none is loaded; SOKR_LOG=debug shows where "
                    "plugins were looked for"
                  : "no substrate can run this kernel: " + reasons);
}

Kernel Context::kernel(std::span<const std::byte> bytes) const {
  if (bytes.empty()) throw Error(SOKR_INVALID_IR, "the kernel is empty");
  std::string formats;
  for (const host::PluginRef& plugin : state_->plugins) {
    if (!plugin->ir()) continue;
    const SokrIrPlugin& ir = *plugin->ir();
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (!ir.recognise(data, bytes.size())) {
      formats += fmt::format("{}{}", formats.empty() ? "" : ", ", host::format_name(ir.format));
      continue;
    }
    auto state = std::make_shared<Kernel::State>(plugin, bytes);
    host::check(state->open());
    Kernel kernel;
    kernel.state_ = std::move(state);
    return kernel;
  }
  if (formats.empty()) {
    throw Error(SOKR_INVALID_IR,
                "no IR plugin is loaded, so no kernel can be read; SOKR_LOG=debug shows where "
                "plugins were looked for");
  }
  throw Error(
      SOKR_INVALID_IR,
      fmt::format("the kernel begins with the bytes {}, which is no known format; known: {}",
                  first_bytes(bytes), formats));
}

std::vector<std::byte> read_file(const fs::path& path) {
  const auto failed = [&](int code) {
    return Error(SOKR_NOT_FOUND, fmt::format("'{}' cannot be read: {}", path.string(),
                                             std::generic_category().message(code)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw failed(errno);
  std::vector<std::byte> bytes;
  std::array<std::byte, 65536> chunk;
  std::size_t count = 0;
  while ((count = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(file.get())) throw failed(errno);
  return bytes;
}

}  // namespace sokr
