// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels in WGSL on every substrate that is there, against what this file computes.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <sokr/sokr.hpp>

#include "wgsl_support.hpp"

namespace sokr::tests {
namespace {

class Wgsl : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { context_ = std::make_unique<Context>(); }
  static void TearDownTestSuite() { context_.reset(); }
  void SetUp() override {
    for (const Substrate& substrate : context_->substrates()) {
      if (substrate.name() == std::string_view(GetParam())) substrate_ = substrate;
    }
    if (!substrate_) GTEST_SKIP() << "there is no substrate " << GetParam();
  }
  static Kernel kernel(const std::string& name) {
    const std::string text = kernel_text(name);
    return context_->kernel(std::as_bytes(std::span(text)));
  }
  static inline std::unique_ptr<Context> context_;
  std::optional<Substrate> substrate_;
};

TEST_P(Wgsl, PushConstantsAndBuffers) {
  const std::uint32_t n = 1000;
  std::vector<float> x(n), y(n), expected(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(i) * 0.25f;
    y[i] = 3.0f - static_cast<float>(i % 17);
    expected[i] = i < 990 ? 2.0f * x[i] + y[i] : y[i];  // exact: quarters
  }
  Launch launch;
  launch.threads(n).bind(0, 0, read(x)).bind(0, 1, read_write(y)).push(990u).push(2.0f);
  substrate_->dispatch(kernel("saxpy"), launch).wait();
  EXPECT_EQ(y, expected);
}

struct Sums {
  std::vector<std::int32_t> sums;
  std::vector<float> shown;
  std::int32_t largest = 0;
  bool operator==(const Sums&) const = default;
};

struct Overrides {
  std::uint32_t width = 32;
  std::int32_t factor = 3;
  bool negate = false;
  float offset = 0.5f;
};

Sums expected_sums(const std::vector<std::int32_t>& numbers, const Overrides& with) {
  Sums out;
  out.largest = -1000000;
  for (std::size_t at = 0; at < numbers.size(); at += with.width) {
    std::int32_t sum =
        std::accumulate(numbers.begin() + at, numbers.begin() + at + with.width, 0) * with.factor;
    if (with.negate) sum = -sum;
    out.sums.push_back(sum + with.factor);
    out.largest = std::max(out.largest, sum);
    // Of the two that write this element, the last one in the workgroup or the one before it.
    out.shown.push_back(with.offset);
  }
  return out;
}

TEST_P(Wgsl, OverridesAreSpecializationConstants) {
  const Kernel sums = kernel("sums");
  std::vector<std::int32_t> numbers(128);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<std::int32_t>(i * i % 37) - 18;
  }
  const auto run = [&](const Overrides& with, bool specialized) {
    Sums out;
    out.largest = -1000000;
    out.sums.resize(numbers.size() / with.width);
    out.shown.resize(out.sums.size());
    std::span<std::int32_t> largest(&out.largest, 1);
    Launch launch;
    launch.groups(static_cast<std::uint32_t>(out.sums.size()))
        .bind(0, 0, read(numbers))
        .bind(0, 1, read_write(out.sums))
        .bind(1, 0, read_write(largest))
        .bind(1, 3, read_write(out.shown));
    if (specialized) {
      launch.specialize(7, with.width).specialize(0, with.factor).specialize(1, with.negate);
      launch.specialize(2, with.offset);
    }
    substrate_->dispatch(sums, launch).wait();
    for (float& value : out.shown) {
      const float last = static_cast<float>(with.width - 1);
      EXPECT_TRUE(value == with.offset + last || value == with.offset + last - 1.0f) << value;
      value = with.offset;
    }
    return out;
  };
  const Overrides given[] = {{16, -2, true, 8.25f}, {64, 1, false, -1.0f}, {1, 7, true, 0.0f}};
  EXPECT_EQ(run({}, false), expected_sums(numbers, {}));
  for (const Overrides& with : std::span(given).first(2)) {
    EXPECT_EQ(run(with, true), expected_sums(numbers, with)) << with.width;
  }
}

struct Point {
  float at[3];
  float weight;
  std::uint32_t box[2][2];
};
static_assert(sizeof(Point) == 32);

struct View {
  float turn[4][4];  // columns
  float move_by[3];
  float unused;
};

TEST_P(Wgsl, LayoutsAreThoseOfTheShadingLanguage) {
  constexpr std::uint32_t kPoints = 13, kLimit = 11;
  View view{};
  for (int c = 0; c < 4; ++c)
    for (int r = 0; r < 4; ++r) view.turn[c][r] = static_cast<float>(c * 3 - r + 1);
  for (int i = 0; i < 3; ++i) view.move_by[i] = static_cast<float>(10 * i - 3);
  // mat2x3 at 0 (columns 16 bytes apart), count at 32, points at 48.
  std::vector<std::byte> cloud(48 + kPoints * sizeof(Point));
  const float scale[2][4] = {{1, 2, 3, 0}, {-4, 5, -6, 0}};
  std::memcpy(cloud.data(), scale, sizeof scale);
  std::memcpy(cloud.data() + 32, &kPoints, sizeof kPoints);
  std::vector<float> expected(kPoints * 4, -1.0f), moved(kPoints * 4, -1.0f);
  for (std::uint32_t i = 0; i < kPoints; ++i) {
    const float f = static_cast<float>(i);
    const Point point{{f, 2 - f, f * 0.5f}, f - 4, {{1, 2}, {77 + i, 3}}};
    std::memcpy(cloud.data() + 48 + i * sizeof point, &point, sizeof point);
    for (int r = 0; r < 3 && i < kLimit; ++r) {
      float sum = view.turn[3][r] + view.move_by[r] + scale[0][r] * point.weight + scale[1][r];
      for (int c = 0; c < 3; ++c) sum += view.turn[c][r] * point.at[c];
      expected[i * 4 + r] = sum;  // exact: small halves
    }
  }
  std::array<std::uint32_t, 4> counts{};
  Launch launch;
  launch.groups(2)
      .bind(0, 0, read(std::span(&view, 1)))
      .bind(0, 1, read(cloud))
      .bind(0, 2, read_write(moved))
      .bind(2, 5, read_write(counts))
      .push(kLimit);
  substrate_->dispatch(kernel("shapes"), launch).wait();
  EXPECT_EQ(moved, expected);
  EXPECT_EQ(counts, (std::array<std::uint32_t, 4>{kPoints, kPoints, 77, kLimit}));
}

