// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr-cpu-compile: compiles one kernel and prints what the stages made of it. A developer's tool;
// docs/cpu-compiler.md has examples, tests/substrates/cpu/filetests lives on it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <spirv-tools/libspirv.hpp>

#include "compiler/analysis/geometry.hpp"
#include "compiler/analysis/trace.hpp"
#include "compiler/builtins.hpp"
#include "compiler/target/traits.hpp"

namespace sokr::cpu {
namespace {

struct Arguments {
  std::string file, entry, isa;
  std::vector<std::string> stages, parts;
  std::uint32_t width = 0, interleave = 0, subgroup = kDefaultSubgroupSize, size_shift = 0;
  std::uint32_t repeat = 1;
  bool trusted = false, aliased = false, endless = false, quick = false, draft = false,
       builtins = false;
};

template <class... Args>
[[noreturn]] void stop(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(stderr, "sokr-cpu-compile: {}\n", fmt::format(format, std::forward<Args>(args)...));
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result.ok()) stop("{}", result.failure().sentence);
  return std::move(*result);
}

// Ids that a text names, but no OpName does, keep their names. What says so is put ahead of the
// first line that may follow it, and on that line, so that the others keep their numbers.
std::string with_names(const std::string& text) {
  static const std::regex ahead(
      R"(^\s*(;.*|(%\w+\s*=\s*)?Op(Capability|Extension|ExtInstImport|MemoryModel|EntryPoint|ExecutionMode|ExecutionModeId|Source|SourceExtension|String)\b.*)?$)");
  static const std::regex made(R"(^\s*%([A-Za-z_]\w*)\s*=\s*Op)"),
      named(R"(^\s*OpName\s+%(\w+)\s)");
  std::set<std::string> names;
  std::vector<std::string> lines, order;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line); lines.push_back(line)) {
    std::smatch match;
    if (std::regex_search(line, match, named)) names.insert(match[1]);
    if (std::regex_search(line, match, made)) order.push_back(match[1]);
  }
  std::string out;
  bool done = false;
  for (const std::string& line : lines) {
    if (!done && !std::regex_match(line, ahead)) {
      for (const std::string& name : order)
        if (names.insert(name).second) out += fmt::format("OpName %{0} \"{0}\" ", name);
      done = true;
    }
    out += line + "\n";
  }
  return out;
}

std::vector<std::uint8_t> read_module(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) stop("{} cannot be read", file);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  constexpr std::uint32_t kMagic = 0x07230203;
  std::uint32_t first = 0;
  if (text.size() >= 4) std::memcpy(&first, text.data(), 4);
  if (first == kMagic) return {text.begin(), text.end()};
  spvtools::SpirvTools tools(SPV_ENV_UNIVERSAL_1_6);
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t& at, const char* what) {
        fmt::print(stderr, "{}:{}: {}\n", file, at.line + 1, what);
      });
  std::vector<std::uint32_t> words;
  if (!tools.Assemble(with_names(text), &words)) stop("{} is not SPIR-V", file);
  std::vector<std::uint8_t> bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

CompileOptions options_of(const Arguments& arguments) {
  CompileOptions options;
  if (!arguments.isa.empty()) options.isa = must(isa_from_name(arguments.isa));
  const std::uint32_t lanes = least_traits(options.isa).lanes;
  if (arguments.width != 0 && arguments.width != 1 && arguments.width != lanes)
    stop("a register of {} has {} lanes: --width is 1 or {}", isa_name(options.isa), lanes, lanes);
  options.scalar_mode = arguments.width == 1;
  if (arguments.width > 1)
    options.without |= UINT64_C(1) << static_cast<unsigned>(Part::kScalarMode);
  options.interleave = arguments.interleave;
  options.subgroup_size = arguments.subgroup;
  options.robust = !arguments.trusted;
  options.assume_no_alias = !arguments.aliased;
  options.abort_checks = !arguments.endless;
  options.size_shift = static_cast<std::uint8_t>(arguments.size_shift);
  if (arguments.quick) options.effort = Effort::kQuick;
  if (arguments.draft) options.effort = Effort::kDraft;
  if (arguments.builtins) {
    // As the runtime's compiler has them linked in.
    static const std::vector<std::uint8_t> object = must(compile_builtins(options.isa));
    static const Builtins all = must(Builtins::read(object));
    options.builtins = &all;
  }
  for (const std::string& name : arguments.parts) {
    const auto part = part_named(name);
    if (!part) {
      std::string known;
      for (std::uint8_t i = 0; i < kParts; ++i)
        known += fmt::format(" {}", part_name(static_cast<Part>(i)));
      stop("no part is called {}:{}", name, known);
    }
    options.without |= UINT64_C(1) << static_cast<unsigned>(*part);
  }
  return options;
}

