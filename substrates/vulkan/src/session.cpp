// SPDX-License-Identifier: MIT OR Apache-2.0
#include "session.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <shared_mutex>
#include <sokr/substrate/compile_span.hpp>
#include <thread>

#include "probe.hpp"

namespace sokr::vulkan {
namespace {

using substrate::CompletionAnswer;
using substrate::LaunchView;
using substrate::ResolvedBinding;
using substrate::ResolvedLaunch;

bool overlap(const std::byte* a, std::uint64_t a_size, const std::byte* b, std::uint64_t b_size) {
  const auto left = reinterpret_cast<std::uintptr_t>(a);
  const auto right = reinterpret_cast<std::uintptr_t>(b);
  return left < right ? right - left < a_size : left - right < b_size;
}

// Is all that the kernel declares there, so that what keeps inside of it needs no check?
bool holds_all_data(const ResolvedLaunch& launch, const ir::EntryReflection& entry) {
  for (std::size_t i = 0; i < entry.bindings.size(); ++i)
    for (const ResolvedBinding& bound : launch.elements(i))
      if (bound.source == SOKR_BINDING_NULL || bound.size < entry.bindings[i].data_size)
        return false;
  return true;
}

bool names_host_memory(const ResolvedLaunch& launch) {
  return std::ranges::any_of(launch.bindings.span(), [](const ResolvedBinding& binding) {
    return binding.source == SOKR_BINDING_HOST;
  });
}

std::byte* host_address(const ResolvedBinding& binding) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(binding.resource)) +
         binding.offset;
}

}  // namespace

Session::Session(std::unique_ptr<Device> device, const SessionContext& context)
    : context_(context),
      device_(std::move(device)),
      limits_(device_->physical().limits()),
      pipelines_({context.options.kernel_bytes},
                 [](const Pipeline& pipeline) { return pipeline.memory(); }) {
  if (device_->features().has("robustBufferAccess")) bounds_ = substrate::Bounds::kRobust;
}

Result<std::shared_ptr<Session>> Session::create(const PhysicalDevice& physical,
                                                 const SessionContext& context) {
  SOKR_ASSIGN(std::unique_ptr<Device> device, Device::create(physical, context.options));
  device->set_host(context.host);
  std::shared_ptr<Session> session(new Session(std::move(device), context));
  session->pipeline_cache_ =
      std::make_unique<PipelineCache>(*session->device_, context.disk, context.host);
  session->recordings_ = std::make_unique<RecordingPool>(*session->device_);
  session->buffers_ = std::make_unique<BufferTable>(
      *session->device_, session->recordings_->host_blocks(), *context.next_buffer,
      [made = session.get()](Shortage& shortage) { return made->make_room(shortage); });
  context.host.log_debug(
      "vulkan: {} is ready, Vulkan {}, host memory {}", physical.name(),
      version_string(physical.offer.api),
      session->recordings_->copies() ? "copied by the device" : "bound directly");
  return session;
}

Session::~Session() {
  flush();
  device_->drain();
  for (const LaunchPointer& launch : submitted(UINT64_MAX)) {
    const Result<bool> ended = bring_in(launch, UINT64_MAX);
    if (!ended) fail_launch(launch, ended.failure().sentence);
  }
  buffers_.reset();
  known_.clear();
  recordings_.reset();
  pinned_.clear();
  pipelines_.clear();
  pipeline_cache_.reset();
}

Session::PipelineKey::PipelineKey(const Wanted& what, const LaunchView& launch, bool is_sliced)
    : wanted(what), sliced(is_sliced) {
  append_array_lengths(launch, lengths);
  constexpr std::uint8_t kSliced = 1;  // lengths are whole words
  if (sliced) lengths.append(&kSliced, 1);
}

void Session::PipelineKey::take_any_bindings() {
  constexpr std::uint8_t kAnyBindings = 2;
  lengths.append(&kAnyBindings, 1);
  any_bindings = true;
  extra.clear();
}

