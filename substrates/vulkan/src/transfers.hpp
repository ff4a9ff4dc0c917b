// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Copies into, out of and between buffers that the host does not reach itself, on the queue that
// computes. What only writes (fill, write, copy) is collected and returns at once: it neither waits
// for the device nor for kernels that are under way. It comes after all launches that were
// submitted before, and before all that are submitted after the next flush(); who submits calls
// that first. read() blocks until the bytes are here. Any thread.
#ifndef SOKR_VULKAN_TRANSFERS_HPP_
#define SOKR_VULKAN_TRANSFERS_HPP_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "device.hpp"
#include "memory.hpp"

namespace sokr::vulkan {

class Transfers {
 public:
  Transfers(Device& device, BlockPool& staging);
  // The device is idle.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  using BufferPointer = std::shared_ptr<Buffer>;
  // With zeros.
  Result<void> fill(const BufferPointer& to);
  // `from` is the caller's again when it returns.
  Result<void> write(const BufferPointer& to, std::uint64_t offset, const void* from,
                     std::uint64_t size);
  struct Range {
    BufferPointer buffer;
    std::uint64_t offset = 0;
  };
  Result<void> copy(const Range& from, const Range& to, std::uint64_t size);
  // Submits what was collected. What could not be submitted stays, for the next time.
  Result<void> flush();
  // As flush(), and blocks until it is done.
  Result<void> finish();
  Result<void> read(Buffer& from, std::uint64_t offset, void* to, std::uint64_t size);
  // What was collected for a buffer that nobody can name any more is not done, unless another
  // buffer gets bytes from it.
  void forget(const BufferPointer& buffer) noexcept;
  // Lets go of what submissions up to `value` used.
  void release_until(std::uint64_t value) noexcept;

 private:
  struct Operation {
    BufferPointer to;
    BufferPointer source;            // kept for it; null where the bytes are in a block
    VkBuffer from = VK_NULL_HANDLE;  // null: zeros
    std::uint64_t from_offset = 0, to_offset = 0, size = 0;
  };
  struct Submitted {
    std::uint64_t value = 0, bytes = 0;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::vector<Operation> operations;
    std::vector<std::unique_ptr<Buffer>> blocks;
  };
  struct Chunk {  // of a read
    std::uint64_t value = 0, offset = 0, size = 0;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::unique_ptr<Buffer> block;
  };

  Result<void> add(Operation operation);
  Result<void> write_part(const BufferPointer& to, std::uint64_t offset, const void* from,
                          std::uint64_t size);
  Result<std::uint64_t> place(std::uint64_t size);
  Result<void> await_room();
  Result<void> end_oldest();
  void drop_until(std::uint64_t value) noexcept;
  Result<void> flush_locked();
  Result<VkCommandBuffer> take_commands();
  Result<std::uint64_t> submit(VkCommandBuffer commands,
                               const std::function<void(VkCommandBuffer)>& record);
  void record(VkCommandBuffer commands);
  void retire(Submitted& done) noexcept;
  Result<void> start(Buffer& from, std::uint64_t offset, Chunk& chunk);
  Result<void> end(Chunk& chunk, void* to);

  Device& device_;
  BlockPool& staging_;
  std::uint64_t alignment_;
  std::atomic<bool> pending_{false};    // is anything collected?
  std::atomic<bool> under_way_{false};  // or submitted, and not let go?

  std::mutex mutex_;  // guards what follows
  VkCommandPool command_pool_ = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> idle_;
  std::vector<Operation> operations_;
  std::vector<std::unique_ptr<Buffer>> blocks_;  // of them; the last has room from room_ on
  std::uint64_t room_ = 0, bytes_ = 0;           // collected bytes
  std::deque<Submitted> submitted_;
  std::uint64_t submitted_bytes_ = 0;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_TRANSFERS_HPP_
