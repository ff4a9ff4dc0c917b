// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How long vkQueueSubmit and those who wait hold their callers.
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gpu.hpp"

namespace sokr::test {
namespace {

using Clock = std::chrono::steady_clock;

// Says go to a kernel after so long that only a call that hangs is still there: the test then ends,
// and has failed.
class Rescue {
 public:
  explicit Rescue(std::uint32_t* go)
      : thread_([this, go] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, std::chrono::seconds(20), [this] { return over_; })) return;
          came_ = true;
          std::atomic_ref(*go).store(1);
        }) {}
  ~Rescue() { came(); }
  Rescue(const Rescue&) = delete;
  Rescue& operator=(const Rescue&) = delete;
  // Whether it was needed. It no longer comes.
  bool came() {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    return came_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, came_ = false;
  std::thread thread_;
};

// A kernel that ends when the host says so, and a command buffer that launches it.
struct Flag {
  explicit Flag(Gpu& gpu)
      : memory(gpu, 8),
        kernel(gpu, test_kernel("flag"), storage_buffers(1)),
        fence(new_fence(gpu)) {
    EXPECT_EQ(VK_SUCCESS, kernel.result);
    kernel.write(0, memory.buffer);
    commands = begin(gpu);
    kernel.bind(commands);
    vkCmdDispatch(commands, 1, 1, 1);
    EXPECT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  }
  ~Flag() { vkDestroyFence(kernel.gpu.device, fence, nullptr); }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;
  std::uint32_t* go() const { return memory.as<std::uint32_t>(); }
  // With `go`, which ends it.
  void submit(std::uint32_t said) const {
    std::atomic_ref(*go()).store(said);
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(kernel.gpu.queue, 1, &info, fence));
  }
  void finish() const {
    std::atomic_ref(*go()).store(1);
    ASSERT_EQ(VK_SUCCESS, vkWaitForFences(kernel.gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
    ASSERT_EQ(VK_SUCCESS, vkResetFences(kernel.gpu.device, 1, &fence));
  }
  Memory memory;
  Kernel kernel;
  VkFence fence;
  VkCommandBuffer commands = VK_NULL_HANDLE;
};

TEST(Patience, WhatWasShortAndIsLongIsLeftToOthers) {
  Gpu gpu;
  const Flag flag(gpu);
  // What the first takes is what is expected of the others.
  for (int i = 0; i < 10; ++i) {
    Rescue rescue(flag.go());
    flag.submit(0);
    ASSERT_FALSE(rescue.came()) << "vkQueueSubmit waited for what does not end";
    EXPECT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, flag.fence));
    flag.finish();
  }
}

// How often it has slept: to be without a processor that others want is something else.
long rests_of_this_thread() {
  rusage usage{};
  EXPECT_EQ(0, getrusage(RUSAGE_THREAD, &usage));
  return usage.ru_nvcsw;
}

// Who asks over and over leaves the processor to those who work: most of a thousand questions wait
// for an answer, and none once there is one.
TEST(Patience, WhoAsksOverAndOverRests) {
  Gpu gpu;
  const Flag flag(gpu);
  flag.submit(0);
  for (const bool by_waiting : {false, true}) {
    const long before = rests_of_this_thread();
    for (int i = 0; i < 1000; ++i) {
      if (by_waiting) {
        ASSERT_EQ(VK_TIMEOUT, vkWaitForFences(gpu.device, 1, &flag.fence, VK_TRUE, 0));
      } else {
        ASSERT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, flag.fence));
      }
    }
    EXPECT_GT(rests_of_this_thread() - before, 500) << by_waiting;
  }
  std::atomic_ref(*flag.go()).store(1);
  VkResult answer = VK_NOT_READY;
  while (answer == VK_NOT_READY) answer = vkGetFenceStatus(gpu.device, flag.fence);
  EXPECT_EQ(VK_SUCCESS, answer);
  EXPECT_EQ(VK_SUCCESS, vkResetFences(gpu.device, 1, &flag.fence));
}

// A kernel that is short and long by turns is not waited for each time that it is long.
TEST(Patience, WhatIsShortByTurnsIsNotTakenForShort) {
  Gpu gpu;
  const Flag flag(gpu);
  Clock::duration shortest = Clock::duration::max();
  for (int i = 0; i < 12; ++i) {
    Rescue rescue(flag.go());
    const Clock::time_point before = Clock::now();
    flag.submit(0);
    const Clock::time_point after = Clock::now();
    ASSERT_FALSE(rescue.came());
    // The first was not expected to take anything.
    if (i > 0) shortest = std::min(shortest, after - before);
    while (i > 0 && Clock::now() < after + std::chrono::milliseconds(8)) {
    }
    flag.finish();
    flag.submit(1);
    flag.finish();
  }
  EXPECT_LT(shortest, std::chrono::milliseconds(3));
}

