// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <map>
#include <sokr/spirv/reflection.hpp>
#include <tuple>

#include "access.hpp"
#include "block_scalars.hpp"

namespace sokr::spirv {
namespace {

std::string scalar_name(const Type& type) {
  if (type.kind == TypeKind::kBool) return "bool";
  const char* letter = type.kind == TypeKind::kFloat ? "f" : type.is_signed ? "i" : "u";
  return fmt::format("{}{}", letter, type.width);
}

// As GLSL names them: f32 is "", the rest "i", "u", "b", "d", "f16", "i64" ...
std::string vector_prefix(const Type& type) {
  if (type.kind == TypeKind::kBool) return "b";
  if (type.kind == TypeKind::kFloat) {
    return type.width == 32 ? "" : type.width == 64 ? "d" : "f16";
  }
  const char* letter = type.is_signed ? "i" : "u";
  return type.width == 32 ? letter : fmt::format("{}{}", letter, type.width);
}

std::string type_name(const Module& module, Id id) {
  std::string lengths;
  const Type* type = module.type(id);
  for (; type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray;
       type = module.type(type->element)) {
    lengths += type->kind == TypeKind::kArray ? fmt::format("[{}]", type->count) : "[]";
  }
  const std::string prefix = vector_prefix(module.scalar_type(type->id));
  switch (type->kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return scalar_name(*type) + lengths;
    case TypeKind::kVector:
      return fmt::format("{}vec{}{}", prefix, type->count, lengths);
    case TypeKind::kMatrix: {
      const std::uint32_t rows = module.type(type->element)->count;
      const std::string size =
          rows == type->count ? fmt::format("{}", rows) : fmt::format("{}x{}", type->count, rows);
      return fmt::format("{}mat{}{}", prefix, size, lengths);
    }
    case TypeKind::kPointer:
      return "u64" + lengths;
    case TypeKind::kStruct:
      return (type->name.empty() ? "struct" : type->name) + lengths;
    default:
      return "?" + lengths;
  }
}

SokrIrBindingKind kind_of(const Module& module, const Variable& variable, const Type& type) {
  switch (type.kind) {
    case TypeKind::kStruct:
      if (variable.storage == spv::StorageClass::StorageBuffer) return SOKR_IR_STORAGE_BUFFER;
      if (variable.storage != spv::StorageClass::Uniform) return SOKR_IR_OTHER_BINDING;
      return type.buffer_block ? SOKR_IR_STORAGE_BUFFER : SOKR_IR_UNIFORM_BUFFER;
    case TypeKind::kSampler:
      return SOKR_IR_SAMPLER;
    case TypeKind::kSampledImage:
      return module.type(type.element)->image.dim == spv::Dim::Buffer
                 ? SOKR_IR_UNIFORM_TEXEL_BUFFER
                 : SOKR_IR_COMBINED_IMAGE_SAMPLER;
    case TypeKind::kImage: {
      const bool is_storage = type.image.sampled == 2;
      if (type.image.dim == spv::Dim::SubpassData) return SOKR_IR_OTHER_BINDING;
      if (type.image.dim == spv::Dim::Buffer) {
        return is_storage ? SOKR_IR_STORAGE_TEXEL_BUFFER : SOKR_IR_UNIFORM_TEXEL_BUFFER;
      }
      return is_storage ? SOKR_IR_STORAGE_IMAGE : SOKR_IR_SAMPLED_IMAGE;
    }
    default:
      return SOKR_IR_OTHER_BINDING;
  }
}

SokrImageDimension dimension_of(spv::Dim dim) {
  switch (dim) {
    case spv::Dim::Dim1D:
      return SOKR_IMAGE_1D;
    case spv::Dim::Dim2D:
    case spv::Dim::Rect:
      return SOKR_IMAGE_2D;
    case spv::Dim::Dim3D:
      return SOKR_IMAGE_3D;
    case spv::Dim::Cube:
      return SOKR_IMAGE_CUBE;
    case spv::Dim::Buffer:
      return SOKR_IMAGE_BUFFER;
    default:
      return SOKR_IMAGE_NONE;
  }
}

// The numbers of SokrImageFormat are SPIR-V's.
static_assert(int{SOKR_IMAGE_R64I} == static_cast<int>(spv::ImageFormat::R64i));
static_assert(int{SOKR_IMAGE_R11G11B10F} == static_cast<int>(spv::ImageFormat::R11fG11fB10f));
static_assert(int{SOKR_IMAGE_R32U} == static_cast<int>(spv::ImageFormat::R32ui));

void reflect_image(const Module& module, const Type& type, ir::Binding& binding) {
  const Type& image = type.kind == TypeKind::kSampledImage ? *module.type(type.element) : type;
  if (image.kind != TypeKind::kImage) return;
  const ImageInfo& info = image.image;
  binding.dimension = dimension_of(info.dim);
  if (info.arrayed) binding.image_flags |= SOKR_IMAGE_ARRAYED;
  if (info.multisampled) binding.image_flags |= SOKR_IMAGE_MULTISAMPLED;
  if (info.depth == 1) binding.image_flags |= SOKR_IMAGE_DEPTH;
  if (info.format <= spv::ImageFormat::R64i)
    binding.image_format = static_cast<SokrImageFormat>(info.format);
  const Type* texel = module.type(info.sampled_type);
  if (texel != nullptr && (texel->kind == TypeKind::kInt || texel->kind == TypeKind::kFloat))
    binding.sampled_type = scalar_of(*texel);
}

ir::Binding reflect_variable(const Module& module, const Variable& variable, std::uint32_t access) {
  ir::Binding binding;
  binding.set = variable.set;
  binding.binding = variable.binding;
  const Type* type = module.type(variable.pointee);
  std::uint64_t count = 1;
  for (; type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray;
       type = module.type(type->element)) {
    const bool is_open = type->spec_length && module.for_any_values();
    count = type->kind == TypeKind::kRuntimeArray ? 0 : count * (is_open ? 1 : type->count);
    count = std::min<std::uint64_t>(count, UINT32_MAX);
  }
  binding.count = static_cast<std::uint32_t>(count);
  binding.kind = kind_of(module, variable, *type);
  binding.name = variable.name.empty() ? type->name : variable.name;
  // That the code keeps to it was looked at where pointers can be followed.
  const bool is_only_read = module.is_read_only(variable) || binding.kind == SOKR_IR_UNIFORM_BUFFER;
  if (is_only_read && (access & kWrittenWhereKept) == 0) access &= ~std::uint32_t{SOKR_IR_WRITE};
  access &= SOKR_IR_READ | SOKR_IR_WRITE;
  if (module.is_write_only(variable)) {
    access &= ~std::uint32_t{SOKR_IR_READ};
  }
  binding.access = access;
  reflect_image(module, *type, binding);
  if (type->kind == TypeKind::kStruct) {
    binding.scalars = scalars_in(module, type->id);
    binding.runtime_stride = module.runtime_array_stride(type->id);
    binding.data_size = module.data_size(type->id);
    binding.min_size = module.explicit_size(type->id);
    if (binding.runtime_stride != 0) {
      const std::uint64_t begin = type->members.back().offset;
      // Members may lie in any order: another one may end behind the array's first element.
      binding.min_size = std::max(binding.min_size, begin + std::uint64_t{binding.runtime_stride});
      // Of a binding that ends before the array begins, nobody can say how long that is.
      binding.data_size = std::max(binding.data_size, begin);
    }
  }
  return binding;
}

void join(ir::Binding& binding, const ir::Binding& other) {
  binding.count = binding.count == 0 || other.count == 0 ? 0 : std::max(binding.count, other.count);
  binding.access |= other.access;
  binding.scalars |= other.scalars;
  binding.min_size = std::max(binding.min_size, other.min_size);
  binding.data_size = std::max(binding.data_size, other.data_size);
  if (binding.runtime_stride == 0) binding.runtime_stride = other.runtime_stride;
  if (binding.name.empty()) binding.name = other.name;
  if (binding.dimension == SOKR_IMAGE_NONE) {
    binding.dimension = other.dimension;
    binding.image_flags = other.image_flags;
    binding.image_format = other.image_format;
    binding.sampled_type = other.sampled_type;
  }
}

void reflect_push_constants(const Module& module, const EntryPoint& entry, const Variable& variable,
                            ir::EntryReflection& reflection) {
  const Type* block = module.type(variable.pointee);
  if (block->kind != TypeKind::kStruct) return;
  const std::vector<std::uint64_t> read_ends = find_block_reads(module, entry, variable);
  reflection.push_constants.reserve(block->members.size());
  for (std::size_t i = 0; i < block->members.size(); ++i) {
    const Member& member = block->members[i];
    ir::PushConstantMember out;
    out.read_end = static_cast<std::uint32_t>(std::min<std::uint64_t>(read_ends[i], UINT32_MAX));
    out.name = member.name;
    out.offset = member.offset;
    out.size = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        module.explicit_size(member.type, {member.matrix_stride, member.row_major}), UINT32_MAX));
    out.type = type_name(module, member.type);
    reflection.push_constants.push_back(std::move(out));
  }
  add_push_scalars(module, block->id, reflection.push_scalars);
  std::uint64_t size = module.explicit_size(block->id);
  if (module.for_any_values() && block->spec_sized) {
    size = 0;
    for (const Member& member : block->members) {
      if (module.type(member.type)->spec_sized) continue;
      size = std::max(size, member.offset + module.explicit_size(member.type, {member.matrix_stride,
                                                                               member.row_major}));
    }
  }
  size = std::min<std::uint64_t>(size, UINT32_MAX);
  reflection.push_constant_size =
      std::max(reflection.push_constant_size, static_cast<std::uint32_t>(size));
}

