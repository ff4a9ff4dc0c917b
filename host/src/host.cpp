// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/host.h>

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "kernel_state.hpp"
#include "raise.hpp"

struct SokrHost {
  explicit SokrHost(const sokr::ContextOptions& options) : context(options) {}

  sokr::Context context;
  std::mutex mutex;                 // of `lowered`
  std::list<sokr::Kernel> lowered;  // whose lowered bytes a caller holds
};

namespace sokr::host {

// What the C API needs of a kernel and the C++ API does not show.
struct KernelAccess {
  static Result<Form> form(const Kernel& kernel, const SokrSubstrateInfo& info) {
    return kernel.state_->form_for(info);
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

// What sokr_host_reflect gives out, and what keeps it alive.
struct HeldReflection : SokrIrReflection {
  std::shared_ptr<const SokrIrReflection> owner;
};

namespace {

thread_local std::string error_sentence;

// Runs the body of a C function; what it throws becomes a result and a sentence.
template <class Body>
SokrResult guarded(Body body) noexcept {
  try {
    body();
    return SOKR_OK;
  } catch (const Error& error) {
    error_sentence = error.what();
    return error.code();
  } catch (const std::exception& error) {
    error_sentence = error.what();
  } catch (...) {
    error_sentence = "unknown failure";
  }
  return SOKR_DISPATCH_FAILED;
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

void choose(SokrHost& host, const char* name, std::span<const std::byte> bytes, SokrChoice& out) {
  const Kernel kernel = host.context.kernel(bytes);
  const Substrate substrate = pick(host.context, name, kernel);
  const Form form = value(KernelAccess::form(kernel, substrate.info()));
  out.substrate_id = substrate.id();
  out.ir_format = form.format;
  out.info = &substrate.info();
  out.computation_id = form.id;
  if (KernelAccess::passes_through(kernel, substrate.info())) {
    out.ir_data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    out.ir_data_len = bytes.size();
    return;
  }
  out.ir_data = form.bytes.data();
  out.ir_data_len = form.bytes.size();
  const std::scoped_lock lock(host.mutex);
  host.lowered.push_back(kernel);
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
  return host ? host->context.substrates().size() : 0;
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

SokrResult sokr_host_choose(SokrHost* host, const char* name, const void* kernel,
                            size_t kernel_size, SokrChoice* out) {
  SokrChoice choice{};
  const SokrResult result = guarded([&] {
    require(host, "the host");
    require(kernel, "the kernel");
    require(out, "the choice");
    sokr::host::choose(*host, name, {static_cast<const std::byte*>(kernel), kernel_size}, choice);
  });
  if (out) *out = result == SOKR_OK ? choice : SokrChoice{};
  return result;
}

SokrResult sokr_host_reflect(SokrHost* host, const void* kernel, size_t kernel_size,
                             const SokrSpecialization* specializations,
                             uint32_t specialization_count, const uint32_t* local_size,
                             const SokrIrReflection** out) {
  if (out) *out = nullptr;
  return guarded([&] {
    require(host, "the host");
    require(kernel, "the kernel");
    require(out, "the place for the reflection");
    if (specialization_count) require(specializations, "the list of specializations");
    const sokr::Kernel read =
        host->context.kernel({static_cast<const std::byte*>(kernel), kernel_size});
    const bool sized = local_size && (local_size[0] || local_size[1] || local_size[2]);
    auto held = std::make_unique<sokr::host::HeldReflection>();
    held->owner = sokr::host::KernelAccess::reflect(read, {specializations, specialization_count},
                                                    sized ? local_size : nullptr);
    static_cast<SokrIrReflection&>(*held) = *held->owner;
    held->struct_size = sizeof(SokrIrReflection);
    *out = held.release();
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

size_t sokr_host_write_launch(const SokrLaunch* launch, void* out, size_t capacity) {
  size_t written = 0;
  guarded([&] {
    require(launch, "the launch");
    const size_t needed = sokr_launch_size(launch);
    if (needed == 0) {
      throw sokr::Error(SOKR_INVALID_INPUT, "the launch parameters are larger than 4 GiB");
    }
    if (needed > capacity) {
      throw sokr::Error(SOKR_INVALID_INPUT,
                        fmt::format("the launch parameters need {} bytes; the buffer for them has "
                                    "{}",
                                    needed, capacity));
    }
    require(out, "the buffer for the launch parameters");
    written = sokr_launch_write(launch, out, capacity);
  });
  return written;
}

const char* sokr_host_last_error(void) {
  return sokr::host::error_sentence.c_str();
}