TEST(Patience, AWaitEndsInTheMiddleOfWhatItHelpsWith) {
  for (int i = 0; i < 3; ++i) {
    Gpu gpu;
    const Flag flag(gpu);
    const VkSemaphore timeline = new_semaphore(gpu, true);
    Rescue rescue(flag.go());
    flag.submit(0);
    std::thread other([&] {
      // Time for the wait below to begin: if it does not, nothing is tested.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, timeline,
                                         1};
      EXPECT_EQ(VK_SUCCESS, vkSignalSemaphore(gpu.device, &signal));
    });
    const std::uint64_t value = 1;
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &timeline;
    info.pValues = &value;
    EXPECT_EQ(VK_SUCCESS, vkWaitSemaphores(gpu.device, &info, UINT64_MAX));
    EXPECT_FALSE(rescue.came()) << "the wait ended with what it was not for";
    other.join();
    flag.finish();
    vkDestroySemaphore(gpu.device, timeline, nullptr);
    if (testing::Test::HasFailure()) return;  // the others would take as long
  }
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Submits what takes long and launches nothing. Processor time is the same however busy the
// machine is.
void expect_submit_is_short(Gpu& gpu, VkCommandBuffer commands) {
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  const VkFence fence = new_fence(gpu);
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  const double before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const double began = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, fence));
  const double submitting = seconds_of(CLOCK_THREAD_CPUTIME_ID) - began;
  ASSERT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  const double all = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before;
  EXPECT_LT(submitting * 4, all);
  vkDestroyFence(gpu.device, fence, nullptr);
}

constexpr VkDeviceSize kLarge = 128 << 20;

TEST(Patience, ALargeFillIsLeftToOthers) {
  Gpu gpu;
  Memory a(gpu, kLarge);
  const VkCommandBuffer commands = begin(gpu);
  vkCmdFillBuffer(commands, a.buffer, 0, VK_WHOLE_SIZE, 7);
  expect_submit_is_short(gpu, commands);
  for (VkDeviceSize i = 0; i < kLarge / 4; i += 1009) ASSERT_EQ(7u, a.as<std::uint32_t>()[i]) << i;
  EXPECT_EQ(7u, a.as<std::uint32_t>()[kLarge / 4 - 1]);
}

TEST(Patience, ALargeCopyIsLeftToOthers) {
  Gpu gpu;
  Memory a(gpu, kLarge), b(gpu, kLarge);
  for (VkDeviceSize i = 0; i < kLarge / 4; ++i) {
    a.as<std::uint32_t>()[i] = static_cast<std::uint32_t>(i);
  }
  const VkCommandBuffer commands = begin(gpu);
  const VkBufferCopy region{4, 8, kLarge - 12};
  vkCmdCopyBuffer(commands, a.buffer, b.buffer, 1, &region);
  expect_submit_is_short(gpu, commands);
  for (VkDeviceSize i = 2; i < kLarge / 4 - 1; ++i) {
    ASSERT_EQ(i - 1, b.as<std::uint32_t>()[i]) << i;
  }
  EXPECT_EQ(0u, b.as<std::uint32_t>()[kLarge / 4 - 1]);
}

TEST(Patience, ManyMiddlingTransfersAreLeftToOthersInPart) {
  Gpu gpu;
  Memory a(gpu, 1 << 20);
  const VkCommandBuffer commands = begin(gpu);
  for (std::uint32_t i = 0; i < 500; ++i) {
    vkCmdFillBuffer(commands, a.buffer, 0, VK_WHOLE_SIZE, i);
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                            VK_ACCESS_TRANSFER_WRITE_BIT};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         0, 1, &barrier, 0, nullptr, 0, nullptr);
  }
  expect_submit_is_short(gpu, commands);
  EXPECT_EQ(499u, a.as<std::uint32_t>()[(1 << 18) - 1]);
}

