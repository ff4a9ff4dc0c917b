// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a launch is to the device: its commands, descriptor sets, staging memory and queries.
//
// A launch that is submitted by itself has a command buffer of its own, and one like an earlier one
// submits that one's again: nothing is recorded, allocated or updated, only the staged host memory
// is filled anew. Launches that are submitted together are recorded into one command buffer
// (Batch): a device takes a microsecond or two to go from one to the next.
//
// A recording is owned by one launch from acquire() to release(), and by the pool
// otherwise; in flight nobody changes it.
#ifndef SOKR_VULKAN_RECORDING_HPP_
#define SOKR_VULKAN_RECORDING_HPP_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/substrate/inline_vector.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <span>
#include <vector>

#include "device.hpp"
#include "memory.hpp"
#include "pipeline.hpp"
#include "pools.hpp"

namespace sokr::vulkan {

enum class BindSource : std::uint8_t {
  kBuffer,  // `buffer` at `offset`
  kCopied,  // the same, where the device cannot bind that offset: through a block of the device
  kStaged,  // host memory, through a block of the recording
  kNull,
};

// What one descriptor is bound to. In the order of ResolvedLaunch::bindings.
struct Bound {
  BindSource source = BindSource::kNull;
  VkBuffer buffer = VK_NULL_HANDLE;
  std::uint64_t handle = 0;  // of the memory table; 0 if it has none
  std::uint64_t offset = 0, size = 0;
  bool download = false;  // kCopied and kStaged: the kernel writes
};

// A grid in several submissions, cut along one axis.
struct GridCut {
  std::uint32_t axis = 0;
  std::uint32_t first = 0;  // of the axis: recorded by itself, to be measured; 0 = nothing is
  std::uint32_t parts = 1;  // if nothing is measured
};

// Descriptor sets that are bound to buffers alone. Launches that bind the same share them.
class BoundSets : public std::enable_shared_from_this<BoundSets> {
 public:
  BoundSets(DescriptorSets& from, DescriptorSets::Taken taken)
      : from_(from), taken_(std::move(taken)) {}
  ~BoundSets() { from_.give(taken_); }
  BoundSets(const BoundSets&) = delete;
  BoundSets& operator=(const BoundSets&) = delete;
  std::span<const VkDescriptorSet> sets() const { return taken_.sets; }

 private:
  DescriptorSets& from_;
  DescriptorSets::Taken taken_;
};

struct RecordRequest {
  Pipeline* pipeline = nullptr;
  const BoundSets* sets = nullptr;                    // of RecordingPool::make_sets(); may be null
  const substrate::ResolvedLaunch* launch = nullptr;  // but for its push constants
  std::span<const std::uint8_t> push;
  std::span<const Bound> bound;
  bool profile = false;
  VkBuffer indirect = VK_NULL_HANDLE;  // null = the launch's groups
  std::uint64_t indirect_handle = 0, indirect_offset = 0;
  GridCut cut;
  bool reusable = true;  // false if it names memory that only this launch has
  // With a barrier in front: what is before it in a submission is done, and seen, before it begins.
  bool behind = false;
};

// Where the host's bytes of one staged or null descriptor are.
struct StagedRegion {
  std::uint32_t binding = 0;  // index into ResolvedLaunch::bindings
  std::uint32_t block = 0;
  std::uint64_t offset = 0, size = 0;
  bool download = false, zero = false;
};

// A range of a buffer that is copied to a place where it can be bound, and back if it is written.
struct CopiedRegion {
  std::uint32_t binding = 0;  // index into ResolvedLaunch::bindings
  VkBuffer buffer = VK_NULL_HANDLE;
  std::uint64_t from = 0, offset = 0, size = 0;  // in the buffer, in the block
  bool back = false;
};

// Everything that recorded commands and descriptors depend on, but for the push constants and what
// they come behind.
struct RecordKey {
  substrate::InlineVector<std::uint8_t, 512> bytes;
  std::uint64_t hash = 0;
};
// The pipeline's address is unique as long as a recording keeps it alive.
RecordKey record_key(const RecordRequest& request);

class RecordingPool;
class Recording;

// Recordings that wait for reuse: in the order in which they were given, and by what they say
// beside push constants. Owns them. The lock is its user's.
class IdleRecordings {
 public:
  IdleRecordings() = default;
  ~IdleRecordings();
  IdleRecordings(const IdleRecordings&) = delete;
  IdleRecordings& operator=(const IdleRecordings&) = delete;

