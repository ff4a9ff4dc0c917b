// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What SOKR adds to Vulkan: the same kernel on the same device through sokr_dispatch and
// sokr_completion, and through a hand-written loop that submits one command buffer
// recorded beforehand and waits on a timeline semaphore. The two alternate in turns of a
// millisecond in one process; each number is the median over turns.
//
//   vulkan.added_ns                 one launch on a device buffer, SOKR minus raw
//   vulkan.null_dispatch.vs_raw     the same as a ratio
//   vulkan.host_4k.vs_raw           with 4 KiB of host memory in and out; raw copies as well
//   .vs_spinning                    on a GPU: against a loop whose wait asks the semaphore over and
//                                   over, which takes a processor, instead of sleeping
//   vulkan.dispatch_call_ns         the dispatch call alone; raw: vkQueueSubmit alone
//   vulkan.raw_submit_ns
//   and those of table.hpp
//
// Environment: SOKR_BENCH_QUICK=1 takes fewer rounds.
#include <fmt/format.h>
#include <sokr/compute.h>
#include <sokr/sokr.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <sokr/substrate/exporter.hpp>
#include <span>
#include <string>
#include <vector>

#include "../alternate.hpp"
#include "raw_loop.hpp"
#include "substrate.hpp"
#include "table.hpp"

namespace {

using namespace sokr;
using namespace sokr::vulkan;
using bench::median, bench::now_ns;

// Fewer where SOKR_BENCH_QUICK is set: enough to see that it works.
const int kRounds = sokr::bench::is_quick() ? 3 : 25;
constexpr int kLaunches = 100;
constexpr std::uint64_t kBytes = 4096;
constexpr std::uint32_t kGroups = kBytes / 4 / 64;

template <class T>
T expect(Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "{}\n", result.failure().sentence);
  std::exit(1);
}

struct Sample {
  double total = 0, submit = 0;
};

// The same through Vulkan alone, on the device and the queue of the substrate: a GPU changes
// between the work of two devices in 100 us. The host copies if it has memory.
class Raw {
 public:
  Raw(Device& device, const std::vector<std::uint8_t>& ir, bool spins)
      : buffer_(expect(Buffer::create(device, kBytes, MemoryKind::kHost))),
        handle_(buffer_->handle()) {
    std::memset(buffer_->mapped(), 0, kBytes);
    bench::RawLoopOptions options;
    options.device = device.handle();
    options.functions = &device.vk();
    options.queue_family = device.physical().queue_family;
    options.spins = spins;
    const VkDescriptorBufferInfo whole{handle_, 0, VK_WHOLE_SIZE};
    options.buffers = {&whole, 1};
    options.module = std::as_bytes(std::span(ir));
    options.groups = {kGroups, 1, 1};
    loop_.emplace(options);
  }

  Sample launch(std::uint32_t* host) {
    const double start = now_ns();
    if (host) std::memcpy(buffer_->mapped(), host, kBytes);
    const double before = now_ns();
    loop_->submit();
    const double after = now_ns();
    loop_->wait();
    if (host) std::memcpy(host, buffer_->mapped(), kBytes);
    return {now_ns() - start, after - before};
  }

 private:
  std::unique_ptr<Buffer> buffer_;
  VkBuffer handle_;
  std::optional<bench::RawLoop> loop_;
};

// One launch through the core; the parameters are written beforehand, as a user would.
class Sokr {
 public:
  Sokr(const substrate::Exported& exported, const std::vector<std::uint8_t>& ir,
       SokrBinding binding)
      : ir_(ir) {
    if (sokr_register_substrate(exported.plugin, &id_) != SOKR_OK) std::exit(1);
    SokrLaunch launch{};
    launch.groups[0] = kGroups;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
    std::memcpy(request_.computation_id.bytes, "bench add_one...", 16);
    request_.substrate_id = id_;
    request_.ir_data = ir_.data();
    request_.ir_data_len = ir_.size();
    request_.params = params_.data();
    request_.params_len = params_.size();
  }
  ~Sokr() { sokr_deregister_substrate(id_); }

  Sample launch() {
    const double start = now_ns();
    SokrDispatchResponse response{};
    if (sokr_dispatch(&request_, &response) != SOKR_OK) std::exit(1);
    const double after = now_ns();
    SokrCompletionQuery query{response.completion_token, UINT64_MAX};
    SokrCompletionSignal signal{};
    if (sokr_completion(&query, &signal) != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) {
      std::exit(1);
    }
    return {now_ns() - start, after - start};
  }

 private:
  const std::vector<std::uint8_t>& ir_;
  std::uint32_t id_ = 0;
  std::vector<unsigned char> params_;
  SokrDispatchRequest request_{};
};

