// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The handles under which substrates have a kernel prepared (<sokr/kernel.h>): one for each way in
// which launches specialize and size it. The first launch of a kind prepares nothing, for it may
// be the only one; the second does, and from then on the substrate finds its kernel by number.
#ifndef SOKR_HOST_PREPARED_HPP_
#define SOKR_HOST_PREPARED_HPP_

#include <sokr/compute.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <sokr/base/result.hpp>

#include "fork.hpp"

namespace sokr::host {

struct Form;

// Any thread. Handles of a substrate that has gone have gone with it.
class PreparedKernels {
 public:
  PreparedKernels() = default;
  // Releases the handles.
  ~PreparedKernels();
  PreparedKernels(const PreparedKernels&) = delete;
  PreparedKernels& operator=(const PreparedKernels&) = delete;

  // The handle for such a launch, which names entry point, specialization and sizes; 0 if there is
  // none, and the launch is to say it all. Does not wait for other threads.
  SokrKernel find(const SokrSubstrateInfo& info, std::uint32_t id, const Form& form,
                  const SokrLaunch& launch) noexcept;
  // Prepares it now. SOKR_OK with a substrate that prepares nothing.
  Result<void> prepare(const SokrSubstrateInfo& info, std::uint32_t id, const Form& form,
                       const SokrLaunch& launch);

 private:
  struct Node;
  // With the lock entered.
  Result<void> prepare_locked(const SokrSubstrateInfo& info, std::uint32_t id, const Form& form,
                              const SokrLaunch& launch);
  Node* find_node(std::uint32_t id, const SokrLaunch& launch) const noexcept;
  Node* add_node(const SokrSubstrateInfo& info, std::uint32_t id, const SokrLaunch& launch);

  std::atomic<Node*> first_{nullptr};    // never removed before the end
  std::atomic<std::uint32_t> count_{0};  // of those that nobody asked for
  CallLock lock_;                        // while something is prepared or added
};

}  // namespace sokr::host

#endif  // SOKR_HOST_PREPARED_HPP_