  std::size_t size() const { return size_; }
  Recording* oldest() const { return oldest_; }
  // The last that was given with this hash, and others with others; next_alike() is the one before.
  Recording* alike(std::uint64_t hash) const { return buckets_[hash % kBuckets]; }
  static Recording* next_alike(const Recording& recording);
  void add(std::unique_ptr<Recording> recording) noexcept;
  // As the oldest: one that says nothing any more.
  void add_spare(std::unique_ptr<Recording> recording) noexcept;
  std::unique_ptr<Recording> take(Recording& recording) noexcept;

 private:
  static constexpr std::size_t kBuckets = 64;
  std::array<Recording*, kBuckets> buckets_{};
  Recording *oldest_ = nullptr, *newest_ = nullptr;
  std::size_t size_ = 0;
};

class Recording {
 public:
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Not cut: it may be submitted together with others.
  bool is_whole() const { return is_whole_; }
  // Its own command buffers are recorded, as they are to be submitted.
  bool is_written() const { return used_ != 0; }
  // Records them if they are not, all parts of what is cut.
  Result<void> write();
  // They begin with a barrier behind all that was submitted before.
  bool is_behind() const { return recipe_.behind; }
  // What is to be submitted, in this order, once it is written.
  std::span<const VkCommandBuffer> commands() const {
    return std::span(buffers_).subspan(done_, used_ - done_);
  }
  // After what was recorded has been submitted: `size` steps of the axis that is cut from `begin`
  // on, or all the rest, in parts.
  Result<void> record_next(std::uint32_t begin, std::uint32_t size);
  Result<void> record_rest(std::uint32_t begin, std::uint32_t parts);
  std::span<const StagedRegion> regions() const { return regions_; }
  std::byte* mapped(const StagedRegion& region) const {
    return host_blocks_[region.block]->mapped() + region.offset;
  }
  // What the host wrote to the regions, for the submission; and what it wrote, for the host.
  Result<void> flush() { return carry(true); }
  Result<void> invalidate() { return carry(false); }
  // Of the last submission, which is done; empty if it was not profiled.
  std::optional<substrate::Timing> timing() const;

 private:
  friend class RecordingPool;
  friend class IdleRecordings;
  friend class Batch;
  Recording(Device& device, RecordingPool& pool);
  Result<void> record(const RecordRequest& request);
  Result<void> stage(const RecordRequest& request);
  Result<void> bind(const RecordRequest& request);
  Result<void> prepare_descriptors(Pipeline& pipeline);
  Result<void> prepare_queries();
  Result<void> place_copied(const RecordRequest& request, std::uint64_t alignment);
  void note_recipe(const RecordRequest& request);
  std::span<const VkDescriptorSet> sets() const { return shared_ ? shared_->sets() : sets_.sets; }
  bool has_copies() const;
  void copy_ranges(VkCommandBuffer commands, bool in) const;
  struct Part {
    std::uint32_t begin = 0, end = 0;  // of the axis that is cut
    bool first = true, last = true;
  };
  Part whole() const { return {0, recipe_.groups[recipe_.axis], true, true}; }
  // What the commands before these in a command buffer have bound.
  struct BoundState {
    const Pipeline* pipeline = nullptr;
    VkDescriptorSet first_set = VK_NULL_HANDLE;
  };
  void dispatch(VkCommandBuffer commands, const Part& part) const;
  void dispatch_limited(VkCommandBuffer commands, const Part& part) const;
  Result<VkCommandBuffer> next_buffer();
  Result<void> write_parts(std::uint32_t begin, std::uint32_t parts);
  Result<void> write_part(const Part& part);
  void write_commands(VkCommandBuffer commands, const Part& part, BoundState& state) const;
  void copy(VkCommandBuffer commands, bool in) const;
  Result<void> carry(bool to_device);
  void give_blocks() noexcept;
  void keep_one_buffer() noexcept;
  std::uint64_t staged_bytes() const;

  Device& device_;
  RecordingPool& pool_;
  CommandPool& command_pool_;
  std::vector<VkCommandBuffer> buffers_;
  std::size_t done_ = 0, used_ = 0;  // of them: submitted already, recorded
  DescriptorSets::Taken sets_;
  std::shared_ptr<Pipeline> sets_of_;        // whose layouts they have
  std::shared_ptr<const BoundSets> shared_;  // in place of `sets_`
  VkQueryPool queries_ = VK_NULL_HANDLE;
  bool profiled_ = false;
  bool coherent_ = true;  // all of the host's blocks

