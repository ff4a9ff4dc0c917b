// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which cache lines a thread writes, counted by the processor's traps and not by time: the memory
// of interest may only be read, so that each write is noticed, let through alone, and closed again.
// Such memory is what is allocated while `placing` is set, each piece on lines of its own, and the
// program's own statics. For Linux on x86-64, without sanitizers.
#ifndef SOKR_TESTS_CPU_RUNTIME_WRITTEN_LINES_HPP_
#define SOKR_TESTS_CPU_RUNTIME_WRITTEN_LINES_HPP_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>

namespace sokr::cpu::test {

bool can_see_written_lines();

// While it exists, `new` of all threads takes memory that is watched later.
class Placing {
 public:
  Placing();
  ~Placing();
  Placing(const Placing&) = delete;
  Placing& operator=(const Placing&) = delete;
};

// The lines that this thread writes in `work`, by number. Others may run meanwhile, but only one
// thread asks at a time.
std::set<std::uintptr_t> written_lines(const std::function<void()>& work);

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_RUNTIME_WRITTEN_LINES_HPP_
