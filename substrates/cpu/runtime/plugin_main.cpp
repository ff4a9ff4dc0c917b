// SPDX-License-Identifier: MIT OR Apache-2.0
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <system_error>

#include "runtime/substrate.hpp"
#include "runtime/threads.hpp"

namespace sokr::cpu {
namespace {

using substrate::Host;
using substrate::PluginDescription;

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "processor";
}

// An option of the host, else a variable of the environment, else nothing.
std::string setting(const Host& host, std::string_view option, const char* variable) {
  if (auto value = host.option(option)) return std::string(*value);
  const char* value = ::secure_getenv(variable);  // a dump folder is written to
  return value ? value : "";
}

Result<Isa> choose_isa(const Host& host) {
  const char* source = host.option("cpu.isa") ? "the option cpu.isa" : "SOKR_CPU_ISA";
  std::string name = setting(host, "cpu.isa", "SOKR_CPU_ISA");
  if (name.empty()) return host_isa();
  Result<Isa> isa = isa_from_name(name);
  if (!isa) return fail(SOKR_INVALID_INPUT, "{}: {}", source, isa.failure().sentence);
  if (!host_supports(*isa))
    return fail(SOKR_INVALID_INPUT, "{} is {}, which this processor cannot run; its best is {}",
                source, name, isa_name(host_isa()));
  return isa;
}

std::filesystem::path beside_this_library(const char* relative) {
  Dl_info info{};
  static const char anchor = 0;
  if (!::dladdr(&anchor, &info) || !info.dli_fname) return relative;
  return std::filesystem::absolute(info.dli_fname).parent_path() / relative;
}

// The folder, made if it is not there; empty, and a warning, if it cannot be.
std::string dump_folder(const Host& host) {
  std::string folder = setting(host, "cpu.dump", "SOKR_CPU_DUMP");
  if (folder.empty()) return folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error) return folder;
  host.log_warning(
      "SOKR_CPU_DUMP is '{}', which is no folder that can be written to ({}); nothing "
      "is dumped",
      folder, error.message());
  return "";
}

Result<void> find(const Host& host, PluginDescription& plugin) {
  SOKR_ASSIGN(unsigned threads, thread_count(host));
  KernelStoreOptions options;
  SOKR_ASSIGN(options.isa, choose_isa(host));
  SOKR_ASSIGN(options.robust, host.flag_option("cpu.robust", true));
  SOKR_ASSIGN(options.strictness, spirv::strictness_from(host.option("spirv.validate")));
  options.dump = dump_folder(host);
  Result<Tier> tier = tier_from_name(setting(host, "cpu.tier", "SOKR_CPU_TIER"));
  if (!tier)
    return fail(SOKR_INVALID_INPUT, "{}: {}",
                host.option("cpu.tier") ? "the option cpu.tier" : "SOKR_CPU_TIER",
                tier.failure().sentence);
  options.tier = *tier;
  options.compiler_threads = std::max(1u, threads / 2);
  // The thread that launches waits meanwhile, most often for the first of them.
  options.ahead_threads = threads;
  options.cache_folder = substrate::DiskCache::default_folder("cpu");
  options.compiler_library = beside_this_library(kCompilerLibraryPath);

  substrate::InFlightLimit limit;
  SOKR_ASSIGN(limit.most, host.number_option("cpu.in_flight", limit.most, 1, UINT32_MAX));
  SOKR_ASSIGN(options.kernel_bytes,
              host.number_option("cpu.kernel_bytes", options.kernel_bytes, 0, UINT64_MAX));

  substrate::SubstrateDescription cpu;
  cpu.name = "cpu";
  cpu.description = processor_name();
  cpu.kind = SOKR_KIND_CPU;
  cpu.ir_formats = {SOKR_IR_SPIRV};
  cpu.limits = compute_limits();
  cpu.facts = {{"isa", isa_name(options.isa)},
               {"threads", std::to_string(threads)},
               {"tier", tier_name(options.tier)},
               {"bounds_checks", options.robust ? "on" : "off"},
               {"kernel_bytes", std::to_string(options.kernel_bytes)},
               {"in_flight", std::to_string(limit.most)},
               {"cache", options.cache_folder.empty() ? "off" : options.cache_folder.string()}};
  SOKR_ASSIGN(substrate::Exported exported,
              (substrate::Exporter<CpuSubstrate, 4>::install(
                  std::make_unique<CpuSubstrate>(host, std::move(options), threads, limit))));
  plugin.add(std::move(cpu), exported);
  return {};
}

}  // namespace
}  // namespace sokr::cpu

SOKR_PLUGIN_DECLARE("cpu", SOKR_KIND_BIT(SOKR_KIND_CPU));

extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* info) {
  return sokr::substrate::plugin_main(info, "cpu", SOKR_CPU_BUILD_VERSION, &sokr::cpu::find);
}
