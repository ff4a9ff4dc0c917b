// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/chains.hpp"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>

namespace sokr::cpu {
namespace {

using llvm::BasicBlock;
using llvm::Instruction;

constexpr unsigned kOthers = 6;  // registers for what sums are made of
// Sums that take their terms in turn, where there are registers for that. The next term of one
// waits for the one before it (4 cycles, in which a processor begins 4 to 8 others), and with one
// sum after the other the scheduler of Zen 4 is full of those that wait. A product in tiles
// took 7.4 ms with one, 6.35 with 3, 6.4 with 4, 6.55 with 5, 6.8 with 8 and 8 with 16 (AVX-512);
// with AVX2 three are 2 % slower than one.
constexpr std::size_t kInTurn = 3;
constexpr unsigned kLeastForTurns = 32;  // registers

// A sum that a loop of one block carries: its links, from the first term of a round to the last.
using Chain = llvm::SmallVector<Instruction*, 8>;

Chain chain_of(llvm::PHINode& sum, BasicBlock& block) {
  Chain links;
  auto* last = llvm::dyn_cast<Instruction>(sum.getIncomingValueForBlock(&block));
  for (Instruction* link = last; link && link != &sum;) {
    if (link->getParent() != &block || llvm::isa<llvm::PHINode>(link)) return {};
    links.push_back(link);
    // Through the operand that is the sum so far: the one that leads on and that nobody else has.
    Instruction* before = nullptr;
    for (llvm::Value* operand : link->operands()) {
      auto* made = llvm::dyn_cast<Instruction>(operand);
      if (!made || made->getParent() != &block || made->getType() != sum.getType()) continue;
      const bool same =
          made == &sum || (made->getOpcode() == link->getOpcode() &&
                           made->getNumOperands() == link->getNumOperands() && made->hasOneUse());
      if (same) before = made;
    }
    link = before;
    if (!link) return {};
  }
  std::reverse(links.begin(), links.end());
  return links;
}

bool may_move(const Instruction& instruction) {
  if (instruction.mayWriteToMemory() || instruction.mayHaveSideEffects()) return false;
  const auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
  return !load || load->isSimple();
}

bool order(BasicBlock& block, unsigned registers) {
  llvm::SmallVector<Chain, 32> chains;
  std::size_t terms = 0, sums = 0;
  for (llvm::PHINode& phi : block.phis()) {
    if (!phi.getType()->isVectorTy()) continue;
    ++sums;
    Chain links = chain_of(phi, block);
    terms += links.size();
    if (links.size() > 1) chains.push_back(std::move(links));
  }
  if (sums + kOthers <= registers || terms < 2 * chains.size() || chains.size() < 2) return false;
  for (const Instruction& one : block)
    if (!llvm::isa<llvm::PHINode>(one) && !one.isTerminator() && !may_move(one)) return false;
  llvm::sort(chains,
             [](const Chain& a, const Chain& b) { return a.front()->comesBefore(b.front()); });
  llvm::DenseSet<const Instruction*> placed;
  Instruction* end = block.getTerminator();
  // What an instruction needs comes right before it.
  llvm::SmallVector<Instruction*, 32> todo;
  const auto place = [&](Instruction* wanted) {
    todo.push_back(wanted);
    while (!todo.empty()) {
      Instruction* one = todo.back();
      bool ready = true;
      if (!placed.contains(one))
        for (llvm::Value* operand : one->operands()) {
          auto* made = llvm::dyn_cast<Instruction>(operand);
          if (!made || made->getParent() != &block || llvm::isa<llvm::PHINode>(made) ||
              placed.contains(made))
            continue;
          todo.push_back(made);
          ready = false;
        }
      if (!ready) continue;
      todo.pop_back();
      if (placed.insert(one).second) one->moveBefore(end);
    }
  };
  llvm::SmallVector<Instruction*, 64> rest;
  for (Instruction& one : block)
    if (!llvm::isa<llvm::PHINode>(one) && !one.isTerminator()) rest.push_back(&one);
  const std::size_t in_turn = registers >= kLeastForTurns ? kInTurn : 1;
  for (std::size_t first = 0; first < chains.size(); first += in_turn) {
    const auto some = llvm::ArrayRef(chains).slice(first, std::min(in_turn, chains.size() - first));
    bool more = true;
    for (std::size_t i = 0; more; ++i) {
      more = false;
      for (const Chain& chain : some)
        if (i < chain.size()) {
          place(chain[i]);
          more = true;
        }
    }
  }
  for (Instruction* one : rest) place(one);
  return true;
}

}  // namespace

llvm::PreservedAnalyses ChainsPass::run(llvm::Function& function,
                                        llvm::FunctionAnalysisManager& /*analyses*/) {
  bool changed = false;
  for (BasicBlock& block : function)
    if (llvm::is_contained(llvm::successors(&block), &block)) changed |= order(block, registers_);
  if (!changed) return llvm::PreservedAnalyses::all();
  function.addFnAttr(kOrdered);
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
