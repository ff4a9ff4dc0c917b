// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What probe.cpp starts: does with the drivers what it is asked for, and says so line by line on
// its standard output.
//
//   sokr-vulkan-probe devices        opens every device
//   sokr-vulkan-probe kernel UUID    compiles what is on its standard input for the device
//
// "done" is the last line where the drivers were survived, also if they refused; "cannot: ..."
// where it did not come to that.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <sokr/substrate/plugin_description.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "device.hpp"
#include "instance.hpp"
#include "probe.hpp"

namespace {

using namespace sokr;
using namespace sokr::vulkan;

int answer_fd = -1;

void say(std::string line) {
  line += '\n';
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t written = write(answer_fd, line.data() + at, line.size() - at);
    if (written <= 0) _exit(3);
    at += static_cast<std::size_t>(written);
  }
}

std::vector<std::uint8_t> read_input() {
  std::vector<std::uint8_t> all;
  std::uint8_t bytes[65536];
  for (ssize_t got; (got = read(0, bytes, sizeof bytes)) > 0;)
    all.insert(all.end(), bytes, bytes + got);
  return all;
}

Result<void> open_all(const Instance::Found& found, const Options& options) {
  for (const PhysicalDevice& physical : found.usable) {
    say(fmt::format("opening {}, {}", physical.name(), physical.driver_text()));
    (void)Device::create(physical, options);
  }
  return {};
}

Result<void> compile(const Instance::Found& found, const Options& options, std::string_view uuid) {
  SOKR_ASSIGN(PipelinePlan plan, plan_from_bytes(read_input()));
  for (const PhysicalDevice& physical : found.usable) {
    if (physical.uuid() != uuid) continue;
    say("opening the device");
    SOKR_ASSIGN(const std::unique_ptr<Device> device, Device::create(physical, options));
    say("compiling");
    (void)Pipeline::create(*device, VK_NULL_HANDLE, std::move(plan));
    return {};
  }
  return fail(SOKR_NOT_FOUND, "no device has the UUID {}", uuid);
}

Result<void> run(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (!(what == "devices" && count == 2) && !(what == "kernel" && count == 3))
    return fail(SOKR_INVALID_INPUT, "usage: sokr-vulkan-probe devices | kernel UUID");
  const substrate::Host host;
  const Options options = read_options(host);
  say("loading drivers");
  auto instance = Instance::create(options, host);
  if (!instance) {
    // The drivers were survived: who asked meets the same, and says it.
    if (what == "devices") return {};
    return std::move(instance).failure();
  }
  SOKR_ASSIGN(const Instance::Found found, (*instance)->devices());
  return what == "devices" ? open_all(found, options) : compile(found, options, words[2]);
}

}  // namespace

int main(int count, char** words) {
  // Only the answer goes where the parent reads: drivers print, too.
  answer_fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (answer_fd < 0 || nowhere < 0 || dup2(nowhere, 1) < 0) return 3;
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  try {
    const Result<void> result = run(count, words);
    say(result ? "done" : "cannot: " + result.failure().sentence);
    return result ? 0 : 2;
  } catch (const std::exception& error) {
    say(std::string("cannot: ") + error.what());
    return 2;
  }
}
