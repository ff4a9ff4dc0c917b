// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugin as the host sees it: loaded from its file, through its C table.
#include <dlfcn.h>
#include <sokr/ir.h>

#include <cstring>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

class Plugin : public testing::Test {
 protected:
  void SetUp() override {
    library_ = dlopen(SOKR_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    const auto entry = reinterpret_cast<SokrIrPluginMainFn>(dlsym(library_, SOKR_IR_PLUGIN_MAIN));
    ASSERT_NE(entry, nullptr);
    plugin_ = entry();
    ASSERT_NE(plugin_, nullptr);
  }
  void TearDown() override {
    if (library_ != nullptr) dlclose(library_);
  }
  void* library_ = nullptr;
  const SokrIrPlugin* plugin_ = nullptr;
  char sentence_[256] = "unwritten";
};

TEST_F(Plugin, IntroducesItself) {
  EXPECT_EQ(plugin_->struct_size, sizeof(SokrIrPlugin));
  EXPECT_EQ(plugin_->ir_version, SOKR_IR_VERSION);
  EXPECT_STREQ(plugin_->name, "spirv");
  EXPECT_EQ(plugin_->format, SOKR_IR_SPIRV);
  EXPECT_EQ(plugin_->target_count, 0u);
  EXPECT_EQ(plugin_->lower, nullptr);
}

TEST_F(Plugin, RecognisesTheMagicInBothByteOrders) {
  const Bytes bytes = compiled_module("interface"), swapped = swap_words(bytes);
  EXPECT_EQ(plugin_->recognise(bytes.data(), bytes.size()), 1);
  EXPECT_EQ(plugin_->recognise(swapped.data(), swapped.size()), 1);
  EXPECT_EQ(plugin_->recognise(bytes.data(), 3), 0);
  EXPECT_EQ(plugin_->recognise(nullptr, 0), 0);
  EXPECT_EQ(plugin_->recognise(bytes.data() + 1, 64), 0);
}

TEST_F(Plugin, ValidatesWithASentenceThatFits) {
  const Bytes bytes = compiled_module("interface");
  EXPECT_EQ(plugin_->validate(bytes.data(), bytes.size(), sentence_, sizeof sentence_), SOKR_OK);
  EXPECT_STREQ(sentence_, "");
  EXPECT_EQ(plugin_->validate(bytes.data(), 20, sentence_, 12), SOKR_INVALID_IR);
  EXPECT_EQ(std::strlen(sentence_), 11u);
  EXPECT_EQ(plugin_->validate(bytes.data(), 20, nullptr, 0), SOKR_INVALID_IR);
  EXPECT_EQ(plugin_->validate(nullptr, 20, sentence_, sizeof sentence_), SOKR_INVALID_INPUT);
}

TEST_F(Plugin, ReflectsForASpecialization) {
  const Bytes bytes = compiled_module("interface");
  const SokrIrSpecValue value{20, 4, 128};
  const SokrIrReflection* reflection = nullptr;
  ASSERT_EQ(plugin_->reflect(bytes.data(), bytes.size(), &value, 1, nullptr, &reflection, sentence_,
                             sizeof sentence_),
            SOKR_OK)
      << sentence_;
  EXPECT_EQ(reflection->struct_size, sizeof(SokrIrReflection));
  ASSERT_EQ(reflection->entry_point_count, 1u);
  const SokrIrEntryPoint& entry = reflection->entry_points[0];
  EXPECT_STREQ(entry.name, "main");
  EXPECT_EQ(entry.local_size[0], 128u);
  EXPECT_EQ(entry.local_size_source, std::uint32_t{SOKR_IR_LOCAL_SIZE_WORKGROUP});
  EXPECT_EQ(entry.local_size_spec_ids[1], SOKR_IR_NO_SPEC_ID);
  ASSERT_EQ(entry.binding_count, 8u);
  EXPECT_STREQ(entry.bindings[0].name, "source");
  EXPECT_EQ(entry.bindings[0].access, std::uint32_t{SOKR_IR_READ});
  ASSERT_EQ(entry.push_member_count, 5u);
  EXPECT_STREQ(entry.push_members[4].type, "ivec4");
  EXPECT_EQ(entry.push_size, 80u);
  ASSERT_NE(reflection->entry_types, nullptr);
  EXPECT_EQ(reflection->entry_types_size, sizeof(SokrIrEntryTypes));
  const SokrIrEntryTypes& types = reflection->entry_types[0];
  EXPECT_EQ(types.binding_scalars[0], 1u << SOKR_IR_U32 | 1u << SOKR_IR_F32);
  EXPECT_EQ(types.push_scalar_size, sizeof(SokrIrPushScalar));
  ASSERT_EQ(types.push_scalar_count, 16u);
  EXPECT_EQ(types.push_scalars[15].offset, 76u);
  EXPECT_EQ(types.push_scalars[15].type, std::uint32_t{SOKR_IR_I32});
  EXPECT_EQ(types.push_read_ends[1], 16u);
  EXPECT_EQ(types.push_read_ends[4], 68u);
  ASSERT_EQ(reflection->spec_constant_count, 3u);
  EXPECT_EQ(reflection->spec_constants[2].default_value, 32u);
  ASSERT_EQ(reflection->capability_count, 1u);
  EXPECT_STREQ(reflection->capabilities[0], "Shader");
  plugin_->free_reflection(reflection);
  plugin_->free_reflection(nullptr);
}

SokrIrRequest request_for(const Bytes& bytes) {
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = bytes.data();
  request.size = bytes.size();
  return request;
}

TEST_F(Plugin, AnswersRequests) {
  const Bytes bytes = compiled_module("interface");
  SokrIrRequest request = request_for(bytes);
  const SokrIrSpecValue value{20, 4, 128};
  request.specializations = &value;
  request.specialization_count = 1;
  request.specialization_size = sizeof value;
  EXPECT_EQ(plugin_->validate_request(&request, sentence_, sizeof sentence_), SOKR_OK);
  const SokrIrReflection* reflection = nullptr;
  ASSERT_EQ(plugin_->reflect_request(&request, &reflection, sentence_, sizeof sentence_), SOKR_OK)
      << sentence_;
  ASSERT_EQ(reflection->entry_point_size, sizeof(SokrIrEntryPoint));
  EXPECT_EQ(reflection->spec_constant_size, sizeof(SokrIrSpecConstant));
  const SokrIrEntryPoint& entry = reflection->entry_points[0];
  EXPECT_EQ(entry.local_size[0], 128u);
  EXPECT_EQ(entry.port_count, 0u);
  EXPECT_EQ(entry.push_member_size, sizeof(SokrIrPushMember));
  ASSERT_EQ(entry.binding_size, sizeof(SokrIrBinding));
  ASSERT_EQ(entry.binding_count, 8u);
  EXPECT_EQ(entry.bindings[0].dimension, std::uint32_t{SOKR_IMAGE_NONE});
  const SokrIrBinding& picture = entry.bindings[6];
  EXPECT_STREQ(picture.name, "picture");
  EXPECT_EQ(picture.dimension, std::uint32_t{SOKR_IMAGE_2D});
  EXPECT_EQ(picture.image_format, std::uint32_t{SOKR_IMAGE_RGBA8});
  EXPECT_EQ(picture.sampled_type, std::uint32_t{SOKR_IR_F32});
  plugin_->free_reflection(reflection);
}

TEST_F(Plugin, RefusesRequestsThatItCannotRead) {
  const Bytes bytes = compiled_module("interface");
  const auto* reflection = reinterpret_cast<const SokrIrReflection*>(this);
  const auto answer = [&](const SokrIrRequest* request) {
    return plugin_->reflect_request(request, &reflection, sentence_, sizeof sentence_);
  };
  EXPECT_EQ(answer(nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(reflection, nullptr);
  SokrIrRequest request = request_for(bytes);
  request.struct_size = 16;
  EXPECT_EQ(answer(&request), SOKR_INVALID_INPUT);
  request = request_for(bytes);
  request.ir_version += 0x10000;
  EXPECT_EQ(answer(&request), SOKR_VERSION_MISMATCH);
  request = request_for(bytes);
  request.data = nullptr;
  EXPECT_EQ(answer(&request), SOKR_INVALID_INPUT);
  request = request_for(bytes);
  const SokrIrSpecValue value{20, 4, 128};
  request.specialization_count = 1;
  EXPECT_EQ(answer(&request), SOKR_INVALID_INPUT) << "without constants";
  request.specializations = &value;
  EXPECT_EQ(answer(&request), SOKR_INVALID_INPUT) << "without their size";
  EXPECT_EQ(plugin_->reflect_request(&request, nullptr, sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
  // Of a later version: what it has more is zero, or refused.
  struct Longer {
    SokrIrRequest known;
    std::uint64_t more;
  } longer{request_for(bytes), 0};
  longer.known.struct_size = sizeof longer;
  ASSERT_EQ(answer(&longer.known), SOKR_OK) << sentence_;
  plugin_->free_reflection(reflection);
  longer.more = 1;
  EXPECT_EQ(answer(&longer.known), SOKR_CAPABILITY_DENIED);
  struct LongerValue {
    SokrIrSpecValue known;
    std::uint64_t more;
  } longer_value{value, 0};
  request.specializations = &longer_value.known;
  request.specialization_size = sizeof longer_value;
  ASSERT_EQ(answer(&request), SOKR_OK) << sentence_;
  EXPECT_EQ(reflection->entry_points[0].local_size[0], 128u);
  plugin_->free_reflection(reflection);
  longer_value.more = 1;
  EXPECT_EQ(answer(&request), SOKR_CAPABILITY_DENIED);
}

TEST_F(Plugin, RefusesWithTheRightCode) {
  const Bytes bytes = compiled_module("interface");
  const SokrIrSpecValue too_wide{2, 8, 0};
  const auto* reflection = reinterpret_cast<const SokrIrReflection*>(this);
  EXPECT_EQ(plugin_->reflect(bytes.data(), bytes.size(), &too_wide, 1, nullptr, &reflection,
                             sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(reflection, nullptr);
  EXPECT_STREQ(sentence_,
               "the value for specialization constant 2 has 8 bytes, its type f32 takes 4");
  EXPECT_EQ(plugin_->reflect(bytes.data(), 24, nullptr, 0, nullptr, &reflection, sentence_,
                             sizeof sentence_),
            SOKR_INVALID_IR);
  EXPECT_EQ(plugin_->reflect(bytes.data(), bytes.size(), nullptr, 1, nullptr, &reflection,
                             sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(plugin_->reflect(bytes.data(), bytes.size(), nullptr, 0, nullptr, nullptr, sentence_,
                             sizeof sentence_),
            SOKR_INVALID_INPUT);
}

}  // namespace
}  // namespace sokr::spirv
