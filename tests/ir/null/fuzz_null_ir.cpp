// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any text for the skeleton of IR plugins: its three functions agree on what is valid, and read
// and write within bounds.
#include <cstdint>
#include <cstring>
#include <fuzzing.hpp>

#include "null_ir.c"

using sokr::fuzzing::require;

static void check_reflection(const SokrIrReflection& reflection) {
  const SokrIrEntryPoint& entry = reflection.entry_points[0];
  require(entry.name[0] != 0);
  for (std::uint32_t i = 0; i < entry.port_count; ++i) {
    const SokrIrPort& port = entry.ports[i];
    require(std::strlen(port.name) > 0 && port.rank <= PORTS_MOST_RANK, port.name);
    if (port.kind == SOKR_IR_PORT_PARAMETER) {
      require(port.offset < entry.push_size, port.name);
    } else {
      require(port.binding < entry.binding_count, port.name);
      require(entry.bindings[port.binding].min_size > 0, port.name);
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = data;
  request.size = size;
  request.target = PORTS_NULL_FORMAT;
  char sentence[128];
  const SokrResult valid = ports_plugin.validate_request(&request, sentence, sizeof sentence);
  if (valid != SOKR_OK) sokr::fuzzing::require_sentence(sentence);
  const SokrIrReflection* reflection = nullptr;
  require(ports_plugin.reflect_request(&request, &reflection, nullptr, 0) == valid);
  require((valid == SOKR_OK) == (reflection != nullptr));
  if (reflection != nullptr) check_reflection(*reflection);
  ports_plugin.free_reflection(reflection);
  std::uint8_t* lowered = nullptr;
  std::size_t lowered_size = 0;
  require(ports_plugin.lower_request(&request, &lowered, &lowered_size, nullptr, 0) == valid);
  require(valid != SOKR_OK || lowered_size == size + 4);
  ports_plugin.free_lowered(lowered);
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  return {{"ports 1\nm\nin n u32\nin x f32[]\ninout y f64[,3]\nout z u8[2,2]\nend\n",
           "ports 1\nm # c\n\nend\n"},
          {"in ", "out ", "inout ", "end\n", "u8", "f16", "i64", "[", "]", "[]", ",", "\n", "#",
           "999999999", "1", "0", " "}};
}
SOKR_FUZZ_MUTATOR(make_mutator);
