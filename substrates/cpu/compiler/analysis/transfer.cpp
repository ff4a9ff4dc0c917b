// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/transfer.hpp"

#include <bit>
#include <optional>

#include "compiler/program/support.hpp"

namespace sokr::cpu {
namespace {

constexpr std::int64_t kMaxStride = INT64_C(1) << 30;

Shape checked(Shape s) {
  if (s.ls > kMaxStride || s.ls < -kMaxStride || s.cs > kMaxStride || s.cs < -kMaxStride ||
      s.rs > kMaxStride || s.rs < -kMaxStride)
    return s.varies_by_lane() ? Shape::varying(s.varies_by_chunk()) : Shape::by_chunk(0);
  return s;
}

// What the lanes of a value differ by, if that is known.
std::optional<Table> table_of(const Shape& s, const Geometry& g) {
  if (s.table) return *s.table;
  constexpr std::int64_t kMost = 1 << 20;
  if (!s.known || !s.affine || s.ls > kMost || s.ls < -kMost) return std::nullopt;
  Table table{};
  for (std::uint32_t l = 0; l < g.width && l < table.size(); ++l)
    table[l] = static_cast<std::int32_t>(s.ls * l);
  return table;
}

// The sum of two tables whose entries are all the same, or follow one another, is such steps: lane
// 0 is the base then. Rows and shuffles serve others better.
Shape steps_or_table(const Geometry& g, const Table& table, bool chunk, std::uint32_t align) {
  constexpr std::int64_t kMostStep = 1;
  const std::int64_t step = table[1] - table[0];
  bool even = step >= 0 && step <= kMostStep;
  for (std::uint32_t l = 1; l < g.width && l < table.size(); ++l)
    even &= table[l] - table[l - 1] == step;
  if (!even) return Shape::by_table(g.tables->find(table), chunk, align);
  const auto first = static_cast<std::uint32_t>(table[0]);
  if (first != 0) align = std::min(align, first & (~first + 1));
  return chunk ? Shape::by_chunk(step, align) : Shape::linear(step, 0, align);
}

// A table of `change(entry)` for each lane; plain varying where entries leave 24 bits.
template <class Change>
Shape tabled(const Geometry& g, Table table, bool chunk, std::uint32_t align, Change change) {
  for (std::uint32_t l = 0; l < g.width && l < table.size(); ++l) {
    std::int64_t entry = change(std::int64_t{table[l]}, l);
    if (entry < -(1 << 24) || entry > (1 << 24)) return Shape::varying(chunk);
    table[l] = static_cast<std::int32_t>(entry);
  }
  return Shape::by_table(g.tables->find(table), chunk, align);
}

// Are all entries in [0, end)?
bool is_within(const Table& table, std::uint64_t end, const Geometry& g) {
  for (std::uint32_t l = 0; l < g.width && l < table.size(); ++l)
    if (table[l] < 0 || static_cast<std::uint64_t>(table[l]) >= end) return false;
  return true;
}

Shape add(const Shape& a, const Shape& b, int sign, const Geometry& g) {
  bool chunk = a.varies_by_chunk() || b.varies_by_chunk();
  if (!a.affine || !b.affine) {
    auto x = table_of(a, g), y = table_of(b, g);
    if (!x || !y) return Shape::varying(chunk);
    const Shape sum =
        tabled(g, *x, chunk, std::min(a.chunk_align(), b.chunk_align()),
               [&](std::int64_t entry, std::uint32_t l) { return entry + sign * (*y)[l]; });
    return a.table && b.table && sum.table ? steps_or_table(g, *sum.table, chunk, sum.align) : sum;
  }
  std::int64_t ls = a.ls + sign * b.ls;
  std::uint32_t align = std::min(a.align, b.align);
  if (a.chunk || b.chunk || (a.turn && b.turn && a.turn != b.turn))
    return checked(Shape::by_chunk(ls, std::min(a.chunk_align(), b.chunk_align())));
  return checked(
      Shape::rows(ls, a.cs + sign * b.cs, a.rs + sign * b.rs, a.turn ? a.turn : b.turn, align));
}

std::uint32_t times(std::uint32_t align, std::uint64_t factor) {
  std::uint64_t low = factor == 0 ? Shape::kMaxAlign : (factor & (~factor + 1));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(
      Shape::kMaxAlign, align * std::min<std::uint64_t>(low, Shape::kMaxAlign)));
}

Shape scale(const Shape& a, std::int64_t factor, const Geometry& g) {
  if (a.table && factor <= kMaxStride && factor >= -kMaxStride)
    return tabled(g, *a.table, a.chunk, times(a.align, static_cast<std::uint64_t>(factor)),
                  [&](std::int64_t entry, std::uint32_t) { return entry * factor; });
  if (!a.affine) return Shape::varying(a.chunk);
  if (factor > kMaxStride || factor < -kMaxStride)
    return a.is_uniform() ? a : Shape::varying(a.varies_by_chunk());
  const std::uint32_t align = times(a.align, static_cast<std::uint64_t>(factor));
  Shape s = Shape::rows(a.ls * factor, a.cs * factor, a.rs * factor, a.turn, align);
  s.chunk = a.chunk;
  return checked(s);
}

Shape elementwise(std::initializer_list<Shape> operands) {
  Divergence d;
  for (const auto& s : operands) d |= divergence_of(s);
  return shape_of(d);
}

// The low bits of consecutive numbers whose first is a multiple of the width.
Shape low_bits(const Shape& a, std::uint64_t count, const Geometry& g) {
  const std::uint32_t own = a.chunk_align();
  const auto align = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, own));
  auto table = table_of(a, g);
  bool folds = table && count <= own && (a.table || (a.ls > 0 && (count < g.width || a.ls != 1)));
  if (folds)
    return tabled(g, *table, false, Shape::kMaxAlign, [&](std::int64_t entry, std::uint32_t) {
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(entry) & (count - 1));
    });
  // What the lanes differ by lies below the bits that vary in the base, and stays.
  if (table && count > own && is_within(*table, own, g) && (a.table || a.ls > 1))
    return tabled(g, *table, a.varies_by_chunk(), own,
                  [](std::int64_t entry, std::uint32_t) { return entry; });
  if (!a.affine) return Shape::varying(a.chunk);
  if (a.ls == 0) {
    Shape s = elementwise({a});
    s.align = align;
    return s;
  }
  if (a.ls != 1) return Shape::varying(a.varies_by_chunk());
  if (count < g.width) return Shape::varying(own < count && a.varies_by_chunk());
  if (own < g.width) return Shape::varying(a.varies_by_chunk());
  if (count == g.width) return Shape::linear(1, 0, Shape::kMaxAlign);
  const bool goes_on = !a.chunk && !a.turn && a.cs == g.width && std::has_single_bit(g.lanes()) &&
                       a.align >= g.lanes();
  if (goes_on && count >= g.lanes())
    return Shape::linear(1, a.cs,
                         static_cast<std::uint32_t>(std::min<std::uint64_t>(count, a.align)));
  if (goes_on)  // rows of several chunks
    return Shape::rows(1, a.cs, -static_cast<std::int64_t>(count),
                       static_cast<std::uint32_t>(count / g.width), Shape::kMaxAlign);
  return a.varies_by_chunk() ? Shape::by_chunk(1, align) : Shape::linear(1, 0, align);
}

