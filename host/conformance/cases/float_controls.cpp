// SPDX-License-Identifier: MIT OR Apache-2.0
// Modes of the float controls, each at each width. The substrates of this project round, flush and
// keep exactly; others may do what Vulkan leaves open where the mode says nothing.
#include <fmt/format.h>

#include <array>
#include <cfenv>
#include <cmath>
#include <memory>

#include "case.hpp"

namespace sokr::conformance {
namespace {

enum class Mode { kPreserve, kFlush, kSignedZero, kRte, kRtz };

constexpr std::uint32_t kCount = 256;
constexpr std::uint32_t kExact = 10, kRough = 2;

// An operation of the host under a rounding mode of its own.
template <class F>
auto rounded(bool toward_zero, F operation) {
  const int before = std::fegetround();
  std::fesetround(toward_zero ? FE_TOWARDZERO : FE_TONEAREST);
  const volatile auto result = operation();
  std::fesetround(before);
  return result;
}

struct F16 {
  using Bits = std::uint16_t;
  using Value = double;  // sums and products are exact in it
  static constexpr unsigned kMantissa = 10;
  static constexpr double kSmall = 0x1p-12;
  static Value value(Bits bits) { return to_double(Half{bits}); }
  static Bits bits(Value value, bool toward_zero) {
    const Bits nearest = to_half(value).bits;
    if (!toward_zero || std::isnan(value) || std::isinf(value)) return nearest;
    const bool beyond = std::abs(to_double(Half{nearest})) > std::abs(value);
    return beyond ? static_cast<Bits>(nearest - 1) : nearest;
  }
};

template <class T, class B, unsigned mantissa>
struct Native {
  using Bits = B;
  using Value = T;
  static constexpr unsigned kMantissa = mantissa;
  static Value value(Bits bits) { return bits_as<T>(bits); }
  static Bits bits(Value value, bool) { return bits_as<B>(value); }
};
struct F32 : Native<float, std::uint32_t, 23> {
  static constexpr float kSmall = 0x1p-30f;
};
struct F64 : Native<double, std::uint64_t, 52> {
  static constexpr double kSmall = 0x1p-60;
};

template <class F>
typename F::Bits flushed(typename F::Bits bits) {
  using B = typename F::Bits;
  constexpr B kSign = static_cast<B>(B{1} << (sizeof(B) * 8 - 1));
  const bool tiny = static_cast<B>(bits & static_cast<B>(~kSign)) >> F::kMantissa == 0;
  return tiny ? static_cast<B>(bits & kSign) : bits;
}

template <class F>
bool is_nan(typename F::Bits bits) {
  return std::isnan(F::value(bits));
}

template <class F>
struct Inputs {
  std::vector<typename F::Bits> a, b;
  std::vector<double> wide;
  std::vector<std::int64_t> whole;
};

// Pairs of edges first, denormals among them, then whatever.
template <class F>
Inputs<F> make_inputs(Mode mode) {
  using B = typename F::Bits;
  constexpr unsigned kWidth = sizeof(B) * 8, kExponent = kWidth - 1 - F::kMantissa;
  const B one = static_cast<B>(((B{1} << (kExponent - 1)) - 1) << F::kMantissa);
  const B sign = static_cast<B>(B{1} << (kWidth - 1));
  std::vector<B> edges = {one,
                          static_cast<B>(one + 1),
                          static_cast<B>(one | sign),
                          1,
                          static_cast<B>((B{1} << F::kMantissa) - 1),
                          static_cast<B>(B{1} << F::kMantissa),
                          static_cast<B>((one << 1) | 1),
                          static_cast<B>(sign | 3)};
  if (mode == Mode::kSignedZero) {
    const B infinity = static_cast<B>(((B{1} << kExponent) - 1) << F::kMantissa);
    edges = {0,
             sign,
             infinity,
             static_cast<B>(infinity | sign),
             static_cast<B>(infinity | B{1} << (F::kMantissa - 1)),
             one};
  }
  Random random(kWidth + static_cast<unsigned>(mode));
  Inputs<F> in;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    B x = edges[i % edges.size()], y = edges[i / edges.size() % edges.size()];
    if (i >= edges.size() * edges.size()) {
      // Finite numbers whose exponents are near each other.
      const B field = static_cast<B>((B{1} << (F::kMantissa + 3)) - 1);
      x = static_cast<B>(one ^ (static_cast<B>(random.u64()) & field) ^
                         (static_cast<B>(random.u64() & 1) << (kWidth - 1)));
      y = static_cast<B>(one ^ (static_cast<B>(random.u64()) & field));
    }
    in.a.push_back(x);
    in.b.push_back(y);
    const double scale = i % 3 == 0 ? std::ldexp(1.0, kWidth == 16 ? -16 : -130) : 1.0;
    in.wide.push_back((1 + random.unit()) * scale * (i % 2 ? -1 : 1));
    in.whole.push_back(static_cast<std::int64_t>(random.u64()) >> (kWidth == 16 ? 48 : i % 40));
  }
  return in;
}

// The results of one invocation, rounded one way and flushed or not.
template <class F>
std::vector<typename F::Bits> results(const Inputs<F>& in, std::uint32_t i, bool zero,
                                      bool flush_operands, bool flush) {
  using V = typename F::Value;
  using B = typename F::Bits;
  const B xb = flush_operands ? flushed<F>(in.a[i]) : in.a[i];
  const B yb = flush_operands ? flushed<F>(in.b[i]) : in.b[i];
  const B sign = static_cast<B>(B{1} << (sizeof(B) * 8 - 1));
  const volatile V x = F::value(xb), y = F::value(yb), one = 1, small = F::kSmall;
  const volatile double wide = in.wide[i];
  const volatile std::int64_t whole = in.whole[i];
  // The root is taken of a result, which is flushed.
  const B absolute = static_cast<B>(xb & static_cast<B>(~sign));
  const volatile V positive = F::value(flush ? flushed<F>(absolute) : absolute);
  const auto op = [&](auto operation) {
    return F::bits(rounded(zero, [&] { return static_cast<V>(operation()); }), zero);
  };
  // The other one if one is NaN.
  const bool second = is_nan<F>(xb) || F::value(yb) < F::value(xb);
  std::vector<B> all = {op([&] { return x + y; }),
                        op([&] { return x - y; }),
                        op([&] { return x * y; }),
                        static_cast<B>(xb ^ sign),
                        absolute,
                        second ? yb : xb,
                        op([&] { return wide; }),
                        op([&] { return whole; }),
                        op([&] { return one + small; }),
                        op([&] { return one - small; }),
                        op([&] { return x / y; }),
                        op([&] { return std::sqrt(V(positive)); })};
  if (flush)
    for (B& bits : all) bits = flushed<F>(bits);
  return all;
}

template <class F>
std::string judge(const Inputs<F>& in, Mode mode, const Outputs& outputs, Precision precision) {
  using B = typename F::Bits;
  const auto exact = from_bytes<B>(outputs.at({0, 4}));
  const auto rough = from_bytes<B>(outputs.at({0, 5}));
  const bool strict = precision == Precision::kStrict;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    std::vector<std::vector<B>> ways;
    for (bool zero : {mode == Mode::kRtz, mode != Mode::kRtz})
      for (int flush = mode == Mode::kFlush ? 1 : 0; flush < 3; ++flush) {
        const bool open_rounding = mode != Mode::kRtz && mode != Mode::kRte;
        const bool open_flush = mode != Mode::kPreserve || flush == 0;
        const bool first = ways.empty();
        const bool same_rounding = zero == (mode == Mode::kRtz);
        // Operands may be flushed where results are: a processor does both or neither.
        const bool ours = mode == Mode::kFlush && same_rounding;
        if (!first && ((strict && !ours) || !open_flush || (!same_rounding && !open_rounding)))
          continue;
        ways.push_back(results(in, i, zero, flush == 2, flush != 0));
      }
    for (std::uint32_t k = 0; k < kExact + kRough; ++k) {
      const bool is_rough = k >= kExact;
      const B got = is_rough ? rough[kRough * i + k - kExact] : exact[kExact * i + k];
      bool right = false;
      for (const auto& way : ways) {
        right = right || got == way[k] || (is_nan<F>(got) && is_nan<F>(way[k]));
        // Which of two equal ones is the smaller, or what NaN gives, is open.
        if (k == 5 && !strict) right = right || got == in.a[i] || got == in.b[i];
        // 2.5 ULP of a quotient, and of a root that is 1 / inversesqrt.
        if (is_rough && !strict)
          right = right || std::abs(static_cast<double>(got) - static_cast<double>(way[k])) <= 4;
      }
      if (!right)
        return fmt::format("result {} of invocation {} ({:#x}, {:#x}): got {:#x}, expected {:#x}",
                           k, i, in.a[i], in.b[i], got, ways[0][k]);
    }
  }
  return "";
}

