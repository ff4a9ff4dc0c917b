// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <sokr/sokr.hpp>

#include "command.hpp"
#include "kernel_file.hpp"
#include "launch_flags.hpp"
#include "output.hpp"
#include "plan.hpp"
#include "scalar.hpp"
#include "selection.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 9> kBindingKinds{{
    {"storage buffer", "storage_buffer"},
    {"uniform buffer", "uniform_buffer"},
    {"storage image", "storage_image"},
    {"sampled image", "sampled_image"},
    {"sampler", "sampler"},
    {"combined image sampler", "combined_image_sampler"},
    {"uniform texel buffer", "uniform_texel_buffer"},
    {"storage texel buffer", "storage_texel_buffer"},
    {"other", "other"},
}};

constexpr std::array<std::pair<const char*, const char*>, 4> kLocalSizeSources{{
    {"", "literal"},
    {" (LocalSizeId)", "local_size_id"},
    {" (WorkgroupSize constant)", "workgroup_size"},
    {" (overridden)", "override"},
}};

constexpr std::array<std::pair<const char*, const char*>, 4> kAccesses{{
    {"unused", "none"},
    {"read", "read"},
    {"write", "write"},
    {"read, write", "read_write"},
}};

template <std::size_t N>
const auto& name_of(const std::array<std::pair<const char*, const char*>, N>& names,
                    std::uint32_t value) {
  return names[value < N ? value : N - 1];
}

std::span<const SokrIrBinding> bindings_of(const SokrIrEntryPoint& entry) {
  return {entry.bindings, entry.binding_count};
}

std::string size_text(const SokrIrBinding& binding) {
  if (binding.min_size == 0 && binding.runtime_stride == 0) return "";
  if (binding.runtime_stride == 0) return bytes_text(binding.min_size);
  const std::uint64_t fixed =
      binding.min_size - std::min<std::uint64_t>(binding.min_size, binding.runtime_stride);
  const std::string each = fmt::format("{} an element", bytes_text(binding.runtime_stride));
  return fixed ? fmt::format("{} + {}", bytes_text(fixed), each) : each;
}

std::string array_text(const SokrIrBinding& binding) {
  if (binding.count == 1) return "";
  return binding.count ? fmt::format("[{}]", binding.count) : "[]";
}

std::string spec_ids_text(const SokrIrEntryPoint& entry) {
  std::string text;
  for (std::size_t i = 0; i < 3; ++i) {
    if (entry.local_size_spec_ids[i] == SOKR_IR_NO_SPEC_ID) continue;
    text += fmt::format("{}{} by constant {}", text.empty() ? "" : ", ", "xyz"[i],
                        entry.local_size_spec_ids[i]);
  }
  return text.empty() ? "" : "; " + text;
}

std::string entry_text(const SokrIrEntryPoint& entry) {
  std::string out = fmt::format("entry point {}\n", printable(entry.name));
  Table facts(2);
  facts.row({"workgroup", extent_text(entry.local_size) +
                              name_of(kLocalSizeSources, entry.local_size_source).first +
                              spec_ids_text(entry)});
  if (entry.workgroup_bytes) facts.row({"shared memory", bytes_text(entry.workgroup_bytes)});
  if (entry.push_size) facts.row({"push constants", bytes_text(entry.push_size)});
  out += facts.format();
  Table bindings(4);
  for (const SokrIrBinding& binding : bindings_of(entry)) {
    bindings.row({fmt::format("{}.{}{}", binding.set, binding.binding, array_text(binding)),
                  name_of(kBindingKinds, binding.kind).first, kAccesses[binding.access & 3].first,
                  size_text(binding), printable(binding.name)});
  }
  if (!bindings.empty()) out += "\n  bindings\n" + bindings.format();
  Table push(4);
  push.right_align(0);
  for (std::uint32_t i = 0; i < entry.push_member_count; ++i) {
    const SokrIrPushMember& member = entry.push_members[i];
    push.row({std::to_string(member.offset), printable(member.type), printable(member.name)});
  }
  if (!push.empty()) out += "\n  push constants, by offset\n" + push.format();
  return out;
}

std::string spec_constants_text(const SokrIrReflection& reflection) {
  Table table(2);
  for (std::uint32_t i = 0; i < reflection.spec_constant_count; ++i) {
    const SokrIrSpecConstant& constant = reflection.spec_constants[i];
    std::string note = printable(constant.name);
    if (constant.declarations > 1) note += fmt::format(" ({} constants)", constant.declarations);
    table.row({std::to_string(constant.id), scalar_name(constant.type),
               "= " + scalar_text(constant.type, constant.default_value), std::move(note)});
  }
  return table.empty() ? "" : "\nspecialization constants\n" + table.format();
}

std::string names_text(const char* title, const char* const* names, std::uint32_t count) {
  std::string out;
  for (std::uint32_t i = 0; i < count; ++i) out += (i ? ", " : "") + printable(names[i]);
  if (out.empty()) return "";
  Table table(0);
  table.row({title, out});
  return table.format();
}

