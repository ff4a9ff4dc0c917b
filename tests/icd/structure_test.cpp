// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every structure of the registry, known to the driver or not, wherever it may be chained: answers
// are as long as their structures and no longer, and nothing that is chained to what is created
// does harm. The rows are written by structures.py.
#include <algorithm>
#include <functional>

#include "gpu.hpp"

namespace sokr::test {
namespace {

struct Row {
  VkStructureType type;
  std::size_t size;
  const char* name;
  const char* extends;  // names, each between commas
};
constexpr Row kRows[] = {
#include "structures.inc"
};

std::vector<const Row*> extending(const std::string& base) {
  std::vector<const Row*> found;
  for (const Row& row : kRows) {
    if (std::strstr(row.extends, ("," + base + ",").c_str())) found.push_back(&row);
  }
  return found;
}

// One structure in memory of its own, all bytes alike, with as much behind it that must stay.
class Chained {
 public:
  Chained(const Row& row, int fill, void* next)
      : row_(row), fill_(fill), bytes_(row.size + kGuard) {
    std::fill(bytes_.begin(), bytes_.end(), static_cast<unsigned char>(fill));
    *head() = {row.type, static_cast<VkBaseOutStructure*>(next)};
    next_ = next;
  }
  VkBaseOutStructure* head() { return reinterpret_cast<VkBaseOutStructure*>(bytes_.data()); }

  void expect_whole() {
    EXPECT_EQ(row_.type, head()->sType) << row_.name;
    EXPECT_EQ(next_, head()->pNext) << row_.name;
    EXPECT_TRUE(std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(row_.size), bytes_.end(),
                            [&](unsigned char byte) { return byte == fill_; }))
        << row_.name << " was written beyond its end";
  }
  // What follows the head, and not what it is padded with.
  std::vector<unsigned char> body() const {
    return {bytes_.begin() + sizeof(VkBaseOutStructure),
            bytes_.begin() + static_cast<std::ptrdiff_t>(row_.size)};
  }
  // Features are all there or not there, or the driver does not know the structure.
  void expect_booleans() {
    const std::vector<unsigned char> all = body();
    if (std::all_of(all.begin(), all.end(), [&](unsigned char byte) { return byte == fill_; }))
      return;
    // A structure that does not end at a multiple of 8 is padded.
    const VkBool32 filled = fill_ * 0x01010101u;
    for (std::size_t i = 0; i + sizeof(VkBool32) <= all.size(); i += sizeof(VkBool32)) {
      VkBool32 value;
      std::memcpy(&value, all.data() + i, sizeof value);
      const bool is_padding = value == filled && i + sizeof value == all.size();
      EXPECT_TRUE(value <= 1 || is_padding) << row_.name << ", member " << i / 4 << ": " << value;
    }
  }
  const Row& row() const { return row_; }

 private:
  static constexpr std::size_t kGuard = 64;
  const Row& row_;
  unsigned char fill_;
  std::vector<unsigned char> bytes_;
  void* next_ = nullptr;
};

// Asks with each structure alone, and with all of them at once: the answers are the same.
void ask(
    const char* base, const std::function<void(void*)>& query,
    const std::function<void(Chained&)>& check = [](Chained&) {}) {
  const std::vector<const Row*> rows = extending(base);
  ASSERT_FALSE(rows.empty()) << base;
  std::vector<Chained> alone, together;
  alone.reserve(rows.size());
  together.reserve(rows.size());
  for (const Row* row : rows) {
    query(alone.emplace_back(*row, 0xee, nullptr).head());
    void* next = together.empty() ? nullptr : together.back().head();
    together.emplace_back(*row, 0xee, next);
  }
  query(together.back().head());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    alone[i].expect_whole();
    together[i].expect_whole();
    check(together[i]);
    // How much memory is left may be another value by now.
    if (rows[i]->type != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT) {
      EXPECT_EQ(alone[i].body(), together[i].body()) << rows[i]->name;
    }
  }
}

TEST(Structures, OfFeaturesAreFilledWithBooleans) {
  Gpu gpu;
  ask(
      "VkPhysicalDeviceFeatures2",
      [&](void* chain) {
        VkPhysicalDeviceFeatures2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, chain, {}};
        vkGetPhysicalDeviceFeatures2(gpu.physical, &all);
      },
      [](Chained& structure) { structure.expect_booleans(); });
}

