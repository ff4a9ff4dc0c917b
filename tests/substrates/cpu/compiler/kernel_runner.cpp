// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kernel_runner.hpp"

#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <sokr/spirv/reflection.hpp>
#include <spirv-tools/libspirv.hpp>
#include <thread>

#include "compiler/builtins.hpp"
#include "extent.hpp"
#include "runtime/float_mode.hpp"
#if defined(SOKR_TEST_EMULATOR)
#include "processor.hpp"
#endif

namespace sokr::cpu::test {
namespace {

// Memory whose last byte lies before an unmapped page, and its first behind another one
// where the size allows.
class Guarded {
 public:
  explicit Guarded(const Bytes& data) : used_(data.size()) {
    auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::size_t inner = (data.size() + page - 1) / page * page;
    size_ = inner + 2 * page;
    base_ = static_cast<std::uint8_t*>(
        mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (inner) mprotect(base_ + page, inner, PROT_READ | PROT_WRITE);
    // Atomics want aligned addresses; a size that is no multiple of 8 leaves a small gap.
    data_ = base_ + page + (inner - data.size()) / 8 * 8;
    if (!data.empty()) std::memcpy(data_, data.data(), data.size());
  }
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  std::uint8_t* data() { return data_; }
  void copy_to(Bytes& out) const {
    if (used_ != 0) std::memcpy(out.data(), data_, used_);
  }

 private:
  std::uint8_t *base_ = nullptr, *data_ = nullptr;
  std::size_t size_ = 0, used_ = 0;
};

// Sets a flag unless it goes before its time has come.
class Watch {
 public:
  template <class Flag>
  Watch(std::chrono::milliseconds patience, Flag& flag) {
    if (patience.count() == 0) return;
    thread_ = std::thread([this, patience, &flag] {
      std::unique_lock lock(mutex_);
      if (!ended_.wait_for(lock, patience, [this] { return done_; })) flag = true;
    });
  }
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;
};

// All workgroups, on this processor or on an emulated one.
Result<void> execute(const CompiledKernel& kernel, const std::vector<KernelBinding>& bindings,
                     const Bytes& push, const std::array<std::uint32_t, 3>& groups,
                     std::chrono::milliseconds patience) {
#if defined(SOKR_TEST_EMULATOR)
  if (!host_supports(kernel.isa)) {
    static emulated::Processor processor(SOKR_TEST_EMULATOR, SOKR_TEST_RUNNER);
    return processor.run(kernel.serialise(), bindings, push, groups);
  }
#endif
  SOKR_ASSIGN(auto code, MappedKernel::map(kernel));
  std::vector<std::uint8_t> scratch(kernel.scratch_size + kScratchAlignment, 0xA5);
  auto at = reinterpret_cast<std::uintptr_t>(scratch.data());
  auto* aligned =
      reinterpret_cast<void*>((at + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment);
  std::atomic<std::uint32_t> abort{0};
  static_assert(sizeof abort == sizeof(std::uint32_t));
  KernelContext context;
  context.bindings = bindings.data();
  context.push_constants = push.data();
  std::copy(groups.begin(), groups.end(), context.group_count);
  context.abort = reinterpret_cast<const std::uint32_t*>(&abort);
  {
    const Watch watch(patience, abort);
    const FloatMode mode(kernel.flags);
    code.entry()(&context, 0, groups[0] * groups[1] * groups[2], aligned);
  }
  if (abort != 0) return fail(SOKR_DISPATCH_FAILED, "{}", kGivenUp);
  return {};
}

}  // namespace

bool can_run(Isa isa) {
#if defined(SOKR_TEST_EMULATOR)
  if (isa == Isa::kNeon) return true;
#endif
  return host_supports(isa);
}

Result<void> run_kernel(const CompiledKernel& kernel, const std::vector<KernelBinding>& bindings) {
  return execute(kernel, bindings, {}, {1, 1, 1}, {});
}

Bytes assemble(const std::string& text) {
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_3);
  std::string message;
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t& at, const char* what) {
        message = std::to_string(at.line) + ": " + what;
      });
  std::vector<std::uint32_t> words;
  if (!tools.Assemble(text, &words)) throw std::runtime_error(message);
  Bytes bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

Bytes read_shader(const std::string& name) {
  std::ifstream file(fmt::format("{}/{}.spv", SOKR_TEST_SHADERS, name), std::ios::binary);
  if (!file) throw std::runtime_error("no shader " + name);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Result<void> run_compiled(const Bytes& bytes, const CompileOptions& options, TestLaunch& launch,
                          const RunLimits& limits) {
  spirv::DecodeOptions decode;
  decode.local_size = launch.local_size;
  SOKR_ASSIGN(auto module, spirv::decode(bytes, decode));
  SOKR_ASSIGN(const auto* entry, module->entry_point(""));
  // The bytes that a cache would hold; a test that runs a kernel again has no use for a second
  // compilation.
  static std::map<std::pair<Bytes, std::string>, Bytes> cache;
  Bytes& stored =
      cache[{bytes, describe(options) +
                        fmt::format(" without {:#x} effort {} robust {} {} of {}", options.without,
                                    static_cast<int>(options.effort), options.robust,
                                    options.subgroup_size, fmt::join(launch.local_size, " "))}];
  if (stored.empty()) {
    SOKR_ASSIGN(auto compiled, compile(*module, *entry, options));
    stored = compiled.serialise();
  }
  SOKR_ASSIGN(auto kernel, CompiledKernel::deserialise(stored));
  std::vector<std::unique_ptr<Guarded>> memory;
  for (const auto& buffer : launch.buffers)
    memory.push_back(std::make_unique<Guarded>(buffer.data));
  // As the runtime's descriptor_table() has it: the entry of an array without a fixed count says
  // where its elements are.
  const auto reflected = spirv::reflect_entry(*module, *entry).bindings;
  std::vector<KernelBinding> bindings, elements;
  std::uint64_t place = 0;
  for (const auto& binding : reflected) place += std::max(binding.count, 1u);
  for (const auto& binding : reflected) {
    std::uint32_t count = binding.count;
    for (const auto& buffer : launch.buffers)
      if (binding.count == 0 && buffer.set == binding.set && buffer.binding == binding.binding)
        count = std::max(count, buffer.index + 1);
    if (binding.count == 0)
      bindings.push_back({nullptr, std::uint64_t{count} << 32 | (place + elements.size())});
    for (std::uint32_t i = 0; i < count; ++i) {
      KernelBinding one;
      for (std::size_t k = 0; k < launch.buffers.size(); ++k) {
        const auto& buffer = launch.buffers[k];
        if (buffer.set == binding.set && buffer.binding == binding.binding && buffer.index == i)
          one = {memory[k]->data(), buffer.data.size()};
      }
      (binding.count == 0 ? elements : bindings).push_back(one);
    }
  }
  bindings.insert(bindings.end(), elements.begin(), elements.end());
  Bytes push = launch.push;
  push.resize(std::max<std::size_t>(push.size(), kernel.push_constant_size));
  SOKR_TRY(execute(kernel, bindings, push, launch.groups, limits.patience));
  for (std::size_t k = 0; k < memory.size(); ++k) memory[k]->copy_to(launch.buffers[k].data);
  return {};
}

Result<void> run_reference(const Bytes& bytes, TestLaunch& launch, std::uint32_t subgroup_size,
                           const RunLimits& limits) {
  spirv::DecodeOptions decode;
  decode.local_size = launch.local_size;
  SOKR_ASSIGN(auto module, spirv::decode(bytes, decode));
  SOKR_ASSIGN(const auto* entry, module->entry_point(""));
  SOKR_ASSIGN(auto program, reference::prepare(module, *entry, subgroup_size));
  std::vector<reference::Descriptor> descriptors;
  for (auto& buffer : launch.buffers)
    descriptors.push_back(
        {buffer.set, buffer.binding, buffer.index, buffer.data.data(), buffer.data.size()});
  reference::Launch run;
  run.groups = launch.groups;
  run.descriptors = descriptors;
  run.push = std::as_bytes(std::span(launch.push));
  std::atomic<bool> stop{false};
  run.stop = &stop;
  run.observer = limits.observer;
  const auto done = [&] {
    const Watch watch(limits.patience, stop);
    return reference::run(*program, run);
  }();
  if (stop) return fail(SOKR_DISPATCH_FAILED, "{}", kGivenUp);
  SOKR_TRY(done);
  return {};
}

namespace {

CompileOptions with_interleave(Isa isa, std::uint32_t interleave) {
  CompileOptions options;
  options.isa = isa;
  options.interleave = interleave;
  options.poison_inactive = interleave == 4;
  return options;
}

CompileOptions in_scalar_mode(Isa isa) {
  CompileOptions options;
  options.isa = isa;
  options.scalar_mode = true;
  return options;
}

}  // namespace

// AVX2 in every way, and the others as they are by default and with garbage in inactive lanes.
// AddressSanitizer sees the compiler, not what the compiler makes: one width reaches the same code.
// What compiles in scalar mode is reached by the random programs.
std::vector<CompileOptions> all_options() {
  using differential::Extent;
  const Extent extent = differential::extent();
  if (extent == Extent::kLess) {
    // What a sanitizer sees is the same of a hardly optimised kernel but for the passes over LLVM's
    // functions, and LLVM takes most of the time: every fourth one has them.
    static std::atomic<unsigned> turn = 0;
    CompileOptions one = with_interleave(Isa::kAvx2, 4);
    if (turn++ % 4 != 0) one.effort = Effort::kQuick;
    return {one};
  }
  std::vector<CompileOptions> all;
  for (const Isa isa : kIsas) {
    if (!can_run(isa)) continue;
    all.push_back(with_interleave(isa, 0));
    all.push_back(with_interleave(isa, 4));
    if (isa != Isa::kAvx2 && extent != Extent::kAll) continue;
    all.push_back(with_interleave(isa, 1));
    all.push_back(in_scalar_mode(isa));
  }
  return all;
}

std::string describe(const CompileOptions& options) {
  return fmt::format("{} interleave {}{}{}{}", isa_name(options.isa), options.interleave,
                     options.scalar_mode ? " scalar" : "",
                     options.poison_inactive ? " poisoned" : "",
                     options.builtins ? " with builtins" : "");
}

const Builtins& builtins_of_test(Isa isa) {
  struct Kept {
    std::vector<std::uint8_t> object;
    Builtins builtins;
  };
  static std::mutex mutex;
  static std::map<Isa, Kept> all;
  std::lock_guard lock(mutex);
  Kept& kept = all[isa];
  if (!kept.object.empty()) return kept.builtins;
  kept.object = *compile_builtins(isa);
  kept.builtins = *Builtins::read(kept.object);
  return kept.builtins;
}

}  // namespace sokr::cpu::test
