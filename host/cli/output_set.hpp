// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The files of --out, together: opened before anything runs, complete before any of them
// appears.
#ifndef SOKR_CLI_OUTPUT_SET_HPP_
#define SOKR_CLI_OUTPUT_SET_HPP_

#include <span>
#include <vector>

#include "output_file.hpp"
#include "plan.hpp"

namespace sokr::cli {

// In the order of plan.outputs. Throws if one cannot be written, or two are the same regular file
// or both standard output.
std::vector<OutputFile> open_outputs(const Plan& plan);

// Writes and finishes those that are regular, or those that are not: what is written to directly
// cannot be taken back, and comes when all that is regular is complete. `memory` is what
// bind_buffers gave. They are not yet published.
void write_outputs(const Plan& plan, std::span<const PageBuffer> memory,
                   std::vector<OutputFile>& files, bool regular);

}  // namespace sokr::cli

#endif  // SOKR_CLI_OUTPUT_SET_HPP_
