// SPDX-License-Identifier: MIT OR Apache-2.0
#include "typing.hpp"

#include <algorithm>
#include <string>

#include "work.hpp"

namespace sokr::spirv {
namespace {

using enum spv::Op;

// What an instruction's operands have to be, its result given. "alike": the same component
// count; "same": the same component count and width.
enum class Rule : std::uint8_t {
  kNothing,        // any operands, no result that anybody reads
  kInts,           // integers, the same as the result
  kShift,          // the first same as the result, the second integers alike
  kBits,           // OpBitFieldInsert and its kin: the last two or three integer scalars
  kFloats,         // floats, of the result's type
  kBools,          // bools alike the result
  kNot,            // the same
  kCompareInts,    // integers, both the same, result bools alike
  kCompareFloats,  // floats, the same
  kTestFloats,     // one float, result bools alike
  kFloatToInt,
  kIntToFloat,
  kFloatToFloat,
  kIntToInt,
  kBitcast,
  kSelect,
  kCopy,  // of the result's type
};

struct Row {
  spv::Op op;
  Rule rule;
};

constexpr Row kRows[] = {
    {OpNop, Rule::kNothing},
    {OpUndef, Rule::kNothing},
    {OpMemoryBarrier, Rule::kNothing},
    {OpControlBarrier, Rule::kNothing},
    {OpIAdd, Rule::kInts},
    {OpISub, Rule::kInts},
    {OpIMul, Rule::kInts},
    {OpUDiv, Rule::kInts},
    {OpSDiv, Rule::kInts},
    {OpUMod, Rule::kInts},
    {OpSRem, Rule::kInts},
    {OpSMod, Rule::kInts},
    {OpSNegate, Rule::kInts},
    {OpBitwiseOr, Rule::kInts},
    {OpBitwiseXor, Rule::kInts},
    {OpBitwiseAnd, Rule::kInts},
    {OpNot, Rule::kInts},
    {OpBitReverse, Rule::kInts},
    {OpShiftRightLogical, Rule::kShift},
    {OpShiftRightArithmetic, Rule::kShift},
    {OpShiftLeftLogical, Rule::kShift},
    {OpBitFieldInsert, Rule::kBits},
    {OpBitFieldSExtract, Rule::kBits},
    {OpBitFieldUExtract, Rule::kBits},
    {OpFNegate, Rule::kFloats},
    {OpFAdd, Rule::kFloats},
    {OpFSub, Rule::kFloats},
    {OpFMul, Rule::kFloats},
    {OpFDiv, Rule::kFloats},
    {OpFRem, Rule::kFloats},
    {OpFMod, Rule::kFloats},
    {OpLogicalEqual, Rule::kBools},
    {OpLogicalNotEqual, Rule::kBools},
    {OpLogicalOr, Rule::kBools},
    {OpLogicalAnd, Rule::kBools},
    {OpLogicalNot, Rule::kBools},
    {OpIEqual, Rule::kCompareInts},
    {OpINotEqual, Rule::kCompareInts},
    {OpUGreaterThan, Rule::kCompareInts},
    {OpSGreaterThan, Rule::kCompareInts},
    {OpUGreaterThanEqual, Rule::kCompareInts},
    {OpSGreaterThanEqual, Rule::kCompareInts},
    {OpULessThan, Rule::kCompareInts},
    {OpSLessThan, Rule::kCompareInts},
    {OpULessThanEqual, Rule::kCompareInts},
    {OpSLessThanEqual, Rule::kCompareInts},
    {OpFOrdEqual, Rule::kCompareFloats},
    {OpFUnordEqual, Rule::kCompareFloats},
    {OpFOrdNotEqual, Rule::kCompareFloats},
    {OpFUnordNotEqual, Rule::kCompareFloats},
    {OpFOrdLessThan, Rule::kCompareFloats},
    {OpFUnordLessThan, Rule::kCompareFloats},
    {OpFOrdGreaterThan, Rule::kCompareFloats},
    {OpFUnordGreaterThan, Rule::kCompareFloats},
    {OpFOrdLessThanEqual, Rule::kCompareFloats},
    {OpFUnordLessThanEqual, Rule::kCompareFloats},
    {OpFOrdGreaterThanEqual, Rule::kCompareFloats},
    {OpFUnordGreaterThanEqual, Rule::kCompareFloats},
    {OpIsNan, Rule::kTestFloats},
    {OpIsInf, Rule::kTestFloats},
    {OpConvertFToU, Rule::kFloatToInt},
    {OpConvertFToS, Rule::kFloatToInt},
    {OpConvertSToF, Rule::kIntToFloat},
    {OpConvertUToF, Rule::kIntToFloat},
    {OpFConvert, Rule::kFloatToFloat},
    {OpQuantizeToF16, Rule::kFloats},
    {OpUConvert, Rule::kIntToInt},
    {OpSConvert, Rule::kIntToInt},
    {OpBitcast, Rule::kBitcast},
    {OpSelect, Rule::kSelect},
    {OpCopyObject, Rule::kCopy},
    {OpExpectKHR, Rule::kCopy},
};

const Row* find_row(spv::Op op) {
  const auto* row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.op == op; });
  return row != std::end(kRows) ? row : nullptr;
}

