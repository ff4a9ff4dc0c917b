// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/spirv/module.hpp - the one decoded form of a SPIR-V compute module.
//
// Everyone who reads SPIR-V reads it through this: the interpreter, the code
// generator, reflection, and the Vulkan substrate's capability check. A Module
// is decoded for one set of specialization values: every specialization constant
// and OpSpecConstantOp in it is an ordinary constant, every array length and
// workgroup size a number. It is immutable, owns all its memory, and may be read
// by any number of threads.
//
//     bytes -> validate() -> decode() -> Module
//
// Ids are SPIR-V's result ids, below Module::bound().
#ifndef SOKR_SPIRV_MODULE_HPP_
#define SOKR_SPIRV_MODULE_HPP_

#include <sokr/base/result.hpp>
#include <sokr/ir.h>
#include <spirv/unified1/spirv.hpp11>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::spirv {

using Id = std::uint32_t;  // 0 = none

// ---- Types -------------------------------------------------------------------

enum class TypeKind : std::uint8_t {
  kVoid, kBool, kInt, kFloat, kVector, kMatrix, kArray, kRuntimeArray, kStruct, kPointer,
  kFunction, kImage, kSampler, kSampledImage, kCooperativeMatrix, kOther,
};

struct Member {
  Id type = 0;
  std::uint32_t offset = 0;         // bytes; valid if has_offset
  std::uint32_t matrix_stride = 0;  // bytes; 0 = not decorated
  bool has_offset = false;
  bool row_major = false;
  bool non_writable = false, non_readable = false, coherent = false, is_volatile = false;
  std::optional<spv::BuiltIn> builtin;
  std::string name;  // OpMemberName, may be empty
};

// Of an OpTypeImage.
struct ImageInfo {
  Id sampled_type = 0;
  spv::Dim dim{};
  std::uint32_t depth = 0;
  bool arrayed = false, multisampled = false;
  std::uint32_t sampled = 0;  // 1 = with a sampler, 2 = storage, 0 = known at run time only
  spv::ImageFormat format{};
};

// Of an OpTypeCooperativeMatrixKHR: a matrix that the invocations of its scope hold together. In a
// module for any values, what specialization constants decide is open.
struct CooperativeMatrixInfo {
  struct Number {
    std::uint32_t value = 0;
    bool is_open = false;
    bool operator==(const Number&) const = default;
  };
  Number scope;  // spv::Scope
  Number rows, columns;
  Number use;  // 0 = the first factor of a product, 1 = the second, 2 = what they are added to
  bool operator==(const CooperativeMatrixInfo&) const = default;
};

struct Type {
  Id id = 0;
  TypeKind kind = TypeKind::kOther;
  std::uint32_t width = 0;      // kInt, kFloat: bits
  bool is_signed = false;       // kInt
  Id element = 0;               // kVector component, kMatrix column, kArray, kRuntimeArray, kPointer
                                // pointee, kFunction return type, kSampledImage image,
                                // kCooperativeMatrix component
  std::uint32_t count = 0;      // kVector components, kMatrix columns, kArray length
  bool spec_length = false;     // kArray: specialization constants decide the length
  bool spec_sized = false;      // ... and so the size, here or in a part
  std::uint32_t stride = 0;     // kArray, kRuntimeArray, kPointer: ArrayStride; 0 = not decorated
  spv::StorageClass storage{};  // kPointer
  bool block = false, buffer_block = false;  // kStruct
  std::vector<Member> members;               // kStruct
  std::vector<Id> parameters;                // kFunction
  ImageInfo image;                           // kImage
  CooperativeMatrixInfo cooperative;         // kCooperativeMatrix
  spv::Op op{};                              // the declaring instruction
  std::string name;                          // OpName, may be empty
};

// Size in memory of a type with an explicit layout. A matrix has its layout from
// the struct member (or array of matrices in a member) that holds it.
struct MatrixLayout {
  std::uint32_t stride = 0;
  bool row_major = false;
};

struct NaturalLayout {
  std::uint64_t size = 0;
  std::uint32_t alignment = 1;
};

// ---- Values --------------------------------------------------------------------

