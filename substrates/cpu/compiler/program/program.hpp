// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One kernel as one function: every call is inlined, blocks are split at barriers, and
// blocks stay in the model's order (every construct is a contiguous range, forward
// edges go forward). Instructions keep SPIR-V's opcodes and result types; operands are
// value ids. Ids below `module->bound()` are module-scope ids (constants, variables,
// types); others are instances made while inlining.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_PROGRAM_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_PROGRAM_HPP_

#include <cstdint>
#include <sokr/base/result.hpp>
#include <sokr/spirv/module.hpp>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sokr::cpu {

using spirv::Id;

// What a kernel may become when its calls are inlined; check() refuses what has more.
inline constexpr std::uint32_t kMaxCallDepth = 64;
inline constexpr std::uint64_t kMaxBlocks = 1u << 18;
inline constexpr std::uint32_t kNone = UINT32_MAX;

// Not SPIR-V's: copies a value of many scalars. Arguments: a pointer to it; a pointer, or a
// constant; 0, or for whom (a bool); the value's type, a literal.
inline constexpr auto kCopyAggregate = static_cast<spv::Op>(0xFFFE);
// Of functions that are not inlined (calls.hpp). A call: the function, a literal, and its inputs.
// What it gives follows it at once: kCallResult, each with its number. Inside, kParameter gives an
// input by its number, and kReturn takes the outputs.
inline constexpr auto kCall = static_cast<spv::Op>(0xFFFD);
inline constexpr auto kCallResult = static_cast<spv::Op>(0xFFFC);
inline constexpr auto kParameter = static_cast<spv::Op>(0xFFFB);
inline constexpr auto kReturn = static_cast<spv::Op>(0xFFFA);
// One rounding for a product and a sum: a * b + c, a * b - c, c - a * b.
inline constexpr auto kMultiplyAdd = static_cast<spv::Op>(0xFFF9);
inline constexpr auto kMultiplySubtract = static_cast<spv::Op>(0xFFF8);
inline constexpr auto kNegatedMultiplyAdd = static_cast<spv::Op>(0xFFF7);
inline constexpr bool is_fused(spv::Op op) {
  return op >= kNegatedMultiplyAdd && op <= kMultiplyAdd;
}
// The same for products that are sums themselves: OpDot, OpVectorTimesMatrix or OpMatrixTimesVector
// of the first two arguments, and the third one added to it.
inline constexpr auto kDotAdd = static_cast<spv::Op>(0xFFF6);
inline constexpr auto kVectorTimesMatrixAdd = static_cast<spv::Op>(0xFFF5);
inline constexpr auto kMatrixTimesVectorAdd = static_cast<spv::Op>(0xFFF4);
// The product alone, of those; OpNop of all others.
inline constexpr spv::Op product_of(spv::Op op) {
  return op == kDotAdd                 ? spv::Op::OpDot
         : op == kVectorTimesMatrixAdd ? spv::Op::OpVectorTimesMatrix
         : op == kMatrixTimesVectorAdd ? spv::Op::OpMatrixTimesVector
                                       : spv::Op::OpNop;
}
inline constexpr bool is_fused_dot(spv::Op op) {
  return product_of(op) != spv::Op::OpNop;
}

struct Inst {
  spv::Op op{};
  Id type = 0;
  Id id = 0;      // 0 = no result
  Id origin = 0;  // the id in the module, for decorations and sentences
  std::vector<std::uint32_t> args;
};

struct Incoming {
  Id value = 0;
  std::uint32_t block = 0;
};

struct Phi {
  Id id = 0;
  Id type = 0;
  std::vector<Incoming> incoming;
  Id origin = 0;  // the id in the module: of a phi, a call or a variable. For texts
};

enum class Exit : std::uint8_t { kJump, kBranch, kSwitch, kEnd };

struct Case {
  std::uint64_t literal = 0;
  std::uint32_t target = 0;
};

struct Block {
  std::vector<Phi> phis;
  std::vector<Inst> body;
  Exit exit = Exit::kEnd;
  Id condition = 0;                         // kBranch: bool; kSwitch: selector
  std::vector<std::uint32_t> targets;       // kJump 1; kBranch true, false; kSwitch [0] = default
  std::vector<Case> cases;                  // kSwitch
  std::vector<std::uint32_t> predecessors;  // each once
  std::uint32_t construct = 0;              // innermost
  bool barrier_after = false;  // a control barrier stands between this block and the next
};

enum class ConstructKind : std::uint8_t { kFunction, kSelection, kSwitch, kLoop };

// kFunction is the kernel itself or an inlined call: all returns go to `merge`.
struct Construct {
  ConstructKind kind = ConstructKind::kFunction;
  std::uint32_t parent = kNone;
  std::uint32_t begin = 0, end = 0;
  std::uint32_t header = 0;
  std::uint32_t merge = kNone;
  std::uint32_t continue_target = kNone;
  bool has_barrier = false;
};

// A value that an instruction or phi defines.
struct Definition {
  Id type = 0;
  std::uint32_t block = kNone;
  std::int32_t index = -1;  // in body; -1 - i for phi i
};

// An OpVariable of storage class Function or Private, one for each inlined instance.
struct PrivateVariable {
  Id id = 0;
  Id type = 0;  // of what it holds
  Id initializer = 0;
  Id origin = 0;           // the id in the module; 0 = made here
  Id table = 0;            // a constant that it holds for ever: nobody writes it. 0 = none
  bool in_memory = false;  // each invocation's copy has an address
  bool temporary = false;  // nobody reads what it holds before it is written
};

