// SPDX-License-Identifier: MIT OR Apache-2.0
#include "served.hpp"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "../measure.hpp"

namespace sokr::bench::real {
namespace {

using namespace std::string_literals;

std::vector<std::byte> module_of(const Workload& workload) {
  return read_file(fmt::format("{}/{}.spv", SOKR_BENCH_OWN_SHADERS, workload.name));
}

class Server {
 public:
  explicit Server(const std::string& name) : name_(name) {}

  double to(const std::string& line) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "here") {
      std::string reason;
      peer_ = name_ == "lavapipe"      ? make_lavapipe_peer(reason)
              : name_ == "swiftshader" ? make_swiftshader_peer(reason)
                                       : as_users_have_it();
      if (!peer_) {
        fmt::print(stderr, "{:<12} left out: {}\n", name_, reason);
        return 0;
      }
      std::string again;
      if (!(words >> again)) fmt::print(stderr, "{:<12} {}\n", name_, peer_->description());
      // SwiftShader says there what it cannot do, several lines for each kernel.
      if (!std::freopen("/dev/null", "w", stderr)) throw std::runtime_error("no /dev/null");
      return 1;
    }
    if (what == "first") {
      std::string kernel, size, path;
      words >> kernel >> size >> path;
      return first(kernel, size, path);
    }
    double round_ns = 0;
    words >> round_ns;
    if (!runner_) throw std::runtime_error("nothing was prepared");
    return round_of(workload_, *runner_, round_ns);
  }

 private:
  // A substrate with a quick version of each kernel first. It is measured in its full version by
  // whoever measures it over and over.
  std::unique_ptr<Peer> as_users_have_it() {
    context_ = std::make_unique<Context>();
    return make_substrate_peer(*context_, context_->substrate(name_));
  }

  double first(const std::string& name, const std::string& size, const std::string& path) {
    const Kernel* kernel = find_kernel(name);
    if (!kernel) throw std::runtime_error(fmt::format("there is no kernel {}", name));
    runner_ = nullptr;
    workload_ = make(*kernel, Size(size));
    const double ns = time_first(*peer_, workload_, runner_);
    std::ofstream file(path, std::ios::binary);
    for (const Bytes& bytes : results_of(workload_, *runner_))
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
    return ns;
  }

  std::string name_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<Peer> peer_;
  Workload workload_;
  std::unique_ptr<Runner> runner_;
};

}  // namespace

double time_first(Peer& peer, const Workload& workload, std::unique_ptr<Runner>& runner) {
  const std::vector<std::byte> module = module_of(workload);
  const double begin = now_ns();
  runner = peer.prepare(workload, module);
  const double prepared = now_ns();
  restore(workload, *runner);
  const double restored = now_ns();
  runner->launch();
  return prepared - begin + now_ns() - restored;
}

Results results_of(const Workload& workload, Runner& runner) {
  Results results;
  for (std::size_t i = 0; i < workload.buffers.size(); ++i)
    results.push_back(workload.buffers[i].match == Match::kInput ? Bytes() : runner.read(i));
  return results;
}

ServedPeer::ServedPeer(const std::string& name, bool is_first)
    : name_(name), companion_(std::make_unique<Companion>(std::vector{"--serve"s, name})) {
  if (companion_->ask(is_first ? "here" : "here again") == 0)
    throw AbsentPeer(fmt::format("{} is not here", name));
}

ServedPeer::First ServedPeer::first(const Kernel& kernel, const Size& size,
                                    const Workload& workload, const std::filesystem::path& folder) {
  if (companion_->has_ended()) *this = ServedPeer(name_, false);
  const std::filesystem::path path = folder / "results";
  First first{
      companion_->ask(fmt::format("first {} {} {}", kernel.name, size.text(), path.string())), {}};
  std::ifstream file(path, std::ios::binary);
  for (const BufferSpec& spec : workload.buffers) {
    Bytes& bytes = first.results.emplace_back(spec.match == Match::kInput ? std::size_t{0}
                                                                          : spec.initial.size());
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  if (!file) throw std::runtime_error("its results are too short");
  std::filesystem::remove(path);
  return first;
}

double ServedPeer::round(double round_ns) {
  return companion_->ask(fmt::format("round {}", round_ns));
}

int serve(const std::string& name) {
  Server server(name);
  return answer([&server](const std::string& line) { return server.to(line); });
}

}  // namespace sokr::bench::real
