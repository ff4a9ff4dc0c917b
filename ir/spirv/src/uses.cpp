// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "dominance.hpp"
#include "grammar.hpp"
#include "typing.hpp"
#include "work.hpp"

namespace sokr::spirv {
namespace {

// Where a value of a function is defined. `place`: in the body, from 1; 0 = before it.
struct Definition {
  std::uint32_t function = 0;  // its number, from 1; 0 = not in a function
  BlockIndex block = 0;
  std::uint32_t place = 0;
};

class UseChecker {
 public:
  explicit UseChecker(const Module& module) : m_(module), definitions_(module.bound()) {}

  Result<void> run() {
    for (const Function& function : m_.functions()) {
      if (function.id == 0) continue;
      ++number_;
      define(function);
      SOKR_TRY(check(function));
    }
    return {};
  }

 private:
  void define(const Function& function) {
    for (const Parameter& parameter : function.parameters) set(parameter.id, 0, 0);
    for (const Instruction& variable : function.variables) set(variable.id, 0, 0);
    for (BlockIndex at = 0; at < function.blocks.size(); ++at) {
      const Block& block = function.blocks[at];
      for (const Instruction& phi : block.phis) set(phi.id, at, 0);
      for (std::uint32_t i = 0; i < block.body.size(); ++i) set(block.body[i].id, at, i + 1);
    }
  }

  void set(Id id, BlockIndex block, std::uint32_t place) {
    if (id != 0) definitions_[id] = {number_, block, place};
  }

  Result<void> check(const Function& function) {
    const Dominators dominators(function.blocks);
    function_ = &function;
    for (const Instruction& variable : function.variables) {
      if (variable.args.size() > 1 && m_.constant(variable.args[1]) == nullptr &&
          m_.variable(variable.args[1]) == nullptr) {
        return bad(variable, "its initializer is not a constant");
      }
    }
    for (BlockIndex at = 0; at < function.blocks.size(); ++at) {
      const Block& block = function.blocks[at];
      for (const Instruction& phi : block.phis) SOKR_TRY(check_phi(function, dominators, at, phi));
      for (std::uint32_t i = 0; i < block.body.size(); ++i)
        SOKR_TRY(check_operands(dominators, block.body[i], at, i + 1));
      SOKR_TRY(check_operands(dominators, block.terminator, at,
                              static_cast<std::uint32_t>(block.body.size()) + 1));
    }
    return {};
  }

  // A value for each block that leads here, and for no other that is in the function.
  Result<void> check_phi(const Function& function, const Dominators& dominators, BlockIndex at,
                         const Instruction& phi) {
    std::vector<BlockIndex> from;
    for (std::size_t i = 0; i + 1 < phi.args.size(); i += 2) {
      count_work();
      const BlockIndex parent = function.block_of(phi.args[i + 1]);
      if (m_.type_of(phi.args[i]) != phi.type)
        return bad(phi, "an incoming value does not have its type");
      if (parent == kNone) continue;
      from.push_back(parent);
      SOKR_TRY(check_value(dominators, phi, phi.args[i], parent, UINT32_MAX));
    }
    std::sort(from.begin(), from.end());
    std::vector<BlockIndex> expected = function.blocks[at].predecessors;
    std::sort(expected.begin(), expected.end());
    if (from != expected) {
      return bad(phi, "it does not have one value for each of the blocks that lead to its block");
    }
    return {};
  }

  Result<void> check_operands(const Dominators& dominators, const Instruction& instruction,
                              BlockIndex at, std::uint32_t place) {
    const OpcodeRow& row = *opcode_row(static_cast<std::uint32_t>(instruction.op));
    Result<void> result;
    const Type* selector =
        instruction.op == spv::Op::OpSwitch ? m_.type(m_.type_of(instruction.args[0])) : nullptr;
    const std::uint32_t words = selector != nullptr && selector->width > 32 ? 2 : 1;
    visit_ids(row.operands, instruction.args, words, [&](std::size_t index) {
      count_work();
      if (result) result = check_value(dominators, instruction, instruction.args[index], at, place);
    });
    return result;
  }

  // What is not a function's value is a label, a type or of the module; rules look at those.
  Result<void> check_value(const Dominators& dominators, const Instruction& instruction, Id id,
                           BlockIndex at, std::uint32_t place) {
    if (m_.type_of(id) == 0 || m_.constant(id) != nullptr || m_.variable(id) != nullptr) return {};
    const Definition& found = definitions_[id];
    // No way leads to a block that is not reachable.
    const bool is_before =
        found.function == number_ &&
        (!function_->blocks[at].reachable ||
         (found.block == at ? found.place < place : dominators.dominates(found.block, at)));
    if (is_before) return {};
    return bad(instruction, fmt::format("%{} is not defined on every way to it", id));
  }

  Failure bad(const Instruction& instruction, std::string_view sentence) const {
    return Failure{SOKR_INVALID_IR, fmt::format("{} (word {}): {}", op_name(instruction.op),
                                                instruction.word, sentence)};
  }

  const Module& m_;
  std::vector<Definition> definitions_;
  const Function* function_ = nullptr;
  std::uint32_t number_ = 0;
};

}  // namespace

Result<void> check_uses(const Module& module) {
  return UseChecker(module).run();
}

}  // namespace sokr::spirv
