// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/kernel_store.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <chrono>
#include <sokr/spirv/allowed.hpp>
#include <sokr/substrate/launch_check.hpp>

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using substrate::ContentKey;

double milliseconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

// Everything of this processor that code generation looks at.
std::string processor() {
  std::string text;
#if defined(__x86_64__)
  constexpr struct {
    unsigned leaf, sub;
  } kLeaves[] = {{0, 0}, {1, 0}, {7, 0}, {7, 1}, {0x80000001u, 0}};
  for (auto [leaf, sub] : kLeaves) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    __get_cpuid_count(leaf, sub, &a, &b, &c, &d);
    // Leaf 1 holds the number of the core that answers in the upper byte of b.
    if (leaf == 1) b &= 0x00ffffffu;
    text += fmt::format("{:x}.{:x}.{:x}.{:x}-", a, b, c, d);
  }
#elif defined(__aarch64__)
  text = fmt::format("{:x}.{:x}", ::getauxval(AT_HWCAP), ::getauxval(AT_HWCAP2));
#else
#error "what of this processor does code generation look at? Kernels on disk are kept by it"
#endif
  return text;
}

// Another build of the compiler makes other code.
std::string identity(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return "none";
  return fmt::format("{}-{}-{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

void append(std::vector<std::uint8_t>& key, std::span<const std::uint8_t> bytes) {
  std::uint64_t size = bytes.size();
  auto* raw = reinterpret_cast<const std::uint8_t*>(&size);
  key.insert(key.end(), raw, raw + sizeof size);
  key.insert(key.end(), bytes.begin(), bytes.end());
}

// Answers about modules whose kernels may never be launched: the modules themselves, mostly.
constexpr std::size_t kAnswerBytes = std::size_t{64} << 20;

// A first version is made for memory that overlaps, and used for all: over the kernels of two
// programs (36, 115,000 LLVM instructions) code for memory that does not is as large, to the
// instruction.
constexpr bool kDraftOverlaps = true;
// Of first versions, for launches with other memory: those of a graph come soon, and a large one
// has 150 KB.
constexpr std::size_t kDraftBytes = std::size_t{16} << 20;

// Of what is kept for a kernel; its reflection's tables are small beside the least page of code.
// Beside a first version there may soon be the full one, which is about as large.
std::size_t memory_of(const LoadedKernel& kernel) {
  return kernel.code_size * (kernel.want_better ? 2 : 1) + sizeof kernel + 2 * 4096;
}

// What decides the code besides the IR.
substrate::CompileKey key_of(const substrate::LaunchView& launch, const MemoryTraits& memory) {
  substrate::CompileKey key = substrate::compile_key(launch);
  if (memory.aliased) key.push_back('A');
  if (memory.size_shift != 0) {
    key.push_back('S');
    key.push_back(memory.size_shift);
  }
  return key;
}

Result<void> check_format(std::uint32_t format) {
  if (format == SOKR_IR_SPIRV) return {};
  return fail(SOKR_CAPABILITY_DENIED, "the cpu substrate reads SPIR-V, not IR format 0x{:08x}",
              format);
}

Result<KernelStore::KernelPointer> as_pointer(Result<std::shared_ptr<LoadedKernel>> kernel) {
  if (!kernel) return std::move(kernel).failure();
  return KernelStore::KernelPointer(*std::move(kernel));
}

const char* version_name(const CompileOptions& options) {
  return options.effort == Effort::kDraft ? "a first version of " : "";
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

KernelStore::KernelStore(substrate::Host host, KernelStoreOptions options,
                         const SokrComputeLimits& limits)
    : host_(host),
      trace_(host),
      options_(std::move(options)),
      limits_(limits),
      kernels_({options_.kernel_bytes}, memory_of),
      drafts_({kDraftBytes}, [](const Draft& draft) { return draft.kernel.image.size(); }),
      accepted_({kAnswerBytes}),
      valid_({kAnswerBytes}),
      disk_({options_.cache_folder}),
      improver_(options_.compiler_threads, options_.ahead_threads) {
  fingerprint_ = fmt::format("{} {} {} {}robust {} {}", SOKR_CPU_BUILD_VERSION,
                             identity(options_.compiler_library), isa_name(options_.isa),
                             options_.robust ? "" : "not ", processor(),
                             static_cast<int>(options_.strictness));
}

namespace {

constexpr std::pair<const char*, Tier> kTiers[] = {
    {"auto", Tier::kAuto}, {"quick", Tier::kQuick}, {"full", Tier::kFull}};

}  // namespace

Result<Tier> tier_from_name(std::string_view name) {
  if (name.empty()) return Tier::kAuto;
  for (const auto& [known, tier] : kTiers)
    if (name == known) return tier;
  return fail(SOKR_INVALID_INPUT, "'{}' is no tier; there are auto, quick and full", name);
}

const char* tier_name(Tier tier) {
  for (const auto& [name, known] : kTiers)
    if (known == tier) return name;
  return "";
}

const LoadedKernel* PreparedKernel::keep(const MemoryTraits& memory,
                                         const std::shared_ptr<const LoadedKernel>& kernel) {
  std::lock_guard lock(mutex_);
  if (const LoadedKernel* other = find(memory)) return other;
  kept_.push_back(kernel);
  ready_.at(place(memory)).store(kernel.get(), std::memory_order_release);
  return kernel.get();
}

Result<void> KernelStore::capability(const SokrCapabilityQuery& query) {
  SOKR_TRY(check_format(query.ir_format));
  ContentKey key{query.computation_id, {query.ir_data, query.ir_data_len}, {}};
  auto accepted = accepted_.get(key, [&]() -> Result<std::shared_ptr<const Accepted>> {
    SOKR_TRY(accept(query));
    return std::make_shared<const Accepted>();
  });
  if (!accepted) return std::move(accepted).failure();
  return {};
}

Result<void> KernelStore::accept(const SokrCapabilityQuery& query) {
  std::span ir(query.ir_data, query.ir_data_len);
  std::vector<std::uint8_t> key = disk_key('A', ir, {}, false);
  if (disk_.load(key)) return {};
  SOKR_TRY(validate(ir));
  SOKR_ASSIGN(std::shared_ptr<const spirv::Module> module, spirv::decode(ir, {.any_values = true}));
  if (module->entry_points().empty())
    return fail(SOKR_CAPABILITY_DENIED, "the module has no GLCompute entry point");
  for (const spirv::EntryPoint& entry : module->entry_points()) {
    SOKR_TRY(check(*module, entry, compile_options(nullptr, {})));
    Result<void> fits = substrate::check_entry(spirv::reflect_entry(*module, entry), limits_);
    if (!fits) return Failure{SOKR_CAPABILITY_DENIED, fits.failure().sentence};
  }
  disk_.store(key, {});
  return {};
}

Result<void> KernelStore::validate(std::span<const std::uint8_t> ir) {
  auto valid = valid_.get({{}, ir, {}}, [&]() -> Result<std::shared_ptr<const Accepted>> {
    SOKR_TRY(spirv::check_allowed(ir));
    std::string remark;
    SOKR_TRY(spirv::validate(ir, {options_.strictness, &remark}));
    if (!remark.empty()) host_.log_info("cpu: a strict reading refuses the kernel: {}", remark);
    return std::make_shared<const Accepted>();
  });
  if (!valid) return std::move(valid).failure();
  return {};
}

KernelStore::KernelPointer KernelStore::find(const SokrDispatchRequest& request,
                                             const substrate::LaunchView& launch,
                                             const MemoryTraits& memory) {
  auto known = kernels_.find(
      {request.computation_id, {request.ir_data, request.ir_data_len}, key_of(launch, memory)});
  return known && *known ? **std::move(known) : nullptr;
}

Result<KernelStore::KernelPointer> KernelStore::make(const SokrDispatchRequest& request,
                                                     const substrate::LaunchView& launch,
                                                     const MemoryTraits& memory, const Judge& judge,
                                                     const std::atomic<bool>* cancelled) {
  std::span ir(request.ir_data, request.ir_data_len);
  SOKR_ASSIGN(Decoded decoded, decode(ir, launch));
  SOKR_TRY(judge(decoded.reflection));
  const substrate::CompileKey extra = key_of(launch, memory);
  const ContentKey key{request.computation_id, ir, extra};
  const auto made = [&] { return build(ir, std::move(decoded), launch, extra, memory, cancelled); };
  if (!cancelled) return kernels_.get(key, made);
  return kernels_.get_unless_building(key, made).value_or(KernelPointer());
}

Result<std::shared_ptr<PreparedKernel>> KernelStore::prepare(
    std::unique_ptr<substrate::KernelSource> source) {
  SOKR_TRY(check_format(source->format()));
  auto prepared = std::make_shared<PreparedKernel>(std::move(source));
  // What was launched before comes again with such memory: nothing is compiled for another.
  const substrate::KernelSource& said = prepared->source();
  bool is_known = false;
  for (std::uint8_t shift = 0;; shift += 2) {
    for (const MemoryTraits memory : {MemoryTraits{false, shift}, MemoryTraits{true, shift}}) {
      const KernelPointer kernel = find(said.request(), said.launch(), memory);
      if (!kernel) continue;
      (void)prepared->keep(memory, kernel);
      is_known = true;
    }
    if (most_binding_bytes(shift) >= limits_.max_binding_size) break;
  }
  if (is_known) return prepared;
  const MemoryTraits expected{said.overlaps(), 0};
  When when = said.when();
  if (when != When::kNow) {
    SOKR_ASSIGN(const bool is_left, leave_for_later(*prepared, expected));
    if (!is_left) when = When::kNow;
  }
  SOKR_TRY(make_ready(prepared, expected, when));
  return prepared;
}

Result<KernelStore::KernelPointer> KernelStore::variant(
    const std::shared_ptr<PreparedKernel>& prepared, const MemoryTraits& memory, const Judge& judge,
    const std::atomic<bool>* cancelled) {
  if (const LoadedKernel* kernel = prepared->find(memory)) return KernelPointer(prepared, kernel);
  const substrate::KernelSource& source = prepared->source();
  KernelPointer kernel = find(source.request(), source.launch(), memory);  // of an equal one
  if (kernel) {
    SOKR_TRY(judge(kernel->reflection));
  } else {
    SOKR_ASSIGN(kernel, make(source.request(), source.launch(), memory, judge, cancelled));
    if (!kernel) return KernelPointer();
  }
  return KernelPointer(prepared, prepared->keep(memory, kernel));
}

Result<bool> KernelStore::leave_for_later(const PreparedKernel& prepared,
                                          const MemoryTraits& memory) {
  if (!options_.dump.empty()) return false;
  const substrate::KernelSource& source = prepared.source();
  const auto is_on_disk = [&](char kind, bool overlaps) {
    const MemoryTraits of{overlaps, memory.size_shift};
    return disk_.has(disk_key(kind, source.ir(), key_of(source.launch(), of), overlaps));
  };
  if (is_on_disk('K', memory.aliased)) return false;
  const bool has_draft = is_on_disk('Q', kDraftOverlaps);
  if (has_draft && options_.tier == Tier::kQuick) return false;
  // Programs prepare more kernels than they launch, the same ones in each process.
  const std::vector<std::uint8_t> judged =
      disk_key('J', source.ir(), key_of(source.launch(), {}), false);
  if (disk_.load(judged)) return true;
  SOKR_ASSIGN(const CompilerLibrary* library, compiler());
  if (!library->outlives_exit) return false;
  // What was compiled before was judged, whatever it was launched with.
  if (!has_draft && !is_on_disk('K', !memory.aliased)) {
    SOKR_ASSIGN(const Decoded decoded, decode(source.ir(), source.launch()));
    SOKR_TRY(validate(source.ir()));
    SOKR_TRY(check_wholly(*decoded.module, *decoded.entry, compile_options(&source.launch(), {})));
  }
  disk_.store(judged, {});
  return true;
}

Result<void> KernelStore::make_ready(const std::shared_ptr<PreparedKernel>& prepared,
                                     const MemoryTraits& memory, When when) {
  if (when == When::kLater || prepared->find(memory)) return {};
  if (when == When::kSoon &&
      improver_.put_urgent([this, wanted = std::weak_ptr<PreparedKernel>(prepared),
                            memory](Improver::Turn& turn) { make_ahead(wanted, memory, turn); },
                           prepared->source().ir().size()))
    return {};
  SOKR_TRY(variant(prepared, memory, [](const auto&) { return Result<void>(); }));
  return {};
}

// What fails here is in the log alone: the first launch does it again, and is told. Where another
// thread makes an equal one, or one for other memory, this leaves: the first launch finds that.
void KernelStore::make_ahead(const std::weak_ptr<PreparedKernel>& wanted,
                             const MemoryTraits& memory, Improver::Turn& turn) {
  const std::unique_lock stays(turn, std::try_to_lock);
  if (!stays) return;
  const std::shared_ptr<PreparedKernel> prepared = wanted.lock();
  if (!prepared) return;
  // For other memory the first version is the same one.
  const PreparedKernel::Ahead mine(*prepared);
  if (!mine && options_.tier != Tier::kFull) return;
  const auto made =
      variant(prepared, memory, [](const auto&) { return Result<void>(); }, &turn.cancelled());
  if (!made && !turn.cancelled())
    host_.log_debug("cpu: not compiled ahead: {}", made.failure().sentence);
}

Result<KernelStore::Decoded> KernelStore::decode(std::span<const std::uint8_t> ir,
                                                 const substrate::LaunchView& launch) {
  const std::vector<SokrIrSpecValue> values = launch.specializations();
  Decoded decoded;
  SOKR_ASSIGN(decoded.module, spirv::decode(ir, {values, launch.local_size()}));
  SOKR_ASSIGN(decoded.entry, decoded.module->entry_point(launch.entry()));
  decoded.reflection = spirv::reflect_entry(*decoded.module, *decoded.entry);
  SOKR_TRY(substrate::check_entry(decoded.reflection, limits_));
  return decoded;
}

Result<KernelStore::KernelPointer> KernelStore::build(std::span<const std::uint8_t> ir,
                                                      Decoded decoded,
                                                      const substrate::LaunchView& launch,
                                                      std::span<const std::uint8_t> launch_key,
                                                      const MemoryTraits& memory,
                                                      const std::atomic<bool>* cancelled) {
  Recipe recipe{decoded.module, decoded.entry, compile_options(&launch, memory),
                disk_key('K', ir, launch_key, memory.aliased)};
  recipe.options.cancelled = cancelled;
  if (auto stored = from_disk(recipe.disk_key))
    return as_pointer(load(decoded, *std::move(stored)));
  const bool dumps = !options_.dump.empty();
  if (dumps)
    recipe.options.dump_key = fmt::format("{:016x}", substrate::hash_content({{}, ir, launch_key}));
  if (options_.tier == Tier::kFull || dumps) return full_version(decoded, recipe, ir);
  return first_version(decoded, std::move(recipe), ir, launch);
}

std::optional<CompiledKernel> KernelStore::from_disk(std::span<const std::uint8_t> key) {
  if (!options_.dump.empty()) return std::nullopt;
  const auto stored = disk_.load(key);
  if (!stored) return std::nullopt;
  auto read = CompiledKernel::deserialise(*stored);
  if (!read) return std::nullopt;
  return *std::move(read);
}

Result<CompiledKernel> KernelStore::compile_and_keep(const Recipe& recipe) {
  SOKR_ASSIGN(const CompilerLibrary* library, compiler());
  announce(*recipe.module, *recipe.entry, recipe.options);
  SOKR_ASSIGN(CompiledKernel compiled,
              report(attempt_with(*library, *recipe.module, *recipe.entry, recipe.options),
                     *recipe.entry, recipe.options));
  keep(recipe, compiled);
  return compiled;
}

void KernelStore::keep(const Recipe& recipe, const CompiledKernel& compiled) {
  std::string reason;
  if (!disk_.store(recipe.disk_key, compiled.serialise(), &reason) && !disk_.folder().empty())
    host_.log_debug("cpu: the kernel is not kept on disk: {}", reason);
}

Result<std::shared_ptr<LoadedKernel>> KernelStore::load(const Decoded& decoded,
                                                        CompiledKernel compiled) {
  SOKR_ASSIGN(MappedKernel code, MappedKernel::map(compiled));
  const std::size_t code_size = compiled.image.size();
  compiled.image = {};
  return std::make_shared<LoadedKernel>(
      decoded.reflection, std::move(compiled), std::move(code), code_size,
      decoded.module->function(decoded.entry->function)->has_loop);
}

Result<KernelStore::KernelPointer> KernelStore::full_version(const Decoded& decoded,
                                                             const Recipe& recipe,
                                                             std::span<const std::uint8_t> ir) {
  SOKR_TRY(validate(ir));
  SOKR_ASSIGN(CompiledKernel compiled, compile_and_keep(recipe));
  return as_pointer(load(decoded, std::move(compiled)));
}

// A full version is worth its compilation once the first one has run for half of the time that the
// first one took to compile: by then it will go on, most likely, and others wait for nothing
// meanwhile. What an earlier process left on disk has come again. Where that is small, its full
// version is waited for: a process that ends without taking anything down would leave it unmade,
// and the next would begin it again. Where it is large, it is made beside the first one, and even
// if the substrate goes before it is done; where some processes began with it in vain, the next
// waits for it. None waits for many: the others are made beside their first versions, too, so that
// one more at least is done with each process.
Result<KernelStore::KernelPointer> KernelStore::first_version(const Decoded& decoded, Recipe recipe,
                                                              std::span<const std::uint8_t> ir,
                                                              const substrate::LaunchView& launch) {
  const substrate::CompileKey extra = key_of(launch, {kDraftOverlaps, recipe.options.size_shift});
  const ContentKey key{{}, ir, extra};
  Recipe draft = recipe;
  draft.options.effort = Effort::kDraft;
  draft.options.assume_no_alias = !kDraftOverlaps;
  draft.disk_key = disk_key('Q', ir, extra, kDraftOverlaps);
  if (options_.tier == Tier::kAuto && !drafts_.find(key) && !disk_.has(draft.disk_key)) {
    SOKR_TRY(validate(ir));
    SOKR_ASSIGN(const CompilerLibrary* library, compiler());
    if (!library->outlives_exit) return full_version(decoded, recipe, ir);
  }
  SOKR_ASSIGN(const std::shared_ptr<const Draft> made,
              drafts_.get(key, [&] { return make_draft(draft, ir); }));
  recipe.promised = made->was_on_disk;
  if (made->was_on_disk && options_.tier == Tier::kAuto) {
    std::vector<std::uint8_t> begun = recipe.disk_key;
    begun[0] = 'B';
    const auto note = disk_.load(begun);
    const std::uint8_t times = !note ? 0 : note->empty() ? 1 : note->front();
    const bool is_small = made->kernel.image.size() <= options_.small_draft;
    if ((is_small || times >= options_.most_in_vain) && may_wait()) {
      const Clock::time_point start = Clock::now();
      auto full = full_version(decoded, recipe, ir);
      note_wait(Clock::now() - start);
      return full;
    }
    const auto more = static_cast<std::uint8_t>(std::min(times + 1, 255));
    disk_.store(begun, {&more, 1});
  }
  const std::int64_t left_ns = made->lasts.count();
  SOKR_ASSIGN(std::shared_ptr<LoadedKernel> kernel, load(decoded, made->kernel));
  if (options_.tier == Tier::kQuick) return KernelPointer(std::move(kernel));
  kernel->left_ns.store(left_ns, std::memory_order_relaxed);
  kernel->want_better = [this, weak = std::weak_ptr<const LoadedKernel>(kernel),
                         made_by = std::make_shared<Recipe>(std::move(recipe))] {
    try {
      // By how long it has run, with what it does while this waits for its turn.
      improver_.put([this, weak, made_by](Improver::Turn& turn) { improve(weak, *made_by, turn); },
                    made_by->promised,
                    [weak] {
                      const auto used = weak.lock();
                      return used ? -used->left_ns.load(std::memory_order_relaxed) : 0;
                    });
    } catch (const std::bad_alloc&) {
      // The launch whose thread asks is none the worse for it.
    }
  };
  return KernelPointer(std::move(kernel));
}

bool KernelStore::may_wait() const {
  return waited_ns_.load(std::memory_order_relaxed) < options_.most_wait.count();
}

void KernelStore::note_wait(std::chrono::nanoseconds waited) {
  waited_ns_.fetch_add(waited.count(), std::memory_order_relaxed);
}

Result<std::shared_ptr<const KernelStore::Draft>> KernelStore::make_draft(
    const Recipe& recipe, std::span<const std::uint8_t> ir) {
  Draft draft;
  if (std::optional<CompiledKernel> stored = from_disk(recipe.disk_key)) {
    draft.kernel = *std::move(stored);
    draft.was_on_disk = true;
    return std::make_shared<const Draft>(std::move(draft));
  }
  SOKR_TRY(validate(ir));
  const Clock::time_point start = Clock::now();
  SOKR_ASSIGN(draft.kernel, compile_and_keep(recipe));
  draft.lasts = std::max<std::chrono::nanoseconds>(draft.lasts, (Clock::now() - start) / 2);
  if (options_.first_version_lasts) draft.lasts = *options_.first_version_lasts;
  return std::make_shared<const Draft>(std::move(draft));
}

// Nobody hears of what fails here: the first version goes on being used. While LLVM works this may
// go, see Improver::Turn: what is used then is the recipe's, or the compiler's, which stays.
void KernelStore::improve(const std::weak_ptr<const LoadedKernel>& first, Recipe& recipe,
                          Improver::Turn& turn) {
  std::unique_lock stays(turn, std::try_to_lock);
  if (!stays) return;
  const std::shared_ptr<const LoadedKernel> kernel = first.lock();
  if (!kernel && !recipe.promised) return;
  const Decoded decoded{std::move(recipe.module), recipe.entry,
                        kernel ? kernel->reflection : ir::EntryReflection()};
  recipe.options.cancelled = &turn.cancelled();
  const auto library = compiler();
  if (!library) return;
  announce(*decoded.module, *decoded.entry, recipe.options);
  stays.unlock();
  Attempt attempt = attempt_with(**library, *decoded.module, *decoded.entry, recipe.options);
  if (!stays.try_lock()) return;
  Result<CompiledKernel> compiled = report(std::move(attempt), *decoded.entry, recipe.options);
  if (compiled) keep(recipe, *compiled);
  Result<std::shared_ptr<LoadedKernel>> full =
      compiled ? load(decoded, *std::move(compiled))
               : Result<std::shared_ptr<LoadedKernel>>(std::move(compiled).failure());
  if (!full)
    host_.log_debug("cpu: no full version of {}: {}", decoded.entry->name, full.failure().sentence);
  else if (kernel)
    kernel->take_better(*std::move(full));
}

void KernelStore::announce(const spirv::Module& module, const spirv::EntryPoint& entry,
                           const CompileOptions& options) {
  host_.log_info("cpu: compiling {}entry point {} of a module of {} bytes for {}",
                 version_name(options), entry.name, module.words().size_bytes(),
                 isa_name(options.isa));
}

KernelStore::Attempt KernelStore::attempt_with(const CompilerLibrary& library,
                                               const spirv::Module& module,
                                               const spirv::EntryPoint& entry,
                                               CompileOptions options) {
  std::vector<CompileStage> stages;
  options.on_stage = [&](const CompileStage& stage) { stages.push_back(stage); };
  const Clock::time_point start = Clock::now();
  Result<CompiledKernel> compiled = library.compile(module, entry, options);
  return {std::move(compiled), std::move(stages), start, Clock::now()};
}

Result<CompiledKernel> KernelStore::report(Attempt attempt, const spirv::EntryPoint& entry,
                                           const CompileOptions& options) {
  trace_.add_compilation(attempt.begin, attempt.end);
  std::string stages;
  for (const CompileStage& stage : attempt.stages) {
    host_.log_debug("cpu: {}: {} made {} {} in {:.1f} ms", entry.name, stage.name, stage.size,
                    stage.unit, stage.milliseconds);
    stages +=
        fmt::format("{}{} {:.1f}", stages.empty() ? "" : ", ", stage.name, stage.milliseconds);
  }
  if (attempt.compiled)
    host_.log_info("cpu: compiled {}{} to {} bytes of code in {:.1f} ms ({})",
                   version_name(options), entry.name, attempt.compiled->image.size(),
                   milliseconds_between(attempt.begin, attempt.end), stages);
  return std::move(attempt.compiled);
}

Result<const CompilerLibrary*> KernelStore::compiler() {
  std::lock_guard lock(compiler_mutex_);
  if (compiler_) return compiler_;
  Clock::time_point start = Clock::now();
  const std::string path = options_.compiler_library.string();
  // LLVM's symbols carry its version: another LLVM in this process is no danger.
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    const char* reason = ::dlerror();
    return fail(SOKR_DISPATCH_FAILED, "the compiler of the cpu substrate cannot be loaded: {}",
                reason ? reason : path);
  }
  auto main = reinterpret_cast<CompilerLibraryMain>(::dlsym(handle, kCompilerLibraryMain));
  const CompilerLibrary* library = main ? main() : nullptr;
  if (!library || std::string_view(library->version) != SOKR_CPU_BUILD_VERSION)
    return fail(SOKR_DISPATCH_FAILED,
                "{} is of version {}, this plugin needs version {}; install both together", path,
                library ? library->version : "unknown", SOKR_CPU_BUILD_VERSION);
  host_.log_debug("cpu: opened {} in {:.1f} ms", path, milliseconds_between(start, Clock::now()));
  return compiler_ = library;
}

CompileOptions KernelStore::compile_options(const substrate::LaunchView* launch,
                                            const MemoryTraits& memory) const {
  CompileOptions options;
  options.isa = options_.isa;
  options.robust = options_.robust;
  options.assume_no_alias = !memory.aliased;
  options.size_shift = memory.size_shift;
  options.dump = options_.dump;
  options.subgroup_size = limits_.subgroup_size;
  if (launch && launch->subgroup_size() != 0) options.subgroup_size = launch->subgroup_size();
  return options;
}

std::vector<std::uint8_t> KernelStore::disk_key(char kind, std::span<const std::uint8_t> ir,
                                                std::span<const std::uint8_t> extra,
                                                bool aliased) const {
  std::vector<std::uint8_t> key{static_cast<std::uint8_t>(kind),
                                static_cast<std::uint8_t>(aliased)};
  append(key, as_bytes(fingerprint_));
  append(key, extra);
  append(key, ir);
  return key;
}

}  // namespace sokr::cpu
