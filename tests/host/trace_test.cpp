// SPDX-License-Identifier: MIT OR Apache-2.0
// SOKR_TRACE is read when the library is loaded, so what is tried runs in a process of its own:
// this program, with one of the disabled tests.
#include <dlfcn.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "mocks.hpp"

extern char** environ;

namespace sokr::tests {
namespace {

// The exit code of a child, or minus the signal that ended it.
int end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int run_traced(const std::string& test, const std::filesystem::path& trace,
               const char* program = "/proc/self/exe") {
  const std::string filter = "--gtest_filter=" + test;
  const char* const arguments[] = {"test_host", filter.c_str(), "--gtest_also_run_disabled_tests",
                                   nullptr};
  ::setenv("SOKR_TRACE", trace.c_str(), 1);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, program, nullptr, nullptr,
                                   const_cast<char* const*>(arguments), environ);
  ::unsetenv("SOKR_TRACE");
  if (failed != 0) return failed;
  return end_of(child);
}

void launch_once() {
  const Context context(mocks({"ir", "add"}));
  context.substrate("mock:add").dispatch(mock_kernel(context), Launch().groups(1)).wait();
}

TEST(TraceChild, DISABLED_UnsetsTheVariable) {
  ::unsetenv("SOKR_TRACE");
  launch_once();
}

TEST(TraceChild, DISABLED_ChangesTheVariable) {
  const char* const other = std::getenv("SOKR_TEST_OTHER");
  ASSERT_NE(other, nullptr);
  ::setenv("SOKR_TRACE", other, 1);
  launch_once();
}

// After its context: of a library that stays, as one of its substrates was not destroyed.
TEST(TraceChild, DISABLED_SpeaksLate) {
  {
    const Context context(mocks({"declared_half"}));
    (void)context.substrate("half:0");
  }
  void* const library = ::dlopen(mock("declared_half").c_str(), RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  reinterpret_cast<void (*)()>(::dlsym(library, "mock_speak"))();
}

// A child of `fork` before there was an event, and one after.
TEST(TraceChild, DISABLED_Forks) {
  const char* const trace = std::getenv("SOKR_TRACE");
  ASSERT_NE(trace, nullptr);
  const auto in_a_child = [] {
    const pid_t child = ::fork();
    if (child == 0) {
      launch_once();
      std::exit(0);
    }
    return child > 0 && end_of(child) == 0;
  };
  EXPECT_TRUE(in_a_child());
  EXPECT_FALSE(std::filesystem::exists(trace));
  launch_once();
  EXPECT_TRUE(in_a_child());
}

// More launches on one substrate than are remembered of it, about which nobody asks, while one on
// another runs.
TEST(TraceChild, DISABLED_ForgetsLaunches) {
  const Context context(mocks({"ir", "add", "add_two"}));
  const Kernel kernel = mock_kernel(context);
  Launch launch;
  launch.groups(1);
  for (const auto& [one, other] : {std::pair("mock:add", "mock:two"), {"mock:two", "mock:add"}}) {
    const Completion slow = context.substrate(one).dispatch(kernel, launch);
    const Substrate busy = context.substrate(other);
    for (int i = 0; i < 70'000; ++i) (void)busy.dispatch(kernel, launch);
    slow.wait();
  }
}

TEST(Trace, WhatNobodyAsksAfterThrowsOutNothingOfOthers) {
  const TemporaryFolder folder;
  const auto trace = folder.path() / "trace.json";
  EXPECT_EQ(run_traced("TraceChild.DISABLED_ForgetsLaunches", trace), 0);
  const std::string text = contents(trace), complete = "\"name\":\"complete\"";
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(complete, at)) != std::string::npos; ++at) ++found;
  EXPECT_EQ(found, 2u);
}

TEST(Trace, IsThatOfOneProcess) {
  const TemporaryFolder folder;
  const auto trace = folder.path() / "trace.json";
  EXPECT_EQ(run_traced("TraceChild.DISABLED_Forks", trace), 0);
  const std::string text = contents(trace);
  EXPECT_TRUE(text.ends_with("]\n"));
  const std::string dispatched = "\"name\":\"dispatch\"";
  EXPECT_NE(text.find(dispatched), std::string::npos);
  EXPECT_EQ(text.find(dispatched), text.rfind(dispatched));
}

TEST(Trace, TakesSlicesOfAPluginThatWasLeftBehind) {
  const TemporaryFolder folder;
  const auto trace = folder.path() / "trace.json";
  EXPECT_EQ(run_traced("TraceChild.DISABLED_SpeaksLate", trace), 0);
  EXPECT_NE(contents(trace).find("\"name\":\"late\""), std::string::npos);
  EXPECT_NE(contents(trace).find("\"name\":\"half:0 left behind\""), std::string::npos);
}

// Of a program that has not got more rights than its user it says so: its file is on a file system
// that gives none.
constexpr int kNotSetUid = 77;

TEST(TraceChild, DISABLED_IsSetUid) {
  if (::getauxval(AT_SECURE) == 0) std::exit(kNotSetUid);
  launch_once();
  std::_Exit(testing::Test::HasFailure());  // nobody may look into such a process for leaks
}

TEST(Trace, IsNotWrittenByAProgramWithMoreRightsThanItsUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives a file to somebody else";
  constexpr uid_t kNobody = 65534;
  const TemporaryFolder folder;
  const auto program = folder.path() / "test_host", trace = folder.path() / "trace.json";
  std::filesystem::copy_file("/proc/self/exe", program);
  ASSERT_EQ(::chown(program.c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(::chmod(program.c_str(), 04755), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);  // it could write there
  const int result = run_traced("TraceChild.DISABLED_IsSetUid", trace, program.c_str());
  if (result == kNotSetUid) GTEST_SKIP() << "set-uid means nothing here";
  EXPECT_EQ(result, 0);
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST(Trace, TheNameIsThatOfTheTimeOfLoading) {
  const TemporaryFolder folder;
  const auto trace = folder.path() / "trace.json", other = folder.path() / "other.json";
  EXPECT_EQ(run_traced("TraceChild.DISABLED_UnsetsTheVariable", trace), 0);
  EXPECT_NE(contents(trace).find("\"name\":\"dispatch\""), std::string::npos);
  EXPECT_TRUE(contents(trace).ends_with("]\n"));
  std::filesystem::remove(trace);
  ::setenv("SOKR_TEST_OTHER", other.c_str(), 1);
  EXPECT_EQ(run_traced("TraceChild.DISABLED_ChangesTheVariable", trace), 0);
  ::unsetenv("SOKR_TEST_OTHER");
  EXPECT_NE(contents(trace).find("\"name\":\"dispatch\""), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(other));
}

}  // namespace
}  // namespace sokr::tests
