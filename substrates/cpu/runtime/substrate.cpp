// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/substrate.hpp"

#include <algorithm>
#include <cstring>
#include <sokr/substrate/retire_grace.hpp>
#include <sokr/substrate/tasks.hpp>

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using substrate::CompletionAnswer;
using substrate::HostRange;
using substrate::LaunchView;
using substrate::ResolvedBinding;
using substrate::ResolvedLaunch;

constexpr std::uint64_t kMaxBindingSize = (UINT64_C(1) << 47) - 1;  // all that a process has

// Of workgroups that last this long, one more thread takes one at once; of shorter ones a thread
// that finds itself alone after some calls it.
constexpr std::chrono::microseconds kReserveFrom{100};
// So many tasks for each thread are more than what waits for somebody to take part.
constexpr std::uint32_t kBacklogPerThread = 4;
// A thread of the crew goes on with what became ready for so long before others have their turn.
constexpr std::chrono::milliseconds kTurn{1};

// An inline run reads the clock once in so many: two readings cost as much as the run.
constexpr unsigned kMeasureEvery = 16;

const std::uint32_t kNeverAborted = 0;

Failure never_issued(std::uint64_t token, std::size_t number, std::size_t count) {
  return fail(SOKR_INVALID_INPUT, "token {} to wait for, number {} of {}, was never issued", token,
              number, count);
}

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

CpuSubstrate::CpuSubstrate(substrate::Host host, KernelStoreOptions options, unsigned threads,
                           substrate::InFlightLimit limit)
    : host_(host),
      limits_(compute_limits()),
      limit_(limit),
      kernels_(host, std::move(options), limits_),
      crew_(threads) {}

void CpuSubstrate::retire() noexcept {
  if (!tokens_.await_room(1, substrate::kRetireGrace)) abandon_all();
}

// At once for who waits, and soon for kernels: in this order, so that the sentence is this one.
void CpuSubstrate::abandon_all() noexcept {
  tokens_.abandon_all(substrate::kRetiredSentence);
  {
    std::lock_guard lock(active_mutex_);
    for (auto& [token, launch] : active_) launch->abandon();
  }
}

CpuSubstrate::~CpuSubstrate() {
  abandon_all();
  for (std::uint32_t left; (left = tasks_->load(std::memory_order_acquire)) != 0;)
    tasks_->wait(left, std::memory_order_acquire);
  tokens_.wait_idle();
}

Result<std::uint64_t> CpuSubstrate::capability(const SokrCapabilityQuery& query) {
  if (query.ir_format == SOKR_IR_PREPARED) {
    SOKR_TRY(substrate::check_prepared(prepared_, query));
    return std::uint64_t{0};
  }
  SOKR_TRY(kernels_.capability(query));
  return std::uint64_t{0};
}

Result<void> CpuSubstrate::prepare(std::span<const SokrKernelInfo* const> kernels,
                                   SokrKernel* out) {
  return substrate::prepare_all(prepared_, kernels, out, crew_.threads(),
                                [&](auto source) { return kernels_.prepare(std::move(source)); });
}

Result<CpuSubstrate::KernelPointer> CpuSubstrate::kernel_of(const SokrDispatchRequest& request,
                                                            const LaunchView& launch,
                                                            const Memory& memory) {
  const auto check = [&](const auto& reflection) {
    return judge(request, launch, memory, reflection);
  };
  if (const auto named = substrate::prepared_kernel({request.ir_data, request.ir_data_len})) {
    SOKR_ASSIGN(std::shared_ptr<PreparedKernel> prepared,
                substrate::launched_kernel(prepared_, *named, launch));
    const LoadedKernel* kernel = prepared->find(memory.traits);
    if (kernel) return KernelPointer(std::move(prepared), kernel);
    return kernels_.variant(prepared, memory.traits, check);
  }
  if (KernelPointer known = kernels_.find(request, launch, memory.traits)) return known;
  return kernels_.make(request, launch, memory.traits, check);
}

