// SPDX-License-Identifier: MIT OR Apache-2.0
#include "inside.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sokr/spirv/instructions.hpp>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sokr::vulkan {
namespace {

using spirv::Block;
using spirv::BlockIndex;
using spirv::Function;
using spirv::Id;
using spirv::Instruction;
using spirv::Type;
using spirv::TypeKind;
using spv::Op;

constexpr std::uint64_t kMostIndex = INT32_MAX;  // an index of a chain is signed
constexpr std::uint64_t kAny = UINT32_MAX;       // the largest word
constexpr int kMostSteps = 24;                   // from a value to those that it is made of
constexpr std::uint64_t kMostWork = 100'000;     // questions about one entry point

// The block that every way to a block passes last, for blocks in reverse post-order; that of the
// first is itself. kNone where no way leads.
std::vector<BlockIndex> dominators_of(const Function& function) {
  std::vector<BlockIndex> last(function.blocks.size(), spirv::kNone);
  if (last.empty()) return last;
  last[0] = 0;
  const auto common = [&](BlockIndex a, BlockIndex b) {
    while (a != b) (a > b ? a : b) = last[std::max(a, b)];
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (BlockIndex at = 1; at < last.size(); ++at) {
      BlockIndex found = spirv::kNone;
      for (const BlockIndex before : function.blocks[at].predecessors) {
        if (last[before] == spirv::kNone) continue;
        found = found == spirv::kNone ? before : common(before, found);
      }
      changed |= found != last[at];
      last[at] = found;
    }
  }
  return last;
}

// Which blocks come before which others on every way, told at once however deep they lie: a block
// dominates those whose numbers, in the tree of dominators, are within its own part.
class DominatorTree {
 public:
  explicit DominatorTree(const Function& function)
      : last_(dominators_of(function)), number_(last_.size(), 0), size_(last_.size(), 1) {
    for (BlockIndex at = count(); at-- > 1;)
      if (last_[at] != spirv::kNone) size_[last_[at]] += size_[at];
    std::vector<BlockIndex> next(last_.size(), 1);  // number for the next one right below
    for (BlockIndex at = 1; at < count(); ++at) {
      if (last_[at] == spirv::kNone) continue;
      number_[at] = next[last_[at]];
      next[last_[at]] += size_[at];
      next[at] = number_[at] + 1;
    }
  }

  // The last block that every way passes before this one; see dominators_of().
  BlockIndex last_before(BlockIndex at) const { return last_[at]; }
  bool dominates(BlockIndex first, BlockIndex at) const {
    if (last_[first] == spirv::kNone || last_[at] == spirv::kNone) return first == at;
    return number_[at] - number_[first] < size_[first];  // below wraps, and is no part
  }

 private:
  BlockIndex count() const { return static_cast<BlockIndex>(last_.size()); }

  std::vector<BlockIndex> last_;
  std::vector<BlockIndex> number_, size_;  // a block, then all that it dominates
};

// Values that are the same wherever they are read, by more than their id: loads of the same
// built-in, questions for the same length.
using Name = std::tuple<Id, std::uint32_t, std::uint32_t>;
constexpr std::uint32_t kValue = 0, kComponent = 1, kLength = 2;

class Proof {
 public:
  // `asked` counts on.
  Proof(const spirv::Module& module, const spirv::EntryPoint& entry, const Function& function,
        std::uint64_t& asked)
      : m_(module), entry_(entry), f_(function), dominators_(function), asked_(asked) {
    for (BlockIndex at = 0; at < f_.blocks.size(); ++at) {
      const Block& block = f_.blocks[at];
      for (const Instruction& phi : block.phis) note(phi, at);
      for (const Instruction& one : block.body) note(one, at);
    }
    find_stored_once();
  }

  bool run() {
    for (BlockIndex at = 0; at < f_.blocks.size(); ++at) {
      if (!f_.blocks[at].reachable) continue;
      for (const Instruction& phi : f_.blocks[at].phis)
        if (names_buffer(phi)) return false;
      for (const Instruction& one : f_.blocks[at].body)
        if (!check(one, at)) return false;
      if (names_buffer(f_.blocks[at].terminator)) return false;
    }
    return true;
  }

 private:
  struct Defined {
    const Instruction* by = nullptr;
    BlockIndex block = 0;
  };
  // left < right, or <=, as unsigned words.
  struct Below {
    Id left = 0, right = 0;
    bool or_equal = false, is_signed = false;
  };