class TypeChecker {
 public:
  explicit TypeChecker(const Module& module) : m_(module) {}

  // What the validator does not look at: for OpBitcast, whether a pointer has an address at all.
  Result<void> run_unvalidated() {
    for (const Function& function : m_.functions())
      for (const Block& block : function.blocks)
        for (const Instruction& i : block.body)
          if (i.op == OpBitcast || suits_group(m_, i) || suits_cooperative(m_, i) ||
              has_sized_parts(i))
            SOKR_TRY(check(i));
    return {};
  }

  Result<void> run() {
    for (const Function& function : m_.functions()) {
      function_ = &function;
      for (const Instruction& variable : function.variables) SOKR_TRY(check_variable(variable));
      for (const Block& block : function.blocks) {
        for (const Instruction& instruction : block.body) SOKR_TRY(check(instruction));
        SOKR_TRY(check_terminator(block.terminator));
      }
    }
    return {};
  }

 private:
  Failure bad(const Instruction& instruction, std::string_view sentence) const {
    return Failure{SOKR_INVALID_IR, fmt::format("{} (word {}): {}", op_name(instruction.op),
                                                instruction.word, sentence)};
  }

  Shape shape(Id type) const { return shape_of(m_, type); }
  Shape operand(const Instruction& i, std::size_t at) const {
    return shape(m_.type_of(i.args[at]));
  }
  const Type* type_at(const Instruction& i, std::size_t at) const {
    return m_.type(m_.type_of(i.args[at]));
  }

  Result<void> check_variable(const Instruction& variable) const {
    if (variable.args.size() < 2) return {};
    const Type* pointer = m_.type(variable.type);
    if (m_.type_of(variable.args[1]) == pointer->element) return {};
    return bad(variable, "its initializer does not have the type that it holds");
  }

  Result<void> check(const Instruction& i) const {
    count_work(1 + i.args.size());
    if (const std::optional<bool> cooperative = suits_cooperative(m_, i)) {
      if (*cooperative) return {};
    } else if (const Row* row = find_row(i.op)) {
      if (suits(row->rule, i)) return {};
    } else if (const std::optional<bool> special = suits_special(i)) {
      if (*special) return {};
    } else {
      return fail(SOKR_CAPABILITY_DENIED,
                  "{} (word {}) is checked by the validator only, which is switched off",
                  op_name(i.op), i.word);
    }
    return bad(i, "its operands do not have types that it works on and gives");
  }

  Result<void> check_terminator(const Instruction& end) const {
    bool suits = true;
    const Type* returned = m_.type(function_->return_type);
    switch (end.op) {
      case OpBranchConditional:
        suits = operand(end, 0) == Shape{TypeKind::kBool, 1, 1};
        break;
      case OpSwitch:
        suits = operand(end, 0).kind == TypeKind::kInt && operand(end, 0).count == 1;
        break;
      case OpReturn:
        suits = returned->kind == TypeKind::kVoid;
        break;
      case OpReturnValue:
        suits = returned->kind != TypeKind::kVoid && m_.type_of(end.args[0]) == returned->id;
        break;
      default:
        break;
    }
    if (suits) return {};
    return bad(end, "its operand does not have the type that it takes");
  }

  // Does it make a value of parts, or name a part, whose array's length a launch decides?
  bool has_sized_parts(const Instruction& i) const {
    const auto is_sized = [&](Id id) {
      const Type* type = m_.type(id);
      return type != nullptr && type->spec_sized;
    };
    if (i.op == OpCompositeExtract) return is_sized(m_.type_of(i.args[0]));
    return (i.op == OpCompositeConstruct || i.op == OpCompositeInsert) && is_sized(i.type);
  }

