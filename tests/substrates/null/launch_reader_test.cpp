// SPDX-License-Identifier: MIT OR Apache-2.0
// The C reader against the C++ one: both accept and refuse the same bytes, and read the same.
#include "launch_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <sokr/substrate/launch_view.hpp>
#include <vector>

namespace sokr::substrate {
namespace {

using Bytes = std::vector<std::uint8_t>;

// In version 2 if `base` is not 0, and with it cleared: what version 2 says beyond version 1 is
// then at its defaults.
Bytes written(std::uint32_t bindings, std::uint32_t constants, std::uint32_t waits,
              std::uint32_t base = 0) {
  std::vector<SokrBinding> bound(bindings);
  for (std::uint32_t i = 0; i < bindings; ++i) {
    bound[i] = {1, i, i % 3, i % 3, SOKR_ACCESS_READ_WRITE, 0, 4096 + i, i, 64};
  }
  std::vector<SokrSpecialization> values(constants);
  for (std::uint32_t i = 0; i < constants; ++i) values[i] = {i * 3, 1u << (i % 4), ~0ull};
  const std::vector<SokrCompletionToken> tokens(waits, sokr_token_encode(3, 99));
  const std::array<std::uint8_t, 12> push{1, 2, 3};
  SokrLaunch launch{};
  launch.entry = "main";
  launch.groups[0] = 7;
  launch.bindings = bound.data();
  launch.binding_count = bindings;
  launch.specializations = values.data();
  launch.specialization_count = constants;
  launch.waits = tokens.data();
  launch.wait_count = waits;
  launch.push = push.data();
  launch.push_size = push.size();
  launch.base_groups[0] = base;
  Bytes bytes(sokr_launch_size(&launch));
  EXPECT_EQ(sokr_launch_write(&launch, bytes.data(), bytes.size()), bytes.size());
  if (base != 0) std::memset(bytes.data() + offsetof(SokrLaunchHeader, base_groups), 0, 4);
  return bytes;
}

void expect_same(const LaunchReader& reader, const LaunchView& view) {
  EXPECT_EQ(std::string_view(reader.entry, reader.header.entry_size), view.entry());
  EXPECT_EQ(reader.header.groups[0], view.groups()[0]);
  ASSERT_EQ(reader.header.binding_count, view.binding_count());
  for (std::uint32_t i = 0; i < view.binding_count(); ++i) {
    const SokrBinding a = launch_binding(&reader, i), b = view.binding(i);
    EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0);
  }
  EXPECT_TRUE(std::equal(view.push().begin(), view.push().end(), reader.push));
  ASSERT_EQ(reader.header.specialization_count, view.specialization_count());
  for (std::uint32_t i = 0; i < view.specialization_count(); ++i) {
    EXPECT_EQ(launch_specialization(&reader, i).value, view.specialization(i).value);
  }
  ASSERT_EQ(reader.header.wait_count, view.wait_count());
  for (std::uint32_t i = 0; i < view.wait_count(); ++i) {
    EXPECT_EQ(sokr_token_plugin_token(launch_wait(&reader, i)), view.wait(i));
  }
}

// Whether both take it. The C one is for plugins that begin at workgroup 0,0,0.
bool compare(const Bytes& bytes) {
  LaunchReader reader;
  const char* wrong = launch_read(&reader, bytes.data(), bytes.size());
  const auto view = LaunchView::parse(bytes.data(), bytes.size());
  const bool is_taken = view && !view->has_base_groups();
  EXPECT_EQ(wrong == nullptr, is_taken) << (wrong ? wrong : !view ? view.failure().sentence : "");
  if (wrong) {
    EXPECT_NE(*wrong, 0);
  }
  if (!wrong && view) expect_same(reader, *view);
  return !wrong;
}

TEST(LaunchReader, ReadsWhatIsWritten) {
  for (const auto& [bindings, constants, waits] :
       {std::array{0u, 0u, 0u}, {3u, 4u, 2u}, {40u, 60u, 30u}}) {
    EXPECT_TRUE(compare(written(bindings, constants, waits)));
    EXPECT_TRUE(compare(written(bindings, constants, waits, 1)));
  }
  EXPECT_FALSE(compare(written(0, 1, 0).empty() ? Bytes{} : Bytes(8)));
  LaunchReader reader;
  EXPECT_STREQ(launch_read(&reader, nullptr, 0),
               "there are no launch parameters; use sokr_launch_write");
}

void truncate(const Bytes& whole) {
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(compare(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
    // And with a total size that agrees.
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto total = static_cast<std::uint32_t>(size);
    if (size >= 12) std::memcpy(cut.data() + 8, &total, sizeof total);
    (void)compare(cut);
  }
}

TEST(LaunchReader, TruncationsAreRefused) {
  truncate(written(3, 4, 2));
  truncate(written(3, 4, 2, 1));
}

void flip_bits(const Bytes& whole) {
  std::size_t accepted = 0, refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    ++(compare(damaged) ? accepted : refused);
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 100u);
}

TEST(LaunchReader, BitFlipsAreTakenAlike) {
  flip_bits(written(3, 4, 2));
  flip_bits(written(3, 4, 2, 1));
}

TEST(LaunchReader, NamesWhatItIsNotToldToTake) {
  Bytes bytes = written(1, 0, 0, 1);
  LaunchReader reader;
  const std::uint32_t one = 1;
  std::memcpy(bytes.data() + offsetof(SokrLaunchHeader, base_groups), &one, sizeof one);
  EXPECT_STREQ(launch_read(&reader, bytes.data(), bytes.size()),
               "the launch does not start at workgroup 0,0,0 (base_groups)");
  EXPECT_FALSE(compare(bytes));
  bytes = written(1, 0, 0, 1);
  const std::uint32_t image = SOKR_BINDING_IMAGE;
  std::memcpy(bytes.data() + sizeof(SokrLaunchHeader) + 8 + offsetof(SokrBinding, kind), &image,
              sizeof image);
  EXPECT_STREQ(launch_read(&reader, bytes.data(), bytes.size()),
               "a binding is an image or a sampler");
  EXPECT_FALSE(compare(bytes));
}

// Words of the header that look like those of a launch.
void damage_headers(const Bytes& whole) {
  std::mt19937 random(7);
  const std::uint32_t kValues[] = {0, 1, 4, 8, 104, 112, 248, UINT32_MAX, UINT32_MAX - 7, 1u << 31};
  for (int round = 0; round < 20000; ++round) {
    Bytes damaged = whole;
    for (int change = 0; change < 3; ++change) {
      const std::size_t word = 3 + random() % (sizeof(SokrLaunchHeader) / 4 - 3);
      std::uint32_t value = kValues[random() % std::size(kValues)];
      if (random() % 2) value = static_cast<std::uint32_t>(random() % (whole.size() / 8) * 8);
      std::memcpy(damaged.data() + word * 4, &value, sizeof value);
    }
    (void)compare(damaged);
    if (testing::Test::HasFailure()) break;
  }
}

TEST(LaunchReader, DamagedHeadersAreTakenAlike) {
  damage_headers(written(3, 40, 2));
  damage_headers(written(3, 40, 2, 1));
}

TEST(LaunchReader, TooManyConstantsAreRefusedBeforeTheyAreCompared) {
  const Bytes many = written(0, LAUNCH_READER_MAX_SPECIALIZATIONS + 1, 0);
  LaunchReader reader;
  EXPECT_STREQ(launch_read(&reader, many.data(), many.size()),
               "there are more than 1024 specialization constants");
}

}  // namespace
}  // namespace sokr::substrate
