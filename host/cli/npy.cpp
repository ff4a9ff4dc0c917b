// SPDX-License-Identifier: MIT OR Apache-2.0
#include "npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <sokr/sokr.hpp>
#include <system_error>

#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr bool kLittle = std::endian::native == std::endian::little;
constexpr std::size_t kMaxAxes = 64;  // NumPy's

// Indexed by SokrIrScalar, without the byte order.
constexpr std::array<std::string_view, 12> kDescrs{"b1", "i1", "u1", "i2", "u2", "f2",
                                                   "i4", "u4", "f4", "i8", "u8", "f8"};
// Read, but not written: a complex number is two floats.
struct Complex {
  std::string_view descr;
  const char* name;
  SokrIrScalar part;
};
constexpr std::array<Complex, 2> kComplex{
    {{"c8", "complex64", SOKR_IR_F32}, {"c16", "complex128", SOKR_IR_F64}}};

class Reader {
 public:
  Reader(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(SOKR_INVALID_INPUT, fmt::format("{}: {}", name_, what));
  }

  bool take(char c) {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) refuse(fmt::format("its .npy header is malformed: '{}' is missing", c));
  }

  std::string_view string() {
    skip_spaces();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    if (quote != '\'' && quote != '"') refuse("its .npy header is malformed: a string is missing");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) refuse("its .npy header is malformed: a string has no end");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  void expect_end() {
    skip_spaces();
    if (!rest_.empty()) {
      refuse("its .npy header is malformed: something follows the closing '}'");
    }
  }

  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return word == "True";
    }
    refuse("its .npy header is malformed: fortran_order is neither True nor False");
  }

  std::uint64_t number() {
    skip_spaces();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) refuse("its .npy header is malformed: the shape is no list of sizes");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::vector<std::uint64_t> shape() {
    std::vector<std::uint64_t> sizes;
    expect('(');
    while (!take(')')) {
      sizes.push_back(number());
      if (sizes.size() > kMaxAxes) {
        refuse(fmt::format("its .npy shape has more than {} axes, which NumPy does not have",
                           kMaxAxes));
      }
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

 private:
  void skip_spaces() {
    const std::size_t start = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  }

  std::string_view rest_, name_;
};

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i - 1]);
  }
  return value;
}

void read_descr(NpyHeader& header, std::uint32_t& swap_size, const Reader& reader) {
  const std::string_view descr = header.descr;
  const char order = descr.empty() ? '\0' : descr[0];
  const std::string_view type = descr.substr(std::min<std::size_t>(1, descr.size()));
  if (order != '<' && order != '>' && order != '|' && order != '=') {
    reader.refuse(fmt::format("its .npy dtype '{}' is not one of a number", printable(descr)));
  }
  swap_size = 0;
  for (std::size_t i = 0; i < kDescrs.size(); ++i) {
    if (type != kDescrs[i]) continue;
    swap_size = header.item_size = static_cast<std::uint32_t>(type[1] - '0');
    header.type = i == SOKR_IR_BOOL ? SOKR_IR_U8 : static_cast<SokrIrScalar>(i);
  }
  for (const Complex& known : kComplex) {
    if (type != known.descr) continue;
    header.type = known.part;
    swap_size = scalar_size(known.part);
    header.item_size = 2 * swap_size;
  }
  if (swap_size == 0) {
    reader.refuse(
        fmt::format("its .npy dtype '{}' is not one of bool, i1 to i8, u1 to u8, f2 to "
                    "f8, c8, c16; convert it with astype",
                    printable(descr)));
  }
  header.swapped = swap_size > 1 && (order == '>') == kLittle && order != '=' && order != '|';
}

void read_dictionary(std::string_view text, NpyHeader& header, std::uint32_t& swap_size,
                     std::string_view name) {
  Reader reader(text, name);
  bool has_descr = false, has_shape = false;
  std::optional<bool> fortran;
  reader.expect('{');
  while (!reader.take('}')) {
    const std::string_view key = reader.string();
    reader.expect(':');
    if (key == "descr") {
      if (reader.take('[')) {
        reader.refuse("its .npy dtype is a structure; store the fields as separate arrays");
      }
      header.descr = reader.string();
      has_descr = true;
    } else if (key == "fortran_order") {
      fortran = reader.boolean();
    } else if (key == "shape") {
      header.shape = reader.shape();
      has_shape = true;
    } else {
      reader.refuse(fmt::format("its .npy header has the unknown key '{}'", printable(key)));
    }
    if (!reader.take(',')) {
      reader.expect('}');
      break;
    }
  }
  reader.expect_end();
  if (!has_descr || !fortran || !has_shape) {
    reader.refuse("its .npy header lacks descr, fortran_order or shape");
  }
  read_descr(header, swap_size, reader);
  if (*fortran && header.shape.size() > 1) {
    reader.refuse("its .npy array is in Fortran order; store it with numpy.ascontiguousarray");
  }
}

