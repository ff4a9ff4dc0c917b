// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What `sokr check` found, for people and for scripts.
#ifndef SOKR_CLI_CHECK_REPORT_HPP_
#define SOKR_CLI_CHECK_REPORT_HPP_

#include <span>
#include <string>

#include "check.hpp"
#include "output.hpp"

namespace sokr::cli {

// A line for each group of rules, what is broken in detail, and a summary.
std::string check_text(const check::Report& report);
// sokr.check/1.
Json check_json(std::span<const check::Report> reports, double timeout_s);

}  // namespace sokr::cli

#endif  // SOKR_CLI_CHECK_REPORT_HPP_
