// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/constant_tables.hpp"

namespace sokr::cpu {

namespace {

// The scalars of a constant, as they lie in memory; zeros are there.
void write_constant(const Program& program, Id id, const Placed& placed, std::uint64_t offset,
                    std::vector<std::uint8_t>& bytes) {
  const spirv::Constant* c = program.constant(id);
  if (!c || c->is_null || c->is_undef) return;
  if (!c->parts.empty()) {
    for (std::uint32_t i = 0; i < c->parts.size(); ++i) {
      std::uint64_t at = 0;
      const Placed part = placed_part(*program.module, placed, i, &at);
      write_constant(program, c->parts[i], part, offset + at, bytes);
    }
    return;
  }
  const unsigned size = scalar_size(*program.module, placed.type);
  for (unsigned k = 0; k < size && offset + k < bytes.size(); ++k)
    bytes[offset + k] = static_cast<std::uint8_t>(c->bits >> (8 * k));
}

}  // namespace

// The memory of a constant, for all invocations of all workgroups.
LlvmValue* ConstantTables::table_memory(Id constant, Id type) {
  LlvmValue*& memory = memory_[constant];
  if (memory) return memory;
  const Placed placed{type, {}, 0, true};
  std::vector<std::uint8_t> bytes(placed_size(*p_.module, placed));
  write_constant(p_, constant, placed, 0, bytes);
  auto* data = llvm::ConstantDataArray::get(cx_, bytes);
  auto* global = new llvm::GlobalVariable(m_, data->getType(), true,
                                          llvm::GlobalValue::InternalLinkage, data, "table");
  global->setAlignment(llvm::Align(64));
  return memory = global;
}

Address ConstantTables::table_address(Id constant, Id type) {
  const spirv::Constant* c = p_.constant(constant);
  const bool zeros = c && (c->is_null || c->is_undef);
  Address address;
  address.space = Space::kTable;
  // What is beyond the end reads as zero.
  address.base = zeros ? frame_.zeros() : table_memory(constant, type);
  address.limit = b_.getInt64(zeros ? 0 : placed_size(*p_.module, {type, {}, 0, true}));
  address.offset = b_.constant_val(b_.getInt64(0));
  address.placed = {type, {}, 0, true};
  address.invariant = true;
  return address;
}

}  // namespace sokr::cpu
