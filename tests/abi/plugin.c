/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A substrate and an IR plugin in one library, built against every version of the headers, and,
 * with LATER, as one of a later version would be: with longer elements and tables. Every
 * structure that it gives out ends at a page that cannot be read.
 *
 * It reads the format "ABI0" and lowers it to "ABLO", which its substrate "abi:0" accepts. A
 * launch adds to each byte that is bound for writing: the first push constant, and the value of
 * specialization constant 7.
 */
#include <sokr/compute.h>
#include <sokr/ir.h>
#include <time.h>

#include "fenced.h"
#include "launch_reader.h"

#define SOURCE_FORMAT UINT32_C(0x41424930)
#define LOWERED_FORMAT UINT32_C(0x41424C4F)
#define HAS_1_1 (SOKR_COMPUTE_VERSION >= 0x00010001)
#define HAS_1_2 (SOKR_COMPUTE_VERSION >= 0x00010002)

/* Bytes that a later version has behind each element. */
#ifdef LATER
#define MORE 24u
#else
#define MORE 0u
#endif

/* The same for elements of arrays that a host reads: none for one of 1.0 (sokr/growth.h, 7). */
static size_t more_elements = 0;

static const char *last_error_sentence = "";
static uint64_t last_token = 0, launches = 0;

static SokrResult refuse(SokrResult code, const char *sentence) {
  last_error_sentence = sentence;
  return code;
}

static size_t say(const char *sentence, char *out, size_t capacity) {
  size_t size = strlen(sentence);
  if (capacity) {
    size_t copied = size < capacity ? size : capacity - 1u;
    memcpy(out, sentence, copied);
    out[copied] = 0;
  }
  return size;
}

#if HAS_1_2
/* The host's, if it has one: hosts of older versions end before it. */
static void (*trace)(void *trace_context, const SokrTraceSlice *slice) = NULL;
static void *trace_context = NULL;

/* A launch is one workgroup, whatever it says, and takes a microsecond. */
static void tell_of_launch(uint64_t token) {
  SokrTraceSlice slice;
  struct timespec now;
  if (!trace) return;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  memset(&slice, 0, sizeof slice);
  slice.struct_size = (uint32_t)(sizeof slice + MORE);
  slice.substrate = "abi:0";
  slice.name = "add";
  slice.plugin_token = token;
  slice.end_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  slice.begin_ns = slice.end_ns - 1000u;
  slice.group_count = 1;
  trace(trace_context,
        (const SokrTraceSlice *)fenced_elements(&slice, 1, sizeof slice, slice.struct_size));
}
#endif

/* ---- The substrate ------------------------------------------------------------------------ */

static SokrResult capability(const SokrCapabilityQuery *query, SokrCapabilityResponse *response) {
  memset(response, 0, sizeof *response);
  response->result = query->ir_format == LOWERED_FORMAT
                         ? SOKR_OK
                         : refuse(SOKR_CAPABILITY_DENIED, "abi accepts its own format only");
  return response->result;
}

static void add_to(const SokrBinding *binding, unsigned char amount) {
  unsigned char *bytes;
  uint64_t i;
  if (binding->kind != SOKR_BINDING_HOST || !(binding->access & SOKR_ACCESS_WRITE)) return;
  bytes = (unsigned char *)(uintptr_t)binding->resource + binding->offset;
  for (i = 0; i < binding->size; ++i) bytes[i] = (unsigned char)(bytes[i] + amount);
}

static SokrResult dispatch(const SokrDispatchRequest *request, SokrDispatchResponse *response) {
  LaunchReader launch;
  const uint8_t *params = (const uint8_t *)fenced(request->params, request->params_len);
  const char *wrong = launch_read(&launch, params, request->params_len);
  unsigned char amount = 0;
  uint32_t i;
  memset(response, 0, sizeof *response);
  if (wrong) return response->result = refuse(SOKR_INVALID_INPUT, wrong);
  if (launch.header.push_size) amount = launch.push[0];
  for (i = 0; i < launch.header.specialization_count; ++i) {
    SokrSpecialization constant = launch_specialization(&launch, i);
    if (constant.id == 7u) amount = (unsigned char)(amount + constant.value);
  }
  for (i = 0; i < launch.header.binding_count; ++i) {
    SokrBinding binding = launch_binding(&launch, i);
    add_to(&binding, amount);
  }
  ++launches;
  response->completion_token = ++last_token;
#if HAS_1_2
  tell_of_launch(last_token);
#endif
  return response->result = SOKR_OK;
}

