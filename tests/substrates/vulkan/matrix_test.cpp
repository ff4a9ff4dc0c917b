// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Cooperative matrices and float controls 2, where a device has them. The numbers are such that
// every product and sum is exact: results are compared as they are, whatever the order of a sum.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "newer_kernels.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

using spirv::test::Component;
using spirv::test::FastMathKernel;
using spirv::test::MatrixKernel;

constexpr Component kF16{true, 16, false}, kF32{true, 32, false};
constexpr Component kS8{false, 8, true}, kS32{false, 32, true};

// The validation layer's version, by which it judges; 0 = there is none.
std::uint32_t layer_version() {
  std::uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  layers.resize(count);
  for (const VkLayerProperties& layer : layers)
    if (std::strcmp(layer.layerName, "VK_LAYER_KHRONOS_validation") == 0) return layer.specVersion;
  return 0;
}

// Options with which nobody judges the module who is too old to know what it uses: neither this
// build's validator nor a layer from before `known_since`, which has a validator of its own.
OptionList judged_by_who_knows(const std::vector<std::uint8_t>& module, std::uint32_t known_since) {
  OptionList options;
  const auto valid = spirv::validate(module, {spirv::Strictness::kRelaxed, nullptr});
  if (!valid) {
    EXPECT_NE(valid.failure().sentence.find("SPIRV-Tools"), std::string::npos)
        << valid.failure().sentence;
    options.emplace_back("spirv.validate", "off");
  }
  Bench any;  // loads Vulkan
  if (layer_version() < known_since) options.emplace_back("vulkan.validation", "0");
  return options;
}

constexpr std::uint32_t kMatricesSince = VK_MAKE_API_VERSION(0, 1, 3, 255);
constexpr std::uint32_t kFloatControls2Since = VK_MAKE_API_VERSION(0, 1, 3, 280);

// ---- Numbers --------------------------------------------------------------------------------

// Of one that a half has exactly, and that is not denormal.
std::uint16_t half_bits(double value) {
  if (value == 0) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::uint32_t exponent = (bits >> 23 & 0xFF) - 127 + 15;
  EXPECT_TRUE(exponent > 0 && exponent < 31 && (bits & 0x1FFF) == 0) << value;
  return static_cast<std::uint16_t>(bits >> 16 & 0x8000) |
         static_cast<std::uint16_t>(exponent << 10 | (bits >> 13 & 0x3FF));
}

double from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double fraction = bits & 0x3FF;
  const double size = exponent == 0    ? std::ldexp(fraction, -24)
                      : exponent == 31 ? std::numeric_limits<double>::quiet_NaN()
                                       : std::ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

std::vector<std::uint8_t> encode(const std::vector<double>& values, const Component& as) {
  std::vector<std::uint8_t> bytes(values.size() * as.width / 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(values[i]));
    if (as.is_float) {
      bits = as.width == 16   ? half_bits(values[i])
             : as.width == 32 ? std::bit_cast<std::uint32_t>(static_cast<float>(values[i]))
                              : std::bit_cast<std::uint64_t>(values[i]);
    }
    std::memcpy(&bytes[i * as.width / 8], &bits, as.width / 8);
  }
  return bytes;
}

double decode(const std::vector<std::uint8_t>& bytes, std::size_t i, const Component& as) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &bytes[i * as.width / 8], as.width / 8);
  if (as.is_float) {
    return as.width == 16 ? from_half(static_cast<std::uint16_t>(bits))
           : as.width == 32
               ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
               : std::bit_cast<double>(bits);
  }
  const std::uint32_t unused = 64 - as.width;
  return as.is_signed ? static_cast<double>(static_cast<std::int64_t>(bits << unused) >> unused)
                      : static_cast<double>(bits);
}

// ---- Products -------------------------------------------------------------------------------

struct Sizes {
  std::uint32_t rows = 1, columns = 1, depth = 1;  // in tiles
};

