// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Changed modules through validation, check and compilation: refused with a sentence or
// compiled, never a crash and never invalid LLVM IR.
//
//   SOKR_MUTANTS=N       mutants of each module (default: see below)
//   SOKR_MUTANT_FIRST=S  the first seed
//
//   SOKR_MUTANT_KEEP=1   every mutant is written, as those are that fail, to
//                        mutant_<module>_<seed>.spv: for one that crashes
#include "mutants.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../../../differential/support.hpp"

namespace sokr::cpu::test {
namespace {

std::uint32_t number(const char* variable, std::uint32_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
}

std::vector<std::filesystem::path> modules() {
  std::vector<std::filesystem::path> files;
  std::string_view left = SOKR_TEST_SHADER_FOLDERS;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(':'), left.size());
    for (const auto& entry : std::filesystem::directory_iterator(left.substr(0, end)))
      if (entry.path().extension() == ".spv") files.push_back(entry.path());
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::span<const std::uint8_t> bytes_of(const std::vector<std::uint32_t>& words) {
  return {reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 4};
}

void keep(const std::vector<std::uint32_t>& words, const std::string& name) {
  std::ofstream(fmt::format("mutant_{}.spv", name), std::ios::binary)
      .write(reinterpret_cast<const char*>(words.data()),
             static_cast<std::streamsize>(words.size() * 4));
}

TEST(Mutants, AreRefusedOrCompiled) {
  differential::report_crashes();
  const std::uint32_t count = number("SOKR_MUTANTS", 60), first = number("SOKR_MUTANT_FIRST", 1);
  std::size_t tried = 0, compiled = 0, files = 0;
  for (const auto& file : modules()) {
    std::ifstream in(file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    std::vector<std::uint32_t> original(text.size() / 4);
    std::memcpy(original.data(), text.data(), original.size() * 4);
    ++files;
    for (std::uint32_t seed = first; seed < first + count; ++seed) {
      const std::string name = fmt::format("{}_{}", file.stem().string(), seed);
      std::vector<std::uint32_t> words = original;
      mutate_module(words, seed);
      if (number("SOKR_MUTANT_KEEP", 0) != 0) keep(words, name);
      differential::crash_note("in mutant " + name);
      const MutantOutcome outcome = compile_mutant(bytes_of(words));
      ++tried;
      compiled += outcome.compiled;
      if (outcome.wrong.empty()) continue;
      ADD_FAILURE() << name << ": " << outcome.wrong;
      keep(words, name);
    }
  }
  fmt::print("{} of {} mutants of {} modules compiled\n", compiled, tried, files);
  EXPECT_GT(files, 90u);
  // Otherwise this is a test of the validator.
  EXPECT_GT(compiled, tried / 10);
}

}  // namespace
}  // namespace sokr::cpu::test
