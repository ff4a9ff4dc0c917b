// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launches that were found right before. Programs launch the same again and again: the same kernel
// with the same bindings and sizes, and other push constants and tokens to wait for at most. Such a
// launch need not be read, judged and bound anew, which takes longer than to submit it.
//
// Nothing is kept alive here but descriptor sets: neither pipelines nor buffers. What a launch
// names that is gone, or that was freed or released, is no launch that is known. Bounded: so many
// launches for each stripe of threads, none with much IR; who has more prepares it (prepared.hpp).
// Any thread.
#ifndef SOKR_VULKAN_KNOWN_LAUNCHES_HPP_
#define SOKR_VULKAN_KNOWN_LAUNCHES_HPP_

#include <sokr/compute.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sokr/substrate/inline_vector.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <vector>

#include "memory.hpp"
#include "pipeline.hpp"
#include "recording.hpp"

namespace sokr::vulkan {

// What a launch runs on and with, found right.
struct JudgedLaunch {
  substrate::ResolvedLaunch resolved;
  substrate::InlineVector<Bound, 8> bound;
  VkBuffer indirect = VK_NULL_HANDLE;
  bool reusable = true;
};

struct KnownLaunch {
  static constexpr std::uint64_t kHasItsIr = UINT64_MAX;
  std::vector<std::uint8_t> params, ir;
  std::uint32_t substrate_id = 0;
  substrate::LaunchView view;  // of `params`
  // How many kernels had been released, of one that is named by its handle.
  std::uint64_t released = kHasItsIr;
  std::weak_ptr<Pipeline> pipeline;
  std::vector<std::weak_ptr<Buffer>> buffers;
  JudgedLaunch judged;                    // without push constants
  RecordKey key;                          // of the whole grid at once
  std::shared_ptr<const BoundSets> sets;  // null where it needs its own
};

class KnownLaunches {
 public:
  using Pointer = std::shared_ptr<const KnownLaunch>;

  // A launch whose request says the same, but for values of push constants and tokens to wait for;
  // null if there is none.
  Pointer find(const SokrDispatchRequest& request) const;
  // Whether it is worth keeping, for it is asked for a second time at least.
  bool is_wanted(const SokrDispatchRequest& request);
  void keep(const SokrDispatchRequest& request, Pointer launch);

  // Forgets all. Nobody dispatches meanwhile.
  void clear();

  // Launches that were known, as far as they were noted; for tests.
  void note_known() { stripes_[substrate::thread_stripe()].known.fetch_add(1, kRelaxed); }
  std::uint64_t known() const {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) sum += stripe.known.load(kRelaxed);
    return sum;
  }

 private:
  static constexpr std::size_t kSlots = 128;
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  struct Slot {
    std::uint64_t last = 0;  // the hash of what was asked for last
    Pointer launch;
  };
  struct alignas(substrate::kCacheLine) Stripe {
    mutable std::mutex mutex;
    std::array<Slot, kSlots> slots;
    std::atomic<std::uint64_t> known{0};
  };
  std::array<Stripe, substrate::kStripes> stripes_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_KNOWN_LAUNCHES_HPP_