// Whole numbers from -most to most, divided by `scale`.
struct Range {
  int most = 4;
  double scale = 1;
};

class Products {
 public:
  Products(const MatrixKernel& kernel, Sizes tiles, Range range)
      : kernel_(kernel),
        rows_(tiles.rows * kernel.m),
        columns_(tiles.columns * kernel.n),
        depth_(tiles.depth * kernel.k),
        tiles_(tiles) {
    left_ = numbers(std::size_t{rows_} * depth_, kernel.left, range);
    right_ = numbers(std::size_t{depth_} * columns_, kernel.right, range);
    start_ = numbers(std::size_t{rows_} * columns_, kernel.sum, range);
  }

  // Runs `module`, by default the kernel's own, and compares.
  void run(Bench& bench, const std::vector<std::uint8_t>& module,
           const std::vector<SokrSpecialization>& values = {}) {
    auto left = encode(left_, kernel_.left), right = encode(right_, kernel_.right);
    auto start = encode(start_, kernel_.sum);
    std::vector<std::uint8_t> sums(start.size(), 0xEE);
    const std::vector<SokrBinding> bindings{
        host_binding(0, 0, left, SOKR_ACCESS_READ), host_binding(0, 1, right, SOKR_ACCESS_READ),
        host_binding(0, 2, start, SOKR_ACCESS_READ), host_binding(0, 3, sums, SOKR_ACCESS_WRITE)};
    const std::uint32_t right_stride = kernel_.right_is_column_major ? depth_ : columns_;
    const std::array<std::uint32_t, 4> push{tiles_.depth, depth_, right_stride, columns_};
    SokrLaunch launch{};
    launch.groups[0] = tiles_.columns, launch.groups[1] = tiles_.rows, launch.groups[2] = 1;
    launch.bindings = bindings.data();
    launch.binding_count = 4;
    launch.push = push.data();
    launch.push_size = sizeof push;
    launch.specializations = values.data();
    launch.specialization_count = static_cast<std::uint32_t>(values.size());
    bench.run(module, launch);
    std::size_t wrong = 0;
    for (std::uint32_t row = 0; row < rows_; ++row)
      for (std::uint32_t column = 0; column < columns_; ++column) {
        const double got = decode(sums, std::size_t{row} * columns_ + column, kernel_.sum);
        const double want = expected(row, column);
        if (got != want && ++wrong <= 4)
          ADD_FAILURE() << "row " << row << ", column " << column << ": " << got << ", not "
                        << want;
      }
    EXPECT_EQ(wrong, 0u) << "of " << rows_ * columns_;
  }

 private:
  std::vector<double> numbers(std::size_t count, const Component& as, Range range) {
    const int least = as.is_float || as.is_signed ? -range.most : 0;
    std::uniform_int_distribution<int> any(least, range.most);
    std::vector<double> all(count);
    for (double& number : all) number = any(random_) / (as.is_float ? range.scale : 1);
    return all;
  }

  double expected(std::uint32_t row, std::uint32_t column) const {
    double sum = start_[std::size_t{row} * columns_ + column];
    if (kernel_.is_elementwise) return 8 * sum + 2;
    for (std::uint32_t i = 0; i < depth_; ++i) {
      const std::size_t at = kernel_.right_is_column_major ? std::size_t{column} * depth_ + i
                                                           : std::size_t{i} * columns_ + column;
      sum += left_[std::size_t{row} * depth_ + i] * right_[at];
    }
    return sum;
  }

  MatrixKernel kernel_;
  std::uint32_t rows_, columns_, depth_;
  Sizes tiles_;
  std::mt19937 random_{20};
  std::vector<double> left_, right_, start_;
};

std::optional<Component> component_of(MatrixComponent component) {
  const auto number = static_cast<std::uint32_t>(component);
  if (number <= 2) return Component{true, 16u << number, false};
  if (number <= 10) return Component{false, 8u << (number - 3) % 4, number < 7};
  return std::nullopt;
}