  // One more question, of those that may be asked.
  bool may_ask() {
    ++asked_;
    return asked_ <= kMostWork;
  }

  void note(const Instruction& one, BlockIndex at) {
    if (one.id != 0) defined_[one.id] = {&one, at};
  }

  const Instruction* made_by(Id id) const {
    const auto found = defined_.find(id);
    return found == defined_.end() ? nullptr : found->second.by;
  }

  static bool is_chain(Op op) { return op == Op::OpAccessChain || op == Op::OpInBoundsAccessChain; }

  // ---- Pointers ----

  // The buffer that a pointer leads into; null if none.
  const spirv::Variable* buffer_of(Id pointer) const {
    for (int step = 0; step < kMostSteps; ++step) {
      if (const spirv::Variable* variable = m_.variable(pointer))
        return is_buffer(*variable) ? variable : nullptr;
      const Instruction* by = made_by(pointer);
      if (by == nullptr || !is_chain(by->op)) return nullptr;
      pointer = by->args[0];
    }
    return nullptr;
  }
  static bool is_buffer(const spirv::Variable& variable) {
    return variable.storage == spv::StorageClass::StorageBuffer ||
           variable.storage == spv::StorageClass::Uniform;
  }
  bool is_buffer_pointer(Id id) const {
    const Type* type = m_.type(m_.type_of(id));
    return type != nullptr && type->kind == TypeKind::kPointer &&
           (type->storage == spv::StorageClass::StorageBuffer ||
            type->storage == spv::StorageClass::Uniform);
  }
  bool names_buffer(const Instruction& one) const {
    for (std::size_t i = 0; i < one.args.size(); ++i)
      if (spirv::operand_kind(one.op, i) != spirv::OperandKind::kLiteral &&
          is_buffer_pointer(one.args[i]))
        return true;
    return false;
  }

  // What is accessed by a chain is inside if the chain is; a chain is judged where it is made and
  // where it is used, and whatever else does something with a pointer into a buffer is not known
  // here.
  bool check(const Instruction& one, BlockIndex at) {
    if (!names_buffer(one)) return true;
    if (is_chain(one.op)) return check_chain(one, at);
    if (one.op == Op::OpLoad || one.op == Op::OpStore || one.op == Op::OpArrayLength ||
        (one.op >= Op::OpAtomicLoad && one.op <= Op::OpAtomicXor)) {
      return one.op == Op::OpArrayLength || is_inside(one.args[0], at);
    }
    return false;
  }
  bool is_inside(Id pointer, BlockIndex at) {
    if (buffer_of(pointer) == nullptr) return false;
    for (auto made = defined_.find(pointer); made != defined_.end();
         made = defined_.find(made->second.by->args[0]))
      if (made->second.block != at && !check_chain(*made->second.by, at)) return false;
    return true;
  }

  bool check_chain(const Instruction& chain, BlockIndex at) {
    const spirv::Variable* buffer = buffer_of(chain.args[0]);
    if (buffer == nullptr) return false;
    const Type* pointer = m_.type(m_.type_of(chain.args[0]));
    const Type* type = m_.type(pointer->element);
    bool is_descriptor = chain.args[0] == buffer->id && type->kind != TypeKind::kStruct;
    std::uint32_t member = 0;
    for (std::size_t i = 1; i < chain.args.size(); ++i) {
      const Id index = chain.args[i];
      if (type == nullptr) return false;
      if (type->kind == TypeKind::kStruct) {
        const spirv::Constant* constant = m_.constant(index);
        if (constant == nullptr || constant->bits >= type->members.size()) return false;
        member = static_cast<std::uint32_t>(constant->bits);
        type = m_.type(type->members[member].type);
        continue;
      }
      // An index of a descriptor chooses a buffer, and is no access.
      if (is_descriptor) {
        is_descriptor = false;
      } else if (type->kind == TypeKind::kRuntimeArray) {
        if (!is_below_length(index, *buffer, member, *type, at)) return false;
      } else if (const std::uint64_t last = most(index, at, 0);
                 last >= type->count || last > kMostIndex) {
        return false;
      }
      type = m_.type(type->element);
    }
    return true;
  }

  // ---- Values ----

