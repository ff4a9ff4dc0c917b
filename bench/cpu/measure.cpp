// SPDX-License-Identifier: MIT OR Apache-2.0
#include "measure.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <stdexcept>
#include <system_error>

namespace sokr::bench {

double geometric_mean(const std::vector<double>& values) {
  double logarithms = 0;
  for (double value : values) logarithms += std::log(value);
  return std::exp(logarithms / static_cast<double>(values.size()));
}

double round_of(const Workload& workload, Runner& runner, double round_ns) {
  std::vector<double> times;
  double spent = 0;
  do {
    if (workload.consumes_input) restore(workload, runner);
    const double begin = now_ns();
    runner.launch();
    times.push_back(now_ns() - begin);
    spent += times.back();
  } while (spent < round_ns);
  return median(std::move(times));
}

std::string Figures::json() const {
  std::string text = "{";
  for (const auto& [name, value] : values_)
    text += fmt::format("{}\"{}\": {:.5g}", text.size() > 1 ? ", " : "", name, value);
  return text + "}";
}

namespace {

// Until a word comes, or nobody is left who could send one.
void wait_for_end(int descriptor) {
  char word = 0;
  while (::read(descriptor, &word, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

PrivateCaches::PrivateCaches() {
  std::string name = (std::filesystem::temp_directory_path() / "sokr-bench-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error(fmt::format("cannot make the folder {} for caches", name));
  folder_ = name;
  for (const char* variable :
       {"XDG_CACHE_HOME", "SOKR_CACHE_DIR", "MESA_SHADER_CACHE_DIR", "POCL_CACHE_DIR"}) {
    setenv(variable, (folder_ / variable).c_str(), 1);
    std::filesystem::create_directory(folder_ / variable);
    std::filesystem::permissions(folder_ / variable, std::filesystem::perms::owner_all);
  }
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    keeper_ = ::fork();
    if (keeper_ == 0) {
      // Ctrl-C is not for it, and whoever reads what a benchmark prints does not wait for it.
      ::setsid();
      for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(standard);
      ::close(ends[1]);
      wait_for_end(ends[0]);
      std::error_code ignored;
      std::filesystem::remove_all(folder_, ignored);
      ::_exit(0);
    }
    ::close(ends[0]);
    life_ = ends[1];
  }
  if (keeper_ < 0) {
    if (life_ >= 0) ::close(life_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    throw std::runtime_error("no process that puts the folder for caches away can be made");
  }
}

PrivateCaches::~PrivateCaches() {
  // A process that was forked meanwhile may have its end open, too.
  (void)::send(life_, "", 1, MSG_NOSIGNAL);
  ::close(life_);
  while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sokr::bench