// A kernel of a line of the device's list; nullopt if it is of other numbers, or of more than one
// kind of sums.
std::optional<MatrixKernel> kernel_of(const CooperativeMatrixProperties& p,
                                      const PhysicalDevice& device) {
  const auto left = component_of(p.a), right = component_of(p.b), sum = component_of(p.c);
  if (!left || !right || !sum || p.c != p.result) return std::nullopt;
  namespace operands = spirv::cooperative_operands;
  MatrixKernel kernel{.left = *left, .right = *right, .sum = *sum, .m = p.m, .n = p.n, .k = p.k};
  kernel.local_size = device.subgroup.subgroupSize;
  kernel.operands = (left->is_signed ? operands::kMatrixASigned : 0) |
                    (right->is_signed ? operands::kMatrixBSigned : 0) |
                    (sum->is_signed ? operands::kMatrixCSigned | operands::kResultSigned : 0) |
                    (p.saturating ? operands::kSaturating : 0);
  return kernel;
}

// Made for what a device offers; skipped by name where it offers none.
class Matrices : public testing::Test {
 protected:
  void SetUp() override {
    OptionList options = judged_by_who_knows(MatrixKernel().bytes(), kMatricesSince);
    bench_.emplace(options);
    // Where matrices may leave their buffers unseen, kernels of them want that to be allowed.
    if (!bench_->physical().usable.has("cooperativeMatrixRobustBufferAccess")) {
      options.emplace_back("vulkan.robust", "off");
      bench_.emplace(options);
    }
    if (!bench_->physical().usable.has("cooperativeMatrix"))
      GTEST_SKIP() << bench_->name() << " has no cooperative matrices";
  }
  Bench& bench() { return *bench_; }

  // The first line of the list with these numbers and, where `size` is not 0, that size.
  std::optional<MatrixKernel> find(const Component& factors, const Component& sums,
                                   std::uint32_t size = 0) {
    for (const CooperativeMatrixProperties& p : bench().physical().cooperative.products) {
      const auto kernel = kernel_of(p, bench().physical());
      const bool suits = kernel && kernel->left == factors && kernel->right == factors &&
                         kernel->sum == sums && !p.saturating &&
                         (size == 0 || (p.m == size && p.n == size && p.k == size));
      if (suits) return kernel;
    }
    return std::nullopt;
  }
  std::string list() { return describe(bench().physical().cooperative); }

 private:
  std::optional<Bench> bench_;
};

TEST_F(Matrices, HalvesAreMultipliedAndSummedAsFloats) {
  // 16x16x16 where there is one.
  auto kernel = find(kF16, kF32, 16);
  if (!kernel) kernel = find(kF16, kF32);
  if (!kernel) GTEST_SKIP() << "no f16 with f32 sums among " << list();
  Products(*kernel, {}, {.most = 64, .scale = 16}).run(bench(), kernel->bytes());
}

TEST_F(Matrices, TilesOfALargerMatrixAreMultipliedInALoop) {
  auto kernel = find(kF16, kF32);
  if (!kernel) GTEST_SKIP() << "no f16 with f32 sums among " << list();
  for (const bool column_major : {false, true}) {
    kernel->right_is_column_major = column_major;
    Products(*kernel, {.rows = 7, .columns = 5, .depth = 19}, {.most = 127, .scale = 64})
        .run(bench(), kernel->bytes());
  }
}

TEST_F(Matrices, BytesAreMultipliedAndSummedAsWords) {
  const auto kernel = find(kS8, kS32);
  if (!kernel) GTEST_SKIP() << "no s8 with s32 sums among " << list();
  Products(*kernel, {.rows = 3, .columns = 4, .depth = 5}, {.most = 127})
      .run(bench(), kernel->bytes());
}

