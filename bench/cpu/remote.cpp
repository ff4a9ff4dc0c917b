// SPDX-License-Identifier: MIT OR Apache-2.0
#include "remote.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <stdexcept>
#include <system_error>

namespace sokr::bench {
namespace {

// The last prepared kernel of a serving process.
class Served {
 public:
  Served(const Context& context, std::string_view substrate, bool quick)
      : peer_(make_substrate_peer(context, context.substrate(substrate))), quick_(quick) {}

  double round(const std::string& kernel, double round_ns) {
    if (workload_.name != kernel) {
      const WorkloadEntry* entry = find_workload(kernel);
      if (!entry) throw std::runtime_error(fmt::format("there is no kernel {}", kernel));
      runner_ = nullptr;
      workload_ = entry->make(quick_);
      runner_ = peer_->prepare(workload_, module_of(kernel));
      restore(workload_, *runner_);
      runner_->launch();
    }
    return round_of(workload_, *runner_, round_ns);
  }

 private:
  std::unique_ptr<Peer> peer_;
  bool quick_;
  Workload workload_;
  std::unique_ptr<Runner> runner_;
};

}  // namespace

std::vector<std::byte> module_of(std::string_view kernel) {
  return read_file(fmt::format("{}/{}.spv", SOKR_BENCH_SHADERS, kernel));
}

Remote::Remote(std::string_view substrate, bool quick, const std::vector<std::string>& options) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe to another process");
  std::vector<std::string> words{"bench_cpu", "--serve", "--on", std::string(substrate)};
  if (quick) words.emplace_back("--quick");
  for (const std::string& option : options) words.insert(words.end(), {"--option", option});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execv("/proc/self/exe", arguments.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  requests_ = fdopen(to[1], "w");
  answers_ = fdopen(from[0], "r");
  if (process_ < 0 || !requests_ || !answers_)
    throw std::runtime_error("cannot start another process");
}

Remote::~Remote() {
  if (requests_) std::fclose(requests_);
  if (answers_) std::fclose(answers_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

double Remote::round(std::string_view kernel, double round_ns) {
  fmt::print(requests_, "{} {}\n", kernel, round_ns);
  std::fflush(requests_);
  char line[1024];
  if (!std::fgets(line, sizeof line, answers_))
    throw std::runtime_error(fmt::format("the process that runs {} has ended", kernel));
  const std::string_view text(line);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || *end != '\n')
    throw std::runtime_error(std::string(text.substr(0, text.find('\n'))));
  return value;
}

int serve(const Context& context, std::string_view substrate, bool quick) {
  Served served(context, substrate, quick);
  std::string kernel;
  double round_ns = 0;
  while (std::cin >> kernel >> round_ns) {
    try {
      fmt::print("{:.1f}\n", served.round(kernel, round_ns));
    } catch (const std::exception& error) {
      fmt::print("{}\n", error.what());
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace sokr::bench
