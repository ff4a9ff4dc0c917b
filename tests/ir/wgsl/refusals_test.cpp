// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the WGSL plugin recognises, and how it refuses: with line and column, and within bounds of
// memory and stack whatever the text is.
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "wgsl_support.hpp"

namespace sokr::tests {
namespace {

using namespace std::string_view_literals;

const SokrIrPlugin& plugin() {
  static const SokrIrPlugin* const table = open_plugin(SOKR_TEST_PLUGIN);
  return *table;
}

int recognise(std::string_view text) {
  return plugin().recognise(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

TEST(WgslText, IsRecognisedByItsFirstDeclaration) {
  const std::string_view wgsl[] = {
      "@group(0) @binding(0) var<storage> x: array<f32>;",
      "@compute @workgroup_size(1) fn main() {}",
      "\xEF\xBB\xBF// comment\n/* and /* nested */ */ enable f16;",
      "struct Params { n: u32, a: f32 }",
      "struct Params { @size(16) n: u32 }",
      "struct Params // why\n {\n // members\n n : u32 }",
      "const N = 4;",
      "const N: u32 = 4;",
      "override width: u32 = 4;",
      "alias Real = f32;",
      "fn helper(x: f32) -> f32 { return x; }",
      "var<workgroup> tile: array<f32, 4>;",
      "requires readonly_and_readwrite_storage_textures;",
      "diagnostic(off, derivative_uniformity);",
      "alias \xC3\x84 = f32;",
      "// comment\r\xE2\x80\x8E const\xC2\x85N = 4;",
      "// comment\xE2\x80\xA8"
      "const N = 4;",
  };
  for (const std::string_view text : wgsl) EXPECT_EQ(recognise(text), 1) << text;
  const std::string_view others[] = {
      "",
      "// only a comment",
      "/* without an end",
      "#version 450\nvoid main() {}",
      "struct Params { uint n; float a; };",
      "struct Params { float4 at : POSITION; };",
      "const int N = 4;",
      "const float table[2] = float[](1, 2);",
      "void main() {}",
      "var x = 4;",
      "@interface",
      "\x03\x02\x23\x07\0\0\0\0"sv,
      "structure",
      "functional",
      "NULL",
  };
  for (const std::string_view text : others) EXPECT_EQ(recognise(text), 0) << text;
}

// `at` is "LINE:COLUMN: ", and `words` stands behind it.
void expect_refused(std::string_view text, SokrResult code, std::string_view at,
                    std::string_view words) {
  const Verdict verdict = validate(plugin(), text);
  EXPECT_EQ(verdict.code, code) << verdict.sentence;
  EXPECT_TRUE(verdict.sentence.starts_with(at)) << verdict.sentence;
  EXPECT_NE(verdict.sentence.find(words), std::string::npos) << verdict.sentence;
}

constexpr std::string_view kMain = "@compute @workgroup_size(1) fn main() {}\n";

TEST(WgslText, ErrorsSayLineAndColumn) {
  const std::string main(kMain);
  expect_refused("@compute @workgroup_size(1)\nfn main() { let x = 1 }", SOKR_INVALID_IR,
                 "2:23: ", "expected");
  expect_refused("@compute @workgroup_size(1)\nfn main() {\n  var y: f32 = 1u;\n}", SOKR_INVALID_IR,
                 "3:7: ", "y");
  expect_refused("const a = b;\n" + main, SOKR_INVALID_IR, "1:11: ", "b");
  expect_refused("/* \xC3\xA9 */ const a = b;\n" + main, SOKR_INVALID_IR, "1:19: ", "b");
  expect_refused("const a = 1;\n#define B 2\n" + main, SOKR_INVALID_IR,
                 "2:1: ", "a preprocessor, which WGSL does not have");
  EXPECT_EQ(validate(plugin(), "var<private> x: Nope;\n" + main).sentence,
            "1:17: unknown type: `Nope`");
  expect_refused("fn f() {}\n", SOKR_INVALID_IR, "1:10: ", "no compute entry point");
  expect_refused("@fragment fn f() {}\n", SOKR_INVALID_IR, "1:20: ", "no compute entry point");
  expect_refused(
      "@group(0) @binding(0) var<storage> x: f32;\n@compute @workgroup_size(1)\n"
      "fn main() { x = 1.0; }",
      SOKR_INVALID_IR, "3:13: ", "");
  expect_refused("override a: u32;\n" + main, SOKR_CAPABILITY_DENIED, "1:1: ", "no default");
  expect_refused("override a = 2u;\n@id(4) override b = a * 2u;\n" + main, SOKR_CAPABILITY_DENIED,
                 "2:8: ", "@id");
  expect_refused("override a = 2.0;\noverride b = a * 2.0;\n" + main, SOKR_CAPABILITY_DENIED,
                 "2:14: ", "compute it in the function");
}

TEST(WgslText, WhatIsNoTextIsRefused) {
  expect_refused("const a = 1;\n\0"sv, SOKR_INVALID_IR, "2:1: ", "0x00");
  expect_refused("const a = 1; \x1B\n", SOKR_INVALID_IR, "1:14: ", "0x1b");
  expect_refused("const a = 1;\nconst \xC3\x28 = 1;", SOKR_INVALID_IR, "2:7: ", "UTF-8");
  expect_refused("\xFF\xFE", SOKR_INVALID_IR, "1:1: ", "UTF-8");
  expect_refused("", SOKR_INVALID_IR, "1:1: ", "no compute entry point");
  expect_refused("/* /* */", SOKR_INVALID_IR, "1:1: ", "*/");
}

// In KiB.
std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string all;
  all.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += part;
  return all;
}

std::string numbered(std::size_t count, const std::function<std::string(std::size_t)>& part) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += part(i);
  return all;
}

void expect_within_bounds(std::string_view text, const std::string& which) {
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::size_t before = peak_memory();
  const std::clock_t start = std::clock();
  const Verdict verdict = validate(plugin(), text);
  const std::size_t taken = peak_memory() - before;
  EXPECT_LT(taken, 160u << 10) << "text " << which << ", " << text.size() << " bytes";
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC) << "text " << which;
  if (verdict.code == SOKR_OK) return;
  EXPECT_TRUE(verdict.code == SOKR_INVALID_IR || verdict.code == SOKR_CAPABILITY_DENIED)
      << which << ": " << verdict.code;
  EXPECT_TRUE(verdict.sentence[0] >= '1' && verdict.sentence[0] <= '9')
      << which << ": " << verdict.sentence;
}

// Each is refused or accepted, but never more than its bounds.
TEST(WgslText, HostileTextsStayWithinBounds) {
  const std::string main(kMain), begin = "@compute @workgroup_size(1) fn main() { ";
  const std::string texts[] = {
      repeated("(", 200000),
      begin + "let x = " + repeated("(", 90) + "1" + repeated(")", 90) + "; }",
      begin + "let x = " + repeated("(", 50000) + "1" + repeated(")", 50000) + "; }",
      begin + "let x = 1" + repeated("+1", 100000) + "; }",
      begin + "let x = 1" + repeated("+1", 450) + "; }",
      begin + "var y = 1; let x = y" + repeated("+y", 450) + "; }",
      begin + "let x = " + repeated("-", 100000) + "1; }",
      begin + "let x = " + repeated("!", 900) + "true; }",
      begin + repeated("{", 50000) + repeated("}", 50000) + "}",
      begin + repeated("{", 95) + repeated("}", 95) + "}",
      begin + "if true {}" + repeated(" else if true {}", 30000) + "}",
      begin + "var y = true; if y {}" + repeated(" else if y {}", 90) + "}",
      begin + repeated("if true {", 20000) + repeated("}", 20000) + "}",
      begin + "var v: vec4<f32>; let x = v" + repeated(".xyzw", 100000) + "; }",
      begin + "var v: vec4<f32>; let x = v" + repeated(".xyzw", 400) + "; }",
      "alias A = " + repeated("array<", 20000) + "f32" + repeated(",2>", 20000) + ";\n" + main,
      "alias A = " + repeated("vec2<", 240) + "f32" + repeated(">", 240) + ";\n" + main,
      numbered(4000,
               [](std::size_t i) {
                 return "fn f" + std::to_string(i) + "() { f" + std::to_string(i + 1) + "(); }\n";
               }) +
          "fn f4000() {}\n@compute @workgroup_size(1) fn main() { f0(); }",
      numbered(5000, [](std::size_t i) { return "const c" + std::to_string(i) + " = 1;\n"; }),
      numbered(30,
               [](std::size_t i) {
                 const std::string last = i == 0 ? "1u" : "o" + std::to_string(i - 1);
                 return "override o" + std::to_string(i) + " = " + last + " + " + last + ";\n";
               }) +
          "@compute @workgroup_size(1) fn main() { var x = o29 + o29; }",
      begin + "let a0 = 1u; " +
          numbered(60,
                   [](std::size_t i) {
                     const std::string last = "a" + std::to_string(i);
                     return "let a" + std::to_string(i + 1) + " = " + last + " + " + last + "; ";
                   }) +
          "}",
      repeated("// a comment \n", 40000) + main,
      repeated("/*", 200000),
      repeated("const a = 1;\n", 80000),
      repeated("x", 1 << 20),
      std::string(1 << 20, '\0'),
      std::string(1 << 20, ' '),
      repeated("@", 400000),
      repeated("override a: u32 = 1;", 20000),
      repeated("\xC3\xA9", 200000),
      "const a = -array<u32, 1000000000>();\n" + main,
      "const n = 0x40000000u;\nalias A = array<u32, n>;\nconst a = A() + 1;\n" + main,
      "const n = 1 + 1000 * 1000;\nconst a = -array<u32, n * n>();\n" + main,
      "alias A = array<u32, 1 << 30>;\n" + begin + "let a = !A(); }",
      numbered(40,
               [](std::size_t i) {
                 const std::string last = i == 0 ? "u32" : "S" + std::to_string(i - 1);
                 return "struct S" + std::to_string(i) + " { a: " + last + ", b: " + last + " }\n";
               }) +
          "const a = -S39();\n" + main,
      "const t = array(" + repeated("1,", 50000) + "1);\n" +
          repeated("const u: array<f32, 50001> = t;\n", 10000) + main,
      "struct S { a: S, b: T } struct T { a: S } const a = -S();\n" + main,
      "const a = -array\xE2\x80\x8E<u32, 1000000000>();\n" + main,
      "const a = -array/* */\xC2\x85<u32, 1000000000>();\n" + main,
      "alias \xC3\x84 = array<u32, 1000000000>;\nconst a = -\xC3\x84();\n" + main,
      "const \xC3\x84 = 1000000000;\nconst a = -array<u32, \xC3\x84>();\n" + main,
      numbered(4000,
               [](std::size_t i) { return "override a" + std::to_string(i) + ": u32 = 1;\n"; }) +
          main,
  };
  // What ends a line ends a comment: what stands behind it counts.
  const std::string_view ends[] = {"\n",       "\v",           "\f",          "\r",
                                   "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    expect_within_bounds(texts[i], std::to_string(i));
    const std::string end(ends[i % std::size(ends)]);
    expect_within_bounds("//" + end + texts[i], std::to_string(i) + " behind a comment");
  }
  for (const std::string_view end : ends) {
    expect_refused("//" + std::string(end) + begin + "let x = 1" + repeated("+1", 1000) + "; }",
                   SOKR_CAPABILITY_DENIED, "", "too deep in one expression");
  }
}

// Structures that have few words and more parts than anybody can visit.
TEST(WgslText, TypesOfManyPartsAreReflectedOnce) {
  std::string text;
  constexpr std::size_t kStructures = 26, kVariables = 100, kEntries = 20;
  text += numbered(kStructures, [](std::size_t i) {
    const std::string last = i == 0 ? "u32" : "S" + std::to_string(i - 1);
    return "struct S" + std::to_string(i) + " { a: " + last + ", b: " + last + " }\n";
  });
  const std::string last = "S" + std::to_string(kStructures - 1);
  const std::string first = repeated(".a", kStructures);
  text += numbered(kVariables, [&](std::size_t i) {
    const std::string number = std::to_string(i);
    return "@group(0) @binding(" + number + ") var<storage> v" + number + ": " + last + ";\n";
  });
  text += "fn all() -> u32 {\n  var sum = 0u;\n" + numbered(kVariables, [&](std::size_t i) {
            return "  sum += v" + std::to_string(i) + first + ";\n";
          });
  text += "  return sum;\n}\n" + numbered(kEntries, [](std::size_t i) {
            return "@compute @workgroup_size(1) fn e" + std::to_string(i) + "() { _ = all(); }\n";
          });
  const std::clock_t start = std::clock();
  const SokrIrReflection* reflection = nullptr;
  char sentence[256] = "";
  const SokrResult code =
      plugin().reflect(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr, 0,
                       nullptr, &reflection, sentence, sizeof sentence);
  ASSERT_EQ(code, SOKR_OK) << sentence;
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
  ASSERT_EQ(reflection->entry_point_count, kEntries);
  ASSERT_EQ(reflection->entry_points[0].binding_count, kVariables);
  EXPECT_EQ(reflection->entry_points[0].bindings[0].min_size, 4u << kStructures);
  plugin().free_reflection(reflection);
}

TEST(WgslText, LargeArraysAreNoLargeZeros) {
  const std::string text =
      "const n = 1000;\nconst m = n * 1000;\nstruct S { a: array<vec4<f32>, n>, b: u32 }\n"
      "@group(0) @binding(0) var<storage, read_write> x: array<u32, 100000000>;\n"
      "@group(0) @binding(1) var<storage, read_write> y: array<u32, m>;\n"
      "@compute @workgroup_size(1) fn main() {\n"
      "  var s = S(); var t: array<f32, 4 * 4>; t = array<f32, 2 + 14u>(); s.b = x[7] + y[8];\n"
      "  x[0] = s.b + u32(t[x[1] % 16u]);\n}\n";
  EXPECT_EQ(validate(plugin(), text).sentence, "");
  expect_refused(
      "const m = 4;\nalias A = array<u32, max(m, 2)>;\nconst a = A();\n" + std::string(kMain),
      SOKR_CAPABILITY_DENIED, "3:11: ", "zero value");
}

TEST(WgslText, SentencesAreCutBetweenCharacters) {
  const std::string text = "const \xC3\xA9\xC3\xA9 = \xC3\xA9\xC3\xA9\xC3\xA9;";
  for (std::size_t capacity = 0; capacity < 60; ++capacity) {
    std::string sentence(64, 'x');
    (void)plugin().validate(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                            sentence.data(), capacity);
    EXPECT_EQ(sentence.substr(capacity), std::string(64 - capacity, 'x'));
    if (capacity == 0) continue;
    const std::size_t end = sentence.find('\0');
    ASSERT_LT(end, capacity);
    // A character that has begun has its second byte.
    EXPECT_TRUE(end == 0 || static_cast<unsigned char>(sentence[end - 1]) != 0xC3u);
  }
}

}  // namespace
}  // namespace sokr::tests
