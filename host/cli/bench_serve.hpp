// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A `sokr bench` that measures when another one asks it to, so that an old build, or an old kernel,
// is measured in turns with the new one: processes with SOKR_BENCH_SERVE=1, or --serve, in their
// environment or among their flags.
//
// They print the line "sokr.serve/1 SUBSTRATE..." once everything is ready; to each line
// "NUMBER COUNT" that they read they answer with a line of as many times, in ns, of the substrate
// with this number, warm. They end with their standard input.
#ifndef SOKR_CLI_BENCH_SERVE_HPP_
#define SOKR_CLI_BENCH_SERVE_HPP_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench_calibration.hpp"
#include "bench_sides.hpp"
#include "engine.hpp"
#include "estimates.hpp"

namespace sokr::cli {

// Whether this process was asked to be one.
bool is_to_serve(bool flag);
// Until standard input ends. Behind the subjects are the parts of each one's calibration, if there
// are any: SUBSTRATE/PART.
void serve(std::span<const std::unique_ptr<BenchSubject>> subjects,
           std::span<Calibration> calibrations);

// Such a process. What it says on standard error goes where ours goes.
class Served {
 public:
  enum class Processors { kAll, kOne };
  // Runs `command`, words of a program of their own. `what` it is called in sentences.
  Served(const std::vector<std::string>& words, std::string what, bool with_variable,
         Processors processors = Processors::kAll);
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  const std::vector<std::string>& substrates() const { return substrates_; }
  // As measure::Side::measure; of a substrate that it has. Throws an Error if it went away.
  void measure(const std::string& substrate, std::uint32_t count, std::vector<double>& ns);

 private:
  // Ends with its owner, and with it everything that it started, whatever became of it.
  struct Process {
    pid_t id = -1;
    int to = -1, from = -1;
    Process() = default;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();
  };
  std::string read_line();
  [[noreturn]] void fail(const std::string& how) const;

  std::string what_, buffer_;
  std::vector<std::string> substrates_;
  Process process_;
};

// How an old build, or an old kernel, compares with this one on one substrate.
struct CommandComparison {
  std::string substrate;
  measure::Comparison comparison;
  double before_ns = 0, now_ns = 0;  // medians
};

// What is compared with: words of a program of its own, and what it is called in sentences.
struct OldSide {
  std::vector<std::string> words;
  std::string what;
  bool with_variable = false;  // SOKR_BENCH_SERVE=1 asks it to serve
};
OldSide old_command(const std::string& command);  // for a shell

// Measures `old` in turns with this program and `words`, for both of which new processes are made
// kRounds times: what is peculiar to a process is then that of several.
inline constexpr int kRounds = 11;
std::vector<CommandComparison> compare_with_old(const OldSide& old_side,
                                                const std::vector<std::string>& words,
                                                std::span<const std::string> substrates,
                                                const measure::Rules& rules, double allowance,
                                                const measure::Told& told);

// For --relative-to: this program with `words`, new processes of it one after the other, each of
// which measures in turns all substrates and, where `parts` says so, the calibration of each. Of
// each substrate as many rounds. Without a calibration, for what is compared is substrates then,
// each process has one processor: how many of several are free is not the same for two of them, and
// a launch is spread over those that are.
inline constexpr int kRelativeRounds = 9;
std::vector<std::vector<BenchRound>> measure_rounds(const std::vector<std::string>& words,
                                                    std::span<const std::string> substrates,
                                                    bool parts, const measure::Rules& rules,
                                                    const measure::Told& told);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_SERVE_HPP_
