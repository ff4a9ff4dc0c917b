// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/substrate.hpp"

#include <algorithm>
#include <sokr/cpu/limits.hpp>

#include "runtime/descriptors.hpp"

namespace sokr::cpu {
namespace {

using substrate::CompletionAnswer;
using substrate::LaunchMemory;
using substrate::LaunchView;

constexpr std::uint64_t kMaxBindingSize = (UINT64_C(1) << 47) - 1;  // all that a process has

constexpr std::size_t kFewRanges = 6;  // each is compared with each; more are sorted

bool overlap_written(const LaunchMemory::Range& a, const LaunchMemory::Range& b) {
  return (a.is_written || b.is_written) && a.data < b.data + b.size && b.data < a.data + a.size;
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
      executor_(threads, [this](const LaunchPointer& launch) { end(*launch); }, host) {}

void CpuSubstrate::stop(void* launch) {
  static_cast<Launch*>(launch)->abandon();
}

CpuSubstrate::~CpuSubstrate() {
  tokens().abandon_all(substrate::kRetiredSentence, stop);
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
                                [&](std::unique_ptr<substrate::KernelSource> source) {
                                  return source->format() == SOKR_IR_PREPARED
                                             ? prepare_again(*source)
                                             : kernels_.prepare(std::move(source));
                                });
}

Result<std::shared_ptr<PreparedKernel>> CpuSubstrate::prepare_again(
    const substrate::KernelSource& source) {
  const SokrKernel named = substrate::prepared_kernel(source.ir()).value_or(0);
  SOKR_ASSIGN(std::shared_ptr<PreparedKernel> prepared,
              substrate::launched_kernel(prepared_, named, source.launch()));
  SOKR_TRY(kernels_.make_ready(prepared, {source.overlaps(), 0}, source.when()));
  return prepared;
}

Result<CpuSubstrate::KernelPointer> CpuSubstrate::kernel_of(const SokrDispatchRequest& request,
                                                            const LaunchView& launch,
                                                            const LaunchMemory& memory) {
  const MemoryTraits traits = memory.ranges.empty() ? MemoryTraits{} : traits_of(memory);
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

bool CpuSubstrate::Backend::run_here(const LoadedKernel& kernel, Bindings& bindings,
                                     const substrate::AcceptedLaunch& launch) {
  if (!Executor::is_short(kernel, launch.groups)) return false;
  complete(kernel, bindings, launch);
  self->executor_.run_here(kernel, bindings, launch.push, launch.groups, launch.base_groups);
  return true;
}

CpuSubstrate::LaunchPointer CpuSubstrate::Backend::make(
    KernelPointer kernel, Bindings& bindings,
    std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
    const substrate::AcceptedLaunch& launch, bool profile) {
  complete(*kernel, bindings, launch);
  return std::make_shared<Launch>(std::move(kernel), bindings, std::move(owners), launch.push,
                                  launch.base_groups, profile);
}

void CpuSubstrate::Backend::complete(const LoadedKernel& kernel, Bindings& bindings,
                                     const substrate::AcceptedLaunch& launch) {
  if (kernel.has_runtime_arrays)
    bindings = descriptor_table(kernel.reflection, launch.first, bindings);
}

MemoryTraits CpuSubstrate::traits_of(const LaunchMemory& memory) {
  MemoryTraits traits;
  std::uint64_t largest = 0;
  // Nothing was judged yet: what a kernel uses is refused if it is larger than the limit, and what
  // it does not use may have any size.
  for (const LaunchMemory::Range& range : memory.ranges)
    largest = std::max(largest, std::min(range.size, kMaxBindingSize));
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
  return tokens().completion_with_help<Launch>(
      token, timeout_ns, [this](const LaunchPointer& launch, std::uint64_t left_ns) {
        const substrate::Deadline deadline(left_ns);
        if (deadline.is_endless()) launch->await_open();
        if (left_ns != 0) executor_.take_part(launch, deadline.at());
        return UINT64_MAX;  // what it leaves others do
      });
}

void CpuSubstrate::end(const Launch& launch) noexcept {
  if (const char* why = launch.why_cut_short()) return (void)tokens().fail(launch.token, why);
  if (launch.profile()) tokens().record_timing(launch.token, launch.timing());
  tokens().finish(launch.token);
}

}  // namespace sokr::cpu
