// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What recording a command buffer sets off before it is submitted.
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#include "gpu.hpp"

namespace sokr::test {
namespace {

// The substrate says what it compiles if it is asked to, when it is opened. Only `cpu` compiles.
bool says_what_it_compiles() {
  const auto is = [](const char* variable, std::string_view wanted, bool if_unset) {
    const char* const text = std::getenv(variable);
    return text ? text == wanted : if_unset;
  };
  return is("SOKR_LOG", "info", false) && is("SOKR_ICD_ON", "cpu", true);
}

// Counts what the substrate says that it has compiled.
class Compilations {
 public:
  explicit Compilations(Gpu& gpu) : gpu_(gpu) {
    VkDebugUtilsMessengerCreateInfoEXT info{
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_INFO_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
    info.pfnUserCallback = take;
    info.pUserData = this;
    EXPECT_EQ(VK_SUCCESS,
              vkCreateDebugUtilsMessengerEXT(gpu.instance, &info, nullptr, &messenger_));
  }
  ~Compilations() { vkDestroyDebugUtilsMessengerEXT(gpu_.instance, messenger_, nullptr); }
  Compilations(const Compilations&) = delete;
  Compilations& operator=(const Compilations&) = delete;

  int begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  // False if so many have not ended after as long as nothing here takes.
  bool await_ended(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return ended_ >= count; });
  }
  // Compilations stay where they begin until they are let go; or for as long as nothing here takes,
  // of which let_go() says that it came to that.
  void hold() {
    const std::lock_guard lock(mutex_);
    is_held_ = true;
  }
  bool let_go() {
    const std::lock_guard lock(mutex_);
    is_held_ = false;
    changed_.notify_all();
    return was_left_;
  }

 private:
  static VKAPI_ATTR VkBool32 VKAPI_CALL take(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                             VkDebugUtilsMessageTypeFlagsEXT,
                                             const VkDebugUtilsMessengerCallbackDataEXT* data,
                                             void* user) {
    auto& self = *static_cast<Compilations*>(user);
    const std::string line = data->pMessage;
    std::unique_lock lock(self.mutex_);
    self.begun_ += line.find("cpu: compiling ") != std::string::npos;
    self.ended_ += line.find("cpu: compiled ") != std::string::npos;
    self.changed_.notify_all();
    const bool is_free =
        self.changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !self.is_held_; });
    self.was_left_ |= !is_free;
    return VK_FALSE;
  }

  Gpu& gpu_;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0, ended_ = 0;
  bool is_held_ = false, was_left_ = false;
};

// That no other process has, and none before.
std::uint32_t own_factor() {
  static std::uint32_t next =
      static_cast<std::uint32_t>(std::chrono::system_clock::now().time_since_epoch().count() ^
                                 (std::uint64_t{1} << 20) * static_cast<unsigned>(::getpid()));
  return next++;
}

// `scale` by a factor of its own, which is on disk from no other process.
struct Scale {
  Scale(Gpu& gpu, std::uint32_t by)
      : factor(by), values{16, by, 4}, kernel(gpu, test_kernel("scale"), layout(), options()) {}

  static std::vector<VkDescriptorSetLayoutBinding> layout() {
    std::vector<VkDescriptorSetLayoutBinding> bindings = storage_buffers(3);
    bindings[2].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    return bindings;
  }
  PipelineOptions options() {
    for (std::uint32_t i = 0; i < 3; ++i) entries[i] = {i, i * 4, 4};
    info = {3, entries.data(), sizeof values, values.data()};
    return {.specialization = &info};
  }

  std::uint32_t factor;
  std::array<std::uint32_t, 3> values;  // the workgroup, the factor, the array
  std::array<VkSpecializationMapEntry, 3> entries{};
  VkSpecializationInfo info{};
  Kernel kernel;
};

