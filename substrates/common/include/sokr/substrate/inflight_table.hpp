// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The completion tokens of one substrate: which work is under way, which failed and
// why. A plugin's dispatch issues a token, its completion asks the table.
//
//     work that is done when dispatch returns:   return table.issue_complete();
//     work that goes on:  token = table.begin();  ...later...  table.finish(token);
//                                                   or         table.fail(token, "...");
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
#include <span>
#include <string>

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
 public:
  using Callback = std::function<void(bool failed)>;

  explicit InFlightTable(const InFlightOptions& options = {});
  // Nobody may be inside any function; tokens still under way are dropped.
  ~InFlightTable();
  InFlightTable(const InFlightTable&) = delete;
  InFlightTable& operator=(const InFlightTable&) = delete;

  // A token that is COMPLETE already: one atomic addition on a cache line that no thread of another
  // stripe writes, no lock. 0 if all of the stripe are used up (2^44 of them).
  std::uint64_t issue_complete() noexcept;

  // A token that is under way until finish() or fail(). 0 if all are used up. Throws
  // std::bad_alloc, with nothing issued.
  std::uint64_t begin();

  // Ends a token, wakes its waiters and then runs its callbacks on this thread.
  // False, and nothing happens, if it is not under way: somebody else ended it first.
  bool finish(std::uint64_t token) noexcept;
  bool fail(std::uint64_t token, std::string sentence) noexcept;

  // What completion_fn answers, blocking at most timeout_ns (0 polls, UINT64_MAX
  // waits without end). An unknown token is SOKR_NOT_FOUND with FAILED.
  CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns) noexcept;

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

  // Tokens that were ever given out.
  std::uint64_t issued() const noexcept;
  // Tokens under way, those included whose callbacks still run.
  std::size_t active() const noexcept { return active_.load(std::memory_order_acquire); }
  // Blocks until fewer than `most` tokens are under way; false if none ended in time. Threads
  // that get through at once may together exceed it by their number.
  bool await_room(std::size_t most, std::chrono::milliseconds patience) noexcept {
    return active() < most || await_room_slowly(most, patience);
  }
  // Blocks until no token is under way and no callback runs.
  void wait_idle() noexcept;
  // Fails every token that is under way now; later finish() calls for them are refused.
  void abandon_all(const std::string& sentence) noexcept;

  // Device time of a profiled launch: recorded before its token is finished, or
  // returned to anybody.
  void record_timing(std::uint64_t token, std::uint64_t device_ns) noexcept;
  // Empty if not recorded, not finished, failed, or dropped.
  std::optional<std::uint64_t> timing(std::uint64_t token) noexcept;

 private:
  struct Shard;
  struct History;
  static constexpr std::size_t kShards = 8;

  bool end(std::uint64_t token, bool failed, std::string&& sentence) noexcept;
  std::string sentence_of_dependent(std::uint64_t failed) noexcept;
  void leave(std::size_t count) noexcept;
  bool await_room_slowly(std::size_t most, std::chrono::milliseconds patience) noexcept;
  Shard* shard_of(std::uint64_t token) const noexcept;

  // Odd tokens are complete when issued; even ones are under way until ended. Both are of the
  // shard that is that of the thread that they were issued on. None up to before_ is this
  // table's: what tables gave out that were destroyed before in this process is never given out
  // again (docs/contract.md, PLG-6).
  const std::uint64_t before_;
  alignas(64) std::atomic<std::size_t> active_{0};
  std::atomic<std::uint32_t> waiting_for_room_{0};
  std::unique_ptr<Shard[]> shards_;
  std::unique_ptr<History> history_;
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_INFLIGHT_TABLE_HPP_
