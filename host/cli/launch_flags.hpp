// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The launch flags, read: what can be known without the kernel. Every mistake is a
// UsageError that names the flag and shows its form.
#ifndef SOKR_CLI_LAUNCH_FLAGS_HPP_
#define SOKR_CLI_LAUNCH_FLAGS_HPP_

#include <sokr/ir.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"

namespace sokr::cli {

// SET.BINDING[INDEX]
struct Selector {
  std::uint32_t set = 0, binding = 0, index = 0;
  auto operator<=>(const Selector&) const = default;
  std::string text() const;
};

struct InputSpec {
  Selector where;
  std::string file;
};

struct ZeroSpec {
  Selector where;
  std::uint64_t bytes = 0;
};

struct OutputSpec {
  Selector where;
  std::string file;
  std::optional<SokrIrScalar> npy;  // the element type, for a .npy file
};

// A part of a buffer, in elements: SET.BINDING[INDEX][FROM:TO].
struct PrintSpec {
  Selector where;
  std::optional<std::uint64_t> from, to;  // none: the first, and as many as fit on a screen
  std::optional<SokrIrScalar> type;       // behind a ':'; none: what the kernel has there
  std::string text;                       // as it was given
};

struct SwapSpec {
  Selector a, b;
  std::string text() const { return a.text() + ',' + b.text(); }
};

// One TYPE:VALUE, or the bytes of a file, which have no type.
struct PushItem {
  std::optional<SokrIrScalar> type;
  std::vector<std::byte> bytes;
};

// |a - b| <= absolute + relative * max(|a|, |b|); NaN agrees with NaN, infinity with itself.
struct Tolerance {
  double absolute = 0, relative = 0;
};

struct SpecValueText {
  std::uint32_t id = 0;
  std::string value;  // read when the kernel has declared its type
};

using Extent = std::array<std::uint32_t, 3>;

struct LaunchRequest {
  std::vector<std::string> on;
  std::optional<std::string> entry;
  std::optional<Extent> groups, threads, local_size;  // at most one of groups and threads
  std::uint32_t subgroup_size = 0;
  std::vector<InputSpec> inputs;
  std::vector<ZeroSpec> zeros;
  std::vector<OutputSpec> outputs;
  std::vector<PrintSpec> prints;
  std::vector<SwapSpec> swaps;
  std::vector<PushItem> push;
  std::vector<SpecValueText> specs;
  std::optional<std::uint32_t> repeat;
  std::optional<Tolerance> tolerance;
  bool cast = false;
};

LaunchRequest read_launch_flags(const LaunchFlags& flags,
                                const std::vector<std::string>& prints = {});

// "0=64" of each --spec.
std::vector<SpecValueText> parse_specs(const std::vector<std::string>& texts);
// A number of at least 1 that fits into 32 bits.
std::uint32_t parse_count(std::string_view text, std::string_view flag);
// "3.1[2]"; `flag` and `whole` are for the sentence.
Selector parse_selector(std::string_view text, std::string_view flag, std::string_view whole);
// "64", "4K", "1M", "2G".
std::uint64_t parse_bytes(std::string_view text, std::string_view flag);
// "f32:1.5,u32:7"
std::vector<PushItem> parse_push(std::string_view text);
// The same, or "@FILE", which is read.
std::vector<PushItem> read_push(std::string_view text);
// "0.1[:8]", "0.1[2][0:8]:u16"
PrintSpec parse_print(std::string_view text);
// The names of --on: several flags, and several names in one.
std::vector<std::string> parse_names(const std::vector<std::string>& flags);

}  // namespace sokr::cli

#endif  // SOKR_CLI_LAUNCH_FLAGS_HPP_
