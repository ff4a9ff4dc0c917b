// SPDX-License-Identifier: MIT OR Apache-2.0
#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "npy.hpp"
#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

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
  throw UsageError(fmt::format("{} {}: the kernel has no such binding; it has {}", flag,
                               where.text(), list_bindings(bindings)));
}

PlannedBuffer make_buffer(const SokrIrBinding& binding, const Selector& where) {
  PlannedBuffer buffer;
  buffer.where = where;
  const std::uint32_t access = binding.access & 3;
  buffer.access = access ? static_cast<SokrAccess>(access) : SOKR_ACCESS_READ;
  return buffer;
}

void refuse_small(const SokrIrBinding& binding, const Selector& where, std::uint64_t size,
                  std::string_view source) {
  if (size >= fixed_size(binding)) return;
  throw UsageError(
      fmt::format("{}: it gives binding {} {} bytes; the kernel's block needs at least "
                  "{}",
                  source, where.text(), size, fixed_size(binding)));
}

PageBuffer read_input(const std::string& file) {
  PageBuffer buffer = PageBuffer::read(file);
  if (file.ends_with(".npy")) buffer.keep(read_npy(buffer.bytes(), fmt::format("'{}'", file)));
  return buffer;
}

bool is_output(const Plan& plan, std::size_t buffer) {
  return std::any_of(plan.outputs.begin(), plan.outputs.end(),
                     [&](const PlannedOutput& output) { return output.buffer == buffer; });
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
    View view;
    if (planned.access == SOKR_ACCESS_READ && !is_output(plan, i) &&
        !planned.initial.bytes().empty()) {
      view = sokr::read(planned.initial.bytes());
    } else if (planned.size) {
      memory[i] = fill(i);
      const std::span<std::byte> bytes = memory[i].bytes();
      view = sokr::write(bytes);
      view.access = planned.access;
    }
    launch.bind(planned.where.set, planned.where.binding, planned.where.index, view);
  }
  return memory;
}

class Planner {
 public:
  Planner(const Kernel& kernel, const LaunchRequest& request)
      : kernel_(kernel), request_(request) {}

