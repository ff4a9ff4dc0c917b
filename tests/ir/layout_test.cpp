// SPDX-License-Identifier: MIT OR Apache-2.0
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

const char* const kTypes = R"(
%f64 = OpTypeFloat 64
%u64 = OpTypeInt 64 0
%u3 = OpConstant %u32 3
%v3 = OpTypeVector %f32 3
%m23 = OpTypeMatrix %v3 2
%marr = OpTypeArray %m23 %u3
%farr = OpTypeArray %f32 %u3
%inner = OpTypeStruct %v3 %f32
%run = OpTypeRuntimeArray %inner
%block = OpTypeStruct %m23 %m23 %marr %inner %run
%plain = OpTypeStruct %bool %v3 %f32 %f64 %farr
)";
const char* const kAnnotations = R"(
OpName %m23 "m23"
OpName %marr "marr"
OpName %farr "farr"
OpName %inner "inner"
OpName %run "run"
OpName %block "block"
OpName %plain "plain"
OpMemberName %inner 1 "weight"
OpDecorate %farr ArrayStride 16
OpDecorate %marr ArrayStride 64
OpDecorate %run ArrayStride 32
OpMemberDecorate %inner 0 Offset 0
OpMemberDecorate %inner 1 Offset 12
OpMemberDecorate %block 0 Offset 0
OpMemberDecorate %block 0 MatrixStride 16
OpMemberDecorate %block 0 ColMajor
OpMemberDecorate %block 1 Offset 32
OpMemberDecorate %block 1 MatrixStride 8
OpMemberDecorate %block 1 RowMajor
OpMemberDecorate %block 2 Offset 64
OpMemberDecorate %block 2 MatrixStride 16
OpMemberDecorate %block 2 ColMajor
OpMemberDecorate %block 3 Offset 256
OpMemberDecorate %block 4 Offset 272
)";

