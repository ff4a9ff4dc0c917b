// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The words of a command line, read: which command, with which flags. What is behind a flag
// stays text here.
#ifndef SOKR_CLI_COMMAND_LINE_HPP_
#define SOKR_CLI_COMMAND_LINE_HPP_

#include <span>
#include <string>
#include <variant>

#include "command.hpp"

namespace sokr::cli {

// What goes to standard output, and nothing else is to be done: --help, --version, help.
struct HelpText {
  std::string text;
};

using CommandLine = std::variant<HelpText, DevicesFlags, InspectFlags, RunFlags, BenchFlags,
                                 CheckFlags, CacheFlags, TraceFlags, IcdFlags>;

// `words` are what follows the program's name. Throws UsageError for what is no command, no flag
// of it, or misses a value.
CommandLine read_command_line(std::span<const std::string> words);

}  // namespace sokr::cli

#endif  // SOKR_CLI_COMMAND_LINE_HPP_
