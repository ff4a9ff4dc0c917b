// SPDX-License-Identifier: MIT OR Apache-2.0
#include "beside.hpp"

#include <sokr/compute.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>

#include "../alternate.hpp"
#include "raw_loop.hpp"
#include "table.hpp"

namespace sokr::bench {
namespace {

using namespace sokr::vulkan;

constexpr std::uint64_t kUpload = 64u << 20, kPart = 16u << 20;
// Some 10 ms of an H200: a little more than the host takes to copy 64 MiB.
constexpr std::uint32_t kRounds = 4'000'000, kGroups = 512;
constexpr std::uint64_t kBytes = std::uint64_t{kGroups} * 64 * 4;

class Ours {
 public:
  Ours(const std::shared_ptr<Instance>& instance, const PhysicalDevice& physical,
       const substrate::Host& host, const Options& options)
      : substrate_(instance, physical, host, options), ir_(module_bytes("busy")) {
    const SokrBuffer values = need(substrate_.memory().create(kBytes, 0));
    upload_ = need(substrate_.memory().create(kUpload, 0));
    const SokrBinding binding{0,      0, 0,     SOKR_BINDING_BUFFER, SOKR_ACCESS_READ_WRITE, 0,
                              values, 0, kBytes};
    SokrLaunch launch{};
    launch.groups[0] = kGroups;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    launch.push = &kRounds;
    launch.push_size = sizeof kRounds;
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
  }
  Device& device() { return need(substrate_.session())->device(); }
  void run(std::span<const std::byte> bytes) {
    SokrDispatchRequest request{};
    request.substrate_id = 1;
    request.ir_data = ir_.data();
    request.ir_data_len = ir_.size();
    request.params = params_.data();
    request.params_len = params_.size();
    const std::uint64_t token = need(substrate_.dispatch(request));
    need(substrate_.memory().write(upload_, 0, bytes.data(), bytes.size()));
    if (substrate_.completion(token, UINT64_MAX).signal != SOKR_COMPLETION_COMPLETE)
      throw std::runtime_error(substrate_.completion_error(token));
    std::uint32_t last = 0;  // is there when all is
    need(substrate_.memory().read(upload_, kUpload - sizeof last, &last, sizeof last));
  }

 private:
  VulkanSubstrate substrate_;
  std::vector<std::uint8_t> ir_;
  std::vector<unsigned char> params_;
  SokrBuffer upload_ = 0;
};

// By hand, on the device of the substrate: the kernel on one queue, the copies on the other.
class Raw {
 public:
  explicit Raw(Device& device)
      : device_(device),
        vk_(device.vk()),
        values_(need(Buffer::create(device, kBytes, MemoryKind::kDevice))),
        upload_(need(Buffer::create(device, kUpload, MemoryKind::kDevice))),
        ir_(module_bytes("busy")) {
    const VkDescriptorBufferInfo whole{values_->handle(), 0, VK_WHOLE_SIZE};
    RawLoopOptions options;
    options.device = device.handle();
    options.functions = &vk_;
    options.queue_family = device.physical().queue_family;
    options.buffers = {&whole, 1};
    options.module = std::as_bytes(std::span(ir_));
    options.push = std::as_bytes(std::span(&kRounds, 1));
    options.groups = {kGroups, 1, 1};
    loop_.emplace(options);
    vk_.vkGetDeviceQueue(device.handle(), device.physical().transfer_family, 0, &queue_);
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    const VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
    expect(vk_.vkCreateSemaphore(device.handle(), &semaphore, nullptr, &timeline_),
           "vkCreateSemaphore");
    record();
  }
  ~Raw() {
    vk_.vkDeviceWaitIdle(device_.handle());
    vk_.vkDestroyCommandPool(device_.handle(), pool_, nullptr);
    vk_.vkDestroySemaphore(device_.handle(), timeline_, nullptr);
  }
  void run(std::span<const std::byte> bytes) {
    loop_->submit();
    for (std::size_t i = 0; i < kParts; ++i) {
      std::memcpy(staging_[i]->mapped(), bytes.data() + i * kPart, kPart);
      need(staging_[i]->flush(0, kPart));
      submit(commands_[i]);
    }
    loop_->wait();
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &timeline_;
    info.pValues = &value_;
    expect(vk_.vkWaitSemaphores(device_.handle(), &info, UINT64_MAX), "vkWaitSemaphores");
  }

 private:
  static constexpr std::size_t kParts = kUpload / kPart;
  void record() {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = device_.physical().transfer_family;
    expect(vk_.vkCreateCommandPool(device_.handle(), &pool, nullptr, &pool_),
           "vkCreateCommandPool");
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = kParts;
    expect(vk_.vkAllocateCommandBuffers(device_.handle(), &info, commands_.data()),
           "vkAllocateCommandBuffers");
    for (std::size_t i = 0; i < kParts; ++i) {
      staging_[i] = need(Buffer::create(device_, kPart, MemoryKind::kStaging));
      const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
      expect(vk_.vkBeginCommandBuffer(commands_[i], &begin), "vkBeginCommandBuffer");
      const VkBufferCopy where{0, i * kPart, kPart};
      vk_.vkCmdCopyBuffer(commands_[i], staging_[i]->handle(), upload_->handle(), 1, &where);
      expect(vk_.vkEndCommandBuffer(commands_[i]), "vkEndCommandBuffer");
    }
  }
  void submit(VkCommandBuffer commands) {
    ++value_;
    VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    values.signalSemaphoreValueCount = 1;
    values.pSignalSemaphoreValues = &value_;
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, &values};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &timeline_;
    expect(vk_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
  }

  Device& device_;
  const VolkDeviceTable& vk_;
  std::unique_ptr<Buffer> values_, upload_;
  std::array<std::unique_ptr<Buffer>, kParts> staging_;
  std::vector<std::uint8_t> ir_;
  std::optional<RawLoop> loop_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::array<VkCommandBuffer, kParts> commands_{};
  std::uint64_t value_ = 0;
};

}  // namespace

std::vector<std::pair<std::string, double>> measure_beside(
    const std::shared_ptr<Instance>& instance, const PhysicalDevice& physical,
    const substrate::Host& host, const Options& options) {
  if (physical.transfer_family == UINT32_MAX) return {};
  const int rounds = is_quick() ? 3 : 15;
  const std::vector<std::byte> bytes(kUpload, std::byte{1});
  PhysicalDevice alone = physical;
  alone.transfer_family = UINT32_MAX;
  Ours ours(instance, physical, host, options), one(instance, alone, host, options);
  Raw raw(ours.device());
  const auto time = [&](auto& side) { return [&] { return time_of([&] { side.run(bytes); }); }; };
  ours.run(bytes), raw.run(bytes), one.run(bytes);
  const Rounds by_hand = alternate(rounds, {time(ours), time(raw)});
  const Rounds by_queues = alternate(rounds, {time(ours), time(one)});
  return {{"beside.vs_raw", ratio(by_hand[0], by_hand[1])},
          {"beside.vs_one_queue", ratio(by_queues[0], by_queues[1])}};
}

}  // namespace sokr::bench
