// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/retire_grace.hpp>
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
    std::shared_ptr<void> what;
    std::vector<Callback> callbacks;
  };
  using Map = std::unordered_map<std::uint64_t, std::shared_ptr<Work>>;

  std::mutex mutex;
  // Sequence numbers; 0 is left out so that no token is 0.
  std::uint64_t first = 1, next = 1;
  Map under_way;
  RangeSet failed;
  std::vector<Map::node_type> spare;  // reused, so that a steady state allocates nothing
  bool is_crowded = false;
  // Under way, or their callbacks run. Written with the mutex held.
  std::atomic<std::size_t> active{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> next_complete{1};

  static std::uint64_t sequence(std::uint64_t token) { return token / 2 / kShards; }

  CompletionAnswer state(std::uint64_t token) const {
    if (sequence(token) >= next || sequence(token) < first) return kUnknown;
    if (const auto at = under_way.find(token); at != under_way.end()) {
      return at->second->failed_here ? kFailed : kPending;
    }
    return failed.contains(sequence(token)) ? kFailed : kComplete;
  }
  // With the mutex held, as what comes next.
  void count(std::size_t now) { active.store(now, std::memory_order_release); }
  void reuse(Map::node_type node) noexcept {
    // A waiter still holds the condition variable: its entry is not reused.
    if (node.mapped()->waiters == 0 && spare.size() < spare.capacity())
      spare.push_back(std::move(node));
  }
};

// A token that is over, whose callbacks have not run yet.
struct InFlightTable::Ending {
  InFlightTable* table;
  Shard* shard;
  Shard::Map::node_type node;  // empty if the entry stays
  std::vector<Callback> callbacks;
  bool failed;

  void run() noexcept {
    for (Callback& callback : callbacks) callback(failed);
    callbacks.clear();
    // Under the lock: wait_idle() returns, and its caller may destroy the table, only when nobody
    // touches it any more.
    std::lock_guard lock(shard->mutex);
    if (!node.empty()) {
      node.mapped()->callbacks = std::move(callbacks);  // for its memory
      shard->reuse(std::move(node));
    }
    table->leave(*shard);
  }
};

struct InFlightTable::History {
  explicit History(const InFlightOptions& options)
      : errors(options.kept_errors), timings(options.kept_timings) {}
  std::mutex mutex;
  Latest<std::string> errors;
  Latest<Timing> timings;

  // Ends, for those who wait until fewer are under way. The mutex is taken inside those of shards.
  std::mutex ends_mutex;
  std::condition_variable ends_seen;
  std::uint64_t ends = 0;  // counted while somebody waits
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

Deadline deadline_in(std::chrono::milliseconds patience) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(patience).count();
  return Deadline(static_cast<std::uint64_t>(ns));
}

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

std::uint64_t InFlightTable::begin(std::shared_ptr<void> what) {
  constexpr std::size_t kMaxSpare = 64;
  const std::size_t index = thread_stripe();
  Shard& shard = shards_[index];
  std::lock_guard lock(shard.mutex);
  const std::uint64_t token = 2 * (shard.next * kShards + index);
  if (token > SOKR_PLUGIN_TOKEN_MAX) return 0;
  if (shard.spare.empty()) {
    shard.spare.reserve(kMaxSpare);
    const auto added = shard.under_way.emplace(token, std::make_shared<Shard::Work>()).first;
    added->second->what = std::move(what);
  } else {
    Shard::Map::node_type node = std::move(shard.spare.back());
    shard.spare.pop_back();
    node.key() = token;
    node.mapped()->what = std::move(what);
    shard.under_way.insert(std::move(node));
  }
  ++shard.next;
  const std::size_t now = shard.active.load(std::memory_order_relaxed) + 1;
  shard.count(now);
  if (now >= kCrowd && !std::exchange(shard.is_crowded, true))
    crowded_.fetch_add(1, std::memory_order_relaxed);
  return token;
}

bool InFlightTable::finish(std::uint64_t token) noexcept {
  return end(token, false, {});
}

bool InFlightTable::fail(std::uint64_t token, std::string sentence) noexcept {
  return end(token, true, std::move(sentence));
}

bool InFlightTable::fail(std::uint64_t token, const char* sentence) noexcept {
  std::string text;
  try {
    text = sentence;
  } catch (...) {
  }
  return end(token, true, std::move(text));
}

