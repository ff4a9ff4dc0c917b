// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugin: SPIR-V behind the table of sokr/ir.h.
#include <sokr/ir.h>

#include <algorithm>
#include <memory>
#include <sokr/ir/exporter.hpp>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

namespace {

using sokr::Result;
using sokr::ir::EntryDescription;
using sokr::ir::ReflectionDescription;
using sokr::ir::Request;

SokrIrBinding to_c(const sokr::spirv::Binding& binding) {
  return {binding.set,
          binding.binding,
          binding.count,
          static_cast<std::uint32_t>(binding.kind),
          binding.access,
          binding.runtime_stride,
          binding.min_size,
          binding.name.c_str(),
          binding.image_flags,
          static_cast<std::uint32_t>(binding.dimension),
          static_cast<std::uint32_t>(binding.image_format),
          static_cast<std::uint32_t>(binding.sampled_type),
          0};
}

SokrIrLocalSizeSource to_c(sokr::spirv::LocalSizeSource source) {
  switch (source) {
    case sokr::spirv::LocalSizeSource::kLiteral:
      return SOKR_IR_LOCAL_SIZE_LITERAL;
    case sokr::spirv::LocalSizeSource::kId:
      return SOKR_IR_LOCAL_SIZE_ID;
    case sokr::spirv::LocalSizeSource::kBuiltInConstant:
      return SOKR_IR_LOCAL_SIZE_WORKGROUP;
    case sokr::spirv::LocalSizeSource::kOverride:
      return SOKR_IR_LOCAL_SIZE_OVERRIDE;
  }
  return SOKR_IR_LOCAL_SIZE_LITERAL;
}

// The names stay in `entry`. Without ports: SPIR-V names by set and binding.
EntryDescription describe(const sokr::spirv::EntryReflection& entry) {
  EntryDescription out;
  out.name = entry.name.c_str();
  out.local_size = entry.local_size;
  out.local_size_source = to_c(entry.local_size_source);
  out.local_size_spec_ids = entry.local_size_spec_ids;
  out.workgroup_bytes = entry.workgroup_bytes;
  out.push_size = entry.push_constant_size;
  for (const sokr::spirv::Binding& binding : entry.bindings) {
    out.bindings.push_back(to_c(binding));
    out.binding_scalars.push_back(binding.scalars);
  }
  for (const sokr::spirv::PushConstantMember& member : entry.push_constants) {
    out.push_members.push_back(
        {member.name.c_str(), member.type.c_str(), member.offset, member.size});
    out.push_read_ends.push_back(member.read_end);
  }
  for (const sokr::spirv::PushConstantScalar& scalar : entry.push_scalars) {
    out.push_scalars.push_back({scalar.offset, static_cast<std::uint32_t>(scalar.type)});
  }
  return out;
}

ReflectionDescription describe(std::shared_ptr<const sokr::spirv::Reflection> source) {
  ReflectionDescription out;
  for (const auto& entry : source->entry_points) out.entry_points.push_back(describe(entry));
  for (const sokr::spirv::SpecConstantReflection& constant : source->spec_constants) {
    out.spec_constants.push_back({constant.id, static_cast<std::uint32_t>(constant.type),
                                  constant.default_value, constant.declarations, 0,
                                  constant.name.c_str()});
  }
  for (const std::string& name : source->capabilities) out.capabilities.push_back(name.c_str());
  for (const std::string& name : source->extensions) out.extensions.push_back(name.c_str());
  out.keeps = std::move(source);
  return out;
}

class Spirv {
 public:
  static constexpr const char* kName = "spirv";
  static constexpr const char* kVersion = "0.1.1";
  static constexpr std::uint32_t kFormat = SOKR_IR_SPIRV;
  static constexpr std::size_t kRecognised = 4;

  static bool recognise(std::span<const std::uint8_t> first) {
    constexpr std::uint8_t kLittle[kRecognised] = {0x03, 0x02, 0x23, 0x07};
    constexpr std::uint8_t kBig[kRecognised] = {0x07, 0x23, 0x02, 0x03};
    return std::ranges::equal(first, kLittle) || std::ranges::equal(first, kBig);
  }

  static Result<std::string> validate(const Request& request) {
    std::string remark;
    const auto checked = [&]() -> Result<void> {
      SOKR_ASSIGN(const sokr::spirv::Strictness strictness,
                  sokr::spirv::strictness_from(request.option("spirv.validate")));
      return sokr::spirv::validate(request.bytes, {strictness, &remark});
    };
    Result<void> result = checked();
    // What no substrate here would take has a better reason than the validator's.
    if (result.code() == SOKR_INVALID_IR)
      if (Result<void> allowed = sokr::spirv::check_allowed(request.bytes); !allowed)
        result = allowed;
    SOKR_TRY(result);
    return remark;
  }

  static Result<ReflectionDescription> reflect(const Request& request) {
    std::vector<sokr::spirv::SpecValue> values;
    for (std::uint32_t i = 0; i < request.specializations.size(); ++i) {
      const SokrIrSpecValue value = request.specializations[i];
      values.push_back({value.id, value.size, value.value});
    }
    sokr::spirv::DecodeOptions options;
    options.specializations = values;
    options.local_size = request.local_size;
    auto decoded = sokr::spirv::decode(request.bytes, options);
    if (!decoded && !request.is_specialized()) {
      // The module's own values may be of no use, and the caller's still to come.
      options.any_values = true;
      if (auto open = sokr::spirv::decode(request.bytes, options)) decoded = std::move(open);
    }
    SOKR_ASSIGN(const auto module, std::move(decoded));
    return describe(std::make_shared<const sokr::spirv::Reflection>(sokr::spirv::reflect(*module)));
  }
};

}  // namespace

SOKR_IR_PLUGIN_DECLARE(SOKR_IR_SPIRV);

extern "C" SOKR_IR_PLUGIN_EXPORT const SokrIrPlugin* sokr_ir_plugin_main(void) {
  return &sokr::ir::Exporter<Spirv>::kTable;
}
