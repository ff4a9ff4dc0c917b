// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The tree's shaders, as compiled and as spirv-opt leaves them, and changed ones, run: what the
// compiler makes of them and what the interpreter does agree bit by bit, or there is a reason why
// they need not, found by a rule and counted by its name.
//
// Every shader with every instruction set, subgroup size and size of buffers, and many mutants of
// each, where SOKR_EXTENT=all; else they take turns.
//
//   SOKR_MUTANT_RUNS=N   mutants of each module (default: see below)
//   SOKR_MUTANT_FIRST=S  the first seed
//   SOKR_MUTANT_KEEP=1   the module of every failure is written to mutant_<module>_<seed>.spv
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <extent.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optimised.hpp>
#include <random>
#include <set>
#include <sokr/spirv/reflection.hpp>

#include "../../../differential/support.hpp"
#include "kernel_runner.hpp"
#include "mutants.hpp"
#include "races.hpp"

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::size_t kHeader = 5;
constexpr std::chrono::milliseconds kReferencePatience{1000}, kCompiledPatience{60000};

std::uint32_t number(const char* variable, std::uint32_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
}

Bytes bytes_of_words(const Words& words) {
  Bytes bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

spv::Op op_at(const Words& words, std::size_t at) {
  return static_cast<spv::Op>(words[at] & 0xFFFF);
}

template <class Visit>
void each_instruction(const Words& words, Visit visit) {
  for (std::size_t at = kHeader; at < words.size(); at += words[at] >> 16) {
    if (words[at] >> 16 == 0 || (words[at] >> 16) > words.size() - at) return;
    visit(at);
  }
}

// ---- Reasons ------------------------------------------------------------------------------------

// Functions whose last bits Vulkan leaves open, with a substitute whose bits it does not and how
// many operands that has.
struct Substitute {
  std::uint32_t function = 0, operands = 0;
};
Substitute substitute_of(std::uint32_t function) {
  switch (function) {
    case GLSLstd450Pow:
    case GLSLstd450Atan2:
    case GLSLstd450Fma:
    case GLSLstd450FMix:
    case GLSLstd450SmoothStep:
      return {GLSLstd450NMin, 2};
    case GLSLstd450Radians:
    case GLSLstd450Degrees:
    case GLSLstd450InverseSqrt:
      return {GLSLstd450FAbs, 1};
    default:
      if (function >= GLSLstd450Sin && function <= GLSLstd450Sqrt) return {GLSLstd450FAbs, 1};
      return {};
  }
}

bool may_be_contracted(spv::Op op) {
  return op == spv::Op::OpFAdd || op == spv::Op::OpFSub || op == spv::Op::OpFMul ||
         op == spv::Op::OpVectorTimesScalar || op == spv::Op::OpMatrixTimesScalar ||
         op == spv::Op::OpOuterProduct;
}

// Sums whose order, and with it where they round and overflow, Vulkan leaves open ("inherited" or
// "derived" from an expression in its table of precisions; reductions and scans of floats). There
// is no operation of the same operands to put in their place.
bool is_sum_in_any_order(spv::Op op) {
  return (op >= spv::Op::OpVectorTimesMatrix && op <= spv::Op::OpMatrixTimesMatrix) ||
         op == spv::Op::OpDot || op == spv::Op::OpFMod || op == spv::Op::OpFRem ||
         op == spv::Op::OpGroupNonUniformFAdd || op == spv::Op::OpGroupNonUniformFMul;
}
bool is_sum_in_any_order(std::uint32_t function) {
  return function == GLSLstd450Determinant || function == GLSLstd450MatrixInverse ||
         (function >= GLSLstd450Length && function <= GLSLstd450Normalize) ||
         (function >= GLSLstd450FaceForward && function <= GLSLstd450Refract);
}

// The same module with what leaves a result open taken out of it: functions have a substitute, sums
// are 0, products are not contracted, denormal operands are not flushed (where results have to be,
// operands may be).
class Exact {
 public:
  explicit Exact(const Words& words) : words_(words) {
    out_.assign(words.begin(), words.begin() + kHeader);
    each_instruction(words, [&](std::size_t at) { add(at); });
    insert(functions_, nulls_);
    insert(types_, decorations_);
  }
  const Words& words() const { return out_; }

 private:
  void insert(std::size_t at, const Words& more) {
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  }
  static std::uint32_t head(spv::Op op, std::uint32_t words) {
    return words << 16 | static_cast<std::uint32_t>(op);
  }

  void add(std::size_t at) {
    const spv::Op op = op_at(words_, at);
    if (op == spv::Op::OpExtInstImport &&
        std::strcmp(reinterpret_cast<const char*>(&words_[at + 2]), "GLSL.std.450") == 0)
      glsl_ = words_[at + 1];
    if (!types_ && op >= spv::Op::OpTypeVoid && op <= spv::Op::OpTypeFunction) types_ = out_.size();
    if (!functions_ && op == spv::Op::OpFunction) functions_ = out_.size();
    const auto flush = static_cast<std::uint32_t>(spv::ExecutionMode::DenormFlushToZero);
    if (op == spv::Op::OpExecutionMode && words_[at + 2] == flush) return;
    const bool is_call = op == spv::Op::OpExtInst && words_[at + 3] == glsl_;
    if (is_sum_in_any_order(op) || (is_call && is_sum_in_any_order(words_[at + 4]))) {
      nulls_.insert(nulls_.end(),
                    {head(spv::Op::OpConstantNull, 3), words_[at + 1], words_[at + 2]});
      return;
    }
    if (may_be_contracted(op))
      decorations_.insert(decorations_.end(),
                          {head(spv::Op::OpDecorate, 3), words_[at + 2],
                           static_cast<std::uint32_t>(spv::Decoration::NoContraction)});
    const std::size_t first = out_.size();
    out_.insert(out_.end(), words_.begin() + static_cast<std::ptrdiff_t>(at),
                words_.begin() + static_cast<std::ptrdiff_t>(at + (words_[at] >> 16)));
    if (!is_call) return;
    const Substitute other = substitute_of(words_[at + 4]);
    if (other.function == 0) return;
    out_[first] = head(op, 5 + other.operands);
    out_[first + 4] = other.function;
    out_.resize(first + 5 + other.operands);
  }

  const Words& words_;
  Words out_, decorations_, nulls_;
  std::size_t types_ = 0, functions_ = 0;
  std::uint32_t glsl_ = 0;
};

// Two variables of one binding that nobody calls aliases, or none where all have a name.
bool has_hidden_aliases(const spirv::Module& module, const spirv::EntryPoint& entry) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> seen;
  for (const auto id : entry.globals) {
    const spirv::Variable* v = module.variable(id);
    if (v && v->has_binding && !v->aliased && ++seen[{v->set, v->binding}] > 1) return true;
  }
  return false;
}

