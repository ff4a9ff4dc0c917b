// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <sokr/base/pages.hpp>
#include <sokr/substrate/host_launches.hpp>
#include <sokr/substrate/host_memory.hpp>
#include <thread>
#include <vector>

#include "launch_builder.hpp"

namespace sokr::substrate {
namespace {

template <class T>
void expect_refused(const Result<T>& result, SokrResult code, const std::string& part) {
  ASSERT_FALSE(result) << part;
  EXPECT_EQ(result.code(), code);
  EXPECT_NE(result.failure().sentence.find(part), std::string::npos) << result.failure().sentence;
}

TEST(HostMemory, BuffersAreZeroAndAligned) {
  HostMemory memory;
  for (std::uint64_t size : {UINT64_C(1), UINT64_C(63), UINT64_C(4096), UINT64_C(262143),
                             UINT64_C(262144), UINT64_C(1) << 22, (UINT64_C(1) << 22) + 5}) {
    const auto buffer = memory.create(size, SOKR_BUFFER_HOST_VISIBLE);
    ASSERT_TRUE(buffer) << size;
    auto* data = static_cast<unsigned char*>(*memory.map(*buffer));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % (size < kLargePage ? 64 : kLargePage), 0u);
    EXPECT_TRUE(std::all_of(data, data + size, [](unsigned char c) { return c == 0; }));
    std::memset(data, 1, size);
    EXPECT_TRUE(memory.free(*buffer));
  }
  EXPECT_EQ(memory.buffer_count(), 0u);
}

TEST(HostMemory, RefusesBadRequests) {
  HostMemory memory({.max_buffer_size = 1000});
  expect_refused(memory.create(0, 0), SOKR_INVALID_INPUT, "at least 1 byte");
  expect_refused(memory.create(4, 8), SOKR_INVALID_INPUT, "unknown buffer flags 0x8");
  expect_refused(memory.create(1001, 0), SOKR_INVALID_INPUT, "limit of 1000");
  HostMemory unlimited;
  expect_refused(unlimited.create(UINT64_MAX, 0), SOKR_DISPATCH_FAILED, "out of memory");
  expect_refused(unlimited.create(UINT64_C(1) << 62, 0), SOKR_DISPATCH_FAILED, "out of memory");
  for (SokrBuffer bad : {UINT64_C(0), UINT64_C(1), UINT64_MAX}) {
    expect_refused(memory.free(bad), SOKR_INVALID_INPUT, "no buffer");
    expect_refused(memory.map(bad), SOKR_INVALID_INPUT, "no buffer");
    expect_refused(memory.address(bad), SOKR_INVALID_INPUT, "no buffer");
    expect_refused(memory.read(bad, 0, nullptr, 0), SOKR_INVALID_INPUT, "no buffer");
    expect_refused(memory.write(bad, 0, nullptr, 0), SOKR_INVALID_INPUT, "no buffer");
  }
}

TEST(HostMemory, ReadsAndWritesWithinTheBuffer) {
  HostMemory memory;
  const SokrBuffer buffer = *memory.create(16, 0);
  const std::uint32_t in = 0x12345678;
  std::uint32_t out = 0;
  EXPECT_TRUE(memory.write(buffer, 12, &in, 4));
  EXPECT_TRUE(memory.read(buffer, 12, &out, 4));
  EXPECT_EQ(out, in);
  EXPECT_TRUE(memory.read(buffer, 16, nullptr, 0));
  expect_refused(memory.write(buffer, 13, &in, 4), SOKR_INVALID_INPUT,
                 "the write covers 4 bytes from offset 13, but its buffer has 16 bytes");
  expect_refused(memory.read(buffer, 17, &out, 0), SOKR_INVALID_INPUT, "offset 17");
  expect_refused(memory.read(buffer, UINT64_MAX, &out, 4), SOKR_INVALID_INPUT, "but its buffer");
  expect_refused(memory.read(buffer, 4, &out, UINT64_MAX), SOKR_INVALID_INPUT, "but its buffer");
  expect_refused(memory.read(buffer, 0, nullptr, 4), SOKR_INVALID_INPUT, "null address");
  expect_refused(memory.write(buffer, 0, nullptr, 4), SOKR_INVALID_INPUT, "null address");
}

TEST(HostMemory, CopiesWithinAndBetweenBuffers) {
  HostMemory memory;
  const SokrBuffer a = *memory.create(16, 0), b = *memory.create(8, 0);
  const std::uint32_t in[2] = {1, 2};
  std::uint32_t out[2] = {};
  ASSERT_TRUE(memory.write(a, 0, in, 8));
  EXPECT_TRUE(memory.copy(a, 0, b, 0, 8));
  ASSERT_TRUE(memory.read(b, 0, out, 8));
  EXPECT_EQ(out[1], 2u);
  EXPECT_TRUE(memory.copy(a, 4, a, 12, 4));
  EXPECT_TRUE(memory.copy(a, 4, a, 8, 4)) << "they touch, and do not overlap";
  ASSERT_TRUE(memory.read(a, 8, out, 8));
  EXPECT_EQ(out[0], 2u);
  EXPECT_EQ(out[1], 2u);
  EXPECT_TRUE(memory.copy(a, 16, b, 8, 0));
  expect_refused(
      memory.copy(a, 4, a, 7, 4), SOKR_INVALID_INPUT,
      "the copy of 4 bytes from offset 4 to offset 7 of the same buffer overlaps itself");
  expect_refused(memory.copy(a, 7, a, 4, 4), SOKR_INVALID_INPUT, "overlaps itself");
  expect_refused(memory.copy(a, 0, b, 1, 8), SOKR_INVALID_INPUT,
                 "the copy covers 8 bytes from offset 1, but its buffer has 8 bytes");
  expect_refused(memory.copy(a, UINT64_MAX, b, 0, 8), SOKR_INVALID_INPUT, "but its buffer");
  expect_refused(memory.copy(a, 0, b, 0, UINT64_MAX), SOKR_INVALID_INPUT, "but its buffer");
  expect_refused(memory.copy(a, 0, 99, 0, 1), SOKR_INVALID_INPUT, "no buffer 99");
  expect_refused(memory.copy(0, 0, b, 0, 1), SOKR_INVALID_INPUT, "no buffer 0");
}

TEST(HostMemory, FlagsSayWhatABufferCan) {
  HostMemory memory;
  const SokrBuffer plain = *memory.create(4, SOKR_BUFFER_DEFAULT);
  const SokrBuffer both = *memory.create(4, SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS);
  expect_refused(memory.map(plain), SOKR_INVALID_INPUT, "SOKR_BUFFER_HOST_VISIBLE");
  expect_refused(memory.address(plain), SOKR_INVALID_INPUT, "SOKR_BUFFER_ADDRESS");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(*memory.map(both)), *memory.address(both));
}

