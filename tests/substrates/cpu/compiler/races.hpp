// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Do the invocations of a launch get in each other's way? Watches a run of the interpreter.
#ifndef SOKR_TESTS_CPU_RACES_HPP_
#define SOKR_TESTS_CPU_RACES_HPP_

#include <atomic>
#include <mutex>
#include <set>
#include <sokr/reference/interpreter.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sokr::cpu::test {

// Two accesses to a byte race if one of them writes, they are of different invocations, not both
// atomic, and no barrier of their workgroup lies between. If both are atomic, what they leave can
// depend on their order. Workgroup memory that is read and that
// no invocation of the workgroup has written holds anything.
class RaceFinder : public reference::AccessObserver {
 public:
  void access(const reference::Access& access) override;
  void begin_group(std::uintptr_t address, std::uint64_t bytes) override;
  void outside_of_variable() override { is_outside_ = true; }

  // The first of its kind, as a sentence; empty if there is none.
  std::string race() const { return race_; }
  std::string unwritten() const { return unwritten_; }
  // An access outside of a variable of an invocation or a workgroup.
  bool is_outside() const { return is_outside_; }
  // The words of atomic instructions that met at a byte, one behind the other.
  const std::set<std::pair<std::uint32_t, std::uint32_t>>& meetings() const { return meetings_; }

 private:
  struct Visit {
    std::uint64_t group = 0;
    std::uint32_t invocation = 0, barriers = 0;
    bool is_atomic = false;
    std::uint32_t word = 0;  // of the instruction
  };
  struct Place {
    bool is_written = false;
    Visit write;
    std::vector<Visit> reads;  // since then, of a few invocations
  };

  static bool in_the_way(const Visit& before, const Visit& now);
  void visit(Place& place, const reference::Access& access, const Visit& now);

  std::atomic<bool> is_outside_{false};
  std::mutex mutex_;
  std::unordered_map<std::uintptr_t, Place> places_;
  std::string race_, unwritten_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> meetings_;
};

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_RACES_HPP_