  // What its commands say beside the pipeline and the descriptors.
  struct Recipe {
    std::array<std::uint32_t, 3> groups{}, base_groups{};
    std::uint32_t axis = 0;           // that is cut
    std::uint32_t parts = 1;          // if nothing is measured
    std::vector<std::uint32_t> push;  // the whole block
    VkBuffer indirect = VK_NULL_HANDLE;
    std::uint64_t indirect_offset = 0;
    bool behind = false;
  } recipe_;
  bool is_whole_ = false;

  std::uint64_t base_hash_ = 0;  // without the push constants
  std::uint64_t hash_ = 0;
  Recording *older_ = nullptr, *newer_ = nullptr, *alike_ = nullptr;  // while it is idle
  std::vector<std::uint8_t> key_;  // with the push constants behind it; empty = matches nothing
  std::uint64_t idle_bytes_ = 0;   // staged_bytes(), while it is idle
  std::shared_ptr<Pipeline> pipeline_;
  std::vector<StagedRegion> regions_;
  std::vector<CopiedRegion> copied_;
  std::unique_ptr<Buffer> copied_block_;
  std::vector<std::unique_ptr<Buffer>> host_blocks_, device_blocks_;
};

// One command buffer for launches that are submitted together. Kept by them until they are done; it
// goes back to its pool then.
class Batch {
 public:
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Of recordings that are whole, in this order.
  Result<void> write(std::span<const Recording* const> recordings);
  VkCommandBuffer commands() const { return commands_; }

 private:
  friend class RecordingPool;
  Batch(Device& device, CommandPool& pool) : device_(device), pool_(pool) {}
  Device& device_;
  CommandPool& pool_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
};

// Makes, keeps and finds recordings. Any thread. Bounded: at most kMaxIdle wait for
// reuse, and their staging memory is at most Device::idle_bytes().
class RecordingPool {
 public:
  explicit RecordingPool(Device& device);

  // A recording of this request, to be written where it is submitted by itself; one that is cut is
  // written as far as it can be.
  Result<std::unique_ptr<Recording>> acquire(const RecordRequest& request) {
    return acquire(request, record_key(request));
  }
  // The same with the request's key, where it is known.
  Result<std::unique_ptr<Recording>> acquire(const RecordRequest& request, const RecordKey& key);
  // Its submission is done, or never happened.
  void release(std::unique_ptr<Recording> recording) noexcept;

  // Descriptor sets for requests like this one; null where it stages anything or
  // has many descriptors.
  Result<std::shared_ptr<const BoundSets>> make_sets(const RecordRequest& request);
  // For launches that are submitted together.
  std::shared_ptr<Batch> take_batch();

  // Gives up what waits for reuse; true if that held any memory.
  bool drop_idle();

  bool copies() const { return copies_; }  // Staging::kCopy is in force
  bool has_null_descriptor() const { return null_descriptor_; }
  BlockPool& host_blocks() { return host_blocks_; }
  BlockPool& device_blocks() { return device_blocks_; }
  CommandPools& command_pools() { return command_pools_; }
  DescriptorSets& descriptor_sets() { return descriptor_sets_; }
  std::uint64_t recorded() const { return recorded_.load(); }  // for tests and logs

 private:
  static constexpr std::size_t kMaxIdle = 64;
  // Of one launch with other push constants: more are recorded anew, in turn, or forgotten where
  // many were under way at once, so that a launch that never says the same again leaves others
  // theirs.
  static constexpr std::size_t kMaxAlike = 8;
  struct Idle {
    std::unique_ptr<Recording> recording;  // null: there is none to spare
    bool is_same = false;                  // it needs no recording
  };
  void give_batch(std::unique_ptr<Batch> batch) noexcept;
  // Those that wait and say the same beside push constants: how many, and the first that was given.
  struct Alike {
    std::size_t count = 0;
    Recording* oldest = nullptr;
  };
  Alike find_alike(std::uint64_t base_hash) const;
  void forget(Recording& recording) noexcept;
  void keep_spare(std::unique_ptr<Recording> recording) noexcept;
  Idle find_idle(std::uint64_t hash, const RecordKey& key, const RecordRequest& request);
  std::unique_ptr<Recording> take_idle(Recording& recording);

  Device& device_;
  bool copies_ = false, null_descriptor_ = false;
  CommandPools command_pools_;
  DescriptorSets descriptor_sets_;
  BlockPool host_blocks_, device_blocks_;
  std::atomic<std::uint64_t> recorded_{0};
  std::mutex mutex_;
  IdleRecordings idle_;                               // at most kMaxIdle
  std::uint64_t idle_bytes_ = 0;                      // staging memory that they hold
  std::vector<std::unique_ptr<Batch>> idle_batches_;  // with room for kMaxIdle, likewise
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_RECORDING_HPP_
