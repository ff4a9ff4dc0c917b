// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Random programs through the CPU substrate's compiler, at every register width that this
// machine has, against their evaluation: many more than by way of the plugin.
//
//   test_compiled_programs [--seeds N] [--first S] [--seconds T] [--isa NAME] [--list]
//
// NEON is run by an emulator, where the machine has one.
// A program is evaluated once for each of its inputs and compiled for one width or more, with
// options that the seed chooses: how many registers move together, garbage in inactive lanes,
// bounds checks. One program in kFullEvery is optimised as users' are, the others hardly: most
// errors are the code generator's own. SOKR_DIFF_FIRST replaces S. Exit 77: the machine does
// not have the registers that are asked for.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sokr/cpu/compiler.hpp>
#include <sokr/spirv/reflection.hpp>
#include <string>
#include <string_view>

#include "../guarded.hpp"
#include "../support.hpp"
#include "program.hpp"
#if defined(SOKR_TEST_EMULATOR)
#include "processor.hpp"
#endif

namespace sokr::differential {
namespace {

using cpu::CompileOptions;
using cpu::Effort;
using cpu::Isa;
using cpu::kIsas;

constexpr std::uint64_t kInputs = 2, kFullEvery = 16;
constexpr int kShrinkBudget = 1500;

bool can_run(Isa isa) {
#if defined(SOKR_TEST_EMULATOR)
  if (isa == Isa::kNeon) return true;
#endif
  return cpu::host_supports(isa);
}

// Narrow registers take more code and time: each width gets about the same time.
bool is_turn_of(Isa isa, std::uint64_t seed) {
  return seed % (isa == Isa::kAvx512 ? 1 : isa == Isa::kAvx2 ? 2 : 4) == 0;
}

struct Settings {
  std::uint64_t seeds = 1000, first = 1;
  double seconds = 1e9;
  std::optional<Isa> isa;
  bool list = false;
};

bool is_optimised(std::uint64_t seed) {
  return (seed >> 2) % kFullEvery == 0;
}

// The same for the same seed and width; over the seeds, all combinations.
CompileOptions options_of(const Program& program, Isa isa) {
  const std::uint64_t choice =
      (program.seed * 4 + static_cast<std::uint64_t>(isa)) * 0x9E3779B97F4A7C15u >> 32;
  constexpr std::uint32_t kInterleaves[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 8};
  CompileOptions options;
  options.isa = isa;
  options.interleave = kInterleaves[choice % std::size(kInterleaves)];
  options.poison_inactive = choice >> 8 & 1;
  options.robust = true;  // programs read beyond the ends of buffers
  options.assume_no_alias = choice >> 9 & 1;
  options.abort_checks = choice >> 10 & 1;
  options.scalar_mode = (choice >> 11 & 3) == 0;
  if (program.subgroup_size != 0) options.subgroup_size = program.subgroup_size;
  options.effort = is_optimised(program.seed) ? Effort::kFull : Effort::kQuick;
  return options;
}

std::string describe(const CompileOptions& options) {
  return fmt::format(
      "{} interleave {}{}{}{}{}{}", cpu::isa_name(options.isa), options.interleave,
      options.scalar_mode ? " scalar" : "", options.poison_inactive ? " poisoned" : "",
      options.assume_no_alias ? "" : " aliased", options.abort_checks ? "" : " unchecked for abort",
      options.effort == Effort::kFull ? " optimised" : "");
}

std::string first_difference(const std::vector<std::uint32_t>& expected,
                             std::span<const std::byte> got, const char* name) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, got.data() + i * 4, 4);
    if (word == expected[i]) continue;
    return fmt::format("{}[{}] is 0x{:x}, expected 0x{:x}", name, i, word, expected[i]);
  }
  return {};
}

std::span<const std::uint8_t> bytes_of(const std::vector<std::uint32_t>& words) {
  return {reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 4};
}

// A program with its inputs and what it makes of them.
struct Task {
  const Program& program;
  std::vector<std::uint32_t> words;
  std::vector<Memory> before, after;
};

