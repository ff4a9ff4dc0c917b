// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Numbers that are regular in groups of lanes. Where the invocation's number is divided and the
// quotient times what only the launch knows (`t / 4 * stride + t % 4`: rows of a tile), lanes
// differ freely as far as shapes tell, and yet each four of them follow one another.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_LANE_GROUPS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_LANE_GROUPS_HPP_

#include <cstdint>
#include <unordered_map>

#include "compiler/analysis/analysis.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

// Of each `lanes` lanes, a power of two, beginning with a multiple of it, the numbers differ by
// `step` from one to the next, modulo 2^32. Of one lane nothing is known.
struct LaneGroup {
  unsigned lanes = 1;
  std::int64_t step = 0;
};

class LaneGroups {
 public:
  LaneGroups(const Program& program, const Analysis& analysis, unsigned width)
      : p_(program), a_(analysis), width_(width) {}

  // Of an integer of 32 bits, for lanes that take part where it is computed.
  LaneGroup group_of(Id id);

 private:
  LaneGroup group_of_table(const Table& table) const;
  LaneGroup computed(const Inst& inst);

  const Program& p_;
  const Analysis& a_;
  const unsigned width_;
  std::unordered_map<Id, LaneGroup> known_;
  int depth_ = 0;  // of what is being looked at
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_LANE_GROUPS_HPP_
