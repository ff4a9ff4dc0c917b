// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sokr::substrate {
namespace {

constexpr CompletionAnswer kUnknown{SOKR_NOT_FOUND, SOKR_COMPLETION_FAILED};
constexpr CompletionAnswer kPending{SOKR_OK, SOKR_COMPLETION_PENDING};
constexpr CompletionAnswer kComplete{SOKR_OK, SOKR_COMPLETION_COMPLETE};
constexpr CompletionAnswer kFailed{SOKR_OK, SOKR_COMPLETION_FAILED};
constexpr CompletionAnswer kTimedOut{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT};

constexpr std::string_view kWaitedFor = "the launch that it waited for failed: ";

// Sequence numbers in disjoint, ascending, closed ranges. Neighbours merge, so a
// device that fails everything takes one range.
class RangeSet {
 public:
  bool contains(std::uint64_t value) const {
    const auto at = after(value);
    return at != ranges_.begin() && std::prev(at)->last >= value;
  }
  void insert(std::uint64_t value) {
    const auto at = ranges_.begin() + (after(value) - ranges_.cbegin());
    const bool joins_left = at != ranges_.begin() && std::prev(at)->last + 1 == value;
    const bool joins_right = at != ranges_.end() && at->first == value + 1;
    if (joins_left && joins_right) {
      std::prev(at)->last = at->last;
      ranges_.erase(at);
    } else if (joins_left) {
      std::prev(at)->last = value;
    } else if (joins_right) {
      at->first = value;
    } else {
      ranges_.insert(at, Range{value, value});
    }
  }

 private:
  struct Range {
    std::uint64_t first, last;
  };
  std::vector<Range>::const_iterator after(std::uint64_t value) const {
    return std::upper_bound(ranges_.begin(), ranges_.end(), value,
                            [](std::uint64_t v, const Range& r) { return v < r.first; });
  }
  std::vector<Range> ranges_;
};

// The latest `capacity` values, by token.
template <class T>
class Latest {
 public:
  explicit Latest(std::size_t capacity) : capacity_(capacity) {}
  void put(std::uint64_t token, T value) {
    if (capacity_ == 0) return;
    if (values_.size() >= capacity_) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(token);
    try {
      if (!values_.emplace(token, std::move(value)).second) order_.pop_back();
    } catch (...) {
      order_.pop_back();
      throw;
    }
  }
  const T* get(std::uint64_t token) const {
    const auto at = values_.find(token);
    return at == values_.end() ? nullptr : &at->second;
  }

 private:
  std::size_t capacity_;
  std::unordered_map<std::uint64_t, T> values_;
  std::deque<std::uint64_t> order_;
};

}  // namespace

// Tokens that are under way, 2 * (sequence * kShards + shard), and one more than such a number for
// those that were complete when issued, which have sequences of their own.
struct alignas(kCacheLine) InFlightTable::Shard {
  struct Work {
    std::condition_variable ended;
    std::uint32_t waiters = 0;
    // Set when it failed but no memory was left to remember that elsewhere: the
    // entry then stays for ever.
    bool failed_here = false;
    std::vector<Callback> callbacks;
  };
  using Map = std::unordered_map<std::uint64_t, std::shared_ptr<Work>>;

  std::mutex mutex;
  // Sequence numbers; 0 is left out so that no token is 0.
  std::uint64_t first = 1, next = 1;
  Map under_way;
  RangeSet failed;
  std::vector<Map::node_type> spare;  // reused, so that a steady state allocates nothing
  alignas(kCacheLine) std::atomic<std::uint64_t> next_complete{1};

  static std::uint64_t sequence(std::uint64_t token) { return token / 2 / kShards; }

  CompletionAnswer state(std::uint64_t token) const {
    if (sequence(token) >= next || sequence(token) < first) return kUnknown;
    if (const auto at = under_way.find(token); at != under_way.end()) {
      return at->second->failed_here ? kFailed : kPending;
    }
    return failed.contains(sequence(token)) ? kFailed : kComplete;
  }
};

struct InFlightTable::History {
  explicit History(const InFlightOptions& options)
      : errors(options.kept_errors), timings(options.kept_timings) {}
  std::mutex mutex;
  Latest<std::string> errors;
  Latest<std::uint64_t> timings;

