// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Command streams and descriptor updates, valid or not, through plain Vulkan. What programs commit
// is committed: descriptors out of range or of memory that was freed, bindings that are missing,
// copies beyond ends, sets that change after they were recorded. Whatever comes of it, no memory
// changes but that of the buffers, and everything ends.
#include <dlfcn.h>
#define VOLK_IMPLEMENTATION
#include <volk.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "fuzzing.hpp"
#include "guarded.hpp"
#include "reader.hpp"

namespace {

using sokr::differential::Guarded;
using sokr::fuzzing::Reader;
using sokr::fuzzing::require;

constexpr std::array<VkDeviceSize, 3> kSizes{512, 64, 1000};  // of memory, with a buffer on each
constexpr std::array<const char*, 4> kKernels{"add_block", "bounds", "gather", "place"};
constexpr std::uint32_t kBindings = 6;
constexpr std::array<VkDescriptorType, kBindings> kTypes{
    VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,         VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
    VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,         VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC,
    VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK};
// Layouts: which types the bindings 0, 1 and so on have.
constexpr std::array<std::array<std::uint8_t, 3>, 4> kLayouts{
    {{0, 2, 0}, {3, 4, 5}, {0, 5, 3}, {5, 0, 1}}};
constexpr std::array<std::uint32_t, 3> kCounts{1, 3, 16};  // elements of binding 0, 1, 2

void check(VkResult result, const char* what) {
  require(result == VK_SUCCESS, what);
}

std::vector<std::uint32_t> read_words(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  require(!bytes.empty(), path);
  std::vector<std::uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), words.size() * 4);
  return words;
}

// The driver itself, without a loader, and one instance.
VkPhysicalDevice open_driver() {
  void* driver = dlopen(SOKR_FUZZ_DRIVER, RTLD_NOW | RTLD_LOCAL);
  require(driver != nullptr, "the driver cannot be opened");
  volkInitializeCustom(
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(driver, "vkGetInstanceProcAddr")));
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_3;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  VkInstance instance = VK_NULL_HANDLE;
  check(vkCreateInstance(&info, nullptr, &instance), "an instance");
  volkLoadInstance(instance);
  std::uint32_t count = 1;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  check(vkEnumeratePhysicalDevices(instance, &count, &physical), "a device");
  require(count == 1, "the driver offers no device");
  return physical;
}

