// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What each substrate is known not to do. Everything else must pass: a refusal or a
// failure that is not listed fails the suite, and so does a listed one that passes.
#ifndef SOKR_CONFORMANCE_EXPECTATIONS_HPP_
#define SOKR_CONFORMANCE_EXPECTATIONS_HPP_

#include <compare>
#include <cstdint>

#include "case.hpp"

namespace sokr::conformance {

struct Version {
  std::uint32_t major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

struct Profile {
  std::string name;  // "lavapipe 22.3"; a substrate's own name if it is no Vulkan device
  Precision precision = Precision::kStrict;
  // A device that no list describes, or that is simulated, may refuse what it lacks.
  bool may_refuse = false;
  std::uint32_t driver = 0;  // VkDriverId; 0 = none
  Version version;           // of the driver
};

Profile profile_of(const SokrSubstrateInfo& info);

enum class Expect { kPass, kUnsupported, kWrong };

struct Expectation {
  Expect expect = Expect::kPass;
  const char* reason = "";  // kUnsupported: a part of the substrate's sentence
};

Expectation expectation(const Profile& profile, const Entry& entry);

}  // namespace sokr::conformance

#endif  // SOKR_CONFORMANCE_EXPECTATIONS_HPP_
