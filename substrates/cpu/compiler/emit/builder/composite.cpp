// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/builder/composite.hpp"

#include <span>

namespace sokr::cpu {

namespace {

std::uint32_t leaf_of_path(const spirv::Module& module, Id type,
                           std::span<const std::uint32_t> path) {
  std::uint32_t first = 0;
  for (std::uint32_t index : path) {
    first += leaf_offset(module, type, index);
    type = element_type(module, type, index);
  }
  return first;
}

}  // namespace

// Instructions that only move components.
Leaves emit_composite(VectorBuilder& ir, const Op& op, bool& done) {
  const Inst& inst = op.inst;
  Leaves out;
  done = true;
  switch (inst.op) {
    case spv::Op::OpCompositeConstruct:
      for (const auto& arg : op.args) out.append(arg.begin(), arg.end());
      return out;
    case spv::Op::OpCompositeExtract: {
      auto first = leaf_of_path(*ir.program.module, ir.program.type_of(inst.args[0]),
                                std::span(inst.args).subspan(1));
      for (std::uint32_t i = 0; i < leaf_count(*ir.program.module, inst.type); ++i)
        out.push_back(op.args[0][first + i]);
      return out;
    }
    case spv::Op::OpCompositeInsert: {
      auto first = leaf_of_path(*ir.program.module, inst.type, std::span(inst.args).subspan(2));
      out = op.args[1];
      for (std::size_t i = 0; i < op.args[0].size(); ++i) out[first + i] = op.args[0][i];
      return out;
    }
    case spv::Op::OpVectorShuffle:
      for (std::size_t i = 2; i < inst.args.size(); ++i) {
        std::size_t at = inst.args[i], n = op.args[0].size();
        if (at < n)
          out.push_back(op.args[0][at]);
        else if (at - n < op.args[1].size())
          out.push_back(op.args[1][at - n]);
        else
          out.push_back(ir.zero_val(Shape::uniform(), ir.scalar_type(inst.type)));
      }
      return out;
    case spv::Op::OpUndef: {
      std::vector<Id> types;
      leaf_types(*ir.program.module, inst.type, types);
      for (Id type : types) out.push_back(ir.zero_val(Shape::uniform(), ir.scalar_type(type)));
      return out;
    }
    case spv::Op::OpCopyObject:
    case spv::Op::OpCopyLogical:
      return op.args[0];
    case spv::Op::OpVectorExtractDynamic: {
      Shape shape = op.shape(0);
      Val chosen = ir.zero_val(Shape::uniform(), ir.scalar_type(inst.type));
      for (std::size_t i = 0; i < op.args[0].size(); ++i)
        chosen = ir.apply(
            shape, {&op.args[1][0], &op.args[0][i], &chosen}, [&](llvm::ArrayRef<LlvmValue*> v) {
              return ir.CreateSelect(ir.CreateICmpEQ(v[0], ir.integer_like(v[0]->getType(), i)),
                                     v[1], v[2]);
            });
      return {chosen};
    }
    case spv::Op::OpVectorInsertDynamic:
      for (std::size_t i = 0; i < op.args[0].size(); ++i)
        out.push_back(ir.apply(op.shape(i), {&op.args[2][0], &op.args[1][0], &op.args[0][i]},
                               [&](llvm::ArrayRef<LlvmValue*> v) {
                                 return ir.CreateSelect(
                                     ir.CreateICmpEQ(v[0], ir.integer_like(v[0]->getType(), i)),
                                     v[1], v[2]);
                               }));
      return out;
    default:
      done = false;
      return out;
  }
}

}  // namespace sokr::cpu
