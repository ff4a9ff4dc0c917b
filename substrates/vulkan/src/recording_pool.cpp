// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which recordings are kept for launches like those that they were made for.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "recording.hpp"

namespace sokr::vulkan {

RecordingPool::RecordingPool(Device& device)
    : device_(device),
      command_pools_(device),
      descriptor_sets_(device),
      host_blocks_(device, MemoryKind::kStaging),
      device_blocks_(device, MemoryKind::kDevice) {
  const Staging staging = device.options().staging;
  copies_ = staging == Staging::kCopy ||
            (staging == Staging::kAuto && !has_unified_memory(device.physical()));
  null_descriptor_ = device.features().has("nullDescriptor");
  idle_batches_.reserve(kMaxIdle);
}

IdleRecordings::~IdleRecordings() {
  while (oldest_) take(*oldest_);
}

Recording* IdleRecordings::next_alike(const Recording& recording) {
  return recording.alike_;
}

void IdleRecordings::add(std::unique_ptr<Recording> recording) noexcept {
  Recording* const added = recording.release();
  added->older_ = newest_;
  added->newer_ = nullptr;
  (newest_ ? newest_->newer_ : oldest_) = added;
  newest_ = added;
  added->alike_ = std::exchange(buckets_[added->base_hash_ % kBuckets], added);
  ++size_;
}

void IdleRecordings::add_spare(std::unique_ptr<Recording> recording) noexcept {
  Recording* const added = recording.release();
  added->older_ = nullptr;
  added->newer_ = oldest_;
  (oldest_ ? oldest_->older_ : newest_) = added;
  oldest_ = added;
  added->alike_ = std::exchange(buckets_[added->base_hash_ % kBuckets], added);
  ++size_;
}

std::unique_ptr<Recording> IdleRecordings::take(Recording& recording) noexcept {
  (recording.older_ ? recording.older_->newer_ : oldest_) = recording.newer_;
  (recording.newer_ ? recording.newer_->older_ : newest_) = recording.older_;
  Recording** at = &buckets_[recording.base_hash_ % kBuckets];
  while (*at != &recording) at = &(*at)->alike_;
  *at = recording.alike_;
  --size_;
  return std::unique_ptr<Recording>(&recording);
}

// With the mutex held.
std::unique_ptr<Recording> RecordingPool::take_idle(Recording& recording) {
  idle_bytes_ -= recording.idle_bytes_;
  return idle_.take(recording);
}

RecordingPool::Idle RecordingPool::find_idle(std::uint64_t hash, const RecordKey& key,
                                             const RecordRequest& request) {
  const std::span<const std::uint8_t> push = request.push;
  const auto matches = [&](const Recording& idle) {
    const std::vector<std::uint8_t>& known = idle.key_;
    return idle.hash_ == hash && known.size() == key.bytes.size() + push.size() &&
           std::memcmp(known.data(), key.bytes.data(), key.bytes.size()) == 0 &&
           std::equal(push.begin(), push.end(), known.data() + key.bytes.size());
  };
  std::lock_guard lock(mutex_);
  if (request.reusable) {
    for (Recording* at = idle_.alike(key.hash); at; at = IdleRecordings::next_alike(*at))
      if (matches(*at)) return {take_idle(*at), true};
    if (const Alike alike = find_alike(key.hash); alike.count >= kMaxAlike)
      return {take_idle(*alike.oldest)};
  }
  Recording* const oldest = idle_.oldest();
  const bool is_spare = oldest && (oldest->key_.empty() || idle_.size() >= kMaxIdle);
  return {is_spare ? take_idle(*oldest) : nullptr};
}

// With the mutex held.
RecordingPool::Alike RecordingPool::find_alike(std::uint64_t base_hash) const {
  Alike alike;
  for (Recording* at = idle_.alike(base_hash); at; at = IdleRecordings::next_alike(*at)) {
    if (at->base_hash_ != base_hash || at->key_.empty()) continue;
    alike.oldest = at;
    ++alike.count;
  }
  return alike;
}

Result<std::unique_ptr<Recording>> RecordingPool::acquire(const RecordRequest& request,
                                                          const RecordKey& key) {
  const std::span<const std::uint8_t> push = request.push;
  const std::uint64_t hash =
      push.empty() ? key.hash : XXH3_64bits_withSeed(push.data(), push.size(), key.hash);
  auto [recording, is_same] = find_idle(hash, key, request);
  if (is_same) {
    if (recording->recipe_.behind != request.behind) recording->used_ = recording->done_ = 0;
    recording->recipe_.behind = request.behind;
    return std::move(recording);
  }
  if (!recording) recording.reset(new Recording(device_, *this));
  recorded_.fetch_add(1, std::memory_order_relaxed);
  SOKR_TRY(recording->record(request));
  if (request.reusable) {
    recording->key_.assign(key.bytes.begin(), key.bytes.end());
    recording->key_.insert(recording->key_.end(), push.begin(), push.end());
  }
  recording->base_hash_ = key.hash;
  recording->hash_ = hash;
  return std::move(recording);
}

std::shared_ptr<Batch> RecordingPool::take_batch() {
  std::unique_ptr<Batch> batch;
  {
    std::lock_guard lock(mutex_);
    if (!idle_batches_.empty()) {
      batch = std::move(idle_batches_.back());
      idle_batches_.pop_back();
    }
  }
  if (!batch) batch.reset(new Batch(device_, command_pools_.next()));
  return {batch.release(), [this](Batch* done) { give_batch(std::unique_ptr<Batch>(done)); }};
}

void RecordingPool::give_batch(std::unique_ptr<Batch> batch) noexcept {
  if (device_.is_lost()) return;
  std::lock_guard lock(mutex_);
  if (idle_batches_.size() < kMaxIdle) idle_batches_.push_back(std::move(batch));
}

bool RecordingPool::drop_idle() {
  std::vector<std::unique_ptr<Recording>> dropped;
  dropped.reserve(kMaxIdle);
  {
    std::lock_guard lock(mutex_);
    while (idle_bytes_ != 0 && idle_.size() != 0) dropped.push_back(take_idle(*idle_.oldest()));
  }
  dropped.clear();
  const bool host = host_blocks_.drop_idle(), device = device_blocks_.drop_idle();
  return device_.slabs().drop_empty() || host || device;
}

// What is left is a command buffer, for any launch: one whose grid was cut may have had thousands.
void RecordingPool::forget(Recording& recording) noexcept {
  recording.key_.clear();
  recording.keep_one_buffer();
  recording.give_blocks();
  recording.pipeline_.reset();
  descriptor_sets_.give(recording.sets_);
  recording.sets_of_.reset();
  recording.shared_.reset();
  recording.idle_bytes_ = 0;
}

void RecordingPool::keep_spare(std::unique_ptr<Recording> recording) noexcept {
  forget(*recording);
  std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.add_spare(std::move(recording));
}

void RecordingPool::release(std::unique_ptr<Recording> recording) noexcept {
  if (!recording || device_.is_lost()) return;
  if (recording->key_.empty()) return keep_spare(std::move(recording));
  recording->idle_bytes_ = recording->staged_bytes();
  const std::uint64_t most = recording->idle_bytes_ == 0 ? UINT64_MAX : device_.idle_bytes();
  {
    std::unique_ptr<Recording> oldest, surplus;  // go after the lock
    std::unique_lock lock(mutex_);
    if (const Alike alike = find_alike(recording->base_hash_); alike.count >= kMaxAlike)
      surplus = take_idle(*alike.oldest);
    if (idle_.size() >= kMaxIdle) oldest = take_idle(*idle_.oldest());
    idle_bytes_ += recording->idle_bytes_;
    idle_.add(std::move(recording));
    const bool is_enough = idle_bytes_ <= most;
    lock.unlock();
    if (surplus) keep_spare(std::move(surplus));
    if (is_enough) return;
  }
  while (true) {
    std::unique_ptr<Recording> oldest;  // goes after the lock
    std::lock_guard lock(mutex_);
    if (idle_bytes_ <= most) return;
    oldest = take_idle(*idle_.oldest());
  }
}

}  // namespace sokr::vulkan
