// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A plugin file, opened: only ever in a child.
#ifndef SOKR_CHECK_OPENED_HPP_
#define SOKR_CHECK_OPENED_HPP_

#include <sokr/compute.h>
#include <sokr/ir.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>

namespace sokr::check {

// Why the file is no plugin, as a sentence.
class NoPlugin : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Opened {
  SokrPluginMainFn main = nullptr;
  const SokrHostInfo* host = nullptr;
  const SokrPlugin* plugin = nullptr;  // null if it offers no substrates
  const SokrIrPlugin* ir = nullptr;
};

// Throws NoPlugin.
Opened open_plugin(const std::filesystem::path& path);
// The same, and nothing of substrates; null if it has no IR plugin.
const SokrIrPlugin* open_reader(const std::filesystem::path& path);

}  // namespace sokr::check

#endif  // SOKR_CHECK_OPENED_HPP_
