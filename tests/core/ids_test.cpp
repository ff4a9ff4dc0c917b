// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Uses up all ids of the process, so it is a program of its own.
#include <gtest/gtest.h>
#include <sokr/sokr.h>

#include "fake_plugin.hpp"

namespace sokr::core_test {
namespace {

TEST(Ids, REG_4_all_65535_ids_are_given_out_once_and_then_the_registry_is_full) {
  const SokrSubstratePlugin plugin = Fake<1>::plugin();
  uint32_t id = 0, keeper = 0;
  ASSERT_EQ(sokr_register_substrate(&plugin, &keeper), SOKR_OK);
  ASSERT_EQ(keeper, 1u);
  for (uint32_t expected = 2; expected <= 0xFFFF; ++expected) {
    ASSERT_EQ(sokr_register_substrate(&plugin, &id), SOKR_OK);
    ASSERT_EQ(id, expected);
    ASSERT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  }
  for (int again = 0; again < 3; ++again) {
    id = 77;
    EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_REGISTRY_FULL);
    EXPECT_EQ(id, 0u);
  }
  // What is registered works on, and goes; ids do not come back with it.
  const SokrDispatchRequest request = {{{0}}, keeper, nullptr, 0, nullptr, 0};
  SokrDispatchResponse response;
  EXPECT_EQ(sokr_dispatch(&request, &response), SOKR_OK);
  EXPECT_EQ(sokr_deregister_substrate(keeper), SOKR_OK);
  EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_REGISTRY_FULL);
  EXPECT_EQ(Fake<1>::script.destroy_calls, 0xFFFF);
}

}  // namespace
}  // namespace sokr::core_test
