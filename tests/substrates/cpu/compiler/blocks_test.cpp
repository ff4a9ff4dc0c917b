// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Branches that become values: blocks merge, and what is looked up by its place moves with them.
// Pointers are made in other blocks than those that load through them, as optimisers leave it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

constexpr std::uint32_t kInvocations = 64;
constexpr float kPush[] = {10, 3, 0.5f, 7};

// Selections one behind the other. Each may add something to what the ones before made; the
// text and what comes out are made side by side.
class Chain {
 public:
  explicit Chain(std::uint32_t seed) : random_(seed) {
    for (std::uint32_t i = 0; i < kInvocations; ++i) value_[i] = 1;
  }

  void add_selections(std::uint32_t count) {
    for (std::uint32_t k = 0; k < count; ++k) add_selection();
  }

  std::string text() const {
    return R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %index %ids
    OpExecutionMode %main LocalSize 32 1 1
    OpDecorate %index BuiltIn LocalInvocationIndex
    OpDecorate %ids BuiltIn GlobalInvocationId
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 0
    OpDecorate %array ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    OpDecorate %pushed Block
    OpMemberDecorate %pushed 0 Offset 0
    OpMemberDecorate %pushed 1 Offset 4
    OpMemberDecorate %pushed 2 Offset 8
    OpMemberDecorate %pushed 3 Offset 12
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %uint = OpTypeInt 32 0
    %v3uint = OpTypeVector %uint 3
    %float = OpTypeFloat 32
    %one = OpConstant %float 1
    %array = OpTypeRuntimeArray %float
    %block = OpTypeStruct %array
    %pushed = OpTypeStruct %float %float %float %float
    %to_block = OpTypePointer StorageBuffer %block
    %to_float = OpTypePointer StorageBuffer %float
    %to_push = OpTypePointer PushConstant %pushed
    %to_member = OpTypePointer PushConstant %float
    %to_input = OpTypePointer Input %uint
    %to_inputs = OpTypePointer Input %v3uint
    )" + constants() +
           R"(
    %out = OpVariable %to_block StorageBuffer
    %push = OpVariable %to_push PushConstant
    %index = OpVariable %to_input Input
    %ids = OpVariable %to_inputs Input
    %main = OpFunction %void None %function
    %start = OpLabel
    %x = OpAccessChain %to_input %ids %u0
    %at = OpLoad %uint %x
    )" + body_ +
           fmt::format(
               "%place = OpAccessChain %to_float %out %u0 %at\nOpStore %place {}\nOpReturn\n"
               "OpFunctionEnd\n",
               now_);
  }
  const std::array<float, kInvocations>& values() const { return value_; }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  static std::string constants() {
    std::string text;
    for (std::uint32_t i = 0; i <= kInvocations; ++i)
      text += fmt::format("%u{0} = OpConstant %uint {0}\n", i);
    return text;
  }

  // A pointer for whoever comes later, or now.
  void make_pointer() {
    const std::uint32_t member = below(4);
    const std::string name = fmt::format("%p{}", pointers_.size());
    body_ += fmt::format("{} = OpAccessChain %to_member %push %u{}\n", name, member);
    pointers_.push_back({name, member});
    if (below(3) != 0) return;
    const std::string copy = fmt::format("%p{}", pointers_.size());
    body_ += fmt::format("{} = OpCopyObject %to_member {}\n", copy, name);
    pointers_.push_back({copy, member});
  }

  // What a side of the selection makes of the value so far.
  std::string add_side(std::uint32_t n, std::array<float, kInvocations>& values) {
    const std::string name = fmt::format("%s{}", n);
    switch (below(4)) {
      case 0:
        body_ += fmt::format("{} = OpFAdd %float {} %one\n", name, now_);
        for (float& v : values) v += 1;
        return name;
      case 1: {  // a component of a built-in
        body_ += fmt::format(
            "%b{0} = OpLoad %uint %x\n%c{0} = OpBitwiseAnd %uint %b{0} %u3\n%d{0} = OpConvertUToF "
            "%float %c{0}\n{1} = OpFAdd %float {2} %d{0}\n",
            n, name, now_);
        for (std::uint32_t i = 0; i < kInvocations; ++i) values[i] += static_cast<float>(i & 3);
        return name;
      }
      default: {
        const auto& [pointer, member] =
            pointers_[below(static_cast<std::uint32_t>(pointers_.size()))];
        body_ += fmt::format("%l{0} = OpLoad %float {1}\n{2} = OpFAdd %float {3} %l{0}\n", n,
                             pointer, name, now_);
        for (float& v : values) v += kPush[member];
        return name;
      }
    }
  }

  void add_selection() {
    const std::uint32_t k = selections_++;
    make_pointer();
    const std::uint32_t limit = below(kInvocations);
    const bool above = below(2) != 0, negated = below(3) == 0, both = below(2) != 0;
    std::string condition = fmt::format("%t{}", k);
    body_ += fmt::format("{} = {} %bool %at %u{}\n", condition,
                         above ? "OpUGreaterThan" : "OpULessThan", limit);
    if (negated) {
      body_ += fmt::format("%n{} = OpLogicalNot %bool {}\n", k, condition);
      condition = fmt::format("%n{}", k);
    }
    body_ += fmt::format(
        "OpSelectionMerge %merge{0} None\nOpBranchConditional {1} %yes{0} {2}{0}\n%yes{0} = "
        "OpLabel\n",
        k, condition, both ? "%no" : "%merge");
    auto yes = value_, no = value_;
    const std::string from = block_;
    const std::string first = add_side(2 * k, yes);
    body_ += fmt::format("OpBranch %merge{}\n", k);
    std::string second = now_;
    if (both) {
      body_ += fmt::format("%no{} = OpLabel\n", k);
      second = add_side(2 * k + 1, no);
      body_ += fmt::format("OpBranch %merge{}\n", k);
    }
    body_ += fmt::format("%merge{0} = OpLabel\n%v{0} = OpPhi %float {1} %yes{0} {2} {3}\n", k,
                         first, second, both ? fmt::format("%no{}", k) : from);
    for (std::uint32_t i = 0; i < kInvocations; ++i)
      value_[i] = (above ? i > limit : i < limit) != negated ? yes[i] : no[i];
    now_ = fmt::format("%v{}", k);
    block_ = fmt::format("%merge{}", k);
    if (below(4) != 0) return;
    // A block that only follows.
    body_ += fmt::format("OpBranch %next{0}\n%next{0} = OpLabel\n", k);
    block_ = fmt::format("%next{}", k);
  }

  std::mt19937 random_;
  std::string body_, now_ = "%one", block_ = "%start";
  std::vector<std::pair<std::string, std::uint32_t>> pointers_;
  std::uint32_t selections_ = 0;
  std::array<float, kInvocations> value_{};
};