// Whose length the launch would have to give.
bool has_open_descriptors(const spirv::Module& module, const spirv::EntryPoint& entry) {
  const auto reflection = spirv::reflect_entry(module, entry);
  return std::ranges::any_of(reflection.bindings, [](const auto& b) { return b.count == 0; });
}

bool is_used(const spirv::Module& module, spirv::Id id) {
  for (const auto& function : module.functions())
    for (const auto& block : function.blocks) {
      const auto uses = [&](const spirv::Instruction& inst) {
        return std::ranges::find(inst.args, id) != inst.args.end();
      };
      if (std::ranges::any_of(block.body, uses) || uses(block.terminator)) return true;
    }
  return false;
}

// Atomic operations that met leave the same in every order if they are one integer operation and
// nobody looks at what was there before.
bool shows_order(const spirv::Module& module, const RaceFinder& races) {
  std::map<std::uint32_t, const spirv::Instruction*> atomics;  // by their word
  for (const auto& function : module.functions())
    for (const auto& block : function.blocks)
      for (const auto& inst : block.body) atomics[inst.word] = &inst;
  return std::ranges::any_of(races.meetings(), [&](const auto& met) {
    const spirv::Instruction *first = atomics[met.first], *second = atomics[met.second];
    if (first == nullptr || second == nullptr || first->op != second->op) return true;
    const bool commutes =
        first->op >= spv::Op::OpAtomicIIncrement && first->op <= spv::Op::OpAtomicXor;
    return !commutes || (first->id != 0 && is_used(module, first->id)) ||
           (second->id != 0 && is_used(module, second->id));
  });
}

