// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Variables of LLVM functions that become values: random control flow is run before and after, by
// an evaluator of this test's own.
#include "compiler/codegen/variables.hpp"

#include <gtest/gtest.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace sokr::cpu::test {
namespace {

constexpr std::uint64_t kEnough = 1'000'000;

// A function, and calls that only the evaluator knows: `decide` chooses a way, `observe` notes a
// value.
struct Source {
  llvm::LLVMContext context;
  llvm::Module module{"test", context};
  llvm::IRBuilder<> builder{context};
  llvm::Type* word = llvm::Type::getInt32Ty(context);
  llvm::FunctionCallee decide = module.getOrInsertFunction("decide", word);
  llvm::FunctionCallee observe =
      module.getOrInsertFunction("observe", llvm::Type::getVoidTy(context), word);
  llvm::Function* function =
      llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getVoidTy(context), false),
                             llvm::GlobalValue::ExternalLinkage, "function", module);

  llvm::BasicBlock* block() { return llvm::BasicBlock::Create(context, "", function); }
  llvm::Value* constant(std::uint32_t value) { return llvm::ConstantInt::get(word, value); }
};

// What it observes, if ways are taken as the seed says, for up to 300 blocks.
std::vector<std::uint32_t> observed(llvm::Function& function, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::map<const llvm::Value*, std::uint32_t> values, memory;
  std::vector<std::uint32_t> seen;
  const auto value_of = [&](const llvm::Value* value) -> std::uint32_t {
    if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value))
      return static_cast<std::uint32_t>(constant->getZExtValue());
    if (llvm::isa<llvm::UndefValue>(value)) return 0;  // as memory that nobody wrote
    const auto found = values.find(value);
    EXPECT_NE(found, values.end()) << "a value is used before it is made";
    return found == values.end() ? 0 : found->second;
  };
  const llvm::BasicBlock* from = nullptr;
  const llvm::BasicBlock* block = &function.getEntryBlock();
  for (int blocks = 0; block && blocks < 300; ++blocks) {
    std::map<const llvm::Value*, std::uint32_t> merged;
    for (const llvm::PHINode& phi : block->phis())
      merged[&phi] = value_of(phi.getIncomingValueForBlock(from));
    for (const auto& [phi, value] : merged) values[phi] = value;
    for (const llvm::Instruction& instruction : *block) {
      if (const auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction)) {
        values[load] = memory[load->getPointerOperand()];
      } else if (const auto* store = llvm::dyn_cast<llvm::StoreInst>(&instruction)) {
        memory[store->getPointerOperand()] = value_of(store->getValueOperand());
      } else if (const auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction)) {
        if (call->arg_size())
          seen.push_back(value_of(call->getArgOperand(0)));
        else
          values[call] = random() % 4;
      } else if (instruction.getOpcode() == llvm::Instruction::Add) {
        values[&instruction] =
            value_of(instruction.getOperand(0)) + value_of(instruction.getOperand(1));
      }
    }
    from = block;
    const llvm::Instruction* end = block->getTerminator();
    if (const auto* choice = llvm::dyn_cast<llvm::SwitchInst>(end)) {
      const std::uint32_t chosen = value_of(choice->getCondition());
      block = choice->getDefaultDest();
      for (const auto& row : choice->cases())
        if (row.getCaseValue()->getZExtValue() == chosen) block = row.getCaseSuccessor();
    } else {
      block = end->getNumSuccessors() ? end->getSuccessor(0) : nullptr;
    }
  }
  return seen;
}

void promote(llvm::Function& function, std::uint64_t steps = kEnough) {
  llvm::FunctionAnalysisManager analyses;
  PromoteVariablesPass(steps).run(function, analyses);
  EXPECT_FALSE(llvm::verifyFunction(function, &llvm::errs()));
}

std::size_t instructions(const llvm::Function& function, unsigned opcode) {
  std::size_t found = 0;
  for (const llvm::Instruction& i : llvm::instructions(function)) found += i.getOpcode() == opcode;
  return found;
}

std::size_t accesses(const llvm::Function& function) {
  return instructions(function, llvm::Instruction::Load) +
         instructions(function, llvm::Instruction::Store);
}

