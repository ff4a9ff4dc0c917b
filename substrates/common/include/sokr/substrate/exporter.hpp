// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a C++ class to the C tables of one substrate. The vtable has no context
// argument, so each substrate of a library needs C functions of its own: the Exporter
// makes them for a fixed number of slots, each with a call that the compiler
// resolves; nothing is virtual.
//
//     using Devices = Exporter<VulkanSubstrate, 16>;
//     Result<Exported> exported = Devices::install(std::make_unique<VulkanSubstrate>(...));
//
// The class has
//     Result<std::uint64_t> capability(const SokrCapabilityQuery&);  // latency in ns, 0 unknown
//     Result<std::uint64_t> dispatch(const SokrDispatchRequest&);    // a plugin token
//     InFlightTable& tokens();       // answers what is asked about a token, unless the class has
//     CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns);
//     std::string completion_error(std::uint64_t token);
//     std::optional<Timing> timing(std::uint64_t token);             // of a profiled launch
// itself, and may have
//     void retire();                                                 // see below
//     void statistics(StatisticList&);                               // statistics.hpp
//     void process_ends();                                           // see below
//     auto& memory();   // create, import_host, free, write, read, map, address, copy as
//                       // HostMemory; a function that is missing is null in the table. Those for
//                       // images and samplers refuse: no substrate here has them yet
// and for kernels that are prepared once (prepared.hpp)
//     Result<void> prepare(std::span<const SokrKernelInfo* const>, SokrKernel* out);
//     Result<void> release(SokrKernel);
// Its destructor is the plugin's destroy_fn: it ends what is in flight and joins its
// threads. A substrate that the host never registers is never destroyed, so threads start at
// first use, not in the constructor.
//
// Failures become result codes, their sentences the thread's last error. An
// exception becomes SOKR_DISPATCH_FAILED.
// After destroy_fn every function answers SOKR_NOT_FOUND. The core lets no vtable
// call run beside destroy_fn; the memory and diagnostics functions, which it does not
// see, are waited for by destroy_fn here.
//
// retire() is called beside other calls when the substrate is about to be destroyed and
// somebody is still inside (sokr/retire.h): it makes every wait end soon.
//
// In a process that was forked after install(), every function fails with one sentence,
// and destroy_fn leaves everything as it is.
//
// A program may hold its context in a static object, which goes after what this library stands
// on: oneTBB, drivers. Once the process ends, destroy_fn leaves everything as it is, too, and the
// system takes it. Before, while all is still there, process_ends() is called beside other calls:
// it keeps what is to be kept, and does not wait for launches.
#ifndef SOKR_SUBSTRATE_EXPORTER_HPP_
#define SOKR_SUBSTRATE_EXPORTER_HPP_

#include <sokr/compute.h>
#include <sokr/retire.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/exported_class.hpp>
#include <sokr/substrate/fork_watch.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/keep_loaded.hpp>
#include <sokr/substrate/statistics.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <span>
#include <utility>

namespace sokr::substrate {

// The C tables of one installed substrate. They live as long as the library.
struct Exported {
  std::size_t slot = 0;
  const SokrSubstratePlugin* plugin = nullptr;
  const SokrMemoryTable* memory = nullptr;  // null if the class has no memory()
  const SokrDiagnosticsTable* diagnostics = nullptr;
  const SokrKernelTable* kernels = nullptr;  // null if the class has no prepare()
};

template <class S, std::size_t Slots>
class Exporter {
 public:
  // Takes the substrate over until its destroy_fn. SOKR_REGISTRY_FULL if all slots are
  // taken; slots of destroyed substrates are used again. Any thread.
  static Result<Exported> install(std::unique_ptr<S> substrate);

 private:
  struct Slot {
    std::atomic<S*> substrate{nullptr};
    CallGate gate;  // for the calls that the core does not see
    bool taken = false;
  };
  inline static std::array<Slot, Slots> slots_;
  inline static std::mutex install_mutex_;

  // Made by install(), later than the statics of all libraries below this one, so that it goes
  // before them. Nothing of the slots needs a destructor.
  struct EndWatch {
    ~EndWatch();
  };
  inline static std::atomic<bool> ended_{false};

