// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What can be seen only in a process of its own: what is loaded, what the environment
// decides, how it ends, many at once on one cache.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

struct Ended {
  int status = -1;
  std::string output;  // stdout and stderr
};

// Runs the process with these variables set, under a limit far beyond what it needs.
Ended run(const std::string& environment, const std::string& command,
          const std::string& plugin = "cpu") {
  const std::string line =
      fmt::format("env {} timeout -s KILL 120 {} {}/sokr-{}.so {} {} 2>&1", environment,
                  SOKR_TEST_PROCESS, SOKR_TEST_PLUGINS, plugin, SOKR_TEST_SHADERS, command);
  Ended ended;
  FILE* pipe = ::popen(line.c_str(), "r");
  if (!pipe) return ended;
  char buffer[512];
  while (std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe))
    ended.output.append(buffer, got);
  const int status = ::pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ended;
}

std::string cache(const TemporaryFolder& folder) {
  return "SOKR_CACHE_DIR=" + folder.path().string();
}

// Of a kernel that is on disk in full, as it is after it has been used some more (Tiers).
const std::string kFull = " SOKR_CPU_TIER=full";

TEST(Process, AWarmStartDoesNotLoadTheCompiler) {
  TemporaryFolder folder;
  Ended cold = run(cache(folder) + kFull, "run"), warm = run(cache(folder), "run");
  EXPECT_EQ(cold.status, 0);
  EXPECT_EQ(cold.output, "compiler loaded\n");
  EXPECT_EQ(warm.status, 0);
  EXPECT_EQ(warm.output, "compiler not loaded\n");
  EXPECT_EQ(run("SOKR_CACHE_DIR=", "run").output, "compiler loaded\n");
}

TEST(Process, ManyAtOnceShareOneCache) {
  TemporaryFolder folder;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&] {
        Ended ended = run(cache(folder) + kFull, "run");
        EXPECT_EQ(ended.status, 0) << ended.output;
      });
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(folder.files().size(), 1u);  // nothing half-written is left
  EXPECT_EQ(run(cache(folder), "run").output, "compiler not loaded\n");
}

TEST(Process, TheEnvironmentPicksTheRegisterWidth) {
  for (Isa isa : kIsas) {
    const std::string name = isa_name(isa), variable = "SOKR_CACHE_DIR= SOKR_CPU_ISA=" + name;
    Ended described = run(variable, "describe");
    if (host_supports(isa)) {
      EXPECT_NE(described.output.find("isa=" + name + "\n"), std::string::npos) << described.output;
      Ended ended = run(variable, "run");
      EXPECT_EQ(ended.status, 0) << ended.output;
    } else {
      EXPECT_EQ(described.output,
                fmt::format("unavailable: SOKR_CPU_ISA is {}, which this processor cannot run; its "
                            "best is {}\n",
                            name, isa_name(host_isa())));
    }
  }
  EXPECT_EQ(run("SOKR_CPU_ISA=mmx", "describe").output,
            "unavailable: SOKR_CPU_ISA: \"mmx\" is no instruction set; there are sse4, avx2, "
            "avx512, neon\n");
}

TEST(Process, TheEnvironmentPicksTheTier) {
  for (const char* tier : {"auto", "quick", "full"}) {
    const std::string variable = fmt::format("SOKR_CACHE_DIR= SOKR_CPU_TIER={}", tier);
    EXPECT_NE(run(variable, "describe").output.find(fmt::format("tier={}\n", tier)),
              std::string::npos);
    EXPECT_EQ(run(variable, "run").status, 0);
  }
  EXPECT_EQ(run("SOKR_CPU_TIER=fast", "describe").output,
            "unavailable: SOKR_CPU_TIER: 'fast' is no tier; there are auto, quick and full\n");
}

TEST(Process, TheEnvironmentSetsTheNumberOfThreads) {
  EXPECT_NE(run("SOKR_CPU_THREADS=3", "describe").output.find("threads=3\n"), std::string::npos);
  EXPECT_EQ(run("SOKR_CPU_THREADS=many", "describe").output,
            "unavailable: SOKR_CPU_THREADS is 'many'; it must be a number from 1 to 4096\n");
}

TEST(Process, WorkGoesOnWithNobodyWaitingAndOneTbbKeepsQuiet) {
  TemporaryFolder folder;
  for (const char* more : {"", "SOKR_CPU_THREADS=1", "SOKR_CPU_THREADS=16"}) {
    Ended ended = run(cache(folder) + " " + more, "poll");
    EXPECT_EQ(ended.status, 0) << more;
    EXPECT_EQ(ended.output, "") << more;
  }
  Ended pinned = run(cache(folder) + " taskset -c 0", "poll");
  EXPECT_EQ(pinned.status, 0);
  EXPECT_EQ(pinned.output, "");
}

TEST(Process, AnEndlessKernelDoesNotKeepTheProcess) {
  TemporaryFolder folder;
  // What is abandoned is never freed: its tasks wait in oneTBB's queue behind the endless one.
  const std::string environment = cache(folder) + " ASAN_OPTIONS=detect_leaks=0 ";
  for (const char* command : {"endless", "abandon"})
    for (const char* threads : {"SOKR_CPU_THREADS=1", "SOKR_CPU_THREADS=4"}) {
      Ended ended = run(environment + threads, command);
      EXPECT_EQ(ended.status, 0) << command;
      EXPECT_EQ(ended.output, "") << command;
    }
}

TEST(Process, AProgramWithOneTbbIsNotGivenTwiceTheThreads) {
  TemporaryFolder folder;
  Ended ended = run(cache(folder) + kFull, "embed");  // or one makes a full version
  EXPECT_EQ(ended.status, 0) << ended.output;
}

// The reference substrate has oneTBB's threads as well.
TEST(Process, TheReferenceSubstrateEndsToo) {
  for (const char* command : {"run", "endless"}) {
    Ended ended = run("SOKR_CACHE_DIR=", command, "reference");
    EXPECT_EQ(ended.status, 0) << ended.output;
  }
}

}  // namespace
}  // namespace sokr::cpu::test
