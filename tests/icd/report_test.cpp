// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the driver says of itself, and what it refuses.
#include <dlfcn.h>
#include <unistd.h>

#include "gpu.hpp"

namespace sokr::test {
namespace {

VkResult create_device(Gpu& gpu, const char* extension, const void* chain,
                       const char* has = nullptr) {
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = chain;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queues;
  info.enabledExtensionCount = extension ? 1 : 0;
  info.ppEnabledExtensionNames = &extension;
  VkDevice device = VK_NULL_HANDLE;
  const VkResult result = vkCreateDevice(gpu.physical, &info, nullptr, &device);
  if (device && has) {
    EXPECT_NE(nullptr, vkGetDeviceProcAddr(device, has)) << extension;
  }
  if (device) vkDestroyDevice(device, nullptr);
  return result;
}

TEST(Report, IsAComputeOnlyProcessorDevice) {
  Gpu gpu;
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v12, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  EXPECT_EQ(VK_PHYSICAL_DEVICE_TYPE_CPU, all.properties.deviceType);
  EXPECT_EQ(3u, VK_API_VERSION_MINOR(all.properties.apiVersion));
  EXPECT_STREQ("SOKR", v12.driverName);
  EXPECT_NE(nullptr, std::strstr(v12.driverInfo, "compute only"));
  EXPECT_EQ(0, v12.conformanceVersion.major);
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(gpu.physical, &count, nullptr);
  ASSERT_EQ(1u, count);
  VkQueueFamilyProperties family;
  vkGetPhysicalDeviceQueueFamilyProperties(gpu.physical, &count, &family);
  EXPECT_EQ(VkQueueFlags{VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT}, family.queueFlags);
}

TEST(Report, MemoryHasATypeWithAndOneWithoutDeviceLocal) {
  Gpu gpu;
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(gpu.physical, &memory);
  std::uint32_t local = 0, other = 0;
  for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    const VkMemoryPropertyFlags host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                       VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    EXPECT_EQ(host, flags & host);
    const bool is_local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
    ++(is_local ? local : other);
    // "This property will be set if and only if the memory type belongs to a heap with the
    // VK_MEMORY_HEAP_DEVICE_LOCAL_BIT set."
    ASSERT_LT(memory.memoryTypes[i].heapIndex, memory.memoryHeapCount);
    const VkMemoryHeap& heap = memory.memoryHeaps[memory.memoryTypes[i].heapIndex];
    EXPECT_EQ(is_local, (heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0);
    // Flags that are a strict subset of others' come before these.
    for (std::uint32_t j = 0; j < i; ++j) {
      const VkMemoryPropertyFlags before = memory.memoryTypes[j].propertyFlags;
      EXPECT_FALSE((flags & before) == flags && flags != before) << i << " is behind " << j;
    }
  }
  EXPECT_EQ(1u, local);
  EXPECT_EQ(1u, other);
}

// Heaps are one memory: together they are no larger than it, and what is allocated of one counts
// there.
TEST(Report, HeapsAreTogetherWhatThereIs) {
  Gpu gpu;
  VkPhysicalDeviceMaintenance3Properties limits{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &limits, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &properties);
  VkPhysicalDeviceMemoryBudgetPropertiesEXT before{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 all{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, &before, {}};
  vkGetPhysicalDeviceMemoryProperties2(gpu.physical, &all);
  const VkPhysicalDeviceMemoryProperties& memory = all.memoryProperties;
  VkDeviceSize sum = 0, local = 0;
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    sum += memory.memoryHeaps[i].size;
    if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) {
      local += memory.memoryHeaps[i].size;
    }
    EXPECT_LT(0u, before.heapBudget[i]);
    EXPECT_LE(before.heapBudget[i], memory.memoryHeaps[i].size);
  }
  const auto machine = static_cast<VkDeviceSize>(sysconf(_SC_PHYS_PAGES)) *
                       static_cast<VkDeviceSize>(sysconf(_SC_PAGESIZE));
  EXPECT_LT(sum, machine);
  EXPECT_EQ(limits.maxMemoryAllocationSize, local);
  constexpr VkDeviceSize kSize = 64 << 20;
  for (std::uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
    VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocation.allocationSize = kSize;
    allocation.memoryTypeIndex = type;
    VkDeviceMemory some = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &allocation, nullptr, &some));
    VkPhysicalDeviceMemoryBudgetPropertiesEXT after{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    all.pNext = &after;
    vkGetPhysicalDeviceMemoryProperties2(gpu.physical, &all);
    for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
      const VkDeviceSize used = i == memory.memoryTypes[type].heapIndex ? kSize : 0;
      EXPECT_EQ(before.heapUsage[i] + used, after.heapUsage[i]) << i;
    }
    vkFreeMemory(gpu.device, some, nullptr);
  }
}

