// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The emulated processor runs what it is given, and notices what a wrong kernel does.
#include "processor.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace sokr::cpu::emulated {
namespace {

constexpr std::uint32_t kLoadBindings = 0xf9400001;  // ldr x1, [x0]
constexpr std::uint32_t kLoadData = 0xf9400022;      // ldr x2, [x1]
constexpr std::uint32_t kLoadSize = 0xf9400423;      // ldr x3, [x1, #8]
constexpr std::uint32_t kStoreFirst = 0xb900005f;    // str wzr, [x2]
constexpr std::uint32_t kStoreBehind = 0xb823685f;   // str wzr, [x2, x3]
constexpr std::uint32_t kReturn = 0xd65f03c0;        // ret
constexpr std::uint32_t kUndefined = 0;              // udf #0

std::vector<std::uint8_t> kernel_of(const std::vector<std::uint32_t>& code) {
  CompiledKernel kernel;
  kernel.isa = Isa::kNeon;
  kernel.binding_count = 1;
  kernel.image.resize(code.size() * 4);
  std::memcpy(kernel.image.data(), code.data(), kernel.image.size());
  return kernel.serialise();
}

class Emulated : public testing::Test {
 public:
  Emulated() {
    page_ = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(page_, 0x55, 4096);
  }
  ~Emulated() override { munmap(page_, 4096); }

  // The last 64 bytes of a page, or some in the middle of it.
  Result<void> run(const std::vector<std::uint32_t>& code, std::size_t at = 4096 - 64) {
    data_ = static_cast<std::uint8_t*>(page_) + at;
    const KernelBinding binding{data_, 64};
    return processor_.run(kernel_of(code), {&binding, 1}, {}, {1, 1, 1});
  }
  std::uint32_t first() const {
    std::uint32_t word = 0;
    std::memcpy(&word, data_, 4);
    return word;
  }

 protected:
  Processor processor_{SOKR_TEST_EMULATOR, SOKR_TEST_RUNNER};
  void* page_ = nullptr;
  std::uint8_t* data_ = nullptr;
};

TEST_F(Emulated, RunsAKernel) {
  for (int round = 0; round < 3; ++round) {
    std::memset(page_, 0x55, 4096);
    const auto done = run({kLoadBindings, kLoadData, kStoreFirst, kReturn});
    ASSERT_TRUE(done) << done.failure().sentence;
    EXPECT_EQ(first(), 0u);
    EXPECT_EQ(data_[4], 0x55);
  }
}

TEST_F(Emulated, TellsACrashAndStartsAnew) {
  const auto crash = run({kUndefined});
  ASSERT_FALSE(crash);
  EXPECT_NE(crash.failure().sentence.find("signal 4"), std::string::npos)
      << crash.failure().sentence;
  EXPECT_TRUE(run({kReturn}));
}

TEST_F(Emulated, SeesAWriteBehindABuffer) {
  const std::vector<std::uint32_t> code{kLoadBindings, kLoadData, kLoadSize, kStoreBehind, kReturn};
  const auto at_the_end = run(code);
  ASSERT_FALSE(at_the_end);
  EXPECT_NE(at_the_end.failure().sentence.find("signal 11"), std::string::npos)
      << at_the_end.failure().sentence;
  const auto in_the_middle = run(code, 1024);
  ASSERT_FALSE(in_the_middle);
  EXPECT_NE(in_the_middle.failure().sentence.find("beside its buffers"), std::string::npos)
      << in_the_middle.failure().sentence;
}

TEST_F(Emulated, RefusesCodeForAnotherProcessor) {
  CompiledKernel kernel;
  kernel.isa = Isa::kAvx2;
  kernel.image.resize(4);
  const auto refused = processor_.run(kernel.serialise(), {}, {}, {1, 1, 1});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.failure().sentence.find("compiled for avx2"), std::string::npos)
      << refused.failure().sentence;
}

}  // namespace
}  // namespace sokr::cpu::emulated
