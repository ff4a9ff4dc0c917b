// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <sokr/sokr.hpp>

#include "command.hpp"
#include "output.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

std::string formats_text(const SokrSubstrateInfo& info) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < info.ir_format_count; ++i) {
    names.push_back(ir_format_text(info.ir_formats[i]));
  }
  return names.empty() ? "nothing" : list_text(names);
}

std::string subgroup_text(const SokrComputeLimits& limits) {
  std::string text = std::to_string(limits.subgroup_size);
  if (limits.min_subgroup_size != limits.max_subgroup_size) {
    text +=
        fmt::format(" ({} to {} on request)", limits.min_subgroup_size, limits.max_subgroup_size);
  }
  return text;
}

void add_limits(const SokrComputeLimits& limits, Table& table) {
  table.row(
      {"workgroup",
       fmt::format("up to {} invocations, {}; {} shared", limits.max_local_invocations,
                   extent_text(limits.max_local_size), bytes_text(limits.max_shared_memory))});
  table.row({"groups", "up to " + extent_text(limits.max_group_count)});
  if (limits.subgroup_size) table.row({"subgroup", subgroup_text(limits)});
  table.row(
      {"bindings", fmt::format("{} sets, up to {} each, {} of push constants",
                               limits.max_descriptor_sets, bytes_text(limits.max_binding_size),
                               bytes_text(limits.max_push_constant_size))});
  if (limits.memory_size) table.row({"memory", bytes_text(limits.memory_size)});
}

std::string people_text(const Context& context) {
  std::string out;
  for (const Substrate& substrate : context.substrates()) {
    const SokrSubstrateInfo& info = substrate.info();
    Table table(2);
    table.row({"kind", kind_text(info.kind)});
    table.row({"accepts", formats_text(info)});
    if (info.limits) add_limits(*info.limits, table);
    for (std::uint32_t i = 0; i < info.fact_count; ++i) {
      std::string key = printable(info.facts[i].key);
      std::replace(key.begin(), key.end(), '_', ' ');
      table.row({std::move(key), printable(info.facts[i].value)});
    }
    out += fmt::format("{}{}  {}\n{}", out.empty() ? "" : "\n", info.name,
                       printable(info.description), table.format());
  }
  if (context.substrates().empty()) out += "no substrate is available\n";
  if (context.unavailable().empty()) return out;
  Table table(2);
  for (const Unavailable& missing : context.unavailable()) {
    table.row({missing.name, printable(missing.reason)});
  }
  return out + "\nnot available\n" + table.format();
}

Json limits_json(const SokrComputeLimits& limits) {
  return Json{{"max_group_count", limits.max_group_count},
              {"max_local_size", limits.max_local_size},
              {"max_local_invocations", limits.max_local_invocations},
              {"max_shared_memory", limits.max_shared_memory},
              {"max_push_constant_size", limits.max_push_constant_size},
              {"subgroup_size", limits.subgroup_size},
              {"min_subgroup_size", limits.min_subgroup_size},
              {"max_subgroup_size", limits.max_subgroup_size},
              {"max_descriptor_sets", limits.max_descriptor_sets},
              {"host_import_alignment", limits.host_import_alignment},
              {"max_binding_size", limits.max_binding_size},
              {"memory_size", limits.memory_size}};
}

Json scripts_json(const Context& context) {
  Json substrates = Json::array();
  for (const Substrate& substrate : context.substrates()) {
    const SokrSubstrateInfo& info = substrate.info();
    Json formats = Json::array();
    for (std::uint32_t i = 0; i < info.ir_format_count; ++i) {
      formats.push_back({{"id", info.ir_formats[i]}, {"name", ir_format_text(info.ir_formats[i])}});
    }
    Json facts = Json::object();
    for (std::uint32_t i = 0; i < info.fact_count; ++i)
      facts[info.facts[i].key] = info.facts[i].value;
    substrates.push_back({{"name", info.name},
                          {"kind", kind_word(info.kind)},
                          {"description", info.description},
                          {"ir_formats", std::move(formats)},
                          {"limits", info.limits ? limits_json(*info.limits) : Json(nullptr)},
                          {"has_buffers", info.memory != nullptr},
                          {"facts", std::move(facts)}});
  }
  Json unavailable = Json::array();
  for (const Unavailable& missing : context.unavailable()) {
    unavailable.push_back({{"name", missing.name}, {"reason", missing.reason}});
  }
  const SokrVersion version = sokr_version();
  return Json{{"schema", "sokr.devices/1"},
              {"version", fmt::format("{}.{}.{}", version.major, version.minor, version.patch)},
              {"substrates", std::move(substrates)},
              {"unavailable", std::move(unavailable)}};
}

}  // namespace

int devices(const DevicesFlags& flags) {
  const Context context;
  print(flags.json ? json_text(scripts_json(context)) : people_text(context));
  return kDone;
}

}  // namespace sokr::cli
