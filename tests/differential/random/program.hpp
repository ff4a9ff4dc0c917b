// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A random program: a tree of structured statements over u32 values, small enough to be
// evaluated by hand. generate() makes one from a seed, evaluate() says what it computes,
// emit() writes it as SPIR-V, print() as text, shrink() reduces one that fails.
//
// What a program may touch:
//   locals      u32 variables of a function; the parameters come first
//   arrays      array 0 is Private, array 1 is a variable of main
//   own[]       Workgroup memory, one word an invocation, touched by its owner only
//   shared[]    Workgroup memory that changes hands at barriers, two words an invocation
//   count       one word of Workgroup memory for atomics
//   input       read-only words; output: kOutputs words for each invocation
//   counters    kCounterCells words for each atomic operation
//   push        kPushWords words
// Programs have no data race, and barriers stand in uniform control flow, so there is
// exactly one right result. Invocations of a subgroup that go through the same turns of the
// same loops meet at its operations.
#ifndef SOKR_TESTS_DIFFERENTIAL_PROGRAM_HPP_
#define SOKR_TESTS_DIFFERENTIAL_PROGRAM_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sokr::differential {

inline constexpr std::uint32_t kArraySize = 8;
inline constexpr std::uint32_t kOutputs = 8;
inline constexpr std::uint32_t kInputWords = 61;
inline constexpr std::uint32_t kCounterCells = 4;
inline constexpr std::uint32_t kPushWords = 4;

enum class Op : std::uint8_t {
  // leaves; `value` says which
  kConstant,
  kLocal,
  kCounter,
  kInvocation,
  kGroup,
  kPush,
  kOwn,
  kLane,  // the invocation's number in its subgroup
  // one operand: memory (`value` says which), integers, floats
  kInput,
  kArray,
  kShared,
  kNot,
  kNegate,
  kBitCount,
  kBitReverse,
  kFindUMsb,
  kFindILsb,
  kSAbs,
  kFQuarter,
  // two operands
  kAdd,
  kSub,
  kMul,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kSar,
  kUDiv,
  kUMod,
  kSDiv,
  kSRem,
  kSMod,
  kUMin,
  kSMax,
  kMulHigh,
  kFAdd,
  kFSub,
  kFMul,
  kFMin,
  kFMax,
  // three operands; the condition first. kBranch evaluates one side only and joins in a phi
  kSelect,
  kBranch,
  kBitField,
  // conditions
  kEqual,
  kULess,
  kSLess,
  kFLess,
  kBoth,
  kEither,
  kNeither,
  kCount
};

struct Expr {
  Op op = Op::kConstant;
  std::uint32_t value = 0;
  std::vector<Expr> args;
};

bool is_condition(Op op);

enum class Atomic : std::uint8_t { kAdd, kXor, kAnd, kOr, kUMin, kSMax, kCount };

// What the active invocations of a subgroup do together. Of an invocation that is not active,
// or does not exist, a shuffle gives 0.
enum class Together : std::uint8_t {
  kAdd,
  kXor,
  kAnd,
  kOr,
  kUMin,
  kSMax,
  kInclusiveAdd,
  kExclusiveAdd,
  kInclusiveUMin,
  kExclusiveXor,
  kClusteredAdd,  // of kCluster neighbours
  kBroadcastFirst,
  kShuffle,     // from e1 modulo the subgroup's size
  kShuffleXor,  // what e1 says is the same for all invocations, here and below
  kShuffleUp,
  kShuffleDown,
  // e0 is a condition
  kAny,
  kAll,
  kAllEqual,
  kBallot,  // both words, exclusive-ored
  kBallotCount,
  kBallotRank,   // how many before this one
  kBallotFirst,  // 99 if none
  kBallotLast,
  kElect,  // no operand
  kCount
};
inline constexpr std::uint32_t kCluster = 4;
inline constexpr std::uint32_t kNobody = 99;

