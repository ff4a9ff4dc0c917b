// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cooperative.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sokr/spirv/newer.hpp>

#include "physical_device.hpp"

namespace sokr::vulkan {
namespace {

using spirv::Id;
using spirv::Type;
using spirv::TypeKind;
using Number = spirv::CooperativeMatrixInfo::Number;

// Newer than the oldest headers that this is built with; the numbers and layouts are Vulkan's.
constexpr auto kPropertiesType = static_cast<VkStructureType>(1000506001);
constexpr auto kDevicePropertiesType = static_cast<VkStructureType>(1000506002);
struct DeviceProperties {
  VkStructureType sType;
  void* pNext;
  VkShaderStageFlags stages;
};
using GetProperties = VkResult(VKAPI_PTR*)(VkPhysicalDevice, std::uint32_t*,
                                           CooperativeMatrixProperties*);

struct ComponentRow {
  MatrixComponent component;
  const char* name;
  TypeKind kind;
  std::uint32_t width;
  bool is_signed;
};
constexpr auto kComponents = std::to_array<ComponentRow>({
    {MatrixComponent::kF16, "f16", TypeKind::kFloat, 16, false},
    {MatrixComponent::kF32, "f32", TypeKind::kFloat, 32, false},
    {MatrixComponent::kF64, "f64", TypeKind::kFloat, 64, false},
    {MatrixComponent::kS8, "s8", TypeKind::kInt, 8, true},
    {MatrixComponent::kS16, "s16", TypeKind::kInt, 16, true},
    {MatrixComponent::kS32, "s32", TypeKind::kInt, 32, true},
    {MatrixComponent::kS64, "s64", TypeKind::kInt, 64, true},
    {MatrixComponent::kU8, "u8", TypeKind::kInt, 8, false},
    {MatrixComponent::kU16, "u16", TypeKind::kInt, 16, false},
    {MatrixComponent::kU32, "u32", TypeKind::kInt, 32, false},
    {MatrixComponent::kU64, "u64", TypeKind::kInt, 64, false},
});

std::string component_name(MatrixComponent component) {
  for (const ComponentRow& row : kComponents)
    if (row.component == component) return row.name;
  return fmt::format("component type {}", static_cast<std::uint32_t>(component));
}

// What a type holds, by its own signedness or, in a product, by what the product says of it.
std::optional<MatrixComponent> component_of(const Type& type, bool is_signed) {
  for (const ComponentRow& row : kComponents) {
    const bool suits = row.kind == TypeKind::kFloat || row.is_signed == is_signed;
    if (row.kind == type.kind && row.width == type.width && suits) return row.component;
  }
  return std::nullopt;
}

bool is(const Number& number, std::uint32_t value) {
  return number.is_open || number.value == value;
}

std::string text_of(const Number& number) {
  return number.is_open ? "?" : fmt::format("{}", number.value);
}

std::string describe_scope(const Number& scope) {
  if (scope.is_open) return {};
  switch (static_cast<spv::Scope>(scope.value)) {
    case spv::Scope::Subgroup:
      return {};
    case spv::Scope::Workgroup:
      return " of a workgroup";
    default:
      return fmt::format(" of scope {}", scope.value);
  }
}

class Check {
 public:
  Check(const spirv::Module& module, const spirv::EntryPoint& entry, const PhysicalDevice& device)
      : m_(module), e_(entry), device_(device) {}

  Result<void> run() const {
    if (!(device_.cooperative.stages & VK_SHADER_STAGE_COMPUTE_BIT)) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "needs cooperative matrices in compute shaders; {} does not have them there",
                  device_.name());
    }
    // Products first: they say the most of what a kernel needs.
    for (const Id id : e_.functions)
      for (const spirv::Block& block : m_.function(id)->blocks)
        for (const spirv::Instruction& instruction : block.body) SOKR_TRY(check(instruction));
    for (Id id = 1; id < m_.bound(); ++id) {
      const Type* type = m_.type(id);
      if (type != nullptr && type->kind == TypeKind::kCooperativeMatrix)
        SOKR_TRY(check_type(*type));
    }
    return check_rows();
  }

