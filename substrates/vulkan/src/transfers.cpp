// SPDX-License-Identifier: MIT OR Apache-2.0
#include "transfers.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kMega = 1 << 20;
// Bytes that are copied at once; the host fills or empties one block while the device is at
// another.
constexpr std::uint64_t kChunk = 16 * kMega;
// What is collected before it is submitted without being asked for, and what may be under way.
constexpr std::size_t kMostCollected = 1024;
constexpr std::uint64_t kMostBytes = kChunk, kMostUnderWay = 64 * kMega;
constexpr std::uint64_t kSmallBlock = 64 << 10;

constexpr VkPipelineStageFlags kWork =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kAnyUse = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                  VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                                  VK_ACCESS_TRANSFER_WRITE_BIT |
                                  VK_ACCESS_INDIRECT_COMMAND_READ_BIT;

}  // namespace

Transfers::Transfers(Device& device, BlockPool& staging)
    : device_(device),
      staging_(staging),
      alignment_(
          std::max<std::uint64_t>(256, device.physical().properties.limits.nonCoherentAtomSize)) {}

Transfers::~Transfers() {
  if (command_pool_) device_.vk().vkDestroyCommandPool(device_.handle(), command_pool_, nullptr);
}

// ---- What is collected --------------------------------------------------------------------

Result<void> Transfers::add(Operation operation) {
  operations_.push_back(std::move(operation));
  pending_.store(true, std::memory_order_release);
  if (operations_.size() < kMostCollected && bytes_ < kMostBytes) return {};
  return flush_locked();
}

Result<void> Transfers::fill(const BufferPointer& to) {
  if (device_.is_lost()) return device_.loss();
  std::lock_guard lock(mutex_);
  return add({to, nullptr, VK_NULL_HANDLE, 0, 0, VK_WHOLE_SIZE});
}

Result<void> Transfers::copy(const Range& from, const Range& to, std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::lock_guard lock(mutex_);
  return add({to.buffer, from.buffer, from.buffer->handle(), from.offset, to.offset, size});
}

// Bytes for the host in a block: its offset in the last one.
Result<std::uint64_t> Transfers::place(std::uint64_t size) {
  if (blocks_.empty() || room_ + size > blocks_.back()->size()) {
    SOKR_TRY(await_room());
    blocks_.reserve(blocks_.size() + 1);
    auto block = staging_.take(std::max(size, kSmallBlock));
    while (!block && !device_.is_lost() && (!operations_.empty() || !submitted_.empty())) {
      SOKR_TRY(flush_locked());
      SOKR_TRY(end_oldest());
      block = staging_.take(size);
    }
    if (!block) return std::move(block).failure();
    blocks_.push_back(*std::move(block));
    room_ = 0;
  }
  const std::uint64_t at = room_;
  room_ += (size + alignment_ - 1) / alignment_ * alignment_;
  bytes_ += size;
  return at;
}

Result<void> Transfers::write(const BufferPointer& to, std::uint64_t offset, const void* from,
                              std::uint64_t size) {
  for (std::uint64_t done = 0; done < size; done += kChunk) {
    const std::uint64_t part = std::min(size - done, kChunk);
    SOKR_TRY(write_part(to, offset + done, static_cast<const std::byte*>(from) + done, part));
  }
  return {};
}

Result<void> Transfers::write_part(const BufferPointer& to, std::uint64_t offset, const void* from,
                                   std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::lock_guard lock(mutex_);
  SOKR_ASSIGN(const std::uint64_t at, place(size));
  Buffer& block = *blocks_.back();
  std::memcpy(block.mapped() + at, from, size);
  SOKR_TRY(block.flush(at, size));
  return add({to, nullptr, block.handle(), at, offset, size});
}

// ---- What is submitted --------------------------------------------------------------------

