/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program of one version of the headers that calls a plugin's tables itself, as that version's
 * host would: table_program PLUGIN.so [KERNEL.spv]. With plugin.c's library it checks every value;
 * with KERNEL.spv it reads what an IR plugin says of that. All that it hands over ends at a page
 * that cannot be read. Prints what it did; 1 if something is not as it should be.
 */
#include <dlfcn.h>
#include <sokr/compute.h>
#include <sokr/ir.h>

#include "fenced.h"

#define HAS_1_1 (SOKR_COMPUTE_VERSION >= 0x00010001)
#define HAS_1_2 (SOKR_COMPUTE_VERSION >= 0x00010002)

/* How this version goes through arrays. */
#if HAS_1_1
#define AT(type, array, owner_type, owner, size_member, first, i)                               \
  SOKR_ELEMENT(type, array,                                                                     \
               SOKR_HAS(owner_type, owner, size_member) ? (owner)->size_member : (first), i)
#else
#define AT(type, array, owner_type, owner, size_member, first, i) (&(array)[i])
#endif

static void nothing_to_log(void *context, uint32_t level, const char *line) {
  (void)context, (void)level, (void)line;
}

#if HAS_1_2
/* Counts slices, in what it was given as context. */
static unsigned traced = 0;

static void count_slice(void *context, const SokrTraceSlice *slice) {
  CHECK(SOKR_HAS(SokrTraceSlice, slice, group_count));
  CHECK(strcmp(slice->substrate, "abi:0") == 0 && strcmp(slice->name, "add") == 0);
  CHECK(slice->thread == NULL && slice->plugin_token != 0u);
  CHECK(slice->end_ns == slice->begin_ns + 1000u);
  CHECK(slice->first_group == 0u && slice->group_count == 1u);
  ++*(unsigned *)context;
}
#endif

static const SokrHostInfo *make_host(void) {
  static const SokrFact options[] = {{"abi.first", "one"}, {"abi.second", "two"}};
  SokrHostInfo host;
  memset(&host, 0, sizeof host);
  host.struct_size = (uint32_t)sizeof host;
  host.compute_version = SOKR_COMPUTE_VERSION;
  host.log = nothing_to_log;
  host.option_count = 2;
  host.options = (const SokrFact *)FENCED(options);
#if HAS_1_1
  host.option_size = (uint32_t)sizeof options[0];
#endif
#if HAS_1_2
  host.trace = count_slice;
  host.trace_context = &traced;
#endif
  return (const SokrHostInfo *)FENCED(host);
}

static SokrResult run(const SokrSubstrateInfo *info, const SokrLaunch *launch) {
  unsigned char params[1024];
  size_t size = sokr_launch_write(launch, params, sizeof params);
  SokrDispatchRequest request;
  SokrDispatchResponse response;
  SokrCompletionQuery query;
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  CHECK(size != 0u && size == sokr_launch_size(launch));
  memset(&request, 0, sizeof request);
  request.substrate_id = 1;
  request.ir_data = (const uint8_t *)"ABLO0";
  request.ir_data_len = 5;
  request.params = (const uint8_t *)fenced(params, size);
  request.params_len = size;
  if (info->plugin->dispatch_fn(&request, &response) != SOKR_OK) return response.result;
  query.completion_token = response.completion_token;
  query.timeout_ns = UINT64_MAX;
  CHECK(info->plugin->completion_fn(&query, &signal) == SOKR_OK);
  CHECK(signal == SOKR_COMPLETION_COMPLETE);
  return SOKR_OK;
}

#if HAS_1_1
static void refused(const SokrSubstrateInfo *info, const SokrLaunch *launch) {
  char sentence[200] = "";
  CHECK(run(info, launch) != SOKR_OK);
  CHECK(info->diagnostics->last_error(sentence, sizeof sentence) != 0u);
  printf("  refused: %s\n", sentence);
}
#endif

