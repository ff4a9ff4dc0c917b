// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The queue that only copies, of a family that the driver below does not have. A thread works off
// what is submitted to it, in its order, with memory of the driver that it reaches by itself: so
// copies run beside the kernels of the driver's one queue, as on hardware, and what is not ordered
// by a semaphore has no order.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "layer.hpp"

namespace sokr::vulkan::sim {

// What was recorded, and what is left of it when it is submitted.
struct CopyQueue::Job {
  struct Move {
    std::byte* to = nullptr;
    const std::byte* from = nullptr;  // null: `word`, over and over
    VkDeviceSize size = 0;
    std::uint32_t word = 0;
  };
  std::vector<VkSemaphore> awaited, signalled;
  std::vector<std::uint64_t> values, signals;
  std::vector<Move> moves;
  std::vector<VkBuffer> used;
};

struct CopyQueue::Work {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  bool busy = false, ends = false;
  std::thread thread;
};

CopyQueue::CopyQueue(Device& device)
    : key_(*reinterpret_cast<const void* const*>(device.handle)),
      device_(device),
      work_(std::make_unique<Work>()) {
  work_->thread = std::thread([this] { run(); });
}

CopyQueue::~CopyQueue() {
  {
    std::lock_guard lock(work_->mutex);
    work_->ends = true;
  }
  work_->changed.notify_all();
  work_->thread.join();
}

void CopyQueue::run() {
  std::unique_lock lock(work_->mutex);
  while (true) {
    work_->changed.wait(lock, [&] { return work_->ends || !work_->jobs.empty(); });
    if (work_->jobs.empty()) return;
    const Job job = std::move(work_->jobs.front());
    work_->jobs.pop_front();
    work_->busy = true;
    lock.unlock();
    perform(job);
    lock.lock();
    work_->busy = false;
    work_->changed.notify_all();
  }
}

void CopyQueue::perform(const Job& job) {
  if (!job.awaited.empty()) {
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = static_cast<std::uint32_t>(job.awaited.size());
    info.pSemaphores = job.awaited.data();
    info.pValues = job.values.data();
    device_.next.WaitSemaphores(device_.handle, &info, UINT64_MAX);
  }
  for (const Job::Move& move : job.moves) {
    if (move.from) {
      std::memcpy(move.to, move.from, move.size);
      continue;
    }
    for (VkDeviceSize at = 0; at + sizeof move.word <= move.size; at += sizeof move.word)
      std::memcpy(move.to + at, &move.word, sizeof move.word);
  }
  {
    std::lock_guard lock(device_.mutex);
    for (VkBuffer used : job.used)
      if (auto found = device_.buffers.find(used); found != device_.buffers.end())
        --found->second.copies;
  }
  state().copies.fetch_add(1);
  for (std::size_t i = 0; i < job.signalled.size(); ++i) {
    VkSemaphoreSignalInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
    info.semaphore = job.signalled[i];
    info.value = job.signals[i];
    device_.next.SignalSemaphore(device_.handle, &info);
  }
}

void CopyQueue::wait_idle() {
  std::unique_lock lock(work_->mutex);
  work_->changed.wait(lock, [&] { return !work_->busy && work_->jobs.empty(); });
}

void CopyQueue::push(Job job) {
  {
    std::lock_guard lock(work_->mutex);
    work_->jobs.push_back(std::move(job));
  }
  work_->changed.notify_all();
}

// The mutex of the device is held.
void CopyQueue::add(Job& job, VkCommandBuffer commands) const {
  const auto found = device_.recorded.find(commands);
  if (found == device_.recorded.end())
    return violation("commands of another family on the queue that only copies");
  const auto bytes = [&](VkBuffer buffer, VkDeviceSize offset, VkDeviceSize size) -> std::byte* {
    const auto known = device_.buffers.find(buffer);
    if (known == device_.buffers.end()) {
      violation("a copy of a buffer that is gone");
      return nullptr;
    }
    BufferRow& row = known->second;
    note_family(row, kCopyFamily);
    ++row.copies;
    job.used.push_back(buffer);
    const auto memory = device_.allocations.find(row.memory);
    if (memory == device_.allocations.end() || offset > row.size || size > row.size - offset) {
      violation("a copy beyond the end of a buffer, or of one without memory");
      return nullptr;
    }
    return memory->second.bytes + row.offset + offset;
  };
  for (const Recorded& row : found->second) {
    const VkDeviceSize size =
        row.size == VK_WHOLE_SIZE ? device_.buffers[row.to].size - row.to_offset : row.size;
    std::byte* to = bytes(row.to, row.to_offset, size);
    const std::byte* from = row.from ? bytes(row.from, row.from_offset, size) : nullptr;
    if (to && (from || !row.from)) job.moves.push_back({to, from, size, row.word});
  }
}

VkResult CopyQueue::submit(std::uint32_t count, const VkSubmitInfo* infos) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* values = find_in_chain<VkTimelineSemaphoreSubmitInfo>(
        infos[i].pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
    Job job;
    for (std::uint32_t k = 0; k < infos[i].waitSemaphoreCount; ++k) {
      job.awaited.push_back(infos[i].pWaitSemaphores[k]);
      job.values.push_back(values->pWaitSemaphoreValues[k]);
    }
    for (std::uint32_t k = 0; k < infos[i].signalSemaphoreCount; ++k) {
      job.signalled.push_back(infos[i].pSignalSemaphores[k]);
      job.signals.push_back(values->pSignalSemaphoreValues[k]);
    }
    {
      std::lock_guard lock(device_.mutex);
      for (std::uint32_t k = 0; k < infos[i].commandBufferCount; ++k)
        add(job, infos[i].pCommandBuffers[k]);
    }
    push(std::move(job));
  }
  return VK_SUCCESS;
}

