// SPDX-License-Identifier: MIT OR Apache-2.0
#include "opened.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace sokr::check {
namespace {

constexpr std::uint32_t kMostSubstrates = 65536;

void* open_file(const std::filesystem::path& path) {
  void* library = ::dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const char* reason = ::dlerror();
  throw NoPlugin(fmt::format("it cannot be loaded: {}", reason ? reason : "?"));
}

void check_substrates(const SokrPlugin& library) {
  if (library.struct_size < SOKR_SIZE_THROUGH(SokrPlugin, substrate_count))
    throw NoPlugin(
        fmt::format("ABI-6: its SokrPlugin says that its size is {}; version 1.0 has {} bytes",
                    library.struct_size, SOKR_SIZE_THROUGH(SokrPlugin, unavailable_count)));
  if (library.substrate_count > kMostSubstrates ||
      (library.substrate_count > 0 && library.substrates == nullptr))
    throw NoPlugin(fmt::format("ABI-6: its SokrPlugin claims {} substrates{}",
                               library.substrate_count,
                               library.substrates ? "" : " in a null list"));
}

}  // namespace

Opened open_plugin(const std::filesystem::path& path) {
  static const SokrHostInfo host{sizeof host, SOKR_COMPUTE_VERSION, nullptr, nullptr, 0, 0,
                                 nullptr,     sizeof(SokrFact),     0};
  void* library = open_file(path);
  Opened opened;
  opened.host = &host;
  opened.main = reinterpret_cast<SokrPluginMainFn>(::dlsym(library, SOKR_PLUGIN_MAIN));
  const auto ir_main = reinterpret_cast<SokrIrPluginMainFn>(::dlsym(library, SOKR_IR_PLUGIN_MAIN));
  if (!opened.main && !ir_main)
    throw NoPlugin(fmt::format("it is no plugin: it exports neither {} nor {}", SOKR_PLUGIN_MAIN,
                               SOKR_IR_PLUGIN_MAIN));
  if (opened.main) {
    opened.plugin = opened.main(&host);
    if (!opened.plugin && !ir_main)
      throw NoPlugin(
          fmt::format("its {} returned null: it cannot work with this host", SOKR_PLUGIN_MAIN));
    if (opened.plugin) check_substrates(*opened.plugin);
  }
  if (ir_main) {
    opened.ir = ir_main();
    if (!opened.ir && !opened.plugin)
      throw NoPlugin(fmt::format("its {} returned null: it cannot work here", SOKR_IR_PLUGIN_MAIN));
  }
  return opened;
}

const SokrIrPlugin* open_reader(const std::filesystem::path& path) {
  const auto main =
      reinterpret_cast<SokrIrPluginMainFn>(::dlsym(open_file(path), SOKR_IR_PLUGIN_MAIN));
  return main ? main() : nullptr;
}

}  // namespace sokr::check
