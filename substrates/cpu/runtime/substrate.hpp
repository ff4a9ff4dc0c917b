// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate `cpu`: kernels compiled to SIMD code, workgroups spread over the cores.
//
// A launch that is known to be short, whatever its data, runs inside dispatch, on the calling
// thread. Every other one is given to the crew and dispatch returns; whoever waits for it
// without end takes part in the work. A waiter with a limit takes part only in what is known
// to let it go in time, and sleeps otherwise: the crew then works on all processors. A launch
// that waits for tokens starts when they are terminal; a short one is run by the thread of the
// crew that ended the last of them.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/prepared.hpp>
#include <sokr/substrate/statistics.hpp>
#include <string>
#include <unordered_map>

#include "runtime/crew.hpp"
#include "runtime/kernel_store.hpp"
#include "runtime/launch.hpp"
#include "runtime/scratch.hpp"

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
  std::string completion_error(std::uint64_t token) { return tokens_.error(token); }
  // Ends what is under way and does not end by itself within kRetireGrace, as failed.
  void retire() noexcept;
  std::optional<std::uint64_t> timing(std::uint64_t token) { return tokens_.timing(token); }
  substrate::HostMemory& memory() { return memory_; }
  Result<void> prepare(std::span<const SokrKernelInfo* const> kernels, SokrKernel* out);
  Result<void> release(SokrKernel kernel) { return prepared_.release(kernel); }
  void statistics(substrate::StatisticList& list) {
    list.total("launches", tokens_.issued());
    list.level("in_flight", tokens_.active());
    list.kernels(kernels_.stats());
    list.level("kernels_prepared", prepared_.count());
    list.level("buffers", memory_.buffer_count());
  }
  // Of the kernels that are kept in memory.
  substrate::ContentCacheStats kernels() { return kernels_.stats(); }
  // How many tasks the crew was given, ever; for tests and logs.
  std::uint64_t tasks_put() const { return tasks_put_.load(std::memory_order_relaxed); }

 private:
  void abandon_all() noexcept;
  using LaunchPointer = std::shared_ptr<Launch>;
  using Owners = std::vector<std::shared_ptr<const substrate::HostBuffer>>;
  // The memory that the bindings of a launch name, resolved once.
  struct Memory {
    struct Range {
      std::byte* data;
      std::uint64_t size;
      bool is_there;  // if not, it is refused by bind(), if the kernel uses it at all
      bool is_written;
    };
    substrate::InlineVector<Range, 16> ranges;  // by binding of the launch
    Owners owners;
    MemoryTraits traits;
  };
  struct Bound {
    Bindings ranges;
    Owners owners;
  };
  // Where the group counts are read, for an indirect launch.
  struct Indirect {
    substrate::HostRange counts;
  };
  struct Task;
  struct Worker;

  using KernelPointer = KernelStore::KernelPointer;

  Memory memory_of(const substrate::LaunchView& launch);
  static MemoryTraits traits_of(const Memory& memory);
  Result<KernelPointer> kernel_of(const SokrDispatchRequest& request,
                                  const substrate::LaunchView& launch, const Memory& memory);
  Result<Bindings> bind(const substrate::ResolvedLaunch& resolved, const Memory& memory);
  Result<void> judge(const SokrDispatchRequest& request, const substrate::LaunchView& launch,
                     const Memory& memory, const ir::EntryReflection& reflection);
  Result<std::optional<Indirect>> groups_of(const substrate::LaunchView& launch,
                                            const substrate::ResolvedLaunch& resolved);
  bool all_complete(const substrate::LaunchView& launch);
  bool is_short(const LoadedKernel& kernel, const substrate::LaunchView& launch,
                const substrate::ResolvedLaunch& resolved) const;
  std::uint64_t run_inline(const LoadedKernel& kernel, const Bindings& bindings,
                           const substrate::ResolvedLaunch& resolved);
  Result<std::uint64_t> run_later(std::shared_ptr<const LoadedKernel> kernel, Bound bound,
                                  const substrate::LaunchView& launch,
                                  const substrate::ResolvedLaunch& resolved, bool ready);
  Result<void> start_after(const LaunchPointer& launch, const substrate::LaunchView& view,
                           const std::array<std::uint32_t, 3>& groups,
                           const std::optional<Indirect>& indirect);
  void start(const LaunchPointer& launch, std::array<std::uint32_t, 3> groups,
             const std::optional<Indirect>& indirect);
  void hand_out(const LaunchPointer& launch);
  void spread(const LaunchPointer& launch, std::uint32_t tasks);
  void call_reserve(const LaunchPointer& launch) noexcept;
  void enqueue(const LaunchPointer& launch, bool to_reserve);
  static void run(Task* task) noexcept;
  void work_on(const LaunchPointer& launch, std::uint32_t home,
               std::chrono::steady_clock::time_point deadline) noexcept;
  void take_part(const LaunchPointer& launch, std::chrono::steady_clock::time_point deadline);
  void end(const LaunchPointer& launch) noexcept;
  void end_failed(const LaunchPointer& launch, std::string sentence) noexcept;
  void settle(LaunchPointer launch) noexcept;
  LaunchPointer find(std::uint64_t token);
  void forget(std::uint64_t token);

  substrate::Host host_;
  SokrComputeLimits limits_;
  substrate::InFlightLimit limit_;
  KernelStore kernels_;
  substrate::KernelHandles<PreparedKernel> prepared_;
  substrate::HostMemory memory_;
  substrate::InFlightTable tokens_;
  ScratchPool scratch_;
  Crew crew_;
  std::atomic<std::uint64_t> tasks_put_{0};
  std::mutex active_mutex_;
  std::unordered_map<std::uint64_t, LaunchPointer> active_;
  // Tasks of the crew, queued or under way. Each task shares the count, which may outlive this.
  std::shared_ptr<std::atomic<std::uint32_t>> tasks_ =
      std::make_shared<std::atomic<std::uint32_t>>(0);
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_SUBSTRATE_HPP_
