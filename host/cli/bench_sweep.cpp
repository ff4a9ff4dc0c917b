// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>

#include "launch_flags.hpp"
#include "scalar.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::string_view kForm =
    "it takes WHAT=FROM:TO:xFACTOR, WHAT=FROM:TO:+STEP or WHAT=A,B,C, such as push.n=1K:64M:x4; "
    "WHAT "
    "is push.MEMBER, spec.ID, local-size, subgroup-size, threads, groups or let.NAME";

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw UsageError(fmt::format("--sweep {}: {}; {}", text, why, kForm));
}

// "64", "4K"; 0 as well, which a specialization constant may be.
std::uint64_t number_of(std::string_view part, std::string_view text) {
  constexpr std::string_view kSuffixes = "KMG";
  std::string_view digits = part;
  unsigned shift = 0;
  if (!digits.empty() && kSuffixes.find(digits.back()) != std::string_view::npos) {
    shift = 10 * static_cast<unsigned>(kSuffixes.find(digits.back()) + 1);
    digits.remove_suffix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || end != digits.data() + digits.size() || value > kMost >> shift) {
    refuse(text, fmt::format("'{}' is no whole number, such as 64 or 4K", part));
  }
  return value << shift;
}

std::vector<std::uint64_t> list_of(std::string_view range, std::string_view text) {
  std::vector<std::uint64_t> values;
  if (range.empty()) refuse(text, "there are no values");
  for (std::size_t begin = 0; begin <= range.size();) {
    const std::size_t end = std::min(range.find(',', begin), range.size());
    values.push_back(number_of(range.substr(begin, end - begin), text));
    begin = end + 1;
  }
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end()) refuse(text, fmt::format("{} stands there twice", *twice));
  return values;
}

std::vector<std::uint64_t> values_of(std::string_view range, std::string_view text) {
  std::vector<std::uint64_t> values;
  const std::size_t first = range.find(':');
  if (first == std::string_view::npos) {
    values = list_of(range, text);
  } else {
    const std::size_t second = range.find(':', first + 1);
    if (second == std::string_view::npos) refuse(text, "the step is missing");
    const std::string_view step = range.substr(second + 1);
    if (step.size() < 2 || (step[0] != 'x' && step[0] != '+')) {
      refuse(text, fmt::format("'{}' is no step", step));
    }
    const std::uint64_t from = number_of(range.substr(0, first), text),
                        to = number_of(range.substr(first + 1, second - first - 1), text),
                        by = number_of(step.substr(1), text);
    const bool multiplies = step[0] == 'x';
    if (by < (multiplies ? 2u : 1u)) refuse(text, fmt::format("'{}' is no step", step));
    if (from > to || (multiplies && from == 0)) {
      refuse(text, fmt::format("from {} there is no way to {}", from, to));
    }
    for (std::uint64_t value = from; value <= to && values.size() <= kMostPoints;) {
      values.push_back(value);
      const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
      if (multiplies ? value > most / by : value > most - by) break;
      value = multiplies ? value * by : value + by;
    }
  }
  if (values.size() > kMostPoints) {
    refuse(text, fmt::format("these are more than {} points", kMostPoints));
  }
  return values;
}

// Whether one of the factors is the name of what is swept.
bool names_it(std::string_view product, const Sweep& sweep) {
  while (!product.empty()) {
    const std::size_t end = std::min(product.find('*'), product.size());
    if (product.substr(0, end) == sweep.name) return true;
    product.remove_prefix(std::min(end + 1, product.size()));
  }
  return false;
}

// "{n}", "{4*n}", "{4*n*2}" become numbers. In the name of a file other braces may stand, which are
// its own.
std::string filled(std::string_view text, const Sweep& sweep, std::uint64_t value, bool is_file) {
  std::string out;
  for (;;) {
    const std::size_t open = text.find('{');
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) return out + std::string(text);
    out += text.substr(0, open);
    std::string_view product = text.substr(open + 1, close - open - 1);
    if (is_file && !names_it(product, sweep)) {
      out += '{';
      text.remove_prefix(open + 1);
      continue;
    }
    const std::string whole(text.substr(open, close - open + 1));
    std::uint64_t result = 1;
    for (bool more = true; more;) {
      const std::size_t end = std::min(product.find('*'), product.size());
      const std::string_view factor = product.substr(0, end);
      std::uint64_t number = value;
      if (factor != sweep.name) {
        const auto [at, error] =
            std::from_chars(factor.data(), factor.data() + factor.size(), number);
        if (error != std::errc() || at != factor.data() + factor.size()) {
          throw UsageError(fmt::format(
              "'{}': in braces stands '{}', alone or times whole numbers, such as {{4*{}}}", whole,
              sweep.name, sweep.name));
        }
      }
      if (__builtin_mul_overflow(result, number, &result)) {
        throw UsageError(fmt::format("'{}' is too large where {} is {}", whole, sweep.name, value));
      }
      more = end < product.size();
      product.remove_prefix(std::min(end + 1, product.size()));
    }
    out += std::to_string(result);
    text.remove_prefix(close + 1);
  }
}

// How many bytes of --push a @FILE gives.
std::uint64_t pushed_bytes(const std::string& file, const std::string& variable) {
  std::error_code error;
  // What a pipe has would be gone for the launch.
  if (std::filesystem::is_other(file, error)) {
    throw UsageError(fmt::format(
        "--sweep {}: '{}' is no file that can be read more than once; give it as a file", variable,
        file));
  }
  std::uint64_t bytes = 0;
  for (const PushItem& item : read_push("@" + file)) bytes += item.bytes.size();
  return bytes;
}

