// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/elements.hpp"

namespace sokr::cpu {

namespace {

// Words of each 128 bits of x (0 to 3) and of y (4 to 7), in this order: what the processor's
// shuffles within 128 bits do.
llvm::Value* shuffle_words(llvm::IRBuilder<>& b, llvm::Value* x, llvm::Value* y,
                           std::array<int, 4> pick) {
  const auto width =
      static_cast<int>(llvm::cast<llvm::FixedVectorType>(x->getType())->getNumElements());
  llvm::SmallVector<int, 16> all;
  for (int group = 0; group < width; group += 4)
    for (const int at : pick) all.push_back(at < 4 ? group + at : width + group + at - 4);
  return b.CreateShuffleVector(x, y, all);
}

// Of each 128 bits of four vectors, words i of all as row i. Done twice it changes nothing.
LlvmValues transposed(llvm::IRBuilder<>& b, const LlvmValues& rows) {
  LlvmValue* low01 = shuffle_words(b, rows[0], rows[1], {0, 4, 1, 5});
  LlvmValue* high01 = shuffle_words(b, rows[0], rows[1], {2, 6, 3, 7});
  LlvmValue* low23 = shuffle_words(b, rows[2], rows[3], {0, 4, 1, 5});
  LlvmValue* high23 = shuffle_words(b, rows[2], rows[3], {2, 6, 3, 7});
  return {shuffle_words(b, low01, low23, {0, 1, 4, 5}),
          shuffle_words(b, low01, low23, {2, 3, 6, 7}),
          shuffle_words(b, high01, high23, {0, 1, 4, 5}),
          shuffle_words(b, high01, high23, {2, 3, 6, 7})};
}

}  // namespace

bool are_words_in_order(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves) {
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (scalar_size(module, leaves[i].type) != 4 || leaves[i].offset != leaves[0].offset + 4 * i)
      return false;
  return true;
}

LlvmValue* Elements::beside(LlvmValue* x, LlvmValue* y) {
  llvm::SmallVector<int, 32> all;
  const auto size = llvm::cast<llvm::FixedVectorType>(x->getType());
  for (unsigned n = 0; n < 2 * size->getNumElements(); ++n) all.push_back(static_cast<int>(n));
  return b_.CreateShuffleVector(x, y, all);
}

// Four words of each lane.
LlvmValues Elements::load_quads(const LaneLoad& load) {
  LlvmType* quad = llvm::FixedVectorType::get(b_.getFloatTy(), 4);
  // Row i has the quads of lanes i, i + 4, ... beside one another.
  LlvmValues rows;
  for (unsigned i = 0; i < 4; ++i) {
    LlvmValues quads;
    for (unsigned lane = i; lane < width_; lane += 4) quads.push_back(load(quad, lane));
    for (; quads.size() > 1; quads.resize(quads.size() / 2))
      for (std::size_t k = 0; k < quads.size() / 2; ++k)
        quads[k] = beside(quads[2 * k], quads[2 * k + 1]);
    rows.push_back(quads[0]);
  }
  return transposed(b_, rows);
}

// The other way round: four components of all lanes are stored as a quad of each.
void Elements::store_quads(const LlvmValues& components, const LaneStore& store) {
  const LlvmValues rows = transposed(b_, components);
  for (unsigned lane = 0; lane < width_; ++lane) {
    const int first = static_cast<int>(lane / 4 * 4);
    store(b_.CreateShuffleVector(rows[lane % 4], {first, first + 1, first + 2, first + 3}), lane);
  }
}

// Two components of all lanes as a pair of words of each.
void Elements::store_pairs(const LlvmValues& components, const LaneStore& store) {
  llvm::SmallVector<int, 32> mix;
  for (unsigned lane = 0; lane < width_; ++lane) {
    mix.push_back(static_cast<int>(lane));
    mix.push_back(static_cast<int>(width_ + lane));
  }
  LlvmValue* pairs = b_.CreateBitCast(b_.CreateShuffleVector(components[0], components[1], mix),
                                      wide(b_.getDoubleTy()));
  for (unsigned lane = 0; lane < width_; ++lane)
    store(b_.CreateExtractElement(pairs, std::uint64_t{lane}), lane);
}

// `count` components of `size` bytes of each lane, together 8 bytes or fewer.
LlvmValues Elements::load_words_of(unsigned count, unsigned size, const LaneLoad& load) {
  const unsigned bytes = count * size;
  LlvmType* word = bytes == 8 && count > 1 ? b_.getDoubleTy() : b_.getIntNTy(8 * bytes);
  LlvmValue* words = llvm::PoisonValue::get(wide(word));
  for (unsigned lane = 0; lane < width_; ++lane)
    words = b_.CreateInsertElement(words, load(word, lane), std::uint64_t{lane});
  if (count == 1) return {words};
  LlvmType* i32 = b_.getInt32Ty();
  LlvmValues halves{words};
  if (bytes == 8) {
    words = b_.CreateBitCast(words, llvm::FixedVectorType::get(i32, 2 * width_));
    llvm::SmallVector<int, 16> even, odd;
    for (unsigned lane = 0; lane < width_; ++lane) {
      even.push_back(static_cast<int>(2 * lane));
      odd.push_back(static_cast<int>(2 * lane + 1));
    }
    halves = {b_.CreateShuffleVector(words, even), b_.CreateShuffleVector(words, odd)};
  }
  if (size == 4) return halves;
  LlvmValues out;
  for (LlvmValue* half : halves)
    for (unsigned at = 0; at < 4 && out.size() < count; at += size)
      out.push_back(
          b_.CreateTrunc(b_.CreateLShr(half, llvm::ConstantInt::get(half->getType(), 8 * at)),
                         wide(b_.getIntNTy(8 * size))));
  return out;
}

void add_table(llvm::IRBuilder<>& b, const Geometry& geometry, Address& address, const Val& index,
               std::int64_t stride) {
  const Table* begun = address.table;
  address.table = nullptr;
  LlvmType* i64 = b.getInt64Ty();
  const auto number = [&](std::int64_t n) { return b.getInt64(static_cast<std::uint64_t>(n)); };
  Table table{};
  Val base;
  base.s.known = true;
  LlvmValue* holds = address.table_holds;
  const auto add = [&](const Val& from, std::int64_t by) {
    const bool moves = from.s.table != nullptr;
    if ((!moves && (!from.s.affine || from.s.ls != 0)) || std::abs(by) > INT32_MAX ||
        (moves && from.v[0]->getType()->getScalarSizeInBits() != 32))
      return false;
    for (unsigned l = 0; moves && l < geometry.width; ++l) {
      const std::int64_t at = table[l] + ((*from.s.table)[l] - (*from.s.table)[0]) * by;
      if (std::abs(at) > INT32_MAX / 2) return false;
      table[l] = static_cast<std::int32_t>(at);
    }
    const unsigned count = from.s.varies_by_chunk() ? geometry.chunks : 1;
    LlvmValues sums;
    for (unsigned c = 0; c < std::max<std::size_t>(count, base.v.size()); ++c) {
      LlvmValue* one = from.v[from.v.size() > 1 ? c : 0];
      if (moves) {
        one = b.CreateExtractElement(one, std::uint64_t{0});
        // No lane's own index may go round: those of tables are small numbers.
        LlvmValue* small = b.CreateICmpULT(one, b.getInt32(1u << 30));
        holds = holds ? b.CreateAnd(holds, small) : small;
      } else if (const std::int64_t further = from.s.chunk ? 0 : from.s.chunk_offset(c)) {
        one = b.CreateAdd(
            one, llvm::ConstantInt::get(one->getType(), static_cast<std::uint64_t>(further), true));
      }
      LlvmValue* term = b.CreateMul(b.CreateSExt(one, i64), number(by));
      LlvmValue* before = base.v.empty() ? nullptr : base.v[base.v.size() > 1 ? c : 0];
      sums.push_back(before ? b.CreateAdd(before, term) : term);
    }
    base.v = std::move(sums);
    base.s.chunk = base.v.size() > 1;
    return true;
  };
  if (begun) {
    table = *begun;
    base = address.table_base;
  } else if (!add(address.offset, 1) || !add(address.index, address.scale)) {
    return;
  }
  if (!add(index, stride)) return;
  address.table = geometry.tables->find(table);
  address.table_base = std::move(base);
  address.table_holds = holds;
}

Val joined_index(llvm::IRBuilder<>& b, const Geometry& geometry, const Val& x, std::int64_t a,
                 const Val& y, std::int64_t c) {
  Val out;
  const bool by_chunk = x.s.chunk || y.s.chunk;
  out.s = Shape::varying(by_chunk);
  if (x.s.table && y.s.table) {
    Table table{};
    bool small = true;
    for (unsigned l = 0; l < geometry.width; ++l) {
      const std::int64_t sum = (*x.s.table)[l] * a + (*y.s.table)[l] * c;
      small = small && sum >= INT32_MIN && sum <= INT32_MAX;
      table[l] = static_cast<std::int32_t>(sum);
    }
    if (small) out.s = Shape::by_table(geometry.tables->find(table), by_chunk, 1);
  }
  for (unsigned i = 0; i < (by_chunk ? geometry.chunks : 1); ++i) {
    LlvmValue *u = x.v[x.v.size() > 1 ? i : 0], *v = y.v[y.v.size() > 1 ? i : 0];
    LlvmType* type = u->getType();
    u = b.CreateMul(u, llvm::ConstantInt::get(type, static_cast<std::uint64_t>(a)));
    v = b.CreateMul(v, llvm::ConstantInt::get(type, static_cast<std::uint64_t>(c)));
    out.v.push_back(b.CreateAdd(u, v));
  }
  return out;
}

}  // namespace sokr::cpu
