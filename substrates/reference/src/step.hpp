// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The machine: steps, and the state of one invocation that executes them.
//
// Every scalar component of a value is one 64-bit slot: its bit pattern in the low bits,
// the rest 0 (a bool is 0 or 1). Vectors, matrices, arrays and structs are their
// components one after the other. A pointer is four slots (see Pointer).
#ifndef SOKR_REFERENCE_STEP_HPP_
#define SOKR_REFERENCE_STEP_HPP_

#include <cstdint>
#include <span>
#include <vector>

namespace sokr::reference {

using Slot = std::uint64_t;

// An operand: which of the lane's three slot arrays, and the index in it.
using Ref = std::uint32_t;
inline constexpr Ref kFrameRefs = 0;        // values of the current function
inline constexpr Ref kPoolRefs = 1u << 30;  // constants and pointers to shared memory
inline constexpr Ref kLaneRefs = 2u << 30;  // Private and Input variables
inline constexpr Ref kRefIndex = (1u << 30) - 1;
inline constexpr Ref kNoRef = UINT32_MAX;

struct Lane;
struct Step;
struct Worker;
struct Program;

// Executes one step; returns the next one, or null when the lane pauses (Lane::state says
// why, Lane::at where).
using Handler = const Step* (*)(Lane&, const Step*);

struct Step {
  Handler run = nullptr;
  Ref dst = 0, a = 0, b = 0, c = 0;
  std::uint32_t n = 1;      // components, or slots
  std::uint32_t extra = 0;  // the handler's own
};

enum class LaneState : std::uint8_t {
  kReady,     // goes on at `at`
  kSubgroup,  // waits at a subgroup operation
  kBarrier,   // waits at a workgroup barrier
  kDone,
  kFailed,  // Worker::failure says why
};

struct Frame {
  const Step* call = nullptr;  // in the caller
  Slot* base = nullptr;        // of the caller
};

struct Lane {
  Slot* base[3] = {};
  const Step* code = nullptr;
  const Step* at = nullptr;
  Worker* worker = nullptr;
  LaneState state = LaneState::kReady;
  std::uint32_t index = 0;    // LocalInvocationIndex
  std::uint32_t depth = 0;    // of `frames`
  std::vector<Frame> frames;  // sized once for the deepest call

  Slot* slots(Ref ref) { return base[ref >> 30] + (ref & kRefIndex); }
  Slot& slot(Ref ref) { return *slots(ref); }
};

// Makes a handler of a function that works on one step and never branches.
template <void (*Function)(Lane&, const Step&)>
const Step* straight(Lane& lane, const Step* step) {
  Function(lane, *step);
  return step + 1;
}

// ---- Pointers -----------------------------------------------------------------------

// The slots of a pointer. The range [base, base + size) is the whole binding or variable;
// `offset` may lie outside of it. A pointer to a vector or matrix also says where its
// components are. A physical pointer has base kPhysicalBase, size 0 and its address in
// `offset`. A pointer to a descriptor array has the table of ranges as its base.
struct Pointer {
  Slot base = 0;
  Slot size = 0;
  Slot offset = 0;
  Slot strides = 0;  // bytes between components (low half), between columns (high half)
};
inline constexpr std::uint32_t kPointerSlots = 4;
inline constexpr Slot kPhysicalBase = 1;

constexpr Slot make_strides(std::uint32_t component, std::uint32_t column) {
  return component | (static_cast<Slot>(column) << 32);
}

// One descriptor as the launch bound it.
struct Range {
  std::uint64_t data = 0;
  std::uint64_t size = 0;
};

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_STEP_HPP_
