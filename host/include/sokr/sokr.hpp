// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/sokr.hpp - SOKR for C++20.
//
//     sokr::Context context;                              // loads the plugins
//     sokr::Kernel kernel = context.kernel(sokr::read_file("saxpy.spv"));
//     sokr::Substrate substrate = context.choose(kernel);  // GPU if there is one, else CPU
//
//     std::vector<float> x(n, 1.0f), y(n, 2.0f);
//     sokr::Launch launch;
//     launch.threads(n).bind(0, 0, sokr::read(x)).bind(0, 1, sokr::read_write(y)).push(2.0f);
//     substrate.dispatch(kernel, launch).wait();           // throws sokr::Error if it failed
//
// Memory is bound in place: `x` and `y` are what the kernel reads and writes, so
// they stay alive and untouched until the completion is terminal.
//
// Errors are sokr::Error: a result code and one sentence that says what was wrong,
// where, and what would be right. Everything here may be used from any thread; a
// single object is used by one thread at a time unless it says otherwise. Context
// outlives everything that came from it.
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
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sokr {

class Error : public std::runtime_error {
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

std::vector<std::byte> read_file(const std::filesystem::path& path);

// ---- What to bind ---------------------------------------------------------------

struct View {
  std::uint64_t resource = 0;
  std::uint64_t offset = 0, size = 0;  // bytes
  SokrBindingKind kind = SOKR_BINDING_NULL;
  SokrAccess access = SOKR_ACCESS_READ_WRITE;
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

// Describes one dispatch. Every setter returns *this.
class Launch {
 public:
  Launch& groups(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  // Invocations, rounded up to whole workgroups of the kernel's size.
  Launch& threads(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  Launch& groups_from(const Buffer& buffer, std::uint64_t offset = 0);
  Launch& entry(std::string name);
  Launch& local_size(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1);
  Launch& subgroup_size(std::uint32_t size);
  Launch& profile(bool on = true);

  Launch& bind(std::uint32_t set, std::uint32_t binding, View view) {
    return bind(set, binding, 0, view);
  }
  Launch& bind(std::uint32_t set, std::uint32_t binding, std::uint32_t index, View view);
  Launch& bind(std::uint32_t set, std::uint32_t binding, const Buffer& buffer);

  // Appends a value's bytes to the push constants.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Launch& push(const T& value) {
    return push_bytes(std::as_bytes(std::span(&value, 1)));
  }
  Launch& push_bytes(std::span<const std::byte> bytes);

  // A specialization constant: bool, integers and floats of the declared width.
  template <class T>
    requires std::is_arithmetic_v<T>
  Launch& specialize(std::uint32_t id, T value) {
    std::uint64_t bits = 0;
    if constexpr (std::is_same_v<T, bool>) {
      bits = value ? 1 : 0;
      return specialize_bits(id, 4, bits);
    } else {
      __builtin_memcpy(&bits, &value, sizeof value);
      return specialize_bits(id, sizeof value, bits);
    }
  }
  Launch& specialize_bits(std::uint32_t id, std::uint32_t size, std::uint64_t bits);
  Launch& after(const class Completion& completion);

 private:
  friend class Substrate;
  friend class Context;
  std::optional<std::string> entry_;
  std::array<std::uint32_t, 3> groups_{0, 0, 0}, threads_{0, 0, 0}, local_size_{0, 0, 0};
  std::uint32_t subgroup_size_ = 0, flags_ = 0;
  std::uint64_t indirect_ = 0, indirect_offset_ = 0;
  std::vector<SokrBinding> bindings_;
  std::vector<std::byte> push_;
  std::vector<SokrSpecialization> specializations_;
  std::vector<SokrCompletionToken> waits_;
};

// ---- A dispatch under way -------------------------------------------------------------

class Completion {
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

 private:
  friend class Substrate;
  SokrCompletionToken token_ = 0;
  const SokrSubstrateInfo* info_ = nullptr;
};

// ---- Kernels, buffers, substrates --------------------------------------------------------

// Bytes of a computation, recognised by an IR plugin. Cheap to copy; immutable.
class Kernel {
 public:
  std::span<const std::byte> bytes() const;
  std::uint32_t ir_format() const;
  // Reflection with the module's own specialization values.
  const SokrIrReflection& reflection() const;

 private:
  friend class Context;
  friend class Substrate;
  struct State;
  std::shared_ptr<const State> state_;
};

// Memory on one substrate. Movable; freed when the last dispatch is done with it.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;
  ~Buffer();
  std::uint64_t size() const { return size_; }
  SokrBuffer handle() const { return handle_; }
  void write(std::span<const std::byte> bytes, std::uint64_t offset = 0);
  void read(std::span<std::byte> bytes, std::uint64_t offset = 0) const;
  std::uint64_t address() const;
  View view(SokrAccess access = SOKR_ACCESS_READ_WRITE) const {
    return {handle_, 0, size_, SOKR_BINDING_BUFFER, access};
  }

 private:
  friend class Substrate;
  const SokrSubstrateInfo* info_ = nullptr;
  SokrBuffer handle_ = 0;
  std::uint64_t size_ = 0;
};

// One registered substrate. A small handle; copy it freely.
class Substrate {
 public:
  std::string_view name() const { return info_->name; }
  const SokrSubstrateInfo& info() const { return *info_; }
  std::uint32_t id() const { return id_; }
  // Empty if this substrate can run the kernel; otherwise the reason.
  std::optional<std::string> why_not(const Kernel& kernel) const;
  Completion dispatch(const Kernel& kernel, const Launch& launch) const;
  Buffer allocate(std::uint64_t size, std::uint32_t flags = SOKR_BUFFER_DEFAULT) const;

 private:
  friend class Context;
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
  std::vector<std::filesystem::path> plugin_paths;  // searched before SOKR_PLUGIN_PATH
  std::vector<std::pair<std::string, std::string>> options;  // "cpu.threads" = "4"
};

// The plugins of one process: loaded and registered at construction, destroyed and
// unloaded at destruction. All members are const and safe from any thread.
class Context {
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

  // Recognises the format by the bytes. Throws if no IR plugin knows it or if it is malformed.
  Kernel kernel(std::span<const std::byte> bytes) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sokr

#endif  // SOKR_SOKR_HPP_
