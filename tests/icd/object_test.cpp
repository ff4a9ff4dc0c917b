// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Objects by themselves: what they answer when they are asked, and what they refuse.
#include <array>
#include <cstdlib>

#include "gpu.hpp"

namespace sokr::test {
namespace {

VkBuffer new_buffer(Gpu& gpu, VkDeviceSize size, VkBufferUsageFlags usage) {
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size;
  info.usage = usage;
  VkBuffer buffer = VK_NULL_HANDLE;
  EXPECT_EQ(VK_SUCCESS, vkCreateBuffer(gpu.device, &info, nullptr, &buffer));
  return buffer;
}

TEST(Objects, BuffersOfOneUseHaveOneAlignmentThatIsRightForIt) {
  Gpu gpu;
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(gpu.physical, &properties);
  const VkPhysicalDeviceLimits& limits = properties.limits;
  for (VkBufferUsageFlags usage = 1; usage <= VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT; ++usage) {
    VkDeviceSize alignment = 0;
    for (const VkDeviceSize size : {1u, 3u, 4u, 12u, 20u, 1000u, 4096u, 65537u}) {
      const VkBuffer buffer = new_buffer(gpu, size, usage);
      VkMemoryRequirements needs;
      vkGetBufferMemoryRequirements(gpu.device, buffer, &needs);
      ASSERT_LE(size, needs.size);
      ASSERT_EQ(0u, needs.alignment & (needs.alignment - 1));
      ASSERT_EQ(3u, needs.memoryTypeBits);
      if (alignment) {
        ASSERT_EQ(alignment, needs.alignment) << size;
      }
      alignment = needs.alignment;
      if (usage & VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT) {
        ASSERT_LE(limits.minUniformBufferOffsetAlignment, alignment);
      }
      if (usage & VK_BUFFER_USAGE_STORAGE_BUFFER_BIT) {
        ASSERT_LE(limits.minStorageBufferOffsetAlignment, alignment);
      }
      // Programs cut what they copy at a multiple of it: words of a storage buffer are all there.
      if (!(usage & ~(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                      VK_BUFFER_USAGE_TRANSFER_DST_BIT))) {
        ASSERT_EQ(4u, alignment);
      }
      // Not more than the size, aligned.
      ASSERT_LE(needs.size, (size + alignment - 1) / alignment * alignment);
      VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
      info.size = size;
      info.usage = usage;
      VkDeviceBufferMemoryRequirements asked{VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS};
      asked.pCreateInfo = &info;
      VkMemoryRequirements2 same{VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
      vkGetDeviceBufferMemoryRequirements(gpu.device, &asked, &same);
      ASSERT_EQ(needs.size, same.memoryRequirements.size);
      ASSERT_EQ(needs.alignment, same.memoryRequirements.alignment);
      ASSERT_EQ(needs.memoryTypeBits, same.memoryRequirements.memoryTypeBits);
      vkDestroyBuffer(gpu.device, buffer, nullptr);
    }
  }
}

TEST(Objects, PrivateDataGoesWithItsObject) {
  Gpu gpu;
  VkPrivateDataSlotCreateInfo info{VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO};
  VkPrivateDataSlot slot = VK_NULL_HANDLE, other = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreatePrivateDataSlot(gpu.device, &info, nullptr, &slot));
  ASSERT_EQ(VK_SUCCESS, vkCreatePrivateDataSlot(gpu.device, &info, nullptr, &other));
  const auto take = [&](VkObjectType type, auto handle) {
    const auto object = reinterpret_cast<std::uint64_t>(handle);
    std::uint64_t value = 1;
    vkGetPrivateData(gpu.device, type, object, slot, &value);
    EXPECT_EQ(0u, value) << "of one that was there before, of type " << type;
    EXPECT_EQ(VK_SUCCESS, vkSetPrivateData(gpu.device, type, object, slot, 7));
    EXPECT_EQ(VK_SUCCESS, vkSetPrivateData(gpu.device, type, object, slot, 8));
    vkGetPrivateData(gpu.device, type, object, slot, &value);
    EXPECT_EQ(8u, value);
    vkGetPrivateData(gpu.device, type, object, other, &value);
    EXPECT_EQ(0u, value);
  };
  take(VK_OBJECT_TYPE_DEVICE, gpu.device);
  take(VK_OBJECT_TYPE_QUEUE, gpu.queue);
  Kernel kernel(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  for (int i = 0; i < 64; ++i) {
    const VkSemaphore semaphore = new_semaphore(gpu, true);
    take(VK_OBJECT_TYPE_SEMAPHORE, semaphore);
    vkDestroySemaphore(gpu.device, semaphore, nullptr);
    const VkCommandBuffer commands = begin(gpu);
    take(VK_OBJECT_TYPE_COMMAND_BUFFER, commands);
    vkFreeCommandBuffers(gpu.device, gpu.pool, 1, &commands);
    ASSERT_EQ(VK_SUCCESS, vkResetDescriptorPool(gpu.device, kernel.pool, 0));
    VkDescriptorSetAllocateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    sets.descriptorPool = kernel.pool;
    sets.descriptorSetCount = 1;
    sets.pSetLayouts = &kernel.set_layout;
    ASSERT_EQ(VK_SUCCESS, vkAllocateDescriptorSets(gpu.device, &sets, &kernel.set));
    take(VK_OBJECT_TYPE_DESCRIPTOR_SET, kernel.set);
  }
  vkDestroyPrivateDataSlot(gpu.device, slot, nullptr);
  vkDestroyPrivateDataSlot(gpu.device, other, nullptr);
}

TEST(Objects, MessagesGoToTheMessengersOfTheirInstance) {
  Gpu one, two;
  VkDebugUtilsMessengerCallbackDataEXT data{
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CALLBACK_DATA_EXT};
  data.pMessageIdName = "test";
  data.pMessage = "said to the first";
  vkSubmitDebugUtilsMessageEXT(one.instance, VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
                               VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT, &data);
  EXPECT_NE(std::string::npos, one.messages.find("said to the first"));
  EXPECT_EQ("", two.messages);
}

// What a trace shows of them is judged by command_test.py.
TEST(Objects, LabelsChangeNothing) {
  Gpu gpu;
  Memory a(gpu, 64);
  const auto label = [](const char* name) {
    VkDebugUtilsLabelEXT made{VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT};
    made.pLabelName = name;
    return made;
  };
  const VkDebugUtilsLabelEXT outer = label("outer"), inner = label("inner"), point = label("point"),
                             frame = label("frame");
  vkQueueBeginDebugUtilsLabelEXT(gpu.queue, &frame);
  const VkCommandBuffer commands = begin(gpu);
  vkCmdBeginDebugUtilsLabelEXT(commands, &outer);
  vkCmdBeginDebugUtilsLabelEXT(commands, &inner);
  vkCmdFillBuffer(commands, a.buffer, 0, VK_WHOLE_SIZE, 6);
  vkCmdEndDebugUtilsLabelEXT(commands);
  vkCmdInsertDebugUtilsLabelEXT(commands, &point);
  vkCmdEndDebugUtilsLabelEXT(commands);
  run(gpu, commands);
  vkQueueEndDebugUtilsLabelEXT(gpu.queue);
  EXPECT_EQ(6u, a.as<std::uint32_t>()[0]);
}

TEST(Objects, QueriesThatAreNotThereYetLeaveTheirPlaceAlone) {
  Gpu gpu;
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 4;
  VkQueryPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateQueryPool(gpu.device, &info, nullptr, &pool));
  vkResetQueryPool(gpu.device, pool, 0, 4);
  const VkCommandBuffer commands = begin(gpu);
  vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, pool, 1);
  vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, pool, 3);
  run(gpu, commands);
  std::array<std::uint32_t, 12> words;
  words.fill(0xABABABAB);
  EXPECT_EQ(VK_NOT_READY, vkGetQueryPoolResults(gpu.device, pool, 1, 3, sizeof words, words.data(),
                                                12, VK_QUERY_RESULT_WITH_AVAILABILITY_BIT));
  EXPECT_NE(0xABABABAB, words[0]);
  EXPECT_EQ(1u, words[1]);
  EXPECT_EQ(0xABABABAB, words[2]);
  EXPECT_EQ(0xABABABAB, words[3]);
  EXPECT_EQ(0u, words[4]);
  EXPECT_EQ(1u, words[7]);
  for (unsigned i = 8; i < words.size(); ++i) EXPECT_EQ(0xABABABAB, words[i]);
  std::uint64_t wide[2]{};
  EXPECT_EQ(VK_SUCCESS, vkGetQueryPoolResults(gpu.device, pool, 1, 1, sizeof wide, wide, 16,
                                              VK_QUERY_RESULT_64_BIT));
  EXPECT_EQ(words[0], static_cast<std::uint32_t>(wide[0]));
  EXPECT_EQ(0u, wide[1]);
  vkDestroyQueryPool(gpu.device, pool, nullptr);
}

