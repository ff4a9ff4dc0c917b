// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstdint>
#include <sokr/substrate/striped_mutex.hpp>

namespace sokr::substrate {

std::size_t thread_stripe() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local std::size_t stripe = kStripes;  // a constant: nothing guards its initialization
  if (stripe == kStripes) [[unlikely]]
    stripe = next.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return stripe;
}

// enter() counts itself before it looks at open_, close() clears open_ before it
// looks at the counts, both sequentially consistent: one of the two sees the other.
bool CallGate::enter() noexcept {
  std::atomic<std::uint32_t>& inside = stripes_[thread_stripe()].inside;
  inside.fetch_add(1);
  if (open_.load()) return true;
  leave();
  return false;
}

void CallGate::leave() noexcept {
  std::atomic<std::uint32_t>& inside = stripes_[thread_stripe()].inside;
  if (inside.fetch_sub(1) == 1 && !open_.load()) inside.notify_all();
}

void CallGate::close() noexcept {
  open_.store(false);
  for (Stripe& stripe : stripes_) {
    for (std::uint32_t n = stripe.inside.load(); n != 0; n = stripe.inside.load()) {
      stripe.inside.wait(n);
    }
  }
}

}  // namespace sokr::substrate
