// SPDX-License-Identifier: MIT OR Apache-2.0
#include "processor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "protocol.hpp"

namespace sokr::cpu::emulated {
namespace {

constexpr int kPatienceMs = 60'000;

Failure no_process(const char* what, int error) {
  return fail(SOKR_DISPATCH_FAILED, "the emulator cannot be started: {}: {}", what,
              std::strerror(error));
}

template <class T>
void append(std::vector<std::uint8_t>& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

}  // namespace

struct Processor::Area {
  std::uint8_t* data;
  std::uint64_t size;
};

Result<void> Processor::start() {
  if (child_ > 0) return {};
  // A runner that died must not end us as well.
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> in{}, out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0) return no_process("pipe", errno);
  if (pipe2(out.data(), O_CLOEXEC) != 0) {
    int error = errno;
    close(in[0]);
    close(in[1]);
    return no_process("pipe", error);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::array<char*, 3> arguments{emulator_.data(), runner_.data(), nullptr};
  int error = posix_spawn(&child_, emulator_.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (error == 0) return {};
  child_ = -1;
  stop();
  return no_process(emulator_.c_str(), error);
}

// How the process ended.
std::string Processor::stop() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  to_ = from_ = -1;
  if (child_ <= 0) return "it was never started";
  int status = 0;
  pid_t ended = waitpid(child_, &status, 0);
  child_ = -1;
  if (ended < 0) return std::strerror(errno);
  if (WIFSIGNALED(status)) return fmt::format("it ended by signal {}", WTERMSIG(status));
  return fmt::format("it ended with status {}", WEXITSTATUS(status));
}

Result<void> Processor::run(std::span<const std::uint8_t> kernel,
                            std::span<const KernelBinding> bindings,
                            std::span<const std::uint8_t> push,
                            const std::array<std::uint32_t, 3>& groups,
                            const std::array<std::uint32_t, 3>& base_groups) {
  SOKR_TRY(start());
  std::vector<Area> areas;
  for (const KernelBinding& binding : bindings)
    if (binding.data) areas.push_back({static_cast<std::uint8_t*>(binding.data), binding.size});
  std::sort(areas.begin(), areas.end(),
            [](const Area& a, const Area& b) { return a.data < b.data; });
  std::size_t count = 0;
  for (const Area& area : areas) {
    if (count != 0 && area.data < areas[count - 1].data + areas[count - 1].size) {
      Area& last = areas[count - 1];
      last.size = std::max<std::uint64_t>(
          last.size, static_cast<std::uint64_t>(area.data + area.size - last.data));
    } else {
      areas[count++] = area;
    }
  }
  areas.resize(count);

  std::vector<std::uint8_t> request;
  RequestHeader header;
  header.kernel_size = kernel.size();
  header.region_count = static_cast<std::uint32_t>(areas.size());
  header.binding_count = static_cast<std::uint32_t>(bindings.size());
  header.push_size = static_cast<std::uint32_t>(push.size());
  std::copy(groups.begin(), groups.end(), header.groups);
  std::copy(base_groups.begin(), base_groups.end(), header.base_groups);
  append(request, header);
  request.insert(request.end(), kernel.begin(), kernel.end());
  for (const Area& area : areas) {
    append(request, RegionHeader{area.size, reinterpret_cast<std::uintptr_t>(area.data) % kPage});
    request.insert(request.end(), area.data, area.data + area.size);
  }
  for (const KernelBinding& binding : bindings) {
    BindingHeader one;
    one.size = binding.size;  // of what is no memory, too: where a runtime-sized array is
    const auto* data = static_cast<const std::uint8_t*>(binding.data);
    for (std::uint32_t i = 0; data && i < areas.size(); ++i)
      if (data >= areas[i].data && data + binding.size <= areas[i].data + areas[i].size)
        one = {i, 0, static_cast<std::uint64_t>(data - areas[i].data), binding.size};
    append(request, one);
  }
  request.insert(request.end(), push.begin(), push.end());
  if (write_all(to_, request.data(), request.size())) return receive(areas);
  return fail(SOKR_DISPATCH_FAILED, "the emulated program took no launch: {}", stop());
}

Result<void> Processor::receive(std::span<const Area> areas) {
  pollfd ready{from_, POLLIN, 0};
  if (poll(&ready, 1, kPatienceMs) == 0) {
    kill(child_, SIGKILL);
    stop();
    return fail(SOKR_DISPATCH_FAILED, "the emulated kernel has not finished after {} seconds",
                kPatienceMs / 1000);
  }
  AnswerHeader header;
  if (!read_all(from_, &header, sizeof header))
    return fail(SOKR_DISPATCH_FAILED, "the emulated kernel crashed: {}", stop());
  if (header.failed) {
    std::string sentence(header.sentence_size, '\0');
    if (!read_all(from_, sentence.data(), sentence.size())) sentence = stop();
    return fail(SOKR_DISPATCH_FAILED, "{}", sentence);
  }
  for (const Area& area : areas)
    if (!read_all(from_, area.data, area.size))
      return fail(SOKR_DISPATCH_FAILED, "the emulated program gave no answer: {}", stop());
  return {};
}

}  // namespace sokr::cpu::emulated
