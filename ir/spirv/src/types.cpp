// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "decoder.hpp"
#include "grammar.hpp"

namespace sokr::spirv {
namespace {

bool is_one_of(std::uint32_t value, std::initializer_list<std::uint32_t> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

void decorate_member(Member& member, spv::Decoration decoration,
                     std::span<const std::uint32_t> operands) {
  const std::uint32_t value = operands.empty() ? 0 : operands[0];
  switch (decoration) {
    case spv::Decoration::Offset:
      member.offset = value;
      member.has_offset = true;
      break;
    case spv::Decoration::MatrixStride:
      member.matrix_stride = value;
      break;
    case spv::Decoration::RowMajor:
      member.row_major = true;
      break;
    case spv::Decoration::NonWritable:
      member.non_writable = true;
      break;
    case spv::Decoration::NonReadable:
      member.non_readable = true;
      break;
    case spv::Decoration::Coherent:
      member.coherent = true;
      break;
    case spv::Decoration::Volatile:
      member.is_volatile = true;
      break;
    case spv::Decoration::BuiltIn:
      member.builtin = static_cast<spv::BuiltIn>(value);
      break;
    case spv::Decoration::Max:
      member.name = read_string(operands);
      break;  // OpMemberName
    default:
      break;
  }
}

}  // namespace

// Of an array or a structure; their sizes are found again when what forward pointers are is known.
Result<Id> Decoder::part_type(const RawInstruction& raw, Id id) const {
  if (is_forward_pointer(id)) return id;
  return element_type(raw, id);
}

Result<Id> Decoder::element_type(const RawInstruction& raw, Id id) const {
  const Type* type = module_->type(id);
  if (type == nullptr) return bad(raw, "%{} is not a type declared before it", id);
  if (type->kind == TypeKind::kVoid || type->kind == TypeKind::kFunction) {
    return bad(raw, "%{} cannot be an element or member", id);
  }
  if (type_depth_[type - module_->types_.data()] >= limits::kTypeDepth) {
    return bad(raw, "types nest deeper than {}", limits::kTypeDepth);
  }
  return id;
}

Result<void> Decoder::decode_type(const RawInstruction& raw) {
  Module& m = *module_;
  SOKR_TRY(check_instruction(raw));
  Type type;
  type.id = result_id(raw);
  type.op = raw.op;
  type.name = std::string(m.name(type.id));
  SOKR_TRY(decode_numeric_type(raw, type));
  SOKR_TRY(decode_aggregate_type(raw, type));
  decorate_type(type);
  note_spec_size(type);
  SOKR_TRY(measure_type(raw, type));

  std::uint32_t depth = 0;
  const auto deepen = [&](Id id) {
    if (const Type* part = m.type(id); part != nullptr && part->kind != TypeKind::kPointer) {
      depth = std::max(depth, type_depth_[part - m.types_.data()] + 1);
    }
  };
  if (type.kind != TypeKind::kPointer && type.kind != TypeKind::kFunction) {
    deepen(type.element);
    for (const Member& member : type.members) deepen(member.type);
  }
  SOKR_ASSIGN(const std::uint64_t size, checked_size(raw, type));
  m.naturals_.push_back(m.compute_natural_layout(type));
  if (m.naturals_.back().size > limits::kTypeBytes) return too_large(raw, type);
  m.sizes_.push_back(size);
  m.data_sizes_.push_back(m.compute_data_size(type));
  type_depth_.push_back(depth);
  set_slot(type.id, Slot::kType, m.types_.size());
  m.types_.push_back(std::move(type));
  return {};
}

// A type that two members have is counted twice: whoever walks through a value of the type
// meets it twice.
Result<void> Decoder::measure_type(const RawInstruction& raw, const Type& type) {
  std::uint64_t parts = 1;
  const auto add = [&](Id id) {
    const Type* part = module_->type(id);
    count_work();
    parts += part != nullptr ? type_parts_[part - module_->types_.data()] : 1;
  };
  if (type.kind == TypeKind::kStruct) {
    for (const Member& member : type.members) add(member.type);
  } else if (type.element != 0 && type.kind != TypeKind::kPointer &&
             type.kind != TypeKind::kFunction) {
    add(type.element);
  }
  if (parts > limits::kTypeParts) {
    return denied(raw, fmt::format("the type has more than {} parts, those of its members counted "
                                   "with them",
                                   limits::kTypeParts));
  }
  type_parts_.push_back(static_cast<std::uint32_t>(parts));
  return spend_result(raw, type.id);
}

// A type that is not declared yet is the last of type_parts_.
Result<void> Decoder::spend_result(const RawInstruction& raw, Id id) {
  const Type* type = module_->type(id);
  const std::uint64_t parts =
      type != nullptr ? type_parts_[type - module_->types_.data()] : type_parts_.back();
  if (parts > result_parts_left_) {
    const std::size_t words = module_->words_.size();
    return denied(raw, fmt::format("types and results up to here have more than {} parts, which "
                                   "is what a module of {} words may have",
                                   limits::result_parts(words), words));
  }
  result_parts_left_ -= parts;
  return {};
}

// Parts are at most limits::kTypeBytes = 2^48 each and counts 2^32, so a product could
// leave 64 bits: it is checked in floating point first.
Result<std::uint64_t> Decoder::checked_size(const RawInstruction& raw, const Type& type) const {
  const std::uint64_t part =
      type.element != 0
          ? std::max({module_->explicit_size(type.element),
                      module_->natural_layout(type.element).size, std::uint64_t{type.stride}})
          : 0;
  if (static_cast<double>(part) * type.count > static_cast<double>(limits::kTypeBytes)) {
    return too_large(raw, type);
  }
  const std::uint64_t size = module_->compute_explicit_size(type);
  if (size > limits::kTypeBytes) return too_large(raw, type);
  return size;
}

Result<void> Decoder::decode_numeric_type(const RawInstruction& raw, Type& type) {
  const auto operands = args(raw);
  switch (raw.op) {
    case spv::Op::OpTypeVoid:
      type.kind = TypeKind::kVoid;
      break;
    case spv::Op::OpTypeBool:
      type.kind = TypeKind::kBool;
      break;
    case spv::Op::OpTypeInt:
      type.kind = TypeKind::kInt;
      type.width = operands[0];
      type.is_signed = operands[1] != 0;
      if (!is_one_of(type.width, {8, 16, 32, 64})) {
        return bad(raw, "integers of {} bits are not supported, only 8, 16, 32 and 64", type.width);
      }
      break;
    case spv::Op::OpTypeFloat:
      type.kind = TypeKind::kFloat;
      type.width = operands[0];
      if (!is_one_of(type.width, {16, 32, 64})) {
        return bad(raw, "floats of {} bits are not supported, only 16, 32 and 64", type.width);
      }
      break;
    case spv::Op::OpTypeVector: {
      type.kind = TypeKind::kVector;
      type.element = operands[0];
      type.count = operands[1];
      const Type* part = module_->type(type.element);
      if (part == nullptr || (part->kind != TypeKind::kBool && part->kind != TypeKind::kInt &&
                              part->kind != TypeKind::kFloat)) {
        return bad(raw, "component type %{} is not a scalar", type.element);
      }
      if (!is_one_of(type.count, {2, 3, 4, 8, 16})) {
        return bad(raw, "a vector has 2, 3, 4, 8 or 16 components, not {}", type.count);
      }
      break;
    }
    case spv::Op::OpTypeMatrix: {
      type.kind = TypeKind::kMatrix;
      type.element = operands[0];
      type.count = operands[1];
      const Type* column = module_->type(type.element);
      if (column == nullptr || column->kind != TypeKind::kVector) {
        return bad(raw, "column type %{} is not a vector", type.element);
      }
      if (type.count < 2 || type.count > 4) {
        return bad(raw, "a matrix has 2 to 4 columns, not {}", type.count);
      }
      break;
    }
    default:
      break;
  }
  return {};
}

Result<void> Decoder::decode_aggregate_type(const RawInstruction& raw, Type& type) {
  const auto operands = args(raw);
  if (raw.op == kTypeCooperativeMatrix) return decode_cooperative_matrix(raw, type);
  switch (raw.op) {
    case spv::Op::OpTypeArray:
      return decode_array(raw, type);
    case spv::Op::OpTypeRuntimeArray: {
      type.kind = TypeKind::kRuntimeArray;
      SOKR_ASSIGN(type.element, part_type(raw, operands[0]));
      return {};
    }
    case spv::Op::OpTypeStruct:
      return decode_struct(raw, type);
    case spv::Op::OpTypePointer:
      return decode_pointer(raw, type);

    case spv::Op::OpTypeFunction:
      type.kind = TypeKind::kFunction;
      for (const Id id : operands) {
        if (module_->type(id) == nullptr && !is_forward_pointer(id)) {
          return bad(raw, "%{} is not a type declared before it", id);
        }
      }
      type.element = operands[0];
      type.parameters.assign(operands.begin() + 1, operands.end());
      return {};
    case spv::Op::OpTypeImage:
      type.kind = TypeKind::kImage;
      type.image = {operands[0],
                    static_cast<spv::Dim>(operands[1]),
                    operands[2],
                    operands[3] != 0,
                    operands[4] != 0,
                    operands[5],
                    static_cast<spv::ImageFormat>(operands[6])};
      return {};
    case spv::Op::OpTypeSampler:
      type.kind = TypeKind::kSampler;
      return {};
    case spv::Op::OpTypeSampledImage: {
      type.kind = TypeKind::kSampledImage;
      type.element = operands[0];
      const Type* image = module_->type(type.element);
      if (image == nullptr || image->kind != TypeKind::kImage) {
        return bad(raw, "%{} is not an image type", type.element);
      }
      return {};
    }
    default:
      return {};
  }
}

Result<void> Decoder::decode_array(const RawInstruction& raw, Type& type) {
  constexpr std::uint64_t kSmall = 1024;  // bytes
  const auto operands = args(raw);
  type.kind = TypeKind::kArray;
  SOKR_ASSIGN(type.element, part_type(raw, operands[0]));
  const Constant* length = module_->constant(operands[1]);
  const Type* length_type = length != nullptr ? module_->type(length->type) : nullptr;
  if (length_type == nullptr || length_type->kind != TypeKind::kInt) {
    return bad(raw, "its length %{} is not an integer constant", operands[1]);
  }
  const bool is_negative =
      length_type->is_signed && sign_extend(length->bits, length_type->width) < 0;
  const bool is_good = length->bits != 0 && length->bits <= UINT32_MAX && !is_negative;
  type.spec_length = length->is_spec;
  if (is_good) type.count = static_cast<std::uint32_t>(length->bits);
  const bool is_open = length->is_spec && options_.any_values;
  has_spec_lengths_ |= type.spec_length;
  if (is_open && (is_good || is_decided(length->id))) {
    const std::uint64_t each = std::max<std::uint64_t>(
        {module_->natural_layout(type.element).size, module_->explicit_size(type.element), 1});
    if (!is_good || length->bits > kSmall / each) type.count = 1;
    return {};
  }
  if (is_good) return {};
  const std::string value = is_negative
                                ? fmt::format("{}", sign_extend(length->bits, length_type->width))
                                : fmt::format("{}", length->bits);
  Failure failure = bad(raw, "its length is {}, it has to be 1 to {}{}", value, UINT32_MAX,
                        decided_by(length->id));
  if (length->is_spec) failure.code = SOKR_INVALID_INPUT;
  return failure;
}

// Before the type is added; pointers have a size of their own.
void Decoder::note_spec_size(Type& type) const {
  if (type.kind == TypeKind::kPointer || type.kind == TypeKind::kFunction) return;
  const auto is_sized = [&](Id id) {
    const Type* part = module_->type(id);
    return part != nullptr && part->spec_sized;
  };
  type.spec_sized = type.spec_length || is_sized(type.element) ||
                    std::any_of(type.members.begin(), type.members.end(),
                                [&](const Member& member) { return is_sized(member.type); });
}

Failure Decoder::too_large(const RawInstruction& raw, const Type& type) const {
  if (!type.spec_sized) return bad(raw, "the type takes more than 2^48 bytes");
  const std::string sources = type.spec_length ? decided_by(args(raw)[1]) : "";
  Failure failure = bad(raw,
                        "the type takes more than 2^48 bytes with the values of the "
                        "specialization constants{}",
                        sources);
  failure.code = SOKR_INVALID_INPUT;
  return failure;
}

Result<void> Decoder::decode_struct(const RawInstruction& raw, Type& type) {
  type.kind = TypeKind::kStruct;
  for (const Id id : args(raw)) {
    SOKR_TRY(part_type(raw, id));
    type.members.emplace_back();
    type.members.back().type = id;
  }
  return {};
}

Result<void> Decoder::decode_pointer(const RawInstruction& raw, Type& type) {
  const auto operands = args(raw);
  type.kind = TypeKind::kPointer;
  type.storage = static_cast<spv::StorageClass>(operands[0]);
  type.element = operands[1];
  if (module_->type(type.element) == nullptr && !is_forward_pointer(type.element)) {
    return bad(raw, "its pointee %{} is not a type declared before it", type.element);
  }
  return {};
}

// Nothing but a pointer may contain itself.
Result<void> Decoder::decode_forward_pointer(const RawInstruction& raw) {
  const Id id = args(raw)[0];
  const std::uint32_t defined = definition_[id];
  if (defined == 0 || defined > first_function_ ||
      raws_[defined - 1].op != spv::Op::OpTypePointer) {
    return bad(raw, "it names %{}, which no OpTypePointer declares", id);
  }
  if (is_forward_.empty()) is_forward_.assign(definition_.size(), false);
  is_forward_[id] = true;
  return {};
}

Result<void> Decoder::measure_again() {
  if (is_forward_.empty()) return {};
  // Sizes were found before what these members point to was known.
  for (std::size_t i = 0; i < module_->types_.size(); ++i) {
    const Type& type = module_->types_[i];
    const RawInstruction& raw = raws_[definition_[type.id] - 1];
    count_work(1 + type.members.size());
    SOKR_ASSIGN(module_->sizes_[i], checked_size(raw, type));
    module_->data_sizes_[i] = module_->compute_data_size(type);
    module_->naturals_[i] = module_->compute_natural_layout(type);
    if (module_->naturals_[i].size > limits::kTypeBytes) return too_large(raw, type);
  }
  return {};
}

Result<void> Decoder::decode_cooperative_matrix(const RawInstruction& raw, Type& type) {
  constexpr std::uint32_t kUses = 3;
  const auto operands = args(raw);
  type.kind = TypeKind::kCooperativeMatrix;
  type.element = operands[0];
  const Type* component = module_->type(type.element);
  if (component == nullptr ||
      (component->kind != TypeKind::kInt && component->kind != TypeKind::kFloat)) {
    return bad(raw, "component type %{} is not a type of numbers", type.element);
  }
  CooperativeMatrixInfo::Number* const numbers[] = {&type.cooperative.scope, &type.cooperative.rows,
                                                    &type.cooperative.columns,
                                                    &type.cooperative.use};
  constexpr const char* kNames[] = {"scope", "number of rows", "number of columns", "use"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    const Constant* constant = module_->constant(operands[1 + i]);
    const Type* number = constant != nullptr ? module_->type(constant->type) : nullptr;
    if (number == nullptr || number->kind != TypeKind::kInt || number->width > 32 ||
        constant->is_undef) {
      return bad(raw, "its {} %{} is not an integer constant", kNames[i], operands[1 + i]);
    }
    has_spec_matrices_ |= constant->is_spec;
    *numbers[i] = {static_cast<std::uint32_t>(constant->bits),
                   constant->is_spec && options_.any_values && is_decided(constant->id)};
    const bool is_size =
        numbers[i] == &type.cooperative.rows || numbers[i] == &type.cooperative.columns;
    const bool is_bad = is_size ? constant->bits == 0
                                : numbers[i] == &type.cooperative.use && constant->bits >= kUses;
    if (!is_bad || numbers[i]->is_open) continue;
    Failure failure = bad(raw, "its {} is {}, it has to be {}{}", kNames[i], constant->bits,
                          is_size ? "at least 1" : "0, 1 or 2", decided_by(constant->id));
    if (constant->is_spec) failure.code = SOKR_INVALID_INPUT;
    return failure;
  }
  return {};
}

void Decoder::decorate_type(Type& type) {
  if (decoration_head_.empty()) return;
  for (std::uint32_t at = decoration_head_[type.id]; at != kNone; at = decorations_[at].next) {
    count_work();
    const DecorationRef& ref = decorations_[at];
    if (ref.member != kNone) {
      if (ref.member < type.members.size()) {
        decorate_member(type.members[ref.member], ref.decoration, ref.operands);
      }
      continue;
    }
    switch (ref.decoration) {
      case spv::Decoration::Block:
        type.block = true;
        break;
      case spv::Decoration::BufferBlock:
        type.buffer_block = true;
        break;
      case spv::Decoration::ArrayStride:
        if (!ref.operands.empty()) type.stride = ref.operands[0];
        break;
      default:
        break;
    }
  }
}

}  // namespace sokr::spirv
