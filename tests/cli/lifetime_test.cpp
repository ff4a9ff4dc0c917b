// SPDX-License-Identifier: MIT OR Apache-2.0
// Every plugin of the build is loaded, used and unloaded again and again.
#include <gtest/gtest.h>

#include <sokr/sokr.hpp>
#include <thread>

namespace sokr {
namespace {

void use_every_substrate(std::uint32_t rounds) {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const Context context;
    const Kernel kernel = context.kernel(read_file(SOKR_CLI_KERNELS "/copy.spv"));
    std::size_t used = 0;
    for (const Substrate& substrate : context.substrates()) {
      if (substrate.why_not(kernel)) continue;
      std::vector<std::uint32_t> x(100, round), y(100);
      Launch launch;
      launch.threads(100).bind(0, 0, read(x)).bind(0, 1, write(y)).specialize(7, 32u);
      launch.push(std::uint32_t{100}).push(std::uint32_t{1});
      substrate.dispatch(kernel, launch).wait();
      EXPECT_EQ(y[99], 3 * round + 2) << substrate.name();
      ++used;
    }
    EXPECT_GT(used, 0u);
  }
}

TEST(Lifetime, ContextsOneAfterAnother) {
  use_every_substrate(5);
}

TEST(Lifetime, ContextsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([] { use_every_substrate(3); });
  for (std::thread& thread : threads) thread.join();
}

// Nobody waits: closing the context abandons what is in flight.
TEST(Lifetime, ClosingAbandonsWhatIsInFlight) {
  std::vector<std::uint32_t> x(1 << 16, 1), y(1 << 16);
  {
    const Context context;
    const Kernel kernel = context.kernel(read_file(SOKR_CLI_KERNELS "/copy.spv"));
    for (const Substrate& substrate : context.substrates()) {
      if (substrate.why_not(kernel)) continue;
      Launch launch;
      launch.threads(1 << 16).bind(0, 0, read(x)).bind(0, 1, write(y)).specialize(7, 32u);
      launch.push(std::uint32_t{1 << 16}).push(std::uint32_t{1});
      (void)substrate.dispatch(kernel, launch);
    }
  }
  SUCCEED();
}

}  // namespace
}  // namespace sokr
