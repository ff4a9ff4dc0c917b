// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A lowered entry point: the steps of all functions that it reaches, the pool of
// constants, and side tables for steps with more operands than a Step holds.
#ifndef SOKR_REFERENCE_PROGRAM_HPP_
#define SOKR_REFERENCE_PROGRAM_HPP_

#include <bitset>
#include <sokr/reference/interpreter.hpp>

#include "step.hpp"

namespace sokr::reference {

// `count` slots from `from` to `to`.
struct Copy {
  Ref to = 0, from = 0;
  std::uint32_t count = 0;
};

// One scalar in explicitly laid out memory. In a vector or matrix that the pointer itself
// points to, the strides of the pointer apply to column and row.
struct Leaf {
  std::uint64_t offset = 0;
  std::uint32_t column = 0, row = 0;
  std::uint8_t bytes = 4;
  bool is_pointer = false;  // an 8-byte physical address; kPointerSlots slots
  Slot strides = 0;         // is_pointer: the strides of the pointer that is loaded
};

struct ChainStep {
  enum Unit : std::uint8_t { kBytes, kComponent, kColumn };
  Ref index = 0;
  std::uint8_t bits = 32;  // of the index, and whether it is unsigned: see scaled()
  Unit unit = kBytes;
  std::uint64_t stride = 0;  // kBytes
};

struct Chain {
  std::int64_t offset = 0;
  bool sets_strides = false;
  Slot strides = 0;
  Ref descriptor = kNoRef;  // first, choose this element of a descriptor array
  std::uint8_t descriptor_bits = 32;
  std::vector<ChainStep> steps;
};

struct Call {
  std::uint32_t function = 0;   // index into Program::functions
  std::vector<Copy> arguments;  // `to` is in the callee's frame
};

struct Switch {
  std::uint32_t default_target = 0;                            // step index
  std::vector<std::pair<std::uint64_t, std::uint32_t>> cases;  // sorted
};

// A Function variable: its pointer and its memory in the frame.
struct LocalVariable {
  std::uint32_t pointer = 0, memory = 0, slots = 0;
  Ref initializer = kNoRef;
};

struct FunctionCode {
  spirv::Id id = 0;
  std::uint32_t begin = 0, end = 0;  // steps
  std::uint32_t frame_slots = 0;
  std::vector<LocalVariable> variables;
};

using LaneMask = std::bitset<kMaxSubgroupSize>;

// The invocations that execute a subgroup operation together. `lanes` is indexed by
// SubgroupLocalInvocationId and holds null where there is no active invocation.
struct ActiveSet {
  std::array<Lane*, kMaxSubgroupSize> lanes{};
  std::uint32_t size = 0;  // of the subgroup
};

using GroupHandler = void (*)(ActiveSet&, const Step&);

struct GroupOperation {
  GroupHandler run = nullptr;
  std::uint32_t operation = 0;  // spv::GroupOperation
  std::uint32_t cluster = 0;
};

// A pointer in the pool that a launch fills in.
struct SharedPointer {
  enum Kind : std::uint8_t { kBinding, kDescriptorArray, kPush, kWorkgroup };
  Kind kind{};
  std::uint32_t pool = 0;  // first of its slots
  std::uint32_t set = 0, binding = 0;
  std::uint32_t count = 0;             // kDescriptorArray; 0 = runtime-sized
  std::uint64_t offset = 0, size = 0;  // kWorkgroup: bytes
  Slot strides = 0;
};

// A variable that each invocation has for itself.
struct LaneVariable {
  std::uint32_t pointer = 0, memory = 0, slots = 0;  // in the lane's slots
  Ref initializer = kNoRef;
  std::optional<spv::BuiltIn> builtin;
};

struct Program {
  std::shared_ptr<const spirv::Module> module;
  const spirv::EntryPoint* entry = nullptr;
  std::uint32_t subgroup_size = kDefaultSubgroupSize;
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  bool round_toward_zero = false;
  bool has_barriers = false;  // of workgroup scope
  bool lockstep = false;      // has subgroup operations

  std::vector<Step> steps;
  std::vector<std::uint32_t> words;     // per step: the instruction's first word in the module
  std::vector<FunctionCode> functions;  // [0] is the entry point
  std::vector<Slot> pool;
  std::vector<SharedPointer> shared_pointers;
  std::vector<LaneVariable> lane_variables;
  std::uint32_t lane_slots = 0;
  std::uint64_t workgroup_bytes = 0;
  std::vector<std::pair<std::uint64_t, std::vector<Slot>>> workgroup_initial;  // byte offset
  std::uint64_t stack_slots = 0;
  std::uint32_t max_depth = 0;
  std::uint32_t scratch_slots = 0;

  std::vector<Copy> copies;
  std::vector<Leaf> leaves;
  std::vector<Chain> chains;
  std::vector<Call> calls;
  std::vector<Switch> switches;
  std::vector<GroupOperation> groups;

  // Bytes that it and its module occupy, about.
  std::size_t memory() const;

  std::size_t index_of(const Step* step) const {
    return static_cast<std::size_t>(step - steps.data());
  }
  // "OpLoad at word 120 of function %4 (main)", for sentences.
  std::string describe(const Step* step) const;
};

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_PROGRAM_HPP_
