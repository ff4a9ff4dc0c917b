// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Narrow components that fill words: bytes and halves that lie side by side in each lane are moved
// as the words they are, which there are wide loads, rows and gathers for, and are then parts of
// words in registers. A dot product of bytes takes the words as they are.
#include "compiler/emit/memory/words.hpp"

#include <llvm/Analysis/ValueTracking.h>

#include "compiler/codegen/llvm_versions.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr unsigned kWordBytes = 4;

// The module's type of words; 0 = none.
Id word_type(const spirv::Module& module) {
  for (Id id = 1; id < module.bound(); ++id) {
    const spirv::Type* type = module.type(id);
    if (type && type->kind == spirv::TypeKind::kInt && type->width == 32) return id;
  }
  return 0;
}

}  // namespace

bool makes_words(const spirv::Module& module, std::int64_t step,
                 const std::vector<PlacedLeaf>& leaves) {
  std::int64_t size = scalar_size(module, leaves[0].type);
  if (step == 1 || step * size != 4 || static_cast<std::size_t>(step) != leaves.size())
    return false;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (leaves[i].offset != leaves[0].offset + i * static_cast<std::uint64_t>(size)) return false;
  return true;
}

// The words that narrow components of lanes which lie apart are; none where they are not words, or
// may not all be touched.
std::vector<PlacedLeaf> Words::words_of(const Address& address,
                                        const std::vector<PlacedLeaf>& leaves) {
  const unsigned size = scalar_size(*p_.module, leaves[0].type), parts = kWordBytes / size;
  const bool by_index = address.scale && address.offset.s.affine && address.offset.s.ls == 0;
  if (size >= kWordBytes || leaves.size() % parts || !b_.has(Part::kWords) || !by_index ||
      address.scale % kWordBytes || address.is_volatile)
    return {};
  const Extent e = extent_of(*p_.module, leaves);
  if (!places_.is_inside(address, e.low, e.high)) return {};
  for (LlvmValue* start : address.offset.v)
    if (llvm::computeKnownBits(start, m_.getDataLayout()).countMinTrailingZeros() < 2) return {};
  const Id type = word_type(*p_.module);
  if (type == 0) return {};
  std::vector<PlacedLeaf> words;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (i % parts == 0) words.push_back({leaves[i].offset, type});
    if (words.back().offset % kWordBytes || scalar_size(*p_.module, leaves[i].type) != size ||
        leaves[i].offset != words.back().offset + i % parts * size)
      return {};
  }
  return words;
}

Leaves Words::split_words(const Leaves& words, const std::vector<PlacedLeaf>& leaves) {
  Leaves out;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const unsigned size = scalar_size(*p_.module, leaves[i].type), parts = kWordBytes / size;
    Val part{words[i / parts].s, {}};
    for (LlvmValue* word : words[i / parts].v) {
      LlvmType* type = word->getType();
      LlvmValue* v = b_.CreateLShr(word, b_.integer_like(type, 8 * size * (i % parts)));
      v = b_.CreateTrunc(v, type->getWithNewBitWidth(8 * size));
      v = b_.CreateBitCast(v, type->getWithNewType(places_.memory_type(leaves[i].type)));
      part.v.push_back(places_.from_memory(v, leaves[i].type));
    }
    out.push_back(std::move(part));
  }
  return out;
}

Leaves Words::packed_words(const Leaves& value, const std::vector<PlacedLeaf>& leaves,
                           std::size_t words) {
  Leaves out(words);
  const std::size_t parts = leaves.size() / words;
  for (std::size_t i = 0; i < words; ++i) {
    bool by_chunk = false;
    for (std::size_t k = 0; k < parts; ++k) by_chunk |= value[i * parts + k].s.varies_by_chunk();
    out[i].s = Shape::varying(by_chunk);
    for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
      LlvmValues of_word;
      for (std::size_t k = 0; k < parts; ++k)
        of_word.push_back(places_.to_memory(b_.vector_of(value[i * parts + k], c)));
      out[i].v.push_back(b_.pack_word(of_word));
    }
  }
  return out;
}

