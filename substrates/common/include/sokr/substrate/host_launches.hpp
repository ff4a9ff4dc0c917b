// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The way of a launch through a substrate whose kernels work on the memory of this process: what
// it binds is found, what it may be refused for is decided, its token is given out and what it
// waits for is waited for. The substrate brings kernels, and runs what is ready:
//
//     SOKR_ASSIGN(LaunchView launch, LaunchView::parse(request.params, request.params_len));
//     LaunchMemory memory = launches.memory_of(launch);
//     ... a kernel for the launch; one that has to be made is made only if judge() agrees
//     SOKR_ASSIGN(AcceptedLaunch accepted, launches.accept(request, launch, memory,
//                 kernel.reflection, [&](const SokrBinding&, data, size) {...}));
//     SOKR_ASSIGN(LaunchGroups groups, launches.groups_of(launch, accepted.groups));
//     return launches.submit(launch, launches.is_ready(launch), std::move(groups), job);
//
// All functions may be called from any thread at once.
#ifndef SOKR_SUBSTRATE_HOST_LAUNCHES_HPP_
#define SOKR_SUBSTRATE_HOST_LAUNCHES_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <sokr/base/result.hpp>
#include <sokr/ir/reflection.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/inline_vector.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sokr::substrate {

// The memory that the bindings of a launch name, looked up once, before the kernel is known.
struct LaunchMemory {
  struct Range {
    std::byte* data;
    std::uint64_t size;
    bool is_there;  // if not, bind() refuses it, if the kernel uses it at all
    bool is_written;
  };
  InlineVector<Range, 16> ranges;  // by binding of the launch
  std::vector<std::shared_ptr<const HostBuffer>> owners;
  bool is_whole = true;  // everything that is not null is there
};

// A launch of a kernel that nothing stands against.
struct AcceptedLaunch {
  std::array<std::uint32_t, 3> groups{}, base_groups{};  // `groups` says nothing if it is indirect
  std::span<const std::uint8_t> push;                    // as ResolvedLaunch::push
  InlineVector<std::uint32_t, 9>
      first;  // as ResolvedLaunch::first; empty if no binding is an array

  // Of one that is not indirect: there is nothing to run.
  bool is_empty() const { return groups[0] == 0 || groups[1] == 0 || groups[2] == 0; }
};

// How many workgroups a launch has: said in it, or in a buffer that is read when it starts.
struct LaunchGroups {
  std::array<std::uint32_t, 3> counts{};
  HostRange indirect;  // if it has data: where they are
};

struct HostLaunchOptions {
  SokrComputeLimits limits{};
  // Of all three counts of workgroups together.
  std::uint64_t max_groups = UINT64_MAX;
  Bounds bounds = Bounds::kRobust;
  InFlightLimit in_flight;
};

class HostLaunches {
 public:
  explicit HostLaunches(const HostLaunchOptions& options) : options_(options) {}

  HostMemory& memory() { return memory_; }
  InFlightTable& tokens() { return tokens_; }
  const SokrComputeLimits& limits() const { return options_.limits; }

