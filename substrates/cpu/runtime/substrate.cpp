// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/substrate.hpp"

#include <algorithm>
#include <cstring>
#include <sokr/substrate/tasks.hpp>

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using substrate::CompletionAnswer;
using substrate::HostRange;
using substrate::LaunchView;
using substrate::ResolvedBinding;
using substrate::ResolvedLaunch;

// Waking a sleeping worker costs about this much, so a shorter launch is done sooner here.
constexpr double kInlineNanoseconds = 10'000;
// Code addresses a binding with signed 32-bit offsets.
constexpr std::uint64_t kMaxBindingSize = INT32_MAX;

// An inline run reads the clock once in so many: two readings cost as much as the run.
constexpr unsigned kMeasureEvery = 16;

const std::uint32_t kNeverAborted = 0;

bool is_countable(const std::array<std::uint32_t, 3>& groups) {
  return 1.0 * groups[0] * groups[1] * groups[2] <= UINT32_MAX;
}

// Empty if there is no memory for it.
std::string as_string(const char* text) noexcept {
  try {
    return text;
  } catch (...) {
    return {};
  }
}

// Nanoseconds from now; the end of time if that is beyond it.
Clock::time_point deadline_after(std::uint64_t timeout_ns) {
  Clock::time_point now = Clock::now();
  auto left = static_cast<std::uint64_t>((Clock::time_point::max() - now).count());
  return timeout_ns >= left ? Clock::time_point::max() : now + std::chrono::nanoseconds(timeout_ns);
}

std::uint64_t nanoseconds_until(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max()) return UINT64_MAX;
  return static_cast<std::uint64_t>(std::max<std::int64_t>((deadline - Clock::now()).count(), 1));
}

}  // namespace

SokrComputeLimits compute_limits() {
  SokrComputeLimits limits{};
  limits.struct_size = sizeof limits;
  std::fill_n(limits.max_group_count, 3, INT32_MAX);
  std::fill_n(limits.max_local_size, 3, 1024);
  limits.max_local_invocations = 1024;
  limits.max_shared_memory = 256 * 1024;
  limits.max_push_constant_size = 4096;
  limits.subgroup_size = 32;
  limits.min_subgroup_size = 4;
  limits.max_subgroup_size = 64;
  limits.max_descriptor_sets = 32;
  limits.host_import_alignment = 1;
  limits.max_binding_size = kMaxBindingSize;
  return limits;
}

CpuSubstrate::CpuSubstrate(substrate::Host host, KernelStoreOptions options, unsigned threads)
    : host_(host),
      limits_(compute_limits()),
      threads_(threads),
      kernels_(host, std::move(options), limits_) {}

CpuSubstrate::~CpuSubstrate() {
  {
    std::lock_guard lock(active_mutex_);
    for (auto& [token, launch] : active_) launch->abandon();
  }
  tokens_.abandon_all("the substrate was deregistered while the launch was under way");
  for (std::uint32_t left; (left = tasks_->load(std::memory_order_acquire)) != 0;)
    tasks_->wait(left, std::memory_order_acquire);
  tokens_.wait_idle();
}

Result<std::uint64_t> CpuSubstrate::capability(const SokrCapabilityQuery& query) {
  SOKR_TRY(kernels_.capability(query));
  return std::uint64_t{0};
}

Result<std::uint64_t> CpuSubstrate::dispatch(const SokrDispatchRequest& request) {
  SOKR_ASSIGN(LaunchView launch, LaunchView::parse(request.params, request.params_len));
  SOKR_ASSIGN(bool aliased, is_aliased(launch));
  SOKR_ASSIGN(std::shared_ptr<const LoadedKernel> kernel, kernels_.get(request, launch, aliased));
  SOKR_ASSIGN(ResolvedLaunch resolved,
              substrate::check_launch(launch, kernel->reflection, limits_, request.substrate_id));
  SOKR_ASSIGN(Bound bound, bind(resolved));
  if (resolved.empty && launch.wait_count() == 0 && !launch.profile())
    return tokens_.issue_complete();
  if (is_short(*kernel, launch, resolved)) return run_inline(*kernel, bound, resolved);
  return run_later(std::move(kernel), std::move(bound), launch, resolved);
}

