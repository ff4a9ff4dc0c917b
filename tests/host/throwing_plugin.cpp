// SPDX-License-Identifier: MIT OR Apache-2.0
// A plugin whose entry function breaks the rule that no exception leaves it.
#include <sokr/compute.h>

#include <stdexcept>

extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo*) {
  throw std::runtime_error("no device today");
}
