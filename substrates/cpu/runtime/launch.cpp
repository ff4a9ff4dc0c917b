// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/launch.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/float_mode.hpp"

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kChunkNanoseconds = 20'000;
// Not less, even if each thread then takes only a few: a claim costs some 200 ns.
constexpr double kShortestNanoseconds = 3'000;
// Of a long launch more at once, as long as much of it is left: neighbouring workgroups often read
// neighbouring memory. Not more, since a wait with a timeout looks up in between.
constexpr double kLongestNanoseconds = 500'000;
// Of a kernel's first version, for each thread.
constexpr std::uint32_t kDraftChunks = 128;

}  // namespace

void run_groups(const Runnable& given, const KernelContext& context, std::uint32_t begin,
                std::uint32_t end, ScratchPool& pool) {
  const Runnable& kernel = given.best();
  Scratch scratch(pool, kernel.scratch_size);
  FloatMode mode(kernel.flags);
  kernel.entry(&context, begin, end, scratch.get());
}

std::size_t push_words(const Runnable& kernel) {
  return (kernel.push_size + 7) / 8;
}

void note_duration(const Runnable& kernel, std::uint64_t groups,
                   std::chrono::nanoseconds duration) {
  if (groups == 0) return;
  auto sample =
      static_cast<float>(std::max<std::int64_t>(duration.count(), 1)) / static_cast<float>(groups);
  float old = kernel.ns_per_group.load(std::memory_order_relaxed);
  // Most samples that are too long come from a thread that had to wait for its core, so the
  // average falls faster than it rises. A hint: a sample lost to a race does not matter.
  float weight = old == 0 ? 1.0f : sample < old ? 0.5f : 0.25f;
  kernel.ns_per_group.store(old + weight * (sample - old), std::memory_order_relaxed);
}

bool is_time_to_measure() {
  // By chance, since kernels that take turns would be measured either always or never by a count. A
  // linear congruential generator (Numerical Recipes' constants), whose upper bits are the good
  // ones.
  static_assert(std::has_single_bit(kMeasureEvery));  // a division would take longer than the rest
  thread_local std::uint32_t state = 0;
  state = state * 1664525u + 1013904223u;
  return state >> (32 - std::countr_zero(kMeasureEvery)) == 0;
}

std::uint32_t set_group_count(KernelContext& context, const std::array<std::uint32_t, 3>& groups) {
  std::copy(groups.begin(), groups.end(), context.group_count);
  return groups[0] * groups[1] * groups[2];
}

Launch::Launch(std::shared_ptr<const Runnable> kernel, const Bindings& bindings,
               std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
               std::span<const std::uint8_t> push, const std::array<std::uint32_t, 3>& base_groups,
               bool profile)
    : kernel_(std::move(kernel)),
      bindings_(bindings),
      owners_(std::move(owners)),
      push_(push_words(*kernel_)),
      profile_(profile) {
  if (!push.empty()) std::memcpy(push_.data(), push.data(), push.size());
  context_.bindings = bindings_.data();
  context_.push_constants = push_.data();
  std::ranges::copy(base_groups, context_.base_group);
  static_assert(sizeof abort_ == sizeof(std::uint32_t) && decltype(abort_)::is_always_lock_free);
  context_.abort = reinterpret_cast<const std::uint32_t*>(&abort_);
}

void Launch::set_groups(const std::array<std::uint32_t, 3>& groups, unsigned threads) {
  total_ = set_group_count(context_, groups);
  seats_ = threads;
  shares_.set(total_, is_brief() ? 1 : std::clamp(total_, 1u, threads));
  const std::uint32_t eighth = std::max(1u, total_ / (threads * 8));  // of a thread's part
  double known = kernel_->ns_per_group.load(std::memory_order_relaxed);
  if (known > 0) {
    const auto groups_in = [&](double nanoseconds) {
      return static_cast<std::uint32_t>(std::clamp(nanoseconds / known, 1.0, 1e9));
    };
    const std::uint32_t shortest =
        std::min(std::max(1u, total_ / threads), groups_in(kShortestNanoseconds));
    chunk_ = std::max(std::min(eighth, groups_in(kChunkNanoseconds)), shortest);
    longest_ = std::max(chunk_, groups_in(kLongestNanoseconds));
  } else {
    chunk_ = longest_ = eighth;
  }
  // A better version takes over between chunks.
  if (kernel_->want_better && &kernel_->best() == kernel_.get())
    chunk_ = longest_ = std::max(1u, std::min(chunk_, total_ / (threads * kDraftChunks)));
}

