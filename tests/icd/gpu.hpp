// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a small Vulkan program needs, and nothing of SOKR: an instance, the driver's device, its
// queue, buffers that are mapped, pipelines from files. Through the loader, or, with
// SOKR_TEST_DIRECT, without one.
#ifndef SOKR_TESTS_ICD_GPU_HPP_
#define SOKR_TESTS_ICD_GPU_HPP_

#include <gtest/gtest.h>
#include <volk.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace sokr::test {

// Opens the loader or the driver once. False, with a failure of the test, if there is none.
bool open_vulkan();

struct Gpu {
  // Everything that the device supports is enabled.
  explicit Gpu(bool with_features = true);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  std::string messages;  // of the driver's messenger, each with a newline
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
};

// A buffer with memory of its own, mapped.
struct Memory {
  Memory(Gpu& of, VkDeviceSize size, VkBufferUsageFlags usage = 0);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }

  Gpu& gpu;
  VkDeviceSize size;
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  void* data = nullptr;
};

std::vector<std::uint32_t> read_words(const std::string& path);
// A kernel of shaders/, or one of the tests' own.
std::vector<std::uint32_t> shared_kernel(const std::string& name);
std::vector<std::uint32_t> test_kernel(const std::string& name);

struct PipelineOptions {
  std::uint32_t push_size = 0;
  const VkSpecializationInfo* specialization = nullptr;
  VkPipelineCreateFlags flags = 0;
  VkDescriptorSetLayoutCreateFlags set_flags = 0;
  const void* layout_chain = nullptr;  // of the set's layout
  const void* stage_chain = nullptr;
  VkPipelineLayout layout = VK_NULL_HANDLE;  // in place of its own
};

// One set with these bindings, a layout, a pipeline, a pool and a set.
struct Kernel {
  Kernel(Gpu& of, const std::vector<std::uint32_t>& words,
         const std::vector<VkDescriptorSetLayoutBinding>& bindings,
         const PipelineOptions& options = {});
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  void write(std::uint32_t binding, VkBuffer buffer, VkDeviceSize offset = 0,
             VkDeviceSize range = VK_WHOLE_SIZE, std::uint32_t element = 0);
  void bind(VkCommandBuffer commands, const std::vector<std::uint32_t>& offsets = {}) const;

  Gpu& gpu;
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  VkResult result = VK_SUCCESS;  // of vkCreateComputePipelines
  VkShaderModule module = VK_NULL_HANDLE;
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline pipeline = VK_NULL_HANDLE;
  VkDescriptorPool pool = VK_NULL_HANDLE;
  VkDescriptorSet set = VK_NULL_HANDLE;
};

std::vector<VkDescriptorSetLayoutBinding> storage_buffers(std::uint32_t count);

VkCommandBuffer begin(Gpu& gpu, VkCommandBufferLevel level = VK_COMMAND_BUFFER_LEVEL_PRIMARY);
// Ends, submits and waits.
void run(Gpu& gpu, VkCommandBuffer commands);
VkFence new_fence(Gpu& gpu);
VkSemaphore new_semaphore(Gpu& gpu, bool timeline, std::uint64_t value = 0);

}  // namespace sokr::test

#endif  // SOKR_TESTS_ICD_GPU_HPP_