struct Constant {
  Id id = 0;
  Id type = 0;
  std::uint64_t bits = 0;   // scalars and bool (0 or 1): bit pattern in the low `width` bits, rest 0
  std::vector<Id> parts;    // composites: one constant (or undef) each
  bool is_null = false;     // OpConstantNull of any type; a composite's parts are then empty
  bool is_undef = false;    // OpUndef at module scope
  bool is_spec = false;     // declared as a specialization constant
  std::uint32_t spec_id = UINT32_MAX;  // SpecId decoration; UINT32_MAX = none
  std::uint64_t default_bits = 0;      // with a SpecId: what the module itself gives
};

// A module-scope OpVariable.
struct Variable {
  Id id = 0;
  Id type = 0;     // the pointer type
  Id pointee = 0;  // what it points to; for descriptor arrays the array type
  spv::StorageClass storage{};
  Id initializer = 0;  // a constant or another variable; 0 = none
  std::uint32_t set = 0, binding = 0;
  bool has_binding = false;
  std::optional<spv::BuiltIn> builtin;
  bool non_writable = false, non_readable = false, coherent = false, is_volatile = false;
  bool aliased = false, restrict_ = false;
  std::string name;
};

// Decorations that change how one result is computed.
struct Decorations {
  bool no_contraction = false;
  bool relaxed_precision = false;
  bool non_uniform = false;
  std::uint32_t fp_rounding_mode = UINT32_MAX;  // spv::FPRoundingMode; UINT32_MAX = default
  std::uint32_t fast_math = UINT32_MAX;         // FPFastMathMode's bits; UINT32_MAX = default
  std::uint32_t alignment = 0;
};

// ---- Functions -------------------------------------------------------------------

// One instruction. `args` are the words after the result type and result id, in
// the module's own memory.
struct Instruction {
  spv::Op op{};
  Id type = 0;  // 0 = has none
  Id id = 0;    // 0 = has none
  std::span<const std::uint32_t> args;
  std::uint32_t word = 0;  // index of its first word in the module, for sentences
};

enum class MergeKind : std::uint8_t { kNone, kSelection, kLoop };

using BlockIndex = std::uint32_t;
inline constexpr std::uint32_t kNone = UINT32_MAX;

// Blocks that cannot be reached from the entry are not in the model, except merge
// blocks and continue targets that nothing reaches, and what follows those: they have
// reachable = false, and count as predecessors. A phi may name labels of dropped blocks.
// Debug lines and NonSemantic instructions are not in the model.
struct Block {
  Id label = 0;
  std::vector<Instruction> phis;
  std::vector<Instruction> body;  // without OpLabel, OpLine, phis, merge and terminator
  Instruction terminator;         // branch, switch, return, unreachable, kill
  MergeKind merge_kind = MergeKind::kNone;
  BlockIndex merge = kNone;            // merge block
  BlockIndex continue_target = kNone;  // kLoop
  std::uint32_t merge_control = 0;     // spv::SelectionControlMask or spv::LoopControlMask
  std::vector<BlockIndex> successors;  // in operand order, duplicates removed
  std::vector<BlockIndex> predecessors;
  std::uint32_t construct = 0;  // innermost construct that holds it (index into constructs)
  bool reachable = true;
};

// Structured control flow: blocks are ordered so that every construct is a
// contiguous range [begin, end) that starts at its header, a loop's continue
// construct ends the loop's range, and the merge block follows at `end`
// (it may belong to the parent). The order is also a reverse post-order of the
// flow graph without back edges: a block comes after all its forward
// predecessors. constructs[0] is the function body; parents come before children.
//
// decode() checks this of every function of a Shader module: a construct is entered
// at its begin only; an edge that leaves constructs goes to the merge block of one of
// them, to the continue target of a loop around it, or from one case into a later case
// of the same switch; the one back edge of a loop starts in its continue construct.
// Cases cover their switch after its header. A loop whose header is its own continue
// target has no kContinue construct. A switch without cases is a kSwitch whose only
// case is the default.
enum class ConstructKind : std::uint8_t {
  kFunction, kSelection, kSwitch, kLoop, kContinue, kCase,
};

