// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The loop that somebody writes by hand for one kernel on one Vulkan device: everything is
// created and one command buffer recorded beforehand; a launch submits it and waits on a
// timeline semaphore. What the benchmarks compare with. Failures are exceptions.
#ifndef SOKR_BENCH_VULKAN_RAW_LOOP_HPP_
#define SOKR_BENCH_VULKAN_RAW_LOOP_HPP_

#include <volk.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sokr::bench {

// Throws "vkQueueSubmit failed with -4" for anything but VK_SUCCESS.
void expect(VkResult result, const char* what);

struct RawLoopOptions {
  VkDevice device = VK_NULL_HANDLE;
  const VolkDeviceTable* functions = nullptr;       // of `device`
  std::uint32_t queue_family = 0;                   // of which the first queue is used
  std::span<const VkDescriptorBufferInfo> buffers;  // bound to (0, 0), (0, 1), ...
  std::span<const std::byte> module;                // with the entry point "main"
  const VkSpecializationInfo* specialization = nullptr;
  std::span<const std::byte> push;
  std::array<std::uint32_t, 3> groups{1, 1, 1};
  bool spins = false;         // a wait asks the semaphore over and over instead of sleeping
  std::uint32_t repeats = 1;  // dispatches in the command buffer, each after the one before it
  // Bytes that are copied from the first of these to the second before, and back after: null =
  // none.
  VkBuffer staging = VK_NULL_HANDLE, local = VK_NULL_HANDLE;
  std::uint64_t staged_bytes = 0;
};

// The device and the buffers are the caller's and outlive it.
class RawLoop {
 public:
  explicit RawLoop(const RawLoopOptions& options);
  ~RawLoop() { destroy(); }
  RawLoop(const RawLoop&) = delete;
  RawLoop& operator=(const RawLoop&) = delete;

  // Records the command buffer anew, with other push constants or buffers; nothing is under way.
  void record(const RawLoopOptions& options);
  void bind(std::span<const VkDescriptorBufferInfo> buffers);
  // The two halves of a launch.
  void submit();
  void wait();

 private:
  void create_pipeline(const RawLoopOptions& options);
  void create_descriptors(std::span<const VkDescriptorBufferInfo> buffers);
  void create_timeline();
  void create_commands(const RawLoopOptions& options);
  void destroy();

  VkDevice device_;
  const VolkDeviceTable& vk_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkShaderModule module_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  VkDescriptorPool descriptors_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::uint64_t value_ = 0;
  bool spins_ = false;
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_VULKAN_RAW_LOOP_HPP_
