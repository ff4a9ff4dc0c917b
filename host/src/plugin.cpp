// SPDX-License-Identifier: MIT OR Apache-2.0
#include "plugin.hpp"

#include <unistd.h>

#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <sokr/base/elements.hpp>
#include <string_view>

#include "log.hpp"
#include "sized.hpp"
#include "trace.hpp"

namespace sokr::host {
namespace {

constexpr std::size_t kMaxNameSize = 63;
constexpr std::uint32_t kMaxListSize = 65536;

void log_from_plugin(void* context, std::uint32_t level, const char* line) {
  if (!line || level > SOKR_LOG_DEBUG) return;
  const auto& path = *static_cast<const std::string*>(context);
  try {
    log(static_cast<SokrLogLevel>(level), "{}: {}", std::filesystem::path(path).filename().string(),
        line);
  } catch (...) {
    // Out of memory: the line is lost, the plugin goes on.
  }
}

// Runs a plugin's entry function; what it throws becomes a failure.
template <class Call>
auto guarded(const char* what, Call call) -> Result<decltype(call())> {
  try {
    return call();
  } catch (const std::exception& error) {
    return fail(SOKR_DISPATCH_FAILED, "its {} threw an exception: {}", what, error.what());
  } catch (...) {
    return fail(SOKR_DISPATCH_FAILED, "its {} threw an exception", what);
  }
}

Result<void> check_version(const char* header, std::uint32_t plugin, std::uint32_t host) {
  if (plugin >> 16 == host >> 16) return {};
  return fail(SOKR_VERSION_MISMATCH, "it was built for version {}.{} of {}; this host needs {}.x",
              plugin >> 16, plugin & 0xFFFF, header, host >> 16);
}

Result<void> check_name(const char* name) {
  const std::string_view text = name ? name : "";
  if (text.empty()) return fail(SOKR_INVALID_INPUT, "it offers a substrate without a name");
  if (text.size() > kMaxNameSize) {
    return fail(SOKR_INVALID_INPUT,
                "it offers a substrate with a name of {} bytes; at most {} are allowed",
                text.size(), kMaxNameSize);
  }
  for (const char c : text) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_' ||
                         c == '.' || c == '-';
    if (!allowed) {
      return fail(SOKR_INVALID_INPUT,
                  "it offers a substrate named '{}'; a name consists of [a-z0-9:_.-]",
                  one_line(text));
    }
  }
  return {};
}

// A companion table: absent, or copied as far as it reaches.
template <class T>
Result<const T*> companion(const T* from, std::size_t least, const char* type, T& copy) {
  if (!from) return static_cast<const T*>(nullptr);
  SOKR_ASSIGN(copy, sized_copy(from, least, type));
  return static_cast<const T*>(&copy);
}

Result<void> copy_lists(const SokrSubstrateInfo& info, Offer& offer) {
  if (info.ir_format_count > kMaxListSize || info.fact_count > kMaxListSize) {
    return fail(SOKR_INVALID_INPUT, "its substrate '{}' claims {} IR formats and {} facts",
                info.name, info.ir_format_count, info.fact_count);
  }
  if (info.ir_formats)
    offer.formats.assign(info.ir_formats, info.ir_formats + info.ir_format_count);
  const bool says_size = SOKR_HAS(SokrSubstrateInfo, &info, fact_size);
  SOKR_ASSIGN(const auto facts,
              Elements<SokrFact>::of(info.facts, info.fact_count,
                                     says_size ? info.fact_size : SOKR_FACT_SIZE_1_0,
                                     SOKR_FACT_SIZE_1_0, "SokrFact"));
  for (std::uint32_t i = 0; i < facts.size(); ++i) {
    if (facts[i].key && facts[i].value) offer.facts.push_back(facts[i]);
  }
  offer.info.ir_formats = offer.formats.data();
  offer.info.ir_format_count = static_cast<std::uint32_t>(offer.formats.size());
  offer.info.facts = offer.facts.data();
  offer.info.fact_count = static_cast<std::uint32_t>(offer.facts.size());
  offer.info.fact_size = sizeof(SokrFact);
  return {};
}

Result<void> check_ir_functions(const SokrIrPlugin& ir) {
  if (!ir.name || !*ir.name) return fail(SOKR_INVALID_INPUT, "its IR plugin has no name");
  const bool validates = ir.validate || ir.validate_with || ir.validate_request;
  const bool reflects = ir.reflect || ir.reflect_request;
  if (!ir.recognise || !validates || !reflects || !ir.free_reflection) {
    return fail(SOKR_INVALID_INPUT,
                "its IR plugin '{}' lacks one of recognise, validate, reflect, free_reflection",
                ir.name);
  }
  return {};
}

}  // namespace

