// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One loaded plugin library: what it offers, read once, checked, and copied into
// structures of this build.
//
// A library is loaded once in a process, however many contexts use it, and its
// substrates are registered with the core when the first context offers them.
// When the last PluginRef is gone its substrates are deregistered, in the reverse
// order of their registration, and the library is unloaded, unless its sokr_plugin_main named a
// substrate that was never registered, and so could not be destroyed: what that one started may
// still run.
//
// A plugin's code runs under no lock of the process: who wants a file that another thread opens
// or closes waits for that, and for nothing else.
#ifndef SOKR_HOST_PLUGIN_HPP_
#define SOKR_HOST_PLUGIN_HPP_

#include <sokr/compute.h>
#include <sokr/ir.h>

#include <atomic>
#include <filesystem>
#include <memory>
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
  std::uint32_t id = 0;      // of the core; 0 = not registered yet
  std::uint32_t number = 0;  // in Given::names
};

struct NamedReason {
  std::string name, reason;
};

using Options = std::vector<std::pair<std::string, std::string>>;

// What a plugin was given to keep. It is no part of the Plugin, because code of a library that
// is not unloaded goes on to use it: one with -z nodelete, or of which a substrate was passed over,
// or any when the process ends. As long as there may be such code it is there.
struct Given {
  std::string path;
  Options options;
  std::vector<SokrFact> facts;  // the options
  SokrHostInfo info{};
  struct Name {
    std::string name;
    std::uint32_t id = 0;  // of the core; who has a token of it knows that it is set
  };
  std::vector<Name> names;                  // of what it offers
  std::atomic<bool> names_are_read{false};  // for threads of the plugin, which may be there
  Given* next = nullptr;                    // of those that stay until the process ends
};

class Plugin {
 public:
  // What its file does not declare is passed over.
  static Result<std::unique_ptr<Plugin>> load(const std::filesystem::path& path,
                                              const LibraryFacts& file, const Options& options);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  const std::string& path() const { return given_->path; }
  std::vector<std::unique_ptr<Offer>>& offers() { return offers_; }
  const std::vector<NamedReason>& unavailable() const { return unavailable_; }
  const std::optional<SokrIrPlugin>& ir() const { return ir_; }
  const Options& options() const { return given_->options; }

  // Registers with the core; SOKR_OK if it is registered already. One thread at a time.
  Result<void> register_offer(Offer& offer);

 private:
  Plugin(LibraryFile library, std::string path, const Declaration& declares,
         const Options& options);
  Result<void> read_substrates(SokrPluginMainFn main);
  Result<void> read_ir(SokrIrPluginMainFn main);
  Result<void> read_offer(const SokrSubstrateInfo* from);

  LibraryFile library_;
  const std::uint32_t opened_at_;  // fork_depth
  Declaration declares_;
  std::unique_ptr<Given> given_;
  // Substrates that its sokr_plugin_main named, whatever became of them.
  std::size_t named_ = 0;
  std::vector<std::unique_ptr<Offer>> offers_;  // the addresses are handed out
  std::vector<Offer*> registered_;
  std::vector<NamedReason> unavailable_;
  std::optional<SokrIrPlugin> ir_;
};

// A share in a loaded plugin. Copies share it; any thread.
using PluginRef = std::shared_ptr<Plugin>;

// The plugin in this file: the one that is loaded already, or a newly loaded one,
// which is given `options`. Refused if the file is another one than `file` says, or than what is
// loaded from that place; and to who would wait for themselves: an sokr_plugin_main that opens a
// context on its own file, or two that open one another's at once.
Result<PluginRef> acquire_plugin(const std::filesystem::path& path, const LibraryFacts& file,
                                 const Options& options);

// A share in the plugin that offers the substrate with this id of the core; null if it is gone, or
// going.
PluginRef plugin_of(std::uint32_t id);

// Plugin::register_offer, one after another in the process, as the core asks.
Result<void> register_with_core(Plugin& plugin, Offer& offer);

}  // namespace sokr::host

#endif  // SOKR_HOST_PLUGIN_HPP_
