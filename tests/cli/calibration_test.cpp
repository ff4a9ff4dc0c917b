// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How the calibration is fitted to a launch, and compared between runs; on times that are made up.
#include <gtest/gtest.h>

#include <cmath>
#include <sokr/sokr.hpp>

#include "bench_calibration.hpp"
#include "bench_gate.hpp"
#include "bench_measurement.hpp"
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

// Of a dispatch of next to nothing, and of a turn of a loop behind it.
struct Loop {
  double dispatch = 1, turn = 36;
};

// A run of some processes, whose launch takes `ns`, beside a loop of so many turns.
std::vector<BenchRound> rounds(double ns, std::uint32_t turns, const Loop& loop = {}) {
  std::vector<BenchRound> all;
  for (int process = 0; process < kRelativeRounds; ++process) {
    BenchRound& round = all.emplace_back();
    // One of them is peculiar, as sometimes one is.
    round.blocks = series("", process == 3 ? 1.1 * ns : ns).blocks;
    round.calibration.assign(kCalibrationCount,
                             series("", loop.dispatch + loop.turn * turns).blocks);
    // No kernel goes with it: now and then others slow it alone.
    round.calibration.front() = series("", loop.dispatch).blocks;
    for (std::size_t i = 0; i < round.calibration.front().size(); i += 3) {
      round.calibration.front()[i] *= 1.5;
    }
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

// Of the rows that did not hold.
std::vector<std::string> sentences(const std::vector<GateRow>& rows) {
  std::vector<std::string> all;
  for (const GateRow& row : rows) {
    if (row.verdict != GateVerdict::kHeld) all.push_back(gate_sentence(row));
  }
  return all;
}

TEST(Calibration, LoopsOfDifferentLengthsAreComparedByTheirTurns) {
  const std::vector<Baseline> before{baseline(80'000, 2048), baseline(80'000, 1448)};
  const auto found = [&](double ns, std::uint32_t turns) {
    return sentences(
        compared_with_baselines({result(ns, turns)}, before, 2, std::string(kCalibration), ""));
  };
  for (const std::uint32_t turns : {1448u, 2048u, 2896u}) {
    EXPECT_TRUE(found(80'000, turns).empty());
    const auto slower = found(84'000, turns);
    ASSERT_EQ(slower.size(), 1u);
    EXPECT_NE(slower[0].find("cpu is 5.0 % slower"), std::string::npos) << slower[0];
    EXPECT_NE(slower[0].find(" turns of calibration "), std::string::npos) << slower[0];
  }
}

// A launch is a dispatch and a kernel; a loop that is longer is so by its turns alone.
TEST(Calibration, LoopsOfDifferentLengthsHaveOneDispatch) {
  const Loop loop{2000, 62.5};
  const auto of = [&](std::uint32_t turns) {
    Baseline made = baseline(6000, turns);
    made.results.front().rounds = rounds(6000, turns, loop);
    return made;
  };
  const std::vector<Baseline> before{of(64), of(91), of(64), of(91)};
  const auto found = [&](double ns) {
    BenchResult now = result(ns, 64);
    now.rounds = rounds(ns, 64, loop);
    return compared_with_baselines({now}, before, 2, std::string(kCalibration), "").at(0);
  };
  EXPECT_EQ(found(6000).verdict, GateVerdict::kHeld);
  const GateRow slower = found(6000 * 1.08);
  EXPECT_EQ(slower.verdict, GateVerdict::kSlower);
  EXPECT_NEAR(slower.comparison.ratio, 1.08, 0.01);
}

// All that is measured takes what --budget says, however many sides and processes there are.
TEST(Budget, IsForAllThatIsMeasured) {
  for (const std::size_t sides : {1u, 3u, 10u}) {
    for (const double share : {1.0, 0.5}) {
      const double each = seconds_of_side(9.0, 2.0, sides, share);
      const double whole = each * static_cast<double>(sides) * (1 + measure::kMostWarmUp);
      EXPECT_NEAR(whole, 9 * share, 1e-9) << sides;
      EXPECT_EQ(seconds_of_side({}, 2.0, sides, share), 2.0);
    }
  }
}

// Processes in which a launch takes `ns` where nothing disturbs it, as one turn in ten, and so many
// times as long, or up to twice that, in the others.
std::vector<BenchRound> disturbed(double ns, double times, bool on_one_processor = true) {
  std::vector<BenchRound> all;
  for (int process = 0; process < kRelativeRounds; ++process) {
    BenchRound& round = all.emplace_back();
    round.on_one_processor = on_one_processor;
    for (int i = 0; i < 60; ++i) {
      const double longer = i % 10 == 0 ? 1 + 0.002 * (i % 7) : times * (1 + 0.05 * (i % 20));
      round.blocks.push_back(ns * longer);
    }
  }
  return all;
}

TEST(RelativeToASubstrate, WhatSlowsOneOfThemByOtherFactorsIsNoRegression) {
  const auto two = [](std::vector<BenchRound> cpu, std::vector<BenchRound> other) {
    std::vector<BenchResult> both(2);
    both[0] = result(80'000, 1), both[1] = result(500'000, 1);
    both[1].substrate = "vulkan:0";
    both[0].rounds = std::move(cpu), both[1].rounds = std::move(other);
    return both;
  };
  const auto as_baseline = [](const std::vector<BenchResult>& both) {
    Baseline made{"base.json", {}, {}};
    for (const BenchResult& one : both) {
      BaselineResult& earlier = made.results.emplace_back();
      earlier.substrate = one.substrate;
      earlier.rounds = one.rounds;
    }
    return made;
  };
  const std::vector<Baseline> before{
      as_baseline(two(disturbed(80'000, 1.02), disturbed(500'000, 1.1)))};
  const auto found = [&](double ns, double cpu, double other) {
    return sentences(compared_with_baselines(two(disturbed(ns, cpu), disturbed(500'000, other)),
                                             before, 2, "vulkan:0", ""));
  };
  for (const double cpu : {1.02, 1.5, 3.0}) {
    for (const double other : {1.02, 1.5, 3.0}) {
      EXPECT_TRUE(found(80'000, cpu, other).empty()) << cpu << " and " << other;
      const auto slower = found(84'000, cpu, other);
      ASSERT_EQ(slower.size(), 1u) << cpu << " and " << other;
      EXPECT_NE(slower[0].find("cpu is 5.0 % slower"), std::string::npos) << slower[0];
      EXPECT_NE(slower[0].find(" times vulkan:0"), std::string::npos) << slower[0];
    }
  }
  // Earlier versions let each process have all processors.
  const Baseline older =
      as_baseline(two(disturbed(80'000, 1.02, false), disturbed(500'000, 1.1, false)));
  try {
    require_comparable(older, "cpu", "vulkan:0", "");
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find("are not of one processor"), std::string::npos)
        << error.what();
  }
}

// However much slower it is: a gate that can show nothing is not passed.
TEST(Gate, TooFewTurnsAreNoPass) {
  const auto row_of = [](std::size_t before, std::size_t now, double times) {
    BaselineResult earlier;
    earlier.substrate = "cpu";
    for (std::size_t i = 0; i < before; ++i) {
      earlier.blocks_ns.push_back(1000 + static_cast<double>(i));
    }
    const std::vector<Baseline> baselines{{"base.json", {}, {earlier}}};
    BenchResult one = result(1000, 1);
    one.ways[kWarm]->blocks.clear();
    for (std::size_t i = 0; i < now; ++i) {
      one.ways[kWarm]->blocks.push_back(times * (1000 + static_cast<double>(i)));
    }
    const std::vector<GateRow> rows = compared_with_baselines({one}, baselines, 5, "", "");
    EXPECT_EQ(rows.size(), 1u);
    EXPECT_EQ(gate_sentence(rows.at(0)).empty(), rows.at(0).verdict == GateVerdict::kHeld);
    return rows.at(0);
  };
  const auto verdict = [&](std::size_t before, std::size_t now, double times) {
    return row_of(before, now, times).verdict;
  };
  const auto said = [&](std::size_t before, std::size_t now) {
    return gate_sentence(row_of(before, now, 1));
  };
  EXPECT_EQ(verdict(24, 1, 6), GateVerdict::kUnknown);
  EXPECT_EQ(verdict(1, 24, 1), GateVerdict::kUnknown);
  EXPECT_EQ(verdict(2, 2, 1), GateVerdict::kUnknown);
  EXPECT_EQ(verdict(24, 3, 6), GateVerdict::kSlower);
  EXPECT_EQ(verdict(24, 3, 1), GateVerdict::kHeld);
  EXPECT_EQ(verdict(5, 5, 6), GateVerdict::kSlower);
  // Who has to measure longer, or the baseline anew.
  EXPECT_NE(said(24, 1).find("measure longer"), std::string::npos);
  EXPECT_NE(said(2, 2).find("measure longer"), std::string::npos);
  EXPECT_NE(said(1, 24).find("measure the baseline anew"), std::string::npos);
  // Nor where an old side and this one have no neighbours in time.
  CommandComparison none;
  none.substrate = "cpu";
  none.comparison = measure::compare_paired({}, {}, 1.05, kGateConfidence);
  const GateRow row = compared_with_old(std::span(&none, 1), 5, "the baseline command").at(0);
  EXPECT_EQ(row.verdict, GateVerdict::kUnknown);
  // Its processes are measured by time alone.
  EXPECT_NE(gate_sentence(row).find("--budget"), std::string::npos);
  EXPECT_EQ(gate_sentence(row).find("--repeat"), std::string::npos) << gate_sentence(row);
}

TEST(Gate, NothingIsAMultipleOfNothing) {
  const auto row_of = [](std::vector<double> before, std::vector<double> now) {
    BaselineResult earlier;
    earlier.substrate = "cpu";
    earlier.blocks_ns = {1};
    earlier.counted = {{"cache-misses", std::move(before)}};
    const std::vector<Baseline> baselines{{"base.json", {}, {earlier}}};
    BenchResult one = result(1000, 1);
    one.ways[kWarm]->counted = {{"cache-misses", std::move(now)}};
    return compared_with_baselines({one}, baselines, 5, "", "cache-misses").at(0);
  };
  const std::vector<double> none(20, 0), some(20, 4), few{0, 0, 4, 4, 4, 4, 4, 4, 4, 4};
  const GateRow unknown = row_of(none, some);
  EXPECT_EQ(unknown.verdict, GateVerdict::kUnknown);
  EXPECT_NE(gate_sentence(unknown).find("counted 0 cache-misses"), std::string::npos)
      << gate_sentence(unknown);
  EXPECT_EQ(unknown.now, 4);
  EXPECT_EQ(unknown.before, 0);
  const GateRow gone = row_of(some, none);
  EXPECT_EQ(gone.verdict, GateVerdict::kHeld);
  EXPECT_EQ(gone.before, 4);
  EXPECT_EQ(gone.now, 0);
  EXPECT_EQ(gone.change_text(), "-100.0 %");
  for (const GateRow& row : {row_of(few, some), row_of(some, few), row_of(few, few)}) {
    EXPECT_EQ(row.verdict, GateVerdict::kHeld);
    EXPECT_FALSE(std::isnan(row.comparison.interval.low) ||
                 std::isnan(row.comparison.interval.high));
  }
  EXPECT_EQ(row_of(few, std::vector<double>(20, 40)).verdict, GateVerdict::kSlower);
}

}  // namespace
}  // namespace sokr::cli
