// SPDX-License-Identifier: MIT OR Apache-2.0
#include "text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sokr::cli {
namespace {

TEST(Text, TablesAlignAndWrap) {
  Table table(2);
  table.row({"a", "first"});
  table.row({"long", "one two three four five six seven"});
  EXPECT_EQ(table.format(30),
            "  a     first\n"
            "  long  one two three four\n"
            "        five six seven\n");
}

TEST(Text, ColumnsCountCharactersNotBytes) {
  Table table;
  table.row({"µs", "x"});
  table.row({"abc", "y"});
  EXPECT_EQ(table.format(80), "µs   x\nabc  y\n");
}

TEST(Text, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(1), "1 byte");
  EXPECT_EQ(bytes_text(1000), "1000 bytes");
  EXPECT_EQ(bytes_text(4096), "4 KiB");
  EXPECT_EQ(bytes_text(5000), "5000 bytes");
  EXPECT_EQ(bytes_text(UINT64_C(23) << 30), "23 GiB");
  EXPECT_EQ(bytes_text(123456), "120.6 KiB");
  EXPECT_EQ(bytes_text(UINT64_MAX), "16.0 EiB");
}

TEST(Text, Durations) {
  EXPECT_EQ(duration_text(12), "12.0 ns");
  EXPECT_EQ(duration_text(1234), "1.2 µs");
  EXPECT_EQ(duration_text(250e6), "250 ms");
  EXPECT_EQ(duration_text(2.5e9), "2.50 s");
}

TEST(Text, NearestFindsTyposOnly) {
  constexpr std::array<std::string_view, 3> kFlags{"--groups", "--threads", "--push"};
  EXPECT_EQ(nearest("--grups", kFlags), "--groups");
  EXPECT_EQ(nearest("--bananas", kFlags), "");
}

TEST(Text, ControlCharactersAreNotPassedOn) {
  EXPECT_EQ(printable("a\x1b[2J\n"), "a?[2J?");
  EXPECT_EQ(printable("\x7f"), "?");
  // Those of 8 bits: as characters of UTF-8, and as bytes of no character.
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J\xc2\x80\xc2\x9f"),
            "?2J??");
  EXPECT_EQ(printable("\x9b"
                      "2J\x80\xc3"),
            "?2J?\xc3");
  EXPECT_EQ(printable("\xe2\x82\x9b"), "\xe2\x82\x9b");
  // What has such bytes as a part is whole; so is what another encoding has.
  for (const char* text : {"\xc2\xa0", "\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xe4"
                           "x"}) {
    EXPECT_EQ(printable(text), text);
  }
}

}  // namespace
}  // namespace sokr::cli