  // Specialization constants decide its length, and their values are not known yet.
  bool is_open(const Type& type) const { return type.spec_length && m_.for_any_values(); }

  template <class Test>
  bool all(const Instruction& i, Test&& test) const {
    for (std::size_t at = 0; at < i.args.size(); ++at)
      if (!test(operand(i, at))) return false;
    return true;
  }

  bool suits(Rule rule, const Instruction& i) const {
    const Shape r = shape(i.type);
    const auto is = [](const Shape& s, TypeKind kind, std::uint32_t count) {
      return s.kind == kind && s.count == count;
    };
    switch (rule) {
      case Rule::kNothing:
        return i.type == 0 || is_value(i.type);
      case Rule::kInts:
        return r.kind == TypeKind::kInt && all(i, [&](const Shape& s) { return s == r; });
      case Rule::kShift:
        return r.kind == TypeKind::kInt && operand(i, 0) == r &&
               is(operand(i, 1), TypeKind::kInt, r.count);
      case Rule::kBits:
        return r.kind == TypeKind::kInt && suits_bits(i, r);
      case Rule::kFloats:
        return r.kind == TypeKind::kFloat && all(i, [&](const Shape& s) { return s == r; });
      case Rule::kBools:
      case Rule::kNot:
        return r.kind == TypeKind::kBool && all(i, [&](const Shape& s) { return s == r; });
      case Rule::kCompareInts:
      case Rule::kCompareFloats: {
        const TypeKind kind = rule == Rule::kCompareInts ? TypeKind::kInt : TypeKind::kFloat;
        return r.kind == TypeKind::kBool && is(operand(i, 0), kind, r.count) &&
               operand(i, 0) == operand(i, 1);
      }
      case Rule::kTestFloats:
        return r.kind == TypeKind::kBool && is(operand(i, 0), TypeKind::kFloat, r.count);
      case Rule::kFloatToInt:
        return r.kind == TypeKind::kInt && is(operand(i, 0), TypeKind::kFloat, r.count);
      case Rule::kIntToFloat:
        return r.kind == TypeKind::kFloat && is(operand(i, 0), TypeKind::kInt, r.count);
      case Rule::kFloatToFloat:
        return r.kind == TypeKind::kFloat && is(operand(i, 0), TypeKind::kFloat, r.count);
      case Rule::kIntToInt:
        return r.kind == TypeKind::kInt && is(operand(i, 0), TypeKind::kInt, r.count);
      case Rule::kBitcast:
        return suits_bitcast(i, r);
      case Rule::kSelect:
        return suits_select(i, r);
      case Rule::kCopy:
        return is_value(i.type) && std::all_of(i.args.begin(), i.args.end(),
                                               [&](Id id) { return m_.type_of(id) == i.type; });
    }
    return false;
  }

  bool is_value(Id id) const {
    const Type* type = m_.type(id);
    return type != nullptr && type->kind != TypeKind::kVoid && type->kind != TypeKind::kFunction;
  }

  // Base (and insert) as the result, offset and count integer scalars.
  bool suits_bits(const Instruction& i, const Shape& r) const {
    const std::size_t values = i.op == OpBitFieldInsert ? 2 : 1;
    for (std::size_t at = 0; at < i.args.size(); ++at) {
      const Shape s = operand(i, at);
      if (at < values ? s != r : s.kind != TypeKind::kInt || s.count != 1) return false;
    }
    return true;
  }

  bool suits_bitcast(const Instruction& i, const Shape& r) const {
    const Id from = m_.type_of(i.args[0]);
    const Shape address{TypeKind::kInt, 64, 1};
    if (is_physical(from) || is_physical(i.type)) {
      const Shape a = is_physical(from) ? address : operand(i, 0);
      const Shape b = is_physical(i.type) ? address : r;
      return a.kind == TypeKind::kInt && b.kind == TypeKind::kInt &&
             a.width * a.count == b.width * b.count;
    }
    const Shape s = operand(i, 0);
    const bool is_number = s.kind == TypeKind::kInt || s.kind == TypeKind::kFloat;
    return is_number && (r.kind == TypeKind::kInt || r.kind == TypeKind::kFloat) &&
           s.width * s.count == r.width * r.count;
  }

