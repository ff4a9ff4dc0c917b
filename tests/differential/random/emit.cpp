// SPDX-License-Identifier: MIT OR Apache-2.0
#include <spirv/unified1/GLSL.std.450.h>

#include <set>
#include <spirv-tools/libspirv.hpp>
#include <spirv-tools/optimizer.hpp>

#include "assembler.hpp"
#include "program.hpp"

namespace sokr::differential {
namespace {

using spv::StorageClass;
using Id = Assembler::Id;
using Words = Assembler::Words;

constexpr std::uint32_t kWorkgroupScope = 2, kDeviceScope = 1, kSubgroupScope = 3;
constexpr std::uint32_t kBarrierSemantics = 0x108;  // acquire-release of Workgroup memory

struct Opcode {
  Op op;
  spv::Op instruction;
};

constexpr Opcode kPlain[] = {
    {Op::kNot, spv::Op::OpNot},
    {Op::kNegate, spv::Op::OpSNegate},
    {Op::kBitCount, spv::Op::OpBitCount},
    {Op::kBitReverse, spv::Op::OpBitReverse},
    {Op::kAdd, spv::Op::OpIAdd},
    {Op::kSub, spv::Op::OpISub},
    {Op::kMul, spv::Op::OpIMul},
    {Op::kAnd, spv::Op::OpBitwiseAnd},
    {Op::kOr, spv::Op::OpBitwiseOr},
    {Op::kXor, spv::Op::OpBitwiseXor},
    {Op::kShl, spv::Op::OpShiftLeftLogical},
    {Op::kShr, spv::Op::OpShiftRightLogical},
    {Op::kSar, spv::Op::OpShiftRightArithmetic},
    {Op::kUDiv, spv::Op::OpUDiv},
    {Op::kUMod, spv::Op::OpUMod},
    {Op::kSDiv, spv::Op::OpSDiv},
    {Op::kSRem, spv::Op::OpSRem},
    {Op::kSMod, spv::Op::OpSMod},
    {Op::kFAdd, spv::Op::OpFAdd},
    {Op::kFSub, spv::Op::OpFSub},
    {Op::kFMul, spv::Op::OpFMul},
    {Op::kBitField, spv::Op::OpBitFieldUExtract},
    {Op::kEqual, spv::Op::OpIEqual},
    {Op::kULess, spv::Op::OpULessThan},
    {Op::kSLess, spv::Op::OpSLessThan},
    {Op::kFLess, spv::Op::OpFOrdLessThan},
    {Op::kBoth, spv::Op::OpLogicalAnd},
    {Op::kEither, spv::Op::OpLogicalOr},
};

struct Extended {
  Op op;
  GLSLstd450 instruction;
};

constexpr Extended kExtended[] = {
    {Op::kFindUMsb, GLSLstd450FindUMsb}, {Op::kFindILsb, GLSLstd450FindILsb},
    {Op::kSAbs, GLSLstd450SAbs},         {Op::kUMin, GLSLstd450UMin},
    {Op::kSMax, GLSLstd450SMax},         {Op::kFMin, GLSLstd450FMin},
    {Op::kFMax, GLSLstd450FMax},         {Op::kFQuarter, GLSLstd450Floor},
};

constexpr spv::Op kAtomics[] = {spv::Op::OpAtomicIAdd, spv::Op::OpAtomicXor,
                                spv::Op::OpAtomicAnd,  spv::Op::OpAtomicOr,
                                spv::Op::OpAtomicUMin, spv::Op::OpAtomicSMax};

// Reductions and scans.
struct GroupOperation {
  Together what;
  spv::Op instruction;
  spv::GroupOperation operation;
};

constexpr GroupOperation kGroupOperations[] = {
    {Together::kAdd, spv::Op::OpGroupNonUniformIAdd, spv::GroupOperation::Reduce},
    {Together::kXor, spv::Op::OpGroupNonUniformBitwiseXor, spv::GroupOperation::Reduce},
    {Together::kAnd, spv::Op::OpGroupNonUniformBitwiseAnd, spv::GroupOperation::Reduce},
    {Together::kOr, spv::Op::OpGroupNonUniformBitwiseOr, spv::GroupOperation::Reduce},
    {Together::kUMin, spv::Op::OpGroupNonUniformUMin, spv::GroupOperation::Reduce},
    {Together::kSMax, spv::Op::OpGroupNonUniformSMax, spv::GroupOperation::Reduce},
    {Together::kInclusiveAdd, spv::Op::OpGroupNonUniformIAdd, spv::GroupOperation::InclusiveScan},
    {Together::kExclusiveAdd, spv::Op::OpGroupNonUniformIAdd, spv::GroupOperation::ExclusiveScan},
    {Together::kInclusiveUMin, spv::Op::OpGroupNonUniformUMin, spv::GroupOperation::InclusiveScan},
    {Together::kExclusiveXor, spv::Op::OpGroupNonUniformBitwiseXor,
     spv::GroupOperation::ExclusiveScan},
    {Together::kClusteredAdd, spv::Op::OpGroupNonUniformIAdd, spv::GroupOperation::ClusteredReduce},
};

bool is_float(Op op) {
  return op == Op::kFQuarter || op == Op::kFLess || (op >= Op::kFAdd && op <= Op::kFMax);
}

class Emitter {
 public:
  explicit Emitter(const Program& program) : program_(program) {}

