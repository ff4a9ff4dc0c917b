// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>
#include <sokr/compute.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <sokr/sokr.hpp>

#include "steps.hpp"

namespace sokr::check {
namespace {

constexpr std::uint32_t kNull = 0x4E554C4C, kPorts = 0x504F5254, kWgsl = 0x5747534C;

std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

std::vector<std::uint8_t> params_of(const SokrLaunch& launch) {
  std::vector<std::uint8_t> params(sokr_launch_size(&launch));
  sokr_launch_write(&launch, params.data(), params.size());
  return params;
}

std::optional<std::vector<std::uint8_t>> module(const Request& request, const char* name) {
  if (request.modules.empty()) return std::nullopt;
  try {
    const auto read = read_file(request.modules / (std::string(name) + ".spv"));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(read.data());
    return std::vector<std::uint8_t>(bytes, bytes + read.size());
  } catch (const Error&) {
    return std::nullopt;
  }
}

// ---- Substrates ------------------------------------------------------------------------------

// A launch of long_loop, which counts to `iterations` in a buffer of 128 bytes.
substrate::Sample loop(std::vector<std::uint8_t> ir, std::uint32_t iterations, bool takes_long) {
  substrate::Sample sample;
  sample.name = fmt::format("a loop of {}", iterations);
  sample.format = SOKR_IR_SPIRV;
  sample.ir = std::move(ir);
  sample.takes_long = takes_long;
  sample.memory = std::make_shared<std::vector<std::byte>>(128);
  const SokrBinding binding{.kind = SOKR_BINDING_HOST,
                            .access = SOKR_ACCESS_READ_WRITE,
                            .resource = reinterpret_cast<std::uint64_t>(sample.memory->data()),
                            .size = sample.memory->size()};
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  launch.push = &iterations;
  launch.push_size = sizeof iterations;
  sample.params = params_of(launch);
  return sample;
}

// As many as take a tenth of a second or more where it is fast, and a few where it is slow.
std::uint32_t many_iterations(std::uint32_t kind) {
  switch (kind) {
    case SOKR_KIND_CPU:
      return 100'000'000;
    case SOKR_KIND_REFERENCE:
      return 20'000;
    case SOKR_KIND_OTHER:
      return 1'000'000;
    default:
      return 20'000'000;
  }
}

substrate::Sample of_null(const char* name, std::uint32_t behaviour) {
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.push = &behaviour;
  launch.push_size = sizeof behaviour;
  substrate::Sample sample;
  sample.name = name;
  sample.format = kNull;
  sample.ir = bytes_of("NULL");
  sample.params = params_of(launch);
  sample.fails = behaviour == 1;
  return sample;
}

// ---- IR plugins ------------------------------------------------------------------------------

constexpr const char* kPortTexts[] = {
    "ports 1\nsaxpy # comment\nin n u32\nin a f64\n\nin x f32[]\ninout y f32[,4]\nend\n",
    "ports 1\n\n\nnothing\nend\n", "ports 1\nmany\nout o u8[3,5,7]\nin h f16\nin i i64\nend\n"};

constexpr const char* kWgslTexts[] = {
    R"(struct Params { n: u32, a: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if id.x < params.n { y[id.x] = params.a * x[id.x] + y[id.x]; }
}
)",
    R"(@id(7) override width: u32 = 4;
override twice = width * 2u;
var<workgroup> kept: array<u32, twice>;
@group(1) @binding(2) var<storage, read_write> sums: array<vec2<u32>>;
@compute @workgroup_size(width, 2)
fn fold(@builtin(local_invocation_index) at: u32, @builtin(workgroup_id) group: vec3<u32>) {
  kept[at] = at * at;
  workgroupBarrier();
  var sum = 0u;
  for (var i = 0u; i < twice; i += 1u) { sum += kept[i]; }
  sums[group.x] = vec2<u32>(sum, width);
}
)"};

bool is_text(const std::vector<std::uint8_t>& bytes) {
  return std::none_of(bytes.begin(), bytes.end(),
                      [](std::uint8_t c) { return c < 0x20 && !(c >= '\t' && c <= '\r'); });
}

std::size_t whole_from(const Seed& seed) {
  if (seed.whole_from != SIZE_MAX || !is_text(seed.bytes)) return seed.whole_from;
  const auto last =
      std::find_if(seed.bytes.rbegin(), seed.bytes.rend(), [](std::uint8_t c) { return c > 0x20; });
  return static_cast<std::size_t>(seed.bytes.rend() - last);
}

ir::Sample sample_of(const Seed& seed) {
  return {seed.name, seed.bytes, whole_from(seed), {}};
}

}  // namespace

std::vector<substrate::Sample> samples_of(const Request& request, const Offered& offered) {
  std::vector<substrate::Sample> samples;
  for (const std::uint32_t format : offered.formats) {
    if (format == SOKR_IR_SPIRV) {
      const auto ir = module(request, "long_loop");
      if (!ir) continue;
      samples.push_back(loop(*ir, 0, false));
      samples.push_back(loop(*ir, many_iterations(offered.kind), true));
    } else if (format == kNull) {
      samples.push_back(of_null("NULL", 0));
      samples.push_back(of_null("NULL that fails", 1));
    }
  }
  for (const Seed& seed : request.seeds) {
    SokrLaunch launch{};
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    for (const std::uint32_t format : offered.formats) {
      substrate::Sample sample;
      sample.name = seed.name;
      sample.format = format;
      sample.ir = seed.bytes;
      sample.params = params_of(launch);
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

std::vector<ir::Sample> kernels_of(const Request& request, std::uint32_t format) {
  std::vector<ir::Sample> kernels;
  const auto add = [&](std::string name, std::vector<std::uint8_t> bytes) -> ir::Sample& {
    return kernels.emplace_back(sample_of({std::move(name), std::move(bytes)}));
  };
  if (format == SOKR_IR_SPIRV) {
    for (const char* name : {"saxpy", "spec_constants", "descriptor_array"})
      if (auto bytes = module(request, name)) add(name, std::move(*bytes));
  } else if (format == kPorts) {
    for (const char* text : kPortTexts) add(fmt::format("text {}", kernels.size()), bytes_of(text));
  } else if (format == kWgsl) {
    add("saxpy", bytes_of(kWgslTexts[0]));
    add("fold", bytes_of(kWgslTexts[1])).specializations = {{7, 4, 16}};
  }
  for (const Seed& seed : request.seeds) kernels.push_back(sample_of(seed));
  return kernels;
}

}  // namespace sokr::check
