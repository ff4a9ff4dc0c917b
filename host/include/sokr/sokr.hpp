// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/sokr.hpp - SOKR for C++20.
//
//     sokr::Context context;                              // finds the plugins
//     sokr::Kernel kernel = context.kernel(sokr::read_file("saxpy.spv"));
//     sokr::Substrate substrate = context.choose(kernel);  // GPU if there is one, else CPU
//
//     std::vector<float> x(n, 1.0f), y(n, 2.0f);
//     sokr::Launch launch;
//     launch.threads(n).bind(0, 0, sokr::read(x)).bind(0, 1, sokr::read_write(y));
//     launch.push(n).push(2.0f);                           // a u32 and a float, as in the kernel
//     substrate.dispatch(kernel, launch).wait();           // throws sokr::Error if it failed
//
// Memory is bound in place: `x` and `y` are what the kernel reads and writes, so
// they stay alive and untouched until the completion is terminal.
//
// Errors are sokr::Error: a result code and one sentence that says what was wrong, where, and what
// would be right. Everything here may be used from any thread; a single object is used by one
// thread at a time unless it says otherwise. Context outlives everything that came from it.
#ifndef SOKR_SOKR_HPP_
#define SOKR_SOKR_HPP_

#include <sokr/compute.h>
#include <sokr/ir.h>
#include <sokr/sokr.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__GNUC__)
#define SOKR_HOST_API __attribute__((visibility("default")))
#else
#define SOKR_HOST_API
#endif

