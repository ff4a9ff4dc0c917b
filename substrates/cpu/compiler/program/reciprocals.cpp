// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Several divisions by one divisor: one division and products, which take a fifth as long each. A
// product has 1.5 ULP of error where Vulkan allows 2.5. Only where nothing can go wrong at the ends
// of the range: the divisor is a length, a root or the like, which is 0, infinite or NaN (for which
// products give the same as divisions) or so far inside that its reciprocal is a normal number.
// Decided from the kernel alone, as contraction is.
#include <spirv/unified1/GLSL.std.450.h>

#include <bit>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/program/float_modes.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {
namespace {

// Between these a sum or a maximum with a constant stays far inside.
constexpr float kLeast = 0x1p-100f, kMost = 0x1p100f;
// x^y is inside for all x if y is.
constexpr float kMostExponent = 0.75f;
constexpr int kMostStepsToRange = 4;  // from a divisor to what tells its range

class Reciprocals {
 public:
  explicit Reciprocals(Program& program) : p_(program), modes_(float_modes(*program.entry)) {}

  void run() {
    if (modes_.toward_zero || modes_.flushes(32)) return;
    bool some = false;
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) some |= rewrite(b);
    if (some) index_definitions(p_);
  }

 private:
  bool is_float(Id type) const {
    const spirv::Type* t = p_.module->type(type);
    return t && t->kind == spirv::TypeKind::kFloat && t->width == 32;
  }

  std::optional<float> constant_of(Id id) const {
    const spirv::Constant* c = p_.constant(id);
    if (!c || c->is_undef || !c->parts.empty() || !is_float(c->type)) return std::nullopt;
    return c->is_null ? 0.0f : std::bit_cast<float>(static_cast<std::uint32_t>(c->bits));
  }

  // The scalar that this divides by, the same for all components; 0 = none.
  Id divisor_of(const Inst& inst) const {
    if (inst.op != spv::Op::OpFDiv || p_.module->decorations(inst.origin).no_contraction) return 0;
    const spirv::Type scalar = p_.module->scalar_type(inst.type);
    if (scalar.kind != spirv::TypeKind::kFloat || scalar.width != 32) return 0;
    if (is_float(inst.type)) return inst.args[1];
    const Inst* splat = p_.inst(inst.args[1]);
    if (!splat || splat->op != spv::Op::OpCompositeConstruct) return 0;
    for (const Id part : splat->args)
      if (part != splat->args[0]) return 0;
    return is_float(p_.type_of(splat->args[0])) ? splat->args[0] : 0;
  }

  // 0, infinite, NaN, or with a reciprocal that is a normal number. `positive` is the same of what
  // has no sign.
  bool is_tame(Id id, bool positive = false, int steps = kMostStepsToRange) const {
    const Inst* inst = p_.inst(id);
    if (!inst || steps == 0) return false;
    const auto either = [&](auto holds) {
      const std::size_t first = inst->args.size() - 2;
      return holds(inst->args[first], inst->args[first + 1]) ||
             holds(inst->args[first + 1], inst->args[first]);
    };
    switch (inst->op) {
      case spv::Op::OpConvertUToF:
        return true;
      case spv::Op::OpConvertSToF:
        return !positive;
      case spv::Op::OpFAdd:
        return either([&](Id a, Id b) {
          const auto number = constant_of(b);
          return number && *number >= kLeast && *number <= kMost && is_tame(a, true, steps - 1);
        });
      case spv::Op::OpExtInst:
        break;
      default:
        return false;
    }
    switch (inst->args[1]) {
      case GLSLstd450Sqrt:
      case GLSLstd450InverseSqrt:
        return true;
      case GLSLstd450Length:
      case GLSLstd450Distance:
        return !is_float(p_.type_of(inst->args[2]));  // a root, and not a magnitude
      case GLSLstd450Pow: {
        const auto exponent = constant_of(inst->args[3]);
        return exponent && std::fabs(*exponent) <= kMostExponent;
      }
      case GLSLstd450FMax:
      case GLSLstd450NMax:
        return either([&](Id a, Id b) {
          const auto number = constant_of(b);
          return number && *number >= kLeast && *number <= kMost && is_tame(a, false, steps - 1);
        });
      default:
        return false;
    }
  }

  bool rewrite(std::uint32_t block) {
    struct Divisor {
      std::size_t divisions = 0;
      Id reciprocal = 0;
    };
    std::unordered_map<Id, Divisor> divisors;
    std::vector<Id> divided_by;  // by instruction, before any of them is moved
    for (const Inst& inst : p_.blocks[block].body) {
      const Id id = divided_by.emplace_back(divisor_of(inst));
      if (id != 0)
        divisors[id].divisions += is_float(inst.type) ? 1 : p_.module->type(inst.type)->count;
    }
    std::erase_if(divisors,
                  [&](const auto& one) { return one.second.divisions < 2 || !is_tame(one.first); });
    if (divisors.empty()) return false;
    std::vector<Inst> body;
    for (std::size_t i = 0; i < divided_by.size(); ++i) {
      Inst& inst = p_.blocks[block].body[i];
      const Id id = divided_by[i];
      const auto at = divisors.find(id);
      if (id != 0 && at != divisors.end()) {
        if (at->second.reciprocal == 0) {
          const Id type = p_.type_of(id);
          at->second.reciprocal = fresh(type);
          body.push_back({spv::Op::OpFDiv,
                          type,
                          at->second.reciprocal,
                          inst.origin,
                          {add_constant(p_, type, std::bit_cast<std::uint32_t>(1.0f)), id}});
        }
        inst.op = is_float(inst.type) ? spv::Op::OpFMul : spv::Op::OpVectorTimesScalar;
        inst.args[1] = at->second.reciprocal;
      }
      body.push_back(std::move(inst));
    }
    p_.blocks[block].body = std::move(body);
    return true;
  }

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return p_.module->bound() + static_cast<Id>(p_.definitions.size()) - 1;
  }

  Program& p_;
  const FloatModes modes_;
};

}  // namespace

void take_reciprocals(Program& program) {
  Reciprocals(program).run();
}

}  // namespace sokr::cpu
