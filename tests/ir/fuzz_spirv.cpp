// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes are refused with a sentence or decoded to something that can be walked.
// The last byte's bits choose an own local size and a specialization value.
#include <cstdlib>

#include "walk_module.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_sentence(const sokr::Failure& failure) {
  require(failure.code != SOKR_OK && !failure.sentence.empty());
  require(failure.sentence.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sokr::spirv;
  const std::span<const std::uint8_t> bytes(data, size);
  DecodeOptions options;
  const std::uint8_t choice = size != 0 ? data[size - 1] : 0;
  if ((choice & 0x80) != 0) options.local_size = {choice, 2, 1};
  const SpecValue value{choice & 7u, 4, choice};
  if ((choice & 0x40) != 0) options.specializations = {&value, 1};
  const auto module = decode(bytes, options);
  if (module) {
    (void)walk_module(**module);
  } else {
    require_sentence(module.failure());
  }
  const auto valid = validate(bytes);
  if (!valid) require_sentence(valid.failure());
  return 0;
}
