// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integers and truth values that are known, what is made of them, and the branches that they
// decide.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "compiler/program/program.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {

// The number that the lowest `width` bits are with a sign.
std::int64_t signed_value(std::uint64_t bits, unsigned width);

// The result of an operation on `in`, of `width` bits each, as `result_width` bits: an integer or a
// truth value; nothing if it is not such an operation, or not defined.
std::optional<std::uint64_t> folded(spv::Op op, unsigned width, unsigned result_width,
                                    std::span<const std::uint64_t> in);

// The constants of a program, and new ones.
class Constants {
 public:
  explicit Constants(Program& program) : p_(program) {}

  // One id for each type and value.
  Id number(Id type, std::uint64_t bits);
  // Of a scalar integer or a truth value.
  std::optional<std::uint64_t> bits_of(Id id) const;
  // Of an integer; 1 of truth values, 0 of all other types.
  unsigned width_of(Id type) const;

  // The constant that an instruction is if each operand stands for what `now` makes of it;
  // 0 = none.
  template <class Now>
  Id fold(const Inst& inst, Now now) {
    const unsigned result = width_of(inst.type);
    if (!inst.id || !result || inst.args.empty() || inst.args.size() > 3) return 0;
    std::vector<std::uint64_t> in;
    for (std::size_t i = 0; i < inst.args.size(); ++i) {
      if (!operand_is_value(inst.op, i, inst.args)) return 0;
      const auto bits = bits_of(now(inst.args[i]));
      if (!bits) return 0;
      in.push_back(*bits);
    }
    const auto bits = folded(inst.op, width_of(p_.type_of(inst.args[0])), result, in);
    return bits ? number(inst.type, *bits) : 0;
  }

 private:
  Program& p_;
  std::map<std::pair<Id, std::uint64_t>, Id> made_;
};

// Makes constants of what is made of constants, jumps of the branches that these decide, and leaves
// out what nobody gets to then.
void fold_constants(Program& program);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_
