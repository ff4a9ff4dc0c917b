// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sokr/sokr.hpp>

#include "expectations.hpp"
#include "opened.hpp"
#include "run.hpp"
#include "steps.hpp"

namespace sokr::check {
namespace {

using conformance::Expect;
using conformance::Precision;
using conformance::Verdict;

void try_rule(const Request& request, std::uint32_t index,
              const std::vector<substrate::Sample>& samples, std::size_t rule,
              const Channel& channel) {
  const Opened opened = open_plugin(request.plugin);
  if (!opened.plugin || index >= opened.plugin->substrate_count) {
    channel.send(kFound, "opened again, it does not offer this substrate");
    return;
  }
  const substrate::Subject subject{opened.main, opened.host, opened.plugin,
                                   index,       samples,     channel.doing()};
  const substrate::Outcome outcome = substrate::check_rule(subject, rule);
  for (const std::string& what : outcome.found) channel.send(kFound, what);
  if (!outcome.not_tried.empty() && outcome.found.empty())
    channel.send(kNotTried, outcome.not_tried);
}

// A host that knows this plugin and the IR plugins, and nothing else.
ContextOptions alone(const Request& request) {
  ContextOptions options;
  options.plugin_paths = {request.plugin};
  options.plugin_paths.insert(options.plugin_paths.end(), request.readers.begin(),
                              request.readers.end());
  options.options = {{"host.plugins", "named"}};
  return options;
}

std::optional<Substrate> find(const Context& context, const std::string& name) {
  for (const Substrate& substrate : context.substrates())
    if (substrate.name() == name) return substrate;
  return std::nullopt;
}

void try_host(const Request& request, const std::string& name, const Channel& channel) {
  const Context context(alone(request));
  if (find(context, name)) return;
  for (const Unavailable& missing : context.unavailable())
    channel.send(kFound, fmt::format("{}: {}", missing.name, missing.reason));
  if (context.unavailable().empty()) channel.send(kFound, "a host does not offer it");
}

// The context of all kernels of one child.
struct Suite {
  explicit Suite(const Request& request, const std::string& name)
      : context(alone(request)), substrate(find(context, name)) {}
  Context context;
  std::optional<Substrate> substrate;
};

// What others promise is what Vulkan does; ours give more.
Precision precision_of(const conformance::Profile& profile) {
  const bool is_ours = profile.name == "cpu" || profile.name == "reference";
  return is_ours ? Precision::kStrict : Precision::kVulkan;
}

void try_kernel(const Request& request, const conformance::Entry& entry, Suite& suite,
                const Channel& channel) {
  if (!suite.substrate) return channel.send(kNotTried, "a host does not offer the substrate");
  const conformance::Profile profile = conformance::profile_of(suite.substrate->info());
  const auto expected = conformance::expectation(profile, entry);
  const conformance::Outcome outcome = conformance::run(
      suite.context, *suite.substrate, request.modules, entry, entry.make(), precision_of(profile));
  if (outcome.verdict == Verdict::kUnsupported) channel.send(kRefused, outcome.text);
  if (outcome.verdict != Verdict::kFailed) return;
  if (expected.expect == Expect::kWrong) return channel.send(kKnownWrong, expected.reason);
  channel.send(kFound, outcome.text);
}

void add_kernels(const Request& request, const Offered& offered, std::vector<Trial>& trials) {
  constexpr const char* kSays =
      "a kernel gives what the suite reckons on the host, or is refused with a sentence";
  if (request.modules.empty() || request.readers.empty()) {
    trials.push_back({"kernels", "kernels", kSays, [](const Channel& channel) {
                        channel.send(
                            kFound,
                            "none can be tried: they are in share/sokr/examples beside the "
                            "program, and sokr-ir-spirv.so, which reads them, beside the "
                            "libraries, and one of the two is missing");
                      }});
    return;
  }
  const auto entries =
      std::make_shared<const std::vector<conformance::Entry>>(conformance::all_cases());
  const auto suite = std::make_shared<std::unique_ptr<Suite>>();
  for (const conformance::Entry& entry : *entries) {
    trials.push_back({"kernels", fmt::format("{}/{}", entry.module, entry.variant), kSays,
                      [&request, name = offered.name, entries, &entry, suite](const Channel& to) {
                        if (!*suite) *suite = std::make_unique<Suite>(request, name);
                        try_kernel(request, entry, **suite, to);
                      },
                      false, true});
  }
}

}  // namespace

std::vector<Trial> substrate_trials(const Request& request, const Offered& offered) {
  const auto samples = samples_of(request, offered);
  const auto rules = substrate::conformance_rules();
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    trials.push_back({rules[i].group, rules[i].id, rules[i].says,
                      [&request, index = offered.index, samples, i](const Channel& channel) {
                        try_rule(request, index, samples, i, channel);
                      },
                      rules[i].group == std::string_view("loading")});
  }
  const auto behind = std::find_if(trials.begin(), trials.end(),
                                   [](const Trial& trial) { return !trial.is_first; });
  trials.insert(behind,
                {"loading", "PLG-5", "a host offers it, and what the file declares is what it has",
                 [&request, name = offered.name](const Channel& channel) {
                   try_host(request, name, channel);
                 }});
  const auto& formats = offered.formats;
  if (std::find(formats.begin(), formats.end(), SOKR_IR_SPIRV) != formats.end())
    add_kernels(request, offered, trials);
  return trials;
}

}  // namespace sokr::check
