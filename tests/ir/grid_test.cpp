// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstring>
#include <sokr/spirv/grid.hpp>
#include <sokr/spirv/reflection.hpp>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

Bytes to_bytes(const std::vector<std::uint32_t>& words) {
  Bytes bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

bool reads(const Module& module, const EntryPoint& entry, spv::BuiltIn builtin) {
  for (const Id id : entry.globals)
    if (const Variable* variable = module.variable(id); variable && variable->builtin == builtin)
      return true;
  return false;
}

void expect_sliced(const std::string& name, const Module& module, const EntryPoint& entry) {
  SCOPED_TRACE(name + " " + entry.name);
  const auto sliced = sliced_words(module, entry);
  ASSERT_TRUE(sliced) << sliced.failure().sentence;
  const bool has_place = reads(module, entry, spv::BuiltIn::WorkgroupId) ||
                         reads(module, entry, spv::BuiltIn::GlobalInvocationId);
  EXPECT_EQ(sliced->origin.has_value(), has_place);
  EXPECT_EQ(sliced->counts.has_value(), reads(module, entry, spv::BuiltIn::NumWorkgroups));
  const Bytes bytes = to_bytes(sliced->words);
  const auto valid = validate(bytes);
  ASSERT_TRUE(valid) << valid.failure().sentence;
  const auto again = decode_ok(bytes);
  const auto found = again->entry_point(entry.name);
  ASSERT_TRUE(found) << found.failure().sentence;
  EXPECT_EQ((*found)->local_size, entry.local_size);
  EXPECT_EQ((*found)->workgroup_bytes, entry.workgroup_bytes);
  const ir::EntryReflection before = reflect_entry(module, entry);
  const ir::EntryReflection after = reflect_entry(*again, **found);
  EXPECT_EQ(after.bindings.size(), before.bindings.size());
  const std::uint32_t own = (before.push_constant_size + 3) / 4 * 4;
  EXPECT_EQ(sliced->push_size,
            own + 12 * (sliced->origin.has_value() + sliced->counts.has_value()));
  if (sliced->origin) {
    EXPECT_EQ(*sliced->origin, own);
  }
  if (sliced->counts) {
    EXPECT_EQ(*sliced->counts, own + (sliced->origin ? 12 : 0));
  }
  EXPECT_EQ(after.push_constant_size, sliced->push_size);
}

TEST(Grid, EveryModuleIsSlicedIntoAValidOne) {
  int changed = 0;
  for (const NamedModule& module : compiled_modules()) {
    const auto decoded = decode(module.bytes);
    if (!decoded) continue;
    for (const EntryPoint& entry : (*decoded)->entry_points()) {
      expect_sliced(module.name, **decoded, entry);
      changed += reads(**decoded, entry, spv::BuiltIn::GlobalInvocationId);
    }
  }
  EXPECT_GT(changed, 50);
}

constexpr std::string_view kBuiltIn =
    "%uvec3 = OpTypeVector %u32 3\n%in = OpTypePointer Input %uvec3\n"
    "%in1 = OpTypePointer Input %u32\n%index = OpConstant %u32 1\n"
    "%id = OpVariable %in Input\n";

std::string sentence(std::string_view body, std::string_view declarations,
                     std::string_view annotations) {
  const auto module = decode_ok(assemble(compute_main(body, declarations, annotations)));
  const auto sliced = sliced_words(*module, module->entry_points()[0]);
  return sliced ? "" : sliced.failure().sentence;
}

TEST(Grid, WhatIsNotUnderstoodIsSaid) {
  const std::string decorated = "OpDecorate %id BuiltIn WorkgroupId\n";
  const std::string declared(kBuiltIn);
  EXPECT_EQ(sentence("%a = OpLoad %uvec3 %id\n%c = OpAccessChain %in1 %id %index\n"
                     "%d = OpLoad %u32 %c\nOpReturn",
                     declared, decorated),
            "");
  EXPECT_NE(
      sentence("%c = OpCopyObject %in %id\n%a = OpLoad %uvec3 %c\nOpReturn", declared, decorated)
          .find("OpCopyObject uses"),
      std::string::npos);
  EXPECT_NE(sentence("%c = OpAccessChain %in1 %id %index\n%d = OpCopyObject %in1 %c\n"
                     "%a = OpLoad %u32 %d\nOpReturn",
                     declared, decorated)
                .find("OpCopyObject uses"),
            std::string::npos);
  // A chain that chooses nothing.
  EXPECT_NE(
      sentence("%c = OpAccessChain %in %id\n%a = OpLoad %uvec3 %c\nOpReturn", declared, decorated)
          .find("OpAccessChain uses"),
      std::string::npos);
  // Its push constants as a whole.
  EXPECT_NE(sentence("%a = OpLoad %uvec3 %id\n%b = OpLoad %block %push\nOpReturn",
                     declared + "%block = OpTypeStruct %u32\n"
                                "%to = OpTypePointer PushConstant %block\n"
                                "%push = OpVariable %to PushConstant\n",
                     decorated + "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n")
                .find("OpLoad uses"),
            std::string::npos);
}

}  // namespace
}  // namespace sokr::spirv