Shape shift_right(const Shape& a, std::uint32_t bits, const Geometry& g) {
  std::uint64_t count = UINT64_C(1) << bits;
  auto table = table_of(a, g);
  const std::uint32_t own = a.chunk_align();
  const std::uint32_t align = bits < 31 && (own >> bits) ? own >> bits : 1;
  bool folds = table && count <= own && is_within(*table, own, g) &&
               (a.table || (a.ls > 0 && (count < g.width || a.ls != 1)));
  if (folds)
    return tabled(g, *table, a.varies_by_chunk(), own >> bits,
                  [&](std::int64_t entry, std::uint32_t) { return entry >> bits; });
  // What the lanes differ by lies below the bits that vary in the base, and below those that stay.
  if (a.table && count > own && is_within(*table, own, g))
    return a.varies_by_chunk() ? Shape::by_chunk(0) : Shape::uniform();
  if (!a.affine) return Shape::varying(a.chunk);
  if (a.ls == 0) {
    Shape s = elementwise({a});
    s.align = align;
    return s;
  }
  if (a.ls != 1 || own < g.width || count < g.width) return Shape::varying(a.varies_by_chunk());
  if (!a.varies_by_chunk()) return Shape::uniform(align);
  // From one chunk to the next the quotient grows by 1, if the numbers do not begin again at 0
  // there: those of lanes that are off may.
  const bool goes_on = std::has_single_bit(g.lanes()) && a.align >= g.lanes();
  if (!a.chunk && !a.turn && a.cs == g.width && goes_on) {
    const auto chunks =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(count, g.lanes()) / g.width);
    return chunks == 1          ? Shape::linear(0, 1, 1)
           : chunks == g.chunks ? Shape::uniform(align)
                                : Shape::rows(0, 0, 1, chunks, 1);
  }
  return Shape::by_chunk(0, align);
}

