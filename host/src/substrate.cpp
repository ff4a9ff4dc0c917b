// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <bit>
#include <fstream>

#include "diagnostics.hpp"
#include "kernel_state.hpp"
#include "raise.hpp"
#include "trace.hpp"

namespace sokr {
namespace {

constexpr std::uint32_t kMostStatistics = 65536;

Result<void> answer(const SokrSubstrateInfo& info, SokrResult result) {
  if (result == SOKR_OK) return {};
  return fail(result, "{}: {}", info.name, host::last_error(info, result));
}

template <class Function>
Function memory_function(const SokrSubstrateInfo* info, Function SokrMemoryTable::* member,
                         const char* what) {
  if (!info) throw Error(SOKR_INVALID_INPUT, host::kNoMemory);
  if (info->memory && info->memory->*member) return info->memory->*member;
  throw Error(SOKR_CAPABILITY_DENIED, fmt::format("{}: it {}", info->name, what));
}

// Push constants are a multiple of 4 bytes.
std::span<const std::byte> in_words(std::span<const std::byte> push,
                                    std::vector<std::byte>& padded) {
  if (push.size() % 4 == 0) return push;
  padded.assign(push.begin(), push.end());
  padded.resize((push.size() + 3) / 4 * 4);
  return padded;
}

// The bytes of a launch, in `small` if they fit there.
std::span<const std::byte> written_launch(const SokrLaunch& launch, std::span<std::byte> small,
                                          std::vector<std::byte>& large) {
  if (const std::size_t size = sokr_launch_write(&launch, small.data(), small.size()); size != 0)
    return small.first(size);
  large.resize(sokr_launch_size(&launch));
  if (sokr_launch_write(&launch, large.data(), large.size()) == 0)
    throw Error(SOKR_INVALID_INPUT, "the launch parameters are larger than 4 GiB");
  return large;
}

void leave_out_what_is_prepared(SokrLaunch& launch) {
  launch.entry = nullptr;
  std::fill_n(launch.local_size, 3, 0);
  launch.subgroup_size = 0;
  launch.specializations = nullptr;
  launch.specialization_count = 0;
}

}  // namespace

// ---- Substrate ------------------------------------------------------------------------

std::optional<std::string> Substrate::why_not(const Kernel& kernel) const {
  auto form = kernel.state_->form_for(*info_, id_);
  if (!form) return form.failure().sentence;
  const host::trace::Span span("capability", *info_, &form->id);
  SokrCapabilityQuery query{};
  query.computation_id = form->id;
  query.ir_format = form->format;
  query.ir_data = form->bytes.data();
  query.ir_data_len = form->bytes.size();
  SokrCapabilityResponse response{};
  const SokrResult result = info_->plugin->capability_fn(&query, &response);
  if (result == SOKR_OK) return std::nullopt;
  return host::last_error(*info_, result);
}

// What of a launch decides the kernel.
SokrLaunch Substrate::kernel_part(const Launch& launch) {
  SokrLaunch written{};
  if (launch.entry_) written.entry = launch.entry_->c_str();
  std::copy(launch.local_size_.begin(), launch.local_size_.end(), written.local_size);
  written.subgroup_size = launch.subgroup_size_;
  written.specializations = launch.specializations_.data();
  written.specialization_count = static_cast<std::uint32_t>(launch.specializations_.size());
  return written;
}

void Substrate::prepare(const Kernel& kernel, const Launch& launch) const {
  kernel.check_types(launch);
  const Kernel::State& state = *kernel.state_;
  const host::Form form = host::value(state.form_for(*info_, id_));
  const host::trace::Span span("prepare", *info_, &form.id);
  host::check(state.prepared.prepare(*info_, id_, form, kernel_part(launch)));
}

// Handles are numbers that each substrate gives out for itself: another's may be one here, too.
void Substrate::check_owners(const Launch& launch) const {
  const auto is_others = [this](const SokrSubstrateInfo* owner) { return owner && owner != info_; };
  for (std::size_t i = 0; i < launch.owners_.size(); ++i) {
    if (!is_others(launch.owners_[i])) continue;
    const SokrBinding& binding = launch.bindings_[i];
    throw Error(
        SOKR_INVALID_INPUT,
        fmt::format("{}: what is bound at {}.{} is a buffer of '{}'; allocate one here, and "
                    "write to it what that one holds",
                    name(), binding.set, binding.binding, launch.owners_[i]->name));
  }
  if (launch.indirect_ != 0 && is_others(launch.indirect_owner_)) {
    throw Error(SOKR_INVALID_INPUT,
                fmt::format("{}: the workgroup counts are in a buffer of '{}'; allocate one here",
                            name(), launch.indirect_owner_->name));
  }
}

Completion Substrate::dispatch(const Kernel& kernel, const Launch& launch) const {
  if (!launch.has_size_) {
    throw Error(SOKR_INVALID_INPUT,
                "the launch has no size; call groups, threads or groups_from to set it");
  }
  check_owners(launch);
  const Kernel::State& state = *kernel.state_;
  kernel.check_types(launch);
  const host::Form form = host::value(state.form_for(*info_, id_));
  host::trace::Span span("dispatch", *info_, &form.id);

  SokrLaunch written = kernel_part(launch);
  std::copy(launch.groups_.begin(), launch.groups_.end(), written.groups);
  if (launch.threads_ != std::array<std::uint32_t, 3>{}) {
    const SokrIrEntryPoint* entry = host::value(state.entry(written.entry));
    const auto index = entry - state.reflection->entry_points;
    const auto sized = kernel.reflection(launch);
    const auto groups =
        host::value(host::groups_for(launch.threads_, sized->entry_points[index].local_size));
    std::copy(groups.begin(), groups.end(), written.groups);
  }
  std::copy(launch.base_groups_.begin(), launch.base_groups_.end(), written.base_groups);
  written.flags = launch.flags_;
  if (host::trace::is_on) written.flags |= SOKR_LAUNCH_PROFILE;
  written.indirect = launch.indirect_;
  written.indirect_offset = launch.indirect_offset_;
  written.bindings = launch.bindings_.data();
  written.binding_count = static_cast<std::uint32_t>(launch.bindings_.size());
  for (const SokrCompletionToken token : launch.waits_) {
    if (sokr_token_substrate(token) == id_) continue;
    throw Error(SOKR_INVALID_INPUT,
                fmt::format("{}: the launch comes after a dispatch to another substrate; wait for "
                            "that one on the host",
                            name()));
  }
  written.waits = launch.waits_.data();
  written.wait_count = static_cast<std::uint32_t>(launch.waits_.size());

  const SokrPreparedIr named = sokr_prepared_ir(state.prepared.find(*info_, id_, form, written));
  if (named.kernel != 0) leave_out_what_is_prepared(written);

  if (launch.push_.size() > UINT32_MAX - 3) {
    throw Error(SOKR_INVALID_INPUT, fmt::format("{}: the push constants have {} bytes; no launch "
                                                "has 4 GiB of them",
                                                name(), launch.push_.size()));
  }
  std::vector<std::byte> padded;
  const std::span<const std::byte> push = in_words(launch.push_, padded);
  written.push = push.empty() ? nullptr : push.data();
  written.push_size = static_cast<std::uint32_t>(push.size());

  std::array<std::byte, 1024> small;
  std::vector<std::byte> large;
  const std::span<const std::byte> params = written_launch(written, small, large);

  SokrDispatchRequest request{};
  request.computation_id = form.id;
  request.substrate_id = id_;
  request.ir_data = form.bytes.data();
  request.ir_data_len = form.bytes.size();
  if (named.kernel != 0) {
    request.ir_data = reinterpret_cast<const std::uint8_t*>(&named);
    request.ir_data_len = sizeof named;
  }
  request.params = reinterpret_cast<const std::uint8_t*>(params.data());
  request.params_len = params.size();
  SokrDispatchResponse response{};
  host::check(answer(*info_, sokr_dispatch(&request, &response)));
  Completion completion;
  completion.token_ = response.completion_token;
  span.started(completion.token_);
  completion.info_ = info_;
  return completion;
}

Buffer Substrate::allocate(std::uint64_t size, std::uint32_t flags) const {
  const auto create = memory_function(info_, &SokrMemoryTable::create, "has no buffers of its own");
  SokrBuffer handle = 0;  // what it wrote counts only if it succeeded
  host::check(answer(*info_, create(size, flags, &handle)));
  if (handle == 0) {
    throw Error(SOKR_DISPATCH_FAILED,
                fmt::format("{}: it says that it created a buffer, and gives none", name()));
  }
  Buffer buffer;
  buffer.handle_ = handle;
  buffer.info_ = info_;
  buffer.size_ = size;
  return buffer;
}

std::vector<SokrStatistic> Substrate::statistics() const {
  const auto ask = info_->diagnostics ? info_->diagnostics->statistics : nullptr;
  if (!ask) return {};
  std::vector<SokrStatistic> read(16);
  SokrStatistics asked{};
  asked.struct_size = sizeof asked;
  asked.statistic_size = sizeof(SokrStatistic);
  do {
    if (asked.count > kMostStatistics) {
      throw Error(SOKR_DISPATCH_FAILED,
                  fmt::format("{}: it claims {} statistics; at most {} are read", name(),
                              asked.count, kMostStatistics));
    }
    read.resize(std::max<std::size_t>(read.size(), asked.count));
    asked.statistics = read.data();
    asked.capacity = static_cast<std::uint32_t>(read.size());
    host::check(answer(*info_, ask(&asked)));
  } while (asked.count > read.size());
  read.resize(asked.count);
  std::erase_if(read, [](const SokrStatistic& one) { return one.name == nullptr; });
  return read;
}

// ---- Completion -----------------------------------------------------------------------

namespace {

// True if it completed, false if the time ran out; throws if it failed.
bool ask(const SokrSubstrateInfo* info, SokrCompletionToken token, std::uint64_t timeout_ns) {
  if (!info) throw Error(SOKR_INVALID_INPUT, "this Completion names no dispatch");
  host::trace::Span span(timeout_ns == 0 ? "poll" : "wait", *info, nullptr);
  const SokrCompletionQuery query{token, timeout_ns};
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  const SokrResult result = sokr_completion(&query, &signal);
  if (result == SOKR_TIMEOUT) return false;
  host::check(answer(*info, result));
  if (signal != SOKR_COMPLETION_PENDING) span.ended(token, signal == SOKR_COMPLETION_FAILED);
  if (signal == SOKR_COMPLETION_FAILED) {
    throw Error(SOKR_DISPATCH_FAILED,
                fmt::format("{}: {}", info->name, host::completion_error(*info, token)));
  }
  return signal == SOKR_COMPLETION_COMPLETE;
}

}  // namespace

bool Completion::poll() const {
  return ask(info_, token_, 0);
}

void Completion::wait() const {
  // Who comes back from a wait without end, and nothing has ended, is asked again.
  while (!ask(info_, token_, UINT64_MAX)) {
  }
}

bool Completion::wait_for(std::chrono::nanoseconds timeout) const {
  const auto count = timeout.count();
  return ask(info_, token_, count < 0 ? 0 : static_cast<std::uint64_t>(count));
}

std::optional<std::chrono::nanoseconds> Completion::device_time() const {
  if (!info_) return std::nullopt;
  const auto timing = host::timing_of(*info_, token_);
  if (!timing) return std::nullopt;
  return std::chrono::nanoseconds(timing->device_ns);
}

std::optional<Completion::Interval> Completion::device_interval() const {
  using Clock = std::chrono::steady_clock;
  if (!info_) return std::nullopt;
  const auto timing = host::timing_of(*info_, token_);
  if (!timing || timing->ended_ns == 0) return std::nullopt;
  return Interval{Clock::time_point(std::chrono::nanoseconds(timing->began_ns)),
                  Clock::time_point(std::chrono::nanoseconds(timing->ended_ns))};
}

// ---- Buffer ----------------------------------------------------------------------------

Buffer::Buffer(Buffer&& other) noexcept
    : info_(std::exchange(other.info_, nullptr)),
      handle_(std::exchange(other.handle_, 0)),
      size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(info_, other.info_);
  std::swap(handle_, other.handle_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (handle_ && info_->memory->free) info_->memory->free(handle_);
}

void Buffer::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  const auto copy = memory_function(info_, &SokrMemoryTable::write, "cannot write to its buffers");
  host::check(answer(*info_, copy(handle_, offset, bytes.data(), bytes.size())));
}

void Buffer::read(std::span<std::byte> bytes, std::uint64_t offset) const {
  const auto copy = memory_function(info_, &SokrMemoryTable::read, "cannot read its buffers");
  host::check(answer(*info_, copy(handle_, offset, bytes.data(), bytes.size())));
}

void Buffer::copy_from(const Buffer& from, std::uint64_t size, std::uint64_t from_offset,
                       std::uint64_t offset) {
  const auto copy = memory_function(info_, &SokrMemoryTable::copy, "copies no buffers");
  if (from.info_ != info_) {
    throw Error(SOKR_INVALID_INPUT,
                fmt::format("{}: the buffer to copy from is not its own; read it, then write",
                            info_->name));
  }
  host::check(answer(*info_, copy(from.handle_, from_offset, handle_, offset, size)));
}

std::uint64_t Buffer::address() const {
  const auto get = memory_function(info_, &SokrMemoryTable::address, "has no buffer addresses");
  std::uint64_t address = 0;
  host::check(answer(*info_, get(handle_, &address)));
  return address;
}

}  // namespace sokr
