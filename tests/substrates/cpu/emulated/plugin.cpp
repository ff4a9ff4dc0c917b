// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate `neon`, for tests on other processors than AArch64: what the CPU substrate
// compiles for NEON, run by an emulator. Every suite that takes the name of a substrate can
// run on it. A launch runs inside dispatch, all workgroups on one thread.
#include <dlfcn.h>

#include <memory>
#include <mutex>
#include <sokr/cpu/compiler_library.hpp>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/exporter.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/plugin_description.hpp>

#include "processor.hpp"
#include "runtime/descriptors.hpp"
#include "runtime/substrate.hpp"

namespace sokr::cpu::emulated {
namespace {

using substrate::HostRange;
using substrate::LaunchView;

Result<const CompilerLibrary*> open_compiler() {
  void* handle = ::dlopen(SOKR_TEST_COMPILER, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  auto main = handle ? reinterpret_cast<CompilerLibraryMain>(::dlsym(handle, kCompilerLibraryMain))
                     : nullptr;
  if (!main) return fail(SOKR_DISPATCH_FAILED, "no compiler: {}", ::dlerror());
  return main();
}

class EmulatedSubstrate {
 public:
  Result<std::uint64_t> capability(const SokrCapabilityQuery& query) {
    if (query.ir_format != SOKR_IR_SPIRV)
      return fail(SOKR_CAPABILITY_DENIED, "IR format 0x{:08x} is not SPIR-V", query.ir_format);
    std::span ir(query.ir_data, query.ir_data_len);
    SOKR_TRY(spirv::check_allowed(ir));
    SOKR_TRY(spirv::validate(ir));
    SOKR_ASSIGN(auto module, spirv::decode(ir, {.any_values = true}));
    for (const spirv::EntryPoint& entry : module->entry_points())
      SOKR_TRY(check(*module, entry, options(0)));
    return std::uint64_t{0};
  }

  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request) {
    SOKR_ASSIGN(LaunchView launch, LaunchView::parse(request.params, request.params_len));
    if (launch.wait_count() != 0 || launch.is_indirect())
      return fail(SOKR_INVALID_INPUT,
                  "the emulated processor runs neither launches that wait "
                  "nor indirect ones");
    SOKR_ASSIGN(auto kernel, kernel_for(request, launch));
    SOKR_ASSIGN(auto resolved, substrate::check_launch(launch, kernel->reflection, compute_limits(),
                                                       request.substrate_id));
    if (resolved.empty) return tokens_.issue_complete();
    Bindings descriptors;
    std::vector<HostRange> owners;
    for (const auto& binding : resolved.bindings) {
      SOKR_ASSIGN(HostRange range, memory_.resolve(binding.as_binding()));
      descriptors.push_back({range.data, range.size});
      owners.push_back(std::move(range));
    }
    const Bindings bindings = descriptor_table(kernel->reflection, resolved.first, descriptors);
    std::vector<std::uint8_t> push(resolved.push.begin(), resolved.push.end());
    push.resize((kernel->reflection.push_constant_size + 3u) & ~3u);
    Result<void> done = [&] {
      std::lock_guard lock(processor_mutex_);
      return processor_.run(kernel->code, bindings, push, resolved.groups, resolved.base_groups);
    }();
    if (done) return tokens_.issue_complete();
    std::uint64_t token = tokens_.begin();
    tokens_.fail(token, done.failure().sentence);
    return token;
  }

  substrate::CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns) {
    return tokens_.completion(token, timeout_ns);
  }
  std::string completion_error(std::uint64_t token) { return tokens_.error(token); }
  substrate::HostMemory& memory() { return memory_; }

 private:
  struct Kernel {
    ir::EntryReflection reflection;
    std::vector<std::uint8_t> code;
  };

  static CompileOptions options(std::uint32_t subgroup_size) {
    CompileOptions options;
    options.isa = Isa::kNeon;
    // Whether a launch's memory overlaps is the CPU substrate's business, not looked at here.
    options.assume_no_alias = false;
    if (subgroup_size != 0) options.subgroup_size = subgroup_size;
    return options;
  }

  Result<std::shared_ptr<const Kernel>> kernel_for(const SokrDispatchRequest& request,
                                                   const LaunchView& launch) {
    std::span ir(request.ir_data, request.ir_data_len);
    return kernels_.get(
        {request.computation_id, ir, substrate::compile_key(launch)},
        [&]() -> Result<std::shared_ptr<const Kernel>> {
          const std::vector<SokrIrSpecValue> values = launch.specializations();
          SOKR_ASSIGN(auto module, spirv::decode(ir, {values, launch.local_size()}));
          SOKR_ASSIGN(const spirv::EntryPoint* entry, module->entry_point(launch.entry()));
          static const Result<const CompilerLibrary*> compiler = open_compiler();
          SOKR_ASSIGN(const CompilerLibrary* library, Result(compiler));
          SOKR_ASSIGN(CompiledKernel code,
                      library->compile(*module, *entry, options(launch.subgroup_size())));
          return std::make_shared<const Kernel>(
              Kernel{spirv::reflect_entry(*module, *entry), code.serialise()});
        });
  }

  substrate::ContentCache<const Kernel> kernels_;
  substrate::HostMemory memory_;
  substrate::InFlightTable tokens_;
  std::mutex processor_mutex_;
  Processor processor_{SOKR_TEST_EMULATOR, SOKR_TEST_RUNNER};
};

Result<void> describe(const substrate::Host&, substrate::PluginDescription& plugin) {
  SOKR_ASSIGN(
      auto exported,
      (substrate::Exporter<EmulatedSubstrate, 4>::install(std::make_unique<EmulatedSubstrate>())));
  plugin.add({.name = "neon",
              .description = "the CPU substrate's code for AArch64, in an emulator",
              .kind = SOKR_KIND_CPU,
              .ir_formats = {SOKR_IR_SPIRV},
              .facts = {{"isa", isa_name(Isa::kNeon)}},
              .limits = compute_limits()},
             exported);
  return {};
}

}  // namespace
}  // namespace sokr::cpu::emulated

extern "C" SOKR_PLUGIN_EXPORT const SokrPlugin* sokr_plugin_main(const SokrHostInfo* host) {
  return sokr::substrate::plugin_main(host, "neon", SOKR_CPU_BUILD_VERSION,
                                      sokr::cpu::emulated::describe);
}
