// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include "measure.hpp"
#include "peer.hpp"
#include "workload.hpp"

namespace sokr::bench {
namespace {

template <class T>
Bytes bytes(const std::vector<T>& values) {
  Bytes result(values.size() * sizeof(T));
  std::memcpy(result.data(), values.data(), result.size());
  return result;
}

template <class T>
bool agrees(Match match, double tolerance, const std::vector<T>& expected,
            const std::vector<T>& actual) {
  return difference({{}, match, tolerance}, bytes(expected), bytes(actual)).empty();
}

// The folder of a process that ends so, once it and whoever puts its folder away are gone.
std::filesystem::path folder_left_by(void (*end)(std::optional<PrivateCaches>& caches)) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::optional<PrivateCaches> caches(std::in_place);
    std::ofstream(caches->folder() / "SOKR_CACHE_DIR" / "kernel") << "compiled";
    const std::string folder = caches->folder();
    if (::write(ends[1], folder.data(), folder.size()) < 0) ::_exit(1);
    end(caches);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string folder;
  char part[256];
  for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) > 0;)
    folder.append(part, static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return folder;
}

// What was forked meanwhile has all that is open, and goes on.
void end_beside_another(std::optional<PrivateCaches>& caches) {
  const pid_t other = ::fork();
  while (other == 0) ::pause();
  caches.reset();
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

TEST(PrivateCaches, AreGoneHoweverTheProcessEnds) {
  using Caches = std::optional<PrivateCaches>;
  for (const auto end : {&end_beside_another, +[](Caches&) { ::_exit(0); },
                         +[](Caches&) { (void)::raise(SIGKILL); }}) {
    const std::filesystem::path folder = folder_left_by(end);
    EXPECT_NE(folder.string().find("sokr-bench-"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
  }
}

TEST(Difference, SeesOneBitOfOneWord) {
  const std::vector<std::uint32_t> words{1, 2, 3};
  EXPECT_TRUE(agrees(Match::kBits, 0, words, {1, 2, 3}));
  EXPECT_FALSE(agrees(Match::kBits, 0, words, {1, 2, 3 ^ 0x80000000u}));
}

TEST(Difference, NamesTheElement) {
  const std::vector<std::uint32_t> expected{7, 8}, actual{7, 9};
  EXPECT_EQ(difference({{}, Match::kBits, 0}, bytes(expected), bytes(actual)),
            "1 of 2 elements differ; element 1 is 9 instead of 8");
}

TEST(Difference, MeasuresFloatsByTheLargestMagnitude) {
  const std::vector<float> values{0.0f, -100.0f};
  EXPECT_TRUE(agrees(Match::kFloats, 1e-3, values, {0.09f, -100.0f}));
  EXPECT_FALSE(agrees(Match::kFloats, 1e-3, values, {0.11f, -100.0f}));
}

TEST(Difference, RefusesNanAndInfinity) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (Match match : {Match::kFloats, Match::kTotal}) {
    EXPECT_FALSE(agrees<float>(match, 1, {1.0f, 1.0f}, {1.0f, nan}));
    EXPECT_FALSE(agrees<float>(match, 1, {1.0f, 1.0f}, {1.0f, infinity}));
  }
}

TEST(Difference, ComparesTotalsOnly) {
  EXPECT_TRUE(agrees<float>(Match::kTotal, 1e-6, {1, 2, 3}, {3, 3, 0}));
  EXPECT_FALSE(agrees<float>(Match::kTotal, 1e-6, {1, 2, 3}, {1, 2, 3.1f}));
}

TEST(Difference, AllowsAShareOfElements) {
  std::vector<std::uint32_t> expected(100), actual(100);
  actual[3] = 1;
  EXPECT_TRUE(agrees(Match::kMostly, 0.01, expected, actual));
  actual[4] = 1;
  EXPECT_FALSE(agrees(Match::kMostly, 0.01, expected, actual));
}

TEST(Difference, RefusesAnotherSize) {
  EXPECT_FALSE(agrees<float>(Match::kFloats, 1, {1, 2}, {1}));
}

TEST(Measure, TakesMedians) {
  EXPECT_EQ(median({5, 1, 9}), 5);
  EXPECT_EQ(ratio({10, 30, 20}, {5, 3, 10}), 2);
  EXPECT_NEAR(geometric_mean({2, 8}), 4, 1e-12);
}

TEST(Measure, AlternatesItsSides) {
  std::string order;
  const auto side = [&order](char name, double value) {
    return [&order, name, value] {
      order += name;
      return value;
    };
  };
  const Rounds rounds = alternate(2, {side('a', 1), side('b', 2)});
  EXPECT_EQ(order, "abab");
  EXPECT_EQ(rounds, (Rounds{{1, 1}, {2, 2}}));
}

TEST(Figures, ArePrintedAsOneFlatObject) {
  Figures figures;
  EXPECT_EQ(figures.json(), "{}");
  figures.add("b", 0.5);
  figures.add("a.c", 12);
  EXPECT_EQ(figures.json(), "{\"a.c\": 12, \"b\": 0.5}");
}

// A launch that counts, to see what a round does with it.
class CountingRunner final : public Runner {
 public:
  void launch() override { ++launches; }
  void write(std::size_t, std::span<const std::byte>) override { ++writes; }
  Bytes read(std::size_t) override { return {}; }
  int launches = 0, writes = 0;
};

TEST(Round, RestoresWhatALaunchConsumes) {
  Workload workload;
  workload.buffers.resize(1);
  CountingRunner kept, consumed;
  round_of(workload, kept, 1000);
  workload.consumes_input = true;
  round_of(workload, consumed, 1000);
  EXPECT_GE(kept.launches, 1);
  EXPECT_EQ(kept.writes, 0);
  EXPECT_EQ(consumed.writes, consumed.launches);
}

// What is timed beside one another computes the same.
TEST(Ispc, ComputesWhatHandWrittenCodeDoes) {
  std::string reason;
  const auto ispc = make_ispc_peer(reason);
  if (!ispc) GTEST_SKIP() << reason;
  const auto handwritten = make_handwritten_peer();
  for (const char* name : {"saxpy", "matmul_naive", "mandelbrot", "nbody", "reduce_shared",
                           "black_scholes", "stencil", "spmv"}) {
    const Workload workload = find_workload(name)->make(true);
    const auto expected = handwritten->prepare(workload, {}), actual = ispc->prepare(workload, {});
    for (Runner* runner : {expected.get(), actual.get()}) {
      restore(workload, *runner);
      runner->launch();
    }
    for (std::size_t i = 0; i < workload.buffers.size(); ++i)
      EXPECT_EQ(difference(workload.buffers[i], expected->read(i), actual->read(i)), "")
          << name << ", buffer " << i;
  }
  EXPECT_THROW((void)ispc->prepare(find_workload("scan")->make(true), {}), std::runtime_error);
}

// What the kernels that can be computed in a line must give.
TEST(Handwritten, ComputesTheTableExactlyWhereItMust) {
  const auto peer = make_handwritten_peer();
  for (const char* name : {"scan", "histogram_shared", "histogram_global", "bitonic_sort"}) {
    const Workload workload = find_workload(name)->make(true);
    const auto runner = peer->prepare(workload, {});
    restore(workload, *runner);
    runner->launch();
    const auto words = [](const Bytes& from) {
      std::vector<std::uint32_t> result(from.size() / 4);
      std::memcpy(result.data(), from.data(), from.size());
      return result;
    };
    std::vector<std::uint32_t> in = words(workload.buffers[0].initial), expected(256);
    const std::string_view kernel = name;
    if (kernel == "scan") {
      expected.assign(in.size(), 0);
      for (std::size_t i = 0; i < in.size(); ++i)
        expected[i] = i % 512 == 0 ? 0 : expected[i - 1] + in[i - 1];
    } else if (kernel == "bitonic_sort") {
      expected = in;
      for (std::size_t i = 0; i < in.size(); i += 512)
        std::sort(expected.begin() + static_cast<std::ptrdiff_t>(i),
                  expected.begin() + static_cast<std::ptrdiff_t>(i + 512));
    } else {
      for (std::uint32_t word : in)
        for (int shift = 0; shift < 32; shift += 8) ++expected[word >> shift & 255];
    }
    EXPECT_EQ(words(runner->read(kernel == "bitonic_sort" ? 0 : 1)), expected) << name;
  }
}

}  // namespace
}  // namespace sokr::bench
