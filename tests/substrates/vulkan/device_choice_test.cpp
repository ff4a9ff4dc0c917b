// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which devices, queues and features are chosen of what drivers offer. No driver takes part.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "instance.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr VkQueueFlags kTransfers = VK_QUEUE_TRANSFER_BIT, kComputes = VK_QUEUE_COMPUTE_BIT,
                       kDraws = VK_QUEUE_GRAPHICS_BIT;

std::vector<VkQueueFamilyProperties> families(std::initializer_list<VkQueueFlags> flags) {
  std::vector<VkQueueFamilyProperties> all;
  for (const VkQueueFlags one : flags) all.push_back({one, 1, 64, {1, 1, 1}});
  return all;
}

struct QueueCase {
  std::vector<VkQueueFamilyProperties> families;
  QueueChoice choice;
  VkDriverId driver;
  std::uint32_t expected;
};

TEST(Queues, AreChosenByOptionAndDriver) {
  const auto usual =
      families({kDraws | kComputes | kTransfers, kComputes | kTransfers, kTransfers});
  const auto one = families({kDraws | kComputes | kTransfers});
  const auto last = families({kTransfers, kDraws, kComputes});
  const auto none = families({kTransfers, kDraws});
  auto closed = usual;
  closed[1].queueCount = 0;
  const VkDriverId nvidia = VK_DRIVER_ID_NVIDIA_PROPRIETARY, radv = VK_DRIVER_ID_MESA_RADV;
  const std::vector<QueueCase> cases = {
      {usual, QueueChoice::kAuto, nvidia, 1},         {usual, QueueChoice::kAuto, radv, 0},
      {usual, QueueChoice::kCompute, radv, 1},        {usual, QueueChoice::kGraphics, nvidia, 0},
      {one, QueueChoice::kCompute, nvidia, 0},        {one, QueueChoice::kAuto, nvidia, 0},
      {last, QueueChoice::kGraphics, radv, 2},        {last, QueueChoice::kAuto, radv, 2},
      {none, QueueChoice::kAuto, nvidia, UINT32_MAX}, {closed, QueueChoice::kCompute, nvidia, 0},
      {{}, QueueChoice::kAuto, nvidia, UINT32_MAX},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(choose_family(cases[i].families, cases[i].choice, cases[i].driver), cases[i].expected)
        << "case " << i;
  }
}

// Only one that does nothing else is a queue beside the kernels: NVIDIA's that decode videos copy,
// too.
TEST(Queues, ThatOnlyCopyAreFound) {
  constexpr VkQueueFlags kSparse = VK_QUEUE_SPARSE_BINDING_BIT;
  constexpr VkQueueFlags kDecodes = VK_QUEUE_VIDEO_DECODE_BIT_KHR;
  const auto all = kDraws | kComputes | kTransfers;
  const auto nvidia = families({all | kSparse, kTransfers | kSparse, kComputes | kTransfers});
  const auto videos = families({all, kTransfers | kDecodes, kTransfers});
  auto closed = nvidia;
  closed[1].queueCount = 0;
  const auto chosen = [](const auto& from, TransferChoice choice = TransferChoice::kAuto) {
    return choose_transfer_family(from, choice);
  };
  EXPECT_EQ(chosen(nvidia), 1u);
  EXPECT_EQ(chosen(videos), 2u);
  EXPECT_EQ(chosen(closed), UINT32_MAX);
  EXPECT_EQ(chosen(families({all, kComputes})), UINT32_MAX);
  EXPECT_EQ(chosen(families({})), UINT32_MAX);
  EXPECT_EQ(chosen(nvidia, TransferChoice::kOff), UINT32_MAX);
}

TEST(Queues, AreFacts) {
  PhysicalDevice device;
  const auto fact = [&] {
    for (const auto& [key, value] : device.facts())
      if (key == "transfer_family") return value;
    return std::string("none");
  };
  EXPECT_EQ(fact(), "none");
  device.transfer_family = 1;
  EXPECT_EQ(fact(), "1");
}

PhysicalDevice gpu(const char* driver, VkDriverId id, std::uint32_t bus, std::uint8_t major = 1) {
  PhysicalDevice device;
  device.properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  device.properties.vendorID = 0x1002;
  device.properties.deviceID = 0x73bf;
  std::strcpy(device.properties.deviceName, "a card");
  std::strcpy(device.driver.driverName, driver);
  device.driver.driverID = id;
  device.driver.conformanceVersion = {major, 3, 0, 0};
  device.has_pci = true;
  device.pci.pciBus = bus;
  device.id.deviceUUID[0] = static_cast<std::uint8_t>(bus + id);
  return device;
}

std::string names(const Instance::Found& found) {
  std::string text;
  for (const PhysicalDevice& device : found.usable)
    text += std::string(device.driver.driverName) + std::to_string(device.pci.pciBus) + " ";
  return text;
}

