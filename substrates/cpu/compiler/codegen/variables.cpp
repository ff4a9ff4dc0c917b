// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/variables.hpp"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <utility>
#include <vector>

namespace sokr::cpu {
namespace {

using llvm::AllocaInst;
using llvm::BasicBlock;
using llvm::Instruction;
using llvm::LoadInst;
using llvm::PHINode;
using llvm::StoreInst;
using llvm::Value;

// Its loads and stores take it as a whole.
bool is_one_value(const AllocaInst& variable) {
  if (variable.isArrayAllocation()) return false;
  const llvm::Type* type = variable.getAllocatedType();
  return llvm::all_of(variable.users(), [&](const llvm::User* user) {
    if (const auto* load = llvm::dyn_cast<LoadInst>(user))
      return load->isSimple() && load->getType() == type;
    const auto* store = llvm::dyn_cast<StoreInst>(user);
    return store && store->isSimple() && store->getValueOperand() != &variable &&
           store->getValueOperand()->getType() == type;
  });
}

// The blocks, each with a number: of what leads to a block, only what comes
// back to it in a loop has a greater one.
class Blocks {
 public:
  explicit Blocks(llvm::Function& function) {
    const llvm::ReversePostOrderTraversal<llvm::Function*> order(&function);
    for (BasicBlock* block : order) {
      numbers_.try_emplace(block, static_cast<std::uint32_t>(blocks_.size()));
      blocks_.push_back(block);
    }
    begins_.reserve(blocks_.size() + 1);
    for (BasicBlock* block : blocks_) {
      begins_.push_back(static_cast<std::uint32_t>(before_.size()));
      for (BasicBlock* from : llvm::predecessors(block)) before_.push_back(number_of(*from));
    }
    begins_.push_back(static_cast<std::uint32_t>(before_.size()));
  }
  std::size_t size() const { return blocks_.size(); }
  std::uint32_t number_of(const BasicBlock& block) const { return numbers_.lookup(&block); }
  BasicBlock& at(std::uint32_t number) const { return *blocks_[number]; }
  // Once for each edge.
  llvm::ArrayRef<std::uint32_t> before(std::uint32_t number) const {
    return llvm::ArrayRef(before_).slice(begins_[number], begins_[number + 1] - begins_[number]);
  }

 private:
  std::vector<BasicBlock*> blocks_;
  llvm::DenseMap<const BasicBlock*, std::uint32_t> numbers_;
  std::vector<std::uint32_t> before_, begins_;
};

struct Access {
  std::uint32_t block;
  Instruction* at;
};

// Of one variable after the other.
class Promotion {
 public:
  Promotion(const Blocks& blocks, std::uint64_t steps)
      : blocks_(blocks), steps_(steps), states_(blocks.size()) {}

  // Leaves it as it is if that would take more steps than are left.
  void promote(AllocaInst& variable, llvm::ArrayRef<Access> accesses) {
    ++round_;
    lives_in_.clear();
    phis_.clear();
    replaced_.clear();
    for (const Access& access : accesses) {
      State& block = state(access.block);
      if (auto* store = llvm::dyn_cast<StoreInst>(access.at))
        block.last = store;
      else if (!block.last)
        enters(access.block);
    }
    if (!find_where_it_lives()) return;
    place_phis(*variable.getAllocatedType());
    replace_loads(accesses);
    for (const auto& [phi, block] : phis_)
      for (BasicBlock* from : llvm::predecessors(&blocks_.at(block)))
        phi->addIncoming(value_behind(blocks_.number_of(*from)), from);
    drop_phis_of_one_value();
    for (const Access& access : accesses) access.at->eraseFromParent();
    variable.eraseFromParent();
  }

 private:
  struct State {
    std::uint32_t round = 0;
    bool lives_in = false;      // what it has where the block begins is asked for
    StoreInst* last = nullptr;  // of the block
    Value* value = nullptr;     // what it has where the block begins, if it lives there
  };

  State& state(std::uint32_t block) {
    State& of_block = states_[block];
    if (of_block.round != round_) of_block = {round_};
    return of_block;
  }
  void enters(std::uint32_t block) {
    if (std::exchange(state(block).lives_in, true)) return;
    lives_in_.push_back(block);
  }

  bool find_where_it_lives() {
    std::uint64_t steps = 0;
    for (std::size_t next = 0; next < lives_in_.size(); ++next) {
      const llvm::ArrayRef<std::uint32_t> before = blocks_.before(lives_in_[next]);
      steps += 1 + before.size();
      if (steps > steps_) return false;
      for (std::uint32_t from : before)
        if (!state(from).last) enters(from);
    }
    steps_ -= steps;
    return true;
  }

