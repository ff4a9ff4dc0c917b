// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How launches of a session are submitted, together or one by one, and how they end.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <shared_mutex>
#include <thread>

#include "session.hpp"

namespace sokr::vulkan {
namespace {

// A thread that waits for another one to bring a launch in looks again this often.
constexpr std::uint64_t kLookAgainNs = 10'000'000;
// And one that waits for the device, for the end of the substrate.
constexpr std::uint64_t kWaitSliceNs = 100'000'000;
constexpr auto kBurst = std::chrono::microseconds(100);
constexpr std::size_t kTidyAbove = 16;  // launches in flight from which dispatch cleans up

}  // namespace

Result<std::uint64_t> Session::submit_all(Launch& launch, std::uint64_t after) {
  const Recording& recording = *launch.recording;
  std::uint64_t last = 0;
  for (const VkCommandBuffer commands : recording.commands()) {
    // The later parts come behind the first one's barrier as well.
    Result<std::uint64_t> value = recording.is_behind() ? device_->submit_in_order(commands)
                                                        : device_->submit(commands, after);
    if (!value) {
      // Nothing of it may be under way when it is given up.
      if (last != 0) device_->drain();
      return value;
    }
    last = *value;
    launch.begun = true;
  }
  return last;
}

// Whether it is on the way to the device; if not, another thread is just ending it.
bool Session::wait_after(const LaunchPointer& earlier, Dependency& dependency) {
  const std::uint64_t value = earlier->value.load();
  dependency.after = std::max(dependency.after, value);
  if (value != 0) return true;
  if (earlier->claimed.load()) return false;
  dependency.pending.push_back(earlier);
  return true;
}

// Looks again at what was only collected. False if it failed.
bool Session::look_again(Dependency& dependency) {
  if (!dependency.failed.empty()) return false;
  if (dependency.pending.empty()) return true;
  for (const LaunchPointer& earlier : std::exchange(dependency.pending, {})) {
    if (wait_after(earlier, dependency)) continue;
    dependency.failed = context_.in_flight->sentence_of_dependent(earlier->token);
    return false;
  }
  return true;
}

// Submits what the launch comes after, as far as that is only collected. False if it failed.
bool Session::settle(Dependency& dependency) {
  if (!dependency.failed.empty()) return false;
  if (dependency.pending.empty()) return true;
  flush();
  return look_again(dependency);
}

// Whether something was submitted whose end nobody saw, or is about to be.
bool Session::has_work() const {
  return collected_count_.load() != 0 || device_->last_submitted() > device_->seen();
}

// Only while the device has work: nothing waits for a launch that is alone. One right behind
// another, whose end nobody saw, is not alone.
bool Session::may_collect(const Launch& launch) {
  if (device_->options().collect < 2 || !launch.recording || launch.begun ||
      !launch.recording->is_whole()) {
    return false;
  }
  if (!collected_.empty()) return true;
  const std::uint64_t last = device_->last_submitted();
  if (last <= device_->seen()) return false;
  if (std::chrono::steady_clock::now() < burst_until_) return true;
  const Result<std::uint64_t> reached = device_->reached();
  return reached && *reached < last;
}

void Session::SubmittedList::add(const LaunchPointer& launch) noexcept {
  launch->self = launch;
  launch->before = last_;
  (last_ ? last_->next : first_) = launch.get();
  last_ = launch.get();
  size_.store(size() + 1, std::memory_order_relaxed);
}

Session::LaunchPointer Session::SubmittedList::remove(Launch& launch) noexcept {
  if (!launch.self) return nullptr;
  (launch.before ? launch.before->next : first_) = launch.next;
  (launch.next ? launch.next->before : last_) = launch.before;
  size_.store(size() - 1, std::memory_order_relaxed);
  return std::move(launch.self);
}

// Who sees the value finds the launch among those submitted.
void Session::note_submitted(const LaunchPointer& launch, std::uint64_t value) {
  if (device_->transfer_queue())
    for (const std::shared_ptr<Buffer>& buffer : launch->keep) buffer->note_use(value);
  std::lock_guard lock(launches_mutex_);
  under_way_.add(launch);
  launch->value.store(value);
}

// Into one command buffer, if there are several.
Result<VkCommandBuffer> Session::write_collected() {
  if (collected_.size() == 1) {
    Recording& one = *collected_.front()->recording;
    SOKR_TRY(one.write());
    return one.commands().front();
  }
  substrate::InlineVector<const Recording*, kMostCollected> recordings;
  for (const LaunchPointer& launch : collected_) recordings.push_back(launch->recording.get());
  const std::shared_ptr<Batch> batch = recordings_->take_batch();
  SOKR_TRY(batch->write(recordings.span()));
  for (const LaunchPointer& launch : collected_) launch->batch = batch;
  return batch->commands();
}

Result<std::uint64_t> Session::submit_collected() {
  SOKR_ASSIGN(const VkCommandBuffer commands, write_collected());
  return device_->submit({&commands, 1}, collected_after_);
}

// Whoever calls it holds callbacks: those of launches that fail may dispatch.
void Session::flush_locked() {
  if (collected_.empty()) return;
  const Result<std::uint64_t> value = submit_collected();
  // A device that is lost may have begun with it.
  if (!value && device_->is_lost()) device_->drain();
  for (const LaunchPointer& launch : collected_) {
    if (value) {
      note_submitted(launch, *value);
    } else {
      fail_launch(launch, value.failure().sentence);
    }
  }
  collected_.clear();
  collected_after_ = 0;
  collected_count_.store(0);
  burst_until_ = std::chrono::steady_clock::now() + kBurst;
}

void Session::flush() {
  if (collected_count_.load() == 0) return;
  const substrate::InFlightTable::HeldCallbacks held;
  std::lock_guard lock(collect_mutex_);
  flush_locked();
}

// 0 if it was collected.
Result<std::uint64_t> Session::submit_or_collect(const LaunchPointer& launch,
                                                 Dependency& dependency) {
  const substrate::InFlightTable::HeldCallbacks held;
  std::lock_guard lock(collect_mutex_);
  const bool collect = may_collect(*launch);
  if (!collect) flush_locked();
  if (!look_again(dependency)) return fail(SOKR_DISPATCH_FAILED, "{}", dependency.failed);
  if (collect) {
    collected_.push_back(launch);
    collected_after_ = std::max(collected_after_, dependency.after);
    collected_count_.store(collected_.size());
    if (collected_.size() >= std::min<std::uint64_t>(kMostCollected, device_->options().collect))
      flush_locked();
    return std::uint64_t{0};
  }
  if (launch->recording) SOKR_TRY(launch->recording->write());
  SOKR_ASSIGN(const std::uint64_t value,
              launch->recording
                  ? submit_all(*launch, dependency.after)
                  : device_->submit(std::span<const VkCommandBuffer>(), dependency.after));
  note_submitted(launch, value);
  burst_until_ = std::chrono::steady_clock::now() + kBurst;
  return value;
}

Result<std::uint64_t> Session::start(const LaunchPointer& launch, Dependency& dependency) {
  launch->token = context_.in_flight->begin(launch);
  if (launch->token == 0) return std::uint64_t{0};
  if (launch->staged != 0) {
    std::lock_guard lock(launches_mutex_);
    staged_ += launch->staged;
    launch->counted = true;
  }
  const Result<void> flushed = buffers_->prepare_for(launch->keep);
  Result<std::uint64_t> value =
      flushed ? submit_or_collect(launch, dependency) : Result<std::uint64_t>(flushed.failure());
  if (!value) {
    give_back(*launch);
    fail_launch(launch, value.failure().sentence);
    // What has begun, or waited for what failed, is no launch that was refused.
    if (launch->begun || !dependency.failed.empty()) return launch->token;
    return value;
  }
  if (device_->is_lost()) abandon();
  return launch->token;
}

void Session::copy_results(const Launch& launch) {
  if (launch.downloads.empty()) return;
  std::shared_lock lock(results_mutex_);
  for (const Download& download : launch.downloads.span())
    if (download.from && !let_go_) std::memcpy(download.to, download.from, download.size);
}

bool Session::finish(const LaunchPointer& launch) {
  if (launch->claimed.exchange(true)) return false;
  if (launch->recording) {
    if (Result<void> seen = launch->recording->invalidate(); !seen) {
      end(launch, &seen.failure().sentence);
      return false;
    }
    if (const auto timing = launch->recording->timing())
      context_.in_flight->record_timing(launch->token, *timing);
  }
  copy_results(*launch);
  buffers_->release_until(device_->seen());
  return end(launch, nullptr);
}

void Session::fail_launch(const LaunchPointer& launch, const std::string& sentence) {
  if (!launch->claimed.exchange(true)) end(launch, &sentence);
}

// Of a launch that was claimed. Its callbacks come last: one that dispatches has its room. False if
// somebody else had ended its token.
bool Session::end(const LaunchPointer& launch, const std::string* failed) {
  if (failed)
    launch->recording.reset();
  else
    recordings_->release(std::move(launch->recording));
  launch->batch.reset();
  launch->keep.clear();
  LaunchPointer removed;
  {
    std::lock_guard lock(launches_mutex_);
    removed = under_way_.remove(*launch);
    if (std::exchange(launch->counted, false)) staged_ -= launch->staged;
  }
  return failed ? context_.in_flight->fail(launch->token, *failed)
                : context_.in_flight->finish(launch->token);
}

// Null if there is none up to that value that could be waited for.
Session::LaunchPointer Session::oldest(std::uint64_t until) {
  flush();
  std::lock_guard lock(launches_mutex_);
  const Launch* const first = under_way_.first();
  return first && first->value.load() <= until ? first->self : nullptr;
}

// Those up to a value of the timeline.
std::vector<Session::LaunchPointer> Session::submitted(std::uint64_t until) {
  std::vector<LaunchPointer> launches;
  std::lock_guard lock(launches_mutex_);
  for (const Launch* at = under_way_.first(); at && at->value.load() <= until; at = at->next)
    launches.push_back(at->self);
  return launches;
}

// False if it did not end in time.
Result<bool> Session::bring_in(const LaunchPointer& launch, std::uint64_t timeout_ns) {
  SOKR_ASSIGN(const bool ended, device_->wait(launch->value.load(), timeout_ns));
  if (!ended) return false;
  finish(launch);
  // Another thread may be at it.
  context_.in_flight->completion(launch->token, UINT64_MAX);
  return true;
}

// What is kept for reuse goes; then the launches that were under way when memory was found short,
// the oldest first; then copies, and what was freed while either used it.
bool Session::make_room(Shortage& shortage) {
  if (device_->is_lost()) return false;
  buffers_->release_until(device_->seen());
  // What the last try gave back counts once.
  const bool dropped = recordings_->drop_idle();
  if (!std::exchange(shortage.dropped, true) && dropped) return true;
  if (!await_one(shortage)) return false;
  buffers_->release_until(device_->seen());
  recordings_->drop_idle();
  return true;
}

// False if it did not end within one's patience, or nothing is left to wait for: what others
// dispatch meanwhile is not.
bool Session::await_one(Shortage& shortage) {
  if (shortage.ended) return false;
  if (!shortage.until) {
    flush();
    (void)buffers_->prepare_for({});  // what cannot be submitted holds its memory
    shortage.until = device_->last_submitted();
  }
  const std::uint64_t patience = device_->patience_ns();
  if (const LaunchPointer first = oldest(*shortage.until)) {
    const Result<bool> ended = bring_in(first, patience);
    return ended && *ended;
  }
  shortage.ended = true;
  const bool copied = buffers_->await_copies(patience);
  const Result<bool> ended = device_->wait(*shortage.until, patience);
  return copied || (ended && *ended);
}

bool Session::has_room(std::uint64_t staged) {
  const Options& options = device_->options();
  if (!context_.in_flight->has_room(std::max<std::uint64_t>(options.in_flight, 1))) return false;
  if (staged == 0) return true;
  std::lock_guard lock(launches_mutex_);
  return staged_ == 0 || staged + staged_ <= options.in_flight_bytes;
}

// The oldest launch is the first to end.
Result<void> Session::await_room(std::uint64_t staged) {
  const Options& options = device_->options();
  while (!has_room(staged)) {
    const LaunchPointer first = oldest();
    if (!first) return {};
    SOKR_ASSIGN(const bool ended, bring_in(first, device_->patience_ns()));
    if (!ended)
      return fail(
          SOKR_DISPATCH_FAILED,
          "so many launches are under way on {} as may be at once ({}, and {} bytes of "
          "host memory for them), and none of them ended within {} ms; wait for some before "
          "dispatching more",
          device_->name(), options.in_flight, options.in_flight_bytes, options.patience_ms);
    std::this_thread::yield();
  }
  return {};
}

// What fails may fail for want of memory: once more when there is room, but for what has begun or
// can never be.
Result<void> Session::record_with_room(const substrate::LaunchView& launch,
                                       const Prepared& prepared, Dependency& dependency,
                                       Launch& to) {
  const std::size_t in_place = to.downloads.size();
  Result<void> recorded = record(launch, prepared, dependency, to);
  Shortage shortage;
  while (!recorded && !to.begun && dependency.failed.empty() && make_room(shortage)) {
    recordings_->release(std::move(to.recording));
    to.downloads.resize(in_place);
    recorded = record(launch, prepared, dependency, to);
  }
  if (!recorded) give_back(to);
  return recorded;
}

// What was recorded for a launch that does not become one.
void Session::give_back(Launch& launch) {
  if (!launch.recording) return;
  if (device_->is_lost() || launch.begun) device_->drain();
  recordings_->release(std::move(launch.recording));
}

// Of a launch that cannot be refused: it waited for one that failed, or has begun. 0 if all are
// used up.
std::uint64_t Session::failed_token(std::string sentence) {
  const std::uint64_t token = context_.in_flight->begin();
  if (token != 0) context_.in_flight->fail(token, std::move(sentence));
  return token;
}

void Session::abandon() {
  flush();  // fails what is collected
  device_->drain();
  for (const LaunchPointer& launch : submitted(UINT64_MAX))
    fail_launch(launch, device_->loss().sentence);
}

void Session::let_go() {
  std::unique_lock lock(results_mutex_);
  let_go_ = true;
}

void Session::clean_up() {
  buffers_->release_until(device_->seen());
  if (under_way_.size() <= kTidyAbove) return;
  {
    std::lock_guard lock(launches_mutex_);
    if (device_->last_submitted() < tidy_from_) return;
    tidy_from_ = device_->last_submitted() + kTidyAbove;
  }
  const Result<std::uint64_t> reached = device_->reached();
  if (!reached) return;
  for (const LaunchPointer& launch : submitted(*reached)) finish(launch);
}

std::uint64_t Session::help(const LaunchPointer& launch, std::uint64_t left_ns) {
  flush();
  if (launch->session != this || launch->value.load() == 0) return kLookAgainNs;
  const Result<bool> reached = device_->wait(launch->value.load(), std::min(left_ns, kWaitSliceNs));
  if (reached && !*reached) return 0;
  if (reached)
    finish(launch);
  else
    abandon();
  return kLookAgainNs;
}

bool Session::bring_to_end(const LaunchPointer& launch) {
  flush();
  if (launch->session != this || launch->value.load() == 0) return false;
  const Result<bool> reached = device_->wait(launch->value.load(), kWaitSliceNs);
  return reached && *reached && finish(launch);
}

}  // namespace sokr::vulkan
