// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Drafts that call functions compiled ahead, against drafts that bring them along.
#include "compiler/builtins.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/codegen/link.hpp"
#include "compiler/target/traits.hpp"
#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

struct Compiled {
  std::vector<std::uint32_t> words;
  std::size_t llvm_instructions = 0;
};

Compiled run(const Bytes& module, CompileOptions options, TestLaunch launch) {
  Compiled out;
  options.effort = Effort::kDraft;
  options.on_stage = [&](const CompileStage& stage) {
    if (std::string_view(stage.name) == "emit") out.llvm_instructions = stage.size;
  };
  const Result<void> result = run_compiled(module, options, launch);
  EXPECT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
  out.words = values_of<std::uint32_t>(launch.buffers[1].data);
  // Which bits a NaN has depends on the order of operands, which nobody promises.
  for (std::uint32_t& word : out.words)
    if (std::isnan(std::bit_cast<float>(word))) word = 0x7FC00000;
  return out;
}

// Numbers of every size, and what is none.
TestLaunch floats(std::uint32_t count) {
  std::mt19937 random(3);
  std::vector<float> in(std::size_t{count} * 2);
  for (float& x : in) {
    const std::uint32_t bits = random();
    x = bits % 4 == 0 ? std::uniform_real_distribution<float>(-2.0f, 2.0f)(random)
                      : std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  }
  TestLaunch launch;
  launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(std::size_t{count} * 72, 0xCD)}};
  launch.push = bytes_of<std::uint32_t>({count});
  launch.groups = {(count + 63) / 64, 1, 1};
  return launch;
}

TEST(Builtins, GiveTheSameBitsAndLeaveLessToCompile) {
  const Bytes module = read_shader("elementary");
  const TestLaunch launch = floats(300);
  for (CompileOptions options : all_options()) {
    const Compiled without = run(module, options, launch);
    options.builtins = &builtins_of_test(options.isa);
    const Compiled with = run(module, options, launch);
    for (std::size_t i = 0; i < without.words.size(); ++i)
      ASSERT_EQ(without.words[i], with.words[i])
          << describe(options) << ", function " << i % 18 << " of invocation " << i / 18;
    // There are none for one invocation after the other.
    if (!options.scalar_mode) {
      EXPECT_LT(with.llvm_instructions, without.llvm_instructions) << describe(options);
    }
  }
}

// What is read beyond the end is 0, and nothing is written there: by those functions as well.
TEST(Builtins, TestEachLane) {
  const Bytes module = read_shader("elementary");
  TestLaunch launch = floats(300);
  launch.buffers[0].data.resize(100 * 8 + 4);
  launch.buffers[1].data.resize(200 * 72 + 12);
  for (CompileOptions options : all_options()) {
    const Compiled without = run(module, options, launch);
    options.builtins = &builtins_of_test(options.isa);
    EXPECT_EQ(without.words, run(module, options, launch).words) << describe(options);
  }
}

// Halves, where each invocation has its own element or takes one in an order without steps.
TestLaunch halves(std::uint32_t count) {
  std::mt19937 random(7);
  std::vector<std::uint16_t> in(std::size_t{count} * 8);
  // Numbers: which bits a NaN has nobody promises.
  for (std::uint16_t& x : in) x = static_cast<std::uint16_t>(random() % 0x7C00);
  std::vector<std::uint32_t> places(count);
  std::iota(places.begin(), places.end(), 0);
  std::ranges::shuffle(places, random);
  TestLaunch launch;
  launch.buffers = {
      {0, 0, bytes_of(in)}, {0, 1, Bytes(std::size_t{count} * 34, 0xCD)}, {0, 2, bytes_of(places)}};
  launch.push = bytes_of<std::uint32_t>({count});
  launch.groups = {(count + 63) / 64, 1, 1};
  return launch;
}