static SokrResult completion(const SokrCompletionQuery *query, SokrCompletionSignal *signal) {
  *signal = query->completion_token <= last_token ? SOKR_COMPLETION_COMPLETE
                                                  : SOKR_COMPLETION_FAILED;
  return query->completion_token <= last_token ? SOKR_OK : SOKR_NOT_FOUND;
}

static void destroy(void) {}

static size_t last_error(char *out, size_t capacity) {
  return say(last_error_sentence, out, capacity);
}

static size_t completion_error(uint64_t token, char *out, size_t capacity) {
  (void)token;
  return say("", out, capacity);
}

static unsigned char memory[2][64];

static SokrResult create(uint64_t size, uint32_t flags, SokrBuffer *out) {
  static SokrBuffer made = 0;
  (void)flags;
  if (size > sizeof memory[0] || made == 2u) return refuse(SOKR_INVALID_INPUT, "too much");
  *out = ++made;
  return SOKR_OK;
}

static SokrResult write_buffer(SokrBuffer buffer, uint64_t offset, const void *from,
                               uint64_t size) {
  memcpy(memory[buffer - 1u] + offset, from, (size_t)size);
  return SOKR_OK;
}

static SokrResult read_buffer(SokrBuffer buffer, uint64_t offset, void *to, uint64_t size) {
  memcpy(to, memory[buffer - 1u] + offset, (size_t)size);
  return SOKR_OK;
}

#if HAS_1_1
static SokrResult copy_buffer(SokrBuffer from, uint64_t from_offset, SokrBuffer to,
                              uint64_t to_offset, uint64_t size) {
  memcpy(memory[to - 1u] + to_offset, memory[from - 1u] + from_offset, (size_t)size);
  return SOKR_OK;
}

static SokrResult statistics(SokrStatistics *out) {
  SokrStatistic one = {"launches", 0, SOKR_STATISTIC_TOTAL, 0};
  one.value = launches;
  out->count = 1;
  if (out->capacity) {
    (void)sokr_copy_sized(out->statistics, out->statistic_size, &one, sizeof one);
  }
  return SOKR_OK;
}
#endif

static const SokrSubstratePlugin vtable = {
    {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, 0}, capability, dispatch, completion, destroy};

/* Pointers at run time only: a table that ends at a fence is filled by code. */
static const SokrSubstrateInfo *make_info(void) {
  static const SokrFact facts[] = {{"first", "1"}, {"second", "2"}, {"third", "3"}};
  static const uint32_t formats[] = {LOWERED_FORMAT};
  SokrComputeLimits limits;
  SokrMemoryTable table;
  SokrDiagnosticsTable diagnostics;
  SokrSubstrateInfo info;
  memset(&limits, 0, sizeof limits);
  memset(&table, 0, sizeof table);
  memset(&diagnostics, 0, sizeof diagnostics);
  memset(&info, 0, sizeof info);
  limits.struct_size = (uint32_t)sizeof limits;
  limits.max_shared_memory = 12345;
  table.struct_size = (uint32_t)(sizeof table + MORE);
  table.create = create;
  table.write = write_buffer;
  table.read = read_buffer;
  diagnostics.struct_size = (uint32_t)(sizeof diagnostics + MORE);
  diagnostics.last_error = last_error;
  diagnostics.completion_error = completion_error;
  info.struct_size = (uint32_t)(sizeof info + MORE);
  info.kind = SOKR_KIND_OTHER;
  info.name = "abi:0";
  info.description = "made for a test";
  info.plugin = &vtable;
  info.ir_formats = (const uint32_t *)FENCED(formats);
  info.ir_format_count = 1;
  info.fact_count = 3;
  info.facts = (const SokrFact *)fenced_elements(facts, 3, sizeof facts[0],
                                                 sizeof facts[0] + more_elements);
#if HAS_1_1
  table.copy = copy_buffer;
  diagnostics.statistics = statistics;
  info.fact_size = (uint32_t)(sizeof facts[0] + more_elements);
#endif
  info.limits = (const SokrComputeLimits *)FENCED(limits);
  info.memory = (const SokrMemoryTable *)fenced_elements(&table, 1, sizeof table,
                                                         table.struct_size);
  info.diagnostics = (const SokrDiagnosticsTable *)fenced_elements(
      &diagnostics, 1, sizeof diagnostics, diagnostics.struct_size);
  return (const SokrSubstrateInfo *)fenced_elements(&info, 1, sizeof info, info.struct_size);
}

