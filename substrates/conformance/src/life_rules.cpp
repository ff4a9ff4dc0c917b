// SPDX-License-Identifier: MIT OR Apache-2.0
#include <dlfcn.h>
#include <link.h>
#include <sokr/retire.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

using Clock = std::chrono::steady_clock;

// Registered with the core, until it is deregistered.
std::uint32_t enroll(Check& check) {
  std::uint32_t id = 0;
  check.tried.at("calls through the core");
  const SokrResult code = sokr_register_substrate(&check.tried.table(), &id);
  check.expect(code == SOKR_OK, "the core does not register it: {}", code_text(code));
  return id;
}

SokrDispatchRequest request_of(const Sample& sample, std::uint32_t id) {
  return {{},
          id,
          sample.ir.data(),
          sample.ir.size(),
          sample.params.empty() ? nullptr : sample.params.data(),
          sample.params.size()};
}

// 0 if it does not start, which is noted.
SokrCompletionToken launch(Check& check, const Sample& sample, std::uint32_t id) {
  const SokrDispatchRequest request = request_of(sample, id);
  SokrDispatchResponse response{};
  const SokrResult code = sokr_dispatch(&request, &response);
  check.expect(code == SOKR_OK, "'{}' is refused with {}{}", sample.name, code_text(code),
               check.tried.reason());
  return response.completion_token;
}

Completed ask(SokrCompletionToken token, std::uint64_t timeout_ns) {
  const SokrCompletionQuery query{token, timeout_ns};
  Completed answer;
  answer.code = sokr_completion(&query, &answer.signal);
  return answer;
}

std::size_t thread_count() {
  std::size_t count = 0;
  std::error_code error;
  for ([[maybe_unused]] const auto& task :
       std::filesystem::directory_iterator("/proc/self/task", error))
    ++count;
  return count;
}

// Whether the library of this function is one that is never unloaded (-z nodelete): threads that it
// shares with others in the process may stay.
bool stays_loaded(SokrPluginMainFn main) {
  Dl_info info{};
  link_map* map = nullptr;
  if (::dladdr1(reinterpret_cast<const void*>(main), &info, reinterpret_cast<void**>(&map),
                RTLD_DL_LINKMAP) == 0)
    return false;
  for (const ElfW(Dyn)* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry)
    if (entry->d_tag == DT_FLAGS_1 && (entry->d_un.d_val & DF_1_NODELETE) != 0) return true;
  return false;
}

}  // namespace

void check_threads(Check& check) {
  const Tried& tried = check.tried;
  constexpr int kThreads = 4, kRounds = 25;
  std::mutex mutex;
  const auto expect = [&](bool is_so, const char* what, SokrResult code) {
    if (is_so) return;
    const std::scoped_lock lock(mutex);
    check.found("called by {} threads at once, {} is {}", kThreads, what, code_text(code));
  };
  const std::vector<std::uint8_t> nothing(64, 0xFF);
  const auto work = [&] {
    for (int round = 0; round < kRounds; ++round) {
      for (const std::uint32_t format : tried.formats()) {
        const SokrResult code = tried.capability(format, nothing);
        expect(code != SOKR_OK, "what is no computation", code);
        (void)tried.last_error();
      }
      for (const Sample& sample : check.subject.samples) {
        if (sample.takes_long) continue;
        const SokrResult capable = tried.capability(sample.format, sample.ir);
        expect(capable == SOKR_OK, "what it can run", capable);
        const Started started = tried.dispatch(sample);
        expect(started.code == SOKR_OK, "a dispatch", started.code);
        if (started.code != SOKR_OK) continue;
        (void)tried.complete(started.token, 0);
        const Completed end = tried.wait(started.token);
        expect(end.is_terminal(), "the end of a launch", end.code);
      }
      if (!tried.memory() || !tried.memory()->create || !tried.memory()->free) continue;
      SokrBuffer buffer = 0;
      const SokrResult code = tried.memory()->create(256, SOKR_BUFFER_DEFAULT, &buffer);
      expect(code == SOKR_OK, "a new buffer", code);
      if (code == SOKR_OK) (void)tried.memory()->free(buffer);
    }
  };
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work);
}

