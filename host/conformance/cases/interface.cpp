// SPDX-License-Identifier: MIT OR Apache-2.0
// How a kernel meets its host: constants, bindings, sets, entry points, workgroup sizes.
#include <array>
#include <bit>

#include "case.hpp"

namespace sokr::conformance {
namespace {

struct Constants {
  std::uint32_t width = 0;
  std::int32_t bias = -7;
  float factor = 1.5f;
  bool negate = false;
  std::uint32_t taps = 3;
};

Case spec_constants(const Constants& c, std::uint32_t n) {
  std::vector<std::int32_t> expected;
  std::int32_t scaled = c.bias * 3 + static_cast<std::int32_t>(c.taps);
  bool large = c.taps * c.taps > 20 && !c.negate;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t sum = 0;
    for (std::uint32_t t = 0; t < c.taps; ++t) sum += i * (c.taps - 1 - t) * (t + 1);
    std::uint32_t start = i / c.width * c.width;
    expected.insert(expected.end(),
                    {scaled, std::int32_t(c.taps * c.taps), large ? scaled : -scaled,
                     std::int32_t(float(i) * c.factor),
                     c.negate ? -std::int32_t(i) : std::int32_t(i), std::int32_t(sum),
                     std::int32_t(c.width), std::int32_t(start + c.width - 1 - (i - start))});
  }
  return Case()
      .groups((n + c.width - 1) / c.width)
      .push(n)
      .specialize(0, c.width)
      .out({0, 0}, expected.size() * 4, exactly(expected));
}

Case spec_constants_default() {
  return spec_constants({.width = 16}, 40);
}

Case spec_constants_given() {
  Constants given{.width = 24, .bias = 1000, .factor = -0.25f, .negate = true, .taps = 7};
  return spec_constants(given, 50)
      .specialize(1, given.bias)
      .specialize(2, given.factor)
      .specialize(3, given.negate)
      .specialize(4, given.taps);
}

Case spec_constants_partly() {
  Constants given{.width = 5, .taps = 5};
  return spec_constants(given, 13).specialize(4, given.taps);
}

Case shared_id(bool given) {
  if (!given) return Case().groups(1).out<std::uint32_t>({0, 0}, {10, 20, 40, 1});
  return Case()
      .groups(1)
      .specialize(7, std::uint32_t{33})
      .specialize(8, false)
      .out<std::uint32_t>({0, 0}, {33, 33, 99, 0});
}

Case local_size_id(std::uint32_t half, std::uint32_t groups) {
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 2 * half * groups; ++i) expected.push_back(i % (2 * half));
  Case test;
  if (half != 8) test.specialize(0, half);
  return test.groups(groups).out({0, 0}, expected);
}

Case entry_fill() {
  std::vector<std::uint32_t> before(12, 9), after;
  for (std::uint32_t i = 0; i < 8; ++i) after.push_back(5 + i);
  after.resize(12, 9);
  Case test;
  test.launch.entry("fill");
  return test.groups(2).in_out({0, 0}, before, exactly(after));
}

Case entry_square() {
  Random random(5);
  std::vector<std::uint32_t> before = random.words(20), after = before;
  for (std::size_t i = 0; i < 16; ++i) after[i] *= after[i];
  Case test;
  test.launch.entry("square");
  return test.groups(2).in_out({0, 0}, before, exactly(after));
}

Case local_size_override() {
  std::vector<std::uint32_t> before(15, 1), after;
  for (std::uint32_t i = 0; i < 15; ++i) after.push_back(5 + i);
  Case test;
  test.launch.entry("fill").local_size(5);
  return test.groups(3).in_out({0, 0}, before, exactly(after));
}

Case descriptor_sets(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> a = random.words(n), b = random.words(n), expected;
  for (std::uint32_t i = 0; i < n; ++i) expected.push_back((a[i] ^ b[i]) * 2654435761u + 77);
  return Case()
      .threads(n)
      .push(n)
      .in({0, 5}, a)
      .in({1, 0}, b)
      .in<std::uint32_t>({2, 3}, {2654435761u, 77})
      .out({3, 1}, expected);
}

