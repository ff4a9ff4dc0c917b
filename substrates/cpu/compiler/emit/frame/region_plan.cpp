// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/region_plan.hpp"

#include <algorithm>

namespace sokr::cpu {

RegionPlan::RegionPlan(VectorBuilder& builder)
    : Room(builder), mask_known_(builder.program.blocks.size(), false) {
  for (std::size_t c = 0; c < p_.constructs.size(); ++c)
    if (!a_.escapes[c] && p_.constructs[c].merge < mask_known_.size())
      mask_known_[p_.constructs[c].merge] = true;
}

// The outermost construct inside `construct` that begins at `block`; kNone = none.
std::uint32_t RegionPlan::item_at(std::uint32_t block, std::uint32_t construct) const {
  std::uint32_t found = kNone;
  for (std::uint32_t c = p_.blocks[block].construct; c != kNone && c != construct;
       c = p_.constructs[c].parent)
    if (p_.constructs[c].begin == block) found = c;
  return found;
}

bool RegionPlan::splits() const {
  return g_.passes() > 1 && p_.has_barrier;
}

bool RegionPlan::is_split(std::uint32_t construct) const {
  return splits() && p_.constructs[construct].has_barrier;
}

void RegionPlan::plan_regions() {
  region_.assign(p_.blocks.size(), 0);
  if (!splits()) return;
  std::uint32_t next = 0;
  number_regions(0, next);
  for (std::size_t c = 0; c < p_.constructs.size(); ++c)
    if (is_split(static_cast<std::uint32_t>(c)) && p_.constructs[c].merge < mask_known_.size())
      mask_known_[p_.constructs[c].merge] = false;
}

// Does everyone come to each item of the construct? Then no masks are kept for them.
bool RegionPlan::everyone_comes(std::uint32_t construct) const {
  if (std::ranges::find(a_.escapes, true) != a_.escapes.end()) return false;
  for (std::uint32_t c = construct; c != kNone; c = p_.constructs[c].parent)
    if (p_.constructs[c].kind != ConstructKind::kFunction || a_.constructs[c]) return false;
  return true;
}

// Is the mask of a block of a split construct kept in a slot?
bool RegionPlan::keeps_mask(std::uint32_t block) const {
  std::uint32_t c = p_.blocks[block].construct;
  for (; p_.constructs[c].begin == block && p_.constructs[c].parent != kNone;
       c = p_.constructs[c].parent)
    if (is_split(c) || p_.constructs[c].kind == ConstructKind::kLoop) return true;
  return !is_split(c) || !everyone_comes(c);
}

void RegionPlan::number_regions(std::uint32_t construct, std::uint32_t& next) {
  const Construct& c = p_.constructs[construct];
  ++next;
  for (std::uint32_t b = c.begin; b < c.end;) {
    std::uint32_t item = item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (item != kNone && is_split(item)) {
      number_regions(item, next);
      ++next;
    } else {
      for (std::uint32_t i = b; i < end; ++i) region_[i] = next;
      if (item == kNone && p_.blocks[b].barrier_after) ++next;
    }
    b = end;
  }
  ++next;
}

// Is whoever is in the item at `before`, the one ahead of `block`, all that comes to `block`,
// with no barrier between?
bool RegionPlan::goes_on(std::uint32_t construct, std::uint32_t before, std::uint32_t block) const {
  std::uint32_t item = item_at(before, construct), next = item_at(block, construct);
  std::uint32_t end = item == kNone ? before + 1 : p_.constructs[item].end;
  if (end != block || region_[before] != region_[block]) return false;
  if ((item != kNone && is_split(item)) || (next != kNone && is_split(next))) return false;
  bool arrives =
      item == kNone ? p_.blocks[before].exit == Exit::kJump && p_.blocks[before].targets[0] == block
                    : !a_.escapes[item] && p_.constructs[item].merge == block;
  bool reached =
      before == p_.constructs[construct].begin || !p_.blocks[before].predecessors.empty();
  const auto& from = p_.blocks[block].predecessors;
  return arrives && reached && !from.empty() &&
         std::ranges::all_of(from, [&](auto b) { return b >= before && b < end; });
}

}  // namespace sokr::cpu
