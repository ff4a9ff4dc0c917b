// SPDX-License-Identifier: MIT OR Apache-2.0
#include "transfers.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kMega = 1 << 20;
// Bytes that are copied at once; the host fills or empties one block while the device is at
// another.
constexpr std::uint64_t kChunk = 16 * kMega;
// What is collected before it is submitted without being asked for, and what may be under way.
constexpr std::size_t kMostCollected = 1024, kMostSubmitted = 16 * kMostCollected;
constexpr std::uint64_t kMostBytes = kChunk, kMostUnderWay = 64 * kMega;
// What is small has a block's room more: it does not wait for what is large.
constexpr std::uint64_t kMostSmall = kMostUnderWay + kChunk;
constexpr std::uint64_t kSmallBlock = 64 << 10;
// From so many bytes on, a copy takes longer than the submission and the wait of one queue for the
// other that it costs to have it done beside the kernels.
constexpr std::uint64_t kLarge = kMega;

constexpr VkPipelineStageFlags kWork =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kAnyUse = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                  VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                                  VK_ACCESS_TRANSFER_WRITE_BIT |
                                  VK_ACCESS_INDIRECT_COMMAND_READ_BIT;

constexpr VkAccessFlags kCopies = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;

// Both in memory of the device, or both in that of the host: a copy between them does not cross the
// bus, and the queue that computes has the wider way.
bool is_like(const Buffer& a, const Buffer& b) {
  return (a.mapped() == nullptr) == (b.mapped() == nullptr) && a.is_cached() == b.is_cached();
}

}  // namespace

Transfers::Transfers(Device& device, BlockPool& staging, const MakeRoom& make_room)
    : device_(device),
      staging_(staging),
      make_room_(make_room),
      alignment_(
          std::max<std::uint64_t>(256, device.physical().properties.limits.nonCoherentAtomSize)) {
  beside_.queue = device.transfer_queue();
}

Transfers::~Transfers() {
  for (const Lane* lane : {&here_, &beside_})
    if (lane->pool) device_.vk().vkDestroyCommandPool(device_.handle(), lane->pool, nullptr);
}

bool Transfers::is_beside(const Buffer& buffer, std::uint64_t size) const {
  return beside_.queue && size >= kLarge && buffer.address() == 0;
}

// ---- What is collected --------------------------------------------------------------------

// What cannot be submitted is not collected either: who hears of a failure may not find it done
// later.
Result<void> Transfers::add(Operation operation) {
  operations_.push_back(std::move(operation));
  pending_.store(true, std::memory_order_release);
  if (operations_.size() < kMostCollected && bytes_ < kMostBytes) return {};
  Result<void> flushed = flush_locked();
  if (!flushed) take_back();
  return flushed;
}

// The last one, of which somebody hears that it failed.
void Transfers::take_back() noexcept {
  operations_.pop_back();
  if (operations_.empty()) nothing_collected();
}

// Nothing is left to be submitted, and nobody needs its bytes.
void Transfers::nothing_collected() noexcept {
  for (auto& block : blocks_) staging_.give(std::move(block));
  blocks_.clear();
  bytes_ = room_ = 0;
  pending_.store(false, std::memory_order_release);
}

Result<void> Transfers::fill(const BufferPointer& to) {
  if (device_.is_lost()) return device_.loss();
  std::lock_guard lock(mutex_);
  return add({to, nullptr, VK_NULL_HANDLE, 0, 0, VK_WHOLE_SIZE});
}

Result<void> Transfers::copy(const Range& from, const Range& to, std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::unique_lock lock(mutex_);
  return copy_locked(lock, from, to, size);
}

Result<void> Transfers::copy_locked(std::unique_lock<std::mutex>& lock, const Range& from,
                                    const Range& to, std::uint64_t size) {
  SOKR_TRY(await_room(lock, 0, kMostSmall));
  return add({to.buffer, from.buffer, from.buffer->handle(), from.offset, to.offset, size});
}

Result<void> Transfers::copy_now(const Range& from, const Range& to, std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::unique_lock lock(mutex_);
  if (!is_beside(*from.buffer, size) || !is_beside(*to.buffer, size) ||
      is_like(*from.buffer, *to.buffer)) {
    SOKR_TRY(copy_locked(lock, from, to, size));
    return finish_locked(lock);  // which takes it back where it cannot be submitted
  }
  SOKR_TRY(submit_beside(
      {to.buffer, from.buffer, from.buffer->handle(), from.offset, to.offset, size}, nullptr));
  const std::uint64_t value = beside_.submitted.back().value;
  lock.unlock();
  SOKR_TRY(beside_.queue->wait(value));
  release_until(device_.seen());
  return {};
}