TEST(MergedBlocks, KeepWhatIsLookedUpByPlace) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    Chain chain(seed);
    chain.add_selections(1 + seed % 9);
    const Bytes module = assemble(chain.text());
    TestLaunch launch;
    launch.groups = {kInvocations / 32, 1, 1};
    launch.buffers = {{0, 0, Bytes(kInvocations * 4)}};
    launch.push = bytes_of(std::vector<float>(std::begin(kPush), std::end(kPush)));
    const std::vector<float> expected(chain.values().begin(), chain.values().end());
    TestLaunch reference = launch;
    const auto done = run_reference(module, reference);
    ASSERT_TRUE(done) << done.failure().sentence << "\n" << chain.text();
    ASSERT_EQ(values_of<float>(reference.buffers[0].data), expected) << chain.text();
    for (const CompileOptions& options : all_options()) {
      if (seed > 10 && options.interleave != 0) continue;
      TestLaunch actual = launch;
      const auto ran = run_compiled(module, options, actual);
      ASSERT_TRUE(ran) << describe(options) << ": " << ran.failure().sentence;
      ASSERT_EQ(values_of<float>(actual.buffers[0].data), expected)
          << describe(options) << ", seed " << seed << "\n"
          << chain.text();
    }
  }
}

// Both ways lead out of the loop. What follows in it calls a function with a variable of its own,
// has barriers, and nobody gets there.
const char* const kNeverRepeated = R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %index
    OpExecutionMode %main LocalSize 32 1 1
    OpDecorate %index BuiltIn LocalInvocationIndex
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 0
    OpDecorate %array ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %uint = OpTypeInt 32 0
    %other = OpTypeFunction %uint
    %n0 = OpConstant %uint 0
    %n2 = OpConstant %uint 2
    %n264 = OpConstant %uint 264
    %array = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %array
    %to_block = OpTypePointer StorageBuffer %block
    %to_uint = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %to_own = OpTypePointer Function %uint
    %out = OpVariable %to_block StorageBuffer
    %index = OpVariable %to_input Input
    %main = OpFunction %void None %function
    %start = OpLabel
    %sum = OpVariable %to_own Function
    %i = OpLoad %uint %index
    OpStore %sum %i
    %low = OpULessThan %bool %i %n2
    OpBranch %head
    %head = OpLabel
    OpLoopMerge %done %next None
    OpBranch %body
    %body = OpLabel
    OpSelectionMerge %never None
    OpBranchConditional %low %leave %leave
    %leave = OpLabel
    OpBranch %done
    %never = OpLabel
    %called = OpFunctionCall %uint %callee
    OpStore %sum %called
    OpBranch %next
    %next = OpLabel
    OpBranch %head
    %done = OpLabel
    %s = OpLoad %uint %sum
    %r = OpIAdd %uint %s %n2
    %to = OpAccessChain %to_uint %out %n0 %i
    OpStore %to %r
    OpReturn
    OpFunctionEnd
    %callee = OpFunction %uint None %other
    %first = OpLabel
    %own = OpVariable %to_own Function
    %j = OpLoad %uint %index
    OpStore %own %j
    OpControlBarrier %n2 %n2 %n264
    %back = OpLoad %uint %own
    OpControlBarrier %n2 %n2 %n264
    %twice = OpIAdd %uint %back %j
    OpReturnValue %twice
    OpFunctionEnd
)";