// A loader of interface 7 asks for the driver's other functions by name, before there is anything.
TEST(Report, TheLoadersFunctionsAreGivenByName) {
  void* driver = dlopen(SOKR_TEST_DRIVER, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(nullptr, driver);
  const auto get =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(driver, "vk_icdGetInstanceProcAddr"));
  ASSERT_NE(nullptr, get);
  for (const char* name : {"vk_icdNegotiateLoaderICDInterfaceVersion",
                           "vk_icdGetPhysicalDeviceProcAddr", "vk_icdGetInstanceProcAddr"}) {
    const auto found = get(VK_NULL_HANDLE, name);
    EXPECT_NE(nullptr, found) << name;
    EXPECT_EQ(dlsym(driver, name), reinterpret_cast<void*>(found)) << name;
  }
  dlclose(driver);
}

TEST(Report, TheSameFeatureIsTheSameInEveryStructure) {
  Gpu gpu;
  VkPhysicalDevice8BitStorageFeatures old{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &old};
  VkPhysicalDeviceFeatures2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v12, {}};
  vkGetPhysicalDeviceFeatures2(gpu.physical, &all);
  EXPECT_TRUE(old.storageBuffer8BitAccess);
  EXPECT_EQ(old.storageBuffer8BitAccess, v12.storageBuffer8BitAccess);
  EXPECT_TRUE(all.features.shaderFloat64);
  EXPECT_FALSE(all.features.geometryShader);
}

TEST(Report, WhatIsNotThereIsRefusedByName) {
  Gpu gpu;
  EXPECT_EQ(VK_ERROR_EXTENSION_NOT_PRESENT, create_device(gpu, "VK_KHR_swapchain", nullptr));
  VkPhysicalDeviceFeatures2 asked{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  asked.features.geometryShader = VK_TRUE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT, create_device(gpu, nullptr, &asked));
  EXPECT_NE(std::string::npos, gpu.messages.find("geometryShader")) << gpu.messages;
  VkPhysicalDeviceVulkan13Features v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
  v13.dynamicRendering = VK_TRUE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT, create_device(gpu, nullptr, &v13));
  EXPECT_NE(std::string::npos, gpu.messages.find("dynamicRendering")) << gpu.messages;
  // Of an extension that the driver does not know.
  VkPhysicalDeviceMeshShaderFeaturesNV mesh{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MESH_SHADER_FEATURES_NV};
  mesh.taskShader = VK_TRUE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT, create_device(gpu, nullptr, &mesh));
  EXPECT_NE(std::string::npos, gpu.messages.find("taskShader")) << gpu.messages;
  EXPECT_EQ(VK_SUCCESS, create_device(gpu, nullptr, nullptr));
}

// A program that insists on graphics and only computes gets what it insists on where the user says
// so.
TEST(Report, FeaturesOfGraphicsAreClaimedOnRequestAlone) {
  Gpu gpu;
  VkPhysicalDeviceFeatures2 asked{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  vkGetPhysicalDeviceFeatures2(gpu.physical, &asked);
  EXPECT_FALSE(asked.features.independentBlend);
  asked.features = {};
  asked.features.independentBlend = VK_TRUE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT, create_device(gpu, nullptr, &asked));
  ASSERT_EQ(0, setenv("SOKR_ICD_GRAPHICS", "claim", 1));
  EXPECT_EQ(VK_SUCCESS, create_device(gpu, nullptr, &asked));
  vkGetPhysicalDeviceFeatures2(gpu.physical, &asked);
  EXPECT_TRUE(asked.features.independentBlend);
  EXPECT_FALSE(asked.features.geometryShader);
  asked.features.geometryShader = VK_TRUE;
  EXPECT_EQ(VK_ERROR_FEATURE_NOT_PRESENT, create_device(gpu, nullptr, &asked));
  ASSERT_EQ(0, unsetenv("SOKR_ICD_GRAPHICS"));
}