std::int32_t collatz(std::uint32_t start) {
  constexpr std::int32_t kTable[] = {3, -1, 4, -1, 5};
  std::int32_t count = 0;
  for (std::uint32_t n = start; n > 1 && count < 200; ++count) n = n % 2 ? 3 * n + 1 : n / 2;
  std::int32_t last[4] = {};
  for (std::uint32_t i = 0; i < 7; ++i) last[(start + i) % 4] += kTable[i % 5] * (1 << (i & 3));
  std::int32_t result = count + last[start & 3];
  switch (start % 5) {
    case 0:
      result = -result;
      break;
    case 1:
    case 2:
      result *= 2;
      break;
    default:
      result ^= std::popcount(start);
  }
  return result / 3 - result % 7;
}

TEST_P(Wgsl, ControlFlowAndSeveralEntryPoints) {
  const Kernel control = kernel("control");
  std::vector<std::uint32_t> numbers(48);
  for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = i * 7 + 1;
  std::vector<std::int32_t> results(numbers.size());
  Launch launch;
  launch.entry("collatz").threads(48).bind(0, 0, read(numbers)).bind(0, 1, read_write(results));
  substrate_->dispatch(control, launch).wait();
  for (std::size_t i = 0; i < numbers.size(); ++i)
    EXPECT_EQ(results[i], collatz(numbers[i])) << numbers[i];
  launch.entry("doubled");
  substrate_->dispatch(control, launch).wait();
  for (std::size_t i = 0; i < numbers.size(); ++i)
    EXPECT_EQ(results[i], static_cast<std::int32_t>(2 * numbers[i]));
}

struct Given {
  std::uint32_t n = 4;
  std::int32_t m = -3;
  float f = 2.5f;
  bool flag = true;
  std::uint32_t both() const { return n * 2 + static_cast<std::uint32_t>(m + 7); }
  std::uint32_t inner() const {
    std::uint32_t a[] = {n, both(), 7};
    ++a[n % 3];
    return (n << 2) + a[1];
  }
};

std::vector<float> expected_overrides(const Given& with) {
  float x = with.f, sum = static_cast<float>(with.n) * 2;
  for (std::uint32_t i = 0; i < with.n; ++i) {
    x += with.f * static_cast<float>(i);
    if (!with.flag && with.m < 0) sum -= 1;
  }
  const float y = with.m == -3 ? 1.0f : with.m == -1 ? 64.0f : static_cast<float>(with.n);
  return {x,
          y,
          sum,
          static_cast<float>(with.both()),
          with.f + static_cast<float>(with.both() - 1),
          static_cast<float>(with.inner() + (1u << with.n) + with.n),
          static_cast<float>(std::max(with.both(), 9u)),
          static_cast<float>(with.flag ? with.n : 3)};
}

TEST_P(Wgsl, ConstantIndicesStayWithinLengthsOfOverrides) {
  const Kernel indices = kernel("indices");
  const auto run = [&](std::optional<std::uint32_t> n, std::optional<std::int32_t> m) {
    std::vector<std::uint32_t> out(7);
    Launch launch;
    launch.groups(1).bind(0, 0, read_write(out));
    if (n) launch.specialize(0, *n);
    if (m) launch.specialize(1, *m);
    substrate_->dispatch(indices, launch).wait();
    return out;
  };
  using Numbers = std::vector<std::uint32_t>;
  EXPECT_EQ(run({}, {}), (Numbers{100, 103, 103, 201, 202, 300, 7}));
  EXPECT_EQ(run(8, 3), (Numbers{100, 105, 107, 201, 203, 107, 7}));
}

TEST_P(Wgsl, OverridesStandAnywhere) {
  const Kernel overrides = kernel("overrides");
  const Given givens[] = {{}, {5, -1, 0.5f, false}, {1, 2, -4.0f, true}};
  for (const Given& with : givens) {
    std::vector<float> out(8);
    Launch launch;
    launch.entry("main").groups(1).bind(0, 0, read_write(out));
    launch.specialize(0, with.n).specialize(1, with.m).specialize(2, with.f);
    launch.specialize(3, with.flag);
    substrate_->dispatch(overrides, launch).wait();
    EXPECT_EQ(out, expected_overrides(with)) << with.n;
    out.assign(8, -1.0f);
    launch.entry("second");
    substrate_->dispatch(overrides, launch).wait();
    std::vector<float> expected(8, -1.0f);
    std::fill_n(expected.begin(), with.n, static_cast<float>(with.inner()));
    EXPECT_EQ(out, expected) << with.n;
  }
  // Nothing given: the defaults.
  std::vector<float> out(8);
  Launch launch;
  launch.entry("main").groups(1).bind(0, 0, read_write(out));
  substrate_->dispatch(overrides, launch).wait();
  EXPECT_EQ(out, expected_overrides({}));
}

INSTANTIATE_TEST_SUITE_P(On, Wgsl, testing::Values("cpu", "reference", "vulkan:0"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), ':', '_');
                           return name;
                         });

}  // namespace
}  // namespace sokr::tests