substrate::ContentKey Session::PipelineKey::content() {
  if (extra.empty()) {
    extra = substrate::compile_key(*wanted.said);
    extra.append(lengths.data(), lengths.size());
  }
  const SokrDispatchRequest& kernel = wanted.kernel;
  return {kernel.computation_id, {kernel.ir_data, kernel.ir_data_len}, extra.span()};
}

std::shared_ptr<Pipeline> Session::find_pipeline(PipelineKey& key) {
  if (auto pinned = find_pinned(key)) return pinned;
  auto known = pipelines_.find(key.content());
  if (!known || !*known) return nullptr;
  pin(key, **known);
  return **std::move(known);
}

std::shared_ptr<Pipeline> Session::find_checked(const PipelineKey& key) {
  if (key.any_bindings || bounds_ == substrate::Bounds::kUnchecked ||
      !device_->physical().usable.has("pipelineRobustness"))
    return nullptr;
  PipelineKey checked(key);
  checked.take_any_bindings();
  return find_pipeline(checked);
}

Result<Session::Planned> Session::plan(const PipelineKey& key, const LaunchView& launch,
                                       const FindModule& find_module) {
  planned_.fetch_add(1, std::memory_order_relaxed);
  const Wanted& wanted = key.wanted;
  const std::span<const std::uint8_t> ir(wanted.kernel.ir_data, wanted.kernel.ir_data_len);
  Planned planned;
  SOKR_ASSIGN(planned.module, find_module(nullptr));
  SOKR_ASSIGN(planned.plan, plan_pipeline(ir, *planned.module, *wanted.said, launch,
                                          device_->physical(), key.sliced, key.any_bindings));
  return planned;
}

Result<std::shared_ptr<Pipeline>> Session::build_pipeline(PipelineKey& key, Planned planned,
                                                          const FindModule& find_module) {
  // Where memory is short, launches end here, and who else wants this pipeline waits for it: what
  // they call back may want it, too.
  const substrate::InFlightTable::HeldCallbacks held;
  SOKR_ASSIGN(auto made, pipelines_.get(key.content(), [&]() -> Result<std::shared_ptr<Pipeline>> {
    SOKR_TRY(find_module(planned.module));
    SOKR_TRY(probe_kernel(planned.plan, device_->physical(), context_.options, context_.disk,
                          context_.host));
    const substrate::CompileSpan traced(context_.host, context_.name);
    const PipelineCache::Handle cache = pipeline_cache_->handle();
    auto pipeline = Pipeline::create(*device_, cache.get(), std::move(planned.plan),
                                     [&](Shortage& shortage) { return make_room(shortage); });
    if (pipeline) pipeline_cache_->note_compiled();
    return pipeline;
  }));
  pin(key, made);
  return made;
}

std::shared_ptr<Pipeline> Session::find_pinned(const PipelineKey& key) {
  if (key.wanted.prepared == 0) return nullptr;
  std::shared_lock lock(pinned_mutex_);
  const auto found = pinned_.find(key.wanted.prepared);
  if (found == pinned_.end()) return nullptr;
  for (const Pinned& pinned : found->second)
    if (std::ranges::equal(pinned.lengths, key.lengths)) return pinned.pipeline;
  return nullptr;
}

void Session::pin(const PipelineKey& key, const std::shared_ptr<Pipeline>& pipeline) {
  constexpr std::size_t kMostLengths = 16;
  if (key.wanted.prepared == 0) return;
  std::lock_guard lock(pinned_mutex_);
  std::vector<Pinned>& all = pinned_[key.wanted.prepared];
  for (const Pinned& pinned : all)
    if (std::ranges::equal(pinned.lengths, key.lengths)) return;  // another thread was first
  if (all.size() >= kMostLengths) all.erase(all.begin());
  all.push_back({{key.lengths.begin(), key.lengths.end()}, pipeline});
}

void Session::unpin(std::uint64_t prepared) {
  std::vector<Pinned> last;  // goes after the lock
  std::lock_guard lock(pinned_mutex_);
  const auto found = pinned_.find(prepared);
  if (found == pinned_.end()) return;
  last = std::move(found->second);
  pinned_.erase(found);
}

