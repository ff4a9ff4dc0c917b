// SPDX-License-Identifier: MIT OR Apache-2.0
#include "substrate.hpp"

#include <oneapi/tbb/info.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sokr/spirv/allowed.hpp>
#include <sokr/substrate/retire_grace.hpp>
#include <sokr/substrate/tasks.hpp>

#include "program.hpp"

namespace sokr::reference {

using substrate::LaunchView;

namespace {

std::uint32_t default_threads() {
  return static_cast<std::uint32_t>(std::max(1, tbb::info::default_concurrency()));
}

// Answers about modules whose kernels may never be launched: the modules themselves, mostly.
constexpr std::size_t kAnswerBytes = std::size_t{64} << 20;

Failure never_issued(std::uint64_t token) {
  return fail(SOKR_INVALID_INPUT, "token {} to wait for was never issued by this substrate", token);
}

std::span<const std::uint8_t> bytes(const std::uint8_t* data, std::size_t size) {
  return {data, size};
}

}  // namespace

SokrComputeLimits ReferenceSubstrate::limits() {
  SokrComputeLimits limits{};
  limits.struct_size = sizeof limits;
  for (auto& count : limits.max_group_count) count = UINT32_MAX;
  for (auto& size : limits.max_local_size) size = kMaxLocalInvocations;
  limits.max_local_invocations = kMaxLocalInvocations;
  limits.max_shared_memory = static_cast<std::uint32_t>(kMaxWorkgroupBytes);
  limits.max_push_constant_size = 65536;
  limits.subgroup_size = kDefaultSubgroupSize;
  limits.min_subgroup_size = kMinSubgroupSize;
  limits.max_subgroup_size = kMaxSubgroupSize;
  limits.max_descriptor_sets = UINT32_MAX;
  limits.host_import_alignment = 1;
  limits.max_binding_size = INT64_MAX;
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0)
    limits.memory_size = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
  return limits;
}

ReferenceSubstrate::ReferenceSubstrate(const substrate::Host& host, const SubstrateOptions& options)
    : host_(host),
      options_(options),
      checked_({kAnswerBytes}),
      kernels_({options.kernel_bytes},
               [](const Kernel& kernel) { return kernel.program->memory(); }),
      arena_(static_cast<int>(options.threads ? options.threads : default_threads()), 0) {}

void ReferenceSubstrate::retire() noexcept {
  if (!tokens_.await_room(1, substrate::kRetireGrace)) abandon_all();
}

// At once for who waits, and soon for kernels: in this order, so that the sentence is this one.
void ReferenceSubstrate::abandon_all() noexcept {
  tokens_.abandon_all(substrate::kRetiredSentence);
  stop_.store(true, std::memory_order_relaxed);
}

ReferenceSubstrate::~ReferenceSubstrate() {
  abandon_all();
  tokens_.wait_idle();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return tasks_ == 0; });
}

// ---- Preparation ------------------------------------------------------------------------------

Result<void> ReferenceSubstrate::validate(std::span<const std::uint8_t> ir) {
  std::string remark;
  SOKR_TRY(spirv::check_allowed(ir));
  SOKR_TRY(spirv::validate(ir, {options_.strictness, &remark}));
  if (!remark.empty()) host_.log_info("reference: a strict reading refuses the kernel: {}", remark);
  return {};
}

Result<void> ReferenceSubstrate::check_format(std::uint32_t format) {
  if (format == SOKR_IR_SPIRV) return {};
  return fail(SOKR_CAPABILITY_DENIED,
              "the reference substrate accepts SPIR-V ({:#x}), not IR format {:#x}", SOKR_IR_SPIRV,
              format);
}

Result<std::uint64_t> ReferenceSubstrate::capability(const SokrCapabilityQuery& query) {
  if (query.ir_format == SOKR_IR_PREPARED) {
    SOKR_TRY(substrate::check_prepared(prepared_, query));
    return std::uint64_t{0};
  }
  SOKR_TRY(check_format(query.ir_format));
  const auto ir = bytes(query.ir_data, query.ir_data_len);
  const auto check = [&]() -> Result<std::shared_ptr<const Checked>> {
    SOKR_TRY(validate(ir));
    SOKR_ASSIGN(auto module, spirv::decode(ir, {.any_values = true}));
    SOKR_TRY(check_capabilities(*module));
    if (module->entry_points().empty())
      return fail(SOKR_CAPABILITY_DENIED, "the module has no GLCompute entry point");
    for (const auto& entry : module->entry_points()) {
      SOKR_TRY(substrate::check_entry(spirv::reflect_entry(*module, entry), limits()));
      SOKR_TRY(reference::prepare(module, entry));
    }
    return std::make_shared<const Checked>();
  };
  SOKR_TRY(checked_.get({query.computation_id, ir, {}}, check));
  return std::uint64_t{0};
}