std::string people_text(std::span<const Substrate> substrates, const Kernel& kernel,
                        const SokrIrReflection& reflection, const std::string& file) {
  std::string out =
      fmt::format("{}  {}, {}\n\n", printable(file), ir_format_text(kernel.ir_format()),
                  bytes_text(kernel.bytes().size()));
  for (std::uint32_t i = 0; i < reflection.entry_point_count; ++i) {
    out += (i ? "\n" : "") + entry_text(reflection.entry_points[i]);
  }
  out += spec_constants_text(reflection);
  const std::string needs =
      names_text("capabilities", reflection.capabilities, reflection.capability_count) +
      names_text("extensions  ", reflection.extensions, reflection.extension_count);
  if (!needs.empty()) out += '\n' + needs;
  Table table(2);
  for (const Substrate& substrate : substrates) {
    const auto reason = substrate.why_not(kernel);
    table.row({std::string(substrate.name()), reason ? "no: " + printable(*reason) : "yes"});
  }
  return out + "\ncan run it\n" +
         (table.empty() ? "  no substrate is available\n" : table.format());
}

Json binding_json(const SokrIrBinding& binding) {
  return Json{{"set", binding.set},
              {"binding", binding.binding},
              {"count", binding.count},
              {"kind", name_of(kBindingKinds, binding.kind).second},
              {"access", kAccesses[binding.access & 3].second},
              {"min_size", binding.min_size},
              {"runtime_stride", binding.runtime_stride},
              {"name", binding.name}};
}

Json entry_json(const SokrIrEntryPoint& entry) {
  Json bindings = Json::array(), push = Json::array(), ids = Json::array();
  for (const SokrIrBinding& binding : bindings_of(entry)) bindings.push_back(binding_json(binding));
  for (std::uint32_t i = 0; i < entry.push_member_count; ++i) {
    const SokrIrPushMember& member = entry.push_members[i];
    push.push_back({{"name", member.name},
                    {"type", member.type},
                    {"offset", member.offset},
                    {"size", member.size}});
  }
  for (const std::uint32_t id : entry.local_size_spec_ids) {
    ids.push_back(id == SOKR_IR_NO_SPEC_ID ? Json(nullptr) : Json(id));
  }
  return Json{{"name", entry.name},
              {"local_size", entry.local_size},
              {"local_size_source", name_of(kLocalSizeSources, entry.local_size_source).second},
              {"local_size_spec_ids", std::move(ids)},
              {"workgroup_bytes", entry.workgroup_bytes},
              {"push_size", entry.push_size},
              {"push_constants", std::move(push)},
              {"bindings", std::move(bindings)}};
}

Json names_json(const char* const* names, std::uint32_t count) {
  Json list = Json::array();
  for (std::uint32_t i = 0; i < count; ++i) list.push_back(names[i]);
  return list;
}

Json scripts_json(std::span<const Substrate> candidates, const Kernel& kernel,
                  const SokrIrReflection& reflection, const std::string& file) {
  Json entries = Json::array(), constants = Json::array(), substrates = Json::array();
  for (std::uint32_t i = 0; i < reflection.entry_point_count; ++i) {
    entries.push_back(entry_json(reflection.entry_points[i]));
  }
  for (std::uint32_t i = 0; i < reflection.spec_constant_count; ++i) {
    const SokrIrSpecConstant& constant = reflection.spec_constants[i];
    constants.push_back({{"id", constant.id},
                         {"type", scalar_name(constant.type)},
                         {"default", scalar_text(constant.type, constant.default_value)},
                         {"declarations", constant.declarations},
                         {"name", constant.name}});
  }
  for (const Substrate& substrate : candidates) {
    const auto reason = substrate.why_not(kernel);
    substrates.push_back({{"name", substrate.name()},
                          {"can_run", !reason},
                          {"reason", reason ? Json(*reason) : Json(nullptr)}});
  }
  return Json{
      {"schema", "sokr.inspect/1"},
      {"kernel", file},
      {"ir_format", {{"id", kernel.ir_format()}, {"name", ir_format_text(kernel.ir_format())}}},
      {"size", kernel.bytes().size()},
      {"entry_points", std::move(entries)},
      {"spec_constants", std::move(constants)},
      {"capabilities", names_json(reflection.capabilities, reflection.capability_count)},
      {"extensions", names_json(reflection.extensions, reflection.extension_count)},
      {"substrates", std::move(substrates)}};
}

}  // namespace

int inspect(const InspectFlags& flags) {
  const std::vector<std::string> names = parse_names(flags.on);
  const std::vector<SpecValueText> specs = parse_specs(flags.spec);
  const Context context;
  const std::vector<Substrate> named = named_substrates(context, names);
  const Kernel kernel = open_kernel(context, flags.kernel);
  const std::span candidates = names.empty() ? context.substrates() : std::span(named);
  Launch launch;
  specialize(kernel, specs, launch);
  const auto reflection = reflect_for(kernel, launch);
  print(flags.json ? json_text(scripts_json(candidates, kernel, *reflection, flags.kernel))
                   : people_text(candidates, kernel, *reflection, flags.kernel));
  return kDone;
}

}  // namespace sokr::cli
