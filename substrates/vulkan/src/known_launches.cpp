// SPDX-License-Identifier: MIT OR Apache-2.0
#include "known_launches.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sokr::vulkan {
namespace {

constexpr std::size_t kMostIr = 4096, kMostParams = 1024;

// Of what the launch says beside values; 0 if it is none to be kept. A hint: bytes that nobody has
// checked yet are read within their bounds.
std::uint64_t hash_of(const SokrDispatchRequest& request) {
  constexpr std::size_t kHeader = SOKR_LAUNCH_HEADER_SIZE_1;
  constexpr std::uint32_t kMostBindings = 8;
  constexpr std::size_t kHashedIr = 64;  // of more, the address stands for it
  if (request.params == nullptr || request.params_len < kHeader ||
      request.params_len > kMostParams || request.ir_data == nullptr ||
      request.ir_data_len > kMostIr) {
    return 0;
  }
  SokrLaunchHeader header;
  std::memcpy(&header, request.params, kHeader);
  std::uint64_t hash = request.ir_data_len <= kHashedIr
                           ? XXH3_64bits(request.ir_data, request.ir_data_len)
                           : reinterpret_cast<std::uintptr_t>(request.ir_data);
  const std::uint64_t bindings =
      std::min(header.binding_count, kMostBindings) * std::uint64_t{SOKR_BINDING_SIZE_1_0};
  if (header.binding_offset == kHeader && kHeader + bindings <= request.params_len)
    return std::max<std::uint64_t>(XXH3_64bits_withSeed(request.params, kHeader + bindings, hash),
                                   1);
  hash = XXH3_64bits_withSeed(request.params, kHeader, hash);
  if (header.binding_offset + bindings <= request.params_len)
    hash = XXH3_64bits_withSeed(request.params + header.binding_offset, bindings, hash);
  return std::max<std::uint64_t>(hash, 1);
}

}  // namespace

KnownLaunches::Pointer KnownLaunches::find(const SokrDispatchRequest& request) const {
  const std::uint64_t hash = hash_of(request);
  if (hash == 0) return nullptr;
  const Stripe& stripe = stripes_[substrate::thread_stripe()];
  Pointer found;
  {
    std::lock_guard lock(stripe.mutex);
    found = stripe.slots[hash % kSlots].launch;
  }
  if (!found || found->substrate_id != request.substrate_id ||
      found->ir.size() != request.ir_data_len ||
      std::memcmp(found->ir.data(), request.ir_data, request.ir_data_len) != 0) {
    return nullptr;
  }
  return found;
}

bool KnownLaunches::is_wanted(const SokrDispatchRequest& request) {
  const std::uint64_t hash = hash_of(request);
  if (hash == 0) return false;
  Stripe& stripe = stripes_[substrate::thread_stripe()];
  std::lock_guard lock(stripe.mutex);
  return std::exchange(stripe.slots[hash % kSlots].last, hash) == hash;
}

void KnownLaunches::keep(const SokrDispatchRequest& request, Pointer launch) {
  const std::uint64_t hash = hash_of(request);
  if (hash == 0) return;
  Stripe& stripe = stripes_[substrate::thread_stripe()];
  std::lock_guard lock(stripe.mutex);
  stripe.slots[hash % kSlots].launch.swap(launch);
}

void KnownLaunches::clear() {
  for (Stripe& stripe : stripes_)
    for (Slot& slot : stripe.slots) slot.launch.reset();
}

}  // namespace sokr::vulkan
