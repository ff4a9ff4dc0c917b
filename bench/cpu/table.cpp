// SPDX-License-Identifier: MIT OR Apache-2.0
#include "table.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <string_view>

#include "remote.hpp"

namespace sokr::bench {
namespace {

std::string milliseconds(double ns) {
  return fmt::format("{:.3f}", ns / 1e6);
}

// A peer that is ready to run one kernel.
struct Entrant {
  const NamedPeer* peer;  // null: the substrate itself
  std::unique_ptr<Runner> runner;
  std::vector<Bytes> results;
};

// Prepares, launches once and keeps the results. Null, with a sentence on standard error, if
// the peer cannot.
std::unique_ptr<Entrant> enter(Peer& peer, const NamedPeer* named, const Workload& workload,
                               std::span<const std::byte> module) {
  try {
    auto entrant = std::make_unique<Entrant>();
    entrant->peer = named;
    entrant->runner = peer.prepare(workload, module);
    restore(workload, *entrant->runner);
    entrant->runner->launch();
    for (std::size_t i = 0; i < workload.buffers.size(); ++i)
      entrant->results.push_back(
          workload.buffers[i].match == Match::kInput ? Bytes() : entrant->runner->read(i));
    return entrant;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {} is left out: {}\n", workload.name,
               named ? named->name : "the substrate", error.what());
    return nullptr;
  }
}

std::string first_difference(const Workload& workload, const Entrant& expected,
                             const Entrant& actual) {
  for (std::size_t i = 0; i < workload.buffers.size(); ++i) {
    if (workload.buffers[i].match == Match::kInput) continue;
    std::string what = difference(workload.buffers[i], expected.results[i], actual.results[i]);
    if (!what.empty()) return fmt::format("buffer {}: {}", i, what);
  }
  return {};
}

// A line of the table as it comes out.
struct Row {
  double ours = 0;
  std::map<std::string, double> theirs, ratios;
};

class Table {
 public:
  Table(const Subject& subject, std::span<const NamedPeer> peers)
      : subject_(subject), peers_(peers) {
    fmt::print(stderr, "\n{:<18}{:>10}", "ms", subject.prefix);
    for (const NamedPeer& peer : peers) fmt::print(stderr, "{:>13}{:>8}", peer.name, "ratio");
    fmt::print(stderr, "\n");
  }
  void add(const std::string& kernel, const Row& row, Figures& figures) {
    fmt::print(stderr, "{:<18}{:>10}", kernel, milliseconds(row.ours));
    for (const NamedPeer& peer : peers_) {
      const auto found = row.theirs.find(peer.name);
      if (found == row.theirs.end()) {
        fmt::print(stderr, "{:>13}{:>8}", "-", "-");
        continue;
      }
      const double value = row.ratios.at(peer.name);
      ratios_[peer.name].push_back(value);
      figures.add(fmt::format("{}.{}.vs_{}", subject_.prefix, kernel, peer.name), value);
      fmt::print(stderr, "{:>13}{:>8.2f}", milliseconds(found->second), value);
    }
    fmt::print(stderr, "\n");
  }
  void finish(Figures& figures) {
    fmt::print(stderr, "{:<18}{:>10}", "geometric mean", "");
    for (const NamedPeer& peer : peers_) {
      const std::vector<double>& all = ratios_[peer.name];
      if (all.size() != workload_table().size()) {
        fmt::print(stderr, "{:>13}{:>8}", "", "-");
        continue;
      }
      // Hand-written code is further ahead where registers have 32 bytes, so that figure has a name
      // and a bound of its own.
#if defined(__x86_64__)
      const bool narrow =
          peer.name == std::string_view("handwritten") && __builtin_cpu_supports("avx512f") == 0;
#else
      const bool narrow = false;
#endif
      figures.add(fmt::format("{}.geomean.vs_{}{}", subject_.prefix, peer.name,
                              narrow ? ".without_avx512" : ""),
                  geometric_mean(all));
      fmt::print(stderr, "{:>13}{:>8.2f}", "", geometric_mean(all));
    }
    fmt::print(stderr, "\n");
  }

