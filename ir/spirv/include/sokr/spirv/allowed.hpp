// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/spirv/allowed.hpp - what a compute kernel may say.
//
// One row for each enumerant whose meaning for compute kernels is known: capabilities,
// execution modes, decorations, storage classes, built-ins, group operations and so on. What
// has no row is refused by its name, whether it is of another kind of shader, of OpenCL, of a
// vendor, or newer than this reader. A row says that a kernel may use it; whether a substrate
// can do it is for that substrate's own table.
//
//     bytes -> check_allowed(bytes) -> validate() -> decode() -> check_allowed(module, entry)
#ifndef SOKR_SPIRV_ALLOWED_HPP_
#define SOKR_SPIRV_ALLOWED_HPP_

#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>
#include <string>

namespace sokr::spirv {

class Module;
struct EntryPoint;

// Kinds of enumerants, and what sentences call them.
#define SOKR_ENUM_KINDS(X)                      \
  X(AddressingModel, "addressing model")        \
  X(BuiltIn, "built-in")                        \
  X(Capability, "capability")                   \
  X(Decoration, "decoration")                   \
  X(ExecutionMode, "execution mode")            \
  X(FPFastMathMode, "fast math mode")           \
  X(FPRoundingMode, "rounding mode")            \
  X(FunctionControl, "function control")        \
  X(GroupOperation, "group operation")          \
  X(LoopControl, "loop control")                \
  X(MemoryAccess, "memory operand")             \
  X(MemoryModel, "memory model")                \
  X(MemorySemantics, "memory semantics")        \
  X(PackedVectorFormat, "packed vector format") \
  X(Scope, "scope")                             \
  X(SelectionControl, "selection control")      \
  X(StorageClass, "storage class")

enum class EnumKind : std::uint8_t {
#define SOKR_KIND(name, text) k##name,
  SOKR_ENUM_KINDS(SOKR_KIND)
#undef SOKR_KIND
};

// "capability", "memory operand".
const char* kind_name(EnumKind kind);
// As in the specification: "Geometry"; "capability 4711" if the grammar does not know it.
std::string enumerant_name(EnumKind kind, std::uint32_t value);
// Has it a row? `value` is one enumerant, of masks one bit (or 0 for none).
bool is_allowed(EnumKind kind, std::uint32_t value);

// What the module declares and every enumerant that its instructions name, before validation:
// a validator's refusal need not name what it is about. Execution modes are looked at for
// compute entry points only. SOKR_CAPABILITY_DENIED with the name. Bytes that are no
// well-formed module are not judged here. Any thread.
Result<void> check_allowed(std::span<const std::uint8_t> bytes);

// The same of a decoded module, and what one entry point reaches: scopes, memory semantics and
// cluster sizes, which have to be constants, built-ins, storage classes of its variables,
// instruction sets, and rounding modes of conversions.
Result<void> check_allowed(const Module& module, const EntryPoint& entry);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_ALLOWED_HPP_
