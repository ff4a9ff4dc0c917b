// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/calls.hpp"

#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>
#include <ranges>
#include <sokr/spirv/instructions.hpp>
#include <unordered_set>

#include "compiler/program/thresholds.hpp"

namespace sokr::cpu {
namespace {

constexpr std::uint64_t kMany = UINT64_C(1) << 40;  // where counting stops
constexpr int kMostShared = 512;

std::uint64_t capped(std::uint64_t n) {
  return std::min(n, kMany);
}

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMany / b ? kMany : capped(a * b);
}

struct Size {
  std::uint64_t instructions = 0;  // of the module
  std::uint64_t weight = 0;        // the same, and more for what moves many scalars
  std::uint64_t work = 0;          // what compiling them takes, in the time of a plain instruction

  void add(const Size& other) {
    instructions = capped(instructions + other.instructions);
    weight = capped(weight + other.weight);
    work = capped(work + other.work);
  }
  Size times(std::uint64_t n) const {
    return {product(instructions, n), product(weight, n), product(work, n)};
  }
};

struct Site {
  Id callee = 0;
  std::vector<Id> arguments;
  std::uint64_t constants = 0;  // arguments that are

  // Of the callee in this place: what is given constants has half of the work.
  Size inlined(Size callee_cost) const {
    if (constants != 0) callee_cost.work -= callee_cost.work / 2 / arguments.size() * constants;
    return callee_cost;
  }
};

struct Node {
  const spirv::Function* function = nullptr;
  std::vector<Site> sites;
  Size own;                     // besides calls
  Size cost;                    // with what is inlined into it
  std::uint64_t call = 0;       // work of a call, if shared
  std::uint64_t instances = 0;  // if not shared
  Size copies;                  // of all of those
  std::uint32_t depth = 0;
  std::vector<Id> globals;  // Private variables, callees' included
  std::string obstacle;     // why it cannot be shared; empty = it can
  bool may_alias = false;   // two of its pointers may lead to the same variable
};

class Planner {
 public:
  Planner(const spirv::Module& module, const spirv::EntryPoint& entry) : m_(module), e_(entry) {}

  Result<CallPlan> run() {
    if (!m_.function(e_.function))
      return fail(SOKR_INVALID_IR, "entry point {} names a function that does not exist", e_.name);
    SOKR_TRY(visit(e_.function));
    for (Id id : order_) find_obstacle(id);
    find_bad_sites();
    SOKR_TRY(limit_depth());
    for (Id id : order_) find_cost_of_call(nodes_.at(id));
    std::uint64_t own = 0;
    for (Id id : order_) own = capped(own + nodes_.at(id).own.instructions);
    most_ = std::max(kMostInstructions, 2 * own);
    for (int i = 0; i < kMostShared; ++i) {
      const Size size = total();
      if (is_much(size) && share_best(size)) continue;
      if (size.instructions <= most_ || !share_largest()) break;
    }
    if (total().instructions > most_) return too_large();
    CallPlan plan;
    for (Id id : order_)
      if (shared_.contains(id)) {
        plan.order.push_back(id);
        plan.shared.emplace(id, signature_of(nodes_.at(id)));
      }
    return plan;
  }

 private:
  // Callees first. Not by recursion: calls may nest as deep as the module is long.
  Result<void> visit(Id root) {
    struct Step {
      Id id;
      std::size_t next;
    };
    std::unordered_set<Id> open;
    std::vector<Step> stack;
    const auto enter = [&](Id id) -> Result<void> {
      const spirv::Function* function = m_.function(id);
      if (!function) return fail(SOKR_INVALID_IR, "function {} does not exist", m_.describe(id));
      if (function->blocks.empty())
        return fail(SOKR_INVALID_IR, "function {} has no body", m_.describe(id));
      Node& node = nodes_[id];
      node.function = function;
      for (const auto& block : function->blocks) {
        node.own.add(size_of(block));
        find_sites(block, node.sites);
      }
      for (const auto& construct : function->constructs)
        if (construct.kind == spirv::ConstructKind::kLoop) node.own.work += kWorkOfLoop;
      open.insert(id);
      stack.push_back({id, 0});
      return {};
    };
    SOKR_TRY(enter(root));
    while (!stack.empty()) {
      Step& step = stack.back();
      const auto& sites = nodes_.at(step.id).sites;
      if (step.next == sites.size()) {
        open.erase(step.id);
        order_.push_back(step.id);
        stack.pop_back();
        continue;
      }
      const Id callee = sites[step.next++].callee;
      if (open.contains(callee))
        return fail(SOKR_CAPABILITY_DENIED, "function {} calls itself, which kernels cannot do",
                    m_.describe(callee));
      if (!nodes_.contains(callee)) SOKR_TRY(enter(callee));
    }
    return {};
  }

