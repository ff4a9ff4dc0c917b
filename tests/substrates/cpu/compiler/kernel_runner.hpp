// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Compiles a kernel and runs it in this process or an emulator, and runs the same in the
// reference interpreter. Buffers of the compiled run lie flush against an unmapped page.
#ifndef SOKR_TESTS_CPU_KERNEL_RUNNER_HPP_
#define SOKR_TESTS_CPU_KERNEL_RUNNER_HPP_

#include <array>
#include <chrono>
#include <cstdint>
#include <sokr/cpu/compiler.hpp>
#include <sokr/reference/interpreter.hpp>
#include <string>
#include <vector>

namespace sokr::cpu::test {

using Bytes = std::vector<std::uint8_t>;

struct TestBuffer {
  std::uint32_t set = 0, binding = 0;
  Bytes data;
  std::uint32_t index = 0;
};

struct TestLaunch {
  std::array<std::uint32_t, 3> groups{1, 1, 1};
  std::vector<TestBuffer> buffers;
  Bytes push;
  std::array<std::uint32_t, 3> local_size{0, 0, 0};
};

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  auto* at = reinterpret_cast<const std::uint8_t*>(values.data());
  return Bytes(at, at + values.size() * sizeof(T));
}
template <class T>
std::vector<T> values_of(const Bytes& bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  __builtin_memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

Bytes assemble(const std::string& text);
Bytes read_shader(const std::string& name);

// How a kernel that may not end, or whose accesses are of interest, is run.
struct RunLimits {
  std::chrono::milliseconds patience{0};          // then it is given up; 0 = never
  reference::AccessObserver* observer = nullptr;  // run_reference only
};

// Each writes the buffers' new contents back into `launch`. A kernel that was given up is a failure
// whose sentence is kGivenUp.
inline constexpr const char* kGivenUp = "the kernel did not end in time";
Result<void> run_compiled(const Bytes& module, const CompileOptions& options, TestLaunch& launch,
                          const RunLimits& limits = {});
Result<void> run_reference(const Bytes& module, TestLaunch& launch,
                           std::uint32_t subgroup_size = 32, const RunLimits& limits = {});

// On this processor or an emulated one.
bool can_run(Isa isa);
// One workgroup of a kernel that is compiled already and has no push constants.
Result<void> run_kernel(const CompiledKernel& kernel, const std::vector<KernelBinding>& bindings);

// Instruction sets of this machine and of its emulator, with the pitfalls that a test can provoke:
// several interleave factors, garbage in inactive lanes. How many of them: extent.hpp.
std::vector<CompileOptions> all_options();
std::string describe(const CompileOptions& options);
// Compiled at the first call.
const Builtins& builtins_of_test(Isa isa);

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_KERNEL_RUNNER_HPP_
