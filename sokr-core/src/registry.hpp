// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which substrates exist, and who is inside them. Payload is what a slot holds (the
// plugin's functions); the registry hands it out only between enter and leave.
//
// Threads: enter, leave and snapshot from any thread at any time, without a lock;
// snapshot looks again if an add or remove was finished meanwhile. add and remove are
// serialised by the caller; if they are not, only the order of ids and the moment of
// snapshots suffer. An id is found by linear probing from the slot where an undisturbed
// registry puts it: one look as a rule, all slots if it is not there.
//
// Ordering. A reader counts itself in (E1), then looks at the slot's state (E2).
// Removal makes the state draining (R1), then looks at the counts (R2). All four are
// sequentially consistent, so at least one sees the other: either R2 sees the count
// and waits, or E2 sees the new state and backs out. Two more pairs make the payload
// plain memory: publication (release, P) with E2 (acquire), and the reader's leaving
// (release, L) with R2 (acquire). Counts change by read-modify-write only, so each L
// heads a release sequence that reaches the value R2 reads. A slot may be reused
// between E1 and E2: the id is part of the state and never comes back, so E2 fails.
#ifndef SOKR_CORE_REGISTRY_HPP_
#define SOKR_CORE_REGISTRY_HPP_

#include <stddef.h>
#include <stdint.h>

#include "atomics.hpp"
#include "slot_state.hpp"

namespace sokr::core {

template <class Policy, class Payload, uint32_t kSlots, uint32_t kStripes, size_t kCacheLine>
class Registry {
  static_assert(kSlots >= 1 && kSlots <= 1024, "a registry has 1 to 1,024 slots");
  static_assert(kStripes >= 1 && kStripes <= 1024, "a registry has 1 to 1,024 stripes");

 public:
  // A caller's stay inside one substrate. `payload` is null if it did not get in.
  struct Visit {
    const Payload* payload;
    uint32_t slot;
    uint32_t stripe;
  };

  // The live ids at one moment during the call, in order of registration.
  struct Snapshot {
    uint32_t count = 0;
    uint16_t ids[kSlots];
  };

  // The new id, or 0 if no slot or no id is left.
  uint32_t add(const Payload& payload) {
    const uint32_t slot = reserve_slot(last_id_.template load<Order::kRelaxed>() + 1);
    if (slot == kSlots) return 0;
    const uint32_t id = next_id();
    if (id == 0) {
      apply<Order::kRelease>(words_[slot], release(slot_word(Phase::kReserved, 0)));
      return 0;
    }
    payloads_[slot].set(payload);
    apply<Order::kRelease>(words_[slot], publish(slot_word(Phase::kReserved, 0), id));  // P
    changes_.template add<Order::kRelease>(1);                                          // C
    return id;
  }

  // Makes the id unreachable, waits until nobody is inside, calls last(payload) and
  // frees the slot. If somebody is inside, warn(payload) is called once before the wait,
  // beside them. False if the id is not live.
  template <class Last>
  bool remove(uint32_t id, Last last) {
    return remove(id, [](const Payload&) {}, last);
  }
  template <class Warn, class Last>
  bool remove(uint32_t id, Warn warn, Last last) {
    const uint32_t slot = find(id);
    if (slot == kSlots) return false;
    if (!apply<Order::kSeqCst>(words_[slot], retire(live_word(id)))) return false;  // R1
    changes_.template add<Order::kRelease>(1);                                      // C
    bool warned = false;
    for (uint32_t stripe = 0; stripe < kStripes; ++stripe) {
      while (counts_[stripe].of[slot].template load<Order::kSeqCst>() != 0) {  // R2
        if (!warned) warn(payloads_[slot].get());
        warned = true;
        Policy::wait();
      }
    }
    last(payloads_[slot].get());
    apply<Order::kRelease>(words_[slot], release(slot_word(Phase::kDraining, id)));
    return true;
  }

  Visit enter(uint32_t id) {
    const uint32_t slot = find(id);
    if (slot == kSlots) return {nullptr, 0, 0};
    const uint32_t stripe = Policy::stripe(kStripes);
    counts_[stripe].of[slot].template add<Order::kSeqCst>(1);             // E1
    if (words_[slot].template load<Order::kSeqCst>() == live_word(id)) {  // E2
      return {&payloads_[slot].get(), slot, stripe};
    }
    leave({nullptr, slot, stripe});
    return {nullptr, 0, 0};
  }

  void leave(const Visit& visit) {
    counts_[visit.stripe].of[visit.slot].template subtract<Order::kRelease>(1);  // L
  }

  // A scan is one moment's truth if no change was finished during it: the one change
  // that may be under way is then seen as a whole or not at all.
  void snapshot(Snapshot& out) const {
    uint32_t before;
    do {
      before = changes_.template load<Order::kAcquire>();
      scan(out);
    } while (changes_.template load<Order::kRelaxed>() != before);
  }

 private:
  using Word = typename Policy::Word;

  template <Order kOrder>
  static bool apply(Word& word, Transition transition) {
    return transition.allowed && word.template swap_if<kOrder>(transition.from, transition.to);
  }

  // Ids are given out in order, so order of registration is order of ids. Acquire: a
  // word seen here takes the count of the changes before it along (C), and keeps the
  // second look at that count behind itself.
  void scan(Snapshot& out) const {
    out.count = 0;
    for (const Word& word : words_) {
      const uint32_t seen = word.template load<Order::kAcquire>();
      if (phase_of(seen) != Phase::kLive) continue;
      const auto id = static_cast<uint16_t>(id_of(seen));
      uint32_t at = out.count++;
      for (; at > 0 && out.ids[at - 1] > id; --at) out.ids[at] = out.ids[at - 1];
      out.ids[at] = id;
    }
  }

  // The slot where the id is live, or kSlots. The answer may be outdated at once.
  uint32_t find(uint32_t id) const {
    if (id == 0 || id > kMaxId) return kSlots;
    uint32_t slot = id % kSlots;
    for (uint32_t looks = 0; looks < kSlots; ++looks) {
      if (words_[slot].template load<Order::kRelaxed>() == live_word(id)) return slot;
      slot = slot + 1 == kSlots ? 0 : slot + 1;
    }
    return kSlots;
  }

  // Acquire pairs with the release that freed the slot: its last user is done with it.
  uint32_t reserve_slot(uint32_t likely_id) {
    uint32_t slot = likely_id % kSlots;
    for (uint32_t looks = 0; looks < kSlots; ++looks) {
      if (apply<Order::kAcquire>(words_[slot], reserve(kFreeWord))) return slot;
      slot = slot + 1 == kSlots ? 0 : slot + 1;
    }
    return kSlots;
  }

  uint32_t next_id() {
    for (;;) {
      const Transition next = take_id(last_id_.template load<Order::kRelaxed>());
      if (!next.allowed) return 0;
      if (apply<Order::kRelaxed>(last_id_, next)) return next.to;
    }
  }

  // The counts that one thread changes lie together, away from those of others.
  struct alignas(kCacheLine) Stripe {
    Word of[kSlots];
  };

  // Read by everybody, written only by add and remove.
  alignas(kCacheLine) Word words_[kSlots];
  typename Policy::template Cell<Payload> payloads_[kSlots];
  Word last_id_;
  Word changes_;  // of the set of live ids
  Stripe counts_[kStripes];
};

}  // namespace sokr::core

#endif  // SOKR_CORE_REGISTRY_HPP_
