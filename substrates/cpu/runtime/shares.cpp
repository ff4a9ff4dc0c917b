// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/shares.hpp"

#include <algorithm>

namespace sokr::cpu {
namespace {

using Claim = Shares::Claim;

Claim unpack(std::uint64_t left) {
  return {static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(left >> 32)};
}

std::uint64_t pack(Claim left) {
  return std::uint64_t{left.end} << 32 | left.begin;
}

std::uint32_t size_of_claim(std::uint32_t left, std::uint32_t least, std::uint32_t most) {
  return std::min(left, std::clamp(left / 8, least, most));
}

}  // namespace

void Shares::set(std::uint32_t total, std::uint32_t parts) {
  count_ = parts;
  if (parts != 1) parts_ = std::vector<Part>(parts);
  Part* const all = parts == 1 ? &only_ : parts_.data();
  for (std::uint32_t i = 0; i < parts; ++i) {
    const auto at = [&](std::uint32_t part) {
      return static_cast<std::uint32_t>(std::uint64_t{total} * part / parts);
    };
    all[i].left.store(pack({at(i), at(i + 1)}), std::memory_order_relaxed);
  }
}

Claim Shares::claim(std::uint32_t home, std::uint32_t least, std::uint32_t most) {
  Part* const all = count_ == 1 ? &only_ : parts_.data();
  for (std::uint32_t i = 0; i < count_; ++i) {
    std::atomic<std::uint64_t>& part = all[(home + i) % count_].left;
    std::uint64_t now = part.load(std::memory_order_relaxed);
    for (Claim left = unpack(now); left.size() != 0; left = unpack(now)) {
      const std::uint32_t size = size_of_claim(left.size(), least, most);
      Claim taken = left;
      if (i == 0)
        left.begin = taken.end = left.begin + size;
      else
        left.end = taken.begin = left.end - size;
      if (part.compare_exchange_weak(now, pack(left), std::memory_order_relaxed)) return taken;
    }
  }
  return {};
}

bool Shares::any_left() const {
  return std::any_of(begin(), end(), [](const Part& part) {
    return unpack(part.left.load(std::memory_order_relaxed)).size() != 0;
  });
}

std::uint32_t Shares::next_size(std::uint32_t least, std::uint32_t most) const {
  for (const Part& part : *this)
    if (const Claim left = unpack(part.left.load(std::memory_order_relaxed)); left.size() != 0)
      return size_of_claim(left.size(), least, most);
  return 0;
}

}  // namespace sokr::cpu
