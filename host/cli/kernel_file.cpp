// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kernel_file.hpp"

#include <fmt/format.h>

#include "input_file.hpp"

namespace sokr::cli {
namespace {

// The largest kernels have a hundredth of it.
constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;

}  // namespace

Kernel open_kernel(const Context& context, const std::string& file) {
  const std::vector<std::byte> bytes =
      read_input(file == "-" ? InputFile::standard_input() : InputFile(file), kMostBytes);
  try {
    return context.kernel(bytes);
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("{}: {}", file == "-" ? "standard input" : file, error.what()));
  }
}

}  // namespace sokr::cli