void check_left_threads(Check& check) {
  // Sanitizers and libraries have threads of their own; those from before count as that.
  const std::size_t before = thread_count();
  const std::uint32_t id = enroll(check);
  if (id == 0) return;
  std::vector<SokrCompletionToken> tokens;
  for (const Sample& sample : check.subject.samples) {
    for (int i = 0; i < 3; ++i)
      if (const SokrCompletionToken token = launch(check, sample, id)) tokens.push_back(token);
  }
  const SokrResult code = sokr_deregister_substrate(id);
  check.expect(code == SOKR_OK, "it cannot be deregistered: {}", code_text(code));
  for (const SokrCompletionToken token : tokens)
    check.expect(ask(token, 0).code == SOKR_NOT_FOUND, "a token outlives its substrate");
  if (stays_loaded(check.subject.main)) return;
  // A thread that was joined may be listed for a moment longer.
  constexpr std::chrono::seconds kPatience{2};
  const auto begin = Clock::now();
  std::size_t after = thread_count();
  for (; after > before && Clock::now() - begin < kPatience; after = thread_count())
    std::this_thread::yield();
  check.expect(after <= before, "{} of its threads are left", after - before);
}

void check_retires(Check& check) {
  if ((check.tried.table().version.patch & SOKR_RETIRES) == 0)
    return check.not_tried("it does not ask to be told (SOKR_RETIRES)");
  const Sample* sample = check.slow();
  if (!sample) return;
  const std::uint32_t id = enroll(check);
  if (id == 0) return;
  const SokrCompletionToken token = launch(check, *sample, id);
  if (token == 0) return;
  Completed end;
  std::atomic<bool> waiting{false};
  std::jthread waiter([&] {
    waiting = true;
    end = ask(token, UINT64_MAX);
  });
  while (!waiting) std::this_thread::yield();
  const SokrResult code = sokr_deregister_substrate(id);
  waiter.join();
  check.expect(code == SOKR_OK, "it cannot be deregistered: {}", code_text(code));
  check.expect(end.is_terminal() || end.code == SOKR_NOT_FOUND,
               "a wait that was inside when it was deregistered ends as {}", text(end));
}

// What the child of check_forked found, as bits of its exit status, beside one that says that it
// came to its end.
constexpr int kCameToItsEnd = 64;
struct Answered {
  int bit;
  const char* call;
};
constexpr Answered kAnswered[] = {{1, "capability_fn"}, {2, "dispatch_fn"}, {4, "completion_fn"}};

