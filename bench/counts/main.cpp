// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How many instructions of this project's own code things take, which does not depend on who else
// works on the machine: callgrind counts them, one thread, AVX2 wherever it runs. Each part is
// counted in processes of their own, with caches that are filled before, a fixed environment and no
// random addresses. Prints how often it counted what, and how far counts lie apart, on standard
// error, and one flat JSON object on standard output:
//
//   instructions.known_2000                 2000, and a few to mark them: whether counting works
//   instructions.core.dispatch              sokr_dispatch and sokr_completion over a plugin that
//                                           does nothing, the plugin's ten or so included
//   instructions.cpu.empty, .prepared       an empty workgroup, by the core's two calls
//   instructions.cpu.empty.host             the same through the C++ API
//   instructions.cpu.two_bindings_60k       a module of 67 KB, no workgroups; .prepared
//   instructions.cpu.chain                  a launch after the one before it
//   instructions.cpu.first                  from the bytes of a 2 KB kernel to the end of its first
//                                           launch, of a draft
//   instructions.reference.empty, .saxpy64  the interpreter
//   instructions.kernel.NAME                eight workgroups of each kernel of bench_cpu (of
//                                           Mandelbrot a small picture), without the launch itself
//   instructions.icd.dispatch               submit to fence on the Vulkan driver: its own code
//   instructions.icd.barrier                one of 1,000 dispatches with barriers, likewise
//   instructions.vulkan.empty, .prepared    on lavapipe: those of our plugin alone
//   instructions.spread                     the largest spread of all, over its median
//
// Environment: SOKR_BENCH_QUICK=1 runs each part once; what is repeated is counted in batches then,
// too, and their median taken.
#include <fmt/format.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

#include "../cpu/measure.hpp"
#include "parts.hpp"
#include "profile.hpp"

namespace {

using namespace sokr::bench;
namespace fs = std::filesystem;

constexpr unsigned kMostSeconds = 300;  // of one process

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// Runs the program to its end; its words go to `log`, and are in the exception where it fails.
void run(const std::vector<std::string>& words, const std::vector<std::string>& environment,
         const fs::path& log) {
  const std::vector<char*> arguments = pointers(words), variables = pointers(environment);
  const std::string path = log.string();
  const pid_t process = fork();
  if (process == 0) {
    personality(ADDR_NO_RANDOMIZE);
    if (!std::freopen(path.c_str(), "w", stderr)) _exit(126);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvpe(arguments[0], arguments.data(), variables.data());
    _exit(127);
  }
  int status = 0;
  if (process < 0 || waitpid(process, &status, 0) != process)
    throw std::runtime_error(fmt::format("cannot start {}", words[0]));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw std::runtime_error(
        fmt::format("cannot start {}, which counts: the package of that name has it", words[0]));
  throw std::runtime_error(
      fmt::format("'{}' failed; its words were:\n{}", fmt::join(words, " "), text_of(log)));
}

// Counts by figure, one for each run, or each batch of one.
class Counts {
 public:
  void add(const std::string& figure, double count) {
    const std::lock_guard lock(mutex_);
    by_figure_[figure].push_back(count);
  }
  const std::map<std::string, std::vector<double>>& by_figure() const { return by_figure_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<double>> by_figure_;
};

class Counting {
 public:
  Counting(fs::path folder, Counts& counts)
      : folder_(std::move(folder)), self_(fs::read_symlink("/proc/self/exe")), counts_(counts) {}

  // So that what is counted finds its kernels compiled: for the processor that valgrind shows,
  // which is the same one everywhere.
  void fill_caches(const Part& part) {
    run({"valgrind", "--tool=none", self_, "--part", part.name}, environment(part),
        folder_ / fmt::format("{}.fill.log", part.name));
  }

