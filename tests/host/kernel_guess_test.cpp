// SPDX-License-Identifier: MIT OR Apache-2.0
#include "mocks.hpp"

namespace sokr::tests {
namespace {

std::string refusal(std::string_view bytes) {
  static const Context context{mocks({"ir"})};
  try {
    (void)context.kernel(bytes_of(bytes));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), SOKR_INVALID_IR);
    return error.what();
  }
  return "accepted";
}

TEST(KernelGuess, SourcesAreNamedWithTheirCompiler) {
  const std::pair<std::string_view, std::string_view> kinds[] = {
      {"#version 450\nlayout(local_size_x = 64) in;\nvoid main() {}\n",
       "the kernel is GLSL source; compile it: glslc -fshader-stage=compute "},
      {"// no version\nvoid main() { uint i = gl_GlobalInvocationID.x; }", "GLSL source"},
      {"\xEF\xBB\xBF#version 460\n", "GLSL source"},
      // Behind a byte that no WGSL begins with: its plugin, if there is one, does not take it.
      {"~@group(0) @binding(0) var<storage> x: array<u32>;\n@compute @workgroup_size(1) fn main() "
       "{}",
       "WGSL source; compile it: naga "},
      {"// common\n  #include \"shared\"\n@group(0) @binding(0) var<storage> x: array<u32>;",
       "WGSL source with lines for a preprocessor, the first of which is line 2, '#include'; WGSL "
       "has none: run that preprocessor first"},
      {"import maths;\n[shader(\"compute\")] [numthreads(64, 1, 1)] void main() {}",
       "Slang source; compile it: slangc "},
      {"#[spirv(compute(threads(64)))] pub fn main() {}", "Rust source; a kernel is SPIR-V: "},
      {"RWStructuredBuffer<float> y;\n[numthreads(64, 1, 1)] void main() {}",
       "HLSL source; compile it: dxc -spirv "},
      {"; SPIR-V\nOpCapability Shader\n", "SPIR-V assembly; assemble it: spirv-as "},
      {"__kernel void f(__global float *x) { x[get_global_id(0)] = 1; }", "OpenCL C; compile it"},
      {"#include <metal_stdlib>\n", "Metal source"},
      {"__global__ void f(float *x) { x[threadIdx.x] = 1; }", "CUDA source"},
      {".version 7.0\n.target sm_70\n.address_size 64\n", "PTX"},
      {"; ModuleID = 'x'\nsource_filename = \"x\"\n", "LLVM assembly"},
  };
  for (const auto& [source, what] : kinds) {
    EXPECT_NE(refusal(source).find(what), std::string::npos) << source << refusal(source);
  }
}

TEST(KernelGuess, BinariesAreNamed) {
  using namespace std::string_view_literals;
  std::string elf(64, '\0');
  elf.replace(0, 5,
              "\x7F"
              "ELF\2");
  std::string cuda = elf;
  cuda[18] = static_cast<char>(190);
  EXPECT_EQ(
      refusal(elf),
      "the kernel is an ELF file: a program, a library or an object file; a kernel is SPIR-V");
  EXPECT_EQ(refusal(cuda), "the kernel is an ELF file of CUDA code; a kernel is SPIR-V");
  EXPECT_NE(refusal("BC\xC0\xDE"sv).find("LLVM bitcode"), std::string::npos);
  EXPECT_NE(refusal("\x93NUMPY\1\0"sv).find("a NumPy array"), std::string::npos);
  EXPECT_NE(refusal("\0asm\1\0\0\0"sv).find("WebAssembly"), std::string::npos);
  EXPECT_NE(refusal("\x1F\x8B\x08"sv).find("gzip"), std::string::npos);
  EXPECT_EQ(refusal(""), "the kernel is empty");
}

TEST(KernelGuess, WhatIsUnknownIsShownByItsBytes) {
  EXPECT_NE(refusal("plain words").find("begins with the bytes 70 6c 61 69"), std::string::npos);
  // Words of a language inside of something that is no text are no guess.
  EXPECT_NE(refusal("\1\2#version 450").find("begins with the bytes 01 02"), std::string::npos);
  EXPECT_NE(refusal("\x7F"
                    "EL")
                .find("begins with"),
            std::string::npos);
}

}  // namespace
}  // namespace sokr::tests
