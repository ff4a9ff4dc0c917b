// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Who hears what the driver says, and when.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "gpu.hpp"
#include "left_behind.hpp"

namespace sokr::test {
namespace {

VkDebugUtilsMessengerCreateInfoEXT messenger_to(PFN_vkDebugUtilsMessengerCallbackEXT callback,
                                                void* user) {
  VkDebugUtilsMessengerCreateInfoEXT info{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
  info.pfnUserCallback = callback;
  info.pUserData = user;
  return info;
}

VKAPI_ATTR VkBool32 VKAPI_CALL keep(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                    VkDebugUtilsMessageTypeFlagsEXT,
                                    const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) {
  *static_cast<std::string*>(user) += std::string(data->pMessage) + "\n";
  return VK_FALSE;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Has the driver say something about graphics.
void refused(Gpu& gpu) {
  VkGraphicsPipelineCreateInfo info{VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO};
  VkPipeline pipeline = VK_NULL_HANDLE;
  EXPECT_NE(VK_SUCCESS,
            vkCreateGraphicsPipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline));
}

// The same of an instance that has no device yet.
void refused_device(VkInstance instance) {
  const auto function = [&](const char* name) { return vkGetInstanceProcAddr(instance, name); };
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  std::uint32_t one = 1;
  reinterpret_cast<PFN_vkEnumeratePhysicalDevices>(function("vkEnumeratePhysicalDevices"))(
      instance, &one, &physical);
  ASSERT_EQ(1u, one);
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceFeatures features{};
  features.sparseBinding = VK_TRUE;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.pEnabledFeatures = &features;
  VkDevice device = VK_NULL_HANDLE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT,
            reinterpret_cast<PFN_vkCreateDevice>(function("vkCreateDevice"))(physical, &info,
                                                                             nullptr, &device));
}

// The messenger in the chain of an instance is there while that is created and destroyed.
TEST(Messages, OfTheChainAreThoseOfCreationAndNoOthersAreRefused) {
  ASSERT_TRUE(open_vulkan());
  std::string chained, created;
  const VkDebugUtilsMessengerCreateInfoEXT second = messenger_to(keep, &created);
  VkDebugUtilsMessengerCreateInfoEXT first = messenger_to(keep, &chained);
  first.pNext = &second;  // the only structure of which there may be several
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_3;
  const char* extensions[2]{VK_EXT_DEBUG_UTILS_EXTENSION_NAME, "VK_EXT_no_such_thing"};
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pNext = &first;
  info.pApplicationInfo = &application;
  info.enabledExtensionCount = 2;
  info.ppEnabledExtensionNames = extensions;
  VkInstance instance = VK_NULL_HANDLE;
  EXPECT_EQ(VK_ERROR_EXTENSION_NOT_PRESENT, vkCreateInstance(&info, nullptr, &instance));
  EXPECT_LE(1u, count(chained, "VK_EXT_no_such_thing")) << chained;
  EXPECT_LE(1u, count(created, "VK_EXT_no_such_thing")) << created;
  // As programs do that want to hear of all: in the chain, and created behind it.
  info.enabledExtensionCount = 1;
  chained.clear();
  created.clear();
  first.pNext = nullptr;
  ASSERT_EQ(VK_SUCCESS, vkCreateInstance(&info, nullptr, &instance));
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT"));
  const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(instance, "vkDestroyDebugUtilsMessengerEXT"));
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, create(instance, &first, nullptr, &messenger));
  refused_device(instance);
  EXPECT_EQ(1u, count(chained, "vkCreateDevice: the feature")) << chained;
  destroy(instance, messenger, nullptr);
  refused_device(instance);
  EXPECT_EQ(1u, count(chained, "vkCreateDevice: the feature")) << chained;
  reinterpret_cast<PFN_vkDestroyInstance>(vkGetInstanceProcAddr(instance, "vkDestroyInstance"))(
      instance, nullptr);
}

// Stays in its first call until it is let go.
struct Stubborn {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false, go = false, timed_out = false;
  std::atomic<bool> over{false};
  unsigned calls = 0;

