// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/geometry.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_set>
#include <utility>

#include "compiler/analysis/analysis.hpp"
#include "compiler/analysis/trace.hpp"
#include "compiler/program/support.hpp"
#include "compiler/target/traits.hpp"

namespace sokr::cpu {
namespace {

constexpr std::size_t kSmallKernel = 64;  // instructions
// Instructions of all chunks. Large kernels keep the processor busy with one chunk, and
// compiling takes as long as their sum. Below that two chunks are worth their code without a loop,
// too: with one, develop.comp took 1.37 times as long (AVX2, task clock) and black_scholes.comp
// about 1.2, for a third less to compile.
constexpr std::size_t kMaxWork = 4000;
// The same where a workgroup is several passes between barriers and little of it goes lane by lane:
// a transform of 4,096 points took 0.8 of the time with two chunks, a recurrence of 64 sums 0.9
// (AVX2: 0.79 and 0.63), a product of bytes, whose lanes are stored one by one, 1.2.
constexpr std::size_t kMaxWorkOfPasses = 5000;
// The same, for a workgroup in one pass. With few registers most of what it holds is in memory, and
// compiling takes longer than that gives; with many, products in tiles need it.
constexpr std::size_t kMaxWhole = 8000, kMaxWholeFewRegisters = 1200;
// Where barriers follow one another closely, a loop over passes between each two costs more than
// what a pass of all chunks keeps on the stack: scan.comp took 5 times as long (AVX2), and
// reduce_shared.comp, too. Atomics and few barriers give nothing back for the code.
constexpr std::size_t kManyBarriers = 6, kMaxManyBarriers = 4000;  // with loops
constexpr std::uint32_t kMostChunks = 32;
constexpr std::size_t kMaxStraight = 16000;  // without a loop: much of it is only shuffles
constexpr std::uint32_t kMaxRagged = 4;      // chunks that wait for each other's longest loop
constexpr double kPassing = 0.75;            // registers of a chunk for what does not last
// Bytes that a round of a loop that streams reads side by side. With 128, 256, 512 and 1,024
// reduce_subgroup.comp took 0.36, 0.25, 0.20 and 0.21 ms (AVX2, 8 MiB, one thread). Each sum has a
// register for what it takes in as well: rows of 4,096 took 4.2 ms with 16 chunks of AVX2 and 3.2
// with 8, those with two sums 4.5 with 8 and 3.9 with 4.
constexpr std::uint32_t kSideBySide = 512;
// Lanes that move together where a workgroup is several passes between barriers: two chunks of 16
// lanes, or four narrower ones. What they have in common is computed once, and it is half as many
// passes: kernels of the benchmarks took 0.7 to 0.95 of the time (AVX2), and bitonic_sort.comp,
// which is the largest, 0.98. With one barrier, chunks of different rows have too little in common:
// a stencil with its halo took 1.05 of the time.
constexpr std::uint32_t kBetweenBarriers = 32, kMostBetweenBarriers = 4;  // lanes, chunks
constexpr std::size_t kMaxBetweenBarriers = 3000;  // instructions of more than two chunks
// Registers for each component of a lane's element: loaded, transposed, and what it is multiplied
// by. In blocks of tests they are there for all chunks at once.
constexpr std::size_t kEachComponent = 3;

// A loop that lanes leave one by one, and in which each goes its own way through memory, is
// quicker for one invocation after the other: a gather takes as long as its loads.
constexpr std::size_t kLeastGathers = 2;
constexpr std::size_t kMostPerGather = 6;  // instructions

struct Census {
  std::size_t instructions = 0;
  std::size_t code = 0;      // instructions, those counted lane by lane that are emitted so
  std::size_t pressure = 0;  // registers that a chunk needs all through some loop
  std::size_t tile = 0;      // scalars of private variables that some loop without barriers uses
  std::size_t mixed = 0;     // registers that a chunk needs for sums of elements that lie apart
  std::size_t barriers = 0;
  bool atomics = false;
  bool loops = false;
  bool ragged = false;   // invocations leave some loop as their data tell them
  bool wanders = false;  // every loop is like that, and little but gathers
  bool streams = false;  // some loop only reads rows of buffers that are far from one another
};

// Values of which each chunk has registers of its own.
std::size_t vectors(const Program& program, const Shapes& shapes, Id type) {
  if (program.module->scalar_type(type).kind == spirv::TypeKind::kBool) return 0;
  return static_cast<std::size_t>(std::count_if(
      shapes.begin(), shapes.end(), [](const Shape& s) { return !s.affine && s.chunk; }));
}

// What a loop carries around and what it only reads.
std::size_t pressure_of(const Program& program, const Analysis& analysis, const Construct& loop) {
  std::size_t sum = 0;
  Id bound = program.module->bound();
  auto add = [&](Id id) {
    const Definition* d = program.definition(id);
    if (d) sum += vectors(program, analysis.values[id - bound], d->type);
  };
  for (const auto& phi : program.blocks[loop.header].phis) add(phi.id);
  std::unordered_set<Id> seen;
  for (std::uint32_t b = loop.begin; b < loop.end; ++b)
    for (const auto& inst : program.blocks[b].body)
      visit_value_operands(inst, [&](std::size_t i) {
        const Definition* d = program.definition(inst.args[i]);
        bool before = d && d->block != kNone && d->block < loop.begin;
        if (before && seen.insert(inst.args[i]).second) add(inst.args[i]);
      });
  return sum;
}

// Do data decide when an invocation leaves the loop?
bool is_ragged(const Program& program, const Analysis& analysis, std::uint32_t loop) {
  const Construct& c = program.constructs[loop];
  Id bound = program.module->bound();
  if (!analysis.constructs[loop].lane) return false;
  for (std::uint32_t b = c.begin; b < c.end; ++b) {
    const Block& block = program.blocks[b];
    bool leaves = std::any_of(block.targets.begin(), block.targets.end(),
                              [&](std::uint32_t to) { return !program.contains(loop, to); });
    const Inst* test = leaves ? program.inst(block.condition) : nullptr;
    if (!test) continue;
    for (Id arg : test->args)
      if (arg >= bound && arg - bound < analysis.values.size())
        for (const Shape& s : analysis.values[arg - bound])
          if (!s.affine) return true;
  }
  return false;
}

// Is the loop little but loads from where each lane points?
bool wanders(const Program& program, const Analysis& analysis, const Construct& loop) {
  std::size_t gathers = 0, others = 0;
  for (std::uint32_t b = loop.begin; b < loop.end; ++b)
    for (const auto& inst : program.blocks[b].body) {
      if (inst.op == spv::Op::OpStore) return false;
      const spirv::Type* type = program.module->type(inst.type);
      if (type && type->kind == spirv::TypeKind::kPointer) continue;
      const auto* shapes = inst.op == spv::Op::OpLoad && inst.args[0] >= program.module->bound()
                               ? &analysis.values[inst.args[0] - program.module->bound()]
                               : nullptr;
      bool gather = shapes && !private_place(program, inst.args[0]) &&
                    std::ranges::any_of(*shapes, [](const Shape& s) { return !s.affine; });
      ++(gather ? gathers : others);
    }
  return gathers >= kLeastGathers && others <= kMostPerGather * gathers;
}

// Does the loop only take in rows of buffers, each as far from the one before it as all invocations
// reach? It waits for memory, so that what is read side by side decides (`kSideBySide`).
bool streams(const Program& program, const Analysis& analysis, const Construct& loop) {
  constexpr std::size_t kMostOfARound = 24;  // instructions
  if (loop.has_barrier) return false;
  const Id bound = program.module->bound();
  const auto shapes = [&](Id id) -> const Shapes* {
    return id >= bound ? &analysis.values[id - bound] : nullptr;
  };
  const auto is_row = [](const Shape& s) { return s.affine && s.ls == 1; };
  const bool far = std::ranges::any_of(program.blocks[loop.header].phis, [&](const Phi& phi) {
    if (!std::ranges::all_of(*shapes(phi.id), is_row)) return false;
    return std::ranges::any_of(phi.incoming, [&](const Incoming& in) {
      const Inst* sum = in.block < loop.begin ? nullptr : program.inst(in.value);
      return sum && sum->op == spv::Op::OpIAdd &&
             std::ranges::none_of(sum->args, [&](Id arg) { return program.constant(arg); });
    });
  });
  std::size_t instructions = 0, rows = 0;
  for (std::uint32_t b = loop.begin; b < loop.end && far; ++b)
    for (const Inst& inst : program.blocks[b].body) {
      ++instructions;
      if (inst.op == spv::Op::OpStore || handler_of(inst.op) == Handler::kAtomic) return false;
      if (inst.op != spv::Op::OpLoad) continue;
      const Inst* chain = program.inst(look_through(program, inst.args[0]));
      const spirv::Variable* root = program.module->variable(root_of(program, inst.args[0]));
      const bool buffer = root && root->storage != spv::StorageClass::Workgroup && !root->builtin;
      const Shapes* index = chain && !chain->args.empty() ? shapes(chain->args.back()) : nullptr;
      rows += buffer && index && std::ranges::all_of(*index, is_row);
    }
  return far && rows > 0 && instructions <= kMostOfARound;
}

// Registers for one chunk of a loop that adds elements of several components, which each lane loads
// from a place of its own, to private sums: no chunk shares anything with another one, and where a
// row has fewer elements than all chunks take in, all go through gathers under masks, of which
// chunks with nothing to do have as many as the others. Only of loops in loops, whose rounds count
// for more than the barriers around them, and which read no Workgroup memory: chunks share that.
std::size_t mixed_registers(const Program& program, const Analysis& analysis,
                            const Construct& loop) {
  std::size_t sums = private_tile(program, loop);
  for (const Phi& phi : program.blocks[loop.header].phis)
    sums += vectors(program, analysis.values[phi.id - program.module->bound()], phi.type);
  std::uint32_t around = loop.parent;
  while (around != kNone && program.constructs[around].kind != ConstructKind::kLoop)
    around = program.constructs[around].parent;
  if (sums == 0 || around == kNone) return 0;
  std::size_t components = 0;
  for (std::uint32_t b = loop.begin; b < loop.end; ++b)
    for (const Inst& inst : program.blocks[b].body) {
      if (inst.op != spv::Op::OpLoad) continue;
      const spirv::Type* type = program.module->type(inst.type);
      const Inst* chain = program.inst(look_through(program, inst.args[0]));
      const spirv::Variable* root = program.module->variable(root_of(program, inst.args[0]));
      if (root && root->storage == spv::StorageClass::Workgroup) return 0;
      if (!type || type->kind != spirv::TypeKind::kVector || !chain || chain->args.empty() ||
          !root || root->builtin)
        continue;
      const Id index = chain->args.back();
      if (index < program.module->bound()) continue;
      // What is the same for each chunk is loaded once for all of them.
      const bool apart = std::ranges::any_of(
          analysis.values[index - program.module->bound()],
          [](const Shape& s) { return s.varies_by_lane() && s.varies_by_chunk(); });
      if (apart)
        components = std::max<std::size_t>(components, leaf_count(*program.module, inst.type));
    }
  return components == 0 ? 0 : sums + kEachComponent * components;
}

// Elements below 32 bits that lie apart: each lane is an access of its own.
bool is_lane_by_lane(const Program& program, const Analysis& analysis, const Inst& inst) {
  constexpr std::int64_t kMostApart = 8;  // elements
  if ((inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) ||
      inst.args[0] < program.module->bound() || private_place(program, inst.args[0]))
    return false;
  const spirv::Type* pointer = program.module->type(program.type_of(inst.args[0]));
  if (!pointer) return false;
  const auto size =
      static_cast<std::int64_t>(program.module->scalar_type(pointer->element).width / 8);
  if (size == 0 || size >= 4) return false;
  const Inst* chain = program.inst(look_through(program, inst.args[0]));
  if (!chain || handler_of(chain->op) != Handler::kPointer) return true;
  const spirv::Type* base = program.module->type(program.type_of(chain->args[0]));
  Id type = base ? base->element : 0;
  for (std::size_t i = 1; i < chain->args.size(); ++i) {
    const spirv::Type* t = program.module->type(type);
    const spirv::Constant* constant = program.constant(chain->args[i]);
    type = element_type(*program.module, type,
                        static_cast<std::uint32_t>(constant ? constant->bits : 0));
    if (constant || chain->args[i] < program.module->bound()) continue;
    for (const Shape& s : analysis.values[chain->args[i] - program.module->bound()])
      if (s.varies_by_lane() &&
          (!s.affine || s.ls < 0 || !t || s.ls * std::int64_t{t->stride} > kMostApart * size))
        return true;
  }
  return false;
}

// Scalars that a load or store moves, beyond the one that every instruction is counted as.
std::size_t leaves_moved(const Program& program, const Inst& inst) {
  if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) return 0;
  const Id type = inst.op == spv::Op::OpLoad ? inst.type : program.type_of(inst.args[1]);
  return is_large(*program.module, type) ? 1 : leaf_count(*program.module, type);
}

// Do invocations have nothing to do with one another?
bool are_strangers(const Program& program) {
  if (program.has_barrier || program.uses_subgroups || program.has_calls) return false;
  for (const auto& block : program.blocks)
    for (const auto& inst : block.body)
      if (handler_of(inst.op) == Handler::kAtomic) return false;
  return true;
}

Census count(const Program& program, const Analysis& analysis) {
  Census census;
  census.wanders = are_strangers(program);
  constexpr std::size_t kLanes = 16;
  for (const auto& block : program.blocks) {
    census.instructions += block.body.size() + block.phis.size();
    census.barriers += block.barrier_after;
    for (const auto& inst : block.body) {
      census.atomics |= handler_of(inst.op) == Handler::kAtomic;
      census.code +=
          leaves_moved(program, inst) * (is_lane_by_lane(program, analysis, inst) ? kLanes : 1);
    }
  }
  census.code += census.instructions;
  for (std::uint32_t c = 0; c < program.constructs.size(); ++c) {
    const Construct& construct = program.constructs[c];
    if (construct.kind != ConstructKind::kLoop) continue;
    census.loops = true;
    const bool ragged = is_ragged(program, analysis, c);
    census.ragged |= ragged;
    census.wanders = census.wanders && ragged && wanders(program, analysis, construct);
    census.pressure = std::max(census.pressure, pressure_of(program, analysis, construct));
    census.tile = std::max(census.tile, private_tile(program, construct));
    census.mixed = std::max(census.mixed, mixed_registers(program, analysis, construct));
    census.streams |= streams(program, analysis, construct);
  }
  return census;
}

// The largest divisor of `total` that is at most `limit`.
std::uint32_t divisor_below(std::uint32_t total, std::uint32_t limit) {
  for (std::uint32_t d = std::min(total, limit); d > 1; --d)
    if (total % d == 0) return d;
  return 1;
}

// A workgroup in one pass has no barriers.
bool fits_one_pass(const Census& census, std::uint32_t needed, std::uint32_t registers) {
  const std::size_t code = census.code * needed;
  const double held = (static_cast<double>(census.pressure) + kPassing) * needed;
  if (census.ragged && needed > kMaxRagged) return false;
  const std::size_t most = !census.loops     ? kMaxStraight
                           : registers >= 32 ? kMaxWhole
                                             : kMaxWholeFewRegisters;
  if (needed <= registers / 2 && code < most && held <= 2.0 * registers) return true;
  return census.barriers >= kManyBarriers && !census.atomics && needed <= kMostChunks &&
         code < (census.loops ? kMaxManyBarriers : kMaxStraight) && held <= 4.0 * registers;
}

}  // namespace