  Words run() {
    a_.capability(spv::Capability::Shader);
    if (program_.subgroup_size != 0) {
      for (const auto capability :
           {spv::Capability::GroupNonUniform, spv::Capability::GroupNonUniformVote,
            spv::Capability::GroupNonUniformArithmetic, spv::Capability::GroupNonUniformBallot,
            spv::Capability::GroupNonUniformShuffle,
            spv::Capability::GroupNonUniformShuffleRelative,
            spv::Capability::GroupNonUniformClustered})
        a_.capability(capability);
    }
    declare();
    for (const Function& function : program_.functions) {
      Words type{u32_};
      for (std::uint32_t i = 0; i < function.params; ++i) type.push_back(u32_);
      if (function.has_reference) type.push_back(a_.pointer(StorageClass::Function, u32_));
      const bool is_main = functions_.empty();
      function_types_.push_back(is_main ? a_.type(spv::Op::OpTypeFunction, {void_})
                                        : a_.type(spv::Op::OpTypeFunction, type));
      functions_.push_back(a_.id());
    }
    Words interface{index_, group_,   input_, output_, counters_,
                    push_,  private_, own_,   shared_, count_};
    if (lane_variable_ != 0) interface.push_back(lane_variable_);
    a_.entry_point(functions_[0], "main", interface);
    a_.local_size(functions_[0], program_.local_size[0], program_.local_size[1],
                  program_.local_size[2]);
    for (std::uint32_t i = 0; i < program_.functions.size(); ++i) function(i);
    return a_.finish();
  }

 private:
  // ---- The module ------------------------------------------------------------------------

  Id number(std::uint32_t value) { return a_.constant(u32_, value); }

  Id buffer(std::uint32_t binding, bool writable) {
    const Id array = a_.distinct_type(spv::Op::OpTypeRuntimeArray, {u32_});
    a_.decorate(array, spv::Decoration::ArrayStride, {4});
    const Id block = a_.distinct_type(spv::Op::OpTypeStruct, {array});
    a_.decorate(block, spv::Decoration::Block);
    a_.member_offset(block, 0, 0);
    const Id variable = a_.global(StorageClass::StorageBuffer, block);
    a_.decorate(variable, spv::Decoration::DescriptorSet, {0});
    a_.decorate(variable, spv::Decoration::Binding, {binding});
    if (!writable) a_.decorate(variable, spv::Decoration::NonWritable);
    return variable;
  }

  Id array_type(std::uint32_t size) { return a_.type(spv::Op::OpTypeArray, {u32_, number(size)}); }

  void declare() {
    void_ = a_.type(spv::Op::OpTypeVoid);
    bool_ = a_.type(spv::Op::OpTypeBool);
    u32_ = a_.type(spv::Op::OpTypeInt, {32, 0});
    i32_ = a_.type(spv::Op::OpTypeInt, {32, 1});
    f32_ = a_.type(spv::Op::OpTypeFloat, {32});
    const Id v3 = a_.type(spv::Op::OpTypeVector, {u32_, 3});
    index_ = a_.global(StorageClass::Input, u32_);
    a_.decorate(index_, spv::Decoration::BuiltIn,
                {static_cast<std::uint32_t>(spv::BuiltIn::LocalInvocationIndex)});
    group_ = a_.global(StorageClass::Input, v3);
    a_.decorate(group_, spv::Decoration::BuiltIn,
                {static_cast<std::uint32_t>(spv::BuiltIn::WorkgroupId)});
    if (program_.subgroup_size != 0) {
      lane_variable_ = a_.global(StorageClass::Input, u32_);
      a_.decorate(lane_variable_, spv::Decoration::BuiltIn,
                  {static_cast<std::uint32_t>(spv::BuiltIn::SubgroupLocalInvocationId)});
    }
    input_ = buffer(0, false);
    output_ = buffer(1, true);
    counters_ = buffer(2, true);
    Words members;
    for (std::uint32_t i = 0; i < kPushWords; ++i) members.push_back(u32_);
    const Id block = a_.distinct_type(spv::Op::OpTypeStruct, members);
    a_.decorate(block, spv::Decoration::Block);
    for (std::uint32_t i = 0; i < kPushWords; ++i) a_.member_offset(block, i, i * 4);
    push_ = a_.global(StorageClass::PushConstant, block);
    const Id array = array_type(kArraySize);
    private_ = a_.global(StorageClass::Private, array, a_.null(array));
    own_ = a_.global(StorageClass::Workgroup, array_type(program_.invocations()));
    shared_ = a_.global(StorageClass::Workgroup, array_type(2 * program_.invocations()));
    count_ = a_.global(StorageClass::Workgroup, u32_);
  }