// One device, and what an input may use on it.
class World {
 public:
  World(VkPhysicalDevice physical, Reader& in) : in_(in) {
    create_device(physical);
    create_memory();
    create_layouts();
    create_pipelines();
    create_sets();
    VkCommandPoolCreateInfo pools{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pools.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    check(vkCreateCommandPool(device_, &pools, nullptr, &command_pool_), "a pool");
    VkCommandBufferAllocateInfo buffers{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    buffers.commandPool = command_pool_;
    buffers.commandBufferCount = 2;
    check(vkAllocateCommandBuffers(device_, &buffers, commands_.data()), "command buffers");
    buffers.level = VK_COMMAND_BUFFER_LEVEL_SECONDARY;
    buffers.commandBufferCount = 1;
    check(vkAllocateCommandBuffers(device_, &buffers, &commands_[2]), "command buffers");
    VkQueryPoolCreateInfo queries{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
    queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
    queries.queryCount = 4;
    check(vkCreateQueryPool(device_, &queries, nullptr, &queries_), "queries");
    VkEventCreateInfo events{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
    check(vkCreateEvent(device_, &events, nullptr, &event_), "an event");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    finish();
    for (Piece& piece : pieces_) {
      vkDestroyBuffer(device_, piece.buffer, nullptr);
      vkFreeMemory(device_, piece.memory, nullptr);
    }
    for (VkPipeline pipeline : pipelines_) vkDestroyPipeline(device_, pipeline, nullptr);
    for (VkPipelineLayout layout : layouts_) vkDestroyPipelineLayout(device_, layout, nullptr);
    for (VkDescriptorSetLayout layout : set_layouts_) {
      vkDestroyDescriptorSetLayout(device_, layout, nullptr);
    }
    vkDestroyDescriptorPool(device_, pool_, nullptr);
    vkDestroyCommandPool(device_, command_pool_, nullptr);
    vkDestroyQueryPool(device_, queries_, nullptr);
    vkDestroyEvent(device_, event_, nullptr);
    vkDestroyDevice(device_, nullptr);
    for (const Piece& piece : pieces_) {
      require(!piece.host || piece.host->intact(), "memory beside a buffer has changed");
    }
  }

  void step();

 private:
  struct Piece {
    std::unique_ptr<Guarded> host;  // none: memory of the driver
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
  };

  void create_device(VkPhysicalDevice physical);
  void create_memory();
  void create_layouts();
  void create_pipelines();
  void create_sets();
  Piece new_piece(VkDeviceSize size, bool host, Guarded::Against against);
  VkDescriptorBufferInfo some_range();
  void update();
  void copy_sets();
  void bind();
  void dispatch();
  void transfer();
  void query();
  void submit();
  void lose_memory();
  void finish();

  VkCommandBuffer commands() { return commands_[in_.byte() % commands_.size()]; }
  VkDescriptorSet set() { return sets_[in_.byte() % sets_.size()]; }
  VkBuffer buffer() { return pieces_[in_.byte() % kSizes.size()].buffer; }
  // Where nothing but this target writes: so that counts of workgroups stay small.
  VkBuffer counts() { return pieces_.back().buffer; }

  Reader& in_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::array<Piece, kSizes.size() + 1> pieces_;
  std::array<VkDescriptorSetLayout, kLayouts.size()> set_layouts_{};
  std::array<VkPipelineLayout, kLayouts.size()> layouts_{};
  std::array<VkPipeline, kKernels.size()> pipelines_{};
  VkDescriptorPool pool_ = VK_NULL_HANDLE;
  std::array<VkDescriptorSet, kLayouts.size()> sets_{};
  VkCommandPool command_pool_ = VK_NULL_HANDLE;
  std::array<VkCommandBuffer, 3> commands_{};  // the last is a secondary one
  VkQueryPool queries_ = VK_NULL_HANDLE;
  VkEvent event_ = VK_NULL_HANDLE;
};

void World::create_device(VkPhysicalDevice physical) {
  const float priority = 1;
  VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  const std::array<const char*, 2> extensions{VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
                                              VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME};
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queues;
  info.enabledExtensionCount = extensions.size();
  info.ppEnabledExtensionNames = extensions.data();
  check(vkCreateDevice(physical, &info, nullptr, &device_), "a device");
  volkLoadDevice(device_);
  vkGetDeviceQueue(device_, 0, 0, &queue_);
}

World::Piece World::new_piece(VkDeviceSize size, bool host, Guarded::Against against) {
  Piece piece;
  VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  import.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.allocationSize = size;
  if (host) {
    piece.host = std::make_unique<Guarded>(std::vector<std::byte>(size), against);
    import.pHostPointer = piece.host->bytes().data();
    allocation.pNext = &import;
  }
  check(vkAllocateMemory(device_, &allocation, nullptr, &piece.memory), "memory");
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
  check(vkCreateBuffer(device_, &info, nullptr, &piece.buffer), "a buffer");
  check(vkBindBufferMemory(device_, piece.buffer, piece.memory, 0), "memory of a buffer");
  return piece;
}

void World::create_memory() {
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    pieces_[i] =
        new_piece(kSizes[i], true, i % 2 ? Guarded::Against::kStart : Guarded::Against::kEnd);
  }
  pieces_.back() = new_piece(64, true, Guarded::Against::kEnd);
}

void World::create_layouts() {
  for (std::size_t i = 0; i < kLayouts.size(); ++i) {
    std::array<VkDescriptorSetLayoutBinding, 3> bindings{};
    for (std::uint32_t b = 0; b < 3; ++b) {
      bindings[b] = {b, kTypes[kLayouts[i][b]], kCounts[b], VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    }
    VkDescriptorBindingFlags flags[3]{0, VK_DESCRIPTOR_BINDING_PARTIALLY_BOUND_BIT,
                                      VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT};
    VkDescriptorSetLayoutBindingFlagsCreateInfo chain{
        VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO, nullptr, 3, flags};
    VkDescriptorSetLayoutCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    if (i % 2) info.pNext = &chain;
    info.bindingCount = 3;
    info.pBindings = bindings.data();
    check(vkCreateDescriptorSetLayout(device_, &info, nullptr, &set_layouts_[i]), "a layout");
  }
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    const std::array<VkDescriptorSetLayout, 2> sets{set_layouts_[i], set_layouts_[0]};
    const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, 16};
    VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    info.setLayoutCount = 2;
    info.pSetLayouts = sets.data();
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &range;
    check(vkCreatePipelineLayout(device_, &info, nullptr, &layouts_[i]), "a pipeline's layout");
  }
}

void World::create_pipelines() {
  static const auto modules = [] {
    std::array<std::vector<std::uint32_t>, kKernels.size()> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = read_words(std::string(SOKR_FUZZ_SHADERS) + "/" + kKernels[i] + ".spv");
    }
    return all;
  }();
  for (std::size_t i = 0; i < pipelines_.size(); ++i) {
    VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    code.codeSize = modules[i].size() * 4;
    code.pCode = modules[i].data();
    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, &code};
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.pName = "main";
    info.layout = layouts_[i];
    check(vkCreateComputePipelines(device_, VK_NULL_HANDLE, 1, &info, nullptr, &pipelines_[i]),
          kKernels[i]);
  }
}

