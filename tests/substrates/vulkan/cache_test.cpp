// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstdlib>

#include "cache_folder.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

namespace fs = std::filesystem;

void run_once(Bench& bench) {
  Saxpy saxpy(100);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
}

TEST(PipelineCache, IsWrittenAndReadBack) {
  CacheFolder folder("sokr_vulkan_cache");
  {
    Bench bench;
    run_once(bench);
  }
  ASSERT_EQ(folder.files().size(), 1u);
  Bench bench;
  run_once(bench);
  EXPECT_TRUE(bench.host().logged("bytes of pipelines from")) << bench.host().all();
}

TEST(PipelineCache, DamageIsAMiss) {
  CacheFolder folder("sokr_vulkan_damage");
  {
    Bench bench;
    run_once(bench);
  }
  ASSERT_EQ(folder.files().size(), 1u);
  const fs::path file = folder.files()[0];
  const auto size = fs::file_size(file);
  for (std::uintmax_t at : {std::uintmax_t{0}, size / 2, size - 1}) {
    {
      std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
      damaged.seekg(static_cast<std::streamoff>(at));
      const int byte = damaged.get();
      damaged.seekp(static_cast<std::streamoff>(at));
      damaged.put(static_cast<char>(byte ^ 1));
    }
    {
      Bench bench;
      run_once(bench);
      EXPECT_FALSE(bench.host().logged("bytes of pipelines from")) << at;
    }
    Bench bench;
    run_once(bench);
    EXPECT_TRUE(bench.host().logged("bytes of pipelines from")) << "it was not replaced";
  }
}

TEST(PipelineCache, AFolderThatCannotBeIsALogLine) {
  CacheFolder folder("sokr_vulkan_unwritable");
  std::ofstream(folder.path()) << "a file where the folder should be";
  Bench bench;
  run_once(bench);
  bench.renew();
  run_once(bench);
  EXPECT_TRUE(bench.host().logged("are not kept")) << bench.host().all();
}

// What the driver keeps of all pipelines that ever were is dropped where it exceeds its bound.
TEST(PipelineCache, IsBounded) {
  CacheFolder folder("sokr_vulkan_bounded");
  Bench bench(OptionList{{"vulkan.cache_bytes", "16"}});
  run_once(bench);
  EXPECT_TRUE(bench.host().logged("over its bound of 16")) << bench.host().all();
  EXPECT_TRUE(folder.files().empty());
  run_once(bench);
}

}  // namespace
}  // namespace sokr::vulkan::test
