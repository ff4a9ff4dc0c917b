// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/substrate.hpp"

#include <algorithm>
#include <sokr/cpu/limits.hpp>
#include <sokr/substrate/retire_grace.hpp>

#include "runtime/descriptors.hpp"

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using substrate::CompletionAnswer;
using substrate::LaunchMemory;
using substrate::LaunchView;

constexpr std::uint64_t kMaxBindingSize = (UINT64_C(1) << 47) - 1;  // all that a process has

constexpr std::size_t kFewRanges = 6;  // each is compared with each; more are sorted

bool overlap_written(const LaunchMemory::Range& a, const LaunchMemory::Range& b) {
  return (a.is_written || b.is_written) && a.data < b.data + b.size && b.data < a.data + a.size;
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
  std::fill_n(limits.max_local_size, 3, kMaxLocalInvocations);
  limits.max_local_invocations = kMaxLocalInvocations;
  limits.max_shared_memory = kMaxWorkgroupBytes;
  limits.max_push_constant_size = 4096;
  limits.subgroup_size = kDefaultSubgroupSize;
  limits.min_subgroup_size = kMinSubgroupSize;
  limits.max_subgroup_size = kMaxSubgroupSize;
  limits.max_descriptor_sets = 32;
  limits.host_import_alignment = 1;
  limits.max_binding_size = kMaxBindingSize;
  return limits;
}

CpuSubstrate::CpuSubstrate(substrate::Host host, KernelStoreOptions options, unsigned threads,
                           substrate::InFlightLimit limit)
    : kernels_(host, std::move(options), compute_limits()),
      launches_({compute_limits(), UINT32_MAX, kernels_.bounds(), limit}),
      executor_(threads, [this](const LaunchPointer& launch) { end(launch); }) {}

void CpuSubstrate::retire() noexcept {
  if (!tokens().await_room(1, substrate::kRetireGrace)) abandon_all();
}

// At once for who waits, and soon for kernels: in this order, so that the sentence is this one.
void CpuSubstrate::abandon_all() noexcept {
  tokens().abandon_all(substrate::kRetiredSentence);
  for (ActiveStripe& stripe : active_) {
    std::lock_guard lock(stripe.mutex);
    for (auto& [token, launch] : stripe.launches) launch->abandon();
  }
}

CpuSubstrate::~CpuSubstrate() {
  abandon_all();
  executor_.drain();
  tokens().wait_idle();
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
  return substrate::prepare_all(prepared_, kernels, out, executor_.threads(),
                                [&](auto source) { return kernels_.prepare(std::move(source)); });
}

Result<CpuSubstrate::KernelPointer> CpuSubstrate::kernel_of(const SokrDispatchRequest& request,
                                                            const LaunchView& launch,
                                                            const LaunchMemory& memory) {
  const MemoryTraits traits = traits_of(memory);
  const auto check = [&](const auto& reflection) {
    return launches_.judge(request, launch, memory, reflection);
  };
  if (const auto named = substrate::prepared_kernel({request.ir_data, request.ir_data_len})) {
    SOKR_ASSIGN(std::shared_ptr<PreparedKernel> prepared,
                substrate::launched_kernel(prepared_, *named, launch));
    const LoadedKernel* kernel = prepared->find(traits);
    if (kernel) return KernelPointer(std::move(prepared), kernel);
    return kernels_.variant(prepared, traits, check);
  }
  if (KernelPointer known = kernels_.find(request, launch, traits)) return known;
  return kernels_.make(request, launch, traits, check);
}

Result<std::uint64_t> CpuSubstrate::dispatch(const SokrDispatchRequest& request) {
  SOKR_ASSIGN(const LaunchView&& launch, LaunchView::parse(request.params, request.params_len));
  LaunchMemory memory = launches_.memory_of(launch);
  SOKR_ASSIGN(KernelPointer kernel, kernel_of(request, launch, memory));
  Bindings bindings;
  SOKR_ASSIGN(const substrate::AcceptedLaunch&& accepted,
              launches_.accept(request, launch, memory, kernel->reflection,
                               [&](const auto&, std::byte* data, std::uint64_t size) {
                                 bindings.push_back({data, size});
                               }));
  if (kernel->has_runtime_arrays)
    bindings = descriptor_table(kernel->reflection, accepted.first, bindings);
  const bool ready = launches_.is_ready(launch);
  if (ready && !launch.is_indirect() && !launch.profile()) {
    if (accepted.is_empty()) return tokens().issue_complete();
    if (Executor::is_short(*kernel, accepted.groups)) {
      executor_.run_here(*kernel, bindings, accepted.push, accepted.groups, accepted.base_groups);
      return tokens().issue_complete();
    }
  }
  SOKR_ASSIGN(substrate::LaunchGroups groups, launches_.groups_of(launch, accepted.groups));
  auto work = std::make_shared<Launch>(std::move(kernel), bindings, std::move(memory.owners),
                                       accepted.push, accepted.base_groups, launch.profile());
  return launches_.submit(launch, ready, std::move(groups), Job{this, std::move(work)});
}

