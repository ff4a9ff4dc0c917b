// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Pipelines, descriptors, commands and the queue: limits are enforced, subgroup sizes
// vary, timestamps have few bits, and the device can be lost.
#include <algorithm>
#include <array>
#include <vector>

#include "layer.hpp"

namespace sokr::vulkan::sim {
namespace {

using ULL = unsigned long long;

// ---- Pipelines ----------------------------------------------------------------------------

VKAPI_ATTR VkResult VKAPI_CALL create_pipeline_layout(VkDevice handle,
                                                      const VkPipelineLayoutCreateInfo* info,
                                                      const VkAllocationCallbacks* allocator,
                                                      VkPipelineLayout* out) {
  Device& device = device_of(handle);
  if (info->setLayoutCount > device.limits.maxBoundDescriptorSets) {
    violation("a pipeline layout of %u descriptor sets, over the limit of %u", info->setLayoutCount,
              device.limits.maxBoundDescriptorSets);
  }
  for (std::uint32_t i = 0; i < info->pushConstantRangeCount; ++i) {
    const VkPushConstantRange& range = info->pPushConstantRanges[i];
    if (range.offset + range.size <= device.limits.maxPushConstantsSize) continue;
    violation("push constants up to %u, over the limit of %u", range.offset + range.size,
              device.limits.maxPushConstantsSize);
  }
  return device.next.CreatePipelineLayout(handle, info, allocator, out);
}

// From SPIR-V 1.6 on, the size of a subgroup may be any that the device has, unless the
// pipeline requires one.
bool subgroups_vary(const VkShaderModuleCreateInfo& info) {
  constexpr std::uint32_t kVersion16 = 0x00010600, kCapability = 17;
  constexpr std::uint32_t kFirst = 61, kLast = 68;  // GroupNonUniform to GroupNonUniformQuad
  const std::size_t words = info.codeSize / 4;
  if (words < 5 || info.pCode[1] < kVersion16) return false;
  for (std::size_t at = 5; at + 1 < words && (info.pCode[at] & 0xFFFF) == kCapability; at += 2) {
    if (info.pCode[at + 1] >= kFirst && info.pCode[at + 1] <= kLast) return true;
  }
  return false;
}

VKAPI_ATTR VkResult VKAPI_CALL create_shader_module(VkDevice handle,
                                                    const VkShaderModuleCreateInfo* info,
                                                    const VkAllocationCallbacks* allocator,
                                                    VkShaderModule* out) {
  Device& device = device_of(handle);
  const VkResult result = device.next.CreateShaderModule(handle, info, allocator, out);
  if (result == VK_SUCCESS && profile().most_subgroup != 0 && subgroups_vary(*info)) {
    std::lock_guard lock(device.mutex);
    device.varying.insert(*out);
  }
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_shader_module(VkDevice handle, VkShaderModule module,
                                                 const VkAllocationCallbacks* allocator) {
  Device& device = device_of(handle);
  {
    std::lock_guard lock(device.mutex);
    device.varying.erase(module);
  }
  device.next.DestroyShaderModule(handle, module, allocator);
}

// Takes the required size out of a stage, which the driver below need not know. Sizes that
// it does not have cannot be simulated: there the pipeline fails.
VkResult settle_subgroup_size(Device& device, VkPipelineShaderStageCreateInfo& stage) {
  const auto* required = find_in_chain<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
      stage.pNext, VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
  if (!required) {
    std::lock_guard lock(device.mutex);
    if (device.varying.contains(stage.module)) {
      violation(
          "a kernel uses subgroups, and requires no size of them on a device where it varies");
    }
    return VK_SUCCESS;
  }
  if (required->requiredSubgroupSize != device.subgroup_size) return VK_ERROR_FEATURE_NOT_PRESENT;
  stage.pNext = required->pNext;
  return VK_SUCCESS;
}

// Out of a pipeline, for the driver below need not know it.
void take_robustness(VkComputePipelineCreateInfo& info) {
  constexpr auto kType = VK_STRUCTURE_TYPE_PIPELINE_ROBUSTNESS_CREATE_INFO_EXT;
  const auto* said = find_in_chain<VkPipelineRobustnessCreateInfoEXT>(info.pNext, kType);
  if (said == nullptr) return;
  if (info.pNext != said) violation("a pipeline says more beside its robustness");
  info.pNext = said->pNext;
  constexpr auto kUnchecked = VK_PIPELINE_ROBUSTNESS_BUFFER_BEHAVIOR_DISABLED_EXT;
  if (said->storageBuffers == kUnchecked && said->uniformBuffers == kUnchecked)
    state().unchecked.fetch_add(1);
}

VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice handle, VkPipelineCache cache,
                                                std::uint32_t count,
                                                const VkComputePipelineCreateInfo* infos,
                                                const VkAllocationCallbacks* allocator,
                                                VkPipeline* out) {
  maybe_die("vkCreateComputePipelines");
  Device& device = device_of(handle);
  std::vector<VkComputePipelineCreateInfo> real(infos, infos + count);
  for (const VkComputePipelineCreateInfo& info : real) {
    if (info.stage.flags & VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT)
      state().full_subgroups.fetch_add(1);
    state().pipelines.fetch_add(1);
  }
  if (profile().unchecked)
    for (VkComputePipelineCreateInfo& info : real) take_robustness(info);
  if (profile().most_subgroup != 0) {
    for (VkComputePipelineCreateInfo& info : real) {
      const VkResult settled = settle_subgroup_size(device, info.stage);
      if (settled == VK_SUCCESS) continue;
      std::fill_n(out, count, VkPipeline{VK_NULL_HANDLE});
      return settled;
    }
  }
  return device.next.CreateComputePipelines(handle, cache, count, real.data(), allocator, out);
}

// ---- Descriptors --------------------------------------------------------------------------

void check_descriptor(Device& device, VkDescriptorType type, const VkDescriptorBufferInfo& bound) {
  const bool uniform = type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
  if (!uniform && type != VK_DESCRIPTOR_TYPE_STORAGE_BUFFER) return;
  if (!bound.buffer) {
    if (hides(profile(), "nullDescriptor")) violation("a descriptor of no buffer");
    return;
  }
  const VkDeviceSize alignment = uniform ? device.limits.minUniformBufferOffsetAlignment
                                         : device.limits.minStorageBufferOffsetAlignment;
  const VkDeviceSize most =
      uniform ? device.limits.maxUniformBufferRange : device.limits.maxStorageBufferRange;
  VkDeviceSize size = 0;
  {
    std::lock_guard lock(device.mutex);
    auto found = device.buffers.find(bound.buffer);
    if (found == device.buffers.end()) return violation("a descriptor of a buffer that is gone");
    size = found->second.size;
    note_family(found->second, kOwnFamily);
  }
  if (bound.offset % alignment != 0) {
    violation("a descriptor at offset %llu, no multiple of %llu", static_cast<ULL>(bound.offset),
              static_cast<ULL>(alignment));
  }
  if (bound.offset >= size || (bound.range != VK_WHOLE_SIZE && bound.range > size - bound.offset)) {
    return violation("a descriptor of %llu bytes at %llu of a buffer of %llu",
                     static_cast<ULL>(bound.range), static_cast<ULL>(bound.offset),
                     static_cast<ULL>(size));
  }
  const VkDeviceSize range = bound.range == VK_WHOLE_SIZE ? size - bound.offset : bound.range;
  if (range > most) {
    violation("a descriptor of %llu bytes, over the limit of %llu", static_cast<ULL>(range),
              static_cast<ULL>(most));
  }
}

VKAPI_ATTR void VKAPI_CALL update_descriptor_sets(VkDevice handle, std::uint32_t count,
                                                  const VkWriteDescriptorSet* writes,
                                                  std::uint32_t copy_count,
                                                  const VkCopyDescriptorSet* copies) {
  Device& device = device_of(handle);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::uint32_t k = 0; writes[i].pBufferInfo && k < writes[i].descriptorCount; ++k) {
      check_descriptor(device, writes[i].descriptorType, writes[i].pBufferInfo[k]);
    }
  }
  device.next.UpdateDescriptorSets(handle, count, writes, copy_count, copies);
}