  template <std::size_t I>
  struct Functions;
  template <std::size_t... I>
  static Exported tables(std::size_t slot, std::index_sequence<I...>) {
    static constexpr std::array<const SokrSubstratePlugin*, Slots> plugins{
        &Functions<I>::kPlugin...};
    static constexpr std::array<const SokrMemoryTable*, Slots> memories{Functions<I>::memory()...};
    static constexpr std::array<const SokrDiagnosticsTable*, Slots> diagnostics{
        &Functions<I>::kDiagnostics...};
    static constexpr std::array<const SokrKernelTable*, Slots> kernels{Functions<I>::kernels()...};
    return {slot, plugins[slot], memories[slot], diagnostics[slot], kernels[slot]};
  }
};

template <class S, std::size_t Slots>
template <std::size_t I>
struct Exporter<S, Slots>::Functions {
  // Null if there is nobody to ask.
  static S* self() {
    if (is_forked()) [[unlikely]]
      return nullptr;
    return slots_[I].substrate.load(std::memory_order_acquire);
  }

  static SokrResult capability(const SokrCapabilityQuery* query, SokrCapabilityResponse* response) {
    if (query == nullptr || response == nullptr)
      return detail::bad_argument(I, "the query or response");
    S* s = self();
    *response = {};
    response->result = s == nullptr ? detail::gone(I) : detail::guarded(I, [&] {
      return detail::store(s->capability(*query), &response->estimated_latency_ns);
    });
    return response->result;
  }

  static SokrResult dispatch(const SokrDispatchRequest* request, SokrDispatchResponse* response) {
    if (request == nullptr || response == nullptr)
      return detail::bad_argument(I, "the request or response");
    S* s = self();
    *response = {};
    // As guarded() does it, with nothing between: this is what every launch goes through.
    try {
      if (s == nullptr) return response->result = detail::gone(I);
      Result<std::uint64_t> token = s->dispatch(*request);
      if (token && *token != 0) {
        response->completion_token = *token;
        return response->result = SOKR_OK;
      }
      if (token)
        token = fail(SOKR_DISPATCH_FAILED, "all completion tokens of this substrate are used up");
      return response->result = record_failure(I, std::move(token).failure());
    } catch (...) {
      return response->result = record_failure(I, failure_from_exception());
    }
  }

  static SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
    if (query == nullptr || signal == nullptr)
      return detail::bad_argument(I, "the query or signal");
    *signal = SOKR_COMPLETION_FAILED;
    S* s = self();
    if (s == nullptr) return detail::gone(I);
    try {
      if constexpr (detail::HasRetire<S>) {
        if (query->completion_token == SOKR_RETIRE_TOKEN &&
            query->timeout_ns == SOKR_RETIRE_TIMEOUT)
          s->retire();
      }
      const CompletionAnswer answer =
          detail::completion(*s, query->completion_token, query->timeout_ns);
      *signal = answer.signal;
      if (answer.result == SOKR_NOT_FOUND) record_error(I, "no such completion token");
      return answer.result;
    } catch (...) {
      return record_failure(I, failure_from_exception());
    }
  }

  static void destroy() {
    if (is_forked() || ended_.load(std::memory_order_relaxed)) return;
    slots_[I].gate.close();
    std::unique_ptr<S> last(slots_[I].substrate.exchange(nullptr, std::memory_order_acq_rel));
    if (!last) return;
    try {
      last.reset();
    } catch (...) {
    }
    std::lock_guard lock(install_mutex_);
    slots_[I].taken = false;
  }

  // Runs `body` with the substrate, which destroy_fn cannot take away meanwhile.
  template <class Body>
  static SokrResult gated(Body&& body) {
    if (is_forked() || !slots_[I].gate.enter()) return detail::gone(I);
    const SokrResult result = detail::guarded(I, [&] { return body(*self()); });
    slots_[I].gate.leave();
    return result;
  }

