// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Reflections go to the C tables and come back, of either size, and tables that make no sense are
// refused.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <sokr/ir/reflection.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sokr::ir {
namespace {

// No member has the value of another, or its default.
Reflection full() {
  Binding image;
  image.set = 1;
  image.binding = 2;
  image.count = 0;
  image.kind = SOKR_IR_STORAGE_IMAGE;
  image.access = SOKR_IR_READ | SOKR_IR_WRITE;
  image.min_size = UINT64_C(5) << 33;
  image.runtime_stride = 6;
  image.name = "picture";
  image.scalars = 1u << SOKR_IR_F16;
  image.dimension = SOKR_IMAGE_3D;
  image.image_flags = SOKR_IMAGE_ARRAYED;
  image.image_format = SOKR_IMAGE_R32U;
  image.sampled_type = SOKR_IR_U32;
  EntryReflection entry;
  entry.name = "first";
  entry.local_size = {7, 8, 9};
  entry.local_size_source = SOKR_IR_LOCAL_SIZE_ID;
  entry.local_size_spec_ids = {10, 11, 12};
  entry.workgroup_bytes = UINT64_C(13) << 33;
  entry.bindings = {image, Binding{}};
  entry.push_constant_size = 14;
  entry.push_constants = {{"n", 15, 16, "vec4", 17}, {"m", 18, 19, "u32", 0}};
  entry.push_scalars = {{20, SOKR_IR_I8}, {21, SOKR_IR_F64}};
  Port port;
  port.name = "x";
  port.shape = {SOKR_IR_ANY_EXTENT, 22};
  port.direction = SOKR_IR_IN_OUT;
  port.kind = SOKR_IR_PORT_PARAMETER;
  port.type = SOKR_IR_I64;
  port.set = 23;
  port.binding = 24;
  port.offset = 25;
  Port scalar;
  scalar.name = "y";
  entry.ports = {port, scalar};
  EntryReflection second;
  second.name = "second";
  Reflection all;
  all.entry_points = {entry, second};
  all.spec_constants = {{26, SOKR_IR_BOOL, 27, 28, "width"}, {29, SOKR_IR_F32, 30, 31, ""}};
  all.capabilities = {"Shader", "Int64"};
  all.extensions = {"SPV_KHR_something"};
  return all;
}

// Every member in turn, so that two are equal where their texts are.
std::string text(const Reflection& all) {
  std::string out;
  const auto say = [&](const auto&... values) { ((out += fmt::format("{} ", values)), ...); };
  for (const EntryReflection& entry : all.entry_points) {
    say(entry.name, int{entry.local_size_source}, entry.workgroup_bytes, entry.push_constant_size,
        entry.knows_scalars, entry.knows_reads);
    for (std::size_t i = 0; i < 3; ++i) say(entry.local_size[i], entry.local_size_spec_ids[i]);
    for (const Binding& b : entry.bindings) {
      say(b.set, b.binding, b.count, int{b.kind}, b.access, b.min_size, b.runtime_stride, b.name,
          b.scalars, int{b.dimension}, b.image_flags, int{b.image_format}, int{b.sampled_type});
    }
    for (const PushConstantMember& m : entry.push_constants)
      say(m.name, m.offset, m.size, m.type, m.read_end);
    for (const SokrIrPushScalar& s : entry.push_scalars) say(s.offset, s.type);
    for (const Port& p : entry.ports) {
      say(p.name, int{p.direction}, int{p.kind}, int{p.type}, p.set, p.binding, p.offset);
      for (const std::uint64_t extent : p.shape) say(extent);
    }
    out += "\n";
  }
  for (const SpecConstantReflection& c : all.spec_constants)
    say(c.id, int{c.type}, c.default_value, c.declarations, c.name);
  for (const std::string& name : all.capabilities) say(name);
  for (const std::string& name : all.extensions) say(name);
  return out;
}

using Table = std::unique_ptr<const SokrIrReflection, void (*)(const SokrIrReflection*)>;
Table table_of(Reflection reflection, const TableSizes& sizes = {}) {
  return {new_reflection(std::move(reflection), sizes), free_reflection};
}

TEST(ReflectionTables, EveryMemberComesBack) {
  const Table table = table_of(full());
  const auto read = read_reflection(table.get());
  ASSERT_TRUE(read) << read.failure().sentence;
  EXPECT_EQ(text(*read), text(full()));
}

TEST(ReflectionTables, ThroughVersion1_0WithoutWhatThatDoesNotHave) {
  Reflection expected = full();
  expected.entry_points[0].ports.clear();
  for (Binding& b : expected.entry_points[0].bindings) {
    b.dimension = SOKR_IMAGE_NONE;
    b.image_flags = 0;
    b.image_format = SOKR_IMAGE_FORMAT_NONE;
    b.sampled_type = {};
  }
  const Table table = table_of(full(), kSizes1_0);
  EXPECT_EQ(table->entry_point_size, SOKR_IR_ENTRY_POINT_SIZE_1_0);
  const auto read = read_reflection(table.get());
  ASSERT_TRUE(read) << read.failure().sentence;
  EXPECT_EQ(text(*read), text(expected));
}

TEST(ReflectionTables, WhatIsNotKnownStaysUnknown) {
  Reflection given = full();
  given.entry_points[1].knows_scalars = given.entry_points[1].knows_reads = false;
  const Table table = table_of(given);
  EXPECT_EQ(table->entry_types, nullptr);  // of all, or of none
  const auto read = read_reflection(table.get());
  ASSERT_TRUE(read) << read.failure().sentence;
  EXPECT_FALSE(read->entry_points[0].knows_scalars);
  EXPECT_FALSE(read->entry_points[0].knows_reads);
  EXPECT_TRUE(read->entry_points[0].push_scalars.empty());

  given = full();
  for (EntryReflection& entry : given.entry_points) entry.knows_reads = false;
  const Table reads = table_of(given);
  ASSERT_NE(reads->entry_types, nullptr);
  EXPECT_EQ(reads->entry_types[0].push_read_ends, nullptr);
  const auto again = read_reflection(reads.get());
  ASSERT_TRUE(again) << again.failure().sentence;
  EXPECT_TRUE(again->entry_points[0].knows_scalars);
  EXPECT_FALSE(again->entry_points[0].knows_reads);
}

TEST(ReflectionTables, NothingIsKeptOfWhatWasGiven) {
  Reflection given = full();
  Table table = table_of(given);
  given = {};
  const auto read = read_reflection(table.get());
  table.reset();
  ASSERT_TRUE(read);
  EXPECT_EQ(text(*read), text(full()));
}

TEST(ReflectionTables, TablesThatMakeNoSenseAreRefused) {
  const auto refused = [](auto change) {
    const Table table = table_of(full());
    change(*const_cast<SokrIrReflection*>(table.get()));
    const auto read = read_reflection(table.get());
    EXPECT_FALSE(read);
    return read ? std::string() : read.failure().sentence;
  };
  const auto entry = [](SokrIrReflection& all) -> SokrIrEntryPoint& {
    return *const_cast<SokrIrEntryPoint*>(all.entry_points);
  };
  EXPECT_EQ(refused([](SokrIrReflection& all) { all.struct_size = 8; }),
            "its SokrIrReflection says that it is 8 bytes long; at least 16 are needed");
  EXPECT_EQ(refused([](SokrIrReflection& all) { all.entry_point_size = 16; }),
            fmt::format("its SokrIrEntryPoint is said to be 16 bytes long; it is at least {}",
                        SOKR_IR_ENTRY_POINT_SIZE_1_0));
  EXPECT_EQ(refused([&](SokrIrReflection& all) { entry(all).name = nullptr; }),
            "its entry point 0 has no name");
  EXPECT_EQ(refused([&](SokrIrReflection& all) {
              const_cast<SokrIrBinding*>(entry(all).bindings)[1].name = nullptr;
            }),
            "its binding 1 has no name");
  EXPECT_EQ(refused([&](SokrIrReflection& all) {
              const_cast<SokrIrPushMember*>(entry(all).push_members)[1].type = nullptr;
            }),
            "its push constant 1 has no type");
  EXPECT_EQ(refused([&](SokrIrReflection& all) {
              const_cast<SokrIrPort*>(entry(all).ports)[1].name = "";
            }),
            "its port 1 has no name");
  EXPECT_EQ(refused([&](SokrIrReflection& all) {
              const_cast<SokrIrPort*>(entry(all).ports)[0].shape = nullptr;
            }),
            "its port x has 2 dimensions and no shape");
  EXPECT_EQ(refused([](SokrIrReflection& all) {
              const_cast<const char**>(all.capabilities)[1] = nullptr;
            }),
            "its capability 1 has no name");
  EXPECT_EQ(read_reflection(nullptr).failure().sentence, "its SokrIrReflection is null");
}

TEST(ReflectionTables, NumbersThatMeanNothingAreRefused) {
  struct Tables {
    SokrIrReflection& all;
    SokrIrEntryPoint& entry() { return *const_cast<SokrIrEntryPoint*>(all.entry_points); }
    SokrIrBinding& binding() { return const_cast<SokrIrBinding*>(entry().bindings)[1]; }
    SokrIrPort& port() { return const_cast<SokrIrPort*>(entry().ports)[1]; }
    SokrIrSpecConstant& constant() { return *const_cast<SokrIrSpecConstant*>(all.spec_constants); }
    SokrIrPushScalar& push_scalar() {
      return *const_cast<SokrIrPushScalar*>(all.entry_types->push_scalars);
    }
  };
  struct {
    void (*change)(Tables);
    const char* says;
  } const kCases[] = {
      {[](Tables t) { t.entry().local_size_source = 4; },
       "its entry point 0 has the source of its workgroup size 4, which is none"},
      {[](Tables t) { t.binding().kind = 99; }, "its binding 1 has the kind 99, which is none"},
      {[](Tables t) { t.binding().access = 4; }, "its binding 1 has the access 4, which is none"},
      {[](Tables t) { t.binding().dimension = 6; },
       "its binding 1 has the dimension 6, which is none"},
      {[](Tables t) { t.binding().image_format = 42; },
       "its binding 1 has the image format 42, which is none"},
      {[](Tables t) { t.binding().image_format = 69; },
       "its binding 1 has the image format 69, which is none"},
      {[](Tables t) { t.binding().sampled_type = 12; },
       "its binding 1 has the sampled type 12, which is none"},
      {[](Tables t) { t.port().direction = 9; }, "its port 1 has the direction 9, which is none"},
      {[](Tables t) { t.port().direction = 0; }, "its port 1 has the direction 0, which is none"},
      {[](Tables t) { t.port().kind = 2; }, "its port 1 has the kind 2, which is none"},
      {[](Tables t) { t.port().type = 77; }, "its port 1 has the type 77, which is none"},
      {[](Tables t) { t.constant().type = 12; },
       "its specialization constant 0 has the type 12, which is none"},
      {[](Tables t) { t.push_scalar().type = 12; },
       "its push scalar 0 has the type 12, which is none"},
  };
  for (const auto& [change, says] : kCases) {
    const Table table = table_of(full());
    change({*const_cast<SokrIrReflection*>(table.get())});
    const auto read = read_reflection(table.get());
    ASSERT_FALSE(read) << says;
    EXPECT_EQ(read.failure().sentence, says);
  }
}

}  // namespace
}  // namespace sokr::ir
