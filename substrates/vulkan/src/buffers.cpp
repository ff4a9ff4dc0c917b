// SPDX-License-Identifier: MIT OR Apache-2.0
#include "buffers.hpp"

#include <algorithm>
#include <cstring>
#include <shared_mutex>
#include <sokr/substrate/host_memory.hpp>

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kTransferChunk = 16u << 20;
// From this size on, the device copies quicker into cached memory than the host reads from memory
// that is not.
constexpr std::uint64_t kSlowRead = 4096;
constexpr std::uint32_t kKnownFlags = SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS;

}  // namespace

BufferTable::BufferTable(Device& device, BlockPool& staging, std::atomic<SokrBuffer>& next_handle)
    : device_(device), staging_(staging), next_handle_(next_handle) {}

BufferTable::~BufferTable() {
  if (command_pool_) {
    device_.vk().vkDestroyCommandPool(device_.handle(), command_pool_, nullptr);
  }
}

SokrBuffer BufferTable::add(std::unique_ptr<Buffer> buffer, std::uint32_t flags) {
  const SokrBuffer handle = next_handle_.fetch_add(1, std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  buffers_.emplace(handle, Entry{std::shared_ptr<Buffer>(std::move(buffer)), flags});
  return handle;
}

Result<SokrBuffer> BufferTable::create(std::uint64_t size, std::uint32_t flags) {
  if (size == 0) return fail(SOKR_INVALID_INPUT, "a buffer of 0 bytes; it needs at least 1");
  if (flags & ~kKnownFlags) {
    return fail(SOKR_INVALID_INPUT, "buffer flags 0x{:x} are not known; known are 0x{:x}",
                flags & ~kKnownFlags, kKnownFlags);
  }
  const bool address = flags & SOKR_BUFFER_ADDRESS;
  if (address && !device_.features().has("bufferDeviceAddress")) {
    return fail(SOKR_INVALID_INPUT,
                "SOKR_BUFFER_ADDRESS needs bufferDeviceAddress; {} does not "
                "have it",
                device_.name());
  }
  if (device_.is_lost()) return device_.loss();
  const MemoryKind kind =
      flags & SOKR_BUFFER_HOST_VISIBLE ? MemoryKind::kHost : MemoryKind::kDevice;
  SOKR_ASSIGN(auto buffer, Buffer::create(device_, size, kind, address));
  SOKR_TRY(zero(*buffer));
  return add(std::move(buffer), flags);
}

Result<SokrBuffer> BufferTable::import_host(void* memory, std::uint64_t size) {
  const std::uint64_t alignment = device_.physical().host_import.minImportedHostPointerAlignment;
  if (alignment == 0) {
    return fail(SOKR_INVALID_INPUT,
                "importing host memory needs VK_EXT_external_memory_host; {} "
                "does not have it",
                device_.name());
  }
  if (!memory || size == 0) {
    return fail(SOKR_INVALID_INPUT, "host memory at {} with {} bytes cannot be imported",
                fmt::ptr(memory), size);
  }
  if (reinterpret_cast<std::uintptr_t>(memory) % alignment != 0 || size % alignment != 0) {
    return fail(SOKR_INVALID_INPUT,
                "host memory at {} with {} bytes: address and size must be "
                "multiples of {}",
                fmt::ptr(memory), size, alignment);
  }
  if (device_.is_lost()) return device_.loss();
  SOKR_ASSIGN(auto buffer, Buffer::import(device_, memory, size));
  return add(std::move(buffer), SOKR_BUFFER_HOST_VISIBLE);
}

Result<BufferTable::Entry> BufferTable::entry(SokrBuffer buffer) {
  std::shared_lock lock(mutex_);
  auto found = buffers_.find(buffer);
  if (found != buffers_.end()) return found->second;
  if (buffer != 0 && buffer < next_handle_.load(std::memory_order_relaxed)) {
    return fail(SOKR_INVALID_INPUT, "buffer {} is gone: it was freed, or lost with its device",
                buffer);
  }
  return fail(SOKR_INVALID_INPUT, "{} is no buffer of {}", buffer, device_.name());
}

Result<std::shared_ptr<Buffer>> BufferTable::find(SokrBuffer buffer) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  return std::move(found.buffer);
}

