// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The CPU substrate against hand-written code, ISPC, lavapipe and PoCL: the same kernels on the
// same inputs, with results compared, in alternating rounds. Prints tables for people on
// standard error and one flat JSON object on standard output. A ratio `.vs_PEER` says how
// many times longer the peer takes: above 1 the substrate is faster.
//
//   cpu.KERNEL.vs_PEER, cpu.geomean.vs_PEER     a launch, everything prepared
//   cpu.null_dispatch_ns, .vs_lavapipe          one empty workgroup; the core's two calls
//   cpu.null_dispatch.host_ns                   the same through the C++ API
//   cpu.saxpy64_ns                              64 elements, the core's two calls
//   cpu.wait_for.vs_wait, cpu.poll.vs_wait      a kernel with loops: how much longer it takes than
//                                               with a wait without end
//   cpu.chain_ns, cpu.chain.vs_wait             a launch after the one before it, and over the same
//                                               with a wait between them
//   cpu.chain_behind_ns                         the same, dispatched while the first cannot start
//   cpu.first_dispatch_ms, .vs_lavapipe         an unseen kernel of 2 KB; the same with
//                                               first_dispatch_develop and first_dispatch_blur
//   cpu.full.first_dispatch_ms, .vs_lavapipe    the same with its full version at once
//   cpu.compile_60k_ms, cpu.compile_growth      unseen large kernels; exponent over the size
//   cpu.bounds_checks.cost                      0.05 = bounds checks cost 5 %
//   peer.NAME                                   1 if it is here, also if it does not work, else 0
//   cpu.two_core_scaling.KERNEL                 one thread's time over two threads'
//
// Environment: SOKR_BENCH_QUICK=1 is --quick.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "latency.hpp"
#include "peer.hpp"
#include "remote.hpp"
#include "table.hpp"

namespace {

using namespace sokr;
using namespace sokr::bench;

struct Flags {
  std::string substrate = "cpu", kernel;
  std::vector<std::string> peers{"handwritten", "ispc", "lavapipe", "pocl"};
  std::vector<std::string> parts{"kernels", "dispatch", "compile", "settings"};
  std::vector<std::string> options;
  bool quick = false, serve = false;

