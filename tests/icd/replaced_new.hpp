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

// Allocations of this thread until one fails, and whether all behind that fail as well, until
// news_left is below 0: none fails then.
extern thread_local int news_left;
extern thread_local bool news_stay_out;
// Bytes that this thread allocated, without those that it deleted.
extern thread_local long news_held;

}  // namespace sokr::test

#endif  // SOKR_TESTS_ICD_REPLACED_NEW_HPP_