TEST(Objects, MoreQueriesThanAPoolCanHaveAreRefused) {
  Gpu gpu;
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = UINT32_MAX;
  VkQueryPool pool = VK_NULL_HANDLE;
  EXPECT_EQ(VK_ERROR_OUT_OF_HOST_MEMORY, vkCreateQueryPool(gpu.device, &info, nullptr, &pool));
  EXPECT_EQ(VkQueryPool{VK_NULL_HANDLE}, pool);
}

TEST(Objects, TheCacheSaysWhoseItIs) {
  Gpu gpu;
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  VkPipelineCache cache = VK_NULL_HANDLE, other = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreatePipelineCache(gpu.device, &info, nullptr, &cache));
  std::size_t size = 0;
  ASSERT_EQ(VK_SUCCESS, vkGetPipelineCacheData(gpu.device, cache, &size, nullptr));
  ASSERT_LE(sizeof(VkPipelineCacheHeaderVersionOne), size);
  std::vector<std::byte> data(size);
  std::size_t few = 8;
  EXPECT_EQ(VK_INCOMPLETE, vkGetPipelineCacheData(gpu.device, cache, &few, data.data()));
  EXPECT_EQ(0u, few);
  ASSERT_EQ(VK_SUCCESS, vkGetPipelineCacheData(gpu.device, cache, &size, data.data()));
  VkPipelineCacheHeaderVersionOne header;
  std::memcpy(&header, data.data(), sizeof header);
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(gpu.physical, &properties);
  EXPECT_EQ(VK_PIPELINE_CACHE_HEADER_VERSION_ONE, header.headerVersion);
  EXPECT_EQ(properties.vendorID, header.vendorID);
  EXPECT_EQ(properties.deviceID, header.deviceID);
  EXPECT_EQ(0, std::memcmp(header.pipelineCacheUUID, properties.pipelineCacheUUID, VK_UUID_SIZE));
  info.initialDataSize = size;
  info.pInitialData = data.data();
  ASSERT_EQ(VK_SUCCESS, vkCreatePipelineCache(gpu.device, &info, nullptr, &other));
  EXPECT_EQ(VK_SUCCESS, vkMergePipelineCaches(gpu.device, cache, 1, &other));
  vkDestroyPipelineCache(gpu.device, cache, nullptr);
  vkDestroyPipelineCache(gpu.device, other, nullptr);
}

