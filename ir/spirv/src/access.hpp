// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What an entry point's code does with each module-scope variable.
#ifndef SOKR_SPIRV_SRC_ACCESS_HPP_
#define SOKR_SPIRV_SRC_ACCESS_HPP_

#include <sokr/spirv/reflection.hpp>

namespace sokr::spirv {

// SOKR_IR_READ | SOKR_IR_WRITE per id, of everything in the entry point's static call
// tree: what is done through a pointer is also done to each pointer that it may come
// from. Decorations are not looked at. Indexed by id. With kWrittenWhereKept: some write may go
// through a pointer that was kept in memory, which check_writes() does not follow.
inline constexpr std::uint8_t kWrittenWhereKept = 0x80;
std::vector<std::uint8_t> find_accesses(const Module& module, const EntryPoint& entry);

// For each member of the block that `variable` is: where, in bytes from the start of the
// block, that ends which code of the entry point's static call tree may read of it; 0 if
// it reads nothing. What is indexed by a value is read as a whole.
std::vector<std::uint64_t> find_block_reads(const Module& module, const EntryPoint& entry,
                                            const Variable& variable);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_ACCESS_HPP_
