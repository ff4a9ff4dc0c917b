// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a decoded SPIR-V module to machine code: one entry point, one register width,
// one subgroup size. The result runs without the compiler; see kernel.hpp.
//
// Any thread; several threads may compile at once. Nothing here blocks beyond the work.
#ifndef SOKR_CPU_COMPILER_HPP_
#define SOKR_CPU_COMPILER_HPP_

#include <atomic>
#include <functional>
#include <sokr/cpu/kernel.hpp>
#include <sokr/spirv/module.hpp>
#include <string>

namespace sokr::cpu {

class Builtins;
class Trace;

// A part of a compilation that has ended.
struct CompileStage {
  const char* name = "";  // "lower", "analyse", "emit", "optimise", "generate"
  double milliseconds = 0;
  std::size_t size = 0;   // of what it made, in units
  const char* unit = "";  // "instructions", "LLVM instructions", "bytes of code"
};

constexpr std::uint64_t most_binding_bytes(std::uint8_t size_shift) {
  return (UINT64_C(0x7FFFFFFF)) << size_shift;
}

// How much work goes into the code.
enum class Effort : std::uint8_t {
  kFull,
  // A first version that a better one replaces: compiled in a sixth of the time, several times as
  // slow, with the same results.
  kDraft,
  kQuick,   // for tests: hardly optimised, compiled in a fraction of the time
  kVerify,  // for tests: ends with LLVM IR that was verified, and an empty image
};

struct CompileOptions {
  Isa isa = host_isa();
  std::uint32_t subgroup_size = kDefaultSubgroupSize;  // 4, 8, 16, 32 or 64
  // Check every buffer access: out-of-range reads give 0, writes are dropped.
  bool robust = true;
  // Descriptors of different (set, binding) do not overlap unless decorated Aliased.
  // Turn it off for a launch that binds the same memory twice and writes it.
  bool assume_no_alias = true;
  // No binding has more than most_binding_bytes(size_shift) bytes. With 0, 32 bits with their
  // sign count the bytes of each binding; otherwise indices of elements with fewer than
  // 2^size_shift bytes are taken as 64 bits, each invocation's for itself.
  std::uint8_t size_shift = 0;
  // Look at KernelContext::abort in loops that may run without end.
  bool abort_checks = true;
  // Register-wide chunks of invocations that move together; 0 = chosen from the kernel.
  std::uint32_t interleave = 0;
  // Upper limit of the choice above.
  std::uint32_t max_interleave = 32;
  // For tests: one invocation after the other, where the kernel allows it. Otherwise only where
  // that is likely to be quicker.
  bool scalar_mode = false;
  // For tests: inactive lanes hold garbage instead of zeros.
  bool poison_inactive = false;
  Effort effort = Effort::kFull;
  // If not null: functions that a draft for this `isa` need not bring along
  // (compiler/builtins.hpp).
  const Builtins* builtins = nullptr;
  // If not null: where it is set, the compilation fails at the end of a stage.
  const std::atomic<bool>* cancelled = nullptr;
  // If not empty: a folder that receives the stages of the compilation, in files named after
  // the entry point and what tells this compilation from others of the same entry point.
  std::string dump, dump_key;
  // If not empty: called at the end of each stage, in the thread that compiles.
  std::function<void(const CompileStage&)> on_stage;
  // For tools and tests. If not null: is told what each stage made and decided.
  Trace* trace = nullptr;
  // For tests: a bit for each part of the compiler that is left out (compiler/trace.hpp). What code
  // computes does not change.
  std::uint64_t without = 0;
};

// Can `compile` handle this entry point? SOKR_CAPABILITY_DENIED with the reason if not.
Result<void> check(const spirv::Module& module, const spirv::EntryPoint& entry,
                   const CompileOptions& options = {});

// The same, with all that `compile` refuses by the kernel's size once it is lowered: for who is not
// going to compile now. Specialized with the values of the launch.
Result<void> check_wholly(const spirv::Module& module, const spirv::EntryPoint& entry,
                          const CompileOptions& options = {});

// SOKR_CAPABILITY_DENIED as `check_wholly`; SOKR_DISPATCH_FAILED if the compiler itself fails.
Result<CompiledKernel> compile(const spirv::Module& module, const spirv::EntryPoint& entry,
                               const CompileOptions& options = {});

// What goes into a cache key besides the module and the options: versions of this
// compiler and of LLVM, and the processor's exact model and features.
std::string compiler_fingerprint(Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_CPU_COMPILER_HPP_
