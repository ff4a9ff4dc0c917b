// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every instruction that the compiler takes occurs in a kernel whose results a test judges: the
// operations of the differential suite and its pitfalls, the kernels that run here against the
// interpreter, the conformance suite's.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <element.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "compiler/program/support.hpp"
#include "kernel_runner.hpp"
#include "subgroup_kernels.hpp"

namespace sokr::cpu::test {
namespace {

struct Seen {
  std::set<spv::Op> ops;
  std::set<std::uint32_t> functions;  // of GLSL.std.450
  std::vector<std::string> refused;   // by the reader's own checks of types

  void add(std::span<const std::uint8_t> bytes, const std::string& name) {
    if (const auto typed = spirv::validate(bytes, {.strictness = spirv::Strictness::kOff}); !typed)
      refused.push_back(name + ": " + typed.failure().sentence);
    const auto module = spirv::decode(bytes);
    ASSERT_TRUE(module) << name << ": " << module.failure().sentence;
    for (const auto& function : (*module)->functions())
      for (const auto& block : function.blocks)
        for (const auto& inst : block.body) {
          ops.insert(inst.op);
          if (inst.op == spv::Op::OpExtInst &&
              (*module)->instruction_set(inst.args[0]) == spirv::InstructionSet::kGlslStd450)
            functions.insert(inst.args[1]);
        }
  }
};

Seen seen_everywhere() {
  Seen seen;
  for (const differential::Row& row : differential::all_rows()) {
    const auto words = differential::assemble(differential::element_module(row, 64, 100));
    seen.add({reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 4}, row.name);
  }
  for (const SubgroupKernel& kernel : subgroup_kernels())
    seen.add(assemble(kernel.text), kernel.name);
  // Kernels that are there to be refused or given up.
  const std::set<std::string> unjudged{"endless", "image"};
  std::string_view left = SOKR_TEST_SHADER_FOLDERS;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(':'), left.size());
    for (const auto& entry : std::filesystem::directory_iterator(left.substr(0, end))) {
      if (entry.path().extension() != ".spv" || unjudged.contains(entry.path().stem())) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(in), {});
      seen.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
               entry.path().filename());
    }
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return seen;
}

TEST(Coverage, EveryInstructionThatIsTakenIsJudged) {
  const Seen seen = seen_everywhere();
  std::size_t taken = 0;
  for (std::uint32_t number = 0; number < 0x2000; ++number) {
    const auto op = static_cast<spv::Op>(number);
    const std::string name = spirv::op_name(op);
    if (handler_of(op) == Handler::kUnknown || !name.starts_with("Op")) continue;
    if (op == spv::Op::OpNop) continue;  // nothing comes of it
    ++taken;
    EXPECT_TRUE(seen.ops.contains(op)) << name << " is in no kernel that a test judges";
  }
  EXPECT_GT(taken, 150u);
  for (std::uint32_t function = 1; function < 100; ++function)
    EXPECT_TRUE(!supports_glsl_std_450(function) || seen.functions.contains(function))
        << spirv::glsl_std_450_name(function) << " is in no kernel that a test judges";
}

// The validator is left out where it would take too long, or is told to: then
// ir/spirv/src/typing.cpp has to know the instruction.
TEST(Coverage, EveryInstructionThatIsJudgedIsTypedWithoutTheValidator) {
  const Seen seen = seen_everywhere();
  EXPECT_GT(seen.ops.size(), 150u);
  for (const std::string& refusal : seen.refused) ADD_FAILURE() << refusal;
}

}  // namespace
}  // namespace sokr::cpu::test