// ---- Commands -----------------------------------------------------------------------------

void check_groups(const Device& device, std::uint32_t axis, std::uint64_t groups) {
  const std::uint32_t most = device.limits.maxComputeWorkGroupCount[axis];
  if (groups > most) {
    violation("%llu workgroups on axis %u, over the limit of %u", static_cast<ULL>(groups), axis,
              most);
  }
}

VKAPI_ATTR void VKAPI_CALL cmd_dispatch(VkCommandBuffer commands, std::uint32_t x, std::uint32_t y,
                                        std::uint32_t z) {
  Device& device = device_of(commands);
  refuse_on_copy_queue(device, commands, "vkCmdDispatch");
  check_groups(device, 0, x);
  check_groups(device, 1, y);
  check_groups(device, 2, z);
  device.next.CmdDispatch(commands, x, y, z);
}

VKAPI_ATTR void VKAPI_CALL cmd_dispatch_base(VkCommandBuffer commands, std::uint32_t base_x,
                                             std::uint32_t base_y, std::uint32_t base_z,
                                             std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  Device& device = device_of(commands);
  refuse_on_copy_queue(device, commands, "vkCmdDispatchBase");
  check_groups(device, 0, std::uint64_t{base_x} + x);
  check_groups(device, 1, std::uint64_t{base_y} + y);
  check_groups(device, 2, std::uint64_t{base_z} + z);
  device.next.CmdDispatchBase(commands, base_x, base_y, base_z, x, y, z);
}

