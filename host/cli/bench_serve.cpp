// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_serve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sokr/sokr.hpp>
#include <string_view>
#include <system_error>

#include "bench_children.hpp"
#include "bench_gate.hpp"
#include "output.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::string_view kHello = "sokr.serve/1";
constexpr const char* kVariable = "SOKR_BENCH_SERVE";
// In a turn, at most; and what a line of so many times may have.
constexpr std::uint32_t kMostCount = 4096;
constexpr std::size_t kMostLine = kMostCount * 32;
// Until it has compiled, and until it has measured.
constexpr int kPatience_ms = 120'000;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

template <class T>
bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// A line of standard input without its end; false where that ends.
bool next_line(std::string& line) {
  line.clear();
  char c = 0;
  while (line.size() < 64) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (c == '\n') return true;
    line += c;
  }
  return false;
}

std::string part_name(std::string_view substrate, std::string_view part) {
  return fmt::format("{}/{}", substrate, part);
}

// Whatever starts from here on has the processor on which this is called, and no other one.
bool keep_to_this_processor() {
  const int processor = ::sched_getcpu();
  if (processor < 0 || processor >= CPU_SETSIZE) return false;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

}  // namespace

bool is_to_serve(bool flag) {
  const char* const asked = std::getenv(kVariable);
  return flag || (asked && std::strcmp(asked, "1") == 0);
}

void serve(std::span<const std::unique_ptr<BenchSubject>> subjects,
           std::span<Calibration> calibrations) {
  std::string hello(kHello);
  for (const auto& subject : subjects) hello += fmt::format(" {}", subject->substrate().name());
  for (std::size_t i = 0; i < calibrations.size(); ++i) {
    for (const char* part : kCalibrationParts) {
      hello += fmt::format(" {}", part_name(subjects[i]->substrate().name(), part));
    }
  }
  print(hello + '\n');
  const std::size_t all = subjects.size() + calibrations.size() * kCalibrationCount;
  std::vector<double> ns;
  for (std::string line; next_line(line);) {
    const auto words = words_of(line);
    std::size_t index = 0;
    std::uint32_t count = 0;
    if (words.size() != 2 || !read_number(words[0], index) || !read_number(words[1], count) ||
        index >= all || count == 0 || count > kMostCount) {
      throw Error(SOKR_INVALID_INPUT,
                  fmt::format("'{}' asks for nothing that can be measured; a line has the number "
                              "of a substrate and a count of at most {}",
                              line, kMostCount));
    }
    ns.clear();
    if (index < subjects.size()) {
      subjects[index]->warm(count, ns);
    } else {
      const std::size_t part = index - subjects.size();
      calibrations[part / kCalibrationCount].measure(part % kCalibrationCount, count, ns);
    }
    std::string answer;
    for (const double one : ns) answer += fmt::format("{}{}", answer.empty() ? "" : " ", one);
    print(answer + '\n');
  }
}

Served::Served(const std::vector<std::string>& words, std::string what, bool with_variable,
               Processors processors)
    : what_(std::move(what)) {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0) fail("no pipe to it can be made");
  if (::pipe2(output, O_CLOEXEC) != 0) {
    ::close(input[0]);
    ::close(input[1]);
    fail("no pipe to it can be made");
  }
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string variable = fmt::format("{}=1", kVariable);
  std::vector<char*> environment;
  for (char** one = environ; *one; ++one) {
    const std::string_view given = *one;
    // A trace is of this process.
    if (given.starts_with(fmt::format("{}=", kVariable)) || given.starts_with("SOKR_TRACE=")) {
      continue;
    }
    environment.push_back(*one);
  }
  if (with_variable) environment.push_back(variable.data());
  environment.push_back(nullptr);
  process_.id = ::fork();
  if (process_.id == 0) {
    ::setpgid(0, 0);
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    if (processors == Processors::kOne && !keep_to_this_processor()) ::_exit(127);
    ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  process_.to = input[1];
  process_.from = output[0];
  if (process_.id < 0) fail("no process for it can be made");
  // Here as well as there, so that it is true from now on.
  ::setpgid(process_.id, process_.id);
  EndKept::begin(process_.id);
  const std::string hello = read_line();
  const auto said = words_of(hello);
  if (said.empty() || said[0] != kHello) {
    fail(
        "it does not answer as a 'sokr bench' of this version or a later one does; it takes a "
        "whole command line, such as 'old/bin/sokr bench KERNEL ...'");
  }
  for (std::size_t i = 1; i < said.size(); ++i) substrates_.emplace_back(said[i]);
}

