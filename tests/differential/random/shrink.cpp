// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <iterator>
#include <utility>

#include "program.hpp"

namespace sokr::differential {
namespace {

Expr constant(std::uint32_t value) {
  return {Op::kConstant, value, {}};
}

Expr truth(bool value) {
  Expr e{Op::kEqual, 0, {}};
  e.args.push_back(constant(0));
  e.args.push_back(constant(value ? 0 : 1));
  return e;
}

bool is_constant(const Expr& e) {
  return e.op == Op::kConstant ||
         (e.op == Op::kEqual && e.args[0].op == Op::kConstant && e.args[1].op == Op::kConstant);
}

bool is_simple(const Program& p) {
  return p.groups == 1 && p.base == 0 && p.optimize == 0;
}

// Walks the program in a fixed order; edit number `n` changes the n-th thing that can be
// changed. Each edit keeps the program well formed: uniform control flow stays uniform.
class Edit {
 public:
  explicit Edit(std::size_t n) : left_(n) {}

  // False if there is no n-th edit.
  bool apply(Program& program) {
    if (take()) {
      if (is_simple(program)) return true;  // nothing to gain; the caller sees no change
      program.groups = 1;
      program.base = 0;
      program.optimize = 0;
      return true;
    }
    for (Function& f : program.functions)
      if (block(f.body, false)) return true;
    for (Function& f : program.functions)
      if (expressions(f.body)) return true;
    for (Function& f : program.functions)
      if (expression(f.result)) return true;
    return false;
  }

 private:
  bool take() { return left_-- == 0; }

  // Halves of blocks first, then single statements, then blocks in place of statements.
  bool block(Block& statements, bool fixed) {
    if (!fixed) {
      const auto middle = statements.begin() + static_cast<std::ptrdiff_t>(statements.size() / 2);
      if (statements.size() > 3) {
        if (take()) return statements.erase(statements.begin(), middle), true;
        if (take()) return statements.erase(middle, statements.end()), true;
      }
      for (std::size_t i = 0; i < statements.size(); ++i) {
        const auto at = statements.begin() + static_cast<std::ptrdiff_t>(i);
        if (take()) return statements.erase(at), true;
        if (at->kind != Kind::kIf) continue;
        for (const std::size_t side : {0, 1}) {
          if (take()) return replace(statements, i, side), true;
        }
      }
    }
    for (Stmt& s : statements)
      for (Block& inner : s.blocks)
        if (block(inner, s.kind == Kind::kSequence)) return true;
    return cases(statements);
  }

  static void replace(Block& statements, std::size_t i, std::size_t side) {
    Block inner = std::move(statements[i].blocks[side]);
    const auto at = statements.erase(statements.begin() + static_cast<std::ptrdiff_t>(i));
    statements.insert(at, std::make_move_iterator(inner.begin()),
                      std::make_move_iterator(inner.end()));
  }

  bool cases(Block& statements) {
    for (Stmt& s : statements) {
      for (std::size_t i = 0; i < s.cases.size(); ++i) {
        if (s.cases[i].falls_through && take()) return s.cases[i].falls_through = false, true;
        const bool entered = i > 0 && s.cases[i - 1].falls_through;
        if (s.cases.size() < 2 || entered || s.cases[i].falls_through || !take()) continue;
        s.cases.erase(s.cases.begin() + static_cast<std::ptrdiff_t>(i));
        s.blocks.erase(s.blocks.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
      }
    }
    return false;
  }

  bool expressions(Block& statements) {
    for (Stmt& s : statements) {
      for (Expr& e : s.exprs)
        if (expression(e)) return true;
      for (Block& inner : s.blocks)
        if (expressions(inner)) return true;
    }
    return false;
  }

  bool expression(Expr& e) {
    const bool is_test = is_condition(e.op);
    if (!is_constant(e)) {
      for (const bool one : {false, true}) {
        if (take()) return e = is_test ? truth(one) : constant(one), true;
      }
    }
    for (std::size_t i = 0; i < e.args.size(); ++i) {
      if (is_condition(e.args[i].op) != is_test || !take()) continue;
      Expr inner = std::move(e.args[i]);
      e = std::move(inner);
      return true;
    }
    for (Expr& inner : e.args)
      if (expression(inner)) return true;
    return false;
  }

  std::size_t left_;
};

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails, int budget) {
  bool progress = true;
  while (progress && budget > 0) {
    progress = false;
    for (std::size_t n = 0; budget > 0; ++n) {
      Program candidate = program;
      if (!Edit(n).apply(candidate)) break;
      if (n == 0 && is_simple(program)) continue;
      Memory memory = initial_memory(candidate);
      if (!evaluate(candidate, memory)) continue;
      --budget;
      if (!fails(candidate)) continue;
      program = std::move(candidate);
      progress = true;
      --n;  // what comes after has moved up
    }
  }
  return program;
}

}  // namespace sokr::differential
