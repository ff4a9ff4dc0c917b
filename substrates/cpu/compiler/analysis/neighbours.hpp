// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Accesses of one block to elements of memory that lie side by side: a row of a tile, element by
// element, as loops over the depth of a product read it and staging writes it, and in buffers what
// an invocation unpacks of a block, or writes of it. Where the lanes lie apart, they are one access
// of several components, which costs little more than one of its elements.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_NEIGHBOURS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_NEIGHBOURS_HPP_

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/analysis/analysis.hpp"
#include "compiler/program/numbering.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

inline constexpr std::uint32_t kMostNeighbours = 4;  // elements of a lane that move together

// Bytes of the elements that neighbours may be, 4 (words, or narrow vectors that fill one), if
// this is a pointer to one in an array in Workgroup memory, chosen by a number; else 0.
bool has_neighbours(const Program& program, Id pointer);

// Is this a load or store of a number in an array without gaps, in a buffer where those beside it
// may be moved at once: loads of what keeps its values, and stores of words?
bool has_buffer_neighbours(const Program& program, const Inst& access, bool assume_no_alias);

// Do the lanes of `count` such elements each lie apart, as far as shapes tell?
bool lies_apart(const Program& program, const Analysis& analysis, Id pointer, std::uint32_t count);

class Neighbours {
 public:
  struct Member {
    const Inst* inst = nullptr;
    std::uint32_t step = 0;  // elements from the first one
  };
  // Of loads the first one in the block is `members[0]`, and all may be read there. Of stores, all
  // may be written where the last one stands.
  struct Group {
    std::vector<Member> members;
    std::uint32_t count = 0;  // elements, each of which some member is
  };

  // Keeps references to both.
  Neighbours(const Program& program, const Analysis& analysis, bool assume_no_alias)
      : p_(program), a_(analysis), numbers_(program), assume_no_alias_(assume_no_alias) {}

  // The group that an instruction of this block belongs to; null if to none.
  const Group* group_of(std::uint32_t block, const Inst& inst);

 private:
  void find(std::uint32_t block);

  const Program& p_;
  const Analysis& a_;
  Numbering numbers_;
  bool assume_no_alias_;
  std::unordered_set<std::uint32_t> searched_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::unordered_map<const Inst*, const Group*> by_inst_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_NEIGHBOURS_HPP_
