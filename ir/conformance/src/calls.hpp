// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The functions of a table with their results owned: the newest that it has, as a host calls them.
#ifndef SOKR_IR_CONFORMANCE_CALLS_HPP_
#define SOKR_IR_CONFORMANCE_CALLS_HPP_

#include <sokr/ir.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sokr::ir {

using Bytes = std::span<const std::uint8_t>;

struct Answer {
  SokrResult code = SOKR_OK;
  std::string sentence;
};

struct Reflected : Answer {
  std::unique_ptr<const SokrIrReflection, void (*)(const SokrIrReflection*)> reflection{
      nullptr, [](const SokrIrReflection*) {}};
  // launch_facts; empty without a reflection.
  std::string facts() const;
};

struct Lowered : Answer {
  bool is_null = true;
  std::vector<std::uint8_t> bytes;  // a copy; the plugin's own were freed
};

// What is asked beside the bytes.
struct With {
  std::vector<SokrIrSpecValue> values;
  std::uint32_t local_size[3] = {0, 0, 0};
  std::uint32_t target = 0;
};

class Calls {
 public:
  // Copies what the table has. `doing` is told what is called; it may be empty.
  explicit Calls(const SokrIrPlugin& plugin, std::span<char> doing = {});

  const SokrIrPlugin& table() const { return table_; }
  Answer validate(Bytes bytes) const;
  Reflected reflect(Bytes bytes, const With& with = {}) const;
  Lowered lower(Bytes bytes, const With& with) const;
  // The function of version 1.0. Its code is SOKR_NOT_FOUND if the table has none.
  Reflected reflect_1_0(Bytes bytes) const;
  SokrIrRequest request(Bytes bytes, const With& with) const;

 private:
  void note(const char* function, std::size_t size) const;

  std::span<char> doing_;
  SokrIrPlugin table_{};
};

}  // namespace sokr::ir

#endif  // SOKR_IR_CONFORMANCE_CALLS_HPP_