Result<std::uint64_t> CpuSubstrate::dispatch(const SokrDispatchRequest& request) {
  SOKR_ASSIGN(LaunchView launch, LaunchView::parse(request.params, request.params_len));
  Memory memory = memory_of(launch);
  SOKR_ASSIGN(KernelPointer kernel, kernel_of(request, launch, memory));
  SOKR_ASSIGN(ResolvedLaunch resolved,
              substrate::check_launch_alone(launch, kernel->reflection, limits_,
                                            request.substrate_id, kernels_.bounds()));
  SOKR_ASSIGN(Bindings bindings, bind(resolved, memory));
  if (kernel->has_runtime_arrays)
    bindings = descriptor_table(kernel->reflection, resolved, bindings);
  const bool ready = all_complete(launch);
  if (resolved.empty && ready && !launch.profile()) return tokens_.issue_complete();
  if (ready && is_short(*kernel, launch, resolved)) return run_inline(*kernel, bindings, resolved);
  return run_later(std::move(kernel), {bindings, std::move(memory.owners)}, launch, resolved,
                   ready);
}

// All that a launch of this kernel can be refused for.
Result<void> CpuSubstrate::judge(const SokrDispatchRequest& request, const LaunchView& launch,
                                 const Memory& memory, const ir::EntryReflection& reflection) {
  SOKR_ASSIGN(ResolvedLaunch resolved,
              substrate::check_launch(launch, reflection, limits_, request.substrate_id,
                                      kernels_.bounds()));
  SOKR_TRY(bind(resolved, memory));
  SOKR_TRY(groups_of(launch, resolved));
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i)
    if (tokens_.poll(launch.wait(i)).result == SOKR_NOT_FOUND)
      return never_issued(launch.wait(i), i, launch.wait_count());
  return {};
}

// Where the group counts are read, if not in the launch.
Result<std::optional<CpuSubstrate::Indirect>> CpuSubstrate::groups_of(
    const LaunchView& launch, const ResolvedLaunch& resolved) {
  std::optional<Indirect> indirect;
  if (launch.is_indirect()) {
    SOKR_ASSIGN(HostRange counts, memory_.resolve(launch.indirect(), launch.indirect_offset(), 12,
                                                  "the indirect buffer"));
    indirect = Indirect{std::move(counts)};
  } else if (!is_countable(resolved.groups)) {
    return fail(SOKR_INVALID_INPUT,
                "{} x {} x {} workgroups are more than {}, all this substrate can count",
                resolved.groups[0], resolved.groups[1], resolved.groups[2], UINT32_MAX);
  }
  return indirect;
}

// Nothing that the launch waits for is under way or failed.
bool CpuSubstrate::all_complete(const LaunchView& launch) {
  constexpr CompletionAnswer kComplete{SOKR_OK, SOKR_COMPLETION_COMPLETE};
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i)
    if (tokens_.poll(launch.wait(i)) != kComplete) return false;
  return true;
}

CpuSubstrate::Memory CpuSubstrate::memory_of(const LaunchView& launch) {
  Memory memory;
  memory.ranges.resize(launch.binding_count());
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    const SokrBinding binding = launch.binding(i);
    if (binding.kind == SOKR_BINDING_NULL) continue;
    Result<HostRange> range = memory_.resolve(binding);
    if (!range) continue;
    memory.ranges[i] = {range->data, range->size, true, (binding.access & SOKR_ACCESS_WRITE) != 0};
    if (range->owner) memory.owners.push_back(std::move(range->owner));
  }
  memory.traits = traits_of(memory);
  return memory;
}

MemoryTraits CpuSubstrate::traits_of(const Memory& memory) {
  MemoryTraits traits;
  std::uint64_t largest = 0;
  for (const Memory::Range& range : memory.ranges) largest = std::max(largest, range.size);
  // Few steps, so that few variants of a kernel are compiled.
  while (largest > most_binding_bytes(traits.size_shift)) traits.size_shift += 2;
  if (memory.ranges.size() < 2) return traits;
  substrate::InlineVector<Memory::Range, 16> sorted = memory.ranges;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.data < b.data; });
  std::byte *end = nullptr, *written_end = nullptr;
  for (const Memory::Range& range : sorted) {
    if (!range.is_there) continue;
    if (range.data < written_end || (range.is_written && range.data < end)) traits.aliased = true;
    end = std::max(end, range.data + range.size);
    if (range.is_written) written_end = std::max(written_end, range.data + range.size);
  }
  return traits;
}