TEST(Builtins, MoveHalves) {
  const Bytes module = read_shader("half_elements");
  for (const std::size_t cut : {0, 6, 1002}) {
    TestLaunch launch = halves(300), expected = launch;
    for (TestLaunch* one : {&launch, &expected})
      for (std::size_t i : {0, 1}) {
        Bytes& data = one->buffers[i].data;
        data.resize(data.size() - cut);
      }
    ASSERT_TRUE(run_reference(module, expected).ok());
    const auto wanted = values_of<std::uint16_t>(expected.buffers[1].data);
    for (CompileOptions options : all_options()) {
      std::size_t instructions[2] = {};
      for (const bool is_ahead : {false, true}) {
        options.builtins = is_ahead ? &builtins_of_test(options.isa) : nullptr;
        TestLaunch own = launch;
        CompileOptions draft = options;
        draft.effort = Effort::kDraft;
        draft.on_stage = [&](const CompileStage& stage) {
          if (std::string_view(stage.name) == "emit") instructions[is_ahead] = stage.size;
        };
        const Result<void> result = run_compiled(module, draft, own);
        ASSERT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
        EXPECT_EQ(values_of<std::uint16_t>(own.buffers[1].data), wanted)
            << describe(options) << ", " << cut << " bytes less";
      }
      // Nothing is moved half by half in place. (Each is compiled once, for the whole buffers.)
      if (cut == 0 && !options.scalar_mode) {
        EXPECT_GT(instructions[1], 0u);
        EXPECT_LT(instructions[1], instructions[0] * 2 / 3) << describe(options);
      }
    }
  }
}

TEST(Builtins, AreForEveryInstructionSet) {
  for (const Isa isa : kIsas) {
    const Builtins& all = builtins_of_test(isa);
    const std::string width = fmt::format(".v{}", least_traits(isa).lanes);
    EXPECT_TRUE(all.has("load_elements_steps_4" + width)) << isa_name(isa);
    EXPECT_TRUE(all.has("store_elements_indices_2" + width)) << isa_name(isa);
    EXPECT_TRUE(all.has("load_elements_indices_4_halves" + width)) << isa_name(isa);
    EXPECT_TRUE(all.has("store_elements_steps_4_halves" + width)) << isa_name(isa);
    EXPECT_TRUE(all.has("load_pointers_i8" + width)) << isa_name(isa);
    EXPECT_TRUE(all.has("sokr.pow" + width + (least_traits(isa).fma ? "f" : ""))) << isa_name(isa);
    EXPECT_FALSE(all.has("sokr_kernel")) << isa_name(isa);
  }
}

TEST(Builtins, AnythingElseIsNoObject) {
  const std::vector<std::uint8_t> text(100, 'x');
  EXPECT_FALSE(Builtins::read(text));
  std::vector<std::uint8_t> cut(builtins_of_test(host_isa()).object().begin(),
                                builtins_of_test(host_isa()).object().end());
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(Builtins::read(cut));
}

// Of the first section of code that has any.
std::span<Elf64_Rela> relocations(std::vector<std::uint8_t>& object) {
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(object.data());
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(object.data() + header->e_shoff);
  for (std::size_t n = 0; n < header->e_shnum; ++n)
    if (sections[n].sh_type == SHT_RELA && sections[n].sh_size != 0 &&
        (sections[sections[n].sh_info].sh_flags & SHF_EXECINSTR) != 0)
      return {reinterpret_cast<Elf64_Rela*>(object.data() + sections[n].sh_offset),
              sections[n].sh_size / sizeof(Elf64_Rela)};
  return {};
}

TEST(Builtins, AreNotLinkedWithWhatTheyDoNotReach) {
  for (const Isa isa : kIsas) {
    SCOPED_TRACE(isa_name(isa));
    std::vector<std::uint8_t> object = *compile_builtins(isa);
    const std::vector<std::string> names = *defined_names(object);
    ASSERT_FALSE(names.empty());
    EXPECT_TRUE(link_image(object, {}, names.front()).ok());
    const std::span<Elf64_Rela> rows = relocations(object);
    ASSERT_FALSE(rows.empty());
    for (Elf64_Rela& row : rows) row.r_addend = INT64_C(1) << 40;
    const auto image = link_image(object, {}, names.front());
    ASSERT_FALSE(image.ok());
    EXPECT_NE(image.failure().sentence.find("an instruction reaches"), std::string::npos)
        << image.failure().sentence;
  }
}

}  // namespace
}  // namespace sokr::cpu::test
