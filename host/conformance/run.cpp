// SPDX-License-Identifier: MIT OR Apache-2.0
#include "run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace sokr::conformance {
namespace {

constexpr std::size_t kGuard = 256;
constexpr std::byte kGuardByte{0xA5};
constexpr std::chrono::seconds kPatience{120};

// A buffer's bytes with guard bytes on both sides.
class Guarded {
 public:
  explicit Guarded(const Bytes& initial)
      : size_(initial.size()), memory_(initial.size() + 2 * kGuard + kAlignment, kGuardByte) {
    auto address = reinterpret_cast<std::uintptr_t>(memory_.data()) + kGuard;
    start_ = kGuard + (kAlignment - address % kAlignment) % kAlignment;
    std::ranges::copy(initial, memory_.begin() + static_cast<std::ptrdiff_t>(start_));
  }
  std::span<std::byte> bytes() { return std::span(memory_).subspan(start_, size_); }
  bool intact() const {
    auto is_guard = [](std::byte byte) { return byte == kGuardByte; };
    std::span<const std::byte> all(memory_);
    return std::ranges::all_of(all.first(start_), is_guard) &&
           std::ranges::all_of(all.subspan(start_ + size_), is_guard);
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  std::size_t size_, start_ = 0;
  Bytes memory_;
};

struct Prepared {
  std::vector<Guarded> memory;
  Launch launch;
};

std::unique_ptr<Prepared> prepare(const Case& test) {
  auto prepared = std::make_unique<Prepared>();
  prepared->launch = test.launch;
  prepared->memory.reserve(test.bound.size());
  for (const Bound& buffer : test.bound) {
    std::span<std::byte> bytes = prepared->memory.emplace_back(buffer.initial).bytes();
    View view = read_write(bytes);
    view.access = buffer.access;
    prepared->launch.bind(buffer.slot.set, buffer.slot.binding, buffer.slot.index, view);
  }
  return prepared;
}

std::string name(const Slot& slot) {
  return fmt::format("buffer {}.{}[{}]", slot.set, slot.binding, slot.index);
}

// The first thing that is wrong, or nothing; fills `outputs`.
std::string judge(const Case& test, Prepared& prepared, Precision precision, Outputs& outputs) {
  std::string wrong;
  auto complain = [&wrong](std::string text) {
    if (wrong.empty()) wrong = std::move(text);
  };
  for (std::size_t i = 0; i < test.bound.size(); ++i) {
    const Bound& buffer = test.bound[i];
    std::span<std::byte> bytes = prepared.memory[i].bytes();
    if (!prepared.memory[i].intact()) {
      complain(name(buffer.slot) + ": bytes outside of it have changed");
    }
    if (buffer.access == SOKR_ACCESS_READ) {
      if (!std::ranges::equal(bytes, buffer.initial)) {
        complain(name(buffer.slot) + ": the input has changed");
      }
      continue;
    }
    outputs[buffer.slot] = Bytes(bytes.begin(), bytes.end());
    if (std::string text = buffer.check.judge(bytes, precision); !text.empty()) {
      complain(name(buffer.slot) + ": " + text);
    }
  }
  if (test.judge_all) complain(test.judge_all(outputs));
  return wrong;
}

using Counts = std::array<std::uint32_t, 3>;

struct Part {
  Counts base, groups;
};

std::vector<Part> parts_of(const Kernel& kernel, const Case& test) {
  Counts groups = test.size;
  if (test.is_in_threads) {
    // Cases launch kernels with one entry point, or groups of another's.
    const auto reflection = kernel.reflection(test.launch);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::uint32_t size = reflection->entry_points[0].local_size[i];
      groups[i] = (groups[i] + size - 1) / size;
    }
  }
  std::vector<Part> parts{{{}, groups}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (groups[axis] < 2) continue;
    const std::uint32_t first = (groups[axis] + 2) / 3;
    for (std::size_t i = parts.size(); i-- > 0;) {
      Part rest = parts[i];
      parts[i].groups[axis] = first;
      rest.base[axis] = first;
      rest.groups[axis] = groups[axis] - first;
      parts.push_back(rest);
    }
  }
  return parts;
}

// Dispatches one after the other; false if one is not finished in time.
bool run_all(const Substrate& substrate, const Kernel& kernel, Launch& launch,
             std::span<const Part> parts) {
  for (const Part& part : parts) {
    launch.groups(part.groups[0], part.groups[1], part.groups[2]);
    launch.base_groups(part.base[0], part.base[1], part.base[2]);
    if (!substrate.dispatch(kernel, launch).wait_for(kPatience)) return false;
  }
  return true;
}

Outcome run_case(const Substrate& substrate, const Kernel& kernel, const Case& test,
                 Precision precision, bool in_parts) {
  Outcome outcome;
  // A launch that does not end keeps its memory: then it is left to the process's end.
  std::unique_ptr<Prepared> prepared = prepare(test);
  try {
    if (std::optional<std::string> reason = substrate.why_not(kernel)) {
      return {Verdict::kUnsupported, *reason, {}};
    }
    const bool ended = in_parts
                           ? run_all(substrate, kernel, prepared->launch, parts_of(kernel, test))
                           : substrate.dispatch(kernel, prepared->launch).wait_for(kPatience);
    if (!ended) {
      (void)prepared.release();
      outcome.text = fmt::format("not finished after {} seconds", kPatience.count());
      return outcome;
    }
    outcome.text = judge(test, *prepared, precision, outcome.outputs);
    outcome.verdict = outcome.text.empty() ? Verdict::kPassed : Verdict::kFailed;
  } catch (const Error& error) {
    if (error.code() == SOKR_CAPABILITY_DENIED) return {Verdict::kUnsupported, error.what(), {}};
    outcome.text = fmt::format("error {}: {}", static_cast<int>(error.code()), error.what());
  }
  return outcome;
}

}  // namespace

Outcome run(const Substrate& substrate, const Kernel& kernel, const Case& test,
            Precision precision) {
  return run_case(substrate, kernel, test, precision, false);
}

Outcome run_in_parts(const Substrate& substrate, const Kernel& kernel, const Case& test,
                     Precision precision) {
  return run_case(substrate, kernel, test, precision, true);
}

Outcome run(const Context& context, const Substrate& substrate,
            const std::filesystem::path& modules, const Entry& entry, const Case& test,
            Precision precision) {
  try {
    const Kernel kernel = context.kernel(read_file(modules / (std::string(entry.module) + ".spv")));
    return run(substrate, kernel, test, precision);
  } catch (const Error& error) {
    if (error.code() == SOKR_CAPABILITY_DENIED) return {Verdict::kUnsupported, error.what(), {}};
    return {Verdict::kFailed,
            fmt::format("error {}: {}", static_cast<int>(error.code()), error.what()),
            {}};
  }
}

}  // namespace sokr::conformance