// One workgroup of 32, whose results are these on the interpreter and however it is compiled.
void expect_results(const std::string& text, const std::vector<std::uint32_t>& expected,
                    bool sampled = false) {
  const Bytes module = assemble(text);
  TestLaunch launch;
  launch.buffers = {{0, 0, Bytes(expected.size() * 4)}};
  TestLaunch reference = launch;
  const auto done = run_reference(module, reference);
  ASSERT_TRUE(done) << done.failure().sentence;
  EXPECT_EQ(values_of<std::uint32_t>(reference.buffers[0].data), expected);
  for (const CompileOptions& options : all_options()) {
    if (sampled && options.interleave != 0) continue;
    TestLaunch actual = launch;
    const auto ran = run_compiled(module, options, actual);
    ASSERT_TRUE(ran) << describe(options) << ": " << ran.failure().sentence;
    EXPECT_EQ(values_of<std::uint32_t>(actual.buffers[0].data), expected) << describe(options);
  }
}

std::vector<std::uint32_t> counted_from(std::uint32_t first) {
  std::vector<std::uint32_t> numbers(32);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

TEST(BlocksThatNobodyReaches, KeepNoVariables) {
  expect_results(kNeverRepeated, counted_from(2));
}

// `body` stands in front of the end of the entry point; %i is the invocation, %place its element.
// `others` are functions.
std::string small_kernel(const std::string& body, const std::string& others = {},
                         const std::string& variables = {}) {
  return R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %index
    OpExecutionMode %main LocalSize 32 1 1
    OpDecorate %index BuiltIn LocalInvocationIndex
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 0
    OpDecorate %array ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %uint = OpTypeInt 32 0
    %giver = OpTypeFunction %uint
    %n0 = OpConstant %uint 0
    %n1 = OpConstant %uint 1
    %n3 = OpConstant %uint 3
    %n4 = OpConstant %uint 4
    %n1000 = OpConstant %uint 1000
    %array = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %array
    %four = OpTypeArray %uint %n4
    %to_block = OpTypePointer StorageBuffer %block
    %to_uint = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %to_four = OpTypePointer Function %four
    %to_own = OpTypePointer Function %uint
    %out = OpVariable %to_block StorageBuffer
    %index = OpVariable %to_input Input
    )" + others +
         R"(
    %main = OpFunction %void None %function
    %start = OpLabel
    )" + variables +
         R"(
    %i = OpLoad %uint %index
    %place = OpAccessChain %to_uint %out %n0 %i
    )" + body +
         R"(
    OpReturn
    OpFunctionEnd
    )";
}

