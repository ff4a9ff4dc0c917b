// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A graph over ids: an edge leads from a pointer (or opaque handle) to what it was
// made from. Loads, stores and atomics mark their pointer, and marks flow along the
// edges until nothing changes. Pointers kept in variables all flow through one node.
#include "access.hpp"

#include <algorithm>
#include <sokr/spirv/instructions.hpp>
#include <sokr/spirv/newer.hpp>

#include "grammar.hpp"

namespace sokr::spirv {
namespace {

constexpr std::uint8_t kRead = SOKR_IR_READ;
constexpr std::uint8_t kWrite = SOKR_IR_WRITE;
constexpr std::uint8_t kBoth = kRead | kWrite;

// What an instruction does through the pointer or handle in its first operand: as its row says, and
// that of images, of cooperative matrices and of kernels that are not compute's, which have none.
std::uint8_t direct_access(spv::Op op) {
  if (op == spv::Op::OpExtInst) return 0;  // through which operand, the set knows
  if (const InstructionRow* row = instruction_row(op)) {
    switch (row->effect) {
      case Effect::kReads:
        return kRead;
      case Effect::kWrites:
        return kWrite;
      case Effect::kUpdates:
        return kBoth;
      default:
        return 0;
    }
  }
  if (op == kCooperativeMatrixLoad) return kRead;
  if (op == kCooperativeMatrixStore) return kWrite;
  switch (op) {
    case spv::Op::OpImageRead:
    case spv::Op::OpImageSparseRead:
    case spv::Op::OpImageFetch:
    case spv::Op::OpImageSparseFetch:
    case spv::Op::OpImageGather:
    case spv::Op::OpImageDrefGather:
    case spv::Op::OpImageSparseGather:
    case spv::Op::OpImageSparseDrefGather:
    case spv::Op::OpImageSampleImplicitLod:
    case spv::Op::OpImageSampleExplicitLod:
    case spv::Op::OpImageSampleDrefImplicitLod:
    case spv::Op::OpImageSampleDrefExplicitLod:
    case spv::Op::OpImageSampleProjImplicitLod:
    case spv::Op::OpImageSampleProjExplicitLod:
    case spv::Op::OpImageSampleProjDrefImplicitLod:
    case spv::Op::OpImageSampleProjDrefExplicitLod:
      return kRead;
    case spv::Op::OpImageWrite:
      return kWrite;
    case spv::Op::OpAtomicCompareExchangeWeak:
    case spv::Op::OpAtomicFlagTestAndSet:
    case spv::Op::OpAtomicFlagClear:
      return kBoth;
    default:
      return 0;
  }
}

// Instructions that neither touch memory nor make a pointer from their operands.
bool is_inert(spv::Op op) {
  switch (op) {
    case spv::Op::OpArrayLength:
    case spv::Op::OpImageQuerySize:
    case spv::Op::OpImageQuerySizeLod:
    case spv::Op::OpImageQueryFormat:
    case spv::Op::OpImageQueryOrder:
    case spv::Op::OpImageQueryLevels:
    case spv::Op::OpImageQuerySamples:
    case spv::Op::OpPtrEqual:
    case spv::Op::OpPtrNotEqual:
    case spv::Op::OpPtrDiff:
      return true;
    default:
      return false;
  }
}

class AccessFinder {
 public:
  AccessFinder(const Module& module, const EntryPoint& entry)
      : module_(module), entry_(entry), marks_(module.bound() + 1, 0), stored_(module.bound()) {}

  std::vector<std::uint8_t> run() {
    for (const Id id : entry_.functions) {
      const Function& function = *module_.function(id);
      for (const Instruction& variable : function.variables) {
        if (variable.args.size() > 1) store(variable.args[1]);
      }
      for (const Block& block : function.blocks) {
        for (const Instruction& phi : block.phis) {
          for (std::size_t i = 0; i < phi.args.size(); i += 2) link(phi.id, phi.args[i]);
        }
        for (const Instruction& instruction : block.body) visit(instruction);
        visit_return(function, block.terminator);
      }
    }
    for (const Variable& variable : module_.variables()) {
      if (variable.initializer != 0) store(variable.initializer);
    }
    propagate();
    return std::move(marks_);
  }

 private:
  // Pointers, and handles of images and samplers, which stand for what they refer to.
  bool is_reference(Id id) const {
    const Type* type = module_.type(module_.type_of(id));
    if (type == nullptr) return false;
    return type->kind == TypeKind::kPointer || is_opaque(*type);
  }

  static bool is_opaque(const Type& type) {
    return type.kind == TypeKind::kImage || type.kind == TypeKind::kSampler ||
           type.kind == TypeKind::kSampledImage || type.kind == TypeKind::kOther;
  }