  bool suits_select(const Instruction& i, const Shape& r) const {
    const Shape condition = operand(i, 0);
    return condition.kind == TypeKind::kBool && is_value(i.type) &&
           (condition.count == 1 || (r.kind != TypeKind::kOther && condition.count == r.count)) &&
           m_.type_of(i.args[1]) == i.type && m_.type_of(i.args[2]) == i.type;
  }

  // ---- Memory ------------------------------------------------------------------------

  const Type* pointer_at(const Instruction& i, std::size_t at) const {
    const Type* type = type_at(i, at);
    return type != nullptr && type->kind == TypeKind::kPointer ? type : nullptr;
  }

  // The type of a part, or 0. `index`: an id.
  Id part_by_id(const Type& type, Id index) const {
    if (type.kind != TypeKind::kStruct) {
      const Shape s = shape(m_.type_of(index));
      return s.kind == TypeKind::kInt && s.count == 1 ? element_of(type) : 0;
    }
    const Constant* constant = m_.constant(index);
    if (constant == nullptr || shape(constant->type).kind != TypeKind::kInt) return 0;
    if (constant->is_spec || constant->is_undef) return 0;  // no number that is the same always
    return constant->bits < type.members.size() ? type.members[constant->bits].type : 0;
  }

  // The type of a part of a value; `index`: a literal.
  Id part_by_number(const Type& type, std::uint32_t index) const {
    if (type.kind == TypeKind::kStruct)
      return index < type.members.size() ? type.members[index].type : 0;
    // How many components an invocation holds only the device knows.
    if (type.kind == TypeKind::kCooperativeMatrix) return type.element;
    const bool is_inside = index < type.count || is_open(type);
    return type.kind != TypeKind::kRuntimeArray && is_inside ? element_of(type) : 0;
  }

  static Id element_of(const Type& type) {
    const bool has = type.kind == TypeKind::kVector || type.kind == TypeKind::kMatrix ||
                     type.kind == TypeKind::kArray || type.kind == TypeKind::kRuntimeArray ||
                     type.kind == TypeKind::kCooperativeMatrix;
    return has ? type.element : 0;
  }

  bool suits_chain(const Instruction& i, std::size_t first) const {
    const Type* base = pointer_at(i, 0);
    const Type* result = m_.type(i.type);
    if (base == nullptr || result->kind != TypeKind::kPointer || base->storage != result->storage)
      return false;
    if (first == 2) {
      const Shape s = i.args.size() > 1 ? operand(i, 1) : Shape{};
      if (s.kind != TypeKind::kInt || s.count != 1) return false;
    }
    Id at = base->element;
    for (std::size_t k = first; k < i.args.size(); ++k) {
      const Type* type = m_.type(at);
      at = type != nullptr ? part_by_id(*type, i.args[k]) : 0;
      if (at == 0) return false;
    }
    return at == result->element;
  }

  bool suits_array_length(const Instruction& i) const {
    const Type* pointer = pointer_at(i, 0);
    const Type* block = pointer != nullptr ? m_.type(pointer->element) : nullptr;
    if (block == nullptr || block->kind != TypeKind::kStruct || block->members.empty() ||
        i.args[1] + 1 != block->members.size()) {
      return false;
    }
    const Type* last = m_.type(block->members.back().type);
    return last != nullptr && last->kind == TypeKind::kRuntimeArray &&
           shape(i.type) == Shape{TypeKind::kInt, 32, 1};
  }

  bool points_to(const Instruction& i, std::size_t at, Id type) const {
    const Type* pointer = pointer_at(i, at);
    return pointer != nullptr && pointer->element == type && is_value(type);
  }

  bool suits_atomic(const Instruction& i) const {
    const bool is_float =
        i.op == OpAtomicFAddEXT || i.op == OpAtomicFMinEXT || i.op == OpAtomicFMaxEXT;
    const Type* pointer = pointer_at(i, 0);
    const Id held = pointer != nullptr ? pointer->element : 0;
    const Shape s = shape(held);
    const bool is_bits = i.op == OpAtomicLoad || i.op == OpAtomicStore || i.op == OpAtomicExchange;
    const bool fits = s.count == 1 && (is_float ? s.kind == TypeKind::kFloat
                                                : s.kind == TypeKind::kInt ||
                                                      (is_bits && s.kind == TypeKind::kFloat));
    if (!fits || (i.type != 0 && i.type != held)) return false;
    // Pointer, scope, semantics (a second one for a comparison), values.
    const std::size_t first = i.op == OpAtomicCompareExchange ? 4 : 3;
    for (std::size_t at = 1; at < i.args.size(); ++at) {
      const bool is_value = at >= first;
      if (is_value ? m_.type_of(i.args[at]) != held
                   : operand(i, at) != Shape{TypeKind::kInt, 32, 1})
        return false;
    }
    return true;
  }

