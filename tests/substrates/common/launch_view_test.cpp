// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <sokr/substrate/launch_view.hpp>

#include "launch_builder.hpp"

namespace sokr::substrate {
namespace {

using testing_support::LaunchBuilder;
using Bytes = std::vector<std::uint8_t>;

Result<LaunchView> parse(const Bytes& bytes) {
  return LaunchView::parse(bytes.data(), bytes.size());
}

SokrLaunchHeader header_of(const Bytes& bytes) {
  SokrLaunchHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

Bytes with_header(Bytes bytes, const std::function<void(SokrLaunchHeader&)>& change) {
  SokrLaunchHeader header = header_of(bytes);
  change(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

// Uses every accessor, so that a sanitizer sees every byte that a view may touch.
std::uint64_t read_everything(const LaunchView& view) {
  std::uint64_t sum = view.entry().size() + view.subgroup_size() + view.flags() + view.indirect() +
                      view.indirect_offset() + view.groups()[2] + view.local_size()[2];
  for (char c : view.entry()) sum += static_cast<unsigned char>(c);
  for (std::uint32_t i = 0; i < view.binding_count(); ++i) sum += view.binding(i).size;
  for (std::uint8_t byte : view.push()) sum += byte;
  for (std::uint32_t i = 0; i < view.specialization_count(); ++i) {
    sum += view.specialization(i).value;
  }
  for (std::uint32_t i = 0; i < view.wait_count(); ++i) sum += view.wait(i);
  return sum + compile_key(view).size();
}

void expect_refused(const Bytes& bytes, const std::string& part,
                    SokrResult code = SOKR_INVALID_INPUT) {
  const auto view = parse(bytes);
  ASSERT_FALSE(view) << "expected a refusal with \"" << part << "\"";
  EXPECT_EQ(view.code(), code);
  EXPECT_NE(view.failure().sentence.find(part), std::string::npos) << view.failure().sentence;
}

TEST(LaunchView, ReadsWhatTheBuilderWrote) {
  LaunchBuilder builder = LaunchBuilder::full();
  const Bytes bytes = builder.bytes();
  const auto view = parse(bytes);
  ASSERT_TRUE(view) << view.failure().sentence;
  EXPECT_EQ(view->entry(), "main");
  EXPECT_EQ(view->groups(), (std::array<std::uint32_t, 3>{7, 1, 1}));
  EXPECT_EQ(view->local_size(), (std::array<std::uint32_t, 3>{8, 4, 2}));
  EXPECT_TRUE(view->has_local_size());
  EXPECT_EQ(view->subgroup_size(), 32u);
  EXPECT_TRUE(view->profile());
  EXPECT_FALSE(view->is_indirect());
  ASSERT_EQ(view->binding_count(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const SokrBinding got = view->binding(i);
    EXPECT_EQ(std::memcmp(&got, &builder.bindings[i], sizeof got), 0) << i;
  }
  EXPECT_EQ(Bytes(view->push().begin(), view->push().end()), builder.push);
  ASSERT_EQ(view->specialization_count(), 2u);
  EXPECT_EQ(view->specialization(0).id, 3u);
  EXPECT_EQ(view->specialization(0).value, 0x3F800000u);
  ASSERT_EQ(view->wait_count(), 1u);
  EXPECT_EQ(view->wait(0), 1234u);
  EXPECT_EQ(view->wait_substrate(0), 5u);
}

TEST(LaunchView, ReadsAnEmptyLaunch) {
  const Bytes bytes = LaunchBuilder().bytes();
  const auto view = parse(bytes);
  ASSERT_TRUE(view) << view.failure().sentence;
  EXPECT_TRUE(view->entry().empty());
  EXPECT_FALSE(view->has_local_size());
  EXPECT_TRUE(view->push().empty());
  EXPECT_EQ(view->binding_count(), 0u);
}

TEST(LaunchView, NeedsNoAlignment) {
  const Bytes bytes = LaunchBuilder::full().bytes();
  for (std::size_t shift = 1; shift < 8; ++shift) {
    Bytes shifted(bytes.size() + shift);
    std::memcpy(shifted.data() + shift, bytes.data(), bytes.size());
    const auto view = LaunchView::parse(shifted.data() + shift, bytes.size());
    ASSERT_TRUE(view) << shift << ": " << view.failure().sentence;
    EXPECT_EQ(view->binding(1).size, 512u);
    EXPECT_EQ(view->wait(0), 1234u);
  }
}

TEST(LaunchView, AcceptsALargerHeaderAndSectionsInAnyOrder) {
  // A newer writer: 16 more header bytes; waits first, the entry name last.
  const LaunchBuilder builder = LaunchBuilder::full();
  SokrLaunchHeader header = header_of(LaunchBuilder::full().bytes());
  Bytes bytes(512, 0xEE);
  std::uint32_t at = SOKR_LAUNCH_HEADER_SIZE_1 + 16;
  header.header_size = at;
  const auto put = [&](const void* from, std::size_t size, std::uint32_t& offset) {
    offset = at;
    std::memcpy(bytes.data() + at, from, size);
    at += static_cast<std::uint32_t>((size + 7) / 8 * 8);
  };
  put(builder.waits.data(), 8, header.wait_offset);
  put(builder.specializations.data(), 32, header.specialization_offset);
  put(builder.push.data(), 12, header.push_offset);
  const Bytes written = LaunchBuilder::full().bytes();
  put(written.data() + header.binding_offset, 144, header.binding_offset);
  put("main", 4, header.entry_offset);
  header.total_size = at;
  bytes.resize(at);
  std::memcpy(bytes.data(), &header, SOKR_LAUNCH_HEADER_SIZE_1);
  const auto view = parse(bytes);
  ASSERT_TRUE(view) << view.failure().sentence;
  EXPECT_EQ(view->entry(), "main");
  EXPECT_EQ(view->wait(0), 1234u);
  EXPECT_EQ(view->binding(0).size, 256u);
}

TEST(LaunchView, RefusesWhatIsNotALaunch) {
  const auto none = LaunchView::parse(nullptr, 0);
  ASSERT_FALSE(none);
  EXPECT_NE(none.failure().sentence.find("no launch parameters"), std::string::npos);
  const std::uint8_t byte = 0;
  EXPECT_FALSE(LaunchView::parse(&byte, 0));
  expect_refused(Bytes(10, 0), "have 10 bytes; their header alone has 104");
  expect_refused(Bytes(104, 0), "magic");
}

TEST(LaunchView, RefusesBadHeaders) {
  const Bytes good = LaunchBuilder::full().bytes();
  const auto refused = [&](const char* part, const std::function<void(SokrLaunchHeader&)>& change) {
    SCOPED_TRACE(part);
    expect_refused(with_header(good, change), part);
  };
  refused("version 0", [](auto& h) { h.version = 0; });
  refused("version 3; this substrate reads versions 1 to 2", [](auto& h) { h.version = 3; });
  refused("header of 104", [](auto& h) { h.version = 2; });
  refused("params_len", [](auto& h) { h.total_size += 8; });
  refused("header of 96", [](auto& h) { h.header_size = 96; });
  refused("header of 108", [](auto& h) { h.header_size = 108; });
  refused("header of 1000000", [](auto& h) { h.header_size = 1000000; });
  refused("unknown flags 0x4", [](auto& h) { h.flags |= 4; });
  refused("not a multiple of 4", [](auto& h) { h.push_size = 11; });
  refused("local size 8,0,2", [](auto& h) { h.local_size[1] = 0; });
  refused("indirect offset 6", [](auto& h) { h.indirect = 1, h.indirect_offset = 6; });
  refused("indirect offset", [](auto& h) { h.indirect = 1, h.indirect_offset = UINT64_MAX - 3; });
}

TEST(LaunchView, RefusesBadSections) {
  const Bytes good = LaunchBuilder::full().bytes();
  const auto refused = [&](const char* part, const std::function<void(SokrLaunchHeader&)>& change) {
    SCOPED_TRACE(part);
    expect_refused(with_header(good, change), part);
  };
  refused("empty but has offset", [](auto& h) { h.wait_count = 0; });
  refused("not a multiple of 8", [](auto& h) { h.entry_offset += 4; });
  refused("inside the header", [](auto& h) { h.entry_offset = 0; });
  refused("inside the header", [](auto& h) { h.binding_offset = 96; });
  refused("beyond the total", [](auto& h) { h.binding_count = 100; });
  refused("beyond the total", [](auto& h) { h.binding_count = UINT32_MAX; });
  refused("beyond the total", [](auto& h) { h.specialization_count = UINT32_MAX; });
  refused("beyond the total", [](auto& h) { h.wait_count = UINT32_MAX; });
  refused("beyond the total", [](auto& h) { h.wait_offset = UINT32_MAX - 7; });
  refused("beyond the total", [](auto& h) { h.push_size = UINT32_MAX - 3; });
  refused("overlaps", [](auto& h) { h.push_offset = h.binding_offset; });
  refused("overlaps", [](auto& h) { h.wait_offset = h.specialization_offset + 8; });
  refused("0 at byte 4 of 8", [](auto& h) { h.entry_size = 8; });
}

TEST(LaunchView, RefusesBadBindings) {
  const auto refused = [](const char* part, const std::function<void(SokrBinding&)>& change) {
    SCOPED_TRACE(part);
    LaunchBuilder builder = LaunchBuilder::full();
    change(builder.bindings[0]);
    expect_refused(builder.bytes(), part);
  };
  refused("kind 5", [](auto& b) { b.kind = 5; });
  refused("kind 1 and a sampler, levels or layers", [](auto& b) { b.sampler = 4; });
  refused("kind 1 and a sampler, levels or layers", [](auto& b) { b.layer_count = 1; });
  refused("access 0", [](auto& b) { b.access = 0; });
  refused("access 4", [](auto& b) { b.access = 4; });
  refused("reserved", [](auto& b) { b.reserved = 1; });
  refused("null address", [](auto& b) { b.resource = 0; });
  refused("buffer 0", [](auto& b) { b.kind = SOKR_BINDING_BUFFER, b.resource = 0; });
  refused("size 0", [](auto& b) { b.size = 0; });
  refused("beyond the end", [](auto& b) { b.size = UINT64_MAX; });
  refused("beyond the end", [](auto& b) { b.offset = UINT64_MAX; });
  refused("beyond the end", [](auto& b) { b.resource = UINT64_MAX, b.size = 2; });
  refused("beyond the end", [](auto& b) {
    b.kind = SOKR_BINDING_BUFFER;
    b.offset = UINT64_MAX - 3;
    b.size = 8;
  });
  refused("binding 0.0[6]", [](auto& b) { b.index = 6, b.size = 0; });
}

TEST(LaunchView, IsWrittenInTheLowestVersionThatSaysAllOfIt) {
  LaunchBuilder builder = LaunchBuilder::full();
  EXPECT_EQ(header_of(builder.bytes()).version, 1u);
  EXPECT_EQ(header_of(builder.bytes()).header_size, 104u);
  builder.launch.base_groups[2] = 1;
  EXPECT_EQ(header_of(builder.bytes()).version, 2u);
  builder.launch.base_groups[2] = 0;
  builder.bindings[2].level_count = 1;
  EXPECT_EQ(header_of(builder.bytes()).version, 2u);
  builder.bindings[2].level_count = 0;
  EXPECT_EQ(header_of(builder.bytes()).version, 1u);
}

TEST(LaunchView, NamesWhatNobodyHereDoesYet) {
  LaunchBuilder builder = LaunchBuilder::full();
  builder.bindings[1].kind = SOKR_BINDING_IMAGE;
  expect_refused(builder.bytes(), "binding 0.1 is an image", SOKR_CAPABILITY_DENIED);
  builder.bindings[1].kind = SOKR_BINDING_SAMPLER;
  expect_refused(builder.bytes(), "binding 0.1 is a sampler", SOKR_CAPABILITY_DENIED);
}

TEST(LaunchView, StartsAtAnyWorkgroup) {
  LaunchBuilder builder = LaunchBuilder::full();
  EXPECT_EQ(parse(builder.bytes())->base_groups(), (std::array<std::uint32_t, 3>{0, 0, 0}));
  builder.launch.base_groups[0] = UINT32_MAX;
  builder.launch.base_groups[1] = 3;
  const Bytes bytes = builder.bytes();
  const auto view = parse(bytes);
  ASSERT_TRUE(view) << view.failure().sentence;
  EXPECT_EQ(view->base_groups(), (std::array<std::uint32_t, 3>{UINT32_MAX, 3, 0}));
  builder.launch.indirect = 1;
  expect_refused(builder.bytes(), "the launch is indirect and starts at workgroup 4294967295,3,0");
}

TEST(LaunchView, ReadsLongerHeadersAndElementsOfVersion2) {
  const Bytes plain = LaunchBuilder::full().bytes();
  const auto first = parse(plain);
  ASSERT_TRUE(first);
  for (const LaunchBuilder::Longer& longer :
       {LaunchBuilder::Longer{}, {8, 0, 0}, {0, 16, 0}, {0, 0, 8}, {24, 8, 32}}) {
    LaunchBuilder builder = LaunchBuilder::full();
    const Bytes bytes = builder.version_2(longer);
    const auto view = parse(bytes);
    ASSERT_TRUE(view) << view.failure().sentence;
    EXPECT_EQ(read_everything(*view), read_everything(*first));
    EXPECT_EQ(compile_key(*view).size(), compile_key(*first).size());
    for (std::uint32_t i = 0; i < 3; ++i) {
      const SokrBinding got = view->binding(i), same = first->binding(i);
      EXPECT_EQ(std::memcmp(&got, &same, sizeof got), 0) << i;
    }
  }
}

TEST(LaunchView, RefusesWhatALaterWriterAsksForInBytesThatAreNotKnown) {
  const LaunchBuilder::Longer longer{8, 16, 24};
  const Bytes good = LaunchBuilder::full().version_2(longer);
  ASSERT_TRUE(parse(good));
  const SokrLaunchHeader header = header_of(good);
  const auto at = [&](std::size_t where) {
    Bytes bytes = good;
    bytes[where] = 1;
    return bytes;
  };
  expect_refused(at(sizeof(SokrLaunchHeader) + 7),
                 "the header has 136 bytes, of which this substrate knows 128, and asks for "
                 "something at byte 135",
                 SOKR_CAPABILITY_DENIED);
  expect_refused(at(header.binding_offset + 2 * header.binding_size - 1),
                 "a binding has 88 bytes, of which this substrate knows 72, and asks for something "
                 "at byte 87",
                 SOKR_CAPABILITY_DENIED);
  expect_refused(at(header.specialization_offset + sizeof(SokrSpecialization)),
                 "a specialization constant has 40 bytes", SOKR_CAPABILITY_DENIED);
}

TEST(LaunchView, RefusesElementSizesThatMakeNoSense) {
  const Bytes good = LaunchBuilder::full().version_2({});
  const auto refused = [&](const char* part, const std::function<void(SokrLaunchHeader&)>& change) {
    SCOPED_TRACE(part);
    expect_refused(with_header(good, change), part);
  };
  refused("a binding has 40 bytes; it has at least 48", [](auto& h) { h.binding_size = 40; });
  refused("a binding has 0 bytes", [](auto& h) { h.binding_size = 0; });
  refused("a binding has 76 bytes", [](auto& h) { h.binding_size = 76; });
  refused("beyond the total", [](auto& h) { h.binding_size = UINT32_MAX - 7; });
  refused("a specialization constant has 8 bytes", [](auto& h) { h.specialization_size = 8; });
  refused("beyond the total", [](auto& h) { h.specialization_size = UINT32_MAX - 7; });
  refused("reserved field", [](auto& h) { h.reserved = 1; });
}

TEST(LaunchView, RefusesBadSpecializationsAndWaits) {
  LaunchBuilder builder = LaunchBuilder::full();
  builder.specializations[1].size = 3;
  expect_refused(builder.bytes(), "specialization constant 1 has size 3");
  builder.specializations[1] = {3, 4, 1};
  expect_refused(builder.bytes(), "specialization constant 3 is given twice");
  builder.specializations.clear();
  for (std::uint32_t i = 0; i < 1000; ++i) builder.specializations.push_back({i, 4, i});
  EXPECT_TRUE(parse(builder.bytes()));
  builder.specializations[999].id = 17;
  expect_refused(builder.bytes(), "specialization constant 17 is given twice");
  builder = LaunchBuilder::full();
  builder.waits = {1, sokr_token_encode(5, 0)};
  expect_refused(builder.bytes(), "wait 1");
}

TEST(LaunchView, MasksSpecializationValues) {
  LaunchBuilder builder;
  builder.specializations = {{0, 4, static_cast<std::uint64_t>(std::int64_t{-1})}, {1, 1, 0x1FF}};
  const Bytes bytes = builder.bytes();
  const auto view = parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->specialization(0).value, 0xFFFFFFFFu);
  EXPECT_EQ(view->specialization(1).value, 0xFFu);
}

// Exact-size heap copies, so that AddressSanitizer sees one byte too many.
void expect_parsed_or_explained(const std::uint8_t* bytes, std::size_t size) {
  std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[size]);
  std::memcpy(copy.get(), bytes, size);
  const auto view = LaunchView::parse(copy.get(), size);
  if (view) {
    (void)read_everything(*view);
  } else {
    EXPECT_TRUE(view.code() == SOKR_INVALID_INPUT || view.code() == SOKR_CAPABILITY_DENIED);
    EXPECT_FALSE(view.failure().sentence.empty());
    EXPECT_EQ(view.failure().sentence.find('\n'), std::string::npos);
  }
}

void survive_every_truncation(const Bytes& good) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(parse(cut)) << size;
    expect_parsed_or_explained(good.data(), size);
    // The same with a header that agrees to the new length.
    if (size < sizeof(SokrLaunchHeader)) continue;
    cut = with_header(cut, [&](auto& h) { h.total_size = static_cast<std::uint32_t>(size); });
    EXPECT_FALSE(parse(cut)) << size;
    expect_parsed_or_explained(cut.data(), size);
  }
}

TEST(LaunchView, SurvivesEveryTruncation) {
  survive_every_truncation(LaunchBuilder::full().bytes());
  survive_every_truncation(LaunchBuilder::full().version_2({8, 16, 24}));
}

void survive_every_bit_flip(Bytes bytes) {
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    expect_parsed_or_explained(bytes.data(), bytes.size());
    refused += !parse(bytes);
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  }
  EXPECT_GT(refused, 32u * 10) << "most bits of the header matter";
}

TEST(LaunchView, SurvivesEveryBitFlip) {
  survive_every_bit_flip(LaunchBuilder::full().bytes());
  survive_every_bit_flip(LaunchBuilder::full().version_2({8, 16, 24}));
}

TEST(CompileKey, IsEqualForEqualCompilations) {
  LaunchBuilder a = LaunchBuilder::full(), b = LaunchBuilder::full();
  std::swap(b.specializations[0], b.specializations[1]);
  b.push.resize(16);
  b.launch.groups[1] = 99;
  const Bytes bytes_a = a.bytes(), bytes_b = b.bytes();
  const auto key = [](const Bytes& bytes) {
    const CompileKey k = compile_key(*parse(bytes));
    return Bytes(k.begin(), k.end());
  };
  EXPECT_EQ(key(bytes_a), key(bytes_b));

  const std::vector<std::function<void(LaunchBuilder&)>> changes{
      [](auto& l) { l.entry = "other"; },
      [](auto& l) { l.launch.local_size[0] = 16; },
      [](auto& l) { l.launch.subgroup_size = 16; },
      [](auto& l) { l.specializations[0].value = 1; },
      [](auto& l) { l.specializations[0].size = 8; },
      [](auto& l) { l.specializations.pop_back(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    LaunchBuilder c = LaunchBuilder::full();
    changes[i](c);
    EXPECT_NE(key(bytes_a), key(c.bytes())) << i;
  }
}

TEST(CompileKey, HoldsMoreThanItsInlineBytes) {
  LaunchBuilder a;
  for (std::uint32_t i = 0; i < 40; ++i) a.specializations.push_back({40 - i, 4, i});
  const Bytes bytes = a.bytes();
  EXPECT_EQ(compile_key(*parse(bytes)).size(), 4u + 12 + 4 + 40 * 16);
}

// Every byte matters but for the values of push constants and waits, which are the new ones.
TEST(LaunchView, ALaunchIsRepeatedByTheSameBytesButForValues) {
  LaunchBuilder builder = LaunchBuilder::full();
  const Bytes bytes = builder.bytes();
  const auto view = parse(bytes);
  ASSERT_TRUE(view) << view.failure().sentence;
  const SokrLaunchHeader header = header_of(bytes);
  const auto is_in = [](std::size_t at, std::uint32_t offset, std::size_t size) {
    return at >= offset && at < offset + size;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes other = bytes;
    other[i] ^= 1;
    const auto again = view->repeated(other.data(), other.size());
    const bool is_value = is_in(i, header.push_offset, header.push_size) ||
                          is_in(i, header.wait_offset, sizeof(SokrCompletionToken));
    ASSERT_EQ(again.has_value(), is_value) << "byte " << i;
    if (is_value) {
      EXPECT_EQ(read_everything(*again), read_everything(*parse(other))) << i;
    }
  }
  EXPECT_FALSE(view->repeated(bytes.data(), bytes.size() - 1));
  EXPECT_FALSE(view->repeated(nullptr, bytes.size()));
  builder.waits[0] = sokr_token_encode(5, 0);
  const Bytes without_token = builder.bytes();
  EXPECT_FALSE(view->repeated(without_token.data(), without_token.size()));

  LaunchBuilder least;
  const Bytes bare = least.bytes();
  const auto bare_view = parse(bare);
  ASSERT_TRUE(bare_view) << bare_view.failure().sentence;
  EXPECT_TRUE(bare_view->repeated(bare.data(), bare.size()));
  EXPECT_FALSE(bare_view->repeated(bytes.data(), bare.size()));
}

}  // namespace
}  // namespace sokr::substrate
