// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/target/traits.hpp"

#include <algorithm>
#include <iterator>

namespace sokr::cpu {
namespace {

constexpr const char* kX86 = "x86_64-unknown-linux-gnu";
constexpr const char* kAarch64 = "aarch64-unknown-linux-gnu";

constexpr TargetTraits kRows[] = {
    {.isa = Isa::kSse4,
     .triple = kX86,
     .cpu = "x86-64-v2",
     .features = "",
     .features_vary = true,
     .quick_selector = true,
     .lanes = 4,
     .registers = 16,
     .control = FloatControl::kMxcsr,
     .pair_products = true},
    {.isa = Isa::kAvx2,
     .triple = kX86,
     .cpu = "x86-64-v3",
     .features = "",
     .features_vary = true,
     .quick_selector = true,
     .lanes = 8,
     .registers = 16,
     .least_masked = 4,
     .slow_masked_stores = true,
     .control = FloatControl::kMxcsr,
     .fma = true,
     .half = true,
     .permutes = true,
     .pair_products = true},
    {.isa = Isa::kAvx512,
     .triple = kX86,
     .cpu = "x86-64-v4",
     .features = "",
     .features_vary = true,
     .quick_selector = true,
     .lanes = 16,
     .registers = 32,
     .wide_masks = true,
     .joins_blends = true,
     .least_masked = 1,
     .gathers = true,
     .scatters = true,
     .control = FloatControl::kMxcsr,
     .fma = true,
     .half = true,
     .scales = true,
     .permutes = true,
     .pair_products = true},
    {.isa = Isa::kNeon,
     .triple = kAarch64,
     .cpu = "generic",
     .features = "+neon",
     .lanes = 4,
     .registers = 32,
     .halves_kept = true,
     .control = FloatControl::kFpcr,
     .fma = true,
     .half = true,
     .saturates = true},
};
static_assert(std::ranges::equal(kRows, kIsas, {}, &TargetTraits::isa),
              "a row for each of kIsas, in their order");
static_assert(std::ranges::all_of(kRows,
                                  [](const TargetTraits& row) {
                                    return row.triple && row.cpu && row.features &&
                                           row.lanes != 0 && row.registers != 0 &&
                                           row.control != FloatControl{};
                                  }),
              "each row says what LLVM is asked for, its registers and how rounding is controlled");

}  // namespace

const TargetTraits& least_traits(Isa isa) {
  return *std::ranges::find(kRows, isa, &TargetTraits::isa);
}

}  // namespace sokr::cpu