struct Construct {
  ConstructKind kind = ConstructKind::kFunction;
  std::uint32_t parent = kNone;
  BlockIndex begin = 0, end = 0;
  BlockIndex header = 0;
  BlockIndex merge = kNone;            // selection, switch, loop
  BlockIndex continue_target = kNone;  // loop
};

struct Parameter {
  Id id = 0;
  Id type = 0;
};

struct Function {
  Id id = 0;
  Id type = 0;         // the OpTypeFunction
  Id return_type = 0;
  std::uint32_t control = 0;  // spv::FunctionControlMask
  std::vector<Parameter> parameters;
  std::vector<Instruction> variables;  // OpVariable of storage class Function; not in `body`
  std::vector<Block> blocks;           // blocks[0] is the entry
  std::vector<Construct> constructs;
  std::vector<Id> callees;             // direct, each once
  std::vector<Id> globals;             // module-scope variables it names itself, each once
  bool has_barrier = false;            // OpControlBarrier in itself or a callee
  bool has_loop = false;               // a loop in itself or a callee
  // What it becomes when each call is replaced by what it calls; sums stay at UINT64_MAX.
  std::uint32_t call_depth = 0;            // calls inside one another below it
  std::uint64_t inlined_blocks = 0;        // control barriers and calls end a block
  std::uint64_t inlined_instructions = 0;  // bodies, phis and terminators
  std::string name;
  std::vector<std::pair<Id, BlockIndex>> labels;  // sorted by label

  // kNone if there is no such block: phis may name labels of blocks that were dropped.
  BlockIndex block_of(Id label) const;
};

// (literal, target) pairs of an OpSwitch; literals zero-extended to 64 bits.
struct SwitchCase {
  std::uint64_t literal = 0;
  BlockIndex target = kNone;
};
struct SwitchTargets {
  Id selector = 0;
  std::uint32_t width = 32;
  BlockIndex default_target = kNone;
  std::vector<SwitchCase> cases;
};

// ---- Entry points --------------------------------------------------------------------

enum class LocalSizeSource : std::uint8_t {
  kLiteral = SOKR_IR_LOCAL_SIZE_LITERAL,
  kId = SOKR_IR_LOCAL_SIZE_ID,
  kBuiltInConstant = SOKR_IR_LOCAL_SIZE_WORKGROUP,  // overrides the others
  kOverride = SOKR_IR_LOCAL_SIZE_OVERRIDE,          // DecodeOptions::local_size
};

// Execution modes of the float controls, by width: bit 0 = 16, 1 = 32, 2 = 64.
struct FloatControls {
  std::uint8_t denorm_preserve = 0, denorm_flush_to_zero = 0;
  std::uint8_t signed_zero_inf_nan_preserve = 0;
  std::uint8_t rounding_rte = 0, rounding_rtz = 0;
  // FPFastMathDefault of 16, 32 and 64 bits; UINT32_MAX = none.
  std::array<std::uint32_t, 3> fast_math_default{UINT32_MAX, UINT32_MAX, UINT32_MAX};
};

struct EntryPoint {
  std::string name;
  Id function = 0;
  spv::ExecutionModel model{};
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  LocalSizeSource local_size_source = LocalSizeSource::kLiteral;
  std::array<std::uint32_t, 3> local_size_spec_ids{UINT32_MAX, UINT32_MAX, UINT32_MAX};
  // Bits of axes whose size a launch may still decide, by any constant: it is taken to be 1 there.
  // None if the module was not decoded for any values.
  std::uint8_t open_local_size = 0;
  bool has_local_size_id = false;  // also where another source is above it
  FloatControls float_controls;
  bool has_local_size = false;  // LocalSize is said
  bool maximally_reconverges = false;
  bool subgroup_uniform_control_flow = false;  // uniform for a subgroup: it stays together
  std::uint32_t required_subgroup_size = 0;  // SubgroupSize mode; 0 = none
  // The static call tree: its function, and what that calls at any depth, each once.
  std::vector<Id> functions;
  std::vector<Id> globals;  // every module-scope variable in the static call tree, each once
  std::uint64_t workgroup_bytes = 0;  // storage of its Workgroup variables
  // Its Workgroup variables are blocks: they share one memory, laid out as decorated. Otherwise
  // layout decorations have no meaning in Workgroup memory.
  bool explicit_workgroup = false;
};

