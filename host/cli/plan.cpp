// SPDX-License-Identifier: MIT OR Apache-2.0
#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <sokr/limits.hpp>
#include <utility>

#include "cast.hpp"
#include "npy.hpp"
#include "output.hpp"
#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

// What --print shows of a buffer when it is not told what.
constexpr std::uint64_t kShown = 64;

std::string name_of(const SokrIrBinding& binding) {
  return *binding.name ? fmt::format("{}.{} ({})", binding.set, binding.binding, binding.name)
                       : fmt::format("{}.{}", binding.set, binding.binding);
}

std::string list_bindings(std::span<const SokrIrBinding> bindings) {
  std::vector<std::string> names;
  for (const SokrIrBinding& binding : bindings) names.push_back(name_of(binding));
  return names.empty() ? "none" : list_text(names);
}

// Bytes without the trailing runtime array.
std::uint64_t fixed_size(const SokrIrBinding& binding) {
  return binding.min_size - std::min<std::uint64_t>(binding.min_size, binding.runtime_stride);
}

// Stands for what the entry point does not use.
constexpr SokrIrBinding kUnused{0, 0, 0, 0, 0, 0, 0, ""};

bool is_used(const SokrIrBinding& binding) {
  return &binding != &kUnused;
}

const SokrIrBinding& find_binding(std::span<const SokrIrBinding> bindings, const Selector& where,
                                  std::string_view flag) {
  for (const SokrIrBinding& binding : bindings) {
    if (binding.set != where.set || binding.binding != where.binding) continue;
    if (binding.count == 0 || where.index < binding.count) return binding;
    throw UsageError(binding.count == 1
                         ? fmt::format("{} {}: binding {} is no array; leave [{}] out", flag,
                                       where.text(), name_of(binding), where.index)
                         : fmt::format("{} {}: binding {} has the elements 0 to {}", flag,
                                       where.text(), name_of(binding), binding.count - 1));
  }
  return kUnused;
}

std::string unused_sentence(std::span<const SokrIrBinding> bindings, const Selector& where,
                            std::string_view flag) {
  return fmt::format("{} {}: the kernel does not use this binding; it uses {}", flag, where.text(),
                     list_bindings(bindings));
}

std::optional<SokrIrScalar> only_type(std::uint32_t held) {
  if (!std::has_single_bit(held)) return std::nullopt;
  return static_cast<SokrIrScalar>(std::countr_zero(held));
}

PlannedBuffer make_buffer(const SokrIrBinding& binding, const Selector& where, std::uint32_t held) {
  PlannedBuffer buffer;
  buffer.where = where;
  buffer.name = binding.name;
  buffer.type = only_type(held);
  const std::uint32_t access = binding.access & 3;
  buffer.access = access ? static_cast<SokrAccess>(access) : SOKR_ACCESS_READ;
  return buffer;
}

void inform_of_fit(std::span<const SokrIrBinding> bindings, const Selector& where,
                   std::uint64_t size, std::string_view flag) {
  const SokrIrBinding& binding = find_binding(bindings, where, flag);
  if (!is_used(binding)) {
    inform(unused_sentence(bindings, where, flag));
  } else if (size < fixed_size(binding)) {
    inform(
        fmt::format("{} {}: it has {} bytes, the kernel's block {}; accesses beyond them read 0 "
                    "and write nothing",
                    flag, where.text(), size, fixed_size(binding)));
  }
}

