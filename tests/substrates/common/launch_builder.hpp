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
