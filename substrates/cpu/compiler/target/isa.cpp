// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Names of instruction sets, and which of them this machine has.
#include <algorithm>
#include <ranges>
#include <sokr/cpu/kernel.hpp>

namespace sokr::cpu {

static_assert(std::ranges::all_of(kIsas,
                                  [](Isa isa) {
                                    return isa == kIsas[static_cast<std::size_t>(isa) - 1];
                                  }),
              "each stands in kIsas where its number says: stored kernels have the number");

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kSse4:
      return "sse4";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kNeon:
      return "neon";
  }
  return "unknown";
}

std::string isa_names() {
  std::string names;
  for (const Isa isa : kIsas) names += std::string(names.empty() ? "" : ", ") + isa_name(isa);
  return names;
}

Result<Isa> isa_from_name(std::string_view name) {
  for (const Isa isa : kIsas)
    if (name == isa_name(isa)) return isa;
  return fail(SOKR_INVALID_INPUT, "\"{}\" is no instruction set; there are {}", name, isa_names());
}

bool host_supports(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::kSse4:
      return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
    case Isa::kAvx512:
      return host_supports(Isa::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
    default:
      return false;
  }
#elif defined(__aarch64__)
  return isa == Isa::kNeon;
#else
  (void)isa;
  return false;
#endif
}

Isa host_isa() {
  static const Isa best = [] {
    for (const Isa isa : kIsas | std::views::reverse)
      if (host_supports(isa)) return isa;
    return Isa::kSse4;
  }();
  return best;
}

}  // namespace sokr::cpu