// Blocks that lead anywhere, several times to one and to nowhere, some of which nobody gets to.
void fill_at_random(Source& source, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  llvm::IRBuilder<>& builder = source.builder;
  std::vector<llvm::BasicBlock*> blocks(3 + below(12));
  for (auto& block : blocks) block = source.block();
  std::vector<llvm::Value*> variables(1 + below(4));
  builder.SetInsertPoint(blocks[0]);
  for (auto& variable : variables) variable = builder.CreateAlloca(source.word);
  for (std::size_t n = 0; n < blocks.size(); ++n) {
    builder.SetInsertPoint(blocks[n]);
    llvm::Value* value = source.constant(static_cast<std::uint32_t>(n + 100));
    for (std::size_t left = below(6); left; --left) {
      llvm::Value* variable = variables[below(variables.size())];
      switch (below(4)) {
        case 0:
          value = builder.CreateLoad(source.word, variable);
          break;
        case 1:
          builder.CreateStore(value, variable);
          break;
        case 2:
          builder.CreateCall(source.observe, {value});
          break;
        default:
          value = builder.CreateAdd(value, source.constant(static_cast<std::uint32_t>(n + 1)));
      }
    }
    const auto any = [&] { return blocks[1 + below(blocks.size() - 1)]; };
    if (below(10) == 0) {
      builder.CreateRetVoid();
    } else {
      auto* choice = builder.CreateSwitch(builder.CreateCall(source.decide), any());
      for (std::uint32_t row = 0; row < 3; ++row)
        choice->addCase(llvm::cast<llvm::ConstantInt>(source.constant(row)), any());
    }
  }
}

TEST(Variables, BecomeTheSameValues) {
  std::size_t all_observed = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    Source source;
    fill_at_random(source, seed);
    std::vector<std::vector<std::uint32_t>> before;
    for (std::uint32_t way = 0; way < 10; ++way) before.push_back(observed(*source.function, way));
    promote(*source.function);
    EXPECT_EQ(accesses(*source.function), 0u) << seed;
    EXPECT_EQ(instructions(*source.function, llvm::Instruction::Alloca), 0u) << seed;
    for (std::uint32_t way = 0; way < 10; ++way) {
      EXPECT_EQ(observed(*source.function, way), before[way]) << "function " << seed;
      all_observed += before[way].size();
    }
  }
  EXPECT_GT(all_observed, 10'000u);
}

// entry -> head <-> body, head -> out: `kept` is read behind the loop, `counted` changes in it.
TEST(Variables, AreMergedWhereTheyDifferOnly) {
  Source source;
  llvm::IRBuilder<>& builder = source.builder;
  auto *entry = source.block(), *head = source.block(), *body = source.block(),
       *out = source.block();
  builder.SetInsertPoint(entry);
  auto* kept = builder.CreateAlloca(source.word);
  auto* counted = builder.CreateAlloca(source.word);
  builder.CreateStore(source.constant(5), kept);
  builder.CreateStore(source.constant(7), counted);
  builder.CreateBr(head);
  builder.SetInsertPoint(head);
  builder.CreateSwitch(builder.CreateCall(source.decide), body)
      ->addCase(llvm::cast<llvm::ConstantInt>(source.constant(0)), out);
  builder.SetInsertPoint(body);
  builder.CreateStore(builder.CreateLoad(source.word, kept), kept);
  builder.CreateStore(
      builder.CreateAdd(builder.CreateLoad(source.word, counted), source.constant(1)), counted);
  builder.CreateBr(head);
  builder.SetInsertPoint(out);
  builder.CreateCall(source.observe, {builder.CreateLoad(source.word, kept)});
  builder.CreateCall(source.observe, {builder.CreateLoad(source.word, counted)});
  builder.CreateRetVoid();
  const std::vector<std::uint32_t> before = observed(*source.function, 3);
  promote(*source.function);
  EXPECT_EQ(instructions(*source.function, llvm::Instruction::PHI), 1u);
  EXPECT_EQ(observed(*source.function, 3), before);
  EXPECT_EQ(before.front(), 5u);
}

// What is not one value, or would take more steps than are given, stays as it is.
TEST(Variables, StayWhereThatIsAskedFor) {
  Source source;
  llvm::IRBuilder<>& builder = source.builder;
  builder.SetInsertPoint(source.block());
  auto* parts = builder.CreateAlloca(llvm::ArrayType::get(source.word, 4));
  auto* half = builder.CreateAlloca(source.word);
  auto* seen = builder.CreateAlloca(source.word);
  auto* whole = builder.CreateAlloca(source.word);
  builder.CreateStore(source.constant(1),
                      builder.CreateConstInBoundsGEP2_32(parts->getAllocatedType(), parts, 0, 1));
  builder.CreateStore(builder.getInt16(1), half);
  builder.CreateStore(source.constant(2), seen, true);
  builder.CreateStore(source.constant(3), whole);
  std::vector<llvm::BasicBlock*> row{builder.GetInsertBlock()};
  for (int n = 0; n < 20; ++n) {
    row.push_back(source.block());
    builder.CreateBr(row.back());
    builder.SetInsertPoint(row.back());
  }
  builder.CreateCall(source.observe, {builder.CreateLoad(source.word, whole)});
  builder.CreateRetVoid();
  promote(*source.function, 10);
  EXPECT_EQ(instructions(*source.function, llvm::Instruction::Alloca), 4u);
  EXPECT_EQ(accesses(*source.function), 5u);
  promote(*source.function, 100);
  EXPECT_EQ(instructions(*source.function, llvm::Instruction::Alloca), 3u);
  EXPECT_EQ(observed(*source.function, 0), std::vector<std::uint32_t>{3});
}

}  // namespace
}  // namespace sokr::cpu::test
