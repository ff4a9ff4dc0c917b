// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Bytes and halves that fill words, as words.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORDS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORDS_HPP_

#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

class Words : Room {
 public:
  Words(VectorBuilder& builder, Places& places, Lanes& lanes)
      : Room(builder), places_(places), lanes_(lanes) {}

  // The words that these leaves are parts of; empty where they are better moved by themselves.
  std::vector<PlacedLeaf> words_of(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves split_words(const Leaves& words, const std::vector<PlacedLeaf>& leaves);
  Leaves packed_words(const Leaves& value, const std::vector<PlacedLeaf>& leaves,
                      std::size_t words);
  // Of neighbouring lanes, each of which has the parts of one word.
  Leaves load_words(const Address& address, const std::vector<PlacedLeaf>& leaves);

 private:
  LlvmValue* load_parts(const Address& address, unsigned chunk, std::int64_t low, unsigned size);

  Places& places_;
  Lanes& lanes_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORDS_HPP_