// ---- The module -------------------------------------------------------------------------

struct DecodeOptions {
  std::span<const SokrIrSpecValue> specializations;
  std::array<std::uint32_t, 3> local_size{0, 0, 0};  // all 0 = the module's own
  // Before any values are known: refuses nothing that some would make good. See decode().
  bool any_values = false;
};

enum class InstructionSet : std::uint8_t { kGlslStd450, kNonSemantic, kOther };

class Module {
 public:
  std::uint32_t version() const { return version_; }  // 0x00010500 for 1.5
  // The lowest version that has all that it uses and no extension of it brings: version(), or a
  // newer one, for modules are read that say an older one than they need.
  std::uint32_t needed_version() const { return needed_version_; }
  Id bound() const { return bound_; }
  std::span<const std::uint32_t> words() const { return words_; }  // host byte order

  std::span<const spv::Capability> capabilities() const { return capabilities_; }
  std::span<const std::string> extensions() const { return extensions_; }
  bool for_any_values() const { return for_any_values_; }  // DecodeOptions::any_values
  spv::AddressingModel addressing_model() const { return addressing_; }
  spv::MemoryModel memory_model() const { return memory_; }

  std::span<const EntryPoint> entry_points() const { return entry_points_; }  // GLCompute only
  // By name; an empty name is the only one. The sentence lists what there is.
  Result<const EntryPoint*> entry_point(std::string_view name) const;

  // Null if the id is not of that kind.
  const Type* type(Id id) const;
  const Constant* constant(Id id) const;
  const Variable* variable(Id id) const;
  const Function* function(Id id) const;
  const Decorations& decorations(Id id) const;
  std::string_view name(Id id) const;  // OpName; empty if none
  // "%12 (radius)", for sentences.
  std::string describe(Id id) const;
  // Is nothing written through the variable: by its own decoration, or that of every member of
  // what it points to (through arrays)?
  bool is_read_only(const Variable& variable) const;
  // The same for non_readable.
  bool is_write_only(const Variable& variable) const;
  // May others change what it points to while a kernel runs: volatile or coherent, itself or a
  // member?
  bool is_shared_live(const Variable& variable) const;
  // The result type of any value id (constant, variable, parameter, instruction); 0 = none.
  Id type_of(Id id) const { return id < value_types_.size() ? value_types_[id] : 0; }
  std::optional<InstructionSet> instruction_set(Id ext_inst_import) const;

  std::span<const Constant> constants() const { return constants_; }  // in module order
  std::span<const Variable> variables() const { return variables_; }
  std::span<const Function> functions() const { return functions_; }

  // Bytes of a type with explicit layout; a runtime array counts as 0.
  std::uint64_t explicit_size(Id type, MatrixLayout matrix = {}) const;
  // Where the last scalar of such a type ends: its bytes without padding behind it.
  std::uint64_t data_size(Id type, MatrixLayout matrix = {}) const;
  // Size and alignment of a type that has no explicit layout, as the standard storage
  // buffer layout (std430) would place it; bool takes 4 bytes, a runtime array 0.
  NaturalLayout natural_layout(Id type) const;
  // Bytes of a runtime array's element stride within a block struct; 0 if it has none.
  std::uint32_t runtime_array_stride(Id block_struct) const;
  // Scalar components of a scalar, vector or matrix; elements are counted, not bytes.
  std::uint32_t component_count(Id type) const;
  // The scalar type at the bottom of a vector, matrix, array or cooperative matrix.
  const Type& scalar_type(Id type) const;

  SwitchTargets switch_targets(const Function& function, const Block& block) const;

