// SPDX-License-Identifier: MIT OR Apache-2.0
#include "type_check.hpp"

#include <algorithm>
#include <array>
#include <sokr/sokr.hpp>
#include <string>

namespace sokr {
namespace {

struct Scalar {
  const char* name;
  std::uint32_t size;
  bool is_float;
};

// Indexed by SokrIrScalar.
constexpr std::array<Scalar, 12> kScalars{{{"bool", 4, false},
                                           {"i8", 1, false},
                                           {"u8", 1, false},
                                           {"i16", 2, false},
                                           {"u16", 2, false},
                                           {"f16", 2, true},
                                           {"i32", 4, false},
                                           {"u32", 4, false},
                                           {"f32", 4, true},
                                           {"i64", 8, false},
                                           {"u64", 8, false},
                                           {"f64", 8, true}}};

bool is_alike(std::uint32_t a, std::uint32_t b) {
  if (a >= kScalars.size() || b >= kScalars.size()) return a == b;
  return kScalars[a].size == kScalars[b].size && kScalars[a].is_float == kScalars[b].is_float;
}

// "n (u32 at byte 0)".
std::string member_text(const SokrIrPushMember& member) {
  return fmt::format("{}{}{} at byte {}{}", member.name, *member.name ? " (" : "", member.type,
                     member.offset, *member.name ? ")" : "");
}

std::string mismatch(const SokrIrPushScalar& given, const SokrIrPushScalar& held,
                     const SokrIrEntryPoint& entry) {
  const std::span members(entry.push_members, entry.push_member_count);
  std::string all;
  const SokrIrPushMember* holder = nullptr;
  for (const SokrIrPushMember& member : members) {
    if (held.offset >= member.offset && held.offset - member.offset < member.size) holder = &member;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", member_text(member));
  }
  std::string place = fmt::format("{} at byte {} there", scalar_name(held.type), held.offset);
  if (holder) {
    const bool is_whole =
        holder->offset == held.offset && std::string_view(holder->type) == scalar_name(held.type);
    place = is_whole ? member_text(*holder) + " there"
                     : fmt::format("{}, a part of {}", place, member_text(*holder));
  }
  return fmt::format(
      "the push constant at byte {} is given as {}, but the kernel has {}; it takes {}",
      given.offset, scalar_name(given.type), place, all);
}

}  // namespace

const char* scalar_name(std::uint32_t type) {
  return type < kScalars.size() ? kScalars[type].name : "unknown";
}

namespace host {

std::uint32_t scalar_size(std::uint32_t type) {
  return type < kScalars.size() ? kScalars[type].size : 0;
}

Result<void> check_push(std::span<const SokrIrPushScalar> given,
                        std::span<const SokrIrPushScalar> held, const SokrIrEntryPoint& entry) {
  const auto end_of = [](const SokrIrPushScalar& one) {
    return std::uint64_t{one.offset} + scalar_size(one.type);
  };
  // Several members may lie at one place; one that matches is enough.
  for (const SokrIrPushScalar& one : given) {
    while (!held.empty() && end_of(held.front()) <= one.offset) held = held.subspan(1);
    const SokrIrPushScalar* other = nullptr;
    bool matches = false;
    for (const SokrIrPushScalar& place : held) {
      if (place.offset >= end_of(one)) break;
      if (end_of(place) <= one.offset) continue;
      if (!other) other = &place;
      matches = matches || (place.offset == one.offset && is_alike(place.type, one.type));
    }
    if (other && !matches) return fail(SOKR_INVALID_INPUT, "{}", mismatch(one, *other, entry));
  }
  return {};
}

Result<void> check_specializations(std::span<const SpecType> given,
                                   const SokrIrReflection& reflection) {
  const std::span constants(reflection.spec_constants, reflection.spec_constant_count);
  for (const auto& [id, type] : given) {
    const auto declared = std::find_if(
        constants.begin(), constants.end(),
        [wanted = id](const SokrIrSpecConstant& constant) { return constant.id == wanted; });
    if (declared == constants.end() || is_alike(declared->type, type)) continue;
    return fail(SOKR_INVALID_INPUT,
                "specialization constant {}{}{}{} is given as {}, but the kernel declares it as {}",
                id, *declared->name ? " (" : "", declared->name, *declared->name ? ")" : "",
                scalar_name(type), scalar_name(declared->type));
  }
  return {};
}

}  // namespace host
}  // namespace sokr
