// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How code inside plugins and the host reports failure: a result code for the
// C boundary and one sentence for a person, produced by one expression:
//
//     return fail(SOKR_INVALID_INPUT, "binding {}.{} is missing", set, binding);
//
// A sentence says what was wrong, where, and what would be right. It is one
// line, starts in lower case unless a name starts it, and has no final period.
// No exception crosses a function that returns one of these.
#ifndef SOKR_BASE_RESULT_HPP_
#define SOKR_BASE_RESULT_HPP_

#include <fmt/format.h>
#include <sokr/sokr.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sokr {

struct Failure {
  SokrResult code = SOKR_OK;
  std::string sentence;
};

template <class... Args>
[[nodiscard]] Failure fail(SokrResult code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure{code, fmt::format(format, std::forward<Args>(args)...)};
}

// A value or a Failure. Never both, never neither.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  SokrResult code() const { return ok() ? SOKR_OK : std::get<1>(state_).code; }
  const Failure& failure() const& { return std::get<1>(state_); }
  Failure&& failure() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Failure> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Failure failure) : failure_(std::move(failure)) {}

  explicit operator bool() const { return !failure_; }
  bool ok() const { return !failure_; }

  SokrResult code() const { return failure_ ? failure_->code : SOKR_OK; }
  const Failure& failure() const& { return *failure_; }
  Failure&& failure() && { return std::move(*failure_); }

 private:
  std::optional<Failure> failure_;
};

}  // namespace sokr

// Leaves the enclosing function with the failure of `expression`, if it failed.
#define SOKR_TRY(expression)                                   \
  do {                                                         \
    if (auto sokr_try_result = (expression); !sokr_try_result) \
      return std::move(sokr_try_result).failure();             \
  } while (false)

#define SOKR_CONCAT_INNER_(a, b) a##b
#define SOKR_CONCAT_(a, b) SOKR_CONCAT_INNER_(a, b)

// SOKR_ASSIGN(auto module, decode(bytes)): declares or assigns on success,
// leaves the enclosing function on failure.
#define SOKR_ASSIGN(target, expression) \
  SOKR_ASSIGN_IMPL_(SOKR_CONCAT_(sokr_result_, __LINE__), target, expression)
#define SOKR_ASSIGN_IMPL_(result, target, expression) \
  auto result = (expression);                         \
  if (!result) return std::move(result).failure();    \
  target = *std::move(result)

#endif  // SOKR_BASE_RESULT_HPP_
