// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Pipelines that are created again: caches, and requests that must not compile.
#include <array>
#include <atomic>
#include <string_view>

#include "gpu.hpp"

namespace sokr::test {
namespace {

constexpr VkPipelineCreateFlags kKnown = VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT;
constexpr VkPipelineCreateFlags kStopAtIt = VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT;

struct Cached {
  Cached() : kernel(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8}) {
    const VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    EXPECT_EQ(VK_SUCCESS, vkCreatePipelineCache(gpu.device, &info, nullptr, &cache));
    EXPECT_EQ(VK_SUCCESS, vkCreatePipelineCache(gpu.device, &info, nullptr, &other));
  }
  ~Cached() {
    vkDestroyPipelineCache(gpu.device, cache, nullptr);
    vkDestroyPipelineCache(gpu.device, other, nullptr);
  }
  Cached(const Cached&) = delete;
  Cached& operator=(const Cached&) = delete;
  VkComputePipelineCreateInfo info(VkPipelineCreateFlags flags) const {
    VkComputePipelineCreateInfo made{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    made.flags = flags;
    made.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
    made.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    made.stage.module = kernel.module;
    made.stage.pName = "main";
    made.layout = kernel.layout;
    return made;
  }
  // Creates one, which is destroyed again if it is not taken.
  VkResult create(VkPipelineCache with, VkPipelineCreateFlags flags,
                  VkPipelineCreationFeedbackFlags* said = nullptr, VkPipeline* taken = nullptr) {
    VkPipelineCreationFeedback all{};
    const VkPipelineCreationFeedbackCreateInfo feedback{
        VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, nullptr, &all, 0, nullptr};
    VkComputePipelineCreateInfo one = info(flags);
    one.pNext = &feedback;
    VkPipeline pipeline = VK_NULL_HANDLE;
    const VkResult result = vkCreateComputePipelines(gpu.device, with, 1, &one, nullptr, &pipeline);
    EXPECT_EQ(result == VK_SUCCESS, pipeline != VK_NULL_HANDLE);
    if (said) *said = all.flags;
    if (taken) {
      *taken = pipeline;
    } else {
      vkDestroyPipeline(gpu.device, pipeline, nullptr);
    }
    return result;
  }

  Gpu gpu;
  Kernel kernel;
  VkPipelineCache cache = VK_NULL_HANDLE, other = VK_NULL_HANDLE;
};

TEST(Pipelines, AreKnownToTheCacheThatTheyWereMadeWith) {
  Cached c;
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED, c.create(c.cache, kKnown));
  EXPECT_EQ(VK_SUCCESS, c.create(c.cache, 0));
  EXPECT_EQ(VK_SUCCESS, c.create(c.cache, kKnown));
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED, c.create(c.other, kKnown));
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED, c.create(VK_NULL_HANDLE, kKnown));
  EXPECT_EQ(VK_SUCCESS, vkMergePipelineCaches(c.gpu.device, c.other, 1, &c.cache));
  EXPECT_EQ(VK_SUCCESS, c.create(c.other, kKnown));
}

TEST(Pipelines, AreHitsOnceTheirCodeIsThere) {
  Cached c;
  constexpr auto kHit = VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT;
  VkPipelineCreationFeedbackFlags said = 0;
  VkPipeline pipeline = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, c.create(c.cache, 0, &said, &pipeline));
  EXPECT_EQ(VkPipelineCreationFeedbackFlags{VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT}, said);
  EXPECT_EQ(VK_SUCCESS, c.create(c.cache, 0, &said));
  EXPECT_FALSE(said & kHit) << "nothing was compiled yet";
  Memory x(c.gpu, 256), y(c.gpu, 256);
  c.kernel.write(0, x.buffer);
  c.kernel.write(1, y.buffer);
  x.as<float>()[3] = 2.0f;
  const struct {
    std::uint32_t n;
    float a;
  } push{64, 3.0f};
  const auto launch = [&](VkPipeline with) {
    const VkCommandBuffer commands = begin(c.gpu);
    c.kernel.bind(commands);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, with);
    vkCmdPushConstants(commands, c.kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 8, &push);
    vkCmdDispatch(commands, 1, 1, 1);
    run(c.gpu, commands);
  };
  launch(pipeline);
  vkDestroyPipeline(c.gpu.device, pipeline, nullptr);
  VkPipeline again = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, c.create(c.cache, kKnown, &said, &again));
  EXPECT_TRUE(said & kHit);
  EXPECT_EQ(VK_SUCCESS, c.create(c.other, 0, &said));
  EXPECT_FALSE(said & kHit);
  launch(again);
  EXPECT_EQ(2u * 3 * 2, static_cast<unsigned>(y.as<float>()[3]));
  vkDestroyPipeline(c.gpu.device, again, nullptr);
}