// Nothing if the program takes too long for one of the inputs.
std::optional<Task> task_of(const Program& program) {
  Task task{program, {}, {}, {}};
  for (std::uint64_t input = 0; input < kInputs; ++input) {
    task.before.push_back(initial_memory(program, input));
    task.after.push_back(task.before.back());
    if (!evaluate(program, task.after.back())) return std::nullopt;
  }
  task.words = emit(program);
  return task;
}

class Machine {
 public:
  // What is wrong with the code for one width; empty if nothing.
  std::string failure(const Task& task, const CompileOptions& options) {
    const auto module = spirv::decode(bytes_of(task.words));
    if (!module) return "refused: " + module.failure().sentence;
    const spirv::EntryPoint& entry = (*module)->entry_points()[0];
    const auto begin = std::chrono::steady_clock::now();
    const auto kernel = cpu::compile(**module, entry, options);
    compiling_ += std::chrono::steady_clock::now() - begin;
    if (!kernel) return "refused: " + kernel.failure().sentence;
    const auto bindings = spirv::reflect_entry(**module, entry).bindings;
    for (std::uint64_t input = 0; input < kInputs; ++input) {
      std::string text = run(task, input, *kernel, bindings);
      if (!text.empty()) return fmt::format("{}, input {}: {}", describe(options), input, text);
    }
    return {};
  }

  double compiling_seconds() const { return std::chrono::duration<double>(compiling_).count(); }

 private:
  std::string run(const Task& task, std::uint64_t input, const cpu::CompiledKernel& kernel,
                  const std::vector<ir::Binding>& used) {
    const Memory& before = task.before[input];
    const Memory& after = task.after[input];
    const auto against =
        (task.program.seed + input) % 2 ? Guarded::Against::kStart : Guarded::Against::kEnd;
    std::vector<Guarded> memory;
    for (const auto* buffer : {&before.input, &before.output, &before.counters})
      memory.emplace_back(std::as_bytes(std::span(*buffer)), against);
    std::vector<cpu::KernelBinding> bindings;
    for (const auto& binding : used) {
      const std::span<std::byte> bytes = memory[binding.binding].bytes();
      bindings.push_back({bytes.data(), bytes.size()});
    }
    const auto done = execute(kernel, bindings, task.program);
    if (!done) return "crash: " + done.failure().sentence;
    for (std::string text : {first_difference(after.output, memory[1].bytes(), "output"),
                             first_difference(after.counters, memory[2].bytes(), "counters"),
                             first_difference(before.input, memory[0].bytes(), "input")}) {
      if (!text.empty()) return text;
    }
    const bool intact = std::ranges::all_of(memory, [](const Guarded& g) { return g.intact(); });
    return intact ? "" : "bytes outside of a buffer have changed";
  }

  Result<void> execute(const cpu::CompiledKernel& kernel,
                       const std::vector<cpu::KernelBinding>& bindings, const Program& program) {
#if defined(SOKR_TEST_EMULATOR)
    if (!cpu::host_supports(kernel.isa)) {
      const auto* push = reinterpret_cast<const std::uint8_t*>(program.push.data());
      return processor_.run(kernel.serialise(), bindings, {push, sizeof program.push},
                            {program.groups, 1, 1}, {program.base, 0, 0});
    }
#endif
    SOKR_ASSIGN(const cpu::MappedKernel code, cpu::MappedKernel::map(kernel));
    scratch_.assign(kernel.scratch_size + cpu::kScratchAlignment, 0xA5);
    const auto at = reinterpret_cast<std::uintptr_t>(scratch_.data());
    const std::uintptr_t past = at % cpu::kScratchAlignment;
    void* scratch = scratch_.data() + (past == 0 ? 0 : cpu::kScratchAlignment - past);
    const std::uint32_t never = 0;
    cpu::KernelContext context;
    context.bindings = bindings.data();
    context.push_constants = program.push.data();
    context.group_count[0] = program.groups;
    context.base_group[0] = program.base;
    context.abort = &never;
    code.entry()(&context, 0, program.groups, scratch);
    return {};
  }

#if defined(SOKR_TEST_EMULATOR)
  cpu::emulated::Processor processor_{SOKR_TEST_EMULATOR, SOKR_TEST_RUNNER};
#endif
  std::vector<std::uint8_t> scratch_;
  std::chrono::steady_clock::duration compiling_{};
};