// Two bindings that overlap, at least one of which may be written.
Result<bool> CpuSubstrate::is_aliased(const LaunchView& launch) {
  struct Range {
    std::byte* data;
    std::uint64_t size;
    bool written;
  };
  substrate::InlineVector<Range, 16> ranges;
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    SokrBinding binding = launch.binding(i);
    if (binding.kind == SOKR_BINDING_NULL) continue;
    SOKR_ASSIGN(HostRange range, memory_.resolve(binding));
    ranges.push_back({range.data, range.size, (binding.access & SOKR_ACCESS_WRITE) != 0});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.data < b.data; });
  std::byte *end = nullptr, *written_end = nullptr;
  for (const Range& range : ranges) {
    if (range.data < written_end || (range.written && range.data < end)) return true;
    end = std::max(end, range.data + range.size);
    if (range.written) written_end = std::max(written_end, range.data + range.size);
  }
  return false;
}

Result<CpuSubstrate::Bound> CpuSubstrate::bind(const ResolvedLaunch& resolved) {
  Bound bound;
  for (const ResolvedBinding& binding : resolved.bindings) {
    SOKR_ASSIGN(HostRange range, memory_.resolve(binding.as_binding()));
    bound.ranges.push_back({range.data, range.size});
    if (range.owner) bound.owners.push_back(std::move(range.owner));
  }
  return bound;
}

bool CpuSubstrate::is_short(const LoadedKernel& kernel, const LaunchView& launch,
                            const ResolvedLaunch& resolved) const {
  // With loops, other data may make it endless, and nobody could abandon it in here.
  if (kernel.has_loops || launch.wait_count() != 0 || launch.is_indirect() || launch.profile())
    return false;
  double known = kernel.ns_per_group.load(std::memory_order_relaxed);
  double groups = 1.0 * resolved.groups[0] * resolved.groups[1] * resolved.groups[2];
  return known > 0 && known * groups < kInlineNanoseconds;
}

std::uint64_t CpuSubstrate::run_inline(const LoadedKernel& kernel, const Bound& bound,
                                       const ResolvedLaunch& resolved) {
  substrate::InlineVector<std::uint64_t, 32> push;
  push.resize((resolved.push.size() + 7) / 8);
  if (!resolved.push.empty()) std::memcpy(push.data(), resolved.push.data(), resolved.push.size());
  KernelContext context;
  context.bindings = bound.ranges.data();
  context.push_constants = push.data();
  std::uint32_t total = set_group_count(context, resolved.groups);
  context.abort = &kNeverAborted;
  thread_local unsigned runs = 0;
  if (++runs % kMeasureEvery == 0) {
    Clock::time_point start = Clock::now();
    run_groups(kernel, context, 0, total, scratch_);
    note_duration(kernel, total, Clock::now() - start);
  } else {
    run_groups(kernel, context, 0, total, scratch_);
  }
  return tokens_.issue_complete();
}

