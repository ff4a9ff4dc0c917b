// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Lanes at a constant distance: rows, rows with others between, or elements apart beside one base.
// One test for all lanes and chunks.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_STRIDES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_STRIDES_HPP_

#include "compiler/emit/memory/lanes.hpp"
#include "compiler/emit/memory/wide_elements.hpp"
#include "compiler/emit/memory/words.hpp"

namespace sokr::cpu {

// Components of a lane's element that one store moves, `first` of its leaves on.
struct WordPiece {
  std::size_t first = 0;
  unsigned count = 1;
};

class Strides : Room {
 public:
  Strides(VectorBuilder& builder, Places& places, Lanes& lanes, WideElements& elements,
          Words& words)
      : Room(builder), places_(places), lanes_(lanes), elements_(elements), words_(words) {}

  Leaves load_affine(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_affine(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    const Leaves& value);
  // Does load_affine read what lies behind the last element?
  bool reads_behind(const Address& address, const std::vector<PlacedLeaf>& leaves) const;
  // Are rows worth asking for what lies behind them, and the asking itself.
  bool asks_behind_rows(const Address& address) const;
  void ask_behind_row(LlvmValue* row);

 private:
  using Neighbours = llvm::SmallVector<unsigned, 4>;  // chunks

  std::vector<Neighbours> neighbours_of(const Address& address,
                                        const std::vector<PlacedLeaf>& leaves) const;
  Leaves load_strided(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_strided(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  void store_words(const Address& address, const std::vector<PlacedLeaf>& leaves,
                   const Leaves& value, const WordPiece& piece, unsigned chunk, LlvmValue* start);
  void store_vector(const Address& address, LlvmValue* pointer, LlvmValue* value, LlvmValue* mask,
                    unsigned align);

  Places& places_;
  Lanes& lanes_;
  WideElements& elements_;
  Words& words_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_STRIDES_HPP_
