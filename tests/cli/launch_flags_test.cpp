// SPDX-License-Identifier: MIT OR Apache-2.0
#include "launch_flags.hpp"

#include <gtest/gtest.h>

#include <variant>

#include "bench_children.hpp"
#include "command_line.hpp"

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
  const auto items = parse_push("u8:1,u16:0x302,f32:1,i64:-1");
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[1].type, SOKR_IR_U16);
  std::vector<std::byte> bytes;
  for (const PushItem& item : items) {
    bytes.insert(bytes.end(), item.bytes.begin(), item.bytes.end());
  }
  ASSERT_EQ(bytes.size(), 15u);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 1);
  EXPECT_EQ(std::to_integer<int>(bytes[1]), 2);
  EXPECT_EQ(std::to_integer<int>(bytes[2]), 3);
  EXPECT_EQ(std::to_integer<int>(bytes[6]), 0x3F);
  EXPECT_EQ(std::to_integer<int>(bytes[14]), 0xFF);
}

TEST(LaunchFlags, Prints) {
  const PrintSpec all = parse_print("0.1");
  EXPECT_EQ(all.where, (Selector{0, 1, 0}));
  EXPECT_FALSE(all.from || all.to || all.type);
  const PrintSpec some = parse_print("2.1[3][4:8]:u16");
  EXPECT_EQ(some.where, (Selector{2, 1, 3}));
  EXPECT_EQ(some.from, 4u);
  EXPECT_EQ(some.to, 8u);
  EXPECT_EQ(some.type, SOKR_IR_U16);
  EXPECT_EQ(parse_print("0.1[:8]").from, 0u);
  EXPECT_EQ(parse_print("0.1[3:]").from, 3u);
  EXPECT_FALSE(parse_print("0.1[3:]").to);
  EXPECT_EQ(parse_print("0.1[3]").where.index, 3u);
  for (const char* text : {"", "0", "0.1[", "0.1[:", "0.1[:8", "0.1[8:8]", "0.1[9:8]", "0.1[-1:]",
                           "0.1[:8]:", "0.1[:8]:f31", "0.1[:8]:bool", "0.1[1:2:3]", "0.1[x:]",
                           "0.1[:8][1]", "0.1[0:18446744073709551616]", "0.1:", "0.1]:f32"}) {
    EXPECT_THROW((void)parse_print(text), UsageError) << text;
  }
}

TEST(LaunchFlags, NamesAreJoined) {
  EXPECT_EQ(parse_names({"a,b", "c"}), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(parse_names({}).empty());
  EXPECT_THROW((void)parse_names({"a", "b,a"}), UsageError);
  EXPECT_THROW((void)parse_names({"a", ""}), UsageError);
}

TEST(LaunchFlags, TolerancesAndSwaps) {
  LaunchFlags flags;
  flags.groups = "1";
  flags.on = {"a,b"};
  flags.out = {"0.0=x"};
  flags.tolerance = "1e-3,0.5";
  flags.swap = {"0.0,0.1", "1.0[2],1.0[3]"};
  const LaunchRequest request = read_launch_flags(flags);
  EXPECT_EQ(request.tolerance->absolute, 1e-3);
  EXPECT_EQ(request.tolerance->relative, 0.5);
  EXPECT_EQ(request.swaps[1].text(), "1.0[2],1.0[3]");
  for (const char* text : {"", ",", "x", "-1", "nan", "inf", "1,2,3", "1,", "1e-3,-1", "1 "}) {
    LaunchFlags bad = flags;
    bad.tolerance = text;
    if (*text) {
      EXPECT_THROW((void)read_launch_flags(bad), UsageError) << text;
    }
  }
  for (const char* text : {"", "0.0", "0.0,0.0", "0.0,0.1,0.2", "0.0,", "a,b", "0.1,0.3"}) {
    LaunchFlags bad = flags;
    bad.swap = {"0.2,0.1", text};
    EXPECT_THROW((void)read_launch_flags(bad), UsageError) << text;
  }
}

// A process of its own measures the same launch.
TEST(LaunchFlags, WordsOfALaunchAreReadAsTheyWere) {
  LaunchFlags flags;
  flags.kernel = "k.spv";
  flags.entry = "main two";
  flags.groups = "1,2,3";
  flags.local_size = "4";
  flags.subgroup_size = "8";
  flags.in = {"0.0=a", "0.1[2]=b=c"};
  flags.zero = {"1.0=4K", "1.1=64"};
  flags.out = {"0.0=y", "1.0=-"};
  flags.push = {"@n.bin", "u32:5,f32:-1"};
  flags.spec = {"0=64", "7=-1"};
  flags.swap = {"0.0,0.1", "1.0,1.1"};
  flags.cast = true;
  const auto again = [](const LaunchFlags& given) {
    return std::get<BenchFlags>(read_command_line(launch_words(given, "cpu"))).launch;
  };
  LaunchFlags read = again(flags);
  EXPECT_EQ(read.on, std::vector<std::string>{"cpu"});
  for (const auto member :
       {&LaunchFlags::kernel, &LaunchFlags::entry, &LaunchFlags::groups, &LaunchFlags::threads,
        &LaunchFlags::local_size, &LaunchFlags::subgroup_size}) {
    EXPECT_EQ(read.*member, flags.*member);
  }
  for (const auto member : {&LaunchFlags::in, &LaunchFlags::zero, &LaunchFlags::out,
                            &LaunchFlags::push, &LaunchFlags::spec, &LaunchFlags::swap}) {
    EXPECT_EQ(read.*member, flags.*member);
  }
  EXPECT_TRUE(read.cast);
  LaunchFlags threads;
  threads.kernel = "k.spv";
  threads.threads = "7";
  read = again(threads);
  EXPECT_EQ(read.threads, "7");
  EXPECT_FALSE(read.cast);
}

TEST(LaunchFlags, OutputsWithAType) {
  LaunchFlags flags;
  flags.groups = "1";
  flags.out = {"0.0=y.npy:f16", "0.1=a:b", "0.2=c.npy:x.raw"};
  EXPECT_THROW((void)read_launch_flags(flags), UsageError);
  flags.out = {"x.bin:f32"};
  EXPECT_THROW((void)read_launch_flags(flags), UsageError);
  flags.out = {"0.0=y.npy:f16", "0.1=a:b"};
  const LaunchRequest request = read_launch_flags(flags);
  EXPECT_EQ(request.outputs[0].file, "y.npy");
  EXPECT_EQ(request.outputs[0].npy, SOKR_IR_F16);
  EXPECT_EQ(request.outputs[1].file, "a:b");
  EXPECT_FALSE(request.outputs[1].npy);
}

}  // namespace
}  // namespace sokr::cli