// a & bits or a ^ bits where the table's entries do not touch the base's bits.
Shape bitwise(const Shape& a, std::uint64_t bits, bool exclusive, const Geometry& g) {
  auto table = table_of(a, g);
  const std::uint32_t own = a.chunk_align();
  if (!table || !is_within(*table, own, g) || (a.affine && a.ls == 0)) return elementwise({a});
  auto low = static_cast<std::int64_t>(bits & (own - 1));
  return tabled(g, *table, a.varies_by_chunk(), own, [&](std::int64_t entry, std::uint32_t) {
    return exclusive ? entry ^ low : entry & low;
  });
}

struct ConstantOperand {
  bool known = false;
  std::uint64_t bits = 0;
  std::int64_t value = 0;  // sign-extended
};

// Scalars only; a vector of equal constants counts as its element.
ConstantOperand constant_operand(const Program& p, Id id, std::size_t leaf) {
  const spirv::Module& module = *p.module;
  const spirv::Constant* c = p.constant(id);
  if (c && !c->parts.empty() && leaf < c->parts.size()) c = module.constant(c->parts[leaf]);
  if (!c || c->is_undef || !c->parts.empty()) return {};
  const spirv::Type& t = module.scalar_type(c->type);
  if (t.kind != spirv::TypeKind::kInt) return {};
  std::uint64_t bits = c->is_null ? 0 : c->bits;
  unsigned drop = 64 - t.width;
  return {true, bits, static_cast<std::int64_t>(bits << drop) >> drop};
}

Shape integer_leaf(const Program& p, const Geometry& g, const Inst& inst, std::size_t leaf,
                   const Shape& a, const Shape& b) {
  auto right = [&] { return constant_operand(p, inst.args[1], leaf); };
  auto left = [&] { return constant_operand(p, inst.args[0], leaf); };
  switch (inst.op) {
    case spv::Op::OpIAdd:
      return add(a, b, 1, g);
    case spv::Op::OpISub:
      return add(a, b, -1, g);
    case spv::Op::OpIMul: {
      if (auto k = right(); k.known) return scale(a, k.value, g);
      if (auto k = left(); k.known) return scale(b, k.value, g);
      Shape s = elementwise({a, b});
      if (s.affine) s.align = times(a.chunk_align(), b.chunk_align());
      return s;
    }
    case spv::Op::OpShiftLeftLogical:
      if (auto k = right(); k.known && k.bits < 31) return scale(a, INT64_C(1) << k.bits, g);
      break;
    case spv::Op::OpBitwiseAnd:
      if (auto k = right(); k.known && std::has_single_bit(k.bits + 1))
        return low_bits(a, k.bits + 1, g);
      if (auto k = left(); k.known && std::has_single_bit(k.bits + 1))
        return low_bits(b, k.bits + 1, g);
      if (auto k = right(); k.known) return bitwise(a, k.bits, false, g);
      if (auto k = left(); k.known) return bitwise(b, k.bits, false, g);
      break;
    case spv::Op::OpBitwiseXor:
      if (auto k = right(); k.known) return bitwise(a, k.bits, true, g);
      if (auto k = left(); k.known) return bitwise(b, k.bits, true, g);
      break;
    case spv::Op::OpUMod:
      if (auto k = right(); k.known && k.bits == 1) return Shape::uniform(Shape::kMaxAlign);
      if (auto k = right(); k.known && std::has_single_bit(k.bits)) return low_bits(a, k.bits, g);
      break;
    case spv::Op::OpUDiv:
      if (auto k = right(); k.known && k.bits == 1) return a;
      if (auto k = right(); k.known && std::has_single_bit(k.bits))
        return shift_right(a, static_cast<std::uint32_t>(std::countr_zero(k.bits)), g);
      break;
    case spv::Op::OpShiftRightLogical:
      if (auto k = right(); k.known && k.bits == 0) return a;
      if (auto k = right(); k.known && k.bits < 31)
        return shift_right(a, static_cast<std::uint32_t>(k.bits), g);
      break;
    default:
      break;
  }
  return elementwise({a, b});
}

