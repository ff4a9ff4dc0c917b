// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Small kernels on one substrate, each for one instruction or one trap.
//
//   test_small_kernels --substrate NAME [GoogleTest's flags]
//
// Every buffer ends at a page that nobody may touch, outputs are poisoned, inputs must come
// out unchanged. Exit 77: the machine does not have what is asked for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstring>
#include <iterator>

#include "../guarded.hpp"
#include "../support.hpp"
#include "element.hpp"
#include "extent.hpp"
#include "optimised.hpp"
#include "pitfall.hpp"

namespace sokr::differential {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::uint32_t kLocalSizes[] = {64, 1, 7, 12, 17, 256, 32, 33};
constexpr unsigned char kPoison = 0xEE;

struct Suite {
  const Context& context;
  Substrate substrate;
  bool lavapipe;
};

// ---- Rows of elements ------------------------------------------------------------------------

std::vector<std::byte> pack(const std::string& type, const std::vector<Bits>& values) {
  const std::size_t size = width_of(type) / 8;
  std::vector<std::byte> bytes(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i) std::memcpy(&bytes[i * size], &values[i], size);
  return bytes;
}

class RowTest : public testing::Test {
 public:
  RowTest(const Suite& suite, const Row& row, std::uint32_t local_size, Operands kind,
          Optimised how)
      : suite_(suite), row_(row), local_size_(local_size), kind_(kind), how_(how) {}

  void TestBody() override {
    const bool edges = !suite_.lavapipe;
    if (!edges && (!row_.defined || row_.ulp > 0)) GTEST_SKIP() << "left to the driver by Vulkan";
    if (suite_.lavapipe && !row_.lavapipe_fault.empty()) GTEST_SKIP() << row_.lavapipe_fault;
    const auto operands = combinations(row_, edges);
    const std::size_t count = operands[0].size();
    const std::string text =
        element_module(row_, local_size_, static_cast<std::uint32_t>(count), kind_);
    const auto original = assemble(text);
    auto words = optimised(original, how_);
    if (words.empty()) words = original;
    const Kernel kernel = suite_.context.kernel(std::as_bytes(std::span(words)));
    const auto reason = suite_.substrate.why_not(kernel);
    if (reason && suite_.lavapipe) GTEST_SKIP() << *reason;
    ASSERT_FALSE(reason) << *reason << "\n" << text;

    std::vector<Guarded> memory;
    std::vector<std::vector<std::byte>> initial;
    for (std::size_t i = 0; i < operands.size(); ++i)
      initial.push_back(pack(row_.inputs[i], operands[i]));
    initial.emplace_back(count * width_of(row_.output) / 8, std::byte{kPoison});
    Launch launch;
    launch.groups(groups_for(kind_, local_size_, count));
    const SokrIrEntryPoint& entry = kernel.entry();
    for (const auto& bytes : initial) memory.emplace_back(bytes);
    for (std::uint32_t i = 0; i < entry.binding_count; ++i) {
      const std::uint32_t binding = entry.bindings[i].binding;
      std::span<std::byte> bytes = memory[binding].bytes();
      const bool output = binding == row_.inputs.size();
      launch.bind(0, binding, output ? sokr::write(bytes) : sokr::read(bytes));
    }
    ASSERT_TRUE(suite_.substrate.dispatch(kernel, launch).wait_for(kPatience)) << "does not end";
    for (std::size_t i = 0; i < memory.size(); ++i) {
      EXPECT_TRUE(memory[i].intact()) << "bytes outside of binding " << i << " have changed";
      if (i == row_.inputs.size()) continue;
      EXPECT_TRUE(std::ranges::equal(memory[i].bytes(), initial[i])) << "input " << i << " changed";
    }
    compare(operands, memory.back().bytes(), text);
  }

 private:
  void compare(const std::vector<std::vector<Bits>>& operands, std::span<const std::byte> output,
               const std::string& text) const {
    const std::size_t size = width_of(row_.output) / 8;
    int wrong = 0;
    std::string lines;
    for (std::size_t n = 0; n < operands[0].size(); ++n) {
      std::vector<Bits> arguments;
      for (std::size_t i = 0; i < operands.size(); ++i)
        arguments.push_back(operands[i][source_of(kind_, local_size_, n, i)]);
      if (suite_.lavapipe && row_.only_ordinary && !are_ordinary(arguments)) continue;
      Bits got = 0;
      std::memcpy(&got, &output[n * size], size);
      const Bits expected = row_.expect(arguments);
      if (agrees(row_.output, expected, got, row_.ulp)) continue;
      // Vulkan keeps the sign of a zero only where a module asks for it, which these do not:
      // lavapipe's f64 Trunc loses it on processors without AVX-512.
      if (suite_.lavapipe && is_zero(row_.output, expected) && is_zero(row_.output, got)) continue;
      if (++wrong > 5) continue;
      lines += fmt::format("element {}:", n);
      for (std::size_t i = 0; i < arguments.size(); ++i)
        lines +=
            fmt::format(" {} = {}", static_cast<char>('a' + i), show(row_.inputs[i], arguments[i]));
      lines += fmt::format("; r is {}, expected {}\n", show(row_.output, got),
                           show(row_.output, expected));
    }
    EXPECT_EQ(wrong, 0) << "of " << operands[0].size() << " elements are wrong:\n"
                        << lines << text.substr(text.find("%work = OpLabel"));
  }

