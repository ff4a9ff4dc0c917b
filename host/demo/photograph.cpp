// SPDX-License-Identifier: MIT OR Apache-2.0
#include "photograph.hpp"

#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace sokr::demo {
namespace {

constexpr std::uint64_t kMostPixels = 100'000'000;

bool is_too_large(std::uint64_t width, std::uint64_t height) {
  return width * height > kMostPixels;
}

constexpr const char* kTooLarge = "more than 100 million pixels";

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char sentence[JMSG_LENGTH_MAX];
};

[[noreturn]] void jpeg_failed(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->sentence);
  std::longjmp(errors->jump, 1);
}

// A jump out of libjpeg skips destructors: this function has none of its own.
bool decode_jpeg(std::FILE* file, Photograph& photograph, std::vector<std::uint8_t>& row,
                 JpegErrors& errors) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpeg_failed;
  // A warning, such as data that end early, is a damaged photograph too.
  errors.manager.emit_message = [](j_common_ptr reader, int level) {
    if (level < 0) jpeg_failed(reader);
  };
  if (setjmp(errors.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_stdio_src(&info, file);
  jpeg_read_header(&info, TRUE);
  if (is_too_large(info.image_width, info.image_height)) {
    std::snprintf(errors.sentence, sizeof errors.sentence, "%s", kTooLarge);
    jpeg_destroy_decompress(&info);
    return false;
  }
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  photograph.width = info.output_width;
  photograph.height = info.output_height;
  photograph.pixels.reserve(std::size_t{info.output_width} * info.output_height);
  row.resize(std::size_t{3} * info.output_width);
  while (info.output_scanline < info.output_height) {
    JSAMPROW rows[] = {row.data()};
    jpeg_read_scanlines(&info, rows, 1);
    for (std::size_t i = 0; i < row.size(); i += 3) {
      photograph.pixels.push_back({row[i], row[i + 1], row[i + 2], 255});
    }
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

Photograph load_jpeg(std::FILE* file, const std::filesystem::path& path) {
  Photograph photograph;
  std::vector<std::uint8_t> row;
  JpegErrors errors{};
  if (!decode_jpeg(file, photograph, row, errors)) {
    throw std::runtime_error(
        fmt::format("{}: this JPEG cannot be used: {}", path.string(), errors.sentence));
  }
  return photograph;
}

Photograph load_png(std::FILE* file, const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  auto check = [&image, &path](bool done) {
    if (done) return;
    std::string reason = image.message;
    png_image_free(&image);
    throw std::runtime_error(fmt::format("{}: this PNG cannot be used: {}", path.string(), reason));
  };
  check(png_image_begin_read_from_stdio(&image, file) != 0);
  if (is_too_large(image.width, image.height)) {
    png_image_free(&image);
    throw std::runtime_error(fmt::format("{}: {}", path.string(), kTooLarge));
  }
  image.format = PNG_FORMAT_RGBA;
  Photograph photograph{image.width, image.height, {}};
  photograph.pixels.resize(std::size_t{image.width} * image.height);
  check(png_image_finish_read(&image, nullptr, photograph.pixels.data(), 0, nullptr) != 0);
  return photograph;
}

float to_linear(std::uint8_t byte) {
  float value = static_cast<float>(byte) / 255.0f;
  return value <= 0.04045f ? value / 12.92f : std::pow((value + 0.055f) / 1.055f, 2.4f);
}

std::uint8_t to_srgb(float value) {
  float encoded =
      value <= 0.0031308f ? 12.92f * value : 1.055f * std::pow(value, 1.0f / 2.4f) - 0.055f;
  return static_cast<std::uint8_t>(std::lround(255.0f * std::clamp(encoded, 0.0f, 1.0f)));
}

}  // namespace

Photograph load(const std::filesystem::path& path) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be read", path.string()));
  int first = std::fgetc(file.get());
  std::rewind(file.get());
  if (first == 0xFF) return load_jpeg(file.get(), path);
  if (first == 0x89) return load_png(file.get(), path);
  throw std::runtime_error(fmt::format("{}: neither a JPEG nor a PNG file", path.string()));
}

void save_png(const std::filesystem::path& path, const Photograph& photograph) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = photograph.width;
  image.height = photograph.height;
  image.format = PNG_FORMAT_RGBA;
  if (png_image_write_to_file(&image, path.c_str(), 0, photograph.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(
        fmt::format("{}: cannot be written: {}", path.string(), image.message));
  }
}

Photograph drawn(std::uint32_t width, std::uint32_t height) {
  struct Ridge {
    float base, swing, waves;
    std::array<float, 3> colour;
  };
  constexpr Ridge kRidges[] = {{0.45f, 0.12f, 2.3f, {0.36f, 0.44f, 0.55f}},
                               {0.62f, 0.09f, 3.7f, {0.22f, 0.33f, 0.30f}},
                               {0.80f, 0.06f, 5.1f, {0.12f, 0.20f, 0.09f}}};
  Photograph picture{width, height, {}};
  picture.pixels.reserve(std::size_t{width} * height);
  std::uint32_t grain = 1;
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const float u = static_cast<float>(x) / static_cast<float>(width);
      const float v = static_cast<float>(y) / static_cast<float>(height);
      std::array<float, 3> light{0.15f + 0.5f * v, 0.30f + 0.45f * v, 0.75f + 0.1f * v};
      if (std::hypot(u - 0.72f, (v - 0.22f) * 0.67f) < 0.05f) light = {0.98f, 0.93f, 0.75f};
      for (const Ridge& ridge : kRidges) {
        const float phase = 6.2832f * ridge.waves * u;
        const float top =
            ridge.base - ridge.swing * (std::sin(phase) + 0.3f * std::sin(3.1f * phase));
        if (v > top) light = ridge.colour;
      }
      grain = grain * 1664525u + 1013904223u;
      const float noise = (static_cast<float>(grain >> 24) / 255.0f - 0.5f) * 0.03f;
      picture.pixels.push_back(
          {to_srgb(light[0] + noise), to_srgb(light[1] + noise), to_srgb(light[2] + noise), 255});
    }
  }
  return picture;
}

