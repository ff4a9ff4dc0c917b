// SPDX-License-Identifier: MIT OR Apache-2.0
#include "decoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <sokr/base/sentence.hpp>

#include "grammar.hpp"
#include "physical_layout.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

constexpr std::uint32_t kSwappedMagic = 0x03022307;

std::uint32_t swap_bytes(std::uint32_t word) {
  return __builtin_bswap32(word);
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

}  // namespace

Decoder::Decoder(const DecodeOptions& options)
    : options_(options), module_(std::make_shared<Module>()) {
  module_->for_any_values_ = options.any_values;
}

Result<std::shared_ptr<const Module>> Decoder::decode(std::span<const std::uint8_t> bytes) {
  SOKR_TRY(read_words(bytes));
  SOKR_TRY(find_instructions());
  SOKR_TRY(decode_preamble());
  SOKR_TRY(check_functions());
  SOKR_TRY(check_lengths());
  SOKR_TRY(decode_functions());
  SOKR_TRY(decode_entry_points());
  apply_result_decorations();
  return std::shared_ptr<const Module>(std::move(module_));
}

Result<void> Decoder::read_words(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderWords * 4 || bytes.size() % 4 != 0) {
    return fail(
        SOKR_INVALID_IR,
        "{} bytes are not a SPIR-V module, which is a whole number of 4-byte words, {} at least",
        bytes.size(), kHeaderWords);
  }
  std::vector<std::uint32_t>& words = module_->words_;
  words.resize(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  if (words[0] == kSwappedMagic)
    std::transform(words.begin(), words.end(), words.begin(), swap_bytes);
  if (words[0] != spv::MagicNumber) {
    return fail(SOKR_INVALID_IR, "the magic number is 0x{:08x}, SPIR-V starts with 0x{:08x}",
                words[0], static_cast<std::uint32_t>(spv::MagicNumber));
  }
  const std::uint32_t version = words[1];
  if (version > 0x00010600 && (version & 0xFF0000FF) == 0) {
    return fail(SOKR_CAPABILITY_DENIED, "it is SPIR-V {}.{}, and this build reads 1.0 to 1.6",
                version >> 16, (version >> 8) & 0xFF);
  }
  if (version < 0x00010000 || version > 0x00010600 || (version & 0xFF) != 0) {
    return fail(SOKR_INVALID_IR, "SPIR-V version word 0x{:08x} is not one of 1.0 to 1.6", version);
  }
  if (words[3] == 0 || words[3] > limits::kIdBound) {
    return fail(SOKR_INVALID_IR, "the id bound is {}, it has to be 1 to {}", words[3],
                limits::kIdBound);
  }
  module_->version_ = module_->needed_version_ = version;
  module_->bound_ = words[3];
  definition_.assign(words[3], 0);
  module_->slots_.assign(words[3], 0);
  module_->value_types_.assign(words[3], 0);
  parts_left_ = globals_left_ = limits::made_parts(words.size());
  result_parts_left_ = limits::result_parts(words.size());
  tree_instructions_left_ = limits::tree_instructions(words.size());
  reflected_left_ = limits::reflected_bytes(words.size());
  return {};
}

Result<void> Decoder::find_instructions() {
  const std::vector<std::uint32_t>& all = module_->words_;
  raws_.reserve(all.size() / 3);
  first_function_ = kNone;
  for (std::size_t at = kHeaderWords; at < all.size();) {
    RawInstruction raw{static_cast<spv::Op>(all[at] & 0xFFFF), static_cast<std::uint32_t>(at),
                       static_cast<std::uint16_t>(all[at] >> 16), false};
    count_work();
    const OpcodeRow* row = opcode_row(all[at] & 0xFFFF);
    if (row == nullptr || find_syntax(row->value) == nullptr) {
      return fail(SOKR_CAPABILITY_DENIED, "instruction {} (word {}): {}", raws_.size() + 1, at,
                  not_known(all, fmt::format("op {}", all[at] & 0xFFFF)));
    }
    note_version(*find_syntax(row->value));
    if (raw.count == 0 || raw.count > all.size() - at) {
      return fail(SOKR_INVALID_IR,
                  "instruction {} ({}, word {}): its length is {} words, {} are left",
                  raws_.size() + 1, row->name, at, raw.count, all.size() - at);
    }
    if (raw.count < 1u + row->has_type + row->has_result) {
      return fail(SOKR_INVALID_IR, "instruction {} ({}, word {}): {} words are too few for it",
                  raws_.size() + 1, row->name, at, raw.count);
    }
    if (raw.op == spv::Op::OpFunction && first_function_ == kNone) first_function_ = raws_.size();
    if (raw.op == spv::Op::OpExtInstImport) note_import(raw);
    raw.is_passive = is_passive(raw);
    raws_.push_back(raw);
    if (row->has_result) {
      const Id id = result_id(raw);
      if (id == 0 || id >= module_->bound_) {
        return bad(raw, "its result id is not below the bound of {}", module_->bound_);
      }
      if (definition_[id] != 0) {
        return bad(raw, "its result is already defined by {}", where(raws_[definition_[id] - 1]));
      }
      definition_[id] = static_cast<std::uint32_t>(raws_.size());
    }
    at += raw.count;
  }
  if (first_function_ == kNone) first_function_ = raws_.size();
  return {};
}

