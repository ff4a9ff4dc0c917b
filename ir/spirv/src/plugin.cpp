// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugin: SPIR-V behind the table of sokr/ir.h.
#include <sokr/ir.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <sokr/base/elements.hpp>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

namespace {

using sokr::Failure;
using sokr::Result;

using sokr::ElementArray;
using sokr::Elements;

// The sizes of elements that the caller reads: those of 1.0, or ours.
struct Sizes {
  std::size_t entry_point = sizeof(SokrIrEntryPoint);
  std::size_t binding = sizeof(SokrIrBinding);
  std::size_t push_member = sizeof(SokrIrPushMember);
  std::size_t spec_constant = sizeof(SokrIrSpecConstant);
};
constexpr Sizes kSizes1_0{SOKR_IR_ENTRY_POINT_SIZE_1_0, SOKR_IR_BINDING_SIZE_1_0,
                          SOKR_IR_PUSH_MEMBER_SIZE_1_0, SOKR_IR_SPEC_CONSTANT_SIZE_1_0};

// The C arrays of a reflection point into the C++ one that lies beside them.
struct OwnedReflection : SokrIrReflection {
  explicit OwnedReflection(const Sizes& given)
      : SokrIrReflection{},
        sizes(given),
        entries(given.entry_point),
        constants(given.spec_constant) {}
  sokr::spirv::Reflection source;
  Sizes sizes;
  ElementArray<SokrIrEntryPoint> entries;
  std::deque<ElementArray<SokrIrBinding>> bindings;
  std::deque<ElementArray<SokrIrPushMember>> push_members;
  std::vector<SokrIrEntryTypes> entry_types_of;
  std::deque<std::vector<std::uint32_t>> binding_scalars;
  std::deque<std::vector<SokrIrPushScalar>> push_scalars;
  std::deque<std::vector<std::uint32_t>> push_read_ends;
  ElementArray<SokrIrSpecConstant> constants;
  std::vector<const char*> capability_names, extension_names;
};

void write_sentence(const std::string& sentence, char* out, std::size_t capacity) {
  if (out == nullptr || capacity == 0) return;
  const std::size_t length = std::min(sentence.size(), capacity - 1);
  std::memcpy(out, sentence.data(), length);
  out[length] = 0;
}

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

void add_entry_point(OwnedReflection& owned, const sokr::spirv::EntryReflection& entry) {
  SokrIrEntryPoint out{};
  out.name = entry.name.c_str();
  std::copy(entry.local_size.begin(), entry.local_size.end(), out.local_size);
  out.local_size_source = to_c(entry.local_size_source);
  std::copy(entry.local_size_spec_ids.begin(), entry.local_size_spec_ids.end(),
            out.local_size_spec_ids);
  out.workgroup_bytes = entry.workgroup_bytes;
  auto& bindings = owned.bindings.emplace_back(owned.sizes.binding);
  for (const sokr::spirv::Binding& binding : entry.bindings) bindings.push_back(to_c(binding));
  out.bindings = bindings.data();
  out.binding_count = bindings.count();
  out.binding_size = bindings.element_size();
  auto& members = owned.push_members.emplace_back(owned.sizes.push_member);
  for (const sokr::spirv::PushConstantMember& member : entry.push_constants) {
    members.push_back({member.name.c_str(), member.type.c_str(), member.offset, member.size});
  }
  out.push_members = members.data();
  out.push_member_count = members.count();
  out.push_member_size = members.element_size();
  out.port_size = sizeof(SokrIrPort);  // none: SPIR-V names by set and binding
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
  owned.entry_point_count = owned.entries.count();
  owned.entry_point_size = owned.entries.element_size();
  owned.entry_types = owned.entry_types_of.data();
  owned.entry_types_size = sizeof(SokrIrEntryTypes);
  owned.spec_constants = owned.constants.data();
  owned.spec_constant_count = owned.constants.count();
  owned.spec_constant_size = owned.constants.element_size();
  owned.capabilities = owned.capability_names.data();
  owned.capability_count = static_cast<std::uint32_t>(owned.capability_names.size());
  owned.extensions = owned.extension_names.data();
  owned.extension_count = static_cast<std::uint32_t>(owned.extension_names.size());
}

Result<OwnedReflection*> make_reflection(std::span<const std::uint8_t> bytes,
                                         const Elements<SokrIrSpecValue>& given,
                                         const std::uint32_t* local_size, const Sizes& sizes) {
  std::vector<sokr::spirv::SpecValue> values;
  for (std::uint32_t i = 0; i < given.size(); ++i) {
    const SokrIrSpecValue value = given[i];
    values.push_back({value.id, value.size, value.value});
  }
  sokr::spirv::DecodeOptions options;
  options.specializations = values;
  if (local_size != nullptr) std::copy_n(local_size, 3, options.local_size.begin());
  auto decoded = sokr::spirv::decode(bytes, options);
  if (!decoded && values.empty() && options.local_size == decltype(options.local_size){}) {
    // The module's own values may be of no use, and the caller's still to come.
    options.any_values = true;
    if (auto open = sokr::spirv::decode(bytes, options)) decoded = std::move(open);
  }
  SOKR_ASSIGN(const auto module, std::move(decoded));
  auto owned = std::make_unique<OwnedReflection>(sizes);
  owned->source = sokr::spirv::reflect(*module);
  fill_table(*owned);
  return owned.release();
}

SokrResult answer(const Failure& failure, char* sentence, std::size_t capacity) {
  write_sentence(failure.sentence, sentence, capacity);
  return failure.code;
}

SokrResult validate_module(std::span<const std::uint8_t> bytes,
                           const Elements<SokrIrOption>& options, char* sentence,
                           std::size_t capacity) {
  write_sentence("", sentence, capacity);
  if (bytes.data() == nullptr)
    return answer({SOKR_INVALID_INPUT, "the module is a null pointer"}, sentence, capacity);
  std::optional<std::string_view> option;
  for (std::uint32_t i = 0; i < options.size(); ++i) {
    if (std::string_view(options[i].key) == "spirv.validate") option = options[i].value;
  }
  std::string remark;
  const auto checked = [&]() -> Result<void> {
    SOKR_ASSIGN(const sokr::spirv::Strictness strictness, sokr::spirv::strictness_from(option));
    return sokr::spirv::validate(bytes, {strictness, &remark});
  };
  Result<void> result = checked();
  // What no substrate here would take has a better reason than the validator's.
  if (result.code() == SOKR_INVALID_IR)
    if (Result<void> allowed = sokr::spirv::check_allowed(bytes); !allowed) result = allowed;
  if (!result) return answer(result.failure(), sentence, capacity);
  write_sentence(remark, sentence, capacity);
  return SOKR_OK;
}

SokrResult reflect_module(std::span<const std::uint8_t> bytes,
                          const Elements<SokrIrSpecValue>& given, const std::uint32_t* local_size,
                          const Sizes& sizes, const SokrIrReflection** out, char* sentence,
                          std::size_t capacity) {
  write_sentence("", sentence, capacity);
  try {
    auto result = make_reflection(bytes, given, local_size, sizes);
    if (!result) return answer(result.failure(), sentence, capacity);
    *out = *result;
    return SOKR_OK;
  } catch (const std::bad_alloc&) {
    write_sentence("out of memory while reflecting a SPIR-V module", sentence, capacity);
    return SOKR_DISPATCH_FAILED;
  }
}

// What a request of any version says, as far as it is used here.
struct Asked {
  std::span<const std::uint8_t> bytes;
  Elements<SokrIrOption> options;
  Elements<SokrIrSpecValue> specializations;
  std::uint32_t local_size[3];
};

Result<Asked> read_request(const SokrIrRequest* request) {
  if (request == nullptr) return sokr::fail(SOKR_INVALID_INPUT, "the request is a null pointer");
  if (!SOKR_HAS(SokrIrRequest, request, local_size)) {
    return sokr::fail(SOKR_INVALID_INPUT, "the request has {} bytes; it has at least {}",
                      request->struct_size, SOKR_SIZE_THROUGH(SokrIrRequest, local_size));
  }
  SokrIrRequest known;
  if (sokr_copy_sized(&known, sizeof known, request, request->struct_size) == 0) {
    return sokr::fail(SOKR_CAPABILITY_DENIED,
                      "the request has {} bytes, of which this plugin knows {}, and asks for "
                      "something behind them",
                      request->struct_size, sizeof known);
  }
  if (known.ir_version >> 16 != SOKR_IR_VERSION >> 16) {
    return sokr::fail(SOKR_VERSION_MISMATCH,
                      "the request is of version {}.{} of sokr/ir.h; this plugin reads {}.x",
                      known.ir_version >> 16, known.ir_version & 0xFFFF, SOKR_IR_VERSION >> 16);
  }
  if (known.data == nullptr) return sokr::fail(SOKR_INVALID_INPUT, "the module is a null pointer");
  if (known.specialization_count != 0 && known.specializations == nullptr)
    return sokr::fail(SOKR_INVALID_INPUT, "the specializations are a null pointer");
  Asked asked{{known.data, known.size}, {}, {}, {}};
  SOKR_ASSIGN(asked.options,
              Elements<SokrIrOption>::of(known.options, known.option_count, known.option_size,
                                         SOKR_IR_OPTION_SIZE_1_0, "SokrIrOption"));
  SOKR_ASSIGN(asked.specializations,
              Elements<SokrIrSpecValue>::of(known.specializations, known.specialization_count,
                                            known.specialization_size, SOKR_IR_SPEC_VALUE_SIZE_1_0,
                                            "SokrIrSpecValue"));
  if (!asked.options.fits() || !asked.specializations.fits()) {
    return sokr::fail(SOKR_CAPABILITY_DENIED,
                      "an option or a specialization has something that this plugin does not know");
  }
  std::copy_n(known.local_size, 3, asked.local_size);
  return asked;
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
  const auto given = Elements<SokrIrOption>::of(options, option_count, SOKR_IR_OPTION_SIZE_1_0,
                                                SOKR_IR_OPTION_SIZE_1_0, "SokrIrOption");
  return validate_module({data, size}, *given, sentence, capacity);
}

SokrResult validate(const std::uint8_t* data, std::size_t size, char* sentence,
                    std::size_t capacity) {
  const SokrResult result = validate_with(data, size, nullptr, 0, sentence, capacity);
  if (result == SOKR_OK) write_sentence("", sentence, capacity);
  return result;
}

SokrResult validate_request(const SokrIrRequest* request, char* sentence, std::size_t capacity) {
  const auto asked = read_request(request);
  if (!asked) return answer(asked.failure(), sentence, capacity);
  return validate_module(asked->bytes, asked->options, sentence, capacity);
}

// For who knows no other sizes than those of 1.0.
SokrResult reflect(const std::uint8_t* data, std::size_t size,
                   const SokrIrSpecValue* specializations, std::uint32_t specialization_count,
                   const std::uint32_t* local_size, const SokrIrReflection** out, char* sentence,
                   std::size_t capacity) {
  if (out != nullptr) *out = nullptr;
  if (data == nullptr || out == nullptr ||
      (specializations == nullptr && specialization_count != 0)) {
    return answer(
        {SOKR_INVALID_INPUT, "the module, the result or the specializations are a null pointer"},
        sentence, capacity);
  }
  const auto given = Elements<SokrIrSpecValue>::of(specializations, specialization_count,
                                                   SOKR_IR_SPEC_VALUE_SIZE_1_0,
                                                   SOKR_IR_SPEC_VALUE_SIZE_1_0, "SokrIrSpecValue");
  return reflect_module({data, size}, *given, local_size, kSizes1_0, out, sentence, capacity);
}

SokrResult reflect_request(const SokrIrRequest* request, const SokrIrReflection** out,
                           char* sentence, std::size_t capacity) {
  if (out == nullptr) {
    return answer({SOKR_INVALID_INPUT, "the place for the reflection is a null pointer"}, sentence,
                  capacity);
  }
  *out = nullptr;
  const auto asked = read_request(request);
  if (!asked) return answer(asked.failure(), sentence, capacity);
  return reflect_module(asked->bytes, asked->specializations, asked->local_size, {}, out, sentence,
                        capacity);
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
                                       validate_with,
                                       validate_request,
                                       reflect_request,
                                       nullptr};
  return &kPlugin;
}
