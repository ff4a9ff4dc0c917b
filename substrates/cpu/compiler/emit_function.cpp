// SPDX-License-Identifier: MIT OR Apache-2.0
#include <spirv/unified1/GLSL.std.450.h>

#include <sokr/spirv/reflection.hpp>
#include <string>

#include "compiler/emitter.hpp"
#include "compiler/support.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

namespace {

constexpr std::uint64_t kContextGroupCount = offsetof(KernelContext, group_count);
constexpr std::uint64_t kContextBaseGroup = offsetof(KernelContext, base_group);
constexpr std::uint64_t kContextAbort = offsetof(KernelContext, abort);

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

}  // namespace

Emitter::Emitter(llvm::Module& module, const Program& program, const Analysis& analysis,
                 const Geometry& geometry, const CompileOptions& options,
                 const TargetTraits& target)
    : m_(module),
      cx_(module.getContext()),
      b_(module.getContext()),
      p_(program),
      a_(analysis),
      g_(geometry),
      ranges_(program, analysis, geometry),
      neighbours_(program, analysis, options.assume_no_alias),
      o_(options),
      t_(target),
      bound_(program.module->bound()) {
  mask_known_.assign(p_.blocks.size(), false);
  for (std::size_t c = 0; c < p_.constructs.size(); ++c)
    if (!a_.escapes[c] && p_.constructs[c].merge < mask_known_.size())
      mask_known_[p_.constructs[c].merge] = true;
}

Result<void> Emitter::emit() {
  begin_function();
  plan_regions();
  place_workgroup_variables();
  scratch_size_ = std::max(scratch_size_, scratch_base_);
  declare_private();
  plan_slots();
  if (!p_.has_calls) plan_counters();
  emit_groups();
  add_counters();
  define_half_conversions();
  choose_registers();
  if (failure_) return *failure_;
  return {};
}

// How wide registers are that LLVM may use. At memory speed, two accesses of 32 bytes take 5 to 10
// % less time than one of 64 (Zen 4, a copy with one operation on 128 MiB). Not where the width is
// part of what other functions or the processor's own operations take.
void Emitter::choose_registers() {
  const bool alone = llvm::none_of(m_, [&](const llvm::Function& other) {
    return &other != fn_ && (!other.isIntrinsic() || other.getName().starts_with("llvm.x86."));
  });
  unsigned bits = t_.isa == Isa::kAvx512 ? 512 : t_.isa == Isa::kAvx2 ? 256 : 128;
  if (alone && only_streams(p_)) bits = std::min(bits, 256u);
  fn_->addFnAttr("prefer-vector-width", std::to_string(bits));
  fn_->addFnAttr("min-legal-vector-width", std::to_string(bits));
  // A register that finds no place is written to the stack and read again: where the stack is
  // aligned to 16 bytes only, most of those accesses touch two cache lines.
  fn_->addFnAttr(llvm::Attribute::getWithStackAlignment(cx_, llvm::Align(bits / 8)));
}

void Emitter::begin_function() {
  LlvmType* pointer = b_.getPtrTy();
  auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                       {pointer, b_.getInt32Ty(), b_.getInt32Ty(), pointer}, false);
  fn_ = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, "sokr_kernel", m_);
  for (unsigned i : {0u, 3u}) fn_->addParamAttr(i, llvm::Attribute::NoAlias);
  context_ = fn_->getArg(0);
  scratch_ = fn_->getArg(3);
  begin_body();
}

// What the kernel and shared functions begin with.
void Emitter::begin_body() {
  fn_->setDoesNotThrow();
  fn_->addFnAttr("no-builtins");
  entry_ = BasicBlock::Create(cx_, "entry", fn_);
  leave_ = BasicBlock::Create(cx_, "return", fn_);
  BasicBlock* start = BasicBlock::Create(cx_, "start", fn_);
  b_.SetInsertPoint(entry_);
  jump(start);
  b_.SetInsertPoint(leave_);
  b_.CreateRetVoid();
  b_.SetInsertPoint(start);
  auto* zeros = llvm::ConstantAggregateZero::get(llvm::ArrayType::get(b_.getInt64Ty(), 32));
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
    scope_of_binding_[key] = static_cast<int>(alias_scopes_.size());
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
      aliased |= variable->aliased;
    }
    if (!aliased && binding.count == 1)
      add_scope(std::uint64_t{binding.set} << 32 | binding.binding);
    binding_count_ += std::max(1u, binding.count);
  }
  for (Id id : p_.entry->globals) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (variable && variable->storage == spv::StorageClass::Workgroup && !variable->aliased)
      add_scope(UINT64_MAX - id);
  }
}

