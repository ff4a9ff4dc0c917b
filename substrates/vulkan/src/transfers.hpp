// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Copies into, out of and between buffers that the host does not reach itself. What only writes
// (fill, write, copy) is collected and returns at once: it neither waits for the device nor for
// kernels that are under way. It comes after all launches that were submitted before, and before
// all that are submitted after the next prepare_for() that names its buffers; who submits calls
// that first. read() blocks until the bytes are here. Any thread.
//
// Most is on the queue that computes, in the order of submission. Where there is a queue that only
// copies, what is large and between the host and a buffer is on that, at once, and ordered by the
// buffers: a copy there comes after the last submission of the other queue that uses its buffers,
// and what uses one of them on the other queue comes after the copy. Buffers that kernels reach by
// an address are left out of that, for any launch may use them.
#ifndef SOKR_VULKAN_TRANSFERS_HPP_
#define SOKR_VULKAN_TRANSFERS_HPP_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "device.hpp"
#include "memory.hpp"
#include "room.hpp"

namespace sokr::vulkan {

class Transfers {
 public:
  // `make_room` outlives it; it is called without any lock.
  Transfers(Device& device, BlockPool& staging, const MakeRoom& make_room);
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
  // Before launches that use these buffers: submits what was collected, and has what is submitted
  // next come after the copies on the other queue. What could not be submitted stays, for the next
  // time.
  Result<void> prepare_for(std::span<const BufferPointer> buffers);
  // As copy(), and blocks until it is done.
  Result<void> copy_now(const Range& from, const Range& to, std::uint64_t size);
  Result<void> read(Buffer& from, std::uint64_t offset, void* to, std::uint64_t size);
  // What was collected for a buffer that nobody can name any more is not done, unless another
  // buffer gets bytes from it.
  void forget(const BufferPointer& buffer) noexcept;
  // Lets go of what submissions up to `value` used, and of what copies that are done did.
  void release_until(std::uint64_t value) noexcept;
  // Blocks until all copies of the other queue are done, at most timeout_ns. False if there were
  // none, or they did not end.
  bool await_copies(std::uint64_t timeout_ns) noexcept;

 private:
  struct Operation {
    BufferPointer to;
    BufferPointer source;            // kept for it; null where the bytes are in a block
    VkBuffer from = VK_NULL_HANDLE;  // null: zeros
    std::uint64_t from_offset = 0, to_offset = 0, size = 0;
  };
  struct Submitted {
    std::uint64_t value = 0, bytes = 0;  // bytes of its blocks
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::vector<Operation> operations;
    std::vector<std::unique_ptr<Buffer>> blocks;
  };
  // What is on one of the queues.
  struct Lane {
    Queue* queue = nullptr;  // null: on that which computes
    VkCommandPool pool = VK_NULL_HANDLE;
    std::vector<VkCommandBuffer> idle;
    std::deque<Submitted> submitted;
  };
  struct Chunk {  // of a read
    std::uint64_t value = 0, offset = 0, size = 0;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::unique_ptr<Buffer> block;
  };

  // Whether a copy between the host and this buffer is done beside the kernels.
  bool is_beside(const Buffer& buffer, std::uint64_t size) const;
  Result<void> copy_locked(std::unique_lock<std::mutex>& lock, const Range& from, const Range& to,
                           std::uint64_t size);
  // Of the operation that was added last.
  Result<void> finish_locked(std::unique_lock<std::mutex>& lock);
  Result<void> add(Operation operation);
  void take_back() noexcept;
  void nothing_collected() noexcept;
  Result<void> write_part(const BufferPointer& to, std::uint64_t offset, const void* from,
                          std::uint64_t size);
  // These wait without the lock, where there is no room: what is collected may be another then.
  Result<std::uint64_t> place(std::unique_lock<std::mutex>& lock, std::uint64_t size);
  Result<std::unique_ptr<Buffer>> take_block(std::unique_lock<std::mutex>& lock, std::uint64_t size,
                                             std::uint64_t least);
  Result<std::unique_ptr<Buffer>> fill_block(std::unique_lock<std::mutex>& lock, const void* from,
                                             std::uint64_t size);
  // For so many more bytes of blocks, where `most` may be under way.
  Result<void> await_room(std::unique_lock<std::mutex>& lock, std::uint64_t bytes,
                          std::uint64_t most);
  // False if it did not end in time.
  Result<bool> end_oldest(std::unique_lock<std::mutex>& lock, std::uint64_t timeout_ns);
  void drop_until(std::uint64_t value) noexcept;
  void drop(Lane& lane, std::uint64_t value) noexcept;
  Result<void> flush_locked();
  Result<void> write_part_beside(const BufferPointer& to, std::uint64_t offset, const void* from,
                                 std::uint64_t size);
  Result<std::vector<Operation>> take_zeros(const Buffer& buffer);
  void give_zeros(std::vector<Operation> zeros);
  Result<void> submit_beside(Operation operation, std::unique_ptr<Buffer> block);
  Result<VkCommandBuffer> take_commands(Lane& lane);
  void give_commands(Lane& lane, VkCommandBuffer commands) noexcept;
  Result<std::uint64_t> submit(Lane& lane, VkCommandBuffer commands, std::uint64_t after,
                               const std::function<void(VkCommandBuffer)>& record);
  void record(VkCommandBuffer commands, std::span<const Operation> operations);
  void record_beside(VkCommandBuffer commands, std::span<const Operation> operations);
  void record_one(VkCommandBuffer commands, const Operation& operation);
  void retire(Lane& lane, Submitted& done) noexcept;
  // Into the block that it has, or one that is taken.
  Result<void> start(Lane& lane, Buffer& from, std::uint64_t offset, Chunk& chunk);
  Result<void> end(Lane& lane, Chunk& chunk, void* to);

  Device& device_;
  BlockPool& staging_;
  const MakeRoom& make_room_;
  std::uint64_t alignment_;
  std::atomic<bool> pending_{false};    // is anything collected?
  std::atomic<bool> under_way_{false};  // or submitted, and not let go?

  std::mutex mutex_;  // guards what follows
  Lane here_, beside_;
  std::vector<Operation> operations_;            // collected
  std::vector<std::unique_ptr<Buffer>> blocks_;  // of them; the last has room from room_ on
  std::uint64_t room_ = 0, bytes_ = 0;           // bytes of all of them
  std::uint64_t submitted_bytes_ = 0;
  std::size_t submitted_operations_ = 0;
  std::uint64_t ask_from_ = 0;  // when a launch of this value has ended, copies may have as well
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_TRANSFERS_HPP_