Result<void> Session::prepare(const Wanted& wanted, const FindModule& find_module) {
  if (device_->is_lost()) return device_->loss();
  PipelineKey key(wanted, *wanted.said, false);
  if (find_pipeline(key)) return {};
  SOKR_ASSIGN(Planned planned, plan(key, *wanted.said, find_module));
  SOKR_TRY(build_pipeline(key, std::move(planned), find_module));
  return {};
}

bool Session::bind_in_place(const ResolvedBinding& binding, Bound& bound, Launch& to) {
  const PhysicalDevice& physical = device_->physical();
  const std::uint64_t page = physical.host_import.minImportedHostPointerAlignment;
  // Software imports for nothing. A GPU's driver pins and maps pages, which costs more than to copy
  // a few MiB.
  const bool is_software = physical.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const std::uint64_t asked = device_->options().import_bytes;
  const std::uint64_t least = asked != 0 ? asked : is_software ? 64u << 10 : 4u << 20;
  if (page == 0 || binding.size < least || recordings_->copies() || !has_unified_memory(physical)) {
    return false;
  }
  const VkPhysicalDeviceLimits& limits = physical.properties.limits;
  const auto address = reinterpret_cast<std::uintptr_t>(host_address(binding));
  const std::uintptr_t first = address / page * page;
  const std::uint64_t offset = address - first;
  if (offset % limits.minStorageBufferOffsetAlignment != 0 ||
      offset % limits.minUniformBufferOffsetAlignment != 0) {
    return false;
  }
  const std::uint64_t span = (offset + binding.size + page - 1) / page * page;
  auto buffer = Buffer::import(*device_, reinterpret_cast<void*>(first), span);
  if (!buffer) return false;
  bound.source = BindSource::kBuffer;
  bound.buffer = (*buffer)->handle();
  bound.offset = offset;
  bound.size = binding.size;
  to.keep.push_back(*std::move(buffer));
  if (binding.writes()) to.downloads.push_back({nullptr, host_address(binding), binding.size});
  return true;
}

Result<void> Session::bind_one(const ResolvedBinding& binding, Bound& bound, bool& reusable,
                               Launch& to) {
  if (binding.source == SOKR_BINDING_NULL) return {};
  const VkPhysicalDeviceLimits& limits = device_->physical().properties.limits;
  const bool uniform = binding.kind == SOKR_IR_UNIFORM_BUFFER;
  if (uniform && binding.size > limits.maxUniformBufferRange) {
    return fail(SOKR_INVALID_INPUT,
                "binding {}.{} has {} bytes; {} takes uniform buffers of at most "
                "{}",
                binding.set, binding.binding, binding.size, device_->name(),
                limits.maxUniformBufferRange);
  }
  bound.size = binding.size;
  if (binding.source == SOKR_BINDING_HOST) {
    if (bind_in_place(binding, bound, to)) {
      reusable = false;
      return {};
    }
    SOKR_TRY(Buffer::check_size(*device_, binding.size));  // no room would be enough
    bound.source = BindSource::kStaged;
    bound.download = binding.writes();
    return {};
  }
  SOKR_ASSIGN(std::shared_ptr<Buffer> buffer, buffers_->find(binding.resource));
  if (binding.offset > buffer->size() || binding.size > buffer->size() - binding.offset) {
    return fail(SOKR_INVALID_INPUT,
                "binding {}.{}: {} bytes at offset {} end beyond buffer {}, which "
                "has {}",
                binding.set, binding.binding, binding.size, binding.offset, binding.resource,
                buffer->size());
  }
  const std::uint64_t alignment =
      uniform ? limits.minUniformBufferOffsetAlignment : limits.minStorageBufferOffsetAlignment;
  constexpr std::uint64_t kWord = 4;
  const bool fits = binding.offset % alignment == 0;
  if (!fits && binding.offset % kWord != 0) {
    return fail(SOKR_INVALID_INPUT,
                "binding {}.{}: the offset {} is not a multiple of {}, which {} "
                "needs",
                binding.set, binding.binding, binding.offset, kWord, device_->name());
  }
  bound.source = fits ? BindSource::kBuffer : BindSource::kCopied;
  bound.download = !fits && binding.writes();
  bound.buffer = buffer->handle();
  bound.handle = binding.resource;
  bound.offset = binding.offset;
  to.keep.push_back(std::move(buffer));
  return {};
}

