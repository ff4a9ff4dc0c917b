// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A part of a grid tells its place by push constants behind the kernel's own. Each built-in
// variable that depends on it becomes a private one of the same id, which the entry point fills
// from the device's own before anything else.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <sokr/spirv/grid.hpp>

#include "grammar.hpp"
#include "strip.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

using spv::Op;
using spv::StorageClass;
using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t kFullInterfaces = 4;  // the minor version whose interfaces list all

void add(Words& to, Op op, std::span<const std::uint32_t> operands) {
  const auto count = static_cast<std::uint32_t>(operands.size() + 1);
  to.push_back(count << 16 | static_cast<std::uint32_t>(op));
  to.insert(to.end(), operands.begin(), operands.end());
}
void add(Words& to, Op op, std::initializer_list<std::uint32_t> operands) {
  add(to, op, std::span(operands.begin(), operands.size()));
}

bool is_annotation(Op op) {
  switch (op) {
    case Op::OpDecorate:
    case Op::OpMemberDecorate:
    case Op::OpDecorationGroup:
    case Op::OpGroupDecorate:
    case Op::OpGroupMemberDecorate:
    case Op::OpDecorateId:
    case Op::OpDecorateString:
    case Op::OpMemberDecorateString:
      return true;
    default:
      return false;
  }
}

bool is_chain(Op op) {
  return op == Op::OpAccessChain || op == Op::OpInBoundsAccessChain;
}

class Slicer {
 public:
  Slicer(const Module& module, const EntryPoint& entry)
      : m_(module), e_(entry), in_(specialized_words(module)), next_(in_[3]) {}

  Result<SlicedModule> run() {
    find_variables();
    if (built_ins_.empty()) {
      out_.words = std::move(in_);
      out_.push_size = own_push_size();
      return std::move(out_);
    }
    SOKR_TRY(check_uses());
    find_places();
    declare_push();
    for (BuiltIn& built_in : built_ins_) declare(built_in);
    write();
    return std::move(out_);
  }

 private:
  struct BuiltIn {
    const Variable* variable = nullptr;
    Id input = 0;    // takes its place among the inputs
    Id pointer = 0;  // to a component of the private variable
  };

  // ---- What there is

  void find_variables() {
    for (const Id id : e_.globals) {
      const Variable* variable = m_.variable(id);
      if (variable == nullptr) continue;
      if (variable->storage == StorageClass::PushConstant) push_ = variable;
      if (!variable->builtin) continue;
      switch (*variable->builtin) {
        case spv::BuiltIn::WorkgroupId:
        case spv::BuiltIn::GlobalInvocationId:
          needs_origin_ = true;
          break;
        case spv::BuiltIn::NumWorkgroups:
          needs_counts_ = true;
          break;
        default:
          continue;
      }
      built_ins_.push_back({variable, 0, 0});
    }
  }

  std::uint32_t own_push_size() const {
    if (push_ == nullptr) return 0;
    return static_cast<std::uint32_t>((m_.explicit_size(push_->pointee) + 3) / 4 * 4);
  }

  const BuiltIn* built_in(Id id) const {
    const auto found = std::ranges::find_if(
        built_ins_, [&](const BuiltIn& one) { return one.variable->id == id; });
    return found == built_ins_.end() ? nullptr : &*found;
  }
  bool is_push(Id id) const { return push_ != nullptr && push_->id == id; }

  static std::size_t fixed_operands(Op op) {
    const OpcodeRow& row = *opcode_row(static_cast<std::uint32_t>(op));
    return std::size_t{row.has_type} + row.has_result;
  }

  bool is_non_semantic(Op op, std::span<const std::uint32_t> operands) const {
    return op == Op::OpExtInst && operands.size() > 2 &&
           m_.instruction_set(operands[2]) == InstructionSet::kNonSemantic;
  }
  // Names and what is for debuggers may name anything, and is left out.
  bool is_dropped(Op op, std::span<const std::uint32_t> operands) const {
    switch (op) {
      case Op::OpName:
      case Op::OpMemberName:
        return true;
      case Op::OpEntryPoint:
        return operands[1] != e_.function;
      case Op::OpExecutionMode:
      case Op::OpExecutionModeId:
        return operands[0] != e_.function;
      default:
        return is_non_semantic(op, operands);
    }
  }

