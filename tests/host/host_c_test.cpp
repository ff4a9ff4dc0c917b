// SPDX-License-Identifier: MIT OR Apache-2.0
#include <dlfcn.h>
#include <sokr/host.h>

#include <algorithm>
#include <cstring>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

struct HostTest : testing::Test {
  SokrHost* host = sokr_host_open(
      (mock("ir").string() + ":" + mock("add").string() + ":" + mock("deny").string()).c_str());
  ~HostTest() override { sokr_host_close(host); }
};

TEST_F(HostTest, ListsAndFinds) {
  ASSERT_NE(host, nullptr);
  std::uint32_t id = 0;
  const SokrSubstrateInfo* found = sokr_host_find(host, "mock:add", &id);
  ASSERT_NE(found, nullptr);
  EXPECT_GT(id, 0u);
  bool listed = false;
  for (std::size_t i = 0; i < sokr_host_count(host); ++i) {
    std::uint32_t other = 0;
    listed = listed || (sokr_host_substrate(host, i, &other) == found && other == id);
  }
  EXPECT_TRUE(listed);
  EXPECT_EQ(sokr_host_find(host, "nothing", &id), nullptr);
  EXPECT_EQ(id, 0u);
  EXPECT_NE(std::string(sokr_host_last_error()).find("there is no substrate 'nothing'"),
            std::string::npos);
  EXPECT_EQ(sokr_host_substrate(host, 1000, nullptr), nullptr);
}