// Each binding of host memory has a copy of its own on the device, so what is written
// through one would not be seen through another, and one copy would undo the other.
Result<void> Session::check_overlap(const ResolvedLaunch& resolved) const {
  for (const ResolvedBinding& a : resolved.bindings.span()) {
    if (a.source != SOKR_BINDING_HOST || !a.writes()) continue;
    for (const ResolvedBinding& b : resolved.bindings.span()) {
      if (&a == &b || b.source != SOKR_BINDING_HOST ||
          !overlap(host_address(a), a.size, host_address(b), b.size)) {
        continue;
      }
      return fail(SOKR_INVALID_INPUT,
                  "bindings {}.{} and {}.{} overlap in host memory and the kernel "
                  "writes there; {} sees such changes only in a buffer of its own",
                  a.set, a.binding, b.set, b.binding, device_->name());
    }
  }
  return {};
}

// The same of ranges that are copied on the device because of their offsets.
Result<void> Session::check_copied(const JudgedLaunch& judged) const {
  for (std::size_t i = 0; i < judged.bound.size(); ++i) {
    const Bound& copied = judged.bound[i];
    if (copied.source != BindSource::kCopied) continue;
    for (std::size_t k = 0; k < judged.bound.size(); ++k) {
      const Bound& other = judged.bound[k];
      const ResolvedBinding& a = judged.resolved.bindings[i];
      const ResolvedBinding& b = judged.resolved.bindings[k];
      const bool overlaps = other.handle == copied.handle &&
                            other.offset < copied.offset + copied.size &&
                            copied.offset < other.offset + other.size;
      if (i == k || !overlaps || (!a.writes() && !b.writes())) continue;
      return fail(SOKR_INVALID_INPUT,
                  "bindings {}.{} and {}.{} overlap in buffer {} and the kernel writes there; {} "
                  "sees such changes only at offsets of whole multiples of {}",
                  a.set, a.binding, b.set, b.binding, copied.handle, device_->name(),
                  std::max(device_->physical().properties.limits.minStorageBufferOffsetAlignment,
                           device_->physical().properties.limits.minUniformBufferOffsetAlignment));
    }
  }
  return {};
}

// Where the device has no null descriptors, zeros stand for them, as many as the kernel may see.
Result<void> Session::bind_nulls(const ir::EntryReflection& entry, JudgedLaunch& judged) const {
  constexpr std::uint64_t kLeast = 16;
  if (recordings_->has_null_descriptor()) return {};
  const ResolvedLaunch& resolved = judged.resolved;
  for (std::size_t r = 0; r < entry.bindings.size(); ++r) {
    for (std::uint32_t i = resolved.first[r]; i < resolved.first[r + 1]; ++i) {
      if (judged.bound[i].source != BindSource::kNull) continue;
      judged.bound[i].size = std::max(entry.bindings[r].min_size, kLeast);
      SOKR_TRY(Buffer::check_size(*device_, judged.bound[i].size));
    }
  }
  return {};
}

