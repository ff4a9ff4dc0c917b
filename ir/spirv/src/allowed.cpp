// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/module.hpp>
#include <string_view>
#include <vector>

#include "allowed_rows.hpp"
#include "decoder.hpp"
#include "grammar.hpp"
#include "physical_layout.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

std::span<const std::uint32_t> rows_of(EnumKind kind) {
  switch (kind) {
#define SOKR_KIND(name, text) \
  case EnumKind::k##name:     \
    return rows::k##name;
    SOKR_ENUM_KINDS(SOKR_KIND)
#undef SOKR_KIND
  }
  return {};
}

// The kind of an operand's letter (tools/generate_tables.py), and whether it is a mask.
struct LetterRow {
  char letter;
  EnumKind kind;
  bool is_mask = false;
};
constexpr LetterRow kLetters[] = {
    {'A', EnumKind::kAddressingModel},
    {'C', EnumKind::kCapability},
    {'D', EnumKind::kDecoration},
    {'F', EnumKind::kFunctionControl, true},
    {'G', EnumKind::kGroupOperation},
    {'L', EnumKind::kLoopControl, true},
    {'M', EnumKind::kMemoryModel},
    {'S', EnumKind::kStorageClass},
    {'T', EnumKind::kSelectionControl, true},
    {'V', EnumKind::kPackedVectorFormat},
    {'m', EnumKind::kMemoryAccess, true},
};

const LetterRow* find_letter(char letter) {
  for (const LetterRow& row : kLetters)
    if (row.letter == letter) return &row;
  return nullptr;
}

// `words`: of the module, whose extensions may say what a number nobody knows is.
Failure refused(std::span<const std::uint32_t> words, EnumKind kind, std::uint32_t value,
                const std::string& where) {
  const char* name = find_enumerant(kind, value);
  if (name == nullptr) {
    return fail(SOKR_CAPABILITY_DENIED, "{}{}", where,
                not_known(words, fmt::format("{} {}", kind_name(kind), value)));
  }
  return fail(SOKR_CAPABILITY_DENIED, "{}{} {} is none that compute kernels have here", where,
              kind_name(kind), name);
}

Result<void> check_value(std::span<const std::uint32_t> words, EnumKind kind, std::uint32_t value,
                         const std::string& where) {
  if (is_allowed(kind, value)) return {};
  return refused(words, kind, value, where);
}

// The lowest bit that has no row.
Result<void> check_mask(std::span<const std::uint32_t> words, EnumKind kind, std::uint32_t mask,
                        const std::string& where) {
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    SOKR_TRY(check_value(words, kind, left & (~left + 1), where));
  }
  return {};
}

std::string where_is(const OpcodeRow& row, std::size_t word) {
  return fmt::format("{} (word {}): ", row.name, word);
}

// ---- The words of a module ------------------------------------------------------------

class WordWalk {
 public:
  explicit WordWalk(std::span<const std::uint32_t> words) : words_(words) {}

  Result<void> run() {
    SOKR_TRY(each([&](const OpcodeRow& row, auto args, std::size_t) -> Result<void> {
      if (static_cast<spv::Op>(row.value) == spv::Op::OpEntryPoint && args.size() >= 2 &&
          static_cast<spv::ExecutionModel>(args[0]) == spv::ExecutionModel::GLCompute) {
        kernels_.push_back(args[1]);
      }
      return {};
    }));
    std::ranges::sort(kernels_);
    return each(
        [&](const OpcodeRow& row, auto args, std::size_t word) { return check(row, args, word); });
  }

 private:
  // Ends quietly where the words are no instructions any more.
  template <class Visit>
  Result<void> each(Visit&& visit) {
    for (std::size_t at = kHeaderWords; at < words_.size();) {
      const std::size_t count = words_[at] >> 16;
      const OpcodeRow* row = opcode_row(words_[at] & 0xFFFF);
      if (row == nullptr || count == 0 || count > words_.size() - at ||
          count < 1u + row->has_type + row->has_result) {
        return {};
      }
      const std::size_t fixed = 1u + row->has_type + row->has_result;
      SOKR_TRY(visit(*row, words_.subspan(at + fixed, count - fixed), at));
      at += count;
    }
    return {};
  }