  std::mutex idle_mutex;
  std::condition_variable idle;
};

Failure no_room(const InFlightLimit& limit) {
  return sokr::fail(SOKR_DISPATCH_FAILED,
                    "{} launches are under way, as many as may be at once, and none of them ended "
                    "within {} ms; wait for some before dispatching more",
                    limit.most, limit.patience.count());
}

namespace {

// The highest token that destroyed tables may have given out: a multiple of what a sequence number
// stands for, so that all higher ones are of no such table.
std::atomic<std::uint64_t> given_out{0};

}  // namespace

InFlightTable::InFlightTable(const InFlightOptions& options)
    : before_(given_out.load(std::memory_order_acquire)),
      shards_(std::make_unique<Shard[]>(kShards)),
      history_(std::make_unique<History>(options)) {
  for (std::size_t i = 0; i < kShards; ++i)
    shards_[i].first = shards_[i].next = shards_[i].next_complete = Shard::sequence(before_) + 1;
}

InFlightTable::~InFlightTable() {
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i < kShards; ++i)
    sequence = std::max({sequence, shards_[i].next, shards_[i].next_complete.load()});
  const std::uint64_t mine = 2 * sequence * kShards;
  std::uint64_t known = given_out.load(std::memory_order_relaxed);
  while (known < mine && !given_out.compare_exchange_weak(known, mine, std::memory_order_release)) {
  }
}

InFlightTable::Shard* InFlightTable::shard_of(std::uint64_t token) const noexcept {
  return &shards_[token / 2 % kShards];
}

std::uint64_t InFlightTable::issue_complete() noexcept {
  // Release, partner of the acquire in poll(): whoever sees the token issued sees
  // what was done before.
  static_assert(kShards == kStripes);
  const std::size_t index = thread_stripe();
  const std::uint64_t sequence =
      shards_[index].next_complete.fetch_add(1, std::memory_order_release);
  const std::uint64_t token = 2 * (sequence * kShards + index) + 1;
  return token <= SOKR_PLUGIN_TOKEN_MAX ? token : 0;
}

std::uint64_t InFlightTable::issued() const noexcept {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    std::lock_guard lock(shards_[i].mutex);
    count += shards_[i].next_complete.load(std::memory_order_relaxed) - shards_[i].first;
    count += shards_[i].next - shards_[i].first;
  }
  return count;
}

std::uint64_t InFlightTable::begin() {
  constexpr std::size_t kMaxSpare = 64;
  const std::size_t index = thread_stripe();
  Shard& shard = shards_[index];
  std::lock_guard lock(shard.mutex);
  const std::uint64_t token = 2 * (shard.next * kShards + index);
  if (token > SOKR_PLUGIN_TOKEN_MAX) return 0;
  if (shard.spare.empty()) {
    shard.spare.reserve(kMaxSpare);
    shard.under_way.emplace(token, std::make_shared<Shard::Work>());
  } else {
    Shard::Map::node_type node = std::move(shard.spare.back());
    shard.spare.pop_back();
    node.key() = token;
    shard.under_way.insert(std::move(node));
  }
  ++shard.next;
  active_.fetch_add(1, std::memory_order_relaxed);
  return token;
}

bool InFlightTable::finish(std::uint64_t token) noexcept {
  return end(token, false, {});
}

bool InFlightTable::fail(std::uint64_t token, std::string sentence) noexcept {
  return end(token, true, std::move(sentence));
}

