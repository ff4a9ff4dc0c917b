// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What each substrate is known not to do. Everything else must pass: a refusal or a
// failure that is not listed fails the suite, and so does a listed one that passes.
#ifndef SOKR_TESTS_CONFORMANCE_EXPECTATIONS_HPP_
#define SOKR_TESTS_CONFORMANCE_EXPECTATIONS_HPP_

#include "case.hpp"

namespace sokr::conformance {

struct Profile {
  std::string name;
  Precision precision = Precision::kStrict;
  // A device that no list describes may refuse what it lacks.
  bool may_refuse = false;
};

Profile profile_of(const SokrSubstrateInfo& info);

enum class Expect { kPass, kUnsupported, kWrong };

struct Expectation {
  Expect expect = Expect::kPass;
  const char* reason = "";  // kUnsupported: a part of the substrate's sentence
};

Expectation expectation(const Profile& profile, const Entry& entry);

}  // namespace sokr::conformance

#endif  // SOKR_TESTS_CONFORMANCE_EXPECTATIONS_HPP_
