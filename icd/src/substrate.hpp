// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate that the driver computes on. Plugins are looked for when the first instance is
// made, and stay until the process ends: what is compiled serves every instance.
#ifndef SOKR_ICD_SUBSTRATE_HPP_
#define SOKR_ICD_SUBSTRATE_HPP_

#include <sokr/sokr.hpp>
#include <string>

#include "facts.hpp"

namespace sokr::icd {

struct SubstrateInUse {
  sokr::Context* context = nullptr;
  const SokrSubstrateInfo* info = nullptr;
  std::uint32_t id = 0;
  DeviceFacts facts;

  // Why the last call on this thread failed, in the substrate's words.
  std::string last_error() const;
  // The same of a launch.
  std::string error_of(SokrCompletionToken token) const;
};

// The substrate that SOKR_ICD_ON names; null, with the reason told to the instance that
// looks for it, if there is none. The same in every call with the same name. Any thread.
const SubstrateInUse* substrate_in_use(VkInstance of);

// Whether this process is a child of one that used the substrate: it then has none.
bool is_forked();

}  // namespace sokr::icd

#endif  // SOKR_ICD_SUBSTRATE_HPP_
