// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cstring>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

Bytes to_bytes(const std::vector<std::uint32_t>& words) {
  Bytes bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::uint32_t count_ops(const std::vector<std::uint32_t>& words, spv::Op op) {
  std::uint32_t count = 0;
  for (std::size_t at = 5; at < words.size(); at += words[at] >> 16)
    count += static_cast<spv::Op>(words[at] & 0xFFFF) == op;
  return count;
}

std::uint32_t count_spec_ids(const std::vector<std::uint32_t>& words) {
  std::uint32_t count = 0;
  for (std::size_t at = 5; at < words.size(); at += words[at] >> 16)
    count += static_cast<spv::Op>(words[at] & 0xFFFF) == spv::Op::OpDecorate &&
             static_cast<spv::Decoration>(words[at + 2]) == spv::Decoration::SpecId;
  return count;
}

// Are the constants that the words of `a` declare the same in `b`?
void expect_same_constants(const Module& a, const Module& b) {
  for (const Constant& one : a.constants()) {
    if (one.id >= a.words()[3]) continue;
    const Constant* other = b.constant(one.id);
    ASSERT_NE(other, nullptr) << a.describe(one.id);
    EXPECT_EQ(other->type, one.type) << a.describe(one.id);
    EXPECT_EQ(other->bits, one.bits) << a.describe(one.id);
    EXPECT_EQ(other->parts, one.parts) << a.describe(one.id);
    EXPECT_EQ(other->is_null, one.is_null) << a.describe(one.id);
    EXPECT_EQ(other->is_undef, one.is_undef) << a.describe(one.id);
  }
  for (std::size_t i = 0; i < a.entry_points().size(); ++i) {
    EXPECT_EQ(a.entry_points()[i].local_size, b.entry_points()[i].local_size);
    EXPECT_EQ(a.entry_points()[i].workgroup_bytes, b.entry_points()[i].workgroup_bytes);
  }
}

void expect_written(const Bytes& bytes, const DecodeOptions& options = {}) {
  const auto module = decode_ok(bytes, options);
  const std::vector<std::uint32_t> words = specialized_words(*module);
  for (const spv::Op op :
       {spv::Op::OpSpecConstant, spv::Op::OpSpecConstantTrue, spv::Op::OpSpecConstantFalse,
        spv::Op::OpSpecConstantComposite, spv::Op::OpSpecConstantOp})
    EXPECT_EQ(count_ops(words, op), 0u) << op_name(op);
  EXPECT_EQ(count_spec_ids(words), 0u);
  const Bytes written = to_bytes(words);
  const Result<void> valid = validate(written);
  EXPECT_TRUE(valid) << valid.failure().sentence;
  expect_same_constants(*module, *decode_ok(written));
}

constexpr const char* kDeclarations = R"(
%i8 = OpTypeInt 8 1
%u16 = OpTypeInt 16 0
%i64 = OpTypeInt 64 1
%f64 = OpTypeFloat 64
%v3 = OpTypeVector %u32 3
%b3 = OpTypeVector %bool 3
%m = OpTypeStruct %v3 %i32
%u5 = OpConstant %u32 5
%narrow = OpSpecConstant %i8 -3
%half = OpSpecConstant %u16 65535
%long = OpSpecConstant %i64 -5000000000
%wide = OpSpecConstant %f64 0.1
%n = OpSpecConstant %u32 5
%flag = OpSpecConstantTrue %bool
%other = OpSpecConstantFalse %bool
%negated = OpSpecConstantOp %i64 SNegate %long
%zero = OpSpecConstantOp %u32 UDiv %u5 %n
%not = OpSpecConstantOp %bool LogicalNot %flag
%row = OpSpecConstantComposite %v3 %n %u1 %zero
%twice = OpSpecConstantOp %v3 IMul %row %row
%large = OpSpecConstantOp %b3 UGreaterThan %twice %row
%part = OpSpecConstantOp %u32 CompositeExtract %twice 0
%whole = OpSpecConstantComposite %m %twice %i0
%null = OpConstantNull %m
%deep = OpSpecConstantOp %m CompositeInsert %part %null 0 1
%mixed = OpSpecConstantOp %v3 VectorShuffle %row %twice 5 0 4
%arr = OpTypeArray %u32 %part
%ptr = OpTypePointer Workgroup %arr
%var = OpVariable %ptr Workgroup)";

Bytes module_bytes() {
  return assemble(compute_module(
      "OpDecorate %narrow SpecId 0\nOpDecorate %half SpecId 1\nOpDecorate %long SpecId 2\n"
      "OpDecorate %wide SpecId 3\nOpDecorate %n SpecId 4\nOpDecorate %flag SpecId 5\n"
      "OpDecorate %other SpecId 6",
      std::string("%i0 = OpConstant %i32 0\n") + kDeclarations, R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpReturn
OpFunctionEnd
)",
      "OpCapability Int8\nOpCapability Int16\nOpCapability Int64\nOpCapability Float64"));
}

TEST(Specialize, WritesEveryKindOfConstant) {
  expect_written(module_bytes());
  const SokrIrSpecValue values[] = {{0, 1, 0x80}, {1, 2, 7}, {2, 8, 1}, {3, 8, 0},
                                    {4, 4, 3},    {5, 4, 0}, {6, 4, 1}};
  expect_written(module_bytes(), {.specializations = values});
}

TEST(Specialize, WritesWhatShadersHave) {
  for (const NamedModule& one : compiled_modules()) {
    SCOPED_TRACE(one.name);
    if (one.name == "spec_sized_arrays") {
      const SokrIrSpecValue values[] = {{0, 4, 64}, {1, 4, 16}, {2, 4, 5}};
      expect_written(one.bytes, {.specializations = values});
    } else {
      expect_written(one.bytes);
    }
  }
}

TEST(Specialize, LeavesOthersAsTheyAre) {
  const auto module = decode_ok(assemble(compute_main("OpReturn")));
  EXPECT_TRUE(std::ranges::equal(specialized_words(*module), module->words()));
}

}  // namespace
}  // namespace sokr::spirv
