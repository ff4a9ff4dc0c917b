// SPDX-License-Identifier: MIT OR Apache-2.0
#include "command_line.hpp"

#include <fmt/format.h>
#include <sokr/sokr.h>

#include <CLI/CLI.hpp>
#include <array>
#include <sstream>
#include <utility>

#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr const char* kFooter =
    "Plugins are those beside the installed libraries and in SOKR_PLUGIN_PATH;\n"
    "SOKR_LOG=debug prints every path tried. Exit codes: 0 done, 1 failed,\n"
    "2 bad usage, 3 a benchmark regressed. `man sokr` says more.";

// Takes one value each time, and may be given many times.
CLI::Option* add_list(CLI::App& app, const std::string& flag, std::vector<std::string>& values,
                      const std::string& form, const std::string& help) {
  return app.add_option(flag, values, help)
      ->type_name(form)
      ->expected(1, 65536)
      ->allow_extra_args(false);
}

CLI::Option* add_text(CLI::App& app, const std::string& flag, std::string& value,
                      const std::string& form, const std::string& help) {
  return app.add_option(flag, value, help)->type_name(form);
}

void add_kernel(CLI::App& app, std::string& kernel) {
  app.add_option("KERNEL", kernel, "a file; - reads standard input")->required()->type_name("");
}

void add_on(CLI::App& app, std::vector<std::string>& names, const std::string& help) {
  add_list(app, "--on", names, "NAME[,NAME]", help);
}

void add_launch_flags(CLI::App& app, LaunchFlags& flags) {
  add_kernel(app, flags.kernel);
  add_on(app, flags.on, "substrates; default: the best capable one");
  add_text(app, "--entry", flags.entry, "NAME", "entry point; default: the only one");
  add_text(app, "--groups", flags.groups, "X[,Y[,Z]]", "workgroups");
  add_text(app, "--threads", flags.threads, "X[,Y[,Z]]", "invocations, rounded up to workgroups");
  add_list(app, "--in", flags.in, "SET.BINDING[INDEX]=FILE", "contents of a buffer; .npy or raw");
  add_list(app, "--zero", flags.zero, "SET.BINDING[INDEX]=BYTES", "a buffer of zeros, such as 64K");
  add_list(app, "--out", flags.out, "SET.BINDING[INDEX]=FILE",
           "where to write a buffer: raw, or NumPy as\nFILE.npy:DTYPE, such as y.npy:f32");
  add_list(app, "--push", flags.push, "TYPE:VALUE,...|@FILE", "push constants, packed as given");
  add_list(app, "--spec", flags.spec, "ID=VALUE", "a specialization constant");
  add_text(app, "--local-size", flags.local_size, "X[,Y[,Z]]", "overrides the workgroup size");
  add_text(app, "--subgroup-size", flags.subgroup_size, "N", "asks for a subgroup size");
  add_list(app, "--swap", flags.swap, "A.B,C.D", "exchanges two buffers between dispatches");
  app.add_flag("--cast", flags.cast, "converts .npy inputs to what the kernel reads");
  add_text(app, "--tolerance", flags.tolerance, "ABS[,REL]", "how far substrates may differ");
}

void add_bench_flags(CLI::App& app, BenchFlags& flags) {
  add_text(app, "--repeat", flags.launch.repeat, "N",
           "measurements; default: until they are precise");
  add_text(app, "--precision", flags.precision, "PCT", "how well to know the median; default: 1%");
  add_text(app, "--budget", flags.budget, "SECONDS", "and how long to try; default: 2 each");
  add_text(app, "--bytes", flags.bytes, "N", "what a dispatch moves, such as 12M");
  add_text(app, "--flops", flags.flops, "N", "what a dispatch computes, such as 2e6");
  app.add_flag("--check", flags.check, "first compare what substrates compute");
  app.add_flag("--no-check", flags.no_check, "do not, although outputs are named");
  add_text(app, "--json", flags.json, "FILE", "results, schema sokr.bench/1; - is stdout");
  add_text(app, "--csv", flags.csv, "FILE", "a line for each way and substrate");
  add_text(app, "--markdown", flags.markdown, "FILE", "a table for comments on changes");
  add_text(app, "--html", flags.html, "FILE", "one page: distributions, and how the run went");
  add_text(app, "--svg", flags.svg, "FILE", "its charts");
  add_text(app, "--sweep", flags.sweep, "WHAT=FROM:TO:xN",
           "for several values, such as push.n=1K:64M:x4;\n{n} in other flags stands for each");
  add_list(app, "--baseline", flags.baselines, "FILE", "the --json of an earlier run, or several");
  add_text(app, "--max-regress", flags.max_regress, "PCT", "exit 3 if one is so much slower");
  add_text(
      app, "--relative-to", flags.relative_to, "NAME|calibration|kernel",
      "compare ratios to this substrate's times, or\nthose of our kernels, or of the old kernel");
  add_text(app, "--baseline-command", flags.baseline_command, "CMD",
           "another 'sokr bench ...', measured in turns");
  add_text(app, "--metric", flags.metric, "NAME",
           "compare this counter, not times: instructions,\ncycles, cache-misses or task-clock");
  app.add_flag("--probe", flags.probe)->group("");
  app.add_flag("--serve", flags.serve)->group("");
  app.add_option("--calibrate", flags.calibrate)->group("");
}

