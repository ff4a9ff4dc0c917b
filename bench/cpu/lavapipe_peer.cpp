// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Software Vulkan drivers as a program written for them would use them: persistent mapped buffers
// and the raw loop of bench/vulkan.
#define VOLK_IMPLEMENTATION
#include <fmt/format.h>
#include <volk.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>

#include "../lavapipe.hpp"
#include "../vulkan/raw_loop.hpp"
#include "peer.hpp"

namespace sokr::bench {
namespace {

// Of the environment, as long as it is there; then it is what it was. The loader reads it when an
// instance is made.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* const given = std::getenv(name)) before_ = given;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

struct Device {
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  VolkDeviceTable functions{};  // of `device`
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

// A mapped buffer.
class Memory {
 public:
  Memory(const Device& device, VkDeviceSize size) : device_(device), size_(size) {
    try {
      create();
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~Memory() { destroy(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  VkBuffer buffer() const { return buffer_; }
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(mapped_), size_}; }

 private:
  void create() {
    VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    info.size = size_;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    expect(vkCreateBuffer(device_.device, &info, nullptr, &buffer_), "vkCreateBuffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device_.device, buffer_, &needs);
    VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocate.allocationSize = needs.size;
    allocate.memoryTypeIndex = device_.memory_type;
    expect(vkAllocateMemory(device_.device, &allocate, nullptr, &memory_), "vkAllocateMemory");
    expect(vkBindBufferMemory(device_.device, buffer_, memory_, 0), "vkBindBufferMemory");
    expect(vkMapMemory(device_.device, memory_, 0, VK_WHOLE_SIZE, 0, &mapped_), "vkMapMemory");
  }
  void destroy() {
    vkDestroyBuffer(device_.device, buffer_, nullptr);
    vkFreeMemory(device_.device, memory_, nullptr);
  }

  const Device& device_;
  VkDeviceSize size_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  void* mapped_ = nullptr;
};

class LavapipeRunner final : public Runner {
 public:
  LavapipeRunner(const Device& device, const Workload& workload,
                 std::span<const std::byte> module) {
    for (const BufferSpec& spec : workload.buffers)
      memory_.push_back(std::make_unique<Memory>(device, spec.initial.size()));
    std::vector<VkDescriptorBufferInfo> buffers;
    for (const View& view : workload.bindings())
      buffers.push_back({memory_[view.buffer]->buffer(), view.offset, view.size});
    std::vector<VkSpecializationMapEntry> entries;
    for (std::uint32_t i = 0; i < workload.specialization.size(); ++i)
      entries.push_back(
          {workload.specialization[i].id,
           static_cast<std::uint32_t>(i * sizeof(Specialization) + offsetof(Specialization, word)),
           4});
    const VkSpecializationInfo specialization{
        static_cast<std::uint32_t>(entries.size()), entries.data(),
        workload.specialization.size() * sizeof(Specialization), workload.specialization.data()};
    RawLoopOptions options;
    options.device = device.device;
    options.functions = &device.functions;
    options.queue_family = device.family;
    options.buffers = buffers;
    options.module = module;
    if (!entries.empty()) options.specialization = &specialization;
    options.push = std::as_bytes(std::span(workload.push));
    options.groups = workload.groups;
    loop_.emplace(options);
  }

  void launch() override {
    loop_->submit();
    loop_->wait();
  }
  void write(std::size_t buffer, std::span<const std::byte> bytes) override {
    std::memcpy(memory_[buffer]->bytes().data(), bytes.data(), bytes.size());
  }
  Bytes read(std::size_t buffer) override {
    const auto bytes = memory_[buffer]->bytes();
    return {bytes.begin(), bytes.end()};
  }

 private:
  std::vector<std::unique_ptr<Memory>> memory_;
  std::optional<RawLoop> loop_;
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

// A driver that runs on the processor.
struct Driver {
  VkDriverId id;
  const char *name, *package;
};

bool choose_physical(Device& device, const Driver& wanted) {
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
    if (driver.driverID != wanted.id) continue;
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
    throw std::runtime_error("it has no coherent memory");
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device.physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device.physical, &count, families.data());
  while (device.family < count && !(families[device.family].queueFlags & VK_QUEUE_COMPUTE_BIT))
    ++device.family;
  if (device.family == count) throw std::runtime_error("it has no compute queue");
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
  volkLoadDeviceTable(&device.functions, device.device);
}

std::unique_ptr<Peer> make_peer(const Driver& driver, std::string& reason) {
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
  if (!choose_physical(*device, driver)) {
    reason = fmt::format("no Vulkan device is {} ({})", driver.name, driver.package);
    return nullptr;
  }
  choose_memory_and_queue(*device);
  create_device(*device);
  return std::make_unique<LavapipePeer>(std::move(device));
}

}  // namespace

std::unique_ptr<Peer> make_lavapipe_peer(std::string& reason) {
  const Driver driver{VK_DRIVER_ID_MESA_LLVMPIPE, "lavapipe", "mesa-vulkan-drivers"};
  const std::string manifest = lavapipe_manifest();
  if (manifest.empty()) {
    reason = fmt::format("no driver is {} ({})", driver.name, driver.package);
    return nullptr;
  }
  const Variable old_name("VK_ICD_FILENAMES", manifest), name("VK_DRIVER_FILES", manifest);
  std::unique_ptr<Peer> peer = make_peer(driver, reason);
  if (!peer) throw std::runtime_error(fmt::format("{}, although there is {}", reason, manifest));
  return peer;
}

std::unique_ptr<Peer> make_swiftshader_peer(std::string& reason) {
  constexpr const char* kManifest = "/usr/lib/chromium/vk_swiftshader_icd.json";
  if (!std::filesystem::exists(kManifest)) {
    reason = fmt::format("there is no {} (chromium-common)", kManifest);
    return nullptr;
  }
  setenv("VK_ICD_FILENAMES", kManifest, 1);
  setenv("VK_DRIVER_FILES", kManifest, 1);
  return make_peer({VK_DRIVER_ID_GOOGLE_SWIFTSHADER, "SwiftShader", "chromium-common"}, reason);
}

}  // namespace sokr::bench