VkResult CopyQueue::submit(std::uint32_t count, const VkSubmitInfo2* infos) {
  for (std::uint32_t i = 0; i < count; ++i) {
    Job job;
    for (std::uint32_t k = 0; k < infos[i].waitSemaphoreInfoCount; ++k) {
      job.awaited.push_back(infos[i].pWaitSemaphoreInfos[k].semaphore);
      job.values.push_back(infos[i].pWaitSemaphoreInfos[k].value);
    }
    for (std::uint32_t k = 0; k < infos[i].signalSemaphoreInfoCount; ++k) {
      job.signalled.push_back(infos[i].pSignalSemaphoreInfos[k].semaphore);
      job.signals.push_back(infos[i].pSignalSemaphoreInfos[k].value);
    }
    {
      std::lock_guard lock(device_.mutex);
      for (std::uint32_t k = 0; k < infos[i].commandBufferInfoCount; ++k)
        add(job, infos[i].pCommandBufferInfos[k].commandBuffer);
    }
    push(std::move(job));
  }
  return VK_SUCCESS;
}

void note_family(BufferRow& buffer, std::uint32_t family) {
  buffer.families |= family;
  if (buffer.families == (kOwnFamily | kCopyFamily) && !buffer.concurrent)
    violation("a buffer of one family is used by two, and was not handed over");
}

void refuse_on_copy_queue(const Device& device, VkCommandBuffer commands, const char* call) {
  if (!device.copy_queue) return;
  std::unique_lock lock(const_cast<std::mutex&>(device.mutex));
  if (!device.recorded.contains(commands)) return;
  lock.unlock();
  violation("%s for a queue that only copies", call);
}