std::size_t private_tile(const Program& program, const Construct& loop) {
  if (loop.has_barrier) return 0;
  std::set<std::pair<Id, std::uint32_t>> places;
  for (std::uint32_t b = loop.begin; b < loop.end; ++b)
    for (const auto& inst : program.blocks[b].body) {
      if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) continue;
      const auto place = private_place(program, inst.args[0]);
      if (!place || !place->leaf) continue;
      const Id type = inst.op == spv::Op::OpLoad ? inst.type : program.type_of(inst.args[1]);
      const std::uint32_t count = leaf_count(*program.module, type);
      for (std::uint32_t i = 0; i < count; ++i) places.emplace(place->variable, *place->leaf + i);
    }
  return places.size();
}

Geometry choose_geometry(const Program& program, const CompileOptions& options) {
  Geometry g;
  g.local = program.entry->local_size;
  g.subgroup = program.entry->required_subgroup_size ? program.entry->required_subgroup_size
                                                     : options.subgroup_size;
  std::uint32_t total = g.total();
  g.width = std::min(least_traits(options.isa).lanes, std::max(4u, std::bit_ceil(total)));
  std::uint32_t needed = (total + g.width - 1) / g.width;  // chunks of the whole workgroup
  std::uint32_t least = 1;
  if (program.uses_subgroups) least = std::clamp(g.subgroup / g.width, 1u, std::bit_ceil(needed));
  if (options.scalar_mode && are_strangers(program)) {
    g.width = g.chunks = 1;
    return g;
  }
  if (options.interleave) {
    g.chunks = std::clamp(options.interleave, 1u, std::max(needed, least));
    g.chunks = std::max(least, g.chunks / least * least);
    return g;
  }
  // Shapes with two chunks tell what would be different in each of more.
  Geometry trial = g;
  trial.chunks = std::max(least, std::min(needed, 2u));
  Census census = count(program, analyse(program, trial));
  if (has_part(options, Part::kScalarMode) && census.wanders && census.ragged &&
      census.instructions <= kSmallKernel) {
    g.width = g.chunks = 1;
    return g;
  }
  const std::uint32_t registers = least_traits(options.isa).registers;
  std::uint32_t limit = census.instructions <= kSmallKernel ? 4 : 2;
  if (census.loops) {
    double each = static_cast<double>(census.pressure) + kPassing;
    limit = std::clamp(static_cast<std::uint32_t>((registers - 4) / each), 1u, registers / 2);
    if (census.ragged) limit = std::min(limit, kMaxRagged);
  } else if (g.local[0] % g.width == 0 && g.local[0] > g.width) {
    limit = std::min(limit, g.local[0] / g.width);  // one row: the others are steady steps in it
  }
  const bool mixed = has_part(options, Part::kMixedSums) && census.mixed * needed > registers;
  const bool whole = fits_one_pass(census, needed, registers) && !(program.has_barrier && mixed);
  // A pass after the other, in registers, where those of two would not fit (`put_kept_slots`).
  const bool kept = has_part(options, Part::kKeptSlots) && program.has_barrier && !whole &&
                    census.tile * std::min(limit, 2u) > registers &&
                    census.tile <= std::size_t{3} * registers;
  if (program.has_barrier && !whole) {
    std::uint32_t most = std::clamp(kBetweenBarriers / g.width, 2u, kMostBetweenBarriers);
    const bool one_row = g.local[0] % (most * g.width) == 0;
    if (census.code * most > kMaxBetweenBarriers || (!one_row && census.barriers < 2)) most = 2;
    limit = kept ? 1 : std::min(census.loops ? limit : most, most);
    if (census.tile > 0)
      limit = std::min(limit, std::max(2u, static_cast<std::uint32_t>(registers / census.tile)));
  } else if (program.has_barrier) {
    limit = needed;
  }
  if (mixed)
    limit = std::min(
        limit, static_cast<std::uint32_t>(std::max<std::size_t>(1, registers / census.mixed)));
  // Sums of what streams by, and what they take in, may have all registers.
  if (census.streams && !whole && census.pressure > 0 && has_part(options, Part::kStreams))
    limit = std::max(limit, std::min(static_cast<std::uint32_t>(registers / (2 * census.pressure)),
                                     kSideBySide / (4 * g.width)));
  const bool in_passes = program.has_barrier && !whole && census.code < 2 * census.instructions;
  const std::size_t most_work = in_passes ? kMaxWorkOfPasses : kMaxWork;
  if (!(whole && program.has_barrier) && census.code * limit > most_work)
    limit = static_cast<std::uint32_t>(std::max<std::size_t>(1, most_work / census.code));
  limit = std::min(limit, std::max(options.max_interleave, 1u));
  g.chunks = divisor_below(needed, limit);
  g.chunks = std::max(least, g.chunks / least * least);
  return g;
}

}  // namespace sokr::cpu