// A block for bytes of the host. What is collected or under way is waited for where there is no
// room.
Result<std::unique_ptr<Buffer>> Transfers::take_block(std::unique_lock<std::mutex>& lock,
                                                      std::uint64_t size, std::uint64_t least) {
  if (!beside_.submitted.empty()) SOKR_TRY(beside_.queue->reached());
  const std::uint64_t whole = block_size(std::max(size, least));
  SOKR_TRY(await_room(lock, whole, size < kLarge ? kMostSmall : kMostUnderWay));
  auto block = staging_.take(whole);
  const auto is_any = [&] {
    return !operations_.empty() || !here_.submitted.empty() || !beside_.submitted.empty();
  };
  while (!block && !device_.is_lost() && is_any()) {
    SOKR_TRY(flush_locked());
    SOKR_ASSIGN(const bool ended, end_oldest(lock, device_.patience_ns()));
    if (!ended) return block;
    block = staging_.take(size);
  }
  if (block) return block;
  lock.unlock();
  block = with_room(make_room_, [&] { return staging_.take(size); });
  lock.lock();
  return block;
}

// Bytes for the host in a block: its offset in the last one.
Result<std::uint64_t> Transfers::place(std::unique_lock<std::mutex>& lock, std::uint64_t size) {
  const auto has_room = [&] { return !blocks_.empty() && room_ + size <= blocks_.back()->size(); };
  if (!has_room()) {
    SOKR_ASSIGN(auto block, take_block(lock, size, kSmallBlock));
    bytes_ += block->size();
    blocks_.push_back(std::move(block));
    room_ = 0;
  }
  const std::uint64_t at = room_;
  room_ += (size + alignment_ - 1) / alignment_ * alignment_;
  return at;
}

Result<void> Transfers::write(const BufferPointer& to, std::uint64_t offset, const void* from,
                              std::uint64_t size) {
  const bool beside = is_beside(*to, size);
  for (std::uint64_t done = 0; done < size; done += kChunk) {
    const std::uint64_t part = std::min(size - done, kChunk);
    const auto* bytes = static_cast<const std::byte*>(from) + done;
    SOKR_TRY(beside ? write_part_beside(to, offset + done, bytes, part)
                    : write_part(to, offset + done, bytes, part));
  }
  return {};
}

// A block with bytes that are many, which are copied without the lock.
Result<std::unique_ptr<Buffer>> Transfers::fill_block(std::unique_lock<std::mutex>& lock,
                                                      const void* from, std::uint64_t size) {
  SOKR_ASSIGN(auto block, take_block(lock, size, size));
  lock.unlock();
  std::memcpy(block->mapped(), from, size);
  Result<void> flushed = block->flush(0, size);
  lock.lock();
  if (!flushed) return std::move(flushed).failure();
  return block;
}

Result<void> Transfers::write_part(const BufferPointer& to, std::uint64_t offset, const void* from,
                                   std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::unique_lock lock(mutex_);
  if (size >= kLarge) {
    SOKR_ASSIGN(auto block, fill_block(lock, from, size));
    const VkBuffer bytes = block->handle();
    // The last one's room is still there.
    if (blocks_.empty()) room_ = block->size();
    bytes_ += block->size();
    blocks_.insert(blocks_.begin(), std::move(block));
    Result<void> added = add({to, nullptr, bytes, 0, offset, size});
    // Nobody comes between: the lock is held. If nothing else was collected it is given already.
    if (!added && !blocks_.empty()) {
      bytes_ -= blocks_.front()->size();
      staging_.give(std::move(blocks_.front()));
      blocks_.erase(blocks_.begin());
    }
    return added;
  }
  SOKR_ASSIGN(const std::uint64_t at, place(lock, size));
  Buffer& block = *blocks_.back();
  std::memcpy(block.mapped() + at, from, size);
  SOKR_TRY(block.flush(at, size));
  Result<void> added = add({to, nullptr, block.handle(), at, offset, size});
  if (!added && !blocks_.empty()) room_ = at;
  return added;
}

