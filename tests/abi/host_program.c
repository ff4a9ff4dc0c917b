/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program of one version of sokr/host.h, linked with the library of today:
 *
 *     host_program PLUGIN.so              runs plugin.c's kernel on "abi:0"
 *     host_program SAXPY.spv SUBSTRATE    runs saxpy on that one
 *
 * What it hands over and what is written for it ends at a page that cannot be touched.
 */
#include <sokr/host.h>

#include "fenced.h"

#define HAS_1_1 (SOKR_COMPUTE_VERSION >= 0x00010001)

static int dispatch(const SokrChoice *choice, const unsigned char *params, size_t size,
                    char *sentence, size_t capacity) {
  SokrDispatchRequest request;
  SokrDispatchResponse started;
  SokrCompletionQuery query;
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  memset(&request, 0, sizeof request);
  request.computation_id = choice->computation_id;
  request.substrate_id = choice->substrate_id;
  request.ir_data = choice->ir_data;
  request.ir_data_len = choice->ir_data_len;
  request.params = params;
  request.params_len = size;
  if (sokr_dispatch(&request, &started) != SOKR_OK) {
    (void)choice->info->diagnostics->last_error(sentence, capacity);
    return 0;
  }
  query.completion_token = started.completion_token;
  query.timeout_ns = UINT64_MAX;
  CHECK(sokr_completion(&query, &signal) == SOKR_OK && signal == SOKR_COMPLETION_COMPLETE);
  return 1;
}

static void run(const SokrChoice *choice, const SokrLaunch *given) {
  const SokrLaunch *launch = (const SokrLaunch *)FENCED(*given);
  size_t size = sokr_launch_size(launch);
  unsigned char *params = (unsigned char *)fenced(NULL, size);
  char sentence[300] = "";
  CHECK(sokr_host_write_launch(launch, params, size - 1) == 0u);
  CHECK(strstr(sokr_host_last_error(), "the buffer for them has") != NULL);
  CHECK(sokr_host_write_launch(launch, params, size) == size);
  if (dispatch(choice, params, size, sentence, sizeof sentence)) return;
  fprintf(stderr, "%s\n", sentence);
  exit(1);
}

#if HAS_1_1
/* What nobody does yet is refused by its name. */
static void refused(const SokrChoice *choice, const SokrLaunch *given, const char *name) {
  const SokrLaunch *launch = (const SokrLaunch *)FENCED(*given);
  size_t size = sokr_launch_size(launch);
  unsigned char *params = (unsigned char *)fenced(NULL, size);
  char sentence[300] = "";
  CHECK(sokr_host_write_launch(launch, params, size) == size);
  CHECK(!dispatch(choice, params, size, sentence, sizeof sentence));
  printf("refused: %s\n", sentence);
  CHECK(strstr(sentence, name) != NULL);
}
#endif

static SokrChoice *choose(SokrHost *host, const char *name, const void *kernel, size_t size) {
  SokrChoice *choice = (SokrChoice *)fenced(NULL, sizeof *choice);
  CHECK(sokr_host_choose(host, name, kernel, 1, choice) != SOKR_OK);
  CHECK(choice->info == NULL && choice->ir_data_len == 0u);
  if (sokr_host_choose(host, name, kernel, size, choice) != SOKR_OK) {
    fprintf(stderr, "%s\n", sokr_host_last_error());
    exit(1);
  }
  CHECK(choice->info && choice->ir_data_len != 0u);
  return choice;
}

static SokrBinding host_binding(uint32_t binding, uint32_t access, void *data, size_t size) {
  SokrBinding bound;
  memset(&bound, 0, sizeof bound);
  bound.binding = binding;
  bound.kind = SOKR_BINDING_HOST;
  bound.access = access;
  bound.resource = (uint64_t)(uintptr_t)data;
  bound.size = size;
  return bound;
}

static const SokrIrEntryPoint *entry_at(const SokrIrReflection *reflection, uint32_t i) {
#if HAS_1_1
  return SOKR_ELEMENT(SokrIrEntryPoint, reflection->entry_points, reflection->entry_point_size, i);
#else
  return &reflection->entry_points[i];
#endif
}

static const SokrIrBinding *binding_at(const SokrIrEntryPoint *entry, uint32_t i) {
#if HAS_1_1
  return SOKR_ELEMENT(SokrIrBinding, entry->bindings, entry->binding_size, i);
#else
  return &entry->bindings[i];
#endif
}

