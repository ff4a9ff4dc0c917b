// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From ELF objects in memory to a position-independent image: loadable sections one
// behind the other, every relocation resolved inside. This small linker stands where
// ORC's could: an image that is cached and mapped by a process without LLVM has to be
// complete, and the compiler emits few kinds of relocations.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LINK_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LINK_HPP_

#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::cpu {

struct Image {
  std::vector<std::uint8_t> bytes;
  std::uint64_t entry = 0;
};

// Of 64-bit little-endian relocatables for x86-64 or AArch64: all of `object`, and the sections of
// `library` that it needs for symbols of its own lack, those that they need, and so on; an empty
// library has none. SOKR_DISPATCH_FAILED with a sentence for an object that names a symbol of
// neither, or has a relocation of another kind.
Result<Image> link_image(std::span<const std::uint8_t> object,
                         std::span<const std::uint8_t> library, std::string_view entry);

// The names of the functions that an object defines for others.
Result<std::vector<std::string>> defined_names(std::span<const std::uint8_t> object);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LINK_HPP_
