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

constexpr std::uint64_t kMostPatienceMs = 1'000'000'000;
constexpr auto kBurst = std::chrono::microseconds(100);
constexpr std::size_t kTidyAbove = 16;  // launches in flight from which dispatch cleans up

}  // namespace

Result<std::uint64_t> Session::submit_all(const Recording& recording, std::uint64_t after) {
  std::uint64_t last = 0;
  for (const VkCommandBuffer commands : recording.commands()) {
    Result<std::uint64_t> value = device_->submit(commands, after);
    if (!value) {
      // Nothing of it may be under way when it is given up.
      if (last != 0) device_->drain();
      return value;
    }
    last = *value;
  }
  return last;
}

// Submits what the launch comes after, as far as that is only collected. False if it failed.
bool Session::settle(Dependency& dependency) {
  if (dependency.pending.empty()) return true;
  flush();
  for (const LaunchPointer& earlier : std::exchange(dependency.pending, {})) {
    const std::uint64_t value = earlier->value.load();
    dependency.after = std::max(dependency.after, value);
    if (value != 0) continue;
    dependency.failed = fmt::format("the launch that it waits for (token {}) failed: {}",
                                    earlier->token, context_.in_flight->error(earlier->token));
    return false;
  }
  return true;
}

// Only while the device has work: nothing waits for a launch that is alone. One right behind
// another, whose end nobody saw, is not alone.
bool Session::may_collect(const Launch& launch) {
  if (device_->options().collect < 2 || !launch.recording || launch.begun ||
      launch.recording->commands().size() != 1) {
    return false;
  }
  if (!collected_.empty()) return true;
  const std::uint64_t last = device_->last_submitted();
  if (last <= device_->seen()) return false;
  if (std::chrono::steady_clock::now() < burst_until_) return true;
  const Result<std::uint64_t> reached = device_->reached();
  return reached && *reached < last;
}

void Session::note_submitted(ByValue::node_type node, std::uint64_t value) {
  node.mapped()->value.store(value);
  std::lock_guard lock(launches_mutex_);
  node.key().first = value;
  by_value_.insert(std::move(node));
}

Result<std::uint64_t> Session::submit_collected() {
  substrate::InlineVector<VkCommandBuffer, 2 * kMostCollected> commands;
  for (const Collected& one : collected_) {
    if (one.behind) {
      SOKR_ASSIGN(const VkCommandBuffer barrier, recordings_->barrier());
      commands.push_back(barrier);
    }
    commands.push_back(one.launch->recording->commands().front());
  }
  return device_->submit(commands.span(), collected_after_);
}

void Session::flush_locked() {
  if (collected_.empty()) return;
  const Result<std::uint64_t> value = submit_collected();
  for (Collected& one : collected_) {
    if (value) {
      note_submitted(std::move(one.node), *value);
    } else {
      fail_launch(one.launch, value.failure().sentence);
    }
  }
  collected_.clear();
  collected_after_ = 0;
  collected_count_.store(0);
  burst_until_ = std::chrono::steady_clock::now() + kBurst;
}

void Session::flush() {
  if (collected_count_.load() == 0) return;
  std::lock_guard lock(collect_mutex_);
  flush_locked();
}

// 0 if it was collected.
Result<std::uint64_t> Session::submit_or_collect(const LaunchPointer& launch,
                                                 Dependency& dependency, ByValue::node_type& node) {
  std::lock_guard lock(collect_mutex_);
  const bool collect = may_collect(*launch);
  if (!collect) flush_locked();
  bool behind = false;
  for (const LaunchPointer& earlier : dependency.pending) {
    const std::uint64_t value = earlier->value.load();
    dependency.after = std::max(dependency.after, value);
    if (value != 0) continue;
    if (earlier->claimed.load()) {
      return fail(SOKR_DISPATCH_FAILED, "the launch that it waits for (token {}) failed: {}",
                  earlier->token, context_.in_flight->error(earlier->token));
    }
    behind = true;
  }
  if (collect) {
    collected_.push_back({launch, std::move(node), behind});
    collected_after_ = std::max(collected_after_, dependency.after);
    collected_count_.store(collected_.size());
    if (collected_.size() >= std::min<std::uint64_t>(kMostCollected, device_->options().collect))
      flush_locked();
    return std::uint64_t{0};
  }
  SOKR_ASSIGN(const std::uint64_t value,
              launch->recording
                  ? submit_all(*launch->recording, dependency.after)
                  : device_->submit(std::span<const VkCommandBuffer>(), dependency.after));
  note_submitted(std::move(node), value);
  burst_until_ = std::chrono::steady_clock::now() + kBurst;
  return value;
}

Result<std::uint64_t> Session::start(const LaunchPointer& launch, Dependency& dependency) {
  launch->token = context_.in_flight->begin();
  if (launch->token == 0) return std::uint64_t{0};
  const auto give_up = [&](Failure failure) {
    {
      std::lock_guard lock(launches_mutex_);
      launches_.erase(launch->token);
      if (std::exchange(launch->counted, false)) staged_ -= launch->staged;
    }
    context_.in_flight->fail(launch->token, failure.sentence);
    return failure;
  };
  if (Result<void> flushed = buffers_->flush(); !flushed)
    return give_up(std::move(flushed).failure());
  // All that can run out of memory comes before the submission.
  ByValue::node_type node;
  try {
    ByValue single{{{0, launch->token}, launch}};
    node = single.extract(single.begin());
    std::lock_guard lock(launches_mutex_);
    launches_.emplace(launch->token, launch);
    staged_ += launch->staged;
    launch->counted = true;
  } catch (const std::bad_alloc&) {
    return give_up(fail(SOKR_DISPATCH_FAILED, "out of memory"));
  }
  Result<std::uint64_t> value = submit_or_collect(launch, dependency, node);
  if (!value) return give_up(std::move(value).failure());
  if (device_->is_lost()) abandon();
  return launch->token;
}