struct Commands {
  CLI::App app{"SOKR: run a compute kernel on whatever is here."};
  DevicesFlags devices_flags;
  InspectFlags inspect_flags;
  RunFlags run_flags;
  BenchFlags bench_flags;
  CheckFlags check_flags;
  CacheFlags cache_flags;
  TraceFlags trace_flags;
  IcdFlags icd_flags;
  CLI::App *devices, *inspect, *run, *bench, *check, *cache, *trace, *icd;

  Commands() {
    app.name("sokr");
    app.set_version_flag(
        "--version",
        fmt::format("sokr {}.{}.{}", SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH),
        "Print the version and exit");
    app.footer(kFooter);
    app.get_formatter()->column_width(34);
    devices = app.add_subcommand("devices", "every substrate, and what was not loaded");
    devices->add_flag("--json", devices_flags.json, "machine-readable, schema sokr.devices/1");
    inspect = app.add_subcommand("inspect", "what a kernel needs, and who can run it");
    add_kernel(*inspect, inspect_flags.kernel);
    add_on(*inspect, inspect_flags.on, "ask only these substrates");
    add_list(*inspect, "--spec", inspect_flags.spec, "ID=VALUE", "show sizes for this value");
    inspect->add_flag("--json", inspect_flags.json, "machine-readable, schema sokr.inspect/1");
    run = app.add_subcommand("run", "one dispatch, from files to files");
    add_launch_flags(*run, run_flags.launch);
    add_text(*run, "--repeat", run_flags.launch.repeat, "N",
             "dispatch N times on the same buffers");
    add_list(*run, "--print", run_flags.print, "SET.BINDING[FROM:TO]",
             "show values when it is done, such as 0.1[:8]");
    run->add_flag("--json", run_flags.json, "machine-readable, schema sokr.run/1");
    bench = app.add_subcommand("bench", "latency from dispatch to completion");
    add_launch_flags(*bench, bench_flags.launch);
    add_bench_flags(*bench, bench_flags);
    check = app.add_subcommand("check", "does a plugin file keep the rules");
    check->add_option("PLUGIN", check_flags.plugins, "a file, such as sokr-mine.so; or several")
        ->required()
        ->type_name("");
    add_list(*check, "--seed", check_flags.seeds, "FILE[@BYTES]",
             "a valid kernel of its format; BYTES:\nthe first that make a whole one");
    add_text(*check, "--timeout", check_flags.timeout, "SECONDS",
             "for each rule and kernel; default: 60");
    add_text(*check, "--json", check_flags.json, "FILE",
             "results, schema sokr.check/1; - is stdout");
    cache = app.add_subcommand("cache", "kernels kept on disk: show or clear them");
    cache->add_option("ACTION", cache_flags.action, "list (the default) or clear")->type_name("");
    cache->add_flag("--json", cache_flags.json, "machine-readable, schema sokr.cache/1");
    trace = app.add_subcommand("trace", "what a program did that ran with SOKR_TRACE");
    trace->add_option("FILE", trace_flags.file, "what SOKR_TRACE=FILE wrote")
        ->required()
        ->type_name("");
    icd = app.add_subcommand("icd", "run a Vulkan program on SOKR's driver");
    icd->footer("sokr icd -- PROGRAM ARG... runs it; without a program: what to export.");
    app.add_subcommand("help", "what a command takes");
    for (CLI::App* command : commands()) command->allow_extras();
    app.allow_extras();
  }

  std::array<CLI::App*, 8> commands() const {
    return {devices, inspect, run, bench, check, cache, trace, icd};
  }
};

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view best = nearest(given, views);
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

// "; did you mean 'run'? (there are ...)", or "; there are ...".
std::string what_there_is(std::string_view given, const std::vector<std::string>& known) {
  const std::string guess = did_you_mean(given, known);
  return guess.empty() ? fmt::format("; there are {}", list_text(known))
                       : fmt::format("{} (there are {})", guess, list_text(known));
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// `--json -` is `--json`: where there is no file, the result goes to standard output anyway.
bool is_standard_output(const CLI::App& command, const std::string& extra) {
  const CLI::Option* json = command.get_option_no_throw("--json");
  return extra == "-" && json && json->count() > 0 && json->get_expected_max() == 0;
}

void refuse_extras(const CLI::App& command) {
  for (const std::string& extra : command.remaining()) {
    if (is_standard_output(command, extra)) continue;
    if (extra.size() > 1 && extra[0] == '-') {
      const std::string flag = extra.substr(0, extra.find('='));
      throw UsageError(fmt::format("{}: unknown flag '{}'{}", command.get_name(), flag,
                                   did_you_mean(flag, flags_of(command))));
    }
    throw UsageError(fmt::format("{}: unexpected argument '{}'; see 'sokr {} --help'",
                                 command.get_name(), extra, command.get_name()));
  }
}

// What takes one value and got several.
void refuse_repeated(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_expected_max() != 1 || option->count() < 2) continue;
    throw UsageError(
        fmt::format("{}: {} is given twice; name it once", command.get_name(), option->get_name()));
  }
}

