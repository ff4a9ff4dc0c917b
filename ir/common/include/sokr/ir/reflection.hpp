// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a host has to know to launch a kernel, of whatever format: the C++ form of the reflection
// in <sokr/ir.h>, whose comments say what each member means. IR plugins make it, substrates check
// launches against it, and the host reads it from plugins; the one way to the C tables and the one
// back are here.
#ifndef SOKR_IR_REFLECTION_HPP_
#define SOKR_IR_REFLECTION_HPP_

#include <sokr/ir.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <sokr/base/result.hpp>
#include <string>
#include <vector>

namespace sokr::ir {

struct Binding {
  std::uint32_t set = 0, binding = 0;
  std::uint32_t count = 1;  // descriptor array length; 0 = runtime-sized
  SokrIrBindingKind kind{};
  std::uint32_t access = 0;          // SOKR_IR_READ | SOKR_IR_WRITE: what the code does
  std::uint64_t min_size = 0;        // bytes of the fixed part, with one element of a runtime array
  std::uint32_t runtime_stride = 0;  // bytes an element of the trailing runtime array; 0 = none
  // Bytes of the fixed part without padding at its end, or up to where a runtime array begins. Not
  // in the C tables: read from those, it is 0.
  std::uint64_t data_size = 0;
  std::string name;
  std::uint32_t scalars = 0;  // 1 << SokrIrScalar for each type in its block; 0 = not known
  // Of images and texel buffers, and of the image of a combined one.
  SokrImageDimension dimension = SOKR_IMAGE_NONE;
  std::uint64_t image_flags = 0;  // SokrImageFlags
  SokrImageFormat image_format = SOKR_IMAGE_FORMAT_NONE;
  SokrIrScalar sampled_type{};  // of a texel's components
};

struct PushConstantMember {
  std::string name;
  std::uint32_t offset = 0, size = 0;
  std::string type;            // "u32", "vec4", "mat4", "f32[3]", ...
  std::uint32_t read_end = 0;  // end in the block of what the code may read of it; 0 = nothing
};

struct Port {
  std::string name;
  std::vector<std::uint64_t> shape;  // outermost first; SOKR_IR_ANY_EXTENT = the caller's
  SokrIrDirection direction = SOKR_IR_IN;
  SokrIrPortKind kind = SOKR_IR_PORT_BUFFER;
  SokrIrScalar type{};
  std::uint32_t set = 0, binding = 0;  // of a buffer
  std::uint32_t offset = 0;            // of a parameter, in the push constants
};

struct EntryReflection {
  std::string name;
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  SokrIrLocalSizeSource local_size_source = SOKR_IR_LOCAL_SIZE_LITERAL;
  std::array<std::uint32_t, 3> local_size_spec_ids{SOKR_IR_NO_SPEC_ID, SOKR_IR_NO_SPEC_ID,
                                                   SOKR_IR_NO_SPEC_ID};
  std::uint64_t workgroup_bytes = 0;
  std::vector<Binding> bindings;         // sorted by set, binding
  std::uint32_t push_constant_size = 0;  // end of the last member; 0 = none
  std::vector<PushConstantMember> push_constants;
  std::vector<SokrIrPushScalar> push_scalars;  // sorted by offset; at most kMaxPushScalars
  std::vector<Port> ports;                     // in the order of the format
  // Are Binding::scalars and push_scalars known, and PushConstantMember::read_end?
  bool knows_scalars = true;
  bool knows_reads = true;
};

// As many are reported: more than a block of any device has room for.
inline constexpr std::size_t kMaxPushScalars = 1024;

struct SpecConstantReflection {
  std::uint32_t id = 0;
  SokrIrScalar type{};
  std::uint64_t default_value = 0;  // bit pattern, of the first declaration with this id
  std::uint32_t declarations = 1;   // how many constants carry this id
  std::string name;
};

struct Reflection {
  std::vector<EntryReflection> entry_points;
  std::vector<SpecConstantReflection> spec_constants;  // sorted by id
  std::vector<std::string> capabilities;
  std::vector<std::string> extensions;
};

// The sizes in bytes of structures that a reader of the C tables knows: those of this header, or
// elements as version 1.0 had them.
struct TableSizes {
  std::size_t entry_point = sizeof(SokrIrEntryPoint);
  std::size_t binding = sizeof(SokrIrBinding);
  std::size_t push_member = sizeof(SokrIrPushMember);
  std::size_t spec_constant = sizeof(SokrIrSpecConstant);
  std::size_t reflection = sizeof(SokrIrReflection);
};
inline constexpr TableSizes kSizes1_0{SOKR_IR_ENTRY_POINT_SIZE_1_0, SOKR_IR_BINDING_SIZE_1_0,
                                      SOKR_IR_PUSH_MEMBER_SIZE_1_0, SOKR_IR_SPEC_CONSTANT_SIZE_1_0};

// As C tables that own all they point to, to be given to free_reflection once. Throws
// std::bad_alloc.
const SokrIrReflection* new_reflection(Reflection reflection, const TableSizes& sizes);
// Of new_reflection, or null.
void free_reflection(const SokrIrReflection* reflection) noexcept;

// From C tables of any version, which it does not keep. SOKR_INVALID_INPUT with a sentence that
// starts with "its" for sizes that make no sense, names that are missing and numbers that mean
// nothing.
Result<Reflection> read_reflection(const SokrIrReflection* table);

}  // namespace sokr::ir

#endif  // SOKR_IR_REFLECTION_HPP_
