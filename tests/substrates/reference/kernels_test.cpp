// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Whole kernels: control flow, barriers, memory, atomics, subgroups.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "support.hpp"

namespace sokr::reference::test {
namespace {

struct KernelLaunch {
  std::array<std::uint32_t, 3> groups{1, 1, 1};
  std::vector<Descriptor> descriptors;
  std::vector<std::uint32_t> push;
  OutOfBounds out_of_bounds = OutOfBounds::kFail;
  std::uint32_t subgroup_size = 32;
  const std::atomic<bool>* stop = nullptr;
};

Result<RunReport> run_shader(const std::string& name, const KernelLaunch& setup) {
  SOKR_ASSIGN(const auto program, prepare_bytes(read_shader(name), {}, setup.subgroup_size));
  Launch launch;
  launch.groups = setup.groups;
  launch.descriptors = setup.descriptors;
  launch.push = std::as_bytes(std::span(setup.push));
  launch.out_of_bounds = setup.out_of_bounds;
  launch.stop = setup.stop;
  return run(*program, launch);
}

TEST(Barriers, InLoopsConditionalsAndCallees) {
  for (const std::uint32_t twice : {0u, 1u}) {
    std::vector<std::uint32_t> data(96 * 5);
    std::iota(data.begin(), data.end(), 1000u);
    const auto before = data;
    const auto report =
        run_shader("barriers_anywhere",
                   {.groups = {5, 1, 1}, .descriptors = {bind(0, 0, data)}, .push = {10, twice}});
    ASSERT_TRUE(report) << report.failure().sentence;
    for (std::uint32_t g = 0; g < 5; ++g)
      for (std::uint32_t i = 0; i < 96; ++i)
        ASSERT_EQ(data[g * 96 + i],
                  twice ? before[g * 96 + i] + 10 : before[g * 96 + (i + 10) % 96]);
  }
}

TEST(Barriers, DivergenceIsRefusedByName) {
  std::vector<std::uint32_t> data{0, 1, 0, 1};
  const auto report = run_shader("divergent_barrier", {.descriptors = {bind(0, 0, data)}});
  ASSERT_FALSE(report);
  EXPECT_NE(report.failure().sentence.find("divergent barrier: invocation (0, 0, 0)"),
            std::string::npos)
      << report.failure().sentence;
  EXPECT_NE(report.failure().sentence.find("OpControlBarrier"), std::string::npos);
  std::vector<std::uint32_t> uniform{0, 0, 0, 0};
  const auto fine = run_shader("divergent_barrier", {.descriptors = {bind(0, 0, uniform)}});
  ASSERT_TRUE(fine) << fine.failure().sentence;
  EXPECT_EQ(uniform[0] == 3 || uniform[0] == 7, true);
}

std::uint32_t walk(std::uint32_t n) {
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < 10; ++i) {
    if (i == n) continue;
    std::uint32_t j = 0;
    while (true) {
      ++j;
      if (j > i) break;
      if (j == 7 && n == 5) return 1000 + sum;
      switch ((i + j) % 5) {
        case 0:
          sum += 1;
          [[fallthrough]];
        case 1:
          sum += 10;
          break;
        case 3:
          continue;
        default:
          sum += 100;
      }
      sum += j;
    }
  }
  return sum;
}

TEST(ControlFlow, NestedLoopsAndFallthrough) {
  std::vector<std::uint32_t> data(16);
  const auto report =
      run_shader("control_flow", {.groups = {2, 1, 1}, .descriptors = {bind(0, 0, data)}});
  ASSERT_TRUE(report) << report.failure().sentence;
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(data[i], walk(i)) << i;
}

TEST(ControlFlow, PhisAreCopiedAtOnce) {
  std::vector<std::uint32_t> a{5}, b{9}, out(1);
  run_elements(
      element_module({"u32", "u32"}, "u32",
                     "OpBranch %head\n%head = OpLabel\n"
                     "%x = OpPhi %u32 %a %entry %y %next\n%y = OpPhi %u32 %b %entry %x %next\n"
                     "%k = OpPhi %u32 %zero %entry %k1 %next\n"
                     "%more = OpULessThan %bool %k %three\n"
                     "OpLoopMerge %done %next None\nOpBranchConditional %more %next %done\n"
                     "%next = OpLabel\n%k1 = OpIAdd %u32 %k %one\nOpBranch %head\n"
                     "%done = OpLabel\n%ten = OpIMul %u32 %x %hundred\n%r = OpIAdd %u32 %ten %y",
                     "%three = OpConstant %u32 3\n%hundred = OpConstant %u32 100\n"),
      1, {bind(0, 0, a), bind(0, 1, b), bind(0, 2, out)});
  EXPECT_EQ(out[0], 905u);
}

TEST(ControlFlow, AnEndlessKernelCanBeAbandoned) {
  std::vector<std::uint32_t> data(3);
  std::atomic<bool> stop{false};
  std::thread stopper([&] {
    while (std::atomic_ref<std::uint32_t>(data[1]).load(std::memory_order_relaxed) < 1000)
      std::this_thread::yield();
    stop.store(true);
  });
  const auto report = run_shader("endless", {.descriptors = {bind(0, 0, data)}, .stop = &stop});
  stopper.join();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().sentence, "the launch was abandoned");
}