  Result<void> check(const OpcodeRow& row, std::span<const std::uint32_t> args, std::size_t word) {
    Result<void> result;
    const auto look = [&](char letter, std::size_t at) {
      if (!result) return;
      if (letter == 'E') {
        result = check_mode(args, at);
        return;
      }
      const LetterRow* kind = find_letter(letter);
      if (kind == nullptr) return;
      const std::string where = kind->kind == EnumKind::kCapability ? "" : where_is(row, word);
      result = kind->is_mask ? check_mask(words_, kind->kind, args[at], where)
                             : check_value(words_, kind->kind, args[at], where);
      if (result && letter == 'D') result = check_decoration(args.subspan(at), where);
    };
    // A literal of two words can only be in an instruction without enumerants.
    (void)visit_operands(row.operands, args, 1, look);
    return result;
  }

  Result<void> check_mode(std::span<const std::uint32_t> args, std::size_t at) {
    if (!std::ranges::binary_search(kernels_, args[0])) return {};
    return check_value(words_, EnumKind::kExecutionMode, args[at],
                       fmt::format("entry point %{}: ", args[0]));
  }

  Result<void> check_decoration(std::span<const std::uint32_t> args,
                                const std::string& where) const {
    if (args.size() < 2) return {};
    switch (static_cast<spv::Decoration>(args[0])) {
      case spv::Decoration::FPRoundingMode:
        return check_value(words_, EnumKind::kFPRoundingMode, args[1], where);
      case spv::Decoration::FPFastMathMode:
        return check_mask(words_, EnumKind::kFPFastMathMode, args[1], where);
      default:
        return {};
    }
  }

  std::span<const std::uint32_t> words_;
  std::vector<std::uint32_t> kernels_;  // entry functions of compute; sorted
};

// ---- What an entry point reaches --------------------------------------------------------

class EntryWalk {
 public:
  EntryWalk(const Module& module, const EntryPoint& entry) : m_(module), e_(entry) {}

  Result<void> run() {
    SOKR_TRY(check_modes());
    for (const Id id : e_.globals) {
      if (const Variable* variable = m_.variable(id)) SOKR_TRY(check_variable(*variable));
    }
    for (const Id id : e_.functions)
      for (const Block& block : m_.function(id)->blocks)
        for (const Instruction& instruction : block.body) SOKR_TRY(check(instruction));
    return {};
  }

 private:
  Result<void> check_modes() {
    const FloatControls& controls = e_.float_controls;
    const auto both = [&](std::uint8_t widths, const char* one, const char* other) -> Result<void> {
      if (widths == 0) return {};
      return fail(SOKR_CAPABILITY_DENIED, "entry point '{}' has both {} and {} for {} bits",
                  e_.name, one, other, 16 << std::countr_zero(widths));
    };
    SOKR_TRY(
        both(controls.rounding_rte & controls.rounding_rtz, "RoundingModeRTE", "RoundingModeRTZ"));
    for (const std::uint32_t mask : controls.fast_math_default) {
      if (mask == UINT32_MAX) continue;
      SOKR_TRY(check_mask(m_.words(), EnumKind::kFPFastMathMode, mask,
                          fmt::format("entry point '{}': ", e_.name)));
    }
    return both(controls.denorm_preserve & controls.denorm_flush_to_zero, "DenormPreserve",
                "DenormFlushToZero");
  }

