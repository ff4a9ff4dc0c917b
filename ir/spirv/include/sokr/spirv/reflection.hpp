// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a host has to know to launch a kernel: the C++ form of the reflection in
// <sokr/ir.h>, derived from a decoded Module. Substrates check launches against it.
#ifndef SOKR_SPIRV_REFLECTION_HPP_
#define SOKR_SPIRV_REFLECTION_HPP_

#include <sokr/ir.h>

#include <sokr/spirv/module.hpp>

namespace sokr::spirv {

// One (set, binding) as one entry point uses it. Several variables on the same
// (set, binding) are one Binding: sizes are the largest, accesses are joined.
struct Binding {
  std::uint32_t set = 0, binding = 0;
  std::uint32_t count = 1;  // descriptor array length; 0 = runtime-sized
  SokrIrBindingKind kind{};
  std::uint32_t access = 0;          // SOKR_IR_READ | SOKR_IR_WRITE: what the code does
  std::uint64_t min_size = 0;        // bytes of the fixed part, with one element of a runtime array
  std::uint32_t runtime_stride = 0;  // bytes an element of the trailing runtime array; 0 = none
  std::uint64_t data_size = 0;       // bytes of the fixed part without padding at its end
  std::string name;                  // of the variable, or of its block if that has none
  std::vector<Id> variables;
  std::uint32_t scalars = 0;  // 1 << SokrIrScalar for each type in its block; 0 = no block
  // Of images and texel buffers, and of the image of a combined one.
  SokrImageDimension dimension = SOKR_IMAGE_NONE;
  std::uint32_t image_flags = 0;  // SokrImageFlags
  SokrImageFormat image_format = SOKR_IMAGE_FORMAT_NONE;
  SokrIrScalar sampled_type{};  // of a texel's components
};

struct PushConstantMember {
  std::string name;
  std::uint32_t offset = 0, size = 0;
  std::string type;            // "u32", "vec4", "mat4", "float[3]", ...
  std::uint32_t read_end = 0;  // end in the block of what the code may read of it; 0 = nothing
};

// One scalar of a push constant block. A pointer is a u64.
struct PushConstantScalar {
  std::uint32_t offset = 0;  // bytes from the start of the block
  SokrIrScalar type{};
};

// As many are reported: more than a block of any device has room for.
inline constexpr std::size_t kMaxPushScalars = 1024;

struct EntryReflection {
  std::string name;
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  LocalSizeSource local_size_source = LocalSizeSource::kLiteral;
  std::array<std::uint32_t, 3> local_size_spec_ids{UINT32_MAX, UINT32_MAX, UINT32_MAX};
  std::uint64_t workgroup_bytes = 0;
  std::vector<Binding> bindings;         // sorted by set, binding
  std::uint32_t push_constant_size = 0;  // end of the last member; 0 = none
  std::vector<PushConstantMember> push_constants;
  std::vector<PushConstantScalar> push_scalars;  // sorted by offset
};

struct SpecConstantReflection {
  std::uint32_t id = 0;
  SokrIrScalar type{};
  std::uint64_t default_value = 0;  // of the first declaration with this id
  std::uint32_t declarations = 1;   // how many constants carry this id
  std::string name;
};

struct Reflection {
  std::vector<EntryReflection> entry_points;
  std::vector<SpecConstantReflection> spec_constants;  // sorted by id
  std::vector<std::string> capabilities;
  std::vector<std::string> extensions;
};

EntryReflection reflect_entry(const Module& module, const EntryPoint& entry);
Reflection reflect(const Module& module);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_REFLECTION_HPP_