Result<Bindings> CpuSubstrate::bind(const ResolvedLaunch& resolved, const Memory& memory) {
  Bindings bindings;
  for (const ResolvedBinding& binding : resolved.bindings) {
    if (binding.source == SOKR_BINDING_NULL) {
      bindings.push_back({nullptr, 0});
      continue;
    }
    const Memory::Range& range = memory.ranges[binding.given];
    if (!range.is_there) return std::move(memory_.resolve(binding.as_binding())).failure();
    bindings.push_back({range.data, range.size});
  }
  return bindings;
}

bool CpuSubstrate::is_short(const LoadedKernel& kernel, const LaunchView& launch,
                            const ResolvedLaunch& resolved) const {
  // With loops, other data may make it endless, and nobody could abandon it in here.
  if (kernel.has_loops || launch.is_indirect() || launch.profile()) return false;
  double known = kernel.ns_per_group.load(std::memory_order_relaxed);
  double groups = 1.0 * resolved.groups[0] * resolved.groups[1] * resolved.groups[2];
  return known > 0 && known * groups < kBriefNanoseconds;
}

std::uint64_t CpuSubstrate::run_inline(const LoadedKernel& kernel, const Bindings& bindings,
                                       const ResolvedLaunch& resolved) {
  substrate::InlineVector<std::uint64_t, 32> push;
  push.resize(push_words(kernel));
  if (!resolved.push.empty()) std::memcpy(push.data(), resolved.push.data(), resolved.push.size());
  KernelContext context;
  context.bindings = bindings.data();
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
                                              const ResolvedLaunch& resolved, bool ready) {
  SOKR_ASSIGN(std::optional<Indirect> indirect, groups_of(view, resolved));
  if (!tokens_.await_room(limit_.most, limit_.patience)) return substrate::no_room(limit_);
  auto launch = std::make_shared<Launch>(std::move(kernel), bound.ranges, std::move(bound.owners),
                                         resolved.push, view.profile());
  std::uint64_t token = tokens_.begin();
  if (token == 0) return token;
  launch->token = token;
  try {
    {
      std::lock_guard lock(active_mutex_);
      active_.emplace(token, launch);
    }
    if (ready) {
      start(launch, resolved.groups, indirect);
    } else {
      SOKR_TRY(start_after(launch, view, resolved.groups, indirect));
    }
  } catch (...) {
    end_failed(launch, as_string("out of memory"));
    throw;
  }
  return token;
}

Result<void> CpuSubstrate::start_after(const LaunchPointer& launch, const LaunchView& view,
                                       const std::array<std::uint32_t, 3>& groups,
                                       const std::optional<Indirect>& indirect) {
  substrate::InlineVector<std::uint64_t, 8> waits;
  for (std::uint32_t i = 0; i < view.wait_count(); ++i) waits.push_back(view.wait(i));
  std::size_t unknown = 0;
  const SokrResult waiting = tokens_.when_all_terminal(
      waits,
      [this, launch, groups, indirect](bool failed, std::string sentence) {
        if (failed)
          end_failed(launch, std::move(sentence));
        else
          start(launch, groups, indirect);
      },
      &unknown);
  if (waiting == SOKR_OK) return {};
  end_failed(launch, "it was refused");
  return never_issued(waits[unknown], unknown, waits.size());
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
    launch->set_groups(groups, crew_.threads());
    if (launch->total() == 0) return end(launch);
    launch->open();
    hand_out(launch);
  } catch (const std::exception& error) {
    end_failed(launch, fmt::format("the launch could not be started: {}", error.what()));
  }
}

