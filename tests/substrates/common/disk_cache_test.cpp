// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sokr/substrate/disk_cache.hpp>
#include <string>
#include <thread>

namespace sokr::substrate {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

class DiskCacheTest : public testing::Test {
 protected:
  DiskCacheTest() {
    std::string pattern = (fs::temp_directory_path() / "sokr-disk-cache-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~DiskCacheTest() override { fs::remove_all(folder_); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    return found;
  }

  fs::path folder_;
};

TEST_F(DiskCacheTest, ReturnsWhatWasStoredToAnotherInstance) {
  std::string reason;
  ASSERT_TRUE(DiskCache({folder_}).store(bytes("key"), bytes("value"), &reason)) << reason;
  EXPECT_EQ(DiskCache({folder_}).load(bytes("key")), bytes("value"));
  EXPECT_EQ(DiskCache({folder_}).load(bytes("kex")), std::nullopt);
}

TEST_F(DiskCacheTest, KeepsEmptyKeysAndValues) {
  DiskCache cache({folder_});
  ASSERT_TRUE(cache.store({}, bytes("v")));
  ASSERT_TRUE(cache.store(bytes("k"), {}));
  EXPECT_EQ(cache.load({}), bytes("v"));
  EXPECT_EQ(cache.load(bytes("k")), Bytes{});
}

TEST_F(DiskCacheTest, EveryFlippedBitAndEveryTruncationIsAMiss) {
  DiskCache cache({folder_});
  ASSERT_TRUE(cache.store(bytes("key"), bytes("some value")));
  fs::path path = files().at(0);
  std::ifstream in(path, std::ios::binary);
  std::string intact((std::istreambuf_iterator<char>(in)), {});
  auto expect_miss = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(cache.load(bytes("key")), std::nullopt);
    EXPECT_FALSE(fs::exists(path));
  };
  for (std::size_t bit = 0; bit < intact.size() * 8; ++bit) {
    std::string damaged = intact;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    expect_miss(damaged);
  }
  for (std::size_t size = 0; size < intact.size(); ++size) expect_miss(intact.substr(0, size));
  expect_miss(intact + "x");
}

TEST_F(DiskCacheTest, AnEntryForAnotherKeyUnderThisNameIsAMiss) {
  DiskCache cache({folder_});
  ASSERT_TRUE(cache.store(bytes("aaa"), bytes("1")));
  fs::path first = files().at(0);
  ASSERT_TRUE(cache.store(bytes("bbb"), bytes("2")));
  for (const fs::path& path : files())
    if (path != first) fs::copy_file(path, first, fs::copy_options::overwrite_existing);
  EXPECT_EQ(cache.load(bytes("aaa")), std::nullopt);
}

TEST_F(DiskCacheTest, FilesThatOthersCanWriteAreNotRead) {
  DiskCache cache({folder_});
  ASSERT_TRUE(cache.store(bytes("key"), bytes("value")));
  EXPECT_TRUE(cache.has(bytes("key")));
  ASSERT_EQ(::chmod(files().at(0).c_str(), 0666), 0);
  EXPECT_EQ(cache.load(bytes("key")), std::nullopt);
  EXPECT_FALSE(cache.has(bytes("key")));
}

// The files of a user whom the system does not know look like those of a process of that number.
TEST_F(DiskCacheTest, FilesOfNobodyInParticularAreNotRead) {
  ASSERT_TRUE(DiskCache({folder_}).store(bytes("key"), bytes("value")));
  DiskCache cache({.folder = folder_, .nobody = ::geteuid()});
  EXPECT_FALSE(cache.has(bytes("key")));
  EXPECT_EQ(cache.load(bytes("key")), std::nullopt);
  std::string reason;
  EXPECT_FALSE(cache.store(bytes("other"), bytes("value"), &reason));
  EXPECT_NE(reason.find("may be somebody else's"), std::string::npos) << reason;
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(DiskCache({folder_}).load(bytes("key")), bytes("value"));
}

TEST_F(DiskCacheTest, HasWhatCanBeLoaded) {
  DiskCache cache({folder_});
  EXPECT_FALSE(DiskCache({}).has(bytes("key")));
  EXPECT_FALSE(cache.has(bytes("key")));
  ASSERT_TRUE(cache.store(bytes("key"), bytes("some value")));
  EXPECT_TRUE(cache.has(bytes("key")));
  const fs::path path = files().at(0);
  const auto size = fs::file_size(path);
  for (std::uintmax_t cut = 0; cut < size; ++cut) {
    ASSERT_TRUE(cache.store(bytes("key"), bytes("some value")));
    fs::resize_file(path, cut);
    EXPECT_FALSE(cache.has(bytes("key"))) << cut;
  }
  EXPECT_FALSE(DiskCache({.folder = folder_, .max_value_bytes = 9}).has(bytes("key")));
}

// Each of them where an entry would be: the load comes back at once with nothing, and a store
// replaces what can be replaced. A test that waits for a pipe ends by its time limit.
TEST_F(DiskCacheTest, WhatIsNoOrdinaryFileIsPassedOver) {
  DiskCache cache({folder_});
  ASSERT_TRUE(cache.store(bytes("key"), bytes("value")));
  const fs::path path = files().at(0);
  const auto expect_passed_over = [&](const char* what, bool replaceable) {
    EXPECT_FALSE(cache.has(bytes("key"))) << what;
    EXPECT_EQ(cache.load(bytes("key")), std::nullopt) << what;
    std::string reason;
    EXPECT_EQ(cache.store(bytes("key"), bytes("value"), &reason), replaceable) << what << reason;
    EXPECT_EQ(reason.empty(), replaceable) << what;
    EXPECT_EQ(cache.load(bytes("key")).has_value(), replaceable) << what;
    fs::remove_all(path);
  };
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  expect_passed_over("a pipe", true);
  fs::create_symlink("/dev/zero", path);
  expect_passed_over("a link to a device", true);
  fs::create_symlink(path, path);
  expect_passed_over("a link to itself", true);
  if (::mknod(path.c_str(), S_IFCHR | 0600, ::makedev(1, 5)) == 0)
    expect_passed_over("a device", true);
  fs::create_directories(path / "inside");
  expect_passed_over("a directory", false);
  ASSERT_EQ(files().size(), 0u);
}

// A file that claims to be the entry, and is sparse: nothing of its size is read or allocated.
TEST_F(DiskCacheTest, WhatIsLargerThanAValueIsPassedOver) {
  DiskCache cache({.folder = folder_, .max_value_bytes = 1000});
  ASSERT_TRUE(cache.store(bytes("key"), Bytes(1000, 3)));
  EXPECT_EQ(cache.load(bytes("key")), Bytes(1000, 3));
  std::string reason;
  EXPECT_FALSE(cache.store(bytes("key"), Bytes(1001, 3), &reason));
  EXPECT_EQ(reason, "a value of 1001 bytes is larger than 1000, the most that is kept");
  EXPECT_EQ(cache.load(bytes("key")), Bytes(1000, 3));

  constexpr std::uint64_t kHuge = std::uint64_t{900} << 20;
  DiskCache usual({folder_});
  const fs::path path = files().at(0);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::uint64_t value_size = kHuge - 32 - 3;
  file.seekp(16);
  file.write(reinterpret_cast<const char*>(&value_size), sizeof value_size);
  file.close();
  ASSERT_EQ(::truncate(path.c_str(), kHuge), 0);
  struct rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(usual.load(bytes("key")), std::nullopt);
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 * 1024) << "KiB";
}

