// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes are refused with a sentence or decoded to something that can be walked, with memory
// and steps in proportion to their number; and what one strictness accepts, a laxer one does. The
// last byte's bits choose an own local size and a specialization value.
#include "fuzzing.hpp"
#include "limits.hpp"
#include "walk_module.hpp"
#include "work.hpp"

namespace {

using namespace sokr::spirv;
using sokr::fuzzing::require;

// What docs/assurance.md states of reading a module.
constexpr std::uint64_t kFreeSteps = 1 << 22, kStepsPerWord = 1100;

void require_sentence(const sokr::Failure& failure) {
  require(failure.code != SOKR_OK);
  sokr::fuzzing::require_sentence(failure.sentence);
}

// Written without what can be specialized, it is a module still.
void check_specialized(const Module& module) {
  const std::vector<std::uint32_t> words = specialized_words(module);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
  const auto again = decode({bytes, words.size() * 4});
  require(again.ok(), again ? "" : again.failure().sentence);
}

SokrResult judge(std::span<const std::uint8_t> bytes, Strictness strictness) {
  std::string remark;
  const auto valid = validate(bytes, {strictness, &remark});
  require(remark.find('\n') == std::string::npos, remark);
  if (!valid) require_sentence(valid.failure());
  return valid ? SOKR_OK : valid.failure().code;
}

void check_strictness(std::span<const std::uint8_t> bytes) {
  const SokrResult off = judge(bytes, Strictness::kOff);
#if SOKR_FUZZ_VALIDATOR
  const SokrResult strict = judge(bytes, Strictness::kStrict);
  const SokrResult relaxed = judge(bytes, Strictness::kRelaxed);
  require(strict != SOKR_OK || relaxed == SOKR_OK, "relaxed refuses what strict accepts");
  // What nobody but the validator judges is SOKR_CAPABILITY_DENIED without it.
  require(strict != SOKR_OK || off != SOKR_INVALID_IR,
          "the reader calls invalid what strict accepts");
#else
  (void)off;
#endif
}

}  // namespace

// A bound of millions, which few changes of a header do not give, takes milliseconds of tables; one
// in 64 keeps it.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t capacity, unsigned seed) {
  constexpr std::size_t kBoundAt = 12;
  constexpr std::uint32_t kOrdinaryBound = 4096;
  size = LLVMFuzzerMutate(data, size, capacity);
  std::uint32_t bound = 0;
  if (size < kBoundAt + sizeof bound || seed % 64 == 0) return size;
  std::memcpy(&bound, data + kBoundAt, sizeof bound);
  bound = std::min(bound, kOrdinaryBound);
  std::memcpy(data + kBoundAt, &bound, sizeof bound);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  DecodeOptions options;
  const std::uint8_t choice = size != 0 ? data[size - 1] : 0;
  if ((choice & 0x80) != 0) options.local_size = {choice, 2, 1};
  const SokrIrSpecValue value{choice & 7u, 4, choice};
  if ((choice & 0x40) != 0) options.specializations = {&value, 1};
  work_steps = 0;
  const auto module = decode(bytes, options);
  require(work_steps <= kFreeSteps + kStepsPerWord * (size / 4));
  if (module) {
    (void)walk_module(**module);
    check_specialized(**module);
  } else {
    require_sentence(module.failure());
  }
  check_strictness(bytes);
  return 0;
}
