// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Builds launch parameters for tests with the public C builder.
#ifndef SOKR_TESTS_SUBSTRATES_COMMON_LAUNCH_BUILDER_HPP_
#define SOKR_TESTS_SUBSTRATES_COMMON_LAUNCH_BUILDER_HPP_

#include <sokr/compute.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace sokr::substrate::testing_support {

struct LaunchBuilder {
  std::string entry;
  SokrLaunch launch{};
  std::vector<SokrBinding> bindings;
  std::vector<std::uint8_t> push;
  std::vector<SokrSpecialization> specializations;
  std::vector<SokrCompletionToken> waits;

  LaunchBuilder() { launch.groups[0] = launch.groups[1] = launch.groups[2] = 1; }

  LaunchBuilder& bind(std::uint32_t set, std::uint32_t binding, std::uint64_t size,
                      std::uint32_t access = SOKR_ACCESS_READ_WRITE, std::uint32_t index = 0) {
    bindings.push_back({set, binding, index, SOKR_BINDING_HOST, access, 0, 0x10000, 0, size});
    return *this;
  }
  LaunchBuilder& bind_null(std::uint32_t set, std::uint32_t binding, std::uint32_t index = 0) {
    bindings.push_back({set, binding, index, SOKR_BINDING_NULL, 0, 0, 0, 0, 0});
    return *this;
  }

  std::vector<std::uint8_t> bytes() {
    launch.entry = entry.empty() ? nullptr : entry.c_str();
    launch.bindings = bindings.data();
    launch.binding_count = static_cast<std::uint32_t>(bindings.size());
    launch.push = push.data();
    launch.push_size = static_cast<std::uint32_t>(push.size());
    launch.specializations = specializations.data();
    launch.specialization_count = static_cast<std::uint32_t>(specializations.size());
    launch.waits = waits.data();
    launch.wait_count = static_cast<std::uint32_t>(waits.size());
    std::vector<std::uint8_t> out(sokr_launch_size(&launch));
    out.resize(sokr_launch_write(&launch, out.data(), out.size()));
    return out;
  }

  // Written as version 2, with a header and elements that are so many bytes longer than ours:
  // what a later writer would write. The surplus is zero.
  struct Longer {
    std::uint32_t header = 0, binding = 0, specialization = 0;
  };
  std::vector<std::uint8_t> version_2(const Longer& longer) {
    SokrLaunchHeader header;
    std::vector<std::uint8_t> first = bytes();
    std::memcpy(&header, first.data(), SOKR_LAUNCH_HEADER_SIZE_1);
    header.version = 2;
    header.header_size = static_cast<std::uint32_t>(sizeof header) + longer.header;
    header.binding_size = static_cast<std::uint32_t>(sizeof(SokrBinding)) + longer.binding;
    header.specialization_size =
        static_cast<std::uint32_t>(sizeof(SokrSpecialization)) + longer.specialization;
    std::memcpy(header.base_groups, launch.base_groups, sizeof header.base_groups);
    header.reserved = 0;
    std::vector<std::uint8_t> out(header.header_size);
    const auto put = [&](const void* from, std::size_t count, std::size_t size, std::size_t apart) {
      const std::size_t at = out.size();
      out.resize(at + (count * apart + 7) / 8 * 8);
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(out.data() + at + i * apart, static_cast<const std::uint8_t*>(from) + i * size,
                    size);
      }
      return static_cast<std::uint32_t>(count ? at : 0);
    };
    header.entry_offset = put(entry.data(), entry.size(), 1, 1);
    header.binding_offset =
        put(bindings.data(), bindings.size(), sizeof(SokrBinding), header.binding_size);
    header.push_offset = put(push.data(), push.size(), 1, 1);
    header.specialization_offset = put(specializations.data(), specializations.size(),
                                       sizeof(SokrSpecialization), header.specialization_size);
    header.wait_offset = put(waits.data(), waits.size(), sizeof waits[0], sizeof waits[0]);
    header.total_size = static_cast<std::uint32_t>(out.size());
    std::memcpy(out.data(), &header, sizeof header);
    return out;
  }

  // A launch that uses every section.
  static LaunchBuilder full() {
    LaunchBuilder b;
    b.entry = "main";
    b.launch.groups[0] = 7;
    b.launch.local_size[0] = 8, b.launch.local_size[1] = 4, b.launch.local_size[2] = 2;
    b.launch.subgroup_size = 32;
    b.launch.flags = SOKR_LAUNCH_PROFILE;
    b.bind(0, 0, 256, SOKR_ACCESS_READ).bind(0, 1, 512).bind_null(1, 3);
    b.bindings[1].kind = SOKR_BINDING_BUFFER;
    b.bindings[1].resource = 9;
    b.bindings[1].offset = 64;
    b.push = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    b.specializations = {{3, 4, 0x3F800000}, {1, 8, 77}};
    b.waits = {sokr_token_encode(5, 1234)};
    return b;
  }
};

}  // namespace sokr::substrate::testing_support

#endif  // SOKR_TESTS_SUBSTRATES_COMMON_LAUNCH_BUILDER_HPP_
