// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Small kernels of every pitfall, compiled for every register width of this machine with
// several interleave factors, against the reference interpreter, bit by bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <map>
#include <random>

#include "compiler/analysis/trace.hpp"
#include "extent.hpp"
#include "kernel_runner.hpp"
#include "same_results.hpp"

namespace sokr::cpu::test {
namespace {

// Binding 0 is read, binding 1 written, both u32[count]; push constant n.
TestLaunch standard_launch(std::uint32_t count, std::uint32_t local, std::uint32_t seed = 1) {
  TestLaunch launch;
  std::mt19937 random(seed);
  std::vector<std::uint32_t> in(count);
  for (auto& x : in) x = random() % 4 == 0 ? random() : random() % 64;
  launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(count * 4, 0xCD)}};
  launch.push = bytes_of<std::uint32_t>({count});
  launch.groups = {(count + local - 1) / local, 1, 1};
  return launch;
}

// Binding 1 gets a mix of all that SPV_KHR_shader_ballot and SPV_KHR_subgroup_vote give, among the
// invocations whose input is odd and apart among the others.
std::string old_ballots() {
  const char* mix = R"(
    %{0}ballot = OpSubgroupBallotKHR %v4 %bit
    %{0}b0 = OpCompositeExtract %uint %{0}ballot 0
    %{0}b1 = OpCompositeExtract %uint %{0}ballot 1
    %{0}any = OpSubgroupAnyKHR %bool %bit
    %{0}all = OpSubgroupAllKHR %bool %bit
    %{0}eq = OpSubgroupAllEqualKHR %bool %x
    %{0}first = OpSubgroupFirstInvocationKHR %uint %x
    %{0}second = OpSubgroupReadInvocationKHR %uint %x %one
    %{0}any1 = OpSelect %uint %{0}any %one %zero
    %{0}all1 = OpSelect %uint %{0}all %two %zero
    %{0}eq1 = OpSelect %uint %{0}eq %four %zero
    %{0}m0 = OpIAdd %uint %{0}any1 %{0}all1
    %{0}m1 = OpIAdd %uint %{0}m0 %{0}eq1
    %{0}m2 = OpIMul %uint %{0}b1 %prime
    %{0}m3 = OpBitwiseXor %uint %{0}b0 %{0}m2
    %{0}m4 = OpIMul %uint %{0}m3 %prime
    %{0}m5 = OpBitwiseXor %uint %{0}m4 %{0}first
    %{0}m6 = OpIMul %uint %{0}m5 %prime
    %{0}m7 = OpBitwiseXor %uint %{0}m6 %{0}second
    %{0}mix = OpIAdd %uint %{0}m7 %{0}m1
  )";
  std::string masks = "%mask0 = OpCopyObject %uint %mixed\n";
  std::string inputs, decorations, variables;
  int next = 0;
  for (const char* name : {"Eq", "Ge", "Gt", "Le", "Lt"}) {
    inputs += fmt::format(" %{}", name);
    decorations += fmt::format("OpDecorate %{0} BuiltIn Subgroup{0}MaskKHR\n", name);
    variables += fmt::format("%{} = OpVariable %to_input4 Input\n", name);
    masks += fmt::format(
        "%load{0} = OpLoad %v4 %{0}\n%low{0} = OpCompositeExtract %uint %load{0} 0\n"
        "%high{0} = OpCompositeExtract %uint %load{0} 1\n%sum{0} = OpIMul %uint %high{0} %prime\n"
        "%both{0} = OpBitwiseXor %uint %low{0} %sum{0}\n%scaled{0} = OpIMul %uint %mask{1} %prime\n"
        "%mask{2} = OpBitwiseXor %uint %scaled{0} %both{0}\n",
        name, next, next + 1);
    ++next;
  }
  return R"(
    OpCapability Shader
    OpCapability SubgroupBallotKHR
    OpCapability SubgroupVoteKHR
    OpExtension "SPV_KHR_shader_ballot"
    OpExtension "SPV_KHR_subgroup_vote"
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %id)" +
         inputs + R"(
    OpExecutionMode %main LocalSize 64 1 1
    OpDecorate %id BuiltIn GlobalInvocationId
    )" + decorations +
         R"(
    OpDecorate %in DescriptorSet 0
    OpDecorate %in Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    OpDecorate %words ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %uint = OpTypeInt 32 0
    %v3 = OpTypeVector %uint 3
    %v4 = OpTypeVector %uint 4
    %zero = OpConstant %uint 0
    %one = OpConstant %uint 1
    %two = OpConstant %uint 2
    %four = OpConstant %uint 4
    %prime = OpConstant %uint 16777619
    %words = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %words
    %to_block = OpTypePointer StorageBuffer %block
    %to_word = OpTypePointer StorageBuffer %uint
    %to_input3 = OpTypePointer Input %v3
    %to_input4 = OpTypePointer Input %v4
    %id = OpVariable %to_input3 Input
    )" + variables +
         R"(
    %in = OpVariable %to_block StorageBuffer
    %out = OpVariable %to_block StorageBuffer
    %main = OpFunction %void None %function
    %label = OpLabel
    %ids = OpLoad %v3 %id
    %i = OpCompositeExtract %uint %ids 0
    %from = OpAccessChain %to_word %in %zero %i
    %x = OpLoad %uint %from
    %twos = OpBitwiseAnd %uint %x %two
    %bit = OpINotEqual %bool %twos %zero
    %ones = OpBitwiseAnd %uint %x %one
    %odd = OpINotEqual %bool %ones %zero
    OpSelectionMerge %merge None
    OpBranchConditional %odd %yes %no
    %yes = OpLabel
    )" + fmt::format(fmt::runtime(mix), "y") +
         "OpBranch %merge\n%no = OpLabel\n" + fmt::format(fmt::runtime(mix), "n") +
         R"(OpBranch %merge
    %merge = OpLabel
    %mixed = OpPhi %uint %ymix %yes %nmix %no
    )" + masks +
         R"(
    %to = OpAccessChain %to_word %out %zero %i
    OpStore %to %mask5
    OpReturn
    OpFunctionEnd)";
}

