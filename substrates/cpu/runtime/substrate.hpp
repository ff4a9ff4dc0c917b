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
#include <mutex>
#include <optional>
#include <sokr/substrate/host_launches.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/prepared.hpp>
#include <sokr/substrate/statistics.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <string>
#include <unordered_map>

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
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request);
  substrate::CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns);
  std::string completion_error(std::uint64_t token) { return tokens().error(token); }
  // Ends what is under way and does not end by itself within kRetireGrace, as failed.
  void retire() noexcept;
  std::optional<std::uint64_t> timing(std::uint64_t token) { return tokens().timing(token); }
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
  // What becomes of a launch whose token was given out.
  struct Job {
    CpuSubstrate* self;
    LaunchPointer launch;
    void issued(std::uint64_t token);
    void start(const std::array<std::uint32_t, 3>& groups);
    void refuse(std::string sentence) noexcept;
  };

  substrate::InFlightTable& tokens() { return launches_.tokens(); }
  void abandon_all() noexcept;
  static MemoryTraits traits_of(const substrate::LaunchMemory& memory);
  Result<KernelPointer> kernel_of(const SokrDispatchRequest& request,
                                  const substrate::LaunchView& launch,
                                  const substrate::LaunchMemory& memory);
  void end(const LaunchPointer& launch) noexcept;
  void end_failed(const LaunchPointer& launch, std::string sentence) noexcept;
  void settle(LaunchPointer launch) noexcept;
  LaunchPointer find(std::uint64_t token);
  void forget(std::uint64_t token);

  KernelStore kernels_;
  substrate::KernelHandles<PreparedKernel> prepared_;
  substrate::HostLaunches launches_;
  // Launches under way, by token: those of one thread's tokens on few cache lines, and on others
  // than another thread's.
  struct alignas(substrate::kCacheLine) ActiveStripe {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, LaunchPointer> launches;
  };
  ActiveStripe& stripe_of(std::uint64_t token) { return active_[token / 2 % active_.size()]; }
  std::array<ActiveStripe, substrate::kStripes> active_;
  Executor executor_;  // goes before all that launches use when they end
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_
