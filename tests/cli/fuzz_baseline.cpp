// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any text as a baseline: refused with a sentence, or turns above 0 that are the same when the
// report is written and read again; and compared with a launch in bounded words.
#include <cmath>
#include <sokr/sokr.hpp>

#include "baseline.hpp"
#include "command.hpp"
#include "fuzzing.hpp"

namespace {

using namespace sokr;
using namespace sokr::cli;
using fuzzing::require;
using fuzzing::require_sentence;

Json launch() {
  return Json{{"groups", {4, 1, 1}}, {"spec", {"0=64"}}, {"push", Json::array()}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Json now = launch();
  Baseline baseline;
  try {
    baseline = parse_baseline({reinterpret_cast<const char*>(data), size}, "base.json");
  } catch (const Error& error) {
    require(error.code() == SOKR_INVALID_INPUT);
    require_sentence(error.what());
    require(std::string_view(error.what()).starts_with("'base.json' is no baseline: "),
            error.what());
    return 0;
  }
  require(baseline.json.at("results").size() == baseline.results.size());
  for (const BaselineResult& one : baseline.results) {
    require(!one.blocks_ns.empty(), one.substrate);
    for (const double ns : one.blocks_ns) require(ns > 0 && std::isfinite(ns), one.substrate);
  }
  const Baseline again = parse_baseline(json_text(baseline.json), "base.json");
  require(again.json == baseline.json && again.results.size() == baseline.results.size());
  for (std::size_t i = 0; i < again.results.size(); ++i) {
    require(again.results[i].substrate == baseline.results[i].substrate);
    require(again.results[i].blocks_ns == baseline.results[i].blocks_ns);
  }

  bool other = false;
  try {
    refuse_another_launch(baseline, "folder/copy.spv", now);
  } catch (const UsageError& error) {
    other = true;
    const std::string_view sentence = error.what();
    require_sentence(sentence);
    require(sentence.starts_with("--baseline base.json: ") && sentence.size() < 400, sentence);
    // Whole characters only.
    (void)Json(sentence).dump();
  }
  for (const auto& [key, value] : now.items()) {
    if (baseline.json.contains(key) && baseline.json[key] != value) require(other, key);
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  const std::string result =
      R"({"substrate": "cpu", "kind": "cpu", "dispatches": 20, "first_ns": 1e6, "p50_ns": 850.5, "blocks_ns": [850.5, 851]})";
  const std::string head = R"({"schema": "sokr.bench/1", "kernel": "copy.spv", )";
  std::string deep = head + R"("results": [], "spec": )";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (int i = 0; i < 40; ++i) deep += "]";
  return {{head + R"("groups": [4, 1, 1], "spec": ["0=64"], "push": [], "results": [)" + result +
               "," + result + "]}",
           head + R"("results": []})",
           head + R"("groups": [4, 2, 1], "results": [)" + result + "]}", deep + "}"},
          {"\"schema\"",
           "\"sokr.bench/1\"",
           "\"results\"",
           "\"p50_ns\"",
           "\"blocks_ns\"",
           "\"substrate\"",
           "\"groups\"",
           "\"spec\"",
           "\"push\"",
           "\"kernel\"",
           ": ",
           "[[[[[[[[",
           "]]]]]]]]",
           "{\"a\":",
           "1e400",
           "-0.0",
           "1e-400",
           "18446744073709551616",
           "null",
           "true",
           "\"\\ud83d\\ude00\"",
           "\xf0\x9f\x98\x80",
           result}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
