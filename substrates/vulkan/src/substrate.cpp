// SPDX-License-Identifier: MIT OR Apache-2.0
#include "substrate.hpp"

#include <algorithm>
#include <sokr/spirv/allowed.hpp>
#include <sokr/substrate/retire_grace.hpp>
#include <thread>

#include "requirements.hpp"

namespace sokr::vulkan {
namespace {

using substrate::CompletionAnswer;

// Of the decoded modules that are kept. A decoded one takes about so much more than its bytes.
constexpr std::size_t kModuleBytes = std::size_t{128} << 20;
constexpr std::size_t kDecodedBytesPerByte = 16;

}  // namespace

substrate::DiskCacheOptions disk_options(const Options& options) {
  substrate::DiskCacheOptions disk;
  if (options.cache_bytes == 0) return disk;
  disk.folder = substrate::DiskCache::default_folder("vulkan");
  disk.max_bytes = disk.max_value_bytes = options.cache_bytes;
  return disk;
}

VulkanSubstrate::VulkanSubstrate(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
                                 const substrate::Host& host, const Options& options,
                                 std::string name)
    : instance_(std::move(instance)),
      physical_(physical),
      disk_(disk_options(options)),
      modules_({kModuleBytes}, [](const spirv::Module& module) {
        return module.words().size_bytes() * kDecodedBytesPerByte;
      }) {
  context_.name = std::move(name);
  context_.host = host;
  context_.options = options;
  context_.in_flight = &in_flight_;
  context_.disk = &disk_;
  context_.next_buffer = &next_buffer_;
  context_.released = &released_;
}

VulkanSubstrate::~VulkanSubstrate() {
  session_.reset();
  in_flight_.abandon_all(substrate::kRetiredSentence);
}

void VulkanSubstrate::retire() noexcept {
  if (const std::shared_ptr<Session> session = current_session()) session->flush();
  if (in_flight_.await_idle(substrate::kRetireGrace)) return;
  if (const std::shared_ptr<Session> session = current_session()) session->let_go();
  in_flight_.abandon_all(substrate::kRetiredSentence);
}

void VulkanSubstrate::process_ends() {
  if (const std::shared_ptr<Session> session = current_session()) session->store_pipelines();
}

void VulkanSubstrate::statistics(substrate::StatisticList& list) {
  const std::shared_ptr<Session> current = current_session();
  list.total("launches", in_flight_.issued());
  list.level("in_flight", in_flight_.active());
  list.kernels(current ? current->pipelines() : substrate::ContentCacheStats{});
  list.level("kernels_prepared", prepared_.count());
  list.level("buffers", current ? current->buffers().count() : 0);
}

std::shared_ptr<Session> VulkanSubstrate::current_session() {
  std::lock_guard lock(session_mutex_);
  return session_;
}

Result<std::shared_ptr<Session>> VulkanSubstrate::session() {
  if (std::shared_ptr<Session> current = current_session(); current && !current->device().is_lost())
    return current;
  const substrate::InFlightTable::HeldCallbacks held;  // they may dispatch
  std::shared_ptr<Session> lost;                       // goes after the lock
  std::lock_guard lock(session_mutex_);
  if (session_ && !session_->device().is_lost()) return session_;
  if (session_) {
    context_.host.log_warning("vulkan: {} is made anew: {}", physical_.name(),
                              session_->device().loss().sentence);
    session_->abandon();
    lost = std::move(session_);
    session_.reset();
  }
  SOKR_ASSIGN(session_, Session::create(physical_, context_));
  return session_;
}

Result<std::shared_ptr<const spirv::Module>> VulkanSubstrate::make_module(
    std::span<const std::uint8_t> ir) const {
  SOKR_TRY(spirv::check_allowed(ir));
  std::string remark;
  SOKR_TRY(spirv::validate(ir, {context_.options.strictness, &remark}));
  if (!remark.empty())
    context_.host.log_info("vulkan: a strict reading refuses the kernel: {}", remark);
  SOKR_ASSIGN(std::shared_ptr<const spirv::Module> module, spirv::decode(ir, {.any_values = true}));
  SOKR_TRY(check_capability(*module, physical_));
  return module;
}

Result<void> VulkanSubstrate::check_format(std::uint32_t format) {
  if (format == SOKR_IR_SPIRV) return {};
  return fail(SOKR_CAPABILITY_DENIED,
              "IR format 0x{:08X} is not SPIR-V, the only one that this substrate takes", format);
}

Result<std::uint64_t> VulkanSubstrate::capability(const SokrCapabilityQuery& query) {
  const std::span ir(query.ir_data, query.ir_data_len);
  if (query.ir_format == SOKR_IR_PREPARED) {
    SOKR_TRY(substrate::check_prepared(prepared_, query));
    return std::uint64_t{0};
  }
  SOKR_TRY(check_format(query.ir_format));
  SOKR_TRY(modules_.get({query.computation_id, ir, {}}, [&] { return make_module(ir); }));
  return std::uint64_t{0};
}

// The decoded module of a kernel; kept where it is handed over again.
Result<Session::ModulePointer> VulkanSubstrate::module_of(const SokrDispatchRequest& kernel,
                                                          Session::ModulePointer keep) {
  const std::span ir(kernel.ir_data, kernel.ir_data_len);
  const substrate::ContentKey key{kernel.computation_id, ir, {}};
  if (keep) return modules_.get(key, [&]() -> Result<Session::ModulePointer> { return keep; });
  if (auto known = modules_.find(key)) return *std::move(known);
  return make_module(ir);
}

Result<VulkanSubstrate::Source> VulkanSubstrate::prepare_one(Source source) {
  SOKR_TRY(check_format(source->format()));
  SOKR_ASSIGN(std::shared_ptr<Session> current, session());
  const Session::Wanted wanted{source->request(), &source->launch(), source->serial(), 0};
  SOKR_TRY(current->prepare(wanted, [&](Session::ModulePointer keep) {
    return module_of(wanted.kernel, std::move(keep));
  }));
  return source;
}

Result<void> VulkanSubstrate::prepare(std::span<const SokrKernelInfo* const> kernels,
                                      SokrKernel* out) {
  return substrate::prepare_all(prepared_, kernels, out, std::thread::hardware_concurrency(),
                                [&](auto source) { return prepare_one(std::move(source)); });
}

Result<void> VulkanSubstrate::release(SokrKernel kernel) {
  const Source source = prepared_.find(kernel);
  SOKR_TRY(prepared_.release(kernel));
  released_.fetch_add(1);
  if (const std::shared_ptr<Session> current = current_session(); current && source)
    current->unpin(source->serial());
  return {};
}

// What was said of the kernel that a launch names by its handle; null if it brings its IR.
Result<VulkanSubstrate::Source> VulkanSubstrate::source_of(std::optional<SokrKernel> named,
                                                           const substrate::LaunchView& launch) {
  if (!named) return Source();
  return substrate::launched_kernel(prepared_, *named, launch);
}

Result<std::uint64_t> VulkanSubstrate::dispatch(const SokrDispatchRequest& request) {
  if (const std::shared_ptr<Session> session = current_session())
    if (auto token = session->dispatch_again(request)) return *std::move(token);
  SOKR_ASSIGN(const substrate::LaunchView launch,
              substrate::LaunchView::parse(request.params, request.params_len));
  SOKR_ASSIGN(std::shared_ptr<Session> current, session());
  const std::uint64_t released = released_.load();
  const auto named = substrate::prepared_kernel({request.ir_data, request.ir_data_len});
  SOKR_ASSIGN(const Source source, source_of(named, launch));
  const Session::Wanted wanted =
      source ? Session::Wanted{source->request(), &source->launch(), source->serial(), released}
             : Session::Wanted{request, &launch, 0, 0};
  Result<std::uint64_t> token = current->dispatch(
      request, wanted, launch,
      [&](Session::ModulePointer keep) { return module_of(wanted.kernel, std::move(keep)); });
  // It may have been released, and unpinned, before this one pinned it.
  if (named && !prepared_.find(*named)) current->unpin(source->serial());
  return token;
}

CompletionAnswer VulkanSubstrate::completion(std::uint64_t token, std::uint64_t timeout_ns) {
  // Most who wait do so without end, and what they wait for ends by their own doing: nothing is
  // asked again of what is known then.
  if (timeout_ns == UINT64_MAX) {
    const auto launch = in_flight_.find_as<Session::Launch>(token);
    const std::shared_ptr<Session> current = launch ? current_session() : nullptr;
    if (current && current->bring_to_end(launch)) return {SOKR_OK, SOKR_COMPLETION_COMPLETE};
  }
  return in_flight_.completion_with_help<Session::Launch>(
      token, timeout_ns, [this](const auto& launch, std::uint64_t left_ns) {
        const std::shared_ptr<Session> current = current_session();
        return current && launch ? current->help(launch, left_ns) : left_ns;
      });
}

Result<SokrBuffer> VulkanSubstrate::Memory::create(std::uint64_t size, std::uint32_t flags) {
  SOKR_ASSIGN(auto current, substrate_.session());
  return current->buffers().create(size, flags);
}

Result<SokrBuffer> VulkanSubstrate::Memory::import_host(void* memory, std::uint64_t size) {
  SOKR_ASSIGN(auto current, substrate_.session());
  return current->buffers().import_host(memory, size);
}

Result<void> VulkanSubstrate::Memory::free(SokrBuffer buffer) {
  SOKR_ASSIGN(auto current, substrate_.session());
  current->flush();
  return current->buffers().free(buffer);
}

Result<void> VulkanSubstrate::Memory::write(SokrBuffer buffer, std::uint64_t offset,
                                            const void* from, std::uint64_t size) {
  SOKR_ASSIGN(auto current, substrate_.session());
  current->flush();
  return current->buffers().write(buffer, offset, from, size);
}

Result<void> VulkanSubstrate::Memory::read(SokrBuffer buffer, std::uint64_t offset, void* to,
                                           std::uint64_t size) {
  SOKR_ASSIGN(auto current, substrate_.session());
  current->flush();
  return current->buffers().read(buffer, offset, to, size);
}

Result<void*> VulkanSubstrate::Memory::map(SokrBuffer buffer) {
  SOKR_ASSIGN(auto current, substrate_.session());
  return current->buffers().map(buffer);
}

Result<std::uint64_t> VulkanSubstrate::Memory::address(SokrBuffer buffer) {
  SOKR_ASSIGN(auto current, substrate_.session());
  return current->buffers().address(buffer);
}

Result<void> VulkanSubstrate::Memory::copy(SokrBuffer from, std::uint64_t from_offset,
                                           SokrBuffer to, std::uint64_t to_offset,
                                           std::uint64_t size) {
  SOKR_ASSIGN(auto session, substrate_.session());
  session->flush();
  return session->buffers().copy(from, from_offset, to, to_offset, size);
}

}  // namespace sokr::vulkan
