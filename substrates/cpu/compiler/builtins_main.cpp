// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr-cpu-builtins ISA FILE: writes the object file of the functions that drafts for this
// instruction set call (builtins.hpp). A step of the build; not installed.

#include <cstdio>
#include <fstream>

#include "compiler/builtins.hpp"

int main(int argc, char** argv) {
  using namespace sokr;
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s ISA FILE\n", argv[0]);
    return 2;
  }
  const Result<cpu::Isa> isa = cpu::isa_from_name(argv[1]);
  auto object = isa ? cpu::compile_builtins(*isa) : isa.failure();
  if (!object) {
    std::fprintf(stderr, "%s: %s\n", argv[0], object.failure().sentence.c_str());
    return 1;
  }
  std::ofstream file(argv[2], std::ios::binary);
  file.write(reinterpret_cast<const char*>(object->data()),
             static_cast<std::streamsize>(object->size()));
  file.close();
  if (file) return 0;
  std::fprintf(stderr, "%s: %s cannot be written\n", argv[0], argv[2]);
  return 1;
}
