// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The registry's own template under Relacy, which runs it in many interleavings of the
// C++ memory model, outdated reads included, and reports every data race. The payload
// and the plugins' lives are plain memory here: only the registry's ordering protects
// them. Mutants of the atomics policy, each with one order weakened, have to be caught.
//
//   test_core_relacy           the registry holds
//   test_core_relacy MUTANT    exit status 0 if the mutant was caught
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>

#include "../../sokr-core/src/registry.hpp"

// Last: it redefines new and delete.
#include <relacy/relacy.hpp>

extern "C" void sokr_port_wait(void) {}

namespace {

using sokr::core::Order;

enum class Mutant {
  kNone,
  kEntryNotSequential,  // E1, E2, R1, R2 as acquire and release
  kLeaveRelaxed,        // L without release
  kPublicationRelaxed,  // P without release
  kScanRelaxed,         // a listing's reads without acquire
};

template <Mutant kMutant>
struct RelacyAtomics {
  static rl::memory_order order(Order order, bool is_load, bool is_store) {
    switch (order) {
      case Order::kRelaxed:
        return rl::mo_relaxed;
      case Order::kAcquire:
        return rl::mo_acquire;
      case Order::kRelease:
        return rl::mo_release;
      default:
        break;
    }
    if (kMutant != Mutant::kEntryNotSequential) return rl::mo_seq_cst;
    return is_load ? rl::mo_acquire : is_store ? rl::mo_release : rl::mo_acq_rel;
  }

  class Word {
   public:
    Word() { value_.store(0, rl::mo_relaxed, $); }
    template <Order kOrder>
    uint32_t load() const {
      const bool relaxed = kMutant == Mutant::kScanRelaxed && kOrder == Order::kAcquire;
      return value_.load(relaxed ? rl::mo_relaxed : order(kOrder, true, false), $);
    }
    template <Order kOrder>
    void store(uint32_t value) {
      value_.store(value, order(kOrder, false, true), $);
    }
    template <Order kOrder>
    void add(uint32_t amount) {
      value_.fetch_add(amount, order(kOrder, false, false), $);
    }
    template <Order kOrder>
    void subtract(uint32_t amount) {
      value_.fetch_sub(
          amount, kMutant == Mutant::kLeaveRelaxed ? rl::mo_relaxed : order(kOrder, false, false),
          $);
    }
    template <Order kOrder>
    bool swap_if(uint32_t from, uint32_t to) {
      const bool relaxed = kMutant == Mutant::kPublicationRelaxed && kOrder == Order::kRelease;
      return value_.compare_exchange_strong(
          from, to, relaxed ? rl::mo_relaxed : order(kOrder, false, false), $);
    }

   private:
    mutable rl::atomic<uint32_t> value_;
  };

  // Reading and writing the token stands for the payload: Relacy sees a race on it.
  template <class T>
  class Cell {
   public:
    Cell() { token_($) = 0; }
    const T& get() const {
      const int seen = token_($);
      (void)seen;
      return value_;
    }
    void set(const T& value) {
      token_($) = 1;
      value_ = value;
    }

   private:
    mutable rl::var<int> token_;
    T value_{};
  };

  static uint32_t stripe(uint32_t count) { return rl::thread_index() % count; }
  static void wait() { rl::yield(1, $); }
};

template <Mutant kMutant>
using Registry = sokr::core::Registry<RelacyAtomics<kMutant>, int, 2, 2, 64>;

// A registry for each execution. One whose execution failed is left as it is: Relacy
// has given up the threads in the middle of it.
template <Mutant kMutant>
class Fresh {
 public:
  void make() { registry_ = std::construct_at(reinterpret_cast<Registry<kMutant>*>(bytes_)); }
  void destroy() { std::destroy_at(registry_); }
  Registry<kMutant>* operator->() { return registry_; }

