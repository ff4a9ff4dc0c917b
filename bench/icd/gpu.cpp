// SPDX-License-Identifier: MIT OR Apache-2.0
#define VOLK_IMPLEMENTATION
#include "gpu.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "../clock.hpp"

namespace sokr::bench {
namespace {

constexpr VkDeviceSize kBytes = 256;

void check(VkResult result, const char* what) {
  if (result == VK_SUCCESS) return;
  std::fprintf(stderr, "bench: %s failed: VkResult %d\n", what, result);
  std::exit(1);
}

std::vector<char> module_bytes() {
  std::ifstream file(SOKR_BENCH_SHADERS "/add_one.spv", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A family that computes, and a type of memory that the host sees.
std::uint32_t compute_family(VkPhysicalDevice physical) {
  std::uint32_t count = 16;
  VkQueueFamilyProperties families[16];
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) return i;
  }
  return 0;
}

std::uint32_t host_memory(VkPhysicalDevice physical, std::uint32_t allowed) {
  VkPhysicalDeviceMemoryProperties properties;
  vkGetPhysicalDeviceMemoryProperties(physical, &properties);
  const VkMemoryPropertyFlags wanted =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  for (std::uint32_t i = 0; i < properties.memoryTypeCount; ++i) {
    if ((allowed >> i & 1) && (properties.memoryTypes[i].propertyFlags & wanted) == wanted) {
      return i;
    }
  }
  return 0;
}

}  // namespace

std::vector<VkPhysicalDevice> all_devices() {
  check(volkInitialize(), "looking for a Vulkan loader");
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_1;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  VkInstance instance = VK_NULL_HANDLE;
  check(vkCreateInstance(&info, nullptr, &instance), "vkCreateInstance");
  volkLoadInstance(instance);
  std::uint32_t count = 8;
  std::vector<VkPhysicalDevice> devices(count);
  check(vkEnumeratePhysicalDevices(instance, &count, devices.data()), "looking for devices");
  devices.resize(count);
  return devices;
}

std::string name_of(VkPhysicalDevice physical) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(physical, &properties);
  return properties.deviceName;
}