bool InFlightTable::end(std::uint64_t token, bool failed, std::string&& sentence) noexcept {
  if (token % 2 != 0) return false;
  Shard& shard = *shard_of(token);
  std::vector<Callback> callbacks;
  {
    std::unique_lock lock(shard.mutex);
    const auto at = shard.under_way.find(token);
    if (at == shard.under_way.end() || at->second->failed_here) return false;
    std::shared_ptr<Shard::Work>& work = at->second;
    callbacks.swap(work->callbacks);
    bool remembered = true;
    if (failed) {
      try {
        std::lock_guard history_lock(history_->mutex);
        history_->errors.put(token, std::move(sentence));
      } catch (...) {
      }
      try {
        shard.failed.insert(Shard::sequence(token));
      } catch (...) {
        remembered = false;
      }
    }
    if (work->waiters != 0) work->ended.notify_all();
    if (!remembered) {
      work->failed_here = true;
    } else {
      Shard::Map::node_type node = shard.under_way.extract(at);
      // A waiter still holds the condition variable: its entry is not reused.
      const bool reusable = node.mapped()->waiters == 0;
      if (reusable && shard.spare.size() < shard.spare.capacity()) {
        shard.spare.push_back(std::move(node));
      }
    }
  }
  for (Callback& callback : callbacks) callback(failed);
  callbacks.clear();
  leave(1);
  return true;
}

void InFlightTable::leave(std::size_t count) noexcept {
  std::size_t now = active_.load(std::memory_order_relaxed);
  while (now > count) {
    if (!active_.compare_exchange_weak(now, now - count, std::memory_order_seq_cst)) continue;
    // Sequentially consistent, and so is await_room_slowly(): one of the two sees the other.
    if (waiting_for_room_.load(std::memory_order_seq_cst) == 0) return;
    std::lock_guard lock(history_->idle_mutex);
    history_->idle.notify_all();
    return;
  }
  // The last one leaves under the lock: wait_idle() returns, and its caller may
  // destroy the table, only when nobody touches it any more.
  std::lock_guard lock(history_->idle_mutex);
  if (active_.fetch_sub(count, std::memory_order_acq_rel) == count) history_->idle.notify_all();
}

bool InFlightTable::await_room_slowly(std::size_t most,
                                      std::chrono::milliseconds patience) noexcept {
  waiting_for_room_.fetch_add(1, std::memory_order_seq_cst);
  std::unique_lock lock(history_->idle_mutex);
  const bool room = history_->idle.wait_for(
      lock, patience, [&] { return active_.load(std::memory_order_seq_cst) < most; });
  waiting_for_room_.fetch_sub(1, std::memory_order_seq_cst);
  return room;
}

CompletionAnswer InFlightTable::poll(std::uint64_t token) noexcept {
  if (token % 2 != 0) {
    const std::uint64_t sequence = Shard::sequence(token);
    const bool issued = token <= SOKR_PLUGIN_TOKEN_MAX && sequence > Shard::sequence(before_) &&
                        sequence < shard_of(token)->next_complete.load(std::memory_order_acquire);
    return issued ? kComplete : kUnknown;
  }
  Shard& shard = *shard_of(token);
  std::lock_guard lock(shard.mutex);
  return shard.state(token);
}

CompletionAnswer InFlightTable::completion(std::uint64_t token, std::uint64_t timeout_ns) noexcept {
  if (token % 2 != 0 || timeout_ns == 0) return poll(token);
  using Clock = std::chrono::steady_clock;
  // A century: far below the clock's range, beyond any process's life.
  constexpr std::uint64_t kLongest = UINT64_C(100) * 366 * 24 * 3600 * 1'000'000'000;
  const bool for_ever = timeout_ns > kLongest;

  Shard& shard = *shard_of(token);
  std::unique_lock lock(shard.mutex);
  CompletionAnswer answer = shard.state(token);
  if (answer != kPending) return answer;
  const auto deadline =
      Clock::now() + std::chrono::nanoseconds(for_ever ? 0 : static_cast<std::int64_t>(timeout_ns));
  const std::shared_ptr<Shard::Work> work = shard.under_way.find(token)->second;
  ++work->waiters;
  while (answer == kPending) {
    if (for_ever) {
      work->ended.wait(lock);
    } else if (work->ended.wait_until(lock, deadline) == std::cv_status::timeout) {
      answer = shard.state(token);
      if (answer == kPending) answer = kTimedOut;
      break;
    }
    answer = shard.state(token);
  }
  --work->waiters;
  return answer;
}

std::string InFlightTable::error(std::uint64_t token) noexcept {
  if (poll(token) != kFailed) return {};
  try {
    std::lock_guard lock(history_->mutex);
    const std::string* sentence = history_->errors.get(token);
    return sentence == nullptr ? std::string() : *sentence;
  } catch (...) {
    return {};
  }
}