class Shader : public testing::TestWithParam<const char*> {};

constexpr std::uint32_t kCounts[] = {1, 31, 100, 257};

TEST_P(Shader, AgreesWithTheReference) {
  Bytes module = read_shader(GetParam());
  for (std::uint32_t count : kCounts) expect_same(module, standard_launch(count, 64));
}

// A first version, which has other accesses and other passes, and calls functions that were
// compiled ahead: every second one brings them along.
std::vector<CompileOptions> as_drafts(std::vector<CompileOptions> ways) {
  for (std::size_t n = 0; n < ways.size(); ++n) {
    ways[n].effort = Effort::kDraft;
    if (n % 2 == 0) ways[n].builtins = &builtins_of_test(ways[n].isa);
  }
  return ways;
}

TEST_P(Shader, AgreesWithTheReferenceAsADraft) {
  const Bytes module = read_shader(GetParam());
  const std::vector<CompileOptions> ways = as_drafts(all_options());
  for (std::uint32_t count : kCounts) expect_same(module, standard_launch(count, 64), 32, ways);
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, Shader,
    testing::Values("masks", "loops", "switches", "returns", "privates", "tables", "regions",
                    "barrier_loop", "barrier_call", "private_across_barriers", "indices",
                    "subgroups", "subgroups_diverged", "atomics", "counters", "narrow_types",
                    "rows", "odd_local_size", "structs", "matrices", "byte_dots", "held", "wander",
                    "gaps", "byte_sums", "strides", "narrow_apart", "private_mixed", "chunk_starts",
                    "elements", "private_tiles", "words_of_elements", "decided", "small_functions",
                    "equal_tests"));

// What takes seconds to compile: every second way of compiling, the others with the next shader.
class LargeShader : public testing::TestWithParam<const char*> {};

const char* const kLargeShaders[] = {"aggregates", "calls", "calls_arrays", "nested", "loop_heads"};