Result<void> Session::bind_all(const LaunchView& launch, const ir::EntryReflection& entry,
                               JudgedLaunch& judged, Launch& to) {
  SOKR_TRY(check_overlap(judged.resolved));
  judged.bound.resize(judged.resolved.bindings.size());
  for (std::size_t i = 0; i < judged.bound.size(); ++i) {
    SOKR_TRY(bind_one(judged.resolved.bindings[i], judged.bound[i], judged.reusable, to));
  }
  SOKR_TRY(bind_nulls(entry, judged));
  SOKR_TRY(check_copied(judged));
  if (launch.is_indirect()) {
    SOKR_ASSIGN(std::shared_ptr<Buffer> buffer, buffers_->find(launch.indirect()));
    constexpr std::uint64_t kCounts = sizeof(VkDispatchIndirectCommand);
    if (buffer->size() < kCounts || launch.indirect_offset() > buffer->size() - kCounts) {
      return fail(SOKR_INVALID_INPUT,
                  "the indirect buffer {} has {} bytes, and 12 are read at offset "
                  "{}",
                  launch.indirect(), buffer->size(), launch.indirect_offset());
    }
    judged.indirect = buffer->handle();
    to.keep.push_back(std::move(buffer));
  }
  return {};
}

Result<Session::Dependency> Session::resolve_waits(const LaunchView& launch,
                                                   const ResolvedLaunch& resolved) {
  Dependency dependency;
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) {
    const std::uint64_t token = launch.wait(i);
    const LaunchPointer earlier = context_.in_flight->find_as<Launch>(token);
    // The values of a device that was lost say nothing here.
    if (earlier && earlier->session == this && wait_after(earlier, dependency)) continue;
    // It is over, or another thread is just ending it.
    const CompletionAnswer answer = context_.in_flight->completion(token, UINT64_MAX);
    if (answer.result == SOKR_NOT_FOUND) return substrate::never_issued(launch, i);
    if (answer.signal != SOKR_COMPLETION_FAILED) continue;
    dependency.failed = context_.in_flight->sentence_of_dependent(token);
    return dependency;
  }
  SOKR_TRY(bring_in_before(launch, resolved, dependency));
  return dependency;
}

Result<void> Session::bring_in_before(const LaunchView& launch, const ResolvedLaunch& resolved,
                                      Dependency& dependency) {
  const bool has_host = names_host_memory(resolved);
  // Their results are to be copied to where this one reads.
  if (has_host && !dependency.pending.empty() && !settle(dependency)) return {};
  if (!has_host) return {};
  SOKR_TRY(bring_in_results(resolved, std::max(dependency.after, device_->seen())));
  // What could not be brought in has failed by now, and what waits for it fails, too.
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) {
    if (context_.in_flight->poll(launch.wait(i)).signal != SOKR_COMPLETION_FAILED) continue;
    dependency.failed = context_.in_flight->sentence_of_dependent(launch.wait(i));
    return {};
  }
  return {};
}

// Host memory is read when a launch starts. What earlier launches wrote there has to be
// there by then, if this launch comes after them.
Result<void> Session::bring_in_results(const ResolvedLaunch& resolved, std::uint64_t until) {
  const auto touches = [&](const Launch& earlier) {
    for (const Download& written : earlier.downloads.span()) {
      for (const ResolvedBinding& binding : resolved.bindings.span()) {
        if (binding.source == SOKR_BINDING_HOST &&
            overlap(written.to, written.size, host_address(binding), binding.size)) {
          return true;
        }
      }
    }
    return false;
  };
  for (const LaunchPointer& launch : submitted(until))
    if (touches(*launch)) SOKR_TRY(bring_in(launch, UINT64_MAX));
  return {};
}

// Into as many submissions as keep each of them short, by what was measured of the kernel. Of one
// that is new, the first part is run and measured, unless other work is before it on the device.
GridCut Session::plan_cut(const LaunchView& launch, const Prepared& prepared) {
  constexpr std::uint64_t kFew = 1024;  // workgroups of a kernel that is not measured
  constexpr std::uint32_t kFirstOf = 256, kUnmeasuredParts = 16;
  const Pipeline& pipeline = *prepared.pipeline;
  GridCut cut;
  if (!pipeline.can_be_cut() || launch.is_indirect() ||
      std::ranges::any_of(prepared.judged->bound.span(),
                          [](const Bound& bound) { return bound.source == BindSource::kCopied; })) {
    return cut;
  }
  const auto& groups = prepared.judged->resolved.groups;
  cut.axis = static_cast<std::uint32_t>(std::ranges::max_element(groups) - groups.begin());
  const std::uint32_t count = groups[cut.axis];
  const double total = static_cast<double>(groups[0]) * groups[1] * groups[2];
  if (pipeline.ns_per_group() != 0) {
    cut.parts = parts_for(total * pipeline.ns_per_group(), count);
  } else if (total >= kFew) {
    Result<std::uint64_t> reached = device_->reached();
    const bool idle = reached && *reached == device_->last_submitted() && collected_count_ == 0;
    if (idle && count > 1) {
      cut.first = std::max(count / kFirstOf, 1u);
    } else {
      cut.parts = std::min(count, kUnmeasuredParts);
    }
  }
  return cut;
}

