// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the oldest headers and validators that this is built with do not know: cooperative matrices
// and float controls 2.
#include <cstring>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

#include "newer_kernels.hpp"
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

using test::Component;
using test::FastMathKernel;
using test::MatrixKernel;

constexpr Component kS8{false, 8, true}, kS32{false, 32, true};

// Asked apart from the reader: by the text of an instruction.
bool validator_knows(const char* capability) {
  const spv_context context = spvContextCreate(SPV_ENV_UNIVERSAL_1_6);
  const std::string text = std::string("OpCapability ") + capability;
  spv_binary binary = nullptr;
  spv_diagnostic diagnostic = nullptr;
  const bool knows = spvTextToBinary(context, text.data(), text.size(), &binary, &diagnostic) == 0;
  spvBinaryDestroy(binary);
  spvDiagnosticDestroy(diagnostic);
  spvContextDestroy(context);
  return knows;
}

std::string refusal_of(const Bytes& bytes, Strictness strictness) {
  if (const auto allowed = check_allowed(bytes); !allowed) return allowed.failure().sentence;
  const auto valid = validate(bytes, {strictness, nullptr});
  return valid ? "" : valid.failure().sentence;
}

struct Kernel {
  const char* name;
  Bytes bytes;
  const char* capability;
};

std::vector<Kernel> kernels() {
  const char *matrices = "CooperativeMatrixKHR", *controls = "FloatControls2";
  return {
      {"product", MatrixKernel().bytes(), matrices},
      {"column major", MatrixKernel{.right_is_column_major = true}.bytes(), matrices},
      {"sizes by constants", MatrixKernel{.is_specialized = true}.bytes(), matrices},
      {"bytes",
       MatrixKernel{.left = kS8, .right = kS8, .sum = kS32, .k = 32, .operands = 0xF}.bytes(),
       matrices},
      {"by elements", MatrixKernel{.is_elementwise = true}.bytes(), matrices},
      {"default", FastMathKernel{.by_default = 0}.bytes(), controls},
      {"decorated", FastMathKernel{.decorated = fast_math::kAllowContract}.bytes(), controls},
      {"both",
       FastMathKernel{.by_default = fast_math::kSpecialValues, .decorated = fast_math::kNotNaN}
           .bytes(),
       controls},
  };
}

TEST(Newer, IsValidOrTheValidatorIsNamedThatIsTooOld) {
  for (const Kernel& kernel : kernels()) {
    SCOPED_TRACE(kernel.name);
    EXPECT_EQ(refusal_of(kernel.bytes, Strictness::kOff), "");
    for (const Strictness strictness : {Strictness::kStrict, Strictness::kRelaxed}) {
      const std::string sentence = refusal_of(kernel.bytes, strictness);
      if (validator_knows(kernel.capability)) {
        EXPECT_EQ(sentence, "");
        continue;
      }
      const auto valid = validate(kernel.bytes, {strictness, nullptr});
      EXPECT_EQ(valid.code(), SOKR_CAPABILITY_DENIED);
      EXPECT_NE(sentence.find(std::string("it uses ") + kernel.capability), std::string::npos)
          << sentence;
      EXPECT_NE(sentence.find(spvSoftwareVersionString()), std::string::npos) << sentence;
    }
  }
}

// Without the capability the instructions name themselves.
TEST(Newer, AnInstructionWithoutItsCapabilityIsNotAccepted) {
  const Bytes bytes = replace_operand(MatrixKernel().bytes(), spv::Op::OpCapability, 1, 6022, 1);
  for (const Strictness strictness : {Strictness::kStrict, Strictness::kRelaxed}) {
    const std::string sentence = refusal_of(bytes, strictness);
    EXPECT_NE(sentence.find("CooperativeMatrix"), std::string::npos) << sentence;
  }
}

TEST(Newer, MatricesAreDecodedWithTheirNumbers) {
  const auto find = [](const Module& module, std::uint32_t use) -> const Type* {
    for (Id id = 1; id < module.bound(); ++id)
      if (const Type* type = module.type(id); type != nullptr &&
                                              type->kind == TypeKind::kCooperativeMatrix &&
                                              type->cooperative.use.value == use)
        return type;
    return nullptr;
  };
  const Bytes bytes = MatrixKernel{.m = 1, .n = 2, .k = 3, .is_specialized = true}.bytes();
  const std::array<SokrIrSpecValue, 2> values{{{0, 4, 16}, {2, 4, 8}}};
  const auto module = decode_ok(bytes, {.specializations = values});
  const Type* left = find(*module, 0);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->cooperative.rows, (CooperativeMatrixInfo::Number{16, false}));
  EXPECT_EQ(left->cooperative.columns, (CooperativeMatrixInfo::Number{8, false}));
  EXPECT_EQ(left->cooperative.scope.value, static_cast<std::uint32_t>(spv::Scope::Subgroup));
  EXPECT_EQ(module->type(left->element)->width, 16u);
  const Type* right = find(*module, 1);
  ASSERT_NE(right, nullptr);
  EXPECT_EQ(right->cooperative.rows.value, 8u);
  EXPECT_EQ(right->cooperative.columns.value, 2u);
  const auto open = decode_ok(bytes, {.any_values = true});
  EXPECT_TRUE(find(*open, 0)->cooperative.rows.is_open);
  EXPECT_FALSE(find(*open, 0)->cooperative.scope.is_open);
  // What a launch decides is written out for drivers.
  const auto words = specialized_words(*module);
  const Bytes written(reinterpret_cast<const std::uint8_t*>(words.data()),
                      reinterpret_cast<const std::uint8_t*>(words.data() + words.size()));
  EXPECT_EQ(find(*decode_ok(written), 0)->cooperative, left->cooperative);
}

