// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The workgroups of a launch, in as many parts as threads may work at once. Each thread takes from
// the front of a part of its own and, once that is empty, from the end of others' parts: it works
// along memory as long as possible, and where a program launches the same again, on what it had
// the last time, which its caches and its page table entries may still hold.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_SHARES_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_SHARES_HPP_

#include <atomic>
#include <cstdint>
#include <vector>

namespace sokr::cpu {

class Shares {
 public:
  // Workgroups [begin, end); none if they are equal.
  struct Claim {
    std::uint32_t begin = 0, end = 0;
    std::uint32_t size() const { return end - begin; }
  };

  // Before any other call: `total` workgroups in `parts` parts, at least one.
  void set(std::uint32_t total, std::uint32_t parts);
  // Some that nobody has taken: an eighth of what is left in a part, but at least `least` if there
  // are as many, and at most `most`. From `home` first; any thread, any number.
  Claim claim(std::uint32_t home, std::uint32_t least, std::uint32_t most);
  // Whether claim would find any.
  bool any_left() const;
  // About how many the next claim would take.
  std::uint32_t next_size(std::uint32_t least, std::uint32_t most) const;

 private:
  struct Part {
    std::atomic<std::uint64_t> left{0};  // the first one, and in the upper half the end
    char apart[56];                      // from the next one: they are of different threads
  };
  const Part* begin() const { return count_ == 1 ? &only_ : parts_.data(); }
  const Part* end() const { return begin() + count_; }

  std::uint32_t count_ = 0;
  Part only_;  // if it is one: short launches are many, and have nothing to allocate
  std::vector<Part> parts_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_SHARES_HPP_