  // A load that is replaced while values are noted stands for what it was replaced by.
  Value* now(Value* value) const {
    for (auto found = replaced_.find(value); found != replaced_.end();
         found = replaced_.find(value))
      value = found->second;
    return value;
  }
  Value* value_behind(std::uint32_t block) {
    const State& of_block = state(block);
    return now(of_block.last ? of_block.last->getValueOperand() : of_block.value);
  }

  // Where a loop begins the value that comes back is not known yet: a phi, which goes again if
  // nothing in the loop stores another one.
  void place_phis(llvm::Type& type) {
    llvm::sort(lives_in_);
    for (std::uint32_t block : lives_in_) {
      Value* value = nullptr;
      bool is_one = true;
      for (std::uint32_t from : blocks_.before(block)) {
        Value* behind = from < block || state(from).last ? value_behind(from) : nullptr;
        is_one &= behind && (!value || value == behind);
        value = behind;
      }
      if (blocks_.before(block).empty()) {
        value = llvm::UndefValue::get(&type);
      } else if (!is_one) {
        BasicBlock& at = blocks_.at(block);
        PHINode* phi = PHINode::Create(&type, static_cast<unsigned>(blocks_.before(block).size()));
        phi->insertBefore(at, at.begin());
        phis_.emplace_back(phi, block);
        value = phi;
      }
      state(block).value = value;
    }
  }

  void replace_loads(llvm::ArrayRef<Access> accesses) {
    // Within a block the accesses are in their order.
    std::uint32_t block = UINT32_MAX;
    Value* value = nullptr;
    for (const Access& access : accesses) {
      if (access.block != block) value = state(block = access.block).value;
      if (auto* store = llvm::dyn_cast<StoreInst>(access.at)) {
        value = store->getValueOperand();
      } else {
        access.at->replaceAllUsesWith(now(value));
        replaced_.try_emplace(access.at, now(value));
      }
    }
  }

  void drop_phis_of_one_value() {
    llvm::SmallDenseMap<PHINode*, bool, 8> waits;  // those that are left
    llvm::SmallVector<PHINode*, 8> work;
    for (const auto& [phi, block] : phis_) {
      waits.try_emplace(phi, true);
      work.push_back(phi);
    }
    while (!work.empty()) {
      PHINode* phi = work.pop_back_val();
      waits[phi] = false;
      Value* value = nullptr;
      bool is_one = true;
      for (Value* incoming : phi->incoming_values()) {
        if (incoming == phi) continue;
        is_one &= !value || value == incoming;
        value = incoming;
      }
      if (!is_one) continue;
      for (llvm::User* user : phi->users()) {
        auto* other = llvm::dyn_cast<PHINode>(user);
        if (!other || other == phi) continue;
        if (auto found = waits.find(other); found != waits.end() && !found->second) {
          found->second = true;
          work.push_back(other);
        }
      }
      phi->replaceAllUsesWith(value ? value : llvm::UndefValue::get(phi->getType()));
      waits.erase(phi);
      phi->eraseFromParent();
    }
  }

  const Blocks& blocks_;
  std::uint64_t steps_;
  std::uint32_t round_ = 0;
  std::vector<State> states_;
  llvm::SmallVector<std::uint32_t, 32> lives_in_;
  llvm::SmallVector<std::pair<PHINode*, std::uint32_t>, 8> phis_;
  llvm::DenseMap<Value*, Value*> replaced_;
};

}  // namespace

llvm::PreservedAnalyses PromoteVariablesPass::run(llvm::Function& function,
                                                  llvm::FunctionAnalysisManager&) {
  llvm::DenseMap<const Value*, std::size_t> numbers;
  llvm::SmallVector<AllocaInst*, 32> variables;
  for (Instruction& instruction : function.getEntryBlock()) {
    auto* variable = llvm::dyn_cast<AllocaInst>(&instruction);
    if (!variable || !is_one_value(*variable)) continue;
    numbers.try_emplace(variable, variables.size());
    variables.push_back(variable);
  }
  if (variables.empty()) return llvm::PreservedAnalyses::all();
  llvm::EliminateUnreachableBlocks(function);
  const Blocks blocks(function);
  std::vector<llvm::SmallVector<Access, 4>> accesses(variables.size());
  for (std::uint32_t block = 0; block < blocks.size(); ++block)
    for (Instruction& instruction : blocks.at(block))
      if (const Value* place = llvm::getLoadStorePointerOperand(&instruction))
        if (const auto found = numbers.find(place); found != numbers.end())
          accesses[found->second].push_back({block, &instruction});
  Promotion promotion(blocks, most_steps_);
  for (std::size_t n = 0; n < variables.size(); ++n) promotion.promote(*variables[n], accesses[n]);
  return llvm::PreservedAnalyses::none();
}

}  // namespace sokr::cpu
