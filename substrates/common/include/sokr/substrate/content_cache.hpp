// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The cache of compiled computations, keyed by content: IR bytes and an extra key
// (what else decides the result: compile_key() of the launch). The computation id
// only makes the search quick; a value is returned for exactly equal bytes and for
// nothing else, whatever the ids say.
//
//     auto kernel = cache.get(key, [&]() -> Result<std::shared_ptr<Kernel>> { return compile(...);
//     });
//
// A hit with an id of its own costs a comparison of the bytes, no hash of them, and
// locks only the calling thread's stripe. Concurrent misses of one key run one
// build; the others wait for it. Bounded by bytes: entries that were not used since
// the hand of the clock last passed go first. Values live on while somebody holds them.
#ifndef SOKR_SUBSTRATE_CONTENT_CACHE_HPP_
#define SOKR_SUBSTRATE_CONTENT_CACHE_HPP_

#include <sokr/sokr.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <sokr/base/result.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sokr::substrate {

struct ContentKey {
  SokrComputationId id{};
  std::span<const std::uint8_t> ir;
  std::span<const std::uint8_t> extra;
};

// XXH3 of everything but the id.
std::uint64_t hash_content(const ContentKey& key) noexcept;
// Of the id, the lengths and the extra key, without looking at the IR; of the IR as well
// if the id is all zeros.
std::uint64_t hash_hint(const ContentKey& key) noexcept;

struct ContentCacheOptions {
  // Of keys and values together. The newest entry stays even if it is larger.
  std::size_t max_bytes = std::size_t{256} << 20;
};

struct ContentCacheStats {
  std::uint64_t builds = 0, evictions = 0;
  std::size_t entries = 0, bytes = 0;
};

template <class Value>
class ContentCache {
 public:
  using Pointer = std::shared_ptr<Value>;
  // Bytes that a value occupies, for the bound; it must not throw.
  using Cost = std::function<std::size_t(const Value&)>;

  explicit ContentCache(ContentCacheOptions options = {}, Cost cost = {})
      : options_(options), cost_(std::move(cost)) {}
  ContentCache(const ContentCache&) = delete;
  ContentCache& operator=(const ContentCache&) = delete;

  // The value for the key: from the cache, from a build under way on another thread,
  // or from build(), which returns Result<Pointer>. SOKR_INVALID_INPUT,
  // SOKR_INVALID_IR and SOKR_CAPABILITY_DENIED are properties of the content and
  // kept as failures; other failures are not. An exception of build() passes through
  // to its caller; those that waited for it try by themselves. build() must not ask
  // this cache for the same key.
  template <class Build>
  Result<Pointer> get(const ContentKey& key, Build&& build) {
    return *get(key, std::forward<Build>(build), Elsewhere::kAwait);
  }
  // The same for who needs it later: empty at once where another thread builds it.
  template <class Build>
  std::optional<Result<Pointer>> get_unless_building(const ContentKey& key, Build&& build) {
    return get(key, std::forward<Build>(build), Elsewhere::kLeave);
  }

  // What the cache holds; empty on a miss. Never waits for a build.
  std::optional<Result<Pointer>> find(const ContentKey& key) {
    const std::uint64_t hint = hash_hint(key);
    if (auto known = find_by_hint(key, hint)) return known;
    return find_by_content(key, hint, hash_content(key));
  }

  void clear();
  ContentCacheStats stats();

 private:
  struct Entry {
    std::vector<std::uint8_t> ir, extra;
    std::uint64_t content_hash = 0;
    std::optional<Failure> failure;
    // One owner a stripe, each with a reference count of its own: threads that use
    // one value at once do not fight for one cache line.
    std::array<Pointer, kStripes> handles;
    std::size_t bytes = 0;
    std::size_t clock_index = 0;
    std::vector<std::uint64_t> hints;  // by_hint_ leads here from these
    bool live = true;                  // not evicted
    std::atomic<bool> used{true};
  };
  using EntryPointer = std::shared_ptr<Entry>;

  // Lives in building_ while its builder is inside get(), so the key may be borrowed.
  struct Building {
    ContentKey key;
    std::condition_variable ended;
    bool finished = false;
    std::optional<Result<Pointer>> result;  // empty if the build threw
  };

  static constexpr std::size_t kMaxVariants = 8;  // contents under one hint
  static constexpr std::size_t kMaxHints = 8;     // ids for one content

