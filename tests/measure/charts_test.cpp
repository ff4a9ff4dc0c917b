// SPDX-License-Identifier: MIT OR Apache-2.0
#include "charts.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace sokr::measure {
namespace {

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) {
    ++found;
  }
  return found;
}

Axis plain(bool logarithmic = false) {
  return {"x", logarithmic, [](double value) { return fmt::format("{:.3g}", value); }, {}};
}

TEST(Charts, TextCannotBecomeMarkup) {
  EXPECT_EQ(escaped("<a href=\"x\"> & \x01"), "&lt;a href=&quot;x&quot;&gt; &amp;  ");
  // Names are any bytes, and XML has not even all characters.
  EXPECT_EQ(escaped("caf\xe9 \xc3\xa9 \xf0\x9f\x98\x80"), "caf\uFFFD \u00e9 \U0001F600");
  for (const char* none : {"\xed\xa0\x80", "\xc0\xbc", "\xf8\x88\x80\x80\x80", "\xe2\x82",
                           "\xf4\x90\x80\x80", "\x80"}) {
    const std::string text = escaped(none);
    EXPECT_EQ(count(text, "\uFFFD") * 3, text.size()) << text;
  }
  for (const char* character : {"\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    EXPECT_EQ(escaped(character), "\uFFFD");
  }
  const Chart chart{"<script>",
                    plain(),
                    plain(),
                    {{"<b>", 0, Drawn::kDots, {{1, 1, "</title><script>"}, {2, 2, ""}}}},
                    {}};
  const std::string text = svg_text(chart);
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_EQ(text.find("<b>"), std::string::npos);
  EXPECT_EQ(count(text, "<title>"), 1u);
}

TEST(Charts, EveryValueFallsIntoOnePartOfAHistogram) {
  std::vector<double> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(i);
  for (const bool logarithmic : {false, true}) {
    const Values series[] = {{"a", values}, {"b", {500, 500, 500}}};
    const Chart chart = histogram(series, plain(logarithmic));
    ASSERT_EQ(chart.curves.size(), 2u);
    for (const Curve& curve : chart.curves) {
      double sum = 0;
      for (std::size_t i = 0; i + 1 < curve.marks.size(); ++i) sum += curve.marks[i].y;
      // The range ends at the percentile 99.5.
      EXPECT_NEAR(sum, curve.name == "a" ? 0.995 : 1, 1e-9) << curve.name << logarithmic;
    }
  }
}

TEST(Charts, PartsOfACumulativeCurveRise) {
  const Values series[] = {{"a", {3, 1, 2, 10, 4}}};
  const Chart chart = cumulative(series, plain(true));
  ASSERT_EQ(chart.curves.size(), 1u);
  const std::vector<Mark>& marks = chart.curves[0].marks;
  EXPECT_EQ(marks.front().x, 1);
  EXPECT_EQ(marks.back().x, 10);
  EXPECT_EQ(marks.back().y, 1);
  for (std::size_t i = 1; i < marks.size(); ++i) {
    EXPECT_GE(marks[i].x, marks[i - 1].x);
    EXPECT_GT(marks[i].y, marks[i - 1].y);
  }
}

// Values that are all alike, one value, none: still a picture, with numbers in it.
TEST(Charts, NarrowRangesAreDrawn) {
  for (const std::vector<double>& values :
       {std::vector<double>{5}, std::vector<double>{5, 5, 5}, std::vector<double>{}}) {
    const Values series[] = {{"a", values}};
    for (const Chart& chart : {histogram(series, plain(true)), cumulative(series, plain())}) {
      const std::string text = svg_text(chart);
      EXPECT_EQ(text.find("nan"), std::string::npos);
      EXPECT_EQ(text.find("inf"), std::string::npos);
      EXPECT_TRUE(text.ends_with("</svg>\n"));
    }
  }
}

TEST(Charts, AFileHasThemAll) {
  const Values series[] = {{"a", {1, 2, 3}}};
  const Chart charts[] = {histogram(series, plain()), cumulative(series, plain())};
  const std::string text = svg_file("two <of them>", charts);
  EXPECT_EQ(count(text, "<svg"), 3u);
  EXPECT_EQ(count(text, "</svg>"), 3u);
  EXPECT_NE(text.find("two &lt;of them&gt;"), std::string::npos);
  EXPECT_EQ(count(text, "<style>"), 1u);
}

}  // namespace
}  // namespace sokr::measure