// What extensions bring is asked for with them.
void Decoder::note_version(const SyntaxRow& row) {
  if (row.version == kNoVersion || *row.extensions != 0) return;
  module_->needed_version_ =
      std::max(module_->needed_version_, 0x00010000u | std::uint32_t{row.version} << 8);
}

void Decoder::note_import(const RawInstruction& raw) {
  const auto operands = args(raw);
  const Id set = result_id(raw);
  if (set >= module_->bound_ || string_words(operands) == 0 ||
      !starts_with(read_string(operands), "NonSemantic.")) {
    return;
  }
  if (is_non_semantic_.empty()) is_non_semantic_.assign(module_->bound_, false);
  is_non_semantic_[set] = true;
}

bool Decoder::is_passive(const RawInstruction& raw) const {
  if (!is_extended(raw.op)) {
    return raw.op == spv::Op::OpLine || raw.op == spv::Op::OpNoLine || raw.op == spv::Op::OpNop;
  }
  const auto operands = args(raw);
  return !operands.empty() && operands[0] < is_non_semantic_.size() &&
         is_non_semantic_[operands[0]];
}

Result<void> Decoder::check_instruction(const RawInstruction& raw) {
  const SyntaxRow& row = *find_syntax(static_cast<std::uint32_t>(raw.op));
  const std::span<const std::uint32_t> operands = args(raw);
  count_work(1 + operands.size());
  if (raw.op == spv::Op::OpSwitch && (operands.empty() || operands[0] >= module_->bound_)) {
    return bad(raw, "its selector is missing or not below the bound");
  }
  return check_operands(raw, row, operands);
}

Result<void> Decoder::check_operands(const RawInstruction& raw, const SyntaxRow& row,
                                     std::span<const std::uint32_t> operands) {
  Id undefined = 0;
  bool has_undefined = false;
  const OperandEnd end = walk_operands(
      row, operands, number_words(raw),
      [&](std::size_t at) {
        if (!is_defined(operands[at]) && !has_undefined) {
          has_undefined = true;
          undefined = operands[at];
        }
      },
      [&](const EnumerantKind&, const SyntaxRow& enumerant) { note_version(enumerant); });
  if (has_undefined) return bad(raw, "it names %{}, which nothing defines", undefined);
  return check_end(raw, operands, end);
}

Result<void> Decoder::check_end(const RawInstruction& raw, std::span<const std::uint32_t> operands,
                                const OperandEnd& end) const {
  switch (end.status) {
    case OperandEnd::Status::kComplete:
      return {};
    case OperandEnd::Status::kTooFew:
      return bad(raw, "{} words are too few for it", raw.count);
    case OperandEnd::Status::kTooMany:
      return denied(
          raw, not_known(module_->words_, fmt::format("a form of it with {} words", raw.count)));
    case OperandEnd::Status::kUnknownEnumerant:
      return denied(
          raw, not_known(module_->words_, fmt::format("{} {}", end.kind->name, operands[end.at])));
  }
  return {};
}

// Result types first: a switch needs its selector's type to find its targets.
Result<void> Decoder::check_functions() {
  for (std::size_t i = first_function_; i < raws_.size(); ++i) {
    const RawInstruction& raw = raws_[i];
    if (raw.is_passive || !opcode_row(static_cast<std::uint32_t>(raw.op))->has_type) continue;
    const Id type = result_type(raw);
    if (module_->type(type) == nullptr) return bad(raw, "its result type %{} is not a type", type);
    SOKR_TRY(spend_result(raw, type));
    if (raw.op != spv::Op::OpFunction) module_->value_types_[result_id(raw)] = type;
  }
  for (std::size_t i = first_function_; i < raws_.size(); ++i) {
    if (!raws_[i].is_passive) SOKR_TRY(check_instruction(raws_[i]));
  }
  return {};
}

