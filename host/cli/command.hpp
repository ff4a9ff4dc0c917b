// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The subcommands of `sokr`. Each gets its flags as they were given, and returns the
// exit code; it throws a UsageError (exit 2) for what is wrong on the command line,
// and anything else (exit 1) for what went wrong after.
#ifndef SOKR_CLI_COMMAND_HPP_
#define SOKR_CLI_COMMAND_HPP_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace sokr::cli {

enum ExitCode { kDone = 0, kFailed = 1, kBadUsage = 2, kRegressed = 3 };

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What `run` and `bench` share.
struct LaunchFlags {
  std::string kernel;
  std::string entry, groups, threads, local_size, subgroup_size, repeat, tolerance;
  std::vector<std::string> on, in, zero, out, push, spec, swap;
  bool cast = false;
};

struct DevicesFlags {
  bool json = false;
};

struct InspectFlags {
  std::string kernel;
  std::vector<std::string> on, spec;
  bool json = false;
};

struct RunFlags {
  LaunchFlags launch;
  std::vector<std::string> print;
  bool json = false;
};

struct BenchFlags {
  LaunchFlags launch;
  std::string json, csv, markdown, html, svg, sweep, precision, budget, bytes, flops, max_regress,
      metric, relative_to, baseline_command;
  std::vector<std::string> baselines;
  bool check = false, no_check = false;
  // For processes of our own: one dispatch, of which the time is printed; or as many as another
  // process asks for.
  bool probe = false, serve = false;
  std::string calibrate;  // of who serves: turns_text
};

struct CheckFlags {
  std::vector<std::string> plugins, seeds;
  std::string json, timeout;
};

struct IcdFlags {
  std::vector<std::string> program;  // and its arguments; empty = print what to export
};

struct TraceFlags {
  std::string file;
};

struct CacheFlags {
  std::string action;
  bool json = false;
};

int devices(const DevicesFlags& flags);
int inspect(const InspectFlags& flags);
int run(const RunFlags& flags);
int bench(const BenchFlags& flags);
int check(const CheckFlags& flags);
int cache(const CacheFlags& flags);
int trace(const TraceFlags& flags);
// Does not return if it runs a program: that takes the place of this process.
int icd(const IcdFlags& flags);

}  // namespace sokr::cli

#endif  // SOKR_CLI_COMMAND_HPP_
