// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A reflection with elements of chosen sizes, made from one of any version: those of this build
// for what is read here, those of 1.0 for programs that know no other.
#ifndef SOKR_HOST_REFLECTION_COPY_HPP_
#define SOKR_HOST_REFLECTION_COPY_HPP_

#include <sokr/ir.h>

#include <deque>
#include <memory>
#include <sokr/base/elements.hpp>
#include <sokr/base/result.hpp>

namespace sokr::host {

// Of the structures in a reflection, in bytes.
struct ReflectionSizes {
  std::size_t reflection = sizeof(SokrIrReflection);
  std::size_t entry_point = sizeof(SokrIrEntryPoint);
  std::size_t binding = sizeof(SokrIrBinding);
  std::size_t push_member = sizeof(SokrIrPushMember);
  std::size_t port = sizeof(SokrIrPort);
  std::size_t spec_constant = sizeof(SokrIrSpecConstant);
  std::size_t entry_types = sizeof(SokrIrEntryTypes);
  std::size_t push_scalar = sizeof(SokrIrPushScalar);

  static ReflectionSizes of_1_0();
};

// Strings and arrays of numbers stay those of the original, which has to outlive this.
class ReflectionCopy {
 public:
  // SOKR_INVALID_INPUT with a sentence that starts with "its" if the original's sizes make no
  // sense.
  static Result<std::unique_ptr<const ReflectionCopy>> make(const SokrIrReflection* original,
                                                            const ReflectionSizes& sizes = {});
  ReflectionCopy(const ReflectionCopy&) = delete;
  ReflectionCopy& operator=(const ReflectionCopy&) = delete;

  const SokrIrReflection& table() const { return table_; }

 private:
  explicit ReflectionCopy(const ReflectionSizes& sizes)
      : sizes_(sizes),
        entries_(sizes.entry_point),
        types_(sizes.entry_types),
        constants_(sizes.spec_constant) {}
  Result<void> fill();
  Result<void> add_entry(SokrIrEntryPoint entry);
  Result<void> add_types(SokrIrEntryTypes types);

  ReflectionSizes sizes_;
  bool entries_say_sizes_ = false;
  SokrIrReflection table_{};
  ElementArray<SokrIrEntryPoint> entries_;
  ElementArray<SokrIrEntryTypes> types_;
  ElementArray<SokrIrSpecConstant> constants_;
  std::deque<ElementArray<SokrIrBinding>> bindings_;
  std::deque<ElementArray<SokrIrPushMember>> push_members_;
  std::deque<ElementArray<SokrIrPort>> ports_;
  std::deque<ElementArray<SokrIrPushScalar>> push_scalars_;
};

}  // namespace sokr::host

#endif  // SOKR_HOST_REFLECTION_COPY_HPP_
