// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Bindings around and beyond 2 and 4 GiB, of memory that is reserved but hardly ever touched:
//
//   test_large_bindings SUBSTRATE
//
// Exit 77 if there is no such substrate, as on a processor without SOKR_CPU_ISA.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <sokr/sokr.hpp>

namespace sokr::conformance {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint32_t kInvocations = 64;

// As shaders/large_bindings.comp sees the memory: an element is `size` bytes at `offset`, every
// `stride` bytes.
struct Kind {
  const char* name;
  std::uint32_t binding, stride, offset, size;
};
constexpr std::array<Kind, 4> kKinds{{{"u8", 0, 1, 0, 1},
                                      {"u32", 1, 4, 0, 4},
                                      {"uvec4", 2, 16, 12, 4},
                                      {"struct of 24 bytes", 3, 24, 20, 4}}};

// `size` bytes of zeros that cost nothing until they are touched; behind them lies what must
// not be touched.
class Sparse {
 public:
  explicit Sparse(std::uint64_t size) : size_(size) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t whole = (size + page - 1) / page * page;
    mapped_ = whole + page;
    void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    base_ = static_cast<std::byte*>(memory);
    ::mprotect(base_ + whole, page, PROT_NONE);
    data_ = base_ + (whole - size) / 16 * 16;
  }
  ~Sparse() {
    if (base_) ::munmap(base_, mapped_);
  }
  Sparse(const Sparse&) = delete;
  Sparse& operator=(const Sparse&) = delete;

  bool exists() const { return base_ != nullptr; }
  std::span<std::byte> bytes() { return {data_, size_}; }

 private:
  std::byte *base_ = nullptr, *data_ = nullptr;
  std::uint64_t size_, mapped_ = 0;
};

struct Suite {
  Context context;
  std::optional<Substrate> substrate;
};
Suite* suite = nullptr;

class LargeBindings : public testing::TestWithParam<std::uint64_t> {
 protected:
  LargeBindings()
      : memory_(GetParam()),
        kernel_(suite->context.kernel(
            read_file(std::filesystem::path(SOKR_TEST_SHADERS) / "large_bindings.spv"))) {}

  // The bytes that invocation `i` reads and writes; null if they are out of range.
  std::byte* place(const Kind& kind, std::uint32_t index) {
    const std::uint64_t at = std::uint64_t{index} * kind.stride + kind.offset;
    return at + kind.size <= memory_.bytes().size() ? memory_.bytes().data() + at : nullptr;
  }
  static std::uint32_t load(const Kind& kind, const std::byte* from) {
    std::uint32_t value = 0;
    if (from) std::memcpy(&value, from, kind.size);
    return value;
  }

  // One launch, whose invocations have these indices, against the same on the host.
  void check(const Kind& kind, const std::array<std::uint32_t, kInvocations>& indices,
             bool scattered) {
    const std::uint32_t mask = kind.size == 1 ? 0xFF : UINT32_MAX;
    std::map<std::byte*, std::uint32_t> after;
    std::array<std::uint32_t, kInvocations> expected{};
    for (std::uint32_t i = 0; i < kInvocations; ++i) {
      std::byte* at = place(kind, indices[i]);
      if (!at) continue;
      const std::uint32_t value = (seed_ += 0x9E3779B9) & mask;
      std::memcpy(at, &value, kind.size);
      expected[i] = value;
      after[at] = (value + i + 1) & mask;
    }
    std::array<std::uint32_t, kInvocations + 4> result{};
    Launch launch;
    launch.groups(1).specialize(0, kind.binding).specialize(1, scattered).push(indices[0]);
    for (const Kind& other : kKinds) launch.bind(0, other.binding, View());
    std::span<std::byte> bytes = memory_.bytes();
    launch.bind(0, kind.binding, read_write(bytes))
        .bind(0, 4, read(indices))
        .bind(0, 5, read_write(result));
    suite->substrate->dispatch(kernel_, launch).wait();
    for (std::uint32_t i = 0; i < kInvocations; ++i) {
      ASSERT_EQ(result[i], expected[i]) << kind.name << " " << indices[i] << ", invocation " << i;
    }
    for (const auto& [at, value] : after) {
      ASSERT_EQ(load(kind, at), value) << kind.name << " at byte " << at - memory_.bytes().data();
    }
    const std::uint64_t length = memory_.bytes().size() / kind.stride;
    EXPECT_EQ(result[kInvocations + kind.binding], std::min<std::uint64_t>(length, UINT32_MAX));
  }

  void check_from(const Kind& kind, std::uint32_t begin) {
    std::array<std::uint32_t, kInvocations> indices{};
    for (std::uint32_t i = 0; i < kInvocations; ++i) indices[i] = begin + i;
    check(kind, indices, false);
    // The same places, each by another invocation.
    for (std::uint32_t i = 0; i < kInvocations; ++i) indices[i] = begin + (i * 37 + 11) % 64;
    check(kind, indices, true);
  }

  Sparse memory_;
  Kernel kernel_;
  std::uint32_t seed_ = 1;
};

TEST_P(LargeBindings, ElementsAreFoundAtEveryPlace) {
  if (!memory_.exists()) GTEST_SKIP() << "no room for " << GetParam() << " bytes";
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    const std::uint64_t size = memory_.bytes().size();
    const auto end = static_cast<std::uint32_t>(
        std::min<std::uint64_t>((size + kind.stride - 1) / kind.stride, UINT32_MAX));
    const auto at_byte = [&](std::uint64_t byte) {
      return static_cast<std::uint32_t>(byte / kind.stride);
    };
    // The start, the places that 31 and 32 bits can say in bytes and in elements, the end, far
    // behind it, and indices that wrap around to the start.
    for (const std::uint32_t begin :
         {0u, at_byte(2 * kGiB) - 32, at_byte(4 * kGiB) - 32, INT32_MAX - 32u, end - 32, end,
          end - 64, UINT32_MAX - 63, UINT32_MAX - 31}) {
      check_from(kind, begin);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(LargeBindings, IndicesFarApartMeetInOneLaunch) {
  if (!memory_.exists()) GTEST_SKIP() << "no room for " << GetParam() << " bytes";
  for (const Kind& kind : kKinds) {
    const std::uint64_t count = (memory_.bytes().size() + kind.stride - 1) / kind.stride;
    std::array<std::uint32_t, kInvocations> indices{};
    for (std::uint32_t i = 0; i < kInvocations; ++i) {
      // The last few lie behind the end, or wrap.
      indices[i] = static_cast<std::uint32_t>(i * (count / 60) + i);
    }
    std::map<std::uint32_t, int> seen;
    bool twice = false;
    for (const std::uint32_t index : indices) twice |= seen[index]++ != 0;
    ASSERT_FALSE(twice);
    check(kind, indices, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LargeBindings,
                         testing::Values(2 * kGiB - 1, 2 * kGiB + 40, 4 * kGiB - 1, 4 * kGiB + 24,
                                         5 * kGiB + 8),
                         [](const auto& one) { return fmt::format("{}", one.param); });

int run_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    fmt::print(stderr, "usage: test_large_bindings SUBSTRATE\n");
    return 2;
  }
  Suite all;
  for (const Substrate& substrate : all.context.substrates()) {
    if (substrate.name() == argv[1]) all.substrate = substrate;
  }
  if (!all.substrate) {
    for (const Unavailable& missing : all.context.unavailable())
      fmt::print(stderr, "{}: {}\n", missing.name, missing.reason);
    return 77;
  }
  suite = &all;
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace sokr::conformance

int main(int argc, char** argv) {
  try {
    return sokr::conformance::run_tests(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
