// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The way of a launch through a substrate whose kernels work on the memory of this process: it is
// parsed, what it binds is found, what it may be refused for is decided, its token is given out and
// what it waits for is waited for. The substrate brings kernels, and runs what is ready:
//
//     launches.dispatch(request, backend)
//
// where the backend, which is copied, has
//     using Bound = ...;                      // descriptors; empty at first
//     Result<KernelPointer> kernel_of(request, const LaunchView&, const LaunchMemory&);
//         // a kernel that passed check_entry, and has a member `reflection`; one that has to be
//         // made is made only if judge() agrees
//     void bind(Bound&, const auto& said, std::byte* data, std::uint64_t size);
//         // each descriptor in the order of the reflection, the elements of an array in a row;
//         said()
//         // returns its SokrBinding. Of a null one data is null and size 0
//     bool run_here(kernel, Bound&, const AcceptedLaunch&);
//         // runs it now, if it is known to be short: it has no token yet, and waits for nothing
//     std::shared_ptr<Work> make(kernel, Bound&, owners, const AcceptedLaunch&, bool profile);
//         // what its token stands for, with a member `token`
//     void start(const std::shared_ptr<Work>&, std::array<std::uint32_t, 3> groups);
//         // once all that it waits for is complete, maybe on the thread that ended that; it ends
//         // the token. May throw before it does anything
//     void refused(Work&) noexcept;           // it will not be started; its token fails next
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
#include <span>
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

  // A token. SOKR_INVALID_INPUT with a sentence for what a launch is refused for.
  template <class Backend>
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request, Backend backend) {
    SOKR_ASSIGN(const LaunchView&& launch, LaunchView::parse(request.params, request.params_len));
    LaunchMemory memory = memory_of(launch);
    SOKR_ASSIGN(auto kernel, backend.kernel_of(request, launch, memory));
    typename Backend::Bound bound;
    SOKR_ASSIGN(const AcceptedLaunch&& accepted,
                accept(request, launch, memory, kernel->reflection,
                       [&](const auto& said, std::byte* data, std::uint64_t size) {
                         backend.bind(bound, said, data, size);
                       }));
    // Before the launch has a token of its own: it could wait for that one otherwise, or two
    // launches for each other's, for ever.
    std::uint32_t unknown = launch.wait_count();
    const bool ready = is_ready(launch, unknown);
    if (unknown < launch.wait_count()) return never_issued(launch, unknown);
    if (ready && !launch.is_indirect() && !launch.profile() &&
        (accepted.is_empty() || backend.run_here(*kernel, bound, accepted)))
      return tokens_.issue_complete();
    const auto make = [&] {
      return backend.make(std::move(kernel), bound, std::move(memory.owners), accepted,
                          launch.profile());
    };
    return submit(launch, accepted, ready, backend, make);
  }
  // All that a launch of a kernel with this reflection can be refused for: nothing is made, and
  // nothing kept, for one that is.
  Result<void> judge(const SokrDispatchRequest& request, const LaunchView& launch,
                     const LaunchMemory& memory, const ir::EntryReflection& entry);

 private:
  LaunchMemory memory_of(const LaunchView& launch);
  // Judges the launch and finds what it binds, by calls of take(said, data, size).
  template <class Take>
  Result<AcceptedLaunch> accept(const SokrDispatchRequest& request, const LaunchView& launch,
                                const LaunchMemory& memory, const ir::EntryReflection& entry,
                                const Take& take) {
    AcceptedLaunch accepted;  // filled member by member: a list of them would clear all of it first
    PlainBindings used;
    if (memory.is_whole && is_plain_launch(launch, entry, options_.limits, request.substrate_id,
                                           options_.bounds, used)) {
      for (const std::uint32_t i : used)
        take([&] { return launch.binding(i); }, memory.ranges[i].data, memory.ranges[i].size);
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
  // Nothing that the launch waits for is under way or failed. `unknown` becomes the number of a
  // token that was never issued, if there is one.
  bool is_ready(const LaunchView& launch, std::uint32_t& unknown);

  template <class Backend, class Work>
  struct Job {
    Backend backend;
    std::shared_ptr<Work> work;
  };
  template <class Backend, class Work>
  Job(Backend, std::shared_ptr<Work>) -> Job<Backend, Work>;

  // Gives out the token of a launch that is not over yet, and starts it at once if it is `ready`,
  // or else when the last token that it waits for is over. Blocks while as many are under way as
  // may be. Apart from the way of a launch that runs at once, which is to be short.
  template <class Backend, class Make>
  [[gnu::noinline]] Result<std::uint64_t> submit(const LaunchView& launch,
                                                 const AcceptedLaunch& accepted, bool ready,
                                                 const Backend& backend, const Make& make) {
    SOKR_ASSIGN(LaunchGroups groups, groups_of(launch, accepted.groups));
    Job job{backend, make()};
    if (!tokens_.await_room(options_.in_flight.most, options_.in_flight.patience))
      return no_room(options_.in_flight);
    const std::uint64_t token = tokens_.begin(job.work);
    if (token == 0) return token;
    job.work->token = token;
    try {
      if (ready) {
        start(job, groups);
        return token;
      }
      start_after(launch, job, std::move(groups));
    } catch (...) {
      refuse(job, "out of memory");
      throw;
    }
    return token;
  }
  // All tokens that it waits for were issued.
  template <class AnyJob>
  void start_after(const LaunchView& launch, const AnyJob& job, LaunchGroups groups) {
    if (launch.wait_count() == 1) {
      // One object is all that is kept of it.
      auto go_on = [this, job, groups = std::move(groups),
                    token = launch.wait(0)](bool failed) mutable {
        failed ? refuse(job, tokens_.sentence_of_dependent(token)) : start(job, groups);
      };
      (void)tokens_.when_terminal(launch.wait(0), std::move(go_on));
      return;
    }
    await_all(launch,
              [this, job, groups = std::move(groups)](bool failed, std::string sentence) mutable {
                failed ? refuse(job, std::move(sentence)) : start(job, groups);
              });
  }
  template <class AnyJob, class Sentence>
  void refuse(AnyJob& job, Sentence&& sentence) noexcept {
    job.backend.refused(*job.work);
    (void)tokens_.fail(job.work->token, std::forward<Sentence>(sentence));
  }

  Result<ResolvedLaunch> check(const SokrDispatchRequest& request, const LaunchView& launch,
                               const ir::EntryReflection& entry) const {
    return check_launch_alone(launch, entry, options_.limits, request.substrate_id,
                              options_.bounds);
  }
  template <class Take>
  Result<void> bind(const ResolvedLaunch& resolved, const LaunchMemory& memory, const Take& take) {
    for (const ResolvedBinding& binding : resolved.bindings) {
      const auto said = [&] { return binding.as_binding(); };
      if (binding.source == SOKR_BINDING_NULL) {
        take(said, nullptr, std::uint64_t{0});
        continue;
      }
      const LaunchMemory::Range& range = memory.ranges[binding.given];
      if (!range.is_there) return not_there(said());
      take(said, range.data, range.size);
    }
    return {};
  }
  // Of a binding whose memory was not there when the launch was given.
  Failure not_there(const SokrBinding& binding);
  template <class AnyJob>
  void start(AnyJob& job, const LaunchGroups& groups) noexcept {
    try {
      auto counts = counts_of(groups);
      if (!counts) return refuse(job, std::move(counts).failure().sentence);
      job.backend.start(job.work, *counts);
    } catch (const std::exception& error) {
      refuse(job, could_not_start(error));
    }
  }
  static std::string could_not_start(const std::exception& error) noexcept;
  Result<std::array<std::uint32_t, 3>> counts_of(const LaunchGroups& groups) const;
  Result<void> check_total(const std::array<std::uint32_t, 3>& groups) const;
  void await_all(const LaunchView& launch, InFlightTable::AllCallback go_on);

  const HostLaunchOptions options_;
  HostMemory memory_;
  InFlightTable tokens_;
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_HOST_LAUNCHES_HPP_
