// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How launches end: by themselves, abandoned, or failed, and beside one another.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "support.hpp"

namespace sokr::reference::test {
namespace {

std::string kernel(std::string_view body, std::string_view functions = "") {
  return fmt::format(R"(OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
%void = OpTypeVoid
%type = OpTypeFunction %void
%main = OpFunction %void None %type
%entry = OpLabel
{}
OpReturn
OpFunctionEnd
{})",
                     body, functions);
}

std::shared_ptr<const Program> program_of(const std::string& text) {
  auto program = prepare_bytes(assemble(text));
  EXPECT_TRUE(program) << program.failure().sentence;
  return program ? *program : nullptr;
}

// Says stop when the first workgroup begins, or when memory is accessed.
class Stopper : public AccessObserver {
 public:
  explicit Stopper(bool at_begin) : at_begin_(at_begin) {}
  void access(const Access&) override { stop = true; }
  void begin_group(std::uintptr_t, std::uint64_t) override {
    if (at_begin_) stop = true;
  }
  std::atomic<bool> stop{false};

 private:
  const bool at_begin_;
};

TEST(Runs, AGridThatNobodyCouldEndIsAbandoned) {
  const auto program = program_of(kernel(""));
  Stopper stopper(true);
  Launch launch;
  launch.groups = {UINT32_MAX, UINT32_MAX, 1};
  launch.observer = &stopper;
  launch.stop = &stopper.stop;
  for (int i = 0; i < 2; ++i) {  // while it runs, and before it does
    const auto report = run(*program, launch);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.failure().sentence, "the launch was abandoned");
  }
}

TEST(Runs, AGridThatNobodyCouldEndFailsWithItsFirstWorkgroup) {
  const auto program = prepare_bytes(read_shader("divergent_barrier"));
  ASSERT_TRUE(program) << program.failure().sentence;
  std::vector<std::uint32_t> data{0, 1, 0, 1};
  const std::vector<Descriptor> descriptors{bind(0, 0, data)};
  Launch launch;
  launch.groups = {1u << 20, 1u << 20, 1};
  launch.descriptors = descriptors;
  const auto report = run(**program, launch);
  ASSERT_FALSE(report);
  EXPECT_NE(report.failure().sentence.find("divergent barrier"), std::string::npos)
      << report.failure().sentence;
}

// Each of 60 functions calls the next one twice.
TEST(Runs, CallsWithoutALoopAreAbandonedToo) {
  std::string functions;
  for (int i = 0; i < 60; ++i)
    functions += fmt::format(
        "%f{0} = OpFunction %void None %type\n%l{0} = OpLabel\n"
        "%a{0} = OpFunctionCall %void %f{1}\n%b{0} = OpFunctionCall %void %f{1}\n"
        "OpReturn\nOpFunctionEnd\n",
        i, i + 1);
  functions += "%f60 = OpFunction %void None %type\n%l60 = OpLabel\nOpReturn\nOpFunctionEnd\n";
  std::string text = kernel("OpStore %buffer %zeros\n%first = OpFunctionCall %void %f0", functions);
  text.insert(text.find("\"main\"") + 6, " %buffer");
  text.insert(text.find("%void ="),
              "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n"
              "OpDecorate %buffer DescriptorSet 0\nOpDecorate %buffer Binding 0\n");
  text.insert(text.find("%main = OpFunction"),
              "%uint = OpTypeInt 32 0\n%block = OpTypeStruct %uint\n"
              "%zeros = OpConstantNull %block\n%to = OpTypePointer StorageBuffer %block\n"
              "%buffer = OpVariable %to StorageBuffer\n");
  const auto program = program_of(text);
  std::vector<std::uint32_t> data(1);
  const std::vector<Descriptor> descriptors{bind(0, 0, data)};
  Stopper stopper(false);  // when the invocation is under way
  Launch launch;
  launch.descriptors = descriptors;
  launch.observer = &stopper;
  launch.stop = &stopper.stop;
  const auto report = run(*program, launch);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().sentence, "the launch was abandoned");
}

