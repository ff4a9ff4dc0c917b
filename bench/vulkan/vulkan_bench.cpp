// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What SOKR adds to Vulkan: the same kernel on the same device through sokr_dispatch and
// sokr_completion, and through a hand-written loop that submits one command buffer
// recorded beforehand and waits on a timeline semaphore. The two alternate launch by
// launch in one process; each number is the median over rounds of medians.
//
//   vulkan.added_ns                 one launch on a device buffer, SOKR minus raw
//   vulkan.null_dispatch.vs_raw     the same as a ratio
//   vulkan.host_4k.vs_raw           with 4 KiB of host memory in and out; raw copies as well
//   vulkan.dispatch_call_ns         the dispatch call alone; raw: vkQueueSubmit alone
//   vulkan.raw_submit_ns
#include <fmt/format.h>
#include <sokr/compute.h>
#include <sokr/sokr.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sokr/substrate/exporter.hpp>
#include <vector>

#include "substrate.hpp"

namespace {

using namespace sokr;
using namespace sokr::vulkan;

constexpr int kRounds = 25;
constexpr int kLaunches = 100;
constexpr std::uint64_t kBytes = 4096;
constexpr std::uint32_t kGroups = kBytes / 4 / 64;

template <class T>
T expect(Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "{}\n", result.failure().sentence);
  std::exit(1);
}

void expect(VkResult result) {
  if (result == VK_SUCCESS) return;
  fmt::print(stderr, "{}\n", describe(result));
  std::exit(1);
}

double now_ns() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

std::vector<std::uint8_t> module_bytes() {
  std::ifstream file(SOKR_BENCH_SHADERS "/add_one.spv", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Sample {
  double total = 0, submit = 0;
};

// The loop that somebody writes by hand for exactly this kernel.
class Raw {
 public:
  Raw(const PhysicalDevice& physical, const std::vector<std::uint8_t>& ir)
      : device_(expect(Device::create(physical, Options{}))), vk_(device_->vk()) {
    buffer_ = expect(Buffer::create(*device_, kBytes, MemoryKind::kHost));
    std::memset(buffer_->mapped(), 0, kBytes);
    vk_.vkGetDeviceQueue(handle(), physical.queue_family, 0, &queue_);
    create_pipeline(ir);
    create_descriptors();
    record(physical.queue_family);
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
    expect(vk_.vkCreateSemaphore(handle(), &info, nullptr, &timeline_));
  }
  ~Raw() {
    vk_.vkDeviceWaitIdle(handle());
    vk_.vkDestroySemaphore(handle(), timeline_, nullptr);
    vk_.vkDestroyCommandPool(handle(), pool_, nullptr);
    vk_.vkDestroyDescriptorPool(handle(), descriptors_, nullptr);
    vk_.vkDestroyPipeline(handle(), pipeline_, nullptr);
    vk_.vkDestroyPipelineLayout(handle(), layout_, nullptr);
    vk_.vkDestroyDescriptorSetLayout(handle(), set_layout_, nullptr);
  }

  Sample launch(std::uint32_t* host) {
    const double start = now_ns();
    if (host) std::memcpy(buffer_->mapped(), host, kBytes);
    ++value_;
    VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    values.signalSemaphoreValueCount = 1;
    values.pSignalSemaphoreValues = &value_;
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands_;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &timeline_;
    const double before = now_ns();
    expect(vk_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE));
    const double after = now_ns();
    VkSemaphoreWaitInfo wait{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    wait.semaphoreCount = 1;
    wait.pSemaphores = &timeline_;
    wait.pValues = &value_;
    expect(vk_.vkWaitSemaphores(handle(), &wait, UINT64_MAX));
    if (host) std::memcpy(host, buffer_->mapped(), kBytes);
    return {now_ns() - start, after - before};
  }

 private:
  VkDevice handle() const { return device_->handle(); }

  void create_pipeline(const std::vector<std::uint8_t>& ir) {
    const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                               VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    set.bindingCount = 1;
    set.pBindings = &binding;
    expect(vk_.vkCreateDescriptorSetLayout(handle(), &set, nullptr, &set_layout_));
    VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    expect(vk_.vkCreatePipelineLayout(handle(), &layout, nullptr, &layout_));
    std::vector<std::uint32_t> words(ir.size() / 4);
    std::memcpy(words.data(), ir.data(), words.size() * 4);
    VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    code.codeSize = words.size() * 4;
    code.pCode = words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    expect(vk_.vkCreateShaderModule(handle(), &code, nullptr, &module));
    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.layout = layout_;
    expect(vk_.vkCreateComputePipelines(handle(), VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_));
    vk_.vkDestroyShaderModule(handle(), module, nullptr);
  }

  void create_descriptors() {
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
    VkDescriptorPoolCreateInfo pool{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    pool.maxSets = 1;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    expect(vk_.vkCreateDescriptorPool(handle(), &pool, nullptr, &descriptors_));
    VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    info.descriptorPool = descriptors_;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &set_layout_;
    expect(vk_.vkAllocateDescriptorSets(handle(), &info, &set_));
    const VkDescriptorBufferInfo buffer{buffer_->handle(), 0, kBytes};
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set_;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &buffer;
    vk_.vkUpdateDescriptorSets(handle(), 1, &write, 0, nullptr);
  }

  void record(std::uint32_t family) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = family;
    expect(vk_.vkCreateCommandPool(handle(), &pool, nullptr, &pool_));
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    expect(vk_.vkAllocateCommandBuffers(handle(), &info, &commands_));
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    expect(vk_.vkBeginCommandBuffer(commands_, &begin));
    vk_.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
    vk_.vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                                nullptr);
    vk_.vkCmdDispatch(commands_, kGroups, 1, 1);
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT,
                            VK_ACCESS_HOST_READ_BIT};
    vk_.vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                             VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    expect(vk_.vkEndCommandBuffer(commands_));
  }

  std::unique_ptr<Device> device_;
  const VolkDeviceTable& vk_;
  std::unique_ptr<Buffer> buffer_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  VkDescriptorPool descriptors_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::uint64_t value_ = 0;
};

