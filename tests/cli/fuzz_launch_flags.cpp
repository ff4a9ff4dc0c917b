// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any texts behind the launch flags: refused with a sentence, or a request that, written in its
// shortest form, is read as the same. A line of the input is a flag: a letter, and its text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fuzzing.hpp"
#include "launch_flags.hpp"
#include "scalar.hpp"

namespace {

using namespace sokr;
using namespace sokr::cli;
using fuzzing::require;

struct Given {
  LaunchFlags flags;
  std::vector<std::string> prints;
};

// What --push @FILE names would be opened.
bool names_a_file(char flag, std::string_view text) {
  return flag == 'p' && text.starts_with('@');
}

Given split_flags(std::string_view text) {
  Given given;
  LaunchFlags& flags = given.flags;
  const std::pair<char, std::string*> one[] = {
      {'e', &flags.entry},      {'g', &flags.groups},        {'t', &flags.threads},
      {'l', &flags.local_size}, {'u', &flags.subgroup_size}, {'r', &flags.repeat},
      {'a', &flags.tolerance}};
  const std::pair<char, std::vector<std::string>*> many[] = {
      {'n', &flags.on},   {'i', &flags.in},   {'z', &flags.zero}, {'o', &flags.out},
      {'p', &flags.push}, {'s', &flags.spec}, {'w', &flags.swap}, {'v', &given.prints}};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || names_a_file(line[0], line.substr(1))) continue;
    for (const auto& [letter, value] : one) {
      if (line[0] == letter) *value = line.substr(1);
    }
    for (const auto& [letter, values] : many) {
      if (line[0] == letter) values->emplace_back(line.substr(1));
    }
    if (line[0] == 'c') flags.cast = true;
  }
  return given;
}

std::string extent(const std::optional<Extent>& size) {
  return size ? fmt::format("{},{},{}", (*size)[0], (*size)[1], (*size)[2]) : "";
}

std::string push_text(const PushItem& item) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, item.bytes.data(), item.bytes.size());
  return fmt::format("{}:{}", scalar_name(*item.type), scalar_text(*item.type, bits));
}

std::string print_text(const PrintSpec& print) {
  std::string text = print.where.text();
  if (print.from) {
    text += fmt::format("[{}:{}]", *print.from, print.to ? std::to_string(*print.to) : "");
  }
  if (print.type) text += fmt::format(":{}", scalar_name(*print.type));
  return text;
}

Given shortest(const LaunchRequest& request) {
  Given given;
  LaunchFlags& flags = given.flags;
  flags.on = request.on;
  flags.entry = request.entry.value_or("");
  flags.groups = extent(request.groups);
  flags.threads = extent(request.threads);
  flags.local_size = extent(request.local_size);
  if (request.subgroup_size != 0) flags.subgroup_size = std::to_string(request.subgroup_size);
  if (request.repeat) flags.repeat = std::to_string(*request.repeat);
  if (request.tolerance) {
    flags.tolerance =
        fmt::format("{},{}", request.tolerance->absolute, request.tolerance->relative);
  }
  for (const InputSpec& input : request.inputs) {
    flags.in.push_back(fmt::format("{}={}", input.where.text(), input.file));
  }
  for (const ZeroSpec& zero : request.zeros) {
    flags.zero.push_back(fmt::format("{}={}", zero.where.text(), zero.bytes));
  }
  for (const OutputSpec& output : request.outputs) {
    flags.out.push_back(
        fmt::format("{}={}{}", output.where.text(), output.file,
                    output.npy ? fmt::format(":{}", scalar_name(*output.npy)) : ""));
  }
  for (const PrintSpec& print : request.prints) given.prints.push_back(print_text(print));
  for (const SwapSpec& swap : request.swaps) flags.swap.push_back(swap.text());
  for (const PushItem& item : request.push) flags.push.push_back(push_text(item));
  for (const SpecValueText& spec : request.specs) {
    flags.spec.push_back(fmt::format("{}={}", spec.id, spec.value));
  }
  flags.cast = request.cast;
  return given;
}

void require_same(const Given& a, const Given& b) {
  const LaunchFlags &x = a.flags, &y = b.flags;
  const auto text = [](const Given& given) {
    const LaunchFlags& flags = given.flags;
    return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", flags.on, flags.entry,
                       flags.groups, flags.threads, flags.local_size, flags.subgroup_size,
                       flags.repeat, flags.tolerance, flags.in, flags.zero, flags.out, given.prints,
                       flags.swap, flags.push, flags.spec);
  };
  require(x.cast == y.cast && text(a) == text(b), text(a) + " and " + text(b));
}

// What the sizes of a request may be, whatever the texts were.
void require_sizes(const LaunchRequest& request) {
  require(request.groups.has_value() != request.threads.has_value());
  for (const auto& size : {request.groups, request.threads, request.local_size}) {
    if (!size) continue;
    for (const std::uint32_t one : *size) require(one != 0);
  }
  for (const ZeroSpec& zero : request.zeros) require(zero.bytes != 0 && zero.bytes <= PTRDIFF_MAX);
  for (const PushItem& item : request.push) require(item.bytes.size() == scalar_size(*item.type));
  for (const PrintSpec& print : request.prints) {
    require(!print.to || (print.from && *print.from < *print.to));
  }
  for (const SwapSpec& swap : request.swaps) require(swap.a != swap.b);
  if (request.tolerance) {
    require(request.tolerance->absolute >= 0 && request.tolerance->relative >= 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Given given = split_flags({reinterpret_cast<const char*>(data), size});
  LaunchRequest request;
  try {
    request = read_launch_flags(given.flags, given.prints);
  } catch (const UsageError& error) {
    require(*error.what() != '\0');
    return 0;
  }
  require_sizes(request);
  const Given written = shortest(request);
  try {
    require_same(written, shortest(read_launch_flags(written.flags, written.prints)));
  } catch (const UsageError& error) {
    require(false, error.what());
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  return {{"t1000000\npu32:1000000,f32:3\ni0.0=x.npy\ni0.1=y.npy\no0.1=result.npy:f32",
           "g4,2\nl8,8\nu32\nz0.0=64K\ns0=64\ns3=1.5\nv0.0[:8]",
           "t64\nncpu,reference\na1e-5,1e-3\no0.1=x.bin\nw0.0,0.1\nr3\nc",
           "g1\nv3.1[2][4:8]:u16\nv0.1[3:]\npu8:1,i64:-1\npf16:nan\nemain"},
          {"\ng",         "\nt",  "\nl",   "\nv",        "\nz",        "\no",
           "\np",         "\ns",  "\nw",   "\na",        "\nn",        "[",
           "]",           "[:8]", "[0:1]", "0.0",        "0.1[2]",     "=",
           ",",           ":",    ":f32",  ".npy:f32",   ".npy",       "u8:",
           "f16:",        "f64:", "bool:", "4294967295", "4294967296", "18446744073709551615",
           "8589934591G", "1K",   "inf",   "nan",        "-0",         "1e308"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