  void count(const Part& part, int number) {
    const std::string name = fmt::format("{}.{}", part.name, number);
    const fs::path profiles = folder_ / (name + ".profiles");
    fs::create_directory(profiles);
    run({"valgrind", "--tool=callgrind", "--instr-atstart=no", Counter::flag(part.threads),
         "--callgrind-out-file=" + (profiles / "profile").string(), self_, "--part", part.name},
        environment(part), folder_ / (name + ".log"));
    int found = 0;
    for (const auto& entry : fs::directory_iterator(profiles))
      found += add(part, text_of(entry.path()));
    if (found == 0)
      throw std::runtime_error(fmt::format("valgrind counted nothing of {}", part.name));
  }

 private:
  // Nothing that differs from one user to the next.
  std::vector<std::string> environment(const Part& part) const {
    const fs::path cache = folder_ / fmt::format("cache.{}", part.name);
    std::vector<std::string> all{"PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C"};
    all.push_back(part.fills_caches ? "SOKR_CACHE_DIR=" + cache.string() : "SOKR_CACHE_DIR=");
    all.push_back("MESA_SHADER_CACHE_DIR=" + cache.string());
    all.insert(all.end(), part.environment.begin(), part.environment.end());
    return all;
  }

  bool add(const Part& part, const std::string& text) {
    const auto profile = read_profile(text, part.counted_in);
    if (!profile) throw std::runtime_error("valgrind wrote a profile that cannot be read");
    const std::size_t star = profile->trigger.find('*');
    if (star == std::string::npos) return false;  // the end of the program
    const double total =
        static_cast<double>(*part.counted_in ? profile->in_file : profile->instructions);
    if (total == 0)
      throw std::runtime_error(fmt::format("valgrind counted nothing of {}", profile->trigger));
    counts_.add("instructions." + profile->trigger.substr(0, star),
                total / std::stod(profile->trigger.substr(star + 1)));
    return true;
  }

  fs::path folder_;
  std::string self_;
  Counts& counts_;
};

// On all cores: who else works on them does not matter. Throws what the first that failed threw.
void in_parallel(std::vector<std::function<void()>> jobs) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t job; (job = next++) < jobs.size();) {
        try {
          jobs[job]();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!failure) failure = std::current_exception();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

// Where a count differs at all, something has waited for something else, which adds.
double lower_median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[(values.size() - 1) / 2];
}

void count_all(const std::string& only, int runs) {
  const PrivateCaches folder;
  Counts counts;
  Counting counting(folder.folder(), counts);
  std::vector<std::function<void()>> fill, count;
  for (const Part& part : parts()) {
    if (!only.empty() && only != part.name) continue;
    if (part.fills_caches) fill.push_back([&] { counting.fill_caches(part); });
    for (int i = 0; i < runs; ++i) count.push_back([&, i] { counting.count(part, i); });
  }
  in_parallel(fill);
  in_parallel(count);
  Figures figures;
  double largest = 0;
  fmt::print(stderr, "{:<44}{:>14}{:>10}\n", "instructions", "median", "spread");
  for (const auto& [figure, values] : counts.by_figure()) {
    const auto [least, most] = std::ranges::minmax(values);
    const double middle = lower_median(values), spread = (most - least) / middle;
    largest = std::max(largest, spread);
    figures.add(figure, middle);
    fmt::print(stderr, "{:<44}{:>14.1f}{:>8.3f} %\n", figure, middle, 100 * spread);
  }
  figures.add("instructions.spread", largest);
  fmt::print("{}\n", figures.json());
}

int run_part(const std::string& name) {
  for (const Part& part : parts()) {
    if (name != part.name) continue;
    alarm(kMostSeconds);  // what hangs ends the process, which is then named
    part.run();
    return 0;
  }
  fmt::print(stderr, "bench_counts: there is no part {}\n", name);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Counts the instructions of what has a bound of them"};
  std::string part, only;
  int runs = 3;
  app.add_option("--only", only, "only this part");
  app.add_option("--runs", runs, "how often each part is run, if it is not quick")
      ->check(CLI::Range(1, 1000));
  app.add_option("--part", part, "do what is counted, and count nothing")->group("");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!part.empty()) return run_part(part);
    const char* quick = std::getenv("SOKR_BENCH_QUICK");
    if (quick && std::string_view(quick) == "1") runs = 1;
    count_all(only, runs);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_counts: {}\n", error.what());
    return 1;
  }
}