// Fills `buffer` with the file. A .npy file's numbers are of a type that the block holds
// afterwards.
void read_input(const std::string& file, const SokrIrBinding& binding, std::uint32_t held,
                bool may_cast, PlannedBuffer& buffer) {
  buffer.initial = PageBuffer::read(file);
  if (!file.ends_with(".npy")) return;
  const std::string name = fmt::format("'{}'", file);
  NpyHeader header = read_npy_header(buffer.initial.bytes(), name);
  const auto data = read_npy(buffer.initial.bytes(), name);
  SokrIrScalar type = header.type;
  if (holds(held, type)) {
    buffer.initial.keep(data);
  } else {
    const auto target = cast_target(held, type);
    const std::string what = fmt::format("{} holds {}, and the kernel's binding {} takes {}", name,
                                         npy_type_name(header), name_of(binding), types_text(held));
    if (!target) {
      throw Error(SOKR_INVALID_INPUT,
                  what + "; store the array as one of these, or the block as raw bytes");
    }
    if (!may_cast) {
      throw Error(SOKR_INVALID_INPUT,
                  fmt::format("{}; add --cast to convert it, or store it with astype('{}')", what,
                              scalar_numpy_name(*target)));
    }
    buffer.initial = cast(data, type, *target, name);
    type = *target;
  }
  buffer.shape = std::move(header.shape);
  buffer.type = type;
}

// Is its memory changed, exchanged or looked at? Then it is not the plan's own.
bool is_output(const Plan& plan, std::size_t buffer) {
  const auto is_it = [&](const auto& one) { return one.buffer == buffer; };
  return std::any_of(plan.outputs.begin(), plan.outputs.end(), is_it) ||
         std::any_of(plan.prints.begin(), plan.prints.end(), is_it) ||
         std::any_of(plan.swaps.begin(), plan.swaps.end(), [&](const auto& swap) {
           return swap.first == buffer || swap.second == buffer;
         });
}

std::uint64_t product(std::span<const std::uint64_t> shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape) count *= size;  // fits: the file had them all
  return count;
}

// The shape for so many elements written from `buffer`: that of the file that filled it, else
// that of the other files if they agree, as long as the number is right.
std::vector<std::uint64_t> shape_for(const std::vector<PlannedBuffer>& buffers,
                                     const PlannedBuffer& buffer, std::uint64_t count) {
  if (buffer.shape && product(*buffer.shape) == count) return *buffer.shape;
  const std::vector<std::uint64_t>* shape = nullptr;
  for (const PlannedBuffer& other : buffers) {
    if (!other.shape || product(*other.shape) != count) continue;
    if (shape && *shape != *other.shape) return {count};
    shape = &*other.shape;
  }
  return shape ? *shape : std::vector<std::uint64_t>{count};
}

void bind_memory(const PlannedBuffer& planned, PageBuffer& memory, Launch& launch) {
  const std::span<std::byte> bytes = memory.bytes();
  View view = sokr::write(bytes);
  view.access = planned.access;
  launch.bind(planned.where.set, planned.where.binding, planned.where.index, view);
}

PageBuffer copy_of(const PlannedBuffer& planned) {
  PageBuffer memory(planned.size);
  const auto initial = planned.initial.bytes();
  std::copy(initial.begin(), initial.end(), memory.bytes().begin());
  return memory;
}

// `fill` gives the memory for a buffer that the launch changes, or that is an output.
template <class Fill>
std::vector<PageBuffer> bind_each(const Plan& plan, Launch& launch, Fill fill) {
  std::vector<PageBuffer> memory(plan.buffers.size());
  for (std::size_t i = 0; i < memory.size(); ++i) {
    const PlannedBuffer& planned = plan.buffers[i];
    const Selector& where = planned.where;
    if (planned.access == SOKR_ACCESS_READ && !is_output(plan, i) &&
        !planned.initial.bytes().empty()) {
      launch.bind(where.set, where.binding, where.index, sokr::read(planned.initial.bytes()));
    } else if (planned.size) {
      memory[i] = fill(i);
      bind_memory(planned, memory[i], launch);
    } else {
      launch.bind(where.set, where.binding, where.index, View());
    }
  }
  return memory;
}

class Planner {
 public:
  Planner(const Kernel& kernel, const LaunchRequest& request)
      : kernel_(kernel), request_(request) {}