std::vector<CompileOptions> ways_of_turn(const char* shader) {
  const auto turn = static_cast<std::size_t>(std::ranges::find(kLargeShaders, shader) -
                                             std::begin(kLargeShaders));
  std::vector<CompileOptions> ways;
  const std::vector<CompileOptions> all = all_options();
  for (std::size_t n = 0; n < all.size(); ++n)
    if (differential::is_its_turn(n, turn, 2, 1)) ways.push_back(all[n]);
  return ways;
}

TEST_P(LargeShader, AgreesWithTheReference) {
  const Bytes module = read_shader(GetParam());
  for (std::uint32_t count : kCounts)
    expect_same(module, standard_launch(count, 64), 32, ways_of_turn(GetParam()));
}

TEST_P(LargeShader, AgreesWithTheReferenceAsADraft) {
  const Bytes module = read_shader(GetParam());
  const std::vector<CompileOptions> ways = as_drafts(ways_of_turn(GetParam()));
  for (std::uint32_t count : {31u, 257u}) expect_same(module, standard_launch(count, 64), 32, ways);
}

INSTANTIATE_TEST_SUITE_P(Kernels, LargeShader, testing::ValuesIn(kLargeShaders),
                         [](const auto& one) { return std::string(one.param); });

// Parts of the compiler make code quicker, and nothing else: one left out, or all, and the result
// is the same.
class Parts : public testing::TestWithParam<const char*> {};

TEST_P(Parts, ChangeNoResult) {
  const Bytes module = read_shader(GetParam());
  std::vector<CompileOptions> ways;
  // A sanitizer sees no compiled code: there a kernel takes its turn of the parts.
  for (unsigned part = 0; part <= kParts; ++part) {
    if (!differential::is_its_turn(part, module.size() / 4, 1, 4)) continue;
    CompileOptions options;
    options.effort = Effort::kQuick;
    options.without = part == kParts ? (UINT64_C(1) << kParts) - 1 : UINT64_C(1) << part;
    ways.push_back(options);
  }
  expect_same(module, standard_launch(100, 64), 32, ways);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Parts,
                         testing::Values("masks", "loops", "switches", "equal_tests", "regions",
                                         "privates", "tables", "rows", "held", "gaps", "strides",
                                         "atomics", "counters", "barrier_loop", "wander",
                                         "narrow_apart"),
                         [](const auto& one) { return std::string(one.param); });

// However it is compiled, the same products and sums become one operation: on all processors that
// have such operations the bits are the same.
TEST(Contraction, DependsOnTheKernelAlone) {
  const Bytes module = read_shader("contraction");
  constexpr std::uint32_t kCount = 300;
  std::mt19937 random(11);
  std::vector<float> in(kCount);
  for (float& x : in) x = std::uniform_real_distribution<float>(-2.0f, 2.0f)(random);
  TestLaunch launch;
  launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(std::size_t{kCount} * 64, 0xCD)}};
  launch.push = bytes_of<std::uint32_t>({kCount});
  launch.groups = {(kCount + 63) / 64, 1, 1};
  std::map<bool, std::vector<std::uint32_t>> expected;  // with and without such operations
  for (CompileOptions options : all_options())
    for (const Effort effort : {Effort::kFull, Effort::kDraft, Effort::kQuick}) {
      options.effort = effort;
      TestLaunch actual = launch;
      auto result = run_compiled(module, options, actual);
      ASSERT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
      const auto got = values_of<std::uint32_t>(actual.buffers[1].data);
      auto& want = expected[options.isa != Isa::kSse4];
      if (want.empty()) want = got;
      for (std::size_t i = 0; i < want.size(); ++i)
        ASSERT_EQ(want[i], got[i]) << describe(options) << " effort " << static_cast<int>(effort)
                                   << ", value " << i / 16 << " form " << i % 16;
    }
  if (expected.size() != 2) return;
  // What is rounded once differs from what is rounded twice, but where `precise` forbids it.
  std::size_t different = 0;
  for (std::size_t i = 0; i < expected[true].size(); ++i)
    if (expected[true][i] != expected[false][i]) {
      EXPECT_NE(i % 16, 7U) << "value " << i / 16;
      ++different;
    }
  EXPECT_GT(different, kCount);
}