const Shape& leaf_of(const Shapes& s, std::size_t i) {
  return s.size() == 1 ? s[0] : s[i];
}

Shapes merge(const Operands& operands, std::size_t count) {
  Divergence d;
  for (const auto& operand : operands)
    for (const auto& s : operand) d |= divergence_of(s);
  return Shapes(count, shape_of(d));
}

Shapes extract(const Program& p, const Inst& inst, const Operands& operands, std::size_t count) {
  Id type = p.type_of(inst.args[0]);
  std::uint32_t first = 0;
  for (std::size_t i = 1; i < inst.args.size(); ++i) {
    first += leaf_offset(*p.module, type, inst.args[i]);
    type = element_type(*p.module, type, inst.args[i]);
  }
  const Shapes& all = operands[0];
  if (first + count > all.size()) return merge(operands, count);
  return Shapes(all.begin() + first, all.begin() + first + static_cast<std::ptrdiff_t>(count));
}

Shapes insert(const Program& p, const Inst& inst, const Operands& operands) {
  Id type = inst.type;
  std::uint32_t first = 0;
  for (std::size_t i = 2; i < inst.args.size(); ++i) {
    first += leaf_offset(*p.module, type, inst.args[i]);
    type = element_type(*p.module, type, inst.args[i]);
  }
  Shapes all = operands[1];
  for (std::size_t i = 0; i < operands[0].size() && first + i < all.size(); ++i)
    all[first + i] = operands[0][i];
  return all;
}

Shapes shuffle(const Inst& inst, const Operands& operands) {
  Shapes out;
  std::size_t n = operands[0].size();
  for (std::size_t i = 2; i < inst.args.size(); ++i) {
    std::uint32_t at = inst.args[i];
    out.push_back(at < n                        ? operands[0][at]
                  : at - n < operands[1].size() ? operands[1][at - n]
                                                : Shape::uniform());
  }
  return out;
}

// The same for all invocations of a subgroup.
Shape subgroup_uniform(const Geometry& g) {
  if (g.subgroup < g.width) return Shape::varying(g.chunks > 1);
  return g.lanes() <= g.subgroup ? Shape::uniform() : Shape::by_chunk(0);
}

Shape select_leaf(const Shape& c, const Shape& a, const Shape& b) {
  if (c.is_uniform()) return join(a, b);
  return widen(join(a, b), divergence_of(c));
}

}  // namespace

bool is_elementwise(const Inst& inst) {
  return result_rule(inst) == spirv::ResultRule::kElementwise;
}

Shapes constant_shapes(const Program& program, Id id) {
  const spirv::Module& module = *program.module;
  Id type = program.type_of(id);
  if (is_large(module, type)) return {Shape::uniform()};
  const spirv::Constant* c = program.constant(id);
  if (c && !c->is_null && !c->is_undef) {
    if (c->parts.empty()) return {Shape::uniform(times(1, c->bits))};
    Shapes all;
    for (Id part : c->parts)
      for (const auto& s : constant_shapes(program, part)) all.push_back(s);
    return all;
  }
  return Shapes(type ? leaf_count(module, type) : 0, Shape::uniform(c ? Shape::kMaxAlign : 1));
}

