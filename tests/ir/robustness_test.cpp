// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Damaged modules: every truncation and every single-bit flip of real ones is refused
// with a sentence or decoded to a module that can be walked. SOKR_FLIP_STRIDE=N flips one bit
// in N only, for a build that is slow and watches something else.
#include <cstdlib>
#include <ctime>

#include "spirv_support.hpp"
#include "walk_module.hpp"

namespace sokr::spirv {
namespace {

constexpr const char* kVictims[] = {"control_flow",   "switch_fallthrough", "spec_constants",
                                    "storage_8_16",   "matrix_layouts",     "reduce_shared",
                                    "functions",      "descriptor_array",   "aliased_bindings",
                                    "uniform_std140", "bit_operations",     "loops"};

// True if it was accepted.
bool decode_damaged(const Bytes& bytes) {
  const auto module = decode(bytes);
  if (module) {
    EXPECT_GT(walk_module(**module), 0u);
    return true;
  }
  EXPECT_FALSE(module.failure().sentence.empty());
  EXPECT_EQ(module.failure().sentence.find('\n'), std::string::npos);
  return false;
}

std::size_t flip_stride() {
  const char* text = std::getenv("SOKR_FLIP_STRIDE");
  return text ? static_cast<std::size_t>(std::max(1L, std::atol(text))) : 1;
}

class Robustness : public testing::TestWithParam<const char*> {};

// What is left may be a module without code, which is no entry point to dispatch.
TEST_P(Robustness, NoTruncationHasAnEntryPoint) {
  const Bytes whole = compiled_module(GetParam());
  ASSERT_GT(whole.size(), 500u);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly this size, so that reading past its end is seen.
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (!decode_damaged(part)) continue;
    EXPECT_TRUE(decode_ok(part)->entry_points().empty()) << size;
  }
}

TEST_P(Robustness, EveryBitFlipIsRefusedOrDecoded) {
  Bytes bytes = compiled_module(GetParam());
  std::size_t accepted = 0, tried = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += flip_stride(), ++tried) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    accepted += decode_damaged(bytes);
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
  }
  // Names, constants and control masks may change freely, most else may not.
  EXPECT_GT(accepted, 0u);
  EXPECT_LT(accepted, tried);
}

INSTANTIATE_TEST_SUITE_P(Modules, Robustness, testing::ValuesIn(kVictims),
                         [](const auto& test) { return std::string(test.param); });

TEST(RobustnessTest, ValidatorSurvivesDamage) {
  for (const char* name : {"control_flow", "spec_constants"}) {
    Bytes bytes = compiled_module(name);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 37) {
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      if (const auto valid = validate(bytes); !valid) {
        EXPECT_FALSE(valid.failure().sentence.empty());
        EXPECT_EQ(valid.failure().sentence.find('\n'), std::string::npos);
      }
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
  }
}

TEST(RobustnessTest, AnyAlignmentWillDo) {
  const Bytes bytes = compiled_module("control_flow");
  for (std::size_t shift = 1; shift < 4; ++shift) {
    Bytes moved(bytes.size() + shift);
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto module = decode(std::span(moved).subspan(shift));
    ASSERT_TRUE(module) << module.failure().sentence;
    EXPECT_TRUE(validate(std::span(moved).subspan(shift)));
  }
}

TEST(RobustnessTest, EitherByteOrderGivesTheSameModule) {
  for (const NamedModule& named : compiled_modules()) {
    const auto native = decode_ok(named.bytes);
    const auto swapped = decode_ok(swap_words(named.bytes));
    ASSERT_TRUE(native && swapped) << named.name;
    EXPECT_TRUE(std::equal(native->words().begin(), native->words().end(), swapped->words().begin(),
                           swapped->words().end()));
    EXPECT_EQ(walk_module(*native), walk_module(*swapped)) << named.name;
    EXPECT_TRUE(validate(swap_words(named.bytes))) << named.name;
  }
}

// Twelve times the code: far above twelve times as long, for caches, and far below the
// 144 of quadratic time.
TEST(RobustnessTest, TimeIsNearLinear) {
  const auto chain = [](int blocks) {
    std::string body;
    for (int i = 0; i < blocks; ++i) {
      body += fmt::format(
          "OpSelectionMerge %m{0} None\nOpBranchConditional %undef %b{0} %m{0}\n%b{0} = OpLabel\n"
          "%v{0} = OpIAdd %u32 %u1 %u2\nOpBranch %m{0}\n%m{0} = OpLabel\n",
          i);
    }
    return assemble(compute_main(body + "OpReturn"));
  };
  // Processor time of this thread: what else runs on the machine does not count.
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const auto cost = [&](const Bytes& bytes) {
    double best = 1e9;
    for (int i = 0; i < 7; ++i) {
      const double start = now();
      EXPECT_TRUE(decode(bytes));
      best = std::min(best, now() - start);
    }
    return best;
  };
  const Bytes small = chain(1000), large = chain(12000);
  ASSERT_GT(large.size(), 800'000u);
  EXPECT_LT(cost(large), cost(small) * 60);
}

}  // namespace
}  // namespace sokr::spirv