TEST(Structures, OfAnswersAreWrittenToTheirEndAndNoFurther) {
  Gpu gpu;
  ask("VkPhysicalDeviceProperties2", [&](void* chain) {
    VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, chain, {}};
    vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  });
  ask("VkPhysicalDeviceMemoryProperties2", [&](void* chain) {
    VkPhysicalDeviceMemoryProperties2 all{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, chain, {}};
    vkGetPhysicalDeviceMemoryProperties2(gpu.physical, &all);
  });
  ask("VkQueueFamilyProperties2", [&](void* chain) {
    VkQueueFamilyProperties2 family{VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2, chain, {}};
    std::uint32_t count = 1;
    vkGetPhysicalDeviceQueueFamilyProperties2(gpu.physical, &count, &family);
  });
  for (const VkFormat format :
       {VK_FORMAT_UNDEFINED, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_D32_SFLOAT}) {
    ask("VkFormatProperties2", [&](void* chain) {
      VkFormatProperties2 all{VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, chain, {}};
      vkGetPhysicalDeviceFormatProperties2(gpu.physical, format, &all);
    });
    ask("VkImageFormatProperties2", [&](void* chain) {
      VkPhysicalDeviceImageFormatInfo2 info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2};
      info.format = format;
      info.type = VK_IMAGE_TYPE_2D;
      info.tiling = VK_IMAGE_TILING_LINEAR;
      info.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
      VkImageFormatProperties2 all{VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, chain, {}};
      vkGetPhysicalDeviceImageFormatProperties2(gpu.physical, &info, &all);
    });
  }
  ask("VkMemoryRequirements2", [&](void* chain) {
    Memory memory(gpu, 64);
    VkBufferMemoryRequirementsInfo2 of{VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2, nullptr,
                                       memory.buffer};
    VkMemoryRequirements2 all{VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, chain, {}};
    vkGetBufferMemoryRequirements2(gpu.device, &of, &all);
  });
  ask("VkDescriptorSetLayoutSupport", [&](void* chain) {
    VkDescriptorSetLayoutCreateInfo of{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    VkDescriptorSetLayoutSupport all{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_SUPPORT, chain, 0};
    vkGetDescriptorSetLayoutSupport(gpu.device, &of, &all);
  });
}

// Creates with each structure alone and with all of them at once. They are empty, which not all of
// them may be: what comes of it is a result, and what was created is destroyed again.
template <class Info, class Handle>
void create(const char* base, Info info, VkResult (*make)(Info&, Handle*),
            void (*destroy)(Handle)) {
  const std::vector<const Row*> rows = extending(base);
  ASSERT_FALSE(rows.empty()) << base;
  const auto once = [&](void* chain) {
    info.pNext = chain;
    Handle made = VK_NULL_HANDLE;
    if (make(info, &made) == VK_SUCCESS) {
      EXPECT_NE(Handle{VK_NULL_HANDLE}, made) << base;
      destroy(made);
    }
  };
  std::vector<Chained> together;
  together.reserve(rows.size());
  for (const Row* row : rows) {
    Chained alone(*row, 0, nullptr);
    SCOPED_TRACE(row->name);
    once(alone.head());
    alone.expect_whole();
    void* next = together.empty() ? nullptr : together.back().head();
    together.emplace_back(*row, 0, next);
  }
  once(together.back().head());
  for (Chained& structure : together) structure.expect_whole();
}

Gpu* gpu_of_test = nullptr;

