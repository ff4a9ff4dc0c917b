// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The one reader of launch parameters (<sokr/launch.h>), of every version. A LaunchView is
// parsed once and checked completely: lengths, counts, offsets, enumerators,
// alignment, overlap and 64-bit overflow. Accessors then need no checks of their
// own. It borrows the bytes, which may be unaligned, and allocates nothing
// unless the launch has more than 32 specialization constants.
//
// What it cannot know it leaves to launch_check.hpp: whether the bindings fit the
// kernel and the numbers fit the device.
#ifndef SOKR_SUBSTRATE_LAUNCH_VIEW_HPP_
#define SOKR_SUBSTRATE_LAUNCH_VIEW_HPP_

#include <sokr/compute.h>
#include <sokr/ir.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/substrate/inline_vector.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace sokr::substrate {

class LaunchView {
 public:
  // SOKR_INVALID_INPUT with a sentence for anything that a correct writer would
  // not write; an empty launch (size 0) included. A larger header or element than ours is
  // accepted: in version 1 its surplus is ignored, from version 2 on it is zero or refused, as
  // are other versions and unknown flags. SOKR_CAPABILITY_DENIED for what no substrate here does
  // yet: images and samplers.
  static Result<LaunchView> parse(const std::uint8_t* params, std::size_t size);

  // Of a launch that was parsed: the launch in `params`, if they are its bytes but for the values
  // of push constants and of tokens to wait for, of which there are as many. Empty says nothing of
  // the bytes. Costs a fraction of parse().
  std::optional<LaunchView> repeated(const std::uint8_t* params, std::size_t size) const;

  // Empty = the module's only entry point.
  std::string_view entry() const {
    return {reinterpret_cast<const char*>(bytes_ + header_.entry_offset), header_.entry_size};
  }
  std::array<std::uint32_t, 3> groups() const {
    return {header_.groups[0], header_.groups[1], header_.groups[2]};
  }
  // Where the ids of workgroups start; 0,0,0 of an indirect launch.
  const std::array<std::uint32_t, 3>& base_groups() const { return base_groups_; }
  bool has_base_groups() const {
    return (base_groups_[0] | base_groups_[1] | base_groups_[2]) != 0;
  }
  // All 0 = the module's own; otherwise none is 0.
  std::array<std::uint32_t, 3> local_size() const {
    return {header_.local_size[0], header_.local_size[1], header_.local_size[2]};
  }
  bool has_local_size() const { return header_.local_size[0] != 0; }
  std::uint32_t subgroup_size() const { return header_.subgroup_size; }  // 0 = default
  std::uint32_t flags() const { return header_.flags; }
  bool profile() const { return (header_.flags & SOKR_LAUNCH_PROFILE) != 0; }

  bool is_indirect() const { return header_.indirect != 0; }
  SokrBuffer indirect() const { return header_.indirect; }
  std::uint64_t indirect_offset() const { return header_.indirect_offset; }  // multiple of 4

  std::uint32_t binding_count() const { return header_.binding_count; }
  // What images and samplers have more is 0: a launch with them is refused.
  SokrBinding binding(std::uint32_t i) const {
    SokrBinding value;
    std::memcpy(&value, element(header_.binding_offset, binding_size_, i), SOKR_BINDING_SIZE_1_0);
    value.sampler = 0;
    value.first_level = value.level_count = value.first_layer = value.layer_count = 0;
    return value;
  }

  // Bytes, a multiple of 4; as unaligned as the launch itself.
  std::span<const std::uint8_t> push() const {
    return {bytes_ + header_.push_offset, header_.push_size};
  }

  // Each id at most once; value has no bits beyond its size.
  std::uint32_t specialization_count() const { return header_.specialization_count; }
  SokrSpecialization specialization(std::uint32_t i) const;
  // All of them, as reflection and compilers take them.
  std::vector<SokrIrSpecValue> specializations() const;

  std::uint32_t wait_count() const { return header_.wait_count; }
  // The plugin's own token (low 48 bits), never 0.
  std::uint64_t wait(std::uint32_t i) const { return sokr_token_plugin_token(token(i)); }
  // The substrate that the token names.
  std::uint32_t wait_substrate(std::uint32_t i) const { return sokr_token_substrate(token(i)); }

 private:
  LaunchView() = default;

  SokrCompletionToken token(std::uint32_t i) const {
    SokrCompletionToken value;
    std::memcpy(&value, bytes_ + header_.wait_offset + std::size_t{i} * sizeof value, sizeof value);
    return value;
  }
  const std::uint8_t* element(std::uint32_t offset, std::size_t size, std::uint32_t index) const {
    return bytes_ + offset + std::size_t{index} * size;
  }
  Result<void> read_version_2();
  Result<void> check_surplus(const char* what, std::uint32_t offset, std::uint32_t count,
                             std::size_t size, std::size_t known) const;
  Result<void> check_sections() const;
  Result<void> check_each_section() const;
  bool has_sections_in_order() const;
  Result<void> check_bindings() const;
  Result<void> check_image_members() const;
  Result<void> check_specializations() const;
  Result<void> check_waits() const;

  const std::uint8_t* bytes_ = nullptr;
  SokrLaunchHeader header_{};  // of any version, as far as version 1 goes
  std::array<std::uint32_t, 3> base_groups_{};
  std::uint32_t binding_size_ = SOKR_BINDING_SIZE_1_0;
  std::uint32_t specialization_size_ = SOKR_SPECIALIZATION_SIZE_1_0;
};

// Everything of a launch that decides what is compiled (entry point,
// specialization constants sorted by id, local size, subgroup size), as bytes for
// the extra key of a ContentCache. Equal launches have equal bytes.
using CompileKey = InlineVector<std::uint8_t, 192>;
CompileKey compile_key(const LaunchView& launch);

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_LAUNCH_VIEW_HPP_