// Of two pipelines that are created, the one that is recorded is compiled, before anything is
// submitted and beside what the program does; and once, though it is recorded twice.
TEST(Recording, HasWhatIsRecordedCompiledAndNothingElse) {
  if (!says_what_it_compiles()) GTEST_SKIP() << "it is for SOKR_LOG=info on cpu";
  Gpu gpu;
  Compilations compilations(gpu);
  Scale recorded(gpu, own_factor()), other(gpu, own_factor());
  ASSERT_EQ(VK_SUCCESS, recorded.kernel.result);
  ASSERT_EQ(VK_SUCCESS, other.kernel.result);
  EXPECT_EQ(0, compilations.begun());

  Memory x(gpu, 64), y(gpu, 64), bias(gpu, 16, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
  for (std::uint32_t i = 0; i < 16; ++i) x.as<std::uint32_t>()[i] = i;
  recorded.kernel.write(0, x.buffer);
  recorded.kernel.write(1, y.buffer);
  recorded.kernel.write(2, bias.buffer);
  const VkCommandBuffer commands = begin(gpu);
  recorded.kernel.bind(commands);
  vkCmdDispatch(commands, 1, 1, 1);
  vkCmdDispatch(commands, 1, 1, 1);
  EXPECT_TRUE(compilations.await_ended(1)) << "nothing is compiled when it is recorded";
  EXPECT_EQ(1, compilations.begun());
  run(gpu, commands);
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(i * recorded.factor, y.as<std::uint32_t>()[i]);
  EXPECT_EQ(1, compilations.begun());
}

// A program that submits goes on to record, and to have compiled, what comes next.
TEST(Recording, IsSubmittedBeforeItIsCompiled) {
  if (!says_what_it_compiles()) GTEST_SKIP() << "it is for SOKR_LOG=info on cpu";
  Gpu gpu;
  Compilations compilations(gpu);
  Scale scale(gpu, own_factor());
  Memory x(gpu, 64), y(gpu, 64), bias(gpu, 16, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
  for (std::uint32_t i = 0; i < 16; ++i) x.as<std::uint32_t>()[i] = i;
  scale.kernel.write(0, x.buffer);
  scale.kernel.write(1, y.buffer);
  scale.kernel.write(2, bias.buffer);
  compilations.hold();
  const VkCommandBuffer commands = begin(gpu);
  scale.kernel.bind(commands);
  vkCmdDispatch(commands, 1, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  const VkFence fence = new_fence(gpu);
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  EXPECT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, fence));
  EXPECT_FALSE(compilations.let_go()) << "vkQueueSubmit waited for the compiler";
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(i * scale.factor, y.as<std::uint32_t>()[i]);
  vkDestroyFence(gpu.device, fence, nullptr);
}

// One that is recorded with a buffer bound twice is compiled for that, and for nothing else; one
// that is recorded both ways once, though it was launched meanwhile: a first version is for both.
TEST(Recording, HasWhatIsBoundTwiceCompiledForThat) {
  if (!says_what_it_compiles()) GTEST_SKIP() << "it is for SOKR_LOG=info on cpu";
  Gpu gpu;
  Compilations compilations(gpu);
  Scale scale(gpu, own_factor());
  Memory x(gpu, 64), y(gpu, 64), bias(gpu, 16, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
  for (std::uint32_t i = 0; i < 16; ++i) x.as<std::uint32_t>()[i] = i;
  const auto record = [&](const Memory& to) {
    scale.kernel.write(0, x.buffer);
    scale.kernel.write(1, to.buffer);
    scale.kernel.write(2, bias.buffer);
    const VkCommandBuffer commands = begin(gpu);
    scale.kernel.bind(commands);
    vkCmdDispatch(commands, 1, 1, 1);
    return commands;
  };
  const VkCommandBuffer twice = record(x);
  EXPECT_TRUE(compilations.await_ended(1));
  run(gpu, twice);
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(i * scale.factor, x.as<std::uint32_t>()[i]);
  EXPECT_EQ(1, compilations.begun());

  Scale both(gpu, own_factor());
  Kernel& kernel = both.kernel;
  kernel.write(0, x.buffer);
  kernel.write(1, x.buffer);
  kernel.write(2, bias.buffer);
  const VkCommandBuffer first = begin(gpu);
  kernel.bind(first);
  vkCmdDispatch(first, 1, 1, 1);
  run(gpu, first);
  EXPECT_EQ(2, compilations.begun());
  kernel.write(1, y.buffer);
  const VkCommandBuffer second = begin(gpu);
  kernel.bind(second);
  vkCmdDispatch(second, 1, 1, 1);
  const std::uint32_t by = scale.factor * both.factor;
  run(gpu, second);
  for (std::uint32_t i = 0; i < 16; ++i)
    EXPECT_EQ(i * by * both.factor, y.as<std::uint32_t>()[i]) << "from what the first left in x";
  EXPECT_EQ(2, compilations.begun());
}

}  // namespace
}  // namespace sokr::test