TEST(Memory, OutOfBoundsReadsGiveZeroAndWritesAreDropped) {
  for (const std::int32_t index : {4, -1, 1 << 28, INT32_MIN, INT32_MAX}) {
    std::vector<std::uint32_t> guarded(12, 0xAAAAAAAA), out(12, 0xBBBBBBBB), vectors(8, 5);
    Descriptor in{0, 0, 0, guarded.data() + 4, 16}, target{0, 1, 0, out.data() + 4, 16};
    KernelLaunch setup{.descriptors = {in, target, bind(0, 2, vectors)},
                       .push = {static_cast<std::uint32_t>(index)},
                       .out_of_bounds = OutOfBounds::kReport};
    const auto report = run_shader("bounds", setup);
    ASSERT_TRUE(report) << report.failure().sentence;
    EXPECT_EQ(report->out_of_bounds_reads, 5u) << index;
    EXPECT_EQ(report->out_of_bounds_writes, 1u);
    EXPECT_NE(report->first_out_of_bounds.find("OpLoad"), std::string::npos)
        << report->first_out_of_bounds;
    EXPECT_NE(report->first_out_of_bounds.find("binding 0.0[0] of 16 bytes"), std::string::npos)
        << report->first_out_of_bounds;
    EXPECT_EQ(out[4], 0u);
    out[4] = 0xBBBBBBBB;
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](auto x) { return x == 0xBBBBBBBB; }));
    EXPECT_EQ(vectors, (std::vector<std::uint32_t>{0, 0, 0, 0, 5, 5, 5, 5}));
    setup.out_of_bounds = OutOfBounds::kFail;
    EXPECT_FALSE(run_shader("bounds", setup));
  }
}

TEST(Memory, DescriptorArraysAndAliasedBindings) {
  std::vector<std::uint32_t> zero(4, 100), one(4, 200), two(4, 300), view(4);
  const auto launch = [&](int index) {
    return run_shader("descriptors", {.groups = {4, 1, 1},
                                      .descriptors = {bind(0, 0, zero, 0), bind(0, 0, one, 1),
                                                      bind(0, 0, two, 2), bind(1, 2, view)},
                                      .push = {static_cast<std::uint32_t>(index)},
                                      .out_of_bounds = OutOfBounds::kReport});
  };
  const std::uint32_t three = 0x40400000;
  ASSERT_TRUE(launch(2));
  EXPECT_EQ(view, std::vector<std::uint32_t>(4, three + 300));
  ASSERT_TRUE(launch(-1));
  EXPECT_EQ(one, std::vector<std::uint32_t>(4, three));
  const auto far = launch(3);
  ASSERT_TRUE(far);
  EXPECT_EQ(far->out_of_bounds_reads, 4u);
  EXPECT_EQ(view, std::vector<std::uint32_t>(4, three));
}