TEST_F(Matrices, EveryProductThatIsListedIsRight) {
  std::size_t tried = 0;
  for (const CooperativeMatrixProperties& p : bench().physical().cooperative.products) {
    SCOPED_TRACE(describe(p));
    const auto kernel = kernel_of(p, bench().physical());
    const bool has_64 = kernel && (kernel->left.width == 64 || kernel->sum.width == 64);
    if (!kernel || (has_64 && !bench().physical().usable.has("shaderFloat64"))) continue;
    // Small enough for sums of halves and of bytes, which hold whole numbers to 2,048 and 127.
    const bool is_narrow = kernel->sum.width == 8;
    Products(*kernel, {.rows = 2, .columns = 2, .depth = is_narrow ? 1u : 2u},
             {.most = is_narrow ? 1 : 4})
        .run(bench(), kernel->bytes());
    ++tried;
  }
  if (tried == 0) GTEST_SKIP() << "none of a known kind among " << list();
}

TEST_F(Matrices, SizesAreGivenByALaunch) {
  MatrixKernel open{.m = 1, .n = 1, .k = 1, .is_specialized = true};
  open.local_size = bench().physical().subgroup.subgroupSize;
  const auto module = open.bytes();
  std::size_t tried = 0;
  for (const CooperativeMatrixProperties& p : bench().physical().cooperative.products) {
    auto kernel = kernel_of(p, bench().physical());
    if (!kernel || kernel->left != kF16 || kernel->right != kF16 || kernel->sum != kF32 ||
        p.saturating)
      continue;
    SCOPED_TRACE(describe(p));
    const std::vector<SokrSpecialization> values{{0, 4, p.m}, {1, 4, p.n}, {2, 4, p.k}};
    Products(*kernel, {.rows = 2, .columns = 3, .depth = 4}, {}).run(bench(), module, values);
    ++tried;
  }
  if (tried == 0) GTEST_SKIP() << "no f16 with f32 sums among " << list();
  EXPECT_TRUE(bench().capability(module));
  // Without them, its own sizes count, which no device has.
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  const auto refused = bench().dispatch(module, launch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("is not offered by " + bench().name()),
            std::string::npos)
      << refused.failure().sentence;
}

TEST_F(Matrices, ElementsAreWorkedOnAsNumbers) {
  auto kernel = find(kF16, kF32);
  if (!kernel) GTEST_SKIP() << "no f16 with f32 sums among " << list();
  kernel->is_elementwise = true;
  Products(*kernel, {.rows = 3, .columns = 2}, {.most = 1000, .scale = 8})
      .run(bench(), kernel->bytes());
}

TEST_F(Matrices, WhatIsNotListedIsRefusedWithTheList) {
  MatrixKernel odd{.m = 3, .n = 5, .k = 7};
  odd.local_size = bench().physical().subgroup.subgroupSize;
  const auto refused = bench().capability(odd.bytes());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find(list()), std::string::npos)
      << refused.failure().sentence;
}

TEST(Matrix, IsRefusedByNameWhereADeviceHasNone) {
  const auto module = MatrixKernel().bytes();
  Bench bench(judged_by_who_knows(module, kMatricesSince));
  if (bench.physical().usable.has("cooperativeMatrix")) GTEST_SKIP() << "it has them";
  const auto refused = bench.capability(module);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  const std::string& sentence = refused.failure().sentence;
  EXPECT_TRUE(sentence.find("needs cooperativeMatrix; ") != std::string::npos ||
              sentence.find("needs vulkanMemoryModel; ") != std::string::npos ||
              sentence.find("needs VK_KHR_vulkan_memory_model; ") != std::string::npos)
      << sentence;
}

// ---- Float controls 2 -----------------------------------------------------------------------

