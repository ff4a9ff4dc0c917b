// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/emitter.hpp"

#include "compiler/emit/ops/numbers.hpp"

namespace sokr::cpu {

Emitter::Emitter(VectorBuilder& builder, const SharedFunctions* shared, std::uint64_t scratch)
    : Room(builder),
      shared_scratch_(scratch),
      frame_(builder),
      invocation_(builder, frame_),
      branches_(builder),
      regions_(builder),
      kept_(builder, frame_, regions_),
      values_(builder, frame_, regions_, kept_),
      passes_(builder, branches_, invocation_, kept_, values_),
      constant_tables_(builder, frame_),
      workgroup_memory_(builder, frame_, branches_),
      addresses_(builder, frame_, values_, workgroup_memory_, constant_tables_),
      places_(builder, frame_),
      lanes_(builder, frame_, places_),
      scalars_(builder, frame_, places_),
      elements_(builder, frame_, places_, lanes_),
      words_(builder, places_, lanes_),
      strides_(builder, places_, lanes_, elements_, words_),
      table_rows_(builder, places_, lanes_),
      cache_(builder, branches_, addresses_, places_, table_rows_),
      runs_(builder, values_, places_, lanes_, scalars_, strides_, elements_),
      strategies_{places_,  lanes_,      scalars_, elements_, words_,
                  strides_, table_rows_, cache_,   runs_},
      accesses_(builder, addresses_, strategies_),
      private_memory_(builder, frame_, regions_, values_, addresses_, places_, lanes_, accesses_),
      copies_(builder, branches_, values_, constant_tables_, addresses_, cache_, accesses_,
              private_memory_),
      memory_(builder, invocation_, values_, addresses_, strategies_, accesses_, private_memory_,
              copies_),
      atomics_(builder, frame_, values_, addresses_, places_, cache_),
      calls_(builder, frame_, invocation_, values_, cache_, shared),
      instructions_({builder, invocation_, values_, lanes_, memory_}, addresses_, copies_, atomics_,
                    calls_),
      flow_(builder, frame_, branches_, regions_, values_, memory_, cache_, instructions_),
      split_(builder, branches_, regions_, values_, passes_, private_memory_, flow_) {}

// What is decided before the body is emitted.
void Emitter::plan() {
  regions_.plan_regions();
  workgroup_memory_.place_workgroup_variables();
  frame_.reserve_scratch_below(shared_scratch_);
  private_memory_.declare_private();
  values_.plan_slots();
}

Result<void> Emitter::emit() {
  frame_.begin_function();
  plan();
  if (!p_.has_calls) atomics_.plan_counters();
  emit_groups();
  atomics_.add_counters();
  define_half_conversions(b_);
  frame_.choose_registers();
  if (b_.failure) return *b_.failure;
  return {};
}

// Can the passes be the outer loop, and the workgroups of a run the inner one? A pass is then a
// piece of a row, and the runs walk along rows of memory.
bool Emitter::walks_rows() const {
  bool rows = g_.local[1] * g_.local[2] > 1 && g_.passes() > 1 &&
              (g_.local[0] % g_.lanes() == 0 || g_.lanes() % g_.local[0] == 0);
  return rows && !p_.has_barrier && !workgroup_memory_.is_used();
}

// Workgroups come in runs with one y and z, which are found by division once.
void Emitter::emit_groups() {
  constexpr std::uint32_t kLongestRun = 64;  // of which each pass goes along a row
  BasicBlock* start = b_.GetInsertBlock();
  BasicBlock* head = BasicBlock::Create(cx_, "runs", at_.function);
  BasicBlock* body = BasicBlock::Create(cx_, "run", at_.function);
  invocation_.load_group_counts();
  static constexpr const char* kBaseNames[] = {"base_x", "base_y", "base_z"};
  std::array<LlvmValue*, 3> base{};
  for (unsigned d = 0; d < 3; ++d)
    base[d] = frame_.context_field(offsetof(KernelContext, base_group) + 4 * d, b_.getInt32Ty(),
                                   kBaseNames[d]);
  LlvmValue* end = at_.function->getArg(2);
  atomics_.zero_counters();
  start = b_.GetInsertBlock();
  branches_.jump(head);
  b_.SetInsertPoint(head);
  llvm::PHINode* group = b_.CreatePHI(b_.getInt32Ty(), 2, "group");
  group->addIncoming(at_.function->getArg(1), start);
  branches_.branch(b_.CreateICmpULT(group, end), body, at_.leave);
  b_.SetInsertPoint(body);
  LlvmValue* row = b_.CreateUDiv(group, invocation_.group_count(0));
  LlvmValue* first = b_.CreateSub(group, b_.CreateMul(row, invocation_.group_count(0)));
  LlvmValue* plane = b_.CreateUDiv(row, invocation_.group_count(1));
  LlvmValue* in_plane = b_.CreateSub(row, b_.CreateMul(plane, invocation_.group_count(1)));
  invocation_.set_group_id(2, b_.CreateAdd(plane, base[2]));
  invocation_.set_group_id(1, b_.CreateAdd(in_plane, base[1]));
  auto least = [&](LlvmValue* a, LlvmValue* b) {
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, a, b);
  };
  LlvmValue* length =
      least(b_.CreateSub(end, group), b_.CreateSub(invocation_.group_count(0), first));
  const bool rows = walks_rows();
  if (rows) {
    length = least(length, b_.getInt32(kLongestRun));
    passes_.begin_pass_loop();
  }
  emit_run(b_.CreateAdd(first, base[0]), length, rows);
  if (rows) passes_.end_pass_loop();
  group->addIncoming(b_.CreateAdd(group, length), b_.GetInsertBlock());
  branches_.jump(head);
}

void Emitter::emit_run(LlvmValue* first, LlvmValue* length, bool one_pass) {
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "group", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "run_end", at_.function);
  branches_.jump(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* x = b_.CreatePHI(b_.getInt32Ty(), 2, "group_x");
  x->addIncoming(first, before);
  flow_.emit_abort_check();
  invocation_.set_group_id(0, x);
  workgroup_memory_.zero_workgroup_memory();
  if (one_pass)
    emit_pass();
  else
    emit_passes();
  LlvmValue* next = b_.CreateAdd(x, b_.getInt32(1));
  x->addIncoming(next, b_.GetInsertBlock());
  cache_.forget_held();
  branches_.branch(b_.CreateICmpEQ(next, b_.CreateAdd(first, length)), done, loop);
  b_.SetInsertPoint(done);
}

void Emitter::emit_pass() {
  at_.mask = at_.entry_mask;
  private_memory_.reset_private();
  values_.reset_slots_of(kNone);
  flow_.emit_range(0);
}

void Emitter::emit_passes() {
  if (regions_.splits()) return split_.emit_split_kernel();
  passes_.begin_pass_loop();
  emit_pass();
  passes_.end_pass_loop();
}

Result<SharedFunction> Emitter::emit_shared(const std::string& name, const Signature& signature) {
  SharedFunction function = calls_.declare(name, signature);
  plan();
  calls_.begin_pass();
  emit_pass();
  branches_.jump(at_.leave);
  frame_.choose_registers();
  if (b_.failure) return *b_.failure;
  return function;
}

}  // namespace sokr::cpu