TEST(Memory, LayoutsRoundTrip) {
  // std140, row-major mat2x3: 3 rows of 16 bytes. a@0 b@16 m@32 c@80 (stride 16), 112 bytes.
  std::vector<float> from(56);
  std::iota(from.begin(), from.end(), 1.0f);
  std::vector<float> to430(2 * 20, -1), scalar(2 * 14, -1), parts(4);
  const auto report =
      run_shader("layouts", {.descriptors = {bind(0, 0, from), bind(0, 1, to430),
                                             bind(0, 2, scalar), bind(0, 3, parts)}});
  ASSERT_TRUE(report) << report.failure().sentence;
  const auto at = [&](int item, int offset) { return from[item * 28 + offset / 4]; };
  for (int item = 0; item < 2; ++item) {
    // std430, column-major: a@0 b@16 m@32 (2 columns of 16) c@64 (stride 8), 80 bytes.
    const float* p = &to430[item * 20];
    EXPECT_EQ(p[0], at(item, 0));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p[4 + i], at(item, 16 + 4 * i));
      for (int column = 0; column < 2; ++column)
        EXPECT_EQ(p[8 + column * 4 + i], at(item, 32 + 16 * i + 4 * column));
    }
    for (int k = 0; k < 2; ++k)
      for (int i = 0; i < 2; ++i) EXPECT_EQ(p[16 + 2 * k + i], at(item, 80 + 16 * k + 4 * i));
    EXPECT_EQ(p[7], -1) << "padding is not written";
  }
  // scalar, row-major: a@0 b@4 m@16 (3 rows of 8) c@40, 56 bytes; the items are exchanged.
  EXPECT_EQ(scalar[0], at(1, 0));
  EXPECT_EQ(scalar[1], at(1, 16));
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 2; ++column) {
      EXPECT_EQ(scalar[4 + row * 2 + column], at(1, 32 + 16 * row + 4 * column));
      if (row != 1 || column != 1) {
        EXPECT_EQ(scalar[14 + 4 + row * 2 + column], at(0, 32 + 16 * row + 4 * column));
      }
    }
  // items[0].a is 1: column 1, row 1.
  EXPECT_EQ(scalar[14 + 4 + 1 * 2 + 1], 99);
  EXPECT_EQ(parts[0], at(1, 32 + 16 * 1 + 4));
  EXPECT_EQ(parts[1], at(1, 32 + 16 * 1 + 4));
  EXPECT_EQ(parts[2], at(0, 32 + 16 * 2 + 4));
  EXPECT_EQ(parts[3], 2);
}

TEST(Atomics, EveryInvocationGetsItsOwnTicket) {
  std::vector<std::uint32_t> data(5 + 1025);
  const auto report =
      run_shader("atomics", {.groups = {16, 1, 1}, .descriptors = {bind(0, 0, data)}});
  ASSERT_TRUE(report) << report.failure().sentence;
  EXPECT_EQ(data[0], 1024u);
  EXPECT_EQ(static_cast<std::int32_t>(data[1]), -1023);
  EXPECT_EQ(data[2], 1023u);
  EXPECT_EQ(data[3], 77u);
  EXPECT_EQ(data[4], UINT32_MAX);
  for (std::size_t i = 0; i < 1024; ++i) ASSERT_EQ(data[5 + i], 1u);
  EXPECT_EQ(data[5 + 1024], 1024u + 1000u);
}

TEST(Atomics, AMisalignedAddressFailsTheLaunch) {
  std::vector<std::uint32_t> data(5 + 1026);
  Descriptor shifted{0, 0, 0, reinterpret_cast<std::uint8_t*>(data.data()) + 2, 4 * 1030};
  const auto report = run_shader("atomics", {.descriptors = {shifted}});
  ASSERT_FALSE(report);
  EXPECT_NE(report.failure().sentence.find("not a multiple of its size"), std::string::npos);
}

// What each lane of a subgroup of `size` lanes with `count` active ones counts in the loop.
std::vector<std::uint32_t> loop_rounds(std::uint32_t count) {
  std::vector<std::uint32_t> rounds(count);
  for (std::uint32_t k = 0; k < 10; ++k) {
    std::uint32_t first = 0, second = 0;
    for (std::uint32_t lane = 0; lane < count; ++lane) {
      first += lane % 8 > k;
      second += lane % 8 > k && k % 2 != lane % 2;
    }
    for (std::uint32_t lane = 0; lane < count; ++lane) {
      if (lane % 8 <= k) continue;
      rounds[lane] += first;
      if (k % 2 != lane % 2) rounds[lane] += 100 * second;
    }
  }
  return rounds;
}