// Registers of several rows, of parts of planes and of several planes, and of rows that they cut.
TEST(Rows, ShorterThanARegister) {
  const Bytes module = read_shader("short_rows");
  std::mt19937 random(13);
  std::vector<std::uint32_t> in(4096);
  for (std::uint32_t& x : in) x = random();
  std::vector<_Float16> halves(4096);
  for (_Float16& x : halves) x = static_cast<_Float16>(static_cast<float>(random() % 2048) / 64.0f);
  constexpr std::array<std::uint32_t, 3> kSizes[] = {
      {4, 4, 4}, {8, 8, 1}, {8, 16, 1}, {2, 4, 8}, {1, 16, 1}, {1, 4, 8},  {2, 2, 2}, {4, 2, 4},
      {8, 1, 4}, {4, 3, 3}, {8, 3, 2},  {2, 8, 2}, {4, 4, 1},  {1, 1, 32}, {6, 4, 2}, {16, 2, 2}};
  const std::vector<CompileOptions> ways = all_options();
  std::size_t turn = 0;
  for (const auto& size : kSizes) {
    SCOPED_TRACE(fmt::format("{} {} {}", size[0], size[1], size[2]));
    TestLaunch launch;
    launch.local_size = size;
    launch.groups = {3, 2, 2};
    const std::size_t all = std::size_t{size[0]} * size[1] * size[2] * 12;
    launch.buffers = {
        {0, 0, bytes_of(in)}, {0, 1, Bytes(all * 64, 0xCD)}, {0, 2, bytes_of(halves)}};
    launch.push = bytes_of<std::uint32_t>({77});
    // Two ways for each size, and all ways in turn.
    const CompileOptions one = ways[turn % ways.size()],
                         other = ways[(turn + ways.size() / 2) % ways.size()];
    expect_same(module, launch, 32, {one, other});
    expect_same(module, launch, 32, as_drafts({other}));
    ++turn;
  }
}

_Float16 rounded(double x) {
  return static_cast<_Float16>(x);
}