LlvmValue* Emitter::context_field(std::uint64_t offset, LlvmType* type, const char* name) {
  auto it = context_fields_.find(name);
  if (it != context_fields_.end()) return it->second;
  llvm::IRBuilder<>::InsertPointGuard place(b_);
  b_.SetInsertPoint(entry_->getTerminator());
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

void Emitter::place_workgroup_variables() {
  for (Id id : p_.entry->globals) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (!variable || variable->storage != spv::StorageClass::Workgroup) continue;
    std::uint64_t size = placed_size(*p_.module, workgroup_place(variable->pointee));
    const spirv::Type* type = p_.module->type(variable->pointee);
    // Blocks of one kernel share one memory (explicit workgroup layout).
    bool block = type && type->block;
    if (block && block_workgroup_size_) {
      workgroup_[id] = {block_workgroup_offset_, size};
      continue;
    }
    if (block) {
      for (Id other : p_.entry->globals) {
        const spirv::Variable* v = p_.module->variable(other);
        if (v && v->storage == spv::StorageClass::Workgroup)
          block_workgroup_size_ =
              std::max(block_workgroup_size_, placed_size(*p_.module, workgroup_place(v->pointee)));
      }
      block_workgroup_offset_ = reserve_scratch(block_workgroup_size_);
      workgroup_[id] = {block_workgroup_offset_, size};
      continue;
    }
    workgroup_[id] = {reserve_scratch(size), size};
  }
}