bool InFlightTable::end(std::uint64_t token, bool failed, std::string&& sentence) noexcept {
  if (token % 2 != 0) return false;
  Shard& shard = *shard_of(token);
  Ending ending{this, &shard, {}, {}, failed};
  std::shared_ptr<void> what;  // goes after the lock
  {
    std::unique_lock lock(shard.mutex);
    const auto at = shard.under_way.find(token);
    if (at == shard.under_way.end() || at->second->failed_here) return false;
    Shard::Work& work = *at->second;
    ending.callbacks.swap(work.callbacks);
    what = std::move(work.what);
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
    if (work.waiters != 0) work.ended.notify_all();
    if (remembered)
      ending.node = shard.under_way.extract(at);
    else
      work.failed_here = true;
    if (ending.callbacks.empty()) {
      if (remembered) shard.reuse(std::move(ending.node));
      leave(shard);
      return true;
    }
  }
  run_callbacks(std::move(ending));
  return true;
}

// A callback may end other tokens, which others wait for, and so on along a chain of any length:
// their callbacks queue up here instead of on the stack.
void InFlightTable::run_callbacks(Ending&& ending) noexcept {
  if (queue_of_callbacks() != nullptr) {
    try {
      queue_of_callbacks()->push_back(std::move(ending));
      return;
    } catch (...) {
      // Then on the stack.
    }
  }
  std::vector<Ending> queued;
  std::vector<Ending>* const below = std::exchange(queue_of_callbacks(), &queued);
  const std::span<const Ending> run_below = std::exchange(callbacks_that_run(), {&ending, 1});
  ending.run();
  run_queued(queued);
  callbacks_that_run() = run_below;
  queue_of_callbacks() = below;
}

// Those of the thread, while somebody below on its stack is to run them.
std::vector<InFlightTable::Ending>*& InFlightTable::queue_of_callbacks() noexcept {
  thread_local std::vector<Ending>* queue = nullptr;
  return queue;
}

// Those of the thread that are no longer in that queue: the first of them runs now.
std::span<const InFlightTable::Ending>& InFlightTable::callbacks_that_run() noexcept {
  thread_local std::span<const Ending> running;
  return running;
}

// Whether so many of this table are over whose callbacks this thread runs, or is to run.
bool InFlightTable::has_ending_here(std::size_t least) const noexcept {
  const std::vector<Ending>* const queue = queue_of_callbacks();
  if (queue == nullptr) return false;
  for (const std::span<const Ending> endings : {callbacks_that_run(), std::span(*queue)})
    for (auto at = endings.begin(); at != endings.end() && least != 0; ++at)
      if (at->table == this) --least;
  return least == 0;
}

// And those that they add.
void InFlightTable::run_queued(std::vector<Ending>& queued) noexcept {
  std::vector<Ending> turn;
  while (!queued.empty()) {
    turn.swap(queued);
    for (std::size_t i = 0; i < turn.size(); ++i) {
      callbacks_that_run() = std::span(turn).subspan(i);
      turn[i].run();
    }
    callbacks_that_run() = {};
    turn.clear();
  }
}

InFlightTable::HeldCallbacks::HeldCallbacks() noexcept {
  std::vector<Ending>*& queue = queue_of_callbacks();
  if (queue == nullptr) queue = &held_;
}

InFlightTable::HeldCallbacks::~HeldCallbacks() {
  std::vector<Ending>*& queue = queue_of_callbacks();
  if (queue != &held_) return;
  if (!held_.empty()) run_queued(held_);
  queue = nullptr;
}

// With the shard's mutex held; the last that is done to the table for a token.
void InFlightTable::leave(Shard& shard) noexcept {
  const std::size_t now = shard.active.load(std::memory_order_relaxed) - 1;
  shard.count(now);
  if (now <= kCrowd / 2 && std::exchange(shard.is_crowded, false))
    crowded_.fetch_sub(1, std::memory_order_relaxed);
  // Who waits says so, and then counts with the mutexes held: either sees the other.
  if (waiting_.load(std::memory_order_relaxed) == 0) return;
  std::lock_guard lock(history_->ends_mutex);
  ++history_->ends;
  history_->ends_seen.notify_all();
}