namespace {

Shapes raw_builtin_shapes(spv::BuiltIn builtin, const Geometry& g) {
  auto [sx, sy, sz] = g.local;
  std::uint32_t w = g.width, m = g.lanes();
  Shape linear = Shape::linear(1, w, std::has_single_bit(m) ? m : w);
  Shape x = Shape::varying(), y = Shape::varying(), z = Shape::varying();
  if (sy * sz == 1) {
    x = linear;
    y = z = Shape::uniform(Shape::kMaxAlign);
  } else if (sx % w == 0) {
    const std::uint32_t chunks = sx / w;  // of a row
    x = sx == w       ? Shape::linear(1, 0, Shape::kMaxAlign)
        : sx % m == 0 ? linear
        : m % sx == 0 ? Shape::rows(1, w, -static_cast<std::int64_t>(sx), chunks, Shape::kMaxAlign)
                      : Shape::by_chunk(1, w);
    const bool rows = m % sx == 0 && (sz == 1 || (sx * sy) % m == 0);
    y = sx % m == 0 ? Shape::uniform()
        : !rows     ? Shape::by_chunk(0)
        : sx == w   ? Shape::linear(0, 1, 1)
                    : Shape::rows(0, 0, 1, chunks, 1);
    z = sz == 1              ? Shape::uniform(Shape::kMaxAlign)
        : (sx * sy) % m == 0 ? Shape::uniform()
                             : Shape::by_chunk(0);
  } else if (w % sx == 0) {
    // Several rows of the workgroup are in each register, in all of them at the same lanes.
    const auto table = [&](auto&& number, bool chunk, std::uint32_t align) {
      Table all{};
      for (std::uint32_t l = 0; l < w && l < all.size(); ++l)
        all[l] = static_cast<std::int32_t>(number(l));
      return steps_or_table(g, all, chunk, align);
    };
    const std::uint32_t plane = sx * sy;
    x = table([&](std::uint32_t l) { return l % sx; }, false, Shape::kMaxAlign);
    if (w % plane == 0) {
      y = table([&](std::uint32_t l) { return l / sx % sy; }, false, Shape::kMaxAlign);
      if (plane < w && sz > 1)
        z = table([&](std::uint32_t l) { return l / plane; }, true, w / plane);
    } else if (plane % w == 0) {
      y = table([&](std::uint32_t l) { return l / sx; }, true, w / sx);
    }
    if (plane == w) z = Shape::linear(0, 1, 1);
    if (plane > w && plane % w == 0) z = Shape::by_chunk(0);
    if (sz == 1) z = Shape::uniform(Shape::kMaxAlign);
  }
  auto global = [&](Shape s, std::uint32_t size) {
    s.align = std::min(s.align, times(1, size));
    return s;
  };
  switch (builtin) {
    case spv::BuiltIn::LocalInvocationId:
      return {x, y, z};
    case spv::BuiltIn::GlobalInvocationId:
      return {global(x, sx), global(y, sy), global(z, sz)};
    case spv::BuiltIn::LocalInvocationIndex:
      return {linear};
    case spv::BuiltIn::WorkgroupId:
    case spv::BuiltIn::NumWorkgroups:
    case spv::BuiltIn::WorkgroupSize:
      return Shapes(3, Shape::uniform());
    case spv::BuiltIn::SubgroupLocalInvocationId:
      if (g.subgroup < w) return {Shape::varying(false)};
      if (m <= g.subgroup && g.passes() == 1) return {linear};
      return {m == g.subgroup ? Shape::linear(1, w, w) : Shape::by_chunk(1, w)};
    case spv::BuiltIn::SubgroupId:
      if (g.subgroup < w) return {Shape::varying()};
      return {m <= g.subgroup ? Shape::uniform() : Shape::by_chunk(0)};
    case spv::BuiltIn::SubgroupEqMask:
    case spv::BuiltIn::SubgroupGeMask:
    case spv::BuiltIn::SubgroupGtMask:
    case spv::BuiltIn::SubgroupLeMask:
    case spv::BuiltIn::SubgroupLtMask:
      return Shapes(4, Shape::varying());
    default:
      return {Shape::uniform()};
  }
}

}  // namespace

Shape canonical(Shape shape, const Geometry& g) {
  if (g.lanes() == 1) return shape.known ? Shape::uniform(shape.affine ? shape.align : 1) : shape;
  if (g.chunks == 1) {
    shape.chunk = false;
    shape.cs = shape.rs = 0;
    shape.turn = 0;
  }
  return shape;
}