struct Program {
  const spirv::Module* module = nullptr;
  const spirv::EntryPoint* entry = nullptr;
  std::vector<Block> blocks;                          // the last one is empty and ends the kernel
  std::vector<Construct> constructs;                  // parents first; [0] is the kernel
  std::vector<Definition> definitions;                // by id - module->bound()
  std::vector<PrivateVariable> variables;             // by id
  std::unordered_map<Id, spirv::Constant> constants;  // made here, in addition to the module's
  bool has_barrier = false;
  bool uses_subgroups = false;
  bool has_calls = false;  // to shared functions
  bool is_shared = false;  // a shared function: not everyone comes to it

  const Definition* definition(Id id) const {
    Id bound = module->bound();
    if (id < bound || id - bound >= definitions.size()) return nullptr;
    return &definitions[id - bound];
  }
  // Null for what is no constant.
  const spirv::Constant* constant(Id id) const {
    if (id < module->bound()) return module->constant(id);
    auto it = constants.find(id);
    return it == constants.end() ? nullptr : &it->second;
  }
  // The defining instruction; null for phis, constants, variables.
  const Inst* inst(Id id) const {
    const Definition* d = definition(id);
    return d && d->block != kNone && d->index >= 0 ? &blocks[d->block].body[d->index] : nullptr;
  }
  const Phi* phi(Id id) const {
    const Definition* d = definition(id);
    return d && d->block != kNone && d->index < 0 ? &blocks[d->block].phis[-1 - d->index] : nullptr;
  }
  Id type_of(Id id) const {
    const Definition* d = definition(id);
    return d ? d->type : module->type_of(id);
  }
  bool contains(std::uint32_t construct, std::uint32_t block) const {
    const Construct& c = constructs[construct];
    return block >= c.begin && block < c.end;
  }
};

// A pointer is a value of three leaves: where its object begins, the object's size, and
// the offset into it, all 64 bits. A physical pointer is one leaf, the address.
inline constexpr std::uint32_t kPointerLeaves = 3;

// Scalars that a value of this type consists of, in order.
std::uint32_t leaf_count(const spirv::Module& module, Id type);
// The first leaf of member or element `index` of a composite.
std::uint32_t leaf_offset(const spirv::Module& module, Id type, std::uint32_t index);
Id element_type(const spirv::Module& module, Id type, std::uint32_t index);
// Has a value of this type more scalars than are held one by one? At once for any type.
inline constexpr std::uint32_t kMostLeaves = 64;
bool is_large(const spirv::Module& module, Id type);
// The scalar (or pointer) type of each leaf.
void leaf_types(const spirv::Module& module, Id type, std::vector<Id>& out);

// Which operands of an instruction are ids: calls `visit(index)` for each. Literals,
// scopes given as constants and instruction-set imports included as what they are.
template <class Visit>
void visit_value_operands(const Inst& inst, Visit visit);
bool operand_is_value(spv::Op op, std::size_t index, std::span<const std::uint32_t> args);

// Whoever moves blocks or instructions keeps Program::definitions' places true: for all of them,
// or for what a block defines by its body from instruction `first` on. What is defined nowhere any
// more has no place (`forget_definition`).
void index_definitions(Program& program);
void index_body(Program& program, std::uint32_t block, std::size_t first);
void forget_definition(Program& program, Id id);
// The predecessors of all blocks.
void link_predecessors(Program& program);

// A new constant of a scalar type.
Id add_constant(Program& program, Id type, std::uint64_t bits);
// Puts other values, or what these are replaced by in turn, in the place of some.
void replace_values(Program& program, const std::unordered_map<Id, Id>& values);
// Takes out what is marked, and renumbers. A block's construct must not be among them.
void remove_constructs(Program& program, const std::vector<bool>& which);
void remove_blocks(Program& program, const std::vector<bool>& which);
// Sorts the constructs, finds their parents and each block's innermost construct.
void nest_constructs(Program& program);

struct CallPlan;
// The entry point with all that is inlined into it, or a shared function likewise.
Result<Program> lower(const spirv::Module& module, const spirv::EntryPoint& entry,
                      const CallPlan& plan, Id shared_function = 0);

// Puts values that are large into private memory, and copies between there and elsewhere in their
// place. SOKR_CAPABILITY_DENIED if that takes more memory or code than there may be.
Result<void> place_aggregates(Program& program, bool assume_no_alias);

// Replaces private variables that are only read and written whole by phis.
void promote_variables(Program& program);

// Private variables into which nothing but one constant is ever written become tables, and
// the writing goes.
void find_tables(Program& program);

// Makes selections of short branches without effects, and joins blocks that always follow
// one another.
void simplify(Program& program);

// Makes what a round of a loop does a construct of its own, where some leave it by `continue`: they
// part in the round, and not in the loop. Were there any?
bool close_rounds(Program& program);

// Makes one load of those of a block that read the same place of memory that keeps its values.
void join_same_loads(Program& program, bool assume_no_alias);

// One division and products for several divisions by one divisor, where that is as good.
void take_reciprocals(Program& program);

// Makes one operation of products and the sums that take them, for processors that have such
// operations. What is contracted depends on the kernel alone.
void contract_products(Program& program);

// Copies the rounds of loops whose number is known, as long as that makes at most `most`
// instructions in all: those that index private arrays, and those around barriers. Were there any?
bool unroll_private(Program& program, std::size_t most);
bool unroll(Program& program, std::size_t most);

template <class Visit>
void visit_value_operands(const Inst& inst, Visit visit) {
  for (std::size_t i = 0; i < inst.args.size(); ++i)
    if (operand_is_value(inst.op, i, inst.args)) visit(i);
}

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_PROGRAM_HPP_
