// SPDX-License-Identifier: MIT OR Apache-2.0
#define VOLK_IMPLEMENTATION
#include "gpu.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <new>
#include <string_view>

namespace sokr::test {
namespace {

VKAPI_ATTR VkBool32 VKAPI_CALL take_message(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                            VkDebugUtilsMessageTypeFlagsEXT,
                                            const VkDebugUtilsMessengerCallbackDataEXT* data,
                                            void* user) {
  try {
    *static_cast<std::string*>(user) += std::string(data->pMessage) + "\n";
  } catch (const std::bad_alloc&) {  // which some tests see to
  }
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(std::string& to) {
  VkDebugUtilsMessengerCreateInfoEXT info{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT;
  info.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = take_message;
  info.pUserData = &to;
  return info;
}

// A layer warns of extensions that are younger than it is: it is taken to be as old as the headers.
bool is_young([[maybe_unused]] std::string_view name) {
#ifndef VK_KHR_shader_subgroup_rotate
  if (name == "VK_KHR_shader_subgroup_rotate") return true;
#endif
#ifndef VK_KHR_shader_maximal_reconvergence
  if (name == "VK_KHR_shader_maximal_reconvergence") return true;
#endif
#ifndef VK_KHR_shader_expect_assume
  if (name == "VK_KHR_shader_expect_assume") return true;
#endif
  return false;
}

std::vector<const char*> all_extensions(VkPhysicalDevice physical,
                                        std::vector<VkExtensionProperties>& properties) {
  std::uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr);
  properties.resize(count);
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, properties.data());
  std::vector<const char*> names;
  const bool is_validated = std::getenv("SOKR_TEST_VALIDATED") != nullptr;
  for (const auto& property : properties)
    if (!is_validated || !is_young(property.extensionName)) names.push_back(property.extensionName);
  return names;
}

void create_instance(Gpu& gpu) {
  const VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(gpu.messages);
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_3;
  const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  info.enabledExtensionCount = 1;
  info.ppEnabledExtensionNames = &extension;
  ASSERT_EQ(VK_SUCCESS, vkCreateInstance(&info, nullptr, &gpu.instance));
  volkLoadInstance(gpu.instance);
  ASSERT_EQ(VK_SUCCESS,
            vkCreateDebugUtilsMessengerEXT(gpu.instance, &messenger, nullptr, &gpu.messenger));
}

// Structures of features that are chained, filled in by the device, and given back to it.
struct Features {
  VkPhysicalDeviceFeatures2 base{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan13Features v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
  VkPhysicalDeviceRobustness2FeaturesEXT robust{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT};
  VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomics{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_FEATURES_EXT};
  VkPhysicalDeviceShaderClockFeaturesKHR clock{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CLOCK_FEATURES_KHR};
  explicit Features(VkPhysicalDevice physical) {
    base.pNext = &v11;
    v11.pNext = &v12;
    v12.pNext = &v13;
    v13.pNext = &robust;
    robust.pNext = &atomics;
    atomics.pNext = &clock;
    vkGetPhysicalDeviceFeatures2(physical, &base);
  }
};

}  // namespace

bool open_vulkan() {
  static const bool opened = [] {
    if (!std::getenv("SOKR_TEST_DIRECT")) return volkInitialize() == VK_SUCCESS;
    void* driver = dlopen(SOKR_TEST_DRIVER, RTLD_NOW | RTLD_LOCAL);
    if (!driver) return false;
    auto load = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(driver, "vkGetInstanceProcAddr"));
    if (!load) return false;
    volkInitializeCustom(load);
    return true;
  }();
  EXPECT_TRUE(opened) << "neither a loader nor the driver";
  return opened;
}

Gpu::Gpu(bool with_features) {
  if (!open_vulkan()) return;
  create_instance(*this);
  std::uint32_t count = 1;
  vkEnumeratePhysicalDevices(instance, &count, &physical);
  if (count != 1) {
    ADD_FAILURE() << "the driver offers no device: " << messages;
    return;
  }
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  std::vector<VkExtensionProperties> properties;
  const std::vector<const char*> extensions = all_extensions(physical, properties);
  const Features features(physical);
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queues;
  if (with_features) {
    info.pNext = &features.base;
    info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
  }
  EXPECT_EQ(VK_SUCCESS, vkCreateDevice(physical, &info, nullptr, &device)) << messages;
  if (!device) return;
  volkLoadDevice(device);
  vkGetDeviceQueue(device, 0, 0, &queue);
  VkCommandPoolCreateInfo pools{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pools.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  EXPECT_EQ(VK_SUCCESS, vkCreateCommandPool(device, &pools, nullptr, &pool));
}

Gpu::~Gpu() {
  if (device) {
    vkDestroyCommandPool(device, pool, nullptr);
    vkDestroyDevice(device, nullptr);
  }
  // The layer that validates has a say, too.
  if (std::getenv("SOKR_TEST_VALIDATED")) {
    EXPECT_EQ(std::string::npos, messages.find("Validation")) << messages;
    EXPECT_EQ(std::string::npos, messages.find("VUID")) << messages;
  }
  if (messenger) vkDestroyDebugUtilsMessengerEXT(instance, messenger, nullptr);
  if (instance) vkDestroyInstance(instance, nullptr);
}

Memory::Memory(Gpu& of, VkDeviceSize bytes, VkBufferUsageFlags usage) : gpu(of), size(bytes) {
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = bytes;
  info.usage = usage | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
  EXPECT_EQ(VK_SUCCESS, vkCreateBuffer(gpu.device, &info, nullptr, &buffer));
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(gpu.device, buffer, &needs);
  VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.allocationSize = needs.size;
  if (usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) allocation.pNext = &flags;
  EXPECT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &allocation, nullptr, &memory));
  EXPECT_EQ(VK_SUCCESS, vkBindBufferMemory(gpu.device, buffer, memory, 0));
  EXPECT_EQ(VK_SUCCESS, vkMapMemory(gpu.device, memory, 0, VK_WHOLE_SIZE, 0, &data));
}
Memory::~Memory() {
  vkDestroyBuffer(gpu.device, buffer, nullptr);
  vkFreeMemory(gpu.device, memory, nullptr);
}

