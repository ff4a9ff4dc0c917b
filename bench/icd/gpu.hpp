// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A small Vulkan program on one driver: a device, a buffer, a kernel that adds 1 to each of its
// words, and command buffers that dispatch it. Nothing of SOKR is in it.
#ifndef SOKR_BENCH_ICD_GPU_HPP_
#define SOKR_BENCH_ICD_GPU_HPP_

#include <volk.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sokr::bench {

// The devices of the drivers that VK_DRIVER_FILES names. Ends the process if there is no loader.
std::vector<VkPhysicalDevice> all_devices();
std::string name_of(VkPhysicalDevice physical);

class Gpu {
 public:
  explicit Gpu(VkPhysicalDevice physical);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  // `count` dispatches of one workgroup each, with a barrier between any two.
  VkCommandBuffer record(unsigned count);
  // Submits and waits for the fence: nanoseconds from the first to the end of the last.
  double run(VkCommandBuffer commands);
  std::uint32_t first_word() const { return *words_; }

 private:
  void create_buffer(VkPhysicalDevice physical);
  void create_pipeline();

  VolkDeviceTable vk_{};
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  std::uint32_t* words_ = nullptr;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkShaderModule module_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  VkDescriptorPool sets_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_ICD_GPU_HPP_
