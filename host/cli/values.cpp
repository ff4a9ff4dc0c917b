// SPDX-License-Identifier: MIT OR Apache-2.0
#include "values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

std::uint64_t load(std::span<const std::byte> bytes, SokrIrScalar type, std::uint64_t element) {
  std::uint64_t bits = 0;
  const std::uint32_t size = scalar_size(type);
  std::memcpy(&bits, bytes.data() + element * size, size);
  return bits;
}

std::string one_text(const Plan& plan, const PlannedPrint& print, std::span<const std::byte> bytes,
                     std::size_t width) {
  const PlannedBuffer& buffer = plan.buffers[print.buffer];
  const std::uint64_t count = buffer.size / scalar_size(print.type);
  std::string out =
      fmt::format("{}{}  {}[{}]\n", buffer.where.text(),
                  buffer.name.empty() ? "" : fmt::format(" ({})", printable(buffer.name)),
                  scalar_name(print.type), count);
  // Twice, as there may be millions: their texts would take ten times as much as they do.
  const auto text_of = [&](std::uint64_t i) {
    return scalar_text(print.type, load(bytes, print.type, i));
  };
  std::size_t cell = 0;
  for (std::uint64_t i = print.from; i < print.to; ++i) cell = std::max(cell, text_of(i).size());
  const std::size_t margin = 2 + std::to_string(print.to - 1).size() + 1;
  const std::size_t fit = width > margin ? (width - margin) / (cell + 1) : 0;
  const std::size_t columns = std::bit_floor(std::clamp<std::size_t>(fit, 1, 32));
  for (std::uint64_t i = print.from; i < print.to; ++i) {
    const std::uint64_t at = i - print.from;
    if (at % columns == 0) out += fmt::format("  {:>{}} ", i, margin - 3);
    out += fmt::format(" {:>{}}", text_of(i), cell);
    if (at % columns == columns - 1 || i + 1 == print.to) out += '\n';
  }
  if (print.to < count) out += fmt::format("  ... and {} more\n", count - print.to);
  return out;
}

Json number_json(SokrIrScalar type, std::uint64_t bits) {
  const long double value = scalar_value(type, bits);
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (scalar_is_float(type)) return static_cast<double>(value);
  if (scalar_is_signed(type)) return static_cast<std::int64_t>(value);
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::string values_text(const Plan& plan, std::span<const PageBuffer> memory, std::size_t width) {
  std::string out;
  for (const PlannedPrint& print : plan.prints) {
    out += one_text(plan, print, memory[print.buffer].bytes(), width);
  }
  return out;
}

Json values_json(const Plan& plan, std::span<const PageBuffer> memory) {
  Json all = Json::array();
  for (const PlannedPrint& print : plan.prints) {
    const Selector& where = plan.buffers[print.buffer].where;
    Json values = Json::array();
    for (std::uint64_t i = print.from; i < print.to; ++i) {
      values.push_back(number_json(print.type, load(memory[print.buffer].bytes(), print.type, i)));
    }
    all.push_back({{"set", where.set},
                   {"binding", where.binding},
                   {"index", where.index},
                   {"dtype", scalar_name(print.type)},
                   {"from", print.from},
                   {"values", std::move(values)}});
  }
  return all;
}

}  // namespace sokr::cli
