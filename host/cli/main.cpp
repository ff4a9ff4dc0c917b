// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "command_line.hpp"
#include "output.hpp"

namespace sokr::cli {
namespace {

struct Execute {
  int operator()(const HelpText& help) const {
    print(help.text);
    return kDone;
  }
  int operator()(const DevicesFlags& flags) const { return devices(flags); }
  int operator()(const InspectFlags& flags) const { return inspect(flags); }
  int operator()(const RunFlags& flags) const { return run(flags); }
  int operator()(const BenchFlags& flags) const { return bench(flags); }
  int operator()(const CheckFlags& flags) const { return check(flags); }
  int operator()(const CacheFlags& flags) const { return cache(flags); }
  int operator()(const TraceFlags& flags) const { return trace(flags); }
  int operator()(const IcdFlags& flags) const { return icd(flags); }
};

// Who was started without a standard descriptor would open a file as it, and write what is for
// people into the file. What is opened instead cannot be read, or written, as if it were not there.
void fill_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest one that is free is this.
    (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace
}  // namespace sokr::cli

int main(int argc, char** argv) {
  sokr::cli::fill_standard_descriptors();
  // A closed pipe is an error of the write, with a sentence, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return std::visit(sokr::cli::Execute(), sokr::cli::read_command_line(words));
  } catch (const sokr::cli::UsageError& error) {
    sokr::cli::note(error.what());
    return sokr::cli::kBadUsage;
  } catch (const std::bad_alloc&) {
    sokr::cli::note("memory ran out; smaller buffers would fit");
  } catch (const std::exception& error) {
    sokr::cli::note(error.what());
  }
  return sokr::cli::kFailed;
}
