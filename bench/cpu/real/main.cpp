// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels as other libraries write them: the substrate against hand-written code, libraries,
// lavapipe and SwiftShader. Results are first compared with plain C++ in double precision, then all
// are timed in alternating rounds. Prints a table for people on standard error and one flat JSON
// object on standard output.
//
//   cpu.real.KERNEL.SIZE.vs_PEER         how many times longer the peer takes, everything prepared
//   cpu.real.KERNEL.SIZE.gops, .gbs      10^9 operations and bytes a second, of those needed at
//   least cpu.real.KERNEL.SIZE.first_ms        unseen module to the end of its first launch
//   cpu.real.KERNEL.SIZE.first.vs_PEER   and how many times longer a driver takes for it
//   cpu.real.geomean.vs_PEER             over all sizes, where every one was measured
//   cpu.real.wrong                       how many sizes gave wrong results or none
//
// Environment: SOKR_BENCH_QUICK=1 is --quick.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "../measure.hpp"
#include "real.hpp"
#include "served.hpp"

namespace sokr::bench::real {
namespace {

// Launches of a driver that take so many rounds are timed once: "~" in the table.
constexpr double kSlow = 10;
constexpr const char* kDrivers[] = {"lavapipe", "swiftshader"};

struct Flags {
  std::string substrate = "cpu", kernel, size, serve;
  std::vector<std::string> peers{"handwritten", "libraries", "lavapipe"};
  std::vector<std::string> options;
  bool quick = false, list = false, check = false;

  bool wants(std::string_view peer) const { return std::ranges::find(peers, peer) != peers.end(); }
};

// One side of a measurement that gave the right results.
struct Side {
  std::string name;
  std::function<double()> round;
  double first_ns = 0;  // 0: not of interest
};

std::string first_difference(const Workload& workload, const Results& expected,
                             const Results& actual) {
  for (std::size_t i = 0; i < workload.buffers.size(); ++i) {
    if (workload.buffers[i].match == Match::kInput) continue;
    std::string what = difference(workload.buffers[i], expected[i], actual[i]);
    if (!what.empty()) return fmt::format("buffer {}: {}", i, what);
  }
  return {};
}

std::string word_list(const Workload& workload) {
  std::string text;
  for (const Specialization& one : workload.specialization)
    text += fmt::format("{}={} ", one.id, one.word);
  return text;
}

class Bench {
 public:
  Bench(const Flags& flags, const Context& context, const Substrate& substrate,
        const std::filesystem::path& folder)
      : flags_(flags),
        subject_(make_substrate_peer(context, substrate)),
        first_(flags.substrate),
        folder_(folder),
        effort_(flags.quick ? Effort{true, 5, 3e6} : Effort{}) {
    for (const char* name : kDrivers) {
      if (!flags.wants(name)) continue;
      bool is_here = true;
      try {
        drivers_.emplace(name, std::make_unique<ServedPeer>(name));
      } catch (const AbsentPeer&) {  // which has said why
        is_here = false;
      } catch (const std::exception& error) {
        fmt::print(stderr, "{:<12} fails: {}\n", name, error.what());
      }
      figures_.add(fmt::format("peer.{}", name), is_here ? 1 : 0);
    }
    if (!flags.check)
      fmt::print(stderr, "\n{:<28}{:>10}{:>8}{:>8}{:>10}  ratios\n", "", "ms", "Gop/s", "GB/s",
                 "first ms");
  }

  void measure(const Kernel& kernel, const Size& size) {
    const std::string label = fmt::format("{} {}", kernel.name, size.text());
    ++sizes_;
    try {
      measure_sides(kernel, size, label);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: not measured: {}\n", label, error.what());
      ++wrong_;
    }
  }

  // How many were wrong.
  int finish() {
    const std::string prefix = flags_.substrate + ".real";
    for (const auto& [peer, ratios] : ratios_) {
      // Libraries have one kernel each.
      if (flags_.check || ratios.size() != sizes_ || !flags_.kernel.empty()) continue;
      figures_.add(fmt::format("{}.geomean.vs_{}", prefix, peer), geometric_mean(ratios));
      fmt::print(stderr, "geometric mean against {}: {:.2f}, least {:.2f}\n", peer,
                 geometric_mean(ratios), *std::ranges::min_element(ratios));
    }
    figures_.add(prefix + ".wrong", wrong_);
    fmt::print("{}\n", figures_.json());
    return wrong_;
  }

