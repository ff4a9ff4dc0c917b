// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/spirv/module.hpp>

#include "decoder.hpp"

namespace sokr::spirv {
namespace {

template <class T>
const T* in_slot(const std::vector<std::uint32_t>& slots, const std::vector<T>& values, Id id,
                 Slot kind) {
  if (id >= slots.size() || slots[id] >> kSlotShift != static_cast<std::uint32_t>(kind)) {
    return nullptr;
  }
  return &values[slots[id] & kSlotMask];
}

}  // namespace

const Type* Module::type(Id id) const {
  return in_slot(slots_, types_, id, Slot::kType);
}

const Constant* Module::constant(Id id) const {
  return in_slot(slots_, constants_, id, Slot::kConstant);
}

const Variable* Module::variable(Id id) const {
  return in_slot(slots_, variables_, id, Slot::kVariable);
}

const Function* Module::function(Id id) const {
  return in_slot(slots_, functions_, id, Slot::kFunction);
}

const Decorations& Module::decorations(Id id) const {
  static const Decorations kNoDecorations;
  if (id >= decoration_index_.size() || decoration_index_[id] == kNone) return kNoDecorations;
  return decorations_[decoration_index_[id]];
}

std::string_view Module::name(Id id) const {
  const auto found = std::lower_bound(names_.begin(), names_.end(), id,
                                      [](const auto& entry, Id key) { return entry.first < key; });
  return found != names_.end() && found->first == id ? std::string_view(found->second)
                                                     : std::string_view();
}

std::string Module::describe(Id id) const {
  const std::string_view text = name(id);
  return text.empty() ? fmt::format("%{}", id) : fmt::format("%{} ({})", id, text);
}

std::optional<InstructionSet> Module::instruction_set(Id ext_inst_import) const {
  const auto found = std::lower_bound(instruction_sets_.begin(), instruction_sets_.end(),
                                      std::pair(ext_inst_import, InstructionSet{}));
  if (found == instruction_sets_.end() || found->first != ext_inst_import) return std::nullopt;
  return found->second;
}

Result<const EntryPoint*> Module::entry_point(std::string_view name) const {
  if (entry_points_.empty()) {
    return fail(SOKR_INVALID_INPUT,
                "the module has no compute entry point; an OpEntryPoint GLCompute is needed");
  }
  if (name.empty() && entry_points_.size() == 1) return &entry_points_.front();
  std::string names;
  for (const EntryPoint& entry : entry_points_) {
    if (entry.name == name) return &entry;
    names += (names.empty() ? "'" : ", '") + entry.name + "'";
  }
  if (name.empty()) {
    return fail(SOKR_INVALID_INPUT, "the module has {} entry points, name one of {}",
                entry_points_.size(), names);
  }
  return fail(SOKR_INVALID_INPUT, "the module has no compute entry point '{}'; it has {}", name,
              names);
}

BlockIndex Function::block_of(Id label) const {
  const auto found = std::lower_bound(labels.begin(), labels.end(), label,
                                      [](const auto& entry, Id key) { return entry.first < key; });
  return found != labels.end() && found->first == label ? found->second : kNone;
}

SwitchTargets Module::switch_targets(const Function& function, const Block& block) const {
  SwitchTargets targets;
  const std::span<const std::uint32_t> args = block.terminator.args;
  if (block.terminator.op != spv::Op::OpSwitch || args.size() < 2) return targets;
  targets.selector = args[0];
  targets.default_target = function.block_of(args[1]);
  const Type* selector = type(type_of(args[0]));
  targets.width = selector != nullptr && selector->width != 0 ? selector->width : 32;
  const std::size_t words = targets.width > 32 ? 2 : 1;
  const std::uint64_t mask = width_mask(targets.width);
  for (std::size_t at = 2; at + words < args.size(); at += words + 1) {
    std::uint64_t literal = args[at];
    if (words == 2) literal |= std::uint64_t{args[at + 1]} << 32;
    targets.cases.push_back({literal & mask, function.block_of(args[at + words])});
  }
  return targets;
}

}  // namespace sokr::spirv