VKAPI_ATTR void VKAPI_CALL cmd_write_timestamp(VkCommandBuffer commands,
                                               VkPipelineStageFlagBits stage, VkQueryPool pool,
                                               std::uint32_t query) {
  if (profile().timestamp_bits == 0) violation("a timestamp on a queue that has none");
  device_of(commands).next.CmdWriteTimestamp(commands, stage, pool, query);
}

VKAPI_ATTR VkResult VKAPI_CALL create_query_pool(VkDevice handle, const VkQueryPoolCreateInfo* info,
                                                 const VkAllocationCallbacks* allocator,
                                                 VkQueryPool* out) {
  Device& device = device_of(handle);
  const VkResult result = device.next.CreateQueryPool(handle, info, allocator, out);
  if (result == VK_SUCCESS && info->queryType == VK_QUERY_TYPE_TIMESTAMP) {
    std::lock_guard lock(device.mutex);
    device.timestamps.insert(*out);
  }
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_query_pool(VkDevice handle, VkQueryPool pool,
                                              const VkAllocationCallbacks* allocator) {
  Device& device = device_of(handle);
  {
    std::lock_guard lock(device.mutex);
    device.timestamps.erase(pool);
  }
  device.next.DestroyQueryPool(handle, pool, allocator);
}

// The clock shows its few bits, and turns over right after the first timestamp that is read. The
// device's mutex is held.
std::uint64_t shown(Device& device, std::uint64_t value, int bits) {
  if (device.first_timestamp == 0) device.first_timestamp = value;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  return (value - device.first_timestamp + mask) & mask;
}

VKAPI_ATTR VkResult VKAPI_CALL get_calibrated_timestamps(VkDevice handle, std::uint32_t count,
                                                         const VkCalibratedTimestampInfoEXT* infos,
                                                         std::uint64_t* out,
                                                         std::uint64_t* deviation) {
  Device& device = device_of(handle);
  const VkResult result =
      device.next.GetCalibratedTimestampsEXT(handle, count, infos, out, deviation);
  const int bits = profile().timestamp_bits;
  if (result != VK_SUCCESS || bits <= 0 || bits >= 64) return result;
  std::lock_guard lock(device.mutex);
  for (std::uint32_t i = 0; i < count; ++i)
    if (infos[i].timeDomain == VK_TIME_DOMAIN_DEVICE_EXT) out[i] = shown(device, out[i], bits);
  return result;
}

VKAPI_ATTR VkResult VKAPI_CALL get_query_results(VkDevice handle, VkQueryPool pool,
                                                 std::uint32_t first, std::uint32_t count,
                                                 std::size_t size, void* out, VkDeviceSize stride,
                                                 VkQueryResultFlags flags) {
  Device& device = device_of(handle);
  if (loses(device)) return VK_ERROR_DEVICE_LOST;
  const VkResult result =
      device.next.GetQueryPoolResults(handle, pool, first, count, size, out, stride, flags);
  const int bits = profile().timestamp_bits;
  if (result != VK_SUCCESS || bits <= 0 || bits >= 64 || !(flags & VK_QUERY_RESULT_64_BIT)) {
    return result;
  }
  std::lock_guard lock(device.mutex);
  if (!device.timestamps.contains(pool)) return result;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto* value = reinterpret_cast<std::uint64_t*>(static_cast<std::byte*>(out) + i * stride);
    *value = shown(device, *value, bits);
  }
  return result;
}

