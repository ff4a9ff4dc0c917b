// SPDX-License-Identifier: MIT OR Apache-2.0
#include "table.hpp"

#include <fmt/format.h>
#include <sokr/compute.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>

#include "../alternate.hpp"
#include "beside.hpp"
#include "raw_loop.hpp"

namespace sokr::bench {
namespace {

using namespace sokr::vulkan;

constexpr std::uint64_t kBytes = 4096;
constexpr std::uint32_t kGroups = kBytes / 4 / 64;

// Ours over theirs, in turn: the median of the rounds' ratios.
template <class Mine, class Others>
double in_turns(int rounds, Mine&& ours, Others&& theirs) {
  if (is_quick()) rounds = std::min(rounds, 3);
  ours(), theirs();
  const Rounds both =
      alternate(rounds, {[&] { return time_of(ours); }, [&] { return time_of(theirs); }});
  return ratio(both[0], both[1]);
}

class Ours {
 public:
  Ours(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
       const substrate::Host& host, const Options& options)
      : substrate_(std::move(instance), physical, host, options) {}

  SokrBuffer buffer(std::uint64_t bytes) { return need(substrate_.memory().create(bytes, 0)); }
  VulkanSubstrate& operator*() { return substrate_; }

  std::uint64_t start(const std::vector<std::uint8_t>& ir, const SokrLaunch& launch) {
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
    SokrDispatchRequest request{};
    request.substrate_id = 1;
    request.ir_data = ir.data();
    request.ir_data_len = ir.size();
    request.params = params_.data();
    request.params_len = params_.size();
    return need(substrate_.dispatch(request));
  }
  void wait(std::uint64_t token) {
    if (substrate_.completion(token, UINT64_MAX).signal != SOKR_COMPLETION_COMPLETE)
      throw std::runtime_error(substrate_.completion_error(token));
  }

 private:
  VulkanSubstrate substrate_;
  std::vector<unsigned char> params_;
};

SokrLaunch launch_of(const SokrBinding& binding, std::uint32_t groups) {
  SokrLaunch launch{};
  launch.groups[0] = groups;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  return launch;
}

SokrBinding in_buffer(SokrBuffer buffer, std::uint64_t bytes) {
  return {0, 0, 0, SOKR_BINDING_BUFFER, SOKR_ACCESS_READ_WRITE, 0, buffer, 0, bytes};
}

// Vulkan by hand, on the device and the queue of the substrate.
struct Raw {
  Device* device;
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<VkDescriptorBufferInfo> handles;
  std::vector<std::uint8_t> ir;
  RawLoopOptions options;
  std::optional<RawLoop> loop;

