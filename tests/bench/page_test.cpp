// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What becomes of figures on the page and in the table.
#include "page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace sokr::bench {
namespace {

using nlohmann::json;

const json kFigures{
    {"cpu.saxpy.vs_handwritten", 0.92},
    {"cpu.saxpy.vs_lavapipe", 13.4},
    {"cpu.geomean.vs_handwritten.without_avx512", 1.2},
    {"cpu.real.matmul_f32.1024x1024x1024_and_a_name_that_is_long.vs_openblas", 0.14},
    {"vulkan.chain.vs_raw", 0.77},
    {"vulkan.push.vs_raw", 1.13},
    {"core.dispatch_completion.added_ns", 8.25},
    {"icd.barrier.vs_step", 7.5},
    {"cpu.real.adam.262144.gbs", 30},
    {"cpu.real.adam.262144.gops", 59.1},
    {"cpu.real.a_name_that_is_as_long_as_it_would_never_be.1024x1024.gbs", 6},
    {"roof.copy_gbs", 12},
    {"roof.fma_gflops", 118.2},
    {"peer.pocl", 0},
    {"peer.lavapipe", 1}};

TEST(Page, EveryFigureIsSomewhereOnceAndPeersHaveTheirs) {
  const Sheet sheet = sheet_of(kFigures);
  EXPECT_EQ(sheet.rows.at("cpu.saxpy").at("handwritten"), 0.92);
  EXPECT_EQ(sheet.rows.at("cpu.saxpy").at("lavapipe"), 13.4);
  EXPECT_EQ(sheet.rows.at("cpu.geomean.without_avx512").at("handwritten"), 1.2);
  EXPECT_EQ(sheet.others.size(), 2u);
  EXPECT_EQ(sheet.rest.size(), 4u);
  EXPECT_EQ(sheet.rates.size(), 2u);
  EXPECT_EQ(sheet.rates.at("cpu.real.adam.262144").gbs, 30);
  EXPECT_EQ(sheet.wins, 3);
  EXPECT_EQ(sheet.losses, 3);
}

TEST(Page, PeersThatAreAbsentAreNamed) {
  const Sheet sheet = sheet_of(kFigures);
  std::string all;
  for (const std::string& sentence : sheet.absent) all += sentence + '\n';
  for (const char* absent : {"PoCL", "FFTW", "SwiftShader", "ispc"})
    EXPECT_NE(all.find(absent), std::string::npos) << absent;
  for (const char* here : {"lavapipe", "OpenBLAS", "by hand"})
    EXPECT_EQ(all.find(here), std::string::npos) << here;
  EXPECT_NE(sheet_text(sheet).find("PoCL was not compared with"), std::string::npos);
  EXPECT_NE(sheet_page(sheet, json::object()).find("PoCL was not compared with"),
            std::string::npos);
}

TEST(Page, TheTableFitsATerminal) {
  std::istringstream lines(sheet_text(sheet_of(kFigures)));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('.')) continue;  // a sentence
    EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(Page, RatesStandBesideWhatTheMachineCanDo) {
  Sheet sheet = sheet_of(kFigures);
  sheet.about = "today, <here>";
  const std::string page = sheet_page(sheet, json::object());
  EXPECT_NE(page.find("<p>today, &lt;here&gt;</p>"), std::string::npos);
  EXPECT_NE(page.find("<td class=\"n\">30</td><td class=\"n\">250 %</td><td class=\"n\">59.1</td>"
                      "<td class=\"n\">50 %</td>"),
            std::string::npos);
  EXPECT_NE(page.find("(12 GB/s)"), std::string::npos);
  EXPECT_NE(sheet_text(sheet).find("      30   250 %    59.1    50 %\n"), std::string::npos);
}

TEST(Page, WhatIsNearlyOneIsNotOne) {
  const std::string page =
      sheet_page(sheet_of({{"a.vs_lavapipe", 0.996}, {"b.vs_lavapipe", 1.004}}), json::object());
  EXPECT_NE(page.find(">0.996<span class=\"w\"> lost<"), std::string::npos);
  EXPECT_NE(page.find(">1<span class=\"w\"> won<"), std::string::npos);
}

TEST(Page, WinsAndLossesAndBoundsAreMarked) {
  const Bounds bounds{{"icd.barrier.vs_step", {{"max", 7}}},
                      {"core.dispatch_completion.added_ns", {{"max", 25}}}};
  const std::string page = sheet_page(sheet_of(kFigures), bounds);
  EXPECT_NE(page.find("class=\"n loss\">0.92<"), std::string::npos);
  EXPECT_NE(page.find("class=\"n win\">13<"), std::string::npos);
  EXPECT_NE(page.find("class=\"n win\">0.77<"), std::string::npos);
  EXPECT_NE(page.find("class=\"n loss\">1.1<"), std::string::npos);
  EXPECT_NE(page.find("class=\"n loss\">&le; 7<"), std::string::npos);
  EXPECT_NE(page.find("class=\"n win\">&le; 25<"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

TEST(Page, TheDocumentationHasTheTablesOfThePage) {
  const Sheet sheet = sheet_of(kFigures);
  const Bounds bounds{{"icd.barrier.vs_step", {{"max", 7}}}};
  const std::string figures = sheet_markdown(sheet, bounds);
  for (const auto& [name, ratios] : sheet.rows)
    EXPECT_NE(figures.find("| `" + name + "` |"), std::string::npos) << name;
  EXPECT_NE(figures.find("| `cpu.saxpy` | 0.92, lost |  | 13 |\n"), std::string::npos) << figures;
  EXPECT_NE(figures.find("| `vulkan.chain.vs_raw` | 0.77 | Vulkan by hand |\n"), std::string::npos);
  EXPECT_NE(figures.find("| `cpu.real.adam.262144` | 30 | 250 % | 59.1 | 50 % |\n"),
            std::string::npos);
  EXPECT_NE(figures.find("| `icd.barrier.vs_step` | 7.5 | at most 7 |\n"), std::string::npos);
  EXPECT_NE(figures.find("PoCL was not compared with"), std::string::npos);

  const std::string begin = "<!-- figures: written by ./dev bench --page FILE -->\n",
                    end = "<!-- figures: end -->\n";
  EXPECT_EQ(with_figures("a\n" + begin + "old\n" + end + "b\n", "new\n"),
            "a\n" + begin + "new\n" + end + "b\n");
  EXPECT_FALSE(with_figures("a\n" + end + begin, "new\n"));
  EXPECT_FALSE(with_figures("a\n" + begin, "new\n"));
}

}  // namespace
}  // namespace sokr::bench