// A sum of products is as far from the exact one as one rounding takes it: to the half next to it,
// or in a tie that a float hides to the other. Each step that is rounded takes it further.
TEST(Contraction, HalvesAreRoundedOnce) {
  const Bytes module = read_shader("contraction_halves");
  constexpr std::uint32_t kCount = 300;
  std::mt19937 random(12);
  std::vector<_Float16> in(std::size_t{kCount} * 16);
  for (_Float16& x : in) x = rounded(std::uniform_real_distribution<double>(-2.0, 2.0)(random));
  TestLaunch launch;
  launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(std::size_t{kCount} * 32, 0xCD)}};
  launch.push = bytes_of<std::uint32_t>({kCount});
  launch.groups = {(kCount + 63) / 64, 1, 1};
  std::vector<std::uint16_t> expected;
  for (CompileOptions options : all_options())
    for (const Effort effort : {Effort::kFull, Effort::kDraft, Effort::kQuick}) {
      if (options.isa == Isa::kSse4) continue;  // which contracts nothing
      options.effort = effort;
      TestLaunch actual = launch;
      auto result = run_compiled(module, options, actual);
      ASSERT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
      const auto got = values_of<std::uint16_t>(actual.buffers[1].data);
      if (expected.empty()) expected = got;
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_EQ(expected[i], got[i])
            << describe(options) << " effort " << static_cast<int>(effort) << ", value " << i / 16
            << " form " << i % 16;
    }
  if (expected.empty()) return;
  std::size_t stepwise_differs = 0, double_rounded = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const _Float16 *a = &in[i * 16], *b = a + 4, *c = a + 8, *d = a + 12;
    const auto dot = [](const _Float16* x, const _Float16* y, std::size_t step = 1) {
      double sum = 0;  // exact: eight products of 22 bits
      for (std::size_t k = 0; k < 4; ++k)
        sum += static_cast<double>(x[k]) * static_cast<double>(y[k * step]);
      return sum;
    };
    const auto stepwise = [](const _Float16* x, const _Float16* y) {
      _Float16 sum = rounded(static_cast<double>(x[0]) * static_cast<double>(y[0]));
      for (std::size_t k = 1; k < 4; ++k) {
        const _Float16 product = rounded(static_cast<double>(x[k]) * static_cast<double>(y[k]));
        sum = rounded(static_cast<double>(sum) + static_cast<double>(product));
      }
      return sum;
    };
    const auto number = [](_Float16 x) { return static_cast<double>(x); };
    const double ab = dot(a, b), ad = dot(a, d);
    std::array<double, 15> want{};
    want[0] = ab;
    want[1] = ab + number(c[0]);
    want[2] = number(a[0]) * number(b[0]) + number(c[0]);
    want[3] = number(rounded(number(a[0]) * number(b[0]))) + number(c[0]);
    const std::array<const _Float16*, 4> columns{b, c, d, b};
    for (std::size_t k = 0; k < 4; ++k) {
      want[4 + k] = dot(a, columns[k]) + number(c[k]);
      double row = number(d[k]);
      for (std::size_t j = 0; j < 4; ++j) row += number(columns[j][k]) * number(a[j]);
      want[8 + k] = row;
    }
    want[12] = number(c[1]) - number(rounded(ad));
    want[13] = number(rounded(ad)) - number(c[1]);
    want[14] = number(c[2]) - number(a[2]) * number(b[2]);
    for (std::size_t form = 0; form < want.size(); ++form) {
      const auto got = std::bit_cast<_Float16>(expected[i * 16 + form]);
      if (got == rounded(want[form])) continue;
      // Not the half next to it: then next to a tie, by no more than floats lose of such sums.
      ++double_rounded;
      const double error = std::abs(number(got) - want[form]);
      EXPECT_LT(error, std::abs(want[form] - number(rounded(want[form]))) + 0x1p-20)
          << "value " << i << " form " << form;
    }
    stepwise_differs += stepwise(a, b) != std::bit_cast<_Float16>(expected[i * 16]);
  }
  EXPECT_LT(double_rounded, kCount / 10);
  EXPECT_GT(stepwise_differs, kCount / 10);
}

// What is beyond an integer is its nearest end, and what is no number is 0.
TEST(ToIntegers, OfEveryWidth) {
  const Bytes module = read_shader("to_integers");
  std::vector<float> in = {0.0f,     -0.0f,    0.5f,     -0.5f,      0.99999994f, -1.0f,
                           126.9f,   127.5f,   128.0f,   -128.9f,    -129.0f,     255.5f,
                           256.0f,   32767.9f, 32768.0f, -32768.9f,  -32769.0f,   65535.5f,
                           65536.0f, 1e-45f,   -1e-45f,  8388607.5f, 16777217.0f};
  for (float end : {0x1p31f, 0x1p32f, 0x1p63f, 0x1p64f, 0x1p24f})
    for (float x : {end, std::nextafter(end, 0.0f), std::nextafter(end, INFINITY)}) {
      in.push_back(x);
      in.push_back(-x);
    }
  for (float x : {INFINITY, -INFINITY, NAN, -NAN, FLT_MAX, -FLT_MAX}) in.push_back(x);
  const auto count = static_cast<std::uint32_t>(in.size());
  for (std::uint32_t first = 0; first < count; first += 7) {
    SCOPED_TRACE(in[first]);
    std::vector<float> turned = in;
    std::rotate(turned.begin(), turned.begin() + first, turned.end());
    TestLaunch launch;
    launch.buffers = {{0, 0, bytes_of(turned)}, {0, 1, Bytes(std::size_t{count} * 80, 0xCD)}};
    launch.push = bytes_of<std::uint32_t>({count});
    launch.groups = {(count + 63) / 64, 1, 1};
    expect_same(module, launch);
  }
}

