// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs compiled kernels on another processor than the one that compiles them: reads requests
// from standard input, answers on standard output, ends with its input. See protocol.hpp.
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstring>
#include <memory>
#include <sokr/cpu/kernel.hpp>
#include <string>
#include <vector>

#include "protocol.hpp"
#include "runtime/float_mode.hpp"

namespace sokr::cpu::emulated {
namespace {

constexpr std::uint8_t kPattern = 0xA5;

// `size` bytes between two pages that nobody may touch; the rest of the pages in between
// holds a pattern.
class Region {
 public:
  explicit Region(const RegionHeader& header) : size_(header.size) {
    inner_ = (header.place + size_ + kPage - 1) / kPage * kPage;
    void* memory = mmap(nullptr, inner_ + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    first_ = static_cast<std::uint8_t*>(memory) + kPage;
    data_ = first_ + header.place;
    if (inner_ == 0) return;
    if (mprotect(first_, inner_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    std::memset(first_, kPattern, inner_);
  }
  ~Region() { munmap(first_ - kPage, inner_ + 2 * kPage); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::uint8_t* data() { return data_; }
  std::uint64_t size() const { return size_; }
  bool intact() const {
    for (const std::uint8_t* at = first_; at != first_ + inner_; ++at)
      if ((at < data_ || at >= data_ + size_) && *at != kPattern) return false;
    return true;
  }

 private:
  std::uint8_t *first_ = nullptr, *data_ = nullptr;
  std::uint64_t size_ = 0, inner_ = 0;
};

struct Request {
  RequestHeader header;
  std::vector<std::uint8_t> kernel;
  std::vector<std::unique_ptr<Region>> regions;
  std::vector<KernelBinding> bindings;
  std::vector<std::uint64_t> push;
};

bool read_request(Request& request) {
  RequestHeader& header = request.header;
  if (!read_all(STDIN_FILENO, &header, sizeof header)) return false;
  request.kernel.resize(header.kernel_size);
  if (!read_all(STDIN_FILENO, request.kernel.data(), request.kernel.size())) return false;
  for (std::uint32_t i = 0; i < header.region_count; ++i) {
    RegionHeader region;
    if (!read_all(STDIN_FILENO, &region, sizeof region)) return false;
    request.regions.push_back(std::make_unique<Region>(region));
    if (!read_all(STDIN_FILENO, request.regions.back()->data(), region.size)) return false;
  }
  for (std::uint32_t i = 0; i < header.binding_count; ++i) {
    BindingHeader binding;
    if (!read_all(STDIN_FILENO, &binding, sizeof binding)) return false;
    KernelBinding one{nullptr, binding.size};
    if (binding.region != BindingHeader::kNull)
      one = {request.regions[binding.region]->data() + binding.offset, binding.size};
    request.bindings.push_back(one);
  }
  request.push.resize((header.push_size + 7) / 8);
  return read_all(STDIN_FILENO, request.push.data(), header.push_size);
}

Result<void> run(Request& request) {
  SOKR_ASSIGN(CompiledKernel kernel, CompiledKernel::deserialise(request.kernel));
  SOKR_ASSIGN(MappedKernel code, MappedKernel::map(kernel));
  if (kernel.binding_count > request.bindings.size())
    return fail(SOKR_INVALID_INPUT, "the kernel has {} bindings, {} are given",
                kernel.binding_count, request.bindings.size());
  request.push.resize(
      std::max<std::size_t>(request.push.size(), (kernel.push_constant_size + 7) / 8));
  Region scratch({(kernel.scratch_size + kPage - 1) / kPage * kPage, 0});
  const std::uint32_t never = 0;
  KernelContext context;
  context.bindings = request.bindings.data();
  context.push_constants = request.push.data();
  std::memcpy(context.group_count, request.header.groups, sizeof context.group_count);
  std::memcpy(context.base_group, request.header.base_groups, sizeof context.base_group);
  context.abort = &never;
  const std::uint32_t* groups = request.header.groups;
  {
    FloatMode mode(kernel.flags);
    code.entry()(&context, 0, groups[0] * groups[1] * groups[2], scratch.data());
  }
  for (const auto& region : request.regions)
    if (!region->intact()) return fail(SOKR_DISPATCH_FAILED, "the kernel wrote beside its buffers");
  return {};
}

bool answer(const Request& request, const Result<void>& result) {
  AnswerHeader header;
  if (!result) {
    const std::string& sentence = result.failure().sentence;
    header = {1, static_cast<std::uint32_t>(sentence.size())};
    return write_all(STDOUT_FILENO, &header, sizeof header) &&
           write_all(STDOUT_FILENO, sentence.data(), sentence.size());
  }
  if (!write_all(STDOUT_FILENO, &header, sizeof header)) return false;
  for (const auto& region : request.regions)
    if (!write_all(STDOUT_FILENO, region->data(), region->size())) return false;
  return true;
}

}  // namespace
}  // namespace sokr::cpu::emulated

int main() {
  using namespace sokr::cpu::emulated;
  const rlimit no_core_file{0, 0};
  setrlimit(RLIMIT_CORE, &no_core_file);
  for (;;) {
    Request request;
    if (!read_request(request)) return 0;
    if (!answer(request, run(request))) return 1;
  }
}