TEST_F(DiskCacheTest, StaysBelowItsBoundAndDropsTheLeastRecentlyUsed) {
  DiskCache cache({folder_, 40'000});
  ASSERT_TRUE(cache.store(bytes("kept"), Bytes(1000, 1)));
  auto age = [&](int step) {
    for (const fs::path& path : files())
      fs::last_write_time(path, fs::last_write_time(path) - std::chrono::hours(step));
  };
  for (int k = 0; k < 100; ++k) {
    ASSERT_TRUE(cache.store(bytes("other" + std::to_string(k)), Bytes(1000, 2)));
    age(1);
    ASSERT_EQ(cache.load(bytes("kept")), Bytes(1000, 1)) << k;
  }
  std::uint64_t total = 0;
  for (const fs::path& path : files()) total += fs::file_size(path);
  EXPECT_LE(total, 40'000u);
  EXPECT_EQ(cache.load(bytes("other0")), std::nullopt);
  EXPECT_TRUE(cache.load(bytes("other99")).has_value());
}

TEST_F(DiskCacheTest, StaysBelowItsBoundHoweverManyWrite) {
  constexpr std::uint64_t kBound = 1 << 20;
  DiskCache one({folder_, kBound}), other({folder_, kBound});
  const fs::path folder = folder_ / (std::string(32, '0') + ".entry");
  fs::create_directory(folder);  // not what its name says: nobody's to remove
  for (int k = 0; k < 300; ++k) {
    ASSERT_TRUE((k % 2 ? one : other).store(bytes("key" + std::to_string(k)), Bytes(16'000, 1)));
    std::uint64_t total = 0;
    for (const fs::path& path : files())
      if (fs::is_regular_file(path)) total += fs::file_size(path);
    ASSERT_LE(total, kBound + 2 * kBound / 16) << k;
  }
  EXPECT_TRUE(fs::exists(folder));
}

// A process with the same number may have been killed while it wrote.
TEST_F(DiskCacheTest, WhatOthersLeftUnfinishedIsInNobodysWay) {
  DiskCache cache({folder_, 40'000});
  ASSERT_TRUE(cache.store(bytes("key"), Bytes(1000, 1)));
  ASSERT_EQ(files().size(), 1u);
  const std::string entry = files()[0].string();
  fs::remove(entry);
  for (int number = 0; number < 1000; ++number)
    std::ofstream(entry + "." + std::to_string(::getpid()) + "." + std::to_string(number) + ".new");
  std::string reason;
  EXPECT_TRUE(cache.store(bytes("key"), Bytes(1000, 1), &reason)) << reason;
}

TEST_F(DiskCacheTest, WhatNobodyWillFinishGoes) {
  const std::string name = (folder_ / std::string(32, 'a')).string() + ".entry.1.2.3.new";
  const std::string foreign = (folder_ / "mine.entry").string();
  const auto write = [](const std::string& path) {
    std::ofstream(path) << std::string(50'000, 'x');
  };
  write(name);
  write(foreign);
  // Somebody may be writing it: it stays, and counts.
  ASSERT_TRUE(DiskCache({folder_, 40'000}).store(bytes("key"), Bytes(1000, 1)));
  EXPECT_TRUE(fs::exists(name));
  fs::last_write_time(name, fs::last_write_time(name) - std::chrono::hours(2));
  ASSERT_TRUE(DiskCache({folder_, 40'000}).store(bytes("other"), Bytes(1000, 1)));
  EXPECT_FALSE(fs::exists(name));
  EXPECT_TRUE(fs::exists(foreign));
}

TEST_F(DiskCacheTest, ManyThreadsAndProcessesSeeAllOrNothing) {
  auto work = [&](unsigned seed) {
    DiskCache cache({folder_, 200'000});
    for (unsigned k = 0; k < 200; ++k) {
      unsigned key = (seed * 7 + k) % 10;
      Bytes expected(1000 + key, static_cast<std::uint8_t>(key));
      if (k % 3 == 0) {
        if (!cache.store(bytes(std::to_string(key)), expected)) return false;
      } else if (auto got = cache.load(bytes(std::to_string(key))); got && *got != expected) {
        return false;
      }
    }
    return true;
  };
  std::vector<pid_t> children;
  for (unsigned k = 0; k < 3; ++k) {
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(work(k) ? 0 : 1);
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  std::vector<std::thread> threads;
  std::atomic<bool> good{true};
  for (unsigned k = 0; k < 3; ++k)
    threads.emplace_back([&, k] {
      if (!work(k)) good = false;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(good);
}

TEST_F(DiskCacheTest, AFolderThatCannotBeMadeIsAReasonNotAFailure) {
  std::ofstream(folder_ / "file") << "x";
  DiskCache cache({folder_ / "file" / "sub"});
  std::string reason;
  EXPECT_FALSE(cache.store(bytes("k"), bytes("v"), &reason));
  EXPECT_NE(reason.find("cannot create a file in"), std::string::npos) << reason;
  EXPECT_EQ(cache.load(bytes("k")), std::nullopt);
}

TEST(DiskCacheFolder, FollowsTheEnvironment) {
  ::setenv("SOKR_CACHE_DIR", "/a", 1);
  EXPECT_EQ(DiskCache::default_folder("cpu"), fs::path("/a/cpu"));
  ::setenv("SOKR_CACHE_DIR", "", 1);
  EXPECT_EQ(DiskCache::default_folder("cpu"), fs::path());
  ::unsetenv("SOKR_CACHE_DIR");
  ::setenv("XDG_CACHE_HOME", "/b", 1);
  EXPECT_EQ(DiskCache::default_folder("cpu"), fs::path("/b/sokr/cpu"));
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", "/c", 1);
  EXPECT_EQ(DiskCache::default_folder("cpu"), fs::path("/c/.cache/sokr/cpu"));
}

}  // namespace
}  // namespace sokr::substrate
