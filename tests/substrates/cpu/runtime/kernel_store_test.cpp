// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/kernel_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

namespace fs = std::filesystem;

// Runs `scale` on a fresh substrate; how many compilations that took.
int compilations(const fs::path& cache, Isa isa = host_isa(), std::uint32_t factor = 2) {
  Log log;
  CpuSubstrate substrate(log.host(), options(cache, isa), 2);
  std::vector<std::uint32_t> data(64, 7);
  Dispatch scale("scale");
  scale.bind(0, data).groups(2).push = {1};
  scale.specializations = {{3, 4, factor}};
  for (int i = 0; i < 3; ++i) {
    std::fill(data.begin(), data.end(), 7u);
    expect_complete(substrate, scale.on(substrate));
    EXPECT_EQ(data, std::vector<std::uint32_t>(64, 7 * factor + 1));
  }
  return log.compiled();
}

TEST(KernelStore, CompilesOnceAndFindsItInMemoryAndOnDisk) {
  TemporaryFolder cache;
  EXPECT_EQ(compilations(cache.path()), 1);
  EXPECT_EQ(cache.files().size(), 1u);
  EXPECT_EQ(compilations(cache.path()), 0);
}

TEST(KernelStore, WithoutAFolderEverySubstrateCompiles) {
  EXPECT_EQ(compilations({}), 1);
  EXPECT_EQ(compilations("/proc/no/such/folder"), 1);
}

TEST(KernelStore, EverythingThatDecidesTheCodeIsInTheKey) {
  TemporaryFolder cache;
  EXPECT_EQ(compilations(cache.path()), 1);
  EXPECT_EQ(compilations(cache.path(), host_isa(), 3), 1);
  Isa other = host_isa() == Isa::kSse4 ? Isa::kSse4 : Isa::kSse4;
  if (host_supports(other) && other != host_isa()) {
    EXPECT_EQ(compilations(cache.path(), other), 1);
    EXPECT_EQ(compilations(cache.path(), other), 0);
  }
  EXPECT_EQ(compilations(cache.path()), 0);
}

TEST(KernelStore, DamagedEntriesAreRebuiltAndNeverRun) {
  TemporaryFolder cache;
  ASSERT_EQ(compilations(cache.path()), 1);
  const fs::path entry = cache.files().at(0);
  std::string good;
  {
    std::ifstream in(entry, std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(in), {});
  }
  auto put = [&](const std::string& bytes) {
    std::ofstream(entry, std::ios::binary | std::ios::trunc) << bytes;
  };
  // Bits all over it, code included, and truncations.
  for (std::size_t at = 0; at < good.size(); at += good.size() / 12 + 1) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    put(bad);
    EXPECT_EQ(compilations(cache.path()), 1) << "byte " << at;
    put(good.substr(0, at));
    EXPECT_EQ(compilations(cache.path()), 1) << "cut at " << at;
  }
  put(good + "x");
  EXPECT_EQ(compilations(cache.path()), 1);
  put(good);
  EXPECT_EQ(compilations(cache.path()), 0);
}

TEST(KernelStore, EntriesOfOthersAreNotRead) {
  TemporaryFolder cache;
  ASSERT_EQ(compilations(cache.path()), 1);
  const fs::path entry = cache.files().at(0);
  ASSERT_EQ(::chmod(entry.c_str(), 0666), 0);
  EXPECT_EQ(compilations(cache.path()), 1);
  EXPECT_EQ(compilations(cache.path()), 0);  // replaced by one of ours
}

// Intact as a file of the cache, but what it holds is no kernel of this version.
TEST(KernelStore, OutdatedValuesAreRebuilt) {
  CompiledKernel kernel;
  kernel.image = {0xc3};
  std::vector<std::uint8_t> bytes = kernel.serialise();
  EXPECT_TRUE(CompiledKernel::deserialise(bytes));
  bytes[4] ^= 0x40;  // the version
  EXPECT_FALSE(CompiledKernel::deserialise(bytes));
}