TEST(Narrow, RunsAreTheSameAsTheReferences) {
  std::mt19937 random(5);
  const auto bytes = [&](std::size_t count) {
    Bytes out(count);
    for (auto& b : out) b = static_cast<std::uint8_t>(random());
    return out;
  };
  // Halves that are numbers: sums and products of others have no one NaN.
  const auto halves = [&](std::size_t count, std::size_t every, std::size_t at) {
    Bytes out = bytes(count);
    for (std::size_t i = at; i + 1 < count; i += every) out[i + 1] = 0x3C | (out[i + 1] & 0x83);
    return out;
  };
  TestLaunch gather;
  Bytes blocks = halves(144 * 6, 144, 0);
  for (std::size_t i = 0; i < blocks.size(); i += 144) blocks[i + 3] = 0x3C;
  gather.buffers = {{0, 0, blocks},
                    {0, 1, bytes_of<std::uint32_t>({1, 0, 2, 9})},
                    {0, 2, Bytes(1024 * 4 * 4, 0xCD)}};
  gather.push = bytes_of<std::uint32_t>({1000, 2, 2, 2});
  expect_same(read_shader("dequant_gather"), gather);
  TestLaunch store;
  store.buffers = {{0, 0, halves(130 * 33, 130, 0)}, {0, 1, Bytes(512 * 40, 0xCD)}};
  store.push = bytes_of<std::uint32_t>({37});
  store.groups = {2, 1, 1};
  expect_same(read_shader("dequant_store"), store);
  TestLaunch pack;
  pack.buffers = {{0, 0, bytes(128 * 2 * 60)}, {0, 1, bytes(18 * 61)}};
  pack.groups = {2, 1, 1};
  expect_same(read_shader("pack_bits"), pack);
}

// Copies that lie in buffers in part, and several sizes of them.
TEST(Aggregates, AreCopiedWhole) {
  const Bytes module = read_shader("array_copy");
  for (std::uint32_t count : {70u, 257u, 1000u}) {
    TestLaunch launch = standard_launch(count, 64, count);
    launch.buffers.push_back({0, 2, Bytes(std::size_t{count} * 4 + 12, 0xAB)});
    launch.buffers.push_back({0, 3, Bytes(144 * 130, 0xEF)});
    expect_same(module, launch);
  }
}

