// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/cpu/compiler_library.hpp>

#include "compiler/builtin_objects.hpp"

#if defined(SOKR_CPU_STATIC_LLVM)
// Nothing in here is taken down when the process ends: a thread may be compiling then, and LLVM's
// globals would go while it uses them. The library is never closed, so nobody misses it. All that
// is linked into it finds this in place of the C library's.
extern "C" __attribute__((visibility("hidden"))) int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}
#endif

namespace {

sokr::Result<sokr::cpu::CompiledKernel> compile(const sokr::spirv::Module& module,
                                                const sokr::spirv::EntryPoint& entry,
                                                const sokr::cpu::CompileOptions& given) {
  sokr::cpu::CompileOptions options = given;
  options.builtins = sokr::cpu::builtins_of(options.isa);
  return sokr::cpu::compile(module, entry, options);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const sokr::cpu::CompilerLibrary*
sokr_cpu_compiler_library() {
#if defined(SOKR_CPU_STATIC_LLVM)
  constexpr bool kOutlivesExit = true;
#else
  constexpr bool kOutlivesExit = false;
#endif
  static const sokr::cpu::CompilerLibrary library{SOKR_CPU_BUILD_VERSION, &compile, kOutlivesExit};
  return &library;
}