TEST(HostMemory, HandlesAreNotReused) {
  HostMemory memory;
  const SokrBuffer first = *memory.create(4, 0);
  EXPECT_TRUE(memory.free(first));
  const SokrBuffer second = *memory.create(4, 0);
  EXPECT_NE(first, second);
  expect_refused(memory.free(first), SOKR_INVALID_INPUT, "never made, or freed");
  EXPECT_EQ(memory.buffer_count(), 1u);
}

TEST(HostMemory, ALaunchKeepsWhatItUses) {
  HostMemory memory;
  const SokrBuffer buffer = *memory.create(1 << 20, SOKR_BUFFER_ADDRESS);
  const auto range =
      memory.resolve(SokrBinding{0, 0, 0, SOKR_BINDING_BUFFER, 3, 0, buffer, 1 << 10, 64});
  ASSERT_TRUE(range) << range.failure().sentence;
  EXPECT_EQ(range->size, 64u);
  EXPECT_TRUE(memory.free(buffer));
  std::memset(range->data, 7, 64);  // still there
  EXPECT_EQ(memory.locate(reinterpret_cast<std::uintptr_t>(range->data)).owner, nullptr);
}

TEST(HostMemory, ImportsInPlace) {
  HostMemory memory({.import_alignment = 64});
  alignas(64) unsigned char host[128] = {};
  const auto buffer = memory.import_host(host, sizeof host);
  ASSERT_TRUE(buffer);
  const unsigned char seven = 7;
  EXPECT_TRUE(memory.write(*buffer, 100, &seven, 1));
  EXPECT_EQ(host[100], 7);
  EXPECT_EQ(*memory.map(*buffer), host);
  const auto again = memory.import_host(host, sizeof host);
  ASSERT_TRUE(again) << "the same memory twice is allowed";
  EXPECT_TRUE(memory.free(*buffer));
  EXPECT_TRUE(memory.free(*again));
  EXPECT_EQ(host[100], 7);

  expect_refused(memory.import_host(nullptr, 64), SOKR_INVALID_INPUT, "not null");
  expect_refused(memory.import_host(host, 0), SOKR_INVALID_INPUT, "at least 1 byte");
  expect_refused(memory.import_host(host + 1, 64), SOKR_INVALID_INPUT, "multiples of 64");
  expect_refused(memory.import_host(host, 65), SOKR_INVALID_INPUT, "multiples of 64");
  expect_refused(memory.import_host(host, UINT64_MAX - 63), SOKR_INVALID_INPUT, "address space");
  HostMemory without({.import_alignment = 0});
  expect_refused(without.import_host(host, 64), SOKR_CAPABILITY_DENIED, "cannot import");
}