// A constant index beyond a vector, a matrix or an array, which has to be inside.
bool has_index_beyond(const spirv::Module& module) {
  const auto is_beyond = [&](const spirv::Instruction& inst) {
    if (inst.op != spv::Op::OpAccessChain && inst.op != spv::Op::OpInBoundsAccessChain)
      return false;
    const spirv::Type* at = module.type(module.type_of(inst.args[0]));
    at = at ? module.type(at->element) : nullptr;
    for (std::size_t k = 1; at && k < inst.args.size(); ++k) {
      const spirv::Constant* index = module.constant(inst.args[k]);
      if (at->kind == spirv::TypeKind::kStruct) {
        at = index && index->bits < at->members.size() ? module.type(at->members[index->bits].type)
                                                       : nullptr;
        continue;
      }
      if (index && at->kind != spirv::TypeKind::kRuntimeArray && index->bits >= at->count)
        return true;
      at = module.type(at->element);
    }
    return false;
  };
  for (const auto& function : module.functions())
    for (const auto& block : function.blocks)
      if (std::ranges::any_of(block.body, is_beyond)) return true;
  return false;
}

// A subgroup's invocations take their value from one place that they have to agree about.
bool has_varying_source(const spirv::Module& module) {
  for (const auto& function : module.functions())
    for (const auto& block : function.blocks)
      for (const auto& inst : block.body)
        if ((inst.op == spv::Op::OpGroupNonUniformBroadcast ||
             inst.op == spv::Op::OpGroupNonUniformQuadBroadcast) &&
            !module.constant(inst.args[2]))
          return true;
  return false;
}

bool both_are_nan(std::uint32_t a, std::uint32_t b) {
  const auto is_nan = [](std::uint32_t x) { return (x & 0x7FFFFFFF) > 0x7F800000; };
  const auto half_is_nan = [](std::uint32_t x) { return (x & 0x7FFF) > 0x7C00; };
  if (is_nan(a) && is_nan(b)) return true;
  bool halves = false;
  for (const int up : {0, 16}) {
    const std::uint32_t x = a >> up & 0xFFFF, y = b >> up & 0xFFFF;
    if (x == y) continue;
    if (!half_is_nan(x) || !half_is_nan(y)) return false;
    halves = true;
  }
  return halves;
}

// ---- Runs ---------------------------------------------------------------------------------------

struct Plan {
  CompileOptions options;
  std::uint32_t seed = 0;
  std::uint32_t groups = 2;
  std::size_t buffer_bytes = 4096;
};

TestLaunch launch_for(const spirv::Module& module, const spirv::EntryPoint& entry,
                      const Plan& plan) {
  std::mt19937 random(plan.seed);
  TestLaunch launch;
  launch.groups = {plan.groups, 1, 1};
  const auto reflection = spirv::reflect_entry(module, entry);
  for (const auto& binding : reflection.bindings)
    for (std::uint32_t i = 0; i < std::min(binding.count, 8u); ++i) {
      Words words(std::max<std::size_t>(plan.buffer_bytes, (binding.min_size + 3) / 4 * 4) / 4);
      for (auto& x : words)
        x = random() % 4 == 0 ? static_cast<std::uint32_t>(random()) : random() % 64;
      launch.buffers.push_back({binding.set, binding.binding, bytes_of(words), i});
    }
  Words push(64);
  for (auto& x : push) x = random() % 100;
  launch.push = bytes_of(push);
  return launch;
}

// Blocks of which one is larger than a mebibyte are not bound.
bool needs_much_memory(const spirv::Module& module, const spirv::EntryPoint& entry) {
  const auto reflection = spirv::reflect_entry(module, entry);
  return std::ranges::any_of(reflection.bindings,
                             [](const auto& b) { return b.min_size > (1u << 20); });
}

// Of this processor.
const std::vector<CompileOptions>& host_options() {
  static const std::vector<CompileOptions> all = [] {
    std::vector<CompileOptions> kept = all_options();
    std::erase_if(kept, [](const CompileOptions& o) { return !host_supports(o.isa); });
    return kept;
  }();
  return all;
}

CompileOptions options_of(std::uint32_t seed) {
  CompileOptions options = host_options()[seed % host_options().size()];
  options.assume_no_alias = seed / 7 % 2 != 0;
  options.effort = seed % 8 == 0 ? Effort::kFull : Effort::kQuick;
  return options;
}

