// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The hand-written functions as a peer, on the same kind of memory as the substrate's.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "handwritten/handwritten.hpp"
#include "peer.hpp"

namespace sokr::bench {
namespace {

struct Row {
  std::string_view kernel;
  HandwrittenFunction function;
};

constexpr Row kFunctions[] = {
    {"saxpy", handwritten::saxpy},
    {"matmul_naive", handwritten::matmul_naive},
    {"matmul_tiled", handwritten::matmul_tiled},
    {"mandelbrot", handwritten::mandelbrot},
    {"nbody", handwritten::nbody},
    {"reduce_shared", handwritten::reduce},
    {"scan", handwritten::scan},
    {"histogram_shared", handwritten::histogram_shared},
    {"histogram_global", handwritten::histogram_global},
    {"black_scholes", handwritten::black_scholes},
    {"stencil", handwritten::stencil},
    {"matvec_f16", handwritten::matvec_f16},
    {"matvec_int8_dot", handwritten::matvec_int8_dot},
    {"reduce_subgroup", handwritten::reduce},
    {"spmv", handwritten::spmv},
    {"bitonic_sort", handwritten::bitonic_sort},
};

class FunctionRunner final : public Runner {
 public:
  FunctionRunner(BufferFunction function, const Workload& workload)
      : function_(std::move(function)) {
    for (const BufferSpec& spec : workload.buffers)
      buffers_.push_back(memory_.emplace_back(spec.initial.size()).bytes().data());
  }
  void launch() override { function_(buffers_.data()); }
  void write(std::size_t buffer, std::span<const std::byte> bytes) override {
    std::ranges::copy(bytes, memory_[buffer].bytes().begin());
  }
  Bytes read(std::size_t buffer) override {
    std::span<std::byte> bytes = memory_[buffer].bytes();
    return {bytes.begin(), bytes.end()};
  }

 private:
  BufferFunction function_;
  std::vector<HostMemory> memory_;
  std::vector<std::byte*> buffers_;
};

class HandwrittenPeer final : public Peer {
 public:
  std::string description() const override { return "C++ with oneTBB and vector extensions"; }
  std::unique_ptr<Runner> prepare(const Workload& workload, std::span<const std::byte>) override {
    const auto found = std::ranges::find(kFunctions, workload.name, &Row::kernel);
    if (found == std::end(kFunctions))
      throw std::runtime_error(fmt::format("there is no hand-written {}", workload.name));
    return make_function_runner(
        [function = found->function, push = workload.push, groups = workload.groups[0]](
            std::byte* const* buffers) { function({buffers, push.data(), groups}); },
        workload);
  }
};

}  // namespace

std::unique_ptr<Runner> make_function_runner(BufferFunction function, const Workload& workload) {
  return std::make_unique<FunctionRunner>(std::move(function), workload);
}

std::unique_ptr<Peer> make_handwritten_peer() {
  return std::make_unique<HandwrittenPeer>();
}

}  // namespace sokr::bench
