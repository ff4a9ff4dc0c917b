// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "diagnostics.hpp"
#include "fork.hpp"
#include "kernel_guess.hpp"
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

// "vulkan:uuid=6c6c766d..." names the one of that family whose device has this UUID, whatever the
// order in which drivers offer devices. Dashes between the digits, and capitals, do not matter.
bool has_uuid(const SokrSubstrateInfo& info, std::string_view name) {
  constexpr std::string_view kMark = ":uuid=";
  const std::size_t mark = name.find(kMark);
  const std::string_view own = info.name;
  if (mark == std::string_view::npos || own.substr(0, own.find(':')) != name.substr(0, mark))
    return false;
  std::string wanted;
  for (const char digit : name.substr(mark + kMark.size())) {
    if (digit != '-')
      wanted += digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + 32) : digit;
  }
  for (std::uint32_t i = 0; i < info.fact_count; ++i) {
    const SokrFact& fact = info.facts[i];
    if (std::string_view(fact.key) == "device_uuid") return fact.value == wanted;
  }
  return false;
}

}  // namespace

// What was found at construction, and what of it was opened so far. Everything but the
// constructor, the destructor and file_count is called with `lock` entered.
struct Context::State {
  explicit State(const ContextOptions& options);
  ~State();

  // Opens what may offer it, and what declares nothing.
  void open_for_name(std::string_view name);
  void open_for_kind(SokrSubstrateKind kind);
  void open_all();
  // Traces what stayed closed: "'cpu' was asked for".
  void trace_closed(std::string_view reason) const;

  // Of those that are open, best first.
  const Substrate* find(std::string_view name) const;
  std::vector<Substrate> of_kind(SokrSubstrateKind kind) const;
  // The IR plugin behind the `number`th file, if it has one. Opens it if it may have.
  host::PluginRef ir_plugin(std::size_t number);
  std::size_t file_count() const { return files_.size(); }

  host::CallLock lock;
  // All of them; complete once open_all has been called.
  std::vector<Substrate> substrates;
  std::vector<Unavailable> unavailable;

 private:
  struct File {
    fs::path path;
    host::LibraryFacts facts;
    bool opened = false;
    host::PluginRef plugin;
  };
  struct Offered {
    Substrate substrate;
    std::size_t file = 0;
  };
  struct PassedOver {
    Unavailable missing;
    std::size_t place = 0;  // that of the file, or of the one behind it
  };

  void find_file(const fs::path& path);
  void open(std::size_t number);
  void offer(std::size_t number);
  void add(Substrate substrate, std::size_t file);
  void pass_over(std::size_t place, std::string name, std::string reason, SokrLogLevel level);

  host::Options options_;
  std::vector<File> files_;  // in the order in which names are given out
  std::vector<std::size_t> opened_;
  std::vector<Offered> offered_;         // best first
  std::vector<PassedOver> passed_over_;  // in the order of files
  bool complete_ = false;
};

Context::State::State(const ContextOptions& options) : options_(options.options) {
  host::read_log_level();
  const std::pair<std::string, std::string> named_only("host.plugins", "named");
  const bool everywhere = std::find(options_.begin(), options_.end(), named_only) == options_.end();
  for (const host::PluginPlace& place : host::plugin_places(options.plugin_paths, everywhere)) {
    for (const fs::path& file : host::plugin_files(place)) find_file(file);
  }
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].facts.declares.empty()) open(i);
  }
}

// In the reverse order of opening.
Context::State::~State() {
  for (auto number = opened_.rbegin(); number != opened_.rend(); ++number) {
    files_[*number].plugin.reset();
  }
}

void Context::State::pass_over(std::size_t place, std::string name, std::string reason,
                               SokrLogLevel level) {
  host::log(level, "{}: {}", name, reason);
  const auto behind =
      std::upper_bound(passed_over_.begin(), passed_over_.end(), place,
                       [](std::size_t at, const PassedOver& other) { return at < other.place; });
  passed_over_.insert(behind, {{std::move(name), std::move(reason)}, place});
}

void Context::State::find_file(const fs::path& path) {
  auto facts = host::check_library_file(path);
  if (!facts) {
    return pass_over(files_.size(), path.string(), facts.failure().sentence, SOKR_LOG_WARNING);
  }
  const bool known = std::any_of(files_.begin(), files_.end(),
                                 [&](const File& file) { return file.facts.id == facts->id; });
  if (known) {
    host::log(SOKR_LOG_DEBUG, "plugins: {}: left out: the same file is loaded already",
              path.string());
    return;
  }
  if (!facts->declares.empty()) {
    host::log(SOKR_LOG_DEBUG, "plugins: {}: declares {}", path.string(), facts->declares.text());
  }
  files_.push_back({path, *std::move(facts), false, {}});
}

