// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/frame.hpp"

#include <spirv/unified1/GLSL.std.450.h>

#include <sokr/spirv/reflection.hpp>

#include "compiler/program/support.hpp"

namespace sokr::cpu {

namespace {

// Bytes of a row that is kept apart from the next: shorter ones of a kernel's values share few
// sets.
constexpr std::uint64_t kLongRow = 512;

// Little but copies: no loops, and few operations for each access to a buffer. Such a kernel waits
// for memory.
bool only_streams(const Program& program) {
  constexpr std::size_t kMostPerAccess = 2;
  std::size_t accesses = 0, operations = 0;
  for (const Construct& construct : program.constructs)
    if (construct.kind == ConstructKind::kLoop) return false;
  for (const Block& block : program.blocks)
    for (const Inst& inst : block.body) switch (handler_of(inst.op)) {
        case Handler::kNothing:
        case Handler::kPointer:
        case Handler::kComposite:
          break;
        case Handler::kArithmetic:
          ++operations;
          break;
        case Handler::kExtension:
          if (inst.args[1] != GLSLstd450Fma) return false;
          ++operations;
          break;
        case Handler::kMemory: {
          const spirv::Variable* variable =
              inst.args.empty() ? nullptr
                                : program.module->variable(root_of(program, inst.args[0]));
          if (variable && variable->storage == spv::StorageClass::Workgroup) return false;
          if (variable && (variable->storage == spv::StorageClass::StorageBuffer ||
                           variable->storage == spv::StorageClass::Uniform))
            ++accesses;
          break;
        }
        default:
          return false;
      }
  return accesses != 0 && operations <= kMostPerAccess * accesses;
}

std::uint64_t key_of_binding(std::uint32_t set, std::uint32_t binding) {
  return std::uint64_t{set} << 32 | binding;
}
std::uint64_t key_of_variable(Id variable) {
  return UINT64_MAX - variable;
}

}  // namespace

// How wide registers are that LLVM may use. At memory speed, two accesses of 32 bytes take 5 to 10
// % less time than one of 64 (Zen 4, a copy with one operation on 128 MiB). Not where the width is
// part of what other functions or the processor's own operations take.
void Frame::choose_registers() {
  const bool alone = llvm::none_of(m_, [&](const llvm::Function& other) {
    return &other != at_.function &&
           (!other.isIntrinsic() || other.getName().starts_with("llvm.x86."));
  });
  unsigned bits = t_.vector_bits();
  if (alone && only_streams(p_)) bits = std::min(bits, 256u);
  at_.function->addFnAttr("prefer-vector-width", std::to_string(bits));
  at_.function->addFnAttr("min-legal-vector-width", std::to_string(bits));
  // A register that finds no place is written to the stack and read again: where the stack is
  // aligned to 16 bytes only, most of those accesses touch two cache lines.
  at_.function->addFnAttr(llvm::Attribute::getWithStackAlignment(cx_, llvm::Align(bits / 8)));
}

void Frame::begin_function() {
  LlvmType* pointer = b_.getPtrTy();
  auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                       {pointer, b_.getInt32Ty(), b_.getInt32Ty(), pointer}, false);
  at_.function =
      llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, "sokr_kernel", m_);
  for (unsigned i : {0u, 3u}) at_.function->addParamAttr(i, llvm::Attribute::NoAlias);
  begin_body(at_.function->getArg(0), at_.function->getArg(3));
}