TEST_F(HostTest, ChoosesAndRuns) {
  SokrChoice choice;
  const std::string kernel = "MOCKtext";
  ASSERT_EQ(sokr_host_choose(host, nullptr, kernel.data(), kernel.size(), &choice), SOKR_OK)
      << sokr_host_last_error();
  EXPECT_STREQ(choice.info->name, "mock:add");
  // Lowered: the format is the substrate's, the bytes are the host's.
  EXPECT_EQ(choice.ir_format, SOKR_IR_SPIRV);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(choice.ir_data), choice.ir_data_len), "text");

  std::array<std::uint8_t, 8> data{};
  SokrBinding binding{};
  binding.kind = SOKR_BINDING_HOST;
  binding.access = SOKR_ACCESS_WRITE;
  binding.resource = reinterpret_cast<std::uintptr_t>(data.data());
  binding.size = data.size();
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  std::array<std::uint8_t, 512> params;
  const std::size_t size = sokr_launch_write(&launch, params.data(), params.size());
  const SokrDispatchRequest request{choice.computation_id, choice.substrate_id, choice.ir_data,
                                    choice.ir_data_len,    params.data(),       size};
  SokrDispatchResponse started{};
  ASSERT_EQ(sokr_dispatch(&request, &started), SOKR_OK);
  const SokrCompletionQuery query{started.completion_token, UINT64_MAX};
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  ASSERT_EQ(sokr_completion(&query, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(data[7], 1);
}

// Lowered bytes are kept until the host is closed, but those of one kernel once.
TEST_F(HostTest, WhatIsLoweredIsKeptOnce) {
  SokrChoice first, second, other;
  ASSERT_EQ(sokr_host_choose(host, nullptr, "MOCKtext", 8, &first), SOKR_OK);
  ASSERT_EQ(sokr_host_choose(host, nullptr, "MOCKname", 8, &other), SOKR_OK);
  const std::string again = "MOCKtext";
  ASSERT_EQ(sokr_host_choose(host, "mock:add", again.data(), 8, &second), SOKR_OK);
  EXPECT_EQ(second.ir_data, first.ir_data);
  EXPECT_NE(other.ir_data, first.ir_data);
  EXPECT_EQ(std::memcmp(other.ir_data, "name", 4), 0);
}

TEST_F(HostTest, RefusalsHaveACodeAndASentence) {
  SokrChoice choice;
  EXPECT_EQ(sokr_host_choose(host, "mock:deny", "MOCKtext", 8, &choice), SOKR_CAPABILITY_DENIED);
  EXPECT_STREQ(sokr_host_last_error(), "mock:deny: the mock denies everything");
  EXPECT_EQ(choice.info, nullptr);
  EXPECT_EQ(sokr_host_choose(host, "nothing", "MOCKtext", 8, &choice), SOKR_NOT_FOUND);
  EXPECT_EQ(sokr_host_choose(host, nullptr, "?", 1, &choice), SOKR_INVALID_IR);
  EXPECT_EQ(sokr_host_choose(host, nullptr, nullptr, 0, &choice), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_host_choose(nullptr, nullptr, "x", 1, &choice), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_host_choose(host, nullptr, "MOCKtext", 8, nullptr), SOKR_INVALID_INPUT);
  sokr_host_close(nullptr);
}

TEST_F(HostTest, ReflectsAndCountsGroups) {
  const SokrIrReflection* reflection = nullptr;
  ASSERT_EQ(sokr_host_reflect(host, "MOCKtext", 8, nullptr, 0, nullptr, &reflection), SOKR_OK)
      << sokr_host_last_error();
  ASSERT_EQ(reflection->entry_point_count, 1u);
  EXPECT_EQ(reflection->struct_size, sizeof *reflection);
  EXPECT_STREQ(reflection->entry_points[0].bindings[0].name, "data");
  // The plugin's elements are longer than ours.
  ASSERT_EQ(reflection->entry_types_size, sizeof(SokrIrEntryTypes));
  const SokrIrEntryTypes& types = reflection->entry_types[0];
  EXPECT_EQ(types.binding_scalars[0], 1u << SOKR_IR_U8);
  ASSERT_EQ(types.push_scalar_count, 3u);
  EXPECT_EQ(types.push_scalars[2].offset, 12u);
  EXPECT_EQ(types.push_scalars[2].type, std::uint32_t{SOKR_IR_F32});

  const std::uint32_t threads[3] = {9, 0, UINT32_MAX};
  std::uint32_t groups[3] = {};
  ASSERT_EQ(sokr_host_groups(reflection, nullptr, threads, groups), SOKR_OK);
  EXPECT_EQ(groups[0], 3u);
  EXPECT_EQ(groups[1], 0u);
  EXPECT_EQ(groups[2], UINT32_MAX);
  EXPECT_EQ(sokr_host_groups(reflection, "other", threads, groups), SOKR_INVALID_INPUT);
  EXPECT_STREQ(sokr_host_last_error(), "the kernel has no entry point 'other'; it has 'main'");
  EXPECT_EQ(sokr_host_groups(nullptr, nullptr, threads, groups), SOKR_INVALID_INPUT);
  sokr_host_free_reflection(reflection);
  sokr_host_free_reflection(nullptr);
}

TEST_F(HostTest, ReflectionIsRefusedWithACodeAndASentence) {
  const SokrSpecialization value{3, 4, 1};
  const SokrIrReflection* reflection = nullptr;
  EXPECT_EQ(sokr_host_reflect(host, "MOCKtext", 8, &value, 1, nullptr, &reflection),
            SOKR_INVALID_INPUT);
  EXPECT_STREQ(sokr_host_last_error(), "there are no specialization constants");
  EXPECT_EQ(reflection, nullptr);
  EXPECT_EQ(sokr_host_reflect(host, "MOCK!", 5, nullptr, 0, nullptr, &reflection), SOKR_INVALID_IR);
  EXPECT_EQ(sokr_host_reflect(host, "MOCKtext", 8, nullptr, 1, nullptr, &reflection),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_host_reflect(host, "MOCKtext", 8, nullptr, 0, nullptr, nullptr),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_host_reflect(nullptr, "MOCKtext", 8, nullptr, 0, nullptr, &reflection),
            SOKR_INVALID_INPUT);
}

// As a program of a later version would call: what it knows more of is zero for it.
TEST_F(HostTest, WritesChoicesOfEverySize) {
  struct Longer {
    SokrChoice known;
    std::uint64_t more[2];
  };
  Longer longer;
  std::memset(&longer, 0xFF, sizeof longer);
  ASSERT_EQ(sokr_host_choose_sized(host, "mock:add", "MOCKtext", 8, &longer.known, sizeof longer),
            SOKR_OK);
  EXPECT_STREQ(longer.known.info->name, "mock:add");
  EXPECT_EQ(longer.more[0] | longer.more[1], 0u);
  EXPECT_EQ(sokr_host_choose_sized(host, nullptr, "MOCKtext", 8, &longer.known, 16),
            SOKR_INVALID_INPUT);
  EXPECT_STREQ(sokr_host_last_error(), "the SokrChoice has 16 bytes; it has at least 48");
}

TEST_F(HostTest, RequestsAreReadByTheirSize) {
  struct Longer {
    SokrIrRequest known;
    std::uint64_t more;
  };
  Longer longer{};
  SokrIrRequest& request = longer.known;
  request.struct_size = sizeof longer;
  request.ir_version = SOKR_IR_VERSION + 5;
  request.data = reinterpret_cast<const std::uint8_t*>("MOCKtext");
  request.size = 8;
  const SokrIrReflection* reflection = nullptr;
  ASSERT_EQ(sokr_host_reflect_request(host, &request, &reflection), SOKR_OK)
      << sokr_host_last_error();
  EXPECT_EQ(reflection->entry_point_size, sizeof(SokrIrEntryPoint));
  EXPECT_EQ(reflection->entry_points[0].binding_size, sizeof(SokrIrBinding));
  sokr_host_free_reflection(reflection);
  longer.more = 1;
  EXPECT_EQ(sokr_host_reflect_request(host, &request, &reflection), SOKR_CAPABILITY_DENIED);
  EXPECT_NE(std::string(sokr_host_last_error()).find("sets something behind the"),
            std::string::npos);
  EXPECT_EQ(reflection, nullptr);
  longer.more = 0;
  const SokrIrSpecValue value{5, 4, 0};
  request.specializations = &value;
  request.specialization_count = 1;
  EXPECT_EQ(sokr_host_reflect_request(host, &request, &reflection), SOKR_INVALID_INPUT);
  EXPECT_STREQ(sokr_host_last_error(),
               "its specialization is said to be 0 bytes long; it is at least 16");
  request.specialization_size = sizeof value;
  request.ir_version = 0x00020000;
  EXPECT_EQ(sokr_host_reflect_request(host, &request, &reflection), SOKR_VERSION_MISMATCH);
  request.struct_size = 8;
  EXPECT_EQ(sokr_host_reflect_request(host, &request, &reflection), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_host_reflect_request(host, nullptr, &reflection), SOKR_INVALID_INPUT);
}

TEST(HostExports, LaunchesOfLaterVersionsAreReadByTheirSizes) {
  struct LongerBinding {
    SokrBinding known;
    std::uint64_t more;
  };
  struct LongerLaunch {
    SokrLaunch known;
    std::uint64_t more;
  };
  std::vector<LongerBinding> bindings(2);
  bindings[1].known.binding = 7;
  LongerLaunch launch{};
  launch.known.groups[0] = launch.known.groups[1] = launch.known.groups[2] = 1;
  launch.known.bindings = &bindings[0].known;
  launch.known.binding_count = 2;
  std::array<std::uint8_t, 512> params;
  const auto write = [&] {
    return sokr_host_write_launch_sized(&launch.known, sizeof launch, sizeof bindings[0],
                                        sizeof(SokrSpecialization), params.data(), params.size());
  };
  ASSERT_EQ(write(), 104u + 2 * 48) << sokr_host_last_error();
  SokrBinding second{};
  std::memcpy(&second, params.data() + 104 + 48, 48);
  EXPECT_EQ(second.binding, 7u);
  bindings[1].more = 1;
  EXPECT_EQ(write(), 0u);
  EXPECT_STREQ(sokr_host_last_error(),
               "a SokrBinding of 80 bytes sets something behind the 72 that this library knows: "
               "it is of a newer version");
  bindings[1].more = 0;
  launch.more = 1;
  EXPECT_EQ(write(), 0u);
  launch.more = 0;
  launch.known.base_groups[0] = 1;
  EXPECT_EQ(write(), 128u + 2 * 72);
}

TEST(HostExports, InlineFunctionsAreSymbolsToo) {
  const auto symbol = [](const char* name) {
    void* found = ::dlsym(RTLD_DEFAULT, name);
    EXPECT_NE(found, nullptr) << name;
    return found;
  };
  const auto size = reinterpret_cast<decltype(&sokr_launch_size)>(symbol("sokr_launch_size"));
  const auto write = reinterpret_cast<decltype(&sokr_launch_write)>(symbol("sokr_launch_write"));
  const auto encode = reinterpret_cast<decltype(&sokr_token_encode)>(symbol("sokr_token_encode"));
  const auto id = reinterpret_cast<decltype(&sokr_token_substrate)>(symbol("sokr_token_substrate"));
  const auto token =
      reinterpret_cast<decltype(&sokr_token_plugin_token)>(symbol("sokr_token_plugin_token"));
  EXPECT_EQ(id(encode(7, 9)), 7u);
  EXPECT_EQ(token(encode(7, 9)), 9u);

  SokrLaunch launch{};
  launch.entry = "main";
  launch.groups[0] = 5;
  std::array<std::uint8_t, 256> inlined{}, exported{};
  EXPECT_EQ(size(&launch), sokr_launch_size(&launch));
  EXPECT_EQ(write(&launch, exported.data(), exported.size()),
            sokr_launch_write(&launch, inlined.data(), inlined.size()));
  EXPECT_EQ(exported, inlined);
}

TEST(HostExports, ArraysThatAreNotThereAreSaid) {
  std::array<std::uint8_t, 512> params;
  SokrLaunch pushes{};
  pushes.push_size = 4;
  EXPECT_EQ(sokr_host_write_launch(&pushes, params.data(), params.size()), 0u);
  EXPECT_STREQ(sokr_host_last_error(), "the array of push constants is null");
  SokrLaunch waits{};
  waits.wait_count = 1;
  EXPECT_EQ(sokr_host_write_launch(&waits, params.data(), params.size()), 0u);
  EXPECT_STREQ(sokr_host_last_error(), "the array of waits is null");
}

TEST(HostExports, ABufferThatIsTooSmallIsSaid) {
  const SokrLaunch launch{};
  std::array<std::uint8_t, 100> params;
  params.fill(7);
  EXPECT_EQ(sokr_host_write_launch(&launch, params.data(), params.size()), 0u);
  EXPECT_STREQ(sokr_host_last_error(),
               "the launch parameters need 104 bytes; the buffer for them has 100");
  EXPECT_EQ(std::count(params.begin(), params.end(), 7), 100);
  EXPECT_EQ(sokr_host_write_launch(nullptr, params.data(), params.size()), 0u);
  EXPECT_STREQ(sokr_host_last_error(), "the launch is null");
  std::array<std::uint8_t, 104> enough;
  EXPECT_EQ(sokr_host_write_launch(&launch, enough.data(), enough.size()), 104u);
}

}  // namespace
}  // namespace sokr::tests
