// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How bytes become a Module. One walk finds the instructions and which of them
// defines each id; then types, constants, functions and entry points are decoded in
// the module's own order. Nothing is believed: ids are below the bound and defined,
// counts are bounded by the words that are there, nesting by the limits of limits.hpp.
#ifndef SOKR_SPIRV_SRC_DECODER_HPP_
#define SOKR_SPIRV_SRC_DECODER_HPP_

#include <sokr/spirv/module.hpp>
#include <sokr/spirv/newer.hpp>
#include <unordered_map>
#include <unordered_set>

#include "fold.hpp"
#include "limits.hpp"
#include "structure.hpp"
#include "syntax.hpp"
#include "work.hpp"

namespace sokr::spirv {

enum class Slot : std::uint32_t { kEmpty, kType, kConstant, kVariable, kFunction };
inline constexpr std::uint32_t kSlotShift = 29;
inline constexpr std::uint32_t kSlotMask = (1u << kSlotShift) - 1;

// Newer than the packaged headers.
inline constexpr auto kExtInstWithForwardRefs = static_cast<spv::Op>(4433);

constexpr bool is_extended(spv::Op op) {
  return op == spv::Op::OpExtInst || op == kExtInstWithForwardRefs;
}

struct RawInstruction {
  spv::Op op{};
  std::uint32_t word = 0;   // index of its first word
  std::uint16_t count = 0;  // words, the first included
  bool is_passive = false;  // says something to people and tools only: stands anywhere
};

class Decoder {
 public:
  // Keeps a reference to the options.
  explicit Decoder(const DecodeOptions& options);
  Result<std::shared_ptr<const Module>> decode(std::span<const std::uint8_t> bytes);

  // What SPIRV-Tools' validator would do with the control flow of a decoded module, in the
  // steps of limits::flow_steps, and in which function most of it.
  struct FlowCost {
    std::uint64_t steps = 0, worst_steps = 0;
    Id worst = 0;
    std::size_t worst_blocks = 0;
  };
  const FlowCost& flow_cost() const { return flow_cost_; }

 private:
  struct DecorationRef {
    std::uint32_t next = kNone;    // of the same target
    std::uint32_t member = kNone;  // kNone = the whole
    spv::Decoration decoration{};
    std::span<const std::uint32_t> operands;
  };

  // ---- decoder.cpp
  Result<void> read_words(std::span<const std::uint8_t> bytes);
  Result<void> find_instructions();
  bool is_passive(const RawInstruction& raw) const;
  void note_version(const SyntaxRow& row);
  void note_import(const RawInstruction& raw);
  Result<void> check_instruction(const RawInstruction& raw);
  // As an instruction of that row has them; `raw` may be another that holds it.
  Result<void> check_operands(const RawInstruction& raw, const SyntaxRow& row,
                              std::span<const std::uint32_t> operands);
  Result<void> check_end(const RawInstruction& raw, std::span<const std::uint32_t> operands,
                         const OperandEnd& end) const;
  Result<void> check_functions();
  Result<void> decode_preamble();
  Result<void> decode_preamble_instruction(const RawInstruction& raw);
  Result<void> collect_decoration(const RawInstruction& raw);
  Result<void> expand_decoration_groups();
  void add_decoration(Id target, std::uint32_t member, spv::Decoration decoration,
                      std::span<const std::uint32_t> operands);
  void apply_result_decorations();

  // ---- types.cpp
  Result<void> decode_type(const RawInstruction& raw);
  Result<void> decode_numeric_type(const RawInstruction& raw, Type& type);
  Result<void> decode_aggregate_type(const RawInstruction& raw, Type& type);
  Result<void> decode_struct(const RawInstruction& raw, Type& type);
  Result<void> decode_cooperative_matrix(const RawInstruction& raw, Type& type);
  Result<void> decode_pointer(const RawInstruction& raw, Type& type);
  Result<void> decode_forward_pointer(const RawInstruction& raw);
  Result<void> measure_again();
  bool is_forward_pointer(Id id) const { return id < is_forward_.size() && is_forward_[id]; }
  Result<std::uint64_t> checked_size(const RawInstruction& raw, const Type& type) const;
  Result<void> decode_array(const RawInstruction& raw, Type& type);
  void note_spec_size(Type& type) const;
  Failure too_large(const RawInstruction& raw, const Type& type) const;
  void decorate_type(Type& type);
  Result<void> measure_type(const RawInstruction& raw, const Type& type);
  Result<void> spend_result(const RawInstruction& raw, Id type);
  Result<Id> part_type(const RawInstruction& raw, Id id) const;
  Result<Id> element_type(const RawInstruction& raw, Id id) const;

