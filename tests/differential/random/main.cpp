// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Random programs on one substrate against their evaluation on the host.
//
//   test_random_programs --substrate NAME [--seeds N] [--first S] [--seconds T] [--no-edges]
//                        [--no-subgroups] [--most-base B] [--list] [--isolate]
//   test_random_programs --show SEED [--no-edges]     prints the program and its SPIR-V
//
// SOKR_DIFF_SEEDS and SOKR_DIFF_FIRST replace N and S. Stops early after T seconds, and
// says how far it got. The first failure is reduced and printed as text, as SPIR-V, and as
// a module in a file; with --list all failures are named, and none is reduced. --isolate
// runs each program in a process of its own, so that a crash can be reduced too. Exit 77:
// the machine does not have what is asked for.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sokr/sokr.hpp>
#include <string_view>

#include "../guarded.hpp"
#include "../support.hpp"
#include "program.hpp"

namespace sokr::differential {
namespace {

constexpr int kShrinkBudget = 1500;
constexpr std::chrono::seconds kPatience{20};

struct Settings {
  std::string substrate;
  std::uint64_t seeds = 1000, first = 1;
  std::uint32_t most_base = 0;
  double seconds = 1e9;
  bool edges = true, subgroups = true, list = false, isolate = false;
  std::optional<std::uint64_t> show;
};

std::string first_difference(const std::vector<std::uint32_t>& expected,
                             const std::vector<std::uint32_t>& got, const char* name) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == got[i]) continue;
    return fmt::format("{}[{}] is 0x{:x}, expected 0x{:x}", name, i, got[i], expected[i]);
  }
  return {};
}

std::span<const std::byte> bytes_of(const std::vector<std::uint32_t>& words) {
  return std::as_bytes(std::span(words));
}

void copy_back(Guarded& from, std::vector<std::uint32_t>& to) {
  if (!to.empty()) std::memcpy(to.data(), from.bytes().data(), from.bytes().size());
}

class Runner {
 public:
  Runner(const Context& context, const Substrate& substrate)
      : context_(context), substrate_(substrate) {}

  // What is wrong with this program on this substrate; empty if nothing.
  std::string failure(const Program& program) const {
    const std::vector<std::uint32_t> words = emit(program);
    Memory expected = initial_memory(program);
    if (!evaluate(program, expected)) return {};
    try {
      return run(program, words, expected);
    } catch (const Error& error) {
      return fmt::format("error {}: {}", static_cast<int>(error.code()), error.what());
    }
  }

 private:
  std::string run(const Program& program, const std::vector<std::uint32_t>& words,
                  const Memory& expected) const {
    const Kernel kernel = context_.kernel(bytes_of(words));
    if (auto reason = substrate_.why_not(kernel)) return "refused: " + *reason;
    Memory got = initial_memory(program);
    // A launch that does not end keeps its memory until the process ends.
    auto memory = std::make_unique<std::vector<Guarded>>();
    const auto against = program.seed % 2 ? Guarded::Against::kStart : Guarded::Against::kEnd;
    for (const auto* buffer : {&got.input, &got.output, &got.counters})
      memory->emplace_back(bytes_of(*buffer), against);
    const Launch launch = launch_of(program, kernel.entry(), *memory);
    if (!substrate_.dispatch(kernel, launch).wait_for(kPatience)) {
      (void)memory.release();
      return fmt::format("not finished after {} seconds", kPatience.count());
    }
    copy_back((*memory)[0], got.input);
    copy_back((*memory)[1], got.output);
    copy_back((*memory)[2], got.counters);
    for (std::string text : {first_difference(expected.output, got.output, "output"),
                             first_difference(expected.counters, got.counters, "counters"),
                             first_difference(expected.input, got.input, "input")}) {
      if (!text.empty()) return text;
    }
    const bool intact = std::ranges::all_of(*memory, [](const Guarded& g) { return g.intact(); });
    return intact ? "" : "bytes outside of a buffer have changed";
  }

  // Binds what the entry point uses, which the optimizer may have reduced.
  static Launch launch_of(const Program& program, const SokrIrEntryPoint& entry,
                          std::vector<Guarded>& memory) {
    Launch launch;
    launch.groups(program.groups).base_groups(program.base);
    if (program.subgroup_size != 0) launch.subgroup_size(program.subgroup_size);
    if (entry.push_size != 0) {
      launch.push_bytes(std::as_bytes(std::span(program.push)).first(entry.push_size));
    }
    for (std::uint32_t i = 0; i < entry.binding_count; ++i) {
      const std::uint32_t binding = entry.bindings[i].binding;
      std::span<std::byte> bytes = memory[binding].bytes();
      launch.bind(
          0, binding,
          binding == 0 ? sokr::read(std::span<const std::byte>(bytes)) : sokr::read_write(bytes));
    }
    return launch;
  }

  const Context& context_;
  Substrate substrate_;
};

void show(const Program& program) {
  fmt::print("{}\n{}\n", print(program), disassemble(emit(program)));
}

void write_module(const Program& program, const std::string& file) {
  const auto words = emit(program);
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(words.data()),
             static_cast<std::streamsize>(words.size() * 4));
}

using Failure = std::function<std::string(const Program&)>;

