// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The plugin as a host meets it: loaded from its file, registered with the core,
// destroyed, unloaded, and all of that again.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sokr/compute.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::vector<std::uint8_t> saxpy_module() {
  std::ifstream file(SOKR_TEST_SHADERS "/saxpy.spv", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Loaded {
  void* library = nullptr;
  const SokrPlugin* plugin = nullptr;

  explicit Loaded(std::vector<SokrFact> options = {}) {
    library = dlopen(SOKR_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      ADD_FAILURE() << dlerror();
      return;
    }
    auto main = reinterpret_cast<SokrPluginMainFn>(dlsym(library, SOKR_PLUGIN_MAIN));
    if (!main) {
      ADD_FAILURE() << "no " SOKR_PLUGIN_MAIN;
      return;
    }
    static SokrHostInfo host{};  // valid until the library is unloaded
    host = {};
    host.struct_size = sizeof host;
    host.compute_version = SOKR_COMPUTE_VERSION;
    host.options = options.data();
    host.option_count = static_cast<std::uint32_t>(options.size());
    host.option_size = sizeof(SokrFact);
    plugin = main(&host);
  }
  ~Loaded() {
    if (library) dlclose(library);
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
};

void run_saxpy(std::uint32_t id, const SokrSubstrateInfo& info) {
  const auto ir = saxpy_module();
  SokrCapabilityQuery query{};
  query.ir_format = SOKR_IR_SPIRV;
  query.ir_data = ir.data();
  query.ir_data_len = ir.size();
  SokrCapabilityResponse capable{};
  ASSERT_EQ(sokr_capability(&query, &capable), SOKR_OK);

  std::vector<float> x(100, 2.0f), y(100, 1.0f);
  SokrBinding bindings[2] = {};
  bindings[0] = {
      0, 0,  0, SOKR_BINDING_HOST, SOKR_ACCESS_READ, 0, reinterpret_cast<std::uintptr_t>(x.data()),
      0, 400};
  bindings[1] = {0,
                 1,
                 0,
                 SOKR_BINDING_HOST,
                 SOKR_ACCESS_READ_WRITE,
                 0,
                 reinterpret_cast<std::uintptr_t>(y.data()),
                 0,
                 400};
  struct {
    float a = 3.0f;
    std::uint32_t n = 100;
  } push;
  SokrLaunch launch{};
  launch.groups[0] = 100;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = bindings;
  launch.binding_count = 2;
  launch.push = &push;
  launch.push_size = sizeof push;
  std::vector<unsigned char> params(sokr_launch_size(&launch));
  sokr_launch_write(&launch, params.data(), params.size());
  SokrDispatchRequest request{};
  request.substrate_id = id;
  request.ir_data = ir.data();
  request.ir_data_len = ir.size();
  request.params = params.data();
  request.params_len = params.size();
  SokrDispatchResponse response{};
  char why[512] = "";
  const SokrResult result = sokr_dispatch(&request, &response);
  info.diagnostics->last_error(why, sizeof why);
  ASSERT_EQ(result, SOKR_OK) << why;
  SokrCompletionQuery wait{response.completion_token, UINT64_MAX};
  SokrCompletionSignal signal{};
  ASSERT_EQ(sokr_completion(&wait, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(y, std::vector<float>(100, 7.0f));
}

void destroy_all(const SokrPlugin& plugin) {
  for (std::uint32_t i = 0; i < plugin.substrate_count; ++i) {
    plugin.substrates[i]->plugin->destroy_fn();
  }
}

TEST(Plugin, LoadsRunsAndUnloadsAgainAndAgain) {
  for (int round = 0; round < 4; ++round) {
    Loaded loaded;
    ASSERT_NE(loaded.plugin, nullptr);
    ASSERT_GE(loaded.plugin->substrate_count, 1u);
    const SokrSubstrateInfo& info = *loaded.plugin->substrates[0];
    EXPECT_STREQ(info.name, "vulkan:0");
    std::uint32_t id = 0;
    ASSERT_EQ(sokr_register_substrate(info.plugin, &id), SOKR_OK);
    run_saxpy(id, info);
    ASSERT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  }
}

TEST(Plugin, UnloadsWithoutEverBeingRegistered) {
  for (int round = 0; round < 3; ++round) {
    Loaded loaded;
    ASSERT_NE(loaded.plugin, nullptr);
    ASSERT_GE(loaded.plugin->substrate_count, 1u);
    destroy_all(*loaded.plugin);
  }
}

TEST(Plugin, OpenedTwiceAtOnce) {
  Loaded first, second;
  ASSERT_NE(first.plugin, nullptr);
  ASSERT_NE(second.plugin, nullptr);
  const SokrSubstrateInfo& info = *second.plugin->substrates[0];
  std::uint32_t id = 0;
  ASSERT_EQ(sokr_register_substrate(info.plugin, &id), SOKR_OK);
  run_saxpy(id, info);
  ASSERT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  destroy_all(*first.plugin);
}

TEST(Plugin, WithoutALoaderItSaysSo) {
  Loaded loaded(std::vector<SokrFact>{{"vulkan.loader", "libnot-there.so.1"}});
  ASSERT_NE(loaded.plugin, nullptr);
  EXPECT_EQ(loaded.plugin->substrate_count, 0u);
  ASSERT_EQ(loaded.plugin->unavailable_count, 1u);
  EXPECT_NE(std::strstr(loaded.plugin->unavailable[0].reason, "no Vulkan loader"), nullptr);
}

}  // namespace
