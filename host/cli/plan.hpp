// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A launch request that was checked against a kernel: everything that can be known
// before a substrate is asked. What fails here is the caller's mistake, and says so once,
// instead of once for each substrate.
#ifndef SOKR_CLI_PLAN_HPP_
#define SOKR_CLI_PLAN_HPP_

#include <memory>
#include <optional>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <vector>

#include "launch_flags.hpp"
#include "page_buffer.hpp"

namespace sokr::cli {

struct PlannedBuffer {
  Selector where;
  SokrAccess access = SOKR_ACCESS_READ;
  std::uint64_t size = 0;  // bytes; 0 = an empty runtime array, bound to nothing
  PageBuffer initial;      // empty = zeros
  // Of the .npy file that filled it: without an axis, if it has one number.
  std::optional<std::vector<std::uint64_t>> shape;
  std::string name;  // the kernel's; may be empty
  // What the kernel has there, or a .npy file says; none if that is several types.
  std::optional<SokrIrScalar> type;
};

struct PlannedOutput {
  OutputSpec spec;
  std::size_t buffer = 0;            // index into Plan::buffers
  std::vector<std::uint64_t> shape;  // for a .npy file, in its elements
};

// Elements `from` up to `to` of a buffer.
struct PlannedPrint {
  std::size_t buffer = 0;
  SokrIrScalar type{};
  std::uint64_t from = 0, to = 0;
};

struct Plan {
  Launch launch;      // without bindings
  std::string entry;  // its name
  Extent groups{1, 1, 1}, local_size{1, 1, 1};
  std::uint32_t subgroup_size = 0;
  std::uint64_t shared_bytes = 0;  // of Workgroup memory, as the launch sizes it
  std::vector<PlannedBuffer> buffers;
  std::vector<PlannedOutput> outputs;
  std::vector<PlannedPrint> prints;
  std::vector<std::pair<std::size_t, std::size_t>> swaps;  // buffers
};

// Sets the constants that the kernel declares; others are ignored.
void specialize(const Kernel& kernel, std::span<const SpecValueText> specs, Launch& launch);
// As the launch specializes and sizes it. Throws UsageError for values that make no sense.
std::shared_ptr<const SokrIrReflection> reflect_for(const Kernel& kernel, const Launch& launch);

// Reads the input files. Throws UsageError, or Error for what is wrong with a file.
Plan make_plan(const Kernel& kernel, const LaunchRequest& request);

// Why a workgroup of this size, with so much Workgroup memory, is over the limits.
std::optional<std::string> workgroup_over_limits(const SokrComputeLimits& limits,
                                                 const Extent& size, std::uint64_t shared_bytes);

// Why this launch does not fit the substrate, as far as its limits tell.
std::optional<std::string> why_not(const Plan& plan, const Substrate& substrate);

// Memory with the planned contents, bound to `launch`: one for each planned buffer, empty
// for inputs that are only read and not written out, which are bound as they are in the plan.
// The rest is copied, or, where the plan is not used again, moved out of it.
std::vector<PageBuffer> bind_buffers(const Plan& plan, Launch& launch);
std::vector<PageBuffer> bind_buffers(Plan&& plan, Launch& launch);

// Exchanges the memory of the buffers that the plan swaps, and binds it anew. To be called
// between two dispatches.
void swap_buffers(const Plan& plan, std::span<PageBuffer> memory, Launch& launch);

}  // namespace sokr::cli

#endif  // SOKR_CLI_PLAN_HPP_