  static bool same(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }
  static bool matches(const Entry& entry, const ContentKey& key) {
    return same(entry.extra, key.extra) && same(entry.ir, key.ir);
  }
  static Result<Pointer> answer(Entry& entry) {
    if (!entry.used.load(std::memory_order_relaxed)) {
      entry.used.store(true, std::memory_order_relaxed);
    }
    if (entry.failure) return *entry.failure;
    return entry.handles[thread_stripe()];
  }
  static bool is_lasting(SokrResult code) {
    return code == SOKR_INVALID_INPUT || code == SOKR_INVALID_IR || code == SOKR_CAPABILITY_DENIED;
  }

  // What is done about a build under way on another thread.
  enum class Elsewhere : std::uint8_t { kAwait, kLeave };
  template <class Build>
  std::optional<Result<Pointer>> get(const ContentKey& key, Build&& build, Elsewhere elsewhere);
  std::optional<Result<Pointer>> find_by_hint(const ContentKey& key, std::uint64_t hint);
  std::optional<Result<Pointer>> find_by_content(const ContentKey& key, std::uint64_t hint,
                                                 std::uint64_t hash);
  void add(const ContentKey& key, std::uint64_t hint, std::uint64_t hash,
           const Result<Pointer>& result);
  void end_build(std::uint64_t hash, const std::shared_ptr<Building>& building,
                 std::optional<Result<Pointer>> result);
  // With mutex_ held by a writer:
  void link_hint(const EntryPointer& entry, std::uint64_t hint);
  void unlink_hint(const Entry* entry, std::uint64_t hint);
  void remove(EntryPointer entry);

  const ContentCacheOptions options_;
  const Cost cost_;

  std::mutex building_mutex_;  // taken before mutex_
  std::unordered_multimap<std::uint64_t, std::shared_ptr<Building>> building_;
  std::atomic<std::uint64_t> builds_{0};

  StripedMutex mutex_;  // guards what follows
  std::unordered_map<std::uint64_t, std::vector<EntryPointer>> by_hint_;
  std::unordered_multimap<std::uint64_t, EntryPointer> by_content_;
  std::vector<EntryPointer> clock_;
  std::size_t hand_ = 0, bytes_ = 0;
  std::uint64_t evictions_ = 0;
};

template <class Value>
std::optional<Result<std::shared_ptr<Value>>> ContentCache<Value>::find_by_hint(
    const ContentKey& key, std::uint64_t hint) {
  std::shared_lock lock(mutex_);
  const auto at = by_hint_.find(hint);
  if (at == by_hint_.end()) return std::nullopt;
  for (const EntryPointer& entry : at->second) {
    if (matches(*entry, key)) return answer(*entry);
  }
  return std::nullopt;
}

template <class Value>
std::optional<Result<std::shared_ptr<Value>>> ContentCache<Value>::find_by_content(
    const ContentKey& key, std::uint64_t hint, std::uint64_t hash) {
  EntryPointer entry;
  {
    std::shared_lock lock(mutex_);
    const auto [first, last] = by_content_.equal_range(hash);
    for (auto at = first; at != last && !entry; ++at) {
      if (matches(*at->second, key)) entry = at->second;
    }
  }
  if (!entry) return std::nullopt;
  // Known content under a new id: from now on found without hashing the IR.
  std::unique_lock lock(mutex_);
  if (entry->live) link_hint(entry, hint);
  return answer(*entry);
}

template <class Value>
template <class Build>
std::optional<Result<std::shared_ptr<Value>>> ContentCache<Value>::get(const ContentKey& key,
                                                                       Build&& build,
                                                                       Elsewhere elsewhere) {
  const std::uint64_t hint = hash_hint(key);
  if (auto known = find_by_hint(key, hint)) return known;
  const std::uint64_t hash = hash_content(key);
  std::shared_ptr<Building> mine;
  while (!mine) {
    std::unique_lock lock(building_mutex_);
    if (auto known = find_by_content(key, hint, hash)) return known;
    std::shared_ptr<Building> other;
    const auto [first, last] = building_.equal_range(hash);
    for (auto at = first; at != last && !other; ++at) {
      const ContentKey& theirs = at->second->key;
      if (same(theirs.extra, key.extra) && same(theirs.ir, key.ir)) other = at->second;
    }
    if (other && elsewhere == Elsewhere::kLeave) return std::nullopt;
    if (other) {
      other->ended.wait(lock, [&] { return other->finished; });
      if (other->result) return *other->result;
    } else {
      mine = std::make_shared<Building>();
      mine->key = key;
      building_.emplace(hash, mine);
    }
  }
  builds_.fetch_add(1, std::memory_order_relaxed);
  try {
    Result<Pointer> result = std::forward<Build>(build)();
    if (result || is_lasting(result.code())) add(key, hint, hash, result);
    end_build(hash, mine, result);
    return result;
  } catch (...) {
    end_build(hash, mine, std::nullopt);
    throw;
  }
}

