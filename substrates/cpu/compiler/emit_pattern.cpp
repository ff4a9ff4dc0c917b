// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Workgroup memory at places that are constants for every lane: known when a workgroup is one
// pass and its loops are unrolled. A row of memory as wide as a register is then read and
// written as a whole, and lanes move by shuffles; masks that are constants cost nothing. A
// variable that is used in no other way does not need to be in memory at all.
#include "compiler/emitter.hpp"

namespace sokr::cpu {

namespace {

constexpr std::int64_t kElement = 4;
constexpr std::int64_t kNobody = -1, kOutside = -2;  // instead of a place
constexpr std::uint64_t kMaxPromoted = 16384;        // bytes

std::optional<std::int64_t> number(LlvmValue* value) {
  auto* c = llvm::dyn_cast_or_null<llvm::ConstantInt>(value);
  if (!c) return std::nullopt;
  return c->getSExtValue();
}

std::optional<std::int64_t> number(LlvmValue* vector, unsigned lane) {
  auto* c = llvm::dyn_cast<llvm::Constant>(vector);
  return c ? number(c->getAggregateElement(lane)) : std::nullopt;
}

}  // namespace

// Each lane's byte offset, if those are constants.
bool Emitter::lane_offsets(const Address& address, unsigned chunk, Offsets& out) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1) return false;
  const Shape& s = address.offset.s;
  out.clear();
  auto first = s.affine ? number(base_of(address.offset, chunk)) : std::nullopt;
  if (s.affine && !first) return false;
  LlvmValue* offsets = s.affine ? nullptr : vector_of(address.offset, chunk);
  LlvmValue* index = address.scale ? vector_of(address.index, chunk) : nullptr;
  for (unsigned l = 0; l < g_.width; ++l) {
    auto at = offsets ? number(offsets, l) : std::optional(*first + s.ls * l);
    auto by = index ? number(index, l) : std::optional<std::int64_t>(0);
    if (!at || !by) return false;
    out.push_back(*at + *by * address.scale);
  }
  return true;
}

// Of lanes that may be active and are in range; kNobody and kOutside for the others.
bool Emitter::places_of(const Address& address, unsigned chunk, std::int64_t offset,
                        Offsets& places) {
  auto limit = number(address.limit ? address.limit : b_.getInt64(INT64_MAX));
  if (!limit || !lane_offsets(address, chunk, places)) return false;
  LlvmValue* mask = mask_vector(chunk);
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  for (unsigned l = 0; l < g_.width; ++l) {
    std::int64_t at = places[l] + offset;
    bool nobody =
        known && known->getAggregateElement(l) && known->getAggregateElement(l)->isNullValue();
    places[l] = nobody ? kNobody : at < 0 || at + kElement > *limit ? kOutside : at;
    if (places[l] >= 0 && places[l] % kElement) return false;
  }
  return true;
}

// Does the instruction only store to such places, whose pointers are known before `begin`?
bool Emitter::is_patterned_store(const Inst& inst, std::uint32_t begin) {
  if (inst.op != spv::Op::OpStore) return false;
  const spirv::Variable* root = p_.module->variable(root_of(p_, inst.args[0]));
  if (!root || root->storage != spv::StorageClass::Workgroup) return false;
  const Inst* chain = p_.inst(look_through(p_, inst.args[0]));
  while (chain) {
    for (Id arg : chain->args)
      if (const Definition* d = p_.definition(arg); d && d->block != kNone && d->block >= begin)
        return false;
    chain = p_.inst(look_through(p_, chain->args[0]));
  }
  Address address = address_of(inst.args[0]);
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  if (is_scalar_address(address)) return false;
  return is_patterned(address, leaves) || !table_rows(address, leaves).places.empty();
}

bool Emitter::is_patterned(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Offsets places;
  if (address.is_volatile || !has(Part::kRegisterCache)) return false;
  for (const auto& leaf : leaves) {
    if (scalar_size(*p_.module, leaf.type) != kElement) return false;
    for (unsigned c = 0; c < g_.chunks; ++c)
      if (!places_of(address, c, static_cast<std::int64_t>(leaf.offset), places)) return false;
  }
  return true;
}

