// SPDX-License-Identifier: MIT OR Apache-2.0
#include "races.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sokr::cpu::test {

bool RaceFinder::in_the_way(const Visit& before, const Visit& now) {
  if (before.is_atomic && now.is_atomic) return false;
  if (before.group != now.group) return true;
  return before.invocation != now.invocation && before.barriers == now.barriers;
}

void RaceFinder::visit(Place& place, const reference::Access& access, const Visit& now) {
  const auto note = [&](const Visit& before, const char* what) {
    if (race_.empty())
      race_ = fmt::format("invocation {} of workgroup {} {} (word {}) what invocation {} of {} {}",
                          now.invocation, now.group, access.is_write ? "writes" : "reads",
                          access.word, before.invocation, before.group, what);
  };
  if (place.is_written && in_the_way(place.write, now)) note(place.write, "has written");
  if (place.is_written && place.write.is_atomic && now.is_atomic &&
      (place.write.group != now.group || place.write.invocation != now.invocation))
    meetings_.emplace(place.write.word, now.word);
  if (access.is_workgroup && !access.is_write && !place.is_written && unwritten_.empty())
    unwritten_ =
        fmt::format("invocation {} reads Workgroup memory (word {}) that nobody has written",
                    now.invocation, access.word);
  if (!access.is_write) {
    constexpr std::size_t kMostReads = 8;
    const auto same = std::ranges::find_if(place.reads, [&](const Visit& v) {
      return v.group == now.group && (v.invocation == now.invocation || v.barriers < now.barriers);
    });
    if (same != place.reads.end())
      *same = now;
    else if (place.reads.size() < kMostReads)
      place.reads.push_back(now);
    return;
  }
  for (const Visit& read : place.reads)
    if (in_the_way(read, now)) note(read, "has read");
  place.reads.clear();
  place.is_written = true;
  place.write = now;
}

void RaceFinder::access(const reference::Access& access) {
  const std::lock_guard lock(mutex_);
  const Visit now{access.group, access.invocation, access.barriers, access.is_atomic, access.word};
  for (std::uint32_t i = 0; i < access.bytes; ++i) visit(places_[access.address + i], access, now);
}

void RaceFinder::begin_group(std::uintptr_t address, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  for (std::uint64_t i = 0; i < bytes; ++i) places_.erase(address + i);
}

}  // namespace sokr::cpu::test