void CpuSubstrate::Job::issued(std::uint64_t token) {
  launch->token = token;
  ActiveStripe& stripe = self->stripe_of(token);
  std::lock_guard lock(stripe.mutex);
  stripe.launches.emplace(token, launch);
}

void CpuSubstrate::Job::start(const std::array<std::uint32_t, 3>& groups) {
  self->executor_.start(launch, groups);
}

void CpuSubstrate::Job::refuse(std::string sentence) noexcept {
  self->end_failed(launch, std::move(sentence));
}

MemoryTraits CpuSubstrate::traits_of(const LaunchMemory& memory) {
  MemoryTraits traits;
  std::uint64_t largest = 0;
  for (const LaunchMemory::Range& range : memory.ranges) largest = std::max(largest, range.size);
  // Few steps, so that few variants of a kernel are compiled.
  while (largest > most_binding_bytes(traits.size_shift)) traits.size_shift += 2;
  if (memory.ranges.size() <= kFewRanges) {
    for (const LaunchMemory::Range& a : memory.ranges)
      for (const LaunchMemory::Range* b = &a + 1; b != memory.ranges.end(); ++b)
        traits.aliased |= overlap_written(a, *b);
    return traits;
  }
  substrate::InlineVector<LaunchMemory::Range, 16> sorted = memory.ranges;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.data < b.data; });
  std::byte *end = nullptr, *written_end = nullptr;
  for (const LaunchMemory::Range& range : sorted) {
    if (!range.is_there) continue;
    if (range.data < written_end || (range.is_written && range.data < end)) traits.aliased = true;
    end = std::max(end, range.data + range.size);
    if (range.is_written) written_end = std::max(written_end, range.data + range.size);
  }
  return traits;
}

CompletionAnswer CpuSubstrate::completion(std::uint64_t token, std::uint64_t timeout_ns) {
  CompletionAnswer answer = tokens().poll(token);
  if (timeout_ns == 0 || answer.result != SOKR_OK || answer.signal != SOKR_COMPLETION_PENDING)
    return answer;
  Clock::time_point deadline = deadline_after(timeout_ns);
  if (LaunchPointer launch = find(token)) {
    bool endless = deadline == Clock::time_point::max();
    if (endless) launch->await_open();
    executor_.take_part(launch, deadline);
  }
  return tokens().completion(token, nanoseconds_until(deadline));
}

void CpuSubstrate::end(const LaunchPointer& launch) noexcept {
  if (launch->out_of_memory())
    return end_failed(launch, as_string("out of memory for the kernel's scratch"));
  if (launch->abandoned()) return end_failed(launch, as_string("the launch was abandoned"));
  if (launch->profile())
    tokens().record_timing(launch->token, static_cast<std::uint64_t>(launch->duration().count()));
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
      tokens().fail(launch->token, std::move(launch->failure));
    else
      tokens().finish(launch->token);
    LaunchPointer next = std::move(launch->next_ended);
    launch = std::move(next);
  }
  last = nullptr;
}

CpuSubstrate::LaunchPointer CpuSubstrate::find(std::uint64_t token) {
  ActiveStripe& stripe = stripe_of(token);
  std::lock_guard lock(stripe.mutex);
  auto found = stripe.launches.find(token);
  return found == stripe.launches.end() ? nullptr : found->second;
}

void CpuSubstrate::forget(std::uint64_t token) {
  LaunchPointer last;  // destroyed after the lock is released
  ActiveStripe& stripe = stripe_of(token);
  std::lock_guard lock(stripe.mutex);
  auto found = stripe.launches.find(token);
  if (found == stripe.launches.end()) return;
  last = std::move(found->second);
  stripe.launches.erase(found);
}

}  // namespace sokr::cpu
