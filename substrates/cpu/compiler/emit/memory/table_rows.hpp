// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Lanes whose places differ by constants: a few rows around a base, and shuffles.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_TABLE_ROWS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_TABLE_ROWS_HPP_

#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

class TableRows : Room {
 public:
  static constexpr std::int64_t kElement = 4;  // bytes of a word, the only size here

  struct Rows {
    Offsets places;                    // of the lanes, in bytes from the first row
    std::int64_t first = 0, span = 0;  // bytes of the rows beside the base
  };

  TableRows(VectorBuilder& builder, Places& places, Lanes& lanes)
      : Room(builder), places_(places), lanes_(lanes) {}

  // ---- Words at constant places, bytes from `origin`, which is `align`ed; a negative place is
  // nobody's. Rows are read and written as a whole.
  LlvmValue* load_places(const Address& address, LlvmValue* origin, unsigned align,
                         const Offsets& places, LlvmType* type);
  void store_places(const Address& address, LlvmValue* origin, unsigned align_bytes,
                    const Offsets& places, LlvmValue* value);

  // ---- Beside a base that is not a constant
  // Without places if they spread over too many rows.
  Rows table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                         const Rows& rows);
  // False, and nothing emitted, where rows may not be written as a whole.
  bool store_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                        const Leaves& value, const Rows& rows);

 private:
  bool rows_are_inside(const Address& address, const std::vector<PlacedLeaf>& leaves,
                       const Rows& rows) const;
  LlvmValues open_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                       const Rows& rows, unsigned count, BasicBlock* slow);

  Places& places_;
  Lanes& lanes_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_TABLE_ROWS_HPP_
