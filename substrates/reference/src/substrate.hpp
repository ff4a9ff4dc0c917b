// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate named `reference`: dispatches launches to the interpreter. What Exporter
// asks of a substrate class; every function may be called from any thread.
#ifndef SOKR_REFERENCE_SUBSTRATE_HPP_
#define SOKR_REFERENCE_SUBSTRATE_HPP_

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <sokr/reference/interpreter.hpp>
#include <sokr/spirv/reflection.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/host_launches.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <sokr/substrate/prepared.hpp>
#include <sokr/substrate/statistics.hpp>

namespace sokr::reference {

struct SubstrateOptions {
  std::uint32_t threads = 0;                          // 0 = all that the process may use
  OutOfBounds out_of_bounds = OutOfBounds::kIgnore;   // kReport logs a warning a launch
  std::size_t kernel_bytes = std::size_t{128} << 20;  // of the programs that are kept
  substrate::InFlightLimit in_flight;
  spirv::Strictness strictness = spirv::Strictness::kRelaxed;
};

class ReferenceSubstrate {
 public:
  ReferenceSubstrate(const substrate::Host& host, const SubstrateOptions& options);
  // Abandons what is in flight and waits until no task of this substrate runs.
  ~ReferenceSubstrate();

  Result<std::uint64_t> capability(const SokrCapabilityQuery& query);
  // Returns once the launch is checked; it runs on oneTBB's threads.
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request) {
    return launches_.dispatch(request, Backend{this});
  }
  substrate::InFlightTable& tokens() { return launches_.tokens(); }
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
  // Of the programs that are kept.
  substrate::ContentCacheStats kernels() { return kernels_.stats(); }

  static SokrComputeLimits limits();

 private:
  struct Kernel {
    std::shared_ptr<const Program> program;
    ir::EntryReflection reflection;
  };
  using KernelPointer = std::shared_ptr<const Kernel>;
  struct Checked {};
  static void stop(void* work);
  // A launch that was accepted: everything that it needs, nothing borrowed but host memory.
  struct Work {
    std::uint64_t token = 0;
    std::atomic<bool> stop{false};
    bool profile = false;
    KernelPointer kernel;
    std::array<std::uint32_t, 3> groups{}, base_groups{};
    std::vector<Descriptor> descriptors;
    std::vector<std::shared_ptr<const substrate::HostBuffer>> owners;
    std::vector<std::byte> push;
  };

  Result<void> validate(std::span<const std::uint8_t> ir);
  static Result<void> check_format(std::uint32_t format);
  // For HostLaunches::dispatch.
  struct Backend {
    using Bound = std::vector<Descriptor>;
    ReferenceSubstrate* self;
    Result<KernelPointer> kernel_of(const SokrDispatchRequest& request,
                                    const substrate::LaunchView& launch,
                                    const substrate::LaunchMemory& memory) const;
    static void bind(Bound& bound, const auto& said, std::byte* data, std::uint64_t size) {
      const SokrBinding binding = said();
      bound.push_back({binding.set, binding.binding, binding.index, data, size});
    }
    static bool run_here(const Kernel&, Bound&, const substrate::AcceptedLaunch&) { return false; }
    static std::shared_ptr<Work> make(
        KernelPointer kernel, Bound& bound,
        std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
        const substrate::AcceptedLaunch& launch, bool profile);
    void start(const std::shared_ptr<Work>& work,
               const std::array<std::uint32_t, 3>& groups) const {
      work->groups = groups;
      self->enqueue(work);
    }
    static void refused(Work&) noexcept {}
  };
  template <class Judge>
  Result<KernelPointer> make_kernel(const SokrDispatchRequest& request,
                                    const substrate::LaunchView& launch, const Judge& judge);
  void enqueue(std::shared_ptr<Work> work);
  void run_next() noexcept;
  void execute(Work& work) noexcept;
  Result<void> run_work(Work& work);

  substrate::Host host_;
  SubstrateOptions options_;
  substrate::HostLaunches launches_;
  substrate::ContentCache<const Checked> checked_;
  substrate::ContentCache<const Kernel> kernels_;
  substrate::KernelHandles<const Kernel> prepared_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable idle_;
  std::deque<std::shared_ptr<Work>> queue_;
  std::size_t tasks_ = 0;  // enqueued and not ended
  bool started_ = false;

  // oneTBB keeps one thread less than cores for callers that take part; ours do not.
  std::optional<tbb::global_control> workers_;
  tbb::task_arena arena_;
};

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_SUBSTRATE_HPP_
