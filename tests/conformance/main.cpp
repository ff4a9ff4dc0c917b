// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The conformance suite: every kernel of shaders/ against a host reference.
//
//   test_conformance --substrate NAME   every case on NAME, or on all devices NAME:*
//   test_conformance --parts NAME       every case on NAME, launched in parts that start at
//                                       different workgroups
//   test_conformance --agreement        every exact case on all substrates: equal bytes
//
// Exit 77 if a Vulkan substrate is asked for and this machine has no Vulkan device, or an
// instruction set (SOKR_CPU_ISA) that it does not have.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "expectations.hpp"
#include "run.hpp"

namespace sokr::conformance {
namespace {

constexpr int kSkipped = 77;

struct Tally {
  int passed = 0;
  std::vector<std::string> unsupported, known_wrong;
};

struct Suite {
  Context context;
  bool in_parts = false;
  std::vector<Entry> entries = all_cases();
  std::map<std::string, Tally> tallies;
};

class OnSubstrate : public testing::Test {
 public:
  OnSubstrate(Suite& suite, Substrate substrate, const Entry& entry)
      : suite_(suite), substrate_(substrate), entry_(entry) {}

  void TestBody() override {
    Profile profile = profile_of(substrate_.info());
    Expectation expected = expectation(profile, entry_);
    Outcome outcome = suite_.in_parts ? outcome_in_parts(profile)
                                      : run(suite_.context, substrate_, SOKR_TEST_SHADERS, entry_,
                                            entry_.make(), profile.precision);
    Tally& tally = suite_.tallies[std::string(substrate_.name())];
    std::string name = fmt::format("{}/{}", entry_.module, entry_.variant);
    switch (outcome.verdict) {
      case Verdict::kPassed:
        ++tally.passed;
        EXPECT_EQ(expected.expect, Expect::kPass)
            << "expected not to pass: " << expected.reason << "; remove it from the list";
        break;
      case Verdict::kUnsupported:
        tally.unsupported.push_back(fmt::format("{}: {}", name, outcome.text));
        if (profile.may_refuse) break;
        ASSERT_EQ(expected.expect, Expect::kUnsupported) << "refused: " << outcome.text;
        EXPECT_NE(outcome.text.find(expected.reason), std::string::npos)
            << "refused: " << outcome.text;
        break;
      case Verdict::kFailed:
        if (expected.expect == Expect::kWrong) {
          tally.known_wrong.push_back(fmt::format("{}: {}", name, expected.reason));
        } else {
          ADD_FAILURE() << outcome.text;
        }
        break;
    }
  }

 private:
  Outcome outcome_in_parts(const Profile& profile) const {
    const std::filesystem::path folder(SOKR_TEST_SHADERS);
    const Kernel kernel =
        suite_.context.kernel(read_file(folder / (std::string(entry_.module) + ".spv")));
    return run_in_parts(substrate_, kernel, entry_.make(), profile.precision);
  }

  Suite& suite_;
  Substrate substrate_;
  const Entry& entry_;
};

// Where the case has only exact outputs, all substrates that pass leave the same bytes.
class Agreement : public testing::Test {
 public:
  Agreement(Suite& suite, const Entry& entry) : suite_(suite), entry_(entry) {}

  void TestBody() override {
    Case test = entry_.make();
    std::optional<Outputs> first;
    std::string first_name;
    for (const Substrate& substrate : suite_.context.substrates()) {
      Profile profile = profile_of(substrate.info());
      if (expectation(profile, entry_).expect != Expect::kPass) continue;
      Outcome outcome =
          run(suite_.context, substrate, SOKR_TEST_SHADERS, entry_, test, profile.precision);
      // Whether it may refuse is the other test's question.
      if (outcome.verdict == Verdict::kUnsupported) continue;
      ASSERT_EQ(outcome.verdict, Verdict::kPassed) << substrate.name() << ": " << outcome.text;
      if (!first) {
        first = std::move(outcome.outputs);
        first_name = substrate.name();
        continue;
      }
      EXPECT_TRUE(outcome.outputs == *first)
          << substrate.name() << " and " << first_name << " differ";
    }
  }

