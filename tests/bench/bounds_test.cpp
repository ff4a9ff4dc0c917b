// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What trips the gate of the benchmarks, and how callgrind's profiles are read.
#include "bounds.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "counts/profile.hpp"

namespace sokr::bench {
namespace {

using nlohmann::json;

const Bounds kBounds = Bounds::parse(R"({
  "core.scaling": {"min": 0.87},
  "cpu.null.vs_lavapipe": {"min": 40, "peer": "lavapipe"},
  "instructions.core.dispatch": {"counted": 167},
  "instructions.vulkan.empty": {"counted": 4979, "peer": "lavapipe"}
})");

json good_figures() {
  return {{"core.scaling", 1.0},
          {"cpu.null.vs_lavapipe", 160.0},
          {"peer.lavapipe", 1},
          {"instructions.core.dispatch", 167.0},
          {"instructions.vulkan.empty", 4979.0},
          {"instructions.spread", 0.001}};
}

// Every count that is recorded in this tree, not only those above.
Bounds bounds_of_the_tree() {
  std::ifstream file(SOKR_BENCH_BOUNDS);
  return Bounds::parse(file);
}

TEST(Bounds, WhatIsWithinThemIsGood) {
  const Verdict verdict = judge(good_figures(), kBounds, false);
  EXPECT_TRUE(verdict.failures.empty()) << verdict.failures.front();
  EXPECT_TRUE(verdict.notes.empty()) << verdict.notes.front();
}

TEST(Bounds, EveryRecordedCountTripsAtFifteenPercentAndNotAtFive) {
  const Bounds bounds = bounds_of_the_tree();
  int counts = 0;
  for (const auto& [name, bound] : bounds.items()) {
    if (!bound.contains("counted")) continue;
    ++counts;
    const Bounds alone{{name, bound}};
    const double counted = bound["counted"].get<double>();
    EXPECT_EQ(judge({{name, 1.15 * counted}}, alone, false).failures.size(), 1u) << name;
    EXPECT_EQ(judge({{name, 1.05 * counted}}, alone, false).failures.size(), 0u) << name;
  }
  EXPECT_GE(counts, 20);
}

TEST(Bounds, WhatWasNotMeasuredFailsUnlessItsPeerIsNotHere) {
  json figures = good_figures();
  figures.erase("instructions.vulkan.empty");
  EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 1u);
  EXPECT_EQ(judge(figures, kBounds, true).failures.size(), 0u);
  EXPECT_EQ(judge(figures, kBounds, true).notes.size(), 1u);
  figures["peer.lavapipe"] = 0;
  EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 0u);
  figures.erase("instructions.core.dispatch");
  EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 1u);
}

// Two programs look for the same peers. Where it failed in one of them, what that did not measure
// is missed, in whatever order they ran.
TEST(Bounds, APeerThatOneProgramHasIsHere) {
  const json has = {{"peer.lavapipe", 1}, {"core.scaling", 1.0}}, has_not = {{"peer.lavapipe", 0}};
  for (const auto& [first, second] : {std::pair(has, has_not), std::pair(has_not, has)}) {
    json figures = {{"instructions.core.dispatch", 167.0}};
    merge(first, figures);
    merge(second, figures);
    EXPECT_EQ(figures["peer.lavapipe"], 1);
    EXPECT_EQ(figures["core.scaling"], 1.0);
    EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 2u);
  }
  json figures = {{"core.scaling", 1.0}};
  merge({{"core.scaling", 0.5}, {"peer.pocl", 0}}, figures);
  EXPECT_EQ(figures["core.scaling"], 0.5);
  EXPECT_EQ(figures["peer.pocl"], 0);
}

TEST(Bounds, ACountWithoutABoundFailsAndOneThatFellIsNamed) {
  json figures = good_figures();
  figures["instructions.core.other"] = 12.0;
  EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 1u);
  figures = good_figures();
  figures["instructions.core.dispatch"] = 100.0;
  EXPECT_EQ(judge(figures, kBounds, false).failures.size(), 0u);
  EXPECT_EQ(judge(figures, kBounds, false).notes.size(), 1u);
}