std::uint32_t Session::parts_for(double ns, std::uint32_t most) const {
  constexpr double kMost = 4096;
  const double parts = std::ceil(ns / static_cast<double>(device_->slice_ns()));
  return static_cast<std::uint32_t>(
      std::clamp(parts, 1.0, std::min(kMost, static_cast<double>(most))));
}

// What a submission costs by itself counts as the kernel's, so parts grow until it matters no more.
// A part that lasts longer than a submission should is not waited for: dispatch is no wait.
Result<void> Session::run_first(const RecordRequest& request, std::uint64_t after, Launch& to) {
  constexpr std::uint32_t kGrowth = 8;
  const auto& groups = request.launch->groups;
  const std::uint32_t count = groups[request.cut.axis];
  const double slice = static_cast<double>(device_->slice_ns());
  std::uint32_t done = 0;
  // The first part brings the host's bytes along, or comes after copies on the other queue, which
  // says nothing of the kernel: one as long behind it is measured.
  bool is_measured =
      (!recordings_->copies() || to.recording->regions().empty()) && !device_->comes_after_copy();
  std::uint64_t part = request.cut.first;
  while (true) {
    const auto begun = std::chrono::steady_clock::now();
    SOKR_ASSIGN(const std::uint64_t value, submit_all(to, after));
    SOKR_ASSIGN(const bool ended, device_->wait(value, device_->slice_ns()));
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begun;
    done += static_cast<std::uint32_t>(part);
    const std::uint32_t left = count - done;
    if (ended && !is_measured && part < left) {
      is_measured = true;
      SOKR_TRY(to.recording->record_next(done, static_cast<std::uint32_t>(part)));
      continue;
    }
    const double step = spent.count() / static_cast<double>(part);
    if (ended && step * left > slice && spent.count() < slice / kGrowth && part * kGrowth < left) {
      part *= kGrowth;
      SOKR_TRY(to.recording->record_next(done, static_cast<std::uint32_t>(part)));
      continue;
    }
    const double whole = static_cast<double>(groups[0]) * groups[1] * groups[2];
    if (ended && is_measured) request.pipeline->note_ns_per_group(step * count / whole);
    return to.recording->record_rest(done, parts_for(step * left, left));
  }
}

RecordRequest Session::record_request(const LaunchView& launch, const Prepared& prepared) {
  RecordRequest request;
  request.pipeline = prepared.pipeline.get();
  request.sets = prepared.sets.get();
  request.launch = &prepared.judged->resolved;
  request.push = prepared.push;
  request.bound = prepared.judged->bound.span();
  request.profile = launch.profile();
  request.indirect = prepared.judged->indirect;
  request.indirect_handle = launch.indirect();
  request.indirect_offset = launch.indirect_offset();
  request.reusable = prepared.judged->reusable;
  return request;
}

