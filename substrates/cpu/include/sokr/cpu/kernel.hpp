// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A kernel compiled for this processor, and how it is called. No LLVM here: the
// compiler makes a CompiledKernel, the runtime caches its bytes and runs it, and a
// warm start never loads the compiler.
//
// The image is one position-independent block: code and read-only data with every
// relocation already resolved relative to itself. It names no symbol outside. To run
// it, copy it to a page-aligned address, make that readable and executable (never
// writable at the same time) and call `entry_offset`.
#ifndef SOKR_CPU_KERNEL_HPP_
#define SOKR_CPU_KERNEL_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <sokr/base/result.hpp>
#include <sokr/cpu/limits.hpp>
#include <span>
#include <string>
#include <vector>

namespace sokr::cpu {

// One flattened descriptor. The kernel never touches a byte outside [data, data + size);
// a null descriptor is {nullptr, 0}. A runtime-sized array of descriptors is first
// {nullptr, count << 32 | place}: `count` entries, at least one, from entry `place` on.
struct KernelBinding {
  void* data = nullptr;
  std::uint64_t size = 0;
};

// What one launch gives to every call of the entry. Read-only for the kernel.
struct KernelContext {
  // In the order of ir::EntryReflection::bindings, a descriptor array of n elements
  // as n consecutive entries, a runtime-sized one as one entry; its elements are behind
  // all others. See descriptor_table() of runtime/descriptors.hpp.
  const KernelBinding* bindings = nullptr;
  // At least EntryReflection::push_constant_size bytes.
  const void* push_constants = nullptr;
  std::uint32_t group_count[3] = {1, 1, 1};
  std::uint32_t base_group[3] = {0, 0, 0};  // added to the id of each workgroup
  // Set to non-zero from any thread to abandon the launch: the entry returns soon, and
  // what the kernel has written by then is unspecified.
  const std::uint32_t* abort = nullptr;
};

// Runs the workgroups with linear index [group_begin, group_end), x fastest, counted from 0
// whatever the base. Any number
// of threads may run disjoint ranges of one launch at once, each with its own scratch:
// scratch_size bytes, aligned to kScratchAlignment, contents unspecified.
using KernelEntry = void (*)(const KernelContext* context, std::uint32_t group_begin,
                             std::uint32_t group_end, void* scratch);
inline constexpr std::size_t kScratchAlignment = 64;

enum class Isa : std::uint8_t { kSse4 = 1, kAvx2 = 2, kAvx512 = 3, kNeon = 4 };
// All of them, by number. Of those of one architecture a later one has what an earlier one has.
inline constexpr std::array kIsas{Isa::kSse4, Isa::kAvx2, Isa::kAvx512, Isa::kNeon};

// "sse4", "avx2", "avx512", "neon".
const char* isa_name(Isa isa);
std::string isa_names();  // all of these, as a sentence lists them
// SOKR_INVALID_INPUT for another name; the sentence lists them.
Result<Isa> isa_from_name(std::string_view name);
// The widest that this processor and its operating system support.
Isa host_isa();
bool host_supports(Isa isa);

// MXCSR/FPCR state that the caller of an entry sets for the time of the call.
enum KernelFlags : std::uint32_t {
  kKernelFlushDenormals = 1,   // flush results and treat inputs as zero
  kKernelRoundTowardZero = 2,  // round toward zero instead of to nearest even
};

struct CompiledKernel {
  Isa isa = Isa::kSse4;
  std::uint32_t flags = 0;  // KernelFlags
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  std::uint32_t subgroup_size = kDefaultSubgroupSize;
  std::uint32_t lanes = 0;   // invocations that one pass of the code covers
  std::uint32_t passes = 0;  // passes a workgroup
  std::uint64_t scratch_size = 0;
  std::uint32_t binding_count = 0;  // flattened entries that the code may read
  std::uint32_t push_constant_size = 0;
  std::uint64_t entry_offset = 0;
  std::vector<std::uint8_t> image;

  // A self-describing form with a checksum.
  std::vector<std::uint8_t> serialise() const;
  // SOKR_INVALID_INPUT with a sentence for bytes that are damaged, truncated or of
  // another version.
  static Result<CompiledKernel> deserialise(std::span<const std::uint8_t> bytes);
};

// An image in executable memory; W^X at every moment. Movable; unmaps at destruction.
class MappedKernel {
 public:
  static Result<MappedKernel> map(const CompiledKernel& kernel);
  MappedKernel(MappedKernel&& other) noexcept;
  MappedKernel& operator=(MappedKernel&& other) noexcept;
  ~MappedKernel();

  KernelEntry entry() const { return entry_; }

 private:
  MappedKernel(void* memory, std::size_t size, KernelEntry code)
      : memory_(memory), size_(size), entry_(code) {}
  void* memory_ = nullptr;
  std::size_t size_ = 0;
  KernelEntry entry_ = nullptr;
};

}  // namespace sokr::cpu

#endif  // SOKR_CPU_KERNEL_HPP_
