// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The plugin: one substrate, `reference`.
//
// Options: "reference.report_oob" = off, log or fail: what a launch does about accesses out
// of bounds; "reference.threads" = how many threads run workgroups; "reference.in_flight" = how
// many launches may be under way at once; "reference.kernel_bytes" = of programs that are kept.
#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/plugin_description.hpp>

#include "substrate.hpp"

namespace sokr::reference {

namespace {

Result<OutOfBounds> out_of_bounds_option(const substrate::Host& host) {
  const auto value = host.option("reference.report_oob").value_or("off");
  if (value == "off") return OutOfBounds::kIgnore;
  if (value == "log") return OutOfBounds::kReport;
  if (value == "fail") return OutOfBounds::kFail;
  return fail(SOKR_INVALID_INPUT, "option reference.report_oob is '{}'; it can be off, log or fail",
              value);
}

Result<void> describe(const substrate::Host& host, substrate::PluginDescription& plugin) {
  SubstrateOptions options;
  SOKR_ASSIGN(options.out_of_bounds, out_of_bounds_option(host));
  SOKR_ASSIGN(options.strictness, spirv::strictness_from(host.option("spirv.validate")));
  SOKR_ASSIGN(const std::uint64_t threads, host.number_option("reference.threads", 0, 0, 4096));
  options.threads = static_cast<std::uint32_t>(threads);
  SOKR_ASSIGN(options.in_flight.most,
              host.number_option("reference.in_flight", options.in_flight.most, 1, UINT32_MAX));
  SOKR_ASSIGN(options.kernel_bytes,
              host.number_option("reference.kernel_bytes", options.kernel_bytes, 0, UINT64_MAX));
  using Slots = substrate::Exporter<ReferenceSubstrate, 4>;
  SOKR_ASSIGN(const auto exported,
              Slots::install(std::make_unique<ReferenceSubstrate>(host, options)));
  plugin.add({.name = "reference",
              .description = "SPIR-V interpreter: correct before fast",
              .kind = SOKR_KIND_REFERENCE,
              .ir_formats = {SOKR_IR_SPIRV},
              .facts = {{"scheduler", "oneTBB"},
                        {"out_of_bounds", "reads 0, writes dropped"},
                        {"kernel_bytes", std::to_string(options.kernel_bytes)},
                        {"in_flight", std::to_string(options.in_flight.most)}},
              .limits = ReferenceSubstrate::limits()},
             exported);
  return {};
}

}  // namespace

}  // namespace sokr::reference

SOKR_PLUGIN_DECLARE("reference", SOKR_KIND_BIT(SOKR_KIND_REFERENCE));

extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* host) {
  return sokr::substrate::plugin_main(host, "reference", SOKR_PROJECT_VERSION,
                                      sokr::reference::describe);
}