class Layout : public testing::Test {
 protected:
  void SetUp() override {
    module_ = decode_ok(assemble(compute_module(
        kAnnotations, kTypes,
        "%main = OpFunction %void None %void_fn\n%entry = OpLabel\nOpReturn\nOpFunctionEnd",
        "OpCapability Float64\nOpCapability Int64")));
    ASSERT_NE(module_, nullptr);
  }
  Id named(std::string_view name) const {
    for (Id id = 0; id < module_->bound(); ++id) {
      if (module_->name(id) == name) return id;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  std::shared_ptr<const Module> module_;
};

TEST_F(Layout, MatricesTakeTheirStrideFromTheMember) {
  EXPECT_EQ(module_->explicit_size(named("m23"), {16, false}), 32u);
  EXPECT_EQ(module_->explicit_size(named("m23"), {8, true}), 24u);
  EXPECT_EQ(module_->explicit_size(named("marr"), {16, false}), 192u);
  const Type& block = *module_->type(named("block"));
  EXPECT_TRUE(block.members[1].row_major);
  EXPECT_EQ(block.members[1].matrix_stride, 8u);
}

TEST_F(Layout, StructsEndWithTheirLastByteAndRuntimeArraysCountNothing) {
  EXPECT_EQ(module_->explicit_size(named("inner")), 16u);
  EXPECT_EQ(module_->explicit_size(named("run")), 0u);
  EXPECT_EQ(module_->explicit_size(named("block")), 272u);
  EXPECT_EQ(module_->runtime_array_stride(named("block")), 32u);
  EXPECT_EQ(module_->runtime_array_stride(named("inner")), 0u);
  EXPECT_EQ(module_->explicit_size(named("farr")), 48u);
  EXPECT_EQ(module_->type(named("inner"))->members[1].name, "weight");
}

TEST_F(Layout, NaturalLayoutIsStd430) {
  // bool 0..4, vec3 at 16, float at 28, double at 32, float[3] at 40, up to 64.
  const NaturalLayout layout = module_->natural_layout(named("plain"));
  EXPECT_EQ(layout.size, 64u);
  EXPECT_EQ(layout.alignment, 16u);
  EXPECT_EQ(module_->natural_layout(named("m23")).size, 32u);
}

TEST_F(Layout, ComponentsAndScalars) {
  EXPECT_EQ(module_->component_count(named("m23")), 6u);
  EXPECT_EQ(module_->component_count(named("inner")), 0u);
  EXPECT_EQ(module_->scalar_type(named("marr")).kind, TypeKind::kFloat);
  EXPECT_EQ(module_->scalar_type(named("inner")).kind, TypeKind::kStruct);
}

TEST_F(Layout, NamesAndDescriptions) {
  const Id block = named("block");
  EXPECT_EQ(module_->describe(block), fmt::format("%{} (block)", block));
  EXPECT_EQ(module_->describe(1u << 30), fmt::format("%{}", 1u << 30));
  EXPECT_EQ(op_name(spv::Op::OpFAdd), "OpFAdd");
  EXPECT_EQ(op_name(static_cast<spv::Op>(4711)), "op 4711");
  EXPECT_EQ(capability_name(spv::Capability::Int64), "Int64");
  EXPECT_EQ(storage_class_name(spv::StorageClass::StorageBuffer), "StorageBuffer");
  EXPECT_EQ(glsl_std_450_name(31), "Sqrt");
}

// As compilers of GLSL write blocks of references to one another: the pointer is declared last.
TEST(ForwardPointers, AreElementsOfArrays) {
  const auto module = decode_ok(assemble(compute_module(
      "OpName %all \"all\"\nOpName %next \"next\"\nOpDecorate %two ArrayStride 8\n"
      "OpDecorate %any ArrayStride 8\nOpMemberDecorate %all 0 Offset 0\n"
      "OpMemberDecorate %all 1 Offset 16\nOpMemberDecorate %all 2 Offset 24\n",
      "OpTypeForwardPointer %p PhysicalStorageBuffer\n%length = OpConstant %u32 2\n"
      "%two = OpTypeArray %p %length\n%any = OpTypeRuntimeArray %p\n"
      "%next = OpTypeFunction %p %p\n%all = OpTypeStruct %two %p %any\n"
      "%p = OpTypePointer PhysicalStorageBuffer %all\n",
      "%main = OpFunction %void None %void_fn\n%entry = OpLabel\nOpReturn\nOpFunctionEnd",
      "OpCapability PhysicalStorageBufferAddresses")));
  ASSERT_NE(module, nullptr);
  Id all = 0, next = 0;
  for (Id id = 0; id < module->bound(); ++id) {
    if (module->name(id) == "all") all = id;
    if (module->name(id) == "next") next = id;
  }
  EXPECT_EQ(module->explicit_size(all), 24u);
  const Type& array = *module->type(module->type(all)->members[0].type);
  EXPECT_EQ(module->explicit_size(array.id), 16u);
  EXPECT_EQ(module->natural_layout(array.id).size, 16u);
  EXPECT_EQ(module->natural_layout(array.id).alignment, 8u);
  EXPECT_EQ(array.element, module->type(next)->element);
}

// Nothing else may contain itself, or what is declared later.
TEST(ForwardPointers, ArePointers) {
  for (const char* made : {"%a = OpTypeArray %a %length\n", "%a = OpTypeStruct %a\n",
                           "%a = OpTypeRuntimeArray %a\n"}) {
    const std::string why = refusal(assemble(compute_module(
        "",
        std::string("OpTypeForwardPointer %a PhysicalStorageBuffer\n"
                    "%length = OpConstant %u32 2\n") +
            made + "%none = OpConstantNull %u32\n",
        "%main = OpFunction %void None %void_fn\n%entry = OpLabel\nOpReturn\nOpFunctionEnd")));
    EXPECT_NE(why.find("which no OpTypePointer declares"), std::string::npos) << made << why;
  }
}

}  // namespace
}  // namespace sokr::spirv