template <class Value>
void ContentCache<Value>::end_build(std::uint64_t hash, const std::shared_ptr<Building>& building,
                                    std::optional<Result<Pointer>> result) {
  std::lock_guard lock(building_mutex_);
  if (building->finished) return;
  building->finished = true;
  building->result = std::move(result);
  const auto [first, last] = building_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (at->second != building) continue;
    building_.erase(at);
    break;
  }
  building->ended.notify_all();
}

template <class Value>
void ContentCache<Value>::add(const ContentKey& key, std::uint64_t hint, std::uint64_t hash,
                              const Result<Pointer>& result) {
  auto entry = std::make_shared<Entry>();
  entry->ir.assign(key.ir.begin(), key.ir.end());
  entry->extra.assign(key.extra.begin(), key.extra.end());
  entry->content_hash = hash;
  entry->bytes = sizeof(Entry) + key.ir.size() + key.extra.size();
  if (!result) {
    entry->failure = result.failure();
    entry->bytes += result.failure().sentence.size();
  } else if (const Pointer& value = *result; value) {
    if (cost_) entry->bytes += cost_(*value);
    for (Pointer& handle : entry->handles) handle = Pointer(value.get(), [value](Value*) {});
  }

  std::vector<EntryPointer> removed;  // destroyed after the lock is released
  std::unique_lock lock(mutex_);
  if (clock_.size() == clock_.capacity()) clock_.reserve(2 * clock_.size() + 8);
  by_content_.emplace(hash, entry);
  entry->clock_index = clock_.size();
  clock_.push_back(entry);
  bytes_ += entry->bytes;
  link_hint(entry, hint);
  while (bytes_ > options_.max_bytes && clock_.size() > 1) {
    if (hand_ >= clock_.size()) hand_ = 0;
    EntryPointer candidate = clock_[hand_];
    if (candidate == entry || candidate->used.exchange(false, std::memory_order_relaxed)) {
      ++hand_;
      continue;
    }
    removed.push_back(candidate);
    remove(std::move(candidate));
    ++evictions_;
  }
  lock.unlock();
}

template <class Value>
void ContentCache<Value>::link_hint(const EntryPointer& entry, std::uint64_t hint) {
  std::vector<EntryPointer>& variants = by_hint_[hint];
  if (std::find(variants.begin(), variants.end(), entry) != variants.end()) return;
  variants.reserve(variants.size() + 1);
  entry->hints.reserve(entry->hints.size() + 1);
  if (entry->hints.size() >= kMaxHints) unlink_hint(entry.get(), entry->hints.front());
  // Unlinking may have erased another hint's list, never this one: it holds no `entry`.
  if (variants.size() >= kMaxVariants) unlink_hint(variants.front().get(), hint);
  by_hint_[hint].push_back(entry);
  entry->hints.push_back(hint);
}

template <class Value>
void ContentCache<Value>::unlink_hint(const Entry* entry, std::uint64_t hint) {
  const auto at = by_hint_.find(hint);
  if (at == by_hint_.end()) return;
  std::vector<EntryPointer>& variants = at->second;
  const auto found = std::find_if(variants.begin(), variants.end(),
                                  [entry](const EntryPointer& e) { return e.get() == entry; });
  if (found == variants.end()) return;
  std::erase((*found)->hints, hint);
  variants.erase(found);
  if (variants.empty()) by_hint_.erase(at);
}

template <class Value>
void ContentCache<Value>::remove(EntryPointer entry) {
  while (!entry->hints.empty()) unlink_hint(entry.get(), entry->hints.back());
  const auto [first, last] = by_content_.equal_range(entry->content_hash);
  for (auto at = first; at != last; ++at) {
    if (at->second != entry) continue;
    by_content_.erase(at);
    break;
  }
  clock_.back()->clock_index = entry->clock_index;
  std::swap(clock_[entry->clock_index], clock_.back());
  clock_.pop_back();
  bytes_ -= entry->bytes;
  entry->live = false;
}

template <class Value>
void ContentCache<Value>::clear() {
  std::vector<EntryPointer> removed;
  std::unique_lock lock(mutex_);
  for (const EntryPointer& entry : clock_) entry->live = false;
  removed.swap(clock_);
  by_hint_.clear();
  by_content_.clear();
  bytes_ = 0;
  lock.unlock();
}

template <class Value>
ContentCacheStats ContentCache<Value>::stats() {
  std::shared_lock lock(mutex_);
  return {builds_.load(std::memory_order_relaxed), evictions_, clock_.size(), bytes_};
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_CONTENT_CACHE_HPP_