static void check_launches(const SokrSubstrateInfo *info) {
  unsigned char *data = (unsigned char *)fenced("\1\2\3\4\5\6\7\10", 8);
  static const uint32_t push[] = {5, 0};
  SokrBinding bound[2];
  SokrSpecialization constants[2] = {{9, 4, 100}, {7, 4, 30}};
  SokrLaunch launch;
  memset(bound, 0, sizeof bound);
  bound[0].kind = SOKR_BINDING_NULL;
  bound[1].binding = 1;
  bound[1].kind = SOKR_BINDING_HOST;
  bound[1].access = SOKR_ACCESS_READ_WRITE;
  bound[1].resource = (uint64_t)(uintptr_t)data;
  bound[1].size = 8;
  memset(&launch, 0, sizeof launch);
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = (const SokrBinding *)FENCED(bound);
  launch.binding_count = 2;
  launch.push = push;
  launch.push_size = sizeof push;
  launch.specializations = (const SokrSpecialization *)FENCED(constants);
  launch.specialization_count = 2;
  CHECK(run(info, &launch) == SOKR_OK);
  CHECK(data[0] == 36 && data[7] == 43);
#if HAS_1_1
  launch.base_groups[1] = 2;
  refused(info, &launch);
  launch.base_groups[1] = 0;
  bound[1].kind = SOKR_BINDING_IMAGE;
  bound[1].offset = bound[1].size = 0;
  launch.bindings = (const SokrBinding *)FENCED(bound);
  refused(info, &launch);
  CHECK(data[0] == 36 && data[7] == 43);
#endif
}

static void check_memory(const SokrMemoryTable *table) {
  SokrBuffer first = 0, second = 0;
  char text[8] = "";
  CHECK(table->create(64, 0, &first) == SOKR_OK && table->create(64, 0, &second) == SOKR_OK);
  CHECK(table->write(first, 4, "abcdef", 7) == SOKR_OK);
  CHECK(table->read(first, 4, text, 7) == SOKR_OK && strcmp(text, "abcdef") == 0);
#if HAS_1_1
  if (SOKR_HAS(SokrMemoryTable, table, copy) && table->copy) {
    memset(text, 0, sizeof text);
    CHECK(table->copy(first, 4, second, 8, 7) == SOKR_OK);
    CHECK(table->read(second, 8, text, 7) == SOKR_OK && strcmp(text, "abcdef") == 0);
    printf("  copied\n");
  }
#endif
}

static void check_statistics(const SokrDiagnosticsTable *table) {
#if HAS_1_1
  SokrStatistics asked;
  SokrStatistic *one = (SokrStatistic *)fenced(NULL, sizeof *one);
  if (!SOKR_HAS(SokrDiagnosticsTable, table, statistics) || !table->statistics) return;
  memset(&asked, 0, sizeof asked);
  asked.struct_size = (uint32_t)sizeof asked;
  asked.statistic_size = (uint32_t)sizeof *one;
  asked.statistics = one;
  asked.capacity = 1;
  CHECK(table->statistics((SokrStatistics *)FENCED(asked)) == SOKR_OK);
  CHECK(strcmp(one->name, "launches") == 0 && one->value == 1u);
  printf("  counted\n");
#else
  (void)table;
#endif
}

/* Of a structure that begins with its size, so much as this version knows and it has. */
static void *known(const void *from, size_t size) {
  uint32_t given;
  unsigned char *copy = (unsigned char *)fenced(NULL, size);
  memset(copy, 0, size);
  memcpy(&given, from, sizeof given);
  memcpy(copy, from, given < size ? given : size);
  return copy;
}

static void check_substrates(const SokrPlugin *given, int is_ours) {
  SokrPlugin *plugin = (SokrPlugin *)known(given, sizeof *plugin);
  uint32_t i, k;
  CHECK(plugin->compute_version >> 16 == SOKR_COMPUTE_VERSION >> 16);
  for (i = 0; i < plugin->unavailable_count; ++i) {
    const SokrUnavailable *one = AT(SokrUnavailable, plugin->unavailable, SokrPlugin, plugin,
                                    unavailable_size, SOKR_UNAVAILABLE_SIZE_1_0, i);
    printf("  unavailable: %s: %s\n", one->name, one->reason);
    if (is_ours) CHECK(strcmp(one->name, i ? "abi:2" : "abi:1") == 0);
  }
  for (i = 0; i < plugin->substrate_count; ++i) {
    SokrSubstrateInfo *info =
        (SokrSubstrateInfo *)known(plugin->substrates[i], sizeof(SokrSubstrateInfo));
    printf("  %s, %s, %u facts\n", info->name, info->description, info->fact_count);
    for (k = 0; k < info->fact_count; ++k) {
      const SokrFact *fact =
          AT(SokrFact, info->facts, SokrSubstrateInfo, info, fact_size, SOKR_FACT_SIZE_1_0, k);
      CHECK(*fact->key && *fact->value);
      if (is_ours) CHECK(fact->value[0] == (char)('1' + (int)k) && fact->value[1] == 0);
    }
    if (!is_ours) continue;
    check_launches(info);
#if HAS_1_2
    CHECK((traced != 0u) == (plugin->compute_version >= 0x00010002));
    printf("  told of %u slices\n", traced);
#endif
    check_memory((const SokrMemoryTable *)known(info->memory, sizeof(SokrMemoryTable)));
    check_statistics(
        (const SokrDiagnosticsTable *)known(info->diagnostics, sizeof(SokrDiagnosticsTable)));
  }
}

