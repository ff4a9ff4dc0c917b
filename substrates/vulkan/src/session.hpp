// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One life of a device: from its creation to the end of the substrate or the loss of
// the device, with everything that lives on it, and the launches in flight.
//
// Launches run on one queue in the order of dispatch and end in that order. While the device has
// work, launches are collected, and submitted together when somebody waits, asks or copies, or when
// there are so many (Options::collect); where it has none, a launch is submitted at once. What the
// host sees (results in host memory, timings) is brought in by the thread that first
// observes the end: a completion call, a dispatch that waits for or cleans up after
// earlier launches, or the destructor. There is no thread of its own.
#ifndef SOKR_VULKAN_SESSION_HPP_
#define SOKR_VULKAN_SESSION_HPP_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/spirv/module.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/disk_cache.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <unordered_map>
#include <vector>

#include "buffers.hpp"
#include "device.hpp"
#include "known_launches.hpp"
#include "pipeline.hpp"
#include "pipeline_cache.hpp"
#include "recording.hpp"
#include "room.hpp"

namespace sokr::vulkan {

// What outlives a session: it belongs to the substrate.
struct SessionContext {
  std::string name;  // of the substrate
  substrate::Host host;
  Options options;
  substrate::InFlightTable* in_flight = nullptr;
  substrate::DiskCache* disk = nullptr;
  std::atomic<SokrBuffer>* next_buffer = nullptr;
  const std::atomic<std::uint64_t>* released = nullptr;  // kernels whose handles were
};

class Session {
 public:
  static Result<std::shared_ptr<Session>> create(const PhysicalDevice& physical,
                                                 const SessionContext& context);
  // Blocks until the device is idle; every launch is terminal then, results included.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Device& device() { return *device_; }
  BufferTable& buffers() { return *buffers_; }
  RecordingPool& recordings() { return *recordings_; }
  const KnownLaunches& known_launches() const { return known_; }

  // The decoded module for a request's bytes, validated and found capable. Kept only when it is
  // handed over again, for a launch that has been found right.
  using ModulePointer = std::shared_ptr<const spirv::Module>;
  using FindModule = std::function<Result<ModulePointer>(ModulePointer keep)>;

  // Of the pipelines that are kept.
  substrate::ContentCacheStats pipelines() { return pipelines_.stats(); }
  // How often a kernel was decoded for a launch, for tests.
  std::uint64_t planned() const { return planned_.load(); }

  // What a launch runs.
  struct Wanted {
    // IR and computation id; and a launch that says entry point, specialization and sizes: that
    // which is dispatched, or what a kernel was prepared with.
    SokrDispatchRequest kernel{};
    const substrate::LaunchView* said = nullptr;
    std::uint64_t prepared = 0;  // KernelSource::serial(); 0 = it is not
    std::uint64_t released = 0;  // kernels, before this one was looked for by its handle
  };

  // Compiles a prepared kernel, and keeps it until unpin() of its serial number.
  Result<void> prepare(const Wanted& wanted, const FindModule& module);
  void unpin(std::uint64_t prepared);

  // A token that is under way, or FAILED already if it waited for one that failed. Nothing is
  // built or kept for a launch that is refused. Where as many are under way as may be at once
  // it waits for the first of them to end.
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request, const Wanted& wanted,
                                 const substrate::LaunchView& launch, const FindModule& module);
  // The same for a request whose launch was found right before (known_launches.hpp). Empty if it is
  // none: then nothing was done.
  std::optional<Result<std::uint64_t>> dispatch_again(const SokrDispatchRequest& request);
  // Host memory that a launch writes, or the rest of what it brings to the host.
  struct Download {
    const std::byte* from = nullptr;  // null: the kernel writes `to` in place
    std::byte* to = nullptr;
    std::uint64_t size = 0;
  };
  struct Launch {
    const Session* session = nullptr;
    std::uint64_t token = 0;
    std::atomic<std::uint64_t> value{0};  // of the timeline; 0 = not submitted yet
    std::unique_ptr<Recording> recording;
    std::shared_ptr<Batch> batch;  // that it was recorded into
    substrate::InlineVector<Download, 4> downloads;
    std::vector<std::shared_ptr<Buffer>> keep;  // until it is done
    std::uint64_t staged = 0;                   // bytes of host memory that were copied for it
    std::atomic<bool> claimed{false};           // by the thread that ends it
    bool begun = false;                         // a part of it was submitted, before the rest was
    bool counted = false;                       // `staged`, among what is under way
    // Its place among those submitted (SubmittedList).
    Launch *before = nullptr, *next = nullptr;
    std::shared_ptr<Launch> self;
  };
  // Submits what was collected. A launch that cannot be is FAILED with the sentence.
  void flush();
  // Of a token that is under way: waits for the device, but not for ever, and brings the launch in.
  // Returns for how long who waits may sleep before it calls again, at most `left_ns`.
  std::uint64_t help(const std::shared_ptr<Launch>& launch, std::uint64_t left_ns);
  // The same for who waits without end, once: true if it brought the launch in, which is COMPLETE.
  // False says nothing of it.
  bool bring_to_end(const std::shared_ptr<Launch>& launch);
  // Ends all launches as FAILED with the sentence of the loss. Only when lost.
  void abandon();
  // From when it returns, no results are copied into host memory any more: whose launch is
  // then called FAILED may free it. Only kernels that use it in place still write there.
  void let_go();
  // Of the driver, on disk, as far as they are new.
  void store_pipelines() { pipeline_cache_->store(); }