// Each by all that makes another kernel of it.
TEST(Pipelines, OfOtherConstantsAreOthers) {
  Gpu gpu;
  const VkPipelineCacheCreateInfo none{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  VkPipelineCache cache = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreatePipelineCache(gpu.device, &none, nullptr, &cache));
  auto bindings = storage_buffers(3);
  bindings[2].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
  const Kernel kernel(gpu, test_kernel("scale"), bindings);
  ASSERT_EQ(VK_SUCCESS, kernel.result);
  const VkSpecializationMapEntry entry{1, 0, 4};
  const auto create = [&](std::uint32_t value, VkPipelineCreateFlags flags) {
    const VkSpecializationInfo constants{1, &entry, 4, &value};
    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.flags = flags;
    info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = kernel.module;
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &constants;
    info.layout = kernel.layout;
    VkPipeline pipeline = VK_NULL_HANDLE;
    const VkResult result =
        vkCreateComputePipelines(gpu.device, cache, 1, &info, nullptr, &pipeline);
    vkDestroyPipeline(gpu.device, pipeline, nullptr);
    return result;
  };
  EXPECT_EQ(VK_SUCCESS, create(2, 0));
  EXPECT_EQ(VK_SUCCESS, create(2, kKnown));
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED, create(3, kKnown));
  vkDestroyPipelineCache(gpu.device, cache, nullptr);
}

TEST(Pipelines, OfOneCallServeEachOther) {
  Cached c;
  std::array<VkComputePipelineCreateInfo, 4> infos{c.info(kKnown), c.info(0), c.info(kKnown),
                                                   c.info(0)};
  std::array<VkPipeline, 4> made{};
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED,
            vkCreateComputePipelines(c.gpu.device, c.cache, 4, infos.data(), nullptr, made.data()));
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(i == 0, made[i] == VK_NULL_HANDLE) << i;
    vkDestroyPipeline(c.gpu.device, made[i], nullptr);
  }
}

// The module behind the first failure is not even looked at: it would be refused.
TEST(Pipelines, BehindAFailureThatEndsAllAreNotBegunWhoseModuleIsMalformed) {
  Cached c;
  const std::uint32_t words[5] = {1, 2, 3, 4, 5};
  VkShaderModuleCreateInfo bad{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  bad.codeSize = sizeof words;
  bad.pCode = words;
  VkShaderModule malformed = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateShaderModule(c.gpu.device, &bad, nullptr, &malformed));
  std::array<VkComputePipelineCreateInfo, 3> infos{c.info(0), c.info(kKnown | kStopAtIt),
                                                   c.info(0)};
  infos[2].stage.module = malformed;
  VkPipelineCreationFeedback begun{}, behind{};
  const VkPipelineCreationFeedbackCreateInfo first{
      VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, nullptr, &begun, 0, nullptr};
  const VkPipelineCreationFeedbackCreateInfo second{
      VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, nullptr, &behind, 0, nullptr};
  infos[1].pNext = &first;
  infos[2].pNext = &second;
  std::array<VkPipeline, 3> made{};
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED,
            vkCreateComputePipelines(c.gpu.device, VK_NULL_HANDLE, 3, infos.data(), nullptr,
                                     made.data()));
  EXPECT_NE(VkPipeline{VK_NULL_HANDLE}, made[0]);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, made[1]);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, made[2]);
  EXPECT_TRUE(begun.flags & VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT);
  EXPECT_EQ(0u, behind.flags);
  EXPECT_EQ("", c.gpu.messages);
  vkDestroyPipeline(c.gpu.device, made[0], nullptr);
  vkDestroyShaderModule(c.gpu.device, malformed, nullptr);
}

// How often the driver says that it reads a module.
struct Reads {
  explicit Reads(Gpu& its) : gpu(its) {
    VkDebugUtilsMessengerCreateInfoEXT info{
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_VERBOSE_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
    info.pfnUserCallback = take;
    info.pUserData = this;
    EXPECT_EQ(VK_SUCCESS, vkCreateDebugUtilsMessengerEXT(gpu.instance, &info, nullptr, &messenger));
  }
  ~Reads() { vkDestroyDebugUtilsMessengerEXT(gpu.instance, messenger, nullptr); }
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;
  static VKAPI_ATTR VkBool32 VKAPI_CALL take(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                             VkDebugUtilsMessageTypeFlagsEXT,
                                             const VkDebugUtilsMessengerCallbackDataEXT* data,
                                             void* user) {
    static_cast<Reads*>(user)->count +=
        std::string_view(data->pMessage).find("reading a module of ") != std::string_view::npos;
    return VK_FALSE;
  }
  Gpu& gpu;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  std::atomic<int> count{0};
};

// Programs give each pipeline a shader module of its own.
TEST(Pipelines, OfEqualModulesTakeOneReading) {
  Gpu gpu;
  Reads reads(gpu);
  const Kernel one(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  EXPECT_EQ(reads.count, 1);
  const Kernel same(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  EXPECT_EQ(reads.count, 1);
  const Kernel other(gpu, shared_kernel("builtins"), storage_buffers(2));
  EXPECT_EQ(reads.count, 2);
  const Kernel again(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  EXPECT_EQ(reads.count, 2);
}

}  // namespace
}  // namespace sokr::test
