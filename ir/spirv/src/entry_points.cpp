// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "allowed_rows.hpp"
#include "decoder.hpp"
#include "grammar.hpp"

namespace sokr::spirv {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;  // more is counted as this

// The bit of FloatControls for a width; 0 = no such width.
std::uint8_t width_bit(std::uint32_t width) {
  return width == 16 ? 1 : width == 32 ? 2 : width == 64 ? 4 : 0;
}

std::uint8_t* float_control(FloatControls& controls, spv::ExecutionMode mode) {
  switch (mode) {
    case spv::ExecutionMode::DenormPreserve:
      return &controls.denorm_preserve;
    case spv::ExecutionMode::DenormFlushToZero:
      return &controls.denorm_flush_to_zero;
    case spv::ExecutionMode::SignedZeroInfNanPreserve:
      return &controls.signed_zero_inf_nan_preserve;
    case spv::ExecutionMode::RoundingModeRTE:
      return &controls.rounding_rte;
    case spv::ExecutionMode::RoundingModeRTZ:
      return &controls.rounding_rtz;
    default:
      return nullptr;
  }
}

}  // namespace

// The float controls of all compute entry points, each kind once; execution modes come before
// constants.
const std::vector<FloatControls>& Decoder::kernel_controls() {
  if (kernel_controls_) return *kernel_controls_;
  std::unordered_map<Id, FloatControls> entries;
  for (std::size_t i = 0; i < first_function_; ++i) {
    const RawInstruction& raw = raws_[i];
    const auto operands = args(raw);
    if (raw.op == spv::Op::OpEntryPoint && operands.size() > 1 &&
        static_cast<spv::ExecutionModel>(operands[0]) == spv::ExecutionModel::GLCompute) {
      entries.try_emplace(operands[1]);
    }
    if (raw.op != spv::Op::OpExecutionMode || operands.size() < 3) continue;
    const auto entry = entries.find(operands[0]);
    if (entry == entries.end()) continue;
    const auto mode = static_cast<spv::ExecutionMode>(operands[1]);
    if (std::uint8_t* widths = float_control(entry->second, mode))
      *widths |= width_bit(operands[2]);
  }
  kernel_controls_.emplace();
  const auto is_known = [&](const FloatControls& controls) {
    return std::any_of(kernel_controls_->begin(), kernel_controls_->end(), [&](const auto& known) {
      return known.rounding_rtz == controls.rounding_rtz &&
             known.denorm_flush_to_zero == controls.denorm_flush_to_zero;
    });
  };
  for (const auto& [function, controls] : entries)
    if (!is_known(controls)) kernel_controls_->push_back(controls);
  return *kernel_controls_;
}

std::vector<FloatFold> Decoder::float_folds(Id constant, std::uint32_t width) {
  std::optional<bool> decorated;
  for (std::uint32_t at = decoration_head_.empty() ? kNone : decoration_head_[constant];
       at != kNone; at = decorations_[at].next) {
    const DecorationRef& ref = decorations_[at];
    if (ref.decoration == spv::Decoration::FPRoundingMode && !ref.operands.empty())
      decorated = ref.operands[0] == static_cast<std::uint32_t>(spv::FPRoundingMode::RTZ);
  }
  std::vector<FloatFold> ways;
  for (const FloatControls& controls : kernel_controls()) {
    const FloatFold way{decorated.value_or((controls.rounding_rtz & width_bit(width)) != 0),
                        (controls.denorm_flush_to_zero & width_bit(width)) != 0};
    if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(way);
  }
  if (ways.empty()) ways.push_back({decorated.value_or(false), false});
  return ways;
}

Result<void> Decoder::decode_entry_points() {
  for (std::size_t i = 0; i < first_function_; ++i) {
    if (raws_[i].op == spv::Op::OpEntryPoint) SOKR_TRY(decode_entry_point(raws_[i]));
  }
  for (std::size_t i = 0; i < first_function_; ++i) {
    const spv::Op op = raws_[i].op;
    if (op == spv::Op::OpExecutionMode || op == spv::Op::OpExecutionModeId) {
      SOKR_TRY(apply_execution_mode(raws_[i]));
    }
  }
  seen_in_.assign(module_->bound_, kNone);
  for (std::uint32_t i = 0; i < module_->entry_points_.size(); ++i) {
    SOKR_TRY(finish_local_size(module_->entry_points_[i]));
    SOKR_TRY(walk_call_tree(module_->entry_points_[i], i));
  }
  return {};
}

