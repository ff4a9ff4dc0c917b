// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The simulation layer, where the tests run on it.
#ifndef SOKR_TESTS_VULKAN_SIMULATED_HPP_
#define SOKR_TESTS_VULKAN_SIMULATED_HPP_

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "sim/state.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {

// Empty if the device is not simulated.
inline std::string simulated_profile() {
  const char* name = std::getenv("SOKR_SIM_PROFILE");
  return name ? name : "";
}

// Null if the device is not simulated.
inline sim::State* simulated() {
  static sim::State* state = []() -> sim::State* {
    if (simulated_profile().empty()) return nullptr;
    void* layer = dlopen(SOKR_SIM_LAYER, RTLD_NOW | RTLD_LOCAL);
    if (!layer) {
      ADD_FAILURE() << dlerror();
      std::abort();
    }
    return reinterpret_cast<SokrSimStateFn>(dlsym(layer, "sokr_sim_state"))();
  }();
  return state;
}

// Skips every test where the layer found no software device of which to make another.
class NeedsSoftwareDevice : public testing::Environment {
 public:
  void SetUp() override {
    if (!simulated()) return;
    TestHost host({});
    const Options options = read_options(host.host());
    auto instance = Instance::create(options, host.host());
    if (instance) {
      auto found = (*instance)->devices();
      if (found && !found->usable.empty()) return;
    }
    GTEST_SKIP() << "no software device (mesa-vulkan-drivers) of which to make another";
  }
};
inline testing::Environment* const kNeedsSoftwareDevice =
    testing::AddGlobalTestEnvironment(new NeedsSoftwareDevice);

// A test that changes what the simulated device has, which is as it was afterwards.
class OnSimulated : public testing::Test {
 protected:
  void SetUp() override {
    if (!simulated()) GTEST_SKIP() << "the device is not simulated";
  }
  void TearDown() override {
    if (!simulated()) return;
    simulated()->full_heaps = 0;
    simulated()->budget = 0;
    simulated()->allocation_limit = 0;
    simulated()->seems_busy = false;
  }
};

// Without the import of host memory, which would leave nothing to be staged.
inline OptionList staged_with(OptionList more = {}) {
  more.emplace_back("vulkan.disable", "VK_EXT_external_memory_host");
  return more;
}

}  // namespace sokr::vulkan::test

#endif  // SOKR_TESTS_VULKAN_SIMULATED_HPP_
