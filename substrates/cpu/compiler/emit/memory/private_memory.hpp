// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Variables of one invocation: slots if no value indexes them, else memory with a cell for each
// lane, of the stack or, where a barrier lies between their uses, of scratch memory.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PRIVATE_MEMORY_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PRIVATE_MEMORY_HPP_

#include <unordered_map>

#include "compiler/emit/memory/accesses.hpp"

namespace sokr::cpu {

class PrivateMemory : Room {
 public:
  struct PrivateStore {
    Slots slots;  // by leaf, if never indexed by a value
    std::uint32_t leaves = 0;
    LlvmValue* memory = nullptr;  // [leaf][chunk][lane]
    std::uint64_t scratch_offset = 0, pass_stride = 0;
    bool in_scratch = false;
    std::uint32_t element_size = 0;  // of a cell
  };

  PrivateMemory(VectorBuilder& builder, Frame& frame, RegionPlan& regions, Values& values,
                Addresses& addresses, Places& places, Lanes& lanes, Accesses& accesses)
      : Room(builder),
        frame_(frame),
        regions_(regions),
        values_(values),
        addresses_(addresses),
        places_(places),
        lanes_(lanes),
        accesses_(accesses) {}

  void declare_private();
  void reset_private();  // where a pass begins
  const PrivateStore& store_of(Id variable) const { return private_.at(variable); }

  Leaves load_private(const PrivatePlace& place, Id pointer, Id type);
  void store_private(const PrivatePlace& place, Id pointer, const Leaves& value);
  // The first leaf that a pointer leads to, and accesses from there on.
  Val private_index(Id pointer);
  Leaves load_cells(const PrivateStore& store, const Val& index, const std::vector<Id>& types);
  void store_cells(const PrivateStore& store, const Val& index, const Leaves& value);

 private:
  Leaves load_table(const PrivateVariable& variable, const PrivatePlace& place, Id pointer,
                    Id type);
  LlvmValue* private_memory(const PrivateStore& store);
  LlvmValue* to_cell(LlvmValue* value, std::uint32_t cell_size);
  LlvmValue* from_cell(LlvmValue* value, Id scalar);
  LlvmType* cell_type(Id scalar, std::uint32_t cell_size) const;
  LlvmValue* private_row(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf, unsigned chunk,
                         std::uint64_t row);
  LlvmValue* private_lanes(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf, unsigned chunk,
                           std::uint32_t element_size);

  Frame& frame_;
  RegionPlan& regions_;
  Values& values_;
  Addresses& addresses_;
  Places& places_;
  Lanes& lanes_;
  Accesses& accesses_;
  std::uint64_t on_stack_ = 0;  // bytes of variables, so far
  std::unordered_map<Id, PrivateStore> private_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PRIVATE_MEMORY_HPP_
