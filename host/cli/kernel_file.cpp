// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kernel_file.hpp"

#include <fmt/format.h>

namespace sokr::cli {

Kernel open_kernel(const Context& context, const std::string& file) {
  const std::vector<std::byte> bytes = read_file(file == "-" ? "/dev/stdin" : file);
  try {
    return context.kernel(bytes);
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("{}: {}", file == "-" ? "standard input" : file, error.what()));
  }
}

}  // namespace sokr::cli
