// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The state of one registry slot and of the id counter, as 32-bit words and pure
// transitions. Nothing here is atomic: the registry applies a transition with one
// compare-and-swap. The assertions at the end walk every transition.
//
//   free --reserve--> reserved --publish(id)--> live(id) --retire--> draining(id) --release--> free
//                     reserved --release------------------------------------------> free
//
//   word: bits 0..15 the id (0 if free or reserved), bits 16..17 the phase, rest 0
#ifndef SOKR_CORE_SLOT_STATE_HPP_
#define SOKR_CORE_SLOT_STATE_HPP_

#include <stdint.h>

namespace sokr::core {

enum class Phase : uint32_t { kFree = 0, kReserved = 1, kLive = 2, kDraining = 3 };

inline constexpr uint32_t kMaxId = 0xFFFF;
inline constexpr uint32_t kFreeWord = 0;

constexpr uint32_t slot_word(Phase phase, uint32_t id) {
  return static_cast<uint32_t>(phase) << 16 | (id & kMaxId);
}
constexpr Phase phase_of(uint32_t word) {
  return static_cast<Phase>(word >> 16 & 3u);
}
constexpr uint32_t id_of(uint32_t word) {
  return word & kMaxId;
}
constexpr uint32_t live_word(uint32_t id) {
  return slot_word(Phase::kLive, id);
}

// A word before and after. `allowed` is false, and `to` equals `from`, if the
// transition does not exist in that state.
struct Transition {
  uint32_t from;
  uint32_t to;
  bool allowed;
};

constexpr Transition refuse(uint32_t word) {
  return {word, word, false};
}

constexpr Transition reserve(uint32_t word) {
  if (word != kFreeWord) return refuse(word);
  return {word, slot_word(Phase::kReserved, 0), true};
}

constexpr Transition publish(uint32_t word, uint32_t id) {
  if (word != slot_word(Phase::kReserved, 0) || id == 0 || id > kMaxId) return refuse(word);
  return {word, live_word(id), true};
}

constexpr Transition retire(uint32_t word) {
  if (phase_of(word) != Phase::kLive) return refuse(word);
  return {word, slot_word(Phase::kDraining, id_of(word)), true};
}

constexpr Transition release(uint32_t word) {
  if (phase_of(word) != Phase::kReserved && phase_of(word) != Phase::kDraining) {
    return refuse(word);
  }
  return {word, kFreeWord, true};
}

// The id counter holds the last id given out.
constexpr Transition take_id(uint32_t last) {
  if (last >= kMaxId) return refuse(last);
  return {last, last + 1, true};
}

// ---- Every transition, walked by the compiler ------------------------------------

namespace check {

constexpr bool well_formed(uint32_t word) {
  const bool has_id = id_of(word) != 0;
  const bool needs_id = phase_of(word) == Phase::kLive || phase_of(word) == Phase::kDraining;
  return word >> 18 == 0 && has_id == needs_id;
}

constexpr bool refuses_without_change(Transition t) {
  return t.allowed || t.to == t.from;
}

// Out of one well-formed word: which transitions exist, and where they lead.
constexpr bool walk(uint32_t word, uint32_t fresh_id) {
  const Phase phase = phase_of(word);
  const Transition all[] = {reserve(word), publish(word, fresh_id), retire(word), release(word)};
  for (const Transition& t : all) {
    if (t.from != word || !well_formed(t.to) || !refuses_without_change(t)) return false;
    if (t.allowed && t.to == word) return false;
  }
  if (all[0].allowed != (phase == Phase::kFree)) return false;
  if (all[1].allowed != (phase == Phase::kReserved)) return false;
  if (all[2].allowed != (phase == Phase::kLive)) return false;
  if (all[3].allowed != (phase == Phase::kReserved || phase == Phase::kDraining)) return false;
  if (all[0].allowed && phase_of(all[0].to) != Phase::kReserved) return false;
  if (all[1].allowed && all[1].to != live_word(fresh_id)) return false;
  if (all[2].allowed && all[2].to != slot_word(Phase::kDraining, id_of(word))) return false;
  return !all[3].allowed || all[3].to == kFreeWord;
}

constexpr bool walk_ids(uint32_t first, uint32_t last) {
  for (uint32_t id = first; id <= last; ++id) {
    const uint32_t fresh = id == kMaxId ? 1 : id + 1;
    if (!walk(live_word(id), fresh) || !walk(slot_word(Phase::kDraining, id), fresh)) return false;
    if (publish(slot_word(Phase::kReserved, 0), id).to != live_word(id)) return false;
    const Transition next = take_id(id - 1);
    if (!next.allowed || next.to != id) return false;
  }
  return true;
}

static_assert(walk(kFreeWord, 1) && walk(slot_word(Phase::kReserved, 0), 1));
// Both ends and the middle of the ids; all 65,535 would pass the step limit of compilers,
// and are walked by a test.
static_assert(walk_ids(1, 0x03FF));
static_assert(walk_ids(0x7F00, 0x80FF));
static_assert(walk_ids(0xFC00, kMaxId));
static_assert(!publish(slot_word(Phase::kReserved, 0), 0).allowed);
static_assert(!publish(slot_word(Phase::kReserved, 0), kMaxId + 1).allowed);
static_assert(!take_id(kMaxId).allowed && !take_id(kMaxId + 1).allowed);

}  // namespace check
}  // namespace sokr::core

#endif  // SOKR_CORE_SLOT_STATE_HPP_