  bool are_ordinary(const std::vector<Bits>& arguments) const {
    for (std::size_t i = 0; i < arguments.size(); ++i)
      if (is_float_type(row_.inputs[i]) && !is_ordinary(row_.inputs[i], arguments[i])) return false;
    return true;
  }

  static bool is_zero(const std::string& type, Bits bits) {
    return is_float_type(type) && to_number(type, bits) == 0;
  }

  static std::string show(const std::string& type, Bits bits) {
    if (!is_float_type(type)) return fmt::format("0x{:x}", bits);
    return fmt::format("{} (0x{:x})", to_number(type, bits), bits);
  }

  const Suite& suite_;
  const Row& row_;
  std::uint32_t local_size_;
  Operands kind_;
  Optimised how_;
};

// ---- Pitfalls ----------------------------------------------------------------------------------

class PitfallTest : public testing::Test {
 public:
  PitfallTest(const Suite& suite, const Pitfall& pitfall) : suite_(suite), pitfall_(pitfall) {}

  void TestBody() override {
    if (suite_.lavapipe && pitfall_.lavapipe != nullptr) GTEST_SKIP() << pitfall_.lavapipe;
    const Kernel kernel = suite_.context.kernel(read_file(std::filesystem::path(SOKR_TEST_SHADERS) /
                                                          (std::string(pitfall_.shader) + ".spv")));
    const auto reason = suite_.substrate.why_not(kernel);
    ASSERT_FALSE(reason) << *reason;
    for (const Guarded::Against against : {Guarded::Against::kEnd, Guarded::Against::kStart})
      run(kernel, against);
  }

 private:
  void run(const Kernel& kernel, Guarded::Against against) const {
    const Situation situation = pitfall_.make();
    std::vector<Guarded> memory;
    Launch launch = situation.launch;
    memory.reserve(situation.buffers.size());
    for (const Words& words : situation.buffers)
      memory.emplace_back(std::as_bytes(std::span(words)), against);
    for (std::size_t i = 0; i < memory.size(); ++i) {
      std::span<std::byte> bytes = memory[i].bytes();
      launch.bind(0, static_cast<std::uint32_t>(i), sokr::read_write(bytes));
    }
    ASSERT_TRUE(suite_.substrate.dispatch(kernel, launch).wait_for(kPatience)) << "does not end";
    std::vector<Words> after;
    for (std::size_t i = 0; i < memory.size(); ++i) {
      EXPECT_TRUE(memory[i].intact()) << "bytes outside of binding " << i << " have changed";
      Words& words = after.emplace_back(situation.buffers[i].size());
      std::memcpy(words.data(), memory[i].bytes().data(), memory[i].bytes().size());
    }
    const std::string wrong = situation.judge(after);
    EXPECT_EQ(wrong, "");
  }

  const Suite& suite_;
  const Pitfall& pitfall_;
};

// GoogleTest takes letters and digits.
std::string test_name(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

void register_row(const Suite& suite, const Row& row, std::size_t i, Operands kind) {
  for (const Optimised how : kAllOptimised) {
    const bool as_compiled = suite.lavapipe || row.as_compiled;
    if (as_compiled && how != Optimised::kNot) continue;
    // A row takes its forms in turn.
    if (!as_compiled &&
        !is_its_turn(i + static_cast<std::size_t>(kind), static_cast<std::size_t>(how),
                     std::size(kAllOptimised), std::size(kAllOptimised)))
      continue;
    testing::RegisterTest(
        name_of(kind), test_name(fmt::format("{}, {}", row.name, name_of(how))).c_str(), nullptr,
        nullptr, __FILE__, __LINE__, [&suite, &row, i, kind, how]() -> testing::Test* {
          return new RowTest(suite, row, kLocalSizes[i % std::size(kLocalSizes)], kind, how);
        });
  }
}

void register_tests(const Suite& suite, const std::vector<Row>& rows,
                    const std::vector<Pitfall>& pitfalls) {
  for (const Operands kind : kAllOperands) {
    // What differs between them is what a compiler of ours makes of it.
    if (suite.lavapipe && kind != Operands::kVarying) continue;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!has_operands(rows[i], kind)) continue;
      // The compiler's own test has more of these.
      if (kind != Operands::kVarying && !is_its_turn(i, 0, 16, 64)) continue;
      register_row(suite, rows[i], i, kind);
    }
  }
  for (const Pitfall& pitfall : pitfalls) {
    testing::RegisterTest(
        "Pitfall", test_name(pitfall.name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [&suite, &pitfall]() -> testing::Test* { return new PitfallTest(suite, pitfall); });
  }
}

int run_all(const std::string& name) {
  const Context context;
  const auto substrate = find_substrate(context, name);
  if (!substrate) return kSkipped;
  report_crashes();
  const Suite suite{context, *substrate, is_packaged_lavapipe(*substrate)};
  // The compiler's own test always has the other rows.
  std::vector<Row> rows;
  for (auto make : {integer_rows, bit_rows, conversion_rows, float_rows, extended_rows,
                    composite_rows, control_rows})
    std::ranges::move(make(), std::back_inserter(rows));
  if (extent() == Extent::kAll) rows = all_rows();
  const std::vector<Pitfall> all = pitfalls();
  register_tests(suite, rows, all);
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace sokr::differential

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 3 || std::string_view(argv[1]) != "--substrate") {
    fmt::print(stderr, "usage: {} --substrate NAME [--gtest_filter=...]\n", argv[0]);
    return 2;
  }
  return sokr::differential::run_all(argv[2]);
}
