// SPDX-License-Identifier: MIT OR Apache-2.0
#include "output_set.hpp"

#include <fmt/format.h>

#include "npy.hpp"

namespace sokr::cli {

std::vector<OutputFile> open_outputs(const Plan& plan) {
  std::vector<OutputFile> files;
  for (const PlannedOutput& output : plan.outputs) {
    files.emplace_back(output.spec.file);
    for (std::size_t i = 0; i + 1 < files.size(); ++i) {
      if (files[i].target() != files.back().target()) continue;
      // What is no file keeps nothing of either: /dev/null, a FIFO.
      if (!files.back().is_regular() && files.back().path() != "-") continue;
      throw UsageError(fmt::format(
          "--out: '{}' is named twice; each output needs a file of its own", output.spec.file));
    }
  }
  return files;
}

void write_outputs(const Plan& plan, std::span<const PageBuffer> memory,
                   std::vector<OutputFile>& files, bool regular) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].is_regular() != regular) continue;
    const PlannedOutput& output = plan.outputs[i];
    const auto bytes = memory[output.buffer].bytes();
    if (output.spec.npy) {
      const std::string header = npy_header(*output.spec.npy, output.shape);
      files[i].write(std::as_bytes(std::span(header)));
    }
    files[i].write(bytes);
  }
  for (OutputFile& file : files) {
    if (file.is_regular() == regular) file.finish();
  }
}

}  // namespace sokr::cli
