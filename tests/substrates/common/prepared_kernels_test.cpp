// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels that are prepared once, with the plugins themselves, through the core.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sokr/compute.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "launch_builder.hpp"

namespace {

using sokr::substrate::testing_support::LaunchBuilder;
using Bytes = std::vector<std::uint8_t>;

Bytes shader(const std::string& name) {
  std::ifstream file(SOKR_TEST_SHADERS "/" + name + ".spv", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One substrate of a plugin that is built, registered once for the whole process.
class Substrate {
 public:
  // Null where this build or machine has none.
  static Substrate* of(const std::string& plugin) {
    static std::map<std::string, Substrate> all;
    Substrate& one = all[plugin];
    if (one.info_ == nullptr) one.start(plugin);
    return one.info_ ? &one : nullptr;
  }

  const SokrKernelTable& kernels() const { return *info_->kernels; }
  const SokrSubstratePlugin& plugin() const { return *info_->plugin; }
  std::uint32_t id() const { return id_; }
  std::string last_error() const {
    char text[2048] = "";
    info_->diagnostics->last_error(text, sizeof text);
    return text;
  }
  std::uint64_t statistic(std::string_view name) const {
    std::array<SokrStatistic, 16> all{};
    SokrStatistics asked{sizeof asked, sizeof(SokrStatistic), all.data(), all.size(), 0};
    EXPECT_EQ(info_->diagnostics->statistics(&asked), SOKR_OK);
    for (const SokrStatistic& one : all)
      if (one.name && name == one.name) return one.value;
    ADD_FAILURE() << "it has no statistic " << name;
    return 0;
  }

 private:
  void start(const std::string& plugin) {
    const std::string path = std::string(SOKR_TEST_PLUGINS) + "/sokr-" + plugin + ".so";
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    const auto main = reinterpret_cast<SokrPluginMainFn>(::dlsym(library, SOKR_PLUGIN_MAIN));
    static const SokrHostInfo host{sizeof host, SOKR_COMPUTE_VERSION, nullptr, nullptr, 0, 0,
                                   nullptr,     sizeof(SokrFact),     0};
    const SokrPlugin* offered = main(&host);
    if (offered == nullptr || offered->substrate_count == 0) return;
    if (sokr_register_substrate(offered->substrates[0]->plugin, &id_) != SOKR_OK) return;
    info_ = offered->substrates[0];
  }

  const SokrSubstrateInfo* info_ = nullptr;
  std::uint32_t id_ = 0;
};

// A kernel that writes factor * size of a workgroup + what is pushed.
struct Scaled {
  Bytes ir = shader("scaled");
  std::vector<SokrSpecialization> constants;
  std::string entry = "main";
  std::uint32_t local_size = 0;

  SokrKernelInfo info() const {
    SokrKernelInfo info{};
    info.struct_size = sizeof info;
    info.ir_format = SOKR_IR_SPIRV;
    info.ir_data = ir.data();
    info.ir_size = ir.size();
    info.entry = entry.c_str();
    info.specializations = constants.data();
    info.specialization_count = static_cast<std::uint32_t>(constants.size());
    info.specialization_size = sizeof(SokrSpecialization);
    if (local_size != 0)
      info.local_size[0] = local_size, info.local_size[1] = info.local_size[2] = 1;
    return info;
  }
};

LaunchBuilder launch_of(std::vector<std::uint32_t>& results, std::uint32_t added) {
  LaunchBuilder launch;
  launch.launch.groups[0] = static_cast<std::uint32_t>(results.size());
  launch.bindings.push_back({0, 0, 0, SOKR_BINDING_HOST, SOKR_ACCESS_READ_WRITE, 0,
                             reinterpret_cast<std::uint64_t>(results.data()), 0,
                             results.size() * sizeof(std::uint32_t)});
  launch.push.resize(4);
  std::memcpy(launch.push.data(), &added, sizeof added);
  return launch;
}

class PreparedKernels : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    on_ = Substrate::of(GetParam());
    if (on_ == nullptr) GTEST_SKIP() << "no substrate of " << GetParam();
  }

  SokrKernel prepare(const Scaled& kernel) {
    const SokrKernelInfo info = kernel.info();
    const SokrKernelInfo* all[] = {&info};
    SokrKernel handle = 0;
    EXPECT_EQ(on_->kernels().prepare(all, 1, &handle), SOKR_OK) << on_->last_error();
    EXPECT_NE(handle, 0u);
    return handle;
  }
  SokrResult dispatch(SokrKernel kernel, LaunchBuilder launch, SokrCompletionToken* token) {
    const SokrPreparedIr ir = sokr_prepared_ir(kernel);
    const Bytes params = launch.bytes();
    const SokrDispatchRequest request{
        {},        on_->id(),     reinterpret_cast<const std::uint8_t*>(&ir),
        sizeof ir, params.data(), params.size()};
    SokrDispatchResponse response{};
    const SokrResult result = sokr_dispatch(&request, &response);
    *token = response.completion_token;
    return result;
  }
  void wait(SokrCompletionToken token) {
    const SokrCompletionQuery query{token, UINT64_MAX};
    SokrCompletionSignal signal{};
    ASSERT_EQ(sokr_completion(&query, &signal), SOKR_OK);
    EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  }
  void expect_runs(SokrKernel kernel, std::uint32_t added, std::uint32_t expected) {
    std::vector<std::uint32_t> results(37, 7);
    SokrCompletionToken token = 0;
    ASSERT_EQ(dispatch(kernel, launch_of(results, added), &token), SOKR_OK) << on_->last_error();
    wait(token);
    EXPECT_EQ(results, std::vector<std::uint32_t>(37, expected));
  }
  void expect_refused(SokrKernel kernel, LaunchBuilder launch, SokrResult code,
                      std::string_view sentence) {
    SokrCompletionToken token = 1;
    EXPECT_EQ(dispatch(kernel, std::move(launch), &token), code);
    EXPECT_EQ(token, 0u);
    EXPECT_NE(on_->last_error().find(sentence), std::string::npos) << on_->last_error();
  }

  Substrate* on_ = nullptr;
};

TEST_P(PreparedKernels, RunAsTheyWerePrepared) {
  const std::uint64_t before = on_->statistic("kernels_prepared");
  const SokrKernel plain = prepare({});
  const SokrKernel scaled = prepare({.constants = {{1, 4, 10}, {0, 4, 16}}});
  EXPECT_EQ(on_->statistic("kernels_prepared"), before + 2);
  for (std::uint32_t added : {0u, 1u, 99u}) {
    expect_runs(plain, added, 3 + added);
    expect_runs(scaled, added, 160 + added);
  }
  EXPECT_EQ(on_->kernels().release(plain), SOKR_OK);
  expect_runs(scaled, 2, 162);
  EXPECT_EQ(on_->kernels().release(scaled), SOKR_OK);
  EXPECT_EQ(on_->statistic("kernels_prepared"), before);
}

TEST_P(PreparedKernels, AreNothingToBuildForALaunch) {
  const SokrKernel kernel = prepare({.constants = {{1, 4, 11}}});
  const std::uint64_t built = on_->statistic("kernels_built");
  for (std::uint32_t i = 0; i < 20; ++i) expect_runs(kernel, i, 11 + i);
  EXPECT_EQ(on_->statistic("kernels_built"), built);
  EXPECT_EQ(on_->kernels().release(kernel), SOKR_OK);
}

TEST_P(PreparedKernels, AreKnownByTheirHandleAlone) {
  const SokrKernel kernel = prepare({.constants = {{1, 4, 12}}});
  std::vector<std::uint32_t> results(4);
  LaunchBuilder launch = launch_of(results, 0);
  for (const SokrKernel forged : {SokrKernel{0}, kernel + 1, kernel ^ UINT64_C(1) << 32,
                                  SokrKernel{UINT64_MAX}, kernel | UINT64_C(1) << 63}) {
    expect_refused(forged, launch, SOKR_NOT_FOUND, "no kernel is prepared as");
    EXPECT_EQ(on_->kernels().release(forged), SOKR_NOT_FOUND);
  }
  const auto capability = [&](SokrKernel of) {
    const SokrPreparedIr ir = sokr_prepared_ir(of);
    const SokrCapabilityQuery query{
        {}, SOKR_IR_PREPARED, reinterpret_cast<const std::uint8_t*>(&ir), sizeof ir};
    SokrCapabilityResponse response{};
    return on_->plugin().capability_fn(&query, &response);
  };
  EXPECT_EQ(capability(kernel), SOKR_OK);
  EXPECT_EQ(capability(kernel + 1), SOKR_NOT_FOUND);
  EXPECT_EQ(on_->kernels().release(kernel), SOKR_OK);
  EXPECT_EQ(capability(kernel), SOKR_NOT_FOUND);
  EXPECT_EQ(on_->kernels().release(kernel), SOKR_NOT_FOUND);
  expect_refused(kernel, launch, SOKR_NOT_FOUND, "or it was released");
}

TEST_P(PreparedKernels, ALaunchDoesNotSayAgainWhatWasSaid) {
  const SokrKernel kernel = prepare({.constants = {{1, 4, 13}}});
  std::vector<std::uint32_t> results(4);
  const auto refused = [&](const char* what, auto change) {
    LaunchBuilder launch = launch_of(results, 0);
    change(launch);
    expect_refused(kernel, launch, SOKR_INVALID_INPUT, what);
  };
  refused("an entry point", [](LaunchBuilder& b) { b.entry = "main"; });
  refused("specialization constants",
          [](LaunchBuilder& b) { b.specializations.push_back({1, 4, 13}); });
  refused("a workgroup size", [](LaunchBuilder& b) {
    b.launch.local_size[0] = b.launch.local_size[1] = b.launch.local_size[2] = 1;
  });
  refused("a subgroup size", [](LaunchBuilder& b) { b.launch.subgroup_size = 8; });
  refused("0.0", [](LaunchBuilder& b) { b.bindings.clear(); });
  EXPECT_EQ(on_->kernels().release(kernel), SOKR_OK);
}

TEST_P(PreparedKernels, AllOrNone) {
  const std::uint64_t before = on_->statistic("kernels_prepared");
  const Scaled right{.constants = {{1, 4, 14}}}, no_entry{.entry = "nothing"};
  const Scaled wrong_size{.constants = {{1, 8, 14}}};
  const Scaled nonsense{.ir = {1, 2, 3, 4}};
  for (const Scaled* wrong : {&no_entry, &wrong_size, &nonsense}) {
    const SokrKernelInfo infos[] = {right.info(), wrong->info(), right.info()};
    const SokrKernelInfo* all[] = {&infos[0], &infos[1], &infos[2]};
    std::array<SokrKernel, 3> handles{1, 1, 1};
    EXPECT_NE(on_->kernels().prepare(all, 3, handles.data()), SOKR_OK);
    EXPECT_EQ(on_->last_error().find("kernel 2 of 3: "), 0u) << on_->last_error();
    EXPECT_EQ(handles, (std::array<SokrKernel, 3>{}));
  }
  SokrKernelInfo foreign = right.info();
  foreign.ir_format = SOKR_IR_PTX;
  const SokrKernelInfo* all[] = {&foreign};
  SokrKernel handle = 1;
  EXPECT_EQ(on_->kernels().prepare(all, 1, &handle), SOKR_CAPABILITY_DENIED);
  EXPECT_EQ(handle, 0u);
  EXPECT_EQ(on_->kernels().prepare(nullptr, 1, &handle), SOKR_INVALID_INPUT);
  EXPECT_EQ(on_->kernels().prepare(nullptr, 0, nullptr), SOKR_OK);
  EXPECT_EQ(on_->statistic("kernels_prepared"), before);
}

TEST_P(PreparedKernels, ManyAreCompiledAtOnce) {
  std::vector<Scaled> kernels;
  for (std::uint32_t i = 0; i < 12; ++i) kernels.push_back({.constants = {{1, 4, 100 + i}}});
  std::vector<SokrKernelInfo> infos;
  std::vector<const SokrKernelInfo*> all;
  for (const Scaled& kernel : kernels) infos.push_back(kernel.info());
  for (const SokrKernelInfo& info : infos) all.push_back(&info);
  std::vector<SokrKernel> handles(all.size());
  ASSERT_EQ(
      on_->kernels().prepare(all.data(), static_cast<std::uint32_t>(all.size()), handles.data()),
      SOKR_OK)
      << on_->last_error();
  for (std::uint32_t i = 0; i < 12; ++i) expect_runs(handles[i], 1, 101 + i);
  for (const SokrKernel handle : handles) EXPECT_EQ(on_->kernels().release(handle), SOKR_OK);
}

// Some are launched at once, some later, some never; the first of them are released at once.
TEST_P(PreparedKernels, ForLaterRunAsThoseOfNow) {
  const char* later[] = {"compile=later", "colour=blue", "bindings=overlap"};
  const std::uint64_t before = on_->statistic("kernels_prepared");
  std::vector<SokrKernel> handles;
  for (std::uint32_t i = 0; i < 24; ++i) {
    const Scaled kernel{.constants = {{1, 4, 300 + i}}};
    SokrKernelInfo info = kernel.info();
    info.options = later;
    info.option_count = 3;
    const SokrKernelInfo* all[] = {&info};
    handles.push_back(0);
    ASSERT_EQ(on_->kernels().prepare(all, 1, &handles.back()), SOKR_OK) << on_->last_error();
    if (i % 4 == 0) expect_runs(handles[i], 1, 301 + i);
    if (i % 4 == 1) {
      EXPECT_EQ(on_->kernels().release(handles[i]), SOKR_OK);
    }
  }
  for (std::uint32_t i = 2; i < 24; i += 4) expect_runs(handles[i], 1, 301 + i);
  for (std::uint32_t i = 0; i < 24; ++i) {
    if (i % 4 == 1) continue;
    EXPECT_EQ(on_->kernels().release(handles[i]), SOKR_OK);
  }
  EXPECT_EQ(on_->statistic("kernels_prepared"), before);
}

TEST_P(PreparedKernels, ForLaterAreJudgedAtOnce) {
  const char* later = "compile=later";
  const Scaled no_entry{.entry = "nothing"}, wrong_size{.constants = {{1, 8, 14}}};
  const Scaled nonsense{.ir = {1, 2, 3, 4}};
  for (const Scaled* wrong : {&no_entry, &wrong_size, &nonsense}) {
    SokrKernelInfo info = wrong->info();
    info.options = &later;
    info.option_count = 1;
    const SokrKernelInfo* all[] = {&info};
    SokrKernel handle = 1;
    EXPECT_NE(on_->kernels().prepare(all, 1, &handle), SOKR_OK);
    EXPECT_EQ(handle, 0u);
  }
}

// The IR of such a kernel is the handle of one that is prepared.
TEST_P(PreparedKernels, APreparedOneGetsAnotherHandle) {
  if (std::string_view(GetParam()) != "cpu") GTEST_SKIP() << "it need not take them";
  const char* later = "compile=later";
  for (const char* when : {"compile=now", "compile=soon", "compile=later"}) {
    const Scaled kernel{.constants = {{1, 4, 400}}};
    SokrKernelInfo info = kernel.info();
    info.options = &later;
    info.option_count = 1;
    const SokrKernelInfo* all[] = {&info};
    SokrKernel first = 0, second = 0;
    ASSERT_EQ(on_->kernels().prepare(all, 1, &first), SOKR_OK) << on_->last_error();
    SokrPreparedIr ir = sokr_prepared_ir(first);
    SokrKernelInfo again{};
    again.struct_size = sizeof again;
    again.ir_format = SOKR_IR_PREPARED;
    again.ir_data = reinterpret_cast<const std::uint8_t*>(&ir);
    again.ir_size = sizeof ir;
    again.options = &when;
    again.option_count = 1;
    const SokrKernelInfo* all_again[] = {&again};
    ASSERT_EQ(on_->kernels().prepare(all_again, 1, &second), SOKR_OK) << on_->last_error();
    EXPECT_NE(second, first);
    EXPECT_EQ(on_->kernels().release(first), SOKR_OK);
    expect_runs(second, 1, 401);
    EXPECT_EQ(on_->kernels().release(second), SOKR_OK);
    EXPECT_EQ(on_->kernels().prepare(all_again, 1, &second), SOKR_NOT_FOUND);
    EXPECT_EQ(second, 0u);
    again.entry = "main";
    EXPECT_NE(on_->kernels().prepare(all_again, 1, &second), SOKR_OK);
  }
}

TEST_P(PreparedKernels, OptionsAreReadOrRefused) {
  const Scaled kernel{.constants = {{1, 4, 14}}};
  const auto expect_refused = [&](const char* const* options, const char* sentence) {
    SokrKernelInfo info = kernel.info();
    info.options = options;
    info.option_count = 1;
    const SokrKernelInfo* all[] = {&info};
    SokrKernel handle = 1;
    EXPECT_EQ(on_->kernels().prepare(all, 1, &handle), SOKR_INVALID_INPUT);
    EXPECT_NE(on_->last_error().find(sentence), std::string::npos) << on_->last_error();
    EXPECT_EQ(handle, 0u);
  };
  const char* sometimes = "compile=sometimes";
  const char* null = nullptr;
  expect_refused(&sometimes, "'compile=sometimes' is none of compile=now, soon and later");
  const char* never = "bindings=never";
  expect_refused(&never, "'bindings=never' is none of bindings=apart and overlap");
  expect_refused(&null, "one of its options is null");
  expect_refused(nullptr, "1 options at null");
}

// What overlaps in memory, or is read from a buffer, is compiled as it comes.
TEST_P(PreparedKernels, RunOnWhateverMemoryIsBound) {
  if (std::string_view(GetParam()) == "vulkan") GTEST_SKIP() << "it refuses what overlaps";
  const SokrKernel kernel = prepare({.constants = {{1, 4, 15}}});
  std::vector<std::uint32_t> results(37, 7);
  LaunchBuilder launch = launch_of(results, 1);
  launch.bindings.push_back(launch.bindings[0]);
  launch.bindings.back().binding = 1;  // which the kernel does not use
  SokrCompletionToken token = 0;
  ASSERT_EQ(dispatch(kernel, launch, &token), SOKR_OK) << on_->last_error();
  wait(token);
  EXPECT_EQ(results, std::vector<std::uint32_t>(37, 16));
  EXPECT_EQ(on_->kernels().release(kernel), SOKR_OK);
}

// A second launch of a kind is what makes a host prepare: it must not compile for memory that
// nobody binds.
TEST_P(PreparedKernels, WhatWasLaunchedBeforeIsCompiledForNothingElse) {
  if (std::string_view(GetParam()) == "vulkan") GTEST_SKIP() << "it refuses what overlaps";
  const Scaled kernel{.constants = {{1, 4, 19}}};
  std::vector<std::uint32_t> results(37, 7);
  LaunchBuilder launch = launch_of(results, 1);
  launch.bindings.push_back(launch.bindings[0]);
  launch.bindings.back().binding = 1;
  LaunchBuilder plain = launch;
  plain.entry = kernel.entry;
  plain.specializations = kernel.constants;
  const Bytes params = plain.bytes();
  const SokrDispatchRequest request{
      {}, on_->id(), kernel.ir.data(), kernel.ir.size(), params.data(), params.size()};
  SokrDispatchResponse response{};
  ASSERT_EQ(sokr_dispatch(&request, &response), SOKR_OK) << on_->last_error();
  wait(response.completion_token);
  const std::uint64_t built = on_->statistic("kernels_built");
  const SokrKernel handle = prepare(kernel);
  SokrCompletionToken token = 0;
  ASSERT_EQ(dispatch(handle, launch, &token), SOKR_OK) << on_->last_error();
  wait(token);
  EXPECT_EQ(results, std::vector<std::uint32_t>(37, 20));
  EXPECT_EQ(on_->statistic("kernels_built"), built);
  EXPECT_EQ(on_->kernels().release(handle), SOKR_OK);
}

TEST_P(PreparedKernels, AreReleasedUnderLaunchesThatGoOn) {
  for (std::uint32_t i = 0; i < 20; ++i) {
    const SokrKernel kernel = prepare({.constants = {{1, 4, 16}}});
    std::vector<std::uint32_t> results(4096);
    SokrCompletionToken token = 0;
    ASSERT_EQ(dispatch(kernel, launch_of(results, i), &token), SOKR_OK) << on_->last_error();
    EXPECT_EQ(on_->kernels().release(kernel), SOKR_OK);
    wait(token);
    EXPECT_EQ(results, std::vector<std::uint32_t>(4096, 16 + i));
  }
}

TEST_P(PreparedKernels, ComeAndGoBesideDispatches) {
  std::atomic<SokrKernel> current{prepare({.constants = {{1, 4, 17}}})};
  std::atomic<bool> over{false};
  std::atomic<std::uint32_t> ran{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 2; ++i) {
    users.emplace_back([&] {
      std::vector<std::uint32_t> results(8);
      while (!over || ran == 0) {
        SokrCompletionToken token = 0;
        const SokrResult result = dispatch(current, launch_of(results, 0), &token);
        if (result == SOKR_NOT_FOUND) continue;
        ASSERT_EQ(result, SOKR_OK) << on_->last_error();
        wait(token);
        EXPECT_EQ(results[7], 17u);
        ++ran;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    const SokrKernel next = prepare({.constants = {{1, 4, 17}}});
    EXPECT_EQ(on_->kernels().release(current.exchange(next)), SOKR_OK);
  }
  over = true;
  for (std::thread& user : users) user.join();
  EXPECT_EQ(on_->kernels().release(current), SOKR_OK);
}

TEST(PreparedKernelsOfSeveral, AHandleIsOneSubstratesOwn) {
  Substrate *a = Substrate::of("cpu"), *b = Substrate::of("reference");
  if (!a || !b) GTEST_SKIP() << "two substrates are needed";
  const Scaled kernel{.constants = {{1, 4, 18}}};
  const SokrKernelInfo info = kernel.info();
  const SokrKernelInfo* all[] = {&info};
  std::array<SokrKernel, 8> handles{};
  for (SokrKernel& handle : handles) ASSERT_EQ(a->kernels().prepare(all, 1, &handle), SOKR_OK);
  // Of a substrate that has prepared fewer it names nothing.
  EXPECT_EQ(b->kernels().release(handles.back()), SOKR_NOT_FOUND);
  for (const SokrKernel handle : handles) EXPECT_EQ(a->kernels().release(handle), SOKR_OK);
}

INSTANTIATE_TEST_SUITE_P(Plugins, PreparedKernels, testing::Values("cpu", "reference", "vulkan"));

}  // namespace
