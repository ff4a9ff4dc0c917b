// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugin: SPIR-V behind the table of sokr/ir.h.
#include <sokr/ir.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

namespace {

using sokr::Failure;
using sokr::Result;

// The C arrays of a reflection point into the C++ one that lies beside them.
struct OwnedReflection : SokrIrReflection {
  OwnedReflection() : SokrIrReflection{} {}
  sokr::spirv::Reflection source;
  std::vector<SokrIrEntryPoint> entries;
  std::deque<std::vector<SokrIrBinding>> bindings;
  std::deque<std::vector<SokrIrPushMember>> push_members;
  std::vector<SokrIrEntryTypes> entry_types_of;
  std::deque<std::vector<std::uint32_t>> binding_scalars;
  std::deque<std::vector<SokrIrPushScalar>> push_scalars;
  std::deque<std::vector<std::uint32_t>> push_read_ends;
  std::vector<SokrIrSpecConstant> constants;
  std::vector<const char*> capability_names, extension_names;
};

void write_sentence(const std::string& sentence, char* out, std::size_t capacity) {
  if (out == nullptr || capacity == 0) return;
  const std::size_t length = std::min(sentence.size(), capacity - 1);
  std::memcpy(out, sentence.data(), length);
  out[length] = 0;
}

SokrIrBinding to_c(const sokr::spirv::Binding& binding) {
  return {binding.set,      binding.binding,
          binding.count,    static_cast<std::uint32_t>(binding.kind),
          binding.access,   binding.runtime_stride,
          binding.min_size, binding.name.c_str()};
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

void add_entry_point(OwnedReflection& owned, const sokr::spirv::EntryReflection& entry) {
  SokrIrEntryPoint out{};
  out.name = entry.name.c_str();
  std::copy(entry.local_size.begin(), entry.local_size.end(), out.local_size);
  out.local_size_source = to_c(entry.local_size_source);
  std::copy(entry.local_size_spec_ids.begin(), entry.local_size_spec_ids.end(),
            out.local_size_spec_ids);
  out.workgroup_bytes = entry.workgroup_bytes;
  auto& bindings = owned.bindings.emplace_back();
  for (const sokr::spirv::Binding& binding : entry.bindings) bindings.push_back(to_c(binding));
  out.bindings = bindings.data();
  out.binding_count = static_cast<std::uint32_t>(bindings.size());
  auto& members = owned.push_members.emplace_back();
  for (const sokr::spirv::PushConstantMember& member : entry.push_constants) {
    members.push_back({member.name.c_str(), member.type.c_str(), member.offset, member.size});
  }
  out.push_members = members.data();
  out.push_member_count = static_cast<std::uint32_t>(members.size());
  out.push_size = entry.push_constant_size;
  owned.entries.push_back(out);
}

void add_entry_types(OwnedReflection& owned, const sokr::spirv::EntryReflection& entry) {
  auto& scalars = owned.binding_scalars.emplace_back();
  for (const sokr::spirv::Binding& binding : entry.bindings) scalars.push_back(binding.scalars);
  auto& push = owned.push_scalars.emplace_back();
  for (const sokr::spirv::PushConstantScalar& scalar : entry.push_scalars) {
    push.push_back({scalar.offset, static_cast<std::uint32_t>(scalar.type)});
  }
  auto& read_ends = owned.push_read_ends.emplace_back();
  for (const sokr::spirv::PushConstantMember& member : entry.push_constants) {
    read_ends.push_back(member.read_end);
  }
  owned.entry_types_of.push_back({scalars.data(), push.data(),
                                  static_cast<std::uint32_t>(push.size()), sizeof(SokrIrPushScalar),
                                  read_ends.data()});
}

void fill_table(OwnedReflection& owned) {
  const sokr::spirv::Reflection& source = owned.source;
  for (const sokr::spirv::EntryReflection& entry : source.entry_points) {
    add_entry_point(owned, entry);
    add_entry_types(owned, entry);
  }
  for (const sokr::spirv::SpecConstantReflection& constant : source.spec_constants) {
    owned.constants.push_back({constant.id, static_cast<std::uint32_t>(constant.type),
                               constant.default_value, constant.declarations, 0,
                               constant.name.c_str()});
  }
  for (const std::string& name : source.capabilities)
    owned.capability_names.push_back(name.c_str());
  for (const std::string& name : source.extensions) owned.extension_names.push_back(name.c_str());
  owned.struct_size = sizeof(SokrIrReflection);
  owned.entry_points = owned.entries.data();
  owned.entry_point_count = static_cast<std::uint32_t>(owned.entries.size());
  owned.entry_types = owned.entry_types_of.data();
  owned.entry_types_size = sizeof(SokrIrEntryTypes);
  owned.spec_constants = owned.constants.data();
  owned.spec_constant_count = static_cast<std::uint32_t>(owned.constants.size());
  owned.capabilities = owned.capability_names.data();
  owned.capability_count = static_cast<std::uint32_t>(owned.capability_names.size());
  owned.extensions = owned.extension_names.data();
  owned.extension_count = static_cast<std::uint32_t>(owned.extension_names.size());
}

Result<OwnedReflection*> make_reflection(std::span<const std::uint8_t> bytes,
                                         std::span<const SokrIrSpecValue> given,
                                         const std::uint32_t* local_size) {
  std::vector<sokr::spirv::SpecValue> values;
  for (const SokrIrSpecValue& value : given) values.push_back({value.id, value.size, value.value});
  sokr::spirv::DecodeOptions options;
  options.specializations = values;
  if (local_size != nullptr) std::copy_n(local_size, 3, options.local_size.begin());
  auto decoded = sokr::spirv::decode(bytes, options);
  if (!decoded && given.empty() && options.local_size == decltype(options.local_size){}) {
    // The module's own values may be of no use, and the caller's still to come.
    options.any_values = true;
    if (auto open = sokr::spirv::decode(bytes, options)) decoded = std::move(open);
  }
  SOKR_ASSIGN(const auto module, std::move(decoded));
  auto owned = std::make_unique<OwnedReflection>();
  owned->source = sokr::spirv::reflect(*module);
  fill_table(*owned);
  return owned.release();
}

extern "C" {

int recognise(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint8_t kLittle[] = {0x03, 0x02, 0x23, 0x07};
  constexpr std::uint8_t kBig[] = {0x07, 0x23, 0x02, 0x03};
  if (data == nullptr || size < sizeof kLittle) return 0;
  return std::memcmp(data, kLittle, sizeof kLittle) == 0 ||
                 std::memcmp(data, kBig, sizeof kBig) == 0
             ? 1
             : 0;
}

SokrResult validate_with(const std::uint8_t* data, std::size_t size, const SokrIrOption* options,
                         std::uint32_t option_count, char* sentence, std::size_t capacity) {
  write_sentence("", sentence, capacity);
  if (data == nullptr) {
    write_sentence("the module is a null pointer", sentence, capacity);
    return SOKR_INVALID_INPUT;
  }
  std::optional<std::string_view> option;
  for (std::uint32_t i = 0; options != nullptr && i < option_count; ++i) {
    if (std::string_view(options[i].key) == "spirv.validate") option = options[i].value;
  }
  std::string remark;
  const auto checked = [&]() -> Result<void> {
    SOKR_ASSIGN(const sokr::spirv::Strictness strictness, sokr::spirv::strictness_from(option));
    return sokr::spirv::validate({data, size}, {strictness, &remark});
  };
  Result<void> result = checked();
  // What no substrate here would take has a better reason than the validator's.
  if (result.code() == SOKR_INVALID_IR)
    if (Result<void> allowed = sokr::spirv::check_allowed({data, size}); !allowed) result = allowed;
  write_sentence(result ? remark : result.failure().sentence, sentence, capacity);
  return result ? SOKR_OK : result.code();
}

SokrResult validate(const std::uint8_t* data, std::size_t size, char* sentence,
                    std::size_t capacity) {
  const SokrResult result = validate_with(data, size, nullptr, 0, sentence, capacity);
  if (result == SOKR_OK) write_sentence("", sentence, capacity);
  return result;
}

SokrResult reflect(const std::uint8_t* data, std::size_t size,
                   const SokrIrSpecValue* specializations, std::uint32_t specialization_count,
                   const std::uint32_t* local_size, const SokrIrReflection** out, char* sentence,
                   std::size_t capacity) {
  write_sentence("", sentence, capacity);
  if (out != nullptr) *out = nullptr;
  if (data == nullptr || out == nullptr ||
      (specializations == nullptr && specialization_count != 0)) {
    write_sentence("the module, the result or the specializations are a null pointer", sentence,
                   capacity);
    return SOKR_INVALID_INPUT;
  }
  try {
    auto result =
        make_reflection({data, size}, {specializations, specialization_count}, local_size);
    if (result) {
      *out = *result;
      return SOKR_OK;
    }
    write_sentence(result.failure().sentence, sentence, capacity);
    return result.code();
  } catch (const std::bad_alloc&) {
    write_sentence("out of memory while reflecting a SPIR-V module", sentence, capacity);
    return SOKR_DISPATCH_FAILED;
  }
}

void free_reflection(const SokrIrReflection* reflection) {
  delete static_cast<const OwnedReflection*>(reflection);
}

}  // extern "C"

}  // namespace

SOKR_IR_PLUGIN_DECLARE(SOKR_IR_SPIRV);

extern "C" __attribute__((visibility("default"))) const SokrIrPlugin* sokr_ir_plugin_main(void) {
  static const SokrIrPlugin kPlugin = {sizeof(SokrIrPlugin),
                                       SOKR_IR_VERSION,
                                       "spirv",
                                       "0.1.1",
                                       SOKR_IR_SPIRV,
                                       0,
                                       nullptr,
                                       recognise,
                                       validate,
                                       reflect,
                                       free_reflection,
                                       nullptr,
                                       nullptr,
                                       validate_with};
  return &kPlugin;
}
