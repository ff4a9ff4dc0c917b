// SPDX-License-Identifier: MIT OR Apache-2.0
#include "raw_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace sokr::bench {

void expect(VkResult result, const char* what) {
  if (result != VK_SUCCESS)
    throw std::runtime_error(fmt::format("{} failed with {}", what, static_cast<int>(result)));
}

RawLoop::RawLoop(const RawLoopOptions& options)
    : device_(options.device), vk_(*options.functions), spins_(options.spins) {
  try {
    vk_.vkGetDeviceQueue(device_, options.queue_family, 0, &queue_);
    create_pipeline(options);
    create_descriptors(options.buffers);
    create_timeline();
    create_commands(options);
    record(options);
  } catch (...) {
    destroy();
    throw;
  }
}

void RawLoop::submit() {
  ++value_;
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &value_;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands_;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  expect(vk_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
}

void RawLoop::wait() {
  for (std::uint64_t reached = 0; spins_;) {
    expect(vk_.vkGetSemaphoreCounterValue(device_, timeline_, &reached),
           "vkGetSemaphoreCounterValue");
    if (reached >= value_) return;
  }
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &value_;
  expect(vk_.vkWaitSemaphores(device_, &info, UINT64_MAX), "vkWaitSemaphores");
}

void RawLoop::create_pipeline(const RawLoopOptions& options) {
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (std::uint32_t i = 0; i < options.buffers.size(); ++i)
    bindings.push_back(
        {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
  VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  set.bindingCount = static_cast<std::uint32_t>(bindings.size());
  set.pBindings = bindings.data();
  expect(vk_.vkCreateDescriptorSetLayout(device_, &set, nullptr, &set_layout_),
         "vkCreateDescriptorSetLayout");
  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                  static_cast<std::uint32_t>(options.push.size())};
  VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &set_layout_;
  layout.pushConstantRangeCount = options.push.empty() ? 0 : 1;
  layout.pPushConstantRanges = &range;
  expect(vk_.vkCreatePipelineLayout(device_, &layout, nullptr, &layout_), "vkCreatePipelineLayout");
  std::vector<std::uint32_t> words(options.module.size() / 4);
  std::memcpy(words.data(), options.module.data(), words.size() * 4);
  VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  code.codeSize = words.size() * 4;
  code.pCode = words.data();
  expect(vk_.vkCreateShaderModule(device_, &code, nullptr, &module_), "vkCreateShaderModule");
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module_;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = options.specialization;
  info.layout = layout_;
  expect(vk_.vkCreateComputePipelines(device_, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_),
         "vkCreateComputePipelines");
}

void RawLoop::create_descriptors(std::span<const VkDescriptorBufferInfo> buffers) {
  const auto count = static_cast<std::uint32_t>(buffers.size());
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(1u, count)};
  VkDescriptorPoolCreateInfo pool{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pool.maxSets = 1;
  pool.poolSizeCount = 1;
  pool.pPoolSizes = &size;
  expect(vk_.vkCreateDescriptorPool(device_, &pool, nullptr, &descriptors_),
         "vkCreateDescriptorPool");
  VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  info.descriptorPool = descriptors_;
  info.descriptorSetCount = 1;
  info.pSetLayouts = &set_layout_;
  expect(vk_.vkAllocateDescriptorSets(device_, &info, &set_), "vkAllocateDescriptorSets");
  bind(buffers);
}

void RawLoop::bind(std::span<const VkDescriptorBufferInfo> buffers) {
  for (std::uint32_t i = 0; i < buffers.size(); ++i) {
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set_;
    write.dstBinding = i;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &buffers[i];
    vk_.vkUpdateDescriptorSets(device_, 1, &write, 0, nullptr);
  }
}

void RawLoop::create_timeline() {
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
  expect(vk_.vkCreateSemaphore(device_, &info, nullptr, &timeline_), "vkCreateSemaphore");
}

void RawLoop::create_commands(const RawLoopOptions& options) {
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = options.queue_family;
  expect(vk_.vkCreateCommandPool(device_, &pool, nullptr, &pool_), "vkCreateCommandPool");
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  expect(vk_.vkAllocateCommandBuffers(device_, &info, &commands_), "vkAllocateCommandBuffers");
}

void RawLoop::record(const RawLoopOptions& options) {
  const auto barrier = [&](VkPipelineStageFlags from, VkAccessFlags written,
                           VkPipelineStageFlags to, VkAccessFlags used) {
    const VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, written, used};
    vk_.vkCmdPipelineBarrier(commands_, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
  };
  const VkBufferCopy all{0, 0, options.staged_bytes};
  constexpr VkAccessFlags kShader = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  expect(vk_.vkResetCommandPool(device_, pool_, 0), "vkResetCommandPool");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  expect(vk_.vkBeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
  if (options.staging) {
    vk_.vkCmdCopyBuffer(commands_, options.staging, options.local, 1, &all);
    barrier(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, kShader);
  }
  vk_.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
  vk_.vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                              nullptr);
  if (!options.push.empty())
    vk_.vkCmdPushConstants(commands_, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           static_cast<std::uint32_t>(options.push.size()), options.push.data());
  for (std::uint32_t i = 0; i < options.repeats; ++i) {
    if (i != 0)
      barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
              VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, kShader);
    vk_.vkCmdDispatch(commands_, options.groups[0], options.groups[1], options.groups[2]);
  }
  if (options.staging) {
    barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
            VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
    vk_.vkCmdCopyBuffer(commands_, options.local, options.staging, 1, &all);
    barrier(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  }
  barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
          VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  expect(vk_.vkEndCommandBuffer(commands_), "vkEndCommandBuffer");
}

void RawLoop::destroy() {
  vk_.vkDeviceWaitIdle(device_);
  vk_.vkDestroySemaphore(device_, timeline_, nullptr);
  vk_.vkDestroyCommandPool(device_, pool_, nullptr);
  vk_.vkDestroyDescriptorPool(device_, descriptors_, nullptr);
  vk_.vkDestroyPipeline(device_, pipeline_, nullptr);
  vk_.vkDestroyShaderModule(device_, module_, nullptr);
  vk_.vkDestroyPipelineLayout(device_, layout_, nullptr);
  vk_.vkDestroyDescriptorSetLayout(device_, set_layout_, nullptr);
}

}  // namespace sokr::bench
