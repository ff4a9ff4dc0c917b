// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a user may ask of this substrate. A host option "vulkan.x" wins over the
// environment variable SOKR_VULKAN_X. A value that cannot be read is a warning in
// the log and counts as not given.
#ifndef SOKR_VULKAN_OPTIONS_HPP_
#define SOKR_VULKAN_OPTIONS_HPP_

#include <cstdint>
#include <optional>
#include <sokr/spirv/module.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "vk.hpp"

namespace sokr::vulkan {

enum class Staging : std::uint8_t {
  kAuto,    // direct where kernels reach host-visible memory at full speed, else copy
  kDirect,  // kernels use the host-visible block itself
  kCopy,    // the device copies between a host-visible block and its own memory
};

enum class QueueChoice : std::uint8_t {
  kAuto,      // by driver
  kCompute,   // of a family without graphics, if there is one
  kGraphics,  // of a family with graphics, if there is one that computes
};

enum class TransferChoice : std::uint8_t {
  kAuto,  // a queue that only copies, where there is one
  kOff,   // all copies on the queue that computes
};

enum class Probe : std::uint8_t {
  kOff,
  kDevices,  // drivers are loaded and devices opened in a child process first
  kKernels,  // and each kernel is compiled in one first
};

struct Options {
  std::string loader;                      // vulkan.loader; empty = the names that it has
  std::uint32_t api = VK_API_VERSION_1_3;  // vulkan.api: "1.1", "1.2", "1.3": the newest to use
  bool validation = false;                 // vulkan.validation: "1"
  Staging staging = Staging::kAuto;        // vulkan.staging: "auto", "direct", "copy"
  std::vector<std::string> disabled;       // vulkan.disable: features and extensions not to use
  std::uint64_t cache_bytes = 256u << 20;  // vulkan.cache_bytes: of one cache file; 0 = no cache
  // vulkan.staging_bytes: kept for reuse when idle, of each kind of memory. Not given: 512 MiB, but
  // no more than a sixteenth of the device's memory.
  std::optional<std::uint64_t> staging_bytes;
  std::uint64_t import_bytes = 0;  // vulkan.import_bytes: smallest to import; 0 = by device
  std::uint64_t kernel_bytes = 256u << 20;   // vulkan.kernel_bytes: of pipelines kept, estimated
  std::uint64_t in_flight = 1024;            // vulkan.in_flight: launches under way at once
  std::uint64_t in_flight_bytes = 1u << 30;  // vulkan.in_flight_bytes: of their staged memory
  std::uint64_t collect = 32;  // vulkan.collect: launches submitted together at most; 1 = none are
  std::uint64_t patience_ms = 10'000;  // vulkan.patience_ms: for room among them

  QueueChoice queue = QueueChoice::kAuto;           // vulkan.queue: "auto", "compute", "graphics"
  TransferChoice transfer = TransferChoice::kAuto;  // vulkan.transfer: "auto", "off"
  bool robust = true;  // vulkan.robust: "on", "off": are accesses beyond a binding harmless?
  // vulkan.spin_us: how long a wait asks the device over and over before it sleeps. Not given: 50,
  // and 0 on software, whose work takes the processor that would spin.
  std::optional<std::uint64_t> spin_us;
  // vulkan.slice_ms: what a submission should not exceed, for the sake of drivers' watchdogs;
  // 0 = grids are not cut for it. Not given: 100, and 0 on software.
  std::optional<std::uint64_t> slice_ms;

  // vulkan.probe: "off", "devices", "kernels": what a child process tries first, once. Drivers that
  // crash or hang there are not used, nor kernels that they crash or hang on.
  Probe probe = Probe::kOff;
  std::uint64_t probe_ms = 60'000;  // vulkan.probe_ms: what such a process may take
  // vulkan.probe_program: empty = sokr-vulkan-probe beside this library.
  std::string probe_program;

  bool is_disabled(std::string_view name) const;
  spirv::Strictness strictness = spirv::Strictness::kRelaxed;  // spirv.validate

  bool operator==(const Options&) const = default;
};

// Reads the options. Environment variables count where the host gives none.
Options read_options(const substrate::Host& host);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_OPTIONS_HPP_