  // Only loads, of a whole built-in or of a component, and of members of the push constants.
  Result<void> check_uses() {
    std::set<Id> chains;
    std::optional<Failure> bad;
    for_each_instruction(in_, [&](Op op, auto operands, auto, std::size_t) {
      if (bad || is_dropped(op, operands) || op == Op::OpEntryPoint || op == Op::OpSwitch ||
          op == Op::OpDecorate || op == Op::OpDecorateId || op == Op::OpConstant)
        return;
      const std::size_t fixed = fixed_operands(op);
      if (operands.size() < fixed) return;
      const auto args = operands.subspan(fixed);
      walk_operands(*find_syntax(static_cast<std::uint32_t>(op)), args, 1, [&](std::size_t at) {
        const Id id = args[at];
        const bool is_variable = built_in(id) != nullptr;
        const bool is_member =
            push_ != nullptr && op == Op::OpGroupMemberDecorate && id == push_->pointee;
        if (!is_variable && !is_push(id) && !chains.contains(id) && !is_member) return;
        const bool loads = op == Op::OpLoad && at == 0 && !is_push(id);
        // A chain without an index is the whole variable again, of the type that it had.
        const bool chooses =
            is_chain(op) && at == 0 && args.size() > 1 && !chains.contains(id) && !is_member;
        if (chooses && is_variable) chains.insert(operands[1]);
        if (loads || chooses) return;
        bad =
            fail(SOKR_CAPABILITY_DENIED, "{} uses {}, of which only {} is understood there",
                 op_name(op), m_.describe(id), is_push(id) ? "a member that is chosen" : "a load");
      });
    });
    if (bad) return *std::move(bad);
    return {};
  }

  // After which instruction annotations are added, and the first code.
  void find_places() {
    bool in_entry = false, in_first_block = false;
    for_each_instruction(in_, [&](Op op, auto operands, auto, std::size_t at) {
      if (is_annotation(op)) last_annotation_ = at;
      if (op == Op::OpFunction) in_entry = operands[1] == e_.function;
      if (op == Op::OpLabel) {
        in_first_block = in_entry && first_code_ == 0;
        if (in_first_block) first_code_ = at;
      }
      if (op == Op::OpVariable && in_first_block) first_code_ = at;
    });
  }

  // ---- What is added

  Id fresh() { return next_++; }

  // A type that is declared already, or a new one.
  Id type(Op op, std::initializer_list<std::uint32_t> parts) {
    Id found = 0;
    const auto look = [&](Op other, auto operands, auto, std::size_t) {
      if (found == 0 && other == op && std::ranges::equal(operands.subspan(1), parts))
        found = operands[0];
    };
    for_each_instruction(in_, look);
    for (const auto& [other, id, operands] : made_)
      if (other == op && std::ranges::equal(operands, parts)) return id;
    if (found != 0) return found;
    found = fresh();
    Words operands{found};
    operands.insert(operands.end(), parts.begin(), parts.end());
    add(globals_, op, operands);
    made_.push_back({op, found, parts});
    return found;
  }

  static std::uint32_t number(StorageClass storage) { return static_cast<std::uint32_t>(storage); }
  Id uint_type() { return type(Op::OpTypeInt, {32, 0}); }
  Id triple_type() { return type(Op::OpTypeVector, {uint_type(), 3}); }
  Id pointer_type(StorageClass storage, Id to) {
    return type(Op::OpTypePointer, {number(storage), to});
  }
  Id constant(std::uint32_t value) {
    const Id of = uint_type();
    const Id id = fresh();
    add(globals_, Op::OpConstant, {of, id, value});
    return id;
  }

  // The kernel's own block with up to six numbers behind it.
  void declare_push() {
    const Type* own = push_ == nullptr ? nullptr : m_.type(push_->pointee);
    const Id number_type = uint_type();
    const Id block = fresh();
    Words members{block};
    add(annotations_, Op::OpDecorate, {block, static_cast<std::uint32_t>(spv::Decoration::Block)});
    if (own != nullptr) {
      for (const Member& member : own->members) members.push_back(member.type);
      for_each_instruction(in_, [&](Op op, auto operands, auto, std::size_t) {
        if (op != Op::OpMemberDecorate || operands[0] != own->id) return;
        Words copy(operands.begin(), operands.end());
        copy[0] = block;
        add(annotations_, op, copy);
      });
    }
    std::uint32_t end = own_push_size();
    const auto add_triple = [&](std::array<Id, 3>& indices) {
      const std::uint32_t first = end;
      for (Id& index : indices) {
        const auto place = static_cast<std::uint32_t>(members.size() - 1);
        index = constant(place);
        members.push_back(number_type);
        add(annotations_, Op::OpMemberDecorate,
            {block, place, static_cast<std::uint32_t>(spv::Decoration::Offset), end});
        end += 4;
      }
      return first;
    };
    if (needs_origin_) out_.origin = add_triple(origin_);
    if (needs_counts_) out_.counts = add_triple(counts_);
    out_.push_size = end;
    add(globals_, Op::OpTypeStruct, members);
    const Id pointer = fresh();
    add(globals_, Op::OpTypePointer, {pointer, number(StorageClass::PushConstant), block});
    push_id_ = push_ == nullptr ? fresh() : push_->id;
    add(globals_, Op::OpVariable, {pointer, push_id_, number(StorageClass::PushConstant)});
  }