 private:
  Suite& suite_;
  const Entry& entry_;
};

std::string test_name(const Entry& entry) {
  return fmt::format("{}/{}", entry.module, entry.variant);
}

// Whether the kernel has the built-in NumWorkgroups, which a part of a launch has its own of.
bool asks_for_counts(const Entry& entry) {
  constexpr std::uint32_t kDecorate = 71, kBuiltIn = 11, kNumWorkgroups = 24;
  const auto bytes =
      read_file(std::filesystem::path(SOKR_TEST_SHADERS) / (std::string(entry.module) + ".spv"));
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), words.size() * 4);
  for (std::size_t at = 5; at + 3 < words.size() && words[at] >> 16 != 0; at += words[at] >> 16)
    if (words[at] == (4u << 16 | kDecorate) && words[at + 2] == kBuiltIn &&
        words[at + 3] == kNumWorkgroups)
      return true;
  return false;
}

// All substrates that are called `family` or `family:...`.
std::vector<Substrate> members(const Context& context, std::string_view family) {
  std::vector<Substrate> found;
  for (const Substrate& substrate : context.substrates()) {
    if (substrate.name() == family || substrate.name().starts_with(std::string(family) + ":")) {
      found.push_back(substrate);
    }
  }
  return found;
}

void register_on_substrate(Suite& suite, const std::vector<Substrate>& substrates) {
  for (const Substrate& substrate : substrates) {
    for (const Entry& entry : suite.entries) {
      if (suite.in_parts && asks_for_counts(entry)) continue;
      testing::RegisterTest(std::string(substrate.name()).c_str(), test_name(entry).c_str(),
                            nullptr, nullptr, __FILE__, __LINE__,
                            [&suite, substrate, &entry]() -> testing::Test* {
                              return new OnSubstrate(suite, substrate, entry);
                            });
    }
  }
}

void register_agreement(Suite& suite) {
  for (const Entry& entry : suite.entries) {
    if (!entry.make().exact()) continue;
    testing::RegisterTest(
        "agreement", test_name(entry).c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [&suite, &entry]() -> testing::Test* { return new Agreement(suite, entry); });
  }
}

void print(const Suite& suite) {
  for (const auto& [name, tally] : suite.tallies) {
    fmt::print("{}: {} passed, {} unsupported, {} known to be wrong\n", name, tally.passed,
               tally.unsupported.size(), tally.known_wrong.size());
    for (const std::string& line : tally.unsupported) fmt::print("  unsupported  {}\n", line);
    for (const std::string& line : tally.known_wrong) fmt::print("  known wrong  {}\n", line);
  }
}

int usage() {
  fmt::print(stderr, "usage: test_conformance --substrate NAME | --parts NAME | --agreement\n");
  return 2;
}

int run_suite(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::string_view mode = argc > 1 ? argv[1] : "";
  Suite suite;
  if (mode == "--agreement" && argc == 2) {
    register_agreement(suite);
  } else if ((mode == "--substrate" || mode == "--parts") && argc == 3) {
    suite.in_parts = mode == "--parts";
    std::string_view family = argv[2];
    std::vector<Substrate> found = members(suite.context, family);
    if (found.empty()) {
      fmt::print(stderr, "no substrate '{}' on this machine\n", family);
      for (const Unavailable& missing : suite.context.unavailable()) {
        fmt::print(stderr, "  {}: {}\n", missing.name, missing.reason);
      }
      return family.starts_with("vulkan") || std::getenv("SOKR_CPU_ISA") ? kSkipped : 1;
    }
    register_on_substrate(suite, found);
  } else {
    return usage();
  }
  int result = RUN_ALL_TESTS();
  print(suite);
  return result;
}

}  // namespace
}  // namespace sokr::conformance

int main(int argc, char** argv) {
  try {
    return sokr::conformance::run_suite(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
