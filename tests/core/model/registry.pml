/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The life of substrates in the core's registry, with callers: register, deregister,
 * dispatch, completion. Every access of a word is one step, in any interleaving
 * (sequentially consistent; the Relacy test covers the weaker orders).
 *
 * Bounds: 2 slots, 3 lives of plugins, and either 2 callers on a stripe each, with a
 * dispatch and its completion, or (-DLISTING) one thread that lists. A caller tries any
 * id that exists, has existed or comes next, and keeps its token when the plugin goes.
 *
 * Asserted: a plugin is entered only while it lives, only by its own id and tokens;
 * destroy comes once, with nobody inside; listing sees one moment's substrates.
 * Spin's own checks: deregistration ends, nobody blocks for ever.
 *
 * Mutants (spin -DM_...), each of which must fail:
 *   M_CHECK_THEN_COUNT  looks at the state before it counts itself in
 *   M_NO_RECHECK        counts itself in and does not look at the state again
 *   M_DESTROY_FIRST     destroys before the callers have left
 *   M_ONE_STRIPE        waits for the first stripe only
 *   M_ID_COMES_BACK     gives an id out again
 *   M_STATE_WITHOUT_ID  compares the phase only, not the id
 *   M_LIST_ONCE         lists without looking at the count of changes again
 *   M_FORGETS_TO_LEAVE  a refused caller leaves its count behind
 */
#define SLOTS 2
#define CALLERS 2
#define LIVES 3

#define FREE 0
#define RESERVED 1
#define LIVE 2
#define DRAINING 3
#define WORD(phase, id) ((phase) * 16 + (id))

byte word[SLOTS];               /* WORD(phase, id) */
byte count[SLOTS * CALLERS];    /* in-flight, one stripe a caller */
byte changes;
byte last_id;

/* Ghosts: what really is. A life is one registration; the payload names it. */
byte payload[SLOTS];
bool alive[LIVES + 1];
byte inside[LIVES + 1];
byte destroyed[LIVES + 1];
byte id_of_life[LIVES + 1];

inline leave(slot, me) { count[slot * CALLERS + me]-- }

/* Sets `slot` to where `id` is live, or SLOTS. */
inline find(id, slot) {
  if
  :: word[0] == WORD(LIVE, id) -> slot = 0
  :: else ->
    if
    :: word[1] == WORD(LIVE, id) -> slot = 1
    :: else -> slot = SLOTS
    fi
  fi
}

#ifdef M_STATE_WITHOUT_ID
#define IS_LIVE(slot, id) (word[slot] / 16 == LIVE)
#else
#define IS_LIVE(slot, id) (word[slot] == WORD(LIVE, id))
#endif

/* `entered` tells whether the caller is inside slot. */
inline enter(id, slot, me, entered) {
  entered = false;
  find(id, slot);
  if
  :: slot == SLOTS
  :: else ->
#ifdef M_CHECK_THEN_COUNT
    if
    :: IS_LIVE(slot, id) -> count[slot * CALLERS + me]++; entered = true
    :: else
    fi
#else
    count[slot * CALLERS + me]++;
#ifdef M_NO_RECHECK
    entered = true
#else
    if
    :: IS_LIVE(slot, id) -> entered = true
    :: else ->
#ifndef M_FORGETS_TO_LEAVE
      leave(slot, me)
#else
      skip
#endif
    fi
#endif
#endif
  fi
}

/* One call into the plugin of the slot, by a caller that asked for `id`. `life` is
 * the life that its token came from, or 0 for a dispatch. */
inline call(id, slot, life) {
  now_in = payload[slot];
  assert(now_in != 0);
  atomic { assert(alive[now_in]); inside[now_in]++ };
  assert(id_of_life[now_in] == id);
  assert(life == 0 || life == now_in);
  atomic { assert(alive[now_in]); inside[now_in]-- }
}

#ifndef LISTING
active [CALLERS] proctype Caller() {
  byte me = _pid, id, slot, token_life, now_in;
  bool entered;
  select(id : 1 .. LIVES);
  enter(id, slot, me, entered);
  if
  :: entered ->
    call(id, slot, 0);
    token_life = now_in;
    leave(slot, me);
    enter(id, slot, me, entered);  /* the completion */
    if
    :: entered ->
      call(id, slot, token_life);
      leave(slot, me)
    :: else
    fi
  :: else
  fi
}
#else
/* A listing: the live ids at one moment. */
active proctype Lister() {
  byte before, slot, seen;
again:
  before = changes;
  seen = 0;
  slot = 0;
  do
  :: slot < SLOTS -> seen = seen + (word[slot] / 16 == LIVE -> 1 : 0); slot++
  :: else -> break
  od;
#ifndef M_LIST_ONCE
  if
  :: changes != before -> goto again
  :: else
  fi;
#endif
  /* The registering process never has two live at once. */
  assert(seen <= 1)
}
#endif

active proctype Registrar() {
  byte life, slot, stripe, id;
  for (life : 1 .. LIVES) {
    /* add: the slots in turn from where the id would be */
    slot = (last_id + 1) % SLOTS;
    if
    :: word[slot] == WORD(FREE, 0) -> word[slot] = WORD(RESERVED, 0)
    :: else -> slot = 1 - slot; assert(word[slot] == WORD(FREE, 0)); word[slot] = WORD(RESERVED, 0)
    fi;
#ifdef M_ID_COMES_BACK
    last_id = 1;
#else
    last_id++;
#endif
    id = last_id;
    atomic { id_of_life[life] = id; alive[life] = true };
    payload[slot] = life;
    word[slot] = WORD(LIVE, id);
    changes++;
    /* remove */
    word[slot] = WORD(DRAINING, id);
    changes++;
#ifdef M_DESTROY_FIRST
    atomic { assert(inside[life] == 0); alive[life] = false; destroyed[life]++ };
#endif
    stripe = 0;
    do
#ifdef M_ONE_STRIPE
    :: stripe < 1 -> (count[slot * CALLERS + stripe] == 0); stripe++
#else
    :: stripe < CALLERS -> (count[slot * CALLERS + stripe] == 0); stripe++
#endif
    :: else -> break
    od;
#ifndef M_DESTROY_FIRST
    atomic { assert(inside[life] == 0); alive[life] = false; destroyed[life]++ };
#endif
    assert(destroyed[life] == 1);
    payload[slot] = 0;
    word[slot] = WORD(FREE, 0)
  }
}
