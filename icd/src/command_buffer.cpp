// SPDX-License-Identifier: MIT OR Apache-2.0
#include "command_buffer.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "device.hpp"
#include "entry_points.hpp"
#include "execute.hpp"
#include "refused.hpp"

namespace sokr::icd {

void Recording::append(const Recording& other) {
  const auto first_state = static_cast<std::uint32_t>(states.size());
  const auto first_set = static_cast<std::uint32_t>(sets.size());
  const auto first_offset = static_cast<std::uint32_t>(offsets.size());
  const std::size_t first_byte = bytes.size();
  for (DispatchState state : other.states) {
    state.first_set += first_set;
    state.push += first_byte;
    states.push_back(std::move(state));
  }
  for (BoundSet set : other.sets) {
    set.first_offset += first_offset;
    sets.push_back(std::move(set));
  }
  offsets.insert(offsets.end(), other.offsets.begin(), other.offsets.end());
  bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
  for (Command c : other.commands) {
    if (auto* dispatch = std::get_if<command::Dispatch>(&c)) dispatch->state += first_state;
    if (auto* indirect = std::get_if<command::DispatchIndirect>(&c)) indirect->state += first_state;
    if (auto* update = std::get_if<command::Update>(&c)) update->from += first_byte;
    commands.push_back(std::move(c));
  }
}

void CommandBuffer::reset(bool releases) {
  if (releases) push_ = {};
  // Whoever still executes the old one keeps it.
  if (!releases && recording_.use_count() == 1) {
    recording_->commands.clear();
    recording_->states.clear();
    recording_->sets.clear();
    recording_->offsets.clear();
    recording_->bytes.clear();
    recording_->executions = 0;
  } else {
    recording_ = std::make_shared<Recording>();
  }
  result_ = VK_SUCCESS;
  program_.reset();
  std::fill_n(sets_.begin(), set_count_, BoundSet{});
  set_count_ = 0;
  push_.clear();
  sets_changed_ = state_changed_ = true;
}

void CommandBuffer::begin() {
  reset(false);
}

void CommandBuffer::trim() {
  if (recording_.use_count() != 1) return;  // somebody reads it
  // What its last reader did comes before what is moved here.
  std::atomic_thread_fence(std::memory_order_acquire);
  recording_->commands.shrink_to_fit();
  recording_->states.shrink_to_fit();
  recording_->sets.shrink_to_fit();
  recording_->offsets.shrink_to_fit();
  recording_->bytes.shrink_to_fit();
}

void CommandBuffer::bind_pipeline(std::shared_ptr<const Program> program) {
  program_ = std::move(program);
  state_changed_ = true;
}

void CommandBuffer::bind_set(std::uint32_t at, std::shared_ptr<SetContents> contents,
                             const std::uint32_t* offsets, std::uint32_t offset_count) {
  if (at >= kMaxSets) return;
  auto& all = recording_->offsets;
  const auto first = static_cast<std::uint32_t>(all.size());
  all.insert(all.end(), offsets, offsets + offset_count);  // if that fails nothing is bound
  sets_[at] = {std::move(contents), first, offset_count};
  set_count_ = std::max(set_count_, at + 1);
  sets_changed_ = state_changed_ = true;
}

void CommandBuffer::push(std::uint32_t offset, std::uint32_t size, const void* bytes) {
  if (size == 0 || offset > kMaxPushConstants || size > kMaxPushConstants - offset) return;
  if (push_.size() < offset + size) push_.resize(offset + size);
  std::memcpy(push_.data() + offset, bytes, size);
  state_changed_ = true;
}

std::shared_ptr<SetContents> CommandBuffer::push_set(std::uint32_t at,
                                                     const std::shared_ptr<const SetShape>& shape) {
  auto fresh = std::make_shared<SetContents>(shape, 0);
  SetContents* const bound = at < set_count_ ? sets_[at].contents.get() : nullptr;
  if (bound && (bound->shape == shape || *bound->shape == *shape)) {
    const std::lock_guard lock(bound->mutex);
    fresh->elements = bound->elements;
    fresh->bytes = bound->bytes;
  }
  bind_set(at, fresh, nullptr, 0);
  return fresh;
}

std::uint32_t CommandBuffer::state() {
  Recording& r = *recording_;
  if (!program_) {
    report(pool->instance, SOKR_LOG_ERROR, "a dispatch is recorded without a compute pipeline");
    fail(VK_ERROR_UNKNOWN);
    return kNone;
  }
  if (!state_changed_) return static_cast<std::uint32_t>(r.states.size() - 1);
  DispatchState state;
  state.program = program_;
  state.set_count = set_count_;
  if (sets_changed_ || r.states.empty()) {
    state.first_set = static_cast<std::uint32_t>(r.sets.size());
    r.sets.insert(r.sets.end(), sets_.begin(), sets_.begin() + set_count_);
  } else {
    state.first_set = r.states.back().first_set;
  }
  state.push = r.bytes.size();
  const std::size_t needed = program_->push_size;
  if (push_.size() < needed) push_.resize(needed);
  r.bytes.insert(r.bytes.end(), push_.begin(), push_.begin() + static_cast<std::ptrdiff_t>(needed));
  r.states.push_back(std::move(state));
  if (program_->recorded.load(std::memory_order_relaxed) < Program::kLookedAt) {
    program_->recorded.fetch_add(1, std::memory_order_relaxed);
    program_->hasten(binds_what_overlaps(r, r.states.back()));
  }
  sets_changed_ = state_changed_ = false;
  return static_cast<std::uint32_t>(r.states.size() - 1);
}

void refuse_command(VkCommandBuffer buffer, const char* command) {
  of(buffer)->fail(refuse(of(buffer)->pool->instance, command));
}

// ---- Pools ------------------------------------------------------------------------------------

namespace {
void free_buffer(CommandPool& pool, CommandBuffer* buffer) {
  if (!buffer) return;
  pool.buffers.back()->index = buffer->index;
  std::swap(pool.buffers[buffer->index], pool.buffers.back());
  pool.buffers.pop_back();
  destroy(pool.callbacks, buffer);
}
}  // namespace

VKAPI_ATTR VkResult VKAPI_CALL vkCreateCommandPool(VkDevice device, const VkCommandPoolCreateInfo*,
                                                   const VkAllocationCallbacks* callbacks,
                                                   VkCommandPool* out) {
  const VkResult result = create<CommandPool>(callbacks, out);
  if (result == VK_SUCCESS) of(*out)->instance = instance_of(device);
  if (result == VK_SUCCESS && callbacks) {
    of(*out)->given = *callbacks;
    of(*out)->callbacks = &of(*out)->given;
  }
  return result;
}
VKAPI_ATTR void VKAPI_CALL vkDestroyCommandPool(VkDevice, VkCommandPool handle,
                                                const VkAllocationCallbacks* callbacks) {
  CommandPool* pool = of(handle);
  if (!pool) return;
  while (!pool->buffers.empty()) free_buffer(*pool, pool->buffers.back());
  destroy(callbacks, pool);
}
VKAPI_ATTR VkResult VKAPI_CALL vkResetCommandPool(VkDevice, VkCommandPool handle,
                                                  VkCommandPoolResetFlags flags) {
  return guarded([&] {
    const bool releases = (flags & VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT) != 0;
    for (CommandBuffer* buffer : of(handle)->buffers) buffer->reset(releases);
    return VK_SUCCESS;
  });
}
VKAPI_ATTR void VKAPI_CALL vkTrimCommandPool(VkDevice, VkCommandPool pool, VkCommandPoolTrimFlags) {
  for (CommandBuffer* buffer : of(pool)->buffers) buffer->trim();
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateCommandBuffers(VkDevice,
                                                        const VkCommandBufferAllocateInfo* info,
                                                        VkCommandBuffer* out) {
  CommandPool& pool = *of(info->commandPool);
  const std::size_t before = pool.buffers.size();
  std::fill_n(out, info->commandBufferCount, VkCommandBuffer{VK_NULL_HANDLE});
  const VkResult result = guarded([&]() -> VkResult {
    pool.buffers.reserve(before + info->commandBufferCount);
    for (std::uint32_t i = 0; i < info->commandBufferCount; ++i) {
      auto* buffer = make<CommandBuffer>(pool.callbacks, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT, &pool);
      if (!buffer) return VK_ERROR_OUT_OF_HOST_MEMORY;
      buffer->index = pool.buffers.size();
      pool.buffers.push_back(buffer);
      out[i] = reinterpret_cast<VkCommandBuffer>(buffer);
    }
    return VK_SUCCESS;
  });
  if (result != VK_SUCCESS) {
    while (pool.buffers.size() > before) free_buffer(pool, pool.buffers.back());
    std::fill_n(out, info->commandBufferCount, VkCommandBuffer{VK_NULL_HANDLE});
  }
  return result;
}
VKAPI_ATTR void VKAPI_CALL vkFreeCommandBuffers(VkDevice, VkCommandPool pool, std::uint32_t count,
                                                const VkCommandBuffer* buffers) {
  for (std::uint32_t i = 0; i < count; ++i) free_buffer(*of(pool), of(buffers[i]));
}

VKAPI_ATTR VkResult VKAPI_CALL vkBeginCommandBuffer(VkCommandBuffer buffer,
                                                    const VkCommandBufferBeginInfo*) {
  return guarded([&] {
    of(buffer)->begin();
    return VK_SUCCESS;
  });
}
VKAPI_ATTR VkResult VKAPI_CALL vkEndCommandBuffer(VkCommandBuffer buffer) {
  return of(buffer)->end();
}
VKAPI_ATTR VkResult VKAPI_CALL vkResetCommandBuffer(VkCommandBuffer buffer,
                                                    VkCommandBufferResetFlags flags) {
  return guarded([&] {
    of(buffer)->reset((flags & VK_COMMAND_BUFFER_RESET_RELEASE_RESOURCES_BIT) != 0);
    return VK_SUCCESS;
  });
}

}  // namespace sokr::icd