// A variable of a script that is not set. Taken for a flag that is not given, it would do without a
// file, or a gate, and say nothing.
void refuse_empty(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& value : option->results()) {
      if (!value.empty() || !option->get_name().starts_with("--")) continue;
      throw UsageError(fmt::format("{}: {} takes {}, and nothing is given", command.get_name(),
                                   option->get_name(), option->get_type_name()));
    }
  }
}

// In this command's words where they are known, else in the parser's.
[[noreturn]] void refuse_parse_error(const CLI::App& command, const std::string& said) {
  refuse_extras(command);
  refuse_repeated(command);
  const CLI::Option* kernel = command.get_option_no_throw("KERNEL");
  if (kernel && kernel->count() == 0) {
    throw UsageError(fmt::format("{}: KERNEL is missing; it is a file, or - for standard input",
                                 command.get_name()));
  }
  const CLI::Option* plugin = command.get_option_no_throw("PLUGIN");
  if (plugin && plugin->count() == 0) {
    throw UsageError(fmt::format("{}: PLUGIN is missing; it is a file, such as sokr-mine.so",
                                 command.get_name()));
  }
  const CLI::Option* file = command.get_option_no_throw("FILE");
  if (file && file->count() == 0) {
    throw UsageError(
        fmt::format("{}: FILE is missing; it is what SOKR_TRACE=FILE wrote", command.get_name()));
  }
  // "--on: 1 required NAME[,NAME] missing"
  constexpr std::string_view kRequired = ": 1 required ", kMissing = " missing";
  const std::size_t at = said.find(kRequired);
  if (at != std::string::npos && said.ends_with(kMissing)) {
    const std::size_t form = at + kRequired.size();
    throw UsageError(fmt::format("{}: {} takes {}, and nothing is given", command.get_name(),
                                 said.substr(0, at),
                                 said.substr(form, said.size() - form - kMissing.size())));
  }
  throw UsageError(fmt::format("{}: {}", command.get_name(), said));
}

[[noreturn]] void refuse_unknown_command(const Commands& commands) {
  std::vector<std::string> names, words = commands.app.remaining();
  for (const CLI::App* command : commands.commands()) names.push_back(command->get_name());
  if (words.empty()) {
    throw UsageError(fmt::format("no command given; there are {}", list_text(names)));
  }
  const bool flag = words[0].starts_with('-');
  auto known = flag ? flags_of(commands.app) : names;
  throw UsageError(fmt::format("unknown {} '{}'{}", flag ? "flag" : "command", words[0],
                               what_there_is(words[0], known)));
}

HelpText help(const Commands& commands, std::span<const std::string> words) {
  if (words.size() > 1) {
    throw UsageError(fmt::format("help: unexpected argument '{}'; it takes one command", words[1]));
  }
  std::vector<std::string> names;
  for (const CLI::App* command : commands.commands()) {
    if (words.empty()) break;
    if (command->get_name() == words[0]) return {command->help("sokr")};
    names.push_back(command->get_name());
  }
  if (!words.empty()) {
    throw UsageError(
        fmt::format("help: unknown command '{}'{}", words[0], what_there_is(words[0], names)));
  }
  return {commands.app.help()};
}

}  // namespace

CommandLine read_command_line(std::span<const std::string> words) {
  Commands commands;
  // What follows is the name of a command, and not the command.
  if (!words.empty() && words[0] == "help" &&
      (words.size() < 2 || !words[1].starts_with('-') || words[1] == "-")) {
    return help(commands, words.subspan(1));
  }
  // What stands behind -- is the program's.
  if (words.size() >= 2 && words[0] == "icd" && words[1] == "--") {
    if (words.size() == 2) throw UsageError("icd: no program behind --");
    return IcdFlags{{words.begin() + 2, words.end()}};
  }
  try {
    commands.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    commands.app.exit(asked, text, text);
    return HelpText{text.str()};
  } catch (const CLI::ParseError& error) {
    for (const CLI::App* command : commands.commands()) {
      if (command->parsed()) refuse_parse_error(*command, error.what());
    }
    throw UsageError(error.what());
  }
  for (const CLI::App* command : commands.commands()) {
    if (!command->parsed()) continue;
    refuse_extras(*command);
    refuse_empty(*command);
  }
  if (commands.devices->parsed()) return commands.devices_flags;
  if (commands.inspect->parsed()) return std::move(commands.inspect_flags);
  if (commands.run->parsed()) return std::move(commands.run_flags);
  if (commands.bench->parsed()) return std::move(commands.bench_flags);
  if (commands.check->parsed()) return std::move(commands.check_flags);
  if (commands.cache->parsed()) return std::move(commands.cache_flags);
  if (commands.trace->parsed()) return std::move(commands.trace_flags);
  if (commands.icd->parsed()) return std::move(commands.icd_flags);
  refuse_unknown_command(commands);
}

}  // namespace sokr::cli
