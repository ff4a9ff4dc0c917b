// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/geometry.hpp"

#include <algorithm>
#include <bit>

namespace sokr::cpu {
namespace {

struct Census {
  std::size_t instructions = 0;
  std::size_t carried = 0;  // scalars that some loop carries around
  bool loops = false;
};

Census count(const Program& program) {
  Census census;
  for (std::uint32_t b = 0; b < program.blocks.size(); ++b) {
    const Block& block = program.blocks[b];
    census.instructions += block.body.size() + block.phis.size();
    const Construct& construct = program.constructs[block.construct];
    if (construct.kind != ConstructKind::kLoop || construct.header != b) continue;
    census.loops = true;
    std::size_t here = 0;
    for (const auto& phi : block.phis) here += leaf_count(*program.module, phi.type);
    census.carried = std::max(census.carried, here);
  }
  return census;
}

// The largest divisor of `total` that is at most `limit`.
std::uint32_t divisor_below(std::uint32_t total, std::uint32_t limit) {
  for (std::uint32_t d = std::min(total, limit); d > 1; --d)
    if (total % d == 0) return d;
  return 1;
}

}  // namespace

std::uint32_t register_lanes(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return 16;
    case Isa::kAvx2:
      return 8;
    default:
      return 4;
  }
}

Geometry choose_geometry(const Program& program, const CompileOptions& options) {
  Geometry g;
  g.local = program.entry->local_size;
  g.subgroup = program.entry->required_subgroup_size ? program.entry->required_subgroup_size
                                                     : options.subgroup_size;
  std::uint32_t total = g.total();
  g.width = std::min(register_lanes(options.isa), std::max(4u, std::bit_ceil(total)));
  std::uint32_t needed = (total + g.width - 1) / g.width;  // chunks of the whole workgroup
  std::uint32_t least = 1;
  if (program.uses_subgroups) least = std::clamp(g.subgroup / g.width, 1u, std::bit_ceil(needed));
  if (options.jam) {
    g.chunks = std::clamp(options.jam, 1u, std::max(needed, least));
    g.chunks = std::max(least, g.chunks / least * least);
    return g;
  }
  Census census = count(program);
  std::uint32_t registers = options.isa == Isa::kAvx512 || options.isa == Isa::kNeon ? 32 : 16;
  std::uint32_t limit = 2;
  if (census.loops)
    limit = std::clamp<std::uint32_t>(
        static_cast<std::uint32_t>((registers / 2) / std::max<std::size_t>(2, census.carried)), 1u,
        8u);
  if (program.has_barrier) {
    // Rows share what does not depend on the row: keep the workgroup in one pass. Without
    // rows nothing is shared, and passes that have nobody in them are skipped.
    bool rows = g.local[1] * g.local[2] > 1 && g.local[0] % g.width == 0;
    bool small = census.instructions * needed < 6000 && needed <= registers / 2;
    limit = rows && small ? registers / 2 : std::min(limit, 2u);
  }
  if (census.instructions * limit > 12000)
    limit = static_cast<std::uint32_t>(std::max<std::size_t>(1, 12000 / census.instructions));
  limit = std::min(limit, std::max(options.max_jam, 1u));
  g.chunks = divisor_below(needed, limit);
  g.chunks = std::max(least, g.chunks / least * least);
  return g;
}

}  // namespace sokr::cpu
