// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/workgroup_memory.hpp"

#include <algorithm>

namespace sokr::cpu {

llvm::Value* WorkgroupMemory::base_of(Id variable) {
  llvm::Instruction*& base = bases_[variable];
  if (!base)
    base = llvm::GetElementPtrInst::CreateInBounds(b_.getInt8Ty(), frame_.scratch(),
                                                   {b_.getInt64(variables_.at(variable).offset)},
                                                   "workgroup", at_.entry->getTerminator());
  return base;
}

void WorkgroupMemory::place_workgroup_variables() {
  for (Id id : p_.entry->globals) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (!variable || variable->storage != spv::StorageClass::Workgroup) continue;
    std::uint64_t size = placed_size(*p_.module, workgroup_place(variable->pointee));
    const spirv::Type* type = p_.module->type(variable->pointee);
    // Blocks of one kernel share one memory (explicit workgroup layout).
    bool block = type && type->block;
    if (block && block_size_) {
      variables_[id] = {block_offset_, size};
      continue;
    }
    if (block) {
      for (Id other : p_.entry->globals) {
        const spirv::Variable* v = p_.module->variable(other);
        if (v && v->storage == spv::StorageClass::Workgroup)
          block_size_ = std::max(block_size_, placed_size(*p_.module, workgroup_place(v->pointee)));
      }
      block_offset_ = frame_.reserve_scratch(block_size_);
      variables_[id] = {block_offset_, size};
      continue;
    }
    variables_[id] = {frame_.reserve_scratch(size), size};
  }
}

void WorkgroupMemory::zero_workgroup_memory() {
  for (const auto& [id, place] : variables_) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (!variable || !variable->initializer) continue;
    std::uint64_t vectors = (place.size + 63) / 64;
    LlvmType* type = llvm::FixedVectorType::get(b_.getInt64Ty(), 8);
    BasicBlock* before = b_.GetInsertBlock();
    BasicBlock* loop = BasicBlock::Create(cx_, "zero", at_.function);
    BasicBlock* done = BasicBlock::Create(cx_, "zeroed", at_.function);
    branches_.jump(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    LlvmValue* at = b_.CreateAdd(b_.CreateMul(i, b_.getInt64(64)), b_.getInt64(place.offset));
    b_.CreateAlignedStore(llvm::Constant::getNullValue(type),
                          b_.CreateGEP(b_.getInt8Ty(), frame_.scratch(), at), llvm::Align(64),
                          true);
    LlvmValue* next = b_.CreateAdd(i, b_.getInt64(1));
    i->addIncoming(b_.getInt64(0), before);
    i->addIncoming(next, loop);
    branches_.branch(b_.CreateICmpULT(next, b_.getInt64(vectors)), loop, done);
    b_.SetInsertPoint(done);
  }
}

}  // namespace sokr::cpu
