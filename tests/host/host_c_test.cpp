// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/host.h>

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

}  // namespace
}  // namespace sokr::tests