 private:
  void measure_sides(const Kernel& kernel, const Size& size, const std::string& label) {
    const Workload workload = make(kernel, size);
    expected_ = kernel.expected(size, workload);
    runners_.clear();
    std::vector<Side> sides;
    std::unique_ptr<Runner> ours;
    // Before the full version is on disk.
    const ServedPeer::First first = first_.first(kernel, size, workload, folder_);
    if (!is_right(flags_.substrate, workload, first.results)) {
      ++wrong_;
      return;
    }
    (void)time_first(*subject_, workload, ours);
    add_runner(flags_.substrate, workload, std::move(ours), sides);
    if (sides.empty()) {
      ++wrong_;
      return;
    }
    sides[0].first_ns = first.ns;
    is_unseen_ = seen_.insert(fmt::format("{} {}", workload.name, word_list(workload))).second;
    if (flags_.wants("handwritten") && kernel.handwritten)
      enter("handwritten", workload, sides,
            [&](std::byte* const* buffers) { kernel.handwritten(size, buffers); });
    if (flags_.wants("libraries") && kernel.external.make) {
      try {
        enter(kernel.external.name, workload, sides, kernel.external.make(size));
      } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {} is left out: {}\n", label, kernel.external.name, error.what());
      }
    }
    for (auto& [name, driver] : drivers_)
      enter_driver(name, *driver, kernel, size, workload, sides);
    if (!flags_.check) {
      report(kernel, size, label, sides);
      return;
    }
    fmt::print(stderr, "{}: right:", label);
    for (const Side& side : sides) fmt::print(stderr, " {}", side.name);
    fmt::print(stderr, "\n");
  }

  void enter(const std::string& name, const Workload& workload, std::vector<Side>& sides,
             BufferFunction function) {
    std::unique_ptr<Runner> runner = make_function_runner(std::move(function), workload);
    restore(workload, *runner);
    runner->launch();
    add_runner(name, workload, std::move(runner), sides);
  }

  // `runner` has launched once.
  void add_runner(const std::string& name, const Workload& workload, std::unique_ptr<Runner> runner,
                  std::vector<Side>& sides) {
    if (!is_right(name, workload, results_of(workload, *runner))) return;
    runners_.push_back(std::move(runner));
    sides.push_back({name, [this, &workload, runner = runners_.back().get()] {
                       return round_of(workload, *runner, effort_.round_ns);
                     }});
  }

  void enter_driver(const std::string& name, ServedPeer& driver, const Kernel& kernel,
                    const Size& size, const Workload& workload, std::vector<Side>& sides) {
    try {
      const ServedPeer::First first = driver.first(kernel, size, workload, folder_);
      if (!is_right(name, workload, first.results)) return;
      sides.push_back({name, [this, &driver] { return driver.round(effort_.round_ns); }, first.ns});
    } catch (const std::exception& error) {
      fmt::print(stderr, "{} {}: {} is left out: {}\n", kernel.name, size.text(), name,
                 error.what());
    }
  }

  bool is_right(const std::string& name, const Workload& workload, const Results& actual) {
    const std::string what = first_difference(workload, expected_, actual);
    if (what.empty()) return true;
    fmt::print(stderr, "{}: {} is wrong: {}\n", workload.name, name, what);
    if (name == "handwritten") ++wrong_;
    return false;
  }

  // One number for each round; a single one where a launch takes as long as many rounds.
  std::vector<std::vector<double>> rounds_of(const std::vector<Side>& sides) const {
    std::vector<std::vector<double>> result(sides.size());
    std::vector<std::function<double()>> quick;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const bool is_driver = i > 0 && sides[i].first_ns > 0;
      const double once = is_driver ? drivers_.at(sides[i].name)->round(0) : 0;
      if (once > kSlow * effort_.round_ns) {
        result[i] = {once};
        continue;
      }
      quick.push_back(sides[i].round);
      places.push_back(i);
    }
    Rounds rounds = alternate(effort_.rounds, quick);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(rounds[i]);
    return result;
  }

  void report(const Kernel& kernel, const Size& size, const std::string& label,
              const std::vector<Side>& sides) {
    const std::vector<std::vector<double>> rounds = rounds_of(sides);
    const double ns = median(rounds[0]);
    const Cost cost = kernel.cost(size);
    const std::string name =
        fmt::format("{}.real.{}.{}", flags_.substrate, kernel.name, size.text());
    figures_.add(name + ".gops", cost.operations / ns);
    figures_.add(name + ".gbs", cost.bytes / ns);
    if (is_unseen_) figures_.add(name + ".first_ms", sides[0].first_ns / 1e6);
    fmt::print(stderr, "{:<28}{:>10.3f}{:>8.1f}{:>8.1f}{:>10} ", label, ns / 1e6,
               cost.operations / ns, cost.bytes / ns,
               is_unseen_ ? fmt::format("{:.0f}", sides[0].first_ns / 1e6) : "seen");
    for (std::size_t i = 1; i < sides.size(); ++i) {
      const bool is_slow = rounds[i].size() < rounds[0].size();
      const double value = is_slow ? rounds[i][0] / ns : ratio(rounds[i], rounds[0]);
      ratios_[sides[i].name].push_back(value);
      figures_.add(fmt::format("{}.vs_{}", name, sides[i].name), value);
      fmt::print(stderr, " {} {}{:.2f}", sides[i].name, is_slow ? "~" : "", value);
      if (sides[i].first_ns == 0 || !is_unseen_) continue;
      const double first = sides[i].first_ns / sides[0].first_ns;
      figures_.add(fmt::format("{}.first.vs_{}", name, sides[i].name), first);
      fmt::print(stderr, " (first {:.2f})", first);
    }
    fmt::print(stderr, "\n");
  }