Result<void> ReferenceSubstrate::prepare(std::span<const SokrKernelInfo* const> kernels,
                                         SokrKernel* out) {
  const auto make = [&](std::unique_ptr<substrate::KernelSource> source) -> Result<KernelPointer> {
    SOKR_TRY(check_format(source->format()));
    return make_kernel(source->request(), source->launch(),
                       [](const auto&) { return Result<void>(); });
  };
  return substrate::prepare_all(prepared_, kernels, out,
                                static_cast<unsigned>(arena_.max_concurrency()), make);
}

Result<ReferenceSubstrate::KernelPointer> ReferenceSubstrate::kernel_for(
    const SokrDispatchRequest& request, const LaunchView& launch) {
  if (const auto named = substrate::prepared_kernel(bytes(request.ir_data, request.ir_data_len))) {
    return substrate::launched_kernel(prepared_, *named, launch);
  }
  return make_kernel(request, launch,
                     [&](const auto& reflection) { return judge(request, launch, reflection); });
}

// The kernel that a launch names, from the cache or made now, if `judge` has nothing against it.
template <class Judge>
Result<ReferenceSubstrate::KernelPointer> ReferenceSubstrate::make_kernel(
    const SokrDispatchRequest& request, const LaunchView& launch, const Judge& judge) {
  const auto ir = bytes(request.ir_data, request.ir_data_len);
  const substrate::CompileKey extra = substrate::compile_key(launch);
  const substrate::ContentKey key{request.computation_id, ir, extra};
  if (auto known = kernels_.find(key); known && *known) return *std::move(known);
  // For a launch that is refused nothing is prepared or kept.
  SOKR_TRY(validate(ir));
  const std::vector<SokrIrSpecValue> values = launch.specializations();
  SOKR_ASSIGN(auto module, spirv::decode(ir, {values, launch.local_size()}));
  SOKR_ASSIGN(const spirv::EntryPoint* entry, module->entry_point(launch.entry()));
  Kernel kernel;
  kernel.reflection = spirv::reflect_entry(*module, *entry);
  SOKR_TRY(substrate::check_entry(kernel.reflection, limits()));
  SOKR_TRY(judge(kernel.reflection));
  return kernels_.get(key, [&]() -> Result<KernelPointer> {
    std::uint32_t subgroup = launch.subgroup_size();
    if (subgroup == 0) subgroup = entry->required_subgroup_size;
    if (subgroup == 0) subgroup = kDefaultSubgroupSize;
    SOKR_ASSIGN(kernel.program, reference::prepare(module, *entry, subgroup));
    return std::make_shared<const Kernel>(std::move(kernel));
  });
}

Result<void> ReferenceSubstrate::judge(const SokrDispatchRequest& request, const LaunchView& launch,
                                       const ir::EntryReflection& reflection) {
  SOKR_ASSIGN(const auto resolved,
              substrate::check_launch(launch, reflection, limits(), request.substrate_id));
  Work ignored;
  SOKR_TRY(bind(resolved, ignored));
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i)
    if (tokens_.poll(launch.wait(i)).result == SOKR_NOT_FOUND) return never_issued(launch.wait(i));
  return {};
}

// ---- Launching
// -----------------------------------------------------------------------------------

Result<void> ReferenceSubstrate::bind(const substrate::ResolvedLaunch& resolved, Work& work) {
  for (const auto& binding : resolved.bindings) {
    SOKR_ASSIGN(substrate::HostRange range, memory_.resolve(binding.as_binding()));
    work.descriptors.push_back(
        {binding.set, binding.binding, binding.index, range.data, range.size});
    if (range.owner) work.owners.push_back(std::move(range.owner));
  }
  const auto* push = reinterpret_cast<const std::byte*>(resolved.push.data());
  work.push.assign(push, push + resolved.push.size());
  work.groups = resolved.groups;
  return {};
}

