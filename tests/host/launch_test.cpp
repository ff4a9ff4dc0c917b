// SPDX-License-Identifier: MIT OR Apache-2.0
#include "mocks.hpp"

namespace sokr::tests {
namespace {

struct LaunchTest : testing::Test {
  Context context{mocks({"ir", "add", "discrete", "integrated", "silent"})};
  Kernel kernel = context.kernel(bytes_of("MOCKtext"));
  std::array<std::uint8_t, 64> data{};

  Launch launch() {
    Launch launch;
    launch.threads(64).bind(0, 0, write(data));
    return launch;
  }
  std::string failure(const char* name, const Launch& given) {
    try {
      context.substrate(name).dispatch(kernel, given).wait();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(LaunchTest, RunsInPlace) {
  const Completion completion = context.substrate("mock:add").dispatch(kernel, launch());
  completion.wait();
  EXPECT_TRUE(completion.poll());
  EXPECT_TRUE(completion.wait_for(std::chrono::seconds(1)));
  EXPECT_FALSE(completion.device_time());
  EXPECT_EQ(data.front(), 1);
  EXPECT_EQ(data.back(), 1);
}

TEST_F(LaunchTest, FailuresCarryTheSubstratesSentence) {
  EXPECT_EQ(failure("mock:discrete", launch()), "mock:discrete: the mock refuses every launch");
  EXPECT_EQ(failure("mock:integrated", launch()), "mock:integrated: the mock fails every launch");
  EXPECT_EQ(failure("mock:silent", launch()),
            "mock:silent: the substrate could not start the work");
}

TEST_F(LaunchTest, BindingAgainReplaces) {
  std::array<std::uint8_t, 4> other{};
  Launch given = launch();
  given.bind(0, 0, write(other));
  context.substrate("mock:add").dispatch(kernel, given).wait();
  EXPECT_EQ(data.front(), 0);
  EXPECT_EQ(other.front(), 1);
}

TEST_F(LaunchTest, LongLaunchesAreWrittenWhole) {
  Launch given = launch();
  std::array<std::array<std::uint8_t, 2>, 100> many{};
  for (std::uint32_t i = 0; i < many.size(); ++i) given.bind(1, i, write(many[i]));
  context.substrate("mock:add").dispatch(kernel, given).wait();
  for (const auto& one : many) EXPECT_EQ(one[1], 1);
}

TEST_F(LaunchTest, WaitingForAnotherSubstrateIsRefused) {
  const Completion first = context.substrate("mock:integrated").dispatch(kernel, launch());
  Launch second = launch();
  second.after(first);
  EXPECT_NE(failure("mock:add", second).find("wait for that one on the host"), std::string::npos);
}

TEST_F(LaunchTest, UnknownEntryPointsAndConstantsAreRefused) {
  Launch given = launch();
  given.entry("other");
  EXPECT_EQ(failure("mock:add", given), "the kernel has no entry point 'other'; it has 'main'");
  Launch specialized = launch();
  specialized.specialize(3, 1.5f);
  EXPECT_EQ(failure("mock:add", specialized), "there are no specialization constants");
}

TEST_F(LaunchTest, EmptyHandlesSaySo) {
  EXPECT_THROW(Completion().wait(), Error);
  EXPECT_THROW(Buffer().address(), Error);
  EXPECT_THROW((void)context.substrate("mock:add").allocate(16), Error);
}

}  // namespace
}  // namespace sokr::tests
