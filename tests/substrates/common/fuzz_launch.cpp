// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as launch parameters: parsed or refused with a sentence, checked against a
// kernel, and never read out of bounds.
#include <cstdlib>
#include <sokr/substrate/launch_check.hpp>

#include "launch_builder.hpp"

namespace {

using namespace sokr;
using namespace sokr::substrate;

void require(bool condition) {
  if (!condition) std::abort();
}

ir::EntryReflection kernel() {
  ir::EntryReflection entry;
  entry.name = "main";
  entry.local_size = {8, 4, 2};
  entry.push_constant_size = 12;
  for (std::uint32_t count : {1u, 1u, 3u, 0u}) {
    ir::Binding b;
    b.binding = static_cast<std::uint32_t>(entry.bindings.size());
    b.count = count;
    b.access = SOKR_IR_READ;
    b.min_size = 20;
    b.runtime_stride = 4;
    entry.bindings.push_back(b);
  }
  return entry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto view = LaunchView::parse(data, size);
  if (!view) {
    require((view.code() == SOKR_INVALID_INPUT || view.code() == SOKR_CAPABILITY_DENIED) &&
            !view.failure().sentence.empty());
    return 0;
  }
  volatile std::uint64_t sink = compile_key(*view).size();
  for (std::uint8_t byte : view->push()) sink = sink + byte;
  for (std::uint32_t i = 0; i < view->wait_count(); ++i) require(view->wait(i) != 0);

  static const ir::EntryReflection entry = kernel();
  SokrComputeLimits limits{};
  limits.max_local_invocations = 1024;
  limits.min_subgroup_size = 4, limits.max_subgroup_size = 64;
  const auto resolved = check_launch(*view, entry, limits, 5);
  if (!resolved) {
    require(resolved.code() == SOKR_INVALID_INPUT && !resolved.failure().sentence.empty());
    return 0;
  }
  require(resolved->first.size() == entry.bindings.size() + 1);
  for (std::size_t i = 0; i < entry.bindings.size(); ++i) {
    std::uint32_t index = 0;
    for (const ResolvedBinding& b : resolved->elements(i)) {
      require(b.binding == entry.bindings[i].binding && b.index == index++);
      require(b.source == SOKR_BINDING_NULL || (b.resource != 0 && b.size >= 16));
    }
  }
  return 0;
}

// Most mutations of raw bytes stop at the magic: half of them keep a valid frame.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t capacity, unsigned seed) {
  if (size < sizeof(SokrLaunchHeader)) {
    auto builder = testing_support::LaunchBuilder::full();
    const std::vector<std::uint8_t> bytes =
        seed % 4 < 2 ? builder.bytes() : builder.version_2({8, 16, 24});
    if (bytes.size() <= capacity) {
      std::memcpy(data, bytes.data(), bytes.size());
      size = bytes.size();
    }
  }
  size = LLVMFuzzerMutate(data, size, capacity);
  if (seed % 2 == 0 && size >= sizeof(SokrLaunchHeader)) {
    SokrLaunchHeader header;
    std::memcpy(&header, data, sizeof header);
    header.magic = SOKR_LAUNCH_MAGIC;
    header.version = 1 + seed / 2 % 2;
    header.total_size = static_cast<std::uint32_t>(size);
    std::memcpy(data, &header, sizeof header);
  }
  return size;
}