/* ---- IR ------------------------------------------------------------------------------------- */

static void check_entry(const SokrIrEntryPoint *entry, int is_ours, int is_requested) {
  uint32_t i;
  (void)is_requested;
  printf("  entry point %s, %u bindings, %u push members\n", entry->name, entry->binding_count,
         entry->push_member_count);
  for (i = 0; i < entry->binding_count; ++i) {
#if HAS_1_1
    const SokrIrBinding *b = SOKR_ELEMENT(
        SokrIrBinding, entry->bindings, is_requested ? entry->binding_size : SOKR_IR_BINDING_SIZE_1_0,
        i);
    if (is_requested && is_ours) {
      CHECK(b->dimension == (i ? (uint32_t)SOKR_IMAGE_2D : (uint32_t)SOKR_IMAGE_NONE));
    }
#else
    const SokrIrBinding *b = &entry->bindings[i];
#endif
    if (is_ours) CHECK(b->binding == i && strcmp(b->name, i ? "texture" : "data") == 0);
    CHECK(b->name && b->count <= 64u);
  }
  for (i = 0; i < entry->push_member_count; ++i) {
#if HAS_1_1
    const SokrIrPushMember *m =
        SOKR_ELEMENT(SokrIrPushMember, entry->push_members,
                     is_requested ? entry->push_member_size : SOKR_IR_PUSH_MEMBER_SIZE_1_0, i);
#else
    const SokrIrPushMember *m = &entry->push_members[i];
#endif
    CHECK(m->name && m->type);
    if (is_ours) CHECK(m->offset == 4u * i);
  }
#if HAS_1_1
  if (is_requested && is_ours) {
    const SokrIrPort *port;
    CHECK(entry->port_count == 2u);
    port = SOKR_ELEMENT(SokrIrPort, entry->ports, entry->port_size, 0);
    CHECK(strcmp(port->name, "data") == 0 && port->rank == 2u && port->shape[0] == 3u &&
          port->shape[1] == SOKR_IR_ANY_EXTENT);
    port = SOKR_ELEMENT(SokrIrPort, entry->ports, entry->port_size, 1);
    CHECK(strcmp(port->name, "amount") == 0 && port->kind == (uint32_t)SOKR_IR_PORT_PARAMETER);
  }
#endif
}

static void check_reflection(const SokrIrReflection *given, int is_ours, int is_requested) {
  SokrIrReflection *all = (SokrIrReflection *)known(given, sizeof *all);
  uint32_t i;
  CHECK(all->entry_point_count != 0u);
  if (is_ours) CHECK(all->entry_point_count == 2u && all->spec_constant_count == 2u);
  for (i = 0; i < all->entry_point_count; ++i) {
#if HAS_1_1
    const SokrIrEntryPoint *entry =
        SOKR_ELEMENT(SokrIrEntryPoint, all->entry_points,
                     is_requested ? all->entry_point_size : SOKR_IR_ENTRY_POINT_SIZE_1_0, i);
#else
    const SokrIrEntryPoint *entry = &all->entry_points[i];
#endif
    if (is_ours) {
      CHECK(strcmp(entry->name, i ? "second" : "first") == 0 && entry->local_size[0] == 16u);
    }
    check_entry(entry, is_ours, is_requested);
  }
  for (i = 0; i < all->spec_constant_count; ++i) {
#if HAS_1_1
    const SokrIrSpecConstant *constant =
        SOKR_ELEMENT(SokrIrSpecConstant, all->spec_constants,
                     is_requested ? all->spec_constant_size : SOKR_IR_SPEC_CONSTANT_SIZE_1_0, i);
#else
    const SokrIrSpecConstant *constant = &all->spec_constants[i];
#endif
    CHECK(constant->name && constant->declarations != 0u);
    if (is_ours) CHECK(constant->id == 7u + i);
  }
}

