// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The buffers that a host created on one device, by handle, and copies in and out of
// them. A freed handle is dead at once; its memory goes when the launches that use
// it are done. Handles are never given out twice, also not after the device was lost
// and made anew. Any thread; read blocks until the device has copied, and so does copy where the
// host reaches a buffer itself. What else the device does for write, copy and create is done
// before launches that are submitted after the next prepare_for().
#ifndef SOKR_VULKAN_BUFFERS_HPP_
#define SOKR_VULKAN_BUFFERS_HPP_

#include <sokr/compute.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sokr/substrate/striped_mutex.hpp>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "device.hpp"
#include "memory.hpp"
#include "transfers.hpp"

namespace sokr::vulkan {

class BufferTable {
 public:
  BufferTable(Device& device, BlockPool& staging, std::atomic<SokrBuffer>& next_handle,
              MakeRoom make_room);
  // The device is idle.
  ~BufferTable() = default;
  BufferTable(const BufferTable&) = delete;
  BufferTable& operator=(const BufferTable&) = delete;

  Result<SokrBuffer> create(std::uint64_t size, std::uint32_t flags);
  Result<SokrBuffer> import_host(void* memory, std::uint64_t size);
  Result<void> free(SokrBuffer buffer);
  Result<void> write(SokrBuffer buffer, std::uint64_t offset, const void* from, std::uint64_t size);
  Result<void> read(SokrBuffer buffer, std::uint64_t offset, void* to, std::uint64_t size);
  Result<void*> map(SokrBuffer buffer);
  Result<std::uint64_t> address(SokrBuffer buffer);
  // On the device; of two mapped buffers by the host.
  Result<void> copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                    std::uint64_t to_offset, std::uint64_t size);

  // Before every launch, which uses these: submits what the device has yet to do for the buffers.
  // What is submitted next comes after it.
  Result<void> prepare_for(std::span<const std::shared_ptr<Buffer>> used) {
    return transfers_.prepare_for(used);
  }

  std::size_t count();

  // The live buffer behind a handle, for a launch.
  Result<std::shared_ptr<Buffer>> find(SokrBuffer buffer);
  // Lets go of freed memory that submissions up to `value` may have used.
  void release_until(std::uint64_t value);
  // Blocks until all copies beside the kernels are done, at most timeout_ns, and lets go of what
  // they used. False if there were none, or they did not end.
  bool await_copies(std::uint64_t timeout_ns) noexcept {
    return transfers_.await_copies(timeout_ns);
  }

 private:
  struct Entry {
    std::shared_ptr<Buffer> buffer;
    std::uint32_t flags = 0;
  };
  Result<Entry> entry(SokrBuffer buffer);
  Result<Entry> entry_range(SokrBuffer buffer, std::uint64_t offset, std::uint64_t size);
  Result<Entry> entry_range(SokrBuffer buffer, std::uint64_t offset, const void* host,
                            std::uint64_t size);
  SokrBuffer add(std::shared_ptr<Buffer> buffer, std::uint32_t flags);
  Result<void> zero(const std::shared_ptr<Buffer>& buffer, bool address);

  Device& device_;
  std::atomic<SokrBuffer>& next_handle_;
  const MakeRoom make_room_;

  // By handle, so that threads with buffers of their own seldom meet.
  struct alignas(substrate::kCacheLine) Shard {
    std::mutex mutex;
    std::unordered_map<SokrBuffer, Entry> buffers;
  };
  Shard& shard_of(SokrBuffer buffer) { return shards_[buffer % shards_.size()]; }
  std::array<Shard, 16> shards_;

  std::mutex retired_mutex_;
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Buffer>>> retired_;
  std::atomic<bool> has_retired_{false};

  Transfers transfers_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_BUFFERS_HPP_
