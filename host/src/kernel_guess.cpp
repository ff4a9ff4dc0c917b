// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kernel_guess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sokr::host {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kLookedAt = 65536;

struct Magic {
  std::string_view bytes;
  const char* is;
};

// First bytes of binary formats.
constexpr std::array kMagics{
    Magic{"BC\xC0\xDE"sv,
          "LLVM bitcode; a kernel is SPIR-V: compile its source with glslc, dxc "
          "or clspv"},
    Magic{"\xDE\xC0\x17\x0B"sv,
          "LLVM bitcode; a kernel is SPIR-V: compile its source with glslc, "
          "dxc or clspv"},
    Magic{"DXBC"sv,
          "a DirectX shader; compile its HLSL to SPIR-V: dxc -spirv -T cs_6_0 -E main "
          "kernel.hlsl -Fo kernel.spv"},
    Magic{"MTLB"sv, "a Metal library; a kernel is SPIR-V"},
    Magic{"\0asm"sv, "a WebAssembly module; a kernel is SPIR-V"},
    Magic{"\x93NUMPY"sv, "a NumPy array; give it to a binding: --in SET.BINDING=FILE"},
    Magic{"\x1F\x8B"sv, "compressed by gzip; unpack it first"},
    Magic{"\x28\xB5\x2F\xFD"sv, "compressed by zstd; unpack it first"},
    Magic{"\xFD"
          "7zXZ"sv,
          "compressed by xz; unpack it first"},
    Magic{"PK\x03\x04"sv, "a zip archive; unpack it first"},
    Magic{"!<arch>\n"sv, "an archive of object files; a kernel is SPIR-V"},
    Magic{"\x89PNG"sv, "a PNG image"},
    Magic{"%PDF"sv, "a PDF document"},
};

// Words of which one is enough, in the order in which languages are told apart.
struct Language {
  std::array<std::string_view, 4> words;  // empty: none
  const char* is;
};

constexpr const char* kGlsl =
    "GLSL source; compile it: glslc -fshader-stage=compute kernel.comp -o kernel.spv";
constexpr const char* kHlsl =
    "HLSL source; compile it: dxc -spirv -T cs_6_0 -E main kernel.hlsl -Fo kernel.spv";
constexpr const char* kWgsl = "WGSL source; compile it: naga kernel.wgsl kernel.spv";
constexpr const char* kSlang =
    "Slang source; compile it: slangc kernel.slang -target spirv -entry main -stage compute "
    "-o kernel.spv";

constexpr std::array kLanguages{
    Language{{"OpCapability", "OpMemoryModel"},
             "SPIR-V assembly; assemble it: spirv-as kernel.spvasm -o kernel.spv"},
    Language{{".visible .entry", ".address_size"}, "PTX; a kernel is SPIR-V"},
    Language{{"target triple", "source_filename =", "target datalayout"},
             "LLVM assembly; a kernel is SPIR-V: compile its source with glslc, dxc or clspv"},
    Language{{"#version", "local_size_x", "gl_GlobalInvocationID", "gl_WorkGroupID"}, kGlsl},
    Language{{"@compute", "@workgroup_size", "@group("}, kWgsl},
    Language{{"metal_stdlib", "[[thread_position_in_grid]]", "[[buffer("},
             "Metal source; a kernel is SPIR-V"},
    Language{{"[shader(\"compute\")]", "[Differentiable]"}, kSlang},
    Language{{"#[spirv("},
             "Rust source; a kernel is SPIR-V: compile it by rust-gpu's spirv-builder"},
    Language{{"[numthreads", "RWStructuredBuffer", "SV_DispatchThreadID", "RWByteAddressBuffer"},
             kHlsl},
    Language{{"__kernel", "get_global_id"}, "OpenCL C; compile it: clspv kernel.cl -o kernel.spv"},
    Language{{"__global__", "blockIdx", "threadIdx"},
             "CUDA source; a kernel is SPIR-V: port it to GLSL, HLSL or OpenCL C"},
};

struct Machine {
  std::uint16_t number;
  const char* is;
};

// e_machine of ELF files that hold code of a GPU.
constexpr std::array kMachines{
    Machine{190, "an ELF file of CUDA code"},
    Machine{224, "an ELF file of AMD GPU code"},
};

std::string_view guess_elf(std::string_view text) {
  std::uint16_t machine = 0;
  if (text.size() >= 20) std::memcpy(&machine, text.data() + 18, sizeof machine);
  for (const Machine& known : kMachines) {
    if (known.number == machine) return known.is;
  }
  return "an ELF file: a program, a library or an object file";
}

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || std::isspace(byte);
  });
}

// Engines put the lines of a preprocessor of their own into WGSL, which has none. Empty: no such
// line.
std::string guess_preprocessed(std::string_view text) {
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.starts_with('#')) continue;
    return fmt::format(
        "WGSL source with lines for a preprocessor, the first of which is line {}, '{}'; WGSL has "
        "none: run that preprocessor first",
        number, line.substr(0, line.find_first_of(" \t\r")));
  }
  return {};
}

}  // namespace

std::string guess_kernel(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                        std::min(bytes.size(), kLookedAt));
  for (const Magic& magic : kMagics) {
    if (text.starts_with(magic.bytes)) return magic.is;
  }
  if (text.starts_with("\x7F"
                       "ELF")) {
    return std::string(guess_elf(text)) + "; a kernel is SPIR-V";
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_text(text)) return "";
  for (const Language& language : kLanguages) {
    const bool found =
        std::any_of(language.words.begin(), language.words.end(), [&](std::string_view word) {
          return !word.empty() && text.find(word) != std::string_view::npos;
        });
    if (!found) continue;
    const std::string preprocessed = language.is == kWgsl ? guess_preprocessed(text) : "";
    return preprocessed.empty() ? language.is : preprocessed;
  }
  return "";
}

}  // namespace sokr::host
