// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every kernel through the compiler of a hardware driver, without the hardware: the driver
// is told which GPU to take itself for, and the simulation layer hides that nothing can be
// submitted to it.
//
//   test_vulkan_compile GPU[,GPU...] MODULE...
//
// GPU is what RADV_FORCE_FAMILY takes; the first that the driver knows: names have changed.
// A kernel is compiled, or refused by name by the substrate; a driver that fails, aborts or
// crashes is a failure, unless kKnown says so. Drivers run in child processes, one for all
// kernels up to the next crash. Exit 77 if there is no such driver.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "device.hpp"
#include "instance.hpp"
#include "pipeline.hpp"
#include "requirements.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr int kSkipped = 77;

// What packaged drivers are known to do with valid kernels.
struct Known {
  std::string_view driver;  // a part of its description
  std::string_view module;
  std::string_view what;  // a part of the outcome
  const char* reason;
};
constexpr std::array<Known, 0> kKnown{};  // the substrate refuses those of known_faults.cpp

enum class Verdict : char { kCompiled = 'c', kRefused = 'r', kFailed = 'f', kCrashed = 'x' };

struct Report {
  Verdict verdict = Verdict::kFailed;
  std::string text;
};

Report compile(const std::string& path, Device& device) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> ir{std::istreambuf_iterator<char>(file), {}};
  const auto module = spirv::decode(ir, {.any_values = true});
  if (!module) return {Verdict::kFailed, module.failure().sentence};
  if (auto capable = check_capability(**module, device.physical()); !capable) {
    return {Verdict::kRefused, capable.failure().sentence};
  }
  for (const spirv::EntryPoint& entry : (*module)->entry_points()) {
    SokrLaunch launch{};
    launch.entry = entry.name.c_str();
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    std::vector<unsigned char> params(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    const auto view = substrate::LaunchView::parse(params.data(), params.size());
    if (!view) return {Verdict::kFailed, view.failure().sentence};
    auto plan = plan_pipeline(ir, **module, *view, *view, device.physical());
    if (!plan) return {Verdict::kRefused, plan.failure().sentence};
    const auto pipeline = Pipeline::create(device, VK_NULL_HANDLE, *std::move(plan));
    if (!pipeline) return {Verdict::kFailed, pipeline.failure().sentence};
  }
  return {Verdict::kCompiled, {}};
}

void say(int to, Verdict verdict, std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  text = fmt::format("{}{}\n", static_cast<char>(verdict), text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t wrote = write(to, rest.data(), rest.size());
    if (wrote <= 0) std::_Exit(3);
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

// A child: the driver's description first, then a line for each module from `first` on.
[[noreturn]] void work(const std::vector<std::string>& modules, std::size_t first, int to) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  SokrHostInfo info{};
  info.struct_size = sizeof info;
  info.compute_version = SOKR_COMPUTE_VERSION;
  const substrate::Host host(&info);
  const Options options = read_options(host);
  auto instance = Instance::create(options, host);
  if (!instance) std::_Exit(kSkipped);
  auto found = (*instance)->devices();
  if (!found || found->usable.empty()) std::_Exit(kSkipped);
  say(to, Verdict::kCompiled, found->usable[0].driver_text() + ", " + found->usable[0].name());
  auto device = Device::create(found->usable[0], options);
  if (!device) {
    say(to, Verdict::kFailed, device.failure().sentence);
    std::_Exit(1);
  }
  for (std::size_t i = first; i < modules.size(); ++i) {
    Report report = compile(modules[i], **device);
    say(to, report.verdict, std::move(report.text));
  }
  std::_Exit(0);
}

struct Session {
  std::string driver;
  std::vector<Report> reports;
  int status = 0;
};

// Runs a child over the modules from `first` on, as far as it gets.
Session run_child(const std::vector<std::string>& modules, std::size_t first) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    close(ends[0]);
    work(modules, first, ends[1]);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t got; (got = read(ends[0], part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  Session session;
  waitpid(child, &session.status, 0);
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    Report report{static_cast<Verdict>(text[at]), text.substr(at + 1, end - at - 1)};
    if (session.driver.empty()) {
      session.driver = std::move(report.text);
    } else {
      session.reports.push_back(std::move(report));
    }
  }
  return session;
}

struct Tally {
  int compiled = 0, refused = 0, known = 0, wrong = 0;
};

void judge(const std::string& path, const Report& report, const std::string& driver, Tally& tally) {
  const std::string name = std::filesystem::path(path).stem().string();
  const Known* known = nullptr;
  for (const Known& row : kKnown) {
    if (row.module == name && driver.find(row.driver) != std::string::npos) known = &row;
  }
  if (report.verdict == Verdict::kCompiled || report.verdict == Verdict::kRefused) {
    ++(report.verdict == Verdict::kCompiled ? tally.compiled : tally.refused);
    if (report.verdict == Verdict::kRefused) {
      fmt::print("  refused  {}: {}\n", name, report.text);
    } else if (known) {
      ++tally.wrong;
      fmt::print("  WRONG    {}: it compiles, and was known not to: {}; remove it from the list\n",
                 name, known->reason);
    }
    return;
  }
  const bool expected = known && report.text.find(known->what) != std::string::npos;
  ++(expected ? tally.known : tally.wrong);
  fmt::print("  {}  {}: {}{}\n", expected ? "known  " : "WRONG  ", name, report.text,
             expected ? fmt::format("; {}", known->reason) : "");
}

int run(const std::vector<std::string>& modules) {
  Tally tally;
  std::string driver;
  for (std::size_t next = 0; next < modules.size();) {
    Session session = run_child(modules, next);
    if (session.driver.empty()) {
      // RADV aborts where it does not know the GPU's name.
      const bool skipped = WIFEXITED(session.status)
                               ? WEXITSTATUS(session.status) == kSkipped
                               : WIFSIGNALED(session.status) && WTERMSIG(session.status) == SIGABRT;
      fmt::print("no such driver or GPU here (status {})\n", session.status);
      return skipped ? kSkipped : 1;
    }
    if (driver.empty()) fmt::print("{}\n", driver = session.driver);
    for (const Report& report : session.reports) judge(modules[next++], report, driver, tally);
    if (WIFEXITED(session.status) && WEXITSTATUS(session.status) == 0) break;
    if (next == modules.size()) break;
    const std::string how = WIFSIGNALED(session.status)
                                ? fmt::format("signal {}", WTERMSIG(session.status))
                                : fmt::format("exit {}", WEXITSTATUS(session.status));
    judge(modules[next++], {Verdict::kCrashed, "the driver ended the process: " + how}, driver,
          tally);
  }
  fmt::print("{} compiled, {} refused by name, {} known to fail, {} wrong\n", tally.compiled,
             tally.refused, tally.known, tally.wrong);
  const auto judged =
      static_cast<std::size_t>(tally.compiled + tally.refused + tally.known + tally.wrong);
  return tally.wrong == 0 && tally.compiled > 0 && judged >= modules.size() ? 0 : 1;
}

}  // namespace
}  // namespace sokr::vulkan::test

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: test_vulkan_compile GPU[,GPU...] MODULE...\n");
    return 2;
  }
  int result = sokr::vulkan::test::kSkipped;
  for (std::string names = argv[1]; result == sokr::vulkan::test::kSkipped && !names.empty();) {
    const std::size_t comma = std::min(names.find(','), names.size());
    setenv("RADV_FORCE_FAMILY", names.substr(0, comma).c_str(), 1);
    names.erase(0, comma + 1);
    result = sokr::vulkan::test::run({argv + 2, argv + argc});
  }
  return result;
}
