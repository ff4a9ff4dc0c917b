// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <sokr/cpu/kernel.hpp>
#include <utility>

namespace sokr::cpu {
namespace {

constexpr std::uint32_t kMagic = 0x4b434b53;  // "SKCK"
constexpr std::uint32_t kVersion = 2;
constexpr std::uint64_t kMaxImage = UINT64_C(1) << 30;

struct Header {
  std::uint32_t magic, version;
  std::uint32_t isa, flags;
  std::uint32_t local_size[3];
  std::uint32_t subgroup_size, lanes, passes;
  std::uint32_t binding_count, push_constant_size;
  std::uint64_t scratch_size, entry_offset, image_size, checksum;
};
static_assert(sizeof(Header) == 80);

// FNV-1a over 64-bit words: every flipped bit changes it.
std::uint64_t checksum_of(std::span<const std::uint8_t> bytes, std::uint64_t seed) {
  std::uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    std::size_t n = std::min<std::size_t>(8, bytes.size());
    std::memcpy(&word, bytes.data(), n);
    hash = (hash ^ word) * UINT64_C(0x100000001b3);
    hash = std::rotl(hash, 29);
    bytes = bytes.subspan(n);
  }
  return hash;
}

std::uint64_t checksum_of(Header header, std::span<const std::uint8_t> image) {
  header.checksum = 0;
  std::uint8_t bytes[sizeof header];
  std::memcpy(bytes, &header, sizeof header);
  return checksum_of(image, checksum_of(bytes, 0));
}

}  // namespace

std::vector<std::uint8_t> CompiledKernel::serialise() const {
  Header header{kMagic,
                kVersion,
                static_cast<std::uint32_t>(isa),
                flags,
                {local_size[0], local_size[1], local_size[2]},
                subgroup_size,
                lanes,
                passes,
                binding_count,
                push_constant_size,
                scratch_size,
                entry_offset,
                image.size(),
                0};
  header.checksum = checksum_of(header, image);
  std::vector<std::uint8_t> out(sizeof header + image.size());
  std::memcpy(out.data(), &header, sizeof header);
  if (!image.empty()) std::memcpy(out.data() + sizeof header, image.data(), image.size());
  return out;
}

Result<CompiledKernel> CompiledKernel::deserialise(std::span<const std::uint8_t> bytes) {
  Header header{};
  if (bytes.size() < sizeof header)
    return fail(SOKR_INVALID_INPUT, "a compiled kernel of {} bytes is shorter than its header",
                bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic || header.version != kVersion)
    return fail(SOKR_INVALID_INPUT, "the compiled kernel is of another format or version");
  auto image = bytes.subspan(sizeof header);
  if (header.image_size > kMaxImage || header.image_size != image.size())
    return fail(SOKR_INVALID_INPUT, "the compiled kernel has {} bytes of code instead of {}",
                image.size(), header.image_size);
  if (header.checksum != checksum_of(header, image))
    return fail(SOKR_INVALID_INPUT, "the compiled kernel's checksum is wrong: it is damaged");
  if (header.entry_offset >= header.image_size || header.isa == 0 || header.isa > kIsas.size())
    return fail(SOKR_INVALID_INPUT, "the compiled kernel's header is wrong");
  CompiledKernel kernel;
  kernel.isa = static_cast<Isa>(header.isa);
  kernel.flags = header.flags;
  kernel.local_size = {header.local_size[0], header.local_size[1], header.local_size[2]};
  kernel.subgroup_size = header.subgroup_size;
  kernel.lanes = header.lanes;
  kernel.passes = header.passes;
  kernel.scratch_size = header.scratch_size;
  kernel.binding_count = header.binding_count;
  kernel.push_constant_size = header.push_constant_size;
  kernel.entry_offset = header.entry_offset;
  kernel.image.assign(image.begin(), image.end());
  return kernel;
}

Result<MappedKernel> MappedKernel::map(const CompiledKernel& kernel) {
  if (!host_supports(kernel.isa))
    return fail(SOKR_INVALID_INPUT,
                "the kernel is compiled for {}, which this processor does not have",
                isa_name(kernel.isa));
  if (kernel.entry_offset >= kernel.image.size())
    return fail(SOKR_INVALID_INPUT, "the compiled kernel has no entry");
  auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t size = (kernel.image.size() + page - 1) / page * page;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return fail(SOKR_DISPATCH_FAILED, "no memory for {} bytes of code: {}", size,
                std::strerror(errno));
  std::memcpy(memory, kernel.image.data(), kernel.image.size());
  if (mprotect(memory, size, PROT_READ | PROT_EXEC) != 0) {
    int error = errno;
    munmap(memory, size);
    return fail(SOKR_DISPATCH_FAILED, "code cannot be made executable here: {}",
                std::strerror(error));
  }
  auto* start = static_cast<std::uint8_t*>(memory);
  __builtin___clear_cache(reinterpret_cast<char*>(start), reinterpret_cast<char*>(start) + size);
  auto entry =
      reinterpret_cast<KernelEntry>(reinterpret_cast<std::uintptr_t>(start + kernel.entry_offset));
  return MappedKernel(memory, size, entry);
}

MappedKernel::MappedKernel(MappedKernel&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_), entry_(other.entry_) {}

MappedKernel& MappedKernel::operator=(MappedKernel&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
  std::swap(entry_, other.entry_);
  return *this;
}

MappedKernel::~MappedKernel() {
  if (memory_) munmap(memory_, size_);
}

}  // namespace sokr::cpu