void report(Machine& machine, const Program& program, Isa isa, const std::string& failure) {
  fmt::print("seed {} ({} statements): {}\nreducing ...\n", program.seed, statements(program),
             failure);
  std::fflush(stdout);
  const std::string kind = failure.substr(0, 6);
  const auto failure_of = [&](const Program& candidate) -> std::string {
    const auto task = task_of(candidate);
    return task ? machine.failure(*task, options_of(candidate, isa)) : "";
  };
  const Program small = shrink(
      program, [&](const Program& candidate) { return failure_of(candidate).substr(0, 6) == kind; },
      kShrinkBudget);
  fmt::print("reduced to {} statements: {}\n\n{}\n{}\n", statements(small), failure_of(small),
             print(small), disassemble(emit(small)));
}

int run_all(const Settings& settings) {
  if (settings.isa && !can_run(*settings.isa)) {
    fmt::print("skipped: this processor does not have {}\n", cpu::isa_name(*settings.isa));
    return kSkipped;
  }
  report_crashes();
  Machine machine;
  std::map<Isa, std::uint64_t> right;
  std::uint64_t discarded = 0, failed = 0, full = 0, seed = settings.first;
  const auto start = std::chrono::steady_clock::now();
  for (; seed < settings.first + settings.seeds; ++seed) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed.count() > settings.seconds) break;
    const Program program = generate(seed, {.most_base = UINT32_MAX});
    const auto task = task_of(program);
    if (!task) {
      ++discarded;
      continue;
    }
    full += is_optimised(seed);
    for (const Isa isa : kIsas) {
      if (!can_run(isa)) continue;
      if (settings.isa ? *settings.isa != isa : !is_turn_of(isa, seed)) continue;
      const CompileOptions options = options_of(program, isa);
      crash_note(fmt::format("in random program {}, {}", seed, describe(options)));
      const std::string failure = machine.failure(*task, options);
      if (failure.empty()) {
        ++right[isa];
        continue;
      }
      ++failed;
      if (!settings.list) {
        report(machine, program, isa, failure);
        return 1;
      }
      fmt::print("seed {} ({} statements): {}\n", seed, statements(program), failure);
      std::fflush(stdout);
    }
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  for (const auto& [isa, count] : right) fmt::print("{}: {} right\n", cpu::isa_name(isa), count);
  fmt::print(
      "seeds {} to {}: {} of them optimised fully, {} discarded; {:.1f} s, {:.1f} s of it "
      "in the compiler\n",
      settings.first, seed - 1, full, discarded, elapsed.count(), machine.compiling_seconds());
  return failed == 0 && !right.empty() ? 0 : 1;
}

std::optional<Settings> parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--list") {
      settings.list = true;
      continue;
    }
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[++i];
    if (name == "--seeds") {
      settings.seeds = std::strtoull(value, nullptr, 10);
    } else if (name == "--first") {
      settings.first = std::strtoull(value, nullptr, 10);
    } else if (name == "--seconds") {
      settings.seconds = std::strtod(value, nullptr);
    } else if (name == "--isa") {
      const auto isa = cpu::isa_from_name(value);
      if (!isa) return std::nullopt;
      settings.isa = *isa;
    } else {
      return std::nullopt;
    }
  }
  if (const char* text = std::getenv("SOKR_DIFF_FIRST"))
    settings.first = std::strtoull(text, nullptr, 10);
  return settings;
}

}  // namespace
}  // namespace sokr::differential

int main(int argc, char** argv) {
  using namespace sokr::differential;
  const auto settings = parse(argc, argv);
  if (!settings) {
    fmt::print(stderr,
               "usage: {} [--seeds N] [--first S] [--seconds T] [--isa NAME] [--list]; of {}\n",
               argv[0], sokr::cpu::isa_names());
    return 2;
  }
  return run_all(*settings);
}