Case descriptor_array(std::uint32_t n) {
  Random random(n);
  Case test = Case().threads(n).push(n);
  std::array<std::vector<std::uint32_t>, 4> inputs;
  for (std::uint32_t i = 0; i < 4; ++i) {
    inputs[i] = random.words(i == 3 ? n + 5 : n);
    test.in_sized({0, 0, i}, inputs[i]);
  }
  // A uniform block of one word is bound in 16 bytes, its size in std140.
  const std::array<std::uint32_t, 2> scales = {3, 0x10001};
  for (std::uint32_t i = 0; i < 2; ++i) {
    test.in<std::uint32_t>({0, 1, i}, {scales[i], 0, 0, 0});
  }
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t group = i / 64;
    expected.push_back(inputs[group % 4][i] * scales[group % 2] + n + 5);
  }
  return test.out({0, 2}, expected);
}

Case aliased_bindings(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> before = random.words(n), after = before, results;
  for (std::uint32_t i = 0; i < n; i += 4) {
    after[i] = std::bit_cast<std::uint32_t>(static_cast<float>(before[i] & 0xFFFFu));
    after[i + 1] ^= 0x80000000u;
    std::array<std::uint32_t, 4> vector = {after[i], after[i + 1], after[i + 2], after[i + 3]};
    after[i + 2] = vector[0] + vector[1];
    for (std::uint32_t j = 0; j < 4; ++j) results.push_back(after[i + j] + vector[3 - j]);
  }
  return Case().threads(n / 4).push(n).in_out({0, 0}, before, exactly(after)).out({0, 1}, results);
}

Case array_length() {
  std::vector<std::uint32_t> a(37, 4), results = {37, 3, 5, 4 + 6 + 8};
  std::vector<float> b(4 + 3 * 4, 6), c(1 + 5 * 3, 8);
  return Case().groups(1).in_sized({0, 0}, a).in_sized({0, 1}, b).in_sized({0, 2}, c).out({0, 3},
                                                                                          results);
}

// A binding whose size is no multiple of the element: the rest is not an element.
Case array_length_with_rest() {
  std::vector<std::uint32_t> a(2, 4), results = {2, 1, 2, 4 + 6 + 8};
  std::vector<float> b(4 + 4 + 3, 6), c(1 + 2 * 3 + 2, 8);
  return Case().groups(1).in_sized({0, 0}, a).in_sized({0, 1}, b).in_sized({0, 2}, c).out({0, 3},
                                                                                          results);
}

Case out_of_range(std::uint32_t far) {
  constexpr std::uint32_t n = 100;
  Random random(far);
  std::vector<std::uint32_t> a = random.words(n), b = random.words(n), expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    expected.push_back(0);
    expected.push_back(i % 2 == 0 ? a[i] : 0);
  }
  return Case()
      .threads(n)
      .push(n, far)
      .in_sized({0, 0}, a)
      .in_out_sized({0, 1}, b, exactly(b))
      .out({0, 2}, expected);
}

using Counts = std::array<std::uint32_t, 3>;

// Invocation 0 of the first workgroup writes behind what a launch from 0,0,0 would write before it.
Case builtins(const Counts& base) {
  constexpr Counts kSize = {4, 3, 2}, kGroups = {3, 2, 4};
  const Counts at = {base[0] * 4, base[1] * 3, base[2] * 2};
  const std::uint32_t skipped = (at[2] * 3 * kGroups[1] + at[1]) * 4 * kGroups[0] + at[0];
  std::vector<std::uint32_t> expected(std::size_t{skipped} * 16, 7);
  for (std::uint32_t z = 0; z < kSize[2] * kGroups[2]; ++z) {
    for (std::uint32_t y = 0; y < kSize[1] * kGroups[1]; ++y) {
      for (std::uint32_t x = 0; x < kSize[0] * kGroups[0]; ++x) {
        std::uint32_t lx = x % 4, ly = y % 3, lz = z % 2;
        expected.insert(expected.end(), {at[0] + x, at[1] + y, at[2] + z, (lz * 3 + ly) * 4 + lx});
        expected.insert(expected.end(), {lx, ly, lz, kGroups[0]});
        expected.insert(expected.end(),
                        {base[0] + x / 4, base[1] + y / 3, base[2] + z / 2, kGroups[1]});
        expected.insert(expected.end(), {4, 3, 2, kGroups[2]});
      }
    }
  }
  Case test;
  if (base != Counts{}) test.launch.base_groups(base[0], base[1], base[2]);
  const std::vector<std::uint32_t> before(expected.size(), 7);
  return test.groups(kGroups[0], kGroups[1], kGroups[2]).in_out({0, 0}, before, exactly(expected));
}

