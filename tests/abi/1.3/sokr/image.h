/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/image.h - what images are, in the words that kernels (sokr/ir.h) and memory
 * (sokr/memory.h) share. Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_IMAGE_H_
#define SOKR_IMAGE_H_

typedef enum {
  SOKR_IMAGE_NONE = 0, /* not an image */
  SOKR_IMAGE_1D = 1,
  SOKR_IMAGE_2D = 2,
  SOKR_IMAGE_3D = 3,
  SOKR_IMAGE_CUBE = 4,
  SOKR_IMAGE_BUFFER = 5, /* texels in a buffer: a texel buffer */
  SOKR_IMAGE_DIMENSION_FORCE_32 = 0x7FFFFFFF
} SokrImageDimension;

typedef enum {
  SOKR_IMAGE_ARRAYED = 1,      /* layers, chosen by one more coordinate */
  SOKR_IMAGE_MULTISAMPLED = 2, /* several samples a texel, chosen by their number */
  SOKR_IMAGE_DEPTH = 4,        /* compared with a reference value when sampled */
  SOKR_IMAGE_FLAGS_FORCE_32 = 0x7FFFFFFF
} SokrImageFlags;

/* Of a texel. F is a float, I and U are integers; plain numbers are normalised to 0..1, SNORM
 * to -1..1. The numbers up to 41 are those of SPIR-V's image formats. */
typedef enum {
  SOKR_IMAGE_FORMAT_NONE = 0, /* of a kernel: any that fits its sampled type */
  SOKR_IMAGE_RGBA32F = 1, SOKR_IMAGE_RGBA16F = 2, SOKR_IMAGE_R32F = 3,
  SOKR_IMAGE_RGBA8 = 4, SOKR_IMAGE_RGBA8_SNORM = 5, SOKR_IMAGE_RG32F = 6,
  SOKR_IMAGE_RG16F = 7, SOKR_IMAGE_R11G11B10F = 8, SOKR_IMAGE_R16F = 9,
  SOKR_IMAGE_RGBA16 = 10, SOKR_IMAGE_RGB10A2 = 11, SOKR_IMAGE_RG16 = 12, SOKR_IMAGE_RG8 = 13,
  SOKR_IMAGE_R16 = 14, SOKR_IMAGE_R8 = 15, SOKR_IMAGE_RGBA16_SNORM = 16,
  SOKR_IMAGE_RG16_SNORM = 17, SOKR_IMAGE_RG8_SNORM = 18, SOKR_IMAGE_R16_SNORM = 19,
  SOKR_IMAGE_R8_SNORM = 20, SOKR_IMAGE_RGBA32I = 21, SOKR_IMAGE_RGBA16I = 22,
  SOKR_IMAGE_RGBA8I = 23, SOKR_IMAGE_R32I = 24, SOKR_IMAGE_RG32I = 25, SOKR_IMAGE_RG16I = 26,
  SOKR_IMAGE_RG8I = 27, SOKR_IMAGE_R16I = 28, SOKR_IMAGE_R8I = 29, SOKR_IMAGE_RGBA32U = 30,
  SOKR_IMAGE_RGBA16U = 31, SOKR_IMAGE_RGBA8U = 32, SOKR_IMAGE_R32U = 33,
  SOKR_IMAGE_RGB10A2U = 34, SOKR_IMAGE_RG32U = 35, SOKR_IMAGE_RG16U = 36, SOKR_IMAGE_RG8U = 37,
  SOKR_IMAGE_R16U = 38, SOKR_IMAGE_R8U = 39, SOKR_IMAGE_R64U = 40, SOKR_IMAGE_R64I = 41,
  SOKR_IMAGE_RGBA8_SRGB = 64, SOKR_IMAGE_BGRA8 = 65, SOKR_IMAGE_BGRA8_SRGB = 66,
  SOKR_IMAGE_D16 = 67, SOKR_IMAGE_D32F = 68,
  SOKR_IMAGE_FORMAT_FORCE_32 = 0x7FFFFFFF
} SokrImageFormat;

#endif /* SOKR_IMAGE_H_ */