Result<void> Decoder::decode_entry_point(const RawInstruction& raw) {
  SOKR_TRY(check_instruction(raw));
  const auto operands = args(raw);
  EntryPoint entry;
  entry.model = static_cast<spv::ExecutionModel>(operands[0]);
  entry.function = operands[1];
  entry.name = read_string(operands.subspan(2));
  const Function* function = module_->function(entry.function);
  if (function == nullptr) return bad(raw, "%{} is not a function", entry.function);
  if (entry.model != spv::ExecutionModel::GLCompute) return {};
  if (!function->parameters.empty()) {
    return bad(raw, "entry function %{} takes parameters, it may not", entry.function);
  }
  const std::size_t count = module_->entry_points_.size();
  if (count == limits::kEntryPoints) {
    return denied(raw, fmt::format("there are more than {} compute entry points", count));
  }
  if (!entry_names_.insert(entry.name).second) {
    return bad(raw, "another compute entry point is named '{}' too", entry.name);
  }
  entries_of_[entry.function].push_back(static_cast<std::uint32_t>(count));
  module_->entry_points_.push_back(std::move(entry));
  return {};
}

Result<void> Decoder::apply_execution_mode(const RawInstruction& raw) {
  SOKR_TRY(check_instruction(raw));
  const auto found = entries_of_.find(args(raw)[0]);
  if (found == entries_of_.end()) return {};
  // As many modes as names of one function would be quadratic.
  if (found->second.size() > tree_instructions_left_) return too_many_trees();
  tree_instructions_left_ -= found->second.size();
  for (const std::uint32_t index : found->second) {
    SOKR_TRY(apply_mode(raw, module_->entry_points_[index]));
  }
  return {};
}

Result<void> Decoder::apply_mode(const RawInstruction& raw, EntryPoint& entry) {
  const auto operands = args(raw);
  const auto mode = static_cast<spv::ExecutionMode>(operands[1]);
  const auto literals = operands.subspan(2);
  if (mode == spv::ExecutionMode::LocalSize) {
    if (literals.size() < 3) return bad(raw, "LocalSize takes 3 numbers");
    const bool is_other =
        !std::equal(entry.local_size.begin(), entry.local_size.end(), literals.begin());
    if (entry.has_local_size_id || (entry.has_local_size && is_other))
      return bad(raw, "the workgroup size of '{}' is given twice", entry.name);
    std::copy_n(literals.begin(), 3, entry.local_size.begin());
    entry.local_size_source = LocalSizeSource::kLiteral;
    entry.has_local_size = true;
  } else if (mode == spv::ExecutionMode::LocalSizeId) {
    SOKR_TRY(apply_local_size_id(raw, entry));
  } else if (mode == spv::ExecutionMode::SubgroupSize && !literals.empty()) {
    entry.required_subgroup_size = literals[0];
  } else if (mode == kFPFastMathDefault) {
    SOKR_TRY(apply_fast_math_default(raw, entry));
  } else if (mode == kMaximallyReconverges) {
    entry.maximally_reconverges = true;
  } else if (mode == spv::ExecutionMode::SubgroupUniformControlFlowKHR) {
    entry.subgroup_uniform_control_flow = true;
  } else if (std::uint8_t* widths = float_control(entry.float_controls, mode); widths != nullptr) {
    if (literals.empty() || width_bit(literals[0]) == 0) {
      return bad(raw, "{} is of floats of 16, 32 or 64 bits, not {}",
                 enumerant_name(EnumKind::kExecutionMode, operands[1]),
                 literals.empty() ? 0 : literals[0]);
    }
    *widths |= width_bit(literals[0]);
  }
  return {};
}