// Whoever finds none may go: those who sit work on until nothing is left.
bool Launch::take_seat() {
  std::uint32_t taken = seated_.load(std::memory_order_relaxed);
  while (taken < seats_)
    if (seated_.compare_exchange_weak(taken, taken + 1, std::memory_order_acq_rel)) return true;
  return false;
}

bool Launch::work(ScratchPool& scratch, std::uint32_t home, Clock::time_point deadline,
                  const std::function<void()>& lonely, const PieceTrace* trace) {
  if (!take_seat()) return false;
  bool last = false;
  while (!last) {
    const Shares::Claim claim = shares_.claim(home, chunk_, longest_);
    if (claim.size() == 0) break;
    std::int64_t none = 0;
    if (profile_ && started_.load(std::memory_order_relaxed) == none)
      started_.compare_exchange_strong(none, Clock::now().time_since_epoch().count(),
                                       std::memory_order_relaxed);
    if (!abandoned()) run_chunk(claim, scratch, trace);
    // The last one to add sees, by acquire, what all others wrote before their release.
    last = done_.fetch_add(claim.size(), std::memory_order_acq_rel) + claim.size() == total_;
    if (deadline != Clock::time_point::max() && Clock::now() >= deadline) break;
    if (!last && !reserve_called_.load(std::memory_order_relaxed) &&
        seated_.load(std::memory_order_relaxed) < seats_)
      lonely();
  }
  seated_.fetch_sub(1, std::memory_order_acq_rel);
  return last;
}

void Launch::run_chunk(Shares::Claim claim, ScratchPool& scratch, const PieceTrace* trace) {
  // What is known to be brief is measured now and then: two readings cost as much as the run, and
  // what is noted is on a cache line of all who launch the kernel.
  const bool brief = is_brief();
  try {
    const bool is_measured = !brief || is_time_to_measure();
    if (!is_measured && !trace)
      return run_groups(*kernel_, context_, claim.begin, claim.end, scratch);
    const Clock::time_point start = Clock::now();
    run_groups(*kernel_, context_, claim.begin, claim.end, scratch);
    const Clock::time_point end = Clock::now();
    if (trace) trace->add({kernel_->name.c_str(), token, claim.begin, claim.size()}, start, end);
    if (!is_measured) return;
    const Clock::duration duration = end - start;
    if (!abandoned()) note_duration(*kernel_, claim.size(), duration);
    note_use(*kernel_, brief ? duration * kMeasureEvery : duration);
  } catch (const std::bad_alloc&) {
    out_of_memory_.store(true, std::memory_order_relaxed);
    abandon();
  }
}

void Launch::await_open() {
  for (Door seen = door_.load(std::memory_order_acquire); seen != Door::kOpen;
       seen = door_.load(std::memory_order_acquire)) {
    if (seen == Door::kClosed && !door_.compare_exchange_strong(seen, Door::kAwaited)) continue;
    door_.wait(Door::kAwaited, std::memory_order_acquire);
  }
}

const char* Launch::why_cut_short() const {
  if (out_of_memory_.load(std::memory_order_relaxed))
    return "out of memory for the kernel's scratch";
  return abandoned() ? "the launch was abandoned" : nullptr;
}

bool Launch::is_brief() const {
  const double known = kernel_->ns_per_group.load(std::memory_order_relaxed);
  return known > 0 && known * total_ < kBriefNanoseconds;
}

bool Launch::has_long_groups(std::chrono::nanoseconds from) const {
  const double known = kernel_->ns_per_group.load(std::memory_order_relaxed);
  return known <= 0 || known >= static_cast<double>(from.count());
}

std::optional<std::chrono::nanoseconds> Launch::expected_chunk() const {
  double known = kernel_->ns_per_group.load(std::memory_order_relaxed);
  if (known <= 0 || kernel_->has_loops) return std::nullopt;
  const double groups = shares_.next_size(chunk_, longest_);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(known * groups) + 1);
}

substrate::Timing Launch::timing() const {
  const Clock::duration started(started_.load(std::memory_order_relaxed));
  if (started == Clock::duration::zero()) return 0;
  return {Clock::time_point(started), Clock::now()};
}

}  // namespace sokr::cpu