  Plan make() {
    choose_entry();
    specialize(kernel_, request_.specs, plan_.launch);
    set_sizes();
    check_kinds();
    check_push();
    add_zeros();
    check_inputs();
    for (const OutputSpec& output : request_.outputs) need_buffer(output.where, "--out");
    for (const PrintSpec& print : request_.prints) need_buffer(print.where, "--print");
    check_complete();
    // Files last: a wrong flag is reported without reading gigabytes.
    read_inputs();
    add_swaps();
    add_outputs();
    add_prints();
    return std::move(plan_);
  }

 private:
  void choose_entry() {
    const SokrIrReflection& reflection = kernel_.reflection();
    if (request_.entry || reflection.entry_point_count > 1) {
      try {
        const char* name = request_.entry ? request_.entry->c_str() : nullptr;
        index_ = static_cast<std::size_t>(&kernel_.entry(name) - reflection.entry_points);
      } catch (const Error& error) {
        throw UsageError(fmt::format("--entry: {}", error.what()));
      }
    }
    if (request_.entry) plan_.launch.entry(*request_.entry);
  }

  void set_sizes() {
    Launch& launch = plan_.launch;
    if (request_.local_size) {
      const Extent& size = *request_.local_size;
      launch.local_size(size[0], size[1], size[2]);
    }
    reflection_ = reflect_for(kernel_, launch);
    entry_ = &reflection_->entry_points[index_];
    plan_.entry = entry_->name;
    std::copy(std::begin(entry_->local_size), std::end(entry_->local_size),
              plan_.local_size.begin());
    plan_.shared_bytes = entry_->workgroup_bytes;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::uint32_t local = std::max(plan_.local_size[i], 1u);
      plan_.groups[i] =
          request_.groups ? (*request_.groups)[i] : ((*request_.threads)[i] - 1) / local + 1;
    }
    launch.groups(plan_.groups[0], plan_.groups[1], plan_.groups[2]);
    plan_.subgroup_size = request_.subgroup_size;
    launch.subgroup_size(request_.subgroup_size);
  }

  std::span<const SokrIrBinding> bindings() const {
    return {entry_->bindings, entry_->binding_count};
  }

  void check_kinds() const {
    for (const SokrIrBinding& binding : bindings()) {
      if (binding.kind == SOKR_IR_STORAGE_BUFFER || binding.kind == SOKR_IR_UNIFORM_BUFFER)
        continue;
      throw Error(
          SOKR_CAPABILITY_DENIED,
          fmt::format("the kernel's binding {} is an image or a sampler; files can only fill "
                      "storage and uniform buffers",
                      name_of(binding)));
    }
  }

  void check_push() {
    std::size_t size = 0;
    for (const PushItem& item : request_.push) {
      size += item.bytes.size();
      if (item.type) {
        plan_.launch.push_scalar(*item.type, item.bytes);
      } else {
        plan_.launch.push_bytes(item.bytes);
      }
    }
    const std::size_t wanted = (std::size_t{entry_->push_size} + 3) / 4 * 4, given = size;
    size = (size + 3) / 4 * 4;
    if (size != wanted) {
      const std::string sentence = fmt::format("--push gives {} bytes; the kernel takes {}{}",
                                               given, entry_->push_size, push_members());
      if (const auto missing = missing_member(size)) throw UsageError(sentence + *missing);
      inform(sentence);
    }
    try {
      kernel_.check_types(plan_.launch);
    } catch (const Error& error) {
      throw UsageError(fmt::format("--push: {}", error.what()));
    }
  }

  // Of the members that the kernel reads, the first that `given` bytes do not hold.
  std::optional<std::string> missing_member(std::size_t given) const {
    const std::uint32_t* ends =
        reflection_->entry_types ? reflection_->entry_types[index_].push_read_ends : nullptr;
    for (std::uint32_t i = 0; ends && i < entry_->push_member_count; ++i) {
      if (ends[i] <= given) continue;
      const std::string name = entry_->push_members[i].name;
      return fmt::format(
          "; it reads {} up to byte {}",
          name.empty() ? fmt::format("the one at {}", entry_->push_members[i].offset) : name,
          ends[i]);
    }
    return std::nullopt;
  }

  std::string push_members() const {
    std::vector<std::string> members;
    for (std::uint32_t i = 0; i < entry_->push_member_count; ++i) {
      const SokrIrPushMember& member = entry_->push_members[i];
      // Without a name where an optimiser took it.
      const std::string_view name = member.name;
      members.push_back(
          fmt::format("{}{}{} at {}", member.type, name.empty() ? "" : " ", name, member.offset));
    }
    return members.empty() ? "" : ": " + list_text(members);
  }

  void add_zeros() {
    for (const ZeroSpec& zero : request_.zeros) {
      const SokrIrBinding& binding = find_binding(bindings(), zero.where, "--zero");
      inform_of_fit(bindings(), zero.where, zero.bytes, "--zero");
      plan_.buffers.push_back(make_buffer(binding, zero.where, held_by(binding)));
      plan_.buffers.back().size = zero.bytes;
    }
  }

  void check_inputs() const {
    for (const InputSpec& input : request_.inputs) find_binding(bindings(), input.where, "--in");
  }

  bool is_given(const Selector& where) const {
    const auto same = [&](const auto& spec) { return spec.where == where; };
    return std::any_of(request_.inputs.begin(), request_.inputs.end(), same) ||
           std::any_of(plan_.buffers.begin(), plan_.buffers.end(), same);
  }

  // What is filled by no other flag starts as zeros, if its size is known.
  void need_buffer(const Selector& where, std::string_view flag) {
    const SokrIrBinding& binding = find_binding(bindings(), where, flag);
    if (is_given(where)) return;
    if (!is_used(binding)) throw UsageError(unused_sentence(bindings(), where, flag));
    if (binding.runtime_stride != 0 || binding.min_size == 0) {
      throw UsageError(fmt::format(
          "{} {}: binding {} has no size of its own; give it with --zero {}=BYTES or --in {}=FILE",
          flag, where.text(), name_of(binding), where.text(), where.text()));
    }
    plan_.buffers.push_back(make_buffer(binding, where, held_by(binding)));
    plan_.buffers.back().size = binding.min_size;
  }

  void check_complete() const {
    for (const SokrIrBinding& binding : bindings()) {
      for (std::uint32_t i = 0; i < binding.count; ++i) {
        const Selector where{binding.set, binding.binding, i};
        if (is_given(where)) continue;
        throw UsageError(fmt::format(
            "the kernel uses binding {}, which is not given; add --in "
            "{}=FILE or --zero {}=BYTES",
            binding.count > 1 ? where.text() : name_of(binding), where.text(), where.text()));
      }
    }
  }

  void read_inputs() {
    for (const InputSpec& input : request_.inputs) {
      const SokrIrBinding& binding = find_binding(bindings(), input.where, "--in");
      const std::uint32_t held = held_by(binding);
      PlannedBuffer buffer = make_buffer(binding, input.where, held);
      read_input(input.file, binding, held, request_.cast, buffer);
      buffer.size = buffer.initial.bytes().size();
      inform_of_fit(bindings(), input.where, buffer.size, "--in");
      plan_.buffers.push_back(std::move(buffer));
    }
  }

  std::size_t buffer_at(const Selector& where) const {
    const auto found = std::find_if(plan_.buffers.begin(), plan_.buffers.end(),
                                    [&](const PlannedBuffer& one) { return one.where == where; });
    return static_cast<std::size_t>(found - plan_.buffers.begin());
  }

  void add_swaps() {
    for (const SwapSpec& swap : request_.swaps) {
      for (const Selector& where : {swap.a, swap.b}) {
        if (is_used(find_binding(bindings(), where, "--swap")) || is_given(where)) continue;
        throw UsageError(unused_sentence(bindings(), where, "--swap"));
      }
      const std::size_t a = buffer_at(swap.a), b = buffer_at(swap.b);
      if (plan_.buffers[a].size != plan_.buffers[b].size) {
        throw UsageError(fmt::format(
            "--swap {}: they have {} and {} bytes; buffers that change places have one size",
            swap.text(), plan_.buffers[a].size, plan_.buffers[b].size));
      }
      plan_.swaps.emplace_back(a, b);
    }
  }

  void add_outputs() {
    for (const OutputSpec& output : request_.outputs) {
      const std::size_t at = buffer_at(output.where);
      const PlannedBuffer& buffer = plan_.buffers[at];
      PlannedOutput planned{output, at, {}};
      if (output.npy) {
        const std::uint32_t item = scalar_size(*output.npy);
        if (buffer.size % item != 0) {
          throw UsageError(fmt::format(
              "--out {}={}: the buffer's {} bytes are no whole number of {} elements of {} bytes",
              output.where.text(), output.file, buffer.size, scalar_name(*output.npy), item));
        }
        planned.shape = shape_for(plan_.buffers, buffer, buffer.size / item);
      }
      if (request_.tolerance && !output.npy && !buffer.type) {
        throw UsageError(fmt::format(
            "--tolerance: binding {} holds several types; say what to compare with --out {}={}.npy"
            ":f32",
            output.where.text(), output.where.text(), output.file));
      }
      plan_.outputs.push_back(std::move(planned));
    }
  }

  void add_prints() {
    for (const PrintSpec& print : request_.prints) {
      const std::size_t at = buffer_at(print.where);
      const PlannedBuffer& buffer = plan_.buffers[at];
      if (!print.type && !buffer.type) {
        throw UsageError(fmt::format(
            "--print {}: the kernel's block holds several types; say which to show, such as {}:f32",
            print.text, print.text));
      }
      PlannedPrint planned{at, print.type.value_or(buffer.type.value_or(SOKR_IR_U8)), 0, 0};
      const std::uint64_t count = buffer.size / scalar_size(planned.type);
      planned.from = print.from.value_or(0);
      planned.to = print.to.value_or(print.from ? count : std::min(count, kShown));
      if (planned.to > count || planned.from >= planned.to) {
        throw UsageError(fmt::format("--print {}: the buffer has {} elements of {}", print.text,
                                     count, scalar_name(planned.type)));
      }
      plan_.prints.push_back(planned);
    }
  }

  // The types in its block; 0 if they are not known.
  std::uint32_t held_by(const SokrIrBinding& binding) const {
    if (!reflection_->entry_types || !is_used(binding)) return 0;
    return reflection_->entry_types[index_].binding_scalars[&binding - entry_->bindings];
  }

  const Kernel& kernel_;
  const LaunchRequest& request_;
  std::size_t index_ = 0;
  std::shared_ptr<const SokrIrReflection> reflection_;
  const SokrIrEntryPoint* entry_ = nullptr;
  Plan plan_;
};

}  // namespace

