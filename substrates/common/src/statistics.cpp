// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/substrate/statistics.hpp>

namespace sokr::substrate {

Result<void> write_statistics(const StatisticList& list, SokrStatistics& out) {
  if (!SOKR_HAS(SokrStatistics, &out, count)) {
    return fail(SOKR_INVALID_INPUT, "SokrStatistics.struct_size is {}, which has no room for count",
                out.struct_size);
  }
  SokrStatistics known;
  if (sokr_copy_sized(&known, sizeof known, &out, out.struct_size) == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
                "SokrStatistics has {} bytes, of which this substrate knows {}, and asks for "
                "something behind them",
                out.struct_size, sizeof known);
  }
  constexpr std::size_t kLeast = SOKR_SIZE_THROUGH(SokrStatistic, kind);
  if (out.capacity != 0 && (out.statistics == nullptr || out.statistic_size < kLeast)) {
    return fail(SOKR_INVALID_INPUT,
                "there is room for {} statistics of {} bytes at {}; one has at least {} bytes, at "
                "an address that is not null",
                out.capacity, out.statistic_size, fmt::ptr(out.statistics), kLeast);
  }
  const std::span<const SokrStatistic> all = list.all();
  auto* at = reinterpret_cast<char*>(out.statistics);
  for (std::size_t i = 0; i < all.size() && i < out.capacity; ++i, at += out.statistic_size)
    sokr_copy_sized(at, out.statistic_size, &all[i], sizeof all[i]);
  out.count = static_cast<std::uint32_t>(all.size());
  return {};
}

}  // namespace sokr::substrate
