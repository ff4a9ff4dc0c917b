// SPDX-License-Identifier: MIT OR Apache-2.0
// SOKR_TRACE is read when the library is loaded, so what is tried runs in a process of its own:
// this program, with one of the disabled tests.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "mocks.hpp"

extern char** environ;

namespace sokr::tests {
namespace {

// Its exit code, or minus the signal that ended it.
int run_traced(const std::string& test, const std::filesystem::path& trace) {
  const std::string filter = "--gtest_filter=" + test;
  const char* const arguments[] = {"test_host", filter.c_str(), "--gtest_also_run_disabled_tests",
                                   nullptr};
  ::setenv("SOKR_TRACE", trace.c_str(), 1);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr,
                                   const_cast<char* const*>(arguments), environ);
  ::unsetenv("SOKR_TRACE");
  if (failed != 0) return failed;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
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
