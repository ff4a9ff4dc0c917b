// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Buffers with their memory, and the pools of host-visible and device blocks
// that launches borrow. Every buffer belongs to one Device and goes before it does.
#ifndef SOKR_VULKAN_MEMORY_HPP_
#define SOKR_VULKAN_MEMORY_HPP_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "device.hpp"

namespace sokr::vulkan {

enum class MemoryKind : std::uint8_t {
  kDevice,   // fastest for kernels; mapped too where that costs nothing
  kHost,     // mapped and coherent, for hosts that know nothing of flushes; cached if possible
  kStaging,  // mapped, cached first of all; where it is not coherent, flush() and invalidate()
};

class Buffer {
 public:
  // Contents are undefined. `address`: with a device address (bufferDeviceAddress is
  // enabled). Failures name the size and the limit or Vulkan's answer.
  static Result<std::unique_ptr<Buffer>> create(Device& device, std::uint64_t size, MemoryKind kind,
                                                bool address = false);
  // The same failure for a size that the device never takes, however much memory is free.
  static Result<void> check_size(const Device& device, std::uint64_t size);
  // Host memory in place; address and size are multiples of the import alignment.
  static Result<std::unique_ptr<Buffer>> import(Device& device, void* memory, std::uint64_t size);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  VkBuffer handle() const { return buffer_; }
  std::uint64_t size() const { return size_; }
  std::byte* mapped() const { return mapped_; }  // null if the host cannot reach it
  // False where the host reads so slowly that a copy into cached memory is quicker.
  bool is_cached() const { return cached_; }
  bool is_coherent() const { return coherent_; }
  std::uint64_t address() const { return address_; }  // 0 if it has none
  // Of mapped memory that nobody has looked at yet: zeros are written when somebody is about to.
  // Not before, for most buffers are written as a whole first. Any thread.
  void zero_later() { has_contents_.store(false, std::memory_order_release); }
  // Before anybody reads it, or writes a part.
  void ensure_contents();
  // Before all of it is written. True if it was left for zeros until then.
  bool note_contents();
  // Where a queue beside that which computes copies: the last submission of that which computes
  // that uses the buffer, and the last copy of the other; 0 = none. Noted when they were submitted.
  // Any thread.
  std::uint64_t last_use() const { return last_use_.load(std::memory_order_acquire); }
  std::uint64_t last_copy() const { return last_copy_.load(std::memory_order_acquire); }
  void note_use(std::uint64_t value) { raise(last_use_, value); }
  void note_copy(std::uint64_t value) { raise(last_copy_, value); }
  // Its handle is gone; who uses it keeps it. Any thread.
  bool is_freed() const { return freed_.load(std::memory_order_acquire); }
  void note_freed() { freed_.store(true, std::memory_order_release); }

  // Bytes of a range as Vulkan wants them flushed or invalidated: whole atoms. The host's own
  // bytes in the same atoms go with them.
  VkMappedMemoryRange atoms(std::uint64_t offset, std::uint64_t size) const;
  // What the host wrote to mapped memory, for submissions to come; and what those that are done
  // wrote, for the host. Both do nothing where memory is coherent.
  Result<void> flush(std::uint64_t offset, std::uint64_t size);
  Result<void> invalidate(std::uint64_t offset, std::uint64_t size);

 private:
  Buffer(Device& device, std::uint64_t size) : device_(device), size_(size) {}
  Result<void> create_buffer(bool address, bool imported);
  Result<void> allocate(MemoryKind kind, bool address);
  Result<void> import_memory(void* memory);
  static void raise(std::atomic<std::uint64_t>& last, std::uint64_t value) {
    std::uint64_t seen = last.load(std::memory_order_relaxed);
    while (seen < value && !last.compare_exchange_weak(seen, value, std::memory_order_release)) {
    }
  }

  Device& device_;
  std::uint64_t size_ = 0;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  MemoryPart part_;
  std::byte* mapped_ = nullptr;
  std::uint64_t address_ = 0;
  bool cached_ = false, coherent_ = false;
  std::atomic<std::uint64_t> last_use_{0}, last_copy_{0};
  std::atomic<bool> freed_{false};
  std::atomic<bool> has_contents_{true};
  std::mutex contents_mutex_;  // held while zeros are written
};

// True where kernels reach host-visible memory at full speed.
bool has_unified_memory(const PhysicalDevice& physical);

// Blocks for staging, kept for reuse by size class. Any thread.
class BlockPool {
 public:
  BlockPool(Device& device, MemoryKind kind) : device_(device), kind_(kind) {}

  // At least `size` bytes, with undefined contents. When memory is short, idle blocks
  // are given back first, and no more than `size` is taken.
  Result<std::unique_ptr<Buffer>> take(std::uint64_t size);
  void give(std::unique_ptr<Buffer> block) noexcept;
  // Gives all idle blocks back to the driver; true if there were any.
  bool drop_idle();
  std::uint64_t idle_bytes();

 private:
  Device& device_;
  MemoryKind kind_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::vector<std::unique_ptr<Buffer>>> idle_;  // by size
  std::uint64_t idle_bytes_ = 0;
};

// The size that a pool allocates for a request: at most an eighth is wasted above 1 MiB.
std::uint64_t block_size(std::uint64_t size);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_MEMORY_HPP_