Result<BufferTable::Entry> BufferTable::entry_range(SokrBuffer buffer, std::uint64_t offset,
                                                    std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  const std::uint64_t has = found.buffer->size();
  if (offset > has || size > has - offset) {
    return fail(SOKR_INVALID_INPUT, "{} bytes at offset {} end beyond buffer {}, which has {}",
                size, offset, buffer, has);
  }
  return found;
}

Result<BufferTable::Entry> BufferTable::entry_range(SokrBuffer buffer, std::uint64_t offset,
                                                    const void* host, std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry_range(buffer, offset, size));
  if (!host && size != 0) {
    return fail(SOKR_INVALID_INPUT, "the host address is null for {} bytes of buffer {}", size,
                buffer);
  }
  return found;
}

Result<void> BufferTable::free(SokrBuffer buffer) {
  std::shared_ptr<Buffer> freed;
  {
    std::unique_lock lock(mutex_);
    auto found = buffers_.find(buffer);
    if (found != buffers_.end()) {
      freed = std::move(found->second.buffer);
      buffers_.erase(found);
    }
  }
  if (!freed) return entry(buffer).failure();
  // A kernel may reach it through its address without any launch that names it.
  const std::uint64_t last = device_.last_submitted();
  if (last <= device_.seen()) return {};
  if (Result<std::uint64_t> reached = device_.reached(); reached && last <= *reached) return {};
  std::lock_guard lock(retired_mutex_);
  retired_.emplace_back(last, std::move(freed));
  return {};
}

void BufferTable::release_until(std::uint64_t value) {
  std::lock_guard lock(retired_mutex_);
  std::erase_if(retired_, [&](auto& entry) { return entry.first <= value; });
}

Result<void*> BufferTable::map(SokrBuffer buffer) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  if (!(found.flags & SOKR_BUFFER_HOST_VISIBLE)) {
    return fail(SOKR_INVALID_INPUT,
                "buffer {} was created without SOKR_BUFFER_HOST_VISIBLE and "
                "cannot be mapped",
                buffer);
  }
  return static_cast<void*>(found.buffer->mapped());
}

Result<std::uint64_t> BufferTable::address(SokrBuffer buffer) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  if (!(found.flags & SOKR_BUFFER_ADDRESS)) {
    return fail(SOKR_INVALID_INPUT,
                "buffer {} was created without SOKR_BUFFER_ADDRESS and has no "
                "address",
                buffer);
  }
  return found.buffer->address();
}

Result<void> BufferTable::write(SokrBuffer buffer, std::uint64_t offset, const void* from,
                                std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry_range(buffer, offset, from, size));
  return transport(*found.buffer, offset, nullptr, from, size);
}

Result<void> BufferTable::read(SokrBuffer buffer, std::uint64_t offset, void* to,
                               std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry_range(buffer, offset, to, size));
  return transport(*found.buffer, offset, to, nullptr, size);
}

Result<void> BufferTable::copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                               std::uint64_t to_offset, std::uint64_t size) {
  SOKR_ASSIGN(const Entry source, entry_range(from, from_offset, size));
  SOKR_ASSIGN(const Entry target, entry_range(to, to_offset, size));
  SOKR_TRY(substrate::check_copy(from == to, from_offset, to_offset, size));
  if (device_.is_lost()) return device_.loss();
  if (size == 0) return {};
  const bool quick = source.buffer->is_cached() || size < kSlowRead;
  if (source.buffer->mapped() && target.buffer->mapped() && quick) {
    std::memmove(target.buffer->mapped() + to_offset, source.buffer->mapped() + from_offset, size);
    return {};
  }
  return transfer([&](VkCommandBuffer commands) {
    const VkBufferCopy where{from_offset, to_offset, size};
    device_.vk().vkCmdCopyBuffer(commands, source.buffer->handle(), target.buffer->handle(), 1,
                                 &where);
  });
}

