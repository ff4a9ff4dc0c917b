// SPDX-License-Identifier: MIT OR Apache-2.0
#include "baseline.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sokr/sokr.hpp>
#include <span>

#include "bench_children.hpp"
#include "bench_report.hpp"
#include "command.hpp"

namespace sokr::cli {
namespace {

constexpr const char* kHead = R"({"schema": "sokr.bench/1", "kernel": "a/copy.spv", )";

Baseline parsed(const std::string& rest) {
  return parse_baseline(kHead + rest, "base.json");
}

std::string refusal(const std::string& text) {
  try {
    (void)parse_baseline(text, "base.json");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string difference(const Baseline& baseline, const std::string& kernel, const Json& launch) {
  try {
    refuse_another_launch(baseline, kernel, launch);
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

TEST(Baseline, RoundsOfAnotherCalibrationAreRefused) {
  const auto text = [](const char* turns, const char* times) {
    return fmt::format(R"("results": [{{"substrate": "cpu", "blocks_ns": [2], "calibration_turns":
        {{"dispatch": 1, "memory": {}, "arithmetic": 7, "chain": 9}}, "rounds": [{{"blocks_ns": [2, 3],
        "calibration_ns": {{"dispatch": [1], "memory": {}, "arithmetic": [5], "chain": [6]}}}}]}}]}})",
                       turns, times);
  };
  const Baseline read = parsed(text("91", "[4, 4.5]"));
  const BaselineResult& one = read.results.at(0);
  ASSERT_EQ(one.rounds.size(), 1u);
  EXPECT_EQ(one.rounds[0].blocks, (std::vector<double>{2, 3}));
  EXPECT_EQ(one.rounds[0].calibration.at(1), (std::vector<double>{4, 4.5}));
  EXPECT_EQ(one.calibration_turns, (CalibrationTurns{1, 91, 7, 9}));
  for (const char* bad : {"0", "-1", "1.5", "\"1\"", "null", "4294967296"}) {
    EXPECT_NE(refusal(kHead + text(bad, "[4]")), "") << bad;
    EXPECT_NE(
        refusal(kHead + text("91", fmt::format("[1, {}]", bad[0] == '4' ? "0" : "-1").c_str())),
        "");
  }
  // One that was measured without, or by an earlier version.
  const Baseline without = parsed(R"("results": [{"substrate": "cpu", "blocks_ns": [2],
      "calibration": {"memory": {"blocks_ns": [3]}}}]})");
  EXPECT_TRUE(without.results.at(0).rounds.empty());
  for (const char* bad : {"{}", "[1]", "[{}]", R"([{"blocks_ns": []}])",
                          R"([{"blocks_ns": [1], "on_one_processor": 1}])"}) {
    EXPECT_NE(refusal(fmt::format(
                  R"({}"results": [{{"substrate": "cpu", "blocks_ns": [2], "rounds": {}}}]}})",
                  kHead, bad)),
              "")
        << bad;
  }
}

TEST(Baseline, TurnsAreRead) {
  const Baseline one = parsed(R"("results": [{"substrate": "cpu", "blocks_ns": [2.5, 3]}]})");
  ASSERT_EQ(one.results.size(), 1u);
  ASSERT_NE(one.find("cpu"), nullptr);
  EXPECT_EQ(one.find("cpu")->blocks_ns, (std::vector<double>{2.5, 3}));
  EXPECT_EQ(one.find("gpu"), nullptr);
  for (const char* bad : {"0", "-1", "\"1\"", "null", "1e999", "[]"}) {
    for (const char* form : {"[1, {}]", "{}"}) {
      EXPECT_NE(refusal(fmt::format(R"({}"results": [{{"substrate": "cpu", "blocks_ns": {}}}]}})",
                                    kHead, fmt::format(fmt::runtime(form), bad))),
                "")
          << bad;
    }
  }
  EXPECT_EQ(refusal("{}"),
            "'base.json' is no baseline: its schema is not sokr.bench/1; 'sokr bench --json FILE' "
            "writes one");
  EXPECT_EQ(refusal(R"({"schema": "sokr.bench/2"})"),
            "'base.json' is no baseline: its schema is \"sokr.bench/2\", and this version reads "
            "\"sokr.bench/1\"; 'sokr bench --json FILE' writes one");
  for (const char* cut : {"", "{", R"({"schema": "sokr.bench/1", "results": [)"}) {
    EXPECT_NE(refusal(cut).find("it is no JSON, or not all of it"), std::string::npos) << cut;
  }
  EXPECT_EQ(refusal(fmt::format(R"({}"results": [{{"substrate": "cpu", "p50_ns": 3}}]}})", kHead)),
            "'base.json' is no baseline: it has medians alone, as earlier versions wrote, and "
            "nothing that tells how far they can be trusted; measure anew; 'sokr bench --json "
            "FILE' writes one");
}

