// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <sokr/base/pages.hpp>
#include <sokr/substrate/host_memory.hpp>

namespace sokr::substrate {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::uint64_t kMapFrom = 256 * 1024;  // larger buffers are fresh pages, zeroed on demand

std::byte* allocate_zeroed(std::uint64_t size) {
  if (size > std::numeric_limits<std::ptrdiff_t>::max()) return nullptr;
  if (size >= kMapFrom) return map_pages(size);
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, size) != 0) return nullptr;
  std::memset(memory, 0, size);
  return static_cast<std::byte*>(memory);
}

Result<void> check_range(const HostBuffer& buffer, std::uint64_t offset, std::uint64_t size,
                         const char* what) {
  if (offset <= buffer.size() && size <= buffer.size() - offset) return {};
  return fail(SOKR_INVALID_INPUT, "{} covers {} bytes from offset {}, but its buffer has {} bytes",
              what, size, offset, buffer.size());
}

}  // namespace

Result<void> check_new_buffer(std::uint64_t size, std::uint32_t flags) {
  constexpr std::uint32_t kKnown = SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS;
  if (size == 0) return fail(SOKR_INVALID_INPUT, "a buffer has at least 1 byte, not 0");
  if ((flags & ~kKnown) == 0) return {};
  return fail(SOKR_INVALID_INPUT,
              "unknown buffer flags {:#x}; known are 1 (host visible) and 2 (address)",
              flags & ~kKnown);
}

Result<void> check_copy(bool same_buffer, std::uint64_t from_offset, std::uint64_t to_offset,
                        std::uint64_t size) {
  const std::uint64_t apart =
      from_offset < to_offset ? to_offset - from_offset : from_offset - to_offset;
  if (!same_buffer || apart >= size) return {};
  return fail(SOKR_INVALID_INPUT,
              "the copy of {} bytes from offset {} to offset {} of the same buffer overlaps itself",
              size, from_offset, to_offset);
}

HostBuffer::~HostBuffer() {
  if (!owned_) return;
  if (size_ >= kMapFrom) {
    unmap_pages(data_, size_);
  } else {
    std::free(data_);
  }
}

Result<SokrBuffer> HostMemory::create(std::uint64_t size, std::uint32_t flags) {
  SOKR_TRY(check_new_buffer(size, flags));
  if (size > options_.max_buffer_size) {
    return fail(SOKR_INVALID_INPUT, "a buffer of {} bytes is larger than the limit of {}", size,
                options_.max_buffer_size);
  }
  std::byte* data = allocate_zeroed(size);
  if (data == nullptr) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory: no {} bytes for a buffer", size);
  }
  std::unique_ptr<HostBuffer> buffer(new (std::nothrow) HostBuffer(data, size, flags, true));
  if (!buffer) {
    (void)HostBuffer(data, size, flags, true);  // frees the bytes
    throw std::bad_alloc();
  }
  return add(std::move(buffer));
}

Result<SokrBuffer> HostMemory::import_host(void* memory, std::uint64_t size) {
  const std::uint32_t alignment = options_.import_alignment;
  if (alignment == 0) {
    return fail(SOKR_CAPABILITY_DENIED, "this substrate cannot import host memory");
  }
  if (memory == nullptr || size == 0) {
    return fail(SOKR_INVALID_INPUT,
                "host memory to import needs an address that is not null and at least 1 byte");
  }
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (address % alignment != 0 || size % alignment != 0) {
    return fail(SOKR_INVALID_INPUT,
                "host memory to import has address {:#x} and size {}; both must be multiples of {}",
                address, size, alignment);
  }
  if (size - 1 > UINTPTR_MAX - address) {
    return fail(SOKR_INVALID_INPUT,
                "host memory of {} bytes at {:#x} reaches beyond the end of the address space",
                size, address);
  }
  return add(std::make_unique<HostBuffer>(static_cast<std::byte*>(memory), size,
                                          SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS, false));
}

SokrBuffer HostMemory::add(std::unique_ptr<HostBuffer> owned) {
  const std::shared_ptr<HostBuffer> buffer = std::move(owned);
  const auto address = reinterpret_cast<std::uintptr_t>(buffer->data());
  std::unique_lock lock(mutex_);
  const auto by_handle = buffers_.emplace(next_, buffer).first;
  try {
    const auto at = by_address_.emplace(address, buffer);
    const auto next = std::next(at);
    overlap_ = overlap_ || (next != by_address_.end() && next->first - address < buffer->size());
    if (at != by_address_.begin()) {
      const auto before = std::prev(at);
      overlap_ = overlap_ || address - before->first < before->second->size();
    }
  } catch (...) {
    buffers_.erase(by_handle);
    throw;
  }
  largest_ = std::max(largest_, buffer->size());
  return next_++;
}

Result<std::shared_ptr<HostBuffer>> HostMemory::find(SokrBuffer buffer) {
  {
    std::shared_lock lock(mutex_);
    if (const auto at = buffers_.find(buffer); at != buffers_.end()) return at->second;
  }
  return fail(SOKR_INVALID_INPUT, "there is no buffer {} on this substrate: never made, or freed",
              buffer);
}

