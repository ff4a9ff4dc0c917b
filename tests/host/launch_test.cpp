// SPDX-License-Identifier: MIT OR Apache-2.0
#include "mocks.hpp"

namespace sokr::tests {
namespace {

struct LaunchTest : testing::Test {
  Context context{mocks({"ir", "add", "discrete", "integrated", "silent"})};
  Kernel kernel = context.kernel(bytes_of("MOCKtext"));
  std::array<std::uint8_t, 64> data{};

  Launch launch() {
    Launch launch;
    launch.threads(64).bind(0, 0, write(data));
    return launch;
  }
  std::string failure(const char* name, const Launch& given) {
    try {
      context.substrate(name).dispatch(kernel, given).wait();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(LaunchTest, RunsInPlace) {
  const Completion completion = context.substrate("mock:add").dispatch(kernel, launch());
  completion.wait();
  EXPECT_TRUE(completion.poll());
  EXPECT_TRUE(completion.wait_for(std::chrono::seconds(1)));
  EXPECT_FALSE(completion.device_time());
  EXPECT_EQ(data.front(), 1);
  EXPECT_EQ(data.back(), 1);
}

TEST_F(LaunchTest, FailuresCarryTheSubstratesSentence) {
  EXPECT_EQ(failure("mock:discrete", launch()), "mock:discrete: the mock refuses every launch");
  EXPECT_EQ(failure("mock:integrated", launch()), "mock:integrated: the mock fails every launch");
  EXPECT_EQ(failure("mock:silent", launch()),
            "mock:silent: the substrate could not start the work");
}

TEST_F(LaunchTest, BindingAgainReplaces) {
  std::array<std::uint8_t, 4> other{};
  Launch given = launch();
  given.bind(0, 0, write(other));
  context.substrate("mock:add").dispatch(kernel, given).wait();
  EXPECT_EQ(data.front(), 0);
  EXPECT_EQ(other.front(), 1);
}

TEST_F(LaunchTest, LongLaunchesAreWrittenWhole) {
  Launch given = launch();
  std::array<std::array<std::uint8_t, 2>, 100> many{};
  for (std::uint32_t i = 0; i < many.size(); ++i) given.bind(1, i, write(many[i]));
  context.substrate("mock:add").dispatch(kernel, given).wait();
  for (const auto& one : many) EXPECT_EQ(one[1], 1);
}

TEST_F(LaunchTest, WaitingForAnotherSubstrateIsRefused) {
  const Completion first = context.substrate("mock:integrated").dispatch(kernel, launch());
  Launch second = launch();
  second.after(first);
  EXPECT_NE(failure("mock:add", second).find("wait for that one on the host"), std::string::npos);
}

// A launch that is used again drops what it waited for, and what it specialized.
TEST_F(LaunchTest, WhatAddsUpCanBeCleared) {
  const Completion first = context.substrate("mock:integrated").dispatch(kernel, launch());
  Launch given = launch();
  given.after(first).after(first).specialize(3, 1.5f);
  EXPECT_NE(failure("mock:add", given), "");
  given.clear_after();
  EXPECT_EQ(failure("mock:add", given), "there are no specialization constants");
  given.clear_specializations();
  data = {};
  EXPECT_EQ(failure("mock:add", given), "");
  EXPECT_EQ(data.front(), 1);
}

TEST_F(LaunchTest, UnknownEntryPointsAndConstantsAreRefused) {
  Launch given = launch();
  given.entry("other");
  EXPECT_EQ(failure("mock:add", given), "the kernel has no entry point 'other'; it has 'main'");
  Launch specialized = launch();
  specialized.specialize(3, 1.5f);
  EXPECT_EQ(failure("mock:add", specialized), "there are no specialization constants");
}

TEST_F(LaunchTest, ALaunchWithoutASizeIsRefused) {
  Launch none;
  none.bind(0, 0, write(data));
  EXPECT_EQ(failure("mock:add", none),
            "the launch has no size; call groups, threads or groups_from to set it");
  EXPECT_EQ(data.front(), 0);
  // A size of 0 is a size.
  EXPECT_EQ(failure("mock:add", none.groups(0)), "");
  EXPECT_EQ(failure("mock:add", Launch().threads(0, 0, 0)), "");
}

TEST_F(LaunchTest, PushedNumbersAreComparedWithTheBlock) {
  const auto pushed = [&](auto... values) {
    Launch given = launch();
    (given.push(values), ...);
    return failure("mock:add", given);
  };
  const std::uint32_t n = 7;
  EXPECT_EQ(pushed(2.0f),
            "the push constant at byte 0 is given as f32, but the kernel has count (u32 at byte "
            "0) there; it takes count (u32 at byte 0), origin (vec2 at byte 8)");
  EXPECT_EQ(
      pushed(n, n, n),
      "the push constant at byte 8 is given as u32, but the kernel has f32 at byte 8 there, a "
      "part of origin (vec2 at byte 8); it takes count (u32 at byte 0), origin (vec2 at byte "
      "8)");
  // From the padding into a member, half a member, and two at once.
  EXPECT_NE(pushed(n, 1.0).find(
                "is given as f64, but the kernel has f32 at byte 8 there, a part of origin"),
            std::string::npos);
  EXPECT_NE(pushed(std::uint16_t{1}).find("has count (u32 at byte 0)"), std::string::npos);
  EXPECT_NE(pushed(std::uint64_t{1}).find("is given as u64"), std::string::npos);
  EXPECT_NE(pushed(n, n, 1.0f, n).find("at byte 12 is given as u32"), std::string::npos);
  // Signed and unsigned are alike; padding takes anything; so do bytes.
  EXPECT_EQ(pushed(n, n, 1.0f, 2.0f), "");
  EXPECT_EQ(pushed(-1, 0.0f, std::array<float, 2>{1, 2}), "");
  EXPECT_EQ(pushed(true, false, std::vector<float>{1, 2}), "");
  enum class Switch : bool { kOff, kOn };  // takes 4 bytes, as a bool does
  EXPECT_EQ(pushed(Switch::kOn, Switch::kOff, std::array<float, 2>{1, 2}), "");
  struct Block {
    std::uint32_t count, padding;
    float origin[2];
  };
  EXPECT_EQ(pushed(Block{}), "");
  Launch raw = launch();
  EXPECT_EQ(failure("mock:add", raw.push_bytes(std::as_bytes(std::span(data).first<16>()))), "");
  // What is dropped is not compared any more.
  EXPECT_EQ(failure("mock:add", launch().push(1.0f).clear_push().push(n)), "");
}

TEST_F(LaunchTest, SpecializationsAreComparedWithTheDeclaration) {
  Launch given = launch();
  const char* const refused =
      "specialization constant 5 (scale) is given as u32, but the kernel declares it as f32";
  EXPECT_EQ(failure("mock:add", given.specialize(5, 2u)), refused);
  EXPECT_EQ(failure("mock:add", given.specialize(5, 2.0f)), "");
  EXPECT_NE(failure("mock:add", given.specialize(5, 2.0)).find("given as f64"), std::string::npos);
  EXPECT_NE(failure("mock:add", given.specialize(5, true)).find("given as bool"),
            std::string::npos);
  // Bits have no type.
  EXPECT_EQ(failure("mock:add", given.specialize_bits(5, 4, 2)), "");
}

// A handle is a number, and the first one of both substrates is the same.
TEST(Buffers, AreOfTheSubstrateThatAllocatedThem) {
  const Context context(mocks({"ir", "memory", "memory_two"}));
  const Kernel kernel = mock_kernel(context);
  const Substrate own = context.substrate("mock:memory");
  const Substrate other = context.substrate("mock:memory-two");
  const Buffer buffer = own.allocate(16);
  EXPECT_EQ(buffer.handle(), other.allocate(16).handle());
  const auto refused = [&](const Substrate& on, const Launch& launch) {
    const Error error = failure_of([&] { on.dispatch(kernel, launch).wait(); });
    EXPECT_TRUE(error.code() == SOKR_OK || error.code() == SOKR_INVALID_INPUT);
    return std::string(error.what());
  };
  const char* const sentence =
      "mock:memory-two: what is bound at 2.3 is a buffer of 'mock:memory'; allocate one here, and "
      "write to it what that one holds";
  std::array<std::uint8_t, 4> data{};
  Launch bound;
  bound.groups(1).bind(0, 0, write(data)).bind(2, 3, buffer);
  EXPECT_EQ(refused(other, bound), sentence);
  EXPECT_EQ(data[0], 0);
  EXPECT_EQ(refused(own, bound), "");
  // The same by a view of a part, and what is bound again is what counts.
  View part = buffer.view(SOKR_ACCESS_READ);
  part.size = 8;
  EXPECT_EQ(refused(other, Launch().groups(1).bind(2, 3, 0, part)), sentence);
  EXPECT_EQ(refused(other, Launch(bound).bind(2, 3, write(data))), "");
  EXPECT_EQ(refused(other, Launch(bound).bind(0, 0, buffer).bind(2, 3, write(data))),
            "mock:memory-two: what is bound at 0.0 is a buffer of 'mock:memory'; allocate one "
            "here, and write to it what that one holds");

  Launch indirect;
  indirect.groups_from(buffer);
  EXPECT_EQ(refused(other, indirect),
            "mock:memory-two: the workgroup counts are in a buffer of 'mock:memory'; allocate one "
            "here");
  EXPECT_EQ(refused(own, indirect), "");
  EXPECT_EQ(refused(other, indirect.groups(1)), "");
}

TEST(PushTypes, AreThoseOfTheKernel) {
  enum class Narrow : std::uint8_t { kOne };
  struct Structure {
    int x;
  };
  static_assert(scalar_type<float>() == SOKR_IR_F32 && scalar_type<double>() == SOKR_IR_F64);
  static_assert(scalar_type<std::int8_t>() == SOKR_IR_I8 && scalar_type<Narrow>() == SOKR_IR_U8);
  static_assert(scalar_type<short>() == SOKR_IR_I16 && scalar_type<unsigned>() == SOKR_IR_U32);
  static_assert(scalar_type<long long>() == SOKR_IR_I64 && scalar_type<bool>() == SOKR_IR_U32);
  static_assert(scalar_type<std::size_t>() == SOKR_IR_U64 && !scalar_type<Structure>());
  EXPECT_STREQ(scalar_name(SOKR_IR_F16), "f16");
  EXPECT_STREQ(scalar_name(12), "unknown");
}

TEST_F(LaunchTest, EmptyHandlesSaySo) {
  EXPECT_THROW(Completion().wait(), Error);
  EXPECT_THROW(Buffer().address(), Error);
  Launch indirect;
  EXPECT_THROW(indirect.groups_from(Buffer()), Error);
  EXPECT_NE(failure("mock:add", indirect), "");  // it has no size
  EXPECT_THROW((void)context.substrate("mock:add").allocate(16), Error);
}

}  // namespace
}  // namespace sokr::tests
