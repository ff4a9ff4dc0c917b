// SPDX-License-Identifier: MIT OR Apache-2.0
// Plugins that are opened and closed while others are, that are left behind, and whose files
// change.
#include <dlfcn.h>

#include <algorithm>
#include <thread>

#include "latch.hpp"

namespace sokr::tests {
namespace {

struct LifetimeTest : testing::Test {
  LifetimeTest() { ::setenv("SOKR_MOCK_LOG", log_.c_str(), 1); }
  ~LifetimeTest() override { ::unsetenv("SOKR_MOCK_LOG"); }
  std::string log() const { return contents(log_); }

  const TemporaryFolder folder_;
  const std::filesystem::path log_ = folder_.path() / "log";
};

// ---- Beside others ---------------------------------------------------------------------

// All that somebody may want who has nothing to do with the plugin that blocks.
void use_another() {
  const Context context(mocks({"add_two", "ir"}));
  std::array<std::uint8_t, 4> data{};
  context.substrate("mock:two")
      .dispatch(mock_kernel(context), Launch().groups(1).bind(0, 0, write(data)))
      .wait();
  EXPECT_EQ(data[3], 2);
}

bool is_listed(std::uint32_t id) {
  std::array<std::uint32_t, 64> ids{};
  std::size_t count = 0;
  (void)sokr_list_substrates(ids.data(), ids.size(), &count);
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

TEST_F(LifetimeTest, APluginThatIsBeingOpenedDelaysOnlyWhoWantsIt) {
  Latch latch(folder_, "mock:add", "main");
  const auto open = [] {
    const Context context(mocks({"add"}));
    return context.substrate("mock:add").id();
  };
  auto first = std::async(std::launch::async, open);
  latch.wait();
  auto second = std::async(std::launch::async, open);
  auto other = std::async(std::launch::async, use_another);
  EXPECT_EQ(other.wait_for(kHangs), std::future_status::ready);
  latch.release();
  EXPECT_GT(first.get(), 0u);
  EXPECT_GT(second.get(), 0u);
  other.get();
}

TEST_F(LifetimeTest, APluginThatIsBeingClosedDelaysOnlyWhoWantsIt) {
  auto context = std::make_unique<Context>(mocks({"add"}));
  (void)context->substrate("mock:add");
  Latch latch(folder_, "mock:add", "destroy");
  auto closed = std::async(std::launch::async, [&] { context.reset(); });
  latch.wait();
  auto again = std::async(std::launch::async, [] {
    const Context anew(mocks({"add"}));
    return offers(anew, "mock:add");
  });
  auto other = std::async(std::launch::async, use_another);
  EXPECT_EQ(other.wait_for(kHangs), std::future_status::ready);
  latch.release();
  closed.get();
  EXPECT_TRUE(again.get());
  other.get();
  EXPECT_EQ(log().substr(0, log().find("mock:two")), "mock:add main\n");
}

TEST_F(LifetimeTest, ACallThatBlocksInAPluginDelaysOnlyItsClosing) {
  auto context = std::make_unique<Context>(mocks({"add", "ir"}));
  const Substrate substrate = context->substrate("mock:add");
  const std::uint32_t id = substrate.id();
  const SokrCompletionQuery query{
      substrate.dispatch(mock_kernel(*context), Launch().groups(1)).token(), UINT64_MAX};
  Latch latch(folder_, "mock:add", "completion");
  auto waiting = std::async(std::launch::async, [&] {
    SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
    return sokr_completion(&query, &signal);
  });
  latch.wait();
  auto closed = std::async(std::launch::async, [&] { context.reset(); });
  while (is_listed(id)) std::this_thread::yield();
  auto other = std::async(std::launch::async, use_another);
  EXPECT_EQ(other.wait_for(kHangs), std::future_status::ready);
  latch.release();
  EXPECT_EQ(waiting.get(), SOKR_OK);
  closed.get();
  other.get();
}

TEST_F(LifetimeTest, APluginThatOpensItselfDoesNotFindItself) {
  const Context context(mocks({"opens_self"}));
  EXPECT_TRUE(offers(context, "mock:opens-self"));
  EXPECT_EQ(log(), "mock:opens-self main\nmock:opens-self missing\n");
}

// Each waits for the other's file, were it not that one of them is refused.
TEST_F(LifetimeTest, PluginsThatOpenEachOtherDoNotWaitForEachOther) {
  const auto open = [](const char* file, const char* name) {
    const Context context(mocks({file}));
    return offers(context, name);
  };
  Latch one(folder_, "mock:opens-b", "main"), two(folder_, "mock:opens-c", "main");
  auto first = std::async(std::launch::async, open, "opens_b", "mock:opens-b");
  auto second = std::async(std::launch::async, open, "opens_c", "mock:opens-c");
  one.wait();
  two.wait();
  one.release();
  two.release();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  const std::string text = log();
  EXPECT_NE(text.find(" missing"), std::string::npos) << text;
  EXPECT_NE(text.find(" found"), std::string::npos) << text;
}

// ---- Left behind -----------------------------------------------------------------------

bool is_loaded(const std::filesystem::path& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library) ::dlclose(library);
  return library != nullptr;
}

TEST_F(LifetimeTest, ALibraryStaysWhileASubstrateOfItWasNotDestroyed) {
  {
    const Context context(mocks({"declared_half", "declared_oracle"}));
    EXPECT_TRUE(offers(context, "half:0"));
    EXPECT_NE(why_unavailable(context, "declared_half.so").find("'other:0' is not what its file"),
              std::string::npos);
  }
  EXPECT_FALSE(is_loaded(mock("declared_oracle")));
  EXPECT_TRUE(is_loaded(mock("declared_half")));
}

TEST_F(LifetimeTest, ALibraryThatAnsweredInAnotherVersionStays) {
  {
    const Context context(mocks({"other_version", "null_main"}));
  }
  EXPECT_TRUE(is_loaded(mock("other_version")));
  EXPECT_FALSE(is_loaded(mock("null_main")));  // it named nothing
}

// Its threads may go on: what it was given stays as long as its code does.
TEST_F(LifetimeTest, WhatAPluginWasGivenOutlivesItsContext) {
  {
    ContextOptions options = mocks({"declared_half"});
    options.options.emplace_back("half.word", "still here");
    const Context context(options);
    EXPECT_TRUE(offers(context, "half:0"));
  }
  void* const library = ::dlopen(mock("declared_half").c_str(), RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  const auto speak = reinterpret_cast<void (*)()>(::dlsym(library, "mock_speak"));
  ASSERT_NE(speak, nullptr);
  testing::internal::CaptureStderr();
  speak();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "sokr: warning: declared_half.so: still here\n");
  ::dlclose(library);
}

// A kernel of one context that ran on a substrate which another one had opened.
TEST_F(LifetimeTest, AKernelOutlivesTheSubstrateThatPreparedIt) {
  const Context context(mocks({"ir", "declared_prepares"}));
  {
    const Kernel kernel = mock_kernel(context);
    {
      const Context other(mocks({"ir", "declared_prepares"}));
      const Substrate substrate = other.substrate("own:0");
      for (int i = 0; i < 2; ++i) substrate.dispatch(kernel, Launch().groups(1)).wait();
    }
    EXPECT_EQ(log(), "own:0 main\nown:0 prepare - 0\nown:0 destroy\n");
    // The same substrate anew is another one.
    const Substrate again = context.substrate("own:0");
    for (int i = 0; i < 2; ++i) again.dispatch(kernel, Launch().groups(1)).wait();
  }
  EXPECT_EQ(log(),
            "own:0 main\nown:0 prepare - 0\nown:0 destroy\n"
            "own:0 main\nown:0 prepare - 0\nown:0 release\n");
}

// ---- Files -----------------------------------------------------------------------------

class WorkingFolder {
 public:
  explicit WorkingFolder(const std::filesystem::path& path) { std::filesystem::current_path(path); }
  ~WorkingFolder() { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(LifetimeTest, RelativePathsAreThoseOfTheTimeOfConstruction) {
  const WorkingFolder there(SOKR_MOCK_DIR);
  ContextOptions options;
  options.plugin_paths = {"declared_cpu.so"};
  const Context context(options);
  const WorkingFolder elsewhere(folder_.path());
  EXPECT_EQ(context.substrate("own:0").name(), "own:0");
}

TEST_F(LifetimeTest, AFileThatWasReplacedIsRefused) {
  const auto place = folder_.path() / "plugin.so", next = folder_.path() / "next";
  std::filesystem::copy_file(mock("declared_cpu"), place);
  const auto replace = [&] {
    std::filesystem::copy_file(mock("declared_cpu"), next);
    std::filesystem::rename(next, place);
  };
  ContextOptions options;
  options.plugin_paths = {place};
  {
    const Context stale(options);
    replace();
    EXPECT_EQ(why_unavailable(stale, "plugin.so"),
              "the file was replaced after the context had found it; open a context anew");
  }
  {
    const Context user(options);
    EXPECT_TRUE(offers(user, "own:0"));
    replace();
    const Context second(options);
    EXPECT_EQ(why_unavailable(second, "plugin.so"),
              "the file was replaced, and the one before is in use; end the contexts that use it, "
              "then open one anew");
    EXPECT_FALSE(offers(second, "own:0"));
  }
  EXPECT_EQ(log(), "own:0 main\nown:0 destroy\n");
  const Context third(options);
  EXPECT_TRUE(offers(third, "own:0"));
}

}  // namespace
}  // namespace sokr::tests