Result<void> HostMemory::free(SokrBuffer buffer) {
  std::shared_ptr<HostBuffer> last;  // freed after the lock is released
  SOKR_ASSIGN(last, find(buffer));
  std::unique_lock lock(mutex_);
  if (buffers_.erase(buffer) == 0) {
    lock.unlock();
    return find(buffer).failure();
  }
  const auto [first, end] = by_address_.equal_range(reinterpret_cast<std::uintptr_t>(last->data()));
  for (auto at = first; at != end; ++at) {
    if (at->second != last) continue;
    by_address_.erase(at);
    break;
  }
  lock.unlock();
  return {};
}

Result<void> HostMemory::write(SokrBuffer buffer, std::uint64_t offset, const void* from,
                               std::uint64_t size) {
  SOKR_ASSIGN(const auto target, find(buffer));
  SOKR_TRY(check_range(*target, offset, size, "the write"));
  if (size == 0) return {};
  if (from == nullptr) return fail(SOKR_INVALID_INPUT, "the write reads from the null address");
  std::memmove(target->data() + offset, from, size);
  return {};
}

Result<void> HostMemory::read(SokrBuffer buffer, std::uint64_t offset, void* to,
                              std::uint64_t size) {
  SOKR_ASSIGN(const auto source, find(buffer));
  SOKR_TRY(check_range(*source, offset, size, "the read"));
  if (size == 0) return {};
  if (to == nullptr) return fail(SOKR_INVALID_INPUT, "the read writes to the null address");
  std::memmove(to, source->data() + offset, size);
  return {};
}

Result<void> HostMemory::copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                              std::uint64_t to_offset, std::uint64_t size) {
  SOKR_ASSIGN(const auto source, find(from));
  SOKR_ASSIGN(const auto target, find(to));
  SOKR_TRY(check_range(*source, from_offset, size, "the copy"));
  SOKR_TRY(check_range(*target, to_offset, size, "the copy"));
  SOKR_TRY(check_copy(from == to, from_offset, to_offset, size));
  // Memory that was imported twice may overlap all the same.
  if (size != 0) std::memmove(target->data() + to_offset, source->data() + from_offset, size);
  return {};
}

Result<void*> HostMemory::map(SokrBuffer buffer) {
  SOKR_ASSIGN(const auto target, find(buffer));
  if ((target->flags() & SOKR_BUFFER_HOST_VISIBLE) == 0) {
    return fail(SOKR_INVALID_INPUT,
                "buffer {} cannot be mapped: create it with SOKR_BUFFER_HOST_VISIBLE", buffer);
  }
  return static_cast<void*>(target->data());
}

Result<std::uint64_t> HostMemory::address(SokrBuffer buffer) {
  SOKR_ASSIGN(const auto target, find(buffer));
  if ((target->flags() & SOKR_BUFFER_ADDRESS) == 0) {
    return fail(SOKR_INVALID_INPUT,
                "buffer {} has no address for kernels: create it with SOKR_BUFFER_ADDRESS", buffer);
  }
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(target->data()));
}

Result<HostRange> HostMemory::resolve(const SokrBinding& binding) {
  if (binding.kind == SOKR_BINDING_NULL) return HostRange{};
  if (binding.kind == SOKR_BINDING_HOST) {
    const std::uint64_t start = binding.resource;
    if (start == 0 || start > UINTPTR_MAX || binding.offset > UINTPTR_MAX - start ||
        binding.size > UINTPTR_MAX - start - binding.offset) {
      return fail(SOKR_INVALID_INPUT,
                  "binding {}.{} names {} bytes at {:#x} + {}, which is not host memory",
                  binding.set, binding.binding, binding.size, start, binding.offset);
    }
    auto* data = reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(start + binding.offset));
    return HostRange{data, binding.size, nullptr};
  }
  auto buffer = find(binding.resource);
  if (buffer && binding.offset <= (*buffer)->size() &&
      binding.size <= (*buffer)->size() - binding.offset) {
    std::byte* data = (*buffer)->data() + binding.offset;
    return HostRange{data, binding.size, *std::move(buffer)};
  }
  const std::string what =
      fmt::format("binding {}.{}[{}]", binding.set, binding.binding, binding.index);
  return resolve(binding.resource, binding.offset, binding.size, what.c_str());
}

Result<HostRange> HostMemory::resolve(SokrBuffer handle, std::uint64_t offset, std::uint64_t size,
                                      const char* what) {
  auto buffer = find(handle);
  if (!buffer) {
    return fail(SOKR_INVALID_INPUT, "{}: {}", what, buffer.failure().sentence);
  }
  SOKR_TRY(check_range(**buffer, offset, size, what));
  std::byte* data = (*buffer)->data() + offset;
  return HostRange{data, size, *std::move(buffer)};
}

HostRange HostMemory::locate(std::uint64_t address) {
  if (address > UINTPTR_MAX) return {};
  std::shared_lock lock(mutex_);
  // The one with the nearest start, unless some overlap: then any that starts before may reach
  // here.
  auto at = by_address_.upper_bound(static_cast<std::uintptr_t>(address));
  const std::shared_ptr<HostBuffer>* found = nullptr;
  std::uint64_t most = 0;  // bytes from the address to the end of what was found
  while (at != by_address_.begin()) {
    --at;
    const std::uint64_t offset = address - at->first, size = at->second->size();
    if (offset < size && size - offset > most) found = &at->second, most = size - offset;
    if (!overlap_ || offset >= largest_) break;
  }
  if (found == nullptr) return {};
  return {(*found)->data(), (*found)->size(), *found};
}

std::size_t HostMemory::buffer_count() {
  std::shared_lock lock(mutex_);
  return buffers_.size();
}

}  // namespace sokr::substrate
