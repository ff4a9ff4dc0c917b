// SPDX-License-Identifier: MIT OR Apache-2.0
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "diagnostics.hpp"
#include "kernel_state.hpp"
#include "log.hpp"
#include "raise.hpp"
#include "sized.hpp"
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

// A plugin's array as elements of this build's size: its own may be longer or shorter.
template <class T>
std::vector<T> sized_elements(const T* from, std::uint32_t count, std::uint32_t size) {
  std::vector<T> all(from && size ? count : 0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::memcpy(&all[i], reinterpret_cast<const std::byte*>(from) + i * size,
                std::min<std::size_t>(size, sizeof(T)));
  }
  return all;
}

// What lies in the blocks of each entry point, whatever header the plugin was built with.
struct EntryTypes {
  std::vector<SokrIrEntryTypes> all;
  std::vector<std::vector<SokrIrPushScalar>> push;

  explicit EntryTypes(const SokrIrReflection& from)
      : all(sized_elements(from.entry_types, from.entry_point_count, from.entry_types_size)) {
    for (SokrIrEntryTypes& one : all) {
      push.push_back(sized_elements(one.push_scalars, one.push_scalar_count, one.push_scalar_size));
      one.push_scalars = push.back().data();
      one.push_scalar_count = static_cast<std::uint32_t>(push.back().size());
      one.push_scalar_size = sizeof(SokrIrPushScalar);
    }
  }
};

bool accepts(const SokrSubstrateInfo& info, std::uint32_t format) {
  const auto* end = info.ir_formats + info.ir_format_count;
  return std::find(info.ir_formats, end, format) != end;
}

}  // namespace

Kernel::State::State(host::PluginRef from, std::span<const std::byte> given)
    : plugin(std::move(from)), bytes(given.begin(), given.end()) {
  source_ =
      make_form(ir().format, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// A remark of the IR plugin is told at level info.
SokrResult Kernel::State::validate(char* sentence, std::size_t capacity) const {
  const auto* data = source_.bytes.data();
  const std::size_t size = source_.bytes.size();
  if (!ir().validate_with) return ir().validate(data, size, sentence, capacity);
  std::vector<SokrIrOption> options;
  for (const auto& [key, value] : plugin->options())
    options.push_back({key.c_str(), value.c_str()});
  const SokrResult result = ir().validate_with(
      data, size, options.data(), static_cast<std::uint32_t>(options.size()), sentence, capacity);
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

Result<host::Form> Kernel::State::lowered(std::uint32_t target) const {
  const std::scoped_lock lock(mutex_);
  if (auto known = lowered_.find(target); known != lowered_.end()) return known->second.form;
  char sentence[kSentenceSize] = "";
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  const SokrResult result = ir().lower(source_.bytes.data(), source_.bytes.size(), target, &out,
                                       &size, sentence, sizeof sentence);
  if (result != SOKR_OK) {
    return fail(result, "IR plugin '{}' could not lower {} to {}: {}", ir().name,
                host::format_name(source_.format), host::format_name(target),
                said(sentence, result));
  }
  // A table without free_lowered has no targets, and this is not reached.
  std::shared_ptr<std::uint8_t> owner(out, ir().free_lowered);
  Lowered& entry = lowered_[target];
  entry.bytes = std::move(owner);
  entry.form = make_form(target, {out, size});
  return entry.form;
}

Result<host::Form> Kernel::State::form_for(const SokrSubstrateInfo& info) const {
  if (passes_through(info)) return source_;
  for (std::uint32_t i = 0; i < ir().target_count; ++i) {
    if (accepts(info, ir().targets[i])) return lowered(ir().targets[i]);
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
  const SokrResult result = ir().reflect(source_.bytes.data(), source_.bytes.size(), values.data(),
                                         static_cast<std::uint32_t>(values.size()), local_size,
                                         &out, sentence, sizeof sentence);
  if (result != SOKR_OK || !out) return fail(result, "{}", said(sentence, result));

  struct Owned {
    SokrIrReflection copy{};
    host::PluginRef plugin;
    std::unique_ptr<const SokrIrReflection, void (*)(const SokrIrReflection*)> original;
    std::optional<EntryTypes> types;
  };
  auto owned = std::make_shared<Owned>(Owned{{}, plugin, {out, ir().free_reflection}, {}});
  SOKR_ASSIGN(owned->copy, host::sized_copy(out, SOKR_SIZE_THROUGH(SokrIrReflection, entry_points),
                                            "SokrIrReflection"));
  const auto& types = owned->types.emplace(owned->copy).all;
  owned->copy.entry_types = types.empty() ? nullptr : types.data();
  owned->copy.entry_types_size = sizeof(SokrIrEntryTypes);
  return ReflectionRef(owned, &owned->copy);
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
  const std::span entries(reflection.entry_points, reflection.entry_point_count);
  if (!name && entries.size() == 1) return entries.data();
  std::string names;
  for (const SokrIrEntryPoint& candidate : entries) {
    if (name && std::strcmp(candidate.name, name) == 0) return &candidate;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", candidate.name);
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