std::vector<std::uint32_t> read_words(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(bytes.empty()) << path;
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), words.size() * 4);
  return words;
}
std::vector<std::uint32_t> shared_kernel(const std::string& name) {
  return read_words(std::string(SOKR_SHADERS) + "/" + name + ".spv");
}
std::vector<std::uint32_t> test_kernel(const std::string& name) {
  return read_words(std::string(SOKR_TEST_SHADERS) + "/" + name + ".spv");
}

std::vector<VkDescriptorSetLayoutBinding> storage_buffers(std::uint32_t count) {
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (std::uint32_t i = 0; i < count; ++i) {
    bindings.push_back(
        {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
  }
  return bindings;
}

Kernel::Kernel(Gpu& of, const std::vector<std::uint32_t>& words,
               const std::vector<VkDescriptorSetLayoutBinding>& with,
               const PipelineOptions& options)
    : gpu(of), bindings(with) {
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = words.size() * 4;
  module_info.pCode = words.data();
  EXPECT_EQ(VK_SUCCESS, vkCreateShaderModule(gpu.device, &module_info, nullptr, &module));
  VkDescriptorSetLayoutCreateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  sets.pNext = options.layout_chain;
  sets.flags = options.set_flags;
  sets.bindingCount = static_cast<std::uint32_t>(bindings.size());
  sets.pBindings = bindings.data();
  EXPECT_EQ(VK_SUCCESS, vkCreateDescriptorSetLayout(gpu.device, &sets, nullptr, &set_layout));
  VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, options.push_size};
  VkPipelineLayoutCreateInfo layouts{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layouts.setLayoutCount = 1;
  layouts.pSetLayouts = &set_layout;
  layouts.pushConstantRangeCount = options.push_size ? 1 : 0;
  layouts.pPushConstantRanges = &range;
  EXPECT_EQ(VK_SUCCESS, vkCreatePipelineLayout(gpu.device, &layouts, nullptr, &layout));
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.flags = options.flags;
  info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
  info.stage.pNext = options.stage_chain;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = options.specialization;
  info.layout = options.layout ? options.layout : layout;
  result = vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline);
  if (options.set_flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR) return;
  std::vector<VkDescriptorPoolSize> sizes;
  for (const auto& b : bindings) sizes.push_back({b.descriptorType, b.descriptorCount});
  VkDescriptorPoolInlineUniformBlockCreateInfo blocks{
      VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_INLINE_UNIFORM_BLOCK_CREATE_INFO};
  blocks.maxInlineUniformBlockBindings = 4;
  VkDescriptorPoolCreateInfo pools{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pools.pNext = &blocks;
  pools.maxSets = 1;
  if (options.set_flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT) {
    pools.flags = VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT;
  }
  pools.poolSizeCount = static_cast<std::uint32_t>(sizes.size());
  pools.pPoolSizes = sizes.data();
  EXPECT_EQ(VK_SUCCESS, vkCreateDescriptorPool(gpu.device, &pools, nullptr, &pool));
  VkDescriptorSetAllocateInfo allocation{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  allocation.descriptorPool = pool;
  allocation.descriptorSetCount = 1;
  allocation.pSetLayouts = &set_layout;
  EXPECT_EQ(VK_SUCCESS, vkAllocateDescriptorSets(gpu.device, &allocation, &set));
}

Kernel::~Kernel() {
  vkDestroyPipeline(gpu.device, pipeline, nullptr);
  vkDestroyPipelineLayout(gpu.device, layout, nullptr);
  vkDestroyDescriptorPool(gpu.device, pool, nullptr);
  vkDestroyDescriptorSetLayout(gpu.device, set_layout, nullptr);
  vkDestroyShaderModule(gpu.device, module, nullptr);
}

void Kernel::write(std::uint32_t binding, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize range,
                   std::uint32_t element) {
  const VkDescriptorBufferInfo info{buffer, offset, range};
  VkWriteDescriptorSet one{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
  one.dstSet = set;
  one.dstBinding = binding;
  one.dstArrayElement = element;
  one.descriptorCount = 1;
  for (const auto& b : bindings) {
    if (b.binding == binding) one.descriptorType = b.descriptorType;
  }
  one.pBufferInfo = &info;
  vkUpdateDescriptorSets(gpu.device, 1, &one, 0, nullptr);
}

void Kernel::bind(VkCommandBuffer commands, const std::vector<std::uint32_t>& offsets) const {
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  if (!set) return;
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set,
                          static_cast<std::uint32_t>(offsets.size()), offsets.data());
}

VkCommandBuffer begin(Gpu& gpu, VkCommandBufferLevel level) {
  VkCommandBufferAllocateInfo allocation{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocation.commandPool = gpu.pool;
  allocation.level = level;
  allocation.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  EXPECT_EQ(VK_SUCCESS, vkAllocateCommandBuffers(gpu.device, &allocation, &commands));
  VkCommandBufferInheritanceInfo inheritance{VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
  VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  info.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  info.pInheritanceInfo = &inheritance;
  EXPECT_EQ(VK_SUCCESS, vkBeginCommandBuffer(commands, &info));
  return commands;
}

VkFence new_fence(Gpu& gpu) {
  VkFenceCreateInfo info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence = VK_NULL_HANDLE;
  EXPECT_EQ(VK_SUCCESS, vkCreateFence(gpu.device, &info, nullptr, &fence));
  return fence;
}

VkSemaphore new_semaphore(Gpu& gpu, bool timeline, std::uint64_t value) {
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = timeline ? VK_SEMAPHORE_TYPE_TIMELINE : VK_SEMAPHORE_TYPE_BINARY;
  type.initialValue = value;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
  VkSemaphore semaphore = VK_NULL_HANDLE;
  EXPECT_EQ(VK_SUCCESS, vkCreateSemaphore(gpu.device, &info, nullptr, &semaphore));
  return semaphore;
}

void run(Gpu& gpu, VkCommandBuffer commands) {
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands)) << gpu.messages;
  const VkFence fence = new_fence(gpu);
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  EXPECT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, fence)) << gpu.messages;
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  vkDestroyFence(gpu.device, fence, nullptr);
}

}  // namespace sokr::test