/* Reads as far as its header goes, and no further: the host may be older. */
static int options_are_read(const SokrHostInfo *host) {
  const SokrFact *second = NULL;
  if (host->struct_size < offsetof(SokrHostInfo, options) + sizeof host->options) return 0;
  if (host->option_count != 2u) return host->option_count == 0u;
#if HAS_1_1
  {
    size_t size =
        SOKR_HAS(SokrHostInfo, host, option_size) ? host->option_size : SOKR_FACT_SIZE_1_0;
    second = SOKR_ELEMENT(SokrFact, host->options, size, 1);
  }
#else
  second = &host->options[1];
#endif
  return strcmp(second->key, "abi.second") == 0 && strcmp(second->value, "two") == 0;
}

SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host) {
  static const SokrUnavailable missing[] = {{"abi:1", "it is not there"}, {"abi:2", "nor is it"}};
  static const SokrSubstrateInfo *infos[1];
  SokrPlugin plugin;
  if (host->compute_version >> 16 != SOKR_COMPUTE_VERSION >> 16) return NULL;
  if (!options_are_read(host)) return NULL;
#if HAS_1_2
  if (SOKR_HAS(SokrHostInfo, host, trace_context)) {
    trace = host->trace;
    trace_context = host->trace_context;
  }
#endif
  more_elements = (host->compute_version & 0xFFFFu) != 0u ? MORE : 0u;
  infos[0] = make_info();
  memset(&plugin, 0, sizeof plugin);
  plugin.struct_size = (uint32_t)(sizeof plugin + MORE);
  plugin.compute_version = SOKR_COMPUTE_VERSION;
  plugin.name = "abi";
  plugin.version = "1";
  plugin.substrates = (const SokrSubstrateInfo *const *)FENCED(infos);
  plugin.substrate_count = 1;
  plugin.unavailable = (const SokrUnavailable *)fenced_elements(missing, 2, sizeof missing[0],
                                                                sizeof missing[0] + more_elements);
  plugin.unavailable_count = 2;
#if HAS_1_1
  plugin.unavailable_size = (uint32_t)(sizeof missing[0] + more_elements);
#endif
  return (const SokrPlugin *)fenced_elements(&plugin, 1, sizeof plugin, plugin.struct_size);
}

/* ---- The IR plugin ------------------------------------------------------------------------ */

static int recognise(const uint8_t *data, size_t size) {
  return size >= 4u && memcmp(data, "ABI0", 4) == 0;
}

static SokrResult validate(const uint8_t *data, size_t size, char *sentence, size_t capacity) {
  (void)say("", sentence, capacity);
  return recognise(data, size) ? SOKR_OK : SOKR_INVALID_IR;
}

static SokrIrBinding bindings[2];
static SokrIrPushMember members[2] = {{"amount", "u32", 0, 4}, {"unused", "f32", 4, 4}};
static SokrIrSpecConstant constants[2];
static SokrIrEntryPoint entries[2];

