// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels ready to run: from memory, from disk, or compiled. Only the last opens the
// compiler's library.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_KERNEL_STORE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_KERNEL_STORE_HPP_

#include <sokr/compute.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/cpu/compiler_library.hpp>
#include <sokr/spirv/reflection.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/disk_cache.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <sokr/substrate/prepared.hpp>
#include <span>
#include <vector>

#include "runtime/improver.hpp"
#include "runtime/piece_trace.hpp"
#include "runtime/runnable.hpp"

namespace sokr::cpu {

struct LoadedKernel : Runnable {
  LoadedKernel(ir::EntryReflection its_reflection, CompiledKernel its_info, MappedKernel its_code,
               std::size_t its_code_size, bool loops)
      : Runnable{its_code.entry(),
                 its_info.scratch_size,
                 its_info.flags,
                 its_reflection.push_constant_size,
                 loops,
                 its_reflection.name},
        reflection(std::move(its_reflection)),
        info(std::move(its_info)),
        code(std::move(its_code)),
        code_size(its_code_size),
        has_runtime_arrays(std::any_of(reflection.bindings.begin(), reflection.bindings.end(),
                                       [](const auto& binding) { return binding.count == 0; })) {}

  // Once, by who made it: from then on it is used in this one's place.
  void take_better(std::shared_ptr<const LoadedKernel> kernel) const {
    full_ = std::move(kernel);
    better.store(full_.get(), std::memory_order_release);
  }

  ir::EntryReflection reflection;
  CompiledKernel info;  // without the image
  MappedKernel code;
  std::size_t code_size;    // bytes, about: of the image that was mapped
  bool has_runtime_arrays;  // of descriptors: see descriptor_table()

 private:
  mutable std::shared_ptr<const LoadedKernel> full_;
};

// Which version of a kernel is used. All give the same results.
enum class Tier : std::uint8_t {
  kAuto,   // first a quick one; the full one in the background once that has run long enough
  kQuick,  // always the quick one
  kFull,   // always the full one: whoever launches waits for it
};
Result<Tier> tier_from_name(std::string_view name);  // "auto", "quick", "full"; empty: auto
const char* tier_name(Tier tier);

// What of the memory that a launch binds decides the code.
struct MemoryTraits {
  bool aliased = false;         // bindings overlap, at least one of which may be written
  std::uint8_t size_shift = 0;  // CompileOptions::size_shift
};

// A kernel that was prepared, with the code for each kind of memory that it has been launched with.
class PreparedKernel {
 public:
  explicit PreparedKernel(std::unique_ptr<const substrate::KernelSource> source)
      : source_(std::move(source)) {}

  const substrate::KernelSource& source() const { return *source_; }
  // Null if there is none yet. It lives as long as this.
  const LoadedKernel* find(const MemoryTraits& memory) const {
    const std::size_t at = place(memory);
    return at < kPlaces ? ready_[at].load(std::memory_order_acquire) : nullptr;
  }
  // Keeps it, and returns what is kept for such memory: another thread may have been first.
  const LoadedKernel* keep(const MemoryTraits& memory,
                           const std::shared_ptr<const LoadedKernel>& kernel);
  // Held by the thread that compiles it ahead; false where another thread does.
  class Ahead {
   public:
    explicit Ahead(const PreparedKernel& kernel)
        : kernel_(kernel.is_ahead_.exchange(true, std::memory_order_acq_rel) ? nullptr : &kernel) {}
    ~Ahead() {
      if (kernel_) kernel_->is_ahead_.store(false, std::memory_order_release);
    }
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;
    explicit operator bool() const { return kernel_ != nullptr; }

   private:
    const PreparedKernel* kernel_;
  };

 private:
  static constexpr std::size_t kPlaces = 32;  // size_shift is even, and of any binding below 32
  static std::size_t place(const MemoryTraits& memory) {
    return memory.size_shift + std::size_t{memory.aliased};
  }