Result<std::uint64_t> CpuSubstrate::run_later(std::shared_ptr<const LoadedKernel> kernel,
                                              Bound bound, const LaunchView& view,
                                              const ResolvedLaunch& resolved) {
  std::optional<Indirect> indirect;
  if (view.is_indirect()) {
    SOKR_ASSIGN(HostRange counts, memory_.resolve(view.indirect(), view.indirect_offset(), 12,
                                                  "the indirect buffer"));
    indirect = Indirect{std::move(counts)};
  } else if (!is_countable(resolved.groups)) {
    return fail(SOKR_INVALID_INPUT,
                "{} x {} x {} workgroups are more than {}, all this substrate can count",
                resolved.groups[0], resolved.groups[1], resolved.groups[2], UINT32_MAX);
  }
  substrate::InlineVector<std::uint64_t, 8> waits;
  for (std::uint32_t i = 0; i < view.wait_count(); ++i) waits.push_back(view.wait(i));

  auto launch = std::make_shared<Launch>(std::move(kernel), bound.ranges, std::move(bound.owners),
                                         resolved.push, view.profile());
  std::uint64_t token = tokens_.begin();
  if (token == 0) return token;
  launch->token = token;
  try {
    std::lock_guard lock(active_mutex_);
    active_.emplace(token, launch);
  } catch (...) {
    end_failed(launch, as_string("out of memory"));
    throw;
  }
  if (waits.empty()) {
    start(launch, resolved.groups, indirect);
    return token;
  }
  std::size_t unknown = 0;
  SokrResult waiting = SOKR_OK;
  try {
    waiting = tokens_.when_all_terminal(
        waits,
        [this, launch, groups = resolved.groups, indirect](bool failed, std::string sentence) {
          if (failed)
            end_failed(launch, std::move(sentence));
          else
            start(launch, groups, indirect);
        },
        &unknown);
  } catch (...) {
    end_failed(launch, as_string("out of memory"));
    throw;
  }
  if (waiting != SOKR_OK) {
    end_failed(launch, "it was refused");
    return fail(SOKR_INVALID_INPUT, "token {} to wait for, number {} of {}, was never issued",
                waits[unknown], unknown, waits.size());
  }
  return token;
}

// Runs inside the end of the last token that was waited for: it must not throw.
void CpuSubstrate::start(const LaunchPointer& launch, std::array<std::uint32_t, 3> groups,
                         const std::optional<Indirect>& indirect) {
  try {
    if (indirect) {
      std::memcpy(groups.data(), indirect->counts.data, sizeof groups);
      if (Result<void> fits = substrate::check_group_counts(groups, limits_); !fits)
        return end_failed(launch, "the indirect buffer: " + fits.failure().sentence);
      if (!is_countable(groups))
        return end_failed(launch,
                          fmt::format("the indirect buffer asks for {} x {} x {} workgroups, more "
                                      "than {}, all this substrate can count",
                                      groups[0], groups[1], groups[2], UINT32_MAX));
    }
    launch->set_groups(groups, threads_);
    if (launch->total() == 0) return end(launch);
    launch->open();
    spread(launch, std::min(threads_, launch->total()));
  } catch (const std::exception& error) {
    end_failed(launch, fmt::format("the launch could not be started: {}", error.what()));
  }
}

// One thread less than processors works for all arenas of a process; the one that waits is
// the last. More are made only when more were asked for.
void CpuSubstrate::prepare_arena() {
  using tbb::global_control;
  constexpr auto kThreads = global_control::max_allowed_parallelism;
  if (threads_ > global_control::active_value(kThreads)) more_workers_.emplace(kThreads, threads_);
  std::size_t most = std::min<std::size_t>(threads_, global_control::active_value(kThreads));
  arena_.initialize(static_cast<int>(most), 1);
}

// What a task in the arena needs.
struct CpuSubstrate::Task {
  CpuSubstrate* substrate;
  LaunchPointer launch;
  std::shared_ptr<std::atomic<std::uint32_t>> count;
};

void CpuSubstrate::run(Task* task) noexcept {
  const std::unique_ptr<Task> mine(task);
  // Place 0 of the arena stays free: it stands for the thread that waits.
  const int place = std::max(tbb::this_task_arena::current_thread_index(), 0);
  mine->substrate->work_on(mine->launch, static_cast<std::uint32_t>(place),
                           Clock::time_point::max());
  // The substrate may be gone as soon as the count is 0: nothing of it after that.
  if (mine->count->fetch_sub(1, std::memory_order_acq_rel) == 1) mine->count->notify_all();
}