struct Pair {
  double added = 0, ratio = 0, ours_submit = 0, raw_submit = 0;
};

// In turns of a few launches each, so that whatever else the machine does meets both alike.
template <class Ours, class Theirs>
Pair in_turns(Ours&& ours, Theirs&& theirs) {
  std::vector<double> submits[2];
  const auto side = [](const char* name, auto&& launch, std::vector<double>& submit) {
    return measure::Side{name, [&](std::uint32_t count, std::vector<double>& ns) {
                           while (count-- > 0) {
                             const Sample one = launch();
                             ns.push_back(one.total);
                             submit.push_back(one.submit);
                           }
                         }};
  };
  const measure::Side sides[] = {side("sokr", ours, submits[0]), side("raw", theirs, submits[1])};
  measure::Rules rules;
  rules.repeat = kRounds * kLaunches;
  rules.block = std::chrono::milliseconds(1);
  const std::vector<measure::Series> both = measure::alternate(sides, rules);
  std::vector<double> added, ratios;
  for (std::size_t i = 0; i < std::min(both[0].blocks.size(), both[1].blocks.size()); ++i) {
    added.push_back(both[0].blocks[i] - both[1].blocks[i]);
    ratios.push_back(both[0].blocks[i] / both[1].blocks[i]);
  }
  return {median(added), median(ratios), median(submits[0]), median(submits[1])};
}

int measure_all() {
  const substrate::Host host;
  const Options options = read_options(host);
  std::shared_ptr<Instance> instance = expect(Instance::create(options, host));
  const Instance::Found found = expect(instance->devices());
  if (found.usable.empty()) {
    fmt::print(stderr, "no Vulkan device: nothing is measured\n");
    fmt::print("{{}}\n");
    return 0;
  }
  const auto ir = bench::module_bytes("add_one");
  using Devices = substrate::Exporter<VulkanSubstrate, 2>;
  Device* device = nullptr;  // of what was installed last
  const auto install = [&] {
    auto substrate = std::make_unique<VulkanSubstrate>(instance, found.usable[0], host, options);
    device = &expect(substrate->session())->device();
    return expect(Devices::install(std::move(substrate)));
  };
  Pair null, host4k, null_spinning, host4k_spinning;
  const bool is_software = found.usable[0].properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  {
    const substrate::Exported exported = install();
    SokrBuffer buffer = 0;
    if (exported.memory->create(kBytes, SOKR_BUFFER_HOST_VISIBLE, &buffer) != SOKR_OK) return 1;
    Sokr ours(exported, ir,
              {0, 0, 0, SOKR_BINDING_BUFFER, SOKR_ACCESS_READ_WRITE, 0, buffer, 0, kBytes});
    Raw raw(*device, ir, false), spinning(*device, ir, true);
    null = in_turns([&] { return ours.launch(); }, [&] { return raw.launch(nullptr); });
    if (!is_software)
      null_spinning =
          in_turns([&] { return ours.launch(); }, [&] { return spinning.launch(nullptr); });
  }
  {
    std::vector<std::uint32_t> data(kBytes / 4);
    const substrate::Exported exported = install();
    Sokr ours(exported, ir,
              {0, 0, 0, SOKR_BINDING_HOST, SOKR_ACCESS_READ_WRITE, 0,
               reinterpret_cast<std::uintptr_t>(data.data()), 0, kBytes});
    Raw raw(*device, ir, false), spinning(*device, ir, true);
    host4k = in_turns([&] { return ours.launch(); }, [&] { return raw.launch(data.data()); });
    if (!is_software)
      host4k_spinning =
          in_turns([&] { return ours.launch(); }, [&] { return spinning.launch(data.data()); });
  }
  fmt::print(
      "{{\"vulkan.added_ns\": {:.0f}, \"vulkan.null_dispatch.vs_raw\": {:.4f}, "
      "\"vulkan.host_4k.vs_raw\": {:.4f}, \"vulkan.dispatch_call_ns\": {:.0f}, "
      "\"vulkan.raw_submit_ns\": {:.0f}",
      null.added, null.ratio, host4k.ratio, null.ours_submit, null.raw_submit);
  if (!is_software)
    fmt::print(
        ", \"vulkan.null_dispatch.vs_spinning\": {:.4f}, \"vulkan.host_4k.vs_spinning\": {:.4f}",
        null_spinning.ratio, host4k_spinning.ratio);
  for (const auto& [name, value] : bench::measure_table(instance, found.usable[0], host, options))
    fmt::print(", \"vulkan.{}\": {:.4f}", name, value);
  fmt::print("}}\n");
  return 0;
}

}  // namespace

int main() {
  try {
    return measure_all();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_vulkan: {}\n", error.what());
    return 1;
  }
}