Result<void> Decoder::decode_preamble() {
  Module& m = *module_;
  for (std::size_t i = 0; i < first_function_; ++i) {
    const RawInstruction& raw = raws_[i];
    switch (raw.op) {
      case spv::Op::OpName: {
        const auto operands = args(raw);
        if (operands.size() < 2 || string_words(operands.subspan(1)) == 0) {
          return bad(raw, "its string has no end");
        }
        m.names_.emplace_back(operands[0], read_string(operands.subspan(1)));
        break;
      }
      case spv::Op::OpDecorate:
      case spv::Op::OpDecorateId:
      case spv::Op::OpDecorateString:
      case spv::Op::OpMemberDecorate:
      case spv::Op::OpMemberDecorateString:
      case spv::Op::OpMemberName:
        SOKR_TRY(collect_decoration(raw));
        break;
      case spv::Op::OpGroupDecorate:
      case spv::Op::OpGroupMemberDecorate:
        group_decorations_.push_back(i);
        break;
      default:
        break;
    }
  }
  std::stable_sort(m.names_.begin(), m.names_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  SOKR_TRY(expand_decoration_groups());
  for (std::size_t i = 0; i < first_function_; ++i) {
    SOKR_TRY(decode_preamble_instruction(raws_[i]));
  }
  std::sort(m.instruction_sets_.begin(), m.instruction_sets_.end());
  if (!has_memory_model_) return fail(SOKR_INVALID_IR, "the module has no OpMemoryModel");
  return measure_again();
}

Result<void> Decoder::decode_preamble_instruction(const RawInstruction& raw) {
  Module& m = *module_;
  switch (raw.op) {
    case spv::Op::OpCapability:
      SOKR_TRY(check_instruction(raw));
      m.capabilities_.push_back(static_cast<spv::Capability>(args(raw)[0]));
      return {};
    case spv::Op::OpExtension:
      SOKR_TRY(check_instruction(raw));
      m.extensions_.push_back(read_string(args(raw)));
      return {};
    case spv::Op::OpExtInstImport: {
      SOKR_TRY(check_instruction(raw));
      const std::string name = read_string(args(raw));
      const InstructionSet set = name == "GLSL.std.450"              ? InstructionSet::kGlslStd450
                                 : starts_with(name, "NonSemantic.") ? InstructionSet::kNonSemantic
                                                                     : InstructionSet::kOther;
      m.instruction_sets_.emplace_back(result_id(raw), set);
      return {};
    }
    case spv::Op::OpMemoryModel:
      SOKR_TRY(check_instruction(raw));
      m.addressing_ = static_cast<spv::AddressingModel>(args(raw)[0]);
      m.memory_ = static_cast<spv::MemoryModel>(args(raw)[1]);
      has_memory_model_ = true;
      return {};
    case spv::Op::OpVariable:
      return decode_module_variable(raw);
    case spv::Op::OpTypeForwardPointer:
      SOKR_TRY(check_instruction(raw));
      return decode_forward_pointer(raw);
    case spv::Op::OpUndef:
    case spv::Op::OpConstantTrue:
    case spv::Op::OpConstantFalse:
    case spv::Op::OpConstant:
    case spv::Op::OpConstantComposite:
    case spv::Op::OpConstantNull:
    case spv::Op::OpSpecConstantTrue:
    case spv::Op::OpSpecConstantFalse:
    case spv::Op::OpSpecConstant:
    case spv::Op::OpSpecConstantComposite:
    case spv::Op::OpSpecConstantOp:
      return decode_constant(raw);
    default: {
      const OpcodeRow& row = *opcode_row(static_cast<std::uint32_t>(raw.op));
      if (!raw.is_passive && row.has_result && !row.has_type && starts_with(row.name, "OpType")) {
        return decode_type(raw);
      }
      return {};
    }
  }
}

void Decoder::add_decoration(Id target, std::uint32_t member, spv::Decoration decoration,
                             std::span<const std::uint32_t> operands) {
  if (decoration_head_.empty()) decoration_head_.assign(definition_.size(), kNone);
  count_work();
  decorations_.push_back({decoration_head_[target], member, decoration, operands});
  decoration_head_[target] = static_cast<std::uint32_t>(decorations_.size() - 1);
}

Result<void> Decoder::collect_decoration(const RawInstruction& raw) {
  const auto operands = args(raw);
  const bool is_member = raw.op == spv::Op::OpMemberDecorate ||
                         raw.op == spv::Op::OpMemberDecorateString ||
                         raw.op == spv::Op::OpMemberName;
  const std::size_t fixed = is_member ? 3 : 2;
  if (operands.size() < fixed) return bad(raw, "{} words are too few for it", raw.count);
  SOKR_TRY(check_instruction(raw));
  if (raw.op == spv::Op::OpMemberName) {
    add_decoration(operands[0], operands[1], spv::Decoration::Max, operands.subspan(2));
    return {};
  }
  const std::uint32_t member = is_member ? operands[1] : kNone;
  add_decoration(operands[0], member, static_cast<spv::Decoration>(operands[fixed - 1]),
                 operands.subspan(fixed));
  return {};
}

Result<void> Decoder::expand_decoration_groups() {
  for (const std::size_t index : group_decorations_) {
    const RawInstruction& raw = raws_[index];
    SOKR_TRY(check_instruction(raw));
    const auto operands = args(raw);
    const bool is_member = raw.op == spv::Op::OpGroupMemberDecorate;
    const std::size_t step = is_member ? 2 : 1;
    for (std::size_t at = 1; at + step <= operands.size(); at += step) {
      const std::uint32_t member = is_member ? operands[at + 1] : kNone;
      if (decoration_head_.empty() || operands[at] == operands[0]) continue;
      for (std::uint32_t ref = decoration_head_[operands[0]]; ref != kNone;
           ref = decorations_[ref].next) {
        count_work();
        // A group has no members: what is said of them means nothing.
        if (decorations_[ref].member != kNone) continue;
        if (decorations_.size() > limits::made_parts(module_->words_.size())) {
          return bad(raw, "decoration groups expand to too many decorations");
        }
        const DecorationRef copy = decorations_[ref];
        add_decoration(operands[at], member, copy.decoration, copy.operands);
      }
    }
  }
  return {};
}

void Decoder::apply_result_decorations() {
  Module& m = *module_;
  for (Id id = 1; id < decoration_head_.size(); ++id) {
    Decorations result;
    bool has_any = false;
    for (std::uint32_t at = decoration_head_[id]; at != kNone; at = decorations_[at].next) {
      count_work();
      const DecorationRef& ref = decorations_[at];
      if (ref.member != kNone) continue;
      const std::uint32_t value = ref.operands.empty() ? 0 : ref.operands[0];
      bool applies = true;
      switch (ref.decoration) {
        case spv::Decoration::NoContraction:
          result.no_contraction = true;
          break;
        case spv::Decoration::RelaxedPrecision:
          result.relaxed_precision = true;
          break;
        case spv::Decoration::NonUniform:
          result.non_uniform = true;
          break;
        case spv::Decoration::FPRoundingMode:
          result.fp_rounding_mode = value;
          break;
        case spv::Decoration::FPFastMathMode:
          result.fast_math = value;
          break;
        case spv::Decoration::Alignment:
          result.alignment = value;
          break;
        default:
          applies = false;
          break;
      }
      has_any = has_any || applies;
    }
    if (!has_any) continue;
    if (m.decoration_index_.empty()) m.decoration_index_.assign(m.bound_, kNone);
    m.decoration_index_[id] = static_cast<std::uint32_t>(m.decorations_.size());
    m.decorations_.push_back(result);
  }
}

std::span<const std::uint32_t> Decoder::args(const RawInstruction& raw) const {
  const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(raw.op));
  return words(raw).subspan(1u + row->has_type + row->has_result);
}

