// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One loaded plugin library: what it offers, read once, checked, and copied into
// structures of this build.
//
// A library is loaded once in a process, however many contexts use it, and its
// substrates are registered with the core when the first context offers them.
// When the last PluginRef is gone its substrates are deregistered, in the reverse
// order of their registration, and the library is unloaded, unless it offered a substrate
// that was passed over and so could not be destroyed. All of this is
// serialised by one lock, as the core asks of registration.
#ifndef SOKR_HOST_PLUGIN_HPP_
#define SOKR_HOST_PLUGIN_HPP_

#include <sokr/compute.h>
#include <sokr/ir.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/base/result.hpp>
#include <string>
#include <utility>
#include <vector>

#include "library_file.hpp"

namespace sokr::host {

// A substrate that a plugin offers. `info` and what it points to have the size of
// this build's structures; strings and the vtable are the plugin's own.
struct Offer {
  SokrSubstrateInfo info{};
  std::vector<std::uint32_t> formats;
  std::vector<SokrFact> facts;
  SokrComputeLimits limits{};
  SokrMemoryTable memory{};
  SokrDiagnosticsTable diagnostics{};
  SokrKernelTable kernels{};
  std::uint32_t id = 0;  // of the core; 0 = not registered yet
};

struct NamedReason {
  std::string name, reason;
};

using Options = std::vector<std::pair<std::string, std::string>>;

class Plugin {
 public:
  // What its file does not declare is passed over.
  static Result<std::unique_ptr<Plugin>> load(const std::filesystem::path& path,
                                              const Declaration& declares, const Options& options);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  const std::string& path() const { return path_; }
  std::vector<std::unique_ptr<Offer>>& offers() { return offers_; }
  const std::vector<NamedReason>& unavailable() const { return unavailable_; }
  const std::optional<SokrIrPlugin>& ir() const { return ir_; }
  const Options& options() const { return options_; }

  // Registers with the core; SOKR_OK if it is registered already.
  Result<void> register_offer(Offer& offer);

 private:
  Plugin(LibraryFile library, std::string path, const Declaration& declares,
         const Options& options);
  Result<void> read_substrates(SokrPluginMainFn main);
  Result<void> read_ir(SokrIrPluginMainFn main);
  Result<void> read_offer(const SokrSubstrateInfo* from);
  static void take_slice(void* plugin, const SokrTraceSlice* slice) noexcept;

  LibraryFile library_;
  const pid_t opened_by_ = ::getpid();
  std::string path_;
  Declaration declares_;
  Options options_;
  std::vector<SokrFact> option_facts_;
  SokrHostInfo host_info_{};
  std::vector<std::unique_ptr<Offer>> offers_;  // the addresses are handed out
  std::atomic<bool> offers_are_read_{false};    // for threads of the plugin, which may be there
  std::vector<Offer*> registered_;
  std::vector<NamedReason> unavailable_;
  std::optional<SokrIrPlugin> ir_;
};

// A share in a loaded plugin. Copies share it; any thread.
using PluginRef = std::shared_ptr<Plugin>;

// The plugin in this file: the one that is loaded already, or a newly loaded one,
// which is given `options`.
Result<PluginRef> acquire_plugin(const std::filesystem::path& path, const LibraryFacts& file,
                                 const Options& options);

// Held while plugins are loaded, registered and unloaded. Recursive: a plugin may open a
// context of its own.
std::recursive_mutex& loading_mutex();

// Plugin::register_offer under the lock.
Result<void> register_with_core(Plugin& plugin, Offer& offer);

}  // namespace sokr::host

#endif  // SOKR_HOST_PLUGIN_HPP_
