/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The smallest IR plugin, breaking one rule of sokr/ir.h: the one that SOKR_TEST_FLAW names.
 */
#define sokr_ir_plugin_main honest_ir_plugin_main
#include "null_ir.c"
#undef sokr_ir_plugin_main

#include <unistd.h>

static const SokrIrPlugin *honest;
static SokrIrPlugin changed;

static int has(const char *flaw) {
  const char *named = getenv("SOKR_TEST_FLAW");
  return named && strcmp(named, flaw) == 0;
}

static int recognise(const uint8_t *data, size_t size) {
  if (has("recognition: too far")) {
    volatile uint8_t sum = 0;
    size_t i;
    for (i = 0; i < size; ++i) sum = (uint8_t)(sum + data[i]);
  }
  return honest->recognise(data, size) * (has("recognition") ? 2 : 1);
}

static SokrResult validate(const SokrIrRequest *request, char *sentence, size_t capacity) {
  if (has("truncation: too far") && request && request->data) {
    const volatile uint8_t *behind = request->data + request->size;
    (void)*behind;
  }
  if (has("truncation")) return SOKR_OK;
  if (has("sentences") && sentence) {
    memcpy(sentence, "no", 3);
    return SOKR_INVALID_IR;
  }
  return honest->validate_request(request, sentence, capacity);
}

static SokrResult reflect(const SokrIrRequest *request, const SokrIrReflection **out,
                          char *sentence, size_t capacity) {
  if (has("requests") && !request) exit(0);
  return honest->reflect_request(request, out, sentence, capacity);
}

static SokrResult lower(const SokrIrRequest *request, uint8_t **out, size_t *size, char *sentence,
                        size_t capacity) {
  const SokrResult code = honest->lower_request(request, out, size, sentence, capacity);
  if (has("lowering") && code == SOKR_OK)
    for (;;) pause();
  return code;
}

__attribute__((visibility("default"))) const SokrIrPlugin *sokr_ir_plugin_main(void);
const SokrIrPlugin *sokr_ir_plugin_main(void) {
  honest = honest_ir_plugin_main();
  changed = *honest;
  changed.recognise = recognise;
  changed.validate_request = validate;
  changed.reflect_request = reflect;
  changed.lower_request = lower;
  if (has("table")) changed.name = "";
  return &changed;
}