 private:
  const Subject& subject_;
  std::span<const NamedPeer> peers_;
  std::map<std::string, std::vector<double>> ratios_;
};

// Nothing if the substrate fails or is wrong.
std::optional<Row> measure_row(Peer& subject, std::span<const NamedPeer> peers,
                               const Workload& workload, const Effort& effort) {
  const std::vector<std::byte> module = module_of(workload.name);
  std::vector<std::unique_ptr<Entrant>> entrants;
  entrants.push_back(enter(subject, nullptr, workload, module));
  if (!entrants.front()) return std::nullopt;
  bool right = true;
  for (const NamedPeer& peer : peers) {
    std::unique_ptr<Entrant> entrant = enter(*peer.peer, &peer, workload, module);
    if (!entrant) continue;
    const std::string what = first_difference(workload, *entrant, *entrants.front());
    if (what.empty()) {
      entrants.push_back(std::move(entrant));
      continue;
    }
    fmt::print(stderr, "{}: {} and the substrate disagree: {}\n", workload.name, peer.name, what);
    // The hand-written code is ours: then either it or the substrate is wrong.
    right = right && std::string_view(peer.name) != "handwritten";
  }
  if (!right) return std::nullopt;
  std::vector<std::function<double()>> sides;
  for (const auto& entrant : entrants)
    sides.push_back([&workload, &effort, runner = entrant->runner.get()] {
      return round_of(workload, *runner, effort.round_ns);
    });
  const Rounds rounds = alternate(effort.rounds, sides);
  Row row{median(rounds[0]), {}, {}};
  for (std::size_t i = 1; i < entrants.size(); ++i) {
    row.theirs[entrants[i]->peer->name] = median(rounds[i]);
    row.ratios[entrants[i]->peer->name] = ratio(rounds[i], rounds[0]);
  }
  return row;
}

// The differences looked for are small: many short rounds.
constexpr int kMoreRounds = 3;

bool has_two_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 2;
}

}  // namespace

bool measure_kernels(const Subject& subject, std::span<const NamedPeer> peers,
                     std::string_view only, const Effort& effort, Figures& figures) {
  const auto ours = make_substrate_peer(subject.context, subject.substrate);
  Table table(subject, peers);
  bool good = true;
  for (const WorkloadEntry& entry : workload_table()) {
    if (!only.empty() && only != entry.name) continue;
    const std::optional<Row> row = measure_row(*ours, peers, entry.make(effort.quick), effort);
    good = good && row;
    if (row) table.add(entry.name, *row, figures);
  }
  if (only.empty()) table.finish(figures);
  return good;
}

void measure_settings(const Subject& subject, const std::vector<std::string>& same,
                      std::string_view only, const Effort& effort, Figures& figures) {
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), same.begin(), same.end());
    return options;
  };
  const std::string_view name = subject.substrate.name();
  const bool two = has_two_processors();
  if (!two) fmt::print(stderr, "one processor only: two_core_scaling is left out\n");
  Remote usual(name, effort.quick, with({"cpu.robust=1"}));
  Remote unchecked(name, effort.quick, with({"cpu.robust=0"}));
  Remote both(name, effort.quick, with({"cpu.threads=2"}));
  Remote alone(name, effort.quick, with({"cpu.threads=1"}));
  std::vector<double> costs;
  fmt::print(stderr, "\n{:<18}{:>16}{:>16}\n", "", "bounds checks", "two cores");
  for (const WorkloadEntry& entry : workload_table()) {
    if (!only.empty() && only != entry.name) continue;
    const auto side = [&](Remote& remote) {
      return [&] { return remote.round(entry.name, effort.round_ns / kMoreRounds); };
    };
    std::vector<std::function<double()>> sides{side(usual), side(unchecked)};
    if (two && entry.compute_bound) sides.insert(sides.end(), {side(alone), side(both)});
    try {
      for (const auto& first : sides) first();
      const Rounds rounds = alternate(kMoreRounds * effort.rounds, sides);
      costs.push_back(ratio(rounds[0], rounds[1]));
      fmt::print(stderr, "{:<18}{:>15.1f}%", entry.name, 100 * (costs.back() - 1));
      if (sides.size() == 4) {
        const double scaling = ratio(rounds[2], rounds[3]);
        figures.add(fmt::format("{}.two_core_scaling.{}", subject.prefix, entry.name), scaling);
        fmt::print(stderr, "{:>16.2f}", scaling);
      }
      fmt::print(stderr, "\n");
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: settings are not compared: {}\n", entry.name, error.what());
    }
  }
  if (costs.size() != workload_table().size()) return;
  figures.add(subject.prefix + ".bounds_checks.cost", geometric_mean(costs) - 1);
  fmt::print(stderr, "{:<18}{:>15.1f}%\n", "geometric mean", 100 * (geometric_mean(costs) - 1));
}

}  // namespace sokr::bench
