// SPDX-License-Identifier: MIT OR Apache-2.0
//
// vkCmd* of compute, buffers, synchronization and queries.
#include <algorithm>
#include <cstring>

#include "command_buffer.hpp"
#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

bool is_compute(VkPipelineBindPoint point) {
  return point == VK_PIPELINE_BIND_POINT_COMPUTE;
}

void record_dispatch(VkCommandBuffer buffer, const std::array<std::uint32_t, 3>& base,
                     const std::array<std::uint32_t, 3>& groups) {
  of(buffer)->record([&](Recording& r) {
    const std::uint32_t state = of(buffer)->state();
    if (state != CommandBuffer::kNone)
      r.commands.emplace_back(command::Dispatch{state, base, groups});
  });
}

void record_copy(Recording& r, const Slice& from, const Slice& to) {
  if (from.size && to.size) r.commands.emplace_back(command::Copy{from, to});
}

void record_event(VkCommandBuffer buffer, VkEvent event, bool to) {
  of(buffer)->record(
      [&](Recording& r) { r.commands.emplace_back(command::SetEvent{of(event)->state, to}); });
}

void record_waits(VkCommandBuffer buffer, std::uint32_t count, const VkEvent* events) {
  of(buffer)->record([&](Recording& r) {
    for (std::uint32_t i = 0; i < count; ++i) {
      r.commands.emplace_back(command::WaitEvent{of(events[i])->state});
    }
  });
}

void record_query(VkCommandBuffer buffer, VkQueryPool pool, std::uint32_t query, bool timestamp) {
  of(buffer)->record([&](Recording& r) {
    r.commands.emplace_back(command::WriteQuery{of(pool)->states, query, timestamp});
  });
}

}  // namespace

VKAPI_ATTR void VKAPI_CALL vkCmdBindPipeline(VkCommandBuffer buffer, VkPipelineBindPoint point,
                                             VkPipeline pipeline) {
  if (is_compute(point) && pipeline) of(buffer)->bind_pipeline(of(pipeline)->program);
}

VKAPI_ATTR void VKAPI_CALL vkCmdBindDescriptorSets(VkCommandBuffer buffer,
                                                   VkPipelineBindPoint point, VkPipelineLayout,
                                                   std::uint32_t first, std::uint32_t count,
                                                   const VkDescriptorSet* sets,
                                                   std::uint32_t offset_count,
                                                   const std::uint32_t* offsets) {
  if (!is_compute(point)) return;
  of(buffer)->record([&](Recording&) {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!sets[i]) continue;
      const auto& contents = of(sets[i])->contents;
      const std::uint32_t own = std::min(contents->shape->dynamic, offset_count);
      of(buffer)->bind_set(first + i, contents, offsets, own);
      offsets += own;
      offset_count -= own;
    }
  });
}

VKAPI_ATTR void VKAPI_CALL vkCmdPushDescriptorSetKHR(VkCommandBuffer buffer,
                                                     VkPipelineBindPoint point,
                                                     VkPipelineLayout layout, std::uint32_t set,
                                                     std::uint32_t count,
                                                     const VkWriteDescriptorSet* writes) {
  const auto& shapes = of(layout)->sets;
  if (!is_compute(point) || set >= shapes.size() || !shapes[set]) return;
  of(buffer)->record([&](Recording&) {
    const auto contents = of(buffer)->push_set(set, shapes[set]);
    for (std::uint32_t i = 0; i < count; ++i) {
      write(of(buffer)->pool->instance, *contents, writes[i]);
    }
  });
}

VKAPI_ATTR void VKAPI_CALL vkCmdPushDescriptorSetWithTemplateKHR(VkCommandBuffer buffer,
                                                                 VkDescriptorUpdateTemplate by,
                                                                 VkPipelineLayout layout,
                                                                 std::uint32_t set,
                                                                 const void* data) {
  const auto& shapes = of(layout)->sets;
  if (!of(by)->is_compute || set >= shapes.size() || !shapes[set]) return;
  of(buffer)->record([&](Recording&) {
    write(of(buffer)->pool->instance, *of(buffer)->push_set(set, shapes[set]), *of(by), data);
  });
}