void specialize(const Kernel& kernel, std::span<const SpecValueText> specs, Launch& launch) {
  const SokrIrReflection& reflection = kernel.reflection();
  const std::span constants(reflection.spec_constants, reflection.spec_constant_count);
  for (const SpecValueText& given : specs) {
    const auto declared =
        std::find_if(constants.begin(), constants.end(),
                     [&](const SokrIrSpecConstant& constant) { return constant.id == given.id; });
    if (declared == constants.end()) {
      std::vector<std::string> ids;
      for (const SokrIrSpecConstant& constant : constants)
        ids.push_back(std::to_string(constant.id));
      inform(fmt::format("--spec {}={}: the kernel has no specialization constant {}; it has {}",
                         given.id, given.value, given.id, ids.empty() ? "none" : list_text(ids)));
      continue;
    }
    const auto type = static_cast<SokrIrScalar>(declared->type);
    const std::uint64_t bits =
        parse_scalar(type, given.value, fmt::format("--spec {}={}", given.id, given.value));
    launch.specialize_bits(given.id, scalar_size(type), bits);
  }
}

std::shared_ptr<const SokrIrReflection> reflect_for(const Kernel& kernel, const Launch& launch) {
  try {
    return kernel.reflection(launch);
  } catch (const Error& error) {
    if (error.code() != SOKR_INVALID_INPUT) throw;
    throw UsageError(error.what());
  }
}