  // Which arguments are constants, as they are or by way of a variable that was stored to before.
  void find_sites(const spirv::Block& block, std::vector<Site>& sites) const {
    std::unordered_set<Id> known;  // variables that hold a constant
    for (const auto& inst : block.body) {
      if (inst.op == spv::Op::OpStore && inst.args.size() > 1) {
        if (m_.constant(inst.args[1]))
          known.insert(inst.args[0]);
        else
          known.erase(inst.args[0]);
      }
      if (inst.op != spv::Op::OpFunctionCall || inst.args.empty()) continue;
      Site site{inst.args[0], {inst.args.begin() + 1, inst.args.end()}, 0};
      for (Id argument : site.arguments)
        if (m_.constant(argument) || known.contains(argument)) ++site.constants;
      for (Id argument : site.arguments) known.erase(argument);
      sites.push_back(std::move(site));
    }
  }

  // Of one component of what an instruction makes.
  std::uint64_t work_of(const spirv::Instruction& inst) const {
    const auto is_wide = [&](Id type) { return type != 0 && m_.scalar_type(type).width == 64; };
    switch (inst.op) {
      case spv::Op::OpUDiv:
      case spv::Op::OpSDiv:
      case spv::Op::OpUMod:
      case spv::Op::OpSRem:
      case spv::Op::OpSMod:
        return is_wide(inst.type) ? kWorkOfWideDivision : kWorkOfDivision;
      case spv::Op::OpFRem:
      case spv::Op::OpFMod:
        return kWorkOfDivision;
      case spv::Op::OpConvertFToU:
      case spv::Op::OpConvertFToS:
      case spv::Op::OpConvertUToF:
      case spv::Op::OpConvertSToF: {
        const Id from = inst.args.empty() ? 0 : m_.type_of(inst.args[0]);
        return is_wide(inst.type) || is_wide(from) ? kWorkOfWideConversion : 1;
      }
      case spv::Op::OpExtInst:
        return inst.args.size() > 1 && is_plain(inst.args[1]) ? kWorkOfPlainFunction
                                                              : kWorkOfFunction;
      default:
        break;
    }
    const spirv::InstructionRow* row = spirv::instruction_row(inst.op);
    if (row == nullptr || inst.op == spv::Op::OpFunctionCall) return 1;
    switch (row->effect) {
      case spirv::Effect::kReads:
      case spirv::Effect::kWrites:
        return kWorkOfAccess;
      case spirv::Effect::kUpdates:
        return kWorkOfUpdate;
      case spirv::Effect::kExchanges:
        return kWorkOfExchange;
      default:
        return 1;
    }
  }

  // Functions of GLSL.std.450 that are an instruction or a few.
  static bool is_plain(std::uint32_t function) {
    return (function >= GLSLstd450Round && function <= GLSLstd450Fract) ||
           (function >= GLSLstd450FMin && function <= GLSLstd450Fma);
  }

  Size size_of(const spirv::Block& block) const {
    Size size{block.phis.size() + block.body.size() + 1, 1, 1};
    const auto add = [&](Id type, bool is_moved, std::uint64_t each) {
      const bool is_one = type == 0 || is_large(m_, type);  // or moved in a loop
      const std::uint64_t leaves = is_one ? 1 : leaf_count(m_, type);
      size.weight += is_one ? 1 : 1 + leaves / 4;
      // What is in a variable is a value, and one that is moved is none of its own.
      if (!is_moved || leaves > kMostMoved)
        size.work = capped(size.work + product(std::max<std::uint64_t>(leaves, 1), each));
    };
    for (const auto& phi : block.phis) add(phi.type, false, 1);
    for (const auto& inst : block.body) {
      const bool is_store = inst.op == spv::Op::OpStore && inst.args.size() > 1;
      const bool is_move = (is_store || inst.op == spv::Op::OpLoad) && !inst.args.empty() &&
                           is_by_copy(m_.type_of(inst.args[0]));
      add(is_store ? m_.type_of(inst.args[1]) : inst.type, is_move, is_move ? 1 : work_of(inst));
    }
    if (block.terminator.op == spv::Op::OpBranchConditional) size.work += kWorkOfBranch;
    if (block.terminator.op == spv::Op::OpSwitch)
      size.work += kWorkOfBranch + block.terminator.args.size() / 2 * kWorkOfCase;
    return size;
  }

  // ---- What can be shared ----

  bool is_by_copy(Id type) const {
    const spirv::Type* t = m_.type(type);
    return t && t->kind == spirv::TypeKind::kPointer &&
           (t->storage == spv::StorageClass::Function || t->storage == spv::StorageClass::Private);
  }

