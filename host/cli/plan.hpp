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
};

struct PlannedOutput {
  OutputSpec spec;
  std::size_t buffer = 0;  // index into Plan::buffers
};

struct Plan {
  Launch launch;  // without bindings
  Extent groups{1, 1, 1}, local_size{1, 1, 1};
  std::uint32_t subgroup_size = 0;
  std::vector<PlannedBuffer> buffers;
  std::vector<PlannedOutput> outputs;
};

// Reads the input files. Throws UsageError, or Error for what is wrong with a file.
Plan make_plan(const Kernel& kernel, const LaunchRequest& request);

// Why this launch does not fit the substrate, as far as its limits tell.
std::optional<std::string> why_not(const Plan& plan, const Substrate& substrate);

// Memory with the planned contents, bound to `launch`: one for each planned buffer, empty
// for inputs that are only read and not written out, which are bound as they are in the plan.
// The rest is copied, or, where the plan is not used again, moved out of it.
std::vector<PageBuffer> bind_buffers(const Plan& plan, Launch& launch);
std::vector<PageBuffer> bind_buffers(Plan&& plan, Launch& launch);

}  // namespace sokr::cli

#endif  // SOKR_CLI_PLAN_HPP_
