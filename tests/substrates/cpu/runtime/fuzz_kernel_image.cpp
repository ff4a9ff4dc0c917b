// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as a compiled kernel: refused with a sentence, or a kernel whose bytes are these, and
// which is mapped or refused, never run. The first byte chooses: the bytes as they are, or what a
// kernel holds, which is written and then damaged by one bit.
#include <fuzzer/FuzzedDataProvider.h>

#include <sokr/cpu/kernel.hpp>

#include "fuzzing.hpp"

namespace {

using sokr::cpu::CompiledKernel;
using sokr::cpu::Isa;
using sokr::cpu::kIsas;
using sokr::cpu::MappedKernel;
using sokr::fuzzing::require;
using sokr::fuzzing::require_sentence;

using Bytes = std::vector<std::uint8_t>;

void check_map(const CompiledKernel& kernel) {
  const auto mapped = MappedKernel::map(kernel);
  if (!mapped) return require_sentence(mapped.failure().sentence);
  require(kernel.entry_offset < kernel.image.size() && sokr::cpu::host_supports(kernel.isa));
  const auto* entry = reinterpret_cast<const std::uint8_t*>(mapped->entry());
  require(std::equal(kernel.image.begin(), kernel.image.end(), entry - kernel.entry_offset));
}

void check_bytes(const Bytes& bytes) {
  const auto kernel = CompiledKernel::deserialise(bytes);
  if (!kernel) {
    require(kernel.code() == SOKR_INVALID_INPUT);
    return require_sentence(kernel.failure().sentence);
  }
  require(kernel->serialise() == bytes);
  require(kernel->entry_offset < kernel->image.size());
  check_map(*kernel);
}

// What the runtime takes for granted of a kernel that was read.
bool is_sound(const CompiledKernel& kernel) {
  return kernel.entry_offset < kernel.image.size() && kernel.isa >= kIsas.front() &&
         kernel.isa <= kIsas.back();
}

void check_kernel(FuzzedDataProvider& from) {
  CompiledKernel kernel;
  kernel.isa = static_cast<Isa>(from.ConsumeIntegral<std::uint8_t>() % 8);
  kernel.flags = from.ConsumeIntegral<std::uint32_t>();
  for (std::uint32_t& size : kernel.local_size) size = from.ConsumeIntegral<std::uint32_t>();
  kernel.subgroup_size = from.ConsumeIntegral<std::uint32_t>();
  kernel.lanes = from.ConsumeIntegral<std::uint32_t>();
  kernel.passes = from.ConsumeIntegral<std::uint32_t>();
  kernel.scratch_size = from.ConsumeIntegral<std::uint64_t>();
  kernel.binding_count = from.ConsumeIntegral<std::uint32_t>();
  kernel.push_constant_size = from.ConsumeIntegral<std::uint32_t>();
  kernel.entry_offset = from.ConsumeIntegral<std::uint8_t>();
  const auto damage = from.ConsumeIntegral<std::uint32_t>();
  kernel.image = from.ConsumeRemainingBytes<std::uint8_t>();
  Bytes bytes = kernel.serialise();
  const auto read = CompiledKernel::deserialise(bytes);
  require(read.ok() == is_sound(kernel));
  check_bytes(bytes);
  const std::size_t bit = damage % (8 * bytes.size());
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
  require(!CompiledKernel::deserialise(bytes), "a damaged kernel is read");
  bytes.resize(damage % bytes.size());
  require(!CompiledKernel::deserialise(bytes), "a truncated kernel is read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] % 2 == 0) {
    check_bytes(Bytes(data + 1, data + size));
  } else {
    FuzzedDataProvider from(data + 1, size - 1);
    check_kernel(from);
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  CompiledKernel kernel;
  kernel.image = {0x90, 0x90, 0xc3};
  kernel.entry_offset = 2;
  kernel.isa = sokr::cpu::host_isa();
  const Bytes one = kernel.serialise();
  kernel.image.assign(5000, 0xc3);
  const Bytes pages = kernel.serialise();
  std::string fields("\x01", 1);
  for (int i = 0; i < 80; ++i) fields += static_cast<char>(i);
  return {{std::string(1, '\0') + std::string(one.begin(), one.end()),
           std::string(1, '\0') + std::string(pages.begin(), pages.end()), fields},
          {std::string("SKCK\x01\0\0\0", 8), std::string(8, '\xff'), std::string(8, '\0')}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
