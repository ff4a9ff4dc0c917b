// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The other end of the runner: an emulator in a process of its own, which runs one launch
// after the other.
#ifndef SOKR_TESTS_CPU_EMULATED_PROCESSOR_HPP_
#define SOKR_TESTS_CPU_EMULATED_PROCESSOR_HPP_

#include <sys/types.h>

#include <array>
#include <sokr/cpu/kernel.hpp>
#include <span>
#include <string>
#include <vector>

namespace sokr::cpu::emulated {

// Not thread-safe.
class Processor {
 public:
  Processor(std::string emulator, std::string runner)
      : emulator_(std::move(emulator)), runner_(std::move(runner)) {}
  ~Processor() { stop(); }
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  // Runs all workgroups. Bindings may overlap. What the kernel has written is in their memory
  // afterwards. A failure, a crash of the emulated program included, leaves it as it was; the
  // next call starts anew.
  Result<void> run(std::span<const std::uint8_t> kernel, std::span<const KernelBinding> bindings,
                   std::span<const std::uint8_t> push, const std::array<std::uint32_t, 3>& groups,
                   const std::array<std::uint32_t, 3>& base_groups = {});

 private:
  struct Area;  // what overlapping bindings cover together

  Result<void> start();
  std::string stop();
  Result<void> receive(std::span<const Area> areas);

  std::string emulator_, runner_;
  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

}  // namespace sokr::cpu::emulated

#endif  // SOKR_TESTS_CPU_EMULATED_PROCESSOR_HPP_
