// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pipeline.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

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
  std::vector<std::uint32_t> words;      // of a module that is given in place of a handle
  std::string refusal;                   // why it is not even asked
  PipelineCache::Key key{};              // with a cache
  std::shared_ptr<const Program> known;  // that the cache has
  std::size_t same_as = SIZE_MAX;        // of an earlier request, whose kernel serves this one, too
};

// Whether the module has a specialization constant of this id; yes where that cannot be told.
bool has_constant(Device& device, std::span<const std::byte> module, std::uint32_t id) {
  try {
    const Kernel read = device.modules.read(device.substrate, instance_of(device), module);
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

void take_specializations(const VkSpecializationInfo* given, Device& device,
                          std::span<const std::byte> module, Request& request) {
  for (std::uint32_t i = 0; given && i < given->mapEntryCount; ++i) {
    const VkSpecializationMapEntry& entry = given->pMapEntries[i];
    const bool inside =
        entry.offset <= given->dataSize && entry.size <= given->dataSize - entry.offset;
    const bool sized = entry.size == 1 || entry.size == 2 || entry.size == 4 || entry.size == 8;
    // What no constant of the module carries has no effect.
    if (inside && !sized && !has_constant(device, module, entry.constantID)) continue;
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

void take_stage(const VkPipelineShaderStageCreateInfo& stage, Device& device, Request& request) {
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
  take_specializations(stage.pSpecializationInfo, device,
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

// All that the kernel is made of, and not how the pipeline is laid out.
PipelineCache::Key key_of(const SokrKernelInfo& info) {
  static_assert(sizeof(SokrSpecialization) == 16, "no padding, which would be anything");
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  const std::uint64_t head[] = {info.ir_size, std::strlen(info.entry), info.specialization_count,
                                info.subgroup_size};
  XXH3_128bits_update(&state, head, sizeof head);
  XXH3_128bits_update(&state, info.ir_data, info.ir_size);
  XXH3_128bits_update(&state, info.entry, head[1]);
  if (info.specialization_count) {
    XXH3_128bits_update(&state, info.specializations,
                        info.specialization_count * sizeof(SokrSpecialization));
  }
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
  PipelineCache::Key key;
  static_assert(sizeof digest.digest == sizeof key);
  std::copy_n(digest.digest, key.size(), key.begin());
  return key;
}

std::uint32_t access_of(const SokrIrBinding& binding) {
  const std::uint32_t access = binding.access & (SOKR_IR_READ | SOKR_IR_WRITE);
  return access ? access : static_cast<std::uint32_t>(SOKR_ACCESS_READ);
}

// What the kernel declares, as these specializations make it. A sentence if it cannot be known.
std::string reflect(Device& device, const SokrKernelInfo& kernel, Program& out) {
  try {
    const Kernel read =
        device.modules.read(device.substrate, instance_of(device),
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

void report_failure(VkInstance of, std::uint32_t index, const std::string& why) {
  report(of, SOKR_LOG_ERROR,
         "vkCreateComputePipelines: pipeline " + std::to_string(index) + ": " + why);
}

// Has all requests prepared at once that need it, on all cores; where one is refused, each by
// itself.
std::vector<SokrKernel> prepare(Device& device, std::vector<Request>& requests,
                                std::vector<VkResult>& results) {
  const SubstrateInUse& substrate = device.substrate;
  std::vector<const SokrKernelInfo*> infos;
  std::vector<std::uint32_t> which;
  std::vector<SokrKernel> kernels(requests.size()), made(requests.size());
  for (std::uint32_t i = 0; i < requests.size(); ++i) {
    if (results[i] != VK_SUCCESS || requests[i].known || requests[i].same_as != SIZE_MAX) continue;
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
    report_failure(instance_of(device), which[i], substrate.last_error());
  }
  return kernels;
}

// Of a pipeline that was not begun with, a failure before it having ended all, nothing is said.
void give_feedback(const VkComputePipelineCreateInfo& info, bool was_begun, bool was_compiled,
                   std::chrono::steady_clock::duration taken) {
  const auto* feedback = find<VkPipelineCreationFeedbackCreateInfo>(info.pNext);
  if (!feedback) return;
  VkPipelineCreationFeedback given{};
  if (was_begun) {
    given.flags = VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT;
    given.duration = static_cast<std::uint64_t>(std::chrono::nanoseconds(taken).count());
  }
  if (was_compiled) given.flags |= VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT;
  if (feedback->pPipelineCreationFeedback) *feedback->pPipelineCreationFeedback = given;
  const std::uint32_t stages =
      feedback->pPipelineStageCreationFeedbacks ? feedback->pipelineStageCreationFeedbackCount : 0;
  for (std::uint32_t i = 0; i < stages; ++i) {
    feedback->pPipelineStageCreationFeedbacks[i] = given;
  }
}

// What each request asks for, as far as there is an answer without the substrate. Returns how many
// are to be made: a failure may end it.
std::size_t take_requests(Device& device, const PipelineCache* cache,
                          std::span<const VkComputePipelineCreateInfo> infos,
                          std::vector<Request>& requests, std::vector<VkResult>& results) {
  std::map<PipelineCache::Key, std::size_t> earlier;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    Request& request = requests[i];
    const VkPipelineCreateFlags flags = infos[i].flags;
    const bool must_be_known =
        (flags & VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) != 0;
    if (!must_be_known || cache) take_stage(infos[i].stage, device, request);
    if (cache && request.refusal.empty()) {
      request.key = key_of(request.info);
      request.known = cache->find(request.key);
      const auto [place, is_first] = earlier.emplace(request.key, i);
      if (!is_first && !request.known) request.same_as = place->second;
    }
    const bool is_known = request.known || request.same_as != SIZE_MAX;
    if (!request.refusal.empty()) {
      results[i] = VK_ERROR_UNKNOWN;
      report_failure(instance_of(device), static_cast<std::uint32_t>(i), request.refusal);
    } else if (must_be_known && !is_known) {
      results[i] = VK_PIPELINE_COMPILE_REQUIRED;
      earlier.erase(request.key);
    }
    if (results[i] != VK_SUCCESS && (flags & VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT)) {
      return i + 1;
    }
  }
  return infos.size();
}

// The program of a request, whose kernel is prepared; a result in place of it.
VkResult program_for(Device& device, std::uint32_t index, const Request& request,
                     std::shared_ptr<Program> fresh, std::shared_ptr<const Program>& out) {
  const std::string why = reflect(device, request.info, *fresh);
  if (!why.empty()) {
    report_failure(instance_of(device), index, why);
    return VK_ERROR_INVALID_SHADER_NV;
  }
  out = std::move(fresh);
  return VK_SUCCESS;
}

VkResult create_pipelines(Device& device, PipelineCache* cache, std::uint32_t count,
                          const VkComputePipelineCreateInfo* infos,
                          const VkAllocationCallbacks* callbacks, VkPipeline* out) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Request> requests(count);
  std::vector<VkResult> results(count, VK_SUCCESS);
  std::vector<std::shared_ptr<Program>> fresh(count);
  std::vector<std::shared_ptr<const Program>> programs(count);
  for (std::shared_ptr<Program>& one : fresh) {
    one = std::make_shared<Program>();
    one->substrate = &device.substrate;
  }
  const std::size_t begun = take_requests(device, cache, {infos, count}, requests, results);
  requests.resize(begun);
  const std::vector<SokrKernel> kernels = prepare(device, requests, results);
  for (std::size_t i = 0; i < begun; ++i) fresh[i]->kernel = kernels[i];
  VkResult all = VK_SUCCESS;
  bool stopped = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool is_made = i < begun && !stopped && results[i] == VK_SUCCESS;
    bool was_compiled = false;
    if (is_made) {
      const Request& request = requests[i];
      if (request.known) {
        programs[i] = request.known;
        was_compiled = request.known->is_compiled();
      } else if (request.same_as != SIZE_MAX) {
        programs[i] = programs[request.same_as];
        results[i] = results[request.same_as];
      } else {
        results[i] = program_for(device, i, request, std::move(fresh[i]), programs[i]);
        if (cache && programs[i]) cache->add(request.key, programs[i]);
      }
      if (programs[i]) results[i] = create<Pipeline>(callbacks, &out[i], programs[i]);
    }
    give_feedback(infos[i], i < begun && !stopped, was_compiled,
                  std::chrono::steady_clock::now() - start);
    if (results[i] == VK_SUCCESS) continue;
    if (all == VK_SUCCESS || all == VK_PIPELINE_COMPILE_REQUIRED) all = results[i];
    stopped = stopped || (infos[i].flags & VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT) != 0;
  }
  return all;
}

}  // namespace

std::shared_ptr<const Program> PipelineCache::find(const Key& key) const {
  if (is_forked()) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = programs_.find(key);
  return found == programs_.end() ? nullptr : found->second;
}

void PipelineCache::add(const Key& key, std::shared_ptr<const Program> program) {
  std::lock_guard lock(mutex_);
  programs_.emplace(key, std::move(program));
}

void PipelineCache::add_all_of(const PipelineCache& other) {
  if (this == &other || is_forked()) return;
  const std::scoped_lock lock(mutex_, other.mutex_);
  programs_.insert(other.programs_.begin(), other.programs_.end());
}

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

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePipelineLayout(VkDevice device,
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
        report(instance_of(device), SOKR_LOG_ERROR,
               "vkCreatePipelineLayout: push constants end behind byte " +
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

VKAPI_ATTR VkResult VKAPI_CALL vkCreateComputePipelines(VkDevice device, VkPipelineCache cache,
                                                        std::uint32_t count,
                                                        const VkComputePipelineCreateInfo* infos,
                                                        const VkAllocationCallbacks* callbacks,
                                                        VkPipeline* out) {
  std::fill_n(out, count, VkPipeline{VK_NULL_HANDLE});
  if (is_forked()) return VK_ERROR_OUT_OF_HOST_MEMORY;
  return guarded(
      [&] { return create_pipelines(*of(device), of(cache), count, infos, callbacks, out); });
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
VKAPI_ATTR VkResult VKAPI_CALL vkMergePipelineCaches(VkDevice, VkPipelineCache to,
                                                     std::uint32_t count,
                                                     const VkPipelineCache* from) {
  return guarded([&] {
    for (std::uint32_t i = 0; i < count; ++i) of(to)->add_all_of(*of(from[i]));
    return VK_SUCCESS;
  });
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