BenchReports report_of(measure::Series warm) {
  BenchReports reports;
  BenchReport& report = reports.points.emplace_back();
  report.kernel = "copy.spv";
  report.launch = Json::object();
  BenchResult& one = report.results.emplace_back();
  one.substrate = "cpu";
  warm.times.add(1);
  one.ways[kWarm] = std::move(warm);
  return reports;
}

// An hour of turns, as 'sokr bench --json' writes them.
TEST(Baseline, ALongRunIsOne) {
  measure::Series warm;
  for (int i = 0; i < 500'000; ++i) {
    warm.blocks.push_back(7e6 + i / 3.0);
    warm.block_at.push_back(i * 7e-3 + 1e-9);
  }
  const std::string text = json_text(report_json(report_of(warm)));
  const std::string file = testing::TempDir() + fmt::format("sokr-baseline-{}", ::getpid());
  std::ofstream(file) << text;
  const Baseline read = read_baseline(file);
  std::filesystem::remove(file);
  EXPECT_EQ(read.results.at(0).blocks_ns, warm.blocks);
  // Far more lines than a report of one turn has: there is none for each number.
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 200);
}

// Of what is rare, as cache misses are, some turns have none.
TEST(Baseline, ACounterMayBeZero) {
  measure::Series warm;
  warm.blocks = {5, 6, 7};
  warm.counted = {{"cache-misses", {0, 3, 0.5}}, {"went-backwards", {1, -1, 1}}};
  const Baseline read = parse_baseline(json_text(report_json(report_of(warm))), "base.json");
  ASSERT_EQ(read.results.at(0).counted.size(), 1u);
  EXPECT_EQ(read.results.at(0).counted[0].name, "cache-misses");
  EXPECT_EQ(read.results.at(0).counted[0].blocks, warm.counted[0].blocks);
  EXPECT_NE(refusal(kHead + std::string(R"("results": [{"substrate": "cpu", "blocks_ns": [2],
      "counters": {"x": {"blocks": [1, -1]}}}]})")),
            "");
}

TEST(Baseline, LittleIsKnownOfFewTurns) {
  measure::Series warm;
  warm.blocks = {5, 6, 7};
  const Json few = report_json(report_of(warm))["results"][0];
  EXPECT_TRUE(few["interval_ns"].is_null());
  EXPECT_TRUE(few["precision"].is_null());
  warm.blocks = {5, 6, 7, 8, 9};
  EXPECT_TRUE(report_json(report_of(warm))["results"][0]["precision"].is_number());
}

// Values are copied, compared and written by functions that call themselves.
TEST(Baseline, WhatIsNestedWithoutEndIsRefused) {
  const auto nested = [](std::size_t depth, char open, char close) {
    return fmt::format(R"({}"results": [], "spec": {}{}}})", kHead, std::string(depth, open),
                       std::string(depth, close));
  };
  EXPECT_EQ(refusal(nested(8, '[', ']')), "");
  EXPECT_NE(refusal(nested(40, '[', ']')), "");
  EXPECT_NE(refusal(nested(4'000'000, '[', ']')), "");
  EXPECT_NE(refusal(std::string(8'000'000, '[')), "");
  std::string objects = std::string(kHead) + R"("results": [], "spec": )";
  for (int i = 0; i < 1'000'000; ++i) objects += R"({"a":)";
  EXPECT_NE(refusal(objects), "");
}

