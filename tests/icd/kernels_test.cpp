// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels of shaders/ through plain Vulkan, and the same bytes through SOKR: what they leave in
// their buffers is the same, bit by bit.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <sokr/sokr.hpp>

#include "gpu.hpp"

namespace sokr::test {
namespace {

namespace fs = std::filesystem;

// Bytes of each binding: small numbers that are neither huge as indices nor odd as floats.
std::vector<std::uint32_t> contents(std::uint32_t binding, std::size_t words) {
  std::vector<std::uint32_t> all(words);
  for (std::size_t i = 0; i < words; ++i) {
    all[i] = static_cast<std::uint32_t>((i * 7 + binding * 3) % 31);
  }
  return all;
}

struct Case {
  std::vector<std::uint32_t> words;
  const SokrIrEntryPoint* entry;
  std::shared_ptr<const SokrIrReflection> reflection;
};

constexpr std::size_t kWords = 1 << 16;
constexpr std::uint32_t kGroups = 2;

using Buffers = std::vector<std::vector<std::uint32_t>>;

const SokrIrBinding& binding_of(const SokrIrEntryPoint& entry, std::uint32_t i) {
  return *SOKR_ELEMENT(SokrIrBinding, entry.bindings, entry.binding_size, i);
}

Buffers through_sokr(Context& context, const Case& c, const sokr::Kernel& kernel) {
  const char* on = std::getenv("SOKR_ICD_ON");
  const Substrate substrate = context.substrate(on ? on : "cpu");
  Buffers buffers;
  sokr::Launch launch;
  launch.groups(kGroups);
  buffers.reserve(c.entry->binding_count);
  for (std::uint32_t i = 0; i < c.entry->binding_count; ++i) {
    buffers.push_back(contents(i, kWords));
    const SokrIrBinding& b = binding_of(*c.entry, i);
    launch.bind(b.set, b.binding, read_write(buffers.back()));
  }
  const auto push = contents(9, c.entry->push_size / 4);
  launch.push_bytes(std::as_bytes(std::span(push)));
  substrate.dispatch(kernel, launch).wait();
  return buffers;
}

Buffers through_vulkan(Gpu& gpu, const Case& c) {
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  std::vector<std::unique_ptr<Memory>> memory;
  for (std::uint32_t i = 0; i < c.entry->binding_count; ++i) {
    const SokrIrBinding& b = binding_of(*c.entry, i);
    const bool uniform = b.kind == SOKR_IR_UNIFORM_BUFFER;
    bindings.push_back(
        {b.binding, uniform ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    memory.push_back(std::make_unique<Memory>(gpu, kWords * 4));
    const auto words = contents(i, kWords);
    std::memcpy(memory.back()->data, words.data(), kWords * 4);
  }
  Kernel kernel(gpu, c.words, bindings, {.push_size = c.entry->push_size});
  EXPECT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
  if (kernel.result != VK_SUCCESS) return {};
  for (std::uint32_t i = 0; i < bindings.size(); ++i) {
    kernel.write(bindings[i].binding, memory[i]->buffer);
  }
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  const auto push = contents(9, c.entry->push_size / 4);
  if (!push.empty()) {
    vkCmdPushConstants(commands, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, c.entry->push_size,
                       push.data());
  }
  vkCmdDispatch(commands, kGroups, 1, 1);
  run(gpu, commands);
  Buffers buffers;
  for (const auto& one : memory) {
    buffers.emplace_back(one->as<std::uint32_t>(), one->as<std::uint32_t>() + kWords);
  }
  return buffers;
}

// What one set of single buffers says all about, and what gives the same every time.
bool is_plain(const SokrIrReflection& reflection) {
  if (reflection.entry_point_count != 1) return false;
  const SokrIrEntryPoint& entry = reflection.entry_points[0];
  if (std::string_view(entry.name) != "main" || entry.binding_count == 0) return false;
  for (std::uint32_t i = 0; i < entry.binding_count; ++i) {
    const SokrIrBinding& b = binding_of(entry, i);
    if (b.set != 0 || b.count != 1 || b.kind > SOKR_IR_UNIFORM_BUFFER) return false;
  }
  for (std::uint32_t i = 0; i < reflection.capability_count; ++i) {
    const std::string_view name = reflection.capabilities[i];
    if (name == "PhysicalStorageBufferAddresses" || name == "ShaderClockKHR") return false;
  }
  return true;
}

TEST(Kernels, GiveThroughVulkanWhatTheyGiveThroughSokr) {
  // Order of atomics, loops as long as a push constant says, or arrays for one workgroup.
  const std::set<std::string> left_out{"atomics_float",  "atomics_float_all", "long_loop",
                                       "atomics_buffer", "atomics_device",    "atomics_int64",
                                       "large_bindings"};
  Context context;
  Gpu gpu;
  unsigned ran = 0;
  for (const auto& file : fs::directory_iterator(SOKR_SHADERS)) {
    if (file.path().extension() != ".spv" || left_out.count(file.path().stem().string())) continue;
    SCOPED_TRACE(file.path().stem().string());
    Case c;
    c.words = read_words(file.path().string());
    const sokr::Kernel kernel = context.kernel(std::as_bytes(std::span(c.words)));
    c.reflection = kernel.reflection(sokr::Launch());
    if (!is_plain(*c.reflection)) continue;
    c.entry = &c.reflection->entry_points[0];
    const Buffers expected = through_sokr(context, c, kernel);
    EXPECT_EQ(expected, through_vulkan(gpu, c));
    ++ran;
  }
  EXPECT_LE(40u, ran);
}

}  // namespace
}  // namespace sokr::test
