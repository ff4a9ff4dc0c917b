// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is done with images and grids.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "handwritten/handwritten.hpp"
#include "make.hpp"

namespace sokr::bench::real {
namespace {

// ---- channels x outputs x height x width: 3 x 3, one pixel of zeros around
// -------------------------

Workload conv3x3(const Size& size) {
  const std::uint32_t channels = size[0], outputs = size[1], height = size[2], width = size[3];
  Workload workload{"conv3x3",
                    {ceil_div(outputs, 32), ceil_div(height * width, 64), 1},
                    {128, 1, 1},
                    push(channels, height, width, outputs, height, width, 1, 1, 1, 1, 1, 1),
                    {in(floats(std::size_t{channels} * height * width, -1, 1)),
                     in(floats(std::size_t{outputs} * channels * 9, -1, 1)),
                     out(std::size_t{outputs} * height * width * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 128}, {1, 32}, {2, 64}, {3, 16}, {4, 4}, {5, 4}, {6, 3}};
  return workload;
}

// Adds the 3 x 3 neighbours of each pixel of an image, weighed, to `to`.
void convolve(const float* x, int height, int width, const float* weight, int stride,
              int out_height, int out_width, double* to) {
  for (int y = 0; y < out_height; ++y)
    for (int column = 0; column < out_width; ++column)
      for (int k = 0; k < 9; ++k) {
        const int iy = y * stride - 1 + k / 3, ix = column * stride - 1 + k % 3;
        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
        to[y * out_width + column] += double{weight[k]} * x[iy * width + ix];
      }
}

Results conv3x3_expected(const Size& size, const Workload& workload) {
  const std::uint32_t channels = size[0], outputs = size[1];
  const std::size_t pixels = std::size_t{size[2]} * size[3];
  const std::vector<float> x = initial<float>(workload, 0), weight = initial<float>(workload, 1);
  std::vector<double> y(outputs * pixels);
  const int height = static_cast<int>(size[2]), width = static_cast<int>(size[3]);
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t c = 0; c < channels; ++c)
      convolve(&x[c * pixels], height, width, &weight[(o * channels + c) * 9], 1, height, width,
               &y[o * pixels]);
  return {{}, {}, floats_of(y)};
}

Cost conv3x3_cost(const Size& size) {
  const double channels = size[0], outputs = size[1], pixels = double{1} * size[2] * size[3];
  return {18 * channels * outputs * pixels,
          4 * ((channels + outputs) * pixels + 9 * channels * outputs)};
}

// ---- channels x height x width x stride
// -----------------------------------------------------------------

Workload depthwise(const Size& size) {
  const std::uint32_t channels = size[0], height = size[1], width = size[2], stride = size[3];
  const std::uint32_t out_height = ceil_div(height, stride), out_width = ceil_div(width, stride);
  Workload workload{
      "depthwise",
      {ceil_div(out_width, 16), ceil_div(out_height, 8), channels},
      {16, 8, 1},
      push(height, width, out_height, out_width, stride, 1, 0.0f, 6.0f),
      {in(floats(std::size_t{channels} * height * width, -2, 2)),
       in(floats(std::size_t{channels} * 9, -1, 1)), in(floats(channels, 0, 1)),
       out(std::size_t{channels} * out_height * out_width * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 16}, {1, 8}};
  return workload;
}

Results depthwise_expected(const Size& size, const Workload& workload) {
  const int height = static_cast<int>(size[1]), width = static_cast<int>(size[2]);
  const std::uint32_t out_height = ceil_div(size[1], size[3]),
                      out_width = ceil_div(size[2], size[3]);
  const std::size_t pixels = std::size_t{size[1]} * size[2],
                    out_pixels = std::size_t{out_height} * out_width;
  const std::vector<float> x = initial<float>(workload, 0), weight = initial<float>(workload, 1),
                           bias = initial<float>(workload, 2);
  std::vector<double> y;
  for (std::size_t c = 0; c < size[0]; ++c) {
    y.insert(y.end(), out_pixels, bias[c]);
    convolve(&x[c * pixels], height, width, &weight[c * 9], static_cast<int>(size[3]),
             static_cast<int>(out_height), static_cast<int>(out_width), &y[c * out_pixels]);
  }
  for (double& value : y) value = std::clamp(value, 0.0, 6.0);
  return {{}, {}, {}, floats_of(y)};
}

Cost depthwise_cost(const Size& size) {
  const double in_cells = double{1} * size[0] * size[1] * size[2],
               cells = in_cells / size[3] / size[3];
  return {18 * cells, 4 * (in_cells + cells)};
}

// ---- width x height
// ---------------------------------------------------------------------------------------

Workload transpose_tiled(const Size& size) {
  const std::uint32_t width = size[0], height = size[1];
  const std::size_t cells = std::size_t{width} * height;
  Workload workload{"transpose_tiled",
                    {ceil_div(width, 32), ceil_div(height, 32), 1},
                    {32, 8, 1},
                    push(width, height),
                    {in(words(cells)), out(cells * 4, Match::kBits)}};
  workload.specialization = {{0, 32}, {1, 8}, {2, 32}};
  return workload;
}

Results transpose_expected(const Size& size, const Workload& workload) {
  const std::uint32_t width = size[0], height = size[1];
  const std::vector<std::uint32_t> from = initial<std::uint32_t>(workload, 0);
  std::vector<std::uint32_t> to;
  for (std::size_t x = 0; x < width; ++x)
    for (std::size_t y = 0; y < height; ++y) to.push_back(from[y * width + x]);
  return {{}, bytes_of(to)};
}

Cost copy_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {0, 8 * cells};
}

Workload bilateral(const Size& size) {
  const std::uint32_t width = size[0], height = size[1];
  const std::size_t cells = std::size_t{width} * height;
  Workload workload{"bilateral",
                    {ceil_div(width, 16), ceil_div(height, 8), 1},
                    {16, 8, 1},
                    push(width, height, 0.1f, 4.0f),
                    {in(words(cells)), out(cells * 16, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 16}, {1, 8}, {2, 2}};
  return workload;
}

Results bilateral_expected(const Size& size, const Workload& workload) {
  const int width = static_cast<int>(size[0]), height = static_cast<int>(size[1]);
  const std::vector<std::uint8_t> from = initial<std::uint8_t>(workload, 0);
  std::vector<double> to;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* const mine = &from[4 * (std::size_t{1} * y * width + x)];
      double sums[4] = {}, total = 0;
      for (int dy = -2; dy <= 2; ++dy)
        for (int dx = -2; dx <= 2; ++dx) {
          const int ty = std::clamp(y + dy, 0, height - 1), tx = std::clamp(x + dx, 0, width - 1);
          const std::uint8_t* const other = &from[4 * (std::size_t{1} * ty * width + tx)];
          double square = 0;
          for (int i = 0; i < 3; ++i) square += std::pow((other[i] - mine[i]) / 255.0, 2);
          const double weight = std::exp(-(dx * dx + dy * dy) * 0.1 - square * 4);
          for (int i = 0; i < 4; ++i) sums[i] += weight * other[i] / 255.0;
          total += weight;
        }
      for (const double sum : sums) to.push_back(sum / total);
    }
  return {{}, floats_of(to)};
}

Cost bilateral_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {25 * 30 * cells, 20 * cells};
}

Workload dct_8x8(const Size& size) {
  const std::uint32_t width = size[0], height = size[1];
  demand(width % 8 == 0 && height % 8 == 0, "width and height are multiples of 8");
  const std::size_t cells = std::size_t{width} * height;
  Workload workload{
      "dct_8x8",
      {ceil_div(width / 8, 4), height / 8, 1},
      {256, 1, 1},
      push(width, height),
      {in(words(cells / 4)), in(floats(64, 1, 100)), out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 256}, {1, 4}};
  return workload;
}

Results dct_expected(const Size& size, const Workload& workload) {
  const std::uint32_t width = size[0], height = size[1];
  const std::vector<std::uint8_t> from = initial<std::uint8_t>(workload, 0);
  const std::vector<float> table = initial<float>(workload, 1);
  double waves[8][8];
  for (int k = 0; k < 8; ++k)
    for (int i = 0; i < 8; ++i)
      waves[k][i] =
          std::cos((2 * i + 1) * k * std::numbers::pi / 16) * (k ? 0.5 : std::sqrt(0.125));
  std::vector<double> to;
  for (std::size_t top = 0; top < height; top += 8)
    for (std::size_t left = 0; left < width; left += 8)
      for (std::size_t v = 0; v < 8; ++v)
        for (std::size_t u = 0; u < 8; ++u) {
          double sum = 0;
          for (std::size_t y = 0; y < 8; ++y)
            for (std::size_t x = 0; x < 8; ++x)
              sum += (from[(top + y) * width + left + x] - 128.0) * waves[v][y] * waves[u][x];
          to.push_back(sum / table[v * 8 + u]);
        }
  return {{}, {}, floats_of(to)};
}

Cost dct_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {33 * cells, 5 * cells};
}