Result<void> Session::record(const LaunchView& launch, const Prepared& prepared,
                             Dependency& dependency, Launch& to) {
  RecordRequest request = record_request(launch, prepared);
  request.cut = plan_cut(launch, prepared);
  request.reusable = request.reusable && request.cut.first == 0;
  const bool is_alone = !has_work();
  request.behind = !dependency.pending.empty() || (device_->likes_barriers() && is_alone);
  const bool is_whole = request.cut.first == 0 && request.cut.parts == 1;
  SOKR_ASSIGN(to.recording, prepared.key && is_whole ? recordings_->acquire(request, *prepared.key)
                                                     : recordings_->acquire(request));
  for (const StagedRegion& region : to.recording->regions()) {
    std::byte* staged = to.recording->mapped(region);
    if (region.zero) {
      std::memset(staged, 0, region.size);
      continue;
    }
    // Also where the kernel only writes: bytes that it leaves alone keep their values.
    std::byte* host = host_address(prepared.judged->resolved.bindings[region.binding]);
    std::memcpy(staged, host, region.size);
    if (region.download) to.downloads.push_back({staged, host, region.size});
  }
  SOKR_TRY(to.recording->flush());
  // What will be submitted with others is recorded with them.
  if (is_whole && is_alone) SOKR_TRY(to.recording->write());
  if (request.cut.first == 0) return {};
  if (!settle(dependency)) return fail(SOKR_DISPATCH_FAILED, "{}", dependency.failed);
  SOKR_TRY(buffers_->prepare_for(to.keep));
  return run_first(request, dependency.after, to);
}

// Of host memory, that which is used in place included: the driver pins it; and of zeros.
std::uint64_t Session::staged_bytes(const JudgedLaunch& judged) {
  std::uint64_t bytes = 0;
  for (const Bound& bound : judged.bound.span())
    if (bound.source == BindSource::kStaged || bound.source == BindSource::kCopied ||
        bound.source == BindSource::kNull ||
        (bound.source == BindSource::kBuffer && bound.handle == 0))
      bytes += bound.size;
  return bytes;
}

// From what was found right to what is under way. `build` makes the pipeline where there is none.
template <class Build>
Result<std::uint64_t> Session::run(const LaunchView& launch, Prepared& prepared,
                                   const LaunchPointer& started, const Build& build) {
  const JudgedLaunch& judged = *prepared.judged;
  Dependency dependency;
  if (launch.wait_count() != 0 || names_host_memory(judged.resolved)) {
    SOKR_ASSIGN(dependency, resolve_waits(launch, judged.resolved));
  }
  if (!dependency.failed.empty()) return failed_token(std::move(dependency.failed));
  if (!judged.resolved.empty) started->staged = staged_bytes(judged);
  SOKR_TRY(await_room(started->staged));
  if (!judged.resolved.empty) {
    SOKR_TRY(build());
    Result<void> recorded = record_with_room(launch, prepared, dependency, *started);
    if (!recorded && (started->begun || !dependency.failed.empty()))
      return failed_token(std::move(recorded).failure().sentence);
    SOKR_TRY(std::move(recorded));
  }
  return start(started, dependency);
}

Result<std::uint64_t> Session::dispatch(const SokrDispatchRequest& request, const Wanted& wanted,
                                        const LaunchView& launch, const FindModule& find_module) {
  if (device_->is_lost()) return device_->loss();
  const bool sliced = is_over_limit(launch, device_->physical());
  if (sliced) SOKR_TRY(check_parts(launch.groups(), device_->physical()));
  PipelineKey key(wanted, launch, sliced);
  Prepared prepared;
  JudgedLaunch judged;
  prepared.judged = &judged;
  Planned planned;  // if there is no pipeline yet
  while (true) {
    prepared.pipeline = find_pipeline(key);
    // All launches so far may have bound less than the kernel declares.
    if (auto checked = prepared.pipeline ? nullptr : find_checked(key)) {
      SOKR_ASSIGN(judged.resolved,
                  substrate::check_launch_alone(launch, checked->reflection(), limits_,
                                                request.substrate_id, bounds_));
      if (!holds_all_data(judged.resolved, checked->reflection())) {
        prepared.pipeline = std::move(checked);
        break;
      }
    }
    if (!prepared.pipeline) {
      SOKR_ASSIGN(planned, plan(key, launch, find_module));
    }
    const PipelinePlan& made = prepared.pipeline ? prepared.pipeline->plan() : planned.plan;
    SOKR_ASSIGN(judged.resolved, substrate::check_launch_alone(launch, made.reflection, limits_,
                                                               request.substrate_id, bounds_));
    if (!made.unchecked || bounds_ == substrate::Bounds::kUnchecked ||
        holds_all_data(judged.resolved, made.reflection))
      break;
    key.take_any_bindings();
  }
  prepared.push = judged.resolved.push;
  clean_up();
  auto started = std::make_shared<Launch>();
  started->session = this;
  const PipelinePlan& made = prepared.pipeline ? prepared.pipeline->plan() : planned.plan;
  SOKR_TRY(bind_all(launch, made.reflection, judged, *started));
  std::shared_ptr<KnownLaunch> known;
  Result<std::uint64_t> token = run(launch, prepared, started, [&]() -> Result<void> {
    if (!prepared.pipeline) {
      SOKR_ASSIGN(prepared.pipeline, build_pipeline(key, std::move(planned), find_module));
    }
    if (!sliced && is_known_by_bytes(judged) && known_.is_wanted(request)) {
      // Where there is no room for them the launch has its own, or is refused, as any other.
      if (auto sets = recordings_->make_sets(record_request(launch, prepared)))
        prepared.sets = *std::move(sets);
      known = make_known(request, wanted, launch, prepared, *started);
    }
    return {};
  });
  if (token && known) known_.keep(request, std::move(known));
  return token;
}

