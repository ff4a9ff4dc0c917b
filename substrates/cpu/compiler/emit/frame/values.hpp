// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where the program's values are between their definitions and uses: at hand in the blocks that the
// definition leads to, and in slots for what control flow under masks, rounds or barriers separate.
// Slots are allocas that LLVM turns into SSA form, or scratch memory of the pass where a barrier
// lies between.
//
// Nothing here is ever poison or undef: inactive lanes hold ordinary garbage. `get` may emit loads
// of slots, and what is computed anew, at the insertion point; it never branches.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_VALUES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_VALUES_HPP_

#include <unordered_map>
#include <vector>

#include "compiler/emit/builder/op.hpp"
#include "compiler/emit/frame/kept_slots.hpp"

namespace sokr::cpu {

// Computes what is not kept but made anew wherever it is used.
class Rematerializer {
 public:
  virtual Leaves pointer_leaves(Id pointer) = 0;
  virtual Leaves load_builtin(Id pointer, Id type) = 0;

 protected:
  ~Rematerializer() = default;
};

class Values : Room {
 public:
  Values(VectorBuilder& builder, Frame& frame, RegionPlan& regions, KeptSlots& kept)
      : Room(builder), frame_(frame), regions_(regions), kept_(kept) {}

  void rematerialize_by(Rematerializer& by) { remade_ = &by; }
  // Which values need slots, in which form. Once, when the regions are planned.
  void plan_slots();

  // ---- Values
  const Leaves& get(Id id);  // good until the next call
  // Of the block being emitted, under its mask.
  void set(Id id, Leaves leaves);
  bool is_used(Id id) const { return used_[id - bound_]; }
  bool is_rematerialised(Id id) const;
  Shape shape_known(Id id) const {  // of a scalar, where it is made
    return id < bound_ ? Shape::uniform() : a_.values[id - bound_][0];
  }
  // Does an index differ by the same amount from each chunk to the next one, up to 2^32? Then
  // `factors` are the values that this amount is made of besides constants.
  bool has_even_steps(Id id, std::uint32_t block, llvm::SmallVectorImpl<Id>& factors) const;

  // ---- Scopes: what is at hand inside of a branch is not behind it
  std::uint32_t open_scope();
  void close_scope(std::uint32_t scope);  // the innermost
  // May values loaded from slots be used again in their block?
  void keep_loads(bool keep) { keep_loads_ = keep; }

  // ---- Slots
  Slot make_slot(const Shape& shape, LlvmType* scalar, bool in_scratch);
  Slots slots_for(Id type, const Shapes& shapes, bool in_scratch);
  const Slots* phi_slots(Id phi) const;  // null: the phi has none
  void store_slot(const Slot& slot, const Val& value, const Val* mask);
  Val load_slot(const Slot& slot);
  void reset_slot(const Slot& slot);        // to zeros
  void reset_slots_of(std::uint32_t loop);  // where its rounds begin; kNone = of the pass

 private:
  bool has_even_steps(Id id, std::uint32_t block, llvm::SmallVectorImpl<Id>& factors,
                      int& left) const;
  struct Stored {
    Leaves leaves;
    std::uint32_t scope = kNone;
    std::uint32_t block = kNone;  // good in this block only; kNone = wherever the scope is open
  };
  struct ValueSlots {
    Slots inside;   // for uses before the value's loops end
    Slots outside;  // for uses behind a loop that invocations leave one by one: blended
  };

  Leaves constant_leaves(Id id);
  LlvmValue* scalar_constant(const spirv::Constant& constant);
  LlvmValue* slot_place(const Slot& slot, unsigned element, LlvmType* type, bool writes);
  std::uint32_t loop_around(std::uint32_t construct) const;
  void plan_use(Id id, std::uint32_t user);
  bool leaves_divergent_loop(std::uint32_t from, std::uint32_t to,
                             std::uint32_t* outermost = nullptr) const;

  Frame& frame_;
  RegionPlan& regions_;
  KeptSlots& kept_;
  Rematerializer* remade_ = nullptr;
  std::vector<Stored> stored_;
  std::vector<ValueSlots> value_slots_;
  std::vector<bool> used_;
  bool keep_loads_ = true;
  std::unordered_map<Id, Slots> phi_slots_;
  std::unordered_map<Id, Leaves> constants_;
  std::vector<bool> scope_open_;
  std::vector<std::uint32_t> scopes_;                                   // stack
  std::unordered_map<std::uint32_t, std::vector<const Slot*>> resets_;  // by loop; kNone = pass
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_VALUES_HPP_
