// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Functions that are shared: of the kernel's context, the workgroup, the pass, and a frame in
// memory with the mask, the inputs and the outputs, each as vectors of all chunks.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

namespace {

constexpr unsigned kFrameArgument = 6;

// As a place in the frame: bools are bytes, and halves integers, which need no instructions.
LlvmType* frame_type(LlvmType* vector) {
  if (vector->getScalarType()->isHalfTy())
    return vector->getWithNewType(llvm::Type::getInt16Ty(vector->getContext()));
  return vector->getScalarType()->isIntegerTy(1) ? vector->getWithNewBitWidth(8) : vector;
}

}  // namespace

// Where the leaves of values of these types lie from `at` on.
std::vector<std::uint64_t> Emitter::frame_places(const std::vector<Id>& types, std::uint64_t& at) {
  std::vector<std::uint64_t> places;
  for (Id type : types) {
    places.push_back(at);
    std::vector<Id> leaves;
    leaf_types(*p_.module, type, leaves);
    for (Id leaf : leaves) at += frame_cell(scalar_type(leaf)) * g_.chunks;
  }
  return places;
}

std::uint64_t Emitter::frame_cell(LlvmType* scalar) const {
  return std::uint64_t{64} * ((scalar->getPrimitiveSizeInBits() + 31) / 32);
}

LlvmValue* Emitter::frame_place(LlvmValue* frame, std::uint64_t at) {
  return b_.CreateConstGEP1_64(b_.getInt8Ty(), frame, at);
}

void Emitter::write_frame(LlvmValue* frame, std::uint64_t at, const Leaves& value) {
  for (const Val& leaf : value)
    for (unsigned c = 0; c < g_.chunks; ++c) {
      LlvmValue* v = vector_of(leaf, c);
      LlvmType* scalar = v->getType()->getScalarType();
      LlvmType* stored = frame_type(v->getType());
      if (stored != v->getType())
        v = scalar->isHalfTy() ? b_.CreateBitCast(v, stored) : b_.CreateZExt(v, stored);
      b_.CreateAlignedStore(v, frame_place(frame, at), llvm::Align(64));
      at += frame_cell(scalar);
    }
}

Leaves Emitter::read_frame(LlvmValue* frame, std::uint64_t at, Id type) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  Leaves out;
  for (Id one : types) out.push_back(read_frame_leaf(frame, at, scalar_type(one)));
  return out;
}

Val Emitter::read_frame_leaf(LlvmValue* frame, std::uint64_t& at, LlvmType* scalar) {
  Val value;
  value.s = Shape::varying(g_.chunks > 1);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmType* stored = frame_type(wide(scalar));
    LlvmValue* v = b_.CreateAlignedLoad(stored, frame_place(frame, at), llvm::Align(64));
    if (scalar->isHalfTy())
      v = b_.CreateBitCast(v, wide(scalar));
    else if (stored != wide(scalar))
      v = b_.CreateICmpNE(v, llvm::Constant::getNullValue(stored));
    value.v.push_back(v);
    at += frame_cell(scalar);
  }
  return value;
}

// ---- The caller -----------------------------------------------------------------------------

void Emitter::emit_call(const Inst& inst) {
  const auto found = shared_->find(inst.args[0]);
  if (found == shared_->end()) {
    internal_error(fmt::format("function {} is not there", p_.module->describe(inst.args[0])));
    return;
  }
  const SharedFunction& callee = found->second;
  settle_held();
  LlvmValue*& frame = frames_[inst.args[0]];
  if (!frame) {
    llvm::IRBuilder<> top(entry_, entry_->begin());
    auto* type = llvm::ArrayType::get(top.getInt8Ty(), callee.frame_size);
    auto* place = top.CreateAlloca(type);
    place->setAlignment(llvm::Align(64));
    llvm::IRBuilder<> after(entry_->getTerminator());
    LlvmType* row = llvm::FixedVectorType::get(b_.getInt64Ty(), 8);
    for (std::uint64_t at = 0; at < callee.frame_size; at += 64)
      after.CreateAlignedStore(llvm::Constant::getNullValue(row),
                               after.CreateConstGEP1_64(b_.getInt8Ty(), place, at),
                               llvm::Align(64));
    frame = place;
  }
  write_frame(frame, 0, {mask_});
  for (std::size_t i = 0; i + 1 < inst.args.size(); ++i)
    write_frame(frame, callee.inputs[i], get(inst.args[i + 1]));
  b_.CreateCall(callee.function,
                {context_, scratch_, group_id_[0], group_id_[1], group_id_[2], pass_, frame});
  called_ = &callee;
  called_frame_ = frame;
}

// Behind the call, with nothing between.
void Emitter::emit_call_result(const Inst& inst) {
  if (!called_) {
    internal_error("a result comes from no call");
    return;
  }
  set(inst.id, read_frame(called_frame_, called_->outputs[inst.args[0]], inst.type));
}

// ---- The function ---------------------------------------------------------------------------

void Emitter::emit_parameter(const Inst& inst) {
  set(inst.id, read_frame(fn_->getArg(kFrameArgument), own_.inputs[inst.args[0]], inst.type));
}

void Emitter::emit_return(const Inst& inst) {
  for (std::size_t i = 0; i < inst.args.size(); ++i)
    write_frame(fn_->getArg(kFrameArgument), own_.outputs[i], get(inst.args[i]));
}

Result<SharedFunction> Emitter::emit_shared(const std::string& name, const Signature& signature) {
  LlvmType *pointer = b_.getPtrTy(), *i32 = b_.getInt32Ty();
  auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                       {pointer, pointer, i32, i32, i32, i32, pointer}, false);
  fn_ = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, m_);
  fn_->addFnAttr(llvm::Attribute::NoInline);
  context_ = fn_->getArg(0);
  scratch_ = fn_->getArg(1);
  begin_body();
  own_.function = fn_;
  own_.frame_size = frame_cell(b_.getInt1Ty()) * g_.chunks;
  own_.inputs = frame_places(signature.inputs, own_.frame_size);
  own_.outputs = frame_places(signature.outputs, own_.frame_size);
  plan_regions();
  place_workgroup_variables();
  scratch_size_ = std::max(scratch_size_, scratch_base_);
  declare_private();
  plan_slots();
  for (unsigned d = 0; d < 3; ++d) group_id_[d] = fn_->getArg(2 + d);
  load_group_counts();
  pass_ = fn_->getArg(5);
  open_scope();
  if (g_.lanes() == 1) {
    entry_mask_ = constant_val(b_.getTrue());
  } else {
    std::uint64_t at = 0;
    entry_mask_ = read_frame_leaf(fn_->getArg(kFrameArgument), at, b_.getInt1Ty());
  }
  emit_pass();
  jump(leave_);
  choose_registers();
  if (failure_) return *failure_;
  return own_;
}

}  // namespace sokr::cpu