Photograph reduced(const Photograph& photograph, std::uint32_t factor) {
  if (factor <= 1) return photograph;
  Photograph small{
      std::max(photograph.width / factor, 1u), std::max(photograph.height / factor, 1u), {}};
  std::vector<std::array<float, 4>> light = linear(photograph);
  for (std::uint32_t y = 0; y < small.height; ++y) {
    for (std::uint32_t x = 0; x < small.width; ++x) {
      std::array<float, 3> sum{};
      for (std::uint32_t k = 0; k < factor * factor; ++k) {
        std::size_t row = std::min(y * factor + k / factor, photograph.height - 1);
        std::size_t column = std::min(x * factor + k % factor, photograph.width - 1);
        for (std::size_t c = 0; c < 3; ++c) sum[c] += light[row * photograph.width + column][c];
      }
      auto area = static_cast<float>(factor * factor);
      small.pixels.push_back(
          {to_srgb(sum[0] / area), to_srgb(sum[1] / area), to_srgb(sum[2] / area), 255});
    }
  }
  return small;
}

std::vector<std::array<float, 4>> linear(const Photograph& photograph) {
  std::array<float, 256> table;
  for (int byte = 0; byte < 256; ++byte) {
    table[static_cast<std::size_t>(byte)] = to_linear(static_cast<std::uint8_t>(byte));
  }
  std::vector<std::array<float, 4>> light;
  light.reserve(photograph.pixels.size());
  for (const auto& pixel : photograph.pixels) {
    light.push_back({table[pixel[0]], table[pixel[1]], table[pixel[2]], 1.0f});
  }
  return light;
}

}  // namespace sokr::demo