TEST(Subgroups, ReconvergeAfterEveryConstruct) {
  for (const std::uint32_t size : {4u, 8u, 32u, 64u}) {
    std::vector<std::uint32_t> data(40 * 12);
    const auto report = run_shader("subgroup_divergence",
                                   {.descriptors = {bind(0, 0, data)}, .subgroup_size = size});
    ASSERT_TRUE(report) << report.failure().sentence;
    const std::uint32_t subgroups = (40 + size - 1) / size;
    for (std::uint32_t i = 0; i < 40; ++i) {
      const std::uint32_t lane = i % size, first = i - lane, count = std::min(size, 40 - first);
      const std::uint32_t* got = &data[i * 12];
      const auto sum_of = [](std::uint32_t begin, std::uint32_t end) {
        std::uint32_t sum = 0;
        for (; begin < end; ++begin) sum += begin;
        return sum;
      };
      SCOPED_TRACE(testing::Message() << "size " << size << " invocation " << i);
      EXPECT_EQ(got[0], size * 1000 + subgroups * 100 + i / size);
      EXPECT_EQ(got[1], sum_of(first, first + count));
      EXPECT_EQ(got[2], lane);
      EXPECT_EQ(got[3], lane % 3 == 0 ? lane / 3 + 1 : 1);
      EXPECT_EQ(got[4], std::min(5u, count));
      EXPECT_EQ(got[5], loop_rounds(count)[lane]);
      EXPECT_EQ(got[6], count);
      EXPECT_EQ(got[7], i ^ 1);
      EXPECT_EQ(got[8], sum_of(i & ~3u, (i & ~3u) + 4));
      EXPECT_EQ(got[9], i ^ 3);
      EXPECT_EQ(got[10], lane % 2 ? 0 : (count + 1) / 2);
      EXPECT_EQ(got[11], lane >= 2 ? i - 2 : 0);
    }
  }
}

TEST(Extensions, WideAtomicsMatricesAndSharedBlocks) {
  struct Data {
    float total;
    std::uint32_t pad;
    std::uint64_t big;
    std::int64_t least;
    double wide;
    float determinant, inverse[4];
    std::uint32_t seen[16], tail;
  };
  std::vector<Data> data(1);
  data[0] = {};
  const auto report = run_shader("extensions", {.descriptors = {bind(0, 0, data)}});
  ASSERT_TRUE(report) << report.failure().sentence;
  EXPECT_EQ(data[0].total, 8.0f);
  EXPECT_EQ(data[0].big, std::uint64_t{16} << 33);
  EXPECT_EQ(data[0].least, -15 * std::int64_t{0x100000000});
  EXPECT_EQ(data[0].wide, std::sqrt(2.0) + 3);
  EXPECT_EQ(data[0].determinant, 1.0f);
  EXPECT_FLOAT_EQ(data[0].inverse[0], 2);
  EXPECT_FLOAT_EQ(data[0].inverse[1], -1);
  EXPECT_FLOAT_EQ(data[0].inverse[2], -5);
  EXPECT_FLOAT_EQ(data[0].inverse[3], 3);
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(data[0].seen[i], i + 0xABCD00);
}