Shapes builtin_shapes(spv::BuiltIn builtin, const Geometry& g) {
  Shapes all = raw_builtin_shapes(builtin, g);
  for (auto& shape : all) shape = canonical(shape, g);
  return all;
}

namespace {

Shapes custom(const Program& p, const Geometry& g, const Inst& inst, const Operands& operands,
              std::size_t count) {
  switch (inst.op) {
    case spv::Op::OpCompositeConstruct: {
      Shapes out;
      for (const auto& operand : operands) out.insert(out.end(), operand.begin(), operand.end());
      return out;
    }
    case spv::Op::OpCompositeExtract:
      return extract(p, inst, operands, count);
    case spv::Op::OpCompositeInsert:
      return insert(p, inst, operands);
    case spv::Op::OpVectorShuffle:
      return shuffle(inst, operands);
    case spv::Op::OpUndef:
      return Shapes(count, Shape::uniform(Shape::kMaxAlign));
    case spv::Op::OpSelect: {
      Shapes out;
      for (std::size_t i = 0; i < count; ++i)
        out.push_back(
            select_leaf(leaf_of(operands[0], i), leaf_of(operands[1], i), leaf_of(operands[2], i)));
      return out;
    }
    case spv::Op::OpCopyObject:
    case spv::Op::OpCopyLogical:
      return operands[0];
    case spv::Op::OpGroupNonUniformBroadcast: {
      const bool one_source =
          operands.size() > 2 && operands[2].size() == 1 && operands[2][0].is_uniform();
      return Shapes(count, one_source ? subgroup_uniform(g) : Shape::varying(g.chunks > 1));
    }
    default:
      break;
  }
  // Subgroup arithmetic, and whatever has no rule here: the same for all if everyone is asked.
  const bool reduces = is_group_operation(inst.op) && inst.args.size() > 1 &&
                       inst.args[1] == static_cast<std::uint32_t>(spv::GroupOperation::Reduce);
  return Shapes(count, reduces ? subgroup_uniform(g) : Shape::varying(g.chunks > 1));
}

Shapes elementwise_leaves(const Program& p, const Geometry& g, const Inst& inst,
                          const Operands& operands, std::size_t count) {
  for (const auto& operand : operands)
    if (operand.size() > 1 && operand.size() != count) return merge(operands, count);
  Shapes out;
  for (std::size_t i = 0; i < count; ++i) {
    if (operands.size() == 2 && operands[0].size() && operands[1].size()) {
      out.push_back(integer_leaf(p, g, inst, i, leaf_of(operands[0], i), leaf_of(operands[1], i)));
      continue;
    }
    Divergence d;
    for (const auto& operand : operands)
      if (!operand.empty()) d |= divergence_of(leaf_of(operand, i));
    bool keeps = inst.op == spv::Op::OpBitcast && operands[0].size() == count;
    const spirv::Type& to = p.module->scalar_type(inst.type);
    const spirv::Type& from = p.module->scalar_type(p.type_of(inst.args[0]));
    if (keeps && to.kind == spirv::TypeKind::kInt && from.kind == spirv::TypeKind::kInt)
      out.push_back(operands[0][i]);
    else if (inst.op == spv::Op::OpSNegate)
      out.push_back(scale(operands[0][i], -1, g));
    else
      out.push_back(shape_of(d));
  }
  return out;
}

}  // namespace

Shapes transfer(const Program& p, const Geometry& g, const Inst& inst, const Operands& operands) {
  using spirv::ResultRule;
  std::size_t count = leaf_count(*p.module, inst.type);
  if (handler_of(inst.op) == Handler::kPointer && count == 0) count = kPointerLeaves;
  // check() refuses what has no row; nothing would be known of its result.
  switch (result_rule(inst).value_or(ResultRule::kVarying)) {
    case ResultRule::kNoResult:
      return {};
    case ResultRule::kElementwise:
      return elementwise_leaves(p, g, inst, operands, count);
    case ResultRule::kMerged:
      return merge(operands, count);
    case ResultRule::kSubgroupUniform:
      return Shapes(count, subgroup_uniform(g));
    case ResultRule::kVarying:
      return Shapes(count, Shape::varying(g.chunks > 1));
    case ResultRule::kCustom:
      return custom(p, g, inst, operands, count);
  }
  return {};
}

}  // namespace sokr::cpu