// ---- What is submitted --------------------------------------------------------------------

void Transfers::record_one(VkCommandBuffer commands, const Operation& operation) {
  const VkBuffer to = operation.to->handle();
  if (!operation.from) return device_.vk().vkCmdFillBuffer(commands, to, 0, VK_WHOLE_SIZE, 0);
  const VkBufferCopy where{operation.from_offset, operation.to_offset, operation.size};
  device_.vk().vkCmdCopyBuffer(commands, operation.from, to, 1, &where);
}

// Of a buffer that is touched twice, the second waits for the first.
void Transfers::record(VkCommandBuffer commands, std::span<const Operation> operations) {
  const VolkDeviceTable& vk = device_.vk();
  barrier(vk, commands, kWork, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
          VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
  std::unordered_set<VkBuffer> touched;
  for (const Operation& operation : operations) {
    const VkBuffer to = operation.to->handle();
    const bool again =
        touched.contains(to) || (operation.source && touched.contains(operation.from));
    if (again) {
      barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
              VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
      touched.clear();
    }
    touched.insert(to);
    if (operation.source) touched.insert(operation.from);
    record_one(commands, operation);
  }
  barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
          kWork | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_HOST_BIT,
          kAnyUse | VK_ACCESS_HOST_READ_BIT);
}

// Few, each behind the one before. What is on the other queue waits for the semaphore, which
// shows it all that was written.
void Transfers::record_beside(VkCommandBuffer commands, std::span<const Operation> operations) {
  const VolkDeviceTable& vk = device_.vk();
  for (const Operation& operation : operations) {
    barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
    record_one(commands, operation);
  }
  barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
          VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

Result<VkCommandBuffer> Transfers::take_commands(Lane& lane) {
  const VolkDeviceTable& vk = device_.vk();
  if (!lane.idle.empty()) {
    const VkCommandBuffer commands = lane.idle.back();
    lane.idle.pop_back();
    return commands;
  }
  if (!lane.pool) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.flags =
        VK_COMMAND_POOL_CREATE_TRANSIENT_BIT | VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = lane.queue ? lane.queue->family() : device_.physical().queue_family;
    const VkResult result = vk.vkCreateCommandPool(device_.handle(), &pool, nullptr, &lane.pool);
    if (result != VK_SUCCESS) lane.pool = VK_NULL_HANDLE;
    SOKR_TRY(device_.check(result, "vkCreateCommandPool"));
  }
  lane.idle.reserve(lane.submitted.size() + 8);
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = lane.pool;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer made = VK_NULL_HANDLE;
  SOKR_TRY(device_.check(vk.vkAllocateCommandBuffers(device_.handle(), &info, &made),
                         "vkAllocateCommandBuffers"));
  return made;
}

void Transfers::give_commands(Lane& lane, VkCommandBuffer commands) noexcept {
  if (!commands) return;
  try {
    lane.idle.push_back(commands);
  } catch (const std::bad_alloc&) {  // it goes with its pool
  }
}