  bool wants(std::string_view part) const { return std::ranges::find(parts, part) != parts.end(); }
};

// Kernels run in their full version from the start, unless an option says otherwise: the first one
// is for who launches a kernel a few times.
ContextOptions context_options(const Flags& flags, const char* tier = "full") {
  ContextOptions options;
  options.options.emplace_back("cpu.tier", tier);
  for (const std::string& option : flags.options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error(fmt::format("--option {}: it takes NAME=VALUE", option));
    options.options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  return options;
}

std::optional<Substrate> find(const Context& context, const std::string& name) {
  for (const Substrate& substrate : context.substrates())
    if (substrate.name() == name) return substrate;
  return std::nullopt;
}

// What a figure is not there for: bounds that may lack a peer ask whether it is here. One that
// fails is: its figures are missed.
std::vector<NamedPeer> make_peers(const std::vector<std::string>& wanted, Figures& figures) {
  std::vector<NamedPeer> peers;
  const auto add = [&](const char* name, auto make) {
    if (std::ranges::find(wanted, name) == wanted.end()) {
      figures.add(fmt::format("peer.{}", name), 0);
      return;
    }
    std::string reason;
    std::unique_ptr<Peer> peer;
    bool is_here = false;
    try {
      peer = make(reason);
      is_here = peer != nullptr;
    } catch (const std::exception& error) {
      reason = error.what();
      is_here = true;
    }
    figures.add(fmt::format("peer.{}", name), is_here ? 1 : 0);
    fmt::print(stderr, "{:<12} {}\n", name,
               peer      ? peer->description()
               : is_here ? "fails: " + reason
                         : "left out: " + reason);
    if (peer) peers.push_back({name, std::move(peer)});
  };
  add("handwritten", [](std::string&) { return make_handwritten_peer(); });
  add("ispc", [](std::string& reason) { return make_ispc_peer(reason); });
  add("lavapipe", [](std::string& reason) { return make_lavapipe_peer(reason); });
  add("pocl", [](std::string& reason) { return make_pocl_peer(SOKR_BENCH_OPENCL, reason); });
  return peers;
}

// In contexts of its own: the plugin takes the tier from the first one.
void measure_first(const Flags& flags, Peer* lavapipe, const Effort& effort, Figures& figures) {
  for (const char* tier : {"auto", "full"}) {
    const Context context(context_options(flags, tier));
    const std::optional<Substrate> substrate = find(context, flags.substrate);
    if (!substrate) return;
    const std::string prefix = flags.substrate + (tier == std::string_view("full") ? ".full" : "");
    measure_first_dispatch({context, *substrate, prefix}, lavapipe, effort, figures);
  }
}

int measure(const Flags& flags) {
  const PrivateCaches caches;
  Figures figures;
  const std::vector<NamedPeer> peers = make_peers(flags.peers, figures);
  Peer* lavapipe = nullptr;
  for (const NamedPeer& peer : peers)
    if (std::string_view(peer.name) == "lavapipe") lavapipe = peer.peer.get();
  const Effort effort = flags.quick ? Effort{true, 9, 3e6} : Effort{};
  if (flags.wants("dispatch") && flags.kernel.empty())
    measure_first(flags, lavapipe, effort, figures);
  const Context context(context_options(flags));
  const std::optional<Substrate> substrate = find(context, flags.substrate);
  if (!substrate) {
    fmt::print(stderr, "there is no substrate {}: nothing is measured\n", flags.substrate);
    fmt::print("{{}}\n");
    return 0;
  }
  const Subject subject{context, *substrate, flags.substrate};
  fmt::print(stderr, "{:<12} {}\n", flags.substrate, substrate->info().description);
  bool good = true;
  if (flags.wants("kernels")) good = measure_kernels(subject, peers, flags.kernel, effort, figures);
  if (flags.wants("dispatch") && flags.kernel.empty()) {
    measure_dispatch(subject, lavapipe, effort, figures);
    measure_prepared(subject, effort, figures);
    measure_waiting(subject, effort, figures);
  }
  if (flags.wants("compile") && flags.kernel.empty()) measure_compilation(subject, effort, figures);
  if (flags.wants("settings"))
    measure_settings(subject, flags.options, flags.kernel, effort, figures);
  fmt::print("{}\n", figures.json());
  return good ? 0 : 1;
}

int run(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The CPU substrate against hand-written code, ISPC, lavapipe and PoCL"};
  app.add_option("--kernel", flags.kernel, "only this kernel of the table")
      ->check([](const std::string& name) {
        return find_workload(name) ? "" : fmt::format("there is no kernel {}", name);
      });
  app.add_option("--peers", flags.peers, "a,b of handwritten, ispc, lavapipe, pocl")
      ->delimiter(',')
      ->check(CLI::IsMember({"handwritten", "ispc", "lavapipe", "pocl"}));
  app.add_option("--parts", flags.parts, "a,b of kernels, dispatch, compile, settings")
      ->delimiter(',')
      ->check(CLI::IsMember({"kernels", "dispatch", "compile", "settings"}));
  app.add_option("--on", flags.substrate, "the substrate to measure; names the figures");
  app.add_option("--option", flags.options, "NAME=VALUE for the plugins");
  app.add_flag("--quick", flags.quick, "smaller inputs and fewer rounds");
  app.add_flag("--serve", flags.serve, "answer another process of this program")->group("");
  CLI11_PARSE(app, argc, argv);
  const char* quick = std::getenv("SOKR_BENCH_QUICK");
  flags.quick = flags.quick || (quick && std::string_view(quick) == "1");
  if (!flags.serve) return measure(flags);
  const Context context(context_options(flags));
  return serve(context, flags.substrate, flags.quick);
}

}  // namespace

int main(int argc, char** argv) {
  // A process that another one measures in may end early: a failed write says so.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_cpu: {}\n", error.what());
    return 1;
  }
}
