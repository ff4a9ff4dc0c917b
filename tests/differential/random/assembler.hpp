// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Writes the words of a SPIR-V module. Types and constants are declared once, however
// often they are asked for.
#ifndef SOKR_TESTS_DIFFERENTIAL_ASSEMBLER_HPP_
#define SOKR_TESTS_DIFFERENTIAL_ASSEMBLER_HPP_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <spirv/unified1/spirv.hpp11>
#include <string_view>
#include <vector>

namespace sokr::differential {

class Assembler {
 public:
  using Id = std::uint32_t;
  using Words = std::vector<std::uint32_t>;

  Id id() { return next_++; }

  // Declarations without a result, in the module's order of sections.
  void capability(spv::Capability c) { put(head_, spv::Op::OpCapability, {std::uint32_t(c)}); }
  void entry_point(Id function, std::string_view name, const Words& interface);
  void local_size(Id function, std::uint32_t x, std::uint32_t y, std::uint32_t z);
  void decorate(Id target, spv::Decoration decoration,
                std::initializer_list<std::uint32_t> more = {});
  void member_offset(Id structure, std::uint32_t member, std::uint32_t offset);

  // Types, constants, module-scope variables.
  Id type(spv::Op op, const Words& operands = {});
  Id distinct_type(spv::Op op, const Words& operands);
  Id pointer(spv::StorageClass storage, Id to) {
    return type(spv::Op::OpTypePointer, {std::uint32_t(storage), to});
  }
  Id constant(Id type_id, std::uint32_t value);
  Id null(Id type_id);
  Id global(spv::StorageClass storage, Id type_id, Id initializer = 0);

  // Instructions of the function that is being written. With a result:
  Id op(spv::Op opcode, Id type_id, const Words& operands = {});
  Id extended(std::uint32_t instruction, Id type_id, const Words& operands);  // GLSL.std.450
  void phi(Id result, Id type_id, const Words& operands) {
    Words all{type_id, result};
    all.insert(all.end(), operands.begin(), operands.end());
    put(code_, spv::Op::OpPhi, all);
  }
  // Without one:
  void statement(spv::Op opcode, const Words& operands = {}) { put(code_, opcode, operands); }
  void label(Id block) { put(code_, spv::Op::OpLabel, {block}); }
  Id begin_function(Id result_type, Id function_type, Id function = 0);
  Id parameter(Id type_id) { return op(spv::Op::OpFunctionParameter, type_id); }
  // Where operand `index` of an instruction written later will be, for patching.
  std::size_t position() const { return code_.size(); }
  void patch(std::size_t at, std::uint32_t word) { code_[at] = word; }

  Words finish() const;

 private:
  static void put(Words& section, spv::Op op, const Words& operands);

  Id next_ = 1;
  Id glsl_ = 0;
  Words head_, entry_, modes_, decorations_, types_, code_;
  std::map<Words, Id> known_;
};

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_ASSEMBLER_HPP_