std::size_t BufferTable::count() {
  std::shared_lock lock(mutex_);
  return buffers_.size();
}

Result<void> BufferTable::transport(Buffer& buffer, std::uint64_t offset, void* to,
                                    const void* from, std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  if (size == 0) return {};
  if (buffer.mapped() && (from || buffer.is_cached() || size < kSlowRead)) {
    if (from) {
      std::memcpy(buffer.mapped() + offset, from, size);
    } else {
      std::memcpy(to, buffer.mapped() + offset, size);
    }
    return {};
  }
  SOKR_ASSIGN(std::unique_ptr<Buffer> block, staging_.take(std::min(size, kTransferChunk)));
  Result<void> result;
  for (std::uint64_t done = 0; done < size && result; done += kTransferChunk) {
    const std::uint64_t part = std::min(size - done, kTransferChunk);
    if (from) {
      std::memcpy(block->mapped(), static_cast<const std::byte*>(from) + done, part);
      if (result = block->flush(0, part); !result) break;
    }
    result = transfer([&](VkCommandBuffer commands) {
      const VkBufferCopy where{from ? 0 : offset + done, from ? offset + done : 0, part};
      device_.vk().vkCmdCopyBuffer(commands, from ? block->handle() : buffer.handle(),
                                   from ? buffer.handle() : block->handle(), 1, &where);
    });
    if (!result || !to) continue;
    if (result = block->invalidate(0, part); !result) break;
    std::memcpy(static_cast<std::byte*>(to) + done, block->mapped(), part);
  }
  if (result) staging_.give(std::move(block));
  return result;
}

Result<void> BufferTable::zero(Buffer& buffer) {
  if (buffer.mapped()) {
    std::memset(buffer.mapped(), 0, buffer.size());
    return {};
  }
  return transfer([&](VkCommandBuffer commands) {
    device_.vk().vkCmdFillBuffer(commands, buffer.handle(), 0, VK_WHOLE_SIZE, 0);
  });
}

Result<void> BufferTable::transfer(const std::function<void(VkCommandBuffer)>& record) {
  const VolkDeviceTable& vk = device_.vk();
  std::lock_guard lock(transfer_mutex_);
  if (!command_pool_) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    pool.queueFamilyIndex = device_.physical().queue_family;
    const VkResult result =
        vk.vkCreateCommandPool(device_.handle(), &pool, nullptr, &command_pool_);
    if (result != VK_SUCCESS) command_pool_ = VK_NULL_HANDLE;
    SOKR_TRY(device_.check(result, "vkCreateCommandPool"));
  }
  if (!commands_) {
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = command_pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    const VkResult result = vk.vkAllocateCommandBuffers(device_.handle(), &info, &commands_);
    if (result != VK_SUCCESS) commands_ = VK_NULL_HANDLE;
    SOKR_TRY(device_.check(result, "vkAllocateCommandBuffers"));
  }
  SOKR_TRY(device_.check(vk.vkResetCommandPool(device_.handle(), command_pool_, 0),
                         "vkResetCommandPool"));
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  SOKR_TRY(device_.check(vk.vkBeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer"));
  record(commands_);
  VkMemoryBarrier to_host{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vk.vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0,
                          1, &to_host, 0, nullptr, 0, nullptr);
  SOKR_TRY(device_.check(vk.vkEndCommandBuffer(commands_), "vkEndCommandBuffer"));
  SOKR_ASSIGN(const std::uint64_t value, device_.submit(commands_, 0));
  Result<bool> done = device_.wait(value, UINT64_MAX);
  if (done) return {};
  device_.drain();
  return std::move(done).failure();
}

}  // namespace sokr::vulkan
