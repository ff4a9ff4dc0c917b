// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launches that are known from before: that they do what they did, with other values, and that
// whatever else is not as it was is seen.
#include <sokr/kernel.h>

#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr std::size_t kCount = 1000;
constexpr std::uint64_t kBytes = kCount * sizeof(float);

// Saxpy on buffers, whose launches may be known: x is 1, y is 0 at first.
class KnownLaunch : public testing::Test {
 protected:
  KnownLaunch() : saxpy_(kCount, 1.0f) {
    const std::vector<float> ones(kCount, 1.0f);
    for (SokrBuffer& buffer : buffers_) buffer = make();
    EXPECT_TRUE(bench_->memory().write(buffers_[0], 0, ones.data(), kBytes));
    bind();
  }
  SokrBuffer make() {
    auto made = bench_->memory().create(kBytes, 0);
    EXPECT_TRUE(made) << made.failure().sentence;
    return made ? *made : 0;
  }
  void bind(std::uint64_t size = kBytes) {
    bindings_ = {buffer_binding(0, 0, buffers_[0], kBytes, 0, SOKR_ACCESS_READ),
                 buffer_binding(0, 1, buffers_[1], size)};
    saxpy_.launch.bindings = bindings_.data();
  }
  std::uint64_t known() { return (*bench_->session())->known_launches().known(); }
  // The launch was accepted so often that it is known, and has been run so often.
  void make_known(int times = 3) {
    for (int i = 0; i < times; ++i) bench_.run(ir_, saxpy_.launch);
    EXPECT_EQ(known(), static_cast<std::uint64_t>(times - 2));
  }
  void expect_y(float value) {
    std::vector<float> y(kCount);
    ASSERT_TRUE(bench_->memory().read(buffers_[1], 0, y.data(), kBytes));
    for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(y[i], value) << i;
  }
  Result<std::uint64_t> dispatch() { return bench_.dispatch(ir_, saxpy_.launch); }
  // It is refused, and not as one that is known.
  void expect_refused(SokrResult code, const std::string& part) {
    const std::uint64_t before = known();
    const auto token = dispatch();
    ASSERT_FALSE(token);
    EXPECT_EQ(token.code(), code);
    EXPECT_NE(token.failure().sentence.find(part), std::string::npos) << token.failure().sentence;
    EXPECT_EQ(known(), before);
  }

  Bench bench_{Gate::options()};
  std::vector<std::uint8_t> ir_ = shader("saxpy");
  Saxpy saxpy_;
  std::array<SokrBuffer, 2> buffers_{};
  std::vector<SokrBinding> bindings_;
};

TEST_F(KnownLaunch, RunsWithTheValuesThatItIsGiven) {
  make_known();
  float sum = 3;
  for (int i = 1; i <= 20; ++i) {
    saxpy_.push.a = static_cast<float>(i);
    sum += saxpy_.push.a;
    bench_.run(ir_, saxpy_.launch);
  }
  EXPECT_EQ(known(), 21u);
  expect_y(sum);
  saxpy_.push.n = kCount - 1;
  bench_.run(ir_, saxpy_.launch);
  std::vector<float> y(kCount);
  ASSERT_TRUE(bench_->memory().read(buffers_[1], 0, y.data(), kBytes));
  EXPECT_EQ(y[kCount - 2], sum + 20);
  EXPECT_EQ(y[kCount - 1], sum);
}

TEST_F(KnownLaunch, WaitsForTheTokensThatItIsGiven) {
  SokrCompletionToken wait = 0;
  saxpy_.launch.waits = &wait;
  std::uint64_t last = 0;
  for (int i = 0; i < 40; ++i) {
    saxpy_.launch.wait_count = i == 0 ? 0 : 1;
    const auto token = dispatch();
    ASSERT_TRUE(token) << token.failure().sentence;
    wait = sokr_token_encode(1, last = *token);
  }
  EXPECT_EQ(bench_->completion(last, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(known(), 37u);
  expect_y(40);

  wait = sokr_token_encode(2, last);
  expect_refused(SOKR_INVALID_INPUT, "is a token of substrate 2");
  wait = sokr_token_encode(1, 0);
  expect_refused(SOKR_INVALID_INPUT, "is not a completion token");
}

TEST_F(KnownLaunch, AFreedBufferIsRefused) {
  make_known();
  const SokrBuffer freed = buffers_[1];
  ASSERT_TRUE(bench_->memory().free(freed));
  expect_refused(SOKR_INVALID_INPUT, "is gone");
  buffers_[1] = make();
  bind();
  bench_.run(ir_, saxpy_.launch);
  expect_y(1);
}

// Its buffer is kept by a launch that still runs.
TEST_F(KnownLaunch, AFreedBufferIsRefusedWhileItIsUsed) {
  make_known();
  Gate gate(bench_);
  const std::uint64_t running = gate.start();
  const auto behind = dispatch();
  ASSERT_TRUE(behind) << behind.failure().sentence;
  ASSERT_TRUE(bench_->memory().free(buffers_[1]));
  expect_refused(SOKR_INVALID_INPUT, "is gone");
  gate.open();
  EXPECT_EQ(bench_->completion(running, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(bench_->completion(*behind, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
}

TEST_F(KnownLaunch, OtherBytesAreJudgedAnew) {
  make_known();
  bind(kBytes + 4);
  expect_refused(SOKR_INVALID_INPUT, "end beyond buffer");
  bind();
  saxpy_.launch.push_size = 4;
  expect_refused(SOKR_INVALID_INPUT, "push constants");
  saxpy_.launch.push_size = sizeof saxpy_.push;
  // The same address, other IR.
  ir_[0] ^= 1;
  const std::uint64_t before = known();
  EXPECT_FALSE(dispatch());
  EXPECT_EQ(known(), before);
  ir_[0] ^= 1;
  bench_.run(ir_, saxpy_.launch);
  EXPECT_EQ(known(), before + 1);
  expect_y(4);
}

TEST_F(KnownLaunch, AReleasedKernelIsRefused) {
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  const std::vector<std::uint8_t> code = ir_;
  info.ir_data = code.data();
  info.ir_size = code.size();
  info.specializations = &saxpy_.local;
  info.specialization_count = 1;
  info.specialization_size = sizeof(SokrSpecialization);
  const SokrKernelInfo* infos[] = {&info};
  SokrKernel kernel = 0;
  ASSERT_TRUE(bench_->prepare(infos, &kernel));
  const SokrPreparedIr named = sokr_prepared_ir(kernel);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&named);
  ir_.assign(bytes, bytes + sizeof named);
  saxpy_.launch.specialization_count = 0;
  make_known();
  expect_y(3);
  ASSERT_TRUE(bench_->release(kernel));
  expect_refused(SOKR_NOT_FOUND, "");
}

TEST_F(KnownLaunch, HostMemoryIsReadAnewEachTime) {
  Saxpy in_host_memory(kCount);
  for (int i = 0; i < 5; ++i) bench_.run(ir_, in_host_memory.launch);
  EXPECT_EQ(in_host_memory.wrong(5), -1);
  EXPECT_EQ(known(), 0u);
}

}  // namespace
}  // namespace sokr::vulkan::test