void Session::finish(const LaunchPointer& launch) {
  if (launch->claimed.exchange(true)) return;
  if (launch->recording) {
    if (Result<void> seen = launch->recording->invalidate(); !seen) {
      return fail_claimed(launch, seen.failure().sentence);
    }
  }
  if (launch->downloads.size() != 0) {
    std::shared_lock lock(results_mutex_);
    for (const Download& download : launch->downloads.span()) {
      if (download.from && !let_go_) std::memcpy(download.to, download.from, download.size);
    }
  }
  if (launch->recording) {
    if (auto ns = launch->recording->device_ns()) {
      context_.in_flight->record_timing(launch->token, *ns);
    }
    recordings_->release(std::move(launch->recording));
  }
  launch->keep.clear();
  context_.in_flight->finish(launch->token);
  forget(launch);
}

void Session::fail_launch(const LaunchPointer& launch, const std::string& sentence) {
  if (!launch->claimed.exchange(true)) fail_claimed(launch, sentence);
}

void Session::fail_claimed(const LaunchPointer& launch, const std::string& sentence) {
  launch->recording.reset();
  launch->keep.clear();
  context_.in_flight->fail(launch->token, sentence);
  forget(launch);
}

void Session::forget(const LaunchPointer& launch) {
  std::lock_guard lock(launches_mutex_);
  launches_.erase(launch->token);
  by_value_.erase({launch->value.load(), launch->token});
  if (std::exchange(launch->counted, false)) staged_ -= launch->staged;
}

// False if there is none, or it cannot be waited for.
bool Session::end_oldest() {
  LaunchPointer oldest;
  flush();
  {
    std::lock_guard lock(launches_mutex_);
    if (device_->is_lost() || by_value_.empty()) return false;
    oldest = by_value_.begin()->second;
  }
  if (!device_->wait(oldest->value.load(), UINT64_MAX)) return false;
  finish(oldest);
  context_.in_flight->completion(oldest->token, UINT64_MAX);
  return true;
}

// The oldest launch is the first to end.
Result<void> Session::await_room(std::uint64_t staged) {
  const Options& options = device_->options();
  const std::uint64_t patience = std::min(options.patience_ms, kMostPatienceMs) * 1'000'000;
  while (true) {
    LaunchPointer oldest;
    {
      std::lock_guard lock(launches_mutex_);
      const bool room = launches_.size() < options.in_flight &&
                        (staged_ == 0 || staged + staged_ <= options.in_flight_bytes);
      if (launches_.empty() || room) return {};
    }
    flush();
    {
      std::lock_guard lock(launches_mutex_);
      if (by_value_.empty()) return {};
      oldest = by_value_.begin()->second;
    }
    SOKR_ASSIGN(const bool ended, device_->wait(oldest->value.load(), patience));
    if (!ended)
      return fail(
          SOKR_DISPATCH_FAILED,
          "so many launches are under way on {} as may be at once ({}, and {} bytes of "
          "host memory for them), and none of them ended within {} ms; wait for some before "
          "dispatching more",
          device_->name(), options.in_flight, options.in_flight_bytes, options.patience_ms);
    finish(oldest);
    // Another thread may be at it.
    context_.in_flight->completion(oldest->token, UINT64_MAX);
    std::this_thread::yield();
  }
}

void Session::abandon() {
  flush();  // fails what is collected
  device_->drain();
  const std::string sentence = device_->loss().sentence;
  std::vector<LaunchPointer> lost;
  {
    std::lock_guard lock(launches_mutex_);
    for (auto& [key, launch] : by_value_) lost.push_back(launch);
  }
  for (const LaunchPointer& launch : lost) fail_launch(launch, sentence);
}

void Session::let_go() {
  std::unique_lock lock(results_mutex_);
  let_go_ = true;
}

void Session::clean_up() {
  buffers_->release_until(device_->seen());
  std::vector<LaunchPointer> ended;
  {
    std::lock_guard lock(launches_mutex_);
    if (by_value_.size() <= kTidyAbove || device_->last_submitted() < tidy_from_) return;
    tidy_from_ = device_->last_submitted() + kTidyAbove;
  }
  Result<std::uint64_t> reached = device_->reached();
  if (!reached) return;
  {
    std::lock_guard lock(launches_mutex_);
    for (auto& [key, launch] : by_value_) {
      if (key.first > *reached) break;
      ended.push_back(launch);
    }
  }
  for (const LaunchPointer& launch : ended) finish(launch);
}

Session::Awaited Session::await(std::uint64_t token, std::uint64_t timeout_ns) {
  LaunchPointer launch = find_launch(token);
  if (!launch) return Awaited::kUnknown;
  flush();
  if (launch->value.load() == 0) return Awaited::kUnknown;
  Result<bool> reached = device_->wait(launch->value.load(), timeout_ns);
  if (!reached) {
    abandon();
    return Awaited::kEnded;
  }
  if (!*reached) return Awaited::kTimeout;
  finish(launch);
  return Awaited::kEnded;
}

}  // namespace sokr::vulkan
