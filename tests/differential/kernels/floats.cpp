// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Conversions, float instructions at 16, 32 and 64 bits, and GLSL.std.450. Expected values
// come from double precision.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "element.hpp"

namespace sokr::differential {
namespace {

namespace edge = substrate::edge;
using Numbers = std::span<const double>;

Bits sign_extend(const std::string& type, Bits bits) {
  const unsigned up = 64 - width_of(type);
  return type[0] == 'i' ? static_cast<Bits>(static_cast<std::int64_t>(bits << up) >> up) : bits;
}
Bits truncate(const std::string& type, Bits bits) {
  const unsigned width = width_of(type);
  return width == 64 ? bits : bits & ((Bits{1} << width) - 1);
}

// %r = op of floats of one type; `expect` in double.
Row real(const std::string& name, const std::string& type, std::size_t operands,
         const std::string& body, double (*expect)(Numbers), int ulp = 0) {
  Row row{name + "/" + type, std::vector<std::string>(operands, type), type, body, {}, ulp};
  row.expect = [type, expect](Arguments x) {
    std::vector<double> numbers;
    for (const Bits bits : x) numbers.push_back(to_number(type, bits));
    return to_bits(type, expect(numbers));
  };
  return row;
}

Row instruction(const std::string& op, const std::string& type, std::size_t operands,
                double (*expect)(Numbers), int ulp = 0) {
  const char* names[] = {"", " %a", " %a %b", " %a %b %c"};
  return real(op, type, operands, fmt::format("%r = {} %{}{}", op, type, names[operands]), expect,
              ulp);
}

Row extended(const std::string& name, const std::string& type, std::size_t operands,
             double (*expect)(Numbers), int ulp = 0) {
  const char* names[] = {"", " %a", " %a %b", " %a %b %c"};
  return real(name, type, operands,
              fmt::format("%r = OpExtInst %{} %glsl {}{}", type, name, names[operands]), expect,
              ulp);
}

Row test(const std::string& op, const std::string& type, std::size_t operands,
         bool (*expect)(Numbers)) {
  Row row{op + "/" + type,
          std::vector<std::string>(operands, type),
          "u32",
          fmt::format("%t = {} %bool %a{}\n%r = OpSelect %u32 %t %c_u32_1 %c_u32_0", op,
                      operands == 2 ? " %b" : ""),
          {}};
  row.expect = [type, expect](Arguments x) {
    std::vector<double> numbers;
    for (const Bits bits : x) numbers.push_back(to_number(type, bits));
    return Bits{expect(numbers)};
  };
  return row;
}

bool unordered(Numbers x) {
  return std::isnan(x[0]) || std::isnan(x[1]);
}
double minimum(double a, double b) {
  return edge::float_min(a, b);
}
double maximum(double a, double b) {
  return edge::float_max(a, b);
}

void arithmetic(std::vector<Row>& rows, const std::string& t) {
  rows.push_back(instruction("OpFAdd", t, 2, [](Numbers x) { return x[0] + x[1]; }));
  rows.push_back(instruction("OpFSub", t, 2, [](Numbers x) { return x[0] - x[1]; }));
  rows.push_back(instruction("OpFMul", t, 2, [](Numbers x) { return x[0] * x[1]; }));
  rows.push_back(instruction("OpFDiv", t, 2, [](Numbers x) { return x[0] / x[1]; }, 2));
  rows.push_back(instruction("OpFNegate", t, 1, [](Numbers x) { return -x[0]; }));
  // Vulkan derives remainders from a quotient: only exact ones are defined to the bit, and
  // zeros of either sign agree.
  Row remainder = instruction("OpFRem", t, 2, [](Numbers x) { return std::fmod(x[0], x[1]); }, 1);
  std::vector<Bits> dividends, divisors;
  for (const double x : {1.0, -1.0, 5.5, -5.5, 7.0, -7.0, 0.25, 96.0})
    dividends.push_back(to_bits(t, x));
  for (const double x : {1.0, -1.0, 2.0, -2.0, 0.5, 4.0}) divisors.push_back(to_bits(t, x));
  remainder.values = {dividends, divisors};
  rows.push_back(remainder);
  Row modulo = instruction(
      "OpFMod", t, 2, [](Numbers x) { return x[0] - x[1] * std::floor(x[0] / x[1]); }, 1);
  modulo.values = {dividends, divisors};
  rows.push_back(modulo);
}

void comparisons(std::vector<Row>& rows, const std::string& t) {
  rows.push_back(test("OpFOrdEqual", t, 2, [](Numbers x) { return x[0] == x[1]; }));
  rows.push_back(
      test("OpFUnordEqual", t, 2, [](Numbers x) { return unordered(x) || x[0] == x[1]; }));
  rows.push_back(
      test("OpFOrdNotEqual", t, 2, [](Numbers x) { return !unordered(x) && x[0] != x[1]; }));
  rows.push_back(test("OpFUnordNotEqual", t, 2, [](Numbers x) { return !(x[0] == x[1]); }));
  rows.push_back(test("OpFOrdLessThan", t, 2, [](Numbers x) { return x[0] < x[1]; }));
  rows.push_back(test("OpFUnordLessThan", t, 2, [](Numbers x) { return !(x[0] >= x[1]); }));
  rows.push_back(test("OpFOrdGreaterThan", t, 2, [](Numbers x) { return x[0] > x[1]; }));
  rows.push_back(test("OpFUnordGreaterThan", t, 2, [](Numbers x) { return !(x[0] <= x[1]); }));
  rows.push_back(test("OpFOrdLessThanEqual", t, 2, [](Numbers x) { return x[0] <= x[1]; }));
  rows.push_back(test("OpFUnordLessThanEqual", t, 2, [](Numbers x) { return !(x[0] > x[1]); }));
  rows.push_back(test("OpFOrdGreaterThanEqual", t, 2, [](Numbers x) { return x[0] >= x[1]; }));
  rows.push_back(test("OpFUnordGreaterThanEqual", t, 2, [](Numbers x) { return !(x[0] < x[1]); }));
  rows.push_back(test("OpIsNan", t, 1, [](Numbers x) { return bool(std::isnan(x[0])); }));
  rows.push_back(test("OpIsInf", t, 1, [](Numbers x) { return bool(std::isinf(x[0])); }));
}

Row convert(const std::string& op, const std::string& from, const std::string& to,
            std::function<Bits(Bits)> expect, bool defined = true) {
  return {fmt::format("{}/{} to {}", op, from, to),
          {from},
          to,
          fmt::format("%r = {} %{} %a", op, to),
          [expect](Arguments x) { return expect(x[0]); },
          0,
          Last::kAny,
          defined};
}

double saturated(const std::string& type, double x) {
  if (std::isnan(x)) return 0;
  const unsigned width = width_of(type) - (type[0] == 'i' ? 1 : 0);
  const double low = type[0] == 'i' ? -std::ldexp(1.0, static_cast<int>(width)) : 0;
  const double high = std::ldexp(1.0, static_cast<int>(width));
  return x <= low ? low : x >= high ? high : std::trunc(x);
}

Bits integer_of(const std::string& type, double x) {
  const double limited = saturated(type, x);
  const unsigned width = width_of(type) - (type[0] == 'i' ? 1 : 0);
  if (limited >= std::ldexp(1.0, static_cast<int>(width))) {
    return width == 64 ? ~Bits{0} : (Bits{1} << width) - 1;
  }
  const Bits bits = limited < 0 ? static_cast<Bits>(static_cast<std::int64_t>(limited))
                                : static_cast<Bits>(limited);
  return truncate(type, bits);
}

// Rounds once: a 64-bit integer goes to f32 and f16 without a stop at double.
Bits float_of(const std::string& type, const std::string& from, Bits bits) {
  const bool negative = from[0] == 'i' && static_cast<std::int64_t>(bits) < 0;
  const Bits magnitude = negative ? 0 - bits : bits;
  if (type == "f32") {
    const float x = static_cast<float>(magnitude);
    return std::bit_cast<std::uint32_t>(negative ? -x : x);
  }
  const auto x = static_cast<double>(magnitude);
  return to_bits(type, negative ? -x : x);
}

}  // namespace

std::vector<Row> conversion_rows() {
  std::vector<Row> rows;
  const char* const integers[] = {"8", "16", "32", "64"};
  const char* const floats[] = {"f16", "f32", "f64"};
  for (const std::string from : integers) {
    for (const std::string to : integers) {
      if (from == to) continue;
      rows.push_back(convert("OpUConvert", "u" + from, "u" + to,
                             [=](Bits x) { return truncate("u" + to, x); }));
      rows.push_back(convert("OpSConvert", "i" + from, "i" + to, [=](Bits x) {
        return truncate("i" + to, sign_extend("i" + from, x));
      }));
    }
    for (const std::string f : floats) {
      rows.push_back(convert("OpConvertUToF", "u" + from, f,
                             [=](Bits x) { return float_of(f, "u" + from, x); }));
      rows.push_back(convert("OpConvertSToF", "i" + from, f, [=](Bits x) {
        return float_of(f, "i" + from, sign_extend("i" + from, x));
      }));
      rows.push_back(convert(
          "OpConvertFToU", f, "u" + from,
          [=](Bits x) { return integer_of("u" + from, to_number(f, x)); }, false));
      rows.push_back(convert(
          "OpConvertFToS", f, "i" + from,
          [=](Bits x) { return integer_of("i" + from, to_number(f, x)); }, from != "8"));
    }
  }
  for (const std::string from : floats)
    for (const std::string to : floats)
      if (from != to)
        rows.push_back(convert("OpFConvert", from, to,
                               [=](Bits x) { return to_bits(to, to_number(from, x)); }));
  for (const auto* type : {"i32", "f32"})
    rows.push_back(convert("OpBitcast", "u32", type, [](Bits x) { return x; }));
  rows.push_back(convert("OpBitcast", "f64", "u64", [](Bits x) { return x; }));
  rows.push_back(convert("OpBitcast", "f16", "u16", [](Bits x) { return x; }));
  Row quantize = convert("OpQuantizeToF16", "f32", "f32", [](Bits x) {
    const double half = to_number("f16", to_bits("f16", to_number("f32", x)));
    // Denormals of f16 become zero.
    return to_bits("f32", std::fabs(half) < 0x1p-14 ? std::copysign(0.0, half) : half);
  });
  rows.push_back(quantize);
  return rows;
}

std::vector<Row> float_rows() {
  std::vector<Row> rows;
  for (const std::string t : {"f16", "f32", "f64"}) {
    arithmetic(rows, t);
    comparisons(rows, t);
  }
  // a*b - a*b with a contracted product would leave the rounding error.
  Row exact =
      real("NoContraction", "f32", 2,
           "%p = OpFMul %f32 %a %b\n%q = OpFMul %f32 %a %b\n%r = OpFSub %f32 %p %q", [](Numbers x) {
             const float p = static_cast<float>(x[0] * x[1]);
             return static_cast<double>(p - p);
           });
  // Without that decoration spirv-opt contracts it; nothing here does.
  exact.as_compiled = true;
  rows.push_back(exact);
  exact.name += ", decorated";
  exact.as_compiled = false;
  for (const char* product : {"%p", "%q", "%r"})
    exact.decorations += fmt::format("OpDecorate {} NoContraction\n", product);
  rows.push_back(exact);
  return rows;
}

std::vector<Row> extended_rows() {
  std::vector<Row> rows;
  for (const std::string t : {"f16", "f32", "f64"}) {
    rows.push_back(extended("FAbs", t, 1, [](Numbers x) { return std::fabs(x[0]); }));
    rows.push_back(extended("Floor", t, 1, [](Numbers x) { return std::floor(x[0]); }));
    rows.push_back(extended("Ceil", t, 1, [](Numbers x) { return std::ceil(x[0]); }));
    rows.push_back(extended("Trunc", t, 1, [](Numbers x) { return std::trunc(x[0]); }));
    rows.push_back(extended("RoundEven", t, 1, [](Numbers x) { return std::nearbyint(x[0]); }));
    if (t == "f64") {
      rows.back().lavapipe_fault = "it rounds -7.5 to -7 on processors without AVX-512";
    }
    rows.push_back(extended("NMin", t, 2, [](Numbers x) { return minimum(x[0], x[1]); }));
    rows.push_back(extended("NMax", t, 2, [](Numbers x) { return maximum(x[0], x[1]); }));
    rows.push_back(extended("FMin", t, 2, [](Numbers x) { return minimum(x[0], x[1]); }));
    rows.push_back(extended("FMax", t, 2, [](Numbers x) { return maximum(x[0], x[1]); }));
    rows.push_back(extended("Sqrt", t, 1, [](Numbers x) { return std::sqrt(x[0]); }, 1));
    rows.push_back(extended("FSign", t, 1, [](Numbers x) {
      return x[0] > 0 ? 1.0 : x[0] < 0 ? -1.0 : x[0];
    }));
    rows.push_back(extended("Step", t, 2, [](Numbers x) { return x[1] < x[0] ? 0.0 : 1.0; }));
    rows.push_back(extended("Fma", t, 3, [](Numbers x) { return std::fma(x[0], x[1], x[2]); }, 1));
  }
  for (Row& row : rows) {
    // The sign of zero, and NaN in FSign and Step, are not defined; small tables without them.
    const std::string& t = row.output;
    if (row.name.starts_with("Fma")) {
      // One rounding or two are both right: numbers for which they are the same.
      std::vector<Bits> values;
      for (const double x : {1.0, -1.0, 2.0, 0.5, -0.75, 3.0, 10.0, -7.5, 0.0})
        values.push_back(to_bits(t, x));
      row.values.assign(3, values);
    }
    if (row.name.starts_with("FSign") || row.name.starts_with("Step") ||
        row.name.starts_with("NM") || row.name.starts_with("FM")) {
      std::vector<Bits> values = values_of(t, false);
      if (row.name[1] == 'M') {
        values.push_back(to_bits(t, std::nan("")));
        values.push_back(to_bits(t, HUGE_VAL));
        values.push_back(to_bits(t, -HUGE_VAL));
        values.push_back(0);
      }
      row.values.assign(row.inputs.size(), values);
    }
  }
  struct Elementary {
    const char* name;
    double (*f)(Numbers);
    double low, high;
  };
  const Elementary table[] = {
      {"Exp", [](Numbers x) { return std::exp(x[0]); }, -80, 80},
      {"Exp2", [](Numbers x) { return std::exp2(x[0]); }, -120, 120},
      {"Log", [](Numbers x) { return std::log(x[0]); }, 0.001, 1e6},
      {"Log2", [](Numbers x) { return std::log2(x[0]); }, 0.001, 1e6},
      {"InverseSqrt", [](Numbers x) { return 1 / std::sqrt(x[0]); }, 0.001, 1e6},
      {"Sin", [](Numbers x) { return std::sin(x[0]); }, -100, 100},
      {"Cos", [](Numbers x) { return std::cos(x[0]); }, -100, 100},
      {"Tan", [](Numbers x) { return std::tan(x[0]); }, -1.5, 1.5},
      {"Asin", [](Numbers x) { return std::asin(x[0]); }, -0.99, 0.99},
      {"Acos", [](Numbers x) { return std::acos(x[0]); }, -0.99, 0.99},
      {"Atan", [](Numbers x) { return std::atan(x[0]); }, -50, 50},
      {"Sinh", [](Numbers x) { return std::sinh(x[0]); }, -20, 20},
      {"Cosh", [](Numbers x) { return std::cosh(x[0]); }, -20, 20},
      {"Tanh", [](Numbers x) { return std::tanh(x[0]); }, -20, 20},
      {"Asinh", [](Numbers x) { return std::asinh(x[0]); }, -50, 50},
      {"Acosh", [](Numbers x) { return std::acosh(x[0]); }, 1.1, 50},
      {"Atanh", [](Numbers x) { return std::atanh(x[0]); }, -0.95, 0.95},
      {"Radians", [](Numbers x) { return x[0] * (M_PI / 180); }, -720, 720},
      {"Degrees", [](Numbers x) { return x[0] * (180 / M_PI); }, -10, 10},
  };
  for (const Elementary& e : table) {
    Row row = extended(e.name, "f32", 1, e.f, 4);
    std::vector<Bits> values;
    for (int i = 0; i < 500; ++i)
      values.push_back(to_bits("f32", e.low + (e.high - e.low) * i / 499));
    row.values = {values};
    rows.push_back(std::move(row));
  }
  Row power = extended("Pow", "f32", 2, [](Numbers x) { return std::pow(x[0], x[1]); }, 4);
  Row angle = extended("Atan2", "f32", 2, [](Numbers x) { return std::atan2(x[0], x[1]); }, 4);
  std::vector<Bits> positive, any;
  for (const double x : {0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 123.5}) {
    positive.push_back(to_bits("f32", x));
    any.push_back(to_bits("f32", x));
    any.push_back(to_bits("f32", -x));
  }
  power.values = {positive, any};
  angle.values = {any, any};
  rows.push_back(power);
  rows.push_back(angle);
  return rows;
}

}  // namespace sokr::differential
