// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The engine on sides whose times are made up; no test depends on how fast this machine is.
#include "engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace sokr::measure {
namespace {

using std::chrono::milliseconds;

// Answers at once with times around `middle`, and keeps the order of the turns.
struct Fake {
  std::string name;
  double middle;
  std::vector<std::string>* turns;
  std::uint64_t asked = 0;

  Side side() {
    return {name, [this](std::uint32_t count, std::vector<double>& ns) {
              if (turns) turns->push_back(name);
              for (std::uint32_t i = 0; i < count; ++i) {
                ns.push_back(middle + static_cast<double>(asked++ % 7) * 0.001 * middle);
              }
            }};
  }
};

Rules soon() {
  Rules rules;
  rules.least = milliseconds(1);
  rules.budget = milliseconds(50);
  rules.block = std::chrono::microseconds(20);
  return rules;
}

TEST(Engine, CountsWhatWasAskedFor) {
  Fake one{"one", 100, nullptr}, two{"two", 200, nullptr};
  Rules rules = soon();
  rules.repeat = 50;
  const Side sides[] = {one.side(), two.side()};
  const auto all = alternate(sides, rules);
  ASSERT_EQ(all.size(), 2u);
  for (const Series& series : all) {
    EXPECT_EQ(series.times.count(), 50u);
    EXPECT_EQ(series.ended, Ended::kCount);
    EXPECT_EQ(series.blocks.size(), series.block_at.size());
    EXPECT_GE(series.blocks.size(), 10u);
    EXPECT_TRUE(std::ranges::is_sorted(series.block_at));
  }
  EXPECT_EQ(all[0].times.least(), 100);
  EXPECT_EQ(all[1].times.least(), 200);
  EXPECT_NE(ending_text(all[0], rules).find("50 measurements, as asked"), std::string::npos);
}

// Of a single turn there is one median, however often it is drawn anew.
TEST(Engine, SaysNoPrecisionOfFewTurns) {
  for (const std::uint32_t repeat : {1u, 4u, 5u}) {
    Fake one{"one", 100, nullptr};
    Rules rules = soon();
    rules.repeat = repeat;
    const Side sides[] = {one.side()};
    const Series series = alternate(sides, rules).at(0);
    ASSERT_EQ(series.blocks.size(), repeat);
    const bool known = repeat >= kLeastBlocks;
    EXPECT_EQ(series.is_interval_known(), known);
    EXPECT_EQ(ending_text(series, rules).find("±") != std::string::npos, known)
        << ending_text(series, rules);
  }
}

// What happens once, as a first launch, is not warmed up; then each turn is one measurement.
TEST(Engine, MeasuresFromTheFirst) {
  std::vector<std::string> turns;
  Fake one{"one", 100, &turns};
  Rules rules = soon();
  rules.repeat = 7;
  rules.few = 0;
  const Side sides[] = {one.side()};
  const auto all = alternate(sides, rules);
  EXPECT_EQ(all[0].times.count(), 7u);
  EXPECT_EQ(all[0].warm_up, 0u);
  EXPECT_EQ(turns.size(), 7u);
  EXPECT_EQ(one.asked, 7u);
}

TEST(Engine, EndsWhenItIsPrecise) {
  Fake one{"one", 100, nullptr};
  const Side sides[] = {one.side()};
  const auto all = alternate(sides, soon());
  EXPECT_EQ(all[0].ended, Ended::kPrecise);
  EXPECT_LE(all[0].precision, 0.01);
  EXPECT_GE(all[0].blocks.size(), kLeastBlocks);
  EXPECT_TRUE(all[0].settled);
  EXPECT_GT(all[0].warm_up, 0u);
}

TEST(Engine, PercentagesAreShort) {
  EXPECT_EQ(percent_text(0.0029), "0.29 %");
  EXPECT_EQ(percent_text(0.01), "1 %");
  EXPECT_EQ(percent_text(0.26), "26 %");
  EXPECT_EQ(percent_text(1.682), "168 %");
}

TEST(Engine, SaysThatTimeWasUp) {
  // No two are the same, so that no median is known exactly, however many there are.
  std::uint64_t asked = 0;
  Random random(3);
  const Side sides[] = {{"wild", [&](std::uint32_t count, std::vector<double>& ns) {
                           for (std::uint32_t i = 0; i < count; ++i) {
                             ns.push_back(100 + 0.001 * static_cast<double>(random.below(100'000)));
                           }
                           ++asked;
                         }}};
  Rules rules = soon();
  rules.block = std::chrono::nanoseconds(1);
  rules.precision = 1e-9;
  const auto all = alternate(sides, rules);
  EXPECT_EQ(all[0].ended, Ended::kBudget);
  EXPECT_NE(ending_text(all[0], rules).find("time was up"), std::string::npos);
  EXPECT_GT(asked, kLeastBlocks);
}

TEST(Engine, EverySideHasATurnBeforeAnyHasAnother) {
  std::vector<std::string> turns;
  Fake fakes[] = {{"a", 10, &turns}, {"b", 20, &turns}, {"c", 30, &turns}};
  std::vector<Side> sides;
  for (Fake& fake : fakes) sides.push_back(fake.side());
  Rules rules = soon();
  rules.repeat = 90;                       // turns of 9, which have nothing before them
  rules.block = std::chrono::seconds(10);  // however slow a turn is here
  (void)alternate(sides, rules);
  // Warm-up is a turn for each, then cycles in orders that differ.
  ASSERT_EQ(turns.size(), 3u + 3 * 10);
  std::vector<std::vector<std::string>> orders;
  for (std::size_t at = 3; at < turns.size(); at += 3) {
    std::vector<std::string> order(turns.begin() + static_cast<std::ptrdiff_t>(at),
                                   turns.begin() + static_cast<std::ptrdiff_t>(at) + 3);
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "c"})) << at;
  }
  std::sort(orders.begin(), orders.end());
  EXPECT_GT(std::unique(orders.begin(), orders.end()) - orders.begin(), 2);
}

// Of as many measurements of each, a side that is quick is known of the same time as one that is
// slow: it has turns until this one ends, and is never a turn ahead.
TEST(Engine, WhatIsQuickIsMeasuredAsLongAsWhatIsSlow) {
  std::uint64_t quick = 0, slow = 0;
  bool counts = false;  // after the warm-up, which is a turn of each
  std::uint64_t furthest_ahead = 0, behind_at_the_end = 0;
  const Side sides[] = {{"quick",
                         [&](std::uint32_t count, std::vector<double>& ns) {
                           quick += count;
                           if (counts && quick > slow) {
                             furthest_ahead = std::max(furthest_ahead, quick - slow);
                           }
                           ns.insert(ns.end(), count, 10.0);
                         }},
                        {"slow", [&](std::uint32_t count, std::vector<double>& ns) {
                           const auto until =
                               std::chrono::steady_clock::now() + count * milliseconds(11);
                           while (std::chrono::steady_clock::now() < until) {
                           }
                           slow += count;
                           if (counts && slow > quick) behind_at_the_end = slow - quick;
                           counts = true;
                           ns.insert(ns.end(), count, 11e6);
                         }}};
  Rules rules;
  rules.repeat = 31;
  rules.block = milliseconds(10);
  const auto all = alternate(sides, rules);
  EXPECT_EQ(all[0].times.count(), 31u);
  EXPECT_EQ(all[1].times.count(), 31u);
  EXPECT_EQ(all[1].blocks.size(), 31u);
  EXPECT_LE(furthest_ahead, rules.repeat / 10);
  EXPECT_LE(behind_at_the_end, 1u);
  EXPECT_GT(all[0].block_at.back(), 0.8 * all[1].block_at.back());
}

// What is a multiple of its neighbour needs one.
TEST(Engine, TurnsOfOneMeasurementAreNeighbours) {
  std::vector<std::string> turns;
  Fake fakes[] = {{"a", 10, &turns}, {"b", 20, &turns}};
  const Side sides[] = {fakes[0].side(), fakes[1].side()};
  Rules rules = soon();
  rules.repeat = 50;
  rules.block = std::chrono::nanoseconds(0);
  const auto all = alternate(sides, rules);
  ASSERT_EQ(turns.size(), 2u + 2 * 50);
  for (std::size_t at = 2; at < turns.size(); at += 2) EXPECT_NE(turns[at], turns[at + 1]) << at;
  EXPECT_EQ(all[0].blocks.size(), 50u);
}

TEST(Engine, TellsHowFarItIs) {
  Fake one{"one", 100, nullptr};
  const Side sides[] = {one.side()};
  Rules rules = soon();
  rules.repeat = 30;
  std::vector<double> parts;
  (void)alternate(sides, rules, [&](std::string_view name, std::uint64_t, double part) {
    EXPECT_EQ(name, "one");
    parts.push_back(part);
  });
  ASSERT_FALSE(parts.empty());
  EXPECT_TRUE(std::ranges::is_sorted(parts));
  EXPECT_EQ(parts.back(), 1);
}

// What the system ran in between during a turn of the warm-up does not make all others short.
TEST(Engine, ATurnIsAsLongAsTheQuietestOnesTell) {
  std::vector<std::uint32_t> counts;
  const Side side{"one", [&](std::uint32_t count, std::vector<double>& ns) {
                    counts.push_back(count);
                    const auto until = std::chrono::steady_clock::now() + milliseconds(5);
                    while (counts.size() > 4 && std::chrono::steady_clock::now() < until) {
                    }
                    ns.insert(ns.end(), count, 100.0);
                  }};
  Rules rules = soon();
  rules.block = milliseconds(1);
  rules.budget = milliseconds(2000);
  const Side sides[] = {side};
  const auto all = alternate(sides, rules);
  EXPECT_TRUE(all[0].settled);
  EXPECT_GE(counts.back(), 10u);
}

TEST(Engine, WhatASideThrowsGoesThrough) {
  const Side sides[] = {
      {"bad", [](std::uint32_t, std::vector<double>&) { throw std::runtime_error("no"); }}};
  EXPECT_THROW((void)alternate(sides, soon()), std::runtime_error);
  EXPECT_TRUE(alternate({}, soon()).empty());
}

}  // namespace
}  // namespace sokr::measure
