// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/port.h>
#include <sokr/retire.h>
#include <sokr/sokr.h>
#include <stddef.h>
#include <stdint.h>

#include "abi_layout.hpp"
#include "registry.hpp"

#ifndef SOKR_MAX_SUBSTRATES
#define SOKR_MAX_SUBSTRATES 64
#endif

// The in-flight counts of a slot, one for each stripe; small targets need one.
#ifndef SOKR_CORE_STRIPES
#define SOKR_CORE_STRIPES 64
#endif

namespace sokr::core {
namespace {

// Two lines of 64 bytes: processors fetch them in pairs, and some have lines of 128.
inline constexpr size_t kCacheLine = SOKR_CORE_STRIPES > 1 ? 128 : alignof(uint32_t);

struct Functions {
  decltype(SokrSubstratePlugin::capability_fn) capability;
  decltype(SokrSubstratePlugin::dispatch_fn) dispatch;
  decltype(SokrSubstratePlugin::completion_fn) completion;
  decltype(SokrSubstratePlugin::destroy_fn) destroy;
  bool retires;
};

using Substrates =
    Registry<NativeAtomics, Functions, SOKR_MAX_SUBSTRATES, SOKR_CORE_STRIPES, kCacheLine>;

constinit Substrates substrates;

SokrResult fail(SokrCapabilityResponse* response, SokrResult result) {
  *response = {result, 0, 0};
  return result;
}

SokrResult fail(SokrDispatchResponse* response, SokrResult result) {
  __builtin_memset(response, 0, sizeof *response);
  response->result = result;
  return result;
}

SokrResult fail(SokrCompletionSignal* signal, SokrResult result) {
  *signal = SOKR_COMPLETION_FAILED;
  return result;
}

// Not finished, in the words that the contract has for a poll and for a wait.
SokrResult unfinished(SokrCompletionSignal* signal, uint64_t timeout_ns) {
  *signal = timeout_ns == 0 ? SOKR_COMPLETION_PENDING : SOKR_COMPLETION_TIMEDOUT;
  return timeout_ns == 0 ? SOKR_OK : SOKR_TIMEOUT;
}

bool is_plugin_token(uint64_t token) {
  return token != 0 && token <= SOKR_PLUGIN_TOKEN_MAX;
}

}  // namespace
}  // namespace sokr::core

using sokr::core::fail;
using sokr::core::substrates;
using sokr::core::Substrates;

