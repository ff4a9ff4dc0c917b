// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory of objects that a test leaves behind on purpose: no leak, since it is never given back.
#ifndef SOKR_TESTS_ICD_LEFT_BEHIND_HPP_
#define SOKR_TESTS_ICD_LEFT_BEHIND_HPP_

#include <volk.h>

#include <array>
#include <cstddef>

namespace sokr::test {

class LeftBehind {
 public:
  LeftBehind() {
    callbacks_.pUserData = this;
    callbacks_.pfnAllocation = [](void* user, std::size_t size, std::size_t alignment,
                                  VkSystemAllocationScope) -> void* {
      auto& self = *static_cast<LeftBehind*>(user);
      self.used_ = (self.used_ + alignment - 1) / alignment * alignment;
      if (self.used_ + size > self.bytes_.size()) return nullptr;
      void* const memory = self.bytes_.data() + self.used_;
      self.used_ += size;
      return memory;
    };
    callbacks_.pfnReallocation = [](void*, void*, std::size_t, std::size_t,
                                    VkSystemAllocationScope) -> void* { return nullptr; };
    callbacks_.pfnFree = [](void*, void*) {};
  }
  LeftBehind(const LeftBehind&) = delete;
  LeftBehind& operator=(const LeftBehind&) = delete;
  const VkAllocationCallbacks* callbacks() const { return &callbacks_; }

 private:
  VkAllocationCallbacks callbacks_{};
  alignas(64) std::array<std::byte, 16384> bytes_{};
  std::size_t used_ = 0;
};

}  // namespace sokr::test

#endif  // SOKR_TESTS_ICD_LEFT_BEHIND_HPP_
