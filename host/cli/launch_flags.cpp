// SPDX-License-Identifier: MIT OR Apache-2.0
#include "launch_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sokr/sokr.hpp>
#include <system_error>

#include "input_file.hpp"
#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

// Far more than any kernel takes, and no file that was named by mistake.
constexpr std::uint64_t kMostPush = std::uint64_t{1} << 20;

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "left=right", neither of them empty.
std::pair<std::string_view, std::string_view> split_assignment(std::string_view text,
                                                               std::string_view flag,
                                                               std::string_view form) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) {
    throw UsageError(fmt::format("{} {}: it takes {}", flag, text, form));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

Extent parse_extent(std::string_view text, std::string_view flag) {
  const auto parts = split(text, ',');
  if (parts.size() > 3) {
    throw UsageError(fmt::format("{} {}: it takes at most three numbers, X[,Y[,Z]]", flag, text));
  }
  Extent extent{1, 1, 1};
  for (std::size_t i = 0; i < parts.size(); ++i) extent[i] = parse_count(parts[i], flag);
  return extent;
}

std::optional<Extent> optional_extent(const std::string& text, std::string_view flag) {
  if (text.empty()) return std::nullopt;
  return parse_extent(text, flag);
}

OutputSpec parse_output(std::string_view text) {
  const auto [selector, value] = split_assignment(text, "--out", "SET.BINDING[INDEX]=FILE");
  OutputSpec out;
  out.where = parse_selector(selector, "--out", text);
  std::string_view file = value;
  const std::size_t colon = file.rfind(':');
  const std::string_view suffix = colon == std::string_view::npos ? "" : file.substr(colon + 1);
  const auto type = scalar_from_name(suffix);
  if (colon != std::string_view::npos && file.substr(0, colon).ends_with(".npy")) {
    if (!type || *type == SOKR_IR_BOOL) {
      throw UsageError(
          fmt::format("--out {}: '{}' is no dtype; there are {}", text, suffix, scalar_names()));
    }
    out.npy = type;
    file = file.substr(0, colon);
  } else if (file.ends_with(".npy")) {
    throw UsageError(fmt::format("--out {}: a .npy file needs a dtype: {}:f32, or one of {}", text,
                                 value, scalar_names()));
  } else if (type) {
    const std::string_view name = file.substr(0, colon);
    throw UsageError(fmt::format(
        "--out {}: only a .npy file has a dtype; {} for raw bytes, or {}.npy:{} for NumPy", text,
        name, name.substr(0, name.rfind('.')), suffix));
  }
  out.file = file;
  return out;
}

Tolerance parse_tolerance(std::string_view text) {
  const auto parts = split(text, ',');
  Tolerance tolerance;
  const auto read = [](std::string_view part, double& out) {
    return parse_number(part, out) && out >= 0 && std::isfinite(out);
  };
  if (parts.size() > 2 || !read(parts[0], tolerance.absolute) ||
      (parts.size() == 2 && !read(parts[1], tolerance.relative))) {
    throw UsageError(fmt::format(
        "--tolerance {}: it takes ABS[,REL], numbers of at least 0, such as 1e-5,1e-3", text));
  }
  return tolerance;
}

SwapSpec parse_swap(std::string_view text) {
  const auto parts = split(text, ',');
  if (parts.size() != 2) {
    throw UsageError(
        fmt::format("--swap {}: it takes two bindings, A.B,C.D, such as 0.0,0.1", text));
  }
  const SwapSpec swap{parse_selector(parts[0], "--swap", text),
                      parse_selector(parts[1], "--swap", text)};
  if (swap.a == swap.b) {
    throw UsageError(
        fmt::format("--swap {}: both are binding {}; it takes two", text, swap.a.text()));
  }
  return swap;
}

template <class Spec>
void refuse_twice(const std::vector<Spec>& specs, std::string_view flag) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (specs[i].where != specs[j].where) continue;
      throw UsageError(
          fmt::format("{}: binding {} is given twice; name it once", flag, specs[i].where.text()));
    }
  }
}

