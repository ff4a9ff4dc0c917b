// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/calls.hpp"

#include <algorithm>
#include <ranges>
#include <unordered_set>

namespace sokr::cpu {
namespace {

constexpr std::uint64_t kMany = UINT64_C(1) << 40;   // where counting stops
constexpr std::uint64_t kMostInlined = 6000;         // by weight, while functions can be shared
constexpr std::uint64_t kMostRepeated = 2000;        // the same, while they are called so often:
constexpr std::uint64_t kOften = 16;                 // copies that inlining would make
constexpr std::uint64_t kMostInstructions = 65536;   // in all
constexpr std::uint32_t kDeep = 32, kMostDeep = 64;  // calls inlined into one another
constexpr int kMostShared = 512;

std::uint64_t capped(std::uint64_t n) {
  return std::min(n, kMany);
}

struct Size {
  std::uint64_t instructions = 0;
  std::uint64_t weight = 0;  // what they take to compile, in the time of a plain instruction

  void add(const Size& other) {
    instructions = capped(instructions + other.instructions);
    weight = capped(weight + other.weight);
  }
};

struct Site {
  Id callee = 0;
  std::vector<Id> arguments;
};

struct Node {
  const spirv::Function* function = nullptr;
  std::vector<Site> sites;
  Size own;                     // besides calls
  Size cost;                    // with what is inlined into it
  std::uint64_t instances = 0;  // if not shared
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
    for (int i = 0; i < kMostShared; ++i) {
      const std::uint64_t weight = total().weight;
      if (weight <= kMostRepeated || !share_best(weight <= kMostInlined ? kOften : 2)) break;
    }
    std::uint64_t own = 0;
    for (Id id : order_) own = capped(own + nodes_.at(id).own.instructions);
    most_ = std::max(kMostInstructions, 2 * own);
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
        for (const auto& inst : block.body)
          if (inst.op == spv::Op::OpFunctionCall && !inst.args.empty())
            node.sites.push_back({inst.args[0], {inst.args.begin() + 1, inst.args.end()}});
      }
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

  Size size_of(const spirv::Block& block) const {
    Size size{block.phis.size() + block.body.size() + 1, 1};
    for (const auto& phi : block.phis) size.weight += weight_of(phi.type);
    for (const auto& inst : block.body) {
      const bool is_store = inst.op == spv::Op::OpStore && inst.args.size() > 1;
      size.weight += weight_of(is_store ? m_.type_of(inst.args[1]) : inst.type);
    }
    return size;
  }

  // Scalars are moved one by one, large values in a loop.
  std::uint64_t weight_of(Id type) const {
    return type == 0 || is_large(m_, type) ? 1 : 1 + leaf_count(m_, type) / 4;
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

  // Of all that is compiled.
  Size total() {
    Size sum;
    for (Id id : order_) {
      Node& node = nodes_.at(id);
      node.cost = node.own;
      for (const Site& site : node.sites) {
        const std::uint64_t call = 1 + site.arguments.size();
        node.cost.add(shared_.contains(site.callee) ? Size{call, call}
                                                    : nodes_.at(site.callee).cost);
      }
      node.instances = 0;
      if (shared_.contains(id)) sum.add(node.cost);
    }
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      Node& node = nodes_.at(*it);
      const std::uint64_t here = *it == e_.function || shared_.contains(*it) ? 1 : node.instances;
      for (const Site& site : node.sites)
        if (Node& callee = nodes_.at(site.callee); !shared_.contains(site.callee))
          callee.instances = capped(callee.instances + here);
    }
    sum.add(nodes_.at(e_.function).cost);
    return sum;
  }

  // Of those that would have at least `copies`.
  bool share_best(std::uint64_t copies) {
    Id best = 0;
    std::uint64_t most = 0;
    for (Id id : order_) {
      const Node& node = nodes_.at(id);
      if (shared_.contains(id) || !node.obstacle.empty() || node.instances < copies) continue;
      const std::uint64_t weight = std::max<std::uint64_t>(node.cost.weight, 1);
      const std::uint64_t saved =
          node.instances - 1 > kMany / weight ? kMany : (node.instances - 1) * weight;
      if (saved <= most) continue;
      most = saved;
      best = id;
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
