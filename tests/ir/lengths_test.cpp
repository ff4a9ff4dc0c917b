// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Values of arrays whose length a launch decides: whatever the length, nobody counts or chooses
// elements that are not there.
#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

constexpr Strictness kAllStrictness[] = {Strictness::kStrict, Strictness::kRelaxed,
                                         Strictness::kOff};

// %n (constant 3, "kSize") elements by default; %pair holds the array as its second member.
Bytes with_array(std::uint32_t length, std::string_view body) {
  return assemble(compute_main(
      fmt::format("%held = OpVariable %to_array Function\n%other = OpVariable %to_pair Function\n"
                  "%array = OpLoad %array_type %held\n%pair = OpLoad %pair_type %other\n{}\n"
                  "OpReturn",
                  body),
      fmt::format("%n = OpSpecConstant %u32 {}\n%array_type = OpTypeArray %u32 %n\n"
                  "%pair_type = OpTypeStruct %f32 %array_type\n"
                  "%f1 = OpConstant %f32 1\n"
                  "%to_array = OpTypePointer Function %array_type\n"
                  "%to_pair = OpTypePointer Function %pair_type",
                  length),
      "OpName %n \"kSize\"\nOpDecorate %n SpecId 3"));
}

std::string construct(std::size_t count, std::string_view constituent = "%u1") {
  std::string text = "%made = OpCompositeConstruct %array_type";
  for (std::size_t i = 0; i < count; ++i) text += fmt::format(" {}", constituent);
  return text;
}

struct Case {
  std::string body;
  std::uint32_t fits;  // the least length that suits it
  bool exactly = false;
};

std::vector<Case> cases() {
  return {{construct(5), 5, true},
          {construct(1000), 1000, true},
          {"%got = OpCompositeExtract %u32 %array 4", 5},
          {"%got = OpCompositeExtract %u32 %pair 1 299", 300},
          {"%put = OpCompositeInsert %array_type %u1 %array 4", 5},
          {"%put = OpCompositeInsert %pair_type %u1 %pair 1 299", 300}};
}

// What some values make good is accepted before they are known, whatever the module's own are:
// also those that leave the array too large to be looked at.
TEST(Lengths, EveryCountIsOpenBeforeValuesAreKnown) {
  for (const Case& one : cases()) {
    for (const std::uint32_t length : {1u, 4u, 5u, 300u, 1000u, 100000u}) {
      for (const Strictness how : kAllStrictness) {
        const auto valid = validate(with_array(length, one.body), {how});
        EXPECT_TRUE(valid.ok()) << one.body.substr(0, 60) << " of " << length << ": "
                                << (valid ? "" : valid.failure().sentence);
      }
    }
  }
}

TEST(Lengths, WhatALaunchGivesHasToFit) {
  for (const Case& one : cases()) {
    const Bytes bytes = with_array(4, one.body);
    for (const std::uint32_t length : {1u, 3u, one.fits - 1, one.fits, one.fits + 1, 2000u}) {
      const SokrIrSpecValue value{3, 4, length};
      const DecodeOptions options{.specializations = {&value, 1}};
      if (one.exactly ? length == one.fits : length >= one.fits) {
        EXPECT_NE(decode_ok(bytes, options), nullptr) << one.body.substr(0, 60) << " " << length;
        continue;
      }
      const std::string sentence = refusal(bytes, options, SOKR_INVALID_INPUT);
      EXPECT_NE(sentence.find("; decided by specialization constant 3 (kSize)"), std::string::npos)
          << sentence;
      EXPECT_NE(sentence.find(fmt::format("{} elements", length)), std::string::npos) << sentence;
    }
    // So do the module's own.
    (void)refusal(with_array(one.fits - 1, one.body), {}, SOKR_INVALID_INPUT);
    EXPECT_NE(decode_ok(with_array(one.fits, one.body)), nullptr);
  }
}

TEST(Lengths, ConstituentsHaveTheElementsTypeWhateverTheLength) {
  for (const Strictness how : kAllStrictness) {
    for (const std::uint32_t length : {2u, 5u}) {
      EXPECT_FALSE(validate(with_array(length, construct(5, "%f1")), {how}).ok());
      EXPECT_FALSE(validate(with_array(length, "%got = OpCompositeExtract %f32 %array 4"), {how}));
      EXPECT_FALSE(
          validate(with_array(length, "%put = OpCompositeInsert %array_type %f1 %array 4"), {how}));
    }
  }
}

TEST(Lengths, CopiesOfOtherLengthsAreRefused) {
  const Bytes bytes = assemble(compute_main(
      "%held = OpVariable %to_a Function\n%a = OpLoad %a_type %held\n"
      "%b = OpCopyLogical %b_type %a\nOpReturn",
      "%n = OpSpecConstant %u32 4\n%m = OpSpecConstant %u32 4\n%array_n = OpTypeArray %u32 %n\n"
      "%array_m = OpTypeArray %u32 %m\n%a_type = OpTypeStruct %u32 %array_n\n"
      "%b_type = OpTypeStruct %u32 %array_m\n%to_a = OpTypePointer Function %a_type",
      "OpDecorate %n SpecId 0\nOpDecorate %m SpecId 1"));
  EXPECT_NE(decode_ok(bytes), nullptr);
  const SokrIrSpecValue longer{1, 4, 1000};
  const std::string sentence =
      refusal(bytes, {.specializations = {&longer, 1}}, SOKR_INVALID_INPUT);
  EXPECT_NE(sentence.find("OpCopyLogical"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("has 1000 elements"), std::string::npos) << sentence;
}

TEST(Lengths, AConstantsConstituentsAreTheCallersToo) {
  const Bytes bytes =
      assemble(compute_main("OpReturn",
                            "%n = OpSpecConstant %u32 2\n%array_type = OpTypeArray %u32 %n\n"
                            "%two = OpConstantComposite %array_type %u1 %u2",
                            "OpDecorate %n SpecId 0"));
  EXPECT_NE(decode_ok(bytes), nullptr);
  const SokrIrSpecValue longer{0, 4, 3};
  EXPECT_NE(
      refusal(bytes, {.specializations = {&longer, 1}}, SOKR_INVALID_INPUT)
          .find("it has 2 constituents, its type has 3; decided by specialization constant 0"),
      std::string::npos);
}

}  // namespace
}  // namespace sokr::spirv
