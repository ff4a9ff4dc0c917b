// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Drivers that crash and hang, as simulated ones do, and what is kept of it.
#include "probe.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "cache_folder.hpp"
#include "child.hpp"
#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr const char* kTried = "was tried in a child process";

OptionList probing(const char* what, OptionList more = {}) {
  more.emplace_back("vulkan.probe", what);
  more.emplace_back("vulkan.probe_program", SOKR_TEST_PROBE);
  return more;
}

class Probing : public testing::Test {
 protected:
  void SetUp() override {
    if (!simulated()) GTEST_SKIP() << "the driver is not simulated";
  }
  void TearDown() override {
    unsetenv("SOKR_SIM_CRASH");
    unsetenv("SOKR_SIM_HANG");
  }
  CacheFolder folder_{"sokr_vulkan_probe"};
};

TEST_F(Probing, AKernelThatItsDriverCrashesOnIsRefusedFromThenOn) {
  const auto ir = shader("saxpy");
  std::string said;
  for (const bool first : {true, false}) {
    if (first) setenv("SOKR_SIM_CRASH", "vkCreateComputePipelines", 1);
    Bench bench(probing("kernels"));
    Saxpy saxpy(100);
    const auto token = bench.dispatch(ir, saxpy.launch);
    unsetenv("SOKR_SIM_CRASH");
    ASSERT_FALSE(token);
    EXPECT_EQ(token.code(), SOKR_CAPABILITY_DENIED);
    const std::string& sentence = token.failure().sentence;
    EXPECT_NE(sentence.find("compiling \"main\" with " + bench.name()), std::string::npos)
        << sentence;
    EXPECT_NE(sentence.find("crashed with"), std::string::npos) << sentence;
    EXPECT_EQ(bench.host().logged(kTried), first) << bench.host().all();
    if (!first) {
      EXPECT_EQ(sentence, said);
    }
    said = sentence;
    // What is another kernel to the driver is another question.
    saxpy.local.value = 32;
    saxpy.launch.groups[0] = 4;
    bench.run(ir, saxpy.launch);
    EXPECT_EQ(saxpy.wrong(), -1);
    EXPECT_EQ(bench.host().logged(kTried), first) << bench.host().all();
    EXPECT_FALSE(bench.host().logged("could not be tried")) << bench.host().all();
  }
}

TEST_F(Probing, AKernelThatItsDriverHangsOnIsRefused) {
  if (simulated_profile() != "mali") GTEST_SKIP() << "it is the same on each, and takes its time";
  setenv("SOKR_SIM_HANG", "vkCreateComputePipelines", 1);
  Bench bench(probing("kernels", {{"vulkan.probe_ms", "3000"}}));
  Saxpy saxpy(100);
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.code(), SOKR_DISPATCH_FAILED);  // it is no verdict on the kernel
  EXPECT_NE(token.failure().sentence.find("did not end within 3000 ms in a child process"),
            std::string::npos)
      << token.failure().sentence;
  // Another time the machine may be less busy.
  unsetenv("SOKR_SIM_HANG");
  Bench again(probing("kernels"));
  for (Bench* one : {&bench, &again}) {
    Saxpy anew(100);
    one->run(shader("saxpy"), anew.launch);
    EXPECT_EQ(anew.wrong(), -1);
  }
}

TEST_F(Probing, DriversThatCrashAreNotLoaded) {
  for (const bool crashes : {true, false}) {
    CacheFolder folder("sokr_vulkan_probe_drivers");
    for (const bool first : {true, false}) {
      TestHost host(probing("devices"));
      const Options options = read_options(host.host());
      substrate::DiskCache disk(disk_options(options));
      if (first && crashes) setenv("SOKR_SIM_CRASH", "vkEnumeratePhysicalDevices", 1);
      const Result<void> probed = probe_devices(options, &disk, host.host());
      unsetenv("SOKR_SIM_CRASH");
      EXPECT_EQ(host.logged(kTried), first) << host.all();
      EXPECT_EQ(static_cast<bool>(probed), !crashes);
      if (probed) continue;
      EXPECT_EQ(probed.code(), SOKR_NOT_FOUND);
      EXPECT_NE(probed.failure().sentence.find("crashed with"), std::string::npos)
          << probed.failure().sentence;
      EXPECT_NE(probed.failure().sentence.find("VK_DRIVER_FILES"), std::string::npos);
    }
  }
}