Gpu::Gpu(VkPhysicalDevice physical) {
  const float priority = 1;
  VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queues.queueFamilyIndex = compute_family(physical);
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queues;
  check(vkCreateDevice(physical, &info, nullptr, &device_), "vkCreateDevice");
  volkLoadDeviceTable(&vk_, device_);
  vk_.vkGetDeviceQueue(device_, queues.queueFamilyIndex, 0, &queue_);
  create_buffer(physical);
  create_pipeline();
  VkCommandPoolCreateInfo pools{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pools.queueFamilyIndex = queues.queueFamilyIndex;
  check(vk_.vkCreateCommandPool(device_, &pools, nullptr, &pool_), "vkCreateCommandPool");
  VkFenceCreateInfo fences{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  check(vk_.vkCreateFence(device_, &fences, nullptr, &fence_), "vkCreateFence");
}

Gpu::~Gpu() {
  vk_.vkDestroyFence(device_, fence_, nullptr);
  vk_.vkDestroyCommandPool(device_, pool_, nullptr);
  vk_.vkDestroyDescriptorPool(device_, sets_, nullptr);
  vk_.vkDestroyPipeline(device_, pipeline_, nullptr);
  vk_.vkDestroyShaderModule(device_, module_, nullptr);
  vk_.vkDestroyPipelineLayout(device_, layout_, nullptr);
  vk_.vkDestroyDescriptorSetLayout(device_, set_layout_, nullptr);
  vk_.vkDestroyBuffer(device_, buffer_, nullptr);
  vk_.vkFreeMemory(device_, memory_, nullptr);
  vk_.vkDestroyDevice(device_, nullptr);
}

void Gpu::create_buffer(VkPhysicalDevice physical) {
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = kBytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  check(vk_.vkCreateBuffer(device_, &info, nullptr, &buffer_), "vkCreateBuffer");
  VkMemoryRequirements needs;
  vk_.vkGetBufferMemoryRequirements(device_, buffer_, &needs);
  VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.allocationSize = needs.size;
  allocation.memoryTypeIndex = host_memory(physical, needs.memoryTypeBits);
  check(vk_.vkAllocateMemory(device_, &allocation, nullptr, &memory_), "vkAllocateMemory");
  check(vk_.vkBindBufferMemory(device_, buffer_, memory_, 0), "vkBindBufferMemory");
  void* mapped = nullptr;
  check(vk_.vkMapMemory(device_, memory_, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory");
  words_ = static_cast<std::uint32_t*>(mapped);
  for (std::size_t i = 0; i < kBytes / 4; ++i) words_[i] = 0;
}

void Gpu::create_pipeline() {
  const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                             VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  sets.bindingCount = 1;
  sets.pBindings = &binding;
  check(vk_.vkCreateDescriptorSetLayout(device_, &sets, nullptr, &set_layout_), "a set's layout");
  VkPipelineLayoutCreateInfo layouts{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layouts.setLayoutCount = 1;
  layouts.pSetLayouts = &set_layout_;
  check(vk_.vkCreatePipelineLayout(device_, &layouts, nullptr, &layout_), "a pipeline's layout");
  const std::vector<char> bytes = module_bytes();
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::copy_n(bytes.data(), words.size() * 4, reinterpret_cast<char*>(words.data()));
  VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  code.codeSize = words.size() * 4;
  code.pCode = words.data();
  check(vk_.vkCreateShaderModule(device_, &code, nullptr, &module_), "vkCreateShaderModule");
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module_;
  info.stage.pName = "main";
  info.layout = layout_;
  check(vk_.vkCreateComputePipelines(device_, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_),
        "vkCreateComputePipelines");
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
  VkDescriptorPoolCreateInfo pools{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pools.maxSets = pools.poolSizeCount = 1;
  pools.pPoolSizes = &size;
  check(vk_.vkCreateDescriptorPool(device_, &pools, nullptr, &sets_), "vkCreateDescriptorPool");
  VkDescriptorSetAllocateInfo allocation{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  allocation.descriptorPool = sets_;
  allocation.descriptorSetCount = 1;
  allocation.pSetLayouts = &set_layout_;
  check(vk_.vkAllocateDescriptorSets(device_, &allocation, &set_), "vkAllocateDescriptorSets");
  const VkDescriptorBufferInfo whole{buffer_, 0, VK_WHOLE_SIZE};
  VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
  write.dstSet = set_;
  write.descriptorCount = 1;
  write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  write.pBufferInfo = &whole;
  vk_.vkUpdateDescriptorSets(device_, 1, &write, 0, nullptr);
}

VkCommandBuffer Gpu::record(unsigned count) {
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  check(vk_.vkAllocateCommandBuffers(device_, &info, &commands), "vkAllocateCommandBuffers");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  check(vk_.vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  vk_.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
  vk_.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                              nullptr);
  for (unsigned i = 0; i < count; ++i) {
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
    if (i != 0) {
      vk_.vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                               VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, nullptr, 0,
                               nullptr);
    }
    vk_.vkCmdDispatch(commands, 1, 1, 1);
  }
  check(vk_.vkEndCommandBuffer(commands), "vkEndCommandBuffer");
  return commands;
}

double Gpu::run(VkCommandBuffer commands) {
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  const double begin = now_ns();
  VkResult result = vk_.vkQueueSubmit(queue_, 1, &info, fence_);
  if (result == VK_SUCCESS) {
    result = vk_.vkWaitForFences(device_, 1, &fence_, VK_TRUE, UINT64_MAX);
  }
  const double end = now_ns();
  check(result, "a submission");
  check(vk_.vkResetFences(device_, 1, &fence_), "vkResetFences");
  return end - begin;
}

}  // namespace sokr::bench