TEST(HostMemory, ResolvesBindings) {
  HostMemory memory;
  std::uint32_t host[4] = {1, 2, 3, 4};
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(host));
  auto range = memory.resolve(SokrBinding{0, 0, 0, SOKR_BINDING_HOST, 1, 0, address, 4, 8});
  ASSERT_TRUE(range);
  EXPECT_EQ(reinterpret_cast<std::uint32_t*>(range->data), host + 1);
  EXPECT_EQ(range->owner, nullptr);
  range = memory.resolve(SokrBinding{0, 0, 0, SOKR_BINDING_NULL, 0, 0, 99, 4, 8});
  ASSERT_TRUE(range);
  EXPECT_EQ(range->data, nullptr);
  EXPECT_EQ(range->size, 0u);
  expect_refused(memory.resolve(SokrBinding{0, 0, 0, SOKR_BINDING_HOST, 1, 0, UINT64_MAX, 4, 8}),
                 SOKR_INVALID_INPUT, "not host memory");
  expect_refused(memory.resolve(SokrBinding{1, 2, 3, SOKR_BINDING_BUFFER, 1, 0, 77, 0, 8}),
                 SOKR_INVALID_INPUT, "binding 1.2[3]: there is no buffer 77");
  const SokrBuffer buffer = *memory.create(16, 0);
  expect_refused(memory.resolve(SokrBinding{0, 1, 0, SOKR_BINDING_BUFFER, 1, 0, buffer, 12, 8}),
                 SOKR_INVALID_INPUT,
                 "binding 0.1[0] covers 8 bytes from offset 12, but its buffer has 16 bytes");
  expect_refused(memory.resolve(buffer, 8, 12, "the indirect buffer"), SOKR_INVALID_INPUT,
                 "the indirect buffer covers 12 bytes from offset 8");
  EXPECT_TRUE(memory.resolve(buffer, 4, 12, "the indirect buffer"));
}

TEST(HostMemory, LocatesAddresses) {
  HostMemory memory;
  const SokrBuffer a = *memory.create(100, SOKR_BUFFER_ADDRESS);
  const std::uint64_t start = *memory.address(a);
  EXPECT_EQ(memory.locate(start).size, 100u);
  EXPECT_EQ(memory.locate(start + 99).size, 100u);
  EXPECT_EQ(memory.locate(start + 100).owner, nullptr);
  EXPECT_EQ(memory.locate(start - 1).owner, nullptr);
  EXPECT_EQ(memory.locate(0).owner, nullptr);
  EXPECT_EQ(memory.locate(UINT64_MAX).owner, nullptr);
}