class FastMath : public testing::Test {
 protected:
  void SetUp() override {
    bench_.emplace(judged_by_who_knows(FastMathKernel().bytes(), kFloatControls2Since));
    if (!bench_->physical().usable.has("shaderFloatControls2"))
      GTEST_SKIP() << bench_->name() << " has no float controls 2";
    if (!bench_->physical().float_controls.shaderSignedZeroInfNanPreserveFloat32)
      GTEST_SKIP() << bench_->name() << " may drop signed zeros, infinities and NaN of f32";
  }
  std::vector<float> run(const FastMathKernel& kernel, std::vector<float> in) {
    const auto rows = static_cast<std::uint32_t>(in.size() / FastMathKernel::kIn);
    std::vector<float> out(std::size_t{rows} * FastMathKernel::kOut, 4711);
    const std::vector<SokrBinding> bindings{host_binding(0, 0, in, SOKR_ACCESS_READ),
                                            host_binding(0, 1, out, SOKR_ACCESS_WRITE)};
    SokrLaunch launch{};
    launch.groups[0] = rows, launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = bindings.data();
    launch.binding_count = 2;
    bench_->run(kernel.bytes(), launch);
    return out;
  }

 private:
  std::optional<Bench> bench_;
};

// In IEEE arithmetic, each operation rounded by itself.
std::array<float, FastMathKernel::kOut> one_by_one(float a, float b, float c) {
  volatile float product = a * b, sum = a + b, difference = a - b, nothing = 0;
  return {product + c, sum - a, a * nothing, -difference};
}

bool is_same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

TEST_F(FastMath, NothingIsFusedReorderedOrDroppedWhereNothingIsAllowed) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float next_to_one = std::nextafter(1.0f, 2.0f);
  std::vector<float> in{
      next_to_one, next_to_one, -(1 + 2 * (next_to_one - 1)),  // fused, not 0 but 2^-46
      1e20f,       1.0f,        0,                             // reordered, 1 and not 0
      -3,          -3,          1,                             // -(x - x) is -0, a * 0 is -0
      kInfinity,   1,           -kInfinity,                    // NaN
      -0.0f,       0.0f,        -0.0f,
  };
  std::mt19937 random(7);
  std::uniform_real_distribution<float> any(-1, 1);
  while (in.size() < 3000) in.push_back(any(random));
  for (const FastMathKernel& kernel :
       {FastMathKernel{.by_default = 0}, FastMathKernel{.decorated = 0},
        FastMathKernel{
            .by_default = spirv::fast_math::kSpecialValues | spirv::fast_math::kAllowContract,
            .decorated = 0}}) {
    const std::vector<float> out = run(kernel, in);
    std::size_t wrong = 0;
    for (std::size_t row = 0; row < in.size() / 3; ++row) {
      const auto want = one_by_one(in[3 * row], in[3 * row + 1], in[3 * row + 2]);
      for (std::size_t i = 0; i < want.size(); ++i)
        if (!is_same(out[row * want.size() + i], want[i]) && ++wrong <= 4)
          ADD_FAILURE() << "row " << row << ", result " << i << ": " << out[row * want.size() + i]
                        << ", not " << want[i];
    }
    EXPECT_EQ(wrong, 0u);
  }
}

TEST_F(FastMath, WhatIsAllowedMayBeDoneAndNothingElse) {
  const float next_to_one = std::nextafter(1.0f, 2.0f);
  const float a = next_to_one, c = -(1 + 2 * (next_to_one - 1));
  const auto out = run({.by_default = 0, .decorated = spirv::fast_math::kAllowContract}, {a, a, c});
  EXPECT_TRUE(out[0] == 0 || out[0] == std::fma(a, a, c)) << out[0];
  EXPECT_TRUE(is_same(out[1], one_by_one(a, a, c)[1])) << out[1];
}

TEST(FloatControls2, AreRefusedByNameWhereADeviceHasNone) {
  const auto module = FastMathKernel{.by_default = 0}.bytes();
  Bench bench(judged_by_who_knows(module, kFloatControls2Since));
  if (bench.physical().usable.has("shaderFloatControls2")) GTEST_SKIP() << "it has them";
  const auto refused = bench.capability(module);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(refused.failure().sentence.find("needs shaderFloatControls2; "), std::string::npos)
      << refused.failure().sentence;
}

}  // namespace
}  // namespace sokr::vulkan::test
