// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include "program.hpp"

namespace sokr::differential {
namespace {

// "{0}" and "{1}" are the operands; empty for what needs more than a pattern.
constexpr const char* kPatterns[] = {"",
                                     "",
                                     "",
                                     "lid",
                                     "group",
                                     "",
                                     "own",
                                     "lane",
                                     "input[{0}]",
                                     "",
                                     "shared[{0}]",
                                     "~{0}",
                                     "-{0}",
                                     "bitCount({0})",
                                     "bitfieldReverse({0})",
                                     "findMSB({0})",
                                     "findLSB({0})",
                                     "abs(int({0}))",
                                     "floor(f({0}) / 4)",
                                     "({0} + {1})",
                                     "({0} - {1})",
                                     "({0} * {1})",
                                     "({0} & {1})",
                                     "({0} | {1})",
                                     "({0} ^ {1})",
                                     "({0} << {1})",
                                     "({0} >> {1})",
                                     "sar({0}, {1})",
                                     "({0} / {1})",
                                     "({0} % {1})",
                                     "sdiv({0}, {1})",
                                     "srem({0}, {1})",
                                     "smod({0}, {1})",
                                     "umin({0}, {1})",
                                     "smax({0}, {1})",
                                     "mulHigh({0}, {1})",
                                     "(f({0}) + f({1}))",
                                     "(f({0}) - f({1}))",
                                     "(f({0}) * f({1}))",
                                     "min(f({0}), f({1}))",
                                     "max(f({0}), f({1}))",
                                     "select({0}, {1}, {2})",
                                     "({0} ? {1} : {2})",
                                     "bitfieldExtract({0}, {1}, {2})",
                                     "({0} == {1})",
                                     "({0} < {1})",
                                     "(int({0}) < int({1}))",
                                     "(f({0}) < f({1}))",
                                     "({0} && {1})",
                                     "({0} || {1})",
                                     "!({0} || {1})"};
static_assert(std::size(kPatterns) == static_cast<std::size_t>(Op::kCount));

constexpr const char* kAtomicNames[] = {"Add", "Xor", "And", "Or", "UMin", "SMax"};
constexpr const char* kTogetherNames[] = {"subgroupAdd",          "subgroupXor",
                                          "subgroupAnd",          "subgroupOr",
                                          "subgroupMin",          "subgroupMax",
                                          "subgroupInclusiveAdd", "subgroupExclusiveAdd",
                                          "subgroupInclusiveMin", "subgroupExclusiveXor",
                                          "subgroupClusteredAdd", "subgroupBroadcastFirst",
                                          "subgroupShuffle",      "subgroupShuffleXor",
                                          "subgroupShuffleUp",    "subgroupShuffleDown",
                                          "subgroupAny",          "subgroupAll",
                                          "subgroupAllEqual",     "ballot",
                                          "ballotCount",          "ballotRank",
                                          "ballotFirst",          "ballotLast",
                                          "subgroupElect"};
static_assert(std::size(kTogetherNames) == static_cast<std::size_t>(Together::kCount));
constexpr const char* kArrayNames[] = {"private", "scratch"};

std::string text(const Expr& e) {
  switch (e.op) {
    case Op::kConstant:
      return e.value < 1000 ? fmt::format("{}", e.value) : fmt::format("0x{:x}", e.value);
    case Op::kLocal:
      return fmt::format("v{}", e.value);
    case Op::kCounter:
      return fmt::format("k{}", e.value);
    case Op::kPush:
      return fmt::format("push[{}]", e.value);
    case Op::kArray:
      return fmt::format("{}[{} % {}]", kArrayNames[e.value], text(e.args[0]), kArraySize);
    default:
      break;
  }
  const auto operand = [&](std::size_t i) { return i < e.args.size() ? text(e.args[i]) : ""; };
  return fmt::format(fmt::runtime(kPatterns[static_cast<std::size_t>(e.op)]), operand(0),
                     operand(1), operand(2));
}

class Printer {
 public:
  std::string out;

  void block(const Block& statements) {
    ++depth_;
    for (const Stmt& s : statements) statement(s);
    --depth_;
  }

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out.append(2 * depth_, ' ');
    out += fmt::format(format, std::forward<Args>(args)...) + "\n";
  }

 private:
  void nested(const std::string& head, const Block& statements) {
    line("{} {{", head);
    block(statements);
    line("}}");
  }

