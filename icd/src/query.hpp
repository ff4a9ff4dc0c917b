// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_ICD_QUERY_HPP_
#define SOKR_ICD_QUERY_HPP_

#include <atomic>
#include <memory>
#include <vector>

#include "object.hpp"

namespace sokr::icd {

// Results of one pool. A query is written by the thread that executes its command.
struct QueryStates {
  struct Query {
    std::atomic<std::uint64_t> value{0};
    std::atomic<bool> available{false};
  };
  explicit QueryStates(std::uint32_t count) : queries(count) {}
  std::vector<Query> queries;

  bool has(std::uint32_t first, std::uint32_t count) const {
    return first <= queries.size() && count <= queries.size() - first;
  }
  void reset(std::uint32_t first, std::uint32_t count);
  void write(std::uint32_t query, std::uint64_t value);
  // Writes what vkGetQueryPoolResults and vkCmdCopyQueryPoolResults give: false if one of them was
  // not available. At most `size` bytes from `out`.
  bool give(std::uint32_t first, std::uint32_t count, std::byte* out, std::size_t size,
            VkDeviceSize stride, VkQueryResultFlags flags) const;
};

struct QueryPool {
  explicit QueryPool(std::uint32_t count) : states(std::make_shared<QueryStates>(count)) {}
  std::shared_ptr<QueryStates> states;
};
SOKR_ICD_OBJECT(VkQueryPool, QueryPool)

}  // namespace sokr::icd

#endif  // SOKR_ICD_QUERY_HPP_
