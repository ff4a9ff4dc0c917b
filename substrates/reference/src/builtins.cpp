// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The built-in Input variables of an invocation.
#include <algorithm>

#include "lowering.hpp"
#include "worker.hpp"

namespace sokr::reference {

namespace {

struct BuiltinContext {
  const Program& program;
  const Launch& launch;
  std::array<std::uint32_t, 3> group, local;
  std::uint32_t index = 0;

  std::uint32_t invocations() const {
    return program.local_size[0] * program.local_size[1] * program.local_size[2];
  }
  std::uint32_t in_subgroup() const { return index % program.subgroup_size; }
};

// Bits of a mask relative to the own invocation: from `begin` to `end`, within the subgroup.
void write_range(Slot* to, std::uint32_t slots, std::uint32_t begin, std::uint32_t end) {
  for (std::uint32_t word = 0; word < slots; ++word) {
    to[word] = 0;
    for (std::uint32_t bit = 0; bit < 32; ++bit) {
      const std::uint32_t at = word * 32 + bit;
      if (at >= begin && at < end) to[word] |= Slot{1} << bit;
    }
  }
}

void write_value(const BuiltinContext& c, spv::BuiltIn builtin, Slot* to, std::uint32_t slots) {
  using enum spv::BuiltIn;
  const std::uint32_t size = c.program.subgroup_size, self = c.in_subgroup();
  for (std::uint32_t i = 0; i < std::min(slots, 3u); ++i) {
    switch (builtin) {
      case GlobalInvocationId:
        to[i] = c.group[i] * c.program.local_size[i] + c.local[i];
        break;
      case LocalInvocationId:
        to[i] = c.local[i];
        break;
      case spv::BuiltIn::WorkgroupId:
        to[i] = c.group[i];
        break;
      case NumWorkgroups:
        to[i] = c.launch.groups[i];
        break;
      case WorkgroupSize:
        to[i] = c.program.local_size[i];
        break;
      default:
        break;
    }
  }
  switch (builtin) {
    case LocalInvocationIndex:
      to[0] = c.index;
      break;
    case SubgroupSize:
      to[0] = size;
      break;
    case NumSubgroups:
      to[0] = (c.invocations() + size - 1) / size;
      break;
    case SubgroupId:
      to[0] = c.index / size;
      break;
    case SubgroupLocalInvocationId:
      to[0] = self;
      break;
    case SubgroupEqMask:
      write_range(to, slots, self, self + 1);
      break;
    case SubgroupGeMask:
      write_range(to, slots, self, size);
      break;
    case SubgroupGtMask:
      write_range(to, slots, self + 1, size);
      break;
    case SubgroupLeMask:
      write_range(to, slots, 0, self + 1);
      break;
    case SubgroupLtMask:
      write_range(to, slots, 0, self);
      break;
    case DeviceIndex:
      to[0] = 0;
      break;
    default:
      break;
  }
}

}  // namespace

void Worker::write_builtin(Lane& lane, const LaneVariable& variable,
                           const std::array<std::uint32_t, 3>& place) {
  const auto& size = program.local_size;
  const BuiltinContext context{
      program,
      state.launch,
      place,
      {lane.index % size[0], lane.index / size[0] % size[1], lane.index / size[0] / size[1]},
      lane.index};
  write_value(context, *variable.builtin, lane.base[2] + variable.memory, variable.slots);
}

}  // namespace sokr::reference