static void check_ir(const SokrIrPlugin *given, const uint8_t *kernel, size_t size, int is_ours) {
  SokrIrPlugin *ir = (SokrIrPlugin *)known(given, sizeof *ir);
  SokrIrSpecValue values[2] = {{8, 4, 1}, {7, 4, 1}};
  const uint32_t local_size[3] = {16, 1, 1};
  const SokrIrReflection *reflection = NULL;
  char sentence[300] = "";
  uint8_t *lowered = NULL;
  size_t lowered_size = 0;
  uint32_t value_count = is_ours ? 2u : 0u;
  const uint32_t *sized = is_ours ? local_size : NULL;
  CHECK(ir->ir_version >> 16 == SOKR_IR_VERSION >> 16);
  CHECK(ir->recognise(kernel, size) == 1);
  CHECK(ir->validate(kernel, size, sentence, sizeof sentence) == SOKR_OK);
  CHECK(ir->reflect(kernel, size, (const SokrIrSpecValue *)FENCED(values), value_count, sized,
                    &reflection, sentence, sizeof sentence) == SOKR_OK);
  check_reflection(reflection, is_ours, 0);
  ir->free_reflection(reflection);
  if (is_ours) {
    CHECK(ir->lower(kernel, size, ir->targets[0], &lowered, &lowered_size, sentence,
                    sizeof sentence) == SOKR_OK);
    CHECK(lowered_size == 5u && memcmp(lowered, "ABLO0", 5) == 0);
    ir->free_lowered(lowered);
  }
#if HAS_1_1
  if (SOKR_HAS(SokrIrPlugin, ir, reflect_request) && ir->reflect_request) {
    SokrIrRequest request;
    memset(&request, 0, sizeof request);
    request.struct_size = (uint32_t)sizeof request;
    request.ir_version = SOKR_IR_VERSION;
    request.data = kernel;
    request.size = size;
    request.specializations = (const SokrIrSpecValue *)FENCED(values);
    request.specialization_count = value_count;
    request.specialization_size = (uint32_t)sizeof values[0];
    if (sized) memcpy(request.local_size, sized, sizeof request.local_size);
    CHECK(ir->validate_request((const SokrIrRequest *)FENCED(request), sentence,
                               sizeof sentence) == SOKR_OK);
    CHECK(ir->reflect_request((const SokrIrRequest *)FENCED(request), &reflection, sentence,
                              sizeof sentence) == SOKR_OK);
    check_reflection(reflection, is_ours, 1);
    ir->free_reflection(reflection);
    printf("  asked by requests\n");
  }
#endif
}

int main(int argc, char **argv) {
  static uint8_t kernel[1 << 20] = "ABI0";
  size_t kernel_size = 4;
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  SokrPluginMainFn plugin_main;
  SokrIrPluginMainFn ir_main;
  int is_ours = 1;
  if (!library) {
    fprintf(stderr, "table_program PLUGIN.so [KERNEL.spv]: %s\n", argc > 1 ? dlerror() : "");
    return 2;
  }
  *(void **)&plugin_main = dlsym(library, SOKR_PLUGIN_MAIN);
  *(void **)&ir_main = dlsym(library, SOKR_IR_PLUGIN_MAIN);
  if (argc > 2) {
    FILE *file = fopen(argv[2], "rb");
    CHECK(file != NULL);
    kernel_size = fread(kernel, 1, sizeof kernel, file);
    fclose(file);
    is_ours = 0;
  }
  is_ours = is_ours && plugin_main && ir_main; /* both are in plugin.c's library only */
  printf("headers %u.%u, %s\n", SOKR_COMPUTE_VERSION >> 16, SOKR_COMPUTE_VERSION & 0xFFFFu, argv[1]);
  CHECK(plugin_main || ir_main);
  if (plugin_main) {
    const SokrPlugin *plugin = plugin_main(make_host());
    CHECK(plugin != NULL);
    check_substrates(plugin, is_ours);
  }
  if (ir_main) {
    const SokrIrPlugin *ir = ir_main();
    CHECK(ir != NULL);
    check_ir(ir, kernel, kernel_size, is_ours);
  }
  return 0;
}
