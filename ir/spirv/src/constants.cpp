// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <string>

#include "decoder.hpp"
#include "grammar.hpp"

namespace sokr::spirv {
namespace {

bool is_scalar(const Type& type) {
  return type.kind == TypeKind::kBool || type.kind == TypeKind::kInt ||
         type.kind == TypeKind::kFloat;
}

bool is_composite(const Type& type) {
  return type.kind == TypeKind::kVector || type.kind == TypeKind::kMatrix ||
         type.kind == TypeKind::kArray || type.kind == TypeKind::kStruct;
}

std::uint32_t scalar_width(const Type& type) {
  return type.kind == TypeKind::kBool ? 1 : type.width;
}

std::uint32_t specialization_size(const Type& type) {
  return type.kind == TypeKind::kBool ? 4 : type.width / 8;
}

// Are these operand kinds and widths what `op` takes for a result of this type?
bool fits_operation(spv::Op op, const Type& result, std::span<const Scalar> operands) {
  const auto all = [&](ScalarKind kind) {
    return std::all_of(operands.begin(), operands.end(),
                       [&](const Scalar& operand) { return operand.kind == kind; });
  };
  const Scalar& a = operands.front();
  const Scalar& b = operands.back();
  switch (op) {
    case spv::Op::OpFConvert:
    case spv::Op::OpQuantizeToF16:
      return all(ScalarKind::kFloat) && result.kind == TypeKind::kFloat;
    case spv::Op::OpBitcast:
      return a.kind != ScalarKind::kBool && result.kind != TypeKind::kBool &&
             a.width == result.width;
    case spv::Op::OpLogicalNot:
    case spv::Op::OpLogicalOr:
    case spv::Op::OpLogicalAnd:
    case spv::Op::OpLogicalEqual:
    case spv::Op::OpLogicalNotEqual:
      return all(ScalarKind::kBool) && result.kind == TypeKind::kBool;
    case spv::Op::OpSConvert:
    case spv::Op::OpUConvert:
      return all(ScalarKind::kInt) && result.kind == TypeKind::kInt;
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic:
    case spv::Op::OpShiftLeftLogical:
      return all(ScalarKind::kInt) && result.kind == TypeKind::kInt && a.width == result.width;
    case spv::Op::OpIEqual:
    case spv::Op::OpINotEqual:
    case spv::Op::OpULessThan:
    case spv::Op::OpSLessThan:
    case spv::Op::OpUGreaterThan:
    case spv::Op::OpSGreaterThan:
    case spv::Op::OpULessThanEqual:
    case spv::Op::OpSLessThanEqual:
    case spv::Op::OpUGreaterThanEqual:
    case spv::Op::OpSGreaterThanEqual:
      return all(ScalarKind::kInt) && a.width == b.width && result.kind == TypeKind::kBool;
    default:
      return all(ScalarKind::kInt) && a.width == b.width && result.kind == TypeKind::kInt &&
             a.width == result.width;
  }
}

std::string describe_scalar(const Type& type) {
  if (type.kind == TypeKind::kBool) return "bool";
  const char* letter = type.kind == TypeKind::kFloat ? "f" : type.is_signed ? "i" : "u";
  return fmt::format("{}{}", letter, type.width);
}

}  // namespace

void Decoder::add_constant(Constant constant) {
  module_->value_types_[constant.id] = constant.type;
  set_slot(constant.id, Slot::kConstant, module_->constants_.size());
  module_->constants_.push_back(std::move(constant));
}

Id Decoder::new_constant(Constant constant) {
  const Id id = module_->bound_++;
  module_->slots_.push_back(0);
  module_->value_types_.push_back(0);
  constant.id = id;
  add_constant(std::move(constant));
  return id;
}

Id Decoder::null_constant(Id type) {
  Constant null;
  null.type = type;
  null.is_null = true;
  return new_constant(std::move(null));
}

Result<void> Decoder::spend_parts(const RawInstruction& raw, std::uint64_t parts) {
  if (parts > parts_left_) return bad(raw, "the module's constants have too many parts");
  parts_left_ -= parts;
  return {};
}

Result<void> Decoder::decode_constant(const RawInstruction& raw) {
  const Type* type = module_->type(result_type(raw));
  if (type == nullptr) {
    return bad(raw, "its type %{} is not a type declared before it", result_type(raw));
  }
  if (raw.op != spv::Op::OpSpecConstantOp) SOKR_TRY(check_instruction(raw));
  SOKR_TRY(spend_result(raw, type->id));
  Constant constant;
  constant.id = result_id(raw);
  constant.type = type->id;
  switch (raw.op) {
    case spv::Op::OpUndef:
      constant.is_undef = true;
      break;
    case spv::Op::OpConstantNull:
      constant.is_null = true;
      break;
    case spv::Op::OpConstantComposite:
    case spv::Op::OpSpecConstantComposite:
      SOKR_TRY(decode_composite(raw, *type, constant));
      break;
    case spv::Op::OpSpecConstantOp:
      SOKR_TRY(decode_spec_op(raw, *type, constant));
      break;
    default:
      SOKR_TRY(decode_scalar(raw, *type, constant));
      break;
  }
  constant.is_spec = op_name(raw.op).starts_with("OpSpec");
  if (!decoration_head_.empty()) {
    for (std::uint32_t at = decoration_head_[constant.id]; at != kNone;
         at = decorations_[at].next) {
      count_work();
      const DecorationRef& ref = decorations_[at];
      if (ref.operands.empty() || ref.member != kNone) continue;
      if (ref.decoration == spv::Decoration::SpecId) constant.spec_id = ref.operands[0];
      if (ref.decoration == spv::Decoration::BuiltIn &&
          static_cast<spv::BuiltIn>(ref.operands[0]) == spv::BuiltIn::WorkgroupSize) {
        workgroup_size_ = constant.id;
      }
    }
  }
  if (constant.spec_id != UINT32_MAX) SOKR_TRY(specialize(raw, *type, constant));
  if (workgroup_size_ == constant.id) SOKR_TRY(override_workgroup_size(raw, *type, constant));
  note_decided(raw, constant);
  add_constant(std::move(constant));
  return {};
}

Result<void> Decoder::decode_scalar(const RawInstruction& raw, const Type& type,
                                    Constant& constant) {
  const auto operands = args(raw);
  switch (raw.op) {
    case spv::Op::OpConstantTrue:
    case spv::Op::OpConstantFalse:
    case spv::Op::OpSpecConstantTrue:
    case spv::Op::OpSpecConstantFalse:
      if (type.kind != TypeKind::kBool) return bad(raw, "its type %{} is not bool", type.id);
      constant.bits = raw.op == spv::Op::OpConstantTrue || raw.op == spv::Op::OpSpecConstantTrue;
      return {};
    default:
      if (type.kind != TypeKind::kInt && type.kind != TypeKind::kFloat) {
        return bad(raw, "its type %{} is not a number", type.id);
      }
      constant.bits = operands[0];
      if (type.width > 32) constant.bits |= std::uint64_t{operands[1]} << 32;
      constant.bits &= width_mask(type.width);
      return {};
  }
}

Id Decoder::member_type(const Type& type, std::uint32_t index) const {
  return type.kind == TypeKind::kStruct ? type.members[index].type : type.element;
}

std::uint64_t Decoder::member_count(const Type& type) const {
  if (!is_composite(type)) return 0;
  return type.kind == TypeKind::kStruct ? type.members.size() : type.count;
}

Result<void> Decoder::decode_composite(const RawInstruction& raw, const Type& type,
                                       Constant& constant) {
  const auto operands = args(raw);
  if (type.kind == TypeKind::kCooperativeMatrix) {  // one value for all of its components
    if (operands.size() != 1 || module_->constant(operands[0]) == nullptr ||
        module_->type_of(operands[0]) != type.element) {
      return bad(raw, "a cooperative matrix has one constituent, a constant of its component type");
    }
    constant.parts.assign(operands.begin(), operands.end());
    return {};
  }
  if (!is_composite(type)) return bad(raw, "its type %{} is not a composite", type.id);
  if (operands.size() != member_count(type)) {
    if (type.spec_length && options_.any_values) {  // other values would make it fit
      constant.is_null = true;
      return {};
    }
    const std::string sentence =
        fmt::format("it has {} constituents, its type has {}", operands.size(), member_count(type));
    if (type.spec_length) return misfit(raw, type, sentence);
    return bad(raw, "{}", sentence);
  }
  for (std::uint32_t i = 0; i < operands.size(); ++i) {
    const Constant* part = module_->constant(operands[i]);
    if (part == nullptr) {
      return bad(raw, "constituent %{} is not a constant declared before it", operands[i]);
    }
    if (part->type != member_type(type, i)) {
      return bad(raw, "constituent %{} has type %{}, not %{}", operands[i], part->type,
                 member_type(type, i));
    }
  }
  constant.parts.assign(operands.begin(), operands.end());
  return {};
}

Result<void> Decoder::specialize(const RawInstruction& raw, const Type& type, Constant& constant) {
  if (!is_scalar(type) || !constant.is_spec || raw.op == spv::Op::OpSpecConstantOp) {
    return bad(raw, "SpecId is only for scalar specialization constants");
  }
  constant.default_bits = constant.bits;
  for (const SokrIrSpecValue& given : options_.specializations) {
    if (given.id != constant.spec_id) continue;
    if (given.size != specialization_size(type)) {
      return fail(SOKR_INVALID_INPUT,
                  "the value for specialization constant {} has {} bytes, its type {} takes {}",
                  given.id, given.size, describe_scalar(type), specialization_size(type));
    }
    constant.bits = type.kind == TypeKind::kBool ? (given.value & UINT32_MAX) != 0
                                                 : given.value & width_mask(type.width);
  }
  return {};
}

// An operand is declared before what it is an operand of. Literal indices among the operands may
// look like ids: at worst a length is open that nobody decides.
void Decoder::note_decided(const RawInstruction& raw, const Constant& constant) {
  bool decided = constant.spec_id != UINT32_MAX;
  if (raw.op == spv::Op::OpSpecConstantOp || raw.op == spv::Op::OpSpecConstantComposite) {
    const auto operands = args(raw).subspan(raw.op == spv::Op::OpSpecConstantOp ? 1 : 0);
    count_work(operands.size());
    decided |= std::ranges::any_of(operands, [&](Id id) { return is_decided(id); });
  }
  if (!decided) return;
  if (is_decided_.empty()) is_decided_.assign(definition_.size(), false);
  is_decided_[constant.id] = true;
}

// Of what is too much to look at some constants are left out.
std::string Decoder::decided_by(Id constant) const {
  constexpr std::size_t kMostLooked = 256, kMostNamed = 8;
  std::vector<Id> work{constant}, seen{constant};
  std::vector<std::string> names;
  while (!work.empty()) {
    const Constant* value = module_->constant(work.back());
    work.pop_back();
    if (value == nullptr || value->id >= definition_.size()) continue;
    if (value->spec_id != UINT32_MAX) {
      const std::string_view name = module_->name(value->id);
      names.push_back(name.empty() ? fmt::format("{}", value->spec_id)
                                   : fmt::format("{} ({})", value->spec_id, name));
      continue;
    }
    const RawInstruction& raw = raws_[definition_[value->id] - 1];
    if (raw.op != spv::Op::OpSpecConstantOp && raw.op != spv::Op::OpSpecConstantComposite) continue;
    const auto operands = args(raw).subspan(raw.op == spv::Op::OpSpecConstantOp ? 1 : 0);
    count_work(operands.size());
    for (const Id id : operands) {
      if (seen.size() == kMostLooked) break;
      if (!is_decided(id) || std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
      seen.push_back(id);
      work.push_back(id);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.empty()) return "";
  const bool is_cut = names.size() > kMostNamed;
  if (is_cut) names.resize(kMostNamed);
  return fmt::format("; decided by specialization constant{} {}{}", names.size() > 1 ? "s" : "",
                     fmt::join(names, ", "), is_cut ? " and more" : "");
}

Result<void> Decoder::override_workgroup_size(const RawInstruction& raw, const Type& type,
                                              Constant& constant) {
  const Type* part = module_->type(type.element);
  if (type.kind != TypeKind::kVector || type.count != 3 || part->kind != TypeKind::kInt ||
      part->width != 32) {
    return bad(raw, "a constant decorated WorkgroupSize is a vector of 3 32-bit integers");
  }
  if (options_.local_size == std::array<std::uint32_t, 3>{}) return {};
  constant.parts.clear();
  constant.is_null = constant.is_undef = false;
  for (const std::uint32_t size : options_.local_size) {
    Constant number;
    number.type = part->id;
    number.bits = size;
    constant.parts.push_back(new_constant(std::move(number)));
  }
  return {};
}

Result<void> Decoder::decode_module_variable(const RawInstruction& raw) {
  SOKR_TRY(check_instruction(raw));
  Module& m = *module_;
  const auto operands = args(raw);
  Variable variable;
  variable.id = result_id(raw);
  variable.type = result_type(raw);
  variable.storage = static_cast<spv::StorageClass>(operands[0]);
  const Type* type = m.type(variable.type);
  if (type == nullptr || type->kind != TypeKind::kPointer) {
    return bad(raw, "its type %{} is not a pointer", variable.type);
  }
  if (type->storage != variable.storage || variable.storage == spv::StorageClass::Function) {
    return bad(raw,
               "storage class {} does not suit a variable at module scope with a pointer to {}",
               storage_class_name(variable.storage), storage_class_name(type->storage));
  }
  variable.pointee = type->element;
  if (m.type(variable.pointee) == nullptr) {
    return bad(raw, "its pointee %{} is not a type declared before it", variable.pointee);
  }
  variable.initializer = operands.size() > 1 ? operands[1] : 0;
  if (variable.initializer != 0) {
    const Constant* value = m.constant(variable.initializer);
    if (value != nullptr ? value->type != variable.pointee
                         : m.variable(variable.initializer) == nullptr) {
      return bad(raw, "its initializer %{} is not a constant of its type or a variable",
                 variable.initializer);
    }
  }
  variable.name = std::string(m.name(variable.id));
  decorate_variable(variable);
  m.value_types_[variable.id] = variable.type;
  set_slot(variable.id, Slot::kVariable, m.variables_.size());
  m.variables_.push_back(std::move(variable));
  return {};
}

void Decoder::decorate_variable(Variable& variable) const {
  if (decoration_head_.empty()) return;
  for (std::uint32_t at = decoration_head_[variable.id]; at != kNone; at = decorations_[at].next) {
    const DecorationRef& ref = decorations_[at];
    if (ref.member != kNone) continue;
    const std::uint32_t value = ref.operands.empty() ? 0 : ref.operands[0];
    switch (ref.decoration) {
      case spv::Decoration::DescriptorSet:
        variable.set = value;
        break;
      case spv::Decoration::Binding:
        variable.binding = value;
        variable.has_binding = true;
        break;
      case spv::Decoration::BuiltIn:
        variable.builtin = static_cast<spv::BuiltIn>(value);
        break;
      case spv::Decoration::NonWritable:
        variable.non_writable = true;
        break;
      case spv::Decoration::NonReadable:
        variable.non_readable = true;
        break;
      case spv::Decoration::Coherent:
        variable.coherent = true;
        break;
      case spv::Decoration::Volatile:
        variable.is_volatile = true;
        break;
      case spv::Decoration::Aliased:
        variable.aliased = true;
        break;
      case spv::Decoration::Restrict:
        variable.restrict_ = true;
        break;
      default:
        break;
    }
  }
}

// ---- OpSpecConstantOp: its opcode and operands are all in args.

Result<Id> Decoder::constant_operand(const RawInstruction& raw, std::size_t index) const {
  const auto operands = args(raw);
  if (index >= operands.size()) return bad(raw, "{} words are too few for it", raw.count);
  if (module_->constant(operands[index]) == nullptr) {
    return bad(raw, "operand %{} is not a constant declared before it", operands[index]);
  }
  return operands[index];
}

Result<void> Decoder::decode_spec_op(const RawInstruction& raw, const Type& type,
                                     Constant& constant) {
  const auto operands = args(raw);
  if (operands.empty()) return bad(raw, "{} words are too few for it", raw.count);
  const auto op = static_cast<spv::Op>(operands[0]);
  if (op == kCooperativeMatrixLength) {
    return denied(raw,
                  "what a specialization constant is cannot depend on "
                  "OpCooperativeMatrixLengthKHR here: only the device knows it");
  }
  if (const SyntaxRow* row = find_syntax(operands[0]))
    SOKR_TRY(check_operands(raw, *row, operands.subspan(1)));
  switch (op) {
    case spv::Op::OpCompositeExtract:
      return fold_extract(raw, constant);
    case spv::Op::OpCompositeInsert:
      return fold_insert(raw, constant);
    case spv::Op::OpVectorShuffle:
      return fold_shuffle(raw, type, constant);
    case spv::Op::OpSelect:
      return fold_select(raw, type, constant);
    default:
      break;
  }
  if (scalar_operands(op) == 0) {
    return bad(raw, "{} cannot be folded in a specialization constant", op_name(op));
  }
  return fold_arithmetic(raw, type, constant);
}

Result<std::vector<Id>> Decoder::expand_parts(const RawInstruction& raw, Id composite) {
  const Constant source = *module_->constant(composite);
  const Type type = *module_->type(source.type);
  SOKR_TRY(spend_parts(raw, member_count(type)));
  count_work(member_count(type));
  if (!source.parts.empty()) return source.parts;
  std::vector<Id> parts;
  Id previous = 0;
  for (std::uint32_t i = 0; i < member_count(type); ++i) {
    const Id part_type = member_type(type, i);
    if (previous == 0 || module_->type_of(previous) != part_type)
      previous = null_constant(part_type);
    parts.push_back(previous);
  }
  return parts;
}

Result<void> Decoder::fold_extract(const RawInstruction& raw, Constant& constant) {
  SOKR_ASSIGN(Id at, constant_operand(raw, 1));
  for (const std::uint32_t index : args(raw).subspan(2)) {
    const Constant* whole = module_->constant(at);
    const Type* type = module_->type(whole->type);
    const bool is_part = index < member_count(*type);
    if (!is_part && !(type->spec_length && options_.any_values)) {
      return bad(raw, "index {} is outside of the {} parts of %{}", index, member_count(*type), at);
    }
    SOKR_TRY(spend_parts(raw, 1));
    at = !is_part || whole->parts.empty() ? null_constant(member_type(*type, index))
                                          : whole->parts[index];
  }
  const Constant* part = module_->constant(at);
  if (part->type != constant.type) {
    return bad(raw, "the part has type %{}, not %{}", part->type, constant.type);
  }
  SOKR_TRY(spend_parts(raw, part->parts.size()));
  constant.bits = part->bits;
  constant.parts = part->parts;
  constant.is_null = part->is_null;
  constant.is_undef = part->is_undef;
  return {};
}

Result<void> Decoder::fold_insert(const RawInstruction& raw, Constant& constant) {
  SOKR_ASSIGN(const Id object, constant_operand(raw, 1));
  SOKR_ASSIGN(const Id composite, constant_operand(raw, 2));
  const auto indices = args(raw).subspan(3);
  if (module_->constant(composite)->type != constant.type || indices.empty()) {
    return bad(raw, "composite %{} does not have the result's type", composite);
  }
  // Down to the place, then up again, each level a copy with one part replaced.
  std::vector<std::vector<Id>> levels;
  Id at = composite;
  for (const std::uint32_t index : indices) {
    const std::uint64_t count = member_count(*module_->type(module_->type_of(at)));
    if (index >= count) {
      constant.is_null = options_.any_values;  // other values may make the array longer
      if (constant.is_null && module_->type(module_->type_of(at))->spec_length) return {};
      return bad(raw, "index {} is outside of the {} parts of %{}", index, count, at);
    }
    SOKR_ASSIGN(std::vector<Id> parts, expand_parts(raw, at));
    at = parts[index];
    levels.push_back(std::move(parts));
  }
  if (module_->type_of(at) != module_->type_of(object)) {
    return bad(raw, "object %{} does not have the type of the part that it replaces", object);
  }
  Id replacement = object;
  for (std::size_t level = levels.size(); level-- > 1;) {
    Constant copy;
    copy.type = module_->type_of(levels[level - 1][indices[level - 1]]);
    copy.parts = std::move(levels[level]);
    copy.parts[indices[level]] = replacement;
    replacement = new_constant(std::move(copy));
  }
  constant.parts = std::move(levels[0]);
  constant.parts[indices[0]] = replacement;
  return {};
}

Result<void> Decoder::fold_shuffle(const RawInstruction& raw, const Type& type,
                                   Constant& constant) {
  SOKR_ASSIGN(const Id first, constant_operand(raw, 1));
  SOKR_ASSIGN(const Id second, constant_operand(raw, 2));
  const auto components = args(raw).subspan(3);
  for (const Id id : {first, second}) {
    const Type* source = module_->type(module_->type_of(id));
    if (source->kind != TypeKind::kVector || type.kind != TypeKind::kVector ||
        source->element != type.element) {
      return bad(raw, "%{} is not a vector with the result's component type", id);
    }
  }
  if (components.size() != type.count) {
    return bad(raw, "it has {} components, its type has {}", components.size(), type.count);
  }
  const Id part_type = type.element;
  SOKR_ASSIGN(std::vector<Id> parts, expand_parts(raw, first));
  SOKR_ASSIGN(const std::vector<Id> others, expand_parts(raw, second));
  parts.insert(parts.end(), others.begin(), others.end());
  for (const std::uint32_t component : components) {
    if (component != UINT32_MAX && component >= parts.size()) {
      return bad(raw, "component {} is outside of the {} of its vectors", component, parts.size());
    }
    constant.parts.push_back(component == UINT32_MAX ? null_constant(part_type) : parts[component]);
  }
  return {};
}

std::uint64_t Decoder::component_bits(Id constant, std::uint32_t component) const {
  const Constant* value = module_->constant(constant);
  if (module_->type(value->type)->kind != TypeKind::kVector) return value->bits;
  return value->parts.empty() ? 0 : module_->constant(value->parts[component])->bits;
}

Result<void> Decoder::fold_select(const RawInstruction& raw, const Type& type, Constant& constant) {
  SOKR_ASSIGN(const Id condition, constant_operand(raw, 1));
  SOKR_ASSIGN(const Id if_true, constant_operand(raw, 2));
  SOKR_ASSIGN(const Id if_false, constant_operand(raw, 3));
  if (module_->type_of(if_true) != type.id || module_->type_of(if_false) != type.id) {
    return bad(raw, "its objects do not have the result's type");
  }
  const Type condition_type = *module_->type(module_->type_of(condition));
  if (module_->scalar_type(condition_type.id).kind != TypeKind::kBool) {
    return bad(raw, "its condition %{} is not a bool", condition);
  }
  if (condition_type.kind == TypeKind::kBool) {
    const Constant* chosen =
        module_->constant(component_bits(condition, 0) != 0 ? if_true : if_false);
    SOKR_TRY(spend_parts(raw, chosen->parts.size()));
    constant.bits = chosen->bits;
    constant.parts = chosen->parts;
    constant.is_null = chosen->is_null;
    constant.is_undef = chosen->is_undef;
    return {};
  }
  if (type.kind != TypeKind::kVector || condition_type.kind != TypeKind::kVector ||
      condition_type.count != type.count) {
    return bad(raw, "its condition %{} does not have as many components as the result", condition);
  }
  const std::uint32_t count = type.count;
  SOKR_ASSIGN(std::vector<Id> parts, expand_parts(raw, if_true));
  SOKR_ASSIGN(const std::vector<Id> others, expand_parts(raw, if_false));
  for (std::uint32_t i = 0; i < count; ++i) {
    if (component_bits(condition, i) == 0) parts[i] = others[i];
  }
  constant.parts = std::move(parts);
  return {};
}

Result<void> Decoder::fold_arithmetic(const RawInstruction& raw, const Type& type,
                                      Constant& constant) {
  const auto op = static_cast<spv::Op>(args(raw)[0]);
  const std::uint32_t operand_count = scalar_operands(op);
  const bool is_vector = type.kind == TypeKind::kVector;
  const std::uint32_t components = is_vector ? type.count : 1;
  const Type scalar = is_vector ? *module_->type(type.element) : type;
  if (!is_scalar(scalar)) return bad(raw, "its type %{} is not a scalar or vector", type.id);

  std::array<Id, 2> ids{};
  std::array<Scalar, 2> operands{};
  for (std::uint32_t i = 0; i < operand_count; ++i) {
    SOKR_ASSIGN(ids[i], constant_operand(raw, 1 + i));
    const Type& whole = *module_->type(module_->type_of(ids[i]));
    const Type& part = whole.kind == TypeKind::kVector ? *module_->type(whole.element) : whole;
    if (!is_scalar(part) || (whole.kind == TypeKind::kVector ? whole.count : 1) != components) {
      return bad(raw, "operand %{} does not have as many components as the result", ids[i]);
    }
    operands[i].width = scalar_width(part);
    operands[i].kind = part.kind == TypeKind::kBool    ? ScalarKind::kBool
                       : part.kind == TypeKind::kFloat ? ScalarKind::kFloat
                                                       : ScalarKind::kInt;
  }
  if (!fits_operation(op, scalar, std::span(operands).first(operand_count))) {
    return bad(raw, "the operand types do not suit {}", op_name(op));
  }
  SOKR_TRY(spend_parts(raw, components));
  const std::vector<FloatFold> ways = op == spv::Op::OpFConvert
                                          ? float_folds(constant.id, scalar.width)
                                          : std::vector<FloatFold>(1);
  for (std::uint32_t component = 0; component < components; ++component) {
    for (std::uint32_t i = 0; i < operand_count; ++i) {
      operands[i].bits = component_bits(ids[i], component);
    }
    const auto fold = [&](FloatFold how) {
      return fold_scalar(op, scalar_width(scalar), std::span(operands).first(operand_count), how);
    };
    const std::uint64_t bits = fold(ways[0]);
    for (const FloatFold& other : ways) {
      if (fold(other) == bits) continue;
      return fail(SOKR_CAPABILITY_DENIED,
                  "{}: entry points differ in how it is rounded or flushed, and it can have one "
                  "value only",
                  where(raw));
    }
    if (!is_vector) {
      constant.bits = bits;
      break;
    }
    Constant part;
    part.type = scalar.id;
    part.bits = bits;
    part.is_spec = true;
    constant.parts.push_back(new_constant(std::move(part)));
  }
  return {};
}

}  // namespace sokr::spirv
