// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Drivers are other people's code in this process: one that crashes takes the program along. With
// Options::probe, a child process (sokr-vulkan-probe) does first what this one is about to do,
// once. What it did not survive is refused here with a sentence, and both verdicts are kept on
// disk, by the driver and its version. Blocks for Options::probe_ms at most. Any thread.
#ifndef SOKR_VULKAN_PROBE_HPP_
#define SOKR_VULKAN_PROBE_HPP_

#include <cstdint>
#include <sokr/substrate/disk_cache.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <span>
#include <vector>

#include "options.hpp"
#include "physical_device.hpp"
#include "pipeline.hpp"

namespace sokr::vulkan {

// Before drivers are loaded: can all that the loader would load be asked for devices, and each
// device be opened? SOKR_NOT_FOUND if that ended the child. The verdict is kept by the manifests of
// the drivers and the environment that chooses among them, for no driver is loaded yet.
Result<void> probe_devices(const Options& options, substrate::DiskCache* disk,
                           const substrate::Host& host);

// Before it is compiled here. SOKR_CAPABILITY_DENIED if compiling it ended the child. The verdict
// is kept by the UUIDs and version of the driver, and by all that it is given.
Result<void> probe_kernel(const PipelinePlan& plan, const PhysicalDevice& device,
                          const Options& options, substrate::DiskCache* disk,
                          const substrate::Host& host);

// A plan as bytes: what a driver is given of it. And from them, for Pipeline::create().
std::vector<std::uint8_t> plan_to_bytes(const PipelinePlan& plan);
// SOKR_INVALID_INPUT if the bytes are none.
Result<PipelinePlan> plan_from_bytes(std::span<const std::uint8_t> bytes);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PROBE_HPP_
