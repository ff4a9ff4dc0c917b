// SPDX-License-Identifier: MIT OR Apache-2.0
#include "options.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <system_error>

namespace sokr::vulkan {
namespace {

std::optional<std::string> find(const substrate::Host& host, std::string_view key) {
  if (auto option = host.option(key)) return std::string(*option);
  std::string variable = "SOKR_";
  for (char c : key) {
    variable += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  if (const char* value = ::secure_getenv(variable.c_str()); value && *value) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const std::optional<std::uint64_t> number = parse_number(text);
  return number && *number != 0 ? number : std::nullopt;
}

std::optional<std::uint32_t> parse_api(std::string_view text) {
  if (text == "1.1") return VK_API_VERSION_1_1;
  if (text == "1.2") return VK_API_VERSION_1_2;
  if (text == "1.3") return VK_API_VERSION_1_3;
  return std::nullopt;
}

std::optional<Staging> parse_staging(std::string_view text) {
  if (text == "auto") return Staging::kAuto;
  if (text == "direct") return Staging::kDirect;
  if (text == "copy") return Staging::kCopy;
  return std::nullopt;
}

std::optional<QueueChoice> parse_queue(std::string_view text) {
  if (text == "auto") return QueueChoice::kAuto;
  if (text == "compute") return QueueChoice::kCompute;
  if (text == "graphics") return QueueChoice::kGraphics;
  return std::nullopt;
}

std::optional<TransferChoice> parse_transfer(std::string_view text) {
  if (text == "auto") return TransferChoice::kAuto;
  if (text == "off") return TransferChoice::kOff;
  return std::nullopt;
}

std::optional<Probe> parse_probe(std::string_view text) {
  if (text == "off") return Probe::kOff;
  if (text == "devices") return Probe::kDevices;
  if (text == "kernels") return Probe::kKernels;
  return std::nullopt;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "1" || text == "on" || text == "true") return true;
  if (text == "0" || text == "off" || text == "false") return false;
  return std::nullopt;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    if (comma != 0) names.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

template <class T, class Parse>
void read(const substrate::Host& host, std::string_view key, std::string_view expected, Parse parse,
          T& out) {
  std::optional<std::string> text = find(host, key);
  if (!text) return;
  if (auto value = parse(*text)) {
    out = *value;
  } else {
    host.log_warning("{} is '{}', expected {}; the default is used", key, *text, expected);
  }
}

}  // namespace

bool Options::is_disabled(std::string_view name) const {
  return std::find(disabled.begin(), disabled.end(), name) != disabled.end();
}

Options read_options(const substrate::Host& host) {
  Options options;
  options.loader = find(host, "vulkan.loader").value_or(options.loader);
  options.disabled = split(find(host, "vulkan.disable").value_or(""));
  read(host, "vulkan.api", "1.1, 1.2 or 1.3", parse_api, options.api);
  read(host, "vulkan.validation", "0 or 1", parse_switch, options.validation);
  read(host, "vulkan.staging", "auto, direct or copy", parse_staging, options.staging);
  read(host, "vulkan.cache_bytes", "a number of bytes", parse_number, options.cache_bytes);
  read(host, "vulkan.staging_bytes", "a number of bytes", parse_number, options.staging_bytes);
  read(host, "vulkan.import_bytes", "a number of bytes", parse_number, options.import_bytes);
  read(host, "vulkan.kernel_bytes", "a number of bytes", parse_number, options.kernel_bytes);
  read(host, "vulkan.in_flight", "a number from 1", parse_count, options.in_flight);
  read(host, "vulkan.collect", "a number from 1", parse_count, options.collect);
  read(host, "vulkan.in_flight_bytes", "a number of bytes", parse_number, options.in_flight_bytes);
  read(host, "vulkan.queue", "auto, compute or graphics", parse_queue, options.queue);
  read(host, "vulkan.transfer", "auto or off", parse_transfer, options.transfer);
  read(host, "vulkan.robust", "on or off", parse_switch, options.robust);
  read(host, "vulkan.spin_us", "a number of microseconds", parse_number, options.spin_us);
  read(host, "vulkan.slice_ms", "a number of milliseconds", parse_number, options.slice_ms);
  read(host, "vulkan.probe", "off, devices or kernels", parse_probe, options.probe);
  read(host, "vulkan.probe_ms", "a number of milliseconds from 1", parse_count, options.probe_ms);
  options.probe_program = find(host, "vulkan.probe_program").value_or("");
  read(host, "vulkan.patience_ms", "a number of milliseconds", parse_number, options.patience_ms);
  // Who opens the plugin refuses a word that is none.
  if (const auto strictness = spirv::strictness_from(host.option("spirv.validate")))
    options.strictness = *strictness;
  return options;
}

}  // namespace sokr::vulkan
