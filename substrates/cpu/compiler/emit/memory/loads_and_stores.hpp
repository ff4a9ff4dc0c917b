// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Instructions that load and store: built-in variables, private and other memory, several elements
// together.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LOADS_AND_STORES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LOADS_AND_STORES_HPP_

#include <unordered_set>

#include "compiler/analysis/neighbours.hpp"
#include "compiler/emit/frame/invocation.hpp"
#include "compiler/emit/memory/copies.hpp"

namespace sokr::cpu {

class LoadsAndStores : Room, public Rematerializer {
 public:
  LoadsAndStores(VectorBuilder& builder, Invocation& invocation, Values& values,
                 Addresses& addresses, const Strategies& strategies, Accesses& accesses,
                 PrivateMemory& private_memory, Copies& copies);

  void emit_load(const Inst& inst);
  void emit_store(const Inst& inst);
  void emit_copy_memory(const Inst& inst);
  void emit_array_length(const Inst& inst);
  // `live`: others may write there, or look at it, meanwhile.
  Leaves load_through(Id pointer, Id type, bool live = false);
  void store_through(Id pointer, const Leaves& value, bool live = false);
  // Do the indices of the pointer come from outside of the loop?
  bool is_led_from_outside(std::uint32_t loop, Id pointer) const;

  Leaves pointer_leaves(Id pointer) override { return addresses_.pointer_leaves(pointer); }
  Leaves load_builtin(Id pointer, Id type) override { return load_through(pointer, type); }

 private:
  Address address_of(Id pointer, bool live);
  // ---- together.cpp: neighbours as one access
  struct Together;
  bool load_together(const Inst& inst);
  bool store_together(const Inst& inst);

  Invocation& invocation_;
  Values& values_;
  Addresses& addresses_;
  Places& places_;
  Scalars& scalars_;
  Accesses& accesses_;
  PrivateMemory& private_memory_;
  Copies& copies_;
  Neighbours neighbours_;
  std::unordered_set<const Inst*> done_;  // accesses that were made with others of theirs
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LOADS_AND_STORES_HPP_
