// SPDX-License-Identifier: MIT OR Apache-2.0
#include "probe.hpp"

#define XXH_INLINE_ALL
#include <dlfcn.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "child.hpp"

namespace sokr::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kProbeFormat = 3;  // of requests and verdicts
constexpr std::uint64_t kMostMs = 600'000;
constexpr std::string_view kDone = "done\n";

class Writer {
 public:
  template <class T>
  void number(const T& value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  template <class T>
  T number() {
    T value{};
    if (left_.size() < sizeof value) {
      good_ = false;
      return value;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_ = left_.subspan(sizeof value);
    return value;
  }
  // A count of things of `size` bytes at least; 0 if there cannot be so many.
  std::uint32_t count(std::size_t size) {
    const auto value = number<std::uint32_t>();
    if (value > left_.size() / size) good_ = false;
    return good_ ? value : 0;
  }
  bool ended() const { return good_ && left_.empty(); }

 private:
  std::span<const std::uint8_t> left_;
  bool good_ = true;
};

std::string program_of(const Options& options) {
  if (!options.probe_program.empty()) return options.probe_program;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&plan_to_bytes), &info) == 0 || !info.dli_fname)
    return "sokr-vulkan-probe";
  return (fs::path(info.dli_fname).parent_path() / "sokr-vulkan-probe").string();
}

// What the host may have asked for by other means than the environment.
std::vector<std::string> settings_of(const Options& options) {
  const char* queue = options.queue == QueueChoice::kCompute    ? "compute"
                      : options.queue == QueueChoice::kGraphics ? "graphics"
                                                                : "auto";
  return {"SOKR_VULKAN_PROBE=off",
          "SOKR_VULKAN_VALIDATION=0",
          "SOKR_VULKAN_LOADER=" + options.loader,
          fmt::format("SOKR_VULKAN_API=1.{}", VK_API_VERSION_MINOR(options.api)),
          fmt::format("SOKR_VULKAN_DISABLE={}", fmt::join(options.disabled, ",")),
          fmt::format("SOKR_VULKAN_QUEUE={}", queue),
          fmt::format("SOKR_VULKAN_TRANSFER={}",
                      options.transfer == TransferChoice::kOff ? "off" : "auto"),
          fmt::format("SOKR_VULKAN_ROBUST={}", options.robust ? "on" : "off")};
}

struct Question {
  std::vector<std::string> arguments;
  std::span<const std::uint8_t> input;
  std::vector<std::uint8_t> key;  // of the verdict
  std::string what;               // "compiling the kernel for llvmpipe, Mesa 25"
  SokrResult refusal{};
  std::string advice;
};

struct Verdict {
  // "" if it was survived, else the sentence. Nothing if the child did not come to it.
  std::optional<std::string> sentence;
  bool lasts = true;  // it would be the same another time
};

Result<Verdict> ask(const Question& question, const Options& options, const substrate::Host& host) {
  Child child;
  child.program = program_of(options);
  child.arguments = question.arguments;
  child.settings = settings_of(options);
  child.input = question.input;
  child.patience = std::chrono::milliseconds(std::min(options.probe_ms, kMostMs));
  SOKR_ASSIGN(const ChildEnd end, run_child(child));
  host.log_debug("vulkan: {} was tried in a child process: {}", question.what, end.how);
  if (end.output.ends_with(kDone)) return Verdict{""};
  if (const std::size_t at = end.output.find("cannot: "); at != std::string::npos) {
    host.log_warning("vulkan: {} could not be tried in a child process: {}", question.what,
                     end.output.substr(at + 8));
    return Verdict{};
  }
  // Without a word, it did not even begin: that is no driver's fault.
  if (end.output.empty())
    return fail(SOKR_DISPATCH_FAILED, "{} ended before it began ({})", child.program, end.how);
  // Steps are lines, and the last was not survived.
  std::string step = end.output;
  if (step.ends_with('\n')) step.pop_back();
  step = step.substr(step.rfind('\n') + 1);
  // A machine that is busy, or short of memory, is no fault of a driver.
  return Verdict{
      fmt::format("{}{} {} in a child process; {}", question.what,
                  step.empty() ? "" : fmt::format(" ({})", step),
                  end.timed_out ? fmt::format("did not end within {} ms", child.patience.count())
                                : "crashed with " + end.how,
                  question.advice),
      !end.timed_out && !end.killed};
}

