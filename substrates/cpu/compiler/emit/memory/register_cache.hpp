// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The register cache of Workgroup memory: elements at places that are constants for every lane stay
// in the vectors that were stored, and a load takes the lanes together. Memory is written where
// control flow parts or meets, or before an access that is not of this kind.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_REGISTER_CACHE_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_REGISTER_CACHE_HPP_

#include <optional>
#include <utility>
#include <vector>

#include "compiler/emit/memory/addresses.hpp"
#include "compiler/emit/memory/table_rows.hpp"

namespace sokr::cpu {

class RegisterCache : Room {
 public:
  // Elements whose values are known to be lanes of vectors at hand. What is written stays there
  // until something else may look at the memory.
  struct Element {
    LlvmValue* vector = nullptr;  // of i32; null: only memory has it
    unsigned lane = 0;
    bool written = false;  // memory does not have it yet
  };
  struct Held {
    Address address;
    std::vector<Element> elements;
  };
  using State = llvm::MapVector<LlvmValue*, Held>;  // by the variable's base

  // Settles before each branch.
  RegisterCache(VectorBuilder& builder, Branches& branches, Addresses& addresses, Places& places,
                TableRows& table_rows);

  // ---- What is held
  void settle_held();                         // writes it to memory, and holds nothing
  void forget_held() { held_.clear(); }       // memory is not looked at any more, or has it all
  void release_held(const Address& address);  // before an access of another kind
  // For code that is made twice: what is known at its beginning is known on both ways.
  State state() const { return held_; }
  void restore(State state) { held_ = std::move(state); }

  // ---- Accesses
  bool is_patterned(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // Does the instruction only store to such places, whose pointers are known before `begin`?
  bool is_patterned_store(const Inst& inst, std::uint32_t begin);
  Leaves load_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // False, and nothing emitted, if two lanes, of which one may be inactive, share a place.
  bool store_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  // One place for all lanes, if it is of this kind.
  std::optional<Leaves> load_single(const Address& address, const std::vector<PlacedLeaf>& leaves);
  bool store_single(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    const Leaves& value);

 private:
  bool lane_offsets(const Address& address, unsigned chunk, Offsets& out);
  bool places_of(const Address& address, unsigned chunk, std::int64_t offset, Offsets& places);
  Held* held(const Address& address);
  LlvmValue* held_lanes(Held& memory, const Offsets& places);
  bool single_place(const Address& address, unsigned chunk, std::int64_t offset,
                    std::int64_t& place);

  Addresses& addresses_;
  Places& places_;
  TableRows& table_rows_;
  State held_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_REGISTER_CACHE_HPP_
