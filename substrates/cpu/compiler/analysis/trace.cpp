// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/trace.hpp"

#include <algorithm>
#include <iterator>

#include "compiler/analysis/print.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {
namespace {

constexpr const char* kStageNames[] = {"lower",  "aggregates", "promote", "if-convert",
                                       "unroll", "contract",   "tables",  "uniformity",
                                       "ranges", "plan",       "emit",    "optimise"};
static_assert(std::size(kStageNames) == kStages);

constexpr const char* kPartNames[] = {
#define SOKR_PART(part, name) name,
#include "compiler/analysis/parts.def"
#undef SOKR_PART
};

template <class Enum>
std::optional<Enum> named(std::span<const char* const> names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

const char* stage_name(Stage stage) {
  return kStageNames[static_cast<std::size_t>(stage)];
}
std::optional<Stage> stage_named(std::string_view name) {
  return named<Stage>(kStageNames, name);
}
const char* part_name(Part part) {
  return kPartNames[static_cast<std::size_t>(part)];
}
std::optional<Part> part_named(std::string_view name) {
  return named<Part>(kPartNames, name);
}

Trace::Trace(std::span<const Stage> wanted, Sink sink) : sink_(std::move(sink)) {
  for (Stage stage : wanted) wanted_ |= 1u << static_cast<unsigned>(stage);
}

void Trace::stage(Stage stage, std::string_view function,
                  const std::function<std::string()>& text) {
  if (wants(stage)) sink_(stage, function, text());
}

void Trace::at(std::uint32_t block, const Inst& inst) {
  block_ = block;
  inst_ = &inst;
}

void Trace::add(Decisions& to, std::string decision) {
  auto same = std::ranges::find(to, decision, &Decisions::value_type::first);
  if (same != to.end())
    ++same->second;
  else
    to.emplace_back(std::move(decision), 1);
}

void Trace::access(std::string decision) {
  if (wants(Stage::kPlan) && inst_) add(accesses_[{block_, inst_}], std::move(decision));
}

void Trace::construct(std::uint32_t construct, std::string decision) {
  if (wants(Stage::kPlan)) add(constructs_[construct], std::move(decision));
}

void Trace::variable(std::uint32_t id, std::string decision) {
  if (wants(Stage::kPlan)) add(variables_[id], std::move(decision));
}

std::string Trace::text_of(const Decisions& decisions, std::string_view indent) {
  std::string out;
  for (const auto& [text, times] : decisions)
    out += fmt::format("{}{}{}\n", indent, text, times > 1 ? fmt::format(" (x{})", times) : "");
  return out;
}

std::string Trace::take_plan(const Program& program) {
  const Printer printer(program);
  std::string out;
  for (const auto& [id, decisions] : variables_)
    out += fmt::format("variable {}:\n{}", printer.value(id), text_of(decisions, "  "));
  for (const auto& [construct, decisions] : constructs_)
    out += fmt::format("{}:\n{}", printer.construct(construct), text_of(decisions, "  "));
  std::uint32_t before = kNone;
  for (const auto& [place, decisions] : accesses_) {
    if (place.first != before) out += fmt::format("block {}:\n", place.first);
    before = place.first;
    out += fmt::format("  {}\n{}", printer.instruction(*place.second), text_of(decisions, "    "));
  }
  variables_.clear();
  constructs_.clear();
  accesses_.clear();
  inst_ = nullptr;
  return out;
}

}  // namespace sokr::cpu
