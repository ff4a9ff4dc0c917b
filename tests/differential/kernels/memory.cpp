// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomics, each invocation on a place of its own, ways through memory, and products of packed
// bytes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "element.hpp"

namespace sokr::differential {
namespace {

using U = std::uint64_t;

U masked(const std::string& type, U value) {
  return width_of(type) == 64 ? value : value & 0xFFFFFFFF;
}
std::int64_t signed_of(const std::string& type, U value) {
  return width_of(type) == 64 ? static_cast<std::int64_t>(value)
                              : static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

// ---- Atomics
// --------------------------------------------------------------------------------------

// A word of Workgroup memory for each invocation: %slot holds %a.
std::string place(const std::string& type) {
  return fmt::format(
      "%n = OpBitwiseAnd %u32 %i %c_u32_255\n%slot = OpAccessChain %to_slot %memory %n\n"
      "OpStore %slot %a\n",
      type);
}
std::string memory_of(const std::string& type) {
  return fmt::format(
      "%slots = OpTypeArray %{0} %c_u32_256\n%to_slots = OpTypePointer Workgroup %slots\n"
      "%to_slot = OpTypePointer Workgroup %{0}\n%memory = OpVariable %to_slots Workgroup\n",
      type);
}

Row atomic(const std::string& op, const std::string& type, const std::string& text, bool wants_old,
           std::function<Bits(Bits, Bits)> expect) {
  Row row{fmt::format("{}/{}/{}", op, type, wants_old ? "old" : "new"),
          {type, type},
          type,
          place(type) + text +
              (wants_old ? fmt::format("%r = OpCopyObject %{} %old", type)
                         : fmt::format("%r = OpLoad %{} %slot", type)),
          [=](Arguments x) { return wants_old ? x[0] : expect(x[0], x[1]); }};
  row.globals = memory_of(type);
  row.own_place = true;
  if (type == "u64") row.capabilities = "OpCapability Int64Atomics\n";
  return row;
}

void integer_atomics(std::vector<Row>& rows, const std::string& t) {
  struct Operation {
    const char* op;
    std::function<U(const std::string&, U, U)> f;
  };
  const Operation table[] = {
      {"OpAtomicExchange", [](const std::string&, U, U b) { return b; }},
      {"OpAtomicIAdd", [](const std::string&, U a, U b) { return a + b; }},
      {"OpAtomicISub", [](const std::string&, U a, U b) { return a - b; }},
      {"OpAtomicUMin", [](const std::string&, U a, U b) { return std::min(a, b); }},
      {"OpAtomicUMax", [](const std::string&, U a, U b) { return std::max(a, b); }},
      {"OpAtomicSMin", [](const std::string& type, U a,
                          U b) { return signed_of(type, a) < signed_of(type, b) ? a : b; }},
      {"OpAtomicSMax", [](const std::string& type, U a,
                          U b) { return signed_of(type, a) > signed_of(type, b) ? a : b; }},
      {"OpAtomicAnd", [](const std::string&, U a, U b) { return a & b; }},
      {"OpAtomicOr", [](const std::string&, U a, U b) { return a | b; }},
      {"OpAtomicXor", [](const std::string&, U a, U b) { return a ^ b; }},
  };
  for (const bool old : {true, false}) {
    for (const Operation& o : table)
      rows.push_back(atomic(o.op, t,
                            fmt::format("%old = {} %{} %slot %c_u32_2 %c_u32_0 %b\n", o.op, t), old,
                            [=](U a, U b) { return masked(t, o.f(t, a, b)); }));
    for (const bool up : {true, false}) {
      const char* op = up ? "OpAtomicIIncrement" : "OpAtomicIDecrement";
      rows.push_back(atomic(op, t, fmt::format("%old = {} %{} %slot %c_u32_2 %c_u32_0\n", op, t),
                            old, [=](U a, U) { return masked(t, up ? a + 1 : a - 1); }));
    }
    // Exchanges where %a is even, by comparing with %a without its last bit.
    rows.push_back(atomic(
        "OpAtomicCompareExchange", t,
        fmt::format(
            "%even = OpBitwiseAnd %{0} %a %c_{0}_4294967294\n"
            "%old = OpAtomicCompareExchange %{0} %slot %c_u32_2 %c_u32_0 %c_u32_0 %b %even\n",
            t),
        old, [](U a, U b) { return a & 1 || a >> 32 ? a : b; }));
    rows.push_back(atomic("OpAtomicStore", t,
                          fmt::format("%old = OpAtomicLoad %{} %slot %c_u32_2 %c_u32_0\n"
                                      "OpAtomicStore %slot %c_u32_2 %c_u32_0 %b\n",
                                      t),
                          old, [](U, U b) { return b; }));
  }
}

void float_atomics(std::vector<Row>& rows, const std::string& t) {
  struct Operation {
    const char *op, *capability, *extension;
    double (*f)(double, double);
  };
  const Operation table[] = {
      {"OpAtomicFAddEXT", "AddEXT", "add", [](double a, double b) { return a + b; }},
      {"OpAtomicFMinEXT", "MinMaxEXT", "min_max",
       [](double a, double b) { return std::fmin(a, b); }},
      {"OpAtomicFMaxEXT", "MinMaxEXT", "min_max",
       [](double a, double b) { return std::fmax(a, b); }}};
  std::vector<Bits> values;
  for (const double x : {1.0, -2.5, 0.25, 100.0, -7.0, 3.0}) values.push_back(to_bits(t, x));
  for (const Operation& o : table)
    for (const bool old : {true, false}) {
      Row row =
          atomic(o.op, t, fmt::format("%old = {} %{} %slot %c_u32_2 %c_u32_0 %b\n", o.op, t), old,
                 [=](U a, U b) { return to_bits(t, o.f(to_number(t, a), to_number(t, b))); });
      row.capabilities = fmt::format(
          "OpCapability AtomicFloat{}{}\nOpExtension \"SPV_EXT_shader_atomic_float_{}\"\n",
          width_of(t), o.capability, o.extension);
      row.values = {values, values};
      rows.push_back(std::move(row));
    }
}

// ---- Products of bytes
// ------------------------------------------------------------------------------

std::int64_t byte_of(U word, int k, bool is_signed) {
  const auto byte = static_cast<std::uint8_t>(word >> (8 * k));
  return is_signed ? static_cast<std::int8_t>(byte) : byte;
}

void dot_products(std::vector<Row>& rows) {
  struct Kind {
    const char* name;
    bool a_signed, b_signed;
  };
  const Kind kinds[] = {{"S", true, true}, {"U", false, false}, {"SU", true, false}};
  const std::vector<Bits> words{0, 0x01020304, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x80FF017F};
  const std::vector<Bits> sums{0, 5, 0x7FFFFFF0, 0x80000010, 0xFFFFFFFF};
  for (const Kind& kind : kinds) {
    // What is signed in part is signed.
    const bool is_signed = kind.a_signed;
    const auto product = [kind](Arguments x) {
      std::int64_t sum = 0;
      for (int i = 0; i < 4; ++i)
        sum += byte_of(x[0], i, kind.a_signed) * byte_of(x[1], i, kind.b_signed);
      return sum;
    };
    Row dot{fmt::format("Op{}Dot", kind.name),
            {"u32", "u32"},
            "u32",
            fmt::format("%r = Op{}Dot %u32 %a %b PackedVectorFormat4x8Bit", kind.name),
            [=](Arguments x) { return static_cast<Bits>(product(x)) & 0xFFFFFFFF; }};
    dot.values = {words, words};
    Row sum{fmt::format("Op{}DotAccSat", kind.name),
            {"u32", "u32", "u32"},
            "u32",
            fmt::format("%r = Op{}DotAccSat %u32 %a %b %c PackedVectorFormat4x8Bit", kind.name),
            [=](Arguments x) {
              const auto word = static_cast<std::uint32_t>(x[2]);
              const std::int64_t start =
                  is_signed ? static_cast<std::int32_t>(word) : static_cast<std::int64_t>(word);
              const std::int64_t low = is_signed ? INT32_MIN : 0;
              const std::int64_t high =
                  is_signed ? INT32_MAX : static_cast<std::int64_t>(UINT32_MAX);
              return static_cast<Bits>(std::clamp(start + product(x), low, high)) & 0xFFFFFFFF;
            }};
    sum.values = {words, words, sums};
    for (Row* row : {&dot, &sum}) {
      row->capabilities = "OpCapability DotProduct\nOpCapability DotProductInput4x8BitPacked\n";
      rows.push_back(std::move(*row));
    }
  }
}

// ---- Ways through memory
// ----------------------------------------------------------------------------

Row words(const std::string& name, const std::string& globals, const std::string& body,
          std::function<Bits(Bits, Bits)> expect) {
  Row row{name, {"u32", "u32"}, "u32", body, [expect](Arguments x) {
            return expect(x[0], x[1]) & 0xFFFFFFFF;
          }};
  row.globals = globals;
  return row;
}

constexpr const char* kPair =
    "%pair = OpTypeStruct %u32 %u32\n%to_pair = OpTypePointer Private %pair\n"
    "%to_member = OpTypePointer Private %u32\n%one = OpVariable %to_pair Private\n"
    "%two = OpVariable %to_pair Private\n";

}  // namespace

std::vector<Row> memory_rows() {
  std::vector<Row> rows;
  integer_atomics(rows, "u32");
  integer_atomics(rows, "u64");
  float_atomics(rows, "f32");
  float_atomics(rows, "f64");
  dot_products(rows);
  rows.push_back(words("OpCopyMemory of a structure", kPair,
                       "%first = OpAccessChain %to_member %one %c_u32_0\n"
                       "%second = OpAccessChain %to_member %one %c_u32_1\nOpStore %first %a\n"
                       "OpStore %second %b\nOpCopyMemory %two %one\nOpStore %first %c_u32_0\n"
                       "%x = OpInBoundsAccessChain %to_member %two %c_u32_0\n"
                       "%y = OpInBoundsAccessChain %to_member %two %c_u32_1\n"
                       "%xv = OpLoad %u32 %x\n%yv = OpLoad %u32 %y\n%r = OpISub %u32 %xv %yv",
                       [](Bits a, Bits b) { return a - b; }));
  rows.push_back(words("OpMemoryBarrier", {},
                       "OpMemoryBarrier %c_u32_1 %c_u32_72\n%r = OpIAdd %u32 %a %b",
                       [](Bits a, Bits b) { return a + b; }));
  Row expect = words("OpExpectKHR, OpAssumeTrueKHR", {},
                     "%t = OpIEqual %bool %a %a\nOpAssumeTrueKHR %t\n%x = OpExpectKHR %u32 %a "
                     "%c_u32_3\n%r = OpIAdd %u32 %x %b",
                     [](Bits a, Bits b) { return a + b; });
  expect.capabilities = "OpCapability ExpectAssumeKHR\nOpExtension \"SPV_KHR_expect_assume\"\n";
  rows.push_back(std::move(expect));
  Row step = words("OpPtrAccessChain from the first element", {},
                   "%zero = OpAccessChain %pointer0 %buffer0 %c_u32_0 %c_u32_0\n"
                   "%there = OpPtrAccessChain %pointer0 %zero %i\n%v = OpLoad %u32 %there\n"
                   "%r = OpIAdd %u32 %v %b",
                   [](Bits a, Bits b) { return a + b; });
  step.capabilities = "OpCapability VariablePointers\n";
  step.decorations = "OpDecorate %pointer0 ArrayStride 4\n";
  step.own_place = true;  // the element is its own in every form
  rows.push_back(std::move(step));
  struct Test {
    const char* op;
    Bits (*f)(Bits, Bits);
  };
  const Test tests[] = {{"OpPtrEqual", [](Bits a, Bits b) { return Bits{a % 5 == b % 5}; }},
                        {"OpPtrNotEqual", [](Bits a, Bits b) { return Bits{a % 5 != b % 5}; }},
                        {"OpPtrDiff", [](Bits a, Bits b) { return a % 5 - b % 5; }}};
  for (const Test& test : tests) {
    const bool is_number = std::string_view(test.op) == "OpPtrDiff";
    Row row = words(test.op, {},
                    std::string("%x = OpUMod %u32 %a %c_u32_5\n%y = OpUMod %u32 %b %c_u32_5\n"
                                "%p = OpAccessChain %pointer0 %buffer0 %c_u32_0 %x\n"
                                "%q = OpAccessChain %pointer0 %buffer0 %c_u32_0 %y\n") +
                        (is_number ? "%r = OpPtrDiff %u32 %p %q"
                                   : std::string("%t = ") + test.op +
                                         " %bool %p %q\n%r = OpSelect %u32 %t %c_u32_1 %c_u32_0"),
                    test.f);
    row.capabilities = "OpCapability VariablePointers\n";
    row.decorations = "OpDecorate %pointer0 ArrayStride 4\n";
    rows.push_back(std::move(row));
  }
  Row address{"OpConvertUToPtr, OpConvertPtrToU",
              {"u64"},
              "u64",
              "%p = OpConvertUToPtr %to_far %a\n%r = OpConvertPtrToU %u64 %p",
              [](Arguments x) { return x[0]; }};
  address.capabilities =
      "OpCapability PhysicalStorageBufferAddresses\nOpExtension "
      "\"SPV_KHR_physical_storage_buffer\"\n";
  address.globals = "%to_far = OpTypePointer PhysicalStorageBuffer %u32\n";
  rows.push_back(std::move(address));
  Row length = words("OpArrayLength", {},
                     "%n = OpArrayLength %u32 %buffer0 0\n%in = OpULessThan %bool %i %n\n"
                     "%r = OpSelect %u32 %in %a %b",
                     [](Bits a, Bits) { return a; });
  rows.push_back(std::move(length));
  return rows;
}

}  // namespace sokr::differential