void World::create_sets() {
  if (!pool_) {
    std::array<VkDescriptorPoolSize, kBindings> sizes;
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = {kTypes[i], 64};
    VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    info.maxSets = static_cast<std::uint32_t>(sets_.size());
    info.poolSizeCount = sizes.size();
    info.pPoolSizes = sizes.data();
    check(vkCreateDescriptorPool(device_, &info, nullptr, &pool_), "a pool");
  }
  std::array<std::uint32_t, kLayouts.size()> counts{};
  for (std::uint32_t& count : counts) count = in_.byte() % 20;
  VkDescriptorSetVariableDescriptorCountAllocateInfo variable{
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO};
  variable.descriptorSetCount = counts.size();
  variable.pDescriptorCounts = counts.data();
  VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, &variable};
  info.descriptorPool = pool_;
  info.descriptorSetCount = static_cast<std::uint32_t>(sets_.size());
  info.pSetLayouts = set_layouts_.data();
  check(vkAllocateDescriptorSets(device_, &info, sets_.data()), "sets");
}

// ---- One step --------------------------------------------------------------------------------

VkDescriptorBufferInfo World::some_range() {
  if (in_.byte() % 8 == 0) return {VK_NULL_HANDLE, 0, VK_WHOLE_SIZE};
  VkDescriptorBufferInfo info{buffer(), 0, 0};
  info.offset = in_.value();
  info.range = in_.value();
  return info;
}

