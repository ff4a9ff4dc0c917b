// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pipeline.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>

#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

// What the substrate is asked to prepare, with all that the request points to.
struct Request {
  std::vector<SokrSpecialization> specializations;
  SokrKernelInfo info{};
  std::vector<std::uint32_t> words;  // of a module that is given in place of a handle
  std::string refusal;               // why it is not even asked
};

// Whether the module has a specialization constant of this id; yes where that cannot be told.
bool has_constant(const SubstrateInUse& substrate, std::span<const std::byte> module,
                  std::uint32_t id) {
  try {
    const Kernel read = substrate.context->kernel(module);
    const SokrIrReflection& reflection = read.reflection();
    for (std::uint32_t i = 0; i < reflection.spec_constant_count; ++i) {
      const auto* constant = SOKR_ELEMENT(SokrIrSpecConstant, reflection.spec_constants,
                                          reflection.spec_constant_size, i);
      if (constant->id == id) return true;
    }
    return false;
  } catch (const Error&) {
    return true;
  }
}

void take_specializations(const VkSpecializationInfo* given, const SubstrateInUse& substrate,
                          std::span<const std::byte> module, Request& request) {
  for (std::uint32_t i = 0; given && i < given->mapEntryCount; ++i) {
    const VkSpecializationMapEntry& entry = given->pMapEntries[i];
    const bool inside =
        entry.offset <= given->dataSize && entry.size <= given->dataSize - entry.offset;
    const bool sized = entry.size == 1 || entry.size == 2 || entry.size == 4 || entry.size == 8;
    // What no constant of the module carries has no effect.
    if (inside && !sized && !has_constant(substrate, module, entry.constantID)) continue;
    if (!inside || !sized) {
      request.refusal = "the specialization of constant " + std::to_string(entry.constantID) +
                        " is " + std::to_string(entry.size) + " bytes at " +
                        std::to_string(entry.offset) + " of " + std::to_string(given->dataSize) +
                        "; it takes 1, 2, 4 or 8 bytes within the data";
      return;
    }
    SokrSpecialization one{entry.constantID, static_cast<std::uint32_t>(entry.size), 0};
    std::memcpy(&one.value, static_cast<const std::byte*>(given->pData) + entry.offset, entry.size);
    request.specializations.push_back(one);
  }
}

void take_stage(const VkPipelineShaderStageCreateInfo& stage, const SubstrateInUse& substrate,
                Request& request) {
  const std::uint32_t* words = nullptr;
  std::size_t size = 0;
  if (const ShaderModule* module = of(stage.module)) {
    words = module->words.data();
    size = module->words.size() * 4;
  } else if (const auto* inlined = find<VkShaderModuleCreateInfo>(stage.pNext)) {
    request.words.assign(inlined->pCode, inlined->pCode + inlined->codeSize / 4);
    words = request.words.data();
    size = request.words.size() * 4;
  } else {
    request.refusal = "the stage has no shader module";
  }
  take_specializations(stage.pSpecializationInfo, substrate,
                       {reinterpret_cast<const std::byte*>(words), size}, request);
  SokrKernelInfo& info = request.info;
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = reinterpret_cast<const std::uint8_t*>(words);
  info.ir_size = size;
  info.entry = stage.pName;
  info.specializations = request.specializations.data();
  info.specialization_count = static_cast<std::uint32_t>(request.specializations.size());
  if (request.specializations.empty()) info.specializations = nullptr;
  info.specialization_size = sizeof(SokrSpecialization);
  // Programs create pipelines that they never dispatch: see Program::hasten.
  static constexpr std::array<const char*, 1> kOptions{"compile=later"};
  info.options = kOptions.data();
  info.option_count = kOptions.size();
  using Required = VkPipelineShaderStageRequiredSubgroupSizeCreateInfo;
  if (const auto* required = find<Required>(stage.pNext)) {
    info.subgroup_size = required->requiredSubgroupSize;
  }
}

std::uint32_t access_of(const SokrIrBinding& binding) {
  const std::uint32_t access = binding.access & (SOKR_IR_READ | SOKR_IR_WRITE);
  return access ? access : static_cast<std::uint32_t>(SOKR_ACCESS_READ);
}

// What the kernel declares, as these specializations make it. A sentence if it cannot be known.
std::string reflect(const SubstrateInUse& substrate, const SokrKernelInfo& kernel, Program& out) {
  try {
    const Kernel read = substrate.context->kernel(
        {reinterpret_cast<const std::byte*>(kernel.ir_data), kernel.ir_size});
    Launch launch;
    launch.entry(kernel.entry);
    for (std::uint32_t i = 0; i < kernel.specialization_count; ++i) {
      const SokrSpecialization& one = kernel.specializations[i];
      launch.specialize_bits(one.id, one.size, one.value);
    }
    const auto reflection = read.reflection(launch);
    for (std::uint32_t i = 0; i < reflection->entry_point_count; ++i) {
      const auto* entry =
          SOKR_ELEMENT(SokrIrEntryPoint, reflection->entry_points, reflection->entry_point_size, i);
      if (std::strcmp(entry->name, kernel.entry) != 0) continue;
      for (std::uint32_t b = 0; b < entry->binding_count; ++b) {
        const auto* binding = SOKR_ELEMENT(SokrIrBinding, entry->bindings, entry->binding_size, b);
        out.uses.push_back({binding->set, binding->binding, binding->count, access_of(*binding)});
      }
      // All that it declares, though a layout may have less: what was never pushed is 0.
      out.push_size = (entry->push_size + 3u) & ~3u;
      return {};
    }
    return std::string("the module has no entry point ") + kernel.entry;
  } catch (const Error& error) {
    return error.what();
  }
}