  // ---- Composites ------------------------------------------------------------------------

  bool suits_construct(const Instruction& i) const {
    const Type& type = *m_.type(i.type);
    if (type.kind == TypeKind::kVector) {
      std::uint64_t count = 0;
      const Shape r = shape(i.type);
      for (std::size_t at = 0; at < i.args.size(); ++at) {
        const Type* part = type_at(i, at);
        if (part == nullptr) return false;
        const Id scalar = part->kind == TypeKind::kVector ? part->element : part->id;
        if (scalar != type.element) return false;
        count += operand(i, at).count;
      }
      return count == r.count;
    }
    const std::size_t count = type.kind == TypeKind::kStruct ? type.members.size()
                              : is_open(type)                ? i.args.size()
                                                             : type.count;
    if (i.args.size() != count || (type.kind != TypeKind::kStruct && element_of(type) == 0))
      return false;
    for (std::uint32_t at = 0; at < count; ++at)
      if (m_.type_of(i.args[at]) != part_by_number(type, at)) return false;
    return true;
  }

  // From args[value] on by the literals from args[first] on.
  Id part_of(const Instruction& i, std::size_t value, std::size_t first) const {
    Id at = m_.type_of(i.args[value]);
    for (std::size_t k = first; k < i.args.size() && at != 0; ++k) {
      const Type* type = m_.type(at);
      at = type != nullptr ? part_by_number(*type, i.args[k]) : 0;
    }
    return at;
  }

  bool suits_shuffle(const Instruction& i) const {
    const Type* result = m_.type(i.type);
    const Type *a = type_at(i, 0), *b = type_at(i, 1);
    if (result->kind != TypeKind::kVector || a == nullptr || b == nullptr ||
        a->kind != TypeKind::kVector || b->kind != TypeKind::kVector ||
        a->element != result->element || b->element != result->element ||
        i.args.size() - 2 != result->count) {
      return false;
    }
    return std::all_of(i.args.begin() + 2, i.args.end(), [&](std::uint32_t component) {
      return component == UINT32_MAX || component < a->count + b->count;
    });
  }

  bool suits_dynamic(const Instruction& i) const {
    const Type* vector = type_at(i, 0);
    if (vector == nullptr || vector->kind != TypeKind::kVector) return false;
    const std::size_t index = i.op == OpVectorInsertDynamic ? 2 : 1;
    const Shape s = operand(i, index);
    if (s.kind != TypeKind::kInt || s.count != 1) return false;
    if (i.op == OpVectorExtractDynamic) return i.type == vector->element;
    return i.type == vector->id && m_.type_of(i.args[1]) == vector->element;
  }

  // Types that differ in their layout only; limits::kTypeParts bounds the walk.
  bool match(Id a, Id b) const {
    count_work();
    if (a == b) return is_value(a);
    const Type *x = m_.type(a), *y = m_.type(b);
    if (x == nullptr || y == nullptr || x->kind != y->kind) return false;
    if (x->kind == TypeKind::kArray) {
      return (x->count == y->count || is_open(*x) || is_open(*y)) && match(x->element, y->element);
    }
    if (x->kind != TypeKind::kStruct || x->members.size() != y->members.size()) return false;
    for (std::size_t k = 0; k < x->members.size(); ++k)
      if (!match(x->members[k].type, y->members[k].type)) return false;
    return true;
  }

  // ---- Matrices --------------------------------------------------------------------------

  struct Grid {
    std::uint32_t columns = 0, rows = 0, width = 0;
    bool operator==(const Grid&) const = default;
  };
  Grid grid(Id id) const {
    const Type* type = m_.type(id);
    if (type == nullptr || type->kind != TypeKind::kMatrix) return {};
    const Shape column = shape(type->element);
    if (column.kind != TypeKind::kFloat) return {};
    return {type->count, column.count, column.width};
  }

