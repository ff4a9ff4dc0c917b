// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/accesses.hpp"

#include <algorithm>

namespace sokr::cpu {

Accesses::Accesses(VectorBuilder& builder, Addresses& addresses, const Strategies& strategies)
    : Room(builder), addresses_(addresses), by_(strategies) {}

// Is all that a wide access touches known to be in range? Not for what goes lane by lane.
bool Accesses::is_proven(const Address& address, const std::vector<PlacedLeaf>& leaves) const {
  if (address.scale || !address.offset.s.affine || !address.limit) return false;
  Extent e = extent_of(*p_.module, leaves);
  return by_.places.is_inside(address, e.low, std::max(e.high, e.low + address.offset.s.ls));
}

// Is the kernel trusted to stay inside, where everybody takes part? Not of constants: an array that
// is all zeros has no memory of its size to be inside of.
bool Accesses::is_trusted(const Address& address) const {
  return !o_.robust && b_.is_full(at_.mask) && address.space != Space::kDynamic &&
         address.space != Space::kTable;
}

// ---- Loads ------------------------------------------------------------------------------------

Leaves Accesses::load_memory(Address address, Id type) {
  address.placed.type = type;
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  return leaves.empty() ? Leaves{} : load_leaves(std::move(address), leaves);
}

namespace {

// Is it another place for each chunk?
bool varies_by_chunk(const Address& address) {
  const Val* const parts[] = {&address.begin, &address.size, &address.offset, &address.table_base,
                              address.scale ? &address.index : nullptr};
  return std::ranges::any_of(
      parts, [](const Val* part) { return part && !part->v.empty() && part->s.varies_by_chunk(); });
}

}  // namespace

Leaves Accesses::load_leaves(Address address, const std::vector<PlacedLeaf>& leaves) {
  // Where all chunks load the same it is loaded once for them: for whoever is there in any of them.
  if (at_.mask.s.varies_by_chunk() && !addresses_.is_scalar_address(address) &&
      !varies_by_chunk(address)) {
    const Val mask = at_.mask;
    at_.mask = b_.mask_of_any_chunk(mask);
    Leaves all = load_leaves(std::move(address), leaves);
    at_.mask = mask;
    return all;
  }
  if (const auto words = by_.words.words_of(address, leaves); !words.empty())
    return by_.words.split_words(load_leaves(address, words), leaves);
  if (!addresses_.is_scalar_address(address) && by_.cache.is_patterned(address, leaves)) {
    by_.places.note("load by register cache", address, leaves);
    return by_.cache.load_pattern(address, leaves);
  }
  if (addresses_.is_scalar_address(address))
    if (auto known = by_.cache.load_single(address, leaves)) {
      by_.places.note("load by register cache", address, leaves);
      return *known;
    }
  by_.cache.release_held(address);
  if (TableRows::Rows rows = by_.table_rows.table_rows(address, leaves); !rows.places.empty()) {
    by_.places.note("load table rows", address, leaves);
    return by_.table_rows.load_table_rows(address, leaves, rows);
  }
  if (is_trusted(address) && !by_.strides.reads_behind(address, leaves)) address.limit = nullptr;
  if (is_proven(address, leaves)) address.limit = nullptr;
  if (addresses_.is_scalar_address(address)) {
    bool parts = b_.has(Part::kChunkRows) && address.parts && !address.own.v.empty() &&
                 address.limit && address.offset.s.chunk;
    bool rows = parts || by_.places.has_even_rows(address);
    by_.places.note(rows ? "load chunk rows" : "load scalar", address, leaves);
    return rows ? by_.scalars.load_rows(address, leaves)
                : by_.scalars.load_uniform(address, leaves);
  }
  if (by_.lanes.has_element_function(address, leaves, false))
    return by_.lanes.load_by_function(address, leaves);
  bool affine = !address.scale && address.offset.s.affine && address.space != Space::kDynamic &&
                address.space != Space::kPhysical;
  if (affine) return by_.strides.load_affine(address, leaves);
  if (address.space == Space::kPhysical && !address.scale && address.offset.s.affine &&
      b_.is_full(at_.mask))
    return by_.strides.load_affine(address, leaves);
  if (const unsigned lanes = by_.elements.lanes_of_groups(address, leaves))
    return by_.elements.load_groups(address, leaves, lanes);
  if (const auto order = by_.runs.order_of(address, leaves, false))
    return by_.runs.load_runs(address, leaves, *order);
  return by_.elements.load_apart(address, leaves);
}

// ---- Stores -------------------------------------------------------------------------------------

void Accesses::store_memory(Address address, const Leaves& value) {
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  if (leaves.empty() || leaves.size() != value.size()) {
    if (leaves.size() != value.size())
      b_.internal_error("a store's value and place differ in size");
    return;
  }
  store_leaves(std::move(address), leaves, value);
}

void Accesses::store_leaves(Address address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  if (const auto words = by_.words.words_of(address, leaves); !words.empty())
    return store_leaves(address, words, by_.words.packed_words(value, leaves, words.size()));
  const bool trusted = is_trusted(address);
  if (addresses_.is_scalar_address(address)) {
    if (by_.cache.store_single(address, leaves, value))
      return by_.places.note("store by register cache", address, leaves);
    by_.cache.release_held(address);
    if (trusted || is_proven(address, leaves)) address.limit = nullptr;
    by_.places.note("store scalar", address, leaves);
    return by_.scalars.store_uniform(address, leaves, value);
  }
  if (by_.cache.is_patterned(address, leaves) && by_.cache.store_pattern(address, leaves, value))
    return by_.places.note("store by register cache", address, leaves);
  by_.cache.release_held(address);
  if (TableRows::Rows rows = by_.table_rows.table_rows(address, leaves);
      !rows.places.empty() && by_.table_rows.store_table_rows(address, leaves, value, rows))
    return by_.places.note("store table rows", address, leaves);
  if (trusted || is_proven(address, leaves)) address.limit = nullptr;
  if (by_.lanes.has_element_function(address, leaves, true))
    return by_.lanes.store_by_function(address, leaves, value);
  bool affine = !address.scale && address.offset.s.affine && address.space != Space::kDynamic;
  if (affine) return by_.strides.store_affine(address, leaves, value);
  if (const auto order = by_.runs.order_of(address, leaves, true))
    return by_.runs.store_runs(address, leaves, value, *order);
  if (by_.elements.has_table_elements(address, leaves))
    return by_.elements.store_table(address, leaves, value);
  by_.places.note("store scatter", address, leaves);
  by_.lanes.store_scatter(address, leaves, value);
}

}  // namespace sokr::cpu
