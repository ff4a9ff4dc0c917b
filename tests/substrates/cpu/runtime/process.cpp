// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The plugin in a process of its own, as a host would load it:
//
//     cpu_runtime_process PLUGIN SHADERS COMMAND
//
//   describe    prints the facts, or why there is no substrate
//   run         runs `scale` a few times; prints whether the compiler is loaded
//   poll        runs `rounds` with nobody waiting
//   endless     leaves an endless kernel running, deregisters and returns
//   abandon     the same without deregistering
//   embed       runs oneTBB's loops and `rounds` at once; prints how many threads there are
//
// Exit code 0 if all went as it should.
#include <dlfcn.h>
#include <link.h>
#include <sokr/compute.h>
#include <tbb/info.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sokr/substrate/tasks.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

std::string shaders;
std::uint32_t substrate;
const SokrSubstrateInfo* info;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

std::vector<std::uint8_t> read_shader(const std::string& name) {
  std::ifstream file(shaders + "/" + name + ".spv", std::ios::binary);
  if (!file) die("no shader");
  return {std::istreambuf_iterator<char>(file), {}};
}

SokrCompletionToken dispatch(const char* shader, std::vector<std::uint32_t>& data,
                             std::uint32_t groups, const std::uint32_t* push) {
  const std::vector<std::uint8_t> ir = read_shader(shader);
  SokrBinding binding{0,
                      0,
                      0,
                      SOKR_BINDING_HOST,
                      SOKR_ACCESS_READ_WRITE,
                      0,
                      reinterpret_cast<std::uint64_t>(data.data()),
                      0,
                      data.size() * 4};
  SokrLaunch launch{};
  launch.groups[0] = groups, launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding, launch.binding_count = 1;
  launch.push = push, launch.push_size = push ? 4 : 0;
  std::uint8_t params[512];
  const std::size_t size = sokr_launch_write(&launch, params, sizeof params);
  const SokrDispatchRequest request{{}, substrate, ir.data(), ir.size(), params, size};
  SokrDispatchResponse response;
  if (sokr_dispatch(&request, &response) == SOKR_OK) return response.completion_token;
  char sentence[512];
  info->diagnostics->last_error(sentence, sizeof sentence);
  die(sentence);
}

SokrCompletionSignal wait(SokrCompletionToken token, std::uint64_t timeout) {
  SokrCompletionSignal signal;
  const SokrCompletionQuery query{token, timeout};
  (void)sokr_completion(&query, &signal);
  return signal;
}

int note_compiler(dl_phdr_info* library, std::size_t, void* found) {
  const std::string_view name = library->dlpi_name ? library->dlpi_name : "";
  if (name.find("sokr-cpu-compiler") != name.npos || name.find("LLVM") != name.npos)
    *static_cast<bool*>(found) = true;
  return 0;
}

int run() {
  std::vector<std::uint32_t> data(64, 1);
  const std::uint32_t step = 2;
  for (int i = 0; i < 10; ++i)
    if (wait(dispatch("scale", data, 2, &step), UINT64_MAX) != SOKR_COMPLETION_COMPLETE)
      die("not complete");
  if (data != std::vector<std::uint32_t>(64, 21)) die("wrong result");
  bool loaded = false;
  ::dl_iterate_phdr(&note_compiler, &loaded);
  std::puts(loaded ? "compiler loaded" : "compiler not loaded");
  return 0;
}

int poll() {
  std::vector<std::uint32_t> data(64 * 400);
  const std::uint32_t rounds = 2000;
  for (int i = 0; i < 5; ++i) {
    const SokrCompletionToken token = dispatch("rounds", data, 400, &rounds);
    SokrCompletionSignal signal;
    while ((signal = wait(token, 0)) == SOKR_COMPLETION_PENDING) std::this_thread::yield();
    if (signal != SOKR_COMPLETION_COMPLETE) die("not complete");
  }
  return 0;
}

int endless(bool deregister) {
  static std::vector<std::uint32_t> data{1, 0, 0};
  for (int i = 0; i < 3; ++i)
    if (wait(dispatch("endless", data, 1, nullptr), 10'000'000) != SOKR_COMPLETION_TIMEDOUT)
      die("it ended");
  if (deregister && sokr_deregister_substrate(substrate) != SOKR_OK) die("not deregistered");
  return 0;
}

// Threads that run, or would if there were more processors. Those that sleep are nobody's loss:
// oneTBB makes one more while another is about to go to sleep.
int count_running() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "stat");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t name_end = text.rfind(')');  // "TID (NAME) STATE ..."
    count += name_end != text.npos && text.substr(name_end + 1, 2) == " R";
  }
  return count;
}

int embed() {
  std::vector<std::uint32_t> data(64 * 400);
  const std::uint32_t rounds = 3000;
  std::atomic<std::uint64_t> sum{0};
  const int processors = tbb::info::default_concurrency();
  std::atomic<int> looks{0}, several{0}, too_many{0};
  const auto look = [&] {
    const int now = count_running();
    ++looks;
    several += now > 1;
    too_many += now > processors + 1;  // the caller and as many workers
  };
  for (int i = 0; i < 10; ++i) {
    const SokrCompletionToken token = dispatch("rounds", data, 400, &rounds);
    sokr::substrate::parallel_for(2000, [&](std::uint64_t x) {
      if (x % 100 == 0) look();
      for (int k = 0; k < 2000; ++k) x = x * 6364136223846793005u + 1;
      sum += x;
      return true;
    });
    look();
    if (wait(token, UINT64_MAX) != SOKR_COMPLETION_COMPLETE) die("not complete");
  }
  std::printf(
      "of %d times there were several threads %d times, and more than %d processors %d times\n",
      looks.load(), several.load(), processors, too_many.load());
  // One worker goes to sleep while another wakes up for it, and a sanitizer has a thread of its
  // own: for a moment there may be more. Twice the threads would be there nearly always.
  return several > 0 && too_many * 2 <= looks ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) die("usage: cpu_runtime_process PLUGIN SHADERS COMMAND");
  void* library = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) die(::dlerror());
  shaders = argv[2];
  const std::string_view command = argv[3];
  auto main = reinterpret_cast<SokrPluginMainFn>(::dlsym(library, SOKR_PLUGIN_MAIN));
  const SokrHostInfo host{sizeof host, SOKR_COMPUTE_VERSION, nullptr, nullptr, 0, 0, nullptr};
  const SokrPlugin* plugin = main ? main(&host) : nullptr;
  if (!plugin) die("no plugin");
  if (plugin->substrate_count == 0) {
    std::printf("unavailable: %s\n", plugin->unavailable[0].reason);
    return command == "describe" ? 0 : 1;
  }
  info = plugin->substrates[0];
  if (command == "describe") {
    for (std::uint32_t i = 0; i < info->fact_count; ++i)
      std::printf("%s=%s\n", info->facts[i].key, info->facts[i].value);
    return 0;
  }
  if (sokr_register_substrate(info->plugin, &substrate) != SOKR_OK) die("not registered");
  if (command == "endless") return endless(true);
  if (command == "abandon") return endless(false);
  int result = 1;
  if (command == "run") result = run();
  if (command == "poll") result = poll();
  if (command == "embed") result = embed();
  if (sokr_deregister_substrate(substrate) != SOKR_OK) die("not deregistered");
  return result;
}
