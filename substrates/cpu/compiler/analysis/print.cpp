// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/print.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/analysis/ranges.hpp"

namespace sokr::cpu {
namespace {

using spirv::TypeKind;

const char* kind_name(ConstructKind kind) {
  switch (kind) {
    case ConstructKind::kFunction:
      return "function";
    case ConstructKind::kSelection:
      return "selection";
    case ConstructKind::kSwitch:
      return "switch";
    case ConstructKind::kLoop:
      return "loop";
  }
  return "construct";
}

std::string op_text(spv::Op op) {
  if (op == kCopyAggregate) return "copy";
  if (op == kCall) return "call";
  if (op == kCallResult) return "result";
  if (op == kParameter) return "parameter";
  if (op == kReturn) return "return";
  if (op == kMultiplyAdd) return "multiply-add";
  if (op == kMultiplySubtract) return "multiply-subtract";
  if (op == kNegatedMultiplyAdd) return "negated-multiply-add";
  if (is_fused_dot(op)) return fmt::format("{}-add", spirv::op_name(product_of(op)));
  return spirv::op_name(op);
}

std::string divergence_text(Divergence d) {
  return d.lane && d.chunk ? "lanes and chunks" : d.lane ? "lanes" : d.chunk ? "chunks" : "none";
}

float half_value(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<float>(bits & 1023);
  const float sign = bits >> 15 & 1 ? -1.0F : 1.0F;
  if (exponent == 31) return sign * (fraction == 0 ? INFINITY : NAN);
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

}  // namespace

Printer::Printer(const Program& program) : p_(program) {
  for (const auto& variable : p_.module->variables()) name(variable.id, variable.id);
  for (const auto& variable : p_.variables) name(variable.id, variable.origin);
  for (const auto& block : p_.blocks) {
    for (const auto& phi : block.phis) name(phi.id, phi.origin);
    for (const auto& inst : block.body)
      if (inst.id) name(inst.id, inst.origin);
  }
}

void Printer::name(Id id, Id origin) {
  const std::string text(p_.module->name(origin));
  if (text.empty() || names_.contains(id)) return;
  const unsigned before = used_[text]++;
  names_[id] = before == 0 ? text : fmt::format("{}.{}", text, before);
}

std::string Printer::scalar(const spirv::Type& type, std::uint64_t bits) const {
  const unsigned drop = type.width < 64 ? 64 - type.width : 0;
  switch (type.kind) {
    case TypeKind::kBool:
      return bits ? "true" : "false";
    case TypeKind::kFloat:
      if (type.width == 64) return fmt::format("{}", std::bit_cast<double>(bits));
      if (type.width == 32)
        return fmt::format("{}", std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
      return fmt::format("{}", half_value(bits));
    default:
      return type.is_signed ? fmt::format("{}", static_cast<std::int64_t>(bits << drop) >> drop)
                            : fmt::format("{}", bits);
  }
}

std::string Printer::constant(const spirv::Constant& constant, int depth) const {
  constexpr std::size_t kMostParts = 8;
  if (constant.is_undef) return "undef";
  if (constant.is_null) return "null";
  if (constant.parts.empty()) return scalar(p_.module->scalar_type(constant.type), constant.bits);
  if (depth > 2) return "{...}";
  std::string out = "{";
  for (std::size_t i = 0; i < constant.parts.size(); ++i) {
    if (i == kMostParts) return out + ", ...}";
    const spirv::Constant* part = p_.constant(constant.parts[i]);
    out += (i ? ", " : "") + (part ? this->constant(*part, depth + 1) : value(constant.parts[i]));
  }
  return out + "}";
}

std::string Printer::value(Id id) const {
  if (const spirv::Constant* c = p_.constant(id)) return constant(*c, 0);
  const auto named = names_.find(id);
  return named == names_.end() ? fmt::format("%{}", id) : "%" + named->second;
}

std::string Printer::type(Id id) const {
  const spirv::Type* t = p_.module->type(id);
  if (!t) return "none";
  switch (t->kind) {
    case TypeKind::kVoid:
      return "void";
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt:
      return fmt::format("{}{}", t->is_signed ? 'i' : 'u', t->width);
    case TypeKind::kFloat:
      return fmt::format("f{}", t->width);
    case TypeKind::kVector:
      return fmt::format("v{}{}", t->count, type(t->element));
    case TypeKind::kMatrix:
      return fmt::format("m{}{}", t->count, type(t->element));
    case TypeKind::kArray:
      return fmt::format("[{} x {}]", t->count, type(t->element));
    case TypeKind::kRuntimeArray:
      return fmt::format("[{}]", type(t->element));
    case TypeKind::kStruct:
      return t->name.empty() ? fmt::format("struct {}", id) : t->name;
    case TypeKind::kPointer:  // not what it points to: types may hold pointers to themselves
      return fmt::format("{} pointer", spirv::storage_class_name(t->storage));
    default:
      return spirv::op_name(t->op);
  }
}

std::string Printer::instruction(const Inst& inst) const {
  std::string out = inst.id ? value(inst.id) + " = " : "";
  out += op_text(inst.op);
  if (inst.type) out += " " + type(inst.type);
  for (std::size_t i = 0; i < inst.args.size(); ++i) {
    out += i ? ", " : " ";
    if (inst.op == spv::Op::OpExtInst && i == 0) {
      out += "GLSL";
    } else if (inst.op == spv::Op::OpExtInst && i == 1) {
      out += spirv::glsl_std_450_name(inst.args[1]);
    } else {
      out += operand_is_value(inst.op, i, inst.args) ? value(inst.args[i])
                                                     : fmt::format("{}", inst.args[i]);
    }
  }
  return out;
}

std::string Printer::phi(const Phi& phi) const {
  std::string out = fmt::format("{} = phi {}", value(phi.id), type(phi.type));
  for (const auto& in : phi.incoming) out += fmt::format(" [{}, {}]", value(in.value), in.block);
  return out;
}

std::string Printer::exit(const Block& block) const {
  std::string out;
  switch (block.exit) {
    case Exit::kEnd:
      return "end";
    case Exit::kJump:
      out = fmt::format("jump {}", block.targets[0]);
      break;
    case Exit::kBranch:
      out = fmt::format("branch {}, {}, {}", value(block.condition), block.targets[0],
                        block.targets[1]);
      break;
    case Exit::kSwitch:
      out = fmt::format("switch {}, {}", value(block.condition), block.targets[0]);
      for (const auto& one : block.cases) out += fmt::format(", {}: {}", one.literal, one.target);
      break;
  }
  return out + (block.barrier_after ? " (barrier)" : "");
}

std::string Printer::construct(std::uint32_t index) const {
  return fmt::format("{} {}", kind_name(p_.constructs[index].kind), index);
}

std::string Printer::block(std::uint32_t index, const Notes& notes) const {
  const Block& block = p_.blocks[index];
  const auto behind = [](const std::string& note) { return note.empty() ? note : "  ; " + note; };
  const auto of_value = [&](Id id) {
    return id && notes.value ? behind(notes.value(id, index)) : std::string();
  };
  std::string out = fmt::format("block {} ({}):{}\n", index, construct(block.construct),
                                notes.block ? behind(notes.block(index)) : "");
  for (const auto& one : block.phis) out += "  " + phi(one) + of_value(one.id) + "\n";
  for (const auto& inst : block.body) out += "  " + instruction(inst) + of_value(inst.id) + "\n";
  return out + "  " + exit(block) + "\n";
}

std::string Printer::program(const Notes& notes) const {
  std::string out;
  for (const auto& variable : p_.variables) {
    out += fmt::format("variable {} {}", value(variable.id), type(variable.type));
    if (variable.table) out += " table " + value(variable.table);
    if (variable.in_memory) out += " in memory";
    if (variable.temporary) out += " temporary";
    out += "\n";
  }
  for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
    const Construct& one = p_.constructs[c];
    out += fmt::format("{}: blocks {} to {}", construct(c), one.begin, one.end - 1);
    if (one.parent != kNone) out += " in " + construct(one.parent);
    if (one.merge != kNone) out += fmt::format(", merge {}", one.merge);
    if (one.kind == ConstructKind::kLoop) out += fmt::format(", continue {}", one.continue_target);
    if (one.has_barrier) out += ", barrier";
    const std::string note = notes.construct ? notes.construct(c) : "";
    out += (note.empty() ? "" : "  ; " + note) + "\n";
  }
  for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) out += block(b, notes);
  return out;
}

std::string to_text(const Shape& s) {
  if (!s.known) return "unreached";
  std::string out;
  if (s.table) {
    out = "table";
    for (std::int32_t entry : *s.table) out += fmt::format(" {}", entry);
  } else if (!s.affine) {
    out = "varying";
  } else if (s.ls == 0 && s.cs == 0 && !s.turn) {
    out = "uniform";
  } else {
    out = fmt::format("affine lane {} chunk {}", s.ls, s.cs);
    if (s.turn) out += fmt::format(" row {} of {}", s.rs, s.turn);
  }
  if (s.affine ? s.chunk : !s.chunk) out += s.affine ? " for each chunk" : " one for all chunks";
  return s.align > 1 ? fmt::format("{} align {}", out, s.align) : out;
}

std::string to_text(const Geometry& g) {
  return fmt::format(
      "geometry: width {} interleave {} passes {} subgroup {} workgroup {} {} {}{}\n", g.width,
      g.chunks, g.passes(), g.subgroup, g.local[0], g.local[1], g.local[2],
      g.has_tail() ? " tail" : "");
}

std::string to_text(const Program& program) {
  return Printer(program).program();
}

std::string to_text(const Program& program, const Analysis& analysis) {
  const Id bound = program.module->bound();
  Printer::Notes notes;
  notes.value = [&](Id id, std::uint32_t) {
    const Shapes& shapes = analysis.values[id - bound];
    if (shapes.empty()) return std::string();
    if (std::ranges::all_of(shapes, [&](const Shape& s) { return s == shapes[0]; }))
      return to_text(shapes[0]) + (shapes.size() > 1 ? fmt::format(" x {}", shapes.size()) : "");
    std::string out;
    for (const Shape& shape : shapes) out += (out.empty() ? "" : " | ") + to_text(shape);
    return out;
  };
  notes.block = [&](std::uint32_t b) { return "mask " + divergence_text(analysis.masks[b]); };
  notes.construct = [&](std::uint32_t c) {
    return "parts " + divergence_text(analysis.constructs[c]) +
           (analysis.escapes[c] ? ", escapes" : "");
  };
  return Printer(program).program(notes);
}

std::string ranges_text(const Program& program, const Analysis& analysis,
                        const Geometry& geometry) {
  Ranges ranges(program, analysis, geometry);
  Printer::Notes notes;
  notes.value = [&](Id id, std::uint32_t block) -> std::string {
    // A loop's counter has its range inside, behind the test.
    const Construct& around = program.constructs[program.blocks[block].construct];
    const bool counts = around.kind == ConstructKind::kLoop && around.header == block;
    const auto range = ranges.of(id, counts && program.phi(id) ? around.end - 1 : block);
    return range ? fmt::format("in {} to {}", range->low, range->high) : "";
  };
  return Printer(program).program(notes);
}

}  // namespace sokr::cpu