void refuse_conflicts(const LaunchRequest& request) {
  if (request.groups && request.threads) {
    throw UsageError("--groups and --threads are both given; one of them sets the size");
  }
  if (!request.groups && !request.threads) {
    throw UsageError(
        "neither --groups nor --threads is given; one of them sets the size, such as "
        "--threads 1024");
  }
  if (request.tolerance && request.on.size() < 2) {
    throw UsageError("--tolerance compares what several substrates write; name them with --on A,B");
  }
  if (request.tolerance && request.outputs.empty()) {
    throw UsageError("--tolerance compares outputs; name them with --out SET.BINDING=FILE");
  }
  std::vector<Selector> swapped;
  for (const SwapSpec& swap : request.swaps) {
    for (const Selector& one : {swap.a, swap.b}) {
      if (std::find(swapped.begin(), swapped.end(), one) != swapped.end()) {
        throw UsageError(
            fmt::format("--swap: binding {} is given twice; it has one partner", one.text()));
      }
      swapped.push_back(one);
    }
  }
  refuse_twice(request.inputs, "--in");
  refuse_twice(request.zeros, "--zero");
  refuse_twice(request.outputs, "--out");
  for (const InputSpec& input : request.inputs) {
    for (const ZeroSpec& zero : request.zeros) {
      if (input.where != zero.where) continue;
      throw UsageError(fmt::format(
          "binding {} is given by --in and by --zero; one of them fills it", input.where.text()));
    }
  }
}

}  // namespace

std::string Selector::text() const {
  return index ? fmt::format("{}.{}[{}]", set, binding, index) : fmt::format("{}.{}", set, binding);
}

std::uint32_t parse_count(std::string_view text, std::string_view flag) {
  std::uint32_t value = 0;
  if (!parse_number(text, value) || value == 0) {
    throw UsageError(fmt::format("{}: '{}' is no number from 1 to {}", flag, text, UINT32_MAX));
  }
  return value;
}

Selector parse_selector(std::string_view text, std::string_view flag, std::string_view whole) {
  Selector selector;
  std::string_view index;
  std::string_view place = text;
  bool good = true;
  if (const std::size_t open = place.find('['); open != std::string_view::npos) {
    good = place.ends_with(']');
    index = place.substr(open + 1, place.size() - open - 2);
    good = good && parse_number(index, selector.index);
    place = place.substr(0, open);
  }
  const std::size_t dot = place.find('.');
  good = good && dot != std::string_view::npos &&
         parse_number(place.substr(0, dot), selector.set) &&
         parse_number(place.substr(dot + 1), selector.binding);
  if (!good) {
    throw UsageError(
        fmt::format("{} {}: '{}' names no binding; it takes SET.BINDING or "
                    "SET.BINDING[INDEX], such as 0.1",
                    flag, whole, text));
  }
  return selector;
}

std::uint64_t parse_bytes(std::string_view text, std::string_view flag) {
  constexpr std::string_view kSuffixes = "KMG";
  std::string_view digits = text;
  std::uint64_t unit = 1;
  if (!digits.empty()) {
    const std::size_t suffix = kSuffixes.find(digits.back());
    if (suffix != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (suffix + 1));
      digits.remove_suffix(1);
    }
  }
  std::uint64_t value = 0, bytes = 0;
  if (!parse_number(digits, value) || value == 0 || __builtin_mul_overflow(value, unit, &bytes) ||
      bytes > static_cast<std::uint64_t>(PTRDIFF_MAX)) {
    throw UsageError(
        fmt::format("{}: '{}' is no size; it takes bytes from 1 to {}, or a number "
                    "with K, M or G",
                    flag, text, PTRDIFF_MAX));
  }
  return bytes;
}

std::vector<PushItem> parse_push(std::string_view text) {
  std::vector<PushItem> items;
  for (const std::string_view item : split(text, ',')) {
    const std::size_t colon = item.find(':');
    const auto type = scalar_from_name(item.substr(0, colon));
    if (colon == std::string_view::npos || !type || *type == SOKR_IR_BOOL) {
      throw UsageError(fmt::format("--push {}: '{}' is no TYPE:VALUE; the types are {}", text, item,
                                   scalar_names()));
    }
    const std::uint64_t bits =
        parse_scalar(*type, item.substr(colon + 1), fmt::format("--push {}", item));
    const auto bytes = std::as_bytes(std::span(&bits, 1)).first(scalar_size(*type));
    items.push_back({type, {bytes.begin(), bytes.end()}});
  }
  return items;
}

std::vector<PushItem> read_push(std::string_view text) {
  if (!text.starts_with('@')) return parse_push(text);
  const std::string file(text.substr(1));
  if (file.empty()) throw UsageError("--push @: the name of the file is missing; it takes @FILE");
  std::vector<PushItem> items(1);
  items.front().bytes = read_input(InputFile(file), kMostPush);
  return items;
}

