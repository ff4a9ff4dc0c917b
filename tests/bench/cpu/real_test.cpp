// SPDX-License-Identifier: MIT OR Apache-2.0
#include "real/real.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "peer.hpp"

namespace sokr::bench::real {
namespace {

std::string refusal(std::string_view size) {
  try {
    Size parsed(size);
    return "none: " + parsed.text();
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(Size, IsReadAsPeopleWriteIt) {
  const Size size("500x333x777");
  EXPECT_EQ(size.count(), 3u);
  EXPECT_EQ(size[0], 500u);
  EXPECT_EQ(size[2], 777u);
  EXPECT_EQ(size.text(), "500x333x777");
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "5x", "x5", "5xx5", "0", "3x0", "-1", "1e3", " 5", "5 ",
                           "1x2x3x4x5", "16777217", "99999999999999999999"})
    EXPECT_EQ(refusal(text),
              "'" + std::string(text) +
                  "' is no size: 1 to 4 numbers from 1 to 16777216 with x between them");
}

TEST(Kernels, RefuseSizesOfOtherDimensions) {
  for (const Kernel* kernel : kernels())
    for (const char* text : {"8", "8x8", "8x8x8", "8x8x8x8"}) {
      const Size size(text);
      if (size.count() == sizes_of(kernel->sizes)[0].count()) continue;
      EXPECT_THROW(make(*kernel, size), std::runtime_error) << kernel->name << ' ' << text;
    }
}

TEST(Kernels, HaveNamesOfTheirOwn) {
  for (const Kernel* kernel : kernels()) EXPECT_EQ(find_kernel(kernel->name), kernel);
  EXPECT_EQ(find_kernel("none"), nullptr);
}

// What is expected is not what the buffers hold anyway, and the hand-written code gives it.
TEST(Kernels, AreRightByHand) {
  for (const Kernel* kernel : kernels())
    for (const Size& size : sizes_of(std::string(kernel->quick) + ' ' + kernel->ragged)) {
      const Workload workload = make(*kernel, size);
      const Results expected = kernel->expected(size, workload);
      ASSERT_EQ(expected.size(), workload.buffers.size()) << kernel->name;
      std::vector<HostMemory> memory;
      std::vector<std::byte*> buffers;
      for (const BufferSpec& spec : workload.buffers) {
        const auto bytes = memory.emplace_back(spec.initial.size()).bytes();
        std::ranges::copy(spec.initial, bytes.begin());
        buffers.push_back(bytes.data());
      }
      if (kernel->handwritten) kernel->handwritten(size, buffers.data());
      bool changes = false;
      for (std::size_t i = 0; i < memory.size(); ++i) {
        const BufferSpec& spec = workload.buffers[i];
        if (spec.match == Match::kInput) continue;
        changes = changes || !difference(spec, expected[i], spec.initial).empty();
        if (!kernel->handwritten) continue;
        EXPECT_EQ(difference(spec, expected[i], memory[i].bytes()), "")
            << kernel->name << ' ' << size.text() << ", buffer " << i;
      }
      EXPECT_TRUE(changes) << kernel->name << ' ' << size.text();
    }
}

}  // namespace
}  // namespace sokr::bench::real
