// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstring>
#include <sokr/substrate/host_launches.hpp>

namespace sokr::substrate {
LaunchMemory HostLaunches::memory_of(const LaunchView& launch) {
  LaunchMemory memory;
  memory.ranges.resize(launch.binding_count());
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    const SokrBinding binding = launch.binding(i);
    if (binding.kind == SOKR_BINDING_NULL) continue;
    Result<HostRange> range = memory_.resolve(binding);
    if (!range) {
      memory.is_whole = false;
      continue;
    }
    memory.ranges[i] = {range->data, range->size, true, (binding.access & SOKR_ACCESS_WRITE) != 0};
    if (range->owner) memory.owners.push_back(std::move(range->owner));
  }
  return memory;
}

Failure HostLaunches::not_there(const SokrBinding& binding) {
  const Result<HostRange> now = memory_.resolve(binding);
  if (!now) return now.failure();
  // Handles are easy to guess: another thread was given this one in between.
  return fail(SOKR_INVALID_INPUT, "binding {}.{}[{}]: there was no buffer {} before the launch",
              binding.set, binding.binding, binding.index, binding.resource);
}

Result<void> HostLaunches::check_total(const std::array<std::uint32_t, 3>& groups) const {
  std::uint64_t total = std::uint64_t{groups[0]} * groups[1];
  if (!__builtin_mul_overflow(total, groups[2], &total) && total <= options_.max_groups) return {};
  return fail(SOKR_INVALID_INPUT,
              "{} x {} x {} workgroups are more than {}, all this substrate can count", groups[0],
              groups[1], groups[2], options_.max_groups);
}

Result<LaunchGroups> HostLaunches::groups_of(const LaunchView& launch,
                                             const std::array<std::uint32_t, 3>& counts) {
  LaunchGroups groups{counts, {}};
  if (launch.is_indirect()) {
    SOKR_ASSIGN(groups.indirect, memory_.resolve(launch.indirect(), launch.indirect_offset(),
                                                 sizeof groups.counts, "the indirect buffer"));
  } else {
    SOKR_TRY(check_total(groups.counts));
  }
  return groups;
}

Result<std::array<std::uint32_t, 3>> HostLaunches::counts_of(const LaunchGroups& groups) const {
  if (groups.indirect.data == nullptr) return groups.counts;
  std::array<std::uint32_t, 3> counts;
  std::memcpy(counts.data(), groups.indirect.data, sizeof counts);
  Result<void> good = check_group_counts(counts, options_.limits);
  if (good) good = check_total(counts);
  if (!good) return fail(good.code(), "the indirect buffer: {}", good.failure().sentence);
  return counts;
}

Result<void> HostLaunches::judge(const SokrDispatchRequest& request, const LaunchView& launch,
                                 const LaunchMemory& memory, const ir::EntryReflection& entry) {
  SOKR_TRY(check_entry(entry, options_.limits));
  SOKR_ASSIGN(const ResolvedLaunch resolved, check(request, launch, entry));
  SOKR_TRY(bind(resolved, memory, [](const auto&...) {}));
  SOKR_TRY(groups_of(launch, resolved.groups));
  std::uint32_t unknown = launch.wait_count();
  (void)is_ready(launch, unknown);
  if (unknown < launch.wait_count()) return never_issued(launch, unknown);
  return {};
}

bool HostLaunches::is_ready(const LaunchView& launch, std::uint32_t& unknown) {
  constexpr CompletionAnswer kComplete{SOKR_OK, SOKR_COMPLETION_COMPLETE};
  bool ready = true;
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) {
    const CompletionAnswer answer = tokens_.poll(launch.wait(i));
    if (answer.result == SOKR_NOT_FOUND) {
      unknown = i;
      return false;
    }
    ready = ready && answer == kComplete;
  }
  return ready;
}

void HostLaunches::await_all(const LaunchView& launch, InFlightTable::AllCallback go_on) {
  InlineVector<std::uint64_t, 8> waits;
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) waits.push_back(launch.wait(i));
  (void)tokens_.when_all_terminal(waits, std::move(go_on));
}

std::string HostLaunches::could_not_start(const std::exception& error) noexcept {
  try {
    return fmt::format("the launch could not be started: {}", error.what());
  } catch (...) {
    return {};
  }
}

}  // namespace sokr::substrate
