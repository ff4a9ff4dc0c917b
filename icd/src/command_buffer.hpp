// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_ICD_COMMAND_BUFFER_HPP_
#define SOKR_ICD_COMMAND_BUFFER_HPP_

#include <array>
#include <memory>
#include <vector>

#include "facts.hpp"
#include "recording.hpp"
#include "substrate.hpp"

namespace sokr::icd {

struct CommandPool;

class CommandBuffer : public Dispatchable {
 public:
  explicit CommandBuffer(CommandPool* of) : pool(of) {}

  void begin();
  // What it holds goes; its memory is kept for the next recording, or released.
  void reset(bool releases);
  // Memory that what it holds does not need is released.
  void trim();
  VkResult end() const { return result_; }
  // What it holds now, for a submission.
  std::shared_ptr<const Recording> executable() const { return recording_; }

  // Runs what records something; what it throws is told at the end. Nothing is recorded in a child
  // of the process: what it is recorded with has mutexes, and threads of the parent may hold them.
  template <class Body>
  void record(Body&& body) noexcept {
    if (is_forked()) return fail(VK_ERROR_OUT_OF_HOST_MEMORY);
    try {
      body(*recording_);
    } catch (...) {
      fail(VK_ERROR_OUT_OF_HOST_MEMORY);
    }
  }
  void fail(VkResult result) noexcept {
    if (result_ == VK_SUCCESS) result_ = result;
  }

  void bind_pipeline(std::shared_ptr<const Program> program);
  // Dynamic offsets are read from `offsets`, as many as the set has.
  void bind_set(std::uint32_t index, std::shared_ptr<SetContents> contents,
                const std::uint32_t* offsets, std::uint32_t offset_count);
  void push(std::uint32_t offset, std::uint32_t size, const void* bytes);
  // The contents that push descriptors write to: a copy of what is bound there now.
  std::shared_ptr<SetContents> push_set(std::uint32_t index,
                                        const std::shared_ptr<const SetShape>& shape);
  // The state that a dispatch finds; kNone, with a sentence, without a pipeline.
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t state();

  // States were appended that are not this one's.
  void forget_state() { sets_changed_ = state_changed_ = true; }

  CommandPool* const pool;
  std::size_t index = 0;  // in the pool's list

 private:
  std::shared_ptr<Recording> recording_ = std::make_shared<Recording>();
  VkResult result_ = VK_SUCCESS;
  std::shared_ptr<const Program> program_;
  std::array<BoundSet, kMaxSets> sets_;
  std::uint32_t set_count_ = 0;
  std::vector<std::byte> push_;
  bool sets_changed_ = true, state_changed_ = true;
};
SOKR_ICD_OBJECT(VkCommandBuffer, CommandBuffer)

struct CommandPool {
  VkInstance instance = VK_NULL_HANDLE;  // which is told of what is refused
  const VkAllocationCallbacks* callbacks = nullptr;
  VkAllocationCallbacks given{};
  std::vector<CommandBuffer*> buffers;
};
SOKR_ICD_OBJECT(VkCommandPool, CommandPool)

}  // namespace sokr::icd

#endif  // SOKR_ICD_COMMAND_BUFFER_HPP_
