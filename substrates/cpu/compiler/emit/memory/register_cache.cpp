// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Workgroup memory at places that are constants for every lane: known when a workgroup is one
// pass and its loops are unrolled. A row of memory as wide as a register is then read and
// written as a whole, and lanes move by shuffles; masks that are constants cost nothing.
#include "compiler/emit/memory/register_cache.hpp"

namespace sokr::cpu {

RegisterCache::RegisterCache(VectorBuilder& builder, Branches& branches, Addresses& addresses,
                             Places& places, TableRows& table_rows)
    : Room(builder), addresses_(addresses), places_(places), table_rows_(table_rows) {
  branches.settle_by([this] { settle_held(); });
}

namespace {

constexpr std::int64_t kElement = TableRows::kElement;
constexpr std::int64_t kNobody = -1, kOutside = -2;  // instead of a place

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
bool RegisterCache::lane_offsets(const Address& address, unsigned chunk, Offsets& out) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1) return false;
  const Shape& s = address.offset.s;
  out.clear();
  auto first = s.affine ? number(b_.base_of(address.offset, chunk)) : std::nullopt;
  if (s.affine && !first) return false;
  LlvmValue* offsets = s.affine ? nullptr : b_.vector_of(address.offset, chunk);
  LlvmValue* index = address.scale ? b_.vector_of(address.index, chunk) : nullptr;
  for (unsigned l = 0; l < g_.width; ++l) {
    auto at = offsets ? number(offsets, l) : std::optional(*first + s.ls * l);
    auto by = index ? number(index, l) : std::optional<std::int64_t>(0);
    if (!at || !by) return false;
    out.push_back(*at + *by * address.scale);
  }
  return true;
}

// Of lanes that may be active and are in range; kNobody and kOutside for the others.
bool RegisterCache::places_of(const Address& address, unsigned chunk, std::int64_t offset,
                              Offsets& places) {
  auto limit = number(address.limit ? address.limit : b_.getInt64(INT64_MAX));
  if (!limit || !lane_offsets(address, chunk, places)) return false;
  LlvmValue* mask = b_.mask_vector(chunk);
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
bool RegisterCache::is_patterned_store(const Inst& inst, std::uint32_t begin) {
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
  Address address = addresses_.address_of(inst.args[0]);
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  if (addresses_.is_scalar_address(address)) return false;
  return is_patterned(address, leaves) || !table_rows_.table_rows(address, leaves).places.empty();
}

bool RegisterCache::is_patterned(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Offsets places;
  if (address.is_volatile || !b_.has(Part::kRegisterCache)) return false;
  for (const auto& leaf : leaves) {
    if (scalar_size(*p_.module, leaf.type) != kElement) return false;
    for (unsigned c = 0; c < g_.chunks; ++c)
      if (!places_of(address, c, static_cast<std::int64_t>(leaf.offset), places)) return false;
  }
  return true;
}

// ---- Elements at hand ------------------------------------------------------------------------
//
// Where places are constants, a store need not be one: it says which lane of which vector each
// element is from now on, and a load takes the lanes together. Memory is written where control
// flow parts or meets, and before anything looks at it in another way.

// Null for what may be known by another name, too.
RegisterCache::Held* RegisterCache::held(const Address& address) {
  if (address.is_volatile || address.space != Space::kWorkgroup || address.anywhere) return nullptr;
  Held& memory = held_[address.base];
  if (memory.elements.empty()) {
    const spirv::Type* type = p_.module->type(address.root);
    auto* limit = llvm::dyn_cast_or_null<llvm::ConstantInt>(address.limit);
    if (!limit || (type && type->block)) {
      held_.erase(address.base);
      return nullptr;
    }
    std::uint64_t rows = (limit->getZExtValue() + b_.row_bytes() - 1) / b_.row_bytes();
    memory.elements.resize(rows * g_.width);
    memory.address = address;
  }
  return &memory;
}

// The elements at these places. Who is nobody gets anything, who is outside zeros.
LlvmValue* RegisterCache::held_lanes(Held& memory, const Offsets& places) {
  LlvmType* type = b_.wide(b_.getInt32Ty());
  auto read_row = [&](std::size_t row) {
    LlvmValue* at =
        b_.CreateConstGEP1_64(b_.getInt8Ty(), memory.address.base, row * b_.row_bytes());
    LlvmValue* v = places_.annotate(b_.CreateAlignedLoad(type, at, llvm::Align(b_.row_bytes())),
                                    memory.address);
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

void RegisterCache::settle_held() {
  for (auto& [base, memory] : held_)
    for (std::size_t row = 0; row < memory.elements.size() / g_.width; ++row) {
      bool written = false;
      Offsets places;
      for (unsigned l = 0; l < g_.width; ++l) {
        written |= memory.elements[row * g_.width + l].written;
        places.push_back(static_cast<std::int64_t>(row * g_.width + l) * kElement);
      }
      if (!written) continue;
      LlvmValue* at = b_.CreateConstGEP1_64(b_.getInt8Ty(), base, row * b_.row_bytes());
      places_.annotate(
          b_.CreateAlignedStore(held_lanes(memory, places), at, llvm::Align(b_.row_bytes())),
          memory.address);
    }
  forget_held();
}

// Before an access that may reach the same memory, but not by constant places.
void RegisterCache::release_held(const Address& address) {
  if (held_.empty() || (address.space != Space::kWorkgroup && !address.anywhere &&
                        address.space != Space::kPhysical))
    return;
  settle_held();
}

Leaves RegisterCache::load_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(g_.chunks > 1);
  Offsets places;
  Held* memory = held(address);
  if (!memory) release_held(address);
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      places_of(address, c, static_cast<std::int64_t>(leaves[i].offset), places);
      LlvmType* type = places_.memory_type(leaves[i].type);
      LlvmValue* v =
          memory ? b_.CreateBitCast(held_lanes(*memory, places), b_.wide(type))
                 : table_rows_.load_places(address, address.base, b_.row_bytes(), places, type);
      out[i].v.push_back(places_.from_memory(v, leaves[i].type));
    }
  return out;
}

// Nothing if two lanes, of which one may be inactive, share a place.
bool RegisterCache::store_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                  const Leaves& value) {
  Offsets places;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    if (llvm::isa<llvm::Constant>(b_.mask_vector(c))) continue;
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
  LlvmType* words = b_.wide(b_.getInt32Ty());
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      places_of(address, c, static_cast<std::int64_t>(leaves[i].offset), places);
      LlvmValue* v = b_.CreateBitCast(places_.to_memory(b_.vector_of(value[i], c)), words);
      LlvmValue* mask = b_.mask_vector(c);
      if (!llvm::isa<llvm::Constant>(mask))
        v = b_.CreateSelect(mask, v,
                            memory ? held_lanes(*memory, places)
                                   : table_rows_.load_places(address, address.base, b_.row_bytes(),
                                                             places, b_.getInt32Ty()));
      if (!memory) {
        table_rows_.store_places(address, address.base, b_.row_bytes(), places, v);
        continue;
      }
      for (unsigned l = 0; l < g_.width; ++l)
        if (places[l] >= 0)
          memory->elements[static_cast<std::size_t>(places[l] / kElement)] = {v, l, true};
    }
  return true;
}

