// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/compute.h>

#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <string>
#include <utility>

#include "instance.hpp"
#include "known_faults.hpp"
#include "options.hpp"
#include "probe.hpp"
#include "substrate.hpp"

namespace sokr::vulkan {
namespace {

constexpr std::size_t kMaxDevices = 16;
using Devices = substrate::Exporter<VulkanSubstrate, kMaxDevices>;

// One instance for all substrates of the library, also if it is asked again. It goes with
// the last substrate. No static destroys it: at the end of a process, or inside dlclose,
// the drivers' own statics may be gone already.
Result<std::shared_ptr<Instance>> open_instance(const Options& options,
                                                const substrate::Host& host) {
  static std::weak_ptr<Instance> open;
  if (auto earlier = open.lock(); earlier && earlier->options() == options) return earlier;
  SOKR_ASSIGN(std::shared_ptr<Instance> instance, Instance::create(options, host));
  open = instance;
  return instance;
}

Result<void> find_devices(const substrate::Host& host, substrate::PluginDescription& plugin) {
  if (auto word = spirv::strictness_from(host.option("spirv.validate")); !word)
    return std::move(word).failure();
  Options options = read_options(host);
  substrate::DiskCache disk(disk_options(options));
  SOKR_TRY(probe_devices(options, &disk, host));
  SOKR_ASSIGN(std::shared_ptr<Instance> instance, open_instance(options, host));
  SOKR_ASSIGN(Instance::Found found, instance->devices());
  if (found.usable.empty() && found.unsuitable.empty()) {
    return fail(SOKR_NOT_FOUND,
                "the Vulkan loader is there, but no driver offers a device; install "
                "the driver of the GPU, or mesa-vulkan-drivers");
  }
  std::size_t number = 0;
  for (const PhysicalDevice& physical : found.usable) {
    substrate::SubstrateDescription description;
    description.name = fmt::format("vulkan:{}", number);
    description.description = physical.description();
    description.kind = physical.kind();
    description.ir_formats = {SOKR_IR_SPIRV};
    description.facts = physical.facts();
    if (std::string faults = known_faults(physical); !faults.empty())
      description.facts.emplace_back("known_faults", std::move(faults));
    description.facts.emplace_back("kernel_bytes", std::to_string(options.kernel_bytes));
    description.facts.emplace_back("in_flight", std::to_string(options.in_flight));
    description.facts.emplace_back("in_flight_bytes", std::to_string(options.in_flight_bytes));
    description.limits = physical.limits();
    auto exported = Devices::install(
        std::make_unique<VulkanSubstrate>(instance, physical, host, options, description.name));
    if (!exported) {
      plugin.add_unavailable(description.name, exported.failure().sentence);
      continue;
    }
    plugin.add(std::move(description), *exported);
    ++number;
  }
  for (std::string& reason : found.unsuitable) plugin.add_unavailable("vulkan", std::move(reason));
  return {};
}

}  // namespace
}  // namespace sokr::vulkan

SOKR_PLUGIN_DECLARE("vulkan", SOKR_KIND_BIT(SOKR_KIND_DISCRETE_GPU) |
                                  SOKR_KIND_BIT(SOKR_KIND_INTEGRATED_GPU) |
                                  SOKR_KIND_BIT(SOKR_KIND_VIRTUAL_GPU) |
                                  SOKR_KIND_BIT(SOKR_KIND_SOFTWARE_GPU) |
                                  SOKR_KIND_BIT(SOKR_KIND_OTHER));

extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* info) {
  return sokr::substrate::plugin_main(info, "vulkan", SOKR_PROJECT_VERSION,
                                      sokr::vulkan::find_devices);
}