// What a task of the crew needs.
struct CpuSubstrate::Task {
  CpuSubstrate* substrate;
  LaunchPointer launch;
  bool of_reserve;
  std::shared_ptr<std::atomic<std::uint32_t>> count;
};

// The work of a thread of the crew: a launch, and then whichever short one became ready because
// of it. That one is worth less than waking another thread for it.
struct CpuSubstrate::Worker {
  static thread_local Worker* here;
  LaunchPointer next;
};

thread_local CpuSubstrate::Worker* CpuSubstrate::Worker::here = nullptr;

void CpuSubstrate::run(Task* task) noexcept {
  const std::unique_ptr<Task> mine(task);
  CpuSubstrate& self = *mine->substrate;
  // Home 0 is the waiting thread's; the reserve stands in for it.
  const int place = mine->of_reserve || !self.crew_.has_reserve()
                        ? 0
                        : std::max(tbb::this_task_arena::current_thread_index(), 0) + 1;
  const auto home = static_cast<std::uint32_t>(place);
  Worker worker;
  Worker::here = &worker;
  const Clock::time_point turn_ends = Clock::now() + kTurn;
  for (LaunchPointer launch = std::move(mine->launch); launch;) {
    self.work_on(launch, home, Clock::time_point::max());
    launch = std::move(worker.next);
    if (!launch || Clock::now() < turn_ends) continue;
    // A chain without end would keep everybody else from this thread.
    try {
      self.enqueue(launch, false);
      launch.reset();
    } catch (...) {
    }
  }
  Worker::here = nullptr;
  // The substrate may be gone as soon as the count is 0: nothing of it after that.
  if (mine->count->fetch_sub(1, std::memory_order_acq_rel) == 1) mine->count->notify_all();
}

// An open launch. Throws if nobody could be found to work on it.
void CpuSubstrate::hand_out(const LaunchPointer& launch) {
  if (Worker* worker = Worker::here; worker && launch->is_brief()) {
    if (worker->next) return enqueue(launch, false);
    worker->next = launch;
    return;
  }
  spread(launch, std::min(std::max(crew_.threads() - 1, 1u), launch->total()));
  const bool backlog =
      tasks_->load(std::memory_order_relaxed) > kBacklogPerThread * crew_.threads();
  if (backlog || launch->has_long_groups(kReserveFrom)) call_reserve(launch);
}

// Lets up to so many threads work on it. Throws if not even one could be told.
void CpuSubstrate::spread(const LaunchPointer& launch, std::uint32_t tasks) {
  for (std::uint32_t i = 0; i < tasks; ++i) {
    try {
      enqueue(launch, false);
    } catch (...) {
      if (i == 0) throw;
      return;
    }
  }
}

// Lets the reserve work on it too, once.
void CpuSubstrate::call_reserve(const LaunchPointer& launch) noexcept {
  if (!crew_.has_reserve() || !launch->claim_reserve()) return;
  try {
    enqueue(launch, true);
  } catch (...) {
    // The others do it.
  }
}

void CpuSubstrate::enqueue(const LaunchPointer& launch, bool to_reserve) {
  tasks_->fetch_add(1, std::memory_order_relaxed);
  tasks_put_.fetch_add(1, std::memory_order_relaxed);
  try {
    auto task = std::make_unique<Task>(this, launch, to_reserve, tasks_);
    substrate::enqueue<&CpuSubstrate::run>(to_reserve ? crew_.reserve() : crew_.arena(),
                                           task.get());
    (void)task.release();
  } catch (...) {
    tasks_->fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void CpuSubstrate::work_on(const LaunchPointer& launch, std::uint32_t home,
                           Clock::time_point deadline) noexcept {
  if (launch->work(scratch_, home, deadline, [&] { call_reserve(launch); })) end(launch);
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
  // Who sleeps leaves a processor to others.
  if (!endless && (!chunk || Clock::now() + 2 * *chunk >= deadline)) return call_reserve(launch);
  work_on(launch, 0, deadline);
  if (!endless && launch->has_unclaimed()) enqueue(launch, false);
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