// Four times as many results take four times as long, not sixteen times: one that somebody else's
// change brings along may be as large as is read at all.
TEST(Baseline, IsReadInTimeThatGrowsWithItsSize) {
  const auto seconds = [](int results) {
    std::string text = std::string(kHead) + R"("results": [)";
    for (int i = 0; i < results; ++i) {
      text += fmt::format(R"({}{{"substrate": "s{}", "blocks_ns": [2]}})", i > 0 ? "," : "", i);
    }
    text += "]}";
    const std::clock_t begin = std::clock();
    EXPECT_EQ(parse_baseline(text, "base.json").results.size(), static_cast<std::size_t>(results));
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  (void)seconds(20'000);
  const double few = seconds(20'000), many = seconds(80'000);
  EXPECT_LT(many, 9 * few) << few << " s and " << many << " s";
}

TEST(Baseline, DepthIsThatOfListsAndObjects) {
  EXPECT_FALSE(is_nested_deeper("", 0));
  EXPECT_TRUE(is_nested_deeper("[", 0));
  EXPECT_FALSE(is_nested_deeper("[{}, {}, []]", 2));
  EXPECT_TRUE(is_nested_deeper("[[{}]]", 2));
  // Not of what stands in text, nor of what closes nothing.
  EXPECT_FALSE(is_nested_deeper(R"(["[[[[\"[[[\\", "]]", "{"])", 1));
  EXPECT_TRUE(is_nested_deeper(R"(["\\", [["\""]]])", 2));
  EXPECT_TRUE(is_nested_deeper("]]]][[", 1));
}

// The kernel that a baseline brings along is read by other processes, and no folder has it: one
// that can be written to may be missing.
TEST(Baseline, AKernelForOthersLiesInMemory) {
  const std::string text = "a kernel";
  const UnnamedFile file(std::as_bytes(std::span(text)));
  EXPECT_TRUE(std::filesystem::read_symlink(file.path()).string().starts_with("/memfd:"));
  EXPECT_TRUE(std::filesystem::is_regular_file(file.path()));
  std::ifstream in(file.path(), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST(Baseline, AnotherMachineIsNamed) {
  const auto found = [](const char* context, const char* cpu = "cpu A") {
    return another_machine(parsed(fmt::format(R"("results": [], "context": {}}})", context)), cpu,
                           2);
  };
  EXPECT_EQ(found(R"({"cpu": "cpu A", "num_cpus": 2})"), "");
  EXPECT_EQ(found(R"({"cpu": "cpu B", "num_cpus": 2})"), "cpu B, 2 cores");
  EXPECT_EQ(found(R"({"cpu": "cpu A", "num_cpus": 1})"), "cpu A, 1 core");
  // Two that have no name may be any two.
  constexpr const char* kNoName = R"({"cpu": "", "num_cpus": 2})";
  EXPECT_EQ(found(kNoName, ""), "a processor that the system does not name, 2 cores");
  EXPECT_EQ(found(kNoName), "a processor that the system does not name, 2 cores");
  EXPECT_EQ(found(R"({"cpu": "cpu A", "num_cpus": 2})", ""), "cpu A, 2 cores");
  // Nothing is made of what it does not tell.
  for (const char* odd : {"{}", "[]", "null", R"({"cpu": 5, "num_cpus": 2})",
                          R"({"cpu": "cpu B", "num_cpus": -2})", R"({"cpu": "cpu B"})"}) {
    EXPECT_EQ(found(odd), "") << odd;
  }
}

TEST(Baseline, AnotherLaunchIsNamedInFewWords) {
  const Json launch{{"groups", {4, 1, 1}}};
  EXPECT_EQ(difference(parsed(R"("results": [], "groups": [4, 1, 1]})"), "b/copy.spv", launch), "");
  EXPECT_EQ(difference(parsed(R"("results": []})"), "copy.spv", launch), "");
  EXPECT_NE(difference(parsed(R"("results": []})"), "other.spv", launch).find("its kernel is"),
            std::string::npos);
  // A name that is no UTF-8 is written as another one, which it still is.
  const std::string odd = "a/k\xff.spv";
  const Json report{{"schema", "sokr.bench/1"}, {"kernel", odd}, {"results", Json::array()}};
  EXPECT_EQ(difference(parse_baseline(json_text(report), "base.json"), odd, launch), "");
  // Characters of several bytes are whole or not there, wherever the cut falls.
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(static_cast<std::size_t>(shift), 'x');
    for (int i = 0; i < 100; ++i) text += "\xf0\x9f\x98\x80";
    const std::string sentence = difference(
        parsed(fmt::format(R"("results": [], "groups": "{}"}})", text)), "copy.spv", launch);
    EXPECT_LT(sentence.size(), 300u);
    EXPECT_NO_THROW((void)Json(sentence).dump()) << shift;
  }
}

}  // namespace
}  // namespace sokr::cli
