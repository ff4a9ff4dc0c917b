// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every version of a kernel that the cpu substrate makes gives the same bits.
//
//   test_conformance_tiers            runs itself once for each tier and compares
//   test_conformance_tiers --print    a line for each case: its name and what it left
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "run.hpp"

namespace sokr::conformance {
namespace {

// Of numbers that are none, no bits are promised: each is the same here, of whatever width.
std::uint32_t without_nan(std::uint32_t word) {
  if ((word & 0x7F800000) == 0x7F800000 && (word & 0x007FFFFF) != 0) return 0x7FC00000;
  return word;
}

std::uint64_t digest(const Outputs& outputs) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const auto& [slot, bytes] : outputs)
    for (const std::uint32_t word : from_bytes<std::uint32_t>(bytes))
      hash = (hash ^ without_nan(word)) * 0x100000001B3;
  return hash;
}

// Several cases share a name.
std::string name_of(std::size_t number, const Entry& entry) {
  return fmt::format("{}:{}/{}", number, entry.module, entry.variant);
}

int print() {
  const Context context;
  const Substrate cpu = context.substrate("cpu");
  std::size_t number = 0;
  for (const Entry& entry : all_cases()) {
    const Outcome outcome =
        run(context, cpu, SOKR_TEST_SHADERS, entry, entry.make(), Precision::kStrict);
    fmt::print("{} {} {:016x}\n", name_of(number++, entry), static_cast<int>(outcome.verdict),
               digest(outcome.outputs));
  }
  return 0;
}

using Lines = std::map<std::string, std::string, std::less<>>;

Lines lines_of(const std::string& tier) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command =
      fmt::format("SOKR_CACHE_DIR= SOKR_CPU_TIER={} '{}' --print", tier, self);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             &::pclose);
  Lines lines;
  std::array<char, 512> text{};
  while (pipe && std::fgets(text.data(), text.size(), pipe.get())) {
    const std::string_view one(text.data());
    const std::size_t space = one.rfind(' ', one.rfind(' ') - 1);  // the second from the end
    lines.emplace(one.substr(0, space), one.substr(space + 1));
  }
  return lines;
}

TEST(Tiers, LeaveTheSameBits) {
  const Lines full = lines_of("full"), quick = lines_of("quick");
  ASSERT_EQ(full.size(), all_cases().size());
  std::size_t number = 0, compared = 0;
  for (const Entry& entry : all_cases()) {
    const std::string name = name_of(number++, entry);
    // What is judged as a whole depends on the order of the invocations, as do the tickets that
    // this one draws.
    if (entry.make().judge_all || entry.module == std::string_view("atomics_buffer")) continue;
    EXPECT_EQ(quick.at(name), full.at(name)) << name;
    ++compared;
  }
  EXPECT_GT(compared, 100U);
}

}  // namespace
}  // namespace sokr::conformance

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--print") return sokr::conformance::print();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