std::vector<Stage> stages_of(const Arguments& arguments) {
  std::vector<Stage> stages;
  for (const std::string& name : arguments.stages) {
    const auto stage = stage_named(name);
    if (!stage) {
      std::string known;
      for (std::uint8_t i = 0; i < kStages; ++i)
        known += fmt::format(" {}", stage_name(static_cast<Stage>(i)));
      stop("no stage is called {}:{}", name, known);
    }
    stages.push_back(*stage);
  }
  return stages;
}

int run(const Arguments& arguments) {
  CompileOptions options = options_of(arguments);
  const std::vector<Stage> stages = stages_of(arguments);
  Trace trace(stages, [](Stage stage, std::string_view function, std::string_view text) {
    fmt::print("; {} after {}\n{}\n", function, stage_name(stage), text);
  });
  options.trace = &trace;
  // Nothing is done behind the last stage that is wanted.
  const bool is_optimised = std::ranges::find(stages, Stage::kOptimise) != stages.end();
  if (!stages.empty() && !is_optimised && options.effort == Effort::kFull)
    options.effort = Effort::kVerify;
  std::vector<CompileStage> times;
  options.on_stage = [&](const CompileStage& stage) {
    for (CompileStage& seen : times)
      if (std::string_view(seen.name) == stage.name) {
        seen.milliseconds = std::min(seen.milliseconds, stage.milliseconds);
        return;
      }
    times.push_back(stage);
  };
  const auto bytes = read_module(arguments.file);
  const auto module = must(spirv::decode(bytes));
  const auto* entry = must(module->entry_point(arguments.entry));
  const auto kernel = must(compile(*module, *entry, options));
  if (!stages.empty()) return 0;
  for (std::uint32_t i = 1; i < arguments.repeat; ++i) must(compile(*module, *entry, options));
  for (const CompileStage& stage : times)
    fmt::print("{:<10} {:8.3f} ms {:>8} {}\n", stage.name, stage.milliseconds, stage.size,
               stage.unit);
  fmt::print("{} lanes, {} passes, {} bytes of scratch memory\n", kernel.lanes, kernel.passes,
             kernel.scratch_size);
  return 0;
}

}  // namespace
}  // namespace sokr::cpu

int main(int count, char** values) {
  sokr::cpu::Arguments arguments;
  CLI::App app("Compiles one kernel for the CPU and prints what the stages made of it.");
  app.add_option("file", arguments.file, "a SPIR-V module, or its text")->required();
  app.add_option("--entry", arguments.entry, "entry point (the only one)");
  app.add_option("--isa", arguments.isa, sokr::cpu::isa_names() + " (this machine's)");
  app.add_option("--width", arguments.width, "lanes of a register; 1: one invocation at a time");
  app.add_option("--interleave", arguments.interleave, "registers that move together");
  app.add_option("--subgroup", arguments.subgroup, "invocations of a subgroup");
  app.add_option("--size-shift", arguments.size_shift, "bindings of 2^31 << this bytes");
  app.add_option("--print-after", arguments.stages, "stages, comma between")->delimiter(',');
  app.add_option("--without", arguments.parts, "parts to leave out, comma between")->delimiter(',');
  app.add_option("--repeat", arguments.repeat, "compile so often; each stage's shortest time");
  app.add_flag("--trusted", arguments.trusted, "indices are in range");
  app.add_flag("--aliased", arguments.aliased, "bindings may overlap");
  app.add_flag("--no-abort-checks", arguments.endless, "loops do not ask whether to give up");
  app.add_flag("--quick", arguments.quick, "hardly optimised");
  app.add_flag("--draft", arguments.draft, "a first version that the full one replaces");
  app.add_flag("--builtins", arguments.builtins, "what drafts share is compiled ahead");
  CLI11_PARSE(app, count, values);
  return sokr::cpu::run(arguments);
}