// Without names, forward references or a copy of them for each use: values made, changed, chosen
// and exchanged in a loop as values.
TEST(Aggregates, AreValuesToo) {
  const Bytes module = assemble(R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %in %out %id
    OpExecutionMode %main LocalSize 64 1 1
    OpDecorate %id BuiltIn GlobalInvocationId
    OpDecorate %in DescriptorSet 0
    OpDecorate %in Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    OpDecorate %words ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %uint = OpTypeInt 32 0
    %uvec3 = OpTypeVector %uint 3
    %u0 = OpConstant %uint 0
    %u1 = OpConstant %uint 1
    %u3 = OpConstant %uint 3
    %u5 = OpConstant %uint 5
    %u7 = OpConstant %uint 7
    %u100 = OpConstant %uint 100
    %array = OpTypeArray %uint %u100
    %pair = OpTypeStruct %array %uint %array
    %nothing = OpConstantNull %array
    %no_pair = OpConstantNull %pair
    %undefined = OpUndef %pair
    %words = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %words
    %to_block = OpTypePointer StorageBuffer %block
    %to_word = OpTypePointer StorageBuffer %uint
    %to_id = OpTypePointer Input %uvec3
    %to_array = OpTypePointer Function %array
    %to_uint = OpTypePointer Function %uint
    %in = OpVariable %to_block StorageBuffer
    %out = OpVariable %to_block StorageBuffer
    %id = OpVariable %to_id Input
    %main = OpFunction %void None %function
    %entry = OpLabel
    %own = OpVariable %to_array Function
    %ids = OpLoad %uvec3 %id
    %i = OpCompositeExtract %uint %ids 0
    %from = OpAccessChain %to_word %in %u0 %i
    %x = OpLoad %uint %from
    %seven = OpCompositeInsert %array %x %nothing 7
    %eight = OpCompositeInsert %array %i %seven 8
    OpStore %own %eight
    %element = OpUMod %uint %x %u100
    %at = OpAccessChain %to_uint %own %element
    OpStore %at %u5
    %b0 = OpLoad %array %own
    OpStore %own %nothing
    %rounds = OpBitwiseAnd %uint %i %u3
    OpBranch %head
    %head = OpLabel
    %a = OpPhi %array %eight %entry %b %next
    %b = OpPhi %array %b0 %entry %a2 %next
    %k = OpPhi %uint %u0 %entry %k1 %next
    %more = OpULessThan %bool %k %rounds
    OpLoopMerge %done %next None
    OpBranchConditional %more %next %done
    %next = OpLabel
    %k1 = OpIAdd %uint %k %u1
    %old = OpCompositeExtract %uint %a 9
    %sum = OpIAdd %uint %old %x
    %a2 = OpCompositeInsert %array %sum %a 9
    OpBranch %head
    %done = OpLabel
    %odd = OpBitwiseAnd %uint %x %u1
    %is_odd = OpIEqual %bool %odd %u1
    %p = OpCompositeConstruct %pair %a %x %b
    %p2 = OpCompositeInsert %pair %nothing %no_pair 2
    %p3 = OpCompositeInsert %pair %b %undefined 0
    %p4 = OpCompositeInsert %pair %i %p3 1
    %p5 = OpCompositeInsert %pair %a %p4 2
    %q = OpSelect %pair %is_odd %p %p5
    %q2 = OpCopyObject %pair %q
    %last = OpCompositeExtract %array %q2 2
    %v0 = OpCompositeExtract %uint %q 0 7
    %v1 = OpCompositeExtract %uint %q 0 9
    %v2 = OpCompositeExtract %uint %q 1
    %v3 = OpCompositeExtract %uint %last 8
    %v4 = OpCompositeExtract %uint %p2 2 50
    OpStore %own %last
    %at2 = OpAccessChain %to_uint %own %element
    %v5 = OpLoad %uint %at2
    %h0 = OpIMul %uint %v0 %u7
    %h1 = OpIAdd %uint %h0 %v1
    %h2 = OpIMul %uint %h1 %u7
    %h3 = OpIAdd %uint %h2 %v2
    %h4 = OpIMul %uint %h3 %u7
    %h5 = OpIAdd %uint %h4 %v3
    %h6 = OpIMul %uint %h5 %u7
    %h7 = OpIAdd %uint %h6 %v4
    %h8 = OpIAdd %uint %h7 %v5
    %to = OpAccessChain %to_word %out %u0 %i
    OpStore %to %h8
    OpReturn
    OpFunctionEnd)");
  for (std::uint32_t count : {64u, 150u}) {
    TestLaunch launch = standard_launch(count, 64, count);
    expect_same(module, launch);
  }
}

TEST(Held, WhateverTheLaunchSays) {
  Bytes module = read_shader("held");
  for (std::uint32_t count : {38u, 39u, 41u, 64u, 128u, 130u})
    expect_same(module, standard_launch(count, 64, count));
}

TEST(Gaps, OfEveryKind) {
  Bytes module = read_shader("gaps");
  for (std::uint32_t count : {60u, 61u, 62u, 63u, 64u, 120u, 121u, 122u, 123u})
    expect_same(module, standard_launch(count, 64, count));
}