void Context::State::open(std::size_t number) {
  File& file = files_[number];
  if (file.opened) return;
  file.opened = true;
  host::log(SOKR_LOG_DEBUG, "plugins: {}: trying", file.path.string());
  auto plugin = host::acquire_plugin(file.path, file.facts, options_);
  if (!plugin) {
    return pass_over(number, file.path.string(), plugin.failure().sentence, SOKR_LOG_WARNING);
  }
  file.plugin = *plugin;
  opened_.push_back(number);
  offer(number);
}

void Context::State::open_for_name(std::string_view name) {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].facts.declares.may_offer(name)) open(i);
  }
}

void Context::State::open_for_kind(SokrSubstrateKind kind) {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].facts.declares.may_offer_kind(kind)) open(i);
  }
}

void Context::State::trace_closed(std::string_view reason) const {
  for (const File& file : files_) {
    if (file.opened) continue;
    host::log(SOKR_LOG_DEBUG, "plugins: {}: not opened: {}, and it declares {}", file.path.string(),
              reason, file.facts.declares.text());
  }
}

void Context::State::open_all() {
  if (complete_) return;
  for (std::size_t i = 0; i < files_.size(); ++i) open(i);
  // Both or none: what is listed is listed once, also if memory ran out on the way.
  std::vector<Substrate> all;
  for (const Offered& offered : offered_) all.push_back(offered.substrate);
  std::vector<Unavailable> missing;
  for (const PassedOver& passed : passed_over_) missing.push_back(passed.missing);
  substrates = std::move(all);
  unavailable = std::move(missing);
  complete_ = true;
}

const Substrate* Context::State::find(std::string_view name) const {
  for (const Offered& offered : offered_) {
    if (offered.substrate.name() == name || has_uuid(offered.substrate.info(), name))
      return &offered.substrate;
  }
  return nullptr;
}

std::vector<Substrate> Context::State::of_kind(SokrSubstrateKind kind) const {
  std::vector<Substrate> found;
  for (const Offered& offered : offered_) {
    if (rank(offered.substrate.info().kind) == rank(kind)) found.push_back(offered.substrate);
  }
  return found;
}

host::PluginRef Context::State::ir_plugin(std::size_t number) {
  const File& file = files_[number];
  if (!file.opened && file.facts.declares.may_read_ir()) open(number);
  return file.plugin && file.plugin->ir() ? file.plugin : nullptr;
}

void Context::State::add(Substrate substrate, std::size_t file) {
  const auto before = [](const Offered& a, const Offered& b) {
    return std::pair(rank(a.substrate.info().kind), a.file) <
           std::pair(rank(b.substrate.info().kind), b.file);
  };
  const Offered offered{substrate, file};
  offered_.insert(std::upper_bound(offered_.begin(), offered_.end(), offered, before), offered);
}

void Context::State::offer(std::size_t number) {
  const host::PluginRef plugin = files_[number].plugin;
  if (plugin->ir()) {
    host::log(SOKR_LOG_DEBUG, "plugins: {}: IR plugin '{}' {} reads {}", plugin->path(),
              plugin->ir()->name, plugin->ir()->version, host::format_name(plugin->ir()->format));
  }
  for (const host::NamedReason& missing : plugin->unavailable()) {
    pass_over(number, missing.name, missing.reason, SOKR_LOG_INFO);
  }
  for (const auto& offered : plugin->offers()) {
    const std::string_view name = offered->info.name;
    // A name is the first file's, whichever is opened first.
    for (std::size_t i = 0; i < number; ++i) {
      if (files_[i].facts.declares.may_offer(name)) open(i);
    }
    if (find(name)) {
      host::log(
          SOKR_LOG_INFO,
          "plugins: {}: its substrate '{}' is left out: another plugin offered that name first",
          plugin->path(), name);
      continue;
    }
    if (auto registered = host::register_with_core(*plugin, *offered); !registered) {
      pass_over(number, std::string(name), registered.failure().sentence, SOKR_LOG_WARNING);
      continue;
    }
    Substrate substrate;
    substrate.info_ = &offered->info;
    substrate.id_ = offered->id;
    add(substrate, number);
    host::log(SOKR_LOG_DEBUG, "plugins: {}: offers '{}' ({}), registered as {}", plugin->path(),
              name, offered->info.description, offered->id);
  }
}