Result<std::uint64_t> ReferenceSubstrate::dispatch(const SokrDispatchRequest& request) {
  SOKR_ASSIGN(const LaunchView launch, LaunchView::parse(request.params, request.params_len));
  auto work = std::make_shared<Work>();
  SOKR_ASSIGN(work->kernel, kernel_for(request, launch));
  SOKR_ASSIGN(const auto resolved, substrate::check_launch(launch, work->kernel->reflection,
                                                           limits(), request.substrate_id));
  SOKR_TRY(bind(resolved, *work));
  work->profile = launch.profile();
  if (launch.is_indirect()) {
    SOKR_ASSIGN(work->indirect, memory_.resolve(launch.indirect(), launch.indirect_offset(),
                                                3 * sizeof(std::uint32_t), "the indirect buffer"));
  }
  return submit(std::move(work), launch);
}

Result<std::uint64_t> ReferenceSubstrate::submit(std::shared_ptr<Work> work,
                                                 const LaunchView& launch) {
  std::vector<std::uint64_t> waits;
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) waits.push_back(launch.wait(i));
  const substrate::InFlightLimit& limit = options_.in_flight;
  if (!tokens_.await_room(limit.most, limit.patience)) return substrate::no_room(limit);
  const std::uint64_t token = work->token = tokens_.begin();
  if (token == 0) return token;
  if (waits.empty()) {
    enqueue(std::move(work));
    return token;
  }
  std::size_t unknown = 0;
  const auto go_on = [this, work](bool failed, std::string sentence) {
    if (failed) {
      tokens_.fail(work->token, std::move(sentence));
    } else {
      enqueue(work);
    }
  };
  if (tokens_.when_all_terminal(waits, go_on, &unknown) == SOKR_OK) return token;
  tokens_.fail(token, "it waits for a token that was never issued");
  return never_issued(waits[unknown]);
}

void ReferenceSubstrate::enqueue(std::shared_ptr<Work> work) {
  const std::uint64_t token = work->token;
  try {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      workers_.emplace(tbb::global_control::max_allowed_parallelism,
                       static_cast<std::size_t>(arena_.max_concurrency()) + 1);
      arena_.initialize();
      started_ = true;
    }
    queue_.push_back(std::move(work));
    ++tasks_;
    try {
      substrate::enqueue<[](ReferenceSubstrate* self) { self->run_next(); }>(arena_, this);
    } catch (...) {
      queue_.pop_back();
      --tasks_;
      throw;
    }
  } catch (const std::exception& error) {
    tokens_.fail(token, fmt::format("the launch could not be started: {}", error.what()));
  }
}

void ReferenceSubstrate::run_next() noexcept {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Work> work = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  execute(*work);
  lock.lock();
  if (--tasks_ == 0) idle_.notify_all();
}

void ReferenceSubstrate::execute(Work& work) noexcept {
  try {
    const auto begin = std::chrono::steady_clock::now();
    Result<void> done = run_work(work);
    const auto spent = std::chrono::steady_clock::now() - begin;
    if (work.profile && done)
      tokens_.record_timing(
          work.token, static_cast<std::uint64_t>(
                          std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count()));
    const std::uint64_t token = work.token;
    work.owners.clear();
    if (done) {
      tokens_.finish(token);
    } else {
      tokens_.fail(token, std::move(done).failure().sentence);
    }
  } catch (...) {
    tokens_.fail(work.token, substrate::failure_from_exception().sentence);
  }
}

Result<void> ReferenceSubstrate::run_work(Work& work) {
  if (work.indirect.data) {
    std::memcpy(work.groups.data(), work.indirect.data, sizeof work.groups);
    SOKR_TRY(substrate::check_group_counts(work.groups, limits()));
  }
  Launch launch;
  launch.groups = work.groups;
  launch.descriptors = work.descriptors;
  launch.push = work.push;
  launch.stop = &stop_;
  launch.out_of_bounds = options_.out_of_bounds;
  launch.valid_address = [this](std::uint64_t address, std::uint64_t size) {
    const substrate::HostRange range = memory_.locate(address);
    if (!range.owner) return false;
    const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(range.data);
    return offset <= range.size && range.size - offset >= size;
  };
  SOKR_ASSIGN(const RunReport report, run(*work.kernel->program, launch));
  if (report.out_of_bounds_reads + report.out_of_bounds_writes > 0 &&
      options_.out_of_bounds == OutOfBounds::kReport)
    host_.log_warning("{} reads and {} writes were out of bounds; the first: {}",
                      report.out_of_bounds_reads, report.out_of_bounds_writes,
                      report.first_out_of_bounds);
  return {};
}

}  // namespace sokr::reference
