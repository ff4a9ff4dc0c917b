// SPDX-License-Identifier: MIT OR Apache-2.0
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <sokr/ir/reflection.hpp>

#include "diagnostics.hpp"
#include "kernel_state.hpp"
#include "log.hpp"
#include "raise.hpp"
#include "type_check.hpp"

namespace sokr {
namespace {

constexpr std::size_t kSentenceSize = 2048;

host::Form make_form(std::uint32_t format, std::span<const std::uint8_t> bytes) {
  host::Form form{.format = format, .id = {}, .bytes = bytes};
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_withSeed(bytes.data(), bytes.size(), format));
  std::memcpy(form.id.bytes, digest.digest, sizeof form.id.bytes);
  return form;
}

// What an IR plugin wrote, or words for its result.
std::string said(const char* sentence, SokrResult result) {
  return *sentence ? host::one_line(sentence) : host::describe(result);
}

SokrIrLimits limits_of(const SokrComputeLimits& from) {
  SokrIrLimits limits{};
  limits.struct_size = sizeof limits;
  std::copy_n(from.max_group_count, 3, limits.max_group_count);
  std::copy_n(from.max_local_size, 3, limits.max_local_size);
  limits.max_local_invocations = from.max_local_invocations;
  limits.max_shared_memory = from.max_shared_memory;
  limits.max_push_constant_size = from.max_push_constant_size;
  limits.subgroup_size = from.subgroup_size;
  limits.min_subgroup_size = from.min_subgroup_size;
  limits.max_subgroup_size = from.max_subgroup_size;
  limits.max_descriptor_sets = from.max_descriptor_sets;
  limits.max_binding_size = from.max_binding_size;
  return limits;
}

bool accepts(const SokrSubstrateInfo& info, std::uint32_t format) {
  const auto* end = info.ir_formats + info.ir_format_count;
  return std::find(info.ir_formats, end, format) != end;
}

}  // namespace