std::vector<ir::SpecConstantReflection> reflect_spec_constants(const Module& module) {
  std::map<std::uint32_t, ir::SpecConstantReflection> by_id;
  for (const Constant& constant : module.constants()) {
    if (constant.spec_id == UINT32_MAX) continue;
    const auto [found, is_new] = by_id.try_emplace(constant.spec_id);
    ir::SpecConstantReflection& out = found->second;
    const std::string_view name = module.name(constant.id);
    if (out.name.empty()) out.name = std::string(name);
    if (!is_new) {
      ++out.declarations;
      continue;
    }
    out.id = constant.spec_id;
    out.type = scalar_of(*module.type(constant.type));
    out.default_value = constant.default_bits;
  }
  std::vector<ir::SpecConstantReflection> all;
  all.reserve(by_id.size());
  for (auto& [id, constant] : by_id) all.push_back(std::move(constant));
  return all;
}

}  // namespace

ir::EntryReflection reflect_entry(const Module& module, const EntryPoint& entry) {
  ir::EntryReflection reflection;
  reflection.name = entry.name;
  reflection.local_size = entry.local_size;
  reflection.local_size_source = static_cast<SokrIrLocalSizeSource>(entry.local_size_source);
  reflection.local_size_spec_ids = entry.local_size_spec_ids;
  reflection.workgroup_bytes = entry.workgroup_bytes;
  const std::vector<std::uint8_t> accesses = find_accesses(module, entry);
  std::map<std::pair<std::uint32_t, std::uint32_t>, ir::Binding> bindings;
  for (const Id id : entry.globals) {
    const Variable& variable = *module.variable(id);
    if (variable.storage == spv::StorageClass::PushConstant) {
      reflect_push_constants(module, entry, variable, reflection);
    }
    if (!variable.has_binding) continue;
    ir::Binding binding = reflect_variable(module, variable, accesses[id]);
    const auto [found, is_new] =
        bindings.try_emplace({variable.set, variable.binding}, std::move(binding));
    if (!is_new) join(found->second, reflect_variable(module, variable, accesses[id]));
  }
  reflection.bindings.reserve(bindings.size());
  for (auto& [key, binding] : bindings) reflection.bindings.push_back(std::move(binding));
  std::sort(reflection.push_constants.begin(), reflection.push_constants.end(),
            [](const auto& a, const auto& b) {
              return std::tie(a.offset, a.name) < std::tie(b.offset, b.name);
            });
  return reflection;
}

ir::Reflection reflect(const Module& module) {
  ir::Reflection reflection;
  for (const EntryPoint& entry : module.entry_points()) {
    reflection.entry_points.push_back(reflect_entry(module, entry));
  }
  reflection.spec_constants = reflect_spec_constants(module);
  for (const spv::Capability capability : module.capabilities()) {
    reflection.capabilities.push_back(capability_name(capability));
  }
  reflection.extensions.assign(module.extensions().begin(), module.extensions().end());
  return reflection;
}

}  // namespace sokr::spirv