PrintSpec parse_print(std::string_view text) {
  PrintSpec spec;
  spec.text = text;
  std::string_view rest = text;
  const auto refuse = [&](const std::string& what) {
    return UsageError(fmt::format(
        "--print {}: {}; it takes SET.BINDING[INDEX][FROM:TO], such as 0.1[:8]", text, what));
  };
  // The dtype stands behind a colon that is outside of the brackets.
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    spec.type = scalar_from_name(rest.substr(colon + 1));
    if (!spec.type || *spec.type == SOKR_IR_BOOL) {
      throw UsageError(fmt::format("--print {}: '{}' is no dtype; there are {}", text,
                                   rest.substr(colon + 1), scalar_names()));
    }
    rest = rest.substr(0, colon);
  }
  const std::size_t open = rest.rfind('[');
  if (open != std::string_view::npos && rest.ends_with(']') &&
      rest.find(':', open) != std::string_view::npos) {
    const auto bounds = split(rest.substr(open + 1, rest.size() - open - 2), ':');
    const auto read = [&](std::string_view bound, std::optional<std::uint64_t>& out) {
      if (!bound.empty() && !parse_number(bound, out.emplace())) {
        throw refuse(fmt::format("'{}' is no element's number", bound));
      }
    };
    if (bounds.size() != 2) throw refuse("the range has more than two ends");
    read(bounds[0], spec.from);
    read(bounds[1], spec.to);
    if (!spec.from) spec.from = 0;
    if (spec.to && *spec.to <= *spec.from) throw refuse("the range is empty");
    rest = rest.substr(0, open);
  }
  spec.where = parse_selector(rest, "--print", text);
  return spec;
}

std::vector<std::string> parse_names(const std::vector<std::string>& flags) {
  std::vector<std::string> names;
  for (const std::string& text : flags) {
    for (const std::string_view name : split(text, ',')) {
      if (name.empty()) throw UsageError(fmt::format("--on {}: a name is empty", text));
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        throw UsageError(fmt::format("--on {}: '{}' is named twice", text, name));
      }
      names.emplace_back(name);
    }
  }
  return names;
}

std::vector<SpecValueText> parse_specs(const std::vector<std::string>& texts) {
  std::vector<SpecValueText> specs;
  for (const std::string& text : texts) {
    const auto [id, value] = split_assignment(text, "--spec", "ID=VALUE, such as 0=64");
    SpecValueText spec;
    if (!parse_number(id, spec.id)) {
      throw UsageError(
          fmt::format("--spec {}: '{}' is no constant's id; it takes ID=VALUE, such as "
                      "0=64",
                      text, id));
    }
    for (const SpecValueText& other : specs) {
      if (other.id == spec.id) {
        throw UsageError(fmt::format("--spec: constant {} is given twice; name it once", spec.id));
      }
    }
    spec.value = value;
    specs.push_back(std::move(spec));
  }
  return specs;
}

LaunchRequest read_launch_flags(const LaunchFlags& flags, const std::vector<std::string>& prints) {
  LaunchRequest request;
  request.cast = flags.cast;
  request.on = parse_names(flags.on);
  if (!flags.entry.empty()) request.entry = flags.entry;
  request.groups = optional_extent(flags.groups, "--groups");
  request.threads = optional_extent(flags.threads, "--threads");
  request.local_size = optional_extent(flags.local_size, "--local-size");
  if (!flags.subgroup_size.empty()) {
    request.subgroup_size = parse_count(flags.subgroup_size, "--subgroup-size");
  }
  for (const std::string& text : flags.in) {
    const auto [selector, file] = split_assignment(text, "--in", "SET.BINDING[INDEX]=FILE");
    request.inputs.push_back({parse_selector(selector, "--in", text), std::string(file)});
  }
  for (const std::string& text : flags.zero) {
    const auto [selector, size] = split_assignment(text, "--zero", "SET.BINDING[INDEX]=BYTES");
    request.zeros.push_back({parse_selector(selector, "--zero", text),
                             parse_bytes(size, fmt::format("--zero {}", text))});
  }
  for (const std::string& text : flags.out) request.outputs.push_back(parse_output(text));
  for (const std::string& text : prints) request.prints.push_back(parse_print(text));
  for (const std::string& text : flags.swap) request.swaps.push_back(parse_swap(text));
  if (!flags.repeat.empty()) request.repeat = parse_count(flags.repeat, "--repeat");
  if (!flags.tolerance.empty()) request.tolerance = parse_tolerance(flags.tolerance);
  request.specs = parse_specs(flags.spec);
  refuse_conflicts(request);
  for (const std::string& text : flags.push) {
    for (PushItem& item : read_push(text)) request.push.push_back(std::move(item));
  }
  return request;
}

}  // namespace sokr::cli
