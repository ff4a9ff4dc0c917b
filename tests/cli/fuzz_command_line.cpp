// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any words as a command line: refused with a sentence, or a command whose flags are among the
// words. A line of the input is a word.
#include "command_line.hpp"
#include "fuzzing.hpp"
#include "launch_flags.hpp"

namespace {

using namespace sokr::cli;
using sokr::fuzzing::require;

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    // A word of a command line ends at a byte of zero.
    const std::string_view line = text.substr(0, text.find('\n'));
    words.emplace_back(line.substr(0, line.find('\0')));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return words;
}

// A text that a flag has got stands in the words, alone or behind "--flag=".
class Words {
 public:
  explicit Words(const std::vector<std::string>& words) : words_(words) {}

  void operator()(const std::string& text) const {
    require(text.empty() || std::any_of(words_.begin(), words_.end(),
                                        [&](const auto& word) { return word.ends_with(text); }),
            text);
  }
  void operator()(const std::vector<std::string>& texts) const {
    require(texts.size() <= words_.size());
    for (const std::string& text : texts) (*this)(text);
  }
  void operator()(const LaunchFlags& flags) const {
    for (const auto* text :
         {&flags.kernel, &flags.entry, &flags.groups, &flags.threads, &flags.local_size,
          &flags.subgroup_size, &flags.repeat, &flags.tolerance}) {
      (*this)(*text);
    }
    for (const auto* texts :
         {&flags.on, &flags.in, &flags.zero, &flags.out, &flags.push, &flags.spec, &flags.swap}) {
      (*this)(*texts);
    }
    require(!flags.kernel.empty() || has(""));
  }
  bool has(std::string_view word) const {
    return std::find(words_.begin(), words_.end(), word) != words_.end();
  }

 private:
  const std::vector<std::string>& words_;
};

struct Check {
  const Words& words;

  void operator()(const HelpText& help) const { require(!help.text.empty()); }
  void operator()(const DevicesFlags&) const { require(words.has("devices")); }
  void operator()(const InspectFlags& flags) const {
    require(words.has("inspect"));
    words(flags.kernel), words(flags.on), words(flags.spec);
    try {
      (void)parse_specs(flags.spec);
    } catch (const UsageError& error) {
      require(*error.what() != '\0');
    }
  }
  void operator()(const RunFlags& flags) const {
    require(words.has("run"));
    words(flags.launch), words(flags.print);
  }
  void operator()(const BenchFlags& flags) const {
    require(words.has("bench"));
    words(flags.launch), words(flags.baselines);
    for (const auto* text :
         {&flags.json, &flags.csv, &flags.markdown, &flags.html, &flags.svg, &flags.sweep,
          &flags.precision, &flags.budget, &flags.bytes, &flags.flops, &flags.max_regress,
          &flags.metric, &flags.relative_to, &flags.baseline_command}) {
      words(*text);
    }
  }
  void operator()(const CheckFlags& flags) const {
    require(words.has("check") && !flags.plugins.empty());
    words(flags.plugins), words(flags.seeds), words(flags.json), words(flags.timeout);
  }
  void operator()(const TraceFlags& flags) const {
    require(words.has("trace") && !flags.file.empty());
    words(flags.file);
  }
  void operator()(const IcdFlags& flags) const {
    require(words.has("icd"));
    words(flags.program);
  }
  void operator()(const CacheFlags& flags) const {
    require(words.has("cache"));
    words(flags.action);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> words = split_words({reinterpret_cast<const char*>(data), size});
  const Words given(words);
  try {
    std::visit(Check{given}, read_command_line(words));
  } catch (const UsageError& error) {
    require(*error.what() != '\0');
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  return {{"devices\n--json", "inspect\nk.spv\n--on\ncpu\n--spec\n0=64\n--json",
           "run\nsaxpy.spv\n--threads\n1000000\n--push\nu32:1000000,f32:3\n--in\n0.0=x.npy\n"
           "--out\n0.1=result.npy:f32\n--on=cpu",
           "bench\nk.spv\n--groups=4,1\n--zero\n0.0=64\n--json\n-\n--baseline\nb\n--max-regress\n5",
           "bench\nk.spv\n--sweep\npush.n=1K:1M:x4\n--relative-to\ncalibration\n--precision=1%",
           "trace\nfile.json", "icd\n--\nprogram\n--flag", "cache\nclear", "help\nrun", "--version",
           "run\n--help"},
          {"\n--on\n",
           "\n--push=",
           "\n--in\n0.0=x",
           "\n--print\n0.1[:8]",
           "\n--swap\n0.0,0.1",
           "\n--cast",
           "\n--json",
           "\n-\n",
           "\n--\n",
           "\n--spec\n",
           "\n--tolerance\n-1",
           "help\n",
           "run\n",
           "bench\n",
           "devices\n",
           "inspect\n",
           "cache\n",
           "trace\n",
           "icd\n--\n",
           "\n--metric=",
           "\n--baseline-command\n",
           "\n--repeat\n3",
           "\n-h",
           "\n++",
           "\n--entry\n",
           "=",
           "{",
           "[a,b]",
           "%%",
           "\"",
           "'"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
