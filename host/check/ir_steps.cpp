// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include "opened.hpp"
#include "steps.hpp"

namespace sokr::check {
namespace {

// Rules that look at nothing but kernels.
bool needs_kernels(std::string_view rule) {
  return rule != "table" && rule != "recognition";
}

void try_rule(const Request& request, const std::vector<ir::Sample>& kernels, std::size_t rule,
              const Channel& channel) {
  ir::Subject subject;
  subject.plugin = open_plugin(request.plugin).ir;
  subject.samples = kernels;
  subject.doing = channel.doing();
  if (kernels.empty() && needs_kernels(ir::conformance_rules()[rule].name)) {
    channel.send(kNotTried, "no kernel of its format is known here; give one with --seed");
    return;
  }
  for (const std::filesystem::path& reader : request.readers)
    if (const SokrIrPlugin* plugin = open_reader(reader)) subject.readers.push_back(plugin);
  for (const ir::Finding& finding : ir::check_rule(subject, rule)) {
    channel.send(kFound, finding.sample.empty()
                             ? finding.what
                             : fmt::format("{}: {}", finding.sample, finding.what));
  }
}

}  // namespace

std::vector<Trial> ir_trials(const Request& request, const Offered& offered) {
  const auto kernels = kernels_of(request, offered.formats[0]);
  const auto rules = ir::conformance_rules();
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    trials.push_back(
        {"IR plugin", rules[i].name, rules[i].says,
         [&request, kernels, i](const Channel& channel) { try_rule(request, kernels, i, channel); },
         i == 0});
  }
  return trials;
}

}  // namespace sokr::check
