// SPDX-License-Identifier: MIT OR Apache-2.0
// Plugins whose answers break the rules of their tables.
#include <sokr/host.h>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

struct AnswersTest : testing::Test {
  AnswersTest() { ::setenv("SOKR_MOCK_LOG", log_.c_str(), 1); }
  ~AnswersTest() override { ::unsetenv("SOKR_MOCK_LOG"); }

  const TemporaryFolder folder_;
  const std::filesystem::path log_ = folder_.path() / "log";
};

Launch one_group() {
  Launch launch;
  launch.groups(1);
  return launch;
}

TEST_F(AnswersTest, AHandleCountsOnlyIfItWasCreated) {
  const Context context(mocks({"memory", "memory_fails", "memory_none"}));
  const Error failed = failure_of([&] { context.substrate("mock:memory-fails").allocate(16); });
  EXPECT_EQ(failed.code(), SOKR_DISPATCH_FAILED);
  EXPECT_STREQ(failed.what(), "mock:memory-fails: the mock has no memory left");
  const Error none = failure_of([&] { context.substrate("mock:memory-none").allocate(16); });
  EXPECT_EQ(none.code(), SOKR_DISPATCH_FAILED);
  EXPECT_STREQ(none.what(), "mock:memory-none: it says that it created a buffer, and gives none");
  EXPECT_EQ(contents(log_).find("free"), std::string::npos);
  {
    const Buffer buffer = context.substrate("mock:memory").allocate(16);
  }
  EXPECT_NE(contents(log_).find("mock:memory free"), std::string::npos);
}

TEST_F(AnswersTest, AWaitWithoutEndIsAskedAgain) {
  const Context context(mocks({"ir", "pending"}));
  const Kernel kernel = mock_kernel(context);
  const Substrate substrate = context.substrate("mock:pending");
  EXPECT_FALSE(substrate.dispatch(kernel, one_group()).wait_for(std::chrono::seconds(1)));
  const Completion completion = substrate.dispatch(kernel, one_group());
  completion.wait();
  EXPECT_EQ(contents(log_),
            "mock:pending main\nmock:pending pending\nmock:pending pending\n"
            "mock:pending complete\n");
}

TEST_F(AnswersTest, NumbersAreNotBelieved) {
  const Context context(mocks({"ir", "endless", "endless_end"}));
  const Kernel kernel = mock_kernel(context);
  const auto sentence = [&](const char* name) {
    const Error error =
        failure_of([&] { context.substrate(name).dispatch(kernel, one_group()).wait(); });
    EXPECT_EQ(error.code(), SOKR_DISPATCH_FAILED);
    EXPECT_LE(std::string(error.what()).size(), 66000u);
    return std::string(error.what());
  };
  EXPECT_TRUE(sentence("mock:endless").starts_with("mock:endless: the mock refuses every launch"));
  EXPECT_TRUE(
      sentence("mock:endless-end").starts_with("mock:endless-end: the mock fails every launch"));
  EXPECT_STREQ(failure_of([&] { (void)context.substrate("mock:endless-end").statistics(); }).what(),
               "mock:endless-end: it claims 4294967295 statistics; at most 65536 are read");
}

// An IR plugin that says SOKR_OK and gives nothing has failed, and a failure has a code.
TEST_F(AnswersTest, NothingIsNoSuccess) {
  const Context context(mocks({"ir_lies", "add"}));
  const Error reflected = failure_of([&] { context.kernel(bytes_of("MOCKreflect")); });
  EXPECT_EQ(reflected.code(), SOKR_INVALID_IR);
  EXPECT_STREQ(reflected.what(),
               "IR plugin 'mock' says that it reflected the kernel, and gives nothing");

  const Kernel lowered = context.kernel(bytes_of("MOCKlower"));
  const Substrate substrate = context.substrate("mock:add");
  const Error lowering = failure_of([&] { substrate.dispatch(lowered, one_group()); });
  EXPECT_EQ(lowering.code(), SOKR_INVALID_IR);
  EXPECT_STREQ(lowering.what(),
               "IR plugin 'mock' says that it lowered format 0x4d4f434b to SPIR-V, and gives "
               "nothing");

  const Kernel entries = context.kernel(bytes_of("MOCKentries"));
  const Error entry =
      failure_of([&] { substrate.dispatch(entries, Launch().threads(4).local_size(2)); });
  EXPECT_EQ(entry.code(), SOKR_INVALID_IR);
  EXPECT_STREQ(entry.what(),
               "IR plugin 'mock' reflects 0 entry points of a kernel that has 1 without "
               "specialization");
}

TEST_F(AnswersTest, NothingIsNoSuccessInC) {
  SokrHost* const host =
      sokr_host_open((mock("ir_lies").string() + ":" + mock("add").string()).c_str());
  const SokrIrReflection* reflection = nullptr;
  EXPECT_EQ(sokr_host_reflect(host, "MOCKreflect", 11, nullptr, 0, nullptr, &reflection),
            SOKR_INVALID_IR);
  EXPECT_EQ(reflection, nullptr);
  SokrChoice choice;
  EXPECT_NE(sokr_host_choose(host, nullptr, "MOCKreflect", 11, &choice), SOKR_OK);
  EXPECT_NE(sokr_host_choose(host, nullptr, "MOCKlower", 9, &choice), SOKR_OK);
  sokr_host_close(host);
}

}  // namespace
}  // namespace sokr::tests