// Puts tasks into the arena, each of which works until nothing is left. Throws if not even
// one could be.
void CpuSubstrate::spread(const LaunchPointer& launch, std::uint32_t tasks) {
  std::call_once(arena_prepared_, [this] { prepare_arena(); });
  for (std::uint32_t i = 0; i < tasks; ++i) {
    tasks_->fetch_add(1, std::memory_order_relaxed);
    try {
      auto task = std::make_unique<Task>(this, launch, tasks_);
      substrate::enqueue<&CpuSubstrate::run>(arena_, task.get());
      (void)task.release();
    } catch (...) {
      tasks_->fetch_sub(1, std::memory_order_relaxed);
      if (i == 0) throw;
      return;
    }
  }
}

void CpuSubstrate::work_on(const LaunchPointer& launch, std::uint32_t home,
                           Clock::time_point deadline) noexcept {
  if (launch->work(scratch_, home, deadline)) end(launch);
}

CompletionAnswer CpuSubstrate::completion(std::uint64_t token, std::uint64_t timeout_ns) {
  CompletionAnswer answer = tokens_.poll(token);
  if (timeout_ns == 0 || answer.result != SOKR_OK || answer.signal != SOKR_COMPLETION_PENDING)
    return answer;
  Clock::time_point deadline = deadline_after(timeout_ns);
  if (LaunchPointer launch = find(token)) {
    bool endless = deadline == Clock::time_point::max();
    if (endless) launch->await_open();
    if (launch->has_unclaimed()) take_part(launch, deadline);
  }
  return tokens_.completion(token, nanoseconds_until(deadline));
}

void CpuSubstrate::take_part(const LaunchPointer& launch, Clock::time_point deadline) {
  bool endless = deadline == Clock::time_point::max();
  auto chunk = launch->expected_chunk();
  if (!endless && (!chunk || Clock::now() + 2 * *chunk >= deadline)) return;
  work_on(launch, 0, deadline);
  if (!endless && launch->has_unclaimed()) spread(launch, 1);
}

void CpuSubstrate::end(const LaunchPointer& launch) noexcept {
  if (launch->out_of_memory())
    return end_failed(launch, as_string("out of memory for the kernel's scratch"));
  if (launch->abandoned()) return end_failed(launch, as_string("the launch was abandoned"));
  if (launch->profile())
    tokens_.record_timing(launch->token, static_cast<std::uint64_t>(launch->duration().count()));
  settle(launch);
}

void CpuSubstrate::end_failed(const LaunchPointer& launch, std::string sentence) noexcept {
  launch->failed = true;
  launch->failure = std::move(sentence);
  settle(launch);
}

// Ends the token. That may end other launches, which waited for this one, and through them
// others again: they queue up here instead of on the stack.
void CpuSubstrate::settle(LaunchPointer launch) noexcept {
  thread_local LaunchPointer* last = nullptr;  // of the queue, while somebody below works on it
  if (last) {
    *last = std::move(launch);
    last = &(*last)->next_ended;
    return;
  }
  last = &launch->next_ended;
  while (launch) {
    forget(launch->token);
    launch->open();
    if (launch->failed)
      tokens_.fail(launch->token, std::move(launch->failure));
    else
      tokens_.finish(launch->token);
    LaunchPointer next = std::move(launch->next_ended);
    launch = std::move(next);
  }
  last = nullptr;
}

CpuSubstrate::LaunchPointer CpuSubstrate::find(std::uint64_t token) {
  std::lock_guard lock(active_mutex_);
  auto found = active_.find(token);
  return found == active_.end() ? nullptr : found->second;
}

void CpuSubstrate::forget(std::uint64_t token) {
  LaunchPointer last;  // destroyed after the lock is released
  std::lock_guard lock(active_mutex_);
  auto found = active_.find(token);
  if (found == active_.end()) return;
  last = std::move(found->second);
  active_.erase(found);
}

}  // namespace sokr::cpu
