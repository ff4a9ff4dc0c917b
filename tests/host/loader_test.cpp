// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

struct Refusal {
  const char* mock;
  const char* sentence;
};

class RefusedPlugins : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedPlugins, SayWhy) {
  const Context context(mocks({GetParam().mock}));
  EXPECT_FALSE(offers(context, "mock:add"));
  bool said = false;
  for (const Unavailable& missing : context.unavailable()) {
    said = said || missing.reason.find(GetParam().sentence) != std::string::npos;
  }
  EXPECT_TRUE(said) << GetParam().sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Loader, RefusedPlugins,
    testing::Values(
        Refusal{"other_version",
                "it was built for version 2.0 of sokr/compute.h; this host needs 1.x"},
        Refusal{"other_abi", "it was built for version 9.1 of sokr/sokr.h"},
        Refusal{"null_main", "sokr_plugin_main returned null"},
        Refusal{"no_symbol", "it exports neither sokr_plugin_main nor sokr_ir_plugin_main"},
        Refusal{"null_function", "one of the four functions of its vtable is null"},
        Refusal{"tiny_info", "its SokrSubstrateInfo says that it is"},
        Refusal{"null_list", "claims 1 substrates in a null list"},
        Refusal{"bad_name", "'Mock One'; a name consists of [a-z0-9:_.-]"},
        Refusal{"throwing", "sokr_plugin_main threw an exception: no device today"},
        Refusal{"ir_version", "it was built for version 3.0 of sokr/ir.h; this host needs 1.x"}),
    [](const auto& test) { return std::string(test.param.mock); });

TEST(Loader, OffersAndRegisters) {
  const Context context(mocks({"add"}));
  const Substrate substrate = context.substrate("mock:add");
  EXPECT_GT(substrate.id(), 0u);
  EXPECT_STREQ(substrate.info().description, "a mock");
  EXPECT_EQ(why_unavailable(context, "mock:other"), "its device is not plugged in");
}

TEST(Loader, ADeviceIsFoundByItsUuid) {
  const Context context(mocks({"add", "uuid"}));
  for (const char* name : {"mock:uuid=0123456789abcdef0123456789abcdef",
                           "mock:uuid=01234567-89AB-CDEF-0123-456789abcdef"}) {
    EXPECT_EQ(context.substrate(name).name(), "mock:7") << name;
  }
  for (const char* name : {"mock:uuid=", "mock:uuid=0123456789abcdef0123456789abcde", "mock:uuid",
                           "other:uuid=0123456789abcdef0123456789abcdef"}) {
    EXPECT_THROW((void)context.substrate(name), Error) << name;
  }
}

TEST(Loader, AcceptsOlderAndNewerMinorVersions) {
  const Context context(mocks({"newer_minor", "long_info", "short_info"}));
  EXPECT_TRUE(offers(context, "mock:newer"));
  EXPECT_TRUE(offers(context, "mock:long"));
  const SokrSubstrateInfo& older = context.substrate("mock:short").info();
  EXPECT_EQ(older.struct_size, sizeof(SokrSubstrateInfo));
  // Members beyond the plugin's own size are zero, whatever its memory holds.
  EXPECT_EQ(older.ir_format_count, 0u);
  EXPECT_EQ(older.diagnostics, nullptr);
}

TEST(Loader, FirstOfANameWins) {
  const Context context(mocks({"add", "same_name"}));
  std::size_t count = 0;
  for (const Substrate& substrate : context.substrates()) count += substrate.name() == "mock:add";
  EXPECT_EQ(count, 1u);
}

TEST(Loader, TheSameFileIsLoadedOnce) {
  const TemporaryFolder folder;
  const auto log = folder.path() / "log";
  std::filesystem::create_symlink(mock("add"), folder.path() / "link.so");
  ::setenv("SOKR_MOCK_LOG", log.c_str(), 1);
  {
    ContextOptions options = mocks({"add", "add"});
    options.plugin_paths.push_back(folder.path());
    const Context context(options);
    EXPECT_EQ(contents(log), "mock:add main\n");
  }
  EXPECT_EQ(contents(log), "mock:add main\nmock:add destroy\n");
  ::unsetenv("SOKR_MOCK_LOG");
}

TEST(Loader, ContextsShareAPluginAndTheLastUnloadsIt) {
  const TemporaryFolder folder;
  const auto log = folder.path() / "log";
  ::setenv("SOKR_MOCK_LOG", log.c_str(), 1);
  {
    auto first = std::make_unique<Context>(mocks({"add"}));
    const Context second(mocks({"add", "add_two"}));
    EXPECT_EQ(first->substrate("mock:add").id(), second.substrate("mock:add").id());
    first.reset();
    EXPECT_EQ(contents(log), "mock:add main\nmock:two main\n");
    SokrDispatchRequest request{};
    request.substrate_id = second.substrate("mock:two").id();
    SokrLaunch launch{};
    std::array<std::uint8_t, 256> params;
    request.params = params.data();
    request.params_len = sokr_launch_write(&launch, params.data(), params.size());
    SokrDispatchResponse response{};
    EXPECT_EQ(sokr_dispatch(&request, &response), SOKR_OK);
  }
  EXPECT_EQ(contents(log), "mock:add main\nmock:two main\nmock:two destroy\nmock:add destroy\n");
  {
    const Context again(mocks({"add"}));
    EXPECT_TRUE(offers(again, "mock:add"));
  }
  EXPECT_EQ(contents(log),
            "mock:add main\nmock:two main\nmock:two destroy\nmock:add destroy\n"
            "mock:add main\nmock:add destroy\n");
  ::unsetenv("SOKR_MOCK_LOG");
}

TEST(Loader, ContextsComeAndGoInManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 10; ++i) {
        const Context context(mocks({"add", "add_two", "ir"}));
        const Kernel kernel = context.kernel(bytes_of("MOCKtext"));
        std::array<std::uint8_t, 8> data{};
        Launch launch;
        launch.groups(1).bind(0, 0, write(data));
        context.substrate("mock:two").dispatch(kernel, launch).wait();
        EXPECT_EQ(data[7], 2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Loader, FilesThatAreNoLibrariesArePassedOver) {
  const TemporaryFolder folder;
  const std::string library = contents(mock("add"));
  store(folder.path() / "empty.so", "");
  store(folder.path() / "text.so", "#!/bin/sh\n");
  store(folder.path() / "magic.so",
        "\x7f"
        "ELF");
  store(folder.path() / "readme.txt", "not looked at");
  store(folder.path() / "header.so", library.substr(0, 64));
  store(folder.path() / "half.so", library.substr(0, library.size() / 2));
  std::filesystem::create_directory(folder.path() / "folder.so");
  std::filesystem::create_symlink("nowhere", folder.path() / "dangling.so");
  ASSERT_EQ(::mkfifo((folder.path() / "fifo.so").c_str(), 0600), 0);
  ContextOptions options;
  options.plugin_paths = {folder.path(), folder.path() / "missing.so", folder.path() / "missing"};
  const Context context(options);
  EXPECT_EQ(why_unavailable(context, "empty.so"), "it is empty");
  EXPECT_EQ(why_unavailable(context, "text.so"), "it is not a shared library");
  EXPECT_EQ(why_unavailable(context, "magic.so"), "it is not a shared library");
  EXPECT_NE(why_unavailable(context, "header.so"), "");
  EXPECT_NE(why_unavailable(context, "half.so"), "");
  EXPECT_EQ(why_unavailable(context, "folder.so"), "it is a folder, not a library");
  EXPECT_EQ(why_unavailable(context, "fifo.so"), "it is not a regular file");
  EXPECT_NE(why_unavailable(context, "dangling.so").find("cannot be read"), std::string::npos);
  EXPECT_EQ(why_unavailable(context, "readme.txt"), "");
  EXPECT_FALSE(offers(context, "mock:add"));
}

TEST(Loader, EveryTruncationOfALibraryIsRefusedOrLoaded) {
  const TemporaryFolder folder;
  const std::string library = contents(mock("add"));
  for (std::size_t step = 1; step < 64; ++step) {
    const auto path = folder.path() / ("cut" + std::to_string(step) + ".so");
    store(path, library.substr(0, library.size() * step / 64));
  }
  ContextOptions options;
  options.plugin_paths = {folder.path()};
  const Context context(options);
  EXPECT_GT(context.unavailable().size(), 0u);
}

TEST(Loader, ReadsTheEnvironmentAfterTheOptions) {
  const char* const before = std::getenv("SOKR_PLUGIN_PATH");
  const std::string restored = before ? before : "";
  ::setenv("SOKR_PLUGIN_PATH",
           (mock("same_name").string() + "::" + mock("software").string()).c_str(), 1);
  const Context context(mocks({"add"}));
  ::setenv("SOKR_PLUGIN_PATH", restored.c_str(), 1);
  EXPECT_TRUE(offers(context, "mock:add"));
  EXPECT_TRUE(offers(context, "mock:software"));
}

TEST(Loader, TracesEveryPathAndReason) {
  const TemporaryFolder folder;
  store(folder.path() / "text.so", "text");
  store(folder.path() / "notes.txt", "text");
  ::setenv("SOKR_LOG", "debug", 1);
  testing::internal::CaptureStderr();
  {
    ContextOptions options = mocks({"add", "add", "same_name"});
    options.plugin_paths.push_back(folder.path());
    options.plugin_paths.push_back(folder.path() / "gone");
    const Context context(options);
  }
  const std::string trace = testing::internal::GetCapturedStderr();
  ::unsetenv("SOKR_LOG");
  for (const char* line :
       {"add.so: trying", "offers 'mock:add' (a mock), registered as",
        "the same file is loaded already", "another plugin offered that name first",
        "text.so: it is not a shared library", "notes.txt: left out: its name does not end in .so",
        "gone: there is no such file or folder"}) {
    EXPECT_NE(trace.find(line), std::string::npos) << line << "\n" << trace;
  }
}

}  // namespace
}  // namespace sokr::tests