 private:
  friend class Decoder;
  std::vector<std::uint32_t> words_;
  std::uint32_t version_ = 0;
  Id bound_ = 0;
  bool for_any_values_ = false;
  std::uint32_t needed_version_ = 0;
  std::vector<spv::Capability> capabilities_;
  std::vector<std::string> extensions_;
  spv::AddressingModel addressing_{};
  spv::MemoryModel memory_{};
  std::vector<EntryPoint> entry_points_;
  std::vector<Type> types_;
  std::vector<Constant> constants_;
  std::vector<Variable> variables_;
  std::vector<Function> functions_;
  std::vector<Decorations> decorations_;
  std::uint64_t compute_explicit_size(const Type& type) const;
  std::uint64_t compute_data_size(const Type& type) const;
  NaturalLayout compute_natural_layout(const Type& type) const;
  std::vector<std::uint64_t> sizes_;       // per type: explicit bytes without a matrix layout
  std::vector<std::uint64_t> data_sizes_;  // per type: the same without padding at the end
  std::vector<NaturalLayout> naturals_;  // per type
  std::vector<std::uint32_t> slots_;    // per id: kind and index into the vector of its kind
  std::vector<Id> value_types_;         // per id
  std::vector<std::uint32_t> decoration_index_;  // per id; empty if nothing is decorated
  std::vector<std::pair<Id, std::string>> names_;  // sorted by id
  std::vector<std::pair<Id, InstructionSet>> instruction_sets_;
};

// How much of the specification a module has to keep. In every mode it has to decode.
enum class Strictness : std::uint8_t {
  kStrict,   // what SPIRV-Tools' validator accepts for Vulkan 1.3
  kRelaxed,  // and what drivers accept: see validate()
  kOff,      // what decodes
};

// Of the option "spirv.validate" if it is given, else of SOKR_VALIDATE in the environment:
// "strict", "relaxed" or "off". kRelaxed if neither is; SOKR_INVALID_INPUT for another word.
Result<Strictness> strictness_from(std::optional<std::string_view> option);

struct ValidateOptions {
  Strictness strictness = Strictness::kRelaxed;
  std::string* remark = nullptr;  // receives why a strict reading refuses what was accepted
};

// Is this a SPIR-V module for Vulkan compute? SPIRV-Tools' validator for the Vulkan
// environment; OpSource languages that it does not know, debug lines and NonSemantic
// instructions are left out before. kRelaxed also takes a module that would be valid with
//   a newer header (an older one, for BufferBlock), or the OpExtension of what it uses;
//   all variables that an entry point uses in its interface, each once; a good array length where
//   launches give it; OpCopyObject or OpBitcast for a conversion between types of the same width.
// What else is wrong stays wrong.
// SOKR_INVALID_IR with a sentence that names the instruction; SOKR_CAPABILITY_DENIED for
// what is newer than this build or beyond its limits. `bytes` needs no alignment; either
// byte order is accepted. Costs milliseconds: callers keep the answer with the content.
Result<void> validate(std::span<const std::uint8_t> bytes, const ValidateOptions& options = {});

// Decodes a module for one set of specialization values. Checks by itself whatever memory
// safety needs, so that a module that was not validated is refused or decoded, never a crash.
// SOKR_INVALID_IR for a bad module; SOKR_INVALID_INPUT for a specialization of another size than
// declared, and for values that make a length or a workgroup size bad (0, negative, beyond 2^48
// bytes, not that of a value or behind its last part): the sentence names their constants. Ids that
// the module does not declare are ignored: optimisers remove constants that callers still give.
//
// With any_values, a length that specialization constants decide is the module's own if
// that is good and small, else 1; EntryPoint::local_size is 1 on the axes that they decide,
// and workgroup_bytes leaves out what they size: what is over a limit then always is.
Result<std::shared_ptr<const Module>> decode(std::span<const std::uint8_t> bytes,
                                             const DecodeOptions& options = {});

// The module's words with all that specialization decides written as ordinary constants: no
// SpecId or OpSpecConstant* but one with too many parts for an instruction. Interfaces are complete.
std::vector<std::uint32_t> specialized_words(const Module& module);

// Names as in the specification: "OpFAdd", "Int64", "StorageBuffer"; "op 4711" if unknown.
std::string op_name(spv::Op op);
std::string capability_name(spv::Capability capability);
// The declared ones, and those that they declare implicitly, each once.
std::vector<spv::Capability> with_implied(std::span<const spv::Capability> declared);
std::string storage_class_name(spv::StorageClass storage);
std::string glsl_std_450_name(std::uint32_t instruction);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_MODULE_HPP_
