// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/invocation.hpp"

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {

void Invocation::load_group_counts() {
  static constexpr const char* kNames[] = {"groups_x", "groups_y", "groups_z"};
  for (unsigned d = 0; d < 3; ++d)
    group_count_[d] = frame_.context_field(offsetof(KernelContext, group_count) + 4 * d,
                                           b_.getInt32Ty(), kNames[d]);
}

LlvmValue* Invocation::pass_base() {
  return b_.CreateMul(at_.pass, b_.getInt32(g_.lanes()));
}

Val Invocation::lane_index() {
  Val out;
  out.s = Shape::linear(1, g_.chunks > 1 ? g_.width : 0, 1);
  out.v.push_back(pass_base());
  return out;
}

Val Invocation::local_id(unsigned dimension) {
  Shapes shapes = builtin_shapes(spv::BuiltIn::LocalInvocationId, g_);
  Shape shape = shapes[dimension];
  auto [sx, sy, sz] = g_.local;
  Val index = lane_index();
  return b_.apply(shape, {&index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType();
    auto number = [&](std::uint32_t n) { return b_.integer_like(type, n); };
    if (dimension == 0) return sy * sz == 1 ? v[0] : b_.CreateURem(v[0], number(sx));
    LlvmValue* row = b_.CreateUDiv(v[0], number(sx));
    if (dimension == 1) {
      if (sy == 1) return number(0);
      return sz == 1 ? row : b_.CreateURem(row, number(sy));
    }
    if (sz == 1) return number(0);
    return b_.CreateUDiv(v[0], number(sx * sy));
  });
}

Val Invocation::builtin_leaf(spv::BuiltIn builtin, std::uint32_t leaf) {
  Shapes shapes = builtin_shapes(builtin, g_);
  Shape shape = leaf < shapes.size() ? shapes[leaf] : canonical(Shape::varying(), g_);
  Val index = lane_index();
  auto of_index = [&](auto fn) {
    return b_.apply(shape, {&index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      return fn(v[0], [&](std::uint64_t n) { return b_.integer_like(v[0]->getType(), n); });
    });
  };
  std::uint32_t size = g_.subgroup;
  switch (builtin) {
    case spv::BuiltIn::LocalInvocationId:
      return local_id(leaf);
    case spv::BuiltIn::LocalInvocationIndex:
      return of_index([](LlvmValue* i, auto) { return i; });
    case spv::BuiltIn::GlobalInvocationId: {
      Val local = local_id(leaf);
      LlvmValue* first = b_.CreateMul(group_id_[leaf], b_.getInt32(g_.local[leaf]));
      return b_.apply(shape, {&local}, [&](llvm::ArrayRef<LlvmValue*> v) {
        return b_.CreateAdd(v[0], b_.splat_like(first, v[0]->getType()));
      });
    }
    case spv::BuiltIn::WorkgroupId:
      return b_.constant_val(group_id_[leaf]);
    case spv::BuiltIn::NumWorkgroups:
      return b_.constant_val(group_count_[leaf]);
    case spv::BuiltIn::WorkgroupSize:
      return b_.constant_val(b_.getInt32(g_.local[leaf]));
    case spv::BuiltIn::SubgroupSize:
    case spv::BuiltIn::SubgroupMaxSize:
      return b_.constant_val(b_.getInt32(size));
    case spv::BuiltIn::NumSubgroups:
      return b_.constant_val(b_.getInt32((g_.total() + size - 1) / size));
    case spv::BuiltIn::SubgroupId:
      return of_index([&](LlvmValue* i, auto n) { return b_.CreateUDiv(i, n(size)); });
    case spv::BuiltIn::SubgroupLocalInvocationId:
      return of_index([&](LlvmValue* i, auto n) { return b_.CreateAnd(i, n(size - 1)); });
    case spv::BuiltIn::SubgroupEqMask:
    case spv::BuiltIn::SubgroupGeMask:
    case spv::BuiltIn::SubgroupGtMask:
    case spv::BuiltIn::SubgroupLeMask:
    case spv::BuiltIn::SubgroupLtMask:
      return of_index([&](LlvmValue* i, auto n) -> LlvmValue* {
        // Bits [begin, end) of the subgroup, of which this component has 32.
        LlvmValue* self = b_.CreateAnd(i, n(size - 1));
        LlvmValue* after = b_.CreateAdd(self, n(1));
        bool from_self =
            builtin == spv::BuiltIn::SubgroupEqMask || builtin == spv::BuiltIn::SubgroupGeMask;
        LlvmValue* begin = from_self                                 ? self
                           : builtin == spv::BuiltIn::SubgroupGtMask ? after
                                                                     : n(0);
        LlvmValue* end =
            builtin == spv::BuiltIn::SubgroupEqMask || builtin == spv::BuiltIn::SubgroupLeMask
                ? after
            : builtin == spv::BuiltIn::SubgroupLtMask ? self
                                                      : n(size);
        auto below = [&](LlvmValue* limit) {
          LlvmValue* count =
              b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, limit, n(leaf * 32));
          LlvmValue* whole = b_.CreateICmpUGE(count, n(32));
          LlvmValue* bits = b_.CreateSub(b_.CreateShl(n(1), b_.CreateAnd(count, n(31))), n(1));
          return b_.CreateSelect(whole, n(UINT32_MAX), bits);
        };
        return b_.CreateAnd(below(end), b_.CreateNot(below(begin)));
      });
    default:
      return b_.constant_val(b_.getInt32(0));
  }
}

}  // namespace sokr::cpu