void Frame::begin_body(LlvmValue* context, LlvmValue* scratch) {
  context_ = context;
  scratch_ = scratch;
  at_.function->setDoesNotThrow();
  at_.function->addFnAttr("no-builtins");
  at_.entry = BasicBlock::Create(cx_, "entry", at_.function);
  at_.leave = BasicBlock::Create(cx_, "return", at_.function);
  BasicBlock* start = BasicBlock::Create(cx_, "start", at_.function);
  b_.SetInsertPoint(at_.entry);
  b_.CreateBr(start);
  b_.SetInsertPoint(at_.leave);
  b_.CreateRetVoid();
  b_.SetInsertPoint(start);
  auto* zeros = llvm::ConstantAggregateZero::get(llvm::ArrayType::get(b_.getInt64Ty(), kZeros / 8));
  auto* global = new llvm::GlobalVariable(m_, zeros->getType(), true,
                                          llvm::GlobalValue::InternalLinkage, zeros, "zeros");
  global->setAlignment(llvm::Align(64));
  zeros_ = global;

  const ir::EntryReflection reflection = spirv::reflect_entry(*p_.module, *p_.entry);
  push_size_ = reflection.push_constant_size;
  llvm::MDBuilder md(cx_);
  if (o_.assume_no_alias) alias_domain_ = md.createAnonymousAliasScopeDomain("memory");
  auto add_scope = [&](std::uint64_t key) {
    if (!alias_domain_) return;
    scope_of_key_[key] = static_cast<int>(alias_scopes_.size());
    alias_scopes_.push_back(md.createAnonymousAliasScope(llvm::cast<llvm::MDNode>(alias_domain_)));
  };
  for (const auto& binding : reflection.bindings) {
    bool aliased = false;
    for (Id id : p_.entry->globals) {
      const spirv::Variable* variable = p_.module->variable(id);
      if (!variable->has_binding || variable->set != binding.set ||
          variable->binding != binding.binding)
        continue;
      first_binding_[id] = binding_count_;
      if (binding.count == 0) runtime_bindings_.insert(id);
      aliased |= variable->aliased;
    }
    if (!aliased && binding.count == 1) add_scope(key_of_binding(binding.set, binding.binding));
    binding_count_ += std::max(1u, binding.count);
  }
  for (Id id : p_.entry->globals) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (variable && variable->storage == spv::StorageClass::Workgroup && !variable->aliased)
      add_scope(key_of_variable(id));
  }
}

LlvmValue* Frame::context_field(std::uint64_t offset, LlvmType* type, const char* name) {
  auto it = context_fields_.find(name);
  if (it != context_fields_.end()) return it->second;
  llvm::IRBuilder<>::InsertPointGuard place(b_);
  b_.SetInsertPoint(at_.entry->getTerminator());
  auto* load = b_.CreateLoad(type, b_.CreateConstGEP1_64(b_.getInt8Ty(), context_, offset), name);
  load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(cx_, {}));
  if (offset == offsetof(KernelContext, push_constants) && push_size_) {
    // So that its members may be read ahead of a loop.
    auto* bytes = llvm::ConstantAsMetadata::get(b_.getInt64(push_size_));
    load->setMetadata(llvm::LLVMContext::MD_dereferenceable, llvm::MDNode::get(cx_, {bytes}));
    // Else LLVM may not read ahead of a branch, and nothing that comes of them leaves a loop.
    llvm::Metadata* align = llvm::ConstantAsMetadata::get(b_.getInt64(4));
    load->setMetadata(llvm::LLVMContext::MD_align, llvm::MDNode::get(cx_, {align}));
  }
  return context_fields_[name] = load;
}

// Where lanes write that do not take part.
LlvmValue* Frame::dump_place() {
  if (!dump_) {
    llvm::IRBuilder<> at(at_.entry, at_.entry->begin());
    auto* place = at.CreateAlloca(at.getInt64Ty());
    place->setAlignment(llvm::Align(8));
    dump_ = place;
  }
  return dump_;
}

std::uint64_t Frame::reserve_scratch(std::uint64_t bytes) {
  std::uint64_t at = scratch_size_;
  scratch_size_ += (bytes + 63) & ~UINT64_C(63);
  return at;
}

std::uint64_t Frame::reserve_row(std::uint64_t bytes) {
  const std::uint64_t at = reserve_scratch(bytes);
  if (bytes >= kLongRow) scratch_size_ += 64;
  return at;
}

void Frame::reserve_scratch_below(std::uint64_t end) {
  scratch_size_ = std::max(scratch_size_, end);
}

// ---- What LLVM is told of memory that does not overlap -----------------------------------------

std::optional<int> Frame::scope_of(std::uint64_t key) const {
  const auto found = scope_of_key_.find(key);
  return found == scope_of_key_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<int> Frame::scope_of_binding(std::uint32_t set, std::uint32_t binding) const {
  return scope_of(key_of_binding(set, binding));
}

std::optional<int> Frame::scope_of_variable(Id variable) const {
  return scope_of(key_of_variable(variable));
}

void Frame::annotate_scope(llvm::Instruction& access, int scope) const {
  if (scope < 0 || !alias_domain_) return;
  llvm::SmallVector<llvm::Metadata*, 8> others;
  for (std::size_t i = 0; i < alias_scopes_.size(); ++i)
    if (static_cast<int>(i) != scope) others.push_back(alias_scopes_[i]);
  access.setMetadata(llvm::LLVMContext::MD_alias_scope,
                     llvm::MDNode::get(cx_, {alias_scopes_[static_cast<std::size_t>(scope)]}));
  access.setMetadata(llvm::LLVMContext::MD_noalias, llvm::MDNode::get(cx_, others));
}

}  // namespace sokr::cpu