// Whether its bytes say all of it: those of host memory are read anew for each launch.
bool Session::is_known_by_bytes(const JudgedLaunch& judged) {
  return !names_host_memory(judged.resolved);
}

std::shared_ptr<KnownLaunch> Session::make_known(const SokrDispatchRequest& request,
                                                 const Wanted& wanted, const LaunchView& launch,
                                                 const Prepared& prepared, const Launch& to) const {
  auto known = std::make_shared<KnownLaunch>(
      KnownLaunch{.params = {request.params, request.params + request.params_len},
                  .ir = {request.ir_data, request.ir_data + request.ir_data_len},
                  .substrate_id = request.substrate_id,
                  .view = launch,
                  .released = wanted.prepared != 0 ? wanted.released : KnownLaunch::kHasItsIr,
                  .pipeline = prepared.pipeline,
                  .buffers = {to.keep.begin(), to.keep.end()},
                  .judged = *prepared.judged,
                  .key = {},
                  .sets = prepared.sets});
  known->view = *launch.repeated(known->params.data(), known->params.size());
  known->judged.resolved.push = {};
  known->key = record_key(record_request(known->view, prepared));
  return known;
}

std::optional<Result<std::uint64_t>> Session::dispatch_again(const SokrDispatchRequest& request) {
  if (device_->is_lost()) return std::nullopt;
  const KnownLaunches::Pointer known = known_.find(request);
  if (!known) return std::nullopt;
  if (known->released != KnownLaunch::kHasItsIr && known->released != context_.released->load())
    return std::nullopt;
  const std::optional<LaunchView> launch = known->view.repeated(request.params, request.params_len);
  if (!launch) return std::nullopt;
  for (std::uint32_t i = 0; i < launch->wait_count(); ++i)
    if (launch->wait_substrate(i) != request.substrate_id) return std::nullopt;
  Prepared prepared;
  prepared.pipeline = known->pipeline.lock();
  if (!prepared.pipeline) return std::nullopt;
  auto started = std::make_shared<Launch>();
  started->session = this;
  started->keep.reserve(known->buffers.size());
  for (const std::weak_ptr<Buffer>& weak : known->buffers) {
    std::shared_ptr<Buffer> buffer = weak.lock();
    if (!buffer || buffer->is_freed()) return std::nullopt;
    started->keep.push_back(std::move(buffer));
  }
  prepared.judged = &known->judged;
  prepared.push = substrate::push_for(*launch, prepared.pipeline->reflection());
  prepared.key = &known->key;
  prepared.sets = known->sets;
  known_.note_known();
  clean_up();
  return run(*launch, prepared, started, [] { return Result<void>(); });
}

}  // namespace sokr::vulkan
