// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Counters by name, as SokrDiagnosticsTable.statistics gives them. A substrate class that has
//
//     void statistics(StatisticList& list);
//
// lists them, always the same ones in the same order; Exporter does the rest. Names: SokrStatistic.
#ifndef SOKR_SUBSTRATE_STATISTICS_HPP_
#define SOKR_SUBSTRATE_STATISTICS_HPP_

#include <sokr/compute.h>

#include <cstdint>
#include <sokr/base/result.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/inline_vector.hpp>
#include <span>

namespace sokr::substrate {

class StatisticList {
 public:
  // `name` lives as long as the library. Counts up from when the substrate was made.
  void total(const char* name, std::uint64_t value) {
    all_.push_back({name, value, SOKR_STATISTIC_TOTAL, 0});
  }
  // Goes up and down.
  void level(const char* name, std::uint64_t value) {
    all_.push_back({name, value, SOKR_STATISTIC_LEVEL, 0});
  }
  // The four of a cache of compiled kernels.
  void kernels(const ContentCacheStats& cache) {
    level("kernels", cache.entries);
    level("kernel_bytes", cache.bytes);
    total("kernels_built", cache.builds);
    total("kernels_evicted", cache.evictions);
  }
  std::span<const SokrStatistic> all() const { return all_.span(); }

 private:
  InlineVector<SokrStatistic, 16> all_;
};

// Writes as many as the caller has room for, each of the caller's size. SOKR_INVALID_INPUT if
// what the caller set makes no sense.
Result<void> write_statistics(const StatisticList& list, SokrStatistics& out);

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_STATISTICS_HPP_