Kernel::State::State(host::PluginRef from, std::span<const std::byte> given)
    : plugin(std::move(from)), bytes(given.begin(), given.end()) {
  source_ =
      make_form(ir().format, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  for (const auto& [key, value] : plugin->options())
    options_.push_back({key.c_str(), value.c_str()});
}

SokrIrRequest Kernel::State::request() const {
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = source_.bytes.data();
  request.size = source_.bytes.size();
  request.specialization_size = sizeof(SokrIrSpecValue);
  request.options = options_.data();
  request.option_count = static_cast<std::uint32_t>(options_.size());
  request.option_size = sizeof(SokrIrOption);
  return request;
}

// A remark of the IR plugin is told at level info.
SokrResult Kernel::State::validate(char* sentence, std::size_t capacity) const {
  const SokrIrRequest asked = request();
  SokrResult result = SOKR_OK;
  if (ir().validate_request) {
    result = ir().validate_request(&asked, sentence, capacity);
  } else if (ir().validate_with) {
    result = ir().validate_with(asked.data, asked.size, asked.options, asked.option_count, sentence,
                                capacity);
  } else {
    return ir().validate(asked.data, asked.size, sentence, capacity);
  }
  if (result == SOKR_OK && sentence[0] != 0) {
    host::log(SOKR_LOG_INFO, "the kernel is not strictly valid {}: {}",
              host::format_name(source_.format), sentence);
  }
  return result;
}

Result<void> Kernel::State::open() {
  char sentence[kSentenceSize] = "";
  const SokrResult result = validate(sentence, sizeof sentence);
  if (result != SOKR_OK) {
    // A denial says that it may be right, but is more than is known or done here.
    const std::string_view verdict = result == SOKR_CAPABILITY_DENIED ? "not usable" : "not valid";
    return fail(result, "the kernel is {} {}: {}", verdict, host::format_name(source_.format),
                said(sentence, result));
  }
  SOKR_ASSIGN(reflection, reflect({}, nullptr));
  if (reflection->entry_point_count == 0) {
    return fail(SOKR_INVALID_IR, "the kernel has no compute entry point");
  }
  return {};
}

bool Kernel::State::passes_through(const SokrSubstrateInfo& info) const {
  return accepts(info, source_.format);
}

Result<host::Form> Kernel::State::lowered(std::uint32_t target, const SokrSubstrateInfo& info,
                                          std::uint32_t id) const {
  // Without a request the plugin does not know for whom it is, and gives everybody the same.
  const auto key = std::pair(target, ir().lower_request ? id : 0);
  SOKR_TRY(lock_.enter());
  const host::Entered inside(lock_);
  if (auto known = lowered_.find(key); known != lowered_.end()) return known->second.form;
  char sentence[kSentenceSize] = "";
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  SokrResult result = SOKR_OK;
  if (ir().lower_request) {
    SokrIrRequest asked = request();
    const SokrIrLimits limits = limits_of(info.limits ? *info.limits : SokrComputeLimits{});
    asked.limits = info.limits ? &limits : nullptr;
    asked.target = target;
    result = ir().lower_request(&asked, &out, &size, sentence, sizeof sentence);
  } else {
    result = ir().lower(source_.bytes.data(), source_.bytes.size(), target, &out, &size, sentence,
                        sizeof sentence);
  }
  if (result != SOKR_OK) {
    return fail(result, "IR plugin '{}' could not lower {} to {}: {}", ir().name,
                host::format_name(source_.format), host::format_name(target),
                said(sentence, result));
  }
  if (!out || size == 0) {
    if (out) ir().free_lowered(out);
    return fail(SOKR_INVALID_IR, "IR plugin '{}' says that it lowered {} to {}, and gives nothing",
                ir().name, host::format_name(source_.format), host::format_name(target));
  }
  // A table without free_lowered has no targets, and this is not reached.
  std::shared_ptr<std::uint8_t> owner(out, ir().free_lowered);
  Lowered& entry = lowered_[key];
  entry.bytes = std::move(owner);
  entry.form = make_form(target, {out, size});
  return entry.form;
}

Result<host::Form> Kernel::State::form_for(const SokrSubstrateInfo& info, std::uint32_t id) const {
  if (passes_through(info)) return source_;
  for (std::uint32_t i = 0; i < ir().target_count; ++i) {
    if (accepts(info, ir().targets[i])) return lowered(ir().targets[i], info, id);
  }
  std::string formats;
  for (std::uint32_t i = 0; i < info.ir_format_count; ++i) {
    formats += (i ? ", " : "") + host::format_name(info.ir_formats[i]);
  }
  return fail(SOKR_CAPABILITY_DENIED,
              "it accepts {}; the kernel is {}, and no IR plugin here lowers that",
              formats.empty() ? "no IR format" : formats, host::format_name(source_.format));
}

Result<Kernel::State::ReflectionRef> Kernel::State::reflect(
    std::span<const SokrSpecialization> specializations, const std::uint32_t* local_size) const {
  std::vector<SokrIrSpecValue> values;
  values.reserve(specializations.size());
  for (const SokrSpecialization& given : specializations) {
    values.push_back({given.id, given.size, given.value});
  }
  char sentence[kSentenceSize] = "";
  const SokrIrReflection* out = nullptr;
  SokrResult result = SOKR_OK;
  if (ir().reflect_request) {
    SokrIrRequest asked = request();
    asked.specializations = values.data();
    asked.specialization_count = static_cast<std::uint32_t>(values.size());
    if (local_size) std::copy_n(local_size, 3, asked.local_size);
    result = ir().reflect_request(&asked, &out, sentence, sizeof sentence);
  } else {
    result = ir().reflect(source_.bytes.data(), source_.bytes.size(), values.data(),
                          static_cast<std::uint32_t>(values.size()), local_size, &out, sentence,
                          sizeof sentence);
  }
  if (result != SOKR_OK) return fail(result, "{}", said(sentence, result));
  if (!out) {
    return fail(SOKR_INVALID_IR,
                "IR plugin '{}' says that it reflected the kernel, and gives nothing", ir().name);
  }
  const std::unique_ptr<const SokrIrReflection, void (*)(const SokrIrReflection*)> original(
      out, ir().free_reflection);
  auto read = ir::read_reflection(out);
  if (!read) return fail(read.code(), "IR plugin '{}': {}", ir().name, read.failure().sentence);
  ReflectionRef given(ir::new_reflection(*std::move(read), {}), ir::free_reflection);
  // Whoever has an entry point of the kernel finds it at the same place of each.
  if (reflection && given->entry_point_count != reflection->entry_point_count) {
    return fail(SOKR_INVALID_IR,
                "IR plugin '{}' reflects {} entry points of a kernel that has {} without "
                "specialization",
                ir().name, given->entry_point_count, reflection->entry_point_count);
  }
  return given;
}

namespace host {

Result<std::array<std::uint32_t, 3>> groups_for(const std::array<std::uint32_t, 3>& threads,
                                                const std::uint32_t (&local_size)[3]) {
  std::array<std::uint32_t, 3> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (local_size[i] == 0) {
      return fail(SOKR_INVALID_IR, "the kernel's workgroup size is 0 in dimension {}", i);
    }
    groups[i] = threads[i] / local_size[i] + (threads[i] % local_size[i] != 0 ? 1 : 0);
  }
  return groups;
}

Result<const SokrIrEntryPoint*> find_entry(const SokrIrReflection& reflection, const char* name) {
  // One that is given out to a program of 1.0 has elements of that size.
  const std::size_t size = SOKR_HAS(SokrIrReflection, &reflection, entry_point_size)
                               ? reflection.entry_point_size
                               : SOKR_IR_ENTRY_POINT_SIZE_1_0;
  const std::uint32_t count = reflection.entry_point_count;
  if (!name && count == 1) return reflection.entry_points;
  std::string names;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* candidate = SOKR_ELEMENT(SokrIrEntryPoint, reflection.entry_points, size, i);
    if (name && std::strcmp(candidate->name, name) == 0) return candidate;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", candidate->name);
  }
  if (!name)
    return fail(SOKR_INVALID_INPUT, "the kernel has several entry points; name one of {}", names);
  return fail(SOKR_INVALID_INPUT, "the kernel has no entry point '{}'; it has {}", one_line(name),
              names);
}

}  // namespace host