TEST(BlocksThatNobodyReaches, FollowACallThatNeverReturns) {
  const char* const kNever = R"(
    %never = OpFunction %uint None %giver
    %nothing = OpLabel
    OpUnreachable
    OpFunctionEnd
    )";
  expect_results(small_kernel(R"(
    OpStore %place %i
    %far = OpUGreaterThan %bool %i %n1000
    OpSelectionMerge %done None
    OpBranchConditional %far %there %done
    %there = OpLabel
    %got = OpFunctionCall %uint %never
    %less = OpSNegate %uint %got
    OpStore %place %less
    %some = OpULessThan %bool %less %n3
    OpSelectionMerge %met None
    OpBranchConditional %some %yes %met
    %yes = OpLabel
    OpStore %place %n3
    OpBranch %met
    %met = OpLabel
    %either = OpPhi %uint %less %there %n1 %yes
    OpStore %place %either
    OpBranch %done
    %done = OpLabel
    )",
                              kNever),
                 counted_from(0));
}

TEST(Copies, OfAPointerAreThePointerHoweverMany) {
  std::string body = "OpStore %four_of %zeros\n%copy0 = OpCopyObject %to_four %four_of\n";
  for (int i = 1; i < 300; ++i)
    body += fmt::format("%copy{} = OpCopyObject %to_four %copy{}\n", i, i - 1);
  body += R"(
    %which = OpBitwiseAnd %uint %i %n3
    %to = OpAccessChain %to_own %copy299 %which
    OpStore %to %i
    %from = OpAccessChain %to_own %four_of %which
    %back = OpLoad %uint %from
    OpStore %place %back
    )";
  expect_results(small_kernel(body, "%zeros = OpConstantNull %four\n",
                              "%four_of = OpVariable %to_four Function\n"),
                 counted_from(0));
}

TEST(Chains, OfNoStepsAreTheirBase) {
  expect_results(small_kernel(R"(
    %same = OpAccessChain %to_four %four_of
    %again = OpInBoundsAccessChain %to_four %same
    %which = OpBitwiseAnd %uint %i %n3
    %to = OpAccessChain %to_own %again %which
    OpStore %to %i
    %from = OpAccessChain %to_own %four_of %which
    %back = OpLoad %uint %from
    %place_again = OpAccessChain %to_uint %place
    OpStore %place_again %back
    )",
                              {}, "%four_of = OpVariable %to_four Function\n"),
                 counted_from(0));
}

// Each branch is decided by what the one before it made, and all of them in one walk: 64 million
// visits of blocks if it took one for each.
TEST(Decisions, FollowFromOneAnother) {
  std::string body = "OpBranch %merge0\n%merge0 = OpLabel\n%v0 = OpCopyObject %uint %n1\n";
  for (int k = 1; k <= 4000; ++k)
    body += fmt::format(
        "%is{0} = OpIEqual %bool %v{1} %n1\nOpSelectionMerge %merge{0} None\n"
        "OpBranchConditional %is{0} %yes{0} %no{0}\n"
        "%yes{0} = OpLabel\nOpBranch %merge{0}\n"
        "%no{0} = OpLabel\nOpStore %place %n4\nOpBranch %merge{0}\n"
        "%merge{0} = OpLabel\n%v{0} = OpPhi %uint %n1 %yes{0} %n3 %no{0}\n",
        k, k - 1);
  body += "%sum = OpIAdd %uint %v4000 %i\nOpStore %place %sum\n";
  expect_results(small_kernel(body), counted_from(1), true);
}

// Each step is looked at once, and not from within the one before.
TEST(Indices, MayBeMadeInManySteps) {
  std::string body = "%step0 = OpIAdd %uint %n1 %n3\n";
  for (int i = 1; i < 30000; ++i)
    body += fmt::format("%step{} = OpIAdd %uint %step{} %n1\n", i, i - 1);
  body += R"(
    %which = OpBitwiseAnd %uint %step29999 %n3
    %to = OpAccessChain %to_own %four_of %which
    OpStore %to %i
    %back = OpLoad %uint %to
    OpStore %place %back
    )";
  expect_results(small_kernel(body, {}, "%four_of = OpVariable %to_four Function\n"),
                 counted_from(0), true);
}

}  // namespace
}  // namespace sokr::cpu::test