  // What a value is but for its name: of integers of one size, and what is stored once and loaded.
  Id plain(Id id) const {
    for (int step = 0; step < kMostSteps; ++step) {
      const auto found = defined_.find(id);
      if (found == defined_.end()) return id;
      const Instruction& by = *found->second.by;
      if (by.op == Op::OpCopyObject || (by.op == Op::OpBitcast && is_word(by.args[0]))) {
        id = by.args[0];
        continue;
      }
      if (by.op != Op::OpLoad) return id;
      const auto stored = stored_once_.find(by.args[0]);
      if (stored == stored_once_.end() || !comes_before(stored->second, found->second)) return id;
      id = stored->second.by->args[1];
    }
    return id;
  }
  bool is_word(Id id) const {
    const Type* type = m_.type(m_.type_of(id));
    return type != nullptr && type->kind == TypeKind::kInt && type->width == 32;
  }
  bool comes_before(const Defined& first, const Defined& then) const {
    return first.block == then.block ? first.by->word < then.by->word
                                     : dominators_.dominates(first.block, then.block);
  }
  // Variables of the function that one store writes, and that nothing but loads reads.
  void find_stored_once() {
    std::unordered_map<Id, bool> is_good;
    for (const Instruction& one : f_.variables) is_good[one.id] = one.args.size() < 2;
    for (BlockIndex at = 0; at < f_.blocks.size(); ++at) {
      for (const Instruction& one : f_.blocks[at].body) {
        for (std::size_t i = 0; i < one.args.size(); ++i) {
          const auto variable = is_good.find(one.args[i]);
          if (variable == is_good.end() ||
              spirv::operand_kind(one.op, i) == spirv::OperandKind::kLiteral ||
              (one.op == Op::OpLoad && i == 0))
            continue;
          const bool is_store = one.op == Op::OpStore && i == 0;
          if (!is_store || !stored_once_.emplace(one.args[i], Defined{&one, at}).second)
            variable->second = false;
        }
      }
    }
    std::erase_if(stored_once_, [&](const auto& one) { return !is_good[one.first]; });
  }

  // Whether two who ask for the value in block `at` are told the same, also by a driver that reads
  // memory twice, or computes a value anew where it is used. Kept is what was found so: an answer
  // that was cut off says nothing.
  bool is_steady(Id id, BlockIndex at, int depth) {
    if (depth > kMostSteps || !may_ask()) return false;
    id = plain(id);
    if (const spirv::Constant* constant = m_.constant(id)) return !constant->is_undef;
    const auto found = defined_.find(id);
    // A parameter is what a caller makes of it.
    if (found == defined_.end()) return m_.variable(id) != nullptr;
    const std::uint64_t key = std::uint64_t{id} << 32 | at;
    if (steady_.contains(key)) return true;
    if (!is_made_steady(found->second, at, depth)) return false;
    steady_.insert(key);
    return true;
  }
  bool is_made_steady(const Defined& value, BlockIndex at, int depth) {
    const Instruction& by = *value.by;
    if (by.op == Op::OpPhi) return is_steady_count(value, at, depth);
    // Memory is changed once, whatever it says then.
    if (by.op >= Op::OpAtomicExchange && by.op <= Op::OpAtomicXor) return true;
    if (by.op == Op::OpLoad) {
      const Type* pointer = m_.type(m_.type_of(by.args[0]));
      if (pointer->storage != spv::StorageClass::Input &&
          pointer->storage != spv::StorageClass::PushConstant)
        return false;
    } else if (by.op == Op::OpExtInst) {
      if (m_.instruction_set(by.args[0]) != spirv::InstructionSet::kGlslStd450) return false;
    } else {
      const spirv::InstructionRow* row = spirv::instruction_row(by.op);
      const bool is_of_operands = row != nullptr && (row->effect == spirv::Effect::kPure ||
                                                     row->effect == spirv::Effect::kExchanges);
      if (!is_of_operands || by.op == Op::OpUndef) return false;
      // A component that a shuffle takes from nowhere is undefined, too.
      if (by.op == Op::OpVectorShuffle &&
          std::find(by.args.begin() + 2, by.args.end(), UINT32_MAX) != by.args.end())
        return false;
    }
    for (std::size_t i = 0; i < by.args.size(); ++i) {
      if (spirv::operand_kind(by.op, i) == spirv::OperandKind::kLiteral ||
          m_.type_of(by.args[i]) == 0)
        continue;
      if (!is_steady(by.args[i], at, depth + 1)) return false;
    }
    return true;
  }
  // Which operand a phi is says the way to it, and what chose that may be unsteady. But in a loop,
  // what starts steady and goes on by a steady step is told by the number of the round, which no
  // driver can compute anew from within. Behind the loop it is told by what ended that.
  bool is_steady_count(const Defined& value, BlockIndex at, int depth) {
    const Instruction& phi = *value.by;
    if (phi.args.size() != 4) return false;
    const BlockIndex first = f_.block_of(phi.args[1]), second = f_.block_of(phi.args[3]);
    const std::size_t back = first < value.block ? 2 : 0;
    const BlockIndex from = back == 2 ? first : second, latch = back == 2 ? second : first;
    if (from >= value.block || latch == spirv::kNone || latch < value.block) return false;
    if (!is_in_loop(value.block, latch, at)) return false;
    const Instruction* step = made_by(plain(phi.args[back]));
    if (step == nullptr || (step->op != Op::OpIAdd && step->op != Op::OpISub)) return false;
    const bool is_first = plain(step->args[0]) == phi.id;
    if (!is_first && (step->op != Op::OpIAdd || plain(step->args[1]) != phi.id)) return false;
    return is_steady(phi.args[2 - back], at, depth + 1) &&
           is_steady(step->args[is_first ? 1 : 0], at, depth + 1);
  }
  // Whether the way back to `header` may still be taken from `at`.
  bool is_in_loop(BlockIndex header, BlockIndex latch, BlockIndex at) {
    std::vector<bool>& loop = loops_[header];
    if (loop.empty()) {
      loop.resize(f_.blocks.size());
      loop[header] = true;
      std::vector<BlockIndex> next{latch};
      while (!next.empty()) {
        const BlockIndex block = next.back();
        next.pop_back();
        if (loop[block]) continue;
        if (!may_ask()) return false;
        loop[block] = true;
        const auto& before = f_.blocks[block].predecessors;
        next.insert(next.end(), before.begin(), before.end());
      }
    }
    return loop[at];
  }

