// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A software Vulkan driver in a process of its own: what it does to its memory, its threads and its
// life stays there.
#ifndef SOKR_BENCH_CPU_REAL_SERVED_HPP_
#define SOKR_BENCH_CPU_REAL_SERVED_HPP_

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "../companion.hpp"
#include "real.hpp"

namespace sokr::bench::real {

// It is not on this machine, which its process said.
class AbsentPeer : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class ServedPeer {
 public:
  // "lavapipe" or "swiftshader". Throws AbsentPeer if it is not here, and something else if it does
  // not work; the first of a name says what it is.
  explicit ServedPeer(const std::string& name, bool is_first = true);

  // Prepares this and forgets the one before it, in a new process if the last one has ended: the
  // time from the module to the end of the first launch, and its results.
  struct First {
    double ns;
    Results results;
  };
  First first(const Kernel& kernel, const Size& size, const Workload& workload,
              const std::filesystem::path& folder);
  // Of what `first` prepared.
  double round(double round_ns);

 private:
  std::string name_;
  std::unique_ptr<Companion> companion_;
};

// The other side.
int serve(const std::string& name);

// From the module to the end of the first launch, on initial buffers.
double time_first(Peer& peer, const Workload& workload, std::unique_ptr<Runner>& runner);
Results results_of(const Workload& workload, Runner& runner);

}  // namespace sokr::bench::real

#endif  // SOKR_BENCH_CPU_REAL_SERVED_HPP_
