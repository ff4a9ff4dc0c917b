// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/host.h>

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <sokr/base/elements.hpp>
#include <sokr/ir/reflection.hpp>
#include <string>

#include "kernel_state.hpp"
#include "raise.hpp"
#include "sized.hpp"

struct SokrHost {
  explicit SokrHost(const sokr::ContextOptions& options) : context(options) {}

  sokr::Context context;
  std::mutex mutex;                 // of `lowered`
  std::list<sokr::Kernel> lowered;  // whose lowered bytes a caller holds
};

namespace sokr::host {

// What the C API needs of a kernel and the C++ API does not show.
struct KernelAccess {
  static Result<Form> form(const Kernel& kernel, const Substrate& substrate) {
    return kernel.state_->form_for(substrate.info(), substrate.id());
  }
  // The kernel stays alive with the reflection: its IR plugin does.
  static std::shared_ptr<const SokrIrReflection> reflect(
      const Kernel& kernel, std::span<const SokrSpecialization> specializations,
      const std::uint32_t* local_size) {
    return value(kernel.state_->reflect(specializations, local_size));
  }
  static bool passes_through(const Kernel& kernel, const SokrSubstrateInfo& info) {
    return kernel.state_->passes_through(info);
  }
};

// What sokr_host_reflect_request gives out, and what keeps it alive.
struct HeldReflection : SokrIrReflection {
  std::shared_ptr<const SokrIrReflection> owner;
};

namespace {

thread_local std::string error_sentence;

void keep_sentence(const char* sentence) noexcept try { error_sentence = sentence; } catch (...) {
  error_sentence = "out of memory";  // so short that it needs none
}

// Runs the body of a C function; what it throws becomes a result and a sentence.
template <class Body>
SokrResult guarded(Body body) noexcept {
  try {
    body();
    return SOKR_OK;
  } catch (const Error& error) {
    keep_sentence(error.what());
    return error.code();
  } catch (const std::exception& error) {
    keep_sentence(error.what());
  } catch (...) {
    keep_sentence("unknown failure");
  }
  return SOKR_DISPATCH_FAILED;
}

void require_size(const char* type, std::size_t size, std::size_t least) {
  if (size >= least) return;
  throw Error(SOKR_INVALID_INPUT,
              fmt::format("the {} has {} bytes; it has at least {}", type, size, least));
}

void require(const void* pointer, const char* what) {
  if (!pointer) throw Error(SOKR_INVALID_INPUT, fmt::format("{} is null", what));
}

const SokrSubstrateInfo* give(const Substrate& substrate, std::uint32_t* id_out) {
  if (id_out) *id_out = substrate.id();
  return &substrate.info();
}

std::vector<std::filesystem::path> split(std::string_view places) {
  std::vector<std::filesystem::path> paths;
  while (!places.empty()) {
    const std::size_t end = std::min(places.find(':'), places.size());
    if (end > 0) paths.emplace_back(places.substr(0, end));
    places.remove_prefix(std::min(end + 1, places.size()));
  }
  return paths;
}

Substrate pick(const Context& context, const char* name, const Kernel& kernel) {
  if (!name) return context.choose(kernel);
  const Substrate substrate = context.substrate(name);
  if (const auto reason = substrate.why_not(kernel)) {
    throw Error(SOKR_CAPABILITY_DENIED, fmt::format("{}: {}", name, *reason));
  }
  return substrate;
}

// The array as elements of this build's size: itself, or copies in `resized`. What these do not
// hold is refused.
template <class T>
std::span<const T> given_elements(const T* from, std::uint32_t count, std::size_t size,
                                  std::size_t first_size, const char* type,
                                  std::vector<T>& resized) {
  if (count && !from) require(from, fmt::format("the array of {}", type).c_str());
  if (size == sizeof(T)) return {from, count};
  const auto given = value(Elements<T>::of(from, count, size, first_size, type));
  if (!given.fits()) {
    throw Error(
        SOKR_CAPABILITY_DENIED,
        fmt::format("a {} of {} bytes sets something behind the {} that this library knows: "
                    "it is of a newer version",
                    type, given.stride(), sizeof(T)));
  }
  resized.reserve(given.size());
  for (std::uint32_t i = 0; i < given.size(); ++i) resized.push_back(given[i]);
  return resized;
}

std::unique_ptr<HeldReflection> reflect(SokrHost& host, const SokrIrRequest& asked) {
  if (asked.ir_version >> 16 != SOKR_IR_VERSION >> 16) {
    throw Error(
        SOKR_VERSION_MISMATCH,
        fmt::format("the request is of version {}.{} of sokr/ir.h; this library reads {}.x",
                    asked.ir_version >> 16, asked.ir_version & 0xFFFF, SOKR_IR_VERSION >> 16));
  }
  require(asked.data, "the kernel");
  std::vector<SokrIrSpecValue> resized;
  const std::span given =
      given_elements(asked.specializations, asked.specialization_count, asked.specialization_size,
                     SOKR_IR_SPEC_VALUE_SIZE_1_0, "specialization", resized);
  std::vector<SokrSpecialization> specializations;
  for (const SokrIrSpecValue& one : given) specializations.push_back({one.id, one.size, one.value});
  const Kernel read =
      host.context.kernel({reinterpret_cast<const std::byte*>(asked.data), asked.size});
  const bool sized = asked.local_size[0] || asked.local_size[1] || asked.local_size[2];
  auto held = std::make_unique<HeldReflection>();
  held->owner = KernelAccess::reflect(read, specializations, sized ? asked.local_size : nullptr);
  if (asked.ir_version < UINT32_C(0x00010001)) {
    ir::TableSizes sizes = ir::kSizes1_0;
    sizes.reflection = SOKR_SIZE_THROUGH(SokrIrReflection, entry_types);
    held->owner.reset(ir::new_reflection(value(ir::read_reflection(held->owner.get())), sizes),
                      ir::free_reflection);
  }
  static_cast<SokrIrReflection&>(*held) = *held->owner;
  return held;
}

// A launch of another version's sizes, written with those of this build.
std::size_t write_launch(const SokrLaunch& launch, std::size_t binding_size,
                         std::size_t specialization_size, void* out, std::size_t capacity) {
  SokrLaunch own = launch;
  std::vector<SokrBinding> bindings;
  std::vector<SokrSpecialization> specializations;
  if (launch.push_size) require(launch.push, "the array of push constants");
  if (launch.wait_count) require(launch.waits, "the array of waits");
  own.bindings = given_elements(launch.bindings, launch.binding_count, binding_size,
                                SOKR_BINDING_SIZE_1_0, "SokrBinding", bindings)
                     .data();
  own.specializations =
      given_elements(launch.specializations, launch.specialization_count, specialization_size,
                     SOKR_SPECIALIZATION_SIZE_1_0, "SokrSpecialization", specializations)
          .data();
  const std::size_t needed = sokr_launch_size(&own);
  if (needed == 0) throw Error(SOKR_INVALID_INPUT, "the launch parameters are larger than 4 GiB");
  if (needed > capacity) {
    throw Error(SOKR_INVALID_INPUT,
                fmt::format("the launch parameters need {} bytes; the buffer for them has {}",
                            needed, capacity));
  }
  require(out, "the buffer for the launch parameters");
  return sokr_launch_write(&own, out, capacity);
}

const Kernel* find_lowered(const std::list<Kernel>& lowered, std::span<const std::byte> bytes) {
  const auto found = std::find_if(lowered.begin(), lowered.end(), [&](const Kernel& one) {
    return std::ranges::equal(one.bytes(), bytes);
  });
  return found == lowered.end() ? nullptr : &*found;
}

// The kernel of these bytes: the one whose lowered bytes somebody holds, if there is one.
Kernel read_kernel(SokrHost& host, std::span<const std::byte> bytes) {
  {
    const std::scoped_lock lock(host.mutex);
    if (const Kernel* known = find_lowered(host.lowered, bytes)) return *known;
  }
  return host.context.kernel(bytes);
}

void choose(SokrHost& host, const char* name, std::span<const std::byte> bytes, SokrChoice& out) {
  Kernel kernel = read_kernel(host, bytes);
  const Substrate substrate = pick(host.context, name, kernel);
  const bool passes_through = KernelAccess::passes_through(kernel, substrate.info());
  if (!passes_through) {
    // Kept once, however often it is asked for.
    const std::scoped_lock lock(host.mutex);
    if (const Kernel* known = find_lowered(host.lowered, bytes)) {
      kernel = *known;
    } else {
      host.lowered.push_back(kernel);
    }
  }
  const Form form = value(KernelAccess::form(kernel, substrate));
  out.substrate_id = substrate.id();
  out.ir_format = form.format;
  out.info = &substrate.info();
  out.computation_id = form.id;
  if (passes_through) {
    out.ir_data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    out.ir_data_len = bytes.size();
    return;
  }
  out.ir_data = form.bytes.data();
  out.ir_data_len = form.bytes.size();
}

}  // namespace
}  // namespace sokr::host