// ---- four dimensions
// ------------------------------------------------------------------------------------------

// The second and the third change places.
Workload permute_4d(const Size& size) {
  const std::uint32_t a = size[0], b = size[1], c = size[2], d = size[3];
  const std::size_t cells = std::size_t{a} * b * c * d;
  Workload workload{"permute_4d",
                    {static_cast<std::uint32_t>((cells + 127) / 128), 1, 1},
                    {128, 1, 1},
                    push(static_cast<std::uint32_t>(cells), a, c, b, d, 1u, a * b, a, a * b * c, a,
                         c, b, d, 1u, a, a * c, a * b * c, 0u, 0u, 2.0f),
                    {in(floats(cells, -1, 1)), out(cells * 2, Match::kHalves, 1e-3)}};
  workload.specialization = {{0, 128}};
  return workload;
}

Results permute_expected(const Size& size, const Workload& workload) {
  const std::size_t a = size[0], b = size[1], c = size[2], d = size[3];
  const std::vector<float> from = initial<float>(workload, 0);
  std::vector<std::uint16_t> to;
  for (std::size_t l = 0; l < d; ++l)
    for (std::size_t j = 0; j < b; ++j)
      for (std::size_t k = 0; k < c; ++k)
        for (std::size_t i = 0; i < a; ++i)
          to.push_back(half_of(2.0 * from[((l * c + k) * b + j) * a + i]));
  return {{}, bytes_of(to)};
}

