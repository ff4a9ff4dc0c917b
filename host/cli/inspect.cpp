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

constexpr std::array<const char*, 6> kDimensions{"none", "1d", "2d", "3d", "cube", "buffer"};

// By SokrImageFormat; the last one is for numbers that have no name here.
constexpr std::array<const char*, 43> kImageFormats{
    "",        "rgba32f",    "rgba16f",      "r32f",       "rgba8",     "rgba8_snorm", "rg32f",
    "rg16f",   "r11g11b10f", "r16f",         "rgba16",     "rgb10a2",   "rg16",        "rg8",
    "r16",     "r8",         "rgba16_snorm", "rg16_snorm", "rg8_snorm", "r16_snorm",   "r8_snorm",
    "rgba32i", "rgba16i",    "rgba8i",       "r32i",       "rg32i",     "rg16i",       "rg8i",
    "r16i",    "r8i",        "rgba32u",      "rgba16u",    "rgba8u",    "r32u",        "rgb10a2u",
    "rg32u",   "rg16u",      "rg8u",         "r16u",       "r8u",       "r64u",        "r64i",
    "other"};

constexpr std::array<std::pair<const char*, const char*>, 4> kDirections{{
    {"?", "unknown"},
    {"in", "in"},
    {"out", "out"},
    {"in, out", "in_out"},
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

template <std::size_t N>
const char* name_of(const std::array<const char*, N>& names, std::uint32_t value) {
  return names[value < N ? value : N - 1];
}

// "2d array of f32, rgba8"; empty for what is no image.
std::string image_text(const SokrIrBinding& binding) {
  if (binding.dimension == SOKR_IMAGE_NONE) return "";
  std::string text = name_of(kDimensions, binding.dimension);
  if (binding.image_flags & SOKR_IMAGE_ARRAYED) text += " array";
  if (binding.image_flags & SOKR_IMAGE_MULTISAMPLED) text += " multisampled";
  if (binding.image_flags & SOKR_IMAGE_DEPTH) text += " depth";
  text += fmt::format(" of {}", scalar_name(binding.sampled_type));
  if (binding.image_format != SOKR_IMAGE_FORMAT_NONE)
    text += fmt::format(", {}", name_of(kImageFormats, binding.image_format));
  return text;
}

std::string shape_text(const SokrIrPort& port) {
  std::string text;
  for (std::uint32_t i = 0; i < port.rank; ++i) {
    text += port.shape[i] == SOKR_IR_ANY_EXTENT ? "[]" : fmt::format("[{}]", port.shape[i]);
  }
  return text;
}

// Where a launch gives it.
std::string port_place(const SokrIrPort& port) {
  return port.kind == SOKR_IR_PORT_PARAMETER ? fmt::format("push {}", port.offset)
                                             : fmt::format("{}.{}", port.set, port.binding);
}

std::span<const SokrIrBinding> bindings_of(const SokrIrEntryPoint& entry) {
  return {entry.bindings, entry.binding_count};
}

std::span<const SokrIrPort> ports_of(const SokrIrEntryPoint& entry) {
  return {entry.ports, entry.port_count};
}

std::string size_text(const SokrIrBinding& binding) {
  if (binding.dimension != SOKR_IMAGE_NONE) return image_text(binding);
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
  Table ports(4);
  for (const SokrIrPort& port : ports_of(entry)) {
    ports.row({printable(port.name), name_of(kDirections, port.direction).first,
               scalar_name(port.type) + shape_text(port), port_place(port)});
  }
  if (!ports.empty()) out += "\n  ports\n" + ports.format();
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

struct Reflected {
  const SokrIrReflection& reflection;
  bool has_values = false;  // of specialization constants
};

// Why a substrate cannot run the kernel, with the values that the reflection is for if some were
// given. Capability has none, so it says nothing of sizes that follow from them.
std::optional<std::string> why_not(const Substrate& substrate, const Kernel& kernel,
                                   const Reflected& reflected) {
  if (auto reason = substrate.why_not(kernel)) return reason;
  const SokrComputeLimits* limits = substrate.info().limits;
  if (limits == nullptr || !reflected.has_values) return std::nullopt;
  const SokrIrReflection& reflection = reflected.reflection;
  std::optional<std::string> reason;
  for (std::uint32_t i = 0; i < reflection.entry_point_count; ++i) {
    const SokrIrEntryPoint& entry = reflection.entry_points[i];
    const auto over =
        workgroup_over_limits(*limits, std::to_array(entry.local_size), entry.workgroup_bytes);
    if (!over) return std::nullopt;  // an entry point that it can run
    if (!reason) reason = fmt::format("{}, in entry point {}", *over, printable(entry.name));
  }
  return reason;
}

std::string people_text(std::span<const Substrate> substrates, const Kernel& kernel,
                        const Reflected& reflected, const std::string& file) {
  const SokrIrReflection& reflection = reflected.reflection;
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
    const auto reason = why_not(substrate, kernel, reflected);
    table.row({std::string(substrate.name()), reason ? "no: " + printable(*reason) : "yes"});
  }
  return out + "\ncan run it\n" +
         (table.empty() ? "  no substrate is available\n" : table.format());
}

Json image_json(const SokrIrBinding& binding) {
  if (binding.dimension == SOKR_IMAGE_NONE) return nullptr;
  const char* format = name_of(kImageFormats, binding.image_format);
  return Json{{"dimension", name_of(kDimensions, binding.dimension)},
              {"sampled_type", scalar_name(binding.sampled_type)},
              {"format", *format ? Json(format) : Json(nullptr)},
              {"arrayed", (binding.image_flags & SOKR_IMAGE_ARRAYED) != 0},
              {"multisampled", (binding.image_flags & SOKR_IMAGE_MULTISAMPLED) != 0},
              {"depth", (binding.image_flags & SOKR_IMAGE_DEPTH) != 0}};
}

Json port_json(const SokrIrPort& port) {
  Json shape = Json::array();
  for (std::uint32_t i = 0; i < port.rank; ++i) {
    shape.push_back(port.shape[i] == SOKR_IR_ANY_EXTENT ? Json(nullptr) : Json(port.shape[i]));
  }
  Json out{{"name", port.name},
           {"kind", port.kind == SOKR_IR_PORT_PARAMETER ? "parameter" : "buffer"},
           {"direction", name_of(kDirections, port.direction).second},
           {"type", scalar_name(port.type)},
           {"shape", std::move(shape)}};
  if (port.kind == SOKR_IR_PORT_PARAMETER) {
    out["offset"] = port.offset;
  } else {
    out["set"] = port.set;
    out["binding"] = port.binding;
  }
  return out;
}

Json binding_json(const SokrIrBinding& binding) {
  return Json{{"set", binding.set},
              {"binding", binding.binding},
              {"count", binding.count},
              {"kind", name_of(kBindingKinds, binding.kind).second},
              {"access", kAccesses[binding.access & 3].second},
              {"min_size", binding.min_size},
              {"runtime_stride", binding.runtime_stride},
              {"image", image_json(binding)},
              {"name", binding.name}};
}

Json entry_json(const SokrIrEntryPoint& entry) {
  Json bindings = Json::array(), push = Json::array(), ids = Json::array(), ports = Json::array();
  for (const SokrIrPort& port : ports_of(entry)) ports.push_back(port_json(port));
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
              {"bindings", std::move(bindings)},
              {"ports", std::move(ports)}};
}

Json names_json(const char* const* names, std::uint32_t count) {
  Json list = Json::array();
  for (std::uint32_t i = 0; i < count; ++i) list.push_back(names[i]);
  return list;
}

Json scripts_json(std::span<const Substrate> candidates, const Kernel& kernel,
                  const Reflected& reflected, const std::string& file) {
  const SokrIrReflection& reflection = reflected.reflection;
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
    const auto reason = why_not(substrate, kernel, reflected);
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
  const Reflected reflected{*reflection, !specs.empty()};
  print(flags.json ? json_text(scripts_json(candidates, kernel, reflected, flags.kernel))
                   : people_text(candidates, kernel, reflected, flags.kernel));
  return kDone;
}

}  // namespace sokr::cli