  Name name(Id id) const {
    id = plain(id);
    const Instruction* by = made_by(id);
    if (by == nullptr) return {id, kValue, 0};
    if (by->op == Op::OpArrayLength) return {by->args[0], kLength, by->args[1]};
    const auto [variable, component] = input(*by);
    return variable != 0 ? Name{variable, kComponent, component} : Name{id, kValue, 0};
  }
  // The component of a built-in that is read, which stays what it is.
  std::pair<Id, std::uint32_t> input(const Instruction& by) const {
    const auto is_input = [&](Id id) {
      const spirv::Variable* variable = m_.variable(id);
      return variable != nullptr && variable->storage == spv::StorageClass::Input;
    };
    if (by.op == Op::OpLoad) {
      if (is_input(by.args[0])) return {by.args[0], 0};
      const Instruction* chain = made_by(by.args[0]);
      if (chain == nullptr || !is_chain(chain->op) || chain->args.size() != 2) return {};
      const spirv::Constant* at = m_.constant(chain->args[1]);
      if (at == nullptr || !is_input(chain->args[0])) return {};
      return {chain->args[0], static_cast<std::uint32_t>(at->bits)};
    }
    if (by.op != Op::OpCompositeExtract || by.args.size() != 2) return {};
    const Instruction* load = made_by(by.args[0]);
    if (load == nullptr || load->op != Op::OpLoad || !is_input(load->args[0])) return {};
    return {load->args[0], by.args[1]};
  }

  std::uint64_t most_of_input(const std::pair<Id, std::uint32_t>& input) const {
    const auto builtin = m_.variable(input.first)->builtin;
    const auto& size = entry_.local_size;
    if (builtin == spv::BuiltIn::LocalInvocationId && input.second < 3)
      return size[input.second] - std::uint64_t{1};
    if (builtin == spv::BuiltIn::LocalInvocationIndex)
      return std::uint64_t{size[0]} * size[1] * size[2] - 1;
    return kAny;
  }

