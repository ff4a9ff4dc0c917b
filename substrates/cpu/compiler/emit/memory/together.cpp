// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements that lie side by side in each lane and that a block touches one by one (neighbours.hpp):
// one access of several components, in Workgroup memory where all are known to be in range, and in
// buffers.
// Elements of several components at constant distances from a common base are stored lane by lane,
// those of one where lanes that follow one another make it few stores (the columns of a tile).
//
// Costs on Zen 4, in instructions for 16 lanes of 8 places, for each element: 11 alone (loads and
// insertions), 3 of four together. Stores likewise: 21 where rows are read, mixed and written back,
// 6 of four together.
#include <algorithm>
#include <bit>

#include "compiler/emit/memory/elements.hpp"
#include "compiler/emit/memory/loads_and_stores.hpp"

namespace sokr::cpu {

struct LoadsAndStores::Together {
  LoadsAndStores& e;
  const Neighbours::Group& group;
  std::vector<PlacedLeaf> leaves = {};  // of all elements
  std::size_t each = 0;                 // leaves of an element
  Address address = {};

  static const Neighbours::Group* group_of(LoadsAndStores& e, const Inst& inst) {
    return e.b_.has(Part::kNeighbours) && e.g_.lanes() > 1
               ? e.neighbours_.group_of(e.at_.block, inst)
               : nullptr;
  }

  // Where the elements are; false if some may be out of range.
  bool find() {
    const auto first = std::ranges::find(group.members, 0u, &Neighbours::Member::step);
    address = e.addresses_.address_of(first->inst->args[0]);
    std::vector<PlacedLeaf> one;
    placed_leaves(*e.p_.module, address.placed, 0, one);
    each = one.size();
    const std::uint64_t size = placed_size(*e.p_.module, address.placed);
    for (std::uint32_t i = 0; i < group.count; ++i)
      for (const PlacedLeaf& leaf : one) leaves.push_back({leaf.offset + i * size, leaf.type});
    const Extent extent = extent_of(*e.p_.module, leaves);
    if (e.addresses_.is_scalar_address(address)) return false;
    // Of Workgroup memory nothing is gained where a test is needed.
    return address.space == Space::kBuffer || e.places_.is_inside(address, extent.low, extent.high);
  }
};

// Makes the load, and those of its group that follow. False if it has to be made alone.
bool LoadsAndStores::load_together(const Inst& inst) {
  if (done_.erase(&inst) != 0) return true;
  const Neighbours::Group* group = Together::group_of(*this, inst);
  if (!group || group->members.front().inst != &inst) return false;
  Together together{*this, *group};
  if (!together.find()) return false;
  places_.note("load neighbours", together.address, together.leaves);
  const Leaves all = accesses_.load_leaves(together.address, together.leaves);
  for (const Neighbours::Member& member : group->members) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(member.step * together.each);
    values_.set(member.inst->id, Leaves(begin, begin + static_cast<std::ptrdiff_t>(together.each)));
    if (member.inst != &inst) done_.insert(member.inst);
  }
  return true;
}

// The last store of a group makes all of it.
bool LoadsAndStores::store_together(const Inst& inst) {
  const Neighbours::Group* group = Together::group_of(*this, inst);
  if (!group) return false;
  if (group->members.back().inst != &inst) return true;
  Together together{*this, *group};
  if (!together.find()) {
    for (const Neighbours::Member& member : group->members)
      store_through(member.inst->args[0], values_.get(member.inst->args[1]));
    return true;
  }
  places_.note("store neighbours", together.address, together.leaves);
  Leaves all(together.leaves.size());
  for (const Neighbours::Member& member : group->members)
    std::ranges::copy(values_.get(member.inst->args[1]),
                      all.begin() + static_cast<std::ptrdiff_t>(member.step * together.each));
  accesses_.store_leaves(together.address, together.leaves, all);
  return true;
}

}  // namespace sokr::cpu