// Counts are what compilers make: others may not hold them, and it is said why.
TEST(Bounds, OtherCompilersThanThoseThatWereRecordedAreNamed) {
  const Bounds recorded = record(good_figures(), kBounds, "GNU 12, LLVM 19");
  const auto notes = [&](const json& figures, const char* here) {
    const Verdict verdict = judge(figures, recorded, true, here);
    EXPECT_TRUE(verdict.failures.empty()) << verdict.failures.front();
    return verdict.notes;
  };
  EXPECT_TRUE(notes(good_figures(), "GNU 12, LLVM 19").empty());
  EXPECT_TRUE(notes(good_figures(), "").empty());
  ASSERT_EQ(notes(good_figures(), "GNU 13, LLVM 19").size(), 1u);
  EXPECT_NE(
      notes(good_figures(), "GNU 13, LLVM 19")[0].find("GNU 12, LLVM 19, and here are GNU 13"),
      std::string::npos);
  // Where nothing was counted, nothing is said.
  json none = good_figures();
  none.erase("instructions.core.dispatch");
  none.erase("instructions.vulkan.empty");
  const auto of_others = notes(none, "GNU 13, LLVM 19");  // bounds of programs that did not run
  ASSERT_EQ(of_others.size(), 1u);
  EXPECT_EQ(of_others[0].find("here are GNU 13"), std::string::npos) << of_others[0];
  EXPECT_TRUE(bounds_of_the_tree().contains(kCountedBy));
}

TEST(Bounds, RecordingChangesCountsAndNothingElse) {
  json figures = good_figures();
  figures["instructions.core.dispatch"] = 150.4;
  figures["instructions.new"] = 7.0;
  figures["core.scaling"] = 0.1;
  const Bounds recorded = record(figures, kBounds);
  EXPECT_EQ(recorded.size(), kBounds.size() + 1);
  EXPECT_EQ(recorded["instructions.core.dispatch"]["counted"], 150);
  EXPECT_EQ(recorded["instructions.new"]["counted"], 7);
  EXPECT_EQ(recorded["core.scaling"], kBounds["core.scaling"]);
  EXPECT_EQ(recorded["instructions.vulkan.empty"], kBounds["instructions.vulkan.empty"]);
  EXPECT_EQ(Bounds::parse(text_of(recorded)), recorded);
}

TEST(Bounds, TheFileIsAsItWouldBeWritten) {
  std::ifstream file(SOKR_BENCH_BOUNDS);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, text_of(Bounds::parse(text)));
}

// ---- Profiles --------------------------------------------------------------------------------

constexpr const char* kProfile =
    "# callgrind format\nversion: 1\n\n"
    "desc: Timerange: Basic block 0 - 20\n"
    "desc: Trigger: Client Request: vulkan.empty*256\n\n"
    "positions: line\nevents: Ir\nsummary: 175\n\n"
    "ob=(1) /lib/libc.so.6\nfl=(1) ???\nfn=(1) memcpy\n0 20\n\n"
    "ob=(2) /lib/sokr/sokr-vulkan.so\nfl=(2) launch.cpp\nfn=(2) launch\n12 30\n+3 5\n"
    "cob=(3) /lib/libvulkan_lvp.so\ncfn=(3) vkQueueSubmit\ncalls=2 0\n* 100\n-2 7\n\n"
    "ob=(3)\nfn=(3)\n0 100\n\nob=(2)\nfn=(4) end\n40 13\n\ntotals: 175\n";

TEST(Profile, SumsOfAFileLeaveOutWhatItCalls) {
  const auto all = read_profile(kProfile, "");
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->trigger, "vulkan.empty*256");
  EXPECT_EQ(all->instructions, 175u);
  EXPECT_EQ(all->in_file, 0u);
  EXPECT_EQ(read_profile(kProfile, "sokr-vulkan.so")->in_file, 55u);
  EXPECT_EQ(read_profile(kProfile, "libvulkan_lvp")->in_file, 100u);
  EXPECT_EQ(read_profile(kProfile, "no such file")->in_file, 0u);
}

TEST(Profile, WhatIsNoneIsRefused) {
  std::string text = kProfile;
  EXPECT_FALSE(read_profile("", "").has_value());
  EXPECT_FALSE(read_profile(text.substr(0, text.find("totals")), "").has_value());
  text.replace(text.find("events: Ir"), 10, "events: Ir Dr");
  EXPECT_FALSE(read_profile(text, "").has_value());
}

}  // namespace
}  // namespace sokr::bench