  void function(std::uint32_t which) {
    const Function& f = program_.functions[which];
    is_main_ = which == 0;
    locals_.clear();
    a_.begin_function(is_main_ ? void_ : u32_, function_types_[which], functions_[which]);
    Words params;
    const Id pointer = a_.pointer(StorageClass::Function, u32_);
    for (std::uint32_t i = 0; i < f.params; ++i) params.push_back(a_.parameter(u32_));
    const Id reference = f.has_reference ? a_.parameter(pointer) : 0;
    open(a_.id());
    for (std::uint32_t i = 0; i < f.locals; ++i) {
      const bool is_reference = f.has_reference && i == f.params;
      locals_.push_back(is_reference ? reference : variable(pointer));
    }
    counter_variables_.clear();
    if (!program_.phi_counters) declare_counters(f.body, pointer);
    if (is_main_) scratch_ = scratch_array();
    for (std::uint32_t i = 0; i < f.locals; ++i) {
      if (f.has_reference && i == f.params) continue;
      a_.statement(spv::Op::OpStore, {locals_[i], i < f.params ? params[i] : number(i)});
    }
    here_ = a_.op(spv::Op::OpLoad, u32_, {index_});
    const Id v3 = a_.type(spv::Op::OpTypeVector, {u32_, 3});
    group_id_ = a_.op(spv::Op::OpCompositeExtract, u32_, {a_.op(spv::Op::OpLoad, v3, {group_}), 0});
    group_place_ = program_.base == 0
                       ? group_id_
                       : a_.op(spv::Op::OpISub, u32_, {group_id_, number(program_.base)});
    if (is_main_) clear_own();
    const bool ended = block(f.body);
    if (!ended && is_main_) a_.statement(spv::Op::OpReturn);
    if (!ended && !is_main_) a_.statement(spv::Op::OpReturnValue, {value(f.result)});
    a_.statement(spv::Op::OpFunctionEnd);
  }

  Id variable(Id pointer_type) {
    return a_.op(spv::Op::OpVariable, pointer_type,
                 {static_cast<std::uint32_t>(StorageClass::Function)});
  }

  Id scratch_array() {
    const Id array = array_type(kArraySize);
    return a_.op(spv::Op::OpVariable, a_.pointer(StorageClass::Function, array),
                 {static_cast<std::uint32_t>(StorageClass::Function), a_.null(array)});
  }

  // Workgroup memory has no initial value; what is shared is written before it is read.
  void clear_own() {
    a_.statement(spv::Op::OpStore, {element(StorageClass::Workgroup, own_, here_), number(0)});
  }

  void declare_counters(const Block& statements, Id pointer_type) {
    for (const Stmt& s : statements) {
      if (s.kind == Kind::kLoop) counter_variables_[s.target] = variable(pointer_type);
      for (const Block& inner : s.blocks) declare_counters(inner, pointer_type);
    }
  }

  // ---- Blocks ------------------------------------------------------------------------------

  void open(Id label) {
    a_.label(label);
    label_ = label;
  }
  void jump(Id to) {
    a_.statement(spv::Op::OpBranch, {to});
    reached_.insert(to);
  }
  // A merge block that nothing branches to ends there: true if so.
  bool open_merge(Id merge, bool reached) {
    open(merge);
    if (!reached) a_.statement(spv::Op::OpUnreachable);
    return !reached;
  }

  // ---- Expressions ---------------------------------------------------------------------------

