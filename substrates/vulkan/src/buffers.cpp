// SPDX-License-Identifier: MIT OR Apache-2.0
#include "buffers.hpp"

#include <algorithm>
#include <cstring>
#include <sokr/substrate/host_memory.hpp>

namespace sokr::vulkan {
namespace {

// From this size on, the device copies quicker into cached memory than the host reads from memory
// that is not.
constexpr std::uint64_t kSlowRead = 4096;

// Of `size` bytes anywhere in it. True if they are to be its first contents: what was in its memory
// before is somebody else's, and nobody may see it if they do not come.
bool begin_write(Buffer& buffer, std::uint64_t size) {
  if (size == buffer.size()) return buffer.note_contents();
  buffer.ensure_contents();
  return false;
}

}  // namespace

BufferTable::BufferTable(Device& device, BlockPool& staging, std::atomic<SokrBuffer>& next_handle,
                         MakeRoom make_room)
    : device_(device),
      next_handle_(next_handle),
      make_room_(std::move(make_room)),
      transfers_(device, staging, make_room_) {}

SokrBuffer BufferTable::add(std::shared_ptr<Buffer> buffer, std::uint32_t flags) {
  const SokrBuffer handle = next_handle_.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = shard_of(handle);
  std::lock_guard lock(shard.mutex);
  shard.buffers.emplace(handle, Entry{std::move(buffer), flags});
  return handle;
}

Result<SokrBuffer> BufferTable::create(std::uint64_t size, std::uint32_t flags) {
  SOKR_TRY(substrate::check_new_buffer(size, flags));
  const bool address = flags & SOKR_BUFFER_ADDRESS;
  if (address && !device_.features().has("bufferDeviceAddress")) {
    return fail(SOKR_CAPABILITY_DENIED,
                "SOKR_BUFFER_ADDRESS needs bufferDeviceAddress; {} does not "
                "have it",
                device_.name());
  }
  if (device_.is_lost()) return device_.loss();
  release_until(device_.seen());
  const MemoryKind kind =
      flags & SOKR_BUFFER_HOST_VISIBLE ? MemoryKind::kHost : MemoryKind::kDevice;
  SOKR_TRY(Buffer::check_size(device_, size));
  SOKR_ASSIGN(std::shared_ptr<Buffer> buffer,
              with_room(make_room_, [&] { return Buffer::create(device_, size, kind, address); }));
  SOKR_TRY(zero(buffer, address));
  return add(std::move(buffer), flags);
}

Result<SokrBuffer> BufferTable::import_host(void* memory, std::uint64_t size) {
  const std::uint64_t alignment = device_.physical().host_import.minImportedHostPointerAlignment;
  if (alignment == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
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
  if (size - 1 > UINTPTR_MAX - reinterpret_cast<std::uintptr_t>(memory)) {
    return fail(SOKR_INVALID_INPUT,
                "host memory of {} bytes at {} reaches beyond the end of the address space", size,
                fmt::ptr(memory));
  }
  if (device_.is_lost()) return device_.loss();
  SOKR_ASSIGN(auto buffer, Buffer::import(device_, memory, size));
  return add(std::move(buffer), SOKR_BUFFER_HOST_VISIBLE);
}

Result<BufferTable::Entry> BufferTable::entry(SokrBuffer buffer) {
  {
    Shard& shard = shard_of(buffer);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.buffers.find(buffer);
    if (found != shard.buffers.end()) return found->second;
  }
  if (buffer != 0 && buffer < next_handle_.load(std::memory_order_relaxed)) {
    return fail(SOKR_INVALID_INPUT, "buffer {} is gone: it was freed, or lost with its device",
                buffer);
  }
  return fail(SOKR_INVALID_INPUT, "{} is no buffer of {}", buffer, device_.name());
}

Result<std::shared_ptr<Buffer>> BufferTable::find(SokrBuffer buffer) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  found.buffer->ensure_contents();
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
    Shard& shard = shard_of(buffer);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.buffers.find(buffer);
    if (found != shard.buffers.end()) {
      freed = std::move(found->second.buffer);
      freed->note_freed();
      shard.buffers.erase(found);
    }
  }
  if (!freed) return entry(buffer).failure();
  transfers_.forget(freed);
  // A kernel may reach it through its address without any launch that names it.
  const std::uint64_t last = device_.last_submitted();
  if (last <= device_.seen()) return {};
  if (Result<std::uint64_t> reached = device_.reached(); reached && last <= *reached) {
    release_until(*reached);
    return {};
  }
  std::lock_guard lock(retired_mutex_);
  retired_.emplace_back(last, std::move(freed));
  has_retired_.store(true, std::memory_order_relaxed);
  return {};
}