  LaunchMemory memory_of(const LaunchView& launch);
  // Judges the launch of a kernel that passed check_entry when it was made, and finds what it
  // binds: calls take(const SokrBinding&, std::byte* data, std::uint64_t size) for each descriptor
  // in the order of the reflection, the elements of an array in a row; of a null one data is null
  // and size 0. SOKR_INVALID_INPUT with a sentence.
  template <class Take>
  Result<AcceptedLaunch> accept(const SokrDispatchRequest& request, const LaunchView& launch,
                                const LaunchMemory& memory, const ir::EntryReflection& entry,
                                const Take& take) {
    AcceptedLaunch accepted;  // filled member by member: a list of them would clear all of it first
    PlainBindings used;
    if (memory.is_whole && is_plain_launch(launch, entry, options_.limits, request.substrate_id,
                                           options_.bounds, used)) {
      for (const std::uint32_t i : used)
        take(launch.binding(i), memory.ranges[i].data, memory.ranges[i].size);
      accepted.groups = launch.groups();
      accepted.push = push_for(launch, entry);
      return accepted;
    }
    SOKR_ASSIGN(const ResolvedLaunch&& resolved, check(request, launch, entry));
    SOKR_TRY(bind(resolved, memory, take));
    accepted.groups = resolved.groups;
    accepted.base_groups = resolved.base_groups;
    accepted.push = resolved.push;
    accepted.first = resolved.first;
    return accepted;
  }
  // `counts` are those of the launch, if it is not indirect.
  Result<LaunchGroups> groups_of(const LaunchView& launch,
                                 const std::array<std::uint32_t, 3>& counts);
  // All that a launch of a kernel with this reflection can be refused for: nothing is made, and
  // nothing kept, for one that is.
  Result<void> judge(const SokrDispatchRequest& request, const LaunchView& launch,
                     const LaunchMemory& memory, const ir::EntryReflection& entry);
  // Nothing that the launch waits for is under way or failed.
  bool is_ready(const LaunchView& launch);

  // Gives out the token of a launch that is not over yet, and sees to it that the job is started
  // once all that the launch waits for is complete: at once if it is `ready`. Blocks while as many
  // are under way as may be. The job is copied and has
  //     void issued(std::uint64_t token);                  // first; may throw
  //     void start(std::array<std::uint32_t, 3> groups);   // may throw before it does anything
  //     void refuse(std::string sentence) noexcept;        // ends the token as failed
  // of which one of the last two is called, here or on the thread that ended the last token.
  template <class Job>
  Result<std::uint64_t> submit(const LaunchView& launch, bool ready, LaunchGroups groups, Job job) {
    if (!tokens_.await_room(options_.in_flight.most, options_.in_flight.patience))
      return no_room(options_.in_flight);
    const std::uint64_t token = tokens_.begin();
    if (token == 0) return token;
    try {
      job.issued(token);
      if (ready) {
        start(job, groups);
        return token;
      }
      const auto go_on = [this, job, groups](bool failed, std::string sentence) mutable {
        failed ? job.refuse(std::move(sentence)) : start(job, groups);
      };
      if (Result<void> waiting = await_all(launch, go_on); !waiting) {
        job.refuse("it waits for a token that was never issued");
        return std::move(waiting).failure();
      }
    } catch (...) {
      job.refuse("out of memory");
      throw;
    }
    return token;
  }

 private:
  Result<ResolvedLaunch> check(const SokrDispatchRequest& request, const LaunchView& launch,
                               const ir::EntryReflection& entry) const {
    return check_launch_alone(launch, entry, options_.limits, request.substrate_id,
                              options_.bounds);
  }
  template <class Take>
  Result<void> bind(const ResolvedLaunch& resolved, const LaunchMemory& memory, const Take& take) {
    for (const ResolvedBinding& binding : resolved.bindings) {
      if (binding.source == SOKR_BINDING_NULL) {
        take(binding.as_binding(), nullptr, std::uint64_t{0});
        continue;
      }
      const LaunchMemory::Range& range = memory.ranges[binding.given];
      if (!range.is_there) return std::move(memory_.resolve(binding.as_binding())).failure();
      take(binding.as_binding(), range.data, range.size);
    }
    return {};
  }
  template <class Job>
  void start(Job& job, const LaunchGroups& groups) noexcept {
    try {
      const auto counts = counts_of(groups);
      if (!counts) return job.refuse(counts.failure().sentence);
      job.start(*counts);
    } catch (const std::exception& error) {
      job.refuse(could_not_start(error));
    }
  }
  static std::string could_not_start(const std::exception& error) noexcept;
  Result<std::array<std::uint32_t, 3>> counts_of(const LaunchGroups& groups) const;
  Result<void> check_total(const std::array<std::uint32_t, 3>& groups) const;
  Result<void> await_all(const LaunchView& launch, InFlightTable::AllCallback go_on);

  const HostLaunchOptions options_;
  HostMemory memory_;
  InFlightTable tokens_;
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_HOST_LAUNCHES_HPP_