const SokrIrEntryPoint& entry_of(const Kernel& kernel, const std::string& name) {
  try {
    return kernel.entry(name.empty() ? nullptr : name.c_str());
  } catch (const Error& error) {
    throw UsageError(fmt::format("--entry: {}", error.what()));
  }
}

// Replaces the value of --push that lies where the kernel has this member.
void set_push(BenchFlags& flags, const std::string& member, std::uint64_t value,
              const Kernel& kernel) {
  const SokrIrEntryPoint& point = entry_of(kernel, flags.launch.entry);
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < point.push_member_count; ++i) {
    const SokrIrPushMember& one = point.push_members[i];
    if (*one.name) names.emplace_back(one.name);
    if (member != one.name) continue;
    std::uint64_t offset = 0;
    for (std::string& text : flags.launch.push) {
      if (text.starts_with('@')) {
        const std::uint64_t end = offset + pushed_bytes(text.substr(1), "push." + member);
        if (one.offset >= offset && one.offset < end) {
          throw UsageError(fmt::format(
              "--sweep push.{}: the kernel has it at byte {}, which --push takes from the file "
              "'{}'; give it as a value, such as --push u32:0",
              member, one.offset, text.substr(1)));
        }
        offset = end;
        continue;
      }
      std::string changed;
      for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string item = text.substr(begin, end - begin);
        const auto type = scalar_from_name(item.substr(0, item.find(':')));
        if (!type) break;
        const bool is_it = offset == one.offset;
        changed += (changed.empty() ? "" : ",") +
                   (is_it ? fmt::format("{}:{}", scalar_name(*type), value) : item);
        offset += scalar_size(*type);
        if (is_it) {
          text = changed + text.substr(end);
          return;
        }
        begin = end + 1;
      }
    }
    throw UsageError(
        fmt::format("--sweep push.{}: --push gives no value at byte {}, where the kernel has it; "
                    "give one, such "
                    "as --push u32:0",
                    member, one.offset));
  }
  // As 'glslc -O' leaves them.
  if (names.empty() && point.push_member_count > 0) {
    throw UsageError(
        fmt::format("--sweep push.{0}: the kernel does not name its push constants; name the value "
                    "yourself, --sweep let.{0}=..., and write {{{0}}} where --push has it, such as "
                    "--push u32:{{{0}}}",
                    member));
  }
  throw UsageError(
      fmt::format("--sweep push.{}: the kernel's push constants have no such member; "
                  "they have {}",
                  member, names.empty() ? "none" : list_text(names)));
}

// What a kernel does not have changes nothing: the values would be compared with themselves.
void refuse_unknown_constant(const Sweep& sweep, const Kernel& kernel) {
  const SokrIrReflection& reflection = kernel.reflection();
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < reflection.spec_constant_count; ++i) {
    ids.push_back(std::to_string(reflection.spec_constants[i].id));
  }
  if (std::find(ids.begin(), ids.end(), sweep.name) != ids.end()) return;
  throw UsageError(
      fmt::format("--sweep {}: the kernel has no such specialization constant; it has {}",
                  sweep.variable, ids.empty() ? "none" : list_text(ids)));
}

}  // namespace

Sweep parse_sweep(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) refuse(text, "there are no values");
  Sweep sweep;
  sweep.variable = text.substr(0, equals);
  const std::string& what = sweep.variable;
  const bool dotted =
      what.starts_with("push.") || what.starts_with("spec.") || what.starts_with("let.");
  const bool plain =
      what == "local-size" || what == "subgroup-size" || what == "threads" || what == "groups";
  sweep.name = dotted ? what.substr(what.find('.') + 1) : what;
  // A name is a heading of tables.
  const bool one_line =
      std::none_of(what.begin(), what.end(), [](unsigned char c) { return c < 0x20; });
  if ((!dotted && !plain) || sweep.name.empty() || !one_line) {
    refuse(text, fmt::format("'{}' cannot be changed", what));
  }
  sweep.values = values_of(text.substr(equals + 1), text);
  return sweep;
}

BenchFlags at_point(const BenchFlags& flags, const Sweep& sweep, std::uint64_t value,
                    const Kernel& kernel) {
  BenchFlags point = flags;
  LaunchFlags& launch = point.launch;
  const std::string number = std::to_string(value);
  if (sweep.variable == "threads") launch.threads = number;
  if (sweep.variable == "groups") launch.groups = number;
  if (sweep.variable == "local-size") launch.local_size = number;
  if (sweep.variable == "subgroup-size") launch.subgroup_size = number;
  for (std::string* one : {&launch.groups, &launch.threads, &launch.local_size,
                           &launch.subgroup_size, &point.bytes, &point.flops}) {
    *one = filled(*one, sweep, value, false);
  }
  for (auto* list : {&launch.zero, &launch.push, &launch.spec}) {
    for (std::string& one : *list) one = filled(one, sweep, value, one.starts_with('@'));
  }
  for (std::string& one : launch.in) one = filled(one, sweep, value, true);
  if (sweep.variable.starts_with("push.")) set_push(point, sweep.name, value, kernel);
  if (sweep.variable.starts_with("spec.")) {
    refuse_unknown_constant(sweep, kernel);
    const std::string id = sweep.name + '=';
    std::erase_if(launch.spec, [&](const std::string& one) { return one.starts_with(id); });
    launch.spec.push_back(id + number);
  }
  return point;
}

std::string value_text(std::uint64_t value) {
  constexpr const char* kUnits[] = {"", "K", "M", "G", "T"};
  std::size_t unit = 0;
  while (value >= 1024 && value % 1024 == 0 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{}{}", value, kUnits[unit]);
}

}  // namespace sokr::cli
