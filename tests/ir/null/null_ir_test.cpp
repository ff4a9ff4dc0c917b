// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The skeleton of IR plugins, compiled here as C++: what it reads, and what it says of what it
// does not.
#include "null_ir.c"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace {

SokrIrRequest request_for(std::string_view text) {
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = reinterpret_cast<const std::uint8_t*>(text.data());
  request.size = text.size();
  request.target = PORTS_NULL_FORMAT;
  return request;
}

TEST(NullIr, GivesEachPortAPlace) {
  const SokrIrRequest request = request_for(
      "ports 1\nfit\nin a u8\nin x f32[]\nin b f64\ninout y u16[,3,2]\nout z i64[5]\nend\n");
  const SokrIrReflection* reflection = nullptr;
  char sentence[128] = "unwritten";
  ASSERT_EQ(ports_plugin.reflect_request(&request, &reflection, sentence, sizeof sentence), SOKR_OK)
      << sentence;
  const SokrIrEntryPoint& entry = reflection->entry_points[0];
  EXPECT_STREQ(entry.name, "fit");
  EXPECT_EQ(entry.push_size, 16u);
  ASSERT_EQ(entry.push_member_count, 2u);
  EXPECT_EQ(entry.push_members[1].offset, 8u);
  ASSERT_EQ(entry.binding_count, 3u);
  EXPECT_EQ(entry.bindings[0].runtime_stride, 4u);
  EXPECT_EQ(entry.bindings[1].runtime_stride, 12u);
  EXPECT_EQ(entry.bindings[1].access, std::uint32_t{SOKR_IR_READ | SOKR_IR_WRITE});
  EXPECT_EQ(entry.bindings[2].runtime_stride, 0u);
  EXPECT_EQ(entry.bindings[2].min_size, 40u);
  ASSERT_EQ(entry.port_count, 5u);
  EXPECT_EQ(entry.ports[2].offset, 8u);
  EXPECT_EQ(entry.ports[3].binding, 1u);
  EXPECT_EQ(entry.ports[3].rank, 3u);
  EXPECT_EQ(entry.ports[3].shape[0], SOKR_IR_ANY_EXTENT);
  EXPECT_EQ(entry.ports[3].shape[2], 2u);
  ports_plugin.free_reflection(reflection);
}

TEST(NullIr, LowersToTheNullSubstratesFormat) {
  SokrIrRequest request = request_for("ports 1\nfit\nend\n");
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(ports_plugin.lower_request(&request, &out, &size, nullptr, 0), SOKR_OK);
  EXPECT_EQ(std::string_view(reinterpret_cast<char*>(out), size), "NULLports 1\nfit\nend\n");
  ports_plugin.free_lowered(out);
}

TEST(NullIr, SaysWhatIsWrongAndWhere) {
  std::string many = "ports 1\nm\n", deep = "ports 1\nm\nin x u8[1";
  for (int i = 0; i < 65; ++i) many += "in p" + std::to_string(i) + " u8\n";
  for (int i = 0; i < 300; ++i) deep += ",1";
  const struct {
    std::string text;
    SokrResult code;
    const char* sentence;
  } cases[] = {
      {"ports 2\n", SOKR_INVALID_IR, "line 1: the text does not begin with 'ports 1'"},
      {"ports 1\n\n\n!", SOKR_INVALID_IR,
       "line 4: the name of the entry point is missing, alone in its line"},
      {"ports 1\nm\nup x u8\nend\n", SOKR_INVALID_IR,
       "line 3: 'up' is no direction; there are in, out, inout, and end at the end"},
      {"ports 1\nm\nin x vec4\nend\n", SOKR_INVALID_IR,
       "line 3: the type of 'x' is none; types are written like u32 or f16"},
      {"ports 1\nm\nin x u8 y\nend\n", SOKR_INVALID_IR,
       "line 3: there is more behind the type of 'x', or the text ends"},
      {"ports 1\nm\nin x u8[0]\nend\n", SOKR_INVALID_IR,
       "line 3: an extent of 'x' is no number from 1 to 999999999"},
      {"ports 1\nm\nin x u8[4,]\nend\n", SOKR_INVALID_IR,
       "line 3: an extent of 'x' is no number from 1 to 999999999"},
      {"ports 1\nm\nin x u8[4\nend\n", SOKR_INVALID_IR,
       "line 3: a ] is missing behind the extents of 'x'"},
      {"ports 1\nm\nin x u8\nin x u8\nend\n", SOKR_INVALID_IR, "line 4: there are two ports 'x'"},
      {"ports 1\nm\nout x u8\nend\n", SOKR_INVALID_IR,
       "line 3: 'x' is given out, so it is an array: u8[1] has one element"},
      {"ports 1\nm\nin x u8[999999999,999999999,999999999,999999999]\nend\n",
       SOKR_CAPABILITY_DENIED, "line 3: 'x' has more than 2^32-1 bytes"},
      {"ports 1\nm\nend\nin x u8\n", SOKR_INVALID_IR,
       "line 4: the text ends with the line 'end'; this one does not"},
      {std::string("ports 1\nm\n\0end\n", 15), SOKR_INVALID_IR,
       "line 3: a direction, or end, is missing: in, out or inout"},
      {many + "end\n", SOKR_CAPABILITY_DENIED, "line 67: more than 64 ports"},
      {deep, SOKR_CAPABILITY_DENIED, "line 3: 'x' has more than 4 extents"},
      {"ports 1\nm\nin " + std::string(5000, 'x'), SOKR_INVALID_IR,
       "line 3: a name of at most 31 letters is missing behind 'in'"},
      {"ports 1\n" + std::string(70000, '\n'), SOKR_CAPABILITY_DENIED,
       "the text has more than 65536 bytes"},
  };
  for (const auto& [text, code, expected] : cases) {
    const SokrIrRequest request = request_for(text);
    char sentence[128] = "unwritten";
    EXPECT_EQ(ports_plugin.validate_request(&request, sentence, sizeof sentence), code) << sentence;
    EXPECT_STREQ(sentence, expected);
  }
}

}  // namespace
