// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Photographs in files: JPEG or PNG in, PNG out. Throws std::runtime_error with a sentence.
#ifndef SOKR_HOST_DEMO_PHOTOGRAPH_HPP_
#define SOKR_HOST_DEMO_PHOTOGRAPH_HPP_

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sokr::demo {

struct Photograph {
  std::uint32_t width = 0, height = 0;
  std::vector<std::array<std::uint8_t, 4>> pixels;  // sRGB and alpha, row by row
};

Photograph load(const std::filesystem::path& path);
void save_png(const std::filesystem::path& path, const Photograph& photograph);

// A landscape with edges, soft gradients and fine grain: something to develop where there is no
// photograph. The same for the same size.
Photograph drawn(std::uint32_t width, std::uint32_t height);

// Every factor x factor pixels become their mean in linear light.
Photograph reduced(const Photograph& photograph, std::uint32_t factor);

// Linear light, 1 = white; and back is the kernel's work.
std::vector<std::array<float, 4>> linear(const Photograph& photograph);

}  // namespace sokr::demo

#endif  // SOKR_HOST_DEMO_PHOTOGRAPH_HPP_