NpyHeader read_header(std::span<const std::byte> file, std::string_view name,
                      std::uint32_t& swap_size) {
  const auto refuse = [&](const std::string& what) {
    return Error(SOKR_INVALID_INPUT, fmt::format("{}: {}", name, what));
  };
  if (!is_npy(file)) throw refuse("it is no .npy file: it does not begin with \\x93NUMPY");
  if (file.size() < 10) throw refuse("its .npy header is cut off");
  const auto major = std::to_integer<unsigned>(file[6]);
  const auto minor = std::to_integer<unsigned>(file[7]);
  if (major < 1 || major > 3) {
    throw refuse(
        fmt::format("its .npy format version is {}.{}; 1.0 to 3.0 are understood", major, minor));
  }
  const std::size_t length_size = major == 1 ? 2 : 4;
  const std::size_t start = 8 + length_size;
  if (file.size() < start) throw refuse("its .npy header is cut off");
  const std::uint64_t length = little_endian(file.subspan(8, length_size));
  if (length > file.size() - start) {
    throw refuse(fmt::format("its .npy header is cut off: {} bytes announced, {} there", length,
                             file.size() - start));
  }
  NpyHeader header;
  read_dictionary({reinterpret_cast<const char*>(file.data()) + start, length}, header, swap_size,
                  name);
  header.data_offset = start + length;
  header.data_size = header.item_size;
  for (const std::uint64_t size : header.shape) {
    if (__builtin_mul_overflow(header.data_size, size, &header.data_size)) {
      throw refuse("its .npy shape has more bytes than 64 bits can count");
    }
  }
  if (header.data_size != file.size() - header.data_offset) {
    throw refuse(fmt::format("its .npy header announces {} bytes of data; {} are there",
                             header.data_size, file.size() - header.data_offset));
  }
  return header;
}

}  // namespace

bool is_npy(std::span<const std::byte> file) {
  return std::string_view(reinterpret_cast<const char*>(file.data()), file.size())
      .starts_with(kMagic);
}

NpyHeader read_npy_header(std::span<const std::byte> file, std::string_view name) {
  std::uint32_t swap_size = 0;
  return read_header(file, name, swap_size);
}

std::span<std::byte> read_npy(std::span<std::byte> file, std::string_view name) {
  std::uint32_t swap_size = 0;
  const NpyHeader header = read_header(file, name, swap_size);
  const std::span<std::byte> data = file.subspan(header.data_offset);
  if (!header.swapped) return data;
  for (std::size_t i = 0; i < data.size(); i += swap_size) {
    const auto item = data.subspan(i, swap_size);
    std::reverse(item.begin(), item.end());
  }
  return data;
}

std::string npy_type_name(const NpyHeader& header) {
  const std::string_view type = std::string_view(header.descr).substr(1);
  if (type == kDescrs[SOKR_IR_BOOL]) return "bool";
  for (const Complex& known : kComplex) {
    if (type == known.descr) return known.name;
  }
  return scalar_numpy_name(header.type);
}

std::string npy_header(SokrIrScalar type, std::span<const std::uint64_t> shape) {
  const std::string_view descr = kDescrs[type];
  std::string sizes;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    sizes += fmt::format("{}{}", i ? ", " : "", shape[i]);
  }
  if (shape.size() == 1) sizes += ',';
  std::string dictionary =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                  descr[1] == '1' ? '|' : '<', descr, sizes);
  // Magic, version, length and dictionary end, with a newline, at a multiple of 64.
  const std::size_t size = (10 + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.resize(size - 10 - 1, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(dictionary.size() & 0xFF),
             static_cast<char>(dictionary.size() >> 8)};
  return header + dictionary;
}

}  // namespace sokr::cli
