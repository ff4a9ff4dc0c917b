// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomic operations: instructions where lanes have places of their own, one for all lanes that
// share a place, memory of the thread where they only count.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ATOMICS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ATOMICS_HPP_

#include <vector>

#include "compiler/emit/builder/op.hpp"
#include "compiler/emit/memory/register_cache.hpp"

namespace sokr::cpu {

class Atomics : Room {
 public:
  Atomics(VectorBuilder& builder, Frame& frame, Values& values, Addresses& addresses,
          Places& places, RegisterCache& cache)
      : Room(builder),
        frame_(frame),
        values_(values),
        addresses_(addresses),
        places_(places),
        cache_(cache) {}

  Leaves emit_atomic(const Op& op);
  void emit_fence(const Inst& inst);

  // Buffers whose counters nobody reads are counted in scratch memory: reserved before anything is
  // emitted, zeroed where the kernel begins, added to the buffers where it ends.
  void plan_counters();
  void zero_counters();
  void add_counters();

 private:
  struct AtomicPlan {
    spv::Op op{};
    LlvmType* type = nullptr;
    bool plain = false;           // this thread's own memory
    bool used = false;            // somebody reads the old value
    bool flushes = false;         // a denormal result is stored as zero
    bool rounds_exactly = false;  // a half whose sum no instruction rounds as the kernel asks
    bool exchanges = false;       // by comparing and exchanging: no instruction does it
    std::uint64_t semantics = 0;
  };
  struct Counters {  // a buffer's counters in scratch memory
    Id variable = 0;
    std::uint64_t offset = 0, size = 0;
  };

  void plan_float_update(AtomicPlan& plan) const;
  LlvmValue* updated(const AtomicPlan& plan, LlvmValue* old, LlvmValue* by);
  LlvmValue* atomic_access(const AtomicPlan& plan, LlvmValue* pointer, LlvmValue* value,
                           LlvmValue* comparator);
  LlvmValue* atomic_lanes(const AtomicPlan& plan, LlvmValue* mask, LlvmValue* pointers,
                          LlvmValue* values, LlvmValue* comparators);
  LlvmValue* atomic_unrolled(const AtomicPlan& plan, const Address& address, const Val* value,
                             const Val* comparator, unsigned chunk);
  LlvmValue* atomic_chunk(const AtomicPlan& plan, const Address& address,
                          const AtomicPlan& robust_plan, const Address& robust, const Val* value,
                          const Val* comparator, unsigned chunk);
  bool only_counts(const spirv::Variable& variable) const;
  void atomic_combined(const AtomicPlan& plan, const Address& address, const Val& value,
                       LlvmValue* inside);

  static constexpr std::uint32_t kMostUnrolledLanes = 1024;  // in a kernel, for its size

  Frame& frame_;
  Values& values_;
  Addresses& addresses_;
  Places& places_;
  RegisterCache& cache_;
  std::uint32_t unrolled_lanes_ = 0;
  std::vector<Counters> counters_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ATOMICS_HPP_