// Also one that the environment names, and its library.
TEST_F(Probing, DriversThatChangedAreTriedAgain) {
  const std::filesystem::path folder = folder_.path() / "drivers";
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  const std::string manifest =
      R"({"file_format_version": "1.0.0",
          "ICD": {"library_path": "./none.so", "api_version": "1.1.0"}})";
  write("none.json", manifest);
  write("none.so", "none");
  const auto is_tried = [&] {
    TestHost host(probing("devices"));
    const Options options = read_options(host.host());
    substrate::DiskCache disk(disk_options(options));
    const Result<void> probed = probe_devices(options, &disk, host.host());
    EXPECT_TRUE(probed) << probed.failure().sentence;
    return host.logged(kTried);
  };
  for (const std::filesystem::path& named : {folder / "none.json", folder}) {
    setenv("VK_ADD_DRIVER_FILES", named.c_str(), 1);
    EXPECT_TRUE(is_tried()) << named;
    EXPECT_FALSE(is_tried()) << named;
    write("none.so", "none, " + named.string());
    EXPECT_TRUE(is_tried()) << named << ": its library is another one";
    write("none.json", manifest + std::string(named.string().size(), ' '));
    EXPECT_TRUE(is_tried()) << named << ": its manifest is another one";
    EXPECT_FALSE(is_tried()) << named;
  }
  unsetenv("VK_ADD_DRIVER_FILES");
}

TEST_F(Probing, AProgramThatDoesNotBeginIsNoVerdict) {
  Bench bench(OptionList{{"vulkan.probe", "kernels"}, {"vulkan.probe_program", "/bin/false"}});
  Saxpy saxpy(100);
  for (int i = 0; i < 2; ++i) {
    const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.failure().sentence, "/bin/false ended before it began (exit code 1)");
  }
}

TEST_F(Probing, WithoutItsProgramItSaysSo) {
  Bench bench(OptionList{{"vulkan.probe", "kernels"}, {"vulkan.probe_program", "/nonexistent"}});
  Saxpy saxpy(100);
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_FALSE(token);
  EXPECT_NE(token.failure().sentence.find("/nonexistent could not be started: No such file"),
            std::string::npos)
      << token.failure().sentence;
}

// A child that could not judge leaves no verdict behind, and nothing is refused for it.
TEST_F(Probing, AChildThatCannotJudgeIsAWarning) {
  std::vector<std::uint32_t> words{1, 2, 3};
  PipelinePlan plan;
  plan.sliced.emplace().words = words;
  TestHost host(probing("kernels"));
  Options options = read_options(host.host());
  Bench bench;
  PhysicalDevice other = bench.physical();
  other.id.deviceUUID[0] ^= 1;
  substrate::DiskCache disk(disk_options(options));
  for (int i = 0; i < 2; ++i) {
    TestHost listening(probing("kernels"));
    EXPECT_TRUE(probe_kernel(plan, other, options, &disk, listening.host()));
    EXPECT_TRUE(listening.logged("could not be tried in a child process: no device has the UUID"))
        << listening.all();
  }
}

TEST(Plan, AsBytesIsWhatItWasOrNone) {
  PipelinePlan plan;
  plan.entry = "main";
  plan.subgroup_size = 8;
  plan.full_subgroups = true;
  plan.sliced.emplace().words = {1, 2, 3};
  plan.sliced->push_size = 12;
  plan.reflection.bindings.resize(2);
  plan.reflection.bindings[1].set = 3;
  plan.reflection.bindings[1].kind = SOKR_IR_UNIFORM_BUFFER;
  plan.counts = {1, 7};
  std::vector<std::uint8_t> bytes = plan_to_bytes(plan);
  const auto again = plan_from_bytes(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(plan_to_bytes(*again), bytes);
  EXPECT_EQ(again->sliced->words, plan.sliced->words);
  EXPECT_EQ(again->reflection.bindings[1].kind, SOKR_IR_UNIFORM_BUFFER);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(plan_from_bytes(std::span(bytes).first(size))) << size;
  bytes.push_back(0);
  EXPECT_FALSE(plan_from_bytes(bytes));
}

ChildEnd shell(const char* script, int patience_ms) {
  Child child;
  child.program = "/bin/sh";
  child.arguments = {"-c", script};
  child.patience = std::chrono::milliseconds(patience_ms);
  auto end = run_child(child);
  EXPECT_TRUE(end) << end.failure().sentence;
  return end ? *std::move(end) : ChildEnd{};
}

TEST(Child, IsWaitedForWithinItsPatienceWhateverItDoes) {
  const ChildEnd good = shell("echo done; exit 3", 60'000);
  EXPECT_EQ(good.output, "done\n");
  EXPECT_FALSE(good.timed_out);
  EXPECT_EQ(good.how, "exit code 3");
  EXPECT_NE(shell("kill -SEGV $$", 60'000).how.find("signal 11"), std::string::npos);
  EXPECT_TRUE(shell("while :; do :; done", 100).timed_out);
  // Its output is closed, and it goes on: it is ended.
  EXPECT_FALSE(shell("exec >&-; while :; do :; done", 60'000).timed_out);
  // One that left a child of its own behind, which keeps the output open.
  const ChildEnd left = shell("(while :; do :; done) & echo left", 200);
  EXPECT_TRUE(left.timed_out);
  EXPECT_EQ(left.output, "left\n");
  const ChildEnd much =
      shell("while :; do echo 0123456789012345678901234567890123456789; done", 300);
  EXPECT_TRUE(much.timed_out);
  EXPECT_LE(much.output.size(), std::size_t{64} << 10);
}

}  // namespace
}  // namespace sokr::vulkan::test