SokrResult InFlightTable::when_terminal(std::uint64_t token, Callback callback) {
  CompletionAnswer answer;
  if (token % 2 != 0) {
    answer = poll(token);
  } else {
    Shard& shard = *shard_of(token);
    std::lock_guard lock(shard.mutex);
    answer = shard.state(token);
    if (answer == kPending) {
      shard.under_way.find(token)->second->callbacks.push_back(std::move(callback));
      return SOKR_OK;
    }
  }
  if (answer == kUnknown) return SOKR_NOT_FOUND;
  callback(answer == kFailed);
  return SOKR_OK;
}

// Down a chain of launches the cause stays as it is.
std::string InFlightTable::sentence_of_dependent(std::uint64_t failed) noexcept {
  try {
    std::string sentence = error(failed);
    if (!sentence.starts_with(kWaitedFor)) sentence.insert(0, kWaitedFor);
    return sentence;
  } catch (...) {
    return {};
  }
}

SokrResult InFlightTable::when_all_terminal(std::span<const std::uint64_t> tokens,
                                            AllCallback callback, std::size_t* unknown_out) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (poll(tokens[i]) != kUnknown) continue;
    if (unknown_out != nullptr) *unknown_out = i;
    return SOKR_NOT_FOUND;
  }
  if (tokens.size() == 1) {
    return when_terminal(tokens[0],
                         [this, token = tokens[0], callback = std::move(callback)](bool failed) {
                           callback(failed, failed ? sentence_of_dependent(token) : std::string());
                         });
  }
  struct Shared {
    std::atomic<std::size_t> left;
    std::atomic<std::size_t> first_failed;
    std::vector<std::uint64_t> tokens;
    AllCallback callback;
  };
  // One more than the tokens: the callback cannot run before all are registered.
  auto shared = std::make_shared<Shared>();
  shared->left = tokens.size() + 1;
  shared->first_failed = tokens.size();
  shared->tokens.assign(tokens.begin(), tokens.end());
  shared->callback = std::move(callback);
  const auto arrive = [this](const std::shared_ptr<Shared>& all) {
    if (all->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::size_t bad = all->first_failed.load(std::memory_order_relaxed);
    if (bad == all->tokens.size()) return all->callback(false, {});
    all->callback(true, sentence_of_dependent(all->tokens[bad]));
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    (void)when_terminal(tokens[i], [shared, i, arrive](bool failed) {
      if (failed) {
        std::size_t known = shared->first_failed.load(std::memory_order_relaxed);
        while (i < known && !shared->first_failed.compare_exchange_weak(known, i)) {
        }
      }
      arrive(shared);
    });
  }
  arrive(shared);
  return SOKR_OK;
}

void InFlightTable::wait_idle() noexcept {
  std::unique_lock lock(history_->idle_mutex);
  history_->idle.wait(lock, [this] { return active_.load(std::memory_order_acquire) == 0; });
}

void InFlightTable::abandon_all(const std::string& sentence) noexcept {
  for (std::size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    std::uint64_t bound;
    {
      std::lock_guard lock(shard.mutex);
      bound = shard.next;
    }
    for (;;) {
      std::uint64_t token = 0;
      {
        std::lock_guard lock(shard.mutex);
        for (const auto& [candidate, work] : shard.under_way) {
          if (!work->failed_here && Shard::sequence(candidate) < bound) token = candidate;
          if (token != 0) break;
        }
      }
      if (token == 0) break;
      std::string copy;
      try {
        copy = sentence;
      } catch (...) {
      }
      (void)fail(token, std::move(copy));
    }
  }
}

void InFlightTable::record_timing(std::uint64_t token, std::uint64_t device_ns) noexcept {
  try {
    std::lock_guard lock(history_->mutex);
    history_->timings.put(token, device_ns);
  } catch (...) {
  }
}

std::optional<std::uint64_t> InFlightTable::timing(std::uint64_t token) noexcept {
  if (poll(token) != kComplete) return {};
  std::lock_guard lock(history_->mutex);
  const std::uint64_t* ns = history_->timings.get(token);
  return ns == nullptr ? std::nullopt : std::optional(*ns);
}

}  // namespace sokr::substrate