VKAPI_ATTR void VKAPI_CALL vkCmdPushConstants(VkCommandBuffer buffer, VkPipelineLayout,
                                              VkShaderStageFlags, std::uint32_t offset,
                                              std::uint32_t size, const void* values) {
  of(buffer)->record([&](Recording&) { of(buffer)->push(offset, size, values); });
}

VKAPI_ATTR void VKAPI_CALL vkCmdDispatch(VkCommandBuffer buffer, std::uint32_t x, std::uint32_t y,
                                         std::uint32_t z) {
  record_dispatch(buffer, {0, 0, 0}, {x, y, z});
}
VKAPI_ATTR void VKAPI_CALL vkCmdDispatchBase(VkCommandBuffer buffer, std::uint32_t base_x,
                                             std::uint32_t base_y, std::uint32_t base_z,
                                             std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  record_dispatch(buffer, {base_x, base_y, base_z}, {x, y, z});
}
VKAPI_ATTR void VKAPI_CALL vkCmdDispatchIndirect(VkCommandBuffer buffer, VkBuffer groups,
                                                 VkDeviceSize offset) {
  of(buffer)->record([&](Recording& r) {
    const std::uint32_t state = of(buffer)->state();
    if (state == CommandBuffer::kNone) return;
    r.commands.emplace_back(command::DispatchIndirect{state, of(groups)->part(offset, 12)});
  });
}
VKAPI_ATTR void VKAPI_CALL vkCmdSetDeviceMask(VkCommandBuffer, std::uint32_t) {}

