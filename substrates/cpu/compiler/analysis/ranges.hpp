// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Between which numbers a 32-bit integer lies, whoever computes it: what proves that an index
// stays inside its array. Interval arithmetic on unsigned numbers, given up where it may wrap.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_RANGES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_RANGES_HPP_

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "compiler/analysis/analysis.hpp"
#include "compiler/analysis/geometry.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

struct Range {
  std::uint64_t low = 0, high = 0;  // both may occur
};

class Ranges {
 public:
  // Keeps references to all three.
  Ranges(const Program& program, const Analysis& analysis, const Geometry& geometry)
      : p_(program), a_(analysis), g_(geometry) {}

  // Of a scalar's value as block `user` sees it, in every lane, active or not. Nothing where
  // that is unknown: for all that is computed where invocations have parted (whoever was not
  // there has no such value), for what is read from memory, and with lanes beyond the workgroup.
  std::optional<Range> of(Id id, std::uint32_t user);

 private:
  std::optional<Range> of_inst(const Inst& inst, std::uint32_t block);
  std::optional<Range> of_builtin(const spirv::Variable& variable, std::uint32_t leaf) const;
  std::optional<Range> of_counter(const Phi& phi, std::uint32_t header, std::uint32_t user);
  bool is_parted(std::uint32_t block) const;
  bool is_word(Id type) const;

  const Program& p_;
  const Analysis& a_;
  const Geometry& g_;
  std::unordered_map<Id, std::optional<Range>> known_;
  int depth_ = 0;  // of what is being looked at
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_RANGES_HPP_
