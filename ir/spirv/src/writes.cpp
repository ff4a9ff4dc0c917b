// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What may be loaded and written at all. Callers bind what is only read as memory that nobody may
// write, and rely on a kernel that says so: a write through any pointer that leads back to such a
// variable is refused, over chains, choices and calls. Pointers that were kept in memory are not
// followed: what was kept counts as written in reflection (access.hpp), and is bound so.
#include <algorithm>
#include <sokr/spirv/instructions.hpp>
#include <unordered_map>
#include <unordered_set>

#include "typing.hpp"
#include "work.hpp"

namespace sokr::spirv {
namespace {

using spv::Op;
using spv::StorageClass;

constexpr std::uint32_t kGlslPointer = 3;  // the word of Modf's and Frexp's pointer

class WriteChecker {
 public:
  explicit WriteChecker(const Module& module) : m_(module) {}

  Result<void> run() {
    for (const Function& function : m_.functions()) {
      for (const Block& block : function.blocks) {
        for (const Instruction& phi : block.phis)
          for (std::size_t k = 0; k + 1 < phi.args.size(); k += 2) link(phi.id, phi.args[k]);
        for (const Instruction& instruction : block.body) SOKR_TRY(visit(instruction));
        if (block.terminator.op == Op::OpReturnValue) link(function.id, block.terminator.args[0]);
      }
    }
    return follow();
  }

 private:
  const Type* pointer(Id id) const {
    const Type* type = m_.type(m_.type_of(id));
    return type != nullptr && type->kind == TypeKind::kPointer ? type : nullptr;
  }

  Failure bad(const Instruction& i, std::string_view sentence) const {
    return Failure{SOKR_INVALID_IR,
                   fmt::format("{} (word {}): {}", op_name(i.op), i.word, sentence)};
  }

  void link(Id made, Id from) {
    if (made != 0 && pointer(from) != nullptr) edges_.push_back({made, from, false});
  }

  Result<void> visit(const Instruction& i) {
    count_work(1 + i.args.size());
    switch (i.op) {
      case Op::OpAccessChain:
      case Op::OpInBoundsAccessChain:
      case Op::OpPtrAccessChain:
      case Op::OpInBoundsPtrAccessChain:
      case Op::OpCopyObject:
        link(i.id, i.args[0]);
        return {};
      case Op::OpSelect:
        link(i.id, i.args[1]);
        link(i.id, i.args[2]);
        return {};
      case Op::OpFunctionCall:
        pass(i);
        return {};
      case Op::OpLoad:
        return check_whole(i, i.args[0]);
      case Op::OpCopyMemory:
        SOKR_TRY(check_whole(i, i.args[1]));
        return write(i, i.args[0]);
      case Op::OpCopyMemorySized:
        return write(i, i.args[0]);
      case Op::OpExtInst:  // the only pointers that GLSL.std.450 takes are written
        if (i.args.size() > kGlslPointer && pointer(i.args[kGlslPointer]) != nullptr)
          return write(i, i.args[kGlslPointer]);
        return {};
      default: {
        const InstructionRow* row = instruction_row(i.op);
        const bool writes =
            i.op == kCooperativeMatrixStore ||
            (row != nullptr && (row->effect == Effect::kWrites || row->effect == Effect::kUpdates));
        return writes && !i.args.empty() ? write(i, i.args[0]) : Result<void>();
      }
    }
  }

  void pass(const Instruction& call) {
    const Function* callee = m_.function(call.args[0]);
    if (callee == nullptr) return;
    for (std::size_t k = 0; k < callee->parameters.size() && k + 1 < call.args.size(); ++k)
      if (pointer(call.args[k + 1]) != nullptr)
        edges_.push_back({callee->parameters[k].id, call.args[k + 1], true});
    if (pointer(call.id) == nullptr) return;
    // What it returns was made from this call's arguments, or within it.
    for (std::size_t k = 1; k < call.args.size(); ++k) link(call.id, call.args[k]);
    edges_.push_back({call.id, callee->id, false});
  }

  // All descriptors of an array are no value.
  Result<void> check_whole(const Instruction& i, Id id) const {
    const Type* to = pointer(id);
    if (to == nullptr ||
        (to->storage != StorageClass::StorageBuffer && to->storage != StorageClass::Uniform))
      return {};
    const Type* held = m_.type(to->element);
    bool is_array = false;
    for (; held != nullptr &&
           (held->kind == TypeKind::kArray || held->kind == TypeKind::kRuntimeArray);
         held = m_.type(held->element))
      is_array = true;
    if (!is_array || held == nullptr || !(held->block || held->buffer_block)) return {};
    return bad(i, fmt::format("it accesses all buffers of the array {} at once; an access chain "
                              "chooses one",
                              m_.describe(id)));
  }

  Result<void> write(const Instruction& i, Id id) {
    const Type* to = pointer(id);
    if (to == nullptr) return {};  // the texel of an image that is a value
    if (to->storage == StorageClass::Input || to->storage == StorageClass::PushConstant ||
        to->storage == StorageClass::UniformConstant) {
      return bad(i, fmt::format("it writes to storage class {}, which is only read",
                                storage_class_name(to->storage)));
    }
    writers_.try_emplace(id, &i);
    return check_whole(i, id);
  }

  // From what is written back to what it was made from. Within a function that returned it, nothing
  // is followed to the arguments of other calls.
  Result<void> follow() {
    std::sort(edges_.begin(), edges_.end());
    struct Step {
      Id made;
      bool is_returned;
      const Instruction* writer;
    };
    std::vector<Step> work;
    std::unordered_set<Id> returned;
    for (const auto& [id, writer] : writers_) work.push_back({id, false, writer});
    while (!work.empty()) {
      const Step step = work.back();
      work.pop_back();
      if (const Variable* variable = m_.variable(step.made))
        SOKR_TRY(check_root(*variable, *step.writer));
      auto edge = std::lower_bound(edges_.begin(), edges_.end(), Edge{step.made, 0, false});
      for (; edge != edges_.end() && edge->made == step.made; ++edge) {
        count_work();
        if (step.is_returned && edge->is_parameter) continue;
        const bool is_returned = step.is_returned || m_.function(edge->from) != nullptr;
        const bool is_new = is_returned ? returned.insert(edge->from).second
                                        : writers_.try_emplace(edge->from, step.writer).second;
        if (is_new) work.push_back({edge->from, is_returned, step.writer});
      }
    }
    return {};
  }

  Result<void> check_root(const Variable& variable, const Instruction& writer) const {
    if (variable.storage != StorageClass::StorageBuffer &&
        variable.storage != StorageClass::Uniform)
      return {};
    const Type* held = m_.type(variable.pointee);
    while (held != nullptr &&
           (held->kind == TypeKind::kArray || held->kind == TypeKind::kRuntimeArray))
      held = m_.type(held->element);
    const bool is_uniform =
        variable.storage == StorageClass::Uniform && held != nullptr && !held->buffer_block;
    if (!is_uniform && !m_.is_read_only(variable)) return {};
    return bad(writer, fmt::format("it writes to {}, which is {}", m_.describe(variable.id),
                                   is_uniform ? "a uniform buffer" : "NonWritable"));
  }

  struct Edge {
    Id made, from;  // a function's id is what it returns
    bool is_parameter;
    auto operator<=>(const Edge&) const = default;
  };

  const Module& m_;
  std::vector<Edge> edges_;
  std::unordered_map<Id, const Instruction*> writers_;  // by pointer: who writes through it
};

}  // namespace

Result<void> check_writes(const Module& module) {
  return WriteChecker(module).run();
}

}  // namespace sokr::spirv
