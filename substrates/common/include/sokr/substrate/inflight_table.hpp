// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The completion tokens of one substrate: which work is under way, which failed and
// why. A plugin's dispatch issues a token, its completion asks the table.
//
//     work that is done when dispatch returns:   return table.issue_complete();
//     work that goes on:  token = table.begin(work);  ...later...  table.finish(token);
//                                                       or         table.fail(token, "...");
//
// Tokens are 1 to SOKR_PLUGIN_TOKEN_MAX and never given out twice. They are opaque:
// their order says nothing. Terminal answers are the same for ever: a token that
// was issued and is neither under way nor failed is COMPLETE, so finished work
// takes no memory; failures are kept as ranges of tokens, the latest
// Options::kept_errors of them with their sentences.
//
// All functions may be called from any thread at once. What happened before
// finish() or issue_complete() is visible to whoever is told COMPLETE.
#ifndef SOKR_SUBSTRATE_INFLIGHT_TABLE_HPP_
#define SOKR_SUBSTRATE_INFLIGHT_TABLE_HPP_

#include <sokr/sokr.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/substrate/deadline.hpp>
#include <sokr/substrate/timing.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sokr::substrate {

// The answer of a completion_fn.
struct CompletionAnswer {
  SokrResult result = SOKR_OK;
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  bool operator==(const CompletionAnswer&) const = default;
};

// Why launches failed that were under way when their substrate was deregistered.
inline constexpr const char* kRetiredSentence =
    "the substrate was deregistered while the launch was under way";

struct InFlightOptions {
  std::size_t kept_errors = 1024;   // sentences of failed tokens, the oldest dropped first
  std::size_t kept_timings = 1024;  // device times of profiled tokens, likewise
};

// How many launches may be under way at once, and how long a dispatch waits for one of them to end
// before it is refused (docs/contract.md, DIS-9).
struct InFlightLimit {
  std::size_t most = 65536;
  std::chrono::milliseconds patience{10'000};
};
// What such a dispatch is told.
Failure no_room(const InFlightLimit& limit);

class InFlightTable {
  struct Ending;

 public:
  using Callback = std::function<void(bool failed)>;
  using Stop = std::function<void(void* what)>;

  explicit InFlightTable(const InFlightOptions& options = {});
  // Nobody may be inside any function; tokens still under way are dropped.
  ~InFlightTable();
  InFlightTable(const InFlightTable&) = delete;
  InFlightTable& operator=(const InFlightTable&) = delete;

  // A token that is COMPLETE already: one atomic addition on a cache line that no thread of another
  // stripe writes, no lock. 0 if all of the stripe are used up (2^44 of them).
  std::uint64_t issue_complete() noexcept;

  // A token that is under way until finish() or fail(), and what it stands for, which is kept
  // until then. 0 if all are used up. Throws std::bad_alloc, with nothing issued. Begun and ended
  // by one thread, a token costs no cache line that threads of other stripes write.
  std::uint64_t begin(std::shared_ptr<void> what = nullptr);
  // What a token that is under way stands for; null of any other.
  std::shared_ptr<void> find(std::uint64_t token) noexcept;
  template <class T>
  std::shared_ptr<T> find_as(std::uint64_t token) noexcept {
    return std::static_pointer_cast<T>(find(token));
  }

  // Ends a token, wakes its waiters and then runs its callbacks on this thread: before it returns,
  // or, called by a callback, after that one has returned.
  // False, and nothing happens, if it is not under way: somebody else ended it first.
  bool finish(std::uint64_t token) noexcept;
  bool fail(std::uint64_t token, std::string sentence) noexcept;
  bool fail(std::uint64_t token, const char* sentence) noexcept;  // lost where memory is

  // While there is one, callbacks of what this thread ends wait for it to go, and then run: for who
  // ends tokens with a lock held that a callback may want. All that are ended meanwhile are over
  // before the first callback runs. One inside of another, or of a callback, leaves it to that.
  class HeldCallbacks {
   public:
    HeldCallbacks() noexcept;
    ~HeldCallbacks();
    HeldCallbacks(const HeldCallbacks&) = delete;
    HeldCallbacks& operator=(const HeldCallbacks&) = delete;

   private:
    std::vector<Ending> held_;
  };

  // What completion_fn answers, blocking at most timeout_ns (0 polls, UINT64_MAX
  // waits without end). An unknown token is SOKR_NOT_FOUND with FAILED.
  CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns) noexcept;

  // The same for work whose end is brought about by who waits: calls help(what it stands for,
  // nanoseconds that are left), which returns for how many of them, at most, the thread may sleep
  // before it is to help again. It is called at least once if the token is under way.
  template <class T, class Help>
  CompletionAnswer completion_with_help(std::uint64_t token, std::uint64_t timeout_ns,
                                        const Help& help) {
    if (token % 2 != 0) return poll(token);
    const Deadline deadline(timeout_ns);
    for (std::uint64_t left = timeout_ns;;) {
      std::shared_ptr<void> what;
      if (const CompletionAnswer answer = look(token, what); !is_under_way(answer)) return answer;
      const std::uint64_t rest = help(std::static_pointer_cast<T>(std::move(what)), left);
      left = deadline.left_ns();
      const CompletionAnswer answer =
          completion(token, left == 0 && timeout_ns != 0 ? 1 : std::min(left, rest));
      if (left <= rest || !is_under_way(answer)) return answer;
    }
  }