  bool suits_matrix(const Instruction& i) const {
    const Grid r = grid(i.type), a = grid(m_.type_of(i.args[0]));
    const Grid b = i.args.size() > 1 ? grid(m_.type_of(i.args[1])) : Grid{};
    const Shape rs = shape(i.type), as = operand(i, 0);
    const Shape bs = i.args.size() > 1 ? operand(i, 1) : Shape{};
    const auto is_float = [](const Shape& s, std::uint32_t count, std::uint32_t width) {
      return s.kind == TypeKind::kFloat && s.count == count && s.width == width;
    };
    switch (i.op) {
      case OpTranspose:
        return r.columns != 0 && a == Grid{r.rows, r.columns, r.width};
      case OpVectorTimesScalar:
        return rs.kind == TypeKind::kFloat && as == rs && is_float(bs, 1, rs.width);
      case OpMatrixTimesScalar:
        return r.columns != 0 && a == r && is_float(bs, 1, r.width);
      case OpVectorTimesMatrix:
        return b.columns != 0 && is_float(as, b.rows, b.width) && is_float(rs, b.columns, b.width);
      case OpMatrixTimesVector:
        return a.columns != 0 && is_float(bs, a.columns, a.width) && is_float(rs, a.rows, a.width);
      case OpMatrixTimesMatrix:
        return a.columns != 0 && b.columns != 0 && a.columns == b.rows && a.width == b.width &&
               r == Grid{b.columns, a.rows, a.width};
      case OpOuterProduct:
        return r.columns != 0 && is_float(as, r.rows, r.width) && is_float(bs, r.columns, r.width);
      default:  // OpDot
        return as.kind == TypeKind::kFloat && as.count > 1 && as == bs && is_float(rs, 1, as.width);
    }
  }

  // A struct of two of what both operands are.
  bool suits_wide(const Instruction& i) const {
    const Type& type = *m_.type(i.type);
    const Id part = m_.type_of(i.args[0]);
    return type.kind == TypeKind::kStruct && type.members.size() == 2 &&
           shape(part).kind == TypeKind::kInt && m_.type_of(i.args[1]) == part &&
           type.members[0].type == part && type.members[1].type == part;
  }

  // ---- The rest ----------------------------------------------------------------------------

  bool suits_call(const Instruction& call) const {
    const Function* callee = m_.function(call.args[0]);
    return callee != nullptr && callee->return_type == call.type;  // arguments: by decode()
  }

  // nullopt: no rule.
  std::optional<bool> suits_special(const Instruction& i) const {
    switch (i.op) {
      case OpLoad:
        return points_to(i, 0, i.type);
      case OpStore:
        return points_to(i, 0, m_.type_of(i.args[1]));
      case OpCopyMemory: {
        const Type* from = pointer_at(i, 1);
        return from != nullptr && points_to(i, 0, from->element);
      }
      case OpAccessChain:
      case OpInBoundsAccessChain:
        return suits_chain(i, 1);
      case OpPtrAccessChain:
        return suits_chain(i, 2);
      case OpArrayLength:
        return suits_array_length(i);
      case OpFunctionCall:
        return suits_call(i);
      case OpCompositeConstruct:
        return suits_construct(i);
      case OpCompositeExtract:
        return i.args.size() > 1 && part_of(i, 0, 1) == i.type;
      case OpCompositeInsert:
        return i.args.size() > 2 && m_.type_of(i.args[1]) == i.type &&
               part_of(i, 1, 2) == m_.type_of(i.args[0]) && m_.type_of(i.args[0]) != 0;
      case OpVectorShuffle:
        return suits_shuffle(i);
      case OpVectorExtractDynamic:
      case OpVectorInsertDynamic:
        return suits_dynamic(i);
      case OpCopyLogical:
        return match(i.type, m_.type_of(i.args[0]));
      case OpTranspose:
      case OpVectorTimesScalar:
      case OpMatrixTimesScalar:
      case OpVectorTimesMatrix:
      case OpMatrixTimesVector:
      case OpMatrixTimesMatrix:
      case OpOuterProduct:
      case OpDot:
        return suits_matrix(i);
      case OpIAddCarry:
      case OpISubBorrow:
      case OpUMulExtended:
      case OpSMulExtended:
        return suits_wide(i);
      case OpConvertPtrToU:
      case OpConvertUToPtr:
      case OpPtrEqual:
      case OpPtrNotEqual:
      case OpPtrDiff:
        return suits_pointers(i);
      case OpAny:
      case OpAll:
        return operand(i, 0).kind == TypeKind::kBool &&
               shape(i.type) == Shape{TypeKind::kBool, 1, 1};
      case OpBitCount:
        return shape(i.type).kind == TypeKind::kInt && operand(i, 0).kind == TypeKind::kInt &&
               operand(i, 0).count == shape(i.type).count;
      case OpAssumeTrueKHR:
        return operand(i, 0) == Shape{TypeKind::kBool, 1, 1};
      case OpReadClockKHR:
        return shape(i.type) == Shape{TypeKind::kInt, 64, 1} ||
               shape(i.type) == Shape{TypeKind::kInt, 32, 2};
      case OpExtInst:
        if (m_.instruction_set(i.args[0]) != InstructionSet::kGlslStd450) return std::nullopt;
        return suits_glsl_std_450(m_, i);
      default:
        if (i.op >= OpAtomicLoad && i.op <= OpAtomicXor) return suits_atomic(i);
        if (i.op == OpAtomicFAddEXT || i.op == OpAtomicFMinEXT || i.op == OpAtomicFMaxEXT)
          return suits_atomic(i);
        return suits_group(m_, i);
    }
  }