static void check_reflection(SokrHost *host) {
  SokrSpecialization values[2] = {{8, 4, 1}, {7, 4, 1}};
  const uint32_t threads[3] = {33, 1, 1};
  const uint32_t local_size[3] = {16, 1, 1};
  uint32_t groups[3] = {0, 0, 0};
  const SokrIrReflection *reflection = NULL;
  CHECK(sokr_host_reflect(host, "ABI0", 4, (const SokrSpecialization *)FENCED(values), 2,
                          local_size, &reflection) == SOKR_OK);
  CHECK(reflection->entry_point_count == 2u && reflection->spec_constant_count == 2u);
  CHECK(reflection->struct_size == sizeof *reflection);
  CHECK(strcmp(entry_at(reflection, 1)->name, "second") == 0);
  CHECK(strcmp(binding_at(entry_at(reflection, 1), 1)->name, "texture") == 0);
#if HAS_1_1
  CHECK(SOKR_ELEMENT(SokrIrSpecConstant, reflection->spec_constants,
                     reflection->spec_constant_size, 1)
            ->id == 8u);
#else
  CHECK(reflection->spec_constants[1].id == 8u);
#endif
  CHECK(sokr_host_groups(reflection, "second", threads, groups) == SOKR_OK);
  CHECK(groups[0] == 3u && groups[1] == 1u);
  CHECK(sokr_host_groups(reflection, "third", threads, groups) == SOKR_INVALID_INPUT);
  sokr_host_free_reflection(reflection);
}

static void run_ours(SokrHost *host) {
  unsigned char *data = (unsigned char *)fenced("\1\2\3\4\5\6\7\10", 8);
  static const uint32_t push[] = {5, 0};
  SokrSpecialization constants[2] = {{9, 4, 100}, {7, 4, 30}};
  SokrBinding bound[2];
  SokrLaunch launch;
  uint32_t id = 0;
  const SokrSubstrateInfo *info = sokr_host_find(host, "abi:0", &id);
  SokrChoice *choice = choose(host, "abi:0", "ABI0", 4);
  CHECK(info == choice->info && id == choice->substrate_id);
  CHECK(info->fact_count == 3u && strcmp(info->facts[2].value, "3") == 0);
  CHECK(memcmp(choice->ir_data, "ABLO", 4) == 0);
  bound[0] = host_binding(0, SOKR_ACCESS_READ, data, 8);
  bound[1] = host_binding(1, SOKR_ACCESS_READ_WRITE, data, 8);
  memset(&launch, 0, sizeof launch);
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = (const SokrBinding *)FENCED(bound);
  launch.binding_count = 2;
  launch.push = push;
  launch.push_size = sizeof push;
  launch.specializations = (const SokrSpecialization *)FENCED(constants);
  launch.specialization_count = 2;
  run(choice, &launch);
  CHECK(data[0] == 36 && data[7] == 43);
  check_reflection(host);
  printf("ran on %s as %.*s\n", info->name, (int)choice->ir_data_len,
         (const char *)choice->ir_data);
}

static void run_saxpy(SokrHost *host, const char *path, const char *name) {
  static unsigned char kernel[1 << 20];
  FILE *file = fopen(path, "rb");
  float *x = (float *)fenced(NULL, 100 * sizeof *x), *y = (float *)fenced(NULL, 100 * sizeof *y);
  struct {
    uint32_t n;
    float a;
  } push = {100, 3};
  SokrBinding bound[2];
  SokrLaunch launch;
  size_t size;
  uint32_t i;
  SokrChoice *choice;
  CHECK(file != NULL);
  size = fread(kernel, 1, sizeof kernel, file);
  fclose(file);
  choice = choose(host, name, kernel, size);
  for (i = 0; i < 100u; ++i) x[i] = (float)i, y[i] = 1;
  bound[0] = host_binding(0, SOKR_ACCESS_READ, x, 100 * sizeof *x);
  bound[1] = host_binding(1, SOKR_ACCESS_READ_WRITE, y, 100 * sizeof *y);
  memset(&launch, 0, sizeof launch);
  launch.groups[0] = 10, launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = (const SokrBinding *)FENCED(bound);
  launch.binding_count = 2;
  launch.push = &push;
  launch.push_size = sizeof push;
  run(choice, &launch);
#if HAS_1_1
  launch.base_groups[0] = UINT32_MAX; /* beyond the end, or no other start at all */
  refused(choice, &launch, "base_groups");
  launch.base_groups[0] = 0;
  bound[0].kind = SOKR_BINDING_IMAGE;
  launch.bindings = (const SokrBinding *)FENCED(bound);
  refused(choice, &launch, "binding 0.0 is an image");
  {
    const SokrMemoryTable *memory = choice->info->memory;
    SokrImageInfo image;
    SokrImage made = 1;
    memset(&image, 0, sizeof image);
    image.struct_size = (uint32_t)sizeof image;
    CHECK(memory->create_image((const SokrImageInfo *)FENCED(image), &made) ==
          SOKR_CAPABILITY_DENIED);
    CHECK(made == 0u);
  }
#endif
  for (i = 0; i < 100u; ++i) CHECK(y[i] == 1.0f + 3.0f * (float)i);
  printf("saxpy ran on %s\n", name);
}

int main(int argc, char **argv) {
  SokrHost *host = argc > 1 ? sokr_host_open(argc == 2 ? argv[1] : NULL) : NULL;
  if (!host) return 2;
  if (argc == 3 && !sokr_host_find(host, argv[2], NULL)) {
    printf("skipped: %s\n", sokr_host_last_error());
  } else if (argc == 3) {
    run_saxpy(host, argv[1], argv[2]);
  } else {
    run_ours(host);
  }
  sokr_host_close(host);
  return 0;
}
