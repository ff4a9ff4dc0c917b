// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The Vulkan loader and one instance. The destructor destroys the instance; all devices are gone
// by then. The loader stays loaded until the process ends: drivers leave threads and thread-local
// memory behind. volk keeps the loader's functions in globals: instances that live at the same time
// come from the same loader.
#ifndef SOKR_VULKAN_INSTANCE_HPP_
#define SOKR_VULKAN_INSTANCE_HPP_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "options.hpp"
#include "physical_device.hpp"
#include "vk.hpp"

namespace sokr::vulkan {

class Instance {
 public:
  // The sentence says what is missing: the loader, a driver, the validation layer.
  static Result<std::unique_ptr<Instance>> create(const Options& options,
                                                  const substrate::Host& host);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  struct Found {
    std::vector<PhysicalDevice> usable;
    std::vector<std::string> unsuitable;  // a sentence for each device passed over
  };
  // Best first: drivers that passed the conformance suite before those that did not. Of a GPU that
  // several drivers offer, the first of them; the others are passed over.
  Result<Found> devices() const { return devices(options_); }
  // With other options than the instance was made for, but for the loader, version and validation.
  Result<Found> devices(const Options& options) const;

  const Options& options() const { return options_; }
  // Warnings and errors of the validation layer so far. Any thread.
  std::uint64_t validation_messages() const { return messages_.load(); }

 private:
  Instance(const Options& options, const substrate::Host& host) : options_(options), host_(host) {}
  Result<void> open_loader();
  Result<void> create_instance();

  static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                   VkDebugUtilsMessageTypeFlagsEXT types,
                                                   const VkDebugUtilsMessengerCallbackDataEXT* data,
                                                   void* self);

  Options options_;
  substrate::Host host_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  // volk's is null once an instance without the extension was made.
  PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr;
  std::uint32_t api_ = 0;
  std::atomic<std::uint64_t> messages_{0};
};

// Orders what was found, and passes over all but one driver of each GPU.
void settle_devices(Instance::Found& found);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_INSTANCE_HPP_