Result<const SokrIrEntryPoint*> Kernel::State::entry(const char* name) const {
  return host::find_entry(*reflection, name);
}

std::span<const std::byte> Kernel::bytes() const {
  return state_->bytes;
}

std::uint32_t Kernel::ir_format() const {
  return state_->source().format;
}

const SokrIrReflection& Kernel::reflection() const {
  return *state_->reflection;
}

std::shared_ptr<const SokrIrReflection> Kernel::reflection(const Launch& launch) const {
  const bool sized = launch.local_size_[0] != 0;
  if (!sized && launch.specializations_.empty()) return state_->reflection;
  return host::value(
      state_->reflect(launch.specializations_, sized ? launch.local_size_.data() : nullptr));
}

const SokrIrEntryPoint& Kernel::entry(const char* name) const {
  return *host::value(state_->entry(name));
}

void Kernel::check_types(const Launch& launch) const {
  const SokrIrReflection& all = *state_->reflection;
  if (!launch.spec_types_.empty()) {
    host::check(host::check_specializations(launch.spec_types_, all));
  }
  if (launch.push_types_.empty() || !all.entry_types) return;
  const SokrIrEntryPoint& of = entry(launch.entry_ ? launch.entry_->c_str() : nullptr);
  const SokrIrEntryTypes& types = all.entry_types[&of - all.entry_points];
  host::check(
      host::check_push(launch.push_types_, {types.push_scalars, types.push_scalar_count}, of));
}

}  // namespace sokr