// Places are bytes from `origin`, which is `align`ed.
LlvmValue* Emitter::load_places(const Address& address, LlvmValue* origin, unsigned align,
                                const Offsets& places, LlvmType* type) {
  LlvmType* row_type = wide(type);
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
        annotate(b_.CreateAlignedLoad(row_type, from_here, llvm::Align(align)), address);
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

// ---- Elements at hand ------------------------------------------------------------------------
//
// Where places are constants, a store need not be one: it says which lane of which vector each
// element is from now on, and a load takes the lanes together. Memory is written where control
// flow parts or meets, and before anything looks at it in another way.

// Null for what may be known by another name, too.
Emitter::Held* Emitter::held(const Address& address) {
  if (address.is_volatile || address.space != Space::kWorkgroup || address.anywhere) return nullptr;
  Held& memory = held_[address.base];
  if (memory.elements.empty()) {
    const spirv::Type* type = p_.module->type(address.root);
    auto* limit = llvm::dyn_cast_or_null<llvm::ConstantInt>(address.limit);
    if (!limit || (type && type->block)) {
      held_.erase(address.base);
      return nullptr;
    }
    std::uint64_t rows = (limit->getZExtValue() + row_bytes() - 1) / row_bytes();
    memory.elements.resize(rows * g_.width);
    memory.address = address;
  }
  return &memory;
}

// The elements at these places. Who is nobody gets anything, who is outside zeros.
LlvmValue* Emitter::held_lanes(Held& memory, const Offsets& places) {
  LlvmType* type = wide(b_.getInt32Ty());
  auto read_row = [&](std::size_t row) {
    LlvmValue* at = b_.CreateConstGEP1_64(b_.getInt8Ty(), memory.address.base, row * row_bytes());
    LlvmValue* v =
        annotate(b_.CreateAlignedLoad(type, at, llvm::Align(row_bytes())), memory.address);
    for (unsigned l = 0; l < g_.width; ++l) {
      Element& e = memory.elements[row * g_.width + l];
      if (!e.vector) e = {v, l, false};
    }
  };
  llvm::SmallVector<LlvmValue*, 16> sources;
  llvm::SmallVector<std::pair<std::size_t, unsigned>, 16> from;  // source, lane
  constexpr std::size_t kAny = SIZE_MAX;
  for (unsigned l = 0; l < g_.width; ++l) {
    if (places[l] == kNobody) {
      from.emplace_back(kAny, l);
      continue;
    }
    Element e{llvm::Constant::getNullValue(type), l, false};
    if (places[l] >= 0) {
      auto index = static_cast<std::size_t>(places[l] / kElement);
      if (!memory.elements[index].vector) read_row(index / g_.width);
      e = memory.elements[index];
    }
    auto at = llvm::find(sources, e.vector);
    from.emplace_back(static_cast<std::size_t>(at - sources.begin()), e.lane);
    if (at == sources.end()) sources.push_back(e.vector);
  }
  if (sources.empty()) return llvm::Constant::getNullValue(type);
  LlvmValue* result = sources[0];
  for (std::size_t next = 1; next == 1 || next < sources.size(); ++next) {
    llvm::SmallVector<int, 16> pick;
    bool same = true;
    for (unsigned l = 0; l < g_.width; ++l) {
      auto [source, lane] = from[l];
      bool first = next == 1 && source == 0, now = source == next;
      pick.push_back(static_cast<int>(now ? g_.width + lane : first ? lane : l));
      same &= pick.back() == static_cast<int>(l);
    }
    if (!same)
      result = b_.CreateShuffleVector(result, next < sources.size() ? sources[next] : result, pick);
  }
  return result;
}

void Emitter::settle_held() {
  for (auto& [base, memory] : held_)
    for (std::size_t row = 0; row < memory.elements.size() / g_.width; ++row) {
      bool written = false;
      Offsets places;
      for (unsigned l = 0; l < g_.width; ++l) {
        written |= memory.elements[row * g_.width + l].written;
        places.push_back(static_cast<std::int64_t>(row * g_.width + l) * kElement);
      }
      if (!written) continue;
      LlvmValue* at = b_.CreateConstGEP1_64(b_.getInt8Ty(), base, row * row_bytes());
      annotate(b_.CreateAlignedStore(held_lanes(memory, places), at, llvm::Align(row_bytes())),
               memory.address);
    }
  forget_held();
}

// Before an access that may reach the same memory, but not by constant places.
void Emitter::release_held(const Address& address) {
  if (held_.empty() || (address.space != Space::kWorkgroup && !address.anywhere &&
                        address.space != Space::kPhysical))
    return;
  settle_held();
}

void Emitter::jump(BasicBlock* to) {
  settle_held();
  b_.CreateBr(to);
}

void Emitter::branch(LlvmValue* condition, BasicBlock* yes, BasicBlock* no, llvm::MDNode* weights) {
  settle_held();
  b_.CreateCondBr(condition, yes, no, weights);
}

Leaves Emitter::load_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(g_.chunks > 1);
  Offsets places;
  Held* memory = held(address);
  if (!memory) release_held(address);
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      places_of(address, c, static_cast<std::int64_t>(leaves[i].offset), places);
      LlvmType* type = memory_type(leaves[i].type);
      LlvmValue* v = memory ? b_.CreateBitCast(held_lanes(*memory, places), wide(type))
                            : load_places(address, address.base, row_bytes(), places, type);
      out[i].v.push_back(from_memory(v, leaves[i].type));
    }
  return out;
}