TEST(Report, CommandsAreGivenByNameAndOnlyWhereTheyAreEnabled) {
  Gpu with;
  for (const char* name : {"vkCmdDispatch", "vkQueueSubmit2", "vkQueueSubmit2KHR", "vkCmdDraw",
                           "vkCmdDispatchBaseKHR", "vkCmdPushDescriptorSetKHR"}) {
    EXPECT_NE(nullptr, vkGetDeviceProcAddr(with.device, name)) << name;
  }
  EXPECT_EQ(nullptr, vkGetDeviceProcAddr(with.device, "vkCreateSwapchainKHR"));
  EXPECT_EQ(nullptr, vkGetDeviceProcAddr(with.device, "vkCreateInstance"));
  EXPECT_EQ(nullptr, vkGetDeviceProcAddr(with.device, "vkNoSuchThing"));
  // Which another extension has, too, that a newer version of Vulkan need not be asked for.
  EXPECT_EQ(VK_SUCCESS, create_device(with, "VK_KHR_push_descriptor", nullptr,
                                      "vkCmdPushDescriptorSetWithTemplateKHR"));
  Gpu without(false);
  EXPECT_EQ(nullptr, vkGetDeviceProcAddr(without.device, "vkCmdPushDescriptorSetKHR"));
}

TEST(Report, CommandsOfNewerVersionsAreNotThereForOlderPrograms) {
  Gpu gpu;
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  for (const std::uint32_t version :
       {0u, VK_API_VERSION_1_0, VK_API_VERSION_1_1, VK_API_VERSION_1_2, VK_API_VERSION_1_3}) {
    application.apiVersion = version;
    VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    if (version) info.pApplicationInfo = &application;
    VkInstance instance = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkCreateInstance(&info, nullptr, &instance));
    std::uint32_t count = 1;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkEnumeratePhysicalDevices(instance, &count, &physical));
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queues.queueCount = 1;
    queues.pQueuePriorities = &priority;
    VkDeviceCreateInfo made{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    made.queueCreateInfoCount = 1;
    made.pQueueCreateInfos = &queues;
    VkDevice device = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkCreateDevice(physical, &made, nullptr, &device));
    const auto has = [&](const char* name) { return vkGetDeviceProcAddr(device, name) != nullptr; };
    EXPECT_TRUE(has("vkCmdDispatch"));
    EXPECT_EQ(version >= VK_API_VERSION_1_1, has("vkCmdDispatchBase")) << version;
    EXPECT_EQ(version >= VK_API_VERSION_1_2, has("vkWaitSemaphores")) << version;
    EXPECT_EQ(version >= VK_API_VERSION_1_3, has("vkQueueSubmit2")) << version;
    reinterpret_cast<PFN_vkDestroyDevice>(vkGetDeviceProcAddr(device, "vkDestroyDevice"))(device,
                                                                                          nullptr);
    vkDestroyInstance(instance, nullptr);
  }
}

TEST(Report, GraphicsIsRefusedWithASentence) {
  Gpu gpu;
  VkGraphicsPipelineCreateInfo info{VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO};
  VkPipeline pipeline = VK_NULL_HANDLE;
  EXPECT_NE(VK_SUCCESS,
            vkCreateGraphicsPipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline));
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, pipeline);
  EXPECT_NE(std::string::npos, gpu.messages.find("no graphics")) << gpu.messages;
  const VkCommandBuffer commands = begin(gpu);
  vkCmdDraw(commands, 3, 1, 0, 0);
  EXPECT_NE(VK_SUCCESS, vkEndCommandBuffer(commands));
}

}  // namespace
}  // namespace sokr::test