  bool is_passable(Id type) const {
    const spirv::Type* t = m_.type(type);
    if (!t || is_large(m_, type)) return false;
    switch (t->kind) {
      case spirv::TypeKind::kVoid:
      case spirv::TypeKind::kBool:
      case spirv::TypeKind::kInt:
      case spirv::TypeKind::kFloat:
        return true;
      case spirv::TypeKind::kVector:
      case spirv::TypeKind::kMatrix:
      case spirv::TypeKind::kArray:
        return is_passable(t->element);
      case spirv::TypeKind::kStruct:
        return std::ranges::all_of(t->members,
                                   [&](const auto& member) { return is_passable(member.type); });
      case spirv::TypeKind::kPointer: {
        if (is_by_copy(type)) return is_passable(t->element) && !is_pointer(t->element);
        const spirv::Type* pointee = m_.type(t->element);  // not a table of descriptors
        return pointee && pointee->kind != spirv::TypeKind::kRuntimeArray &&
               pointee->kind != spirv::TypeKind::kArray;
      }
      default:
        return false;
    }
  }

  bool is_pointer(Id type) const {
    const spirv::Type* t = m_.type(type);
    return t && t->kind == spirv::TypeKind::kPointer;
  }

  void find_obstacle(Id id) {
    Node& node = nodes_.at(id);
    const spirv::Function& f = *node.function;
    std::unordered_set<Id> globals;
    for (Id global : f.globals)
      if (const auto* v = m_.variable(global); v && v->storage == spv::StorageClass::Private)
        globals.insert(global);
    for (const Site& site : node.sites)
      for (Id global : nodes_.at(site.callee).globals) globals.insert(global);
    node.globals.assign(globals.begin(), globals.end());
    std::ranges::sort(node.globals);
    if (f.has_barrier) node.obstacle = "it holds a barrier";
    if (id == e_.function) node.obstacle = "it is the entry point";
    for (Id global : node.globals)
      if (!is_passable(m_.variable(global)->pointee))
        node.obstacle = fmt::format("it uses {}", m_.describe(global));
    for (const auto& parameter : f.parameters)
      if (!is_passable(parameter.type))
        node.obstacle =
            fmt::format("its parameter {} is no small value", m_.describe(parameter.id));
    if (!is_passable(f.return_type) || is_pointer(f.return_type))
      node.obstacle = "its result is no small value";
  }

  // By value and back is right only where every pointer leads to a variable of its own.
  void find_bad_sites() {
    // Callers first: what may alias in one does so in those that it passes it on to.
    for (const Id id : order_ | std::views::reverse)
      for (const Site& site : nodes_.at(id).sites) {
        Node& callee = nodes_.at(site.callee);
        const auto& parameters = callee.function->parameters;
        std::unordered_set<Id> seen;
        for (std::size_t i = 0; i < site.arguments.size() && i < parameters.size(); ++i) {
          if (!is_by_copy(parameters[i].type)) continue;
          const Id argument = site.arguments[i];
          const auto& f = *nodes_.at(id).function;
          const bool is_passed_on =
              std::ranges::any_of(f.parameters, [&](const auto& p) { return p.id == argument; });
          const bool is_variable =
              is_passed_on ||
              std::ranges::any_of(f.variables, [&](const auto& v) { return v.id == argument; });
          if (is_variable && seen.insert(argument).second &&
              !(is_passed_on && nodes_.at(id).may_alias))
            continue;
          callee.may_alias = true;
          callee.obstacle = fmt::format(
              "its parameter {} is given a part of a variable, or one "
              "that another parameter leads to as well",
              m_.describe(parameters[i].id));
        }
      }
  }

  Signature signature_of(const Node& node) const {
    Signature s;
    const spirv::Function& f = *node.function;
    if (const spirv::Type* type = m_.type(f.return_type);
        type && type->kind != spirv::TypeKind::kVoid)
      s.outputs.push_back(f.return_type);
    for (const auto& parameter : f.parameters) {
      s.is_by_copy.push_back(is_by_copy(parameter.type));
      const Id type = s.is_by_copy.back() ? m_.type(parameter.type)->element : parameter.type;
      s.inputs.push_back(type);
      if (s.is_by_copy.back()) s.outputs.push_back(type);
    }
    s.globals = node.globals;
    for (Id global : s.globals) {
      s.inputs.push_back(m_.variable(global)->pointee);
      s.outputs.push_back(m_.variable(global)->pointee);
    }
    return s;
  }

  // ---- What is shared ----

  Result<void> limit_depth() {
    for (Id id : order_) {
      Node& node = nodes_.at(id);
      node.depth = 0;
      for (const Site& site : node.sites)
        if (!shared_.contains(site.callee))
          node.depth = std::max(node.depth, nodes_.at(site.callee).depth + 1);
      if (node.depth > kMostDeep)
        return fail(SOKR_CAPABILITY_DENIED,
                    "calls nest deeper than {} at function {}, which cannot be compiled as one of "
                    "its own: {}",
                    kMostDeep, m_.describe(id), node.obstacle);
      if (node.depth >= kDeep && node.obstacle.empty()) shared_.insert(id);
    }
    return {};
  }