// ---- The queue ----------------------------------------------------------------------------

bool copies(const Device& device, VkQueue queue) {
  return device.copy_queue && queue == device.copy_queue->handle();
}

VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue queue, std::uint32_t count,
                                            const VkSubmitInfo* infos, VkFence fence) {
  Device& device = device_of(queue);
  state().submissions.fetch_add(count);
  for (std::uint32_t i = 0; i < count; ++i)
    state().command_buffers.fetch_add(infos[i].commandBufferCount);
  if (loses(device)) return VK_ERROR_DEVICE_LOST;
  if (copies(device, queue)) return device.copy_queue->submit(count, infos);
  for (std::uint32_t i = 0; i < count; ++i)
    for (std::uint32_t k = 0; k < infos[i].commandBufferCount; ++k)
      refuse_on_copy_queue(device, infos[i].pCommandBuffers[k], "commands that were recorded");
  return device.next.QueueSubmit(queue, count, infos, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL queue_submit2(VkQueue queue, std::uint32_t count,
                                             const VkSubmitInfo2* infos, VkFence fence) {
  Device& device = device_of(queue);
  state().submissions.fetch_add(count);
  for (std::uint32_t i = 0; i < count; ++i)
    state().command_buffers.fetch_add(infos[i].commandBufferInfoCount);
  if (loses(device)) return VK_ERROR_DEVICE_LOST;
  if (copies(device, queue)) return device.copy_queue->submit(count, infos);
  for (std::uint32_t i = 0; i < count; ++i)
    for (std::uint32_t k = 0; k < infos[i].commandBufferInfoCount; ++k)
      refuse_on_copy_queue(device, infos[i].pCommandBufferInfos[k].commandBuffer,
                           "commands that were recorded");
  return device.next.QueueSubmit2(queue, count, infos, fence);
}

// A lost device still ends what it had begun before its objects go, and may say so: layers that
// count what is in use go by it.
VKAPI_ATTR VkResult VKAPI_CALL device_wait_idle(VkDevice handle) {
  Device& device = device_of(handle);
  if (profile().only_compiles) return VK_SUCCESS;
  const VkResult result = device.next.DeviceWaitIdle(handle);
  if (device.copy_queue) device.copy_queue->wait_idle();
  return result;
}

VKAPI_ATTR VkResult VKAPI_CALL queue_wait_idle(VkQueue queue) {
  Device& device = device_of(queue);
  VkResult result = VK_SUCCESS;
  if (copies(device, queue)) {
    device.copy_queue->wait_idle();
  } else {
    result = device.next.QueueWaitIdle(queue);
  }
  return device.lost.load() ? VK_ERROR_DEVICE_LOST : result;
}

VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice handle, const VkSemaphoreWaitInfo* info,
                                               std::uint64_t timeout) {
  Device& device = device_of(handle);
  state().sleeps.fetch_add(1);
  if (loses(device)) return VK_ERROR_DEVICE_LOST;
  return device.next.WaitSemaphores(handle, info, timeout);
}

VKAPI_ATTR VkResult VKAPI_CALL get_counter(VkDevice handle, VkSemaphore semaphore,
                                           std::uint64_t* out) {
  Device& device = device_of(handle);
  state().questions.fetch_add(1);
  if (loses(device)) return VK_ERROR_DEVICE_LOST;
  if (!state().seems_busy) return device.next.GetSemaphoreCounterValue(handle, semaphore, out);
  *out = 0;
  return VK_SUCCESS;
}

// A driver without hardware has no semaphores.
constexpr std::uintptr_t kNoSemaphore = 0x5EAF0;

VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice handle, const VkSemaphoreCreateInfo* info,
                                                const VkAllocationCallbacks* allocator,
                                                VkSemaphore* out) {
  if (profile().only_compiles) {
    *out = reinterpret_cast<VkSemaphore>(kNoSemaphore);
    return VK_SUCCESS;
  }
  return device_of(handle).next.CreateSemaphore(handle, info, allocator, out);
}