  static VKAPI_ATTR VkBool32 VKAPI_CALL call(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                             VkDebugUtilsMessageTypeFlagsEXT,
                                             const VkDebugUtilsMessengerCallbackDataEXT*,
                                             void* user) {
    auto& self = *static_cast<Stubborn*>(user);
    std::unique_lock lock(self.mutex);
    if (++self.calls > 1) return VK_FALSE;
    self.inside = true;
    self.changed.notify_all();
    self.timed_out =
        !self.changed.wait_for(lock, std::chrono::seconds(20), [&] { return self.go; });
    self.over = true;
    return VK_FALSE;
  }
};

TEST(Messages, OfWhatIsRefusedGoToTheirInstanceAlone) {
  Gpu one, two;
  refused(two);
  const VkCommandBuffer commands = begin(two);
  vkCmdDraw(commands, 3, 1, 0, 0);
  EXPECT_NE(VK_SUCCESS, vkEndCommandBuffer(commands));
  const std::vector<std::uint32_t> malformed{1, 2, 3, 4, 5};
  const Kernel kernel(two, malformed, storage_buffers(1));
  EXPECT_NE(VK_SUCCESS, kernel.result);
  EXPECT_EQ(2u, count(two.messages, "no graphics")) << two.messages;
  EXPECT_NE(std::string::npos, two.messages.find("vkCreateComputePipelines")) << two.messages;
  EXPECT_EQ("", one.messages);
}

// That is an error of its program, which other drivers survive.
TEST(Messages, ThatAreLeftInAnInvalidWayGoWithTheirInstance) {
  // A loader frees what it has of the messenger, and not by the callbacks.
  if (!std::getenv("SOKR_TEST_DIRECT")) GTEST_SKIP() << "it is for SOKR_TEST_DIRECT";
  ASSERT_TRUE(open_vulkan());
  const LeftBehind left;
  std::string heard;
  const VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_to(keep, &heard);
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_3;
  const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  info.enabledExtensionCount = 1;
  info.ppEnabledExtensionNames = &extension;
  VkInstance instance = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateInstance(&info, nullptr, &instance));
  const auto function = [&](const char* name) { return vkGetInstanceProcAddr(instance, name); };
  VkDebugUtilsMessengerEXT made = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
                            function("vkCreateDebugUtilsMessengerEXT"))(instance, &messenger,
                                                                        left.callbacks(), &made));
  reinterpret_cast<PFN_vkDestroyInstance>(function("vkDestroyInstance"))(instance, nullptr);
  heard.clear();
  Gpu gpu;
  refused(gpu);
  // Nor of what belongs to no instance.
  setenv("SOKR_ICD_DEVICE_TYPE", "abacus", 1);
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(gpu.physical, &properties);
  unsetenv("SOKR_ICD_DEVICE_TYPE");
  EXPECT_NE(std::string::npos, gpu.messages.find("abacus")) << gpu.messages;
  EXPECT_EQ("", heard);
}

TEST(Messages, AThreadInAMessengerHoldsUpNobodyThatIsRefusedSomething) {
  Gpu gpu;
  Stubborn stubborn;
  const VkDebugUtilsMessengerCreateInfoEXT info = messenger_to(Stubborn::call, &stubborn);
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateDebugUtilsMessengerEXT(gpu.instance, &info, nullptr, &messenger));
  std::thread other([&] { refused(gpu); });
  {
    std::unique_lock lock(stubborn.mutex);
    ASSERT_TRUE(
        stubborn.changed.wait_for(lock, std::chrono::seconds(60), [&] { return stubborn.inside; }));
  }
  refused(gpu);
  {
    std::lock_guard lock(stubborn.mutex);
    EXPECT_FALSE(stubborn.timed_out) << "another thread's message waited for the first";
    EXPECT_EQ(2u, stubborn.calls);
  }
  // Its destruction waits for the call that is under way.
  std::atomic<bool> was_over{false};
  std::thread destroyer([&] {
    vkDestroyDebugUtilsMessengerEXT(gpu.instance, messenger, nullptr);
    was_over = stubborn.over.load();
  });
  {
    std::lock_guard lock(stubborn.mutex);
    stubborn.go = true;
    stubborn.changed.notify_all();
  }
  other.join();
  destroyer.join();
  EXPECT_TRUE(was_over);
  refused(gpu);
  EXPECT_EQ(2u, stubborn.calls);
}

}  // namespace
}  // namespace sokr::test