// The words of all lanes, of which only the parts in range are read.
LlvmValue* Words::load_parts(const Address& address, unsigned chunk, std::int64_t low,
                             unsigned size) {
  unsigned parts = g_.width * 4 / size;
  LlvmValue* start =
      b_.CreateAdd(b_.base_of(address.offset, chunk), b_.getInt64(static_cast<std::uint64_t>(low)));
  // Parts before the object and parts up to its end.
  auto count = [&](LlvmValue* bytes, unsigned round_up) {
    bytes = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, bytes, b_.getInt64(0));
    LlvmValue* whole = b_.CreateUDiv(b_.CreateAdd(bytes, b_.getInt64(round_up)), b_.getInt64(size));
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, whole, b_.getInt64(parts));
  };
  LlvmValue* before = b_.CreateVectorSplat(parts, count(b_.CreateNeg(start), size - 1));
  LlvmValue* end = b_.CreateVectorSplat(parts, count(b_.CreateSub(address.limit, start), 0));
  llvm::SmallVector<llvm::Constant*, 64> numbers;
  for (unsigned i = 0; i < parts; ++i) numbers.push_back(b_.getInt8(static_cast<std::uint8_t>(i)));
  LlvmType* i8 = llvm::FixedVectorType::get(b_.getInt8Ty(), parts);
  LlvmValue* number = llvm::ConstantVector::get(numbers);
  LlvmValue* mask = b_.CreateAnd(b_.CreateICmpUGE(number, b_.CreateTrunc(before, i8)),
                                 b_.CreateICmpULT(number, b_.CreateTrunc(end, i8)));
  LlvmType* type = llvm::FixedVectorType::get(b_.getIntNTy(8 * size), parts);
  auto* load = b_.CreateMaskedLoad(type, b_.CreateGEP(b_.getInt8Ty(), address.base, start),
                                   Align(size), mask, llvm::Constant::getNullValue(type));
  return b_.CreateBitCast(places_.annotate(load, address), b_.wide(b_.getInt32Ty()));
}

// Narrow components of neighbouring invocations: taken from words by shifts, which is
// cheaper than by shuffles, and lets a dot product have the words.
Leaves Words::load_words(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  auto low = static_cast<std::int64_t>(leaves[0].offset);
  bool by_chunk = address.offset.s.varies_by_chunk();
  unsigned count = by_chunk ? g_.chunks : 1;
  unsigned size = scalar_size(*p_.module, leaves[0].type);
  LlvmType* i32 = b_.wide(b_.getInt32Ty());
  places_.note("load words", address, leaves);
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "read", at_.function);
    b_.CreateCondBr(places_.range_in_bounds(address, low, low + 4), fast, slow,
                    likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  LlvmValues words;
  for (unsigned c = 0; c < count; ++c)
    words.push_back(places_.annotate(
        b_.CreateAlignedLoad(i32, places_.element_pointer(address, c, low), Align(size)), address));
  if (slow) {
    BasicBlock* fast_end = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(slow);
    LlvmValues others;
    if (t_.masks(size) && !address.is_volatile) {
      for (unsigned c = 0; c < count; ++c) others.push_back(load_parts(address, c, low, size));
    } else {
      ++at_.robust;
      Leaves parts = lanes_.load_gather(address, leaves);
      --at_.robust;
      for (unsigned c = 0; c < count; ++c) {
        LlvmValues of_chunk;
        for (const auto& part : parts) of_chunk.push_back(places_.to_memory(b_.vector_of(part, c)));
        others.push_back(b_.pack_word(of_chunk));
      }
    }
    BasicBlock* slow_end = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    for (unsigned c = 0; c < count; ++c) {
      auto* phi = b_.CreatePHI(i32, 2);
      phi->addIncoming(words[c], fast_end);
      phi->addIncoming(others[c], slow_end);
      words[c] = phi;
    }
  }
  Leaves out(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    out[i].s = Shape::varying(by_chunk);
    for (LlvmValue* word : words) {
      LlvmValue* part = b_.CreateTrunc(b_.CreateLShr(word, b_.integer_like(i32, 8 * size * i)),
                                       b_.wide(b_.getIntNTy(8 * size)));
      part = b_.CreateBitCast(part, b_.wide(places_.memory_type(leaves[i].type)));
      out[i].v.push_back(places_.from_memory(part, leaves[i].type));
    }
  }
  return out;
}

}  // namespace sokr::cpu