// `after` is of the timeline of the queue that computes.
Result<std::uint64_t> Transfers::submit(Lane& lane, VkCommandBuffer commands, std::uint64_t after,
                                        const std::function<void(VkCommandBuffer)>& record) {
  const VolkDeviceTable& vk = device_.vk();
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  SOKR_TRY(device_.check(vk.vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer"));
  record(commands);
  if (Result<void> ended = device_.check(vk.vkEndCommandBuffer(commands), "vkEndCommandBuffer");
      !ended) {
    (void)vk.vkResetCommandBuffer(commands, 0);  // for the next time
    return std::move(ended).failure();
  }
  return lane.queue ? device_.submit_copy(commands, after) : device_.submit(commands, after);
}

Result<void> Transfers::prepare_for(std::span<const BufferPointer> buffers) {
  if (beside_.queue) {
    std::uint64_t last = 0;
    for (const BufferPointer& buffer : buffers) last = std::max(last, buffer->last_copy());
    if (last != 0) device_.come_after_copy(last);
  }
  if (!pending_.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  return flush_locked();
}

Result<void> Transfers::flush_locked() {
  if (operations_.empty()) return {};
  here_.submitted.emplace_back();
  Result<VkCommandBuffer> commands = take_commands(here_);
  if (!commands) {
    here_.submitted.pop_back();
    return std::move(commands).failure();
  }
  if (beside_.queue) {
    std::uint64_t last = 0;
    for (const Operation& operation : operations_) {
      last = std::max(last, operation.to->last_copy());
      if (operation.source) last = std::max(last, operation.source->last_copy());
    }
    if (last != 0) device_.come_after_copy(last);
  }
  Result<std::uint64_t> value =
      submit(here_, *commands, 0, [&](VkCommandBuffer to) { record(to, operations_); });
  if (!value) {
    here_.submitted.pop_back();
    give_commands(here_, *commands);
    return std::move(value).failure();
  }
  for (const Operation& operation : operations_) {
    operation.to->note_use(*value);
    if (operation.source) operation.source->note_use(*value);
  }
  Submitted& last = here_.submitted.back();
  last.value = *value;
  last.bytes = bytes_;
  last.commands = *commands;
  last.operations = std::exchange(operations_, {});
  submitted_operations_ += last.operations.size();
  last.blocks = std::exchange(blocks_, {});
  submitted_bytes_ += std::exchange(bytes_, 0);
  under_way_.store(true, std::memory_order_release);
  pending_.store(false, std::memory_order_release);
  return {};
}

Result<void> Transfers::finish_locked(std::unique_lock<std::mutex>& lock) {
  if (Result<void> flushed = flush_locked(); !flushed) {
    take_back();
    return flushed;
  }
  const std::uint64_t value = here_.submitted.empty() ? 0 : here_.submitted.back().value;
  lock.unlock();
  if (value == 0) return {};
  SOKR_TRY(device_.wait(value, UINT64_MAX));
  release_until(value);
  return {};
}

void Transfers::retire(Lane& lane, Submitted& done) noexcept {
  submitted_bytes_ -= done.bytes;
  submitted_operations_ -= done.operations.size();
  for (auto& block : done.blocks) staging_.give(std::move(block));
  give_commands(lane, done.commands);
}

void Transfers::drop(Lane& lane, std::uint64_t value) noexcept {
  while (!lane.submitted.empty() && lane.submitted.front().value <= value) {
    retire(lane, lane.submitted.front());
    lane.submitted.pop_front();
  }
}

void Transfers::drop_until(std::uint64_t value) noexcept {
  drop(here_, value);
  if (beside_.queue) drop(beside_, beside_.queue->seen());
  if (here_.submitted.empty() && beside_.submitted.empty())
    under_way_.store(false, std::memory_order_release);
}

// Of the copies first: they may wait for one kernel, the others for all. Without the lock
// meanwhile: dispatches take it.
Result<bool> Transfers::end_oldest(std::unique_lock<std::mutex>& lock, std::uint64_t timeout_ns) {
  const Lane& lane = beside_.submitted.empty() ? here_ : beside_;
  if (lane.submitted.empty()) return true;
  const std::uint64_t value = lane.submitted.front().value;
  lock.unlock();
  const Result<bool> ended =
      lane.queue ? lane.queue->wait(value, timeout_ns) : device_.wait(value, timeout_ns);
  lock.lock();
  if (ended) drop_until(device_.seen());
  return ended;
}

// Blocks are taken again when the device is done with them. At most so many bytes of them are under
// way, and so many operations, whose bytes may be few. Before anybody waits for what may take long,
// both queues are asked: what nobody saw end makes room.
Result<void> Transfers::await_room(std::unique_lock<std::mutex>& lock, std::uint64_t bytes,
                                   std::uint64_t most) {
  const auto is_full = [&] {
    return submitted_bytes_ + bytes > most || submitted_operations_ >= kMostSubmitted;
  };
  drop_until(device_.seen());
  while (is_full()) {
    if (!beside_.submitted.empty()) SOKR_TRY(beside_.queue->reached());
    if (!here_.submitted.empty()) SOKR_TRY(device_.reached());
    drop_until(device_.seen());
    if (is_full()) SOKR_TRY(end_oldest(lock, UINT64_MAX));
  }
  return {};
}

void Transfers::forget(const BufferPointer& buffer) noexcept {
  if (!pending_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  const auto reads = [&](const Operation& operation) { return operation.source == buffer; };
  if (std::ranges::any_of(operations_, reads)) return;
  std::erase_if(operations_, [&](const Operation& operation) { return operation.to == buffer; });
  if (operations_.empty()) nothing_collected();
}

// Nobody hears of a copy that it is done. What comes after it may have ended since it was asked
// last; then it is asked once.
void Transfers::release_until(std::uint64_t value) noexcept {
  if (!under_way_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  if (!beside_.submitted.empty() && value >= ask_from_) {
    ask_from_ = device_.last_submitted() + 1;
    (void)beside_.queue->reached();
  }
  drop_until(value);
}

bool Transfers::await_copies(std::uint64_t timeout_ns) noexcept {
  if (!under_way_.load(std::memory_order_acquire)) return false;
  std::uint64_t value = 0;
  {
    std::lock_guard lock(mutex_);
    if (beside_.submitted.empty()) return false;
    value = beside_.submitted.back().value;
  }
  if (const Result<bool> ended = beside_.queue->wait(value, timeout_ns); !ended || !*ended)
    return false;
  std::lock_guard lock(mutex_);
  drop_until(device_.seen());
  return true;
}

// ---- Beside the kernels -------------------------------------------------------------------

// Before a copy beside: what is collected for the buffer is submitted, but for the zeros of a new
// one. Those are taken out: behind kernels they would have the copy wait for all of them.
Result<std::vector<Transfers::Operation>> Transfers::take_zeros(const Buffer& buffer) {
  std::vector<Operation> zeros;
  if (!pending_.load(std::memory_order_acquire)) return zeros;
  const auto touches = [&](const Operation& operation) {
    return operation.to.get() == &buffer || operation.source.get() == &buffer;
  };
  const auto count = std::ranges::count_if(operations_, touches);
  if (count == 0) return zeros;
  const auto first = std::ranges::find_if(operations_, touches);
  if (count > 1 || first->from) {
    SOKR_TRY(flush_locked());
    return zeros;
  }
  zeros.push_back(std::move(*first));
  operations_.erase(first);
  if (operations_.empty()) pending_.store(false, std::memory_order_release);
  return zeros;
}

// Back to those that are collected, after a failure.
void Transfers::give_zeros(std::vector<Operation> zeros) {
  for (Operation& one : zeros) operations_.push_back(std::move(one));
  if (!operations_.empty()) pending_.store(true, std::memory_order_release);
}

Result<void> Transfers::submit_beside(Operation operation, std::unique_ptr<Buffer> block) {
  const Buffer& to = *operation.to;
  SOKR_ASSIGN(std::vector<Operation> operations, take_zeros(to));
  std::size_t zeros = operations.size();
  if (operation.source) {
    Result<std::vector<Operation>> more = take_zeros(*operation.source);
    if (!more) {
      give_zeros(std::move(operations));
      return std::move(more).failure();
    }
    zeros += more->size();
    std::ranges::move(*more, std::back_inserter(operations));
  }
  std::uint64_t after = to.last_use();
  if (operation.source) after = std::max(after, operation.source->last_use());
  const std::uint64_t bytes = block ? block->size() : 0;
  operations.push_back(std::move(operation));
  beside_.submitted.emplace_back();
  beside_.submitted.back().blocks.reserve(1);
  const auto give_up = [&](Failure failure) -> Result<void> {
    if (device_.is_lost()) device_.drain();  // it may have begun with it
    beside_.submitted.pop_back();
    operations.resize(zeros);
    give_zeros(std::move(operations));
    staging_.give(std::move(block));
    return failure;
  };
  Result<VkCommandBuffer> commands = take_commands(beside_);
  if (!commands) return give_up(std::move(commands).failure());
  // A copy of all of a new buffer needs no zeros before it.
  const Operation& copy = operations.back();
  const bool covers = zeros == 1 && copy.to_offset == 0 && copy.size >= to.size() &&
                      operations.front().to == copy.to;
  const auto recorded = std::span<const Operation>(operations).subspan(covers ? 1 : 0);
  Result<std::uint64_t> value = submit(
      beside_, *commands, after, [&](VkCommandBuffer into) { record_beside(into, recorded); });
  if (!value) {
    give_commands(beside_, *commands);
    return give_up(std::move(value).failure());
  }
  for (const Operation& one : operations) {
    one.to->note_copy(*value);
    if (one.source) one.source->note_copy(*value);
  }
  Submitted& last = beside_.submitted.back();
  last.value = *value;
  last.bytes = bytes;
  last.commands = *commands;
  last.operations = std::move(operations);
  submitted_operations_ += last.operations.size();
  if (block) last.blocks.push_back(std::move(block));
  submitted_bytes_ += bytes;
  ask_from_ = std::max(ask_from_, device_.last_submitted() + 1);
  under_way_.store(true, std::memory_order_release);
  return {};
}

Result<void> Transfers::write_part_beside(const BufferPointer& to, std::uint64_t offset,
                                          const void* from, std::uint64_t size) {
  if (device_.is_lost()) return device_.loss();
  std::unique_lock lock(mutex_);
  SOKR_ASSIGN(std::unique_ptr<Buffer> block, fill_block(lock, from, size));
  const VkBuffer bytes = block->handle();
  return submit_beside({to, nullptr, bytes, 0, offset, size}, std::move(block));
}

// ---- Reads --------------------------------------------------------------------------------

Result<void> Transfers::start(Lane& lane, Buffer& from, std::uint64_t offset, Chunk& chunk) {
  if (!chunk.block) {
    SOKR_ASSIGN(chunk.block, staging_.take(chunk.size));
  }
  std::lock_guard lock(mutex_);
  if (!chunk.commands) {
    SOKR_ASSIGN(chunk.commands, take_commands(lane));
  }
  std::vector<Operation> zeros;
  std::uint64_t after = 0;
  if (lane.queue) {
    SOKR_ASSIGN(zeros, take_zeros(from));
    after = from.last_use();
  } else if (from.last_copy() != 0) {
    device_.come_after_copy(from.last_copy());
  }
  const auto record = [&](VkCommandBuffer commands) {
    const VolkDeviceTable& vk = device_.vk();
    if (lane.queue) record_beside(commands, zeros);
    if (lane.queue)
      barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
              VK_PIPELINE_STAGE_TRANSFER_BIT, kCopies);
    const VkBufferCopy where{offset + chunk.offset, 0, chunk.size};
    vk.vkCmdCopyBuffer(commands, from.handle(), chunk.block->handle(), 1, &where);
    barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  };
  Result<std::uint64_t> value = submit(lane, chunk.commands, after, record);
  if (!value) {
    give_zeros(std::move(zeros));
    return std::move(value).failure();
  }
  chunk.value = *value;
  lane.queue ? from.note_copy(*value) : from.note_use(*value);
  return {};
}

Result<void> Transfers::end(Lane& lane, Chunk& chunk, void* to) {
  if (lane.queue) {
    SOKR_TRY(lane.queue->wait(chunk.value));
  } else {
    SOKR_TRY(device_.wait(chunk.value, UINT64_MAX));
  }
  SOKR_TRY(chunk.block->invalidate(0, chunk.size));
  std::memcpy(static_cast<std::byte*>(to) + chunk.offset, chunk.block->mapped(), chunk.size);
  return {};
}

Result<void> Transfers::read(Buffer& from, std::uint64_t offset, void* to, std::uint64_t size) {
  Lane& lane = is_beside(from, size) ? beside_ : here_;
  if (!lane.queue) SOKR_TRY(prepare_for({}));
  Chunk now, next;
  const auto begin = [&](Chunk& chunk, std::uint64_t at) -> Result<void> {
    chunk.value = 0;
    if (at >= size) return {};
    chunk.offset = at;
    chunk.size = std::min(size - at, kChunk);
    return start(lane, from, offset, chunk);
  };
  Result<void> result = with_room(make_room_, [&]() -> Result<void> {
    SOKR_ASSIGN(now.block, staging_.take(std::min(size, kChunk)));
    return {};
  });
  if (result) result = begin(now, 0);
  for (std::uint64_t at = 0; at < size && result; at += kChunk) {
    result = begin(next, at + kChunk);
    // Where there is no second block they take turns in the first.
    const bool in_turn = !result && !next.block;
    if (in_turn) result = {};
    if (Result<void> ended = end(lane, now, to); !ended && result) result = std::move(ended);
    if (!in_turn)
      std::swap(now, next);
    else if (result)
      result = begin(now, at + kChunk);
  }
  // What is still under way has to end before its block goes.
  if (!result && (now.value != 0 || next.value != 0)) device_.drain();
  std::lock_guard lock(mutex_);
  for (Chunk* chunk : {&now, &next}) {
    give_commands(lane, chunk->commands);
    staging_.give(std::move(chunk->block));
  }
  return result;
}

}  // namespace sokr::vulkan
