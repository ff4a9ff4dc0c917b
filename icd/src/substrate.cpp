// SPDX-License-Identifier: MIT OR Apache-2.0
#include "substrate.hpp"

#define XXH_INLINE_ALL
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sokr/observe.hpp>
#include <sstream>
#include <string_view>

#include "log.hpp"

namespace sokr::icd {
namespace {

std::atomic<bool> forked{false};

// What the substrate says, or else of the machine; of the container if that is less.
VkDeviceSize memory_of_process(const SokrComputeLimits& limits) {
  VkDeviceSize size = limits.memory_size;
  if (size == 0) {
    size = static_cast<VkDeviceSize>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<VkDeviceSize>(sysconf(_SC_PAGESIZE));
  }
  VkDeviceSize limit = 0;
  std::ifstream file("/sys/fs/cgroup/memory.max");
  if (file >> limit && limit > 0) size = std::min(size, limit);
  return size;
}

// The same for the same words, in every process and on every machine.
std::array<std::uint8_t, VK_UUID_SIZE> uuid_of(std::string_view text) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(text.data(), text.size()));
  std::array<std::uint8_t, VK_UUID_SIZE> uuid{};
  static_assert(sizeof digest.digest == VK_UUID_SIZE);
  std::copy_n(digest.digest, VK_UUID_SIZE, uuid.begin());
  return uuid;
}

DeviceFacts facts_of(const SokrSubstrateInfo& info) {
  DeviceFacts facts;
  facts.limits = *info.limits;
  // Vulkan's sizes are powers of two up to 128.
  facts.min_subgroup_size = std::max(facts.limits.min_subgroup_size, 1u);
  facts.max_subgroup_size = std::clamp(facts.limits.max_subgroup_size, 1u, 128u);
  facts.max_workgroup_subgroups =
      std::max(std::min(facts.limits.max_local_invocations, 1024u) / facts.min_subgroup_size, 1u);
  // One memory as two heaps, of which Vulkan wants that they say together what there is: see
  // memory.hpp. Two thirds are of the heap that programs compute in.
  const VkDeviceSize page = 4096, all = memory_of_process(facts.limits) / 4 * 3;
  facts.other_heap_size = all / 3 / page * page;
  facts.local_heap_size = all / page * page - facts.other_heap_size;
  facts.device_name = std::string("SOKR ") + info.name + ": " + info.description;
  facts.driver_info = std::string("compute only, on the substrate ") + info.name;
  facts.device_uuid = uuid_of(facts.device_name);
  facts.driver_uuid = uuid_of(std::string(kDriverName) + SOKR_PROJECT_VERSION);
  return facts;
}

// What the driver needs of a substrate beyond the three calls.
const char* lacking(const SokrSubstrateInfo& info) {
  const auto ends = reinterpret_cast<const char*>(&info) + info.struct_size;
  if (reinterpret_cast<const char*>(&info.kernels + 1) > ends || !info.kernels) {
    return "it prepares no kernels";
  }
  if (!info.limits) return "it names no limits";
  if (std::find(info.ir_formats, info.ir_formats + info.ir_format_count, SOKR_IR_SPIRV) ==
      info.ir_formats + info.ir_format_count) {
    return "it takes no SPIR-V";
  }
  return nullptr;
}

// The plugins of the folder, or the plugin itself, but for the one that opens Vulkan drivers: it
// would open this one, while a loader holds its locks.
void add_plugins(const std::filesystem::path& place, std::vector<std::filesystem::path>& out) {
  const auto add = [&](const std::filesystem::path& file) {
    if (file.filename().string().find("vulkan") == std::string::npos) out.push_back(file);
  };
  std::error_code none;
  if (!std::filesystem::is_directory(place, none)) {
    if (std::filesystem::exists(place, none)) add(place);
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(place, none)) {
    if (entry.path().extension() == ".so") add(entry.path());
  }
}