Result<void> Decoder::apply_fast_math_default(const RawInstruction& raw, EntryPoint& entry) {
  const auto ids = args(raw).subspan(2);
  const Type* type = ids.empty() ? nullptr : module_->type(ids[0]);
  const std::uint8_t bit =
      type != nullptr && type->kind == TypeKind::kFloat ? width_bit(type->width) : 0;
  if (bit == 0) return bad(raw, "FPFastMathDefault is of a type of floats");
  const Constant* mask = ids.size() > 1 ? module_->constant(ids[1]) : nullptr;
  const Type* mask_type = mask != nullptr ? module_->type(mask->type) : nullptr;
  if (mask_type == nullptr || mask_type->kind != TypeKind::kInt || mask_type->width != 32 ||
      mask->is_undef || mask->is_spec) {
    return bad(raw, "its mode is not a constant of 32 bits");
  }
  entry.float_controls.fast_math_default[std::countr_zero(bit)] =
      static_cast<std::uint32_t>(mask->bits);
  return {};
}

void Decoder::set_local_size(EntryPoint& entry, std::size_t axis, const Constant& size) {
  const bool is_open = size.is_spec && options_.any_values;
  entry.local_size[axis] = is_open ? 1 : static_cast<std::uint32_t>(size.bits);
  entry.local_size_spec_ids[axis] = size.spec_id;
  const auto bit = static_cast<std::uint8_t>(1u << axis);
  entry.open_local_size =
      static_cast<std::uint8_t>((entry.open_local_size & ~bit) | (is_open ? bit : 0));
  if (size.is_spec && !is_open && size.bits == 0) zero_is_specialized_ = true;
}

Result<void> Decoder::apply_local_size_id(const RawInstruction& raw, EntryPoint& entry) {
  const auto ids = args(raw).subspan(2);
  if (ids.size() < 3) return bad(raw, "LocalSizeId takes 3 ids");
  if (entry.has_local_size || entry.has_local_size_id)
    return bad(raw, "the workgroup size of '{}' is given twice", entry.name);
  entry.local_size_source = LocalSizeSource::kId;
  entry.has_local_size_id = true;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Constant* size = module_->constant(ids[axis]);
    const Type* type = size != nullptr ? module_->type(size->type) : nullptr;
    if (type == nullptr || type->kind != TypeKind::kInt || type->width > 32) {
      return bad(raw, "%{} is not a 32-bit integer constant", ids[axis]);
    }
    set_local_size(entry, axis, *size);
  }
  return {};
}

Result<void> Decoder::finish_local_size(EntryPoint& entry) {
  const Constant* built_in = module_->constant(workgroup_size_);
  if (options_.local_size != std::array<std::uint32_t, 3>{}) {
    entry.local_size = options_.local_size;
    entry.local_size_source = LocalSizeSource::kOverride;
    entry.local_size_spec_ids.fill(UINT32_MAX);
    entry.open_local_size = 0;
  } else if (built_in != nullptr) {
    entry.local_size_source = LocalSizeSource::kBuiltInConstant;
    // What chooses a vector, or puts one together, decides its components.
    const bool is_computed =
        raws_[definition_[workgroup_size_] - 1].op == spv::Op::OpSpecConstantOp;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Constant* size =
          built_in->parts.empty() ? nullptr : module_->constant(built_in->parts[axis]);
      Constant one = size != nullptr ? *size : Constant{};
      one.is_spec |= is_computed;
      set_local_size(entry, axis, one);
    }
  }
  if (std::find(entry.local_size.begin(), entry.local_size.end(), 0u) == entry.local_size.end()) {
    return {};
  }
  const bool is_callers =
      zero_is_specialized_ || entry.local_size_source == LocalSizeSource::kOverride;
  return fail(is_callers ? SOKR_INVALID_INPUT : SOKR_INVALID_IR,
              "the workgroup size of '{}' is {}x{}x{}, every number has to be at least 1",
              entry.name, entry.local_size[0], entry.local_size[1], entry.local_size[2]);
}

Failure Decoder::too_many_trees() const {
  return Failure{
      SOKR_CAPABILITY_DENIED,
      fmt::format("what the {} entry points call, counted for each of them, has more than "
                  "{} instructions, which is what a module of {} words may have",
                  module_->entry_points_.size(), limits::tree_instructions(module_->words_.size()),
                  module_->words_.size())};
}