  Id load_triple(const std::array<Id, 3>& indices) {
    const Id pointer = pointer_type(StorageClass::PushConstant, uint_type());
    Words parts{triple_type(), 0};
    for (const Id index : indices) {
      const Id at = fresh(), value = fresh();
      add(code_, Op::OpAccessChain, {pointer, at, push_id_, index});
      add(code_, Op::OpLoad, {uint_type(), value, at});
      parts.push_back(value);
    }
    parts[1] = fresh();
    add(code_, Op::OpCompositeConstruct, parts);
    return parts[1];
  }

  // Of the type that the built-in has: signed or not.
  Id whole_value(const BuiltIn& built_in, Id type) {
    const Id result = fresh();
    if (built_in.variable->builtin == spv::BuiltIn::NumWorkgroups) {
      const Id counts = load_triple(counts_);
      if (type == triple_type()) return counts;
      add(code_, Op::OpBitcast, {type, result, counts});
      return result;
    }
    Id origin = load_triple(origin_);
    if (built_in.variable->builtin == spv::BuiltIn::GlobalInvocationId) {
      const Id size = fresh(), first = fresh();
      const auto& local = e_.local_size;
      const std::array<Id, 3> sizes{constant(local[0]), constant(local[1]), constant(local[2])};
      add(globals_, Op::OpConstantComposite, {triple_type(), size, sizes[0], sizes[1], sizes[2]});
      add(code_, Op::OpIMul, {triple_type(), first, origin, size});
      origin = first;
    }
    const Id part = fresh();
    add(code_, Op::OpLoad, {type, part, built_in.input});
    add(code_, Op::OpIAdd, {type, result, part, origin});
    return result;
  }

  void declare(BuiltIn& one) {
    const Id type = one.variable->pointee;
    one.input = fresh();
    one.pointer = pointer_type(StorageClass::Private, m_.type(type)->element);
    const Id whole = pointer_type(StorageClass::Private, type);
    add(globals_, Op::OpVariable, {whole, one.variable->id, number(StorageClass::Private)});
    add(code_, Op::OpStore, {one.variable->id, whole_value(one, type)});
  }

  // ---- The module

  void write() {
    Words& out = out_.words;
    out.assign(in_.begin(), in_.begin() + kHeaderWords);
    bool globals_are_out = false;
    for_each_instruction(in_, [&](Op op, auto operands, auto, std::size_t at) {
      if (op == Op::OpFunction && !globals_are_out) {
        out.insert(out.end(), globals_.begin(), globals_.end());
        globals_are_out = true;
      }
      if (!is_dropped(op, operands)) copy(op, operands);
      if (at == last_annotation_) out.insert(out.end(), annotations_.begin(), annotations_.end());
      if (at == first_code_) out.insert(out.end(), code_.begin(), code_.end());
    });
    out[3] = next_;
  }

  void copy(Op op, std::span<const std::uint32_t> operands) {
    Words words(operands.begin(), operands.end());
    if (op == Op::OpEntryPoint) {
      write_interface(words);
    } else if (op == Op::OpDecorate || op == Op::OpDecorateId) {
      if (const BuiltIn* one = built_in(words[0])) words[0] = one->input;
    } else if (op == Op::OpVariable) {
      if (is_push(words[1])) return;
      if (const BuiltIn* one = built_in(words[1])) words[1] = one->input;
    } else if (is_chain(op)) {
      if (const BuiltIn* one = built_in(words[2])) words[0] = one->pointer;
    }
    add(out_.words, op, words);
  }

  void write_interface(Words& words) const {
    const bool lists_all = minor_version(in_) >= kFullInterfaces;
    const std::size_t names = 2 + string_words(std::span(words).subspan(2));
    for (std::size_t i = names; i < words.size() && !lists_all; ++i)
      if (const BuiltIn* one = built_in(words[i])) words[i] = one->input;
    if (!lists_all) return;
    for (const BuiltIn& one : built_ins_) words.push_back(one.input);
    if (push_ == nullptr) words.push_back(push_id_);
  }

  struct Made {
    Op op;
    Id id;
    Words parts;
  };

  const Module& m_;
  const EntryPoint& e_;
  Words in_;
  Id next_;
  const Variable* push_ = nullptr;
  bool needs_origin_ = false, needs_counts_ = false;
  std::vector<BuiltIn> built_ins_;
  std::size_t last_annotation_ = 0, first_code_ = 0;
  Words annotations_, globals_, code_;
  std::vector<Made> made_;
  Id push_id_ = 0;
  std::array<Id, 3> origin_{}, counts_{};  // constants: places among the block's members
  SlicedModule out_;
};

}  // namespace

Result<SlicedModule> sliced_words(const Module& module, const EntryPoint& entry) {
  return Slicer(module, entry).run();
}

}  // namespace sokr::spirv