// Nothing if two lanes, of which one may be inactive, share a place.
bool Emitter::store_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  Offsets places;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    if (llvm::isa<llvm::Constant>(mask_vector(c))) continue;
    for (const auto& leaf : leaves) {
      places_of(address, c, static_cast<std::int64_t>(leaf.offset), places);
      llvm::SmallVector<std::int64_t, 16> seen;
      for (auto at : places) {
        if (at >= 0 && llvm::is_contained(seen, at)) return false;
        seen.push_back(at);
      }
    }
  }
  Held* memory = held(address);
  if (!memory) release_held(address);
  LlvmType* words = wide(b_.getInt32Ty());
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      places_of(address, c, static_cast<std::int64_t>(leaves[i].offset), places);
      LlvmValue* v = b_.CreateBitCast(to_memory(vector_of(value[i], c)), words);
      LlvmValue* mask = mask_vector(c);
      if (!llvm::isa<llvm::Constant>(mask))
        v = b_.CreateSelect(
            mask, v,
            memory ? held_lanes(*memory, places)
                   : load_places(address, address.base, row_bytes(), places, b_.getInt32Ty()));
      if (!memory) {
        store_places(address, address.base, row_bytes(), places, v);
        continue;
      }
      for (unsigned l = 0; l < g_.width; ++l)
        if (places[l] >= 0)
          memory->elements[static_cast<std::size_t>(places[l] / kElement)] = {v, l, true};
    }
  return true;
}

// A constant place that a whole register of lanes shares.
bool Emitter::single_place(const Address& address, unsigned chunk, std::int64_t offset,
                           std::int64_t& place) {
  auto at = number(base_of(address.offset, chunk)), limit = number(address.limit);
  if (!at || !limit) return false;
  place = *at + offset;
  return place >= 0 && place % kElement == 0 && place + kElement <= *limit;
}

// Nothing where each chunk has a place of its own: those are read from memory, which repeats a
// number for all lanes at no cost.
std::optional<Leaves> Emitter::load_single(const Address& address,
                                           const std::vector<PlacedLeaf>& leaves) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1 ||
      address.offset.s.varies_by_chunk() || !has(Part::kRegisterCache))
    return std::nullopt;
  std::int64_t place = 0;
  for (const auto& leaf : leaves)
    if (scalar_size(*p_.module, leaf.type) != kElement ||
        !single_place(address, 0, static_cast<std::int64_t>(leaf.offset), place))
      return std::nullopt;
  Held* memory = held(address);
  if (!memory) return std::nullopt;
  Leaves out;
  for (const auto& leaf : leaves) {
    single_place(address, 0, static_cast<std::int64_t>(leaf.offset), place);
    Element& e = memory->elements[static_cast<std::size_t>(place / kElement)];
    if (!e.vector) {
      Offsets places(g_.width, kNobody);
      places[0] = place;
      held_lanes(*memory, places);  // reads the row
    }
    LlvmValue* word = b_.CreateExtractElement(e.vector, std::uint64_t{e.lane});
    word = b_.CreateBitCast(word, memory_type(leaf.type));
    out.push_back(constant_val(from_memory(word, leaf.type)));
  }
  return out;
}