TEST(Patience, ALargeImageIsClearedAndCopiedByOthers) {
  Gpu gpu;
  constexpr std::uint32_t kSide = 8192;
  Memory to(gpu, kSide * kSide);
  VkImageCreateInfo info{VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
  info.imageType = VK_IMAGE_TYPE_2D;
  info.format = VK_FORMAT_R8_UINT;
  info.extent = {kSide, kSide, 1};
  info.mipLevels = info.arrayLayers = 1;
  info.samples = VK_SAMPLE_COUNT_1_BIT;
  info.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  VkImage image = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateImage(gpu.device, &info, nullptr, &image));
  VkMemoryRequirements needs;
  vkGetImageMemoryRequirements(gpu.device, image, &needs);
  VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.allocationSize = needs.size;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &allocation, nullptr, &memory));
  ASSERT_EQ(VK_SUCCESS, vkBindImageMemory(gpu.device, image, memory, 0));
  const auto barrier = [&](VkCommandBuffer commands, VkImageLayout from) {
    VkImageMemoryBarrier made{VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
    made.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    made.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    made.oldLayout = from;
    made.newLayout = VK_IMAGE_LAYOUT_GENERAL;
    made.srcQueueFamilyIndex = made.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    made.image = image;
    made.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1, &made);
  };
  VkClearColorValue color{};
  color.uint32[0] = 5;
  const VkImageSubresourceRange all{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  VkCommandBuffer commands = begin(gpu);
  barrier(commands, VK_IMAGE_LAYOUT_UNDEFINED);
  vkCmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &all);
  expect_submit_is_short(gpu, commands);
  commands = begin(gpu);
  barrier(commands, VK_IMAGE_LAYOUT_GENERAL);
  const VkBufferImageCopy out{
      0, 0, 0, {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1}, {0, 0, 0}, {kSide, kSide, 1}};
  vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, to.buffer, 1, &out);
  expect_submit_is_short(gpu, commands);
  for (std::uint32_t i = 0; i < kSide * kSide; ++i) ASSERT_EQ(5u, to.as<std::uint8_t>()[i]) << i;
  vkDestroyImage(gpu.device, image, nullptr);
  vkFreeMemory(gpu.device, memory, nullptr);
}

// Where the process cannot have another thread nothing of a submission is done or kept, so that it
// can be submitted again.
TEST(Patience, WithoutAThreadASubmissionIsRefusedAsAWhole) {
  Gpu gpu;
  Memory a(gpu, 64);
  a.as<std::uint32_t>()[0] = 1;
  const VkSemaphore timeline = new_semaphore(gpu, true);
  const VkCommandBuffer commands = begin(gpu);
  const VkBufferCopy region{0, 4, 4};
  vkCmdCopyBuffer(commands, a.buffer, a.buffer, 1, &region);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  const std::uint64_t value = 1;
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.waitSemaphoreValueCount = 1;
  values.pWaitSemaphoreValues = &value;
  const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  VkSubmitInfo infos[2]{{VK_STRUCTURE_TYPE_SUBMIT_INFO}, {VK_STRUCTURE_TYPE_SUBMIT_INFO, &values}};
  infos[0].commandBufferCount = 1;
  infos[0].pCommandBuffers = &commands;
  infos[1].waitSemaphoreCount = 1;
  infos[1].pWaitSemaphores = &timeline;
  infos[1].pWaitDstStageMask = &stage;
  pthread_attr_t before, huge;
  ASSERT_EQ(0, pthread_getattr_default_np(&before));
  ASSERT_EQ(0, pthread_attr_init(&huge));
  ASSERT_EQ(0, pthread_attr_setstacksize(&huge, std::size_t{1} << 46));  // no address space has it
  ASSERT_EQ(0, pthread_setattr_default_np(&huge));
  const VkResult result = vkQueueSubmit(gpu.queue, 2, infos, VK_NULL_HANDLE);
  ASSERT_EQ(0, pthread_setattr_default_np(&before));
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
  EXPECT_EQ(VK_ERROR_OUT_OF_HOST_MEMORY, result);
  EXPECT_EQ(0u, a.as<std::uint32_t>()[1]);
  if (result == VK_ERROR_OUT_OF_HOST_MEMORY) {
    EXPECT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 2, infos, VK_NULL_HANDLE));
  }
  const VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, timeline, 1};
  EXPECT_EQ(VK_SUCCESS, vkSignalSemaphore(gpu.device, &signal));
  EXPECT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  EXPECT_EQ(1u, a.as<std::uint32_t>()[1]);
  vkDestroySemaphore(gpu.device, timeline, nullptr);
}

}  // namespace
}  // namespace sokr::test