TEST(HostMemory, LocatesAddressesOfWhatWasImportedTwice) {
  HostMemory memory;
  std::vector<std::byte> bytes(4096);
  const auto start = reinterpret_cast<std::uint64_t>(bytes.data());
  const SokrBuffer all = *memory.import_host(bytes.data(), 4096);
  const SokrBuffer inner = *memory.import_host(bytes.data() + 1024, 256);
  const SokrBuffer first = *memory.import_host(bytes.data(), 64);
  for (const std::uint64_t offset : {0, 63, 64, 1000, 1024, 1279, 1280, 4095}) {
    EXPECT_EQ(memory.locate(start + offset).size, 4096u) << offset;
  }
  EXPECT_EQ(memory.locate(start + 4096).owner, nullptr);
  ASSERT_TRUE(memory.free(all));
  EXPECT_EQ(memory.locate(start + 63).size, 64u);
  EXPECT_EQ(memory.locate(start + 64).owner, nullptr);
  EXPECT_EQ(memory.locate(start + 1279).size, 256u);
  EXPECT_EQ(memory.locate(start + 1280).owner, nullptr);
  ASSERT_TRUE(memory.free(inner));
  ASSERT_TRUE(memory.free(first));

  // Within a buffer of the substrate's own.
  const SokrBuffer own = *memory.create(4096, SOKR_BUFFER_HOST_VISIBLE | SOKR_BUFFER_ADDRESS);
  auto* mapped = static_cast<std::byte*>(*memory.map(own));
  ASSERT_TRUE(memory.import_host(mapped + 64, 64));
  EXPECT_EQ(memory.locate(reinterpret_cast<std::uint64_t>(mapped) + 2048).size, 4096u);
}

// A launch that names a handle which another thread is given while the launch is looked at.
TEST(HostMemory, ABufferMadeAfterTheLaunchIsNotThere) {
  HostLaunches launches{HostLaunchOptions{}};
  testing_support::LaunchBuilder builder;
  builder.bind(0, 0, 16);
  builder.bindings[0].kind = SOKR_BINDING_BUFFER;
  builder.bindings[0].resource = 1;
  const std::vector<std::uint8_t> bytes = builder.bytes();
  const auto launch = LaunchView::parse(bytes.data(), bytes.size());
  ASSERT_TRUE(launch) << launch.failure().sentence;
  LaunchMemory before;
  before.ranges.resize(1);
  before.is_whole = false;
  ir::EntryReflection entry;
  entry.local_size = {1, 1, 1};
  entry.bindings.resize(1);
  entry.bindings[0].kind = SOKR_IR_STORAGE_BUFFER;
  entry.bindings[0].count = 1;
  const auto sentence = [&] {
    const auto judged = launches.judge({}, *launch, before, entry);
    return judged ? "accepted" : judged.failure().sentence;
  };
  EXPECT_EQ(sentence(),
            "binding 0.0[0]: there is no buffer 1 on this substrate: never made, or freed");
  ASSERT_EQ(*launches.memory().create(64, 0), 1u);
  EXPECT_EQ(sentence(), "binding 0.0[0]: there was no buffer 1 before the launch");
}

TEST(HostMemory, ManyThreadsCreateUseAndFree) {
  HostMemory memory;
  const SokrBuffer common = *memory.create(64, 0);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 300; ++i) {
        const SokrBuffer mine = *memory.create(8 + i, SOKR_BUFFER_ADDRESS);
        std::uint32_t value = t * 1000 + i, back = 0;
        ASSERT_TRUE(memory.write(mine, 4, &value, 4));
        ASSERT_TRUE(memory.read(mine, 4, &back, 4));
        ASSERT_EQ(back, value);
        ASSERT_NE(memory.locate(*memory.address(mine)).owner, nullptr);
        ASSERT_TRUE(memory.write(common, 8 * t, &value, 4));
        ASSERT_TRUE(memory.free(mine));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(memory.buffer_count(), 1u);
}

}  // namespace
}  // namespace sokr::substrate