// One of those who are there wins.
bool Emitter::store_single(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           const Leaves& value) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1 || !has(Part::kRegisterCache))
    return false;
  std::int64_t place = 0;
  llvm::SmallVector<std::optional<unsigned>, 16> winner;  // a lane of each chunk
  for (unsigned c = 0; c < g_.chunks; ++c) {
    for (const auto& leaf : leaves)
      if (scalar_size(*p_.module, leaf.type) != kElement ||
          !single_place(address, c, static_cast<std::int64_t>(leaf.offset), place))
        return false;
    auto* mask = llvm::dyn_cast<llvm::Constant>(mask_vector(c));
    if (!mask) return false;
    winner.emplace_back();
    for (unsigned l = 0; l < g_.width && !winner.back(); ++l) {
      auto* bit = mask->getAggregateElement(l);
      if (!bit) return false;
      if (bit->isOneValue()) winner.back() = l;
    }
  }
  Held* memory = held(address);
  if (!memory) return false;
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t i = 0; i < leaves.size() && winner[c]; ++i) {
      single_place(address, c, static_cast<std::int64_t>(leaves[i].offset), place);
      LlvmValue* v = b_.CreateBitCast(to_memory(vector_of(value[i], c)), wide(b_.getInt32Ty()));
      memory->elements[static_cast<std::size_t>(place / kElement)] = {v, *winner[c], true};
    }
  return true;
}

void Emitter::store_places(const Address& address, LlvmValue* origin, unsigned align_bytes,
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
          value, annotate(b_.CreateAlignedLoad(value->getType(), pointer, align), address), from);
    else if (!same)
      now = b_.CreateShuffleVector(value, value, from);
    annotate(b_.CreateAlignedStore(now, pointer, align), address);
  }
}

// ---- Beside a base that is not a constant ------------------------------------------------------
//
// Lanes whose places differ by constants: the rows around a base that each chunk has.

namespace {

constexpr std::int64_t kMaxRows = 4;

}  // namespace

// The rows that a table's places lie in; without places if they spread over too many.
Emitter::Rows Emitter::table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Rows rows;
  const Table* table = address.index.s.table;
  bool fits = address.scale && table && address.scale % kElement == 0 && address.limit &&
              address.offset.s.affine && address.offset.s.ls == 0 && leaves.size() == 1 &&
              !address.is_volatile && scalar_size(*p_.module, leaves[0].type) == kElement &&
              (address.space == Space::kWorkgroup || address.space == Space::kBuffer);
  if (!fits || !has(Part::kTableRows)) return rows;
  const std::int64_t row = row_bytes();
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
bool Emitter::rows_are_inside(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              const Rows& rows) const {
  auto [low, high] = std::minmax_element(address.index.s.table->begin(),
                                         address.index.s.table->begin() + g_.width);
  auto at = static_cast<std::int64_t>(leaves[0].offset) + rows.first;
  return is_inside(address, at - *low * address.scale, at - *high * address.scale + rows.span);
}

// Where the rows of each of `count` chunks begin; behind a branch if need be: what follows is
// for the case that all of them are in range, and `slow` (null if there is none) for the other.
LlvmValues Emitter::open_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              const Rows& rows, unsigned count, BasicBlock* slow) {
  auto number = [&](std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); };
  LlvmValue* bytes = number(rows.span);
  LlvmValue* last = slow ? b_.CreateSub(address.limit, bytes) : nullptr;
  LlvmValue* inside = slow ? b_.CreateICmpUGE(address.limit, bytes) : nullptr;
  LlvmValues origins;
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* lane = b_.CreateExtractElement(vector_of(address.index, c), std::uint64_t{0});
    LlvmValue* base =
        b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number((*address.index.s.table)[0]));
    LlvmValue* at =
        b_.CreateAdd(b_.CreateMul(base, number(address.scale)), base_of(address.offset, c));
    at = b_.CreateAdd(at, number(rows.first + static_cast<std::int64_t>(leaves[0].offset)));
    if (slow) inside = b_.CreateAnd(inside, b_.CreateICmpULE(at, last));
    origins.push_back(b_.CreateGEP(b_.getInt8Ty(), address.base, at));
  }
  if (!slow) return origins;
  BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
  b_.CreateCondBr(inside, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(fast);
  return origins;
}

