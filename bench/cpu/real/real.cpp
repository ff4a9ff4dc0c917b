// SPDX-License-Identifier: MIT OR Apache-2.0
#include "real.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace sokr::bench::real {
namespace {

constexpr std::uint32_t kMost = 1u << 24;

// The parts of `text` between separators.
std::vector<std::string_view> parts(std::string_view text, char separator) {
  std::vector<std::string_view> all;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace

Size::Size(std::string_view text) : text_(text) {
  const auto refuse = [&] {
    throw std::runtime_error(fmt::format(
        "'{}' is no size: 1 to 4 numbers from 1 to {} with x between them", text, kMost));
  };
  for (const std::string_view part : parts(text, 'x')) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value == 0 || value > kMost ||
        count_ == of_.size())
      refuse();
    of_[count_++] = value;
  }
}

std::vector<const Kernel*> kernels() {
  std::vector<const Kernel*> all;
  for (const auto rows : {inference_kernels(), layer_kernels(), transform_kernels(),
                          image_kernels(), integer_kernels()})
    for (const Kernel& kernel : rows) all.push_back(&kernel);
  return all;
}

const Kernel* find_kernel(std::string_view name) {
  for (const Kernel* kernel : kernels())
    if (kernel->name == name) return kernel;
  return nullptr;
}

std::vector<Size> sizes_of(std::string_view text) {
  std::vector<Size> sizes;
  for (const std::string_view part : parts(text, ' ')) sizes.emplace_back(part);
  return sizes;
}

Workload make(const Kernel& kernel, const Size& size) {
  const std::string_view dimensions = kernel.dimensions;
  const auto wanted = static_cast<std::size_t>(1 + std::ranges::count(dimensions, 'x'));
  // A dimension's name has no x of its own.
  if (size.count() != wanted)
    throw std::runtime_error(fmt::format("{} has the sizes {}, {} of them, not {}", kernel.name,
                                         dimensions, wanted, size.text()));
  return kernel.make(size);
}

}  // namespace sokr::bench::real
