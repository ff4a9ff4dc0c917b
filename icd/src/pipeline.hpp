// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Compute pipelines: kernels that the substrate has prepared, and where their bindings lie in sets.
#ifndef SOKR_ICD_PIPELINE_HPP_
#define SOKR_ICD_PIPELINE_HPP_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "descriptors.hpp"
#include "substrate.hpp"

namespace sokr::icd {

struct ShaderModule {
  std::vector<std::uint32_t> words;
};
SOKR_ICD_OBJECT(VkShaderModule, ShaderModule)

struct PipelineLayout {
  std::vector<std::shared_ptr<const SetShape>> sets;  // null where there is none
  std::uint32_t push_size = 0;                        // bytes to the end of the last range
};
SOKR_ICD_OBJECT(VkPipelineLayout, PipelineLayout)

// A binding that the kernel uses.
struct Use {
  std::uint32_t set, binding;
  std::uint32_t count;   // elements; 0 = as many as the set has
  std::uint32_t access;  // SokrAccess
};

// A kernel, until the last pipeline and the last recorded command go.
struct Program {
  const SubstrateInUse* substrate = nullptr;
  SokrKernel kernel = 0;
  std::vector<Use> uses;
  std::uint32_t push_size = 0;  // bytes that a launch passes
  // What a workgroup took of a launch that was waited for, in ns, by the shortest one of late; 0 =
  // none was. Of the threads that execute, one at a time in each queue.
  mutable std::atomic<float> group_ns{0};
  // How many launches have yet to be as short as expected before that is expected again.
  mutable std::atomic<std::uint32_t> doubt{0};

  // A launch of it was over: the substrate has compiled it, and keeps that as long as the handle
  // is.
  bool is_compiled() const { return was_launched.load(std::memory_order_relaxed); }
  mutable std::atomic<bool> was_launched{false};

  // It will be launched soon, with memory that overlaps or not: the substrate begins to compile it
  // beside what the program does.
  void hasten(bool overlaps) const;
  mutable std::array<std::atomic<bool>, 2> is_hastened{};
  // Dispatches that were recorded. It is looked at what the first of them bind, no longer: programs
  // that bind what overlaps do so soon, and many record the same over and over.
  static constexpr std::uint32_t kLookedAt = 64;
  mutable std::atomic<std::uint32_t> recorded{0};

  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();
};

// Kernels that pipelines were made of with this cache, each by all that makes it another one. They
// stay prepared as long as the cache is there. What is compiled the substrate keeps on disk by
// itself: the data that programs store is no more than a header. Any thread.
class PipelineCache {
 public:
  using Key = std::array<std::uint8_t, 16>;  // a digest
  // Null if there is none, or if this is a child of the process.
  std::shared_ptr<const Program> find(const Key& key) const;
  void add(const Key& key, std::shared_ptr<const Program> program);
  void add_all_of(const PipelineCache& other);

 private:
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Program>> programs_;
};
SOKR_ICD_OBJECT(VkPipelineCache, PipelineCache)

struct Pipeline {
  std::shared_ptr<const Program> program;
};
SOKR_ICD_OBJECT(VkPipeline, Pipeline)

}  // namespace sokr::icd

#endif  // SOKR_ICD_PIPELINE_HPP_
