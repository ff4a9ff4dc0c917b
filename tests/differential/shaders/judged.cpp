// SPDX-License-Identifier: MIT OR Apache-2.0
#include "judged.hpp"

#include <fmt/format.h>

#include <twins.hpp>

#include "expectations.hpp"
#include "pitfall.hpp"

namespace sokr::differential {
namespace {

using conformance::Case;
using conformance::Slot;
namespace fs = std::filesystem;

// Invocations of a workgroup, workgroups, and how many of those on the last one are left out.
struct Grid {
  std::uint32_t width, groups, idle;
};
constexpr Grid kGrids[] = {{64, 3, 0}, {33, 2, 1},   {1, 5, 0},
                           {7, 9, 3},  {128, 1, 31}, {100, 2, 64}};

Case twin_case(const Twin& twin, const Grid& grid, std::uint32_t lanes) {
  const std::uint32_t total = grid.width * grid.groups;
  conformance::Random random(total);
  TwinLaunch launch{grid.groups, grid.width, lanes, total - grid.idle, {}, {}, {}};
  launch.a = conformance::words_with_edges(random, total);
  launch.b = random.words(total);
  // Small numbers among them, so that conditions hold now and then.
  for (std::uint32_t i = 0; i < total; i += 3) launch.b[i] &= 31;
  launch.r = random.words(total);
  Case made;
  made.groups(grid.groups).push(launch.count).specialize(0, grid.width);
  made.in(Slot{0, 0}, launch.a).in(Slot{0, 1}, launch.b);
  made.in_out(Slot{0, 2}, launch.r, conformance::exactly(twin.evaluate(launch)));
  return made;
}

// Of the packaged driver alone.
std::string on_lavapipe(const conformance::Profile& profile, const char* why) {
  return profile.name == "lavapipe 22.3" ? why : "";
}

// Twins of which the packaged driver makes something else than C++, `reference` and `cpu` do.
constexpr std::pair<std::string_view, const char*> kLavapipeFaults[] = {
    {"adler", "a value that leaves a loop tested at its end is that of the round before"},
    {"list_in_an_array", "its links come out in another order"},
};

const char* lavapipe_fault(const Twin& twin) {
  if (twin.exchanges) return "its subgroups are as large as it likes";
  for (const auto& [name, why] : kLavapipeFaults)
    if (name == twin.name) return why;
  return "";
}

void add_twins(std::vector<Judged>& all, bool all_sizes) {
  std::size_t turn = 0;
  for (const Twin& twin : all_twins()) {
    ++turn;
    for (std::size_t k = 0; k < std::size(kGrids); ++k) {
      const Grid& grid = kGrids[k];
      if (!all_sizes && k != turn % std::size(kGrids)) continue;
      all.push_back(
          {fmt::format("twin {} of {} x {} - {}", twin.name, grid.groups, grid.width, grid.idle),
           fs::path(SOKR_TWIN_SHADERS) / (std::string(twin.name) + ".spv"),
           [&twin, grid](std::uint32_t lanes) { return twin_case(twin, grid, lanes); },
           [&twin](const auto& profile) { return on_lavapipe(profile, lavapipe_fault(twin)); }});
    }
  }
}

Case pitfall_case(const Pitfall& pitfall) {
  const Situation situation = pitfall.make();
  Case made;
  made.launch = situation.launch;
  std::uint32_t binding = 0;
  // Pitfalls look for the very end of a buffer.
  for (const Words& words : situation.buffers)
    made.in_out_sized(Slot{0, binding++}, words, conformance::by_the_case());
  made.judge([judge = situation.judge](const conformance::Outputs& outputs) {
    std::vector<Words> after;
    for (const auto& [slot, bytes] : outputs)
      after.push_back(conformance::from_bytes<std::uint32_t>(bytes));
    return judge(after);
  });
  return made;
}

void add_pitfalls(std::vector<Judged>& all) {
  for (const Pitfall& pitfall : pitfalls()) {
    all.push_back({"pitfall " + pitfall.name,
                   fs::path(SOKR_PITFALL_SHADERS) / (std::string(pitfall.shader) + ".spv"),
                   [pitfall](std::uint32_t) { return pitfall_case(pitfall); },
                   [fault = pitfall.lavapipe ? pitfall.lavapipe : ""](const auto& profile) {
                     return on_lavapipe(profile, fault);
                   }});
  }
}

void add_cases(std::vector<Judged>& all, bool all_sizes) {
  std::string_view last;
  for (const conformance::Entry& entry : conformance::all_cases()) {
    if (!all_sizes && entry.module == last) continue;
    last = entry.module;
    all.push_back({fmt::format("case {} {}", entry.module, entry.variant),
                   fs::path(SOKR_TREE_SHADERS) / (std::string(entry.module) + ".spv"),
                   [entry](std::uint32_t) { return entry.make(); },
                   [entry](const auto& profile) -> std::string {
                     return conformance::expectation(profile, entry).reason;
                   }});
  }
}

}  // namespace

std::vector<Judged> judged_shaders(bool all_sizes) {
  std::vector<Judged> all;
  add_cases(all, all_sizes);
  add_pitfalls(all);
  add_twins(all, all_sizes);
  return all;
}

}  // namespace sokr::differential