void World::update() {
  std::array<VkDescriptorBufferInfo, 20> infos;
  for (auto& info : infos) info = some_range();
  const std::array<std::uint32_t, 16> block{1, 2, 3, 4};
  VkWriteDescriptorSetInlineUniformBlock bytes{
      VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK, nullptr, 0, block.data()};
  VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, &bytes};
  write.dstBinding = in_.byte() % 5;
  write.dstArrayElement = in_.byte() % 24;
  write.descriptorCount = in_.byte() % infos.size();
  write.descriptorType = kTypes[in_.byte() % kTypes.size()];
  write.pBufferInfo = infos.data();
  bytes.dataSize = in_.byte() % sizeof block;
  if (write.descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
    write.descriptorCount = bytes.dataSize;
  }
  if (in_.byte() % 2) {
    write.dstSet = set();
    vkUpdateDescriptorSets(device_, 1, &write, 0, nullptr);
    return;
  }
  VkDescriptorUpdateTemplateEntry entry{};
  entry.dstBinding = write.dstBinding;
  entry.dstArrayElement = write.dstArrayElement;
  entry.descriptorCount = std::min<std::uint32_t>(write.descriptorCount, 20);
  entry.descriptorType = write.descriptorType;
  entry.stride = sizeof infos[0];
  VkDescriptorUpdateTemplateCreateInfo info{
      VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO};
  info.descriptorUpdateEntryCount = 1;
  info.pDescriptorUpdateEntries = &entry;
  VkDescriptorUpdateTemplate by = VK_NULL_HANDLE;
  check(vkCreateDescriptorUpdateTemplate(device_, &info, nullptr, &by), "a template");
  if (in_.byte() % 2) {
    vkUpdateDescriptorSetWithTemplate(device_, set(), by, infos.data());
  } else {
    const VkPipelineLayout layout = layouts_[in_.byte() % layouts_.size()];
    vkCmdPushDescriptorSetWithTemplateKHR(commands(), by, layout, in_.byte() % 3, infos.data());
  }
  vkDestroyDescriptorUpdateTemplate(device_, by, nullptr);
}

void World::copy_sets() {
  VkCopyDescriptorSet copy{VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET};
  copy.srcSet = set();
  copy.srcBinding = in_.byte() % 5;
  copy.srcArrayElement = in_.byte() % 24;
  copy.dstSet = set();
  copy.dstBinding = in_.byte() % 5;
  copy.dstArrayElement = in_.byte() % 24;
  copy.descriptorCount = in_.byte() % 40;
  vkUpdateDescriptorSets(device_, 0, nullptr, 1, &copy);
}

void World::bind() {
  const VkCommandBuffer to = commands();
  const std::uint8_t what = in_.byte();
  if (what & 1) {
    vkCmdBindPipeline(to, VK_PIPELINE_BIND_POINT_COMPUTE,
                      pipelines_[in_.byte() % pipelines_.size()]);
  }
  if (what & 2) {
    std::array<std::uint32_t, 24> offsets;
    for (auto& offset : offsets) offset = in_.word();
    const std::array<VkDescriptorSet, 2> sets{set(), set()};
    vkCmdBindDescriptorSets(to, VK_PIPELINE_BIND_POINT_COMPUTE, layouts_[0], in_.byte() % 40,
                            in_.byte() % 3, sets.data(), in_.byte() % offsets.size(),
                            offsets.data());
  }
  if (what & 4) {
    const std::array<std::uint32_t, 4> values{in_.word(), in_.word(), 1, 2};
    const std::uint32_t size = in_.byte() % (sizeof values + 1);
    vkCmdPushConstants(to, layouts_[0], VK_SHADER_STAGE_COMPUTE_BIT, in_.word(), size,
                       values.data());
  }
}

void World::dispatch() {
  const VkCommandBuffer to = commands();
  if (in_.byte() % 4 == 0) {
    std::uint64_t offset = in_.value();
    if (offset < 64) offset = offset / 4 * 4;  // the counts are whole words
    vkCmdDispatchIndirect(to, counts(), offset);
    return;
  }
  vkCmdDispatch(to, in_.byte() % 5, in_.byte() % 3, in_.byte() % 3);
}

void World::transfer() {
  const VkCommandBuffer to = commands();
  const std::array<std::uint8_t, 64> bytes{};
  switch (in_.byte() % 4) {
    case 0: {
      const VkBufferCopy region{in_.value(), in_.value(), in_.value()};
      vkCmdCopyBuffer(to, buffer(), buffer(), 1, &region);
      break;
    }
    case 1:
      vkCmdFillBuffer(to, buffer(), in_.value(), in_.value(), in_.word());
      break;
    case 2:
      vkCmdUpdateBuffer(to, buffer(), in_.value(), in_.byte() % sizeof bytes, bytes.data());
      break;
    default:
      vkCmdFillBuffer(to, counts(), std::uint64_t{in_.byte()} * 4, VK_WHOLE_SIZE, in_.byte() % 5u);
  }
}