// Two launches in one arena. The first has two workgroups: that of its own thread ends at once,
// the other one when two workgroups of the second launch have begun. Those go on when the first
// launch has ended, so that its thread may have begun none of them.
class Meeting {
 public:
  struct First : AccessObserver {
    explicit First(Meeting& meeting) : m(meeting) {}
    void access(const Access&) override {}
    void begin_group(std::uintptr_t, std::uint64_t) override { m.begin_first(); }
    Meeting& m;
  } first{*this};
  struct Second : AccessObserver {
    explicit Second(Meeting& meeting) : m(meeting) {}
    void access(const Access&) override {}
    void begin_group(std::uintptr_t, std::uint64_t) override { m.begin_second(); }
    Meeting& m;
  } second{*this};

  void own_first() {
    const std::lock_guard lock(mutex_);
    owner_ = std::this_thread::get_id();
  }
  void await_first() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return first_begun_ == 2; });
  }
  void end_first() {
    const std::lock_guard lock(mutex_);
    first_ended_ = true;
    changed_.notify_all();
  }
  bool was_taken() const { return taken_; }

 private:
  void begin_first() {
    std::unique_lock lock(mutex_);
    ++first_begun_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return first_begun_ == 2; });
    if (std::this_thread::get_id() != owner_)
      changed_.wait(lock, [&] { return second_begun_ >= 2; });
  }
  void begin_second() {
    std::unique_lock lock(mutex_);
    ++second_begun_;
    changed_.notify_all();
    const bool is_taken = std::this_thread::get_id() == owner_ && !first_ended_;
    taken_ = taken_ || is_taken;
    if (!is_taken) changed_.wait(lock, [&] { return first_ended_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread::id owner_;
  int first_begun_ = 0, second_begun_ = 0;
  bool first_ended_ = false, taken_ = false;
};

TEST(Runs, ALaunchWhoseWorkIsDoneEndsWhateverOthersDo) {
  constexpr int kThreads = 4, kRounds = 20;
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, kThreads + 1);
  tbb::task_arena arena(kThreads, 2);
  const auto program = program_of(kernel(""));
  for (int round = 0; round < kRounds; ++round) {
    Meeting meeting;
    std::thread other([&] {
      meeting.await_first();
      Launch launch;
      launch.groups = {8, 1, 1};
      launch.observer = &meeting.second;
      arena.execute([&] { EXPECT_TRUE(run(*program, launch)); });
    });
    Launch launch;
    launch.groups = {2, 1, 1};
    launch.observer = &meeting.first;
    arena.execute([&] {
      meeting.own_first();
      EXPECT_TRUE(run(*program, launch));
      meeting.end_first();
    });
    other.join();
    EXPECT_FALSE(meeting.was_taken()) << "in round " << round;
  }
}

// What types of buffers are planned for is bounded over all of them.
TEST(Runs, WholeBuffersThatAreLoadedAreBounded) {
  constexpr int kTypes = 5;
  std::string annotations, types, functions, calls;
  for (int i = 0; i < kTypes; ++i) {
    annotations += fmt::format(
        "OpDecorate %array{0} ArrayStride 4\nOpDecorate %block{0} Block\n"
        "OpMemberDecorate %block{0} 0 Offset 0\nOpDecorate %buffer{0} DescriptorSet 0\n"
        "OpDecorate %buffer{0} Binding {0}\n",
        i);
    types += fmt::format(
        "%n{0} = OpConstant %uint {1}\n%array{0} = OpTypeArray %uint %n{0}\n"
        "%block{0} = OpTypeStruct %array{0}\n%to{0} = OpTypePointer StorageBuffer %block{0}\n"
        "%buffer{0} = OpVariable %to{0} StorageBuffer\n",
        i, 1'000'000 + i);
    functions += fmt::format(
        "%f{0} = OpFunction %void None %type\n%l{0} = OpLabel\n%x{0} = OpLoad %block{0} "
        "%buffer{0}\nOpReturn\nOpFunctionEnd\n",
        i);
    calls += fmt::format("%c{0} = OpFunctionCall %void %f{0}\n", i);
  }
  const auto with = [&](int count) {
    std::string text = kernel("", functions), called;
    for (int i = 0; i < count; ++i)
      called += fmt::format("%c{0} = OpFunctionCall %void %f{0}\n", i);
    text.insert(text.find("%void ="), annotations);
    text.insert(text.find("%main = OpFunction"), "%uint = OpTypeInt 32 0\n" + types);
    text.insert(text.find("%entry = OpLabel\n") + 17, called);
    std::string interface;
    for (int i = 0; i < count; ++i) interface += fmt::format(" %buffer{}", i);
    return text.insert(text.find("\"main\"") + 6, interface);
  };
  const auto fine = prepare_bytes(assemble(with(kTypes - 1)));
  EXPECT_TRUE(fine) << fine.failure().sentence;
  const auto refused = prepare_bytes(assemble(with(kTypes)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("loaded or stored as a whole"), std::string::npos)
      << refused.failure().sentence;
}

// An array of 2^32 - 1 buffers, one of which is bound.
TEST(Runs, ArraysOfBuffersTakeNoMoreThanIsBound) {
  std::string text = kernel(
      "%p = OpAccessChain %word %buffers %one %zero\nOpStore %p %seven\n"
      "%q = OpAccessChain %word %buffers %seven %zero\n%none = OpLoad %uint %q\n"
      "%sum = OpIAdd %uint %none %seven\n%r = OpAccessChain %word %buffers %one %one\n"
      "OpStore %r %sum");
  text.insert(text.find("\"main\"") + 6, " %buffers");
  text.insert(text.find("%void ="),
              "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n"
              "OpMemberDecorate %block 1 Offset 4\n"
              "OpDecorate %buffers DescriptorSet 0\nOpDecorate %buffers Binding 0\n");
  text.insert(text.find("%main = OpFunction"),
              "%uint = OpTypeInt 32 0\n%zero = OpConstant %uint 0\n%one = OpConstant %uint 1\n"
              "%seven = OpConstant %uint 7\n%most = OpConstant %uint 4294967295\n"
              "%block = OpTypeStruct %uint %uint\n%array = OpTypeArray %block %most\n"
              "%to = OpTypePointer StorageBuffer %array\n"
              "%word = OpTypePointer StorageBuffer %uint\n"
              "%buffers = OpVariable %to StorageBuffer\n");
  const auto program = program_of(text);
  std::vector<std::uint32_t> data(2);
  const std::vector<Descriptor> descriptors{bind(0, 0, data, 1)};
  Launch launch;
  launch.descriptors = descriptors;
  const auto report = run(*program, launch);
  ASSERT_TRUE(report) << report.failure().sentence;
  EXPECT_EQ(data, (std::vector<std::uint32_t>{7, 7}));
}

TEST(Runs, ArraysOfArraysOfBlocksAreRefused) {
  std::string text = kernel("%p = OpAccessChain %word %buffers %zero %zero %zero\nOpStore %p %one");
  text.insert(text.find("%void ="),
              "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n"
              "OpDecorate %buffers DescriptorSet 0\nOpDecorate %buffers Binding 0\n");
  text.insert(text.find("%main = OpFunction"),
              "%uint = OpTypeInt 32 0\n%zero = OpConstant %uint 0\n%one = OpConstant %uint 1\n"
              "%two = OpConstant %uint 2\n%block = OpTypeStruct %uint\n"
              "%row = OpTypeArray %block %two\n%rows = OpTypeArray %row %two\n"
              "%to = OpTypePointer StorageBuffer %rows\n%word = OpTypePointer StorageBuffer %uint\n"
              "%buffers = OpVariable %to StorageBuffer\n");
  const auto module = spirv::decode(assemble(text));
  ASSERT_TRUE(module) << module.failure().sentence;
  const auto refused = prepare(*module, (*module)->entry_points()[0]);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("arrays of blocks"), std::string::npos)
      << refused.failure().sentence;
}

}  // namespace
}  // namespace sokr::reference::test