// ---- What callers of Vulkan pass -------------------------------------------------------

struct Passed {
  std::size_t results = 32;        // elements of the 32 that are bound
  std::size_t matrix_floats = 12;  // of the 12 that the block declares, 11 of them data
  std::size_t block_floats = 8;    // 7 of them data
  std::size_t push_words = 12;     // 2 of them are read
  std::uint32_t add = 1;
};

Case vulkan_callers(const Passed& passed) {
  std::vector<float> matrix(12, 5), block(8, 3);
  matrix[10] = 40, block[0] = 200, block[6] = 11;
  matrix.resize(passed.matrix_floats);
  block.resize(passed.block_floats);
  std::vector<std::uint32_t> before(passed.results, 77), after;
  for (std::uint32_t i = 0; i < passed.results; ++i) after.push_back(i * 9 + 40 + 211 + passed.add);
  Case test;
  test.groups(1)
      .in_out_sized({0, 0}, before, exactly(after))
      .in_sized({0, 1}, matrix)
      .in_sized({0, 2}, block);
  for (std::size_t word = 0; word < passed.push_words; ++word)
    test.push(std::uint32_t{word == 1 ? 9u : 1000u});
  return test;
}

Case without_padding() {
  return vulkan_callers({.matrix_floats = 11, .block_floats = 7});
}

Case result_cut_short() {
  return vulkan_callers({.results = 13});
}

Case unused_things() {
  const std::vector<std::uint32_t> words(5, 4);
  return vulkan_callers({.add = 8})
      .specialize(0, std::uint32_t{8})
      .specialize(41, std::uint64_t{1})
      .in_sized({0, 3}, words)
      .in_sized({0, 9}, words)
      .in_sized({0, 1, 2}, words)
      .in_sized({2, 7, 30}, words);
}

// ---- What the launch's values decide -------------------------------------------------------

// Arrays of `count` and `count` + 2 elements, in which some may be left out.
Case runtime_descriptors(std::uint32_t count, std::uint32_t n) {
  std::vector<std::uint32_t> last, expected(n);
  std::vector<std::vector<std::uint32_t>> first(count), second(count + 2);
  for (std::uint32_t k = 0; k < count; ++k)
    for (std::uint32_t i = 0; i < (n + count - 1) / count; ++i) first[k].push_back(1000 * k + i);
  for (std::uint32_t k = 0; k < count + 2; ++k)
    for (std::uint32_t i = 0; i <= n; ++i) second[k].push_back(70000 * k + 3 * i);
  for (std::uint32_t i = 0; i < n; ++i) last.push_back(5 * i);
  for (std::uint32_t i = 0; i < n; ++i)
    expected[i] =
        first[i % count][i / count] + second[1][0] + last[i] + second[count + 1][i + 1] + n;
  Case test;
  test.groups(n / 32).push(count, count + 1);
  for (std::uint32_t k = count; k-- > 0;) test.in_sized({0, 0, k}, first[k]);
  for (std::uint32_t k : {0u, 1u, count + 1}) test.in_sized({0, 2, k}, second[k]);
  return test.in_sized({0, 3}, last).out({0, 1}, expected);
}

