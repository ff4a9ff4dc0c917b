/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The null plugin, breaking one rule of the contract. Exactly one
 * SOKR_MISBEHAVE_... is defined; each names the rule that it breaks. old_and_short
 * and finds_nothing break none: they are unusual plugins that a host must accept.
 */
#define sokr_plugin_main honest_plugin_main
#include "null.c"
#undef sokr_plugin_main

#define UNUSED __attribute__((unused))

static UNUSED SokrSubstratePlugin changed_plugin;
static UNUSED SokrSubstrateInfo changed_info;
static UNUSED const SokrSubstrateInfo *changed_substrates[2] = {&changed_info, &changed_info};
static UNUSED SokrPlugin changed_library;

/* Dispatches honestly and then lies about the token. */
static UNUSED SokrResult zero_token_dispatch(const SokrDispatchRequest *request,
                                             SokrDispatchResponse *response) {
  SokrResult result = null_dispatch(request, response);
  response->completion_token = 0;
  return result;
}

static UNUSED SokrResult huge_token_dispatch(const SokrDispatchRequest *request,
                                             SokrDispatchResponse *response) {
  SokrResult result = null_dispatch(request, response);
  response->completion_token |= SOKR_PLUGIN_TOKEN_MAX + 1;
  return result;
}

/* COMPLETE to the first who asks, PENDING to the next. */
static UNUSED SokrResult forgetful_completion(const SokrCompletionQuery *query,
                                              SokrCompletionSignal *signal) {
  static int asked = 0;
  SokrResult result = null_completion(query, signal);
  if (result == SOKR_OK && *signal == SOKR_COMPLETION_COMPLETE &&
      __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED) % 2 == 1) {
    *signal = SOKR_COMPLETION_PENDING;
  }
  return result;
}

#if !defined(SOKR_MISBEHAVE_NO_SYMBOL)
SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host);
SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host) {
  const SokrPlugin *honest = honest_plugin_main(host);
  if (!honest) return NULL;
  changed_plugin = null_plugin;
  changed_info = null_info;
  changed_info.plugin = &changed_plugin;
  changed_library = null_library;
  changed_library.substrates = changed_substrates;
#if defined(SOKR_MISBEHAVE_WRONG_MAJOR)
  changed_plugin.version.major += 1;
#elif defined(SOKR_MISBEHAVE_WRONG_COMPUTE_MAJOR)
  changed_library.compute_version += UINT32_C(0x10000);
#elif defined(SOKR_MISBEHAVE_NULL_FUNCTION)
  changed_plugin.completion_fn = NULL;
#elif defined(SOKR_MISBEHAVE_RETURNS_NULL)
  return NULL;
#elif defined(SOKR_MISBEHAVE_BAD_NAME)
  changed_info.name = "Null Device!";
#elif defined(SOKR_MISBEHAVE_TWICE_THE_SAME)
  changed_library.substrate_count = 2;
#elif defined(SOKR_MISBEHAVE_ZERO_TOKEN)
  changed_plugin.dispatch_fn = zero_token_dispatch;
#elif defined(SOKR_MISBEHAVE_HUGE_TOKEN)
  changed_plugin.dispatch_fn = huge_token_dispatch;
#elif defined(SOKR_MISBEHAVE_NOT_STICKY)
  changed_plugin.completion_fn = forgetful_completion;
#elif defined(SOKR_MISBEHAVE_OLD_AND_SHORT)
  /* As if it were built before limits, memory and diagnostics existed: what is behind
   * struct_size must not be read. */
  changed_info.struct_size = (uint32_t)offsetof(SokrSubstrateInfo, limits);
  changed_info.limits = (const SokrComputeLimits *)(uintptr_t)1;
  changed_info.memory = (const SokrMemoryTable *)(uintptr_t)1;
  changed_info.diagnostics = (const SokrDiagnosticsTable *)(uintptr_t)1;
#elif defined(SOKR_MISBEHAVE_FINDS_NOTHING)
  {
    static const SokrUnavailable unavailable[] = {{"null", "there is nothing on this machine"}};
    changed_library.substrate_count = 0;
    changed_library.substrates = NULL;
    changed_library.unavailable = unavailable;
    changed_library.unavailable_count = 1;
    changed_library.unavailable_size = (uint32_t)sizeof unavailable[0];
  }
#else
#error "define one SOKR_MISBEHAVE_..."
#endif
  return &changed_library;
}
#endif
