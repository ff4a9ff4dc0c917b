// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Names of instruction sets, and which of them this machine has.
#include <sokr/cpu/kernel.hpp>

namespace sokr::cpu {

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

Result<Isa> isa_from_name(std::string_view name) {
  for (Isa isa : {Isa::kSse4, Isa::kAvx2, Isa::kAvx512, Isa::kNeon})
    if (name == isa_name(isa)) return isa;
  return fail(SOKR_INVALID_INPUT,
              "\"{}\" is no instruction set; there are sse4, avx2, avx512, neon", name);
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
    for (Isa isa : {Isa::kAvx512, Isa::kAvx2, Isa::kNeon})
      if (host_supports(isa)) return isa;
    return Isa::kSse4;
  }();
  return best;
}

}  // namespace sokr::cpu
