// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a Kernel shares: its bytes, its reflection, and the lowered forms that were
// needed so far. Any thread.
#ifndef SOKR_HOST_KERNEL_STATE_HPP_
#define SOKR_HOST_KERNEL_STATE_HPP_

#include <map>
#include <memory>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/sokr.hpp>
#include <vector>

#include "fork.hpp"
#include "plugin.hpp"
#include "prepared.hpp"

namespace sokr::host {

// Workgroups for so many invocations.
Result<std::array<std::uint32_t, 3>> groups_for(const std::array<std::uint32_t, 3>& threads,
                                                const std::uint32_t (&local_size)[3]);

// The entry point that `name` means; null = the only one. The sentence lists them.
Result<const SokrIrEntryPoint*> find_entry(const SokrIrReflection& reflection, const char* name);

// One form of a computation: what a substrate is given.
struct Form {
  std::uint32_t format = 0;
  SokrComputationId id{};
  std::span<const std::uint8_t> bytes;
};

}  // namespace sokr::host

namespace sokr {

struct Kernel::State {
  State(host::PluginRef plugin, std::span<const std::byte> source);

  // Validates and reflects. To be called once, before anything else.
  Result<void> open();
  // The bytes as they are.
  const host::Form& source() const { return source_; }
  // The bytes lowered to `target` for this substrate; done once, then kept.
  Result<host::Form> lowered(std::uint32_t target, const SokrSubstrateInfo& info,
                             std::uint32_t id) const;
  // The form that the substrate with this id takes: as it is if it accepts that, else a lowered
  // one.
  Result<host::Form> form_for(const SokrSubstrateInfo& info, std::uint32_t id) const;
  bool passes_through(const SokrSubstrateInfo& info) const;

  using ReflectionRef = std::shared_ptr<const SokrIrReflection>;
  Result<ReflectionRef> reflect(std::span<const SokrSpecialization> specializations,
                                const std::uint32_t* local_size) const;
  Result<const SokrIrEntryPoint*> entry(const char* name) const;

  host::PluginRef plugin;
  std::vector<std::byte> bytes;
  ReflectionRef reflection;
  mutable host::PreparedKernels prepared;

 private:
  SokrResult validate(char* sentence, std::size_t capacity) const;
  // For the source, with the options of the context.
  SokrIrRequest request() const;
  const SokrIrPlugin& ir() const { return *plugin->ir(); }

  host::Form source_;
  std::vector<SokrIrOption> options_;
  mutable host::CallLock lock_;
  struct Lowered {
    std::shared_ptr<std::uint8_t> bytes;
    host::Form form;
  };
  // By target and id of the substrate, which no other one gets; 0 for all of them.
  mutable std::map<std::pair<std::uint32_t, std::uint32_t>, Lowered> lowered_;
};

}  // namespace sokr

#endif  // SOKR_HOST_KERNEL_STATE_HPP_
