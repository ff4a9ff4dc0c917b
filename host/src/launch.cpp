// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/sokr.hpp>

#include "raise.hpp"
#include "type_check.hpp"

namespace sokr {

Launch& Launch::groups(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  groups_ = {x, y, z};
  threads_ = {0, 0, 0};
  has_size_ = true;
  indirect_ = 0;
  return *this;
}

Launch& Launch::threads(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  threads_ = {x, y, z};
  groups_ = {0, 0, 0};
  has_size_ = true;
  indirect_ = 0;
  return *this;
}

Launch& Launch::groups_from(const Buffer& buffer, std::uint64_t offset) {
  if (!buffer.info_) throw Error(SOKR_INVALID_INPUT, host::kNoMemory);
  indirect_ = buffer.handle_;
  indirect_owner_ = buffer.info_;
  has_size_ = true;
  indirect_offset_ = offset;
  return *this;
}

Launch& Launch::base_groups(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  base_groups_ = {x, y, z};
  return *this;
}

Launch& Launch::entry(std::string name) {
  entry_ = std::move(name);
  return *this;
}

Launch& Launch::local_size(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  local_size_ = {x, y, z};
  return *this;
}

Launch& Launch::subgroup_size(std::uint32_t size) {
  subgroup_size_ = size;
  return *this;
}

Launch& Launch::profile(bool on) {
  flags_ = on ? flags_ | SOKR_LAUNCH_PROFILE : flags_ & ~std::uint32_t{SOKR_LAUNCH_PROFILE};
  return *this;
}

Launch& Launch::bind(std::uint32_t set, std::uint32_t binding, std::uint32_t index, View view) {
  SokrBinding given{};
  given.set = set;
  given.binding = binding;
  given.index = index;
  given.kind = view.kind;
  given.access = view.access;
  given.resource = view.resource;
  given.offset = view.offset;
  given.size = view.size;
  const auto same = std::find_if(bindings_.begin(), bindings_.end(), [&](const SokrBinding& other) {
    return other.set == set && other.binding == binding && other.index == index;
  });
  const auto at = static_cast<std::size_t>(same - bindings_.begin());
  // First what may throw: the two stay of one length.
  if (owners_.size() == at) owners_.push_back(nullptr);
  if (same == bindings_.end()) {
    bindings_.push_back(given);
  } else {
    *same = given;
  }
  owners_[at] = view.owner;
  return *this;
}

Launch& Launch::bind(std::uint32_t set, std::uint32_t binding, const Buffer& buffer) {
  return bind(set, binding, 0, buffer.view());
}

Launch& Launch::push_scalar(SokrIrScalar type, std::span<const std::byte> bytes) {
  push_types_.push_back({static_cast<std::uint32_t>(push_.size()), type});
  return push_bytes(bytes);
}

Launch& Launch::push_bytes(std::span<const std::byte> bytes) {
  push_.insert(push_.end(), bytes.begin(), bytes.end());
  return *this;
}

Launch& Launch::clear_push() {
  push_.clear();
  push_types_.clear();
  return *this;
}

Launch& Launch::specialize_bits(std::uint32_t id, std::uint32_t size, std::uint64_t bits) {
  std::erase_if(spec_types_, [&](const auto& other) { return other.first == id; });
  const auto same = std::find_if(specializations_.begin(), specializations_.end(),
                                 [&](const SokrSpecialization& other) { return other.id == id; });
  if (same == specializations_.end()) {
    specializations_.push_back({id, size, bits});
  } else {
    *same = {id, size, bits};
  }
  return *this;
}

Launch& Launch::specialize_scalar(std::uint32_t id, SokrIrScalar type, std::uint64_t bits) {
  specialize_bits(id, host::scalar_size(type), bits);
  spec_types_.emplace_back(id, type);
  return *this;
}

Launch& Launch::clear_specializations() {
  specializations_.clear();
  spec_types_.clear();
  return *this;
}

Launch& Launch::after(const Completion& completion) {
  waits_.push_back(completion.token());
  return *this;
}

Launch& Launch::clear_after() {
  waits_.clear();
  return *this;
}

}  // namespace sokr
