// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate under test through the C++ API, on host memory bound in place.
#include <algorithm>

#include "peer.hpp"

namespace sokr::bench {
namespace {

class SubstrateRunner final : public Runner {
 public:
  SubstrateRunner(const Substrate& substrate, Kernel kernel, const Workload& workload)
      : substrate_(substrate), kernel_(std::move(kernel)) {
    for (const BufferSpec& spec : workload.buffers) memory_.emplace_back(spec.initial.size());
    launch_.groups(workload.groups[0], workload.groups[1], workload.groups[2]);
    launch_.push_bytes(workload.push);
    for (const Specialization& one : workload.specialization)
      launch_.specialize_bits(one.id, 4, one.word);
    const std::vector<View> views = workload.bindings();
    for (std::uint32_t i = 0; i < views.size(); ++i) {
      std::span<std::byte> bytes =
          memory_[views[i].buffer].bytes().subspan(views[i].offset, views[i].size);
      const BufferSpec& spec = workload.buffers[views[i].buffer];
      launch_.bind(0, i,
                   spec.match == Match::kInput ? sokr::read(bytes)
                   : spec.read                 ? sokr::read_write(bytes)
                                               : sokr::write(bytes));
    }
  }
  void launch() override { substrate_.dispatch(kernel_, launch_).wait(); }
  void write(std::size_t buffer, std::span<const std::byte> bytes) override {
    std::ranges::copy(bytes, memory_[buffer].bytes().begin());
  }
  Bytes read(std::size_t buffer) override {
    std::span<std::byte> bytes = memory_[buffer].bytes();
    return {bytes.begin(), bytes.end()};
  }

 private:
  Substrate substrate_;
  Kernel kernel_;
  std::vector<HostMemory> memory_;
  Launch launch_;
};

class SubstratePeer final : public Peer {
 public:
  SubstratePeer(const Context& context, const Substrate& substrate)
      : context_(context), substrate_(substrate) {}
  std::string description() const override { return substrate_.info().description; }
  std::unique_ptr<Runner> prepare(const Workload& workload,
                                  std::span<const std::byte> module) override {
    return std::make_unique<SubstrateRunner>(substrate_, context_.kernel(module), workload);
  }

 private:
  const Context& context_;
  Substrate substrate_;
};

}  // namespace

std::unique_ptr<Peer> make_substrate_peer(const Context& context, const Substrate& substrate) {
  return std::make_unique<SubstratePeer>(context, substrate);
}

void restore(const Workload& workload, Runner& runner) {
  for (std::size_t i = 0; i < workload.buffers.size(); ++i)
    runner.write(i, workload.buffers[i].initial);
}

}  // namespace sokr::bench