Context::Context(const ContextOptions& options) : state_(std::make_unique<State>(options)) {}

Context::~Context() = default;

std::span<const Substrate> Context::substrates() const {
  host::check(state_->lock.enter());
  const host::Entered inside(state_->lock);
  state_->open_all();
  return state_->substrates;
}

std::span<const Unavailable> Context::unavailable() const {
  host::check(state_->lock.enter());
  const host::Entered inside(state_->lock);
  state_->open_all();
  return state_->unavailable;
}

Substrate Context::substrate(std::string_view name) const {
  {
    host::check(state_->lock.enter());
    const host::Entered inside(state_->lock);
    state_->open_for_name(name);
    if (const Substrate* found = state_->find(name)) {
      state_->trace_closed(fmt::format("'{}' was asked for", name));
      return *found;
    }
  }
  std::string names;
  for (const Substrate& candidate : substrates()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", candidate.name());
  }
  std::string sentence = fmt::format("there is no substrate '{}'; there is {}",
                                     host::one_line(name), names.empty() ? "none" : names);
  // "vulkan" says why there is no "vulkan:0".
  const std::string_view family = name.substr(0, name.find(':'));
  for (const Unavailable& missing : unavailable()) {
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
  // Asks one candidate after the other; empty if none of this kind accepts. Plugins that can
  // only offer worse kinds stay closed meanwhile.
  std::vector<Candidate> looked_at;
  const auto choose_of = [&](SokrSubstrateKind kind, bool passthrough) -> std::optional<Substrate> {
    std::vector<Substrate> of_kind;
    {
      host::check(state_->lock.enter());
      const host::Entered inside(state_->lock);
      state_->open_for_kind(kind);
      of_kind = state_->of_kind(kind);
    }
    for (const Substrate& candidate : of_kind) {
      if (kernel.state_->passes_through(candidate.info()) != passthrough) continue;
      if (is_excepted(candidate)) continue;
      const auto reason = candidate.why_not(kernel);
      looked_at.push_back({std::string(candidate.name()), reason.value_or("")});
      host::log(SOKR_LOG_DEBUG, "routing: {}: {}", candidate.name(),
                reason ? "passed over: " + *reason : "chosen");
      if (!reason) return candidate;
    }
    return std::nullopt;
  };
  std::optional<Substrate> chosen;
  // As it is first; a translation only if nobody takes that.
  for (const bool passthrough : {true, false}) {
    for (const SokrSubstrateKind kind : kOrder) {
      if (!chosen) chosen = choose_of(kind, passthrough);
    }
  }
  std::string reasons;
  for (const Candidate& candidate : looked_at) {
    reasons +=
        fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", candidate.name, candidate.reason);
  }
  if (candidates) *candidates = std::move(looked_at);
  if (chosen) {
    host::check(state_->lock.enter());
    const host::Entered inside(state_->lock);
    state_->trace_closed(fmt::format("'{}' was chosen before", chosen->name()));
    return *chosen;
  }
  throw Error(SOKR_NO_CAPABLE_SUBSTRATE,
              reasons.empty()
                  ? "no substrate can run this kernel: none is loaded; SOKR_LOG=debug shows where "
                    "plugins were looked for"
                  : "no substrate can run this kernel: " + reasons);
}

Kernel Context::kernel(std::span<const std::byte> bytes) const {
  if (bytes.empty()) throw Error(SOKR_INVALID_IR, "the kernel is empty");
  std::string formats;
  for (std::size_t i = 0; i < state_->file_count(); ++i) {
    host::PluginRef plugin;
    {
      host::check(state_->lock.enter());
      const host::Entered inside(state_->lock);
      plugin = state_->ir_plugin(i);
    }
    if (!plugin) continue;
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
  if (const std::string guess = host::guess_kernel(bytes); !guess.empty()) {
    throw Error(SOKR_INVALID_IR, "the kernel is " + guess);
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
  std::error_code unknown;  // a pipe has no size
  if (const auto size = fs::file_size(path, unknown); !unknown) bytes.reserve(size);
  std::array<std::byte, 65536> chunk;
  std::size_t count = 0;
  while ((count = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(file.get())) throw failed(errno);
  return bytes;
}

}  // namespace sokr
