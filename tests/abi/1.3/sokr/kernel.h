/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/kernel.h - kernels that are prepared once: part 5 of sokr/compute.h, which includes it.
 *
 * A dispatch finds its kernel by the bytes of its IR and by what the launch says of them, which
 * costs a comparison of all of them. What is launched again and again can be prepared instead:
 *
 *     SokrKernelInfo info = {.struct_size = sizeof info, .ir_format = SOKR_IR_SPIRV,
 *                            .ir_data = spirv, .ir_size = spirv_size, .entry = "main"};
 *     const SokrKernelInfo *all[] = {&info};
 *     SokrKernel kernel;
 *     if (table->prepare(all, 1, &kernel) != SOKR_OK) ...
 *
 *     SokrPreparedIr ir = sokr_prepared_ir(kernel);
 *     SokrDispatchRequest request = {.substrate_id = id, .ir_data = (const uint8_t *)&ir,
 *                                    .ir_data_len = sizeof ir, .params = ..., .params_len = ...};
 *
 * The three calls stay what they are: a handle is IR, in a format of its own that only the
 * substrate that gave it out reads. It is looked up by index and generation, and nothing that it
 * says is trusted. The launch of a prepared kernel leaves out what was said when it was prepared:
 * entry, specializations, local_size and subgroup_size.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_KERNEL_H_
#define SOKR_KERNEL_H_

#include <sokr/growth.h>
#include <sokr/launch.h>
#include <sokr/sokr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A prepared kernel of one substrate, never given out twice by it. 0 is none. */
typedef uint64_t SokrKernel;

/* The format of a SokrPreparedIr, for capability: SOKR_OK while the kernel is prepared. */
#define SOKR_IR_PREPARED UINT32_C(0x534F4B50)

/* What to prepare. Everything pointed to is borrowed until `prepare` returns. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrKernelInfo) */
  uint32_t ir_format;   /* one that the substrate takes as it is */
  const uint8_t *ir_data;
  uint64_t ir_size;
  const char *entry; /* as in SokrLaunch; null = the module's only entry point */
  const SokrSpecialization *specializations;
  uint32_t specialization_count;
  uint32_t specialization_size; /* sizeof(SokrSpecialization) */
  uint32_t local_size[3];       /* as in SokrLaunch; all 0 = the module's own */
  uint32_t subgroup_size;       /* 0 = the substrate's default */
  SokrComputationId computation_id; /* as in a dispatch; all 0 = none */
  /* "key=value"; what a substrate does not know it ignores. There is
   *   compile=now    (the default) ready to run when `prepare` returns
   *   compile=soon   judged when `prepare` returns, and compiled by threads of the substrate's own,
   *                  the largest first; a launch that is earlier waits, or compiles it
   *   compile=later  judged when `prepare` returns, and compiled by the launch that needs it
   *   bindings=apart   (the default) launches will mostly bind memory that does not overlap,
   *   bindings=overlap or such that does, where the kernel writes. It decides what is compiled
   *                    before a launch; a launch of the other kind is as right, and may be later
   * What a substrate judged and cannot compile after all fails the launch. */
  const char *const *options;
  uint32_t option_count;
  uint32_t reserved; /* 0 */
} SokrKernelInfo;

/* The functions may be called from any thread at once. Failures leave their sentence with
 * SokrDiagnosticsTable.last_error. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrKernelTable) */
  uint32_t reserved;
  /* Compiles `count` kernels, on as many cores as there are, and returns when all are ready to run,
   * or judged. All or none: if one cannot be prepared, all of `kernels_out` are 0, its result is
   * returned, and the sentence says which it was. What is prepared takes memory beside the bound
   * of the substrate's own caches until it is released. May block as long as compiling takes.
   * SOKR_INVALID_INPUT, SOKR_INVALID_IR, SOKR_CAPABILITY_DENIED: as a dispatch would answer.
   * A kernel may also be one that is prepared, as a SokrPreparedIr, about which nothing is said
   * again: it gets another handle, and compile=soon or now has what was for later compiled. `cpu`
   * takes these, other substrates may refuse them. */
  SokrResult (*prepare)(const SokrKernelInfo *const *kernels, uint32_t count,
                        SokrKernel *kernels_out);
  /* Ends a handle: launches that were accepted go on, a dispatch that names it from now on answers
   * SOKR_NOT_FOUND. SOKR_NOT_FOUND if it is not prepared. Does not block for launches. */
  SokrResult (*release)(SokrKernel kernel);
} SokrKernelTable;

/* The IR that names a prepared kernel: these 16 bytes, in the machine's own order. */
typedef struct {
  uint32_t magic;   /* SOKR_IR_PREPARED */
  uint32_t version; /* 1 */
  uint64_t kernel;  /* SokrKernel */
} SokrPreparedIr;

static inline SokrPreparedIr sokr_prepared_ir(SokrKernel kernel) {
  SokrPreparedIr ir;
  ir.magic = SOKR_IR_PREPARED;
  ir.version = 1;
  ir.kernel = kernel;
  return ir;
}

SOKR_STATIC_ASSERT_(sizeof(SokrPreparedIr) == 16, "SokrPreparedIr is 16 bytes");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_KERNEL_H_ */