struct Creation {
  explicit Creation(const Kernel& kernel, VkShaderModule module) {
    info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.layout = kernel.layout;
  }
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
};

TEST(Objects, PipelinesOfOneCallAreMalformedOneByOne) {
  Gpu gpu;
  const Kernel kernel(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  std::vector<std::uint32_t> words = shared_kernel("saxpy");
  words.resize(words.size() / 2);
  VkShaderModuleCreateInfo bad{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  bad.codeSize = words.size() * 4;
  bad.pCode = words.data();
  VkShaderModule malformed = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateShaderModule(gpu.device, &bad, nullptr, &malformed));
  std::array<VkComputePipelineCreateInfo, 3> infos{Creation(kernel, kernel.module).info,
                                                   Creation(kernel, malformed).info,
                                                   Creation(kernel, kernel.module).info};
  std::array<VkPipeline, 3> made{};
  EXPECT_NE(VK_SUCCESS, vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 3, infos.data(),
                                                 nullptr, made.data()));
  EXPECT_NE(VkPipeline{VK_NULL_HANDLE}, made[0]);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, made[1]);
  EXPECT_NE(VkPipeline{VK_NULL_HANDLE}, made[2]);
  for (VkPipeline pipeline : made) vkDestroyPipeline(gpu.device, pipeline, nullptr);
  infos[1].flags = VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT;
  EXPECT_NE(VK_SUCCESS, vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 3, infos.data(),
                                                 nullptr, made.data()));
  EXPECT_NE(VkPipeline{VK_NULL_HANDLE}, made[0]);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, made[1]);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, made[2]);
  vkDestroyPipeline(gpu.device, made[0], nullptr);
  vkDestroyShaderModule(gpu.device, malformed, nullptr);
}