  const Flags& flags_;
  std::unique_ptr<Peer> subject_;  // of full versions
  ServedPeer first_;               // the same substrate as users have it, for first dispatches
  std::filesystem::path folder_;
  Effort effort_;
  std::map<std::string, std::unique_ptr<ServedPeer>> drivers_;
  Figures figures_;
  std::map<std::string, std::vector<double>> ratios_;
  std::size_t sizes_ = 0;
  int wrong_ = 0;
  // Kernels and specializations that were compiled: their next size has no first dispatch.
  std::set<std::string> seen_;
  // Of the size that is measured.
  bool is_unseen_ = false;
  Results expected_;
  std::vector<std::unique_ptr<Runner>> runners_;
};

int measure(const Flags& flags) {
  const PrivateCaches caches;
  ContextOptions options;
  options.options.emplace_back("cpu.tier", "full");
  for (const std::string& option : flags.options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error(fmt::format("--option {}: it takes NAME=VALUE", option));
    options.options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  const Context context(options);
  const auto substrates = context.substrates();
  const auto substrate = std::ranges::find_if(
      substrates, [&](const Substrate& one) { return one.name() == flags.substrate; });
  if (substrate == substrates.end()) {
    fmt::print(stderr, "there is no substrate {}: nothing is measured\n", flags.substrate);
    fmt::print("{{}}\n");
    return 0;
  }
  fmt::print(stderr, "{:<12} {}\n", flags.substrate, substrate->info().description);
  Bench bench(flags, context, *substrate, caches.folder());
  for (const Kernel* kernel : kernels()) {
    if (!flags.kernel.empty() && flags.kernel != kernel->name) continue;
    const std::string text = !flags.size.empty() ? flags.size
                             : flags.check ? fmt::format("{} {}", kernel->quick, kernel->ragged)
                             : flags.quick ? kernel->quick
                                           : kernel->sizes;
    for (const Size& size : sizes_of(text)) bench.measure(*kernel, size);
  }
  return bench.finish() == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Kernels as other libraries write them, against hand-written code and others"};
  CLI::Option* const kernel =
      app.add_option("--kernel", flags.kernel, "only this kernel; --list has their names")
          ->check([](const std::string& name) {
            return find_kernel(name) ? "" : fmt::format("there is no kernel {}", name);
          });
  app.add_option("--size", flags.size, "only these sizes, as in 500x333x777, of the kernel")
      ->needs(kernel);
  CLI::Option* const peers =
      app.add_option("--peers", flags.peers,
                     "a,b of handwritten, libraries, lavapipe, swiftshader; the last is slow, so "
                     "that --quick and --check ask it only if it is named")
          ->delimiter(',')
          ->check(CLI::IsMember({"handwritten", "libraries", "lavapipe", "swiftshader", "none"}));
  app.add_option("--on", flags.substrate, "the substrate to measure; names the figures");
  app.add_option("--option", flags.options, "NAME=VALUE for the plugins");
  app.add_flag("--quick", flags.quick, "smaller inputs and fewer rounds");
  app.add_flag("--check", flags.check, "compare results, of ragged sizes too; time nothing");
  app.add_flag("--list", flags.list, "the kernels, what their sizes mean, and the usual ones");
  app.add_option("--serve", flags.serve, "answer another process of this program")->group("");
  CLI11_PARSE(app, argc, argv);
  if (flags.list) {
    for (const Kernel* one : kernels())
      fmt::print("{:<20} {:<32} {}\n", one->name, one->dimensions, one->sizes);
    return 0;
  }
  const char* quick = std::getenv("SOKR_BENCH_QUICK");
  flags.quick = flags.quick || (quick && std::string_view(quick) == "1");
  if (peers->empty() && !flags.quick && !flags.check) flags.peers.push_back("swiftshader");
  return flags.serve.empty() ? measure(flags) : serve(flags.serve);
}

}  // namespace
}  // namespace sokr::bench::real

int main(int argc, char** argv) {
  // A process that another one measures in may end early: a failed write says so.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return sokr::bench::real::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_cpu_real: {}\n", error.what());
    return 1;
  }
}
