// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The atomics policy of the registry on real hardware: compiler builtins on 32-bit
// words. The registry names no builtin itself, so that a model checker can run the
// same code with its own policy.
//
// A policy has
//   Word                   a 32-bit atomic with load, store, add, subtract, swap_if
//   Cell<T>                plain memory with get and set; the registry's ordering keeps
//                          it free of data races, and a checking policy verifies that
//   stripe(count)          a number below count that two running threads seldom share
//   wait()                 what deregistration does between two looks at a count
#ifndef SOKR_CORE_ATOMICS_HPP_
#define SOKR_CORE_ATOMICS_HPP_

#include <stdint.h>

#include "sokr/port.h"

namespace sokr::core {

enum class Order { kRelaxed, kAcquire, kRelease, kSeqCst };

// __atomic builtins want their order as a constant.
template <Order kOrder>
inline constexpr int kBuiltinOrder = kOrder == Order::kRelaxed   ? __ATOMIC_RELAXED
                                     : kOrder == Order::kAcquire ? __ATOMIC_ACQUIRE
                                     : kOrder == Order::kRelease ? __ATOMIC_RELEASE
                                                                 : __ATOMIC_SEQ_CST;

struct NativeAtomics {
  class Word {
   public:
    template <Order kOrder>
    uint32_t load() const {
      return __atomic_load_n(&value_, kBuiltinOrder<kOrder>);
    }
    template <Order kOrder>
    void store(uint32_t value) {
      __atomic_store_n(&value_, value, kBuiltinOrder<kOrder>);
    }
    template <Order kOrder>
    void add(uint32_t amount) {
      __atomic_fetch_add(&value_, amount, kBuiltinOrder<kOrder>);
    }
    template <Order kOrder>
    void subtract(uint32_t amount) {
      __atomic_fetch_sub(&value_, amount, kBuiltinOrder<kOrder>);
    }
    // Replaces `from` by `to`; false, without change, if the word is not `from`.
    template <Order kOrder>
    bool swap_if(uint32_t from, uint32_t to) {
      return __atomic_compare_exchange_n(&value_, &from, to, false, kBuiltinOrder<kOrder>,
                                         __ATOMIC_RELAXED);
    }

   private:
    uint32_t value_ = 0;
  };
  static_assert(__atomic_always_lock_free(sizeof(uint32_t), nullptr));

  template <class T>
  class Cell {
   public:
    const T& get() const { return value_; }
    void set(const T& value) { value_ = value; }

   private:
    T value_{};
  };

  // Threads have stacks far apart, so the stack's address tells them apart without
  // thread-local storage. Multiplying by the golden ratio spreads stacks of any equal
  // size evenly over the stripes; 64 KiB is coarse enough for a thread to stay in one.
  static uint32_t stripe(uint32_t count) {
    const auto stack = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    const uint32_t hash = static_cast<uint32_t>(stack >> 16) * 0x9E3779B9u;
    return static_cast<uint32_t>(static_cast<uint64_t>(hash) * count >> 32);
  }

  static void wait() { sokr_port_wait(); }
};

}  // namespace sokr::core

#endif  // SOKR_CORE_ATOMICS_HPP_