  Raw(Ours& ours, const char* kernel)
      : device(&need((*ours).session())->device()), ir(module_bytes(kernel)) {
    options.device = device->handle();
    options.functions = &device->vk();
    options.queue_family = device->physical().queue_family;
    options.module = std::as_bytes(std::span(ir));
    options.groups = {kGroups, 1, 1};
  }
  Buffer& add(std::uint64_t bytes, MemoryKind kind) {
    buffers.push_back(need(Buffer::create(*device, bytes, kind)));
    handles.push_back({buffers.back()->handle(), 0, VK_WHOLE_SIZE});
    return *buffers.back();
  }
  void make() {
    options.buffers = {handles.data(), 1};
    loop.emplace(options);
  }
  void launch() {
    loop->submit();
    loop->wait();
  }
};

double push(Ours& ours, bool spins) {
  const auto ir = module_bytes("add_n");
  const SokrBinding binding = in_buffer(ours.buffer(kBytes), kBytes);
  SokrLaunch launch = launch_of(binding, kGroups);
  std::uint32_t mine = 0, theirs = 0;
  launch.push = &mine;
  launch.push_size = sizeof mine;
  Raw raw(ours, "add_n");
  raw.add(kBytes, MemoryKind::kDevice);
  raw.options.push = std::as_bytes(std::span(&theirs, 1));
  raw.options.spins = spins;
  raw.make();
  return in_turns(
      500, [&] { ++mine, ours.wait(ours.start(ir, launch)); },
      [&] { ++theirs, raw.loop->record(raw.options), raw.launch(); });
}

double bindings(Ours& ours, bool spins) {
  constexpr std::size_t kBuffers = 200;  // more than the recordings that are kept
  const auto ir = module_bytes("add_one");
  std::vector<SokrBuffer> mine;
  Raw raw(ours, "add_one");
  for (std::size_t i = 0; i < kBuffers; ++i) {
    mine.push_back(ours.buffer(kBytes));
    raw.add(kBytes, MemoryKind::kDevice);
  }
  raw.options.spins = spins;
  raw.make();
  std::size_t a = 0, b = 0;
  return in_turns(
      500,
      [&] {
        const SokrBinding binding = in_buffer(mine[a++ % kBuffers], kBytes);
        ours.wait(ours.start(ir, launch_of(binding, kGroups)));
      },
      [&] {
        raw.loop->bind({&raw.handles[b++ % kBuffers], 1});
        raw.loop->record(raw.options);
        raw.launch();
      });
}

double chain(Ours& ours) {
  constexpr std::uint32_t kLaunches = 1000;
  const auto ir = module_bytes("add_one");
  const SokrBinding binding = in_buffer(ours.buffer(kBytes), kBytes);
  SokrLaunch launch = launch_of(binding, kGroups);
  Raw raw(ours, "add_one");
  raw.add(kBytes, MemoryKind::kDevice);
  raw.options.repeats = kLaunches;
  raw.make();
  return in_turns(
      15,
      [&] {
        std::uint64_t token = 0;
        SokrCompletionToken before = 0;
        for (std::uint32_t i = 0; i < kLaunches; ++i) {
          launch.waits = &before;
          launch.wait_count = i == 0 ? 0 : 1;
          token = ours.start(ir, launch);
          before = sokr_token_encode(1, token);
        }
        ours.wait(token);
      },
      [&] { raw.launch(); });
}

double host_memory(Ours& ours, const PhysicalDevice& physical) {
  constexpr std::uint64_t kLarge = 64u << 20;
  const std::uint32_t groups = 65535;  // some 16 MiB of it are touched
  const auto ir = module_bytes("add_one");
  std::vector<std::uint32_t> mine(kLarge / 4), theirs(kLarge / 4);
  const SokrBinding binding{0,
                            0,
                            0,
                            SOKR_BINDING_HOST,
                            SOKR_ACCESS_READ_WRITE,
                            0,
                            reinterpret_cast<std::uintptr_t>(mine.data()),
                            0,
                            kLarge};
  const SokrLaunch launch = launch_of(binding, groups);
  Raw raw(ours, "add_one");
  raw.options.groups = {groups, 1, 1};
  Buffer* host = nullptr;
  if (has_unified_memory(physical)) {
    host = &raw.add(kLarge, MemoryKind::kStaging);
  } else {
    Buffer& local = raw.add(kLarge, MemoryKind::kDevice);
    host = &raw.add(kLarge, MemoryKind::kStaging);
    raw.options.local = local.handle();
    raw.options.staging = host->handle();
    raw.options.staged_bytes = kLarge;
  }
  raw.make();
  return in_turns(
      9, [&] { ours.wait(ours.start(ir, launch)); },
      [&] {
        std::memcpy(host->mapped(), theirs.data(), kLarge);
        need(host->flush(0, kLarge));
        raw.launch();
        need(host->invalidate(0, kLarge));
        std::memcpy(theirs.data(), host->mapped(), kLarge);
      });
}

double buffers(Ours& ours) {
  constexpr std::size_t kBuffers = 10'000, kAlive = 1000;
  constexpr std::size_t kLeast = 256, kRange = 65536;
  const std::vector<std::byte> data(kLeast + kRange, std::byte{1});
  std::vector<SokrBuffer> mine(kAlive);
  std::vector<void*> theirs(kAlive);
  const auto each = [&](auto&& make, auto&& drop) {
    std::mt19937 random(7);
    std::vector<bool> alive(kAlive);
    for (std::size_t i = 0; i < kBuffers; ++i) {
      const std::size_t place = random() % kAlive;
      if (alive[place]) drop(place);
      make(place, kLeast + random() % kRange);
      alive[place] = true;
    }
    for (std::size_t i = 0; i < kAlive; ++i)
      if (alive[i]) drop(i);
  };
  return in_turns(
      9,
      [&] {
        each(
            [&](std::size_t i, std::size_t size) {
              mine[i] = ours.buffer(size);
              need((*ours).memory().write(mine[i], 0, data.data(), size));
            },
            [&](std::size_t i) { need((*ours).memory().free(mine[i])); });
      },
      [&] {
        each(
            [&](std::size_t i, std::size_t size) {
              theirs[i] = std::memcpy(std::malloc(size), data.data(), size);
            },
            [&](std::size_t i) { std::free(theirs[i]); });
      });
}

}  // namespace

bool is_quick() {
  return std::getenv("SOKR_BENCH_QUICK") != nullptr;
}

std::vector<std::uint8_t> module_bytes(const std::string& name) {
  const char* elsewhere = std::getenv("SOKR_TEST_SHADER_FOLDER");
  const std::string folder = elsewhere ? elsewhere : SOKR_BENCH_SHADERS;
  std::ifstream file(folder + "/" + name + ".spv", std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty())
    throw std::runtime_error(fmt::format("{}/{}.spv cannot be read", folder, name));
  return bytes;
}

std::vector<std::pair<std::string, double>> measure_table(const std::shared_ptr<Instance>& instance,
                                                          const PhysicalDevice& physical,
                                                          const substrate::Host& host,
                                                          const Options& options) {
  std::vector<std::pair<std::string, double>> rows;
  const bool is_software = physical.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  for (const bool spins : {false, true}) {
    if (spins && is_software) continue;
    const std::string peer = spins ? ".vs_spinning" : ".vs_raw";
    Ours ours(instance, physical, host, options), others(instance, physical, host, options);
    rows.emplace_back("push" + peer, push(ours, spins));
    rows.emplace_back("bindings" + peer, bindings(others, spins));
  }
  {
    Ours ours(instance, physical, host, options);
    rows.emplace_back("chain.vs_raw", chain(ours));
  }
  {
    Ours ours(instance, physical, host, options);
    rows.emplace_back("host_64m.vs_raw", host_memory(ours, physical));
  }
  std::ranges::move(measure_beside(instance, physical, host, options), std::back_inserter(rows));
  Ours ours(instance, physical, host, options);
  rows.emplace_back("buffers.vs_malloc", buffers(ours));
  return rows;
}

}  // namespace sokr::bench