  void link(Id made, Id from) {
    if (made != 0 && is_reference(from)) edges_.emplace_back(made, from);
  }

  void store(Id value) {
    if (is_reference(value)) edges_.emplace_back(stored_, value);
  }

  void mark(Id id, std::uint8_t access) {
    if (id < marks_.size()) marks_[id] |= access;
  }

  void visit(const Instruction& instruction) {
    const auto args = instruction.args;
    switch (instruction.op) {
      case spv::Op::OpLoad:
        return visit_load(instruction);
      case spv::Op::OpStore:
        store(args[1]);
        return mark(args[0], kWrite);
      case spv::Op::OpCopyMemory:
      case spv::Op::OpCopyMemorySized:
        mark(args[0], kWrite);
        return mark(args[1], kRead);
      case spv::Op::OpAccessChain:
      case spv::Op::OpInBoundsAccessChain:
      case spv::Op::OpPtrAccessChain:
      case spv::Op::OpInBoundsPtrAccessChain:
      case spv::Op::OpCopyObject:
      case spv::Op::OpImage:
      case spv::Op::OpImageTexelPointer:
        return link(instruction.id, args[0]);
      case spv::Op::OpSampledImage:
        link(instruction.id, args[0]);
        return link(instruction.id, args[1]);
      case spv::Op::OpSelect:
        link(instruction.id, args[1]);
        return link(instruction.id, args[2]);
      case spv::Op::OpFunctionCall:
        return visit_call(instruction);
      default:
        break;
    }
    if (is_inert(instruction.op)) return;
    if (const std::uint8_t access = direct_access(instruction.op); access != 0) {
      return mark(args[0], access);
    }
    visit_unknown(instruction);
  }

  // Whatever it is, it may use and pass on every reference among its operands.
  void visit_unknown(const Instruction& instruction) {
    const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(instruction.op));
    if (row == nullptr) return;
    const bool makes_reference = instruction.id != 0 && is_reference(instruction.id);
    visit_ids(row->operands, instruction.args, 1, [&](std::size_t at) {
      const Id id = instruction.args[at];
      if (!is_reference(id)) return;
      mark(id, kBoth);
      if (makes_reference) link(instruction.id, id);
    });
    if (makes_reference) edges_.emplace_back(instruction.id, stored_);
  }

  void visit_load(const Instruction& load) {
    const Type* type = module_.type(load.type);
    if (is_opaque(*type)) return link(load.id, load.args[0]);
    mark(load.args[0], kRead);
    if (type->kind == TypeKind::kPointer) edges_.emplace_back(load.id, stored_);
  }

  void visit_call(const Instruction& call) {
    const Function* callee = module_.function(call.args[0]);
    if (callee == nullptr) return;
    for (std::size_t i = 0; i < callee->parameters.size() && i + 1 < call.args.size(); ++i) {
      link(callee->parameters[i].id, call.args[i + 1]);
    }
    // A function's id stands for what it returns.
    if (is_reference(call.id)) edges_.emplace_back(call.id, callee->id);
  }

  void visit_return(const Function& function, const Instruction& terminator) {
    if (terminator.op == spv::Op::OpReturnValue) link(function.id, terminator.args[0]);
  }

  // Each node's mark can grow thrice, so that the work is linear in the edges.
  void propagate() {
    std::sort(edges_.begin(), edges_.end());
    std::vector<Id> work;
    for (Id id = 0; id < marks_.size(); ++id) {
      if (marks_[id] != 0) work.push_back(id);
    }
    while (!work.empty()) {
      const Id made = work.back();
      work.pop_back();
      if (made == stored_ && (marks_[made] & kWrite) != 0) marks_[made] |= kWrittenWhereKept;
      auto edge = std::lower_bound(edges_.begin(), edges_.end(), std::pair(made, Id{0}));
      for (; edge != edges_.end() && edge->first == made; ++edge) {
        std::uint8_t& mark = marks_[edge->second];
        if ((mark | marks_[made]) == mark) continue;
        mark |= marks_[made];
        work.push_back(edge->second);
      }
    }
  }

  const Module& module_;
  const EntryPoint& entry_;
  std::vector<std::uint8_t> marks_;       // per id, and one for stored_
  Id stored_;                             // every pointer that was stored anywhere
  std::vector<std::pair<Id, Id>> edges_;  // (made, made from)
};

}  // namespace

std::vector<std::uint8_t> find_accesses(const Module& module, const EntryPoint& entry) {
  return AccessFinder(module, entry).run();
}

}  // namespace sokr::spirv