  static SokrResult create(std::uint64_t size, std::uint32_t flags, SokrBuffer* out) {
    if (out == nullptr) return detail::bad_argument(I, "buffer_out");
    *out = 0;
    return gated([&](S& s) { return detail::store(s.memory().create(size, flags), out); });
  }
  static SokrResult import_host(void* memory, std::uint64_t size, SokrBuffer* out) {
    if (out == nullptr) return detail::bad_argument(I, "buffer_out");
    *out = 0;
    return gated([&](S& s) { return detail::store(s.memory().import_host(memory, size), out); });
  }
  static SokrResult free(SokrBuffer buffer) {
    return gated([&](S& s) { return s.memory().free(buffer); });
  }
  static SokrResult write(SokrBuffer buffer, std::uint64_t offset, const void* from,
                          std::uint64_t size) {
    return gated([&](S& s) { return s.memory().write(buffer, offset, from, size); });
  }
  static SokrResult read(SokrBuffer buffer, std::uint64_t offset, void* to, std::uint64_t size) {
    return gated([&](S& s) { return s.memory().read(buffer, offset, to, size); });
  }
  static SokrResult map(SokrBuffer buffer, void** out) {
    if (out == nullptr) return detail::bad_argument(I, "memory_out");
    *out = nullptr;
    return gated([&](S& s) { return detail::store(s.memory().map(buffer), out); });
  }
  static SokrResult address(SokrBuffer buffer, std::uint64_t* out) {
    if (out == nullptr) return detail::bad_argument(I, "address_out");
    *out = 0;
    return gated([&](S& s) { return detail::store(s.memory().address(buffer), out); });
  }

  static SokrResult copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                         std::uint64_t to_offset, std::uint64_t size) {
    return gated([&](S& s) { return s.memory().copy(from, from_offset, to, to_offset, size); });
  }
  static SokrResult lacks(const char* what) {
    return gated([&](S&) -> Result<void> {
      return fail(SOKR_CAPABILITY_DENIED, "this substrate has no {}; it has buffers only", what);
    });
  }
  static SokrResult create_image(const SokrImageInfo*, SokrImage* out) {
    if (out != nullptr) *out = 0;
    return lacks("images");
  }
  static SokrResult free_image(SokrImage) { return lacks("images"); }
  static SokrResult write_image(SokrImage, const SokrImageRegion*, const void*, std::uint64_t) {
    return lacks("images");
  }
  static SokrResult read_image(SokrImage, const SokrImageRegion*, void*, std::uint64_t) {
    return lacks("images");
  }
  static SokrResult create_sampler(const SokrSamplerInfo*, SokrSampler* out) {
    if (out != nullptr) *out = 0;
    return lacks("samplers");
  }
  static SokrResult free_sampler(SokrSampler) { return lacks("samplers"); }

  static std::size_t last_error(char* out, std::size_t capacity) {
    return write_sentence(substrate::last_error(I), out, capacity);
  }
  static std::size_t completion_error(std::uint64_t token, char* out, std::size_t capacity) {
    if (is_forked()) return write_sentence(kForkedSentence, out, capacity);
    if (!slots_[I].gate.enter()) return write_sentence({}, out, capacity);
    std::size_t size = 0;
    try {
      size = write_sentence(detail::completion_error(*self(), token), out, capacity);
    } catch (...) {
      size = write_sentence(failure_from_exception().sentence, out, capacity);
    }
    slots_[I].gate.leave();
    return size;
  }
  static SokrResult timing(std::uint64_t token, SokrTiming* timing) {
    if (timing == nullptr) return detail::bad_argument(I, "timing");
    return gated([&](S& s) -> Result<void> {
      std::optional<Timing> known;
      if constexpr (detail::HasTiming<S>) known = detail::timing(s, token);
      if (!known) return fail(SOKR_NOT_FOUND, "no device time is known for token {}", token);
      if (!SOKR_HAS(SokrTiming, timing, device_ns)) {
        return fail(SOKR_INVALID_INPUT,
                    "SokrTiming.struct_size is {}, which has no room for device_ns",
                    timing->struct_size);
      }
      timing->device_ns = known->device_ns;
      if (SOKR_HAS(SokrTiming, timing, ended_ns)) {
        timing->began_ns = known->began_ns;
        timing->ended_ns = known->ended_ns;
      }
      return {};
    });
  }

  static SokrResult statistics(SokrStatistics* out) {
    if (out == nullptr) return detail::bad_argument(I, "the place for statistics");
    return gated([&](S& s) -> Result<void> {
      StatisticList list;
      if constexpr (detail::HasStatistics<S>) s.statistics(list);
      return write_statistics(list, *out);
    });
  }

  static constexpr SokrSubstratePlugin kPlugin{
      {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR,
       SOKR_VERSION_PATCH | (detail::HasRetire<S> ? SOKR_RETIRES : 0u)},
      &capability,
      &dispatch,
      &completion,
      &destroy};
  static constexpr SokrDiagnosticsTable kDiagnostics{
      sizeof(SokrDiagnosticsTable),
      0,
      &last_error,
      &completion_error,
      detail::HasTiming<S> ? &timing : nullptr,
      detail::HasStatistics<S> ? &statistics : nullptr};

  static constexpr SokrMemoryTable make_memory() {
    SokrMemoryTable table{};
    table.struct_size = sizeof(SokrMemoryTable);
    if constexpr (detail::HasMemory<S>) {
      using M = std::remove_reference_t<decltype(std::declval<S&>().memory())>;
      if constexpr (requires(M& m) { m.create(0, 0); }) table.create = &create;
      if constexpr (requires(M& m) { m.import_host(nullptr, 0); }) table.import_host = &import_host;
      if constexpr (requires(M& m) { m.free(0); }) table.free = &free;
      if constexpr (requires(M& m) { m.write(0, 0, nullptr, 0); }) table.write = &write;
      if constexpr (requires(M& m) { m.read(0, 0, nullptr, 0); }) table.read = &read;
      if constexpr (requires(M& m) { m.map(0); }) table.map = &map;
      if constexpr (requires(M& m) { m.address(0); }) table.address = &address;
      if constexpr (requires(M& m) { m.copy(0, 0, 0, 0, 0); }) table.copy = &copy;
      table.create_image = &create_image;
      table.free_image = &free_image;
      table.write_image = &write_image;
      table.read_image = &read_image;
      table.create_sampler = &create_sampler;
      table.free_sampler = &free_sampler;
    }
    return table;
  }
  static SokrResult prepare(const SokrKernelInfo* const* kernels, std::uint32_t count,
                            SokrKernel* out) {
    if (count != 0 && (kernels == nullptr || out == nullptr))
      return detail::bad_argument(I, "kernels or kernels_out");
    std::fill_n(out, count, 0);
    return gated([&](S& s) { return s.prepare({kernels, count}, out); });
  }
  static SokrResult release(SokrKernel kernel) {
    return gated([&](S& s) { return s.release(kernel); });
  }
  static constexpr const SokrKernelTable* kernels() {
    if constexpr (detail::HasKernels<S>) return &kKernels<S>;
    return nullptr;
  }
  template <class T>
  static constexpr SokrKernelTable kKernels{sizeof(SokrKernelTable), 0, &prepare, &release};

  static constexpr SokrMemoryTable kMemory = make_memory();
  static constexpr const SokrMemoryTable* memory() {
    return detail::HasMemory<S> ? &kMemory : nullptr;
  }
};