void report(const Failure& failure_of, const Program& program, const std::string& failure) {
  fmt::print("seed {} ({} statements): {}\nreducing ...\n", program.seed, statements(program),
             failure);
  std::fflush(stdout);
  // The reduced program fails in the same way: a wrong value does not become a refusal.
  const std::string kind = failure.substr(0, 6);
  const Program small = shrink(
      program,
      [&](const Program& candidate) {
        crash_note(fmt::format("while reducing random program {}", program.seed));
        return failure_of(candidate).substr(0, 6) == kind;
      },
      kShrinkBudget);
  fmt::print("reduced to {} statements: {}\n\n", statements(small), failure_of(small));
  show(small);
  const std::string file = fmt::format("random_{}.spv", program.seed);
  write_module(small, file);
  fmt::print("\nthe reduced module is in {}; again: --substrate ... --first {} --seeds 1\n", file,
             program.seed);
}

// What `run` says in a child process, or which signal ended it. Nothing here may have
// started a thread before.
std::string in_child(const std::function<std::string()>& run) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "no pipe";
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = run();
    const bool written = ::write(ends[1], text.data(), text.size()) >= 0;
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t size = child > 0 ? ::read(ends[0], text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return "no process";
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : text;
}

bool is_known_wrong(const Substrate& substrate, std::uint64_t seed) {
  return is_packaged_lavapipe(substrate) && std::ranges::binary_search(kLavapipeWrong, seed);
}

// The programs of the settings. Failures that a substrate is known for count apart.
int run_seeds(const Settings& settings, std::string_view name, const Failure& failure_of,
              const std::function<bool(std::uint64_t)>& is_known) {
  const GeneratorOptions options{
      .edges = settings.edges, .subgroups = settings.subgroups, .most_base = settings.most_base};
  std::uint64_t passed = 0, discarded = 0, known = 0, failed = 0, size = 0;
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t seed = settings.first;
  for (; seed < settings.first + settings.seeds; ++seed) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed.count() > settings.seconds) break;
    const Program program = generate(seed, options);
    Memory memory = initial_memory(program);
    if (!evaluate(program, memory)) {
      ++discarded;
      continue;
    }
    crash_note(fmt::format("in random program {} on {}", seed, name));
    const std::string failure = failure_of(program);
    if (!failure.empty()) {
      if (is_known(seed)) {
        ++known;
        continue;
      }
      if (!settings.list) {
        report(failure_of, program, failure);
        return 1;
      }
      fmt::print("seed {} ({} statements): {}\n", seed, statements(program), failure);
      std::fflush(stdout);
      ++failed;
      continue;
    }
    size += statements(program);
    ++passed;
  }
  fmt::print(
      "{}: seeds {} to {}: {} programs right ({} statements on average), {} known to be "
      "wrong, {} too long to run\n",
      name, settings.first, seed - 1, passed, passed ? size / passed : 0, known, discarded);
  return passed > 0 && failed == 0 ? 0 : 1;
}

int run_all(const Settings& settings) {
  if (settings.isolate) {
    const auto failure_of = [&](const Program& program) {
      return in_child([&] {
        const Context context;
        return Runner(context, context.substrate(settings.substrate)).failure(program);
      });
    };
    return run_seeds(settings, settings.substrate, failure_of, [](std::uint64_t) { return false; });
  }
  const Context context;
  const std::optional<Substrate> substrate = find_substrate(context, settings.substrate);
  if (!substrate) return kSkipped;
  const Runner runner(context, *substrate);
  report_crashes();
  return run_seeds(
      settings, substrate->name(), [&](const Program& program) { return runner.failure(program); },
      [&](std::uint64_t seed) { return is_known_wrong(*substrate, seed); });
}

std::optional<Settings> parse(int argc, char** argv) {
  Settings settings;
  if (const char* text = std::getenv("SOKR_DIFF_SEEDS"))
    settings.seeds = std::strtoull(text, nullptr, 10);
  if (const char* text = std::getenv("SOKR_DIFF_FIRST"))
    settings.first = std::strtoull(text, nullptr, 10);
  const bool seeds_set = std::getenv("SOKR_DIFF_SEEDS"), first_set = std::getenv("SOKR_DIFF_FIRST");
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--no-edges")
      settings.edges = false;
    else if (name == "--no-subgroups")
      settings.subgroups = false;
    else if (name == "--list")
      settings.list = true;
    else if (name == "--isolate")
      settings.isolate = true;
    if (name.starts_with("--no-") || name == "--list" || name == "--isolate") continue;
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[++i];
    if (name == "--substrate")
      settings.substrate = value;
    else if (name == "--seeds")
      settings.seeds = seeds_set ? settings.seeds : std::strtoull(value, nullptr, 10);
    else if (name == "--first")
      settings.first = first_set ? settings.first : std::strtoull(value, nullptr, 10);
    else if (name == "--most-base")
      settings.most_base = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
    else if (name == "--seconds")
      settings.seconds = std::strtod(value, nullptr);
    else if (name == "--show")
      settings.show = std::strtoull(value, nullptr, 10);
    else
      return std::nullopt;
  }
  if (settings.substrate.empty() && !settings.show) return std::nullopt;
  return settings;
}

}  // namespace
}  // namespace sokr::differential

int main(int argc, char** argv) {
  using namespace sokr::differential;
  const auto settings = parse(argc, argv);
  if (!settings) {
    fmt::print(stderr,
               "usage: {} --substrate NAME [--seeds N] [--first S] [--seconds T] "
               "[--no-edges] [--no-subgroups] | --show SEED [--no-edges] [--no-subgroups]\n",
               argv[0]);
    return 2;
  }
  if (settings->show) {
    show(generate(*settings->show, {.edges = settings->edges, .subgroups = settings->subgroups}));
    return 0;
  }
  return run_all(*settings);
}