// A constant place that a whole register of lanes shares.
bool RegisterCache::single_place(const Address& address, unsigned chunk, std::int64_t offset,
                                 std::int64_t& place) {
  auto at = number(b_.base_of(address.offset, chunk)), limit = number(address.limit);
  if (!at || !limit) return false;
  place = *at + offset;
  return place >= 0 && place % kElement == 0 && place + kElement <= *limit;
}

// Nothing where each chunk has a place of its own: those are read from memory, which repeats a
// number for all lanes at no cost.
std::optional<Leaves> RegisterCache::load_single(const Address& address,
                                                 const std::vector<PlacedLeaf>& leaves) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1 ||
      address.offset.s.varies_by_chunk() || !b_.has(Part::kRegisterCache))
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
    word = b_.CreateBitCast(word, places_.memory_type(leaf.type));
    out.push_back(b_.constant_val(places_.from_memory(word, leaf.type)));
  }
  return out;
}

// One of those who are there wins.
bool RegisterCache::store_single(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                 const Leaves& value) {
  if (address.space != Space::kWorkgroup || g_.passes() != 1 || !b_.has(Part::kRegisterCache))
    return false;
  std::int64_t place = 0;
  llvm::SmallVector<std::optional<unsigned>, 16> winner;  // a lane of each chunk
  for (unsigned c = 0; c < g_.chunks; ++c) {
    for (const auto& leaf : leaves)
      if (scalar_size(*p_.module, leaf.type) != kElement ||
          !single_place(address, c, static_cast<std::int64_t>(leaf.offset), place))
        return false;
    auto* mask = llvm::dyn_cast<llvm::Constant>(b_.mask_vector(c));
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
      LlvmValue* v =
          b_.CreateBitCast(places_.to_memory(b_.vector_of(value[i], c)), b_.wide(b_.getInt32Ty()));
      memory->elements[static_cast<std::size_t>(place / kElement)] = {v, *winner[c], true};
    }
  return true;
}

}  // namespace sokr::cpu
