// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_

#include <sokr/ir/reflection.hpp>
#include <sokr/substrate/launch_check.hpp>

#include "runtime/runnable.hpp"

namespace sokr::cpu {

// The table of KernelContext::bindings from the descriptors of a launch, which are in the order
// of ResolvedLaunch::bindings: the elements of runtime-sized arrays move to its end.
Bindings descriptor_table(const ir::EntryReflection& reflection,
                          const substrate::ResolvedLaunch& resolved, const Bindings& descriptors);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_