void BufferTable::release_until(std::uint64_t value) {
  transfers_.release_until(value);
  if (!has_retired_.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(retired_mutex_);
  std::erase_if(retired_, [&](auto& entry) { return entry.first <= value; });
  has_retired_.store(!retired_.empty(), std::memory_order_relaxed);
}

Result<void*> BufferTable::map(SokrBuffer buffer) {
  SOKR_ASSIGN(Entry found, entry(buffer));
  if (!(found.flags & SOKR_BUFFER_HOST_VISIBLE)) {
    return fail(SOKR_INVALID_INPUT,
                "buffer {} was created without SOKR_BUFFER_HOST_VISIBLE and "
                "cannot be mapped",
                buffer);
  }
  found.buffer->ensure_contents();
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

Result<void> BufferTable::copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                               std::uint64_t to_offset, std::uint64_t size) {
  SOKR_ASSIGN(const Entry source, entry_range(from, from_offset, size));
  SOKR_ASSIGN(const Entry target, entry_range(to, to_offset, size));
  SOKR_TRY(substrate::check_copy(from == to, from_offset, to_offset, size));
  if (device_.is_lost()) return device_.loss();
  if (size == 0) return {};
  source.buffer->ensure_contents();
  const bool is_first = begin_write(*target.buffer, size);
  const bool quick = source.buffer->is_cached() || size < kSlowRead;
  if (source.buffer->mapped() && target.buffer->mapped() && quick) {
    std::memmove(target.buffer->mapped() + to_offset, source.buffer->mapped() + from_offset, size);
    return {};
  }
  const Transfers::Range source_range{source.buffer, from_offset};
  const Transfers::Range target_range{target.buffer, to_offset};
  // What the host reaches by itself, it may touch as soon as this returns.
  if (source.buffer->mapped() || target.buffer->mapped()) {
    Result<void> copied = transfers_.copy_now(source_range, target_range, size);
    if (!copied && is_first) target.buffer->zero_later();
    return copied;
  }
  return transfers_.copy(source_range, target_range, size);
}

std::size_t BufferTable::count() {
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    count += shard.buffers.size();
  }
  return count;
}

Result<void> BufferTable::write(SokrBuffer buffer, std::uint64_t offset, const void* from,
                                std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry_range(buffer, offset, from, size));
  if (device_.is_lost()) return device_.loss();
  if (size == 0) return {};
  if (!found.buffer->mapped()) return transfers_.write(found.buffer, offset, from, size);
  begin_write(*found.buffer, size);
  std::memcpy(found.buffer->mapped() + offset, from, size);
  return {};
}

Result<void> BufferTable::read(SokrBuffer buffer, std::uint64_t offset, void* to,
                               std::uint64_t size) {
  SOKR_ASSIGN(Entry found, entry_range(buffer, offset, to, size));
  if (device_.is_lost()) return device_.loss();
  if (size == 0) return {};
  found.buffer->ensure_contents();
  const bool quick = found.buffer->is_cached() || size < kSlowRead;
  if (!found.buffer->mapped() || !quick) return transfers_.read(*found.buffer, offset, to, size);
  std::memcpy(to, found.buffer->mapped() + offset, size);
  return {};
}

// Nobody knows when a kernel looks at what it reaches by its address.
Result<void> BufferTable::zero(const std::shared_ptr<Buffer>& buffer, bool address) {
  if (!buffer->mapped()) return transfers_.fill(buffer);
  buffer->zero_later();
  if (address) buffer->ensure_contents();
  return {};
}

}  // namespace sokr::vulkan