// Those beside this library, as beside the host's, and those of SOKR_PLUGIN_PATH.
ContextOptions context_options() {
  ContextOptions options;
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&forked), &here) && here.dli_fname) {
    add_plugins(std::filesystem::path(here.dli_fname).parent_path() / "sokr", options.plugin_paths);
  }
  const char* given = ::secure_getenv("SOKR_PLUGIN_PATH");
  std::istringstream places(given ? given : "");
  for (std::string place; std::getline(places, place, ':');) {
    if (!place.empty()) add_plugins(place, options.plugin_paths);
  }
  options.options.emplace_back("host.plugins", "named");
  // Whoever computes on the interpreter wants to know.
  options.options.emplace_back("reference.report_oob", "log");
  return options;
}

std::unique_ptr<SubstrateInUse> open(VkInstance of, const std::string& name) {
  if (name.rfind("vulkan", 0) == 0) {
    report(of, SOKR_LOG_ERROR,
           "SOKR_ICD_ON is '" + name +
               "', which would be this driver on a Vulkan driver; it takes a "
               "substrate of another plugin, such as cpu or reference");
    return nullptr;
  }
  observe_log(pass_line);
  static auto* const context = new Context(context_options());
  auto found = std::make_unique<SubstrateInUse>();
  found->context = context;
  try {
    const Substrate substrate = context->substrate(name);
    found->info = &substrate.info();
    found->id = substrate.id();
  } catch (const Error& error) {
    report(of, SOKR_LOG_ERROR, std::string("no Vulkan device is offered: ") + error.what());
    return nullptr;
  }
  if (const char* why = lacking(*found->info)) {
    report(of, SOKR_LOG_ERROR,
           "no Vulkan device is offered: the substrate " + name + " cannot carry one: " + why);
    return nullptr;
  }
  found->facts = facts_of(*found->info);
  return found;
}

template <class Ask>
std::string sentence(Ask&& ask) {
  std::string text(512, '\0');
  std::size_t size = ask(text.data(), text.size());
  if (size >= text.size()) {
    text.resize(size + 1);
    size = ask(text.data(), text.size());
  }
  text.resize(std::min(size, text.size()));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text.empty() ? "no reason is given" : text;
}

}  // namespace

std::string SubstrateInUse::last_error() const {
  if (!info->diagnostics || !info->diagnostics->last_error) return "no reason is given";
  return sentence([&](char* to, std::size_t size) {
    return static_cast<std::size_t>(info->diagnostics->last_error(to, size));
  });
}

std::string SubstrateInUse::error_of(SokrCompletionToken token) const {
  if (!info->diagnostics || !info->diagnostics->completion_error) return "no reason is given";
  return sentence([&](char* to, std::size_t size) {
    return static_cast<std::size_t>(
        info->diagnostics->completion_error(sokr_token_plugin_token(token), to, size));
  });
}

const SubstrateInUse* substrate_in_use(VkInstance of) {
  // None of this goes while the process ends: a program's own statics may still use it.
  static auto* const mutex = new std::mutex;
  static auto* const opened = new std::map<std::string, std::unique_ptr<SubstrateInUse>>;
  if (is_forked()) {
    report(of, SOKR_LOG_ERROR,
           "this process was forked from one that used the driver; Vulkan is "
           "there in a process that starts it itself");
    return nullptr;
  }
  const char* given = std::getenv("SOKR_ICD_ON");
  const std::string name = given && *given ? given : "cpu";
  std::lock_guard lock(*mutex);
  const auto found = opened->find(name);
  if (found != opened->end()) return found->second.get();
  if (opened->empty()) pthread_atfork(nullptr, nullptr, [] { forked = true; });
  auto fresh = open(of, name);
  if (!fresh) return nullptr;
  return opened->emplace(name, std::move(fresh)).first->second.get();
}

bool is_forked() {
  return forked.load(std::memory_order_relaxed);
}

}  // namespace sokr::icd
