// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A process that forks after it has used a substrate: the child is told so with one sentence by
// whatever it calls, and is never kept waiting; the parent goes on. With the plugins themselves,
// through the core.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sokr/compute.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// A child that is kept waiting ends by SIGALRM.
constexpr unsigned kChildSeconds = 60;

struct Data {
  std::uint32_t go = 0, count = 0, spins = 0;
};

class Plugin {
 public:
  explicit Plugin(const std::string& name) {
    const std::string path = std::string(SOKR_TEST_PLUGINS) + "/sokr-" + name + ".so";
    library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_) main_ = reinterpret_cast<SokrPluginMainFn>(::dlsym(library_, SOKR_PLUGIN_MAIN));
    std::ifstream file(SOKR_TEST_SHADERS "/count.spv", std::ios::binary);
    ir_.assign(std::istreambuf_iterator<char>(file), {});
  }
  const SokrPlugin* open() const {
    static const SokrHostInfo host{sizeof host, SOKR_COMPUTE_VERSION, nullptr, nullptr, 0, 0,
                                   nullptr};
    return main_ ? main_(&host) : nullptr;
  }
  bool start() {
    const SokrPlugin* plugin = open();
    if (!plugin || plugin->substrate_count == 0) return false;
    info_ = plugin->substrates[0];
    return sokr_register_substrate(info_->plugin, &id_) == SOKR_OK;
  }
  const SokrSubstrateInfo& info() const { return *info_; }
  std::uint32_t id() const { return id_; }
  std::string last_error() const {
    char text[1024] = "";
    info_->diagnostics->last_error(text, sizeof text);
    return text;
  }

  SokrResult capability() const {
    SokrCapabilityQuery query{{}, SOKR_IR_SPIRV, ir_.data(), ir_.size()};
    SokrCapabilityResponse response{};
    return info_->plugin->capability_fn(&query, &response);
  }
  SokrResult dispatch(Data& data, SokrCompletionToken* token) const {
    const SokrBinding binding{0,
                              0,
                              0,
                              SOKR_BINDING_HOST,
                              SOKR_ACCESS_READ_WRITE,
                              0,
                              reinterpret_cast<std::uint64_t>(&data),
                              0,
                              sizeof data};
    SokrLaunch launch{};
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    std::uint8_t params[512];
    const std::size_t size = sokr_launch_write(&launch, params, sizeof params);
    const SokrDispatchRequest request{{}, id_, ir_.data(), ir_.size(), params, size};
    SokrDispatchResponse response{};
    const SokrResult result = sokr_dispatch(&request, &response);
    *token = response.completion_token;
    return result;
  }
  static SokrResult wait(SokrCompletionToken token, SokrCompletionSignal* signal) {
    const SokrCompletionQuery query{token, UINT64_MAX};
    return sokr_completion(&query, signal);
  }
  void run() const {
    Data data;
    SokrCompletionToken token = 0;
    SokrCompletionSignal signal{};
    ASSERT_EQ(dispatch(data, &token), SOKR_OK) << last_error();
    ASSERT_EQ(wait(token, &signal), SOKR_OK);
    EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
    EXPECT_EQ(data.count, 1u);
  }

 private:
  void* library_ = nullptr;
  SokrPluginMainFn main_ = nullptr;
  const SokrSubstrateInfo* info_ = nullptr;
  std::vector<std::uint8_t> ir_;
  std::uint32_t id_ = 0;
};

// In the child: prints what is wrong and ends, or comes back.
void require(bool good, const char* what, const std::string& seen) {
  if (good) return;
  std::fprintf(stderr, "in the child: %s (%s)\n", what, seen.c_str());
  ::_exit(1);
}