// Of a buffer that is touched twice, the second waits for the first.
void Transfers::record(VkCommandBuffer commands) {
  const VolkDeviceTable& vk = device_.vk();
  const auto barrier = [&](VkPipelineStageFlags from, VkAccessFlags written,
                           VkPipelineStageFlags to, VkAccessFlags used) {
    VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    memory.srcAccessMask = written;
    memory.dstAccessMask = used;
    vk.vkCmdPipelineBarrier(commands, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
  };
  constexpr VkAccessFlags kCopies = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier(kWork, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
          VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
  std::unordered_set<VkBuffer> touched;
  for (const Operation& operation : operations_) {
    const VkBuffer to = operation.to->handle();
    const bool again =
        touched.contains(to) || (operation.source && touched.contains(operation.from));
    if (again) {
      barrier(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
              VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
      touched.clear();
    }
    touched.insert(to);
    if (operation.source) touched.insert(operation.from);
    if (!operation.from) {
      vk.vkCmdFillBuffer(commands, to, 0, VK_WHOLE_SIZE, 0);
      continue;
    }
    const VkBufferCopy where{operation.from_offset, operation.to_offset, operation.size};
    vk.vkCmdCopyBuffer(commands, operation.from, to, 1, &where);
  }
  barrier(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
          kWork | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_HOST_BIT,
          kAnyUse | VK_ACCESS_HOST_READ_BIT);
}

Result<VkCommandBuffer> Transfers::take_commands() {
  const VolkDeviceTable& vk = device_.vk();
  if (!idle_.empty()) {
    const VkCommandBuffer commands = idle_.back();
    idle_.pop_back();
    return commands;
  }
  if (!command_pool_) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags =
        VK_COMMAND_POOL_CREATE_TRANSIENT_BIT | VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = device_.physical().queue_family;
    const VkResult result =
        vk.vkCreateCommandPool(device_.handle(), &pool, nullptr, &command_pool_);
    if (result != VK_SUCCESS) command_pool_ = VK_NULL_HANDLE;
    SOKR_TRY(device_.check(result, "vkCreateCommandPool"));
  }
  idle_.reserve(submitted_.size() + 8);
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = command_pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer made = VK_NULL_HANDLE;
  SOKR_TRY(device_.check(vk.vkAllocateCommandBuffers(device_.handle(), &info, &made),
                         "vkAllocateCommandBuffers"));
  return made;
}

Result<std::uint64_t> Transfers::submit(VkCommandBuffer commands,
                                        const std::function<void(VkCommandBuffer)>& record) {
  const VolkDeviceTable& vk = device_.vk();
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  SOKR_TRY(device_.check(vk.vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer"));
  record(commands);
  SOKR_TRY(device_.check(vk.vkEndCommandBuffer(commands), "vkEndCommandBuffer"));
  return device_.submit(commands, 0);
}

Result<void> Transfers::flush() {
  if (!pending_.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  return flush_locked();
}

Result<void> Transfers::flush_locked() {
  if (operations_.empty()) return {};
  submitted_.emplace_back();
  Result<VkCommandBuffer> commands = take_commands();
  if (!commands) {
    submitted_.pop_back();
    return std::move(commands).failure();
  }
  Result<std::uint64_t> value = submit(*commands, [&](VkCommandBuffer to) { record(to); });
  if (!value) {
    submitted_.pop_back();
    idle_.push_back(*commands);
    return std::move(value).failure();
  }
  Submitted& last = submitted_.back();
  last.value = *value;
  last.bytes = bytes_;
  last.commands = *commands;
  last.operations = std::exchange(operations_, {});
  last.blocks = std::exchange(blocks_, {});
  submitted_bytes_ += std::exchange(bytes_, 0);
  under_way_.store(true, std::memory_order_release);
  pending_.store(false, std::memory_order_release);
  return {};
}

Result<void> Transfers::finish() {
  std::uint64_t value = 0;
  {
    std::lock_guard lock(mutex_);
    SOKR_TRY(flush_locked());
    if (!submitted_.empty()) value = submitted_.back().value;
  }
  if (value == 0) return {};
  SOKR_TRY(device_.wait(value, UINT64_MAX));
  release_until(value);
  return {};
}

void Transfers::retire(Submitted& done) noexcept {
  submitted_bytes_ -= done.bytes;
  for (auto& block : done.blocks) staging_.give(std::move(block));
  if (!done.commands) return;
  try {
    idle_.push_back(done.commands);
  } catch (const std::bad_alloc&) {  // it goes with its pool
  }
}

void Transfers::drop_until(std::uint64_t value) noexcept {
  while (!submitted_.empty() && submitted_.front().value <= value) {
    retire(submitted_.front());
    submitted_.pop_front();
  }
  if (submitted_.empty()) under_way_.store(false, std::memory_order_release);
}

Result<void> Transfers::end_oldest() {
  if (submitted_.empty()) return {};
  SOKR_TRY(device_.wait(submitted_.front().value, UINT64_MAX));
  drop_until(device_.seen());
  return {};
}

// Blocks are taken again when the device is done with them; at most so many bytes are under way.
Result<void> Transfers::await_room() {
  drop_until(device_.seen());
  if (submitted_bytes_ + kChunk <= kMostUnderWay) return {};
  return end_oldest();
}

void Transfers::forget(const BufferPointer& buffer) noexcept {
  if (!pending_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  const auto reads = [&](const Operation& operation) { return operation.source == buffer; };
  if (std::ranges::any_of(operations_, reads)) return;
  std::erase_if(operations_, [&](const Operation& operation) { return operation.to == buffer; });
}

void Transfers::release_until(std::uint64_t value) noexcept {
  if (!under_way_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  drop_until(value);
}

// ---- Reads --------------------------------------------------------------------------------

Result<void> Transfers::start(Buffer& from, std::uint64_t offset, Chunk& chunk) {
  if (!chunk.block) {
    SOKR_ASSIGN(chunk.block, staging_.take(chunk.size));
  }
  std::lock_guard lock(mutex_);
  if (!chunk.commands) {
    SOKR_ASSIGN(chunk.commands, take_commands());
  }
  SOKR_ASSIGN(chunk.value, submit(chunk.commands, [&](VkCommandBuffer commands) {
                const VkBufferCopy where{offset + chunk.offset, 0, chunk.size};
                device_.vk().vkCmdCopyBuffer(commands, from.handle(), chunk.block->handle(), 1,
                                             &where);
                VkMemoryBarrier to_host{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
                to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
                to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
                device_.vk().vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                                  VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0,
                                                  nullptr, 0, nullptr);
              }));
  return {};
}

Result<void> Transfers::end(Chunk& chunk, void* to) {
  SOKR_TRY(device_.wait(chunk.value, UINT64_MAX));
  SOKR_TRY(chunk.block->invalidate(0, chunk.size));
  std::memcpy(static_cast<std::byte*>(to) + chunk.offset, chunk.block->mapped(), chunk.size);
  return {};
}

Result<void> Transfers::read(Buffer& from, std::uint64_t offset, void* to, std::uint64_t size) {
  SOKR_TRY(flush());
  Chunk now, next;
  const auto begin = [&](Chunk& chunk, std::uint64_t at) -> Result<void> {
    chunk.value = 0;
    if (at >= size) return {};
    chunk.offset = at;
    chunk.size = std::min(size - at, kChunk);
    return start(from, offset, chunk);
  };
  Result<void> result = begin(now, 0);
  for (std::uint64_t at = 0; at < size && result; at += kChunk) {
    result = begin(next, at + kChunk);
    if (Result<void> ended = end(now, to); !ended && result) result = std::move(ended);
    std::swap(now, next);
  }
  // What is still under way has to end before its block goes.
  if (!result) device_.drain();
  std::lock_guard lock(mutex_);
  for (Chunk* chunk : {&now, &next}) {
    if (chunk->commands) idle_.push_back(chunk->commands);
    staging_.give(std::move(chunk->block));
  }
  return result;
}

}  // namespace sokr::vulkan