  // The same without blocking, for code that does the waiting itself.
  CompletionAnswer poll(std::uint64_t token) noexcept;

  // Why the token failed; empty if it did not or the sentence was dropped.
  std::string error(std::uint64_t token) noexcept;

  // Calls `callback` once when the token is terminal: at once and on this thread if
  // it is already. It must not throw, and not block for long: it runs inside
  // finish() or fail(). SOKR_NOT_FOUND if never issued: not called. Throws
  // std::bad_alloc: not called.
  SokrResult when_terminal(std::uint64_t token, Callback callback);

  // The same for several: called once when all are terminal, with whether any failed and,
  // if so, a sentence that names the first one. On SOKR_NOT_FOUND `*unknown_out`, if
  // given, is the index of a token that was never issued; not called.
  using AllCallback = std::function<void(bool failed, std::string sentence)>;
  SokrResult when_all_terminal(std::span<const std::uint64_t> tokens, AllCallback callback,
                               std::size_t* unknown_out = nullptr);

  // Why what waited for this failed token fails. Down a chain the cause stays as it is.
  std::string sentence_of_dependent(std::uint64_t failed) noexcept;

  // Tokens that were ever given out.
  std::uint64_t issued() const noexcept;
  // Tokens under way, those included whose callbacks still run.
  std::size_t active() const noexcept;
  // Blocks until fewer than `most` tokens are under way; false if none ended in time. Threads
  // that get through at once may together exceed it by their number. Tokens that are over do not
  // count for the thread that runs their callbacks, or is to: a callback has the room of its own.
  bool await_room(std::size_t most, std::chrono::milliseconds patience) noexcept {
    return has_room(most) || await_room_slowly(most, patience);
  }
  // Whether fewer than `most` tokens are under way, counted likewise.
  bool has_room(std::size_t most) const noexcept {
    // Where no shard has many there are not many.
    if (most >= kShards * kCrowd && crowded_.load(std::memory_order_relaxed) == 0) return true;
    return is_fewer(active(), most);
  }
  // Blocks until no token is under way and no callback runs, that of the caller's included; false
  // if that took longer.
  bool await_idle(std::chrono::milliseconds patience) noexcept;
  // Before the substrate goes, while others may be inside: waits kRetireGrace for what is under way
  // to end by itself, and then abandons it.
  void retire(const Stop& stop) noexcept;
  // Blocks until no token is under way and no callback runs.
  void wait_idle() noexcept;
  // Fails every token that is under way now; later finish() calls for them are refused. Calls
  // stop(what) for what each of them stands for, if it stands for anything; it must not throw.
  void abandon_all(const char* sentence, const Stop& stop = {}) noexcept;

  // Of a profiled launch: recorded before its token is finished, or returned to anybody.
  void record_timing(std::uint64_t token, const Timing& timing) noexcept;
  // Empty if not recorded, not finished, failed, or dropped.
  std::optional<Timing> timing(std::uint64_t token) noexcept;

 private:
  struct Shard;
  struct History;
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kCrowd = 64;  // tokens under way of one shard

  static bool is_under_way(const CompletionAnswer& answer) {
    return answer.signal == SOKR_COMPLETION_PENDING || answer.signal == SOKR_COMPLETION_TIMEDOUT;
  }
  CompletionAnswer look(std::uint64_t token, std::shared_ptr<void>& what) noexcept;
  bool end(std::uint64_t token, bool failed, std::string&& sentence) noexcept;
  static void run_callbacks(Ending&& ending) noexcept;
  static std::vector<Ending>*& queue_of_callbacks() noexcept;
  static std::span<const Ending>& callbacks_that_run() noexcept;
  static void run_queued(std::vector<Ending>& queued) noexcept;
  bool has_ending_here(std::size_t least) const noexcept;
  bool is_fewer(std::size_t active, std::size_t most) const noexcept {
    return active < most || has_ending_here(active - most + 1);
  }
  void leave(Shard& shard) noexcept;
  template <class Enough>
  bool await_count(const Deadline& deadline, const Enough& enough) noexcept;
  bool await_room_slowly(std::size_t most, std::chrono::milliseconds patience) noexcept;
  Shard* shard_of(std::uint64_t token) const noexcept;

  // Odd tokens are complete when issued; even ones are under way until ended. Both are of the
  // shard that is that of the thread that they were issued on. None up to before_ is this
  // table's: what tables gave out that were destroyed before in this process is never given out
  // again (docs/contract.md, PLG-6).
  const std::uint64_t before_;
  std::atomic<std::uint32_t> crowded_{0};  // shards that have many: written where one begins to
  std::atomic<std::uint32_t> waiting_{0};  // threads in await_count
  std::unique_ptr<Shard[]> shards_;
  std::unique_ptr<History> history_;
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_INFLIGHT_TABLE_HPP_
