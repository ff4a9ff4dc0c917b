// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From where on the program's passes decide otherwise, and what was measured there.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_THRESHOLDS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_THRESHOLDS_HPP_

#include <cstddef>
#include <cstdint>

namespace sokr::cpu {

// ---- Calls: what is inlined (calls.cpp) ------------------------------------------------------
// Measured with kernels that call one function 40 to 400 times, on an EPYC with AVX-512: a copy of
// straight code takes 0.09 ms for each instruction that is left once variables are values, a branch
// 1.5 to 3 ms more (much more than linearly if there are hundreds), a call of a shared
// function 1.5.

// By weight, while which nothing is shared: with functions that are called less than kOften, and
// with others.
inline constexpr std::uint64_t kMostInlined = 6000;
inline constexpr std::uint64_t kMostRepeated = 2000;
inline constexpr std::uint64_t kOften = 16;  // copies that inlining makes
// The same by work, whatever the weight: 0.6 s for straight code, and some 60 copies of a function
// of two branches. Hashes written with functions for their rotations and rounds have 2,500 to 7,400
// and ran 5 to 78 times as quick as with shared ones, which were compiled no sooner.
inline constexpr std::uint64_t kMostWork = 8000;
inline constexpr std::uint64_t kWorkOfBranch = 60;
inline constexpr std::uint64_t kWorkOfLoop = 60;  // besides its branch: 10 ms
inline constexpr std::uint64_t kWorkOfCase = 20;
// What is more than an instruction of a register, for each component: 400 remainders of 64 bits
// took 38 s on 16 lanes, 800 of 32 bits 7 s, 500 sums over subgroups 4 s and 1,600 of them 56, 500
// conversions between f64 and 64-bit integers 1.2 s, 1,000 loads 3.5 s.
inline constexpr std::uint64_t kWorkOfWideDivision = 1000, kWorkOfDivision = 60;
inline constexpr std::uint64_t kWorkOfWideConversion = 25;
inline constexpr std::uint64_t kWorkOfAccess = 30, kWorkOfUpdate = 100, kWorkOfExchange = 150;
inline constexpr std::uint64_t kWorkOfPlainFunction = 3, kWorkOfFunction = 40;
// Scalars of a value that is moved by way of variables for nothing.
inline constexpr std::uint64_t kMostMoved = 4;
// The work of a call: its arguments, results and the mask are written and read.
inline constexpr std::uint64_t kWorkOfTransfer = 2, kWorkOfCall = 4;
// A function of less than so many times the work of its call is not shared before the kernel has
// kMuchWork: it takes a few times as long to run. Less than once never is, as nothing is saved.
inline constexpr std::uint64_t kWorthOfCall = 4;
inline constexpr std::uint64_t kMuchWork = 24000;
// Instructions of the module, in all: beyond that a kernel is refused, where nothing can be shared.
inline constexpr std::uint64_t kMostInstructions = 65536;
// Calls inlined into one another.
inline constexpr std::uint32_t kDeep = 32, kMostDeep = 64;

// ---- Tests of one value that become a switch (switches.cpp) ----------------------------------

// 500 branches in one another, each with a load, were optimised for 16 s, as one switch for 0.3 s:
// LLVM asks of each part of a mask whether the new test follows from it. Sides that are values
// become selections, for which a switch has three times the code and time: those do not count.
inline constexpr std::size_t kFewestTests = 8;

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_THRESHOLDS_HPP_