struct Difference {
  std::string where;  // empty: none
  bool only_nan = true;
};

Difference difference_of(const TestLaunch& expected, const TestLaunch& got) {
  Difference d;
  for (std::size_t k = 0; k < expected.buffers.size(); ++k) {
    const auto want = values_of<std::uint32_t>(expected.buffers[k].data);
    const auto have = values_of<std::uint32_t>(got.buffers[k].data);
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (want[i] == have[i]) continue;
      if (both_are_nan(want[i], have[i])) {
        if (d.where.empty()) d.where = "NaN of other bits";
        continue;
      }
      d.only_nan = false;
      d.where = fmt::format("binding {}.{}[{}] word {} is {:#x}, by the interpreter {:#x}",
                            expected.buffers[k].set, expected.buffers[k].binding,
                            expected.buffers[k].index, i, have[i], want[i]);
      return d;
    }
  }
  return d;
}

struct Verdict {
  std::string reason;  // why the two need not agree, or "the same"
  std::string fault;   // what is wrong; empty if nothing
};

// Why a run need not come out as the interpreter's that `races` watched, precision aside; empty if
// there is nothing.
std::string reason_of(const spirv::Module& module, const spirv::EntryPoint& entry,
                      const RaceFinder& races) {
  if (!races.race().empty()) return "a race";
  if (!races.unwritten().empty()) return "Workgroup memory that nobody has written";
  if (has_hidden_aliases(module, entry)) return "aliases without that decoration";
  if (shows_order(module, races)) return "atomic operations whose order shows";
  if (races.is_outside()) return "an access outside of a variable";
  if (has_index_beyond(module)) return "a constant index beyond its end";
  if (has_varying_source(module)) return "a broadcast from a place that may vary";
  return {};
}

Verdict judge(const Words& words, const Plan& plan) {
  const Bytes bytes = bytes_of_words(words);
  if (!spirv::validate(bytes)) return {"not valid", {}};
  const auto module = spirv::decode(bytes);
  if (!module) return {"refused", {}};
  if ((*module)->entry_points().size() != 1) return {"several entry points", {}};
  const spirv::EntryPoint& entry = (*module)->entry_points()[0];
  const CompileOptions& options = plan.options;
  if (!check(**module, entry, options)) return {"refused by the compiler", {}};
  if (has_open_descriptors(**module, entry)) return {"descriptors without a number", {}};
  if (needs_much_memory(**module, entry)) return {"buffers too large", {}};
  const TestLaunch launch = launch_for(**module, entry, plan);
  TestLaunch expected = launch;
  RaceFinder races;
  const auto reference =
      run_reference(bytes, expected, options.subgroup_size, {kReferencePatience, &races});
  if (!reference) {
    const std::string& why = reference.failure().sentence;
    if (reference.code() == SOKR_CAPABILITY_DENIED) return {"refused by the interpreter", {}};
    for (const char* known : {kGivenUp, "divergent barrier", "OpUnreachable", "misaligned"})
      if (why.find(known) != std::string::npos) return {known, {}};
    return {{}, "the interpreter failed: " + why};
  }
  const std::string reason = reason_of(**module, entry, races);
  TestLaunch got = launch;
  const auto ran =
      run_compiled(bytes, options, got, {reason.empty() ? kCompiledPatience : kReferencePatience});
  if (!ran) {
    const std::string& why = ran.failure().sentence;
    if (why == kGivenUp && !reason.empty()) return {reason, {}};
    return {{}, describe(options) + ": " + why};
  }
  const Difference difference = difference_of(expected, got);
  if (difference.where.empty()) return {"the same", {}};
  if (difference.only_nan) return {"NaN of other bits", {}};
  if (!reason.empty()) return {reason, {}};
  const Bytes exact = bytes_of_words(Exact(words).words());
  TestLaunch exact_expected = launch, exact_got = launch;
  if (run_reference(exact, exact_expected, options.subgroup_size, {kReferencePatience}) &&
      run_compiled(exact, options, exact_got, {kCompiledPatience})) {
    const Difference left = difference_of(exact_expected, exact_got);
    if (left.where.empty() || left.only_nan) return {"precision that Vulkan leaves open", {}};
  }
  return {{}, describe(options) + ": " + difference.where};
}

