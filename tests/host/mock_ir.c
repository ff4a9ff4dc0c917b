/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An IR plugin for a format of its own, "MOCK" and text: one entry point "main" with the
 * workgroup size 4, one written binding 0.0, and the push constants count, a u32, and
 * origin, two floats at byte 8; constant 5 is a float. It lowers to SPIR-V, and to nothing else;
 * the SPIR-V is the text. With MOCK_IR_VERSION it claims another version of sokr/ir.h,
 * with MOCK_IR_SHORT its table ends before `lower`, with MOCK_IR_DECLARE its file declares
 * what it reads. With MOCK_IR_LIES it says SOKR_OK to what it does not do: a kernel "MOCKreflect"
 * is reflected and "MOCKlower" lowered to nothing, and a specialized "MOCKentries" has no entry
 * point.
 */
#include <sokr/ir.h>
#include <stdlib.h>
#include <string.h>

#ifndef MOCK_IR_VERSION
#define MOCK_IR_VERSION SOKR_IR_VERSION
#endif

static int mock_recognise(const uint8_t* data, size_t size) {
  return size >= 4 && memcmp(data, "MOCK", 4) == 0;
}

static void mock_say(const char* sentence, char* out, size_t capacity) {
  if (!capacity) return;
  strncpy(out, sentence, capacity - 1);
  out[capacity - 1] = 0;
}

#ifdef MOCK_IR_LIES
static int mock_is(const uint8_t* data, size_t size, const char* text) {
  return size == strlen(text) && memcmp(data, text, size) == 0;
}
#endif

static SokrResult mock_validate(const uint8_t* data, size_t size, char* sentence, size_t capacity) {
  if (memchr(data, '!', size) == NULL) return SOKR_OK;
  mock_say("byte '!' is not allowed", sentence, capacity);
  return SOKR_INVALID_IR;
}

static const SokrIrBinding mock_bindings[] = {
    {0, 0, 1, SOKR_IR_STORAGE_BUFFER, SOKR_IR_WRITE, 1, 1, "data"}};
static const SokrIrPushMember mock_members[] = {{"count", "u32", 0, 4}, {"origin", "vec2", 8, 8}};
static const uint32_t mock_binding_scalars[] = {1u << SOKR_IR_U8};
/* As a later header might have it: with more behind each element. */
typedef struct {
  SokrIrPushScalar known;
  uint32_t later;
} LaterScalar;
typedef struct {
  SokrIrEntryTypes known;
  uint64_t later;
} LaterTypes;
static const LaterScalar mock_scalars[] = {
    {{0, SOKR_IR_U32}, ~0u}, {{8, SOKR_IR_F32}, ~0u}, {{12, SOKR_IR_F32}, ~0u}};
static const LaterTypes mock_types[] = {
    {{mock_binding_scalars, &mock_scalars[0].known, 3, sizeof(LaterScalar)}, ~0ull}};
static const SokrIrSpecConstant mock_constants[] = {{5, SOKR_IR_F32, 0, 1, 0, "scale"}};
static const SokrIrEntryPoint mock_entries[] = {
    {"main",
     {4, 1, 1},
     SOKR_IR_LOCAL_SIZE_LITERAL,
     {SOKR_IR_NO_SPEC_ID, SOKR_IR_NO_SPEC_ID, SOKR_IR_NO_SPEC_ID},
     1,
     0,
     mock_bindings,
     mock_members,
     2,
     16,
     NULL,
     0,
     sizeof(SokrIrPort),
     sizeof(SokrIrBinding),
     sizeof(SokrIrPushMember)}};
static const SokrIrReflection mock_reflection = {.struct_size = sizeof(SokrIrReflection),
                                                 .entry_point_count = 1,
                                                 .entry_points = mock_entries,
                                                 .spec_constants = mock_constants,
                                                 .spec_constant_count = 1,
                                                 .entry_types_size = sizeof(LaterTypes),
                                                 .entry_types = &mock_types[0].known,
                                                 .entry_point_size = sizeof(SokrIrEntryPoint),
                                                 .spec_constant_size = sizeof(SokrIrSpecConstant)};

static SokrResult mock_reflect(const uint8_t* data, size_t size, const SokrIrSpecValue* values,
                               uint32_t value_count, const uint32_t* local_size,
                               const SokrIrReflection** out, char* sentence, size_t capacity) {
  (void)data, (void)size, (void)values, (void)local_size;
  *out = NULL;
#ifdef MOCK_IR_LIES
  static const SokrIrReflection nothing = {.struct_size = sizeof(SokrIrReflection),
                                           .entry_point_size = sizeof(SokrIrEntryPoint),
                                           .spec_constant_size = sizeof(SokrIrSpecConstant)};
  if (mock_is(data, size, "MOCKreflect")) return SOKR_OK;
  if (mock_is(data, size, "MOCKentries") && (value_count || local_size)) {
    *out = &nothing;
    return SOKR_OK;
  }
#endif
  if (value_count && values[0].id != 5) {
    mock_say("there are no specialization constants", sentence, capacity);
    return SOKR_INVALID_INPUT;
  }
  *out = &mock_reflection;
  return SOKR_OK;
}

static void mock_free_reflection(const SokrIrReflection* reflection) {
  (void)reflection;
}

static SokrResult mock_lower(const uint8_t* data, size_t size, uint32_t target, uint8_t** out,
                             size_t* out_size, char* sentence, size_t capacity) {
  *out = NULL;
#ifdef MOCK_IR_LIES
  if (mock_is(data, size, "MOCKlower")) {
    *out_size = 4;
    return SOKR_OK;
  }
#endif
  if (target != SOKR_IR_SPIRV || size == 4) {
    mock_say("there is nothing to lower", sentence, capacity);
    return SOKR_INVALID_IR;
  }
  *out_size = size - 4;
  *out = (uint8_t*)malloc(*out_size);
  memcpy(*out, data + 4, *out_size);
  return SOKR_OK;
}

static void mock_free_lowered(uint8_t* lowered) {
  free(lowered);
}

static const uint32_t mock_targets[] = {SOKR_IR_SPIRV};

static const SokrIrPlugin mock_plugin = {
#ifdef MOCK_IR_SHORT
    offsetof(SokrIrPlugin, lower),
#else
    sizeof(SokrIrPlugin),
#endif
    MOCK_IR_VERSION,
    "mock",
    "1",
    0x4D4F434B,
    1,
    mock_targets,
    mock_recognise,
    mock_validate,
    mock_reflect,
    mock_free_reflection,
    mock_lower,
    mock_free_lowered};

#ifdef MOCK_IR_DECLARE
SOKR_IR_PLUGIN_DECLARE(0x4D4F434B);
#endif

__attribute__((visibility("default"))) const SokrIrPlugin* sokr_ir_plugin_main(void) {
  return &mock_plugin;
}