Id Decoder::result_id(const RawInstruction& raw) const {
  const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(raw.op));
  return row->has_result ? module_->words_[raw.word + 1 + row->has_type] : 0;
}

Id Decoder::result_type(const RawInstruction& raw) const {
  const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(raw.op));
  return row->has_type ? module_->words_[raw.word + 1] : 0;
}

// Words of a literal whose type the context gives: a constant's result type, a
// switch's selector.
std::uint32_t Decoder::number_words(const RawInstruction& raw) const {
  Id id = 0;
  if (raw.op == spv::Op::OpSwitch) {
    id = module_->type_of(args(raw)[0]);
  } else if (raw.op == spv::Op::OpConstant || raw.op == spv::Op::OpSpecConstant) {
    id = result_type(raw);
  }
  const Type* type = module_->type(id);
  return type != nullptr && type->width > 32 ? 2 : 1;
}

std::string Decoder::where(const RawInstruction& raw) const {
  const auto index = std::lower_bound(raws_.begin(), raws_.end(), raw.word,
                                      [](const auto& r, std::uint32_t w) { return r.word < w; });
  const Id id = result_id(raw);
  return fmt::format("instruction {} ({}{}, word {})", index - raws_.begin() + 1, op_name(raw.op),
                     id != 0 ? fmt::format(" %{}", id) : "", raw.word);
}

Result<std::shared_ptr<const Module>> decode(std::span<const std::uint8_t> bytes,
                                             const DecodeOptions& options) {
  try {
    auto module = Decoder(options).decode(bytes);
    if (module) return module;
    // Names in it may be the module's own.
    Failure failure = std::move(module).failure();
    std::ranges::transform(failure.sentence, failure.sentence.begin(), on_one_line);
    return failure;
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory while decoding a SPIR-V module of {} bytes",
                bytes.size());
  }
}

}  // namespace sokr::spirv
