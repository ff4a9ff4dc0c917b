// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the fuzz targets share: requirements that hold in every build, and a mutator whose seeds
// and words are written in the target.
#ifndef SOKR_TESTS_FUZZING_FUZZING_HPP_
#define SOKR_TESTS_FUZZING_FUZZING_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Of libFuzzer: changes `size` bytes in place, up to `capacity`, and returns how many there are.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity);

namespace sokr::fuzzing {

// Ends the process with a line that says where, if the condition does not hold.
inline void require(bool condition, std::string_view what = {},
                    std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%u: a requirement does not hold: %.*s\n", where.file_name(),
               static_cast<unsigned>(where.line()), static_cast<int>(what.size()), what.data());
  std::abort();
}

// A sentence is there, and is one line.
inline void require_sentence(std::string_view sentence,
                             std::source_location where = std::source_location::current()) {
  require(!sentence.empty() && sentence.find('\n') == std::string_view::npos, sentence, where);
}

// A mutator of a target: it starts from seeds, which make a corpus that nobody has to keep, and
// puts in words of the format that mutations of bytes would take long to find.
class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::vector<std::string> words)
      : seeds_(std::move(seeds)), words_(std::move(words)) {}

  // What LLVMFuzzerCustomMutator returns. `seed` decides everything but what libFuzzer's own
  // mutations do.
  std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t capacity,
                     unsigned seed) const {
    const unsigned choice = seed % 64, index = seed / 64;
    if (size < 2 || choice == 0) {
      size = copy(data, capacity, seeds_[index % seeds_.size()]);
      if (choice % 2 == 0) return size;
    }
    if (choice < 16 && !words_.empty()) {
      return put(data, size, capacity, words_[index % words_.size()], index / words_.size());
    }
    return LLVMFuzzerMutate(data, size, capacity);
  }

 private:
  static std::size_t copy(std::uint8_t* data, std::size_t capacity, const std::string& text) {
    const std::size_t size = std::min(capacity, text.size());
    std::memcpy(data, text.data(), size);
    return size;
  }

  // Puts the word in at some place, or over what is there.
  static std::size_t put(std::uint8_t* data, std::size_t size, std::size_t capacity,
                         const std::string& word, unsigned random) {
    const std::size_t at = random / 2 % (size + 1);
    if (random % 2 == 0) {
      if (at + word.size() > capacity) return size;
      std::memcpy(data + at, word.data(), word.size());
      return std::max(size, at + word.size());
    }
    if (size + word.size() > capacity) return size;
    std::memmove(data + at + word.size(), data + at, size - at);
    std::memcpy(data + at, word.data(), word.size());
    return size + word.size();
  }

  std::vector<std::string> seeds_, words_;
};

}  // namespace sokr::fuzzing

// Defines the mutator of a target. `make` returns its Mutator.
#define SOKR_FUZZ_MUTATOR(make)                                                         \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,  \
                                                 std::size_t capacity, unsigned seed) { \
    static const sokr::fuzzing::Mutator mutator = make();                               \
    return mutator.mutate(data, size, capacity, seed);                                  \
  }                                                                                     \
  static_assert(true)

#endif  // SOKR_TESTS_FUZZING_FUZZING_HPP_