static void fill_bindings(void) {
  uint32_t i;
  for (i = 0; i < 2u; ++i) {
    bindings[i].binding = i;
    bindings[i].count = 1;
    bindings[i].kind = i ? SOKR_IR_SAMPLED_IMAGE : SOKR_IR_STORAGE_BUFFER;
    bindings[i].access = SOKR_IR_READ | SOKR_IR_WRITE;
    bindings[i].min_size = 8;
    bindings[i].name = i ? "texture" : "data";
    constants[i].id = 7u + i;
    constants[i].type = SOKR_IR_U32;
    constants[i].declarations = 1;
    constants[i].name = i ? "later" : "amount";
  }
#if HAS_1_1
  bindings[1].dimension = SOKR_IMAGE_2D;
  bindings[1].image_flags = SOKR_IMAGE_ARRAYED;
  bindings[1].sampled_type = SOKR_IR_F32;
#endif
}

/* With elements of these sizes: those of 1.0 for who knows no other. */
static const SokrIrReflection *make_reflection(size_t reflection, size_t entry, size_t binding,
                                               size_t member, size_t constant, uint32_t local_x) {
  SokrIrReflection out;
  uint32_t i;
  fill_bindings();
  for (i = 0; i < 2u; ++i) {
    SokrIrEntryPoint *at = &entries[i];
    at->name = i ? "second" : "first";
    at->local_size[0] = local_x ? local_x : 4u + i;
    at->local_size[1] = at->local_size[2] = 1;
    at->local_size_spec_ids[0] = at->local_size_spec_ids[1] = at->local_size_spec_ids[2] =
        SOKR_IR_NO_SPEC_ID;
    at->binding_count = 2;
    at->bindings =
        (const SokrIrBinding *)fenced_elements(bindings, 2, sizeof bindings[0], binding);
    at->push_member_count = 2;
    at->push_members =
        (const SokrIrPushMember *)fenced_elements(members, 2, sizeof members[0], member);
    at->push_size = 8;
#if HAS_1_1
    {
      static const uint64_t shape[] = {3, SOKR_IR_ANY_EXTENT};
      SokrIrPort ports[2];
      memset(ports, 0, sizeof ports);
      ports[0].name = "data";
      ports[0].shape = (const uint64_t *)FENCED(shape);
      ports[0].rank = 2;
      ports[0].direction = SOKR_IR_IN_OUT;
      ports[0].type = SOKR_IR_U8;
      ports[1].name = "amount";
      ports[1].direction = SOKR_IR_IN;
      ports[1].kind = SOKR_IR_PORT_PARAMETER;
      ports[1].type = SOKR_IR_U32;
      at->binding_size = (uint32_t)binding;
      at->push_member_size = (uint32_t)member;
      at->port_count = 2;
      at->port_size = (uint32_t)(sizeof ports[0] + MORE);
      at->ports = (const SokrIrPort *)fenced_elements(ports, 2, sizeof ports[0], at->port_size);
    }
#endif
  }
  memset(&out, 0, sizeof out);
  out.struct_size = (uint32_t)reflection;
  out.entry_point_count = 2;
  out.entry_points =
      (const SokrIrEntryPoint *)fenced_elements(entries, 2, sizeof entries[0], entry);
  out.spec_constant_count = 2;
  out.spec_constants =
      (const SokrIrSpecConstant *)fenced_elements(constants, 2, sizeof constants[0], constant);
#if HAS_1_1
  out.entry_point_size = (uint32_t)entry;
  out.spec_constant_size = (uint32_t)constant;
#endif
  return (const SokrIrReflection *)fenced_elements(&out, 1, sizeof out, reflection);
}

