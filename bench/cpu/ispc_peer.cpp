// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels in ISPC as a peer: its functions do what a task is given, oneTBB hands out the tasks, in
// the pieces of the hand-written code.
#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <stdexcept>

#include "handwritten/handwritten.hpp"
#include "ispc_kernels.h"
#include "peer.hpp"

namespace sokr::bench {
namespace {

using Call = HandwrittenCall;

// Calls function(begin, end) for parts of [0, count) that have about `grain` each.
template <class Function>
void in_parts(std::uint32_t count, std::uint32_t grain, const Function& function) {
  const auto most = static_cast<std::int32_t>(count);
  tbb::parallel_for(
      tbb::blocked_range<std::int32_t>(0, most, grain),
      [&](const tbb::blocked_range<std::int32_t>& part) { function(part.begin(), part.end()); });
}

std::int32_t count_of(const Call& call, std::size_t word) {
  return call.word<std::int32_t>(word);
}

void saxpy(const Call& call) {
  in_parts(call.word(0), 65536, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_saxpy(begin, end, call.word<float>(1), call.buffer<float>(0), call.buffer<float>(1));
  });
}

void reduce(const Call& call) {
  const std::int32_t part = count_of(call, 0) / static_cast<std::int32_t>(call.groups);
  in_parts(call.groups, 1, [&](std::int32_t begin, std::int32_t end) {
    for (std::int32_t group = begin; group < end; ++group)
      call.buffer<float>(1)[group] = ispc::ispc_sum(part, call.buffer<float>(0) + group * part);
  });
}

void stencil(const Call& call) {
  in_parts(call.word(1), 16, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_stencil(begin, end, count_of(call, 0), count_of(call, 1), call.word<float>(2),
                       call.buffer<float>(0), call.buffer<float>(1));
  });
}

void mandelbrot(const Call& call) {
  in_parts(call.word(1), 1, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_mandelbrot(begin, end, count_of(call, 0), count_of(call, 2), call.word<float>(3),
                          call.word<float>(4), call.word<float>(5), call.buffer<std::int32_t>(0));
  });
}

void nbody(const Call& call) {
  in_parts(call.word(0), 64, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_nbody(begin, end, count_of(call, 0), call.word<float>(1), call.word<float>(2),
                     call.buffer<float>(0), call.buffer<float>(1), call.buffer<float>(2));
  });
}

void black_scholes(const Call& call) {
  in_parts(call.word(0), 4096, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_black_scholes(begin, end, call.word<float>(1), call.word<float>(2),
                             call.buffer<float>(0), call.buffer<float>(1), call.buffer<float>(2),
                             call.buffer<float>(3), call.buffer<float>(4));
  });
}

void matmul(const Call& call) {
  in_parts(call.word(0), 4, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_matmul(begin, end, count_of(call, 1), count_of(call, 2), call.buffer<float>(0),
                      call.buffer<float>(1), call.buffer<float>(2));
  });
}

void spmv(const Call& call) {
  in_parts(call.word(0), 256, [&](std::int32_t begin, std::int32_t end) {
    ispc::ispc_spmv(begin, end, call.buffer<std::int32_t>(0), call.buffer<std::int32_t>(1),
                    call.buffer<float>(2), call.buffer<float>(3), call.buffer<float>(4));
  });
}

struct Row {
  std::string_view kernel;
  HandwrittenFunction function;
};

constexpr Row kFunctions[] = {
    {"saxpy", saxpy},           {"matmul_naive", matmul},
    {"mandelbrot", mandelbrot}, {"nbody", nbody},
    {"reduce_shared", reduce},  {"black_scholes", black_scholes},
    {"stencil", stencil},       {"spmv", spmv},
};

class IspcPeer final : public Peer {
 public:
  std::string description() const override { return "ISPC " SOKR_BENCH_ISPC " with oneTBB"; }
  std::unique_ptr<Runner> prepare(const Workload& workload, std::span<const std::byte>) override {
    const auto found = std::ranges::find(kFunctions, workload.name, &Row::kernel);
    if (found == std::end(kFunctions))
      throw std::runtime_error(fmt::format("there is no {} in ISPC", workload.name));
    return make_function_runner(
        [function = found->function, push = workload.push, groups = workload.groups[0]](
            std::byte* const* buffers) { function({buffers, push.data(), groups}); },
        workload);
  }
};

}  // namespace

std::unique_ptr<Peer> make_ispc_peer(std::string&) {
  return std::make_unique<IspcPeer>();
}

}  // namespace sokr::bench
