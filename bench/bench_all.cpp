// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs the benchmark programs beside it one after the other. Each prints one flat
// JSON object of name to number on stdout; they are merged into one file, and drawn as one page
// (figures.html beside it) and as a table. With --gate, every name in the bounds file is compared
// with its bound. A figure that was not measured fails the gate, unless its bound names the peer
// that it needs and that peer is not here, which is said. With --record, the counts that were
// measured are written into the bounds file. With --page, the tables are also written into a page
// of the documentation, between the two lines there that say so.
#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bounds.hpp"
#include "environment.hpp"
#include "page.hpp"

namespace {

using nlohmann::json;
using sokr::bench::Bounds, sokr::bench::Verdict;
namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// As one word of a shell.
std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') word += "'\\'";
    word += c;
  }
  return word + "'";
}

// What the program printed, or nothing if it failed.
std::optional<std::string> output_of(const std::string& program) {
  std::FILE* pipe = popen(quoted(program).c_str(), "r");
  if (!pipe) return std::nullopt;
  std::string output;
  char chunk[4096];
  while (std::size_t got = std::fread(chunk, 1, sizeof chunk, pipe)) output.append(chunk, got);
  int status = pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return output;
}

bool merge(const std::string& name, const std::string& program, json& ratios) {
  fmt::print(stderr, "bench: {}\n", name);
  const auto begin = std::chrono::steady_clock::now();
  std::optional<std::string> output = output_of(program);
  fmt::print(stderr, "bench: {} took {:.0f} s\n", name,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (!output) {
    fmt::print(stderr, "bench: {} failed; run {} by itself to see why\n", name, program);
    return false;
  }
  json object = json::parse(*output, nullptr, false);
  if (!object.is_object()) {
    fmt::print(stderr, "bench: {} printed something else than one JSON object\n", name);
    return false;
  }
  for (auto& [key, value] : object.items()) {
    if (!value.is_number()) {
      fmt::print(stderr, "bench: {} gave {} a value that is no number\n", name, key);
      return false;
    }
  }
  sokr::bench::merge(object, ratios);
  return true;
}

bool write_atomically(const fs::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  fs::path temporary = path.string() + ".new";
  {
    std::ofstream out(temporary);
    out << text;
    if (!out) return false;
  }
  fs::rename(temporary, path, error);
  return !error;
}

// Says what is out of bounds; true if nothing is.
bool gate(const json& ratios, const Bounds& bounds, bool some_ran) {
  const Verdict verdict = sokr::bench::judge(ratios, bounds, some_ran, SOKR_BENCH_COMPILERS);
  for (const auto* sentences : {&verdict.notes, &verdict.failures})
    for (const std::string& sentence : *sentences) fmt::print(stderr, "gate: {}\n", sentence);
  return verdict.failures.empty();
}

// A page that is kept says what it is of.
std::string about(bool quick) {
  const sokr::measure::Environment machine = sokr::measure::look_around();
  return fmt::format("{} · {} · {} cores · {} · {}", machine.date, machine.cpu, machine.cores,
                     machine.kernel, quick ? "small inputs, few rounds (--quick)" : "full sizes");
}

Bounds read_bounds(const std::string& path) {
  std::ifstream in(path);
  Bounds bounds = Bounds::parse(in, nullptr, false);
  return bounds.is_object() ? bounds : Bounds();
}

bool write_into(const std::string& path, const sokr::bench::Sheet& sheet, const Bounds& bounds) {
  std::ifstream in(path);
  const std::string before{std::istreambuf_iterator<char>(in), {}};
  const auto after = sokr::bench::with_figures(before, sokr::bench::sheet_markdown(sheet, bounds));
  if (!after) {
    fmt::print(stderr, "bench: {} has no two lines that say where figures go\n", path);
    return false;
  }
  if (!write_atomically(path, *after)) {
    fmt::print(stderr, "bench: cannot write {}\n", path);
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs the benchmarks and compares them with the bounds"};
  std::string out = "build/bench/ratios.json", bounds_path = "bench/bounds.json", only, document;
  bool with_gate = false, with_record = false, quick = false;
  app.add_option("--out", out, "the JSON file to write");
  app.add_option("--bounds", bounds_path, "the bounds");
  app.add_option("--only", only, "run only programs whose name contains this");
  app.add_option("--page", document, "a page of Markdown whose figures are to be these");
  app.add_flag("--quick", quick, "smaller inputs and fewer rounds");
  app.add_flag("--gate", with_gate, "fail if a value is out of its bounds");
  app.add_flag("--record", with_record, "count instructions only, and write them into the bounds")
      ->excludes("--gate");
  CLI11_PARSE(app, argc, argv);

  Bounds bounds;
  if (with_record) only = "counts";
  if (quick) setenv("SOKR_BENCH_QUICK", "1", 1);
  if (!(bounds = read_bounds(bounds_path)).is_object()) {
    fmt::print(stderr, "bench: {} is not a readable JSON object of bounds\n", bounds_path);
    return 2;
  }
  fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  json ratios = json::object();
  bool good = true;
  std::size_t ran = 0;
  for (const std::string& name : split(SOKR_BENCH_PROGRAMS, ',')) {
    if (!only.empty() && name.find(only) == std::string::npos) continue;
    good &= merge(name, (folder / name).string(), ratios);
    ++ran;
  }
  if (ran == 0) {
    fmt::print(stderr, "bench: no program has '{}' in its name; there are {}\n", only,
               SOKR_BENCH_PROGRAMS);
    return 2;
  }
  sokr::bench::Sheet sheet = sokr::bench::sheet_of(ratios);
  sheet.about = about(quick || std::getenv("SOKR_BENCH_QUICK") != nullptr);
  const std::string html = (fs::path(out).parent_path() / "figures.html").string();
  for (const auto& [path, text] : {std::pair(out, ratios.dump(2) + '\n'),
                                   std::pair(html, sokr::bench::sheet_page(sheet, bounds))}) {
    if (write_atomically(path, text)) continue;
    fmt::print(stderr, "bench: cannot write {}\n", path);
    return 1;
  }
  fmt::print("{}", sokr::bench::sheet_text(sheet));
  if (!document.empty() && (!good || !only.empty())) {
    fmt::print(stderr, "bench: {} stays as it is: not all was measured\n", document);
    good = false;
  } else if (!document.empty()) {
    good = write_into(document, sheet, bounds);
  }
  fmt::print(stderr, "bench: wrote {} and {}\n", out, html);
  // Also where a program failed: what the others found is not to be looked for again.
  good &= !with_gate || gate(ratios, bounds, !only.empty());
  if (!good) return 1;
  if (with_record) {
    const Bounds recorded = sokr::bench::record(ratios, bounds, SOKR_BENCH_COMPILERS);
    if (!write_atomically(bounds_path, sokr::bench::text_of(recorded))) {
      fmt::print(stderr, "bench: cannot write {}\n", bounds_path);
      return 1;
    }
    fmt::print(stderr, "bench: recorded the counts in {}\n", bounds_path);
  }
  return 0;
}