VkResult result_of(SokrResult result) {
  switch (result) {
    case SOKR_INVALID_IR:
      return VK_ERROR_INVALID_SHADER_NV;
    case SOKR_CAPABILITY_DENIED:
      return VK_ERROR_FEATURE_NOT_PRESENT;
    case SOKR_DISPATCH_FAILED:
      return VK_ERROR_OUT_OF_HOST_MEMORY;
    default:
      return VK_ERROR_UNKNOWN;
  }
}

void report_failure(std::uint32_t index, const std::string& why) {
  report(SOKR_LOG_ERROR,
         "vkCreateComputePipelines: pipeline " + std::to_string(index) + ": " + why);
}

// Has all requests prepared at once, on all cores; where one is refused, each by itself.
std::vector<SokrKernel> prepare(const SubstrateInUse& substrate, std::vector<Request>& requests,
                                std::vector<VkResult>& results) {
  std::vector<const SokrKernelInfo*> infos;
  std::vector<std::uint32_t> which;
  std::vector<SokrKernel> kernels(requests.size()), made(requests.size());
  for (std::uint32_t i = 0; i < requests.size(); ++i) {
    if (results[i] != VK_SUCCESS) continue;
    infos.push_back(&requests[i].info);
    which.push_back(i);
  }
  const SokrKernelTable& table = *substrate.info->kernels;
  const auto count = static_cast<std::uint32_t>(infos.size());
  if (count > 1 && table.prepare(infos.data(), count, made.data()) == SOKR_OK) {
    for (std::uint32_t i = 0; i < count; ++i) kernels[which[i]] = made[i];
    return kernels;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const SokrResult result = table.prepare(&infos[i], 1, &kernels[which[i]]);
    if (result == SOKR_OK) continue;
    kernels[which[i]] = 0;
    results[which[i]] = result_of(result);
    report_failure(which[i], substrate.last_error());
  }
  return kernels;
}

void give_feedback(const VkComputePipelineCreateInfo& info,
                   std::chrono::steady_clock::duration taken) {
  const auto* feedback = find<VkPipelineCreationFeedbackCreateInfo>(info.pNext);
  if (!feedback) return;
  const VkPipelineCreationFeedback given{
      VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT,
      static_cast<std::uint64_t>(std::chrono::nanoseconds(taken).count())};
  if (feedback->pPipelineCreationFeedback) *feedback->pPipelineCreationFeedback = given;
  const std::uint32_t stages =
      feedback->pPipelineStageCreationFeedbacks ? feedback->pipelineStageCreationFeedbackCount : 0;
  for (std::uint32_t i = 0; i < stages; ++i) {
    feedback->pPipelineStageCreationFeedbacks[i] = given;
  }
}

VkResult create_pipelines(Device& device, std::uint32_t count,
                          const VkComputePipelineCreateInfo* infos,
                          const VkAllocationCallbacks* callbacks, VkPipeline* out) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Request> requests(count);
  std::vector<VkResult> results(count, VK_SUCCESS);
  std::vector<std::shared_ptr<Program>> programs(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Request& request = requests[i];
    take_stage(infos[i].stage, device.substrate, request);
    programs[i] = std::make_shared<Program>();
    programs[i]->substrate = &device.substrate;
    if (infos[i].flags & VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) {
      results[i] = VK_PIPELINE_COMPILE_REQUIRED;
    } else if (!request.refusal.empty()) {
      results[i] = VK_ERROR_UNKNOWN;
      report_failure(i, request.refusal);
    }
  }
  const std::vector<SokrKernel> kernels = prepare(device.substrate, requests, results);
  for (std::uint32_t i = 0; i < count; ++i) programs[i]->kernel = kernels[i];
  VkResult all = VK_SUCCESS;
  bool stopped = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (results[i] == VK_SUCCESS && !stopped) {
      const std::string why = reflect(device.substrate, requests[i].info, *programs[i]);
      if (!why.empty()) report_failure(i, why);
      results[i] = why.empty() ? create<Pipeline>(callbacks, &out[i], std::move(programs[i]))
                               : VK_ERROR_INVALID_SHADER_NV;
    }
    give_feedback(infos[i], std::chrono::steady_clock::now() - start);
    if (results[i] == VK_SUCCESS) continue;
    if (all == VK_SUCCESS || all == VK_PIPELINE_COMPILE_REQUIRED) all = results[i];
    stopped = stopped || (infos[i].flags & VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT) != 0;
  }
  return all;
}

}  // namespace