  // What is handed over, in and out, once where it is called and once in the function.
  void find_cost_of_call(Node& node) const {
    const Signature signature = signature_of(node);
    std::uint64_t transfers = 1;  // the mask
    for (const auto* types : {&signature.inputs, &signature.outputs})
      for (Id type : *types) transfers = capped(transfers + leaf_count(m_, type));
    node.call = kWorkOfCall + kWorkOfTransfer * transfers;
  }

  // Of all that is compiled.
  Size total() {
    Size sum;
    for (Id id : order_) {
      Node& node = nodes_.at(id);
      node.cost = node.own;
      for (const Site& site : node.sites) {
        const Node& callee = nodes_.at(site.callee);
        const std::uint64_t call = 1 + site.arguments.size();
        node.cost.add(shared_.contains(site.callee) ? Size{call, call, callee.call}
                                                    : site.inlined(callee.cost));
      }
      node.instances = 0;
      node.copies = {};
      if (shared_.contains(id)) sum.add(node.cost);
    }
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      Node& node = nodes_.at(*it);
      const std::uint64_t here = *it == e_.function || shared_.contains(*it) ? 1 : node.instances;
      for (const Site& site : node.sites)
        if (Node& callee = nodes_.at(site.callee); !shared_.contains(site.callee)) {
          callee.instances = capped(callee.instances + here);
          callee.copies.add(site.inlined(callee.cost).times(here));
        }
    }
    sum.add(nodes_.at(e_.function).cost);
    return sum;
  }

  static bool is_much(const Size& all) {
    return all.work > kMostWork && all.weight > kMostRepeated;
  }

  // Of those that inlining copies often, or of all in a kernel that is larger still.
  bool share_best(const Size& all) {
    const std::uint64_t copies = all.weight <= kMostInlined ? kOften : 2;
    const std::uint64_t call = all.work <= kMuchWork ? kWorthOfCall : 1;
    return share_most(copies, [&](const Node& node) {
      const std::uint64_t shared =
          capped(node.cost.work + product(node.instances, product(node.call, call)));
      return node.copies.work - std::min(node.copies.work, shared);
    });
  }

  // Whatever it takes: the kernel would be refused else.
  bool share_largest() {
    return share_most(2, [](const Node& node) {
      return node.copies.instructions - std::min(node.copies.instructions, node.cost.instructions);
    });
  }

  template <class Saved>
  bool share_most(std::uint64_t copies, const Saved& saved) {
    Id best = 0;
    std::uint64_t most = 0;
    for (Id id : order_) {
      const Node& node = nodes_.at(id);
      if (shared_.contains(id) || !node.obstacle.empty() || node.instances < copies) continue;
      if (const std::uint64_t now = saved(node); now > most) {
        most = now;
        best = id;
      }
    }
    if (best) shared_.insert(best);
    return best != 0;
  }

  Failure too_large() {
    const Node* worst = nullptr;
    std::uint64_t most = 0;
    Id name = 0;
    for (Id id : order_) {
      const Node& node = nodes_.at(id);
      if (shared_.contains(id) || id == e_.function || node.instances < 2) continue;
      const std::uint64_t size =
          capped(node.instances * std::min(node.own.instructions, kMany / 1024));
      if (size <= most) continue;
      most = size;
      worst = &node;
      name = id;
    }
    const std::uint64_t size = total().instructions;
    const std::string count =
        size >= kMany ? fmt::format("more than {}", kMany) : fmt::format("{}", size);
    if (!worst)
      return fail(SOKR_CAPABILITY_DENIED, "the kernel has {} instructions, the limit is {}", count,
                  most_);
    return fail(SOKR_CAPABILITY_DENIED,
                "the kernel has {} instructions with its calls inlined, the limit is {}; function "
                "{}, called {}{} times, cannot be compiled once: {}",
                count, most_, m_.describe(name), worst->instances >= kMany ? "more than " : "",
                worst->instances,
                worst->obstacle.empty() ? "too many are already" : worst->obstacle);
  }

  const spirv::Module& m_;
  const spirv::EntryPoint& e_;
  std::unordered_map<Id, Node> nodes_;
  std::vector<Id> order_;  // callees first
  std::unordered_set<Id> shared_;
  std::uint64_t most_ = kMostInstructions;
};

}  // namespace

Result<CallPlan> plan_calls(const spirv::Module& module, const spirv::EntryPoint& entry) {
  return Planner(module, entry).run();
}

}  // namespace sokr::cpu