void Emitter::zero_workgroup_memory() {
  for (const auto& [id, place] : workgroup_) {
    const spirv::Variable* variable = p_.module->variable(id);
    if (!variable || !variable->initializer) continue;
    std::uint64_t vectors = (place.second + 63) / 64;
    LlvmType* type = llvm::FixedVectorType::get(b_.getInt64Ty(), 8);
    BasicBlock* before = b_.GetInsertBlock();
    BasicBlock* loop = BasicBlock::Create(cx_, "zero", fn_);
    BasicBlock* done = BasicBlock::Create(cx_, "zeroed", fn_);
    jump(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    LlvmValue* at = b_.CreateAdd(b_.CreateMul(i, b_.getInt64(64)), b_.getInt64(place.first));
    b_.CreateAlignedStore(llvm::Constant::getNullValue(type),
                          b_.CreateGEP(b_.getInt8Ty(), scratch_, at), llvm::Align(64), true);
    LlvmValue* next = b_.CreateAdd(i, b_.getInt64(1));
    i->addIncoming(b_.getInt64(0), before);
    i->addIncoming(next, loop);
    branch(b_.CreateICmpULT(next, b_.getInt64(vectors)), loop, done);
    b_.SetInsertPoint(done);
  }
}

void Emitter::emit_abort_check() {
  LlvmValue* flag = context_field(kContextAbort, b_.getPtrTy(), "abort");
  auto* load = b_.CreateAlignedLoad(b_.getInt32Ty(), flag, llvm::Align(4));
  load->setAtomic(llvm::AtomicOrdering::Monotonic);
  BasicBlock* on = BasicBlock::Create(cx_, "on", fn_);
  branch(b_.CreateICmpEQ(load, b_.getInt32(0)), on, leave_,
         llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(on);
}

// Can the passes be the outer loop, and the workgroups of a run the inner one? A pass is then a
// piece of a row, and the runs walk along rows of memory.
bool Emitter::walks_rows() const {
  bool rows = g_.local[1] * g_.local[2] > 1 && g_.passes() > 1 &&
              (g_.local[0] % g_.lanes() == 0 || g_.lanes() % g_.local[0] == 0);
  return rows && !p_.has_barrier && workgroup_.empty();
}

void Emitter::load_group_counts() {
  static constexpr const char* kNames[] = {"groups_x", "groups_y", "groups_z"};
  for (unsigned d = 0; d < 3; ++d)
    group_count_[d] = context_field(kContextGroupCount + 4 * d, b_.getInt32Ty(), kNames[d]);
}

// Workgroups come in runs with one y and z, which are found by division once.
void Emitter::emit_groups() {
  constexpr std::uint32_t kLongestRun = 64;  // of which each pass goes along a row
  BasicBlock* start = b_.GetInsertBlock();
  BasicBlock* head = BasicBlock::Create(cx_, "runs", fn_);
  BasicBlock* body = BasicBlock::Create(cx_, "run", fn_);
  load_group_counts();
  static constexpr const char* kBaseNames[] = {"base_x", "base_y", "base_z"};
  std::array<LlvmValue*, 3> base{};
  for (unsigned d = 0; d < 3; ++d)
    base[d] = context_field(kContextBaseGroup + 4 * d, b_.getInt32Ty(), kBaseNames[d]);
  LlvmValue* end = fn_->getArg(2);
  zero_counters();
  start = b_.GetInsertBlock();
  jump(head);
  b_.SetInsertPoint(head);
  llvm::PHINode* group = b_.CreatePHI(b_.getInt32Ty(), 2, "group");
  group->addIncoming(fn_->getArg(1), start);
  branch(b_.CreateICmpULT(group, end), body, leave_);
  b_.SetInsertPoint(body);
  LlvmValue* row = b_.CreateUDiv(group, group_count_[0]);
  LlvmValue* first = b_.CreateSub(group, b_.CreateMul(row, group_count_[0]));
  LlvmValue* plane = b_.CreateUDiv(row, group_count_[1]);
  LlvmValue* in_plane = b_.CreateSub(row, b_.CreateMul(plane, group_count_[1]));
  group_id_[2] = b_.CreateAdd(plane, base[2]);
  group_id_[1] = b_.CreateAdd(in_plane, base[1]);
  auto least = [&](LlvmValue* a, LlvmValue* b) {
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, a, b);
  };
  LlvmValue* length = least(b_.CreateSub(end, group), b_.CreateSub(group_count_[0], first));
  const bool rows = walks_rows();
  if (rows) {
    length = least(length, b_.getInt32(kLongestRun));
    begin_pass_loop();
  }
  emit_run(b_.CreateAdd(first, base[0]), length, rows);
  if (rows) end_pass_loop();
  group->addIncoming(b_.CreateAdd(group, length), b_.GetInsertBlock());
  jump(head);
}

void Emitter::emit_run(LlvmValue* first, LlvmValue* length, bool one_pass) {
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "group", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "run_end", fn_);
  jump(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* x = b_.CreatePHI(b_.getInt32Ty(), 2, "group_x");
  x->addIncoming(first, before);
  emit_abort_check();
  group_start_ = b_.GetInsertBlock();
  group_id_[0] = x;
  zero_workgroup_memory();
  if (one_pass)
    emit_pass();
  else
    emit_passes();
  LlvmValue* next = b_.CreateAdd(x, b_.getInt32(1));
  x->addIncoming(next, b_.GetInsertBlock());
  forget_held();
  branch(b_.CreateICmpEQ(next, b_.CreateAdd(first, length)), done, loop);
  b_.SetInsertPoint(done);
}

void Emitter::emit_pass() {
  mask_ = entry_mask_;
  reset_private(true);
  reset_slots_of(kNone);
  emit_range(0);
}

void Emitter::emit_passes() {
  if (splits()) return emit_split_kernel();
  begin_pass_loop();
  emit_pass();
  end_pass_loop();
}

void Emitter::begin_pass_loop() {
  PassLoop& loop = pass_loop_;
  if (g_.passes() == 1) {
    pass_ = b_.getInt32(0);
  } else {
    BasicBlock* before = b_.GetInsertBlock();
    loop.head = BasicBlock::Create(cx_, "pass", fn_);
    jump(loop.head);
    b_.SetInsertPoint(loop.head);
    loop.counter = b_.CreatePHI(b_.getInt32Ty(), 2, "pass");
    loop.counter->addIncoming(b_.getInt32(0), before);
    pass_ = loop.counter;
  }
  loop.scope = open_scope();
  entry_mask_ = constant_val(b_.getTrue());
  if (g_.has_tail()) {
    Val index = lane_index();
    entry_mask_ = apply(Shape::varying(g_.chunks > 1), {&index}, [&](llvm::ArrayRef<LlvmValue*> v) {
      return b_.CreateICmpULT(v[0], integer_like(v[0]->getType(), g_.total()));
    });
  }
  mask_ = entry_mask_;
}

void Emitter::end_pass_loop() {
  close_scope(pass_loop_.scope);
  scopes_.pop_back();
  if (g_.passes() > 1) {
    put_kept_slots();
    LlvmValue* next = b_.CreateAdd(pass_, b_.getInt32(1));
    pass_loop_.counter->addIncoming(next, b_.GetInsertBlock());
    BasicBlock* after = BasicBlock::Create(cx_, "passes", fn_);
    branch(b_.CreateICmpULT(next, b_.getInt32(g_.passes())), pass_loop_.head, after);
    b_.SetInsertPoint(after);
  }
  pass_ = nullptr;
}

// ---- Builtins ------------------------------------------------------------------------------

LlvmValue* Emitter::pass_base() {
  return b_.CreateMul(pass_, b_.getInt32(g_.lanes()));
}

Val Emitter::lane_index() {
  Val out;
  out.s = Shape::linear(1, g_.chunks > 1 ? g_.width : 0, 1);
  out.v.push_back(pass_base());
  return out;
}

Val Emitter::local_id(unsigned dimension) {
  Shapes shapes = builtin_shapes(spv::BuiltIn::LocalInvocationId, g_);
  Shape shape = shapes[dimension];
  auto [sx, sy, sz] = g_.local;
  Val index = lane_index();
  return apply(shape, {&index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType();
    auto number = [&](std::uint32_t n) { return integer_like(type, n); };
    if (dimension == 0) return sy * sz == 1 ? v[0] : b_.CreateURem(v[0], number(sx));
    LlvmValue* row = b_.CreateUDiv(v[0], number(sx));
    if (dimension == 1) {
      if (sy == 1) return number(0);
      return sz == 1 ? row : b_.CreateURem(row, number(sy));
    }
    if (sz == 1) return number(0);
    return b_.CreateUDiv(v[0], number(sx * sy));
  });
}

Val Emitter::builtin_leaf(spv::BuiltIn builtin, std::uint32_t leaf) {
  Shapes shapes = builtin_shapes(builtin, g_);
  Shape shape = leaf < shapes.size() ? shapes[leaf] : canonical(Shape::varying(), g_);
  Val index = lane_index();
  auto of_index = [&](auto fn) {
    return apply(shape, {&index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      return fn(v[0], [&](std::uint64_t n) { return integer_like(v[0]->getType(), n); });
    });
  };
  std::uint32_t size = g_.subgroup;
  switch (builtin) {
    case spv::BuiltIn::LocalInvocationId:
      return local_id(leaf);
    case spv::BuiltIn::LocalInvocationIndex:
      return of_index([](LlvmValue* i, auto) { return i; });
    case spv::BuiltIn::GlobalInvocationId: {
      Val local = local_id(leaf);
      LlvmValue* first = b_.CreateMul(group_id_[leaf], b_.getInt32(g_.local[leaf]));
      return apply(shape, {&local}, [&](llvm::ArrayRef<LlvmValue*> v) {
        return b_.CreateAdd(v[0], splat_like(first, v[0]->getType()));
      });
    }
    case spv::BuiltIn::WorkgroupId:
      return constant_val(group_id_[leaf]);
    case spv::BuiltIn::NumWorkgroups:
      return constant_val(group_count_[leaf]);
    case spv::BuiltIn::WorkgroupSize:
      return constant_val(b_.getInt32(g_.local[leaf]));
    case spv::BuiltIn::SubgroupSize:
    case spv::BuiltIn::SubgroupMaxSize:
      return constant_val(b_.getInt32(size));
    case spv::BuiltIn::NumSubgroups:
      return constant_val(b_.getInt32((g_.total() + size - 1) / size));
    case spv::BuiltIn::SubgroupId:
      return of_index([&](LlvmValue* i, auto n) { return b_.CreateUDiv(i, n(size)); });
    case spv::BuiltIn::SubgroupLocalInvocationId:
      return of_index([&](LlvmValue* i, auto n) { return b_.CreateAnd(i, n(size - 1)); });
    case spv::BuiltIn::SubgroupEqMask:
    case spv::BuiltIn::SubgroupGeMask:
    case spv::BuiltIn::SubgroupGtMask:
    case spv::BuiltIn::SubgroupLeMask:
    case spv::BuiltIn::SubgroupLtMask:
      return of_index([&](LlvmValue* i, auto n) -> LlvmValue* {
        // Bits [begin, end) of the subgroup, of which this component has 32.
        LlvmValue* self = b_.CreateAnd(i, n(size - 1));
        LlvmValue* after = b_.CreateAdd(self, n(1));
        bool from_self =
            builtin == spv::BuiltIn::SubgroupEqMask || builtin == spv::BuiltIn::SubgroupGeMask;
        LlvmValue* begin = from_self                                 ? self
                           : builtin == spv::BuiltIn::SubgroupGtMask ? after
                                                                     : n(0);
        LlvmValue* end =
            builtin == spv::BuiltIn::SubgroupEqMask || builtin == spv::BuiltIn::SubgroupLeMask
                ? after
            : builtin == spv::BuiltIn::SubgroupLtMask ? self
                                                      : n(size);
        auto below = [&](LlvmValue* limit) {
          LlvmValue* count =
              b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, limit, n(leaf * 32));
          LlvmValue* whole = b_.CreateICmpUGE(count, n(32));
          LlvmValue* bits = b_.CreateSub(b_.CreateShl(n(1), b_.CreateAnd(count, n(31))), n(1));
          return b_.CreateSelect(whole, n(UINT32_MAX), bits);
        };
        return b_.CreateAnd(below(end), b_.CreateNot(below(begin)));
      });
    default:
      return constant_val(b_.getInt32(0));
  }
}

}  // namespace sokr::cpu
