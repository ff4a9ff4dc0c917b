// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/control/calls.hpp"

namespace sokr::cpu {

namespace {

// A shared function's arguments: context, scratch memory, the workgroup, the pass, the frame.
constexpr unsigned kGroupArgument = 2, kPassArgument = 5, kFrameArgument = 6;

// As a place in the frame: bools are bytes, and halves integers, which need no instructions.
LlvmType* frame_type(LlvmType* vector) {
  if (vector->getScalarType()->isHalfTy())
    return vector->getWithNewType(llvm::Type::getInt16Ty(vector->getContext()));
  return vector->getScalarType()->isIntegerTy(1) ? vector->getWithNewBitWidth(8) : vector;
}

}  // namespace

// Where the leaves of values of these types lie from `at` on.
std::vector<std::uint64_t> Calls::frame_places(const std::vector<Id>& types, std::uint64_t& at) {
  std::vector<std::uint64_t> places;
  for (Id type : types) {
    places.push_back(at);
    std::vector<Id> leaves;
    leaf_types(*p_.module, type, leaves);
    for (Id leaf : leaves) at += frame_cell(b_.scalar_type(leaf)) * g_.chunks;
  }
  return places;
}

std::uint64_t Calls::frame_cell(LlvmType* scalar) const {
  return std::uint64_t{64} * ((scalar->getPrimitiveSizeInBits() + 31) / 32);
}

LlvmValue* Calls::frame_place(LlvmValue* frame, std::uint64_t at) {
  return b_.CreateConstGEP1_64(b_.getInt8Ty(), frame, at);
}

void Calls::write_frame(LlvmValue* frame, std::uint64_t at, const Leaves& value) {
  for (const Val& leaf : value)
    for (unsigned c = 0; c < g_.chunks; ++c) {
      LlvmValue* v = b_.vector_of(leaf, c);
      LlvmType* scalar = v->getType()->getScalarType();
      LlvmType* stored = frame_type(v->getType());
      if (stored != v->getType())
        v = scalar->isHalfTy() ? b_.CreateBitCast(v, stored) : b_.CreateZExt(v, stored);
      b_.CreateAlignedStore(v, frame_place(frame, at), llvm::Align(64));
      at += frame_cell(scalar);
    }
}

Leaves Calls::read_frame(LlvmValue* frame, std::uint64_t at, Id type) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  Leaves out;
  for (Id one : types) out.push_back(read_frame_leaf(frame, at, b_.scalar_type(one)));
  return out;
}

Val Calls::read_frame_leaf(LlvmValue* frame, std::uint64_t& at, LlvmType* scalar) {
  Val value;
  value.s = Shape::varying(g_.chunks > 1);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmType* stored = frame_type(b_.wide(scalar));
    LlvmValue* v = b_.CreateAlignedLoad(stored, frame_place(frame, at), llvm::Align(64));
    if (scalar->isHalfTy())
      v = b_.CreateBitCast(v, b_.wide(scalar));
    else if (stored != b_.wide(scalar))
      v = b_.CreateICmpNE(v, llvm::Constant::getNullValue(stored));
    value.v.push_back(v);
    at += frame_cell(scalar);
  }
  return value;
}

// ---- The caller -----------------------------------------------------------------------------

void Calls::emit_call(const Inst& inst) {
  const auto found = shared_ ? shared_->find(inst.args[0]) : SharedFunctions::const_iterator();
  if (!shared_ || found == shared_->end()) {
    b_.internal_error(fmt::format("function {} is not there", p_.module->describe(inst.args[0])));
    return;
  }
  const SharedFunction& callee = found->second;
  cache_.settle_held();
  LlvmValue*& frame = frames_[inst.args[0]];
  if (!frame) {
    llvm::IRBuilder<> top(at_.entry, at_.entry->begin());
    auto* type = llvm::ArrayType::get(top.getInt8Ty(), callee.frame_size);
    auto* place = top.CreateAlloca(type);
    place->setAlignment(llvm::Align(64));
    llvm::IRBuilder<> after(at_.entry->getTerminator());
    LlvmType* row = llvm::FixedVectorType::get(b_.getInt64Ty(), 8);
    for (std::uint64_t at = 0; at < callee.frame_size; at += 64)
      after.CreateAlignedStore(llvm::Constant::getNullValue(row),
                               after.CreateConstGEP1_64(b_.getInt8Ty(), place, at),
                               llvm::Align(64));
    frame = place;
  }
  write_frame(frame, 0, {at_.mask});
  for (std::size_t i = 0; i + 1 < inst.args.size(); ++i)
    write_frame(frame, callee.inputs[i], values_.get(inst.args[i + 1]));
  b_.CreateCall(callee.function,
                {frame_.context(), frame_.scratch(), invocation_.group_id(0),
                 invocation_.group_id(1), invocation_.group_id(2), at_.pass, frame});
  called_ = &callee;
  called_frame_ = frame;
}

// Behind the call, with nothing between.
void Calls::emit_call_result(const Inst& inst) {
  if (!called_) {
    b_.internal_error("a result comes from no call");
    return;
  }
  values_.set(inst.id, read_frame(called_frame_, called_->outputs[inst.args[0]], inst.type));
}

// ---- The function ---------------------------------------------------------------------------

SharedFunction Calls::declare(const std::string& name, const Signature& signature) {
  LlvmType *pointer = b_.getPtrTy(), *i32 = b_.getInt32Ty();
  auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                       {pointer, pointer, i32, i32, i32, i32, pointer}, false);
  at_.function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, m_);
  at_.function->addFnAttr(llvm::Attribute::NoInline);
  frame_.begin_body(at_.function->getArg(0), at_.function->getArg(1));
  own_.function = at_.function;
  own_.frame_size = frame_cell(b_.getInt1Ty()) * g_.chunks;
  own_.inputs = frame_places(signature.inputs, own_.frame_size);
  own_.outputs = frame_places(signature.outputs, own_.frame_size);
  return own_;
}

void Calls::begin_pass() {
  for (unsigned d = 0; d < 3; ++d)
    invocation_.set_group_id(d, at_.function->getArg(kGroupArgument + d));
  invocation_.load_group_counts();
  at_.pass = at_.function->getArg(kPassArgument);
  values_.open_scope();
  if (g_.lanes() == 1) {
    at_.entry_mask = b_.constant_val(b_.getTrue());
    return;
  }
  std::uint64_t at = 0;
  at_.entry_mask = read_frame_leaf(at_.function->getArg(kFrameArgument), at, b_.getInt1Ty());
}

void Calls::emit_parameter(const Inst& inst) {
  values_.set(inst.id, read_frame(at_.function->getArg(kFrameArgument), own_.inputs[inst.args[0]],
                                  inst.type));
}

void Calls::emit_return(const Inst& inst) {
  for (std::size_t i = 0; i < inst.args.size(); ++i)
    write_frame(at_.function->getArg(kFrameArgument), own_.outputs[i], values_.get(inst.args[i]));
}

}  // namespace sokr::cpu