Leaves Emitter::load_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                const Rows& rows) {
  unsigned count = address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  const bool proven = rows_are_inside(address, leaves, rows);
  BasicBlock* slow = proven ? nullptr : BasicBlock::Create(cx_, "edge", fn_);
  LlvmValues loaded;
  for (LlvmValue* origin : open_rows(address, leaves, rows, count, slow))
    loaded.push_back(from_memory(
        load_places(address, origin, kElement, rows.places, memory_type(leaves[0].type)),
        leaves[0].type));
  Leaves out(1);
  out[0].s = Shape::varying(count > 1);
  out[0].v = std::move(loaded);
  if (!proven) join_careful(address, leaves, slow, BasicBlock::Create(cx_, "read", fn_), out);
  return out;
}

// Workgroup memory only: rows are written whole, which nobody else may do at the same time.
bool Emitter::store_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                               const Leaves& value, const Rows& rows) {
  if (address.space != Space::kWorkgroup) return false;
  for (unsigned l = 0; l < rows.places.size(); ++l)
    for (unsigned k = 0; k < l; ++k)
      if (rows.places[l] == rows.places[k]) return false;
  const bool proven = rows_are_inside(address, leaves, rows);
  BasicBlock* slow = proven ? nullptr : BasicBlock::Create(cx_, "edge", fn_);
  LlvmValues origins = open_rows(address, leaves, rows, g_.chunks, slow);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v = to_memory(vector_of(value[0], c));
    if (!is_full(mask_))
      v = b_.CreateSelect(
          mask_vector(c), v,
          load_places(address, origins[c], kElement, rows.places, memory_type(leaves[0].type)));
    store_places(address, origins[c], kElement, rows.places, v);
  }
  if (!proven) store_careful(address, leaves, value, slow, BasicBlock::Create(cx_, "written", fn_));
  return true;
}

// ---- Out of memory ---------------------------------------------------------------------------

namespace {

bool is_simple(llvm::Value* pointer) {
  for (auto* user : pointer->users()) {
    if (auto* load = llvm::dyn_cast<llvm::LoadInst>(user)) {
      if (!load->isSimple()) return false;
    } else if (auto* store = llvm::dyn_cast<llvm::StoreInst>(user)) {
      if (!store->isSimple() || store->getPointerOperand() != pointer) return false;
    } else if (auto* step = llvm::dyn_cast<llvm::GetElementPtrInst>(user)) {
      if (!step->hasAllConstantIndices() || !is_simple(step)) return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

// Variables that are touched at constant places only become local, and LLVM splits them into
// registers. They start as zeros: nothing that runs may be undefined.
void Emitter::promote_workgroup_memory() {
  if (g_.passes() != 1 || !group_start_ || !has(Part::kRegisterCache)) return;
  for (auto& [id, base] : workgroup_base_) {
    std::uint64_t size = workgroup_[id].second;
    std::uint64_t row = static_cast<std::uint64_t>(kElement) * g_.width;
    size = (size + row - 1) / row * row;
    if (size == 0 || size > kMaxPromoted || !is_simple(base)) continue;
    note_variable(id, "Workgroup memory is registers");
    llvm::IRBuilder<> top(entry_, entry_->begin());
    auto* local = top.CreateAlloca(llvm::ArrayType::get(b_.getInt8Ty(), size));
    local->setAlignment(llvm::Align(64));
    llvm::IRBuilder<> start(group_start_, group_start_->getFirstInsertionPt());
    for (std::uint64_t at = 0; at < size; at += row)
      start.CreateAlignedStore(llvm::Constant::getNullValue(wide(b_.getInt32Ty())),
                               start.CreateConstGEP1_64(b_.getInt8Ty(), local, at),
                               llvm::Align(row));
    base->replaceAllUsesWith(local);
  }
}

}  // namespace sokr::cpu
