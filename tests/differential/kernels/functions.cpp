// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450 at every width: limits, exponents, two results, packing, geometry, integers. What
// shading languages make of minima and maxima, too.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "element.hpp"

namespace sokr::differential {
namespace {

namespace edge = substrate::edge;
using Numbers = std::span<const double>;
using Expected = double (*)(Numbers);

constexpr const char* kFloats[] = {"f16", "f32", "f64"};

std::vector<Bits> all_bits(const std::string& type, std::initializer_list<double> numbers) {
  std::vector<Bits> values;
  for (const double x : numbers) values.push_back(to_bits(type, x));
  return values;
}

// %r from operands of one float type.
Row of_floats(const std::string& name, const std::string& t, std::size_t operands,
              const std::string& body, Expected expect, std::vector<Bits> values, int ulp = 0) {
  Row row{fmt::format("{}/{}", name, t), std::vector<std::string>(operands, t), t, body, {}, ulp};
  row.expect = [t, expect](Arguments x) {
    std::vector<double> numbers;
    for (const Bits bits : x) numbers.push_back(to_number(t, bits));
    return to_bits(t, expect(numbers));
  };
  row.values.assign(operands, std::move(values));
  return row;
}

std::string call(const std::string& function, const std::string& type, std::size_t operands) {
  const char* const names[] = {"", " %a", " %a %b", " %a %b %c"};
  return fmt::format("%r = OpExtInst %{} %glsl {}{}", type, function, names[operands]);
}

double least(double a, double b) {
  return edge::float_min(a, b);
}
double most(double a, double b) {
  return edge::float_max(a, b);
}

// ---- Limits -------------------------------------------------------------------------------------

void limits(std::vector<Row>& rows, const std::string& t) {
  const std::vector<Bits> values =
      all_bits(t, {-2, -1, -0.5, 0.25, 1, 3, 100, HUGE_VAL, -HUGE_VAL, std::nan("")});
  const std::vector<Bits> numbers = all_bits(t, {-2, -1, -0.5, 0.25, 1, 3, 100});
  const Expected clamp = [](Numbers x) { return least(most(x[0], x[1]), x[2]); };
  rows.push_back(of_floats("FClamp of three", t, 3, call("FClamp", t, 3), clamp, numbers));
  rows.push_back(of_floats("NClamp", t, 3, call("NClamp", t, 3), clamp, numbers));
  rows.push_back(of_floats(
      "FMax with 0", t, 1, fmt::format("%r = OpExtInst %{0} %glsl FMax %a %c_{0}_0", t),
      [](Numbers x) { return most(x[0], 0); }, values));
  rows.push_back(of_floats(
      "FMin with 0", t, 1, fmt::format("%r = OpExtInst %{0} %glsl FMin %a %c_{0}_0", t),
      [](Numbers x) { return least(x[0], 0); }, values));
  rows.push_back(of_floats(
      "FClamp to 1", t, 1, fmt::format("%r = OpExtInst %{0} %glsl FClamp %a %c_{0}_0 %c_{0}_1", t),
      [](Numbers x) { return least(most(x[0], 0), 1); }, values));
  struct Choice {
    const char* op;
    bool (*test)(double, double);
  };
  const Choice choices[] = {
      {"OpFOrdLessThan", [](double a, double b) { return a < b; }},
      {"OpFOrdGreaterThan", [](double a, double b) { return a > b; }},
      {"OpFOrdLessThanEqual", [](double a, double b) { return a <= b; }},
      {"OpFOrdGreaterThanEqual", [](double a, double b) { return a >= b; }},
      {"OpFUnordLessThan", [](double a, double b) { return !(a >= b); }},
      {"OpFUnordGreaterThan", [](double a, double b) { return !(a <= b); }},
      {"OpFUnordLessThanEqual", [](double a, double b) { return !(a > b); }},
      {"OpFUnordGreaterThanEqual", [](double a, double b) { return !(a < b); }},
  };
  for (const Choice& choice : choices)
    for (const bool swapped : {false, true})
      for (const bool constant : {false, true}) {
        const std::string b = constant ? fmt::format("%c_{}_2", t) : "%b";
        Row row = of_floats(fmt::format("{} chooses{}{}", choice.op, swapped ? " the other" : "",
                                        constant ? " or a constant" : ""),
                            t, constant ? 1 : 2,
                            fmt::format("%t = {0} %bool %a {1}\n%r = OpSelect %{2} %t {3} {4}",
                                        choice.op, b, t, swapped ? b : "%a", swapped ? "%a" : b),
                            nullptr, values);
        row.expect = [=](Arguments x) {
          const Bits other = constant ? to_bits(t, 2) : x[1];
          const bool yes = choice.test(to_number(t, x[0]), to_number(t, other));
          return yes != swapped ? x[0] : other;
        };
        rows.push_back(std::move(row));
      }
}

void shapes(std::vector<Row>& rows, const std::string& t) {
  const std::vector<Bits> numbers = all_bits(t, {-3, -1.25, -0.5, 0, 0.5, 0.75, 1, 2.5, 7});
  Row smooth = of_floats(
      "SmoothStep", t, 3, call("SmoothStep", t, 3),
      [](Numbers x) {
        const double s = least(most((x[2] - x[0]) / (x[1] - x[0]), 0), 1);
        return s * s * (3 - 2 * s);
      },
      {}, 4);
  smooth.values = {all_bits(t, {-1, 0, 0.5}), all_bits(t, {1, 2, 8}), numbers};
  rows.push_back(smooth);
  // Sums of products that no width rounds.
  Row mix = of_floats(
      "FMix of three", t, 3, call("FMix", t, 3),
      [](Numbers x) { return x[0] * (1 - x[2]) + x[1] * x[2]; }, numbers);
  mix.values[2] = all_bits(t, {0, 0.25, 0.5, 1});
  rows.push_back(mix);
  rows.push_back(of_floats(
      "Round", t, 1, call("Round", t, 1), [](Numbers x) { return std::round(x[0]); },
      all_bits(t, {-2.75, -1.25, -0.75, 0.25, 0.75, 1.75, 100.25, 1000})));
  rows.push_back(of_floats(
      "Fract", t, 1, call("Fract", t, 1), [](Numbers x) { return x[0] - std::floor(x[0]); },
      all_bits(t, {-2.75, -1.25, -0.75, 0.25, 0.75, 1.75, 100.25, 1000})));
}

// ---- Exponents, and two results
// -------------------------------------------------------------------

void exponents(std::vector<Row>& rows, const std::string& t) {
  for (const std::string e : {"i8", "i16", "i32", "i64"}) {
    const unsigned bits = width_of(e);
    Row row{fmt::format("Ldexp/{} by {}", t, e), {t, e}, t, call("Ldexp", t, 2), {}};
    row.expect = [t, bits](Arguments x) {
      const std::int64_t n = static_cast<std::int64_t>(x[1] << (64 - bits)) >> (64 - bits);
      const int near = static_cast<int>(std::clamp<std::int64_t>(n, -5000, 5000));
      return to_bits(t, std::ldexp(to_number(t, x[0]), near));
    };
    std::vector<Bits> powers;
    for (const std::int64_t n : {0, 1, -1, -2, 3, -3, -7, 20, -20, 100, -100, 127, -128})
      powers.push_back(static_cast<Bits>(n));
    if (bits > 8)
      for (const std::int64_t n : {1000, -1000, 2000, -2200, 32767, -32768})
        powers.push_back(static_cast<Bits>(n));
    if (bits > 16)
      for (const Bits n : {0x7FFFFFFFu, 0x80000000u, 0x10000u}) powers.push_back(n);
    // What is left of these in 32 bits is small.
    if (bits > 32)
      for (const Bits n : {Bits{1} << 32, (Bits{1} << 32) + 3, ~Bits{0} << 32, Bits{1} << 63})
        powers.push_back(n);
    for (Bits& n : powers) n &= bits == 64 ? ~Bits{0} : (Bits{1} << bits) - 1;
    // Denormals too, whose bits are lost once.
    std::vector<Bits> numbers = all_bits(t, {1, -1.5, 0.75, 1000, 0, HUGE_VAL});
    for (const Bits n : {1, 6, 11, 1001}) numbers.push_back(n);
    row.values = {std::move(numbers), powers};
    row.only_ordinary = true;
    rows.push_back(std::move(row));
  }
}

// `function` with a second result by a pointer, or both in a structure; each of them a row.
void two_results(std::vector<Row>& rows, const std::string& function, const std::string& t,
                 const std::string& second, Expected first_of, Expected second_of) {
  const std::vector<Bits> values = all_bits(
      t, {1, -1, 2.5, -7.25, 0.3, -0.0, 0, 96, 1000, 6.1e-5, HUGE_VAL, -HUGE_VAL, std::nan("")});
  for (const bool pointer : {true, false})
    for (const bool wants_second : {false, true}) {
      const std::string& result = wants_second ? second : t;
      Row row{fmt::format("{}{}/{}/{}", function, pointer ? "" : "Struct", t,
                          wants_second ? "second" : "first"),
              {t},
              result,
              {},
              {}};
      if (pointer) {
        row.globals = fmt::format(
            "%to_second = OpTypePointer Private %{0}\n%second = OpVariable %to_second Private\n",
            second);
        row.body = fmt::format("%x = OpExtInst %{} %glsl {} %a %second\n", t, function);
        row.body += wants_second ? fmt::format("%r = OpLoad %{} %second", second)
                                 : fmt::format("%r = OpCopyObject %{} %x", t);
      } else {
        row.globals = fmt::format("%both = OpTypeStruct %{} %{}\n", t, second);
        row.body =
            fmt::format("%x = OpExtInst %both %glsl {}Struct %a\n%r = OpCompositeExtract %{} %x {}",
                        function, result, wants_second ? 1 : 0);
      }
      row.expect = [=](Arguments x) {
        const double number = to_number(t, x[0]);
        const double value = (wants_second ? second_of : first_of)({&number, 1});
        return is_float_type(result) ? to_bits(result, value)
                                     : Bits{static_cast<std::uint32_t>(static_cast<int>(value))};
      };
      row.values = {values};
      row.only_ordinary = true;
      rows.push_back(std::move(row));
    }
}

double fraction_of(Numbers x) {
  double whole = 0;
  return std::modf(x[0], &whole);
}
double significand_of(Numbers x) {
  int exponent = 0;
  return std::frexp(x[0], &exponent);
}
double exponent_of(Numbers x) {
  int exponent = 0;
  return std::isfinite(x[0]) ? (std::frexp(x[0], &exponent), exponent) : 0;
}

// ---- Packing
// --------------------------------------------------------------------------------------

struct Packing {
  const char* name;
  unsigned bits, count;
  bool is_signed;
};
constexpr Packing kPackings[] = {{"Snorm4x8", 8, 4, true},
                                 {"Unorm4x8", 8, 4, false},
                                 {"Snorm2x16", 16, 2, true},
                                 {"Unorm2x16", 16, 2, false}};

void pack(std::vector<Row>& rows, const Packing& p) {
  const double scale = p.is_signed ? (1 << (p.bits - 1)) - 1 : (1 << p.bits) - 1;
  const Bits mask = (Bits{1} << p.bits) - 1;
  const std::string vector = fmt::format("v{}f32", p.count);
  Row row{fmt::format("Pack{}", p.name),
          {"f32", "f32"},
          "u32",
          fmt::format("%v = OpCompositeConstruct %{0} {1}\n%r = OpExtInst %u32 %glsl Pack{2} %v",
                      vector, p.count == 4 ? "%a %b %b %a" : "%a %b", p.name),
          {}};
  row.expect = [=](Arguments x) {
    Bits word = 0;
    for (unsigned i = 0; i < p.count; ++i) {
      const double number = to_number("f32", x[i == 0 || i == 3 ? 0 : 1]);
      const double kept = least(most(number, p.is_signed ? -1 : 0), 1);
      const auto whole =
          static_cast<std::int64_t>(std::nearbyint(static_cast<float>(kept * scale)));
      word |= (static_cast<Bits>(whole) & mask) << (p.bits * i);
    }
    return word;
  };
  row.values.assign(2,
                    all_bits("f32", {-3, -1, -0.7, -0.1, 0, 0.1, 0.33, 0.8, 1, 8, std::nan("")}));
  // So near to a tie that the product of floats is one.
  for (const Bits near : {0x3C418306, 0x3B008081}) row.values[0].push_back(near);
  for (const Bits near : {0x38400180, 0x37C000C0}) row.values[1].push_back(near);
  rows.push_back(std::move(row));
  for (unsigned i = 0; i < p.count; ++i) {
    Row back{
        fmt::format("Unpack{}/{}", p.name, i),
        {"u32"},
        "f32",
        fmt::format("%v = OpExtInst %{0} %glsl Unpack{1} %a\n%r = OpCompositeExtract %f32 %v {2}",
                    vector, p.name, i),
        {},
        1};
    back.expect = [=](Arguments x) {
      const Bits field = x[0] >> (p.bits * i) & mask;
      const unsigned up = 64 - p.bits;
      const auto number = p.is_signed
                              ? static_cast<double>(static_cast<std::int64_t>(field << up) >> up)
                              : static_cast<double>(field);
      return to_bits("f32", std::max(number / scale, -1.0));
    };
    rows.push_back(std::move(back));
  }
}

void pack_floats(std::vector<Row>& rows) {
  Row halves{"PackHalf2x16",
             {"f32", "f32"},
             "u32",
             "%v = OpCompositeConstruct %v2f32 %a %b\n%r = OpExtInst %u32 %glsl PackHalf2x16 %v",
             [](Arguments x) {
               return to_bits("f16", to_number("f32", x[0])) |
                      to_bits("f16", to_number("f32", x[1])) << 16;
             }};
  halves.values.assign(
      2, all_bits("f32", {1, -2, 0.333, 65504, 65519, 65520, 1e-7, 6.1e-5, -0.0, HUGE_VAL}));
  rows.push_back(std::move(halves));
  Row twice{"PackDouble2x32",
            {"u32", "u32"},
            "f64",
            "%v = OpCompositeConstruct %v2u32 %a %b\n%r = OpExtInst %f64 %glsl PackDouble2x32 %v",
            [](Arguments x) { return x[0] | x[1] << 32; }};
  twice.values = {{0, 1, 0xFFFFFFFF, 0x80000000}, {0, 0x3FF00000, 0xC0080000, 0x7FE12345}};
  rows.push_back(std::move(twice));
  for (unsigned i = 0; i < 2; ++i) {
    rows.push_back(
        {fmt::format("UnpackHalf2x16/{}", i),
         {"u32"},
         "f32",
         fmt::format("%v = OpExtInst %v2f32 %glsl UnpackHalf2x16 %a\n%r = "
                     "OpCompositeExtract %f32 %v {}",
                     i),
         [i](Arguments x) { return to_bits("f32", to_number("f16", x[0] >> (16 * i) & 0xFFFF)); },
         0,
         Last::kAny,
         true,
         {},
         {{0x3C00C000, 0x00010400, 0x7BFF8000, 0x7C00FC00, 0x12345678}}});
    rows.push_back({fmt::format("UnpackDouble2x32/{}", i),
                    {"f64"},
                    "u32",
                    fmt::format("%v = OpExtInst %v2u32 %glsl UnpackDouble2x32 %a\n%r = "
                                "OpCompositeExtract %u32 %v {}",
                                i),
                    [i](Arguments x) { return x[0] >> (32 * i) & 0xFFFFFFFF; }});
  }
}

// ---- Geometry
// -------------------------------------------------------------------------------------

void geometry(std::vector<Row>& rows, const std::string& t) {
  std::vector<Bits> quarters;
  for (int i = -9; i < 9; ++i) quarters.push_back(to_bits(t, i * 0.25));
  const std::string ab = fmt::format("%v = OpCompositeConstruct %v2{} %a %b\n", t);
  const std::string ba = fmt::format("%w = OpCompositeConstruct %v2{} %b %a\n", t);
  const auto vector = [&](const std::string& function, const std::string& operands) {
    return fmt::format("%x = OpExtInst %v2{0} %glsl {1} {2}\n%r = OpCompositeExtract %{0} %x 0", t,
                       function, operands);
  };
  rows.push_back(of_floats(
      "Distance", t, 2, ab + ba + fmt::format("%r = OpExtInst %{} %glsl Distance %v %w", t),
      [](Numbers x) { return std::sqrt(2.0) * std::fabs(x[0] - x[1]); }, quarters, 3));
  rows.push_back(of_floats(
      "Distance of numbers", t, 2, call("Distance", t, 2),
      [](Numbers x) { return std::fabs(x[0] - x[1]); }, quarters));
  rows.push_back(of_floats(
      "Length of a number", t, 1, call("Length", t, 1), [](Numbers x) { return std::fabs(x[0]); },
      quarters));
  rows.push_back(of_floats(
      "Normalize", t, 2, ab + vector("Normalize", "%v"),
      [](Numbers x) { return x[0] / std::hypot(x[0], x[1]); }, quarters, 4));
  rows.push_back(of_floats(
      "FaceForward", t, 2,
      ab + ba + fmt::format("%n = OpCompositeConstruct %v2{} %a %a\n", t) +
          vector("FaceForward", "%v %w %n"),
      [](Numbers x) { return x[0] * x[1] + x[0] * x[0] < 0 ? x[0] : -x[0]; }, quarters));
  rows.push_back(of_floats(
      "Reflect", t, 2, ab + ba + vector("Reflect", "%v %w"),
      [](Numbers x) { return x[0] - 2 * (2 * x[0] * x[1]) * x[1]; }, quarters, 1));
  for (const std::string ratio : kFloats) {  // which has a width of its own
    Row refract = of_floats(
        ratio == t ? "Refract" : "Refract by a ratio of " + ratio, t, 2,
        ab + ba + vector("Refract", fmt::format("%v %w %c_{}_0p5", ratio)),
        [](Numbers x) {
          const double d = 2 * x[0] * x[1], k = 1 - 0.25 * (1 - d * d);
          return k < 0 ? 0 : 0.5 * x[0] - (0.5 * d + std::sqrt(k)) * x[1];
        },
        {}, 16);
    // Nothing that cancels out.
    refract.values = {all_bits(t, {-0.75, -0.5, -2}), all_bits(t, {0.25, 0.5, 1})};
    rows.push_back(std::move(refract));
  }
}

// The inverse of a triangular matrix whose diagonal are powers of two: no width rounds it.
void inverses(std::vector<Row>& rows, const std::string& t) {
  struct Size {
    unsigned n;
    const char* columns;
    Expected determinant, corner;
  };
  const Size sizes[] = {
      {2, "2 0  a 4", [](Numbers) { return 8.0; }, [](Numbers x) { return -x[0] / 8; }},
      {3, "2 0 0  a 4 0  b a 2", [](Numbers) { return 16.0; },
       [](Numbers x) { return (x[0] * x[0] - 4 * x[1]) / 16; }},
      {4, "2 0 0 0  a 4 0 0  b a 2 0  0 b a 1", [](Numbers) { return 16.0; },
       [](Numbers x) { return x[0] * (6 * x[1] - x[0] * x[0]) / 16; }},
  };
  const std::vector<Bits> values = all_bits(t, {-2, -1, -0.5, 0.5, 1, 4});
  for (const Size& size : sizes) {
    std::string body, columns;
    std::size_t at = 0;
    const std::string entries = size.columns;
    for (unsigned c = 0; c < size.n; ++c) {
      std::string column;
      for (unsigned r = 0; r < size.n; ++r) {
        while (entries[at] == ' ') ++at;
        const char entry = entries[at++];
        column += entry == 'a' || entry == 'b' ? fmt::format(" %{}", entry)
                                               : fmt::format(" %c_{}_{}", t, entry);
      }
      body += fmt::format("%k{0} = OpCompositeConstruct %v{1}{2}{3}\n", c, size.n, t, column);
      columns += fmt::format(" %k{}", c);
    }
    body += "%m = OpCompositeConstruct %matrix" + columns + "\n";
    const std::string globals = fmt::format("%matrix = OpTypeMatrix %v{0}{1} {0}\n", size.n, t);
    Row determinant = of_floats(fmt::format("Determinant {0}x{0}", size.n), t, 2,
                                body + fmt::format("%r = OpExtInst %{} %glsl Determinant %m", t),
                                size.determinant, values);
    Row inverse = of_floats(
        fmt::format("MatrixInverse {0}x{0}", size.n), t, 2,
        body + fmt::format(
                   "%inverse = OpExtInst %matrix %glsl MatrixInverse %m\n%r = OpCompositeExtract "
                   "%{} %inverse {} 0",
                   t, size.n - 1),
        size.corner, values);
    for (Row* row : {&determinant, &inverse}) {
      row->globals = globals;
      rows.push_back(std::move(*row));
    }
  }
}

// ---- Integers
// -------------------------------------------------------------------------------------

template <class U>
void integers(std::vector<Row>& rows) {
  using S = std::make_signed_t<U>;
  const std::string t = fmt::format("u{}", sizeof(U) * 8);
  struct Function {
    const char* name;
    std::size_t operands;
    U (*f)(U, U, U);
  };
  const Function table[] = {
      {"UMin", 2, [](U a, U b, U) { return std::min(a, b); }},
      {"UMax", 2, [](U a, U b, U) { return std::max(a, b); }},
      {"SMin", 2, [](U a, U b, U) { return S(a) < S(b) ? a : b; }},
      {"SMax", 2, [](U a, U b, U) { return S(a) > S(b) ? a : b; }},
      {"UClamp", 3, [](U a, U b, U c) { return std::min(std::max(a, b), c); }},
      {"SClamp", 3, [](U a, U b, U c) { return U(std::min(std::max(S(a), S(b)), S(c))); }},
      {"SAbs", 1, [](U a, U, U) { return S(a) < 0 ? U(0 - a) : a; }},
      {"SSign", 1, [](U a, U, U) { return a == 0     ? a
                                          : S(a) < 0 ? U(~U{0})
                                                     : U{1}; }},
  };
  for (const Function& f : table) {
    Row row{fmt::format("{}/{}", f.name, t),
            std::vector<std::string>(f.operands, t),
            t,
            call(f.name, t, f.operands),
            {}};
    row.expect = [f](Arguments x) {
      const auto at = [&](std::size_t i) { return i < x.size() ? static_cast<U>(x[i]) : U{0}; };
      return Bits{f.f(at(0), at(1), at(2))};
    };
    if (f.operands == 3) {
      const Bits top = Bits{1} << (sizeof(U) * 8 - 1);
      const Bits all = ~Bits{0} >> (64 - sizeof(U) * 8);
      row.values.assign(3, {0, 1, 7, top - 1, top, all, all - 5});
      // Clamps to an empty range are not defined.
      row.values[1] = {0, 3};
      row.values[2] = {5, top - 1};
    }
    rows.push_back(std::move(row));
  }
}

// ---- Halves by way of floats
// ------------------------------------------------------------------------

void half_functions(std::vector<Row>& rows) {
  struct Function {
    const char* name;
    Expected f;
    double low, high;
  };
  const Function table[] = {
      {"Exp", [](Numbers x) { return std::exp(x[0]); }, -8, 8},
      {"Exp2", [](Numbers x) { return std::exp2(x[0]); }, -12, 12},
      {"Log", [](Numbers x) { return std::log(x[0]); }, 0.01, 1000},
      {"Log2", [](Numbers x) { return std::log2(x[0]); }, 0.01, 1000},
      {"InverseSqrt", [](Numbers x) { return 1 / std::sqrt(x[0]); }, 0.01, 1000},
      {"Sin", [](Numbers x) { return std::sin(x[0]); }, -3, 3},
      {"Cos", [](Numbers x) { return std::cos(x[0]); }, -1.5, 1.5},
      {"Tan", [](Numbers x) { return std::tan(x[0]); }, -1.5, 1.5},
      {"Asin", [](Numbers x) { return std::asin(x[0]); }, -0.99, 0.99},
      {"Acos", [](Numbers x) { return std::acos(x[0]); }, -0.99, 0.99},
      {"Atan", [](Numbers x) { return std::atan(x[0]); }, -50, 50},
      {"Sinh", [](Numbers x) { return std::sinh(x[0]); }, -8, 8},
      {"Cosh", [](Numbers x) { return std::cosh(x[0]); }, -8, 8},
      {"Tanh", [](Numbers x) { return std::tanh(x[0]); }, -8, 8},
      {"Asinh", [](Numbers x) { return std::asinh(x[0]); }, -50, 50},
      {"Acosh", [](Numbers x) { return std::acosh(x[0]); }, 1.1, 50},
      {"Atanh", [](Numbers x) { return std::atanh(x[0]); }, -0.95, 0.95},
      {"Radians", [](Numbers x) { return x[0] * (M_PI / 180); }, -720, 720},
      {"Degrees", [](Numbers x) { return x[0] * (180 / M_PI); }, -10, 10},
  };
  for (const Function& f : table) {
    std::vector<Bits> values;
    for (int i = 0; i < 60; ++i)
      values.push_back(to_bits("f16", f.low + (f.high - f.low) * i / 59));
    rows.push_back(of_floats(f.name, "f16", 1, call(f.name, "f16", 1), f.f, values, 1));
  }
  const std::vector<Bits> positive = all_bits("f16", {0.25, 0.5, 1, 1.5, 2, 3});
  rows.push_back(of_floats(
      "Pow", "f16", 2, call("Pow", "f16", 2), [](Numbers x) { return std::pow(x[0], x[1]); },
      positive, 1));
  rows.push_back(of_floats(
      "Atan2", "f16", 2, call("Atan2", "f16", 2), [](Numbers x) { return std::atan2(x[0], x[1]); },
      positive, 1));
  for (const std::string t : {"f64"})
    rows.push_back(of_floats(
        "InverseSqrt", t, 1, call("InverseSqrt", t, 1),
        [](Numbers x) { return 1 / std::sqrt(x[0]); }, all_bits(t, {0.01, 0.5, 1, 2, 3, 1000}), 2));
}

}  // namespace

std::vector<Row> function_rows() {
  std::vector<Row> rows;
  for (const std::string t : kFloats) {
    limits(rows, t);
    shapes(rows, t);
    exponents(rows, t);
    two_results(rows, "Modf", t, t, fraction_of, [](Numbers x) { return std::trunc(x[0]); });
    two_results(rows, "Frexp", t, "i32", significand_of, exponent_of);
    geometry(rows, t);
    inverses(rows, t);
  }
  for (const Packing& p : kPackings) pack(rows, p);
  pack_floats(rows);
  integers<std::uint8_t>(rows);
  integers<std::uint16_t>(rows);
  integers<std::uint32_t>(rows);
  integers<std::uint64_t>(rows);
  half_functions(rows);
  return rows;
}

}  // namespace sokr::differential