  Result<void> check_variable(const Variable& variable) {
    const bool is_input = variable.storage == spv::StorageClass::Input;
    if (variable.builtin.has_value() != is_input) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "variable {} is in storage class {} and {} built-in; a kernel's inputs are "
                  "built-in, and nothing else is",
                  m_.describe(variable.id), storage_class_name(variable.storage),
                  variable.builtin ? "is" : "is not");
    }
    const std::string where = fmt::format("variable {}: ", m_.describe(variable.id));
    if (is_input)
      return check_value(m_.words(), EnumKind::kBuiltIn,
                         static_cast<std::uint32_t>(*variable.builtin), where);
    if (std::find(std::begin(rows::kVariableStorage), std::end(rows::kVariableStorage),
                  variable.storage) != std::end(rows::kVariableStorage)) {
      return {};
    }
    return refused(m_.words(), EnumKind::kStorageClass,
                   static_cast<std::uint32_t>(variable.storage), where);
  }

  Result<void> check(const Instruction& instruction) {
    const OpcodeRow& row = *opcode_row(static_cast<std::uint32_t>(instruction.op));
    Result<void> result;
    const auto look = [&](char letter, std::size_t at) {
      if (!result) return;
      if (letter == 'k') result = check_scope(row, instruction, at);
      if (letter == 'n') result = check_semantics(row, instruction, at);
      if (letter == 'G') result = check_group(row, instruction, at);
    };
    (void)visit_operands(row.operands, instruction.args, 1, look);
    if (!result) return result;
    if (is_extended(instruction.op)) return check_extended(row, instruction);
    if (instruction.op == kCooperativeMatrixLoad) return check_memory_layout(row, instruction, 1);
    if (instruction.op == kCooperativeMatrixStore) return check_memory_layout(row, instruction, 2);
    if (instruction.op == kCooperativeMatrixMulAdd) return check_operands(row, instruction);
    switch (instruction.op) {
      case spv::Op::OpGroupNonUniformRotateKHR:
        return instruction.args.size() > 3 ? check_cluster(row, instruction) : Result<void>();
      case spv::Op::OpGroupNonUniformQuadSwap:
        return check_direction(row, instruction);
      default:
        return check_rounding(row, instruction);
    }
  }

  Result<std::uint32_t> constant(const OpcodeRow& row, const Instruction& instruction,
                                 std::size_t at, const char* what) {
    const Constant* found =
        at < instruction.args.size() ? m_.constant(instruction.args[at]) : nullptr;
    const Type* type = found != nullptr ? m_.type(found->type) : nullptr;
    if (type == nullptr || type->kind != TypeKind::kInt || found->is_undef ||
        found->bits > UINT32_MAX) {
      return fail(SOKR_CAPABILITY_DENIED, "{}its {} is not an integer constant of 32 bits",
                  where_is(row, instruction.word), what);
    }
    return static_cast<std::uint32_t>(found->bits);
  }

  Result<void> check_scope(const OpcodeRow& row, const Instruction& instruction, std::size_t at) {
    SOKR_ASSIGN(const std::uint32_t value, constant(row, instruction, at, "scope"));
    const std::string where = where_is(row, instruction.word);
    SOKR_TRY(check_value(m_.words(), EnumKind::kScope, value, where));
    const auto scope = static_cast<spv::Scope>(value);
    const bool executes = instruction.op == spv::Op::OpControlBarrier && at == 0;
    const bool is_group = std::string_view(row.name).starts_with("OpGroup");
    if ((is_group && scope != spv::Scope::Subgroup) ||
        (executes && scope != spv::Scope::Subgroup && scope != spv::Scope::Workgroup)) {
      return fail(SOKR_CAPABILITY_DENIED, "{}its execution scope is {}, it has to be {}Subgroup",
                  where, enumerant_name(EnumKind::kScope, value), executes ? "Workgroup or " : "");
    }
    return {};
  }

  Result<void> check_semantics(const OpcodeRow& row, const Instruction& instruction,
                               std::size_t at) {
    SOKR_ASSIGN(const std::uint32_t mask, constant(row, instruction, at, "memory semantics"));
    return check_mask(m_.words(), EnumKind::kMemorySemantics, mask,
                      where_is(row, instruction.word));
  }

  Result<void> check_group(const OpcodeRow& row, const Instruction& instruction, std::size_t at) {
    if (static_cast<spv::GroupOperation>(instruction.args[at]) !=
        spv::GroupOperation::ClusteredReduce) {
      return {};
    }
    if (instruction.op == spv::Op::OpGroupNonUniformBallotBitCount) {
      return fail(SOKR_CAPABILITY_DENIED, "{}it cannot be a ClusteredReduce",
                  where_is(row, instruction.word));
    }
    return check_cluster(row, instruction);
  }

  Result<void> check_cluster(const OpcodeRow& row, const Instruction& instruction) {
    SOKR_ASSIGN(const std::uint32_t size, constant(row, instruction, 3, "cluster size"));
    if (std::has_single_bit(size)) return {};
    return fail(SOKR_CAPABILITY_DENIED, "{}its cluster size is {}, it has to be a power of two",
                where_is(row, instruction.word), size);
  }

  Result<void> check_direction(const OpcodeRow& row, const Instruction& instruction) {
    SOKR_ASSIGN(const std::uint32_t direction, constant(row, instruction, 2, "direction"));
    if (direction <= 2) return {};
    return fail(SOKR_CAPABILITY_DENIED, "{}its direction is {}, it has to be 0, 1 or 2",
                where_is(row, instruction.word), direction);
  }

  // Of a cooperative matrix. One that specialization constants decide is judged with their values.
  Result<void> check_memory_layout(const OpcodeRow& row, const Instruction& instruction,
                                   std::size_t at) {
    SOKR_ASSIGN(const std::uint32_t layout, constant(row, instruction, at, "memory layout"));
    const bool is_open = m_.for_any_values() && m_.constant(instruction.args[at])->is_spec;
    if (is_open || layout == kRowMajorMatrix || layout == kColumnMajorMatrix) return {};
    return fail(SOKR_CAPABILITY_DENIED,
                "{}its memory layout is {}, it has to be {} (row major) or {} (column major)",
                where_is(row, instruction.word), layout, kRowMajorMatrix, kColumnMajorMatrix);
  }

  Result<void> check_operands(const OpcodeRow& row, const Instruction& instruction) {
    const std::uint32_t mask = instruction.args.size() > 3 ? instruction.args[3] : 0;
    if ((mask & ~cooperative_operands::kAll) == 0) return {};
    return fail(SOKR_CAPABILITY_DENIED,
                "{}cooperative matrix operands 0x{:x} are none that compute kernels have here",
                where_is(row, instruction.word), mask & ~cooperative_operands::kAll);
  }

  Result<void> check_extended(const OpcodeRow& row, const Instruction& instruction) {
    const auto set = m_.instruction_set(instruction.args[0]);
    const std::string where = where_is(row, instruction.word);
    if (set == InstructionSet::kNonSemantic) return {};
    if (set != InstructionSet::kGlslStd450) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "{}instruction set {} is none that compute kernels have here", where,
                  import_name(instruction.args[0]));
    }
    const std::uint32_t number = instruction.args[1];
    const bool is_known = find_glsl_std_450(number) != nullptr;
    if (is_known && !std::string_view(find_glsl_std_450(number)).starts_with("InterpolateAt"))
      return {};
    return fail(SOKR_CAPABILITY_DENIED, "{}{} is none that compute kernels have here", where,
                glsl_std_450_name(number));
  }

  // Rounding is said of conversions to 16 bits alone.
  Result<void> check_rounding(const OpcodeRow& row, const Instruction& instruction) {
    if (instruction.id == 0) return {};
    const std::uint32_t mode = m_.decorations(instruction.id).fp_rounding_mode;
    if (mode == UINT32_MAX) return {};
    const bool converts =
        instruction.op == spv::Op::OpFConvert && m_.scalar_type(instruction.type).width == 16;
    if (converts) return {};
    return fail(SOKR_CAPABILITY_DENIED,
                "{}FPRoundingMode {} is said of it, which only an OpFConvert to 16 bits has here",
                where_is(row, instruction.word), enumerant_name(EnumKind::kFPRoundingMode, mode));
  }

  std::string import_name(Id id) const {
    const auto words = m_.words();
    for (std::size_t at = kHeaderWords; at < words.size() && words[at] >> 16 != 0;
         at += words[at] >> 16) {
      if (static_cast<spv::Op>(words[at] & 0xFFFF) == spv::Op::OpExtInstImport &&
          words[at + 1] == id) {
        return read_string(words.subspan(at + 2));
      }
    }
    return m_.describe(id);
  }

  const Module& m_;
  const EntryPoint& e_;
};

}  // namespace

const char* kind_name(EnumKind kind) {
  switch (kind) {
#define SOKR_KIND(name, text) \
  case EnumKind::k##name:     \
    return text;
    SOKR_ENUM_KINDS(SOKR_KIND)
#undef SOKR_KIND
  }
  return "";
}

bool is_allowed(EnumKind kind, std::uint32_t value) {
  const std::span<const std::uint32_t> all = rows_of(kind);
  return std::find(all.begin(), all.end(), value) != all.end();
}

Result<void> check_allowed(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kHeaderBytes = kHeaderWords * 4;
  if (bytes.size() < kHeaderBytes || bytes.size() % 4 != 0) return {};
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  if (words[0] == __builtin_bswap32(spv::MagicNumber)) {
    for (std::uint32_t& word : words) word = __builtin_bswap32(word);
  }
  if (words[0] != spv::MagicNumber) return {};
  return WordWalk(words).run();
}

Result<void> check_allowed(const Module& module, const EntryPoint& entry) {
  SOKR_TRY(WordWalk(module.words()).run());
  return EntryWalk(module, entry).run();
}

}  // namespace sokr::spirv
