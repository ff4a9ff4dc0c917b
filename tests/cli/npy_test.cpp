// SPDX-License-Identifier: MIT OR Apache-2.0
#include "npy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sokr/sokr.hpp>
#include <string>

#include "scalar.hpp"

namespace sokr::cli {
namespace {

const std::vector<std::uint64_t> kThree{3};

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// What read_npy gives, as text.
std::string data_of(std::string text) {
  const auto data = read_npy(std::as_writable_bytes(std::span(text)), "x");
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

std::string file(const std::string& dictionary, const std::string& data) {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(dictionary.size() & 0xFF);
  text += static_cast<char>(dictionary.size() >> 8);
  return text + dictionary + data;
}

TEST(Npy, WhatIsWrittenCanBeRead) {
  for (int type = SOKR_IR_I8; type <= SOKR_IR_F64; ++type) {
    const auto scalar = static_cast<SokrIrScalar>(type);
    const std::string data(scalar_size(scalar) * 5, '\x42');
    const std::vector<std::uint64_t> shape{5};
    const std::string header = npy_header(scalar, shape);
    EXPECT_EQ(header.size() % 64, 0u);
    EXPECT_EQ(header.back(), '\n');
    const std::string whole = header + data;
    const NpyHeader read = read_npy_header(bytes(whole), "x");
    EXPECT_EQ(read.item_size, scalar_size(scalar));
    EXPECT_EQ(read.shape, std::vector<std::uint64_t>{5});
    EXPECT_FALSE(read.swapped);
    EXPECT_EQ(read.type, scalar);
    EXPECT_EQ(npy_type_name(read), scalar_numpy_name(scalar));
    EXPECT_EQ(data_of(whole), data);
  }
}

TEST(Npy, OtherByteOrdersAreConverted) {
  EXPECT_EQ(data_of(file("{'descr': '>u2', 'fortran_order': False, 'shape': (2,), }",
                         "\x01\x02\x03\x04")),
            "\x02\x01\x04\x03");
  // A complex number is two numbers, each swapped by itself.
  EXPECT_EQ(data_of(file("{'descr': '>c8', 'fortran_order': False, 'shape': (), }", "abcdefgh")),
            "dcbahgfe");
}

TEST(Npy, ShapesOfAnyRank) {
  EXPECT_EQ(
      read_npy_header(bytes(file("{'descr':'|u1','fortran_order':False,'shape':()}", "a")), "x")
          .data_size,
      1u);
  EXPECT_EQ(
      read_npy_header(
          bytes(file("{'shape':(2,3),'fortran_order':False,\"descr\":\"|b1\"}", "abcdef")), "x")
          .data_size,
      6u);
  EXPECT_EQ(
      read_npy_header(bytes(file("{'descr':'<f8','fortran_order':True,'shape':(0,)}", "")), "x")
          .data_size,
      0u);
}

TEST(Npy, ShapesAreWrittenAsTheyAreRead) {
  for (const std::vector<std::uint64_t>& shape :
       {std::vector<std::uint64_t>{}, {1}, {6}, {2, 3}, {1, 2, 3}}) {
    const std::string header = npy_header(SOKR_IR_U8, shape);
    const std::string data(shape.size() < 2 && (shape.empty() || shape[0] == 1) ? 1 : 6, 'x');
    EXPECT_EQ(read_npy_header(bytes(header + data), "x").shape, shape) << header;
  }
}

// A header of version 1 holds no more than 64 KiB: what is read can always be written.
TEST(Npy, ShapesHaveNoMoreAxesThanNumPyHas) {
  const auto read = [](std::size_t axes) {
    std::string sizes;
    for (std::size_t i = 0; i < axes; ++i) sizes += "1, ";
    return read_npy_header(
        bytes(
            file(fmt::format("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", sizes),
                 "x")),
        "x");
  };
  const NpyHeader most = read(64);
  EXPECT_EQ(most.shape.size(), 64u);
  EXPECT_EQ(read_npy_header(bytes(npy_header(most.type, most.shape) + "x"), "x").shape, most.shape);
  EXPECT_THROW((void)read(65), Error);
  EXPECT_THROW((void)read(20000), Error);
}

TEST(Npy, NothingFollowsTheDictionary) {
  const std::string good = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }";
  EXPECT_EQ(read_npy_header(bytes(file(good + "  \n", "x")), "x").data_size, 1u);
  for (const char* more : {"}", "x", " {", "\x01"}) {
    EXPECT_THROW((void)read_npy_header(bytes(file(good + more, "x")), "x"), Error) << more;
  }
}

TEST(Npy, TypesThatNoKernelHas) {
  const auto read = [](const char* descr, std::size_t size) {
    return read_npy_header(
        bytes(file(fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (1,), }}", descr),
                   std::string(size, 'x'))),
        "x");
  };
  EXPECT_EQ(read("|b1", 1).type, SOKR_IR_U8);
  EXPECT_EQ(npy_type_name(read("|b1", 1)), "bool");
  EXPECT_EQ(read("<c16", 16).type, SOKR_IR_F64);
  EXPECT_EQ(read("<c16", 16).item_size, 16u);
  EXPECT_EQ(npy_type_name(read("<c8", 8)), "complex64");
}

TEST(Npy, EveryTruncationIsRefused) {
  const std::string whole = npy_header(SOKR_IR_F32, kThree) + std::string(12, 'x');
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_THROW((void)data_of(cut), Error) << size;
  }
}

TEST(Npy, EveryBitFlipIsRefusedOrGivesTheDataThatIsThere) {
  const std::string whole = npy_header(SOKR_IR_F32, kThree) + std::string(12, 'x');
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    try {
      EXPECT_EQ(data_of(damaged).size(), 12u) << bit;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string_view(error.what()).starts_with("x: ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace sokr::cli