VKAPI_ATTR void VKAPI_CALL destroy_semaphore(VkDevice handle, VkSemaphore semaphore,
                                             const VkAllocationCallbacks* allocator) {
  if (profile().only_compiles) return;
  device_of(handle).next.DestroySemaphore(handle, semaphore, allocator);
}

}  // namespace

PFN_vkVoidFunction find_work(std::string_view name) {
  static const auto functions = std::to_array<Function>({
      SOKR_SIM_FUNCTION("vkCreatePipelineLayout", create_pipeline_layout),
      SOKR_SIM_FUNCTION("vkCreateShaderModule", create_shader_module),
      SOKR_SIM_FUNCTION("vkDestroyShaderModule", destroy_shader_module),
      SOKR_SIM_FUNCTION("vkCreateComputePipelines", create_pipelines),
      SOKR_SIM_FUNCTION("vkUpdateDescriptorSets", update_descriptor_sets),
      SOKR_SIM_FUNCTION("vkCmdDispatch", cmd_dispatch),
      SOKR_SIM_FUNCTION("vkCmdDispatchBase", cmd_dispatch_base),
      SOKR_SIM_FUNCTION("vkCmdWriteTimestamp", cmd_write_timestamp),
      SOKR_SIM_FUNCTION("vkCreateQueryPool", create_query_pool),
      SOKR_SIM_FUNCTION("vkDestroyQueryPool", destroy_query_pool),
      SOKR_SIM_FUNCTION("vkGetQueryPoolResults", get_query_results),
      SOKR_SIM_FUNCTION("vkGetCalibratedTimestampsEXT", get_calibrated_timestamps),
      SOKR_SIM_FUNCTION("vkQueueSubmit", queue_submit),
      SOKR_SIM_FUNCTION("vkQueueSubmit2", queue_submit2),
      SOKR_SIM_FUNCTION("vkDeviceWaitIdle", device_wait_idle),
      SOKR_SIM_FUNCTION("vkQueueWaitIdle", queue_wait_idle),
      SOKR_SIM_FUNCTION("vkWaitSemaphores", wait_semaphores),
      SOKR_SIM_FUNCTION("vkGetSemaphoreCounterValue", get_counter),
      SOKR_SIM_FUNCTION("vkCreateSemaphore", create_semaphore),
      SOKR_SIM_FUNCTION("vkDestroySemaphore", destroy_semaphore),
  });
  return find_function(functions, name);
}

}  // namespace sokr::vulkan::sim