 private:
  Result<void> is_not_offered(const std::string& what) const {
    if (device_.cooperative.products.empty()) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "cooperative matrices: {} is not offered by {}, nor is any other", what,
                  device_.name());
    }
    return fail(SOKR_CAPABILITY_DENIED,
                "cooperative matrices: {} is not offered by {}; it offers: {}", what,
                device_.name(), describe(device_.cooperative));
  }

  template <class Test>
  bool any(Test&& test) const {
    return std::ranges::any_of(device_.cooperative.products, test);
  }

  // One that some product has, as whatever it may be used for.
  Result<void> check_type(const Type& type) const {
    const spirv::CooperativeMatrixInfo& info = type.cooperative;
    const Type& held = *m_.type(type.element);
    const auto holds = [&](MatrixComponent component) {
      return component == component_of(held, true) || component == component_of(held, false);
    };
    const auto sized = [&](std::uint32_t rows, std::uint32_t columns) {
      return is(info.rows, rows) && is(info.columns, columns);
    };
    if (any([&](const CooperativeMatrixProperties& p) {
          return is(info.scope, p.scope) &&
                 ((is(info.use, 0) && sized(p.m, p.k) && holds(p.a)) ||
                  (is(info.use, 1) && sized(p.k, p.n) && holds(p.b)) ||
                  (is(info.use, 2) && sized(p.m, p.n) && (holds(p.c) || holds(p.result))));
        })) {
      return {};
    }
    constexpr const char* kUses[] = {"the first factor", "the second factor", "a sum"};
    const auto component = component_of(held, held.is_signed);
    return is_not_offered(
        fmt::format("a matrix of {}x{} {}{} as {}", text_of(info.rows), text_of(info.columns),
                    component ? component_name(*component) : "numbers", describe_scope(info.scope),
                    info.use.is_open ? "anything" : kUses[info.use.value]));
  }

  Result<void> check(const spirv::Instruction& instruction) const {
    if (instruction.op == spirv::kCooperativeMatrixMulAdd) return check_product(instruction);
    if (instruction.op == spirv::kCooperativeMatrixLoad ||
        instruction.op == spirv::kCooperativeMatrixStore)
      return check_access(instruction);
    return {};
  }

  Result<void> check_product(const spirv::Instruction& i) const {
    const auto type_at = [&](std::size_t at) { return m_.type(m_.type_of(i.args[at])); };
    const std::array<const Type*, 4> types{type_at(0), type_at(1), type_at(2), m_.type(i.type)};
    const std::uint32_t mask = i.args.size() > 3 ? i.args[3] : 0;
    std::array<MatrixComponent, 4> held{};
    for (std::size_t at = 0; at < types.size(); ++at) {
      const Type* type = types[at];
      if (type == nullptr || type->kind != TypeKind::kCooperativeMatrix) return {};
      const auto component = component_of(*m_.type(type->element), (mask >> at & 1) != 0);
      if (!component) return is_not_offered("a product of other numbers");
      held[at] = *component;
    }
    const spirv::CooperativeMatrixInfo& a = types[0]->cooperative;
    const spirv::CooperativeMatrixInfo& b = types[1]->cooperative;
    const spirv::CooperativeMatrixInfo& sum = types[3]->cooperative;
    const bool saturates = (mask & spirv::cooperative_operands::kSaturating) != 0;
    if (any([&](const CooperativeMatrixProperties& p) {
          return is(a.scope, p.scope) && is(a.rows, p.m) && is(a.columns, p.k) && is(b.rows, p.k) &&
                 is(b.columns, p.n) && is(sum.rows, p.m) && is(sum.columns, p.n) &&
                 held == std::array{p.a, p.b, p.c, p.result} &&
                 saturates == (p.saturating == VK_TRUE);
        })) {
      return {};
    }
    return is_not_offered(fmt::format("{}x{}x{}{}{}", text_of(a.rows), text_of(b.columns),
                                      text_of(a.columns), of_components(held, saturates),
                                      describe_scope(a.scope)));
  }

  // A buffer's end is kept to only by devices that say so of these instructions, too.
  Result<void> check_access(const spirv::Instruction& i) const {
    const Type* pointer = m_.type(m_.type_of(i.args[0]));
    const bool is_bound =
        pointer != nullptr && (pointer->storage == spv::StorageClass::StorageBuffer ||
                               pointer->storage == spv::StorageClass::Uniform);
    if (!is_bound || !device_.usable.has("robustBufferAccess") ||
        device_.usable.has("cooperativeMatrixRobustBufferAccess")) {
      return {};
    }
    return fail(SOKR_CAPABILITY_DENIED,
                "needs cooperativeMatrixRobustBufferAccess for matrices in buffers, or "
                "vulkan.robust=off; {} does not have it",
                device_.name());
  }

  // Rows of a workgroup are whole subgroups. What a launch may still say is left to it.
  Result<void> check_rows() const {
    const bool is_open = (e_.open_local_size & 1) != 0;
    const std::uint32_t least = device_.can_set_subgroup_size()
                                    ? device_.subgroup_size.minSubgroupSize
                                    : device_.subgroup.subgroupSize;
    if (is_open || least == 0 || e_.local_size[0] % least == 0) return {};
    return fail(SOKR_CAPABILITY_DENIED,
                "cooperative matrices want workgroups whose first size is a multiple of the "
                "subgroup size; it is {}, and subgroups of {} are of {}",
                e_.local_size[0], device_.name(), device_.subgroup_sizes());
  }

 public:
  static std::string of_components(const std::array<MatrixComponent, 4>& held, bool saturates) {
    const auto& [a, b, c, result] = held;
    std::string text = fmt::format(" of {}", component_name(a));
    if (b != a) text += fmt::format(" and {}", component_name(b));
    text += fmt::format(" with {}{} sums", component_name(c), saturates ? " saturating" : "");
    if (result != c) text += fmt::format(", as {}", component_name(result));
    return text;
  }

 private:
  const spirv::Module& m_;
  const spirv::EntryPoint& e_;
  const PhysicalDevice& device_;
};

}  // namespace