  Id element(StorageClass storage, Id array, Id index) {
    return a_.op(spv::Op::OpAccessChain, a_.pointer(storage, u32_), {array, index});
  }
  Id buffer_element(Id variable_id, Id index) {
    return a_.op(spv::Op::OpAccessChain, a_.pointer(StorageClass::StorageBuffer, u32_),
                 {variable_id, number(0), index});
  }
  Id load(Id pointer) { return a_.op(spv::Op::OpLoad, u32_, {pointer}); }
  Id modulo(Id a, std::uint32_t b) { return a_.op(spv::Op::OpUMod, u32_, {a, number(b)}); }

  Id to_float(Id word) {
    const Id up = a_.op(spv::Op::OpShiftLeftLogical, u32_, {word, number(20)});
    const Id small = a_.op(spv::Op::OpShiftRightArithmetic, u32_, {up, number(20)});
    return a_.op(spv::Op::OpConvertSToF, f32_, {a_.op(spv::Op::OpBitcast, i32_, {small})});
  }
  Id to_word(Id value_id) {
    return a_.op(spv::Op::OpBitcast, u32_, {a_.op(spv::Op::OpConvertFToS, i32_, {value_id})});
  }

  Id array_pointer(std::uint32_t which, Id index) {
    const Id inside = modulo(index, kArraySize);
    return which == 0 ? element(StorageClass::Private, private_, inside)
                      : element(StorageClass::Function, scratch_, inside);
  }

  Id output_pointer(Id cell) {
    const Id base = a_.op(
        spv::Op::OpIAdd, u32_,
        {a_.op(spv::Op::OpIMul, u32_, {group_place_, number(program_.invocations())}), here_});
    const std::uint32_t total = program_.groups * program_.invocations();
    const auto times = [&](Id a, std::uint32_t b) {
      return a_.op(spv::Op::OpIMul, u32_, {a, number(b)});
    };
    const Id inside = modulo(cell, kOutputs);
    const Id index = program_.output_by_cell
                         ? a_.op(spv::Op::OpIAdd, u32_, {times(inside, total), base})
                         : a_.op(spv::Op::OpIAdd, u32_, {times(base, kOutputs), inside});
    return buffer_element(output_, index);
  }

  Id counter(std::uint32_t id) {
    if (program_.phi_counters) return counter_values_.at(id);
    return load(counter_variables_.at(id));
  }

  Id value(const Expr& e) {
    switch (e.op) {
      case Op::kConstant:
        return number(e.value);
      case Op::kLocal:
        return load(locals_[e.value]);
      case Op::kCounter:
        return counter(e.value);
      case Op::kInvocation:
        return here_;
      case Op::kGroup:
        return group_id_;
      case Op::kPush:
        return load(a_.op(spv::Op::OpAccessChain, a_.pointer(StorageClass::PushConstant, u32_),
                          {push_, number(e.value)}));
      case Op::kOwn:
        return load(element(StorageClass::Workgroup, own_, here_));
      case Op::kLane:
        return load(lane_variable_);
      case Op::kShared:
        return load(element(StorageClass::Workgroup, shared_, value(e.args[0])));
      case Op::kInput:
        return load(buffer_element(input_, value(e.args[0])));
      case Op::kArray:
        return load(array_pointer(e.value, value(e.args[0])));
      case Op::kSelect:
        return select(e);
      case Op::kBranch:
        return flat_ ? select(e) : branch(e);
      case Op::kMulHigh:
        return high_product(e);
      default:
        return operation(e, u32_);
    }
  }

  Id operation(const Expr& e, Id type) {
    Words operands;
    for (const Expr& arg : e.args)
      operands.push_back(is_condition(arg.op) ? condition(arg) : value(arg));
    const bool floats = is_float(e.op);
    if (floats) {
      for (Id& operand : operands) operand = to_float(operand);
      if (type == u32_) type = f32_;
    }
    if (e.op == Op::kFQuarter)
      operands[0] = a_.op(spv::Op::OpFMul, f32_, {operands[0], a_.constant(f32_, 0x3E800000)});
    Id result = 0;
    for (const Opcode& row : kPlain)
      if (row.op == e.op) result = a_.op(row.instruction, type, operands);
    for (const Extended& row : kExtended)
      if (row.op == e.op)
        result = a_.extended(static_cast<std::uint32_t>(row.instruction), type, operands);
    return floats && type == f32_ ? to_word(result) : result;
  }

  Id condition(const Expr& e) {
    if (e.op == Op::kNeither) {
      const Id a = condition(e.args[0]), b = condition(e.args[1]);
      const Id either = a_.op(spv::Op::OpLogicalOr, bool_, {a, b});
      return a_.op(spv::Op::OpLogicalNot, bool_, {either});
    }
    return operation(e, bool_);
  }

