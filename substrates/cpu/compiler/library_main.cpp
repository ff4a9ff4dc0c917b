// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/cpu/compiler_library.hpp>

extern "C" __attribute__((visibility("default"))) const sokr::cpu::CompilerLibrary*
sokr_cpu_compiler_library() {
  static const sokr::cpu::CompilerLibrary library{SOKR_CPU_BUILD_VERSION, &sokr::cpu::compile};
  return &library;
}