  // The largest word that a value may be where block `at` uses it; kAny if that is not known.
  std::uint64_t most(Id id, BlockIndex at, int depth) {
    if (depth > kMostSteps || !may_ask()) return kAny;
    id = plain(id);
    std::uint64_t known = std::min(most_by_making(id, at, depth), kAny);
    if (m_.constant(id) != nullptr || !is_steady(id, at, 0)) return known;
    const Name wanted = name(id);
    for_each_below(at, [&](const Below& fact) {
      if (fact.left == 0 || name(fact.left) != wanted) return false;
      if (fact.is_signed && !is_counter(plain(fact.left), depth + 1)) return false;
      const std::uint64_t right = most(fact.right, 0, depth + 1);
      if (fact.is_signed && right > std::numeric_limits<std::int32_t>::max()) return false;
      if (!fact.or_equal && right == 0) return false;
      known = std::min(known, fact.or_equal ? right : right - 1);
      return false;
    });
    return known;
  }

  std::uint64_t most_by_making(Id id, BlockIndex at, int depth) {
    if (const spirv::Constant* constant = m_.constant(id))
      return is_word(id) && !constant->is_undef ? constant->bits : kAny;
    const Instruction* by = made_by(id);
    if (by == nullptr) return kAny;
    if (const auto read = input(*by); read.first != 0) return most_of_input(read);
    const auto of = [&](std::size_t i) { return most(by->args[i], at, depth + 1); };
    const auto constant = [&](std::size_t i) {
      const spirv::Constant* value = m_.constant(by->args[i]);
      return value != nullptr && is_word(value->id) && !value->is_undef ? value->bits
                                                                        : std::uint64_t{0};
    };
    // Where it might wrap it may be anything.
    const auto fits = [](std::uint64_t value) { return value < kAny ? value : kAny; };
    if (!is_word(id)) return kAny;
    switch (by->op) {
      case Op::OpUMod:
        return constant(1) != 0 ? constant(1) - 1 : kAny;
      case Op::OpUDiv:
        return constant(1) != 0 ? of(0) / constant(1) : kAny;
      case Op::OpBitwiseAnd:
        return std::min(of(0), of(1));
      case Op::OpShiftRightLogical: {
        const spirv::Constant* by_bits = m_.constant(by->args[1]);
        const bool is_known = by_bits != nullptr && is_word(by_bits->id) && !by_bits->is_undef;
        return is_known && by_bits->bits < 32 ? of(0) >> by_bits->bits : kAny;
      }
      case Op::OpIAdd:
        return fits(of(0) + of(1));
      case Op::OpIMul:
        return fits(of(0) * of(1));
      case Op::OpSelect:
        return std::max(of(1), of(2));
      case Op::OpExtInst:
        return most_of_extended(*by, at, depth);
      default:
        return kAny;
    }
  }

  std::uint64_t most_of_extended(const Instruction& by, BlockIndex at, int depth) {
    constexpr std::uint32_t kUMin = 38, kUClamp = 44;  // of GLSL.std.450
    if (m_.instruction_set(by.args[0]) != spirv::InstructionSet::kGlslStd450) return kAny;
    const auto of = [&](std::size_t i) { return most(by.args[i], at, depth + 1); };
    if (by.args[1] == kUMin) return std::min(of(2), of(3));
    // Between bounds that are the wrong way round it may give anything.
    const bool is_clamp = by.args[1] == kUClamp && m_.constant(by.args[4]) != nullptr;
    return is_clamp && of(3) <= of(4) ? of(4) : kAny;
  }

  // Counts up from a number that is not negative, by a step behind a comparison that keeps it from
  // the largest: it never is negative.
  bool is_counter(Id id, int depth) {
    const auto found = defined_.find(id);
    if (depth > kMostSteps || found == defined_.end() || found->second.by->op != Op::OpPhi)
      return false;
    const Instruction& phi = *found->second.by;
    for (std::size_t i = 0; i + 1 < phi.args.size(); i += 2) {
      const Id value = plain(phi.args[i]);
      if (const spirv::Constant* constant = m_.constant(value)) {
        if (!is_small(*constant)) return false;
        continue;
      }
      const auto step = defined_.find(value);
      if (step == defined_.end() || step->second.by->op != Op::OpIAdd) return false;
      const Instruction& add = *step->second.by;
      const spirv::Constant* by = m_.constant(add.args[1]);
      if (plain(add.args[0]) != id || by == nullptr || by->bits != 1 || !is_word(by->id))
        return false;
      bool is_guarded = false;
      for_each_below(step->second.block, [&](const Below& fact) {
        return is_guarded = fact.is_signed && !fact.or_equal && plain(fact.left) == id;
      });
      if (!is_guarded) return false;
    }
    return true;
  }
  bool is_small(const spirv::Constant& constant) const {
    return is_word(constant.id) && !constant.is_undef &&
           constant.bits <= std::numeric_limits<std::int32_t>::max();
  }