Served::Process::~Process() {
  if (to >= 0) ::close(to);
  if (from >= 0) ::close(from);
  if (id <= 0) return;
  // Whatever it started belongs to its group.
  ::kill(-id, SIGKILL);
  ::kill(id, SIGKILL);
  EndKept::end(id);
  while (::waitpid(id, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Served::fail(const std::string& how) const {
  throw Error(SOKR_DISPATCH_FAILED, fmt::format("{}: {}", what_, how));
}

std::string Served::read_line() {
  for (;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (buffer_.size() > kMostLine) fail("it prints something else than times");
    pollfd ready{process_.from, POLLIN, 0};
    const int found = ::poll(&ready, 1, kPatience_ms);
    if (found < 0 && errno == EINTR && !EndKept::is_asked()) continue;
    if (found < 0) fail("it was not waited for");
    if (found == 0) fail(fmt::format("it did not answer for {} s", kPatience_ms / 1000));
    char part[65536];
    const ssize_t got = ::read(process_.from, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      fail(buffer_.empty() ? "it ended without an answer; run it by itself to see why"
                           : "it ended in the middle of an answer");
    }
    buffer_.append(part, static_cast<std::size_t>(got));
  }
}

void Served::measure(const std::string& substrate, std::uint32_t count, std::vector<double>& ns) {
  const auto at = std::find(substrates_.begin(), substrates_.end(), substrate);
  if (at == substrates_.end()) {
    fail(fmt::format("it measures {}, and not {}; name the same ones with --on",
                     substrates_.empty() ? "nothing" : list_text(substrates_), substrate));
  }
  for (std::uint32_t left = count; left > 0;) {
    const std::uint32_t some = std::min(left, kMostCount);
    const std::string line = fmt::format("{} {}\n", at - substrates_.begin(), some);
    if (::write(process_.to, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      fail("it ended without an answer; run it by itself to see why");
    }
    const std::string answer = read_line();
    const auto times = words_of(answer);
    if (times.size() != some) fail("it prints something else than times");
    for (const std::string_view time : times) {
      double value = 0;
      if (!read_number(time, value) || !(value > 0)) fail("it prints something else than times");
      ns.push_back(value);
    }
    left -= some;
  }
}

OldSide old_command(const std::string& command) {
  return {{"/bin/sh", "-c", command}, fmt::format("--baseline-command '{}'", command), true};
}

std::vector<CommandComparison> compare_with_old(const OldSide& old_side,
                                                const std::vector<std::string>& words,
                                                std::span<const std::string> substrates,
                                                const measure::Rules& rules, double allowance,
                                                const measure::Told& told) {
  const EndKept kept;  // until their processes are gone
  std::vector<std::vector<measure::Blocks>> before(substrates.size()), now(substrates.size());
  measure::Rules round = rules;
  round.budget = rules.budget / kRounds;
  round.least = rules.least / kRounds;
  round.precision = 1e-9;  // the rounds tell how precise it is
  for (int i = 0; i < kRounds; ++i) {
    // Who is first to take memory is drawn, too.
    round.seed = rules.seed + static_cast<std::uint64_t>(i);
    std::unique_ptr<Served> old, own;
    const auto make_old = [&] {
      old = std::make_unique<Served>(old_side.words, old_side.what, old_side.with_variable);
    };
    if (i % 2 == 0) make_old();
    own = std::make_unique<Served>(words, "the process that measures this launch", false);
    if (i % 2 != 0) make_old();
    std::vector<measure::Side> sides;
    for (const std::string& name : substrates) {
      for (Served* const one : {old.get(), own.get()}) {
        sides.push_back({fmt::format("{} {}", name, one == old.get() ? "before" : "now"),
                         [one, &name](std::uint32_t count, std::vector<double>& ns) {
                           one->measure(name, count, ns);
                         }});
      }
    }
    const auto series = measure::alternate(sides, round, told);
    for (std::size_t s = 0; s < substrates.size(); ++s) {
      before[s].push_back(series[2 * s].blocks);
      now[s].push_back(series[2 * s + 1].blocks);
    }
  }
  std::vector<CommandComparison> all;
  for (std::size_t s = 0; s < substrates.size(); ++s) {
    CommandComparison& one = all.emplace_back();
    one.substrate = substrates[s];
    one.comparison = measure::compare_paired(before[s], now[s], allowance, kGateConfidence);
    std::vector<double> then, today;
    for (const auto& blocks : before[s]) then.insert(then.end(), blocks.begin(), blocks.end());
    for (const auto& blocks : now[s]) today.insert(today.end(), blocks.begin(), blocks.end());
    one.before_ns = measure::median(then);
    one.now_ns = measure::median(today);
  }
  return all;
}

std::vector<std::vector<BenchRound>> measure_rounds(const std::vector<std::string>& words,
                                                    std::span<const std::string> substrates,
                                                    bool parts, const measure::Rules& rules,
                                                    const measure::Told& told) {
  const EndKept kept;  // until their processes are gone
  std::vector<std::vector<BenchRound>> all(substrates.size());
  measure::Rules round = rules;
  round.budget = rules.budget / kRelativeRounds;
  round.least = rules.least / kRelativeRounds;
  round.repeat = (rules.repeat + kRelativeRounds - 1) / kRelativeRounds;
  // Of as many of each there are as many turns, which are neighbours one by one.
  if (round.repeat > 0) round.block = std::chrono::nanoseconds(0);
  round.precision = 1e-9;  // the rounds tell how precise it is
  for (int i = 0; i < kRelativeRounds; ++i) {
    round.seed = rules.seed + static_cast<std::uint64_t>(i);
    Served served(words, "the process that measures this launch", false,
                  parts ? Served::Processors::kAll : Served::Processors::kOne);
    std::vector<measure::Side> sides;
    const auto add = [&](std::string name) {
      sides.push_back({name, [&served, name](std::uint32_t count, std::vector<double>& ns) {
                         served.measure(name, count, ns);
                       }});
    };
    for (const std::string& name : substrates) {
      add(name);
      for (std::size_t part = 0; parts && part < kCalibrationCount; ++part) {
        add(part_name(name, kCalibrationParts[part]));
      }
    }
    std::vector<measure::Series> series = measure::alternate(sides, round, told);
    const std::size_t each = series.size() / substrates.size();
    for (std::size_t s = 0; s < substrates.size(); ++s) {
      BenchRound& made = all[s].emplace_back();
      made.blocks = std::move(series[s * each].blocks);
      made.on_one_processor = !parts;
      for (std::size_t part = 1; part < each; ++part) {
        made.calibration.push_back(std::move(series[s * each + part].blocks));
      }
    }
  }
  return all;
}

}  // namespace sokr::cli