// Element 1 or 2 of a buffer through a selected pointer, one element further, and the distance
// between the two.
TEST(Extensions, VariablePointers) {
  const auto bytes = assemble(R"(
OpCapability Shader
OpCapability VariablePointers
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %id %buffer
OpExecutionMode %main LocalSize 2 1 1
OpDecorate %id BuiltIn GlobalInvocationId
OpDecorate %array ArrayStride 4
OpDecorate %pointer ArrayStride 4
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpDecorate %buffer DescriptorSet 0
OpDecorate %buffer Binding 0
%void = OpTypeVoid
%main_type = OpTypeFunction %void
%bool = OpTypeBool
%u32 = OpTypeInt 32 0
%v3 = OpTypeVector %u32 3
%id_pointer = OpTypePointer Input %v3
%id = OpVariable %id_pointer Input
%array = OpTypeRuntimeArray %u32
%block = OpTypeStruct %array
%block_pointer = OpTypePointer StorageBuffer %block
%pointer = OpTypePointer StorageBuffer %u32
%buffer = OpVariable %block_pointer StorageBuffer
%c0 = OpConstant %u32 0
%c1 = OpConstant %u32 1
%c2 = OpConstant %u32 2
%c4 = OpConstant %u32 4
%c6 = OpConstant %u32 6
%main = OpFunction %void None %main_type
%entry = OpLabel
%ids = OpLoad %v3 %id
%i = OpCompositeExtract %u32 %ids 0
%first = OpIEqual %bool %i %c0
%p1 = OpAccessChain %pointer %buffer %c0 %c1
%p2 = OpAccessChain %pointer %buffer %c0 %c2
%p = OpSelect %pointer %first %p1 %p2
%q = OpPtrAccessChain %pointer %p %c1
%value = OpLoad %u32 %q
%to = OpIAdd %u32 %i %c4
%out = OpAccessChain %pointer %buffer %c0 %to
OpStore %out %value
%far = OpIAdd %u32 %i %c6
%out2 = OpAccessChain %pointer %buffer %c0 %far
%distance = OpPtrDiff %u32 %out %p
OpStore %out2 %distance
OpReturn
OpFunctionEnd
)");
  const auto program = prepare_bytes(bytes);
  ASSERT_TRUE(program) << program.failure().sentence;
  std::vector<std::uint32_t> data{10, 11, 12, 13, 0, 0, 0, 0};
  const std::vector<Descriptor> descriptors{bind(0, 0, data)};
  Launch launch;
  launch.descriptors = descriptors;
  const auto report = run(**program, launch);
  ASSERT_TRUE(report) << report.failure().sentence;
  EXPECT_EQ(data, (std::vector<std::uint32_t>{10, 11, 12, 13, 12, 13, 3, 3}));
}

TEST(Capability, RefusalsNameWhatIsMissing) {
  const auto refused = prepare_bytes(assemble(R"(
OpCapability Shader
OpCapability Geometry
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
%void = OpTypeVoid
%type = OpTypeFunction %void
%main = OpFunction %void None %type
%entry = OpLabel
OpReturn
OpFunctionEnd
)"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("Geometry"), std::string::npos);
  EXPECT_EQ(prepare_bytes(read_shader("atomics"), {}, 3).code(), SOKR_INVALID_INPUT);
}

// A module with an array of `length` words in Function memory and an undefined value of it.
std::string array_module(std::uint32_t length, std::uint32_t invocations, const char* body) {
  return fmt::format(R"(
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize {} 1 1
%void = OpTypeVoid
%type = OpTypeFunction %void
%uint = OpTypeInt 32 0
%length = OpConstant %uint {}
%workgroup = OpConstant %uint 2
%semantics = OpConstant %uint 264
%array = OpTypeArray %uint %length
%pointer = OpTypePointer Function %array
%main = OpFunction %void None %type
%entry = OpLabel
%own = OpVariable %pointer Function
{}
OpReturn
OpFunctionEnd
)",
                     invocations, length, body);
}

TEST(Capability, MemoryOfAnInvocationIsBounded) {
  const char* undefined = "%value = OpUndef %array";
  const char* barrier = "OpControlBarrier %workgroup %workgroup %semantics";
  EXPECT_TRUE(prepare_bytes(assemble(array_module(1000, 1024, undefined))));
  EXPECT_TRUE(prepare_bytes(assemble(array_module(1000, 1024, barrier))));
  EXPECT_TRUE(prepare_bytes(assemble(array_module(1'000'000, 1024, ""))));
  for (const auto& text : {array_module(1u << 28, 1, undefined), array_module(1u << 28, 1, ""),
                           array_module(1'000'000, 1024, barrier)}) {
    const auto refused = prepare_bytes(assemble(text));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
    EXPECT_NE(refused.failure().sentence.find("components"), std::string::npos)
        << refused.failure().sentence;
  }
}

}  // namespace
}  // namespace sokr::reference::test
