// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any text as the files that the kernel writes about control groups: a number of processors in
// range, the tightest of what was read, after work in proportion to the text. The input is texts
// that end at a byte of zero: the membership, then what the files hold, in turn.
#include <algorithm>
#include <cmath>

#include "fuzzing.hpp"
#include "runtime/threads.hpp"

namespace {

using sokr::cpu::cgroup_processors;
using sokr::fuzzing::require;

constexpr unsigned kNoLimit = 4096;

// Whole numbers, "GRANTED PERIOD\n", as the kernel writes them; none for any other text.
std::optional<unsigned> plain_quota(const std::string& text) {
  unsigned long long granted = 0, period = 0;
  int end = 0;
  if (text.find_first_not_of("0123456789 \n") != std::string::npos) return std::nullopt;
  // One number of many digits is not two.
  if (std::count(text.begin(), text.end(), ' ') != 1) return std::nullopt;
  if (std::sscanf(text.c_str(), "%9llu %9llu%n", &granted, &period, &end) != 2) return std::nullopt;
  if (text.substr(static_cast<std::size_t>(end)) != "\n" || text.front() == ' ')
    return std::nullopt;
  if (granted == 0 || period == 0 || granted > kNoLimit * period) return std::nullopt;
  return static_cast<unsigned>((granted + period - 1) / period);
}

std::vector<std::string> texts_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> texts(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == 0) {
      texts.emplace_back();
    } else {
      texts.back() += static_cast<char>(data[i]);
    }
  }
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> texts = texts_of(data, size);
  const std::string& membership = texts.front();
  std::size_t reads = 0;
  unsigned most = kNoLimit;
  const auto read = [&](const std::string& path) -> std::string {
    ++reads;
    require(path.starts_with("mounts/") && path.size() <= membership.size() + 40, path);
    const std::string name = path.substr(path.rfind('/') + 1);
    require(name == "cpu.max" || name == "cpu.cfs_quota_us" || name == "cpu.cfs_period_us", name);
    if (texts.size() == 1) return {};
    const std::string& text = texts[1 + (reads - 1) % (texts.size() - 1)];
    if (name == "cpu.max") most = std::min(most, plain_quota(text).value_or(kNoLimit));
    return text;
  };
  const unsigned processors = cgroup_processors(membership, "mounts", read);
  require(processors >= 1 && processors <= most);
  require(reads <= 2 * membership.size());
  // The same again, and no limit where no file can be read.
  reads = 0;
  require(cgroup_processors(membership, "mounts", read) == processors);
  require(cgroup_processors(membership, "mounts", [](const auto&) { return std::string(); }) ==
          kNoLimit);
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  using namespace std::string_literals;
  return {{"0::/outer/inner\n\0max 100000\n\0250000 100000\n\0"s, "0::/\n\0150000 100000\n"s,
           "5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n0::/\n\0200000\n\0100000\n"s,
           "4:cpu:/../..\n\0-1\n\0100000\n"s},
          {"0::/", "4:cpu:/", ":cpu,", ",cpu,", "/a", "/..", "\n", "\0"s, "\0max 100000\n"s,
           "\0"
           "50000 100000\n"s,
           "\0"
           "1\n"s,
           "\0-1\n"s, "nan", "inf", "1e300", "1e-300", "0x10", "//"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