TEST(KernelStore, ADumpIsMadeEvenIfTheKernelIsOnDisk) {
  TemporaryFolder cache, dump;
  ASSERT_EQ(compilations(cache.path()), 1);
  KernelStoreOptions dumping = options(cache.path());
  dumping.dump = dump.path().string();
  CpuSubstrate substrate(substrate::Host(), dumping, 1);
  std::vector<std::uint32_t> data(32, 1);
  Dispatch scale("scale");
  scale.bind(0, data).push = {1};
  scale.specializations = {{3, 4, 2}};
  expect_complete(substrate, scale.on(substrate));
  EXPECT_FALSE(dump.files().empty());
}

// Same entry point, but other specialization values, or another module.
TEST(KernelStore, DumpsOfDifferentKernelsLieSideBySide) {
  TemporaryFolder dump;
  KernelStoreOptions dumping = options();
  dumping.dump = dump.path().string();
  CpuSubstrate substrate(substrate::Host(), dumping, 1);
  std::vector<std::uint32_t> data(64, 1);
  const auto files_after = [&](Dispatch& dispatch) {
    expect_complete(substrate, dispatch.on(substrate));
    return dump.files().size();
  };
  Dispatch scale("scale");
  scale.bind(0, data).push = {1};
  scale.specializations = {{3, 4, 2}};
  const std::size_t each = files_after(scale);
  EXPECT_GT(each, 0u);
  scale.specializations = {{3, 4, 5}};
  EXPECT_EQ(files_after(scale), 2 * each);
  Dispatch count("count_groups");
  count.bind(0, data);
  EXPECT_EQ(files_after(count), 3 * each);
  EXPECT_EQ(files_after(count), 3 * each);
  for (const std::filesystem::path& file : dump.files()) {
    EXPECT_TRUE(file.filename().string().starts_with("main.")) << file;
  }
}

TEST(KernelStore, AMissingCompilerIsASentence) {
  KernelStoreOptions without = options();
  without.compiler_library = "/nowhere/sokr-cpu-compiler.so";
  CpuSubstrate substrate(substrate::Host(), without, 1);
  std::vector<std::uint32_t> data(32);
  Dispatch scale("scale");
  scale.bind(0, data).push = {1};
  for (int i = 0; i < 2; ++i) {
    auto token = scale.on(substrate);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.code(), SOKR_DISPATCH_FAILED);
    EXPECT_NE(token.failure().sentence.find("/nowhere/sokr-cpu-compiler.so"), std::string::npos)
        << token.failure().sentence;
  }
}

TEST(KernelStore, OneIdWithOtherBytesIsAnotherKernel) {
  auto substrate = make();
  std::vector<std::uint32_t> data(64, 3), counts(2);
  Dispatch scale("scale"), count("count_groups");
  scale.id = count.id = SokrComputationId{{1, 2, 3}};
  scale.bind(0, data).groups(2).push = {1};
  count.bind(0, counts).groups(5);
  for (int i = 0; i < 3; ++i) {
    expect_complete(*substrate, scale.on(*substrate));
    expect_complete(*substrate, count.on(*substrate));
  }
  EXPECT_EQ(data, std::vector<std::uint32_t>(64, 6));
  EXPECT_EQ(counts[0], 15u);
}

TEST(KernelStore, ManyThreadsCompileOneKernelOnce) {
  Log log;
  CpuSubstrate substrate(log.host(), options(), 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<std::uint32_t> data(32, 1);
      Dispatch scale("scale");
      scale.bind(0, data).push = {1};
      expect_complete(substrate, scale.on(substrate));
      EXPECT_EQ(data[0], 2u);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(log.compiled(), 1);
}

TEST(Capability, AcceptsWhatItRunsAndSaysWhyNot) {
  TemporaryFolder cache;
  for (int warm = 0; warm < 2; ++warm) {
    CpuSubstrate substrate(substrate::Host(), options(cache.path()), 1);
    auto good = read_shader("scale");
    EXPECT_TRUE(substrate.capability({{}, SOKR_IR_SPIRV, good.data(), good.size()}));
    EXPECT_EQ(substrate.capability({{}, SOKR_IR_PTX, good.data(), good.size()}).code(),
              SOKR_CAPABILITY_DENIED);
    EXPECT_EQ(substrate.capability({{}, SOKR_IR_SPIRV, good.data(), good.size() / 2}).code(),
              SOKR_INVALID_IR);
    EXPECT_EQ(substrate.capability({{}, SOKR_IR_SPIRV, nullptr, 0}).code(), SOKR_INVALID_IR);
  }
}

}  // namespace
}  // namespace sokr::cpu::test