Result<CooperativeMatrices> query_cooperative_matrices(VkInstance instance, VkPhysicalDevice handle,
                                                       std::string_view name) {
  constexpr const char* kCall = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR";
  CooperativeMatrices found;
  DeviceProperties properties{kDevicePropertiesType, nullptr, 0};
  VkPhysicalDeviceProperties2 head{};
  head.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  head.pNext = &properties;
  vkGetPhysicalDeviceProperties2(handle, &head);
  found.stages = properties.stages;
  // Of the device's own instance: another may be the last that volk has loaded, and gone by now.
  const auto get = reinterpret_cast<GetProperties>(vkGetInstanceProcAddr(instance, kCall));
  if (get == nullptr) return CooperativeMatrices{};
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {
    std::uint32_t count = 0;
    result = get(handle, &count, nullptr);
    if (result != VK_SUCCESS) break;
    found.products.assign(count, {kPropertiesType, nullptr, 0, 0, 0, {}, {}, {}, {}, 0, 0});
    result = get(handle, &count, found.products.data());
    found.products.resize(count);
  }
  if (result != VK_SUCCESS) return vk_failure(result, kCall, name);
  // Those of a workgroup are of another extension, which is not used.
  std::erase_if(found.products, [](const CooperativeMatrixProperties& product) {
    return product.scope != static_cast<std::uint32_t>(spv::Scope::Subgroup);
  });
  return found;
}

std::string describe(const CooperativeMatrixProperties& p) {
  return fmt::format("{}x{}x{}{}", p.m, p.n, p.k,
                     Check::of_components({p.a, p.b, p.c, p.result}, p.saturating == VK_TRUE));
}

std::string describe(const CooperativeMatrices& offered) {
  std::vector<std::string> all;
  for (const CooperativeMatrixProperties& product : offered.products) {
    std::string text = describe(product);
    if (std::ranges::find(all, text) == all.end()) all.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(all, "; "));
}

bool uses_cooperative_matrices(const spirv::Module& module) {
  return std::ranges::find(module.capabilities(), spirv::kCooperativeMatrixCapability) !=
         module.capabilities().end();
}

Result<void> check_cooperative_matrices(const spirv::Module& module, const spirv::EntryPoint& entry,
                                        const PhysicalDevice& device) {
  if (!uses_cooperative_matrices(module)) return {};
  return Check(module, entry, device).run();
}

}  // namespace sokr::vulkan