Plugin::Plugin(LibraryFile library, std::string path, const Declaration& declares,
               const Options& options)
    : library_(std::move(library)), path_(std::move(path)), declares_(declares), options_(options) {
  for (const auto& [key, value] : options_) option_facts_.push_back({key.c_str(), value.c_str()});
  host_info_.struct_size = sizeof host_info_;
  host_info_.compute_version = SOKR_COMPUTE_VERSION;
  host_info_.log = &log_from_plugin;
  host_info_.log_context = &path_;
  host_info_.log_level = log_level();
  host_info_.option_count = static_cast<std::uint32_t>(option_facts_.size());
  host_info_.options = option_facts_.data();
  host_info_.option_size = sizeof(SokrFact);
  if (trace::is_on) host_info_.trace = &take_slice;
  host_info_.trace_context = this;
}

void Plugin::take_slice(void* plugin, const SokrTraceSlice* given) noexcept {
  const auto& self = *static_cast<const Plugin*>(plugin);
  if (!self.offers_are_read_.load(std::memory_order_acquire)) return;
  try {
    const auto slice =
        sized_copy(given, SOKR_SIZE_THROUGH(SokrTraceSlice, group_count), "SokrTraceSlice");
    if (!slice || !slice->substrate) return;
    for (const auto& offer : self.offers_) {
      // Whoever has a token was registered before.
      if (std::strcmp(offer->info.name, slice->substrate) == 0) {
        return trace::add_slice(*slice, offer->info.name, slice->plugin_token == 0 ? 0 : offer->id);
      }
    }
  } catch (...) {
    // Out of memory: a slice less.
  }
}

Plugin::~Plugin() {
  // In a child that was forked meanwhile nobody is left who could end what is under way, and the
  // core would wait for threads that do not exist: all of it stays as it is.
  if (::getpid() != opened_by_) {
    library_.keep();
    return;
  }
  for (auto offer = registered_.rbegin(); offer != registered_.rend(); ++offer) {
    sokr_deregister_substrate((*offer)->id);
  }
  // A substrate that was never registered is never destroyed, and what it started may
  // still run: its code has to stay.
  const bool destroyed = registered_.size() == offers_.size();
  if (!destroyed) library_.keep();
  log(SOKR_LOG_DEBUG, "plugins: {}: {}", path_, destroyed ? "unloaded" : "released");
}

Result<std::unique_ptr<Plugin>> Plugin::load(const std::filesystem::path& path,
                                             const Declaration& declares, const Options& options) {
  SOKR_ASSIGN(LibraryFile library, LibraryFile::open(path));
  const auto main = reinterpret_cast<SokrPluginMainFn>(library.symbol(SOKR_PLUGIN_MAIN));
  const auto ir_main = reinterpret_cast<SokrIrPluginMainFn>(library.symbol(SOKR_IR_PLUGIN_MAIN));
  if (!main && !ir_main) {
    return fail(SOKR_NOT_FOUND, "it exports neither {} nor {}", SOKR_PLUGIN_MAIN,
                SOKR_IR_PLUGIN_MAIN);
  }
  std::unique_ptr<Plugin> plugin(new Plugin(std::move(library), path.string(), declares, options));
  if (main && declares.may_offer_any()) SOKR_TRY(plugin->read_substrates(main));
  if (ir_main && declares.may_read_ir()) SOKR_TRY(plugin->read_ir(ir_main));
  plugin->offers_are_read_.store(true, std::memory_order_release);
  return plugin;
}