namespace {

VKAPI_ATTR void VKAPI_CALL get_queue(VkDevice handle, std::uint32_t family, std::uint32_t index,
                                     VkQueue* out) {
  Device& device = device_of(handle);
  if (device.copy_queue && family == device.copy_family) {
    *out = device.copy_queue->handle();
    return;
  }
  device.next.GetDeviceQueue(handle, family, index, out);
}

VKAPI_ATTR void VKAPI_CALL get_queue2(VkDevice handle, const VkDeviceQueueInfo2* info,
                                      VkQueue* out) {
  Device& device = device_of(handle);
  if (device.copy_queue && info->queueFamilyIndex == device.copy_family) {
    *out = device.copy_queue->handle();
    return;
  }
  device.next.GetDeviceQueue2(handle, info, out);
}

VKAPI_ATTR VkResult VKAPI_CALL allocate_commands(VkDevice handle,
                                                 const VkCommandBufferAllocateInfo* info,
                                                 VkCommandBuffer* out) {
  Device& device = device_of(handle);
  const VkResult result = device.next.AllocateCommandBuffers(handle, info, out);
  std::lock_guard lock(device.mutex);
  if (result == VK_SUCCESS && device.copy_pools.contains(info->commandPool))
    for (std::uint32_t i = 0; i < info->commandBufferCount; ++i) device.recorded[out[i]].clear();
  return result;
}

VKAPI_ATTR void VKAPI_CALL free_commands(VkDevice handle, VkCommandPool pool, std::uint32_t count,
                                         const VkCommandBuffer* commands) {
  Device& device = device_of(handle);
  {
    std::lock_guard lock(device.mutex);
    for (std::uint32_t i = 0; i < count; ++i) device.recorded.erase(commands[i]);
  }
  device.next.FreeCommandBuffers(handle, pool, count, commands);
}

VKAPI_ATTR VkResult VKAPI_CALL begin_commands(VkCommandBuffer commands,
                                              const VkCommandBufferBeginInfo* info) {
  Device& device = device_of(commands);
  {
    std::lock_guard lock(device.mutex);
    if (auto found = device.recorded.find(commands); found != device.recorded.end())
      found->second.clear();
  }
  return device.next.BeginCommandBuffer(commands, info);
}

// True if it was recorded for the queue that only copies.
bool record(Device& device, VkCommandBuffer commands, const Recorded& row) {
  std::lock_guard lock(device.mutex);
  if (auto found = device.recorded.find(commands); found != device.recorded.end()) {
    found->second.push_back(row);
    return true;
  }
  for (VkBuffer buffer : {row.to, row.from})
    if (auto found = device.buffers.find(buffer); found != device.buffers.end())
      note_family(found->second, kOwnFamily);
  return false;
}

VKAPI_ATTR void VKAPI_CALL cmd_copy_buffer(VkCommandBuffer commands, VkBuffer from, VkBuffer to,
                                           std::uint32_t count, const VkBufferCopy* regions) {
  Device& device = device_of(commands);
  bool recorded = false;
  for (std::uint32_t i = 0; i < count; ++i)
    recorded = record(device, commands,
                      {to, from, regions[i].dstOffset, regions[i].srcOffset, regions[i].size, 0});
  if (!recorded) device.next.CmdCopyBuffer(commands, from, to, count, regions);
}

VKAPI_ATTR void VKAPI_CALL cmd_fill_buffer(VkCommandBuffer commands, VkBuffer to,
                                           VkDeviceSize offset, VkDeviceSize size,
                                           std::uint32_t word) {
  Device& device = device_of(commands);
  if (!record(device, commands, {to, VK_NULL_HANDLE, offset, 0, size, word}))
    device.next.CmdFillBuffer(commands, to, offset, size, word);
}

VKAPI_ATTR void VKAPI_CALL cmd_bind_pipeline(VkCommandBuffer commands, VkPipelineBindPoint point,
                                             VkPipeline pipeline) {
  Device& device = device_of(commands);
  refuse_on_copy_queue(device, commands, "vkCmdBindPipeline");
  device.next.CmdBindPipeline(commands, point, pipeline);
}

VKAPI_ATTR void VKAPI_CALL cmd_barrier(VkCommandBuffer commands, VkPipelineStageFlags from,
                                       VkPipelineStageFlags to, VkDependencyFlags flags,
                                       std::uint32_t memory_count, const VkMemoryBarrier* memory,
                                       std::uint32_t buffer_count,
                                       const VkBufferMemoryBarrier* buffers,
                                       std::uint32_t image_count,
                                       const VkImageMemoryBarrier* images) {
  constexpr VkPipelineStageFlags kHas =
      VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT |
      VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT | VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT |
      VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  Device& device = device_of(commands);
  if ((from | to) & ~kHas)
    refuse_on_copy_queue(device, commands, "a barrier for stages of kernels");
  for (std::uint32_t i = 0; i < memory_count; ++i) {
    const bool is_shown = (memory[i].srcAccessMask & VK_ACCESS_TRANSFER_WRITE_BIT) &&
                          (memory[i].dstAccessMask & VK_ACCESS_HOST_READ_BIT) &&
                          (from & VK_PIPELINE_STAGE_TRANSFER_BIT) &&
                          (to & VK_PIPELINE_STAGE_HOST_BIT);
    if (is_shown) state().shown_copies.fetch_add(1);
  }
  device.next.CmdPipelineBarrier(commands, from, to, flags, memory_count, memory, buffer_count,
                                 buffers, image_count, images);
}

}  // namespace

PFN_vkVoidFunction find_copies(std::string_view name) {
  static const auto functions = std::to_array<Function>({
      SOKR_SIM_FUNCTION("vkGetDeviceQueue", get_queue),
      SOKR_SIM_FUNCTION("vkGetDeviceQueue2", get_queue2),
      SOKR_SIM_FUNCTION("vkAllocateCommandBuffers", allocate_commands),
      SOKR_SIM_FUNCTION("vkFreeCommandBuffers", free_commands),
      SOKR_SIM_FUNCTION("vkBeginCommandBuffer", begin_commands),
      SOKR_SIM_FUNCTION("vkCmdCopyBuffer", cmd_copy_buffer),
      SOKR_SIM_FUNCTION("vkCmdFillBuffer", cmd_fill_buffer),
      SOKR_SIM_FUNCTION("vkCmdBindPipeline", cmd_bind_pipeline),
      SOKR_SIM_FUNCTION("vkCmdPipelineBarrier", cmd_barrier),
  });
  return find_function(functions, name);
}

}  // namespace sokr::vulkan::sim
