// SPDX-License-Identifier: MIT OR Apache-2.0
//
// saxpy on lavapipe as a program of its own, with nothing but Vulkan: what `sokr run` is
// compared with as a whole process.
//   cpu_raw_vulkan MODULE X Y RESULT     files of f32; RESULT = 1.5 X + Y
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "peer.hpp"

namespace {

using namespace sokr::bench;

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

File open(const char* path, const char* mode) {
  File file(std::fopen(path, mode));
  if (!file) throw std::runtime_error(fmt::format("cannot open {}", path));
  return file;
}

Bytes contents(const char* path) {
  const File file = open(path, "rb");
  Bytes bytes(std::filesystem::file_size(path));
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    throw std::runtime_error(fmt::format("cannot read {}", path));
  return bytes;
}

void run(char** arguments) {
  const Bytes module = contents(arguments[1]);
  Workload workload;
  workload.name = "saxpy";
  workload.buffers = {{contents(arguments[2])}, {contents(arguments[3])}};
  const auto n = static_cast<std::uint32_t>(workload.buffers[0].initial.size() / 4);
  const float a = 1.5f;
  workload.groups = {(n + 255) / 256, 1, 1};
  workload.push.resize(8);
  std::memcpy(workload.push.data(), &n, 4);
  std::memcpy(workload.push.data() + 4, &a, 4);
  std::string reason;
  const std::unique_ptr<Peer> peer = make_lavapipe_peer(reason);
  if (!peer) throw std::runtime_error(reason);
  const std::unique_ptr<Runner> runner = peer->prepare(workload, module);
  for (std::size_t i = 0; i < 2; ++i) {
    runner->write(i, workload.buffers[i].initial);
    workload.buffers[i].initial = {};
  }
  runner->launch();
  const Bytes result = runner->read(1);
  const File file = open(arguments[4], "wb");
  if (std::fwrite(result.data(), 1, result.size(), file.get()) != result.size())
    throw std::runtime_error(fmt::format("cannot write {}", arguments[4]));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: cpu_raw_vulkan MODULE X Y RESULT\n");
    return 2;
  }
  try {
    run(argv);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cpu_raw_vulkan: {}\n", error.what());
    return 1;
  }
}