  bool is_below_length(Id index, const spirv::Variable& buffer, std::uint32_t member,
                       const Type& array, BlockIndex at) {
    const Type& block = *m_.type(buffer.pointee);
    if (block.kind != TypeKind::kStruct) return false;  // which of an array?
    // The last element may end behind the length of all if it is larger than the way to the next.
    const spirv::Member& last = block.members.back();
    if (array.stride < m_.data_size(array.element, {last.matrix_stride, last.row_major}))
      return false;
    // Bindings have less than 2^32 bytes.
    if (array.stride < 2 && most(index, at, 0) > kMostIndex) return false;
    const Name wanted = name(index), length{buffer.id, kLength, member};
    return is_steady(index, at, 0) && for_each_below(at, [&](const Below& fact) {
             return !fact.or_equal && !fact.is_signed && name(fact.left) == wanted &&
                    name(fact.right) == length;
           });
  }

  // ---- Comparisons ----

  // Those that hold wherever the block is reached. Until `found` says true.
  template <class Found>
  bool for_each_below(BlockIndex at, const Found& found) {
    while (at != 0 && at != spirv::kNone && dominators_.last_before(at) != spirv::kNone &&
           may_ask()) {
      const BlockIndex before = dominators_.last_before(at);
      const Block& block = f_.blocks[before];
      const Instruction& branch = block.terminator;
      const bool is_only_way =
          f_.blocks[at].predecessors.size() == 1 && f_.blocks[at].predecessors[0] == before &&
          branch.op == Op::OpBranchConditional && branch.args[1] != branch.args[2];
      if (is_only_way) {
        const bool is_true = f_.block_of(branch.args[1]) == at;
        if (each_of(branch.args[0], is_true, 0, found)) return true;
      }
      at = before;
    }
    return false;
  }

  template <class Found>
  bool each_of(Id condition, bool is_true, int depth, const Found& found) {
    if (depth > kMostSteps || !may_ask()) return false;
    const Instruction* by = made_by(plain(condition));
    if (by == nullptr) return false;
    const auto both = [&] {
      return each_of(by->args[0], is_true, depth + 1, found) ||
             each_of(by->args[1], is_true, depth + 1, found);
    };
    const auto says = [&](bool swapped, bool or_equal, bool is_signed) {
      if (!is_word(by->args[0])) return false;
      // What does not hold holds the other way round.
      const bool turned = swapped != !is_true;
      const Below fact{by->args[turned ? 1 : 0], by->args[turned ? 0 : 1],
                       is_true ? or_equal : !or_equal, is_signed};
      return static_cast<bool>(found(fact));
    };
    switch (by->op) {
      case Op::OpLogicalNot:
        return each_of(by->args[0], !is_true, depth + 1, found);
      case Op::OpLogicalAnd:
        return is_true && both();
      case Op::OpLogicalOr:
        return !is_true && both();
      case Op::OpULessThan:
        return says(false, false, false);
      case Op::OpULessThanEqual:
        return says(false, true, false);
      case Op::OpUGreaterThan:
        return says(true, false, false);
      case Op::OpUGreaterThanEqual:
        return says(true, true, false);
      case Op::OpSLessThan:
        return says(false, false, true);
      case Op::OpSGreaterThan:
        return says(true, false, true);
      default:
        return false;
    }
  }

  const spirv::Module& m_;
  const spirv::EntryPoint& entry_;
  const Function& f_;
  const DominatorTree dominators_;
  std::unordered_map<Id, Defined> defined_;
  std::unordered_map<Id, Defined> stored_once_;              // variables, by their store
  std::unordered_set<std::uint64_t> steady_;                 // ids, in blocks
  std::unordered_map<BlockIndex, std::vector<bool>> loops_;  // by their headers
  std::uint64_t& asked_;
};

}  // namespace

bool keeps_inside(const spirv::Module& module, const spirv::EntryPoint& entry,
                  std::uint64_t* asked) {
  std::uint64_t sum = 0;
  const bool keeps = std::ranges::all_of(entry.functions, [&](Id id) {
    return Proof(module, entry, *module.function(id), sum).run();
  });
  if (asked != nullptr) *asked = sum;
  return keeps;
}

}  // namespace sokr::vulkan
