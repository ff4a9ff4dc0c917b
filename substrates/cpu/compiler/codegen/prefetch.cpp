// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/prefetch.hpp"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>

#include <algorithm>
#include <cstdint>
#include <set>

namespace sokr::cpu {
namespace {

using llvm::BasicBlock;
using llvm::Instruction;
using llvm::Value;

constexpr std::uint64_t kLineBytes = 64;
// What is read one by one is too little to ask for beforehand.
constexpr std::uint64_t kLeastBytes = 16;
// So many cycles ahead: some times what one access to memory takes, since as many as the memory
// takes at once are under way. Measured; half of it is slower, twice as much is no faster.
constexpr std::uint64_t kCyclesAhead = 4096;
// What a round takes at least: instructions and bytes in a cycle.
constexpr std::uint64_t kInstructionsPerCycle = 3, kBytesPerCycle = 8;
// Into the second level of the caches (prefetcht1): the first has far fewer accesses under way.
constexpr std::uint32_t kSecondLevel = 2;

// A counter, and what each round adds to it.
struct Counter {
  llvm::PHINode* value;
  Value* step;
};

bool advances(llvm::PHINode& phi, const llvm::Loop& loop, BasicBlock* latch, Value*& step) {
  using namespace llvm::PatternMatch;
  return phi.getType()->isIntegerTy() &&
         match(phi.getIncomingValueForBlock(latch), m_c_Add(m_Specific(&phi), m_Value(step))) &&
         !llvm::isa<llvm::Constant>(step) && loop.isLoopInvariant(step);
}

class LoopPrefetch {
 public:
  LoopPrefetch(const llvm::Loop& loop, BasicBlock* latch) : loop_(loop), latch_(latch) {}

  bool run() {
    for (llvm::PHINode& phi : loop_.getHeader()->phis())
      if (Value* step = nullptr; advances(phi, loop_, latch_, step))
        counters_.push_back({&phi, step});
    if (counters_.empty()) return false;
    find_loads();
    if (loads_.empty()) return false;
    for (llvm::LoadInst* load : loads_) {
      llvm::IRBuilder<> b(load);
      b.CreateIntrinsic(llvm::Intrinsic::prefetch, {load->getPointerOperandType()},
                        {later(load->getPointerOperand()), b.getInt32(0), b.getInt32(kSecondLevel),
                         b.getInt32(1)});
    }
    return true;
  }

 private:
  static std::uint64_t bytes(const llvm::LoadInst& load) {
    return load.getModule()->getDataLayout().getTypeStoreSize(load.getType());
  }

  // One for each line of memory, as far as constants tell.
  void find_loads() {
    std::set<std::pair<const Value*, std::int64_t>> lines;
    std::uint64_t instructions = 0, total = 0;
    for (BasicBlock* block : loop_.blocks()) {
      bool here = block == latch_ || block == loop_.getHeader();
      for (Instruction& instruction : *block) {
        auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
        if (!load || bytes(*load) < kLeastBytes || !follows(load->getPointerOperand())) continue;
        here = true;
        total += bytes(*load);
        const llvm::DataLayout& layout = load->getModule()->getDataLayout();
        llvm::APInt offset(64, 0);
        const Value* base = load->getPointerOperand()->stripAndAccumulateConstantOffsets(
            layout, offset, /*AllowNonInbounds=*/true);
        if (lines.emplace(base, offset.getSExtValue() / std::int64_t{kLineBytes}).second)
          loads_.push_back(load);
      }
      if (here) instructions += block->size();
    }
    const std::uint64_t cycles =
        std::max({instructions / kInstructionsPerCycle, total / kBytesPerCycle, std::uint64_t{1}});
    rounds_ = std::max(kCyclesAhead / cycles, std::uint64_t{1});
  }

  // Whether an address is computed from a counter and what does not change, by nothing that could
  // fail.
  bool follows(Value* value, unsigned depth = 0) {
    constexpr unsigned kMostSteps = 8;
    if (is_counter(value)) return true;
    auto* instruction = llvm::dyn_cast<Instruction>(value);
    if (!instruction || !loop_.contains(instruction) || depth == kMostSteps ||
        !is_plain(*instruction))
      return false;
    bool any = false;
    for (Value* operand : instruction->operands()) {
      if (loop_.isLoopInvariant(operand)) continue;
      if (!follows(operand, depth + 1)) return false;
      any = true;
    }
    return any;
  }

  static bool is_plain(const Instruction& instruction) {
    return llvm::isa<llvm::BinaryOperator, llvm::CastInst, llvm::GetElementPtrInst>(instruction) &&
           !instruction.isIntDivRem();
  }

  bool is_counter(const Value* value) const {
    return std::ranges::any_of(counters_, [&](const Counter& c) { return c.value == value; });
  }

  // The same value so many rounds later, computed where the value is.
  Value* later(Value* value) {
    if (loop_.isLoopInvariant(value)) return value;
    if (auto known = later_.find(value); known != later_.end()) return known->second;
    Value* result = nullptr;
    if (auto counter = std::ranges::find(counters_, value, &Counter::value);
        counter != counters_.end()) {
      llvm::IRBuilder<> b(loop_.getHeader(), loop_.getHeader()->getFirstInsertionPt());
      llvm::IRBuilder<> before(b.GetInsertBlock(), b.GetInsertPoint());
      if (BasicBlock* outside = loop_.getLoopPreheader())
        before.SetInsertPoint(outside->getTerminator());
      auto* rounds = llvm::ConstantInt::get(value->getType(), rounds_);
      result = b.CreateAdd(value, before.CreateMul(counter->step, rounds));
    } else {
      auto* original = llvm::cast<Instruction>(value);
      Instruction* copy = original->clone();
      copy->dropPoisonGeneratingFlags();
      for (llvm::Use& operand : copy->operands()) operand = later(operand);
      copy->insertAfter(original);
      result = copy;
    }
    later_[value] = result;
    return result;
  }

  const llvm::Loop& loop_;
  BasicBlock* latch_;
  llvm::SmallVector<Counter, 2> counters_;
  llvm::SmallVector<llvm::LoadInst*, 16> loads_;
  std::uint64_t rounds_ = 1;
  llvm::DenseMap<Value*, Value*> later_;
};

}  // namespace

llvm::PreservedAnalyses PrefetchPass::run(llvm::Function& function,
                                          llvm::FunctionAnalysisManager& analyses) {
  bool changed = false;
  for (const llvm::Loop* loop :
       analyses.getResult<llvm::LoopAnalysis>(function).getLoopsInPreorder())
    if (BasicBlock* latch = loop->getLoopLatch(); latch && loop->isInnermost())
      changed |= LoopPrefetch(*loop, latch).run();
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
