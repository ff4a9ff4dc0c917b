// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A step: some tens of nanoseconds of ordinary code, as runtimes and drivers are made of it. What
// takes so many steps takes as many on a machine that is slower, today or always; a bound in steps
// is the same bound everywhere, which one in nanoseconds is not.
#ifndef SOKR_BENCH_STEP_HPP_
#define SOKR_BENCH_STEP_HPP_

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "clock.hpp"

namespace sokr::bench {

class Steps {
 public:
  Steps() {
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      entries_[i * kStride] = std::make_unique<Entry>(Entry{{i}});
    }
  }
  // Of one step, in ns, from some thousand of them.
  double measure() {
    const double start = now_ns();
    for (int i = 0; i < kInRow; ++i) step();
    return (now_ns() - start) / kInRow;
  }
  std::uint64_t sum() const { return sum_; }  // so that none is left out

 private:
  static constexpr std::uint64_t kEntries = 64, kStride = 0x9E3779B97F4A7C15u;
  static constexpr int kInRow = 4000;
  struct Entry {
    std::uint64_t words[8];
  };
  // An entry is looked up under a lock, copied, changed by what was found before, and put back.
  void step() {
    const std::lock_guard lock(mutex_);
    Entry copy = *entries_.find((sum_ % kEntries) * kStride)->second;
    for (std::uint64_t& word : copy.words) word = (word ^ sum_) * kStride;
    sum_ += copy.words[sum_ % 8] >> 32 | 1;
    std::memcpy(recent_[sum_ % kEntries].words, copy.words, sizeof copy.words);
  }

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries_;
  std::vector<Entry> recent_ = std::vector<Entry>(kEntries);
  std::uint64_t sum_ = 1;
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_STEP_HPP_
