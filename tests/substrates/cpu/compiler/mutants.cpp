// SPDX-License-Identifier: MIT OR Apache-2.0
#include "mutants.hpp"

#include <cstring>
#include <iterator>
#include <random>
#include <sokr/cpu/compiler.hpp>
#include <spirv/unified1/spirv.hpp11>
#include <utility>

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;
using spv::Op;

constexpr std::size_t kHeader = 5, kGenerator = 2;

// Opcodes of one row take the same operands, and mostly the same types.
constexpr std::pair<Op, Op> kFamilies[] = {
    {Op::OpConvertFToU, Op::OpBitcast},
    {Op::OpSNegate, Op::OpFNegate},
    {Op::OpIAdd, Op::OpFMod},
    {Op::OpVectorTimesScalar, Op::OpDot},
    {Op::OpAny, Op::OpAll},
    {Op::OpIsNan, Op::OpIsInf},
    {Op::OpLogicalEqual, Op::OpLogicalAnd},
    {Op::OpIEqual, Op::OpSLessThanEqual},
    {Op::OpFOrdEqual, Op::OpFUnordGreaterThanEqual},
    {Op::OpShiftRightLogical, Op::OpBitwiseAnd},
    {Op::OpNot, Op::OpNot},
    {Op::OpBitReverse, Op::OpBitCount},
    {Op::OpAtomicIAdd, Op::OpAtomicXor},
    {Op::OpGroupNonUniformShuffle, Op::OpGroupNonUniformShuffleDown},
    {Op::OpGroupNonUniformIAdd, Op::OpGroupNonUniformLogicalXor},
};

constexpr std::uint32_t kLiterals[] = {
    0,     1,          2,          3,          4,          5,          7,         8,    12,
    15,    16,         17,         31,         32,         33,         48,        63,   64,
    65,    100,        127,        128,        255,        256,        1023,      1024, 65535,
    65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000, 0x7f800000, 0x7fc00000};

class Mutator {
 public:
  Mutator(Words& words, std::uint32_t seed) : words_(words), random_(seed) {}

  void run() {
    for (std::uint32_t n = 1 + below(4); n-- > 0;) {
      find_instructions();
      if (starts_.empty()) return;
      change();
    }
  }

 private:
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }
  std::size_t length(std::size_t at) const { return words_[at] >> 16; }
  Op op(std::size_t at) const { return static_cast<Op>(words_[at] & 0xffff); }
  std::size_t any() { return starts_[below(starts_.size())]; }

  void find_instructions() {
    starts_.clear();
    for (std::size_t at = kHeader; at < words_.size(); at += length(at)) {
      if (length(at) == 0 || length(at) > words_.size() - at) return;
      starts_.push_back(at);
    }
  }

  void change() {
    const std::size_t at = any();
    if (op(at) == Op::OpConstant || op(at) == Op::OpSpecConstant)
      return set(at + length(at) - 1, literal(words_[at + length(at) - 1]));
    switch (below(8)) {
      case 0:
        return change_opcode(at);
      case 1:
      case 2:
      case 3:
        return take_operand(at);
      case 4:
        return change_number(at);
      case 5:
        return exchange_operands(at);
      case 6:
        return repeat(at);
      default:
        return remove(at);
    }
  }

  void set(std::size_t at, std::uint32_t word) { words_[at] = word; }

  std::uint32_t literal(std::uint32_t old) {
    switch (below(4)) {
      case 0:
        return old + 1;
      case 1:
        return old ^ 1u << below(32);
      default:
        return kLiterals[below(std::size(kLiterals))];
    }
  }

  void change_opcode(std::size_t at) {
    for (const auto& [first, last] : kFamilies) {
      if (op(at) < first || op(at) > last) continue;
      const auto low = static_cast<std::uint32_t>(first), high = static_cast<std::uint32_t>(last);
      words_[at] = (words_[at] & 0xffff0000) | (low + below(high - low + 1));
    }
  }

  // An operand from somewhere else: of the same type as often as chance will have it.
  void take_operand(std::size_t at) {
    if (length(at) < 3) return;
    const std::size_t place = 1 + below(length(at) - 1);
    for (int tries = 0; tries < 40; ++tries) {
      const std::size_t other = any();
      // The same place of the same kind of instruction, or what an instruction near by makes.
      if (op(other) == op(at) && length(other) > place)
        return set(at + place, words_[other + place]);
      if (tries > 20 && length(other) > 2 && other < at && at - other < 200)
        return set(at + place, words_[other + 2]);
    }
  }

  void change_number(std::size_t at) {
    if (length(at) < 2) return;
    const std::size_t place = at + 1 + below(length(at) - 1);
    set(place, below(3) == 0 ? literal(words_[place]) : words_[place] + below(3) - 1);
  }

  void exchange_operands(std::size_t at) {
    if (length(at) < 5) return;
    std::swap(words_[at + 3 + below(length(at) - 3)], words_[at + 3 + below(length(at) - 3)]);
  }

  bool has_result(std::size_t at) const {
    switch (op(at)) {
      case Op::OpStore:
      case Op::OpName:
      case Op::OpDecorate:
      case Op::OpMemberDecorate:
      case Op::OpControlBarrier:
      case Op::OpMemoryBarrier:
      case Op::OpAtomicStore:
      case Op::OpCopyMemory:
      case Op::OpExecutionMode:
        return false;
      default:
        return true;
    }
  }

  void repeat(std::size_t at) {
    if (has_result(at)) return take_operand(at);
    const Words copy(words_.begin() + static_cast<std::ptrdiff_t>(at),
                     words_.begin() + static_cast<std::ptrdiff_t>(at + length(at)));
    const std::size_t to = op(at) == Op::OpStore ? any() : at;
    words_.insert(words_.begin() + static_cast<std::ptrdiff_t>(to), copy.begin(), copy.end());
  }

  void remove(std::size_t at) {
    if (has_result(at)) return change_number(at);
    const auto first = words_.begin() + static_cast<std::ptrdiff_t>(at);
    words_.erase(first, first + static_cast<std::ptrdiff_t>(length(at)));
  }

  Words& words_;
  std::mt19937 random_;
  std::vector<std::size_t> starts_;
};

