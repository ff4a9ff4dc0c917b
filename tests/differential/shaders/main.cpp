// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every shader that a test can judge x {as compiled, spirv-opt -O, -Os} x sizes of subgroups x
// sizes of the grid, on one substrate and instruction set (SOKR_CPU_ISA).
//
//   test_differential_shaders SUBSTRATE
//
// Where SOKR_EXTENT=all it is the whole product. Otherwise each shader takes one form and one size
// in turn, and the instruction sets take turns with the shaders.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <extent.hpp>
#include <map>
#include <optimised.hpp>

#include "../support.hpp"
#include "expectations.hpp"
#include "judged.hpp"
#include "run.hpp"

namespace sokr::differential {
namespace {

constexpr std::uint32_t kDefaultLanes = 32;
constexpr std::uint32_t kLanes[] = {4, 8, 16, kDefaultLanes, 64};

struct Suite {
  const Context& context;
  const Substrate& substrate;
  bool lavapipe;
  std::size_t ran = 0, not_optimised = 0;
};

std::vector<std::uint32_t> read_words(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), words.size() * 4);
  return words;
}

// Forms of a module are made once.
const std::vector<std::uint32_t>& form_of(const std::filesystem::path& path, Optimised how) {
  static std::map<std::pair<std::string, Optimised>, std::vector<std::uint32_t>> made;
  const auto [at, is_new] = made.try_emplace({path.string(), how});
  if (is_new) at->second = optimised(read_words(path), how);
  return at->second;
}

class ShaderTest : public testing::Test {
 public:
  ShaderTest(Suite& suite, const Judged& judged, Optimised how, std::uint32_t lanes)
      : suite_(suite), judged_(judged), how_(how), lanes_(lanes) {}

  void TestBody() override {
    const conformance::Profile profile = conformance::profile_of(suite_.substrate.info());
    if (const std::string why = judged_.not_on(profile); !why.empty()) GTEST_SKIP() << why;
    const auto& words = form_of(judged_.module, how_);
    if (words.empty()) {
      ++suite_.not_optimised;
      GTEST_SKIP() << name_of(how_) << " makes an invalid module of it";
    }
    crash_note(judged_.name);
    conformance::Case test = judged_.make(lanes_);
    if (!suite_.lavapipe) test.launch.subgroup_size(lanes_);
    const conformance::Outcome outcome = conformance::run(
        suite_.substrate, suite_.context.kernel(std::as_bytes(std::span(words))), test,
        suite_.lavapipe ? conformance::Precision::kVulkan : conformance::Precision::kStrict);
    if (profile.may_refuse && outcome.verdict == conformance::Verdict::kUnsupported)
      GTEST_SKIP() << outcome.text;
    EXPECT_EQ(outcome.verdict, conformance::Verdict::kPassed) << outcome.text;
    ++suite_.ran;
  }

 private:
  Suite& suite_;
  const Judged& judged_;
  Optimised how_;
  std::uint32_t lanes_;
};

// Which shaders' turn it is. Where nothing is compiled, or by others, it is everybody's.
bool has_turn(const Substrate& substrate, std::size_t shader) {
  constexpr std::string_view kIsas[] = {"sse4", "avx2", "avx512"};
  if (substrate.name() != "cpu" && substrate.name() != "neon") return true;
  const char* isa = std::getenv("SOKR_CPU_ISA");
  const auto at = std::ranges::find(kIsas, std::string_view(isa == nullptr ? "" : isa));
  return is_its_turn(shader, static_cast<std::size_t>(at - kIsas), std::size(kIsas),
                     8 * std::size(kIsas));
}

void register_tests(Suite& suite, const std::vector<Judged>& shaders) {
  const bool all = extent() == Extent::kAll;
  std::size_t turn = 0;
  for (const Judged& judged : shaders) {
    const std::size_t mine = turn++;
    if (!has_turn(suite.substrate, mine)) continue;
    std::size_t k = 0;
    for (const Optimised how : kAllOptimised)
      for (const std::uint32_t lanes : kLanes) {
        // A step that has no divisor in common with the number of forms.
        if (!all && k++ != mine * 7 % (std::size(kAllOptimised) * std::size(kLanes))) continue;
        if (suite.lavapipe && all && lanes != kDefaultLanes) continue;
        const std::string name =
            fmt::format("{}, {}, subgroups of {}", judged.name, name_of(how), lanes);
        testing::RegisterTest("Shaders", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [&suite, &judged, how, lanes]() -> testing::Test* {
                                return new ShaderTest(suite, judged, how, lanes);
                              });
      }
  }
}

int run_all(const std::string& name) {
  const Context context;
  const std::optional<Substrate> substrate = find_substrate(context, name);
  if (!substrate) return kSkipped;
  report_crashes();
  Suite suite{context, *substrate, is_packaged_lavapipe(*substrate)};
  const std::vector<Judged> shaders = judged_shaders(extent() == Extent::kAll);
  register_tests(suite, shaders);
  const int result = RUN_ALL_TESTS();
  fmt::print(
      "{} launches judged, of {} shaders with their sizes of the grid; {} forms that spirv-opt "
      "made invalid\n",
      suite.ran, shaders.size(), suite.not_optimised);
  return result;
}

}  // namespace
}  // namespace sokr::differential

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    fmt::print(stderr, "usage: test_differential_shaders SUBSTRATE\n");
    return 2;
  }
  try {
    return sokr::differential::run_all(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