static SokrResult reflect(const uint8_t *data, size_t size, const SokrIrSpecValue *values,
                          uint32_t value_count, const uint32_t *local_size,
                          const SokrIrReflection **out, char *sentence, size_t capacity) {
  (void)data, (void)size;
  (void)say("", sentence, capacity);
  *out = NULL;
  if (value_count && values[value_count - 1u].id != 7u) {
    (void)say("the last value is not of constant 7", sentence, capacity);
    return SOKR_INVALID_INPUT;
  }
#if HAS_1_1
  *out = make_reflection(SOKR_SIZE_THROUGH(SokrIrReflection, entry_types),
                         SOKR_IR_ENTRY_POINT_SIZE_1_0, SOKR_IR_BINDING_SIZE_1_0,
                         SOKR_IR_PUSH_MEMBER_SIZE_1_0, SOKR_IR_SPEC_CONSTANT_SIZE_1_0,
                         local_size ? local_size[0] : 0u);
#else
  *out = make_reflection(sizeof(SokrIrReflection), sizeof(SokrIrEntryPoint), sizeof(SokrIrBinding),
                         sizeof(SokrIrPushMember), sizeof(SokrIrSpecConstant),
                         local_size ? local_size[0] : 0u);
#endif
  return SOKR_OK;
}

static void free_reflection(const SokrIrReflection *given) {
  (void)given;
}

static SokrResult lower_for(uint32_t shared_memory, uint32_t target, uint8_t **out,
                            size_t *out_size) {
  if (target != LOWERED_FORMAT) return SOKR_INVALID_INPUT;
  *out = (uint8_t *)malloc(32);
  *out_size = (size_t)snprintf((char *)*out, 32, "ABLO%u", shared_memory);
  return SOKR_OK;
}

static SokrResult lower(const uint8_t *data, size_t size, uint32_t target, uint8_t **out,
                        size_t *out_size, char *sentence, size_t capacity) {
  (void)data, (void)size;
  (void)say("", sentence, capacity);
  return lower_for(0, target, out, out_size);
}

static void free_lowered(uint8_t *lowered) {
  free(lowered);
}

#if HAS_1_1
static SokrResult validate_request(const SokrIrRequest *request, char *sentence, size_t capacity) {
  return validate(request->data, request->size, sentence, capacity);
}

static SokrResult reflect_request(const SokrIrRequest *request, const SokrIrReflection **out,
                                  char *sentence, size_t capacity) {
  *out = NULL;
  if (request->specialization_count &&
      SOKR_ELEMENT(SokrIrSpecValue, request->specializations, request->specialization_size,
                   request->specialization_count - 1u)
              ->id != 7u) {
    (void)say("the last value is not of constant 7", sentence, capacity);
    return SOKR_INVALID_INPUT;
  }
  *out = make_reflection(sizeof(SokrIrReflection) + MORE, sizeof(SokrIrEntryPoint) + MORE,
                         sizeof(SokrIrBinding) + MORE, sizeof(SokrIrPushMember) + MORE,
                         sizeof(SokrIrSpecConstant) + MORE, request->local_size[0]);
  return SOKR_OK;
}

static SokrResult lower_request(const SokrIrRequest *request, uint8_t **out, size_t *out_size,
                                char *sentence, size_t capacity) {
  (void)say("", sentence, capacity);
  return lower_for(request->limits ? request->limits->max_shared_memory : 0u, request->target, out,
                   out_size);
}
#endif

SOKR_PLUGIN_EXPORT const SokrIrPlugin *sokr_ir_plugin_main(void) {
  static const uint32_t targets[] = {LOWERED_FORMAT};
  SokrIrPlugin plugin;
  memset(&plugin, 0, sizeof plugin);
  plugin.struct_size = (uint32_t)(sizeof plugin + MORE);
  plugin.ir_version = SOKR_IR_VERSION;
  plugin.name = "abi";
  plugin.version = "1";
  plugin.format = SOURCE_FORMAT;
  plugin.target_count = 1;
  plugin.targets = targets;
  plugin.recognise = recognise;
  plugin.validate = validate;
  plugin.reflect = reflect;
  plugin.free_reflection = free_reflection;
  plugin.lower = lower;
  plugin.free_lowered = free_lowered;
#if HAS_1_1
  plugin.validate_request = validate_request;
  plugin.reflect_request = reflect_request;
  plugin.lower_request = lower_request;
#endif
  return (const SokrIrPlugin *)fenced_elements(&plugin, 1, sizeof plugin, plugin.struct_size);
}
