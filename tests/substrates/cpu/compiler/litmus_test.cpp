// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Litmus tests: what threads may see of each other's writes, in code of every register width.
// Each role has a thread of its own; no outcome that the memory model forbids may be seen.
#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <sokr/spirv/reflection.hpp>
#include <thread>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

// Four threads may have to share fewer processors.
constexpr std::uint32_t tests_of(std::uint32_t threads) {
  return threads > 2 ? 1000 : 4000;
}
constexpr std::uint32_t kRelease = 0x44, kAcquire = 0x42, kBoth = 0x48,
                        kSequential = 0x50;  // buffers' memory

// What each thread read in one test, two words each.
using Seen = std::array<std::array<std::uint32_t, 2>, 4>;

struct Shape {
  const char* name;
  std::uint32_t number, threads;
  bool sequential;  // every order is made sequentially consistent
  bool (*is_forbidden)(const Seen&);
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.name;
}

bool message_lost(const Seen& s) {
  return s[1][0] == 1 && s[1][1] == 0;
}

constexpr Shape kShapes[] = {
    {"MessagePassing", 0, 2, false, message_lost},
    {"MessagePassingByFences", 1, 2, false, message_lost},
    {"StoreBuffering", 2, 2, true, [](const Seen& s) { return s[0][0] == 0 && s[1][0] == 0; }},
    {"StoreBufferingByFences", 7, 2, true,
     [](const Seen& s) { return s[0][0] == 0 && s[1][0] == 0; }},
    {"LoadBuffering", 3, 2, false, [](const Seen& s) { return s[0][0] == 1 && s[1][0] == 1; }},
    {"CoherenceOfReads", 4, 2, false, [](const Seen& s) { return s[1][0] > s[1][1]; }},
    {"AtomicUpdates", 5, 2, false,
     [](const Seen& s) { return s[0][0] == s[1][0] || (s[0][1] == 0) == (s[1][1] == 0); }},
    {"IndependentReads", 6, 4, true,
     [](const Seen& s) { return s[2][0] == 1 && s[2][1] == 0 && s[3][0] == 1 && s[3][1] == 0; }},
};

// The validator of Vulkan's environment does not accept it; the compiler does.
void make_sequential(Bytes& module) {
  auto words = values_of<std::uint32_t>(module);
  int changed = 0;
  for (std::size_t at = 5; at < words.size(); at += words[at] >> 16) {
    constexpr std::uint32_t kConstant = 4 << 16 | 43;
    if (words[at] != kConstant) continue;
    const std::uint32_t value = words[at + 3];
    if (value != kRelease && value != kAcquire && value != kBoth) continue;
    words[at + 3] = kSequential;
    ++changed;
  }
  EXPECT_EQ(changed, 3);
  module = bytes_of(words);
}

class Litmus : public testing::TestWithParam<Shape> {};

// Runs all tests of a shape; calls `look` with what was seen in each.
template <class Look>
void run(const Shape& shape, const Bytes& bytes, Isa isa, const Look& look) {
  auto module = spirv::decode(bytes);
  ASSERT_TRUE(module) << module.failure().sentence;
  auto entry = (*module)->entry_point("");
  ASSERT_TRUE(entry);
  CompileOptions options;
  options.isa = isa;
  auto kernel = compile(**module, **entry, options);
  ASSERT_TRUE(kernel) << kernel.failure().sentence;
  auto code = MappedKernel::map(*kernel);
  ASSERT_TRUE(code) << code.failure().sentence;
  const std::uint32_t tests = tests_of(shape.threads);
  std::vector<std::uint32_t> words(1 + 16 + 32 * tests), seen(shape.threads * 2 * tests, 9);
  const KernelBinding bindings[] = {{words.data(), words.size() * 4},
                                    {seen.data(), seen.size() * 4}};
  const std::uint32_t push[] = {shape.number, tests}, never = 0;
  KernelContext context;
  context.bindings = bindings;
  context.push_constants = push;
  context.group_count[0] = shape.threads;
  context.abort = &never;
  std::barrier ready(static_cast<std::ptrdiff_t>(shape.threads));
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < shape.threads; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::uint64_t> scratch(kernel->scratch_size / 8 + 16);
      const auto at = reinterpret_cast<std::uintptr_t>(scratch.data());
      ready.arrive_and_wait();
      code->entry()(&context, t, t + 1, reinterpret_cast<void*>((at + 63) / 64 * 64));
    });
  for (auto& thread : threads) thread.join();
  for (std::uint32_t i = 0; i < tests; ++i) {
    Seen all{};
    for (std::uint32_t t = 0; t < shape.threads; ++t)
      all[t] = {seen[(t * tests + i) * 2], seen[(t * tests + i) * 2 + 1]};
    look(i, all);
  }
}

TEST_P(Litmus, SeesNothingForbidden) {
  const Shape& shape = GetParam();
  Bytes module = read_shader("litmus");
  if (shape.sequential) make_sequential(module);
  for (Isa isa : kIsas) {
    if (!host_supports(isa)) continue;
    int forbidden = 0, outcomes = 0;
    std::array<std::array<int, 3>, 3> kinds{};  // by what the last thread read
    run(shape, module, isa, [&](std::uint32_t i, const Seen& seen) {
      const auto& last = seen[shape.threads - 1];
      ASSERT_LT(last[0], 3u) << "test " << i << " did not run";
      ASSERT_LT(last[1], 3u) << "test " << i << " did not run";
      outcomes += kinds[last[0]][last[1]]++ == 0;
      forbidden += shape.is_forbidden(seen);
    });
    EXPECT_EQ(forbidden, 0) << isa_name(isa) << ", of " << tests_of(shape.threads);
    RecordProperty(fmt::format("outcomes_{}", isa_name(isa)), outcomes);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Litmus, testing::ValuesIn(kShapes),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace sokr::cpu::test
