// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The boundary between the runtime and the compiler, which is a library of its own: it
// brings LLVM along and is opened at the first kernel that no cache has. Both sides are
// built together; the layout of what crosses is theirs alone.
#ifndef SOKR_CPU_COMPILER_LIBRARY_HPP_
#define SOKR_CPU_COMPILER_LIBRARY_HPP_

#include <sokr/cpu/compiler.hpp>

namespace sokr::cpu {

struct CompilerLibrary {
  const char* version;  // must equal the runtime's SOKR_CPU_BUILD_VERSION
  Result<CompiledKernel> (*compile)(const spirv::Module&, const spirv::EntryPoint&,
                                    const CompileOptions&);
  bool outlives_exit;  // threads may be inside while the process ends
};

// The one symbol that the library exports.
using CompilerLibraryMain = const CompilerLibrary* (*)();
inline constexpr const char* kCompilerLibraryMain = "sokr_cpu_compiler_library";
// Where it lies, relative to the plugin: in a folder of its own, where no host takes it
// for a plugin.
inline constexpr const char* kCompilerLibraryPath = "cpu/sokr-cpu-compiler.so";

}  // namespace sokr::cpu

#endif  // SOKR_CPU_COMPILER_LIBRARY_HPP_
