// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/table_rows.hpp"

#include "compiler/codegen/llvm_versions.hpp"

namespace sokr::cpu {

namespace {

constexpr std::int64_t kMaxRows = 4;

}  // namespace

// Places are bytes from `origin`, which is `align`ed.
LlvmValue* TableRows::load_places(const Address& address, LlvmValue* origin, unsigned align,
                                  const Offsets& places, LlvmType* type) {
  LlvmType* row_type = b_.wide(type);
  const std::int64_t row_size = kElement * g_.width;
  llvm::SmallVector<std::int64_t, 16> rows;
  bool partial = false;
  for (auto at : places) {
    partial |= at < 0;
    if (at >= 0 && !llvm::is_contained(rows, at / row_size)) rows.push_back(at / row_size);
  }
  LlvmValue* result = nullptr;
  std::int64_t first = -1;  // the row that `result` still is
  for (auto row : rows) {
    LlvmValue* from_here =
        b_.CreateConstGEP1_64(b_.getInt8Ty(), origin, static_cast<std::uint64_t>(row * row_size));
    LlvmValue* now =
        places_.annotate(b_.CreateAlignedLoad(row_type, from_here, llvm::Align(align)), address);
    if (!result && !partial && (rows.size() > 1)) {
      result = now;
      first = row;
      continue;
    }
    if (!result) result = llvm::Constant::getNullValue(row_type);
    llvm::SmallVector<int, 16> from;
    bool same = true;
    for (unsigned l = 0; l < g_.width; ++l) {
      bool here = places[l] >= 0 && places[l] / row_size == row;
      bool before = first >= 0 && places[l] / row_size == first;
      auto lane = static_cast<int>(places[l] % row_size / kElement);
      from.push_back(here     ? static_cast<int>(g_.width) + lane
                     : before ? lane
                              : static_cast<int>(l));
      same &= here && lane == static_cast<int>(l);
    }
    result = same ? now : b_.CreateShuffleVector(result, now, from);
    first = -1;
  }
  return result ? result : llvm::Constant::getNullValue(row_type);
}

void TableRows::store_places(const Address& address, LlvmValue* origin, unsigned align_bytes,
                             const Offsets& places, LlvmValue* value) {
  const std::int64_t row_size = kElement * g_.width;
  llvm::SmallVector<std::int64_t, 16> rows;
  for (auto at : places)
    if (at >= 0 && !llvm::is_contained(rows, at / row_size)) rows.push_back(at / row_size);
  for (auto row : rows) {
    llvm::SmallVector<int, 16> from(g_.width, -1);
    for (unsigned l = 0; l < g_.width; ++l)
      if (places[l] >= 0 && places[l] / row_size == row)
        from[static_cast<std::size_t>(places[l] % row_size / kElement)] = static_cast<int>(l);
    bool whole = true, same = true;
    for (unsigned l = 0; l < g_.width; ++l) {
      whole &= from[l] >= 0;
      same &= from[l] == static_cast<int>(l);
      if (from[l] < 0) from[l] = static_cast<int>(g_.width + l);
    }
    LlvmValue* pointer =
        b_.CreateConstGEP1_64(b_.getInt8Ty(), origin, static_cast<std::uint64_t>(row * row_size));
    llvm::Align align(align_bytes);
    LlvmValue* now = value;
    if (!whole)
      now = b_.CreateShuffleVector(
          value, places_.annotate(b_.CreateAlignedLoad(value->getType(), pointer, align), address),
          from);
    else if (!same)
      now = b_.CreateShuffleVector(value, value, from);
    places_.annotate(b_.CreateAlignedStore(now, pointer, align), address);
  }
}

// The rows that a table's places lie in; without places if they spread over too many.
TableRows::Rows TableRows::table_rows(const Address& address,
                                      const std::vector<PlacedLeaf>& leaves) {
  Rows rows;
  const Table* table = address.index.s.table;
  bool fits = address.scale && table && address.scale % kElement == 0 && address.limit &&
              address.offset.s.affine && address.offset.s.ls == 0 && leaves.size() == 1 &&
              !address.is_volatile && scalar_size(*p_.module, leaves[0].type) == kElement &&
              (address.space == Space::kWorkgroup || address.space == Space::kBuffer);
  if (!fits || !b_.has(Part::kTableRows)) return rows;
  const std::int64_t row = b_.row_bytes();
  auto [low, high] = std::minmax_element(table->begin(), table->begin() + g_.width);
  std::int64_t first = *low * address.scale, last = *high * address.scale;
  rows.first = (first >= 0 ? first : first - row + 1) / row * row;
  rows.span = (last - rows.first) / row * row + row;
  if (rows.span > kMaxRows * row) return rows;
  // Rows may begin a little earlier, where that keeps the last one in range. That also makes
  // one set of rows of those of two tables that fit into each other.
  auto* limit = llvm::dyn_cast<llvm::ConstantInt>(address.limit);
  if (limit && address.reach) {
    std::int64_t beyond = static_cast<std::int64_t>(address.reach->high) - last + rows.first +
                          static_cast<std::int64_t>(leaves[0].offset) + rows.span -
                          limit->getSExtValue();
    std::int64_t spare = rows.first + rows.span - (last + kElement);
    if (beyond > 0 && beyond <= spare && beyond % kElement == 0) rows.first -= beyond;
  }
  for (unsigned l = 0; l < g_.width; ++l)
    rows.places.push_back((*table)[l] * address.scale - rows.first);
  return rows;
}

// Whatever the base: the lanes with the table's ends are in range, which bounds the base.
bool TableRows::rows_are_inside(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                const Rows& rows) const {
  auto [low, high] = std::minmax_element(address.index.s.table->begin(),
                                         address.index.s.table->begin() + g_.width);
  auto at = static_cast<std::int64_t>(leaves[0].offset) + rows.first;
  return places_.is_inside(address, at - *low * address.scale,
                           at - *high * address.scale + rows.span);
}

// Where the rows of each of `count` chunks begin; behind a branch if need be: what follows is
// for the case that all of them are in range, and `slow` (null if there is none) for the other.
LlvmValues TableRows::open_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                const Rows& rows, unsigned count, BasicBlock* slow) {
  auto number = [&](std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); };
  LlvmValue* bytes = number(rows.span);
  LlvmValue* last = slow ? b_.CreateSub(address.limit, bytes) : nullptr;
  LlvmValue* inside = slow ? b_.CreateICmpUGE(address.limit, bytes) : nullptr;
  LlvmValues origins;
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* lane = b_.CreateExtractElement(b_.vector_of(address.index, c), std::uint64_t{0});
    LlvmValue* base =
        b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number((*address.index.s.table)[0]));
    LlvmValue* at =
        b_.CreateAdd(b_.CreateMul(base, number(address.scale)), b_.base_of(address.offset, c));
    at = b_.CreateAdd(at, number(rows.first + static_cast<std::int64_t>(leaves[0].offset)));
    if (slow) inside = b_.CreateAnd(inside, b_.CreateICmpULE(at, last));
    origins.push_back(b_.CreateGEP(b_.getInt8Ty(), address.base, at));
  }
  if (!slow) return origins;
  BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
  b_.CreateCondBr(inside, fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  return origins;
}

