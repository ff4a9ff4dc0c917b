// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as a .npy file: refused with a sentence, or an array that is written as this
// machine would and read again as the same.
#include <sokr/sokr.hpp>

#include "fuzzing.hpp"
#include "npy.hpp"
#include "scalar.hpp"

namespace {

using namespace sokr;
using namespace sokr::cli;
using fuzzing::require;
using fuzzing::require_sentence;

using Bytes = std::vector<std::byte>;

void require_refused(Bytes file) {
  try {
    (void)read_npy(file, "x");
  } catch (const Error&) {
    return;
  }
  require(false, "read_npy takes what read_npy_header refuses");
}

// In 128 bits, so that nothing overflows that the reader should have refused.
void require_size(const NpyHeader& header, std::size_t file_size) {
  unsigned __int128 bytes = header.item_size;
  for (const std::uint64_t size : header.shape) {
    bytes *= size;
    require(bytes <= UINT64_MAX);
  }
  require(bytes == header.data_size && header.data_offset + header.data_size == file_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto given = std::as_bytes(std::span(data, size));
  Bytes file(given.begin(), given.end());
  NpyHeader header;
  try {
    header = read_npy_header(file, "x");
  } catch (const Error& error) {
    require(error.code() == SOKR_INVALID_INPUT);
    require_sentence(error.what());
    require(std::string_view(error.what()).starts_with("x: "), error.what());
    require_refused(std::move(file));
    return 0;
  }
  require_size(header, file.size());
  require(header.item_size == scalar_size(header.type) ||
          header.item_size == 2 * scalar_size(header.type));
  require(!npy_type_name(header).empty());
  const std::span<std::byte> numbers = read_npy(file, "x");
  require(numbers.size() == header.data_size);

  // A complex number is two floats.
  std::vector<std::uint64_t> shape = header.shape;
  if (header.item_size != scalar_size(header.type)) shape.push_back(2);
  const std::string written = npy_header(header.type, shape);
  require(written.size() % 64 == 0 && written.back() == '\n');
  const auto head = std::as_bytes(std::span(written));
  Bytes again(head.begin(), head.end());
  again.insert(again.end(), numbers.begin(), numbers.end());
  try {
    const NpyHeader second = read_npy_header(again, "y");
    require(second.type == header.type && second.shape == shape && !second.swapped);
    require(second.data_offset == written.size());
    require(std::ranges::equal(read_npy(again, "y"), numbers));
  } catch (const Error& error) {
    require(false, error.what());
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  std::vector<std::string> seeds;
  const std::vector<std::uint64_t> shapes[] = {{}, {0}, {1}, {3}, {2, 3}, {1, 2, 1}};
  for (int type = SOKR_IR_I8; type <= SOKR_IR_F64; ++type) {
    const auto& shape = shapes[static_cast<std::size_t>(type) % std::size(shapes)];
    std::size_t count = scalar_size(static_cast<SokrIrScalar>(type));
    for (const std::uint64_t one : shape) count *= one;
    seeds.push_back(npy_header(static_cast<SokrIrScalar>(type), shape));
    for (std::size_t i = 0; i < count; ++i) seeds.back() += static_cast<char>(i + 1);
  }
  // What others write: types and byte orders that are read, and another version.
  const auto file = [](const std::string& descr, const std::string& shape, std::size_t data) {
    const std::string text =
        "{'descr': '" + descr + "', 'fortran_order': True, 'shape': " + shape + ", }\n";
    std::string start("\x93NUMPY\x02\0", 8);
    start += {static_cast<char>(text.size()), 0, 0, 0};
    return start + text + std::string(data, 'x');
  };
  seeds.insert(seeds.end(),
               {file("|b1", "(3,)", 3), file(">c8", "()", 8), file(">u2", "(2,)", 4),
                file("<c16", "(1,)", 16), file("=f4", "(0,)", 0), file("<f8", "(1, 2)", 16)});
  return {std::move(seeds),
          {"'descr': ", "'fortran_order': ", "'shape': ", "True", "False", "(1,)", "(0, 1)", "()",
           "'<f4'", "'>f8'", "'|b1'", "'>c16'", "18446744073709551615", "4294967296", ", ", "}",
           "\n", "\x93NUMPY\x03"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