using sokr::host::give;
using sokr::host::guarded;
using sokr::host::require;

SokrHost* sokr_host_open(const char* plugin_path) {
  SokrHost* host = nullptr;
  guarded([&] {
    sokr::ContextOptions options;
    if (plugin_path) options.plugin_paths = sokr::host::split(plugin_path);
    auto opened = std::make_unique<SokrHost>(options);
    // Opens and registers all: what the caller asks the core itself has to find them.
    (void)opened->context.substrates();
    host = opened.release();
  });
  return host;
}

void sokr_host_close(SokrHost* host) {
  delete host;
}

size_t sokr_host_count(const SokrHost* host) {
  size_t count = 0;
  guarded([&] {
    if (host) count = host->context.substrates().size();
  });
  return count;
}

const SokrSubstrateInfo* sokr_host_substrate(const SokrHost* host, size_t index, uint32_t* id_out) {
  if (id_out) *id_out = 0;
  const SokrSubstrateInfo* info = nullptr;
  guarded([&] {
    require(host, "the host");
    const auto substrates = host->context.substrates();
    if (index >= substrates.size()) {
      throw sokr::Error(SOKR_NOT_FOUND, fmt::format("there is no substrate {}; there are {}", index,
                                                    substrates.size()));
    }
    info = give(substrates[index], id_out);
  });
  return info;
}