Case spec_sized_arrays(std::uint32_t local, std::int32_t copies, bool say_copies) {
  Random random(17);
  const std::vector<std::uint32_t> values = random.words(3 * local);
  std::vector<std::uint32_t> table = random.words(static_cast<std::size_t>(copies) + 1);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t at = 0; at < values.size(); ++at) {
    const std::uint32_t from = at / local * local + (at % local + 1) % local;
    std::uint32_t sum = table[0];
    for (std::int32_t c = 0; c < copies; ++c) sum += values[from] * table[std::size_t(c) + 1];
    expected.push_back(sum);
  }
  Case test;
  test.groups(3).specialize(0, 4 * local).specialize(1, local);
  if (say_copies) test.specialize(2, copies);
  return test.in_out_sized({0, 0}, values, exactly(expected)).in_sized({0, 1}, table);
}

Case spec_division(std::uint32_t by, std::int32_t least, std::int32_t signed_by,
                   const std::vector<std::int32_t>& expected) {
  return Case()
      .groups(1)
      .specialize(0, by)
      .specialize(1, least)
      .specialize(2, signed_by)
      .out({0, 0}, expected);
}

}  // namespace

std::vector<Entry> interface_cases() {
  return {
      {"vulkan_callers", "all of it", [] { return vulkan_callers({}); }},
      {"vulkan_callers", "without padding", without_padding},
      {"vulkan_callers", "result cut short", result_cut_short},
      {"vulkan_callers", "push members that are read",
       [] { return vulkan_callers({.push_words = 2}); }},
      {"vulkan_callers", "push beyond the block",
       [] { return vulkan_callers({.push_words = 32}); }},
      {"vulkan_callers", "unused bindings and constants", unused_things},
      {"runtime_descriptors", "3 and 5", [] { return runtime_descriptors(3, 192); }},
      {"runtime_descriptors", "1 and 3", [] { return runtime_descriptors(1, 64); }},
      {"runtime_descriptors_varying", "3 and 5", [] { return runtime_descriptors(3, 192); }},
      {"spec_sized_arrays", "32, 3", [] { return spec_sized_arrays(32, 3, false); }},
      {"spec_sized_arrays", "48, 1", [] { return spec_sized_arrays(48, 1, true); }},
      {"spec_sized_arrays", "5, 9", [] { return spec_sized_arrays(5, 9, true); }},
      {"spec_division", "plain", [] { return spec_division(7, -100, 3, {142, 6, -33, 2, 142}); }},
      {"spec_division", "by zero", [] { return spec_division(0, -100, 0, {0, 0, 0, 0, 77}); }},
      {"spec_division", "least by -1",
       [] { return spec_division(1, INT32_MIN, -1, {1000, 0, INT32_MIN, 0, 1000}); }},
      {"spec_constants", "defaults", spec_constants_default},
      {"spec_constants", "all given", spec_constants_given},
      {"spec_constants", "some given", spec_constants_partly},
      {"spec_shared_id", "defaults", [] { return shared_id(false); }},
      {"spec_shared_id", "given", [] { return shared_id(true); }},
      {"local_size_id", "default", [] { return local_size_id(8, 3); }},
      {"local_size_id", "given", [] { return local_size_id(11, 2); }},
      {"two_entry_points", "fill", entry_fill},
      {"two_entry_points", "square", entry_square},
      {"two_entry_points", "local size override", local_size_override},
      {"descriptor_sets", "n=200", [] { return descriptor_sets(200); }},
      {"descriptor_array", "n=500", [] { return descriptor_array(500); }},
      {"aliased_bindings", "n=128", [] { return aliased_bindings(128); }},
      {"array_length", "whole elements", array_length},
      {"array_length", "with a rest", array_length_with_rest},
      {"out_of_range", "just behind", [] { return out_of_range(100); }},
      {"out_of_range", "far behind", [] { return out_of_range(0x0FFFFFF0u); }},
      {"out_of_range", "beyond 4 GiB", [] { return out_of_range(0x7FFFFF00u); }},
      {"builtins", "3x2x4 groups", [] { return builtins({}); }},
      {"builtins", "from workgroup 5,0,0", [] { return builtins({5, 0, 0}); }},
      {"builtins", "from workgroup 7,3,11", [] { return builtins({7, 3, 11}); }},
  };
}

}  // namespace sokr::conformance
