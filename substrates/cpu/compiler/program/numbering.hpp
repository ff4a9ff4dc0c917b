// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which values are equal, and which integers differ by constants, whatever they are: numbers for
// values (equal numbers mean equal values wherever both are defined), and integers of 32 bits as
// sums of numbered values with constant factors.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_NUMBERING_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_NUMBERING_HPP_

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "compiler/program/program.hpp"

namespace sokr::cpu {

class Numbering {
 public:
  // Sum of factor * value of that number, and a constant, all modulo 2^32.
  struct Sum {
    std::map<std::uint32_t, std::uint32_t> factors;  // by number; none is 0
    std::uint32_t constant = 0;
    bool operator==(const Sum&) const = default;
    auto operator<=>(const Sum&) const = default;
  };

  // Keeps a reference. Good until the program changes.
  explicit Numbering(const Program& program) : p_(program) {}

  std::uint32_t number_of(Id id);
  // Of an integer of 32 bits; anything else is one term.
  const Sum& sum_of(Id id);

 private:
  Sum make_sum(Id id, int depth);
  const Sum& sum_of(Id id, int depth);
  std::uint32_t number_of(Id id, int depth);
  std::uint32_t intern(const std::vector<std::uint32_t>& key);
  std::uint32_t number_of_inst(const Inst& inst, int depth);
  bool is_word(Id type) const;

  const Program& p_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> known_;
  std::unordered_map<Id, Sum> sums_;
  std::unordered_map<Id, std::uint32_t> numbers_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_NUMBERING_HPP_