Cost permute_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1] * size[2] * size[3];
  return {cells, 6 * cells};
}

// ---- width x height x depth
// -------------------------------------------------------------------------------------

constexpr float kRate = 0.1f;

Workload stencil3d(const Size& size) {
  const std::uint32_t width = size[0], height = size[1], depth = size[2];
  const std::size_t cells = std::size_t{width} * height * depth;
  Workload workload{"stencil3d",
                    {ceil_div(width, 16), ceil_div(height, 8), ceil_div(depth, 4)},
                    {16, 8, 4},
                    push(width, height, depth, kRate),
                    {in(floats(cells, 0, 1)), out(cells * 4, Match::kFloats, 1e-6)}};
  workload.specialization = {{0, 16}, {1, 8}, {2, 4}};
  return workload;
}

Results stencil3d_expected(const Size& size, const Workload& workload) {
  const int width = static_cast<int>(size[0]), height = static_cast<int>(size[1]),
            depth = static_cast<int>(size[2]);
  const std::vector<float> from = initial<float>(workload, 0);
  const auto at = [&](int x, int y, int z) {
    const auto inside = [](int i, int n) {
      return static_cast<std::size_t>(std::clamp(i, 0, n - 1));
    };
    return double{
        from[(inside(z, depth) * size[1] + inside(y, height)) * size[0] + inside(x, width)]};
  };
  std::vector<double> to;
  for (int z = 0; z < depth; ++z)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        to.push_back(at(x, y, z) + kRate * (at(x - 1, y, z) + at(x + 1, y, z) + at(x, y - 1, z) +
                                            at(x, y + 1, z) + at(x, y, z - 1) + at(x, y, z + 1) -
                                            6 * at(x, y, z)));
  return {{}, floats_of(to)};
}

Cost stencil3d_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1] * size[2];
  return {8 * cells, 8 * cells};
}

constexpr Kernel kKernels[] = {
    {"conv3x3", "channels x outputs x height x width", "64x64x56x56", "16x32x28x28",
     "3x5x17x19 1x33x1x5", conv3x3, conv3x3_expected, conv3x3_cost, handwritten::conv3x3},
    {"depthwise", "channels x height x width x stride", "96x112x112x1 96x112x112x2", "16x56x56x1",
     "3x17x19x1 2x9x33x2 1x1x1x3", depthwise, depthwise_expected, depthwise_cost,
     handwritten::depthwise},
    {"transpose_tiled", "width x height", "2048x2048", "512x512", "33x65 1x100", transpose_tiled,
     transpose_expected, copy_cost, handwritten::transpose_tiled},
    {"permute_4d", "a x b x c x d", "64x32x64x32", "64x8x16x8", "5x3x7x2 1x1x9x1", permute_4d,
     permute_expected, permute_cost, handwritten::permute_4d},
    {"stencil3d", "width x height x depth", "256x256x64", "64x64x32", "17x9x5 1x2x3", stencil3d,
     stencil3d_expected, stencil3d_cost, handwritten::stencil3d},
    {"bilateral", "width x height", "1024x768", "160x120", "17x9 1x1", bilateral,
     bilateral_expected, bilateral_cost, handwritten::bilateral},
    {"dct_8x8", "width x height", "1024x1024", "256x256", "40x16 8x8", dct_8x8, dct_expected,
     dct_cost, handwritten::dct_8x8},
};

}  // namespace

std::span<const Kernel> image_kernels() {
  return kKernels;
}

}  // namespace sokr::bench::real