Leaves TableRows::load_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                  const Rows& rows) {
  unsigned count = address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  const bool proven = rows_are_inside(address, leaves, rows);
  BasicBlock* slow = proven ? nullptr : BasicBlock::Create(cx_, "edge", at_.function);
  LlvmValues loaded;
  for (LlvmValue* origin : open_rows(address, leaves, rows, count, slow))
    loaded.push_back(places_.from_memory(
        load_places(address, origin, kElement, rows.places, places_.memory_type(leaves[0].type)),
        leaves[0].type));
  Leaves out(1);
  out[0].s = Shape::varying(count > 1);
  out[0].v = std::move(loaded);
  if (!proven)
    lanes_.join_robust(address, leaves, slow, BasicBlock::Create(cx_, "read", at_.function), out);
  return out;
}

// Workgroup memory only: rows are written whole, which nobody else may do at the same time.
bool TableRows::store_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                 const Leaves& value, const Rows& rows) {
  if (address.space != Space::kWorkgroup) return false;
  for (unsigned l = 0; l < rows.places.size(); ++l)
    for (unsigned k = 0; k < l; ++k)
      if (rows.places[l] == rows.places[k]) return false;
  const bool proven = rows_are_inside(address, leaves, rows);
  BasicBlock* slow = proven ? nullptr : BasicBlock::Create(cx_, "edge", at_.function);
  LlvmValues origins = open_rows(address, leaves, rows, g_.chunks, slow);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v = places_.to_memory(b_.vector_of(value[0], c));
    if (!b_.is_full(at_.mask))
      v = b_.CreateSelect(b_.mask_vector(c), v,
                          load_places(address, origins[c], kElement, rows.places,
                                      places_.memory_type(leaves[0].type)));
    store_places(address, origins[c], kElement, rows.places, v);
  }
  if (!proven)
    lanes_.store_robust(address, leaves, value, slow,
                        BasicBlock::Create(cx_, "written", at_.function));
  return true;
}

}  // namespace sokr::cpu