[[noreturn]] void be_the_child(const Plugin& plugin, SokrCompletionToken earlier, SokrBuffer buffer,
                               bool deregister) {
  ::alarm(kChildSeconds);
  const auto told = [&](const char* what, SokrResult result) {
    require(result == SOKR_DISPATCH_FAILED, what, "code " + std::to_string(result));
    const std::string sentence = plugin.last_error();
    require(sentence.find("forked") != sentence.npos, what, sentence);
  };
  Data data;
  SokrCompletionToken token = 0;
  SokrCompletionSignal signal{};
  told("capability", plugin.capability());
  told("dispatch", plugin.dispatch(data, &token));
  require(token == 0, "dispatch gave a token", std::to_string(token));
  told("completion", Plugin::wait(earlier, &signal));
  require(signal == SOKR_COMPLETION_FAILED, "the signal", std::to_string(signal));
  SokrBuffer made = 0;
  told("create", plugin.info().memory->create(64, 0, &made));
  told("write", plugin.info().memory->write(buffer, 0, &data, sizeof data));
  told("free", plugin.info().memory->free(buffer));
  const SokrPlugin* again = plugin.open();
  require(again && again->substrate_count == 0 && again->unavailable_count == 1, "opened again",
          "");
  require(std::string_view(again->unavailable[0].reason).find("forked") != std::string::npos,
          "why it cannot be opened", again->unavailable[0].reason);
  // A thread of the parent that was inside the plugin stays counted as inside, in the core.
  if (deregister)
    require(sokr_deregister_substrate(plugin.id()) == SOKR_OK, "deregistered", "");
  else
    plugin.info().plugin->destroy_fn();
  ::_exit(0);
}

void fork_a_child(const Plugin& plugin, SokrCompletionToken earlier, SokrBuffer buffer,
                  bool deregister) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) be_the_child(plugin, earlier, buffer, deregister);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "it was kept waiting: signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

class Fork : public testing::TestWithParam<const char*> {};

TEST_P(Fork, AChildIsToldSoAndTheParentGoesOn) {
  Plugin plugin(GetParam());
  if (!plugin.start()) GTEST_SKIP() << "there is no such substrate here";
  plugin.run();
  Data data;
  SokrCompletionToken done = 0;
  ASSERT_EQ(plugin.dispatch(data, &done), SOKR_OK) << plugin.last_error();
  SokrBuffer buffer = 0;
  ASSERT_EQ(plugin.info().memory->create(64, 0, &buffer), SOKR_OK) << plugin.last_error();
  fork_a_child(plugin, done, buffer, true);
  plugin.run();
  SokrCompletionSignal signal{};
  EXPECT_EQ(Plugin::wait(done, &signal), SOKR_OK);
  EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(sokr_deregister_substrate(plugin.id()), SOKR_OK);
}

// Not with a device that nobody can make stop.
TEST_P(Fork, AChildOfAProcessWithAWaitUnderWayIsNotKept) {
  if (GetParam() == std::string_view("vulkan")) GTEST_SKIP() << "its kernels run in another memory";
  Plugin plugin(GetParam());
  ASSERT_TRUE(plugin.start());
  Data data{1};
  SokrCompletionToken endless = 0;
  ASSERT_EQ(plugin.dispatch(data, &endless), SOKR_OK) << plugin.last_error();
  std::atomic<bool> waiting{false};
  std::thread waiter([&] {
    SokrCompletionSignal signal{};
    waiting = true;
    EXPECT_EQ(Plugin::wait(endless, &signal), SOKR_OK);
    EXPECT_EQ(signal, SOKR_COMPLETION_COMPLETE);
  });
  while (!waiting || __atomic_load_n(&data.spins, __ATOMIC_RELAXED) == 0) std::this_thread::yield();
  SokrBuffer buffer = 0;
  ASSERT_EQ(plugin.info().memory->create(64, 0, &buffer), SOKR_OK) << plugin.last_error();
  fork_a_child(plugin, endless, buffer, false);
  __atomic_store_n(&data.go, 0u, __ATOMIC_RELEASE);
  waiter.join();
  EXPECT_EQ(data.count, 1u);
  EXPECT_EQ(sokr_deregister_substrate(plugin.id()), SOKR_OK);
}

INSTANTIATE_TEST_SUITE_P(Plugins, Fork, testing::Values("cpu", "reference", "vulkan"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
