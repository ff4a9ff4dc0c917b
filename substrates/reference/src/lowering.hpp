// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From the module model to a Program. A Lowerer lives for one prepare() on one thread.
// Each family of instructions is a table from opcode to a Lowering, in its own file; a
// Lowering appends steps. The first failure is kept and ends the lowering.
#ifndef SOKR_REFERENCE_LOWERING_HPP_
#define SOKR_REFERENCE_LOWERING_HPP_

#include <sokr/base/result.hpp>
#include <sokr/spirv/module.hpp>
#include <unordered_map>

#include "program.hpp"

namespace sokr::reference {

class Lowerer;
using Lowering = void (*)(Lowerer&, const spirv::Instruction&);

struct OpRow {
  spv::Op op;
  Lowering lower;
};

std::span<const OpRow> arithmetic_rows();
std::span<const OpRow> integer_rows();
std::span<const OpRow> comparison_rows();
std::span<const OpRow> conversion_rows();
std::span<const OpRow> composite_rows();
std::span<const OpRow> memory_rows();
std::span<const OpRow> atomic_rows();
std::span<const OpRow> control_rows();
std::span<const OpRow> subgroup_rows();
std::span<const OpRow> dot_product_rows();

// `instruction` is OpExtInst of GLSL.std.450; null if the function is not supported.
Lowering find_glsl(std::uint32_t function);
Lowering find_lowering(spv::Op op);

// Does it need the invocations of a subgroup together?
bool is_subgroup_operation(spv::Op op);

// The handlers that control flow needs outside of control.cpp.
struct ControlHandlers {
  Handler jump, jump_back, copy_one, copy_sequence, copy_parallel, branch, select_case, mark, trap,
      variables, call, return_void, return_value;
};
extern const ControlHandlers kControl;

class Lowerer {
 public:
  Lowerer(std::shared_ptr<const spirv::Module> module, const spirv::EntryPoint& entry,
          std::uint32_t subgroup_size);

  Result<std::shared_ptr<const Program>> run();

  // ---- For the tables ----
  const spirv::Module& module() const { return *module_; }
  const spirv::EntryPoint& entry() const { return entry_; }
  Program& program() { return *program_; }

  void deny(SokrResult code, std::string sentence);
  bool failed() const { return failure_.has_value(); }

  // Never null: an unknown id gives a void type.
  const spirv::Type& type(spirv::Id id) const;
  const spirv::Type& type_of(spirv::Id value) const { return type(module_->type_of(value)); }
  // The scalar of a scalar or vector type.
  const spirv::Type& scalar(spirv::Id id) const;
  std::uint32_t components(spirv::Id id) const;

  // Slots of a value of this type.
  std::uint32_t slots(spirv::Id type);
  std::uint32_t member_slot(const spirv::Type& structure, std::uint32_t member);
  bool is_explicit(spv::StorageClass storage) const;
  bool is_descriptor_array(const spirv::Type& pointer) const;
  // The strides of a pointer to this type when nothing else says them.
  Slot default_strides(spirv::Id pointee) const;
  // The leaves of an explicitly laid out type: first index and count in Program::leaves.
  std::pair<std::uint32_t, std::uint32_t> plan(spirv::Id type);

  static std::uint32_t arg(const spirv::Instruction& instruction, std::size_t index) {
    return index < instruction.args.size() ? instruction.args[index] : 0;
  }
  // The slots that hold a value; constants and variables are made on first use.
  Ref ref(spirv::Id value);
  Ref operand(const spirv::Instruction& instruction, std::size_t index) {
    return ref(arg(instruction, index));
  }
  // The value of a constant operand such as a scope; `missing` if it is none.
  std::uint64_t constant_bits(spirv::Id value, std::uint64_t missing = 0) const;
  Ref pool_value(std::span<const Slot> value);
  Ref temporary(std::uint32_t slots);

