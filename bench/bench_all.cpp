// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs the benchmark programs beside it one after the other. Each prints one flat
// JSON object of name to number on stdout; they are merged into one file, and drawn as one page
// (figures.html beside it) and as a table. With --gate, every name in the bounds file is compared
// with its bound. A figure that was not measured fails the gate, unless its bound names the peer
// that it needs and that peer is not here, which is said.
#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "page.hpp"

namespace {

using nlohmann::json;
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

// What the program printed, or nothing if it failed.
std::optional<std::string> output_of(const std::string& program) {
  std::FILE* pipe = popen(fmt::format("'{}'", program).c_str(), "r");
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
    ratios[key] = value;
  }
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

// "avx512", or "without_avx512"; anything of an empty name.
bool machine_has(const std::string& name) {
  if (name.empty()) return true;
#if defined(__x86_64__)
  const bool has = __builtin_cpu_supports("avx512f") != 0;
#else
  const bool has = true;  // as the figures are named elsewhere
#endif
  return (name == "avx512") == has;
}

// One sentence for each value out of bounds or missing; true if there is none.
bool gate(const json& ratios, const json& bounds) {
  bool good = true;
  for (auto& [key, bound] : bounds.items()) {
    auto found = ratios.find(key);
    if (found == ratios.end()) {
      const std::string peer = bound.value("peer", "");
      const bool absent = !peer.empty() && ratios.value("peer." + peer, 1.0) == 0;
      if (absent || !machine_has(bound.value("machine", ""))) {
        fmt::print(stderr, "gate: {} is left out: {}\n", key,
                   absent ? fmt::format("{} is not here", peer)
                          : fmt::format("this machine is not {}", bound.value("machine", "")));
        continue;
      }
      fmt::print(stderr, "gate: {} was not measured\n", key);
      good = false;
      continue;
    }
    double value = found->get<double>();
    if (bound.contains("max") && value > bound["max"].get<double>()) {
      fmt::print(stderr, "gate: {} is {:.4g}, at most {:.4g} is allowed\n", key, value,
                 bound["max"].get<double>());
      good = false;
    }
    if (bound.contains("min") && value < bound["min"].get<double>()) {
      fmt::print(stderr, "gate: {} is {:.4g}, at least {:.4g} is needed\n", key, value,
                 bound["min"].get<double>());
      good = false;
    }
  }
  return good;
}

json read_bounds(const std::string& path) {
  std::ifstream in(path);
  json bounds = json::parse(in, nullptr, false);
  return bounds.is_object() ? bounds : json();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs the benchmarks and compares them with the bounds"};
  std::string out = "build/bench/ratios.json", bounds_path = "bench/bounds.json", only;
  bool with_gate = false, quick = false;
  app.add_option("--out", out, "the JSON file to write");
  app.add_option("--bounds", bounds_path, "the bounds");
  app.add_option("--only", only, "run only programs whose name contains this");
  app.add_flag("--quick", quick, "smaller inputs and fewer rounds");
  app.add_flag("--gate", with_gate, "fail if a value is out of its bounds");
  CLI11_PARSE(app, argc, argv);

  json bounds = json::object();
  if (quick) setenv("SOKR_BENCH_QUICK", "1", 1);
  if (!(bounds = read_bounds(bounds_path)).is_object()) {
    fmt::print(stderr, "bench: {} is not a readable JSON object of bounds\n", bounds_path);
    return 2;
  }
  fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  json ratios = json::object();
  bool good = true;
  for (const std::string& name : split(SOKR_BENCH_PROGRAMS, ','))
    if (only.empty() || name.find(only) != std::string::npos)
      good &= merge(name, (folder / name).string(), ratios);
  const sokr::bench::Sheet sheet = sokr::bench::sheet_of(ratios);
  const std::string html = (fs::path(out).parent_path() / "figures.html").string();
  for (const auto& [path, text] : {std::pair(out, ratios.dump(2) + '\n'),
                                   std::pair(html, sokr::bench::sheet_page(sheet, bounds))}) {
    if (write_atomically(path, text)) continue;
    fmt::print(stderr, "bench: cannot write {}\n", path);
    return 1;
  }
  fmt::print("{}", sokr::bench::sheet_text(sheet));
  fmt::print(stderr, "bench: wrote {} and {}\n", out, html);
  if (!good) return 1;
  return with_gate && !gate(ratios, bounds) ? 1 : 0;
}
