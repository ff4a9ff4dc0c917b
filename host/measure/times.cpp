// SPDX-License-Identifier: MIT OR Apache-2.0
#include "times.hpp"

#include <algorithm>

#include "estimates.hpp"

namespace sokr::measure {

void Times::add(double ns) {
  if (count_ == 0) {
    first_ = least_ = most_ = ns;
  }
  least_ = std::min(least_, ns);
  most_ = std::max(most_, ns);
  sum_ += ns;
  if (count_++ % stride_ != 0) return;
  if (kept_.size() == most_kept_) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < kept_.size(); from += 2) kept_[to++] = kept_[from];
    kept_.resize(to);
    stride_ *= 2;
    if ((count_ - 1) % stride_ != 0) return;
  }
  kept_.push_back(ns);
}

double Times::percentile(double percent) const {
  if (percent <= 0) return least_;
  if (percent >= 100) return most_;
  return measure::percentile(kept_, percent);
}

}  // namespace sokr::measure
