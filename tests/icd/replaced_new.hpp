// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory that runs out: operator new of the tests, and of what they open.
#ifndef SOKR_TESTS_ICD_REPLACED_NEW_HPP_
#define SOKR_TESTS_ICD_REPLACED_NEW_HPP_

// GCC's macros, and Clang's question.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOKR_TEST_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOKR_TEST_IS_SANITIZED 1
#endif
#endif

namespace sokr::test {

#if defined(SOKR_TEST_IS_SANITIZED)
inline constexpr bool kReplacesNew = false;  // sanitizers do
#else
inline constexpr bool kReplacesNew = true;
#endif

// Allocations of this thread until one fails; below 0 = none does.
extern thread_local int news_left;

}  // namespace sokr::test

#endif  // SOKR_TESTS_ICD_REPLACED_NEW_HPP_
