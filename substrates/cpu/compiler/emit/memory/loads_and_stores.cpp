// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/loads_and_stores.hpp"

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {

LoadsAndStores::LoadsAndStores(VectorBuilder& builder, Invocation& invocation, Values& values,
                               Addresses& addresses, const Strategies& strategies,
                               Accesses& accesses, PrivateMemory& private_memory, Copies& copies)
    : Room(builder),
      invocation_(invocation),
      values_(values),
      addresses_(addresses),
      places_(strategies.places),
      scalars_(strategies.scalars),
      accesses_(accesses),
      private_memory_(private_memory),
      copies_(copies),
      neighbours_(p_, a_, o_.assume_no_alias) {
  values.rematerialize_by(*this);
}

// Does the pointer lead to the same place in every round?
bool LoadsAndStores::is_led_from_outside(std::uint32_t loop, Id pointer) const {
  for (const Inst* chain = p_.inst(look_through(p_, pointer)); chain;
       chain = p_.inst(look_through(p_, chain->args[0])))
    for (std::size_t i = 1; i < chain->args.size(); ++i) {
      const Definition* def = p_.definition(chain->args[i]);
      const Inst* sum = p_.inst(chain->args[i]);
      if (!def || def->block == kNone || !p_.contains(loop, def->block)) continue;
      // A sum of what is outside.
      if (!sum || sum->op != spv::Op::OpIAdd) return false;
      for (Id part : sum->args) {
        const Definition* d = p_.definition(part);
        if (d && d->block != kNone && p_.contains(loop, d->block)) return false;
      }
    }
  return true;
}

// A workgroup's own memory is one thread's, and what is constant nobody writes.
Address LoadsAndStores::address_of(Id pointer, bool live) {
  Address address = addresses_.address_of(pointer);
  if (address.space == Space::kBuffer || address.space == Space::kDynamic ||
      address.space == Space::kPhysical)
    address.is_volatile |= live;
  return address;
}

Leaves LoadsAndStores::load_through(Id pointer, Id type, bool live) {
  Id root = root_of(p_, pointer);
  const spirv::Variable* variable = p_.module->variable(root);
  auto place = private_place(p_, pointer);
  if (variable && variable->builtin) {
    Leaves out;
    std::uint32_t count = leaf_count(*p_.module, type);
    if (place && place->leaf) {
      for (std::uint32_t i = 0; i < count; ++i)
        out.push_back(invocation_.builtin_leaf(*variable->builtin, *place->leaf + i));
      return out;
    }
    // A component chosen at run time.
    std::uint32_t all = leaf_count(*p_.module, variable->pointee);
    const Inst* chain = p_.inst(look_through(p_, pointer));
    Leaves index = values_.get(chain->args[1]);
    Val chosen = invocation_.builtin_leaf(*variable->builtin, 0);
    for (std::uint32_t i = 1; i < all; ++i) {
      Val hit = b_.equals(index[0], i);
      Val other = invocation_.builtin_leaf(*variable->builtin, i);
      Divergence d =
          merged(merged(divergence_of(hit.s), divergence_of(other.s)), divergence_of(chosen.s));
      chosen = b_.apply(shape_of(d), {&hit, &other, &chosen}, [&](llvm::ArrayRef<LlvmValue*> v) {
        return b_.CreateSelect(v[0], v[1], v[2]);
      });
    }
    return {chosen};
  }
  if (place) return private_memory_.load_private(*place, pointer, type);
  return accesses_.load_memory(address_of(pointer, live), type);
}

void LoadsAndStores::store_through(Id pointer, const Leaves& value, bool live) {
  if (auto place = private_place(p_, pointer))
    return private_memory_.store_private(*place, pointer, value);
  accesses_.store_memory(address_of(pointer, live), value);
}

void LoadsAndStores::emit_load(const Inst& inst) {
  if (load_together(inst)) return;
  const bool live = is_shared_live(p_, inst);
  const std::uint32_t loop = innermost_loop(p_, at_.block);
  const spirv::Variable* variable = p_.module->variable(root_of(p_, inst.args[0]));
  scalars_.expect_steady(g_.lanes() == 1 && loop != kNone && variable &&
                         keeps_values(*p_.module, *variable, o_.assume_no_alias) && !live &&
                         is_led_from_outside(loop, inst.args[0]));
  Leaves value = load_through(inst.args[0], inst.type, live);
  scalars_.expect_steady(false);
  values_.set(inst.id, std::move(value));
}

void LoadsAndStores::emit_store(const Inst& inst) {
  if (const Id type = p_.type_of(inst.args[1]); is_large(*p_.module, type))
    return copies_.emit_copy(inst.args[0], inst.args[1], 0, type);
  if (store_together(inst)) return;
  Leaves value = values_.get(inst.args[1]);
  store_through(inst.args[0], value, is_shared_live(p_, inst));
}

void LoadsAndStores::emit_copy_memory(const Inst& inst) {
  const spirv::Type* from = p_.module->type(p_.type_of(inst.args[1]));
  if (!from) return;
  const bool live = is_shared_live(p_, inst);
  Leaves value = load_through(inst.args[1], from->element, live);
  store_through(inst.args[0], value, live);
}

void LoadsAndStores::emit_array_length(const Inst& inst) {
  Address address = addresses_.address_of(inst.args[0]);
  std::uint64_t offset = 0;
  Placed array = placed_part(*p_.module, address.placed, inst.args[1], &offset);
  std::uint64_t stride = std::max<std::uint64_t>(1, placed_stride(*p_.module, array));
  Val size = address.limit ? b_.constant_val(address.limit) : address.size;
  Shape shape = shape_of(divergence_of(size.s));
  values_.set(inst.id, {b_.apply(shape, {&size}, [&](llvm::ArrayRef<LlvmValue*> v) {
                LlvmValue* at = b_.integer_like(v[0]->getType(), offset);
                LlvmValue* left = b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, v[0], at);
                LlvmValue* count = b_.CreateUDiv(left, b_.integer_like(v[0]->getType(), stride));
                if (o_.size_shift != 0)  // as many as the result can say
                  count = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count,
                                                   b_.integer_like(v[0]->getType(), UINT32_MAX));
                return b_.CreateTrunc(count, v[0]->getType()->getWithNewBitWidth(32));
              })});
}

}  // namespace sokr::cpu