extern "C" {

__attribute__((weak, visibility("hidden"))) void sokr_port_wait(void) {
#if defined(__i386__) || defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__arm__) || defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#elif defined(__riscv)
  __asm__ volatile(".4byte 0x0100000F" ::: "memory");  // pause, a hint where it is unknown
#else
  __asm__ volatile("" ::: "memory");
#endif
}

SokrResult sokr_capability(const SokrCapabilityQuery* query, SokrCapabilityResponse* response) {
  if (response == nullptr) return SOKR_INVALID_INPUT;
  if (query == nullptr || (query->ir_data == nullptr && query->ir_data_len != 0)) {
    return fail(response, SOKR_INVALID_INPUT);
  }
  Substrates::Snapshot asked;
  substrates.snapshot(asked);
  SokrResult refusal = SOKR_CAPABILITY_DENIED;
  for (uint32_t i = 0; i < asked.count; ++i) {
    const Substrates::Visit visit = substrates.enter(asked.ids[i]);
    if (visit.payload == nullptr) continue;
    *response = {SOKR_OK, 0, 0};
    const SokrResult answer = visit.payload->capability(query, response);
    substrates.leave(visit);
    if (answer == SOKR_OK) {
      response->result = SOKR_OK;
      response->substrate_id = asked.ids[i];
      return SOKR_OK;
    }
    if (refusal == SOKR_CAPABILITY_DENIED) refusal = answer;
  }
  return fail(response, refusal == SOKR_CAPABILITY_DENIED ? SOKR_NO_CAPABLE_SUBSTRATE : refusal);
}

SokrResult sokr_dispatch(const SokrDispatchRequest* request, SokrDispatchResponse* response) {
  if (response == nullptr) return SOKR_INVALID_INPUT;
  if (request == nullptr || (request->ir_data == nullptr && request->ir_data_len != 0) ||
      (request->params == nullptr) != (request->params_len == 0)) {
    return fail(response, SOKR_INVALID_INPUT);
  }
  const uint32_t id = request->substrate_id;
  const Substrates::Visit visit = substrates.enter(id);
  if (visit.payload == nullptr) return fail(response, SOKR_NOT_FOUND);
  *response = {SOKR_OK, 0};
  const SokrResult answer = visit.payload->dispatch(request, response);
  substrates.leave(visit);
  if (answer != SOKR_OK) return fail(response, answer);
  const uint64_t token = response->completion_token;
  if (!sokr::core::is_plugin_token(token)) return fail(response, SOKR_DISPATCH_FAILED);
  *response = {SOKR_OK, sokr_token_encode(id, token)};
  return SOKR_OK;
}

SokrResult sokr_completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
  if (signal == nullptr) return SOKR_INVALID_INPUT;
  if (query == nullptr) return fail(signal, SOKR_INVALID_INPUT);
  const SokrCompletionQuery own = {sokr_token_plugin_token(query->completion_token),
                                   query->timeout_ns};
  if (own.completion_token == 0) return fail(signal, SOKR_INVALID_INPUT);
  const Substrates::Visit visit = substrates.enter(sokr_token_substrate(query->completion_token));
  if (visit.payload == nullptr) return fail(signal, SOKR_NOT_FOUND);
  SokrCompletionSignal answered = SOKR_COMPLETION_FORCE_32;
  const SokrResult answer = visit.payload->completion(&own, &answered);
  substrates.leave(visit);
  if (answer == SOKR_TIMEOUT) return sokr::core::unfinished(signal, own.timeout_ns);
  if (answer != SOKR_OK) return fail(signal, answer);
  uint32_t value;  // the plugin may have written what is no enumerator
  __builtin_memcpy(&value, &answered, sizeof value);
  switch (value) {
    case SOKR_COMPLETION_COMPLETE:
    case SOKR_COMPLETION_FAILED:
      *signal = static_cast<SokrCompletionSignal>(value);
      return SOKR_OK;
    case SOKR_COMPLETION_PENDING:
    case SOKR_COMPLETION_TIMEDOUT:
      return sokr::core::unfinished(signal, own.timeout_ns);
    default:
      return fail(signal, SOKR_DISPATCH_FAILED);
  }
}

SokrResult sokr_register_substrate(const SokrSubstratePlugin* plugin, uint32_t* substrate_id_out) {
  if (substrate_id_out == nullptr) return SOKR_INVALID_INPUT;
  *substrate_id_out = 0;
  if (plugin == nullptr) return SOKR_INVALID_INPUT;
  // First: another major version may have another table behind its version.
  if (plugin->version.major != SOKR_VERSION_MAJOR) return SOKR_VERSION_MISMATCH;
  if (plugin->capability_fn == nullptr || plugin->dispatch_fn == nullptr ||
      plugin->completion_fn == nullptr || plugin->destroy_fn == nullptr) {
    return SOKR_INVALID_INPUT;
  }
  *substrate_id_out =
      substrates.add({plugin->capability_fn, plugin->dispatch_fn, plugin->completion_fn,
                      plugin->destroy_fn, (plugin->version.patch & SOKR_RETIRES) != 0});
  return *substrate_id_out == 0 ? SOKR_REGISTRY_FULL : SOKR_OK;
}

SokrResult sokr_deregister_substrate(uint32_t substrate_id) {
  using sokr::core::Functions;
  const auto retire = [](const Functions& functions) {
    if (!functions.retires) return;
    const SokrCompletionQuery query = {SOKR_RETIRE_TOKEN, SOKR_RETIRE_TIMEOUT};
    SokrCompletionSignal ignored = SOKR_COMPLETION_PENDING;
    (void)functions.completion(&query, &ignored);
  };
  const bool removed = substrates.remove(substrate_id, retire,
                                         [](const Functions& functions) { functions.destroy(); });
  return removed ? SOKR_OK : SOKR_NOT_FOUND;
}

SokrResult sokr_list_substrates(uint32_t* ids_out, size_t capacity, size_t* count_out) {
  if (count_out == nullptr) return SOKR_INVALID_INPUT;
  *count_out = 0;
  if (ids_out == nullptr && capacity != 0) return SOKR_INVALID_INPUT;
  Substrates::Snapshot live;
  substrates.snapshot(live);
  for (uint32_t i = 0; i < live.count && i < capacity; ++i) ids_out[i] = live.ids[i];
  *count_out = live.count;
  return live.count > capacity ? SOKR_REGISTRY_FULL : SOKR_OK;
}

SokrVersion sokr_version(void) {
  return {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH};
}

}  // extern "C"
