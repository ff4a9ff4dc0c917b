// SPDX-License-Identifier: MIT OR Apache-2.0
// A process that forks while another of its threads is in the middle of opening a plugin. The child
// has no such thread, and waits for nothing that only it would do.
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "latch.hpp"

#if defined(__SANITIZE_THREAD__)
#define SOKR_TEST_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SOKR_TEST_HAS_TSAN 1
#endif
#endif

namespace sokr::tests {
namespace {

// A child that is kept waiting ends by SIGALRM.
constexpr unsigned kChildSeconds = 60;

// In the child.
void require(bool good, const char* what, const std::string& seen) {
  if (good) return;
  std::fprintf(stderr, "in the child: %s (%s)\n", what, seen.c_str());
  ::_exit(1);
}

int result_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Fork, AChildWaitsForNoThreadOfItsParent) {
#if defined(SOKR_TEST_HAS_TSAN)
  GTEST_SKIP() << "ThreadSanitizer ends such a child";
#endif
  const TemporaryFolder folder;
  auto own = std::make_unique<Context>(mocks({"ir", "add_two"}));
  (void)own->substrate("mock:two");
  const Context shared(mocks({"declared_cpu", "ir"}));
  Latch latch(folder, "own:0", "main");
  auto opening = std::async(std::launch::async, [&] { return shared.substrate("own:0").id(); });
  latch.wait();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kChildSeconds);
    const Kernel kernel = mock_kernel(*own);
    require(kernel.bytes().size() == 8, "a kernel", std::to_string(kernel.bytes().size()));
    own.reset();
    const Error inside = failure_of([&] { (void)shared.substrate("own:0"); });
    require(std::string(inside.what()).find("was forked") != std::string::npos, "the same context",
            inside.what());
    {
      const Context other(mocks({"declared_cpu", "same_name"}));
      const std::string why = why_unavailable(other, "declared_cpu.so");
      require(why.find("was forked") != std::string::npos, "another context", why);
      require(offers(other, "mock:add"), "another plugin", "not offered");
    }
    ::_exit(0);
  }
  EXPECT_EQ(result_of(child), 0);
  latch.release();
  EXPECT_GT(opening.get(), 0u);
  EXPECT_TRUE(offers(*own, "mock:two"));
}

}  // namespace
}  // namespace sokr::tests