// Distances that stay inside, that leave at one row or another, and that wrap.
TEST(EvenRows, AtEveryDistance) {
  Bytes module = read_shader("even_rows");
  for (std::uint32_t pitch : {0u, 1u, 16u, 17u, 40u, 0xFFFF'FFF0u, 0xFFFF'FFFFu, 0x1000'0000u,
                              0x2000'0001u, 0x4000'0000u, 0x8000'0000u, 0x7FFF'FFFFu})
    for (std::uint32_t base : {0u, 5u, 200u, 0xFFFF'FF00u}) {
      SCOPED_TRACE(fmt::format("pitch {:#x}, base {}", pitch, base));
      TestLaunch launch = standard_launch(300, 128, pitch);
      launch.buffers.push_back({0, 2, Bytes(400 * 4, 0xAB)});
      launch.push = bytes_of<std::uint32_t>({300, pitch, base});
      expect_same(module, launch);
    }
}

TEST(Subgroups, OfEverySize) {
  Bytes module = read_shader("subgroups_diverged");
  for (std::uint32_t size : {4u, 8u, 16u, 64u}) {
    SCOPED_TRACE(size);
    expect_same(module, standard_launch(150, 64), size);
  }
}

// Invocations part, so that ballots and votes are those of whoever is there; masks are not.
TEST(Subgroups, AsTheOldExtensionsHaveThem) {
  const Bytes module = assemble(old_ballots());
  for (std::uint32_t size : {4u, 8u, 16u, 32u, 64u}) {
    SCOPED_TRACE(size);
    for (std::uint32_t count : {64u, 150u}) expect_same(module, standard_launch(count, 64), size);
  }
}

TEST(Bounds, ReadsBeyondAreZeroAndWritesAreDropped) {
  Bytes module = read_shader("bounds");
  for (std::uint32_t count : {0u, 1u, 5u, 16u, 63u, 64u, 65u}) {
    TestLaunch launch = standard_launch(128, 64);
    launch.buffers[0].data.resize(count * 4);
    launch.buffers[1].data.resize(count * 4);
    expect_same(module, launch);
  }
}

TEST(Bounds, CountersBeyondAreDropped) {
  Bytes module = read_shader("counters");
  for (std::uint32_t count : {0u, 1u, 7u, 16u, 63u, 64u}) {
    SCOPED_TRACE(count);
    TestLaunch launch = standard_launch(128, 64);
    launch.buffers[1].data.resize(count * 4);
    expect_same(module, launch);
  }
}

TEST(Image, SurvivesOnlyIntact) {
  auto decoded = spirv::decode(read_shader("masks"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  ASSERT_TRUE(entry.ok());
  auto kernel = compile(**decoded, **entry, {});
  ASSERT_TRUE(kernel.ok()) << kernel.failure().sentence;
  Bytes bytes = kernel->serialise();
  EXPECT_TRUE(CompiledKernel::deserialise(bytes).ok());
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    Bytes damaged = bytes;
    damaged[at] ^= 1u << (at % 8);
    EXPECT_FALSE(CompiledKernel::deserialise(damaged).ok()) << "byte " << at;
    EXPECT_FALSE(CompiledKernel::deserialise(std::span(bytes).first(at)).ok()) << "first " << at;
  }
}

TEST(Image, IsTheSameEveryTime) {
  auto decoded = spirv::decode(read_shader("loops"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto first = compile(**decoded, **entry, {});
  auto second = compile(**decoded, **entry, {});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->serialise(), second->serialise());
}

TEST(Abort, EndsAnEndlessKernel) {
  auto decoded = spirv::decode(read_shader("endless"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto kernel = compile(**decoded, **entry, {});
  ASSERT_TRUE(kernel.ok()) << kernel.failure().sentence;
  auto code = MappedKernel::map(*kernel);
  ASSERT_TRUE(code.ok());
  std::vector<std::uint32_t> in(64, 0), out(64, 0);
  KernelBinding bindings[] = {{in.data(), 256}, {out.data(), 256}};
  std::uint32_t push[16] = {64}, abort = 1;
  alignas(64) static std::uint8_t scratch[65536];
  ASSERT_LE(kernel->scratch_size, sizeof scratch);
  KernelContext context;
  context.bindings = bindings;
  context.push_constants = push;
  context.abort = &abort;
  code->entry()(&context, 0, 1, scratch);
}

TEST(Check, NamesWhatItRefuses) {
  Bytes module = read_shader("image");
  auto decoded = spirv::decode(module);
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  auto result = check(**decoded, **entry);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(result.failure().sentence.find("binding 0.0 is an image"), std::string::npos)
      << result.failure().sentence;
}

}  // namespace
}  // namespace sokr::cpu::test