void check_forked(Check& check) {
  const Tried& tried = check.tried;
  const Sample* sample = check.subject.samples.empty() ? nullptr : check.quick();
  std::uint64_t earlier = 0;
  if (sample) {
    if (const auto token = check.start(*sample)) earlier = *token;
    if (earlier != 0) (void)tried.wait(earlier);
  }
  constexpr unsigned kSeconds = 10;  // the least of what "at once" is not
  const pid_t child = ::fork();
  if (child < 0) return check.not_tried("this process cannot fork");
  if (child == 0) {
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(kSeconds);
    int wrong = 0;
    const auto expect_refused = [&](int bit, SokrResult code) {
      if (code != SOKR_DISPATCH_FAILED) wrong |= bit;
    };
    const std::vector<std::uint8_t> nothing(64, 0xFF);
    for (const std::uint32_t format : tried.formats())
      expect_refused(1, tried.capability(format, nothing));
    if (sample) {
      expect_refused(1, tried.capability(sample->format, sample->ir));
      expect_refused(2, tried.dispatch(*sample).code);
      expect_refused(4, tried.wait(earlier).code);
    }
    (void)tried.last_error();
    tried.table().destroy_fn();
    ::_exit(kCameToItsEnd | wrong);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    check.found("the child was still inside after {} s", kSeconds);
  else if (WIFSIGNALED(status))
    check.found("the child ended by signal {}", WTERMSIG(status));
  else if ((WEXITSTATUS(status) & ~7) != kCameToItsEnd)
    check.found("the child ended with {}", WEXITSTATUS(status));
  else
    for (const auto& [bit, call] : kAnswered) {
      check.expect((WEXITSTATUS(status) & bit) == 0,
                   "in the child {} does not answer SOKR_DISPATCH_FAILED", call);
    }
  // The parent goes on.
  if (sample) check.run(*sample);
}

void check_gone(Check& check) {
  const Tried& tried = check.tried;
  const std::uint32_t id = enroll(check);
  if (id == 0) return;
  SokrBuffer buffer = 0;
  if (tried.memory() && tried.memory()->create)
    (void)tried.memory()->create(64, SOKR_BUFFER_DEFAULT, &buffer);
  (void)sokr_deregister_substrate(id);
  tried.at("tables beside the core, after destroy_fn");
  const auto gone = [&](const char* what, SokrResult code) {
    check.expect(code == SOKR_NOT_FOUND, "{} of a destroyed substrate is {}", what,
                 code_text(code));
  };
  if (tried.memory()) {
    const SokrMemoryTable& memory = *tried.memory();
    std::uint8_t byte = 0;
    SokrBuffer made = 0;
    if (memory.create) gone("create", memory.create(64, SOKR_BUFFER_DEFAULT, &made));
    if (memory.write) gone("write", memory.write(buffer, 0, &byte, 1));
    if (memory.read) gone("read", memory.read(buffer, 0, &byte, 1));
    if (memory.free) gone("free", memory.free(buffer));
  }
  if (tried.kernels()) gone("release", tried.kernels()->release(1));
  if (!tried.diagnostics()) return;
  char out[64] = "";
  (void)tried.last_error();
  if (tried.diagnostics()->completion_error)
    (void)tried.diagnostics()->completion_error(1, out, sizeof out);
  SokrTiming timing{sizeof timing, 0, 0};
  if (tried.diagnostics()->timing) gone("timing", tried.diagnostics()->timing(1, &timing));
}

void check_again(Check& check) {
  const Subject& subject = check.subject;
  std::set<std::uint64_t> seen;
  const std::string name = check.tried.info().name ? check.tried.info().name : "";
  const SokrPlugin* library = subject.plugin;
  for (int time = 0; time < 3; ++time) {
    check.tried.at("sokr_plugin_main, or destroy_fn");
    if (time > 0) library = subject.main(subject.host);
    if (!check.expect(library != nullptr && subject.index < library->substrate_count,
                      "asked for time {}, it does not offer '{}'", time + 1, name))
      return;
    const Tried tried(*library, subject.index);
    if (!check.expect(tried.is_usable() && name == tried.info().name,
                      "asked for time {}, it offers something else than '{}'", time + 1, name))
      return;
    // What is offered is destroyed, all of it, before it is asked for again.
    std::vector<std::uint32_t> ids;
    for (std::uint32_t i = 0; i < library->substrate_count; ++i) {
      std::uint32_t id = 0;
      const Tried one(*library, i);
      if (one.is_usable() && sokr_register_substrate(&one.table(), &id) == SOKR_OK)
        ids.push_back(id);
    }
    for (const Sample& sample : subject.samples) {
      if (sample.takes_long) continue;
      const Started started = tried.dispatch(sample);
      if (!check.expect(started.code == SOKR_OK, "offered for time {}, it refuses '{}' with {}{}",
                        time + 1, sample.name, code_text(started.code), tried.reason()))
        continue;
      check.expect(seen.insert(started.token).second,
                   "the token {:#x} was given out before everything was destroyed, too",
                   started.token);
      (void)tried.wait(started.token);
    }
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) (void)sokr_deregister_substrate(*id);
  }
}

}  // namespace sokr::substrate
