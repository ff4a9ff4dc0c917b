// SPDX-License-Identifier: MIT OR Apache-2.0
#include "expressions.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

using Text = std::string_view;

// With a constant on the right, always: what is not defined for every number.
constexpr const char* kByConstant[] = {"OpShiftLeftLogical", "OpShiftRightLogical",
                                       "OpShiftRightArithmetic", "OpUDiv", "OpUMod"};
constexpr const char* kBinary[] = {"OpIAdd",       "OpISub",      "OpIMul",      "OpBitwiseAnd",
                                   "OpBitwiseXor", "OpBitwiseOr", "OpULessThan", "OpINotEqual"};
constexpr const char* kUnary[] = {"OpSNegate", "OpNot", "OpBitcast", "OpCopyObject"};

bool is_leaf(const Node& node) {
  return !Text(node.op).starts_with("Op");
}

bool is_bool(const Node& node) {
  return Text(node.op) == "OpULessThan" || Text(node.op) == "OpINotEqual";
}

std::uint32_t compute(const Node& n, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  const Text op = n.op;
  if (op == "OpIAdd") return a + b;
  if (op == "OpISub") return a - b;
  if (op == "OpIMul") return a * b;
  if (op == "OpBitwiseAnd") return a & b;
  if (op == "OpBitwiseXor") return a ^ b;
  if (op == "OpBitwiseOr") return a | b;
  if (op == "OpULessThan") return a < b ? 1 : 0;
  if (op == "OpINotEqual") return a != b ? 1 : 0;
  if (op == "OpShiftLeftLogical") return a << b;
  if (op == "OpShiftRightLogical") return a >> b;
  if (op == "OpShiftRightArithmetic")
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> b);
  if (op == "OpUDiv") return a / b;
  if (op == "OpUMod") return a % b;
  if (op == "OpSNegate") return 0 - a;
  if (op == "OpNot") return ~a;
  if (op == "OpSelect") return a != 0 ? b : c;
  return a;
}

std::uint32_t interesting(std::mt19937& random, bool shift) {
  if (shift) return random() % 32;
  constexpr std::uint32_t kNumbers[] = {
      0,          1,          2,          3,          4,          5,         7,     8,
      12,         15,         16,         17,         24,         31,        32,    48,
      63,         64,         100,        255,        256,        4,         65535, 65536,
      0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFFF8, 0xFFFFFFF0};
  return random() % 8 == 0 ? random() : kNumbers[random() % std::size(kNumbers)];
}

}  // namespace

Expressions::Expressions(std::mt19937& random, std::uint32_t count) {
  for (const char* leaf : {"x", "l", "same", "own"}) nodes_.push_back({leaf});
  const auto number = [&] {  // late ones more often
    for (;;) {
      const auto n = static_cast<std::uint32_t>(nodes_.size());
      const std::uint32_t at = random() % 2 ? n - 1 - random() % std::min(n, 4U) : random() % n;
      if (!is_bool(nodes_[at])) return at;
    }
  };
  const auto constant = [&](bool shift, bool zero) {
    std::uint32_t value = interesting(random, shift);
    if (value == 0 && !zero) value = 16;
    nodes_.push_back({"constant", 0, 0, 0, value});
    return static_cast<std::uint32_t>(nodes_.size()) - 1;
  };
  const auto condition = [&]() -> std::int64_t {
    for (auto at = static_cast<std::int64_t>(nodes_.size()) - 1; at >= 0; --at)
      if (is_bool(nodes_[static_cast<std::size_t>(at)])) return at;
    return -1;
  };
  // Numbers that begin again at 0 between two registers, and what is made of them there.
  const auto around_zero = [&] {
    constexpr std::uint32_t kLocal = 1;  // the leaf
    const auto back = static_cast<std::uint32_t>(4 * (1 + random() % 16));
    nodes_.push_back({"constant", 0, 0, 0, back});
    nodes_.push_back({"OpISub", kLocal, static_cast<std::uint32_t>(nodes_.size()) - 1});
    nodes_.push_back({"constant", 0, 0, 0, 2U << random() % 4});
    const auto last = static_cast<std::uint32_t>(nodes_.size()) - 1;
    nodes_.push_back({random() % 2 ? "OpUDiv" : "OpUMod", last - 1, last});
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    Node node;
    if (random() % 16 == 0) around_zero();
    const std::uint32_t kind = random() % 10;
    if (kind < 3) {
      node.op = kByConstant[random() % std::size(kByConstant)];
      node.a = number();
      node.b = constant(Text(node.op).find("Shift") != Text::npos, false);
    } else if (kind < 8) {
      node.op = kBinary[random() % std::size(kBinary)];
      node.a = number();
      node.b = random() % 2 ? number() : constant(false, true);
      if (random() % 4 == 0) std::swap(node.a, node.b);
    } else if (kind == 8 && condition() >= 0) {
      node.op = "OpSelect";
      node.a = static_cast<std::uint32_t>(condition());
      node.b = number();
      node.c = number();
    } else {
      node.op = kUnary[random() % std::size(kUnary)];
      node.a = number();
    }
    nodes_.push_back(node);
  }
}

std::vector<std::uint32_t> Expressions::values(const Invocation& at) const {
  std::vector<std::uint32_t> out;
  for (const Node& node : nodes_) {
    const Text op = node.op;
    out.push_back(op == "x"          ? at.x
                  : op == "l"        ? at.l
                  : op == "same"     ? at.same
                  : op == "own"      ? at.own
                  : op == "constant" ? node.constant
                                     : compute(node, out[node.a], out[node.b], out[node.c]));
  }
  return out;
}

std::string Expressions::describe(std::uint32_t at) const {
  const Node& node = nodes_[at];
  const Text op = node.op;
  if (op == "constant") return std::to_string(node.constant);
  if (is_leaf(node)) return std::string(op);
  if (op == "OpSelect")
    return fmt::format("({} ? {} : {})", describe(node.a), describe(node.b), describe(node.c));
  for (const char* unary : kUnary)
    if (op == unary) return fmt::format("{}({})", op, describe(node.a));
  return fmt::format("{}({}, {})", op, describe(node.a), describe(node.b));
}

std::string Expressions::text(std::uint32_t size) const {
  std::string declared, body;
  const auto name = [&](std::uint32_t at) {
    return is_leaf(nodes_[at]) && Text(nodes_[at].op) != "constant"
               ? fmt::format("%{}", nodes_[at].op)
               : fmt::format("%n{}", at);
  };
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const Text op = node.op;
    if (op == "constant") {
      declared += fmt::format("%n{} = OpConstant %uint {}\n", i, node.constant);
    } else if (op == "OpBitcast") {  // there and back
      body += fmt::format("%s{0} = OpBitcast %int {1}\n%n{0} = OpBitcast %uint %s{0}\n", i,
                          name(node.a));
    } else if (!is_leaf(node)) {
      body +=
          fmt::format("%n{} = {} {} {}", i, op, is_bool(node) ? "%bool" : "%uint", name(node.a));
      bool unary = false;
      for (const char* one : kUnary) unary |= op == one;
      if (!unary) body += " " + name(node.b);
      if (op == "OpSelect") body += " " + name(node.c);
      body += "\n";
      if (!is_bool(node)) body += fmt::format("OpStore %out_place %n{}\n", i);
    }
  }
  return kernel_text(size, body, declared);
}

}  // namespace sokr::cpu::test