Plan make_plan(const Kernel& kernel, const LaunchRequest& request) {
  return Planner(kernel, request).make();
}

std::optional<std::string> workgroup_over_limits(const SokrComputeLimits& limits,
                                                 const Extent& size, std::uint64_t shared_bytes) {
  std::uint64_t invocations = 1;
  for (std::size_t i = 0; i < size.size(); ++i) {
    if (!is_within(size[i], limits.max_local_size[i])) {
      return fmt::format("{} invocations in {} of a workgroup are over its limit of {}", size[i],
                         "xyz"[i], limits.max_local_size[i]);
    }
    // Stays above every limit, and does not wrap: a factor has 32 bits.
    invocations = std::min(invocations * size[i], std::uint64_t{UINT32_MAX});
  }
  if (!is_within(invocations, limits.max_local_invocations)) {
    return fmt::format("{} invocations of a workgroup are over its limit of {}", invocations,
                       limits.max_local_invocations);
  }
  if (!is_within(shared_bytes, limits.max_shared_memory)) {
    return fmt::format("needs {} bytes of shared memory, over the limit of {}", shared_bytes,
                       limits.max_shared_memory);
  }
  return std::nullopt;
}

std::optional<std::string> why_not(const Plan& plan, const Substrate& substrate) {
  if (!substrate.info().limits) return std::nullopt;
  const SokrComputeLimits& limits = *substrate.info().limits;
  if (const std::uint32_t axis = axis_over_limit(limits, plan.groups); axis < 3) {
    return fmt::format("{} workgroups in {} are over its limit of {}", plan.groups[axis],
                       "xyz"[axis], limits.max_group_count[axis]);
  }
  if (auto over = workgroup_over_limits(limits, plan.local_size, plan.shared_bytes)) return over;
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (is_within(buffer.size, limits.max_binding_size)) continue;
    return fmt::format("binding {} has {} bytes, over its limit of {}", buffer.where.text(),
                       buffer.size, limits.max_binding_size);
  }
  if (is_subgroup_size(limits, plan.subgroup_size)) return std::nullopt;
  std::vector<std::string> sizes;
  for (std::uint32_t size = 0; (size = next_subgroup_size(limits, size)) != 0;)
    sizes.push_back(std::to_string(size));
  return sizes.empty()
             ? std::string("its subgroup size cannot be chosen; leave --subgroup-size out")
             : fmt::format("it has no subgroup size {}; it has {}", plan.subgroup_size,
                           list_text(sizes));
}

std::vector<PageBuffer> bind_buffers(const Plan& plan, Launch& launch) {
  return bind_each(plan, launch, [&](std::size_t i) { return copy_of(plan.buffers[i]); });
}

std::vector<PageBuffer> bind_buffers(Plan&& plan, Launch& launch) {
  return bind_each(plan, launch, [&](std::size_t i) {
    PlannedBuffer& planned = plan.buffers[i];
    return planned.initial.bytes().empty() ? PageBuffer(planned.size) : std::move(planned.initial);
  });
}

void swap_buffers(const Plan& plan, std::span<PageBuffer> memory, Launch& launch) {
  for (const auto& [a, b] : plan.swaps) {
    std::swap(memory[a], memory[b]);
    if (plan.buffers[a].size == 0) continue;
    for (const std::size_t one : {a, b}) bind_memory(plan.buffers[one], memory[one], launch);
  }
}

}  // namespace sokr::cli