// One launch through the core; the parameters are written beforehand, as a user would.
class Sokr {
 public:
  Sokr(const substrate::Exported& exported, const std::vector<std::uint8_t>& ir,
       SokrBinding binding)
      : ir_(ir) {
    if (sokr_register_substrate(exported.plugin, &id_) != SOKR_OK) std::exit(1);
    SokrLaunch launch{};
    launch.groups[0] = kGroups;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
    std::memcpy(request_.computation_id.bytes, "bench add_one...", 16);
    request_.substrate_id = id_;
    request_.ir_data = ir_.data();
    request_.ir_data_len = ir_.size();
    request_.params = params_.data();
    request_.params_len = params_.size();
  }
  ~Sokr() { sokr_deregister_substrate(id_); }

  Sample launch() {
    const double start = now_ns();
    SokrDispatchResponse response{};
    if (sokr_dispatch(&request_, &response) != SOKR_OK) std::exit(1);
    const double after = now_ns();
    SokrCompletionQuery query{response.completion_token, UINT64_MAX};
    SokrCompletionSignal signal{};
    if (sokr_completion(&query, &signal) != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) {
      std::exit(1);
    }
    return {now_ns() - start, after - start};
  }

 private:
  const std::vector<std::uint8_t>& ir_;
  std::uint32_t id_ = 0;
  std::vector<unsigned char> params_;
  SokrDispatchRequest request_{};
};

struct Pair {
  double added = 0, ratio = 0, ours_submit = 0, raw_submit = 0;
};

// Launch by launch in turn, so that whatever else the machine does meets both alike.
template <class Ours, class Theirs>
Pair alternate(Ours&& ours, Theirs&& theirs) {
  std::vector<double> added, ratio, ours_submit, raw_submit;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> a, b, as, bs;
    for (int i = 0; i < kLaunches; ++i) {
      const Sample mine = ours(), raw = theirs();
      a.push_back(mine.total);
      b.push_back(raw.total);
      as.push_back(mine.submit);
      bs.push_back(raw.submit);
    }
    const double mine = median(a), raw = median(b);
    added.push_back(mine - raw);
    ratio.push_back(mine / raw);
    ours_submit.push_back(median(as));
    raw_submit.push_back(median(bs));
  }
  return {median(added), median(ratio), median(ours_submit), median(raw_submit)};
}

}  // namespace

int main() {
  const substrate::Host host;
  const Options options = read_options(host);
  std::shared_ptr<Instance> instance = expect(Instance::create(options, host));
  const Instance::Found found = expect(instance->devices());
  if (found.usable.empty()) {
    fmt::print(stderr, "no Vulkan device: nothing is measured\n");
    fmt::print("{{}}\n");
    return 0;
  }
  const auto ir = module_bytes();
  using Devices = substrate::Exporter<VulkanSubstrate, 2>;
  const auto install = [&] {
    return expect(Devices::install(
        std::make_unique<VulkanSubstrate>(instance, found.usable[0], host, options)));
  };
  Pair null, host4k;
  {
    const substrate::Exported exported = install();
    SokrBuffer buffer = 0;
    if (exported.memory->create(kBytes, SOKR_BUFFER_HOST_VISIBLE, &buffer) != SOKR_OK) return 1;
    Sokr ours(exported, ir,
              {0, 0, 0, SOKR_BINDING_BUFFER, SOKR_ACCESS_READ_WRITE, 0, buffer, 0, kBytes});
    Raw raw(found.usable[0], ir);
    null = alternate([&] { return ours.launch(); }, [&] { return raw.launch(nullptr); });
  }
  {
    std::vector<std::uint32_t> data(kBytes / 4);
    const substrate::Exported exported = install();
    Sokr ours(exported, ir,
              {0, 0, 0, SOKR_BINDING_HOST, SOKR_ACCESS_READ_WRITE, 0,
               reinterpret_cast<std::uintptr_t>(data.data()), 0, kBytes});
    Raw raw(found.usable[0], ir);
    host4k = alternate([&] { return ours.launch(); }, [&] { return raw.launch(data.data()); });
  }
  fmt::print(
      "{{\"vulkan.added_ns\": {:.0f}, \"vulkan.null_dispatch.vs_raw\": {:.4f}, "
      "\"vulkan.host_4k.vs_raw\": {:.4f}, \"vulkan.dispatch_call_ns\": {:.0f}, "
      "\"vulkan.raw_submit_ns\": {:.0f}}}\n",
      null.added, null.ratio, host4k.ratio, null.ours_submit, null.raw_submit);
  return 0;
}