std::size_t InFlightTable::active() const noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kShards; ++i)
    count += shards_[i].active.load(std::memory_order_acquire);
  return count;
}

template <class Enough>
bool InFlightTable::await_count(const Deadline& deadline, const Enough& is_enough) noexcept {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  const auto counted = [this] {
    std::size_t count = 0;
    for (std::size_t i = 0; i < kShards; ++i) {
      std::lock_guard lock(shards_[i].mutex);
      count += shards_[i].active.load(std::memory_order_relaxed);
    }
    return count;
  };
  bool in_time = true, enough = false;
  while (!enough && in_time) {
    std::uint64_t seen = 0;
    {
      std::lock_guard lock(history_->ends_mutex);
      seen = history_->ends;
    }
    enough = is_enough(counted());
    if (enough) break;
    std::unique_lock lock(history_->ends_mutex);
    in_time = deadline.wait(history_->ends_seen, lock, [&] { return history_->ends != seen; });
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return enough;
}

void InFlightTable::wait_idle() noexcept {
  (void)await_count(Deadline(UINT64_MAX), [](std::size_t active) { return active == 0; });
}

bool InFlightTable::await_idle(std::chrono::milliseconds patience) noexcept {
  return await_count(deadline_in(patience), [](std::size_t active) { return active == 0; });
}

bool InFlightTable::await_room_slowly(std::size_t most,
                                      std::chrono::milliseconds patience) noexcept {
  return await_count(deadline_in(patience),
                     [&](std::size_t active) { return is_fewer(active, most); });
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

CompletionAnswer InFlightTable::look(std::uint64_t token, std::shared_ptr<void>& what) noexcept {
  Shard& shard = *shard_of(token);
  std::lock_guard lock(shard.mutex);
  const CompletionAnswer answer = shard.state(token);
  if (answer == kPending) what = shard.under_way.find(token)->second->what;
  return answer;
}

std::shared_ptr<void> InFlightTable::find(std::uint64_t token) noexcept {
  std::shared_ptr<void> what;
  if (token % 2 == 0) (void)look(token, what);
  return what;
}

CompletionAnswer InFlightTable::completion(std::uint64_t token, std::uint64_t timeout_ns) noexcept {
  if (token % 2 != 0 || timeout_ns == 0) return poll(token);
  Shard& shard = *shard_of(token);
  std::unique_lock lock(shard.mutex);
  CompletionAnswer answer = shard.state(token);
  if (answer != kPending) return answer;
  const Deadline deadline(timeout_ns);
  const std::shared_ptr<Shard::Work> work = shard.under_way.find(token)->second;
  ++work->waiters;
  const bool in_time =
      deadline.wait(work->ended, lock, [&] { return (answer = shard.state(token)) != kPending; });
  --work->waiters;
  return in_time ? answer : kTimedOut;
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

void InFlightTable::retire(const Stop& stop) noexcept {
  if (!await_idle(kRetireGrace)) abandon_all(kRetiredSentence, stop);
}

void InFlightTable::abandon_all(const char* sentence, const Stop& stop) noexcept {
  for (std::size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    std::uint64_t bound;
    {
      std::lock_guard lock(shard.mutex);
      bound = shard.next;
    }
    for (;;) {
      std::uint64_t token = 0;
      std::shared_ptr<void> what;
      {
        std::lock_guard lock(shard.mutex);
        for (const auto& [candidate, work] : shard.under_way) {
          if (work->failed_here || Shard::sequence(candidate) >= bound) continue;
          token = candidate;
          what = work->what;
          break;
        }
      }
      if (token == 0) break;
      (void)fail(token, sentence);
      if (stop && what) stop(what.get());
    }
  }
}

void InFlightTable::record_timing(std::uint64_t token, const Timing& timing) noexcept {
  try {
    std::lock_guard lock(history_->mutex);
    history_->timings.put(token, timing);
  } catch (...) {
  }
}

std::optional<Timing> InFlightTable::timing(std::uint64_t token) noexcept {
  if (poll(token) != kComplete) return {};
  std::lock_guard lock(history_->mutex);
  const Timing* timing = history_->timings.get(token);
  return timing == nullptr ? std::nullopt : std::optional(*timing);
}

}  // namespace sokr::substrate
