// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Accesses lane by lane: what works for any address, and is the robust path of everything else.
// Gathers and scatters where there are such instructions; else loads and stores one after the
// other, without branches, written out or by functions. Whoever does not take part, or is out of
// range, reads zeros or writes to a place that nobody looks at.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LANES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LANES_HPP_

#include <string>

#include "compiler/emit/memory/places.hpp"

namespace sokr::cpu {

class Lanes : Room {
 public:
  // How lanes lie in memory.
  enum class Lying : std::uint8_t { kSteps, kIndices, kPointers };

  Lanes(VectorBuilder& builder, Frame& frame, Places& places)
      : Room(builder), frame_(frame), places_(places) {}

  // ---- Under the active mask
  Leaves load_gather(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_scatter(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  // Ends the block in which `out` was made and adds the way by `slow`, on which lanes are tested
  // one by one. What follows is in `done`. None of these blocks has another way in.
  void join_robust(const Address& address, const std::vector<PlacedLeaf>& leaves, BasicBlock* slow,
                   BasicBlock* done, Leaves& out);
  void store_robust(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    const Leaves& value, BasicBlock* slow, BasicBlock* done);

  // ---- One access, under a mask that is given
  bool has_gather(unsigned size) const;  // an instruction, for elements of so many bytes?
  bool has_scatter(unsigned size) const;
  // May so many registers be accessed lane by lane in place? They count then; only asked, not.
  bool is_written_out(unsigned accesses);
  bool may_write_out(unsigned accesses) const;
  LlvmValue* load_each(const Address& address, LlvmValue* pointers, LlvmType* element,
                       LlvmValue* mask);
  void store_each(const Address& address, LlvmValue* pointers, LlvmValue* value, LlvmValue* mask);
  LlvmValue* load_places_of(LlvmValue* pointers, LlvmType* element, LlvmValue* mask);
  void store_places_of(LlvmValue* pointers, LlvmValue* value, LlvmValue* mask);
  LlvmValue* call_lanes(const Address& address, unsigned chunk, std::int64_t offset,
                        LlvmType* element, LlvmValue* mask, LlvmValue* value);
  llvm::Function* lane_function(Lying how, LlvmType* element, bool is_store, bool is_volatile);

  // ---- element_functions.cpp: elements of several words or of four halves, in a draft
  bool has_element_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            bool is_store) const;
  Leaves load_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                         const Leaves& value);
  // `size`: of a component, 2 or 4 bytes.
  llvm::Function* element_function(Lying how, unsigned count, unsigned size, bool is_store);

 private:
  std::string lane_function_name(Lying how, LlvmType* element, bool is_store,
                                 bool is_volatile) const;
  static Lying lying_of(const Address& address);
  bool is_compiled_ahead(Lying how, LlvmType* element, bool is_store, bool is_volatile) const;
  bool calls_builtin(const Address& address, LlvmType* element, bool is_store,
                     bool is_lane_by_lane) const;
  LlvmValue* call_lane_function(Lying how, LlvmType* element, bool is_volatile, LlvmValues in,
                                LlvmValue* value);
  void write_lane_function(llvm::Function& function, Lying how, LlvmType* element, bool is_store,
                           bool is_volatile);
  LlvmValue* load_lanes(const Address& address, unsigned chunk, std::int64_t offset, Id scalar,
                        LlvmValue* mask);
  void write_element_function(llvm::Function& function, Lying how, unsigned count, unsigned size,
                              bool is_store);
  LlvmValues element_arguments(const Address& address, const PlacedLeaf& first, unsigned chunk);
  unsigned components_of_call(const std::vector<PlacedLeaf>& leaves) const;
  LlvmType* carrier_of(unsigned size) const;  // what such functions take of so many bytes
  LlvmValues words_of_halves(const LlvmValues& halves);

  static constexpr std::uint64_t kMostWrittenOut = 1024;  // lanes in a kernel, for its size

  Frame& frame_;
  Places& places_;
  std::uint64_t written_out_ = 0;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_LANES_HPP_
