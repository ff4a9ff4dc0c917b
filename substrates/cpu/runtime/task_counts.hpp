// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How many tasks were put, and how many of them have ended, counted for each thread that puts some:
// what one thread puts is on a cache line that only it and those who end its tasks write.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_TASK_COUNTS_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_TASK_COUNTS_HPP_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sokr/substrate/striped_mutex.hpp>

namespace sokr::cpu {

class TaskCounts {
 public:
  // New ones, with an owner for each stripe.
  static std::array<std::shared_ptr<TaskCounts>, substrate::kStripes> owners() {
    const auto counts = std::make_shared<TaskCounts>();
    std::array<std::shared_ptr<TaskCounts>, substrate::kStripes> all;
    for (auto& one : all) one = {counts.get(), [counts](TaskCounts*) {}};
    return all;
  }

  // A task of the calling thread; what it returns is for end().
  std::size_t add() {
    const std::size_t stripe = substrate::thread_stripe();
    stripes_[stripe].put.fetch_add(1, std::memory_order_relaxed);
    return stripe;
  }
  // What the task did is seen by whom await_none() lets go. One that could not be put ends, too.
  void end(std::size_t stripe) {
    stripes_[stripe].ended.fetch_add(1, std::memory_order_acq_rel);
    stripes_[stripe].ended.notify_all();
  }

  std::uint64_t put() const {
    std::uint64_t total = 0;
    for (const Stripe& stripe : stripes_) total += stripe.put.load(std::memory_order_acquire);
    return total;
  }
  // Queued or under way: fewer than 2^32.
  std::uint32_t left() const {
    // In this order: as ended counts only what was put, no task is missed, those put by tasks too.
    std::uint32_t ended = 0;
    for (const Stripe& stripe : stripes_) ended += stripe.ended.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(put()) - ended;
  }
  void await_none() const {
    while (left() != 0)
      for (const Stripe& stripe : stripes_)
        for (std::uint32_t ended;
             (ended = stripe.ended.load(std::memory_order_acquire)) !=
             static_cast<std::uint32_t>(stripe.put.load(std::memory_order_relaxed));)
          stripe.ended.wait(ended, std::memory_order_acquire);
  }

 private:
  struct alignas(substrate::kCacheLine) Stripe {
    std::atomic<std::uint64_t> put{0};
    // Of 32 bits, which the system can wait for: others are told of by way of a line of all.
    std::atomic<std::uint32_t> ended{0};
  };

  std::array<Stripe, substrate::kStripes> stripes_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_TASK_COUNTS_HPP_