 private:
  Registry<kMutant>* registry_ = nullptr;
  alignas(Registry<kMutant>) unsigned char bytes_[sizeof(Registry<kMutant>)];
};

constexpr int kDead = 0, kAlive = 1;

// One thread registers and removes two plugins in turn, two call them by their ids.
template <Mutant kMutant>
struct Calls : rl::test_suite<Calls<kMutant>, 3> {
  Fresh<kMutant> registry;
  rl::var<int> lives[2];

  void before() {
    registry.make();
    for (auto& life : lives) life($) = kDead;
  }
  void thread(unsigned index) {
    if (index == 0) {
      for (int life = 0; life < 2; ++life) {
        lives[life]($) = kAlive;
        const uint32_t id = registry->add(life);
        RL_ASSERT(id == static_cast<uint32_t>(life) + 1);
        int last_calls = 0;
        RL_ASSERT(registry->remove(id, [&](int payload) {
          RL_ASSERT(payload == life);
          lives[life]($) = kDead;
          ++last_calls;
        }));
        RL_ASSERT(last_calls == 1);
      }
      return;
    }
    const uint32_t id = index;
    const auto visit = registry->enter(id);
    if (visit.payload == nullptr) return;
    const int life = *visit.payload;
    RL_ASSERT(life + 1 == static_cast<int>(id));
    const int state = lives[life]($);
    RL_ASSERT(state == kAlive);
    registry->leave(visit);
  }
  void after() { registry.destroy(); }
};

// One caller and one listing while a single slot's worth of plugins comes and goes.
template <Mutant kMutant>
struct Listing : rl::test_suite<Listing<kMutant>, 2> {
  Fresh<kMutant> registry;

  void before() { registry.make(); }
  void thread(unsigned index) {
    if (index == 0) {
      for (int life = 0; life < 3; ++life) {
        const uint32_t id = registry->add(life);
        RL_ASSERT(registry->remove(id, [](int) {}));
      }
      return;
    }
    typename Registry<kMutant>::Snapshot seen;
    registry->snapshot(seen);
    RL_ASSERT(seen.count <= 1);
  }
  void after() { registry.destroy(); }
};

template <class Suite>
bool holds(rl::scheduler_type_e search, unsigned bound_or_thousands) {
  std::ostream nowhere(nullptr);  // a stream with memory would meet Relacy's operator new
  rl::test_params params;
  params.search_type = search;
  params.context_bound = bound_or_thousands;
  params.iteration_count = 1000 * bound_or_thousands;
  params.execution_depth_limit = 10000;
  params.output_stream = &nowhere;
  params.progress_stream = &nowhere;
  const bool good = rl::simulate<Suite>(params);
  std::printf("%s after %lu executions\n", good ? "holds" : rl::test_result_str(params.test_result),
              static_cast<unsigned long>(params.stop_iteration));
  return good;
}

template <Mutant kMutant>
bool all_hold() {
  return holds<Calls<kMutant>>(rl::sched_bound, 3) && holds<Listing<kMutant>>(rl::sched_bound, 3) &&
         holds<Calls<kMutant>>(rl::sched_random, 100) &&
         holds<Listing<kMutant>>(rl::sched_random, 100);
}

}  // namespace

int main(int argc, char** argv) {
  const char* mutant = argc > 1 ? argv[1] : "";
  if (std::strcmp(mutant, "") == 0) return all_hold<Mutant::kNone>() ? 0 : 1;
  if (std::strcmp(mutant, "entry") == 0) return all_hold<Mutant::kEntryNotSequential>() ? 1 : 0;
  if (std::strcmp(mutant, "leave") == 0) return all_hold<Mutant::kLeaveRelaxed>() ? 1 : 0;
  if (std::strcmp(mutant, "publication") == 0) {
    return all_hold<Mutant::kPublicationRelaxed>() ? 1 : 0;
  }
  if (std::strcmp(mutant, "scan") == 0) return all_hold<Mutant::kScanRelaxed>() ? 1 : 0;
  std::fprintf(stderr, "no mutant '%s'; there are entry, leave, publication, scan\n", mutant);
  return 2;
}