  std::unique_ptr<const substrate::KernelSource> source_;
  std::array<std::atomic<const LoadedKernel*>, kPlaces> ready_{};
  std::mutex mutex_;
  std::vector<std::shared_ptr<const LoadedKernel>> kept_;
  mutable std::atomic<bool> is_ahead_{false};
};

struct KernelStoreOptions {
  Isa isa = Isa::kSse4;
  bool robust = true;
  spirv::Strictness strictness = spirv::Strictness::kRelaxed;
  // SOKR_CPU_DUMP; if not empty, kernels are compiled even if on disk, and fully.
  std::string dump;
  Tier tier = Tier::kFull;
  unsigned compiler_threads = 1;  // that make full versions in the background
  unsigned ahead_threads = 1;     // that compile what will be launched soon
  // For tests: how long a first version runs before the full one is made.
  std::optional<std::chrono::nanoseconds> first_version_lasts;
  // Bytes of a first version whose full one is made in some ten milliseconds.
  std::size_t small_draft = 8192;
  // Processes that began a full version beside the first one, and ended before it was made: the
  // next waits for it.
  std::uint8_t most_in_vain = 3;
  // A process begins no more full versions that it waits for, though it has a first one, once it
  // has waited for so long. Of the 15 kernels of a language model it waited for 4 s in its third
  // process.
  std::chrono::nanoseconds most_wait = std::chrono::milliseconds(50);
  std::filesystem::path cache_folder;
  std::filesystem::path compiler_library;
  std::size_t kernel_bytes = std::size_t{256} << 20;  // of all kernels that are kept in memory
};

// Any thread; concurrent misses of one kernel compile it once.
class KernelStore {
 public:
  KernelStore(substrate::Host host, KernelStoreOptions options, const SokrComputeLimits& limits);

  // May this module run here, with its own specialization? SOKR_INVALID_IR or
  // SOKR_CAPABILITY_DENIED with the reason if not.
  Result<void> capability(const SokrCapabilityQuery& query);

  using KernelPointer = std::shared_ptr<const LoadedKernel>;
  using Judge = std::function<Result<void>(const ir::EntryReflection&)>;

  // The kernel that a launch names, if it was made before; null otherwise.
  KernelPointer find(const SokrDispatchRequest& request, const substrate::LaunchView& launch,
                     const MemoryTraits& memory);
  // The same, or makes it, if `judge` has nothing against the launch: for one that is refused
  // nothing is compiled or kept. Where `cancelled` is given nobody waits for it: it may be set, and
  // the kernel is null if another thread is making it.
  Result<KernelPointer> make(const SokrDispatchRequest& request,
                             const substrate::LaunchView& launch, const MemoryTraits& memory,
                             const Judge& judge, const std::atomic<bool>* cancelled = nullptr);

  // Holds the kernel for memory that it has been launched with before; or where it has not been,
  // for memory that fits 32 bits, and overlaps if that was said. What is not for now, nor on disk,
  // is only judged.
  Result<std::shared_ptr<PreparedKernel>> prepare(std::unique_ptr<substrate::KernelSource> source);
  // Of a prepared kernel, for other memory; made as by make() if there is none.
  Result<KernelPointer> variant(const std::shared_ptr<PreparedKernel>& prepared,
                                const MemoryTraits& memory, const Judge& judge,
                                const std::atomic<bool>* cancelled = nullptr);

  using When = substrate::KernelSource::When;
  // The same for what was prepared for later: it is compiled for such memory now, or by a thread in
  // the background unless a launch is earlier.
  Result<void> make_ready(const std::shared_ptr<PreparedKernel>& prepared,
                          const MemoryTraits& memory, When when);

  // Waits until nothing is compiled ahead, and no better version is being made.
  void await_better() { improver_.drain(); }
  // Of the kernels that are kept.
  substrate::ContentCacheStats stats() { return kernels_.stats(); }
  // What the code does about an access beyond a binding.
  substrate::Bounds bounds() const {
    return options_.robust ? substrate::Bounds::kRobust : substrate::Bounds::kUnchecked;
  }

 private:
  struct Accepted {};
  // A module with a launch's specialization, and the entry point that it names.
  struct Decoded {
    std::shared_ptr<const spirv::Module> module;
    const spirv::EntryPoint* entry = nullptr;
    ir::EntryReflection reflection;
  };