TEST(Devices, OneGpuUnderTwoDriversIsOne) {
  Instance::Found found;
  found.usable = {gpu("first", VK_DRIVER_ID_AMD_OPEN_SOURCE, 3),
                  gpu("other", VK_DRIVER_ID_MESA_RADV, 3), gpu("other", VK_DRIVER_ID_MESA_RADV, 4)};
  settle_devices(found);
  EXPECT_EQ(names(found), "first3 other4 ");
  ASSERT_EQ(found.unsuitable.size(), 1u);
  EXPECT_NE(found.unsuitable[0].find("the same GPU is offered under driver first"),
            std::string::npos)
      << found.unsuitable[0];
  EXPECT_NE(found.unsuitable[0].find("VK_DRIVER_FILES"), std::string::npos) << found.unsuitable[0];
  ASSERT_EQ(found.usable[0].other_drivers.size(), 1u);
  EXPECT_NE(found.usable[0].other_drivers[0].find("other"), std::string::npos);
  bool told = false;
  for (const auto& [key, value] : found.usable[0].facts()) told |= key == "other_drivers";
  EXPECT_TRUE(told);
}

TEST(Devices, TwoGpusOfOneDriverAreTwo) {
  Instance::Found found;
  found.usable = {gpu("a", VK_DRIVER_ID_MESA_RADV, 3), gpu("a", VK_DRIVER_ID_MESA_RADV, 4),
                  gpu("a", VK_DRIVER_ID_MESA_RADV, 3)};
  settle_devices(found);
  EXPECT_EQ(found.usable.size(), 3u);
}

TEST(Devices, WithoutABusTheirUuidsDecide) {
  Instance::Found found;
  found.usable = {gpu("a", VK_DRIVER_ID_MESA_RADV, 3), gpu("b", VK_DRIVER_ID_AMD_OPEN_SOURCE, 3),
                  gpu("c", VK_DRIVER_ID_AMD_PROPRIETARY, 3)};
  for (PhysicalDevice& device : found.usable) device.has_pci = false;
  found.usable[2].id.deviceUUID[0] = found.usable[0].id.deviceUUID[0];
  settle_devices(found);
  EXPECT_EQ(names(found), "a3 b3 ");
}

TEST(Devices, SoftwareIsNeverTheSame) {
  Instance::Found found;
  found.usable = {gpu("a", VK_DRIVER_ID_MESA_LLVMPIPE, 0),
                  gpu("b", VK_DRIVER_ID_GOOGLE_SWIFTSHADER, 0)};
  for (PhysicalDevice& device : found.usable)
    device.properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU;
  settle_devices(found);
  EXPECT_EQ(found.usable.size(), 2u);
}

TEST(Devices, ConformantDriversComeFirst) {
  Instance::Found found;
  found.usable = {gpu("early", VK_DRIVER_ID_MESA_PANVK, 1, 0), gpu("b", VK_DRIVER_ID_MESA_RADV, 2),
                  gpu("c", VK_DRIVER_ID_NVIDIA_PROPRIETARY, 1)};
  settle_devices(found);
  EXPECT_EQ(names(found), "b2 c1 ");
  found.usable = {gpu("early", VK_DRIVER_ID_MESA_PANVK, 1, 0)};
  settle_devices(found);
  EXPECT_EQ(names(found), "early1 ");
  bool told = false;
  for (const auto& [key, value] : found.usable[0].facts())
    told |= key == "conformance" && value == "none";
  EXPECT_TRUE(told);
}

Offer robust_offer(const char* extension) {
  Offer offer;
  offer.api = VK_API_VERSION_1_3;
  offer.extensions = {extension};
  offer.features.core.features.robustBufferAccess = VK_TRUE;
  offer.features.robustness2.robustBufferAccess2 = VK_TRUE;
  offer.features.robustness2.nullDescriptor = VK_TRUE;
  return offer;
}

TEST(Robustness, IsAnOption) {
  const Offer offer = robust_offer("VK_EXT_robustness2");
  Options options;
  EXPECT_TRUE(usable_features(offer, options).has("robustBufferAccess2"));
  options.robust = false;
  const FeatureSet off = usable_features(offer, options);
  EXPECT_FALSE(off.has("robustBufferAccess"));
  EXPECT_FALSE(off.has("robustBufferAccess2"));
  EXPECT_TRUE(off.has("nullDescriptor"));
}

// The same under the name that newer drivers offer; either, never both, is enabled.
TEST(Robustness, IsKnownUnderBothNames) {
  for (const char* name : {"VK_EXT_robustness2", "VK_KHR_robustness2"}) {
    Offer offer = robust_offer(name);
    const auto count = [&] {
      const auto enabled = usable_extensions(offer);
      return std::ranges::count_if(
          enabled, [](std::string_view one) { return one.ends_with("robustness2"); });
    };
    EXPECT_EQ(count(), 1) << name;
    bool linked = false;
    FeatureSet set = usable_features(offer, {});
    for (auto* node = static_cast<const VkBaseInStructure*>(link_features(set, offer)->pNext); node;
         node = node->pNext)
      linked |= node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT;
    EXPECT_TRUE(linked) << name;
    offer.extensions = {"VK_KHR_robustness2", "VK_EXT_robustness2"};
    EXPECT_EQ(count(), 1) << "offered under both";
  }
}

}  // namespace
}  // namespace sokr::vulkan::test
