// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate `cpu`: kernels compiled to SIMD code, workgroups spread over the cores.
//
// A launch that is known to be short, whatever its data, runs inside dispatch, on the calling
// thread. Every other one goes to the executor (runtime/executor.hpp) when all that it waits for is
// terminal, and dispatch returns.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_

#include <array>
#include <memory>
#include <sokr/substrate/host_launches.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/prepared.hpp>
#include <sokr/substrate/statistics.hpp>
#include <vector>

#include "runtime/executor.hpp"
#include "runtime/kernel_store.hpp"
#include "runtime/launch.hpp"

namespace sokr::cpu {

// What a launch may ask for, whatever the machine.
SokrComputeLimits compute_limits();

class CpuSubstrate {
 public:
  CpuSubstrate(substrate::Host host, KernelStoreOptions options, unsigned threads,
               substrate::InFlightLimit limit = {});
  ~CpuSubstrate();
  CpuSubstrate(const CpuSubstrate&) = delete;
  CpuSubstrate& operator=(const CpuSubstrate&) = delete;

  Result<std::uint64_t> capability(const SokrCapabilityQuery& query);
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request) {
    return launches_.dispatch(request, Backend{this});
  }
  substrate::InFlightTable& tokens() { return launches_.tokens(); }
  // The waiting thread takes part in the work.
  substrate::CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns);
  void retire() noexcept { tokens().retire(stop); }
  substrate::HostMemory& memory() { return launches_.memory(); }
  Result<void> prepare(std::span<const SokrKernelInfo* const> kernels, SokrKernel* out);
  Result<void> release(SokrKernel kernel) { return prepared_.release(kernel); }
  void statistics(substrate::StatisticList& list) {
    list.total("launches", tokens().issued());
    list.level("in_flight", tokens().active());
    list.kernels(kernels_.stats());
    list.level("kernels_prepared", prepared_.count());
    list.level("buffers", launches_.memory().buffer_count());
  }
  // Of the kernels that are kept in memory.
  substrate::ContentCacheStats kernels() { return kernels_.stats(); }
  // For tests: waits until no better version of a kernel is being made.
  void await_better_kernels() { kernels_.await_better(); }
  // How many tasks the crew was given, ever; for tests and logs.
  std::uint64_t tasks_put() const { return executor_.tasks_put(); }

 private:
  using LaunchPointer = Executor::LaunchPointer;
  using KernelPointer = KernelStore::KernelPointer;
  // For HostLaunches::dispatch.
  struct Backend {
    using Bound = Bindings;
    CpuSubstrate* self;
    Result<KernelPointer> kernel_of(const SokrDispatchRequest& request,
                                    const substrate::LaunchView& launch,
                                    const substrate::LaunchMemory& memory) const {
      return self->kernel_of(request, launch, memory);
    }
    static void bind(Bindings& bindings, const auto&, std::byte* data, std::uint64_t size) {
      bindings.push_back({data, size});
    }
    bool run_here(const LoadedKernel& kernel, Bindings& bindings,
                  const substrate::AcceptedLaunch& launch);
    static LaunchPointer make(KernelPointer kernel, Bindings& bindings,
                              std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
                              const substrate::AcceptedLaunch& launch, bool profile);
    void start(const LaunchPointer& launch, const std::array<std::uint32_t, 3>& groups) const {
      self->executor_.start(launch, groups);
    }
    static void refused(Launch& launch) noexcept {
      launch.abandon();  // its memory may be gone as soon as its token has failed
      launch.open();
    }
    static void complete(const LoadedKernel& kernel, Bindings& bindings,
                         const substrate::AcceptedLaunch& launch);
  };

  // One that is prepared, with what was said of it then.
  Result<std::shared_ptr<PreparedKernel>> prepare_again(const substrate::KernelSource& source);
  static void stop(void* launch);
  static MemoryTraits traits_of(const substrate::LaunchMemory& memory);
  Result<KernelPointer> kernel_of(const SokrDispatchRequest& request,
                                  const substrate::LaunchView& launch,
                                  const substrate::LaunchMemory& memory);
  void end(const Launch& launch) noexcept;

  KernelStore kernels_;
  substrate::KernelHandles<PreparedKernel> prepared_;
  substrate::HostLaunches launches_;
  Executor executor_;  // goes before all that launches use when they end
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_