// Not valid usage, but for some: tests of that kind have Invalid in their names.
TEST(Structures, EmptyOnesAreInvalidAndDoNoHarmToWhatIsCreated) {
  Gpu gpu;
  gpu_of_test = &gpu;
#define SOKR_CREATE(Name, info)                                        \
  create<Vk##Name##CreateInfo, Vk##Name>(                              \
      "Vk" #Name "CreateInfo", info,                                   \
      [](Vk##Name##CreateInfo& i, Vk##Name* made) {                    \
        return vkCreate##Name(gpu_of_test->device, &i, nullptr, made); \
      },                                                               \
      [](Vk##Name made) { vkDestroy##Name(gpu_of_test->device, made, nullptr); })
  VkBufferCreateInfo buffer{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  buffer.size = 64;
  buffer.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  SOKR_CREATE(Buffer, buffer);
  VkImageCreateInfo image{VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
  image.imageType = VK_IMAGE_TYPE_2D;
  image.format = VK_FORMAT_R8G8B8A8_UNORM;
  image.extent = {4, 4, 1};
  image.mipLevels = image.arrayLayers = 1;
  image.samples = VK_SAMPLE_COUNT_1_BIT;
  image.tiling = VK_IMAGE_TILING_LINEAR;
  image.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
  SOKR_CREATE(Image, image);
  SOKR_CREATE(Fence, VkFenceCreateInfo{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO});
  SOKR_CREATE(Semaphore, VkSemaphoreCreateInfo{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO});
  SOKR_CREATE(Sampler, VkSamplerCreateInfo{VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO});
  VkQueryPoolCreateInfo queries{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
  queries.queryCount = 1;
  SOKR_CREATE(QueryPool, queries);
  const VkDescriptorSetLayoutBinding binding = storage_buffers(1).front();
  VkDescriptorSetLayoutCreateInfo layout{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  layout.bindingCount = 1;
  layout.pBindings = &binding;
  SOKR_CREATE(DescriptorSetLayout, layout);
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
  VkDescriptorPoolCreateInfo pool{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pool.maxSets = 1;
  pool.poolSizeCount = 1;
  pool.pPoolSizes = &size;
  SOKR_CREATE(DescriptorPool, pool);
  const std::vector<std::uint32_t> words = test_kernel("place");
  VkShaderModuleCreateInfo module{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module.codeSize = words.size() * sizeof(std::uint32_t);
  module.pCode = words.data();
  SOKR_CREATE(ShaderModule, module);
#undef SOKR_CREATE
  VkMemoryAllocateInfo memory{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  memory.allocationSize = 4096;
  create<VkMemoryAllocateInfo, VkDeviceMemory>(
      "VkMemoryAllocateInfo", memory,
      [](VkMemoryAllocateInfo& info, VkDeviceMemory* made) {
        return vkAllocateMemory(gpu_of_test->device, &info, nullptr, made);
      },
      [](VkDeviceMemory made) { vkFreeMemory(gpu_of_test->device, made, nullptr); });
  // The device comes last, since what it leaves is seen by none of the others.
  static const float priority = 1.0f;
  static VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo device{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  device.queueCreateInfoCount = 1;
  device.pQueueCreateInfos = &queue;
  create<VkDeviceCreateInfo, VkDevice>(
      "VkDeviceCreateInfo", device,
      [](VkDeviceCreateInfo& info, VkDevice* made) {
        return vkCreateDevice(gpu_of_test->physical, &info, nullptr, made);
      },
      [](VkDevice made) { vkDestroyDevice(made, nullptr); });
  EXPECT_EQ(VK_SUCCESS, vkDeviceWaitIdle(gpu.device));
}

// A chain of a pipeline hangs at the pipeline and at its stage.
TEST(Structures, EmptyOnesAreInvalidAndDoNoHarmToPipelines) {
  Gpu gpu;
  for (const char* base : {"VkPipelineShaderStageCreateInfo", "VkComputePipelineCreateInfo"}) {
    const bool of_stage = std::strcmp(base, "VkComputePipelineCreateInfo") != 0;
    for (const Row* row : extending(base)) {
      SCOPED_TRACE(row->name);
      Chained chained(*row, 0, nullptr);
      const Kernel plain(gpu, shared_kernel("saxpy"), storage_buffers(2), {});
      VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
      info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
      info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
      info.stage.module = plain.module;
      info.stage.pName = "main";
      info.layout = plain.layout;
      (of_stage ? info.stage.pNext : info.pNext) = chained.head();
      VkPipeline made = VK_NULL_HANDLE;
      const VkResult result =
          vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &info, nullptr, &made);
      EXPECT_EQ(result == VK_SUCCESS, made != VK_NULL_HANDLE);
      if (made) vkDestroyPipeline(gpu.device, made, nullptr);
      chained.expect_whole();
    }
  }
}

TEST(Structures, EmptyOnesAreInvalidAndDoNoHarmToSubmits) {
  Gpu gpu;
  for (const Row* row : extending("VkSubmitInfo")) {
    SCOPED_TRACE(row->name);
    Chained chained(*row, 0, nullptr);
    Memory memory(gpu, 64);
    const VkCommandBuffer commands = begin(gpu);
    vkCmdFillBuffer(commands, memory.buffer, 0, VK_WHOLE_SIZE, 7);
    ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, chained.head()};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE));
    ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
    EXPECT_EQ(7u, memory.as<std::uint32_t>()[15]);
  }
}

}  // namespace
}  // namespace sokr::test
