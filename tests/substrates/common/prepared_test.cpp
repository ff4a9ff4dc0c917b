// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <sokr/substrate/prepared.hpp>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace sokr::substrate {
namespace {

const std::uint8_t kIr[] = {1, 2, 3, 4};

SokrKernelInfo an_info() {
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = kIr;
  info.ir_size = sizeof kIr;
  return info;
}

std::string refusal(const SokrKernelInfo* info, SokrResult code) {
  const auto source = KernelSource::copy(info);
  if (source) return "it was taken";
  EXPECT_EQ(source.code(), code);
  return source.failure().sentence;
}

TEST(Prepared, TheIrOfAHandleIsToldFromOthers) {
  const SokrPreparedIr ir = sokr_prepared_ir(77);
  const auto bytes = [](const auto& from) {
    return std::span(reinterpret_cast<const std::uint8_t*>(&from), sizeof from);
  };
  EXPECT_EQ(prepared_kernel(bytes(ir)), 77u);
  EXPECT_FALSE(prepared_kernel(bytes(ir).first(15)));
  EXPECT_FALSE(prepared_kernel({}));
  SokrPreparedIr other = ir;
  other.magic = 0x07230203;
  EXPECT_FALSE(prepared_kernel(bytes(other)));
  other = ir;
  other.version = 2;
  EXPECT_FALSE(prepared_kernel(bytes(other)));
}

TEST(Prepared, WhatIsSaidIsCopied) {
  std::string entry = "square";
  SokrSpecialization constants[] = {{4, 4, 40}, {2, 8, 20}};
  SokrKernelInfo info = an_info();
  info.entry = entry.c_str();
  info.specializations = constants;
  info.specialization_count = 2;
  info.specialization_size = sizeof constants[0];
  info.local_size[0] = 8;
  info.local_size[1] = info.local_size[2] = 2;
  info.subgroup_size = 16;
  info.computation_id.bytes[3] = 9;
  const auto copied = KernelSource::copy(&info), again = KernelSource::copy(&info);
  ASSERT_TRUE(copied.ok()) << copied.failure().sentence;
  EXPECT_NE((*again)->serial(), (*copied)->serial());
  entry = "gone";
  constants[0] = {};
  const KernelSource& source = **copied;
  EXPECT_EQ(source.format(), SOKR_IR_SPIRV);
  EXPECT_EQ(std::vector(source.ir().begin(), source.ir().end()), std::vector(kIr, kIr + 4));
  EXPECT_EQ(source.launch().entry(), "square");
  ASSERT_EQ(source.launch().specialization_count(), 2u);
  EXPECT_EQ(source.launch().specialization(0).value, 40u);
  EXPECT_EQ(source.launch().specialization(1).id, 2u);
  EXPECT_EQ(source.launch().local_size(), (std::array<std::uint32_t, 3>{8, 2, 2}));
  EXPECT_EQ(source.launch().subgroup_size(), 16u);
  EXPECT_EQ(source.request().computation_id.bytes[3], 9);
  EXPECT_EQ(source.request().ir_data, source.ir().data());
}

TEST(Prepared, ElementsOfALaterVersionAreRead) {
  struct Later {
    SokrSpecialization known;
    std::uint64_t more;
  } constants[] = {{{1, 4, 10}, 0}, {{2, 4, 20}, 0}};
  SokrKernelInfo info = an_info();
  info.specializations = &constants[0].known;
  info.specialization_count = 2;
  info.specialization_size = sizeof constants[0];
  const auto source = KernelSource::copy(&info);
  ASSERT_TRUE(source.ok()) << source.failure().sentence;
  EXPECT_EQ((*source)->launch().specialization(1).value, 20u);
  constants[1].more = 1;
  EXPECT_NE(refusal(&info, SOKR_CAPABILITY_DENIED).find("newer version"), std::string::npos);
}

TEST(Prepared, WhatMakesNoSenseIsRefused) {
  EXPECT_EQ(refusal(nullptr, SOKR_INVALID_INPUT), "its SokrKernelInfo is null");
  SokrKernelInfo info = an_info();
  info.struct_size = 16;
  EXPECT_NE(refusal(&info, SOKR_INVALID_INPUT).find("says that it has 16 bytes"),
            std::string::npos);
  info = an_info();
  info.ir_size = 0;
  EXPECT_EQ(refusal(&info, SOKR_INVALID_INPUT), "it has no IR");
  info = an_info();
  info.reserved = 1;
  EXPECT_NE(refusal(&info, SOKR_INVALID_INPUT).find("reserved"), std::string::npos);
  info = an_info();
  info.local_size[1] = 3;
  EXPECT_NE(refusal(&info, SOKR_INVALID_INPUT), "it was taken");
  const SokrSpecialization constant{1, 4, 10};
  info = an_info();
  info.specializations = &constant;
  info.specialization_count = 1;
  info.specialization_size = 8;
  EXPECT_NE(refusal(&info, SOKR_INVALID_INPUT).find("said to be 8 bytes long"), std::string::npos);
  info.specialization_size = sizeof constant;
  info.specializations = nullptr;
  EXPECT_EQ(refusal(&info, SOKR_INVALID_INPUT), "it has 1 specialization constants at null");

  struct Later {
    SokrKernelInfo known;
    std::uint64_t more;
  } later{an_info(), 0};
  later.known.struct_size = sizeof later;
  EXPECT_TRUE(KernelSource::copy(&later.known).ok());
  later.more = 1;
  EXPECT_NE(refusal(&later.known, SOKR_CAPABILITY_DENIED).find("newer version"), std::string::npos);
}

TEST(Prepared, AHandleIsNeverGivenOutTwice) {
  KernelHandles<int> handles;
  std::vector<SokrKernel> given;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) given.push_back(handles.add(std::make_shared<int>(i)));
    EXPECT_EQ(handles.count(), 5u);
    for (int i = 0; i < 5; ++i) {
      const SokrKernel kernel = given[given.size() - 1 - static_cast<std::size_t>(i)];
      EXPECT_EQ(*handles.find(kernel), 4 - i);
      EXPECT_TRUE(handles.release(kernel).ok());
      EXPECT_EQ(handles.release(kernel).code(), SOKR_NOT_FOUND);
    }
  }
  EXPECT_EQ(handles.count(), 0u);
  for (const SokrKernel kernel : given) EXPECT_EQ(handles.find(kernel), nullptr);
  std::sort(given.begin(), given.end());
  EXPECT_EQ(std::adjacent_find(given.begin(), given.end()), given.end());
  for (const SokrKernel forged : {SokrKernel{0}, SokrKernel{1}, SokrKernel{UINT64_MAX},
                                  SokrKernel{UINT64_C(1) << 32}, SokrKernel{UINT32_MAX}}) {
    EXPECT_EQ(handles.find(forged), nullptr) << forged;
  }
}