  Id high_product(const Expr& e) {
    const Id a = value(e.args[0]), b = value(e.args[1]);
    const Id pair =
        a_.op(spv::Op::OpUMulExtended, a_.type(spv::Op::OpTypeStruct, {u32_, u32_}), {a, b});
    return a_.op(spv::Op::OpCompositeExtract, u32_, {pair, 1});
  }

  Id select(const Expr& e) {
    const Id test = condition(e.args[0]);
    const Id yes = value(e.args[1]), no = value(e.args[2]);
    return a_.op(spv::Op::OpSelect, u32_, {test, yes, no});
  }

  Id branch(const Expr& e) {
    const Id test = condition(e.args[0]);
    const Id yes = a_.id(), no = a_.id(), join = a_.id();
    a_.statement(spv::Op::OpSelectionMerge, {join, 0});
    a_.statement(spv::Op::OpBranchConditional, {test, yes, no});
    Words incoming;
    for (const std::size_t side : {1, 2}) {
      open(side == 1 ? yes : no);
      incoming.push_back(value(e.args[side]));
      incoming.push_back(label_);
      jump(join);
    }
    open(join);
    return a_.op(spv::Op::OpPhi, u32_, incoming);
  }

  // ---- Statements --------------------------------------------------------------------------

  // True if the block ends with a jump of its own.
  bool block(const Block& statements) {
    for (const Stmt& s : statements)
      if (statement(s)) return true;
    return false;
  }

  bool leave(Id to) {
    jump(to);
    return true;
  }

  bool statement(const Stmt& s) {
    switch (s.kind) {
      case Kind::kSequence:
        return block(s.blocks[0]);
      case Kind::kIf:
        return branch(s);
      case Kind::kSwitch:
        return choice(s);
      case Kind::kLoop:
        return loop(s);
      case Kind::kBreak:
        return leave(loop_merge_);
      case Kind::kContinue:
        return leave(loop_continue_);
      case Kind::kLeaveSwitch:
        return leave(switch_merge_);
      case Kind::kReturn:
        if (s.exprs.empty()) {
          a_.statement(spv::Op::OpReturn);
        } else {
          a_.statement(spv::Op::OpReturnValue, {value(s.exprs[0])});
        }
        return true;
      case Kind::kBarrier:
        a_.statement(spv::Op::OpControlBarrier,
                     {number(kWorkgroupScope), number(kWorkgroupScope), number(kBarrierSemantics)});
        return false;
      case Kind::kCall:
        call(s);
        return false;
      default:
        store(s);
        return false;
    }
  }

  void call(const Stmt& s) {
    Words operands{functions_[s.callee]};
    for (const Expr& e : s.exprs) operands.push_back(value(e));
    if (program_.functions[s.callee].has_reference) operands.push_back(locals_[s.reference]);
    const Id result = a_.op(spv::Op::OpFunctionCall, u32_, operands);
    a_.statement(spv::Op::OpStore, {locals_[s.target], result});
  }

  void store(const Stmt& s) {
    const auto operand = [&](std::size_t i) { return value(s.exprs[i]); };
    const auto put = [&](Id pointer, Id word) { a_.statement(spv::Op::OpStore, {pointer, word}); };
    const auto workgroup = [&](Id array, Id index) {
      return element(StorageClass::Workgroup, array, index);
    };
    switch (s.kind) {
      case Kind::kAssign:
        return put(locals_[s.target], operand(0));
      case Kind::kArrayStore: {
        const Id index = operand(0), word = operand(1);
        return put(array_pointer(s.target, index), word);
      }
      case Kind::kOutput:
      case Kind::kOutputMix: {
        const Id cell = operand(0);
        Id word = operand(1);
        const Id pointer = output_pointer(cell);
        if (s.kind == Kind::kOutputMix) {
          const Id old = a_.op(spv::Op::OpIMul, u32_, {load(pointer), number(31)});
          word = a_.op(spv::Op::OpIAdd, u32_, {old, word});
        }
        return put(pointer, word);
      }
      case Kind::kOwnStore: {
        const Id word = operand(0);
        return put(workgroup(own_, here_), word);
      }
      case Kind::kSharedStore: {
        const Id index = operand(0), word = operand(1);
        return put(workgroup(shared_, index), word);
      }
      case Kind::kSharedLoad: {
        const Id index = modulo(operand(0), program_.invocations());
        return put(locals_[s.target], load(workgroup(shared_, index)));
      }
      case Kind::kAtomic: {
        const Id cell = modulo(operand(0), kCounterCells), word = operand(1);
        const Id index = a_.op(spv::Op::OpIAdd, u32_, {cell, number(s.target * kCounterCells)});
        a_.op(kAtomics[s.target], u32_,
              {buffer_element(counters_, index), number(kDeviceScope), number(0), word});
        return;
      }
      case Kind::kCountReset:
        return put(count_, number(0));
      case Kind::kCountAdd: {
        const Id word = operand(0);
        a_.op(spv::Op::OpAtomicIAdd, u32_, {count_, number(kWorkgroupScope), number(0), word});
        return;
      }
      case Kind::kCountLoad:
        return put(locals_[s.target], load(count_));
      case Kind::kTogether:
        return put(locals_[s.target], meeting(s));
      default:
        return;
    }
  }

