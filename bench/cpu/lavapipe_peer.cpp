// SPDX-License-Identifier: MIT OR Apache-2.0
//
// lavapipe as a program written for it would use it: persistent mapped buffers, one command
// buffer recorded beforehand, one timeline semaphore.
#define VOLK_IMPLEMENTATION
#include <fmt/format.h>
#include <volk.h>

#include <cstring>
#include <stdexcept>

#include "peer.hpp"

namespace sokr::bench {
namespace {

void expect(VkResult result, const char* what) {
  if (result != VK_SUCCESS)
    throw std::runtime_error(fmt::format("{} on lavapipe failed with {}", what, int(result)));
}

struct Device {
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  std::uint32_t family = 0, memory_type = 0;
  std::string description;

  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() {
    if (device) vkDestroyDevice(device, nullptr);
    if (instance) vkDestroyInstance(instance, nullptr);
  }
};

class LavapipeRunner final : public Runner {
 public:
  LavapipeRunner(const Device& device, const Workload& workload, std::span<const std::byte> module)
      : device_(device) {
    try {
      for (const BufferSpec& spec : workload.buffers) create_buffer(spec.initial.size());
      create_pipeline(workload, module);
      create_descriptors();
      record(workload);
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~LavapipeRunner() override { destroy(); }

  void launch() override {
    ++value_;
    VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    values.signalSemaphoreValueCount = 1;
    values.pSignalSemaphoreValues = &value_;
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands_;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &timeline_;
    expect(vkQueueSubmit(device_.queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
    VkSemaphoreWaitInfo wait{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    wait.semaphoreCount = 1;
    wait.pSemaphores = &timeline_;
    wait.pValues = &value_;
    expect(vkWaitSemaphores(device_.device, &wait, UINT64_MAX), "vkWaitSemaphores");
  }
  void write(std::size_t buffer, std::span<const std::byte> bytes) override {
    std::memcpy(buffers_[buffer].mapped, bytes.data(), bytes.size());
  }
  Bytes read(std::size_t buffer) override {
    Bytes bytes(buffers_[buffer].size);
    std::memcpy(bytes.data(), buffers_[buffer].mapped, bytes.size());
    return bytes;
  }

 private:
  struct Memory {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    void* mapped = nullptr;
    VkDeviceSize size = 0;
  };

  void create_buffer(VkDeviceSize size) {
    Memory& made = buffers_.emplace_back();
    made.size = size;
    VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    info.size = size;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    expect(vkCreateBuffer(device_.device, &info, nullptr, &made.buffer), "vkCreateBuffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device_.device, made.buffer, &needs);
    VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocate.allocationSize = needs.size;
    allocate.memoryTypeIndex = device_.memory_type;
    expect(vkAllocateMemory(device_.device, &allocate, nullptr, &made.memory), "vkAllocateMemory");
    expect(vkBindBufferMemory(device_.device, made.buffer, made.memory, 0), "vkBindBufferMemory");
    expect(vkMapMemory(device_.device, made.memory, 0, VK_WHOLE_SIZE, 0, &made.mapped),
           "vkMapMemory");
  }

  void create_pipeline(const Workload& workload, std::span<const std::byte> module) {
    std::vector<VkDescriptorSetLayoutBinding> bindings;
    for (std::uint32_t i = 0; i < buffers_.size(); ++i)
      bindings.push_back(
          {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    set.bindingCount = static_cast<std::uint32_t>(bindings.size());
    set.pBindings = bindings.data();
    expect(vkCreateDescriptorSetLayout(device_.device, &set, nullptr, &set_layout_),
           "vkCreateDescriptorSetLayout");
    const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                    static_cast<std::uint32_t>(workload.push.size())};
    VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = workload.push.empty() ? 0 : 1;
    layout.pPushConstantRanges = &range;
    expect(vkCreatePipelineLayout(device_.device, &layout, nullptr, &layout_),
           "vkCreatePipelineLayout");
    std::vector<std::uint32_t> words(module.size() / 4);
    std::memcpy(words.data(), module.data(), words.size() * 4);
    VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    code.codeSize = words.size() * 4;
    code.pCode = words.data();
    expect(vkCreateShaderModule(device_.device, &code, nullptr, &module_), "vkCreateShaderModule");
    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module_;
    info.stage.pName = "main";
    info.layout = layout_;
    expect(vkCreateComputePipelines(device_.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_),
           "vkCreateComputePipelines");
  }

  void create_descriptors() {
    const VkDescriptorPoolSize size{
        VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        std::max<std::uint32_t>(1, static_cast<std::uint32_t>(buffers_.size()))};
    VkDescriptorPoolCreateInfo pool{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    pool.maxSets = 1;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    expect(vkCreateDescriptorPool(device_.device, &pool, nullptr, &descriptors_),
           "vkCreateDescriptorPool");
    VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    info.descriptorPool = descriptors_;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &set_layout_;
    expect(vkAllocateDescriptorSets(device_.device, &info, &set_), "vkAllocateDescriptorSets");
    for (std::uint32_t i = 0; i < buffers_.size(); ++i) {
      const VkDescriptorBufferInfo buffer{buffers_[i].buffer, 0, VK_WHOLE_SIZE};
      VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
      write.dstSet = set_;
      write.dstBinding = i;
      write.descriptorCount = 1;
      write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
      write.pBufferInfo = &buffer;
      vkUpdateDescriptorSets(device_.device, 1, &write, 0, nullptr);
    }
  }

  void record(const Workload& workload) {
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
    expect(vkCreateSemaphore(device_.device, &semaphore, nullptr, &timeline_), "vkCreateSemaphore");
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = device_.family;
    expect(vkCreateCommandPool(device_.device, &pool, nullptr, &pool_), "vkCreateCommandPool");
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    expect(vkAllocateCommandBuffers(device_.device, &info, &commands_), "vkAllocateCommandBuffers");
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    expect(vkBeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
    vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
    vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                            nullptr);
    if (!workload.push.empty())
      vkCmdPushConstants(commands_, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                         static_cast<std::uint32_t>(workload.push.size()), workload.push.data());
    vkCmdDispatch(commands_, workload.groups[0], workload.groups[1], workload.groups[2]);
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT,
                            VK_ACCESS_HOST_READ_BIT};
    vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    expect(vkEndCommandBuffer(commands_), "vkEndCommandBuffer");
  }

  void destroy() {
    vkDeviceWaitIdle(device_.device);
    vkDestroySemaphore(device_.device, timeline_, nullptr);
    vkDestroyCommandPool(device_.device, pool_, nullptr);
    vkDestroyDescriptorPool(device_.device, descriptors_, nullptr);
    vkDestroyPipeline(device_.device, pipeline_, nullptr);
    vkDestroyShaderModule(device_.device, module_, nullptr);
    vkDestroyPipelineLayout(device_.device, layout_, nullptr);
    vkDestroyDescriptorSetLayout(device_.device, set_layout_, nullptr);
    for (const Memory& memory : buffers_) {
      vkDestroyBuffer(device_.device, memory.buffer, nullptr);
      vkFreeMemory(device_.device, memory.memory, nullptr);
    }
  }

  const Device& device_;
  std::vector<Memory> buffers_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkShaderModule module_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  VkDescriptorPool descriptors_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::uint64_t value_ = 0;
};

class LavapipePeer final : public Peer {
 public:
  explicit LavapipePeer(std::unique_ptr<Device> device) : device_(std::move(device)) {}
  std::string description() const override { return device_->description; }
  std::unique_ptr<Runner> prepare(const Workload& workload,
                                  std::span<const std::byte> module) override {
    return std::make_unique<LavapipeRunner>(*device_, workload, module);
  }

 private:
  std::unique_ptr<Device> device_;
};

// ---- Finding the device -------------------------------------------------------------

bool choose_physical(Device& device) {
  std::uint32_t count = 0;
  expect(vkEnumeratePhysicalDevices(device.instance, &count, nullptr),
         "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> all(count);
  expect(vkEnumeratePhysicalDevices(device.instance, &count, all.data()),
         "vkEnumeratePhysicalDevices");
  for (VkPhysicalDevice physical : all) {
    VkPhysicalDeviceDriverProperties driver{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 properties{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver, {}};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    if (driver.driverID != VK_DRIVER_ID_MESA_LLVMPIPE) continue;
    device.physical = physical;
    device.description = fmt::format("{}, {}", properties.properties.deviceName, driver.driverInfo);
    return true;
  }
  return false;
}

void choose_memory_and_queue(Device& device) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device.physical, &memory);
  constexpr VkMemoryPropertyFlags kWanted =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  while (device.memory_type < memory.memoryTypeCount &&
         (memory.memoryTypes[device.memory_type].propertyFlags & kWanted) != kWanted)
    ++device.memory_type;
  if (device.memory_type == memory.memoryTypeCount)
    throw std::runtime_error("lavapipe has no coherent memory");
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device.physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device.physical, &count, families.data());
  while (device.family < count && !(families[device.family].queueFlags & VK_QUEUE_COMPUTE_BIT))
    ++device.family;
  if (device.family == count) throw std::runtime_error("lavapipe has no compute queue");
}

void create_device(Device& device) {
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &v12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v11, {}};
  vkGetPhysicalDeviceFeatures2(device.physical, &features);
  features.features.robustBufferAccess = VK_FALSE;
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = device.family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  expect(vkCreateDevice(device.physical, &info, nullptr, &device.device), "vkCreateDevice");
  volkLoadDevice(device.device);
  vkGetDeviceQueue(device.device, device.family, 0, &device.queue);
}

}  // namespace

std::unique_ptr<Peer> make_lavapipe_peer(std::string& reason) {
  if (volkInitialize() != VK_SUCCESS) {
    reason = "there is no Vulkan loader (libvulkan.so.1)";
    return nullptr;
  }
  auto device = std::make_unique<Device>();
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  if (vkCreateInstance(&info, nullptr, &device->instance) != VK_SUCCESS) {
    reason = "there is no Vulkan driver";
    return nullptr;
  }
  volkLoadInstance(device->instance);
  if (!choose_physical(*device)) {
    reason = "no Vulkan device is lavapipe (mesa-vulkan-drivers)";
    return nullptr;
  }
  choose_memory_and_queue(*device);
  create_device(*device);
  return std::make_unique<LavapipePeer>(std::move(device));
}

}  // namespace sokr::bench