// Matrices that may agree do so with the values of a launch, or it is refused: nobody looks again.
TEST(Newer, SizesThatALaunchGivesHaveToAgree) {
  const Bytes good = MatrixKernel{.is_specialized = true}.bytes();
  const Id m = word_of(good, kTypeCooperativeMatrix, 4),
           k = word_of(good, kTypeCooperativeMatrix, 5);
  // The right matrix has as many rows as the left one, not as that has columns.
  const Bytes bytes = replace_operand(good, kTypeCooperativeMatrix, 4, k, m);
  EXPECT_NE(decode_ok(bytes), nullptr);
  EXPECT_NE(decode_ok(bytes, {.any_values = true}), nullptr);
  const SokrIrSpecValue taller[] = {{0, 4, 32}}, both[] = {{0, 4, 32}, {2, 4, 32}};
  EXPECT_NE(decode_ok(good, {.specializations = taller}), nullptr);
  EXPECT_NE(decode_ok(bytes, {.specializations = both}), nullptr);
  const std::string sentence = refusal(bytes, {.specializations = taller}, SOKR_INVALID_INPUT);
  EXPECT_NE(sentence.find("do not have types"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("; decided by specialization constant"), std::string::npos) << sentence;
}

// A specialization constant that has no SpecId is what the module says.
TEST(Newer, SizesThatNobodyCanGiveAreNotOpen) {
  const Bytes bytes =
      replace_operand(MatrixKernel{.is_specialized = true}.bytes(), spv::Op::OpDecorate, 2,
                      static_cast<std::uint32_t>(spv::Decoration::SpecId),
                      static_cast<std::uint32_t>(spv::Decoration::Location));
  const auto module = decode_ok(bytes, {.any_values = true});
  int matrices = 0;
  for (Id id = 1; id < module->bound(); ++id) {
    const Type* type = module->type(id);
    if (type == nullptr || type->kind != TypeKind::kCooperativeMatrix) continue;
    ++matrices;
    EXPECT_FALSE(type->cooperative.rows.is_open);
    EXPECT_EQ(type->cooperative.rows.value, 16u);
  }
  EXPECT_EQ(matrices, 3);
}

TEST(Newer, BuffersAreReadAndWrittenByLoadsAndStores) {
  const auto module = decode_ok(MatrixKernel().bytes());
  const auto reflection = reflect_entry(*module, module->entry_points()[0]);
  ASSERT_EQ(reflection.bindings.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(reflection.bindings[i].access,
              static_cast<std::uint32_t>(i == 3 ? SOKR_IR_WRITE : SOKR_IR_READ))
        << i;
}

TEST(Newer, MatricesThatCannotBeAreRefused) {
  const Bytes good = MatrixKernel().bytes();
  // The first matrix: component, scope, rows, columns, use.
  const auto with = [&](std::size_t index, Id id) {
    return replace_operand(good, kTypeCooperativeMatrix, index,
                           word_of(good, kTypeCooperativeMatrix, index), id);
  };
  const Id component = word_of(good, kTypeCooperativeMatrix, 2);
  const Id scope = word_of(good, kTypeCooperativeMatrix, 3);
  const Id rows = word_of(good, kTypeCooperativeMatrix, 4);
  EXPECT_NE(refusal(with(3, component)).find("scope"), std::string::npos);
  EXPECT_NE(refusal(with(4, component)).find("number of rows"), std::string::npos);
  EXPECT_NE(refusal(with(2, rows)).find("component type"), std::string::npos);
  EXPECT_NE(refusal(with(6, scope)).find("its use is 3"), std::string::npos);
}

// Rules of the reader's own, which it has where the validator is not asked.
TEST(Newer, OperandsThatDoNotFitAreRefusedWithoutTheValidator) {
  const Bytes good = MatrixKernel().bytes();
  ASSERT_EQ(refusal_of(good, Strictness::kOff), "");
  const auto swapped = [&](spv::Op op, std::size_t a, std::size_t b) {
    const std::uint32_t from = word_of(good, op, a), to = word_of(good, op, b);
    return refusal_of(replace_operand(good, op, a, from, to), Strictness::kOff);
  };
  // Words of the instruction: 1 type, 2 result, 3 left, 4 right, 5 sum.
  for (const auto& [a, b] : {std::pair<std::size_t, std::size_t>{3, 4}, {4, 3}, {5, 3}, {3, 5}})
    EXPECT_NE(swapped(kCooperativeMatrixMulAdd, a, b).find("do not have types"), std::string::npos)
        << a << b;
  // A matrix is stored, through a pointer.
  EXPECT_NE(swapped(kCooperativeMatrixStore, 2, 3).find("do not have types"), std::string::npos);
  EXPECT_NE(swapped(kCooperativeMatrixStore, 1, 2).find("do not have types"), std::string::npos);
  const Bytes elements = MatrixKernel{.is_elementwise = true}.bytes();
  const auto broken = [&](spv::Op op, std::size_t a, std::uint32_t to) {
    return refusal_of(replace_operand(elements, op, a, word_of(elements, op, a), to),
                      Strictness::kOff);
  };
  const Id matrix = word_of(elements, spv::Op::OpFNegate, 3);
  const Id scalar = word_of(elements, spv::Op::OpMatrixTimesScalar, 4);
  EXPECT_NE(broken(spv::Op::OpMatrixTimesScalar, 4, matrix).find("do not have types"),
            std::string::npos);
  EXPECT_NE(broken(spv::Op::OpFNegate, 3, scalar).find("do not have types"), std::string::npos);
  EXPECT_NE(broken(spv::Op::OpCompositeConstruct, 3, matrix).find("do not have types"),
            std::string::npos);
  EXPECT_NE(broken(kCooperativeMatrixLength, 3, word_of(elements, spv::Op::OpFMul, 1))
                .find("do not have types"),
            std::string::npos);
}

TEST(Newer, WhatIsSaidOfProductsAndLayoutsIsKnown) {
  const auto says = [](const Bytes& bytes) {
    const auto module = decode_ok(bytes);
    if (!module) return std::string("not decoded");
    const auto allowed = check_allowed(*module, module->entry_points()[0]);
    return allowed ? std::string() : allowed.failure().sentence;
  };
  EXPECT_EQ(says(MatrixKernel{.operands = 0x1F}.bytes()), "");
  const Bytes good = MatrixKernel().bytes();
  const Id layout = word_of(good, kCooperativeMatrixLoad, 4);
  // The constant behind the scope, which is 3.
  const Bytes blocked = replace_operand(good, kCooperativeMatrixLoad, 4, layout,
                                        word_of(good, kTypeCooperativeMatrix, 3));
  EXPECT_NE(says(blocked).find("memory layout is 3"), std::string::npos) << says(blocked);
}

TEST(Newer, FastMathIsDecoded) {
  const auto module = decode_ok(
      FastMathKernel{.by_default = fast_math::kNotNaN, .decorated = fast_math::kAllowReassoc}
          .bytes());
  const EntryPoint& entry = module->entry_points()[0];
  EXPECT_EQ(entry.float_controls.fast_math_default,
            (std::array<std::uint32_t, 3>{UINT32_MAX, fast_math::kNotNaN, UINT32_MAX}));
  std::size_t decorated = 0;
  for (const Instruction& i : module->function(entry.function)->blocks[0].body)
    if (i.id != 0 && module->decorations(i.id).fast_math == fast_math::kAllowReassoc) ++decorated;
  EXPECT_EQ(decorated, 7u);
  // OpenCL's Fast is no part of it.
  const Bytes fast = FastMathKernel{.by_default = 0x10}.bytes();
  const auto allowed = check_allowed(*decode_ok(fast), decode_ok(fast)->entry_points()[0]);
  ASSERT_FALSE(allowed);
  EXPECT_NE(allowed.failure().sentence.find("fast math mode Fast"), std::string::npos)
      << allowed.failure().sentence;
}

TEST(Newer, VersionsAreDeniedByTheirNumber) {
  Bytes bytes = MatrixKernel().bytes();
  bytes[5] = 7, bytes[6] = 1;  // 1.7
  EXPECT_EQ(refusal(bytes, {}, SOKR_CAPABILITY_DENIED),
            "it is SPIR-V 1.7, and this build reads 1.0 to 1.6");
  for (const Strictness strictness : {Strictness::kStrict, Strictness::kRelaxed, Strictness::kOff})
    EXPECT_EQ(validate(bytes, {strictness, nullptr}).code(), SOKR_CAPABILITY_DENIED);
  bytes[4] = 1;  // what no version is
  EXPECT_EQ(decode(bytes).code(), SOKR_INVALID_IR);
}

}  // namespace
}  // namespace sokr::spirv
