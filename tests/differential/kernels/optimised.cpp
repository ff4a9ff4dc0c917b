// SPDX-License-Identifier: MIT OR Apache-2.0
#include "optimised.hpp"

#include <spirv-tools/libspirv.hpp>
#include <spirv-tools/optimizer.hpp>

namespace sokr::differential {

const char* name_of(Optimised how) {
  constexpr const char* kNames[] = {"as compiled", "spirv-opt -O", "spirv-opt -Os"};
  return kNames[static_cast<std::size_t>(how)];
}

std::vector<std::uint32_t> optimised(std::span<const std::uint32_t> words, Optimised how) {
  std::vector<std::uint32_t> out(words.begin(), words.end());
  if (how == Optimised::kNot) return out;
  spvtools::Optimizer optimizer(SPV_ENV_VULKAN_1_3);
  optimizer.SetMessageConsumer(
      [](spv_message_level_t, const char*, const spv_position_t&, const char*) {});
  if (how == Optimised::kForSpeed)
    optimizer.RegisterPerformancePasses();
  else
    optimizer.RegisterSizePasses();
  spvtools::OptimizerOptions options;
  options.set_run_validator(false);
  out.clear();
  if (!optimizer.Run(words.data(), words.size(), &out, options)) return {};
  if (!spvtools::SpirvTools(SPV_ENV_VULKAN_1_3).Validate(out)) return {};
  return out;
}

}  // namespace sokr::differential