Result<void> settle(const Question& question, const Options& options, substrate::DiskCache* disk,
                    const substrate::Host& host) {
  std::optional<std::string> verdict;
  bool lasts = true;
  if (disk) {
    if (const auto kept = disk->load(question.key)) verdict.emplace(kept->begin(), kept->end());
  }
  if (!verdict) {
    SOKR_ASSIGN(Verdict asked, ask(question, options, host));
    verdict = std::move(asked.sentence);
    lasts = asked.lasts;
    std::string reason;
    if (verdict && lasts && disk &&
        !disk->store(question.key,
                     {reinterpret_cast<const std::uint8_t*>(verdict->data()), verdict->size()},
                     &reason)) {
      host.log_debug("vulkan: what a child process showed is not kept: {}", reason);
    }
  }
  if (!verdict || verdict->empty()) return {};
  return fail(lasts ? question.refusal : SOKR_DISPATCH_FAILED, "{}", *verdict);
}

std::vector<fs::path> list_of(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  std::vector<fs::path> paths;
  std::istringstream list(value && *value ? value : otherwise);
  for (std::string path; std::getline(list, path, ':');)
    if (!path.empty()) paths.emplace_back(path);
  return paths;
}

// Where the loader looks for manifests: folders, and files that the environment names.
std::vector<fs::path> manifest_places() {
  std::vector<fs::path> places;
  for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"})
    std::ranges::move(list_of(name), std::back_inserter(places));
  const char* set = std::getenv("HOME");
  const std::string home = set ? set : "";
  std::vector<fs::path> bases{"/etc", "/usr/local/etc"};
  for (const auto& [name, otherwise] : {std::pair{"XDG_CONFIG_HOME", home + "/.config"},
                                        {"XDG_CONFIG_DIRS", "/etc/xdg"},
                                        {"XDG_DATA_HOME", home + "/.local/share"},
                                        {"XDG_DATA_DIRS", "/usr/local/share:/usr/share"}})
    std::ranges::move(list_of(name, otherwise.c_str()), std::back_inserter(bases));
  for (const fs::path& base : bases) places.push_back(base / "vulkan/icd.d");
  return places;
}

// The library that a manifest names by a path; empty if it names one that is looked for.
fs::path library_of(const fs::path& manifest) {
  std::error_code error;
  if (!fs::is_regular_file(manifest, error)) return {};
  std::ifstream file(manifest);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t at = text.find("\"library_path\"");
  if (at != std::string::npos) at = text.find(':', at);
  if (at != std::string::npos) at = text.find('"', at);
  if (at == std::string::npos) return {};
  const std::string path = text.substr(at + 1, text.find('"', at + 1) - at - 1);
  if (path.find('/') == std::string::npos) return {};
  return fs::path(path).is_absolute() ? fs::path(path) : manifest.parent_path() / path;
}

void add_file(Writer& key, const fs::path& file) {
  std::error_code error;
  key.text(file.string());
  key.number(static_cast<std::uint64_t>(fs::file_size(file, error)));
  key.number(fs::last_write_time(file, error).time_since_epoch().count());
}

// All that decides which drivers are loaded, and whether they have changed.
std::vector<std::uint8_t> drivers_key(const Options& options) {
  Writer key;
  key.text("drivers");
  key.number(kProbeFormat);
  for (const std::string& setting : settings_of(options)) key.text(setting);
  for (const char* name :
       {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "VK_LOADER_DRIVERS_SELECT",
        "VK_LOADER_DRIVERS_DISABLE", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "VK_INSTANCE_LAYERS"}) {
    const char* value = std::getenv(name);
    key.text(value ? value : "");
  }
  for (const fs::path& place : manifest_places()) {
    std::vector<fs::path> manifests;
    std::error_code error;
    if (!fs::is_directory(place, error)) manifests.push_back(place);
    for (const auto& entry : fs::directory_iterator(place, error))
      manifests.push_back(entry.path());
    std::ranges::sort(manifests);
    for (const fs::path& manifest : manifests) {
      add_file(key, manifest);
      add_file(key, library_of(manifest));
    }
  }
  return key.take();
}

}  // namespace

