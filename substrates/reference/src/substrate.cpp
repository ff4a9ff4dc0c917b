// SPDX-License-Identifier: MIT OR Apache-2.0
#include "substrate.hpp"

#include <oneapi/tbb/info.h>
#include <unistd.h>

#include <algorithm>
#include <sokr/spirv/allowed.hpp>
#include <sokr/substrate/compile_span.hpp>
#include <sokr/substrate/run_and_end.hpp>
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
      launches_({limits(), UINT64_MAX, substrate::Bounds::kRobust, options.in_flight}),
      checked_({kAnswerBytes}),
      kernels_({options.kernel_bytes},
               [](const Kernel& kernel) { return kernel.program->memory(); }),
      arena_(static_cast<int>(options.threads ? options.threads : default_threads()), 0) {}

void ReferenceSubstrate::stop(void* work) {
  static_cast<Work*>(work)->stop.store(true, std::memory_order_relaxed);
}

ReferenceSubstrate::~ReferenceSubstrate() {
  tokens().abandon_all(substrate::kRetiredSentence, stop);
  tokens().wait_idle();
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

Result<ReferenceSubstrate::KernelPointer> ReferenceSubstrate::Backend::kernel_of(
    const SokrDispatchRequest& request, const LaunchView& launch,
    const substrate::LaunchMemory& memory) const {
  if (const auto named = substrate::prepared_kernel(bytes(request.ir_data, request.ir_data_len))) {
    return substrate::launched_kernel(self->prepared_, *named, launch);
  }
  return self->make_kernel(request, launch, [&](const auto& reflection) {
    return self->launches_.judge(request, launch, memory, reflection);
  });
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
    const substrate::CompileSpan traced(host_, "reference");
    SOKR_ASSIGN(kernel.program, reference::prepare(module, *entry, subgroup));
    return std::make_shared<const Kernel>(std::move(kernel));
  });
}

// ---- Launching ---------------------------------------------------------------------------------

std::shared_ptr<ReferenceSubstrate::Work> ReferenceSubstrate::Backend::make(
    KernelPointer kernel, Bound& bound,
    std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
    const substrate::AcceptedLaunch& launch, bool profile) {
  auto work = std::make_shared<Work>();
  work->profile = profile;
  work->kernel = std::move(kernel);
  work->base_groups = launch.base_groups;
  work->descriptors = std::move(bound);
  work->owners = std::move(owners);
  const auto* push = reinterpret_cast<const std::byte*>(launch.push.data());
  work->push.assign(push, push + launch.push.size());
  return work;
}

void ReferenceSubstrate::enqueue(std::shared_ptr<Work> work) {
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
  substrate::run_and_end(tokens(), work.token, work.profile, [&] {
    Result<void> done = run_work(work);
    work.owners.clear();
    return done;
  });
}

Result<void> ReferenceSubstrate::run_work(Work& work) {
  Launch launch;
  launch.groups = work.groups;
  launch.base_groups = work.base_groups;
  launch.descriptors = work.descriptors;
  launch.push = work.push;
  launch.stop = &work.stop;
  launch.out_of_bounds = options_.out_of_bounds;
  launch.valid_address = [this](std::uint64_t address, std::uint64_t size) {
    const substrate::HostRange range = launches_.memory().locate(address);
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