  Result<Decoded> decode(std::span<const std::uint8_t> ir, const substrate::LaunchView& launch);
  Result<KernelPointer> build(std::span<const std::uint8_t> ir, Decoded decoded,
                              const substrate::LaunchView& launch,
                              std::span<const std::uint8_t> launch_key, const MemoryTraits& memory,
                              const std::atomic<bool>* cancelled);
  // True if it was judged; false if it is to be made now, which takes no compiler or cannot be done
  // by another thread.
  Result<bool> leave_for_later(const PreparedKernel& prepared, const MemoryTraits& memory);
  void make_ahead(const std::weak_ptr<PreparedKernel>& wanted, const MemoryTraits& memory,
                  Improver::Turn& turn);
  // How the full version of a kernel is made.
  struct Recipe {
    std::shared_ptr<const spirv::Module> module;
    const spirv::EntryPoint* entry = nullptr;
    CompileOptions options;
    std::vector<std::uint8_t> disk_key;
    bool promised = false;
  };
  // A first version, for launches with whatever memory: see kDraftOverlaps.
  struct Draft {
    CompiledKernel kernel;
    std::chrono::nanoseconds lasts{1};  // how long it runs before the full version is made
    bool was_on_disk = false;
  };
  std::optional<CompiledKernel> from_disk(std::span<const std::uint8_t> key);
  // What the compiler made, and what it says of that.
  struct Attempt {
    Result<CompiledKernel> compiled;
    std::vector<CompileStage> stages;
    std::chrono::steady_clock::time_point begin, end;
  };
  // Says in the log what is to be compiled.
  void announce(const spirv::Module& module, const spirv::EntryPoint& entry,
                const CompileOptions& options);
  // Touches nothing of any store, which may go meanwhile.
  static Attempt attempt_with(const CompilerLibrary& library, const spirv::Module& module,
                              const spirv::EntryPoint& entry, CompileOptions options);
  // By the thread that made it.
  Result<CompiledKernel> report(Attempt attempt, const spirv::EntryPoint& entry,
                                const CompileOptions& options);
  void keep(const Recipe& recipe, const CompiledKernel& compiled);  // on disk
  // Compiles, and keeps the result on disk.
  Result<CompiledKernel> compile_and_keep(const Recipe& recipe);
  Result<std::shared_ptr<LoadedKernel>> load(const Decoded& decoded, CompiledKernel compiled);
  // Compiled now, whatever the tier.
  Result<KernelPointer> full_version(const Decoded& decoded, const Recipe& recipe,
                                     std::span<const std::uint8_t> ir);
  Result<KernelPointer> first_version(const Decoded& decoded, Recipe recipe,
                                      std::span<const std::uint8_t> ir,
                                      const substrate::LaunchView& launch);
  Result<std::shared_ptr<const Draft>> make_draft(const Recipe& recipe,
                                                  std::span<const std::uint8_t> ir);
  // For full versions of what there is a first one of.
  bool may_wait() const;
  void note_wait(std::chrono::nanoseconds waited);
  void improve(const std::weak_ptr<const LoadedKernel>& first, Recipe& recipe,
               Improver::Turn& turn);
  Result<void> accept(const SokrCapabilityQuery& query);
  Result<void> validate(std::span<const std::uint8_t> ir);
  Result<const CompilerLibrary*> compiler();
  CompileOptions compile_options(const substrate::LaunchView* launch,
                                 const MemoryTraits& memory) const;
  std::vector<std::uint8_t> disk_key(char kind, std::span<const std::uint8_t> ir,
                                     std::span<const std::uint8_t> extra, bool aliased) const;

  substrate::Host host_;
  PieceTrace trace_;
  KernelStoreOptions options_;
  SokrComputeLimits limits_;
  std::string fingerprint_;
  substrate::ContentCache<const LoadedKernel> kernels_;
  substrate::ContentCache<const Draft> drafts_;
  substrate::ContentCache<const Accepted> accepted_;
  substrate::ContentCache<const Accepted> valid_;
  substrate::DiskCache disk_;
  std::mutex compiler_mutex_;
  const CompilerLibrary* compiler_ = nullptr;
  std::atomic<std::int64_t> waited_ns_{0};
  Improver improver_;  // the last: what it does needs all others
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_KERNEL_STORE_HPP_