std::vector<std::filesystem::path> modules() {
  std::vector<std::filesystem::path> files;
  std::string_view left = SOKR_TEST_SHADER_FOLDERS;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(':'), left.size());
    for (const auto& entry : std::filesystem::directory_iterator(left.substr(0, end)))
      if (entry.path().extension() == ".spv") files.push_back(entry.path());
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

Words read_words(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  Words words(text.size() / 4);
  std::memcpy(words.data(), text.data(), words.size() * 4);
  return words;
}

std::vector<Plan> plans() {
  std::vector<Plan> all;
  std::uint32_t seed = 0;
  for (CompileOptions options : host_options())
    for (const std::uint32_t subgroup : {32u, 4u, 8u, 16u, 64u})
      for (const std::size_t bytes : {std::size_t{4096}, std::size_t{1000}, std::size_t{52}}) {
        options.subgroup_size = subgroup;
        ++seed;
        all.push_back({options, seed, 1 + seed % 3, bytes});
      }
  return all;
}

// Functions that call functions that call functions: spirv-opt puts all of them into one.
const std::set<std::string> kEndlessWhenInlined{"calls", "calls_arrays"};

TEST(ShaderRuns, AgreeHoweverOptimised) {
  differential::report_crashes();
  const bool every = differential::extent() == differential::Extent::kAll;
  const std::vector<Plan> all = plans();
  std::map<std::string, std::size_t> reasons;
  std::size_t turn = 0;
  for (const auto& file : modules()) {
    const Words original = read_words(file);
    for (const auto how : differential::kAllOptimised) {
      if (!differential::is_its_turn(++turn, 0, 16, 40)) continue;
      if (how != differential::Optimised::kNot &&
          kEndlessWhenInlined.contains(file.stem().string()))
        continue;
      const Words words = differential::optimised(original, how);
      if (words.empty()) continue;
      for (std::size_t k = 0; k < all.size(); ++k) {
        // A step that has no divisor in common with the plans. The judged shaders have all sizes in
        // test_differential_shaders.
        if (every ? k % 8 != turn % 8 : k != turn * 7 % all.size()) continue;
        const std::string name =
            fmt::format("{} {}, plan {}", file.stem().string(), differential::name_of(how), k);
        differential::crash_note(name);
        const Verdict verdict = judge(words, all[k]);
        ++reasons[verdict.reason];
        EXPECT_EQ(verdict.fault, "") << name;
      }
    }
  }
  for (const auto& [reason, n] : reasons) fmt::print("{}: {}\n", reason, n);
  EXPECT_GT(reasons["the same"], 5u);
}

TEST(MutantRuns, AgreeOrNeedNot) {
  differential::report_crashes();
  const bool every = differential::extent() == differential::Extent::kAll;
  const std::uint32_t count = number("SOKR_MUTANT_RUNS", every ? 60 : 1),
                      first = number("SOKR_MUTANT_FIRST", 1);
  std::map<std::string, std::size_t> reasons;
  std::size_t turn = 0;
  for (const auto& file : modules()) {
    if (!differential::is_its_turn(turn++, first, 2, 8)) continue;
    const Words original = read_words(file);
    for (std::uint32_t seed = first; seed < first + count; ++seed) {
      const std::string name = fmt::format("{}_{}", file.stem().string(), seed);
      Words words = original;
      mutate_module(words, seed);
      differential::crash_note("in mutant " + name);
      const Verdict verdict = judge(words, {options_of(seed), seed});
      if (verdict.fault.empty()) {
        ++reasons[verdict.reason];
        continue;
      }
      ADD_FAILURE() << name << ": " << verdict.fault;
      if (number("SOKR_MUTANT_KEEP", 0) != 0)
        std::ofstream(fmt::format("mutant_{}.spv", name), std::ios::binary)
            .write(reinterpret_cast<const char*>(words.data()),
                   static_cast<std::streamsize>(words.size() * 4));
    }
  }
  for (const auto& [reason, n] : reasons) fmt::print("{}: {}\n", reason, n);
  // Otherwise this is a test of the rules.
  EXPECT_GT(reasons["the same"], reasons["not valid"] / 8);
}

}  // namespace
}  // namespace sokr::cpu::test