Result<void> Plugin::read_substrates(SokrPluginMainFn main) {
  SOKR_ASSIGN(const SokrPlugin* from, guarded(SOKR_PLUGIN_MAIN, [&] { return main(&host_info_); }));
  if (!from) {
    return fail(SOKR_CAPABILITY_DENIED, "its {} returned null: it cannot work with this host",
                SOKR_PLUGIN_MAIN);
  }
  SOKR_ASSIGN(const SokrPlugin plugin,
              sized_copy(from, SOKR_SIZE_THROUGH(SokrPlugin, compute_version), "SokrPlugin"));
  SOKR_TRY(check_version("sokr/compute.h", plugin.compute_version, SOKR_COMPUTE_VERSION));
  if (plugin.substrate_count > kMaxListSize || plugin.unavailable_count > kMaxListSize) {
    return fail(SOKR_INVALID_INPUT, "its SokrPlugin claims {} substrates and {} unavailable ones",
                plugin.substrate_count, plugin.unavailable_count);
  }
  if (plugin.substrate_count && !plugin.substrates) {
    return fail(SOKR_INVALID_INPUT, "its SokrPlugin claims {} substrates in a null list",
                plugin.substrate_count);
  }
  const bool says_size = SOKR_HAS(SokrPlugin, &plugin, unavailable_size);
  SOKR_ASSIGN(
      const auto unavailable,
      Elements<SokrUnavailable>::of(plugin.unavailable, plugin.unavailable_count,
                                    says_size ? plugin.unavailable_size : SOKR_UNAVAILABLE_SIZE_1_0,
                                    SOKR_UNAVAILABLE_SIZE_1_0, "SokrUnavailable"));
  for (std::uint32_t i = 0; i < plugin.substrate_count; ++i) {
    if (auto result = read_offer(plugin.substrates[i]); !result) {
      unavailable_.push_back(
          {std::filesystem::path(path_).filename().string(), std::move(result).failure().sentence});
    }
  }
  for (std::uint32_t i = 0; i < unavailable.size(); ++i) {
    const SokrUnavailable missing = unavailable[i];
    unavailable_.push_back({one_line(missing.name ? missing.name : "?"),
                            one_line(missing.reason ? missing.reason : "no reason given")});
  }
  return {};
}

Result<void> Plugin::read_offer(const SokrSubstrateInfo* from) {
  auto offer = std::make_unique<Offer>();
  SOKR_ASSIGN(offer->info,
              sized_copy(from, SOKR_SIZE_THROUGH(SokrSubstrateInfo, plugin), "SokrSubstrateInfo"));
  SokrSubstrateInfo& info = offer->info;
  SOKR_TRY(check_name(info.name));
  if (!info.plugin) return fail(SOKR_INVALID_INPUT, "its substrate '{}' has no vtable", info.name);
  if (!declares_.may_offer(info.name)) {
    return fail(SOKR_INVALID_INPUT, "its substrate '{}' is not what its file declares: {}",
                info.name, declares_.text());
  }
  if (!declares_.may_offer_kind(info.kind)) {
    return fail(SOKR_INVALID_INPUT,
                "its substrate '{}' is of kind {}, which its file does not declare", info.name,
                info.kind);
  }
  if (!info.description) info.description = "";
  SOKR_TRY(copy_lists(info, *offer));
  info.struct_size = sizeof info;
  SOKR_ASSIGN(info.limits,
              companion(info.limits, sizeof(std::uint32_t), "SokrComputeLimits", offer->limits));
  SOKR_ASSIGN(info.memory,
              companion(info.memory, sizeof(std::uint32_t), "SokrMemoryTable", offer->memory));
  SOKR_ASSIGN(info.diagnostics, companion(info.diagnostics, sizeof(std::uint32_t),
                                          "SokrDiagnosticsTable", offer->diagnostics));
  SOKR_ASSIGN(info.kernels,
              companion(info.kernels, sizeof(std::uint32_t), "SokrKernelTable", offer->kernels));
  // Either alone is of no use.
  if (info.kernels && (!info.kernels->prepare || !info.kernels->release)) info.kernels = nullptr;
  offers_.push_back(std::move(offer));
  return {};
}