 private:
  using LaunchPointer = std::shared_ptr<Launch>;
  struct Prepared {  // a launch before it has a token
    std::shared_ptr<Pipeline> pipeline;
    const JudgedLaunch* judged = nullptr;
    std::span<const std::uint8_t> push;
    const RecordKey* key = nullptr;         // if it is known, of a grid that is not cut
    std::shared_ptr<const BoundSets> sets;  // if it is known
  };
  struct Planned {  // what a pipeline is built from
    ModulePointer module;
    PipelinePlan plan;
  };
  struct Dependency {
    std::uint64_t after = 0;             // value of the timeline
    std::vector<LaunchPointer> pending;  // that were not submitted when they were looked at
    std::string failed;                  // sentence if one has failed
  };
  // In the order of their values, which is that of their submission.
  class SubmittedList {
   public:
    void add(const LaunchPointer& launch) noexcept;
    // It, if it was among them.
    LaunchPointer remove(Launch& launch) noexcept;
    Launch* first() const { return first_; }
    // Also without the lock that guards the rest: how many there were a moment ago.
    std::size_t size() const { return size_.load(std::memory_order_relaxed); }

   private:
    Launch *first_ = nullptr, *last_ = nullptr;
    std::atomic<std::size_t> size_{0};
  };

  static constexpr std::size_t kMostCollected = 64;

  Session(std::unique_ptr<Device> device, const SessionContext& context);