Program::~Program() {
  if (kernel && !is_forked()) substrate->info->kernels->release(kernel);
}

// By another handle of the kernel, which is asked for with the option and given back. Substrates
// that compiled it already refuse that.
void Program::hasten(bool overlaps) const {
  if (is_hastened[overlaps].load(std::memory_order_relaxed) ||
      is_hastened[overlaps].exchange(true, std::memory_order_relaxed))
    return;
  const SokrPreparedIr ir = sokr_prepared_ir(kernel);
  const char* options[] = {"compile=soon", overlaps ? "bindings=overlap" : "bindings=apart"};
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_PREPARED;
  info.ir_data = reinterpret_cast<const std::uint8_t*>(&ir);
  info.ir_size = sizeof ir;
  info.options = options;
  info.option_count = 2;
  const SokrKernelInfo* infos[] = {&info};
  SokrKernel another = 0;
  const SokrKernelTable& table = *substrate->info->kernels;
  if (table.prepare(infos, 1, &another) == SOKR_OK) table.release(another);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateShaderModule(VkDevice, const VkShaderModuleCreateInfo* info,
                                                    const VkAllocationCallbacks* callbacks,
                                                    VkShaderModule* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&]() -> VkResult {
    ShaderModule module;
    module.words.assign(info->pCode, info->pCode + info->codeSize / 4);
    return create<ShaderModule>(callbacks, out, std::move(module));
  });
}
VKAPI_ATTR void VKAPI_CALL vkDestroyShaderModule(VkDevice, VkShaderModule handle,
                                                 const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePipelineLayout(VkDevice,
                                                      const VkPipelineLayoutCreateInfo* info,
                                                      const VkAllocationCallbacks* callbacks,
                                                      VkPipelineLayout* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&]() -> VkResult {
    PipelineLayout layout;
    for (std::uint32_t i = 0; i < info->setLayoutCount; ++i) {
      const SetLayout* set = of(info->pSetLayouts[i]);
      layout.sets.push_back(set ? set->shape : nullptr);
    }
    for (std::uint32_t i = 0; i < info->pushConstantRangeCount; ++i) {
      const VkPushConstantRange& range = info->pPushConstantRanges[i];
      if (range.offset > kMaxPushConstants || range.size > kMaxPushConstants - range.offset) {
        report(SOKR_LOG_ERROR, "vkCreatePipelineLayout: push constants end behind byte " +
                                   std::to_string(kMaxPushConstants));
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
      }
      layout.push_size = std::max(layout.push_size, range.offset + range.size);
    }
    return create<PipelineLayout>(callbacks, out, std::move(layout));
  });
}
VKAPI_ATTR void VKAPI_CALL vkDestroyPipelineLayout(VkDevice, VkPipelineLayout handle,
                                                   const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateComputePipelines(VkDevice device, VkPipelineCache,
                                                        std::uint32_t count,
                                                        const VkComputePipelineCreateInfo* infos,
                                                        const VkAllocationCallbacks* callbacks,
                                                        VkPipeline* out) {
  std::fill_n(out, count, VkPipeline{VK_NULL_HANDLE});
  return guarded([&] { return create_pipelines(*of(device), count, infos, callbacks, out); });
}
VKAPI_ATTR void VKAPI_CALL vkDestroyPipeline(VkDevice, VkPipeline handle,
                                             const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePipelineCache(VkDevice, const VkPipelineCacheCreateInfo*,
                                                     const VkAllocationCallbacks* callbacks,
                                                     VkPipelineCache* out) {
  return create<PipelineCache>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyPipelineCache(VkDevice, VkPipelineCache handle,
                                                  const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkMergePipelineCaches(VkDevice, VkPipelineCache, std::uint32_t,
                                                     const VkPipelineCache*) {
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetPipelineCacheData(VkDevice handle, VkPipelineCache,
                                                      std::size_t* size, void* out) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(reinterpret_cast<VkPhysicalDevice>(of(handle)->physical),
                                &properties);
  VkPipelineCacheHeaderVersionOne header{};
  header.headerSize = sizeof header;
  header.headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE;
  header.vendorID = properties.vendorID;
  header.deviceID = properties.deviceID;
  std::memcpy(header.pipelineCacheUUID, properties.pipelineCacheUUID, VK_UUID_SIZE);
  static_assert(sizeof header == 32);
  if (!out) {
    *size = sizeof header;
    return VK_SUCCESS;
  }
  if (*size < sizeof header) {
    *size = 0;
    return VK_INCOMPLETE;
  }
  std::memcpy(out, &header, sizeof header);
  *size = sizeof header;
  return VK_SUCCESS;
}

}  // namespace sokr::icd