  // ---- Operations of a subgroup ------------------------------------------------------------

  Id group_op(spv::Op instruction, Id type, std::initializer_list<Id> operands) {
    Words all{number(kSubgroupScope)};
    all.insert(all.end(), operands.begin(), operands.end());
    return a_.op(instruction, type, all);
  }
  Id ballot(Id condition_id) {
    return group_op(spv::Op::OpGroupNonUniformBallot, a_.type(spv::Op::OpTypeVector, {u32_, 4}),
                    {condition_id});
  }
  Id truth() { return a_.op(spv::Op::OpIEqual, bool_, {number(0), number(0)}); }
  Id word_of(Id condition_id) {
    return a_.op(spv::Op::OpSelect, u32_, {condition_id, number(1), number(0)});
  }

  Id meeting(const Stmt& s) {
    const auto what = static_cast<Together>(s.callee);
    const Id operand = s.exprs.empty()               ? truth()
                       : is_condition(s.exprs[0].op) ? condition(s.exprs[0])
                                                     : value(s.exprs[0]);
    for (const GroupOperation& row : kGroupOperations) {
      if (row.what != what) continue;
      const auto how = static_cast<std::uint32_t>(row.operation);
      if (row.operation == spv::GroupOperation::ClusteredReduce)
        return group_op(row.instruction, u32_, {how, operand, number(kCluster)});
      return group_op(row.instruction, u32_, {how, operand});
    }
    switch (what) {
      case Together::kBroadcastFirst:
        return group_op(spv::Op::OpGroupNonUniformBroadcastFirst, u32_, {operand});
      case Together::kShuffle:
      case Together::kShuffleXor:
      case Together::kShuffleUp:
      case Together::kShuffleDown:
        return shuffle(what, operand, value(s.exprs[1]));
      case Together::kAny:
        return word_of(group_op(spv::Op::OpGroupNonUniformAny, bool_, {operand}));
      case Together::kAll:
        return word_of(group_op(spv::Op::OpGroupNonUniformAll, bool_, {operand}));
      case Together::kAllEqual:
        return word_of(group_op(spv::Op::OpGroupNonUniformAllEqual, bool_, {operand}));
      case Together::kElect:
        return word_of(group_op(spv::Op::OpGroupNonUniformElect, bool_, {}));
      default:
        return of_ballot(what, ballot(operand));
    }
  }

  Id of_ballot(Together what, Id bits) {
    const auto count = [&](spv::GroupOperation how) {
      return group_op(spv::Op::OpGroupNonUniformBallotBitCount, u32_,
                      {static_cast<std::uint32_t>(how), bits});
    };
    switch (what) {
      case Together::kBallotCount:
        return count(spv::GroupOperation::Reduce);
      case Together::kBallotRank:
        return count(spv::GroupOperation::ExclusiveScan);
      case Together::kBallotFirst:
      case Together::kBallotLast: {
        const Id any =
            a_.op(spv::Op::OpINotEqual, bool_, {count(spv::GroupOperation::Reduce), number(0)});
        const Id found =
            group_op(what == Together::kBallotFirst ? spv::Op::OpGroupNonUniformBallotFindLSB
                                                    : spv::Op::OpGroupNonUniformBallotFindMSB,
                     u32_, {bits});
        return a_.op(spv::Op::OpSelect, u32_, {any, found, number(kNobody)});
      }
      default: {
        const Id low = a_.op(spv::Op::OpCompositeExtract, u32_, {bits, 0});
        const Id high = a_.op(spv::Op::OpCompositeExtract, u32_, {bits, 1});
        return a_.op(spv::Op::OpBitwiseXor, u32_, {low, high});
      }
    }
  }