// Large modules take minutes where many registers move together, which nobody would ask for.
CompileOptions options_of(std::uint32_t choice, std::size_t bytes) {
  constexpr std::size_t kLarge = 8000;
  constexpr std::uint32_t kMostOfLarge = 2;
  CompileOptions options;
  options.isa = kIsas[choice % kIsas.size()];
  options.subgroup_size = 4u << (choice >> 2 & 7) % 5;
  options.interleave = choice >> 5 & 7;
  if (bytes > kLarge) options.interleave = std::min(options.interleave, kMostOfLarge);
  options.robust = (choice >> 8 & 1) != 0;
  options.assume_no_alias = (choice >> 9 & 1) != 0;
  options.poison_inactive = (choice >> 10 & 1) != 0;
  options.scalar_mode = (choice >> 15 & 3) == 0;
  options.effort = (choice >> 11 & 15) == 0 ? Effort::kQuick : Effort::kVerify;
  return options;
}

// What is wrong with a refusal.
std::string complaint(const Failure& failure) {
  const bool judges_the_module = failure.code == SOKR_CAPABILITY_DENIED ||
                                 failure.code == SOKR_INVALID_IR ||
                                 failure.code == SOKR_INVALID_INPUT;
  if (!judges_the_module) return "the compiler failed: " + failure.sentence;
  if (failure.sentence.empty()) return "a refusal without a sentence";
  if (failure.sentence.find('\n') != std::string::npos) return "a refusal of several lines";
  return {};
}

}  // namespace

void mutate_module(Words& words, std::uint32_t seed) {
  Mutator(words, seed).run();
  words[kGenerator] = seed * 0x9e3779b1u >> 4;
}

MutantOutcome compile_mutant(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeader * 4 || !spirv::validate(bytes)) return {};
  std::uint32_t choice = 0;
  std::memcpy(&choice, bytes.data() + kGenerator * 4, sizeof choice);
  const auto module = spirv::decode(bytes);
  if (!module) return {false, complaint(module.failure())};
  const CompileOptions options = options_of(choice, bytes.size());
  MutantOutcome outcome;
  for (const spirv::EntryPoint& entry : (*module)->entry_points()) {
    const auto accepted = check(**module, entry, options);
    const auto compiled = compile(**module, entry, options);
    if (compiled && !accepted) return {false, "compiled what check() refuses"};
    if (!accepted) {
      outcome.wrong = complaint(accepted.failure());
    } else if (!compiled) {
      outcome.wrong = complaint(compiled.failure());
      if (outcome.wrong.empty())
        outcome.wrong = "check() accepts it, compile() does not: " + compiled.failure().sentence;
    }
    if (!outcome.wrong.empty()) return outcome;
    outcome.compiled |= compiled.ok();
  }
  return outcome;
}

}  // namespace sokr::cpu::test
