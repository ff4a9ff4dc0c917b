// SPDX-License-Identifier: MIT OR Apache-2.0
#include "prepared.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics.hpp"
#include "kernel_state.hpp"

namespace sokr::host {
namespace {

// Of launches of one kernel, but those that somebody asked for.
constexpr std::uint32_t kMostKinds = 64;
// Of handles that nobody asked for, in this process: what is prepared is not evicted.
constexpr std::int64_t kMostHandles = 256;
std::atomic<std::int64_t> handles{0};

bool are_equal(const SokrSpecialization& a, const SokrSpecialization& b) {
  return a.id == b.id && a.size == b.size && a.value == b.value;
}

}  // namespace

struct PreparedKernels::Node {
  Node* next = nullptr;
  const SokrSubstrateInfo* info = nullptr;
  std::uint32_t id = 0;
  // What of a launch decides the kernel.
  std::optional<std::string> entry;
  std::array<std::uint32_t, 3> local_size{};
  std::uint32_t subgroup_size = 0;
  std::vector<SokrSpecialization> specializations;

  std::atomic<SokrKernel> handle{0};
  std::atomic<bool> is_refused{false};  // or there are enough handles
  bool is_counted = false;              // nobody asked for its handle; with the lock

  bool is_of(std::uint32_t substrate, const SokrLaunch& launch) const noexcept {
    return id == substrate && entry.has_value() == (launch.entry != nullptr) &&
           (!entry || *entry == launch.entry) &&
           std::equal(local_size.begin(), local_size.end(), launch.local_size) &&
           subgroup_size == launch.subgroup_size &&
           std::equal(specializations.begin(), specializations.end(), launch.specializations,
                      launch.specializations + launch.specialization_count, are_equal);
  }
};

PreparedKernels::~PreparedKernels() {
  for (Node* node = first_.load(std::memory_order_acquire); node != nullptr;) {
    const std::unique_ptr<Node> last(node);
    if (const SokrKernel handle = last->handle.load(std::memory_order_acquire); handle != 0) {
      // Its plugin may have been unloaded: the kernel's own is that of its IR.
      if (const PluginRef plugin = plugin_of(last->id)) last->info->kernels->release(handle);
      if (last->is_counted) handles.fetch_sub(1, std::memory_order_relaxed);
    }
    node = last->next;
  }
}

PreparedKernels::Node* PreparedKernels::find_node(std::uint32_t id,
                                                  const SokrLaunch& launch) const noexcept {
  Node* node = first_.load(std::memory_order_acquire);
  while (node != nullptr && !node->is_of(id, launch)) node = node->next;
  return node;
}

// With the lock entered.
PreparedKernels::Node* PreparedKernels::add_node(const SokrSubstrateInfo& info, std::uint32_t id,
                                                 const SokrLaunch& launch) {
  if (Node* other = find_node(id, launch)) return other;
  auto node = std::make_unique<Node>();
  node->info = &info;
  node->id = id;
  if (launch.entry) node->entry = launch.entry;
  std::copy_n(launch.local_size, 3, node->local_size.begin());
  node->subgroup_size = launch.subgroup_size;
  node->specializations.assign(launch.specializations,
                               launch.specializations + launch.specialization_count);
  node->next = first_.load(std::memory_order_relaxed);
  first_.store(node.get(), std::memory_order_release);
  return node.release();
}

SokrKernel PreparedKernels::find(const SokrSubstrateInfo& info, std::uint32_t id, const Form& form,
                                 const SokrLaunch& launch) noexcept {
  if (info.kernels == nullptr) return 0;
  if (Node* node = find_node(id, launch)) {
    if (const SokrKernel handle = node->handle.load(std::memory_order_acquire)) return handle;
    if (node->is_refused.load(std::memory_order_relaxed)) return 0;
    if (handles.load(std::memory_order_relaxed) >= kMostHandles) return 0;
    try {
      if (!lock_.try_enter()) return 0;
      const Entered inside(lock_);
      const bool is_new = node->handle.load(std::memory_order_relaxed) == 0;
      if (!prepare_locked(info, id, form, launch)) return 0;
      if (is_new) {
        node->is_counted = true;
        handles.fetch_add(1, std::memory_order_relaxed);
      }
    } catch (...) {
      return 0;
    }
    return node->handle.load(std::memory_order_acquire);
  }
  if (count_.load(std::memory_order_relaxed) >= kMostKinds) return 0;
  try {
    if (!lock_.try_enter()) return 0;
    const Entered inside(lock_);
    if (!find_node(id, launch)) {
      add_node(info, id, launch);
      count_.fetch_add(1, std::memory_order_relaxed);
    }
  } catch (...) {
    // It goes on as it is.
  }
  return 0;
}

Result<void> PreparedKernels::prepare(const SokrSubstrateInfo& info, std::uint32_t id,
                                      const Form& form, const SokrLaunch& launch) {
  if (info.kernels == nullptr) return {};
  SOKR_TRY(lock_.enter());
  const Entered inside(lock_);
  return prepare_locked(info, id, form, launch);
}

Result<void> PreparedKernels::prepare_locked(const SokrSubstrateInfo& info, std::uint32_t id,
                                             const Form& form, const SokrLaunch& launch) {
  Node* node = add_node(info, id, launch);
  if (node->handle.load(std::memory_order_relaxed) != 0) return {};
  SokrKernelInfo asked{};
  asked.struct_size = sizeof asked;
  asked.ir_format = form.format;
  asked.ir_data = form.bytes.data();
  asked.ir_size = form.bytes.size();
  asked.entry = launch.entry;
  asked.specializations = launch.specializations;
  asked.specialization_count = launch.specialization_count;
  asked.specialization_size = sizeof(SokrSpecialization);
  std::copy_n(launch.local_size, 3, asked.local_size);
  asked.subgroup_size = launch.subgroup_size;
  asked.computation_id = form.id;
  const SokrKernelInfo* all[] = {&asked};
  SokrKernel handle = 0;
  const SokrResult result = info.kernels->prepare(all, 1, &handle);
  if (result != SOKR_OK || handle == 0) {
    node->is_refused.store(true, std::memory_order_relaxed);
    return fail(result != SOKR_OK ? result : SOKR_DISPATCH_FAILED, "{}: {}", info.name,
                last_error(info, result));
  }
  node->handle.store(handle, std::memory_order_release);
  return {};
}

}  // namespace sokr::host
