// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/reference/interpreter.hpp - a SPIR-V interpreter: correct before fast.
//
//     bytes -> spirv::decode -> Module -> prepare -> Program -> run -> RunReport
//
// A Program is one entry point of one module, lowered once into steps with resolved
// operand slots. It is immutable and may be run by any number of threads at once.
// Every invocation follows its own control flow; invocations of a workgroup are stepped
// one after the other from barrier to barrier. Programs with subgroup operations always
// run the invocations of a subgroup that are furthest behind in structured order, which
// gives maximal reconvergence.
//
// What SPIR-V leaves undefined is defined in <sokr/substrate/edge_semantics.hpp>.
#ifndef SOKR_REFERENCE_INTERPRETER_HPP_
#define SOKR_REFERENCE_INTERPRETER_HPP_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sokr/base/result.hpp>
#include <sokr/spirv/module.hpp>
#include <span>
#include <string>

namespace sokr::reference {

inline constexpr std::uint32_t kDefaultSubgroupSize = 32;
inline constexpr std::uint32_t kMinSubgroupSize = 1;
inline constexpr std::uint32_t kMaxSubgroupSize = 128;
inline constexpr std::uint32_t kMaxLocalInvocations = 4096;
inline constexpr std::uint64_t kMaxWorkgroupBytes = std::uint64_t{1} << 20;

struct Program;

// Lowers everything that `entry` reaches. `entry` is one of module->entry_points().
// SOKR_CAPABILITY_DENIED names the capability or opcode that is not supported, or the
// limit that is exceeded; SOKR_INVALID_INPUT for a subgroup size that is no power of two
// from kMinSubgroupSize to kMaxSubgroupSize. Any thread; does not block.
Result<std::shared_ptr<const Program>> prepare(std::shared_ptr<const spirv::Module> module,
                                               const spirv::EntryPoint& entry,
                                               std::uint32_t subgroup_size = kDefaultSubgroupSize);

// The capabilities of a module alone: SOKR_CAPABILITY_DENIED names the first that is not
// supported.
Result<void> check_capabilities(const spirv::Module& module);

// Memory bound to one descriptor; data null = a null descriptor. What is not listed is
// null too.
struct Descriptor {
  std::uint32_t set = 0, binding = 0, index = 0;
  void* data = nullptr;
  std::uint64_t size = 0;
};

// Where a PhysicalStorageBuffer address points. Called from many threads at once: is
// [address, address + size) inside one buffer?
using AddressCheck = std::function<bool(std::uint64_t address, std::uint64_t size)>;

enum class OutOfBounds : std::uint8_t { kIgnore, kReport, kFail };

// One access to memory that several invocations may touch, inside its bounds.
struct Access {
  std::uint64_t group = 0;  // of the grid
  std::uint32_t invocation = 0;
  std::uint32_t barriers = 0;  // that the workgroup has passed
  std::uintptr_t address = 0;
  std::uint32_t bytes = 0;
  bool is_write = false, is_atomic = false;
  bool is_workgroup = false;  // Workgroup memory; a buffer or the push constants otherwise
  std::uint32_t word = 0;     // the instruction's first word in the module
};

// Told of every access, ahead of it. Called from many threads at once.
class AccessObserver {
 public:
  virtual ~AccessObserver() = default;
  virtual void access(const Access& access) = 0;
  // Workgroup memory at [address, address + bytes) is from now on that of another workgroup.
  virtual void begin_group(std::uintptr_t address, std::uint64_t bytes) = 0;
  // An access outside of a variable that is no buffer: what is read there is undefined, where
  // beyond a buffer it is 0.
  virtual void outside_of_variable() {}
};

// Borrowed until run returns.
struct Launch {
  std::array<std::uint32_t, 3> groups{1, 1, 1};
  std::array<std::uint32_t, 3> base_groups{};  // added to the id of each workgroup
  std::span<const Descriptor> descriptors;
  std::span<const std::byte> push;
  AddressCheck valid_address;               // null = every address is out of bounds
  const std::atomic<bool>* stop = nullptr;  // becomes true: abandon the launch
  OutOfBounds out_of_bounds = OutOfBounds::kIgnore;
  AccessObserver* observer = nullptr;  // null: nobody
};

struct RunReport {
  std::uint64_t out_of_bounds_reads = 0, out_of_bounds_writes = 0;
  std::string first_out_of_bounds;  // a sentence, unless the launch asked to ignore them
};

// Runs the whole grid as oneTBB tasks, one a workgroup, in the calling thread's arena and
// waits for it. SOKR_DISPATCH_FAILED with a sentence: a divergent barrier, OpUnreachable,
// a misaligned atomic, memory exhausted, the launch was stopped, or an access out of
// bounds under OutOfBounds::kFail.
Result<RunReport> run(const Program& program, const Launch& launch);

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_INTERPRETER_HPP_
