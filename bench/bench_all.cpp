// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs the benchmark programs beside it one after the other. Each prints one flat
// JSON object of name to number on stdout; they are merged into one file. With
// --gate, every name in the bounds file is compared with its bound.
#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

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
  std::optional<std::string> output = output_of(program);
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

bool write_atomically(const fs::path& path, const json& ratios) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  fs::path temporary = path.string() + ".new";
  {
    std::ofstream out(temporary);
    out << ratios.dump(2) << '\n';
    if (!out) return false;
  }
  fs::rename(temporary, path, error);
  return !error;
}

// One sentence for each value out of bounds or missing; true if there is none.
bool gate(const json& ratios, const json& bounds) {
  bool good = true;
  for (auto& [key, bound] : bounds.items()) {
    auto found = ratios.find(key);
    if (found == ratios.end()) {
      if (bound.value("optional", false)) continue;
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
  bool with_gate = false;
  app.add_option("--out", out, "the JSON file to write");
  app.add_option("--bounds", bounds_path, "the bounds");
  app.add_option("--only", only, "run only programs whose name contains this");
  app.add_flag("--gate", with_gate, "fail if a value is out of its bounds");
  CLI11_PARSE(app, argc, argv);

  json bounds = json::object();
  if (with_gate && !(bounds = read_bounds(bounds_path)).is_object()) {
    fmt::print(stderr, "bench: {} is not a readable JSON object of bounds\n", bounds_path);
    return 2;
  }
  fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  json ratios = json::object();
  bool good = true;
  for (const std::string& name : split(SOKR_BENCH_PROGRAMS, ','))
    if (only.empty() || name.find(only) != std::string::npos)
      good &= merge(name, (folder / name).string(), ratios);
  if (!write_atomically(out, ratios)) {
    fmt::print(stderr, "bench: cannot write {}\n", out);
    return 1;
  }
  for (auto& [key, value] : ratios.items())
    fmt::print("{:<48} {:>12.4g}\n", key, value.get<double>());
  fmt::print(stderr, "bench: wrote {}\n", out);
  if (!good) return 1;
  return with_gate && !gate(ratios, bounds) ? 1 : 0;
}
