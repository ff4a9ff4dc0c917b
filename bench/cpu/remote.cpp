// SPDX-License-Identifier: MIT OR Apache-2.0
#include "remote.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

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

std::vector<std::string> arguments(std::string_view substrate, bool quick,
                                   const std::vector<std::string>& options) {
  std::vector<std::string> words{"--serve", "--on", std::string(substrate)};
  if (quick) words.emplace_back("--quick");
  for (const std::string& option : options) words.insert(words.end(), {"--option", option});
  return words;
}

}  // namespace

std::vector<std::byte> module_of(std::string_view kernel) {
  return read_file(fmt::format("{}/{}.spv", SOKR_BENCH_SHADERS, kernel));
}

Remote::Remote(std::string_view substrate, bool quick, const std::vector<std::string>& options)
    : companion_(arguments(substrate, quick, options)) {}

double Remote::round(std::string_view kernel, double round_ns) {
  return companion_.ask(fmt::format("{} {}", kernel, round_ns));
}

int serve(const Context& context, std::string_view substrate, bool quick) {
  Served served(context, substrate, quick);
  return answer([&served](const std::string& line) {
    std::istringstream words(line);
    std::string kernel;
    double round_ns = 0;
    words >> kernel >> round_ns;
    return served.round(kernel, round_ns);
  });
}

}  // namespace sokr::bench