  bool is_physical(Id type_id) const {
    const Type* type = m_.type(type_id);
    return type != nullptr && type->kind == TypeKind::kPointer &&
           type->storage == spv::StorageClass::PhysicalStorageBuffer;
  }

  // Addresses are numbers; what logical pointers are is left to compare.
  bool suits_pointers(const Instruction& i) const {
    const Shape r = shape(i.type);
    switch (i.op) {
      case OpConvertPtrToU:
        return r.kind == TypeKind::kInt && r.count == 1 && is_physical(m_.type_of(i.args[0]));
      case OpConvertUToPtr:
        return is_physical(i.type) && operand(i, 0).kind == TypeKind::kInt &&
               operand(i, 0).count == 1;
      default:
        return pointer_at(i, 0) != nullptr && m_.type_of(i.args[0]) == m_.type_of(i.args[1]) &&
               (i.op == OpPtrDiff ? r.kind == TypeKind::kInt && r.count == 1
                                  : r == Shape{TypeKind::kBool, 1, 1});
    }
  }

  const Module& m_;
  const Function* function_ = nullptr;
};

}  // namespace

Shape shape_of(const Module& module, Id id) {
  const Type* type = module.type(id);
  if (type == nullptr) return {};
  const Type* part = type->kind == TypeKind::kVector ? module.type(type->element) : type;
  const std::uint32_t count = type->kind == TypeKind::kVector ? type->count : 1;
  if (part->kind == TypeKind::kBool) return {TypeKind::kBool, 1, count};
  if (part->kind == TypeKind::kInt || part->kind == TypeKind::kFloat)
    return {part->kind, part->width, count};
  return {};
}

Result<void> check_types(const Module& module) {
  for (const Variable& variable : module.variables()) {
    const bool may_start = variable.storage == spv::StorageClass::Private ||
                           variable.storage == spv::StorageClass::Workgroup ||
                           variable.storage == spv::StorageClass::Output;
    if (variable.initializer == 0 ||
        (may_start && module.type_of(variable.initializer) == variable.pointee))
      continue;
    return fail(SOKR_INVALID_IR, "variable {}: {}", module.describe(variable.id),
                may_start ? "its initializer does not have the type that it holds"
                          : "its storage class has no initializers");
  }
  return TypeChecker(module).run();
}

Result<void> check_unvalidated(const Module& module) {
  SOKR_TRY(TypeChecker(module).run_unvalidated());
  SOKR_TRY(check_writes(module));
  for (Id id = 1; id < module.bound(); ++id) {
    const Type* type = module.type(id);
    if (type == nullptr || type->kind != TypeKind::kStruct) continue;
    for (std::size_t k = 0; k < type->members.size(); ++k) {
      const Member& member = type->members[k];
      if (!member.has_offset || member.matrix_stride != 0) continue;
      const Type* held = module.type(member.type);
      while (held != nullptr &&
             (held->kind == TypeKind::kArray || held->kind == TypeKind::kRuntimeArray))
        held = module.type(held->element);
      if (held != nullptr && held->kind == TypeKind::kMatrix)
        return fail(SOKR_INVALID_IR,
                    "member {} of {} has an Offset and holds a matrix, but no MatrixStride", k,
                    module.describe(id));
    }
  }
  return {};
}

}  // namespace sokr::spirv