const SokrSubstrateInfo* sokr_host_find(const SokrHost* host, const char* name, uint32_t* id_out) {
  if (id_out) *id_out = 0;
  const SokrSubstrateInfo* info = nullptr;
  guarded([&] {
    require(host, "the host");
    require(name, "the name");
    info = give(host->context.substrate(name), id_out);
  });
  return info;
}

SokrResult sokr_host_choose_sized(SokrHost* host, const char* name, const void* kernel,
                                  size_t kernel_size, SokrChoice* out, size_t choice_size) {
  SokrChoice choice{};
  const SokrResult result = guarded([&] {
    require(host, "the host");
    require(kernel, "the kernel");
    require(out, "the choice");
    sokr::host::require_size("SokrChoice", choice_size, SOKR_CHOICE_SIZE_1_0);
    sokr::host::choose(*host, name, {static_cast<const std::byte*>(kernel), kernel_size}, choice);
  });
  if (result != SOKR_OK) choice = {};
  if (out) sokr_copy_sized(out, choice_size, &choice, sizeof choice);
  return result;
}

SokrResult sokr_host_reflect_request(SokrHost* host, const SokrIrRequest* request,
                                     const SokrIrReflection** out) {
  if (out) *out = nullptr;
  return guarded([&] {
    require(host, "the host");
    require(request, "the request");
    require(out, "the place for the reflection");
    const SokrIrRequest asked = sokr::host::value(sokr::host::sized_request<SokrIrRequest>(
        request, request->struct_size, SOKR_SIZE_THROUGH(SokrIrRequest, local_size),
        "SokrIrRequest"));
    *out = sokr::host::reflect(*host, asked).release();
  });
}

void sokr_host_free_reflection(const SokrIrReflection* reflection) {
  delete static_cast<const sokr::host::HeldReflection*>(reflection);
}

SokrResult sokr_host_groups(const SokrIrReflection* reflection, const char* entry,
                            const uint32_t threads[3], uint32_t groups_out[3]) {
  return guarded([&] {
    require(reflection, "the reflection");
    require(threads, "the number of threads");
    require(groups_out, "the place for the groups");
    const auto* found = sokr::host::value(sokr::host::find_entry(*reflection, entry));
    const auto groups = sokr::host::value(
        sokr::host::groups_for({threads[0], threads[1], threads[2]}, found->local_size));
    std::copy(groups.begin(), groups.end(), groups_out);
  });
}

size_t sokr_host_write_launch_sized(const SokrLaunch* launch, size_t launch_size,
                                    size_t binding_size, size_t specialization_size, void* out,
                                    size_t capacity) {
  size_t written = 0;
  guarded([&] {
    require(launch, "the launch");
    const SokrLaunch given = sokr::host::value(sokr::host::sized_request<SokrLaunch>(
        launch, launch_size, SOKR_LAUNCH_SIZE_1_0, "SokrLaunch"));
    written = sokr::host::write_launch(given, binding_size, specialization_size, out, capacity);
  });
  return written;
}

const char* sokr_host_last_error(void) {
  return sokr::host::error_sentence.c_str();
}