  Plan make() {
    choose_entry();
    specialize();
    set_sizes();
    check_kinds();
    check_push();
    add_zeros();
    check_inputs();
    add_outputs();
    check_complete();
    // Files last: a wrong flag is reported without reading gigabytes.
    read_inputs();
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

  void specialize() {
    const SokrIrReflection& reflection = kernel_.reflection();
    const std::span constants(reflection.spec_constants, reflection.spec_constant_count);
    for (const SpecValueText& given : request_.specs) {
      const auto declared =
          std::find_if(constants.begin(), constants.end(),
                       [&](const SokrIrSpecConstant& constant) { return constant.id == given.id; });
      if (declared == constants.end()) {
        std::vector<std::string> ids;
        for (const SokrIrSpecConstant& constant : constants)
          ids.push_back(std::to_string(constant.id));
        throw UsageError(
            fmt::format("--spec {}={}: the kernel has no specialization constant {}; it "
                        "has {}",
                        given.id, given.value, given.id, ids.empty() ? "none" : list_text(ids)));
      }
      const auto type = static_cast<SokrIrScalar>(declared->type);
      const std::uint64_t bits =
          parse_scalar(type, given.value, fmt::format("--spec {}={}", given.id, given.value));
      plan_.launch.specialize_bits(given.id, scalar_size(type), bits);
    }
  }

  void set_sizes() {
    Launch& launch = plan_.launch;
    if (request_.local_size) {
      const Extent& size = *request_.local_size;
      launch.local_size(size[0], size[1], size[2]);
    }
    reflection_ = kernel_.reflection(launch);
    entry_ = &reflection_->entry_points[index_];
    std::copy(std::begin(entry_->local_size), std::end(entry_->local_size),
              plan_.local_size.begin());
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
    const std::size_t wanted = (std::size_t{entry_->push_size} + 3) / 4 * 4;
    const std::size_t given = (request_.push.size() + 3) / 4 * 4;
    if (given != wanted) {
      throw UsageError(fmt::format("--push gives {} bytes; the kernel takes {}{}",
                                   request_.push.size(), entry_->push_size, push_members()));
    }
    plan_.launch.push_bytes(request_.push);
  }

  std::string push_members() const {
    std::vector<std::string> members;
    for (std::uint32_t i = 0; i < entry_->push_member_count; ++i) {
      const SokrIrPushMember& member = entry_->push_members[i];
      members.push_back(fmt::format("{} {} at {}", member.type, member.name, member.offset));
    }
    return members.empty() ? "" : ": " + list_text(members);
  }

  void add_zeros() {
    for (const ZeroSpec& zero : request_.zeros) {
      const SokrIrBinding& binding = find_binding(bindings(), zero.where, "--zero");
      refuse_small(binding, zero.where, zero.bytes,
                   fmt::format("--zero {}={}", zero.where.text(), zero.bytes));
      plan_.buffers.push_back(make_buffer(binding, zero.where));
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

  // An output that is filled by no other flag starts as zeros, if its size is known.
  void add_outputs() {
    for (const OutputSpec& output : request_.outputs) {
      const SokrIrBinding& binding = find_binding(bindings(), output.where, "--out");
      if (is_given(output.where)) continue;
      if (binding.runtime_stride != 0 || binding.min_size == 0) {
        throw UsageError(fmt::format(
            "--out {}: binding {} has no size of its own; give it with "
            "--zero {}=BYTES or --in {}=FILE",
            output.where.text(), name_of(binding), output.where.text(), output.where.text()));
      }
      plan_.buffers.push_back(make_buffer(binding, output.where));
      plan_.buffers.back().size = binding.min_size;
    }
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
      PlannedBuffer buffer = make_buffer(binding, input.where);
      buffer.initial = read_input(input.file);
      buffer.size = buffer.initial.bytes().size();
      if (buffer.size < fixed_size(binding)) {
        throw Error(
            SOKR_INVALID_INPUT,
            fmt::format("'{}' gives binding {} {} bytes; the kernel's block needs at least {}",
                        input.file, input.where.text(), buffer.size, fixed_size(binding)));
      }
      plan_.buffers.push_back(std::move(buffer));
    }
    for (const OutputSpec& output : request_.outputs) {
      const auto buffer =
          std::find_if(plan_.buffers.begin(), plan_.buffers.end(),
                       [&](const PlannedBuffer& one) { return one.where == output.where; });
      const std::uint32_t item = output.npy ? scalar_size(*output.npy) : 1;
      if (buffer->size % item != 0) {
        throw UsageError(fmt::format(
            "--out {}={}: the buffer's {} bytes are no whole number of {} "
            "elements of {} bytes",
            output.where.text(), output.file, buffer->size, scalar_name(*output.npy), item));
      }
      plan_.outputs.push_back({output, static_cast<std::size_t>(buffer - plan_.buffers.begin())});
    }
  }

  const Kernel& kernel_;
  const LaunchRequest& request_;
  std::size_t index_ = 0;
  std::shared_ptr<const SokrIrReflection> reflection_;
  const SokrIrEntryPoint* entry_ = nullptr;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Kernel& kernel, const LaunchRequest& request) {
  return Planner(kernel, request).make();
}

std::optional<std::string> why_not(const Plan& plan, const Substrate& substrate) {
  if (!substrate.info().limits) return std::nullopt;
  const SokrComputeLimits& limits = *substrate.info().limits;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint32_t most = limits.max_group_count[i];
    if (most && plan.groups[i] > most) {
      return fmt::format("{} workgroups in {} are over its limit of {}", plan.groups[i], "xyz"[i],
                         most);
    }
  }
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (limits.max_binding_size && buffer.size > limits.max_binding_size) {
      return fmt::format("binding {} has {} bytes, over its limit of {}", buffer.where.text(),
                         buffer.size, limits.max_binding_size);
    }
  }
  if (plan.subgroup_size && (plan.subgroup_size < limits.min_subgroup_size ||
                             plan.subgroup_size > limits.max_subgroup_size ||
                             (plan.subgroup_size & (plan.subgroup_size - 1)) != 0)) {
    std::vector<std::string> sizes;
    for (std::uint64_t size = 1; size <= limits.max_subgroup_size; size *= 2) {
      if (size >= limits.min_subgroup_size) sizes.push_back(std::to_string(size));
    }
    return sizes.empty() ? fmt::format(
                               "its subgroup size cannot be chosen; leave "
                               "--subgroup-size out")
                         : fmt::format("it has no subgroup size {}; it has {}", plan.subgroup_size,
                                       list_text(sizes));
  }
  return std::nullopt;
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

}  // namespace sokr::cli