void World::query() {
  const VkCommandBuffer to = commands();
  switch (in_.byte() % 6) {
    case 0:
      vkCmdWriteTimestamp(to, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, queries_, in_.word());
      break;
    case 1:
      vkCmdResetQueryPool(to, queries_, in_.word(), in_.word());
      break;
    case 2:
      vkCmdCopyQueryPoolResults(to, queries_, in_.word(), in_.word(), buffer(), in_.value(),
                                in_.value(), in_.byte());
      break;
    case 3: {
      std::array<std::uint64_t, 8> results;
      // Nobody promises that a query is ever written.
      const VkQueryResultFlags flags = in_.byte() & ~VK_QUERY_RESULT_WAIT_BIT;
      vkGetQueryPoolResults(device_, queries_, in_.word(), in_.word(), sizeof results,
                            results.data(), in_.value(), flags);
      break;
    }
    case 4:
      vkCmdSetEvent(to, event_, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
      break;
    default:
      vkCmdWaitEvents(to, 1, &event_, VK_PIPELINE_STAGE_HOST_BIT,
                      VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, nullptr, 0, nullptr, 0, nullptr);
  }
}

void World::submit() {
  const std::array<VkCommandBuffer, 2> all{commands_[in_.byte() % 2], commands_[in_.byte() % 2]};
  for (std::size_t i = 0; i < 2; ++i) vkEndCommandBuffer(commands_[i]);
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = in_.byte() % 3;
  info.pCommandBuffers = all.data();
  // What waits for the event is continued by the queue's own thread, or by this one.
  if (in_.byte() % 2) vkResetEvent(device_, event_);
  vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE);
  finish();
}

// Memory, buffers and sets go while descriptors and recorded commands remember them.
void World::lose_memory() {
  const std::size_t which = in_.byte() % kSizes.size();
  switch (in_.byte() % 3) {
    case 0:
      vkDestroyBuffer(device_, pieces_[which].buffer, nullptr);
      vkFreeMemory(device_, pieces_[which].memory, nullptr);
      require(!pieces_[which].host || pieces_[which].host->intact(), "memory has changed");
      pieces_[which] = new_piece(kSizes[which], in_.byte() % 2 != 0, Guarded::Against::kEnd);
      break;
    case 1:
      check(vkResetDescriptorPool(device_, pool_, 0), "a reset");
      create_sets();
      break;
    default:
      for (VkPipeline pipeline : pipelines_) vkDestroyPipeline(device_, pipeline, nullptr);
      create_pipelines();
  }
}

void World::finish() {
  vkSetEvent(device_, event_);
  vkDeviceWaitIdle(device_);
}

void World::step() {
  switch (in_.byte() % 12) {
    case 0:
      vkBeginCommandBuffer(commands(), nullptr);
      break;
    case 1:
      vkCmdExecuteCommands(commands_[in_.byte() % 2], 1, &commands_[2]);
      break;
    case 2:
      lose_memory();
      break;
    case 3:
    case 4:
      submit();
      break;
    case 5:
    case 6:
      update();
      break;
    case 7:
      copy_sets();
      break;
    case 8:
    case 9:
      bind();
      dispatch();
      break;
    case 10:
      transfer();
      break;
    default:
      query();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VkPhysicalDevice physical = open_driver();
  Reader in(data, size);
  World world(physical, in);
  for (int i = 0; i < 200 && in.more(); ++i) world.step();
  return 0;
}

// A kernel with its sets, which is dispatched and submitted, each by one step.
static sokr::fuzzing::Mutator make_mutator() {
  const std::string sets("\x03\x08\x10\x13", 4);
  const std::string bind("\x08\x00\x03\x00", 4), submit("\x03\x00\x00\x01\x01", 5);
  const std::string update("\x05", 1), transfer("\x0A\x00\x01\x00\x00\x18\x02", 7);
  return {{sets + bind + submit, sets + update + bind + submit + transfer + submit},
          {bind, submit, update, transfer, "\x02", "\x07", "\x01", "\x0B"}};
}
SOKR_FUZZ_MUTATOR(make_mutator);
