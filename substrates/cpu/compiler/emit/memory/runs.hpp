// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Lanes that turn out to lie side by side when the kernel runs, or exchange places: rows, if one
// test says so.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_RUNS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_RUNS_HPP_

#include <array>
#include <optional>
#include <unordered_map>

#include "compiler/emit/frame/values.hpp"
#include "compiler/emit/memory/scalars.hpp"
#include "compiler/emit/memory/strides.hpp"

namespace sokr::cpu {

class RunAccesses : Room {
 public:
  enum class Order : std::uint8_t { kFollow, kExchange, kTable };  // of lanes in rows

  RunAccesses(VectorBuilder& builder, Values& values, Places& places, Lanes& lanes,
              Scalars& scalars, Strides& strides, WideElements& elements)
      : Room(builder),
        values_(values),
        places_(places),
        lanes_(lanes),
        scalars_(scalars),
        strides_(strides),
        elements_(elements) {}

  // Nothing where no test would tell, or where it is not worth one.
  std::optional<Order> order_of(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                bool is_store);
  Leaves load_runs(const Address& address, const std::vector<PlacedLeaf>& leaves, Order order);
  void store_runs(const Address& address, const std::vector<PlacedLeaf>& leaves,
                  const Leaves& value, Order order);

 private:
  struct Runs {
    LlvmValues first;             // the first lane's number in each chunk, i32
    LlvmValue* follow = nullptr;  // do the others of all chunks follow it?
    LlvmValue* skip = nullptr;    // or every second number? Null: nobody asks
    std::int64_t step = 1;        // by how much each is then larger than the one before
    double chance = 1;            // that they follow, as far as constants tell
    bool may_break = false;       // may they be in two rows where they do not?
  };
  struct TwoRows {
    std::array<LlvmValue*, 2> who{}, pointer{};
    LlvmValue *inside = nullptr, *whole = nullptr;  // lanes in range; is nobody elsewhere?
  };
  struct Line {                                   // numbers along the lanes
    LlvmValue *first = nullptr, *step = nullptr;  // i32
    LlvmValue* holds = nullptr;                   // provided that; null = always
    std::uint32_t align = 1;                      // a power of two that divides the first
    double chance = 1;  // of a register that it holds, as far as constants tell
  };
  struct LineFinder;

  // ---- lines.cpp
  std::optional<Line> line_of(Id id, unsigned chunk);

  bool is_computed(Id id, int depth);
  std::optional<Runs> find_lines(const Address& address, unsigned count);
  Runs find_runs(const Address& address);
  bool has_launch_stride(Id id, int depth) const;
  bool is_exchange(Id id, int depth) const;
  Runs find_exchange(const Address& address, LlvmValues& places, bool both_ways);
  Runs find_table_rows(const Address& address, Offsets& numbers);
  Address row_address(const Address& address, const Runs& runs);
  TwoRows find_two_rows(const Address& address, unsigned chunk, std::int64_t offset, unsigned size);
  bool has_two_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    unsigned count) const;
  Leaves load_two_rows(const Address& address, const PlacedLeaf& leaf);
  bool is_unlikely(const Address& address, const std::vector<PlacedLeaf>& leaves,
                   const Runs& runs) const;
  Leaves load_tested(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Runs& runs, Order order, const LlvmValues& places,
                     const Offsets& numbers);
  Leaves load_slow(const Address& address, const std::vector<PlacedLeaf>& leaves, const Runs& runs);
  void store_slow(const Address& address, const std::vector<PlacedLeaf>& leaves,
                  const Leaves& value, const Runs& runs);
  void store_two_rows(const Address& address, const PlacedLeaf& leaf, const Val& value);

  Values& values_;
  Places& places_;
  Lanes& lanes_;
  Scalars& scalars_;
  Strides& strides_;
  WideElements& elements_;
  std::unordered_map<Id, bool> computed_;  // is_computed
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_RUNS_HPP_
