// SPDX-License-Identifier: MIT OR Apache-2.0
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

std::string failure(OptionList options) {
  TestHost host(std::move(options));
  auto instance = Instance::create(read_options(host.host()), host.host());
  if (!instance) return instance.failure().sentence;
  auto found = (*instance)->devices();
  if (!found) return found.failure().sentence;
  return found->usable.empty() && found->unsuitable.empty() ? "none" : "";
}

TEST(Instance, NoLoaderIsASentence) {
  const std::string sentence = failure(OptionList{{"vulkan.loader", "libnot-there.so.1"}});
  EXPECT_NE(sentence.find("no Vulkan loader on this machine: libnot-there.so.1"), std::string::npos)
      << sentence;
}

TEST(Instance, TheLoaderStaysWhenItsInstanceGoes) {
  {
    EXPECT_EQ(failure({}), "");
  }
  void* loaded = nullptr;
  for (const char* name : {"libvulkan.so.1", "libvulkan.so"}) {
    if (!loaded) loaded = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  }
  EXPECT_NE(loaded, nullptr);
  if (loaded) dlclose(loaded);
}

TEST(Instance, DevicesAreListedWhenALaterInstanceIsGone) {
  TestHost host({});
  const Options options = read_options(host.host());
  const auto first = Instance::create(options, host.host());
  ASSERT_TRUE(first) << first.failure().sentence;
  {
    ASSERT_TRUE(Instance::create(options, host.host()));
  }
  const auto found = (*first)->devices();
  EXPECT_TRUE(found) << found.failure().sentence;
}

TEST(Instance, SomeOtherLibraryIsASentence) {
  const std::string sentence = failure(OptionList{{"vulkan.loader", "libm.so.6"}});
  EXPECT_NE(sentence.find("is not a Vulkan loader"), std::string::npos) << sentence;
}

// A container often has the driver, and not what the driver needs.
TEST(Instance, ADriverThatCannotBeLoadedIsNamedWithItsReason) {
  const std::filesystem::path manifest =
      std::filesystem::temp_directory_path() / fmt::format("sokr-manifest-{}.json", getpid());
  std::ofstream(manifest) << R"({"file_format_version": "1.0.0", "ICD": )"
                             R"({"library_path": "libnot-there.so.0", "api_version": "1.3.0"}})";
  setenv("VK_DRIVER_FILES", manifest.c_str(), 1);
  setenv("VK_ICD_FILENAMES", manifest.c_str(), 1);
  const std::string sentence = failure({});
  unsetenv("VK_DRIVER_FILES");
  unsetenv("VK_ICD_FILENAMES");
  std::filesystem::remove(manifest);
  EXPECT_NE(sentence.find("libnot-there.so.0: cannot open shared object file"), std::string::npos)
      << sentence;
}

TEST(Instance, NoDriverIsASentence) {
  setenv("VK_DRIVER_FILES", "/nonexistent.json", 1);
  setenv("VK_ICD_FILENAMES", "/nonexistent.json", 1);
  const std::string sentence = failure({});
  unsetenv("VK_DRIVER_FILES");
  unsetenv("VK_ICD_FILENAMES");
  EXPECT_NE(sentence, "");
}

TEST(Instance, DevicesWithoutTimelinesAreNamed) {
  TestHost host(OptionList{{"vulkan.disable", "timelineSemaphore"}});
  auto instance = Instance::create(read_options(host.host()), host.host());
  ASSERT_TRUE(instance);
  auto found = (*instance)->devices();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->usable.empty());
  ASSERT_FALSE(found->unsuitable.empty());
  EXPECT_NE(found->unsuitable[0].find("timeline semaphores"), std::string::npos);
}

TEST(Options, NonsenseIsAWarning) {
  TestHost host(OptionList{{"vulkan.api", "9.9"},
                           {"vulkan.staging", "sideways"},
                           {"vulkan.queue", "video"},
                           {"vulkan.transfer", "on"},
                           {"vulkan.robust", "maybe"},
                           {"vulkan.spin_us", "-1"}});
  const Options options = read_options(host.host());
  EXPECT_EQ(options.api, VK_API_VERSION_1_3);
  EXPECT_EQ(options.staging, Staging::kAuto);
  EXPECT_EQ(options.queue, QueueChoice::kAuto);
  EXPECT_EQ(options.transfer, TransferChoice::kAuto);
  EXPECT_TRUE(options.robust);
  EXPECT_FALSE(options.spin_us);
  EXPECT_TRUE(host.logged("vulkan.api is '9.9', expected 1.1, 1.2 or 1.3"));
  EXPECT_TRUE(host.logged("vulkan.queue is 'video', expected auto, compute or graphics"));
  EXPECT_TRUE(host.logged("vulkan.transfer is 'on', expected auto or off"));
  EXPECT_TRUE(host.logged("vulkan.robust is 'maybe', expected on or off"));
  EXPECT_TRUE(host.logged("vulkan.spin_us is '-1'"));
}

// What all other tests rely on when they count no message.
TEST(Validation, ALeakIsCountedAndLogged) {
  Bench bench;
  {
    auto session = bench->session();
    ASSERT_TRUE(session);
    Device& device = (*session)->device();
    VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence leaked = VK_NULL_HANDLE;
    ASSERT_EQ(device.vk().vkCreateFence(device.handle(), &info, nullptr, &leaked), VK_SUCCESS);
  }
  bench.verify_clean(false);
  EXPECT_NE(bench.log().find("0 vulkan: "), std::string::npos) << "not logged as an error";
}

TEST(PhysicalDevice, SaysWhatItIs) {
  Bench bench;
  const SokrComputeLimits limits = bench.physical().limits();
  EXPECT_GE(limits.max_local_invocations, 128u);
  EXPECT_GE(limits.max_push_constant_size, 128u);
  EXPECT_NE(limits.memory_size, 0u);
  bool driver = false;
  for (const auto& [key, value] : bench.physical().facts()) {
    EXPECT_FALSE(value.empty()) << key;
    driver |= key == "driver";
  }
  EXPECT_TRUE(driver);
}

}  // namespace
}  // namespace sokr::vulkan::test
