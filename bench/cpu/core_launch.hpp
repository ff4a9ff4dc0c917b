// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launches of next to nothing, as measurements of what a launch costs make them.
#ifndef SOKR_BENCH_CPU_CORE_LAUNCH_HPP_
#define SOKR_BENCH_CPU_CORE_LAUNCH_HPP_

#include <fmt/format.h>
#include <sokr/compute.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "latency.hpp"

namespace sokr::bench {

// A module of the benchmarks' own shaders.
inline std::vector<std::byte> own_module(std::string_view name) {
  return read_file(fmt::format("{}/{}.spv", SOKR_BENCH_OWN_SHADERS, name));
}

inline Workload empty_workload() {
  Workload workload;
  workload.name = "empty";
  return workload;
}

// One workgroup of 64 invocations with one word of input and of output for each.
inline Workload small_workload(const char* name) {
  return {name,
          {1, 1, 1},
          {64, 1, 1},
          {},
          {BufferSpec{Bytes(1024)}, BufferSpec{Bytes(1024), Match::kBits}}};
}

// A launch written beforehand, through the core's two calls: what a recorded command buffer
// is to Vulkan.
class CoreLaunch {
 public:
  CoreLaunch(const Subject& subject, std::vector<std::byte> module, const Workload& workload)
      : module_(std::move(module)) {
    std::vector<SokrBinding> bindings;
    for (std::uint32_t i = 0; i < workload.buffers.size(); ++i) {
      const BufferSpec& spec = workload.buffers[i];
      std::span<std::byte> bytes = memory_.emplace_back(spec.initial.size()).bytes();
      std::ranges::copy(spec.initial, bytes.begin());
      const std::uint32_t access =
          spec.match == Match::kInput ? SOKR_ACCESS_READ : SOKR_ACCESS_READ_WRITE;
      bindings.push_back({0, i, 0, SOKR_BINDING_HOST, access, 0,
                          reinterpret_cast<std::uintptr_t>(bytes.data()), 0, bytes.size()});
    }
    SokrLaunch launch{};
    std::ranges::copy(workload.groups, launch.groups);
    launch.bindings = bindings.data();
    launch.binding_count = static_cast<std::uint32_t>(bindings.size());
    launch.push = workload.push.empty() ? nullptr : workload.push.data();
    launch.push_size = static_cast<std::uint32_t>(workload.push.size());
    params_.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params_.data(), params_.size());
    workload.name.copy(reinterpret_cast<char*>(request_.computation_id.bytes), 16);
    request_.substrate_id = subject.substrate.id();
    request_.ir_data = reinterpret_cast<const std::uint8_t*>(module_.data());
    request_.ir_data_len = module_.size();
    request_.params = params_.data();
    request_.params_len = params_.size();
  }
  CoreLaunch(const CoreLaunch&) = delete;
  CoreLaunch& operator=(const CoreLaunch&) = delete;

  // From now on the kernel is named by a handle; it stays prepared.
  CoreLaunch& prepare(const Subject& subject) {
    const SokrKernelTable* table = subject.substrate.info().kernels;
    if (table == nullptr) throw std::runtime_error("the substrate prepares no kernels");
    SokrKernelInfo info{};
    info.struct_size = sizeof info;
    info.ir_format = SOKR_IR_SPIRV;
    info.ir_data = request_.ir_data;
    info.ir_size = request_.ir_data_len;
    const SokrKernelInfo* all[] = {&info};
    SokrKernel kernel = 0;
    if (table->prepare(all, 1, &kernel) != SOKR_OK)
      throw std::runtime_error("a kernel could not be prepared");
    prepared_ = sokr_prepared_ir(kernel);
    request_.ir_data = reinterpret_cast<const std::uint8_t*>(&prepared_);
    request_.ir_data_len = sizeof prepared_;
    return *this;
  }

  double launch() {
    const double begin = now_ns();
    SokrDispatchResponse response{};
    SokrResult result = sokr_dispatch(&request_, &response);
    SokrCompletionSignal signal{};
    if (result == SOKR_OK) {
      const SokrCompletionQuery query{response.completion_token, UINT64_MAX};
      result = sokr_completion(&query, &signal);
    }
    const double end = now_ns();
    if (result != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE)
      throw std::runtime_error(
          fmt::format("a launch through the core failed with {}", int(result)));
    return end - begin;
  }

 private:
  std::vector<std::byte> module_;
  std::vector<HostMemory> memory_;
  std::vector<unsigned char> params_;
  SokrPreparedIr prepared_{};
  SokrDispatchRequest request_{};
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_CORE_LAUNCH_HPP_
