// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What emission chooses, and why nothing better, told to CompileOptions::trace.
#include "compiler/emit/memory/places.hpp"

namespace sokr::cpu {
namespace {

const char* space_name(Space space) {
  switch (space) {
    case Space::kBuffer:
      return "buffer";
    case Space::kPush:
      return "push constants";
    case Space::kWorkgroup:
      return "workgroup";
    case Space::kTable:
      return "table";
    case Space::kPhysical:
      return "physical";
    case Space::kDynamic:
      return "computed pointer";
  }
  return "memory";
}

// How places differ between lanes, and between chunks.
std::string lie_of(const Address& a) {
  std::string out;
  if (a.space == Space::kDynamic && (a.begin.s.varies_by_lane() || a.size.s.varies_by_lane()))
    out = "each lane its own object";
  else if (a.scale)
    out = fmt::format("each lane its own index of {} bytes{}", a.scale,
                      a.index.s.table ? " (a table)" : "");
  else if (!a.offset.s.affine)
    out = "each lane its own offset";
  else if (a.offset.s.ls == 0)
    out = "one place for all lanes";
  else
    out = fmt::format("lanes {} bytes apart", a.offset.s.ls);
  if (a.scale ? a.index.s.chunk || a.offset.s.varies_by_chunk() : a.offset.s.chunk)
    out += ", chunks of their own";
  else if (a.offset.s.cs)
    out += fmt::format(", chunks {} bytes apart", a.offset.s.cs);
  if (a.offset.s.turn)
    out += fmt::format(", rows of {} chunks {} bytes", a.offset.s.turn, a.offset.s.rs);
  return out;
}

}  // namespace

void Places::note(const char* decision) const {
  if (o_.trace && at_.robust == 0) o_.trace->access(decision);
}

// The robust path of an access is not an access of its own.
void Places::note(const char* decision, const Address& address,
                  const std::vector<PlacedLeaf>& leaves) const {
  if (!o_.trace || !o_.trace->wants(Stage::kPlan) || at_.robust > 0) return;
  const bool tested = address.limit || address.space == Space::kDynamic;
  o_.trace->access(fmt::format(
      "{}: {}; {}; {} of {} bytes; {}; {}", decision, space_name(address.space), lie_of(address),
      leaves.size(), leaves.empty() ? 0 : scalar_size(*p_.module, leaves[0].type),
      tested ? "tested" : "not tested", b_.is_full(at_.mask) ? "all active" : "masked"));
}

}  // namespace sokr::cpu