  // The word of an invocation that is not there is undefined: it is not looked at.
  Id shuffle(Together what, Id word, Id selector) {
    const Id lane = load(lane_variable_);
    Id from = 0, result = 0;
    switch (what) {
      case Together::kShuffleXor:
        from = a_.op(spv::Op::OpBitwiseXor, u32_, {lane, selector});
        result = group_op(spv::Op::OpGroupNonUniformShuffleXor, u32_, {word, selector});
        break;
      case Together::kShuffleUp:
        from = a_.op(spv::Op::OpISub, u32_, {lane, selector});
        result = group_op(spv::Op::OpGroupNonUniformShuffleUp, u32_, {word, selector});
        break;
      case Together::kShuffleDown:
        from = a_.op(spv::Op::OpIAdd, u32_, {lane, selector});
        result = group_op(spv::Op::OpGroupNonUniformShuffleDown, u32_, {word, selector});
        break;
      default:
        from = modulo(selector, program_.subgroup_size);
        result = group_op(spv::Op::OpGroupNonUniformShuffle, u32_, {word, from});
        break;
    }
    const Id exists = a_.op(spv::Op::OpULessThan, bool_, {from, number(program_.subgroup_size)});
    const Id index = a_.op(spv::Op::OpSelect, u32_, {exists, from, number(0)});
    const Id active =
        group_op(spv::Op::OpGroupNonUniformBallotBitExtract, bool_, {ballot(truth()), index});
    const Id is_there = a_.op(spv::Op::OpLogicalAnd, bool_, {exists, active});
    return a_.op(spv::Op::OpSelect, u32_, {is_there, result, number(0)});
  }

  bool branch(const Stmt& s) {
    const Id test = condition(s.exprs[0]);
    const Id merge = a_.id(), yes = a_.id();
    const bool has_else = !s.blocks[1].empty();
    const Id no = has_else ? a_.id() : merge;
    a_.statement(spv::Op::OpSelectionMerge, {merge, 0});
    a_.statement(spv::Op::OpBranchConditional, {test, yes, no});
    for (const std::size_t side : {0, 1}) {
      if (side == 1 && !has_else) break;
      open(side == 0 ? yes : no);
      if (!block(s.blocks[side])) jump(merge);
    }
    return open_merge(merge, !has_else || reached_.contains(merge));
  }

  bool choice(const Stmt& s) {
    const Id selector = value(s.exprs[0]);
    const Id merge = a_.id(), outer = switch_merge_;
    Words targets, operands{selector, merge};
    for (const Case& c : s.cases) {
      targets.push_back(a_.id());
      if (c.is_default) operands[1] = targets.back();
      for (const std::uint32_t label : c.labels) {
        operands.push_back(label);
        operands.push_back(targets.back());
      }
    }
    a_.statement(spv::Op::OpSelectionMerge, {merge, 0});
    a_.statement(spv::Op::OpSwitch, operands);
    switch_merge_ = merge;
    for (std::size_t i = 0; i < s.cases.size(); ++i) {
      open(targets[i]);
      if (!block(s.blocks[i])) jump(s.cases[i].falls_through ? targets[i + 1] : merge);
    }
    switch_merge_ = outer;
    return open_merge(merge, operands[1] == merge || reached_.contains(merge));
  }

  // The phi's second pair is known when the continue construct has been written.
  std::size_t begin_counter(Id start, Id before, Id next, Id& current) {
    if (!program_.phi_counters) return 0;
    current = a_.id();
    const std::size_t at = a_.position();
    a_.phi(current, u32_, {start, before, next, 0});
    return at + 6;
  }

  bool loop(const Stmt& s) {
    const Id header = a_.id(), body = a_.id(), next_label = a_.id(), merge = a_.id();
    const Id outer_merge = loop_merge_, outer_continue = loop_continue_,
             outer_switch = switch_merge_;
    const Id next = a_.id();
    Id current = 0;
    const Id start = value(s.exprs[1]);
    if (!program_.phi_counters)
      a_.statement(spv::Op::OpStore, {counter_variables_.at(s.target), start});
    const Id before = label_;
    jump(header);
    open(header);
    const std::size_t patch = begin_counter(start, before, next, current);
    counter_values_[s.target] = current;
    loop_merge_ = merge;
    loop_continue_ = next_label;
    enter_loop(s, body, next_label, merge);
    open(body);
    if (!block(s.blocks[0])) jump(next_label);
    open(next_label);
    const bool continues = reached_.contains(next_label);
    if (continues) block(s.blocks[1]);
    step_counter(s, current, next);
    if (s.form == LoopForm::kTestEnd) {
      counter_values_[s.target] = next;
      flat_ = !continues;  // no structure in a construct that is never entered
      const Id test = condition(s.exprs[0]);
      flat_ = false;
      if (patch != 0) a_.patch(patch, label_);
      a_.statement(spv::Op::OpBranchConditional, {test, header, merge});
    } else {
      if (patch != 0) a_.patch(patch, label_);
      jump(header);
    }
    loop_merge_ = outer_merge;
    loop_continue_ = outer_continue;
    switch_merge_ = outer_switch;
    const bool tested = s.form != LoopForm::kTestEnd || continues;
    return open_merge(merge, tested || reached_.contains(merge));
  }

