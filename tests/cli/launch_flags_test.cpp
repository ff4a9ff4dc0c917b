// SPDX-License-Identifier: MIT OR Apache-2.0
#include "launch_flags.hpp"

#include <gtest/gtest.h>

namespace sokr::cli {
namespace {

TEST(LaunchFlags, Selectors) {
  EXPECT_EQ(parse_selector("3.1[2]", "--in", ""), (Selector{3, 1, 2}));
  EXPECT_EQ(parse_selector("0.4294967295", "--in", ""), (Selector{0, UINT32_MAX, 0}));
  EXPECT_EQ((Selector{3, 1, 2}).text(), "3.1[2]");
  for (const char* text : {"", ".", "0.", ".0", "0.0.0", "0.0[", "0.0]", "0.0[x]", "0.0[1]x", "0,0",
                           "+0.0", "0x0.0", "[1]", "0[1].0", "0.0[1][2]"}) {
    EXPECT_THROW((void)parse_selector(text, "--in", ""), UsageError) << text;
  }
}

TEST(LaunchFlags, Bytes) {
  EXPECT_EQ(parse_bytes("1", "x"), 1u);
  EXPECT_EQ(parse_bytes("3K", "x"), 3072u);
  EXPECT_EQ(parse_bytes("2M", "x"), 2u << 20);
  EXPECT_EQ(parse_bytes("5G", "x"), UINT64_C(5) << 30);
  for (const char* text :
       {"", "K", "0", "0K", "1k", "1KB", "-1", "8589934592G", "9223372036854775808"}) {
    EXPECT_THROW((void)parse_bytes(text, "x"), UsageError) << text;
  }
}

TEST(LaunchFlags, PushIsPackedAsGiven) {
  const auto bytes = parse_push("u8:1,u16:0x302,f32:1,i64:-1");
  ASSERT_EQ(bytes.size(), 15u);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 1);
  EXPECT_EQ(std::to_integer<int>(bytes[1]), 2);
  EXPECT_EQ(std::to_integer<int>(bytes[2]), 3);
  EXPECT_EQ(std::to_integer<int>(bytes[6]), 0x3F);
  EXPECT_EQ(std::to_integer<int>(bytes[14]), 0xFF);
}

TEST(LaunchFlags, OutputsWithAType) {
  LaunchFlags flags;
  flags.groups = "1";
  flags.out = {"0.0=y.npy:f16", "0.1=a:b", "0.2=c.npy:x.raw"};
  EXPECT_THROW((void)read_launch_flags(flags), UsageError);
  flags.out.pop_back();
  const LaunchRequest request = read_launch_flags(flags);
  EXPECT_EQ(request.outputs[0].file, "y.npy");
  EXPECT_EQ(request.outputs[0].npy, SOKR_IR_F16);
  EXPECT_EQ(request.outputs[1].file, "a:b");
  EXPECT_FALSE(request.outputs[1].npy);
}

}  // namespace
}  // namespace sokr::cli