VKAPI_ATTR void VKAPI_CALL vkCmdCopyBuffer(VkCommandBuffer buffer, VkBuffer from, VkBuffer to,
                                           std::uint32_t count, const VkBufferCopy* regions) {
  of(buffer)->record([&](Recording& r) {
    for (std::uint32_t i = 0; i < count; ++i) {
      record_copy(r, of(from)->part(regions[i].srcOffset, regions[i].size),
                  of(to)->part(regions[i].dstOffset, regions[i].size));
    }
  });
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyBuffer2(VkCommandBuffer buffer, const VkCopyBufferInfo2* info) {
  of(buffer)->record([&](Recording& r) {
    for (std::uint32_t i = 0; i < info->regionCount; ++i) {
      const VkBufferCopy2& region = info->pRegions[i];
      record_copy(r, of(info->srcBuffer)->part(region.srcOffset, region.size),
                  of(info->dstBuffer)->part(region.dstOffset, region.size));
    }
  });
}
VKAPI_ATTR void VKAPI_CALL vkCmdFillBuffer(VkCommandBuffer buffer, VkBuffer to, VkDeviceSize offset,
                                           VkDeviceSize size, std::uint32_t data) {
  of(buffer)->record([&](Recording& r) {
    r.commands.emplace_back(command::Fill{of(to)->part(offset, size), data});
  });
}
VKAPI_ATTR void VKAPI_CALL vkCmdUpdateBuffer(VkCommandBuffer buffer, VkBuffer to,
                                             VkDeviceSize offset, VkDeviceSize size,
                                             const void* data) {
  of(buffer)->record([&](Recording& r) {
    const Slice part = of(to)->part(offset, size);
    const std::size_t from = r.bytes.size();
    const auto* bytes = static_cast<const std::byte*>(data);
    r.bytes.insert(r.bytes.end(), bytes, bytes + part.size);
    r.commands.emplace_back(command::Update{part, from});
  });
}

// Commands are executed one after the other, each to its end: nothing is left for barriers.
VKAPI_ATTR void VKAPI_CALL vkCmdPipelineBarrier(VkCommandBuffer, VkPipelineStageFlags,
                                                VkPipelineStageFlags, VkDependencyFlags,
                                                std::uint32_t, const VkMemoryBarrier*,
                                                std::uint32_t, const VkBufferMemoryBarrier*,
                                                std::uint32_t, const VkImageMemoryBarrier*) {}
VKAPI_ATTR void VKAPI_CALL vkCmdPipelineBarrier2(VkCommandBuffer, const VkDependencyInfo*) {}

VKAPI_ATTR void VKAPI_CALL vkCmdSetEvent(VkCommandBuffer buffer, VkEvent event,
                                         VkPipelineStageFlags) {
  record_event(buffer, event, true);
}
VKAPI_ATTR void VKAPI_CALL vkCmdSetEvent2(VkCommandBuffer buffer, VkEvent event,
                                          const VkDependencyInfo*) {
  record_event(buffer, event, true);
}
VKAPI_ATTR void VKAPI_CALL vkCmdResetEvent(VkCommandBuffer buffer, VkEvent event,
                                           VkPipelineStageFlags) {
  record_event(buffer, event, false);
}
VKAPI_ATTR void VKAPI_CALL vkCmdResetEvent2(VkCommandBuffer buffer, VkEvent event,
                                            VkPipelineStageFlags2) {
  record_event(buffer, event, false);
}
VKAPI_ATTR void VKAPI_CALL vkCmdWaitEvents(VkCommandBuffer buffer, std::uint32_t count,
                                           const VkEvent* events, VkPipelineStageFlags,
                                           VkPipelineStageFlags, std::uint32_t,
                                           const VkMemoryBarrier*, std::uint32_t,
                                           const VkBufferMemoryBarrier*, std::uint32_t,
                                           const VkImageMemoryBarrier*) {
  record_waits(buffer, count, events);
}
VKAPI_ATTR void VKAPI_CALL vkCmdWaitEvents2(VkCommandBuffer buffer, std::uint32_t count,
                                            const VkEvent* events, const VkDependencyInfo*) {
  record_waits(buffer, count, events);
}

VKAPI_ATTR void VKAPI_CALL vkCmdWriteTimestamp(VkCommandBuffer buffer, VkPipelineStageFlagBits,
                                               VkQueryPool pool, std::uint32_t query) {
  record_query(buffer, pool, query, true);
}
VKAPI_ATTR void VKAPI_CALL vkCmdWriteTimestamp2(VkCommandBuffer buffer, VkPipelineStageFlags2,
                                                VkQueryPool pool, std::uint32_t query) {
  record_query(buffer, pool, query, true);
}
// What occlusion queries count are samples, of which there are none.
VKAPI_ATTR void VKAPI_CALL vkCmdBeginQuery(VkCommandBuffer, VkQueryPool, std::uint32_t,
                                           VkQueryControlFlags) {}
VKAPI_ATTR void VKAPI_CALL vkCmdEndQuery(VkCommandBuffer buffer, VkQueryPool pool,
                                         std::uint32_t query) {
  record_query(buffer, pool, query, false);
}
VKAPI_ATTR void VKAPI_CALL vkCmdResetQueryPool(VkCommandBuffer buffer, VkQueryPool pool,
                                               std::uint32_t first, std::uint32_t count) {
  of(buffer)->record([&](Recording& r) {
    r.commands.emplace_back(command::ResetQueries{of(pool)->states, first, count});
  });
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyQueryPoolResults(VkCommandBuffer buffer, VkQueryPool pool,
                                                     std::uint32_t first, std::uint32_t count,
                                                     VkBuffer to, VkDeviceSize offset,
                                                     VkDeviceSize stride,
                                                     VkQueryResultFlags flags) {
  of(buffer)->record([&](Recording& r) {
    r.commands.emplace_back(command::CopyQueries{
        of(pool)->states, first, count, of(to)->part(offset, VK_WHOLE_SIZE), stride, flags});
  });
}

VKAPI_ATTR void VKAPI_CALL vkCmdExecuteCommands(VkCommandBuffer buffer, std::uint32_t count,
                                                const VkCommandBuffer* secondary) {
  of(buffer)->record([&](Recording& r) {
    for (std::uint32_t i = 0; i < count; ++i) r.append(*of(secondary[i])->executable());
  });
  of(buffer)->forget_state();
}

}  // namespace sokr::icd
