// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Buffers for substrates that run on host memory: zero-filled, aligned to 64 bytes
// or more, named by handles that are never reused. Freeing kills the handle at once;
// the memory goes when the last HostBuffer reference does, so a launch keeps what it
// uses. All functions may be called from any thread at once; readers share no lock
// across threads.
//
// Its create, import_host, free, write, read, map, address and copy are what Exporter
// puts into the memory table.
#ifndef SOKR_SUBSTRATE_HOST_MEMORY_HPP_
#define SOKR_SUBSTRATE_HOST_MEMORY_HPP_

#include <sokr/compute.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <sokr/base/result.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <unordered_map>

namespace sokr::substrate {

// What every memory table's create refuses: buffers of no size and flags that compute.h does not
// name.
Result<void> check_new_buffer(std::uint64_t size, std::uint32_t flags);

// What every memory table's copy refuses, its ranges being inside their buffers: ranges of one
// buffer that overlap.
Result<void> check_copy(bool same_buffer, std::uint64_t from_offset, std::uint64_t to_offset,
                        std::uint64_t size);

struct HostMemoryOptions {
  std::uint64_t max_buffer_size = UINT64_MAX;
  std::uint32_t import_alignment = 1;  // of addresses and sizes; 0 = import_host is refused
};

// One buffer's memory. Owned by the table and by every launch that uses it.
class HostBuffer {
 public:
  HostBuffer(std::byte* data, std::uint64_t size, std::uint32_t flags, bool owned)
      : data_(data), size_(size), flags_(flags), owned_(owned) {}
  ~HostBuffer();
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  std::byte* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  std::uint32_t flags() const { return flags_; }

 private:
  std::byte* data_;
  std::uint64_t size_;
  std::uint32_t flags_;
  bool owned_;
};

// The memory behind a binding. Null bindings have data null and size 0.
struct HostRange {
  std::byte* data = nullptr;
  std::uint64_t size = 0;
  std::shared_ptr<const HostBuffer> owner;  // null for host memory and null bindings
};

class HostMemory {
 public:
  explicit HostMemory(const HostMemoryOptions& options = {}) : options_(options) {}
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  Result<SokrBuffer> create(std::uint64_t size, std::uint32_t flags);
  Result<SokrBuffer> import_host(void* memory, std::uint64_t size);
  Result<void> free(SokrBuffer buffer);
  Result<void> write(SokrBuffer buffer, std::uint64_t offset, const void* from, std::uint64_t size);
  Result<void> read(SokrBuffer buffer, std::uint64_t offset, void* to, std::uint64_t size);
  Result<void*> map(SokrBuffer buffer);              // needs SOKR_BUFFER_HOST_VISIBLE
  Result<std::uint64_t> address(SokrBuffer buffer);  // needs SOKR_BUFFER_ADDRESS
  Result<void> copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                    std::uint64_t to_offset, std::uint64_t size);

  // The memory that a binding names, of any kind.
  Result<HostRange> resolve(const SokrBinding& binding);
  // `size` bytes of a buffer at `offset`, for indirect group counts; `what` begins
  // the sentence of a failure: "the indirect buffer".
  Result<HostRange> resolve(SokrBuffer buffer, std::uint64_t offset, std::uint64_t size,
                            const char* what);
  // The live buffer that holds this address, with data and size of the whole buffer;
  // owner null if none does. Of several, where memory was imported that a buffer has
  // already, the one that reaches furthest. For checked PhysicalStorageBuffer accesses.
  HostRange locate(std::uint64_t address);

  std::size_t buffer_count();

 private:
  Result<std::shared_ptr<HostBuffer>> find(SokrBuffer buffer);
  SokrBuffer add(std::unique_ptr<HostBuffer> owned);

  HostMemoryOptions options_;
  StripedMutex mutex_;
  SokrBuffer next_ = 1;
  std::unordered_map<SokrBuffer, std::shared_ptr<HostBuffer>> buffers_;
  std::multimap<std::uintptr_t, std::shared_ptr<HostBuffer>> by_address_;
  bool overlap_ = false;       // some of them overlapped at some time
  std::uint64_t largest_ = 0;  // bytes of the largest one at any time
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_HOST_MEMORY_HPP_