Result<void> Plugin::read_ir(SokrIrPluginMainFn main) {
  SOKR_ASSIGN(const SokrIrPlugin* from, guarded(SOKR_IR_PLUGIN_MAIN, [&] { return main(); }));
  if (!from) {
    return fail(SOKR_CAPABILITY_DENIED, "its {} returned null: it cannot work here",
                SOKR_IR_PLUGIN_MAIN);
  }
  SOKR_ASSIGN(SokrIrPlugin ir,
              sized_copy(from, SOKR_SIZE_THROUGH(SokrIrPlugin, ir_version), "SokrIrPlugin"));
  SOKR_TRY(check_version("sokr/ir.h", ir.ir_version, SOKR_IR_VERSION));
  SOKR_TRY(check_ir_functions(ir));
  if (!ir.version) ir.version = "";
  if (!ir.targets || (!ir.lower && !ir.lower_request) || !ir.free_lowered) ir.target_count = 0;
  ir_ = ir;
  return {};
}

Result<void> Plugin::register_offer(Offer& offer) {
  if (offer.id != 0) return {};
  const SokrSubstratePlugin& vtable = *offer.info.plugin;
  registered_.reserve(registered_.size() + 1);
  switch (const SokrResult result = sokr_register_substrate(&vtable, &offer.id)) {
    case SOKR_OK:
      registered_.push_back(&offer);
      return {};
    case SOKR_VERSION_MISMATCH:
      return fail(result, "it was built for version {}.{} of sokr/sokr.h; this core is {}.{}",
                  vtable.version.major, vtable.version.minor, sokr_version().major,
                  sokr_version().minor);
    case SOKR_REGISTRY_FULL:
      return fail(result,
                  "the core's registry is full; load fewer plugins, or build the core with a "
                  "larger SOKR_MAX_SUBSTRATES. If few are loaded, this process has used up the "
                  "65,535 ids, of which none comes back: begin a new one");
    default:
      return fail(result, "one of the four functions of its vtable is null");
  }
}

// ---- Shared between contexts ---------------------------------------------------------

namespace {

struct Loaded {
  std::unique_ptr<Plugin> plugin;
  std::size_t shares = 0;
};

// Never destroyed: a context of static storage may outlive every other static.
struct Process {
  std::recursive_mutex mutex;
  std::map<FileId, Loaded> loaded;
};

Process& process() {
  static Process* const instance = new Process;
  return *instance;
}

void release_plugin(FileId file) {
  const std::scoped_lock lock(process().mutex);
  const auto entry = process().loaded.find(file);
  if (--entry->second.shares == 0) process().loaded.erase(entry);
}

}  // namespace

std::recursive_mutex& loading_mutex() {
  return process().mutex;
}

Result<PluginRef> acquire_plugin(const std::filesystem::path& path, const LibraryFacts& file,
                                 const Options& options) {
  const std::scoped_lock lock(process().mutex);
  auto entry = process().loaded.find(file.id);
  if (entry == process().loaded.end()) {
    SOKR_ASSIGN(std::unique_ptr<Plugin> plugin, Plugin::load(path, file.declares, options));
    entry = process().loaded.emplace(file.id, Loaded{std::move(plugin), 0}).first;
  }
  ++entry->second.shares;
  return PluginRef(entry->second.plugin.get(), [id = file.id](Plugin*) { release_plugin(id); });
}

Result<void> register_with_core(Plugin& plugin, Offer& offer) {
  const std::scoped_lock lock(process().mutex);
  return plugin.register_offer(offer);
}

}  // namespace sokr::host
