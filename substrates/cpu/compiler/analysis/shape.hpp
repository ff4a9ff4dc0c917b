// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is known about how a scalar differs between the invocations of one pass.
//
// With l the lane within a register and c the chunk, a value is either
//   affine: base + ls * l + cs * c, with one scalar base, or one for each chunk
//           (`chunk`; then cs is 0). Uniform values are affine with ls = cs = 0.
//           Where a row of the workgroup is several chunks, `turn` of them, it may be by rs more
//           from each row to the next one: base + ls * l + cs * c + rs * (c / turn).
//   or not: a vector for each chunk (`chunk`), or one vector for all. It may then be known as
//   base + table[l], with a base for each chunk.
// Only integers have ls, cs or rs other than 0.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_SHAPE_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_SHAPE_HPP_

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>

namespace sokr::cpu {

// What the lanes of a register differ by.
using Table = std::array<std::int32_t, 16>;

// Equal tables are one object.
class Tables {
 public:
  const Table* find(const Table& table) { return &*all_.insert(table).first; }

 private:
  std::set<Table> all_;
};

struct Shape {
  bool known = false;  // false: nothing reached it yet
  bool affine = true;
  bool chunk = false;
  std::int64_t ls = 0, cs = 0, rs = 0;
  std::uint32_t turn = 0;        // 0: rs is 0
  std::uint32_t align = 1;       // a power of two that divides the base, or each chunk's
  const Table* table = nullptr;  // only if not affine

  static constexpr std::uint32_t kMaxAlign = 1u << 16;

  static Shape uniform(std::uint32_t alignment = 1) {
    Shape s;
    s.known = true;
    s.align = alignment;
    return s;
  }
  static Shape linear(std::int64_t lane_stride, std::int64_t chunk_stride,
                      std::uint32_t alignment) {
    Shape s = uniform(alignment);
    s.ls = lane_stride;
    s.cs = chunk_stride;
    return s;
  }
  // The same, and row_stride more after each `chunks` chunks.
  static Shape rows(std::int64_t lane_stride, std::int64_t chunk_stride, std::int64_t row_stride,
                    std::uint32_t chunks, std::uint32_t alignment) {
    Shape s = linear(lane_stride, chunk_stride, alignment);
    s.rs = row_stride;
    s.turn = row_stride ? chunks : 0;
    return s;
  }
  // One scalar for each chunk, plus lane_stride * l.
  static Shape by_chunk(std::int64_t lane_stride, std::uint32_t alignment = 1) {
    Shape s = uniform(alignment);
    s.chunk = true;
    s.ls = lane_stride;
    return s;
  }
  static Shape varying(bool chunk = true) {
    Shape s;
    s.known = true;
    s.affine = false;
    s.chunk = chunk;
    return s;
  }

  static Shape by_table(const Table* table, bool chunk, std::uint32_t alignment) {
    Shape s = varying(chunk);
    s.table = table;
    s.align = alignment;
    return s;
  }

  bool varies_by_lane() const { return !affine || ls != 0; }
  bool varies_by_chunk() const { return chunk || cs != 0 || turn != 0; }
  bool is_uniform() const { return affine && ls == 0 && !varies_by_chunk(); }
  // What a chunk adds to the one base of all.
  std::int64_t chunk_offset(std::uint32_t c) const { return cs * c + (turn ? rs * (c / turn) : 0); }
  // The least and the largest of these.
  std::pair<std::int64_t, std::int64_t> chunk_span(std::uint32_t chunks) const {
    std::pair<std::int64_t, std::int64_t> span{0, 0};
    for (std::uint32_t c = 1; c < chunks; ++c) {
      span.first = std::min(span.first, chunk_offset(c));
      span.second = std::max(span.second, chunk_offset(c));
    }
    return span;
  }
  // A power of two that divides where each chunk begins.
  std::uint32_t chunk_align() const {
    std::uint64_t least = align;
    for (const std::int64_t by : {cs, rs})
      if (const auto step = static_cast<std::uint64_t>(by < 0 ? -by : by); !chunk && step)
        least = std::min(least, step & (~step + 1));
    return static_cast<std::uint32_t>(least);
  }
  bool operator==(const Shape&) const = default;
};

// How invocations have parted: between lanes, between chunks.
struct Divergence {
  bool lane = false, chunk = false;
  explicit operator bool() const { return lane || chunk; }
  bool operator==(const Divergence&) const = default;
  Divergence& operator|=(Divergence other) {
    lane |= other.lane;
    chunk |= other.chunk;
    return *this;
  }
};

inline Divergence divergence_of(const Shape& s) {
  return {s.known && s.varies_by_lane(), s.known && s.varies_by_chunk()};
}

// A scalar that depends on values of these divergences and on nothing else.
inline Shape shape_of(Divergence d) {
  if (d.lane) return Shape::varying(d.chunk);
  return d.chunk ? Shape::by_chunk(0) : Shape::uniform();
}

// The value where it is blended under a mask of this divergence.
inline Shape widen(Shape s, Divergence mask) {
  if (!s.known || !mask) return s;
  if (mask.lane) return Shape::varying(s.varies_by_chunk() || mask.chunk);
  if (!s.affine) return Shape::varying(s.chunk || mask.chunk);
  return Shape::by_chunk(s.ls);
}

// The value at a place that one of two paths reached, all invocations together.
inline Shape join(const Shape& a, const Shape& b) {
  if (!a.known) return b;
  if (!b.known) return a;
  bool by_chunk = a.varies_by_chunk() || b.varies_by_chunk();
  if (a.table && a.table == b.table)
    return Shape::by_table(a.table, by_chunk, std::min(a.align, b.align));
  if (!a.affine || !b.affine || a.ls != b.ls)
    return a.varies_by_lane() || b.varies_by_lane() ? Shape::varying(by_chunk) : Shape::by_chunk(0);
  std::uint32_t align = std::min(a.align, b.align);
  if (!a.chunk && !b.chunk && a.cs == b.cs && a.rs == b.rs && a.turn == b.turn)
    return Shape::rows(a.ls, a.cs, a.rs, a.turn, align);
  return Shape::by_chunk(a.ls, std::min(a.chunk_align(), b.chunk_align()));
}

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_SHAPE_HPP_
