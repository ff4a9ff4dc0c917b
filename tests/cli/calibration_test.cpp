// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How the calibration is fitted to a launch, and compared between runs; on times that are made up.
#include <gtest/gtest.h>

#include <cmath>
#include <sokr/sokr.hpp>

#include "bench_calibration.hpp"
#include "bench_gate.hpp"
#include "bench_serve.hpp"

namespace sokr::cli {
namespace {

// A launch that takes `ns`, against a loop of which each turn takes `each` and a dispatch `own`.
std::uint32_t fitted(double ns, double own, double each) {
  return fit_turns([=](std::uint32_t turns) { return ns / (own + each * turns); });
}

TEST(Calibration, LastsAsLongAsTheLaunch) {
  for (const double ns : {500.0, 80'000.0, 5e6, 2e9}) {
    for (const double own : {0.0, 200.0, 10'000.0}) {
      const double each = 13;
      const double lasts = own + each * fitted(ns, own, each);
      // Within a step of the square root of two, unless a dispatch alone is longer.
      if (own > ns) {
        EXPECT_EQ(fitted(ns, own, each), 1u);
      } else {
        EXPECT_GT(lasts, ns * 0.75) << own;
        EXPECT_LT(lasts, ns * 1.35) << own;
      }
    }
  }
  // What does not become longer does not make it endless.
  EXPECT_LE(fit_turns([](std::uint32_t) { return 100.0; }), 1u << 30);
  EXPECT_EQ(fit_turns([](std::uint32_t) { return 0.001; }), 1u);
}

TEST(Calibration, RunsThatDifferLittleAgree) {
  const std::uint32_t turns = fitted(80'000, 300, 36);
  for (const double noise : {0.97, 0.99, 1.01, 1.03}) {
    EXPECT_EQ(fitted(80'000 * noise, 300, 36), turns) << noise;
  }
}

TEST(Calibration, TurnsAreReadAsTheyAreWritten) {
  const std::vector<CalibrationTurns> all{{1, 91, 1024, 8}, {1, 64, 724, 9}};
  EXPECT_EQ(turns_text(all), "1,91,1024,8;1,64,724,9");
  EXPECT_EQ(parse_turns("1,91,1024,8;1,64,724,9"), all);
  for (const char* bad :
       {"", "1", "1,2", "1,2,3", "1,2,3,4,5", "1,2,3,0", "1,2,3,-3", "1,2,3,4;", ";", "1,2,3,x"}) {
    EXPECT_TRUE(parse_turns(bad).empty()) << bad;
  }
}

measure::Series series(const char* name, double ns) {
  measure::Series made;
  made.name = name;
  for (int i = 0; i < 40; ++i) {
    made.blocks.push_back(ns * (1 + 0.001 * (i % 5)));
    made.times.add(made.blocks.back());
  }
  return made;
}

// A run of some processes, whose launch takes `ns`, beside a loop of so many turns of 36 ns.
std::vector<BenchRound> rounds(double ns, std::uint32_t turns) {
  std::vector<BenchRound> all;
  for (int process = 0; process < kRelativeRounds; ++process) {
    BenchRound& round = all.emplace_back();
    // One of them is peculiar, as sometimes one is.
    round.blocks = series("", process == 3 ? 1.1 * ns : ns).blocks;
    round.calibration.assign(kCalibrationCount, series("", 36.0 * turns).blocks);
  }
  return all;
}

BenchResult result(double ns, std::uint32_t turns) {
  BenchResult one;
  one.substrate = "cpu";
  one.ways[kWarm] = series("cpu warm", ns);
  one.rounds = rounds(ns, turns);
  one.calibration_turns = {turns, turns, turns, turns};
  return one;
}

Baseline baseline(double ns, std::uint32_t turns) {
  BaselineResult earlier;
  earlier.substrate = "cpu";
  earlier.blocks_ns = series("", ns).blocks;
  earlier.rounds = rounds(ns, turns);
  earlier.calibration_turns = {turns, turns, turns, turns};
  return {"base.json", {}, {earlier}};
}

TEST(Calibration, LoopsOfDifferentLengthsAreComparedByTheirTurns) {
  const std::vector<Baseline> before{baseline(80'000, 2048), baseline(80'000, 1448)};
  const auto found = [&](double ns, std::uint32_t turns) {
    return regressions({result(ns, turns)}, before, 2, std::string(kCalibration), "");
  };
  for (const std::uint32_t turns : {1448u, 2048u, 2896u}) {
    EXPECT_TRUE(found(80'000, turns).empty());
    const auto slower = found(84'000, turns);
    ASSERT_EQ(slower.size(), 1u);
    EXPECT_NE(slower[0].find("cpu is 5.0 % slower"), std::string::npos) << slower[0];
    EXPECT_NE(slower[0].find(" turns of calibration "), std::string::npos) << slower[0];
  }
}

}  // namespace
}  // namespace sokr::cli