TEST(Objects, PipelinesSayHowTheyCameToBe) {
  Gpu gpu;
  const Kernel kernel(gpu, shared_kernel("saxpy"), storage_buffers(2), {.push_size = 8});
  VkPipelineCreationFeedback all{}, stage{};
  VkPipelineCreationFeedbackCreateInfo feedback{
      VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, nullptr, &all, 1, &stage};
  VkComputePipelineCreateInfo info = Creation(kernel, kernel.module).info;
  info.pNext = &feedback;
  info.flags = VK_PIPELINE_CREATE_ALLOW_DERIVATIVES_BIT;
  VkPipeline pipeline = VK_NULL_HANDLE, derived = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS,
            vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline));
  EXPECT_TRUE(all.flags & VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT);
  EXPECT_LT(0u, all.duration);
  info.flags = VK_PIPELINE_CREATE_DERIVATIVE_BIT;
  info.basePipelineHandle = pipeline;
  info.basePipelineIndex = -1;
  EXPECT_EQ(VK_SUCCESS,
            vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &derived));
  vkDestroyPipeline(gpu.device, derived, nullptr);
  info.pNext = nullptr;
  info.flags = VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT;
  info.basePipelineHandle = VK_NULL_HANDLE;
  EXPECT_EQ(VK_PIPELINE_COMPILE_REQUIRED,
            vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &derived));
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, derived);
  vkDestroyPipeline(gpu.device, pipeline, nullptr);
}

TEST(Objects, HandlesOfOtherProcessesAreRefused) {
  Gpu gpu;
  VkExportSemaphoreCreateInfo semaphores{VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO, nullptr,
                                         VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT};
  VkSemaphoreCreateInfo s{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &semaphores, 0};
  VkSemaphore semaphore = VK_NULL_HANDLE;
  VkExportFenceCreateInfo fences{VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO, nullptr,
                                 VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT};
  VkFenceCreateInfo f{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, &fences, 0};
  VkFence fence = VK_NULL_HANDLE;
  if (!std::getenv("SOKR_TEST_VALIDATED")) {  // which is not valid
    EXPECT_NE(VK_SUCCESS, vkCreateSemaphore(gpu.device, &s, nullptr, &semaphore));
    EXPECT_NE(VK_SUCCESS, vkCreateFence(gpu.device, &f, nullptr, &fence));
  }
  EXPECT_EQ(VkFence{VK_NULL_HANDLE}, fence);
  VkPhysicalDeviceExternalBufferInfo info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO};
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  info.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
  VkExternalBufferProperties properties{VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  vkGetPhysicalDeviceExternalBufferProperties(gpu.physical, &info, &properties);
  EXPECT_EQ(0u, properties.externalMemoryProperties.externalMemoryFeatures);
}

TEST(Objects, ListsThatAreTooShortAreIncomplete) {
  Gpu gpu;
  std::uint32_t count = 0;
  VkPhysicalDevice none{};
  EXPECT_EQ(VK_INCOMPLETE, vkEnumeratePhysicalDevices(gpu.instance, &count, &none));
  EXPECT_EQ(0u, count);
  ASSERT_EQ(VK_SUCCESS,
            vkEnumerateDeviceExtensionProperties(gpu.physical, nullptr, &count, nullptr));
  const std::uint32_t all = count;
  std::vector<VkExtensionProperties> extensions(all);
  count = all - 1;
  EXPECT_EQ(VK_INCOMPLETE,
            vkEnumerateDeviceExtensionProperties(gpu.physical, nullptr, &count, extensions.data()));
  EXPECT_EQ(all - 1, count);
  count = all + 5;
  extensions.resize(count);
  EXPECT_EQ(VK_SUCCESS,
            vkEnumerateDeviceExtensionProperties(gpu.physical, nullptr, &count, extensions.data()));
  EXPECT_EQ(all, count);
  count = 0;
  VkPhysicalDeviceGroupProperties groups{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GROUP_PROPERTIES};
  EXPECT_EQ(VK_INCOMPLETE, vkEnumeratePhysicalDeviceGroups(gpu.instance, &count, &groups));
  count = 1;
  ASSERT_EQ(VK_SUCCESS, vkEnumeratePhysicalDeviceGroups(gpu.instance, &count, &groups));
  EXPECT_EQ(1u, groups.physicalDeviceCount);
  EXPECT_EQ(gpu.physical, groups.physicalDevices[0]);
  count = 0;
  VkQueueFamilyProperties2 family{VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2};
  vkGetPhysicalDeviceQueueFamilyProperties2(gpu.physical, &count, &family);
  EXPECT_EQ(0u, count);
}

}  // namespace
}  // namespace sokr::test
