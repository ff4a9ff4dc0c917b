// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_TESTS_FUZZING_READER_HPP_
#define SOKR_TESTS_FUZZING_READER_HPP_

#include <cstdint>
#include <iterator>
#include <span>

namespace sokr::fuzzing {

// Takes an input apart, byte by byte. Behind its end there are zeros.
class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool more() const { return !rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  // One of those that decide something, or any.
  std::uint64_t value() {
    constexpr std::uint64_t kValues[] = {0,
                                         1,
                                         2,
                                         3,
                                         4,
                                         5,
                                         7,
                                         8,
                                         12,
                                         15,
                                         16,
                                         17,
                                         31,
                                         32,
                                         33,
                                         48,
                                         60,
                                         63,
                                         64,
                                         100,
                                         128,
                                         255,
                                         256,
                                         511,
                                         512,
                                         1023,
                                         1024,
                                         1025,
                                         4095,
                                         4096,
                                         65535,
                                         65536,
                                         0x7FFFFFFF,
                                         0x80000000,
                                         0xFFFFFFFF,
                                         UINT64_C(1) << 32,
                                         UINT64_C(1) << 63,
                                         UINT64_MAX,
                                         UINT64_MAX - 3};
    const std::uint8_t choice = byte();
    if (choice < std::size(kValues)) return kValues[choice];
    std::uint64_t any = 0;
    for (int i = 0; i < (choice % 2 == 0 ? 4 : 8); ++i) any = any << 8 | byte();
    return any;
  }
  std::uint32_t word() { return static_cast<std::uint32_t>(value()); }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace sokr::fuzzing

#endif  // SOKR_TESTS_FUZZING_READER_HPP_
