// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Programs and what is known of them as text, for people and filetests: one instruction a line.
// Values have the names that the module gives them; where several share one, the second is
// "%name.1". Constants are written out. Others have their number.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_PRINT_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_PRINT_HPP_

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "compiler/analysis/analysis.hpp"
#include "compiler/analysis/geometry.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

class Printer {
 public:
  // Keeps a reference to the program, which must not change meanwhile.
  explicit Printer(const Program& program);

  std::string value(Id id) const;  // "%x", "5", "{1, 2}"
  std::string type(Id id) const;   // "u32", "v4f32", "StorageBuffer pointer to Block"
  std::string instruction(const Inst& inst) const;   // "%x = OpIAdd u32 %a, 5"
  std::string construct(std::uint32_t index) const;  // "loop 1"

  // What is written behind each value that a block defines, and behind a block's or a construct's
  // line; nothing if they are empty.
  struct Notes {
    std::function<std::string(Id, std::uint32_t block)> value;
    std::function<std::string(std::uint32_t)> block, construct;
  };
  std::string program(const Notes& notes = {}) const;

 private:
  void name(Id id, Id origin);
  std::string constant(const spirv::Constant& constant, int depth) const;
  std::string scalar(const spirv::Type& type, std::uint64_t bits) const;
  std::string phi(const Phi& phi) const;
  std::string block(std::uint32_t index, const Notes& notes) const;
  std::string exit(const Block& block) const;

  const Program& p_;
  std::unordered_map<Id, std::string> names_;
  std::unordered_map<std::string, unsigned> used_;
};

std::string to_text(const Shape& shape);
std::string to_text(const Geometry& geometry);
std::string to_text(const Program& program);
// The program with the shape of each value, and where control flow parts.
std::string to_text(const Program& program, const Analysis& analysis);
// The program with the range of each value that has one.
std::string ranges_text(const Program& program, const Analysis& analysis, const Geometry& geometry);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_PRINT_HPP_