TEST(Prepared, WhatIsFoundLivesOnAfterItsRelease) {
  KernelHandles<const int> handles;
  auto kernel = std::make_shared<const int>(5);
  const std::weak_ptr<const int> alive = kernel;
  const SokrKernel handle = handles.add(kernel);
  kernel.reset();
  std::shared_ptr<const int> found = handles.find(handle);
  ASSERT_TRUE(handles.release(handle).ok());
  EXPECT_EQ(*found, 5);
  found.reset();
  EXPECT_TRUE(alive.expired());
}

TEST(Prepared, HandlesComeAndGoOnManyThreads) {
  KernelHandles<const std::uint64_t> handles;
  std::atomic<SokrKernel> shared{0};
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) {
      const SokrKernel kernel = shared;
      const auto found = handles.find(kernel);
      EXPECT_TRUE(!found || *found < 2000u);
    }
  });
  for (std::uint64_t i = 0; i < 2000; ++i) {
    shared = handles.add(std::make_shared<const std::uint64_t>(i));
    EXPECT_TRUE(handles.release(shared).ok());
  }
  over = true;
  reader.join();
}

TEST(Prepared, OfSeveralKernelsTheFirstThatFailsIsNamed) {
  std::vector<std::atomic<int>> done(40);
  const auto all = for_each_kernel(40, 4, [&](std::size_t i) -> Result<void> {
    ++done[i];
    return {};
  });
  EXPECT_TRUE(all.ok());
  for (const auto& one : done) EXPECT_EQ(one, 1);
  const auto some = for_each_kernel(40, 4, [&](std::size_t i) -> Result<void> {
    if (i % 7 == 3) return fail(SOKR_INVALID_IR, "number {}", i);
    if (i == 38) throw std::bad_alloc();
    return {};
  });
  ASSERT_FALSE(some.ok());
  EXPECT_EQ(some.code(), SOKR_INVALID_IR);
  EXPECT_EQ(some.failure().sentence, "kernel 4 of 40: number 3");
  const auto one = for_each_kernel(
      1, 4, [](std::size_t) -> Result<void> { return fail(SOKR_INVALID_IR, "wrong"); });
  EXPECT_EQ(one.failure().sentence, "wrong");
  EXPECT_TRUE(for_each_kernel(0, 4, [](std::size_t) -> Result<void> {
                return fail(SOKR_INVALID_IR, "nobody asked");
              }).ok());
}

}  // namespace
}  // namespace sokr::substrate