  // Appends a step; its dst is the result of the instruction, if it has one, and its
  // operands are those of the instruction as far as given.
  Step& emit(Handler handler, const spirv::Instruction& instruction, std::uint32_t n,
             std::initializer_list<Ref> operands = {});
  void emit_load(const spirv::Instruction& instruction, Ref dst, Ref pointer,
                 const spirv::Type& pointer_type);
  void emit_store(const spirv::Instruction& instruction, Ref pointer, Ref value,
                  const spirv::Type& pointer_type);
  void emit_copy(const spirv::Instruction& instruction, Ref to, Ref from, std::uint32_t slots);

  std::uint32_t function_index(spirv::Id function);
  bool rounds_half_to_zero() const { return entry_.float_controls.rounding_rtz & 1u; }
  // Are denormal results of floats of this width to become zeros?
  bool flushes(std::uint32_t width) const {
    const std::uint32_t bit = width == 16 ? 1 : width == 32 ? 2 : width == 64 ? 4 : 0;
    return (entry_.float_controls.denorm_flush_to_zero & bit) != 0;
  }

 private:
  struct Edge {
    std::size_t step = 0;
    int operand = 0;        // 0 = extra, 1 = b, 2 = c, 3 = switch default, 4 = switch case
    std::size_t index = 0;  // of the case
    spirv::BlockIndex from = 0, to = 0;
  };

  struct Incoming {
    const spirv::Instruction* phi = nullptr;
    spirv::Id value = 0;
  };

  void check_float_controls();
  void scan_call_tree();
  void lower_function(std::uint32_t index);
  void assign_slots(const spirv::Function& function, FunctionCode& code);
  void lower_instruction(const spirv::Instruction& instruction);
  void emit_flush(Ref value, spirv::Id type, std::uint32_t word);
  void lower_terminator(const spirv::Function& function, spirv::BlockIndex block);
  std::span<const Incoming> incoming_of(const spirv::Function& function, spirv::BlockIndex from,
                                        spirv::BlockIndex to);
  void emit_phi_copies(const spirv::Function& function, spirv::BlockIndex from,
                       spirv::BlockIndex to);
  bool needs_stub(const spirv::Function& function, const Edge& edge) const;
  void resolve_edges(const spirv::Function& function);
  void set_target(const Edge& edge, std::uint32_t target);
  void emit_plain(Handler handler, std::uint32_t word);
  void measure_stack();
  std::uint64_t stack_of(std::uint32_t function, std::vector<std::uint64_t>& known,
                         std::vector<std::uint32_t>& depths);
  Ref constant(const spirv::Constant& constant);
  void flatten(spirv::Id id, spirv::Id type, std::vector<Slot>& out);
  void flatten_null(spirv::Id type, std::vector<Slot>& out);
  Ref variable(const spirv::Variable& variable);
  Ref shared_variable(const spirv::Variable& variable, SharedPointer pointer);
  Ref lane_variable(const spirv::Variable& variable);
  Ref workgroup_variable(const spirv::Variable& variable);
  void visit_leaves(spirv::Id type, std::uint64_t offset, std::uint32_t column,
                    const spirv::MatrixLayout* matrix);

  std::shared_ptr<const spirv::Module> module_;
  const spirv::EntryPoint& entry_;
  std::shared_ptr<Program> program_;
  std::optional<Failure> failure_;
  std::vector<Ref> refs_;             // by id
  std::vector<std::uint32_t> slots_;  // by type id; 0 = not known yet
  std::unordered_map<spirv::Id, std::pair<std::uint32_t, std::uint32_t>> plans_;
  std::unordered_map<spirv::Id, std::uint32_t> function_indices_;
  std::vector<Edge> edges_;
  // Of the function at hand: by block, and by the label that control comes from.
  std::unordered_map<spirv::BlockIndex, std::unordered_map<spirv::Id, std::vector<Incoming>>>
      incoming_;
  std::vector<std::uint32_t> block_starts_;
  const spirv::Function* function_ = nullptr;
  std::uint32_t frame_ = 0;
};

// A result type's slots; shorthand for the tables.
inline std::uint32_t result_slots(Lowerer& lowerer, const spirv::Instruction& instruction) {
  return lowerer.slots(instruction.type);
}

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_LOWERING_HPP_
