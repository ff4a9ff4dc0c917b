// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Machines that are folders.
#include "environment.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace sokr::measure {
namespace {

namespace fs = std::filesystem;

class Machine {
 public:
  Machine() {
    std::string name = fs::temp_directory_path() / "sokr-machine-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    root_ = name;
  }
  ~Machine() { fs::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Machine& with(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

bool has(const std::vector<std::string>& sentences, const std::string& words) {
  for (const std::string& sentence : sentences) {
    if (sentence.find(words) != std::string::npos) return true;
  }
  return false;
}

// Of 64-bit ARM there are numbers and no name; two of them are not one machine.
TEST(Environment, AProcessorWithoutANameHasNumbers) {
  Machine one, other, none;
  one.with("proc/cpuinfo",
           "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
           "CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n");
  other.with("proc/cpuinfo", "CPU implementer\t: 0x41\nCPU part\t: 0xd40\n");
  EXPECT_EQ(look_around(one.root()).cpu,
            "CPU implementer 0x41, CPU part 0xd0c, CPU variant 0x3, CPU revision 1");
  EXPECT_EQ(look_around(other.root()).cpu, "CPU implementer 0x41, CPU part 0xd40");
  EXPECT_EQ(look_around(none.root()).cpu, "");
}

TEST(Environment, IsReadFromTheSystem) {
  Machine machine;
  machine
      .with("proc/cpuinfo",
            "processor : 0\nmodel name\t: Some CPU @ 2 GHz\ncpu MHz\t\t: 1999.5\n"
            "flags\t\t: fpu hypervisor avx2\n")
      .with("proc/loadavg", "1.50 0.75 0.25 1/200 999\n")
      .with("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
      .with("sys/devices/system/cpu/cpufreq/boost", "1\n");
  const Environment found = look_around(machine.root());
  EXPECT_EQ(found.cpu, "Some CPU @ 2 GHz");
  EXPECT_EQ(found.mhz, 1999.5);
  EXPECT_TRUE(found.is_virtual);
  EXPECT_EQ(found.load, (std::array<double, 3>{1.5, 0.75, 0.25}));
  EXPECT_EQ(found.governor, "schedutil");
  EXPECT_TRUE(found.may_boost);
  EXPECT_GE(found.cores, 1u);
  EXPECT_GT(found.clock_cost_ns, 0);
  const auto told = warnings(found, {}, 1e9);
  EXPECT_TRUE(has(told, "governor schedutil"));
  EXPECT_TRUE(has(told, "boost"));
}

TEST(Environment, WhatIsNotToldIsNoFault) {
  const Machine machine;
  const Environment found = look_around(machine.root());
  EXPECT_EQ(found.cpu, "");
  EXPECT_EQ(found.mhz, 0);
  EXPECT_FALSE(found.may_boost || found.is_virtual);
  EXPECT_FALSE(has(warnings(found, Watch(machine.root()).seen(), 1e9), "busy"));
}

TEST(Environment, OthersAndTheHypervisorAreSeen) {
  Machine machine;
  machine.with("proc/stat", "cpu 100 0 100 5000 0 0 0 10 0 0\n");
  const Watch watch(machine.root());
  // A million seconds of others' work since, however long this took.
  machine.with("proc/stat", "cpu 100000100 0 100 5000 0 0 0 50000010 0 0\n");
  const Watch::Seen seen = watch.seen();
  EXPECT_GT(seen.others, 1000);
  EXPECT_GT(seen.stolen, 1000);
}

// Others run on cores, too, that this process may not run on.
TEST(Environment, OthersAreOnTheWholeMachine) {
  Machine machine;
  machine.with("proc/stat", "cpu 1 0 1 1\ncpu0 1\ncpu1 1\ncpu10 1\nctxt 5\ncpufreq 1\n");
  EXPECT_EQ(Watch(machine.root()).seen().machine, 3u);
  Environment one;
  one.cores = 1;
  EXPECT_TRUE(has(warnings(one, {2, 1.6, 0, 3}, 5000), "others used 1.6 of 3 cores"));
}

TEST(Environment, WarningsSayWhatWasSeen) {
  Environment quiet;
  quiet.cores = 16;
  quiet.clock_cost_ns = 20;
  quiet.clock_tick_ns = 10;
  EXPECT_TRUE(warnings(quiet, {}, 5000).empty());
  EXPECT_TRUE(has(warnings(quiet, {}, 150), "coarse for 150 ns"));
  EXPECT_TRUE(has(warnings(quiet, {2, 1.5, 0}, 5000), "others used 1.5 of 16 cores"));
  EXPECT_TRUE(has(warnings(quiet, {2, 0, 0.25}, 5000), "gave 25 % of a core"));
  quiet.cores = 2;
  EXPECT_TRUE(has(warnings(quiet, {}, 5000), "2 cores"));
  quiet.governor = "performance";
  EXPECT_FALSE(has(warnings(quiet, {}, 5000), "governor"));
}

}  // namespace
}  // namespace sokr::measure
