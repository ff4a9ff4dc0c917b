// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Who runs a workload: a substrate, hand-written code, ISPC, lavapipe, PoCL. All are driven the
// same way, and everything that can be done before the first launch is done in prepare.
// Failures are exceptions with one sentence. One thread at a time.
#ifndef SOKR_BENCH_CPU_PEER_HPP_
#define SOKR_BENCH_CPU_PEER_HPP_

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <sokr/sokr.hpp>
#include <span>
#include <string>

#include "workload.hpp"

namespace sokr::bench {

// Memory as any program has it, aligned to a page.
class HostMemory {
 public:
  explicit HostMemory(std::size_t size)
      : size_(size),
        data_(static_cast<std::byte*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096))) {
    if (!data_) throw std::bad_alloc();
  }
  std::span<std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::size_t size_;
  std::unique_ptr<std::byte[], Free> data_;
};

// One workload on one peer, with buffers of its own, which hold what `write` put there.
class Runner {
 public:
  virtual ~Runner() = default;
  // One launch, from the submission to the end.
  virtual void launch() = 0;
  virtual void write(std::size_t buffer, std::span<const std::byte> bytes) = 0;
  virtual Bytes read(std::size_t buffer) = 0;
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string description() const = 0;
  // `module` is the SPIR-V; those that run other code ignore it.
  virtual std::unique_ptr<Runner> prepare(const Workload& workload,
                                          std::span<const std::byte> module) = 0;
};

// Code of this program as a runner. It gets the workload's buffers, aligned to pages.
using BufferFunction = std::function<void(std::byte* const* buffers)>;
std::unique_ptr<Runner> make_function_runner(BufferFunction function, const Workload& workload);

// `substrate` stays valid as long as the peer and its runners.
std::unique_ptr<Peer> make_substrate_peer(const Context& context, const Substrate& substrate);
std::unique_ptr<Peer> make_handwritten_peer();
// Null, with the reason, if this machine or this build does not have it. What is here and does not
// work is no absent peer: that throws. lavapipe is the only driver that is looked for, whatever the
// environment says.
std::unique_ptr<Peer> make_lavapipe_peer(std::string& reason);
std::unique_ptr<Peer> make_ispc_peer(std::string& reason);
// For a process of its own: sets the environment so that the Vulkan loader sees no other driver.
std::unique_ptr<Peer> make_swiftshader_peer(std::string& reason);
std::unique_ptr<Peer> make_pocl_peer(const std::filesystem::path& sources, std::string& reason);

// Writes the initial content of all buffers that a launch reads or changes.
void restore(const Workload& workload, Runner& runner);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_PEER_HPP_