  // ---- constants.cpp
  Result<void> decode_constant(const RawInstruction& raw);
  Result<void> decode_scalar(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> decode_composite(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> decode_spec_op(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> specialize(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> override_workgroup_size(const RawInstruction& raw, const Type& type,
                                       Constant& constant);
  Result<void> decode_module_variable(const RawInstruction& raw);
  void decorate_variable(Variable& variable) const;
  Result<void> fold_extract(const RawInstruction& raw, Constant& constant);
  Result<void> fold_insert(const RawInstruction& raw, Constant& constant);
  Result<void> fold_shuffle(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> fold_select(const RawInstruction& raw, const Type& type, Constant& constant);
  Result<void> fold_arithmetic(const RawInstruction& raw, const Type& type, Constant& constant);
  // Does the value of a specialization constant that a launch may give decide what it is?
  bool is_decided(Id constant) const {
    return constant < is_decided_.size() && is_decided_[constant];
  }
  void note_decided(const RawInstruction& raw, const Constant& constant);
  // "; decided by specialization constants 3 (kSize), 7"; empty if it is by none.
  std::string decided_by(Id constant) const;
  // How the compute entry points want a constant of this width rounded: one way or several.
  std::vector<FloatFold> float_folds(Id constant, std::uint32_t width);
  const std::vector<FloatControls>& kernel_controls();
  Result<Id> constant_operand(const RawInstruction& raw, std::size_t index) const;
  Result<void> spend_parts(const RawInstruction& raw, std::uint64_t parts);
  // Parts of a composite constant, null and undef spelt out.
  Result<std::vector<Id>> expand_parts(const RawInstruction& raw, Id composite);
  Id member_type(const Type& type, std::uint32_t index) const;
  std::uint64_t member_count(const Type& type) const;
  std::uint64_t component_bits(Id constant, std::uint32_t component) const;
  Id new_constant(Constant constant);
  Id null_constant(Id type);
  void add_constant(Constant constant);

  // ---- lengths.cpp
  Result<void> check_lengths() const;
  Result<void> check_matrices(const RawInstruction& raw) const;
  Result<void> check_parts(const RawInstruction& raw, Id composite, std::size_t first) const;
  Result<void> check_alike(const RawInstruction& raw, Id a, Id b) const;
  // Of an array whose length specialization constants decide: "{sentence}; decided by ...".
  Failure misfit(const RawInstruction& raw, const Type& array, std::string_view sentence) const;

  // ---- functions.cpp
  struct RawBlock {
    Id label = 0;
    std::size_t begin = 0, end = 0;  // instructions between the label and the terminator
    std::size_t terminator = 0;
    std::size_t merge = 0;  // 0 = none
  };
  Result<void> decode_functions();
  Result<std::size_t> decode_function(std::size_t at);
  Result<std::size_t> find_blocks(std::size_t at, std::vector<RawBlock>& blocks);
  Result<FlowGraph> build_flow(const std::vector<RawBlock>& blocks) const;
  Result<void> add_targets(const RawInstruction& raw, FlowGraph& flow,
                           std::vector<std::uint32_t>& last_source) const;
  Result<void> add_merge(const RawInstruction& raw, spv::Op terminator, FlowBlock& block) const;
  Result<std::uint32_t> block_target(const RawInstruction& raw, Id label) const;
  Result<void> build_blocks(Function& function, const std::vector<RawBlock>& blocks,
                            const FlowGraph& flow, Structure& structure);
  Result<void> fill_block(Function& function, Block& block, const RawBlock& source);
  Result<void> check_call(const RawInstruction& raw) const;
  Result<void> note_uses(Function& function, const RawInstruction& raw);
  Result<void> order_calls();
  Result<void> finish_calls(std::uint32_t caller);
  void note_call(Function& function, Id callee);
  void add_flow_cost(const Function& function);
  Instruction instruction(const RawInstruction& raw) const;

  // ---- entry_points.cpp
  Result<void> decode_entry_points();
  Result<void> decode_entry_point(const RawInstruction& raw);
  Result<void> apply_execution_mode(const RawInstruction& raw);
  Result<void> apply_mode(const RawInstruction& raw, EntryPoint& entry);
  Result<void> apply_fast_math_default(const RawInstruction& raw, EntryPoint& entry);
  Result<void> apply_local_size_id(const RawInstruction& raw, EntryPoint& entry);
  void set_local_size(EntryPoint& entry, std::size_t axis, const Constant& size);
  Failure too_many_trees() const;
  Result<void> finish_local_size(EntryPoint& entry);
  Result<void> walk_call_tree(EntryPoint& entry, std::uint32_t index);
  void add_global(Id variable, EntryPoint& entry, std::uint32_t index);
  Result<void> spend_reflected(const EntryPoint& entry);
  std::uint64_t reflected_bytes(const Variable& variable);

  // ---- shared
  std::span<const std::uint32_t> words(const RawInstruction& raw) const {
    return std::span(module_->words_).subspan(raw.word, raw.count);
  }
  // After the opcode word, result type and result id.
  std::span<const std::uint32_t> args(const RawInstruction& raw) const;
  Id result_id(const RawInstruction& raw) const;
  Id result_type(const RawInstruction& raw) const;
  std::uint32_t number_words(const RawInstruction& raw) const;
  bool is_defined(Id id) const { return id < definition_.size() && definition_[id] != 0; }
  void set_slot(Id id, Slot kind, std::size_t index) {
    module_->slots_[id] =
        static_cast<std::uint32_t>(kind) << kSlotShift | static_cast<std::uint32_t>(index);
  }
  // "instruction 12 (OpLoad %34, word 210)"
  std::string where(const RawInstruction& raw) const;
  // What may be right, but is more than is known or done here.
  Failure denied(const RawInstruction& raw, std::string_view sentence) const {
    return Failure{SOKR_CAPABILITY_DENIED, fmt::format("{}: {}", where(raw), sentence)};
  }
  template <class... Args>
  Failure bad(const RawInstruction& raw, fmt::format_string<Args...> format,
              Args&&... values) const {
    return Failure{SOKR_INVALID_IR,
                   where(raw) + ": " + fmt::format(format, std::forward<Args>(values)...)};
  }

  const DecodeOptions& options_;
  std::shared_ptr<Module> module_;
  std::vector<RawInstruction> raws_;
  std::size_t first_function_ = 0;              // index into raws_
  std::vector<std::uint32_t> definition_;       // per id: index into raws_ + 1; 0 = undefined
  std::vector<std::uint32_t> decoration_head_;  // per id: index into decorations_
  std::vector<DecorationRef> decorations_;
  std::vector<std::uint32_t> type_depth_;       // per type
  std::vector<std::uint32_t> type_parts_;       // per type: itself and what it is made of
  std::vector<std::size_t> group_decorations_;  // indices into raws_
  std::vector<bool> is_forward_;                // per id; empty if there is no forward pointer
  std::uint64_t parts_left_ = 0;                // how many parts OpSpecConstantOp may still make
  std::uint64_t globals_left_ = 0;              // how many EntryPoint::globals may still be listed
  std::uint64_t reflected_left_ = 0;            // limits::reflected_bytes
  std::unordered_map<Id, std::uint64_t> reflected_;  // per variable: reflected_bytes()
  std::uint64_t result_parts_left_ = 0;              // limits::result_parts
  std::uint64_t tree_instructions_left_ = 0;         // limits::tree_instructions
  FlowCost flow_cost_;
  std::unordered_map<Id, std::vector<std::uint32_t>> entries_of_;  // per entry function
  std::unordered_set<std::string> entry_names_;
  std::vector<bool> is_non_semantic_;  // per id: a NonSemantic instruction set; may be empty
  std::vector<bool> is_decided_;       // per id: is_decided(); empty if nothing is
  bool has_spec_lengths_ = false;      // some array's length is a specialization constant
  bool has_spec_matrices_ = false;     // some cooperative matrix's number is
  bool has_memory_model_ = false;
  bool zero_is_specialized_ = false;  // a workgroup size of 0 comes from a specialization constant
  bool is_structured_ = true;         // no OpenCL kernel
  std::optional<std::vector<FloatControls>> kernel_controls_;  // once somebody asked
  Id workgroup_size_ = 0;                      // the constant decorated WorkgroupSize
  std::vector<std::uint32_t> block_of_label_;  // per id
  std::vector<std::uint32_t> seen_in_;  // per id: the last function, then entry that named it
  std::vector<std::vector<std::uint32_t>> calls_;  // per function: how often each of its callees
  std::vector<std::uint32_t> callee_index_;        // per id: its place in the callees at hand
};

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_DECODER_HPP_