std::vector<std::uint8_t> plan_to_bytes(const PipelinePlan& plan) {
  Writer out;
  out.number(kProbeFormat);
  out.text(plan.entry);
  out.number(plan.subgroup_size);
  out.number(static_cast<std::uint8_t>(plan.full_subgroups));
  out.number(static_cast<std::uint8_t>(plan.unchecked));
  out.number(plan.sliced ? plan.sliced->push_size : plan.reflection.push_constant_size);
  out.number(static_cast<std::uint32_t>(plan.counts.size()));
  for (std::size_t i = 0; i < plan.counts.size(); ++i) {
    const ir::Binding& binding = plan.reflection.bindings[i];
    for (const std::uint32_t value :
         {binding.set, binding.binding, static_cast<std::uint32_t>(binding.kind), plan.counts[i]})
      out.number(value);
  }
  const std::vector<std::uint32_t> words =
      plan.sliced ? plan.sliced->words : spirv::specialized_words(*plan.module);
  out.number(static_cast<std::uint32_t>(words.size()));
  for (const std::uint32_t word : words) out.number(word);
  return out.take();
}

Result<PipelinePlan> plan_from_bytes(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  PipelinePlan plan;
  const bool known = in.number<std::uint32_t>() == kProbeFormat;
  plan.entry.resize(in.count(1));
  for (char& c : plan.entry) c = static_cast<char>(in.number<std::uint8_t>());
  plan.subgroup_size = in.number<std::uint32_t>();
  plan.full_subgroups = in.number<std::uint8_t>() != 0;
  plan.unchecked = in.number<std::uint8_t>() != 0;
  spirv::SlicedModule module;
  module.push_size = (in.number<std::uint32_t>() + 3u) & ~3u;
  for (std::uint32_t left = in.count(16); left != 0; --left) {
    ir::Binding binding;
    binding.set = in.number<std::uint32_t>();
    binding.binding = in.number<std::uint32_t>();
    binding.kind = static_cast<SokrIrBindingKind>(in.number<std::uint32_t>());
    plan.counts.push_back(in.number<std::uint32_t>());
    plan.reflection.bindings.push_back(std::move(binding));
  }
  module.words.resize(in.count(4));
  for (std::uint32_t& word : module.words) word = in.number<std::uint32_t>();
  if (!known || !in.ended())
    return fail(SOKR_INVALID_INPUT, "these bytes are no kernel to compile");
  plan.sliced = std::move(module);
  return plan;
}

Result<void> probe_devices(const Options& options, substrate::DiskCache* disk,
                           const substrate::Host& host) {
  if (options.probe == Probe::kOff) return {};
  Question question;
  question.arguments = {"devices"};
  question.key = drivers_key(options);
  question.what = "asking this machine's Vulkan drivers for devices";
  question.refusal = SOKR_NOT_FOUND;
  question.advice =
      "none of them is loaded: name the manifest of one that works in VK_DRIVER_FILES, or set "
      "vulkan.probe to off";
  return settle(question, options, disk, host);
}

Result<void> probe_kernel(const PipelinePlan& plan, const PhysicalDevice& device,
                          const Options& options, substrate::DiskCache* disk,
                          const substrate::Host& host) {
  if (options.probe != Probe::kKernels) return {};
  const std::vector<std::uint8_t> request = plan_to_bytes(plan);
  Writer key;
  key.text("kernel");
  key.number(kProbeFormat);
  key.number(device.id.driverUUID);
  key.number(device.id.deviceUUID);
  key.number(device.properties.driverVersion);
  for (const std::string& setting : settings_of(options)) key.text(setting);
  key.number(XXH3_128bits(request.data(), request.size()));
  Question question;
  question.arguments = {"kernel", device.uuid()};
  question.input = request;
  question.key = key.take();
  question.what =
      fmt::format("compiling \"{}\" with {}, {},", plan.entry, device.name(), device.driver_text());
  question.refusal = SOKR_CAPABILITY_DENIED;
  question.advice = "it is not compiled here: another version of the driver may take it";
  return settle(question, options, disk, host);
}

}  // namespace sokr::vulkan