template <class S, std::size_t Slots>
Exporter<S, Slots>::EndWatch::~EndWatch() {
  ended_.store(true, std::memory_order_relaxed);
  // What is left refers to its code. A library that is unloaded has no substrates by then.
  if (std::ranges::any_of(slots_,
                          [](const Slot& slot) { return slot.substrate.load() != nullptr; }))
    keep_loaded();
  if constexpr (detail::HasProcessEnds<S>) {
    for (Slot& slot : slots_) {
      if (is_forked() || !slot.gate.enter()) continue;
      try {
        slot.substrate.load(std::memory_order_acquire)->process_ends();
      } catch (...) {
      }
      slot.gate.leave();
    }
  }
}

template <class S, std::size_t Slots>
Result<Exported> Exporter<S, Slots>::install(std::unique_ptr<S> substrate) {
  watch_forks();
  static const EndWatch watch;
  std::lock_guard lock(install_mutex_);
  for (std::size_t slot = 0; slot < Slots; ++slot) {
    if (slots_[slot].taken) continue;
    slots_[slot].taken = true;
    clear_error(slot);
    slots_[slot].substrate.store(substrate.release(), std::memory_order_release);
    slots_[slot].gate.open();
    return tables(slot, std::make_index_sequence<Slots>{});
  }
  return fail(SOKR_REGISTRY_FULL, "this library offers at most {} substrates at a time", Slots);
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_EXPORTER_HPP_