void Decoder::add_global(Id id, EntryPoint& entry, std::uint32_t index) {
  // A variable may be initialized with the address of another one.
  for (const Variable* variable = module_->variable(id);
       variable != nullptr && seen_in_[variable->id] != index;
       variable = module_->variable(variable->initializer)) {
    seen_in_[variable->id] = index;
    entry.globals.push_back(variable->id);
    if (variable->storage != spv::StorageClass::Workgroup) continue;
    const Type* pointee = module_->type(variable->pointee);
    entry.explicit_workgroup |= pointee != nullptr && pointee->block;
    if (options_.any_values && module_->type(variable->pointee)->spec_sized) continue;
    const NaturalLayout layout = module_->natural_layout(variable->pointee);
    const std::uint64_t size = std::max(module_->explicit_size(variable->pointee), layout.size);
    const std::uint64_t mask = layout.alignment - 1;
    // A variable has 2^48 bytes at most: the sum is far from wrapping.
    entry.workgroup_bytes = std::min(((entry.workgroup_bytes + mask) & ~mask) + size, kMostBytes);
  }
}

// Whoever looks at an entry point walks through all that it calls, with a mark for each id.
Result<void> Decoder::walk_call_tree(EntryPoint& entry, std::uint32_t index) {
  std::vector<Id> work{entry.function};
  seen_in_[entry.function] = index;
  std::uint64_t instructions = module_->bound_ / 64;
  while (!work.empty()) {
    const Function& function = *module_->function(work.back());
    count_work(1 + function.blocks.size() + function.globals.size() + function.callees.size());
    work.pop_back();
    entry.functions.push_back(function.id);
    for (const Block& block : function.blocks)
      instructions += block.body.size() + block.phis.size() + 1;
    if (instructions > tree_instructions_left_) return too_many_trees();
    for (const Id id : function.globals) add_global(id, entry, index);
    for (const Id id : function.callees) {
      if (seen_in_[id] != index) work.push_back(id);
      seen_in_[id] = index;
    }
  }
  tree_instructions_left_ -= instructions;
  if (entry.globals.size() > globals_left_) {
    return fail(SOKR_INVALID_IR, "the entry points of the module name too many variables");
  }
  globals_left_ -= entry.globals.size();
  return spend_reflected(entry);
}

// What reflection says of the variables of an entry point it says for each entry point again.
Result<void> Decoder::spend_reflected(const EntryPoint& entry) {
  const Variable* push = nullptr;
  for (const Id id : entry.globals) {
    const Variable& variable = *module_->variable(id);
    if (variable.storage == spv::StorageClass::PushConstant) {
      if (push != nullptr) {
        return fail(SOKR_INVALID_IR,
                    "entry point '{}' uses two variables of push constants, {} and {}; it may use "
                    "one",
                    entry.name, module_->describe(push->id), module_->describe(id));
      }
      push = &variable;
    }
    const std::uint64_t bytes = reflected_bytes(variable);
    if (bytes > reflected_left_) {
      const std::size_t words = module_->words_.size();
      return Failure{SOKR_CAPABILITY_DENIED,
                     fmt::format("names of bindings and push constants and of their types, counted "
                                 "for each entry point, have more than {} bytes, which is what a "
                                 "module of {} words may have",
                                 limits::reflected_bytes(words), words)};
    }
    reflected_left_ -= bytes;
  }
  return {};
}

// In the bytes of the limit.
std::uint64_t Decoder::reflected_bytes(const Variable& variable) {
  const bool is_push = variable.storage == spv::StorageClass::PushConstant;
  if (!is_push && !variable.has_binding) return 0;
  const auto [known, is_new] = reflected_.try_emplace(variable.id, 0);
  if (!is_new) return known->second;
  constexpr std::size_t kLengthDigits = 12;  // of an array: "[4294967295]"
  const auto type_bytes = [&](Id id) {
    std::uint64_t bytes = 0;
    const Type* type = module_->type(id);
    for (; type != nullptr &&
           (type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray);
         type = module_->type(type->element)) {
      count_work();
      bytes += kLengthDigits;
    }
    return bytes + (type != nullptr ? type->name.size() : 0);
  };
  std::uint64_t bytes = 0;
  if (variable.has_binding)
    bytes += limits::kReflectedThing + std::max(variable.name.size(), type_bytes(variable.pointee));
  if (is_push) {
    for (const Member& member : module_->type(variable.pointee)->members) {
      count_work();
      bytes += limits::kReflectedThing + member.name.size() + type_bytes(member.type);
    }
  }
  return known->second = bytes;
}

}  // namespace sokr::spirv
