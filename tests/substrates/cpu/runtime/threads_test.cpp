// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

struct Options {
  std::vector<SokrFact> facts;
  SokrHostInfo info{};
  explicit Options(const char* threads) : facts{{"cpu.threads", threads}} {
    info = {sizeof info, SOKR_COMPUTE_VERSION, nullptr,         nullptr, 0,
            1,           facts.data(),         sizeof(SokrFact)};
  }
};

class Threads : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("SOKR_CPU_THREADS"); }
};

TEST_F(Threads, FollowTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(available_processors(), 1u);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(available_processors(), static_cast<unsigned>(CPU_COUNT(&before)));
}

TEST_F(Threads, TheVariableAndTheOptionCountInThisOrder) {
  EXPECT_EQ(*thread_count(substrate::Host()), available_processors());
  ::setenv("SOKR_CPU_THREADS", "3", 1);
  EXPECT_EQ(*thread_count(substrate::Host()), 3u);
  Options five("5");
  EXPECT_EQ(*thread_count(substrate::Host(&five.info)), 5u);
  ::setenv("SOKR_CPU_THREADS", "", 1);
  EXPECT_EQ(*thread_count(substrate::Host()), available_processors());
}

TEST_F(Threads, BadValuesAreRefusedWithASentence) {
  for (const char* bad : {"0", "-1", "two", "4097", "1 ", " 1", "1.5", "99999999999999999999"}) {
    ::setenv("SOKR_CPU_THREADS", bad, 1);
    auto count = thread_count(substrate::Host());
    ASSERT_FALSE(count) << bad;
    EXPECT_EQ(count.failure().sentence,
              fmt::format("SOKR_CPU_THREADS is '{}'; it must be a number from 1 to 4096", bad));
  }
  Options none("none");
  EXPECT_EQ(thread_count(substrate::Host(&none.info)).failure().sentence,
            "the option cpu.threads is 'none'; it must be a number from 1 to 4096");
}

class Cgroups : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  unsigned processors() {
    return cgroup_processors(folder_.path() / "membership", folder_.path() / "mounts");
  }
  TemporaryFolder folder_;
};

TEST_F(Cgroups, TheTightestQuotaUpToTheRootCounts) {
  write("membership", "0::/outer/inner\n");
  EXPECT_EQ(processors(), 4096u);
  write("mounts/outer/inner/cpu.max", "max 100000\n");
  EXPECT_EQ(processors(), 4096u);
  write("mounts/outer/cpu.max", "250000 100000\n");
  EXPECT_EQ(processors(), 3u);  // rounded up
  write("mounts/cpu.max", "50000 100000\n");
  EXPECT_EQ(processors(), 1u);  // never 0
}

TEST_F(Cgroups, VersionOneIsUnderstood) {
  write("membership", "5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n");
  write("mounts/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  write("mounts/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processors(), 4096u);
  write("mounts/cpu,cpuacct/job/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(processors(), 2u);
}

TEST_F(Cgroups, NonsenseIsNoLimit) {
  EXPECT_EQ(processors(), 4096u);  // no file at all
  write("membership", "nonsense\n\n:\n0::/job\n");
  for (const char* text : {"", "0 100000", "-5 100000", "100000 0", "x y", "nan 1", "1e300 1"}) {
    write("mounts/job/cpu.max", text);
    EXPECT_EQ(processors(), 4096u) << text;
  }
}

// Groups within groups: each is looked at once, and a name that no kernel has not at all.
TEST_F(Cgroups, WorkIsInProportionToTheText) {
  std::size_t reads = 0, longest = 0;
  const auto read = [&](const std::string& path) {
    ++reads;
    longest = std::max(longest, path.size());
    return path == "m/a/a/cpu.max" ? std::string("300000 100000\n") : std::string();
  };
  std::string line = "0::";
  while (line.size() + 2 < 4096) line += "/a";
  std::string text;
  while (text.size() < 60000) text += line + "\n";
  EXPECT_EQ(cgroup_processors(text, "m", read), 3u);
  EXPECT_LE(reads, text.size() / 2 + 20);
  EXPECT_LE(longest, 4096u + 20);
  reads = 0;
  for (int i = 0; i < 30000; ++i) line += "/a";
  EXPECT_EQ(cgroup_processors(line, "m", read), 4096u);
  EXPECT_EQ(reads, 0u);
}

TEST_F(Cgroups, PipesAndFilesWithoutEndAreNoLimit) {
  write("membership", "0::/job\n");
  std::filesystem::create_directories(folder_.path() / "mounts/job");
  const auto quota = folder_.path() / "mounts/job/cpu.max";
  ASSERT_EQ(::mkfifo(quota.c_str(), 0600), 0);
  EXPECT_EQ(processors(), 4096u);
  std::filesystem::remove(quota);
  std::filesystem::create_symlink("/dev/zero", quota);
  EXPECT_EQ(processors(), 4096u);
  std::filesystem::remove(quota);
  write("mounts/job/cpu.max", "200000 100000\n");
  EXPECT_EQ(processors(), 2u);
  std::filesystem::resize_file(quota, std::uintmax_t{1} << 32);
  EXPECT_EQ(processors(), 4096u);
  std::filesystem::remove(folder_.path() / "membership");
  ASSERT_EQ(::mkfifo((folder_.path() / "membership").c_str(), 0600), 0);
  EXPECT_EQ(processors(), 4096u);
}

}  // namespace
}  // namespace sokr::cpu::test