enum class Kind : std::uint8_t {
  kAssign,      // local[target] = e0
  kArrayStore,  // array[target][e0] = e1
  kOutput,      // output[e0] = e1
  kOutputMix,   // output[e0] = output[e0] * 31 + e1
  kOwnStore,    // own = e0
  kAtomic,      // counters of operation `target`, cell e0: with e1
  kCall,        // local[target] = function `callee`(exprs...); the last argument of a
                // function with a reference is local[reference]
  kBarrier,
  kSharedStore,  // shared[e0] = e1
  kSharedLoad,   // local[target] = shared[e0 % invocations]
  kCountReset,   // count = 0
  kCountAdd,     // atomically count += e0
  kCountLoad,    // local[target] = count
  kTogether,     // local[target] = operation `callee` of the subgroup, with e0 and e1
  kSequence,     // blocks[0], kept or dropped as a whole
  kIf,           // if (e0) blocks[0] else blocks[1]
  kSwitch,       // switch (e0) with `cases`, one block each
  kLoop,         // blocks[0] is the body, blocks[1] runs before the counter's step; e0 is the
                 // test, e1 the counter's first value, e2 what it steps by, in the way `callee`
  kBreak,
  kContinue,
  kLeaveSwitch,
  kReturn,  // e0, except in main
};

// Where a loop tests its condition: in a block after the header, in the header itself, or
// at the end of the continue construct.
enum class LoopForm : std::uint8_t { kTestBlock, kTestHeader, kTestEnd };

enum class Step : std::uint8_t { kAdd, kShiftLeft, kShiftRight };

struct Case {
  std::vector<std::uint32_t> labels;
  bool is_default = false;
  bool falls_through = false;  // into the next case
};

struct Stmt;
using Block = std::vector<Stmt>;

struct Stmt {
  Kind kind = Kind::kBarrier;
  std::uint32_t target = 0, callee = 0, reference = 0;
  LoopForm form = LoopForm::kTestBlock;
  std::vector<Expr> exprs;
  std::vector<Block> blocks;
  std::vector<Case> cases;
};

struct Function {
  std::uint32_t params = 0;    // by value; locals 0 to params - 1
  bool has_reference = false;  // local `params` is a pointer to the caller's variable
  std::uint32_t locals = 0;    // all of them
  Block body;
  Expr result;  // not for main
};

struct Program {
  std::uint64_t seed = 0;
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  std::uint32_t groups = 1;
  std::uint32_t base = 0;  // the first workgroup's id, modulo 2^32
  std::array<std::uint32_t, kPushWords> push{};
  std::vector<Function> functions;  // 0 is main; a function calls later ones only
  bool phi_counters = false;        // loop counters are phis, otherwise variables
  int optimize = 0;                 // see emit()
  std::uint32_t subgroup_size = 0;  // 0: nothing is done together
  bool output_by_cell = false;      // output cell c of all invocations before cell c + 1

  std::uint32_t invocations() const { return local_size[0] * local_size[1] * local_size[2]; }
};

struct GeneratorOptions {
  // Cases that SPIR-V leaves undefined and <sokr/substrate/edge_semantics.hpp> defines,
  // and reads beyond the end of a buffer.
  bool edges = true;
  // Operations of subgroups, which may have any size from 4 to 64.
  bool subgroups = true;
  // Where the ids of workgroups may start: 0 for most programs, up to this for the others.
  std::uint32_t most_base = 0;
};

// The same program for the same seed and options on every machine.
Program generate(std::uint64_t seed, const GeneratorOptions& options);

// What the buffers hold before a run.
struct Memory {
  std::vector<std::uint32_t> input, output, counters;
  bool operator==(const Memory&) const = default;
};
Memory initial_memory(const Program& program, std::uint64_t variant = 0);

// Runs the program on `memory`, one invocation at a time from barrier to barrier. False
// if it takes more than a fixed number of steps, if invocations disagree about a barrier, or
// if two touch the same shared word between two barriers, one of them writing, or one reads
// what nobody has written (a shrunk program may).
bool evaluate(const Program& program, Memory& memory);

// A SPIR-V module. `optimize` 1 rewrites variables to phis, 2 does so after inlining
// and then merges blocks and converts small selections.
// The module as it was if the optimizer gives up or makes an invalid one.
std::vector<std::uint32_t> emit(const Program& program);

// C-like text, for people.
std::string print(const Program& program);
std::size_t statements(const Program& program);

// The smallest program found for which `fails` still holds, by dropping statements,
// replacing statements by their blocks, and expressions by their operands or constants.
// Asks `fails` at most `budget` times; only programs that evaluate() accepts are asked about.
Program shrink(Program program, const std::function<bool(const Program&)>& fails, int budget);

// How the words of SPIR-V read.
std::string disassemble(const std::vector<std::uint32_t>& words);

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_PROGRAM_HPP_
