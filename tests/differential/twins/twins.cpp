// SPDX-License-Identifier: MIT OR Apache-2.0
#include "twins.hpp"

#include <algorithm>

#include "dialect.hpp"

namespace sokr::differential {
namespace twins {
namespace {

// One after the other, as far as the next barrier.
template <class Text>
std::vector<uint> evaluate(const TwinLaunch& launch) {
  std::vector<uint> results = launch.r;
  for (uint group = 0; group < launch.groups; ++group) {
    std::vector<uint> shared(kSharedWords, 0xEEEEEEEE);
    std::vector<Text> all(launch.width);
    for (uint local = 0; local < launch.width; ++local) {
      Text& one = all[local];
      one.A = launch.a.data();
      one.B = launch.b.data();
      one.R = results.data();
      one.S = shared.data();
      one.index = group * launch.width + local;
      one.count = launch.count;
      one.group = group;
      one.groups = launch.groups;
      one.local = local;
      one.width = launch.width;
      one.lane = local % launch.lanes;
      one.lanes = launch.lanes;
    }
    for (uint phase = 0; phase < Text::kPhases; ++phase) {
      for (Text& one : all) one.proceed(phase);
      if (!Text::kExchanges) continue;
      std::vector<uint> given;
      for (const Text& one : all) given.push_back(one.x);
      for (Text& one : all) {
        const uint first = one.local - one.lane;
        one.x =
            one.exchange(Lanes(given).subspan(first, std::min(launch.lanes, launch.width - first)));
      }
    }
  }
  return results;
}

// As GLSL has it.
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#pragma GCC diagnostic ignored "-Wshadow"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "twin_texts.inc"

}  // namespace
}  // namespace twins

std::span<const Twin> all_twins() {
  return twins::kTwins;
}

}  // namespace sokr::differential
