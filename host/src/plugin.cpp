// SPDX-License-Identifier: MIT OR Apache-2.0
#include "plugin.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <sokr/base/elements.hpp>
#include <string_view>
#include <thread>

#include "fork.hpp"
#include "log.hpp"
#include "sized.hpp"
#include "trace.hpp"

namespace sokr::host {
namespace {

constexpr std::size_t kMaxNameSize = 63;
constexpr std::uint32_t kMaxListSize = 65536;

void log_from_plugin(void* context, std::uint32_t level, const char* line) {
  if (!line || level > SOKR_LOG_DEBUG) return;
  const Given& given = *static_cast<const Given*>(context);
  try {
    log(static_cast<SokrLogLevel>(level), "{}: {}",
        std::filesystem::path(given.path).filename().string(), line);
  } catch (...) {
    // Out of memory: the line is lost, the plugin goes on.
  }
}

void slice_from_plugin(void* context, const SokrTraceSlice* from) noexcept {
  const Given& given = *static_cast<const Given*>(context);
  if (!given.names_are_read.load(std::memory_order_acquire)) return;
  try {
    const auto slice =
        sized_copy(from, SOKR_SIZE_THROUGH(SokrTraceSlice, group_count), "SokrTraceSlice");
    if (!slice || !slice->substrate) return;
    for (const Given::Name& one : given.names) {
      if (one.name != slice->substrate) continue;
      // Whoever has a token was registered before.
      return trace::add_slice(*slice, one.name.c_str(), slice->plugin_token == 0 ? 0 : one.id);
    }
  } catch (...) {
    // Out of memory: a slice less.
  }
}

// Those that stay. They are counted as used: a plugin may have the only other pointer to one.
std::atomic<Given*> kept{nullptr};

void keep_for_good(std::unique_ptr<Given> given) noexcept {
  Given* const one = given.release();
  one->next = kept.load(std::memory_order_relaxed);
  while (!kept.compare_exchange_weak(one->next, one, std::memory_order_release,
                                     std::memory_order_relaxed)) {
  }
}

std::unique_ptr<Given> give(std::string path, const Options& options) {
  auto given = std::make_unique<Given>();
  given->path = std::move(path);
  given->options = options;
  for (const auto& [key, value] : given->options) {
    given->facts.push_back({key.c_str(), value.c_str()});
  }
  SokrHostInfo& info = given->info;
  info.struct_size = sizeof info;
  info.compute_version = SOKR_COMPUTE_VERSION;
  info.log = &log_from_plugin;
  info.log_context = given.get();
  info.log_level = log_level();
  info.option_count = static_cast<std::uint32_t>(given->facts.size());
  info.options = given->facts.data();
  info.option_size = sizeof(SokrFact);
  if (trace::is_on) info.trace = &slice_from_plugin;
  info.trace_context = given.get();
  return given;
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
    : library_(std::move(library)),
      opened_at_(fork_depth()),
      declares_(declares),
      given_(give(std::move(path), options)) {}

Plugin::~Plugin() {
  // In a child that was forked meanwhile nobody is left who could end what is under way, and the
  // core would wait for threads that do not exist: all of it stays as it is.
  const bool is_forked = fork_depth() != opened_at_;
  if (!is_forked) {
    // What runs in there may wait for a thread that registers another substrate, so no lock is
    // held: the core's registry stands that (contract.md, REG-8).
    for (auto offer = registered_.rbegin(); offer != registered_.rend(); ++offer) {
      sokr_deregister_substrate((*offer)->id);
    }
  }
  const bool is_destroyed = !is_forked && registered_.size() == named_;
  log(SOKR_LOG_DEBUG, "plugins: {}: {}", path(), is_destroyed ? "unloaded" : "released");
  if (!is_destroyed) library_.keep();
  // On purpose: whoever has it may still be there.
  if (!library_.close()) keep_for_good(std::move(given_));
}

Result<std::unique_ptr<Plugin>> Plugin::load(const std::filesystem::path& path,
                                             const LibraryFacts& file, const Options& options) {
  SOKR_ASSIGN(LibraryFile library, LibraryFile::open(file.location));
  const auto main = reinterpret_cast<SokrPluginMainFn>(library.symbol(SOKR_PLUGIN_MAIN));
  const auto ir_main = reinterpret_cast<SokrIrPluginMainFn>(library.symbol(SOKR_IR_PLUGIN_MAIN));
  if (!main && !ir_main) {
    return fail(SOKR_NOT_FOUND, "it exports neither {} nor {}", SOKR_PLUGIN_MAIN,
                SOKR_IR_PLUGIN_MAIN);
  }
  std::unique_ptr<Plugin> plugin(
      new Plugin(std::move(library), path.string(), file.declares, options));
  if (main && file.declares.may_offer_any()) SOKR_TRY(plugin->read_substrates(main));
  if (ir_main && file.declares.may_read_ir()) SOKR_TRY(plugin->read_ir(ir_main));
  plugin->given_->names_are_read.store(true, std::memory_order_release);
  return plugin;
}

Result<void> Plugin::read_substrates(SokrPluginMainFn main) {
  SOKR_ASSIGN(const SokrPlugin* from,
              guarded(SOKR_PLUGIN_MAIN, [&] { return main(&given_->info); }));
  if (!from) {
    return fail(SOKR_CAPABILITY_DENIED, "its {} returned null: it cannot work with this host",
                SOKR_PLUGIN_MAIN);
  }
  named_ = SIZE_MAX;  // until it is known
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
  named_ = plugin.substrate_count;
  const bool says_size = SOKR_HAS(SokrPlugin, &plugin, unavailable_size);
  SOKR_ASSIGN(
      const auto unavailable,
      Elements<SokrUnavailable>::of(plugin.unavailable, plugin.unavailable_count,
                                    says_size ? plugin.unavailable_size : SOKR_UNAVAILABLE_SIZE_1_0,
                                    SOKR_UNAVAILABLE_SIZE_1_0, "SokrUnavailable"));
  for (std::uint32_t i = 0; i < plugin.substrate_count; ++i) {
    if (auto result = read_offer(plugin.substrates[i]); !result) {
      unavailable_.push_back({std::filesystem::path(path()).filename().string(),
                              std::move(result).failure().sentence});
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
  offer->number = static_cast<std::uint32_t>(given_->names.size());
  given_->names.push_back({info.name});
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
      given_->names[offer.number].id = offer.id;
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
  std::unique_ptr<Plugin> plugin;  // null while somebody opens or closes it
  std::size_t shares = 0;
  std::filesystem::path location;
  std::thread::id busy;  // who opens or closes it; the default: nobody
  bool is_lost = false;  // that is a thread which this child of `fork` does not have
};

// Never destroyed: a context of static storage may outlive every other static. The mutexes are
// held for a moment each, never around code of a plugin.
struct Process {
  std::mutex mutex;
  std::condition_variable changed;  // a file is busy no more
  std::map<FileId, Loaded> loaded;
  std::map<std::thread::id, FileId> waiting;  // for which file
  std::mutex registration;
};

Process& process() {
  static Process* const instance = new Process;
  return *instance;
}

// A child begins with what is between two changes of it, and without those who waited.
const bool forks_are_watched = [] {
  (void)process();
  const auto lock = [] {
    process().registration.lock();
    process().mutex.lock();
  };
  const auto unlock = [] {
    process().mutex.unlock();
    process().registration.unlock();
  };
  const auto unlock_in_child = [] {
    Process& all = process();
    new (&all.changed) std::condition_variable;
    all.waiting.clear();
    for (auto& [id, file] : all.loaded) {
      const bool is_others =
          file.busy != std::thread::id() && file.busy != std::this_thread::get_id();
      file.is_lost = file.is_lost || is_others;
    }
    all.mutex.unlock();
    all.registration.unlock();
  };
  return ::pthread_atfork(lock, unlock, unlock_in_child) == 0;
}();

// With the mutex held: whether who waits for that file waits for this thread.
bool waits_for_this_thread(FileId file) {
  const Process& all = process();
  for (;;) {
    const auto entry = all.loaded.find(file);
    if (entry == all.loaded.end()) return false;
    if (entry->second.busy == std::this_thread::get_id()) return true;
    const auto next = all.waiting.find(entry->second.busy);
    if (next == all.waiting.end()) return false;
    file = next->second;
  }
}

// At its end the file, which this thread made busy, is busy no more; without a plugin it is not
// loaded any more.
class Settled {
 public:
  explicit Settled(FileId file) : file_(file) {}
  Settled(const Settled&) = delete;
  Settled& operator=(const Settled&) = delete;
  ~Settled() {
    const std::scoped_lock lock(process().mutex);
    const auto entry = process().loaded.find(file_);
    if (plugin) {
      entry->second.plugin = std::move(plugin);
      entry->second.shares = 1;
      entry->second.busy = {};
    } else {
      process().loaded.erase(entry);
    }
    process().changed.notify_all();
  }
  std::unique_ptr<Plugin> plugin;

 private:
  FileId file_;
};

void release_plugin(FileId file) {
  std::unique_ptr<Plugin> closing;
  {
    const std::scoped_lock lock(process().mutex);
    Loaded& entry = process().loaded.find(file)->second;
    if (--entry.shares != 0) return;
    entry.busy = std::this_thread::get_id();
    closing = std::move(entry.plugin);
  }
  const Settled settled(file);
  closing.reset();
}

PluginRef share(Plugin* plugin, FileId file) {
  return {plugin, [file](Plugin*) { release_plugin(file); }};
}

// What is in the way of opening this file: itself, or what was loaded from its place.
std::map<FileId, Loaded>::iterator in_the_way(const LibraryFacts& file) {
  auto& loaded = process().loaded;
  const auto same = loaded.find(file.id);
  if (same != loaded.end()) return same;
  return std::find_if(loaded.begin(), loaded.end(),
                      [&](const auto& one) { return one.second.location == file.location; });
}

}  // namespace

Result<PluginRef> acquire_plugin(const std::filesystem::path& path, const LibraryFacts& file,
                                 const Options& options) {
  Process& all = process();
  {
    std::unique_lock lock(all.mutex);
    for (auto other = in_the_way(file); other != all.loaded.end(); other = in_the_way(file)) {
      Loaded& entry = other->second;
      if (entry.is_lost) {
        return fail(SOKR_DISPATCH_FAILED,
                    "this process was forked while another thread opened or closed it; fork before "
                    "the first Context");
      }
      const bool is_busy = entry.busy != std::thread::id();
      if (is_busy && waits_for_this_thread(other->first)) {
        return fail(SOKR_DISPATCH_FAILED,
                    "it is being opened or closed, and that waits for this: a plugin that opens a "
                    "context leaves its own file out of it");
      }
      if (!is_busy && other->first != file.id) {
        return fail(SOKR_DISPATCH_FAILED,
                    "the file was replaced, and the one before is in use; end the contexts that "
                    "use it, then open one anew");
      }
      if (!is_busy) {
        Plugin* const plugin = entry.plugin.get();
        ++entry.shares;
        lock.unlock();
        return share(plugin, file.id);
      }
      all.waiting[std::this_thread::get_id()] = other->first;
      all.changed.wait(lock);
      all.waiting.erase(std::this_thread::get_id());
    }
    Loaded entry;
    entry.location = file.location;
    entry.busy = std::this_thread::get_id();
    all.loaded.emplace(file.id, std::move(entry));
  }
  Plugin* opened = nullptr;
  {
    Settled settled(file.id);
    // What was known of it is from when it was found.
    SOKR_ASSIGN(const LibraryFacts now, check_library_file(file.location));
    if (now.id != file.id) {
      return fail(SOKR_DISPATCH_FAILED,
                  "the file was replaced after the context had found it; open a context anew");
    }
    SOKR_ASSIGN(settled.plugin, Plugin::load(path, now, options));
    opened = settled.plugin.get();
  }
  return share(opened, file.id);
}

PluginRef plugin_of(std::uint32_t id) {
  Process& all = process();
  Plugin* plugin = nullptr;
  FileId file;
  {
    const std::scoped_lock lock(all.registration, all.mutex);
    for (auto& [known, entry] : all.loaded) {
      if (!entry.plugin) continue;
      for (const auto& offer : entry.plugin->offers()) {
        if (offer->id != id) continue;
        plugin = entry.plugin.get();
        file = known;
        ++entry.shares;
      }
    }
  }
  return plugin ? share(plugin, file) : nullptr;
}

Result<void> register_with_core(Plugin& plugin, Offer& offer) {
  const std::scoped_lock lock(process().registration);
  return plugin.register_offer(offer);
}

}  // namespace sokr::host
