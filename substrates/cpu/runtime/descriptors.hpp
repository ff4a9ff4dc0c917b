// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_

#include <sokr/ir/reflection.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <span>

#include "runtime/runnable.hpp"

namespace sokr::cpu {

// The table of KernelContext::bindings from the descriptors of a launch, which are in the order
// of ResolvedLaunch::bindings, `places` being its `first`: the elements of runtime-sized arrays
// move to its end.
Bindings descriptor_table(const ir::EntryReflection& reflection,
                          std::span<const std::uint32_t> places, const Bindings& descriptors);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_DESCRIPTORS_HPP_
