/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The mock of mock_plugin.c, which runs at most MOCK_GROUPS workgroups. */
#include <sokr/compute.h>

#define sokr_plugin_main mock_plugin_main
const SokrPlugin* mock_plugin_main(const SokrHostInfo* host);
#include "mock_plugin.c"
#undef sokr_plugin_main

SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* host) {
  static SokrComputeLimits limits;
  static SokrSubstrateInfo info;
  static const SokrSubstrateInfo* const substrates[] = {&info};
  static SokrPlugin plugin;
  plugin = *mock_plugin_main(host);
  info = *plugin.substrates[0];
  limits.struct_size = sizeof limits;
  limits.max_group_count[0] = MOCK_GROUPS;
  info.limits = &limits;
  plugin.substrates = substrates;
  return &plugin;
}