  // What decides a pipeline beside the kernel's IR.
  struct PipelineKey {
    PipelineKey(const Wanted& wanted, const substrate::LaunchView& launch, bool sliced);
    // For bindings that do not hold all data.
    void take_any_bindings();
    // To be asked where it is not pinned: takes a look at what was said of the kernel.
    substrate::ContentKey content();
    const Wanted& wanted;
    const bool sliced;
    bool any_bindings = false;
    substrate::CompileKey lengths, extra;
  };
  std::shared_ptr<Pipeline> find_pipeline(PipelineKey& key);
  // That which was built for bindings that do not hold all data.
  std::shared_ptr<Pipeline> find_checked(const PipelineKey& key);
  Result<Planned> plan(const PipelineKey& key, const substrate::LaunchView& launch,
                       const FindModule& module);
  Result<std::shared_ptr<Pipeline>> build_pipeline(PipelineKey& key, Planned planned,
                                                   const FindModule& module);
  std::shared_ptr<Pipeline> find_pinned(const PipelineKey& key);
  void pin(const PipelineKey& key, const std::shared_ptr<Pipeline>& pipeline);
  bool has_room(std::uint64_t staged);
  Result<void> await_room(std::uint64_t staged);
  LaunchPointer oldest(std::uint64_t until = UINT64_MAX);
  bool make_room(Shortage& shortage);
  bool await_one(Shortage& shortage);
  Result<bool> bring_in(const LaunchPointer& launch, std::uint64_t timeout_ns);
  std::vector<LaunchPointer> submitted(std::uint64_t until);
  Result<void> bind_all(const substrate::LaunchView& launch, const ir::EntryReflection& entry,
                        JudgedLaunch& judged, Launch& to);
  Result<void> bind_nulls(const ir::EntryReflection& entry, JudgedLaunch& judged) const;
  Result<void> check_overlap(const substrate::ResolvedLaunch& resolved) const;
  Result<void> check_copied(const JudgedLaunch& judged) const;
  Result<void> bind_one(const substrate::ResolvedBinding& binding, Bound& bound, bool& reusable,
                        Launch& to);
  bool bind_in_place(const substrate::ResolvedBinding& binding, Bound& bound, Launch& to);
  Result<Dependency> resolve_waits(const substrate::LaunchView& launch,
                                   const substrate::ResolvedLaunch& resolved);
  Result<void> bring_in_before(const substrate::LaunchView& launch,
                               const substrate::ResolvedLaunch& resolved, Dependency& dependency);
  Result<void> bring_in_results(const substrate::ResolvedLaunch& resolved, std::uint64_t until);
  GridCut plan_cut(const substrate::LaunchView& launch, const Prepared& prepared);
  std::uint32_t parts_for(double ns, std::uint32_t most) const;
  Result<void> run_first(const RecordRequest& request, std::uint64_t after, Launch& to);
  static RecordRequest record_request(const substrate::LaunchView& launch,
                                      const Prepared& prepared);
  Result<void> record(const substrate::LaunchView& launch, const Prepared& prepared,
                      Dependency& dependency, Launch& to);
  Result<void> record_with_room(const substrate::LaunchView& launch, const Prepared& prepared,
                                Dependency& dependency, Launch& to);
  void give_back(Launch& launch);
  static std::uint64_t staged_bytes(const JudgedLaunch& judged);
  static bool is_known_by_bytes(const JudgedLaunch& judged);
  std::shared_ptr<KnownLaunch> make_known(const SokrDispatchRequest& request, const Wanted& wanted,
                                          const substrate::LaunchView& launch,
                                          const Prepared& prepared, const Launch& to) const;
  static bool wait_after(const LaunchPointer& earlier, Dependency& dependency);
  Result<std::uint64_t> submit_all(Launch& launch, std::uint64_t after);
  bool look_again(Dependency& dependency);
  bool settle(Dependency& dependency);
  bool has_work() const;
  bool may_collect(const Launch& launch);
  void flush_locked();
  Result<std::uint64_t> submit_collected();
  Result<VkCommandBuffer> write_collected();
  void note_submitted(const LaunchPointer& launch, std::uint64_t value);
  Result<std::uint64_t> start(const LaunchPointer& launch, Dependency& dependency);
  Result<std::uint64_t> submit_or_collect(const LaunchPointer& launch, Dependency& dependency);
  std::uint64_t failed_token(std::string sentence);
  template <class Build>
  Result<std::uint64_t> run(const substrate::LaunchView& launch, Prepared& prepared,
                            const LaunchPointer& started, const Build& build);
  // True if it is COMPLETE by this.
  bool finish(const LaunchPointer& launch);
  void copy_results(const Launch& launch);
  void fail_launch(const LaunchPointer& launch, const std::string& sentence);
  bool end(const LaunchPointer& launch, const std::string* failed);
  void clean_up();

  SessionContext context_;
  std::unique_ptr<Device> device_;
  SokrComputeLimits limits_{};
  substrate::Bounds bounds_ = substrate::Bounds::kUnchecked;
  std::unique_ptr<PipelineCache> pipeline_cache_;
  std::unique_ptr<RecordingPool> recordings_;
  std::unique_ptr<BufferTable> buffers_;
  substrate::ContentCache<Pipeline> pipelines_;
  std::atomic<std::uint64_t> planned_{0};

  // Of prepared kernels, by serial number; several for several lengths of descriptor arrays.
  struct Pinned {
    std::vector<std::uint8_t> lengths;
    std::shared_ptr<Pipeline> pipeline;
  };
  substrate::StripedMutex pinned_mutex_;
  std::unordered_map<std::uint64_t, std::vector<Pinned>> pinned_;

  // Held from the choice of a launch's place in the order until it has it; before the next.
  std::mutex collect_mutex_;
  std::vector<LaunchPointer> collected_;
  std::uint64_t collected_after_ = 0;  // what the timeline has to reach for them
  std::atomic<std::size_t> collected_count_{0};
  std::chrono::steady_clock::time_point burst_until_{};  // since the last submission

  std::mutex launches_mutex_;    // guards what follows
  SubmittedList under_way_;      // those submitted
  std::uint64_t staged_ = 0;     // bytes, of those under way
  std::uint64_t tidy_from_ = 0;  // value from which the device is asked again what has ended

  KnownLaunches known_;

  substrate::StripedMutex results_mutex_;  // shared while results are copied
  bool let_go_ = false;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_SESSION_HPP_