  void statement(const Stmt& s) {
    const auto e = [&](std::size_t i) { return text(s.exprs[i]); };
    switch (s.kind) {
      case Kind::kAssign:
        return line("v{} = {}", s.target, e(0));
      case Kind::kArrayStore:
        return line("{}[{} % {}] = {}", kArrayNames[s.target], e(0), kArraySize, e(1));
      case Kind::kOutput:
        return line("output[{} % {}] = {}", e(0), kOutputs, e(1));
      case Kind::kOutputMix:
        return line("output[{} % {}] mix {}", e(0), kOutputs, e(1));
      case Kind::kOwnStore:
        return line("own = {}", e(0));
      case Kind::kAtomic:
        return line("atomic{}(counters[{} % {}], {})", kAtomicNames[s.target], e(0), kCounterCells,
                    e(1));
      case Kind::kCall:
        return call(s);
      case Kind::kBarrier:
        return line("barrier()");
      case Kind::kSharedStore:
        return line("shared[{}] = {}", e(0), e(1));
      case Kind::kSharedLoad:
        return line("v{} = shared[{} % size]", s.target, e(0));
      case Kind::kCountReset:
        return line("count = 0");
      case Kind::kCountAdd:
        return line("atomicAdd(count, {})", e(0));
      case Kind::kCountLoad:
        return line("v{} = count", s.target);
      case Kind::kTogether:
        return line("v{} = {}({}{})", s.target, kTogetherNames[s.callee],
                    s.exprs.empty() ? "" : e(0), s.exprs.size() < 2 ? "" : ", " + e(1));
      case Kind::kSequence:
        return nested("", s.blocks[0]);
      case Kind::kIf:
        nested(fmt::format("if ({})", e(0)), s.blocks[0]);
        if (!s.blocks[1].empty()) nested("else", s.blocks[1]);
        return;
      case Kind::kSwitch:
        return choice(s);
      case Kind::kLoop:
        return loop(s);
      case Kind::kBreak:
        return line("break loop");
      case Kind::kContinue:
        return line("continue");
      case Kind::kLeaveSwitch:
        return line("break switch");
      case Kind::kReturn:
        return line("return {}", s.exprs.empty() ? "" : e(0));
    }
  }

  void call(const Stmt& s) {
    std::string args;
    for (const Expr& e : s.exprs) args += text(e) + ", ";
    line("v{} = f{}({}&v{})", s.target, s.callee, args, s.reference);
  }

  void choice(const Stmt& s) {
    line("switch ({}) {{", text(s.exprs[0]));
    for (std::size_t i = 0; i < s.cases.size(); ++i) {
      std::string head;
      for (const std::uint32_t label : s.cases[i].labels) head += fmt::format("case {}: ", label);
      if (s.cases[i].is_default) head += "default:";
      line("{}", head);
      block(s.blocks[i]);
      if (s.cases[i].falls_through) line("  [[fallthrough]]");
    }
    line("}}");
  }

  void loop(const Stmt& s) {
    const std::string test = text(s.exprs[0]);
    const bool at_end = s.form == LoopForm::kTestEnd;
    constexpr const char* kSteps[] = {"+=", "<<=", ">>="};
    line("k{} = {}", s.target, text(s.exprs[1]));
    line("{} {{{}", at_end ? "do" : fmt::format("while ({})", test),
         s.form == LoopForm::kTestHeader ? "  // tested in the header" : "");
    block(s.blocks[0]);
    line("}} continuing {{");
    block(s.blocks[1]);
    line("  k{} {} {}", s.target, kSteps[s.callee], text(s.exprs[2]));
    line("}}{}", at_end ? fmt::format(" while ({})", test) : "");
  }

  std::size_t depth_ = 0;
};

std::size_t count(const Block& block) {
  std::size_t n = block.size();
  for (const Stmt& s : block)
    for (const Block& inner : s.blocks) n += count(inner);
  return n;
}

}  // namespace

std::string print(const Program& program) {
  Printer printer;
  printer.line(
      "seed {}: local size {} {} {}, subgroups of {}, {} groups from {}, push {:#x} {:#x} {:#x} "
      "{:#x}, "
      "counters in {}, "
      "output by {}, optimizer level {}",
      program.seed, program.local_size[0], program.local_size[1], program.local_size[2],
      program.subgroup_size, program.groups, program.base, program.push[0], program.push[1],
      program.push[2], program.push[3], program.phi_counters ? "phis" : "variables",
      program.output_by_cell ? "cell" : "invocation", program.optimize);
  for (std::size_t i = 0; i < program.functions.size(); ++i) {
    const Function& f = program.functions[i];
    if (i > 0 && f.body.empty() && f.result.op == Op::kConstant) continue;
    printer.line("f{}: {} by value{}, locals v0 to v{}, each starting with its number {{", i,
                 f.params, f.has_reference ? fmt::format(", v{} by reference", f.params) : "",
                 f.locals - 1);
    printer.block(f.body);
    if (i > 0) printer.line("  return {}", text(f.result));
    printer.line("}}");
  }
  return printer.out;
}

std::size_t statements(const Program& program) {
  std::size_t n = 0;
  for (const Function& f : program.functions) n += count(f.body);
  return n;
}

}  // namespace sokr::differential