template <class F>
Case float_case(Mode mode) {
  const Inputs<F> in = make_inputs<F>(mode);
  using B = typename F::Bits;
  Case made;
  auto both = std::make_shared<Outputs>();
  const auto check = [in, mode, both](Slot slot) {
    return Check{[in, mode, both, slot](std::span<const std::byte> bytes, Precision precision) {
                   if (slot == Slot{0, 4}) both->clear();
                   (*both)[slot] = Bytes(bytes.begin(), bytes.end());
                   return both->size() < 2 ? std::string() : judge<F>(in, mode, *both, precision);
                 },
                 false};
  };
  return made.threads(kCount)
      .in({0, 0}, in.a)
      .in({0, 1}, in.b)
      .in({0, 2}, in.wide)
      .in({0, 3}, in.whole)
      .out({0, 4}, kExact * kCount * sizeof(B), check({0, 4}))
      .out({0, 5}, kRough * kCount * sizeof(B), check({0, 5}));
}

}  // namespace

std::vector<Entry> float_control_cases() {
#define SOKR_WIDTHS(kernel, mode)                                                    \
  {"float_" kernel "16", "n=256", [] { return float_case<F16>(Mode::mode); }},       \
      {"float_" kernel "32", "n=256", [] { return float_case<F32>(Mode::mode); }}, { \
    "float_" kernel "64", "n=256", [] { return float_case<F64>(Mode::mode); }        \
  }
  return {SOKR_WIDTHS("preserve", kPreserve), SOKR_WIDTHS("flush", kFlush),
          SOKR_WIDTHS("signed_zero", kSignedZero), SOKR_WIDTHS("rte", kRte),
          SOKR_WIDTHS("rtz", kRtz)};
#undef SOKR_WIDTHS
}

}  // namespace sokr::conformance
