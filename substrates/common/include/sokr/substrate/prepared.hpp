// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What substrates share about kernels that are prepared once (<sokr/kernel.h>): the table of
// handles, and what was said of a kernel, as the launch that asks for it.
#ifndef SOKR_SUBSTRATE_PREPARED_HPP_
#define SOKR_SUBSTRATE_PREPARED_HPP_

#include <sokr/compute.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <sokr/base/result.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <span>
#include <utility>
#include <vector>

namespace sokr::substrate {

// The handle that the IR of a request names; none if it is IR of another kind. A handle need not
// be one that was given out.
inline std::optional<SokrKernel> prepared_kernel(std::span<const std::uint8_t> ir) noexcept {
  SokrPreparedIr named;
  if (ir.size() != sizeof named) return std::nullopt;
  std::memcpy(&named, ir.data(), sizeof named);
  if (named.magic != SOKR_IR_PREPARED || named.version != 1) return std::nullopt;
  return named.kernel;
}

Failure no_such_kernel(SokrKernel kernel);

// SOKR_INVALID_INPUT if a launch of a prepared kernel says again what was said when it was
// prepared.
Result<void> check_prepared_launch(const LaunchView& launch);

// What was said of a kernel: its IR, and a launch of it that names its entry point, specialization
// and sizes, and nothing else. Both are owned, and stay where they are.
class KernelSource {
 public:
  // Of a structure of any version; null is refused too.
  static Result<std::unique_ptr<KernelSource>> copy(const SokrKernelInfo* info);

  // Of this process, and of no other kernel in it.
  std::uint64_t serial() const { return serial_; }
  std::uint32_t format() const { return format_; }
  std::span<const std::uint8_t> ir() const { return ir_; }
  const LaunchView& launch() const { return *launch_; }
  // When it is to be ready to run.
  enum class When : std::uint8_t { kNow, kSoon, kLater };
  When when() const { return when_; }
  // Whether launches are expected to bind memory that overlaps.
  bool overlaps() const { return overlaps_; }
  // As a substrate's caches look for it.
  SokrDispatchRequest request() const {
    return {id_, 0, ir_.data(), ir_.size(), params_.data(), params_.size()};
  }

 private:
  KernelSource() = default;
  std::uint64_t serial_ = 0;
  std::uint32_t format_ = 0;
  SokrComputationId id_{};
  When when_ = When::kNow;
  bool overlaps_ = false;
  std::vector<std::uint8_t> ir_, params_;
  std::optional<LaunchView> launch_;
};

// Handles and what they stand for. A handle is an index and how often it was given out; a reader
// locks its own stripe alone.
template <class Kernel>
class KernelHandles {
 public:
  using Pointer = std::shared_ptr<Kernel>;

  SokrKernel add(const Pointer& kernel) {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      if (slots_.size() == slots_.capacity()) slots_.reserve(2 * slots_.size() + 8);
      if (free_.capacity() <= slots_.size()) free_.reserve(slots_.capacity());  // for release
      slots_.emplace_back();
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t index = free_.back();
    Slot& slot = slots_[index];
    // One owner a stripe, each with a count of its own, as in ContentCache.
    for (Pointer& handle : slot.kernels) handle = Pointer(kernel.get(), [kernel](Kernel*) {});
    free_.pop_back();
    ++count_;
    return SokrKernel{slot.generation} << 32 | (index + 1);
  }

  // Null if it is not, or no longer, one of these.
  Pointer find(SokrKernel kernel) {
    const std::size_t stripe = thread_stripe();
    std::lock_guard lock(mutex_.stripe(stripe));
    const Slot* slot = find_slot(kernel);
    return slot ? slot->kernels[stripe] : nullptr;
  }

  Result<void> release(SokrKernel kernel) {
    std::array<Pointer, kStripes> last;  // goes after the lock
    std::lock_guard lock(mutex_);
    Slot* slot = find_slot(kernel);
    if (slot == nullptr) return no_such_kernel(kernel);
    last.swap(slot->kernels);
    --count_;
    // A number that was given out for each generation is not given out again.
    if (++slot->generation != 0) free_.push_back(static_cast<std::uint32_t>(slot - slots_.data()));
    return {};
  }

  std::size_t count() {
    std::shared_lock lock(mutex_);
    return count_;
  }

 private:
  struct Slot {
    std::uint32_t generation = 1;
    std::array<Pointer, kStripes> kernels;  // null: free
  };

  Slot* find_slot(SokrKernel kernel) {
    const std::uint64_t index = (kernel & UINT32_MAX) - 1;
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.generation == kernel >> 32 && slot.kernels[0] ? &slot : nullptr;
  }

  StripedMutex mutex_;  // guards what follows
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t count_ = 0;
};

// The kernel that a launch names by its handle, if it says nothing again that was said when it was
// prepared.
template <class Kernel>
Result<std::shared_ptr<Kernel>> launched_kernel(KernelHandles<Kernel>& handles, SokrKernel kernel,
                                                const LaunchView& launch) {
  std::shared_ptr<Kernel> found = handles.find(kernel);
  if (!found) return no_such_kernel(kernel);
  SOKR_TRY(check_prepared_launch(launch));
  return found;
}

// The answer of capability to SOKR_IR_PREPARED: whether the handle is one.
template <class Kernel>
Result<void> check_prepared(KernelHandles<Kernel>& handles, const SokrCapabilityQuery& query) {
  const auto named = prepared_kernel({query.ir_data, query.ir_data_len});
  if (!named || !handles.find(*named)) return no_such_kernel(named.value_or(0));
  return {};
}

// Calls work(index) for each of `count` kernels, on as many threads as are asked for, and returns
// the first failure by index; of several kernels its sentence says which it was.
Result<void> for_each_kernel(std::size_t count, unsigned threads,
                             const std::function<Result<void>(std::size_t)>& work);

// The table's `prepare`: all or none. make(std::unique_ptr<KernelSource>) returns
// Result<std::shared_ptr<Kernel>>; `out` has as many places as there are kernels.
template <class Kernel, class Make>
Result<void> prepare_all(KernelHandles<Kernel>& handles,
                         std::span<const SokrKernelInfo* const> kernels, SokrKernel* out,
                         unsigned threads, const Make& make) {
  std::vector<std::shared_ptr<Kernel>> made(kernels.size());
  SOKR_TRY(for_each_kernel(kernels.size(), threads, [&](std::size_t i) -> Result<void> {
    SOKR_ASSIGN(std::unique_ptr<KernelSource> source, KernelSource::copy(kernels[i]));
    SOKR_ASSIGN(made[i], make(std::move(source)));
    return {};
  }));
  std::size_t added = 0;
  try {
    for (; added < made.size(); ++added) out[added] = handles.add(made[added]);
  } catch (...) {
    while (added-- > 0) (void)handles.release(std::exchange(out[added], 0));
    throw;
  }
  return {};
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_PREPARED_HPP_