namespace sokr {

// What every failure here throws.
class SOKR_HOST_API Error : public std::runtime_error {
 public:
  Error(SokrResult code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  SokrResult code() const noexcept { return code_; }

 private:
  SokrResult code_;
};

class Context;
class Substrate;
class Kernel;
class Buffer;
namespace host {
struct KernelAccess;
}

// The whole file. Throws if it cannot be read.
SOKR_HOST_API std::vector<std::byte> read_file(const std::filesystem::path& path);

// "u32"; "unknown" for what is no SokrIrScalar.
SOKR_HOST_API const char* scalar_name(std::uint32_t type);

// What a kernel calls an arithmetic or enumeration type; empty for any other type. A bool is
// the u32 that shaders make of it.
template <class T>
constexpr std::optional<SokrIrScalar> scalar_type() {
  if constexpr (std::is_enum_v<T>) {
    return scalar_type<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return SOKR_IR_U32;
  } else if constexpr (std::is_arithmetic_v<T>) {
    static_assert(sizeof(T) <= 8, "no kernel has so wide a number");
    constexpr int column = std::is_floating_point_v<T> ? 2 : std::is_signed_v<T> ? 0 : 1;
    constexpr SokrIrScalar rows[4][3] = {{SOKR_IR_I8, SOKR_IR_U8, SOKR_IR_U8},
                                         {SOKR_IR_I16, SOKR_IR_U16, SOKR_IR_F16},
                                         {SOKR_IR_I32, SOKR_IR_U32, SOKR_IR_F32},
                                         {SOKR_IR_I64, SOKR_IR_U64, SOKR_IR_F64}};
    return rows[sizeof(T) == 8 ? 3 : sizeof(T) / 2][column];
  } else {
    return std::nullopt;
  }
}

// ---- What to bind ---------------------------------------------------------------

// One descriptor: a range of host memory or of a Buffer. The default binds nothing:
// reads give 0, writes are dropped.
struct View {
  std::uint64_t resource = 0;
  std::uint64_t offset = 0, size = 0;  // bytes
  SokrBindingKind kind = SOKR_BINDING_NULL;
  SokrAccess access = SOKR_ACCESS_READ_WRITE;
  // The substrate whose handle `resource` is, which Buffer::view fills in: a dispatch to another
  // one is refused. Null: of host memory, or not known, and not compared.
  const SokrSubstrateInfo* owner = nullptr;
};

// Contiguous host memory of trivially copyable elements, bound in place.
template <class Range>
View read(const Range& range) {
  auto bytes = std::as_bytes(std::span(range));
  return {reinterpret_cast<std::uintptr_t>(bytes.data()), 0, bytes.size(), SOKR_BINDING_HOST,
          SOKR_ACCESS_READ};
}
template <class Range>
View write(Range& range) {
  auto bytes = std::as_writable_bytes(std::span(range));
  return {reinterpret_cast<std::uintptr_t>(bytes.data()), 0, bytes.size(), SOKR_BINDING_HOST,
          SOKR_ACCESS_WRITE};
}
template <class Range>
View read_write(Range& range) {
  View view = write(range);
  view.access = SOKR_ACCESS_READ_WRITE;
  return view;
}

// ---- What to launch ----------------------------------------------------------------

// Describes one dispatch. Every setter returns *this. May be changed and dispatched
// again at any time: a dispatch takes what it needs before it returns.
class SOKR_HOST_API Launch {
 public:
  // Workgroups. Replaces threads and groups_from; a 0 launches nothing. A launch needs one of
  // the three.
  Launch& groups(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  // Invocations, rounded up to whole workgroups of the size that this launch has.
  Launch& threads(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  // The three workgroup counts, as u32, are read from `buffer` when the launch starts. Throws if
  // it holds no memory.
  Launch& groups_from(const Buffer& buffer, std::uint64_t offset = 0);
  // The workgroup that counting starts with; not with groups_from. Refused where it cannot be.
  Launch& base_groups(std::uint32_t x, std::uint32_t y = 0, std::uint32_t z = 0);
  // Needed only if the kernel has several entry points.
  Launch& entry(std::string name);
  // Overrides the kernel's workgroup size.
  Launch& local_size(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  Launch& subgroup_size(std::uint32_t size);
  // Record device time, for Completion::device_time.
  Launch& profile(bool on = true);

  // Binding the same (set, binding, index) again replaces what was bound. A Buffer is bound on the
  // substrate that allocated it: dispatch to another one throws.
  Launch& bind(std::uint32_t set, std::uint32_t binding, View view) {
    return bind(set, binding, 0, view);
  }
  Launch& bind(std::uint32_t set, std::uint32_t binding, std::uint32_t index, View view);
  Launch& bind(std::uint32_t set, std::uint32_t binding, const Buffer& buffer);

  // Appends a value to the push constants, packed as given: padding is pushed too, or the whole
  // block as one structure that is laid out as the kernel's. What a number is, is compared
  // with what the kernel's block holds at its place (signed and unsigned are alike); a
  // structure is taken as it is. A bool takes 4 bytes, as in shaders; arrays, vectors and spans
  // are pushed element by element.
  template <class T>
    requires std::is_trivially_copyable_v<T> || std::ranges::contiguous_range<const T>
  Launch& push(const T& value) {
    static_assert(!std::is_pointer_v<T> && !std::is_null_pointer_v<T>,
                  "a host pointer means nothing to a kernel; push Buffer::address()");
    if constexpr (std::is_same_v<T, bool>) {
      return push(std::uint32_t{value});
    } else if constexpr (std::is_enum_v<T>) {
      return push(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::ranges::contiguous_range<const T>) {
      for (const auto& element : value) push(element);
      return *this;
    } else {
      const auto bytes = std::as_bytes(std::span(&value, 1));
      if constexpr (constexpr auto type = scalar_type<T>(); type.has_value()) {
        return push_scalar(*type, bytes);
      } else {
        return push_bytes(bytes);
      }
    }
  }
  // One number of this type.
  Launch& push_scalar(SokrIrScalar type, std::span<const std::byte> bytes);
  // Bytes that are compared with nothing.
  Launch& push_bytes(std::span<const std::byte> bytes);
  // Drops the push constants, so that the next dispatch can have others.
  Launch& clear_push();
  // Replaces them by these values.
  template <class... T>
  Launch& set_push(const T&... values) {
    clear_push();
    (push(values), ...);
    return *this;
  }

  // A specialization constant, in the type that the kernel declares (signed and unsigned are
  // alike; a bool may be an integer).
  template <class T>
    requires std::is_arithmetic_v<T>
  Launch& specialize(std::uint32_t id, T value) {
    std::uint64_t bits = 0;
    if constexpr (std::is_same_v<T, bool>) {
      bits = value ? 1 : 0;
      return specialize_scalar(id, SOKR_IR_BOOL, bits);
    } else {
      __builtin_memcpy(&bits, &value, sizeof value);
      return specialize_scalar(id, *scalar_type<T>(), bits);
    }
  }
  Launch& specialize_scalar(std::uint32_t id, SokrIrScalar type, std::uint64_t bits);
  // Bytes that are compared with nothing but the declared width.
  Launch& specialize_bits(std::uint32_t id, std::uint32_t size, std::uint64_t bits);
  Launch& clear_specializations();
  // Starts when that dispatch to the same substrate is terminal; fails if it failed. Several
  // add up, and stay for the dispatches that follow: a launch that is used again clears them.
  Launch& after(const class Completion& completion);
  Launch& clear_after();

 private:
  friend class Kernel;
  friend class Substrate;
  friend class Context;
  std::optional<std::string> entry_;
  std::array<std::uint32_t, 3> groups_{0, 0, 0}, threads_{0, 0, 0}, local_size_{0, 0, 0};
  std::array<std::uint32_t, 3> base_groups_{0, 0, 0};
  bool has_size_ = false;  // groups, threads or groups_from was called
  std::uint32_t subgroup_size_ = 0, flags_ = 0;
  std::uint64_t indirect_ = 0, indirect_offset_ = 0;
  std::vector<SokrBinding> bindings_;
  std::vector<const SokrSubstrateInfo*> owners_;  // of what is bound, in the order of bindings_
  const SokrSubstrateInfo* indirect_owner_ = nullptr;
  std::vector<std::byte> push_;
  std::vector<SokrIrPushScalar> push_types_;  // of the numbers in push_, by offset
  std::vector<SokrSpecialization> specializations_;
  std::vector<std::pair<std::uint32_t, SokrIrScalar>> spec_types_;  // id and what it was given as
  std::vector<SokrCompletionToken> waits_;
};

// ---- A dispatch under way -------------------------------------------------------------

// A small handle; copies name the same dispatch, and any thread may ask. It does not
// keep anything alive and destroying it waits for nothing: see wait.
class SOKR_HOST_API Completion {
 public:
  Completion() = default;
  SokrCompletionToken token() const { return token_; }
  // True if terminal; does not block. Throws if the dispatch failed.
  bool poll() const;
  // Blocks until terminal; throws if the dispatch failed.
  void wait() const;
  // False if the time ran out; the work goes on.
  bool wait_for(std::chrono::nanoseconds timeout) const;
  // Device time, if the launch was profiled and the substrate can tell.
  std::optional<std::chrono::nanoseconds> device_time() const;
  // When it began and ended there, if the substrate can tell that, too: the device's clock was
  // compared with this one, and may be a microsecond or more beside it.
  struct Interval {
    std::chrono::steady_clock::time_point began, ended;
  };
  std::optional<Interval> device_interval() const;

 private:
  friend class Substrate;
  SokrCompletionToken token_ = 0;
  const SokrSubstrateInfo* info_ = nullptr;
};

// ---- Kernels, buffers, substrates --------------------------------------------------------

// Bytes of a computation, recognised by an IR plugin. Cheap to copy; immutable; any
// number of threads may use one at once.
class SOKR_HOST_API Kernel {
 public:
  std::span<const std::byte> bytes() const;
  std::uint32_t ir_format() const;
  // Reflection with the module's own specialization values.
  const SokrIrReflection& reflection() const;
  // Reflection as this launch specializes and sizes it: local_size of its entry point,
  // sizes of arrays. Throws if a value is of another size than declared, or makes no sense.
  std::shared_ptr<const SokrIrReflection> reflection(const Launch& launch) const;
  // The entry point that `name` means; null = the only one. Throws a list of them.
  const SokrIrEntryPoint& entry(const char* name = nullptr) const;
  // Throws if a number that the launch pushes, or specializes with, is of another type than
  // what this kernel has in its place. dispatch asks it first.
  void check_types(const Launch& launch) const;

 private:
  friend class Context;
  friend class Substrate;
  friend struct host::KernelAccess;
  struct State;
  std::shared_ptr<const State> state_;
};

// Memory on one substrate. Movable; freed when the last dispatch is done with it.
class SOKR_HOST_API Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;
  ~Buffer();
  std::uint64_t size() const { return size_; }
  SokrBuffer handle() const { return handle_; }
  // Copy from and to the host, or from a buffer of the same substrate without it. All block until
  // done, and order nothing: wait for the dispatches that use the range first.
  void write(std::span<const std::byte> bytes, std::uint64_t offset = 0);
  void read(std::span<std::byte> bytes, std::uint64_t offset = 0) const;
  void copy_from(const Buffer& from, std::uint64_t size, std::uint64_t from_offset = 0,
                 std::uint64_t offset = 0);
  // What a PhysicalStorageBuffer pointer to it holds; needs SOKR_BUFFER_ADDRESS.
  std::uint64_t address() const;
  View view(SokrAccess access = SOKR_ACCESS_READ_WRITE) const {
    return {handle_, 0, size_, SOKR_BINDING_BUFFER, access, info_};
  }

 private:
  friend class Launch;
  friend class Substrate;
  const SokrSubstrateInfo* info_ = nullptr;
  SokrBuffer handle_ = 0;
  std::uint64_t size_ = 0;
};

// One registered substrate. A small handle; copy it freely; any number of threads may use one at
// once.
class SOKR_HOST_API Substrate {
 public:
  std::string_view name() const { return info_->name; }
  const SokrSubstrateInfo& info() const { return *info_; }
  std::uint32_t id() const { return id_; }
  // Empty if this substrate can run the kernel; otherwise the reason.
  // Asks the substrate's own capability function, not the core, which would ask others too.
  std::optional<std::string> why_not(const Kernel& kernel) const;
  // Compiles the kernel for such launches, of which entry, specializations and sizes count, so that
  // none of them has to. Blocks until it is done; throws if it cannot be. A substrate that prepares
  // nothing (info().kernels is null) does nothing here.
  void prepare(const Kernel& kernel, const Launch& launch = {}) const;
  // Starts the launch. Host memory that it binds stays valid and untouched until the
  // completion is terminal. Throws if it could not be started. From the second launch of a kind
  // on the substrate has the kernel prepared, until the last copy of `kernel` goes.
  Completion dispatch(const Kernel& kernel, const Launch& launch) const;
  // A buffer filled with zeros, of SokrBufferFlags.
  Buffer allocate(std::uint64_t size, std::uint32_t flags = SOKR_BUFFER_DEFAULT) const;
  std::vector<SokrStatistic> statistics() const;  // its counters now; none if it keeps none

 private:
  friend class Context;
  static SokrLaunch kernel_part(const Launch& launch);
  void check_owners(const Launch& launch) const;
  const SokrSubstrateInfo* info_ = nullptr;
  std::uint32_t id_ = 0;
};

// What could not be loaded or offered, and why.
struct Unavailable {
  std::string name, reason;
};

// A candidate that routing looked at. reason is empty for the chosen one.
struct Candidate {
  std::string name, reason;
};

struct ContextOptions {
  // Files and folders, searched after the folder beside the library, before SOKR_PLUGIN_PATH.
  std::vector<std::filesystem::path> plugin_paths;
  // "cpu.threads" = "4". A plugin takes them from the context that loads it. "host.plugins" =
  // "named" is for the context itself: it looks at plugin_paths and nowhere else.
  std::vector<std::pair<std::string, std::string>> options;
};

// The plugins of one process: found at construction, destroyed and unloaded at destruction.
// All members are const and safe from any thread.
//
// A plugin file that declares what it may offer (SOKR_PLUGIN_DECLARE) is opened, and its
// substrates registered with the core, by the first call that needs it: substrate() for a
// name that it may offer, choose() for a kind that comes before the chosen one's, or as good,
// substrates() and unavailable() always, kernel() for what reads IR. Which files those are
// changes no answer. A program that also asks the core itself, which knows what is registered,
// calls substrates() first. A file that declares nothing is opened at construction.
//
// Several contexts may live at once: a plugin is loaded and registered once, shared by
// them, and unloaded with the last one. Destruction waits for the calls that are inside
// a plugin and abandons the dispatches that are still in flight.
//
// SOKR_LOG=debug prints every path tried, and why a file or a substrate was passed over.
class SOKR_HOST_API Context {
 public:
  explicit Context(const ContextOptions& options = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // All substrates, best first: discrete GPU, integrated GPU, virtual GPU, CPU,
  // software GPU, others, reference.
  std::span<const Substrate> substrates() const;
  std::span<const Unavailable> unavailable() const;
  // By name. The error lists what there is.
  Substrate substrate(std::string_view name) const;
  // The best one that can run the kernel, in that order; `candidates`, if given,
  // receives all that were looked at, with the reason for each passed over.
  Substrate choose(const Kernel& kernel, std::vector<Candidate>* candidates = nullptr) const;
  // The same without those of `except`: the next best, when these have failed.
  Substrate choose(const Kernel& kernel, std::span<const Substrate> except,
                   std::vector<Candidate>* candidates = nullptr) const;

  // Recognises the format by the bytes. Throws if no IR plugin knows it or if it is malformed.
  Kernel kernel(std::span<const std::byte> bytes) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sokr

#endif  // SOKR_SOKR_HPP_