  void enter_loop(const Stmt& s, Id body, Id next_label, Id merge) {
    const auto merge_instruction = [&] {
      a_.statement(spv::Op::OpLoopMerge, {merge, next_label, 0});
    };
    if (s.form == LoopForm::kTestEnd) {
      merge_instruction();
      jump(body);
    } else if (s.form == LoopForm::kTestHeader) {
      flat_ = true;
      const Id test = condition(s.exprs[0]);
      flat_ = false;
      merge_instruction();
      a_.statement(spv::Op::OpBranchConditional, {test, body, merge});
    } else {
      const Id test_label = a_.id();
      merge_instruction();
      jump(test_label);
      open(test_label);
      a_.statement(spv::Op::OpBranchConditional, {condition(s.exprs[0]), body, merge});
    }
  }

  void step_counter(const Stmt& s, Id current, Id next) {
    constexpr spv::Op kSteps[] = {spv::Op::OpIAdd, spv::Op::OpShiftLeftLogical,
                                  spv::Op::OpShiftRightLogical};
    const spv::Op step = kSteps[s.callee];
    const Id by = value(s.exprs[2]);
    if (program_.phi_counters) {
      a_.statement(step, {u32_, next, current, by});
      return;
    }
    const Id pointer = counter_variables_.at(s.target);
    a_.statement(step, {u32_, next, load(pointer), by});
    a_.statement(spv::Op::OpStore, {pointer, next});
  }

  const Program& program_;
  Assembler a_;
  Id void_ = 0, bool_ = 0, u32_ = 0, i32_ = 0, f32_ = 0;
  Id index_ = 0, group_ = 0, input_ = 0, output_ = 0, counters_ = 0, push_ = 0, private_ = 0;
  Id lane_variable_ = 0;
  Id own_ = 0, shared_ = 0, count_ = 0, scratch_ = 0, here_ = 0, group_id_ = 0, group_place_ = 0,
     label_ = 0;
  Id loop_merge_ = 0, loop_continue_ = 0, switch_merge_ = 0;
  bool is_main_ = false, flat_ = false;
  Words functions_, function_types_, locals_;
  std::set<Id> reached_;  // labels that an OpBranch goes to
  std::map<std::uint32_t, Id> counter_variables_, counter_values_;
};

}  // namespace

std::vector<std::uint32_t> emit(const Program& program) {
  Words words = Emitter(program).run();
  if (program.optimize == 0) return words;
  spvtools::Optimizer optimizer(SPV_ENV_VULKAN_1_3);
  optimizer.SetMessageConsumer(
      [](spv_message_level_t, const char*, const spv_position_t&, const char*) {});
  if (program.optimize == 1) {
    optimizer.RegisterPass(spvtools::CreateSSARewritePass());
  } else {
    // No pass that folds constants: what it makes of an oversized shift is its own affair.
    // Nor merge-return, whose output other passes do not survive, nor private-to-local, which
    // forgets what a variable holds between two calls.
    optimizer.RegisterPass(spvtools::CreateInlineExhaustivePass())
        .RegisterPass(spvtools::CreateEliminateDeadFunctionsPass())
        .RegisterPass(spvtools::CreateSSARewritePass())
        .RegisterPass(spvtools::CreateBlockMergePass())
        .RegisterPass(spvtools::CreateIfConversionPass());
  }
  spvtools::OptimizerOptions options;
  options.set_run_validator(false);
  Words optimized;
  if (!optimizer.Run(words.data(), words.size(), &optimized, options)) return words;
  // Its passes do not always leave a valid module.
  if (!spvtools::SpirvTools(SPV_ENV_VULKAN_1_3).Validate(optimized)) return words;
  return optimized;
}

std::string disassemble(const std::vector<std::uint32_t>& words) {
  std::string text;
  spvtools::SpirvTools(SPV_ENV_VULKAN_1_3)
      .Disassemble(words, &text,
                   SPV_BINARY_TO_TEXT_OPTION_INDENT | SPV_BINARY_TO_TEXT_OPTION_FRIENDLY_NAMES);
  return text;
}

}  // namespace sokr::differential
